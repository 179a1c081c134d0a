/* What an engine knows of a method before it runs it: the statements numbered in the
 * order of the text, and which values are read for the last time where. */
#ifndef TDAGI_PLAN_H
#define TDAGI_PLAN_H

#include "program/model.h"

typedef struct tdagi_method_plan {
    uint32_t n;            /* statements, nested ones included; numbered from 0 */
    uint32_t *size;        /* by statement: itself and those in its blocks */
    uint32_t *first_dying; /* [n + 1]: where a statement's part of `dying` begins */
    uint32_t *dying;       /* ids of values that are not read behind the statement */
    uint32_t n_dying, n_vars;
} tdagi_method_plan;

/* The method is verified. */
tdag_status tdagi_plan_make(tdag_ctx *ctx, const tdagi_method *m,
                            tdagi_method_plan *out);
void tdagi_plan_free(tdag_ctx *ctx, tdagi_method_plan *plan); /* leaves it empty */

/* The number of a block's first statement, for statement number `at`. */
uint32_t tdagi_plan_block(const tdagi_method_plan *plan, const tdagi_statement *s,
                          uint32_t at, uint32_t block);

#endif
