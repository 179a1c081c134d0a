/* What operators do with lists whose length a run tells: appending is a statement of
 * its own, as engines do it in place; all else is done by operators on the rows. */
#include "aten/control/items.h"

#include <string.h>

#include "aten/control/journal.h"
#include "aten/control/merge.h"
#include "aten/control/statement.h"

/* ---- operators ---- */

typedef struct stack_call {
    tdagi_call *c;
    tdagi_env *env;
    tdagi_seq *s;
    tdagi_any rows;
} stack_call;

static tdagi_any number(tdagi_env *env, int64_t i) { return tdagi_any_int(env, i); }

static tdagi_any arg(const stack_call *k, uint32_t i)
{
    return i < k->c->n ? k->c->args[i] : tdagi_any_none();
}

/* A rank-0 tensor as the number that it is. */
static tdagi_any as_item(const stack_call *k, tdagi_any v)
{
    if (k->s->letter == 0 || v.kind != TDAGI_ANY_TENSOR) return v;
    return (tdagi_any){
        .kind = TDAGI_ANY_DATA, .letter = k->s->letter, .u.tensor = v.u.tensor};
}

/* The list has other rows; what shows the old ones does not show them. */
static void put_rows(const stack_call *k, tdagi_any rows)
{
    if (rows.kind != TDAGI_ANY_TENSOR) return;
    tdagi_journal_note_seq(k->env, k->s);
    k->s->rows->is_in_list = true;
    k->s->rows = tdagi_cell_new(k->env, tdagi_cell_read(k->env, rows.u.tensor));
}

/* Whether the item fits, its sizes made those of the rows. */
static bool fit_item(const stack_call *k, tdagi_any item, tdag_value *rows,
                     tdag_value *v)
{
    tdagi_item_type t, other;
    tdagi_any list = {.kind = TDAGI_ANY_LIST, .u.seq = k->s};
    if (!tdagi_item_type_of_list(k->env, list, &t) ||
        !tdagi_item_type_of(k->env, item, &other) || t.letter != other.letter ||
        t.dtype != other.dtype || t.rank != other.rank)
        return false;
    *rows = tdagi_cell_read(k->env, k->s->rows);
    *v = tdagi_item_take(k->env, item);
    for (uint32_t i = 0; i < t.rank && v->id != 0; i++)
        tdagi_match_dims(k->c, rows, i + 1, v, i);
    for (uint32_t i = 0; i < t.rank && v->id != 0 && rows->id != 0; i++)
        if (tdagi_shape(k->c, *rows)[i + 1] != tdagi_shape(k->c, *v)[i]) return false;
    return v->id != 0 && rows->id != 0;
}

static tdagi_any refuse_item(const stack_call *k, tdagi_any v)
{
    k->c->bad = true;
    return tdagi_env_issue(k->env, "%s of %s that is not like the items of a list",
                           k->c->schema->name, tdagi_any_text(k->env, v));
}

static tdagi_any list_append(stack_call *k)
{
    tdag_value rows, v;
    tdagi_item_type t, other;
    tdagi_any list = {.kind = TDAGI_ANY_LIST, .u.seq = k->s}, ragged;
    if (k->env->may_miss_rows && tdagi_item_type_of_list(k->env, list, &t) &&
        tdagi_item_type_of(k->env, arg(k, 1), &other) &&
        tdagi_differs_in_length(k->env, &t, &other) &&
        tdagi_is_ragged(ragged = tdagi_ragged_of(k->env, list, list, UINT32_MAX))) {
        tdagi_journal_note_seq(k->env, k->s);
        tdagi_seq_take(k->s, ragged.u.seq);
        return tdagi_stack_call(k->env, k->c->schema, k->c->args, k->c->n, &ragged)
                   ? ragged
                   : tdagi_any_poison();
    }
    if (!fit_item(k, arg(k, 1), &rows, &v)) return refuse_item(k, arg(k, 1));
    tdag_value out = tdagi_stack_append(k->env, rows, v);
    if (out.id != 0) put_rows(k, tdagi_any_tensor(tdagi_cell_new(k->env, out)));
    return k->c->args[0];
}

static tdagi_any list_len(stack_call *k)
{
    return tdagi_any_dim(tdagi_cell_dim(k->env, k->s->rows, 0));
}

/* A tensor of one number as that. */
static tdagi_any as_number(const stack_call *k, char letter, tdagi_any v)
{
    tdag_value x = v.kind == TDAGI_ANY_TENSOR ? tdagi_cell_read(k->env, v.u.tensor)
                                              : TDAG_NO_VALUE;
    tdagi_cell *t =
        tdagi_cell_new(k->env, tdagi_cast(k->env->b, x, tdagi_number_dtype(letter)));
    if (t == NULL) return v.kind == TDAGI_ANY_TENSOR ? tdagi_any_poison() : v;
    return (tdagi_any){.kind = TDAGI_ANY_DATA, .letter = letter, .u.tensor = t};
}

/* An index that is out of range at the samples is one that a run knows. */
static tdagi_any index_of(const stack_call *k, tdagi_any i)
{
    tdagi_pool *p = k->env->pool;
    if (i.kind != TDAGI_ANY_INT) return i;
    int64_t at = tdagi_dim_sample(p, i.u.i);
    int64_t n = tdagi_dim_sample(p, tdagi_cell_dim(k->env, k->s->rows, 0));
    return at >= -n && at < n ? i : as_number(k, 'i', tdagi_number_data(k->env, i));
}

static tdagi_any row_at(const stack_call *k, tdagi_any i)
{
    const tdagi_any args[] = {k->rows, number(k->env, 0), index_of(k, i)};
    return tdagi_aten_call_named(k->env, "aten::select", "int", 3, args);
}

static tdagi_any list_item(stack_call *k) { return as_item(k, row_at(k, arg(k, 1))); }

static tdagi_any list_set(stack_call *k)
{
    tdag_value rows, v;
    if (!fit_item(k, arg(k, 2), &rows, &v)) return refuse_item(k, arg(k, 2));
    tdagi_any copy = tdagi_any_tensor(tdagi_cell_new(k->env, rows));
    k->rows = copy;
    tdagi_any at = row_at(k, arg(k, 1));
    if (at.kind == TDAGI_ANY_TENSOR) tdagi_cell_write(k->env, at.u.tensor, v);
    put_rows(k, copy);
    return k->c->args[0];
}

static tdagi_any slice(const stack_call *k, tdagi_any from, tdagi_any to,
                       tdagi_any step)
{
    const tdagi_any args[] = {k->rows, number(k->env, 0), from, to, step};
    return tdagi_aten_call_named(k->env, "aten::slice", "Tensor", 5, args);
}

static tdagi_any join(const stack_call *k, uint32_t n, const tdagi_any *parts)
{
    const tdagi_any args[] = {tdagi_any_seq(k->env, TDAGI_ANY_LIST, n, parts),
                              number(k->env, 0)};
    return tdagi_aten_call_named(k->env, "aten::cat", "", 2, args);
}

static tdagi_any list_of(const stack_call *k, tdagi_any rows)
{
    if (rows.kind != TDAGI_ANY_TENSOR) return rows;
    tdag_value v = tdagi_cell_read(k->env, rows.u.tensor);
    return tdagi_stack_list(k->env, tdagi_cell_new(k->env, v), k->s->letter);
}

static tdagi_any reversed(const stack_call *k)
{
    tdagi_any axis = number(k->env, 0);
    const tdagi_any args[] = {k->rows, tdagi_any_seq(k->env, TDAGI_ANY_LIST, 1, &axis)};
    return tdagi_aten_call_named(k->env, "aten::flip", "", 2, args);
}

static tdagi_any list_slice(stack_call *k)
{
    int64_t by = 1;
    if (arg(k, 1).kind == TDAGI_ANY_NONE && arg(k, 2).kind == TDAGI_ANY_NONE &&
        tdagi_any_const_int(k->env, arg(k, 3), &by) && by == -1)
        return list_of(k, reversed(k));
    tdagi_any step = arg(k, 3).kind == TDAGI_ANY_NONE ? number(k->env, 1) : arg(k, 3);
    return list_of(k, slice(k, arg(k, 1), arg(k, 2), step));
}

static tdagi_any list_pop(stack_call *k)
{
    tdagi_any none = tdagi_any_none(), one = number(k->env, 1);
    tdagi_any i = arg(k, 1).kind == TDAGI_ANY_NONE ? number(k->env, -1) : arg(k, 1);
    int64_t at = 0;
    if (!tdagi_any_const_int(k->env, i, &at)) return refuse_item(k, i);
    tdagi_any item = list_of(k, row_at(k, i)); /* of its own memory */
    if (item.kind != TDAGI_ANY_LIST) return item;
    if (at == 0 || at == -1) {
        put_rows(k, at == 0 ? slice(k, one, none, one) : slice(k, none, i, one));
    } else {
        const tdagi_any parts[] = {slice(k, none, i, one),
                                   slice(k, number(k->env, at + 1), none, one)};
        put_rows(k, join(k, 2, parts));
    }
    return as_item(k, tdagi_any_tensor(item.u.seq->rows));
}

static tdagi_any list_insert(stack_call *k)
{
    tdag_value rows, v;
    tdagi_any none = tdagi_any_none(), one = number(k->env, 1), i = arg(k, 1);
    if (!fit_item(k, arg(k, 2), &rows, &v)) return refuse_item(k, arg(k, 2));
    tdag_value row = tdagi_unsqueeze1(k->env->b, v, 0);
    const tdagi_any parts[] = {slice(k, none, i, one),
                               tdagi_any_tensor(tdagi_cell_new(k->env, row)),
                               slice(k, i, none, one)};
    put_rows(k, join(k, 3, parts));
    return none;
}

/* The rows of argument 1, and of argument 0. */
static tdagi_any both(const stack_call *k)
{
    tdagi_any self = {.kind = TDAGI_ANY_LIST, .u.seq = k->s};
    tdagi_any more = tdagi_stack_of(k->env, arg(k, 1), self, UINT32_MAX);
    if (!tdagi_any_is_stack(more)) return refuse_item(k, arg(k, 1));
    const tdagi_any parts[] = {k->rows, tdagi_any_tensor(more.u.seq->rows)};
    return join(k, 2, parts);
}

static tdagi_any list_extend(stack_call *k)
{
    put_rows(k, both(k));
    return k->c->args[0];
}

static tdagi_any list_add(stack_call *k) { return list_of(k, both(k)); }

static tdagi_any list_copy(stack_call *k) { return list_of(k, k->rows); }

static tdagi_any list_clear(stack_call *k)
{
    put_rows(k, slice(k, number(k->env, 0), number(k->env, 0), number(k->env, 1)));
    return tdagi_any_none();
}

static tdagi_any list_reverse(stack_call *k)
{
    put_rows(k, reversed(k));
    return tdagi_any_none();
}

/* The rows with their axis at place d of `rank`. */
static tdagi_any stacked_at(const stack_call *k, int64_t rank, int64_t *d)
{
    if (arg(k, 1).kind != TDAGI_ANY_NONE && !tdagi_any_const_int(k->env, arg(k, 1), d))
        return refuse_item(k, arg(k, 1));
    if (*d < 0) *d += rank;
    const tdagi_any args[] = {k->rows, number(k->env, 0), number(k->env, *d)};
    return tdagi_aten_call_named(k->env, "aten::movedim", "int", 3, args);
}

static tdagi_any fresh(const stack_call *k, tdagi_any v)
{
    if (v.kind != TDAGI_ANY_TENSOR) return v;
    return tdagi_result(k->c, tdagi_cell_read(k->env, v.u.tensor));
}

static tdagi_any list_stack(stack_call *k)
{
    int64_t d = 0;
    return fresh(k, stacked_at(k, tdagi_cell_rank(k->env, k->s->rows), &d));
}

static tdagi_any list_cat(stack_call *k)
{
    int64_t d = 0;
    tdagi_any x = stacked_at(k, (int64_t)tdagi_cell_rank(k->env, k->s->rows) - 1, &d);
    const tdagi_any args[] = {x, number(k->env, d), number(k->env, d + 1)};
    return fresh(k,
                 tdagi_aten_call_named(k->env, "aten::flatten", "using_ints", 3, args));
}

/* torch.tensor(list), of a dtype */
static tdagi_any list_tensor(stack_call *k)
{
    tdagi_any dtype = tdagi_arg(k->c, "dtype");
    if (dtype.kind == TDAGI_ANY_NONE && k->s->letter == 'f') dtype = number(k->env, 6);
    if (dtype.kind == TDAGI_ANY_NONE) return fresh(k, k->rows);
    const tdagi_any args[] = {k->rows, dtype};
    return fresh(k, tdagi_aten_call_named(k->env, "aten::to", "dtype", 2, args));
}

/* sum, min, max, any, all of numbers */
static tdagi_any list_reduce(stack_call *k)
{
    if (k->s->letter == 0) return refuse_item(k, k->rows);
    const char *name = k->c->schema->name;
    const char *reduce = strncmp(name, "prim::", 6) != 0 ? name
                         : name[7] == 'i'                ? "aten::min"
                                                         : "aten::max";
    bool logical = strstr(name, "sum") == NULL && name[0] == 'a';
    return as_number(k, logical ? 'b' : k->s->letter,
                     tdagi_aten_call_named(k->env, reduce, "", 1, &k->rows));
}

/* Which rows are the number of argument 1. */
static tdagi_any rows_like(stack_call *k)
{
    tdagi_any args[] = {k->rows, arg(k, 1)};
    if (k->s->letter == 's') args[1] = tdagi_number_data(k->env, args[1]);
    if (k->s->letter == 0) return refuse_item(k, arg(k, 1));
    return tdagi_aten_call_named(k->env, "aten::eq", "Scalar", 2, args);
}

/* in, index, count */
static tdagi_any list_find(stack_call *k)
{
    const char *name = k->c->schema->name;
    tdagi_any same = rows_like(k);
    if (strstr(name, "count") != NULL)
        return as_number(k, 'i',
                         tdagi_aten_call_named(k->env, "aten::sum", "", 1, &same));
    tdagi_any any =
        as_number(k, 'b', tdagi_aten_call_named(k->env, "aten::any", "", 1, &same));
    if (strstr(name, "index") == NULL || any.kind != TDAGI_ANY_DATA) return any;
    tdagi_check_add(k->env, tdagi_truth(k->env, any),
                    "a value that is not in the list");
    tdag_builder *b = k->env->b;
    tdag_dim n = tdagi_cell_dim(k->env, k->s->rows, 0);
    tdag_value first =
        tdag_where(b, tdagi_cell_read(k->env, same.u.tensor), tdag_iota(b, n, TDAG_I64),
                   tdag_add_scalar(b, TDAG_I64, (double)INT32_MAX));
    tdagi_any where = tdagi_any_tensor(tdagi_cell_new(k->env, first));
    return as_number(k, 'i', tdagi_aten_call_named(k->env, "aten::min", "", 1, &where));
}

/* l.sort(reverse) and sorted(l) of numbers */
static tdagi_any list_sort(stack_call *k)
{
    bool copies = strstr(k->c->schema->name, "sorted") != NULL;
    bool reverse = arg(k, 1).kind == TDAGI_ANY_BOOL && arg(k, 1).u.b;
    if (k->s->letter == 0) return refuse_item(k, k->rows);
    const tdagi_any args[] = {k->rows, number(k->env, 0), tdagi_any_bool(reverse)};
    tdagi_any both = tdagi_aten_call_named(k->env, "aten::sort", "", 3, args);
    if (!tdagi_any_is_seq(both)) return both;
    if (copies) return list_of(k, both.u.seq->v[0]);
    put_rows(k, both.u.seq->v[0]);
    return tdagi_any_none();
}

static const struct {
    const char *names; /* each between blanks */
    tdagi_any (*run)(stack_call *k);
} operators[] = {
    {" aten::append ", list_append},
    {" aten::len ", list_len},
    {" aten::__getitem__ ", list_item},
    {" aten::_set_item ", list_set},
    {" aten::slice ", list_slice},
    {" aten::pop aten::Delete aten::__delitem__ ", list_pop},
    {" aten::insert ", list_insert},
    {" aten::extend aten::add_ ", list_extend},
    {" aten::add ", list_add},
    {" aten::copy aten::list ", list_copy},
    {" aten::clear ", list_clear},
    {" aten::reverse ", list_reverse},
    {" aten::stack ", list_stack},
    {" aten::cat aten::concat aten::concatenate ", list_cat},
    {" aten::tensor aten::as_tensor ", list_tensor},
    {" aten::sum prim::min prim::max aten::any aten::all ", list_reduce},
    {" aten::__contains__ aten::index aten::count ", list_find},
    {" aten::sort aten::sorted ", list_sort},
};

/* Of these, what they do with tuples. */
static const char of_tuples[] =
    " aten::append aten::len aten::__getitem__ aten::_set_item aten::slice aten::pop "
    "aten::Delete aten::__delitem__ aten::insert aten::extend aten::add_ aten::add "
    "aten::copy aten::list aten::clear aten::reverse ";

static bool is_listed(const char *names, const char *name)
{
    const char *at = strstr(names, name);
    return at != NULL && at[-1] == ' ' && at[strlen(name)] == ' ';
}

static tdagi_any refuse_list(const tdagi_call *c)
{
    return tdagi_env_issue(c->env, "%s of a list whose length a run tells",
                           c->schema->name);
}

/* The list that is added to such a list becomes one. */
static bool become(tdagi_env *env, tdagi_any list, tdagi_any like)
{
    tdagi_any self = tdagi_stack_of(env, list, like, UINT32_MAX);
    if (!tdagi_any_is_stack(self)) return false;
    tdagi_journal_note_seq(env, list.u.seq);
    tdagi_seq_take(list.u.seq, self.u.seq);
    return true;
}

/* l[i] of a list of known items, where data tells i. */
static bool is_picked(tdagi_env *env, const tdagi_schema *schema, const tdagi_any *args,
                      uint32_t n)
{
    if (env->outline == NULL || n < 2 || args[0].kind != TDAGI_ANY_LIST ||
        tdagi_any_is_stack(args[0]))
        return false;
    /* one of nothing may have items where a loop comes by again */
    bool is_empty = args[0].u.seq->n == 0;
    bool is_filled = is_empty && args[0].u.seq->letter != 0 && env->journal != NULL;
    bool by_data = args[1].kind == TDAGI_ANY_DATA || tdagi_any_is_open(env, args[1]);
    return (is_filled || (by_data && !is_empty)) &&
           is_listed(" aten::__getitem__ aten::_set_item ", schema->name);
}

/* It is read of the rows; a list that is written at such a place becomes rows. */
static tdagi_any list_picked(tdagi_env *env, const tdagi_schema *schema,
                             const tdagi_any *args, uint32_t n)
{
    tdagi_call c = {.env = env, .schema = schema};
    tdagi_any out, own[3] = {args[0], args[1], n > 2 ? args[2] : tdagi_any_none()};
    if (n == 2) own[0] = tdagi_stack_of(env, args[0], args[0], UINT32_MAX);
    if (n > 2) become(env, args[0], args[0]);
    if (!tdagi_any_is_stack(own[0])) return refuse_list(&c);
    return tdagi_stack_call(env, schema, own, n, &out) ? out : refuse_list(&c);
}

/* sum, min, max, order of known items that are numbers, some of which data tells, or
 * which of them is one that data tells. */
static bool is_summed(tdagi_env *env, const tdagi_schema *schema, const tdagi_any *args,
                      uint32_t n)
{
    bool finds =
        is_listed(" aten::__contains__ aten::index aten::count ", schema->name);
    if (env->outline == NULL || n == 0 || args[0].kind != TDAGI_ANY_LIST ||
        !(finds || is_listed(" aten::sum prim::min prim::max aten::any aten::all "
                             "aten::sort aten::sorted ",
                             schema->name)))
        return false;
    const tdagi_seq *s = args[0].u.seq;
    uint32_t i = 0;
    if (finds && s->rows == NULL && s->n > 0 && n > 1 && args[1].kind == TDAGI_ANY_DATA)
        return true;
    while (s->rows == NULL && i < s->n && s->v[i].kind != TDAGI_ANY_DATA)
        i++;
    return s->rows == NULL && i < s->n;
}

/* An item of such a list. */
static tdagi_any ragged_item(tdagi_env *env, const tdagi_seq *columns, tdagi_any i)
{
    const stack_call k = {.env = env, .s = columns->v[1].u.seq};
    tdagi_any lengths = tdagi_any_tensor(k.s->rows), zero = number(env, 0);
    const tdagi_any all[] = {lengths, zero};
    tdagi_any ends = tdagi_aten_call_named(env, "aten::cumsum", "", 2, all);
    tdagi_any at[] = {lengths, zero, index_of(&k, i)};
    tdagi_any length = tdagi_aten_call_named(env, "aten::select", "int", 3, at);
    at[0] = ends;
    tdagi_any end = tdagi_aten_call_named(env, "aten::select", "int", 3, at);
    const tdagi_any less[] = {end, length, number(env, 1)};
    tdagi_any start = tdagi_aten_call_named(env, "aten::sub", "Tensor", 3, less);
    const tdagi_any part[] = {tdagi_any_tensor(columns->v[0].u.seq->rows), zero,
                              as_number(&k, 'i', start), as_number(&k, 'i', end),
                              number(env, 1)};
    return tdagi_aten_call_named(env, "aten::slice", "Tensor", 5, part);
}

static tdagi_any call_ragged(const tdagi_call *c)
{
    static const tdagi_schema extend = {.name = "aten::extend", .overload = ""};
    tdagi_env *env = c->env;
    tdagi_seq *s = c->args[0].u.seq;
    const char *name = c->schema->name;
    tdagi_any more = tdagi_any_none(), out = {.kind = TDAGI_ANY_POISON};
    int64_t axis = 0;
    if (strcmp(name, "aten::len") == 0)
        return tdagi_any_dim(tdagi_cell_dim(env, s->columns->v[1].u.seq->rows, 0));
    if (strcmp(name, "aten::__getitem__") == 0)
        return ragged_item(env, s->columns, c->args[1]);
    if (is_listed(" aten::cat aten::concat aten::concatenate ", name) &&
        (c->n < 2 || tdagi_any_const_int(env, c->args[1], &axis)) && axis == 0)
        return tdagi_any_tensor(
            tdagi_cell_new(env, tdagi_cell_read(env, s->columns->v[0].u.seq->rows)));
    if (strcmp(name, "aten::append") == 0)
        more = tdagi_any_seq(env, TDAGI_ANY_LIST, 1, &c->args[1]);
    else if (c->n > 1 && is_listed(" aten::extend aten::add_ aten::add ", name))
        more = c->args[1];
    more = tdagi_ragged_of(env, more, c->args[0], UINT32_MAX);
    tdagi_any after = tdagi_stack_columns(env, s->columns, 'r');
    if (!tdagi_is_ragged(more) || !tdagi_is_ragged(after)) return refuse_list(c);
    for (uint32_t j = 0; j < 2; j++) {
        tdagi_any both[2] = {tdagi_list_copy_of(env, s->columns->v[j].u.seq),
                             more.u.seq->columns->v[j]};
        if (both[0].kind != TDAGI_ANY_LIST ||
            !tdagi_stack_call(env, &extend, both, 2, &out))
            return tdagi_any_poison();
        after.u.seq->columns->v[j] = both[0];
    }
    if (strcmp(name, "aten::add") == 0) return after;
    tdagi_journal_note_seq(env, s);
    s->columns = after.u.seq->columns;
    return c->args[0];
}

/* What an operator does with the lists of a list of tuples, each for itself. */
static tdagi_any call_columns(tdagi_env *env, const tdagi_schema *schema,
                              const tdagi_any *args, uint32_t n)
{
    tdagi_seq *s = args[0].u.seq;
    bool writes = schema->n_args > 0 && schema->args[0].is_written;
    tdagi_any items = tdagi_any_seq(env, TDAGI_ANY_TUPLE, s->columns->n, s->columns->v),
              after = tdagi_stack_columns(env, s->columns, 0),
              *own = tdagi_env_alloc(env, n * sizeof *own);
    if (after.kind != TDAGI_ANY_LIST || items.kind != TDAGI_ANY_TUPLE || own == NULL)
        return tdagi_any_poison();
    for (uint32_t j = 0; j < items.u.seq->n && tdagi_env_ok(env); j++) {
        own[0] = tdagi_list_copy_of(env, s->columns->v[j].u.seq);
        for (uint32_t i = 1; i < n; i++)
            own[i] = args[i].kind == TDAGI_ANY_LIST ? tdagi_column_of(env, args[i], j)
                     : args[i].kind != TDAGI_ANY_TUPLE ? args[i]
                     : j < args[i].u.seq->n            ? args[i].u.seq->v[j]
                                                       : tdagi_any_poison();
        if (own[0].kind != TDAGI_ANY_LIST ||
            !tdagi_stack_call(env, schema, own, n, &items.u.seq->v[j]))
            return tdagi_any_poison();
        after.u.seq->columns->v[j] = own[0];
    }
    tdagi_any first = items.u.seq->v[0];
    if (writes) tdagi_journal_note_seq(env, s);
    if (writes) s->columns = after.u.seq->columns;
    if (strcmp(schema->name, "aten::len") == 0 || first.kind == TDAGI_ANY_NONE)
        return first;
    items.u.seq->type_name = s->columns->type_name;
    items.u.seq->fields = s->columns->fields;
    if (first.kind != TDAGI_ANY_LIST) return items;
    return writes ? args[0] : tdagi_stack_columns(env, items.u.seq, 0);
}

/* d[k] and `k in d` of known keys, where data tells k. */
static bool is_keyed(tdagi_env *env, const tdagi_schema *schema, const tdagi_any *args,
                     uint32_t n)
{
    return env->outline != NULL && n == 2 && args[0].kind == TDAGI_ANY_DICT &&
           args[1].kind == TDAGI_ANY_DATA &&
           is_listed(" aten::__getitem__ aten::__contains__ ", schema->name);
}

static tdagi_any call_keyed(tdagi_env *env, const tdagi_schema *schema,
                            const tdagi_any *args)
{
    static const tdagi_schema index = {.name = "aten::index", .overload = ""};
    const tdagi_dict *d = args[0].u.dict;
    bool gets = strcmp(schema->name, "aten::__getitem__") == 0, fits = d->keys.n > 0;
    for (uint32_t i = 0; i < d->keys.n; i++) /* whether it has a key may be open, too */
        fits &= d->values.v[i].kind != TDAGI_ANY_OPTIONAL;
    tdagi_any out, own[] = {tdagi_list_copy_of(env, &d->keys), args[1]};
    fits = fits && own[0].kind == TDAGI_ANY_LIST &&
           tdagi_stack_call(env, gets ? &index : schema, own, 2, &out);
    if (fits && gets && out.kind == TDAGI_ANY_DATA) {
        own[0] = tdagi_list_copy_of(env, &d->values);
        own[1] = out;
        fits = own[0].kind == TDAGI_ANY_LIST &&
               tdagi_stack_call(env, schema, own, 2, &out);
    }
    return fits ? out
                : tdagi_env_issue(env, "%s of a dict, with %s", schema->name,
                                  tdagi_any_text(env, args[1]));
}

bool tdagi_stack_call(tdagi_env *env, const tdagi_schema *schema, const tdagi_any *args,
                      uint32_t n_args, tdagi_any *out)
{
    uint32_t at = 0;
    if (is_keyed(env, schema, args, n_args)) {
        *out = call_keyed(env, schema, args);
        return true;
    }
    if (is_picked(env, schema, args, n_args)) {
        *out = list_picked(env, schema, args, n_args);
        return true;
    }
    while (at < n_args && !tdagi_any_is_stack(args[at]))
        at++;
    tdagi_any rows = tdagi_any_none(), own[2];
    if (is_summed(env, schema, args, n_args)) {
        if (strcmp(schema->name, "aten::sort") == 0)
            at = become(env, args[0], args[0]) ? 0 : at;
        else
            rows = tdagi_stack_of(env, args[0], args[0], UINT32_MAX);
    }
    if (tdagi_any_is_stack(rows)) {
        own[0] = rows;
        own[1] = n_args > 1 ? args[1] : tdagi_any_none();
        args = own;
        n_args = n_args > 1 ? 2 : 1;
        at = 0;
    }
    if (at == n_args) return false;
    tdagi_call c = {
        .env = env, .b = env->b, .schema = schema, .n = n_args, .args = args};
    stack_call k = {.c = &c, .env = env, .s = args[0].u.seq};
    bool fits = at == 0 || (at == 1 && args[0].kind == TDAGI_ANY_LIST &&
                            become(env, args[0], args[1]));
    if (fits && tdagi_is_ragged(args[0])) {
        *out = call_ragged(&c);
        return true;
    }
    if (fits && k.s->columns != NULL) {
        *out = is_listed(of_tuples, schema->name)
                   ? call_columns(env, schema, args, n_args)
                   : refuse_list(&c);
        return true;
    }
    for (uint32_t i = 0; fits && i < sizeof operators / sizeof operators[0]; i++) {
        if (!is_listed(operators[i].names, schema->name)) continue;
        k.rows = tdagi_any_tensor(k.s->rows);
        *out = operators[i].run(&k);
        return true;
    }
    *out = refuse_list(&c);
    return true;
}

tdagi_any tdagi_stack_items(tdagi_env *env, tdagi_any list, uint32_t n)
{
    static const tdagi_schema len = {.name = "aten::len", .overload = ""},
                              item = {.name = "aten::__getitem__", .overload = ""};
    tdagi_any size, out = tdagi_any_seq(env, TDAGI_ANY_TUPLE, 0, NULL);
    if (!tdagi_stack_call(env, &len, &list, 1, &size) || size.kind != TDAGI_ANY_INT)
        return tdagi_any_poison();
    if (size.u.i != n)
        tdagi_check_add(env,
                        tdag_binary(env->b, TDAG_OP_EQUAL,
                                    tdagi_dim_value(env->b, size.u.i),
                                    tdag_add_scalar(env->b, TDAG_I64, n)),
                        "a list is not of the length that it is unpacked into");
    for (uint32_t i = 0; i < n && out.kind == TDAGI_ANY_TUPLE; i++) {
        tdagi_any v, args[2] = {list, number(env, i)};
        if (!tdagi_stack_call(env, &item, args, 2, &v)) return tdagi_any_poison();
        tdagi_seq_append(env, out.u.seq, v);
    }
    return out;
}
