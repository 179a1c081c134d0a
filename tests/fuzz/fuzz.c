/* What the fuzzing targets share: see fuzz.h. */
#include "fuzz/fuzz.h"

#include "program/model.h"

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
/* A model that is more than one graph. */
static void use_program(tdag_ctx *ctx, const tdag_model *m)
{
    char *text = NULL;
    tdag_model *back = NULL;
    EXPECT(tdag_model_verify(ctx, m) == TDAG_OK);
    if (tdag_model_print(ctx, m, TDAG_TEXT_FULL, &text) != TDAG_OK) return;
    EXPECT(tdag_model_parse(ctx, text, strlen(text), &back) == TDAG_OK);
    EXPECT(tdagi_model_equal(m, back));
    tdag_model_free(back);
    tdag_text_free(ctx, text);
}

void fuzz_use_model(tdag_ctx *ctx, const tdag_model *m)
{
    const tdag_graph *g = tdag_model_get_graph(m);
    if (g == NULL) {
        use_program(ctx, m);
        return;
    }
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
