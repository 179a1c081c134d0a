/* Running a graph: the inputs are checked against the declared ones, symbols get the
 * numbers the inputs show, and an engine runs what results. */
#include "run/run.h"

#include "program/model.h"

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

/* Binds the symbols that input i shows: those that stand alone as a dim, or, if not
 * `alone`, with a factor and an offset. check_dims() judges the result. */
static void bind_input(const tdag_graph *g, uint32_t i, const tdag_tensor *t,
                       bool alone, int64_t *values)
{
    const tdagi_node *n = tdagi_graph_node(g, g->inputs[i]);
    for (uint32_t axis = 0; axis < n->rank; axis++) {
        uint32_t s;
        int64_t factor, offset, rest;
        if (!tdagi_dim_is_affine(g->pool, n->shape[axis], &s, &factor, &offset) ||
            (alone && (factor != 1 || offset != 0)) || values[s] >= 0 ||
            __builtin_sub_overflow(t->shape[axis], offset, &rest) || rest < 0)
            continue;
        values[s] = rest / factor;
    }
}

static tdag_status check_dims(tdag_ctx *ctx, const tdag_graph *g, uint32_t i,
                              const tdag_tensor *t, const int64_t *values)
{
    char buf[16], text[128];
    const tdagi_node *n = tdagi_graph_node(g, g->inputs[i]);
    for (uint32_t axis = 0; axis < n->rank; axis++) {
        int64_t want;
        if (!tdagi_dim_eval(g->pool, n->shape[axis], values, &want))
            return tdagi_fail(ctx, TDAG_E_OVERFLOW, "a dim of input %s exceeds 64 bits",
                              input_name(g, i, buf));
        if (want == t->shape[axis]) continue;
        tdagi_dim_text(g->pool, n->shape[axis], text, sizeof(text));
        return tdagi_fail(ctx, TDAG_E_SHAPE,
                          "axis %u of input %s has the dim %lld, the model takes %s",
                          (unsigned)axis, input_name(g, i, buf),
                          (long long)t->shape[axis], text);
    }
    return TDAG_OK;
}

static tdag_status bind_symbols(tdag_ctx *ctx, const tdag_graph *g,
                                tdag_tensor *const *inputs, int64_t *values)
{
    uint32_t n = tdagi_pool_n_symbols(g->pool);
    for (uint32_t s = 0; s < n; s++)
        values[s] = -1;
    for (uint32_t i = 0; i < g->n_inputs; i++)
        TDAGI_TRY(check_input(ctx, g, i, inputs[i]));
    for (int alone = 1; alone >= 0; alone--)
        for (uint32_t i = 0; i < g->n_inputs; i++)
            bind_input(g, i, inputs[i], alone == 1, values);
    for (uint32_t s = 0; s < n; s++)
        if (values[s] < 0) tdagi_pool_symbol(g->pool, s, &values[s]);
    for (uint32_t i = 0; i < g->n_inputs; i++)
        TDAGI_TRY(check_dims(ctx, g, i, inputs[i], values));
    return TDAG_OK;
}

static tdag_status run_engine(tdag_ctx *ctx, const tdag_graph *g, tdag_engine engine,
                              tdag_tensor *const *inputs, tdag_tensor **outputs)
{
    if (engine == TDAG_ENGINE_REFERENCE)
        return tdagi_run_reference(ctx, g, inputs, outputs);
    return tdagi_run_native(ctx, g, inputs, outputs);
}

static tdag_status run_bound(tdag_ctx *ctx, const tdag_graph *g, tdag_engine engine,
                             tdag_tensor *const *inputs, tdag_tensor **outputs)
{
    uint32_t n = tdagi_pool_n_symbols(g->pool);
    void *values = NULL;
    tdag_graph *bound = NULL;
    TDAGI_TRY(tdagi_array_alloc(ctx, n, sizeof(int64_t), &values));
    tdag_status st = bind_symbols(ctx, g, inputs, values);
    if (st == TDAG_OK && n > 0) st = tdagi_graph_bind(ctx, g, values, &bound);
    if (st == TDAG_OK) st = run_engine(ctx, n > 0 ? bound : g, engine, inputs, outputs);
    tdag_graph_free(bound);
    tdagi_free(ctx, values, n * sizeof(int64_t));
    return st;
}

tdag_status tdag_graph_run(tdag_ctx *ctx, const tdag_graph *graph,
                           tdag_tensor *const *inputs, uint32_t n_inputs,
                           const tdag_run_options *options, tdag_tensor **outputs)
{
    TDAGI_TRY(tdagi_need(ctx, graph, "graph"));
    TDAGI_TRY(tdagi_need(ctx, outputs, "outputs"));
    tdag_run_options o;
    TDAGI_TRY(tdagi_options_load(ctx, &o, sizeof(o), options));
    if (o.engine != TDAG_ENGINE_NATIVE && o.engine != TDAG_ENGINE_REFERENCE)
        return tdagi_fail(ctx, TDAG_E_ARG, "there is no engine number %d",
                          (int)o.engine);
    if (n_inputs != graph->n_inputs)
        return tdagi_fail(ctx, TDAG_E_ARG, "the model takes %u inputs, %u were given",
                          (unsigned)graph->n_inputs, (unsigned)n_inputs);
    if (n_inputs > 0) TDAGI_TRY(tdagi_need(ctx, inputs, "inputs"));
    for (uint32_t i = 0; i < n_inputs; i++)
        if (inputs[i] == NULL)
            return tdagi_fail(ctx, TDAG_E_ARG, "input %u is NULL", (unsigned)i);
    return run_bound(ctx, graph, o.engine, inputs, outputs);
}

tdag_status tdag_run(tdag_ctx *ctx, const tdag_model *model, tdag_tensor *const *inputs,
                     uint32_t n_inputs, const tdag_run_options *options,
                     tdag_tensor **outputs)
{
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    TDAGI_TRY(tdagi_need(ctx, outputs, "outputs"));
    const tdag_graph *graph = NULL;
    TDAGI_TRY(tdagi_model_straight(ctx, model, &graph));
    return tdag_graph_run(ctx, graph, inputs, n_inputs, options, outputs);
}
