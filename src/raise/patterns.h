/* The table of patterns and what its guesses share. */
#ifndef TDAGI_PATTERNS_H
#define TDAGI_PATTERNS_H

#include "raise/match.h"

/* A value at which a composite is looked for. Composites compute half types in f32 and
 * round once: `top` is then the f32 value below the last convert, else the value
 * itself. */
typedef struct tdagi_root {
    tdag_value v, top;
    bool half;
    tdagi_composite composite; /* the row's */
    tdagi_type type;           /* of v */
} tdagi_root;

/* Finds operands and attributes by a few steps from the root, and checks them by
 * tdagi_check_guess(). *out stays NULL where there is nothing. */
typedef tdag_status (*tdagi_guess_fn)(tdagi_raiser *r, const tdagi_root *root,
                                      tdagi_match **out);

typedef struct tdagi_pattern {
    tdagi_composite composite;
    uint8_t op;                /* of the top */
    uint8_t child, grandchild; /* ops that some input, and some input of that one, has;
                                  TDAG_OP_NONE: any */
    tdagi_guess_fn guess;
} tdagi_pattern;

/* ---- steps; all return id 0 where the step is not there, and accept id 0 ---- */
/* Input i of v if v's op is `op` (TDAG_OP_NONE: any). */
tdag_value tdagi_step(const tdagi_raiser *r, tdag_value v, uint32_t op, uint32_t i);
/* The first input of v whose op is `op`. */
tdag_value tdagi_step_to(const tdagi_raiser *r, tdag_value v, uint32_t op);
/* The input of the binary node v that is not `but`. */
tdag_value tdagi_step_other(const tdagi_raiser *r, tdag_value v, tdag_value but);
/* v without the convert that widens a half root's operand. */
tdag_value tdagi_narrow(const tdagi_raiser *r, const tdagi_root *root, tdag_value v);
/* v without movement above it. */
tdag_value tdagi_below_views(const tdagi_raiser *r, tdag_value v);
/* True and its number if v is a constant of one element. */
bool tdagi_scalar_of(const tdagi_raiser *r, tdag_value v, double *out);
/* The scalar constant among the inputs of v. */
bool tdagi_scalar_input(const tdagi_raiser *r, tdag_value v, double *out);
/* The nearest value with that op in the cone below v, depth first, v included; `budget`
 * bounds the values looked at. */
tdag_value tdagi_find_below(const tdagi_raiser *r, tdag_value v, uint32_t op,
                            uint32_t budget);

/* The value that the first gather in the cone below v reads, before its permute. */
tdag_value tdagi_below_gather(const tdagi_raiser *r, tdag_value v, uint32_t budget);

/* ---- guesses ---- */
/* One operand of the root's type; no spec. */
tdag_status tdagi_guess_unary(tdagi_raiser *r, const tdagi_root *root,
                              tdagi_match **out);
/* Operands given, absent ones with id 0. */
tdag_status tdagi_guess_known(tdagi_raiser *r, const tdagi_root *root, const void *spec,
                              uint32_t n, const tdag_value *in, tdagi_match **out);
/* One operand of the given type. */
tdag_status tdagi_guess_typed(tdagi_raiser *r, const tdagi_root *root, const void *spec,
                              const tdagi_type *type, tdagi_match **out);

/* Rows tried before contractions, and after; each ends with composite TDAGI_CORE. */
extern const tdagi_pattern tdagi_patterns_large[];
extern const tdagi_pattern tdagi_patterns_small[];

#define TDAGI_GUESS(name)                                                              \
    tdag_status tdagi_guess_##name(tdagi_raiser *r, const tdagi_root *root,            \
                                   tdagi_match **out);
TDAGI_GUESS(norm)
TDAGI_GUESS(batch_norm)
TDAGI_GUESS(softmax)
TDAGI_GUESS(log_softmax)
TDAGI_GUESS(logsumexp)
TDAGI_GUESS(var)
TDAGI_GUESS(vector_norm)
TDAGI_GUESS(normalize)
TDAGI_GUESS(argmax)
TDAGI_GUESS(attention)
TDAGI_GUESS(pool)
TDAGI_GUESS(adaptive_pool)
TDAGI_GUESS(im2col)
TDAGI_GUESS(col2im)
TDAGI_GUESS(gather)
TDAGI_GUESS(gather_axis)
TDAGI_GUESS(upsample)
TDAGI_GUESS(concat)
TDAGI_GUESS(roll)
TDAGI_GUESS(flip)
TDAGI_GUESS(repeat_interleave)
TDAGI_GUESS(tile)
TDAGI_GUESS(triangle)
TDAGI_GUESS(sub)
TDAGI_GUESS(div)
TDAGI_GUESS(pow)
TDAGI_GUESS(pow_int)
TDAGI_GUESS(remainder)
TDAGI_GUESS(round)
TDAGI_GUESS(maximum)
TDAGI_GUESS(maximum_int)
TDAGI_GUESS(clamp)
TDAGI_GUESS(logical_not)
TDAGI_GUESS(not_equal)
TDAGI_GUESS(less_equal)
TDAGI_GUESS(leaky_relu)
TDAGI_GUESS(prelu)
TDAGI_GUESS(elu)
TDAGI_GUESS(gelu)
TDAGI_GUESS(gelu_formula)
TDAGI_GUESS(softplus)
TDAGI_GUESS(masked_fill)
#undef TDAGI_GUESS

#endif
