/* Building models: their graphs and state, methods, statements and blocks. */
#include "program/build.h"

#include <string.h>

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
    memcpy(&p, array, sizeof p);
    if (is_ok(b)) b->status = tdagi_realloc(b->ctx, &p, n * size, (n + 1) * size);
    if (is_ok(b)) memcpy(array, &p, sizeof p);
    return is_ok(b);
}

static const char *keep_name(tdagi_model_builder *b, const char *name)
{
    const char *copy = is_ok(b) ? tdagi_arena_strdup(&b->made->arena, name) : NULL;
    if (copy == NULL) no_memory(b);
    return copy;
}

static void name_taken(tdagi_model_builder *b, const char *what, const char *name)
{
    b->status =
        tdagi_fail(b->ctx, TDAG_E_ARG, "there are two %s named %.80s", what, name);
}

uint32_t tdagi_model_add_graph(tdagi_model_builder *b, const char *name,
                               const tdag_graph *graph)
{
    if (!is_ok(b)) return 0;
    tdag_model *m = b->made;
    for (uint32_t i = 0; i < m->n_graphs && is_ok(b); i++)
        if (strcmp(m->graphs[i].name, name) == 0) name_taken(b, "graphs", name);
    const char *kept = keep_name(b, name);
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
    for (uint32_t i = 0; i < rank && is_ok(b); i++)
        kept[i] =
            symbols == NULL || symbols[i] == NULL ? NULL : keep_name(b, symbols[i]);
    return kept;
}

uint32_t tdagi_model_add_state(tdagi_model_builder *b, const char *name,
                               const tdag_tensor *initial, const char *const *symbols)
{
    if (!is_ok(b)) return 0;
    tdag_model *m = b->made;
    for (uint32_t i = 0; i < m->n_states && is_ok(b); i++)
        if (strcmp(m->states[i].name, name) == 0) name_taken(b, "states", name);
    tdagi_state state = {.name = keep_name(b, name)};
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
    if (!is_ok(b)) return;
    if (tdagi_model_method(b->made, name) != NULL) {
        name_taken(b, "methods", name);
        return;
    }
    void *made = NULL;
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
    if (is_ok(b)) b->method->vars[v.id].name = kept;
}

/* ---- statements ---- */

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
    s->next = NULL;
    s->text = keep_text(b, spec->text);
    s->arguments = keep_text(b, spec->arguments);
    s->inputs = keep(b, spec->inputs, s->n_inputs, sizeof *s->inputs);
    s->bindings = keep(b, spec->bindings, s->n_bindings, sizeof *s->bindings);
    s->results = NULL;
    s->blocks = NULL;
    s->n_results = s->n_blocks = 0;
    if (!is_ok(b)) return NULL;
    **link = s;
    *link = &s->next;
    b->has_returned = spec->kind == TDAGI_RETURN && in == NULL;
    return s;
}

void tdagi_program_add(tdagi_model_builder *b, const tdagi_statement_spec *spec,
                       uint32_t n_results, const tdagi_type *types,
                       tdagi_var *results_out)
{
    tdagi_statement *s = add(b, spec);
    const tdagi_var *results = add_vars(b, n_results, types, results_out);
    if (!is_ok(b)) return;
    s->results = results;
    s->n_results = n_results;
}

void tdagi_program_open(tdagi_model_builder *b, const tdagi_statement_spec *spec)
{
    if (is_ok(b) && b->depth == TDAGI_PROGRAM_MAX_DEPTH)
        b->status = tdagi_fail(b->ctx, TDAG_E_LIMIT, "blocks nest deeper than %d",
                               TDAGI_PROGRAM_MAX_DEPTH);
    tdagi_statement *s = add(b, spec);
    if (s != NULL) b->open[b->depth++] = (tdagi_open_statement){.statement = s};
}

static void misplaced(tdagi_model_builder *b, const char *what)
{
    b->status = tdagi_fail(b->ctx, TDAG_E_ARG, "%s is out of place", what);
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
    in->link = &block->first;
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
    s->results = results;
    s->n_results = n_results;
    b->depth--;
}
