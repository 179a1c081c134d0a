/* The classes of an archive's modules, as source: attributes with their types, and the
 * root's method. */
#include <string.h>

#include "torchscript/source_name.h"
#include "torchscript/write/archive.h"

/* ---- the attributes ---- */

static void add_names(tdagi_text *to, const char *list, const tdagi_tree_module *m,
                      tdag_shim_slot slot)
{
    tdagi_text_printf(to, "  %s = [", list);
    for (const tdagi_tree_attr *a = m->first; a != NULL; a = a->next) {
        if (a->slot != slot) continue;
        tdagi_source_quote(to, a->name);
        tdagi_text_add(to, ", ");
    }
    tdagi_text_add(to, "]\n");
}

static void add_type(tdagi_text *to, const tdagi_tree_classes *classes,
                     const tdagi_tree_attr *a)
{
    if (a->module == NULL) {
        tdagi_text_add(to, "Tensor\n");
        return;
    }
    const tdagi_tree_class *c = tdagi_table_get(&classes->of, a->module, 0);
    tdagi_text_printf(to, "%s.%s\n", c->module, c->name);
}

/* "  name : type", or an entry of __annotations__ where the name is no identifier. */
static void add_attributes(tdagi_text *to, const tdagi_tree_classes *classes,
                           const tdagi_tree_module *m)
{
    bool has_annotations = false;
    for (const tdagi_tree_attr *a = m->first; a != NULL; a = a->next) {
        if (tdagi_source_is_name(a->name)) {
            tdagi_text_printf(to, "  %s : ", a->name);
        } else {
            if (!has_annotations) tdagi_text_add(to, "  __annotations__ = []\n");
            has_annotations = true;
            tdagi_text_add(to, "  __annotations__[");
            tdagi_source_quote(to, a->name);
            tdagi_text_add(to, "] = ");
        }
        add_type(to, classes, a);
    }
}

static void add_method(tdagi_text *to, const char *source)
{
    for (const char *line = source; *line != '\0';) {
        size_t n = strcspn(line, "\n");
        n += line[n] == '\n';
        tdagi_text_add(to, "  ");
        tdagi_text_add_bytes(to, line, n);
        line += n;
    }
}

/* ---- one class for all that have the same ---- */

typedef struct making {
    tdagi_tree *tree;
    tdagi_tree_classes *classes;
    tdagi_table by_text;
    uint32_t n; /* classes but the root's */
} making;

/* The first is __torch__.Module, others live in modules of their own, as PyTorch names
 * those that would be called the same. */
static const char *module_name(making *m)
{
    if (m->n++ == 0) return "__torch__";
    tdagi_text text;
    tdagi_text_init(&text, m->tree->ctx);
    tdagi_text_printf(&text, "__torch__.___torch_mangle_%lu", (unsigned long)m->n - 2);
    const char *kept =
        text.data == NULL ? NULL : tdagi_arena_strdup(m->tree->arena, text.data);
    tdagi_text_free(&text);
    return kept;
}

static tdag_status add_class(making *m, const char *text, bool is_root,
                             tdagi_tree_class **out)
{
    tdagi_tree_class *c = tdagi_arena_alloc(m->tree->arena, sizeof *c);
    const char *kept = tdagi_arena_strdup(m->tree->arena, text);
    const char *module = is_root ? "__torch__" : module_name(m);
    if (c == NULL || kept == NULL || module == NULL) return tdagi_nomem(m->tree->ctx);
    *c = (tdagi_tree_class){
        .module = module, .name = is_root ? "Model" : "Module", .text = kept};
    if (m->classes->last == NULL)
        m->classes->first = c;
    else
        m->classes->last->next = c;
    m->classes->last = c;
    *out = c;
    return TDAG_OK;
}

static tdag_status give_class(making *m, const tdagi_tree_module *of, const char *text)
{
    tdagi_tree_class *c = NULL;
    bool is_root = of->parent == NULL;
    if (!is_root) c = tdagi_table_get(&m->by_text, text, strlen(text));
    if (c == NULL) {
        TDAGI_TRY(add_class(m, text, is_root, &c));
        void **place =
            tdagi_table_at(m->tree->arena, &m->by_text, c->text, strlen(c->text));
        if (place == NULL) return tdagi_nomem(m->tree->ctx);
        *place = c;
    }
    void **place = tdagi_table_at(m->tree->arena, &m->classes->of, of, 0);
    if (place == NULL) return tdagi_nomem(m->tree->ctx);
    *place = c;
    return TDAG_OK;
}

static tdag_status make_class(making *m, const tdagi_tree_module *of,
                              const char *source)
{
    tdagi_text text;
    tdagi_text_init(&text, m->tree->ctx);
    add_names(&text, "__parameters__", of, TDAG_SHIM_SLOT_PARAMETER);
    add_names(&text, "__buffers__", of, TDAG_SHIM_SLOT_BUFFER);
    add_attributes(&text, m->classes, of);
    if (of->parent == NULL) add_method(&text, source);
    tdag_status st = text.status;
    if (st == TDAG_OK) st = give_class(m, of, text.data);
    tdagi_text_free(&text);
    return st;
}

tdag_status tdagi_tree_make_classes(tdagi_tree *t, const char *source,
                                    tdagi_tree_classes *out)
{
    making m = {.tree = t, .classes = out};
    size_t n = t->n_modules;
    const tdagi_tree_module **all = tdagi_arena_array(t->arena, n, sizeof *all);
    if (all == NULL) return tdagi_nomem(t->ctx);
    *out = (tdagi_tree_classes){.first = NULL};
    for (const tdagi_tree_module *module = &t->root; module != NULL;
         module = module->next)
        all[--n] = module; /* what is inside comes first */
    for (size_t i = 0; i < t->n_modules; i++)
        TDAGI_TRY(make_class(&m, all[i], source));
    return TDAG_OK;
}
