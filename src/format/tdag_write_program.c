/* Methods as the JSON of version 2. Values are numbered as the builder numbers them, in
 * the order of the text, so a reader that builds the program anew has the same numbers.
 */
#include <string.h>

#include "base/dim/type_text.h"
#include "format/json_read.h"
#include "format/tdag_write.h"

typedef struct writer {
    tdag_ctx *ctx;
    const tdag_model *model;
    const tdagi_method *m;
    tdagi_text *to;
    bool is_first; /* of a table of symbols */
} writer;

static void put(writer *w, const char *text) { tdagi_text_add(w->to, text); }

static void put_string(writer *w, const char *what, const char *text)
{
    if (tdagi_json_is_utf8(text, text + strlen(text)))
        tdagi_text_add_json(w->to, text);
    else if (w->to->status == TDAG_OK)
        w->to->status =
            tdagi_fail(w->ctx, TDAG_E_ARG, "a %s is not UTF-8: '%s'", what, text);
}

/* An integer, or an expression in quotes; its text needs no escapes. */
static void put_dim(writer *w, tdag_dim d)
{
    int64_t value;
    bool is_const = tdagi_dim_is_const(w->m->pool, d, &value);
    if (!is_const) put(w, "\"");
    tdagi_text_add_dim(w->to, w->m->pool, d);
    if (!is_const) put(w, "\"");
}

static void put_vars(writer *w, const char *key, const tdagi_var *vars, uint32_t n)
{
    tdagi_text_printf(w->to, ",\"%s\":[", key);
    for (uint32_t i = 0; i < n; i++)
        tdagi_text_printf(w->to, "%s%lu", i == 0 ? "" : ",", (unsigned long)vars[i].id);
    put(w, "]");
}

/* ---- statements ---- */

static void put_block(writer *w, const tdagi_block *block, bool is_loop);

static void put_bindings(writer *w, const tdagi_statement *s)
{
    for (uint32_t i = 0; i < s->n_bindings; i++) {
        const tdagi_binding *b = &s->bindings[i];
        put(w, i == 0 ? ",\"finds\":[{\"symbol\":" : ",{\"symbol\":");
        put_dim(w, b->symbol);
        if (b->bound != TDAGI_DIM_BAD) put(w, ",\"most\":");
        if (b->bound != TDAGI_DIM_BAD) put_dim(w, b->bound);
        if (s->kind == TDAGI_CALL) {
            const tdag_graph *g = w->model->graphs[s->target].graph;
            tdagi_text_printf(w->to, ",\"of\":\"%s\",\"value\":%lu",
                              tdagi_pool_symbol(g->pool, b->of, NULL),
                              (unsigned long)b->value.id);
        }
        put(w, "}");
    }
    if (s->n_bindings > 0) put(w, "]");
}

/* What a statement has beside its operands. */
static void put_own(writer *w, const tdagi_statement *s)
{
    if (s->kind == TDAGI_CALL || s->kind == TDAGI_READ || s->kind == TDAGI_WRITE)
        tdagi_text_printf(w->to, ",\"%s\":%lu",
                          s->kind == TDAGI_CALL ? "graph" : "state",
                          (unsigned long)s->target);
    if (s->kind == TDAGI_DRAW)
        tdagi_text_printf(w->to, ",\"kind\":\"%s\"", tdagi_draw_name(s->draw));
    if (s->kind == TDAGI_LOOP)
        tdagi_text_printf(w->to, ",\"limit\":%s,\"while\":%s",
                          s->has_limit ? "true" : "false",
                          s->has_condition ? "true" : "false");
    if (s->text != NULL) {
        put(w, s->kind == TDAGI_APPLY ? ",\"operator\":" : ",\"sentence\":");
        put_string(w, "text of a program", s->text);
    }
    if (s->arguments != NULL) {
        put(w, ",\"arguments\":");
        put_string(w, "text of a program", s->arguments);
    }
}

static void put_statement(writer *w, const tdagi_statement *s)
{
    tdagi_text_printf(w->to, "{\"do\":\"%s\"", tdagi_statement_name(s->kind));
    put_own(w, s);
    put_vars(w, "in", s->inputs, s->n_inputs);
    put_vars(w, "out", s->results, s->n_results);
    put_bindings(w, s);
    for (uint32_t i = 0; i < s->n_blocks; i++) {
        put(w, i == 0 ? ",\"blocks\":[" : ",");
        put_block(w, &s->blocks[i], s->kind == TDAGI_LOOP);
    }
    put(w, s->n_blocks > 0 ? "]}" : "}");
}

static void put_statements(writer *w, const tdagi_block *block)
{
    put(w, "\"program\":[");
    for (const tdagi_statement *s = block->first; s != NULL && w->to->status == TDAG_OK;
         s = s->next) {
        put(w, s == block->first ? "\n" : ",\n");
        put_statement(w, s);
    }
    put(w, "]");
}

/* As deep as blocks nest. */
static void put_block(writer *w, const tdagi_block *block, bool is_loop)
{
    put(w, "{");
    put_statements(w, block);
    if (is_loop) {
        put_vars(w, "params", block->params, block->n_params);
        put(w, ",\"symbols\":[");
        for (uint32_t i = 0; i < block->n_symbols; i++) {
            if (i > 0) put(w, ",");
            put_dim(w, block->symbols[i]);
        }
        put(w, "]");
    }
    put_vars(w, "yield", block->yields, block->n_yields);
    put(w, "}");
}

/* ---- symbols and values ---- */

static void put_symbol(writer *w, tdag_dim symbol)
{
    put(w, w->is_first ? "[" : ",[");
    w->is_first = false;
    put_dim(w, symbol);
    tdagi_text_printf(w->to, ",%lld]", (long long)tdagi_dim_sample(w->m->pool, symbol));
}

/* What statements and loops bind, in the order of the text. */
static void put_found(writer *w, const tdagi_block *block)
{
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next) {
        for (uint32_t i = 0; i < s->n_blocks; i++) {
            for (uint32_t k = 0; k < s->blocks[i].n_symbols; k++)
                put_symbol(w, s->blocks[i].symbols[k]);
            put_found(w, &s->blocks[i]);
        }
        for (uint32_t i = 0; i < s->n_bindings; i++)
            put_symbol(w, s->bindings[i].symbol);
    }
}

static void put_symbols(writer *w)
{
    const tdagi_block *body = &w->m->body;
    put(w, ",\n\"symbols\":[");
    w->is_first = true;
    for (uint32_t i = 0; i < body->n_symbols; i++)
        put_symbol(w, body->symbols[i]);
    put(w, "],\"found\":[");
    w->is_first = true;
    put_found(w, body);
    put(w, "]");
}

static void put_values(writer *w)
{
    put(w, ",\n\"values\":[");
    for (uint32_t id = 1; id <= w->m->n_vars && w->to->status == TDAG_OK; id++) {
        const tdagi_var_info *v = &w->m->vars[id];
        put(w, id == 1 ? "\n{" : ",\n{");
        if (v->name != NULL) put(w, "\"name\":");
        if (v->name != NULL) put_string(w, "name", v->name);
        if (v->name != NULL) put(w, ",");
        tdagi_text_printf(w->to, "\"dtype\":\"%s\",\"shape\":[",
                          tdag_dtype_name(v->dtype));
        for (uint32_t k = 0; k < v->rank; k++) {
            if (k > 0) put(w, ",");
            put_dim(w, v->shape[k]);
        }
        put(w, "]}");
    }
    put(w, "]");
}

void tdagi_tdag_write_method(tdag_ctx *ctx, const tdag_model *model,
                             const tdagi_method *m, tdagi_text *to)
{
    writer w = {.ctx = ctx, .model = model, .m = m, .to = to};
    put(&w, "{\"name\":");
    put_string(&w, "name", m->name);
    put(&w, ",\"inputs\":");
    put_string(&w, "structure of inputs", m->inputs->text);
    put(&w, ",\"outputs\":");
    put_string(&w, "structure of outputs", m->outputs->text);
    put_symbols(&w);
    put_values(&w);
    put_vars(&w, "params", m->body.params, m->body.n_params);
    put(&w, ",\n");
    put_statements(&w, &m->body);
    put(&w, "}");
}
