/* Axes of size 1 that an op does nothing with: it is done without them, and they are put
 * back behind it. So two graphs that differ by where they squeeze become the same. */
#include "transform/simplify/rewrite.h"

typedef struct axes {
    uint32_t n;
    int64_t v[TDAG_MAX_RANK];
} axes;

static void push(axes *x, int64_t v) { x->v[x->n++] = v; }

static tdag_value change_axes(tdagi_rewriter *rw, tdag_op op, const axes *x,
                              tdag_value v)
{
    const tdag_axes_spec spec = {{x->n, x->v}};
    return x->n == 0 ? v : tdagi_remake1(rw, op, &spec, v);
}

/* The axes of an operand that the result has with size 1, and those in front that are
 * there by broadcasting. */
static axes idle_axes(const tdagi_type *result, const tdagi_node *x)
{
    axes idle = {0};
    uint32_t first = result->rank - x->rank;
    bool leads = true;
    for (uint32_t i = 0; i < x->rank; i++) {
        leads = leads && x->shape[i] == 1;
        if (leads || result->shape[first + i] == 1) push(&idle, i);
    }
    return idle;
}

static tdag_value elementwise(tdagi_rewriter *rw, const tdagi_apply *a)
{
    tdagi_type result;
    tdag_value in[3];
    axes ones = {0};
    bool changes = false;
    if (tdagi_op_class_of((uint32_t)a->op) != TDAGI_CLASS_ELEMENTWISE ||
        tdagi_apply_type(rw, a, &result) != TDAG_OK)
        return TDAG_NO_VALUE;
    for (uint32_t i = 0; i < a->n; i++) {
        const axes idle = idle_axes(&result, tdagi_made(rw, a->in[i]));
        changes |= idle.n > 0;
        in[i] = change_axes(rw, TDAG_OP_SQUEEZE, &idle, a->in[i]);
    }
    if (!changes) return TDAG_NO_VALUE;
    for (uint32_t i = 0; i < result.rank; i++)
        if (result.shape[i] == 1) push(&ones, i);
    return change_axes(rw, TDAG_OP_UNSQUEEZE, &ones,
                       tdagi_remake(rw, a->op, a->spec, in, a->n));
}

static bool is_named(tdag_list l, int64_t v)
{
    for (uint32_t i = 0; i < l.n; i++)
        if (l.v[i] == v) return true;
    return false;
}

static tdag_value reduce(tdagi_rewriter *rw, const tdagi_apply *a)
{
    const tdag_reduce_spec *spec = a->spec;
    const tdagi_node *x = tdagi_made(rw, a->in[0]);
    axes idle = {0}, reduced = {0};
    for (uint32_t i = 0; i < x->rank; i++) {
        if (is_named(spec->axes, i))
            push(&reduced, i - idle.n);
        else if (x->shape[i] == 1)
            push(&idle, i);
    }
    if (idle.n == 0) return TDAG_NO_VALUE;
    const tdag_reduce_spec less = {{reduced.n, reduced.v}, spec->kind};
    tdag_value v = change_axes(rw, TDAG_OP_SQUEEZE, &idle, a->in[0]);
    return change_axes(rw, TDAG_OP_UNSQUEEZE, &idle,
                       tdagi_remake1(rw, TDAG_OP_REDUCE, &less, v));
}

static tdag_value permute(tdagi_rewriter *rw, const tdagi_apply *a)
{
    const tdag_permute_spec *spec = a->spec;
    const tdagi_node *x = tdagi_made(rw, a->in[0]);
    axes idle = {0}, ones = {0}, order = {0};
    int64_t place[TDAG_MAX_RANK]; /* of an axis that stays */
    for (uint32_t i = 0; i < x->rank; i++) {
        place[i] = i - idle.n;
        if (x->shape[i] == 1) push(&idle, i);
    }
    if (idle.n == 0) return TDAG_NO_VALUE;
    for (uint32_t i = 0; i < x->rank; i++) {
        int64_t from = spec->order.v[i];
        if (x->shape[from] == 1)
            push(&ones, i);
        else
            push(&order, place[from]);
    }
    const tdag_permute_spec less = {{order.n, order.v}};
    tdag_value v = change_axes(rw, TDAG_OP_SQUEEZE, &idle, a->in[0]);
    return change_axes(rw, TDAG_OP_UNSQUEEZE, &ones,
                       tdagi_remake1(rw, TDAG_OP_PERMUTE, &less, v));
}

const tdagi_rule_row tdagi_unit_rules[] = {
    {TDAG_OP_NONE, elementwise},
    {TDAG_OP_REDUCE, reduce},
    {TDAG_OP_PERMUTE, permute},
    {TDAG_OP_NONE, NULL},
};
