/* Dispatch of operators: the row of a node, its arguments by name, the check that no
 * argument was overlooked, and in-place forms by way of the pure ones. */
#include "aten/aten.h"

#include <stdio.h>
#include <string.h>

#include "aten/control/journal.h"
#include "aten/selection.h"

/* Arguments of any operator that say where and how, not what. */
static const char everywhere[] = "device pin_memory layout memory_format non_blocking "
                                 "generator requires_grad cudnn_enabled cudnn_enable "
                                 "benchmark deterministic allow_tf32";

/* ---- the check of unread arguments ---- */

static bool listed(const char *names, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = names; (p = strstr(p, name)) != NULL; p += n)
        if ((p == names || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0')) return true;
    return false;
}

static bool is_default(tdagi_call *c, uint32_t i)
{
    if (c->args[i].kind == TDAGI_ANY_NONE) return true;
    tdagi_any d;
    if (!tdagi_default_get(c->env, &c->schema->args[i].by_default, &d)) return false;
    bool assumed = false;
    return tdagi_any_equal(c->env, c->args[i], d, &assumed) && !assumed;
}

static void check_unread(tdagi_call *c)
{
    for (uint32_t i = 0; i < c->schema->n_args && i < c->n && i < 64; i++) {
        if ((c->read >> i & 1) != 0) continue;
        const char *name = c->schema->args[i].name;
        if (listed(everywhere, name) || listed(tdagi_aten_row_ignorable(c->row), name))
            continue;
        if (is_default(c, i)) continue;
        tdagi_env_issue(c->env, "%s with %s = %s", tdagi_schema_name(c->env, c->schema),
                        name, tdagi_any_text(c->env, c->args[i]));
    }
}

/* ---- results ---- */

/* Stores a pure result into argument 0. */
static tdagi_any store(tdagi_call *c, tdagi_any self, tdagi_any result)
{
    if (result.kind == TDAGI_ANY_LIST && self.kind == TDAGI_ANY_LIST) { /* l += [1] */
        tdagi_journal_note_seq(c->env, self.u.seq);
        tdagi_seq_take(self.u.seq, result.u.seq);
    }
    if (tdagi_any_is_number(self)) return result; /* a tensor that is known as one */
    if (self.kind == TDAGI_ANY_DATA && tdagi_any_is_tensor(result)) { /* the same */
        tdag_dtype d = tdagi_cell_dtype(c->env, self.u.tensor);
        tdagi_cell_write(c->env, self.u.tensor, tdagi_as(c, result, d));
        return self;
    }
    if (result.kind != TDAGI_ANY_TENSOR || self.kind != TDAGI_ANY_TENSOR)
        return self.kind == TDAGI_ANY_TENSOR ? result : self;
    if (result.u.tensor == self.u.tensor) return self;
    const tdagi_any *number = tdagi_cell_number(result.u.tensor);
    tdagi_cell *t = self.u.tensor;
    bool whole = t->parent == NULL || t->view.kind == TDAGI_VIEW_ALIAS;
    if (number != NULL && whole && tdagi_cell_rank(c->env, t) == 0 &&
        tdagi_cell_dtype(c->env, t) == result.u.tensor->dtype) {
        tdagi_any kept = *number;
        tdagi_cell_write(c->env, t, tdagi_cell_read(c->env, result.u.tensor));
        tdagi_any *known = tdagi_env_alloc(c->env, sizeof(kept));
        if (known == NULL) return self;
        *known = kept;
        t->known = known;
        t->dtype = tdagi_cell_dtype(c->env, t);
        t->known_rank = 0;
        t->n_known = 1;
        return self;
    }
    tdag_value old = tdagi_cell_read(c->env, t);
    tdag_value v = tdagi_cast(c->b, tdagi_cell_read(c->env, result.u.tensor),
                              tdagi_cell_dtype(c->env, t));
    if (old.id == 0 || v.id == 0) return self;
    if (tdagi_rank(c, v) == tdagi_rank(c, old)) /* sizes that a run compares */
        tdagi_match_shape(c, &v, tdagi_rank(c, old), tdagi_shape(c, old));
    if (v.id == 0) return self;
    if (!tdagi_same_shape(c, v, tdagi_rank(c, old), tdagi_shape(c, old)))
        return tdagi_call_fail(
            c, TDAG_E_SHAPE, "the result does not have the shape of what it replaces");
    tdagi_cell_write(c->env, t, v);
    return self;
}

/* The same of complex tensors, half by half; a real result has no imaginary part. */
static tdagi_any store_pair(tdagi_call *c, tdagi_any self, tdagi_any result)
{
    if (self.kind != TDAGI_ANY_COMPLEX) {
        c->bad = true;
        return tdagi_env_issue(c->env, "%s, which puts complex numbers into %s",
                               tdagi_schema_name(c->env, c->schema),
                               tdagi_any_text(c->env, self));
    }
    tdagi_any im = tdagi_complex_half(c, result, true);
    store(c, tdagi_complex_half(c, self, false), tdagi_complex_half(c, result, false));
    store(c, tdagi_complex_half(c, self, true), im);
    return self;
}

static tdagi_any store_any(tdagi_call *c, tdagi_any self, tdagi_any result)
{
    bool pair = self.kind == TDAGI_ANY_COMPLEX ||
                (self.kind == TDAGI_ANY_TENSOR && result.kind == TDAGI_ANY_COMPLEX);
    if (pair && result.kind != TDAGI_ANY_POISON) return store_pair(c, self, result);
    return store(c, self, result);
}

/* The result of an operator in place, by its pure form. A form that shows its argument
 * changes what that shows: x.unsqueeze_(0). */
static tdagi_any store_in_place(tdagi_call *c, tdagi_any result)
{
    tdagi_any self = c->args[0];
    bool pair = self.kind == TDAGI_ANY_COMPLEX;
    bool shows = (result.kind == TDAGI_ANY_TENSOR || pair) &&
                 result.kind == self.kind && result.u.tensor->parent == self.u.tensor;
    if (shows && pair && result.u.tensor->imag->parent != self.u.tensor->imag)
        shows = false;
    if (!shows) return store_any(c, self, result);
    if (result.u.tensor->view.kind == TDAGI_VIEW_ALIAS) return self;
    if (self.u.tensor->is_leaf)
        return tdagi_env_issue(c->env,
                               "%s of a tensor that lives between calls, which has "
                               "another shape in the next one",
                               tdagi_schema_name(c->env, c->schema));
    tdagi_cell *im = pair ? self.u.tensor->imag : NULL;
    if (im != NULL) tdagi_cell_become(c->env, im, result.u.tensor->imag);
    tdagi_cell_become(c->env, self.u.tensor, result.u.tensor);
    return self;
}

/* ---- dispatch ---- */

/* A failure of the builder or the pool as one of this operator; an unsupported case as
 * an issue. */
static tdagi_any settle(tdagi_call *c, tdagi_any out)
{
    tdagi_env *env = c->env;
    tdag_status st = tdag_builder_get_status(env->b);
    if (tdagi_pool_status(env->pool) != TDAG_OK) /* the cause of whatever follows */
        st = tdagi_pool_report(env->ctx, env->pool);
    if (st == TDAG_E_UNSUPPORTED) {
        const char *why = tdagi_env_text(env, "%s", env->ctx->error.message);
        tdagi_builder_forgive(env->b);
        return tdagi_env_issue(env, "%s: %s", tdagi_schema_name(env, c->schema), why);
    }
    if (st == TDAG_OK) return out;
    tdagi_env_fail_here(env, st, tdagi_schema_name(env, c->schema));
    return tdagi_any_poison();
}

/* The tensor of out=, of an operator of one result; a list of several stays unread. */
static tdagi_any target_of(tdagi_call *c)
{
    uint64_t read = c->read;
    tdagi_any target = tdagi_arg(c, "out");
    if (target.kind != TDAGI_ANY_TENSOR && target.kind != TDAGI_ANY_COMPLEX)
        c->read = read;
    return target;
}

/* Whether its text is not the one that it has in a run. */
static bool is_open_text(tdagi_env *env, tdagi_any v)
{
    for (uint32_t i = 0; tdagi_any_is_seq(v) && i < v.u.seq->n; i++)
        if (tdagi_any_is_tensor(v.u.seq->v[i])) return true;
    return tdagi_any_is_tensor(v) || tdagi_any_is_open(env, v);
}

/* Texts in which symbols stand by their names, as str(n), and numbers of tensor data as
 * words: so is what is made of them, and a comparison of them is decided at no size. */
static tdagi_any follow_texts(tdagi_call *c, tdagi_any out)
{
    bool text = false;
    for (uint32_t i = 0; i < c->n; i++) {
        text |= c->args[i].kind == TDAGI_ANY_STRING && c->args[i].assumed;
        if (out.kind == TDAGI_ANY_STRING)
            out.assumed |= is_open_text(c->env, c->args[i]);
    }
    if (!text || out.kind == TDAGI_ANY_STRING || out.kind == TDAGI_ANY_POISON)
        return out;
    out.assumed |= out.kind == TDAGI_ANY_BOOL;
    bool kept = tdagi_any_is_seq(out) && tdagi_any_is_seq(c->args[0]) &&
                out.u.seq == c->args[0].u.seq; /* put into a list */
    bool shown = out.kind == TDAGI_ANY_NONE && c->args[0].kind != TDAGI_ANY_DICT;
    return out.kind == TDAGI_ANY_BOOL || kept || shown ? out : tdagi_refuse_open(c);
}

/* Whether it writes to a list or dict that an attribute has. */
static bool changes_attribute(const tdagi_call *c)
{
    if (c->n == 0 || c->schema->n_args == 0 || !c->schema->args[0].is_written)
        return false;
    tdagi_any self = c->args[0];
    if (self.kind == TDAGI_ANY_DICT) return self.u.dict->keys.lives;
    return self.kind == TDAGI_ANY_LIST && self.u.seq->lives;
}

static bool has_shape_of(tdagi_env *env, tdagi_cell *t, tdagi_cell *of)
{
    uint32_t rank = tdagi_cell_rank(env, t);
    if (rank != tdagi_cell_rank(env, of)) return false;
    for (uint32_t i = 0; i < rank; i++)
        if (tdagi_cell_dim(env, t, i) != tdagi_cell_dim(env, of, i)) return false;
    return true;
}

/* What is computed element by element lies in memory as its arguments do. */
static void note_order(tdagi_call *c, tdagi_any out)
{
    if (out.kind != TDAGI_ANY_TENSOR || out.u.tensor->parent != NULL ||
        !tdagi_aten_row_is_elementwise(c->row))
        return;
    for (uint32_t i = 0; i < c->n; i++) {
        tdagi_cell *t =
            c->args[i].kind == TDAGI_ANY_TENSOR ? c->args[i].u.tensor : NULL;
        if (t == NULL || t == out.u.tensor || !has_shape_of(c->env, out.u.tensor, t))
            continue;
        out.u.tensor->is_permuted |=
            t->is_permuted || !tdagi_cell_is_contiguous(c->env, t);
    }
}

/* Whether it has no tensors, but numbers that depend on data. */
static bool of_numbers(const tdagi_call *c)
{
    bool data = false, tensor = false;
    for (uint32_t i = 0; i < c->n; i++) {
        data |= c->args[i].kind == TDAGI_ANY_DATA;
        tensor |= c->args[i].kind == TDAGI_ANY_TENSOR;
    }
    return data && !tensor;
}

static tdagi_any run_row(tdagi_call *c)
{
    tdagi_env *env = c->env;
    if (changes_attribute(c))
        return tdagi_env_issue(env, "%s of an attribute, which lives between calls",
                               tdagi_schema_name(env, c->schema));
    uint32_t noted = env->n_noted;
    tdagi_any target = target_of(c);
    tdagi_aten_fn way = tdagi_complex_way(c);
    tdagi_any out = way != NULL ? way(c) : c->row->fn(c);
    bool missing = out.kind == TDAGI_ANY_POISON && out.u.issue == NULL;
    if ((c->bad || missing) && env->n_noted == noted && tdagi_env_ok(env) &&
        tdag_builder_get_status(env->b) == TDAG_OK)
        tdagi_env_issue(env, "%s with these arguments",
                        tdagi_schema_name(env, c->schema));
    if (!c->bad) out = follow_texts(c, out);
    if (!c->bad && out.kind == TDAGI_ANY_TENSOR &&
        tdagi_aten_row_is_elementwise(c->row) && of_numbers(c))
        out = tdagi_as_number(c, c->args[0], tdagi_any_none(), out);
    if (!c->bad) note_order(c, out);
    if (c->bad) out = tdagi_any_poison();
    if (!c->bad && tdagi_env_ok(env) && !c->schema->is_vararg) check_unread(c);
    if (c->schema->in_place_of_row && tdagi_env_ok(env)) out = store_in_place(c, out);
    bool to = target.kind == TDAGI_ANY_TENSOR || target.kind == TDAGI_ANY_COMPLEX;
    bool from = out.kind == TDAGI_ANY_TENSOR || out.kind == TDAGI_ANY_COMPLEX;
    if (to && from && tdagi_env_ok(env)) out = store_any(c, target, out);
    return settle(c, out);
}

/* An operator without a row: an issue, or an opaque node where those are wanted. */
static tdagi_any run_unknown(tdagi_call *c, bool poison)
{
    tdagi_env *env = c->env;
    if (env->opaque != NULL)
        return poison ? tdagi_any_poison() : env->opaque(env, c->schema, c->args, c->n);
    const char *why = tdagi_aten_refusal(c->schema->name);
    return tdagi_env_issue(env, why == NULL ? "%s%s" : "%s: %s",
                           tdagi_schema_name(env, c->schema), why == NULL ? "" : why);
}

/* The arguments with those that were left out. */
static const tdagi_any *complete(tdagi_env *env, const tdagi_schema *s,
                                 const tdagi_any *args, uint32_t n_args)
{
    if (n_args >= s->n_args) return args;
    tdagi_any *all = tdagi_env_alloc(env, s->n_args * sizeof(*all));
    if (all == NULL) return NULL;
    for (uint32_t i = 0; i < s->n_args; i++) {
        all[i] = i < n_args ? args[i] : tdagi_any_none();
        if (i >= n_args) tdagi_default_get(env, &s->args[i].by_default, &all[i]);
    }
    return all;
}

tdagi_any tdagi_aten_call(tdagi_env *env, const tdagi_schema *schema,
                          const tdagi_any *args, uint32_t n_args)
{
    tdagi_schema bound = *schema;
    if (!tdagi_env_ok(env)) return tdagi_any_poison();
    if (!bound.is_bound) tdagi_schema_bind(&bound);
    tdagi_call c = {.env = env,
                    .b = env->b,
                    .schema = &bound,
                    .row = bound.row,
                    .data = bound.row == NULL ? 0 : bound.row->data,
                    .n = n_args < bound.n_args ? bound.n_args : n_args,
                    .args = complete(env, &bound, args, n_args)};
    if (c.n > 0 && c.args == NULL) return tdagi_any_poison();
    tdagi_any picked;
    if (!tdagi_selection_enter(&c, &picked)) return tdagi_any_poison();
    bool poison = false;
    for (uint32_t i = 0; i < c.n; i++)
        poison |= tdagi_env_note_poison(env, &c.args[i]);
    if (c.row == NULL) return run_unknown(&c, poison);
    if (poison) return tdagi_any_poison();
    return tdagi_selection_leave(&c, picked, run_row(&c));
}

tdagi_any tdagi_aten_call_named(tdagi_env *env, const char *name, const char *overload,
                                uint32_t n_args, const tdagi_any *args)
{
    tdagi_schema schema;
    unsigned lines = TDAGI_PYTORCH_1_13 | TDAGI_PYTORCH_2_13;
    if (!tdagi_schemas_find(env, name, overload, lines, &schema))
        return tdagi_env_issue(env, "%s of a list whose length a run tells", name);
    return tdagi_aten_call(env, &schema, args, n_args);
}
