/* Bits of integers, exact in two's complement: bitwise_and, bitwise_or, bitwise_xor,
 * bitwise_left_shift, bitwise_right_shift.
 *
 * Both operands are split into digits of 4 bits, whose `and` is looked up in a table:
 * along an axis of a quarter of the dtype's bits two quotients, two remainders, a
 * gather, two products and a sum. x | y is x + y - (x & y), x ^ y is x + y - 2 (x & y).
 */
#include "derive/parts.h"

#define DIGIT 4 /* bits */

/* A constant of integers. */
static tdag_value table(tdag_builder *b, int64_t n, int64_t (*element)(int64_t))
{
    tdag_tensor *t;
    tdag_status st = tdag_tensor_create(b->ctx, TDAG_I64, 1, &n, &t);
    if (st != TDAG_OK)
        return tdagi_builder_fail(b, st, "a table of %lld numbers", (long long)n);
    int64_t *elements = tdag_tensor_get_mutable_data(t);
    for (int64_t i = 0; i < n; i++)
        elements[i] = element(i);
    tdag_value v = tdag_add_tensor(b, TDAG_OP_CONSTANT, NULL, t);
    tdag_tensor_free(t);
    return v;
}

static int64_t common_of(int64_t i) { return (i >> DIGIT) & i & ((1 << DIGIT) - 1); }
static int64_t weight_of(int64_t i) { return (int64_t)1 << (DIGIT * i); }

static tdag_value digits(tdag_builder *b, tdag_value x, tdag_value weights)
{
    x = tdagi_cast(b, x, TDAG_I64);
    if (!tdagi_usable(b, x)) return TDAG_NO_VALUE;
    x = tdagi_unsqueeze1(b, x, tdag_builder_get_rank(b, x));
    const tdag_value pair[2] = {tdag_binary(b, TDAG_OP_FLOOR_DIVIDE, x, weights),
                                tdag_add_scalar(b, TDAG_I64, 1 << DIGIT)};
    return tdagi_lower(b, TDAGI_REMAINDER, pair, 2, NULL);
}

static tdag_value common_bits(tdag_builder *b, const tdag_value *in, tdag_dtype dtype)
{
    const int64_t bits = (int64_t)tdag_dtype_size(dtype) * 8;
    tdag_value weights = table(b, bits / DIGIT, weight_of);
    tdag_value high = tdagi_mul_scalar(b, digits(b, in[0], weights), 1 << DIGIT);
    tdag_value both = tdagi_add(b, high, digits(b, in[1], weights));
    if (!tdagi_usable(b, both)) return TDAG_NO_VALUE;
    tdag_value common = tdag_gather(b, table(b, 1 << (2 * DIGIT), common_of), both, 0);
    const int64_t last = (int64_t)tdag_builder_get_rank(b, both) - 1;
    common = tdagi_reduce_keep(b, tdagi_mul(b, common, weights), TDAG_REDUCE_SUM,
                               (tdag_list){1, &last}, false);
    return tdagi_cast(b, common, dtype);
}

static bool takes(tdag_builder *b, tdagi_composite id, const tdag_value *in)
{
    tdag_dtype dtype = tdag_builder_get_dtype(b, in[0]);
    if (!tdag_dtype_is_float(dtype) && dtype != TDAG_BOOL &&
        tdag_builder_get_dtype(b, in[1]) == dtype)
        return true;
    tdagi_builder_fail(b, TDAG_E_DTYPE, "%s takes integers of one dtype",
                       tdagi_composite_row_of(id)->name);
    return false;
}

tdag_value tdagi_bits_by_common(tdag_builder *b, tdagi_composite id, tdag_value x,
                                tdag_value y, tdag_value common)
{
    if (id == TDAGI_BITWISE_AND) return common;
    if (id == TDAGI_BITWISE_XOR) common = tdagi_mul_scalar(b, common, 2);
    return tdagi_sub(b, tdagi_add(b, x, y), common);
}

static tdag_value lower_bitwise(tdag_builder *b, tdagi_composite id,
                                const tdag_value *in, uint32_t n, const void *spec)
{
    (void)n;
    (void)spec;
    if (!takes(b, id, in)) return TDAG_NO_VALUE;
    tdag_value common = common_bits(b, in, tdag_builder_get_dtype(b, in[0]));
    return tdagi_bits_by_common(b, id, in[0], in[1], common);
}

const tdagi_composite_def tdagi_composite_bitwise = {.lower_formula = lower_bitwise};

/* 1, 2, 4...: those of the dtype's bits. */
static tdag_value powers(tdag_builder *b, int64_t bits)
{
    tdag_value i = tdag_iota(b, bits, TDAG_I64); /* 1, 2, 2, ... multiplied up */
    i = tdagi_add_scalar(b, tdag_unary(b, TDAG_OP_SIGN, i), 1);
    return tdag_scan(b, i, TDAG_REDUCE_PRODUCT, 0);
}

static tdag_value lower_shift(tdag_builder *b, tdagi_composite id, const tdag_value *in,
                              uint32_t n, const void *spec)
{
    (void)n;
    (void)spec;
    if (!takes(b, id, in)) return TDAG_NO_VALUE;
    tdag_dtype dtype = tdag_builder_get_dtype(b, in[0]);
    bool left = id == TDAGI_BITWISE_LEFT_SHIFT, keeps_sign = !left && dtype != TDAG_U8;
    int64_t bits = (int64_t)tdag_dtype_size(dtype) * 8, most = bits - 1 - keeps_sign;
    tdag_value y = tdagi_cast(b, in[1], TDAG_I64), twice = TDAG_NO_VALUE;
    tdag_value none = tdag_add_scalar(b, TDAG_I64, 0);
    tdag_value zero = tdag_add_scalar(b, dtype, 0), gone = zero;
    tdag_value beyond = tdag_binary(
        b, TDAG_OP_ADD,
        tdag_binary(b, TDAG_OP_LESS, tdag_add_scalar(b, TDAG_I64, (double)most), y),
        tdag_binary(b, TDAG_OP_LESS, y, none));
    y = tdag_where(b, beyond, none, y);
    if (left) { /* no power that the dtype does not hold */
        twice = tdagi_cast(b, tdag_binary(b, TDAG_OP_LESS, none, y), TDAG_I64);
        y = tdagi_sub(b, y, twice);
    }
    tdag_value p = tdag_gather(b, powers(b, most + 1 - left), y, 0);
    uint32_t op = left ? TDAG_OP_MULTIPLY : TDAG_OP_FLOOR_DIVIDE;
    tdag_value moved = tdag_binary(b, op, in[0], tdagi_cast(b, p, dtype));
    if (left)
        moved =
            tdagi_mul(b, moved, tdagi_cast(b, tdagi_add_scalar(b, twice, 1), dtype));
    if (keeps_sign)
        gone = tdag_where(b, tdag_binary(b, TDAG_OP_LESS, in[0], zero),
                          tdag_add_scalar(b, dtype, -1), zero);
    return tdag_where(b, beyond, gone, moved);
}

const tdagi_composite_def tdagi_composite_shift = {.lower_formula = lower_shift};
