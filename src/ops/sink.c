/* Where an axis rule takes an axis of size 1 out of a value, or puts some in, it does
 * so as near to the value's source as it can: beside a weight or an input a view is
 * free, between two ops of a composite it would hide the composite. What is on the way
 * is added anew; what nobody reads then goes. */
#include "ops/axis.h"

#define MOST_STEPS 6   /* ops on the way */
#define MOST_BACK  256 /* values that are looked at for an equal one */

static tdagi_node node_of(const tdagi_axis_call *c, uint32_t id)
{
    return c->builder->graph->nodes[id]; /* a copy: nodes move as they grow */
}

static bool is_elementwise(const tdagi_node *n)
{
    return tdagi_node_def(n)->op_class == TDAGI_CLASS_ELEMENTWISE;
}

static bool is_same(const tdagi_node *n, tdag_op op, const void *spec,
                    const uint32_t *inputs)
{
    if (n->op != op) return false;
    for (uint32_t i = 0; i < n->n_inputs; i++)
        if (tdagi_node_inputs(n)[i].id != inputs[i]) return false;
    const tdagi_field *fields = tdagi_node_def(n)->fields;
    return fields == NULL || tdagi_spec_equal(fields, n->u.spec, spec);
}

/* Adds a node; one that was added shortly before is taken. */
static tdag_status put(const tdagi_axis_call *c, tdag_op op, const void *spec,
                       const uint32_t *inputs, uint32_t n_inputs, uint32_t *out)
{
    const tdagi_node *nodes = c->builder->graph->nodes;
    uint32_t last = c->builder->graph->n;
    for (uint32_t id = last; id > inputs[0] && id + MOST_BACK > last; id--)
        if (is_same(&nodes[id], op, spec, inputs)) {
            *out = id;
            return TDAG_OK;
        }
    return tdagi_axis_put(c, op, spec, inputs, n_inputs, out);
}

/* A squeeze or an unsqueeze. */
static tdag_status put_view(const tdagi_axis_call *c, tdag_op op,
                            const tdagi_axis_numbers *axes, uint32_t x, uint32_t *out)
{
    const tdag_axes_spec spec = {tdagi_axis_list(axes)};
    *out = x;
    return axes->n == 0 ? TDAG_OK : put(c, op, &spec, &x, 1, out);
}

/* ---- out ---- */

static tdag_status squeeze(const tdagi_axis_call *c, int64_t axis, uint32_t steps,
                           uint32_t x, uint32_t *out);

static tdag_status squeeze_elementwise(const tdagi_axis_call *c, int64_t axis,
                                       uint32_t steps, const tdagi_node *n,
                                       uint32_t *out)
{
    uint32_t inputs[TDAGI_INLINE_INPUTS];
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        inputs[i] = tdagi_node_inputs(n)[i].id;
        int64_t own = axis - n->rank + node_of(c, inputs[i]).rank;
        if (own >= 0) TDAGI_TRY(squeeze(c, own, steps, inputs[i], &inputs[i]));
    }
    return put(c, (tdag_op)n->op, n->u.spec, inputs, n->n_inputs, out);
}

static tdag_status squeeze_unsqueeze(const tdagi_axis_call *c, int64_t axis,
                                     uint32_t steps, const tdagi_node *n, uint32_t *out)
{
    tdag_list axes = ((const tdag_axes_spec *)n->u.spec)->axes;
    tdagi_axis_numbers left = {0};
    uint32_t x = tdagi_node_inputs(n)[0].id;
    int64_t own = axis;
    for (uint32_t i = 0; i < axes.n; i++) {
        if (axes.v[i] == axis) own = -1;
        if (axes.v[i] < axis && own >= 0) own--;
        if (axes.v[i] != axis) left.v[left.n++] = axes.v[i] - (axes.v[i] > axis);
    }
    if (own >= 0) TDAGI_TRY(squeeze(c, own, steps, x, &x));
    return put_view(c, TDAG_OP_UNSQUEEZE, &left, x, out);
}

static tdag_status squeeze_permute(const tdagi_axis_call *c, int64_t axis,
                                   uint32_t steps, const tdagi_node *n, uint32_t *out)
{
    tdag_list perm = ((const tdag_permute_spec *)n->u.spec)->order;
    tdagi_axis_numbers left = {0};
    uint32_t x = tdagi_node_inputs(n)[0].id;
    for (uint32_t i = 0; i < perm.n; i++)
        if ((int64_t)i != axis)
            left.v[left.n++] = perm.v[i] - (perm.v[i] > perm.v[axis]);
    const tdag_permute_spec spec = {tdagi_axis_list(&left)};
    TDAGI_TRY(squeeze(c, perm.v[axis], steps, x, &x));
    return put(c, TDAG_OP_PERMUTE, &spec, &x, 1, out);
}

static tdag_status squeeze(const tdagi_axis_call *c, int64_t axis, uint32_t steps,
                           uint32_t x, uint32_t *out)
{
    const tdagi_node n = node_of(c, x);
    const tdagi_axis_numbers axes = {1, {axis}};
    if (steps > 0 && is_elementwise(&n))
        return squeeze_elementwise(c, axis, steps - 1, &n, out);
    if (steps > 0 && n.op == TDAG_OP_UNSQUEEZE)
        return squeeze_unsqueeze(c, axis, steps - 1, &n, out);
    if (steps > 0 && n.op == TDAG_OP_PERMUTE)
        return squeeze_permute(c, axis, steps - 1, &n, out);
    return put_view(c, TDAG_OP_SQUEEZE, &axes, x, out);
}

tdag_status tdagi_axis_squeeze(const tdagi_axis_call *c, int64_t axis, uint32_t x,
                               uint32_t *out)
{
    return squeeze(c, axis, MOST_STEPS, x, out);
}

/* ---- in ---- */

static tdag_status unsqueeze(const tdagi_axis_call *c, const tdagi_axis_numbers *axes,
                             uint32_t steps, uint32_t x, uint32_t *out)
{
    const tdagi_node n = node_of(c, x);
    bool unary = is_elementwise(&n);
    for (uint32_t i = 1; i < n.n_inputs; i++)
        unary = unary && tdagi_node_inputs(&n)[i].id == tdagi_node_inputs(&n)[0].id;
    if (unary &&
        n.op != TDAG_OP_NEG) { /* else it may end a composite: 1/(1 + exp(-x)) */
        const tdagi_node below = node_of(c, tdagi_node_inputs(&n)[0].id);
        unary = below.op == TDAG_OP_CONVERT || !is_elementwise(&below);
    }
    if (steps == 0 || !unary) return put_view(c, TDAG_OP_UNSQUEEZE, axes, x, out);
    uint32_t inputs[TDAGI_INLINE_INPUTS];
    TDAGI_TRY(unsqueeze(c, axes, steps - 1, tdagi_node_inputs(&n)[0].id, &inputs[0]));
    for (uint32_t i = 1; i < n.n_inputs; i++)
        inputs[i] = inputs[0];
    return put(c, (tdag_op)n.op, n.u.spec, inputs, n.n_inputs, out);
}

tdag_status tdagi_axis_unsqueeze(const tdagi_axis_call *c,
                                 const tdagi_axis_numbers *axes, uint32_t x,
                                 uint32_t *out)
{
    return unsqueeze(c, axes, 2, x, out);
}

/* ---- parts of a concat ---- */

bool tdagi_axis_is_concat(const tdagi_axis_call *c, tdag_op op)
{
    const tdagi_node *nodes = c->builder->graph->nodes;
    return op == TDAG_OP_ADD && nodes[c->inputs[0]].op == TDAG_OP_PAD &&
           nodes[c->inputs[1]].op == TDAG_OP_PAD;
}

static tdag_status repeat_part(const tdagi_axis_call *c, uint32_t steps, uint32_t x,
                               uint32_t *out);

static tdag_status repeat_pad(const tdagi_axis_call *c, uint32_t steps,
                              const tdagi_node *n, uint32_t *out)
{
    tdag_pad_spec spec = *(const tdag_pad_spec *)n->u.spec;
    tdagi_axis_numbers before = tdagi_axis_lead(0, spec.before),
                       after = tdagi_axis_lead(0, spec.after);
    spec.before = tdagi_axis_list(&before);
    spec.after = tdagi_axis_list(&after);
    TDAGI_TRY(repeat_part(c, steps, tdagi_node_inputs(n)[0].id, out));
    return put(c, TDAG_OP_PAD, &spec, out, 1, out);
}

static tdag_status repeat_part(const tdagi_axis_call *c, uint32_t steps, uint32_t x,
                               uint32_t *out)
{
    const tdagi_node n = node_of(c, x);
    const tdag_value *in = tdagi_node_inputs(&n);
    uint32_t parts[2];
    if (steps > 0 && n.op == TDAG_OP_PAD) return repeat_pad(c, steps - 1, &n, out);
    if (steps > 0 && n.op == TDAG_OP_UNSQUEEZE) {
        tdagi_axis_numbers axes =
            tdagi_axis_later(((const tdag_axes_spec *)n.u.spec)->axes);
        TDAGI_TRY(repeat_part(c, steps - 1, in[0].id, out));
        return put_view(c, TDAG_OP_UNSQUEEZE, &axes, *out, out);
    }
    if (steps == 0 || n.op != TDAG_OP_ADD || node_of(c, in[0].id).op != TDAG_OP_PAD ||
        node_of(c, in[1].id).op != TDAG_OP_PAD)
        return tdagi_axis_repeat(c, x, out);
    for (uint32_t i = 0; i < 2; i++)
        TDAGI_TRY(repeat_part(c, steps - 1, in[i].id, &parts[i]));
    return put(c, TDAG_OP_ADD, NULL, parts, 2, out);
}

tdag_status tdagi_axis_repeat_part(const tdagi_axis_call *c, uint32_t x, uint32_t *out)
{
    return repeat_part(c, MOST_STEPS, x, out);
}
