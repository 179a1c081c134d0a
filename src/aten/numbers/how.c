/* What symbols decide, as nodes: comparisons of sizes, floats that are made of them. */
#include "aten/aten.h"

static tdagi_any operand(tdagi_env *env, tdag_dtype dtype, tdagi_any v)
{
    tdag_value x = tdagi_cell_read(env, tdagi_cell_known(env, dtype, v));
    return tdagi_any_tensor(tdagi_cell_new(env, x));
}

tdag_value tdagi_computed(tdagi_env *env, uint32_t number, tdag_dtype as)
{
    static const tdagi_schema none = {.name = "a number", .overload = ""};
    const tdagi_how how = env->hows[number];
    bool is_float = how.a.kind == TDAGI_ANY_FLOAT || how.b.kind == TDAGI_ANY_FLOAT ||
                    how.op == TDAGI_FOLD_DIV || how.op == TDAGI_FOLD_POW ||
                    how.op == TDAGI_FOLD_FUNCTION;
    bool are_bools = how.a.kind == TDAGI_ANY_BOOL && how.b.kind == TDAGI_ANY_BOOL;
    tdag_dtype dtype = is_float ? TDAG_F64 : are_bools ? TDAG_BOOL : TDAG_I64;
    if (how.op == TDAGI_FOLD_DIV && how.a.kind == TDAGI_ANY_INT &&
        how.b.kind == TDAGI_ANY_INT) /* which is known again at numbers */
        return tdagi_dim_ratio(env->b, how.a.u.i, how.b.u.i,
                               tdag_dtype_is_float(as) ? as : TDAG_F64);
    if (how.op == TDAGI_FOLD_MUL && how.a.kind == TDAGI_ANY_INT && !how.b.assumed &&
        how.b.u.f == 1) /* float(n) */
        return tdagi_dim_scalar(env->b, how.a.u.i,
                                tdag_dtype_is_float(as) ? as : TDAG_F64);
    tdagi_call c = {.env = env, .b = env->b, .schema = &none};
    tdagi_any out, x = operand(env, dtype, how.a);
    if (how.op == TDAGI_FOLD_FUNCTION)
        out = tdagi_aten_call_named(env, tdagi_env_text(env, "aten::%s", how.b.u.s), "",
                                    1, &x);
    else
        out = tdagi_binary(&c, how.op, x, operand(env, dtype, how.b));
    return out.kind == TDAGI_ANY_TENSOR ? tdagi_cell_read(env, out.u.tensor)
                                        : TDAG_NO_VALUE;
}
