/* What rows do with complex operands: aten.def names a way for each function of rows
 * that has one, and here are those that serve many. A row without a way refuses. */
#include <string.h>

#include "aten/rows/complex/pair.h"

/* Real arguments that are parts of a complex result, so that their imaginary part is
 * zero; what else is real says how and where. */
static const char tensor_names[] =
    " self other src source value values end input weight "
    "bias tensor ",
                  number_names[] = " self other value fill_value data ",
                  list_names[] = " data ";

static bool is_data(const char *name, tdagi_any v)
{
    const char *names = tdagi_any_is_tensor(v)   ? tensor_names
                        : tdagi_any_is_number(v) ? number_names
                                                 : list_names;
    const char *at = strstr(names, name);
    size_t n = strlen(name);
    return n > 0 && at != NULL && at[-1] == ' ' && at[n] == ' ';
}

/* ---- which way ---- */

static tdagi_any refuse(tdagi_call *c)
{
    for (uint32_t i = 0; i < c->n && i < c->schema->n_args; i++)
        if (tdagi_any_is_complex(c->args[i]))
            return tdagi_refuse(c, c->schema->args[i].name);
    for (uint32_t i = 0; i < c->n; i++)
        if (tdagi_any_is_complex(c->args[i])) {
            c->bad = true;
            return tdagi_env_issue(c->env, "%s of %s", c->schema->name,
                                   tdagi_any_text(c->env, c->args[i]));
        }
    return tdagi_env_issue(c->env, "%s of a complex dtype", c->schema->name);
}

/* 8, 9, 10: complex numbers of halves, floats, doubles */
static bool has_complex_dtype(const tdagi_call *c)
{
    for (uint32_t i = 0; i < c->n && i < c->schema->n_args; i++)
        if (strcmp(c->schema->args[i].name, "dtype") == 0)
            return c->args[i].kind == TDAGI_ANY_INT && c->args[i].u.i >= 8 &&
                   c->args[i].u.i <= 10;
    return false;
}

/* Comparisons are a fifth of a table of pointers, which the loader has to relocate. */
static tdagi_aten_fn way_of(tdagi_aten_fn fn)
{
#define PAIRS(handler, way)                                                            \
    if (fn == tdagi_aten_##handler) return tdagi_pairs_##way;
#include "aten/aten.def"
    return refuse;
}

tdagi_aten_fn tdagi_complex_way(tdagi_call *c)
{
    bool is = has_complex_dtype(c);
    for (uint32_t i = 0; i < c->n && !is; i++)
        is = tdagi_any_is_complex(c->args[i]);
    return is ? way_of(c->row->fn) : NULL;
}

tdagi_any tdagi_pairs_own(tdagi_call *c) { return c->row->fn(c); }

/* ---- the row on halves ---- */

/* The part that a half has of an argument. */
static tdagi_any part(tdagi_call *c, uint32_t i, bool imaginary)
{
    tdagi_any v = c->args[i];
    const char *name = i < c->schema->n_args ? c->schema->args[i].name : "";
    tdag_dtype d = tdagi_complex_part(v);
    if (strcmp(name, "dtype") == 0 && d != TDAG_DTYPE_NONE)
        return tdagi_any_int(c->env, tdagi_scalar_type_of_dtype(d));
    if (!tdagi_any_is_complex(v) && !is_data(name, v)) return v;
    return tdagi_complex_half(c, v, imaginary);
}

/* The row with other arguments; what it reads counts as read. */
static tdagi_any run(tdagi_call *c, const tdagi_any *args)
{
    tdagi_call half = *c;
    half.args = args;
    tdagi_any out = half.row->fn(&half);
    c->row = half.row;
    c->read |= half.read;
    c->bad |= half.bad;
    return out;
}

static tdagi_any run_half(tdagi_call *c, bool imaginary)
{
    tdagi_any *args = tdagi_env_alloc(c->env, (c->n + 1) * sizeof(*args));
    if (args == NULL) return tdagi_any_poison();
    for (uint32_t i = 0; i < c->n; i++)
        args[i] = part(c, i, imaginary);
    return run(c, args);
}

static tdagi_any merge(tdagi_call *c, tdagi_any re, tdagi_any im)
{
    if (re.kind != im.kind) return tdagi_any_poison();
    if (tdagi_any_is_stack(re))
        return tdagi_env_issue(c->env, "%s of a complex tensor along a symbolic axis",
                               c->schema->name);
    if (re.kind == TDAGI_ANY_TENSOR)
        return tdagi_cell_complex(c->env, re.u.tensor, im.u.tensor);
    if (!tdagi_any_is_seq(re)) return re;
    for (uint32_t i = 0; i < re.u.seq->n && i < im.u.seq->n; i++)
        re.u.seq->v[i] = merge(c, re.u.seq->v[i], im.u.seq->v[i]);
    return re;
}

/* A function that is linear in its data, as all that only move elements are. */
tdagi_any tdagi_pairs_halves(tdagi_call *c)
{
    if (tdagi_has(c, "dtype") && !has_complex_dtype(c)) return tdagi_refuse(c, "dtype");
    tdagi_call first = *c;
    tdagi_any re = run_half(&first, false);
    tdagi_any im = run_half(c, true);
    c->bad |= first.bad;
    return c->bad ? tdagi_any_poison() : merge(c, re, im);
}

/* What depends on the shape alone. */
tdagi_any tdagi_pairs_shape(tdagi_call *c) { return run_half(c, false); }

/* A conversion to a real dtype keeps the real part. */
tdagi_any tdagi_pairs_to(tdagi_call *c)
{
    bool real = tdagi_has(c, "dtype") && !has_complex_dtype(c);
    if (tdagi_has(c, "other")) real = !tdagi_is_complex(tdagi_arg(c, "other"));
    return real ? run_half(c, false) : tdagi_pairs_halves(c);
}

/* Tensors of one number, whose imaginary part is zero where that is real. */
tdagi_any tdagi_pairs_made(tdagi_call *c)
{
    bool real = tdagi_has(c, "dtype") && !has_complex_dtype(c);
    if (tdagi_is_complex(tdagi_arg(c, "fill_value"))) return tdagi_pairs_halves(c);
    tdagi_any re = run_half(c, false);
    if (real || c->bad || re.kind != TDAGI_ANY_TENSOR) return re;
    tdagi_pair z = {tdagi_cell_read(c->env, re.u.tensor), TDAG_NO_VALUE};
    return tdagi_pair_result(c, z);
}

/* ---- products ---- */

typedef struct factors {
    uint32_t a, b; /* arguments, or items of the list that is argument a */
    bool in_list;
} factors;

/* The row on one half of each factor; bias: whether that half of it is added. */
static tdag_value term(tdagi_call *c, factors f, bool im_a, bool im_b, bool bias)
{
    tdagi_any *args = tdagi_env_alloc(c->env, (c->n + 1) * sizeof(*args));
    if (args == NULL) return TDAG_NO_VALUE;
    for (uint32_t i = 0; i < c->n; i++) {
        const char *name = i < c->schema->n_args ? c->schema->args[i].name : "";
        args[i] = i == f.a && !f.in_list   ? tdagi_complex_half(c, c->args[i], im_a)
                  : i == f.b && !f.in_list ? tdagi_complex_half(c, c->args[i], im_b)
                                           : c->args[i];
        if (strcmp(name, "bias") == 0)
            args[i] = bias ? part(c, i, im_a || im_b) : tdagi_any_none();
    }
    if (f.in_list) {
        const tdagi_any *items = c->args[f.a].u.seq->v;
        tdagi_any both[2] = {tdagi_complex_half(c, items[0], im_a),
                             tdagi_complex_half(c, items[1], im_b)};
        args[f.a] = tdagi_any_seq(c->env, TDAGI_ANY_LIST, 2, both);
    }
    tdagi_any out = run(c, args);
    if (out.kind == TDAGI_ANY_TENSOR) return tdagi_cell_read(c->env, out.u.tensor);
    c->bad = true;
    return TDAG_NO_VALUE;
}

/* Four products, or two where a factor is real. */
static tdagi_any product(tdagi_call *c, factors f, bool is_a, bool is_b)
{
    tdagi_pair z = {TDAG_NO_VALUE, TDAG_NO_VALUE};
    z.re = term(c, f, false, false, true);
    if (is_a && is_b) z.re = tdagi_sub(c->b, z.re, term(c, f, true, true, false));
    z.im = is_b ? term(c, f, false, true, true) : term(c, f, true, false, true);
    if (is_a && is_b) z.im = tdagi_add(c->b, z.im, term(c, f, true, false, false));
    return c->bad ? tdagi_any_poison() : tdagi_pair_result(c, z);
}

tdagi_any tdagi_pairs_product(tdagi_call *c)
{
    factors f = {.a = 0, .b = 1};
    bool is_a = tdagi_is_complex(c->args[0]), is_b = tdagi_is_complex(c->args[1]);
    if (is_a || is_b) return product(c, f, is_a, is_b);
    return refuse(c); /* a complex bias of real operands */
}

/* Of the items of a list, one or two. */
tdagi_any tdagi_pairs_products(tdagi_call *c)
{
    factors f = {.in_list = true};
    while (f.a < c->n && !tdagi_any_is_seq(c->args[f.a]))
        f.a++;
    if (f.a == c->n || c->args[f.a].u.seq->n > 2) return refuse(c);
    if (c->args[f.a].u.seq->n < 2) return tdagi_pairs_halves(c);
    const tdagi_any *items = c->args[f.a].u.seq->v;
    return product(c, f, tdagi_is_complex(items[0]), tdagi_is_complex(items[1]));
}
