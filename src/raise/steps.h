/* What guesses share: the value they start from, steps down from it, and guesses of
 * common forms. */
#ifndef TDAGI_RAISE_STEPS_H
#define TDAGI_RAISE_STEPS_H

#include "raise/match.h"

/* A value at which a composite is looked for. Composites compute half types in f32 and
 * round once: `top` is then the f32 value below the last convert, else the value
 * itself. */
typedef struct tdagi_root {
    tdag_value v, top;
    bool half;
    tdagi_composite composite; /* the row's */
    tdagi_type type;           /* of the composite's result: of v, but for `lead` */
    int lead;                  /* of the guess (match.h) */
} tdagi_root;

/* ---- steps; all return id 0 where the step is not there, and accept id 0 ---- */
/* Input i of v if v's op is `op` (TDAG_OP_NONE: any). */
tdag_value tdagi_step(const tdagi_raiser *r, tdag_value v, uint32_t op, uint32_t i);
/* The first input of v whose op is `op`. */
tdag_value tdagi_step_to(const tdagi_raiser *r, tdag_value v, uint32_t op);
/* The input of the binary node v that is not `but`. */
tdag_value tdagi_step_other(const tdagi_raiser *r, tdag_value v, tdag_value but);
/* What v permutes, or v itself. */
tdag_value tdagi_unpermuted(const tdagi_raiser *r, tdag_value v);
/* v without the convert that widens a half root's operand. */
tdag_value tdagi_narrow(const tdagi_raiser *r, const tdagi_root *root, tdag_value v);
/* True and its number if v is a constant of one element. */
bool tdagi_scalar_of(const tdagi_raiser *r, tdag_value v, double *out);
/* The scalar constant among the inputs of v. */
bool tdagi_scalar_input(const tdagi_raiser *r, tdag_value v, double *out);
/* The nearest value with that op in the cone below v, depth first, v included; `budget`
 * bounds the values looked at. */
tdag_value tdagi_find_below(const tdagi_raiser *r, tdag_value v, uint32_t op,
                            uint32_t budget);

/* ---- guesses ---- */
/* Operands given, absent ones with id 0. */
tdag_status tdagi_guess_known(tdagi_raiser *r, const tdagi_root *root, const void *spec,
                              uint32_t n, const tdag_value *in, tdagi_match **out);

#endif
