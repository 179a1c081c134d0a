/* Short-time Fourier transforms: windows of the signal and their transforms; and back,
 * by sums of what overlaps. */
#include "aten/rows/complex/pair.h"

#include <math.h>
#include <string.h>

typedef struct frames {
    int64_t n, hop;
    tdag_value window; /* [n], NO_VALUE: ones */
    bool onesided;
    double scale; /* of a normalized transform */
} frames;

/* The window in the middle of n_fft places. */
static tdag_value take_window(tdagi_call *c, tdag_dtype dtype, int64_t n)
{
    int64_t length = tdagi_arg_int(c, "win_length", n);
    tdag_value w = tdagi_arg_optional(c, "window");
    if (c->bad || (w.id == 0 && length == n)) return TDAG_NO_VALUE;
    if (w.id == 0) w = tdagi_full(c->b, dtype, 1, &(tdag_dim){length}, 1);
    w = tdagi_cast(c->b, w, dtype);
    if (tdagi_rank(c, w) != 1 || tdagi_dim(c, w, 0) != length || length > n ||
        length < 1) {
        tdagi_refuse(c, "window");
        return TDAG_NO_VALUE;
    }
    int64_t left = (n - length) / 2;
    if (length == n) return w;
    return tdagi_pad1(c->b, w, 0, left, n - length - left, TDAG_PAD_CONSTANT, 0);
}

static bool take_frames(tdagi_call *c, tdag_dtype dtype, bool inverse, frames *f)
{
    f->n = tdagi_arg_int(c, "n_fft", 0);
    f->hop = tdagi_arg_int(c, "hop_length", f->n / 4);
    if (!c->bad && (f->n < 1 || f->hop < 1)) tdagi_refuse(c, "n_fft");
    bool normalized = tdagi_arg_bool(c, "normalized", false);
    double power = !normalized ? (inverse ? -1 : 0) : -0.5;
    f->scale = pow((double)f->n, power);
    f->window = c->bad ? TDAG_NO_VALUE : take_window(c, dtype, f->n);
    return !c->bad;
}

/* ---- forward ---- */

static tdag_value centred(tdagi_call *c, tdag_value x, uint32_t axis, int64_t n)
{
    static const struct {
        const char *name;
        tdag_pad_mode mode;
    } modes[] = {{"reflect", TDAG_PAD_REFLECT},
                 {"constant", TDAG_PAD_CONSTANT},
                 {"replicate", TDAG_PAD_REPLICATE},
                 {"circular", TDAG_PAD_CIRCULAR}};
    const char *mode = tdagi_arg_string(c, "pad_mode");
    if (!tdagi_arg_bool(c, "center", false)) return x;
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (strcmp(mode, modes[i].name) == 0)
            return tdagi_pad1(c->b, x, axis, n / 2, n / 2, modes[i].mode, 0);
    tdagi_refuse(c, "pad_mode");
    return x;
}

/* x [..., length] to [..., frames, n]; of pairs with that axis last */
static tdag_value windows(tdagi_call *c, tdag_value x, uint32_t axis, const frames *f)
{
    int64_t kernel[TDAG_MAX_RANK], stride[TDAG_MAX_RANK], counts[TDAG_MAX_RANK];
    tdag_dim factors[TDAG_MAX_RANK + 1];
    if (c->bad || x.id == 0) return TDAG_NO_VALUE;
    uint32_t rank = tdagi_rank(c, x), k = 0;
    tdag_dim rest = tdag_dim_sub(c->b, tdagi_dim(c, x, axis), f->n);
    for (uint32_t i = 0; i < rank; i++) {
        bool here = i == axis;
        kernel[i] = here ? f->n : 1;
        stride[i] = here ? f->hop : 1;
        counts[i] = here ? 2 : 1;
        factors[k++] =
            here ? tdag_dim_add(c->b, tdag_dim_floordiv(c->b, rest, f->hop), 1)
                 : tdagi_dim(c, x, i);
        if (here) factors[k++] = f->n;
    }
    x = tdag_unfold(c->b, x, (tdag_list){rank, kernel}, (tdag_list){rank, stride});
    return tdag_ungroup(c->b, x, (tdag_list){rank, counts}, (tdag_list){k, factors});
}

static tdag_value windowed(tdagi_call *c, tdag_value x, const frames *f, bool is_pair)
{
    if (f->window.id == 0 || x.id == 0) return x;
    return tdagi_mul(c->b, x,
                     is_pair ? tdagi_unsqueeze1(c->b, f->window, 1) : f->window);
}

tdagi_any tdagi_aten_stft(tdagi_call *c)
{
    tdagi_any v = tdagi_arg(c, "self");
    bool is_pair = v.kind == TDAGI_ANY_COMPLEX;
    tdag_value x = is_pair
                       ? tdagi_cell_read(c->env, tdagi_cell_pairs(c->env, v.u.tensor))
                       : tdagi_as_float(c, tdagi_arg_tensor(c, "self"));
    frames f;
    if (x.id == 0 || !take_frames(c, tdagi_dtype(c, x), false, &f))
        return tdagi_any_poison();
    f.onesided = tdagi_arg_bool(c, "onesided", !is_pair);
    bool is_complex = tdagi_arg_bool(c, "return_complex", is_pair);
    if (tdagi_arg_bool(c, "align_to_window", false))
        return tdagi_refuse(c, "align_to_window");
    uint32_t axis = tdagi_rank(c, x) - 1 - is_pair;
    if (c->bad || axis > 1 || (f.onesided && is_pair))
        return tdagi_refuse(c, "onesided");
    x = windowed(c, windows(c, centred(c, x, axis, f.n), axis, &f), &f, is_pair);
    x = tdagi_transform(c, is_pair ? TDAGI_FFT : TDAGI_RFFT, x,
                        (tdagi_fft_spec){0, f.n, f.scale});
    if (!is_pair && !f.onesided) x = tdagi_fft_mirror(c->b, x, f.n);
    if (c->bad || x.id == 0) return tdagi_any_poison();
    tdagi_cell *t = tdagi_cell_new(c->env, tdagi_transpose(c->b, x, axis, axis + 1));
    return is_complex ? tdagi_cell_of_pairs(c->env, t) : tdagi_any_tensor(t);
}

/* ---- back ---- */

/* Frames [..., count, n], each by hop after the one before, summed: [..., length] */
static tdag_value overlapped(tdagi_call *c, tdag_value x, const frames *f)
{
    if (x.id == 0) return x;
    uint32_t rank = tdagi_rank(c, x);
    tdag_dim count = tdagi_dim(c, x, rank - 2);
    tdag_dim length = tdag_dim_add(
        c->b, tdag_dim_mul(c->b, tdag_dim_sub(c->b, count, 1), f->hop), f->n);
    int64_t ones[2] = {1, 1}, zeroes[2] = {0, 0}, kernel[2] = {1, f->n},
            stride[2] = {1, f->hop};
    tdag_dim output[2] = {1, length};
    tdagi_im2col_spec s = {
        {2, kernel}, {2, ones}, {2, zeroes}, {2, stride}, {2, output}};
    x = tdagi_transpose(c->b, x, rank - 2, rank - 1);
    if (rank == 2) x = tdagi_unsqueeze1(c->b, x, 0);
    x = tdagi_lower(c->b, TDAGI_COL2IM, &x, 1, &s);
    if (x.id == 0) return x;
    x = tdagi_squeeze1(c->b, tdagi_squeeze1(c->b, x, 2), 1);
    return rank == 2 ? tdagi_squeeze1(c->b, x, 0) : x;
}

/* What the windows add up to: [length] */
static tdag_value envelope(tdagi_call *c, const frames *f, tdag_dim count, tdag_dtype d)
{
    tdag_dim shape[2] = {count, f->n};
    tdag_value w = f->window;
    if (w.id == 0) w = tdagi_full(c->b, d, 1, &shape[1], 1);
    w = tdagi_expand(c->b, tdagi_mul(c->b, w, w), 2, shape);
    return overlapped(c, w, f);
}

/* [..., bins, count, 2] to [..., count, n], or with pairs at the end */
static tdag_value back(tdagi_call *c, tdag_value x, const frames *f, bool is_complex)
{
    uint32_t rank = tdagi_rank(c, x);
    const tdagi_fft_spec how = {1, f->n, f->scale};
    x = tdagi_transpose(c->b, x, rank - 3, rank - 2);
    if (is_complex) return tdagi_transform(c, TDAGI_FFT, x, how);
    if (!f->onesided) x = tdagi_slice1(c->b, x, rank - 2, 0, f->n / 2 + 1);
    return tdagi_transform(c, TDAGI_IRFFT, x, how);
}

/* The part of y [..., length] that is asked for, divided by what the windows add up to,
 * and zeroes after it. */
static tdag_value cut(tdagi_call *c, tdag_value y, tdag_value by, const frames *f)
{
    bool center = tdagi_arg_bool(c, "center", true);
    if (y.id == 0 || by.id == 0) return TDAG_NO_VALUE;
    uint32_t axis = tdagi_rank(c, y) - 1;
    tdag_dim all = tdagi_dim(c, y, axis), start = center ? f->n / 2 : 0, more = 0;
    tdag_dim end = center ? tdag_dim_sub(c->b, all, f->n / 2) : all;
    if (tdagi_has(c, "length")) {
        tdag_dim wanted = tdag_dim_add(c->b, start, tdagi_arg_dim(c, "length", 0));
        bool is_more = tdagi_dim_sample(c->env->pool, wanted) >
                       tdagi_dim_sample(c->env->pool, all);
        more = is_more ? tdag_dim_sub(c->b, wanted, all) : 0;
        end = is_more ? all : wanted;
    }
    tdagi_ignore(c, "length");
    y = tdagi_div(c->b, tdagi_slice1(c->b, y, axis, start, end),
                  tdagi_slice1(c->b, by, 0, start, end));
    return more == 0 ? y : tdagi_pad1(c->b, y, axis, 0, more, TDAG_PAD_CONSTANT, 0);
}

tdagi_any tdagi_aten_istft(tdagi_call *c)
{
    tdagi_any v = tdagi_arg(c, "self");
    bool is_complex = tdagi_arg_bool(c, "return_complex", false);
    tdag_value x = v.kind == TDAGI_ANY_COMPLEX
                       ? tdagi_cell_read(c->env, tdagi_cell_pairs(c->env, v.u.tensor))
                       : tdagi_arg_tensor(c, "self"); /* pairs, as 1.13 takes them */
    frames f;
    if (x.id == 0 || !take_frames(c, tdagi_dtype(c, x), true, &f))
        return tdagi_any_poison();
    uint32_t rank = tdagi_rank(c, x);
    if (rank < 3 || rank > 4 || tdagi_dim(c, x, rank - 1) != 2)
        return tdagi_refuse(c, "self");
    int64_t bins = 0;
    tdagi_dim_is_const(c->env->pool, tdagi_dim(c, x, rank - 3), &bins);
    f.onesided = tdagi_arg_bool(c, "onesided", bins != f.n);
    if (bins != (f.onesided ? f.n / 2 + 1 : f.n) || (is_complex && f.onesided))
        return tdagi_refuse(c, "n_fft");
    tdag_dim count = tdagi_dim(c, x, rank - 2);
    tdag_value by = envelope(c, &f, count, tdagi_dtype(c, x));
    x = back(c, x, &f, is_complex);
    if (!is_complex)
        return tdagi_result(
            c, cut(c, overlapped(c, windowed(c, x, &f, false), &f), by, &f));
    tdagi_pair z = tdagi_pair_split(c, windowed(c, x, &f, true));
    z.re = cut(c, overlapped(c, z.re, &f), by, &f);
    z.im = cut(c, overlapped(c, z.im, &f), by, &f);
    return tdagi_pair_result(c, z);
}
