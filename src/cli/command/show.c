/* tdag show and tdag convert */
#include "cli/cli.h"

static tdag_status print(cli *c, const tdag_model *model, char **out)
{
    uint32_t flags = c->given & CLI_FULL ? TDAG_TEXT_FULL : 0;
    if (c->given & CLI_RAISED)
        return tdag_graph_print_raised(c->ctx, tdag_model_get_graph(model), out);
    return tdag_model_print(c->ctx, model, flags, out);
}

int cli_show(cli *c)
{
    tdag_model *model = NULL;
    char *text = NULL;
    c->takes_programs = (c->given & CLI_RAISED) == 0;
    int status = cli_load_first(c, &model);
    if (status == CLI_DONE && print(c, model, &text) != TDAG_OK)
        status = cli_fail_library(c, c->files[0]);
    if (status == CLI_DONE) fputs(text, stdout);
    tdag_text_free(c->ctx, text);
    tdag_model_free(model);
    return status;
}

int cli_convert(cli *c)
{
    tdag_model *model = NULL;
    c->takes_programs = true;
    int status = cli_check_name(c, c->files[1]);
    if (status == CLI_DONE) status = cli_load_first(c, &model);
    if (status == CLI_DONE && c->given & CLI_SIMPLIFY)
        status = cli_simplify_model(c, &model);
    if (status == CLI_DONE) status = cli_write_model(c, model, c->files[1]);
    tdag_model_free(model);
    return status;
}
