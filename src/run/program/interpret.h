/* Running a method: statements one by one over tensors. */
#ifndef TDAGI_INTERPRET_H
#define TDAGI_INTERPRET_H

#include "run/bind.h"
#include "run/program/draw.h"
#include "run/program/grow.h"
#include "run/program/plan.h"
#include "run/program/state.h"

/* A run of a method. */
typedef struct tdagi_execution {
    tdag_ctx *ctx;
    const tdag_model *model;
    const tdagi_method *method;
    tdagi_method_plan plan;
    tdagi_sizes sizes;    /* of the method's symbols */
    tdag_tensor **values; /* by id; NULL: not defined yet, or dead */
    uint32_t *trail; /* ids in the order of their definition, for blocks that end */
    uint32_t n_trail;
    tdagi_workshop graphs;
    tdagi_callee *callees; /* by graph */
    tdagi_generator random;
    tdag_state *state;
} tdagi_execution;

/* The method's inputs have been counted; outputs: one reference each. */
tdag_status tdagi_interpret(tdagi_execution *f, tdag_tensor *const *inputs,
                            tdag_tensor **outputs);

/* call.c: results: one reference each. */
tdag_status tdagi_frame_call(tdagi_execution *f, const tdagi_statement *s, uint32_t at,
                             tdag_tensor **results);

#endif
