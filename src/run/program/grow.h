/* Graphs that are called again and again and give what they take with more behind it.
 */
#ifndef TDAGI_GROW_H
#define TDAGI_GROW_H

#include "run/program/prepare.h"

/* An output that is an input with more behind it, along that axis. */
typedef struct tdagi_grown {
    uint32_t output, input, axis;
    bool is_left_out; /* the rest does not take the input */
} tdagi_grown;

/* A graph of the model as a run knows it; all zeroes at first. */
typedef struct tdagi_callee {
    bool is_append;  /* all that it does is add a row */
    uint32_t n_runs; /* up to those that show that it is called in a loop */
    uint32_t n_grown;
    tdagi_grown *grown;
    tdag_graph *rest; /* gives what goes behind, in place of such outputs; NULL: none */
    bool *uses;       /* by symbol: whether the rest depends on it */
} tdagi_callee;

/* Runs g as tdagi_workshop_run() does. Where it grows something, from the third time on
 * the rest is run, and what that gives is appended without copying what is there. The
 * sizes are the callee's to change. */
tdag_status tdagi_callee_run(tdagi_workshop *w, tdagi_callee *c, const tdag_graph *g,
                             int64_t *sizes, tdag_tensor **inputs,
                             tdag_tensor **outputs);
void tdagi_callee_free(tdag_ctx *ctx, tdagi_callee *c, const tdag_graph *g);

#endif
