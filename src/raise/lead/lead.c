/* See lead.h. */
#include "raise/lead/lead.h"

#include <string.h>

#include "ops/axis.h"
#include "raise/contraction/layout.h"

#define MOST_NAME 40

uint32_t tdagi_lead_count(uint32_t composite)
{
    return tdagi_composite_row_of((tdagi_composite)composite)->def->n_batched;
}

/* ---- the dimension ---- */

/* A symbol that no graph has: the size of the batch that is not there. */
static tdag_dim absent_batch(tdagi_raiser *r)
{
    char name[MOST_NAME] = "_batch";
    uint32_t n = tdagi_pool_n_symbols(r->graph->pool), length = 6;
    for (uint32_t i = 0; i < n && length + 1 < sizeof(name); i++)
        if (strcmp(tdagi_pool_symbol(r->graph->pool, i, NULL), name) == 0) {
            name[length++] = '_';
            i = UINT32_MAX; /* from the first one again */
        }
    return tdagi_dim_symbol(r->pool, name, 2);
}

/* What the graph lacks, or the axis that it has in front. */
static tdag_dim lead_dim(tdagi_raiser *r, const tdagi_guess *guess)
{
    return guess->lead < 0 ? absent_batch(r)
                           : tdagi_raiser_node(r, guess->in[0])->shape[0];
}

bool tdagi_lead_type(tdagi_raiser *r, const tdagi_guess *guess, uint32_t i,
                     tdagi_type *out)
{
    tdagi_value_type(r->graph, guess->in[i], out);
    tdag_dim lead = lead_dim(r, guess);
    if (guess->lead > 0) {
        const tdag_dim *first = tdagi_raiser_node(r, guess->in[0])->shape;
        if (out->rank < 2 || out->shape[0] != lead || out->shape[1] != first[1])
            return false;
        memmove(out->shape, out->shape + 1, --out->rank * sizeof(tdag_dim));
        return true;
    }
    if (out->rank >= TDAG_MAX_RANK) return false;
    memmove(out->shape + 1, out->shape, out->rank++ * sizeof(tdag_dim));
    out->shape[0] = lead;
    return true;
}

/* ---- rewriting ---- */

typedef struct rewriting {
    tdagi_raiser *r;
    int lead;
    tdag_dim dim;
    tdagi_mark *marks; /* by scratch id */
    uint32_t *new_of;  /* the same */
} rewriting;

static tdag_status rewrite_node(const rewriting *w, uint32_t id)
{
    tdag_builder *b = w->r->scratch;
    const tdagi_node n = b->graph->nodes[id]; /* which are moved as they grow */
    const tdag_value *in = tdagi_node_inputs(&n);
    tdagi_type types[TDAGI_INLINE_INPUTS], type;
    tdagi_mark marks[TDAGI_INLINE_INPUTS];
    uint32_t inputs[TDAGI_INLINE_INPUTS];
    bool marked = false;
    w->new_of[id] = id;
    if (n.n_inputs > TDAGI_INLINE_INPUTS) return TDAG_E_UNSUPPORTED;
    for (uint32_t i = 0; i < n.n_inputs; i++) {
        tdagi_value_type(b->graph, in[i], &types[i]);
        marks[i] = w->marks[in[i].id];
        inputs[i] = w->new_of[in[i].id];
        marked = marked || marks[i].axis >= 0;
    }
    if (tdagi_op_holds_tensor(n.op) || (w->lead > 0 && !marked)) return TDAG_OK;
    tdagi_value_type(b->graph, (tdag_value){id}, &type);
    const tdagi_axis_call call = {.ctx = w->r->ctx,
                                  .builder = b,
                                  .pool = w->r->pool,
                                  .dim = w->dim,
                                  .spec = n.u.spec,
                                  .n_inputs = n.n_inputs,
                                  .types = types,
                                  .output = &type,
                                  .marks = marks,
                                  .inputs = inputs,
                                  .mark_out = &w->marks[id],
                                  .out = &w->new_of[id]};
    if (w->lead < 0) return tdagi_axis_drop(&call, n.op);
    const tdagi_opdef *def = tdagi_node_def(&n);
    w->marks[id].axis = 0;
    return def->add_dim == NULL ? TDAG_E_UNSUPPORTED : def->add_dim(&call);
}

static tdag_status rewrite_all(const rewriting *w, uint32_t last, tdag_value *top)
{
    tdag_status st = TDAG_OK;
    for (uint32_t id = 1; st == TDAG_OK && id <= last; id++)
        if (w->r->scratch->graph->nodes[id].op != TDAG_OP_INPUT)
            st = rewrite_node(w, id);
    bool ok;
    top->id = st == TDAG_OK ? w->new_of[top->id] : 0;
    if (tdagi_is_final(st)) return st;
    st = tdagi_scratch_settle(w->r, &ok);
    if (!ok) top->id = 0;
    return st;
}

tdag_status tdagi_lead_rewrite(tdagi_raiser *r, const tdagi_guess *guess,
                               const tdag_value *graph, const tdag_value *own,
                               tdag_value *top)
{
    uint32_t last = r->scratch->graph->n;
    size_t n = (size_t)last + 1;
    void *block;
    TDAGI_TRY(
        tdagi_array_alloc(r->ctx, n, sizeof(tdagi_mark) + sizeof(uint32_t), &block));
    rewriting w = {r, guess->lead, lead_dim(r, guess), block, NULL};
    w.new_of = (uint32_t *)(w.marks + n);
    for (uint32_t id = 0; id <= last; id++)
        w.marks[id] = *tdagi_mark_none();
    for (uint32_t i = 0; i < guess->n; i++) {
        w.new_of[own[i].id] = graph[i].id;
        if (i < tdagi_lead_count(guess->composite)) w.marks[own[i].id].axis = 0;
    }
    tdag_status st = rewrite_all(&w, last, top);
    tdagi_free(r->ctx, block, n * (sizeof(tdagi_mark) + sizeof(uint32_t)));
    return st;
}

/* ---- views ---- */

/* One view of v, as the scratch builder has it. */
static tdag_status copy_view(tdagi_raiser *r, tdag_value v, uint32_t *n,
                             const tdagi_view **out)
{
    bool ok;
    TDAGI_TRY(tdagi_scratch_settle(r, &ok));
    if (!ok) return tdagi_nomem(r->ctx);
    return tdagi_copy_views(r, v.id - 1, v.id, n, out);
}

static tdag_value to_batch(tdag_builder *b, tdag_value v, int lead)
{
    int64_t runs[TDAG_MAX_RANK] = {2};
    uint32_t rank = tdag_builder_get_rank(b, v);
    if (lead < 0) return tdag_unsqueeze(b, v, TDAG_LIST(0));
    for (uint32_t i = 1; i < rank; i++)
        runs[i] = 1;
    return tdag_group(b, v, (tdag_list){rank - 1, runs});
}

static tdag_value from_batch(tdag_builder *b, tdag_value v, const tdagi_node *result,
                             int lead)
{
    int64_t counts[TDAG_MAX_RANK] = {2};
    if (lead < 0) return tdag_squeeze(b, v, TDAG_LIST(0));
    for (uint32_t i = 1; i + 1 < result->rank; i++)
        counts[i] = 1;
    return tdag_ungroup(b, v, (tdag_list){result->rank - 1u, counts},
                        (tdag_list){result->rank, result->shape});
}

/* A scratch value of a graph value's type, seen as a batch. */
static tdag_value seen(tdagi_raiser *r, tdag_value v, int lead)
{
    const tdagi_node *n = tdagi_raiser_node(r, v);
    return to_batch(
        r->scratch,
        tdag_add_input(r->scratch, NULL, (tdag_dtype)n->dtype, n->rank, n->shape),
        lead);
}

tdag_status tdagi_lead_take_off(tdagi_raiser *r, tdag_value v, int lead, uint32_t *n,
                                const tdagi_view **out, uint8_t *rank,
                                const tdag_dim **shape)
{
    tdag_value own = seen(r, v, lead);
    TDAGI_TRY(copy_view(r, from_batch(r->scratch, own, tdagi_raiser_node(r, v), lead),
                        n, out));
    const tdagi_node *batch = &r->scratch->graph->nodes[own.id];
    *rank = batch->rank;
    *shape = tdagi_raiser_dup(r, batch->shape, batch->rank, sizeof(tdag_dim));
    return *shape == NULL ? tdagi_nomem(r->ctx) : TDAG_OK;
}

tdag_status tdagi_lead_lay_out(tdagi_raiser *r, int lead, tdagi_match *m)
{
    tdagi_operand *operands =
        tdagi_raiser_dup(r, m->operands, m->n_operands, sizeof(*operands));
    if (operands == NULL) return tdagi_nomem(r->ctx);
    m->operands = operands;
    for (uint32_t i = 0; i < tdagi_lead_count(m->composite); i++)
        TDAGI_TRY(copy_view(r, seen(r, operands[i].value, lead), &operands[i].n_views,
                            &operands[i].views));
    return tdagi_lead_take_off(r, m->result, lead, &m->n_after, &m->after, &m->rank,
                               &m->shape);
}

static bool is_one_view(uint32_t n, const tdagi_view *views, uint32_t op, int64_t first,
                        int64_t second)
{
    if (n != 1 || views->op != op) return false;
    tdag_list list = *(const tdag_list *)views->spec; /* the first field of each */
    return list.n > 0 && list.v[0] == first && (list.n == 1 || list.v[1] == second);
}

bool tdagi_lead_read(const tdagi_match *m, int *lead)
{
    const tdagi_operand *x = &m->operands[0];
    *lead = 0;
    for (uint32_t i = 1; i < m->n_operands; i++)
        if (m->operands[i].n_views > 0) return false;
    if (x->n_views == 0 && m->n_after == 0) return true;
    *lead = is_one_view(x->n_views, x->views, TDAG_OP_UNSQUEEZE, 0, -1) ? -1
            : is_one_view(x->n_views, x->views, TDAG_OP_GROUP, 2, 1)    ? 1
                                                                        : 0;
    return *lead != 0 &&
           (*lead < 0 ? is_one_view(m->n_after, m->after, TDAG_OP_SQUEEZE, 0, -1)
                      : is_one_view(m->n_after, m->after, TDAG_OP_UNGROUP, 2, 1));
}
