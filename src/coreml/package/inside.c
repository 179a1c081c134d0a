/* See inside.h. */
#define _GNU_SOURCE /* O_DIRECTORY, readlinkat() */
#include "coreml/package/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/ctx.h"

const char *tdagi_path_join(tdagi_arena *arena, const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    char *out = tdagi_arena_alloc(arena, n + m + 2);
    if (out == NULL) return NULL;
    memcpy(out, a, n);
    out[n] = '/';
    memcpy(out + n + 1, b, m + 1);
    return out;
}

/* The next part of a path; its length is 0 where there is none that may stand there. */
static size_t next_part(const char *path, char part[NAME_MAX + 1])
{
    size_t n = strcspn(path, "/");
    if (n > NAME_MAX || (n == 1 && path[0] == '.')) return 0;
    if (n == 2 && path[0] == '.' && path[1] == '.') return 0;
    memcpy(part, path, n);
    part[n] = '\0';
    return n;
}

static tdag_status fail_open(const tdagi_inside *from, const char *path)
{
    if (errno == ELOOP)
        return tdagi_fail(from->ctx, TDAG_E_FORMAT,
                          "%s/%.200s is a symbolic link, which may lead out of the "
                          "package; copy it with its links followed (cp -rL)",
                          from->what, path);
    const char *whole = tdagi_path_join(from->arena, from->what, path);
    if (whole == NULL) return tdagi_nomem(from->ctx);
    return tdagi_fail_io(from->ctx, "open", whole, errno);
}

/* Whether the part is a link: O_DIRECTORY tells of one that it is no folder. */
static int open_part(int folder, const char *part, int flags)
{
    char to;
    int fd = openat(folder, part, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | flags);
    int why = errno;
    if (fd < 0) errno = readlinkat(folder, part, &to, 1) >= 0 ? ELOOP : why;
    return fd;
}

/* flags: of the last part; of all others O_DIRECTORY. */
static tdag_status open_path(const tdagi_inside *from, const char *path, int flags,
                             int *out)
{
    char part[NAME_MAX + 1];
    int folder = from->fd;
    for (const char *p = path;;) {
        size_t n = next_part(p, part);
        bool is_last = p[n] == '\0';
        int fd = -1;
        if (n > 0) fd = open_part(folder, part, is_last ? flags : O_DIRECTORY);
        int why = errno;
        if (folder != from->fd) close(folder);
        errno = why;
        if (n == 0)
            return tdagi_fail(from->ctx, TDAG_E_FORMAT, "'%.200s' is no path within %s",
                              path, from->what);
        if (fd < 0) return fail_open(from, path);
        folder = fd;
        p += n + 1;
        if (!is_last) continue;
        *out = fd;
        return TDAG_OK;
    }
}

tdag_status tdagi_inside_folder(const tdagi_inside *from, const char *path,
                                tdagi_inside *out)
{
    int fd = -1;
    const char *what = tdagi_path_join(from->arena, from->what, path);
    if (what == NULL) return tdagi_nomem(from->ctx);
    TDAGI_TRY(open_path(from, path, O_DIRECTORY, &fd));
    *out = *from;
    out->what = what;
    out->fd = fd;
    return TDAG_OK;
}

tdag_status tdagi_inside_map(const tdagi_inside *from, const char *path,
                             tdagi_mapping **out)
{
    int fd = -1;
    const char *what = tdagi_path_join(from->arena, from->what, path);
    if (what == NULL) return tdagi_nomem(from->ctx);
    /* Opening a pipe would wait for who writes to it. */
    TDAGI_TRY(open_path(from, path, O_NONBLOCK, &fd));
    tdag_status st = tdagi_mapping_of_file(from->ctx, fd, what, 0, out);
    close(fd);
    return st;
}

void tdagi_inside_close(tdagi_inside *folder)
{
    if (folder->fd >= 0) close(folder->fd);
    folder->fd = -1;
}
