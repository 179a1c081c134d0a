/* Operators of windows: convolutions and pools, whose paddings MIL tells by name, and
 * by amounts that may differ before and behind. */
#include <math.h>

#include "aten/aten.h"
#include "coreml/read/mil.h"

enum { MOST_AXES = 3 };

typedef struct windows {
    tdagi_cml_call *c;
    uint32_t n; /* axes */
    int64_t stride[MOST_AXES], dilation[MOST_AXES], kernel[MOST_AXES];
    tdag_dim size[MOST_AXES], before[MOST_AXES], after[MOST_AXES];
} windows;

static void each(windows *w, const char *name, int64_t *out, int64_t by_default)
{
    tdag_list v = tdagi_cml_ints(w->c, name);
    for (uint32_t i = 0; i < w->n; i++)
        out[i] = i < v.n ? v.v[i] : by_default;
    if (v.n != 0 && v.n != w->n)
        tdagi_env_issue(w->c->env, "%s with %u %s", w->c->what, (unsigned)v.n, name);
}

/* The extent of a window of which taps lie apart. */
static int64_t extent(const windows *w, uint32_t i)
{
    return (w->kernel[i] - 1) * w->dilation[i] + 1;
}

/* As many windows as strides fit into the size. */
static void pad_same(windows *w, uint32_t i, bool is_lower)
{
    tdagi_pool *p = w->c->env->pool;
    tdag_dim less_one = tdagi_dim_add(p, w->size[i], tdagi_dim_const(p, -1));
    tdag_dim last =
        tdagi_dim_mul(p, tdagi_dim_floordiv(p, less_one, w->stride[i]), w->stride[i]);
    tdag_dim total = tdagi_dim_sub(p, tdagi_dim_add(p, last, extent(w, i)), w->size[i]);
    total = tdagi_dim_max(p, total, 0);
    tdag_dim less = tdagi_dim_floordiv(p, total, 2);
    w->before[i] = is_lower ? tdagi_dim_sub(p, total, less) : less;
    w->after[i] = tdagi_dim_sub(p, total, w->before[i]);
}

static void read_pads(windows *w)
{
    tdagi_cml_call *c = w->c;
    bool same = tdagi_cml_is(c, "pad_type", "same"),
         lower = tdagi_cml_is(c, "pad_type", "same_lower"),
         custom = tdagi_cml_is(c, "pad_type", "custom");
    tdag_list pad = custom ? tdagi_cml_ints(c, "pad") : (tdag_list){0, NULL};
    if (!same && !lower && !custom && !tdagi_cml_is(c, "pad_type", "valid"))
        tdagi_cml_refuse(c, "a padding that is not known");
    if (pad.n != 0 && pad.n != 2 * w->n) tdagi_cml_refuse(c, "paddings of other axes");
    for (uint32_t i = 0; i < w->n; i++) {
        w->before[i] = 2 * i < pad.n ? pad.v[2 * i] : 0;
        w->after[i] = 2 * i + 1 < pad.n ? pad.v[2 * i + 1] : 0;
        if (same || lower) pad_same(w, i, lower);
    }
}

/* False: a rank that has no such windows. */
static bool read_windows(tdagi_cml_call *c, windows *w)
{
    uint32_t rank = tdagi_cml_rank(c, "x");
    *w = (windows){.c = c, .n = rank - 2};
    if (rank < 3 || rank > 2 + MOST_AXES) {
        tdagi_cml_refuse(c, "an operand x of such a rank");
        return false;
    }
    each(w, "strides", w->stride, 1);
    each(w, "dilations", w->dilation, 1);
    for (uint32_t i = 0; i < w->n; i++) {
        w->size[i] = tdagi_cml_dim(c, "x", i + 2);
        if (w->stride[i] < 1 || w->dilation[i] < 1) {
            tdagi_cml_refuse(c, "strides or dilations below 1");
            return false;
        }
    }
    return true;
}

static bool is_symmetric(const windows *w)
{
    int64_t n;
    bool same = true;
    for (uint32_t i = 0; i < w->n; i++)
        same &= w->before[i] == w->after[i] &&
                tdagi_dim_is_const(w->c->env->pool, w->before[i], &n) && n >= 0;
    return same;
}

/* Pads the operand x itself. */
static void pad_x(windows *w, const char *formula)
{
    tdag_dim pairs[2 * MOST_AXES];
    for (uint32_t i = 0; i < w->n; i++) { /* ATen's begin with the last axis */
        pairs[2 * i] = w->before[w->n - 1 - i];
        pairs[2 * i + 1] = w->after[w->n - 1 - i];
    }
    tdagi_cml_set_dims(w->c, "pairs", 2 * w->n, pairs);
    tdagi_cml_let(w->c, "x", formula);
    for (uint32_t i = 0; i < w->n; i++)
        w->before[i] = w->after[i] = 0;
}

static void set_windows(windows *w)
{
    tdagi_cml_set_dims(w->c, "kernel", w->n, w->kernel);
    tdagi_cml_set_dims(w->c, "stride", w->n, w->stride);
    tdagi_cml_set_dims(w->c, "dilation", w->n, w->dilation);
    tdagi_cml_set_dims(w->c, "padding", w->n, w->before);
}

/* The formula for that number of axes. */
static tdagi_any eval(const windows *w, const char *const formulas[MOST_AXES])
{
    return tdagi_cml_eval(w->c, formulas[w->n - 1]);
}

#define OF_AXES(before, after)                                                         \
    {                                                                                  \
        before "1d" after, before "2d" after, before "3d" after                        \
    }

/* ---- convolutions ---- */

tdagi_any tdagi_cml_conv(tdagi_cml_call *c)
{
    static const char *const conv[] = OF_AXES(
        "conv",
        "(x, like(weight, x), like(bias, x), stride, padding, dilation, groups)");
    windows w;
    int64_t n = 0;
    if (!read_windows(c, &w)) return tdagi_any_poison();
    for (uint32_t i = 0; i < w.n; i++)
        if (!tdagi_dim_is_const(c->env->pool, tdagi_cml_dim(c, "weight", i + 2), &n))
            return tdagi_cml_refuse(c, "a weight of symbolic size");
        else
            w.kernel[i] = n;
    read_pads(&w);
    if (!is_symmetric(&w)) pad_x(&w, "pad(x, pairs)");
    set_windows(&w);
    return eval(&w, conv);
}

tdagi_any tdagi_cml_conv_quantized(tdagi_cml_call *c)
{
    if (!tdagi_cml_is(c, "quantization_type", "linear"))
        return tdagi_cml_refuse(c, "a table of weights");
    tdagi_cml_let(c, "weight",
                  "add(mul(to(weight, dtype(x)), along(quant_scale, weight, 0)), "
                  "along(quant_bias, weight, 0))");
    return tdagi_cml_conv(c);
}

/* What the operand `pad` cuts off, or `same`, is cut off behind; sizes that
 * `output_shape` wants beyond that are zeroes and the bias. */
tdagi_any tdagi_cml_conv_transpose(tdagi_cml_call *c)
{
    static const char *const conv[] = OF_AXES(
        "conv_transpose", "(x, like(weight, x), None, stride, 0, 0, groups, dilation)");
    static const char *const whole[] = OF_AXES(
        "conv_transpose",
        "(x, like(weight, x), like(bias, x), stride, padding, more, groups, dilation)");
    windows w;
    tdagi_pool *p = c->env->pool;
    int64_t n = 0, more[MOST_AXES];
    if (!read_windows(c, &w)) return tdagi_any_poison();
    tdag_list shape = tdagi_cml_dims(c, "output_shape");
    bool same =
        !tdagi_cml_is(c, "pad_type", "custom") && !tdagi_cml_is(c, "pad_type", "valid");
    tdag_dim full[MOST_AXES], size[MOST_AXES];
    for (uint32_t i = 0; i < w.n; i++) {
        if (!tdagi_dim_is_const(p, tdagi_cml_dim(c, "weight", i + 2), &n))
            return tdagi_cml_refuse(c, "a weight of symbolic size");
        w.kernel[i] = n;
        tdag_dim strided = tdagi_dim_mul(p, w.size[i], w.stride[i]);
        full[i] =
            tdagi_dim_add(p, strided, tdagi_dim_const(p, extent(&w, i) - w.stride[i]));
        w.size[i] = size[i] = shape.n == w.n + 2 ? shape.v[i + 2] : strided;
    }
    read_pads(&w);
    for (uint32_t i = 0; i < w.n && !same && shape.n == 0; i++) {
        size[i] = tdagi_dim_sub(p, full[i], tdagi_dim_add(p, w.before[i], w.after[i]));
        if (tdagi_dim_is_const(p, tdagi_dim_sub(p, w.before[i], w.after[i]), &n) &&
            n > 0 && n < w.stride[i])
            w.after[i] = w.before[i]; /* less of it is an output padding, too */
    }
    bool plain = is_symmetric(&w) && !same;
    for (uint32_t i = 0; i < w.n; i++) {
        tdag_dim rest =
            tdagi_dim_sub(p, full[i], tdagi_dim_add(p, w.before[i], w.after[i]));
        /* more than the windows cover is an output padding */
        plain &= tdagi_dim_is_const(p, tdagi_dim_sub(p, size[i], rest), &more[i]) &&
                 more[i] >= 0 && more[i] < w.stride[i];
    }
    if (plain) {
        set_windows(&w);
        tdagi_cml_set_dims(c, "more", w.n, more);
        return eval(&w, whole);
    }
    set_windows(&w);
    tdagi_cml_set(c, "x", eval(&w, conv));
    for (uint32_t i = 0; i < w.n; i++) {
        tdag_dim end = tdagi_dim_add(p, w.before[i], size[i]);
        w.after[i] = tdagi_dim_sub(p, end, full[i]);
        w.before[i] = tdagi_dim_sub(p, 0, w.before[i]);
    }
    pad_x(&w, "pad(x, pairs)");
    return tdagi_cml_eval(c, "if(is(bias, None), x, add(x, along(bias, x, 1)))");
}

/* ---- pools ---- */

static bool read_pool(tdagi_cml_call *c, windows *w)
{
    if (!read_windows(c, w)) return false;
    each(w, "kernel_sizes", w->kernel, 1);
    read_pads(w);
    return true;
}

/* Makes the amounts behind so that windows need no rule of their own at the end; ceil
 * mode has those that begin before the end of what is padded, but for the padding
 * behind. */
static void fill_up(windows *w)
{
    tdagi_pool *p = w->c->env->pool;
    if (!tdagi_cml_bool(w->c, "ceil_mode")) return;
    for (uint32_t i = 0; i < w->n; i++) {
        tdag_dim begin = tdagi_dim_add(p, w->size[i], w->before[i]);
        tdag_dim all = tdagi_dim_add(p, begin, w->after[i]);
        tdag_dim span =
            tdagi_dim_add(p, all, tdagi_dim_const(p, w->stride[i] - 1 - w->kernel[i]));
        tdag_dim last = tdagi_dim_floordiv(p, span, w->stride[i]);
        tdag_dim most = tdagi_dim_floordiv(
            p, tdagi_dim_add(p, begin, tdagi_dim_const(p, -1)), w->stride[i]);
        last = tdagi_dim_min(p, last, most);
        tdag_dim end =
            tdagi_dim_add(p, tdagi_dim_mul(p, last, w->stride[i]), w->kernel[i]);
        w->after[i] = tdagi_dim_sub(p, end, begin);
    }
}

tdagi_any tdagi_cml_max_pool(tdagi_cml_call *c)
{
    static const char *const pool[] =
        OF_AXES("max_pool", "(x, kernel, stride, padding, 1, ceil_mode)");
    static const char *const padded[] = OF_AXES("max_pool", "(x, kernel, stride)");
    windows w;
    int64_t n = 0;
    if (!read_pool(c, &w)) return tdagi_any_poison();
    bool plain = is_symmetric(&w);
    for (uint32_t i = 0; plain && i < w.n; i++)
        plain =
            tdagi_dim_is_const(c->env->pool, w.before[i], &n) && 2 * n <= w.kernel[i];
    if (!plain) {
        fill_up(&w);
        tdagi_cml_set(c, "least", tdagi_any_float(-INFINITY));
        pad_x(&w, "pad(x, pairs, 'constant', least)");
    }
    set_windows(&w);
    return eval(&w, plain ? pool : padded);
}

/* The mean of windows over x as it is padded: the quotient of the means of x and of
 * ones, where what does not count is 0. */
static tdagi_any mean_of_padded(windows *w, bool counts_pads)
{
    static const char *const pool[] = OF_AXES("avg_pool", "(x, kernel, stride)");
    tdagi_cml_call *c = w->c;
    windows full = *w;
    tdag_dim more[MOST_AXES];
    tdagi_any x = tdagi_cml_at(c, "x");
    fill_up(&full);
    for (uint32_t i = 0; i < w->n; i++)
        more[i] = tdagi_dim_sub(c->env->pool, full.after[i], w->after[i]);
    pad_x(&full, "pad(x, pairs)");
    set_windows(w);
    tdagi_cml_set(c, "mean", eval(w, pool));
    if (counts_pads && !tdagi_cml_bool(c, "ceil_mode")) return tdagi_cml_at(c, "mean");
    tdagi_cml_set(c, "x", x);
    tdagi_cml_let(c, "x", "ones_like(x)");
    pad_x(w, counts_pads ? "pad(x, pairs, 'constant', 1.0)" : "pad(x, pairs)");
    for (uint32_t i = 0; i < w->n; i++)
        w->after[i] = more[i];
    pad_x(w, "pad(x, pairs)");
    tdagi_cml_set(c, "counts", eval(w, pool));
    return tdagi_cml_eval(c, "div(mean, counts)");
}

tdagi_any tdagi_cml_avg_pool(tdagi_cml_call *c)
{
    static const char *const pool[] =
        OF_AXES("avg_pool", "(x, kernel, stride, padding, ceil_mode, counts_pads)");
    windows w;
    int64_t n = 0;
    if (!read_pool(c, &w)) return tdagi_any_poison();
    bool excludes = tdagi_cml_bool(c, "exclude_padding_from_average");
    tdagi_cml_set(c, "counts_pads", tdagi_any_bool(!excludes));
    bool plain = is_symmetric(&w);
    for (uint32_t i = 0; plain && i < w.n; i++)
        plain =
            tdagi_dim_is_const(c->env->pool, w.before[i], &n) && 2 * n <= w.kernel[i];
    if (!plain) return mean_of_padded(&w, !excludes);
    set_windows(&w);
    return eval(&w, pool);
}

tdagi_any tdagi_cml_l2_pool(tdagi_cml_call *c)
{
    static const char *const pool[] =
        OF_AXES("sqrt(mul(avg_pool", "(square(x), kernel, stride), taps))");
    windows w;
    int64_t taps = 1;
    if (!read_pool(c, &w)) return tdagi_any_poison();
    fill_up(&w);
    pad_x(&w, "pad(x, pairs)");
    set_windows(&w);
    for (uint32_t i = 0; i < w.n; i++)
        if (__builtin_mul_overflow(taps, w.kernel[i], &taps)) taps = 0;
    tdagi_cml_set_int(c, "taps", taps);
    return eval(&w, pool);
}
