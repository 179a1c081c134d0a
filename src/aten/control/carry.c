/* What a loop carries, found out by trying. */
#include <string.h>

#include "aten/aten.h"
#include "aten/control/decided.h"
#include "aten/control/stack.h"
#include "derive/derive.h"

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
    return v.kind == TDAGI_ANY_TENSOR || tdagi_is_numeric(v) || tdagi_is_unset(v);
}

/* What nothing was assigned to yet, and becomes a tuple: its items are the next leaves.
 */
static bool is_unset_tuple(const tdagi_carried *leaf, tdagi_any v)
{
    return tdagi_is_unset(v) && tdagi_any_is_seq(leaf->like);
}

/* A list of rows that the loop changes, each tensor a leaf; known: so far its items
 * were. */
static tdagi_any carry_stack_in(tdagi_carrying *c, tdagi_any list,
                                const tdag_dim *known)
{
    const tdagi_seq *s = list.u.seq;
    if (s->columns != NULL) {
        tdagi_any out = tdagi_stack_columns(c->env, s->columns, s->letter);
        for (uint32_t i = 0; i < s->columns->n && out.kind == TDAGI_ANY_LIST; i++) {
            tdagi_any column = carry_stack_in(c, s->columns->v[i], known);
            if (!tdagi_any_is_stack(column)) return column;
            out.u.seq->columns->v[i] = column;
        }
        return out;
    }
    if (known != NULL && next_leaf(c) != NULL) {
        tdagi_carried *of_rows = &c->leaves[--c->at];
        of_rows->varies |= 1;
        if (of_rows->symbols[0] == 0) of_rows->becomes[0] = *known;
    }
    tdagi_any rows = tdagi_carry_in(c, tdagi_any_tensor(s->rows));
    return rows.kind == TDAGI_ANY_TENSOR
               ? tdagi_stack_list(c->env, rows.u.tensor, s->letter)
               : rows;
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
    leaf->list = rows;
    const tdag_dim becomes = leaf->becomes[0];
    return carry_stack_in(c, rows, tdagi_any_is_stack(v) ? NULL : &becomes);
}

static tdagi_any carry_optional_in(tdagi_carrying *c, tdagi_any v)
{
    tdagi_any parts[2];
    tdagi_carried *leaf = next_leaf(c);
    if (leaf == NULL) return v;
    leaf->param = TDAG_NO_VALUE;
    leaf->is_optional |= v.kind == TDAGI_ANY_OPTIONAL;
    if (!leaf->is_optional) return v;
    tdagi_optional_parts(c->env, v, leaf->like, parts);
    tdagi_any there = tdagi_carry_in(c, parts[0]);
    return tdagi_optional(c->env, there, tdagi_carry_in(c, parts[1]), v.letter);
}

tdagi_any tdagi_carry_in(tdagi_carrying *c, tdagi_any v)
{
    if (tdagi_may_be_none(v)) return carry_optional_in(c, v);
    if (v.kind == TDAGI_ANY_LIST) return carry_list_in(c, v);
    if (v.kind == TDAGI_ANY_DICT) return carry_dict(c, v, tdagi_carry_in);
    if (tdagi_any_is_seq(v)) return carry_items(c, v, tdagi_carry_in);
    if (!is_leaf(v)) return v;
    tdagi_carried *leaf = next_leaf(c);
    if (leaf == NULL) return v;
    leaf->entry = leaf->param = leaf->yield = leaf->result = TDAG_NO_VALUE;
    if (is_unset_tuple(leaf, v))
        return tdagi_carry_in(c, tdagi_nothing_like(c->env, leaf->like));
    bool is_told = tdagi_any_is_number(tdagi_any_known(v)) ||
                   v.kind == TDAGI_ANY_TENSOR || v.kind == TDAGI_ANY_STRING;
    if (is_told && !leaf->is_changed) return v;
    tdagi_any like = tdagi_is_unset(v) ? leaf->like : v;
    if (like.kind == TDAGI_ANY_NONE) return v;
    tdag_value entry = tdagi_value_of(c->env, like);
    if (tdagi_is_unset(v)) entry = tdagi_zeros_like(c->env, entry);
    if (entry.id == 0) return tdagi_any_poison();
    tdagi_any param = tdagi_any_like(c->env, like, open_leaf(c, leaf, entry));
    return tdagi_showing(tdagi_showing(param, v), leaf->last);
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
    uint32_t n = v.kind == TDAGI_ANY_TENSOR || tdagi_is_numeric(v);
    bool fits = true;
    for (uint32_t i = 0; v.kind == TDAGI_ANY_TUPLE && i < v.u.seq->n; i++) {
        uint32_t more = count_leaves(v.u.seq->v[i]);
        fits = fits && more > 0;
        n += more;
    }
    return fits ? n : 0;
}

/* Leaves are put in. */
static void put_leaves(tdagi_carrying *c, uint32_t n)
{
    for (uint32_t at = c->at; n > 0 && has_room(c); n--) {
        memmove(c->leaves + at + 1, c->leaves + at, (c->n - at) * sizeof *c->leaves);
        memset(c->leaves + at, 0, sizeof *c->leaves);
        c->n++;
        c->at++;
    }
}

/* The last leaf becomes one of `next`: for what that has in it, and `more`, leaves are
 * put in. False: a loop does not carry such. */
static bool found_parts(tdagi_carrying *c, tdagi_any v, tdagi_any next, uint32_t more)
{
    uint32_t n = count_leaves(next);
    if (n == 0) refuse_next(c, v, next);
    if (n == 0) return false;
    c->leaves[c->at - 1].like = next;
    c->has_changed = true;
    put_leaves(c, n + more);
    return true;
}

static void carry_optional_on(tdagi_carrying *c, tdagi_any v, tdagi_any next)
{
    tdagi_any before[2], after[2];
    uint32_t self = c->at++;
    tdagi_carried *leaf = &c->leaves[self];
    if (!leaf->is_optional) {
        if (next.kind == TDAGI_ANY_OPTIONAL) next = next.u.seq->v[1];
        if (!tdagi_may_be_none(next) && found_parts(c, v, next, 1))
            c->leaves[self].is_optional = true; /* they may have moved */
        return;
    }
    tdagi_any like = leaf->like;
    tdagi_optional_parts(c->env, v, like, before);
    tdagi_optional_parts(c->env, next, like, after);
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
        tdagi_any none = tdagi_nothing_like(c->env, leaf->like);
        tdagi_carry_on(c, none, tdagi_is_unset(next) ? none : next);
    } else if (leaf->param.id != 0) {
        bool number =
            tdagi_is_numeric(v) || (tdagi_is_unset(v) && tdagi_is_numeric(leaf->like));
        leaf->yield = number && !tdagi_is_numeric(next) ? TDAG_NO_VALUE
                                                        : tdagi_value_of(c->env, next);
        if (tdagi_is_unset(next)) leaf->yield = leaf->param; /* whatever it is */
        if (!number && tdagi_is_numeric(next)) /* a tensor of a known number */
            leaf->yield = tdagi_cast(c->env->b, leaf->yield,
                                     tdag_builder_get_dtype(c->env->b, leaf->param));
        compare_types(c, leaf, v, next);
    } else if (tdagi_is_unset(v) && tdagi_any_is_seq(next)) {
        found_parts(c, v, next, 0);
    } else if (tdagi_is_unset(v) && !tdagi_is_unset(next)) {
        if (next.kind != TDAGI_ANY_TENSOR && !tdagi_is_numeric(next))
            refuse_next(c, v, next);
        leaf->like = next;
        c->has_changed = true;
    } else if (!tdagi_is_same_value(c->env, tdagi_any_known(v),
                                    tdagi_any_known(next))) {
        if (v.kind != TDAGI_ANY_TENSOR &&
            (!tdagi_is_numeric(v) || !tdagi_is_numeric(next) ||
             tdagi_number_letter(v) != tdagi_number_letter(next)))
            refuse_next(c, v, next);
        leaf->is_changed = true;
        c->has_changed = true;
    }
}

/* A tensor of one number where a number comes in is that number. */
static tdagi_any as_number(tdagi_env *env, tdagi_any v, tdagi_any next)
{
    if (!tdagi_is_numeric(v) || next.kind != TDAGI_ANY_TENSOR ||
        tdagi_cell_rank(env, next.u.tensor) != 0)
        return next;
    tdag_dtype d = tdagi_cell_dtype(env, next.u.tensor);
    next.kind = TDAGI_ANY_DATA;
    next.letter = tdag_dtype_is_float(d) ? 'f' : d == TDAG_BOOL ? 'b' : 'i';
    return next;
}

/* How many tensors have the rows of a list. */
static uint32_t count_columns(const tdagi_seq *s)
{
    const tdagi_seq *of = s->columns != NULL                            ? s->columns
                          : s->n > 0 && s->v[0].kind == TDAGI_ANY_TUPLE ? s->v[0].u.seq
                                                                        : NULL;
    uint32_t n = of == NULL;
    for (uint32_t i = 0; of != NULL && i < of->n; i++) {
        tdagi_seq item = {.n = 1, .v = &of->v[i]};
        n += count_columns(s->columns != NULL ? of->v[i].u.seq : &item);
    }
    return n;
}

static tdag_dim length_of_list(tdagi_env *env, const tdagi_seq *s)
{
    while (s->columns != NULL)
        s = s->columns->v[0].u.seq;
    return s->rows == NULL ? (tdag_dim)s->n : tdagi_cell_dim(env, s->rows, 0);
}

/* The list that was taken as one of known length is none. */
static void found_stack(tdagi_carrying *c, tdagi_carried *leaf, tdagi_any next)
{
    uint32_t items = c->at, behind = items + leaf->span;
    leaf->is_stack = c->has_changed = true;
    leaf->like = tdagi_list_copy_of(c->env, next.u.seq);
    leaf->becomes[0] = length_of_list(c->env, next.u.seq);
    /* where its items were are leaves for the rows */
    memmove(c->leaves + items, c->leaves + behind, (c->n - behind) * sizeof *c->leaves);
    c->n -= behind - items;
    put_leaves(c, count_columns(next.u.seq));
}

static void carry_stack_on(tdagi_carrying *c, tdagi_any list)
{
    const tdagi_seq *columns = list.u.seq->columns;
    for (uint32_t i = 0; columns != NULL && i < columns->n; i++)
        carry_stack_on(c, columns->v[i]);
    if (columns == NULL)
        tdagi_carry_on(c, (tdagi_any){.kind = TDAGI_ANY_TENSOR},
                       tdagi_any_tensor(list.u.seq->rows));
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
            carry_stack_on(c, rows);
    } else if (tdagi_any_is_stack(next) || next.u.seq->n != v.u.seq->n) {
        found_stack(c, leaf, next);
    } else {
        for (uint32_t i = 0; i < v.u.seq->n; i++)
            tdagi_carry_on(c, v.u.seq->v[i], next.u.seq->v[i]);
    }
}

void tdagi_carry_on(tdagi_carrying *c, tdagi_any v, tdagi_any next)
{
    if (tdagi_may_be_none(v) && c->at < c->n) {
        carry_optional_on(c, v, next);
        return;
    }
    next = as_number(c->env, v, next);
    if (v.kind == TDAGI_ANY_LIST && c->at < c->n) {
        carry_list_on(c, v, next);
    } else if (v.kind == TDAGI_ANY_DICT && next.kind == TDAGI_ANY_DICT &&
               tdagi_same_keys(c->env, v.u.dict, next.u.dict)) {
        for (uint32_t i = 0; i < v.u.dict->keys.n; i++)
            tdagi_carry_on(c, v.u.dict->values.v[i], next.u.dict->values.v[i]);
    } else if (tdagi_any_is_seq(v)) {
        bool same = next.kind == v.kind && next.u.seq->n == v.u.seq->n;
        if (!same) refuse_next(c, v, next);
        for (uint32_t i = 0; same && i < v.u.seq->n; i++)
            tdagi_carry_on(c, v.u.seq->v[i], next.u.seq->v[i]);
    } else if (is_leaf(v)) {
        if (c->at < c->n) carry_leaf_on(c, &c->leaves[c->at++], v, next);
    } else if (!tdagi_is_same_value(c->env, v, next)) {
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
    tdagi_optional_parts(c->env, v, leaf->like, parts);
    tdagi_any there = tdagi_carry_out(c, parts[0]);
    return tdagi_optional(c->env, there, tdagi_carry_out(c, parts[1]), v.letter);
}

static tdagi_any carry_stack_out(tdagi_carrying *c, tdagi_any list)
{
    if (!tdagi_any_is_stack(list)) return tdagi_any_poison(); /* refused above */
    const tdagi_seq *s = list.u.seq;
    if (s->columns == NULL) {
        tdagi_any rows = tdagi_carry_out(c, (tdagi_any){.kind = TDAGI_ANY_TENSOR});
        return rows.kind == TDAGI_ANY_TENSOR
                   ? tdagi_stack_list(c->env, rows.u.tensor, s->letter)
                   : rows;
    }
    tdagi_any out = tdagi_stack_columns(c->env, s->columns, s->letter);
    for (uint32_t i = 0; i < s->columns->n && out.kind == TDAGI_ANY_LIST; i++) {
        tdagi_any column = carry_stack_out(c, s->columns->v[i]);
        if (!tdagi_any_is_stack(column)) return column;
        out.u.seq->columns->v[i] = column;
    }
    return out;
}

tdagi_any tdagi_carry_out(tdagi_carrying *c, tdagi_any v)
{
    if (tdagi_may_be_none(v) && c->at < c->n) return carry_optional_out(c, v);
    if (v.kind == TDAGI_ANY_LIST && c->at < c->n) {
        const tdagi_carried *leaf = &c->leaves[c->at++];
        return leaf->is_stack ? carry_stack_out(c, leaf->list)
                              : carry_items(c, v, tdagi_carry_out);
    }
    if (v.kind == TDAGI_ANY_DICT) return carry_dict(c, v, tdagi_carry_out);
    if (tdagi_any_is_seq(v)) return carry_items(c, v, tdagi_carry_out);
    if (!is_leaf(v) || c->at >= c->n) return v;
    tdagi_carried *leaf = &c->leaves[c->at++];
    if (is_unset_tuple(leaf, v))
        return tdagi_carry_out(c, tdagi_nothing_like(c->env, leaf->like));
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
    tdagi_any out = tdagi_any_like(c->env, tdagi_is_unset(v) ? leaf->like : v,
                                   known.id != 0 ? known : leaf->result);
    return tdagi_showing(tdagi_showing(out, v), leaf->last);
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
