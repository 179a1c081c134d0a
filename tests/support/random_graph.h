/* Valid random graphs over all core ops, and graphs compared by what they compute; for
 * the tests of transforms. Everything follows from a seed, which every failure prints.
 *
 * A test of its own chooses what is in a graph by the options; one that needs a special
 * beginning makes a maker, adds values of its own and lets it go on from there. */
#ifndef TEST_RANDOM_GRAPH_H
#define TEST_RANDOM_GRAPH_H

#include "support/test.h"

#include <tdagger.h>

#include "ir/graph.h"

/* ---- random numbers ---- */
typedef struct rg_random {
    uint64_t seed, state;
} rg_random;
rg_random rg_seeded(uint64_t seed);
uint64_t rg_bits(rg_random *r);
int64_t rg_in(rg_random *r, int64_t lo, int64_t hi); /* both included */
bool rg_chance(rg_random *r, int64_t percent);

/* ---- graphs ---- */
typedef struct rg_options {
    uint64_t seed;
    uint32_t n_nodes;      /* ops to be added; 0 = 1 to 30, as the seed says */
    int64_t max_elements;  /* of a value that others use; 0 = 1,000 */
    int64_t movement;      /* percent of the ops that move elements; 0 = 50 */
    bool symbols;          /* dims of inputs may be symbols (samples 1 to 5) */
    bool no_empty;         /* no leaf has a dim of 0 */
    bool no_special;       /* no inf, NaN, -0 and such in leaves */
    bool only_f32;         /* leaves are f32, and convert is left out */
    const bool *leave_out; /* [TDAGI_OP_CODES]: ops that are not used; NULL = none */
} rg_options;

#define RG_MOST_VALUES 512

/* A graph in the making. */
typedef struct rg_maker {
    tdag_ctx *ctx;
    tdag_builder *b;
    rg_random random;
    rg_options options;
    uint32_t n; /* values that ops may use */
    tdag_value values[RG_MOST_VALUES];
} rg_maker;

/* The builder stays the caller's. */
void rg_maker_init(rg_maker *m, tdag_ctx *ctx, tdag_builder *b, const rg_options *o);
/* Inputs, weights, constants. */
void rg_add_leaves(rg_maker *m);
/* Adds one node of that op, with whatever helpers it needs; no value where the operands
 * at hand did not fit. */
tdag_value rg_add_op(rg_maker *m, tdag_op op);
/* Adds n random ops. */
void rg_add_ops(rg_maker *m, uint32_t n);
/* A value that ops may use from now on, unless it is too large. */
void rg_offer(rg_maker *m, tdag_value v);
/* One of the values, rather a late one. */
tdag_value rg_pick(rg_maker *m);
/* 1 to 4 outputs, rather late values; one value twice at times. */
void rg_add_outputs(rg_maker *m);

/* All of it; never fails but by the test. */
tdag_graph *rg_graph(tdag_ctx *ctx, const rg_options *o);

/* ---- tensors and runs ---- */
/* Random elements; float ones include zeroes of both signs, inf and NaN if `special`.
 */
tdag_tensor *rg_tensor(tdag_ctx *ctx, rg_random *r, tdag_dtype dtype, uint32_t rank,
                       const int64_t *shape, bool special);
/* One tensor per input of a graph, at the given numbers of its symbols (NULL: their
 * samples); the array and its tensors are freed with rg_free_tensors(). */
tdag_tensor **rg_inputs(tdag_ctx *ctx, rg_random *r, const tdag_graph *g,
                        const int64_t *symbols, bool special);
/* Runs by the reference engine; *out has n_outputs tensors where the status is OK. */
tdag_status rg_run(tdag_ctx *ctx, const tdag_graph *g, tdag_tensor *const *inputs,
                   tdag_tensor ***out);
void rg_free_tensors(tdag_tensor **tensors, uint32_t n);

/* How two results may differ. All zero: not at all; a NaN equals every NaN, and -0 is
 * not 0. */
typedef struct rg_tolerance {
    double relative, absolute;
} rg_tolerance;
/* Same dtype and shape, and elements within the tolerance; else where they differ. */
bool rg_same(const tdag_tensor *a, const tdag_tensor *b, const rg_tolerance *t,
             char *why, size_t size);

/* Two graphs of the same inputs and outputs compute the same on random inputs (at the
 * samples); fails the test with `what`, the seed and the text of both. */
void rg_expect_same(tdag_ctx *ctx, const tdag_graph *a, const tdag_graph *b,
                    uint64_t seed, const rg_tolerance *t, const char *what);
/* Fails the test with the text of one or two graphs (b may be NULL). */
void rg_fail(tdag_ctx *ctx, const tdag_graph *a, const tdag_graph *b, const char *what,
             uint64_t seed);

/* How many seeds a test tries: `quick`, or `slow` where TDAG_SLOW is set. */
uint64_t rg_n_seeds(uint64_t quick, uint64_t slow);

#endif
