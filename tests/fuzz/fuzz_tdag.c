/* Any bytes as a .tdag file: loading ends in a status, and what loads is a model that
 * can be verified, counted, printed, hashed and saved, and that comes back equal. */
#define _GNU_SOURCE /* memfd_create */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <tdagger.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EXPECT(condition)                                                              \
    do {                                                                               \
        if (!(condition)) fail(#condition, __LINE__);                                  \
    } while (0)

static void fail(const char *condition, int line)
{
    fprintf(stderr, "fuzz_tdag.c:%d: not so: %s\n", line, condition);
    abort();
}

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

/* Counting may find no number (overflow), but must end. */
static void use(tdag_ctx *ctx, const tdag_model *m)
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

static void save_again(tdag_ctx *ctx, const tdag_model *m)
{
    tdag_model *back = NULL;
    EXPECT(tdag_save(ctx, m, saved, NULL) == TDAG_OK);
    EXPECT(tdag_load(ctx, saved, NULL, &back) == TDAG_OK);
    EXPECT(tdag_graph_equal(tdag_model_get_graph(m), tdag_model_get_graph(back)));
    tdag_model_free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    begin();
    int fd = memfd_create("input", 0);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    tdag_ctx_options o;
    tdag_ctx_options_init(&o);
    o.limits.max_nodes = 10000;
    o.limits.max_tensor_bytes = 1 << 20;
    tdag_ctx *ctx = NULL;
    tdag_model *m = NULL;
    if (tdag_ctx_create(&o, &ctx) != TDAG_OK) abort();
    tdag_load_options
        how; /* in memory of its own what is read beyond the end is seen */
    tdag_load_options_init(&how);
    how.flags = size % 2 == 0 ? TDAG_LOAD_COPY : 0;
    tdag_status st = tdag_load(ctx, path, &how, &m);
    EXPECT(st == TDAG_OK || tdag_ctx_get_error(ctx)->message[0] != '\0');
    EXPECT(st != TDAG_E_INTERNAL);
    if (st == TDAG_OK) {
        use(ctx, m);
        save_again(ctx, m);
    }
    tdag_model_free(m);
    tdag_ctx_free(ctx);
    close(fd);
    return 0;
}
