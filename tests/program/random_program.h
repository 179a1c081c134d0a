/* Valid random programs: every kind of statement, blocks in blocks, carried values that
 * grow, sizes that only a run can tell, names of all sorts. Everything follows from a
 * seed, which every failure prints. */
#ifndef TEST_RANDOM_PROGRAM_H
#define TEST_RANDOM_PROGRAM_H

#include "support/test.h"

#include "program/build.h"

/* Two methods at most, over five graphs and two states. */
tdag_status random_program(tdag_ctx *ctx, uint64_t seed, tdag_model **out);

#endif
