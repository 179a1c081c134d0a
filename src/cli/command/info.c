/* tdag info: the report of the library, as it is or as tables. */
#include "cli/command/info.h"

#include <string.h>

static int print_page(const cli *c, const cJSON *report)
{
    const char *by = c->by == NULL ? "op" : c->by;
    const char *level = c->level == NULL ? "kernel" : c->level;
    const cJSON *totals = cJSON_GetObjectItem(report, "totals");
    double all_flops = cli_info_field(cJSON_GetObjectItem(totals, level), "flops");
    if (by[0] == 'g')
        return cli_fail(CLI_USAGE, "--by graph is for programs of several graphs");
    printf("%s\n", cli_info_text(report, "model"));
    int status = cli_info_ends(report);
    cli_info_title("memory");
    if (status == CLI_DONE) status = cli_info_memory(c, totals);
    if (status == CLI_DONE) status = cli_info_levels(c, totals, level);
    cli_info_title("by %s, at the %s level", by[0] == 'o' ? "operator" : by, level);
    return status == CLI_DONE ? cli_info_rows(c, report, by, all_flops) : status;
}

/* ---- the command ---- */
static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static int print_report(cli *c, const tdag_model *model, const cli_names *at)
{
    tdag_info_options options;
    tdag_info_options_init(&options);
    options.at = at->names;
    options.n_at = at->n;
    options.method = c->n_methods > 1 ? NULL : c->method;
    options.model_name = file_name(c->files[0]);
    for (int i = 0; i < 3 && c->level != NULL; i++)
        if (strcmp(c->level, cli_level_names[i]) == 0)
            options.level = (tdag_level)(i + 1);
    if (c->by != NULL && strcmp(c->by, "node") == 0) options.flags = TDAG_INFO_BY_NODE;
    if (c->given & CLI_JSON) options.flags |= TDAG_INFO_HASH;
    if (c->given & CLI_CONTENT) options.flags |= TDAG_INFO_CONTENT_HASH;
    char *text = NULL;
    cli_progress(c, "counting", c->files[0]);
    if (tdag_info_json(c->ctx, model, &options, &text) != TDAG_OK)
        return cli_fail_library(c, c->files[0]);
    int status = CLI_DONE;
    if (c->given & CLI_JSON) {
        fputs(text, stdout);
    } else {
        cJSON *report = cJSON_Parse(text);
        status = report == NULL ? cli_fail(CLI_BAD, "out of memory")
                 : cJSON_GetObjectItem(report, "methods") != NULL
                     ? cli_info_program(c, report)
                     : print_page(c, report);
        cJSON_Delete(report);
    }
    tdag_text_free(c->ctx, text);
    return status;
}

int cli_info(cli *c)
{
    tdag_model *model = NULL;
    cli_names at = {0};
    c->takes_programs = true;
    c->stays_whole = c->n_methods < 2;
    c->at_left = &at;
    int status = cli_load_first(c, &model);
    if (status == CLI_DONE) status = print_report(c, model, &at);
    cli_free_names(&at);
    tdag_model_free(model);
    return status;
}
