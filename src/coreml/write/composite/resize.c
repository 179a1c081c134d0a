/* Resizing and sampling: upsample along any number of axes, two at a time, and
 * grid_sample. Cubic ones are written by their parts. */
#include <math.h>

#include "coreml/write/mil.h"

/* One axis. */
typedef struct line {
    tdag_dim in, out;
    double scale;   /* as PyTorch uses it for the coordinates; 0: none */
    int64_t factor; /* out is so many times in; 0: it is not */
} line;

static int64_t factor_of(tdagi_pool *pool, tdag_dim in, tdag_dim out)
{
    int64_t n;
    if (in > 0 && out > 0) return out % in == 0 ? out / in : 0;
    if (in == 0 || out == 0) return 0;
    if (!tdagi_dim_is_const(pool, tdagi_dim_floordiv(pool, out, in), &n)) return 0;
    return n > 0 && tdagi_dim_mul(pool, in, n) == out ? n : 0;
}

/* Whether PyTorch's positions, which it computes in f32, are floor(i * in / out). */
static bool is_nearest(const line *l, bool exact)
{
    enum { MOST = 1 << 16 }; /* of an open size so many are looked at */
    const bool is_open = l->in < 0 || l->out < 0;
    const int64_t in = is_open ? MOST : l->in, out = is_open ? in * l->factor : l->out;
    const float step =
        l->scale > 0 ? (float)(1 / l->scale) : (float)((double)in / (double)out);
    for (int64_t i = 0; i < out; i++) {
        float x = (float)i * step;
        if (exact) {
            x = ((float)i + 0.5F) * step - 0.5F;
            x = (x < 0 ? 0 : x) + 0.5F;
        }
        const int64_t at = (int64_t)floorf(x);
        if ((at < in ? at : in - 1) != i * in / out) return false;
    }
    return true;
}

/* Whether the operators have the coordinates that are meant. */
static bool line_fits(const line *l, const tdagi_upsample_spec *s)
{
    if (l->factor == 0 && (l->in <= 0 || l->out <= 0)) return false;
    if (s->mode != TDAGI_UPSAMPLE_LINEAR)
        return s->mode != TDAGI_UPSAMPLE_CUBIC &&
               is_nearest(l, s->mode == TDAGI_UPSAMPLE_NEAREST_EXACT);
    if (s->align_corners || l->scale == 0 || l->factor == 1) return true;
    const double ratio =
        l->factor != 0 ? (double)l->factor : (double)l->out / (double)l->in;
    return fabs(l->scale - ratio) <= 1e-7 * ratio;
}

/* The last two axes of x. */
static tdagi_mil resize_two(tdagi_mil_writer *w, const tdagi_upsample_spec *s,
                            tdagi_mil x, const line *h, const line *v)
{
    if (x == NULL) return NULL;
    tdagi_type type = x->type;
    type.shape[type.rank - 2] = h->out;
    type.shape[type.rank - 1] = v->out;
    const bool is_linear = s->mode == TDAGI_UPSAMPLE_LINEAR,
               by_factor = h->factor != 0 && v->factor != 0,
               is_number = h->out >= 0 && v->out >= 0;
    if (is_linear && is_number)
        return tdagi_mil_op(
            w, &type,
            "resize_bilinear(x=%v, target_size_height=%i, target_size_width=%i, "
            "sampling_mode=%s)",
            x, h->out, v->out,
            s->align_corners ? "STRICT_ALIGN_CORNERS" : "UNALIGN_CORNERS");
    if (is_linear)
        return tdagi_mil_op(
            w, &type,
            w->target >= 16 ? "upsample_bilinear(x=%v, scale_factor_height=%i, "
                              "scale_factor_width=%i, align_corners=%b, "
                              "half_pixel_centers=%b)"
                            : "upsample_bilinear(x=%v, scale_factor_height=%i, "
                              "scale_factor_width=%i, align_corners=%b)",
            x, h->factor, v->factor, (int)s->align_corners, !s->align_corners);
    return tdagi_mil_op(w, &type,
                        by_factor ? "upsample_nearest_neighbor(x=%v, "
                                    "scale_factor_height=%i, scale_factor_width=%i)"
                                  : "resize_nearest_neighbor(x=%v, "
                                    "target_size_height=%i, target_size_width=%i)",
                        x, by_factor ? h->factor : h->out,
                        by_factor ? v->factor : v->out);
}

/* x of three axes: two of them with the first one among the channels, then that one
 * with the two as one. */
static tdagi_mil resize_three(tdagi_mil_writer *w, const tdagi_upsample_spec *s,
                              tdagi_mil x, const line *l)
{
    static const line same = {.factor = 1};
    tdagi_pool *pool = w->now.r->pool;
    line both = same;
    if (x == NULL) return NULL;
    const tdag_dim *of = x->type.shape;
    const tdag_dim lead = tdagi_dim_product(pool, x->type.rank - 3, of),
                   depth = of[x->type.rank - 3];
    const tdag_dim first[4] = {1, tdagi_dim_mul(pool, lead, depth), l[1].in, l[2].in};
    x = tdagi_mil_reshape(w, x, 4, first);
    x = resize_two(w, s, x, &l[1], &l[2]);
    both.in = both.out = tdagi_dim_mul(pool, l[1].out, l[2].out);
    const tdag_dim second[4] = {1, lead, depth, both.in};
    return resize_two(w, s, tdagi_mil_reshape(w, x, 4, second), &l[0], &both);
}

static void emit_upsample(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_upsample_spec *s = k->spec;
    const uint32_t n = s->output.n, lead = k->rank - n;
    line l[3] = {{.in = 1, .out = 1, .factor = 1}};
    bool fits = k->dtype == TDAG_F32, is_number = true, by_factor = true;
    tdagi_mil x = tdagi_mil_in(w, k, 0);
    if (x == NULL) return;
    for (uint32_t i = 0; i < n; i++) {
        line *a = &l[n == 1 ? 1 : i];
        *a = (line){.in = x->type.shape[lead + i],
                    .out = s->output.v[i],
                    .scale = s->scales[i]};
        a->factor = factor_of(w->now.r->pool, a->in, a->out);
        fits = fits && line_fits(a, s);
        is_number = is_number && a->in > 0 && a->out > 0;
        by_factor = by_factor && a->factor != 0;
    }
    if (!fits || (!is_number && !by_factor)) {
        tdagi_mil_by_parts(w, k);
        return;
    }
    const tdag_dim plane[4] = {
        1, tdagi_dim_product(w->now.r->pool, lead, x->type.shape), 1, l[1].in};
    if (n == 1) x = tdagi_mil_reshape(w, x, 4, plane);
    x = n == 3 ? resize_three(w, s, x, l) : resize_two(w, s, x, &l[0], &l[1]);
    tdagi_mil_set(w, k, tdagi_mil_reshape(w, x, k->rank, k->shape));
}
const tdagi_mil_emitter tdagi_mil_emitter_upsample = {.emit = emit_upsample};

/* Reflection is about the centers of the border where corners are aligned, else about
 * its edge. */
static void emit_grid_sample(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_grid_sample_spec *s = k->spec;
    const char *padding = s->padding == TDAGI_SAMPLE_ZEROS    ? "constant"
                          : s->padding == TDAGI_SAMPLE_BORDER ? "border"
                          : s->align_corners                  ? "reflection"
                                                              : "symmetric";
    if (k->rank != 4 || s->mode == TDAGI_SAMPLE_CUBIC || k->dtype != TDAG_F32)
        tdagi_mil_by_parts(w, k);
    else
        tdagi_mil_emit(w, k,
                       "resample(x=$0, coordinates=%v, sampling_mode=%s, "
                       "padding_mode=%s, padding_value=0.0, "
                       "coordinates_mode=\"normalized_minus_one_to_one\", "
                       "align_corners=%b)",
                       tdagi_mil_cast(w, tdagi_mil_in(w, k, 1), TDAG_F64),
                       s->mode == TDAGI_SAMPLE_LINEAR ? "bilinear" : "nearest", padding,
                       (int)s->align_corners);
}
const tdagi_mil_emitter tdagi_mil_emitter_grid_sample = {.emit = emit_grid_sample};
