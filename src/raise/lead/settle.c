/* Where the batch goes between kernels: it is put back where it first is wanted, and
 * taken off where nothing wants it any more. What stands between two kernels of a batch
 * has it, too, if it does not mind an axis more in front; so does what joins two
 * results that have it. */
#include "raise/lead/lead.h"

#include <string.h>

#include "ops/axis.h"
#include "raise/contraction/layout.h"

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
    uint32_t *back_of;  /* the first old kernel that puts it back; 0: none */
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
    for (uint32_t i = 0; i < k->n_covered; i++) {
        tdagi_op_class c =
            tdagi_op_class_of(tdagi_raiser_node(s->r, k->covered[i])->op);
        if (c != TDAGI_CLASS_ELEMENTWISE && c != TDAGI_CLASS_LEAF) return false;
    }
    return k->composite != TDAGI_CORE ||
           tdagi_op_class_of(k->op) == TDAGI_CLASS_ELEMENTWISE;
}

/* A core op whose row tells what it is with an axis more in front. Extremes are left to
 * those that want them with their positions (pair.c). */
static bool is_led_core(const tdagi_kernel *k)
{
    if (k->composite != TDAGI_CORE || k->n_inputs != 1 || k->is_size) return false;
    tdagi_op_class c = tdagi_op_class_of(k->op);
    if (c != TDAGI_CLASS_REDUCTION)
        return c == TDAGI_CLASS_VIEW || c == TDAGI_CLASS_MOVE;
    tdag_reduction kind = ((const tdag_reduce_spec *)k->spec)->kind;
    return kind == TDAG_REDUCE_SUM || kind == TDAG_REDUCE_MEAN;
}

static uint32_t n_leading(const tdagi_kernel *k)
{
    if (k->composite == TDAGI_CORE) return is_led_core(k);
    return tdagi_composite_row_of((tdagi_composite)k->composite)->def->n_leading;
}

/* Whether an axis in front of operands and result is one more, and nothing else. */
static bool carries(const settling *s, const tdagi_kernel *k)
{
    if (k->value.id == 0 || k->n_inputs == 0 || k->rank >= TDAG_MAX_RANK) return false;
    return is_pointwise(s, k) || (s->lead < 0 && n_leading(k) > 0);
}

/* Of such a kernel: whether the operand has the axis. */
static bool takes_batch(const settling *s, const tdagi_kernel *k, uint32_t j)
{
    return is_pointwise(s, k) ? s->old[k->inputs[j]].rank == k->rank
                              : j < n_leading(k) && k->inputs[j] != 0;
}

/* How many operands are seen with the batch; 0 where they do not fit: where not all are
 * that have to. */
static uint32_t count_led(const settling *s, const tdagi_kernel *k)
{
    if (!carries(s, k)) return 0;
    bool broadcasts = is_pointwise(s, k);
    uint32_t n = 0;
    for (uint32_t j = 0; j < k->n_inputs; j++) {
        const tdagi_kernel *x = &s->old[k->inputs[j]];
        bool led = s->batch_of[k->inputs[j]] != 0 && takes_batch(s, k, j);
        n += led;
        if (broadcasts ? s->lead < 0 || x->rank + 2 <= k->rank : !takes_batch(s, k, j))
            continue; /* as it is */
        if (!led ||
            (broadcasts && (x->shape[0] != k->shape[0] || x->shape[1] != k->shape[1])))
            return 0;
    }
    return n;
}

static bool is_taken_off(const settling *s, const tdagi_kernel *k)
{
    return is_lead_view(k, s->lead < 0 ? TDAG_OP_SQUEEZE : TDAG_OP_UNGROUP);
}

/* What is wanted with the batch: by who puts it back, and by who joins two that have
 * it. */
static void find_wanted(settling *s)
{
    uint32_t n = s->raised->n;
    for (uint32_t i = 1; i <= n; i++) {
        uint32_t led = count_led(s, &s->old[i]);
        s->wanted[i] = led > 1;
        s->batch_of[i] = led > 0 || is_taken_off(s, &s->old[i]); /* if all have it */
    }
    memset(s->batch_of, 0, (n + 1) * sizeof(*s->batch_of));
    for (uint32_t i = n; i >= 1; i--) {
        const tdagi_kernel *k = &s->old[i];
        bool back = is_put_back(s, k);
        if (back) s->back_of[k->inputs[0]] = i;
        if (!back && (!s->wanted[i] || !carries(s, k))) continue;
        for (uint32_t j = 0; j < k->n_inputs; j++)
            if (back || takes_batch(s, k, j)) s->wanted[k->inputs[j]] = 1;
    }
}

/* Adds a kernel that reads what the array says, by old index. */
static tdag_status settle_kernel(settling *s, const tdagi_kernel *k, bool batch)
{
    uint32_t *inputs = tdagi_raiser_dup(s->r, k->inputs, k->n_inputs, sizeof(uint32_t));
    if (inputs == NULL) return tdagi_nomem(s->r->ctx);
    for (uint32_t j = 0; j < k->n_inputs; j++) {
        bool led = batch && s->batch_of[k->inputs[j]] != 0 && takes_batch(s, k, j);
        inputs[j] = led ? s->batch_of[k->inputs[j]] : s->new_of[k->inputs[j]];
    }
    s->kernels[++s->n] = *k;
    s->kernels[s->n].inputs = inputs;
    return TDAG_OK;
}

/* The spec of a core op with an axis more in front. */
static tdag_status lead_core(settling *s, const tdagi_kernel *k, const void **spec)
{
    tdag_builder *b = s->r->scratch;
    const tdagi_kernel *x = &s->old[k->inputs[0]];
    tdagi_type type = {.dtype = (tdag_dtype)x->dtype, .rank = x->rank};
    memcpy(type.shape, x->shape, x->rank * sizeof(tdag_dim));
    const tdagi_axis_numbers shape = tdagi_axis_lead(1, (tdag_list){x->rank, x->shape});
    tdagi_scratch_empty(s->r);
    uint32_t in = tdag_add_input(b, NULL, type.dtype, shape.n, shape.v).id, id = 0, n;
    tdagi_mark mark = *tdagi_mark_none();
    mark.axis = 0;
    const tdagi_axis_call call = {.ctx = s->r->ctx,
                                  .builder = b,
                                  .pool = s->r->pool,
                                  .dim = 1,
                                  .spec = k->spec,
                                  .n_inputs = 1,
                                  .types = &type,
                                  .marks = &mark,
                                  .inputs = &in,
                                  .out = &id};
    TDAGI_TRY(tdagi_op_row_of(k->op)->def->add_dim(&call));
    const tdagi_view *view;
    bool ok;
    TDAGI_TRY(tdagi_scratch_settle(s->r, &ok));
    if (!ok) return tdagi_nomem(s->r->ctx);
    TDAGI_TRY(tdagi_copy_views(s->r, id - 1, id, &n, &view));
    *spec = view->spec;
    return TDAG_OK;
}

/* The same of a composite: its axes are one further. */
static tdag_status lead_composite(settling *s, const tdagi_kernel *k, const void **spec)
{
    const tdagi_composite_def *def =
        tdagi_composite_row_of((tdagi_composite)k->composite)->def;
    if (def->fields == NULL) return TDAG_OK;
    void *copy = tdagi_spec_copy(&s->r->arena, def->fields, def->spec_size, k->spec);
    if (copy == NULL) return tdagi_nomem(s->r->ctx);
    for (const tdagi_field *f = def->fields; f->kind != TDAGI_FIELD_END; f++) {
        if ((f->role & TDAGI_ROLE_AXIS) == 0) continue;
        tdag_list axes = tdagi_field_numbers(f, copy);
        for (uint32_t i = 0; i < axes.n; i++)
            ((int64_t *)(uintptr_t)axes.v)[i]++; /* of the copy */
    }
    *spec = copy;
    return TDAG_OK;
}

/* The view that takes the batch off. */
static tdag_status settle_view(settling *s, const tdagi_kernel *k, uint32_t from)
{
    const tdagi_view *view;
    uint32_t n, *input = tdagi_raiser_dup(s->r, &from, 1, sizeof(from));
    if (input == NULL) return tdagi_nomem(s->r->ctx);
    tdagi_kernel *out = &s->kernels[++s->n], *own = &s->kernels[from];
    tdagi_scratch_empty(s->r);
    TDAGI_TRY(tdagi_lead_take_off(s->r, k->value, s->lead, &n, &view, &own->rank,
                                  &own->shape));
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

/* The kernel on batches, and the view of it. */
static tdag_status settle_led(settling *s, const tdagi_kernel *k, uint32_t i)
{
    TDAGI_TRY(settle_kernel(s, k, true));
    tdagi_kernel *own = &s->kernels[s->n];
    s->batch_of[i] = s->n;
    own->value = TDAG_NO_VALUE;
    if (!is_pointwise(s, k))
        TDAGI_TRY(k->composite == TDAGI_CORE ? lead_core(s, k, &own->spec)
                                             : lead_composite(s, k, &own->spec));
    return settle_view(s, k, s->n);
}

static tdag_status settle_one(settling *s, uint32_t i)
{
    const tdagi_kernel *k = &s->old[i];
    if (is_put_back(s, k) && s->batch_of[k->inputs[0]] != 0) {
        s->new_of[i] = s->batch_of[k->inputs[0]];
        return TDAG_OK;
    }
    if (s->wanted[i] && count_led(s, k) > 0)
        TDAGI_TRY(settle_led(s, k, i));
    else
        TDAGI_TRY(settle_kernel(s, k, false));
    s->new_of[i] = s->n;
    if (is_taken_off(s, k)) s->batch_of[i] = s->new_of[k->inputs[0]];
    if (s->batch_of[i] != 0 || s->back_of[i] == 0) return TDAG_OK;
    TDAGI_TRY(settle_kernel(s, &s->old[s->back_of[i]], false)); /* once for all */
    s->batch_of[i] = s->n;
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
    s.back_of = tdagi_raiser_alloc(r, n, sizeof(uint32_t));
    s.wanted = tdagi_raiser_alloc(r, n, 1);
    bool room =
        s.new_of != NULL && s.batch_of != NULL && s.back_of != NULL && s.wanted != NULL;
    tdag_status st = room ? TDAG_OK : tdagi_nomem(r->ctx);
    if (room) {
        memset(s.new_of, 0, n * sizeof(uint32_t));
        memset(s.batch_of, 0, n * sizeof(uint32_t));
        memset(s.back_of, 0, n * sizeof(uint32_t));
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
