/* Writing packages: weights are written through, then model and manifest, all in a
 * folder beside the place of the package, which gets its name when it is whole. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/replace.h"
#include "base/sha256.h"
#include "coreml/package/manifest.h"
#include "coreml/package/package.h"
#include "coreml/package/swap.h"
#include "coreml/package/weights.h"

#define FILES        "Data/" TDAGI_PACKAGE_AUTHOR
#define WEIGHTS      TDAGI_WEIGHTS_PREFIX "weights/weight.bin"
#define MAX_ATTEMPTS 100 /* at finding a free temporary name */

struct tdagi_package_writer {
    tdag_ctx *ctx;
    tdagi_arena arena;
    char *path;      /* without slashes at its end */
    char *temporary; /* the folder; "": there is none any more */
    tdagi_replacement weights;
    bool has_weights; /* `weights` is open */
    bool is_written;
    uint32_t n_blobs;
    uint64_t offset; /* bytes of the weights so far; 0: none, not even a header */
    char file_name[sizeof(WEIGHTS)];
};

/* ---- folders ---- */

static tdag_status make_folder(tdagi_package_writer *w, const char *name)
{
    const char *path = tdagi_path_join(&w->arena, w->temporary, name);
    if (path == NULL) return tdagi_nomem(w->ctx);
    return mkdir(path, 0777) == 0 ? TDAG_OK
                                  : tdagi_fail_io(w->ctx, "create", path, errno);
}

static tdag_status make_temporary(tdagi_package_writer *w, char *name, size_t room)
{
    for (int i = 0; i < MAX_ATTEMPTS; i++) {
        snprintf(name, room, "%s.%ld-%d.tmp", w->path, (long)getpid(), i);
        if (mkdir(name, 0777) != 0) {
            if (errno == EEXIST) continue;
            return tdagi_fail_io(w->ctx, "create", name, errno);
        }
        w->temporary = name;
        TDAGI_TRY(make_folder(w, "Data"));
        return make_folder(w, FILES);
    }
    return tdagi_fail_io(w->ctx, "create", name, EEXIST);
}

static tdag_status begin(tdagi_package_writer *w, const char *path)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    if (n == 0) return tdagi_fail(w->ctx, TDAG_E_ARG, "a package needs a path");
    w->path = tdagi_arena_alloc(&w->arena, n + 1);
    char *name = tdagi_arena_alloc(&w->arena, n + 48);
    if (w->path == NULL || name == NULL) return tdagi_nomem(w->ctx);
    memcpy(w->path, path, n);
    w->path[n] = '\0';
    TDAGI_TRY(tdagi_swap_check(w->ctx, w->path));
    return make_temporary(w, name, n + 48);
}

tdag_status tdagi_package_create(tdag_ctx *ctx, const char *path,
                                 tdagi_package_writer **out)
{
    void *p = NULL;
    TDAGI_TRY(tdagi_alloc(ctx, sizeof(tdagi_package_writer), &p));
    tdagi_package_writer *w = p;
    w->ctx = ctx;
    memcpy(w->file_name, WEIGHTS, sizeof(WEIGHTS));
    tdagi_arena_init(&w->arena, &ctx->allocator);
    tdag_status st = begin(w, path);
    if (st == TDAG_OK)
        *out = w;
    else
        tdagi_package_writer_free(w);
    return st;
}

void tdagi_package_writer_free(tdagi_package_writer *w)
{
    if (w == NULL) return;
    tdag_ctx *ctx = w->ctx;
    if (w->has_weights) tdagi_replace_abandon(&w->weights);
    if (w->temporary != NULL && w->temporary[0] != '\0')
        tdagi_folder_remove(w->temporary);
    tdagi_arena_free(&w->arena);
    tdagi_free(ctx, w, sizeof(*w));
}

const char *tdagi_package_path(const tdagi_package_writer *w)
{
    return w->temporary[0] == '\0' ? w->path : w->temporary;
}

/* ---- weights ---- */

static void put(unsigned char *to, uint64_t value, uint32_t n_bytes)
{
    for (uint32_t i = 0; i < n_bytes; i++)
        to[i] = (unsigned char)(value >> (8 * i));
}

static tdag_status write_weights(tdagi_package_writer *w, const void *p, uint64_t size)
{
    TDAGI_TRY(tdagi_replace_write(&w->weights, p, size));
    w->offset += size;
    return TDAG_OK;
}

/* The header's count is patched when it is known. */
static tdag_status begin_weights(tdagi_package_writer *w)
{
    unsigned char header[TDAGI_WEIGHTS_ALIGN] = {0};
    if (w->has_weights) return TDAG_OK;
    const char *path =
        tdagi_path_join(&w->arena, w->temporary, FILES "/weights/weight.bin");
    if (path == NULL) return tdagi_nomem(w->ctx);
    TDAGI_TRY(make_folder(w, FILES "/weights"));
    TDAGI_TRY(tdagi_replace_begin(w->ctx, path, &w->weights));
    w->has_weights = true;
    put(header + 4, TDAGI_WEIGHTS_VERSION, 4);
    return write_weights(w, header, sizeof(header));
}

/* A record's place and bytes before its data. */
static tdag_status begin_record(tdagi_package_writer *w, uint32_t dtype, uint64_t size,
                                Cml__BlobFileValue **at_out)
{
    unsigned char record[2 * TDAGI_WEIGHTS_ALIGN] = {0};
    TDAGI_TRY(begin_weights(w));
    uint64_t fill = (0 - w->offset) % TDAGI_WEIGHTS_ALIGN, at = w->offset + fill;
    if (w->n_blobs == UINT32_MAX)
        return tdagi_fail(w->ctx, TDAG_E_LIMIT, "more than 2^32 - 1 weights");
    Cml__BlobFileValue *value = tdagi_arena_alloc(&w->arena, sizeof(*value));
    if (value == NULL) return tdagi_nomem(w->ctx);
    memset(value, 0, sizeof(*value));
    value->base.descriptor = &cml__blob_file_value__descriptor;
    value->file_name = w->file_name;
    value->offset = at;
    put(record + fill, TDAGI_WEIGHTS_MAGIC, 4);
    put(record + fill + 4, dtype, 4);
    put(record + fill + 8, size, 8);
    put(record + fill + 16, at + TDAGI_WEIGHTS_ALIGN, 8);
    TDAGI_TRY(write_weights(w, record, fill + TDAGI_WEIGHTS_ALIGN));
    w->n_blobs++;
    *at_out = value;
    return TDAG_OK;
}

tdag_status tdagi_package_add_blob(tdagi_package_writer *w, uint32_t blob_dtype,
                                   const void *data, uint64_t size,
                                   Cml__BlobFileValue **at_out)
{
    TDAGI_TRY(begin_record(w, blob_dtype, size, at_out));
    return write_weights(w, data, size);
}

tdag_status tdagi_package_add_tensor(tdagi_package_writer *w, uint32_t blob_dtype,
                                     const tdag_tensor *t, Cml__BlobFileValue **at_out)
{
    TDAGI_TRY(begin_record(w, blob_dtype, t->size, at_out));
    TDAGI_TRY(tdagi_replace_write_tensor(&w->weights, t, NULL));
    w->offset += t->size;
    return TDAG_OK;
}

static tdag_status end_weights(tdagi_package_writer *w)
{
    unsigned char count[4];
    if (!w->has_weights) return TDAG_OK;
    put(count, w->n_blobs, 4);
    TDAGI_TRY(tdagi_replace_patch(&w->weights, 0, count, sizeof(count)));
    w->has_weights = false; /* whatever comes, it is not open any more */
    return tdagi_replace_finish(&w->weights);
}

/* ---- model and manifest ---- */

static tdag_status write_file(tdagi_package_writer *w, const char *name, const void *p,
                              size_t size)
{
    tdagi_replacement file;
    const char *path = tdagi_path_join(&w->arena, w->temporary, name);
    if (path == NULL) return tdagi_nomem(w->ctx);
    TDAGI_TRY(tdagi_replace_begin(w->ctx, path, &file));
    tdag_status st = tdagi_replace_write(&file, p, size);
    if (st == TDAG_OK) return tdagi_replace_finish(&file);
    tdagi_replace_abandon(&file);
    return st;
}

static tdag_status write_manifest(tdagi_package_writer *w, const void *model,
                                  size_t size)
{
    char *text = NULL, hash[65];
    tdagi_sha256 h;
    tdagi_sha256_init(&h);
    tdagi_sha256_add(&h, model, size);
    tdagi_sha256_finish(&h, hash);
    TDAGI_TRY(tdagi_manifest_write(w->ctx, hash, w->offset > 0, &text));
    tdag_status st = write_file(w, TDAGI_MANIFEST, text, strlen(text));
    tdagi_strfree(w->ctx, text);
    return st;
}

tdag_status tdagi_package_write(tdagi_package_writer *w, const Cml__Model *model)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    TDAGI_TRY(tdagi_message_write(w->ctx, &model->base, &bytes, &size));
    tdag_status st = end_weights(w);
    if (st == TDAG_OK) st = write_file(w, FILES "/model.mlmodel", bytes, size);
    if (st == TDAG_OK) st = write_manifest(w, bytes, size);
    tdagi_free(w->ctx, bytes, size);
    w->is_written = st == TDAG_OK;
    return st;
}

tdag_status tdagi_package_finish(tdagi_package_writer *w, const Cml__Model *model)
{
    if (!w->is_written) TDAGI_TRY(tdagi_package_write(w, model));
    TDAGI_TRY(tdagi_swap(w->ctx, w->temporary, w->path));
    w->temporary[0] = '\0';
    return TDAG_OK;
}
