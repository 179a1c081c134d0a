/* Structures as TorchScript holds them: lists and dicts are of one type there, so mixed
 * ones become tuples, a mixed dict a named one, and named tuples are classes of the
 * archive. In what comes out the type name of a tuple is the path of its class. */
#include <string.h>

#include "torchscript/export/export.h"
#include "torchscript/source_name.h"

typedef tdagi_structure_node node;

/* ---- what is mixed ---- */

static bool is_mixed(const node *of);
static bool same_type(const node *a, const node *b);

static bool same_items(const node *a, const node *b)
{
    if (a->n != b->n) return false;
    for (uint32_t i = 0, p = 1, q = 1; i < a->n; i++, p += a[p].size, q += b[q].size) {
        bool keys = (a[p].key == NULL) == (b[q].key == NULL) &&
                    (a[p].key == NULL || strcmp(a[p].key, b[q].key) == 0);
        if (!keys || !same_type(a + p, b + q)) return false;
    }
    return true;
}

/* Recursion ends where the structure's depth does. */
static bool same_type(const node *a, const node *b)
{
    if (a->kind != b->kind) return false;
    if (a->kind == TDAGI_STRUCTURE_TENSOR) return a->u.i == b->u.i;
    if (!tdagi_structure_has_items(a)) return true;
    if (a->kind == TDAGI_STRUCTURE_TUPLE) {
        bool names = (a->u.s == NULL) == (b->u.s == NULL) &&
                     (a->u.s == NULL || strcmp(a->u.s, b->u.s) == 0);
        return names && same_items(a, b);
    }
    if (is_mixed(a) || is_mixed(b)) return same_items(a, b);
    return a->n > 0 && b->n > 0 ? same_type(a + 1, b + 1) : a->n == b->n;
}

static bool is_mixed(const node *of)
{
    const node *first = tdagi_structure_first(of), *item = first;
    if (of->n > 0 && first->kind == TDAGI_STRUCTURE_NONE) return true;
    for (uint32_t i = 0; i < of->n; i++, item = tdagi_structure_next(item))
        if (!same_type(first, item)) return true;
    return false;
}

/* ---- the copy ---- */

/* Names that Python takes as fields: all there, none twice. */
static bool has_fields(const node *of)
{
    const node *item = tdagi_structure_first(of);
    for (uint32_t i = 0; i < of->n; i++, item = tdagi_structure_next(item)) {
        if (item->key == NULL || *item->key == '_' || !tdagi_source_is_name(item->key))
            return false;
        const node *other = tdagi_structure_first(of);
        for (; other < item; other = tdagi_structure_next(other))
            if (strcmp(other->key, item->key) == 0) return false;
    }
    return of->n > 0;
}

typedef struct copying {
    tdagi_structure_builder b;
    bool names; /* named tuples can be written */
    bool keys;  /* of the next tuple, which stands for the arguments */
} copying;

static void copy(copying *c, const node *of);

static void copy_items(copying *c, const node *of)
{
    tdagi_structure_kind kind = (tdagi_structure_kind)of->kind;
    const char *name = kind == TDAGI_STRUCTURE_TUPLE ? of->u.s : NULL;
    bool is_dict = kind == TDAGI_STRUCTURE_DICT;
    if (kind != TDAGI_STRUCTURE_TUPLE && is_mixed(of)) {
        kind = TDAGI_STRUCTURE_TUPLE;
        name = is_dict ? "Dict" : NULL;
    }
    bool fields =
        name != NULL && c->names && tdagi_source_is_name(name) && has_fields(of);
    bool keys = fields || kind == TDAGI_STRUCTURE_DICT || c->keys;
    c->keys = false;
    tdagi_structure_open(&c->b, kind, fields ? name : NULL);
    const node *item = tdagi_structure_first(of);
    for (uint32_t i = 0; i < of->n; i++, item = tdagi_structure_next(item)) {
        if (keys) tdagi_structure_key(&c->b, item->key);
        copy(c, item);
    }
    tdagi_structure_close(&c->b);
}

/* Recursion ends where the structure's depth does. */
static void copy(copying *c, const node *of)
{
    if (tdagi_structure_has_items(of))
        copy_items(c, of);
    else
        tdagi_structure_leaf(&c->b, of);
}

/* ---- types ---- */

void tdagi_export_type(const node *of, tdagi_text *to)
{
    static const char *const names[] = {[TDAGI_STRUCTURE_TUPLE] = "Tuple[",
                                        [TDAGI_STRUCTURE_LIST] = "List[",
                                        [TDAGI_STRUCTURE_DICT] = "Dict[str, ",
                                        [TDAGI_STRUCTURE_NONE] = "Optional[Tensor]",
                                        [TDAGI_STRUCTURE_BOOL] = "bool",
                                        [TDAGI_STRUCTURE_INT] = "int",
                                        [TDAGI_STRUCTURE_FLOAT] = "float",
                                        [TDAGI_STRUCTURE_STRING] = "str"};
    bool is_tuple = of->kind == TDAGI_STRUCTURE_TUPLE;
    const node *item = tdagi_structure_first(of);
    if (is_tuple && of->u.s != NULL) {
        tdagi_text_add(to, of->u.s);
        return;
    }
    tdagi_text_add(to, of->kind == TDAGI_STRUCTURE_TENSOR
                           ? tdagi_structure_form_of(of->u.i)->type
                           : names[of->kind]);
    if (!tdagi_structure_has_items(of)) return;
    for (uint32_t i = 0; i < of->n && (is_tuple || i == 0); i++) {
        if (i > 0) tdagi_text_add(to, ", ");
        tdagi_export_type(item, to);
        item = tdagi_structure_next(item);
    }
    if (of->n == 0) tdagi_text_add(to, is_tuple ? "()" : "Tensor");
    tdagi_text_add(to, "]");
}

/* ---- classes of named tuples ---- */

static const char *class_text(tdagi_exporter *e, const node *of)
{
    tdagi_text text;
    const node *item = tdagi_structure_first(of);
    tdagi_text_init(&text, e->ctx);
    for (uint32_t i = 0; i < of->n; i++, item = tdagi_structure_next(item)) {
        tdagi_text_printf(&text, "  %s : ", item->key);
        tdagi_export_type(item, &text);
        tdagi_text_add(&text, "\n");
    }
    return tdagi_export_keep(e, &text);
}

/* The module of a class; those that would be called the same have modules of their own,
 * as PyTorch names them. */
static const char *module_of(tdagi_exporter *e, uint32_t n_same)
{
    tdagi_text text;
    tdagi_text_init(&text, e->ctx);
    tdagi_text_add(&text, "__torch__.structures");
    if (n_same > 0)
        tdagi_text_printf(&text, ".___torch_mangle_%lu", (unsigned long)n_same - 1);
    return tdagi_export_keep(e, &text);
}

static const char *path_of(tdagi_exporter *e, const tdagi_tree_type *type)
{
    tdagi_text text;
    tdagi_text_init(&text, e->ctx);
    tdagi_text_printf(&text, "%s.%s", type->module, type->name);
    return tdagi_export_keep(e, &text);
}

/* The path of the tuple's class, which is added to the archive if it is new. */
static const char *class_of(tdagi_exporter *e, const node *of)
{
    uint32_t n_same = 0;
    const char *text = class_text(e, of);
    if (text == NULL) return NULL;
    for (const tdagi_tree_type *t = e->tree.types; t != NULL; t = t->next) {
        if (strcmp(t->name, of->u.s) != 0) continue;
        if (strcmp(t->text, text) == 0) return path_of(e, t);
        n_same++;
    }
    tdagi_text name; /* the structure's may not live as long */
    tdagi_text_init(&name, e->ctx);
    tdagi_text_add(&name, of->u.s);
    const char *kept = tdagi_export_keep(e, &name);
    tdagi_tree_type *type = tdagi_arena_alloc(&e->arena, sizeof *type);
    const char *module = module_of(e, n_same);
    if (type == NULL && e->body.status == TDAG_OK) e->body.status = tdagi_nomem(e->ctx);
    if (type == NULL || module == NULL || kept == NULL) return NULL;
    *type = (tdagi_tree_type){
        .module = module, .name = kept, .text = text, .next = e->tree.types};
    e->tree.types = type;
    return path_of(e, type);
}

/* What is inside of a tuple stands behind it, so it has its class already. */
static void give_classes(tdagi_exporter *e, tdagi_structure *s)
{
    for (uint32_t i = s->n; i > 0; i--) {
        node *of = &s->nodes[i - 1];
        if (of->kind != TDAGI_STRUCTURE_TUPLE || of->u.s == NULL) continue;
        of->u.s = class_of(e, of);
        if (of->u.s == NULL) return;
        for (uint32_t k = 0, p = 1; k < of->n; k++, p += of[p].size)
            of[p].key = NULL;
    }
}

tdag_status tdagi_export_structure(tdagi_exporter *e, const tdagi_structure *s,
                                   bool is_input, tdagi_structure **out)
{
    copying c = {.names = e->api == NULL, .keys = is_input};
    tdagi_structure_begin(&c.b, e->ctx);
    copy(&c, s->nodes);
    TDAGI_TRY(tdagi_structure_finish(&c.b, out));
    give_classes(e, *out);
    return e->body.status;
}
