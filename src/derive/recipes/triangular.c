/* Triangular systems, by substitution: a row of X at a time, each taken out of the rows
 * of B that are left; of an upper A from its end. The factor of positive definite
 * matrices, a column at a time. */
#include "derive/linalg.h"
#include "derive/parts.h"

static const tdagi_field triangular_fields[] = {
    TDAGI_FIELD(tdagi_triangular_spec, upper, BOOL),
    TDAGI_FIELD(tdagi_triangular_spec, unit, BOOL),
    {0},
};

static tdag_value lower_solve_triangular(tdag_builder *b, const tdag_value *in,
                                         uint32_t count, const void *spec)
{
    (void)count;
    const tdagi_triangular_spec *s = spec;
    tdagi_matrix a;
    if (!tdagi_system_of(b, in, &a)) return TDAG_NO_VALUE;
    const int64_t n = a.n;
    const uint32_t axis = tdag_builder_get_rank(b, in[1]) - 2;
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
    if (!tdagi_builder_ok(b)) return TDAG_NO_VALUE;
    return n == 1 ? rows[0] : tdagi_concat(b, rows, (uint32_t)n, axis);
}

const tdagi_composite_def tdagi_composite_solve_triangular = {
    .spec_size = sizeof(tdagi_triangular_spec),
    .fields = triangular_fields,
    .lower = lower_solve_triangular,
};

tdag_value tdagi_substitute(tdag_builder *b, tdag_value a, tdag_value y, int64_t n,
                            bool upper, bool unit)
{
    const tdagi_triangular_spec s = {upper, unit};
    const tdag_value in[2] = {a, tdagi_batch_as(b, y, a)};
    if (in[1].id == 0 || n == 0) return in[1];
    return tdagi_lower(b, TDAGI_SOLVE_TRIANGULAR, in, 2, &s);
}

/* ---- Cholesky ---- */

tdag_value tdagi_cholesky(tdag_builder *b, tdag_value x, tdag_value *pivots_out)
{
    tdagi_matrix a;
    if (!tdagi_square_of(b, x, &a)) return TDAG_NO_VALUE;
    const int64_t n = a.n;
    const uint32_t last = a.rank - 1;
    tdag_value columns[TDAGI_TRIANGULAR_MOST], pivots[TDAGI_TRIANGULAR_MOST], left = x;
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
