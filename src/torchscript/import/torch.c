/* PyTorch's schemas as ours, read once, and PyTorch itself beside the native reader:
 * loaded only where an operator that is not known is to be kept as an opaque node. */
#include <string.h>

#include "torchscript/import/import.h"
#include "torchscript/shim_load.h"

/* ---- schemas ---- */

static uint32_t slot_of(const tdag_shim_schema *shim, uint32_t capacity)
{
    return (uint32_t)((uintptr_t)shim >> 4) & (capacity - 1);
}

static bool schemas_grow(tdagi_import *im)
{
    tdagi_import_schema **old = im->schemas;
    uint32_t n = im->schemas_capacity, wider = n == 0 ? 128 : n * 2;
    tdagi_import_schema **p = tdagi_env_alloc(&im->env, wider * sizeof(*p));
    if (p == NULL) return false;
    memset(p, 0, wider * sizeof(*p));
    for (uint32_t i = 0; i < n; i++) {
        if (old[i] == NULL) continue;
        uint32_t at = slot_of(old[i]->shim, wider);
        while (p[at] != NULL)
            at = (at + 1) & (wider - 1);
        p[at] = old[i];
    }
    im->schemas = p;
    im->schemas_capacity = wider;
    return true;
}

static tdagi_default read_default(tdagi_import *im, const tdag_shim_value *v);

static tdagi_default read_list(tdagi_import *im, const tdag_shim_value *v)
{
    size_t n = im->torch->value_size(v);
    tdagi_default *items = tdagi_env_alloc(&im->env, n * sizeof(*items));
    if (items == NULL) return (tdagi_default){.kind = TDAGI_DEFAULT_OTHER};
    for (size_t i = 0; i < n; i++)
        items[i] = read_default(im, im->torch->value_item(im->torch_session, v, i));
    return (tdagi_default){
        .kind = TDAGI_DEFAULT_LIST, .n = (uint32_t)n, .items = items};
}

static tdagi_default read_default(tdagi_import *im, const tdag_shim_value *v)
{
    const tdag_shim_api *api = im->torch;
    if (v == NULL) return (tdagi_default){.kind = TDAGI_DEFAULT_NONE};
    switch (api->value_kind(v)) {
    case TDAG_SHIM_NONE:
        return (tdagi_default){.kind = TDAGI_DEFAULT_NONE};
    case TDAG_SHIM_INT:
        return (tdagi_default){.kind = TDAGI_DEFAULT_INT, .i = api->value_int(v)};
    case TDAG_SHIM_DOUBLE:
        return (tdagi_default){.kind = TDAGI_DEFAULT_FLOAT, .f = api->value_double(v)};
    case TDAG_SHIM_BOOL:
        return (tdagi_default){.kind = TDAGI_DEFAULT_BOOL, .i = api->value_bool(v)};
    case TDAG_SHIM_STRING:
        return (tdagi_default){.kind = TDAGI_DEFAULT_STRING,
                               .s = api->value_string(im->torch_session, v, NULL)};
    case TDAG_SHIM_LIST:
    case TDAG_SHIM_TUPLE:
        return read_list(im, v);
    case TDAG_SHIM_TENSOR:
    case TDAG_SHIM_DEVICE:
    case TDAG_SHIM_DICT:
    case TDAG_SHIM_OBJECT:
    case TDAG_SHIM_ENUM:
    case TDAG_SHIM_COMPLEX:
    case TDAG_SHIM_OTHER:
        break;
    }
    return (tdagi_default){.kind = TDAGI_DEFAULT_OTHER};
}

static bool read_parameters(tdagi_import *im, tdagi_import_schema *s)
{
    uint32_t n = (uint32_t)im->torch->schema_n_args(s->shim);
    tdagi_parameter *args = tdagi_env_alloc(&im->env, n * sizeof(*args));
    if (args == NULL) return false;
    for (uint32_t i = 0; i < n; i++) {
        tdag_shim_arg a;
        im->torch->schema_arg(im->torch_session, s->shim, i, &a);
        args[i] = (tdagi_parameter){.name = a.name,
                                    .type = a.type,
                                    .keyword_only = a.kwarg_only,
                                    .is_written = a.is_written};
        if (a.has_default && a.default_value != NULL)
            args[i].by_default = read_default(im, a.default_value);
    }
    s->ours.args = args;
    s->ours.n_args = n;
    return true;
}

static tdagi_import_schema *read_schema(tdagi_import *im, const tdag_shim_schema *shim)
{
    const tdag_shim_api *api = im->torch;
    tdagi_import_schema *s = tdagi_env_alloc(&im->env, sizeof(*s));
    if (s == NULL) return NULL;
    memset(s, 0, sizeof(*s));
    s->shim = shim;
    s->ours.name = api->schema_name(shim);
    s->ours.overload = api->schema_overload(shim);
    s->ours.n_results = (uint32_t)api->schema_n_results(shim);
    s->ours.is_vararg = api->schema_is_vararg(shim);
    if (!read_parameters(im, s)) return NULL;
    tdagi_schema_bind(&s->ours);
    return s;
}

const tdagi_import_schema *tdagi_import_schema_of(tdagi_import *im,
                                                  const tdag_shim_schema *shim)
{
    if (2 * (im->n_schemas + 1) > im->schemas_capacity && !schemas_grow(im))
        return NULL;
    uint32_t at = slot_of(shim, im->schemas_capacity);
    while (im->schemas[at] != NULL) {
        if (im->schemas[at]->shim == shim) return im->schemas[at];
        at = (at + 1) & (im->schemas_capacity - 1);
    }
    im->schemas[at] = read_schema(im, shim);
    im->n_schemas += im->schemas[at] != NULL;
    return im->schemas[at];
}

/* ---- PyTorch beside the native reader ---- */

bool tdagi_import_need_torch(tdagi_import *im)
{
    tdag_shim_error error;
    tdag_ctx *ctx = im->env.ctx;
    if (im->torch_session != NULL) return true;
    const tdag_shim_api *api = NULL;
    tdag_status st = tdagi_shim_load(ctx, im->shim_path, &api);
    if (st == TDAG_OK && api->session_create(&im->torch_session, &error) != 0)
        st = tdagi_shim_fail(ctx, TDAG_E_SHIM, &error);
    if (st != TDAG_OK)
        im->env.status = st;
    else
        im->torch = api;
    return st == TDAG_OK;
}

void tdagi_import_free_torch(tdagi_import *im)
{
    if (im->torch_session != NULL && im->torch_session != im->session)
        im->torch->session_free(im->torch_session);
}

const tdagi_import_schema *tdagi_import_ask_torch(tdagi_import *im,
                                                  const tdagi_source_call *call,
                                                  tdagi_resolved *out)
{
    if (!tdagi_import_need_torch(im)) return NULL;
    size_t n = im->torch->op_n_overloads(call->name);
    const tdagi_schema **all = tdagi_env_alloc(&im->env, (n + 1) * sizeof(*all));
    const tdagi_import_schema **read =
        tdagi_env_alloc(&im->env, (n + 1) * sizeof(*read));
    if (n == 0 || all == NULL || read == NULL) return NULL;
    for (size_t i = 0; i < n; i++) {
        const tdag_shim_schema *shim =
            im->torch->op_overload(im->torch_session, call->name, i);
        read[i] = shim == NULL ? NULL : tdagi_import_schema_of(im, shim);
        if (read[i] == NULL) return NULL;
        all[i] = &read[i]->ours;
    }
    if (!tdagi_resolve_among(&im->env, all, (uint32_t)n, call, out)) return NULL;
    for (size_t i = 0; i < n; i++)
        if (out->schema == all[i]) return read[i];
    return NULL;
}
