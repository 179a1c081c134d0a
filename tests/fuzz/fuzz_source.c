/* Any bytes as TorchScript source: parsing ends in a status, and so does reading the
 * archive in which they stand in a record's place; a model that is read can be used. */
#include "base/arena.h"
#include "fuzz/archives.h"
#include "fuzz/fuzz.h"
#include "torchscript/native/syntax.h"

static void parse(const uint8_t *data, size_t size)
{
    tdag_ctx *ctx = fuzz_ctx();
    tdagi_arena arena;
    tdagi_source source;
    tdagi_arena_init(&arena, &ctx->allocator);
    fuzz_expect_told(ctx, tdagi_source_parse(ctx, &arena, "input.py",
                                             (const char *)data, size, &source));
    tdagi_arena_free(&arena);
    tdag_ctx_free(ctx);
}

static void open_archive(const fuzz_archive *a, uint32_t record, const uint8_t *data,
                         size_t size)
{
    tdag_ctx *ctx = fuzz_ctx();
    tdag_model *m = NULL;
    tdag_input_spec x;
    char *storage = NULL;
    size_t n;
    unsigned char *all = fuzz_archive_with(a, record, data, size, &n);
    EXPECT(tdag_input_spec_parse(ctx, a->inputs, &x, &storage) == TDAG_OK);
    const tdag_bytes bytes = {.data = all, .size = n};
    const tdag_open_options o = {.size = sizeof o, .kind = TDAG_FILE_TORCHSCRIPT};
    tdag_status st = tdag_open_memory(ctx, &bytes, &x, 1, &o, &m);
    fuzz_expect_told(ctx, st);
    if (st == TDAG_OK) fuzz_use_model(ctx, m);
    tdag_model_free(m);
    tdag_input_spec_free(ctx, storage);
    tdag_ctx_free(ctx);
    free(all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    const fuzz_archive *a = &fuzz_archives()[data[0] % FUZZ_ARCHIVES];
    uint32_t record = data[1] % a->n;
    if (!fuzz_is_changed(&a->records[record])) return 0;
    parse(data + 2, size - 2);
    open_archive(a, record, data + 2, size - 2);
    return 0;
}
