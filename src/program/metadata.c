/* What a file says of a model beside what it computes: entries sorted by key, in the
 * model's arena. */
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "program/model.h"

static int compare(const void *a, const void *b)
{
    const tdagi_note *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    return order != 0 ? order : (x->i > y->i) - (x->i < y->i);
}

tdag_status tdagi_model_set_metadata(tdag_ctx *ctx, tdag_model *m, uint32_t n,
                                     const tdagi_note *entries)
{
    tdagi_note *all = tdagi_arena_array(&m->arena, n, sizeof(*all));
    if (all == NULL) return tdagi_nomem(ctx);
    for (uint32_t i = 0; i < n; i++) {
        all[i] = (tdagi_note){tdagi_arena_strdup(&m->arena, entries[i].key),
                              tdagi_arena_strdup(&m->arena, entries[i].value), i};
        if (all[i].key == NULL || all[i].value == NULL) return tdagi_nomem(ctx);
    }
    qsort(all, n, sizeof(*all), compare);
    m->metadata = all;
    m->n_metadata = 0;
    for (uint32_t i = 0; i < n; i++)
        if (i == 0 || strcmp(all[i].key, all[i - 1].key) != 0)
            all[m->n_metadata++] = all[i];
    return TDAG_OK;
}

tdag_status tdagi_model_keep_metadata(tdag_ctx *ctx, const tdag_model *from,
                                      tdag_model *made)
{
    return from->n_metadata == 0
               ? TDAG_OK
               : tdagi_model_set_metadata(ctx, made, from->n_metadata, from->metadata);
}

const char *tdag_model_get_metadata_key(const tdag_model *m, uint32_t i)
{
    return m == NULL || i >= m->n_metadata ? NULL : m->metadata[i].key;
}

const char *tdag_model_get_metadata(const tdag_model *m, const char *key)
{
    for (uint32_t i = 0; m != NULL && key != NULL && i < m->n_metadata; i++)
        if (strcmp(m->metadata[i].key, key) == 0) return m->metadata[i].value;
    return NULL;
}
