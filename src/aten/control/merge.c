/* What a branch gives, of what its arms do. */
#include "aten/control/merge.h"

#include <string.h>

#include "aten/aten.h"
#include "aten/control/decided.h"
#include "aten/control/stack.h"
#include "derive/derive.h"

/* ---- arms ---- */

static bool grow(tdagi_arms *arms)
{
    if (arms->n < arms->capacity) return true;
    uint32_t wider = arms->capacity == 0 ? 16 : 2 * arms->capacity;
    tdagi_env *env = arms->env;
    tdag_value *rows = tdagi_env_alloc(env, 3 * wider * sizeof *rows);
    tdagi_outline_binding *bindings =
        tdagi_env_alloc(env, wider * TDAG_MAX_RANK * sizeof *bindings);
    tdag_dim *joined = tdagi_env_alloc(env, 2 * wider * TDAG_MAX_RANK * sizeof *joined);
    if (rows == NULL || bindings == NULL || joined == NULL) return false;
    tdag_value *parts[] = {rows, rows + wider, rows + 2 * wider};
    if (arms->n > 0) {
        memcpy(parts[0], arms->yields[0], arms->n * sizeof *rows);
        memcpy(parts[1], arms->yields[1], arms->n * sizeof *rows);
        memcpy(parts[2], arms->results, arms->n * sizeof *rows);
        memcpy(bindings, arms->bindings, arms->n_bindings * sizeof *bindings);
        memcpy(joined, arms->joined, 2 * arms->n_bindings * sizeof *joined);
    }
    arms->yields[0] = parts[0];
    arms->yields[1] = parts[1];
    arms->results = parts[2];
    arms->bindings = bindings;
    arms->joined = joined;
    arms->capacity = wider;
    return true;
}

/* The dim behind the if: a symbol of its own where the arms differ. */
static tdag_dim join_dims(tdagi_arms *arms, tdag_dim a, tdag_dim b)
{
    tdagi_pool *pool = arms->env->pool;
    if (a == b) return a;
    for (uint32_t i = 0; i < arms->n_bindings; i++)
        if (arms->joined[2 * i] == a && arms->joined[2 * i + 1] == b)
            return arms->bindings[i].symbol;
    int64_t x = tdagi_dim_sample(pool, a), y = tdagi_dim_sample(pool, b);
    tdag_dim s = tdagi_new_symbol(arms->env, "if", x > y ? x : y);
    arms->joined[2 * arms->n_bindings] = a;
    arms->joined[2 * arms->n_bindings + 1] = b;
    arms->bindings[arms->n_bindings++] = (tdagi_outline_binding){s, TDAGI_DIM_BAD};
    return s;
}

static tdag_value join_values(tdagi_arms *arms, tdag_value yes, tdag_value no)
{
    tdag_builder *b = arms->env->b;
    if (yes.id == 0 || no.id == 0 || !grow(arms)) return TDAG_NO_VALUE;
    uint32_t rank = tdag_builder_get_rank(b, yes);
    tdag_dtype dtype = tdag_builder_get_dtype(b, yes);
    if (rank != tdag_builder_get_rank(b, no) ||
        dtype != tdag_builder_get_dtype(b, no)) {
        tdagi_env_issue(arms->env, "a branch that tensor data decides gives a tensor "
                                   "of one rank or dtype or of another");
        return TDAG_NO_VALUE;
    }
    tdag_dim shape[TDAG_MAX_RANK];
    for (uint32_t i = 0; i < rank; i++)
        shape[i] = join_dims(arms, tdag_builder_get_shape(b, yes)[i],
                             tdag_builder_get_shape(b, no)[i]);
    tdag_value v = tdagi_given(arms->env, dtype, rank, shape);
    arms->yields[0][arms->n] = yes;
    arms->yields[1][arms->n] = no;
    arms->results[arms->n++] = v;
    return v;
}

static tdagi_any differ(tdagi_arms *arms, tdagi_any yes, tdagi_any no)
{
    if (yes.kind == TDAGI_ANY_POISON) return yes;
    if (no.kind == TDAGI_ANY_POISON) return no;
    return tdagi_env_issue_if_used(
        arms->env, "a value that is %s or %s, as tensor data decides",
        tdagi_any_text(arms->env, yes), tdagi_any_text(arms->env, no));
}

static tdagi_any merge_items(tdagi_arms *arms, tdagi_any yes, tdagi_any no)
{
    tdagi_seq *a = yes.u.seq, *b = no.u.seq;
    if (a == b) return yes;
    if (a->n != b->n) return differ(arms, yes, no);
    tdagi_any out = tdagi_any_seq(arms->env, (tdagi_any_kind)yes.kind, 0, NULL);
    for (uint32_t i = 0; i < a->n && tdagi_any_is_seq(out); i++)
        tdagi_seq_append(arms->env, out.u.seq, tdagi_merge(arms, a->v[i], b->v[i]));
    if (tdagi_any_is_seq(out)) {
        out.u.seq->type_name = a->type_name;
        out.u.seq->fields = a->fields;
    }
    return out;
}

/* Lists of several lengths, or of one that a run tells. */
static tdagi_any merge_lists(tdagi_arms *arms, tdagi_any yes, tdagi_any no)
{
    tdagi_env *env = arms->env;
    tdagi_any a = tdagi_stack_of(env, yes, no, arms->n_symbols);
    tdagi_any b = tdagi_stack_of(env, no, yes, arms->n_symbols);
    if (!tdagi_any_is_stack(a) || !tdagi_any_is_stack(b) ||
        a.u.seq->letter != b.u.seq->letter ||
        (a.u.seq->rows == NULL) != (b.u.seq->rows == NULL))
        return differ(arms, yes, no);
    if (a.u.seq->rows == NULL) {
        const tdagi_seq *x = a.u.seq->columns, *y = b.u.seq->columns;
        tdagi_any out = tdagi_stack_columns(env, x, a.u.seq->letter);
        if (x == y || out.kind != TDAGI_ANY_LIST) return x == y ? yes : out;
        for (uint32_t i = 0; i < x->n && i < y->n; i++) {
            tdagi_any merged = merge_lists(arms, x->v[i], y->v[i]);
            if (!tdagi_any_is_stack(merged)) return merged;
            out.u.seq->columns->v[i] = merged;
        }
        return out;
    }
    if (a.u.seq->rows == b.u.seq->rows) return yes;
    tdag_value rows = join_values(arms, tdagi_cell_read(env, a.u.seq->rows),
                                  tdagi_cell_read(env, b.u.seq->rows));
    return tdagi_stack_list(env, tdagi_cell_new(env, rows), a.u.seq->letter);
}

static tdagi_any merge_optional(tdagi_arms *arms, tdagi_any yes, tdagi_any no)
{
    tdagi_any a[2], b[2];
    tdagi_optional_parts(arms->env, yes, yes, a);
    tdagi_optional_parts(arms->env, no, no, b);
    tdagi_any there = tdagi_merge(arms, a[0], b[0]);
    char letter = yes.kind == TDAGI_ANY_OPTIONAL ? yes.letter : no.letter;
    return tdagi_optional(arms->env, there, tdagi_merge(arms, a[1], b[1]), letter);
}

static tdagi_any merge_dicts(tdagi_arms *arms, tdagi_any yes, tdagi_any no)
{
    tdagi_dict *a = yes.u.dict, *b = no.u.dict;
    if (a == b) return yes;
    if (!tdagi_same_keys(arms->env, a, b)) return differ(arms, yes, no);
    tdagi_any out = tdagi_any_dict(arms->env);
    for (uint32_t i = 0; i < a->keys.n && out.kind == TDAGI_ANY_DICT; i++)
        tdagi_dict_set(arms->env, out.u.dict, a->keys.v[i],
                       tdagi_merge(arms, a->values.v[i], b->values.v[i]));
    return out;
}

/* A number or tensor that an arm gives. */
static tdag_value value_in(const tdagi_arms *arms, int arm, tdagi_any v)
{
    const tdagi_told *t = v.kind == TDAGI_ANY_TENSOR ? arms->told[arm] : NULL;
    bool is_part = false; /* of a tensor that the arm wrote */
    for (; t != NULL && t->t != v.u.tensor; t = t->next)
        is_part |= t->t == v.u.tensor->root;
    if (t == NULL && is_part)
        tdagi_env_issue(arms->env,
                        "a view that a branch gives of what it writes in place");
    return t != NULL ? t->v : tdagi_value_of(arms->env, v);
}

tdagi_any tdagi_merge(tdagi_arms *arms, tdagi_any yes, tdagi_any no)
{
    tdagi_env *env = arms->env;
    if (!tdagi_env_ok(env)) return tdagi_any_poison();
    if (tdagi_is_same_value(env, yes, no)) return yes;
    if (tdagi_is_unset(yes) || tdagi_is_unset(no)) {
        tdagi_any set = tdagi_is_unset(yes) ? no : yes;
        if (tdagi_any_is_seq(set)) {
            tdagi_any none = tdagi_nothing_like(env, set);
            if (none.kind != set.kind) return none;
            return merge_items(arms, set.u.seq == yes.u.seq ? yes : none,
                               set.u.seq == yes.u.seq ? none : no);
        }
        if (set.kind != TDAGI_ANY_TENSOR && !tdagi_is_numeric(set)) return set;
        if (set.kind == TDAGI_ANY_STRING) return set;
        tdag_value v = value_in(arms, tdagi_is_unset(yes), set),
                   zeros = tdagi_zeros_like(env, v);
        bool is_no = tdagi_is_unset(yes);
        return tdagi_any_like(env, set,
                              join_values(arms, is_no ? zeros : v, is_no ? v : zeros));
    }
    if (tdagi_is_numeric(yes) && tdagi_is_numeric(no) &&
        tdagi_number_letter(yes) == tdagi_number_letter(no))
        return tdagi_any_like(
            env, yes, join_values(arms, value_in(arms, 0, yes), value_in(arms, 1, no)));
    bool is_tensor = yes.kind == TDAGI_ANY_TENSOR;
    bool is_text = tdagi_number_letter(yes) == 's' || tdagi_number_letter(no) == 's';
    if (!is_text && (is_tensor || tdagi_is_numeric(yes)) &&
        (tdagi_is_numeric(no) || no.kind == TDAGI_ANY_TENSOR) &&
        (is_tensor ||
         no.kind == TDAGI_ANY_TENSOR)) { /* a tensor of a known number is one */
        tdag_value a = value_in(arms, 0, yes), b = value_in(arms, 1, no);
        tdag_dtype d = tdag_builder_get_dtype(env->b, is_tensor ? a : b);
        if (tdagi_is_numeric(yes)) a = tdagi_cast(env->b, a, d);
        if (tdagi_is_numeric(no)) b = tdagi_cast(env->b, b, d);
        tdagi_any out =
            tdagi_any_like(env, is_tensor ? yes : no, join_values(arms, a, b));
        for (int i = 0; i < 2 && out.kind == TDAGI_ANY_TENSOR; i++)
            if ((i == 0 ? yes : no).kind == TDAGI_ANY_TENSOR)
                tdagi_cell_seen(env, (i == 0 ? yes : no).u.tensor, out.u.tensor);
        return tdagi_showing(tdagi_showing(out, yes), no);
    }
    if (yes.kind == TDAGI_ANY_LIST && no.kind == TDAGI_ANY_LIST &&
        (tdagi_any_is_stack(yes) || tdagi_any_is_stack(no) ||
         yes.u.seq->n != no.u.seq->n))
        return merge_lists(arms, yes, no);
    if (tdagi_may_be_none(yes) || tdagi_may_be_none(no))
        return merge_optional(arms, yes, no);
    if (tdagi_any_is_seq(yes) && yes.kind == no.kind) return merge_items(arms, yes, no);
    if (yes.kind == TDAGI_ANY_DICT && no.kind == TDAGI_ANY_DICT)
        return merge_dicts(arms, yes, no);
    return differ(arms, yes, no);
}
