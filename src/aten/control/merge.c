/* Values that data decides. */
#include "aten/control/merge.h"

#include <stdio.h>
#include <string.h>

#include "aten/aten.h"
#include "derive/derive.h"

tdag_value tdagi_given(tdagi_env *env, tdag_dtype dtype, uint32_t rank,
                       const tdag_dim *shape)
{
    tdag_value v = tdag_add_input(env->b, NULL, dtype, rank, shape);
    if (v.id == 0 && tdagi_env_ok(env))
        tdagi_env_fail_here(env, tdag_builder_get_status(env->b), "a value");
    return v;
}

tdag_dim tdagi_new_symbol(tdagi_env *env, const char *prefix, int64_t sample)
{
    char name[64];
    bool taken = true;
    for (uint32_t k = 1; taken; k++) {
        snprintf(name, sizeof name, "%.40s%u", prefix, (unsigned)k);
        taken = false;
        for (uint32_t i = 0; i < tdagi_pool_n_symbols(env->pool) && !taken; i++)
            taken = strcmp(tdagi_pool_symbol(env->pool, i, NULL), name) == 0;
    }
    tdag_dim symbol = tdagi_dim_symbol(env->pool, name, sample);
    tdagi_dim_may_be_zero(env->pool, symbol);
    return symbol;
}

tdagi_any tdagi_unset(void)
{
    return (tdagi_any){.kind = TDAGI_ANY_NONE, .letter = 'u'};
}

bool tdagi_is_unset(tdagi_any v) { return v.kind == TDAGI_ANY_NONE && v.letter == 'u'; }

static bool is_numeric(tdagi_any v)
{
    return v.kind == TDAGI_ANY_DATA || tdagi_any_is_number(v);
}

static char letter_of(tdagi_any v)
{
    return v.kind == TDAGI_ANY_DATA    ? v.letter
           : v.kind == TDAGI_ANY_FLOAT ? 'f'
           : v.kind == TDAGI_ANY_BOOL  ? 'b'
                                       : 'i';
}

tdagi_any tdagi_number_data(tdagi_env *env, tdagi_any v)
{
    if (v.kind == TDAGI_ANY_DATA) return tdagi_any_tensor(v.u.tensor);
    tdag_dtype d = v.kind == TDAGI_ANY_FLOAT  ? TDAG_F64
                   : v.kind == TDAGI_ANY_BOOL ? TDAG_BOOL
                                              : TDAG_I64;
    return tdagi_any_tensor(tdagi_cell_known(env, d, v));
}

/* A number, or a tensor, as a value of the graph. */
static tdag_value value_of(tdagi_env *env, tdagi_any v)
{
    if (is_numeric(v)) v = tdagi_number_data(env, v);
    return v.kind == TDAGI_ANY_TENSOR ? tdagi_cell_read(env, v.u.tensor)
                                      : TDAG_NO_VALUE;
}

/* The same as a value again: a number if it was one. */
static tdagi_any any_of(tdagi_env *env, tdagi_any like, tdag_value v)
{
    tdagi_cell *t = tdagi_cell_new(env, v);
    if (t == NULL) return tdagi_any_poison();
    if (!is_numeric(like)) return tdagi_any_tensor(t);
    return (tdagi_any){
        .kind = TDAGI_ANY_DATA, .letter = letter_of(like), .u.tensor = t};
}

static tdag_value zeros_like(tdagi_env *env, tdag_value v)
{
    const tdag_dim *shape = tdag_builder_get_shape(env->b, v);
    return tdagi_full(env->b, tdag_builder_get_dtype(env->b, v),
                      tdag_builder_get_rank(env->b, v), shape, 0);
}

/* ---- arms ---- */

static bool grow(tdagi_arms *arms)
{
    if (arms->n < arms->capacity) return true;
    uint32_t wider = arms->capacity == 0 ? 16 : 2 * arms->capacity;
    tdagi_env *env = arms->env;
    tdag_value *rows = tdagi_env_alloc(env, 3 * wider * sizeof *rows);
    tdagi_outline_binding *bindings =
        tdagi_env_alloc(env, wider * TDAG_MAX_RANK * sizeof *bindings);
    if (rows == NULL || bindings == NULL) return false;
    tdag_value *parts[] = {rows, rows + wider, rows + 2 * wider};
    if (arms->n > 0) {
        memcpy(parts[0], arms->yields[0], arms->n * sizeof *rows);
        memcpy(parts[1], arms->yields[1], arms->n * sizeof *rows);
        memcpy(parts[2], arms->results, arms->n * sizeof *rows);
        memcpy(bindings, arms->bindings, arms->n_bindings * sizeof *bindings);
    }
    arms->yields[0] = parts[0];
    arms->yields[1] = parts[1];
    arms->results = parts[2];
    arms->bindings = bindings;
    arms->capacity = wider;
    return true;
}

/* The dim behind the if: a symbol of its own where the arms differ. */
static tdag_dim join_dims(tdagi_arms *arms, tdag_dim a, tdag_dim b)
{
    tdagi_pool *pool = arms->env->pool;
    if (a == b) return a;
    int64_t x = tdagi_dim_sample(pool, a), y = tdagi_dim_sample(pool, b);
    tdag_dim s = tdagi_new_symbol(arms->env, "if", x > y ? x : y);
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

static tdagi_any merge_dicts(tdagi_arms *arms, tdagi_any yes, tdagi_any no)
{
    tdagi_dict *a = yes.u.dict, *b = no.u.dict;
    bool assumed = false, same = a->keys.n == b->keys.n;
    for (uint32_t i = 0; same && i < a->keys.n; i++)
        same = tdagi_any_equal(arms->env, a->keys.v[i], b->keys.v[i], &assumed);
    if (a == b) return yes;
    if (!same || assumed) return differ(arms, yes, no);
    tdagi_any out = tdagi_any_dict(arms->env);
    for (uint32_t i = 0; i < a->keys.n && out.kind == TDAGI_ANY_DICT; i++)
        tdagi_dict_set(arms->env, out.u.dict, a->keys.v[i],
                       tdagi_merge(arms, a->values.v[i], b->values.v[i]));
    return out;
}

static bool is_same(tdagi_env *env, tdagi_any a, tdagi_any b)
{
    bool assumed = false;
    if (a.kind != b.kind || a.assumed || b.assumed) return false;
    if (a.kind == TDAGI_ANY_TENSOR || a.kind == TDAGI_ANY_DATA)
        return a.u.tensor == b.u.tensor;
    if (a.kind == TDAGI_ANY_OBJECT) return a.u.object == b.u.object;
    if (a.kind == TDAGI_ANY_FUNCTION || a.kind == TDAGI_ANY_OTHER)
        return a.u.foreign == b.u.foreign;
    if (a.kind == TDAGI_ANY_NONE) return a.letter == b.letter;
    return (tdagi_any_is_number(a) || a.kind == TDAGI_ANY_STRING) &&
           tdagi_any_equal(env, a, b, &assumed) && !assumed;
}

tdagi_any tdagi_merge(tdagi_arms *arms, tdagi_any yes, tdagi_any no)
{
    tdagi_env *env = arms->env;
    if (!tdagi_env_ok(env)) return tdagi_any_poison();
    if (is_same(env, yes, no)) return yes;
    if (tdagi_is_unset(yes) || tdagi_is_unset(no)) {
        tdagi_any set = tdagi_is_unset(yes) ? no : yes;
        if (set.kind != TDAGI_ANY_TENSOR && !is_numeric(set)) return set;
        tdag_value v = value_of(env, set), zeros = zeros_like(env, v);
        bool is_no = tdagi_is_unset(yes);
        return any_of(env, set,
                      join_values(arms, is_no ? zeros : v, is_no ? v : zeros));
    }
    if (is_numeric(yes) && is_numeric(no) && letter_of(yes) == letter_of(no))
        return any_of(env, yes,
                      join_values(arms, value_of(env, yes), value_of(env, no)));
    if (yes.kind == TDAGI_ANY_TENSOR && no.kind == TDAGI_ANY_TENSOR)
        return any_of(env, yes,
                      join_values(arms, value_of(env, yes), value_of(env, no)));
    if (tdagi_any_is_seq(yes) && yes.kind == no.kind) return merge_items(arms, yes, no);
    if (yes.kind == TDAGI_ANY_DICT && no.kind == TDAGI_ANY_DICT)
        return merge_dicts(arms, yes, no);
    return differ(arms, yes, no);
}

/* ---- carried values ---- */

static tdagi_carried *next_leaf(tdagi_carrying *c)
{
    if (c->at == c->capacity) {
        uint32_t wider = c->capacity == 0 ? 16 : 2 * c->capacity;
        tdagi_carried *more = tdagi_env_alloc(c->env, wider * sizeof *more);
        if (more == NULL) return NULL;
        if (c->n > 0) memcpy(more, c->leaves, c->n * sizeof *more);
        c->leaves = more;
        c->capacity = wider;
    }
    if (c->at == c->n) memset(&c->leaves[c->n++], 0, sizeof *c->leaves);
    return &c->leaves[c->at++];
}

/* The parameter of the body for a leaf that comes in as `entry`. */
static tdag_value open_leaf(tdagi_carrying *c, tdagi_carried *leaf, tdag_value entry)
{
    tdag_builder *b = c->env->b;
    tdag_dim shape[TDAG_MAX_RANK];
    uint32_t rank = tdag_builder_get_rank(b, entry);
    for (uint32_t i = 0; i < rank; i++) {
        shape[i] = tdag_builder_get_shape(b, entry)[i];
        if ((leaf->varies >> i & 1) == 0) continue;
        if (leaf->symbols[i] == 0)
            leaf->symbols[i] = tdagi_new_symbol(
                c->env, "loop", tdagi_dim_sample(c->env->pool, shape[i]));
        shape[i] = leaf->symbols[i];
    }
    leaf->entry = entry;
    leaf->param = tdagi_given(c->env, tdag_builder_get_dtype(b, entry), rank, shape);
    return leaf->param;
}

static tdagi_any carry_items(tdagi_carrying *c, tdagi_any v,
                             tdagi_any (*carry)(tdagi_carrying *c, tdagi_any v))
{
    tdagi_any out = tdagi_any_seq(c->env, (tdagi_any_kind)v.kind, 0, NULL);
    for (uint32_t i = 0; i < v.u.seq->n && tdagi_any_is_seq(out); i++)
        tdagi_seq_append(c->env, out.u.seq, carry(c, v.u.seq->v[i]));
    if (tdagi_any_is_seq(out)) {
        out.u.seq->type_name = v.u.seq->type_name;
        out.u.seq->fields = v.u.seq->fields;
    }
    return out;
}

static bool is_leaf(tdagi_any v)
{
    return v.kind == TDAGI_ANY_TENSOR || is_numeric(v) || tdagi_is_unset(v);
}

tdagi_any tdagi_carry_in(tdagi_carrying *c, tdagi_any v)
{
    if (tdagi_any_is_seq(v)) return carry_items(c, v, tdagi_carry_in);
    if (!is_leaf(v)) return v;
    tdagi_carried *leaf = next_leaf(c);
    if (leaf == NULL) return v;
    leaf->entry = leaf->param = leaf->yield = leaf->result = TDAG_NO_VALUE;
    if (tdagi_any_is_number(v) && !leaf->is_number) return v;
    tdagi_any like = tdagi_is_unset(v) ? leaf->like : v;
    if (like.kind == TDAGI_ANY_NONE) return v;
    tdag_value entry = value_of(c->env, like);
    if (tdagi_is_unset(v)) entry = zeros_like(c->env, entry);
    return entry.id == 0 ? tdagi_any_poison()
                         : any_of(c->env, like, open_leaf(c, leaf, entry));
}

static void refuse_next(tdagi_carrying *c, tdagi_any v, tdagi_any next)
{
    if (v.kind != TDAGI_ANY_POISON && !tdagi_env_note_poison(c->env, &next))
        tdagi_env_issue(c->env, "a loop that turns %s into %s",
                        tdagi_any_text(c->env, v), tdagi_any_text(c->env, next));
}

/* A size that is another one behind the body than before it varies. */
static void compare_types(tdagi_carrying *c, tdagi_carried *leaf, tdagi_any v,
                          tdagi_any next)
{
    tdag_builder *b = c->env->b;
    tdag_value is = leaf->param, becomes = leaf->yield;
    uint32_t rank = tdag_builder_get_rank(b, is);
    if (becomes.id == 0 || rank != tdag_builder_get_rank(b, becomes) ||
        tdag_builder_get_dtype(b, is) != tdag_builder_get_dtype(b, becomes)) {
        refuse_next(c, v, next);
        return;
    }
    for (uint32_t i = 0; i < rank; i++) {
        bool varies = (leaf->varies >> i & 1) != 0;
        if (varies ||
            tdag_builder_get_shape(b, is)[i] == tdag_builder_get_shape(b, becomes)[i])
            continue;
        leaf->varies |= 1u << i;
        c->has_changed = true;
    }
}

static void carry_leaf_on(tdagi_carrying *c, tdagi_carried *leaf, tdagi_any v,
                          tdagi_any next)
{
    if (leaf->param.id != 0) {
        bool fits = is_numeric(v) || (tdagi_is_unset(v) && is_numeric(leaf->like))
                        ? is_numeric(next)
                        : next.kind == TDAGI_ANY_TENSOR;
        leaf->yield = fits ? value_of(c->env, next) : TDAG_NO_VALUE;
        compare_types(c, leaf, v, next);
    } else if (tdagi_is_unset(v) && !tdagi_is_unset(next)) {
        if (next.kind != TDAGI_ANY_TENSOR && !is_numeric(next)) refuse_next(c, v, next);
        leaf->like = next;
        c->has_changed = true;
    } else if (!is_same(c->env, v, next)) {
        if (!tdagi_any_is_number(v) || !is_numeric(next) ||
            letter_of(v) != letter_of(next))
            refuse_next(c, v, next);
        leaf->is_number = true;
        c->has_changed = true;
    }
}

/* A tensor of one number where a number comes in is that number. */
static tdagi_any as_number(tdagi_env *env, tdagi_any v, tdagi_any next)
{
    if (!is_numeric(v) || next.kind != TDAGI_ANY_TENSOR ||
        tdagi_cell_rank(env, next.u.tensor) != 0)
        return next;
    tdag_dtype d = tdagi_cell_dtype(env, next.u.tensor);
    next.kind = TDAGI_ANY_DATA;
    next.letter = tdag_dtype_is_float(d) ? 'f' : d == TDAG_BOOL ? 'b' : 'i';
    return next;
}

void tdagi_carry_on(tdagi_carrying *c, tdagi_any v, tdagi_any next)
{
    next = as_number(c->env, v, next);
    if (tdagi_any_is_seq(v)) {
        bool same = next.kind == v.kind && next.u.seq->n == v.u.seq->n;
        if (!same) refuse_next(c, v, next);
        for (uint32_t i = 0; same && i < v.u.seq->n; i++)
            tdagi_carry_on(c, v.u.seq->v[i], next.u.seq->v[i]);
    } else if (is_leaf(v)) {
        if (c->at < c->n) carry_leaf_on(c, &c->leaves[c->at++], v, next);
    } else if (!is_same(c->env, v, next)) {
        refuse_next(c, v, next);
    }
}

tdagi_any tdagi_carry_out(tdagi_carrying *c, tdagi_any v)
{
    if (tdagi_any_is_seq(v)) return carry_items(c, v, tdagi_carry_out);
    if (!is_leaf(v) || c->at >= c->n) return v;
    tdagi_carried *leaf = &c->leaves[c->at++];
    if (leaf->param.id == 0) return v;
    tdag_builder *b = c->env->b;
    tdag_dim shape[TDAG_MAX_RANK];
    uint32_t rank = tdag_builder_get_rank(b, leaf->param);
    for (uint32_t i = 0; i < rank; i++) {
        shape[i] = tdag_builder_get_shape(b, leaf->param)[i];
        if ((leaf->varies >> i & 1) == 0) continue;
        shape[i] =
            tdagi_new_symbol(c->env, "loop", tdagi_dim_sample(c->env->pool, shape[i]));
        c->bindings[c->n_bindings++] = (tdagi_outline_binding){shape[i], TDAGI_DIM_BAD};
    }
    leaf->result =
        tdagi_given(c->env, tdag_builder_get_dtype(b, leaf->param), rank, shape);
    return any_of(c->env, tdagi_is_unset(v) ? leaf->like : v, leaf->result);
}
