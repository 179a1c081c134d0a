/* torch.fft: which axes are transformed, how long, how scaled. */
#include "aten/rows/complex/pair.h"

#include <math.h>
#include <string.h>

typedef enum fft_kind { FFT, IFFT, RFFT, IRFFT, HFFT, IHFFT } fft_kind;

/* What is transformed: real, or pairs in an axis more than `rank`. */
typedef struct signal {
    tdag_value v;
    uint32_t rank;
    bool is_pair;
} signal;

typedef struct plan {
    uint32_t n;
    uint32_t axes[TDAG_MAX_RANK];
    int64_t sizes[TDAG_MAX_RANK]; /* of the whole transform, also where half is there */
    bool inverse;
    double power; /* of the size in what multiplies: 0, -0.5 or -1 */
} plan;

/* ---- operands ---- */

static bool take_signal(tdagi_call *c, signal *out)
{
    tdagi_any v = tdagi_arg(c, "self");
    out->is_pair = v.kind == TDAGI_ANY_COMPLEX;
    if (out->is_pair)
        out->v = tdagi_cell_read(c->env, tdagi_cell_pairs(c->env, v.u.tensor));
    else
        out->v = tdagi_as_float(c, tdagi_arg_tensor(c, "self"));
    if (c->bad || out->v.id == 0) return false;
    tdag_dtype d = tdagi_dtype(c, out->v);
    out->rank = tdagi_rank(c, out->v) - out->is_pair;
    if (d != TDAG_F32 && d != TDAG_F64) {
        c->bad = true;
        tdagi_env_issue(c->env, "%s of half precision", c->schema->name);
    }
    return !c->bad;
}

static tdagi_any give(tdagi_call *c, signal s)
{
    if (c->bad || !s.is_pair) return tdagi_result(c, s.v);
    return tdagi_cell_of_pairs(c->env, tdagi_cell_new(c->env, s.v));
}

static bool size_of(tdagi_call *c, const signal *s, uint32_t axis, int64_t *out)
{
    if (tdagi_dim_is_const(c->env->pool, tdagi_dim(c, s->v, axis), out)) return true;
    c->bad = true;
    tdagi_env_issue(c->env,
                    "%s along an axis of symbolic size; give that dim a fixed size",
                    c->schema->name);
    return false;
}

static void to_pairs(tdagi_call *c, signal *s)
{
    if (s->is_pair || s->v.id == 0) return;
    s->v = tdagi_unsqueeze1(c->b, s->v, s->rank);
    s->v = tdagi_pad1(c->b, s->v, s->rank, 0, 1, TDAG_PAD_CONSTANT, 0);
    s->is_pair = true;
}

/* ---- one axis ---- */

tdag_value tdagi_transform(tdagi_call *c, tdagi_composite id, tdag_value x,
                           tdagi_fft_spec how)
{
    return c->bad || x.id == 0 ? TDAG_NO_VALUE : tdagi_lower(c->b, id, &x, 1, &how);
}

/* Axis a in the place of the last one, or back. */
static void exchange(tdagi_call *c, signal *s, uint32_t a)
{
    if (a + 1 != s->rank && s->v.id != 0)
        s->v = tdagi_transpose(c->b, s->v, a, s->rank - 1);
}

static void resize(tdagi_call *c, signal *s, uint32_t axis, int64_t n)
{
    int64_t old;
    if (!size_of(c, s, axis, &old) || old == n) return;
    s->v = old > n ? tdagi_slice1(c->b, s->v, axis, 0, n)
                   : tdagi_pad1(c->b, s->v, axis, 0, n - old, TDAG_PAD_CONSTANT, 0);
}

enum { WHOLE, HALF_OUT, HALF_IN };

static void transform(tdagi_call *c, signal *s, const plan *p, uint32_t i, int half)
{
    int64_t n = p->sizes[i];
    const tdagi_fft_spec how = {p->inverse, n, pow((double)n, p->power)};
    if (c->bad) return;
    if (half == HALF_IN) to_pairs(c, s);
    resize(c, s, p->axes[i], half == HALF_IN ? n / 2 + 1 : n);
    exchange(c, s, p->axes[i]);
    if (half == HALF_IN) {
        s->v = tdagi_transform(c, TDAGI_IRFFT, s->v, how);
    } else if (s->is_pair) {
        s->v = tdagi_transform(c, TDAGI_FFT, s->v, how);
    } else {
        s->v = tdagi_transform(c, TDAGI_RFFT, s->v, how);
        if (half == WHOLE) s->v = tdagi_fft_mirror(c->b, s->v, n);
    }
    s->is_pair = half != HALF_IN;
    exchange(c, s, p->axes[i]);
}

/* The last axis first where it starts real, last where it ends so. */
static tdagi_any transform_all(tdagi_call *c, signal *s, const plan *p, int half)
{
    if (half != HALF_IN) transform(c, s, p, p->n - 1, half);
    for (uint32_t i = p->n - 1; i-- > 0;)
        transform(c, s, p, i, WHOLE);
    if (half == HALF_IN) transform(c, s, p, p->n - 1, half);
    return c->bad ? tdagi_any_poison() : give(c, *s);
}

/* ---- arguments ---- */

static double power_of(tdagi_call *c, bool inverse)
{
    const char *norm = tdagi_arg_string(c, "norm");
    if (strcmp(norm, "ortho") == 0) return -0.5;
    if (strcmp(norm, "forward") == 0) return inverse ? 0 : -1;
    if (*norm != '\0' && strcmp(norm, "backward") != 0) tdagi_refuse(c, "norm");
    return inverse ? -1 : 0;
}

/* The axes that dim names; without it those that s has sizes for, or all. */
static void take_axes(tdagi_call *c, const signal *s, uint32_t n_sizes, plan *p)
{
    tdag_list dim = tdagi_arg_ints(c, "dim");
    p->n = dim.n > 0 ? dim.n : n_sizes > 0 ? n_sizes : s->rank;
    if (p->n == 0 || p->n > s->rank || (n_sizes > 0 && n_sizes != p->n)) {
        if (!c->bad) tdagi_refuse(c, "dim");
        return;
    }
    for (uint32_t i = 0; i < p->n; i++)
        p->axes[i] =
            dim.n > 0 ? tdagi_wrap_axis(c, dim.v[i], s->rank) : s->rank - p->n + i;
    for (uint32_t i = 0; i < p->n; i++)
        for (uint32_t k = 0; k < i; k++)
            if (p->axes[i] == p->axes[k] && !c->bad) tdagi_refuse(c, "dim");
}

static void take_plan(tdagi_call *c, const signal *s, int half, plan *p)
{
    tdag_list given = tdagi_arg_ints(c, tdagi_has(c, "s") ? "s" : "n");
    tdagi_ignore(c, "s");
    take_axes(c, s, given.n, p);
    for (uint32_t i = 0; i < p->n && !c->bad; i++) {
        bool has = given.n > 0 && given.v[i] != -1;
        if (has)
            p->sizes[i] = given.v[i];
        else if (size_of(c, s, p->axes[i], &p->sizes[i]) && half == HALF_IN &&
                 i + 1 == p->n)
            p->sizes[i] = 2 * (p->sizes[i] - 1);
        if (!c->bad && (p->sizes[i] < 1 || p->sizes[i] > TDAGI_FFT_MOST))
            tdagi_call_fail(c, TDAG_E_SHAPE, "a transform of %lld elements",
                            (long long)p->sizes[i]);
    }
}

/* ---- rows ---- */

/* Row data: an fft_kind, and 10 more for axes by lists */
tdagi_any tdagi_aten_fft(tdagi_call *c)
{
    static const int8_t halves[] = {WHOLE, WHOLE, HALF_OUT, HALF_IN, HALF_IN, HALF_OUT};
    fft_kind kind = (fft_kind)(c->data % 10);
    bool inverse = kind == IFFT || kind == IRFFT || kind == IHFFT;
    signal s;
    plan p = {.inverse = inverse};
    if (!take_signal(c, &s)) return tdagi_any_poison();
    if (halves[kind] == HALF_OUT && s.is_pair) return tdagi_refuse(c, "self");
    p.power = power_of(c, inverse);
    take_plan(c, &s, halves[kind], &p);
    return c->bad ? tdagi_any_poison() : transform_all(c, &s, &p, halves[kind]);
}

/* _fft_c2c, _fft_r2c, _fft_c2r (row data: the kind that is most like it), all of whose
 * axes scale by the product of the sizes */
tdagi_any tdagi_aten_fft_low(tdagi_call *c)
{
    static const double powers[] = {0, -0.5, -1};
    signal s;
    plan p = {.n = 0};
    if (!take_signal(c, &s)) return tdagi_any_poison();
    int64_t by = tdagi_arg_int(c, "normalization", 0);
    int half = c->data == RFFT
                   ? (tdagi_arg_bool(c, "onesided", true) ? HALF_OUT : WHOLE)
               : c->data == IRFFT ? HALF_IN
                                  : WHOLE;
    bool inverse = c->data == IRFFT || !tdagi_arg_bool(c, "forward", true);
    if (by < 0 || by > 2) return tdagi_refuse(c, "normalization");
    p.power = powers[by];
    p.inverse = inverse;
    take_plan(c, &s, half, &p);
    if (half == HALF_IN) p.sizes[p.n - 1] = tdagi_arg_int(c, "last_dim_size", 1);
    if (c->bad || (c->data == RFFT) == s.is_pair) return tdagi_refuse(c, "self");
    return transform_all(c, &s, &p, half);
}

/* fftfreq and rfftfreq (row data 1) */
tdagi_any tdagi_aten_fft_freq(tdagi_call *c)
{
    int64_t n = tdagi_arg_int(c, "n", 0), count = c->data == 1 ? n / 2 + 1 : n;
    double d = tdagi_arg_float(c, "d", 1);
    tdag_dtype dtype = tdagi_arg_dtype(c, "dtype");
    if (c->bad || n < 1 || n > TDAGI_FFT_MOST) return tdagi_refuse(c, "n");
    if (dtype == TDAG_DTYPE_NONE) dtype = TDAG_F32;
    tdag_value i = tdag_iota(c->b, count, TDAG_I64);
    if (c->data == 0) { /* from the middle on those below 0 */
        tdag_value middle = tdag_add_scalar(c->b, TDAG_I64, (double)((n - 1) / 2));
        tdag_value below = tdagi_add_scalar(c->b, i, -(double)n);
        i = step_where(c, step_less(c, middle, i), below, i);
    }
    i = tdagi_cast(c->b, i, dtype);
    return tdagi_result(c, tdagi_mul_scalar(c->b, i, 1 / ((double)n * d)));
}
