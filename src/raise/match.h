/* Guess and check: a composite is lowered on placeholders and compared with the graph.
 *
 * A recogniser only guesses which composite, attributes and operands may be rooted at a
 * value; the formula stands in src/derive alone. Where the lowering has a placeholder
 * the graph must have that operand. */
#ifndef TDAGI_MATCH_H
#define TDAGI_MATCH_H

#include "raise/number.h"
#include "raise/raiser.h"

#define TDAGI_GUESS_INPUTS 8

typedef struct tdagi_guess {
    tdagi_composite composite;
    const void *spec; /* dims in the raiser's pool; borrowed */
    uint32_t n;
    tdag_value in[TDAGI_GUESS_INPUTS]; /* id 0: absent */
    const tdagi_type *open;            /* n types: operands of which no more is known,
                                          and that are found by comparing; NULL = none */
    int lead; /* axes that the graph has in front of the composite's: -1, 0 or 1
                 (lead.h) */
} tdagi_guess;

/* *out is NULL where the guess is wrong. Nodes inside that others read too make it
 * wrong unless repeating them is cheap. */
tdag_status tdagi_check_guess(tdagi_raiser *r, tdag_value root,
                              const tdagi_guess *guess, tdagi_match **out);
/* The shape that lowering the guess gives, without comparing. */
tdag_status tdagi_guess_type(tdagi_raiser *r, const tdagi_guess *guess,
                             tdagi_type *type, bool *ok);
/* A match of known operands for a guess proved otherwise; covered is put in order and
 * checked for readers outside as above. */
tdag_status tdagi_accept_guess(tdagi_raiser *r, tdag_value root,
                               const tdagi_guess *guess, tdag_value *covered,
                               uint32_t n_covered, tdagi_match **out);
/* A match with nothing left to check; the arrays and the spec are copied. */
tdag_status tdagi_new_match(tdagi_raiser *r, const tdagi_match *like,
                            const tdag_value *operands, tdagi_match **out);
/* Puts values in order and drops repeated ones; returns how many are left. */
uint32_t tdagi_sort_values(tdag_value *v, uint32_t n);
tdag_status tdagi_compare_open(tdagi_raiser *r);
void tdagi_compare_close(tdagi_raiser *r);

#endif
