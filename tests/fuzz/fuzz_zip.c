/* Any bytes as a zip archive: opening and reading end in a status, each record of what
 * opens is found by its name, and content that is lent lies in the archive. */
#include "archive/zip.h"
#include "fuzz/fuzz.h"
#include "open/kind.h"

static void read_record(tdag_ctx *ctx, tdagi_zip *zip, uint32_t i)
{
    const tdagi_zip_entry *entry = tdagi_zip_entry_at(zip, i);
    const unsigned char *start = tdagi_mapping_data(tdagi_zip_mapping(zip));
    const void *content = NULL;
    size_t size = 0;
    EXPECT(tdagi_zip_find(zip, entry->name) == entry);
    tdag_status st = tdagi_zip_read(ctx, zip, entry, &content, &size);
    fuzz_expect_told(ctx, st);
    if (st != TDAG_OK) return;
    EXPECT(size == entry->size);
    const unsigned char *p = content, *end = start;
    end += tdagi_mapping_size(tdagi_zip_mapping(zip));
    if (entry->method == 0) EXPECT(p >= start && size <= (size_t)(end - p));
    fuzz_expect_told(ctx, tdagi_zip_check(ctx, zip, entry));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tdag_ctx *ctx = fuzz_ctx();
    tdagi_mapping *m = NULL;
    tdagi_zip *zip = NULL;
    tdag_file_kind kind;
    EXPECT(tdagi_mapping_wrap(ctx, data, size, NULL, NULL, &m) == TDAG_OK);
    fuzz_expect_told(ctx, tdagi_file_kind(ctx, m, "input", &kind));
    tdag_status st = tdagi_zip_open(ctx, m, "input", &zip);
    fuzz_expect_told(ctx, st);
    uint32_t n = st == TDAG_OK ? tdagi_zip_count(zip) : 0;
    for (uint32_t i = 0; i < n; i++)
        read_record(ctx, zip, i);
    tdagi_zip_close(zip);
    tdagi_mapping_release(m);
    tdag_ctx_free(ctx);
    return 0;
}
