/* tdag simplify */
#include "cli/cli.h"

#include <string.h>

static const struct {
    const char *name;
    uint32_t bit;
} passes[] = {
#define PASS_ROW(id, bit, name, text) {name, TDAG_PASS_##id},
    TDAG_PASS_MAP(PASS_ROW)
#undef PASS_ROW
};
#define N_PASSES (sizeof(passes) / sizeof(passes[0]))

/* The bit of the pass named by the first n characters; 0 if there is none. */
static uint32_t pass_of(const char *name, size_t n)
{
    for (size_t i = 0; i < N_PASSES; i++)
        if (strlen(passes[i].name) == n && memcmp(passes[i].name, name, n) == 0)
            return passes[i].bit;
    return 0;
}

static int read_passes(const char *text, uint32_t *out)
{
    for (const char *s = text;; s++) {
        size_t n = strcspn(s, ",");
        uint32_t bit = pass_of(s, n);
        if (bit == 0) {
            char names[128] = "";
            for (size_t i = 0; i < N_PASSES; i++)
                snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
                         i > 0 ? ", " : "", passes[i].name);
            return cli_fail(CLI_USAGE, "there is no pass \"%.*s\", only %s", (int)n, s,
                            names);
        }
        *out |= bit;
        s += n;
        if (*s == '\0') return CLI_DONE;
    }
}

int cli_simplify_model(cli *c, tdag_model **model)
{
    tdag_simplify_options options;
    tdag_simplify_options_init(&options);
    if (c->passes != NULL) {
        int status = read_passes(c->passes, &options.passes);
        if (status != CLI_DONE) return status;
    }
    if (c->given & CLI_FOLD) {
        if (options.passes == 0) options.passes = TDAG_PASS_EXACT;
        options.passes |= TDAG_PASS_FOLD;
    }
    tdag_model *simpler = NULL;
    cli_progress(c, "simplifying", c->files[0]);
    if (tdag_simplify(c->ctx, *model, &options, &simpler) != TDAG_OK)
        return cli_fail_library(c, c->files[0]);
    tdag_model_free(*model);
    *model = simpler;
    return CLI_DONE;
}

int cli_simplify(cli *c)
{
    c->takes_programs = true;
    tdag_model *model = NULL;
    uint32_t bits = 0;
    int status = cli_check_name(c->files[1]);
    if (status == CLI_DONE && c->passes != NULL) status = read_passes(c->passes, &bits);
    if (status == CLI_DONE) status = cli_load_first(c, &model);
    if (status == CLI_DONE) status = cli_simplify_model(c, &model);
    if (status == CLI_DONE) status = cli_write_model(c, model, c->files[1]);
    tdag_model_free(model);
    return status;
}
