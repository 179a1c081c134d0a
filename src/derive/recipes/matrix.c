/* Matrices of known sizes: their blocks, diagonals and elements at known positions,
 * batches that broadcast. */
#include <string.h>

#include "derive/linalg.h"
#include "derive/parts.h"

bool tdagi_square_of(tdag_builder *b, tdag_value x, tdagi_matrix *out)
{
    const uint32_t rank = tdag_builder_get_rank(b, x);
    const tdag_dtype d = tdag_builder_get_dtype(b, x);
    int64_t n = 0;
    if (rank >= 2 && (d == TDAG_F32 || d == TDAG_F64) &&
        tdagi_dim_is_const(tdagi_builder_pool(b), tdagi_dim_of(b, x, rank - 1), &n) &&
        tdagi_dim_of(b, x, rank - 2) == n && n > 0 && n <= TDAGI_TRIANGULAR_MOST) {
        *out = (tdagi_matrix){x, rank, n, n};
        return true;
    }
    tdagi_builder_fail(b, TDAG_E_SHAPE, "no square of floats of 1 to %d rows",
                       TDAGI_TRIANGULAR_MOST);
    return false;
}

bool tdagi_system_of(tdag_builder *b, const tdag_value *in, tdagi_matrix *out)
{
    const uint32_t rank = tdag_builder_get_rank(b, in[1]);
    if (!tdagi_square_of(b, in[0], out)) return false;
    if (rank >= out->rank && tdagi_dim_of(b, in[1], rank - 2) == out->n &&
        tdag_builder_get_dtype(b, in[0]) == tdag_builder_get_dtype(b, in[1]))
        return true;
    tdagi_builder_fail(b, TDAG_E_SHAPE, "a system of other operands");
    return false;
}

/* False and a failure: x has no last two axes. */
static bool is_matrix(tdag_builder *b, tdag_value x)
{
    if (!tdagi_usable(b, x)) return false;
    const uint32_t rank = tdag_builder_get_rank(b, x);
    if (rank < 2)
        tdagi_builder_fail(b, TDAG_E_SHAPE, "a matrix of rank %u", (unsigned)rank);
    return rank >= 2;
}

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

tdag_value tdagi_mt(tdag_builder *b, tdag_value x)
{
    if (!is_matrix(b, x)) return TDAG_NO_VALUE;
    uint32_t rank = tdag_builder_get_rank(b, x);
    return tdagi_transpose(b, x, rank - 2, rank - 1);
}

tdag_value tdagi_eye(tdag_builder *b, tdag_dtype d, int64_t m, int64_t n)
{
    tdag_value i = tdagi_unsqueeze1(b, tdag_iota(b, m, TDAG_I64), 1);
    i = tdag_binary(b, TDAG_OP_EQUAL, i, tdag_iota(b, n, TDAG_I64));
    return tdagi_cast(b, i, d);
}

tdag_value tdagi_pick(tdag_builder *b, tdag_value x, int64_t n, const int64_t *at)
{
    if (!is_matrix(b, x)) return TDAG_NO_VALUE;
    uint32_t rank = tdag_builder_get_rank(b, x) - 1; /* of the result */
    tdag_dim dims[TDAG_MAX_RANK];
    int64_t order[TDAG_MAX_RANK], back[TDAG_MAX_RANK];
    for (uint32_t i = 0; i < rank; i++) {
        dims[i] = tdagi_dim_of(b, x, i);
        order[i] = i == 0 ? rank - 1 : i - 1;
        back[i] = i + 1 == rank ? 0 : i + 1;
    }
    dims[rank - 1] = tdag_dim_mul(b, dims[rank - 1], tdagi_dim_of(b, x, rank));
    x = tdagi_reshape(b, x, rank, dims);
    if (rank > 1) x = tdag_permute(b, x, (tdag_list){rank, order});
    x = tdag_gather(b, x, tdagi_integers(b, n, at), 0);
    return rank > 1 ? tdag_permute(b, x, (tdag_list){rank, back}) : x;
}

tdag_value tdagi_diagonal(tdag_builder *b, tdag_value x, int64_t offset)
{
    tdag_dim dims[TDAG_MAX_RANK];
    if (!is_matrix(b, x)) return TDAG_NO_VALUE;
    const uint32_t last = tdag_builder_get_rank(b, x) - 1;
    memcpy(dims, tdag_builder_get_shape(b, x), (last + 1) * sizeof(*dims));
    const int64_t n = dims[last - 1], m = dims[last];
    if (n < 0 || m < 0)
        return tdagi_builder_fail(b, TDAG_E_SHAPE, "a diagonal of symbolic size");
    offset = offset < -n ? -n : offset > m ? m : offset; /* beyond there is nothing */
    const int64_t row = offset < 0 ? -offset : 0, column = offset > 0 ? offset : 0;
    const int64_t length = n - row < m - column ? n - row : m - column;
    const int64_t start = length > 0 ? row * m + column : 0;
    dims[last - 1] = n * m;
    return tdagi_stride1(b, tdagi_reshape(b, x, last, dims), last - 1, start,
                         length > 0 ? start + (length - 1) * (m + 1) + 1 : 0, m + 1);
}

tdag_value tdagi_batch_full(tdag_builder *b, tdag_value x, int64_t m, int64_t n,
                            tdag_dtype d, double v)
{
    tdag_dim dims[TDAG_MAX_RANK];
    if (!is_matrix(b, x)) return TDAG_NO_VALUE;
    uint32_t rank = tdag_builder_get_rank(b, x) - 2;
    for (uint32_t i = 0; i < rank; i++)
        dims[i] = tdagi_dim_of(b, x, i);
    if (m >= 0) dims[rank++] = m;
    if (m >= 0 && n >= 0) dims[rank++] = n;
    return tdagi_full(b, d, rank, dims, v);
}

tdag_value tdagi_batch_as(tdag_builder *b, tdag_value x, tdag_value y)
{
    tdag_dim dims[TDAG_MAX_RANK];
    if (!is_matrix(b, x) || !is_matrix(b, y)) return TDAG_NO_VALUE;
    uint32_t rx = tdag_builder_get_rank(b, x), ry = tdag_builder_get_rank(b, y),
             rank = rx > ry ? rx : ry;
    for (uint32_t i = 0; i + 2 < rank; i++) {
        tdag_dim of_x = i + rx < rank ? 1 : tdagi_dim_of(b, x, i + rx - rank);
        dims[i] = i + ry < rank || of_x != 1 ? of_x : tdagi_dim_of(b, y, i + ry - rank);
    }
    dims[rank - 2] = tdagi_dim_of(b, x, rx - 2);
    dims[rank - 1] = tdagi_dim_of(b, x, rx - 1);
    return tdagi_expand(b, x, rank, dims);
}
