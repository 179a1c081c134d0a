/* Bits of integers, which are int32 in a program: exact for all that int32 holds, by
 * digits of 4 bits and by factors that it has. */
#include "coreml/write/mil.h"

enum { DIGIT = 4, N_DIGITS = 8, N_PAIRS = 256, MOST = 30 };

/* What a pair of digits gives: after those of all pairs, those of the highest digits,
 * which have a sign. */
static tdagi_mil pairs(tdagi_mil_writer *w, uint32_t composite)
{
    double v[2 * N_PAIRS];
    const int64_t n = 2 * N_PAIRS;
    for (int32_t i = 0; i < N_PAIRS; i++) {
        const int32_t x = i >> DIGIT, y = i & 15;
        const int32_t is = composite == TDAGI_BITWISE_AND  ? (x & y)
                           : composite == TDAGI_BITWISE_OR ? (x | y)
                                                           : (x ^ y);
        v[i] = is;
        v[N_PAIRS + i] = (is ^ 8) - 8;
    }
    return tdagi_mil_numbers(w, TDAG_I64, 1, &n, v);
}

/* 1, 2, 4, ... or 1, 16, 256, ... */
static tdagi_mil powers(tdagi_mil_writer *w, int64_t n, int bits)
{
    double v[MOST + 1];
    for (int64_t i = 0; i < n; i++)
        v[i] = (double)((int64_t)1 << (bits * i));
    return tdagi_mil_numbers(w, TDAG_I64, 1, &n, v);
}

static tdagi_mil digits(tdagi_mil_writer *w, tdagi_mil x, tdagi_mil weights)
{
    if (x == NULL) return NULL;
    tdagi_type type = x->type;
    const int64_t last = type.rank;
    const tdag_list axes = {1, &last};
    type.shape[type.rank++] = 1;
    return tdagi_mil_op(w, NULL, "mod(x=floor_div(x=%v, y=%v), y=16)",
                        tdagi_mil_op(w, &type, "expand_dims(x=%v, axes=%l)", x, &axes),
                        weights);
}

static void emit_bitwise(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    static const int64_t highest[N_DIGITS] = {[N_DIGITS - 1] = N_PAIRS};
    const int64_t last = k->rank;
    const tdag_list axes = {1, &last};
    if (k->rank >= TDAGI_MIL_MAX_RANK) {
        tdagi_mil_by_parts(w, k);
        return;
    }
    tdagi_mil weights = powers(w, N_DIGITS, DIGIT);
    tdagi_mil x = digits(w, tdagi_mil_in(w, k, 0), weights);
    tdagi_mil both = tdagi_mil_op(w, NULL, "add(x=add(x=mul(x=%v, y=16), y=%v), y=%v)",
                                  x, digits(w, tdagi_mil_in(w, k, 1), weights),
                                  tdagi_mil_ints(w, N_DIGITS, highest));
    if (both == NULL) return;
    both = tdagi_mil_gather_of(w, &both->type, pairs(w, k->composite), both, 0, 0);
    tdagi_mil_emit(w, k, "reduce_sum(x=mul(x=%v, y=%v), axes=%l, keep_dims=false)",
                   both, weights, &axes);
}
const tdagi_mil_emitter tdagi_mil_emitter_bitwise = {.emit = emit_bitwise};

/* By three powers of two, whose exponents are what of y each can hold. Below 0 and from
 * 64 on nothing is left but the sign. */
static void emit_shift(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const bool left = k->composite == TDAGI_BITWISE_LEFT_SHIFT;
    tdagi_mil x = tdagi_mil_in(w, k, 0), y = tdagi_mil_in(w, k, 1);
    if (x == NULL || y == NULL) return;
    tdagi_mil beyond = tdagi_mil_op(
        w, NULL, "logical_or(x=less(x=%v, y=0), y=greater(x=%v, y=63))", y, y);
    beyond = tdagi_mil_cast(w, beyond, TDAG_I64);
    y = tdagi_mil_op(w, NULL, "maximum(x=%v, y=mul(x=%v, y=63))", y, beyond);
    for (int64_t i = 0; i < 3 && y != NULL; i++) {
        tdagi_mil by = tdagi_mil_op(
            w, NULL, "minimum(x=maximum(x=sub(x=%v, y=%i), y=0), y=30)", y, i * MOST);
        by = tdagi_mil_gather_of(w, &y->type, powers(w, MOST + 1, 1), by, 0, 0);
        x = tdagi_mil_op(w, NULL, left ? "mul(x=%v, y=%v)" : "floor_div(x=%v, y=%v)", x,
                         by);
    }
    if (left)
        tdagi_mil_emit(w, k, "mul(x=%v, y=sub(x=1, y=%v))", x, beyond);
    else
        tdagi_mil_emit(w, k, "identity(x=%v)", x);
}
const tdagi_mil_emitter tdagi_mil_emitter_shift = {.emit = emit_shift};
