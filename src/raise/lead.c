/* See lead.h. */
#include "raise/lead.h"

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

tdag_status tdagi_lead_lay_out(tdagi_raiser *r, int lead, tdagi_match *m)
{
    const tdagi_node *result = tdagi_raiser_node(r, m->result);
    tdagi_operand *operands =
        tdagi_raiser_dup(r, m->operands, m->n_operands, sizeof(*operands));
    if (operands == NULL) return tdagi_nomem(r->ctx);
    m->operands = operands;
    for (uint32_t i = 0; i < tdagi_lead_count(m->composite); i++)
        TDAGI_TRY(copy_view(r, seen(r, operands[i].value, lead), &operands[i].n_views,
                            &operands[i].views));
    tdag_value own = seen(r, m->result, lead);
    TDAGI_TRY(copy_view(r, from_batch(r->scratch, own, result, lead), &m->n_after,
                        &m->after));
    const tdagi_node *batch = &r->scratch->graph->nodes[own.id];
    m->rank = batch->rank;
    m->shape = tdagi_raiser_dup(r, batch->shape, batch->rank, sizeof(tdag_dim));
    return m->shape == NULL ? tdagi_nomem(r->ctx) : TDAG_OK;
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

/* ---- between kernels ---- */

typedef struct settling {
    int lead;
    tdagi_raiser *r;
    tdagi_raised *raised;
    const tdagi_kernel *old;
    tdagi_kernel *kernels; /* room for two of each old one */
    uint32_t n;
    /* by old index */
    uint32_t *new_of;
    uint32_t *batch_of; /* the new kernel with the batch; 0: none */
    uint8_t *wanted;    /* that is what some kernel reads */
} settling;

/* Takes the batch off (SQUEEZE, UNGROUP), or puts it back. */
static bool is_lead_view(const tdagi_kernel *k, uint32_t op)
{
    if (k->composite != TDAGI_CORE || k->op != op) return false;
    tdag_list list = *(const tdag_list *)k->spec; /* the first field of each */
    if (op == TDAG_OP_SQUEEZE || op == TDAG_OP_UNSQUEEZE)
        return list.n == 1 && list.v[0] == 0;
    uint32_t whole = op == TDAG_OP_GROUP ? k->rank + 1u : k->rank;
    return list.n > 0 && list.v[0] == 2 && list.n + 1 == whole; /* the others are 1 */
}

static bool is_put_back(const settling *s, const tdagi_kernel *k)
{
    return k->value.id == 0 &&
           is_lead_view(k, s->lead < 0 ? TDAG_OP_UNSQUEEZE : TDAG_OP_GROUP);
}

/* Each element from those of the operands at its place: an axis in front is one more.
 */
static bool is_pointwise(const settling *s, const tdagi_kernel *k)
{
    if (k->value.id == 0 || k->n_inputs == 0 || k->rank >= TDAG_MAX_RANK) return false;
    for (uint32_t i = 0; i < k->n_covered; i++) {
        tdagi_op_class c =
            tdagi_op_class_of(tdagi_raiser_node(s->r, k->covered[i])->op);
        if (c != TDAGI_CLASS_ELEMENTWISE && c != TDAGI_CLASS_LEAF) return false;
    }
    return k->composite != TDAGI_CORE ||
           tdagi_op_class_of(k->op) == TDAGI_CLASS_ELEMENTWISE;
}

static void find_wanted(settling *s)
{
    for (uint32_t i = s->raised->n; i >= 1; i--) {
        const tdagi_kernel *k = &s->old[i];
        bool back = is_put_back(s, k);
        if (!back && (!s->wanted[i] || !is_pointwise(s, k))) continue;
        for (uint32_t j = 0; j < k->n_inputs; j++)
            if (back || s->old[k->inputs[j]].rank == k->rank)
                s->wanted[k->inputs[j]] = 1;
    }
}

/* The operands fit where all that have the batch are seen with it. */
static bool can_have_batch(const settling *s, const tdagi_kernel *k)
{
    bool any = false;
    for (uint32_t j = 0; j < k->n_inputs; j++) {
        const tdagi_kernel *x = &s->old[k->inputs[j]];
        bool led = s->batch_of[k->inputs[j]] != 0 && x->rank == k->rank;
        any = any || led;
        if (s->lead < 0 || x->rank + 2 <= k->rank) continue; /* broadcasts as it is */
        if (!led || x->shape[0] != k->shape[0] || x->shape[1] != k->shape[1])
            return false;
    }
    return any && is_pointwise(s, k);
}

/* Adds a kernel that reads what the array says, by old index. */
static tdag_status settle_kernel(settling *s, const tdagi_kernel *k, bool batch)
{
    uint32_t *inputs = tdagi_raiser_dup(s->r, k->inputs, k->n_inputs, sizeof(uint32_t));
    if (inputs == NULL) return tdagi_nomem(s->r->ctx);
    for (uint32_t j = 0; j < k->n_inputs; j++) {
        bool led = batch && s->batch_of[k->inputs[j]] != 0 &&
                   s->old[k->inputs[j]].rank == k->rank;
        inputs[j] = led ? s->batch_of[k->inputs[j]] : s->new_of[k->inputs[j]];
    }
    s->kernels[++s->n] = *k;
    s->kernels[s->n].inputs = inputs;
    return TDAG_OK;
}

/* The view that takes the batch off kernel `from`, for what k was. */
static tdag_status settle_view(settling *s, const tdagi_kernel *k, uint32_t from)
{
    tdag_value own = seen(s->r, k->value, s->lead);
    const tdagi_view *view;
    uint32_t n, *input = tdagi_raiser_dup(s->r, &from, 1, sizeof(from));
    if (input == NULL) return tdagi_nomem(s->r->ctx);
    TDAGI_TRY(copy_view(
        s->r,
        from_batch(s->r->scratch, own, tdagi_raiser_node(s->r, k->value), s->lead), &n,
        &view));
    tdagi_kernel *out = &s->kernels[++s->n];
    *out = *k;
    out->composite = TDAGI_CORE;
    out->op = view->op;
    out->spec = view->spec;
    out->is_view = true;
    out->n_inputs = 1;
    out->inputs = input;
    out->n_covered = 0;
    return TDAG_OK;
}

/* The pointwise kernel on batches, and the view of it. */
static tdag_status settle_pointwise(settling *s, const tdagi_kernel *k, uint32_t i)
{
    tdagi_scratch_empty(s->r);
    TDAGI_TRY(settle_kernel(s, k, true));
    tdagi_kernel *own = &s->kernels[s->n];
    s->batch_of[i] = s->n;
    own->value = TDAG_NO_VALUE;
    TDAGI_TRY(settle_view(s, k, s->n));
    const tdagi_node *batch =
        &s->r->scratch->graph->nodes[s->r->scratch->graph->n - 1]; /* seen() */
    own->rank = batch->rank;
    own->shape =
        tdagi_raiser_dup(s->r, batch->shape, batch->rank, sizeof(*batch->shape));
    return own->shape == NULL ? tdagi_nomem(s->r->ctx) : TDAG_OK;
}

static tdag_status settle_one(settling *s, uint32_t i)
{
    const tdagi_kernel *k = &s->old[i];
    if (k->n_inputs == 1 && s->batch_of[k->inputs[0]] != 0 && is_put_back(s, k)) {
        s->new_of[i] = s->batch_of[k->inputs[0]];
        return TDAG_OK;
    }
    if (s->wanted[i] && can_have_batch(s, k))
        TDAGI_TRY(settle_pointwise(s, k, i));
    else
        TDAGI_TRY(settle_kernel(s, k, false));
    s->new_of[i] = s->n;
    if (is_lead_view(k, s->lead < 0 ? TDAG_OP_SQUEEZE : TDAG_OP_UNGROUP))
        s->batch_of[i] = s->new_of[k->inputs[0]];
    return TDAG_OK;
}

/* Leaves out views that nothing reads; `to` has room for an index per kernel. */
static void drop_unread(settling *s, uint32_t *to)
{
    tdagi_raised *out = s->raised;
    memset(to, 0, (s->n + 1) * sizeof(*to));
    for (uint32_t i = 0; i < out->graph->n_outputs; i++)
        to[out->kernel_of[out->graph->outputs[i].id]] = 1;
    for (uint32_t i = s->n; i >= 1; i--) {
        const tdagi_kernel *k = &s->kernels[i];
        if (!k->is_view) to[i] = 1;
        for (uint32_t j = 0; to[i] != 0 && j < k->n_inputs; j++)
            to[k->inputs[j]] = 1;
    }
    uint32_t n = 0;
    to[0] = 0;
    for (uint32_t i = 1; i <= s->n; i++) {
        if (to[i] == 0) continue;
        tdagi_kernel *k = &s->kernels[++n];
        *k = s->kernels[i];
        to[i] = n;
        uint32_t *inputs = (uint32_t *)(uintptr_t)k->inputs; /* made by settle_one() */
        for (uint32_t j = 0; j < k->n_inputs; j++)
            inputs[j] = to[inputs[j]];
    }
    for (uint32_t id = 1; id <= out->graph->n; id++)
        out->kernel_of[id] = to[out->kernel_of[id]];
    s->n = n;
}

static tdag_status settle_all(settling *s)
{
    tdagi_raised *out = s->raised;
    for (uint32_t i = 1; i <= out->n; i++)
        TDAGI_TRY(settle_one(s, i));
    for (uint32_t id = 1; id <= out->graph->n; id++)
        out->kernel_of[id] = s->new_of[out->kernel_of[id]];
    uint32_t *to = tdagi_raiser_alloc(s->r, s->n + 1u, sizeof(*to));
    if (to == NULL) return tdagi_nomem(s->r->ctx);
    drop_unread(s, to);
    tdagi_free(s->r->ctx, out->kernels, out->kernels_size);
    out->kernels = s->kernels;
    out->kernels_size = (2 * (size_t)out->n + 1) * sizeof(tdagi_kernel);
    out->n = s->n;
    s->kernels = NULL;
    return TDAG_OK;
}

static tdag_status settle_lead(tdagi_raiser *r, tdagi_raised *out, int lead)
{
    size_t n = (size_t)out->n + 1, most = 2 * (size_t)out->n + 1;
    settling s = {.lead = lead, .r = r, .raised = out, .old = out->kernels};
    void *p;
    bool any = false;
    for (uint32_t i = 1; i <= out->n; i++)
        any = any || is_put_back(&s, &out->kernels[i]);
    if (!any) return TDAG_OK;
    TDAGI_TRY(tdagi_array_alloc(r->ctx, most, sizeof(tdagi_kernel), &p));
    s.kernels = p;
    s.new_of = tdagi_raiser_alloc(r, n, sizeof(uint32_t));
    s.batch_of = tdagi_raiser_alloc(r, n, sizeof(uint32_t));
    s.wanted = tdagi_raiser_alloc(r, n, 1);
    bool room = s.new_of != NULL && s.batch_of != NULL && s.wanted != NULL;
    tdag_status st = room ? TDAG_OK : tdagi_nomem(r->ctx);
    if (room) {
        memset(s.new_of, 0, n * sizeof(uint32_t));
        memset(s.batch_of, 0, n * sizeof(uint32_t));
        memset(s.wanted, 0, n);
        find_wanted(&s);
        st = settle_all(&s);
    }
    if (s.kernels != NULL) tdagi_free(r->ctx, s.kernels, most * sizeof(tdagi_kernel));
    return st;
}

tdag_status tdagi_lead_settle(tdagi_raiser *r, tdagi_raised *out)
{
    TDAGI_TRY(settle_lead(r, out, -1));
    return settle_lead(r, out, 1);
}
