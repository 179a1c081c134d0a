/* argsort: the i64 positions that sort each lane of an axis. The evaluation is stable
 * in both directions, whatever the spec leaves open: equal elements (-0 and +0 are
 * equal, and so are all NaN) keep their order. NaN sorts as the largest. */
#include "ops/ops.h"

#include <inttypes.h>
#include <string.h>

#include "ops/axis.h"
#include "ops/loop.h"
#include "ops/number.h"

static const char *const order_names[] = {
    [TDAG_ORDER_STABLE] = "stable",     [TDAG_ORDER_FREE] = "free",
    [TDAG_ORDER_SELECTED] = "selected", [TDAG_ORDER_SET] = "set",
    [TDAG_ORDER_SET + 1] = NULL,
};

static const tdagi_field argsort_fields[] = {
    TDAGI_FIELD(tdag_argsort_spec, axis, INT),
    TDAGI_FIELD(tdag_argsort_spec, descending, BOOL),
    TDAGI_FIELD_OPTIONAL(tdag_argsort_spec, order, order_names),
    {0},
};

static tdag_status argsort_shape(const tdagi_shape_call *c)
{
    const tdag_argsort_spec *spec = c->spec;
    TDAGI_TRY(tdagi_ops_check_axis(c, "argsort", spec->axis));
    if (spec->descending != 0 && spec->descending != 1)
        return tdagi_fail(c->ctx, TDAG_E_ARG,
                          "argsort: descending is %" PRId64 ", not 0 or 1",
                          spec->descending);
    if (spec->order < TDAG_ORDER_STABLE || spec->order > TDAG_ORDER_SET)
        return tdagi_fail(c->ctx, TDAG_E_ARG, "argsort: there is no order %" PRId64,
                          spec->order);
    *c->out = c->inputs[0];
    c->out->dtype = TDAG_I64;
    return TDAG_OK;
}

/* The powers of two below n, which are ceil(log2 n) many. A lane has less than 2^40
 * elements. */
static tdag_dim ceil_log2(tdagi_pool *pool, tdag_dim n)
{
    tdag_dim sum = 0;
    for (int k = 0; k < 40; k++) {
        tdag_dim above = tdagi_dim_sub(pool, n, (tdag_dim)1 << k);
        tdag_dim one = tdagi_dim_min(pool, 1, tdagi_dim_max(pool, 0, above));
        sum = tdagi_dim_add(pool, sum, one);
    }
    return sum;
}

/* n * ceil(log2 n) per lane */
static void argsort_cost(const tdagi_cost_call *c)
{
    const tdag_argsort_spec *spec = c->spec;
    tdag_dim in = tdagi_type_count(c->pool, &c->inputs[0]);
    tdag_dim steps = ceil_log2(c->pool, c->inputs[0].shape[spec->axis]);
    tdagi_ops_cost(c, tdagi_dim_mul(c->pool, in, steps), &in);
}

/* One element while it is sorted: keys compare as integers. */
typedef struct entry {
    int64_t key;
    int64_t position;
} entry;

/* An integer that orders as the number does: -0 is +0, every NaN the greatest. */
static int64_t float_key(double x)
{
    int64_t bits;
    if (x != x) return INT64_MAX;
    x += 0.0;
    memcpy(&bits, &x, sizeof bits);
    return bits < 0 ? INT64_MIN - bits : bits;
}

static void load_lane(const tdag_tensor *x, int64_t at, int64_t step, entry *to,
                      int64_t n, bool descending)
{
    size_t size = tdag_dtype_size(x->dtype);
    bool is_float = tdag_dtype_is_float(x->dtype);
    for (int64_t i = 0; i < n; i++) {
        const void *from = tdagi_const_at(x->data, at + i * step, size);
        double number;
        if (is_float) {
            tdagi_load_f64(x->dtype, from, 1, &number);
            to[i].key = float_key(number);
        } else {
            tdagi_load_i64(x->dtype, from, 1, &to[i].key);
        }
        if (descending) to[i].key = ~to[i].key; /* reverses the order of integers */
        to[i].position = i;
    }
}

/* Merges two sorted neighbours; the left one goes first where keys are equal. */
static void merge(const entry *a, int64_t na, const entry *b, int64_t nb, entry *to)
{
    while (na > 0 && nb > 0) {
        if (b->key < a->key) {
            *to++ = *b++;
            nb--;
        } else {
            *to++ = *a++;
            na--;
        }
    }
    for (; na > 0; na--)
        *to++ = *a++;
    for (; nb > 0; nb--)
        *to++ = *b++;
}

/* Bottom-up merge sort; returns whichever of the two holds the result. */
static entry *sort_lane(entry *a, entry *b, int64_t n)
{
    for (int64_t width = 1; width < n; width *= 2) {
        for (int64_t i = 0; i < n; i += 2 * width) {
            int64_t left = n - i < width ? n - i : width;
            int64_t right = n - i - left < width ? n - i - left : width;
            merge(a + i, left, a + i + left, right, b + i);
        }
        entry *t = a;
        a = b;
        b = t;
    }
    return a;
}

static tdag_status argsort_eval(const tdagi_eval_call *c)
{
    const tdag_argsort_spec *spec = c->spec;
    const tdag_tensor *x = c->inputs[0];
    int64_t n = x->shape[spec->axis], step = 1, *out = c->out->data;
    void *block = NULL;
    if (x->count == 0) return TDAG_OK;
    for (uint32_t i = (uint32_t)spec->axis + 1; i < x->rank; i++)
        step *= x->shape[i];
    TDAGI_TRY(tdagi_array_alloc(c->ctx, (size_t)n, 2 * sizeof(entry), &block));
    for (int64_t outer = 0; outer < x->count; outer += n * step)
        for (int64_t inner = 0; inner < step; inner++) {
            entry *lane = block;
            load_lane(x, outer + inner, step, lane, n, spec->descending != 0);
            lane = sort_lane(lane, lane + n, n);
            for (int64_t i = 0; i < n; i++)
                out[outer + inner + i * step] = lane[i].position;
        }
    tdagi_free(c->ctx, block, (size_t)n * 2 * sizeof(entry));
    return TDAG_OK;
}

static tdag_status argsort_drop_dim(const tdagi_axis_call *c)
{
    const tdag_argsort_spec *spec = c->spec;
    const tdagi_mark *m = &c->marks[0];
    if (spec->axis == m->axis)
        return tdagi_axis_refuse(c, "argsort", "sorts along its axis");
    const tdag_argsort_spec without = {tdagi_mark_shift(m, spec->axis),
                                       spec->descending, spec->order};
    return tdagi_axis_done(c, TDAG_OP_ARGSORT, &without, c->inputs, m);
}

static tdag_status argsort_add_dim(const tdagi_axis_call *c)
{
    const tdag_argsort_spec *spec = c->spec;
    const tdag_argsort_spec with = {spec->axis + 1, spec->descending, spec->order};
    return tdagi_axis_put_one(c, TDAG_OP_ARGSORT, &with);
}

const tdagi_opdef tdagi_op_argsort = {
    .brief = "the positions that sort an axis; NaN as the largest",
    .op_class = TDAGI_CLASS_ORDERED,
    .spec_size = sizeof(tdag_argsort_spec),
    .fields = argsort_fields,
    .shape = argsort_shape,
    .cost = argsort_cost,
    .eval = argsort_eval,
    .drop_dim = argsort_drop_dim,
    .add_dim = argsort_add_dim,
};
