/* Graphs ready to run: bound to sizes and raised, once for every set of sizes. */
#ifndef TDAGI_PREPARE_H
#define TDAGI_PREPARE_H

#include <tdagger/run.h>

#include "run/native/plan.h"

/* One graph at one set of sizes. The last one that the native engine ran is left with
 * `of`, so that a model that runs again is not raised again. */
typedef struct tdagi_prepared {
    tdagi_left left;
    tdag_allocator allocator;
    const tdag_graph *of;
    tdag_graph *graph;      /* `of` with its symbols bound; NULL: as it is left */
    tdagi_raised *raised;   /* NULL: for the reference engine */
    tdagi_native_plan plan; /* of what was raised */
    size_t n_symbols;       /* of `of` */
    int64_t sizes[];        /* by symbol of `of` */
} tdagi_prepared;

/* How many stay ready: a loop whose sizes grow must not keep one for every size. */
#define TDAGI_N_PREPARED 32

typedef struct tdagi_workshop {
    tdag_ctx *ctx;
    tdag_engine engine;
    const tdagi_blas *blas; /* found once: that looks for files */
    tdagi_prepared *ready[TDAGI_N_PREPARED];
    uint32_t n, next; /* which one goes when there are too many */
} tdagi_workshop;

void tdagi_workshop_open(tdagi_workshop *w, tdag_ctx *ctx, tdag_engine engine);
/* The graphs that were run live still. */
void tdagi_workshop_close(tdagi_workshop *w);
/* Runs g at these sizes of its symbols. inputs: a reference each, which is taken. */
tdag_status tdagi_workshop_run(tdagi_workshop *w, const tdag_graph *g,
                               const int64_t *sizes, tdag_tensor **inputs,
                               tdag_tensor **outputs);

#endif
