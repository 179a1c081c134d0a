/* tdag simplify */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

#include "base/number_text.h"

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

/* ---- values that are constants ---- */

/* The dtype of the input that a name is of, the first n characters; 0: there is none.
 */
static tdag_dtype dtype_of(const tdag_model *model, const char *name, size_t n)
{
    for (uint32_t k = 0; k < tdag_model_get_n_methods(model); k++) {
        const tdag_method *m = tdag_model_get_method(model, k);
        tdag_vars inputs = tdag_block_get(tdag_method_get_body(m)).params;
        for (uint32_t i = 0; i < inputs.n; i++) {
            char by_position[16];
            snprintf(by_position, sizeof(by_position), "in%u", (unsigned)i);
            const char *is = tdag_method_get_var_name(m, inputs.v[i]);
            if ((is != NULL && strlen(is) == n && memcmp(is, name, n) == 0) ||
                (strlen(by_position) == n && memcmp(by_position, name, n) == 0))
                return tdag_method_get_type(m, inputs.v[i]).dtype;
        }
    }
    return (tdag_dtype)0;
}

/* "true", "false" or a number as a tensor of rank 0. */
static int read_number(cli *c, const char *text, tdag_dtype dtype, tdag_tensor **out)
{
    bool yes = strcmp(text, "true") == 0, no = strcmp(text, "false") == 0;
    double d = yes;
    if (!yes && !no && !tdagi_f64_parse(text, strlen(text), &d))
        return cli_fail(CLI_USAGE, "--fix: \"%s\" is no number", text);
    int64_t i = yes || no ? yes : strtoll(text, NULL, 10);
    float f = (float)d;
    int32_t i32 = (int32_t)i;
    bool b = d != 0;
    const void *from = dtype == TDAG_F64   ? (const void *)&d
                       : dtype == TDAG_F32 ? (const void *)&f
                       : dtype == TDAG_I64 ? (const void *)&i
                       : dtype == TDAG_I32 ? (const void *)&i32
                                           : (const void *)&b;
    if (dtype != TDAG_F64 && dtype != TDAG_F32 && dtype != TDAG_I64 &&
        dtype != TDAG_I32 && dtype != TDAG_BOOL)
        return cli_fail(CLI_USAGE, "--fix: no input of that name is a number");
    if (tdag_tensor_create(c->ctx, dtype, 0, NULL, out) != TDAG_OK)
        return cli_fail_library(c, c->files[0]);
    memcpy(tdag_tensor_get_mutable_data(*out), from, tdag_dtype_size(dtype));
    return CLI_DONE;
}

/* NAME or NAME=VALUE; *model is replaced. */
static int fix(cli *c, const char *text, tdag_model **model)
{
    size_t n = strcspn(text, "=");
    char name[256];
    tdag_tensor *value = NULL;
    tdag_model *fixed = NULL;
    snprintf(name, sizeof(name), "%.*s", (int)n, text);
    int status = text[n] == '\0'
                     ? CLI_DONE
                     : read_number(c, text + n + 1, dtype_of(*model, text, n), &value);
    if (status == CLI_DONE && tdag_fix(c->ctx, *model, name, value, &fixed) != TDAG_OK)
        status = cli_fail_library(c, c->files[0]);
    tdag_tensor_free(value);
    if (status != CLI_DONE) return status;
    tdag_model_free(*model);
    *model = fixed;
    return CLI_DONE;
}

int cli_simplify_model(cli *c, tdag_model **model)
{
    for (uint32_t i = 0; i < c->n_fixes; i++) {
        int fixed = fix(c, c->fixes[i], model);
        if (fixed != CLI_DONE) return fixed;
    }
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
    int status = cli_check_name(c, c->files[1]);
    if (status == CLI_DONE && c->passes != NULL) status = read_passes(c->passes, &bits);
    if (status == CLI_DONE) status = cli_load_first(c, &model);
    if (status == CLI_DONE) status = cli_simplify_model(c, &model);
    if (status == CLI_DONE) status = cli_write_model(c, model, c->files[1]);
    tdag_model_free(model);
    return status;
}
