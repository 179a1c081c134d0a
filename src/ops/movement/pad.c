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

/* Where position i of a padded axis of dim n comes from; -1: the constant. */
static int64_t pad_source(int64_t mode, int64_t i, int64_t n)
{
    if (i >= 0 && i < n) return i;
    switch (mode) {
    case TDAG_PAD_REFLECT:
        return i < 0 ? -i : 2 * (n - 1) - i;
    case TDAG_PAD_REPLICATE:
        return i < 0 ? 0 : n - 1;
    case TDAG_PAD_CIRCULAR:
        return i < 0 ? i + n : i - n;
    default:
        return -1;
    }
}

#define PAD_ROW(type)                                                                  \
    do {                                                                               \
        const type *f = from, *v = value;                                              \
        type *t = to;                                                                  \
        for (int64_t i = 0; i < n; i++)                                                \
            t[i] = f == NULL || map[i] < 0 ? *v : f[map[i]];                           \
    } while (0)

/* One row; from is NULL where all of it is the constant. */
static void pad_row(void *to, const void *from, const int64_t *map, int64_t n,
                    const void *value, size_t size)
{
    switch (size) {
    case 1:
        PAD_ROW(tdagi_bits8);
        break;
    case 2:
        PAD_ROW(tdagi_bits16);
        break;
    case 4:
        PAD_ROW(tdagi_bits32);
        break;
    default:
        PAD_ROW(tdagi_bits64);
        break;
    }
}

/* maps[axis]: pad_source() of each position of that axis of the result. */
static void pad_rows(const tdagi_eval_call *c, int64_t *const *maps)
{
    const tdag_pad_spec *spec = c->spec;
    const tdag_tensor *x = c->inputs[0];
    size_t size = tdag_dtype_size(x->dtype);
    uint32_t last = c->out->rank - 1;
    int64_t at[TDAG_MAX_RANK] = {0}, from[TDAG_MAX_RANK], n = c->out->shape[last];
    tdagi_bits64 value = 0;
    tdagi_store_f64(x->dtype, &spec->value, 1, &value);
    tdagi_strides(x, from);
    for (int64_t to = 0; to < c->out->count; to += n) {
        int64_t base = 0;
        bool constant = x->count == 0;
        for (uint32_t i = 0; i < last; i++) {
            if (maps[i][at[i]] < 0) constant = true;
            base += maps[i][at[i]] * from[i];
        }
        pad_row(tdagi_at(c->out->data, to, size),
                constant ? NULL : tdagi_const_at(x->data, base, size), maps[last], n,
                &value, size);
        for (uint32_t i = last; i-- > 0;) {
            if (++at[i] < c->out->shape[i]) break;
            at[i] = 0;
        }
    }
}

static tdag_status pad_eval(const tdagi_eval_call *c)
{
    const tdag_pad_spec *spec = c->spec;
    const tdag_tensor *x = c->inputs[0], *out = c->out;
    int64_t *maps[TDAG_MAX_RANK], *next;
    size_t total = 0;
    void *block = NULL;
    if (out->count == 0) return TDAG_OK;
    if (out->rank == 0) return tdagi_eval_same_order(c);
    for (uint32_t i = 0; i < out->rank; i++)
        total += (size_t)out->shape[i];
    TDAGI_TRY(tdagi_array_alloc(c->ctx, total, sizeof(int64_t), &block));
    next = block;
    for (uint32_t i = 0; i < out->rank; i++) {
        maps[i] = next;
        for (int64_t k = 0; k < out->shape[i]; k++)
            *next++ = pad_source(spec->mode, k - spec->before.v[i], x->shape[i]);
    }
    pad_rows(c, maps);
    tdagi_free(c->ctx, block, total * sizeof(int64_t));
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
