/* Any bytes in the place of a JSON record of a torch.export archive, its program or a
 * list of its weights: reading ends in a status; a model that is read can be used. */
#include "fuzz/archives.h"
#include "fuzz/fuzz.h"

static void open_archive(const fuzz_archive *a, uint32_t record, bool keeps_opaque,
                         const uint8_t *data, size_t size)
{
    tdag_ctx *ctx = fuzz_ctx();
    tdag_model *m = NULL;
    size_t n;
    unsigned char *all = fuzz_archive_with(a, record, data, size, &n);
    const tdag_bytes bytes = {.data = all, .size = n};
    const tdag_open_options o = {.size = sizeof o,
                                 .flags = keeps_opaque ? TDAG_OPEN_OPAQUE : 0,
                                 .kind = TDAG_FILE_PT2};
    tdag_status st = tdag_open_memory(ctx, &bytes, NULL, 0, &o, &m);
    fuzz_expect_told(ctx, st);
    if (st == TDAG_OK) fuzz_use_model(ctx, m);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
    free(all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    const fuzz_archive *a = &fuzz_programs()[data[0] % FUZZ_PROGRAMS];
    uint32_t record = data[1] % a->n;
    if (!fuzz_is_json(&a->records[record])) return 0;
    open_archive(a, record, data[0] >= 128, data + 2, size - 2);
    return 0;
}
