/* What graphs cost, and what a call of one does: the graph's counts with its symbols
 * replaced by the sizes of the call. */
#include "count/walk.h"

#include <string.h>

#include "base/tensor.h"
#include "derive/derive.h"
#include "program/call.h"
#include "program/outline/outline.h"

/* ---- prices ---- */

static tdag_status price_graph(tdagi_prices *p, uint32_t i)
{
    const tdag_graph *g = p->model->graphs[i].graph;
    tdagi_row_way way;
    TDAGI_TRY(tdagi_pricer_create(p->ctx, g, TDAG_LEVEL_FUSED, &p->pricers[i]));
    TDAGI_TRY(tdagi_find_row_way(p->ctx, g, &way));
    tdagi_pricer *pricer = p->pricers[i];
    pricer->is_row = way != TDAGI_NO_ROW;
    for (uint32_t k = 0; k < p->n_groups; k++) {
        tdagi_sum sum;
        TDAGI_TRY(tdagi_sum_level(pricer, (tdag_level)(k + 1), &sum));
        tdag_dim *to = &p->counts[i * p->n_columns + k * TDAGI_N_COLUMNS];
        to[0] = sum.nodes;
        to[TDAGI_N_COLUMNS - 1] = sum.unpriced;
        TDAGI_TRY(tdagi_sum_finish(pricer, &sum, to + 1));
    }
    return tdagi_peak_of(pricer, &p->peaks[i]);
}

tdag_status tdagi_prices_make(tdag_ctx *ctx, const tdag_model *model, tdagi_prices *out)
{
    void *block = NULL;
    const size_t n = model->n_graphs + 1u;
    *out = (tdagi_prices){.ctx = ctx, .model = model, .n_groups = 3};
    out->n_columns = out->n_groups * TDAGI_N_COLUMNS;
    TDAGI_TRY(tdagi_array_alloc(ctx, n, sizeof *out->pricers, &block));
    out->pricers = block;
    TDAGI_TRY(tdagi_array_alloc(ctx, n, sizeof *out->peaks, &block));
    out->peaks = block;
    TDAGI_TRY(tdagi_array_alloc(ctx, n, out->n_columns * sizeof *out->counts, &block));
    out->counts = block;
    for (uint32_t i = 0; i < model->n_graphs; i++)
        TDAGI_TRY(price_graph(out, i));
    return TDAG_OK;
}

void tdagi_prices_free(tdagi_prices *p)
{
    if (p->ctx == NULL) return;
    const size_t n = p->model->n_graphs + 1u;
    for (uint32_t i = 0; p->pricers != NULL && i < p->model->n_graphs; i++)
        tdagi_pricer_free(p->pricers[i]);
    tdagi_free(p->ctx, p->pricers, n * sizeof *p->pricers);
    tdagi_free(p->ctx, p->peaks, n * sizeof *p->peaks);
    tdagi_free(p->ctx, p->counts, n * p->n_columns * sizeof *p->counts);
}

/* ---- numbers ---- */

#define MAX_STEPS 24 /* of the nodes that make a number */

typedef struct reading {
    tdagi_walk *w;
    const tdag_graph *g;
    const tdagi_statement *call;
    const tdag_dim *sizes;
} reading;

static tdag_dim input_number(const reading *r, uint32_t id)
{
    for (uint32_t i = 0; i < r->g->n_inputs; i++)
        if (r->g->inputs[i].id == id) return r->w->number[r->call->inputs[i].id];
    return TDAGI_DIM_BAD;
}

static bool is_integer(tdag_dtype dtype)
{
    return tdagi_dtype_class(dtype) == 'i' || tdagi_dtype_class(dtype) == 'u';
}

/* What a rank-0 integer is over the symbols of the walk; BAD: that is not known. */
static tdag_dim read_number(const reading *r, tdag_value v, uint32_t depth)
{
    const tdagi_node *n = tdagi_graph_node(r->g, v);
    tdagi_pool *pool = r->w->pool;
    tdagi_size size;
    if (depth == MAX_STEPS || n->rank != 0 || !is_integer((tdag_dtype)n->dtype))
        return TDAGI_DIM_BAD;
    if (tdagi_is_size(r->g, v.id, &size))
        return size.is_ratio ? TDAGI_DIM_BAD
                             : tdagi_dim_substitute(pool, r->g->pool, size.n, r->sizes);
    if (n->op == TDAG_OP_CONSTANT)
        return tdagi_dim_const(pool, tdagi_tensor_get_i64(n->u.tensor, 0));
    if (n->op == TDAG_OP_INPUT) return input_number(r, v.id);
    if (n->op != TDAG_OP_ADD && n->op != TDAG_OP_MULTIPLY && n->op != TDAG_OP_NEG &&
        n->op != TDAG_OP_CONVERT)
        return TDAGI_DIM_BAD;
    tdag_dim a = read_number(r, n->in.few[0], depth + 1), b = 0;
    if (a == TDAGI_DIM_BAD || n->op == TDAG_OP_CONVERT) return a;
    if (n->op == TDAG_OP_NEG) return tdagi_dim_sub(pool, 0, a);
    b = read_number(r, n->in.few[1], depth + 1);
    if (b == TDAGI_DIM_BAD) return b;
    return n->op == TDAG_OP_ADD ? tdagi_dim_add(pool, a, b) : tdagi_dim_mul(pool, a, b);
}

/* ---- calls ---- */

/* The graph's symbols as dims of the walk. */
static tdag_status find_sizes(tdagi_walk *w, const tdagi_statement *s,
                              const tdag_graph *g, tdag_dim *sizes)
{
    const char *missing;
    for (uint32_t i = 0; i < s->n_bindings; i++)
        sizes[s->bindings[i].of] = s->bindings[i].symbol;
    tdagi_call_solve(g, w->method, s->inputs, w->pool, sizes);
    TDAGI_TRY(tdagi_call_take_names(w->ctx, g, w->method->pool, NULL, sizes, &missing));
    for (uint32_t i = 0; i < tdagi_pool_n_symbols(g->pool); i++) {
        int64_t sample;
        tdagi_pool_symbol(g->pool, i, &sample);
        sizes[i] = sizes[i] == TDAGI_DIM_BAD
                       ? sample
                       : tdagi_dim_substitute(w->pool, w->pool, sizes[i], w->now);
    }
    return tdagi_pool_report(w->ctx, w->pool);
}

/* While the graph runs: its own values, and those that are no arguments of it. */
static void note_peaks(tdagi_walk *w, const tdagi_statement *s, tdag_dim peak)
{
    tdag_dim others = tdagi_walk_held(w);
    for (uint32_t i = 0; i < s->n_inputs; i++)
        others = tdagi_dim_sub(w->pool, others, tdagi_walk_bytes(w, s->inputs[i]));
    uint32_t n = 1;
    const tdag_dim *sides = tdagi_dim_sides(w->pool, &peak, &n);
    for (uint32_t i = 0; i < n; i++)
        tdagi_peaks_note(w->pool, w->peaks, tdagi_dim_add(w->pool, others, sides[i]));
}

static void count_call(tdagi_walk *w, tdagi_count_row *row, const tdag_dim *sizes)
{
    const tdagi_prices *p = w->prices;
    const tdagi_statement *s = row->s;
    const tdagi_pool *from = p->pricers[s->target]->pool;
    const tdag_dim *counts = &p->counts[s->target * p->n_columns];
    for (uint32_t c = 0; c < p->n_columns; c++)
        row->counts[c] =
            tdagi_ratio_of(tdagi_dim_substitute(w->pool, from, counts[c], sizes));
    if (p->peaks == NULL) return;
    note_peaks(w, s, tdagi_dim_substitute(w->pool, from, p->peaks[s->target], sizes));
}

tdag_status tdagi_walk_call(tdagi_walk *w, const tdagi_statement *s,
                            tdagi_count_row *row)
{
    const tdag_graph *g = w->model->graphs[s->target].graph;
    const uint32_t n = tdagi_pool_n_symbols(g->pool);
    for (uint32_t i = 0; i < s->n_bindings; i++)
        TDAGI_TRY(tdagi_walk_bind(
            w, s->bindings[i].symbol, w->number[s->bindings[i].value.id],
            s->bindings[i].bound, TDAGI_SYMBOL_FOUND, row->number));
    tdag_dim *sizes = tdagi_arena_array(&w->arena, n + 1u, sizeof *sizes);
    if (sizes == NULL) return tdagi_nomem(w->ctx);
    for (uint32_t i = 0; i < n; i++)
        sizes[i] = TDAGI_DIM_BAD;
    TDAGI_TRY(find_sizes(w, s, g, sizes));
    count_call(w, row, sizes);
    const reading r = {w, g, s, sizes};
    for (uint32_t i = 0; i < s->n_results; i++)
        w->number[s->results[i].id] = read_number(&r, g->outputs[i], 0);
    return tdagi_pool_report(w->ctx, w->pool);
}
