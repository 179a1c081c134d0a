/* What makes graphs the same that differ by where they squeeze and reshape. Axes of
 * size 1 that an op does nothing with: it is done without them, and they are put back
 * behind it. Axes are split, then permuted, then joined. */
#include "transform/simplify/rewrite.h"

static tdag_value change_axes(tdagi_rewriter *rw, tdag_op op, const tdagi_numbers *x,
                              tdag_value v)
{
    const tdag_axes_spec spec = {tdagi_list(x)};
    return x->n == 0 ? v : tdagi_remake1(rw, op, &spec, v);
}

/* The tdagi_numbers of an operand that the result has with size 1, and those in front
 * that are there by broadcasting. */
static tdagi_numbers idle_axes(const tdagi_type *result, const tdagi_node *x)
{
    tdagi_numbers idle = {0};
    uint32_t first = result->rank - x->rank;
    bool leads = true;
    for (uint32_t i = 0; i < x->rank; i++) {
        leads = leads && x->shape[i] == 1;
        if (leads || result->shape[first + i] == 1) tdagi_push(&idle, i);
    }
    return idle;
}

static tdag_value elementwise(tdagi_rewriter *rw, const tdagi_apply *a)
{
    tdagi_type result;
    tdag_value in[3];
    tdagi_numbers ones = {0};
    bool changes = false;
    if (tdagi_op_class_of((uint32_t)a->op) != TDAGI_CLASS_ELEMENTWISE ||
        tdagi_apply_type(rw, a, &result) != TDAG_OK)
        return TDAG_NO_VALUE;
    for (uint32_t i = 0; i < a->n; i++) {
        const tdagi_numbers idle = idle_axes(&result, tdagi_made(rw, a->in[i]));
        changes |= idle.n > 0;
        in[i] = change_axes(rw, TDAG_OP_SQUEEZE, &idle, a->in[i]);
    }
    if (!changes) return TDAG_NO_VALUE;
    for (uint32_t i = 0; i < result.rank; i++)
        if (result.shape[i] == 1) tdagi_push(&ones, i);
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
    tdagi_numbers idle = {0}, reduced = {0};
    for (uint32_t i = 0; i < x->rank; i++) {
        if (is_named(spec->axes, i))
            tdagi_push(&reduced, i - idle.n);
        else if (x->shape[i] == 1)
            tdagi_push(&idle, i);
    }
    if (idle.n == 0) return TDAG_NO_VALUE;
    const tdag_reduce_spec less = {tdagi_list(&reduced), spec->kind};
    tdag_value v = change_axes(rw, TDAG_OP_SQUEEZE, &idle, a->in[0]);
    return change_axes(rw, TDAG_OP_UNSQUEEZE, &idle,
                       tdagi_remake1(rw, TDAG_OP_REDUCE, &less, v));
}

/* What a permutation makes of joined tdagi_numbers is of their parts, joined behind it.
 */
static tdag_value permute_of_group(tdagi_rewriter *rw, const tdag_permute_spec *spec,
                                   const tdagi_node *x)
{
    const tdag_group_spec *group = x->u.spec;
    tdagi_numbers order = {0}, runs = {0};
    int64_t first[TDAG_MAX_RANK], at = 0; /* of the run */
    for (uint32_t i = 0; i < group->runs.n; i++) {
        first[i] = at;
        at += group->runs.v[i];
    }
    for (uint32_t i = 0; i < spec->order.n; i++) {
        int64_t from = spec->order.v[i], n = group->runs.v[from];
        tdagi_push(&runs, n);
        for (int64_t k = 0; k < n; k++)
            tdagi_push(&order, first[from] + k);
    }
    const tdag_permute_spec parts = {tdagi_list(&order)};
    const tdag_group_spec joined = {tdagi_list(&runs)};
    return tdagi_remake1(rw, TDAG_OP_GROUP, &joined,
                         tdagi_remake1(rw, TDAG_OP_PERMUTE, &parts, x->in.few[0]));
}

static tdag_value permute(tdagi_rewriter *rw, const tdagi_apply *a)
{
    const tdag_permute_spec *spec = a->spec;
    const tdagi_node *x = tdagi_made(rw, a->in[0]);
    tdagi_numbers idle = {0}, ones = {0}, order = {0};
    int64_t place[TDAG_MAX_RANK]; /* of an axis that stays */
    for (uint32_t i = 0; i < x->rank; i++) {
        place[i] = i - idle.n;
        if (x->shape[i] == 1) tdagi_push(&idle, i);
    }
    const tdagi_node made = tdagi_made_by(rw, a->in[0]);
    if (made.op == TDAG_OP_GROUP) return permute_of_group(rw, spec, &made);
    if (idle.n == 0) return TDAG_NO_VALUE;
    for (uint32_t i = 0; i < x->rank; i++) {
        int64_t from = spec->order.v[i];
        if (x->shape[from] == 1)
            tdagi_push(&ones, i);
        else
            tdagi_push(&order, place[from]);
    }
    const tdag_permute_spec less = {tdagi_list(&order)};
    tdag_value v = change_axes(rw, TDAG_OP_SQUEEZE, &idle, a->in[0]);
    return change_axes(rw, TDAG_OP_UNSQUEEZE, &ones,
                       tdagi_remake1(rw, TDAG_OP_PERMUTE, &less, v));
}

static tdag_value group(tdagi_rewriter *rw, const tdagi_apply *a)
{
    const tdag_group_spec *spec = a->spec;
    const tdag_dim *shape = tdagi_made(rw, a->in[0])->shape;
    tdagi_numbers idle = {0}, ones = {0}, runs = {0};
    int64_t at = 0;
    for (uint32_t i = 0; i < spec->runs.n; i++) {
        int64_t n = 0;
        for (int64_t end = at + spec->runs.v[i]; at < end; at++) {
            n += shape[at] != 1;
            if (shape[at] == 1) tdagi_push(&idle, at);
        }
        tdagi_push(n > 0 ? &runs : &ones, n > 0 ? n : (int64_t)i);
    }
    if (idle.n == 0) return TDAG_NO_VALUE;
    const tdag_group_spec less = {tdagi_list(&runs)};
    tdag_value v = change_axes(rw, TDAG_OP_SQUEEZE, &idle, a->in[0]);
    return change_axes(rw, TDAG_OP_UNSQUEEZE, &ones,
                       tdagi_remake1(rw, TDAG_OP_GROUP, &less, v));
}

static void push_all(tdagi_numbers *x, uint32_t n, const int64_t *v)
{
    for (uint32_t i = 0; i < n; i++)
        tdagi_push(x, v[i]);
}

/* Splits of permuted tdagi_numbers are splits before the permutation. */
static tdag_value ungroup_of_permute(tdagi_rewriter *rw, const tdag_ungroup_spec *spec,
                                     const tdagi_node *x)
{
    const tdag_permute_spec *permute = x->u.spec;
    tdagi_numbers counts = {0}, factors = {0}, order = {0};
    int64_t place[TDAG_MAX_RANK], at[TDAG_MAX_RANK], to[TDAG_MAX_RANK], n = 0;
    for (uint32_t i = 0; i < spec->counts.n; i++) {
        place[permute->order.v[i]] = i;
        at[i] = n; /* of its parts in the result */
        n += spec->counts.v[i];
    }
    for (uint32_t i = 0; i < spec->counts.n; i++) {
        int64_t from = place[i];
        to[from] = factors.n;
        tdagi_push(&counts, spec->counts.v[from]);
        push_all(&factors, (uint32_t)spec->counts.v[from], spec->factors.v + at[from]);
    }
    for (uint32_t i = 0; i < spec->counts.n; i++)
        for (int64_t k = 0; k < spec->counts.v[i]; k++)
            tdagi_push(&order, to[i] + k);
    const tdag_ungroup_spec parts = {tdagi_list(&counts), tdagi_list(&factors)};
    const tdag_permute_spec turned = {tdagi_list(&order)};
    return tdagi_remake1(rw, TDAG_OP_PERMUTE, &turned,
                         tdagi_remake1(rw, TDAG_OP_UNGROUP, &parts, x->in.few[0]));
}

/* Splits of tdagi_numbers that were not joined are splits before the others are. */
static tdag_value ungroup_of_group(tdagi_rewriter *rw, const tdag_ungroup_spec *spec,
                                   const tdagi_node *x)
{
    const tdag_group_spec *group = x->u.spec;
    const tdag_dim *shape = tdagi_made(rw, x->in.few[0])->shape;
    tdagi_numbers before = {0}, parts = {0}, runs = {0}, after = {0};
    int64_t rank = 0, at = 0;
    bool splits = false;
    for (uint32_t i = 0; i < spec->counts.n; i++)
        rank += group->runs.v[i] == 1 ? spec->counts.v[i] : group->runs.v[i];
    if (rank > TDAG_MAX_RANK) return TDAG_NO_VALUE;
    for (uint32_t i = 0; i < spec->counts.n; i++) {
        uint32_t n = (uint32_t)spec->counts.v[i], run = (uint32_t)group->runs.v[i];
        bool is_alone = run == 1 && n > 0;
        splits |= is_alone && n > 1;
        for (uint32_t k = 0; k < (is_alone ? 1 : run); k++)
            tdagi_push(&before, is_alone ? n : 1);
        push_all(&parts, is_alone ? n : run, is_alone ? spec->factors.v + at : shape);
        for (uint32_t k = 0; k < (is_alone ? n : 1); k++) {
            tdagi_push(&runs, is_alone ? 1 : run);
            tdagi_push(&after, is_alone ? 1 : n);
        }
        at += n;
        shape += run;
    }
    if (!splits) return TDAG_NO_VALUE;
    const tdag_ungroup_spec first = {tdagi_list(&before), tdagi_list(&parts)},
                            last = {tdagi_list(&after), spec->factors};
    const tdag_group_spec joined = {tdagi_list(&runs)};
    tdag_value v = tdagi_remake1(rw, TDAG_OP_UNGROUP, &first, x->in.few[0]);
    v = tdagi_remake1(rw, TDAG_OP_GROUP, &joined, v);
    return tdagi_remake1(rw, TDAG_OP_UNGROUP, &last, v);
}

static tdag_value ungroup(tdagi_rewriter *rw, const tdagi_apply *a)
{
    const tdag_ungroup_spec *spec = a->spec;
    tdagi_numbers idle = {0}, ones = {0}, counts = {0}, factors = {0};
    int64_t at = 0;
    for (uint32_t i = 0; i < spec->counts.n; i++) {
        int64_t n = 0;
        for (int64_t end = at + spec->counts.v[i]; at < end; at++) {
            tdag_dim factor = spec->factors.v[at];
            n += factor != 1;
            tdagi_push(factor != 1 ? &factors : &ones, factor != 1 ? factor : at);
        }
        tdagi_push(n > 0 ? &counts : &idle, n > 0 ? n : (int64_t)i);
    }
    const tdagi_node made = tdagi_made_by(rw, a->in[0]);
    if (made.op == TDAG_OP_PERMUTE) return ungroup_of_permute(rw, spec, &made);
    if (ones.n == 0)
        return made.op == TDAG_OP_GROUP ? ungroup_of_group(rw, spec, &made)
                                        : TDAG_NO_VALUE;
    const tdag_ungroup_spec less = {tdagi_list(&counts), tdagi_list(&factors)};
    tdag_value v = change_axes(rw, TDAG_OP_SQUEEZE, &idle, a->in[0]);
    return change_axes(rw, TDAG_OP_UNSQUEEZE, &ones,
                       tdagi_remake1(rw, TDAG_OP_UNGROUP, &less, v));
}

static tdag_value slice(tdagi_rewriter *rw, const tdagi_apply *a)
{
    const tdag_slice_spec *spec = a->spec;
    const tdagi_node *x = tdagi_made(rw, a->in[0]);
    tdagi_numbers idle = {0}, start = {0}, end = {0};
    for (uint32_t i = 0; i < x->rank; i++) {
        if (x->shape[i] == 1 && spec->start.v[i] == 0 && spec->end.v[i] == 1) {
            tdagi_push(&idle, i);
            continue;
        }
        tdagi_push(&start, spec->start.v[i]);
        tdagi_push(&end, spec->end.v[i]);
    }
    if (idle.n == 0) return TDAG_NO_VALUE;
    const tdag_slice_spec less = {tdagi_list(&start), tdagi_list(&end)};
    tdag_value v = change_axes(rw, TDAG_OP_SQUEEZE, &idle, a->in[0]);
    return change_axes(rw, TDAG_OP_UNSQUEEZE, &idle,
                       tdagi_remake1(rw, TDAG_OP_SLICE, &less, v));
}

const tdagi_rule_row tdagi_normal_rules[] = {
    {TDAG_OP_NONE, elementwise}, {TDAG_OP_REDUCE, reduce},   {TDAG_OP_PERMUTE, permute},
    {TDAG_OP_GROUP, group},      {TDAG_OP_UNGROUP, ungroup}, {TDAG_OP_SLICE, slice},
    {TDAG_OP_NONE, NULL},
};
