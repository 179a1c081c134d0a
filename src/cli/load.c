/* Reading models: what a file is, and its inputs. */
#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

tdag_file_kind cli_kind_of_name(const char *path)
{
    if (ends_with(path, ".pt") || ends_with(path, ".pth") || ends_with(path, ".ts"))
        return TDAG_FILE_TORCHSCRIPT;
    if (ends_with(path, ".pt2")) return TDAG_FILE_PT2;
    if (ends_with(path, ".tdag")) return TDAG_FILE_TDAG;
    if (ends_with(path, ".mlpackage") || ends_with(path, ".mlpackage/") ||
        ends_with(path, ".mlmodel"))
        return TDAG_FILE_COREML;
    return ends_with(path, ".txt") ? TDAG_FILE_TEXT : TDAG_FILE_UNKNOWN;
}

/* A file whose content says nothing, by its ending. */
static int kind_by_name(const char *path, tdag_file_kind *out)
{
    *out = cli_kind_of_name(path);
    if (*out == TDAG_FILE_PT2)
        return cli_fail(CLI_BAD, "%s: no .pt2 file (no zip signature)", path);
    if (*out == TDAG_FILE_TORCHSCRIPT)
        return cli_fail(CLI_BAD, "%s: no TorchScript file (no zip signature)", path);
    if (*out == TDAG_FILE_COREML)
        return cli_fail(CLI_BAD, "%s: no Core ML model", path);
    if (*out == TDAG_FILE_UNKNOWN)
        return cli_fail(CLI_BAD,
                        "%s: no model in a format that tdag reads (TorchScript, .pt2, "
                        "Core ML, .tdag, .txt)",
                        path);
    return CLI_DONE;
}

int cli_kind_of_file(cli *c, const char *path, tdag_file_kind *out)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) return cli_fail(CLI_BAD, "%s: %s", path, strerror(errno));
    fclose(file);
    *out = TDAG_FILE_UNKNOWN;
    if (tdag_file_get_kind(c->ctx, path, out) != TDAG_OK)
        return cli_fail_library(c, path);
    return *out == TDAG_FILE_UNKNOWN ? kind_by_name(path, out) : CLI_DONE;
}

/* What --reader or --writer says. */
static uint32_t who(const char *choice)
{
    bool shim = choice != NULL && strcmp(choice, "shim") == 0;
    return shim ? TDAG_TORCH_SHIM : TDAG_TORCH_NATIVE;
}

uint64_t cli_complex_inputs(const cli *c, const char *path)
{
    return strcmp(path, c->files[0]) == 0 ? c->complex : 0;
}

void cli_torch_options(const cli *c, tdag_torchscript_options *out)
{
    tdag_torchscript_options_init(out);
    out->shim_path = c->shim;
    out->method = c->method;
    out->reader = who(c->reader);
    out->writer = who(c->writer);
    out->values = c->values;
    out->n_values = c->n_values;
    if (c->given & CLI_OPAQUE) out->flags |= TDAG_TORCH_OPAQUE;
}

static bool fits(const tdag_input_spec *declared, const tdag_input_spec *given)
{
    bool same = declared->dtype == given->dtype && declared->rank == given->rank;
    for (uint32_t k = 0; same && k < declared->rank; k++)
        same = declared->symbol[k] != NULL || declared->shape[k] == given->shape[k];
    return same;
}

/* "x f32[N,3]": its name, if it has one, and its type. */
static void describe_input(const tdag_method *method, uint32_t i, char *buf,
                           size_t size)
{
    tdag_var var = tdag_block_get(tdag_method_get_body(method)).params.v[i];
    const char *name = tdag_method_get_var_name(method, var);
    tdag_var_type type = tdag_method_get_type(method, var);
    snprintf(buf, size, "%s%s%s[", name == NULL ? "" : name, name == NULL ? "" : " ",
             tdag_dtype_name(type.dtype));
    for (uint32_t k = 0; k < type.rank; k++) {
        char dim[256];
        tdag_method_dim_text(method, type.shape[k], dim, sizeof(dim));
        cli_list_add(buf, size, dim);
    }
    cli_list_end(buf, size);
}

/* The declared inputs must be what the command line says they are. */
static int compare_inputs(const char *path, const tdag_method *method,
                          const cli_inputs *declared, const cli_inputs *given)
{
    uint32_t *order = calloc(given->n, sizeof(*order));
    if (order == NULL) return cli_fail(CLI_BAD, "out of memory");
    cli_order(given, method, order);
    int status = CLI_DONE;
    for (uint32_t i = 0; i < given->n && status == CLI_DONE; i++) {
        const tdag_input_spec *want = &declared->specs[i],
                              *got = &given->specs[order[i]];
        char want_text[256], got_text[256];
        describe_input(method, i, want_text, sizeof(want_text));
        cli_spec_text(got, got_text, sizeof(got_text));
        if (!fits(want, got))
            status = cli_fail(CLI_BAD, "%s: input %u of the model is %s, not %s", path,
                              (unsigned)i, want_text, got_text);
    }
    free(order);
    return status;
}

static int check_inputs(cli *c, const char *path, const tdag_model *model,
                        const cli_inputs *inputs)
{
    const tdag_method *method;
    cli_inputs declared;
    if (inputs->n == 0) return CLI_DONE;
    int status = cli_find_method(c, path, model, &method);
    if (status == CLI_DONE) status = cli_inputs_of_method(method, &declared);
    if (status != CLI_DONE) return status;
    uint32_t n = declared.n;
    if (n != inputs->n)
        status = cli_fail(CLI_BAD, "%s: the model takes %u input%s, %u given", path,
                          (unsigned)n, n == 1 ? "" : "s", (unsigned)inputs->n);
    if (status == CLI_DONE) status = compare_inputs(path, method, &declared, inputs);
    cli_inputs_free(c, &declared);
    return status;
}

/* ---- methods ---- */

static int no_method(const char *path, const tdag_model *model, const char *name)
{
    char list[256] = "";
    for (uint32_t i = 0; i < tdag_model_get_n_methods(model); i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof(list) - used, "%s%s", i == 0 ? "" : ", ",
                 tdag_method_get_name(tdag_model_get_method(model, i)));
    }
    if (name == NULL)
        return cli_fail(CLI_USAGE, "%s: which --method of %s?", path, list);
    return cli_fail(CLI_BAD, "%s: the model has no method %s; it has %s", path, name,
                    list);
}

int cli_find_method(const cli *c, const char *path, const tdag_model *model,
                    const tdag_method **out)
{
    uint32_t n = tdag_model_get_n_methods(model);
    const char *name = c->method == NULL ? "forward" : c->method;
    *out = tdag_model_find_method(model, name);
    if (*out == NULL && c->method == NULL && n == 1)
        *out = tdag_model_get_method(model, 0);
    return *out != NULL ? CLI_DONE : no_method(path, model, c->method);
}

/* A model that is more than one graph is for commands that say so. */
static int check_programs(const cli *c, const char *path, const tdag_model *model)
{
    if (c->takes_programs || tdag_model_get_graph(model) != NULL) return CLI_DONE;
    return cli_fail(CLI_BAD,
                    "%s: the model is a program of several statements, which tdag %s%s "
                    "does not take",
                    path, c->command->name, c->given & CLI_RAISED ? " --raised" : "");
}

/* The methods behind the first, with their inputs. */
static void set_more(const cli *c, const cli_inputs *inputs,
                     tdag_torchscript_method *more)
{
    for (uint32_t i = 1; i < c->n_methods && inputs->n > 0; i++) {
        uint32_t end = i + 1 < c->n_methods ? c->methods[i + 1].first : inputs->n;
        more[i - 1].inputs = inputs->specs + c->methods[i].first;
        more[i - 1].n_inputs = end - c->methods[i].first;
    }
    for (uint32_t i = 1; i < c->n_methods; i++)
        more[i - 1].name = c->methods[i].name;
}

/* What the library reads of a path. */
static tdag_status open_file(cli *c, const char *path, tdag_file_kind kind,
                             const cli_inputs *inputs, tdag_model **out)
{
    tdag_open_options options;
    tdag_open_options_init(&options);
    options.kind = kind;
    bool several = c->n_methods > 1 && !c->stays_whole;
    tdag_torchscript_method more[CLI_MOST_METHODS] = {{.name = NULL}};
    if (kind == TDAG_FILE_TORCHSCRIPT || !c->stays_whole) options.method = c->method;
    if (several) set_more(c, inputs, more);
    if (several) options.more = more;
    if (several) options.n_more = c->n_methods - 1;
    uint32_t n = several && inputs->n > 0 ? c->methods[1].first : inputs->n;
    options.shim_path = c->shim;
    options.complex_inputs = cli_complex_inputs(c, path);
    options.reader = who(c->reader);
    options.values = c->values;
    options.n_values = c->n_values;
    if (c->given & CLI_OPAQUE) options.flags |= TDAG_OPEN_OPAQUE;
    return tdag_open(c->ctx, path, inputs->specs, n, &options, out);
}

static bool tells_inputs(tdag_file_kind kind)
{
    return kind == TDAG_FILE_TDAG || kind == TDAG_FILE_TEXT;
}

/* No inputs were given, and that is what the model refuses. */
static bool wants_inputs(const cli *c, tdag_file_kind kind, const cli_inputs *inputs)
{
    return kind == TDAG_FILE_TORCHSCRIPT && inputs->n == 0 &&
           tdag_ctx_get_error(c->ctx)->status == TDAG_E_ARG;
}

int cli_load(cli *c, const char *path, const cli_inputs *inputs, tdag_model **out)
{
    const cli_inputs none = {0};
    tdag_file_kind kind;
    tdag_model *model = NULL;
    int status = cli_kind_of_file(c, path, &kind);
    if (status != CLI_DONE) return status;
    bool declared = tells_inputs(kind);
    cli_progress(c, "reading", path);
    if (open_file(c, path, kind, declared ? &none : inputs, &model) != TDAG_OK)
        return wants_inputs(c, kind, inputs)
                   ? cli_fail(CLI_USAGE,
                              "%s is TorchScript, which does not store the shapes of "
                              "its inputs: give one -i DTYPE[DIMS] per input, as in -i "
                              "f32[1,3,224,224], or --like",
                              path)
                   : cli_fail_library(c, path);
    /* a file that tells its inputs is compared with those of the command line, by name
     */
    status = check_programs(c, path, model);
    if (status == CLI_DONE && declared && c->n_methods < 2)
        status = check_inputs(c, path, model, inputs);
    if (status == CLI_DONE)
        *out = model;
    else
        tdag_model_free(model);
    return status;
}

static int has_inputs(const cli *c, const char *path, const tdag_model *model,
                      bool *out)
{
    const tdag_method *method;
    int status = cli_find_method(c, path, model, &method);
    if (status == CLI_DONE)
        *out = tdag_block_get(tdag_method_get_body(method)).params.n > 0;
    return status;
}

int cli_takes_inputs(cli *c, const char *path, bool *out)
{
    const cli_inputs none = {0};
    tdag_file_kind kind;
    tdag_model *model = NULL;
    int status = cli_kind_of_file(c, path, &kind);
    if (status != CLI_DONE) return status;
    if (open_file(c, path, kind, &none, &model) == TDAG_OK)
        status = has_inputs(c, path, model, out);
    else if (wants_inputs(c, kind, &none))
        *out = true;
    else
        status = cli_fail_library(c, path);
    tdag_model_free(model);
    return status;
}

/* ---- --at ---- */

static bool same_symbol(const char *a, const char *b)
{
    size_t n = strcspn(a, "="), m = strcspn(b, "=");
    return n == m && memcmp(a, b, n) == 0;
}

/* Whether assignment i gives a number, and no other one the same symbol anything. */
static bool gives_number(const cli_names *at, uint32_t i, int64_t *value_out)
{
    const char *number = at->names[i] + strcspn(at->names[i], "=");
    size_t n = *number == '=' ? strspn(++number, "0123456789") : 0;
    if (n == 0 || n > 18 || number[n] != '\0') return false;
    for (uint32_t k = 0; k < at->n; k++)
        if (k != i && same_symbol(at->names[k], at->names[i])) return false;
    *value_out = strtoll(number, NULL, 10);
    return true;
}

/* The symbol of the inputs as a number; false where no input has it. */
static bool fix_symbol(cli_inputs *inputs, const char *symbol, int64_t value)
{
    bool found = false;
    for (uint32_t i = 0; i < inputs->n; i++)
        for (uint32_t k = 0; k < inputs->specs[i].rank; k++) {
            tdag_input_spec *s = &inputs->specs[i];
            if (s->symbol[k] == NULL || !same_symbol(s->symbol[k], symbol)) continue;
            s->symbol[k] = NULL;
            s->shape[k] = value;
            found = true;
        }
    return found;
}

/* Where --at gives nothing but numbers, a file that is read at the sizes of its inputs
 * is read at those. What no input has stays to be replaced, as it may be a symbol of
 * the file's own. */
static void fix_inputs(cli_inputs *inputs, cli_names *at)
{
    int64_t value = 0;
    uint32_t left = 0;
    for (uint32_t i = 0; i < at->n; i++)
        if (!gives_number(at, i, &value)) return;
    for (uint32_t i = 0; i < at->n; i++) {
        gives_number(at, i, &value);
        if (!fix_symbol(inputs, at->names[i], value)) at->names[left++] = at->names[i];
    }
    at->n = left;
}

/* The model with its symbols replaced; *model is replaced. */
static int substitute(cli *c, cli_names *at, tdag_model **model)
{
    tdag_model *other = NULL;
    if (at->n == 0) return CLI_DONE;
    if (c->at_left != NULL && tdag_model_get_graph(*model) == NULL) {
        *c->at_left = *at;
        *at = (cli_names){0};
        return CLI_DONE;
    }
    if (tdag_substitute(c->ctx, *model, at->names, at->n, &other) != TDAG_OK) {
        tdag_model_free(*model);
        *model = NULL;
        return cli_fail_library(c, c->files[0]);
    }
    tdag_model_free(*model);
    *model = other;
    return CLI_DONE;
}

int cli_load_first(cli *c, tdag_model **out)
{
    cli_names at;
    cli_inputs inputs;
    tdag_file_kind kind;
    int status = cli_split_names("--at", c->at, &at);
    if (status == CLI_DONE) status = cli_inputs_get(c, &inputs);
    if (status != CLI_DONE) {
        cli_free_names(&at);
        return status;
    }
    status = at.n == 0 ? CLI_DONE : cli_kind_of_file(c, c->files[0], &kind);
    if (status == CLI_DONE && at.n > 0 &&
        (kind == TDAG_FILE_TORCHSCRIPT || kind == TDAG_FILE_PT2 ||
         kind == TDAG_FILE_COREML))
        fix_inputs(&inputs, &at);
    if (status == CLI_DONE) status = cli_load(c, c->files[0], &inputs, out);
    if (status == CLI_DONE) status = substitute(c, &at, out);
    cli_inputs_free(c, &inputs);
    cli_free_names(&at);
    return status;
}
