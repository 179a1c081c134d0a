/* What the exporter here noted of a model in its package: dtypes, names and module
 * paths that the format cannot hold. What does not fit the file is not believed. */
#include <string.h>

#include "base/tensor.h"
#include "coreml/package/metadata.h"
#include "coreml/read/meant/match.h"
#include "derive/derive.h"

static const char *text_of(const Cml__ModelDescription *d)
{
    const Cml__Metadata *m = d == NULL ? NULL : d->metadata;
    for (size_t i = 0; m != NULL && i < m->n_user_defined; i++)
        if (strcmp(m->user_defined[i]->key, TDAGI_NOTES_KEY) == 0)
            return m->user_defined[i]->value;
    return NULL;
}

tdag_value tdagi_cml_before(tdagi_cml *im, tdag_value v, tdag_dtype dtype)
{
    const tdag_graph *g = im->env.b->graph;
    if (v.id == 0 || g->nodes[v.id].op != TDAG_OP_CONVERT || tdag_dtype_is_float(dtype))
        return TDAG_NO_VALUE;
    const tdag_value x = tdagi_node_inputs(&g->nodes[v.id])[0];
    return g->nodes[x.id].dtype == dtype ? x : TDAG_NO_VALUE;
}

/* What it has the elements of, in the same order. */
static tdag_value unshaped(const tdag_builder *b, tdag_value v)
{
    const tdagi_node *nodes = b->graph->nodes;
    while (v.id != 0 && tdagi_node_def(&nodes[v.id])->same_order)
        v = tdagi_node_inputs(&nodes[v.id])[0];
    return v;
}

/* Whether it is not 0, of what was true or false before it was an integer. */
tdagi_any tdagi_cml_meant_truth(tdagi_cml_matching *m)
{
    if (tdagi_cml_at(&m->call, "x").kind != TDAGI_ANY_TENSOR) return tdagi_any_none();
    tdag_builder *b = m->im->env.b;
    const tdag_value x = tdagi_cml_tensor(&m->call, "x");
    tdag_value v = tdagi_cml_before(m->im, unshaped(b, x), TDAG_BOOL);
    if (v.id == 0) return tdagi_any_none();
    const tdagi_node *n = &b->graph->nodes[x.id];
    if (tdag_builder_get_rank(b, v) != n->rank) v = unshaped(b, v);
    return tdagi_cml_of(&m->call, tdagi_reshape(b, v, n->rank, n->shape));
}

/* "KIND NAME REST", which is one string from here on. */
static void take_line(tdagi_cml *im, char *line, bool *is_own)
{
    char *name = strchr(line, ' ');
    char *rest = name == NULL ? NULL : strchr(name + 1, ' ');
    if (rest == NULL) return;
    *rest++ = '\0';
    if (strncmp(line, "function ", 9) == 0)
        *is_own = strcmp(name + 1, im->function) == 0;
    if (!*is_own) return;
    void **slot = tdagi_table_at(&im->env.arena, &im->notes, line, strlen(line) + 1);
    if (slot == NULL)
        im->env.status = tdagi_nomem(im->env.ctx);
    else
        *slot = rest;
}

void tdagi_cml_take_notes(tdagi_cml *im)
{
    const char *text = text_of(im->package->model->description);
    bool is_own = true;
    char *own = text == NULL ? NULL : tdagi_arena_strdup(&im->env.arena, text);
    if (text != NULL && own == NULL) im->env.status = tdagi_nomem(im->env.ctx);
    while (own != NULL && *own != '\0' && tdagi_env_ok(&im->env)) {
        char *end = own + strcspn(own, "\n"), *next = *end == '\0' ? end : end + 1;
        *end = '\0';
        take_line(im, own, &is_own);
        own = next;
    }
    im->room.is_own = im->notes.n > 0;
}

const char *tdagi_cml_note(tdagi_cml *im, const char *kind, const char *name)
{
    if (im->notes.n == 0) return NULL;
    const char *key = tdagi_env_text(&im->env, "%s %s", kind, name);
    return key == NULL ? NULL : tdagi_table_get(&im->notes, key, strlen(key) + 1);
}

tdag_dtype tdagi_cml_noted_type(tdagi_cml *im, const char *kind, const char *of,
                                tdag_dtype is, const char **name, bool *is_scalar)
{
    const char *note = tdagi_cml_note(im, kind, of);
    char type[16] = "";
    const char *space = note == NULL ? NULL : strchr(note, ' ');
    *is_scalar = false;
    if (space == NULL || space == note || strlen(space + 1) >= sizeof type) return is;
    strcpy(type, space + 1);
    char *bracket = strchr(type, '[');
    if (bracket != NULL) *bracket = '\0';
    const tdag_dtype dtype = tdag_dtype_from_name(type);
    if (dtype == TDAG_DTYPE_NONE ||
        tdag_dtype_is_float(dtype) != tdag_dtype_is_float(is))
        return is;
    *is_scalar = bracket != NULL;
    *name = tdagi_env_text(&im->env, "%.*s", (int)(space - note), note);
    return dtype;
}
