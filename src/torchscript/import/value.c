/* Values of the shim as values of rows. */
#include <string.h>

#include "torchscript/import/import.h"

static tdagi_any seq_from_shim(tdagi_import *im, const tdag_shim_value *v,
                               const char *path, tdagi_any_kind kind)
{
    size_t n = im->api->value_size(v);
    tdagi_any out = tdagi_any_seq(&im->env, kind, 0, NULL);
    for (size_t i = 0; i < n && tdagi_env_ok(&im->env); i++) {
        const tdag_shim_value *item = im->api->value_item(im->session, v, i);
        const char *name = tdagi_env_text(&im->env, "%s.%zu", path, i);
        tdagi_any x =
            item == NULL ? tdagi_any_none() : tdagi_import_value(im, item, name);
        if (out.kind != TDAGI_ANY_POISON) tdagi_seq_append(&im->env, out.u.seq, x);
    }
    if (kind == TDAGI_ANY_TUPLE && n > 0 && out.kind == kind &&
        im->api->tuple_field(im->session, v, 0) != NULL) {
        out.u.seq->type_name = im->api->value_type(im->session, v);
        out.u.seq->fields = tdagi_env_alloc(&im->env, n * sizeof(char *));
        for (size_t i = 0; i < n && out.u.seq->fields != NULL; i++)
            out.u.seq->fields[i] = im->api->tuple_field(im->session, v, i);
    }
    return out;
}

static tdagi_any dict_from_shim(tdagi_import *im, const tdag_shim_value *v,
                                const char *path)
{
    tdagi_any out = tdagi_any_dict(&im->env);
    size_t n = im->api->value_size(v);
    for (size_t i = 0; i < n && tdagi_env_ok(&im->env); i++) {
        const tdag_shim_value *k = im->api->dict_key(im->session, v, i);
        const tdag_shim_value *item = im->api->value_item(im->session, v, i);
        if (k == NULL || item == NULL) break;
        tdagi_any key = tdagi_import_value(im, k, path);
        const char *name =
            tdagi_env_text(&im->env, "%s.%s", path, tdagi_any_text(&im->env, key));
        tdagi_dict_set(&im->env, out.u.dict, key, tdagi_import_value(im, item, name));
    }
    return out;
}

static tdagi_any object_from_shim(tdagi_import *im, const tdag_shim_value *v,
                                  const char *path)
{
    tdagi_object *o = tdagi_env_alloc(&im->env, sizeof(*o));
    if (o == NULL) return tdagi_any_poison();
    memset(o, 0, sizeof(*o));
    o->shim = v;
    o->path = path;
    return (tdagi_any){.kind = TDAGI_ANY_OBJECT, .u.object = o};
}

/* Its class and its value: members of one class are equal where their values are. */
static tdagi_any enum_member(tdagi_import *im, const tdag_shim_value *v,
                             const char *path)
{
    const tdag_shim_value *value = im->api->enum_value(im->session, v);
    if (value == NULL) return tdagi_any_poison();
    const tdagi_any both[] = {tdagi_any_string(im->api->value_type(im->session, v)),
                              tdagi_import_value(im, value, path)};
    return tdagi_any_seq(&im->env, TDAGI_ANY_TUPLE, 2, both);
}

static tdagi_any complex_number(tdagi_import *im, const tdag_shim_value *v)
{
    double re = 0, imaginary = 0;
    im->api->value_complex(v, &re, &imaginary);
    return tdagi_any_complex_number(&im->env, re, imaginary);
}

tdagi_any tdagi_import_value(tdagi_import *im, const tdag_shim_value *v,
                             const char *path)
{
    const tdag_shim_api *api = im->api;
    switch (api->value_kind(v)) {
    case TDAG_SHIM_NONE:
        return tdagi_any_none();
    case TDAG_SHIM_TENSOR:
        return tdagi_import_constant(im, v, path);
    case TDAG_SHIM_INT:
        return tdagi_any_int(&im->env, api->value_int(v));
    case TDAG_SHIM_DOUBLE:
        return tdagi_any_float(api->value_double(v));
    case TDAG_SHIM_BOOL:
        return tdagi_any_bool(api->value_bool(v));
    case TDAG_SHIM_STRING:
        return tdagi_any_string(api->value_string(im->session, v, NULL));
    case TDAG_SHIM_DEVICE:
        return (tdagi_any){.kind = TDAGI_ANY_DEVICE,
                           .u.s = api->value_string(im->session, v, NULL)};
    case TDAG_SHIM_LIST:
        return seq_from_shim(im, v, path, TDAGI_ANY_LIST);
    case TDAG_SHIM_TUPLE:
        return seq_from_shim(im, v, path, TDAGI_ANY_TUPLE);
    case TDAG_SHIM_DICT:
        return dict_from_shim(im, v, path);
    case TDAG_SHIM_OBJECT:
        return object_from_shim(im, v, path);
    case TDAG_SHIM_COMPLEX:
        return complex_number(im, v);
    case TDAG_SHIM_ENUM:
        return enum_member(im, v, path);
    case TDAG_SHIM_OTHER:
        break;
    }
    return (tdagi_any){.kind = TDAGI_ANY_OTHER, .u.foreign = v};
}
