/* Formulas: special functions written as text (formulas.def), read into programs for a
 * stack of values. A lowering runs a program on values of a graph (formula.c), the
 * native engine on blocks of numbers.
 *
 *   formula    = {letter "=" expression ";"} expression
 *   expression = with + - * / < == as in C; numbers; pi, euler, inf, nan; letters;
 *                functions of the table below, formulas and helpers by name;
 *                where(c, x, y); sum(n, expression), in which k is 0...n-1 (sums do not
 *                nest); poly(x, c0, c1, ...) = c0 + x*(c1 + ...), of numbers; ratios(x,
 *                d1, d2, ...) = 1 + x/d1*(1 + x/d2*(1 + ...)) */
#ifndef TDAGI_FORMULA_H
#define TDAGI_FORMULA_H

#include "derive/derive.h"

/* name, text in formulas, operands, how it is lowered, and of doubles x, y, z */
#define TDAGI_FORMULA_FUNCTIONS(F)                                                     \
    F(NEG, "", 1, TDAG_OP_NEG, -x)                                                     \
    F(ADD, "", 2, TDAG_OP_ADD, x + y)                                                  \
    F(SUB, "", 2, TDAGI_OP_CODES + TDAGI_SUB, x - y)                                   \
    F(MUL, "", 2, TDAG_OP_MULTIPLY, x *y)                                              \
    F(DIV, "", 2, TDAGI_OP_CODES + TDAGI_DIV, x / y)                                   \
    F(LESS, "", 2, TDAG_OP_LESS, x < y)                                                \
    F(EQUAL, "", 2, TDAG_OP_EQUAL, x == y)                                             \
    F(WHERE, "where", 3, TDAG_OP_WHERE, x != 0 ? y : z)                                \
    F(EXP, "exp", 1, TDAG_OP_EXP, exp(x))                                              \
    F(LOG, "log", 1, TDAG_OP_LOG, log(x))                                              \
    F(SIN, "sin", 1, TDAG_OP_SIN, sin(x))                                              \
    F(COS, "cos", 1, TDAG_OP_COS, cos(x))                                              \
    F(SQRT, "sqrt", 1, TDAG_OP_SQRT, sqrt(x))                                          \
    F(FLOOR, "floor", 1, TDAG_OP_FLOOR, floor(x))                                      \
    F(SINH, "sinh", 1, TDAG_OP_SINH, sinh(x))                                          \
    F(COSH, "cosh", 1, TDAG_OP_COSH, cosh(x))                                          \
    F(GAUSSIAN, "gaussian", 1, TDAG_OP_GAUSSIAN, 0.5 * erfc(-0.70710678118654752 * x)) \
    F(ARCCOS, "arccos", 1, TDAG_OP_ARCCOS, acos(x))                                    \
    F(ARCCOSH, "arccosh", 1, TDAG_OP_ARCCOSH, acosh(x))                                \
    F(SIGN, "sign", 1, TDAG_OP_SIGN, (x > 0) - (x < 0))                                \
    F(ARCTAN, "arctan", 1, TDAG_OP_ARCTAN, atan(x))                                    \
    F(MAX, "max", 2, TDAGI_OP_CODES + TDAGI_MAXIMUM, x < y ? y : x)                    \
    F(MIN, "min", 2, TDAGI_OP_CODES + TDAGI_MINIMUM, x < y ? x : y)                    \
    F(MOD, "mod", 2, TDAGI_OP_CODES + TDAGI_REMAINDER, x - y * floor(x / y))           \
    F(ABS, "abs", 1, TDAGI_OP_CODES + TDAGI_ABS, fabs(x))                              \
    F(LOG1P, "log1p", 1, TDAGI_OP_CODES + TDAGI_LOG1P, log1p(x))                       \
    F(EXPM1, "expm1", 1, TDAGI_OP_CODES + TDAGI_EXPM1, expm1(x))

typedef enum tdagi_formula_code {
#define TDAGI_FORMULA_CODE(id, text, n, lowered, value) TDAGI_FORMULA_##id,
    TDAGI_FORMULA_FUNCTIONS(TDAGI_FORMULA_CODE)
#undef TDAGI_FORMULA_CODE
        TDAGI_FORMULA_N_FUNCTIONS,
    TDAGI_FORMULA_NUMBER = TDAGI_FORMULA_N_FUNCTIONS, /* argument: which one */
    TDAGI_FORMULA_GET,                                /* argument: the register */
    TDAGI_FORMULA_SET,
    TDAGI_FORMULA_K,
    TDAGI_FORMULA_SUM, /* argument: n */
    TDAGI_FORMULA_END, /* of the sum */
} tdagi_formula_code;

#define TDAGI_FORMULA_STEPS     1024
#define TDAGI_FORMULA_REGISTERS 128
#define TDAGI_FORMULA_DEPTH     48

/* Operands are in the first registers. */
typedef struct tdagi_formula {
    uint16_t n, n_numbers, n_registers;
    uint8_t code[TDAGI_FORMULA_STEPS];
    uint8_t argument[TDAGI_FORMULA_STEPS];
    double number[256];
} tdagi_formula;

/* Letters that stand for numbers: those of "xyzw" from the first on. */
typedef struct tdagi_formula_given {
    uint32_t first, n;
    double v[3];
} tdagi_formula_given;
/* `given`: NULL, none. Errors: E_INTERNAL (there is no such formula, or it is too
 * long), E_NOMEM. */
tdag_status tdagi_formula_read(tdag_ctx *ctx, const char *name,
                               const tdagi_formula_given *given, tdagi_formula *out);
/* The number of a composite's spec; false: it has none. */
bool tdagi_formula_number(const tdagi_composite_def *def, const void *spec,
                          double *out);

#endif
