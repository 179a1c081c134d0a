/* Any message in the place of a Core ML model, with any bytes as its weights: reading
 * ends in a status; a model that is read can be used. An input is the length of the
 * message in three bytes, one that says whether unknown operators are kept, the
 * message, the weights. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "coreml/coreml.h"
#include "coreml/package/swap.h"
#include "fuzz/fuzz.h"

static char folder[] = "/tmp/tdag-fuzz-coreml-XXXXXX";

static void remove_folder(void) { tdagi_folder_remove(folder); }

/* Open, with a folder weights/ in it; removed when the process ends. */
static int open_folder(void)
{
    static int fd = -1;
    if (fd >= 0) return fd;
    EXPECT(mkdtemp(folder) != NULL);
    atexit(remove_folder);
    fd = open(folder, O_RDONLY | O_DIRECTORY);
    EXPECT(fd >= 0 && mkdirat(fd, "weights", 0777) == 0);
    return fd;
}

static void write_weights(const uint8_t *data, size_t size)
{
    int fd =
        openat(open_folder(), "weights/weight.bin", O_WRONLY | O_CREAT | O_TRUNC, 0666);
    EXPECT(fd >= 0 && write(fd, data, size) == (ssize_t)size && close(fd) == 0);
}

static void read_package(tdag_ctx *ctx, tdagi_package *p, uint32_t flags)
{
    tdag_model *m = NULL;
    const tdag_coreml_options o = {.size = sizeof o, .flags = flags};
    p->folder = (tdagi_inside){ctx, &p->arena, folder, dup(open_folder())};
    tdag_status st = tdagi_coreml_read(p, NULL, 0, &o, &m);
    fuzz_expect_told(ctx, st);
    if (st == TDAG_OK) fuzz_use_model(ctx, m);
    tdag_model_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4) return 0;
    size_t n = (size_t)data[0] | (size_t)data[1] << 8 | (size_t)data[2] << 16;
    tdag_ctx *ctx = fuzz_ctx();
    tdagi_mapping *mapping = NULL;
    tdagi_package p;
    if (n > size - 4) n = size - 4;
    write_weights(data + 4 + n, size - 4 - n);
    EXPECT(tdagi_mapping_wrap(ctx, data + 4, n, NULL, NULL, &mapping) == TDAG_OK);
    tdag_status st = tdagi_package_open_bytes(ctx, mapping, "the model", &p);
    fuzz_expect_told(ctx, st);
    if (st == TDAG_OK) read_package(ctx, &p, data[3] % 2 == 1 ? TDAG_COREML_OPAQUE : 0);
    tdagi_package_close(&p);
    tdagi_mapping_release(mapping);
    tdag_ctx_free(ctx);
    return 0;
}
