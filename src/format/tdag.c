/* Saving and loading models: a .tdag file is a safetensors file whose metadata names
 * the format and holds the model as JSON. */
#include "format/tdag.h"

#include <stdio.h>
#include <string.h>

static tdag_status save(tdag_ctx *ctx, tdagi_arena *arena, const tdag_model *model,
                        const char *path, uint32_t flags)
{
    char format[24], *json = NULL;
    tdag_named_tensors tensors = {0};
    int version = 0;
    TDAGI_TRY(tdagi_tdag_write(ctx, arena, model, &version, &json, &tensors));
    snprintf(format, sizeof format, TDAGI_TDAG_FORMAT "%d", version);
    char format_key[] = TDAGI_TDAG_FORMAT_KEY, model_key[] = TDAGI_TDAG_MODEL_KEY;
    uint32_t n = model->n_metadata;
    char **keys = tdagi_arena_array(arena, n + 2, sizeof(*keys)),
         **values = tdagi_arena_array(arena, n + 2, sizeof(*values));
    tdag_status st = keys == NULL || values == NULL ? tdagi_nomem(ctx) : TDAG_OK;
    if (st == TDAG_OK) {
        keys[0] = format_key;
        values[0] = format;
        keys[1] = model_key;
        values[1] = json;
        for (uint32_t i = 0; i < n; i++) { /* only read by the saver */
            keys[i + 2] = (char *)(uintptr_t)model->metadata[i].key;
            values[i + 2] = (char *)(uintptr_t)model->metadata[i].value;
        }
        const tdagi_metadata metadata = {.n = n + 2, .keys = keys, .values = values};
        st = tdagi_safetensors_save(
            ctx, path, (flags & TDAG_SAVE_PACKED) != 0 ? 0 : TDAGI_SAFETENSORS_ALIGN,
            &tensors, &metadata);
    }
    tdagi_strfree(ctx, json);
    return st;
}

tdag_status tdag_save(tdag_ctx *ctx, const tdag_model *model, const char *path,
                      const tdag_save_options *options)
{
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    TDAGI_TRY(tdagi_need(ctx, path, "path"));
    tdag_save_options o;
    TDAGI_TRY(tdagi_options_load(ctx, &o, sizeof o, options));
    if ((o.flags & ~(uint32_t)TDAG_SAVE_PACKED) != 0)
        return tdagi_fail(ctx, TDAG_E_ARG, "save: unknown flags 0x%x",
                          (unsigned)o.flags);
    tdagi_arena arena;
    tdagi_arena_init(&arena, &ctx->allocator);
    tdag_status st = save(ctx, &arena, model, path, o.flags);
    tdagi_arena_free(&arena);
    return st;
}

/* The version after "tdag/", or 0 for anything but a plain number. */
static uint64_t version_of(const char *format)
{
    uint64_t version = 0;
    size_t n = strlen(TDAGI_TDAG_FORMAT);
    if (strncmp(format, TDAGI_TDAG_FORMAT, n) != 0 || format[n] == '0') return 0;
    for (const char *p = format + n; *p != '\0'; p++) {
        if (*p < '0' || *p > '9' || version > UINT32_MAX) return 0;
        version = version * 10 + (uint64_t)(*p - '0');
    }
    return version;
}

static tdag_status check_format(tdag_ctx *ctx, const char *path,
                                const tdagi_metadata *metadata, uint32_t *version_out)
{
    const char *format = tdagi_metadata_find(metadata, TDAGI_TDAG_FORMAT_KEY);
    uint64_t version = format == NULL ? 0 : version_of(format);
    if (version == 0)
        return tdagi_fail(ctx, TDAG_E_FORMAT,
                          "%s is a safetensors file but holds no model: its metadata "
                          "does not say " TDAGI_TDAG_FORMAT "%d",
                          path, TDAG_FILE_VERSION);
    if (version > TDAG_FILE_VERSION)
        return tdagi_fail(ctx, TDAG_E_UNSUPPORTED,
                          "%s is of version %llu of the format; this library reads up "
                          "to version %d",
                          path, (unsigned long long)version, TDAG_FILE_VERSION);
    if (tdagi_metadata_find(metadata, TDAGI_TDAG_MODEL_KEY) == NULL)
        return tdagi_fail(ctx, TDAG_E_FORMAT,
                          "%s holds no model: its metadata lacks the key "
                          "'" TDAGI_TDAG_MODEL_KEY "'",
                          path);
    *version_out = (uint32_t)version;
    return TDAG_OK;
}

/* The keys that are not the format's own. */
static tdag_status keep_others(tdag_ctx *ctx, const tdagi_metadata *metadata,
                               tdag_model *model)
{
    void *p = NULL;
    uint32_t n = 0;
    if (metadata->n <= 2) return TDAG_OK;
    TDAGI_TRY(tdagi_array_alloc(ctx, metadata->n, sizeof(tdagi_note), &p));
    tdagi_note *entries = p;
    for (uint32_t i = 0; i < metadata->n; i++)
        if (strcmp(metadata->keys[i], TDAGI_TDAG_FORMAT_KEY) != 0 &&
            strcmp(metadata->keys[i], TDAGI_TDAG_MODEL_KEY) != 0)
            entries[n++] = (tdagi_note){metadata->keys[i], metadata->values[i], 0};
    tdag_status st = tdagi_model_set_metadata(ctx, model, n, entries);
    tdagi_free(ctx, p, metadata->n * sizeof(tdagi_note));
    return st;
}

static tdag_status read_model(tdag_ctx *ctx, uint32_t version,
                              const tdagi_metadata *metadata,
                              const tdag_named_tensors *tensors, tdag_model **out)
{
    tdag_model *model = NULL;
    const char *json = tdagi_metadata_find(metadata, TDAGI_TDAG_MODEL_KEY);
    TDAGI_TRY(tdagi_tdag_read(ctx, version, json, tensors, &model));
    tdag_status st = keep_others(ctx, metadata, model);
    if (st == TDAG_OK)
        *out = model;
    else
        tdag_model_free(model);
    return st;
}

tdag_status tdagi_tdag_load(tdag_ctx *ctx, tdagi_mapping *mapping, const char *what,
                            tdag_model **out)
{
    tdag_named_tensors tensors = {0};
    tdagi_metadata metadata = {0};
    TDAGI_TRY(tdagi_safetensors_read(ctx, mapping, what, &tensors, &metadata));
    uint32_t version = 0;
    tdag_status st = check_format(ctx, what, &metadata, &version);
    if (st == TDAG_OK) st = read_model(ctx, version, &metadata, &tensors, out);
    tdagi_metadata_free(&metadata);
    tdag_tensors_free(&tensors);
    return st;
}

tdag_status tdag_load(tdag_ctx *ctx, const char *path, const tdag_load_options *options,
                      tdag_model **out)
{
    TDAGI_TRY(tdagi_need(ctx, path, "path"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    tdag_load_options o;
    TDAGI_TRY(tdagi_options_load(ctx, &o, sizeof o, options));
    if ((o.flags & ~(uint32_t)TDAG_LOAD_COPY) != 0)
        return tdagi_fail(ctx, TDAG_E_ARG, "load: unknown flags 0x%x",
                          (unsigned)o.flags);
    tdagi_mapping *mapping = NULL;
    uint32_t flags = (o.flags & TDAG_LOAD_COPY) != 0 ? TDAGI_MAPPING_COPY : 0;
    TDAGI_TRY(tdagi_mapping_open(ctx, path, flags, &mapping));
    tdag_status st = tdagi_tdag_load(ctx, mapping, path, out);
    tdagi_mapping_release(mapping);
    return st;
}
