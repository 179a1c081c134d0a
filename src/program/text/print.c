/* Models as text. What the reader infers is left out: types of results that bind no
 * symbol, structures that are flat. A symbol is written with its sample where a
 * statement or a loop binds it. */
#include <stdio.h>
#include <string.h>

#include <tdagger/program.h>

#include "base/dim/type_text.h"
#include "ir/text/parse.h"
#include "ir/text/print.h"
#include "program/text/text.h"

bool tdagi_program_is_keyword(const char *word)
{
    static const char *const words[] = {
        "tdag",  "graph", "state", "program", "symbols", "inputs", "outputs", "call",
        "if",    "else",  "loop",  "limit",   "while",   "read",   "write",   "draw",
        "apply", "check", "yield", "return",  "with",    "as"};
    size_t i = 0, n = sizeof words / sizeof *words;
    while (i < n && strcmp(words[i], word) != 0)
        i++;
    return i < n;
}

typedef struct printer {
    tdagi_text *to;
    const tdag_model *model;
    const tdagi_method *m;
    uint32_t flags, depth;
    bool heads; /* of statements, without their blocks */
} printer;

/* Symbols that are written with their samples where they first stand. */
typedef struct fresh {
    const tdagi_binding *bindings; /* or: */
    const tdag_dim *symbols;
    uint32_t n, seen; /* they are in the order of their places */
} fresh;

static void put(printer *p, const char *text) { tdagi_text_add(p->to, text); }

static void put_int(printer *p, int64_t value)
{
    tdagi_text_printf(p->to, "%lld", (long long)value);
}

static void put_word(printer *p, const char *text)
{
    if (tdagi_text_is_plain_name(text) && !tdagi_program_is_keyword(text))
        put(p, text);
    else
        tdagi_text_add_quoted(p->to, text);
}

static void put_indent(printer *p)
{
    for (uint32_t i = 0; i < p->depth; i++)
        put(p, "  ");
}

static void put_name(printer *p, tdagi_var v)
{
    const char *name = tdagi_method_var(p->m, v)->name;
    if (name != NULL)
        put_word(p, name);
    else
        tdagi_text_printf(p->to, "v%lu", (unsigned long)v.id);
}

static void put_names(printer *p, const tdagi_var *vars, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0) put(p, ", ");
        put_name(p, vars[i]);
    }
}

/* ---- types ---- */

static void put_dim(printer *p, tdag_dim d)
{
    if (d >= 0)
        put_int(p, d);
    else
        tdagi_text_add_dim(p->to, p->m->pool, d);
}

static tdag_dim next_fresh(const fresh *f)
{
    if (f->seen == f->n) return TDAGI_DIM_BAD;
    return f->bindings != NULL ? f->bindings[f->seen].symbol : f->symbols[f->seen];
}

static void put_sample(printer *p, tdag_dim symbol)
{
    put(p, "=");
    put_int(p, tdagi_dim_sample(p->m->pool, symbol));
}

/* f32[N,K=5] */
static void put_type(printer *p, tdagi_var v, fresh *f)
{
    const tdagi_var_info *info = tdagi_method_var(p->m, v);
    put(p, tdag_dtype_name(info->dtype));
    put(p, "[");
    for (uint32_t k = 0; k < info->rank; k++) {
        if (k > 0) put(p, ",");
        put_dim(p, info->shape[k]);
        if (info->shape[k] >= 0 || info->shape[k] != next_fresh(f)) continue;
        put_sample(p, info->shape[k]);
        f->seen++;
    }
    put(p, "]");
}

static bool is_bound_by(const tdagi_statement *s, tdag_dim d)
{
    uint32_t i = 0;
    while (i < s->n_bindings && s->bindings[i].symbol != d)
        i++;
    return i < s->n_bindings;
}

/* Whether a size of the value is found by the statement. */
static bool is_found(const printer *p, const tdagi_statement *s, tdagi_var v)
{
    const tdagi_var_info *info = tdagi_method_var(p->m, v);
    bool found = false;
    for (uint32_t k = 0; k < info->rank && !found; k++)
        found = info->shape[k] < 0 && is_bound_by(s, info->shape[k]);
    return found;
}

/* Symbols that values yielded or carried leave open are known from types that are
 * written; those of draws and operators stand behind them. */
static void put_results(printer *p, const tdagi_statement *s)
{
    bool infers = s->kind != TDAGI_IF && s->kind != TDAGI_LOOP && s->kind != TDAGI_READ;
    fresh f = {.bindings = s->bindings, .n = s->n_bindings};
    for (uint32_t i = 0; i < s->n_results; i++) {
        if (i > 0) put(p, ", ");
        put_name(p, s->results[i]);
        if (infers || !is_found(p, s, s->results[i])) continue;
        put(p, ": ");
        put_type(p, s->results[i], &f);
    }
    if (s->n_results > 0) put(p, " = ");
}

/* ", K <= N" */
static void put_bounds(printer *p, const tdagi_statement *s)
{
    for (uint32_t i = 0; i < s->n_bindings; i++) {
        if (s->bindings[i].bound == TDAGI_DIM_BAD) continue;
        put(p, ", ");
        put_dim(p, s->bindings[i].symbol);
        put(p, " <= ");
        put_dim(p, s->bindings[i].bound);
    }
}

/* ---- statements ---- */

static void put_block(printer *p, const tdagi_block *block, uint32_t n_conditions);

/* "with L = n as K=3 <= N" */
static void put_size(printer *p, const tdagi_statement *s, const tdagi_binding *b)
{
    const tdag_graph *g = p->model->graphs[s->target].graph;
    int64_t sample;
    const char *of = tdagi_pool_symbol(g->pool, b->of, &sample);
    put(p, of);
    put(p, " = ");
    put_name(p, b->value);
    put(p, " as ");
    put_dim(p, b->symbol);
    put_sample(p, b->symbol);
    if (b->bound == TDAGI_DIM_BAD) return;
    put(p, " <= ");
    put_dim(p, b->bound);
}

static void put_call(printer *p, const tdagi_statement *s)
{
    put_word(p, p->model->graphs[s->target].name);
    put(p, "(");
    put_names(p, s->inputs, s->n_inputs);
    put(p, ")");
    for (uint32_t i = 0; i < s->n_bindings; i++) {
        put(p, i == 0 ? " with " : ", ");
        put_size(p, s, &s->bindings[i]);
    }
}

static void put_if(printer *p, const tdagi_statement *s)
{
    const tdagi_block *other = &s->blocks[1];
    put_names(p, s->inputs, 1);
    put_bounds(p, s);
    if (p->heads) return;
    put(p, " {\n");
    put_block(p, &s->blocks[0], 0);
    if (other->first != NULL || other->n_yields > 0) {
        put(p, "} else {\n");
        put_block(p, other, 0);
    }
    put(p, "}");
}

static void put_carried(printer *p, const tdagi_block *body, const tdagi_var *entries)
{
    fresh f = {.symbols = body->symbols, .n = body->n_symbols};
    for (uint32_t i = 1; i < body->n_params; i++) {
        const tdagi_var_info *info = tdagi_method_var(p->m, body->params[i]);
        bool is_local = false;
        for (uint32_t k = 0; k < info->rank && !is_local; k++)
            for (uint32_t j = 0; j < body->n_symbols && !is_local; j++)
                is_local = info->shape[k] == body->symbols[j];
        put(p, i == 1 ? "; " : ", ");
        put_name(p, body->params[i]);
        if (is_local) put(p, ": ");
        if (is_local) put_type(p, body->params[i], &f);
        put(p, " = ");
        put_name(p, entries[i - 1]);
    }
}

static void put_loop(printer *p, const tdagi_statement *s)
{
    const tdagi_block *body = &s->blocks[0];
    const tdagi_var *input = s->inputs;
    if (s->has_limit) put(p, "limit ");
    if (s->has_limit) put_name(p, *input++);
    if (s->has_condition) put(p, s->has_limit ? " while " : "while ");
    if (s->has_condition) put_name(p, *input++);
    put(p, " (");
    put_name(p, body->params[0]);
    put_carried(p, body, input);
    put(p, ")");
    put_bounds(p, s);
    if (p->heads) return;
    put(p, " {\n");
    put_block(p, body, s->has_condition);
    put(p, "}");
}

static void put_state(printer *p, const tdagi_statement *s)
{
    put_word(p, p->model->states[s->target].name);
    if (s->kind == TDAGI_WRITE) put(p, " ");
    put_names(p, s->inputs, s->n_inputs);
    put_bounds(p, s);
}

static void put_types(printer *p, const tdagi_statement *s, const char *before)
{
    fresh f = {.bindings = s->bindings, .n = s->n_bindings};
    for (uint32_t i = 0; i < s->n_results; i++) {
        put(p, i == 0 ? before : ", ");
        put_type(p, s->results[i], &f);
    }
    put_bounds(p, s);
}

static void put_draw(printer *p, const tdagi_statement *s)
{
    put(p, tdagi_draw_name(s->draw));
    if (s->n_inputs > 0) put(p, "(");
    put_names(p, s->inputs, s->n_inputs);
    if (s->n_inputs > 0) put(p, ")");
    put_types(p, s, " ");
}

/* Names of operators have colons, which need no quotes there. */
static void put_operator(printer *p, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < n; i++)
        if (!tdagi_text_is_plain(name[i]) && name[i] != ':') {
            tdagi_text_add_quoted(p->to, name);
            return;
        }
    put(p, name);
}

static void put_apply(printer *p, const tdagi_statement *s)
{
    put_operator(p, s->text);
    put(p, "(");
    put_names(p, s->inputs, s->n_inputs);
    put(p, ")");
    if (*s->arguments != '\0') put(p, " with ");
    if (*s->arguments != '\0') tdagi_text_add_quoted(p->to, s->arguments);
    put_types(p, s, " as ");
}

static void put_check(printer *p, const tdagi_statement *s)
{
    put_names(p, s->inputs, 1);
    put(p, " ");
    tdagi_text_add_quoted(p->to, s->text);
}

static void put_return(printer *p, const tdagi_statement *s)
{
    put_names(p, s->inputs, s->n_inputs);
}

static void put_line(printer *p, const tdagi_statement *s)
{
    static void (*const parts[TDAGI_N_STATEMENT_KINDS])(printer *,
                                                        const tdagi_statement *) = {
        [TDAGI_CALL] = put_call,    [TDAGI_IF] = put_if,
        [TDAGI_LOOP] = put_loop,    [TDAGI_READ] = put_state,
        [TDAGI_WRITE] = put_state,  [TDAGI_DRAW] = put_draw,
        [TDAGI_APPLY] = put_apply,  [TDAGI_CHECK] = put_check,
        [TDAGI_RETURN] = put_return};
    put_results(p, s);
    put(p, tdagi_statement_name(s->kind));
    if (s->kind != TDAGI_RETURN || s->n_inputs > 0) put(p, " ");
    parts[s->kind](p, s);
}

static void put_statement(printer *p, const tdagi_statement *s)
{
    put_indent(p);
    put_line(p, s);
    put(p, "\n");
}

void tdagi_statement_print(tdagi_text *to, const tdag_model *model,
                           const tdagi_method *m, const tdagi_statement *s)
{
    printer p = {.to = to, .model = model, .m = m, .heads = true};
    put_line(&p, s);
}

/* The statements and the yield of a block, and the indent of the line after it. */
static void put_block(printer *p, const tdagi_block *block, uint32_t n_conditions)
{
    p->depth++;
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next)
        put_statement(p, s);
    if (block->n_yields > 0) {
        put_indent(p);
        put(p, "yield ");
        put_names(p, block->yields, n_conditions);
        if (n_conditions > 0) put(p, block->n_yields > n_conditions ? "; " : ";");
        put_names(p, block->yields + n_conditions, block->n_yields - n_conditions);
        put(p, "\n");
    }
    p->depth--;
    put_indent(p);
}

/* ---- methods ---- */

static void put_inputs(printer *p)
{
    const tdagi_block *body = &p->m->body;
    fresh none = {0};
    put(p, "(");
    for (uint32_t i = 0; i < body->n_params; i++) {
        if (i > 0) put(p, ", ");
        put_name(p, body->params[i]);
        put(p, ": ");
        put_type(p, body->params[i], &none);
    }
    put(p, ")");
}

static void put_outputs(printer *p)
{
    const tdagi_statement *last = p->m->body.first;
    fresh none = {0};
    while (last->next != NULL)
        last = last->next;
    put(p, " -> (");
    for (uint32_t i = 0; i < last->n_inputs; i++) {
        if (i > 0) put(p, ", ");
        put_type(p, last->inputs[i], &none);
    }
    put(p, ")");
}

static void put_symbols(printer *p)
{
    const tdagi_block *body = &p->m->body;
    if (body->n_symbols == 0) return;
    put(p, "  symbols");
    for (uint32_t i = 0; i < body->n_symbols; i++) {
        put(p, " ");
        put_dim(p, body->symbols[i]);
        put_sample(p, body->symbols[i]);
    }
    put(p, "\n");
}

static void put_structure(printer *p, const char *word, const tdagi_structure *s,
                          bool is_result)
{
    tdagi_structure *flat = NULL;
    if (p->to->status != TDAG_OK) return;
    p->to->status = tdagi_structure_flat(p->to->ctx, s->n_tensors, is_result, &flat);
    if (p->to->status == TDAG_OK && !tdagi_structure_equal(flat, s)) {
        tdagi_text_printf(p->to, "  %s ", word);
        tdagi_text_add_quoted(p->to, s->text);
        put(p, "\n");
    }
    tdagi_structure_free(flat);
}

static void put_method(printer *p, const tdagi_method *m)
{
    p->m = m;
    put(p, "program ");
    put_word(p, m->name);
    put_inputs(p);
    put_outputs(p);
    put(p, " {\n");
    put_symbols(p);
    put_structure(p, "inputs", m->inputs, false);
    put_structure(p, "outputs", m->outputs, true);
    put_block(p, &m->body, 0);
    put(p, "}\n");
}

/* ---- models ---- */

/* state cache: f32[S=3,4] = [...] */
static void put_model_state(printer *p, const tdagi_state *s)
{
    const tdag_tensor *t = s->initial;
    put(p, "state ");
    put_word(p, s->name);
    tdagi_text_printf(p->to, ": %s[", tdag_dtype_name(t->dtype));
    for (uint32_t k = 0; k < t->rank; k++) {
        if (k > 0) put(p, ",");
        if (s->symbols[k] != NULL) put(p, s->symbols[k]);
        if (s->symbols[k] != NULL) put(p, "=");
        put_int(p, t->shape[k]);
    }
    put(p, "]");
    size_t length = p->to->length;
    put(p, " =");
    tdagi_text_add_elements(p->to, t, p->flags);
    if (p->to->status == TDAG_OK && p->to->length == length + 2)
        p->to->data[p->to->length = length] = '\0'; /* no elements are written */
    put(p, "\n");
}

static void put_model(printer *p)
{
    const tdag_model *m = p->model;
    tdagi_text_printf(p->to, "tdag %d\n", TDAGI_TEXT_PROGRAMS);
    for (uint32_t i = 0; i < m->n_graphs && p->to->status == TDAG_OK; i++) {
        put(p, "graph ");
        put_word(p, m->graphs[i].name);
        put(p, " {\n");
        tdagi_text_add_graph(p->to, m->graphs[i].graph, p->flags, "  ");
        put(p, "}\n");
    }
    for (uint32_t i = 0; i < m->n_states; i++)
        put_model_state(p, &m->states[i]);
    for (uint32_t i = 0; i < m->n_methods && p->to->status == TDAG_OK; i++)
        put_method(p, m->methods[i]);
}

static bool gives_numbers(const tdag_model *model)
{
    const tdagi_structure *s = model->methods[0]->outputs;
    uint32_t i = 0;
    while (i < s->n &&
           (s->nodes[i].kind != TDAGI_STRUCTURE_TENSOR || s->nodes[i].u.i == 0))
        i++;
    return i < s->n;
}

tdag_status tdagi_model_is_plain(tdag_ctx *ctx, const tdag_model *model, bool *out)
{
    const tdag_graph *graph = tdag_model_get_graph(model);
    tdag_model *plain = NULL;
    *out = false;
    if (graph == NULL || gives_numbers(model)) return TDAG_OK;
    TDAGI_TRY(tdagi_model_with_graph(ctx, model, graph, &plain));
    *out = tdagi_model_equal(plain, model);
    tdag_model_free(plain);
    return TDAG_OK;
}

tdag_status tdag_model_print(tdag_ctx *ctx, const tdag_model *model, uint32_t flags,
                             char **out)
{
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    TDAGI_TRY(tdagi_text_check_flags(ctx, flags));
    bool is_plain = false;
    TDAGI_TRY(tdagi_model_is_plain(ctx, model, &is_plain));
    if (is_plain) return tdag_graph_print(ctx, tdag_model_get_graph(model), flags, out);
    TDAGI_TRY(tdagi_model_verify(ctx, model));
    tdagi_text text;
    tdagi_text_init(&text, ctx);
    printer p = {.to = &text, .model = model, .flags = flags};
    put_model(&p);
    return tdagi_text_take(&text, out);
}
