/* Writing safetensors, into a new file that replaces the old one at once (replace.h).
 *
 * The format allows no holes between tensors. Tensors are therefore laid out by falling
 * alignment of their sizes: after the header, which is padded to 64 bytes, every tensor
 * whose size is a multiple of 64 starts at a multiple of 64, and every other one at a
 * multiple of its element size; with TDAGI_SAFETENSORS_ALIGN filler tensors move those
 * to multiples of 64, too. The header names them in the caller's order. */
#include <stdlib.h>
#include <string.h>

#include "archive/replace.h"
#include "base/tensor.h"
#include "base/text.h"
#include "format/json_read.h"
#include "format/safetensors.h"

#define ALIGNMENT 64

/* ---- checks and layout ---- */

typedef struct place {
    const tdag_tensor *tensor;
    const char *name;
    uint32_t i; /* in the caller's order */
    size_t alignment;
    uint64_t begin;
    uint32_t padding; /* bytes of filler before it */
} place;

/* One file to be written. */
typedef struct saver {
    tdag_ctx *ctx;
    const char *path;
    place *places;
    uint32_t n;
    uint32_t flags;
    const tdagi_metadata *metadata;
    tdagi_text header;
} saver;

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

/* Where each tensor begins, in the order of the places. */
static tdag_status set_offsets(const saver *s)
{
    uint64_t end = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        place *p = &s->places[i];
        if ((s->flags & TDAGI_SAFETENSORS_ALIGN) != 0)
            p->padding = (uint32_t)((ALIGNMENT - end % ALIGNMENT) % ALIGNMENT);
        p->begin = end + p->padding;
        if (__builtin_add_overflow(p->begin, p->tensor->size, &end) || end > INT64_MAX)
            return tdagi_fail(s->ctx, TDAG_E_OVERFLOW,
                              "the tensors' bytes together do not fit 64 bits");
    }
    return TDAG_OK;
}

/* Fills the places and sorts them as the file will have them. */
static tdag_status lay_out(const saver *s, const tdag_named_tensors *t)
{
    tdag_ctx *ctx = s->ctx;
    place *places = s->places;
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
    return set_offsets(s);
}

/* ---- the header ---- */

static void put_entry(tdagi_text *to, const place *p)
{
    const tdag_tensor *t = p->tensor;
    tdagi_text_add_json(to, p->name);
    tdagi_text_printf(to, ":{\"dtype\":\"%s\",\"shape\":[",
                      tdagi_safetensors_dtype_name(t->dtype));
    for (uint32_t i = 0; i < t->rank; i++)
        tdagi_text_printf(to, "%s%lld", i == 0 ? "" : ",", (long long)t->shape[i]);
    tdagi_text_printf(to, "],\"data_offsets\":[%llu,%llu]}",
                      (unsigned long long)p->begin,
                      (unsigned long long)(p->begin + t->size));
}

/* The fillers, named after every other tensor. */
static void put_padding(tdagi_text *to, const place *places, uint32_t n)
{
    uint32_t number = 0;
    for (uint32_t i = 0; i < n; i++) {
        const place *p = &places[i];
        if (p->padding == 0) continue;
        tdagi_text_printf(
            to,
            ",\"" TDAGI_SAFETENSORS_PADDING "%lu\":{\"dtype\":\"U8\",\"shape\":[%lu],"
            "\"data_offsets\":[%llu,%llu]}",
            (unsigned long)number++, (unsigned long)p->padding,
            (unsigned long long)(p->begin - p->padding), (unsigned long long)p->begin);
    }
}

static void put_header(tdagi_text *to, const place *by_number, uint32_t n,
                       const tdagi_metadata *metadata)
{
    bool any = metadata != NULL && metadata->n > 0;
    tdagi_text_add(to, "{");
    if (any) tdagi_text_add(to, "\"__metadata__\":{");
    for (uint32_t i = 0; any && i < metadata->n; i++) {
        if (i > 0) tdagi_text_add(to, ",");
        tdagi_text_add_json(to, metadata->keys[i]);
        tdagi_text_add(to, ":");
        tdagi_text_add_json(to, metadata->values[i]);
    }
    if (any) tdagi_text_add(to, "}");
    for (uint32_t i = 0; i < n; i++) {
        if (any || i > 0) tdagi_text_add(to, ",");
        put_entry(to, &by_number[i]);
    }
    put_padding(to, by_number, n);
    tdagi_text_add(to, "}");
    while (to->status == TDAG_OK && (8 + to->length) % ALIGNMENT != 0)
        tdagi_text_add(to, " ");
}

/* ---- the file ---- */

static tdag_status write_file(const saver *s, tdagi_replacement *to)
{
    static const unsigned char zeros[ALIGNMENT] = {0};
    unsigned char length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)((uint64_t)s->header.length >> (8 * i));
    TDAGI_TRY(tdagi_replace_write(to, length, sizeof length));
    TDAGI_TRY(tdagi_replace_write(to, s->header.data, s->header.length));
    for (uint32_t i = 0; i < s->n; i++) {
        const place *p = &s->places[i];
        TDAGI_TRY(tdagi_replace_write(to, zeros, p->padding));
        TDAGI_TRY(tdagi_replace_write_tensor(to, p->tensor, NULL));
    }
    return TDAG_OK;
}

static tdag_status replace_file(const saver *s)
{
    tdagi_replacement to;
    TDAGI_TRY(tdagi_replace_begin(s->ctx, s->path, &to));
    tdag_status st = write_file(s, &to);
    if (st == TDAG_OK) return tdagi_replace_finish(&to);
    tdagi_replace_abandon(&to);
    return st;
}

static tdag_status save(saver *s)
{
    tdagi_text_init(&s->header, s->ctx);
    qsort(s->places, s->n, sizeof *s->places, compare_numbers);
    put_header(&s->header, s->places, s->n, s->metadata);
    qsort(s->places, s->n, sizeof *s->places, compare_alignments);
    tdag_status st = s->header.status;
    if (st == TDAG_OK && s->header.length > TDAGI_SAFETENSORS_MAX_HEADER)
        st = tdagi_fail(s->ctx, TDAG_E_LIMIT,
                        "the header would have %zu bytes; readers "
                        "take at most %d",
                        s->header.length, TDAGI_SAFETENSORS_MAX_HEADER);
    if (st == TDAG_OK) st = replace_file(s);
    tdagi_text_free(&s->header);
    return st;
}

tdag_status tdagi_safetensors_save(tdag_ctx *ctx, const char *path, uint32_t flags,
                                   const tdag_named_tensors *tensors,
                                   const tdagi_metadata *metadata)
{
    void *places = NULL;
    TDAGI_TRY(check_tensors(ctx, tensors));
    TDAGI_TRY(check_metadata(ctx, metadata));
    TDAGI_TRY(tdagi_array_alloc(ctx, tensors->n, sizeof(place), &places));
    saver s = {.ctx = ctx,
               .path = path,
               .places = places,
               .n = tensors->n,
               .flags = flags,
               .metadata = metadata};
    tdag_status st = lay_out(&s, tensors);
    if (st == TDAG_OK) st = save(&s);
    tdagi_free(ctx, places, tensors->n * sizeof(place));
    return st;
}

tdag_status tdag_tensors_save(tdag_ctx *ctx, const char *path,
                              const tdag_named_tensors *tensors)
{
    TDAGI_TRY(tdagi_need(ctx, path, "path"));
    TDAGI_TRY(tdagi_need(ctx, tensors, "tensors"));
    return tdagi_safetensors_save(ctx, path, 0, tensors, NULL);
}
