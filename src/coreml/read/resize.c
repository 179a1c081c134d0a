/* Resizing: where the samples of an axis lie, by the names that MIL has for it. Modes
 * that PyTorch has are its operators; all others are positions and weights that are
 * known when the sizes are. */
#include <math.h>
#include <string.h>

#include "aten/aten.h"
#include "base/tensor.h"
#include "coreml/read/mil.h"
#include "derive/parts.h"

/* ---- one axis ---- */

/* Where sample i of `to` lies within n elements, of which the first is at 0. */
static double place(const char *mode, double n, double to, double i)
{
    double span = n - 1;
    if (strstr(mode, "ALIGN_CORNERS") != NULL && strcmp(mode, "UNALIGN_CORNERS") != 0) {
        if (to == 1) return mode[0] == 'A' ? span / 2 : 0;
        return i * span / (to - 1);
    }
    if (strcmp(mode, "DEFAULT") == 0) return i * n / to;
    if (strcmp(mode, "OFFSET_CORNERS") == 0)
        return (span > 1 ? span : 1) / to * (0.5 + i);
    return (i + 0.5) * n / to - 0.5; /* UNALIGN_CORNERS */
}

static tdag_value constant(tdagi_cml_call *c, const tdag_tensor *t)
{
    return t == NULL ? TDAG_NO_VALUE
                     : tdag_add_tensor(c->env->b, TDAG_OP_CONSTANT, NULL, t);
}

/* Positions below the samples, those above, and how far the samples are between. */
typedef struct table {
    tdag_tensor *low, *high, *part;
    bool is_exact; /* all samples are elements */
} table;

static bool make_table(tdagi_cml_call *c, const char *mode, int64_t n, int64_t to,
                       bool nearest, table *t)
{
    tdagi_env *env = c->env;
    *t = (table){NULL, NULL, NULL, true};
    if (n < 1 || to < 1 || !tdagi_env_ok(env)) return false;
    env->status = tdag_tensor_create(env->ctx, TDAG_I64, 1, &to, &t->low);
    if (tdagi_env_ok(env))
        env->status = tdag_tensor_create(env->ctx, TDAG_I64, 1, &to, &t->high);
    if (tdagi_env_ok(env))
        env->status = tdag_tensor_create(env->ctx, TDAG_F32, 1, &to, &t->part);
    for (int64_t i = 0; tdagi_env_ok(env) && i < to && tdagi_env_step(env, 1); i++) {
        double at = place(mode, (double)n, (double)to, (double)i);
        at = at < 0 ? 0 : at > (double)(n - 1) ? (double)(n - 1) : at;
        double low = floor(nearest ? at + 0.5 : at);
        double part = nearest ? 0 : at - low;
        t->is_exact &= part == 0;
        tdagi_tensor_set_i64(t->low, i, (int64_t)low);
        tdagi_tensor_set_i64(t->high, i,
                             low + 1 < (double)n ? (int64_t)low + 1 : n - 1);
        tdagi_tensor_set_f64(t->part, i, part);
    }
    return tdagi_env_ok(env);
}

static tdag_value sampled(tdagi_cml_call *c, tdag_value x, uint32_t axis,
                          const table *t)
{
    tdag_builder *b = c->env->b;
    tdag_value low = tdagi_gather_axis(b, x, axis, constant(c, t->low));
    if (t->is_exact) return low;
    tdag_value high = tdagi_gather_axis(b, x, axis, constant(c, t->high));
    tdag_value part = tdagi_cast(b, constant(c, t->part), tdag_builder_get_dtype(b, x));
    for (uint32_t i = axis + 1; i < tdag_builder_get_rank(b, x); i++)
        part = tdagi_unsqueeze1(b, part, 1);
    tdag_value rest =
        tdagi_sub(b, tdag_add_scalar(b, tdag_builder_get_dtype(b, x), 1), part);
    return tdagi_add(b, tdagi_mul(b, low, rest), tdagi_mul(b, high, part));
}

/* x with `to` samples on an axis of known size; false: an issue. */
static bool resample(tdagi_cml_call *c, tdag_value *x, uint32_t axis, int64_t to,
                     const char *mode, bool nearest)
{
    int64_t n = 0;
    table t = {NULL, NULL, NULL, false};
    if (x->id == 0) return false;
    if (!tdagi_dim_is_const(c->env->pool, tdag_builder_get_shape(c->env->b, *x)[axis],
                            &n)) {
        tdagi_cml_refuse(c, "a size that is a symbol, by this sampling mode");
        return false;
    }
    bool ok = make_table(c, mode, n, to, nearest, &t);
    if (ok) *x = sampled(c, *x, axis, &t);
    tdag_tensor_free(t.low);
    tdag_tensor_free(t.high);
    tdag_tensor_free(t.part);
    return ok;
}

/* ---- two axes ---- */

/* PyTorch's operator on the last two axes, `size` being their sizes. */
static tdagi_any by_torch(tdagi_cml_call *c, const char *formula)
{
    uint32_t rank = tdagi_cml_rank(c, "x");
    if (rank == 3) tdagi_cml_let(c, "x", "unsqueeze(x, 0)");
    if (rank != 3 && rank != 4) return tdagi_cml_refuse(c, "an operand of such a rank");
    tdagi_cml_let(c, "x", formula);
    return rank == 3 ? tdagi_cml_eval(c, "squeeze(x, 0)") : tdagi_cml_at(c, "x");
}

static tdagi_any bilinear(tdagi_cml_call *c, tdag_dim size[2], const char *mode)
{
    uint32_t rank = tdagi_cml_rank(c, "x");
    int64_t to;
    tdagi_cml_set_dims(c, "size", 2, size);
    if (strcmp(mode, "UNALIGN_CORNERS") == 0)
        return by_torch(c, "upsample_bilinear2d(x, size, False)");
    if (strcmp(mode, "STRICT_ALIGN_CORNERS") == 0)
        return by_torch(c, "upsample_bilinear2d(x, size, True)");
    tdag_value x = tdagi_cml_tensor(c, "x");
    for (uint32_t i = 0; i < 2; i++) {
        if (!tdagi_dim_is_const(c->env->pool, size[i], &to))
            return tdagi_cml_refuse(c, "a size that is a symbol");
        if (!resample(c, &x, rank - 2 + i, to, mode, false)) return tdagi_any_poison();
    }
    return tdagi_cml_of(c, x);
}

/* The sizes that factors give, rounded down. */
static bool scaled_sizes(tdagi_cml_call *c, tdag_dim size[2])
{
    static const char *const names[] = {"scale_factor_height", "scale_factor_width"};
    uint32_t rank = tdagi_cml_rank(c, "x");
    if (rank < 3) tdagi_cml_refuse(c, "an operand of such a rank");
    for (uint32_t i = 0; i < 2 && rank >= 3; i++) {
        tdag_dim d = tdagi_cml_dim(c, "x", rank - 2 + i);
        double f = tdagi_cml_float(c, names[i], 1);
        int64_t n;
        if (tdagi_dim_is_const(c->env->pool, d, &n))
            size[i] = (int64_t)floor((double)n * f);
        else if (f == floor(f) && f > 0 && f < 1e6)
            size[i] = tdagi_dim_mul(c->env->pool, d, (int64_t)f);
        else if (f > 0 && 1 / f == floor(1 / f))
            size[i] = tdagi_dim_floordiv(c->env->pool, d, (int64_t)(1 / f));
        else
            return false;
    }
    return rank >= 3;
}

static bool target_sizes(tdagi_cml_call *c, tdag_dim size[2])
{
    size[0] = tdagi_cml_int(c, "target_size_height", 1);
    size[1] = tdagi_cml_int(c, "target_size_width", 1);
    return tdagi_cml_rank(c, "x") >= 3 && size[0] > 0 && size[1] > 0;
}

tdagi_any tdagi_cml_upsample_nearest(tdagi_cml_call *c)
{
    tdag_dim size[2];
    bool ok = tdagi_cml_has(c, "target_size_height") ? target_sizes(c, size)
                                                     : scaled_sizes(c, size);
    if (!ok) return tdagi_cml_refuse(c, "a factor that symbols do not have");
    tdagi_cml_set_dims(c, "size", 2, size);
    return by_torch(c, "upsample_nearest2d(x, size)");
}

tdagi_any tdagi_cml_upsample_bilinear(tdagi_cml_call *c)
{
    tdag_dim size[2];
    bool aligned = tdagi_cml_bool(c, "align_corners"), half = !aligned;
    if (tdagi_cml_has(c, "half_pixel_centers"))
        half = tdagi_cml_bool(c, "half_pixel_centers");
    if (!scaled_sizes(c, size))
        return tdagi_cml_refuse(c, "a factor that symbols do not have");
    return bilinear(c, size,
                    aligned ? "STRICT_ALIGN_CORNERS"
                    : half  ? "UNALIGN_CORNERS"
                            : "DEFAULT");
}

static const char *mode_of(tdagi_cml_call *c, const char *name)
{
    tdagi_any v = tdagi_cml_at(c, name);
    return v.kind == TDAGI_ANY_STRING ? v.u.s : "";
}

tdagi_any tdagi_cml_resize_bilinear(tdagi_cml_call *c)
{
    tdag_dim size[2];
    if (!target_sizes(c, size)) return tdagi_cml_refuse(c, "such sizes");
    return bilinear(c, size, mode_of(c, "sampling_mode"));
}

/* The last `resized_dims` axes; 0 keeps a size. */
tdagi_any tdagi_cml_resize(tdagi_cml_call *c)
{
    tdag_list shape = tdagi_cml_dims(c, "shape");
    int64_t n = tdagi_cml_int(c, "resized_dims", 0), to;
    uint32_t rank = tdagi_cml_rank(c, "x");
    const char *mode = mode_of(c, "sampling_mode");
    bool nearest = tdagi_cml_is(c, "interpolation_mode", "NEAREST_NEIGHBOR");
    if (n < 1 || n > rank || shape.n < n) return tdagi_cml_refuse(c, "such sizes");
    tdag_dim size[TDAG_MAX_RANK];
    for (uint32_t i = 0; i < n; i++) {
        size[i] = shape.v[shape.n - n + i];
        if (size[i] == 0) size[i] = tdagi_cml_dim(c, "x", rank - (uint32_t)n + i);
    }
    bool torch_has = n == 2 && !nearest && (rank == 3 || rank == 4);
    if (torch_has) return bilinear(c, size, mode);
    tdag_value x = tdagi_cml_tensor(c, "x");
    for (uint32_t i = 0; i < n; i++) {
        if (size[i] == tdagi_cml_dim(c, "x", rank - (uint32_t)n + i)) continue;
        if (!tdagi_dim_is_const(c->env->pool, size[i], &to))
            return tdagi_cml_refuse(c, "a size that is a symbol");
        if (!resample(c, &x, rank - (uint32_t)n + i, to, mode, nearest))
            return tdagi_any_poison();
    }
    return tdagi_cml_of(c, x);
}

/* ---- at places that data tells ---- */

/* Samples at normalised places, or at those of pixels' centers. */
tdagi_any tdagi_cml_resample(tdagi_cml_call *c)
{
    bool constant = tdagi_cml_is(c, "padding_mode", "constant"),
         border = tdagi_cml_is(c, "padding_mode", "border"),
         about_centers = tdagi_cml_is(c, "padding_mode", "reflection"),
         corners = tdagi_cml_bool(c, "align_corners");
    if (tdagi_cml_is(c, "coordinates_mode", "unnormalized")) {
        tdagi_cml_let(
            c, "coordinates",
            "y = stack([full([], sub(size(x, 3), 1), dtype=dtype(x)), full([], "
            "sub(size(x, 2), 1), dtype=dtype(x))]); sub(div(mul(coordinates, 2.0), "
            "y), 1.0)");
        corners = true;
    } else if (tdagi_cml_is(c, "coordinates_mode", "normalized_zero_to_one")) {
        tdagi_cml_let(c, "coordinates", "sub(mul(coordinates, 2.0), 1.0)");
    } else if (!tdagi_cml_is(c, "coordinates_mode", "normalized_minus_one_to_one")) {
        return tdagi_cml_refuse(c, "coordinates of such a kind");
    }
    if (!constant && !border && corners != about_centers)
        return tdagi_cml_refuse(c, "a reflection about the other border");
    tdagi_cml_set_int(c, "padding", constant ? 0 : border ? 1 : 2);
    tdagi_cml_set_int(c, "mode", tdagi_cml_is(c, "sampling_mode", "nearest"));
    tdagi_cml_set(c, "corners", tdagi_any_bool(corners));
    if (!constant || tdagi_cml_float(c, "padding_value", 0) == 0)
        return tdagi_cml_eval(c,
                              "grid_sampler(x, coordinates, mode, padding, corners)");
    return tdagi_cml_eval(c,
                          "add(grid_sampler(sub(x, padding_value), coordinates, mode, "
                          "padding, corners), padding_value)");
}

tdagi_any tdagi_cml_affine(tdagi_cml_call *c)
{
    tdagi_cml_let(
        c, "grid",
        "m = expand(unflatten(transform_matrix, 1, [2, 3]), [size(x, 0), 2, 3]); "
        "affine_grid_generator(m, [size(x, 0), size(x, 1), output_height, "
        "output_width], align_corners)");
    if (!tdagi_cml_is(c, "coordinates_mode", "normalized_minus_one_to_one"))
        return tdagi_cml_refuse(c, "coordinates of such a kind");
    tdagi_cml_set(c, "coordinates", tdagi_cml_at(c, "grid"));
    return tdagi_cml_resample(c);
}
