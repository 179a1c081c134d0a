/* A committed list of operators that may be refused: a line "OPERATOR<tab>WHY" each,
 * WHY a part of the sentence that refuses it and, unless the operator is not known at
 * all, of docs/operators.md. What is refused has to be in the list, and what is in the
 * list has to be refused, so that it only shrinks. An
 * operator "NAME/DTYPE" that has no line of its own may be refused as NAME is. */
#ifndef TDAG_TEST_REFUSALS_H
#define TDAG_TEST_REFUSALS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct refusals refusals;

/* The list of a file; docs: that of the document in which each reason has to be. */
refusals *refusals_load(const char *path, const char *docs);
void refusals_free(refusals *r);

/* A line of the manifest, "N OPERATOR ...", is at hand. */
void refusals_meet(refusals *r, const char *line);
/* It is refused with that sentence. False: the list does not say so. */
bool refusals_allow(refusals *r, const char *message);
/* Prints the counts and what the list names in vain; returns the number of faults. */
uint32_t refusals_report(const refusals *r);

#endif
