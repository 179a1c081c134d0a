/* See mapping.h. The block of a mapping comes from a copy of its context's allocator,
 * as it outlives the context. */
#define _DEFAULT_SOURCE /* madvise() */
#include "archive/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ctx.h"

#define LARGEST_PART ((size_t)1 << 30) /* of one read */

typedef enum origin { MAPPED, COPIED, LENT } origin;

struct tdagi_mapping {
    atomic_uint refs;
    origin origin;
    tdag_allocator allocator;
    const unsigned char *base;
    size_t size;
    void (*release)(void *user); /* LENT; may be NULL */
    void *user;
};

static tdag_status create(tdag_ctx *ctx, tdagi_mapping **out)
{
    void *p = NULL;
    TDAGI_TRY(tdagi_alloc(ctx, sizeof(tdagi_mapping), &p));
    tdagi_mapping *m = p;
    atomic_init(&m->refs, 1);
    m->allocator = ctx->allocator;
    *out = m;
    return TDAG_OK;
}

/* ---- files ---- */

static tdag_status read_bytes(tdag_ctx *ctx, int fd, const char *path,
                              unsigned char *to, size_t size)
{
    for (size_t done = 0; done < size;) {
        size_t rest = size - done;
        ssize_t n = read(fd, to + done, rest < LARGEST_PART ? rest : LARGEST_PART);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return tdagi_fail_io(ctx, "read", path, errno);
        if (n == 0)
            return tdagi_fail(ctx, TDAG_E_IO, "%s became shorter while read", path);
        done += (size_t)n;
    }
    return TDAG_OK;
}

/* All of the file in a block of its own. */
static tdag_status read_descriptor(tdag_ctx *ctx, int fd, const char *path,
                                   tdagi_mapping *m)
{
    unsigned char *block = tdagi_mem_alloc(&ctx->allocator, m->size);
    if (block == NULL) return tdagi_nomem(ctx);
    tdag_status st = read_bytes(ctx, fd, path, block, m->size);
    if (st != TDAG_OK) {
        tdagi_free(ctx, block, m->size);
        return st;
    }
    m->origin = COPIED;
    m->base = block;
    return TDAG_OK;
}

static tdag_status map_descriptor(tdag_ctx *ctx, int fd, const char *path,
                                  uint32_t flags, tdagi_mapping *m)
{
    struct stat info;
    if (fstat(fd, &info) != 0) return tdagi_fail_io(ctx, "read", path, errno);
    if (!S_ISREG(info.st_mode))
        return tdagi_fail(ctx, TDAG_E_IO, "cannot read %s: it is no regular file",
                          path);
    m->size = (size_t)info.st_size;
    bool copy = (flags & TDAGI_MAPPING_COPY) != 0 || m->size == 0; /* none maps 0 */
    if (copy) return read_descriptor(ctx, fd, path, m);
    void *base = mmap(NULL, m->size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (base == MAP_FAILED) return tdagi_fail_io(ctx, "map", path, errno);
    m->origin = MAPPED;
    m->base = base;
    return TDAG_OK;
}

tdag_status tdagi_mapping_of_file(tdag_ctx *ctx, int fd, const char *path,
                                  uint32_t flags, tdagi_mapping **out)
{
    tdagi_mapping *m = NULL;
    TDAGI_TRY(create(ctx, &m));
    tdag_status st = map_descriptor(ctx, fd, path, flags, m);
    if (st == TDAG_OK)
        *out = m;
    else
        tdagi_free(ctx, m, sizeof *m);
    return st;
}

tdag_status tdagi_mapping_open(tdag_ctx *ctx, const char *path, uint32_t flags,
                               tdagi_mapping **out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return tdagi_fail_io(ctx, "open", path, errno);
    tdag_status st = tdagi_mapping_of_file(ctx, fd, path, flags, out);
    close(fd);
    return st;
}

/* ---- bytes of others; references ---- */

tdag_status tdagi_mapping_wrap(tdag_ctx *ctx, const void *data, size_t size,
                               void (*release)(void *user), void *user,
                               tdagi_mapping **out)
{
    TDAGI_TRY(create(ctx, out));
    tdagi_mapping *m = *out;
    m->origin = LENT;
    m->base = data;
    m->size = size;
    m->release = release;
    m->user = user;
    return TDAG_OK;
}

const unsigned char *tdagi_mapping_data(const tdagi_mapping *m) { return m->base; }

size_t tdagi_mapping_size(const tdagi_mapping *m) { return m->size; }

void tdagi_mapping_forget(const tdagi_mapping *m, const void *p, size_t n)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = ((uintptr_t)p + page - 1) / page * page;
    uintptr_t end = ((uintptr_t)p + n) / page * page;
    if (m->origin == MAPPED && begin < end)
        (void)madvise((void *)begin, end - begin, MADV_DONTNEED);
}

tdagi_mapping *tdagi_mapping_retain(tdagi_mapping *m)
{
    atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
    return m;
}

void tdagi_mapping_release(void *mapping)
{
    tdagi_mapping *m = mapping;
    if (m == NULL) return;
    if (atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1) return;
    const tdag_allocator a = m->allocator;
    void *base = (void *)(uintptr_t)m->base;
    if (m->origin == COPIED) tdagi_mem_free(&a, base, m->size);
    if (m->origin == MAPPED) munmap(base, m->size);
    if (m->origin == LENT && m->release != NULL) m->release(m->user);
    tdagi_mem_free(&a, m, sizeof *m);
}
