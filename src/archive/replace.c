/* Replacing a file. Where the system has files without a name (O_TMPFILE), the new one
 * gets its name when it is complete, so that even a killed process leaves nothing
 * behind. */
#define _GNU_SOURCE /* O_TMPFILE */
#include "archive/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "archive/mapping.h"

#define LARGEST_PART ((size_t)1 << 30) /* of one write */
#define PIECE        ((size_t)4 << 20) /* of a tensor */
#define MAX_ATTEMPTS 100               /* at finding a free temporary name */

/* ---- opening ---- */

/* The folder of path, into `scratch`, which has room for the path. */
static const char *folder_of(const char *path, char *scratch)
{
    strcpy(scratch, path);
    char *slash = strrchr(scratch, '/');
    if (slash == NULL) return ".";
    slash[slash == scratch ? 1 : 0] = '\0';
    return scratch;
}

/* A file of no name in the folder of path; -1 where there are none. */
static int open_nameless(const char *path, char *scratch)
{
    if (access("/proc/self/fd", X_OK) != 0) return -1;
    return open(folder_of(path, scratch), O_RDWR | O_TMPFILE | O_CLOEXEC, 0666);
}

/* Opens a file that did not exist, beside path; its name goes to temporary. */
static int open_temporary(tdagi_replacement *r)
{
    for (int i = 0; i < MAX_ATTEMPTS; i++) {
        snprintf(r->temporary, r->room, "%s.%ld-%d.tmp", r->path, (long)getpid(), i);
        int fd = open(r->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST) return fd;
    }
    return -1;
}

static tdag_status open_file(tdagi_replacement *r)
{
    struct stat old;
    r->fd = open_nameless(r->path, r->temporary);
    r->temporary[0] = '\0';
    if (r->fd < 0) r->fd = open_temporary(r);
    if (r->fd < 0) return tdagi_fail_io(r->ctx, "create", r->temporary, errno);
    if (stat(r->path, &old) == 0 && fchmod(r->fd, old.st_mode & 0777) != 0)
        return tdagi_fail_io(r->ctx, "set the rights of", r->path, errno);
    return TDAG_OK;
}

static void free_names(tdagi_replacement *r)
{
    if (r->path != NULL) tdagi_free(r->ctx, r->path, r->path_size);
    if (r->temporary != NULL) tdagi_free(r->ctx, r->temporary, r->room);
}

tdag_status tdagi_replace_begin(tdag_ctx *ctx, const char *path, tdagi_replacement *out)
{
    tdagi_replacement r = {.ctx = ctx, .fd = -1};
    void *copy = NULL, *temporary = NULL;
    r.path_size = strlen(path) + 1;
    r.room = r.path_size + 48;
    tdag_status st = tdagi_alloc(ctx, r.path_size, &copy);
    if (st == TDAG_OK) st = tdagi_alloc(ctx, r.room, &temporary);
    r.path = copy;
    r.temporary = temporary;
    if (st == TDAG_OK) {
        memcpy(r.path, path, r.path_size);
        st = open_file(&r);
    }
    if (st == TDAG_OK)
        *out = r;
    else if (r.fd >= 0)
        tdagi_replace_abandon(&r);
    else
        free_names(&r);
    return st;
}

/* ---- writing ---- */

tdag_status tdagi_replace_write(tdagi_replacement *r, const void *bytes, size_t size)
{
    const unsigned char *p = bytes;
    while (size > 0) {
        ssize_t n = write(r->fd, p, size < LARGEST_PART ? size : LARGEST_PART);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return tdagi_fail_io(r->ctx, "write", r->path, errno);
        p += n;
        size -= (size_t)n;
    }
    return TDAG_OK;
}

tdag_status tdagi_replace_write_tensor(tdagi_replacement *r, const tdag_tensor *t,
                                       uint32_t *crc)
{
    const unsigned char *p = t->data;
    const bool is_mapped = t->release == tdagi_mapping_release && t->user != NULL;
    for (size_t rest = t->size; rest > 0;) {
        size_t n = rest < PIECE ? rest : PIECE;
        if (crc != NULL) *crc = (uint32_t)crc32_z(*crc, p, n);
        TDAGI_TRY(tdagi_replace_write(r, p, n));
        if (is_mapped) tdagi_mapping_forget(t->user, p, n);
        p += n;
        rest -= n;
        if (rest > 0) TDAGI_TRY(tdagi_ask(r->ctx));
    }
    return TDAG_OK;
}

tdag_status tdagi_replace_patch(tdagi_replacement *r, uint64_t offset,
                                const void *bytes, size_t size)
{
    ssize_t n;
    do
        n = pwrite(r->fd, bytes, size, (off_t)offset);
    while (n < 0 && errno == EINTR);
    if (n == (ssize_t)size) return TDAG_OK;
    return tdagi_fail_io(r->ctx, "write", r->path, n < 0 ? errno : EIO);
}

/* ---- putting it in its place ---- */

/* Gives a nameless file a name beside path, which goes to temporary. */
static bool name_file(tdagi_replacement *r)
{
    char from[48];
    snprintf(from, sizeof from, "/proc/self/fd/%d", r->fd);
    for (int i = 0; i < MAX_ATTEMPTS; i++) {
        snprintf(r->temporary, r->room, "%s.%ld-%d.tmp", r->path, (long)getpid(), i);
        if (linkat(AT_FDCWD, from, AT_FDCWD, r->temporary, AT_SYMLINK_FOLLOW) == 0)
            return true;
        if (errno != EEXIST) break;
    }
    r->temporary[0] = '\0';
    return false;
}

static tdag_status sync_file(tdagi_replacement *r)
{
    if (fsync(r->fd) == 0 || errno == EINVAL) return TDAG_OK;
    return tdagi_fail_io(r->ctx, "write", r->path, errno);
}

/* Where the system gives no name to a nameless file: its bytes go to one with a name.
 */
static tdag_status copy_file(tdagi_replacement *r, int from)
{
    char part[1 << 14];
    r->fd = open_temporary(r);
    if (r->fd < 0) return tdagi_fail_io(r->ctx, "create", r->temporary, errno);
    struct stat rights;
    if (fstat(from, &rights) == 0) (void)fchmod(r->fd, rights.st_mode & 0777);
    if (lseek(from, 0, SEEK_SET) != 0)
        return tdagi_fail_io(r->ctx, "write", r->path, errno);
    for (;;) {
        ssize_t n = read(from, part, sizeof part);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return tdagi_fail_io(r->ctx, "write", r->path, errno);
        if (n == 0) return sync_file(r);
        TDAGI_TRY(tdagi_replace_write(r, part, (size_t)n));
    }
}

static tdag_status need_name(tdagi_replacement *r)
{
    if (r->temporary[0] != '\0' || name_file(r)) return TDAG_OK;
    int nameless = r->fd;
    tdag_status st = copy_file(r, nameless);
    close(nameless);
    return st;
}

/* The folder's own change must survive a loss of power, too; not every file system can
 * say so, which is no failure. */
static void sync_folder(const char *path, char *scratch)
{
    int fd = open(folder_of(path, scratch), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    (void)fsync(fd);
    close(fd);
}

static tdag_status close_file(tdagi_replacement *r)
{
    int failed = r->fd >= 0 ? close(r->fd) : 0;
    r->fd = -1;
    return failed == 0 ? TDAG_OK : tdagi_fail_io(r->ctx, "write", r->path, errno);
}

tdag_status tdagi_replace_finish(tdagi_replacement *r)
{
    tdag_status st = sync_file(r);
    if (st == TDAG_OK) st = need_name(r); /* late: who is killed now leaves it */
    if (st == TDAG_OK) st = close_file(r);
    if (st == TDAG_OK && rename(r->temporary, r->path) != 0)
        st = tdagi_fail_io(r->ctx, "replace", r->path, errno);
    if (st != TDAG_OK) {
        tdagi_replace_abandon(r);
        return st;
    }
    sync_folder(r->path, r->temporary);
    free_names(r);
    return TDAG_OK;
}

void tdagi_replace_abandon(tdagi_replacement *r)
{
    if (r->fd >= 0) close(r->fd);
    if (r->temporary[0] != '\0') unlink(r->temporary);
    free_names(r);
}
