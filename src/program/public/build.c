/* The public builder of models, over the library's own: what a caller may get wrong is
 * checked here, and symbols are bound by the statement whose results first have them.
 */
#include <string.h>

#include <tdagger/program.h>

#include "program/build.h"
#include "program/call.h"

/* What is known of a symbol of the method at hand. */
typedef struct symbol_info {
    bool is_found; /* of tdag_method_found(), and not bound yet */
    tdag_dim most;
} symbol_info;

typedef struct given_size {
    tdagi_binding binding; /* its `of` is not known before the call */
    const char *of;
} given_size;

struct tdag_model_builder {
    tdag_ctx *ctx;
    tdagi_model_builder b;
    symbol_info *symbols; /* by number, of the method's pool */
    uint32_t symbols_capacity;
    given_size *given; /* to the next call */
    uint32_t n_given, given_capacity;
    tdagi_arena arena; /* of one call: lists; and names of what is given */
    bool is_finished;
};

/* ---- failing ---- */

static bool is_ok(const tdag_model_builder *b)
{
    return b != NULL && b->b.status == TDAG_OK && !b->is_finished;
}

static void fail(tdag_model_builder *b, const char *sentence)
{
    if (is_ok(b)) b->b.status = tdagi_fail(b->ctx, TDAG_E_ARG, "%s", sentence);
}

static void keep(tdag_model_builder *b, tdag_status status)
{
    if (is_ok(b)) b->b.status = status;
}

static bool need(tdag_model_builder *b, const void *pointer, const char *name)
{
    if (is_ok(b)) b->b.status = tdagi_need(b->ctx, pointer, name);
    return is_ok(b);
}

/* Whether a method is being built. */
static bool in_method(tdag_model_builder *b)
{
    if (is_ok(b) && b->b.method == NULL) fail(b, "there is no method to add that to");
    return is_ok(b);
}

static void *take(tdag_model_builder *b, size_t n, size_t size)
{
    void *p = is_ok(b) ? tdagi_arena_array(&b->arena, n, size) : NULL;
    if (p == NULL && is_ok(b)) b->b.status = tdagi_nomem(b->ctx);
    return p;
}

/* ---- builders ---- */

tdag_status tdag_model_builder_create(tdag_ctx *ctx, tdag_model_builder **out)
{
    void *p = NULL;
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    TDAGI_TRY(tdagi_alloc(ctx, sizeof(tdag_model_builder), &p));
    tdag_model_builder *b = p;
    b->ctx = ctx;
    tdagi_arena_init(&b->arena, &ctx->allocator);
    tdagi_model_begin(&b->b, ctx);
    tdag_status st = b->b.status;
    if (st == TDAG_OK)
        *out = b;
    else
        tdag_model_builder_free(b);
    return st;
}

void tdag_model_builder_free(tdag_model_builder *b)
{
    if (b == NULL) return;
    tdagi_model_drop(&b->b);
    tdagi_arena_free(&b->arena);
    tdagi_free(b->ctx, b->symbols, b->symbols_capacity * sizeof *b->symbols);
    tdagi_free(b->ctx, b->given, b->given_capacity * sizeof *b->given);
    tdagi_free(b->ctx, b, sizeof *b);
}

tdag_status tdag_model_builder_get_status(const tdag_model_builder *b)
{
    return b == NULL ? TDAG_E_ARG : b->b.status;
}

tdag_status tdag_model_builder_finish(tdag_model_builder *b, tdag_model **out)
{
    tdag_model *model = NULL;
    if (b == NULL) return TDAG_E_ARG;
    TDAGI_TRY(tdagi_need(b->ctx, out, "out"));
    if (b->b.method != NULL) fail(b, "the method at hand has not ended");
    if (b->is_finished && b->b.status == TDAG_OK)
        return tdagi_fail(b->ctx, TDAG_E_ARG, "the builder has finished");
    tdag_status st = tdagi_model_finish(&b->b, &model);
    b->is_finished = true;
    if (st == TDAG_OK) st = tdag_model_verify(b->ctx, model);
    if (st == TDAG_OK)
        *out = model;
    else
        tdag_model_free(model);
    return st;
}

uint32_t tdag_model_add_graph(tdag_model_builder *b, const char *name,
                              const tdag_graph *graph)
{
    bool there = need(b, name, "name") && need(b, graph, "graph");
    return there ? tdagi_model_add_graph(&b->b, name, graph) : 0;
}

uint32_t tdag_model_add_state(tdag_model_builder *b, const char *name,
                              const tdag_tensor *initial, const char *const *symbols)
{
    bool there = need(b, name, "name") && need(b, initial, "initial");
    return there ? tdagi_model_add_state(&b->b, name, initial, symbols) : 0;
}

/* ---- methods ---- */

void tdag_method_begin(tdag_model_builder *b, const char *name)
{
    if (!need(b, name, "name")) return;
    if (b->b.method != NULL) {
        fail(b, "the method at hand has not ended");
        return;
    }
    b->n_given = 0;
    tdagi_method_begin(&b->b, name);
}

static tdagi_structure *structure_of(tdag_model_builder *b, const char *text)
{
    tdagi_structure *s = NULL;
    if (is_ok(b) && text != NULL) keep(b, tdagi_structure_parse(b->ctx, text, &s));
    return s;
}

void tdag_method_end(tdag_model_builder *b, const char *inputs, const char *outputs)
{
    if (!in_method(b)) return;
    tdagi_structure *in = structure_of(b, inputs), *out = structure_of(b, outputs);
    tdagi_method_end(&b->b, in, out);
    tdagi_structure_free(in);
    tdagi_structure_free(out);
    tdagi_arena_empty(&b->arena);
}

/* ---- symbols ---- */

/* The symbol's number; TDAG_NO_INDEX: the dim is none. */
static uint32_t number_of(const tdag_model_builder *b, tdag_dim d)
{
    const tdagi_pool *pool = b->b.method->pool;
    uint32_t n = tdagi_pool_n_symbols(pool), i = d < 0 ? 0 : n;
    while (i < n && tdagi_pool_symbol_dim(pool, i) != d)
        i++;
    return i < n ? i : TDAG_NO_INDEX;
}

static tdag_dim new_symbol(tdag_model_builder *b, const char *name, int64_t sample,
                           symbol_info info)
{
    if (!in_method(b) || !need(b, name, "name")) return TDAG_NO_DIM;
    tdagi_pool *pool = b->b.method->pool;
    uint32_t before = tdagi_pool_n_symbols(pool);
    tdag_dim d = tdagi_dim_symbol(pool, name, sample);
    keep(b, tdagi_pool_report(b->ctx, pool));
    if (is_ok(b) && tdagi_pool_n_symbols(pool) == before)
        fail(b, "a symbol of that name is there");
    if (is_ok(b) && before >= b->symbols_capacity) {
        uint32_t wider = before < 8 ? 16 : before * 2;
        void *symbols = b->symbols;
        keep(b,
             tdagi_realloc(b->ctx, &symbols, b->symbols_capacity * sizeof *b->symbols,
                           wider * sizeof *b->symbols));
        if (!is_ok(b)) return TDAG_NO_DIM;
        b->symbols = symbols;
        b->symbols_capacity = wider;
    }
    if (!is_ok(b)) return TDAG_NO_DIM;
    b->symbols[before] = info;
    return d;
}

tdag_dim tdag_method_symbol(tdag_model_builder *b, const char *name, int64_t sample)
{
    tdag_dim d = new_symbol(b, name, sample, (symbol_info){.is_found = false});
    if (is_ok(b)) tdagi_method_symbol(&b->b, d);
    return d;
}

tdag_dim tdag_method_found(tdag_model_builder *b, const char *name, int64_t sample,
                           tdag_dim most)
{
    return new_symbol(b, name, sample, (symbol_info){.is_found = true, .most = most});
}

tdag_dim tdag_method_dim(tdag_model_builder *b, const char *text)
{
    tdag_dim d = TDAG_NO_DIM;
    if (!in_method(b) || !need(b, text, "text")) return d;
    const char *end = text + strlen(text), *after = text;
    keep(b, tdagi_dim_parse(b->ctx, b->b.method->pool, text, end, &after, &d));
    if (is_ok(b) && after != end) fail(b, "something stands behind a dim's expression");
    return is_ok(b) ? d : TDAG_NO_DIM;
}

/* ---- values and types ---- */

static bool has_all(tdag_model_builder *b, tdag_vars vars)
{
    if (vars.n > 0 && !need(b, vars.v, "values")) return false;
    for (uint32_t i = 0; i < vars.n && in_method(b); i++)
        if (vars.v[i].id == 0 || vars.v[i].id > b->b.method->n_vars)
            fail(b, "a value is none of the method");
    return in_method(b);
}

static void copy_type(tdag_model_builder *b, const tdag_var_type *from, tdagi_type *to)
{
    *to = (tdagi_type){.dtype = from->dtype, .rank = from->rank};
    if (from->rank > TDAG_MAX_RANK) fail(b, "a type has more axes than there may be");
    if (from->rank > 0 && !need(b, from->shape, "shape")) return;
    for (uint32_t k = 0; k < from->rank && is_ok(b); k++)
        if (from->shape[k] == TDAG_NO_DIM)
            fail(b, "a size is none");
        else
            to->shape[k] = from->shape[k];
    if (is_ok(b)) keep(b, tdagi_check_type(b->ctx, b->b.method->pool, to));
}

static tdagi_type *copy_types(tdag_model_builder *b, tdag_var_types types)
{
    if (types.n > 0 && !need(b, types.v, "types")) return NULL;
    tdagi_type *copy = in_method(b) ? take(b, types.n, sizeof *copy) : NULL;
    for (uint32_t i = 0; i < types.n && is_ok(b); i++)
        copy_type(b, &types.v[i], &copy[i]);
    return copy;
}

static void none_of(tdag_var *out, uint32_t n)
{
    for (uint32_t i = 0; out != NULL && i < n; i++)
        out[i] = TDAG_NO_VAR;
}

/* The symbols that results of these types bind. */
static tdagi_binding *bind_sizes(tdag_model_builder *b, const tdagi_type *types,
                                 uint32_t n, uint32_t *n_out)
{
    tdagi_binding *all = NULL;
    uint32_t capacity = 0;
    *n_out = 0;
    for (uint32_t i = 0; i < n && is_ok(b); i++)
        for (uint32_t k = 0; k < types[i].rank && is_ok(b); k++) {
            uint32_t s = number_of(b, types[i].shape[k]);
            if (s == TDAG_NO_INDEX || !b->symbols[s].is_found) continue;
            if (*n_out == capacity) {
                tdagi_binding *wider =
                    take(b, capacity = capacity == 0 ? 8 : capacity * 2, sizeof *wider);
                if (wider == NULL) return NULL;
                if (*n_out > 0) memcpy(wider, all, *n_out * sizeof *wider);
                all = wider;
            }
            b->symbols[s].is_found = false;
            all[(*n_out)++] = (tdagi_binding){.symbol = types[i].shape[k],
                                              .bound = b->symbols[s].most};
        }
    return all;
}

tdag_var tdag_method_add_input(tdag_model_builder *b, const char *name,
                               const tdag_var_type *type)
{
    tdagi_type t;
    if (!in_method(b) || !need(b, type, "type")) return TDAG_NO_VAR;
    copy_type(b, type, &t);
    return is_ok(b) ? tdagi_method_input(&b->b, name, &t) : TDAG_NO_VAR;
}

void tdag_method_set_name(tdag_model_builder *b, tdag_var value, const char *name)
{
    if (has_all(b, (tdag_vars){1, &value})) tdagi_program_name(&b->b, value, name);
}

/* ---- statements ---- */

/* Adds a statement without blocks, whose results bind symbols. */
static void add(tdag_model_builder *b, tdagi_statement_spec *s, tdag_vars inputs,
                tdag_var_types types, tdag_var *results_out)
{
    none_of(results_out, types.n);
    if (!has_all(b, inputs)) return;
    const tdagi_type *copy = copy_types(b, types);
    s->inputs = inputs.v;
    s->n_inputs = inputs.n;
    s->bindings = bind_sizes(b, copy, types.n, &s->n_bindings);
    if (is_ok(b)) tdagi_program_add(&b->b, s, types.n, copy, results_out);
    if (!is_ok(b)) none_of(results_out, types.n);
}

static tdag_var add_one(tdag_model_builder *b, tdagi_statement_spec *s,
                        tdag_vars inputs, const tdag_var_type *type)
{
    tdag_var out = TDAG_NO_VAR;
    if (in_method(b) && need(b, type, "type"))
        add(b, s, inputs, (tdag_var_types){1, type}, &out);
    return out;
}

static const tdag_var_types no_types = {0, NULL};

void tdag_program_give(tdag_model_builder *b, const char *of, tdag_var value,
                       tdag_dim symbol)
{
    if (!has_all(b, (tdag_vars){1, &value}) || !need(b, of, "of")) return;
    uint32_t s = number_of(b, symbol);
    if (s == TDAG_NO_INDEX || !b->symbols[s].is_found) {
        fail(b, "what is given is no symbol, or one that is bound");
        return;
    }
    if (b->n_given == b->given_capacity) {
        uint32_t n = b->given_capacity, wider = n == 0 ? 8 : n * 2;
        void *given = b->given;
        keep(b, tdagi_realloc(b->ctx, &given, n * sizeof *b->given,
                              wider * sizeof *b->given));
        if (!is_ok(b)) return;
        b->given = given;
        b->given_capacity = wider;
    }
    char *kept = tdagi_arena_strdup(&b->arena, of);
    if (kept == NULL) keep(b, tdagi_nomem(b->ctx));
    if (!is_ok(b)) return;
    b->symbols[s].is_found = false;
    const tdagi_binding binding = {
        .symbol = symbol, .bound = b->symbols[s].most, .value = value};
    b->given[b->n_given++] = (given_size){binding, kept};
}

/* What was given, as symbols of the graph. */
static void take_given(tdag_model_builder *b, const tdag_graph *g,
                       tdagi_statement_spec *s)
{
    uint32_t n = tdagi_pool_n_symbols(g->pool);
    tdagi_binding *all = take(b, b->n_given, sizeof *all);
    for (uint32_t i = 0; i < b->n_given && is_ok(b); i++) {
        uint32_t of = 0;
        while (of < n &&
               strcmp(tdagi_pool_symbol(g->pool, of, NULL), b->given[i].of) != 0)
            of++;
        if (of == n) fail(b, "a size is given to no symbol of the graph");
        all[i] = b->given[i].binding;
        all[i].of = of;
    }
    s->bindings = all;
    s->n_bindings = b->n_given;
    b->n_given = 0;
}

void tdag_program_call(tdag_model_builder *b, uint32_t graph, tdag_vars inputs,
                       tdag_var *results_out)
{
    if (!has_all(b, inputs)) return;
    if (graph >= b->b.made->n_graphs) {
        fail(b, "there is no graph of that number");
        return;
    }
    const tdag_graph *g = b->b.made->graphs[graph].graph;
    none_of(results_out, g->n_outputs);
    if (inputs.n != g->n_inputs) fail(b, "the graph takes another number of values");
    tdagi_statement_spec s = {.kind = TDAGI_CALL, .target = graph};
    s.inputs = inputs.v;
    s.n_inputs = inputs.n;
    take_given(b, g, &s);
    tdagi_type *types = take(b, g->n_outputs, sizeof *types);
    if (is_ok(b)) keep(b, tdagi_call_types(b->ctx, g, b->b.method, &s, types));
    if (is_ok(b)) tdagi_program_add(&b->b, &s, g->n_outputs, types, results_out);
    if (!is_ok(b)) none_of(results_out, g->n_outputs);
}

tdag_var tdag_program_read(tdag_model_builder *b, uint32_t state,
                           const tdag_var_type *type)
{
    tdagi_statement_spec s = {.kind = TDAGI_READ, .target = state};
    return add_one(b, &s, (tdag_vars){0, NULL}, type);
}

void tdag_program_write(tdag_model_builder *b, uint32_t state, tdag_var value)
{
    tdagi_statement_spec s = {.kind = TDAGI_WRITE, .target = state};
    add(b, &s, (tdag_vars){1, &value}, no_types, NULL);
}

tdag_var tdag_program_draw(tdag_model_builder *b, tdag_draw_kind kind, tdag_vars inputs,
                           const tdag_var_type *type)
{
    tdagi_statement_spec s = {.kind = TDAGI_DRAW, .draw = (uint8_t)kind};
    if ((unsigned)kind >= TDAGI_N_DRAW_KINDS)
        fail(b, "there are no random numbers of that kind");
    return add_one(b, &s, inputs, type);
}

void tdag_program_apply(tdag_model_builder *b, const char *name, const char *arguments,
                        tdag_vars inputs, tdag_var_types types, tdag_var *results_out)
{
    tdagi_statement_spec s = {
        .kind = TDAGI_APPLY, .text = name, .arguments = arguments};
    if (need(b, name, "name")) add(b, &s, inputs, types, results_out);
    if (!is_ok(b)) none_of(results_out, types.n);
}

void tdag_program_check(tdag_model_builder *b, tdag_var condition, const char *sentence)
{
    tdagi_statement_spec s = {.kind = TDAGI_CHECK, .text = sentence};
    if (need(b, sentence, "sentence"))
        add(b, &s, (tdag_vars){1, &condition}, no_types, NULL);
}

void tdag_program_return(tdag_model_builder *b, tdag_vars values)
{
    tdagi_statement_spec s = {.kind = TDAGI_RETURN};
    add(b, &s, values, no_types, NULL);
}

/* ---- blocks ---- */

/* Whether the statement that is open is of that kind and in the block of that number.
 */
static bool is_open(tdag_model_builder *b, tdagi_statement_kind kind, uint32_t block)
{
    if (!in_method(b)) return false;
    const tdagi_open_statement *in =
        b->b.depth == 0 ? NULL : &b->b.open[b->b.depth - 1];
    if (in == NULL || in->link == NULL || in->statement->kind != kind ||
        in->statement->n_blocks != block)
        fail(b, kind == TDAGI_IF ? "there is no if whose block that could end"
                                 : "there is no loop that could end");
    return is_ok(b);
}

/* Ends the last block and its statement. */
static void close_statement(tdag_model_builder *b, tdag_vars yields,
                            tdag_var_types types, tdag_var *results_out)
{
    uint32_t n = 0;
    none_of(results_out, types.n);
    if (!has_all(b, yields)) return;
    const tdagi_type *copy = copy_types(b, types);
    const tdagi_binding *bindings = bind_sizes(b, copy, types.n, &n);
    if (!is_ok(b)) return;
    tdagi_program_end_block(&b->b, yields.n, yields.v);
    tdagi_program_bind(&b->b, n, bindings);
    tdagi_program_close(&b->b, types.n, copy, results_out);
    if (!is_ok(b)) none_of(results_out, types.n);
}

void tdag_program_begin_if(tdag_model_builder *b, tdag_var condition)
{
    const tdagi_statement_spec s = {
        .kind = TDAGI_IF, .inputs = &condition, .n_inputs = 1};
    if (!has_all(b, (tdag_vars){1, &condition})) return;
    tdagi_program_open(&b->b, &s);
    tdagi_program_begin_block(&b->b, 0, NULL, 0, NULL, NULL);
}

void tdag_program_else(tdag_model_builder *b, tdag_vars yields)
{
    if (!has_all(b, yields) || !is_open(b, TDAGI_IF, 0)) return;
    tdagi_program_end_block(&b->b, yields.n, yields.v);
    tdagi_program_begin_block(&b->b, 0, NULL, 0, NULL, NULL);
}

void tdag_program_end_if(tdag_model_builder *b, tdag_vars yields, tdag_var_types types,
                         tdag_var *results_out)
{
    none_of(results_out, types.n);
    if (is_open(b, TDAGI_IF, 1)) close_statement(b, yields, types, results_out);
}

/* The types in the loop: the index, then what is carried; and the loop's symbols. */
static tdagi_type *carried_types(tdag_model_builder *b, tdag_vars entries,
                                 const tdag_var_type *types, tdag_dim **symbols,
                                 uint32_t *n_symbols)
{
    uint32_t n = entries.n;
    tdagi_type *all = take(b, (size_t)n + 1, sizeof *all);
    if (all == NULL) return NULL;
    all[0] = (tdagi_type){.dtype = TDAG_I64};
    for (uint32_t i = 0; i < n && is_ok(b); i++) {
        tdag_var_type type = tdag_method_get_type(
            (const tdag_method *)(const void *)b->b.method, entries.v[i]);
        copy_type(b, types == NULL ? &type : &types[i], &all[i + 1]);
    }
    const tdagi_binding *bound = bind_sizes(b, all + 1, n, n_symbols);
    *symbols = take(b, *n_symbols, sizeof **symbols);
    for (uint32_t i = 0; i < *n_symbols && is_ok(b); i++)
        (*symbols)[i] = bound[i].symbol;
    return all;
}

void tdag_program_begin_loop(tdag_model_builder *b, tdag_var limit, tdag_var condition,
                             tdag_vars entries, const tdag_var_type *types,
                             tdag_var *params_out)
{
    tdagi_statement_spec s = {.kind = TDAGI_LOOP};
    tdag_dim *symbols = NULL;
    uint32_t n_symbols = 0;
    none_of(params_out, entries.n + 1);
    if (!has_all(b, entries)) return;
    tdag_var *inputs = take(b, (size_t)entries.n + 2, sizeof *inputs);
    if (inputs == NULL) return;
    s.has_limit = limit.id != 0;
    s.has_condition = condition.id != 0;
    if (s.has_limit) inputs[s.n_inputs++] = limit;
    if (s.has_condition) inputs[s.n_inputs++] = condition;
    if (entries.n > 0)
        memcpy(inputs + s.n_inputs, entries.v, entries.n * sizeof *inputs);
    s.n_inputs += entries.n;
    s.inputs = inputs;
    const tdagi_type *all = carried_types(b, entries, types, &symbols, &n_symbols);
    if (!has_all(b, (tdag_vars){s.n_inputs, inputs})) return;
    tdagi_program_open(&b->b, &s);
    tdagi_program_begin_block(&b->b, entries.n + 1, all, n_symbols, symbols,
                              params_out);
    if (!is_ok(b)) none_of(params_out, entries.n + 1);
}

void tdag_program_end_loop(tdag_model_builder *b, tdag_vars yields,
                           tdag_var_types types, tdag_var *results_out)
{
    none_of(results_out, types.n);
    if (is_open(b, TDAGI_LOOP, 0)) close_statement(b, yields, types, results_out);
}
