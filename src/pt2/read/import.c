/* tdag_from_pt2(): opens the archive, parses the program, makes leaves and inputs, runs
 * the nodes, and wraps the graph as a model. */
#include "pt2/read/import.h"

#include <stdio.h>
#include <string.h>

#include "program/model.h"
#include "pt2/pt2.h"

/* ---- the archive ---- */

static bool has(const tdagi_pt2 *im, const char *name)
{
    return tdagi_zip_find(im->zip, name) != NULL;
}

static bool has_folder(const tdagi_pt2 *im, const char *folder)
{
    for (uint32_t i = 0; i < tdagi_zip_count(im->zip); i++)
        if (strncmp(tdagi_zip_entry_at(im->zip, i)->name, folder, strlen(folder)) == 0)
            return true;
    return false;
}

static tdag_status older(tdagi_pt2 *im, const char *which)
{
    return tdagi_fail(
        im->env.ctx, TDAG_E_UNSUPPORTED,
        "an archive of PyTorch %s, which pickles weights: load and save it "
        "with PyTorch 2.9 or later",
        which);
}

/* What an archive without a program of the current layout is. */
static tdag_status check_kind(tdagi_pt2 *im)
{
    if (has(im, "serialized_exported_program.json")) return older(im, "2.1 to 2.7");
    if (has(im, "archive_format") && has_folder(im, "models/")) return TDAG_OK;
    if (has_folder(im, "data/aotinductor/"))
        return tdagi_fail(
            im->env.ctx, TDAG_E_UNSUPPORTED,
            "an archive of compiled code (AOTInductor) without a program");
    return tdagi_fail(im->env.ctx, TDAG_E_FORMAT,
                      has(im, "data.pkl") || has(im, "constants.pkl")
                          ? "a TorchScript archive, no .pt2 (archive_format is missing)"
                          : "no archive of torch.export (no models/ in it)");
}

/* The name of the only program, "model" if there are several. */
static const char *only_program(tdagi_pt2 *im)
{
    const char *found = NULL;
    for (uint32_t i = 0; i < tdagi_zip_count(im->zip); i++) {
        const char *name = tdagi_zip_entry_at(im->zip, i)->name;
        size_t n = strlen(name);
        if (strncmp(name, "models/", 7) != 0 || n < 12) continue;
        if (strcmp(name + n - 5, ".json") != 0) continue;
        if (found != NULL) return "model";
        found = tdagi_env_text(&im->env, "%.*s", (int)(n - 12), name + 7);
    }
    return found == NULL ? "model" : found;
}

static tdag_status find_program(tdagi_pt2 *im, const tdagi_zip_entry **out)
{
    const char *name = im->program;
    if (name == NULL) name = has(im, "models/model.json") ? "model" : only_program(im);
    im->program = name;
    *out = tdagi_zip_find(im->zip, tdagi_env_text(&im->env, "models/%s.json", name));
    if (*out != NULL) return TDAG_OK;
    return tdagi_fail(im->env.ctx, TDAG_E_ARG, "the archive has no program %.200s",
                      name);
}

static tdag_status check_version(tdagi_pt2 *im)
{
    if (im->p.schema_major == 8) return TDAG_OK;
    return tdagi_fail(im->env.ctx, TDAG_E_UNSUPPORTED,
                      "a program of schema %lld.%lld%s%.80s, of which 8 is known",
                      (long long)im->p.schema_major, (long long)im->p.schema_minor,
                      *im->p.torch_version == '\0' ? "" : " by PyTorch ",
                      im->p.torch_version);
}

static tdag_status parse(tdagi_pt2 *im)
{
    const tdagi_zip_entry *entry = NULL;
    const void *text = NULL;
    TDAGI_TRY(check_kind(im));
    TDAGI_TRY(find_program(im, &entry));
    if (has(im, tdagi_env_text(&im->env, "data/weights/%s.pt", im->program)))
        return older(im, "2.8");
    TDAGI_TRY(tdagi_zip_read(im->env.ctx, im->zip, entry, &text, &im->text_size));
    im->text = text;
    TDAGI_TRY(
        tdagi_pt2_parse(im->env.ctx, &im->env.arena, im->text, im->text_size, &im->p));
    TDAGI_TRY(check_version(im));
    TDAGI_TRY(tdagi_pt2_read_config(
        im, &im->weights,
        tdagi_env_text(&im->env, "data/weights/%s_weights_config.json", im->program)));
    return tdagi_pt2_read_config(
        im, &im->constants,
        tdagi_env_text(&im->env, "data/constants/%s_constants_config.json",
                       im->program));
}

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
    tdagi_pt2_take_inputs(im, &inputs);
    if (tdagi_env_ok(&im->env)) tdagi_pt2_run_graph(im, im->p.graph);
    im->env.scope = "";
    tdag_builder_set_scope(im->env.b, "");
    if (tdagi_env_ok(&im->env)) tdagi_pt2_check_state(im);
    if (tdagi_env_ok(&im->env) && im->env.n_issues == 0)
        tdagi_pt2_give_outputs(im, &outputs);
    settle(im);
    if (tdagi_env_ok(&im->env))
        im->env.status =
            tdagi_model_of_builder(im->env.ctx, im->env.b, inputs, outputs, out);
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
    im.records.arena = im.symbols.arena = &im.env.arena;
    tdag_status parsed = tdagi_env_ok(&im.env) ? parse(&im) : im.env.status;
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
