/* Triangular systems, by substitution: a row of X at a time, each taken out of the rows
 * of B that are left; of an upper A from its end. The factor of positive definite
 * matrices, a column at a time. */
#include "derive/parts.h"

tdag_value tdagi_block_of(tdag_builder *b, tdag_value x, int64_t r0, int64_t r1,
                          int64_t c0, int64_t c1)
{
    int64_t start[TDAG_MAX_RANK] = {0}, end[TDAG_MAX_RANK];
    uint32_t rank = x.id == 0 ? 0 : tdag_builder_get_rank(b, x);
    if (rank < 2) return TDAG_NO_VALUE;
    for (uint32_t i = 0; i < rank; i++)
        end[i] = tdagi_dim_of(b, x, i);
    if (r0 == 0 && c0 == 0 && r1 == end[rank - 2] && c1 == end[rank - 1]) return x;
    start[rank - 2] = r0;
    end[rank - 2] = r1;
    start[rank - 1] = c0;
    end[rank - 1] = c1;
    return tdag_slice(b, x, (tdag_list){rank, start}, (tdag_list){rank, end});
}

static const tdagi_field triangular_fields[] = {
    TDAGI_FIELD(tdagi_triangular_spec, upper, BOOL),
    TDAGI_FIELD(tdagi_triangular_spec, unit, BOOL),
    {0},
};

/* How many rows the square x has; 0 with the failure recorded: it is none that is taken
 * apart row by row. */
static int64_t rows_of(tdag_builder *b, tdag_value x)
{
    uint32_t rank = x.id == 0 ? 0 : tdag_builder_get_rank(b, x);
    tdag_dtype d = tdag_builder_get_dtype(b, x);
    int64_t n = 0;
    if (rank >= 2 && (d == TDAG_F32 || d == TDAG_F64) &&
        tdagi_dim_is_const(tdagi_builder_pool(b), tdagi_dim_of(b, x, rank - 1), &n) &&
        tdagi_dim_of(b, x, rank - 2) == n && n > 0 && n <= TDAGI_TRIANGULAR_MOST)
        return n;
    tdagi_builder_fail(b, TDAG_E_SHAPE, "no square of floats of 1 to %d rows",
                       TDAGI_TRIANGULAR_MOST);
    return 0;
}

/* The same of A, where B has as many rows and A's batch. */
static int64_t rows_of_system(tdag_builder *b, const tdag_value *in)
{
    uint32_t rank = tdag_builder_get_rank(b, in[1]);
    int64_t n = rows_of(b, in[0]);
    if (n == 0) return 0;
    if (rank >= tdag_builder_get_rank(b, in[0]) &&
        tdag_builder_get_dtype(b, in[0]) == tdag_builder_get_dtype(b, in[1]) &&
        tdagi_dim_of(b, in[1], rank - 2) == n)
        return n;
    tdagi_builder_fail(b, TDAG_E_SHAPE, "a system of other operands");
    return 0;
}

static tdag_value lower_solve_triangular(tdag_builder *b, const tdag_value *in,
                                         uint32_t count, const void *spec)
{
    (void)count;
    const tdagi_triangular_spec *s = spec;
    const int64_t n = rows_of_system(b, in);
    const uint32_t axis = n == 0 ? 0 : tdag_builder_get_rank(b, in[1]) - 2;
    tdag_value rows[TDAGI_TRIANGULAR_MOST], left = in[1];
    int64_t first = 0, end = n; /* the rows that are left */
    while (first < end && tdagi_builder_ok(b)) {
        int64_t i = s->upper ? end - 1 : first, at = s->upper ? end - 1 : 0;
        tdag_value x = tdagi_slice1(b, left, axis, at, at + 1);
        if (!s->unit) x = tdagi_div(b, x, tdagi_block_of(b, in[0], i, i + 1, i, i + 1));
        rows[i] = x;
        first += !s->upper;
        end -= s->upper != 0;
        if (first == end) break;
        left = tdagi_slice1(b, left, axis, !s->upper, end - first + !s->upper);
        tdag_value column = tdagi_block_of(b, in[0], first, end, i, i + 1);
        left = tdagi_sub(b, left, tdagi_mul(b, column, x));
    }
    if (n == 0 || !tdagi_builder_ok(b)) return TDAG_NO_VALUE;
    return n == 1 ? rows[0] : tdagi_concat(b, rows, (uint32_t)n, axis);
}

const tdagi_composite_def tdagi_composite_solve_triangular = {
    .spec_size = sizeof(tdagi_triangular_spec),
    .fields = triangular_fields,
    .lower = lower_solve_triangular,
};

/* ---- Cholesky ---- */

tdag_value tdagi_cholesky(tdag_builder *b, tdag_value a, tdag_value *pivots_out)
{
    const int64_t n = rows_of(b, a);
    if (n == 0) return TDAG_NO_VALUE;
    const uint32_t last = tdag_builder_get_rank(b, a) - 1;
    tdag_value columns[TDAGI_TRIANGULAR_MOST], pivots[TDAGI_TRIANGULAR_MOST], left = a;
    for (int64_t k = 0; k < n && tdagi_builder_ok(b); k++) {
        int64_t m = n - k;
        pivots[k] = tdagi_block_of(b, left, 0, 1, 0, 1);
        tdag_value column = tdag_unary(b, TDAG_OP_SQRT, pivots[k]);
        if (m > 1) {
            tdag_value below =
                tdagi_div(b, tdagi_block_of(b, left, 1, m, 0, 1), column);
            tdag_value both[2] = {column, below};
            tdag_value turned = tdagi_transpose(b, below, last - 1, last);
            left = tdagi_sub(b, tdagi_block_of(b, left, 1, m, 1, m),
                             tdagi_mul(b, below, turned));
            column = tdagi_concat(b, both, 2, last - 1);
        }
        if (k > 0) column = tdagi_pad1(b, column, last - 1, k, 0, TDAG_PAD_CONSTANT, 0);
        columns[k] = column;
    }
    if (!tdagi_builder_ok(b)) return TDAG_NO_VALUE;
    if (pivots_out != NULL)
        *pivots_out =
            tdagi_squeeze1(b, tdagi_concat(b, pivots, (uint32_t)n, last), last - 1);
    return tdagi_concat(b, columns, (uint32_t)n, last);
}

static tdag_value lower_cholesky(tdag_builder *b, const tdag_value *in, uint32_t count,
                                 const void *spec)
{
    (void)count, (void)spec;
    return tdagi_cholesky(b, in[0], NULL);
}

const tdagi_composite_def tdagi_composite_cholesky = {.lower = lower_cholesky};
