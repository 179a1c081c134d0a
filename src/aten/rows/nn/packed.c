/* Packed sequences: the rows that are there of [T, B, ...], step by step, and how many
 * there are of each step. Of known lengths both are ordinary tensors, of which the
 * second depends on constants alone; of others they are selections of the padded ones.
 * And sequences of their own lengths side by side. */
#include "aten/rows/steps.h"
#include "aten/selection.h"

static bool is_descending(tdag_list n, int64_t least)
{
    for (uint32_t i = 0; i < n.n; i++)
        if (n.v[i] < least || (i > 0 && n.v[i] > n.v[i - 1])) return false;
    return n.n > 0;
}

/* How many of n descending numbers are above i, for each i up to the largest. */
static tdag_list counts_above(tdagi_call *c, tdag_list n)
{
    int64_t most = n.v[0];
    int64_t *out = tdagi_env_alloc(c->env, (size_t)most * sizeof(*out));
    for (int64_t i = 0; out != NULL && i < most; i++) {
        out[i] = 0;
        while ((uint64_t)out[i] < n.n && n.v[out[i]] > i)
            out[i]++;
    }
    return (tdag_list){out == NULL ? 0 : (uint32_t)most, out};
}

/* x [n, m, ...] as [n m, ...] */
static tdag_value joined(tdagi_call *c, tdag_value x)
{
    int64_t counts[TDAG_MAX_RANK] = {2};
    uint32_t rank = tdagi_rank(c, x);
    for (uint32_t i = 1; i + 1 < rank; i++)
        counts[i] = 1;
    return x.id == 0 ? x : tdag_group(c->b, x, (tdag_list){rank - 1, counts});
}

/* A tensor of numbers that stay known. */
static tdagi_any known(tdagi_call *c, tdag_list n)
{
    tdagi_any *items = tdagi_env_alloc(c->env, n.n * sizeof(*items));
    for (uint32_t i = 0; items != NULL && i < n.n; i++)
        items[i] = tdagi_any_int(c->env, n.v[i]);
    if (items == NULL) return tdagi_any_poison();
    return tdagi_any_tensor(tdagi_cell_known_list(c->env, TDAG_I64, n.n, items));
}

/* Of lengths that data tells. */
static tdagi_any packed_by_mask(tdagi_call *c, tdag_value x)
{
    tdag_value n = tdagi_cast(c->b, tdagi_arg_tensor(c, "lengths"), TDAG_I64);
    tdagi_any out[2] = {tdagi_any_poison(), tdagi_any_poison()};
    if (c->bad || n.id == 0 || x.id == 0 || tdagi_rank(c, n) != 1)
        return tdagi_refuse(c, "lengths");
    tdag_value t = step_iota(c, tdagi_dim(c, x, 0), 0, 2, TDAG_I64);
    tdagi_selection_packed(c, x, step_less(c, t, n), out);
    return tdagi_any_seq(c->env, TDAGI_ANY_TUPLE, 2, out);
}

/* The rows of each step that are there, and how many. */
tdagi_any tdagi_aten_pack_padded(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "input");
    bool batch_first = tdagi_arg_bool(c, "batch_first", false);
    tdag_list lengths;
    const bool is_known = tdagi_arg_known_lengths(c, "lengths", &lengths);
    if (c->bad) return tdagi_any_poison();
    if (tdagi_rank(c, x) < 2) return tdagi_refuse(c, "input");
    if (batch_first) x = tdagi_transpose(c->b, x, 0, 1);
    if (!is_known && c->env->outline != NULL) return packed_by_mask(c, x);
    if (!is_known && !tdagi_arg_lengths(c, "lengths", &lengths))
        return tdagi_any_poison();
    int64_t t = 0, b = 0, n = 0;
    if (!tdagi_dim_is_const(c->env->pool, tdagi_dim(c, x, 0), &t) ||
        !tdagi_dim_is_const(c->env->pool, tdagi_dim(c, x, 1), &b))
        return tdagi_refuse(c, "input");
    if (b != lengths.n || !is_descending(lengths, 1) || lengths.v[0] > t)
        return tdagi_refuse(c, "lengths");
    tdag_list sizes = counts_above(c, lengths);
    int64_t *at = tdagi_env_alloc(c->env, (size_t)(t * b) * sizeof(*at));
    if (at == NULL || sizes.n == 0) return tdagi_any_poison();
    for (uint32_t i = 0; i < sizes.n; i++)
        for (int64_t k = 0; k < sizes.v[i]; k++)
            at[n++] = i * b + k;
    x = tdag_gather(c->b, joined(c, x), tdagi_positions(c, n, at), 0);
    tdagi_any out[2] = {tdagi_result(c, x), known(c, sizes)};
    return tdagi_any_seq(c->env, TDAGI_ANY_TUPLE, 2, out);
}

/* Whether x has as many rows as the sizes say. */
static bool are_rows_of(tdagi_call *c, tdag_value x, tdag_list sizes)
{
    int64_t n = 0, sum = 0;
    if (!tdagi_dim_is_const(c->env->pool, tdagi_dim(c, x, 0), &n)) return false;
    for (uint32_t i = 0; i < sizes.n && sum <= n; i++)
        sum = sizes.v[i] > n ? n + 1 : sum + sizes.v[i];
    return sum == n;
}

/* x [T, B, ...] where mask [T, B] is true, else a number. */
static tdag_value where_there(tdagi_call *c, tdag_value x, tdag_value there,
                              double padding)
{
    for (uint32_t i = 2; i < tdagi_rank(c, x); i++)
        there = tdagi_unsqueeze1(c->b, there, i);
    return x.id == 0 ? x : step_where(c, there, x, step_number(c, x, padding));
}

/* The same of what is padded already, up to a total length, or where data says. */
static tdagi_any padded_by_mask(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "data"), mask = c->packed->mask;
    const bool batch_first = tdagi_arg_bool(c, "batch_first", false);
    const double padding = tdagi_arg_float(c, "padding_value", 0);
    const tdagi_any total = tdagi_any_known(tdagi_arg(c, "total_length"));
    tdagi_ignore(c, "batch_sizes"); /* the mask tells them */
    if (c->bad) return tdagi_any_poison();
    const tdag_dim t = tdagi_dim(c, x, 0);
    tdagi_any out[2];
    int64_t given = -1, have = -1;
    const bool is_const = tdagi_any_const_int(c->env, total, &given);
    const tdagi_cell *sizes = c->packed->sizes->cell;
    const bool is_most = sizes != NULL && total.kind == TDAGI_ANY_INT &&
                         total.u.i == tdagi_dim(c, sizes->value, 0);
    if (!is_const && !is_most) return tdagi_refuse(c, "total_length");
    x = where_there(c, x, mask, padding);
    const bool is_known =
        tdagi_dim_is_const(c->env->pool, t, &have) && is_const && given > 0;
    if (is_known && given > have)
        x = tdagi_pad1(c->b, x, 0, 0, given - have, TDAG_PAD_CONSTANT, padding);
    if (is_known && given < have) x = tdagi_slice1(c->b, x, 0, 0, given);
    if (batch_first) x = tdagi_transpose(c->b, x, 0, 1);
    out[0] = is_known ? tdagi_result(c, x)
                      : tdagi_selection_new(c, x, c->packed->sizes->mask, batch_first);
    x = step_sum(c, tdagi_cast(c->b, mask, TDAG_I64), 0, false);
    out[1] = tdagi_result(c, x);
    return tdagi_any_seq(c->env, TDAGI_ANY_TUPLE, 2, out);
}

/* [T, B, ...] again, with a number where there is nothing, and the lengths. */
tdagi_any tdagi_aten_pad_packed(tdagi_call *c)
{
    if (c->packed != NULL) return padded_by_mask(c);
    tdag_value x = tdagi_arg_tensor(c, "data");
    bool batch_first = tdagi_arg_bool(c, "batch_first", false);
    double padding = tdagi_arg_float(c, "padding_value", 0);
    int64_t total = tdagi_arg_int(c, "total_length", -1), first = 0;
    tdag_list sizes;
    if (!tdagi_arg_lengths(c, "batch_sizes", &sizes)) return tdagi_any_poison();
    if (c->bad || tdagi_rank(c, x) < 1) return tdagi_refuse(c, "data");
    if (!is_descending(sizes, 1) || !are_rows_of(c, x, sizes))
        return tdagi_refuse(c, "batch_sizes");
    if (total <= 0) total = sizes.n;
    if (total < sizes.n || total > INT32_MAX) return tdagi_refuse(c, "total_length");
    tdag_list lengths = counts_above(c, sizes);
    int64_t b = sizes.v[0];
    int64_t *at = tdagi_env_alloc(c->env, (size_t)(total * b) * sizeof(*at));
    if (at == NULL || lengths.n == 0) return tdagi_any_poison();
    for (int64_t i = 0; i < total; i++) {
        int64_t here = i < sizes.n ? sizes.v[i] : 0;
        for (int64_t k = 0; k < b; k++)
            at[i * b + k] = k < here ? first + k : 0;
        first += here;
    }
    tdag_dim shape[2] = {total, b};
    tdag_value index = tdagi_reshape(c->b, tdagi_positions(c, total * b, at), 2, shape);
    x = tdag_gather(c->b, x, index, 0);
    tdag_value there = step_less(c, step_iota(c, total, 0, 2, TDAG_I64),
                                 tdagi_positions(c, b, lengths.v));
    x = where_there(c, x, there, padding);
    if (batch_first && x.id != 0) x = tdagi_transpose(c->b, x, 0, 1);
    tdagi_any out[2] = {tdagi_result(c, x), known(c, lengths)};
    return tdagi_any_seq(c->env, TDAGI_ANY_TUPLE, 2, out);
}

/* What a packed sequence is made of is what it has. */
tdagi_any tdagi_aten_pack_sequence(tdagi_call *c)
{
    for (uint32_t i = 0; i < c->n; i++)
        tdagi_arg(c, c->schema->args[i].name);
    return tdagi_any_seq(c->env, TDAGI_ANY_TUPLE, c->n, c->args);
}

/* Sequences side by side, the shorter ones padded. */
tdagi_any tdagi_aten_pad_sequence(tdagi_call *c)
{
    const tdag_value *v;
    tdag_list n = {0, NULL};
    tdag_dtype d;
    tdag_value *all = tdagi_arg_promoted(c, "sequences", &n, &v, &d);
    bool batch_first = tdagi_arg_bool(c, "batch_first", false), before = false;
    double padding = tdagi_arg_float(c, "padding_value", 0);
    if (tdagi_has(c, "padding_side")) {
        const char *side = tdagi_arg_string(c, "padding_side");
        before = side != NULL && side[0] == 'l';
    }
    if (n.n == 0 || c->bad)
        return c->bad ? tdagi_any_poison() : tdagi_refuse(c, "sequences");
    tdag_dim most = 0;
    for (uint32_t i = 0; i < n.n; i++) {
        if (tdagi_rank(c, v[i]) < 1) return tdagi_refuse(c, "sequences");
        most = i == 0 ? tdagi_dim(c, v[i], 0)
                      : tdag_dim_max(c->b, most, tdagi_dim(c, v[i], 0));
    }
    for (uint32_t i = 0; i < n.n; i++) {
        tdag_dim more = tdag_dim_sub(c->b, most, tdagi_dim(c, v[i], 0));
        tdag_value x = tdagi_cast(c->b, v[i], d);
        all[i] = more == 0 ? x
                           : tdagi_pad1(c->b, x, 0, before ? more : 0,
                                        before ? 0 : more, TDAG_PAD_CONSTANT, padding);
    }
    return tdagi_result(c, tdagi_stack(c->b, all, n.n, batch_first ? 0 : 1));
}
