/* Branches and loops. What is known is decided; what data decides becomes a statement.
 */
#include "coreml/read/import.h"

#include "aten/aten.h"
#include "aten/control/merge.h"
#include "aten/selection.h"
#include "derive/derive.h"
#include "program/outline/outline.h"

#define MOST_TRIES 16

/* ---- values ---- */

/* A tensor as the run has it, whatever is known of it. */
static tdagi_any as_data(tdagi_cml *im, tdagi_any v)
{
    v = tdagi_settled(&im->env, v);
    if (v.kind != TDAGI_ANY_TENSOR || v.u.tensor->known == NULL) return v;
    tdag_value x = tdagi_cell_read(&im->env, v.u.tensor);
    return tdagi_any_tensor(tdagi_cell_new(&im->env, x));
}

static tdag_value truth(tdagi_cml *im, tdagi_any c)
{
    if (tdagi_any_is_number(c)) c = tdagi_number_tensor(&im->env, c);
    if (!tdagi_any_is_tensor(c)) {
        if (!tdagi_env_note_poison(&im->env, &c))
            tdagi_env_issue(&im->env, "a condition that is no number");
        return TDAG_NO_VALUE;
    }
    tdag_value v = tdagi_cell_read(&im->env, c.u.tensor);
    if (v.id != 0 && tdag_builder_get_rank(im->env.b, v) > 0)
        v = tdagi_reshape(im->env.b, v, 0, NULL);
    return v.id == 0 ? v : tdagi_cast(im->env.b, v, TDAG_BOOL);
}

static bool is_decided(tdagi_any c) { return c.kind == TDAGI_ANY_BOOL && !c.assumed; }

/* What a block gives; its names are forgotten. */
static tdagi_any *run_block(tdagi_cml *im, const Cml__Block *block, const tdagi_any *in)
{
    tdagi_cml_value *last = im->last;
    for (size_t i = 0; in != NULL && i < block->n_inputs; i++)
        tdagi_cml_define(im, block->inputs[i]->name, in[i]);
    if (tdagi_env_ok(&im->env)) tdagi_cml_run(im, block);
    tdagi_any *out = tdagi_env_alloc(&im->env, (block->n_outputs + 1) * sizeof(*out));
    for (size_t i = 0; out != NULL && i < block->n_outputs && tdagi_env_ok(&im->env);
         i++)
        out[i] = tdagi_cml_get(im, block->outputs[i]);
    tdagi_cml_leave(im, last);
    return tdagi_env_ok(&im->env) ? out : NULL;
}

static void give_all(tdagi_cml *im, const Cml__Operation *op, const tdagi_any *v)
{
    if (v == NULL) return;
    tdagi_any all =
        tdagi_any_seq(&im->env, TDAGI_ANY_TUPLE, (uint32_t)op->n_outputs, v);
    if (tdagi_env_ok(&im->env)) tdagi_cml_give(im, op, all);
}

static tdagi_outline_statement *add_statement(tdagi_cml *im, int kind)
{
    const tdagi_statement_spec what = {.kind = (uint8_t)kind};
    tdagi_settle_all(&im->env);
    tdagi_outline_statement *s = tdagi_outline_add(im->env.outline, &what);
    if (s == NULL && tdagi_env_ok(&im->env)) im->env.status = tdagi_nomem(im->env.ctx);
    return s;
}

/* ---- cond ---- */

static void walk_arm(tdagi_cml *im, const Cml__Block *block, tdagi_outline_statement *s,
                     tdagi_any **out)
{
    tdagi_outline_block *b = tdagi_outline_open(im->env.outline, s);
    if (b == NULL) return;
    *out = run_block(im, block, NULL);
    for (size_t i = 0; *out != NULL && i < block->n_outputs; i++)
        (*out)[i] = as_data(im, (*out)[i]);
    tdagi_outline_close(im->env.outline);
}

static void branch(tdagi_cml *im, const Cml__Operation *op, tdagi_any c)
{
    tdagi_env *env = &im->env;
    tdagi_outline *o = env->outline;
    tdagi_outline_statement *s = add_statement(im, TDAGI_IF);
    tdag_value v = truth(im, c);
    if (s == NULL || v.id == 0) return;
    s->inputs = tdagi_outline_keep(o, 1, &v);
    tdagi_arms arms = {.env = env, .n_symbols = tdagi_pool_n_symbols(env->pool)};
    tdagi_any *given[2] = {NULL, NULL};
    for (int i = 0; i < 2 && tdagi_env_ok(env); i++)
        walk_arm(im, op->blocks[i], s, &given[i]);
    tdagi_any *out = tdagi_env_alloc(env, (op->n_outputs + 1) * sizeof(*out));
    if (given[0] == NULL || given[1] == NULL || out == NULL) return;
    for (size_t i = 0; i < op->n_outputs && tdagi_env_ok(env); i++)
        out[i] = tdagi_merge(&arms, given[0][i], given[1][i]);
    for (int i = 0; i < 2; i++)
        s->blocks[i]->yields = tdagi_outline_keep(o, arms.n, arms.yields[i]);
    s->results = tdagi_outline_keep(o, arms.n, arms.results);
    s->bindings = arms.bindings;
    s->n_bindings = arms.n_bindings;
    give_all(im, op, out);
}

static bool has_blocks(tdagi_cml *im, const Cml__Operation *op, size_t inputs)
{
    bool ok = op->n_blocks == 2;
    for (size_t i = 0; ok && i < 2; i++)
        ok = op->blocks[i] != NULL && op->blocks[i]->n_inputs == inputs;
    if (!ok) tdagi_cml_bad(im, "it does not have the two blocks that it needs");
    return ok;
}

void tdagi_cml_cond(tdagi_cml *im, const Cml__Operation *op)
{
    const Cml__Argument *a = tdagi_cml_argument(op, "pred");
    if (!has_blocks(im, op, 0)) return;
    for (int i = 0; i < 2; i++)
        if (op->blocks[i]->n_outputs != op->n_outputs)
            tdagi_cml_bad(im, "a block gives another number of values");
    if (a == NULL || a->n_arguments != 1) tdagi_cml_bad(im, "it has no operand pred");
    if (!tdagi_env_ok(&im->env)) return;
    tdagi_any c = tdagi_any_evaluated(&im->env, tdagi_cml_binding(im, a->arguments[0]));
    if (tdagi_env_note_poison(&im->env, &c))
        tdagi_cml_give(im, op, tdagi_any_poison());
    else if (is_decided(c))
        give_all(im, op, run_block(im, op->blocks[c.u.b ? 0 : 1], NULL));
    else
        branch(im, op, c);
}

/* ---- while_loop ---- */

typedef struct looping {
    tdagi_cml *im;
    const Cml__Block *condition, *body;
    tdagi_carrying carrying;
    const tdagi_any *entry;
    uint32_t n;
    uint32_t counter;  /* of them; n: none goes from 0 by 1 while it is less than */
    tdagi_any limit;   /* that size, which is how often the loop runs */
    tdagi_any goes_on; /* behind the body */
} looping;

/* Runs while the condition is known: what TorchScript's loops of known length do, too.
 * NULL: data decides it, or it is too long. */
static const tdagi_any *unroll(looping *l)
{
    tdagi_cml *im = l->im;
    tdagi_env *env = &im->env;
    const tdagi_any *now = l->entry;
    for (uint64_t trip = 0; trip <= env->ctx->limits.max_loop_trips; trip++) {
        const tdagi_any *c = run_block(im, l->condition, now);
        tdagi_any goes_on =
            c == NULL ? tdagi_any_none() : tdagi_any_evaluated(env, c[0]);
        if (!is_decided(goes_on)) return NULL;
        if (!goes_on.u.b) return now;
        tdagi_any *next = run_block(im, l->body, now);
        if (next == NULL) return NULL;
        for (uint32_t i = 0; i < l->n; i++) { /* counters stay known */
            tdagi_any v = tdagi_any_evaluated(env, next[i]);
            if (next[i].kind == TDAGI_ANY_TENSOR && v.kind == TDAGI_ANY_INT)
                next[i] = tdagi_any_tensor(
                    tdagi_cell_known(env, tdagi_cell_dtype(env, next[i].u.tensor), v));
        }
        now = next;
    }
    return NULL;
}

/* The values of one kind of all leaves that are carried. */
static uint32_t collect(const looping *l, tdag_value *out, size_t offset)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < l->carrying.n; i++) {
        const tdagi_carried *leaf = &l->carrying.leaves[i];
        if (leaf->param.id == 0) continue;
        out[n++] = *(const tdag_value *)((const char *)leaf + offset);
    }
    return n;
}
#define COLLECT(l, out, member) collect(l, out, offsetof(tdagi_carried, member))

static void keep_symbols(looping *l, tdagi_outline_block *block)
{
    tdag_dim *symbols = tdagi_env_alloc(
        &l->im->env, (l->carrying.n * TDAG_MAX_RANK + 1) * sizeof(*symbols));
    for (uint32_t i = 0; symbols != NULL && i < l->carrying.n; i++)
        for (uint32_t k = 0; k < TDAG_MAX_RANK; k++) {
            const tdagi_carried *leaf = &l->carrying.leaves[i];
            uint32_t j = 0;
            if (leaf->param.id == 0 || (leaf->varies >> k & 1) == 0) continue;
            while (j < block->n_symbols && symbols[j] != leaf->symbols[k])
                j++;
            if (j == block->n_symbols) symbols[block->n_symbols++] = leaf->symbols[k];
        }
    block->symbols = symbols;
}

/* By axis: the file leaves its size open. */
static uint32_t open_axes(const Cml__NamedValueType *v)
{
    const Cml__TensorType *t =
        v == NULL || v->type == NULL ||
                v->type->type_case != CML__VALUE_TYPE__TYPE_TENSOR_TYPE
            ? NULL
            : v->type->tensor_type;
    uint32_t open = 0;
    for (size_t i = 0; t != NULL && i < t->n_dimensions && i < TDAG_MAX_RANK; i++)
        if (t->dimensions[i]->dimension_case == CML__DIMENSION__DIMENSION_UNKNOWN)
            open |= 1u << i;
    return open;
}

/* What comes in with a size, which is open in the body, changes it. */
static tdagi_any carry_in(looping *l, uint32_t i)
{
    tdagi_carrying *c = &l->carrying;
    const tdagi_any entry = l->entry[i];
    const uint32_t at = c->at;
    tdagi_any v = tdagi_carry_in(c, entry);
    if (c->at != at + 1 || entry.kind != TDAGI_ANY_TENSOR) return v;
    tdagi_carried *leaf = &c->leaves[at];
    const uint32_t open = open_axes(l->body->inputs[i]), varies = leaf->varies;
    for (uint32_t k = 0; k < tdagi_cell_rank(c->env, entry.u.tensor); k++)
        if (tdagi_cell_dim(c->env, entry.u.tensor, k) >= 0)
            leaf->varies |= open & 1u << k;
    if (leaf->varies == varies) return v;
    leaf->is_changed = true;
    c->at = at;
    return tdagi_carry_in(c, entry);
}

/* One walk of the body. True: it was the last one. */
static bool try_body(looping *l, tdagi_outline_statement *s)
{
    tdagi_cml *im = l->im;
    tdagi_env *env = &im->env;
    tdagi_outline *o = env->outline;
    tdagi_outline_block *block = tdagi_outline_open(o, s);
    tdagi_any *in = tdagi_env_alloc(env, (l->n + 1) * sizeof(*in));
    if (block == NULL || in == NULL) return true;
    l->carrying.has_changed = false;
    tdag_value index = tdagi_given(env, TDAG_I64, 0, NULL);
    tdagi_env_counter(env, index, l->carrying.trips);
    l->carrying.at = 0;
    for (uint32_t i = 0; i < l->n; i++)
        in[i] = i == l->counter ? tdagi_any_tensor(tdagi_cell_new(
                                      env, tdagi_cast(env->b, index, TDAG_I32)))
                                : carry_in(l, i);
    tdagi_any *next = run_block(im, l->body, in);
    for (uint32_t i = 0; next != NULL && i < l->n; i++)
        next[i] = as_data(im, next[i]);
    const tdagi_any *c =
        next == NULL || l->counter < l->n ? next : run_block(im, l->condition, next);
    l->carrying.at = 0;
    for (uint32_t i = 0; c != NULL && i < l->n && tdagi_env_ok(env); i++)
        if (i != l->counter) tdagi_carry_on(&l->carrying, l->entry[i], next[i]);
    bool is_last = !l->carrying.has_changed || env->n_issues > 0 || c == NULL;
    tdag_value *v = tdagi_env_alloc(env, (l->carrying.n + 1) * sizeof(*v));
    if (is_last && c != NULL && v != NULL && tdagi_env_ok(env)) {
        v[0] = index;
        block->params = tdagi_outline_keep(o, 1 + COLLECT(l, v + 1, param), v);
        const uint32_t head = l->counter < l->n ? 0 : 1;
        if (head > 0) v[0] = truth(im, c[0]);
        block->yields = tdagi_outline_keep(o, head + COLLECT(l, v + head, yield), v);
        keep_symbols(l, block);
    }
    tdagi_outline_close(o);
    return is_last || !tdagi_env_ok(env);
}

static void finish(looping *l, tdagi_outline_statement *s, tdag_value start,
                   const Cml__Operation *op)
{
    tdagi_env *env = &l->im->env;
    tdag_value *v = tdagi_env_alloc(env, (l->carrying.n + 1) * sizeof(*v));
    tdagi_any *out = tdagi_env_alloc(env, (l->n + 1) * sizeof(*out));
    l->carrying.bindings = tdagi_env_alloc(env, (l->carrying.n * TDAG_MAX_RANK + 1) *
                                                    sizeof(*l->carrying.bindings));
    if (v == NULL || out == NULL || l->carrying.bindings == NULL) return;
    l->carrying.at = 0;
    for (uint32_t i = 0; i < l->n; i++)
        out[i] =
            i == l->counter ? l->limit : tdagi_carry_out(&l->carrying, l->entry[i]);
    s->what.has_condition = l->counter == l->n;
    s->what.has_limit = l->counter < l->n;
    v[0] = start;
    s->inputs = tdagi_outline_keep(env->outline, 1 + COLLECT(l, v + 1, entry), v);
    s->results = tdagi_outline_keep(env->outline, COLLECT(l, v, result), v);
    s->bindings = l->carrying.bindings;
    s->n_bindings = l->carrying.n_bindings;
    /* no node is called as a result, which is a statement's */
    l->im->n_before = env->b->graph->n;
    if (tdagi_env_ok(env)) give_all(l->im, op, out);
}

/* Whether a round gives what it takes: it may be made of what could not be read. */
static bool is_carried_on(const looping *l)
{
    bool all = true;
    for (uint32_t i = 0; i < l->carrying.n; i++)
        all = all && (l->carrying.leaves[i].param.id == 0 ||
                      l->carrying.leaves[i].yield.id != 0);
    return all;
}

/* ---- how often it runs ---- */

static const Cml__Operation *that_gives(const Cml__Block *b, const char *name,
                                        const char *type)
{
    for (size_t i = 0; i < b->n_operations; i++)
        if (b->operations[i]->n_outputs == 1 &&
            strcmp(b->operations[i]->outputs[0]->name, name) == 0 &&
            strcmp(b->operations[i]->type, type) == 0)
            return b->operations[i];
    return NULL;
}

/* Whether the operand is that input of the block. */
static bool reads(const Cml__Operation *op, const char *key,
                  const Cml__NamedValueType *v)
{
    const Cml__Argument *a = tdagi_cml_argument(op, key);
    return a != NULL && a->n_arguments == 1 &&
           a->arguments[0]->binding_case == CML__BINDING__BINDING_NAME &&
           strcmp(a->arguments[0]->name, v->name) == 0;
}

/* The operand as it is outside of the loop; none, where it is only inside. */
static tdagi_any outside(looping *l, const Cml__Operation *op, const char *key)
{
    const Cml__Argument *a = tdagi_cml_argument(op, key);
    const Cml__Binding *b = a == NULL || a->n_arguments != 1 ? NULL : a->arguments[0];
    if (b == NULL || (b->binding_case == CML__BINDING__BINDING_NAME &&
                      tdagi_cml_find(l->im, b->name) == NULL))
        return tdagi_any_none();
    return tdagi_cml_binding(l->im, b);
}

static bool is_number(looping *l, tdagi_any v, int64_t n)
{
    int64_t is;
    v = tdagi_any_evaluated(&l->im->env, v);
    return v.kind == TDAGI_ANY_INT && tdagi_any_const_int(&l->im->env, v, &is) &&
           is == n;
}

/* Where a counter goes from 0 by 1 while it is less than a size. */
static void find_counter(looping *l)
{
    l->counter = l->n;
    l->carrying.trips = TDAGI_DIM_BAD;
    const Cml__Operation *less =
        that_gives(l->condition, l->condition->outputs[0], "less");
    for (uint32_t i = 0; i < l->n && less != NULL; i++) {
        if (!reads(less, "x", l->condition->inputs[i])) continue;
        const Cml__Operation *add = that_gives(l->body, l->body->outputs[i], "add");
        if (add == NULL || !reads(add, "x", l->body->inputs[i]) ||
            !is_number(l, outside(l, add, "y"), 1) || !is_number(l, l->entry[i], 0))
            break;
        l->limit = outside(l, less, "y");
        const tdagi_any n = tdagi_any_evaluated(&l->im->env, l->limit);
        if (n.kind != TDAGI_ANY_INT || !tdagi_dim_proves_ge(l->im->env.pool, n.u.i, 0))
            break;
        l->counter = i;
        l->carrying.trips = n.u.i;
        break;
    }
}

/* Whether it runs as often as a size that is open. */
static bool is_open(looping *l)
{
    find_counter(l);
    return l->counter < l->n && l->carrying.trips < 0;
}

static tdag_value limit_of(looping *l)
{
    tdagi_env *env = &l->im->env;
    if (!tdagi_any_is_tensor(l->limit))
        return tdagi_dim_value(env->b, l->carrying.trips);
    tdag_value v = tdagi_cell_read(env, l->limit.u.tensor);
    return v.id == 0 ? v : tdagi_cast(env->b, v, TDAG_I64);
}

static void loop(looping *l, const Cml__Operation *op)
{
    tdagi_cml *im = l->im;
    tdagi_env *env = &im->env;
    tdagi_any *entry = tdagi_env_alloc(env, (l->n + 1) * sizeof(*entry));
    if (entry == NULL) return;
    for (uint32_t i = 0; i < l->n; i++)
        entry[i] = as_data(im, l->entry[i]);
    find_counter(l);
    const bool is_counted = l->counter < l->n;
    const tdagi_any *c = is_counted ? NULL : run_block(im, l->condition, l->entry);
    l->entry = entry;
    l->carrying.env = env;
    l->carrying.n_symbols = tdagi_pool_n_symbols(env->pool);
    tdag_value start = c != NULL    ? truth(im, c[0])
                       : is_counted ? limit_of(l)
                                    : TDAG_NO_VALUE;
    tdagi_outline_statement *s = NULL;
    bool is_done = start.id == 0;
    const uint32_t n_nodes = env->b->graph->n;
    for (int i = 0; i < MOST_TRIES && !is_done && tdagi_env_ok(env); i++) {
        if (s != NULL) tdagi_outline_forget(env->outline, s);
        tdagi_builder_forget_names(env->b, n_nodes);
        s = add_statement(im, TDAGI_LOOP);
        is_done = s == NULL || try_body(l, s);
    }
    if (!is_done && tdagi_env_ok(env))
        tdagi_env_issue(env, "a loop whose carried sizes have no pattern");
    if (s == NULL || !tdagi_env_ok(env)) return;
    if (is_carried_on(l))
        finish(l, s, start, op);
    else
        tdagi_cml_give(im, op, tdagi_any_poison());
}

static const tdagi_any *entry_of(tdagi_cml *im, const Cml__Argument *a)
{
    tdagi_any *entry = tdagi_env_alloc(&im->env, (a->n_arguments + 1) * sizeof(*entry));
    for (size_t i = 0; entry != NULL && i < a->n_arguments; i++)
        entry[i] = tdagi_cml_binding(im, a->arguments[i]);
    return tdagi_env_ok(&im->env) ? entry : NULL;
}

void tdagi_cml_while(tdagi_cml *im, const Cml__Operation *op)
{
    tdagi_env *env = &im->env;
    const Cml__Argument *a = tdagi_cml_argument(op, "loop_vars");
    size_t n = a == NULL ? 0 : a->n_arguments;
    tdagi_any meant;
    if (!has_blocks(im, op, n)) return;
    if (tdagi_cml_meant(im, op, &meant)) {
        if (tdagi_env_ok(env)) tdagi_cml_give(im, op, meant);
        return;
    }
    if (op->blocks[0]->n_outputs != 1 || op->blocks[1]->n_outputs != n ||
        op->n_outputs != n || n > 4096)
        tdagi_cml_bad(im, "its blocks give another number of values");
    if (!tdagi_env_ok(env)) return;
    looping l = {.im = im,
                 .condition = op->blocks[0],
                 .body = op->blocks[1],
                 .entry = n == 0 ? NULL : entry_of(im, a),
                 .n = (uint32_t)n};
    const uint32_t n_statements = env->outline->at->n, n_nodes = env->b->graph->n;
    const uint32_t n_issues = env->n_issues;
    bool poison = false;
    for (size_t i = 0; l.entry != NULL && i < n; i++)
        poison |= tdagi_env_note_poison(env, &l.entry[i]);
    if (poison) {
        tdagi_cml_give(im, op, tdagi_any_poison());
        return;
    }
    l.carrying.env = env;
    const tdagi_any *out = tdagi_env_ok(env) && !is_open(&l) ? unroll(&l) : NULL;
    if (out != NULL) {
        give_all(im, op, out);
        return;
    }
    tdagi_outline_cut_back(env->outline, n_statements);
    tdagi_builder_forget_names(env->b, n_nodes);
    if (tdagi_env_ok(env) && env->n_issues == n_issues) loop(&l, op);
    if (env->n_issues > n_issues && tdagi_env_ok(env))
        tdagi_cml_give(im, op, tdagi_any_poison());
}
