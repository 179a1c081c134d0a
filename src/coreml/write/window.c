/* Pools. */
#include <string.h>

#include "coreml/write/mil.h"

/* A pool as the operator has it: x [N, C, spatial...], padding by side. */
typedef struct pool {
    uint32_t n;
    int64_t pads[2 * TDAG_MAX_RANK];
    bool is_more; /* the last window passes the padding */
    bool is_ceil; /* of an open size, so that the operator finds out how far */
} pool;

static void read_pool(const tdagi_mil_writer *w, const tdagi_kernel *k, pool *out)
{
    const tdagi_pool_spec *s = k->spec;
    const tdagi_kernel *x = tdagi_mil_kernel(w, k->inputs[0]);
    out->n = s->kernel.n;
    out->is_more = out->is_ceil = false;
    for (uint32_t i = 0; i < out->n; i++) {
        out->pads[2 * i] = out->pads[2 * i + 1] = s->padding.v[i];
        out->is_ceil |= s->ceil_mode && x->shape[x->rank - out->n + i] < 0;
    }
    for (uint32_t i = 0; i < out->n && s->ceil_mode && !out->is_ceil; i++) {
        const int64_t pad = s->padding.v[i], stride = s->stride.v[i],
                      need = (k->shape[k->rank - out->n + i] - 1) * stride +
                             s->kernel.v[i] - pad - x->shape[x->rank - out->n + i];
        out->is_more = out->is_more || need > pad;
        if (need > pad) out->pads[2 * i + 1] = need;
    }
}

static bool fits(const tdagi_mil_writer *w, const tdagi_kernel *k, pool *p)
{
    const tdagi_pool_spec *s = k->spec;
    for (uint32_t i = 0; i < s->dilation.n; i++)
        if (s->dilation.v[i] != 1) return false;
    if (k->dtype != TDAG_F32 || s->kernel.n > 3) return false;
    read_pool(w, k, p);
    return !p->is_ceil || s->kernel.n < 3; /* which ceil_mode is for */
}

/* The axes before the last n as two. */
static tdagi_mil with_channels(tdagi_mil_writer *w, tdagi_mil x, uint32_t n,
                               tdagi_type *type)
{
    tdag_dim shape[TDAG_MAX_RANK] = {1};
    if (x == NULL || x->type.rank == n + 2) return x;
    const uint32_t lead = x->type.rank - n;
    shape[1] = tdagi_dim_product(w->now.r->pool, lead, x->type.shape);
    memcpy(shape + 2, x->type.shape + lead, n * sizeof *shape);
    memmove(type->shape + 2, type->shape + lead, n * sizeof *shape);
    type->shape[0] = 1;
    type->shape[1] = shape[1];
    type->rank = n + 2;
    return tdagi_mil_reshape(w, x, n + 2, shape);
}

static void emit_max_pool(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_pool_spec *s = k->spec;
    pool p;
    tdagi_type type;
    if (!fits(w, k, &p)) {
        tdagi_mil_by_parts(w, k);
        return;
    }
    const tdag_list pads = {2 * p.n, p.pads};
    const char *format = "max_pool(x=%v, kernel_sizes=%l, strides=%l, "
                         "pad_type=\"custom\", pad=%l, ceil_mode=%b)";
    tdagi_mil_type_of(k, &type);
    tdagi_mil x = with_channels(w, tdagi_mil_in(w, k, 0), p.n, &type);
    if (type.rank == k->rank)
        tdagi_mil_emit(w, k, format, x, &s->kernel, &s->stride, &pads, (int)p.is_ceil);
    else
        tdagi_mil_set(w, k,
                      tdagi_mil_reshape(w,
                                        tdagi_mil_op(w, &type, format, x, &s->kernel,
                                                     &s->stride, &pads, (int)p.is_ceil),
                                        k->rank, k->shape));
}
const tdagi_mil_emitter tdagi_mil_emitter_max_pool = {.emit = emit_max_pool};

/* A divisor of its own is that of the whole window and a factor. */
static void emit_avg_pool(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_pool_spec *s = k->spec;
    pool p;
    tdagi_type type;
    double factor = 1;
    const bool counts = s->count_include_pad || s->divisor != 0;
    if (!fits(w, k, &p) || (p.is_more && s->count_include_pad && s->divisor == 0)) {
        tdagi_mil_by_parts(w, k);
        return;
    }
    for (uint32_t i = 0; i < p.n && s->divisor != 0; i++)
        factor *= (double)s->kernel.v[i];
    if (s->divisor != 0) factor /= (double)s->divisor;
    const tdag_list pads = {2 * p.n, p.pads};
    tdagi_mil_type_of(k, &type);
    tdagi_mil x = with_channels(w, tdagi_mil_in(w, k, 0), p.n, &type);
    const char *format =
        "avg_pool(x=%v, kernel_sizes=%l, strides=%l, pad_type=\"custom\", pad=%l, "
        "exclude_padding_from_average=%b, ceil_mode=%b)";
    if (type.rank == k->rank && factor == 1) {
        tdagi_mil_emit(w, k, format, x, &s->kernel, &s->stride, &pads, (int)!counts,
                       (int)p.is_ceil);
        return;
    }
    x = tdagi_mil_op(w, &type, format, x, &s->kernel, &s->stride, &pads, (int)!counts,
                     (int)p.is_ceil);
    if (factor != 1) x = tdagi_mil_op(w, NULL, "mul(x=%v, y=%f)", x, factor);
    tdagi_mil_set(w, k, tdagi_mil_reshape(w, x, k->rank, k->shape));
}
const tdagi_mil_emitter tdagi_mil_emitter_avg_pool = {.emit = emit_avg_pool};

/* Of everything, or of equal parts. */
static void emit_adaptive(tdagi_mil_writer *w, const tdagi_kernel *k,
                          const char *of_all, const char *of_parts)
{
    const tdagi_adaptive_pool_spec *s = k->spec;
    int64_t axes[TDAG_MAX_RANK], size[TDAG_MAX_RANK], pads[2 * TDAG_MAX_RANK] = {0};
    const uint32_t n = s->output.n;
    bool is_all = true, is_even = k->rank == n + 2 && n <= 3;
    tdagi_mil x = tdagi_mil_in(w, k, 0);
    for (uint32_t i = 0; i < n && x != NULL; i++) {
        const tdag_dim in = x->type.shape[k->rank - n + i], out = s->output.v[i];
        axes[i] = k->rank - n + i;
        is_all = is_all && out == 1;
        is_even = is_even && in > 0 && out > 0 && in % out == 0;
        size[i] = is_even ? in / out : 1;
    }
    const tdag_list all = {n, axes}, kernel = {n, size}, none = {2 * n, pads};
    if (k->dtype != TDAG_F32 || !(is_all || is_even))
        tdagi_mil_by_parts(w, k);
    else if (is_all)
        tdagi_mil_emit(w, k, of_all, &all);
    else
        tdagi_mil_emit(w, k, of_parts, &kernel, &kernel, &none);
}

static void emit_adaptive_avg_pool(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    emit_adaptive(w, k, "reduce_mean(x=$0, axes=%l, keep_dims=true)",
                  "avg_pool(x=$0, kernel_sizes=%l, strides=%l, pad_type=\"custom\", "
                  "pad=%l, exclude_padding_from_average=false, ceil_mode=false)");
}
const tdagi_mil_emitter tdagi_mil_emitter_adaptive_avg_pool = {
    .emit = emit_adaptive_avg_pool};

static void emit_adaptive_max_pool(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    emit_adaptive(w, k, "reduce_max(x=$0, axes=%l, keep_dims=true)",
                  "max_pool(x=$0, kernel_sizes=%l, strides=%l, pad_type=\"custom\", "
                  "pad=%l, ceil_mode=false)");
}
const tdagi_mil_emitter tdagi_mil_emitter_adaptive_max_pool = {
    .emit = emit_adaptive_max_pool};
