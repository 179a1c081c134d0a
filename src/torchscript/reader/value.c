/* Values of the archive's pickles, and the functions that read them. */
#include <math.h>
#include <string.h>

#include "torchscript/reader/session.h"

/* ---- making ---- */

tdag_shim_value *tdagi_reader_new_value(tdag_shim_session *s, tdag_shim_kind kind)
{
    tdag_shim_value *v = tdagi_reader_alloc(s, 1, sizeof *v);
    if (v != NULL) v->kind = (uint8_t)kind;
    return v;
}

const tdag_shim_value *tdagi_reader_int(tdag_shim_session *s, int64_t i)
{
    tdag_shim_value *v = tdagi_reader_new_value(s, TDAG_SHIM_INT);
    if (v != NULL) v->u.i = i;
    return v;
}

const tdag_shim_value *tdagi_reader_bool(tdag_shim_session *s, bool b)
{
    tdag_shim_value *v = tdagi_reader_new_value(s, TDAG_SHIM_BOOL);
    if (v != NULL) v->u.i = b;
    return v;
}

static tdag_shim_value *make_double(tdag_shim_session *s, double f)
{
    tdag_shim_value *v = tdagi_reader_new_value(s, TDAG_SHIM_DOUBLE);
    if (v != NULL) v->u.f = f;
    return v;
}

static tdag_shim_value *make_text(tdag_shim_session *s, tdag_shim_kind kind,
                                  const char *text, size_t n)
{
    tdag_shim_value *v = tdagi_reader_new_value(s, kind);
    if (v == NULL) return NULL;
    v->u.text.s = text;
    v->u.text.n = n;
    return v;
}

const tdag_shim_value *tdagi_reader_string(tdag_shim_session *s, const char *text)
{
    return make_text(s, TDAG_SHIM_STRING, text, strlen(text));
}

static tdag_shim_value *make_items(tdag_shim_session *s, tdag_shim_kind kind, size_t n)
{
    tdag_shim_value *v = tdagi_reader_new_value(s, kind);
    if (v == NULL) return NULL;
    v->n = (uint32_t)(kind == TDAG_SHIM_DICT ? n / 2 : n);
    v->u.items = tdagi_reader_alloc(s, n + 1, sizeof *v->u.items);
    return v->u.items == NULL ? NULL : v;
}

/* ---- types ---- */

/* What is declared of a value that is there: T of Optional[T]. */
static const tdagi_source_type *plain(const tdagi_source_type *type)
{
    while (type != NULL && type->n == 1 && strcmp(type->name, "Optional") == 0)
        type = type->args[0];
    return type;
}

static const tdagi_source_type *type_arg(const tdagi_source_type *type, size_t i)
{
    if (type == NULL || type->n == 0) return NULL;
    return type->args[i < type->n ? i : type->n - 1];
}

/* ---- values of pickles ---- */

static tdag_shim_value *from_items(tdag_shim_session *s, const tdagi_pickle *p,
                                   const tdagi_source_type *type, const char *records,
                                   tdag_shim_kind kind)
{
    size_t n = kind == TDAG_SHIM_DICT ? 2 * p->n : p->n;
    tdag_shim_value *v = make_items(s, kind, n);
    for (size_t i = 0; i < n && v != NULL; i++) {
        size_t arg = kind == TDAG_SHIM_LIST ? 0 : kind == TDAG_SHIM_DICT ? i % 2 : i;
        v->u.items[i] =
            tdagi_reader_value(s, p->u.items[i], type_arg(type, arg), records);
        if (v->u.items[i] == NULL) return NULL;
    }
    return v;
}

/* A named tuple is a plain one here; what it is called stands in its type. */
static const tdag_shim_value *from_tuple(tdag_shim_session *s, const tdagi_pickle *p,
                                         const tdagi_source_type *type,
                                         const char *records)
{
    const tdagi_definition *d = NULL;
    if (type != NULL && strncmp(type->name, "__torch__.", 10) == 0 &&
        tdagi_reader_find(s, type->name, &d) != TDAG_OK)
        return NULL;
    bool named = d != NULL && d->class_ != NULL && d->class_->n_attrs == p->n &&
                 strcmp(d->class_->base, "NamedTuple") == 0;
    tdag_shim_value *v =
        from_items(s, p, named ? NULL : type, records, TDAG_SHIM_TUPLE);
    if (v != NULL && named) v->class_ = d;
    return v;
}

/* "__torch__.a.b Linear" with a dot for the blank; NULL: no class of the archive. */
static const char *class_path(tdag_shim_session *s, const tdagi_pickle *global)
{
    const char *blank = strrchr(global->u.s, ' ');
    if (strncmp(global->u.s, "__torch__", 9) != 0 || blank == NULL) return NULL;
    return tdagi_reader_path(s, global->u.s, (size_t)(blank - global->u.s), blank + 1);
}

static const tdag_shim_value *unknown(tdag_shim_session *s, const tdagi_pickle *p)
{
    const char *name = p->u.items[0]->kind == TDAGI_PICKLE_GLOBAL
                           ? p->u.items[0]->u.s
                           : "something else than a name";
    tdagi_reader_fail(s, TDAG_E_UNSUPPORTED,
                      "it holds a value made by %s, which is not known", name);
    return NULL;
}

tdag_shim_value *tdagi_reader_member(tdag_shim_session *s, const tdagi_definition *d,
                                     const tdag_shim_value *value)
{
    tdag_shim_value *v = value == NULL ? NULL : make_items(s, TDAG_SHIM_ENUM, 1);
    if (v == NULL) return NULL;
    v->class_ = d;
    v->u.items[0] = value;
    return v;
}

static const tdag_shim_value *from_enum(tdag_shim_session *s, const tdagi_definition *d,
                                        const tdagi_pickle *args, const char *records)
{
    bool packed = args->kind == TDAGI_PICKLE_TUPLE && args->n == 1;
    return tdagi_reader_member(
        s, d, tdagi_reader_value(s, packed ? args->u.items[0] : args, NULL, records));
}

/* An object or a member of an Enum. */
static const tdag_shim_value *from_class(tdag_shim_session *s, const tdagi_pickle *p,
                                         const char *records)
{
    const tdagi_definition *d = NULL;
    const char *path = class_path(s, p->u.items[0]);
    if (path == NULL) return s->status != TDAG_OK ? NULL : unknown(s, p);
    if (tdagi_reader_find(s, path, &d) != TDAG_OK) return NULL;
    if (d == NULL || d->class_ == NULL) {
        bool packed = strncmp(path, "__torch__.torch.classes.", 24) == 0;
        tdagi_reader_fail(s, packed ? TDAG_E_UNSUPPORTED : TDAG_E_FORMAT,
                          packed ? "it holds an object of %s, which is C++ code"
                                 : "it has no class %s",
                          path);
        return NULL;
    }
    if (strcmp(d->class_->base, "Enum") == 0)
        return from_enum(s, d, p->u.items[1], records);
    return tdagi_reader_object_new(s, d, p->n > 2 ? p->u.items[2] : NULL, records);
}

/* What is applied, by the names that the pickles have. */
static const tdag_shim_value *from_call(tdag_shim_session *s, const tdagi_pickle *p,
                                        const tdagi_source_type *type,
                                        const char *records)
{
    const tdagi_pickle *args = p->u.items[1];
    const char *name =
        p->u.items[0]->kind == TDAGI_PICKLE_GLOBAL ? p->u.items[0]->u.s : "";
    if (args->kind != TDAGI_PICKLE_TUPLE || args->n == 0)
        return from_class(s, p, records);
    if (strncmp(name, "torch.jit._pickle build_", 24) == 0 ||
        strcmp(name, "torch.jit._pickle restore_type_tag") == 0)
        return tdagi_reader_value(s, args->u.items[0], type, records);
    if (strcmp(name, "torch device") == 0 &&
        args->u.items[0]->kind == TDAGI_PICKLE_STRING)
        return make_text(s, TDAG_SHIM_DEVICE, args->u.items[0]->u.s,
                         args->u.items[0]->n);
    if (strcmp(name, "builtins complex") == 0 && args->n == 2) {
        tdag_shim_value *v = tdagi_reader_new_value(s, TDAG_SHIM_COMPLEX);
        for (size_t i = 0; i < 2 && v != NULL; i++)
            if (args->u.items[i]->kind == TDAGI_PICKLE_FLOAT)
                v->u.complex_[i] = args->u.items[i]->u.f;
        return v;
    }
    return from_class(s, p, records);
}

static const tdag_shim_value *from_apply(tdag_shim_session *s, const tdagi_pickle *p,
                                         const tdagi_source_type *type,
                                         const char *records)
{
    tdagi_pickle_tensor t;
    bool is_tensor = false;
    tdag_status st = tdagi_pickle_get_tensor(s->ctx, p, &is_tensor, &t);
    if (tdagi_reader_note(s, st) != TDAG_OK) return NULL;
    return is_tensor ? tdagi_reader_tensor_value(s, &t, records)
                     : from_call(s, p, type, records);
}

static const tdag_shim_value *convert(tdag_shim_session *s, const tdagi_pickle *p,
                                      const tdagi_source_type *type,
                                      const char *records)
{
    switch ((tdagi_pickle_kind)p->kind) {
    case TDAGI_PICKLE_NONE:
        return tdagi_reader_new_value(s, TDAG_SHIM_NONE);
    case TDAGI_PICKLE_BOOL:
        return tdagi_reader_bool(s, p->u.i != 0);
    case TDAGI_PICKLE_INT:
        return tdagi_reader_int(s, p->u.i);
    case TDAGI_PICKLE_FLOAT:
        return make_double(s, p->u.f);
    case TDAGI_PICKLE_STRING:
        return make_text(s, TDAG_SHIM_STRING, p->u.s, p->n);
    case TDAGI_PICKLE_LIST:
        return from_items(s, p, type, records, TDAG_SHIM_LIST);
    case TDAGI_PICKLE_TUPLE:
        return from_tuple(s, p, type, records);
    case TDAGI_PICKLE_DICT:
        return from_items(s, p, type, records, TDAG_SHIM_DICT);
    case TDAGI_PICKLE_APPLY:
        return from_apply(s, p, type, records);
    case TDAGI_PICKLE_GLOBAL:
    case TDAGI_PICKLE_PERSISTENT:
        break;
    }
    tdagi_reader_fail(s, TDAG_E_FORMAT,
                      "a value of its pickles is no value of a model");
    return NULL;
}

/* The same part of a pickle is the same value. */
const tdag_shim_value *tdagi_reader_value(tdag_shim_session *s, const tdagi_pickle *p,
                                          const tdagi_source_type *type,
                                          const char *records)
{
    bool shared = p->kind == TDAGI_PICKLE_APPLY;
    const tdag_shim_value *v = shared ? tdagi_table_get(&s->values, p, 0) : NULL;
    if (v != NULL) return v;
    v = convert(s, p, plain(type), records);
    if (v == NULL || !shared) return v;
    void **slot = tdagi_table_at(&s->arena, &s->values, p, 0);
    if (slot == NULL) {
        tdagi_reader_nomem(s);
        return NULL;
    }
    union { /* what the table keeps is only read */
        const tdag_shim_value *in;
        void *out;
    } kept = {v};
    *slot = kept.out;
    return v;
}

/* ---- values of literals ---- */

static const tdag_shim_value *
literal_items(tdag_shim_session *s, const tdagi_source_expr *e, tdag_shim_kind kind)
{
    tdag_shim_value *v = make_items(s, kind, e->n);
    for (uint32_t i = 0; i < e->n && v != NULL; i++) {
        v->u.items[i] = tdagi_reader_literal(s, e->items[i]);
        if (v->u.items[i] == NULL) return NULL;
    }
    return v;
}

static const tdag_shim_value *literal_name(tdag_shim_session *s, const char *name)
{
    if (strcmp(name, "inf") == 0) return make_double(s, (double)INFINITY);
    if (strcmp(name, "nan") == 0) return make_double(s, (double)NAN);
    return NULL;
}

/* torch.device("cpu"), annotate(T, x) */
static const tdag_shim_value *literal_call(tdag_shim_session *s,
                                           const tdagi_source_expr *e)
{
    const tdagi_source_expr *f = e->items[0];
    if (f->kind == TDAGI_EXPR_NAME && strcmp(f->u.s, "annotate") == 0 && e->n == 3)
        return tdagi_reader_literal(s, e->items[2]);
    bool is_device = f->kind == TDAGI_EXPR_ATTR && strcmp(f->u.s, "device") == 0 &&
                     f->items[0]->kind == TDAGI_EXPR_NAME &&
                     strcmp(f->items[0]->u.s, "torch") == 0 && e->n == 2 &&
                     e->items[1]->kind == TDAGI_EXPR_STRING;
    if (!is_device) return NULL;
    return make_text(s, TDAG_SHIM_DEVICE, e->items[1]->u.s, e->items[1]->n_s);
}

static const tdag_shim_value *negated(tdag_shim_session *s, const tdagi_source_expr *e)
{
    const tdag_shim_value *v = tdagi_reader_literal(s, e);
    if (v == NULL || v->kind != TDAG_SHIM_DOUBLE) return NULL;
    return make_double(s, -v->u.f);
}

const tdag_shim_value *tdagi_reader_literal(tdag_shim_session *s,
                                            const tdagi_source_expr *e)
{
    tdag_shim_value *v = NULL;
    switch ((tdagi_source_expr_kind)e->kind) {
    case TDAGI_EXPR_NONE:
        return tdagi_reader_new_value(s, TDAG_SHIM_NONE);
    case TDAGI_EXPR_BOOL:
        return tdagi_reader_bool(s, e->u.i != 0);
    case TDAGI_EXPR_INT:
        return tdagi_reader_int(s, e->u.i);
    case TDAGI_EXPR_FLOAT:
        return make_double(s, e->u.f);
    case TDAGI_EXPR_COMPLEX:
        v = tdagi_reader_new_value(s, TDAG_SHIM_COMPLEX);
        if (v != NULL) v->u.complex_[1] = e->u.f;
        return v;
    case TDAGI_EXPR_STRING:
        return make_text(s, TDAG_SHIM_STRING, e->u.s, e->n_s);
    case TDAGI_EXPR_LIST:
        return literal_items(s, e, TDAG_SHIM_LIST);
    case TDAGI_EXPR_TUPLE:
        return literal_items(s, e, TDAG_SHIM_TUPLE);
    case TDAGI_EXPR_DICT:
        return literal_items(s, e, TDAG_SHIM_DICT);
    case TDAGI_EXPR_NAME:
        return literal_name(s, e->u.s);
    case TDAGI_EXPR_MINUS:
        return negated(s, e->items[0]);
    case TDAGI_EXPR_CALL:
        return literal_call(s, e);
    case TDAGI_EXPR_ATTR:
    case TDAGI_EXPR_INDEX:
    case TDAGI_EXPR_TYPE:
    case TDAGI_EXPR_BINARY:
    case TDAGI_EXPR_NOT:
    case TDAGI_EXPR_INVERT:
    case TDAGI_EXPR_TERNARY:
    case TDAGI_EXPR_SLICE:
        break;
    }
    return NULL;
}

/* ---- functions of the table ---- */

static tdag_shim_kind value_kind(const tdag_shim_value *v)
{
    return (tdag_shim_kind)v->kind;
}

static const char *value_type(tdag_shim_session *s, const tdag_shim_value *v)
{
    (void)s;
    return v->class_ == NULL ? "" : v->class_->path;
}

static int64_t value_int(const tdag_shim_value *v)
{
    return v->kind == TDAG_SHIM_INT ? v->u.i : 0;
}

static double value_double(const tdag_shim_value *v)
{
    return v->kind == TDAG_SHIM_DOUBLE ? v->u.f : 0;
}

static void value_complex(const tdag_shim_value *v, double *re_out, double *im_out)
{
    bool is = v->kind == TDAG_SHIM_COMPLEX;
    *re_out = is ? v->u.complex_[0] : 0;
    *im_out = is ? v->u.complex_[1] : 0;
}

static bool value_bool(const tdag_shim_value *v)
{
    return v->kind == TDAG_SHIM_BOOL && v->u.i != 0;
}

static const char *value_string(tdag_shim_session *s, const tdag_shim_value *v,
                                size_t *length_out)
{
    (void)s;
    bool is_text = v->kind == TDAG_SHIM_STRING || v->kind == TDAG_SHIM_DEVICE;
    if (length_out != NULL) *length_out = is_text ? v->u.text.n : 0;
    return is_text ? v->u.text.s : "";
}

static size_t value_size(const tdag_shim_value *v)
{
    switch (v->kind) {
    case TDAG_SHIM_LIST:
    case TDAG_SHIM_TUPLE:
    case TDAG_SHIM_DICT:
    case TDAG_SHIM_OBJECT:
        return v->n;
    default:
        return 0;
    }
}

static const tdag_shim_value *value_item(tdag_shim_session *s, const tdag_shim_value *v,
                                         size_t i)
{
    if (i >= value_size(v)) return NULL;
    if (v->kind == TDAG_SHIM_OBJECT) return tdagi_reader_attr(s, v, i);
    return v->u.items[v->kind == TDAG_SHIM_DICT ? 2 * i + 1 : i];
}

static const tdag_shim_value *enum_value(tdag_shim_session *s, const tdag_shim_value *v)
{
    (void)s;
    return v->kind == TDAG_SHIM_ENUM ? v->u.items[0] : NULL;
}

static const tdag_shim_value *dict_key(tdag_shim_session *s, const tdag_shim_value *v,
                                       size_t i)
{
    (void)s;
    return v->kind == TDAG_SHIM_DICT && i < v->n ? v->u.items[2 * i] : NULL;
}

static const char *tuple_field(tdag_shim_session *s, const tdag_shim_value *v, size_t i)
{
    (void)s;
    if (v->kind != TDAG_SHIM_TUPLE || v->class_ == NULL || i >= v->n) return NULL;
    return v->class_->class_->attrs[i].name;
}

void tdagi_reader_value_functions(tdag_shim_api *api)
{
    api->value_kind = value_kind;
    api->value_type = value_type;
    api->value_int = value_int;
    api->value_double = value_double;
    api->value_complex = value_complex;
    api->value_bool = value_bool;
    api->value_string = value_string;
    api->value_size = value_size;
    api->value_item = value_item;
    api->enum_value = enum_value;
    api->dict_key = dict_key;
    api->tuple_field = tuple_field;
}
