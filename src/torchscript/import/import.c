/* tdag_from_torchscript(): loads the file by the shim, makes the leaves, walks the
 * method, and wraps the graph as a model. */
#include "torchscript/import/import.h"

#include <string.h>

#include "program/model.h"
#include "torchscript/shim_load.h"
#include "torchscript/torchscript.h"

static void shim_failed(tdagi_import *im, tdag_status status,
                        const tdag_shim_error *error)
{
    im->env.status = tdagi_shim_fail(im->env.ctx, status, error);
}

/* Issues tell more than an error that may follow from them. */
static void settle(tdagi_import *im)
{
    bool follows = im->env.status == TDAG_E_SHAPE || im->env.status == TDAG_E_DTYPE ||
                   im->env.status == TDAG_E_ARG || im->env.status == TDAG_E_UNSUPPORTED;
    if (im->env.n_issues > 0 && follows) im->env.status = TDAG_OK;
    tdagi_env_report(&im->env);
}

static tdagi_any run_method(tdagi_import *im, tdagi_object *root, const char *method,
                            const tdag_shim_schema *schema, tdagi_any *args)
{
    const tdag_shim_graph *graph = NULL;
    tdag_shim_error error;
    if (im->api->method_graph(im->session, root->shim, method, &graph, &error) != 0) {
        shim_failed(im, TDAG_E_FORMAT, &error);
        return tdagi_any_poison();
    }
    args[0] = (tdagi_any){.kind = TDAGI_ANY_OBJECT, .u.object = root};
    uint32_t n = (uint32_t)im->api->schema_n_args(schema);
    return tdagi_import_call(im, graph, args, n);
}

static void finish(tdagi_import *im, const tdagi_structure *inputs,
                   const tdagi_structure *outputs, tdag_model **out)
{
    tdag_graph *graph = NULL;
    tdag_status st = tdag_builder_finish(im->env.b, &graph);
    if (st == TDAG_OK)
        st = tdagi_model_create(im->env.ctx, graph, inputs, outputs, out);
    tdag_graph_free(graph);
    im->env.status = st;
}

/* Walks the method on its arguments, whose structure is `inputs`. */
static void walk_method(tdagi_import *im, const tdag_shim_value *module,
                        const char *method, const tdag_shim_schema *schema,
                        tdagi_any *args, const tdagi_structure *inputs,
                        tdag_model **out)
{
    tdagi_structure *outputs = NULL;
    tdagi_object *root = tdagi_import_module(im, module);
    if (root == NULL || !tdagi_env_ok(&im->env)) return;
    tdagi_any result = run_method(im, root, method, schema, args);
    im->node = NULL;
    im->env.scope = "";
    tdag_builder_set_scope(im->env.b, "");
    if (tdagi_env_ok(&im->env) && im->env.n_issues == 0 &&
        tdagi_import_outputs(im, result, &outputs))
        tdagi_import_check_state(im);
    settle(im);
    if (tdagi_env_ok(&im->env)) finish(im, inputs, outputs, out);
    tdagi_structure_free(outputs);
}

static void import_method(tdagi_import *im, const tdag_shim_value *module,
                          const char *method, const tdag_input_spec *inputs,
                          uint32_t n_inputs, tdag_model **out)
{
    const tdag_shim_schema *schema = NULL;
    tdag_shim_error error;
    if (im->api->method_schema(im->session, module, method, &schema, &error) != 0) {
        shim_failed(im, TDAG_E_ARG, &error);
        return;
    }
    size_t n = im->api->schema_n_args(schema);
    tdagi_any *args = tdagi_env_alloc(&im->env, (n + 1) * sizeof(*args));
    tdagi_structure *structure = NULL;
    if (args == NULL) return;
    if (tdagi_import_inputs(im, schema, inputs, n_inputs, args, &structure))
        walk_method(im, module, method, schema, args, structure, out);
    tdagi_structure_free(structure);
}

/* Where the node at hand comes from, "" if the file does not tell. */
static tdagi_place place(tdagi_env *env)
{
    tdagi_import *im = env->reader;
    if (im->node == NULL) return (tdagi_place){"the model", ""};
    tdag_shim_source source = {"", ""};
    im->api->node_source(im->session, im->node, &source);
    return (tdagi_place){im->api->node_kind(im->node),
                         source.location == NULL ? "" : source.location};
}

static void start(tdagi_import *im, tdag_ctx *ctx, uint32_t flags)
{
    tdagi_env_init(&im->env, ctx);
    im->env.reader = im;
    im->env.place = place;
    if ((flags & TDAG_TORCH_OPAQUE) != 0) im->env.opaque = tdagi_import_opaque;
}

static int load_module(tdagi_import *im, const tdagi_torchscript_file *file,
                       const tdag_shim_value **out, tdag_shim_error *error)
{
    if (file->mapping == NULL)
        return im->api->module_load(im->session, file->what, out, error);
    return im->api->module_load_bytes(im->session, tdagi_mapping_data(file->mapping),
                                      tdagi_mapping_size(file->mapping), file->what,
                                      out, error);
}

tdag_status tdagi_torchscript_read(tdag_ctx *ctx, const tdagi_torchscript_file *file,
                                   const tdag_input_spec *inputs, uint32_t n_inputs,
                                   const tdag_torchscript_options *options,
                                   tdag_model **out)
{
    tdag_torchscript_options o;
    TDAGI_TRY(tdagi_options_load(ctx, &o, sizeof(o), options));
    tdagi_import im = {.node = NULL};
    tdag_shim_error error;
    TDAGI_TRY(tdagi_shim_load(ctx, o.shim_path, &im.api));
    if (im.api->session_create(&im.session, &error) != 0)
        return tdagi_shim_fail(ctx, TDAG_E_SHIM, &error);
    start(&im, ctx, o.flags);
    const tdag_shim_value *module = NULL;
    if (tdagi_env_ok(&im.env) && load_module(&im, file, &module, &error) != 0)
        shim_failed(&im, TDAG_E_FORMAT, &error);
    if (tdagi_env_ok(&im.env))
        import_method(&im, module, o.method == NULL ? "forward" : o.method, inputs,
                      n_inputs, out);
    tdag_status st = im.env.status;
    tdagi_import_free_leaves(&im);
    tdagi_env_free(&im.env);
    im.api->session_free(im.session);
    return st;
}

tdag_status tdag_from_torchscript(tdag_ctx *ctx, const char *path,
                                  const tdag_input_spec *inputs, uint32_t n_inputs,
                                  const tdag_torchscript_options *options,
                                  tdag_model **out)
{
    TDAGI_TRY(tdagi_need(ctx, path, "path"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    if (n_inputs > 0) TDAGI_TRY(tdagi_need(ctx, inputs, "inputs"));
    const tdagi_torchscript_file file = {NULL, path};
    return tdagi_torchscript_read(ctx, &file, inputs, n_inputs, options, out);
}
