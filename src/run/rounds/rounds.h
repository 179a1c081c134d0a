/* Rounds of a loop that are little work each, without the interpreter. */
#ifndef TDAGI_ROUNDS_H
#define TDAGI_ROUNDS_H

#include "run/program/interpret.h"

/* A round of loop s has been run, and left `carried`. If what remains is a step over
 * rows, by the native engine, it is run up to `limit`: *done becomes true. */
tdag_status tdagi_run_rounds(tdagi_execution *f, const tdagi_statement *s,
                             int64_t limit, tdag_tensor **carried, bool *done);

#endif
