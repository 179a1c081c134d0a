/* Operators that make tensors of numbers: filled ones, ranges, literals. */
#include <math.h>

#include "aten/aten.h"
#include "aten/control/statement.h"

static tdag_dtype dtype_or(tdagi_call *c, tdag_dtype otherwise)
{
    tdag_dtype d = tdagi_arg_dtype(c, "dtype");
    return d == TDAG_DTYPE_NONE ? otherwise : d;
}

static tdagi_any filled(tdagi_call *c, tdag_dtype d, tdag_list size, tdagi_any value)
{
    if (c->bad) return tdagi_any_poison();
    if (size.n > TDAG_MAX_RANK) return tdagi_refuse(c, "size");
    int64_t i;
    if (size.n == 0 && d == TDAG_I64 && value.kind == TDAGI_ANY_INT && !value.assumed &&
        tdagi_any_const_int(c->env, value, &i))
        return tdagi_any_tensor(tdagi_cell_known(c->env, d, value));
    return tdagi_result(c, tdagi_expand(c->b, tdagi_as(c, value, d), size.n, size.v));
}

/* zeros, ones, empty: row data is the value */
tdagi_any tdagi_aten_filled(tdagi_call *c)
{
    tdag_dtype d = dtype_or(c, TDAG_F32);
    return filled(c, d, tdagi_arg_dims(c, "size"), tdagi_any_int(c->env, c->data));
}

/* What a tensor made of numbers is of: the default dtype, whatever they are computed
 * in.
 */
static tdag_dtype dtype_of_numbers(tdagi_call *c, uint32_t n, const tdagi_any *v)
{
    bool has_tensor = false;
    for (uint32_t i = 0; i < n; i++)
        has_tensor |= v[i].kind == TDAGI_ANY_TENSOR;
    tdag_dtype d = tdagi_result_type(c, n, v);
    return d == TDAG_F64 && !has_tensor ? TDAG_F32 : d;
}

tdagi_any tdagi_aten_full(tdagi_call *c)
{
    tdagi_any v = tdagi_arg(c, "fill_value");
    tdag_dtype d = dtype_or(c, dtype_of_numbers(c, 1, &v));
    return filled(c, d, tdagi_arg_dims(c, "size"), v);
}

/* zeros_like, ones_like, empty_like, full_like (row data 2), and the new_ forms */
tdagi_any tdagi_aten_filled_like(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, "self");
    if (t == NULL) return tdagi_any_poison();
    tdag_dtype d = dtype_or(c, tdagi_cell_dtype(c->env, t));
    tdag_list size = {tdagi_cell_rank(c->env, t), tdagi_cell_shape(c->env, t)};
    if (tdagi_has(c, "size")) size = tdagi_arg_dims(c, "size");
    tdagi_any v =
        c->data == 2 ? tdagi_arg(c, "fill_value") : tdagi_any_int(c->env, c->data);
    return filled(c, d, size, v);
}

/* fill_ and zero_, whose result replaces self (row data as above) */
tdagi_any tdagi_aten_fill(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, "self");
    if (t == NULL) return tdagi_any_poison();
    tdag_list size = {tdagi_cell_rank(c->env, t), tdagi_cell_shape(c->env, t)};
    tdagi_any v = c->data == 2 ? tdagi_arg(c, "value") : tdagi_any_int(c->env, c->data);
    return filled(c, tdagi_cell_dtype(c->env, t), size, v);
}

/* How many steps a span has; both are positive or negative: ceil(span / step). */
static tdag_dim steps_of(tdagi_pool *p, tdag_dim span, tdag_dim step)
{
    if (tdagi_dim_sample(p, step) < 0) {
        span = tdagi_dim_sub(p, 0, span);
        step = tdagi_dim_sub(p, 0, step);
    }
    tdag_dim n = tdagi_dim_floordiv(p, span, step);
    if (tdagi_dim_mul(p, n, step) == span) return n;
    span = tdagi_dim_add(p, span, tdagi_dim_sub(p, step, 1));
    return tdagi_dim_floordiv(p, span, step);
}

/* A dim, or a whole float as one. */
static bool take_whole(tdagi_call *c, tdagi_any *v)
{
    if (v->kind == TDAGI_ANY_FLOAT && !v->assumed && fabs(v->u.f) < 1e15 &&
        v->u.f == floor(v->u.f))
        *v = tdagi_any_int(c->env, (int64_t)v->u.f);
    return v->kind == TDAGI_ANY_INT;
}

/* How many numbers from start to end by step. */
static tdag_dim range_length(tdagi_call *c, tdagi_any start, tdagi_any end,
                             tdagi_any step)
{
    tdagi_pool *p = c->env->pool;
    bool whole = take_whole(c, &start);
    whole = take_whole(c, &end) && whole;
    if (!(take_whole(c, &step) && whole)) {
        double n =
            ceil((tdagi_any_sample(c->env, end) - tdagi_any_sample(c->env, start)) /
                 tdagi_any_sample(c->env, step));
        bool fixed = !tdagi_any_is_open(c->env, start) &&
                     !tdagi_any_is_open(c->env, end) &&
                     !tdagi_any_is_open(c->env, step);
        bool numbers = tdagi_any_is_number(start) && tdagi_any_is_number(end) &&
                       tdagi_any_is_number(step);
        if (!fixed || !numbers || !(n >= 0 && n < 1e15)) c->bad = true;
        return c->bad ? 0 : (tdag_dim)n;
    }
    c->bad |= tdagi_dim_sample(p, step.u.i) == 0;
    if (c->bad) return 0;
    tdag_dim n = steps_of(p, tdagi_dim_sub(p, end.u.i, start.u.i), step.u.i);
    if (tdagi_dim_sample(p, n) < 0) c->bad = true;
    return n;
}

static tdagi_any known_argument(tdagi_call *c, const char *name, int64_t when_none)
{
    tdagi_any v = tdagi_arg(c, name);
    if (v.kind == TDAGI_ANY_NONE) return tdagi_any_int(c->env, when_none);
    return tdagi_any_evaluated(c->env, v);
}

/* N - 1 as N and -1, since it is no size where N is 0. */
static tdag_value bound_of_range(tdagi_call *c, tdagi_any v, tdag_dtype d)
{
    uint32_t symbol;
    int64_t factor, offset;
    tdagi_pool *p = c->env->pool;
    if (v.kind != TDAGI_ANY_INT ||
        !tdagi_dim_is_affine(p, v.u.i, &symbol, &factor, &offset) || offset >= 0)
        return tdagi_as(c, v, d);
    v.u.i = tdagi_dim_sub(p, v.u.i, tdagi_dim_const(p, offset));
    return tdagi_add_scalar(c->b, tdagi_as(c, v, d), (double)offset);
}

/* max(0, ceil((v[1] - v[0]) / v[2])) */
static tdag_value count_by_data(tdagi_call *c, const tdagi_any v[3])
{
    tdag_value x[3];
    for (int i = 0; i < 3; i++)
        x[i] = bound_of_range(c, v[i], TDAG_F64);
    if (c->bad) return TDAG_NO_VALUE;
    tdag_value n = tdagi_div(c->b, tdagi_sub(c->b, x[1], x[0]), x[2]);
    n = tdagi_cast(c->b, tdagi_unary_composite(c->b, TDAGI_CEIL, n), TDAG_I64);
    const tdag_value most[2] = {n, tdag_add_scalar(c->b, TDAG_I64, 0)};
    return tdagi_lower(c->b, TDAGI_MAXIMUM, most, 2, NULL);
}

static tdagi_any as_int(tdagi_call *c, tdag_value v)
{
    tdagi_cell *t = v.id == 0 ? NULL : tdagi_cell_new(c->env, v);
    if (t == NULL) return tdagi_any_poison();
    return (tdagi_any){.kind = TDAGI_ANY_DATA, .letter = 'i', .u.tensor = t};
}

/* start + index * step */
tdagi_any tdagi_aten_derive_index(tdagi_call *c)
{
    tdagi_any v[3] = {tdagi_arg(c, "index"), tdagi_arg(c, "start"),
                      tdagi_arg(c, "step")};
    tdagi_pool *p = c->env->pool;
    tdag_value x[3];
    if (v[0].kind == TDAGI_ANY_INT && v[1].kind == TDAGI_ANY_INT &&
        v[2].kind == TDAGI_ANY_INT)
        return tdagi_any_dim(
            tdagi_dim_add(p, v[1].u.i, tdagi_dim_mul(p, v[0].u.i, v[2].u.i)));
    for (int i = 0; i < 3; i++)
        x[i] = bound_of_range(c, v[i], TDAG_I64);
    if (c->bad) return tdagi_any_poison();
    return as_int(c, tdagi_add(c->b, x[1], tdagi_mul(c->b, x[0], x[2])));
}

/* math.gcd of what is known */
tdagi_any tdagi_aten_gcd(tdagi_call *c)
{
    int64_t v[2] = {0, 0};
    c->read |= 3;
    for (uint32_t i = 0; i < 2; i++)
        if (!tdagi_any_const_int(c->env, c->args[i], &v[i]))
            return tdagi_env_issue(c->env,
                                   "%s of %s: as many steps as the numbers ask for",
                                   c->schema->name, tdagi_any_text(c->env, c->args[i]));
    while (v[1] != 0) {
        int64_t rest = v[1] == -1 ? 0 : v[0] % v[1];
        v[0] = v[1];
        v[1] = rest;
    }
    return tdagi_any_int(c->env, v[0] < 0 && v[0] != INT64_MIN ? -v[0] : v[0]);
}

/* How many numbers range(lo, hi, step) has. */
tdagi_any tdagi_aten_range_length(tdagi_call *c)
{
    c->read |= 7;
    for (uint32_t i = 0; i < 3 && c->n == 3; i++)
        if (c->args[i].kind == TDAGI_ANY_DATA)
            return as_int(c, count_by_data(c, c->args));
    tdag_dim lo = tdagi_arg_dim(c, "lo", 0), hi = tdagi_arg_dim(c, "hi", 0);
    tdag_dim step = tdagi_arg_dim(c, "step", 1);
    tdagi_pool *p = c->env->pool;
    if (c->bad || tdagi_dim_sample(p, step) == 0) return tdagi_refuse(c, "step");
    tdag_dim n = steps_of(p, tdagi_dim_sub(p, hi, lo), step);
    return tdagi_any_dim(tdagi_dim_proves_ge(p, n, 0) ? n : tdagi_dim_max(p, n, 0));
}

/* start + step * (0, 1, ...), as many as data decides */
static tdagi_any range_by_data(tdagi_call *c, const tdagi_any v[3], tdag_dtype d)
{
    tdag_dtype wide = d == TDAG_DTYPE_NONE ? dtype_of_numbers(c, 3, v) : d;
    if (d == TDAG_DTYPE_NONE) d = wide;
    wide = tdag_dtype_is_float(wide) ? TDAG_F64 : TDAG_I64;
    tdag_value n = count_by_data(c, v);
    if (n.id == 0) return tdagi_any_poison();
    tdag_dim size = tdagi_size_add(c->env, n, TDAGI_DIM_BAD);
    if (size == TDAGI_DIM_BAD) return tdagi_any_poison();
    tdag_value out =
        tdagi_mul(c->b, tdag_iota(c->b, size, wide), tdagi_as(c, v[2], wide));
    out = tdagi_add(c->b, out, tdagi_as(c, v[0], wide));
    return tdagi_result(c, tdagi_cast(c->b, out, d));
}

tdagi_any tdagi_aten_arange(tdagi_call *c)
{
    tdagi_any start = known_argument(c, "start", 0), end = known_argument(c, "end", 0);
    tdagi_any step = known_argument(c, "step", 1);
    int64_t first = 1;
    if (!tdagi_any_is_tensor(start) && !tdagi_any_is_tensor(step) &&
        tdagi_any_const_int(c->env, start, &first) && first == 0)
        end = tdagi_as_size(c, end, TDAGI_DIM_BAD);
    if (c->env->outline != NULL &&
        (tdagi_any_is_tensor(start) || tdagi_any_is_tensor(end) ||
         tdagi_any_is_tensor(step)))
        return range_by_data(c, (tdagi_any[3]){start, end, step},
                             tdagi_arg_dtype(c, "dtype"));
    bool is_float = start.kind == TDAGI_ANY_FLOAT || end.kind == TDAGI_ANY_FLOAT ||
                    step.kind == TDAGI_ANY_FLOAT;
    tdag_dtype d = dtype_or(c, is_float ? TDAG_F32 : TDAG_I64);
    if (!tdagi_any_is_number(end)) return tdagi_refuse(c, "end");
    tdag_dim n = range_length(c, start, end, step);
    if (c->bad) return tdagi_refuse(c, "end");
    if (d == TDAG_BOOL) return tdagi_refuse(c, "dtype");
    int64_t one = 0, zero = 1;
    bool plain = tdagi_any_const_int(c->env, step, &one) && one == 1 &&
                 tdagi_any_const_int(c->env, start, &zero) && zero == 0;
    if (plain) return tdagi_result(c, tdag_iota(c->b, n, d));
    tdag_dtype wide = is_float ? TDAG_F64 : TDAG_I64; /* as exact as PyTorch's */
    tdag_value x = tdag_iota(c->b, n, wide);
    x = tdagi_mul(c->b, x, tdagi_as(c, step, wide));
    x = tdagi_add(c->b, x, tdagi_as(c, start, wide));
    return tdagi_result(c, tdagi_cast(c->b, x, d));
}

tdagi_any tdagi_aten_linspace(tdagi_call *c)
{
    tdagi_any start = tdagi_arg(c, "start"), end = tdagi_arg(c, "end");
    tdag_dtype d = dtype_or(c, TDAG_F32);
    tdag_dim n = tdagi_arg_dim(c, "steps", 100);
    tdag_value a = tdagi_as(c, start, TDAG_F64), z = tdagi_as(c, end, TDAG_F64);
    if (c->bad) return tdagi_any_poison();
    if (n == 1) {
        tdag_dim one = 1;
        return tdagi_result(c, tdagi_expand(c->b, tdagi_cast(c->b, a, d), 1, &one));
    }
    tdag_dim steps = tdag_dim_max(c->b, tdag_dim_sub(c->b, n, 1), 1);
    tdag_value count = tdagi_dim_scalar(c->b, steps, TDAG_F64);
    tdag_value step = tdagi_div(c->b, tdagi_sub(c->b, z, a), count);
    tdag_value x = tdagi_mul(c->b, tdag_iota(c->b, n, TDAG_F64), step);
    return tdagi_result(c, tdagi_cast(c->b, tdagi_add(c->b, x, a), d));
}

/* base to the powers of a linspace */
tdagi_any tdagi_aten_logspace(tdagi_call *c)
{
    double base = tdagi_arg_float(c, "base", 10);
    tdagi_any x = tdagi_aten_linspace(c);
    if (c->bad || x.kind != TDAGI_ANY_TENSOR) return tdagi_any_poison();
    tdag_value e = tdagi_cell_read(c->env, x.u.tensor);
    if (e.id == 0) return tdagi_any_poison();
    if (!tdag_dtype_is_float(tdagi_dtype(c, e))) return tdagi_refuse(c, "dtype");
    tdag_value in[2] = {tdag_add_scalar(c->b, tdagi_dtype(c, e), base), e};
    return tdagi_result(c, tdagi_lower(c->b, TDAGI_POW, in, 2, NULL));
}

tdagi_any tdagi_aten_eye(tdagi_call *c)
{
    tdag_dim n = tdagi_arg_dim(c, "n", 0), m = tdagi_arg_dim(c, "m", n);
    tdag_dtype d = dtype_or(c, TDAG_F32);
    if (c->bad) return tdagi_any_poison();
    tdag_value row = tdagi_unsqueeze1(c->b, tdag_iota(c->b, n, TDAG_I64), 1);
    tdag_value x = tdag_binary(c->b, TDAG_OP_EQUAL, row, tdag_iota(c->b, m, TDAG_I64));
    return tdagi_result(c, tdagi_cast(c->b, x, d));
}

/* A list of lists of numbers, as deep as it is. */
static tdag_value nested(tdagi_call *c, tdagi_any v, tdag_dtype d)
{
    if (!tdagi_any_is_seq(v)) return tdagi_as(c, v, d);
    uint32_t n = v.u.seq->n;
    tdag_value *parts = tdagi_env_alloc(c->env, n * sizeof(*parts));
    for (uint32_t i = 0; parts != NULL && i < n; i++)
        parts[i] = nested(c, v.u.seq->v[i], d);
    return parts == NULL || n == 0 ? TDAG_NO_VALUE : tdagi_stack(c->b, parts, n, 0);
}

/* torch.tensor(x) of a number or of nested lists of numbers; row data 1: scalar_tensor,
 * of the default dtype whatever the number is; 2: as_tensor, where a tensor is itself
 */
tdagi_any tdagi_aten_tensor(tdagi_call *c)
{
    tdagi_any v = c->args[0];
    c->read |= 1;
    tdag_dtype d = tdagi_arg_dtype(c, "dtype");
    uint32_t n = 1;
    if (v.kind == TDAGI_ANY_TENSOR && c->data == 2 && !c->bad) {
        tdag_value x = tdagi_cell_read(c->env, v.u.tensor);
        bool same = d == TDAG_DTYPE_NONE || d == tdagi_dtype(c, x);
        return same ? tdagi_same(v.u.tensor) : tdagi_result(c, tdagi_cast(c->b, x, d));
    }
    const tdagi_any *items = &v;
    if (tdagi_any_is_seq(v)) {
        n = v.u.seq->n;
        items = v.u.seq->v;
    }
    if (c->bad) return tdagi_any_poison();
    tdagi_any inner = v;
    while (tdagi_any_is_seq(inner) && inner.u.seq->n > 0)
        inner = inner.u.seq->v[0];
    if (n > 0 && tdagi_any_is_seq(items[0]) && !tdagi_any_is_seq(inner)) {
        if (d == TDAG_DTYPE_NONE) d = dtype_of_numbers(c, 1, &inner);
        return tdagi_result(c, nested(c, v, d));
    }
    for (uint32_t i = 0; i < n; i++)
        if (!tdagi_any_is_number(items[i]) && items[i].kind != TDAGI_ANY_DATA)
            return tdagi_refuse(c, c->schema->args[0].name);
    if (d == TDAG_DTYPE_NONE && c->data == 1) d = TDAG_F32;
    if (d == TDAG_DTYPE_NONE) d = n == 0 ? TDAG_F32 : dtype_of_numbers(c, 1, items);
    if (!tdagi_any_is_seq(v)) {
        if (v.kind != TDAGI_ANY_DATA && d == TDAG_I64 && v.kind == TDAGI_ANY_INT)
            return tdagi_any_tensor(tdagi_cell_known(c->env, d, v));
        return tdagi_result(c, tdagi_as(c, v, d));
    }
    if (n == 0) return tdagi_result(c, tdagi_full(c->b, d, 1, (tdag_dim[]){0}, 0));
    bool known = true;
    for (uint32_t i = 0; i < n; i++)
        known =
            known && items[i].kind == (d == TDAG_I64 ? TDAGI_ANY_INT : TDAGI_ANY_FLOAT);
    if (known && n <= 4096)
        return tdagi_any_tensor(tdagi_cell_known_list(c->env, d, n, items));
    tdag_value *parts = tdagi_env_alloc(c->env, n * sizeof(*parts));
    for (uint32_t i = 0; parts != NULL && i < n; i++)
        parts[i] = tdagi_as(c, items[i], d);
    return parts == NULL ? tdagi_any_poison()
                         : tdagi_result(c, tdagi_stack(c->b, parts, n, 0));
}
