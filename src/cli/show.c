/* tdag show and tdag convert */
#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cli_load_first(cli *c, tdag_model **out)
{
    cli_inputs inputs;
    int status = cli_inputs_get(c, &inputs);
    if (status != CLI_DONE) return status;
    status = cli_load(c, c->files[0], &inputs, out);
    cli_inputs_free(c, &inputs);
    return status;
}

static int print_text(cli *c, const tdag_model *model, uint32_t flags, char **out)
{
    if (tdag_graph_print(c->ctx, tdag_model_get_graph(model), flags, out) != TDAG_OK)
        return cli_fail_library(c, c->files[0]);
    return CLI_DONE;
}

int cli_show(cli *c)
{
    tdag_model *model = NULL;
    char *text = NULL;
    int status = cli_load_first(c, &model);
    uint32_t flags = c->given & CLI_FULL ? TDAG_TEXT_FULL : 0;
    if (status == CLI_DONE) status = print_text(c, model, flags, &text);
    if (status == CLI_DONE) fputs(text, stdout);
    tdag_text_free(c->ctx, text);
    tdag_model_free(model);
    return status;
}

/* Under another name first, so that a reader never sees half a file. */
static int write_file(const char *path, const char *text)
{
    size_t size = strlen(path) + 32;
    char *other = malloc(size);
    if (other == NULL) return cli_fail(CLI_BAD, "out of memory");
    snprintf(other, size, "%s.%ld.tmp", path, (long)getpid());
    FILE *file = fopen(other, "wb");
    bool done = file != NULL && fputs(text, file) >= 0;
    if (file != NULL && fclose(file) != 0) done = false;
    done = done && rename(other, path) == 0;
    int why = errno;
    if (!done && file != NULL) remove(other);
    free(other);
    return done ? CLI_DONE : cli_fail(CLI_BAD, "%s: %s", path, strerror(why));
}

int cli_write_second(cli *c, const tdag_model *model, cli_format format)
{
    const char *path = c->files[1];
    cli_progress(c, "writing", path);
    if (format == CLI_TORCHSCRIPT) {
        tdag_torchscript_options options;
        cli_torch_options(c, &options);
        options.flags = 0;
        if (tdag_to_torchscript(c->ctx, model, path, &options) == TDAG_OK)
            return CLI_DONE;
        return cli_fail_library(c, path);
    }
    if (format == CLI_TDAG) {
        if (tdag_save(c->ctx, model, path, NULL) == TDAG_OK) return CLI_DONE;
        return cli_fail_library(c, path);
    }
    char *text = NULL;
    int status = print_text(c, model, TDAG_TEXT_FULL, &text); /* nothing is lost */
    if (status == CLI_DONE) status = write_file(path, text);
    tdag_text_free(c->ctx, text);
    return status;
}

/* The ending of OUT says what to write; those that are planned are no mistyping. */
static int check_ending(const char *path)
{
    static const char *const planned[] = {".mlpackage", ".dot", ".html"};
    const char *ending = strrchr(path, '.');
    for (size_t i = 0; ending != NULL && i < sizeof(planned) / sizeof(*planned); i++)
        if (strcmp(ending, planned[i]) == 0)
            return cli_fail(CLI_BAD,
                            "%s: %s files are not supported yet; .pt, .tdag and .txt "
                            "are",
                            path, ending);
    return cli_fail(CLI_USAGE, "%s: the ending must be .pt, .tdag or .txt", path);
}

int cli_format_of_second(const cli *c, cli_format *out)
{
    *out = cli_format_of_name(c->files[1]);
    return *out == CLI_UNKNOWN ? check_ending(c->files[1]) : CLI_DONE;
}

int cli_convert(cli *c)
{
    cli_format format;
    tdag_model *model = NULL;
    int status = cli_format_of_second(c, &format);
    if (status == CLI_DONE) status = cli_load_first(c, &model);
    if (status == CLI_DONE && c->given & CLI_SIMPLIFY)
        status = cli_simplify_model(c, &model);
    if (status == CLI_DONE) status = cli_write_second(c, model, format);
    tdag_model_free(model);
    return status;
}
