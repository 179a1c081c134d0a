/* What stands in a class or a file of code, by name. Files may have a million classes,
 * classes a million attributes, and all of them are looked up, so lists are not
 * searched from their start. They are sorted and not hashed: no choice of names is
 * slow. */
#include <stdlib.h>
#include <string.h>

#include "torchscript/reader/session.h"

static int compare(const void *a, const void *b)
{
    const tdagi_named *x = a, *y = b;
    int order = x->name == y->name ? 0 : strcmp(x->name, y->name);
    return order != 0 ? order : (x->i > y->i) - (x->i < y->i);
}

bool tdagi_index_sort(tdag_shim_session *s, tdagi_name_list *index, const char *where)
{
    if (index->n > 1) qsort(index->items, index->n, sizeof *index->items, compare);
    for (uint32_t i = 1; i < index->n; i++)
        if (strcmp(index->items[i - 1].name, index->items[i].name) == 0) {
            tdagi_reader_fail(s, TDAG_E_FORMAT, "%s has %s twice", where,
                              index->items[i].name);
            return false;
        }
    return true;
}

uint32_t tdagi_index_find(const tdagi_name_list *index, const char *name)
{
    uint32_t from = 0, to = index->n;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (strcmp(index->items[middle].name, name) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    bool found = from < index->n && strcmp(index->items[from].name, name) == 0;
    return found ? index->items[from].i : UINT32_MAX;
}

bool tdagi_index_make(tdag_shim_session *s, tdagi_name_list *index, uint32_t n)
{
    *index = (tdagi_name_list){.n = n};
    index->items = tdagi_reader_alloc(s, n + 1u, sizeof *index->items);
    return index->items != NULL;
}

/* ---- functions, of a class or a file ---- */

static bool list_functions(tdag_shim_session *s, const tdagi_source_function *first,
                           const char *where, tdagi_functions *out)
{
    uint32_t n = 0;
    for (const tdagi_source_function *f = first; f != NULL; f = f->next)
        n++;
    out->list = tdagi_reader_alloc(s, n + 1u, sizeof *out->list);
    if (out->list == NULL || !tdagi_index_make(s, &out->index, n)) return false;
    n = 0;
    for (const tdagi_source_function *f = first; f != NULL; f = f->next, n++) {
        out->list[n] = f;
        out->index.items[n] = (tdagi_named){f->name, n};
    }
    return tdagi_index_sort(s, &out->index, where);
}

static const tdagi_source_function *find_function(const tdagi_functions *in,
                                                  const char *name)
{
    uint32_t i = tdagi_index_find(&in->index, name);
    return i == UINT32_MAX ? NULL : in->list[i];
}

/* ---- classes ---- */

static bool list_attrs(tdag_shim_session *s, const tdagi_source_class *c,
                       tdagi_class_index *out)
{
    out->proper = tdagi_reader_alloc(s, c->n_attrs + 1u, sizeof *out->proper);
    out->places = tdagi_reader_alloc(s, c->n_attrs + 1u, sizeof *out->places);
    if (out->proper == NULL || out->places == NULL ||
        !tdagi_index_make(s, &out->attrs, c->n_attrs))
        return false;
    for (uint32_t k = 0; k < c->n_attrs; k++) {
        const struct tdagi_source_class_attr *a = &c->attrs[k];
        out->attrs.items[k] = (tdagi_named){a->name, k};
        out->places[k] = a->value == NULL ? out->n_proper : UINT32_MAX;
        if (a->value == NULL) out->proper[out->n_proper++] = a;
    }
    return tdagi_index_sort(s, &out->attrs, c->name);
}

const tdagi_class_index *tdagi_reader_index(tdag_shim_session *s,
                                            const tdagi_source_class *c)
{
    tdagi_class_index *index = tdagi_table_get(&s->indices, c, 0);
    if (index != NULL) return index;
    index = tdagi_reader_alloc(s, 1, sizeof *index);
    if (index == NULL || !list_attrs(s, c, index) ||
        !list_functions(s, c->functions, c->name, &index->methods))
        return NULL;
    void **slot = tdagi_table_at(&s->arena, &s->indices, c, 0);
    if (slot == NULL) {
        tdagi_reader_nomem(s);
        return NULL;
    }
    *slot = index;
    return index;
}

const tdagi_source_function *
tdagi_reader_method(tdag_shim_session *s, const tdagi_source_class *c, const char *name)
{
    const tdagi_class_index *index = tdagi_reader_index(s, c);
    return index == NULL ? NULL : find_function(&index->methods, name);
}

const struct tdagi_source_class_attr *
tdagi_reader_class_attr(tdag_shim_session *s, const tdagi_source_class *c,
                        const char *name)
{
    const tdagi_class_index *index = tdagi_reader_index(s, c);
    uint32_t k = index == NULL ? UINT32_MAX : tdagi_index_find(&index->attrs, name);
    return k == UINT32_MAX ? NULL : &c->attrs[k];
}

/* ---- files of code ---- */

bool tdagi_reader_list_code(tdag_shim_session *s, tdagi_code *code)
{
    uint32_t n = 0;
    const tdagi_source_class *c = code->source.classes;
    for (; c != NULL; c = c->next)
        n++;
    code->class_list = tdagi_reader_alloc(s, n + 1u, sizeof *code->class_list);
    if (code->class_list == NULL || !tdagi_index_make(s, &code->classes, n))
        return false;
    n = 0;
    for (c = code->source.classes; c != NULL; c = c->next, n++) {
        code->class_list[n] = c;
        code->classes.items[n] = (tdagi_named){c->name, n};
    }
    return tdagi_index_sort(s, &code->classes, code->path) &&
           list_functions(s, code->source.functions, code->path, &code->functions);
}

bool tdagi_reader_in_code(const tdagi_code *code, const char *name,
                          tdagi_definition *out)
{
    uint32_t i = tdagi_index_find(&code->classes, name);
    out->class_ = i == UINT32_MAX ? NULL : code->class_list[i];
    out->function = out->class_ == NULL ? find_function(&code->functions, name) : NULL;
    return out->class_ != NULL || out->function != NULL;
}
