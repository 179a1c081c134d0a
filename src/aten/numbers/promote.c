/* Dtypes of results: PyTorch's promotion of tensors with axes, tensors of rank 0 and
 * Python numbers, three classes of which a lower one counts only by its category. */
#include "aten/aten.h"

/* ---- dtypes as PyTorch numbers them ---- */

static const struct {
    int64_t number;
    tdag_dtype dtype;
} scalar_types[] = {
    {0, TDAG_U8},  {1, TDAG_I8},  {2, TDAG_I16}, {3, TDAG_I32},   {4, TDAG_I64},
    {5, TDAG_F16}, {6, TDAG_F32}, {7, TDAG_F64}, {11, TDAG_BOOL}, {15, TDAG_BF16},
};

tdag_dtype tdagi_dtype_of_scalar_type(int64_t scalar_type)
{
    for (size_t i = 0; i < sizeof(scalar_types) / sizeof(scalar_types[0]); i++)
        if (scalar_types[i].number == scalar_type) return scalar_types[i].dtype;
    return TDAG_DTYPE_NONE;
}

int64_t tdagi_scalar_type_of_dtype(tdag_dtype dtype)
{
    for (size_t i = 0; i < sizeof(scalar_types) / sizeof(scalar_types[0]); i++)
        if (scalar_types[i].dtype == dtype) return scalar_types[i].number;
    return -1;
}

tdag_dtype tdagi_part_of_scalar_type(int64_t scalar_type)
{
    return scalar_type == 9 ? TDAG_F32 : scalar_type == 10 ? TDAG_F64 : TDAG_DTYPE_NONE;
}

/* ---- promotion ---- */

static bool is_signed_int(tdag_dtype d) { return d >= TDAG_I64 && d <= TDAG_I8; }

tdag_dtype tdagi_promote(tdag_dtype a, tdag_dtype b)
{
    if (a == b || b == TDAG_DTYPE_NONE) return a;
    if (a == TDAG_DTYPE_NONE) return b;
    if (a == TDAG_BOOL) return b;
    if (b == TDAG_BOOL) return a;
    bool fa = tdag_dtype_is_float(a), fb = tdag_dtype_is_float(b);
    if (fa != fb) return fa ? a : b;
    if (fa && a != TDAG_F64 && b != TDAG_F64 && a != TDAG_F32 && b != TDAG_F32)
        return TDAG_F32;                /* f16 with bf16 */
    if (a == TDAG_U8 || b == TDAG_U8) { /* the narrowest signed one that holds both */
        tdag_dtype other = a == TDAG_U8 ? b : a;
        if (is_signed_int(other)) return other == TDAG_I8 ? TDAG_I16 : other;
    }
    return a < b ? a : b; /* codes descend in width within floats and within integers */
}

/* The category of a higher class wins; f32 is what a number of a higher category gives.
 */
static tdag_dtype combine(tdag_dtype higher, tdag_dtype lower)
{
    if (tdag_dtype_is_float(higher)) return higher;
    if (higher == TDAG_BOOL || tdag_dtype_is_float(lower))
        return tdagi_promote(higher, lower);
    return higher != TDAG_DTYPE_NONE ? higher : lower;
}

tdag_dtype tdagi_result_type(tdagi_call *c, uint32_t n, const tdagi_any *v)
{
    tdag_dtype dims = TDAG_DTYPE_NONE, zero = TDAG_DTYPE_NONE,
               wrapped = TDAG_DTYPE_NONE;
    bool data = false;
    for (uint32_t i = 0; i < n; i++) {
        if (v[i].kind == TDAGI_ANY_TENSOR) {
            tdag_dtype d = tdagi_cell_dtype(c->env, v[i].u.tensor);
            if (tdagi_cell_rank(c->env, v[i].u.tensor) > 0)
                dims = tdagi_promote(dims, d);
            else
                zero = tdagi_promote(zero, d);
            continue;
        }
        data |= v[i].kind == TDAGI_ANY_DATA;
        char letter = v[i].kind == TDAGI_ANY_DATA    ? v[i].letter
                      : v[i].kind == TDAGI_ANY_FLOAT ? 'f'
                      : v[i].kind == TDAGI_ANY_BOOL  ? 'b'
                                                     : 'i';
        wrapped = tdagi_promote(wrapped, letter == 'f'   ? TDAG_F32
                                         : letter == 'b' ? TDAG_BOOL
                                                         : TDAG_I64);
    }
    bool number = data && dims == TDAG_DTYPE_NONE && zero == TDAG_DTYPE_NONE;
    if (number && wrapped == TDAG_F32) return TDAG_F64; /* as Python computes */
    return combine(dims, combine(zero, wrapped));
}

tdagi_any tdagi_number_tensor(tdagi_env *env, tdagi_any v)
{
    if (v.kind == TDAGI_ANY_DATA) return tdagi_any_tensor(v.u.tensor);
    tdag_dtype d = v.kind == TDAGI_ANY_FLOAT  ? TDAG_F32
                   : v.kind == TDAGI_ANY_BOOL ? TDAG_BOOL
                                              : TDAG_I64;
    return tdagi_any_tensor(tdagi_cell_known(env, d, v));
}

tdag_value tdagi_as(tdagi_call *c, tdagi_any v, tdag_dtype dtype)
{
    tdag_value x = TDAG_NO_VALUE;
    if (tdagi_any_is_tensor(v)) {
        const tdagi_any *known = tdagi_cell_number(v.u.tensor);
        if (known == NULL || v.u.tensor->value.id != 0)
            x = tdagi_cast(c->b, tdagi_cell_read(c->env, v.u.tensor), dtype);
        else if (tdag_dtype_is_float(dtype) || known->kind != TDAGI_ANY_FLOAT)
            v = *known;
        else
            x = tdagi_cast(c->b, tdagi_cell_read(c->env, v.u.tensor), dtype);
    }
    if (x.id == 0 && tdagi_any_is_number(v)) {
        tdagi_cell *t = tdagi_cell_known(c->env, dtype, v);
        x = t == NULL ? TDAG_NO_VALUE : tdagi_cell_read(c->env, t);
    }
    c->bad |= x.id == 0;
    return x;
}

tdag_value tdagi_as_float(tdagi_call *c, tdag_value x)
{
    if (x.id == 0 || tdag_dtype_is_float(tdagi_dtype(c, x))) return x;
    return tdagi_cast(c->b, x, TDAG_F32);
}
