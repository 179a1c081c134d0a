/* tdag verify: two models on the same inputs, every output compared. */
#include "cli/cli.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "base/number_text.h"

/* ---- one output ---- */

static void type_text(const tdag_tensor *t, char *buf, size_t size)
{
    tdag_input_spec spec;
    cli_spec_of_tensor(t, &spec);
    cli_spec_text(&spec, buf, size);
}

/* One line on standard output; true if the outputs agree. `whose` names the model whose
 * output is compared with a stored one; NULL: two models are compared. */
static bool compare_output(const cli *c, uint32_t i, const char *whose,
                           const tdag_tensor *a, const tdag_tensor *b)
{
    char type_a[256], type_b[256];
    type_text(a, type_a, sizeof(type_a));
    type_text(b, type_b, sizeof(type_b));
    if (whose != NULL) printf("%s against %s: ", whose, c->in);
    if (!cli_same_type(a, b)) {
        printf("out%u  %s against %s", (unsigned)i, type_a, type_b);
        cli_print_verdict(false, "DIFFERS");
        return false;
    }
    cli_comparison result;
    cli_compare(c, a, b, &result);
    printf("out%u  %s", (unsigned)i, type_a);
    cli_print_errors(&result);
    if (result.n_bad == 0)
        cli_print_verdict(true, "ok");
    else
        cli_print_verdict(
            false, "DIFFERS in %" PRId64 " of %" PRId64 " elements, first %" PRId64,
            result.n_bad, tdag_tensor_get_count(a), result.first_bad);
    return result.n_bad == 0;
}

/* ---- both models ---- */
static int compare(const cli *c, const cli_outputs *a, const cli_outputs *b)
{
    if (a->n != b->n) {
        printf("%s has %u outputs, %s has %u", c->files[0], (unsigned)a->n, c->files[1],
               (unsigned)b->n);
        cli_print_verdict(false, "DIFFERS");
        return CLI_NO;
    }
    bool equal = true;
    for (uint32_t i = 0; i < a->n; i++)
        if (!compare_output(c, i, NULL, a->tensors[i], b->tensors[i])) equal = false;
    return equal ? CLI_DONE : CLI_NO;
}

/* One model's outputs with those that the file of --in holds. */
static int compare_stored(const cli *c, const char *path, const cli_outputs *a,
                          const cli_inputs *inputs)
{
    bool equal = true;
    if (inputs->n_outputs != a->n) {
        printf("%s has %u outputs, %s holds %u", path, (unsigned)a->n, c->in,
               (unsigned)inputs->n_outputs);
        cli_print_verdict(false, "DIFFERS");
        return CLI_NO;
    }
    for (uint32_t i = 0; i < a->n; i++) {
        const tdag_tensor *stored = cli_inputs_output(inputs, i);
        if (stored != NULL && compare_output(c, i, path, a->tensors[i], stored))
            continue;
        if (stored == NULL) {
            printf("%s holds no out%u", c->in, (unsigned)i);
            cli_print_verdict(false, "DIFFERS");
        }
        equal = false;
    }
    return equal ? CLI_DONE : CLI_NO;
}

/* The two models with each other, and each with what is stored. */
static int compare_all(const cli *c, const cli_outputs *a, const cli_outputs *b,
                       const cli_inputs *inputs)
{
    int status = compare(c, a, b);
    if (c->in == NULL || inputs->n_outputs == 0) return status;
    int first = compare_stored(c, c->files[0], a, inputs);
    int second = compare_stored(c, c->files[1], b, inputs);
    return status != CLI_DONE ? status : first != CLI_DONE ? first : second;
}

/* What the first model declares that declares its inputs, or takes none; it stays in
 * *model_out, which lends their names. */
static int declared_inputs(cli *c, cli_inputs *out, tdag_model **model_out)
{
    const cli_inputs none = {0};
    const tdag_method *method;
    for (int i = 0; i < 2; i++) {
        tdag_file_kind kind = TDAG_FILE_UNKNOWN;
        int status = cli_kind_of_file(c, c->files[i], &kind);
        if (status == CLI_DONE && kind == TDAG_FILE_TORCHSCRIPT) {
            bool takes = true;
            status = cli_takes_inputs(c, c->files[i], &takes);
            if (status != CLI_DONE || !takes) return status;
            continue;
        }
        if (status == CLI_DONE) status = cli_load(c, c->files[i], &none, model_out);
        if (status == CLI_DONE)
            status = cli_find_method(c, c->files[i], *model_out, &method);
        if (status == CLI_DONE) status = cli_inputs_of_method(method, out);
        return status;
    }
    return cli_fail(CLI_USAGE,
                    "neither file stores the shapes of its inputs: give one -i "
                    "DTYPE[DIMS] per input, --like or --in");
}

/* One call of both; --first looks for the first value that differs. */
static int call_both(cli *c, cli_runner *a, cli_runner *b, tdag_tensor *const *values)
{
    cli_outputs x = {0}, y = {0};
    int status = cli_runner_call(c, a, values, &x);
    if (status == CLI_DONE) status = cli_runner_call(c, b, values, &y);
    cli_progress(c, "comparing", "outputs");
    if (status == CLI_DONE) status = compare_all(c, &x, &y, a->inputs);
    cli_outputs_free(&x);
    cli_outputs_free(&y);
    if (status == CLI_NO && c->given & CLI_FIRST)
        status = cli_find_first(c, a->inputs, values);
    return status;
}

/* Call number k with the values of --in, else with random ones, others each time. */
static int call_numbered(cli *c, cli_runner *a, cli_runner *b, uint64_t k)
{
    const cli_inputs *inputs = a->inputs;
    if (c->calls > 1) printf("call %" PRIu64 "\n", k + 1);
    if (c->in != NULL) return call_both(c, a, b, inputs->values);
    tdag_tensor **values = calloc((size_t)inputs->n + 1, sizeof(*values));
    if (values == NULL) return cli_fail(CLI_BAD, "out of memory");
    int status = cli_random_tensors(c, c->seed + k, inputs, values);
    if (status == CLI_DONE) status = call_both(c, a, b, values);
    for (uint32_t i = 0; i < inputs->n; i++)
        tdag_tensor_free(values[i]);
    free(values);
    return status;
}

/* As many calls as --calls says, or until one differs. */
static int verify(cli *c, const cli_inputs *inputs)
{
    cli_runner a, b;
    int status = cli_runner_open(c, c->files[0], c->engine, inputs, &a);
    if (status != CLI_DONE) return status;
    status = cli_runner_open(c, c->files[1], c->engine_b, inputs, &b);
    if (status == CLI_DONE) {
        a.outputs = cli_runner_outputs(c, &b);
        b.outputs = cli_runner_outputs(c, &a);
        uint64_t n = c->given & CLI_CALLS ? c->calls : 1;
        for (uint64_t k = 0; k < n && status == CLI_DONE; k++)
            status = call_numbered(c, &a, &b, k);
        cli_runner_close(&b);
    }
    cli_runner_close(&a);
    return status;
}

/* Which engines run the two models. */
static int choose_engines(cli *c)
{
    if (c->given & CLI_FIRST) {
        bool same = strcmp(c->files[0], c->files[1]) == 0;
        if (c->engine_b == NULL)
            c->engine_b = c->engine != NULL ? c->engine : same ? "native" : "reference";
        if (c->engine == NULL) c->engine = "reference";
        if (strcmp(c->engine, "torch") == 0 || strcmp(c->engine_b, "torch") == 0)
            return cli_fail(CLI_USAGE,
                            "--first compares values of the engines native and "
                            "reference; PyTorch does not show its own");
    }
    if (c->engine_b == NULL) c->engine_b = c->engine;
    return CLI_DONE;
}

int cli_verify(cli *c)
{
    cli_inputs inputs = {0};
    tdag_model *model = NULL;
    bool given = c->in != NULL || c->like != NULL || c->n_inputs > 0;
    int status = choose_engines(c);
    if (status == CLI_DONE && c->given & CLI_CALLS && c->calls == 0)
        status = cli_fail(CLI_USAGE, "--calls needs a number from 1 on");
    if (status != CLI_DONE) return status;
    c->takes_programs = (c->given & CLI_FIRST) == 0;
    c->stays_whole = true;
    status = given ? cli_inputs_get(c, &inputs) : declared_inputs(c, &inputs, &model);
    if (status == CLI_DONE) status = verify(c, &inputs);
    cli_inputs_free(c, &inputs);
    tdag_model_free(model);
    return status;
}
