/* Random numbers: draws of a few laws, and graphs that make others of them. Dropout
 * and its kin draw in training mode only. */
#include <math.h>
#include <string.h>

#include "aten/control/statement.h"
#include "aten/rows/steps.h"

static tdag_value draw(tdagi_call *c, tdagi_draw_kind kind, tdagi_type type)
{
    if (c->bad) return TDAG_NO_VALUE;
    tdag_value v = tdagi_draw_add(c->env, kind, 0, NULL, &type);
    c->bad |= v.id == 0;
    return v;
}

/* A draw with numbers that say what of. */
static tdag_value draw_by(tdagi_call *c, tdagi_draw_kind kind, tdag_value a,
                          tdag_value b, tdagi_type type)
{
    const tdag_value in[2] = {a, b};
    uint32_t n = kind == TDAGI_DRAW_INTEGERS ? 2 : 1;
    if (c->bad) return TDAG_NO_VALUE;
    tdag_value v = tdagi_draw_add(c->env, kind, n, in, &type);
    c->bad |= v.id == 0;
    return v;
}

/* The type that `size` or `self` and `dtype` say. */
static tdagi_type type_of(tdagi_call *c, tdag_dtype otherwise)
{
    tdagi_type t = {.dtype = otherwise};
    tdag_list size = {0, NULL};
    if (tdagi_has(c, "self")) {
        tdagi_cell *x = tdagi_arg_cell(c, "self");
        if (x == NULL) return t;
        t.dtype = tdagi_cell_dtype(c->env, x);
        size = (tdag_list){tdagi_cell_rank(c->env, x), tdagi_cell_shape(c->env, x)};
    } else {
        size = tdagi_arg_dims(c, "size");
    }
    tdag_dtype d = tdagi_arg_dtype(c, "dtype");
    if (d != TDAG_DTYPE_NONE) t.dtype = d;
    if (size.n > TDAG_MAX_RANK) tdagi_refuse(c, "size");
    if (c->bad) return t;
    t.rank = size.n;
    if (size.n > 0) memcpy(t.shape, size.v, size.n * sizeof *t.shape);
    return t;
}

/* The same of floats, which are cast to what self is, later. */
static tdagi_type float_type(tdagi_call *c)
{
    tdagi_type t = type_of(c, TDAG_F32);
    if (!tdag_dtype_is_float(t.dtype)) t.dtype = TDAG_F32;
    return t;
}

/* rand and randn, and those like a tensor; row data: tdagi_draw_kind */
tdagi_any tdagi_aten_random(tdagi_call *c)
{
    return tdagi_result(c, draw(c, (tdagi_draw_kind)c->data, type_of(c, TDAG_F32)));
}

/* An argument in that dtype, or a number where it is left out. */
static tdag_value number(tdagi_call *c, const char *name, double otherwise,
                         tdag_dtype dtype)
{
    tdagi_any v = tdagi_arg(c, name);
    if (v.kind == TDAGI_ANY_NONE) return tdag_add_scalar(c->b, dtype, otherwise);
    return tdagi_as(c, v, dtype);
}

/* mean + std * n, of the shape that both and `type` have together */
static tdag_value normal(tdagi_call *c, tdagi_type type, double mean, double std)
{
    tdag_value in[3] = {number(c, "mean", mean, type.dtype),
                        number(c, "std", std, type.dtype)};
    if (c->bad || in[0].id == 0 || in[1].id == 0) return TDAG_NO_VALUE;
    if (type.rank == 0) tdagi_broadcast_shape(c->b, in, 2, &type.rank, type.shape);
    in[2] = draw(c, TDAGI_DRAW_NORMAL, type);
    return tdagi_add(c->b, in[0], tdagi_mul(c->b, in[1], in[2]));
}

/* The dtype of tensors among mean and std. */
static tdagi_type normal_type(tdagi_call *c)
{
    static const char *const names[2] = {"mean", "std"};
    tdagi_type t = float_type(c);
    for (int i = 0; i < 2; i++) {
        tdagi_any v = tdagi_arg(c, names[i]);
        if (v.kind == TDAGI_ANY_TENSOR) t.dtype = tdagi_cell_dtype(c->env, v.u.tensor);
    }
    if (!tdag_dtype_is_float(t.dtype)) tdagi_refuse(c, "mean");
    return t;
}

tdagi_any tdagi_aten_normal(tdagi_call *c) /* row data 1: its exponential */
{
    tdag_value x = normal(c, normal_type(c), c->data, 1 + c->data);
    return tdagi_result(c, c->data == 1 ? step_exp(c, x) : x);
}

/* 1 - u, in (0, 1] */
static tdag_value from_above(tdagi_call *c, tdagi_type type)
{
    tdag_value u = draw(c, TDAGI_DRAW_UNIFORM, type);
    return c->bad ? u : tdagi_sub(c->b, step_number(c, u, 1), u);
}

tdagi_any tdagi_aten_uniform(tdagi_call *c)
{
    tdagi_type type = float_type(c);
    tdag_value from = number(c, "from", 0, type.dtype),
               to = number(c, "to", 1, type.dtype);
    tdag_value u = draw(c, TDAGI_DRAW_UNIFORM, type);
    u = tdagi_mul(c->b, tdagi_sub(c->b, to, from), u);
    return tdagi_result(c, tdagi_add(c->b, from, u));
}

tdagi_any tdagi_aten_exponential(tdagi_call *c)
{
    tdagi_type type = float_type(c);
    tdag_value by = number(c, "lambd", 1, type.dtype);
    tdag_value x = step_neg(c, step_log(c, from_above(c, type)));
    return tdagi_result(c, tdagi_div(c->b, x, by));
}

/* How many trials up to the first that succeeds. */
tdagi_any tdagi_aten_geometric(tdagi_call *c)
{
    tdagi_type type = float_type(c);
    tdag_value p = number(c, "p", 0, type.dtype);
    tdag_value x = step_log(c, from_above(c, type));
    x = tdagi_div(c->b, x, step_one(c, TDAGI_LOG1P, step_neg(c, p)));
    x = tdag_unary(c->b, TDAG_OP_FLOOR, x);
    return tdagi_result(c, x.id == 0 ? x : tdagi_add_scalar(c->b, x, 1));
}

tdagi_any tdagi_aten_cauchy(tdagi_call *c)
{
    tdagi_type type = float_type(c);
    tdag_value median = number(c, "median", 0, type.dtype),
               sigma = number(c, "sigma", 1, type.dtype);
    tdag_value u = draw(c, TDAGI_DRAW_UNIFORM, type);
    if (c->bad) return tdagi_any_poison();
    u = tdagi_mul_scalar(c->b, tdagi_add_scalar(c->b, u, -0.5), 3.14159265358979323846);
    u = tdagi_mul(c->b, sigma, tdag_unary(c->b, TDAG_OP_TAN, u));
    return tdagi_result(c, tdagi_add(c->b, median, u));
}

/* ---- of few values ---- */

tdagi_any tdagi_aten_bernoulli(tdagi_call *c)
{
    tdagi_any p = tdagi_arg(c, "p");
    tdagi_type type = type_of(c, TDAG_F32);
    bool in_place = c->schema->in_place_of_row;
    if (p.kind == TDAGI_ANY_NONE && in_place) p = tdagi_any_float(0.5);
    if (p.kind == TDAGI_ANY_NONE) p = tdagi_arg(c, "self");
    if (p.kind != TDAGI_ANY_TENSOR) {
        tdag_value at = tdagi_as(c, p, TDAG_F64);
        return tdagi_result(c, draw_by(c, TDAGI_DRAW_BERNOULLI, at, at, type));
    }
    tdagi_type of = type;
    of.dtype = TDAG_F64;
    tdag_value u = draw(c, TDAGI_DRAW_UNIFORM, of), at = tdagi_as(c, p, TDAG_F64);
    return tdagi_result(c, tdagi_cast(c->b, step_less(c, u, at), type.dtype));
}

/* The first integer that PyTorch's random_() does not give: what a dtype counts up to.
 */
static double end_of(tdag_dtype d)
{
    switch (d) {
    case TDAG_BOOL:
        return 2;
    case TDAG_I8:
        return 128;
    case TDAG_U8:
    case TDAG_BF16:
        return d == TDAG_U8 ? 256 : 257;
    case TDAG_I16:
        return 32768;
    case TDAG_F16:
        return 2049;
    case TDAG_F32:
        return 16777217;
    case TDAG_I32:
        return 2147483648.0;
    case TDAG_F64:
    case TDAG_I64:
    case TDAG_DTYPE_NONE:
        break;
    }
    return 9007199254740993.0;
}

/* randint, randint_like, random_ */
tdagi_any tdagi_aten_random_integers(tdagi_call *c)
{
    static const char *const froms[] = {"low", "from"}, *const tos[] = {"high", "to"};
    tdagi_type type = type_of(c, TDAG_I64), whole = type;
    if (c->bad) return tdagi_any_poison();
    whole.dtype = TDAG_I64;
    tdag_value at[2] = {tdag_add_scalar(c->b, TDAG_I64, 0),
                        tdag_add_scalar(c->b, TDAG_I64, end_of(type.dtype))};
    for (int i = 0; i < 2; i++) {
        if (tdagi_has(c, froms[i])) at[0] = number(c, froms[i], 0, TDAG_I64);
        if (tdagi_has(c, tos[i])) at[1] = number(c, tos[i], 0, TDAG_I64);
    }
    tdag_value v = draw_by(c, TDAGI_DRAW_INTEGERS, at[0], at[1], whole);
    return tdagi_result(c, tdagi_cast(c->b, v, type.dtype));
}

tdagi_any tdagi_aten_randperm(tdagi_call *c)
{
    tdag_dim n = tdagi_arg_dim(c, "n", 0);
    tdag_dtype d = tdagi_arg_dtype(c, "dtype");
    tdagi_type type = {.dtype = TDAG_I64, .rank = 1, .shape = {n}};
    tdag_value count = c->bad ? TDAG_NO_VALUE : tdagi_dim_value(c->b, n);
    tdag_value v = draw_by(c, TDAGI_DRAW_PERMUTATION, count, count, type);
    return tdagi_result(c, d == TDAG_DTYPE_NONE ? v : tdagi_cast(c->b, v, d));
}

/* Where numbers in [0, 1) fall among the sums of the weights. */
static tdag_value with_replacement(tdagi_call *c, tdag_value p, tdag_dim k)
{
    uint32_t last = tdagi_rank(c, p) - 1;
    tdagi_type type = {.dtype = tdagi_dtype(c, p), .rank = last + 1};
    memcpy(type.shape, tdagi_shape(c, p), last * sizeof *type.shape);
    type.shape[last] = k;
    tdag_dim n = tdagi_dim(c, p, last);
    tdag_value sums = tdag_scan(c->b, p, TDAG_REDUCE_SUM, last);
    tdag_value all = tdagi_slice1(c->b, sums, last, tdag_dim_sub(c->b, n, 1), n);
    tdag_value u = draw(c, TDAGI_DRAW_UNIFORM, type);
    if (c->bad) return u;
    tdag_value at = tdagi_search(c, sums, tdagi_mul(c->b, u, all), true);
    return step_min(c, at, tdagi_add_scalar(c->b, tdagi_dim_value(c->b, n), -1));
}

/* The largest of the weights, each divided by an exponential of its own. */
static tdag_value without_replacement(tdagi_call *c, tdag_value p, tdag_dim k)
{
    tdagi_type type = {.dtype = tdagi_dtype(c, p), .rank = tdagi_rank(c, p)};
    memcpy(type.shape, tdagi_shape(c, p), type.rank * sizeof *type.shape);
    tdag_value e = step_neg(c, step_log(c, from_above(c, type)));
    if (c->bad) return e;
    p = tdagi_div(c->b, p, step_max(c, e, step_number(c, e, 0x1p-25)));
    const tdagi_topk_spec s = {type.rank - 1, 1, TDAG_ORDER_SELECTED, k};
    return tdagi_lower(c->b, TDAGI_TOPK_POSITIONS, &p, 1, &s);
}

tdagi_any tdagi_aten_multinomial(tdagi_call *c)
{
    tdag_value p = tdagi_as_float(c, tdagi_arg_tensor(c, "self"));
    tdag_dim k = tdagi_arg_dim(c, "num_samples", 1);
    bool again = tdagi_arg_bool(c, "replacement", false);
    if (c->bad || tdagi_rank(c, p) == 0) return tdagi_refuse(c, "self");
    return tdagi_result(c, again ? with_replacement(c, p, k)
                                 : without_replacement(c, p, k));
}

/* ---- in training ---- */

/* 1 where an element is kept; row data of dropout, bit 0: whole channels. */
static tdag_value kept(tdagi_call *c, tdag_value x, double p, bool channels)
{
    tdagi_type type = {.dtype = tdagi_dtype(c, x), .rank = tdagi_rank(c, x)};
    memcpy(type.shape, tdagi_shape(c, x), type.rank * sizeof *type.shape);
    for (uint32_t i = 2; channels && i < type.rank; i++)
        type.shape[i] = 1;
    tdag_value q = tdag_add_scalar(c->b, TDAG_F64, 1 - p);
    return draw_by(c, TDAGI_DRAW_BERNOULLI, q, q, type);
}

tdag_value tdagi_dropped(tdagi_call *c, tdag_value x, double p)
{
    tdag_value m = c->bad || p == 0 ? TDAG_NO_VALUE : kept(c, x, p, false);
    if (m.id == 0) return x;
    return tdagi_mul(c->b, x, tdagi_mul_scalar(c->b, m, p < 1 ? 1 / (1 - p) : 0));
}

/* What goes becomes the least of selu, and all is scaled to mean 0 and variance 1. */
static tdag_value alpha_dropped(tdagi_call *c, tdag_value x, tdag_value m, double p)
{
    const double alpha = 1.7580993408473766,
                 a = 1 / sqrt((alpha * alpha * p + 1) * (1 - p));
    tdag_value b = tdagi_mul_scalar(c->b, tdagi_add_scalar(c->b, m, -1), alpha * a);
    b = tdagi_add_scalar(c->b, b, alpha * a * p);
    return tdagi_add(c->b, tdagi_mul(c->b, x, tdagi_mul_scalar(c->b, m, a)), b);
}

/* Row data: bit 0: whole channels; bit 1: alpha dropout; 4: the mask, too. */
tdagi_any tdagi_aten_dropout(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, c->schema->args[0].name);
    bool train = tdagi_arg_bool(c, "train", true);
    double p = tdagi_arg_float(c, "p", 0.5);
    if (t == NULL || c->bad) return tdagi_any_poison();
    if ((!train || p == 0) && c->data != 4) return tdagi_same(t);
    tdag_value x = tdagi_cell_read(c->env, t), m = TDAG_NO_VALUE;
    if (!(p >= 0 && p <= 1))
        return tdagi_call_fail(c, TDAG_E_ARG, "the probability is not in [0, 1]");
    if (c->data == 4 && !train)
        m = tdagi_full(c->b, TDAG_BOOL, tdagi_rank(c, x), tdagi_shape(c, x), 1);
    else
        m = kept(c, x, p, (c->data & 1) != 0);
    if (c->bad) return tdagi_any_poison();
    if ((c->data & 2) != 0 && p < 1) return tdagi_result(c, alpha_dropped(c, x, m, p));
    double scale = p < 1 ? 1 / (1 - p) : 0;
    tdag_value y = train ? tdagi_mul(c->b, x, tdagi_mul_scalar(c->b, m, scale)) : x;
    if (c->data != 4) return tdagi_result(c, y);
    return tdagi_results(c, 2, (tdag_value[]){y, tdagi_cast(c->b, m, TDAG_BOOL)});
}

/* The slopes below zero, of which the middle one is taken but in training. */
tdagi_any tdagi_aten_rrelu(tdagi_call *c)
{
    tdag_value x = tdagi_as_float(c, tdagi_arg_tensor(c, "self"));
    double low = tdagi_arg_float(c, "lower", 1.0 / 8),
           high = tdagi_arg_float(c, "upper", 1.0 / 3);
    if (c->bad) return tdagi_any_poison();
    if (!tdagi_arg_bool(c, "training", false)) {
        const tdagi_scalar_spec s = {(low + high) / 2};
        tdag_value y = tdagi_lower(c->b, TDAGI_LEAKY_RELU, &x, 1, &s);
        return tdagi_first_result(c, tdagi_result(c, y));
    }
    tdagi_type type = {.dtype = tdagi_dtype(c, x), .rank = tdagi_rank(c, x)};
    memcpy(type.shape, tdagi_shape(c, x), type.rank * sizeof *type.shape);
    tdag_value u = draw(c, TDAGI_DRAW_UNIFORM, type);
    if (c->bad) return tdagi_any_poison();
    u = tdagi_add_scalar(c->b, tdagi_mul_scalar(c->b, u, high - low), low);
    tdag_value one = step_number(c, x, 1);
    u = step_where(c, step_less(c, step_number(c, x, 0), x), one, u);
    tdagi_any noise = tdagi_arg(c, "noise");
    if (noise.kind == TDAGI_ANY_TENSOR && c->schema->n_results == 1)
        tdagi_cell_write(c->env, noise.u.tensor,
                         tdagi_cast(c->b, u, tdagi_cell_dtype(c->env, noise.u.tensor)));
    return tdagi_first_results(c, 2, (tdag_value[]){tdagi_mul(c->b, x, u), u});
}
