/* TorchScript files run by PyTorch, flat tensors in and out.
 * Arguments are put together by their declared types, in order; results are taken apart
 * depth first, dicts in their order, None and numbers left out. */
#include <stdio.h>
#include <string.h>

#include <tdagger/torch.h>

#include "base/ctx.h"
#include "torchscript/argument_type.h"
#include "torchscript/arguments.h"
#include "torchscript/shim_load.h"

typedef struct torch_run {
    tdag_ctx *ctx;
    const tdag_shim_api *api;
    tdag_shim_session *session;
    tdag_tensor *const *inputs;
    const char *const *names; /* NULL: inputs go by position */
    uint32_t n_inputs;
    uint64_t complex_inputs;   /* as bits */
    const char *const *values; /* "NAME=VALUE" of arguments */
    uint32_t n_values;
    tdagi_arena arena;        /* of the arguments */
    const uint32_t *order;    /* by tensor of the arguments: the input */
    uint32_t n_taken;         /* tensors so far */
    tdagi_structure *results; /* what is expected, NULL: anything */
    uint32_t at;              /* its node for the next leaf of the results */
    tdag_named_tensors out;
    uint32_t capacity; /* of the arrays of out */
} torch_run;

/* ---- arguments ---- */
static tdag_status make_tensor(torch_run *r, const tdag_shim_value **out)
{
    uint32_t which = r->order[r->n_taken++];
    const tdag_tensor *t = r->inputs[which];
    tdag_shim_error error;
    tdag_shim_tensor_spec spec = {.dtype = tdag_tensor_get_dtype(t),
                                  .rank = tdag_tensor_get_rank(t),
                                  .sizes = tdag_tensor_get_shape(t),
                                  .data = tdag_tensor_get_data(t),
                                  .is_complex = which < 64 &&
                                                (r->complex_inputs >> which & 1) != 0};
    if (r->api->make_tensor(r->session, &spec, out, &error) != 0)
        return tdagi_shim_fail(r->ctx, TDAG_E_SHIM, &error);
    return TDAG_OK;
}

static tdag_status make_argument(torch_run *r, const tdagi_structure_node *node,
                                 const char *type, const tdag_shim_value **out);

/* The items of a node, and of a dict their keys. */
static tdag_status make_items(torch_run *r, const tdagi_structure_node *node,
                              const char *type, const tdag_shim_value **items,
                              const tdag_shim_value **keys)
{
    const tdagi_structure_node *item = tdagi_structure_first(node);
    bool is_tuple = node->kind == TDAGI_STRUCTURE_TUPLE;
    bool is_dict = node->kind == TDAGI_STRUCTURE_DICT;
    tdagi_type_item of = {.type = NULL};
    bool known = type != NULL && tdagi_type_first(type, &of) &&
                 (!is_dict || tdagi_type_next(&of));
    for (uint32_t i = 0; i < node->n; i++, item = tdagi_structure_next(item)) {
        keys[i] = is_dict ? r->api->make_string(r->session, item->key) : NULL;
        if (is_dict && keys[i] == NULL) return tdagi_nomem(r->ctx);
        TDAGI_TRY(make_argument(r, item, known ? of.type : NULL, &items[i]));
        if (is_tuple) known = known && tdagi_type_next(&of);
    }
    return TDAG_OK;
}

/* The type of a list's items, or of a dict's values, as the declared type has it; NULL:
 * as the first one's, which the call makes what is declared. */
static const char *type_of_items(torch_run *r, const char *type, bool is_dict)
{
    tdagi_type_item item;
    if (type == NULL || !tdagi_type_first(type, &item)) return NULL;
    if (is_dict && !tdagi_type_next(&item)) return NULL;
    size_t n = tdagi_type_size(item.type);
    const char *class_ = strstr(item.type, "__torch__.");
    if (class_ != NULL && class_ < item.type + n) return NULL;
    char *text = tdagi_arena_alloc(&r->arena, n + 1);
    if (text == NULL) return NULL;
    memcpy(text, item.type, n);
    text[n] = '\0';
    return text;
}

static tdag_status make_container(torch_run *r, const tdagi_structure_node *node,
                                  const char *type, const tdag_shim_value **out)
{
    const tdag_shim_api *api = r->api;
    size_t n = node->n;
    const tdag_shim_value **items = tdagi_arena_array(&r->arena, n + 1, sizeof *items);
    const tdag_shim_value **keys = tdagi_arena_array(&r->arena, n + 1, sizeof *keys);
    if (items == NULL || keys == NULL) return tdagi_nomem(r->ctx);
    TDAGI_TRY(make_items(r, node, type, items, keys));
    tdag_shim_error error;
    int failed = 0;
    if (node->kind == TDAGI_STRUCTURE_TUPLE)
        failed = api->make_tuple(r->session, n, items, out, &error);
    else if (node->kind == TDAGI_STRUCTURE_LIST)
        failed = api->make_list(r->session, type_of_items(r, type, false), n, items,
                                out, &error);
    else
        failed = api->make_dict(r->session, "str", type_of_items(r, type, true), n,
                                keys, items, out, &error);
    return failed ? tdagi_shim_fail(r->ctx, TDAG_E_SHIM, &error) : TDAG_OK;
}

/* A value of the structure, of a declared type; recursion ends where the structure's
 * depth does. */
static tdag_status make_argument(torch_run *r, const tdagi_structure_node *node,
                                 const char *type, const tdag_shim_value **out)
{
    const tdag_shim_api *api = r->api;
    if (type != NULL && tdagi_type_is(type, "Optional[")) type += strlen("Optional[");
    switch ((tdagi_structure_kind)node->kind) {
    case TDAGI_STRUCTURE_TENSOR:
        return make_tensor(r, out);
    case TDAGI_STRUCTURE_TUPLE:
    case TDAGI_STRUCTURE_LIST:
    case TDAGI_STRUCTURE_DICT:
        return make_container(r, node, type, out);
    case TDAGI_STRUCTURE_NONE:
        *out = api->make_none(r->session);
        break;
    case TDAGI_STRUCTURE_BOOL:
        *out = api->make_bool(r->session, node->u.b);
        break;
    case TDAGI_STRUCTURE_INT:
        *out = api->make_int(r->session, node->u.i);
        break;
    case TDAGI_STRUCTURE_FLOAT:
        *out = api->make_double(r->session, node->u.f);
        break;
    case TDAGI_STRUCTURE_STRING:
        *out = api->make_string(r->session, node->u.s);
        break;
    }
    return *out == NULL ? tdagi_nomem(r->ctx) : TDAG_OK;
}

static tdag_status make_all(torch_run *r, const tdag_shim_schema *schema,
                            const tdagi_arguments *bound, const tdag_shim_value **args)
{
    const tdagi_structure_node *root = bound->structure->nodes;
    const tdagi_structure_node *item = tdagi_structure_first(root);
    for (uint32_t i = 0; i < root->n; i++, item = tdagi_structure_next(item)) {
        tdag_shim_arg arg;
        r->api->schema_arg(r->session, schema, i + 1, &arg); /* 0 is self */
        if (bound->is_default[i])
            args[i] = arg.default_value;
        else
            TDAGI_TRY(make_argument(r, item, arg.type, &args[i]));
    }
    return TDAG_OK;
}

static tdag_status make_arguments(torch_run *r, const tdag_shim_schema *schema,
                                  const tdag_shim_value **args)
{
    const tdagi_arguments_call call = {.ctx = r->ctx,
                                       .api = r->api,
                                       .session = r->session,
                                       .schema = schema,
                                       .arena = &r->arena,
                                       .names = r->names,
                                       .n_inputs = r->n_inputs,
                                       .values = r->values,
                                       .n_values = r->n_values};
    tdagi_arguments bound;
    TDAGI_TRY(tdagi_arguments_bind(&call, &bound));
    r->order = bound.order;
    tdag_status st = make_all(r, schema, &bound, args);
    tdagi_structure_free(bound.structure);
    return st;
}

/* ---- results ---- */
static tdag_status grow(torch_run *r)
{
    if (r->out.n < r->capacity) return TDAG_OK;
    uint32_t bigger = r->capacity + 1; /* exact, as tdag_tensors_free() expects */
    void *names = r->out.names, *tensors = r->out.tensors;
    TDAGI_TRY(tdagi_realloc(r->ctx, &names, r->capacity * sizeof(char *),
                            bigger * sizeof(char *)));
    r->out.names = names;
    tdag_status status =
        tdagi_realloc(r->ctx, &tensors, r->capacity * sizeof(tdag_tensor *),
                      bigger * sizeof(tdag_tensor *));
    if (status != TDAG_OK) { /* both arrays stay of one length */
        (void)tdagi_realloc(r->ctx, &names, bigger * sizeof(char *),
                            r->capacity * sizeof(char *));
        r->out.names = names;
        return status;
    }
    r->out.tensors = tensors;
    r->capacity = bigger;
    return TDAG_OK;
}

static tdag_status add_result(torch_run *r, tdag_dtype dtype, uint32_t rank,
                              const int64_t *sizes, const void *data)
{
    char text[24];
    char *name = NULL;
    snprintf(text, sizeof(text), "out%u", (unsigned)r->out.n);
    TDAGI_TRY(grow(r));
    TDAGI_TRY(tdagi_strdup(r->ctx, text, &name));
    tdag_tensor *copy = NULL;
    tdag_status status = tdag_tensor_create(r->ctx, dtype, rank, sizes, &copy);
    if (status != TDAG_OK) {
        tdagi_strfree(r->ctx, name);
        return status;
    }
    if (tdag_tensor_get_size(copy) > 0)
        memcpy(tdag_tensor_get_mutable_data(copy), data, tdag_tensor_get_size(copy));
    r->out.names[r->out.n] = name;
    r->out.tensors[r->out.n++] = copy;
    return TDAG_OK;
}

static tdag_status take_tensor(torch_run *r, const tdag_shim_value *value)
{
    tdag_shim_error error;
    tdag_shim_tensor t;
    if (r->api->tensor_contiguous(r->session, value, &value, &error) != 0 ||
        r->api->tensor_get(value, &t, &error) != 0)
        return tdagi_shim_fail(r->ctx, TDAG_E_SHIM, &error);
    if (t.dtype == TDAG_DTYPE_NONE)
        return tdagi_fail(r->ctx, TDAG_E_UNSUPPORTED, "output %u has dtype %s",
                          (unsigned)r->out.n, t.dtype_name);
    return add_result(r, t.dtype, t.rank, t.sizes, t.data);
}

static tdag_status take_number(torch_run *r, const tdag_shim_value *value,
                               tdag_shim_kind kind)
{
    int64_t i = kind == TDAG_SHIM_INT ? r->api->value_int(value) : 0;
    double f = kind == TDAG_SHIM_DOUBLE ? r->api->value_double(value) : 0;
    unsigned char b = kind == TDAG_SHIM_BOOL && r->api->value_bool(value);
    if (kind == TDAG_SHIM_INT) return add_result(r, TDAG_I64, 0, NULL, &i);
    return kind == TDAG_SHIM_BOOL ? add_result(r, TDAG_BOOL, 0, NULL, &b)
                                  : add_result(r, TDAG_F64, 0, NULL, &f);
}

/* Whether a tensor is expected as the next leaf of the results. */
static bool wants_tensor(torch_run *r)
{
    const tdagi_structure *s = r->results;
    while (s != NULL && r->at < s->n && tdagi_structure_has_items(&s->nodes[r->at]))
        r->at++;
    return s != NULL && r->at < s->n &&
           s->nodes[r->at++].kind == TDAGI_STRUCTURE_TENSOR;
}

/* Whether the next value is one, a list, of which a tensor has the items as rows; what
 * has items is stepped into. */
static bool wants_rows(torch_run *r)
{
    const tdagi_structure *s = r->results;
    if (s == NULL || r->at >= s->n) return false;
    const tdagi_structure_node *node = &s->nodes[r->at];
    bool rows = node->kind == TDAGI_STRUCTURE_TENSOR && node->u.i != 0;
    r->at += rows || tdagi_structure_has_items(node);
    return rows;
}

static tdag_status take_item(torch_run *r, const tdag_shim_value *item)
{
    tdag_shim_kind kind = item == NULL ? TDAG_SHIM_NONE : r->api->value_kind(item);
    return kind == TDAG_SHIM_TENSOR ? take_tensor(r, item) : take_number(r, item, kind);
}

static void drop_results(torch_run *r)
{
    for (uint32_t i = 0; i < r->out.n; i++) {
        tdagi_strfree(r->ctx, r->out.names[i]);
        tdag_tensor_free(r->out.tensors[i]);
    }
    tdagi_free(r->ctx, r->out.names, r->capacity * sizeof(char *));
    tdagi_free(r->ctx, r->out.tensors, r->capacity * sizeof(tdag_tensor *));
}

/* The items become one tensor. */
static tdag_status stack_items(torch_run *r, const tdag_named_tensors *items)
{
    int64_t shape[TDAG_MAX_RANK] = {items->n};
    tdag_dtype dtype = TDAG_F32;
    uint32_t rank = 0;
    size_t size = 0;
    void *data = NULL;
    if (items->n > 0) {
        dtype = tdag_tensor_get_dtype(items->tensors[0]);
        rank = tdag_tensor_get_rank(items->tensors[0]);
        size = tdag_tensor_get_size(items->tensors[0]);
    }
    if (rank == TDAG_MAX_RANK)
        return tdagi_fail(r->ctx, TDAG_E_LIMIT, "a list of tensors of rank %u",
                          (unsigned)rank);
    if (rank > 0)
        memcpy(shape + 1, tdag_tensor_get_shape(items->tensors[0]),
               rank * sizeof *shape);
    TDAGI_TRY(tdagi_array_alloc(r->ctx, items->n, size, &data));
    tdag_status st = TDAG_OK;
    for (uint32_t i = 0; i < items->n; i++) {
        const tdag_tensor *t = items->tensors[i];
        if (tdag_tensor_get_dtype(t) != dtype || tdag_tensor_get_size(t) != size)
            st = tdagi_fail(r->ctx, TDAG_E_UNSUPPORTED,
                            "a list of tensors of several sizes or dtypes");
        else if (size > 0)
            memcpy((char *)data + i * size, tdag_tensor_get_data(t), size);
    }
    if (st == TDAG_OK) st = add_result(r, dtype, rank + 1, shape, data);
    tdagi_free(r->ctx, data, items->n * size);
    return st;
}

static tdag_status take_rows(torch_run *r, const tdag_shim_value *list)
{
    torch_run items = *r;
    tdag_status st = TDAG_OK;
    items.out = (tdag_named_tensors){0};
    items.capacity = 0;
    for (size_t i = 0; st == TDAG_OK && i < r->api->value_size(list); i++)
        st = take_item(&items, r->api->value_item(r->session, list, i));
    if (st == TDAG_OK) st = stack_items(r, &items.out);
    drop_results(&items);
    return st;
}

static tdag_status take_results(torch_run *r, const tdag_shim_value *value, int depth)
{
    tdag_shim_kind kind = r->api->value_kind(value);
    bool is_list =
        kind == TDAG_SHIM_LIST || kind == TDAG_SHIM_TUPLE || kind == TDAG_SHIM_DICT;
    if (is_list && wants_rows(r)) return take_rows(r, value);
    bool wanted = !is_list && wants_tensor(r);
    if (kind == TDAG_SHIM_TENSOR) return take_tensor(r, value);
    if (is_list) {
        if (depth == 64)
            return tdagi_fail(r->ctx, TDAG_E_LIMIT, "a result is nested too deep");
        for (size_t i = 0; i < r->api->value_size(value); i++) {
            const tdag_shim_value *item = r->api->value_item(r->session, value, i);
            if (item == NULL) return tdagi_nomem(r->ctx);
            TDAGI_TRY(take_results(r, item, depth + 1));
        }
        return TDAG_OK;
    }
    bool is_number =
        kind == TDAG_SHIM_INT || kind == TDAG_SHIM_DOUBLE || kind == TDAG_SHIM_BOOL;
    if (is_number && wanted) return take_number(r, value, kind);
    if (is_number || kind == TDAG_SHIM_NONE || kind == TDAG_SHIM_STRING) return TDAG_OK;
    return tdagi_fail(r->ctx, TDAG_E_UNSUPPORTED, "a result has type %s",
                      r->api->value_type(r->session, value));
}

/* ---- the call ---- */

static tdag_status call_method(torch_run *r, const tdag_shim_value *module,
                               const char *method)
{
    tdag_shim_error error;
    const tdag_shim_value *result = NULL;
    const tdag_shim_schema *schema = NULL;
    TDAGI_TRY(tdagi_arguments_method(r->ctx, r->api, r->session, module, method));
    if (r->api->method_schema(r->session, module, method, &schema, &error) != 0)
        return tdagi_shim_fail(r->ctx, TDAG_E_SHIM, &error);
    size_t n = r->api->schema_n_args(schema);
    n = n == 0 ? 0 : n - 1;
    void *args = NULL;
    TDAGI_TRY(tdagi_array_alloc(r->ctx, n, sizeof(tdag_shim_value *), &args));
    tdag_status status = make_arguments(r, schema, args);
    if (status == TDAG_OK && r->api->method_run(r->session, module, method, n, args,
                                                NULL, &result, &error) != 0)
        status = tdagi_shim_fail(r->ctx, TDAG_E_SHIM, &error);
    if (status == TDAG_OK) status = take_results(r, result, 0);
    tdagi_free(r->ctx, args, n * sizeof(tdag_shim_value *));
    return status;
}

/* ---- the module ---- */

struct tdag_torch_module {
    tdag_ctx *ctx;
    const tdag_shim_api *api;
    tdag_shim_session *session;
    const tdag_shim_value *object;
};

tdag_status tdag_torch_module_open(tdag_ctx *ctx, const char *path,
                                   const char *shim_path, tdag_torch_module **out)
{
    TDAGI_TRY(tdagi_need(ctx, path, "path"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    tdag_shim_error error;
    tdag_torch_module made = {.ctx = ctx};
    void *block = NULL;
    TDAGI_TRY(tdagi_shim_load(ctx, shim_path, &made.api));
    TDAGI_TRY(tdagi_alloc(ctx, sizeof made, &block));
    bool failed = made.api->session_create(&made.session, &error) != 0 ||
                  made.api->module_load(made.session, path, &made.object, &error) != 0;
    tdag_torch_module *module = block;
    *module = made;
    if (failed) {
        tdag_torch_module_free(module);
        return tdagi_shim_fail(ctx, TDAG_E_SHIM, &error);
    }
    *out = module;
    return TDAG_OK;
}

void tdag_torch_module_free(tdag_torch_module *module)
{
    if (module == NULL) return;
    if (module->session != NULL) module->api->session_free(module->session);
    tdagi_free(module->ctx, module, sizeof *module);
}

tdag_status tdag_torch_module_run(tdag_torch_module *module, tdag_tensor *const *inputs,
                                  const char *const *names, uint32_t n_inputs,
                                  const tdag_torchscript_options *options,
                                  tdag_named_tensors *out)
{
    if (module == NULL) return TDAG_E_ARG;
    tdag_ctx *ctx = module->ctx;
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    if (n_inputs > 0) TDAGI_TRY(tdagi_need(ctx, inputs, "inputs"));
    tdag_torchscript_options o;
    TDAGI_TRY(tdagi_options_load(ctx, &o, sizeof(o), options));
    if (o.n_values > 0) TDAGI_TRY(tdagi_need(ctx, o.values, "values"));
    torch_run r = {.ctx = ctx,
                   .api = module->api,
                   .session = module->session,
                   .inputs = inputs,
                   .names = names,
                   .n_inputs = n_inputs,
                   .values = o.values,
                   .n_values = o.n_values,
                   .complex_inputs = o.complex_inputs};
    r.out.allocator = ctx->allocator;
    if (o.outputs != NULL) TDAGI_TRY(tdagi_structure_parse(ctx, o.outputs, &r.results));
    tdagi_arena_init(&r.arena, &ctx->allocator);
    tdag_status status =
        call_method(&r, module->object, o.method == NULL ? "forward" : o.method);
    tdagi_arena_free(&r.arena);
    tdagi_structure_free(r.results);
    if (status == TDAG_OK)
        *out = r.out;
    else
        drop_results(&r);
    return status;
}

tdag_status tdag_run_torchscript(tdag_ctx *ctx, const char *path,
                                 tdag_tensor *const *inputs, const char *const *names,
                                 uint32_t n_inputs,
                                 const tdag_torchscript_options *options,
                                 tdag_named_tensors *out)
{
    tdag_torch_module *module = NULL;
    tdag_torchscript_options o;
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    TDAGI_TRY(tdagi_options_load(ctx, &o, sizeof(o), options));
    TDAGI_TRY(tdag_torch_module_open(ctx, path, o.shim_path, &module));
    tdag_status status =
        tdag_torch_module_run(module, inputs, names, n_inputs, options, out);
    tdag_torch_module_free(module);
    return status;
}
