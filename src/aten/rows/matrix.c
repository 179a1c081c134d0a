/* Diagonals, triangles and blocks of matrices; joining under other names. */
#include <string.h>

#include "aten/rows/steps.h"
#include "derive/linalg.h"

/* ---- constants ---- */

tdag_value tdagi_positions(tdagi_call *c, int64_t n, const int64_t *v)
{
    return tdagi_integers(c->b, n, v);
}

/* tril_indices (row data 0) and triu_indices (1) */
tdagi_any tdagi_aten_triangle_indices(tdagi_call *c)
{
    int64_t size[2] = {tdagi_arg_int(c, "row", 0), tdagi_arg_int(c, "col", 0)};
    int64_t offset = tdagi_arg_int(c, "offset", 0);
    tdag_dtype d = tdagi_arg_dtype(c, "dtype");
    tdag_value v[2];
    if (c->bad || size[0] < 0 || size[1] < 0 || size[0] > 10000 || size[1] > 10000)
        return tdagi_refuse(c, "row");
    tdagi_triangle_pairs(c->b, size, offset, c->data == 1, v);
    tdag_value both = tdagi_stack(c->b, v, 2, 0);
    return tdagi_result(c, d == TDAG_DTYPE_NONE ? both : tdagi_cast(c->b, both, d));
}

/* ---- diagonals ---- */

static tdag_value diag_embed(tdagi_call *c, tdag_value x, int64_t offset)
{
    return c->bad ? TDAG_NO_VALUE
                  : tdagi_lower(c->b, TDAGI_DIAG_EMBED, &x, 1,
                                &(tdagi_diagonal_spec){offset});
}

/* The last two axes to positions a and b of the result. */
static tdag_value place_axes(tdagi_call *c, tdag_value x, uint32_t a, uint32_t b)
{
    int64_t order[TDAG_MAX_RANK];
    if (x.id == 0) return x;
    uint32_t rank = tdagi_rank(c, x);
    for (uint32_t i = 0, k = 0; i < rank; i++)
        order[i] = i == a ? rank - 2 : i == b ? rank - 1 : k++;
    return tdag_permute(c->b, x, (tdag_list){rank, order});
}

tdagi_any tdagi_aten_diag_embed(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    int64_t offset = tdagi_arg_int(c, "offset", 0);
    if (c->bad) return tdagi_any_poison();
    uint32_t rank = tdagi_rank(c, x) + 1;
    int64_t d1 = tdagi_arg_int(c, "dim1", -2), d2 = tdagi_arg_int(c, "dim2", -1);
    if (c->bad || rank < 2 || rank > TDAG_MAX_RANK) return tdagi_refuse(c, "self");
    uint32_t a = tdagi_wrap_axis(c, d1, rank), b = tdagi_wrap_axis(c, d2, rank);
    if (c->bad || a == b) return tdagi_refuse(c, "dim2");
    return tdagi_result(c, place_axes(c, diag_embed(c, x, offset), a, b));
}

/* The diagonal of the last two axes, of constant dims. */
static tdag_value diagonal_of(tdagi_call *c, tdag_value x, int64_t offset)
{
    int64_t n = 0, m = 0;
    uint32_t rank = tdagi_rank(c, x);
    if (!tdagi_dim_is_const(c->env->pool, tdagi_dim(c, x, rank - 2), &n) ||
        !tdagi_dim_is_const(c->env->pool, tdagi_dim(c, x, rank - 1), &m)) {
        c->bad = true;
        tdagi_env_issue(c->env, "%s of axes of symbolic size", c->schema->name);
        return TDAG_NO_VALUE;
    }
    return tdagi_diagonal(c->b, x, offset);
}

/* A vector as a matrix's diagonal, or the diagonal of a matrix. */
tdagi_any tdagi_aten_diag(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    int64_t offset = tdagi_arg_int(c, "diagonal", 0);
    if (c->bad || tdagi_rank(c, x) < 1 || tdagi_rank(c, x) > 2)
        return tdagi_refuse(c, "self");
    if (tdagi_rank(c, x) == 2) return tdagi_result(c, diagonal_of(c, x, offset));
    return tdagi_result(c, diag_embed(c, x, offset));
}

tdagi_any tdagi_aten_diagflat(tdagi_call *c)
{
    tdag_value x = step_flat(c, tdagi_arg_tensor(c, "self"));
    int64_t offset = tdagi_arg_int(c, "offset", 0);
    if (c->bad || x.id == 0) return tdagi_any_poison();
    return tdagi_result(c, diag_embed(c, x, offset));
}

tdagi_any tdagi_aten_trace(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    if (c->bad || tdagi_rank(c, x) != 2) return tdagi_refuse(c, "self");
    if (!tdag_dtype_is_float(tdagi_dtype(c, x))) x = tdagi_cast(c->b, x, TDAG_I64);
    return tdagi_result(c, step_sum(c, diagonal_of(c, x, 0), 0, false));
}

tdagi_any tdagi_aten_diagonal_scatter(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), src = tdagi_arg_tensor(c, "src");
    int64_t offset = tdagi_arg_int(c, "offset", 0);
    if (c->bad || tdagi_rank(c, x) < 2) return tdagi_refuse(c, "self");
    uint32_t rank = tdagi_rank(c, x), k = 0;
    uint32_t a = tdagi_arg_axis(c, "dim1", rank), b = tdagi_arg_axis(c, "dim2", rank);
    int64_t order[TDAG_MAX_RANK];
    if (c->bad || a == b) return tdagi_refuse(c, "dim2");
    if (tdagi_rank(c, src) + 1 != rank) return tdagi_refuse(c, "src");
    for (uint32_t i = 0; i < rank; i++)
        if (i != a && i != b) order[k++] = i;
    order[k++] = a;
    order[k] = b;
    x = tdag_permute(c->b, x, (tdag_list){rank, order});
    src = tdagi_cast(c->b, src, tdagi_dtype(c, x));
    x = tdagi_on_diagonal(c->b, src, offset, tdagi_dim(c, x, rank - 2),
                          tdagi_dim(c, x, rank - 1), x);
    return tdagi_result(c, place_axes(c, x, a, b));
}

/* ---- turning and joining ---- */

static tdag_value flipped(tdagi_call *c, tdag_value x, int64_t axis)
{
    tdagi_axes_list_spec s = {{1, &axis}};
    return tdagi_lower(c->b, TDAGI_FLIP, &x, 1, &s);
}

/* k quarter turns from the first to the second of dims */
tdagi_any tdagi_aten_rot90(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    int64_t k = tdagi_arg_int(c, "k", 1);
    tdag_list dims = tdagi_arg_ints(c, "dims");
    if (c->bad || dims.n != 2) return tdagi_refuse(c, "dims");
    uint32_t rank = tdagi_rank(c, x), a = tdagi_wrap_axis(c, dims.v[0], rank),
             b = tdagi_wrap_axis(c, dims.v[1], rank);
    if (c->bad || a == b) return tdagi_refuse(c, "dims");
    k = (k % 4 + 4) % 4;
    if (k == 1 || k == 2) x = flipped(c, x, b);
    if (k == 3) x = flipped(c, x, a);
    if (k == 2) x = flipped(c, x, a);
    if (k % 2 == 1) x = tdagi_transpose(c->b, x, a, b);
    return tdagi_result(c, x);
}

/* x with at least `want` axes, as atleast_1d, 2d and 3d make them. */
static tdag_value at_least(tdagi_call *c, tdag_value x, uint32_t want)
{
    uint32_t rank = tdagi_rank(c, x);
    for (uint32_t i = rank; x.id != 0 && i < want; i++)
        x = tdagi_unsqueeze1(c->b, x, i < 2 ? 0 : 2);
    return x;
}

/* hstack ('h'), vstack and row_stack ('v'), dstack ('d'), column_stack ('c') */
tdagi_any tdagi_aten_stack_along(tdagi_call *c)
{
    const tdag_value *v;
    tdag_list n = {0, NULL};
    tdag_dtype d;
    tdag_value *all = tdagi_arg_promoted(c, "tensors", &n, &v, &d);
    if (n.n == 0) return tdagi_refuse(c, "tensors");
    for (uint32_t i = 0; i < n.n; i++) {
        tdag_value x = tdagi_cast(c->b, v[i], d);
        if (c->data == 'c' && tdagi_rank(c, x) < 2) {
            tdag_dim column[2] = {step_count(c, x), 1};
            all[i] = tdagi_reshape(c->b, x, 2, column);
        } else {
            all[i] = at_least(c, x, c->data == 'd' ? 3 : c->data == 'v' ? 2 : 1);
        }
    }
    int64_t axis = c->data == 'd'   ? 2
                   : c->data == 'v' ? 0
                   : c->data == 'c' ? 1
                                    : tdagi_rank(c, all[0]) > 1;
    if (n.n == 1) return tdagi_result(c, all[0]);
    return tdagi_result(c, tdagi_concat(c->b, all, n.n, axis));
}

/* Matrices along the diagonal of one that is 0 elsewhere. */
tdagi_any tdagi_aten_block_diag(tdagi_call *c)
{
    const tdag_value *v;
    tdag_list n = {0, NULL};
    tdag_dtype d;
    tdag_value *rows = tdagi_arg_promoted(c, "tensors", &n, &v, &d);
    if (n.n == 0) return tdagi_refuse(c, "tensors");
    tdag_dim total = 0, before = 0;
    for (uint32_t i = 0; i < n.n; i++) {
        if (tdagi_rank(c, v[i]) > 2) return tdagi_refuse(c, "tensors");
        rows[i] = at_least(c, tdagi_cast(c->b, v[i], d), 2);
        total = tdag_dim_add(c->b, total, tdagi_dim(c, rows[i], 1));
    }
    for (uint32_t i = 0; i < n.n; i++) {
        tdag_dim end = tdag_dim_add(c->b, before, tdagi_dim(c, rows[i], 1));
        rows[i] = tdagi_pad1(c->b, rows[i], 1, before, tdag_dim_sub(c->b, total, end),
                             TDAG_PAD_CONSTANT, 0);
        before = end;
    }
    return tdagi_result(c, n.n == 1 ? rows[0] : tdagi_concat(c->b, rows, n.n, 0));
}

/* All tuples of one element of each vector, the last one fastest. */
tdagi_any tdagi_aten_cartesian_prod(tdagi_call *c)
{
    const tdag_value *v;
    tdag_list n = tdagi_arg_tensors(c, "tensors", &v);
    if (c->bad || n.n == 0 || n.n > TDAG_MAX_RANK) return tdagi_refuse(c, "tensors");
    tdag_dim dims[TDAG_MAX_RANK];
    tdag_value all[TDAG_MAX_RANK];
    for (uint32_t i = 0; i < n.n; i++) {
        if (tdagi_rank(c, v[i]) > 1) return tdagi_refuse(c, "tensors");
        dims[i] = step_count(c, v[i]);
    }
    if (n.n == 1) return tdagi_result(c, v[0]);
    for (uint32_t i = 0; i < n.n; i++) {
        tdag_value x = step_flat(c, v[i]);
        for (uint32_t a = i + 1; a < n.n; a++)
            x = tdagi_unsqueeze1(c->b, x, 1);
        all[i] = step_flat(c, tdagi_expand(c->b, x, n.n, dims));
    }
    return tdagi_result(c, tdagi_stack(c->b, all, n.n, 1));
}

#define MOST_CHOSEN 100000 /* positions in all choices */

/* The next choice of r of n positions in order; false: there is none. */
static bool next_choice(int64_t *at, int64_t r, int64_t n, bool again)
{
    int64_t i = r - 1;
    while (i >= 0 && at[i] == (again ? n - 1 : n - r + i))
        i--;
    if (i < 0) return false;
    int64_t first = ++at[i];
    for (int64_t k = i + 1; k < r; k++)
        at[k] = again ? first : first + k - i;
    return true;
}

/* All choices of r of n, one after the other; *m_out of them. NULL: too many. */
static int64_t *choices(tdagi_call *c, int64_t n, int64_t r, bool again, int64_t *m_out)
{
    int64_t *all = tdagi_env_alloc(c->env, MOST_CHOSEN * sizeof(*all)), m = 0;
    if (all == NULL || n == 0 || (!again && r > n)) return *m_out = 0, all;
    int64_t *at = tdagi_env_alloc(c->env, (size_t)r * sizeof(*at));
    for (int64_t i = 0; at != NULL && i < r; i++)
        at[i] = again ? 0 : i;
    do {
        if (at == NULL || (m + 1) * r > MOST_CHOSEN) return NULL;
        memcpy(all + m++ * r, at, (size_t)r * sizeof(*at));
    } while (next_choice(at, r, n, again));
    *m_out = m;
    return all;
}

/* r elements of a vector in each row, in all ways. */
tdagi_any tdagi_aten_combinations(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    int64_t r = tdagi_arg_int(c, "r", 2), n = 0, m = 0;
    bool again = tdagi_arg_bool(c, "with_replacement", false);
    if (c->bad || tdagi_rank(c, x) != 1) return tdagi_refuse(c, "self");
    if (r < 1 || r > 1000) return tdagi_refuse(c, "r");
    if (!tdagi_dim_is_const(c->env->pool, tdagi_dim(c, x, 0), &n))
        return tdagi_refuse(c, "self");
    int64_t *all = choices(c, n, r, again, &m);
    if (all == NULL) return tdagi_refuse(c, "self");
    tdag_dim shape[2] = {m, r};
    tdag_tensor *t;
    tdag_status st = tdag_tensor_create(c->env->ctx, TDAG_I64, 2, shape, &t);
    if (st != TDAG_OK)
        return tdagi_call_fail(c, st, "a table of %lld choices", (long long)m);
    memcpy(tdag_tensor_get_mutable_data(t), all, (size_t)(m * r) * sizeof(*all));
    tdag_value at = tdag_add_tensor(c->b, TDAG_OP_CONSTANT, NULL, t);
    tdag_tensor_free(t);
    if (m == 0)
        return tdagi_result(c, tdagi_full(c->b, tdagi_dtype(c, x), 2, shape, 0));
    return tdagi_result(c, tdag_gather(c->b, x, at, 0));
}
