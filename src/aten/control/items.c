/* How lists whose length a run tells are kept: items as rows, tuples as columns, items
 * of several lengths as their rows and the lengths. */
#include "aten/control/items.h"

#include <string.h>

#include "aten/control/merge.h"
#include "aten/control/statement.h"

/* ---- items as rows ---- */

static tdagi_any as_tensor(tdagi_env *env, tdagi_any v)
{
    return tdagi_number_letter(v) != 0 ? tdagi_number_data(env, v) : v;
}

bool tdagi_item_type_of(tdagi_env *env, tdagi_any v, tdagi_item_type *out)
{
    out->letter = tdagi_number_letter(v);
    v = as_tensor(env, v);
    if (v.kind != TDAGI_ANY_TENSOR) return false;
    out->dtype = tdagi_cell_dtype(env, v.u.tensor);
    out->rank = tdagi_cell_rank(env, v.u.tensor);
    out->dims = tdagi_cell_shape(env, v.u.tensor);
    return out->rank < TDAG_MAX_RANK;
}

tdag_dtype tdagi_number_dtype(char letter)
{
    return letter == 'f' ? TDAG_F64 : letter == 'b' ? TDAG_BOOL : TDAG_I64;
}

bool tdagi_item_type_of_list(tdagi_env *env, tdagi_any list, tdagi_item_type *out)
{
    if (list.kind != TDAGI_ANY_LIST) return false;
    const tdagi_seq *s = list.u.seq;
    if (s->rows == NULL && s->n > 0) return tdagi_item_type_of(env, s->v[0], out);
    out->letter = s->letter;
    out->rank = 0;
    out->dtype = tdagi_number_dtype(s->letter);
    if (s->rows == NULL) return s->letter != 0;
    out->dtype = tdagi_cell_dtype(env, s->rows);
    out->rank = tdagi_cell_rank(env, s->rows) - 1;
    out->dims = tdagi_cell_shape(env, s->rows) + 1;
    return true;
}

static bool same_type(const tdagi_item_type *a, const tdagi_item_type *b)
{
    bool same = a->letter == b->letter && a->dtype == b->dtype && a->rank == b->rank;
    for (uint32_t i = 0; same && i < a->rank; i++)
        same = a->dims[i] == b->dims[i];
    return same;
}

static bool is_seen(const tdagi_env *env, const tdagi_item_type *t, uint32_t n_symbols)
{
    for (uint32_t i = 0; i < t->rank; i++)
        for (uint32_t s = n_symbols; s < tdagi_pool_n_symbols(env->pool); s++)
            if (tdagi_dim_has_symbol(env->pool, t->dims[i], s)) return false;
    return true;
}

static tdag_value no_rows(tdagi_env *env, const tdagi_item_type *t)
{
    tdag_dim shape[TDAG_MAX_RANK] = {0};
    if (t->rank > 0) memcpy(shape + 1, t->dims, t->rank * sizeof *shape);
    return tdagi_full(env->b, t->dtype, t->rank + 1, shape, 0);
}

tdagi_any tdagi_stack_list(tdagi_env *env, tdagi_cell *rows, char letter)
{
    tdagi_any out = tdagi_any_seq(env, TDAGI_ANY_LIST, 0, NULL);
    if (out.kind != TDAGI_ANY_LIST || rows == NULL) return tdagi_any_poison();
    out.u.seq->rows = rows;
    out.u.seq->letter = letter;
    return out;
}

/* The item's value; its memory is in a list from now on. */
tdag_value tdagi_item_take(tdagi_env *env, tdagi_any item)
{
    item = as_tensor(env, item);
    tdagi_cell *t = item.u.tensor;
    if (t == NULL) return TDAG_NO_VALUE;
    (t->root == NULL ? t : t->root)->is_in_list = true;
    return tdagi_cell_read(env, t);
}

/* ---- tuples as columns ---- */

/* Items j of the tuples of a list. */
tdagi_any tdagi_column_of(tdagi_env *env, tdagi_any list, uint32_t j)
{
    if (list.kind != TDAGI_ANY_LIST) return tdagi_any_none();
    const tdagi_seq *s = list.u.seq;
    if (s->columns != NULL)
        return j < s->columns->n ? s->columns->v[j] : tdagi_any_none();
    tdagi_any out = tdagi_any_seq(env, TDAGI_ANY_LIST, 0, NULL);
    for (uint32_t i = 0; i < s->n && out.kind == TDAGI_ANY_LIST; i++) {
        if (!tdagi_any_is_seq(s->v[i]) || j >= s->v[i].u.seq->n)
            return tdagi_any_none();
        tdagi_seq_append(env, out.u.seq, s->v[i].u.seq->v[j]);
    }
    return out;
}

/* What tells how many there are; NULL: the items are no tuples. */
static const tdagi_seq *tuple_of(tdagi_any list)
{
    if (list.kind != TDAGI_ANY_LIST) return NULL;
    const tdagi_seq *s = list.u.seq;
    if (s->columns != NULL) return s->columns;
    bool is_tuple = s->n > 0 && s->v[0].kind == TDAGI_ANY_TUPLE && s->v[0].u.seq->n > 0;
    return is_tuple ? s->v[0].u.seq : NULL;
}

tdagi_any tdagi_stack_columns(tdagi_env *env, const tdagi_seq *columns, char letter)
{
    tdagi_any out = tdagi_any_seq(env, TDAGI_ANY_LIST, 0, NULL),
              own = tdagi_any_seq(env, TDAGI_ANY_TUPLE, columns->n, columns->v);
    if (out.kind != TDAGI_ANY_LIST || own.kind != TDAGI_ANY_TUPLE)
        return tdagi_any_poison();
    own.u.seq->type_name = columns->type_name;
    own.u.seq->fields = columns->fields;
    out.u.seq->columns = own.u.seq;
    out.u.seq->letter = letter;
    return out;
}

static tdagi_any stack_of_tuples(tdagi_env *env, tdagi_any list, tdagi_any like,
                                 const tdagi_seq *tuple, uint32_t n_symbols)
{
    tdagi_any out = tdagi_stack_columns(env, tuple, 0);
    for (uint32_t j = 0; out.kind == TDAGI_ANY_LIST && j < tuple->n; j++) {
        tdagi_any rows = tdagi_stack_of(env, tdagi_column_of(env, list, j),
                                        tdagi_column_of(env, like, j), n_symbols);
        if (!tdagi_any_is_stack(rows)) return tdagi_any_none();
        out.u.seq->columns->v[j] = rows;
    }
    return out;
}

/* ---- items of several lengths: their rows, and the lengths ---- */

bool tdagi_is_ragged(tdagi_any v)
{
    return v.kind == TDAGI_ANY_LIST && v.u.seq->columns != NULL &&
           v.u.seq->letter == 'r';
}

/* Whether items of both types are of several lengths, which a run tells. */
bool tdagi_differs_in_length(const tdagi_env *env, const tdagi_item_type *a,
                             const tdagi_item_type *b)
{
    bool same = a->rank > 0 && a->letter == 0 && b->letter == 0 && a->rank == b->rank &&
                a->dtype == b->dtype;
    for (uint32_t i = 1; same && i < a->rank; i++)
        same = a->dims[i] == b->dims[i];
    return same && a->dims[0] != b->dims[0] &&
           (tdagi_is_found(env, a->dims[0]) || tdagi_is_found(env, b->dims[0]) ||
            tdagi_dim_sample(env->pool, a->dims[0]) !=
                tdagi_dim_sample(env->pool, b->dims[0]));
}

static bool becomes_ragged(tdagi_env *env, tdagi_any list, tdagi_any like,
                           uint32_t n_symbols)
{
    tdagi_item_type t, other;
    const tdagi_any both[2] = {list, like};
    if (tdagi_is_ragged(list) || tdagi_is_ragged(like)) return true;
    if (!env->may_miss_rows || list.kind != TDAGI_ANY_LIST ||
        !tdagi_item_type_of_list(
            env, list.u.seq->n > 0 || tdagi_any_is_stack(list) ? list : like, &t) ||
        t.rank == 0)
        return false;
    for (int k = 0; k < 2 && both[k].kind == TDAGI_ANY_LIST; k++) {
        const tdagi_seq *s = both[k].u.seq;
        if (s->rows != NULL && tdagi_item_type_of_list(env, both[k], &other) &&
            tdagi_differs_in_length(env, &t, &other))
            return true;
        for (uint32_t i = 0; i < s->n; i++)
            if (tdagi_item_type_of(env, s->v[i], &other) &&
                tdagi_differs_in_length(env, &t, &other))
                return true;
        tdagi_item_type length = {.rank = 1, .dims = t.dims};
        if (s->n == 0 && s->rows == NULL && !is_seen(env, &length, n_symbols))
            return true;
    }
    return false;
}

/* The list so; NONE: other sizes differ, too. */
tdagi_any tdagi_ragged_of(tdagi_env *env, tdagi_any list, tdagi_any like,
                          uint32_t n_symbols)
{
    tdagi_item_type t, other;
    if (tdagi_is_ragged(list)) return list;
    if (list.kind != TDAGI_ANY_LIST) return tdagi_any_none();
    const tdagi_seq *s = list.u.seq;
    bool is_empty = s->n == 0 && s->rows == NULL;
    if (is_empty && tdagi_is_ragged(like)) like = like.u.seq->columns->v[0];
    if (!tdagi_item_type_of_list(env, is_empty ? like : list, &t))
        return tdagi_any_none();
    tdagi_item_type row = {0, t.dtype, t.rank - 1, t.dims + 1};
    if (is_empty && tdagi_any_is_stack(like)) row = t; /* of the rows of items */
    if (!is_seen(env, &row, n_symbols)) return tdagi_any_none();
    tdagi_any lengths = tdagi_any_seq(env, TDAGI_ANY_LIST, 0, NULL),
              rows = tdagi_any_none();
    tdag_value *v = tdagi_env_alloc(env, (s->n + 1u) * sizeof *v);
    if (lengths.kind != TDAGI_ANY_LIST || v == NULL) return tdagi_any_none();
    lengths.u.seq->letter = 'i';
    for (uint32_t i = 0; i < s->n; i++) {
        if (!tdagi_item_type_of(env, s->v[i], &other) || other.rank != t.rank ||
            other.dtype != t.dtype)
            return tdagi_any_none();
        v[i] = tdagi_item_take(env, s->v[i]);
        tdagi_seq_append(env, lengths.u.seq, tdagi_any_dim(other.dims[0]));
    }
    if (s->rows != NULL) {
        tdag_dim n = tdagi_cell_dim(env, s->rows, 0);
        tdag_value each = tdagi_mul(env->b, tdagi_full(env->b, TDAG_I64, 1, &n, 1),
                                    tdagi_dim_value(env->b, t.dims[0]));
        tdag_dim shape[TDAG_MAX_RANK];
        memcpy(shape, t.dims, t.rank * sizeof *shape);
        shape[0] = tdagi_dim_mul(env->pool, n, shape[0]);
        rows = tdagi_any_tensor(tdagi_cell_new(
            env, tdagi_reshape(env->b, tdagi_cell_read(env, s->rows), t.rank, shape)));
        lengths = tdagi_stack_list(env, tdagi_cell_new(env, each), 'i');
    } else {
        rows = tdagi_any_tensor(tdagi_cell_new(
            env, s->n == 0 ? no_rows(env, &row) : tdagi_concat(env->b, v, s->n, 0)));
        lengths = tdagi_stack_of(env, lengths, lengths, n_symbols);
    }
    if (rows.kind != TDAGI_ANY_TENSOR || !tdagi_any_is_stack(lengths))
        return tdagi_any_none();
    const tdagi_any both[] = {tdagi_stack_list(env, rows.u.tensor, 0), lengths};
    const tdagi_seq columns = {.n = 2, .v = (tdagi_any *)(uintptr_t)both};
    env->may_have_missed = true;
    return tdagi_stack_columns(env, &columns, 'r');
}

tdagi_any tdagi_stack_of(tdagi_env *env, tdagi_any list, tdagi_any like,
                         uint32_t n_symbols)
{
    tdagi_item_type t, other;
    if (becomes_ragged(env, list, like, n_symbols))
        return tdagi_ragged_of(env, list, like, n_symbols);
    if (tdagi_any_is_stack(list)) return list;
    if (list.kind != TDAGI_ANY_LIST) return tdagi_any_none();
    const tdagi_seq *s = list.u.seq, *tuple = tuple_of(s->n > 0 ? list : like);
    if (tuple != NULL) return stack_of_tuples(env, list, like, tuple, n_symbols);
    if (!tdagi_item_type_of_list(env, s->n > 0 ? list : like, &t))
        return tdagi_any_none();
    if (s->n == 0 && !is_seen(env, &t, n_symbols)) return tdagi_any_none();
    tdag_value rows = TDAG_NO_VALUE;
    tdag_value *v = tdagi_env_alloc(env, (s->n + 1u) * sizeof *v);
    if (v == NULL) return tdagi_any_none();
    for (uint32_t i = 0; i < s->n; i++) {
        if (!tdagi_item_type_of(env, s->v[i], &other) || !same_type(&t, &other))
            return tdagi_any_none();
        v[i] = tdagi_unsqueeze1(env->b, tdagi_item_take(env, s->v[i]), 0);
    }
    rows = s->n == 0   ? no_rows(env, &t)
           : s->n == 1 ? v[0]
                       : tdagi_concat(env->b, v, s->n, 0);
    return tdagi_stack_list(env, tdagi_cell_new(env, rows), t.letter);
}

/* ---- for operators on tensors ---- */

tdagi_any tdagi_stack_unbind(tdagi_env *env, tdagi_any t, int64_t axis, char letter)
{
    uint32_t rank = tdagi_cell_rank(env, t.u.tensor);
    int64_t *order = tdagi_env_alloc(env, (rank + 1u) * sizeof *order);
    if (order == NULL) return tdagi_any_poison();
    order[0] = axis;
    for (int64_t i = 0, k = 1; i < rank; i++)
        if (i != axis) order[k++] = i;
    const tdagi_view_step w = {.kind =
                                   axis == 0 ? TDAGI_VIEW_ALIAS : TDAGI_VIEW_PERMUTE,
                               .dims = {rank, order}};
    return tdagi_stack_list(env, tdagi_cell_view(env, t.u.tensor, &w), letter);
}

tdag_value tdagi_stack_append(tdagi_env *env, tdag_value rows, tdag_value row)
{
    const tdagi_statement_spec what = {.kind = TDAGI_CALL};
    const tdag_value in[2] = {rows, row};
    tdag_dim shape[TDAG_MAX_RANK];
    uint32_t rank = tdag_builder_get_rank(env->b, rows);
    if (rows.id == 0 || row.id == 0) return TDAG_NO_VALUE;
    memcpy(shape, tdag_builder_get_shape(env->b, rows), rank * sizeof *shape);
    shape[0] = tdagi_dim_add(env->pool, shape[0], 1);
    tdagi_outline_statement *s = tdagi_outline_add(env->outline, &what);
    tdag_value out =
        tdagi_given(env, tdag_builder_get_dtype(env->b, rows), rank, shape);
    if (s == NULL) return TDAG_NO_VALUE; /* which the outline keeps */
    s->inputs = tdagi_outline_keep(env->outline, 2, in);
    s->results = tdagi_outline_keep(env->outline, 1, &out);
    return out;
}
