/* Parts of what is told about a model: sizes that are given, what it holds, counts. */
#include "count/report.h"

/* ---- sizes ---- */

tdag_status tdagi_count_check_at(tdag_ctx *ctx, const tdagi_count_at *at)
{
    for (uint32_t i = 0; i < at->n; i++)
        if (!at->used[i])
            return tdagi_fail(ctx, TDAG_E_ARG,
                              "\"%.80s\" gives no symbol of the model a size",
                              at->texts[i]);
    return TDAG_OK;
}

tdag_status tdagi_count_open_at(tdag_ctx *ctx, const char *const *texts, uint32_t n,
                                tdagi_count_at *out)
{
    void *used = NULL;
    *out = (tdagi_count_at){texts, n, NULL};
    if (n > 0) TDAGI_TRY(tdagi_need(ctx, texts, "at"));
    for (uint32_t i = 0; i < n; i++)
        TDAGI_TRY(tdagi_need(ctx, texts[i], "at"));
    TDAGI_TRY(tdagi_alloc(ctx, n + 1u, &used));
    out->used = used;
    return TDAG_OK;
}

void tdagi_count_close_at(tdag_ctx *ctx, tdagi_count_at *at)
{
    if (at->used != NULL) tdagi_free(ctx, at->used, at->n + 1u);
}

/* ---- what is held ---- */

tdag_status tdagi_count_memory(tdag_ctx *ctx, const tdag_model *model,
                               tdagi_leaf_memory *out, tdagi_leaf_visit visit,
                               void *user)
{
    void *block = NULL;
    size_t n = model->n_graphs;
    TDAGI_TRY(tdagi_array_alloc(ctx, n, sizeof(tdag_graph *), &block));
    const tdag_graph **graphs = block;
    for (size_t i = 0; i < n; i++)
        graphs[i] = model->graphs[i].graph;
    tdag_status st =
        tdagi_leaf_memory_of(ctx, graphs, model->n_graphs, out, visit, user);
    tdagi_free(ctx, block, n * sizeof(tdag_graph *));
    TDAGI_TRY(st);
    out->n_states = model->n_states;
    for (uint32_t i = 0; i < model->n_states; i++) {
        int64_t bytes = (int64_t)tdag_tensor_get_size(model->states[i].initial);
        TDAGI_TRY(tdagi_count_add(ctx, &out->state_bytes, bytes, "bytes"));
        TDAGI_TRY(tdagi_count_add(ctx, &out->total_bytes, bytes, "bytes"));
    }
    return TDAG_OK;
}

/* ---- counts ---- */

void tdagi_write_counts(tdagi_program_report *r, tdagi_pool *pool,
                        const tdag_dim *counts)
{
    tdagi_write_count(&r->json, "nodes", pool, counts[0]);
    for (int i = 0; i < TDAGI_N_COUNTS; i++)
        tdagi_write_count(&r->json, tdagi_count_keys[i], pool, counts[1 + i]);
    if (counts[TDAGI_N_COLUMNS - 1] != 0)
        tdagi_write_count(&r->json, "unpriced", pool, counts[TDAGI_N_COLUMNS - 1]);
}

void tdagi_write_columns(tdagi_program_report *r, tdagi_pool *pool,
                         const tdagi_ratio *from)
{
    tdag_dim counts[TDAGI_N_COLUMNS];
    for (int i = 0; i < TDAGI_N_COLUMNS; i++)
        counts[i] = tdagi_ratio_dim(pool, from[i]);
    tdagi_write_counts(r, pool, counts);
}
