/* Running the statements of an export: names, sizes, lists and calls, each call of an
 * operator by its row and as a node of the program. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pt2/write/write.h"
#include "torchscript/native/syntax.h"

typedef tdagi_source_expr expr;

static tdagi_any eval(tdagi_pt2_writer *w, const expr *x);

/* ---- names ---- */

/* The kernel of "v12" or "t12"; 0: it is another name. */
static uint32_t kernel_of(const tdagi_pt2_writer *w, const char *name)
{
    char *end = NULL;
    if ((*name != 'v' && *name != 't') || name[1] < '0' || name[1] > '9') return 0;
    unsigned long i = strtoul(name + 1, &end, 10);
    return *end == '\0' && i <= w->s->raised->n ? (uint32_t)i : 0;
}

static tdagi_any symbol(tdagi_pt2_writer *w, const char *name)
{
    int64_t sample;
    for (uint32_t i = 0; i < tdagi_pool_n_symbols(w->g->pool); i++)
        if (strcmp(tdagi_pool_symbol(w->g->pool, i, &sample), name) == 0)
            return tdagi_any_dim(tdagi_dim_symbol(w->env.pool, name, sample));
    return tdagi_pt2_fail(w, "a size that makes no sense");
}

static bool is_constant(const tdagi_pt2_writer *w, uint32_t i)
{
    const tdagi_kernel *k = &w->s->raised->kernels[i];
    return k->composite == TDAGI_CORE && k->op == TDAG_OP_CONSTANT;
}

static tdagi_any variable(tdagi_pt2_writer *w, const char *name)
{
    uint32_t i = kernel_of(w, name);
    if (i == 0) return tdagi_pt2_fail(w, "a name that makes no sense");
    tdagi_any *at = *name == 'v' ? &w->values[i] : &w->tuples[i];
    if (at->kind == TDAGI_ANY_POISON && *name == 'v' && is_constant(w, i))
        tdagi_pt2_add_constant(w, i);
    return at->kind == TDAGI_ANY_POISON
               ? tdagi_pt2_fail(w, "a variable that makes no sense")
               : *at;
}

static tdagi_any named(tdagi_pt2_writer *w, const char *name)
{
    if (strncmp(name, "size_", 5) == 0) return symbol(w, name + 5);
    if (strcmp(name, "inf") == 0) return tdagi_any_float((double)INFINITY);
    if (strcmp(name, "nan") == 0) return tdagi_any_float((double)NAN);
    return variable(w, name);
}

/* ---- arithmetic of sizes ---- */

static tdagi_any arithmetic(tdagi_pt2_writer *w, const char *op, tdagi_any a,
                            tdagi_any b)
{
    static const struct {
        const char *op;
        tdagi_fold_op fold;
    } ops[] = {{"+", TDAGI_FOLD_ADD},   {"-", TDAGI_FOLD_SUB},
               {"*", TDAGI_FOLD_MUL},   {"//", TDAGI_FOLD_FLOORDIV},
               {"max", TDAGI_FOLD_MAX}, {"min", TDAGI_FOLD_MIN}};
    tdagi_any out;
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
        if (strcmp(ops[i].op, op) == 0 && tdagi_fold(&w->env, ops[i].fold, a, b, &out))
            return out;
    return tdagi_pt2_fail(w, "an expression that makes no sense");
}

static tdagi_any negative(tdagi_pt2_writer *w, tdagi_any v)
{
    if (v.kind == TDAGI_ANY_FLOAT) return tdagi_any_float(-v.u.f);
    return arithmetic(w, "-", tdagi_any_int(&w->env, 0), v);
}

/* ---- calls ---- */

/* "aten::relu" of torch.relu, "ns::f" of ops.ns.f; NULL: it is no operator. */
static const char *operator_name(tdagi_pt2_writer *w, const expr *f)
{
    if (f->kind != TDAGI_EXPR_ATTR) return NULL;
    const expr *of = f->items[0];
    if (of->kind == TDAGI_EXPR_NAME && strcmp(of->u.s, "torch") == 0)
        return tdagi_env_text(&w->env, "aten::%s", f->u.s);
    if (of->kind == TDAGI_EXPR_ATTR)
        return tdagi_env_text(&w->env, "%s::%s", of->u.s, f->u.s);
    return NULL;
}

static bool opaque(const tdagi_kernel *k)
{
    return k->composite == TDAGI_CORE && k->op == TDAG_OP_OPAQUE;
}

/* Files name every argument, and the names are PyTorch's alone. */
static tdagi_any refuse_opaque(tdagi_pt2_writer *w, const tdagi_kernel *k)
{
    const tdag_opaque_spec *s = k->spec;
    tdagi_env_fail(&w->env, TDAG_E_UNSUPPORTED,
                   "the opaque operator %s, whose arguments' names are not known",
                   s->name);
    return tdagi_any_poison();
}

static tdagi_any call_row(tdagi_pt2_writer *w, const tdagi_source_call *call)
{
    tdagi_resolved to;
    if (!tdagi_pt2_resolve(w, call, &to)) return tdagi_any_poison();
    tdagi_any result = tdagi_aten_call(&w->env, to.schema, to.args, to.n_args);
    if (tdagi_env_ok(&w->env)) tdagi_pt2_add_call(w, &to, result);
    return result;
}

/* max and min of sizes, of several or of a list of them. */
static tdagi_any extreme(tdagi_pt2_writer *w, const char *name, const tdagi_any *args,
                         uint32_t n)
{
    const bool is_list = n == 1 && args[0].kind == TDAGI_ANY_LIST;
    const tdagi_any *v = is_list ? args[0].u.seq->v : args;
    const uint32_t count = is_list ? args[0].u.seq->n : n;
    if (count == 0) return tdagi_pt2_fail(w, "a call that makes no sense");
    tdagi_any out = v[0];
    for (uint32_t i = 1; i < count; i++)
        out = arithmetic(w, name, out, v[i]);
    return out;
}

static tdagi_any call(tdagi_pt2_writer *w, const expr *x)
{
    const tdagi_kernel *k = &w->s->raised->kernels[w->kernel];
    uint32_t n = x->n - 1;
    tdagi_any *args = tdagi_env_alloc(&w->env, (n + 1u) * sizeof(*args));
    if (args == NULL) return tdagi_any_poison();
    for (uint32_t i = 0; i < n; i++)
        args[i] = eval(w, x->items[i + 1]);
    const expr *f = x->items[0];
    if (!tdagi_env_ok(&w->env)) return tdagi_any_poison();
    if (f->kind == TDAGI_EXPR_NAME && n >= 1) return extreme(w, f->u.s, args, n);
    const tdagi_source_call c = {.name = operator_name(w, f),
                                 .n = n,
                                 .n_named = x->n_named,
                                 .args = args,
                                 .names = x->names};
    if (c.name == NULL) return tdagi_pt2_fail(w, "a call that makes no sense");
    return opaque(k) ? refuse_opaque(w, k) : call_row(w, &c);
}

/* ---- expressions ---- */

static tdagi_any sequence(tdagi_pt2_writer *w, const expr *x)
{
    bool is_list = x->kind == TDAGI_EXPR_LIST;
    tdagi_any out =
        tdagi_any_seq(&w->env, is_list ? TDAGI_ANY_LIST : TDAGI_ANY_TUPLE, 0, NULL);
    for (uint32_t i = 0; i < x->n && tdagi_env_ok(&w->env); i++)
        tdagi_seq_append(&w->env, out.u.seq, eval(w, x->items[i]));
    return out;
}

static tdagi_any item(tdagi_pt2_writer *w, const expr *x)
{
    tdagi_any of = eval(w, x->items[0]), at = eval(w, x->items[1]);
    int64_t i = 0;
    if (!tdagi_env_ok(&w->env)) return tdagi_any_poison();
    if (!tdagi_any_is_seq(of) || !tdagi_any_const_int(&w->env, at, &i) || i < 0 ||
        i >= (int64_t)of.u.seq->n)
        return tdagi_pt2_fail(w, "an index that makes no sense");
    return of.u.seq->v[i];
}

/* The parser limits how deep expressions nest. */
static tdagi_any eval(tdagi_pt2_writer *w, const expr *x)
{
    if (!tdagi_env_ok(&w->env)) return tdagi_any_poison();
    switch ((tdagi_source_expr_kind)x->kind) {
    case TDAGI_EXPR_NONE:
        return tdagi_any_none();
    case TDAGI_EXPR_BOOL:
        return tdagi_any_bool(x->u.i != 0);
    case TDAGI_EXPR_INT:
        return tdagi_any_int(&w->env, x->u.i);
    case TDAGI_EXPR_FLOAT:
        return tdagi_any_float(x->u.f);
    case TDAGI_EXPR_STRING:
        return tdagi_any_string(x->u.s);
    case TDAGI_EXPR_NAME:
        return named(w, x->u.s);
    case TDAGI_EXPR_CALL:
        return call(w, x);
    case TDAGI_EXPR_INDEX:
        return item(w, x);
    case TDAGI_EXPR_TUPLE:
    case TDAGI_EXPR_LIST:
        return sequence(w, x);
    case TDAGI_EXPR_MINUS:
        return negative(w, eval(w, x->items[0]));
    case TDAGI_EXPR_BINARY:
        return arithmetic(w, x->u.s, eval(w, x->items[0]), eval(w, x->items[1]));
    case TDAGI_EXPR_ATTR:
    case TDAGI_EXPR_COMPLEX:
    case TDAGI_EXPR_DICT:
    case TDAGI_EXPR_TYPE:
    case TDAGI_EXPR_NOT:
    case TDAGI_EXPR_INVERT:
    case TDAGI_EXPR_TERNARY:
    case TDAGI_EXPR_SLICE:
        break;
    }
    return tdagi_pt2_fail(w, "an expression that makes no sense");
}

/* ---- statements ---- */

/* Whether a tensor is of the type that the kernel has, at the samples of the symbols.
 */
static bool has_type(tdagi_pt2_writer *w, tdagi_cell *cell, const tdagi_kernel *k)
{
    const tdag_dim *shape = tdagi_cell_shape(&w->env, cell);
    if (tdagi_cell_dtype(&w->env, cell) != (tdag_dtype)k->dtype ||
        tdagi_cell_rank(&w->env, cell) != k->rank)
        return false;
    for (uint32_t i = 0; i < k->rank; i++)
        if (tdagi_dim_sample(w->env.pool, shape[i]) !=
            tdagi_dim_sample(w->s->raised->pool, k->shape[i]))
            return false;
    return true;
}

static void assign(tdagi_pt2_writer *w, const expr *target, tdagi_any v)
{
    uint32_t i = target->kind == TDAGI_EXPR_NAME ? kernel_of(w, target->u.s) : 0;
    if (i == 0)
        tdagi_pt2_fail(w, "a target that makes no sense");
    else if (*target->u.s == 't')
        w->tuples[i] = v;
    else if (v.kind == TDAGI_ANY_TENSOR &&
             !has_type(w, v.u.tensor, &w->s->raised->kernels[i]))
        tdagi_pt2_fail(w, "a result of another type that makes no sense");
    else
        w->values[i] = v;
}

static void run(tdagi_pt2_writer *w, const tdagi_source_stmt *s)
{
    if (s->kind != TDAGI_STMT_ASSIGN) {
        tdagi_pt2_fail(w, "a statement that makes no sense");
        return;
    }
    tdagi_any v = eval(w, s->value);
    if (!tdagi_env_ok(&w->env)) return;
    if (s->n_targets == 1) {
        assign(w, s->targets[0], v);
        return;
    }
    for (uint32_t i = 0; i < s->n_targets; i++)
        if (tdagi_any_is_seq(v) && i < v.u.seq->n)
            assign(w, s->targets[i], v.u.seq->v[i]);
        else
            tdagi_pt2_fail(w, "a result that makes no sense");
}

/* The kernel that a statement belongs to, and its module. */
static void advance(tdagi_pt2_writer *w, const tdagi_source_stmt *s)
{
    const tdagi_raised *r = w->s->raised;
    while (w->kernel < r->n && w->s->ends[w->kernel] <= s->offset) {
        w->kernel++;
    }
    tdag_value v = r->kernels[w->kernel].value;
    if (v.id != 0) w->scope = tdagi_value_scope(w->g, v);
}

void tdagi_pt2_run(tdagi_pt2_writer *w)
{
    tdagi_source source;
    if (!tdagi_env_ok(&w->env)) return;
    w->env.status = tdagi_source_parse(w->ctx, &w->env.arena, "the export", w->s->text,
                                       w->s->length, &source);
    if (!tdagi_env_ok(&w->env)) return;
    w->kernel = 1;
    const tdagi_source_stmt *s = source.functions->body;
    for (; s->kind != TDAGI_STMT_RETURN && tdagi_env_ok(&w->env); s = s->next) {
        advance(w, s);
        run(w, s);
    }
    tdagi_env_report(&w->env);
}

tdagi_any tdagi_pt2_value(tdagi_pt2_writer *w, uint32_t i)
{
    const char *name = w->s->values[i];
    if (name == NULL || !tdagi_env_ok(&w->env)) return tdagi_any_poison();
    if (name[strlen(name) - 1] != ']') return variable(w, name);
    /* "t12[1]" */
    const char *bracket = strchr(name, '[');
    tdagi_any tuple =
        variable(w, tdagi_env_text(&w->env, "%.*s", (int)(bracket - name), name));
    uint32_t at = (uint32_t)strtoul(bracket + 1, NULL, 10);
    return tdagi_any_is_seq(tuple) && at < tuple.u.seq->n ? tuple.u.seq->v[at]
                                                          : tdagi_any_poison();
}
