/* pad: each axis grows at both ends, by a constant or by elements of the input. Every
 * element of the input is used, so all are read (once). An axis without elements can
 * only be padded by a constant. */
#include "ops/ops.h"

#include <inttypes.h>

#include "ops/axis.h"
#include "ops/loop.h"
#include "ops/number.h"

static const char *const pad_modes[] = {"constant", "reflect", "replicate", "circular",
                                        NULL};
static const tdagi_field pad_fields[] = {
    TDAGI_FIELD(tdag_pad_spec, before, DIMS),
    TDAGI_FIELD(tdag_pad_spec, after, DIMS),
    TDAGI_FIELD_NAMED(tdag_pad_spec, mode, pad_modes),
    TDAGI_FIELD(tdag_pad_spec, value, F64),
    {0},
};

/* The most that one end of an axis of dim n can be padded by, INT64_MAX for no limit.
 */
static int64_t pad_limit(int64_t mode, int64_t n)
{
    if (mode == TDAG_PAD_REFLECT) return n > 0 ? n - 1 : 0;
    if (mode == TDAG_PAD_REPLICATE && n == 0) return 0;
    if (mode == TDAG_PAD_CIRCULAR) return n;
    return INT64_MAX;
}

static tdag_status pad_check(const tdagi_shape_call *c, uint32_t axis, tdag_dim by)
{
    const tdag_pad_spec *spec = c->spec;
    tdag_dim n = c->inputs[0].shape[axis];
    if (tdagi_dim_sample(c->pool, by) <=
        pad_limit(spec->mode, tdagi_dim_sample(c->pool, n)))
        return TDAG_OK;
    tdagi_ops_text a, b;
    return tdagi_fail(c->ctx, TDAG_E_SHAPE,
                      "pad: axis %" PRIu32
                      " of dim %s is too small to be padded by %s in"
                      " mode %s",
                      axis, tdagi_ops_dim(c->pool, n, &a),
                      tdagi_ops_dim(c->pool, by, &b), pad_modes[spec->mode]);
}

static tdag_status pad_shape(const tdagi_shape_call *c)
{
    const tdag_pad_spec *spec = c->spec;
    const tdagi_type *x = &c->inputs[0];
    TDAGI_TRY(
        tdagi_ops_check_ends(c, "pad", "before", spec->before, "after", spec->after));
    if (spec->mode < TDAG_PAD_CONSTANT || spec->mode > TDAG_PAD_CIRCULAR)
        return tdagi_fail(c->ctx, TDAG_E_ARG,
                          "pad: mode %" PRId64 " is not one of its modes", spec->mode);
    for (uint32_t i = 0; i < x->rank; i++) {
        TDAGI_TRY(pad_check(c, i, spec->before.v[i]));
        TDAGI_TRY(pad_check(c, i, spec->after.v[i]));
        tdag_dim both = tdagi_dim_add(c->pool, spec->before.v[i], spec->after.v[i]);
        c->out->shape[i] = tdagi_dim_add(c->pool, x->shape[i], both);
    }
    c->out->dtype = x->dtype;
    c->out->rank = x->rank;
    return tdagi_ops_finish(c);
}

static void pad_index(const tdagi_index_call *c, tdagi_index_map *out)
{
    const tdag_pad_spec *spec = c->spec;
    out->pad = spec;
    for (uint32_t i = 0; i < c->in_rank; i++) {
        tdagi_piece *p = tdagi_index_add(out, i, i);
        p->before = spec->before.v[i];
        p->after = spec->after.v[i];
    }
}

/* Neighbouring positions of an axis of the result, and what of the input they show. */
typedef struct pad_run {
    int64_t n, to, from, step;
} pad_run;

/* The padding at one end of an axis of dim n: what each position of it shows. */
static pad_run pad_end(int64_t mode, int64_t by, int64_t n, bool after)
{
    pad_run run = {.n = by};
    if (mode == TDAG_PAD_CONSTANT) run.n = 0; /* filled before */
    if (mode == TDAG_PAD_REFLECT) {
        run.from = after ? n - 2 : by;
        run.step = -1;
    } else if (mode == TDAG_PAD_CIRCULAR) {
        run.from = after ? 0 : n - by;
        run.step = 1;
    } else if (after) {
        run.from = n - 1;
    }
    return run;
}

/* Copies all combinations of the three runs of each axis from `axis` on. */
static void pad_copy(const tdagi_eval_call *c, uint32_t axis, tdagi_loop loop)
{
    const tdag_pad_spec *spec = c->spec;
    const tdag_tensor *x = c->inputs[0];
    if (axis == x->rank) {
        tdagi_loop_copy(&loop, c->out->data, x->data, tdag_dtype_size(x->dtype));
        return;
    }
    int64_t to[TDAG_MAX_RANK], from[TDAG_MAX_RANK], n = x->shape[axis];
    int64_t before = spec->before.v[axis], after = spec->after.v[axis];
    pad_run runs[3] = {pad_end(spec->mode, before, n, false), {n, before, 0, 1}};
    runs[2] = pad_end(spec->mode, after, n, true);
    runs[2].to = before + n;
    tdagi_strides(c->out, to);
    tdagi_strides(x, from);
    for (uint32_t i = 0; i < 3; i++) {
        const pad_run *run = &runs[i];
        if (run->n == 0) continue;
        tdagi_loop inner = loop;
        inner.offset[0] += run->to * to[axis];
        inner.offset[1] += run->from * from[axis];
        const int64_t steps[2] = {to[axis], run->step * from[axis]};
        tdagi_loop_axis(&inner, run->n, steps);
        pad_copy(c, axis + 1, inner);
    }
}

static tdag_status pad_eval(const tdagi_eval_call *c)
{
    const tdag_pad_spec *spec = c->spec;
    tdagi_loop loop;
    tdagi_loop_init(&loop, 2);
    if (spec->mode == TDAG_PAD_CONSTANT) {
        tdagi_bits64 value = 0;
        tdagi_loop fill = loop;
        const int64_t steps[2] = {1, 0};
        tdagi_store_f64(c->out->dtype, &spec->value, 1, &value);
        tdagi_loop_axis(&fill, c->out->count, steps);
        tdagi_loop_copy(&fill, c->out->data, &value, tdag_dtype_size(c->out->dtype));
    }
    pad_copy(c, 0, loop);
    return TDAG_OK;
}

static tdag_status pad_drop_dim(const tdagi_axis_call *c)
{
    const tdag_pad_spec *spec = c->spec;
    const tdagi_mark *m = &c->marks[0];
    if (m->axis >= 0 && (spec->before.v[m->axis] != 0 || spec->after.v[m->axis] != 0))
        return tdagi_axis_refuse(c, "pad", "adds to its axis");
    tdagi_axis_numbers before = tdagi_mark_entries(m, spec->before, 0);
    tdagi_axis_numbers after = tdagi_mark_entries(m, spec->after, 0);
    const tdag_pad_spec without = {tdagi_axis_list(&before), tdagi_axis_list(&after),
                                   spec->mode, spec->value};
    return tdagi_axis_done(c, TDAG_OP_PAD, &without, c->inputs, m);
}

static tdag_status pad_add_dim(const tdagi_axis_call *c)
{
    const tdag_pad_spec *spec = c->spec;
    tdagi_axis_numbers before = tdagi_axis_lead(0, spec->before);
    tdagi_axis_numbers after = tdagi_axis_lead(0, spec->after);
    const tdag_pad_spec with = {tdagi_axis_list(&before), tdagi_axis_list(&after),
                                spec->mode, spec->value};
    return tdagi_axis_put_one(c, TDAG_OP_PAD, &with);
}

const tdagi_opdef tdagi_op_pad = {
    .brief = "grows each axis at both ends by a constant or by its own elements",
    .op_class = TDAGI_CLASS_MOVE,
    .spec_size = sizeof(tdag_pad_spec),
    .fields = pad_fields,
    .shape = pad_shape,
    .cost = tdagi_cost_move,
    .eval = pad_eval,
    .index = pad_index,
    .drop_dim = pad_drop_dim,
    .add_dim = pad_add_dim,
};
