/* tdag extract, split, compose and cuts: models in parts. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

/* Extracts by c's options and writes the part. */
static int extract_to(cli *c, const tdag_model *model, const cli_names *in,
                      const cli_names *out)
{
    tdag_extract_options options;
    tdag_extract_options_init(&options);
    options.inputs = in->names;
    options.n_inputs = in->n;
    options.outputs = out->names;
    options.n_outputs = out->n;
    options.module = c->module;
    options.graph = c->graph;
    tdag_model *part = NULL;
    if (tdag_extract(c->ctx, model, &options, &part) != TDAG_OK)
        return cli_fail_library(c, c->files[0]);
    int status = cli_write_model(c, part, c->files[1]);
    tdag_model_free(part);
    return status;
}

int cli_extract(cli *c)
{
    c->takes_programs = true;
    if (c->module == NULL && c->names_in == NULL && c->names_out == NULL &&
        c->graph == NULL)
        return cli_fail(CLI_USAGE,
                        "tdag extract needs --inputs, --outputs, --module or --graph");
    if (c->module != NULL && (c->names_in != NULL || c->names_out != NULL))
        return cli_fail(CLI_USAGE, "give --module, or --inputs and --outputs");
    cli_names in, out = {0};
    tdag_model *model = NULL;
    int status = cli_split_names("--inputs", c->names_in, &in);
    if (status == CLI_DONE) status = cli_split_names("--outputs", c->names_out, &out);
    if (status == CLI_DONE) status = cli_check_name(c, c->files[1]);
    if (status == CLI_DONE) status = cli_load_first(c, &model);
    if (status == CLI_DONE) status = extract_to(c, model, &in, &out);
    tdag_model_free(model);
    cli_free_names(&in);
    cli_free_names(&out);
    return status;
}

/* ---- split ---- */

/* "dir/model.tdag" -> "dir/model.3.tdag" */
static int write_part(cli *c, const tdag_model *part, uint32_t i)
{
    const char *path = c->files[1], *ending = strrchr(path, '.');
    size_t size = strlen(path) + 16;
    char *name = malloc(size);
    if (name == NULL) return cli_fail(CLI_BAD, "out of memory");
    snprintf(name, size, "%.*s.%u%s", (int)(ending - path), path, (unsigned)i, ending);
    int status = cli_write_model(c, part, name);
    if (status == CLI_DONE) printf("%s\n", name);
    free(name);
    return status;
}

static int split_to(cli *c, const tdag_model *model, const cli_names *modules)
{
    tdag_model **parts = calloc(2 * (size_t)modules->n + 1, sizeof(*parts));
    if (parts == NULL) return cli_fail(CLI_BAD, "out of memory");
    uint32_t n = 0;
    int status = CLI_DONE;
    if (tdag_split(c->ctx, model, modules->names, modules->n, parts, &n) != TDAG_OK)
        status = cli_fail_library(c, c->files[0]);
    for (uint32_t i = 0; i < n; i++) {
        if (status == CLI_DONE) status = write_part(c, parts[i], i);
        tdag_model_free(parts[i]);
    }
    free(parts);
    return status;
}

int cli_split(cli *c)
{
    if (c->module == NULL)
        return cli_fail(CLI_USAGE, "tdag split needs --module A,B,...");
    cli_names modules;
    tdag_model *model = NULL;
    int status = cli_split_names("--module", c->module, &modules);
    if (status == CLI_DONE) status = cli_check_name(c, c->files[1]);
    if (status == CLI_DONE) status = cli_load_first(c, &model);
    if (status == CLI_DONE) status = split_to(c, model, &modules);
    tdag_model_free(model);
    cli_free_names(&modules);
    return status;
}

/* ---- compose ---- */

/* "0:VALUE" in a copy that is cut at the colon. */
static bool split_end(char *text, uint32_t *part, const char **name)
{
    char *end = NULL;
    unsigned long number = strtoul(text, &end, 10);
    if (end == text || *end != ':' || end[1] == '\0' || number > INT32_MAX)
        return false;
    *part = (uint32_t)number;
    *name = end + 1;
    return true;
}

/* Parses --link into links; texts[i] holds the names of link i. */
static int parse_links(const cli *c, tdag_link *links, char **texts)
{
    for (uint32_t i = 0; i < c->n_links; i++) {
        size_t size = strlen(c->links[i]) + 1;
        texts[i] = malloc(size);
        if (texts[i] == NULL) return cli_fail(CLI_BAD, "out of memory");
        memcpy(texts[i], c->links[i], size);
        char *to = strchr(texts[i], '=');
        if (to != NULL) *to = '\0';
        if (to == NULL || !split_end(texts[i], &links[i].from, &links[i].value) ||
            !split_end(to + 1, &links[i].to, &links[i].input))
            return cli_fail(CLI_USAGE, "--link is 0:VALUE=1:INPUT, not \"%s\"",
                            c->links[i]);
    }
    return CLI_DONE;
}

/* The models of all files but the last; a file that stands twice is read once. */
static int load_parts(cli *c, tdag_model **parts, uint32_t n)
{
    const cli_inputs none = {0};
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < i && parts[i] == NULL; k++)
            if (strcmp(c->files[k], c->files[i]) == 0) parts[i] = parts[k];
        if (parts[i] != NULL) continue;
        int status = cli_load(c, c->files[i], &none, &parts[i]);
        if (status != CLI_DONE) return status;
    }
    return CLI_DONE;
}

static int compose_to(cli *c, tdag_model *const *parts, uint32_t n,
                      const tdag_link *links)
{
    tdag_compose_options options;
    tdag_compose_options_init(&options);
    options.links = links;
    options.n_links = c->n_links;
    tdag_model *whole = NULL;
    const tdag_model **lent = calloc(n, sizeof(*lent));
    if (lent == NULL) return cli_fail(CLI_BAD, "out of memory");
    for (uint32_t i = 0; i < n; i++)
        lent[i] = parts[i];
    tdag_status st = tdag_compose(c->ctx, lent, n, &options, &whole);
    free(lent);
    if (st != TDAG_OK) return cli_fail_library(c, NULL);
    int status = cli_write_model(c, whole, c->files[n]);
    tdag_model_free(whole);
    return status;
}

int cli_compose(cli *c)
{
    uint32_t n = (uint32_t)c->n_files - 1;
    tdag_model **parts = calloc(n, sizeof(*parts));
    tdag_link *links = calloc((size_t)c->n_links + 1, sizeof(*links));
    char **texts = calloc((size_t)c->n_links + 1, sizeof(*texts));
    int status = parts == NULL || links == NULL || texts == NULL
                     ? cli_fail(CLI_BAD, "out of memory")
                     : parse_links(c, links, texts);
    if (status == CLI_DONE) status = cli_check_name(c, c->files[n]);
    if (status == CLI_DONE) status = load_parts(c, parts, n);
    if (status == CLI_DONE) status = compose_to(c, parts, n, links);
    for (uint32_t i = 0; parts != NULL && i < n; i++) {
        bool again = false;
        for (uint32_t k = 0; k < i; k++)
            again = again || parts[k] == parts[i];
        if (!again)
            tdag_model_free(parts[i]);
        else
            parts[i] = NULL;
    }
    for (uint32_t i = 0; texts != NULL && i < c->n_links; i++)
        free(texts[i]);
    free(texts);
    free(links);
    free(parts);
    return status;
}

/* ---- cuts ---- */

/* "a,b,..." of a cut's values; what does not fit is cut off. */
static void value_names(const tdag_graph *graph, const tdag_cut *cut, char *buf,
                        size_t size)
{
    size_t n = 0;
    buf[0] = '\0';
    for (uint32_t i = 0; i < cut->n_values && n < size; i++) {
        tdag_node_info info = tdag_graph_get_node(graph, cut->values[i]);
        const char *comma = i > 0 ? "," : "";
        n += (size_t)(info.name != NULL
                          ? snprintf(buf + n, size - n, "%s%s", comma, info.name)
                          : snprintf(buf + n, size - n, "%sv%u", comma,
                                     (unsigned)cut->values[i].id));
    }
}

static void print_cuts(const cli *c, const tdag_graph *graph, const tdag_cuts *cuts)
{
    cli_table t = {.columns = 4, .left = 0};
    static const char *const heads[] = {"bytes", "MACs before", "module", "values"};
    bool exact = (c->given & CLI_EXACT) != 0;
    for (int i = 0; i < 4; i++)
        cli_table_add(&t, heads[i]);
    for (uint32_t i = 0; i < cuts->n; i++) {
        const tdag_cut *cut = &cuts->cuts[i];
        char text[CLI_CELL * 4];
        int64_t all = cut->macs_before + cut->macs_after;
        cli_number((double)cut->bytes, "B", exact, text, sizeof(text));
        cli_table_add(&t, text);
        cli_share((double)cut->macs_before, (double)all, " %", text, sizeof(text));
        cli_table_add(&t, text);
        cli_table_add(&t, cut->module);
        value_names(graph, cut, text, sizeof(text));
        cli_table_add(&t, text);
    }
    cli_table_print(&t);
    cli_table_free(&t);
}

int cli_cuts(cli *c)
{
    uint64_t most = c->given & CLI_MOST ? c->most : 10;
    tdag_model *model = NULL;
    tdag_cuts cuts = {0};
    int status = cli_load_first(c, &model);
    if (status == CLI_DONE &&
        tdag_suggest_cuts(c->ctx, model,
                          most < UINT32_MAX ? (uint32_t)most : UINT32_MAX,
                          &cuts) != TDAG_OK)
        status = cli_fail_library(c, c->files[0]);
    if (status == CLI_DONE) print_cuts(c, tdag_model_get_graph(model), &cuts);
    tdag_cuts_free(&cuts);
    tdag_model_free(model);
    return status;
}
