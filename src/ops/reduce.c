/* reduce: axes become size 1. An empty axis gives the reduction's identity: 0, 1, -inf
 * or the least integer for max, +inf or the greatest for min, NaN for mean. min and max
 * are NaN if any element is; max(-0, +0) is +0 and min(-0, +0) is -0. Floats accumulate
 * in f64 and are rounded once; integers wrap. */
#include "ops/ops.h"

#include "ops/axis.h"
#include "ops/combine.h"

static const char *const kind_names[] = {NULL,  "sum",  "product", "min",
                                         "max", "mean", NULL};
static const tdagi_field reduce_fields[] = {
    TDAGI_FIELD(tdag_reduce_spec, axes, INTS),
    TDAGI_FIELD_NAMED(tdag_reduce_spec, kind, kind_names),
    {0},
};

static tdag_status reduce_shape(const tdagi_shape_call *c)
{
    const tdag_reduce_spec *spec = c->spec;
    TDAGI_TRY(tdagi_ops_check_axes(c, "reduce", spec->axes, c->inputs[0].rank));
    TDAGI_TRY(tdagi_ops_check_reduction(c, "reduce", spec->kind, true));
    *c->out = c->inputs[0];
    for (uint32_t i = 0; i < spec->axes.n; i++)
        c->out->shape[spec->axes.v[i]] = 1;
    return TDAG_OK;
}

/* Input elements - output elements (0 where the input is empty); mean: input elements.
 */
static void reduce_cost(const tdagi_cost_call *c)
{
    const tdag_reduce_spec *spec = c->spec;
    tdag_dim in = tdagi_type_count(c->pool, &c->inputs[0]);
    tdag_dim out = tdagi_type_count(c->pool, c->output);
    tdag_dim flops =
        spec->kind == TDAG_REDUCE_MEAN ? in : tdagi_ops_excess(c->pool, in, out);
    tdagi_ops_cost(c, flops, &in);
}

static tdag_status reduce_eval(const tdagi_eval_call *c)
{
    const tdag_reduce_spec *spec = c->spec;
    const tdag_tensor *x = c->inputs[0];
    int64_t to[TDAG_MAX_RANK], from[TDAG_MAX_RANK], mean_of = 1;
    uint32_t next = 0;
    tdagi_loop loop;
    tdagi_strides(c->out, to);
    tdagi_strides(x, from);
    tdagi_loop_init(&loop, 2);
    for (uint32_t i = 0; i < x->rank; i++) {
        bool reduced = next < spec->axes.n && spec->axes.v[next] == (int64_t)i;
        if (reduced) {
            next++;
            mean_of *= x->shape[i];
        }
        tdagi_loop_axis(&loop, x->shape[i], (int64_t[]){reduced ? 0 : to[i], from[i]});
    }
    return tdagi_accumulate(c, (tdag_reduction)spec->kind, &loop, mean_of);
}

static tdag_status reduce_drop_dim(const tdagi_axis_call *c)
{
    const tdag_reduce_spec *spec = c->spec;
    const tdagi_mark *m = &c->marks[0];
    tdagi_axis_numbers axes = {0};
    bool adds = spec->kind == TDAG_REDUCE_SUM || spec->kind == TDAG_REDUCE_PRODUCT;
    bool gone = false; /* the one of equal parts is their min, max and mean */
    for (uint32_t i = 0; i < spec->axes.n; i++) {
        bool here = spec->axes.v[i] == m->axis;
        if (here && m->same && adds)
            return tdagi_axis_refuse(c, "reduce",
                                     "gives a result that depends on its size");
        if (here && !(m->same && tdagi_mark_alone(m)))
            return tdagi_axis_refuse(c, "reduce", "reduces over its axis");
        if (!here) axes.v[axes.n++] = tdagi_mark_shift(m, spec->axes.v[i]);
        gone |= here;
    }
    const tdag_reduce_spec without = {tdagi_axis_list(&axes), spec->kind};
    if (!gone) return tdagi_axis_done(c, TDAG_OP_REDUCE, &without, c->inputs, m);
    TDAGI_TRY(
        tdagi_axis_done(c, TDAG_OP_REDUCE, &without, c->inputs, tdagi_mark_none()));
    return tdagi_axis_resize(c, TDAG_OP_UNSQUEEZE, m->axis, *c->out, c->out);
}

static tdag_status reduce_add_dim(const tdagi_axis_call *c)
{
    const tdag_reduce_spec *spec = c->spec;
    tdagi_axis_numbers axes = tdagi_axis_later(spec->axes);
    const tdag_reduce_spec with = {tdagi_axis_list(&axes), spec->kind};
    return tdagi_axis_put_one(c, TDAG_OP_REDUCE, &with);
}

const tdagi_opdef tdagi_op_reduce = {
    .brief = "sum, product, min, max or mean over axes, which become size 1",
    .op_class = TDAGI_CLASS_REDUCTION,
    .spec_size = sizeof(tdag_reduce_spec),
    .fields = reduce_fields,
    .shape = reduce_shape,
    .cost = reduce_cost,
    .eval = reduce_eval,
    .drop_dim = reduce_drop_dim,
    .add_dim = reduce_add_dim,
};
