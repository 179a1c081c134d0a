/* Valid random programs: every kind of statement, blocks in blocks, carried values that
 * grow, sizes that only a run can tell, names of all sorts. Everything follows from a
 * seed, which every failure prints. */
#ifndef TEST_RANDOM_PROGRAM_H
#define TEST_RANDOM_PROGRAM_H

#include "support/test.h"

#include "program/build.h"

/* Two methods at most, over some graphs and two states. */
tdag_status random_program(tdag_ctx *ctx, uint64_t seed, tdag_model **out);
/* The same of what the engines run to an end: loops have limits, operators are known.
 * Each method takes f32[N,4], f32[3,4], i64[] and bool[]. */
tdag_status random_running_program(tdag_ctx *ctx, uint64_t seed, tdag_model **out);

#endif
