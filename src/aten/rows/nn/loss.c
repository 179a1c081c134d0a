/* Losses. Each is an expression per element (or per row), then `reduction`: none 0,
 * mean 1, sum 2. Half types compute in f32 as far as a reduction goes; what is returned
 * per element is rounded where PyTorch rounds it. */
#include <math.h>

#include "aten/rows/steps.h"

static tdag_value reduced(tdagi_call *c, tdag_value loss)
{
    int64_t how = tdagi_arg_int(c, "reduction", 1);
    if (c->bad || how == 0) return loss;
    return step_all(c, loss, how == 1 ? TDAG_REDUCE_MEAN : TDAG_REDUCE_SUM);
}

static tdagi_any finish(tdagi_call *c, tdag_value loss)
{
    if (c->bad) return tdagi_any_poison();
    if (loss.id != 0 && !tdag_dtype_is_float(tdagi_dtype(c, loss)) &&
        tdagi_arg_int(c, "reduction", 1) != 0)
        return tdagi_call_fail(c, TDAG_E_DTYPE, "a loss of integers");
    return tdagi_result(c, reduced(c, loss));
}

static tdag_value minus_from(tdagi_call *c, double v, tdag_value x)
{
    return tdagi_sub(c->b, step_number(c, x, v), x);
}

/* ---- of differences ---- */

/* mse_loss (row data 0), l1_loss (1), smooth_l1_loss (2), huber_loss (3), where d =
 * |self - target|: d^2; d; d, too, where beta is 0; else composites. */
tdagi_any tdagi_aten_difference_loss(tdagi_call *c)
{
    tdag_value x, y;
    step_pair(c, "self", "target", &x, &y);
    double edge = c->data == 2   ? tdagi_arg_float(c, "beta", 1)
                  : c->data == 3 ? tdagi_arg_float(c, "delta", 1)
                                 : 0;
    if (c->bad) return tdagi_any_poison();
    if (edge > 0 || c->data == 3) {
        const tdagi_composite id = c->data == 2 ? TDAGI_SMOOTH_L1 : TDAGI_HUBER;
        return finish(c, tdagi_lower(c->b, id, (tdag_value[]){x, y}, 2,
                                     &(tdagi_scalar_spec){edge}));
    }
    tdag_value d = tdagi_sub(c->b, x, y);
    if (c->data == 0) return finish(c, tdagi_mul(c->b, d, d));
    return finish(c, step_abs(c, d));
}

/* log_target: exp(t) (t - x); otherwise t log t - t x, and 0 - t x for t = 0 */
tdagi_any tdagi_aten_kl_div(tdagi_call *c)
{
    tdag_value x, t;
    step_pair(c, "self", "target", &x, &t);
    bool log_target = tdagi_arg_bool(c, "log_target", false);
    if (c->bad) return tdagi_any_poison();
    if (log_target)
        return finish(c, tdagi_mul(c->b, step_exp(c, t), tdagi_sub(c->b, t, x)));
    tdag_value zero = step_number(c, t, 0);
    tdag_value own = tdagi_mul(c->b, t, step_log(c, t));
    own = step_where(c, step_equal(c, t, zero), zero, own);
    return finish(c, tdagi_sub(c->b, own, tdagi_mul(c->b, t, x)));
}

/* ---- of probabilities ---- */

/* -weight (t max(log x, -100) + (1 - t) max(log(1 - x), -100)) */
tdagi_any tdagi_aten_binary_cross_entropy(tdagi_call *c)
{
    tdag_value x, t, w = tdagi_arg_optional(c, "weight");
    step_pair(c, "self", "target", &x, &t);
    if (c->bad) return tdagi_any_poison();
    tdag_value yes = step_at_least(c, step_log(c, x), -100);
    tdag_value no = step_at_least(c, step_one(c, TDAGI_LOG1P, step_neg(c, x)), -100);
    tdag_value loss =
        tdagi_sub(c->b, tdagi_mul(c->b, tdagi_add_scalar(c->b, t, -1), no),
                  tdagi_mul(c->b, t, yes));
    if (w.id != 0) loss = tdagi_mul(c->b, loss, tdagi_cast(c->b, w, tdagi_dtype(c, x)));
    return finish(c, loss);
}

/* weight ((1 - t) x - (1 + (pos_weight - 1) t) log_sigmoid(x)) */
tdagi_any tdagi_aten_bce_with_logits(tdagi_call *c)
{
    tdag_value x, t, w = tdagi_arg_optional(c, "weight");
    tdag_value positive = tdagi_arg_optional(c, "pos_weight");
    tdag_dtype d = step_pair(c, "self", "target", &x, &t);
    if (c->bad) return tdagi_any_poison();
    tdag_value loss = tdagi_mul(c->b, minus_from(c, 1, t), x);
    tdag_value log = step_one(c, TDAGI_LOG_SIGMOID, x);
    if (positive.id != 0) {
        positive = tdagi_add_scalar(c->b, tdagi_cast(c->b, positive, d), -1);
        positive = tdagi_add_scalar(c->b, tdagi_mul(c->b, positive, t), 1);
        log = tdagi_mul(c->b, positive, log);
    }
    loss = tdagi_sub(c->b, loss, log);
    if (w.id != 0) loss = tdagi_mul(c->b, loss, tdagi_cast(c->b, w, d));
    return finish(c, loss);
}

/* log(1 + exp(-t x)) */
tdagi_any tdagi_aten_soft_margin_loss(tdagi_call *c)
{
    tdag_value x, t;
    step_pair(c, "self", "target", &x, &t);
    if (c->bad) return tdagi_any_poison();
    tdag_value e = step_exp(c, tdagi_mul(c->b, step_neg(c, t), x));
    return finish(c, step_one(c, TDAGI_LOG1P, e));
}

/* exp(x) - t x, or x - t log(x + eps); full: + t log t - t + log(2 pi t)/2 where t > 1
 */
tdagi_any tdagi_aten_poisson_nll_loss(tdagi_call *c)
{
    tdag_value x, t;
    step_float_pair(c, "input", "target", &x, &t);
    bool log_input = tdagi_arg_bool(c, "log_input", true);
    bool full = tdagi_arg_bool(c, "full", false);
    double eps = tdagi_arg_float(c, "eps", 1e-8);
    if (c->bad) return tdagi_any_poison();
    tdag_value loss;
    if (log_input) {
        loss = tdagi_sub(c->b, step_exp(c, x), tdagi_mul(c->b, t, x));
    } else {
        tdag_value log = step_log(c, tdagi_add_scalar(c->b, x, eps));
        loss = tdagi_sub(c->b, x, tdagi_mul(c->b, t, log));
    }
    if (full) {
        const double two_pi = 6.283185307179586;
        tdag_value own = tdagi_sub(c->b, tdagi_mul(c->b, t, step_log(c, t)), t);
        tdag_value half = step_log(c, tdagi_mul_scalar(c->b, t, two_pi));
        own = tdagi_add(c->b, own, tdagi_mul_scalar(c->b, half, 0.5));
        tdag_value small = step_lower(c, TDAGI_LESS_EQUAL, t, step_number(c, t, 1));
        own = step_where(c, small, step_number(c, own, 0), own);
        loss = tdagi_add(c->b, loss, own);
    }
    return finish(c, loss);
}

/* ---- of margins ---- */

/* max(0, -t (x1 - x2) + margin) */
tdagi_any tdagi_aten_margin_ranking_loss(tdagi_call *c)
{
    double margin = tdagi_arg_float(c, "margin", 0);
    tdagi_any d =
        tdagi_binary(c, TDAGI_FOLD_SUB, tdagi_arg(c, "input1"), tdagi_arg(c, "input2"));
    d = tdagi_binary(c, TDAGI_FOLD_MUL, tdagi_arg(c, "target"), d);
    if (c->bad || d.kind != TDAGI_ANY_TENSOR) return tdagi_any_poison();
    tdag_value x = tdagi_as_float(c, step_neg(c, tdagi_cell_read(c->env, d.u.tensor)));
    return finish(c, step_at_least(c, tdagi_add_scalar(c->b, x, margin), 0));
}

/* Where t is 1 `yes`, where it is -1 `no`; both for any other t if `both`, else 0. */
static tdag_value by_sign(tdagi_call *c, tdag_value t, tdag_value yes, tdag_value no,
                          bool both)
{
    tdag_value is_yes = step_equal(c, t, step_number(c, t, 1));
    tdag_value is_no = step_equal(c, t, step_number(c, t, -1));
    tdag_value zero = step_number(c, yes, 0);
    if (both)
        return tdagi_add(c->b, step_where(c, is_yes, zero, no),
                         step_where(c, is_no, zero, yes));
    return tdagi_add(c->b, step_where(c, is_yes, yes, zero),
                     step_where(c, is_no, no, zero));
}

/* x where t is 1, max(0, margin - x) where it is -1 */
tdagi_any tdagi_aten_hinge_embedding_loss(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), t = tdagi_arg_tensor(c, "target");
    double margin = tdagi_arg_float(c, "margin", 1);
    if (c->bad) return tdagi_any_poison();
    tdag_value far = step_at_least(c, minus_from(c, margin, x), 0);
    return finish(c, by_sign(c, t, x, far, true));
}

/* 1 - cos where t is 1, max(0, cos - margin) where it is -1 */
tdagi_any tdagi_aten_cosine_embedding_loss(tdagi_call *c)
{
    tdag_value x, y, t = tdagi_arg_tensor(c, "target");
    step_float_pair(c, "input1", "input2", &x, &y);
    double margin = tdagi_arg_float(c, "margin", 0);
    if (c->bad) return tdagi_any_poison();
    int64_t axis = tdagi_rank(c, t) == 1 ? 1 : 0;
    const double eps = 1e-12;
    tdag_value xy = step_sum(c, tdagi_mul(c->b, x, y), axis, false);
    tdag_value xx = step_sum(c, tdagi_mul(c->b, x, x), axis, false);
    tdag_value yy = step_sum(c, tdagi_mul(c->b, y, y), axis, false);
    tdag_value size = tdagi_mul(c->b, tdagi_add_scalar(c->b, xx, eps),
                                tdagi_add_scalar(c->b, yy, eps));
    tdag_value cosine = tdagi_div(c->b, xy, step_sqrt(c, size));
    tdag_value far = step_at_least(c, tdagi_add_scalar(c->b, cosine, -margin), 0);
    return finish(c, by_sign(c, t, minus_from(c, 1, cosine), far, false));
}

/* ||x - y + eps||_p over the last axis */
static tdag_value distance(tdagi_call *c, tdag_value x, tdag_value y, double p,
                           double eps)
{
    tdag_value d = tdagi_as_float(c, tdagi_sub(c->b, x, y));
    d = tdagi_add_scalar(c->b, d, eps);
    if (d.id == 0) return d;
    int64_t last = (int64_t)tdagi_rank(c, d) - 1;
    tdagi_norm_spec s = {{1, &last}, p, 0, 0};
    return tdagi_lower(c->b, TDAGI_VECTOR_NORM, &d, 1, &s);
}

/* max(0, d(a, p) - d(a, n) + margin); swap: the nearer of d(a, n) and d(p, n) */
tdagi_any tdagi_aten_triplet_margin_loss(tdagi_call *c)
{
    tdag_value a = tdagi_arg_tensor(c, "anchor"), y = tdagi_arg_tensor(c, "positive"),
               n = tdagi_arg_tensor(c, "negative");
    double margin = tdagi_arg_float(c, "margin", 1), p = tdagi_arg_float(c, "p", 2);
    double eps = tdagi_arg_float(c, "eps", 1e-6);
    bool swap = tdagi_arg_bool(c, "swap", false);
    if (c->bad) return tdagi_any_poison();
    if (tdagi_rank(c, a) == 0) return tdagi_refuse(c, "anchor");
    tdag_value near = distance(c, a, y, p, eps), far = distance(c, a, n, p, eps);
    if (swap) far = step_min(c, far, distance(c, y, n, p, eps));
    tdag_value loss = tdagi_add_scalar(c->b, near, margin);
    return finish(c, step_at_least(c, tdagi_sub(c->b, loss, far), 0));
}

/* The rows of x [N, C], [C] or [], and the targets of the same rows. */
static void as_rows(tdagi_call *c, tdag_value *x, tdag_value *target, uint32_t rank)
{
    while (x->id != 0 && tdagi_rank(c, *x) < 2)
        *x = tdagi_unsqueeze1(c->b, *x, 0);
    while (target->id != 0 && tdagi_rank(c, *target) < rank)
        *target = tdagi_unsqueeze1(c->b, *target, 0);
}

/* mean over classes i != t of weight[t] max(0, margin - x_t + x_i)^p */
tdagi_any tdagi_aten_multi_margin_loss(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), t = tdagi_arg_tensor(c, "target");
    tdag_value w = tdagi_arg_optional(c, "weight");
    int64_t p = tdagi_arg_int(c, "p", 1);
    double margin = tdagi_arg_float(c, "margin", 1);
    if (c->bad) return tdagi_any_poison();
    uint32_t rank = tdagi_rank(c, x);
    if (rank > 2 || tdagi_rank(c, t) > 1) return tdagi_refuse(c, "self");
    if (p != 1 && p != 2) return tdagi_refuse(c, "p");
    bool scalar = tdagi_rank(c, t) == 0;
    as_rows(c, &x, &t, 1);
    tdag_value at = tdagi_unsqueeze1(c->b, t, 1);
    tdag_dim n = tdagi_dim(c, x, 1);
    tdag_value z = tdagi_sub(c->b, x, step_take(c, x, at, 1));
    z = step_at_least(c, tdagi_add_scalar(c->b, z, margin), 0);
    if (p == 2) z = tdagi_mul(c->b, z, z);
    if (w.id != 0) z = tdagi_mul(c->b, z, tdag_gather(c->b, w, at, 0));
    tdag_value own = step_equal(c, tdag_iota(c->b, n, TDAG_I64), at);
    z = step_sum(c, step_where(c, own, step_number(c, z, 0), z), 1, false);
    if (z.id == 0) return tdagi_any_poison();
    z = tdagi_div(c->b, z, tdagi_dim_scalar(c->b, n, tdagi_dtype(c, z)));
    if (scalar) z = tdagi_reshape(c->b, z, 0, NULL);
    return finish(c, z);
}

/* Targets of a row are its numbers before the first negative one. Mean over classes of
 * the sum over targets t and classes i that are none of max(0, 1 - x_t + x_i). */
tdagi_any tdagi_aten_multilabel_margin_loss(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), t = tdagi_arg_tensor(c, "target");
    if (c->bad) return tdagi_any_poison();
    uint32_t rank = tdagi_rank(c, x);
    if (rank > 2 || tdagi_rank(c, t) > 2) return tdagi_refuse(c, "self");
    as_rows(c, &x, &t, 2);
    tdag_dim n = tdagi_dim(c, x, 1);
    tdag_value zero = step_number(c, t, 0), fill = step_number(c, x, 0);
    tdag_value given = tdagi_cast(c->b, step_not(c, step_less(c, t, zero)), TDAG_I64);
    given = tdagi_cast(c->b, tdag_scan(c->b, given, TDAG_REDUCE_PRODUCT, 1), TDAG_BOOL);
    t = step_where(c, given, t, zero);
    tdag_value is = step_equal(c, tdagi_unsqueeze1(c->b, t, 2),
                               tdag_iota(c->b, n, TDAG_I64)); /* [row, target, class] */
    is = step_and(c, is, tdagi_unsqueeze1(c->b, given, 2));
    is = step_reduce(c, is, TDAG_REDUCE_MAX, 1, true);
    tdag_value z = tdagi_sub(c->b, tdagi_unsqueeze1(c->b, x, 1),
                             tdagi_unsqueeze1(c->b, step_take(c, x, t, 1), 2));
    z = step_at_least(c, tdagi_add_scalar(c->b, z, 1), 0);
    z = step_where(c, step_and(c, tdagi_unsqueeze1(c->b, given, 2), step_not(c, is)), z,
                   fill);
    z = step_sum(c, step_sum(c, z, 2, false), 1, false);
    if (z.id == 0) return tdagi_any_poison();
    z = tdagi_div(c->b, z, tdagi_dim_scalar(c->b, n, tdagi_dtype(c, z)));
    if (rank < 2) z = tdagi_reshape(c->b, z, 0, NULL);
    return finish(c, z);
}

/* ---- of classes ---- */

typedef struct classes {
    uint32_t axis;
    tdag_value target;  /* i64, 0 where it is ignored */
    tdag_value ignored; /* bool */
    tdag_value weight;  /* of each class, or no value */
    tdag_value scale;   /* of each target: its class's weight or 1, 0 where ignored */
} classes;

static void read_classes(tdagi_call *c, tdag_value x, classes *k)
{
    tdag_value t = tdagi_cast(c->b, tdagi_arg_tensor(c, "target"), TDAG_I64);
    int64_t ignore = tdagi_arg_int(c, "ignore_index", -100);
    k->weight = tdagi_arg_optional(c, "weight");
    k->axis = tdagi_rank(c, x) < 2 ? 0 : 1;
    k->ignored = step_equal(c, t, tdag_add_scalar(c->b, TDAG_I64, (double)ignore));
    k->target = step_where(c, k->ignored, tdag_add_scalar(c->b, TDAG_I64, 0), t);
    if (c->bad) return;
    tdag_value one = k->weight.id == 0 ? step_number(c, x, 1)
                                       : tdag_gather(c->b, k->weight, k->target, 0);
    k->scale = step_where(c, k->ignored, step_number(c, x, 0),
                          tdagi_cast(c->b, one, tdagi_dtype(c, x)));
}

/* -scale x[target], reduced; mean: over the sum of scales, which goes to *total. */
static tdag_value class_loss(tdagi_call *c, tdag_value x, const classes *k,
                             tdag_value *total)
{
    if (c->bad || x.id == 0) return TDAG_NO_VALUE;
    if (tdagi_rank(c, k->target) + 1 != tdagi_rank(c, x)) {
        tdagi_refuse(c, "target");
        return TDAG_NO_VALUE;
    }
    int64_t how = tdagi_arg_int(c, "reduction", 1);
    tdag_value at = tdagi_unsqueeze1(c->b, k->target, k->axis);
    tdag_value y = tdagi_squeeze1(c->b, step_take(c, x, at, k->axis), k->axis);
    y = tdagi_mul(c->b, step_neg(c, y), k->scale);
    y = step_where(c, k->ignored, step_number(c, x, 0), y);
    *total = step_all(c, k->scale, TDAG_REDUCE_SUM);
    if (how == 0) return y;
    y = step_all(c, y, TDAG_REDUCE_SUM);
    return how == 1 ? tdagi_div(c->b, y, *total) : y;
}

/* nll_loss, nll_loss_nd, nll_loss2d; row data 1: the forms that also return the sum of
 * the weights */
tdagi_any tdagi_aten_nll_loss(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), v[2];
    classes k = {0};
    if (c->bad || tdagi_rank(c, x) == 0) return tdagi_refuse(c, "self");
    read_classes(c, x, &k);
    v[0] = class_loss(c, x, &k, &v[1]);
    if (c->bad) return tdagi_any_poison();
    if (c->data == 0) return tdagi_result(c, v[0]);
    if (tdagi_arg_int(c, "reduction", 1) == 0) v[1] = step_number(c, x, 0);
    return tdagi_results(c, 2, v);
}

/* One weight per class along the axis of classes. */
static tdag_value along_classes(tdagi_call *c, tdag_value x, uint32_t axis,
                                tdag_value weight)
{
    for (uint32_t i = axis + 1; weight.id != 0 && i < tdagi_rank(c, x); i++)
        weight = tdagi_unsqueeze1(c->b, weight, 1);
    return tdagi_cast(c->b, weight, tdagi_dtype(c, x));
}

/* -sum of t x (weight) over classes; mean: over what is left of the axes. */
static tdagi_any probability_loss(tdagi_call *c, tdag_value x, double smoothing)
{
    tdag_value t = tdagi_cast(c->b, tdagi_arg_tensor(c, "target"), tdagi_dtype(c, x));
    tdag_value w = tdagi_arg_optional(c, "weight");
    uint32_t axis = tdagi_rank(c, x) < 2 ? 0 : 1;
    tdagi_ignore(c, "ignore_index"); /* PyTorch wants its default here */
    if (c->bad) return tdagi_any_poison();
    tdag_dtype d = tdagi_dtype(c, x);
    if (smoothing > 0) {
        tdag_value n = tdagi_dim_scalar(c->b, tdagi_dim(c, x, axis), d);
        t = tdagi_mul_scalar(c->b, t, 1 - smoothing);
        t = tdagi_add(c->b, t, tdagi_div(c->b, step_number(c, x, smoothing), n));
    }
    tdag_value y = step_neg(c, tdagi_mul(c->b, t, x));
    if (w.id != 0) y = tdagi_mul(c->b, y, along_classes(c, x, axis, w));
    return finish(c, step_sum(c, y, axis, false));
}

/* (1 - s) nll + s/C times the loss of all classes alike */
static tdagi_any smoothed(tdagi_call *c, tdag_value x, const classes *k, double s)
{
    tdag_value total, y = class_loss(c, x, k, &total), all = x;
    int64_t how = tdagi_arg_int(c, "reduction", 1);
    if (c->bad || y.id == 0) return tdagi_any_poison();
    if (k->weight.id != 0)
        all = tdagi_mul(c->b, x, along_classes(c, x, k->axis, k->weight));
    all = step_neg(c, step_sum(c, all, k->axis, false));
    all = step_where(c, k->ignored, step_number(c, x, 0), all);
    if (how != 0) all = step_all(c, all, TDAG_REDUCE_SUM);
    if (how == 1) all = tdagi_div(c->b, all, total);
    tdag_value n = tdagi_dim_scalar(c->b, tdagi_dim(c, x, k->axis), tdagi_dtype(c, x));
    all = tdagi_mul(c->b, all, tdagi_div(c->b, step_number(c, x, s), n));
    return tdagi_result(c, tdagi_add(c->b, tdagi_mul_scalar(c->b, y, 1 - s), all));
}

tdagi_any tdagi_aten_cross_entropy_loss(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), total;
    tdagi_cell *target = tdagi_arg_cell(c, "target");
    double s = tdagi_arg_float(c, "label_smoothing", 0);
    if (c->bad || tdagi_rank(c, x) == 0) return tdagi_refuse(c, "self");
    tdagi_axis_spec axis = {tdagi_rank(c, x) < 2 ? 0 : 1};
    x = tdagi_lower(c->b, TDAGI_LOG_SOFTMAX, &x, 1, &axis);
    if (x.id == 0) return tdagi_any_poison();
    if (tdag_dtype_is_float(tdagi_cell_dtype(c->env, target)))
        return probability_loss(c, x, s);
    classes k = {0};
    read_classes(c, x, &k);
    if (s > 0) return smoothed(c, x, &k, s);
    tdag_value y = class_loss(c, x, &k, &total);
    return c->bad ? tdagi_any_poison() : tdagi_result(c, y);
}
