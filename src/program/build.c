/* Building models: their graphs and state, methods, statements and blocks. */
#include "program/build.h"

#include <stdio.h>
#include <string.h>

#include "ir/names.h"

static bool is_ok(const tdagi_model_builder *b) { return b->status == TDAG_OK; }

static void no_memory(tdagi_model_builder *b)
{
    if (is_ok(b)) b->status = tdagi_nomem(b->ctx);
}

/* ---- models ---- */

void tdagi_model_begin(tdagi_model_builder *b, tdag_ctx *ctx)
{
    memset(b, 0, sizeof *b);
    b->ctx = ctx;
    void *made = NULL;
    b->status = tdagi_alloc(ctx, sizeof *b->made, &made);
    if (!is_ok(b)) return;
    b->made = made;
    atomic_init(&b->made->refs, 1);
    b->made->allocator = ctx->allocator;
    tdagi_arena_init(&b->made->arena, &ctx->allocator);
}

void tdagi_model_drop(tdagi_model_builder *b)
{
    tdagi_method_free(b->method);
    tdag_model_free(b->made);
    tdagi_name_map_free(b->ctx, &b->graphs);
    tdagi_name_map_free(b->ctx, &b->states);
    tdagi_name_map_free(b->ctx, &b->methods);
    b->method = NULL;
    b->made = NULL;
}

tdag_status tdagi_model_finish(tdagi_model_builder *b, tdag_model **out)
{
    if (is_ok(b)) {
        *out = b->made;
        b->made = NULL;
    }
    tdagi_model_drop(b);
    return b->status;
}

/* Room for one more of n elements of `size` bytes. */
static bool grow(tdagi_model_builder *b, void *array, uint32_t n, size_t size)
{
    void *p;
    size_t capacity = tdagi_model_capacity(n), wider = tdagi_model_capacity(n + 1);
    if (!is_ok(b) || capacity == wider) return is_ok(b);
    memcpy(&p, array, sizeof p);
    b->status = tdagi_realloc(b->ctx, &p, capacity * size, wider * size);
    if (is_ok(b)) memcpy(array, &p, sizeof p);
    return is_ok(b);
}

static const char *keep_name(tdagi_model_builder *b, const char *name)
{
    const char *copy = is_ok(b) ? tdagi_arena_strdup(&b->made->arena, name) : NULL;
    if (copy == NULL) no_memory(b);
    return copy;
}

static void check_name(tdagi_model_builder *b, const tdagi_name_map *map,
                       const char *what, const char *name)
{
    if (!is_ok(b)) return;
    if (*name == '\0')
        b->status = tdagi_fail(b->ctx, TDAG_E_ARG, "one of the %s has no name", what);
    else if (tdagi_name_map_get(map, name) != 0)
        b->status =
            tdagi_fail(b->ctx, TDAG_E_ARG, "there are two %s named %.80s", what, name);
}

/* name lives as long as the model. */
static void enter_name(tdagi_model_builder *b, tdagi_name_map *map, const char *name,
                       uint32_t number)
{
    if (is_ok(b)) b->status = tdagi_name_map_put(b->ctx, map, name, number);
}

uint32_t tdagi_model_add_graph(tdagi_model_builder *b, const char *name,
                               const tdag_graph *graph)
{
    if (!is_ok(b)) return 0;
    tdag_model *m = b->made;
    check_name(b, &b->graphs, "graphs", name);
    const char *kept = keep_name(b, name);
    enter_name(b, &b->graphs, kept, m->n_graphs + 1);
    if (!grow(b, &m->graphs, m->n_graphs, sizeof *m->graphs)) return 0;
    m->graphs[m->n_graphs] = (tdagi_named_graph){kept, tdag_graph_copy(graph)};
    return m->n_graphs++;
}

/* By axis; all NULL where none are given. */
static const char *const *keep_symbols(tdagi_model_builder *b, uint32_t rank,
                                       const char *const *symbols)
{
    const char **kept = tdagi_arena_array(&b->made->arena, rank + 1u, sizeof *kept);
    if (kept == NULL) no_memory(b);
    for (uint32_t i = 0; i < rank && is_ok(b); i++) {
        const char *symbol = symbols == NULL ? NULL : symbols[i];
        if (symbol != NULL && !tdagi_is_identifier(symbol))
            b->status =
                tdagi_fail(b->ctx, TDAG_E_ARG,
                           "a symbol of a state is no identifier: '%.80s'", symbol);
        kept[i] = symbol == NULL ? NULL : keep_name(b, symbol);
    }
    return kept;
}

uint32_t tdagi_model_add_state(tdagi_model_builder *b, const char *name,
                               const tdag_tensor *initial, const char *const *symbols)
{
    if (!is_ok(b)) return 0;
    tdag_model *m = b->made;
    check_name(b, &b->states, "states", name);
    tdagi_state state = {.name = keep_name(b, name)};
    enter_name(b, &b->states, state.name, m->n_states + 1);
    if (is_ok(b)) state.symbols = keep_symbols(b, initial->rank, symbols);
    if (!grow(b, &m->states, m->n_states, sizeof *m->states)) return 0;
    state.initial = tdag_tensor_copy(initial);
    m->states[m->n_states] = state;
    return m->n_states++;
}

/* ---- methods ---- */

/* Memory of the method at hand; NULL, and a failure, if there is none. */
static void *take(tdagi_model_builder *b, size_t n, size_t size)
{
    void *p = is_ok(b) ? tdagi_arena_array(&b->method->arena, n, size) : NULL;
    if (p == NULL) no_memory(b);
    return p;
}

/* A copy of n elements; NULL of none. */
static const void *keep(tdagi_model_builder *b, const void *of, size_t n, size_t size)
{
    if (n == 0) return NULL;
    void *copy = take(b, n, size);
    if (copy != NULL) memcpy(copy, of, n * size);
    return copy;
}

static const char *keep_text(tdagi_model_builder *b, const char *text)
{
    return text == NULL ? NULL : keep(b, text, strlen(text) + 1, 1);
}

void tdagi_method_begin(tdagi_model_builder *b, const char *name)
{
    if (is_ok(b)) check_name(b, &b->methods, "methods", name);
    void *made = NULL;
    if (!is_ok(b)) return;
    b->status = tdagi_alloc(b->ctx, sizeof *b->method, &made);
    if (!is_ok(b)) return;
    tdagi_method *m = b->method = made;
    atomic_init(&m->refs, 1);
    m->allocator = b->ctx->allocator;
    tdagi_arena_init(&m->arena, &m->allocator);
    m->pool = tdagi_pool_create(&m->allocator);
    if (m->pool == NULL) no_memory(b);
    m->name = keep_text(b, name);
    b->link = &m->body.first;
    b->depth = 0;
    b->has_returned = false;
}

/* ---- names of values ---- */

typedef struct naming {
    tdagi_model_builder *b;
    tdagi_name_map names; /* of the values seen: their ids */
} naming;

/* A name with the first suffix that is free. */
static const char *free_name(naming *n, const char *name)
{
    size_t size = strlen(name) + 12;
    tdagi_name_slot *slot = tdagi_name_map_find(&n->names, name);
    char *text = take(n->b, size, 1);
    while (text != NULL) {
        snprintf(text, size, "%s_%u", name, (unsigned)++slot->tried);
        if (tdagi_name_map_get(&n->names, text) == 0) break;
    }
    return text;
}

static void settle_name(naming *n, tdagi_var v)
{
    tdagi_model_builder *b = n->b;
    tdagi_var_info *info = is_ok(b) ? &b->method->vars[v.id] : NULL;
    uint32_t number;
    if (info == NULL || info->name == NULL) return;
    if (*info->name == '\0' || tdagi_name_is_automatic(info->name, &number))
        info->name = NULL;
    else if (tdagi_name_map_get(&n->names, info->name) != 0)
        info->name = free_name(n, info->name);
    if (info->name != NULL && is_ok(b))
        b->status = tdagi_name_map_put(b->ctx, &n->names, info->name, v.id);
}

static void settle_all(naming *n, const tdagi_var *vars, uint32_t n_vars)
{
    for (uint32_t i = 0; i < n_vars; i++)
        settle_name(n, vars[i]);
}

static void leave_all(naming *n, const tdagi_var *vars, uint32_t n_vars)
{
    for (uint32_t i = 0; i < n_vars && is_ok(n->b); i++) {
        const char *name = n->b->method->vars[vars[i].id].name;
        if (name != NULL) tdagi_name_map_find(&n->names, name)->value = 0;
    }
}

/* As deep as blocks nest. The names of a block are free again where it ends. */
static void settle_block(naming *n, const tdagi_block *block)
{
    settle_all(n, block->params, block->n_params);
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next) {
        for (uint32_t i = 0; i < s->n_blocks; i++)
            settle_block(n, &s->blocks[i]);
        settle_all(n, s->results, s->n_results);
    }
    leave_all(n, block->params, block->n_params);
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next)
        leave_all(n, s->results, s->n_results);
}

static void settle_names(tdagi_model_builder *b)
{
    naming n = {.b = b};
    if (is_ok(b)) settle_block(&n, &b->method->body);
    tdagi_name_map_free(b->ctx, &n.names);
}

static tdag_status set_structures(tdagi_model_builder *b, const tdagi_structure *inputs,
                                  const tdagi_structure *outputs, uint32_t n_outputs)
{
    tdagi_method *m = b->method;
    if (inputs != NULL)
        m->inputs = tdagi_structure_copy(inputs);
    else
        TDAGI_TRY(tdagi_structure_flat(b->ctx, m->body.n_params, false, &m->inputs));
    if (outputs == NULL)
        return tdagi_structure_flat(b->ctx, n_outputs, true, &m->outputs);
    m->outputs = tdagi_structure_copy(outputs);
    return TDAG_OK;
}

void tdagi_method_end(tdagi_model_builder *b, const tdagi_structure *inputs,
                      const tdagi_structure *outputs)
{
    if (!is_ok(b)) return;
    if (b->depth > 0 || !b->has_returned) {
        b->status = tdagi_fail(b->ctx, TDAG_E_ARG, "method %.80s does not return",
                               b->method->name);
        return;
    }
    const tdagi_statement *last = b->method->body.first;
    while (last->next != NULL)
        last = last->next;
    b->status = tdagi_pool_report(b->ctx, b->method->pool);
    if (is_ok(b)) b->status = set_structures(b, inputs, outputs, last->n_inputs);
    tdag_model *model = b->made;
    settle_names(b);
    enter_name(b, &b->methods, b->method->name, model->n_methods + 1);
    if (!grow(b, &model->methods, model->n_methods, sizeof(tdagi_method *))) return;
    model->methods[model->n_methods++] = b->method;
    b->method = NULL;
}

tdagi_pool *tdagi_method_pool(tdagi_model_builder *b)
{
    return is_ok(b) ? b->method->pool : NULL;
}

/* Room for one element more behind n: an array of twice the size where n is a power of
 * two. NULL after a failure. */
static void *reserve(tdagi_model_builder *b, const void *array, uint32_t n, size_t size)
{
    bool is_full = (n & (n - 1)) == 0;
    if (!is_full) return is_ok(b) ? (void *)(uintptr_t)array : NULL;
    void *longer = take(b, n == 0 ? 1 : 2 * (size_t)n, size);
    if (longer != NULL && n > 0) memcpy(longer, array, n * size);
    return longer;
}

void tdagi_method_symbol(tdagi_model_builder *b, tdag_dim symbol)
{
    if (!is_ok(b)) return;
    tdagi_block *body = &b->method->body;
    tdag_dim *symbols = reserve(b, body->symbols, body->n_symbols, sizeof symbol);
    if (symbols == NULL) return;
    symbols[body->n_symbols++] = symbol;
    body->symbols = symbols;
}

/* ---- values ---- */

static void misplaced(tdagi_model_builder *b, const char *what)
{
    b->status = tdagi_fail(b->ctx, TDAG_E_ARG, "%s is out of place", what);
}

static bool grow_vars(tdagi_model_builder *b)
{
    tdagi_method *m = b->method;
    if (m->n_vars + 1 < m->vars_capacity) return true;
    uint32_t capacity = m->vars_capacity == 0 ? 8 : m->vars_capacity * 2;
    if (capacity < m->vars_capacity) {
        b->status = tdagi_fail(b->ctx, TDAG_E_LIMIT, "a program has too many values");
        return false;
    }
    void *vars = m->vars;
    b->status = tdagi_realloc(b->ctx, &vars, m->vars_capacity * sizeof *m->vars,
                              capacity * sizeof *m->vars);
    if (!is_ok(b)) return false;
    m->vars = vars;
    m->vars_capacity = capacity;
    return true;
}

static tdagi_var add_var(tdagi_model_builder *b, const tdagi_type *type)
{
    static const tdagi_var none = {0};
    const tdag_dim *shape =
        is_ok(b) ? keep(b, type->shape, type->rank, sizeof(tdag_dim)) : NULL;
    if (!is_ok(b) || !grow_vars(b)) return none;
    tdagi_method *m = b->method;
    m->vars[++m->n_vars] =
        (tdagi_var_info){.dtype = type->dtype, .rank = type->rank, .shape = shape};
    return (tdagi_var){m->n_vars};
}

/* n values of these types, also given to the caller. */
static const tdagi_var *add_vars(tdagi_model_builder *b, uint32_t n,
                                 const tdagi_type *types, tdagi_var *out)
{
    tdagi_var *made = n == 0 ? NULL : take(b, n, sizeof *made);
    for (uint32_t i = 0; i < n; i++) {
        tdagi_var v = add_var(b, &types[i]);
        if (is_ok(b)) made[i] = v;
        if (out != NULL) out[i] = v;
    }
    return made;
}

tdagi_var tdagi_method_input(tdagi_model_builder *b, const char *name,
                             const tdagi_type *type)
{
    if (is_ok(b) && b->method->body.first != NULL) misplaced(b, "an input");
    tdagi_var v = add_var(b, type);
    if (!is_ok(b)) return v;
    tdagi_block *body = &b->method->body;
    tdagi_program_name(b, v, name);
    tdagi_var *params = reserve(b, body->params, body->n_params, sizeof v);
    if (params == NULL) return v;
    params[body->n_params++] = v;
    body->params = params;
    return v;
}

void tdagi_program_name(tdagi_model_builder *b, tdagi_var v, const char *name)
{
    if (!is_ok(b)) return;
    const char *kept = keep_text(b, name);
    if (is_ok(b) && v.id != 0) b->method->vars[v.id].name = kept;
}

/* ---- statements ---- */

/* What a kind has no use for is zero, so that equal statements are equal. */
static void normalize(tdagi_statement *s)
{
    bool has_text = s->kind == TDAGI_APPLY || s->kind == TDAGI_CHECK;
    bool has_target =
        s->kind == TDAGI_CALL || s->kind == TDAGI_READ || s->kind == TDAGI_WRITE;
    s->next = NULL;
    s->results = NULL;
    s->blocks = NULL;
    s->n_results = s->n_blocks = 0;
    if (!has_text) s->text = NULL;
    if (s->kind != TDAGI_APPLY) s->arguments = NULL;
    if (s->kind == TDAGI_APPLY && s->arguments == NULL) s->arguments = "";
    if (s->kind != TDAGI_DRAW) s->draw = 0;
    if (!has_target) s->target = 0;
    if (s->kind != TDAGI_LOOP) s->has_limit = s->has_condition = false;
}

/* The spec's own copy, at the end of the block at hand; NULL after a failure. */
static tdagi_statement *add(tdagi_model_builder *b, const tdagi_statement_spec *spec)
{
    tdagi_open_statement *in = b->depth == 0 ? NULL : &b->open[b->depth - 1];
    const tdagi_statement ***link = in == NULL ? &b->link : &in->link;
    if (is_ok(b) && (*link == NULL || b->has_returned))
        b->status = tdagi_fail(b->ctx, TDAG_E_ARG, "a %s stands in no block",
                               tdagi_statement_name(spec->kind));
    tdagi_statement *s = take(b, 1, sizeof *s);
    if (s == NULL) return NULL;
    *s = *spec;
    normalize(s);
    s->text = keep_text(b, s->text);
    s->arguments = keep_text(b, s->arguments);
    s->inputs = keep(b, spec->inputs, s->n_inputs, sizeof *s->inputs);
    s->bindings = keep(b, spec->bindings, s->n_bindings, sizeof *s->bindings);
    if (!is_ok(b)) return NULL;
    **link = s;
    *link = &s->next;
    b->has_returned = spec->kind == TDAGI_RETURN && in == NULL;
    return s;
}

/* Moves what is equal to the symbol, if it is among items[from..n-1], to `from`, the
 * others behind it in their order: one more is settled. Items begin with a symbol. */
static uint32_t settle_symbol(void *items, size_t size, uint32_t from, uint32_t n,
                              tdag_dim symbol)
{
    char *all = items;
    tdagi_binding moved;
    for (uint32_t i = from; i < n; i++) {
        tdag_dim is;
        memcpy(&is, all + i * size, sizeof is);
        if (is != symbol) continue;
        memcpy(&moved, all + i * size, size);
        memmove(all + (from + 1) * size, all + from * size, (i - from) * size);
        memcpy(all + from * size, &moved, size);
        return from + 1;
    }
    return from;
}

/* Symbols in the order in which values first have them as sizes. */
static void settle_symbols(const tdagi_method *m, const tdagi_var *vars,
                           uint32_t n_vars, void *items, size_t size, uint32_t n)
{
    uint32_t done = 0;
    for (uint32_t i = 0; i < n_vars && done < n; i++) {
        const tdagi_var_info *info = tdagi_method_var(m, vars[i]);
        for (uint32_t k = 0; k < info->rank && done < n; k++)
            if (info->shape[k] < 0)
                done = settle_symbol(items, size, done, n, info->shape[k]);
    }
}

static void set_results(tdagi_model_builder *b, tdagi_statement *s, uint32_t n,
                        const tdagi_var *results)
{
    s->results = results;
    s->n_results = n;
    if (s->kind != TDAGI_CALL)
        settle_symbols(b->method, results, n, (void *)(uintptr_t)s->bindings,
                       sizeof *s->bindings, s->n_bindings);
}

void tdagi_program_add(tdagi_model_builder *b, const tdagi_statement_spec *spec,
                       uint32_t n_results, const tdagi_type *types,
                       tdagi_var *results_out)
{
    tdagi_statement *s = add(b, spec);
    const tdagi_var *results = add_vars(b, n_results, types, results_out);
    if (is_ok(b)) set_results(b, s, n_results, results);
}

void tdagi_program_open(tdagi_model_builder *b, const tdagi_statement_spec *spec)
{
    if (is_ok(b) && b->depth == TDAGI_PROGRAM_MAX_DEPTH)
        b->status = tdagi_fail(b->ctx, TDAG_E_LIMIT, "blocks nest deeper than %d",
                               TDAGI_PROGRAM_MAX_DEPTH);
    tdagi_statement *s = add(b, spec);
    if (s != NULL) b->open[b->depth++] = (tdagi_open_statement){.statement = s};
}

void tdagi_program_begin_block(tdagi_model_builder *b, uint32_t n_params,
                               const tdagi_type *types, uint32_t n_symbols,
                               const tdag_dim *symbols, tdagi_var *params_out)
{
    tdagi_open_statement *in = b->depth == 0 ? NULL : &b->open[b->depth - 1];
    if (is_ok(b) && (in == NULL || in->link != NULL || in->statement->n_blocks == 2))
        misplaced(b, "the beginning of a block");
    const tdagi_var *params = add_vars(b, n_params, types, params_out);
    if (!is_ok(b)) return;
    tdagi_block *block = &in->blocks[in->statement->n_blocks];
    *block = (tdagi_block){.params = params,
                           .n_params = n_params,
                           .symbols = keep(b, symbols, n_symbols, sizeof *symbols),
                           .n_symbols = n_symbols};
    if (!is_ok(b)) return;
    settle_symbols(b->method, params, n_params, (void *)(uintptr_t)block->symbols,
                   sizeof *symbols, n_symbols);
    in->link = &block->first;
}

void tdagi_program_bind(tdagi_model_builder *b, uint32_t n,
                        const tdagi_binding *bindings)
{
    tdagi_open_statement *in = b->depth == 0 ? NULL : &b->open[b->depth - 1];
    if (is_ok(b) && (in == NULL || in->link != NULL)) misplaced(b, "a binding");
    if (!is_ok(b) || n == 0) return;
    tdagi_statement *s = in->statement;
    tdagi_binding *all = take(b, (size_t)s->n_bindings + n, sizeof *all);
    if (all == NULL) return;
    if (s->n_bindings > 0) memcpy(all, s->bindings, s->n_bindings * sizeof *all);
    memcpy(all + s->n_bindings, bindings, n * sizeof *all);
    s->bindings = all;
    s->n_bindings += n;
}

void tdagi_program_end_block(tdagi_model_builder *b, uint32_t n_yields,
                             const tdagi_var *yields)
{
    tdagi_open_statement *in = b->depth == 0 ? NULL : &b->open[b->depth - 1];
    if (is_ok(b) && (in == NULL || in->link == NULL))
        misplaced(b, "the end of a block");
    if (!is_ok(b)) return;
    tdagi_block *block = &in->blocks[in->statement->n_blocks++];
    block->yields = keep(b, yields, n_yields, sizeof *yields);
    block->n_yields = n_yields;
    in->link = NULL;
}

void tdagi_program_close(tdagi_model_builder *b, uint32_t n_results,
                         const tdagi_type *types, tdagi_var *results_out)
{
    tdagi_open_statement *in = b->depth == 0 ? NULL : &b->open[b->depth - 1];
    if (is_ok(b) && (in == NULL || in->link != NULL))
        misplaced(b, "the end of a statement");
    const tdagi_var *results = add_vars(b, n_results, types, results_out);
    if (!is_ok(b)) return;
    tdagi_statement *s = in->statement;
    s->blocks = keep(b, in->blocks, s->n_blocks, sizeof *s->blocks);
    set_results(b, s, n_results, results);
    b->depth--;
}
