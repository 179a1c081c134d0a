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

/* ---- boxes that are cut out ---- */

/* Sets `name` to the places of the samples of one axis in every box, [boxes, to]: from
 * `start`, over `span` of which sample i is at `step` times i and `first`. */
static void sample_boxes(tdagi_cml_call *c, const char *name, int64_t to)
{
    const char *mode = mode_of(c, "sampling_mode");
    bool strict = strcmp(mode, "STRICT_ALIGN_CORNERS") == 0,
         aligned = strict || strcmp(mode, "ALIGN_CORNERS") == 0,
         offset = strcmp(mode, "OFFSET_CORNERS") == 0,
         middle = strcmp(mode, "UNALIGN_CORNERS") == 0;
    double n = (double)to;
    double step = !aligned ? 1 / n : to > 1 ? 1 / (n - 1) : 0;
    double first = offset || middle ? 0.5 / n : aligned && to == 1 && !strict ? 0.5 : 0;
    if (offset) tdagi_cml_let(c, "span", "clamp(span, 1)");
    if (!aligned && !offset) tdagi_cml_let(c, "span", "add(span, 1)");
    if (middle) tdagi_cml_let(c, "start", "sub(start, 0.5)");
    tdagi_cml_set_int(c, "to", to);
    tdagi_cml_set(c, "step", tdagi_any_float(step));
    tdagi_cml_set(c, "first", tdagi_any_float(first));
    tdagi_cml_let(c, name,
                  "i = add(mul(arange(0, to, 1, dtype=dtype(x)), step), first); "
                  "add(unsqueeze(start, 1), mul(unsqueeze(span, 1), i))");
}

/* Rows of four numbers as the corners "y0", "x0", "y1" and "x1" in pixels. */
static void find_corners(tdagi_cml_call *c)
{
    const char *mode = mode_of(c, "box_coordinate_mode");
    bool width_first = strstr(mode, "WIDTH_FIRST") != NULL;
    static const char *const names[] = {"y0", "x0", "y1", "x1"};
    tdagi_cml_let(c, "rows", "mul(like(rows, x), spatial_scale)");
    for (int i = 0; i < 4; i++) {
        tdagi_cml_set_int(c, "at", width_first ? i ^ 1 : i);
        tdagi_cml_let(c, names[i], "select(rows, 1, at)");
    }
    if (strncmp(mode, "CENTER", 6) == 0) { /* and sizes */
        tdagi_cml_let(c, "y0", "sub(y0, mul(y1, 0.5))");
        tdagi_cml_let(c, "x0", "sub(x0, mul(x1, 0.5))");
        tdagi_cml_let(c, "y1", "add(y0, y1)");
        tdagi_cml_let(c, "x1", "add(x0, x1)");
    }
    if (!tdagi_cml_bool(c, "normalized_coordinates")) return;
    tdagi_cml_let(c, "y0", "mul(y0, high)");
    tdagi_cml_let(c, "y1", "mul(y1, high)");
    tdagi_cml_let(c, "x0", "mul(x0, wide)");
    tdagi_cml_let(c, "x1", "mul(x1, wide)");
}

/* Sets "of" to the image of each box, and "rows" to its four numbers. False: refused.
 */
static bool find_images(tdagi_cml_call *c, bool *several)
{
    bool by_roi = tdagi_cml_has(c, "roi");
    int64_t n = 0;
    *several = false;
    if (tdagi_cml_rank(c, "x") != 4 || by_roi == tdagi_cml_has(c, "boxes"))
        return false;
    tdagi_cml_let(c, "rows", by_roi ? "flatten(roi, 1)" : "boxes");
    if (tdagi_cml_rank(c, "rows") != 2 ||
        !tdagi_dim_is_const(c->env->pool, tdagi_cml_dim(c, "rows", 1), &n) ||
        (n != 4 && (n != 5 || !by_roi)))
        return false;
    if (n == 5) {
        tdagi_cml_let(c, "box_indices", "to(select(rows, 1, 0), 3)");
        tdagi_cml_let(c, "rows", "narrow(rows, 1, 1, 4)");
    }
    *several = by_roi && n == 4; /* of all images */
    if (*several)
        tdagi_cml_let(
            c, "of",
            "expand(unsqueeze(flatten(x, 0, 1), 0), [size(rows, 0), -1, -1, -1])");
    else
        tdagi_cml_let(
            c, "of",
            "if(is(box_indices, None), x, index_select(x, 0, places(box_indices)))");
    return tdagi_cml_dim(c, "of", 0) == tdagi_cml_dim(c, "rows", 0);
}

/* Samples outside of the image are those of its border, or of the padding since
 * CoreML6, which has it. */
tdagi_any tdagi_cml_crop_resize(tdagi_cml_call *c)
{
    int64_t high = tdagi_cml_int(c, "target_height", 1),
            wide = tdagi_cml_int(c, "target_width", 1);
    bool several;
    if (high < 1 || wide < 1 || !find_images(c, &several))
        return tdagi_cml_refuse(c, "such boxes");
    tdagi_cml_let(c, "high", "sub(size(x, 2), 1)");
    tdagi_cml_let(c, "wide", "sub(size(x, 3), 1)");
    find_corners(c);
    tdagi_cml_set(c, "start", tdagi_cml_at(c, "y0"));
    tdagi_cml_let(c, "span", "sub(y1, y0)");
    sample_boxes(c, "ys", high);
    tdagi_cml_set(c, "start", tdagi_cml_at(c, "x0"));
    tdagi_cml_let(c, "span", "sub(x1, x0)");
    sample_boxes(c, "xs", wide);
    tdagi_cml_set_int(c, "rows_out", high);
    tdagi_cml_set_int(c, "columns", wide);
    tdagi_cml_let(c, "ys", "expand(unsqueeze(ys, 2), [-1, rows_out, columns])");
    tdagi_cml_let(c, "xs", "expand(unsqueeze(xs, 1), [-1, rows_out, columns])");
    tdagi_cml_let(c, "y",
                  "u = sub(div(mul(xs, 2.0), if(is(wide, 0), 1, wide)), 1.0); "
                  "v = sub(div(mul(ys, 2.0), if(is(high, 0), 1, high)), 1.0); "
                  "grid_sampler(of, stack([u, v], -1), 0, 1, True)");
    if (c->room->opset >= 6)
        tdagi_cml_let(c, "y",
                      "inside = logical_and(logical_and(ge(ys, 0), le(ys, high)), "
                      "logical_and(ge(xs, 0), le(xs, wide))); "
                      "where(unsqueeze(inside, 1), y, pad_value)");
    if (several) return tdagi_cml_eval(c, "unflatten(y, 1, [size(x, 0), size(x, 1)])");
    return tdagi_cml_eval(c, "if(is(roi, None), y, unsqueeze(y, 1))");
}
