/* Arithmetic of what is known at import: integers (symbolic ones too), floats, bools.
 * Where a symbol decides a comparison and nothing proves it, the result holds at the
 * samples only and is marked as assumed. */
#include <math.h>
#include <string.h>

#include "aten/aten.h"
#include "aten/control/merge.h"

static tdag_dim as_dim(tdagi_any v) { return v.kind == TDAGI_ANY_BOOL ? v.u.b : v.u.i; }

/* ---- integers ---- */

static tdag_dim power(tdagi_pool *p, tdag_dim a, int64_t e)
{
    tdag_dim out = 1;
    for (; e > 0; e >>= 1) {
        if ((e & 1) != 0) out = tdagi_dim_mul(p, out, a);
        if (e > 1) a = tdagi_dim_mul(p, a, a);
    }
    return out;
}

/* Both sides positive for sure, so truncating and flooring agree. */
static bool same_rounding(tdagi_env *env, tdag_dim a, tdag_dim b)
{
    int64_t x, y;
    bool ka = tdagi_dim_is_const(env->pool, a, &x),
         kb = tdagi_dim_is_const(env->pool, b, &y);
    if (ka && kb) return (x >= 0) == (y >= 0);
    return (ka ? x >= 0 : tdagi_dim_proves_ge(env->pool, a, 0)) &&
           (kb ? y >= 0 : tdagi_dim_proves_ge(env->pool, b, 0));
}

static bool divide(tdagi_env *env, tdagi_fold_op op, tdag_dim a, tdag_dim b,
                   tdag_dim *out)
{
    int64_t y = 1;
    tdagi_pool *p = env->pool;
    if (tdagi_dim_is_const(p, b, &y) && y == 0) return false;
    bool floors = op == TDAGI_FOLD_FLOORDIV || op == TDAGI_FOLD_MOD;
    tdag_dim q;
    if (floors || same_rounding(env, a, b))
        q = tdagi_dim_floordiv(p, a, b);
    else {
        int64_t x;
        if (!tdagi_dim_is_const(p, a, &x) || !tdagi_dim_is_const(p, b, &y))
            return false;
        if (y == -1) return false;
        q = tdagi_dim_const(p, x / y);
    }
    *out = op == TDAGI_FOLD_MOD || op == TDAGI_FOLD_FMOD
               ? tdagi_dim_sub(p, a, tdagi_dim_mul(p, q, b))
               : q;
    return true;
}

static tdagi_any compare_dims(tdagi_env *env, tdagi_fold_op op, tdag_dim a, tdag_dim b)
{
    if (op == TDAGI_FOLD_GT || op == TDAGI_FOLD_LE) { /* a > b is b < a */
        tdag_dim t = a;
        a = b;
        b = t;
    }
    bool negate = op == TDAGI_FOLD_GE || op == TDAGI_FOLD_LE;
    tdagi_any out = tdagi_any_bool(false);
    int64_t d;
    if (tdagi_dim_is_const(env->pool, tdagi_dim_sub(env->pool, b, a), &d))
        out.u.b = d > 0;
    else if (tdagi_dim_proves_ge(env->pool, a, b))
        out.u.b = false;
    else if (tdagi_dim_proves_ge(env->pool, b, tdagi_dim_add(env->pool, a, 1)))
        out.u.b = true;
    else {
        out.assumed = true;
        out.u.b = tdagi_dim_sample(env->pool, a) < tdagi_dim_sample(env->pool, b);
    }
    out.u.b ^= negate;
    return out;
}

/* Whether the result of two known numbers is one, too: tensors wrap around, dims do
 * not.
 */
static bool fits(const tdagi_pool *p, tdagi_fold_op op, tdag_dim a, tdag_dim b)
{
    int64_t x, y, z = 1;
    bool over = false;
    if (!tdagi_dim_is_const(p, a, &x) || !tdagi_dim_is_const(p, b, &y)) return true;
    if (op == TDAGI_FOLD_ADD) return !__builtin_add_overflow(x, y, &z);
    if (op == TDAGI_FOLD_SUB) return !__builtin_sub_overflow(x, y, &z);
    if (op == TDAGI_FOLD_MUL) return !__builtin_mul_overflow(x, y, &z);
    for (int64_t i = 0; op == TDAGI_FOLD_POW && i < y && i < 63; i++)
        over |= __builtin_mul_overflow(z, x, &z);
    return !over;
}

static bool fold_dims(tdagi_env *env, tdagi_fold_op op, tdag_dim a, tdag_dim b,
                      tdagi_any *out)
{
    tdagi_pool *p = env->pool;
    tdag_dim d = 0;
    int64_t x, y;
    if (!fits(p, op, a, b)) return false;
    switch (op) {
    case TDAGI_FOLD_ADD:
        d = tdagi_dim_add(p, a, b);
        break;
    case TDAGI_FOLD_SUB:
        d = tdagi_dim_sub(p, a, b);
        break;
    case TDAGI_FOLD_MUL:
        d = tdagi_dim_mul(p, a, b);
        break;
    case TDAGI_FOLD_MIN:
        d = tdagi_dim_min(p, a, b);
        break;
    case TDAGI_FOLD_MAX:
        d = tdagi_dim_max(p, a, b);
        break;
    case TDAGI_FOLD_FLOORDIV:
    case TDAGI_FOLD_TRUNCDIV:
    case TDAGI_FOLD_MOD:
    case TDAGI_FOLD_FMOD:
        if (!divide(env, op, a, b, &d)) return false;
        break;
    case TDAGI_FOLD_POW:
        if (!tdagi_dim_is_const(p, b, &y) || y < 0 || y > 62) return false;
        d = power(p, a, y);
        break;
    case TDAGI_FOLD_AND:
    case TDAGI_FOLD_OR:
    case TDAGI_FOLD_XOR:
        if (!tdagi_dim_is_const(p, a, &x) || !tdagi_dim_is_const(p, b, &y))
            return false;
        d = tdagi_dim_const(p, op == TDAGI_FOLD_AND  ? (x & y)
                               : op == TDAGI_FOLD_OR ? (x | y)
                                                     : (x ^ y));
        break;
    case TDAGI_FOLD_DIV:
    case TDAGI_FOLD_EQ:
    case TDAGI_FOLD_NE:
    case TDAGI_FOLD_FUNCTION:
        return false;
    case TDAGI_FOLD_LT:
    case TDAGI_FOLD_LE:
    case TDAGI_FOLD_GT:
    case TDAGI_FOLD_GE:
        *out = compare_dims(env, op, a, b);
        return true;
    }
    if (d == TDAGI_DIM_BAD) return false;
    *out = tdagi_any_dim(d);
    return true;
}

/* ---- floats ---- */

static double floor_mod(double a, double b)
{
    double m = fmod(a, b);
    return m != 0 && (m < 0) != (b < 0) ? m + b : m;
}

static bool fold_floats(tdagi_fold_op op, double a, double b, tdagi_any *out)
{
    switch (op) {
    case TDAGI_FOLD_ADD:
        *out = tdagi_any_float(a + b);
        return true;
    case TDAGI_FOLD_SUB:
        *out = tdagi_any_float(a - b);
        return true;
    case TDAGI_FOLD_MUL:
        *out = tdagi_any_float(a * b);
        return true;
    case TDAGI_FOLD_DIV:
        *out = tdagi_any_float(a / b);
        return true;
    case TDAGI_FOLD_FLOORDIV:
        *out = tdagi_any_float(floor(a / b));
        return true;
    case TDAGI_FOLD_TRUNCDIV:
        *out = tdagi_any_float(trunc(a / b));
        return true;
    case TDAGI_FOLD_MOD:
        *out = tdagi_any_float(floor_mod(a, b));
        return true;
    case TDAGI_FOLD_FMOD:
        *out = tdagi_any_float(fmod(a, b));
        return true;
    case TDAGI_FOLD_POW:
        *out = tdagi_any_float(pow(a, b));
        return true;
    case TDAGI_FOLD_MIN:
        *out = tdagi_any_float(isnan(a) || a < b ? a : b);
        return true;
    case TDAGI_FOLD_MAX:
        *out = tdagi_any_float(isnan(a) || a > b ? a : b);
        return true;
    case TDAGI_FOLD_LT:
        *out = tdagi_any_bool(a < b);
        return true;
    case TDAGI_FOLD_LE:
        *out = tdagi_any_bool(a <= b);
        return true;
    case TDAGI_FOLD_GT:
        *out = tdagi_any_bool(a > b);
        return true;
    case TDAGI_FOLD_GE:
        *out = tdagi_any_bool(a >= b);
        return true;
    case TDAGI_FOLD_EQ:
    case TDAGI_FOLD_NE:
    case TDAGI_FOLD_AND:
    case TDAGI_FOLD_OR:
    case TDAGI_FOLD_XOR:
    case TDAGI_FOLD_FUNCTION:
        break;
    }
    return false;
}

/* ---- bools ---- */

static bool fold_bools(tdagi_fold_op op, tdagi_any a, tdagi_any b, tdagi_any *out)
{
    bool decided_and = (!a.u.b && !a.assumed) || (!b.u.b && !b.assumed);
    bool decided_or = (a.u.b && !a.assumed) || (b.u.b && !b.assumed);
    bool assumed = a.assumed || b.assumed;
    if (op == TDAGI_FOLD_AND) {
        *out = tdagi_any_bool(a.u.b && b.u.b);
        out->assumed = assumed && !decided_and;
    } else if (op == TDAGI_FOLD_OR) {
        *out = tdagi_any_bool(a.u.b || b.u.b);
        out->assumed = assumed && !decided_or;
    } else if (op == TDAGI_FOLD_XOR) {
        *out = tdagi_any_bool(a.u.b != b.u.b);
        out->assumed = assumed;
    } else {
        return false;
    }
    return true;
}

static bool is_symbolic(tdagi_env *env, tdagi_any v)
{
    int64_t i;
    return v.assumed || v.how != 0 ||
           (v.kind == TDAGI_ANY_INT && !tdagi_dim_is_const(env->pool, v.u.i, &i));
}

/* Keeps what a truth that symbols decide is of, also of one that holds for all sizes
 * but 0, and what a float is computed from. */
static bool remember(tdagi_env *env, tdagi_fold_op op, tdagi_any a, tdagi_any b,
                     tdagi_any *out)
{
    bool is_float =
        out->kind == TDAGI_ANY_FLOAT &&
        (a.kind == TDAGI_ANY_FLOAT || b.kind == TDAGI_ANY_FLOAT ||
         op == TDAGI_FOLD_DIV || op == TDAGI_FOLD_POW || op == TDAGI_FOLD_FUNCTION);
    if ((out->kind != TDAGI_ANY_BOOL && !is_float) || env->outline == NULL) return true;
    if (!is_symbolic(env, a) && !is_symbolic(env, b)) return true;
    if ((a.assumed && a.how == 0) || (b.assumed && b.how == 0)) return true; /* texts */
    if (env->n_hows == env->hows_capacity) {
        uint32_t wider = 2 * env->hows_capacity + 16;
        tdagi_how *more = tdagi_env_alloc(env, (wider + 1) * sizeof *more);
        if (more == NULL) return true;
        if (env->n_hows > 0) memcpy(more, env->hows, (env->n_hows + 1) * sizeof *more);
        env->hows = more;
        env->hows_capacity = wider;
    }
    env->hows[++env->n_hows] = (tdagi_how){op, a, b};
    out->how = env->n_hows;
    return true;
}

static bool fold(tdagi_env *env, tdagi_fold_op op, tdagi_any a, tdagi_any b,
                 tdagi_any *out)
{
    if (!tdagi_any_is_number(a) || !tdagi_any_is_number(b)) return false;
    if (op == TDAGI_FOLD_EQ || op == TDAGI_FOLD_NE) {
        *out = tdagi_any_bool(false);
        bool assumed = false;
        out->u.b = tdagi_any_equal(env, a, b, &assumed) == (op == TDAGI_FOLD_EQ);
        out->assumed = assumed;
        return true;
    }
    if (a.kind == TDAGI_ANY_BOOL && b.kind == TDAGI_ANY_BOOL &&
        fold_bools(op, a, b, out))
        return true;
    bool ints = a.kind != TDAGI_ANY_FLOAT && b.kind != TDAGI_ANY_FLOAT;
    if (ints && !a.assumed && !b.assumed && op != TDAGI_FOLD_DIV) {
        if (fold_dims(env, op, as_dim(a), as_dim(b), out)) return true;
        if (op != TDAGI_FOLD_POW) return false;
    }
    int64_t x;
    bool symbolic = !(a.kind == TDAGI_ANY_FLOAT || tdagi_any_const_int(env, a, &x)) ||
                    !(b.kind == TDAGI_ANY_FLOAT || tdagi_any_const_int(env, b, &x));
    if (!fold_floats(op, tdagi_any_sample(env, a), tdagi_any_sample(env, b), out))
        return false;
    out->assumed = symbolic || a.assumed || b.assumed;
    return true;
}

bool tdagi_fold(tdagi_env *env, tdagi_fold_op op, tdagi_any a, tdagi_any b,
                tdagi_any *out)
{
    return fold(env, op, a, b, out) && remember(env, op, a, b, out);
}

/* ---- operators on numbers alone ---- */

/* v as p over 2^k, where doubles compute it exactly. */
static bool as_fraction(tdagi_env *env, tdagi_any v, tdag_dim *p, int64_t *q)
{
    tdag_dim both[2];
    int64_t under[2];
    *q = 1;
    if (v.kind == TDAGI_ANY_INT) *p = v.u.i;
    if (v.kind == TDAGI_ANY_INT) return true;
    if (v.kind != TDAGI_ANY_FLOAT || (v.assumed && v.how == 0)) return false;
    if (!v.assumed) {
        while (*q < 1 << 20 && v.u.f * (double)*q != nearbyint(v.u.f * (double)*q))
            *q *= 2;
        double f = v.u.f * (double)*q;
        *p = fabs(f) < 1e9 ? tdagi_dim_const(env->pool, (int64_t)f) : 0;
        return fabs(f) < 1e9 && f == nearbyint(f);
    }
    const tdagi_how *how = &env->hows[v.how];
    if (how->op != TDAGI_FOLD_MUL || !as_fraction(env, how->a, &both[0], &under[0]) ||
        !as_fraction(env, how->b, &both[1], &under[1]))
        return false;
    *p = tdagi_dim_mul(env->pool, both[0], both[1]);
    *q = under[0] * under[1];
    return *q <= 1 << 20;
}

/* floor, ceil or trunc of a fraction as a size. */
static bool as_whole(tdagi_env *env, const tdagi_how *how, tdag_dim *out)
{
    tdag_dim p, by;
    int64_t q, under = 1, over = 1;
    tdagi_any of = how->a;
    char kind = how->op == TDAGI_FOLD_FUNCTION ? how->b.u.s[0] : 0;
    if (kind != 'f' && kind != 'c' && kind != 't') return false;
    const tdagi_how *top = &env->hows[of.how];
    bool divided =
        of.kind == TDAGI_ANY_FLOAT && of.how != 0 && top->op == TDAGI_FOLD_DIV;
    if (divided && (!as_fraction(env, top->b, &by, &under) ||
                    !tdagi_dim_is_const(env->pool, by, &over) || over < 1))
        return false;
    if (!as_fraction(env, divided ? top->a : of, &p, &q)) return false;
    q *= over;
    p = tdagi_dim_mul(env->pool, p, under);
    if (kind == 't' && !tdagi_dim_proves_ge(env->pool, p, 0)) return false;
    if (kind == 'c') p = tdagi_dim_add(env->pool, p, q - 1);
    *out = tdagi_dim_floordiv(env->pool, p, q);
    return *out != TDAGI_DIM_BAD;
}

/* A float as an int: a size where it is one, else what a run computes. */
static tdagi_any rounded(tdagi_call *c, tdagi_any v)
{
    tdag_dim d;
    if (v.assumed && v.how != 0) {
        if (as_whole(c->env, &c->env->hows[v.how], &d)) return tdagi_any_dim(d);
        tdagi_any x = tdagi_number_data(c->env, v);
        tdag_value i = tdagi_cast(c->b, tdagi_cell_read(c->env, x.u.tensor), TDAG_I64);
        x = tdagi_any_tensor(tdagi_cell_new(c->env, i));
        if (x.kind != TDAGI_ANY_TENSOR) return x;
        return (tdagi_any){
            .kind = TDAGI_ANY_DATA, .letter = 'i', .u.tensor = x.u.tensor};
    }
    if (v.assumed)
        return tdagi_env_issue(c->env, "%s of a number computed from a symbolic size",
                               c->schema->name);
    if (!(v.u.f > -9e18 && v.u.f < 9e18)) return v;
    return tdagi_any_int(c->env, (int64_t)v.u.f);
}

/* A float that is f at the samples: a function of v. */
static tdagi_any function_of(tdagi_env *env, const char *name, tdagi_any v, double f)
{
    tdagi_any out = tdagi_any_float(f);
    out.assumed = is_symbolic(env, v);
    remember(env, TDAGI_FOLD_FUNCTION, v, tdagi_any_string(name), &out);
    return out;
}

/* A number taken out of a tensor, as int, float or bool (row data). */
tdagi_any tdagi_aten_to_number(tdagi_call *c)
{
    tdagi_any v = tdagi_any_known(c->args[0]);
    c->read |= 1;
    if (v.kind == TDAGI_ANY_STRING && c->data == 'f' && v.u.s[0] != '\0') {
        if (strcmp(v.u.s, "inf") == 0) return tdagi_any_float(INFINITY);
        if (strcmp(v.u.s, "-inf") == 0) return tdagi_any_float(-INFINITY);
        if (strcmp(v.u.s, "nan") == 0) return tdagi_any_float(NAN);
    }
    if (tdagi_any_is_tensor(v)) {
        tdag_dtype have = tdagi_cell_dtype(c->env, v.u.tensor);
        char is = tdag_dtype_is_float(have) ? 'f' : have == TDAG_BOOL ? 'b' : 'i';
        char want = c->data == 0 ? is : (char)c->data;
        tdag_value x = tdagi_cell_read(c->env, v.u.tensor);
        if (tdagi_rank(c, x) > 0) x = tdagi_reshape(c->b, x, 0, NULL);
        if (want != is || want == 'f')
            x = tdagi_cast(c->b, x,
                           want == 'f'   ? TDAG_F64
                           : want == 'b' ? TDAG_BOOL
                                         : TDAG_I64);
        tdagi_cell *t = tdagi_cell_new(c->env, x);
        if (t == NULL) return tdagi_any_poison();
        return (tdagi_any){.kind = TDAGI_ANY_DATA, .letter = want, .u.tensor = t};
    }
    if (!tdagi_any_is_number(v)) return tdagi_refuse(c, c->schema->args[0].name);
    if (c->data == 'f' && v.kind != TDAGI_ANY_FLOAT) {
        tdagi_fold(c->env, TDAGI_FOLD_MUL, v, tdagi_any_float(1), &v);
        return v;
    }
    if (c->data == 'i' && v.kind == TDAGI_ANY_BOOL)
        return v.assumed ? tdagi_refuse_open(c) : tdagi_any_int(c->env, v.u.b);
    if (c->data == 'i' && v.kind == TDAGI_ANY_FLOAT)
        return rounded(c, function_of(c->env, "trunc", v, trunc(v.u.f)));
    if (c->data == 'b' && v.kind != TDAGI_ANY_BOOL) {
        tdagi_any b;
        if (tdagi_fold(c->env, TDAGI_FOLD_NE, v, tdagi_any_int(c->env, 0), &b))
            return b;
    }
    return v;
}

tdagi_any tdagi_aten_num_to_tensor(tdagi_call *c)
{
    c->read |= 1;
    tdagi_any v = c->args[0];
    if (!tdagi_any_is_number(v)) return tdagi_number_tensor(c->env, v);
    tdag_dtype d = v.kind == TDAGI_ANY_FLOAT  ? TDAG_F64
                   : v.kind == TDAGI_ANY_BOOL ? TDAG_BOOL
                                              : TDAG_I64;
    return tdagi_any_tensor(tdagi_cell_known(c->env, d, v));
}

tdagi_any tdagi_aten_not(tdagi_call *c)
{
    tdagi_any v = tdagi_any_known(c->args[0]);
    c->read |= 1;
    if (v.kind == TDAGI_ANY_DATA) {
        tdag_value x = tdagi_cast(c->b, tdagi_cell_read(c->env, v.u.tensor), TDAG_BOOL);
        v.u.tensor =
            tdagi_cell_new(c->env, tdagi_unary_composite(c->b, TDAGI_LOGICAL_NOT, x));
        v.letter = 'b';
        return v.u.tensor == NULL ? tdagi_any_poison() : v;
    }
    if (v.kind != TDAGI_ANY_BOOL) return tdagi_refuse(c, c->schema->args[0].name);
    if (v.assumed && tdagi_fold(c->env, TDAGI_FOLD_EQ, v, tdagi_any_bool(false), &v))
        return v;
    v.u.b = !v.u.b;
    return v;
}

/* Functions of one known number; row data says which. */
bool tdagi_fold_unary(tdagi_call *c, tdagi_any v, tdagi_any *out)
{
    tdagi_env *env = c->env;
    const char *name = c->schema->name + strlen("aten::");
    if (strcmp(name, "neg") == 0) {
        return tdagi_fold(env, TDAGI_FOLD_SUB,
                          v.kind == TDAGI_ANY_FLOAT ? tdagi_any_float(-0.0)
                                                    : tdagi_any_int(env, 0),
                          v, out);
    }
    double f = tdagi_any_sample(env, v);
    bool is_float = v.kind == TDAGI_ANY_FLOAT, symbolic = is_symbolic(env, v);
    bool rounds = strcmp(name, "floor") == 0 || strcmp(name, "ceil") == 0 ||
                  strcmp(name, "round") == 0 || strcmp(name, "trunc") == 0;
    if (rounds && !is_float) {
        *out = v;
        return true;
    }
    if (symbolic && env->outline == NULL) return false;
    if (strcmp(name, "abs") == 0 && v.kind == TDAGI_ANY_INT)
        return tdagi_fold(env, TDAGI_FOLD_MAX, v,
                          tdagi_any_dim(tdagi_dim_sub(env->pool, 0, v.u.i)), out);
    static const struct {
        const char *name;
        double (*fn)(double);
    } functions[] = {
        {"abs", fabs},    {"floor", floor}, {"ceil", ceil},   {"round", nearbyint},
        {"trunc", trunc}, {"sqrt", sqrt},   {"exp", exp},     {"log", log},
        {"log2", log2},   {"log10", log10}, {"sin", sin},     {"cos", cos},
        {"tan", tan},     {"tanh", tanh},   {"log1p", log1p}, {"lgamma", lgamma},
    };
    for (size_t k = 0; k < sizeof(functions) / sizeof(functions[0]); k++)
        if (strcmp(functions[k].name, name) == 0) {
            *out = function_of(env, functions[k].name, v, functions[k].fn(f));
            return true;
        }
    return false;
}

/* ceil, floor and round of a Python float are ints. */
tdagi_any tdagi_number_unary(tdagi_call *c, tdagi_any v)
{
    tdagi_any out;
    const char *name = c->schema->name + strlen("aten::");
    if (!tdagi_fold_unary(c, v, &out))
        return tdagi_env_issue(c->env, "%s of %s", c->schema->name,
                               tdagi_any_text(c->env, v));
    bool to_int = strcmp(name, "floor") == 0 || strcmp(name, "ceil") == 0;
    return to_int && out.kind == TDAGI_ANY_FLOAT ? rounded(c, out) : out;
}
