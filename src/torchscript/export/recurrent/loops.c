/* Loops of programs that are an LSTM, a GRU or an RNN over the rows of a sequence: one
 * call of a graph, the step, whose state is appended to a list. The method of that
 * graph becomes the layer; where the inputs' product stands in a graph before the loop,
 * that one's method gives what it is the product of. See recurrent.h. */
#include "torchscript/export/recurrent/recurrent.h"

#include "program/outline/outline.h"

#define in tdagi_rnn_in

typedef struct finder {
    tdagi_exporter *e;
    const tdagi_method *m;
    tdagi_rnn_loop is;
    const tdagi_statement *step, *product; /* the calls; product: NULL: in the step */
    uint32_t linear;                       /* kernel of the inputs' product */
} finder;

/* ---- statements ---- */

static uint32_t position(const tdagi_var *v, uint32_t n, tdagi_var x)
{
    uint32_t i = 0;
    while (i < n && v[i].id != x.id)
        i++;
    return i;
}

/* How often x is read. */
static uint32_t count_reads(const tdagi_block *block, tdagi_var x)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < block->n_yields; i++)
        n += block->yields[i].id == x.id;
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next) {
        for (uint32_t i = 0; i < s->n_inputs; i++)
            n += s->inputs[i].id == x.id;
        for (uint32_t i = 0; i < s->n_bindings; i++)
            n += s->bindings[i].value.id == x.id;
        for (uint32_t i = 0; i < s->n_blocks; i++)
            n += count_reads(&s->blocks[i], x);
    }
    return n;
}

/* The call that gives x. */
static const tdagi_statement *call_of(const tdagi_block *block, tdagi_var x)
{
    const tdagi_statement *found = NULL;
    for (const tdagi_statement *s = block->first; s != NULL && found == NULL;
         s = s->next) {
        if (s->kind == TDAGI_CALL &&
            position(s->results, s->n_results, x) < s->n_results)
            found = s;
        for (uint32_t i = 0; i < s->n_blocks && found == NULL; i++)
            found = call_of(&s->blocks[i], x);
    }
    return found;
}

static uint32_t count_calls(const tdagi_block *block, uint32_t graph)
{
    uint32_t n = 0;
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next) {
        n += s->kind == TDAGI_CALL && s->target == graph;
        for (uint32_t i = 0; i < s->n_blocks; i++)
            n += count_calls(&s->blocks[i], graph);
    }
    return n;
}

static bool is_called_once(const finder *f, uint32_t graph)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < f->e->model->n_methods; i++)
        n += count_calls(&f->e->model->methods[i]->body, graph);
    return n == 1;
}

/* What is carried: rows that are none at first, the state that is appended to them, and
 * of an LSTM what is left; the step reads these, the index, and the sequence. */
static bool match_carried(finder *f, const tdagi_statement *loop,
                          const tdagi_statement *append)
{
    const tdagi_block *body = loop->blocks;
    const tdagi_var *params = body->params + 1;
    uint32_t n = loop->n_results;
    f->is.rows = position(params, n, append->inputs[0]);
    f->is.h = position(body->yields, n, append->inputs[1]);
    if (n < 2 || n > 3 || f->is.rows == n || f->is.h == n || f->is.rows == f->is.h ||
        body->yields[f->is.rows].id != append->results[0].id)
        return false;
    f->is.c = n == 3 ? 3 - f->is.rows - f->is.h : f->is.h;
    const tdagi_var_info *rows = tdagi_method_var(f->m, loop->inputs[1 + f->is.rows]);
    uint32_t others = 0;
    for (uint32_t i = 0; i < f->step->n_inputs; i++) {
        tdagi_var x = f->step->inputs[i];
        if (x.id == body->params[0].id || x.id == params[f->is.h].id ||
            x.id == params[f->is.c].id)
            continue;
        f->is.sequence = x;
        others++;
    }
    return rows->rank == 3 && rows->shape[0] == 0 && others == 1 &&
           f->step->n_inputs == n + 1 && f->is.sequence.id != params[f->is.rows].id &&
           tdagi_method_var(f->m, f->is.sequence)->rank == 3;
}

static bool match_statements(finder *f, const tdagi_statement *loop)
{
    const tdagi_statement *step = loop->blocks->first;
    const tdagi_statement *append = step == NULL ? NULL : step->next;
    tdagi_row_way way = TDAGI_NO_ROW;
    if (!loop->has_limit || loop->has_condition || append == NULL ||
        append->next != NULL || step->kind != TDAGI_CALL ||
        append->kind != TDAGI_CALL || step->n_bindings + append->n_bindings > 0 ||
        append->n_inputs != 2 || !is_called_once(f, step->target))
        return false;
    f->step = step;
    f->is.loop = loop;
    f->is.step = f->is.product = step->target;
    if (!match_carried(f, loop, append)) return false;
    tdag_status st =
        tdagi_find_row_way(f->e->ctx, f->e->model->graphs[append->target].graph, &way);
    if (st != TDAG_OK) f->e->body.status = st;
    return way == TDAGI_APPEND_ROW;
}

/* Whether the loop runs once per row: its limit is the size of that axis. */
static bool match_limit(const finder *f)
{
    const tdagi_var limit = f->is.loop->inputs[0];
    const tdag_dim rows = tdagi_method_var(f->m, f->is.sequence)->shape[0];
    const tdagi_statement *call = call_of(&f->m->body, limit);
    if (call == NULL || call->n_bindings > 0) return false;
    const tdag_graph *g = f->e->model->graphs[call->target].graph;
    tdagi_size size;
    uint32_t s, output = position(call->results, call->n_results, limit);
    const tdag_tensor *number = tdagi_graph_constant(g, output);
    int64_t factor, offset;
    if (number != NULL) return tdagi_tensor_get_i64(number, 0) == rows;
    if (!tdagi_is_size(g, g->outputs[output].id, &size) || size.is_ratio ||
        !tdagi_dim_is_affine(g->pool, size.n, &s, &factor, &offset) || factor != 1 ||
        offset != 0)
        return false;
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        const tdagi_node *n = tdagi_graph_node(g, g->inputs[i]);
        for (uint32_t a = 0; a < n->rank; a++)
            if (n->shape[a] == size.n)
                return tdagi_method_var(f->m, call->inputs[i])->shape[a] == rows;
    }
    return !tdagi_export_shows(g, s) &&
           tdagi_dim_same(g->pool, size.n, f->m->pool, rows);
}

/* ---- graphs ---- */

static tdag_status raise(finder *f, uint32_t graph)
{
    tdagi_exporter *e = f->e;
    tdagi_raised_free(e->r);
    e->r = NULL;
    e->g = e->model->graphs[graph].graph;
    return tdagi_raise(e->ctx, e->g, e->by_parts, &e->r);
}

static uint32_t kernel_of_input(const finder *f, tdagi_var x)
{
    const tdag_graph *g = f->e->g;
    uint32_t i = position(f->step->inputs, f->step->n_inputs, x);
    return i == g->n_inputs ? 0 : f->e->r->kernel_of[g->inputs[i].id];
}

static uint32_t kernel_of_result(const finder *f, const tdagi_statement *call,
                                 tdagi_var x)
{
    uint32_t i = position(call->results, call->n_results, x);
    return i == call->n_results ? 0 : f->e->r->kernel_of[f->e->g->outputs[i].id];
}

static const tdagi_var *params(const finder *f)
{
    return f->is.loop->blocks->params + 1;
}

/* A weight of the call; false: it is no leaf. */
static bool take_weight(finder *f, uint32_t i, uint32_t kernel)
{
    if (kernel == 0) return true;
    f->is.weights[i] = tdagi_export_kernel(f->e, kernel)->value;
    return tdagi_export_is_leaf(tdagi_export_kernel(f->e, kernel)) &&
           !tdagi_rnn_is_core(f->e, kernel, TDAG_OP_INPUT);
}

/* What counts from the end where it is negative, which no position of these is. */
static uint32_t counted(const tdagi_exporter *e, uint32_t at)
{
    uint32_t is_negative = in(e, at, 0), x = in(e, at, 2);
    double zero = 1;
    bool wraps = tdagi_rnn_is_core(e, at, TDAG_OP_WHERE) &&
                 tdagi_rnn_is_core(e, is_negative, TDAG_OP_LESS) &&
                 in(e, is_negative, 0) == x &&
                 tdagi_export_scalar(e, in(e, is_negative, 1), &zero) && zero == 0;
    return wraps ? x : at;
}

/* A row of the sequence by the index, or by the index from the end. */
static bool match_row(finder *f, uint32_t row)
{
    const tdagi_exporter *e = f->e;
    uint32_t from = in(e, row, 0), x = in(e, from, 0), at = in(e, from, 1);
    if (!tdagi_rnn_is_core(e, row, TDAG_OP_SQUEEZE) ||
        !tdagi_rnn_is_composite(e, from, TDAGI_INDEX_SELECT) ||
        x != kernel_of_input(f, f->is.sequence) ||
        tdagi_export_kernel(e, row)->rank != 2)
        return false;
    const tdagi_axis_spec *s = tdagi_export_kernel(e, from)->spec;
    uint32_t index = kernel_of_input(f, f->is.loop->blocks->params[0]);
    if (s->axis != 0) return false;
    at = counted(e, at);
    if (at == index) return true;
    const tdagi_kernel *last = tdagi_export_kernel(e, in(e, at, 0));
    tdagi_size size;
    f->is.is_backwards = true;
    return tdagi_rnn_is_composite(e, at, TDAGI_SUB) && in(e, at, 1) == index &&
           last->value.id != 0 && tdagi_is_size(e->g, last->value.id, &size) &&
           !size.is_ratio &&
           size.n == tdagi_dim_sub(e->r->pool, tdagi_export_kernel(e, x)->shape[0], 1);
}

/* The projection of an LSTM's state is told by its size. */
static bool match_projection(finder *f, uint32_t *h)
{
    const tdagi_exporter *e = f->e;
    const tdagi_kernel *k = tdagi_export_kernel(e, *h);
    if (!tdagi_rnn_is_composite(e, *h, TDAGI_LINEAR) || k->n_inputs != 2 ||
        k->rank != 2 || !take_weight(f, TDAGI_RNN_W_HR, in(e, *h, 1)))
        return true;
    *h = in(e, *h, 0);
    const tdag_dim inner = tdagi_export_kernel(e, *h)->shape[1];
    return inner >= 0 && k->shape[1] >= 0 && inner != k->shape[1];
}

/* The step's kernels; f->linear becomes the inputs' product where it is one of these.
 */
static bool match_step(finder *f)
{
    const tdagi_exporter *e = f->e;
    uint32_t given = kernel_of_result(f, f->step, f->is.loop->blocks->yields[f->is.h]);
    uint32_t h = given, before = kernel_of_input(f, params(f)[f->is.h]);
    if (given == 0 || before == 0 || !match_projection(f, &h)) return false;
    tdagi_rnn_step s = {.now = {h}, .before = {before}};
    uint32_t x = tdagi_rnn_match(e, h, &s);
    const tdagi_kernel *k = tdagi_export_kernel(e, given),
                       *was = tdagi_export_kernel(e, before);
    bool is_lstm = s.kind == TDAGI_RNN_LSTM;
    f->is.kind = s.kind;
    if (x == 0 || in(e, s.of_h, 0) != before || k->rank != 2 || was->rank != 2 ||
        k->shape[1] != was->shape[1] ||
        (k->dtype != TDAG_F32 && k->dtype != TDAG_F64) ||
        is_lstm != (f->is.loop->n_results == 3) || (h != given && !is_lstm))
        return false;
    if (is_lstm && (s.now[1] != kernel_of_result(f, f->step,
                                                 f->is.loop->blocks->yields[f->is.c]) ||
                    s.before[1] != kernel_of_input(f, params(f)[f->is.c])))
        return false;
    uint32_t bias = in(e, s.of_h, 2) == x ? 0 : in(e, s.of_h, 2);
    if (!take_weight(f, TDAGI_RNN_W_HH, in(e, s.of_h, 1)) ||
        !take_weight(f, TDAGI_RNN_B_HH, bias))
        return false;
    if (!tdagi_rnn_is_composite(e, x, TDAGI_LINEAR)) return match_row(f, x);
    f->linear = x;
    return match_row(f, in(e, x, 0));
}

/* The graph that gives the product, for this loop alone. */
static bool find_product(finder *f)
{
    const tdagi_statement *call = call_of(&f->m->body, f->is.sequence);
    if (call == NULL || !is_called_once(f, call->target) ||
        count_reads(&f->m->body, f->is.sequence) != 1)
        return false;
    tdag_status st = raise(f, call->target);
    if (st != TDAG_OK) {
        f->e->body.status = st;
        return false;
    }
    f->is.product = call->target;
    f->is.output = position(call->results, call->n_results, f->is.sequence);
    f->linear = kernel_of_result(f, call, f->is.sequence);
    uint32_t x = in(f->e, f->linear, 0);
    f->is.x = tdagi_export_kernel(f->e, x)->value;
    return tdagi_rnn_is_composite(f->e, f->linear, TDAGI_LINEAR) && f->is.x.id != 0 &&
           !tdagi_export_is_scalar(f->e, tdagi_export_kernel(f->e, f->linear), 0);
}

static bool match_loop(finder *f, const tdagi_statement *loop)
{
    if (!match_statements(f, loop) || !match_limit(f)) return false;
    tdag_status st = raise(f, f->step->target);
    if (st != TDAG_OK) f->e->body.status = st;
    if (st != TDAG_OK || !match_step(f) || (f->linear == 0 && !find_product(f)))
        return false;
    const tdagi_kernel *k = tdagi_export_kernel(f->e, f->linear);
    return take_weight(f, TDAGI_RNN_W_IH, k->inputs[1]) &&
           take_weight(f, TDAGI_RNN_B_IH, in(f->e, f->linear, 2)) &&
           (f->is.weights[TDAGI_RNN_B_IH].id == 0) ==
               (f->is.weights[TDAGI_RNN_B_HH].id == 0);
}

static void find_in(tdagi_exporter *e, const tdagi_method *m, const tdagi_block *block)
{
    for (const tdagi_statement *s = block->first;
         s != NULL && e->body.status == TDAG_OK; s = s->next) {
        finder f = {.e = e, .m = m};
        if (s->kind == TDAGI_LOOP && match_loop(&f, s)) {
            tdagi_rnn_loop *kept = tdagi_arena_alloc(&e->arena, sizeof *kept);
            if (kept == NULL) {
                e->body.status = tdagi_nomem(e->ctx);
                return;
            }
            f.is.next = e->loops;
            *kept = f.is;
            e->loops = kept;
            e->n_calls++;
            continue;
        }
        for (uint32_t i = 0; i < s->n_blocks; i++)
            find_in(e, m, &s->blocks[i]);
    }
}

void tdagi_rnn_find_loops(tdagi_exporter *e)
{
    e->loops = NULL;
    for (uint32_t i = 0; i < e->model->n_methods && !e->is_stepwise; i++)
        find_in(e, e->model->methods[i], &e->model->methods[i]->body);
    tdagi_raised_free(e->r);
    e->r = NULL;
    e->g = NULL;
}

/* ---- their methods ---- */

const tdagi_rnn_loop *tdagi_rnn_loop_by(const tdagi_exporter *e, uint32_t step,
                                        const tdagi_statement *loop)
{
    const tdagi_rnn_loop *l = e->loops;
    while (l != NULL && l->step != step && l->loop != loop)
        l = l->next;
    return l;
}

const tdagi_rnn_loop *tdagi_rnn_loop_of_product(const tdagi_exporter *e,
                                                uint32_t output)
{
    const tdagi_rnn_loop *l = e->loops;
    while (l != NULL && (e->model->graphs[l->product].graph != e->g || l->x.id == 0 ||
                         (output != TDAGI_RNN_ANY && l->output != output)))
        l = l->next;
    return l;
}

static const char *weight(tdagi_exporter *e, const tdagi_rnn_loop *l, uint32_t i)
{
    bool is_of_x = i == TDAGI_RNN_W_IH || i == TDAGI_RNN_B_IH;
    e->g = e->model->graphs[is_of_x ? l->product : l->step].graph;
    if (e->body.status == TDAG_OK) e->body.status = tdagi_export_register(e);
    return e->body.status == TDAG_OK ? tdagi_export_leaf(e, l->weights[i]) : NULL;
}

/* PyTorch takes no sequence without a row. */
void tdagi_rnn_write_loop(tdagi_exporter *e, const tdagi_rnn_loop *l, const char *name)
{
    const bool is_lstm = l->kind == TDAGI_RNN_LSTM;
    const char *weights[TDAGI_RNN_N_WEIGHTS] = {NULL}, *comma = "";
    tdagi_text *to = &e->body;
    tdagi_text_printf(to, "def %s(self, in0: Tensor, in1: Tensor, in2: Tensor%s):\n",
                      name, is_lstm ? ", in3: Tensor" : "");
    for (uint32_t i = 0; i < TDAGI_RNN_N_WEIGHTS; i++)
        if (l->weights[i].id != 0) weights[i] = weight(e, l, i);
    tdagi_text_printf(to,
                      "    if torch.gt(torch.size(in0, 0), 0):\n"
                      "        y, h%s = torch.%s(%s, %storch.unsqueeze(in2, 0)%s, [",
                      is_lstm ? ", c" : "", tdagi_rnn_operator(l->kind),
                      l->is_backwards ? "torch.flip(in0, [0])" : "in0",
                      is_lstm ? "[" : "", is_lstm ? ", torch.unsqueeze(in3, 0)]" : "");
    for (uint32_t i = 0; i < TDAGI_RNN_N_WEIGHTS; i++)
        if (weights[i] != NULL) {
            tdagi_text_printf(to, "%s%s", comma, weights[i]);
            comma = ", ";
        }
    tdagi_text_printf(to,
                      "], %s, 1, 0., False, False, False)\n"
                      "        h = torch.squeeze(h, 0)\n"
                      "%s"
                      "    else:\n"
                      "        y, h%s = in1, in2%s\n"
                      "    return (",
                      l->weights[TDAGI_RNN_B_IH].id != 0 ? "True" : "False",
                      is_lstm ? "        c = torch.squeeze(c, 0)\n" : "",
                      is_lstm ? ", c" : "", is_lstm ? ", in3" : "");
    for (uint32_t i = 0; i < l->loop->n_results; i++)
        tdagi_text_printf(to, "%s%s", i == 0 ? "" : ", ",
                          i == l->rows ? "y"
                          : i == l->h  ? "h"
                                       : "c");
    tdagi_text_add(to, ")\n");
}
