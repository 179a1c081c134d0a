/* See manifest.h. */
#include "coreml/package/manifest.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "coreml/package/package.h"
#include "format/json_read.h"

/* ---- reading ---- */

typedef struct item {
    struct item *next;
    const char *id, *path;
} item;

typedef struct manifest {
    const char *version, *root;
    item *items;
} manifest;

static tdag_status read_version(tdagi_json_reader *r, void *user)
{
    return tdagi_json_string(r, &((manifest *)user)->version);
}

static tdag_status read_root(tdagi_json_reader *r, void *user)
{
    return tdagi_json_string(r, &((manifest *)user)->root);
}

static tdag_status read_path(tdagi_json_reader *r, void *user)
{
    return tdagi_json_string(r, &((item *)user)->path);
}

static tdag_status read_items(tdagi_json_reader *r, void *user)
{
    static const tdagi_json_field fields[] = {{"path", true, read_path}};
    manifest *m = user;
    bool first = true, more = false;
    TDAGI_TRY(tdagi_json_expect(r, '{'));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(r, '}', &first, &more));
        if (!more) return TDAG_OK;
        item *one = tdagi_arena_alloc(r->arena, sizeof(*one));
        if (one == NULL) return tdagi_nomem(r->ctx);
        TDAGI_TRY(tdagi_json_key(r, &one->id));
        TDAGI_TRY(tdagi_json_fields(r, "an item of the manifest", one, fields, 1));
        one->next = m->items;
        m->items = one;
    }
}

static const tdagi_json_field fields[] = {
    {"fileFormatVersion", true, read_version},
    {"itemInfoEntries", true, read_items},
    {"rootModelIdentifier", true, read_root},
};

static tdag_status find_model(const tdagi_json_reader *r, const manifest *m,
                              const char **out)
{
    const char *found = NULL;
    if (strcmp(m->version, "1.0.0") != 0)
        return tdagi_fail(r->ctx, TDAG_E_UNSUPPORTED,
                          "the package is of version '%.80s', not 1.0.0", m->version);
    for (const item *one = m->items; one != NULL; one = one->next) {
        if (strcmp(one->id, m->root) != 0) continue;
        if (found != NULL)
            return tdagi_fail(r->ctx, TDAG_E_FORMAT, "the item '%.80s' is there twice",
                              m->root);
        found = one->path;
    }
    if (found == NULL)
        return tdagi_fail(r->ctx, TDAG_E_FORMAT, "there is no item '%.80s', the model",
                          m->root);
    *out = found;
    return TDAG_OK;
}

static tdag_status read_manifest(tdagi_json_reader *r, const char **out)
{
    manifest m = {NULL, NULL, NULL};
    TDAGI_TRY(tdagi_json_check_utf8(r));
    TDAGI_TRY(tdagi_json_fields(r, "the manifest", &m, fields, 3));
    TDAGI_TRY(tdagi_json_end(r));
    return find_model(r, &m, out);
}

/* Puts the file's name before the sentence. */
static tdag_status name_file(const tdagi_inside *package, tdag_status st)
{
    char sentence[400];
    const uint64_t offset = package->ctx->error.offset;
    if (st != TDAG_E_FORMAT && st != TDAG_E_UNSUPPORTED) return st;
    snprintf(sentence, sizeof(sentence), "%s", package->ctx->error.message);
    tdagi_fail(package->ctx, st, "%s/%s: %s", package->what, TDAGI_MANIFEST, sentence);
    tdagi_fail_at_offset(package->ctx, offset);
    return st;
}

tdag_status tdagi_manifest_read(const tdagi_inside *package, const char **model_out)
{
    tdagi_mapping *file = NULL;
    TDAGI_TRY(tdagi_inside_map(package, TDAGI_MANIFEST, &file));
    tdagi_json_reader r = {.ctx = package->ctx, .arena = package->arena};
    r.text = r.p = (const char *)tdagi_mapping_data(file);
    r.end = r.text + tdagi_mapping_size(file);
    tdag_status st = name_file(package, read_manifest(&r, model_out));
    tdagi_mapping_release(file);
    return st;
}

/* ---- writing ---- */

/* An identifier in the form that such files have: eight digits of the hash, and 24. */
static void put_id(tdagi_text *to, const char sha256[65], int from)
{
    const char *h = sha256 + from;
    tdagi_text_printf(to, "\"%.8s-%.4s-8%.3s-8%.3s-%.12s\"", h, h + 8, h + 12, h + 15,
                      h + 18);
}

static void put_item(tdagi_text *to, const char sha256[65], int from, const char *name,
                     const char *description)
{
    tdagi_text_add(to, "        ");
    put_id(to, sha256, from);
    tdagi_text_printf(to,
                      ": {\n"
                      "            \"author\": \"" TDAGI_PACKAGE_AUTHOR "\",\n"
                      "            \"description\": \"%s\",\n"
                      "            \"name\": \"%s\",\n"
                      "            \"path\": \"" TDAGI_PACKAGE_AUTHOR "/%s\"\n"
                      "        }",
                      description, name, name);
}

tdag_status tdagi_manifest_write(tdag_ctx *ctx, const char sha256[65], bool has_weights,
                                 char **out)
{
    tdagi_text t;
    tdagi_text_init(&t, ctx);
    tdagi_text_add(&t, "{\n    \"fileFormatVersion\": \"1.0.0\",\n"
                       "    \"itemInfoEntries\": {\n");
    put_item(&t, sha256, 0, "model.mlmodel", "CoreML Model Specification");
    if (has_weights) {
        tdagi_text_add(&t, ",\n");
        put_item(&t, sha256, 30, "weights", "CoreML Model Weights");
    }
    tdagi_text_add(&t, "\n    },\n    \"rootModelIdentifier\": ");
    put_id(&t, sha256, 0);
    tdagi_text_add(&t, "\n}\n");
    return tdagi_text_take(&t, out);
}
