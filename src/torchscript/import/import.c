/* tdag_from_torchscript(): loads the file by the shim, makes the leaves, walks the
 * method, and wraps the graph as a model. */
#include "torchscript/import/import.h"

#include <string.h>

#include "program/model.h"
#include "torchscript/shim_load.h"

static void shim_failed(tdagi_import *im, tdag_status status,
                        const tdag_shim_error *error)
{
    im->status = tdagi_shim_fail(im->ctx, status, error);
}

/* Issues tell more than an error that may follow from them. */
static void settle(tdagi_import *im)
{
    bool follows = im->status == TDAG_E_SHAPE || im->status == TDAG_E_DTYPE ||
                   im->status == TDAG_E_ARG || im->status == TDAG_E_UNSUPPORTED;
    if (im->n_issues > 0 && follows) im->status = TDAG_OK;
    tdagi_import_report(im);
}

static tdagi_ival run_method(tdagi_import *im, tdagi_iobject *root, const char *method,
                             const tdag_shim_schema *schema, tdagi_ival *args)
{
    const tdag_shim_graph *graph = NULL;
    tdag_shim_error error;
    if (im->api->method_graph(im->session, root->shim, method, &graph, &error) != 0) {
        shim_failed(im, TDAG_E_FORMAT, &error);
        return tdagi_iv_poison();
    }
    args[0] = (tdagi_ival){.kind = TDAGI_IV_OBJECT, .u.object = root};
    uint32_t n = (uint32_t)im->api->schema_n_args(schema);
    return tdagi_import_call(im, NULL, graph, args, n);
}

static void finish(tdagi_import *im, const char *inputs, const char *outputs,
                   tdag_model **out)
{
    tdag_graph *graph = NULL;
    tdag_status st = tdag_builder_finish(im->b, &graph);
    if (st == TDAG_OK) st = tdagi_model_create(im->ctx, graph, inputs, outputs, out);
    tdag_graph_free(graph);
    im->status = st;
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
    tdagi_ival *args = tdagi_import_alloc(im, (n + 1) * sizeof(*args));
    const char *in_text = "", *out_text = "";
    if (args == NULL) return;
    if (!tdagi_import_inputs(im, schema, inputs, n_inputs, args, &in_text)) return;
    tdagi_iobject *root = tdagi_import_module(im, module);
    if (root == NULL || !tdagi_import_ok(im)) return;
    tdagi_ival result = run_method(im, root, method, schema, args);
    im->node = NULL;
    im->scope = "";
    tdag_builder_set_scope(im->b, "");
    if (tdagi_import_ok(im) && im->n_issues == 0 &&
        tdagi_import_outputs(im, result, &out_text))
        tdagi_import_check_state(im);
    settle(im);
    if (tdagi_import_ok(im)) finish(im, in_text, out_text, out);
}

tdag_status tdag_from_torchscript(tdag_ctx *ctx, const char *path,
                                  const tdag_input_spec *inputs, uint32_t n_inputs,
                                  const tdag_torchscript_options *options,
                                  tdag_model **out)
{
    tdag_torchscript_options o;
    TDAGI_TRY(tdagi_options_load(ctx, &o, sizeof(o), options));
    tdagi_import im = {.ctx = ctx, .scope = "", .flags = o.flags};
    tdag_shim_error error;
    TDAGI_TRY(tdagi_shim_load(ctx, o.shim_path, &im.api));
    if (im.api->session_create(&im.session, &error) != 0)
        return tdagi_shim_fail(ctx, TDAG_E_SHIM, &error);
    tdagi_arena_init(&im.arena, &ctx->allocator);
    im.status = tdag_builder_create(ctx, &im.b);
    const tdag_shim_value *module = NULL;
    if (im.status == TDAG_OK &&
        im.api->module_load(im.session, path, &module, &error) != 0)
        shim_failed(&im, TDAG_E_FORMAT, &error);
    if (im.status == TDAG_OK) {
        im.pool = tdagi_builder_pool(im.b);
        import_method(&im, module, o.method == NULL ? "forward" : o.method, inputs,
                      n_inputs, out);
    }
    tdagi_import_free_leaves(&im);
    tdag_builder_free(im.b);
    tdagi_arena_free(&im.arena);
    im.api->session_free(im.session);
    return im.status;
}
