/* Models: sharing, comparing, and what straight-line ones are to those who know graphs
 * only. */
#include "program/model.h"

#include <string.h>

#include "program/build.h"

/* ---- sharing ---- */

tdag_model *tdagi_model_copy(const tdag_model *m)
{
    tdag_model *shared = (tdag_model *)(uintptr_t)m;
    atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
    return shared;
}

static void free_array(const tdag_allocator *a, void *array, uint32_t n, size_t size)
{
    if (array != NULL) tdagi_mem_free(a, array, tdagi_model_capacity(n) * size);
}

void tdag_model_free(tdag_model *m)
{
    if (m == NULL || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1)
        return;
    tdag_allocator a = m->allocator;
    for (uint32_t i = 0; i < m->n_graphs; i++)
        tdag_graph_free(m->graphs[i].graph);
    for (uint32_t i = 0; i < m->n_states; i++)
        tdag_tensor_free(m->states[i].initial);
    for (uint32_t i = 0; i < m->n_methods; i++)
        tdagi_method_free(m->methods[i]);
    free_array(&a, m->graphs, m->n_graphs, sizeof *m->graphs);
    free_array(&a, m->states, m->n_states, sizeof *m->states);
    free_array(&a, m->methods, m->n_methods, sizeof(tdagi_method *));
    tdagi_arena_free(&m->arena);
    tdagi_mem_free(&a, m, sizeof *m);
}

/* ---- comparing ---- */

static bool same_state(const tdagi_state *a, const tdagi_state *b)
{
    if (strcmp(a->name, b->name) != 0 || !tdagi_tensor_equal(a->initial, b->initial))
        return false;
    for (uint32_t i = 0; i < a->initial->rank; i++) {
        const char *x = a->symbols[i], *y = b->symbols[i];
        if (x == NULL || y == NULL ? x != y : strcmp(x, y) != 0) return false;
    }
    return true;
}

static bool same_graph(const tdagi_named_graph *a, const tdagi_named_graph *b)
{
    return strcmp(a->name, b->name) == 0 &&
           (a->graph == b->graph || tdag_graph_equal(a->graph, b->graph));
}

bool tdagi_model_equal(const tdag_model *a, const tdag_model *b)
{
    bool same = a->n_graphs == b->n_graphs && a->n_states == b->n_states &&
                a->n_methods == b->n_methods;
    for (uint32_t i = 0; same && i < a->n_graphs; i++)
        same = same_graph(&a->graphs[i], &b->graphs[i]);
    for (uint32_t i = 0; same && i < a->n_states; i++)
        same = same_state(&a->states[i], &b->states[i]);
    for (uint32_t i = 0; same && i < a->n_methods; i++)
        same = tdagi_method_equal(a->methods[i], b->methods[i]);
    return same;
}

const tdagi_method *tdagi_model_method(const tdag_model *m, const char *name)
{
    for (uint32_t i = 0; i < m->n_methods; i++)
        if (strcmp(m->methods[i]->name, name) == 0) return m->methods[i];
    return NULL;
}

/* ---- straight-line models ---- */

/* Types of graph values as those of the method at hand. */
static void import_type(tdagi_model_builder *b, const tdag_graph *g, tdag_value v,
                        tdagi_type *out)
{
    tdagi_pool *pool = tdagi_method_pool(b);
    tdagi_value_type(g, v, out);
    for (uint32_t i = 0; i < out->rank && pool != NULL; i++)
        out->shape[i] = tdagi_dim_import(pool, g->pool, out->shape[i]);
}

/* def forward(inputs): results = call graph(inputs); return results */
static void add_forward(tdagi_model_builder *b, const tdag_graph *g, tdagi_var *vars,
                        tdagi_type *types)
{
    tdagi_statement_spec call = {.kind = TDAGI_CALL, .inputs = vars};
    call.target = tdagi_model_add_graph(b, "forward", g);
    call.n_inputs = g->n_inputs;
    tdagi_method_begin(b, "forward");
    tdagi_pool *pool = tdagi_method_pool(b);
    for (uint32_t i = 0; pool != NULL && i < tdagi_pool_n_symbols(g->pool); i++) {
        int64_t sample;
        const char *symbol = tdagi_pool_symbol(g->pool, i, &sample);
        tdagi_method_symbol(b, tdagi_dim_symbol(pool, symbol, sample));
    }
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        import_type(b, g, g->inputs[i], types);
        const char *name = tdagi_graph_node(g, g->inputs[i])->name;
        vars[i] = tdagi_method_input(b, name, types);
    }
    for (uint32_t i = 0; i < g->n_outputs; i++)
        import_type(b, g, g->outputs[i], &types[i]);
    tdagi_var *results = vars + g->n_inputs;
    tdagi_program_add(b, &call, g->n_outputs, types, results);
    const tdagi_statement_spec ret = {
        .kind = TDAGI_RETURN, .inputs = results, .n_inputs = g->n_outputs};
    tdagi_program_add(b, &ret, 0, NULL, NULL);
}

tdag_status tdagi_model_create(tdag_ctx *ctx, const tdag_graph *g,
                               const tdagi_structure *inputs,
                               const tdagi_structure *outputs, tdag_model **out)
{
    if ((inputs != NULL && inputs->n_tensors != g->n_inputs) ||
        (outputs != NULL && outputs->n_tensors != g->n_outputs))
        return tdagi_fail(ctx, TDAG_E_ARG,
                          "a structure has not as many tensors as the graph");
    size_t n_vars = (size_t)g->n_inputs + g->n_outputs, n_types = g->n_outputs + 1u;
    void *vars = NULL, *types = NULL;
    TDAGI_TRY(tdagi_array_alloc(ctx, n_vars, sizeof(tdagi_var), &vars));
    tdag_status st = tdagi_array_alloc(ctx, n_types, sizeof(tdagi_type), &types);
    if (st == TDAG_OK) {
        tdagi_model_builder b;
        tdagi_model_begin(&b, ctx);
        add_forward(&b, g, vars, types);
        tdagi_method_end(&b, inputs, outputs);
        st = tdagi_model_finish(&b, out);
        tdagi_free(ctx, types, n_types * sizeof(tdagi_type));
    }
    tdagi_free(ctx, vars, n_vars * sizeof(tdagi_var));
    return st;
}

tdag_status tdagi_model_of_builder(tdag_ctx *ctx, tdag_builder *b,
                                   const tdagi_structure *inputs,
                                   const tdagi_structure *outputs, tdag_model **out)
{
    tdag_graph *graph = NULL;
    TDAGI_TRY(tdag_builder_finish(b, &graph));
    tdag_status st = tdagi_model_create(ctx, graph, inputs, outputs, out);
    tdag_graph_free(graph);
    return st;
}

tdag_status tdag_model_create(tdag_ctx *ctx, const tdag_graph *graph, tdag_model **out)
{
    TDAGI_TRY(tdagi_need(ctx, graph, "graph"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    return tdagi_model_create(ctx, graph, NULL, NULL, out);
}

static bool same_vars(const tdagi_var *a, uint32_t n_a, const tdagi_var *b,
                      uint32_t n_b)
{
    return n_a == n_b && (n_a == 0 || memcmp(a, b, n_a * sizeof *a) == 0);
}

/* The graph that forward calls with its inputs and whose outputs it returns, if that is
 * all of the model; else NULL. */
static const tdag_graph *straight_graph(const tdag_model *m)
{
    if (m->n_methods != 1 || m->n_graphs != 1 || m->n_states != 0) return NULL;
    const tdagi_block *body = &m->methods[0]->body;
    const tdagi_statement *call = body->first;
    const tdagi_statement *ret = call->next;
    bool is_straight = call->kind == TDAGI_CALL && call->n_bindings == 0 &&
                       ret != NULL && ret->kind == TDAGI_RETURN;
    return is_straight &&
                   same_vars(call->inputs, call->n_inputs, body->params,
                             body->n_params) &&
                   same_vars(ret->inputs, ret->n_inputs, call->results, call->n_results)
               ? m->graphs[0].graph
               : NULL;
}

tdag_status tdagi_model_straight(tdag_ctx *ctx, const tdag_model *m,
                                 const tdag_graph **out)
{
    TDAGI_TRY(tdagi_need(ctx, m, "model"));
    const tdag_graph *graph = straight_graph(m);
    if (graph == NULL)
        return tdagi_fail(ctx, TDAG_E_UNSUPPORTED,
                          "the model is a program, and this takes one graph only");
    *out = graph;
    return TDAG_OK;
}

tdag_status tdagi_model_with_graph(tdag_ctx *ctx, const tdag_model *m,
                                   const tdag_graph *graph, tdag_model **out)
{
    tdag_model *made = NULL;
    TDAGI_TRY(tdagi_model_create(ctx, graph, tdagi_model_inputs(m),
                                 tdagi_model_outputs(m), &made));
    tdag_status st = tdagi_model_keep_metadata(ctx, m, made);
    if (st == TDAG_OK)
        *out = made;
    else
        tdag_model_free(made);
    return st;
}

tdag_status tdagi_model_transform(tdag_ctx *ctx, const tdag_model *m,
                                  tdagi_transform *transform, const void *arguments,
                                  tdag_model **out)
{
    const tdag_graph *graph = NULL;
    tdag_graph *g = NULL;
    TDAGI_TRY(tdagi_model_straight(ctx, m, &graph));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    TDAGI_TRY(transform(ctx, graph, arguments, &g));
    tdag_status st = tdagi_model_with_graph(ctx, m, g, out);
    tdag_graph_free(g);
    return st;
}

const tdag_graph *tdag_model_get_graph(const tdag_model *m)
{
    return m == NULL ? NULL : straight_graph(m);
}

/* ---- the structures of forward ---- */

const tdagi_method *tdagi_model_forward(const tdag_model *m)
{
    const tdagi_method *forward = tdagi_model_method(m, "forward");
    return forward == NULL ? m->methods[0] : forward;
}

const tdagi_structure *tdagi_model_inputs(const tdag_model *m)
{
    return tdagi_model_forward(m)->inputs;
}

const tdagi_structure *tdagi_model_outputs(const tdag_model *m)
{
    return tdagi_model_forward(m)->outputs;
}

const char *tdag_model_get_input_structure(const tdag_model *m)
{
    return m == NULL ? NULL : tdagi_model_inputs(m)->text;
}

const char *tdag_model_get_output_structure(const tdag_model *m)
{
    return m == NULL ? NULL : tdagi_model_outputs(m)->text;
}
