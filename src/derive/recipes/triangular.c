/* Triangular systems, by substitution: a row of X at a time, each taken out of the rows
 * of B that are left; of an upper A from its end. */
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

/* The number of rows; 0: these are no operands. */
static int64_t rows_of(tdag_builder *b, const tdag_value *in)
{
    uint32_t rank = tdag_builder_get_rank(b, in[1]),
             m = tdag_builder_get_rank(b, in[0]);
    tdag_dtype d = tdag_builder_get_dtype(b, in[0]);
    int64_t n = 0;
    bool fits =
        m >= 2 && rank >= m && d == tdag_builder_get_dtype(b, in[1]) &&
        (d == TDAG_F32 || d == TDAG_F64) &&
        tdagi_dim_is_const(tdagi_builder_pool(b), tdagi_dim_of(b, in[0], m - 1), &n) &&
        tdagi_dim_of(b, in[0], m - 2) == n && tdagi_dim_of(b, in[1], rank - 2) == n &&
        n <= TDAGI_TRIANGULAR_MOST;
    if (!fits || n == 0)
        tdagi_builder_fail(b, TDAG_E_SHAPE,
                           "solve_triangular does not take these operands");
    return fits ? n : 0;
}

static tdag_value lower_solve_triangular(tdag_builder *b, const tdag_value *in,
                                         uint32_t count, const void *spec)
{
    (void)count;
    const tdagi_triangular_spec *s = spec;
    const int64_t n = rows_of(b, in);
    const uint32_t axis = n == 0 ? 0 : tdag_builder_get_rank(b, in[1]) - 2;
    tdag_value rows[TDAGI_TRIANGULAR_MOST], left = in[1];
    int64_t first = 0, end = n; /* the rows that are left */
    while (first < end && tdagi_builder_ok(b)) {
        int64_t i = s->upper ? end - 1 : first, at = s->upper ? end - 1 : 0;
        tdag_value x = tdagi_slice_below(b, left, axis, at, at + 1);
        if (!s->unit) x = tdagi_div(b, x, tdagi_block_of(b, in[0], i, i + 1, i, i + 1));
        rows[i] = x;
        first += !s->upper;
        end -= s->upper != 0;
        if (first == end) break;
        left = tdagi_slice_below(b, left, axis, !s->upper, end - first + !s->upper);
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
