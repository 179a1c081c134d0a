/* Objects of the archive: their attributes in the order of their class. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "torchscript/reader/session.h"

static bool is_module(const tdag_shim_value *v)
{
    return v->kind == TDAG_SHIM_OBJECT &&
           strcmp(v->class_->class_->base, "Module") == 0;
}

/* Attributes proper, those that are no constants of the class, number i. */
static const struct tdagi_source_class_attr *attr_at(const tdag_shim_value *object,
                                                     size_t i)
{
    const tdagi_class_index *index = object->u.object->index;
    return i >= index->n_proper ? NULL : index->proper[i];
}

/* ---- states ---- */

static bool is_name(const tdagi_pickle *key)
{
    return key->kind == TDAGI_PICKLE_STRING;
}

static bool list_pairs(tdag_shim_session *s, const tdagi_pickle *state,
                       const char *path, tdagi_name_list *out)
{
    uint32_t n = 0;
    if (!tdagi_index_make(s, out, (uint32_t)state->n)) return false;
    for (uint32_t i = 0; i < state->n; i++)
        if (is_name(state->u.items[2 * i]))
            out->items[n++] = (tdagi_named){state->u.items[2 * i]->u.s, i};
    out->n = n;
    return tdagi_index_sort(s, out, path);
}

/* The pairs of a dict by name, once for all objects that share it. */
static const tdagi_name_list *index_of(tdag_shim_session *s, const tdagi_pickle *state,
                                       const char *path)
{
    tdagi_name_list *index = tdagi_table_get(&s->states, state, 0);
    if (index != NULL) return index;
    index = tdagi_reader_alloc(s, 1, sizeof *index);
    if (index == NULL || !list_pairs(s, state, path, index)) return NULL;
    void **slot = tdagi_table_at(&s->arena, &s->states, state, 0);
    if (slot == NULL) {
        tdagi_reader_nomem(s);
        return NULL;
    }
    *slot = index;
    return index;
}

static const tdagi_pickle *state_of(const tdagi_reader_object *o, const char *name)
{
    uint32_t i = tdagi_index_find(o->by_name, name);
    return i == UINT32_MAX ? NULL : o->state->u.items[2 * (size_t)i + 1];
}

/* ---- objects ---- */

/* Code of a class that would run while its objects are loaded is never run. */
static tdag_status check_class(tdag_shim_session *s, const tdagi_definition *d,
                               const tdagi_pickle *state)
{
    if (tdagi_reader_method(s, d->class_, "__setstate__") != NULL)
        return tdagi_reader_fail(s, TDAG_E_UNSUPPORTED,
                                 "%s has a __setstate__, which would have to run; "
                                 "nothing of a file is run while it is read",
                                 d->path);
    if (state == NULL || state->kind != TDAGI_PICKLE_DICT)
        return tdagi_reader_fail(s, TDAG_E_FORMAT, "an object of %s has no attributes",
                                 d->path);
    return s->status;
}

static tdag_status check_state(tdag_shim_session *s, const tdagi_definition *d,
                               const tdagi_reader_object *o)
{
    for (uint32_t i = 0; i < o->index->n_proper; i++)
        if (state_of(o, o->index->proper[i]->name) == NULL)
            return tdagi_reader_fail(s, TDAG_E_FORMAT, "an object of %s has no %s",
                                     d->path, o->index->proper[i]->name);
    return TDAG_OK;
}

tdag_shim_value *tdagi_reader_object_new(tdag_shim_session *s,
                                         const tdagi_definition *class_,
                                         const tdagi_pickle *state, const char *records)
{
    if (check_class(s, class_, state) != TDAG_OK) return NULL;
    const tdagi_class_index *index = tdagi_reader_index(s, class_->class_);
    tdag_shim_value *v = tdagi_reader_new_value(s, TDAG_SHIM_OBJECT);
    tdagi_reader_object *o = tdagi_reader_alloc(s, 1, sizeof *o);
    if (index == NULL || v == NULL || o == NULL) return NULL;
    v->class_ = class_;
    v->u.object = o;
    v->n = index->n_proper;
    o->index = index;
    o->state = state;
    o->by_name = index_of(s, state, class_->path);
    o->records = records;
    if (o->by_name == NULL || check_state(s, class_, o) != TDAG_OK) return NULL;
    o->attrs = tdagi_reader_alloc(s, v->n + 1u, sizeof *o->attrs);
    return o->attrs == NULL ? NULL : v;
}

const tdag_shim_value *tdagi_reader_attr(tdag_shim_session *s,
                                         const tdag_shim_value *object, size_t i)
{
    tdagi_reader_object *o = object->u.object;
    const struct tdagi_source_class_attr *a = attr_at(object, i);
    if (a == NULL || o->attrs[i] != NULL) return a == NULL ? NULL : o->attrs[i];
    bool mode = is_module(object) && strcmp(a->name, "training") == 0;
    o->attrs[i] =
        mode ? tdagi_reader_bool(s, false) /* eval() */
             : tdagi_reader_value(s, state_of(o, a->name), a->type, o->records);
    return o->attrs[i];
}

/* ---- functions of the table ---- */

static const char *object_attr_name(tdag_shim_session *s, const tdag_shim_value *object,
                                    size_t i)
{
    (void)s;
    const struct tdagi_source_class_attr *a = attr_at(object, i);
    return a == NULL ? "" : a->name;
}

/* A module is told by its class, without reading it. */
static bool names_module(const tdag_shim_value *object, const char *name)
{
    const tdagi_pickle *p = state_of(object->u.object, name);
    return p != NULL && p->kind == TDAGI_PICKLE_APPLY && p->is_new;
}

static tdag_shim_slot object_attr_slot(const tdag_shim_value *object, size_t i)
{
    const struct tdagi_source_class_attr *a = attr_at(object, i);
    if (a == NULL) return TDAG_SHIM_SLOT_ATTRIBUTE;
    if (a->is_parameter) return TDAG_SHIM_SLOT_PARAMETER;
    if (a->is_buffer) return TDAG_SHIM_SLOT_BUFFER;
    return names_module(object, a->name) ? TDAG_SHIM_SLOT_MODULE
                                         : TDAG_SHIM_SLOT_ATTRIBUTE;
}

static const tdag_shim_value *
object_attr(tdag_shim_session *s, const tdag_shim_value *object, const char *name)
{
    const tdagi_source_class *c = object->class_->class_;
    const tdagi_class_index *index = object->u.object->index;
    uint32_t k = tdagi_index_find(&index->attrs, name);
    if (k == UINT32_MAX) return NULL;
    return index->places[k] == UINT32_MAX
               ? tdagi_reader_literal(s, c->attrs[k].value)
               : tdagi_reader_attr(s, object, index->places[k]);
}

static size_t object_n_methods(const tdag_shim_value *object)
{
    size_t n = 0;
    for (const tdagi_source_function *f = object->class_->class_->functions; f != NULL;
         f = f->next)
        n++;
    return n;
}

static const char *object_method_name(tdag_shim_session *s,
                                      const tdag_shim_value *object, size_t i)
{
    (void)s;
    const tdagi_source_function *f = object->class_->class_->functions;
    for (; f != NULL && i > 0; i--)
        f = f->next;
    return f == NULL ? NULL : f->name;
}

static void put_error(const tdag_shim_session *s, tdag_shim_error *error)
{
    snprintf(error->message, sizeof error->message, "%s",
             tdag_ctx_get_error(s->ctx)->message);
}

static const tdagi_source_function *method_of(tdag_shim_session *s,
                                              const tdag_shim_value *object,
                                              const char *name, tdag_shim_error *error)
{
    const tdagi_source_function *f =
        tdagi_reader_method(s, object->class_->class_, name);
    if (f != NULL) return f;
    if (s->status == TDAG_OK)
        tdagi_reader_note(s, tdagi_fail(s->ctx, TDAG_E_ARG, "%s has no method '%s'",
                                        object->class_->path, name));
    put_error(s, error);
    return NULL;
}

static int method_graph(tdag_shim_session *s, const tdag_shim_value *object,
                        const char *method, const tdag_shim_graph **out,
                        tdag_shim_error *error)
{
    tdagi_definition d = *object->class_;
    d.class_ = NULL;
    d.function = method_of(s, object, method, error);
    if (d.function == NULL) return -1;
    *out = tdagi_reader_graph(s, &d);
    if (*out != NULL) return 0;
    put_error(s, error);
    return -1;
}

static int object_new(tdag_shim_session *s, const tdag_shim_node *node,
                      const tdag_shim_value **out, tdag_shim_error *error)
{
    tdag_shim_value *v = tdagi_reader_new_value(s, TDAG_SHIM_OBJECT);
    tdagi_reader_object *o = tdagi_reader_alloc(s, 1, sizeof *o);
    if (v != NULL && o != NULL &&
        tdagi_reader_find(s, node->outputs[0]->type, &v->class_) == TDAG_OK &&
        v->class_ != NULL && v->class_->class_ != NULL)
        o->index = tdagi_reader_index(s, v->class_->class_);
    if (v == NULL || o == NULL || o->index == NULL) {
        if (s->status == TDAG_OK)
            tdagi_reader_fail(s, TDAG_E_FORMAT, "there is no class %s",
                              node->outputs[0]->type);
        put_error(s, error);
        return -1;
    }
    v->u.object = o;
    *out = v;
    return 0;
}

static bool read_defaults(tdag_shim_session *s, tdag_shim_schema *schema)
{
    const tdagi_source_function *f = schema->function;
    for (uint32_t i = 0; i < f->n_args; i++) {
        if (f->args[i].by_default == NULL) continue;
        schema->defaults[i] = tdagi_reader_literal(s, f->args[i].by_default);
        if (schema->defaults[i] != NULL) continue;
        if (s->status != TDAG_E_NOMEM)
            tdagi_reader_fail(s, TDAG_E_UNSUPPORTED, "the default of %s is no literal",
                              f->args[i].name);
        return false;
    }
    return true;
}

static int method_schema(tdag_shim_session *s, const tdag_shim_value *object,
                         const char *method, const tdag_shim_schema **out,
                         tdag_shim_error *error)
{
    const tdagi_source_function *f = method_of(s, object, method, error);
    if (f == NULL) return -1;
    tdag_shim_schema *schema = tdagi_reader_alloc(s, 1, sizeof *schema);
    if (schema != NULL) {
        schema->function = f;
        schema->defaults =
            tdagi_reader_alloc(s, f->n_args + 1u, sizeof *schema->defaults);
    }
    if (schema == NULL || schema->defaults == NULL || !read_defaults(s, schema)) {
        put_error(s, error);
        return -1;
    }
    *out = schema;
    return 0;
}

static size_t schema_n_args(const tdag_shim_schema *schema)
{
    return schema->function->n_args;
}

#define DEEPEST_TYPE 64    /* named tuples inside of each other */
#define LONGEST_TYPE 16384 /* bytes; one that is longer shows no fields */

/* A type as a text, a named tuple with its fields: "pkg.Point(x: Tensor)". */
static void write_type(tdag_shim_session *s, const tdagi_source_type *type, int depth,
                       tdagi_text *to)
{
    const tdagi_definition *d = NULL;
    bool is_class = type->n == 0 && strncmp(type->name, "__torch__.", 10) == 0;
    if (is_class && tdagi_reader_find(s, type->name, &d) != TDAG_OK) return;
    bool named = d != NULL && d->class_ != NULL &&
                 strcmp(d->class_->base, "NamedTuple") == 0 && depth < DEEPEST_TYPE;
    uint32_t n = named ? d->class_->n_attrs : type->n;
    if (!named && n == 0) {
        tdagi_text_add(to, type->text);
        return;
    }
    tdagi_text_printf(to, "%s%s", type->name, named ? "(" : "[");
    for (uint32_t i = 0; i < n && to->length < LONGEST_TYPE; i++) {
        if (i > 0) tdagi_text_add(to, ", ");
        if (named) tdagi_text_printf(to, "%s: ", d->class_->attrs[i].name);
        write_type(s, named ? d->class_->attrs[i].type : type->args[i], depth + 1, to);
    }
    tdagi_text_add(to, named ? ")" : "]");
}

static const char *type_text(tdag_shim_session *s, const tdagi_source_type *type)
{
    tdagi_text text;
    if (type == NULL) return "Tensor";
    if (strstr(type->text, "__torch__.") == NULL) return type->text;
    tdagi_text_init(&text, s->ctx);
    write_type(s, type, 0, &text);
    bool fits = text.status == TDAG_OK && text.length < LONGEST_TYPE;
    const char *kept =
        fits ? tdagi_reader_join(s, text.data, text.length, "", "") : NULL;
    tdagi_text_free(&text);
    return kept == NULL ? type->text : kept;
}

static void schema_arg(tdag_shim_session *s, const tdag_shim_schema *schema, size_t i,
                       tdag_shim_arg *out)
{
    *out = (tdag_shim_arg){.name = "", .type = ""};
    if (i >= schema->function->n_args) return;
    const struct tdagi_source_function_arg *a = &schema->function->args[i];
    out->name = a->name;
    out->type = type_text(s, a->type);
    out->has_default = schema->defaults[i] != NULL;
    out->default_value = schema->defaults[i];
}

void tdagi_reader_object_functions(tdag_shim_api *api)
{
    api->object_attr_name = object_attr_name;
    api->object_attr_slot = object_attr_slot;
    api->object_attr = object_attr;
    api->object_n_methods = object_n_methods;
    api->object_method_name = object_method_name;
    api->method_graph = method_graph;
    api->method_schema = method_schema;
    api->object_new = object_new;
    api->schema_n_args = schema_n_args;
    api->schema_arg = schema_arg;
}
