/* tdag_from_pt2(): reads the archive's program, makes leaves and inputs, runs the
 * nodes, and wraps the graph as a model. */
#include "pt2/read/import.h"
#include "aten/aten.h"

#include "program/model.h"
#include "program/outline/outline.h"
#include "pt2/pt2.h"

/* ---- the program ---- */

/* Issues tell more than an error that may follow from them. */
static void settle(tdagi_pt2 *im)
{
    bool follows = im->env.status == TDAG_E_SHAPE || im->env.status == TDAG_E_DTYPE ||
                   im->env.status == TDAG_E_ARG || im->env.status == TDAG_E_UNSUPPORTED;
    if (im->env.n_issues > 0 && follows) im->env.status = TDAG_OK;
    tdagi_env_report(&im->env);
}

static void import_program(tdagi_pt2 *im, tdag_model **out)
{
    tdagi_structure *inputs = NULL, *outputs = NULL;
    tdagi_outline outline;
    tdagi_pt2_take_inputs(im, &inputs);
    tdagi_outline_begin(&outline, &im->env.arena, im->env.b->graph);
    if (outline.is_out_of_memory && tdagi_env_ok(&im->env))
        im->env.status = tdagi_nomem(im->env.ctx);
    im->env.outline = &outline;
    im->env.computed = tdagi_computed;
    if (tdagi_env_ok(&im->env)) tdagi_pt2_run_graph(im, im->p.graph);
    im->env.scope = "";
    tdag_builder_set_scope(im->env.b, "");
    if (tdagi_env_ok(&im->env)) tdagi_pt2_check_state(im);
    if (tdagi_env_ok(&im->env) && im->env.n_issues == 0)
        tdagi_pt2_give_outputs(im, &outputs);
    settle(im);
    if (tdagi_env_ok(&im->env))
        im->env.status = tdagi_outline_finish(im->env.ctx, &outline, im->env.b,
                                              "forward", inputs, outputs, out);
    im->env.outline = NULL;
    tdagi_structure_free(inputs);
    tdagi_structure_free(outputs);
}

static tdagi_place place(tdagi_env *env)
{
    tdagi_pt2 *im = env->reader;
    if (im->node == NULL) return (tdagi_place){"the program", ""};
    return (tdagi_place){tdagi_pt2_operator_name(im, im->node),
                         tdagi_pt2_location(im, im->node)};
}

static tdag_status import(tdag_ctx *ctx, tdagi_zip *zip, const tdag_input_spec *inputs,
                          uint32_t n_inputs, const tdag_pt2_options *o,
                          tdag_model **out)
{
    tdagi_pt2 im = {.zip = zip,
                    .weights.folder = "data/weights/",
                    .constants.folder = "data/constants/",
                    .program = o->program,
                    .inputs = inputs,
                    .n_inputs = n_inputs,
                    .keeps_opaque = (o->flags & TDAG_PT2_OPAQUE) != 0};
    tdagi_env_init(&im.env, ctx);
    im.env.reader = &im;
    im.env.place = place;
    im.records.arena = im.symbols.arena = im.called.arena = &im.env.arena;
    tdag_status parsed =
        tdagi_env_ok(&im.env) ? tdagi_pt2_read_archive(&im) : im.env.status;
    if (tdagi_env_ok(&im.env)) im.env.status = parsed; /* no memory comes first */
    if (tdagi_env_ok(&im.env)) import_program(&im, out);
    tdag_status st = im.env.status;
    tdagi_pt2_free_weights(&im);
    tdagi_env_free(&im.env);
    return st;
}

tdag_status tdagi_pt2_read(tdag_ctx *ctx, const tdagi_pt2_file *file,
                           const tdag_input_spec *inputs, uint32_t n_inputs,
                           const tdag_pt2_options *options, tdag_model **out)
{
    tdag_pt2_options o;
    TDAGI_TRY(tdagi_options_load(ctx, &o, sizeof(o), options));
    if ((o.flags & ~(uint32_t)TDAG_PT2_OPAQUE) != 0)
        return tdagi_fail(ctx, TDAG_E_ARG, "unknown flags of tdag_pt2_options");
    tdagi_zip *zip = NULL;
    tdag_status st = tdagi_zip_open(ctx, file->mapping, file->what, &zip);
    if (st == TDAG_OK) st = import(ctx, zip, inputs, n_inputs, &o, out);
    tdagi_zip_close(zip);
    return st;
}

tdag_status tdag_from_pt2(tdag_ctx *ctx, const char *path,
                          const tdag_input_spec *inputs, uint32_t n_inputs,
                          const tdag_pt2_options *options, tdag_model **out)
{
    TDAGI_TRY(tdagi_need(ctx, path, "path"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    if (n_inputs > 0) TDAGI_TRY(tdagi_need(ctx, inputs, "inputs"));
    tdagi_pt2_file file = {NULL, path};
    TDAGI_TRY(tdagi_mapping_open(ctx, path, 0, &file.mapping));
    tdag_status st = tdagi_pt2_read(ctx, &file, inputs, n_inputs, options, out);
    tdagi_mapping_release(file.mapping);
    return st;
}
