/* Any bytes as a textual model: parsing ends in a status, and what parses is a model
 * that can be used, and that is printed and parsed to an equal one. */
#include <tdagger/program.h>

#include "fuzz/fuzz.h"
#include "program/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tdag_ctx *ctx = fuzz_ctx();
    tdag_model *m = NULL, *again = NULL;
    char *text = NULL;
    tdag_status st = tdag_model_parse(ctx, (const char *)data, size, &m);
    fuzz_expect_told(ctx, st);
    if (st == TDAG_OK) {
        fuzz_use_model(ctx, m);
        EXPECT(tdag_model_print(ctx, m, TDAG_TEXT_FULL, &text) == TDAG_OK);
        EXPECT(tdag_model_parse(ctx, text, strlen(text), &again) == TDAG_OK);
        EXPECT(tdagi_model_equal(m, again));
    }
    tdag_text_free(ctx, text);
    tdag_model_free(again);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
    return 0;
}
