/* Values that data decides. */
#include "aten/control/merge.h"

#include <string.h>

#include "aten/aten.h"
#include "aten/control/stack.h"
#include "derive/derive.h"

tdagi_any tdagi_unset(void)
{
    return (tdagi_any){.kind = TDAGI_ANY_NONE, .letter = 'u'};
}

bool tdagi_is_unset(tdagi_any v) { return v.kind == TDAGI_ANY_NONE && v.letter == 'u'; }

static bool is_numeric(tdagi_any v)
{
    return v.kind == TDAGI_ANY_DATA || tdagi_any_is_number(v);
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
        .kind = TDAGI_ANY_DATA, .letter = tdagi_number_letter(like), .u.tensor = t};
}

/* What may be the memory of `of`, too. */
static tdagi_any showing(tdagi_any v, tdagi_any of)
{
    if (v.kind == TDAGI_ANY_TENSOR && of.kind == TDAGI_ANY_TENSOR)
        tdagi_cell_show(v.u.tensor, of.u.tensor);
    return v;
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
        a.u.seq->letter != b.u.seq->letter)
        return differ(arms, yes, no);
    if (a.u.seq->rows == b.u.seq->rows) return yes;
    tdag_value rows = join_values(arms, tdagi_cell_read(env, a.u.seq->rows),
                                  tdagi_cell_read(env, b.u.seq->rows));
    return tdagi_stack_list(env, tdagi_cell_new(env, rows), a.u.seq->letter);
}

/* ---- what may be None ---- */

static bool may_be_none(tdagi_any v)
{
    return v.kind == TDAGI_ANY_OPTIONAL ||
           (v.kind == TDAGI_ANY_NONE && !tdagi_is_unset(v));
}

static tdagi_any optional(tdagi_env *env, tdagi_any there, tdagi_any v)
{
    const tdagi_any both[] = {there, v};
    if (there.kind == TDAGI_ANY_POISON || v.kind == TDAGI_ANY_POISON)
        return there.kind == TDAGI_ANY_POISON ? there : v;
    if (there.kind == TDAGI_ANY_BOOL && !there.assumed && there.u.b) return v;
    return tdagi_any_seq(env, TDAGI_ANY_OPTIONAL, 2, both);
}

/* Nothing, with the parts that `like` has. */
static tdagi_any nothing_like(tdagi_env *env, tdagi_any like)
{
    if (!tdagi_any_is_seq(like)) return tdagi_unset();
    tdagi_any out = tdagi_any_seq(env, (tdagi_any_kind)like.kind, 0, NULL);
    for (uint32_t i = 0; i < like.u.seq->n && tdagi_any_is_seq(out); i++)
        tdagi_seq_append(env, out.u.seq, nothing_like(env, like.u.seq->v[i]));
    return out;
}

/* Its two parts; `like` is what it may be. */
static void parts_of(tdagi_env *env, tdagi_any v, tdagi_any like, tdagi_any out[2])
{
    bool is_none = may_be_none(v);
    out[0] = tdagi_any_bool(!is_none);
    out[1] = is_none ? nothing_like(env, like) : v;
    if (v.kind == TDAGI_ANY_OPTIONAL) memcpy(out, v.u.seq->v, 2 * sizeof *out);
}

static tdagi_any merge_optional(tdagi_arms *arms, tdagi_any yes, tdagi_any no)
{
    tdagi_any a[2], b[2];
    parts_of(arms->env, yes, yes, a);
    parts_of(arms->env, no, no, b);
    tdagi_any there = tdagi_merge(arms, a[0], b[0]);
    return optional(arms->env, there, tdagi_merge(arms, a[1], b[1]));
}

static bool same_keys(tdagi_env *env, const tdagi_dict *a, const tdagi_dict *b)
{
    bool assumed = false, same = a->keys.n == b->keys.n;
    for (uint32_t i = 0; same && i < a->keys.n; i++)
        same = tdagi_any_equal(env, a->keys.v[i], b->keys.v[i], &assumed);
    return same && !assumed;
}

static tdagi_any merge_dicts(tdagi_arms *arms, tdagi_any yes, tdagi_any no)
{
    tdagi_dict *a = yes.u.dict, *b = no.u.dict;
    if (a == b) return yes;
    if (!same_keys(arms->env, a, b)) return differ(arms, yes, no);
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
        if (tdagi_any_is_seq(set)) {
            tdagi_any none = nothing_like(env, set);
            if (none.kind != set.kind) return none;
            return merge_items(arms, set.u.seq == yes.u.seq ? yes : none,
                               set.u.seq == yes.u.seq ? none : no);
        }
        if (set.kind != TDAGI_ANY_TENSOR && !is_numeric(set)) return set;
        tdag_value v = value_of(env, set), zeros = zeros_like(env, v);
        bool is_no = tdagi_is_unset(yes);
        return any_of(env, set,
                      join_values(arms, is_no ? zeros : v, is_no ? v : zeros));
    }
    if (is_numeric(yes) && is_numeric(no) &&
        tdagi_number_letter(yes) == tdagi_number_letter(no))
        return any_of(env, yes,
                      join_values(arms, value_of(env, yes), value_of(env, no)));
    bool is_tensor = yes.kind == TDAGI_ANY_TENSOR;
    if ((is_tensor || is_numeric(yes)) &&
        (is_numeric(no) || no.kind == TDAGI_ANY_TENSOR) &&
        (is_tensor ||
         no.kind == TDAGI_ANY_TENSOR)) { /* a tensor of a known number is one */
        tdag_value a = value_of(env, yes), b = value_of(env, no);
        tdag_dtype d = tdag_builder_get_dtype(env->b, is_tensor ? a : b);
        if (is_numeric(yes)) a = tdagi_cast(env->b, a, d);
        if (is_numeric(no)) b = tdagi_cast(env->b, b, d);
        tdagi_any out = any_of(env, is_tensor ? yes : no, join_values(arms, a, b));
        for (int i = 0; i < 2 && out.kind == TDAGI_ANY_TENSOR; i++)
            if ((i == 0 ? yes : no).kind == TDAGI_ANY_TENSOR)
                tdagi_cell_seen(env, (i == 0 ? yes : no).u.tensor, out.u.tensor);
        return showing(showing(out, yes), no);
    }
    if (yes.kind == TDAGI_ANY_LIST && no.kind == TDAGI_ANY_LIST &&
        (tdagi_any_is_stack(yes) || tdagi_any_is_stack(no) ||
         yes.u.seq->n != no.u.seq->n))
        return merge_lists(arms, yes, no);
    if (may_be_none(yes) || may_be_none(no)) return merge_optional(arms, yes, no);
    if (tdagi_any_is_seq(yes) && yes.kind == no.kind) return merge_items(arms, yes, no);
    if (yes.kind == TDAGI_ANY_DICT && no.kind == TDAGI_ANY_DICT)
        return merge_dicts(arms, yes, no);
    return differ(arms, yes, no);
}

/* ---- carried values ---- */

static bool has_room(tdagi_carrying *c)
{
    if (c->n < c->capacity) return true;
    uint32_t wider = c->capacity == 0 ? 16 : 2 * c->capacity;
    tdagi_carried *more = tdagi_env_alloc(c->env, wider * sizeof *more);
    if (more == NULL) return false;
    if (c->n > 0) memcpy(more, c->leaves, c->n * sizeof *more);
    c->leaves = more;
    c->capacity = wider;
    return true;
}

static tdagi_carried *next_leaf(tdagi_carrying *c)
{
    if (c->at == c->n && !has_room(c)) return NULL;
    if (c->at == c->n) memset(&c->leaves[c->n++], 0, sizeof *c->leaves);
    return &c->leaves[c->at++];
}

/* The first leaf with that symbol, and its axis. */
static const tdagi_carried *first_with(const tdagi_carrying *c, tdag_dim symbol,
                                       uint32_t *axis)
{
    for (const tdagi_carried *l = c->leaves; l < c->leaves + c->n; l++)
        for (*axis = 0; l->param.id != 0 && *axis < TDAG_MAX_RANK; ++*axis)
            if ((l->varies >> *axis & 1) != 0 && l->symbols[*axis] == symbol) return l;
    return NULL;
}

/* A symbol for a size that comes in as `entry`: that of another size which comes in
 * and becomes the same, as those of two caches; else a new one. */
static tdag_dim symbol_of(tdagi_carrying *c, const tdagi_carried *leaf, uint32_t axis,
                          tdag_dim entry)
{
    for (const tdagi_carried *l = c->leaves; l < leaf + 1; l++)
        for (uint32_t i = 0; i < TDAG_MAX_RANK; i++)
            if ((leaf->alone >> axis & 1) == 0 && (l->varies >> i & 1) != 0 &&
                l->symbols[i] != 0 && l->comes_in[i] == entry &&
                l->becomes[i] == leaf->becomes[axis])
                return l->symbols[i];
    int64_t sample = tdagi_dim_sample(c->env->pool, entry);
    return tdagi_new_symbol(c->env, "loop", sample > 1 ? sample : 1);
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
        if (leaf->symbols[i] == 0) leaf->symbols[i] = symbol_of(c, leaf, i, shape[i]);
        leaf->comes_in[i] = shape[i];
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
        out.u.seq->letter = v.u.seq->letter;
        out.u.seq->type_name = v.u.seq->type_name;
        out.u.seq->fields = v.u.seq->fields;
    }
    return out;
}

/* A dict of the same keys. */
static tdagi_any carry_dict(tdagi_carrying *c, tdagi_any v,
                            tdagi_any (*carry)(tdagi_carrying *c, tdagi_any v))
{
    const tdagi_dict *d = v.u.dict;
    tdagi_any out = tdagi_any_dict(c->env);
    for (uint32_t i = 0; i < d->keys.n && out.kind == TDAGI_ANY_DICT; i++)
        tdagi_dict_set(c->env, out.u.dict, d->keys.v[i], carry(c, d->values.v[i]));
    return out;
}

static bool is_leaf(tdagi_any v)
{
    return v.kind == TDAGI_ANY_TENSOR || is_numeric(v) || tdagi_is_unset(v);
}

/* What nothing was assigned to yet, and becomes a tuple: its items are the next leaves.
 */
static bool is_unset_tuple(const tdagi_carried *leaf, tdagi_any v)
{
    return tdagi_is_unset(v) && tdagi_any_is_seq(leaf->like);
}

/* A list has a leaf of its own, since it may turn out to have rows. */
static tdagi_any carry_list_in(tdagi_carrying *c, tdagi_any v)
{
    tdagi_carried *leaf = next_leaf(c);
    if (leaf == NULL) return v;
    uint32_t self = c->at;
    leaf->param = TDAG_NO_VALUE;
    leaf->is_stack |= tdagi_any_is_stack(v);
    if (!leaf->is_stack) {
        tdagi_any out = carry_items(c, v, tdagi_carry_in);
        c->leaves[self - 1].span = c->at - self; /* they may have moved */
        return out;
    }
    tdagi_any rows = tdagi_stack_of(c->env, v, leaf->like, c->n_symbols);
    if (!tdagi_any_is_stack(rows))
        return tdagi_env_issue(c->env, "a list that a loop changes, whose items are of "
                                       "several types or sizes");
    char letter = leaf->letter = rows.u.seq->letter;
    tdag_dim becomes = leaf->becomes[0];
    if (!tdagi_any_is_stack(v) && next_leaf(c) != NULL) {
        tdagi_carried *of_rows = &c->leaves[--c->at];
        of_rows->varies |= 1;
        if (of_rows->symbols[0] == 0) of_rows->becomes[0] = becomes;
    }
    rows = tdagi_carry_in(c, tdagi_any_tensor(rows.u.seq->rows));
    return rows.kind == TDAGI_ANY_TENSOR
               ? tdagi_stack_list(c->env, rows.u.tensor, letter)
               : rows;
}

static tdagi_any carry_optional_in(tdagi_carrying *c, tdagi_any v)
{
    tdagi_any parts[2];
    tdagi_carried *leaf = next_leaf(c);
    if (leaf == NULL) return v;
    leaf->param = TDAG_NO_VALUE;
    leaf->is_optional |= v.kind == TDAGI_ANY_OPTIONAL;
    if (!leaf->is_optional) return v;
    parts_of(c->env, v, leaf->like, parts);
    tdagi_any there = tdagi_carry_in(c, parts[0]);
    return optional(c->env, there, tdagi_carry_in(c, parts[1]));
}

tdagi_any tdagi_carry_in(tdagi_carrying *c, tdagi_any v)
{
    if (may_be_none(v)) return carry_optional_in(c, v);
    if (v.kind == TDAGI_ANY_LIST) return carry_list_in(c, v);
    if (v.kind == TDAGI_ANY_DICT) return carry_dict(c, v, tdagi_carry_in);
    if (tdagi_any_is_seq(v)) return carry_items(c, v, tdagi_carry_in);
    if (!is_leaf(v)) return v;
    tdagi_carried *leaf = next_leaf(c);
    if (leaf == NULL) return v;
    leaf->entry = leaf->param = leaf->yield = leaf->result = TDAG_NO_VALUE;
    if (is_unset_tuple(leaf, v))
        return tdagi_carry_in(c, nothing_like(c->env, leaf->like));
    bool is_told =
        tdagi_any_is_number(tdagi_any_known(v)) || v.kind == TDAGI_ANY_TENSOR;
    if (is_told && !leaf->is_changed) return v;
    tdagi_any like = tdagi_is_unset(v) ? leaf->like : v;
    if (like.kind == TDAGI_ANY_NONE) return v;
    tdag_value entry = value_of(c->env, like);
    if (tdagi_is_unset(v)) entry = zeros_like(c->env, entry);
    if (entry.id == 0) return tdagi_any_poison();
    tdagi_any param = any_of(c->env, like, open_leaf(c, leaf, entry));
    return showing(showing(param, v), leaf->last);
}

static void refuse_next(tdagi_carrying *c, tdagi_any v, tdagi_any next)
{
    if (v.kind != TDAGI_ANY_POISON && !tdagi_env_note_poison(c->env, &next))
        tdagi_env_issue(c->env, "a loop that turns %s into %s",
                        tdagi_any_text(c->env, v), tdagi_any_text(c->env, next));
}

/* Sizes of one symbol must become one size, or the later one gets its own. */
static void compare_shared(tdagi_carrying *c, tdagi_carried *leaf, uint32_t axis,
                           tdag_dim now)
{
    uint32_t k;
    const tdagi_carried *first = first_with(c, leaf->symbols[axis], &k);
    if (first == NULL || first > leaf || first->yield.id == 0 ||
        tdag_builder_get_shape(c->env->b, first->yield)[k] == now)
        return;
    leaf->symbols[axis] = 0;
    leaf->alone |= 1u << axis;
    c->has_changed = true;
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
        tdag_dim now = tdag_builder_get_shape(b, becomes)[i];
        if ((leaf->varies >> i & 1) != 0) {
            compare_shared(c, leaf, i, now);
            continue;
        }
        if (tdag_builder_get_shape(b, is)[i] == now) continue;
        leaf->varies |= 1u << i;
        leaf->becomes[i] = now;
        c->has_changed = true;
    }
}

/* How many leaves that takes; 0: a loop does not carry such. */
static uint32_t count_leaves(tdagi_any v)
{
    uint32_t n = v.kind == TDAGI_ANY_TENSOR || is_numeric(v);
    bool fits = true;
    for (uint32_t i = 0; v.kind == TDAGI_ANY_TUPLE && i < v.u.seq->n; i++) {
        uint32_t more = count_leaves(v.u.seq->v[i]);
        fits = fits && more > 0;
        n += more;
    }
    return fits ? n : 0;
}

/* The last leaf becomes one of `next`: for what that has in it, and `more`, leaves are
 * put in. False: a loop does not carry such. */
static bool found_parts(tdagi_carrying *c, tdagi_any v, tdagi_any next, uint32_t more)
{
    uint32_t at = c->at, n = count_leaves(next);
    if (n == 0) refuse_next(c, v, next);
    if (n == 0) return false;
    c->leaves[at - 1].like = next;
    c->has_changed = true;
    for (n += more; n > 0 && has_room(c); n--) {
        memmove(c->leaves + at + 1, c->leaves + at, (c->n - at) * sizeof *c->leaves);
        memset(c->leaves + at, 0, sizeof *c->leaves);
        c->n++;
        c->at++;
    }
    return true;
}

static void carry_optional_on(tdagi_carrying *c, tdagi_any v, tdagi_any next)
{
    tdagi_any before[2], after[2];
    uint32_t self = c->at++;
    tdagi_carried *leaf = &c->leaves[self];
    if (!leaf->is_optional) {
        if (next.kind == TDAGI_ANY_OPTIONAL) next = next.u.seq->v[1];
        if (!may_be_none(next) && found_parts(c, v, next, 1))
            c->leaves[self].is_optional = true; /* they may have moved */
        return;
    }
    tdagi_any like = leaf->like;
    parts_of(c->env, v, like, before);
    parts_of(c->env, next, like, after);
    tdagi_carry_on(c, before[0], after[0]);
    tdagi_carry_on(c, before[1], after[1]);
}

static void carry_leaf_on(tdagi_carrying *c, tdagi_carried *leaf, tdagi_any v,
                          tdagi_any next)
{
    if (next.kind == TDAGI_ANY_TENSOR && next.u.tensor != NULL &&
        next.u.tensor->root->born <= c->born)
        leaf->last = next; /* of outside, as a row of a tensor is */
    if (is_unset_tuple(leaf, v)) {
        tdagi_any none = nothing_like(c->env, leaf->like);
        tdagi_carry_on(c, none, tdagi_is_unset(next) ? none : next);
    } else if (leaf->param.id != 0) {
        bool number = is_numeric(v) || (tdagi_is_unset(v) && is_numeric(leaf->like));
        leaf->yield =
            number && !is_numeric(next) ? TDAG_NO_VALUE : value_of(c->env, next);
        if (tdagi_is_unset(next)) leaf->yield = leaf->param; /* whatever it is */
        if (!number && is_numeric(next)) /* a tensor of a known number */
            leaf->yield = tdagi_cast(c->env->b, leaf->yield,
                                     tdag_builder_get_dtype(c->env->b, leaf->param));
        compare_types(c, leaf, v, next);
    } else if (tdagi_is_unset(v) && tdagi_any_is_seq(next)) {
        found_parts(c, v, next, 0);
    } else if (tdagi_is_unset(v) && !tdagi_is_unset(next)) {
        if (next.kind != TDAGI_ANY_TENSOR && !is_numeric(next)) refuse_next(c, v, next);
        leaf->like = next;
        c->has_changed = true;
    } else if (!is_same(c->env, tdagi_any_known(v), tdagi_any_known(next))) {
        if (v.kind != TDAGI_ANY_TENSOR &&
            (!tdagi_any_is_number(v) || !is_numeric(next) ||
             tdagi_number_letter(v) != tdagi_number_letter(next)))
            refuse_next(c, v, next);
        leaf->is_changed = true;
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

/* The list that was taken as one of known length is none. */
static void found_stack(tdagi_carrying *c, tdagi_carried *leaf, tdagi_any next)
{
    uint32_t items = c->at;
    leaf->is_stack = c->has_changed = true;
    leaf->like = tdagi_list_copy_of(c->env, next.u.seq);
    leaf->becomes[0] = next.u.seq->rows == NULL
                           ? (tdag_dim)next.u.seq->n
                           : tdagi_cell_dim(c->env, next.u.seq->rows, 0);
    uint32_t behind = items + leaf->span;
    if (!has_room(c)) return; /* where its items were is a leaf for the rows */
    tdagi_carried *rows = &c->leaves[items];
    memmove(rows + 1, c->leaves + behind, (c->n - behind) * sizeof *rows);
    memset(rows, 0, sizeof *rows);
    c->n = c->n - behind + items + 1;
    c->at++;
}

static void carry_list_on(tdagi_carrying *c, tdagi_any v, tdagi_any next)
{
    tdagi_carried *leaf = &c->leaves[c->at++];
    if (next.kind != TDAGI_ANY_LIST) {
        refuse_next(c, v, next);
    } else if (leaf->is_stack) {
        tdagi_any rows = tdagi_stack_of(c->env, next, leaf->like, c->n_symbols);
        if (!tdagi_any_is_stack(rows))
            refuse_next(c, v, next);
        else
            tdagi_carry_on(c, (tdagi_any){.kind = TDAGI_ANY_TENSOR},
                           tdagi_any_tensor(rows.u.seq->rows));
    } else if (tdagi_any_is_stack(next) || next.u.seq->n != v.u.seq->n) {
        found_stack(c, leaf, next);
    } else {
        for (uint32_t i = 0; i < v.u.seq->n; i++)
            tdagi_carry_on(c, v.u.seq->v[i], next.u.seq->v[i]);
    }
}

void tdagi_carry_on(tdagi_carrying *c, tdagi_any v, tdagi_any next)
{
    if (may_be_none(v) && c->at < c->n) {
        carry_optional_on(c, v, next);
        return;
    }
    next = as_number(c->env, v, next);
    if (v.kind == TDAGI_ANY_LIST && c->at < c->n) {
        carry_list_on(c, v, next);
    } else if (v.kind == TDAGI_ANY_DICT && next.kind == TDAGI_ANY_DICT &&
               same_keys(c->env, v.u.dict, next.u.dict)) {
        for (uint32_t i = 0; i < v.u.dict->keys.n; i++)
            tdagi_carry_on(c, v.u.dict->values.v[i], next.u.dict->values.v[i]);
    } else if (tdagi_any_is_seq(v)) {
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

/* The size behind the loop where each trip adds the same: its number is known. */
static bool length_of(const tdagi_carrying *c, const tdagi_carried *leaf, uint32_t axis,
                      tdag_dim *out)
{
    tdagi_pool *p = c->env->pool;
    int64_t each;
    tdag_dim more = tdagi_dim_sub(
        p, tdag_builder_get_shape(c->env->b, leaf->yield)[axis], leaf->symbols[axis]);
    if (!tdagi_dim_is_const(p, more, &each)) return false;
    tdag_dim trips = c->trips == TDAGI_DIM_BAD ? 2 : c->trips;
    *out = tdagi_dim_add(p, leaf->comes_in[axis], tdagi_dim_mul(p, trips, more));
    return true;
}

/* The size as a symbol of its own, or that of an earlier result. */
static tdag_dim size_behind(tdagi_carrying *c, tdagi_carried *leaf, uint32_t axis)
{
    uint32_t k;
    tdag_dim length;
    tdagi_pool *pool = c->env->pool;
    const tdagi_carried *first = first_with(c, leaf->symbols[axis], &k);
    if (first != NULL && first < leaf && first->result.id != 0)
        return tdag_builder_get_shape(c->env->b, first->result)[k];
    int64_t sample = tdagi_dim_sample(pool, leaf->symbols[axis]);
    if (length_of(c, leaf, axis, &length)) sample = tdagi_dim_sample(pool, length);
    tdag_dim s = tdagi_new_symbol(c->env, "loop", sample > 0 ? sample : 0);
    c->bindings[c->n_bindings++] = (tdagi_outline_binding){s, TDAGI_DIM_BAD};
    return s;
}

/* The result with the sizes that the number of trips tells; id 0: it tells none. */
static tdag_value with_lengths(const tdagi_carrying *c, const tdagi_carried *leaf)
{
    tdag_value v = TDAG_NO_VALUE;
    tdagi_pool *pool = c->env->pool;
    uint32_t rank = tdag_builder_get_rank(c->env->b, leaf->param);
    for (uint32_t i = 0; i < rank && c->trips != TDAGI_DIM_BAD; i++) {
        tdag_dim length;
        if ((leaf->varies >> i & 1) == 0 || !length_of(c, leaf, i, &length) ||
            !tdagi_dim_proves_ge(pool, c->trips, 0) ||
            !tdagi_dim_proves_ge(pool, length, 0))
            continue;
        v = tdagi_with_dim(c->env, v.id == 0 ? leaf->result : v, i, length);
    }
    return v;
}

static tdagi_any carry_optional_out(tdagi_carrying *c, tdagi_any v)
{
    tdagi_any parts[2];
    const tdagi_carried *leaf = &c->leaves[c->at++];
    if (!leaf->is_optional) return v;
    parts_of(c->env, v, leaf->like, parts);
    tdagi_any there = tdagi_carry_out(c, parts[0]);
    return optional(c->env, there, tdagi_carry_out(c, parts[1]));
}

tdagi_any tdagi_carry_out(tdagi_carrying *c, tdagi_any v)
{
    if (may_be_none(v) && c->at < c->n) return carry_optional_out(c, v);
    if (v.kind == TDAGI_ANY_LIST && c->at < c->n) {
        const tdagi_carried *leaf = &c->leaves[c->at++];
        if (!leaf->is_stack) return carry_items(c, v, tdagi_carry_out);
        char letter = leaf->letter;
        tdagi_any rows = tdagi_carry_out(c, (tdagi_any){.kind = TDAGI_ANY_TENSOR});
        return rows.kind == TDAGI_ANY_TENSOR
                   ? tdagi_stack_list(c->env, rows.u.tensor, letter)
                   : rows;
    }
    if (v.kind == TDAGI_ANY_DICT) return carry_dict(c, v, tdagi_carry_out);
    if (tdagi_any_is_seq(v)) return carry_items(c, v, tdagi_carry_out);
    if (!is_leaf(v) || c->at >= c->n) return v;
    tdagi_carried *leaf = &c->leaves[c->at++];
    if (is_unset_tuple(leaf, v))
        return tdagi_carry_out(c, nothing_like(c->env, leaf->like));
    if (leaf->param.id == 0) return v;
    tdag_builder *b = c->env->b;
    tdag_dim shape[TDAG_MAX_RANK];
    uint32_t rank = tdag_builder_get_rank(b, leaf->param);
    for (uint32_t i = 0; i < rank; i++) {
        shape[i] = tdag_builder_get_shape(b, leaf->param)[i];
        if ((leaf->varies >> i & 1) != 0) shape[i] = size_behind(c, leaf, i);
    }
    leaf->result =
        tdagi_given(c->env, tdag_builder_get_dtype(b, leaf->param), rank, shape);
    tdag_value known = with_lengths(c, leaf);
    tdagi_any out = any_of(c->env, tdagi_is_unset(v) ? leaf->like : v,
                           known.id != 0 ? known : leaf->result);
    return showing(showing(out, v), leaf->last);
}

/* The values of one kind of all leaves that are carried. */
uint32_t tdagi_carry_collect(const tdagi_carrying *c, tdag_value *out, size_t offset)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->n; i++) {
        const tdagi_carried *leaf = &c->leaves[i];
        if (leaf->param.id == 0) continue;
        out[n++] = *(const tdag_value *)((const char *)leaf + offset);
    }
    return n;
}

static bool is_among(const tdag_dim *dims, uint32_t n, tdag_dim d)
{
    uint32_t i = 0;
    while (i < n && dims[i] != d)
        i++;
    return i < n;
}

void tdagi_carry_symbols(tdagi_carrying *c, tdagi_outline_block *block)
{
    tdag_dim *symbols =
        tdagi_env_alloc(c->env, (c->n * TDAG_MAX_RANK + 1) * sizeof *symbols);
    if (symbols == NULL) return;
    for (uint32_t i = 0; i < c->n; i++)
        for (uint32_t k = 0; k < TDAG_MAX_RANK; k++)
            if (c->leaves[i].param.id != 0 && (c->leaves[i].varies >> k & 1) != 0 &&
                !is_among(symbols, block->n_symbols, c->leaves[i].symbols[k]))
                symbols[block->n_symbols++] = c->leaves[i].symbols[k];
    block->symbols = symbols;
}
