/* Statements that rows add. */
#include "aten/control/statement.h"

#include <string.h>

#include "aten/aten.h"
#include "aten/control/merge.h"
#include "base/tensor.h"
#include "derive/derive.h"

/* A statement with inputs and results of these types; NULL after an issue or failure.
 */
static tdagi_outline_statement *add(tdagi_env *env, const tdagi_statement_spec *what,
                                    const tdagi_applied *a, const tdagi_type *types,
                                    tdag_value *out)
{
    memset(out, 0, a->n_results * sizeof *out);
    for (uint32_t i = 0; i < a->n_inputs; i++)
        if (a->inputs[i].id == 0) return NULL;
    if (env->outline == NULL) {
        tdagi_env_issue(env, "%s",
                        what->kind == TDAGI_DRAW
                            ? "random numbers"
                            : "a size that depends on tensor data");
        return NULL;
    }
    for (uint32_t i = 0; i < a->n_results; i++)
        out[i] = tdagi_given(env, types[i].dtype, types[i].rank, types[i].shape);
    tdagi_outline_statement *s = tdagi_outline_add(env->outline, what);
    if (s != NULL) {
        s->inputs = tdagi_outline_keep(env->outline, a->n_inputs, a->inputs);
        s->results = tdagi_outline_keep(env->outline, a->n_results, out);
    }
    if (env->outline->is_out_of_memory && tdagi_env_ok(env))
        env->status = tdagi_nomem(env->ctx);
    return s;
}

tdag_value tdagi_draw_add(tdagi_env *env, tdagi_draw_kind kind, uint32_t n_inputs,
                          const tdag_value *inputs, const tdagi_type *type)
{
    const tdagi_statement_spec what = {.kind = TDAGI_DRAW, .draw = (uint8_t)kind};
    const tdagi_applied a = {.inputs = inputs, .n_inputs = n_inputs, .n_results = 1};
    tdag_value v;
    add(env, &what, &a, type, &v);
    return v;
}

tdag_value tdagi_truth(tdagi_env *env, tdagi_any c)
{
    if (c.kind != TDAGI_ANY_DATA && c.kind != TDAGI_ANY_TENSOR &&
        !tdagi_any_is_number(c)) {
        if (!tdagi_env_note_poison(env, &c))
            tdagi_env_issue(env, "a condition that is %s", tdagi_any_text(env, c));
        return TDAG_NO_VALUE;
    }
    if (c.kind != TDAGI_ANY_TENSOR) c = tdagi_number_tensor(env, c);
    if (c.kind != TDAGI_ANY_TENSOR) return TDAG_NO_VALUE;
    tdag_value v = tdagi_cell_read(env, c.u.tensor);
    if (v.id != 0 && tdag_builder_get_rank(env->b, v) > 0)
        v = tdagi_reshape(env->b, v, 0, NULL);
    return v.id == 0 ? v : tdagi_cast(env->b, v, TDAG_BOOL);
}

void tdagi_check_add(tdagi_env *env, tdag_value holds, const char *sentence)
{
    const tdagi_statement_spec what = {.kind = TDAGI_CHECK, .text = sentence};
    const tdagi_applied a = {.inputs = &holds, .n_inputs = 1};
    tdag_value none[1];
    add(env, &what, &a, NULL, none);
}

/* ---- equal values ---- */

static bool same_leaf(const tdagi_node *x, const tdagi_node *y)
{
    if (x->op == TDAG_OP_IOTA) return x->shape[0] == y->shape[0];
    if (!tdagi_op_holds_tensor(x->op) || x->rank != 0 || y->rank != 0) return false;
    return tdagi_tensor_get_f64(x->u.tensor, 0) == tdagi_tensor_get_f64(y->u.tensor, 0);
}

/* Whether two values are computed in the same way; looks some nodes up. */
static bool same_value(const tdag_graph *g, tdag_value a, tdag_value b, uint32_t depth)
{
    if (a.id == b.id) return true;
    const tdagi_node *x = &g->nodes[a.id], *y = &g->nodes[b.id];
    if (depth == 0 || x->op != y->op || x->n_inputs != y->n_inputs ||
        x->dtype != y->dtype)
        return false;
    if (x->n_inputs == 0) return same_leaf(x, y);
    const tdagi_field *fields = tdagi_node_def(x)->fields;
    if (fields != NULL && !tdagi_spec_equal(fields, x->u.spec, y->u.spec)) return false;
    for (uint32_t i = 0; i < x->n_inputs; i++)
        if (!same_value(g, tdagi_node_inputs(x)[i], tdagi_node_inputs(y)[i], depth - 1))
            return false;
    return true;
}

bool tdagi_same_value(const tdag_graph *g, tdag_value a, tdag_value b)
{
    return same_value(g, a, b, 10);
}

/* ---- what is found ---- */

static bool is_same(const tdagi_env *env, const tdagi_outline_statement *s,
                    const tdagi_applied *a)
{
    if (s->what.kind != (a->name == NULL ? TDAGI_CALL : TDAGI_APPLY) ||
        s->inputs.n != a->n_inputs || s->results.n != a->n_results)
        return false;
    if (a->name != NULL && (strcmp(s->what.text, a->name) != 0 ||
                            strcmp(s->what.arguments, a->arguments) != 0))
        return false;
    for (uint32_t i = 0; i < a->n_inputs; i++)
        if (!tdagi_same_value(env->b->graph, s->inputs.v[i], a->inputs[i]))
            return false;
    return true;
}

static const tdagi_outline_statement *find(const tdagi_env *env, const tdagi_applied *a)
{
    const tdagi_outline_block *in = env->outline == NULL ? NULL : env->outline->at;
    for (; in != NULL; in = in->parent)
        for (const tdagi_outline_statement *s = in->first; s != NULL; s = s->next)
            if (is_same(env, s, a)) return s;
    return NULL;
}

bool tdagi_apply_again(const tdagi_env *env, const tdagi_applied *a, tdag_value *out)
{
    const tdagi_outline_statement *s = find(env, a);
    if (s != NULL) memcpy(out, s->results.v, a->n_results * sizeof *out);
    return s != NULL;
}

static void bind(tdagi_env *env, tdagi_outline_statement *s,
                 const tdagi_outline_binding *bindings, uint32_t n)
{
    tdagi_outline_binding *kept = tdagi_env_alloc(env, n * sizeof *kept);
    if (s == NULL || kept == NULL) return;
    if (n > 0) memcpy(kept, bindings, n * sizeof *kept);
    s->bindings = kept;
    s->n_bindings = n;
}

void tdagi_apply_add(tdagi_env *env, const tdagi_applied *a, const tdagi_type *types,
                     const tdagi_outline_binding *bindings, uint32_t n_bindings,
                     tdag_value *out)
{
    const tdagi_statement_spec what = {
        .kind = TDAGI_APPLY, .text = a->name, .arguments = a->arguments};
    bind(env, add(env, &what, a, types, out), bindings, n_bindings);
}

/* Two where so many may be: sizes of one broadcast. */
tdag_dim tdagi_found_symbol(tdagi_env *env, const char *prefix, tdag_dim most)
{
    int64_t sample = 2;
    if (most != TDAGI_DIM_BAD && tdagi_dim_sample(env->pool, most) < sample)
        sample = tdagi_dim_sample(env->pool, most);
    return tdagi_new_symbol(env, prefix, sample);
}

/* A number as a dim, where it is made, in a few steps, of constants and of sizes so
 * far.
 */
static bool known_size(const tdagi_env *env, tdag_value n, uint32_t steps,
                       tdag_dim *out)
{
    const tdagi_node *is = tdagi_graph_node(env->b->graph, n);
    const tdagi_applied a = {.inputs = &n, .n_inputs = 1, .n_results = 1};
    const tdagi_outline_statement *before = find(env, &a);
    tdag_dim d[2];
    if (before != NULL) *out = before->bindings[0].symbol;
    if (before != NULL) return true;
    if (tdagi_op_holds_tensor(is->op) && is->op == TDAG_OP_CONSTANT) {
        *out = tdagi_dim_const(env->pool, tdagi_tensor_get_i64(is->u.tensor, 0));
        return true;
    }
    bool is_sum = is->op == TDAG_OP_ADD, is_neg = is->op == TDAG_OP_NEG;
    if (steps == 0 || is->rank != 0 ||
        !(is_sum || is_neg || is->op == TDAG_OP_MULTIPLY))
        return false;
    for (uint32_t i = 0; i < is->n_inputs; i++)
        if (!known_size(env, tdagi_node_inputs(is)[i], steps - 1, &d[i])) return false;
    *out = is_neg   ? tdagi_dim_sub(env->pool, 0, d[0])
           : is_sum ? tdagi_dim_add(env->pool, d[0], d[1])
                    : tdagi_dim_mul(env->pool, d[0], d[1]);
    return true;
}

/* Of a multiple the size is that of what it is a multiple of. */
static tdag_dim times(tdagi_env *env, tdag_value n)
{
    const tdagi_node *is = tdagi_graph_node(env->b->graph, n);
    tdag_dim by;
    for (uint32_t i = 0; is->op == TDAG_OP_MULTIPLY && i < 2; i++) {
        const tdag_value of = tdagi_node_inputs(is)[1 - i];
        if (!known_size(env, tdagi_node_inputs(is)[i], 4, &by) || by < 1) continue;
        tdag_dim size = tdagi_size_add(env, of, TDAGI_DIM_BAD);
        return size == TDAGI_DIM_BAD ? size : tdagi_dim_mul(env->pool, size, by);
    }
    return TDAGI_DIM_BAD;
}

tdag_dim tdagi_size_add(tdagi_env *env, tdag_value n, tdag_dim most)
{
    const tdagi_statement_spec what = {.kind = TDAGI_CALL};
    const tdagi_applied a = {.inputs = &n, .n_inputs = 1, .n_results = 1};
    const tdagi_type number = {.dtype = TDAG_I64};
    tdag_dim d;
    tdag_value v;
    if (n.id == 0 || !tdagi_env_ok(env)) return TDAGI_DIM_BAD;
    if (known_size(env, n, 4, &d) || (d = times(env, n)) != TDAGI_DIM_BAD) return d;
    tdagi_outline_statement *s = add(env, &what, &a, &number, &v);
    if (s == NULL) return TDAGI_DIM_BAD;
    const tdagi_outline_binding b = {tdagi_found_symbol(env, "size", most), most};
    bind(env, s, &b, 1);
    return s->n_bindings == 0 ? TDAGI_DIM_BAD : b.symbol;
}

bool tdagi_is_found(const tdagi_env *env, tdag_dim d)
{
    const tdagi_outline *o = env->outline;
    uint32_t n = o == NULL ? 0 : tdagi_pool_n_symbols(env->pool);
    for (uint32_t i = o == NULL ? 0 : o->body.n_symbols; i < n; i++)
        if (tdagi_dim_has_symbol(env->pool, d, i)) return true;
    return false;
}
