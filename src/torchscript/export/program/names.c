/* Names of methods, graphs and states as TorchScript can have them: identifiers, each
 * once. Others get "_" where a character is none of an identifier, and behind. */
#include <string.h>

#include "torchscript/export/export.h"
#include "torchscript/source_name.h"

typedef struct naming {
    tdag_ctx *ctx;
    tdagi_arena *arena;
    const tdag_model *model; /* with what has been renamed so far */
    tdag_status status;
} naming;

static uint32_t count(const naming *n, const char *name)
{
    const tdag_model *m = n->model;
    uint32_t found = 0;
    for (uint32_t i = 0; i < m->n_methods; i++)
        found += strcmp(m->methods[i]->name, name) == 0;
    for (uint32_t i = 0; i < m->n_graphs; i++)
        found += strcmp(m->graphs[i].name, name) == 0;
    for (uint32_t i = 0; i < m->n_states; i++)
        found += strcmp(m->states[i].name, name) == 0;
    return found;
}

static bool is_identifier_part(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Whether all parts of a path are names; those of lists of modules are numbers. */
static bool fits(const char *path, bool has_dots)
{
    const char *dot = has_dots ? strrchr(path, '.') : NULL;
    return tdagi_source_is_name(dot == NULL ? path : dot + 1);
}

static const char *rename(naming *n, const char *name, bool has_dots)
{
    size_t size = strlen(name), room = size + n->model->n_methods + n->model->n_graphs +
                                       n->model->n_states + 3;
    char *made = tdagi_arena_alloc(n->arena, room);
    if (made == NULL) {
        n->status = tdagi_nomem(n->ctx);
        return name;
    }
    const char *dot = has_dots ? strrchr(name, '.') : NULL;
    size_t head = dot == NULL ? 0 : (size_t)(dot + 1 - name);
    memcpy(made, name, size + 1);
    for (size_t i = head; i < size; i++)
        if (!is_identifier_part(name[i])) made[i] = '_';
    if (!tdagi_source_is_name(made + head)) {
        memmove(made + head + 1, made + head, size - head + 1);
        made[head] = '_';
        size++;
    }
    while (!tdagi_source_is_name(made + head) || count(n, made) > 0) {
        made[size++] = '_';
        made[size] = '\0';
    }
    return made;
}

/* Methods keep their names where a state or a graph has the same. */
static void name_one(naming *n, const char **name, bool has_dots)
{
    if (!fits(*name, has_dots) || count(n, *name) > 1)
        *name = rename(n, *name, has_dots);
}

static void name_methods(naming *n, tdag_model *m)
{
    for (uint32_t i = 0; i < m->n_methods && n->status == TDAG_OK; i++) {
        if (fits(m->methods[i]->name, false)) continue;
        tdagi_method *named = tdagi_arena_alloc(n->arena, sizeof *named);
        if (named == NULL) {
            n->status = tdagi_nomem(n->ctx);
            return;
        }
        memcpy(named, m->methods[i], sizeof *named);
        named->name = rename(n, named->name, false);
        m->methods[i] = named;
    }
}

tdag_status tdagi_export_names(tdag_ctx *ctx, tdagi_arena *arena,
                               const tdag_model *model, tdag_model *out)
{
    *out = *model;
    naming n = {.ctx = ctx, .arena = arena, .model = out};
    out->methods =
        tdagi_arena_array(arena, model->n_methods + 1u, sizeof *out->methods);
    out->graphs = tdagi_arena_array(arena, model->n_graphs + 1u, sizeof *out->graphs);
    out->states = tdagi_arena_array(arena, model->n_states + 1u, sizeof *out->states);
    if (out->methods == NULL || out->graphs == NULL || out->states == NULL)
        return tdagi_nomem(ctx);
    memcpy(out->methods, model->methods, model->n_methods * sizeof *out->methods);
    if (model->n_graphs > 0)
        memcpy(out->graphs, model->graphs, model->n_graphs * sizeof *out->graphs);
    if (model->n_states > 0)
        memcpy(out->states, model->states, model->n_states * sizeof *out->states);
    name_methods(&n, out);
    for (uint32_t i = 0; i < out->n_states && n.status == TDAG_OK; i++)
        name_one(&n, &out->states[i].name, true);
    for (uint32_t i = 0; i < out->n_graphs && n.status == TDAG_OK; i++)
        name_one(&n, &out->graphs[i].name, false);
    return n.status;
}
