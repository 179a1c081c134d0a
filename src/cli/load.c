/* Reading models: which format a file has, and the call that reads it. */
#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

cli_format cli_format_of_name(const char *path)
{
    if (ends_with(path, ".pt") || ends_with(path, ".pth") || ends_with(path, ".ts"))
        return CLI_TORCHSCRIPT;
    if (ends_with(path, ".pt2")) return CLI_PT2;
    if (ends_with(path, ".tdag")) return CLI_TDAG;
    return ends_with(path, ".txt") ? CLI_TEXT : CLI_UNKNOWN;
}

int cli_format_of_file(const char *path, cli_format *out)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) return cli_fail(CLI_BAD, "%s: %s", path, strerror(errno));
    char head[9] = {0};
    size_t n = fread(head, 1, sizeof(head), file);
    bool failed = n < sizeof(head) && ferror(file);
    int why = errno;
    fclose(file);
    if (failed) return cli_fail(CLI_BAD, "%s: %s", path, strerror(why));
    cli_format named = cli_format_of_name(path);
    if (memcmp(head, "PK\3\4", 4) == 0)
        *out = named == CLI_PT2 ? CLI_PT2 : CLI_TORCHSCRIPT;
    else if (named == CLI_PT2)
        return cli_fail(CLI_BAD, "%s: no .pt2 file (no zip signature)", path);
    else if (named == CLI_TORCHSCRIPT)
        return cli_fail(CLI_BAD, "%s: no TorchScript file (no zip signature)", path);
    else if (named == CLI_UNKNOWN && head[8] == '{') /* as safetensors begin */
        *out = CLI_TDAG;
    else if (named == CLI_UNKNOWN)
        return cli_fail(
            CLI_BAD,
            "%s: no model in a format that tdag reads (TorchScript, .tdag, .txt)",
            path);
    else
        *out = named;
    return CLI_DONE;
}

void cli_torch_options(const cli *c, tdag_torchscript_options *out)
{
    tdag_torchscript_options_init(out);
    out->shim_path = c->shim;
    if (c->given & CLI_OPAQUE) out->flags |= TDAG_TORCH_OPAQUE;
}

static int read_file(const char *path, char **text_out, size_t *size_out)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) return cli_fail(CLI_BAD, "%s: %s", path, strerror(errno));
    size_t n = 0, capacity = 0;
    char *text = NULL;
    for (;;) {
        if (n == capacity) {
            capacity = capacity == 0 ? 1 << 16 : 2 * capacity;
            char *bigger = realloc(text, capacity);
            if (bigger == NULL) break;
            text = bigger;
        }
        size_t got = fread(text + n, 1, capacity - n, file);
        n += got;
        if (got == 0) break;
    }
    bool failed = ferror(file) || n == capacity;
    fclose(file);
    if (failed) {
        free(text);
        return cli_fail(CLI_BAD, "%s: could not be read", path);
    }
    *text_out = text;
    *size_out = n;
    return CLI_DONE;
}

static bool fits(const tdag_input_spec *declared, const tdag_input_spec *given)
{
    bool same = declared->dtype == given->dtype && declared->rank == given->rank;
    for (uint32_t k = 0; same && k < declared->rank; k++)
        same = declared->symbol[k] != NULL || declared->shape[k] == given->shape[k];
    return same;
}

/* "x f32[N,3]": its name, if it has one, and its type. */
static void describe_input(const tdag_graph *graph, uint32_t i, char *buf, size_t size)
{
    tdag_node_info node = tdag_graph_get_node(graph, tdag_graph_get_input(graph, i));
    int n = node.name == NULL ? 0 : snprintf(buf, size, "%s ", node.name);
    size_t at = (size_t)n < size ? (size_t)n : size - 1;
    cli_type_text(graph, tdag_graph_get_input(graph, i), buf + at, size - at);
}

/* The declared inputs must be what the command line says they are. */
static int compare_inputs(const char *path, const tdag_graph *graph,
                          const cli_inputs *declared, const cli_inputs *given)
{
    uint32_t *order = calloc(given->n, sizeof(*order));
    if (order == NULL) return cli_fail(CLI_BAD, "out of memory");
    cli_order(given, graph, order);
    int status = CLI_DONE;
    for (uint32_t i = 0; i < given->n && status == CLI_DONE; i++) {
        const tdag_input_spec *want = &declared->specs[i],
                              *got = &given->specs[order[i]];
        char want_text[256], got_text[256];
        describe_input(graph, i, want_text, sizeof(want_text));
        cli_spec_text(got, got_text, sizeof(got_text));
        if (!fits(want, got))
            status = cli_fail(CLI_BAD, "%s: input %u of the model is %s, not %s", path,
                              (unsigned)i, want_text, got_text);
    }
    free(order);
    return status;
}

static int check_inputs(cli *c, const char *path, const tdag_graph *graph,
                        const cli_inputs *inputs)
{
    if (inputs->n == 0) return CLI_DONE;
    uint32_t n = tdag_graph_get_n_inputs(graph);
    if (n != inputs->n)
        return cli_fail(CLI_BAD, "%s: the model takes %u input%s, %u given", path,
                        (unsigned)n, n == 1 ? "" : "s", (unsigned)inputs->n);
    cli_inputs declared;
    int status = cli_inputs_of_graph(graph, &declared);
    if (status != CLI_DONE) return status;
    status = compare_inputs(path, graph, &declared, inputs);
    cli_inputs_free(c, &declared);
    return status;
}

static int load_text(cli *c, const char *path, tdag_model **out)
{
    char *text = NULL;
    size_t size = 0;
    int status = read_file(path, &text, &size);
    if (status != CLI_DONE) return status;
    tdag_graph *graph = NULL;
    tdag_status st = tdag_graph_parse(c->ctx, text, size, &graph);
    free(text);
    if (st == TDAG_OK) st = tdag_model_create(c->ctx, graph, out);
    tdag_graph_free(graph);
    return st == TDAG_OK ? CLI_DONE : cli_fail_library(c, path);
}

/* A format that declares its inputs, which must then be those of the command line. */
static int load_declared(cli *c, const char *path, cli_format format,
                         const cli_inputs *inputs, tdag_model **out)
{
    tdag_model *model = NULL;
    int status = CLI_DONE;
    if (format == CLI_TEXT)
        status = load_text(c, path, &model);
    else if (tdag_load(c->ctx, path, NULL, &model) != TDAG_OK)
        status = cli_fail_library(c, path);
    if (status == CLI_DONE)
        status = check_inputs(c, path, tdag_model_get_graph(model), inputs);
    if (status == CLI_DONE)
        *out = model;
    else
        tdag_model_free(model);
    return status;
}

static int load_torchscript(cli *c, const char *path, const cli_inputs *inputs,
                            tdag_model **out)
{
    if (inputs->n == 0)
        return cli_fail(CLI_USAGE,
                        "%s is TorchScript, which does not store the shapes of its "
                        "inputs: give one -i DTYPE[DIMS] per input, as in -i "
                        "f32[1,3,224,224], or --like",
                        path);
    tdag_torchscript_options options;
    cli_torch_options(c, &options);
    if (tdag_from_torchscript(c->ctx, path, inputs->specs, inputs->n, &options, out) !=
        TDAG_OK)
        return cli_fail_library(c, path);
    return CLI_DONE;
}

static int load_pt2(cli *c, const char *path, const cli_inputs *inputs,
                    tdag_model **out)
{
    tdag_pt2_options options;
    tdag_pt2_options_init(&options);
    if (c->given & CLI_OPAQUE) options.flags |= TDAG_PT2_OPAQUE;
    if (tdag_from_pt2(c->ctx, path, inputs->specs, inputs->n, &options, out) != TDAG_OK)
        return cli_fail_library(c, path);
    return CLI_DONE;
}

int cli_load(cli *c, const char *path, const cli_inputs *inputs, tdag_model **out)
{
    cli_format format = CLI_UNKNOWN;
    int status = cli_format_of_file(path, &format);
    if (status != CLI_DONE) return status;
    cli_progress(c, "reading", path);
    if (format == CLI_PT2) return load_pt2(c, path, inputs, out);
    return format == CLI_TORCHSCRIPT ? load_torchscript(c, path, inputs, out)
                                     : load_declared(c, path, format, inputs, out);
}

/* The model with its symbols replaced as --at says; *model is replaced. */
static int substitute(cli *c, tdag_model **model)
{
    cli_names at;
    tdag_model *other = NULL;
    int status = cli_split_names("--at", c->at, &at);
    if (status != CLI_DONE || at.n == 0) return status;
    if (tdag_substitute(c->ctx, *model, at.names, at.n, &other) != TDAG_OK) {
        status = cli_fail_library(c, c->files[0]);
    } else {
        tdag_model_free(*model);
        *model = other;
    }
    cli_free_names(&at);
    return status;
}

int cli_load_first(cli *c, tdag_model **out)
{
    cli_inputs inputs;
    int status = cli_inputs_get(c, &inputs);
    if (status != CLI_DONE) return status;
    status = cli_load(c, c->files[0], &inputs, out);
    cli_inputs_free(c, &inputs);
    if (status == CLI_DONE) status = substitute(c, out);
    return status;
}
