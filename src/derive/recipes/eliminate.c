/* LU with partial pivoting, and what is solved and computed by it: solve, which is the
 * inverse where there is no right side, and det. */
#include <math.h>
#include <string.h>

#include "derive/linalg.h"
#include "derive/parts.h"

static tdag_value equals(tdag_builder *b, tdag_value x, tdag_value y)
{
    return tdag_binary(b, TDAG_OP_EQUAL, x, y);
}
static tdag_value number(tdag_builder *b, tdag_value x, double v)
{
    if (!tdagi_usable(b, x)) return TDAG_NO_VALUE;
    return tdag_add_scalar(b, tdag_builder_get_dtype(b, x), v);
}

/* ---- rows that change places ---- */

/* Positions 0...n-1 with those of k and p [..., 1] exchanged. */
static tdag_value exchanged(tdag_builder *b, int64_t k, tdag_value p, int64_t n)
{
    tdag_value i = tdag_iota(b, n, TDAG_I64),
               at = tdag_add_scalar(b, TDAG_I64, (double)k);
    tdag_value back = tdag_where(b, equals(b, i, p), at, i);
    return tdag_where(b, equals(b, i, at), p, back);
}

/* Rows of x's matrices, or elements of [..., n]. */
static tdag_value rows_at(tdag_builder *b, tdag_value x, tdag_value index)
{
    if (!tdagi_usable(b, x) || index.id == 0) return TDAG_NO_VALUE;
    return tdag_gather(b, x, index, (int64_t)tdag_builder_get_rank(b, index) - 1);
}

tdag_value tdagi_rows_by_pivots(tdag_builder *b, tdag_value like, tdag_value pivots,
                                int64_t n, int64_t steps)
{
    tdag_value rows = tdagi_batch_full(b, like, n, -1, TDAG_I64, 0);
    rows = tdagi_add(b, rows, tdag_iota(b, n, TDAG_I64));
    tdag_value at = tdagi_add_scalar(b, tdagi_cast(b, pivots, TDAG_I64), -1);
    uint32_t rank = tdag_builder_get_rank(b, at);
    if (!tdagi_usable(b, at)) return TDAG_NO_VALUE;
    if (rank == 0) return tdagi_builder_fail(b, TDAG_E_SHAPE, "pivots of rank 0");
    for (int64_t k = 0; k < steps && tdagi_builder_ok(b); k++)
        rows = rows_at(b, rows,
                       exchanged(b, k, tdagi_slice1(b, at, rank - 1, k, k + 1), n));
    return rows;
}

/* ---- elimination ---- */

/* What is left: rows k...m-1, their columns k...n-1 first, then the multipliers of the
 * steps before. */
typedef struct left {
    tdag_value x;
    int64_t rows, columns, k;
} left;

/* The row that has the largest element of the first column goes to the top. */
static tdag_value pivot(tdag_builder *b, left *l)
{
    if (l->rows == 1) return tdagi_batch_full(b, l->x, 1, -1, TDAG_I64, 0);
    tdag_value column = tdagi_block_of(b, l->x, 0, l->rows, 0, 1);
    if (!tdagi_usable(b, column)) return TDAG_NO_VALUE;
    const uint32_t last = tdag_builder_get_rank(b, column) - 2;
    const tdagi_axis_keep_spec s = {last, 1};
    column = tdagi_unary_composite(b, TDAGI_ABS, tdagi_squeeze1(b, column, last + 1));
    tdag_value p = tdagi_lower(b, TDAGI_ARGMAX, &column, 1, &s);
    l->x = rows_at(b, l->x, exchanged(b, 0, p, l->rows));
    return p;
}

/* Takes the first row and column away; the row is returned. Where the pivot is 0, so is
 * the column below it, as LAPACK leaves it. */
static tdag_value eliminate(tdag_builder *b, left *l)
{
    const int64_t width = l->columns + l->k, active = l->columns;
    tdag_value row = tdagi_block_of(b, l->x, 0, 1, 0, width);
    if (l->rows > 1 && tdagi_usable(b, row)) {
        const uint32_t last = tdag_builder_get_rank(b, row) - 1;
        tdag_value top = tdagi_block_of(b, row, 0, 1, 0, 1);
        tdag_value by = tdagi_block_of(b, l->x, 1, l->rows, 0, 1);
        by =
            tdag_where(b, equals(b, top, number(b, top, 0)), by, tdagi_div(b, by, top));
        if (width > 1) {
            tdag_value rest = tdagi_block_of(b, l->x, 1, l->rows, 1, width);
            if (active > 1) {
                tdag_value known = tdagi_block_of(b, row, 0, 1, 1, active);
                if (l->k > 0)
                    known = tdagi_pad1(b, known, last, 0, l->k, TDAG_PAD_CONSTANT, 0);
                rest = tdagi_sub(b, rest, tdagi_mul(b, by, known));
            }
            const tdag_value both[2] = {rest, by};
            by = tdagi_concat(b, both, 2, last);
        }
        l->x = by;
    }
    l->rows--;
    l->columns--;
    l->k++;
    return row;
}

/* The columns in order, of rows that were turned by a step each. */
static tdag_value unturned(tdag_builder *b, tdag_value x, tdagi_matrix a)
{
    const size_t n = (size_t)(a.m * a.n);
    tdag_dim dims[TDAG_MAX_RANK];
    void *p = NULL;
    if (!tdagi_usable(b, x)) return TDAG_NO_VALUE;
    if (tdagi_array_alloc(b->ctx, n, sizeof(int64_t), &p) != TDAG_OK)
        return tdagi_builder_fail(b, TDAG_E_NOMEM, "out of memory");
    int64_t *at = p;
    for (int64_t i = 0; i < a.m; i++)
        for (int64_t j = 0; j < a.n; j++) {
            int64_t k = i < a.n ? i : a.n;
            at[i * a.n + j] = i * a.n + (j - k + a.n) % a.n;
        }
    memcpy(dims, tdag_builder_get_shape(b, a.v), a.rank * sizeof(*dims));
    x = tdagi_pick(b, x, a.m * a.n, at);
    tdagi_free(b->ctx, p, n * sizeof(int64_t));
    return tdagi_reshape(b, x, a.rank, dims);
}

tdagi_lu tdagi_eliminate(tdag_builder *b, tdagi_matrix a)
{
    const int64_t steps = a.m < a.n ? a.m : a.n;
    if (steps == 0)
        return (tdagi_lu){a.v, tdagi_batch_full(b, a.v, 0, -1, TDAG_I32, 0)};
    left l = {a.v, a.m, a.n, 0};
    tdag_value rows[TDAGI_TRIANGULAR_MOST + 1], pivots[TDAGI_TRIANGULAR_MOST];
    for (int64_t k = 0; k < steps; k++) {
        pivots[k] = tdagi_add_scalar(b, pivot(b, &l), (double)(k + 1));
        rows[k] = eliminate(b, &l);
    }
    rows[steps] = l.x;
    if (!tdagi_builder_ok(b)) return (tdagi_lu){{0}, {0}};
    tdag_value all =
        tdagi_concat(b, rows, (uint32_t)(steps + (a.m > steps)), a.rank - 2);
    tdag_value p = tdagi_concat(b, pivots, (uint32_t)steps, a.rank - 2);
    return (tdagi_lu){unturned(b, all, a), tdagi_cast(b, p, TDAG_I32)};
}

/* ---- systems ---- */

tdag_value tdagi_solve_by_lu(tdag_builder *b, tdagi_matrix lu, tdag_value pivots,
                             tdag_value y, bool turned)
{
    y = tdagi_batch_as(b, y, lu.v);
    if (!tdagi_usable(b, y) || pivots.id == 0) return TDAG_NO_VALUE;
    uint32_t rank = tdag_builder_get_rank(b, pivots);
    if (rank > 0) pivots = tdagi_unsqueeze1(b, pivots, rank - 1);
    pivots = tdagi_batch_as(b, pivots, y); /* as matrices, which broadcast */
    if (!tdagi_usable(b, pivots)) return TDAG_NO_VALUE;
    pivots = tdagi_squeeze1(b, pivots, tdag_builder_get_rank(b, pivots) - 2);
    tdag_value rows = tdagi_rows_by_pivots(b, y, pivots, lu.n, lu.n);
    if (!turned) {
        y = tdagi_substitute(b, lu.v, rows_at(b, y, rows), lu.n, false, true);
        return tdagi_substitute(b, lu.v, y, lu.n, true, false);
    }
    tdag_value t = tdagi_mt(b, lu.v);
    y = tdagi_substitute(b, t, y, lu.n, false, false);
    y = tdagi_substitute(b, t, y, lu.n, true, true);
    if (!tdagi_usable(b, rows)) return TDAG_NO_VALUE;
    int64_t last = (int64_t)tdag_builder_get_rank(b, rows) - 1;
    return rows_at(b, y, tdag_argsort(b, rows, last, false));
}

/* As PyTorch does for a matrix that lies row by row, A^T is factored: so the same
 * matrices are found to be singular. */
tdag_value tdagi_solve(tdag_builder *b, tdagi_matrix a, tdag_value y, bool on_left,
                       tdag_value *diagonal_out)
{
    a.v = tdagi_mt(b, a.v);
    tdagi_lu f = tdagi_eliminate(b, a);
    a.v = f.lu;
    if (diagonal_out != NULL) *diagonal_out = tdagi_diagonal(b, a.v, 0);
    if (on_left) return tdagi_solve_by_lu(b, a, f.pivots, y, true);
    return tdagi_mt(b, tdagi_solve_by_lu(b, a, f.pivots, tdagi_mt(b, y), false));
}

static tdag_value lower_solve(tdag_builder *b, const tdag_value *in, uint32_t n,
                              const void *spec)
{
    (void)spec;
    tdagi_matrix a;
    const bool inverse = n < 2 || in[1].id == 0;
    if (!(inverse ? tdagi_square_of(b, in[0], &a) : tdagi_system_of(b, in, &a)))
        return TDAG_NO_VALUE;
    tdag_dtype d = tdag_builder_get_dtype(b, a.v);
    return tdagi_solve(b, a, inverse ? tdagi_eye(b, d, a.n, a.n) : in[1], true, NULL);
}

const tdagi_composite_def tdagi_composite_solve = {.lower = lower_solve};

/* ---- determinants ---- */

void tdagi_determinant(tdag_builder *b, tdagi_matrix a,
                       tdag_value out[TDAGI_N_DETERMINANTS])
{
    const int64_t last = (int64_t)a.rank - 2;
    const tdag_list axes = {1, &last};
    a.v = tdagi_mt(b, a.v); /* as for systems */
    tdagi_lu f = tdagi_eliminate(b, a);
    a.v = f.lu;
    /* -1 where an odd number of rows changed places, else 1 */
    tdag_value i = tdagi_add_scalar(b, tdag_iota(b, a.n, TDAG_I32), 1);
    tdag_value sign =
        tdag_where(b, equals(b, f.pivots, i), number(b, a.v, 1), number(b, a.v, -1));
    sign = tdagi_reduce_keep(b, sign, TDAG_REDUCE_PRODUCT, axes, false);
    tdag_value d = tdagi_diagonal(b, a.v, 0), x = tdag_unary(b, TDAG_OP_SIGN, d);
    out[TDAGI_DET_VALUE] =
        tdagi_mul(b, tdagi_reduce_keep(b, d, TDAG_REDUCE_PRODUCT, axes, false), sign);
    x = tdagi_reduce_keep(b, x, TDAG_REDUCE_PRODUCT, axes, false);
    out[TDAGI_DET_SIGN] = sign = tdagi_mul(b, x, sign);
    d = tdag_unary(b, TDAG_OP_LOG, tdagi_unary_composite(b, TDAGI_ABS, d));
    d = tdagi_reduce_keep(b, d, TDAG_REDUCE_SUM, axes, false);
    out[TDAGI_LOGABSDET] = d;
    out[TDAGI_LOGDET] =
        tdag_where(b, equals(b, sign, number(b, sign, -1)), number(b, d, NAN), d);
}

static tdag_value lower_det(tdag_builder *b, const tdag_value *in, uint32_t n,
                            const void *spec)
{
    (void)n;
    const tdagi_det_spec *s = spec;
    tdag_value out[TDAGI_N_DETERMINANTS];
    tdagi_matrix a;
    if (s->kind < 0 || s->kind > TDAGI_LOGDET)
        return tdagi_builder_fail(b, TDAG_E_ARG, "det has no kind %lld",
                                  (long long)s->kind);
    if (!tdagi_square_of(b, in[0], &a)) return TDAG_NO_VALUE;
    tdagi_determinant(b, a, out);
    return out[s->kind];
}

static const char *const kinds[] = {[TDAGI_DET_VALUE] = "det",
                                    [TDAGI_LOGABSDET] = "logabsdet",
                                    [TDAGI_LOGDET] = "logdet",
                                    [TDAGI_LOGDET + 1] = NULL};
static const tdagi_field det_fields[] = {
    TDAGI_FIELD_NAMED(tdagi_det_spec, kind, kinds),
    {0},
};

const tdagi_composite_def tdagi_composite_det = {
    .spec_size = sizeof(tdagi_det_spec),
    .fields = det_fields,
    .lower = lower_det,
};
