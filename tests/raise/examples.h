/* One small example of each composite. */
#ifndef TEST_RAISE_EXAMPLES_H
#define TEST_RAISE_EXAMPLES_H

#include "raise/support.h"

/* Lists, types and specs of their rows. */
#define L(...)                                                                         \
    {                                                                                  \
        sizeof((int64_t[]){__VA_ARGS__}) / 8, (const int64_t[]) { __VA_ARGS__ }        \
    }
#define F(...)                                                                         \
    {                                                                                  \
        TDAG_F32, sizeof((int64_t[]){__VA_ARGS__}) / 8, { __VA_ARGS__ }                \
    }
#define I(...)                                                                         \
    {                                                                                  \
        TDAG_I64, sizeof((int64_t[]){__VA_ARGS__}) / 8, { __VA_ARGS__ }                \
    }
#define B(...)                                                                         \
    {                                                                                  \
        TDAG_BOOL, sizeof((int64_t[]){__VA_ARGS__}) / 8, { __VA_ARGS__ }               \
    }
#define SPEC(name, ...)                                                                \
    &(const tdagi_##name##_spec) { __VA_ARGS__ }

/* NULL: it has none. */
const law *example_of(tdagi_composite id);
/* Its graph, of an input per operand. */
tdag_graph *example_graph(tdag_ctx *ctx, const law *l);
/* Numbers that are positions, probabilities and whatever else operands are. */
void example_fill(tdag_tensor *t);

#endif
