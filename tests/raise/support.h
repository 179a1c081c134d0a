/* What the tests of raising share: random numbers with a seed, the law
 * raise(lower(op)) == op, and re-lowering a raised graph to compare values. */
#ifndef TEST_RAISE_SUPPORT_H
#define TEST_RAISE_SUPPORT_H

#include "support/test.h"

#include "raise/raise.h"

typedef struct rnd {
    uint64_t seed, state;
} rnd;
rnd rnd_seeded(uint64_t seed);
int64_t rnd_in(rnd *r, int64_t lo, int64_t hi); /* both included */
bool rnd_yes(rnd *r);

/* One composite on inputs of its own. */
typedef struct law {
    tdagi_composite id;
    const void *spec;
    uint32_t n;
    tdagi_type in[8]; /* dtype 0: an absent optional input */
} law;
/* Lowers it on these inputs and returns all its results. */
void output_law(tdag_builder *b, const law *l, const tdag_value *in);
/* Lowers it in `b` (whose pool the dims are of, and which is freed), raises the graph
 * and expects the composite back, on its inputs, with an equal spec and nothing
 * besides; then compares values. */
void expect_law(tdag_ctx *ctx, tdag_builder *b, const law *l, const rnd *seed);

/* The same where attributes may come back in another form that says the same: the
 * composite and its operands count, and the values. */
void expect_composite(tdag_ctx *ctx, tdag_builder *b, const law *l, const rnd *seed);

/* Where another composite or none may come back: the values. */
void expect_values(tdag_ctx *ctx, tdag_builder *b, const law *l, const rnd *seed);

/* Raises a finished graph; fails the test where that fails. */
tdagi_raised *raise_graph(tdag_ctx *ctx, const tdag_graph *g);
/* Finishes, raises and frees the builder and the graph's own reference. */
tdagi_raised *raise_built(tdag_ctx *ctx, tdag_builder *b);
/* The kernel that computes output i. */
const tdagi_kernel *output_kernel(const tdagi_raised *r, uint32_t i);
/* Kernels that are neither leaves nor views. */
uint32_t n_working(const tdagi_raised *r);
uint32_t n_of(const tdagi_raised *r, tdagi_composite id);
uint32_t n_of_op(const tdagi_raised *r, tdag_op op);
/* Fails with the raised text. */
void fail_raised(tdag_ctx *ctx, const tdagi_raised *r, const char *what);
/* Runs the graph and the kernels, each lowered anew, on random inputs at the samples.
 */
void expect_same_values(tdag_ctx *ctx, const tdagi_raised *r);

/* A finished graph with its symbols' samples for them, and a tensor for an input of it.
 */
tdag_graph *bound(tdag_ctx *ctx, const tdag_graph *g);
tdag_tensor *random_tensor(tdag_ctx *ctx, const tdag_graph *g, tdag_value v, rnd *seed);
/* Whether two elements of a dtype are equal but for rounding. */
bool near(double a, double b, tdag_dtype dtype);

/* The seed of a law: TDAG_SEED, or 1. */
uint64_t base_seed(void);
/* Runs the test for every composite, whose number is *state; the seed is printed. */
int run_law(CMUnitTestFunction row);

tdagi_type type_of(tdag_dtype dtype, uint32_t rank, ...); /* dims as int64_t */
tdagi_type type_of_dims(tdag_dtype dtype, uint32_t rank, const tdag_dim *dims);

#endif
