/* Discrete Fourier transforms along a last axis of a fixed size, as reshapes, small
 * contractions with constant matrices and element-wise twiddles: fft of pairs
 * [..., n, 2], rfft and irfft, where one side is real [..., n] and the other the first
 * n/2 + 1 of its pairs.
 *
 * A transform of n = r m is r-point transforms of what lies m apart, a
 * twiddle, and m-point transforms of what they give (Cooley and Tukey). The r-point
 * ones are products with a constant matrix of 2r x 2r, which does real and imaginary
 * parts at once. A prime n that is too large for a matrix is a convolution with a chirp
 * (Bluestein), by transforms of a larger, smooth size; so all is O(n log n). Of a real
 * operand only r/2 + 1 of the r results are computed, which determine the others.
 * Tables are computed in double. */
#include <math.h>

#include "base/tensor.h"
#include "derive/parts.h"

#define MAX_RADIX  64 /* of a transform by a matrix */
#define STAGE_COST 24 /* what else a stage takes, in rows of its matrix */

/* sign -1 is the forward transform, +1 the backward one; neither divides, both multiply
 * by `scale`. */
typedef struct dft {
    int sign;
    double scale;
} dft;

/* ---- tables ---- */

typedef struct table {
    tdag_tensor *t;
    int64_t n;
} table;

static bool table_open(tdag_builder *b, tdag_dtype dtype, uint32_t rank,
                       const int64_t *shape, table *out)
{
    if (!tdagi_builder_ok(b)) return false;
    tdag_status st = tdag_tensor_create(b->ctx, dtype, rank, shape, &out->t);
    out->n = 0;
    if (st != TDAG_OK) tdagi_builder_fail(b, st, "a table of a transform");
    return st == TDAG_OK;
}

static void put(table *t, double v)
{
    if (tdag_dtype_is_float(tdag_tensor_get_dtype(t->t)))
        tdagi_tensor_set_f64(t->t, t->n++, v);
    else
        tdagi_tensor_set_i64(t->t, t->n++, (int64_t)v);
}

static tdag_value table_close(tdag_builder *b, table *t)
{
    tdag_value v = tdag_add_tensor(b, TDAG_OP_CONSTANT, NULL, t->t);
    tdag_tensor_free(t->t);
    return v;
}

/* e^(sign 2 pi i turns / n), of products that are exact */
static void root(int64_t turns, int64_t n, int sign, double out[2])
{
    double angle = 2 * 3.14159265358979323846 * (double)(turns % n) / (double)n;
    out[0] = 4 * (turns % n) == n || 4 * (turns % n) == 3 * n ? 0 : cos(angle);
    out[1] = sign * (2 * (turns % n) == n ? 0 : sin(angle));
}

/* ---- steps ---- */

/* Another shape of the last `old` axes. */
static tdag_value last_axes(tdag_builder *b, tdag_value x, uint32_t old, uint32_t n,
                            const tdag_dim *dims)
{
    tdag_dim shape[TDAG_MAX_RANK];
    if (x.id == 0) return x;
    uint32_t rank = tdag_builder_get_rank(b, x) - old;
    for (uint32_t i = 0; i < rank; i++)
        shape[i] = tdagi_dim_of(b, x, i);
    for (uint32_t i = 0; i < n; i++)
        shape[rank + i] = dims[i];
    return tdagi_reshape(b, x, rank + n, shape);
}

/* [..., a, b, rest] to [..., b, a, rest], `rest` axes after them */
static tdag_value swap(tdag_builder *b, tdag_value x, uint32_t rest)
{
    if (x.id == 0) return x;
    uint32_t last = tdag_builder_get_rank(b, x) - 1 - rest;
    return tdagi_transpose(b, x, last - 1, last);
}

/* x [..., n, 2] times complex numbers of a table [..., n, 2]: x re + swapped(x) (-im,
 * im)
 */
static tdag_value times(tdag_builder *b, tdag_value x, tdag_value re, tdag_value im)
{
    if (x.id == 0) return x;
    tdagi_axes_list_spec s = {{1, (int64_t[]){tdag_builder_get_rank(b, x) - 1}}};
    tdag_value swapped = tdagi_lower(b, TDAGI_FLIP, &x, 1, &s);
    return tdagi_add(b, tdagi_mul(b, x, re), tdagi_mul(b, swapped, im));
}

/* Factors of row i and column k, as times() takes them: f(i, k). */
typedef void (*factor)(int64_t i, int64_t k, const int64_t *about, double out[2]);

static tdag_value times_table(tdag_builder *b, tdag_value x, const int64_t shape[3],
                              factor f, const int64_t *about)
{
    table re, im;
    const uint32_t left_out = shape[0] == 1; /* so that it meets x without a batch */
    if (!tdagi_usable(b, x) || !table_open(b, tdag_builder_get_dtype(b, x),
                                           3 - left_out, shape + left_out, &re))
        return TDAG_NO_VALUE;
    if (!table_open(b, tdag_builder_get_dtype(b, x), 3 - left_out, shape + left_out,
                    &im)) {
        tdag_tensor_free(re.t);
        return TDAG_NO_VALUE;
    }
    for (int64_t i = 0; i < shape[0]; i++)
        for (int64_t k = 0; k < shape[1]; k++) {
            double z[2];
            f(i, k, about, z);
            put(&re, z[0]);
            put(&re, z[0]);
            put(&im, -z[1]);
            put(&im, z[1]);
        }
    tdag_value first = table_close(b, &re);
    return times(b, x, first, table_close(b, &im));
}

/* about: n, sign */
static void twiddle(int64_t i, int64_t k, const int64_t *about, double out[2])
{
    root(i * k, about[0], (int)about[1], out);
}

/* ---- transforms by a matrix ---- */

enum { FROM_REAL = 1, TO_REAL = 2 };

/* How often an entry of half a spectrum counts in a real result. */
static double weight_of(int64_t k, int64_t n) { return k == 0 || 2 * k == n ? 1 : 2; }

/* x [..., n, 2] to [..., n, 2]; from a real [..., n] to half of it, or the reverse. */
static tdag_value by_matrix(tdag_builder *b, tdag_value x, int64_t n, dft how, int real)
{
    int64_t out = real == FROM_REAL ? n / 2 + 1 : n,
            in = real == TO_REAL ? n / 2 + 1 : n;
    int64_t parts_out = real == TO_REAL ? 1 : 2, parts_in = real == FROM_REAL ? 1 : 2;
    table t;
    if (x.id == 0 || !table_open(b, tdag_builder_get_dtype(b, x), 2,
                                 (int64_t[]){out * parts_out, in * parts_in}, &t))
        return TDAG_NO_VALUE;
    for (int64_t k = 0; k < out; k++)
        for (int64_t part = 0; part < parts_out; part++)
            for (int64_t j = 0; j < in; j++) {
                double z[2], w = real == TO_REAL ? weight_of(j, n) : 1;
                root(j * k, n, how.sign, z);
                put(&t, how.scale * w * z[part]);
                if (parts_in == 2) put(&t, how.scale * w * (part == 0 ? -z[1] : z[0]));
            }
    if (parts_in == 2) x = last_axes(b, x, 2, 1, &(tdag_dim){2 * in});
    x = tdagi_linear(b, x, table_close(b, &t), TDAG_NO_VALUE);
    return parts_out == 1 ? x : last_axes(b, x, 1, 2, (tdag_dim[]){out, 2});
}

/* ---- the plan ---- */

static int64_t smallest_factor(int64_t n)
{
    for (int64_t p = 2; p * p <= n; p++)
        if (n % p == 0) return p;
    return n;
}

static int64_t cost_of(int64_t n, int64_t least, int64_t *radix_out)
{
    int64_t best = n <= MAX_RADIX ? n : INT64_MAX, radix = n;
    for (int64_t r = least; r <= MAX_RADIX && r * r <= n; r++) {
        if (n % r != 0) continue;
        int64_t cost = cost_of(n / r, r, NULL);
        if (cost == INT64_MAX || r + STAGE_COST + cost >= best) continue;
        best = r + STAGE_COST + cost;
        radix = r;
    }
    if (radix_out != NULL) *radix_out = radix;
    return best;
}

/* The r of n = r m, n itself where one matrix does; a prime above MAX_RADIX comes last.
 */
static int64_t radix_of(int64_t n)
{
    int64_t radix, smooth = 1, left = n;
    if (cost_of(n, 2, &radix) != INT64_MAX) return radix;
    for (int64_t p; left > 1; left /= p) {
        p = smallest_factor(left);
        if (p > MAX_RADIX) break;
        smooth *= p;
    }
    if (smooth > 1) {
        cost_of(smooth, 2, &radix);
        return radix;
    }
    return smallest_factor(n);
}

/* Of a transform that is real on one side: the largest radix, which leaves least that
 * is computed twice; 1 where a prime above MAX_RADIX is all of n. */
static int64_t real_radix_of(int64_t n)
{
    int64_t best = 1;
    for (int64_t r; n > 1; n /= r) {
        r = radix_of(n);
        if (r > MAX_RADIX) break;
        if (r > best) best = r;
    }
    return best;
}

/* The next size of factors 2, 3 and 5 alone. */
static int64_t smooth_from(int64_t n)
{
    for (;; n++) {
        int64_t left = n;
        for (int64_t p = 2; p <= 5; p++)
            while (left % p == 0)
                left /= p;
        if (left == 1) return n;
    }
}

static tdag_value of_pairs(tdag_builder *b, tdag_value x, int64_t n, dft how);

/* ---- Bluestein: jk = (j^2 + k^2 - (k - j)^2) / 2 ---- */

/* e^(sign pi i j^2 / n); about: n, sign */
static void chirp(int64_t i, int64_t k, const int64_t *about, double out[2])
{
    int64_t j = i + k, n = 2 * about[0];
    root(j * j % n, n, (int)about[1], out);
}

typedef struct filter {
    int64_t n, m;
    int sign;
    const double *spectrum; /* of the chirp: m pairs */
} filter;

/* The transform of m numbers by its definition, by recursion over factors: at import.
 */
static void dft_numbers(const double *x, int64_t step, int64_t n, double *out,
                        double *room)
{
    int64_t p = smallest_factor(n), m = n / p;
    if (n == 1) {
        out[0] = x[0];
        out[1] = x[1];
        return;
    }
    for (int64_t i = 0; i < p; i++)
        dft_numbers(x + 2 * i * step, step * p, m, room + 2 * i * m, out + 2 * i * m);
    for (int64_t k = 0; k < n; k++) {
        double sum[2] = {0, 0};
        for (int64_t i = 0; i < p; i++) {
            const double *y = room + 2 * (i * m + k % m);
            double w[2];
            root(i * k, n, -1, w);
            sum[0] += y[0] * w[0] - y[1] * w[1];
            sum[1] += y[0] * w[1] + y[1] * w[0];
        }
        out[2 * k] = sum[0];
        out[2 * k + 1] = sum[1];
    }
}

/* The spectrum of the conjugate chirp around 0, of period m; x has room for 3 m pairs.
 */
static const double *chirp_spectrum(double *x, int64_t n, int64_t m, int sign)
{
    const int64_t about[2] = {n, -sign};
    double *out = x + 2 * m, *room = x + 4 * m;
    for (int64_t j = 0; j < 2 * m; j++)
        x[j] = 0;
    for (int64_t j = 0; j < n; j++) {
        chirp(j, 0, about, &x[2 * j]);
        if (j > 0) chirp(j, 0, about, &x[2 * (m - j)]);
    }
    dft_numbers(x, 1, m, out, room);
    return out;
}

static tdag_value times_spectrum(tdag_builder *b, tdag_value x, const filter *f)
{
    table re, im;
    const int64_t shape[2] = {f->m, 2};
    if (x.id == 0 || !table_open(b, tdag_builder_get_dtype(b, x), 2, shape, &re))
        return TDAG_NO_VALUE;
    if (!table_open(b, tdag_builder_get_dtype(b, x), 2, shape, &im)) {
        tdag_tensor_free(re.t);
        return TDAG_NO_VALUE;
    }
    for (int64_t j = 0; j < f->m; j++)
        for (int part = 0; part < 2; part++) {
            put(&re, f->spectrum[2 * j]);
            put(&im, (part == 0 ? -1 : 1) * f->spectrum[2 * j + 1]);
        }
    tdag_value first = table_close(b, &re);
    return times(b, x, first, table_close(b, &im));
}

static tdag_value bluestein(tdag_builder *b, tdag_value x, int64_t n, dft how)
{
    const int64_t about[2] = {n, how.sign}, shape[3] = {1, n, 2};
    filter f = {n, smooth_from(2 * n - 1), how.sign, NULL};
    const size_t room = (size_t)f.m * 6;
    void *numbers = NULL;
    if (!tdagi_usable(b, x)) return TDAG_NO_VALUE;
    if (tdagi_array_alloc(b->ctx, room, sizeof(double), &numbers) != TDAG_OK)
        return tdagi_builder_fail(b, TDAG_E_NOMEM, "out of memory");
    f.spectrum = chirp_spectrum(numbers, n, f.m, how.sign);
    uint32_t axis = tdag_builder_get_rank(b, x) - 2;
    x = times_table(b, x, shape, chirp, about);
    x = tdagi_pad1(b, x, axis, 0, f.m - n, TDAG_PAD_CONSTANT, 0);
    x = of_pairs(b, x, f.m, (dft){-1, 1});
    x = times_spectrum(b, x, &f);
    tdagi_free(b->ctx, numbers, room * sizeof(double));
    x = of_pairs(b, x, f.m, (dft){1, how.scale / (double)f.m});
    x = tdagi_slice1(b, x, axis, 0, n);
    return times_table(b, x, shape, chirp, about);
}

/* ---- transforms ---- */

/* j = m j1 + j2 and k = k1 + r k2 */
static tdag_value of_pairs(tdag_builder *b, tdag_value x, int64_t n, dft how)
{
    if (!tdagi_usable(b, x)) return TDAG_NO_VALUE;
    int64_t r = radix_of(n), m = n / r;
    if (r == n)
        return n <= MAX_RADIX ? by_matrix(b, x, n, how, 0) : bluestein(b, x, n, how);
    const int64_t about[2] = {n, how.sign}, shape[3] = {m, r, 2};
    x = swap(b, last_axes(b, x, 2, 3, (tdag_dim[]){r, m, 2}), 1);
    x = r <= MAX_RADIX ? by_matrix(b, x, r, how, 0) : bluestein(b, x, r, how);
    x = swap(b, times_table(b, x, shape, twiddle, about), 1);
    x = swap(b, of_pairs(b, x, m, (dft){how.sign, 1}), 1);
    return last_axes(b, x, 3, 2, (tdag_dim[]){n, 2});
}

/* Those entries of an axis, which is the first one meanwhile. */
static tdag_value along(tdag_builder *b, tdag_value x, uint32_t axis,
                        tdag_value positions)
{
    int64_t front[TDAG_MAX_RANK], back[TDAG_MAX_RANK];
    uint32_t rank = tdag_builder_get_rank(b, x);
    for (uint32_t i = 0; i < rank; i++) {
        front[i] = i == 0 ? axis : i <= axis ? i - 1 : i;
        back[front[i]] = i;
    }
    if (axis == 0) return tdag_gather(b, x, positions, 0);
    x = tdag_gather(b, tdag_permute(b, x, (tdag_list){rank, front}), positions, 0);
    return tdag_permute(b, x, (tdag_list){rank, back});
}

/* Where entry i of a result comes from; below 0: from entry -1 - that, conjugated. */
typedef int64_t (*place)(int64_t i, const int64_t *about);

/* n such entries [..., at...] of x [..., from, 2] along its axis. */
static tdag_value pick(tdag_builder *b, tdag_value x, place at, const int64_t *about,
                       int64_t n)
{
    table index, sign;
    bool any = false, in_order = true;
    if (x.id == 0 || !table_open(b, TDAG_I64, 1, &n, &index)) return TDAG_NO_VALUE;
    if (!table_open(b, tdag_builder_get_dtype(b, x), 2, (int64_t[]){n, 2}, &sign)) {
        tdag_tensor_free(index.t);
        return TDAG_NO_VALUE;
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t from = at(i, about);
        put(&index, (double)(from < 0 ? -1 - from : from));
        put(&sign, 1);
        put(&sign, from < 0 ? -1 : 1);
        any |= from < 0;
        in_order &= from == i;
    }
    uint32_t axis = tdag_builder_get_rank(b, x) - 2;
    tdag_value positions = table_close(b, &index), signs = table_close(b, &sign);
    if (in_order) return tdagi_slice1(b, x, axis, 0, n);
    x = along(b, x, axis, positions);
    return any ? tdagi_mul(b, x, signs) : x;
}

/* about: n, r */
static int64_t place_of_half(int64_t k, const int64_t *about)
{
    int64_t n = about[0], r = about[1], from = k % r <= r / 2 ? k : n - k;
    int64_t at = from % r * (n / r) + from / r;
    return from == k ? at : -1 - at;
}

/* about: n */
static int64_t place_of_mirror(int64_t k, const int64_t *about)
{
    return k <= about[0] / 2 ? k : -1 - (about[0] - k);
}

/* about: n, r */
static int64_t place_of_row(int64_t i, const int64_t *about)
{
    int64_t m = about[0] / about[1];
    return place_of_mirror(i / m + i % m * about[1], about);
}

tdag_value tdagi_fft_mirror(tdag_builder *b, tdag_value x, int64_t n)
{
    return tdagi_usable(b, x) ? pick(b, x, place_of_mirror, &n, n) : TDAG_NO_VALUE;
}

/* Half of the rows k1, each of them whole, hold every k or its mirror n - k. */
static tdag_value of_real(tdag_builder *b, tdag_value x, int64_t n, dft how)
{
    int64_t r = real_radix_of(n), m = n / r, half = n / 2 + 1, rows = r / 2 + 1;
    if (r == n) return by_matrix(b, x, n, how, FROM_REAL);
    if (r == 1) {
        x = last_axes(b, x, 1, 2, (tdag_dim[]){n, 1});
        if (!tdagi_usable(b, x)) return TDAG_NO_VALUE;
        x = tdagi_pad1(b, x, tdag_builder_get_rank(b, x) - 1, 0, 1, TDAG_PAD_CONSTANT,
                       0);
        x = of_pairs(b, x, n, how);
        if (!tdagi_usable(b, x)) return TDAG_NO_VALUE;
        return tdagi_slice1(b, x, tdag_builder_get_rank(b, x) - 2, 0, half);
    }
    const int64_t about[2] = {n, how.sign}, shape[3] = {m, rows, 2}, of[2] = {n, r};
    x = swap(b, last_axes(b, x, 1, 2, (tdag_dim[]){r, m}), 0);
    x = swap(b,
             times_table(b, by_matrix(b, x, r, how, FROM_REAL), shape, twiddle, about),
             1);
    x = of_pairs(b, x, m, (dft){how.sign, 1});
    x = last_axes(b, x, 3, 2, (tdag_dim[]){rows * m, 2});
    return pick(b, x, place_of_half, of, half);
}

static tdag_value to_real(tdag_builder *b, tdag_value x, int64_t n, dft how)
{
    int64_t r = real_radix_of(n), m = n / r, rows = r / 2 + 1;
    if (r == n) return by_matrix(b, x, n, how, TO_REAL);
    if (r == 1) {
        x = of_pairs(b, tdagi_fft_mirror(b, x, n), n, how);
        if (!tdagi_usable(b, x)) return TDAG_NO_VALUE;
        return tdagi_select1(b, x, tdag_builder_get_rank(b, x) - 1, 0);
    }
    const int64_t about[2] = {n, how.sign}, shape[3] = {m, rows, 2}, of[2] = {n, r};
    x = pick(b, x, place_of_row, of, rows * m);
    x = last_axes(b, x, 2, 3, (tdag_dim[]){rows, m, 2});
    x = swap(b, of_pairs(b, x, m, (dft){how.sign, 1}), 1);
    x = times_table(b, x, shape, twiddle, about);
    x = swap(b, by_matrix(b, x, r, how, TO_REAL), 0);
    return last_axes(b, x, 2, 1, &(tdag_dim){n});
}

/* ---- composites ---- */

static const tdagi_field fft_fields[] = {
    TDAGI_FIELD(tdagi_fft_spec, inverse, BOOL),
    TDAGI_FIELD_AS(tdagi_fft_spec, n, INT, POSITIVE),
    TDAGI_FIELD(tdagi_fft_spec, scale, F64),
    {0},
};

static tdag_value lower_fft(tdag_builder *b, tdagi_composite id, const tdag_value *in,
                            uint32_t n, const void *spec)
{
    (void)n;
    const tdagi_fft_spec *s = spec;
    const dft how = {s->inverse ? 1 : -1, s->scale};
    if (!tdagi_usable(b, in[0])) return TDAG_NO_VALUE;
    const uint32_t rank = tdag_builder_get_rank(b, in[0]), pair = id != TDAGI_RFFT;
    const tdag_dim *shape = tdag_builder_get_shape(b, in[0]);
    tdag_dtype dtype = tdag_builder_get_dtype(b, in[0]);
    if (rank < 1 + pair || s->n < 1 || s->n > TDAGI_FFT_MOST ||
        shape[rank - 1 - pair] != (id == TDAGI_IRFFT ? s->n / 2 + 1 : s->n) ||
        (pair && shape[rank - 1] != 2) || (dtype != TDAG_F32 && dtype != TDAG_F64))
        return tdagi_builder_fail(b, TDAG_E_SHAPE, "no transform of %lld elements",
                                  (long long)s->n);
    return id == TDAGI_RFFT    ? of_real(b, in[0], s->n, how)
           : id == TDAGI_IRFFT ? to_real(b, in[0], s->n, how)
                               : of_pairs(b, in[0], s->n, how);
}

const tdagi_composite_def tdagi_composite_fft = {
    .spec_size = sizeof(tdagi_fft_spec),
    .fields = fft_fields,
    .lower_formula = lower_fft,
};
