/* What converters write for operators that MIL does not have: read as the operator that
 * was meant. Each is the same function, but for what its comment says. */
#include "coreml/read/import.h"

#include <string.h>

#include "aten/aten.h"

/* ---- operations before ---- */

/* The only name that an operand is, or NULL. */
static const char *name_of(const Cml__Operation *op, const char *operand)
{
    const Cml__Argument *a = op == NULL ? NULL : tdagi_cml_argument(op, operand);
    if (a == NULL || a->n_arguments != 1) return NULL;
    const Cml__Binding *b = a->arguments[0];
    return b->binding_case == CML__BINDING__BINDING_NAME ? b->name : NULL;
}

/* The operation of that type that made an operand, or NULL. */
static const Cml__Operation *maker(tdagi_cml *im, const Cml__Operation *op,
                                   const char *operand, const char *type)
{
    const char *name = name_of(op, operand);
    const tdagi_cml_value *v = name == NULL ? NULL : tdagi_cml_find(im, name);
    const Cml__Operation *made_by = v == NULL ? NULL : v->made_by;
    return made_by != NULL && strcmp(made_by->type, type) == 0 ? made_by : NULL;
}

static bool same_name(const Cml__Operation *a, const char *x, const Cml__Operation *b,
                      const char *y)
{
    const char *p = name_of(a, x), *q = name_of(b, y);
    return p != NULL && q != NULL && strcmp(p, q) == 0;
}

/* A known number; false: it is none. */
static bool number(tdagi_cml *im, const Cml__Operation *op, const char *operand,
                   double *out)
{
    const char *name = name_of(op, operand);
    const tdagi_cml_value *is = name == NULL ? NULL : tdagi_cml_find(im, name);
    if (is == NULL) return false;
    tdagi_any v = tdagi_any_known(tdagi_cml_get(im, name));
    if (!tdagi_any_is_number(v) || v.assumed) return false;
    *out = tdagi_any_sample(&im->env, v);
    return true;
}

static bool is_near(tdagi_cml *im, const Cml__Operation *op, const char *operand,
                    double want)
{
    double is, one = want < 0 ? -want : want;
    return number(im, op, operand, &is) && is - want <= 5e-4 * one &&
           want - is <= 5e-4 * one;
}

/* ---- the traps ---- */

/* Runs a formula on an operand of an operation. */
static tdagi_any eval(tdagi_cml *im, const Cml__Operation *of, const char *operand,
                      const char *formula)
{
    tdagi_cml_call c;
    tdagi_cml_begin(&c, &im->env, &im->room, im->op->type);
    tdagi_any x = tdagi_cml_get(im, name_of(of, operand));
    if (tdagi_env_note_poison(&im->env, &x)) return tdagi_any_poison();
    tdagi_cml_set(&c, "x", x);
    return tdagi_cml_eval(&c, formula);
}

/* x * sigmoid_hard(x, 1/6, 1/2), x perhaps behind a threshold of -3, below which the
 * other factor is 0. */
static bool hard_swish(tdagi_cml *im, const Cml__Operation *op, tdagi_any *out)
{
    static const char *const sides[2] = {"x", "y"};
    for (int i = 0; i < 2; i++) {
        const Cml__Operation *gate = maker(im, op, sides[i], "sigmoid_hard"),
                             *cut = maker(im, op, sides[1 - i], "thresholded_relu");
        if (gate == NULL || !is_near(im, gate, "alpha", 1.0 / 6) ||
            !is_near(im, gate, "beta", 0.5))
            continue;
        bool behind = cut != NULL && is_near(im, cut, "alpha", -3) &&
                      same_name(cut, "x", gate, "x");
        if (!behind && !same_name(op, sides[1 - i], gate, "x")) continue;
        *out = eval(im, gate, "x", "hardswish(x)");
        return true;
    }
    return false;
}

/* rsqrt(y + e): the 1e-12 that rsqrt adds is below what rounding leaves of e. */
static bool rsqrt_of_sum(tdagi_cml *im, const Cml__Operation *op, tdagi_any *out)
{
    double e = 0, least = 0;
    const Cml__Operation *sum = maker(im, op, "x", "add");
    bool small = !number(im, op, "epsilon", &e) || e <= 1e-12;
    bool known =
        sum != NULL && (number(im, sum, "y", &least) || number(im, sum, "x", &least));
    if (!small || !known || least < 1e-7) return false;
    *out = eval(im, op, "x", "rsqrt(x)");
    return true;
}

/* select(i >= 0, i, i + n): positions as PyTorch has them, from the end where negative;
 * those of an embedding are never. */
static bool wrapped_gather(tdagi_cml *im, const Cml__Operation *op, tdagi_any *out)
{
    const Cml__Operation *select = maker(im, op, "indices", "select");
    const Cml__Operation *test = maker(im, select, "cond", "greater_equal"),
                         *sum = maker(im, select, "b", "add");
    double zero, n, axis = 0, batch = 0;
    if (test == NULL || sum == NULL || !number(im, test, "y", &zero) || zero != 0 ||
        !same_name(select, "a", test, "x") || !same_name(sum, "x", test, "x") ||
        !number(im, sum, "y", &n))
        return false;
    number(im, op, "axis", &axis);
    number(im, op, "batch_dims", &batch);
    const char *name = name_of(op, "x");
    tdagi_any x = name == NULL ? tdagi_any_none() : tdagi_cml_get(im, name);
    if (x.kind != TDAGI_ANY_TENSOR || axis != 0 || batch != 0) return false;
    int64_t rows = 0;
    if (tdagi_cell_rank(&im->env, x.u.tensor) == 0 ||
        !tdagi_dim_is_const(im->env.pool, tdagi_cell_dim(&im->env, x.u.tensor, 0),
                            &rows) ||
        (double)rows != n)
        return false;
    tdagi_cml_call c;
    tdagi_any at = tdagi_cml_get(im, name_of(test, "x"));
    tdagi_cml_begin(&c, &im->env, &im->room, op->type);
    if (tdagi_env_note_poison(&im->env, &at)) return false;
    tdagi_cml_set(&c, "x", x);
    tdagi_cml_set(&c, "at", at);
    tdag_value v = tdagi_cell_read(&im->env, x.u.tensor);
    bool is_weight = v.id != 0 && im->env.b->graph->nodes[v.id].op == TDAG_OP_PARAMETER;
    tdagi_cml_set(&c, "is_weight", tdagi_any_bool(is_weight));
    *out =
        tdagi_cml_eval(&c, "if(is_weight, if(is(rank(x), 2), embedding(x, places(at)), "
                           "index(x, [places(at)])), index(x, [places(at)]))");
    return true;
}

bool tdagi_cml_meant(tdagi_cml *im, const Cml__Operation *op, tdagi_any *out)
{
    if (strcmp(op->type, "mul") == 0) return hard_swish(im, op, out);
    if (strcmp(op->type, "rsqrt") == 0) return rsqrt_of_sum(im, op, out);
    if (strcmp(op->type, "gather") == 0) return wrapped_gather(im, op, out);
    return false;
}
