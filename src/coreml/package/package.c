/* Reading packages: the manifest tells which file is the model. See package.h. */
#define _GNU_SOURCE /* O_DIRECTORY */
#include "coreml/package/package.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/ctx.h"
#include "coreml/package/manifest.h"
#include "coreml/package/weights.h"

bool tdagi_package_has(const char *path, const char *name)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return false;
    tdagi_inside folder = {.fd = fd};
    bool is = fstatat(fd, name, &info, 0) == 0 && S_ISREG(info.st_mode);
    tdagi_inside_close(&folder);
    return is;
}

bool tdagi_package_is(const char *path)
{
    return tdagi_package_has(path, TDAGI_MANIFEST);
}

/* ---- opening ---- */

static tdag_status read_message(tdagi_package *p, const tdagi_mapping *file,
                                const char *what)
{
    ProtobufCMessage *message = NULL;
    TDAGI_TRY(tdagi_message_read(p->ctx, &p->arena, &cml__model__descriptor,
                                 tdagi_mapping_data(file), tdagi_mapping_size(file),
                                 what, &message));
    p->model = (const Cml__Model *)message;
    return TDAG_OK;
}

/* Opens the model's folder, where its weights are looked for, and reads the model. */
static tdag_status open_model(tdagi_package *p, const tdagi_inside *package,
                              const char *path)
{
    tdagi_mapping *file = NULL;
    const char *whole = tdagi_path_join(&p->arena, "Data", path);
    char *folder = whole == NULL ? NULL : tdagi_arena_strdup(&p->arena, whole);
    if (folder == NULL) return tdagi_nomem(p->ctx);
    *strrchr(folder, '/') = '\0';
    TDAGI_TRY(tdagi_inside_folder(package, folder, &p->folder));
    TDAGI_TRY(tdagi_inside_map(&p->folder, strrchr(whole, '/') + 1, &file));
    tdag_status st = read_message(p, file, p->what);
    tdagi_mapping_release(file);
    return st;
}

static tdag_status open_folder(tdagi_package *p)
{
    const char *model = NULL;
    tdagi_inside package = {p->ctx, &p->arena, p->what, -1};
    package.fd = open(p->what, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (package.fd < 0) return tdagi_fail_io(p->ctx, "open", p->what, errno);
    tdag_status st = tdagi_manifest_read(&package, &model);
    if (st == TDAG_OK) st = open_model(p, &package, model);
    tdagi_inside_close(&package);
    return st;
}

static tdag_status open_file(tdagi_package *p)
{
    tdagi_mapping *file = NULL;
    TDAGI_TRY(tdagi_mapping_open(p->ctx, p->what, 0, &file));
    tdag_status st = read_message(p, file, p->what);
    tdagi_mapping_release(file);
    return st;
}

static tdagi_package make_empty(tdag_ctx *ctx, const char *what)
{
    tdagi_package p = {.ctx = ctx, .what = what, .folder = {.fd = -1}};
    tdagi_arena_init(&p.arena, &ctx->allocator);
    return p;
}

tdag_status tdagi_package_open(tdag_ctx *ctx, const char *path, tdagi_package *out)
{
    struct stat info;
    *out = make_empty(ctx, path);
    bool is_folder = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
    tdag_status st = is_folder ? open_folder(out) : open_file(out);
    if (st != TDAG_OK) tdagi_package_close(out);
    return st;
}

tdag_status tdagi_package_open_bytes(tdag_ctx *ctx, const tdagi_mapping *mapping,
                                     const char *what, tdagi_package *out)
{
    *out = make_empty(ctx, what);
    tdag_status st = read_message(out, mapping, what);
    if (st != TDAG_OK) tdagi_package_close(out);
    return st;
}

void tdagi_package_close(tdagi_package *p)
{
    tdagi_weights_close(p->weights);
    tdagi_inside_close(&p->folder);
    tdagi_arena_free(&p->arena);
    p->weights = NULL;
    p->model = NULL;
}
