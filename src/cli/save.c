/* Writing models. */
#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static int write_coreml(cli *c, const tdag_model *model, const char *path)
{
    tdag_coreml_options options;
    tdag_coreml_options_init(&options);
    if (c->given & CLI_NO_CHECK) options.flags |= TDAG_COREML_NO_CHECK;
    if (c->given & CLI_F16) options.flags |= TDAG_COREML_F16;
    if (c->given & CLI_STATE_INPUTS) options.flags |= TDAG_COREML_STATE_INPUTS;
    if (c->target != NULL) options.target = (uint32_t)atoi(c->target + strlen("iOS"));
    if (tdag_to_coreml(c->ctx, model, path, &options) == TDAG_OK) return CLI_DONE;
    return cli_fail_library(c, path);
}

int cli_write_model(cli *c, const tdag_model *model, const char *path)
{
    tdag_file_kind kind = cli_kind_of_name(path);
    cli_progress(c, "writing", path);
    if (kind == TDAG_FILE_TORCHSCRIPT) {
        tdag_torchscript_options options;
        cli_torch_options(c, &options);
        options.flags = c->given & CLI_NO_CHECK ? TDAG_TORCH_NO_CHECK : 0;
        if (tdag_to_torchscript(c->ctx, model, path, &options) == TDAG_OK)
            return CLI_DONE;
        return cli_fail_library(c, path);
    }
    if (kind == TDAG_FILE_PT2) {
        tdag_pt2_options options;
        tdag_pt2_options_init(&options);
        if (c->given & CLI_NO_CHECK) options.flags = TDAG_PT2_NO_CHECK;
        if (tdag_to_pt2(c->ctx, model, path, &options) == TDAG_OK) return CLI_DONE;
        return cli_fail_library(c, path);
    }
    if (kind == TDAG_FILE_COREML) return write_coreml(c, model, path);
    if (kind == TDAG_FILE_TDAG) {
        if (tdag_save(c->ctx, model, path, NULL) == TDAG_OK) return CLI_DONE;
        return cli_fail_library(c, path);
    }
    char *text = NULL;
    if (tdag_model_print(c->ctx, model, TDAG_TEXT_FULL, &text) !=
        TDAG_OK) /* with every tensor, so that nothing is lost */
        return cli_fail_library(c, path);
    int status = write_file(path, text);
    tdag_text_free(c->ctx, text);
    return status;
}

/* The ending of OUT says what to write; those that are planned are no mistyping. */
int cli_check_name(const cli *c, const char *path)
{
    static const char *const planned[] = {".dot", ".html"};
    const char *ending = strrchr(path, '.');
    tdag_file_kind kind = cli_kind_of_name(path);
    if (kind == TDAG_FILE_COREML && strcmp(ending, ".mlmodel") == 0)
        return cli_fail(CLI_USAGE, "%s: Core ML is written as .mlpackage", path);
    if (kind != TDAG_FILE_COREML &&
        (c->given & (CLI_TARGET | CLI_F16 | CLI_STATE_INPUTS)) != 0)
        return cli_fail(CLI_USAGE,
                        "%s: --target, --f16 and --state-inputs are for .mlpackage",
                        path);
    if (kind != TDAG_FILE_UNKNOWN) return CLI_DONE;
    for (size_t i = 0; ending != NULL && i < sizeof(planned) / sizeof(*planned); i++)
        if (strcmp(ending, planned[i]) == 0)
            return cli_fail(
                CLI_BAD,
                "%s: %s files are not supported yet; .pt, .pt2, .mlpackage, .tdag and "
                ".txt are",
                path, ending);
    return cli_fail(
        CLI_USAGE, "%s: the ending must be .pt, .pt2, .mlpackage, .tdag or .txt", path);
}
