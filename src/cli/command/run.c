/* tdag run, and running a model by either engine for verify. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

void cli_outputs_free(cli_outputs *outputs)
{
    for (uint32_t i = 0; i < outputs->n; i++)
        tdag_tensor_free(outputs->tensors[i]);
    free(outputs->tensors);
    memset(outputs, 0, sizeof(*outputs));
}

static int reserve(cli_outputs *out, uint32_t n)
{
    out->n = 0;
    out->tensors = calloc((size_t)n + 1, sizeof(*out->tensors));
    return out->tensors == NULL ? cli_fail(CLI_BAD, "out of memory") : CLI_DONE;
}

int cli_run_model(cli *c, const char *path, const char *engine, const tdag_model *model,
                  tdag_tensor *const *values, uint32_t n, cli_outputs *out)
{
    uint32_t n_outputs = tdag_graph_get_n_outputs(tdag_model_get_graph(model));
    int status = reserve(out, n_outputs);
    if (status != CLI_DONE) return status;
    tdag_run_options options;
    tdag_run_options_init(&options);
    if (engine != NULL && strcmp(engine, "reference") == 0)
        options.engine = TDAG_ENGINE_REFERENCE;
    if (tdag_run(c->ctx, model, values, n, &options, out->tensors) != TDAG_OK)
        return cli_fail_library(c, path);
    out->n = n_outputs;
    return CLI_DONE;
}

static int run_native(cli *c, const char *path, const char *engine,
                      const cli_inputs *inputs, tdag_tensor *const *values,
                      cli_outputs *out)
{
    tdag_model *model = NULL;
    uint32_t *order = calloc((size_t)inputs->n + 1, sizeof(*order));
    tdag_tensor **ordered = calloc((size_t)inputs->n + 1, sizeof(*ordered));
    int status = order == NULL || ordered == NULL ? cli_fail(CLI_BAD, "out of memory")
                                                  : cli_load(c, path, inputs, &model);
    if (status == CLI_DONE) {
        cli_order(inputs, tdag_model_get_graph(model), order);
        for (uint32_t i = 0; i < inputs->n; i++)
            ordered[i] = values[order[i]];
        cli_progress(c, "running", path);
        status = cli_run_model(c, path, engine, model, ordered, inputs->n, out);
    }
    tdag_model_free(model);
    free(ordered);
    free(order);
    return status;
}

static int run_torch(cli *c, const char *path, const cli_inputs *inputs,
                     tdag_tensor *const *values, cli_outputs *out)
{
    tdag_torchscript_options options;
    tdag_named_tensors made = {0};
    cli_torch_options(c, &options);
    options.complex_inputs = cli_complex_inputs(c, path);
    options.flags = 0;
    cli_progress(c, "running", path);
    const char **names = calloc((size_t)inputs->n + 1, sizeof(*names));
    if (names == NULL) return cli_fail(CLI_BAD, "out of memory");
    for (uint32_t i = 0; i < inputs->n; i++)
        names[i] = inputs->specs[i].name;
    tdag_status st =
        tdag_run_torchscript(c->ctx, path, values, names, inputs->n, &options, &made);
    free(names);
    if (st != TDAG_OK) return cli_fail_library(c, path);
    int status = reserve(out, made.n);
    for (uint32_t i = 0; i < made.n && status == CLI_DONE; i++)
        out->tensors[out->n++] = tdag_tensor_copy(made.tensors[i]);
    tdag_tensors_free(&made);
    return status;
}

int cli_execute(cli *c, const char *path, const char *engine, const cli_inputs *inputs,
                tdag_tensor *const *values, cli_outputs *out)
{
    tdag_file_kind kind = TDAG_FILE_UNKNOWN;
    int status = cli_kind_of_file(c, path, &kind);
    if (status != CLI_DONE) return status;
    bool torch =
        engine == NULL ? kind == TDAG_FILE_TORCHSCRIPT : strcmp(engine, "torch") == 0;
    if (torch && kind != TDAG_FILE_TORCHSCRIPT)
        return cli_fail(CLI_USAGE, "%s: --engine torch runs TorchScript files only",
                        path);
    return torch ? run_torch(c, path, inputs, values, out)
                 : run_native(c, path, engine, inputs, values, out);
}

static int save(cli *c, const cli_outputs *outputs)
{
    char(*names)[16] = calloc((size_t)outputs->n + 1, sizeof(*names));
    char **pointers = calloc((size_t)outputs->n + 1, sizeof(*pointers));
    int status = CLI_DONE;
    if (names == NULL || pointers == NULL) {
        status = cli_fail(CLI_BAD, "out of memory");
    } else {
        for (uint32_t i = 0; i < outputs->n; i++) {
            snprintf(names[i], sizeof(names[i]), "out%u", (unsigned)i);
            pointers[i] = names[i];
        }
        tdag_named_tensors tensors = {
            .n = outputs->n, .names = pointers, .tensors = outputs->tensors};
        if (tdag_tensors_save(c->ctx, c->out, &tensors) != TDAG_OK)
            status = cli_fail_library(c, c->out);
    }
    free(pointers);
    free(names);
    return status;
}

int cli_run(cli *c)
{
    bool needs_in = c->in == NULL;
    cli_inputs inputs;
    int status = needs_in && c->out != NULL
                     ? cli_takes_inputs(c, c->files[0], &needs_in)
                     : CLI_DONE;
    if (status == CLI_DONE && (needs_in || c->out == NULL))
        status = cli_fail(CLI_USAGE, "tdag run needs --in and --out");
    if (status == CLI_DONE) status = cli_inputs_get(c, &inputs);
    if (status != CLI_DONE) return status;
    cli_outputs outputs = {0};
    status = cli_execute(c, c->files[0], c->engine == NULL ? "native" : c->engine,
                         &inputs, inputs.values, &outputs);
    if (status == CLI_DONE) status = save(c, &outputs);
    cli_outputs_free(&outputs);
    cli_inputs_free(c, &inputs);
    return status;
}
