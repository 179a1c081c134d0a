/* Core ML's metadata as a model's: "author", "license", "description", "version",
 * "user.KEY", and the descriptions of features, "input.NAME", "output.NAME" and
 * "state.NAME", of functions beside the first "FUNCTION.input.NAME"; likewise the
 * shapes that inputs may have, "shapes.NAME" (shapes.c). */
#include "coreml/package/metadata.h"

#include <string.h>

#include "base/ctx.h"

#define USER "user."

/* Entries in an arena. The first pass counts. */
typedef struct list {
    tdagi_arena arena;
    tdagi_note *entries;
    uint32_t n;
    bool failed;
} list;

/* The texts of a description that have a key of their own. */
static char **field(Cml__Metadata *m, uint32_t i, const char **key_out)
{
    static const char *const keys[] = {"author", "license", "description", "version"};
    char **const fields[] = {&m->author, &m->license, &m->short_description,
                             &m->version_string};
    if (i == sizeof(keys) / sizeof(*keys)) return NULL;
    *key_out = keys[i];
    return fields[i];
}

static const char *join(tdagi_arena *arena, const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    char *out = tdagi_arena_alloc(arena, n + m + 1);
    if (out == NULL) return NULL;
    memcpy(out, a, n);
    memcpy(out + n, b, m + 1);
    return out;
}

/* ---- features, read and written alike ---- */

typedef void visitor(void *user, const char *function, const char *kind,
                     Cml__FeatureDescription *f);

static void visit(visitor *to, void *user, const char *function, const char *kind,
                  size_t n, Cml__FeatureDescription **features)
{
    for (size_t i = 0; i < n; i++)
        to(user, function, kind, features[i]);
}

static void visit_all(const Cml__ModelDescription *d, visitor *to, void *user)
{
    visit(to, user, "", "input.", d->n_input, d->input);
    visit(to, user, "", "output.", d->n_output, d->output);
    visit(to, user, "", "state.", d->n_state, d->state);
    for (size_t i = 0; i < d->n_functions; i++) {
        const Cml__FunctionDescription *f = d->functions[i];
        visit(to, user, f->name, ".input.", f->n_input, f->input);
        visit(to, user, f->name, ".output.", f->n_output, f->output);
        visit(to, user, f->name, ".state.", f->n_state, f->state);
    }
}

/* ---- reading ---- */

/* Empty texts are none. */
static void add(list *l, const char *key, const char *value)
{
    if (key == NULL) l->failed = true;
    if (l->failed || value == NULL || *value == '\0') return;
    if (l->entries != NULL) l->entries[l->n] = (tdagi_note){key, value, 0};
    l->n++;
}

/* "FUNCTION.input.NAME", or of another kind. */
static const char *key_of(tdagi_arena *arena, const char *function, const char *kind,
                          const char *name)
{
    const char *head = join(arena, function, kind);
    return head == NULL ? NULL : join(arena, head, name);
}

/* Those of inputs alone; NULL. */
static const char *shapes_of(const char *kind)
{
    const char *dot = *kind == '.' ? kind + 1 : kind;
    return strcmp(dot, "input.") != 0 ? NULL : *kind == '.' ? ".shapes." : "shapes.";
}

static void add_feature(void *user, const char *function, const char *kind,
                        Cml__FeatureDescription *f)
{
    list *l = user;
    const char *text = f->short_description, *shapes = shapes_of(kind);
    if (text != NULL && *text != '\0')
        add(l, key_of(&l->arena, function, kind, f->name), text);
    text = shapes == NULL ? NULL : tdagi_shapes_text(&l->arena, f->type, &l->failed);
    if (text != NULL) add(l, key_of(&l->arena, function, shapes, f->name), text);
}

static void collect(list *l, const Cml__ModelDescription *d)
{
    Cml__Metadata *m = d->metadata;
    const char *key;
    l->n = 0;
    for (uint32_t i = 0; m != NULL && field(m, i, &key) != NULL; i++)
        add(l, key, *field(m, i, &key));
    for (size_t i = 0; m != NULL && i < m->n_user_defined; i++)
        if (strcmp(m->user_defined[i]->key, TDAGI_NOTES_KEY) != 0)
            add(l, join(&l->arena, USER, m->user_defined[i]->key),
                m->user_defined[i]->value);
    visit_all(d, add_feature, l);
}

tdag_status tdagi_metadata_read(tdag_ctx *ctx, const Cml__ModelDescription *description,
                                tdag_model *model)
{
    list l = {.n = 0};
    if (description == NULL) return TDAG_OK;
    tdagi_arena_init(&l.arena, &ctx->allocator);
    collect(&l, description);
    if (!l.failed && l.n > 0) {
        l.entries = tdagi_arena_array(&l.arena, l.n, sizeof(*l.entries));
        l.failed = l.entries == NULL;
        if (!l.failed) collect(&l, description);
    }
    tdag_status st = l.failed ? tdagi_nomem(ctx) : TDAG_OK;
    if (st == TDAG_OK && l.n > 0)
        st = tdagi_model_set_metadata(ctx, model, l.n, l.entries);
    tdagi_arena_free(&l.arena);
    return st;
}

/* ---- writing ---- */

typedef struct writing {
    tdagi_arena *arena;
    const tdag_model *model;
    bool failed;
} writing;

static void *message(tdagi_arena *arena, const ProtobufCMessageDescriptor *kind)
{
    ProtobufCMessage *m = tdagi_arena_alloc(arena, kind->sizeof_message);
    if (m == NULL) return NULL;
    memset(m, 0, kind->sizeof_message);
    m->descriptor = kind;
    return m;
}

static char *copy(writing *w, const char *text)
{
    char *p = tdagi_arena_strdup(w->arena, text);
    if (p == NULL) w->failed = true;
    return p;
}

static const char *text_of(writing *w, const char *function, const char *kind,
                           const Cml__FeatureDescription *f)
{
    const char *key = key_of(w->arena, function, kind, f->name);
    if (key == NULL) w->failed = true;
    return key == NULL ? NULL : tdag_model_get_metadata(w->model, key);
}

static void write_feature(void *user, const char *function, const char *kind,
                          Cml__FeatureDescription *f)
{
    writing *w = user;
    if (w->failed || w->model->n_metadata == 0) return;
    const char *text = text_of(w, function, kind, f), *shapes = shapes_of(kind);
    if (text != NULL) f->short_description = copy(w, text);
    text = shapes == NULL ? NULL : text_of(w, function, shapes, f);
    if (text != NULL && f->type != NULL &&
        f->type->type_case == CML__FEATURE_TYPE__TYPE_MULTI_ARRAY_TYPE)
        tdagi_shapes_restore(w->arena, text, f->type->multi_array_type, &w->failed);
}

static void write_user(writing *w, Cml__Metadata *to, const tdagi_note *e)
{
    Cml__StringEntry *user = message(w->arena, &cml__string_entry__descriptor);
    if (user == NULL) w->failed = true;
    if (user == NULL) return;
    user->key = copy(w, e->key + strlen(USER));
    user->value = copy(w, e->value);
    to->user_defined[to->n_user_defined++] = user;
}

tdag_status tdagi_metadata_write(tdag_ctx *ctx, tdagi_arena *arena,
                                 const tdag_model *model,
                                 Cml__ModelDescription *description)
{
    writing w = {arena, model, false};
    const char *key;
    if (model->n_metadata == 0) return TDAG_OK;
    Cml__Metadata *m = message(arena, &cml__metadata__descriptor);
    if (m == NULL) return tdagi_nomem(ctx);
    m->user_defined =
        tdagi_arena_array(arena, model->n_metadata, sizeof(*m->user_defined));
    if (m->user_defined == NULL) return tdagi_nomem(ctx);
    for (uint32_t i = 0; field(m, i, &key) != NULL; i++) {
        const char *text = tdag_model_get_metadata(model, key);
        if (text != NULL) *field(m, i, &key) = copy(&w, text);
    }
    for (uint32_t i = 0; i < model->n_metadata && !w.failed; i++)
        if (strncmp(model->metadata[i].key, USER, strlen(USER)) == 0 &&
            strcmp(model->metadata[i].key, USER TDAGI_NOTES_KEY) != 0)
            write_user(&w, m, &model->metadata[i]);
    description->metadata = m;
    visit_all(description, write_feature, &w);
    return w.failed ? tdagi_nomem(ctx) : TDAG_OK;
}

tdag_status tdagi_metadata_add_notes(tdag_ctx *ctx, tdagi_arena *arena, char *text,
                                     Cml__ModelDescription *description)
{
    Cml__Metadata *m = description->metadata;
    if (m == NULL) m = message(arena, &cml__metadata__descriptor);
    Cml__StringEntry *e = message(arena, &cml__string_entry__descriptor);
    Cml__StringEntry **all =
        m == NULL ? NULL
                  : tdagi_arena_array(arena, m->n_user_defined + 1, sizeof(*all));
    if (e == NULL || all == NULL) return tdagi_nomem(ctx);
    if (m->n_user_defined > 0)
        memcpy(all, m->user_defined, m->n_user_defined * sizeof(*all));
    e->key = (char *)(uintptr_t)TDAGI_NOTES_KEY;
    e->value = text;
    all[m->n_user_defined++] = e;
    m->user_defined = all;
    description->metadata = m;
    return TDAG_OK;
}
