/* tdag debatch and tdag batch: a model without a dimension, and with one more. */
#include "cli/cli.h"

int cli_debatch(cli *c)
{
    tdag_model *model = NULL, *changed = NULL;
    tdag_remove_dim_options options;
    tdag_remove_dim_options_init(&options);
    if (c->given & CLI_AT_ONE) options.flags |= TDAG_REMOVE_DIM_AT_ONE;
    int status = cli_check_name(c->files[1]);
    if (status == CLI_DONE && c->dim == NULL)
        status = cli_fail(CLI_USAGE, "tdag debatch needs --dim N");
    if (status == CLI_DONE) status = cli_load_first(c, &model);
    if (status == CLI_DONE &&
        tdag_remove_dim(c->ctx, model, c->dim, &options, &changed) != TDAG_OK)
        status = cli_fail_library(c, c->files[0]);
    if (status == CLI_DONE) status = cli_write_model(c, changed, c->files[1]);
    tdag_model_free(changed);
    tdag_model_free(model);
    return status;
}
