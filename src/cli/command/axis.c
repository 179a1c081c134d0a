/* tdag debatch and tdag batch: a model without a dimension, and with one more. */
#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- debatch ---- */

/* At one, a dimension that a trace has fixed at 1 cannot be imported as a symbol: then
 * the symbol of -i becomes 1 and its axes are named instead. *axes gets one per input
 * where it came to that. */
static int load_at_one(cli *c, tdag_model **out, int64_t **axes)
{
    cli_inputs inputs;
    tdag_file_kind kind;
    tdag_torchscript_options options;
    int status = cli_inputs_get(c, &inputs);
    if (status != CLI_DONE) return status;
    cli_torch_options(c, &options);
    status = cli_kind_of_file(c, c->files[0], &kind);
    bool torch = status == CLI_DONE && kind == TDAG_FILE_TORCHSCRIPT && inputs.n > 0;
    if (torch && tdag_from_torchscript(c->ctx, c->files[0], inputs.specs, inputs.n,
                                       &options, out) != TDAG_OK) {
        *axes = malloc(inputs.n * sizeof(**axes));
        for (uint32_t i = 0; i < inputs.n && *axes != NULL; i++) {
            tdag_input_spec *s = &inputs.specs[i];
            (*axes)[i] = -1;
            for (uint32_t k = 0; k < s->rank; k++) {
                if (s->symbol[k] == NULL || strcmp(s->symbol[k], c->dim) != 0) continue;
                (*axes)[i] = k;
                s->symbol[k] = NULL;
                s->shape[k] = 1;
            }
        }
        status = *axes == NULL ? cli_fail(CLI_BAD, "out of memory")
                               : cli_load(c, c->files[0], &inputs, out);
    } else if (status == CLI_DONE && !torch) {
        status = cli_load(c, c->files[0], &inputs, out);
    }
    cli_inputs_free(c, &inputs);
    return status;
}

int cli_debatch(cli *c)
{
    c->takes_programs = true;
    int64_t *axes = NULL;
    tdag_model *model = NULL, *changed = NULL;
    tdag_remove_dim_options options;
    tdag_remove_dim_options_init(&options);
    if (c->given & CLI_AT_ONE) options.flags |= TDAG_REMOVE_DIM_AT_ONE;
    int status = cli_check_name(c, c->files[1]);
    if (status == CLI_DONE && c->dim == NULL)
        status = cli_fail(CLI_USAGE, "tdag debatch needs --dim N");
    if (status == CLI_DONE)
        status = c->given & CLI_AT_ONE ? load_at_one(c, &model, &axes)
                                       : cli_load_first(c, &model);
    options.axes = axes;
    if (axes != NULL && status == CLI_DONE)
        options.n_axes =
            tdag_block_get(tdag_method_get_body(tdag_model_get_method(model, 0)))
                .params.n;
    if (status == CLI_DONE &&
        tdag_remove_dim(c->ctx, model, c->dim, &options, &changed) != TDAG_OK)
        status = cli_fail_library(c, c->files[0]);
    if (status == CLI_DONE) status = cli_write_model(c, changed, c->files[1]);
    tdag_model_free(changed);
    tdag_model_free(model);
    free(axes);
    return status;
}

/* ---- batch ---- */

/* "N" or "N=4" */
static int split_dim(const char *text, char **name_out, int64_t *sample_out)
{
    const char *equals = strchr(text, '=');
    size_t n = equals == NULL ? strlen(text) : (size_t)(equals - text);
    char *end = NULL, *name = malloc(n + 1);
    *name_out = name;
    *sample_out = 0;
    if (name == NULL) return cli_fail(CLI_BAD, "out of memory");
    memcpy(name, text, n);
    name[n] = '\0';
    if (equals == NULL) return CLI_DONE;
    errno = 0;
    *sample_out = strtoll(equals + 1, &end, 10);
    if (*end != '\0' || errno != 0 || *sample_out < 1)
        return cli_fail(CLI_USAGE,
                        "--dim needs a name and a size, as in N=4, not \"%s\"", text);
    return CLI_DONE;
}

static int add_dim(cli *c, const tdag_model *model, tdag_model **out)
{
    char *name = NULL;
    cli_names names = {0};
    tdag_add_dim_options options;
    tdag_add_dim_options_init(&options);
    options.axis = c->axis > TDAG_MAX_RANK ? TDAG_MAX_RANK : (uint32_t)c->axis;
    int status = split_dim(c->dim, &name, &options.sample);
    if (status == CLI_DONE) status = cli_split_names("--inputs", c->names_in, &names);
    options.inputs = names.names;
    options.n_inputs = names.n;
    if (status == CLI_DONE &&
        tdag_add_dim(c->ctx, model, name, &options, out) != TDAG_OK)
        status = cli_fail_library(c, c->files[0]);
    cli_free_names(&names);
    free(name);
    return status;
}

int cli_batch(cli *c)
{
    c->takes_programs = true;
    tdag_model *model = NULL, *changed = NULL;
    int status = cli_check_name(c, c->files[1]);
    if (status == CLI_DONE && c->dim == NULL)
        status = cli_fail(CLI_USAGE, "tdag batch needs --dim N");
    if (status == CLI_DONE) status = cli_load_first(c, &model);
    if (status == CLI_DONE) status = add_dim(c, model, &changed);
    if (status == CLI_DONE) status = cli_write_model(c, changed, c->files[1]);
    tdag_model_free(changed);
    tdag_model_free(model);
    return status;
}
