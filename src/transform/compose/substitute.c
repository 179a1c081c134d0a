/* Symbols replaced by numbers, other symbols, expressions. In order: the assignments
 * are parsed; the symbols that stay are declared in the new pool, then those that are
 * new, with samples solved for; every dim of the graph is taken over. */
#include <string.h>

#include <tdagger/symbol.h>

#include "program/model.h"
#include "transform/compose/sizes.h"

typedef struct substituting {
    tdag_ctx *ctx;
    const tdag_graph *g;
    tdag_builder *b;
    const char **right;     /* by symbol: past the '='; NULL: it stays */
    tdag_dim *replacements; /* by symbol */
} substituting;

static tdag_status read_left(substituting *s, const char *text)
{
    const char *equals = text == NULL ? NULL : strchr(text, '=');
    if (equals == NULL)
        return tdagi_fail(s->ctx, TDAG_E_ARG,
                          "\"%s\" is no assignment SYMBOL=EXPRESSION",
                          text == NULL ? "" : text);
    size_t n = (size_t)(equals - text);
    for (uint32_t i = 0; i < tdagi_pool_n_symbols(s->g->pool); i++) {
        const char *name = tdagi_pool_symbol(s->g->pool, i, NULL);
        if (strlen(name) != n || memcmp(name, text, n) != 0) continue;
        if (s->right[i] != NULL)
            return tdagi_fail(s->ctx, TDAG_E_ARG, "symbol %s is given twice", name);
        s->right[i] = equals + 1;
        return TDAG_OK;
    }
    return tdagi_fail(s->ctx, TDAG_E_ARG, "the model has no symbol %.*s", (int)n, text);
}

static bool is_name_start(char c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static size_t name_length(const char *text)
{
    size_t n = 0;
    while (is_name_start(text[n]) || (n > 0 && text[n] >= '0' && text[n] <= '9'))
        n++;
    return n;
}

/* Is it a function of the grammar of dims? */
static bool is_function(const char *text, size_t n)
{
    const char *rest = text + n;
    return rest[strspn(rest, " ")] == '(';
}

/* Declares the symbols of a right-hand side that are not there yet, with sample 0, in a
 * pool of its own; *n_new_out of them. */
static tdag_status parse_with_new(substituting *s, tdagi_pool *pool, const char *text,
                                  uint32_t *n_new_out, tdag_dim *out)
{
    char name[256];
    for (const char *p = text; *p != '\0';) {
        size_t n = name_length(p);
        if (n == 0) {
            p++;
            continue;
        }
        if (n >= sizeof(name))
            return tdagi_fail(s->ctx, TDAG_E_ARG, "a symbol's name is too long");
        if (!is_function(p, n)) {
            memcpy(name, p, n);
            name[n] = '\0';
            bool known = false;
            for (uint32_t i = 0; i < tdagi_pool_n_symbols(pool); i++)
                known = known || strcmp(tdagi_pool_symbol(pool, i, NULL), name) == 0;
            if (!known) {
                tdagi_dim_symbol(pool, name, 0);
                (*n_new_out)++;
            }
        }
        p += n;
    }
    const char *end = NULL;
    tdag_status st =
        tdagi_dim_parse(s->ctx, pool, text, text + strlen(text), &end, out);
    if (st == TDAG_OK && *end != '\0')
        st = tdagi_fail(s->ctx, TDAG_E_FORMAT, "\"%s\" is no expression over symbols",
                        text);
    return st;
}

/* Declares the new symbol of symbol i's right-hand side, whose sample makes it i's. */
static tdag_status declare_new(substituting *s, uint32_t i)
{
    tdagi_pool *to = tdagi_builder_pool(s->b), *trial = tdagi_pool_clone(to);
    uint32_t n_known = tdagi_pool_n_symbols(to), n_new = 0;
    int64_t sample;
    tdag_dim d = 0;
    if (trial == NULL) return tdagi_nomem(s->ctx);
    tdagi_pool_symbol(s->g->pool, i, &sample);
    tdag_status st = parse_with_new(s, trial, s->right[i], &n_new, &d);
    if (st == TDAG_OK && n_new > 0) {
        const char *name = tdagi_pool_symbol(trial, n_known, NULL);
        uint32_t symbol;
        int64_t factor, offset;
        if (n_new > 1 || !tdagi_dim_is_affine(trial, d, &symbol, &factor, &offset) ||
            symbol != n_known || sample < offset || (sample - offset) % factor != 0)
            st = tdagi_fail(s->ctx, TDAG_E_ARG,
                            "%s has the sample %lld, which no sample of the new symbol "
                            "%s gives by %s",
                            tdagi_pool_symbol(s->g->pool, i, NULL), (long long)sample,
                            name, s->right[i]);
        else
            tdagi_dim_symbol(to, name, (sample - offset) / factor);
    }
    if (st == TDAG_OK) st = tdagi_pool_report(s->ctx, to);
    tdagi_pool_free(trial);
    return st;
}

static tdag_status replace_all(substituting *s)
{
    tdagi_pool *to = tdagi_builder_pool(s->b);
    uint32_t n = tdagi_pool_n_symbols(s->g->pool);
    for (uint32_t i = 0; i < n; i++) {
        int64_t sample;
        const char *name = tdagi_pool_symbol(s->g->pool, i, &sample);
        if (s->right[i] == NULL)
            s->replacements[i] = tdagi_dim_symbol(to, name, sample);
    }
    TDAGI_TRY(tdagi_pool_report(s->ctx, to));
    for (uint32_t i = 0; i < n; i++)
        if (s->right[i] != NULL) TDAGI_TRY(declare_new(s, i));
    for (uint32_t i = 0; i < n; i++) {
        const char *end = NULL, *text = s->right[i];
        if (text == NULL) continue;
        TDAGI_TRY(tdagi_dim_parse(s->ctx, to, text, text + strlen(text), &end,
                                  &s->replacements[i]));
        if (tdagi_dim_sample(to, s->replacements[i]) < 0)
            return tdagi_fail(s->ctx, TDAG_E_ARG, "symbol %s would be %lld",
                              tdagi_pool_symbol(s->g->pool, i, NULL),
                              (long long)tdagi_dim_sample(to, s->replacements[i]));
    }
    return TDAG_OK;
}

static tdag_status copy_all(substituting *s, tdag_graph **out)
{
    tdagi_graft t;
    TDAGI_TRY(tdagi_graft_init(&t, s->b, s->g, s->replacements));
    tdag_status st = tdagi_graft_sizes(&t, out);
    tdagi_graft_free(&t);
    return st;
}

tdag_status tdag_graph_substitute(tdag_ctx *ctx, const tdag_graph *graph,
                                  const char *const *assignments,
                                  uint32_t n_assignments, tdag_graph **out)
{
    TDAGI_TRY(tdagi_need(ctx, graph, "graph"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    if (n_assignments > 0) TDAGI_TRY(tdagi_need(ctx, assignments, "assignments"));
    substituting s = {.ctx = ctx, .g = graph};
    size_t n = (size_t)tdagi_pool_n_symbols(graph->pool) + 1;
    void *right = NULL, *replacements = NULL;
    TDAGI_TRY(tdagi_array_alloc(ctx, n, sizeof(*s.right), &right));
    tdag_status st = tdagi_array_alloc(ctx, n, sizeof(tdag_dim), &replacements);
    s.right = right;
    s.replacements = replacements;
    for (uint32_t i = 0; i < n_assignments && st == TDAG_OK; i++)
        st = read_left(&s, assignments[i]);
    if (st == TDAG_OK) st = tdag_builder_create(ctx, &s.b);
    if (st == TDAG_OK) st = replace_all(&s);
    if (st == TDAG_OK) st = copy_all(&s, out);
    tdag_builder_free(s.b);
    if (replacements != NULL) tdagi_free(ctx, replacements, n * sizeof(tdag_dim));
    tdagi_free(ctx, right, n * sizeof(*s.right));
    return st;
}

/* ---- results that are numbers ---- */

/* Those of the graph that are known now, by output; how many there are. */
static uint32_t find_known(const tdagi_structure *s, const tdag_graph *g,
                           const tdag_tensor **known)
{
    uint32_t found = 0;
    for (uint32_t k = 0, i = 0; k < s->n; k++) {
        const tdagi_structure_node *node = &s->nodes[k];
        if (node->kind != TDAGI_STRUCTURE_TENSOR) continue;
        const tdagi_node *n = tdagi_graph_node(g, g->outputs[i]);
        bool is = (node->u.i == 'i' || node->u.i == 'f' || node->u.i == 'b') &&
                  n->op == TDAG_OP_CONSTANT;
        known[i++] = is ? n->u.tensor : NULL;
        found += is;
    }
    return found;
}

/* The model whose known results stand in the structure, as an import has them. */
static tdag_status write_down(tdag_ctx *ctx, const tdag_model *m, const tdag_graph *g,
                              const tdag_tensor *const *known, tdag_model **out)
{
    tdagi_structure *outputs = NULL;
    tdag_builder *b = NULL;
    tdagi_graft t;
    TDAGI_TRY(tdagi_structure_settle(ctx, tdagi_model_outputs(m), known, &outputs));
    tdag_status st = tdagi_builder_create_like(ctx, g, &b);
    if (st == TDAG_OK) st = tdagi_graft_init(&t, b, g, NULL);
    if (st == TDAG_OK) {
        for (uint32_t id = 1; id <= g->n; id++)
            tdagi_graft_node(&t, id);
        for (uint32_t i = 0; i < g->n_outputs; i++)
            if (known[i] == NULL)
                tdag_builder_add_output(b, t.new_of[g->outputs[i].id]);
        tdagi_graft_free(&t);
        st = tdagi_model_of_builder(ctx, b, tdagi_model_inputs(m), outputs, out);
    }
    tdag_builder_free(b);
    tdagi_structure_free(outputs);
    return st;
}

static tdag_status with_graph(tdag_ctx *ctx, const tdag_model *m, const tdag_graph *g,
                              tdag_model **out)
{
    void *known = NULL;
    tdag_model *made = NULL;
    TDAGI_TRY(tdagi_array_alloc(ctx, g->n_outputs, sizeof(tdag_tensor *), &known));
    uint32_t n = find_known(tdagi_model_outputs(m), g, known);
    tdag_status st = n == 0 ? tdagi_model_with_graph(ctx, m, g, out)
                            : write_down(ctx, m, g, known, &made);
    tdagi_free(ctx, known, g->n_outputs * sizeof(tdag_tensor *));
    if (made == NULL) return st;
    st = tdagi_model_keep_metadata(ctx, m, made);
    if (st == TDAG_OK)
        *out = made;
    else
        tdag_model_free(made);
    return st;
}

tdag_status tdag_substitute(tdag_ctx *ctx, const tdag_model *model,
                            const char *const *assignments, uint32_t n_assignments,
                            tdag_model **out)
{
    const tdag_graph *graph = NULL;
    tdag_graph *g = NULL;
    TDAGI_TRY(tdagi_model_straight(ctx, model, &graph));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    TDAGI_TRY(tdag_graph_substitute(ctx, graph, assignments, n_assignments, &g));
    tdag_status st = with_graph(ctx, model, g, out);
    tdag_graph_free(g);
    return st;
}
