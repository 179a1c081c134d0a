/* The report of a program: what it holds, and of every method the tree of its
 * statements with the counts of one execution of each. */
#include "count/report.h"

#include <stdio.h>
#include <string.h>

#include <tdagger/file.h>

#include "program/text/text.h"

typedef tdagi_program_report report;

static const char *const level_keys[] = {"core", "kernel", "fused"};

/* ---- values ---- */

static void write_var(report *r, const tdagi_method *m, tdagi_var v, const char *name)
{
    const tdagi_var_info *is = tdagi_method_var(m, v);
    char own[24];
    snprintf(own, sizeof own, "v%u", (unsigned)v.id);
    if (name == NULL) name = is->name == NULL ? own : is->name;
    tdagi_write_open(&r->json, NULL, '{');
    tdagi_write_string(&r->json, "name", name);
    tdagi_write_string(&r->json, "dtype", tdag_dtype_name(is->dtype));
    tdagi_write_shape(&r->json, "shape", m->pool, is->rank, is->shape);
    tdagi_write_close(&r->json, '}');
}

static void write_ends(report *r, const tdagi_method *m)
{
    const tdagi_statement *last = m->body.first;
    while (last->next != NULL)
        last = last->next;
    tdagi_write_open(&r->json, "inputs", '[');
    for (uint32_t i = 0; i < m->body.n_params; i++)
        write_var(r, m, m->body.params[i], NULL);
    tdagi_write_close(&r->json, ']');
    tdagi_write_open(&r->json, "outputs", '[');
    for (uint32_t i = 0; i < last->n_inputs; i++) {
        char name[24];
        snprintf(name, sizeof name, "out%u", (unsigned)i);
        write_var(r, m, last->inputs[i], name);
    }
    tdagi_write_close(&r->json, ']');
}

/* ---- symbols ---- */

static bool has(const tdagi_walk *w, tdag_dim d, uint32_t symbol)
{
    return d < 0 && d != TDAGI_DIM_BAD && tdagi_dim_has_symbol(w->pool, d, symbol);
}

/* Whether any figure depends on it. */
static bool is_used(const tdagi_walk *w, tdag_dim symbol)
{
    uint32_t s = tdagi_walk_number(w->pool, symbol);
    bool used = has(w, w->peak, s);
    for (uint32_t i = 0; i < w->n_rows && !used; i++) {
        used = has(w, w->rows[i].trips, s);
        for (uint32_t c = 0; c < w->prices->n_columns && !used; c++)
            used = has(w, w->rows[i].counts[c].num, s);
    }
    return used;
}

static void write_symbols(report *r, const tdagi_walk *w)
{
    static const char *const kinds[] = {"size", "state", "found", "trips", "round"};
    tdagi_writer *json = &r->json;
    tdagi_write_open_lines(json, "symbols", '[');
    for (const tdagi_count_symbol *s = w->symbols; s != NULL; s = s->next) {
        char text[160];
        size_t n = tdagi_dim_text(w->pool, s->counts_as, text, sizeof text);
        bool itself = n < sizeof text && strcmp(text, s->name) == 0;
        if (itself && !is_used(w, s->counts_as)) continue;
        tdagi_write_open(json, NULL, '{');
        tdagi_write_string(json, "symbol", s->name);
        tdagi_write_string(json, "kind", kinds[s->kind]);
        if (s->statement > 0) tdagi_write_int(json, "statement", s->statement);
        tdagi_write_string(json, "counts_as",
                           s->is_given                     ? "given"
                           : s->kind == TDAGI_SYMBOL_ROUND ? "round"
                           : itself                        ? "sample"
                           : s->counts_as == s->most       ? "bound"
                                                           : "rule");
        tdagi_write_count(json, "value", w->pool, s->counts_as);
        if (s->most != TDAGI_DIM_BAD) tdagi_write_count(json, "most", w->pool, s->most);
        tdagi_write_close(json, '}');
    }
    tdagi_write_close(json, ']');
}

/* ---- statements ---- */

static void write_line(report *r, const tdagi_walk *w, const tdagi_count_row *row)
{
    tdagi_text line;
    tdagi_text_init(&line, r->ctx);
    tdagi_statement_print(&line, w->model, w->method, row->s);
    tdagi_write_string(&r->json, "text", line.data == NULL ? "" : line.data);
    if (r->json.text.status == TDAG_OK) r->json.text.status = line.status;
    tdagi_text_free(&line);
}

/* Rows of one block: those from `at` to `end` of that arm. Recursion ends with the
 * nesting of blocks. */
static void write_rows(report *r, const tdagi_walk *w, const char *key, uint32_t at,
                       uint32_t end, uint32_t arm);

static void write_loop(report *r, const tdagi_walk *w, const tdagi_count_row *row)
{
    tdagi_write_count(&r->json, "trips", w->pool, row->trips);
    tdagi_write_string(&r->json, "round", tdagi_pool_symbol(w->pool, row->index, NULL));
    if (row->from_one) tdagi_write_int(&r->json, "from", 1);
    if (row->is_bound) tdagi_write_int(&r->json, "at_most", 1);
}

static void write_row(report *r, const tdagi_walk *w, uint32_t at)
{
    const tdagi_count_row *row = &w->rows[at];
    uint32_t group = (uint32_t)r->options->level - 1;
    tdagi_write_open(&r->json, NULL, '{');
    tdagi_write_int(&r->json, "statement", row->number);
    tdagi_write_string(&r->json, "kind", tdagi_statement_name(row->s->kind));
    write_line(r, w, row);
    if (row->s->kind == TDAGI_LOOP) write_loop(r, w, row);
    tdagi_write_columns(r, w->pool, row->counts + group * TDAGI_N_COLUMNS);
    uint32_t end = at + row->size;
    if (row->s->kind == TDAGI_LOOP) write_rows(r, w, "body", at + 1, end, 0);
    if (row->s->kind == TDAGI_IF) {
        write_rows(r, w, "then", at + 1, end, 0);
        write_rows(r, w, "else", at + 1, end, 1);
    }
    tdagi_write_close(&r->json, '}');
}

static void write_rows(report *r, const tdagi_walk *w, const char *key, uint32_t at,
                       uint32_t end, uint32_t arm)
{
    tdagi_write_open_lines(&r->json, key, '[');
    for (; at < end; at += w->rows[at].size)
        if (w->rows[at].arm == arm && w->rows[at].s->kind != TDAGI_RETURN)
            write_row(r, w, at);
    tdagi_write_close(&r->json, ']');
}

/* ---- methods ---- */

static void write_walk(report *r, const tdagi_walk *w)
{
    tdagi_write_open_lines(&r->json, NULL, '{');
    tdagi_write_string(&r->json, "method", w->method->name);
    write_ends(r, w->method);
    write_symbols(r, w);
    tdagi_write_open_lines(&r->json, "totals", '{');
    tdagi_write_count(&r->json, "peak_bytes", w->pool, w->peak);
    for (uint32_t g = 0; g < 3; g++) {
        tdagi_write_open(&r->json, level_keys[g], '{');
        tdagi_write_columns(r, w->pool, w->total + g * TDAGI_N_COLUMNS);
        tdagi_write_close(&r->json, '}');
    }
    tdagi_write_close(&r->json, '}');
    write_rows(r, w, "statements", 0, w->n_rows, 0);
}

static tdag_status write_method(report *r, const tdagi_method *m)
{
    tdagi_walk w = {.ctx = NULL};
    tdag_status st = tdagi_walk_method(r->ctx, &r->prices, m, &r->at, &w);
    if (st == TDAG_OK) {
        write_walk(r, &w);
        st = tdagi_pool_report(r->ctx, w.pool);
    }
    tdagi_walk_free(&w);
    if (st == TDAG_OK) st = tdagi_write_groups(r, m);
    tdagi_write_close(&r->json, '}');
    return st;
}

/* ---- the model ---- */

static void write_state(report *r, const tdagi_state *s)
{
    tdagi_writer *json = &r->json;
    tdagi_write_open(json, NULL, '{');
    tdagi_write_string(json, "name", s->name);
    tdagi_write_string(json, "dtype", tdag_dtype_name(s->initial->dtype));
    tdagi_write_open(json, "shape", '[');
    for (uint32_t k = 0; k < s->initial->rank; k++)
        if (s->symbols[k] != NULL)
            tdagi_write_string(json, NULL, s->symbols[k]);
        else
            tdagi_write_int(json, NULL, s->initial->shape[k]);
    tdagi_write_close(json, ']');
    tdagi_write_int(json, "bytes", (int64_t)tdag_tensor_get_size(s->initial));
    tdagi_write_close(json, '}');
}

/* The counts of one call, over the graph's own symbols. */
static void write_graph(report *r, uint32_t i)
{
    tdagi_writer *json = &r->json;
    uint32_t group = (uint32_t)r->options->level - 1;
    tdagi_pool *pool = r->prices.pricers[i]->pool;
    tdagi_write_open(json, NULL, '{');
    tdagi_write_string(json, "graph", r->model->graphs[i].name);
    tdagi_write_counts(
        r, pool, &r->prices.counts[i * r->prices.n_columns + group * TDAGI_N_COLUMNS]);
    tdagi_write_count(json, "peak_bytes", pool, r->prices.peaks[i]);
    tdagi_write_close(json, '}');
}

static tdag_status write_hash(report *r, const char *key, uint32_t flag,
                              tdag_hash_kind kind)
{
    char hash[TDAG_HASH_SIZE];
    if ((r->options->flags & flag) == 0) return TDAG_OK;
    TDAGI_TRY(tdag_model_get_hash(r->ctx, r->model, kind, hash));
    tdagi_write_string(&r->json, key, hash);
    return TDAG_OK;
}

static tdag_status write_head(report *r)
{
    tdagi_leaf_memory memory;
    const char *name = r->options->model_name;
    tdagi_write_string(&r->json, "format", "tdag-info/2");
    tdagi_write_string(&r->json, "model", name == NULL ? "" : name);
    TDAGI_TRY(write_hash(r, "hash", TDAG_INFO_HASH, TDAG_HASH_STRUCTURE));
    TDAGI_TRY(write_hash(r, "content_hash", TDAG_INFO_CONTENT_HASH, TDAG_HASH_CONTENT));
    TDAGI_TRY(tdagi_count_memory(r->ctx, r->model, &memory, NULL, NULL));
    tdagi_write_open(&r->json, "totals", '{');
    tdagi_write_memory(&r->json, &memory);
    tdagi_write_close(&r->json, '}');
    tdagi_write_open(&r->json, "states", '[');
    for (uint32_t i = 0; i < r->model->n_states; i++)
        write_state(r, &r->model->states[i]);
    tdagi_write_close(&r->json, ']');
    tdagi_write_open(&r->json, "graphs", '[');
    for (uint32_t i = 0; i < r->model->n_graphs; i++)
        write_graph(r, i);
    tdagi_write_close(&r->json, ']');
    return TDAG_OK;
}

static tdag_status write_report(report *r)
{
    tdagi_write_open(&r->json, NULL, '{');
    TDAGI_TRY(write_head(r));
    tdagi_write_open(&r->json, "methods", '[');
    const char *only = r->options->method;
    for (uint32_t i = 0; i < r->model->n_methods; i++)
        if (only == NULL || strcmp(only, r->model->methods[i]->name) == 0)
            TDAGI_TRY(write_method(r, r->model->methods[i]));
    tdagi_write_close(&r->json, ']');
    tdagi_write_close(&r->json, '}');
    tdagi_text_add(&r->json.text, "\n");
    return tdagi_count_check_at(r->ctx, &r->at);
}

tdag_status tdagi_info_program(tdag_ctx *ctx, const tdag_model *model,
                               const tdag_info_options *options, char **out)
{
    report r = {.ctx = ctx, .model = model, .options = options};
    if (options->flags & TDAG_INFO_BY_NODE)
        return tdagi_fail(ctx, TDAG_E_UNSUPPORTED,
                          "a program is told by statements, graphs, operators and "
                          "modules, not by nodes");
    tdagi_text_init(&r.json.text, ctx);
    tdag_status st = tdagi_count_open_at(ctx, options->at, options->n_at, &r.at);
    if (st == TDAG_OK) st = tdagi_prices_make(ctx, model, &r.prices);
    if (st == TDAG_OK) st = tdagi_groups_make(&r);
    if (st == TDAG_OK) st = write_report(&r);
    if (st == TDAG_OK) st = tdagi_text_take(&r.json.text, out);
    tdagi_text_free(&r.json.text);
    tdagi_groups_free(&r);
    tdagi_prices_free(&r.prices);
    tdagi_count_close_at(ctx, &r.at);
    return st;
}
