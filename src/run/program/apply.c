/* The operators whose result's size depends on data. Each counts, makes its results,
 * and fills them. */
#include "run/program/apply.h"

#include <stdlib.h>
#include <string.h>

#include "base/number_text.h"

typedef tdag_status apply_fn(const tdagi_apply_call *c);

/* The value of "key=value", or the default. */
static double argument(const tdagi_apply_call *c, const char *key, double otherwise)
{
    size_t n = strlen(key);
    for (const char *p = c->arguments; p != NULL && *p != '\0'; p = strchr(p, ',')) {
        p += strspn(p, ", ");
        if (strncmp(p, key, n) != 0 || p[n] != '=') continue;
        const char *value = p + n + 1;
        double number;
        if (strncmp(value, "true", 4) == 0 || strncmp(value, "false", 5) == 0)
            return *value == 't';
        if (tdagi_f64_parse(value, strcspn(value, ", "), &number)) return number;
    }
    return otherwise;
}

static tdag_status make(const tdagi_apply_call *c, uint32_t i, tdag_dtype dtype,
                        uint32_t rank, const int64_t *shape)
{
    if (i >= c->n_results) return TDAG_OK;
    return tdag_tensor_create(c->ctx, dtype, rank, shape, &c->results[i]);
}

/* A vector of n, result number i. */
static tdag_status make_vector(const tdagi_apply_call *c, uint32_t i, tdag_dtype dtype,
                               int64_t n)
{
    return make(c, i, dtype, 1, &n);
}

static tdag_status bad_inputs(const tdagi_apply_call *c, const char *what)
{
    return tdagi_fail(c->ctx, TDAG_E_SHAPE, "it takes %s", what);
}

/* ---- nonzero ---- */

static bool is_zero(const tdag_tensor *t, int64_t i)
{
    return tdagi_tensor_get_f64(t, i) == 0;
}

/* i64[K,rank]: the positions, in the order of the elements. */
static tdag_status apply_nonzero(const tdagi_apply_call *c)
{
    const tdag_tensor *x = c->inputs[0];
    int64_t shape[2] = {0, x->rank};
    for (int64_t i = 0; i < x->count; i++)
        shape[0] += !is_zero(x, i);
    TDAGI_TRY(make(c, 0, TDAG_I64, 2, shape));
    int64_t row = 0;
    for (int64_t i = 0; i < x->count; i++) {
        if (is_zero(x, i)) continue;
        int64_t rest = i;
        for (uint32_t k = x->rank; k-- > 0; rest /= x->shape[k])
            tdagi_tensor_set_i64(c->results[0], row * x->rank + k, rest % x->shape[k]);
        row++;
    }
    return TDAG_OK;
}

/* ---- unique ---- */

/* Positions of a tensor's elements, by value, equal ones in their order. */
typedef struct order {
    const tdag_tensor *x;
    int64_t i;
} order;

static bool is_float(const tdag_tensor *t) { return tdag_dtype_is_float(t->dtype); }

static int compare_elements(const tdag_tensor *x, int64_t i, int64_t j)
{
    if (!is_float(x)) {
        int64_t a = tdagi_tensor_get_i64(x, i), b = tdagi_tensor_get_i64(x, j);
        return (a > b) - (a < b);
    }
    double a = tdagi_tensor_get_f64(x, i), b = tdagi_tensor_get_f64(x, j);
    if (a != a || b != b) return (a != a) - (b != b); /* NaN behind all numbers */
    return (a > b) - (a < b);
}

static int compare_order(const void *a, const void *b)
{
    const order *p = a, *q = b;
    int by_value = compare_elements(p->x, p->i, q->i);
    return by_value != 0 ? by_value : (p->i > q->i) - (p->i < q->i);
}

static void copy_element(const tdag_tensor *from, int64_t i, tdag_tensor *to, int64_t j)
{
    size_t size = tdag_dtype_size(from->dtype);
    memcpy((char *)to->data + (size_t)j * size,
           (const char *)from->data + (size_t)i * size, size);
}

/* Each NaN is a value of its own, as in PyTorch. */
static bool begins(const order *o, int64_t k)
{
    if (k == 0) return true;
    const tdag_tensor *x = o->x;
    bool is_nan = is_float(x) &&
                  tdagi_tensor_get_f64(x, o[k].i) != tdagi_tensor_get_f64(x, o[k].i);
    return is_nan || compare_elements(x, o[k - 1].i, o[k].i) != 0;
}

/* Runs of equal elements, in this order: values, inverse, counts. */
static tdag_status fill_runs(const tdagi_apply_call *c, const order *o)
{
    const tdag_tensor *x = c->inputs[0];
    int64_t n = 0;
    for (int64_t k = 0; k < x->count; k++)
        n += begins(o, k);
    TDAGI_TRY(make_vector(c, 0, x->dtype, n));
    TDAGI_TRY(make(c, 1, TDAG_I64, x->rank, x->shape));
    TDAGI_TRY(make_vector(c, 2, TDAG_I64, n));
    int64_t at = -1, count = 0;
    for (int64_t k = 0; k < x->count; k++) {
        if (begins(o, k)) {
            copy_element(x, o[k].i, c->results[0], ++at);
            count = 0;
        }
        count++;
        if (c->n_results > 1) tdagi_tensor_set_i64(c->results[1], o[k].i, at);
        if (c->n_results > 2) tdagi_tensor_set_i64(c->results[2], at, count);
    }
    return TDAG_OK;
}

static tdag_status apply_runs(const tdagi_apply_call *c, bool sort)
{
    const tdag_tensor *x = c->inputs[0];
    void *block = NULL;
    TDAGI_TRY(tdagi_array_alloc(c->ctx, (size_t)x->count, sizeof(order), &block));
    order *o = block;
    for (int64_t i = 0; i < x->count; i++)
        o[i] = (order){x, i};
    if (sort) qsort(o, (size_t)x->count, sizeof *o, compare_order);
    tdag_status st = fill_runs(c, o);
    tdagi_free(c->ctx, block, (size_t)x->count * sizeof(order));
    return st;
}

static tdag_status apply_unique(const tdagi_apply_call *c)
{
    return apply_runs(c, true);
}

static tdag_status apply_unique_consecutive(const tdagi_apply_call *c)
{
    return apply_runs(c, false);
}

/* ---- counts ---- */

/* How often each integer stands in a vector, or the sum of its weights. */
static tdag_status apply_bincount(const tdagi_apply_call *c)
{
    const tdag_tensor *x = c->inputs[0];
    const tdag_tensor *weights = c->n_inputs > 1 ? c->inputs[1] : NULL;
    if (x->rank != 1 || (weights != NULL && weights->count != x->count))
        return bad_inputs(c, "a vector, and weights of its size");
    int64_t n = (int64_t)argument(c, "minlength", 0);
    for (int64_t i = 0; i < x->count; i++) {
        int64_t value = tdagi_tensor_get_i64(x, i);
        if (value < 0) return bad_inputs(c, "no negative integers");
        if (value >= n) n = value + 1;
    }
    tdag_dtype dtype = weights == NULL              ? TDAG_I64
                       : weights->dtype == TDAG_F32 ? TDAG_F32
                                                    : TDAG_F64;
    TDAGI_TRY(make_vector(c, 0, dtype, n));
    memset(c->results[0]->data, 0, c->results[0]->size);
    for (int64_t i = 0; i < x->count; i++) {
        int64_t at = tdagi_tensor_get_i64(x, i);
        double sum = tdagi_tensor_get_f64(c->results[0], at);
        sum += weights == NULL ? 1 : tdagi_tensor_get_f64(weights, i);
        tdagi_tensor_set_f64(c->results[0], at, sum);
    }
    return TDAG_OK;
}

/* Each position as often as its count says. */
static tdag_status apply_repeat_interleave(const tdagi_apply_call *c)
{
    const tdag_tensor *repeats = c->inputs[0];
    int64_t n = 0;
    if (repeats->rank != 1) return bad_inputs(c, "a vector");
    for (int64_t i = 0; i < repeats->count; i++) {
        int64_t times = tdagi_tensor_get_i64(repeats, i);
        if (times < 0 || __builtin_add_overflow(n, times, &n))
            return bad_inputs(c, "no negative counts");
    }
    TDAGI_TRY(make_vector(c, 0, repeats->dtype, n));
    int64_t at = 0;
    for (int64_t i = 0; i < repeats->count; i++)
        for (int64_t k = tdagi_tensor_get_i64(repeats, i); k > 0; k--)
            tdagi_tensor_set_i64(c->results[0], at++, i);
    return TDAG_OK;
}

/* ---- nms ---- */

/* Intersection over union of two boxes (x1, y1, x2, y2), in the boxes' precision. */
static double overlap(const tdag_tensor *boxes, int64_t a, int64_t b)
{
    double p[4], q[4], side[2];
    for (int k = 0; k < 4; k++) {
        p[k] = tdagi_tensor_get_f64(boxes, 4 * a + k);
        q[k] = tdagi_tensor_get_f64(boxes, 4 * b + k);
    }
    for (int k = 0; k < 2; k++) {
        double low = p[k] > q[k] ? p[k] : q[k],
               high = p[k + 2] < q[k + 2] ? p[k + 2] : q[k + 2];
        side[k] = high > low ? high - low : 0;
    }
    double both = side[0] * side[1];
    double one = (p[2] - p[0]) * (p[3] - p[1]), other = (q[2] - q[0]) * (q[3] - q[1]);
    return both / (one + other - both);
}

/* The boxes that stay, best first: one that overlaps a better one by more goes. */
static int64_t suppress(const tdagi_apply_call *c, const order *o, bool *gone,
                        int64_t n)
{
    double threshold = argument(c, "iou_threshold", 0.5);
    int64_t kept = n;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i + 1; j < n && !gone[i]; j++)
            if (!gone[j] && overlap(c->inputs[0], o[i].i, o[j].i) > threshold) {
                gone[j] = true;
                kept--;
            }
    return kept;
}

static int compare_scores(const void *a, const void *b)
{
    const order *p = a, *q = b;
    int by_value = compare_elements(p->x, q->i, p->i);
    return by_value != 0 ? by_value : (p->i > q->i) - (p->i < q->i);
}

static tdag_status keep_best(const tdagi_apply_call *c, order *o, bool *gone)
{
    int64_t n = c->inputs[1]->count, at = 0;
    for (int64_t i = 0; i < n; i++)
        o[i] = (order){c->inputs[1], i};
    qsort(o, (size_t)n, sizeof *o, compare_scores);
    TDAGI_TRY(make_vector(c, 0, TDAG_I64, suppress(c, o, gone, n)));
    for (int64_t i = 0; i < n; i++)
        if (!gone[i]) tdagi_tensor_set_i64(c->results[0], at++, o[i].i);
    return TDAG_OK;
}

static tdag_status apply_nms(const tdagi_apply_call *c)
{
    const tdag_tensor *boxes = c->inputs[0], *scores = c->inputs[1];
    if (boxes->rank != 2 || boxes->shape[1] != 4 || scores->rank != 1 ||
        scores->count != boxes->shape[0])
        return bad_inputs(c, "boxes [N,4] and scores [N]");
    size_t n = (size_t)scores->count;
    void *o = NULL, *gone = NULL;
    tdag_status st = tdagi_array_alloc(c->ctx, n, sizeof(order), &o);
    if (st == TDAG_OK) st = tdagi_array_alloc(c->ctx, n, sizeof(bool), &gone);
    if (st == TDAG_OK) st = keep_best(c, o, gone);
    if (o != NULL) tdagi_free(c->ctx, o, n * sizeof(order));
    if (gone != NULL) tdagi_free(c->ctx, gone, n * sizeof(bool));
    return st;
}

/* ---- all of them ---- */

tdag_status tdagi_apply(const tdagi_apply_call *c, const char *name)
{
    static const struct {
        const char *name;
        apply_fn *run;
        uint32_t min_inputs, max_inputs, max_results;
    } rows[] = {
        {"nonzero", apply_nonzero, 1, 1, 1},
        {"unique", apply_unique, 1, 1, 3},
        {"unique_consecutive", apply_unique_consecutive, 1, 1, 3},
        {"bincount", apply_bincount, 1, 2, 1},
        {"repeat_interleave", apply_repeat_interleave, 1, 1, 1},
        {"torchvision::nms", apply_nms, 2, 2, 1},
        {"nms", apply_nms, 2, 2, 1},
    };
    if (strncmp(name, "aten::", 6) == 0) name += 6;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i].name, name) != 0) continue;
        if (c->n_inputs < rows[i].min_inputs || c->n_inputs > rows[i].max_inputs ||
            c->n_results < 1 || c->n_results > rows[i].max_results)
            return tdagi_fail(c->ctx, TDAG_E_ARG, "%s does not take %u values to %u",
                              name, (unsigned)c->n_inputs, (unsigned)c->n_results);
        return rows[i].run(c);
    }
    return tdagi_fail(c->ctx, TDAG_E_UNSUPPORTED,
                      "the engines do not have the operator %.80s", name);
}
