/* Running a graph: the inputs are checked against the declared ones, symbols get the
 * numbers the inputs show, and an engine runs what results. */
#include "run/run.h"
#include "program/model.h"
#include "run/bind.h"
#include "run/program/prepare.h"

static const char *input_name(const tdag_graph *g, uint32_t i, char buf[16])
{
    return tdagi_value_name(g, g->inputs[i], buf);
}

static tdag_status check_input(tdag_ctx *ctx, const tdag_graph *g, uint32_t i,
                               const tdag_tensor *t)
{
    char buf[16];
    const tdagi_node *n = tdagi_graph_node(g, g->inputs[i]);
    if (t->dtype != (tdag_dtype)n->dtype)
        return tdagi_fail(ctx, TDAG_E_DTYPE,
                          "input %s has dtype %s, the model takes %s",
                          input_name(g, i, buf), tdag_dtype_name(t->dtype),
                          tdag_dtype_name((tdag_dtype)n->dtype));
    if (t->rank != n->rank)
        return tdagi_fail(ctx, TDAG_E_SHAPE, "input %s has rank %u, the model takes %u",
                          input_name(g, i, buf), (unsigned)t->rank, n->rank);
    return TDAG_OK;
}

static tdag_status check_dims(tdag_ctx *ctx, const tdag_graph *g, uint32_t i,
                              const tdag_tensor *t, const tdagi_sizes *sizes)
{
    char buf[16], text[128];
    const tdagi_node *n = tdagi_graph_node(g, g->inputs[i]);
    uint32_t axis = 0;
    bool same = true;
    TDAGI_TRY(tdagi_sizes_compare(ctx, sizes, n->shape, t, &axis, &same));
    if (same) return TDAG_OK;
    tdagi_dim_text(g->pool, n->shape[axis], text, sizeof(text));
    return tdagi_fail(
        ctx, TDAG_E_SHAPE, "axis %u of input %s has the dim %lld, the model takes %s",
        (unsigned)axis, input_name(g, i, buf), (long long)t->shape[axis], text);
}

/* What no input tells has its sample's size. */
static tdag_status bind_symbols(tdag_ctx *ctx, const tdag_graph *g,
                                tdag_tensor *const *inputs, const tdagi_sizes *sizes)
{
    uint32_t n = tdagi_pool_n_symbols(g->pool);
    for (uint32_t s = 0; s < n; s++)
        sizes->of[s] = TDAGI_SIZE_UNKNOWN;
    for (uint32_t i = 0; i < g->n_inputs; i++)
        TDAGI_TRY(check_input(ctx, g, i, inputs[i]));
    for (uint32_t how = 0; how < TDAGI_N_TELLING; how++)
        for (uint32_t i = 0; i < g->n_inputs; i++)
            tdagi_sizes_tell(sizes, tdagi_graph_node(g, g->inputs[i])->shape, inputs[i],
                             (tdagi_telling)how);
    for (uint32_t s = 0; s < n; s++)
        if (sizes->of[s] == TDAGI_SIZE_UNKNOWN)
            tdagi_pool_symbol(g->pool, s, &sizes->of[s]);
    for (uint32_t i = 0; i < g->n_inputs; i++)
        TDAGI_TRY(check_dims(ctx, g, i, inputs[i], sizes));
    return TDAG_OK;
}

static tdag_status run_bound(tdag_ctx *ctx, const tdag_graph *g, tdag_engine engine,
                             tdag_tensor *const *inputs, tdag_tensor **outputs)
{
    uint32_t n = tdagi_pool_n_symbols(g->pool);
    void *numbers = NULL;
    tdag_tensor **taken = NULL;
    tdagi_workshop shop;
    TDAGI_TRY(tdagi_array_alloc(ctx, n, sizeof(int64_t), &numbers));
    tdagi_sizes sizes = {g->pool, tdagi_pool_create(&ctx->allocator), numbers};
    tdag_status st =
        sizes.scratch == NULL ? tdagi_nomem(ctx) : bind_symbols(ctx, g, inputs, &sizes);
    if (st == TDAG_OK) st = tdagi_run_take(ctx, inputs, g->n_inputs, &taken);
    tdagi_workshop_open(&shop, ctx, engine);
    if (st == TDAG_OK) st = tdagi_workshop_run(&shop, g, sizes.of, taken, outputs);
    tdagi_workshop_close(&shop);
    tdagi_run_drop(ctx, taken, g->n_inputs);
    tdagi_pool_free(sizes.scratch);
    tdagi_free(ctx, numbers, n * sizeof(int64_t));
    return st;
}

static tdag_status load_options(tdag_ctx *ctx, const tdag_run_options *given,
                                tdag_run_options *out)
{
    TDAGI_TRY(tdagi_options_load(ctx, out, sizeof *out, given));
    if (out->engine != TDAG_ENGINE_NATIVE && out->engine != TDAG_ENGINE_REFERENCE)
        return tdagi_fail(ctx, TDAG_E_ARG, "there is no engine number %d",
                          (int)out->engine);
    return TDAG_OK;
}

static tdag_status check_count(tdag_ctx *ctx, uint32_t takes,
                               tdag_tensor *const *inputs, uint32_t n_inputs)
{
    if (n_inputs != takes)
        return tdagi_fail(ctx, TDAG_E_ARG, "the model takes %u inputs, %u were given",
                          (unsigned)takes, (unsigned)n_inputs);
    if (n_inputs > 0) TDAGI_TRY(tdagi_need(ctx, inputs, "inputs"));
    for (uint32_t i = 0; i < n_inputs; i++)
        if (inputs[i] == NULL)
            return tdagi_fail(ctx, TDAG_E_ARG, "input %u is NULL", (unsigned)i);
    return TDAG_OK;
}

tdag_status tdag_graph_run(tdag_ctx *ctx, const tdag_graph *graph,
                           tdag_tensor *const *inputs, uint32_t n_inputs,
                           const tdag_run_options *options, tdag_tensor **outputs)
{
    TDAGI_TRY(tdagi_need(ctx, graph, "graph"));
    TDAGI_TRY(tdagi_need(ctx, outputs, "outputs"));
    tdag_run_options o;
    TDAGI_TRY(load_options(ctx, options, &o));
    TDAGI_TRY(check_count(ctx, graph->n_inputs, inputs, n_inputs));
    return run_bound(ctx, graph, o.engine, inputs, outputs);
}

tdag_status tdag_run(tdag_ctx *ctx, const tdag_model *model, tdag_tensor *const *inputs,
                     uint32_t n_inputs, const tdag_run_options *options,
                     tdag_tensor **outputs)
{
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    TDAGI_TRY(tdagi_need(ctx, outputs, "outputs"));
    tdag_run_options o;
    TDAGI_TRY(load_options(ctx, options, &o));
    const char *name = o.method == NULL ? "forward" : o.method;
    const tdagi_method *method = tdagi_model_method(model, name);
    if (method == NULL)
        return tdagi_fail(ctx, TDAG_E_ARG, "the model has no method named %.80s", name);
    TDAGI_TRY(check_count(ctx, method->body.n_params, inputs, n_inputs));
    const tdag_graph *graph = tdag_model_get_graph(model);
    if (graph != NULL) return run_bound(ctx, graph, o.engine, inputs, outputs);
    return tdagi_run_method(ctx, model, method, inputs, &o, outputs);
}
