/* The classes that values are declared as: of arguments by their annotations, of
 * attributes by their class. Asked only where the language needs it. */
#include <string.h>

#include "torchscript/reader/lower.h"

#define MAX_DEPTH 200 /* of attributes of attributes */

static const tdagi_source_type *type_of_argument(const tdagi_lowering *l,
                                                 const tdag_shim_var *v)
{
    const tdag_shim_block *b = l->graph->block;
    for (uint32_t i = 0; i < b->n_inputs; i++)
        if (b->inputs[i] == v) return l->function->args[i].type;
    return NULL;
}

static const tdagi_source_type *
type_of_attribute(tdagi_lowering *l, const tdagi_source_class *c, const char *name)
{
    const struct tdagi_source_class_attr *a = tdagi_reader_class_attr(l->s, c, name);
    return a == NULL ? NULL : a->type;
}

static const tdagi_definition *find_class(tdagi_lowering *l, const char *path)
{
    const tdagi_definition *d = NULL;
    if (path == NULL || tdagi_reader_find(l->s, path, &d) != TDAG_OK) return NULL;
    return d == NULL || d->class_ == NULL ? NULL : d;
}

static const tdagi_definition *declared(tdagi_lowering *l, const tdag_shim_var *v,
                                        uint32_t depth)
{
    const tdagi_source_type *type = NULL;
    bool is_attribute = v->node != NULL && strcmp(v->node->kind, "prim::GetAttr") == 0;
    if (v->type != NULL) return find_class(l, v->type);
    if (is_attribute && depth < MAX_DEPTH) {
        const tdagi_definition *of = declared(l, v->node->inputs[0], depth + 1);
        if (of != NULL) type = type_of_attribute(l, of->class_, v->node->name);
    } else if (v->node == NULL) {
        type = type_of_argument(l, v);
    }
    return type == NULL ? NULL : find_class(l, type->name);
}

const tdagi_definition *tdagi_lower_class_of(tdagi_lowering *l, const tdag_shim_var *v)
{
    return declared(l, v, 0);
}

bool tdagi_lower_has_attr(tdagi_lowering *l, const tdagi_definition *d,
                          const char *name)
{
    return type_of_attribute(l, d->class_, name) != NULL ||
           tdagi_reader_method(l->s, d->class_, name) != NULL;
}
