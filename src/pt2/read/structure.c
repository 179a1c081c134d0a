/* How the user's arguments and results are arranged: the pytree of the file as one of
 * our structures. Registered types of other packages are what their context says: a
 * dict where it lists a key per item, a named tuple where it lists fields. Files of the
 * library's own tell the names of arguments and named tuples in records beside it. */
#include "pt2/pt2.h"
#include "pt2/read/import.h"

#include <string.h>

typedef struct walk {
    tdagi_pt2 *im;
    tdagi_structure_builder s;
    const tdagi_pt2_spec *specs;
    uint32_t n, next;
    bool is_input;
    void (*leaf)(tdagi_pt2 *im, const tdagi_pt2_spec *spec,
                 tdagi_structure_builder *to);
} walk;

typedef struct arrangement {
    uint8_t kind; /* tdagi_structure_kind */
    const char *type_name;
    const char **keys; /* NULL: none */
    uint32_t n_keys;
} arrangement;

/* ---- contexts ---- */

/* A context that is no such list says nothing: not a failure. */
static bool names_in(tdagi_pt2 *im, const char *json, const char ***out,
                     uint32_t *n_out)
{
    tdag_status st =
        tdagi_pt2_list_of_names(im->env.ctx, &im->env.arena, json, out, n_out);
    if (st == TDAG_E_NOMEM && tdagi_env_ok(&im->env)) im->env.status = st;
    return st == TDAG_OK;
}

/* "Point" of "pkg.geometry.Point" */
static const char *last_part(const char *type)
{
    const char *dot = strrchr(type, '.');
    return dot == NULL ? type : dot + 1;
}

static bool is_identifier(const char *s)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    return *s != '\0' && strspn(s, letters) == strlen(s) && (*s < '0' || *s > '9');
}

static bool arrange_named(tdagi_pt2 *im, const tdagi_pt2_tree *tree, arrangement *out)
{
    const char *name = tree->context;
    size_t n = strlen(name);
    if (n >= 2 && name[0] == '"') /* JSON of a string */
        name = tdagi_env_text(&im->env, "%.*s", (int)(n - 2), name + 1);
    const tdagi_pt2_named_tuple *t = tdagi_pt2_find(&im->p.named_tuples, name);
    if (t == NULL) return false;
    *out = (arrangement){TDAGI_STRUCTURE_TUPLE, last_part(name), t->fields, t->n};
    return is_identifier(out->type_name);
}

/* "[[fields], [fields that are None]]" of a dataclass */
static bool arrange_fields(tdagi_pt2 *im, const tdagi_pt2_tree *tree, arrangement *out)
{
    const char *start = strchr(tree->context, '[');
    const char *inner = start == NULL ? NULL : strchr(start + 1, '[');
    const char *end = inner == NULL ? NULL : strchr(inner, ']');
    if (end == NULL || strspn(start + 1, " ") != (size_t)(inner - start - 1))
        return false;
    const char *list = tdagi_env_text(&im->env, "%.*s", (int)(end - inner + 1), inner);
    *out = (arrangement){.kind = TDAGI_STRUCTURE_TUPLE,
                         .type_name = last_part(tree->type)};
    return is_identifier(out->type_name) &&
           names_in(im, list, &out->keys, &out->n_keys) && out->n_keys == tree->n;
}

static bool is_type(const tdagi_pt2_tree *tree, const char *name)
{
    return strcmp(tree->type, name) == 0;
}

static bool arrange(tdagi_pt2 *im, const tdagi_pt2_tree *tree, arrangement *out)
{
    *out = (arrangement){.kind = TDAGI_STRUCTURE_TUPLE};
    if (is_type(tree, "builtins.tuple") || is_type(tree, "torch.Size")) return true;
    if (is_type(tree, "collections.namedtuple")) return arrange_named(im, tree, out);
    out->kind = TDAGI_STRUCTURE_LIST;
    if (is_type(tree, "builtins.list") || is_type(tree, "collections.deque"))
        return true;
    out->kind = TDAGI_STRUCTURE_DICT;
    if (is_type(tree, "collections.defaultdict")) { /* ["type", [keys]] */
        const char *keys = strrchr(tree->context, '[');
        size_t n = keys == NULL ? 0 : strcspn(keys, "]") + 1;
        keys = n == 0 ? "" : tdagi_env_text(&im->env, "%.*s", (int)n, keys);
        return names_in(im, keys, &out->keys, &out->n_keys);
    }
    if (names_in(im, tree->context, &out->keys, &out->n_keys) && out->n_keys == tree->n)
        return true;
    return tdagi_env_ok(&im->env) && arrange_fields(im, tree, out);
}

/* ---- walking ---- */

static void describe(walk *w, const tdagi_pt2_tree *tree);

static void describe_leaf(walk *w)
{
    if (w->next < w->n) w->leaf(w->im, &w->specs[w->next], &w->s);
    w->next++;
}

static void describe_items(walk *w, const tdagi_pt2_tree *tree, const arrangement *a)
{
    tdagi_structure_open(&w->s, (tdagi_structure_kind)a->kind, a->type_name);
    for (uint32_t i = 0; i < tree->n && w->s.status == TDAG_OK; i++) {
        if (a->keys != NULL) tdagi_structure_key(&w->s, a->keys[i]);
        describe(w, &tree->items[i]);
    }
    tdagi_structure_close(&w->s);
}

/* The tree's depth is limited where it is read. */
static void describe(walk *w, const tdagi_pt2_tree *tree)
{
    arrangement a;
    if (!tdagi_env_ok(&w->im->env)) return;
    if (*tree->type == '\0') {
        describe_leaf(w);
    } else if (!arrange(w->im, tree, &a)) {
        if (tdagi_env_ok(&w->im->env))
            tdagi_env_issue(&w->im->env, "%s of type %.200s",
                            w->is_input ? "an argument" : "a result", tree->type);
        tdagi_structure_none(&w->s);
    } else if (a.keys != NULL && a.n_keys != tree->n) {
        tdagi_pt2_bad(w->im, "a %s has %u keys and %u items", tree->type,
                      (unsigned)a.n_keys, (unsigned)tree->n);
    } else {
        describe_items(w, tree, &a);
    }
}

/* ((positional, ...), {"name": ...}) as one tuple, an item per argument. */
static void describe_arguments(walk *w, const tdagi_pt2_tree *tree)
{
    bool as_python = tree->n == 2 && is_type(tree, "builtins.tuple") &&
                     is_type(&tree->items[0], "builtins.tuple") &&
                     is_type(&tree->items[1], "builtins.dict");
    if (!as_python) {
        describe(w, tree);
        return;
    }
    tdagi_structure_open(&w->s, TDAGI_STRUCTURE_TUPLE, NULL);
    for (uint32_t k = 0; k < 2; k++)
        for (uint32_t i = 0; i < tree->items[k].n && w->s.status == TDAG_OK; i++)
            describe(w, &tree->items[k].items[i]);
    tdagi_structure_close(&w->s);
}

static void describe_flat(walk *w)
{
    bool one = !w->is_input && w->n == 1;
    if (!one) tdagi_structure_open(&w->s, TDAGI_STRUCTURE_TUPLE, NULL);
    while (w->next < w->n && w->s.status == TDAG_OK)
        describe_leaf(w);
    if (!one) tdagi_structure_close(&w->s);
}

/* ---- names of the library's own ---- */

/* Tensors inside of arguments are called by their places, as readers of TorchScript
 * call them: "past.0"; those of a dict by their keys. */
static void name_tensors(tdagi_pt2 *im, const tdagi_structure_node *of,
                         const char *name, uint32_t *next)
{
    tdagi_env *env = &im->env;
    const tdagi_structure_node *item = tdagi_structure_first(of);
    if (of->kind == TDAGI_STRUCTURE_TENSOR) {
        tdag_value v = env->b->graph->inputs[(*next)++];
        const char *called = env->b->graph->nodes[v.id].name;
        if (name != NULL && (called == NULL || strcmp(called, name) != 0))
            tdag_builder_set_name(env->b, v, tdagi_env_name(env, name));
    }
    for (uint32_t i = 0; tdagi_structure_has_items(of) && i < of->n; i++) {
        bool is_key = of->kind == TDAGI_STRUCTURE_DICT || name == NULL;
        const char *its = is_key ? item->key
                          : item->key != NULL
                              ? tdagi_env_text(env, "%s.%s", name, item->key)
                              : tdagi_env_text(env, "%s.%u", name, (unsigned)i);
        name_tensors(im, item, its, next);
        item = tdagi_structure_next(item);
    }
}

/* What the record says, if it is of as many tensors. */
static void take_own(tdagi_pt2 *im, bool is_input, tdagi_structure **s)
{
    const tdagi_zip_entry *entry =
        tdagi_zip_find(im->zip, is_input ? TDAGI_PT2_TAKES : TDAGI_PT2_GIVES);
    const void *bytes = NULL;
    size_t size = 0;
    tdagi_structure *own = NULL;
    if (entry == NULL) return;
    tdag_status st = tdagi_zip_read(im->env.ctx, im->zip, entry, &bytes, &size);
    if (st == TDAG_OK)
        st = tdagi_structure_parse(
            im->env.ctx,
            tdagi_env_text(&im->env, "%.*s", (int)size, (const char *)bytes), &own);
    if (st == TDAG_E_NOMEM && tdagi_env_ok(&im->env)) im->env.status = st;
    if (own == NULL || !tdagi_env_ok(&im->env) || own->n_tensors != (*s)->n_tensors) {
        tdagi_structure_free(own);
        return;
    }
    tdagi_structure_free(*s);
    *s = own;
    uint32_t next = 0;
    const tdagi_structure_node *root = own->nodes;
    if (is_input && tdagi_structure_has_items(root))
        name_tensors(im, root, NULL, &next);
}

void tdagi_pt2_describe(tdagi_pt2 *im, const tdagi_pt2_tree *tree,
                        const tdagi_pt2_spec *specs, uint32_t n, bool is_input,
                        void (*leaf)(tdagi_pt2 *im, const tdagi_pt2_spec *spec,
                                     tdagi_structure_builder *to),
                        tdagi_structure **out)
{
    walk w = {.im = im, .specs = specs, .n = n, .is_input = is_input, .leaf = leaf};
    tdagi_structure_begin(&w.s, im->env.ctx);
    if (tree == NULL)
        describe_flat(&w);
    else if (is_input)
        describe_arguments(&w, tree);
    else
        describe(&w, tree);
    if (tdagi_env_ok(&im->env) && w.s.status == TDAG_OK && im->env.n_issues == 0 &&
        w.next != n)
        tdagi_pt2_bad(im, "the signature has %u %s, their structure %u", (unsigned)n,
                      is_input ? "arguments" : "results", (unsigned)w.next);
    if (!tdagi_env_ok(&im->env)) {
        tdagi_structure_drop(&w.s);
        return;
    }
    tdag_status st = tdagi_structure_finish(&w.s, out);
    if (st != TDAG_OK)
        im->env.status = st;
    else
        take_own(im, is_input, out);
}
