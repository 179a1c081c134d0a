/* What identifies a model: the SHA-256 of a canonical text of its programs, in which
 * graphs stand as their hashes, states by the order of their first use and values by
 * their numbers. So names of graphs, states and values do not count, nor what no
 * program uses; those of methods and symbols do. */
#include <string.h>

#include <tdagger/file.h>
#include <tdagger/program.h>

#include "base/dim/type_text.h"
#include "base/sha256.h"
#include "program/model.h"
#include "program/text/text.h"

typedef struct hashing {
    tdag_ctx *ctx;
    const tdag_model *model;
    const tdagi_method *m;
    tdag_hash_kind kind;
    tdagi_text to;
    char (*graphs)[TDAG_HASH_SIZE]; /* by number; "": not known yet */
    uint32_t *states;               /* by number: in the order of use, from 1 */
    uint32_t n_states;
} hashing;

static void put(hashing *h, const char *text) { tdagi_text_add(&h->to, text); }

static void put_number(hashing *h, uint64_t n)
{
    tdagi_text_printf(&h->to, " %llu", (unsigned long long)n);
}

/* With its length, as it may hold anything. */
static void put_text(hashing *h, const char *text)
{
    put_number(h, text == NULL ? 0 : strlen(text));
    put(h, ":");
    if (text != NULL) put(h, text);
}

static void put_vars(hashing *h, const tdagi_var *vars, uint32_t n)
{
    put_number(h, n);
    put(h, ":");
    for (uint32_t i = 0; i < n; i++)
        put_number(h, vars[i].id);
}

static void put_types(hashing *h, const tdagi_var *vars, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const tdagi_var_info *v = tdagi_method_var(h->m, vars[i]);
        put(h, " ");
        tdagi_text_add_type(&h->to, h->m->pool, v->dtype, v->rank, v->shape);
    }
}

static void put_dim(hashing *h, tdag_dim d)
{
    put(h, " ");
    if (d == TDAGI_DIM_BAD)
        put(h, "-");
    else
        tdagi_text_add_dim(&h->to, h->m->pool, d);
}

static void put_graph(hashing *h, uint32_t i)
{
    const tdag_graph *g = h->model->graphs[i].graph;
    if (h->to.status == TDAG_OK && h->graphs[i][0] == '\0')
        h->to.status = tdag_graph_get_hash(h->ctx, g, h->kind, h->graphs[i]);
    put(h, " ");
    put(h, h->graphs[i]);
}

/* The state's number; its form where it stands first. */
static void put_state(hashing *h, uint32_t i)
{
    const tdagi_state *s = &h->model->states[i];
    bool is_new = h->states[i] == 0;
    if (is_new) h->states[i] = ++h->n_states;
    put_number(h, h->states[i]);
    if (!is_new) return;
    put(h, tdag_dtype_name(s->initial->dtype));
    for (uint32_t k = 0; k < s->initial->rank; k++)
        if (s->symbols[k] != NULL)
            put(h, " *");
        else
            put_number(h, (uint64_t)s->initial->shape[k]);
    if (h->kind != TDAG_HASH_CONTENT) return;
    put(h, "=");
    tdagi_text_add_bytes(&h->to, s->initial->data, s->initial->size);
}

/* ---- statements ---- */

static void put_block(hashing *h, const tdagi_block *block);

static void put_bindings(hashing *h, const tdagi_statement *s)
{
    for (uint32_t i = 0; i < s->n_bindings; i++) {
        const tdagi_binding *b = &s->bindings[i];
        put_dim(h, b->symbol);
        put_dim(h, b->bound);
        if (s->kind != TDAGI_CALL) continue;
        put_text(
            h, tdagi_pool_symbol(h->model->graphs[s->target].graph->pool, b->of, NULL));
        put_number(h, b->value.id);
    }
}

static void put_statement(hashing *h, const tdagi_statement *s)
{
    put(h, tdagi_statement_name(s->kind)); /* kinds never change their names */
    put_number(h, s->draw);
    put_number(h, (uint64_t)s->has_limit * 2 + s->has_condition);
    if (s->kind == TDAGI_CALL) put_graph(h, s->target);
    if (s->kind == TDAGI_READ || s->kind == TDAGI_WRITE) put_state(h, s->target);
    put_text(h, s->text);
    put_text(h, s->arguments);
    put_vars(h, s->inputs, s->n_inputs);
    put_vars(h, s->results, s->n_results);
    put_types(h, s->results, s->n_results);
    put_bindings(h, s);
    put(h, "\n");
    for (uint32_t i = 0; i < s->n_blocks; i++)
        put_block(h, &s->blocks[i]);
}

/* As deep as blocks nest. */
static void put_block(hashing *h, const tdagi_block *block)
{
    put(h, "{");
    put_vars(h, block->params, block->n_params);
    put_types(h, block->params, block->n_params);
    for (uint32_t i = 0; i < block->n_symbols; i++)
        put_dim(h, block->symbols[i]);
    put(h, "\n");
    for (const tdagi_statement *s = block->first; s != NULL && h->to.status == TDAG_OK;
         s = s->next)
        put_statement(h, s);
    put(h, "}");
    put_vars(h, block->yields, block->n_yields);
    put(h, "\n");
}

/* ---- models ---- */

/* The method whose name follows, in their order; NULL: none does. */
static const tdagi_method *next_method(const tdag_model *m, const char *after)
{
    const tdagi_method *next = NULL;
    for (uint32_t i = 0; i < m->n_methods; i++) {
        const tdagi_method *at = m->methods[i];
        if (after != NULL && strcmp(at->name, after) <= 0) continue;
        if (next == NULL || strcmp(at->name, next->name) < 0) next = at;
    }
    return next;
}

static void put_model(hashing *h)
{
    put(h, "tdag model 1");
    put_number(h, h->kind);
    const tdagi_method *m = next_method(h->model, NULL);
    for (; m != NULL; m = next_method(h->model, m->name)) {
        h->m = m;
        put(h, "\nmethod");
        put_text(h, m->name);
        put_block(h, &m->body);
    }
}

static tdag_status hash_programs(hashing *h, char out[TDAG_HASH_SIZE])
{
    const tdag_model *model = h->model;
    size_t graphs_size = model->n_graphs * sizeof *h->graphs;
    size_t states_size = model->n_states * sizeof *h->states;
    void *graphs = NULL, *states = NULL;
    TDAGI_TRY(tdagi_alloc(h->ctx, graphs_size, &graphs));
    tdag_status st = tdagi_alloc(h->ctx, states_size, &states);
    if (st == TDAG_OK) {
        h->graphs = graphs;
        h->states = states;
        tdagi_text_init(&h->to, h->ctx);
        put_model(h);
        st = h->to.status;
        if (st == TDAG_OK) {
            tdagi_sha256 sha;
            tdagi_sha256_init(&sha);
            tdagi_sha256_add(&sha, h->to.data, h->to.length);
            tdagi_sha256_finish(&sha, out);
        }
        tdagi_text_free(&h->to);
        tdagi_free(h->ctx, states, states_size);
    }
    tdagi_free(h->ctx, graphs, graphs_size);
    return st;
}

tdag_status tdag_model_get_hash(tdag_ctx *ctx, const tdag_model *model,
                                tdag_hash_kind kind, char out[TDAG_HASH_SIZE])
{
    bool is_plain = false;
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    if (kind != TDAG_HASH_STRUCTURE && kind != TDAG_HASH_CONTENT)
        return tdagi_fail(ctx, TDAG_E_ARG, "there is no hash number %d", (int)kind);
    TDAGI_TRY(tdagi_model_is_plain(ctx, model, &is_plain));
    if (is_plain)
        return tdag_graph_get_hash(ctx, tdag_model_get_graph(model), kind, out);
    TDAGI_TRY(tdagi_model_verify(ctx, model));
    hashing h = {.ctx = ctx, .model = model, .kind = kind};
    return hash_programs(&h, out);
}
