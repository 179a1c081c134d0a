/* Any bytes as a .tdag file: loading ends in a status, and what loads is a model that
 * can be verified, counted, printed, hashed and saved, and that comes back equal. */
#define _GNU_SOURCE /* memfd_create */
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "program/model.h"

static char folder[] = "/tmp/tdag-fuzz-XXXXXX";
static char saved[64];

static void remove_folder(void)
{
    unlink(saved);
    rmdir(folder);
}

static void begin(void)
{
    if (saved[0] != '\0') return;
    if (mkdtemp(folder) == NULL) abort();
    snprintf(saved, sizeof saved, "%s/saved.tdag", folder);
    atexit(remove_folder);
}

static void save_again(tdag_ctx *ctx, const tdag_model *m)
{
    tdag_model *back = NULL;
    EXPECT(tdag_save(ctx, m, saved, NULL) == TDAG_OK);
    EXPECT(tdag_load(ctx, saved, NULL, &back) == TDAG_OK);
    EXPECT(tdagi_model_equal(m, back));
    tdag_model_free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    begin();
    int fd = memfd_create("input", 0);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    tdag_ctx *ctx = fuzz_ctx();
    tdag_model *m = NULL;
    tdag_load_options
        how; /* in memory of its own what is read beyond the end is seen */
    tdag_load_options_init(&how);
    how.flags = size % 2 == 0 ? TDAG_LOAD_COPY : 0;
    tdag_status st = tdag_load(ctx, path, &how, &m);
    fuzz_expect_told(ctx, st);
    if (st == TDAG_OK) {
        fuzz_use_model(ctx, m);
        save_again(ctx, m);
    }
    tdag_model_free(m);
    tdag_ctx_free(ctx);
    close(fd);
    return 0;
}
