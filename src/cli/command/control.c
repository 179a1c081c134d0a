/* tdag inline, unroll and roll: programs with other statements. */
#include "cli/cli.h"

static tdag_status unroll(cli *c, const tdag_model *model, tdag_model **out)
{
    tdag_unroll_options options;
    tdag_unroll_options_init(&options);
    options.most = c->most < UINT32_MAX ? (uint32_t)c->most : UINT32_MAX;
    return tdag_unroll(c->ctx, model, &options, out);
}

static tdag_status inline_calls(cli *c, const tdag_model *model, tdag_model **out)
{
    return tdag_inline(c->ctx, model, out);
}

static tdag_status roll(cli *c, const tdag_model *model, tdag_model **out)
{
    return tdag_roll(c->ctx, model, out);
}

static int change(cli *c, const char *what,
                  tdag_status (*by)(cli *c, const tdag_model *model, tdag_model **out))
{
    tdag_model *model = NULL, *changed = NULL;
    c->takes_programs = true;
    int status = cli_check_name(c, c->files[1]);
    if (status == CLI_DONE) status = cli_load_first(c, &model);
    if (status == CLI_DONE) cli_progress(c, what, c->files[0]);
    if (status == CLI_DONE && by(c, model, &changed) != TDAG_OK)
        status = cli_fail_library(c, c->files[0]);
    if (status == CLI_DONE) status = cli_write_model(c, changed, c->files[1]);
    tdag_model_free(changed);
    tdag_model_free(model);
    return status;
}

int cli_inline(cli *c) { return change(c, "inlining", inline_calls); }

int cli_unroll(cli *c) { return change(c, "unrolling", unroll); }

int cli_roll(cli *c) { return change(c, "rolling", roll); }
