/* tdag run, and running a model by either engine for verify. */
#include "cli/cli.h"

#include <errno.h>
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

/* What the method returns: its last statement is the return. */
static uint32_t count_outputs(const tdag_method *method)
{
    const tdag_statement *s = tdag_block_get(tdag_method_get_body(method)).first;
    for (const tdag_statement *next = s; next != NULL;
         next = tdag_statement_get_next(next))
        s = next;
    return tdag_statement_get(s).inputs.n;
}

int cli_run_model(cli *c, const cli_runner *r, const tdag_model *model,
                  tdag_tensor *const *values, uint32_t n, cli_outputs *out)
{
    const tdag_method *method;
    int status = cli_find_method(c, r->path, model, &method);
    if (status == CLI_DONE) status = reserve(out, count_outputs(method));
    if (status != CLI_DONE) return status;
    tdag_run_options options;
    tdag_run_options_init(&options);
    if (r->is_reference) options.engine = TDAG_ENGINE_REFERENCE;
    options.method = tdag_method_get_name(method);
    options.state = r->state;
    options.seed = c->seed + r->n_calls;
    if (tdag_run(c->ctx, model, values, n, &options, out->tensors) != TDAG_OK)
        return cli_fail_library(c, r->path);
    out->n = count_outputs(method);
    return CLI_DONE;
}

/* ---- a model of a file, called ---- */

static int open_native(cli *c, cli_runner *r)
{
    const tdag_method *method;
    r->order = calloc((size_t)r->inputs->n + 1, sizeof(*r->order));
    int status = r->order == NULL ? cli_fail(CLI_BAD, "out of memory")
                                  : cli_load(c, r->path, r->inputs, &r->model);
    if (status == CLI_DONE) status = cli_find_method(c, r->path, r->model, &method);
    if (status != CLI_DONE) return status;
    cli_order(r->inputs, method, r->order);
    return tdag_state_create(c->ctx, r->model, &r->state) == TDAG_OK
               ? CLI_DONE
               : cli_fail_library(c, r->path);
}

int cli_runner_open(cli *c, const char *path, const char *engine,
                    const cli_inputs *inputs, cli_runner *out)
{
    tdag_file_kind kind = TDAG_FILE_UNKNOWN;
    memset(out, 0, sizeof(*out));
    out->path = path;
    out->inputs = inputs;
    out->is_reference = engine != NULL && strcmp(engine, "reference") == 0;
    int status = cli_kind_of_file(c, path, &kind);
    if (status != CLI_DONE) return status;
    bool torch =
        engine == NULL ? kind == TDAG_FILE_TORCHSCRIPT : strcmp(engine, "torch") == 0;
    if (torch && kind != TDAG_FILE_TORCHSCRIPT)
        return cli_fail(CLI_USAGE, "%s: --engine torch runs TorchScript files only",
                        path);
    if (!torch)
        status = open_native(c, out);
    else if (tdag_torch_module_open(c->ctx, path, c->shim, &out->torch) != TDAG_OK)
        status = cli_fail_library(c, path);
    if (status != CLI_DONE) cli_runner_close(out);
    return status;
}

void cli_runner_close(cli_runner *r)
{
    tdag_torch_module_free(r->torch);
    tdag_state_free(r->state);
    tdag_model_free(r->model);
    free(r->order);
    memset(r, 0, sizeof(*r));
}

const char *cli_runner_outputs(const cli *c, const cli_runner *r)
{
    const tdag_method *method;
    if (r->model == NULL || cli_find_method(c, r->path, r->model, &method) != CLI_DONE)
        return NULL;
    return tdag_method_get_output_structure(method);
}

static int call_native(cli *c, const cli_runner *r, tdag_tensor *const *values,
                       cli_outputs *out)
{
    tdag_tensor **ordered = calloc((size_t)r->inputs->n + 1, sizeof(*ordered));
    if (ordered == NULL) return cli_fail(CLI_BAD, "out of memory");
    for (uint32_t i = 0; i < r->inputs->n; i++)
        ordered[i] = values[r->order[i]];
    int status = cli_run_model(c, r, r->model, ordered, r->inputs->n, out);
    free(ordered);
    return status;
}

static int call_torch(cli *c, const cli_runner *r, tdag_tensor *const *values,
                      cli_outputs *out)
{
    tdag_torchscript_options options;
    tdag_named_tensors made = {0};
    cli_torch_options(c, &options);
    options.complex_inputs = cli_complex_inputs(c, r->path);
    options.flags = 0;
    options.outputs = r->outputs;
    const char **names = calloc((size_t)r->inputs->n + 1, sizeof(*names));
    if (names == NULL) return cli_fail(CLI_BAD, "out of memory");
    for (uint32_t i = 0; i < r->inputs->n; i++)
        names[i] = r->inputs->specs[i].name;
    tdag_status st =
        tdag_torch_module_run(r->torch, values, names, r->inputs->n, &options, &made);
    free(names);
    if (st != TDAG_OK) return cli_fail_library(c, r->path);
    int status = reserve(out, made.n);
    for (uint32_t i = 0; i < made.n && status == CLI_DONE; i++)
        out->tensors[out->n++] = tdag_tensor_copy(made.tensors[i]);
    tdag_tensors_free(&made);
    return status;
}

int cli_runner_call(cli *c, cli_runner *r, tdag_tensor *const *values, cli_outputs *out)
{
    cli_progress(c, "running", r->path);
    int status = r->torch != NULL ? call_torch(c, r, values, out)
                                  : call_native(c, r, values, out);
    r->n_calls++;
    return status;
}

/* ---- the state's file ---- */

/* Every state of the model, and nothing else, is in the file. */
static int set_states(cli *c, cli_runner *r, const tdag_named_tensors *tensors)
{
    uint32_t n = tdag_state_get_n(r->state);
    for (uint32_t i = 0; i < tensors->n; i++)
        if (tdag_state_set(c->ctx, r->state, tensors->names[i], tensors->tensors[i]) !=
            TDAG_OK)
            return cli_fail_library(c, c->state);
    if (tensors->n == n) return CLI_DONE;
    return cli_fail(CLI_BAD, "%s: it holds %u tensors, the model has %u states",
                    c->state, (unsigned)tensors->n, (unsigned)n);
}

static int read_state(cli *c, cli_runner *r)
{
    tdag_named_tensors tensors = {0};
    if (c->state == NULL) return CLI_DONE;
    if (r->torch != NULL)
        return cli_fail(CLI_USAGE, "--state is of the engines native and reference; "
                                   "PyTorch keeps its own");
    FILE *file = fopen(c->state, "rb");
    if (file == NULL && errno == ENOENT) return CLI_DONE;
    if (file == NULL) return cli_fail(CLI_BAD, "%s: %s", c->state, strerror(errno));
    fclose(file);
    if (tdag_tensors_load(c->ctx, c->state, &tensors) != TDAG_OK)
        return cli_fail_library(c, c->state);
    int status = set_states(c, r, &tensors);
    tdag_tensors_free(&tensors);
    return status;
}

static int write_state(cli *c, const cli_runner *r)
{
    uint32_t n = tdag_state_get_n(r->state);
    if (c->state == NULL) return CLI_DONE;
    char **names = calloc((size_t)n + 1, sizeof(*names));
    tdag_tensor **values = calloc((size_t)n + 1, sizeof(*values));
    int status = CLI_DONE;
    if (names == NULL || values == NULL) status = cli_fail(CLI_BAD, "out of memory");
    for (uint32_t i = 0; i < n && status == CLI_DONE; i++) { /* lent, and only read */
        names[i] = (char *)(uintptr_t)tdag_state_get_name(r->state, i);
        values[i] = (tdag_tensor *)(uintptr_t)tdag_state_get(r->state, i);
    }
    const tdag_named_tensors tensors = {.n = n, .names = names, .tensors = values};
    if (status == CLI_DONE && tdag_tensors_save(c->ctx, c->state, &tensors) != TDAG_OK)
        status = cli_fail_library(c, c->state);
    free(values);
    free(names);
    return status;
}

/* ---- tdag run ---- */

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

static int run_once(cli *c, const cli_inputs *inputs)
{
    cli_runner runner;
    cli_outputs outputs = {0};
    int status = cli_runner_open(
        c, c->files[0], c->engine == NULL ? "native" : c->engine, inputs, &runner);
    if (status != CLI_DONE) return status;
    status = read_state(c, &runner);
    if (status == CLI_DONE)
        status = cli_runner_call(c, &runner, inputs->values, &outputs);
    if (status == CLI_DONE) status = save(c, &outputs);
    if (status == CLI_DONE) status = write_state(c, &runner);
    cli_outputs_free(&outputs);
    cli_runner_close(&runner);
    return status;
}

int cli_run(cli *c)
{
    c->takes_programs = c->stays_whole = true;
    bool needs_in = c->in == NULL;
    cli_inputs inputs;
    int status = needs_in && c->out != NULL
                     ? cli_takes_inputs(c, c->files[0], &needs_in)
                     : CLI_DONE;
    if (status == CLI_DONE && (needs_in || c->out == NULL))
        status = cli_fail(CLI_USAGE, "tdag run needs --in and --out");
    if (status == CLI_DONE) status = cli_inputs_get(c, &inputs);
    if (status != CLI_DONE) return status;
    status = run_once(c, &inputs);
    cli_inputs_free(c, &inputs);
    return status;
}
