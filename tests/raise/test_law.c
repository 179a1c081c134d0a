/* The law raise(lower(op)) == op, for every row of the composites' table: a test of
 * each by random operands and specs. A row without a generator fails. TDAG_SEED=n draws
 * others than usual. */
#include "raise/draw.h"

#define N_DRAWS 400

/* Whether the composite itself had to come back. */
static bool test_draw(tdag_ctx *ctx, const generator *g, uint64_t seed)
{
    draw d = {.r = rnd_seeded(seed)};
    TEST_OK(ctx, tdag_builder_create(ctx, &d.b));
    draw_example(&d, g);
    bool other = g->other != NULL && g->other(&d);
    bool varies = draw_has_other_spec(&d);
    (other    ? expect_values
     : varies ? expect_composite
              : expect_law)(ctx, d.b, &d.l, &d.r);
    return !other && !varies;
}

static void test_row(void **state)
{
    const tdagi_composite id = (tdagi_composite)(uintptr_t)*state;
    const generator *g = generator_of(id);
    if (g == NULL) fail_msg("it has no generator");
    tdag_ctx *ctx = test_ctx();
    uint32_t n = 0;
    for (uint64_t i = 0; i < N_DRAWS; i++)
        n += test_draw(ctx, g, base_seed() + (uint64_t)id * 100000 + i);
    if (n < N_DRAWS / 4)
        fail_msg("only %u draws are not %s", (unsigned)n, g->why == NULL ? "" : g->why);
    tdag_ctx_free(ctx);
}

int main(void) { return run_law(test_row); }
