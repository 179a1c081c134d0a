/* What the fuzzing targets share: see fuzz.h. */
#include "fuzz/fuzz.h"

tdag_ctx *fuzz_ctx(void)
{
    tdag_ctx_options o;
    tdag_ctx *ctx = NULL;
    tdag_ctx_options_init(&o);
    o.limits.max_nodes = 10000;
    o.limits.max_tensor_bytes = 1 << 20;
    o.limits.max_loop_trips = 100;
    o.limits.max_steps = 50000;
    EXPECT(tdag_ctx_create(&o, &ctx) == TDAG_OK);
    return ctx;
}

void fuzz_expect_told(const tdag_ctx *ctx, tdag_status st)
{
    EXPECT(st == TDAG_OK || tdag_ctx_get_error(ctx)->message[0] != '\0');
    EXPECT(st != TDAG_E_INTERNAL && st != TDAG_E_NOMEM);
}

/* Counting may find no number (overflow), but must end. */
void fuzz_use_model(tdag_ctx *ctx, const tdag_model *m)
{
    const tdag_graph *g = tdag_model_get_graph(m);
    EXPECT(tdag_verify(ctx, g) == TDAG_OK);
    tdag_counts counts;
    for (int level = TDAG_LEVEL_CORE; level <= TDAG_LEVEL_FUSED; level++)
        (void)!tdag_count(ctx, g, (tdag_level)level, &counts);
    char *text = NULL, hash[TDAG_HASH_SIZE];
    if (tdag_info_json(ctx, m, NULL, &text) == TDAG_OK) tdag_text_free(ctx, text);
    if (tdag_graph_print(ctx, g, TDAG_TEXT_FULL, &text) == TDAG_OK)
        tdag_text_free(ctx, text);
    EXPECT(tdag_graph_get_hash(ctx, g, TDAG_HASH_CONTENT, hash) == TDAG_OK);
}
