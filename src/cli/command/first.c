/* tdag verify --first: where two models begin to differ.
 *
 * Values that stand for each other are cut out of both models as outputs, as many at a
 * time as a budget of memory allows, and compared in the order of the first model. The
 * named ones come first, then those between the last one that agrees and the first
 * that differs. */
#include "cli/cli.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BUDGET 2.56e8 /* bytes of the values of one model that are kept at once */

typedef struct side {
    tdag_model *model;
    const tdag_graph *graph;
    const char *path;
    bool is_reference;
    tdag_tensor **values;  /* in the order of the model's inputs */
    const tdag_value *all; /* of the pairs */
} side;

typedef struct finder {
    cli *c;
    side sides[2];
    uint32_t n_inputs;
    tdag_pairs pairs;
    uint32_t *chosen; /* positions of pairs */
    uint32_t found;   /* position of the first pair that differs; UINT32_MAX: none */
} finder;

static const char *value_name(const tdag_graph *g, tdag_value v, char buf[16])
{
    const char *name = tdag_graph_get_node(g, v).name;
    if (name != NULL) return name;
    snprintf(buf, 16, "v%u", (unsigned)v.id);
    return buf;
}

/* ---- running to some values ---- */

static int cut_and_run(finder *f, const side *s, const uint32_t *chosen, uint32_t n,
                       cli_outputs *out)
{
    const char **names = calloc(n, sizeof(*names));
    char(*buffers)[16] = calloc(n, sizeof(*buffers));
    tdag_model *part = NULL;
    int status = CLI_DONE;
    if (names == NULL || buffers == NULL) {
        status = cli_fail(CLI_BAD, "out of memory");
    } else {
        tdag_extract_options options;
        tdag_extract_options_init(&options);
        options.outputs = names;
        options.n_outputs = n;
        for (uint32_t i = 0; i < n; i++)
            names[i] = value_name(s->graph, s->all[chosen[i]], buffers[i]);
        if (tdag_extract(f->c->ctx, s->model, &options, &part) != TDAG_OK)
            status = cli_fail_library(f->c, s->path);
    }
    cli_progress(f->c, "running", s->path);
    const cli_runner how = {.path = s->path, .is_reference = s->is_reference};
    if (status == CLI_DONE)
        status = cli_run_model(f->c, &how, part, s->values, f->n_inputs, out);
    tdag_model_free(part);
    free(buffers);
    free(names);
    return status;
}

/* "[1,0,7]" of element i */
static void index_text(const tdag_tensor *t, int64_t i, char *buf, size_t size)
{
    int64_t index[TDAG_MAX_RANK];
    uint32_t rank = tdag_tensor_get_rank(t);
    for (uint32_t k = rank; k > 0; k--) {
        index[k - 1] = i % tdag_tensor_get_shape(t)[k - 1];
        i /= tdag_tensor_get_shape(t)[k - 1];
    }
    snprintf(buf, size, "[");
    for (uint32_t k = 0; k < rank; k++)
        cli_list_add_int(buf, size, index[k]);
    cli_list_end(buf, size);
}

/* ---- comparing ---- */

static bool differs(const finder *f, const tdag_tensor *a, const tdag_tensor *b)
{
    cli_comparison result;
    if (!cli_same_type(a, b)) return true;
    cli_compare(f->c, a, b, &result);
    return result.n_bad > 0;
}

static void describe(const side *s, tdag_value v)
{
    char buf[16];
    tdag_node_info node = tdag_graph_get_node(s->graph, v);
    printf("%s (%s%s%s)", value_name(s->graph, v, buf), tdag_op_name(node.op),
           node.scope[0] == '\0' ? "" : ", module ", node.scope);
}

static void print_found(const finder *f, const tdag_tensor *a, const tdag_tensor *b)
{
    printf("first  ");
    describe(&f->sides[0], f->sides[0].all[f->found]);
    printf(" against ");
    describe(&f->sides[1], f->sides[1].all[f->found]);
    if (!cli_same_type(a, b)) {
        cli_print_verdict(false, "DIFFERS in dtype or shape");
        return;
    }
    cli_comparison result;
    char where[256];
    cli_compare(f->c, a, b, &result);
    index_text(a, result.first_bad, where, sizeof(where));
    cli_print_errors(&result);
    cli_print_verdict(false,
                      "DIFFERS in %" PRId64 " of %" PRId64 " elements, first at %s",
                      result.n_bad, tdag_tensor_get_count(a), where);
}

/* Compares n chosen pairs; `print` says what differs in the one that is found. */
static int compare_chosen(finder *f, const uint32_t *chosen, uint32_t n, bool print)
{
    cli_outputs a = {0}, b = {0};
    int status = cut_and_run(f, &f->sides[0], chosen, n, &a);
    if (status == CLI_DONE) status = cut_and_run(f, &f->sides[1], chosen, n, &b);
    for (uint32_t i = 0; i < n && status == CLI_DONE; i++) {
        if (!print && !differs(f, a.tensors[i], b.tensors[i])) continue;
        f->found = chosen[i];
        if (print) print_found(f, a.tensors[i], b.tensors[i]);
        break;
    }
    cli_outputs_free(&a);
    cli_outputs_free(&b);
    return status;
}

/* Bytes at the symbols' samples. */
static double value_size(const tdag_graph *g, tdag_value v)
{
    tdag_node_info node = tdag_graph_get_node(g, v);
    double n = (double)tdag_dtype_size(node.dtype);
    for (uint32_t k = 0; k < node.rank; k++)
        n *= (double)tdag_graph_dim_sample(g, node.shape[k]);
    return n;
}

static bool is_named(const finder *f, uint32_t i)
{
    for (int k = 0; k < 2; k++)
        if (tdag_graph_get_node(f->sides[k].graph, f->sides[k].all[i]).name == NULL)
            return false;
    return true;
}

/* Finds the first pair that differs among those from..to-1 that are named, or not. */
static int search(finder *f, uint32_t from, uint32_t to, bool named)
{
    uint32_t n = 0;
    double size = 0;
    for (uint32_t i = from; i < to; i++) {
        if (is_named(f, i) != named) continue;
        double more = value_size(f->sides[0].graph, f->sides[0].all[i]);
        if (n > 0 && size + more > BUDGET) {
            int status = compare_chosen(f, f->chosen, n, false);
            if (status != CLI_DONE || f->found < to) return status;
            n = 0;
            size = 0;
        }
        f->chosen[n++] = i;
        size += more;
    }
    return n == 0 ? CLI_DONE : compare_chosen(f, f->chosen, n, false);
}

static int find(finder *f)
{
    uint32_t n = f->pairs.n, before = 0;
    f->found = UINT32_MAX;
    int status = search(f, 0, n, true);
    uint32_t named = f->found;
    for (uint32_t i = 0; i < n && i < named && named != UINT32_MAX; i++)
        if (is_named(f, i)) before = i + 1;
    f->found = UINT32_MAX;
    if (status == CLI_DONE) status = search(f, before, named < n ? named : n, false);
    if (f->found == UINT32_MAX) f->found = named;
    if (status != CLI_DONE) return status;
    if (f->found != UINT32_MAX) return compare_chosen(f, &f->found, 1, true);
    printf("first  no value that both models have differs: only their outputs do\n");
    return CLI_DONE;
}

/* ---- the models ---- */

static int prepare_side(finder *f, side *s, const cli_inputs *inputs,
                        tdag_tensor *const *values)
{
    uint32_t *order = calloc((size_t)inputs->n + 1, sizeof(*order));
    s->values = calloc((size_t)inputs->n + 1, sizeof(*s->values));
    int status = order == NULL || s->values == NULL
                     ? cli_fail(CLI_BAD, "out of memory")
                     : cli_load(f->c, s->path, inputs, &s->model);
    if (status == CLI_DONE) {
        s->graph = tdag_model_get_graph(s->model);
        cli_order(inputs, tdag_model_get_method(s->model, 0), order);
        for (uint32_t i = 0; i < inputs->n; i++)
            s->values[i] = values[order[i]];
    }
    free(order);
    return status;
}

static int pair_values(finder *f)
{
    if (tdag_pair_values(f->c->ctx, f->sides[0].model, f->sides[1].model, &f->pairs) !=
        TDAG_OK)
        return cli_fail_library(f->c, NULL);
    f->sides[0].all = f->pairs.a;
    f->sides[1].all = f->pairs.b;
    f->chosen = calloc((size_t)f->pairs.n + 1, sizeof(*f->chosen));
    return f->chosen == NULL ? cli_fail(CLI_BAD, "out of memory") : CLI_DONE;
}

int cli_find_first(cli *c, const cli_inputs *inputs, tdag_tensor *const *values)
{
    finder f = {.c = c, .n_inputs = inputs->n};
    f.sides[0].path = c->files[0];
    f.sides[1].path = c->files[1];
    f.sides[0].is_reference = strcmp(c->engine, "reference") == 0;
    f.sides[1].is_reference = strcmp(c->engine_b, "reference") == 0;
    int status = prepare_side(&f, &f.sides[0], inputs, values);
    if (status == CLI_DONE) status = prepare_side(&f, &f.sides[1], inputs, values);
    if (status == CLI_DONE) status = pair_values(&f);
    if (status == CLI_DONE) status = find(&f);
    tdag_pairs_free(&f.pairs);
    free(f.chosen);
    for (int i = 0; i < 2; i++) {
        free(f.sides[i].values);
        tdag_model_free(f.sides[i].model);
    }
    return status == CLI_DONE ? CLI_NO : status;
}
