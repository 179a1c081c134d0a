/* Sizes as data: numbers are constants, symbols are read off the shapes of inputs, and
 * expressions of them are computed as their text says (dim/text.c). */
#include <stdlib.h>
#include <string.h>

#include "coreml/write/mil.h"

static const tdagi_type scalar_type = {TDAG_I64, 0, {0}};

tdagi_mil tdagi_mil_size_of(tdagi_mil_writer *w, tdagi_mil x, uint32_t i)
{
    const tdagi_type vector = {TDAG_I64, 1, {x->type.rank}};
    return tdagi_mil_op(w, &scalar_type, "gather(x=%v, indices=%i, axis=0)",
                        tdagi_mil_op(w, &vector, "shape(x=%v)", x), (int64_t)i);
}

/* Of the kernels at hand, or of the method's statements. */
static const tdagi_pool *pool_of(const tdagi_mil_writer *w)
{
    return w->now.r != NULL ? w->now.r->pool : w->pool;
}

/* An input of which an axis is that symbol; its shape, and from it the size. */
static tdagi_mil read_symbol(tdagi_mil_writer *w, uint32_t s)
{
    const tdag_dim symbol = tdagi_pool_symbol_dim(pool_of(w), s);
    for (uint32_t i = 0; w->now.r != NULL && i < w->now.g->n_inputs; i++) {
        const uint32_t kernel = w->now.r->kernel_of[w->now.g->inputs[i].id];
        const tdagi_node *n = tdagi_graph_node(w->now.g, w->now.g->inputs[i]);
        for (uint32_t axis = 0; axis < n->rank; axis++) {
            if (n->shape[axis] != symbol) continue;
            tdagi_mil x = kernel != 0 ? tdagi_mil_of(w, kernel) : w->now.arguments[i];
            return tdagi_mil_size_of(w, x, axis);
        }
    }
    tdagi_mil v = tdagi_mil_method_size(w, tdagi_pool_symbol(pool_of(w), s, NULL));
    if (v != NULL) return v;
    tdagi_mil_fail(w, TDAG_E_UNSUPPORTED,
                   "a size that is no input's size by itself; give it as a number "
                   "(--at)");
    return NULL;
}

static tdagi_mil symbol_of(tdagi_mil_writer *w, uint32_t s)
{
    if (w->now.r == NULL) return read_symbol(w, s);
    if (w->now.symbols[s] == NULL) w->now.symbols[s] = read_symbol(w, s);
    return w->now.symbols[s];
}

/* ---- expressions ---- */

typedef struct reader {
    tdagi_mil_writer *w;
    const char *s;
} reader;

static tdagi_mil read_sum(reader *r);

static tdagi_mil binary(reader *r, const char *format, tdagi_mil x, tdagi_mil y)
{
    return tdagi_mil_op(r->w, &scalar_type, format, x, y);
}

static tdagi_mil read_name(reader *r)
{
    size_t n = strcspn(r->s, "*+-/,()");
    const bool is_call = r->s[n] == '(';
    const char *name = r->s;
    r->s += n;
    if (!is_call) {
        const uint32_t count = tdagi_pool_n_symbols(pool_of(r->w));
        for (uint32_t i = 0; i < count; i++) {
            const char *of = tdagi_pool_symbol(pool_of(r->w), i, NULL);
            if (strlen(of) == n && memcmp(of, name, n) == 0) return symbol_of(r->w, i);
        }
        return NULL;
    }
    const char *format = name[0] == 'f'   ? "floor_div(x=%v, y=%v)"
                         : name[1] == 'a' ? "maximum(x=%v, y=%v)"
                                          : "minimum(x=%v, y=%v)";
    r->s++;
    tdagi_mil v = read_sum(r);
    while (*r->s == ',' || *r->s == '/') {
        r->s++;
        v = binary(r, format, v, read_sum(r));
    }
    r->s++;
    return v;
}

static tdagi_mil read_factor(reader *r)
{
    if (*r->s >= '0' && *r->s <= '9') {
        char *end;
        const double x = (double)strtol(r->s, &end, 10);
        r->s = end;
        return tdagi_mil_scalar(r->w, TDAG_I64, x);
    }
    if (*r->s != '(') return read_name(r);
    r->s++;
    tdagi_mil v = read_sum(r);
    r->s++;
    return v;
}

static tdagi_mil read_product(reader *r)
{
    tdagi_mil v = read_factor(r);
    while (*r->s == '*') {
        r->s++;
        v = binary(r, "mul(x=%v, y=%v)", v, read_factor(r));
    }
    return v;
}

static tdagi_mil read_sum(reader *r)
{
    tdagi_mil v = *r->s == '-' ? tdagi_mil_scalar(r->w, TDAG_I64, 0) : read_product(r);
    while (*r->s == '+' || *r->s == '-') {
        const bool is_minus = *r->s++ == '-';
        v = binary(r, is_minus ? "sub(x=%v, y=%v)" : "add(x=%v, y=%v)", v,
                   read_product(r));
    }
    return v;
}

tdagi_mil tdagi_mil_dim(tdagi_mil_writer *w, tdag_dim d)
{
    int64_t number;
    if (w->status != TDAG_OK) return NULL;
    if (tdagi_dim_is_const(pool_of(w), d, &number))
        return tdagi_mil_scalar(w, TDAG_I64, (double)number);
    const size_t n = tdagi_dim_text(pool_of(w), d, NULL, 0);
    char *text = tdagi_mil_alloc(w, n + 1);
    if (text == NULL) return NULL;
    tdagi_dim_text(pool_of(w), d, text, n + 1);
    reader r = {w, text};
    return read_sum(&r);
}

void tdagi_mil_size(tdagi_mil_writer *w, const tdagi_kernel *k, const tdagi_size *size)
{
    const char *to = tdagi_mil_dtype_name(w, (tdag_dtype)k->dtype);
    tdagi_mil n = tdagi_mil_dim(w, size->n);
    tdagi_type type;
    tdagi_mil_type_of(k, &type);
    if (size->is_ratio || k->dtype != TDAG_I64)
        n = tdagi_mil_op(w, &type, "cast(x=%v, dtype=%s)", n, to);
    if (size->is_ratio)
        n = tdagi_mil_op(w, &type, "real_div(x=%v, y=%v)", n,
                         tdagi_mil_op(w, &type, "cast(x=%v, dtype=%s)",
                                      tdagi_mil_dim(w, size->by), to));
    tdagi_mil_set(w, k, n);
}

static bool all_numbers(const tdagi_mil_writer *w, uint32_t n, const tdag_dim *dims,
                        int64_t *numbers)
{
    for (uint32_t i = 0; i < n; i++)
        if (!tdagi_dim_is_const(pool_of(w), dims[i], &numbers[i])) return false;
    return true;
}

tdagi_mil tdagi_mil_dims(tdagi_mil_writer *w, uint32_t n, const tdag_dim *dims)
{
    const tdagi_type vector = {TDAG_I64, 1, {n}};
    int64_t numbers[2 * TDAG_MAX_RANK];
    tdagi_mil parts[2 * TDAG_MAX_RANK]; /* scalars: the elements of what they join */
    if (all_numbers(w, n, dims, numbers)) return tdagi_mil_ints(w, n, numbers);
    for (uint32_t i = 0; i < n; i++)
        parts[i] = tdagi_mil_dim(w, dims[i]);
    return tdagi_mil_op(w, &vector, "concat(values=%n, axis=0, interleave=false)", n,
                        parts);
}

/* ---- reshapes ---- */

/* The same tensor, which stands for a shape that it does not have, or for its own. */
static tdagi_mil held_as(tdagi_mil_writer *w, tdagi_mil x, const tdagi_type *type)
{
    tdagi_mil_value *v = tdagi_mil_alloc(w, sizeof *v);
    if (v == NULL) return NULL;
    *v = *x;
    v->held = x->held != NULL ? x->held : &x->type;
    v->type = *type;
    if (tdagi_mil_same_shape(type, v->held)) v->held = NULL;
    return v;
}

tdagi_mil tdagi_mil_reshape(tdagi_mil_writer *w, tdagi_mil x, uint32_t rank,
                            const tdag_dim *shape)
{
    tdagi_type type = {TDAG_F32, rank, {0}};
    int64_t numbers[TDAG_MAX_RANK];
    uint32_t n_open = 0;
    bool has_zero = false;
    if (x == NULL) return NULL;
    type.dtype = x->type.dtype;
    for (uint32_t i = 0; i < rank; i++) {
        type.shape[i] = shape[i];
        numbers[i] = shape[i] < 0 ? -1 : shape[i];
        n_open += shape[i] < 0;
        has_zero = has_zero || shape[i] == 0;
    }
    if (tdagi_mil_same_shape(&type, &x->type)) return x;
    if (rank > TDAGI_MIL_MAX_RANK) return held_as(w, x, &type);
    if (tdagi_mil_is_empty(&type)) return tdagi_mil_empty(w, &type);
    if (x->held != NULL && tdagi_mil_same_shape(&type, x->held))
        return held_as(w, x, &type);
    if (x->elements != NULL && n_open == 0)
        return tdagi_mil_numbers(w, type.dtype, rank, shape, x->elements);
    if (rank == 0) return tdagi_mil_op(w, &type, "squeeze(x=%v)", x);
    tdagi_mil to = n_open <= 1 && !has_zero ? tdagi_mil_ints(w, rank, numbers)
                                            : tdagi_mil_dims(w, rank, shape);
    return tdagi_mil_op(w, &type, "reshape(x=%v, shape=%v)", x, to);
}
