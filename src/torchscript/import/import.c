/* tdag_from_torchscript(): loads the file by the shim, makes the leaves, walks the
 * method, and wraps the graph as a model. */
#include "torchscript/import/import.h"
#include "aten/aten.h"

#include <string.h>

#include "program/model.h"
#include "torchscript/reader/reader.h"
#include "torchscript/shim_load.h"
#include "torchscript/torchscript.h"

void tdagi_import_fail(tdagi_import *im, tdag_status status,
                       const tdag_shim_error *error)
{
    if (!tdagi_env_ok(&im->env)) return;
    if (im->is_native)
        im->env.status = tdagi_reader_status(im->session); /* its sentence stands */
    else
        im->env.status = tdagi_shim_fail(im->env.ctx, status, error);
}

bool tdagi_import_check(tdagi_import *im)
{
    if (im->is_native && tdagi_env_ok(&im->env) && tdagi_reader_failed(im->session))
        im->env.status = tdagi_reader_status(im->session);
    if (tdagi_env_ok(&im->env) && tdagi_pool_status(im->env.pool) != TDAG_OK)
        im->env.status = tdagi_pool_report(im->env.ctx, im->env.pool);
    return tdagi_env_ok(&im->env);
}

/* Memory that was missing where only something else shows it. */
static bool ran_out(const tdagi_import *im)
{
    return tdag_builder_get_status(im->env.b) == TDAG_E_NOMEM ||
           im->outline.is_out_of_memory ||
           tdagi_pool_status(im->env.pool) == TDAG_E_NOMEM;
}

/* Issues tell more than an error that may follow from them. */
static void settle(tdagi_import *im)
{
    if (tdagi_env_ok(&im->env) && ran_out(im))
        im->env.status = tdagi_nomem(im->env.ctx);
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
        tdagi_import_fail(im, TDAG_E_FORMAT, &error);
        return tdagi_any_poison();
    }
    args[0] = (tdagi_any){.kind = TDAGI_ANY_OBJECT, .u.object = root};
    im->owner = root;
    uint32_t n = (uint32_t)im->api->schema_n_args(schema);
    return tdagi_import_call(im, graph, args, n);
}

/* The inputs of the graph so far are those of the method. */
static void begin_outline(tdagi_import *im)
{
    tdagi_env *env = &im->env;
    tdagi_outline_begin(&im->outline, &env->arena, env->b->graph);
    if (im->outline.is_out_of_memory && tdagi_env_ok(env))
        env->status = tdagi_nomem(env->ctx);
    env->outline = &im->outline;
    env->computed = tdagi_computed;
}

static tdag_status verified(tdag_ctx *ctx, tdag_model **model)
{
    tdag_status st = tdagi_model_verify(ctx, *model);
    if (st == TDAG_OK) return st;
    tdag_model_free(*model);
    *model = NULL;
    return st;
}

static tdag_status make_model(tdagi_import *im, const char *method,
                              const tdagi_structure *inputs,
                              const tdagi_structure *outputs, tdag_model **out)
{
    tdag_ctx *ctx = im->env.ctx;
    tdag_graph *g = NULL;
    if (im->several == NULL)
        return tdagi_outline_finish(ctx, &im->outline, im->env.b, method, inputs,
                                    outputs, out);
    TDAGI_TRY(tdag_builder_finish(im->env.b, &g));
    tdag_status st = tdagi_outline_method(ctx, &im->outline, g, method, inputs, outputs,
                                          im->several);
    tdag_graph_free(g);
    return st;
}

/* Where a slice that may be empty is in the way, the method is walked again without. */
static void take_rows(tdagi_import *im)
{
    bool follows = tdagi_env_ok(&im->env) || im->env.status == TDAG_E_SHAPE ||
                   im->env.status == TDAG_E_UNSUPPORTED;
    if (im->found->has_rows || !im->env.may_have_missed || !follows || ran_out(im) ||
        (im->is_native && tdagi_reader_failed(im->session)))
        return;
    im->found->has_rows = im->found->is_new = true;
    im->env.status = TDAG_OK;
}

/* Walks the method on its arguments, whose structure is `inputs`. */
static void walk_method(tdagi_import *im, const tdag_shim_value *module,
                        const char *method, const tdag_shim_schema *schema,
                        tdagi_any *args, const tdagi_structure *inputs,
                        tdag_model **out)
{
    tdagi_structure *outputs = NULL;
    begin_outline(im);
    tdagi_object *root = tdagi_import_module(im, module);
    if (root == NULL || !tdagi_env_ok(&im->env)) return;
    tdagi_any result = run_method(im, root, method, schema, args);
    im->node = NULL;
    im->env.scope = "";
    tdag_builder_set_scope(im->env.b, "");
    if (tdagi_env_ok(&im->env) && im->env.n_issues == 0 &&
        tdagi_import_outputs(im, result, &outputs)) {
        tdagi_import_check_state(im);
        tdagi_import_write_states(im);
    }
    if (!tdagi_env_ok(&im->env) || im->env.n_issues > 0) take_rows(im);
    if (!im->found->is_new) settle(im);
    if (!im->found->is_new && tdagi_import_check(im))
        im->env.status = make_model(im, method, inputs, outputs, out);
    tdagi_structure_free(outputs);
}

static void import_method(tdagi_import *im, const tdag_shim_value *module,
                          const char *method, const tdag_input_spec *inputs,
                          uint32_t n_inputs, tdag_model **out)
{
    const tdag_shim_schema *schema = NULL;
    tdag_shim_error error;
    im->env.status =
        tdagi_arguments_method(im->env.ctx, im->api, im->session, module, method);
    if (!tdagi_env_ok(&im->env)) return;
    if (im->api->method_schema(im->session, module, method, &schema, &error) != 0) {
        tdagi_import_fail(im, TDAG_E_ARG, &error);
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

/* ---- the two readers ---- */

static int load_module(tdagi_import *im, const tdagi_torchscript_file *file,
                       const tdag_shim_value **out, tdag_shim_error *error)
{
    if (file->mapping == NULL)
        return im->api->module_load(im->session, file->what, out, error);
    return im->api->module_load_bytes(im->session, tdagi_mapping_data(file->mapping),
                                      tdagi_mapping_size(file->mapping), file->what,
                                      out, error);
}

static tdag_status open_by_shim(tdagi_import *im, const tdagi_torchscript_file *file,
                                const char *shim_path, const tdag_shim_value **out)
{
    tdag_shim_error error;
    tdag_ctx *ctx = im->env.ctx;
    TDAGI_TRY(tdagi_shim_load(ctx, shim_path, &im->api));
    if (im->api->session_create(&im->session, &error) != 0)
        return tdagi_shim_fail(ctx, TDAG_E_SHIM, &error);
    im->torch = im->api;
    im->torch_session = im->session;
    if (load_module(im, file, out, &error) != 0)
        return tdagi_shim_fail(ctx, TDAG_E_FORMAT, &error);
    return TDAG_OK;
}

static tdag_status open_natively(tdagi_import *im, const tdagi_torchscript_file *file,
                                 const tdag_shim_value **out)
{
    tdagi_mapping *mapping = NULL;
    tdag_ctx *ctx = im->env.ctx;
    tdagi_reader_api(&im->functions);
    im->api = &im->functions;
    im->is_native = true;
    if (file->kept != NULL && file->kept->session != NULL) {
        im->session = file->kept->session;
        *out = file->kept->module;
        file->kept->session = NULL;
        return TDAG_OK;
    }
    if (file->mapping != NULL)
        mapping = tdagi_mapping_retain(file->mapping);
    else
        TDAGI_TRY(tdagi_mapping_open(ctx, file->what, 0, &mapping));
    tdag_status st = tdagi_reader_open(ctx, mapping, file->what, &im->session, out);
    tdagi_mapping_release(mapping);
    return st;
}

void tdagi_torchscript_drop(tdagi_torchscript_kept *kept)
{
    tdagi_reader_close(kept->session);
    kept->session = NULL;
}

/* What the walks of one file share. */
typedef struct reading {
    const tdagi_torchscript_file *file;
    tdag_torchscript_options o;
    tdagi_names_found found;
    tdagi_model_builder *several; /* NULL: one method */
    uint32_t n_walks;
} reading;

#define MOST_WALKS 100 /* of a method, besides one for each state */

/* One walk; found.is_new: it has to be done again. */
static tdag_status walk_file(tdag_ctx *ctx, reading *r,
                             const tdag_torchscript_method *m, bool is_first,
                             tdag_model **out)
{
    tdagi_import im = {.node = NULL, .found = &r->found, .several = r->several};
    if (r->n_walks++ > (MOST_WALKS + r->found.n) * (r->o.n_more + 1))
        return tdagi_fail(ctx, TDAG_E_UNSUPPORTED,
                          "what the attributes are does not settle");
    start(&im, ctx, r->o.flags);
    im.env.has_no_gradients = r->file->has_no_gradients;
    im.env.may_miss_rows = !r->found.has_rows;
    im.shim_path = r->o.shim_path;
    im.complex_inputs = is_first ? r->o.complex_inputs : 0;
    im.values = r->o.values;
    im.n_values = is_first ? r->o.n_values : 0;
    bool native = r->o.reader != TDAG_TORCH_SHIM;
    const tdag_shim_value *module = NULL;
    if (tdagi_env_ok(&im.env))
        im.env.status = native ? open_natively(&im, r->file, &module)
                               : open_by_shim(&im, r->file, r->o.shim_path, &module);
    if (tdagi_env_ok(&im.env))
        import_method(&im, module, m->name == NULL ? "forward" : m->name, m->inputs,
                      m->n_inputs, out);
    tdag_status st = im.env.status;
    if (st != TDAG_OK && im.is_native && im.session != NULL &&
        tdagi_reader_status(im.session) == TDAG_E_NOMEM)
        st =
            tdagi_nomem(ctx); /* of a place, perhaps, that a sentence should have had */
    tdagi_import_free_leaves(&im);
    tdagi_import_free_torch(&im);
    tdagi_env_free(&im.env);
    if (st == TDAG_OK && im.is_native && r->file->kept != NULL &&
        !tdagi_reader_failed(im.session))
        *r->file->kept = (tdagi_torchscript_kept){im.session, module};
    else if (im.session != NULL)
        im.api->session_free(im.session);
    return st;
}

/* All methods; state that one writes is read by all. */
static tdag_status walk_several(tdag_ctx *ctx, reading *r,
                                const tdag_torchscript_method *first, tdag_model **out)
{
    tdagi_model_builder b;
    tdag_status st = TDAG_OK;
    r->found.is_new = true;
    for (bool begun = false; st == TDAG_OK && r->found.is_new; begun = true) {
        if (begun) tdagi_model_drop(&b);
        tdagi_model_begin(&b, ctx);
        r->several = &b;
        r->found.is_new = false;
        st = walk_file(ctx, r, first, true, out);
        for (uint32_t i = 0; i < r->o.n_more && st == TDAG_OK && !r->found.is_new; i++)
            st = walk_file(ctx, r, &r->o.more[i], false, out);
    }
    if (st != TDAG_OK) {
        tdagi_model_drop(&b);
        return st;
    }
    TDAGI_TRY(tdagi_model_finish(&b, out));
    return verified(ctx, out);
}

tdag_status tdagi_torchscript_read(tdag_ctx *ctx, const tdagi_torchscript_file *file,
                                   const tdag_input_spec *inputs, uint32_t n_inputs,
                                   const tdag_torchscript_options *options,
                                   tdag_model **out)
{
    reading r = {.file = file, .found = {.ctx = ctx}};
    TDAGI_TRY(tdagi_options_load(ctx, &r.o, sizeof(r.o), options));
    if (r.o.n_values > 0) TDAGI_TRY(tdagi_need(ctx, r.o.values, "values"));
    if (r.o.n_more > 0) TDAGI_TRY(tdagi_need(ctx, r.o.more, "more"));
    const tdag_torchscript_method first = {r.o.method, inputs, n_inputs};
    tdag_status st = TDAG_OK;
    if (r.o.n_more > 0) {
        st = walk_several(ctx, &r, &first, out);
    } else {
        do {
            r.found.is_new = false;
            st = walk_file(ctx, &r, &first, true, out);
        } while (st == TDAG_OK && r.found.is_new);
    }
    tdagi_import_free_found(&r.found);
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
    const tdagi_torchscript_file file = {NULL, path, false, NULL};
    return tdagi_torchscript_read(ctx, &file, inputs, n_inputs, options, out);
}
