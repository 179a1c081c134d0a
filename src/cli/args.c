/* Options: one table says how each is written and what it takes. */
#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/number_text.h"

typedef struct option {
    uint64_t bit;
    const char *name, *alias;
    const char *value; /* what it takes, as the help names it; NULL: nothing */
    const char *help;
} option;

/* clang-format off */
static const option options[] = {
    {CLI_INPUT,  "-i", "--input", "[NAME:]DTYPE[DIMS]", "one input: f32[N=4,3,224,224]; NAME=VALUE: sr=16000"},
    {CLI_LIKE,   "--like",   NULL, "X.safetensors", "inputs with the dtypes and shapes of its tensors"},
    {CLI_COMPLEX, "--complex", NULL, "I,J,...", "inputs, from 0, that are complex: given as pairs [...,2]"},
    {CLI_METHOD, "--method", NULL, "NAME", "the method to take (default forward); once per method"},
    {CLI_STATE,  "--state",  NULL, "S.safetensors", "what the model remembers: read if it exists, then written"},
    {CLI_CALLS,  "--calls",  NULL, "N", "calls in sequence, each with inputs of its own (default 1)"},
    {CLI_IN,     "--in",     NULL, "X.safetensors", "the inputs' values"},
    {CLI_OUT,    "--out",    NULL, "Y.safetensors", "where the outputs go"},
    {CLI_JSON,   "--json",   NULL, NULL, "one JSON object instead of tables"},
    {CLI_LEVEL,  "--level",  NULL, "core|kernel|fused", "the level of the table"},
    {CLI_BY,     "--by",     NULL, "op|module|node|graph", "what the table's rows are"},
    {CLI_EXACT,  "--exact",  NULL, NULL, "numbers in full instead of 4.09 G"},
    {CLI_CONTENT, "--content-hash", NULL, NULL, "with --json: a hash of the weights, too"},
    {CLI_ENGINE, "--engine", NULL, "native|torch|reference", "what runs the model"},
    {CLI_FIRST,  "--first",  NULL, NULL, "where they differ, find the first value that does"},
    {CLI_RTOL,   "--rtol",   NULL, "R", "relative tolerance"},
    {CLI_ATOL,   "--atol",   NULL, "A", "absolute tolerance"},
    {CLI_SEED,   "--seed",   NULL, "N", "of random inputs and draws (default 0)"},
    {CLI_FULL,   "--full",   NULL, NULL, "write large tensors too"},
    {CLI_RAISED, "--raised", NULL, NULL, "composites instead of core ops"},
    {CLI_AT,     "--at",     NULL, "N=8,S=T,...", "symbols given numbers, other names, expressions"},
    {CLI_OPAQUE, "--opaque", NULL, NULL, "keep unknown operators as opaque nodes"},
    {CLI_OPS,    "--ops",    NULL, "FILE.so", "a library of PyTorch operators to load (once per library)"},
    {CLI_READER, "--reader", NULL, "native|shim", "who reads TorchScript (default native)"},
    {CLI_WRITER, "--writer", NULL, "native|shim", "who writes TorchScript (default native)"},
    {CLI_NO_CHECK, "--no-check", NULL, NULL, "write .pt, .pt2, .mlpackage without proving them"},
    {CLI_TARGET, "--target", NULL, "iOS15|16|17|18|26", "what .mlpackage is for (default: the oldest that can)"},
    {CLI_F16,    "--f16",    NULL, NULL, "write f32 as f16 in .mlpackage"},
    {CLI_STATE_INPUTS, "--state-inputs", NULL, NULL, "states that .mlpackage cannot hold as inputs and outputs"},
    {CLI_SHIM,   "--shim",   NULL, "FILE", "the PyTorch shim to load"},
    {CLI_SIMPLIFY, "--simplify", NULL, NULL, "simplify the model first (exact passes)"},
    {CLI_FOLD,   "--fold",   NULL, NULL, "fold scales and shifts into weights, too (inexact)"},
    {CLI_PASSES, "--passes", NULL, "P,P,...", "only these passes"},
    {CLI_DIM,    "--dim",    NULL, "N", "the dimension, by name"},
    {CLI_AT_ONE, "--at-one", NULL, NULL, "take the dimension to be 1"},
    {CLI_AXIS,   "--axis",   NULL, "A", "where the new axis goes (default 0)"},
    {CLI_INPUTS, "--inputs", NULL, "A,B,...", "values by name: the inputs of the part, those concerned"},
    {CLI_OUTPUTS, "--outputs", NULL, "C,D,...", "values that become the outputs, by name"},
    {CLI_MODULE, "--module", NULL, "PATH", "a module path (split: several, with commas)"},
    {CLI_GRAPH,  "--graph",  NULL, "NAME", "a graph of a program"},
    {CLI_FIX,    "--fix",    NULL, "NAME[=VALUE]", "an input or state that is a constant"},
    {CLI_LINK,   "--link",   NULL, "0:VALUE=1:INPUT", "what feeds an input of a later part"},
    {CLI_MOST,   "--most",   NULL, "N", "how many, at most"},
    {CLI_MD,     "--md",     NULL, NULL, "as Markdown"},
    {CLI_TORCH,  "--torch",  NULL, NULL, "the importer's TorchScript operators (with --md)"},
    {CLI_QUIET,  "--quiet",  "-q", NULL, "no progress on the terminal"},
    {CLI_HELP,   "--help",   "-h", NULL, "this text"},
};
/* clang-format on */
#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

void cli_print_options(uint64_t bits, FILE *to)
{
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const option *o = &options[i];
        if (!(o->bit & bits) || o->bit == CLI_HELP) continue;
        char head[64];
        snprintf(head, sizeof(head), "%s%s%s", o->name, o->value == NULL ? "" : " ",
                 o->value == NULL ? "" : o->value);
        fprintf(to, "  %-31s %s\n", head, o->help);
    }
}

/* The option of that name; *value_out is what follows a '=', or NULL. */
static const option *find_option(const char *arg, const char **value_out)
{
    *value_out = NULL;
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const option *o = &options[i];
        if (strcmp(arg, o->name) == 0) return o;
        if (o->alias != NULL && strcmp(arg, o->alias) == 0) return o;
        size_t n = strlen(o->name);
        if (n > 2 && o->value != NULL && strncmp(arg, o->name, n) == 0 &&
            arg[n] == '=') {
            *value_out = arg + n + 1;
            return o;
        }
    }
    return NULL;
}

/* Appends to a list of strings. */
static int append(const char ***list, uint32_t *n, const char *value)
{
    const char **bigger = realloc(*list, (*n + 1) * sizeof(**list));
    if (bigger == NULL) return cli_fail(CLI_BAD, "out of memory");
    *list = bigger;
    bigger[(*n)++] = value;
    return CLI_DONE;
}

/* One of the words of "a|b|c"? */
static bool is_choice(const char *choices, const char *value)
{
    size_t n = strlen(value);
    for (const char *s = choices; n > 0; s++) {
        const char *end = strchr(s, '|');
        size_t length = end == NULL ? strlen(s) : (size_t)(end - s);
        if (length == n && strncmp(s, value, n) == 0) return true;
        if (end == NULL) break;
        s = end;
    }
    return false;
}

static int set_choice(const option *o, const char *value, const char **out)
{
    if (!is_choice(o->value, value))
        return cli_fail(CLI_USAGE, "%s is %s, not \"%s\"", o->name, o->value, value);
    *out = value;
    return CLI_DONE;
}

/* "iOS17" */
static int set_target(cli *c, const option *o, const char *value)
{
    size_t n = strlen("iOS");
    if (strncmp(value, "iOS", n) == 0 && is_choice(o->value + n, value + n))
        c->target = value;
    if (c->target != NULL) return CLI_DONE;
    return cli_fail(CLI_USAGE, "%s is %s, not \"%s\"", o->name, o->value, value);
}

/* "native", or "reference,native" where the command runs two models. */
static int set_engines(cli *c, const option *o, const char *value)
{
    static const char *const engines[] = {"native", "torch", "reference"};
    const char *comma = strchr(value, ',');
    size_t n = comma == NULL ? strlen(value) : (size_t)(comma - value);
    bool pair = (c->command->options & CLI_FIRST) != 0;
    for (int i = 0; i < 3; i++) {
        if (strlen(engines[i]) == n && strncmp(engines[i], value, n) == 0)
            c->engine = engines[i];
        if (comma != NULL && pair && strcmp(engines[i], comma + 1) == 0)
            c->engine_b = engines[i];
    }
    if (c->engine == NULL || (comma != NULL && c->engine_b == NULL))
        return cli_fail(CLI_USAGE, "%s is %s%s, not \"%s\"", o->name, o->value,
                        pair ? ", or two with a comma" : "", value);
    return CLI_DONE;
}

static int set_tolerance(const option *o, const char *value, double *out)
{
    double number;
    if (!tdagi_f64_parse(value, strlen(value), &number) || !(number >= 0))
        return cli_fail(CLI_USAGE, "%s needs a number >= 0, not \"%s\"", o->name,
                        value);
    *out = number;
    return CLI_DONE;
}

static int set_number(const option *o, const char *value, uint64_t *out)
{
    char *end = NULL;
    errno = 0;
    *out = strtoull(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0)
        return cli_fail(CLI_USAGE, "%s needs a whole number, not \"%s\"", o->name,
                        value);
    return CLI_DONE;
}

/* "sr=16000", unlike "x:f32[N=4]". */
static bool is_value(const char *text) { return text[strcspn(text, "=[")] == '='; }

/* "0,2" as bits */
static int set_bits(const option *o, const char *value, uint64_t *out)
{
    for (const char *p = value;; p++) {
        char *end;
        unsigned long i = strtoul(p, &end, 10);
        bool is = *p >= '0' && *p <= '9' && (*end == ',' || *end == '\0') && i < 64;
        if (!is)
            return cli_fail(CLI_USAGE, "%s takes numbers below 64 with commas, not %s",
                            o->name, value);
        *out |= (uint64_t)1 << i;
        p = end;
        if (*p == '\0') return CLI_DONE;
    }
}

static int add_method(cli *c, const char *name)
{
    if (c->n_methods == CLI_MOST_METHODS)
        return cli_fail(CLI_USAGE, "more than %d methods", CLI_MOST_METHODS);
    cli_method *bigger = realloc(c->methods, (c->n_methods + 1) * sizeof *bigger);
    if (bigger == NULL) return cli_fail(CLI_BAD, "out of memory");
    c->methods = bigger;
    bigger[c->n_methods++] = (cli_method){name, c->n_inputs};
    c->method = bigger[0].name;
    return CLI_DONE;
}

static int set_option(cli *c, const option *o, const char *value)
{
    if ((c->given & o->bit) && o->value != NULL &&
        !(o->bit & (CLI_INPUT | CLI_LINK | CLI_OPS | CLI_FIX | CLI_METHOD)))
        return cli_fail(CLI_USAGE, "%s is given twice", o->name);
    c->given |= o->bit;
    if (o->bit == CLI_INPUT && is_value(value))
        return append(&c->values, &c->n_values, value);
    if (o->bit == CLI_INPUT) return append(&c->inputs, &c->n_inputs, value);
    if (o->bit == CLI_LINK) return append(&c->links, &c->n_links, value);
    if (o->bit == CLI_OPS) return append(&c->ops, &c->n_ops, value);
    if (o->bit == CLI_FIX) return append(&c->fixes, &c->n_fixes, value);
    if (o->bit == CLI_COMPLEX) return set_bits(o, value, &c->complex);
    if (o->bit == CLI_LIKE) c->like = value;
    if (o->bit == CLI_IN) c->in = value;
    if (o->bit == CLI_OUT) c->out = value;
    if (o->bit == CLI_SHIM) c->shim = value;
    if (o->bit == CLI_READER) return set_choice(o, value, &c->reader);
    if (o->bit == CLI_WRITER) return set_choice(o, value, &c->writer);
    if (o->bit == CLI_TARGET) return set_target(c, o, value);
    if (o->bit == CLI_PASSES) c->passes = value;
    if (o->bit == CLI_ENGINE) return set_engines(c, o, value);
    if (o->bit == CLI_LEVEL) return set_choice(o, value, &c->level);
    if (o->bit == CLI_BY) return set_choice(o, value, &c->by);
    if (o->bit == CLI_RTOL) return set_tolerance(o, value, &c->rtol);
    if (o->bit == CLI_ATOL) return set_tolerance(o, value, &c->atol);
    if (o->bit == CLI_SEED) return set_number(o, value, &c->seed);
    if (o->bit == CLI_AXIS) return set_number(o, value, &c->axis);
    if (o->bit == CLI_DIM) c->dim = value;
    if (o->bit == CLI_MOST) return set_number(o, value, &c->most);
    if (o->bit == CLI_INPUTS) c->names_in = value;
    if (o->bit == CLI_OUTPUTS) c->names_out = value;
    if (o->bit == CLI_MODULE) c->module = value;
    if (o->bit == CLI_GRAPH) c->graph = value;
    if (o->bit == CLI_AT) c->at = value;
    if (o->bit == CLI_METHOD) return add_method(c, value);
    if (o->bit == CLI_STATE) c->state = value;
    if (o->bit == CLI_CALLS) return set_number(o, value, &c->calls);
    return CLI_DONE;
}

static int add_file(cli *c, const char *path)
{
    if (c->n_files == c->command->n_files) /* never if negative */
        return cli_fail(CLI_USAGE,
                        "\"%s\" is one argument too many; see tdag %s --help", path,
                        c->command->name);
    uint32_t n = (uint32_t)c->n_files;
    int status = append(&c->files, &n, path);
    c->n_files = (int)n;
    return status;
}

static int check(const cli *c)
{
    if (c->given & CLI_HELP) return CLI_DONE;
    if (c->n_files < abs(c->command->n_files))
        return cli_fail(CLI_USAGE, "tdag %s needs %s; see tdag %s --help",
                        c->command->name, c->command->files, c->command->name);
    int sources = (c->n_inputs > 0) + (c->like != NULL) + (c->in != NULL);
    if (c->n_methods > 1 && (c->command->options & CLI_ENGINE) != 0)
        return cli_fail(CLI_USAGE, "tdag %s takes one --method", c->command->name);
    if (c->n_methods > 1 && (c->methods[0].first > 0 || c->n_inputs == 0) &&
        sources > 0)
        return cli_fail(CLI_USAGE, "of several methods each has its -i behind its "
                                   "--method");
    if (sources > 1) return cli_fail(CLI_USAGE, "give only one of -i, --like and --in");
    return CLI_DONE;
}

int cli_parse(cli *c, int argc, char **argv)
{
    bool only_files = false;
    for (int i = 0; i < argc; i++) {
        const char *arg = argv[i], *value = NULL;
        int status;
        if (only_files || arg[0] != '-' || arg[1] == '\0') {
            status = add_file(c, arg);
        } else if (strcmp(arg, "--") == 0) {
            only_files = true;
            continue;
        } else {
            const option *o = find_option(arg, &value);
            if (o == NULL || !(o->bit & (c->command->options | CLI_HELP)))
                return cli_fail(CLI_USAGE, "tdag %s has no option %s", c->command->name,
                                arg);
            if (o->value != NULL && value == NULL) {
                if (i + 1 == argc)
                    return cli_fail(CLI_USAGE, "%s needs %s", o->name, o->value);
                value = argv[++i];
            }
            status = set_option(c, o, value);
        }
        if (status != CLI_DONE) return status;
    }
    return check(c);
}

/* ---- lists of names ---- */

void cli_free_names(cli_names *l)
{
    free(l->text);
    free(l->names);
    memset(l, 0, sizeof(*l));
}

int cli_split_names(const char *name, const char *value, cli_names *out)
{
    memset(out, 0, sizeof(*out));
    if (value == NULL) return CLI_DONE;
    size_t size = strlen(value) + 1;
    out->text = malloc(size);
    out->names = calloc(size, sizeof(*out->names));
    if (out->text == NULL || out->names == NULL) {
        cli_free_names(out);
        return cli_fail(CLI_BAD, "out of memory");
    }
    memcpy(out->text, value, size);
    for (char *s = out->text; s != NULL;) {
        char *comma = strchr(s, ',');
        if (comma != NULL) *comma = '\0';
        if (*s == '\0') {
            cli_free_names(out);
            return cli_fail(CLI_USAGE, "%s has an empty name in \"%s\"", name, value);
        }
        out->names[out->n++] = s;
        s = comma == NULL ? NULL : comma + 1;
    }
    return CLI_DONE;
}
