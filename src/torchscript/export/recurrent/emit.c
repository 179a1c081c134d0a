/* The calls of recurrent layers as statements, and the values that they give. See
 * recurrent.h. */
#include "torchscript/export/recurrent/recurrent.h"

typedef struct call {
    tdagi_exporter *e;
    const tdagi_recurrent *r;
    const tdagi_rnn_layer *top;
    int64_t id;            /* of the variables */
    int64_t size;          /* of a state */
    bool is_batched;       /* else PyTorch has an axis of size 1 for it */
    const tdagi_kernel *k; /* any: formats want one */
} call;

static const tdagi_rnn_step *step(const call *c, uint32_t i) { return &c->r->steps[i]; }

static void put(const call *c, const char *text) { tdagi_text_add(&c->e->body, text); }

static void put_value(const call *c, uint32_t kernel)
{
    const char *expression = tdagi_export_value(c->e, kernel);
    if (expression != NULL) put(c, expression);
}

/* The states before the first steps: [layers and directions, batch, size]. */
static void put_states(const call *c, uint32_t w)
{
    const tdagi_rnn_layer *top = c->top;
    const uint32_t base = top->base[w];
    const tdagi_kernel *h = tdagi_export_kernel(c->e, top->final[w][0]);
    const tdag_dim shape[3] = {top->n, c->is_batched ? h->shape[0] : 1, c->size};
    bool is_flat = tdagi_export_kernel(c->e, top->first[w][0])->rank == 1;
    bool is_wider = is_flat && c->is_batched;
    if (base != 0 && tdagi_export_kernel(c->e, base)->rank == 0) {
        const tdag_list dims = {3, shape}; /* rows that are one number are slower */
        double value = 0;
        bool is_known = tdagi_export_scalar(c->e, base, &value);
        if (is_known)
            tdagi_export_piece(c->e, h, value == 0 ? "torch.zeros(%l" : "torch.full(%l",
                               &dims);
        else
            tdagi_export_piece(c->e, h, "torch.expand(%v, %l)", base, &dims);
        if (is_known && value != 0) tdagi_export_piece(c->e, h, ", %f", value);
        if (is_known) tdagi_export_piece(c->e, h, ", dtype=%t)", (int)h->dtype);
        return;
    }
    if (is_wider) put(c, "torch.expand(");
    if (is_flat) put(c, "torch.unsqueeze(");
    if (base == 0) put(c, "torch.stack([");
    for (uint32_t i = 0; i < (base != 0 ? 1 : top->n); i++) {
        if (i > 0) put(c, ", ");
        put_value(c, base != 0 ? base : top->first[w][i]);
    }
    if (base == 0) put(c, "])");
    if (is_flat) put(c, ", 1)");
    if (!is_wider) return;
    put(c, ", ");
    tdagi_export_dims(c->e, 3, shape);
    put(c, ")");
}

/* Weights of all layers, from the lowest one on; fetched first, then written. */
static void put_weights(const call *c, const tdagi_rnn_layer *l, bool write)
{
    if (l->below != 0) put_weights(c, &c->r->layers[l->below], write);
    for (uint32_t d = 0; d < 2 && l->of[d] != 0; d++)
        for (uint32_t i = 1; i < 3; i++) {
            const tdagi_rnn_step *s = step(c, l->of[d]);
            if (tdagi_rnn_in(c->e, s->of_x, i) == 0) continue;
            for (uint32_t of = 0; of < 2; of++) {
                uint32_t w = tdagi_rnn_in(c->e, of == 0 ? s->of_x : s->of_h, i);
                const char *expression = tdagi_export_value(c->e, w);
                if (!write || expression == NULL) continue;
                if (l->below != 0 || d + i + of > 1) put(c, ", ");
                put(c, expression);
            }
        }
}

const char *tdagi_rnn_operator(tdagi_rnn_kind kind)
{
    static const char *const names[] = {[TDAGI_RNN_TANH] = "rnn_tanh",
                                        [TDAGI_RNN_RELU] = "rnn_relu",
                                        [TDAGI_RNN_GRU] = "gru",
                                        [TDAGI_RNN_LSTM] = "lstm"};
    return names[kind];
}

static void put_call(const call *c, uint32_t x)
{
    const tdagi_rnn_step *s = step(c, c->top->of[0]);
    bool is_lstm = s->kind == TDAGI_RNN_LSTM;
    put_weights(c, c->top, false);
    tdagi_export_piece(c->e, c->k,
                       is_lstm ? "    %mo%i, %mh%i, %mc%i" : "    %mo%i, %mh%i", c->id,
                       c->id, c->id);
    tdagi_export_piece(c->e, c->k,
                       c->is_batched ? " = torch.%s(%v, "
                                     : " = torch.%s(torch.unsqueeze(%v, 1), ",
                       tdagi_rnn_operator(s->kind), x);
    put(c, is_lstm ? "[" : "");
    put_states(c, 0);
    put(c, is_lstm ? ", " : "");
    if (is_lstm) put_states(c, 1);
    put(c, is_lstm ? "], [" : ", [");
    put_weights(c, c->top, true);
    bool two = c->top->of[1] != 0;
    tdagi_export_piece(c->e, c->k, "], %b, %i, 0., False, %b, %b)\n",
                       (int64_t)(tdagi_rnn_in(c->e, s->of_x, 2) != 0),
                       (int64_t)(c->top->n / (two ? 2 : 1)), (int64_t)two,
                       (int64_t)(s->axis == 1));
}

/* ---- what is read of it ---- */

/* Whether a statement for the kernel is wanted; begins it. */
static bool begin(const call *c, uint32_t kernel)
{
    if (kernel == 0 || c->e->uses[kernel] == 0 || c->e->var[kernel] != NULL)
        return false;
    const char *name = tdagi_export_name(c->e, kernel);
    tdagi_text_printf(&c->e->body, "    %s = ", name);
    return true;
}

/* The rows of o, which every step's state and both directions are. */
static void give_outputs(const call *c, const tdagi_rnn_layer *l)
{
    int64_t axis = step(c, l->of[0])->axis;
    const char *o = c->is_batched ? "%mo%i" : "torch.squeeze(%mo%i, 1)";
    if (begin(c, l->joined)) {
        tdagi_export_piece(c->e, c->k, o, c->id);
        put(c, "\n");
    }
    for (int64_t d = 0; d < 2 && l->of[d] != 0; d++) {
        const char *part = l->of[1] == 0 ? "" : "torch.slice(";
        if (begin(c, l->out[d])) {
            put(c, part);
            tdagi_export_piece(c->e, c->k, o, c->id);
            if (*part != '\0')
                tdagi_export_piece(c->e, c->k, ", -1, %i, %i)", d * c->size,
                                   (d + 1) * c->size);
            put(c, "\n");
        }
        for (uint32_t s = l->of[d]; step(c, s)->next != 0; s = step(c, s)->next) {
            if (!begin(c, step(c, s)->now[0])) continue;
            put(c, part);
            put(c, "torch.select(");
            tdagi_export_piece(c->e, c->k, o, c->id);
            tdagi_export_piece(c->e, c->k, ", %i, %i)", axis, step(c, s)->t);
            if (*part != '\0')
                tdagi_export_piece(c->e, c->k, ", -1, %i, %i)", d * c->size,
                                   (d + 1) * c->size);
            put(c, "\n");
        }
    }
}

static void give_states(const call *c, uint32_t w)
{
    const char *name = w == 0 ? "h" : "c";
    uint32_t stacked = c->top->stacked[w];
    const char *rows = c->is_batched ? "%m%s%i" : "torch.squeeze(%m%s%i, 1)";
    if (begin(c, stacked)) {
        const tdagi_kernel *k = tdagi_export_kernel(c->e, stacked);
        bool is_unsqueeze = k->composite == TDAGI_CORE;
        int64_t axis = is_unsqueeze ? ((const tdag_axes_spec *)k->spec)->axes.v[0]
                                    : ((const tdagi_axis_spec *)k->spec)->axis;
        put(c, axis == 1 ? "torch.transpose(" : "");
        tdagi_export_piece(c->e, c->k, rows, name, c->id);
        put(c, axis == 1 ? ", 0, 1)\n" : "\n");
    }
    for (uint32_t i = 0; i < c->top->n; i++) {
        if (!begin(c, c->top->final[w][i])) continue;
        put(c, "torch.select(");
        tdagi_export_piece(c->e, c->k, rows, name, c->id);
        tdagi_export_piece(c->e, c->k, ", 0, %i)\n", (int64_t)i);
    }
}

static void emit_call(tdagi_exporter *e, const tdagi_rnn_layer *top)
{
    const tdagi_recurrent *r = e->recurrent;
    const tdagi_rnn_layer *bottom = top;
    while (bottom->below != 0)
        bottom = &r->layers[bottom->below];
    const tdagi_kernel *h = tdagi_export_kernel(e, top->final[0][0]);
    const call c = {.e = e,
                    .r = r,
                    .top = top,
                    .id = top->final[0][0],
                    .size = h->shape[h->rank - 1],
                    .is_batched = h->rank > 1,
                    .k = h};
    e->n_calls++;
    put_call(&c, tdagi_rnn_in(e, step(&c, bottom->of[0])->of_x, 0));
    for (uint32_t w = 0; w < 2 && top->first[w] != NULL; w++)
        give_states(&c, w);
    give_outputs(&c, top);
}

void tdagi_rnn_emit(tdagi_exporter *e, uint32_t i)
{
    const tdagi_recurrent *r = e->recurrent;
    for (uint32_t l = 1; r != NULL && l <= r->n_layers; l++)
        if (r->layers[l].is_call && r->layers[l].at == i) emit_call(e, &r->layers[l]);
}
