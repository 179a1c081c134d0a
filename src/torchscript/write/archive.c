/* The archive of a tree, written by the library itself. */
#include "torchscript/write/archive.h"

#include <string.h>

#include "archive/pickle_write.h"
#include "archive/zip_write.h"

/* The version of the operators that an archive asks for is the least with which all
 * that occurs means the same as today; older PyTorch loads the more. */
static const char *version_of(const char *source)
{
    static const struct {
        const char *text, *version;
    } rows[] = {{"torch.gelu(", "10\n"},    {"torch.logspace(", "9\n"},
                {"torch.linspace(", "8\n"}, {"torch.full(", "5\n"},
                {"torch.div", "4\n"},       {"", "3\n"}};
    size_t i = 0;
    while (strstr(source, rows[i].text) == NULL)
        i++;
    return rows[i].version;
}

static tdag_status add_text(tdagi_zip_writer *zip, const char *name, const char *text)
{
    return tdagi_zip_add(zip, name, text, strlen(text));
}

static tdag_status add_tensors(tdagi_tree *t, tdagi_zip_writer *zip,
                               const tdagi_tree_record *records)
{
    tdagi_text name;
    tdag_status st = TDAG_OK;
    unsigned long n = 0;
    for (const tdagi_tree_record *r = records; r != NULL && st == TDAG_OK;
         r = r->next) {
        tdagi_text_init(&name, t->ctx);
        tdagi_text_printf(&name, "data/%lu", n++);
        st = name.status;
        if (st == TDAG_OK) st = tdagi_zip_add_tensor(zip, name.data, r->tensor);
        if (st == TDAG_OK) st = tdagi_ask(t->ctx);
        tdagi_text_free(&name);
    }
    return st;
}

static tdag_status add_objects(tdagi_tree *t, tdagi_zip_writer *zip,
                               const tdagi_tree_classes *classes)
{
    tdagi_text pickle;
    tdagi_tree_record *records = NULL;
    tdagi_text_init(&pickle, t->ctx);
    tdag_status st = tdagi_tree_pickle(t, classes, &pickle, &records);
    if (st == TDAG_OK) st = tdagi_zip_add(zip, "data.pkl", pickle.data, pickle.length);
    tdagi_text_free(&pickle);
    return st == TDAG_OK ? add_tensors(t, zip, records) : st;
}

/* "code/__torch__/___torch_mangle_0.py" of the module "__torch__.___torch_mangle_0". */
static void add_path(tdagi_text *to, const char *module)
{
    tdagi_text_add(to, "code/");
    for (const char *p = module; *p != '\0'; p++)
        tdagi_text_add_bytes(to, *p == '.' ? "/" : p, 1);
    tdagi_text_add(to, ".py");
}

static tdag_status add_file(tdagi_tree *t, tdagi_zip_writer *zip, const char *module,
                            tdagi_text *text)
{
    tdagi_text path;
    tdagi_text_init(&path, t->ctx);
    add_path(&path, module);
    tdag_status st = path.status == TDAG_OK ? text->status : path.status;
    if (st == TDAG_OK) st = tdagi_zip_add(zip, path.data, text->data, text->length);
    tdagi_text_free(text);
    tdagi_text_free(&path);
    return st;
}

/* The file of a module's classes, which stands at the first of them. */
static tdag_status add_classes(tdagi_tree *t, tdagi_zip_writer *zip,
                               const tdagi_tree_classes *classes, const char *module)
{
    tdagi_text text;
    tdagi_text_init(&text, t->ctx);
    for (const tdagi_tree_class *c = classes->first; c != NULL; c = c->next)
        if (strcmp(c->module, module) == 0)
            tdagi_text_printf(&text, "class %s(Module):\n%s", c->name, c->text);
    return add_file(t, zip, module, &text);
}

/* Named tuples; a module's are added where its first one stands. */
static tdag_status add_types(tdagi_tree *t, tdagi_zip_writer *zip)
{
    tdag_status st = TDAG_OK;
    for (const tdagi_tree_type *a = t->types; a != NULL && st == TDAG_OK; a = a->next) {
        const tdagi_tree_type *b = t->types;
        while (strcmp(a->module, b->module) != 0)
            b = b->next;
        if (b != a) continue;
        tdagi_text text;
        tdagi_text_init(&text, t->ctx);
        for (; b != NULL; b = b->next)
            if (strcmp(a->module, b->module) == 0)
                tdagi_text_printf(&text, "class %s(NamedTuple):\n%s", b->name, b->text);
        st = add_file(t, zip, a->module, &text);
    }
    return st;
}

static tdag_status add_code(tdagi_tree *t, tdagi_zip_writer *zip,
                            const tdagi_tree_classes *classes)
{
    TDAGI_TRY(add_types(t, zip));
    TDAGI_TRY(add_classes(t, zip, classes, classes->last->module)); /* the root's */
    for (const tdagi_tree_class *c = classes->first; c != NULL; c = c->next)
        if (strcmp(c->module, classes->last->module) != 0)
            TDAGI_TRY(add_classes(t, zip, classes, c->module));
    return TDAG_OK;
}

static tdag_status fill(tdagi_tree *t, const char *source, tdagi_zip_writer *zip)
{
    tdagi_tree_classes classes;
    static const char no_constants[] = "\x80\x02)."; /* an empty tuple */
    TDAGI_TRY(tdagi_tree_make_classes(t, source, &classes));
    TDAGI_TRY(add_objects(t, zip, &classes));
    TDAGI_TRY(add_code(t, zip, &classes));
    TDAGI_TRY(add_text(zip, "constants.pkl", no_constants));
    TDAGI_TRY(add_text(zip, "version", version_of(source)));
    return add_text(zip, "byteorder", "little");
}

static tdag_status ask(tdagi_zip_writer *zip, const tdagi_tree_check *check)
{
    tdagi_mapping *archive = NULL;
    if (check->fn == NULL) return TDAG_OK;
    TDAGI_TRY(tdagi_zip_map(zip, &archive));
    tdag_status st = check->fn(check->user, archive);
    tdagi_mapping_release(archive);
    return st;
}

tdag_status tdagi_tree_write(tdagi_tree *t, const char *source, const char *path,
                             const tdagi_tree_check *check)
{
    tdagi_zip_writer *zip = NULL;
    TDAGI_TRY(tdagi_zip_create(t->ctx, path, "archive", &zip));
    tdag_status st = fill(t, source, zip);
    if (st == TDAG_OK) st = ask(zip, check);
    if (st == TDAG_OK) return tdagi_zip_finish(zip);
    tdagi_zip_abandon(zip);
    return st;
}
