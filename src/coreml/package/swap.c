/* See swap.h. */
#define _GNU_SOURCE /* renameat2() */
#include "coreml/package/swap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ctx.h"
#include "coreml/package/package.h"

/* ---- removing ---- */

enum { MAX_DEPTH = 16 }; /* of folders in a package */

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static DIR *open_listing(int folder, const char *name)
{
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    if (fd >= 0 && listing == NULL) close(fd);
    return listing;
}

static void remove_all(int folder, const char *name, uint32_t depth)
{
    DIR *listing = depth > MAX_DEPTH ? NULL : open_listing(folder, name);
    if (listing != NULL) {
        int fd = dirfd(listing);
        for (struct dirent *e; (e = readdir(listing)) != NULL;)
            if (!is_dots(e->d_name) && unlinkat(fd, e->d_name, 0) != 0)
                remove_all(fd, e->d_name, depth + 1);
        closedir(listing);
    }
    (void)unlinkat(folder, name, AT_REMOVEDIR);
}

void tdagi_folder_remove(const char *path) { remove_all(AT_FDCWD, path, 0); }

/* ---- what may be replaced ---- */

static bool holds_only_a_package(const char *path)
{
    static const char *const known[] = {TDAGI_MANIFEST, "Data", ".DS_Store"};
    DIR *listing = open_listing(AT_FDCWD, path);
    bool only = listing != NULL;
    for (struct dirent *e; only && (e = readdir(listing)) != NULL;) {
        only = is_dots(e->d_name);
        for (size_t i = 0; !only && i < sizeof(known) / sizeof(*known); i++)
            only = strcmp(e->d_name, known[i]) == 0;
    }
    if (listing != NULL) closedir(listing);
    return only && tdagi_package_is(path);
}

tdag_status tdagi_swap_check(tdag_ctx *ctx, const char *path)
{
    struct stat info;
    if (lstat(path, &info) != 0)
        return errno == ENOENT ? TDAG_OK : tdagi_fail_io(ctx, "replace", path, errno);
    if (S_ISDIR(info.st_mode) && holds_only_a_package(path)) return TDAG_OK;
    return tdagi_fail(ctx, TDAG_E_IO,
                      "%s is there and is no Core ML package; it is not replaced",
                      path);
}

/* ---- names ---- */

static bool exchange(const char *a, const char *b)
{
#ifdef RENAME_EXCHANGE
    return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0;
#else
    (void)a;
    (void)b;
    return false;
#endif
}

/* Where names cannot be exchanged: for a moment nothing has the name. */
static tdag_status move_aside(tdag_ctx *ctx, const char *from, const char *path)
{
    char aside[PATH_MAX];
    int n = snprintf(aside, sizeof(aside), "%s.%ld.old", path, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof(aside) || rename(path, aside) != 0)
        return tdagi_fail_io(ctx, "replace", path, errno);
    if (rename(from, path) == 0) {
        tdagi_folder_remove(aside);
        return TDAG_OK;
    }
    int why = errno;
    (void)rename(aside, path);
    return tdagi_fail_io(ctx, "replace", path, why);
}

tdag_status tdagi_swap(tdag_ctx *ctx, const char *from, const char *path)
{
    struct stat old;
    TDAGI_TRY(tdagi_swap_check(ctx, path));
    if (lstat(path, &old) != 0)
        return rename(from, path) == 0 ? TDAG_OK
                                       : tdagi_fail_io(ctx, "create", path, errno);
    (void)chmod(from, old.st_mode & 0777);
    if (!exchange(from, path)) return move_aside(ctx, from, path);
    tdagi_folder_remove(from); /* the old one */
    return TDAG_OK;
}
