/* tdag_run_torchscript: a TorchScript file run by PyTorch, flat tensors in and out.
 * Arguments are put together by their declared types, in order; results are taken apart
 * depth first, dicts in their order, None and numbers left out. */
#include <stdio.h>
#include <string.h>

#include <tdagger/torch.h>

#include "base/ctx.h"
#include "torchscript/shim_load.h"

typedef struct torch_run {
    tdag_ctx *ctx;
    const tdag_shim_api *api;
    tdag_shim_session *session;
    tdag_tensor *const *inputs;
    const char *const *names; /* NULL: inputs go by position */
    uint32_t n_inputs, n_taken;
    tdag_named_tensors out;
    uint32_t capacity; /* of the arrays of out */
} torch_run;

/* ---- arguments ---- */
static tdag_status make_tensor(torch_run *r, const tdag_shim_value **out)
{
    if (r->n_taken == r->n_inputs)
        return tdagi_fail(r->ctx, TDAG_E_ARG, "the model takes more than %u inputs",
                          (unsigned)r->n_inputs);
    const tdag_tensor *t = r->inputs[r->n_taken++];
    tdag_shim_error error;
    tdag_shim_tensor_spec spec = {.dtype = tdag_tensor_get_dtype(t),
                                  .rank = tdag_tensor_get_rank(t),
                                  .sizes = tdag_tensor_get_shape(t),
                                  .data = tdag_tensor_get_data(t)};
    if (r->api->make_tensor(r->session, &spec, out, &error) != 0)
        return tdagi_shim_fail(r->ctx, TDAG_E_SHIM, &error);
    return TDAG_OK;
}

/* The end of one type in a list of types: the ',' or ']' after it. */
static const char *type_end(const char *type)
{
    int depth = 0;
    for (; *type != '\0'; type++) {
        if (*type == '[') depth++;
        if (depth == 0 && (*type == ',' || *type == ']')) break;
        if (*type == ']') depth--;
    }
    return type;
}

static bool starts(const char *type, const char *head)
{
    return strncmp(type, head, strlen(head)) == 0;
}

#define MOST_ITEMS 256

static tdag_status make_argument(torch_run *r, const char *type,
                                 const tdag_shim_value **out);

/* The elements of a tuple by its types, or tensors for all inputs left. */
static tdag_status make_items(torch_run *r, const char *types, bool is_tuple,
                              const tdag_shim_value **items, size_t *n_out)
{
    size_t n = 0;
    while (is_tuple ? *types != '\0' && *types != ']' : r->n_taken < r->n_inputs) {
        if (n == MOST_ITEMS)
            return tdagi_fail(r->ctx, TDAG_E_LIMIT,
                              "an argument has more than %d parts", MOST_ITEMS);
        TDAGI_TRY(make_argument(r, types, &items[n++]));
        if (!is_tuple) continue;
        types = type_end(types);
        types += strspn(types, ", ");
    }
    *n_out = n;
    return TDAG_OK;
}

static tdag_status make_sequence(torch_run *r, const char *type,
                                 const tdag_shim_value **out)
{
    const tdag_shim_value *items[MOST_ITEMS];
    size_t n = 0;
    bool is_tuple = starts(type, "Tuple[");
    const char *types = strchr(type, '[') + 1;
    TDAGI_TRY(make_items(r, types, is_tuple, items, &n));
    tdag_shim_error error;
    int failed = is_tuple
                     ? r->api->make_tuple(r->session, n, items, out, &error)
                     : r->api->make_list(r->session, "Tensor", n, items, out, &error);
    return failed ? tdagi_shim_fail(r->ctx, TDAG_E_SHIM, &error) : TDAG_OK;
}

/* A dict takes what is left, under the names of the inputs, as at import. */
static tdag_status make_dict(torch_run *r, const tdag_shim_value **out)
{
    const tdag_shim_value *keys[MOST_ITEMS], *values[MOST_ITEMS];
    size_t n = 0;
    for (; r->n_taken < r->n_inputs; n++) {
        const char *key = r->names == NULL ? NULL : r->names[r->n_taken];
        if (n == MOST_ITEMS)
            return tdagi_fail(r->ctx, TDAG_E_LIMIT,
                              "an argument has more than %d parts", MOST_ITEMS);
        if (key == NULL || *key == '\0')
            return tdagi_fail(r->ctx, TDAG_E_ARG,
                              "the model takes a dict: input %u needs its key as its "
                              "name",
                              (unsigned)r->n_taken);
        keys[n] = r->api->make_string(r->session, key);
        if (keys[n] == NULL) return tdagi_nomem(r->ctx);
        TDAGI_TRY(make_tensor(r, &values[n]));
    }
    tdag_shim_error error;
    if (r->api->make_dict(r->session, "str", "Tensor", n, keys, values, out, &error) !=
        0)
        return tdagi_shim_fail(r->ctx, TDAG_E_SHIM, &error);
    return TDAG_OK;
}

static tdag_status make_argument(torch_run *r, const char *type,
                                 const tdag_shim_value **out)
{
    if (starts(type, "Tensor")) return make_tensor(r, out);
    if (starts(type, "Tuple[") || starts(type, "List[Tensor]"))
        return make_sequence(r, type, out);
    if (starts(type, "Dict[str, Tensor]")) return make_dict(r, out);
    if (starts(type, "Optional[")) {
        if (r->n_taken < r->n_inputs)
            return make_argument(r, type + strlen("Optional["), out);
        *out = r->api->make_none(r->session);
        return *out == NULL ? tdagi_nomem(r->ctx) : TDAG_OK;
    }
    return tdagi_fail(r->ctx, TDAG_E_UNSUPPORTED,
                      "an argument has type %s, which tensors do not make", type);
}

/* The input of an argument's name; n_inputs if there is none. */
static uint32_t find_input(const torch_run *r, const char *name)
{
    uint32_t i = 0;
    while (i < r->n_inputs && (r->names[i] == NULL || strcmp(r->names[i], name) != 0))
        i++;
    return i;
}

/* Are all inputs named as arguments? */
static bool goes_by_name(torch_run *r, const tdag_shim_schema *schema)
{
    uint32_t n = 0;
    for (size_t i = 1; r->names != NULL && i < r->api->schema_n_args(schema); i++) {
        tdag_shim_arg arg;
        r->api->schema_arg(r->session, schema, i, &arg);
        n += find_input(r, arg.name) < r->n_inputs;
    }
    return n == r->n_inputs && n > 0;
}

static tdag_status make_named(torch_run *r, const tdag_shim_arg *arg,
                              const tdag_shim_value **out)
{
    r->n_taken = find_input(r, arg->name);
    if (r->n_taken < r->n_inputs) return make_argument(r, arg->type, out);
    if (!arg->has_default)
        return tdagi_fail(r->ctx, TDAG_E_ARG, "the model's argument %s is not given",
                          arg->name);
    *out = arg->default_value;
    return TDAG_OK;
}

static tdag_status make_arguments(torch_run *r, const tdag_shim_schema *schema,
                                  const tdag_shim_value **args)
{
    size_t n = r->api->schema_n_args(schema);
    bool by_name = goes_by_name(r, schema);
    for (size_t i = 1; i < n; i++) { /* 0 is self */
        tdag_shim_arg arg;
        r->api->schema_arg(r->session, schema, i, &arg);
        bool takes_tensor = strstr(arg.type, "Tensor") != NULL;
        if (by_name)
            TDAGI_TRY(make_named(r, &arg, &args[i - 1]));
        else if (arg.has_default && (!takes_tensor || r->n_taken == r->n_inputs))
            args[i - 1] = arg.default_value;
        else
            TDAGI_TRY(make_argument(r, arg.type, &args[i - 1]));
    }
    if (by_name || r->n_taken == r->n_inputs) return TDAG_OK;
    return tdagi_fail(r->ctx, TDAG_E_ARG, "%u inputs were given, the model takes %u",
                      (unsigned)r->n_inputs, (unsigned)r->n_taken);
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
    char text[24];
    char *name = NULL;
    snprintf(text, sizeof(text), "out%u", (unsigned)r->out.n);
    TDAGI_TRY(grow(r));
    TDAGI_TRY(tdagi_strdup(r->ctx, text, &name));
    tdag_tensor *copy = NULL;
    tdag_status status = tdag_tensor_create(r->ctx, t.dtype, t.rank, t.sizes, &copy);
    if (status != TDAG_OK) {
        tdagi_strfree(r->ctx, name);
        return status;
    }
    if (tdag_tensor_get_size(copy) > 0)
        memcpy(tdag_tensor_get_mutable_data(copy), t.data, tdag_tensor_get_size(copy));
    r->out.names[r->out.n] = name;
    r->out.tensors[r->out.n++] = copy;
    return TDAG_OK;
}

static tdag_status take_results(torch_run *r, const tdag_shim_value *value, int depth)
{
    tdag_shim_kind kind = r->api->value_kind(value);
    if (kind == TDAG_SHIM_TENSOR) return take_tensor(r, value);
    if (kind == TDAG_SHIM_LIST || kind == TDAG_SHIM_TUPLE || kind == TDAG_SHIM_DICT) {
        if (depth == 64)
            return tdagi_fail(r->ctx, TDAG_E_LIMIT, "a result is nested too deep");
        for (size_t i = 0; i < r->api->value_size(value); i++) {
            const tdag_shim_value *item = r->api->value_item(r->session, value, i);
            if (item == NULL) return tdagi_nomem(r->ctx);
            TDAGI_TRY(take_results(r, item, depth + 1));
        }
        return TDAG_OK;
    }
    bool is_constant = kind == TDAG_SHIM_NONE || kind == TDAG_SHIM_INT ||
                       kind == TDAG_SHIM_DOUBLE || kind == TDAG_SHIM_BOOL ||
                       kind == TDAG_SHIM_STRING;
    if (is_constant) return TDAG_OK;
    return tdagi_fail(r->ctx, TDAG_E_UNSUPPORTED, "a result has type %s",
                      r->api->value_type(r->session, value));
}

/* ---- the call ---- */
static tdag_status run_method(torch_run *r, const char *path, const char *method)
{
    tdag_shim_error error;
    const tdag_shim_value *module = NULL, *result = NULL;
    const tdag_shim_schema *schema = NULL;
    if (r->api->module_load(r->session, path, &module, &error) != 0 ||
        r->api->method_schema(r->session, module, method, &schema, &error) != 0)
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

static void drop_results(torch_run *r)
{
    for (uint32_t i = 0; i < r->out.n; i++) {
        tdagi_strfree(r->ctx, r->out.names[i]);
        tdag_tensor_free(r->out.tensors[i]);
    }
    tdagi_free(r->ctx, r->out.names, r->capacity * sizeof(char *));
    tdagi_free(r->ctx, r->out.tensors, r->capacity * sizeof(tdag_tensor *));
}

tdag_status tdag_run_torchscript(tdag_ctx *ctx, const char *path,
                                 tdag_tensor *const *inputs, const char *const *names,
                                 uint32_t n_inputs,
                                 const tdag_torchscript_options *options,
                                 tdag_named_tensors *out)
{
    TDAGI_TRY(tdagi_need(ctx, path, "path"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    if (n_inputs > 0) TDAGI_TRY(tdagi_need(ctx, inputs, "inputs"));
    tdag_torchscript_options o;
    TDAGI_TRY(tdagi_options_load(ctx, &o, sizeof(o), options));
    torch_run r = {.ctx = ctx, .inputs = inputs, .names = names, .n_inputs = n_inputs};
    r.out.allocator = ctx->allocator;
    TDAGI_TRY(tdagi_shim_load(ctx, o.shim_path, &r.api));
    tdag_shim_error error;
    if (r.api->session_create(&r.session, &error) != 0)
        return tdagi_shim_fail(ctx, TDAG_E_SHIM, &error);
    tdag_status status = run_method(&r, path, o.method == NULL ? "forward" : o.method);
    r.api->session_free(r.session);
    if (status == TDAG_OK)
        *out = r.out;
    else
        drop_results(&r);
    return status;
}
