/* Writing safetensors: into a new file beside the old one, which is then replaced at
 * once, so that an error at any moment leaves the old file whole.
 *
 * The format allows no holes between tensors. Tensors are therefore laid out by falling
 * alignment of their sizes: after the header, which is padded to 64 bytes, every tensor
 * whose size is a multiple of 64 starts at a multiple of 64, and every other one at a
 * multiple of its element size. The header names them in the caller's order. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/tensor.h"
#include "base/text.h"
#include "format/json_read.h"
#include "format/safetensors.h"

#define ALIGNMENT    64
#define LARGEST_PART ((size_t)1 << 30) /* of one write */
#define MAX_ATTEMPTS 100               /* at finding a free temporary name */

/* ---- checks and layout ---- */

typedef struct place {
    const tdag_tensor *tensor;
    const char *name;
    uint32_t i; /* in the caller's order */
    size_t alignment;
    uint64_t begin;
} place;

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const place *)a)->name, ((const place *)b)->name);
}

static int compare_alignments(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->alignment != y->alignment) return x->alignment > y->alignment ? -1 : 1;
    return (x->i > y->i) - (x->i < y->i);
}

static int compare_numbers(const void *a, const void *b)
{
    const place *x = a, *y = b;
    return (x->i > y->i) - (x->i < y->i);
}

static tdag_status check_text(tdag_ctx *ctx, const char *what, const char *text)
{
    if (text == NULL) return tdagi_fail(ctx, TDAG_E_ARG, "a %s is NULL", what);
    const tdagi_json_reader r = {
        .ctx = ctx, .text = text, .p = text, .end = text + strlen(text)};
    if (tdagi_json_check_utf8(&r) == TDAG_OK) return TDAG_OK;
    return tdagi_fail(ctx, TDAG_E_ARG, "a %s is not UTF-8", what);
}

static tdag_status check_tensors(tdag_ctx *ctx, const tdag_named_tensors *t)
{
    for (uint32_t i = 0; i < t->n; i++) {
        TDAGI_TRY(check_text(ctx, "tensor's name", t->names[i]));
        if (t->tensors[i] == NULL)
            return tdagi_fail(ctx, TDAG_E_ARG, "tensor %s is NULL", t->names[i]);
        if (strcmp(t->names[i], "__metadata__") == 0)
            return tdagi_fail(ctx, TDAG_E_ARG,
                              "a tensor cannot be named __metadata__ in this format");
    }
    return TDAG_OK;
}

static tdag_status check_metadata(tdag_ctx *ctx, const tdagi_metadata *m)
{
    for (uint32_t i = 0; m != NULL && i < m->n; i++) {
        TDAGI_TRY(check_text(ctx, "metadata key", m->keys[i]));
        TDAGI_TRY(check_text(ctx, "metadata value", m->values[i]));
    }
    return TDAG_OK;
}

/* Fills the places and sorts them as the file will have them. */
static tdag_status lay_out(tdag_ctx *ctx, const tdag_named_tensors *t, place *places)
{
    for (uint32_t i = 0; i < t->n; i++) {
        size_t size = t->tensors[i]->size, alignment = ALIGNMENT;
        while (size % alignment != 0)
            alignment /= 2;
        places[i] = (place){.tensor = t->tensors[i],
                            .name = t->names[i],
                            .i = i,
                            .alignment = alignment};
    }
    qsort(places, t->n, sizeof *places, compare_names);
    for (uint32_t i = 1; i < t->n; i++)
        if (strcmp(places[i - 1].name, places[i].name) == 0)
            return tdagi_fail(ctx, TDAG_E_ARG, "two tensors are named %s",
                              places[i].name);
    qsort(places, t->n, sizeof *places, compare_alignments);
    uint64_t end = 0;
    for (uint32_t i = 0; i < t->n; i++) {
        places[i].begin = end;
        if (__builtin_add_overflow(end, places[i].tensor->size, &end) ||
            end > INT64_MAX)
            return tdagi_fail(ctx, TDAG_E_OVERFLOW,
                              "the tensors' bytes together do not fit 64 bits");
    }
    return TDAG_OK;
}

/* ---- the header ---- */

static void put_string(tdagi_text *to, const char *text)
{
    tdagi_text_add(to, "\"");
    for (const char *p = text; *p != '\0';) {
        size_t plain = 0;
        while (p[plain] != '\0' && p[plain] != '"' && p[plain] != '\\' &&
               (unsigned char)p[plain] >= 0x20)
            plain++;
        tdagi_text_add_bytes(to, p, plain);
        p += plain;
        if (*p == '\0') break;
        if (*p == '"' || *p == '\\')
            tdagi_text_printf(to, "\\%c", *p);
        else
            tdagi_text_printf(to, "\\u%04x", (unsigned)*p);
        p++;
    }
    tdagi_text_add(to, "\"");
}

static void put_entry(tdagi_text *to, const place *p)
{
    const tdag_tensor *t = p->tensor;
    put_string(to, p->name);
    tdagi_text_printf(to, ":{\"dtype\":\"%s\",\"shape\":[",
                      tdagi_safetensors_dtype_name(t->dtype));
    for (uint32_t i = 0; i < t->rank; i++)
        tdagi_text_printf(to, "%s%lld", i == 0 ? "" : ",", (long long)t->shape[i]);
    tdagi_text_printf(to, "],\"data_offsets\":[%llu,%llu]}",
                      (unsigned long long)p->begin,
                      (unsigned long long)(p->begin + t->size));
}

static void put_header(tdagi_text *to, const place *by_number, uint32_t n,
                       const tdagi_metadata *metadata)
{
    bool any = metadata != NULL && metadata->n > 0;
    tdagi_text_add(to, "{");
    if (any) tdagi_text_add(to, "\"__metadata__\":{");
    for (uint32_t i = 0; any && i < metadata->n; i++) {
        if (i > 0) tdagi_text_add(to, ",");
        put_string(to, metadata->keys[i]);
        tdagi_text_add(to, ":");
        put_string(to, metadata->values[i]);
    }
    if (any) tdagi_text_add(to, "}");
    for (uint32_t i = 0; i < n; i++) {
        if (any || i > 0) tdagi_text_add(to, ",");
        put_entry(to, &by_number[i]);
    }
    tdagi_text_add(to, "}");
    while (to->status == TDAG_OK && (8 + to->length) % ALIGNMENT != 0)
        tdagi_text_add(to, " ");
}

/* ---- the file ---- */

static tdag_status write_all(tdag_ctx *ctx, int fd, const char *path, const void *bytes,
                             size_t size)
{
    const unsigned char *p = bytes;
    while (size > 0) {
        ssize_t n = write(fd, p, size < LARGEST_PART ? size : LARGEST_PART);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return tdagi_fail_io(ctx, "write", path, errno);
        p += n;
        size -= (size_t)n;
    }
    return TDAG_OK;
}

static tdag_status write_file(tdag_ctx *ctx, int fd, const char *path,
                              const tdagi_text *header, const place *places, uint32_t n)
{
    unsigned char length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)((uint64_t)header->length >> (8 * i));
    TDAGI_TRY(write_all(ctx, fd, path, length, sizeof length));
    TDAGI_TRY(write_all(ctx, fd, path, header->data, header->length));
    for (uint32_t i = 0; i < n; i++)
        TDAGI_TRY(
            write_all(ctx, fd, path, places[i].tensor->data, places[i].tensor->size));
    if (fsync(fd) != 0 && errno != EINVAL)
        return tdagi_fail_io(ctx, "write", path, errno);
    return TDAG_OK;
}

/* Opens a file that did not exist, beside path; its name goes to temporary. */
static int open_temporary(const char *path, char *temporary, size_t size)
{
    for (int i = 0; i < MAX_ATTEMPTS; i++) {
        snprintf(temporary, size, "%s.%ld-%d.tmp", path, (long)getpid(), i);
        int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST) return fd;
    }
    return -1;
}

static tdag_status replace_file(tdag_ctx *ctx, const char *path,
                                const tdagi_text *header, const place *places,
                                uint32_t n)
{
    void *p = NULL;
    size_t size = strlen(path) + 48;
    TDAGI_TRY(tdagi_alloc(ctx, size, &p));
    char *temporary = p;
    int fd = open_temporary(path, temporary, size);
    tdag_status st = fd < 0 ? tdagi_fail_io(ctx, "create", temporary, errno) : TDAG_OK;
    if (fd >= 0) {
        struct stat old;
        if (stat(path, &old) == 0 && fchmod(fd, old.st_mode & 0777) != 0)
            st = tdagi_fail_io(ctx, "set the rights of", temporary, errno);
        if (st == TDAG_OK) st = write_file(ctx, fd, path, header, places, n);
        if (close(fd) != 0 && st == TDAG_OK)
            st = tdagi_fail_io(ctx, "write", path, errno);
        if (st == TDAG_OK && rename(temporary, path) != 0)
            st = tdagi_fail_io(ctx, "replace", path, errno);
        if (st != TDAG_OK) unlink(temporary);
    }
    tdagi_free(ctx, temporary, size);
    return st;
}

static tdag_status save(tdag_ctx *ctx, const char *path, place *places, uint32_t n,
                        const tdagi_metadata *metadata)
{
    tdagi_text header;
    tdagi_text_init(&header, ctx);
    qsort(places, n, sizeof *places, compare_numbers);
    put_header(&header, places, n, metadata);
    qsort(places, n, sizeof *places, compare_alignments);
    tdag_status st = header.status;
    if (st == TDAG_OK && header.length > TDAGI_SAFETENSORS_MAX_HEADER)
        st = tdagi_fail(ctx, TDAG_E_LIMIT,
                        "the header would have %zu bytes; readers "
                        "take at most %d",
                        header.length, TDAGI_SAFETENSORS_MAX_HEADER);
    if (st == TDAG_OK) st = replace_file(ctx, path, &header, places, n);
    tdagi_text_free(&header);
    return st;
}

tdag_status tdagi_safetensors_save(tdag_ctx *ctx, const char *path,
                                   const tdag_named_tensors *tensors,
                                   const tdagi_metadata *metadata)
{
    void *places = NULL;
    TDAGI_TRY(check_tensors(ctx, tensors));
    TDAGI_TRY(check_metadata(ctx, metadata));
    TDAGI_TRY(tdagi_array_alloc(ctx, tensors->n, sizeof(place), &places));
    tdag_status st = lay_out(ctx, tensors, places);
    if (st == TDAG_OK) st = save(ctx, path, places, tensors->n, metadata);
    tdagi_free(ctx, places, tensors->n * sizeof(place));
    return st;
}

tdag_status tdag_tensors_save(tdag_ctx *ctx, const char *path,
                              const tdag_named_tensors *tensors)
{
    if (path == NULL || tensors == NULL)
        return tdagi_fail(ctx, TDAG_E_ARG, "a path and tensors are needed");
    return tdagi_safetensors_save(ctx, path, tensors, NULL);
}
