/* The public counters: totals as plain numbers, at the samples of the symbols. */
#include "analysis/price.h"

static tdag_status fill_counts(tdagi_pricer *p, const tdagi_sum *sum, tdag_counts *out)
{
    tdag_dim counts[TDAGI_N_COUNTS];
    TDAGI_TRY(tdagi_sum_finish(p, sum, counts));
    int64_t n[TDAGI_N_COUNTS];
    for (int i = 0; i < TDAGI_N_COUNTS; i++)
        n[i] = tdagi_dim_sample(p->pool, counts[i]);
    *out = (tdag_counts){.nodes = sum->nodes,
                         .flops = n[0],
                         .macs = n[1],
                         .memory_reads = n[2],
                         .memory_writes = n[3],
                         .read_bytes = n[4],
                         .write_bytes = n[5],
                         .unpriced = sum->unpriced};
    return TDAG_OK;
}

tdag_status tdag_count(tdag_ctx *ctx, const tdag_graph *graph, tdag_level level,
                       tdag_counts *out)
{
    TDAGI_TRY(tdagi_need(ctx, graph, "graph"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    tdagi_pricer *p = NULL;
    TDAGI_TRY(tdagi_pricer_create(ctx, graph, level, &p));
    tdagi_sum sum;
    tdag_status status = tdagi_sum_level(p, level, &sum);
    if (status == TDAG_OK) status = fill_counts(p, &sum, out);
    tdagi_pricer_free(p);
    return status;
}

static tdag_status count_model(tdag_ctx *ctx, const tdag_model *model, tdag_level level,
                               const int64_t *out, tdag_counts *counts)
{
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    const tdag_graph *graph = NULL;
    TDAGI_TRY(tdagi_counted_graph(ctx, model, &graph));
    return tdag_count(ctx, graph, level, counts);
}

tdag_status tdag_total_flops(tdag_ctx *ctx, const tdag_model *model, tdag_level level,
                             int64_t *out)
{
    tdag_counts counts;
    TDAGI_TRY(count_model(ctx, model, level, out, &counts));
    *out = counts.flops;
    return TDAG_OK;
}

tdag_status tdag_total_memory_reads(tdag_ctx *ctx, const tdag_model *model,
                                    tdag_level level, int64_t *out)
{
    tdag_counts counts;
    TDAGI_TRY(count_model(ctx, model, level, out, &counts));
    *out = counts.memory_reads;
    return TDAG_OK;
}

tdag_status tdag_total_memory_writes(tdag_ctx *ctx, const tdag_model *model,
                                     tdag_level level, int64_t *out)
{
    tdag_counts counts;
    TDAGI_TRY(count_model(ctx, model, level, out, &counts));
    *out = counts.memory_writes;
    return TDAG_OK;
}

tdag_status tdag_total_bytes(tdag_ctx *ctx, const tdag_model *model, int64_t *out)
{
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    const tdag_graph *graph = NULL;
    tdagi_leaf_memory memory;
    TDAGI_TRY(tdagi_counted_graph(ctx, model, &graph));
    TDAGI_TRY(tdagi_leaf_memory_of(ctx, graph, &memory, NULL, NULL));
    int64_t bytes = memory.parameter_bytes;
    TDAGI_TRY(tdagi_count_add(ctx, &bytes, memory.buffer_bytes, "bytes"));
    TDAGI_TRY(tdagi_count_add(ctx, &bytes, memory.constant_bytes, "bytes"));
    *out = bytes;
    return TDAG_OK;
}

tdag_status tdag_peak_bytes(tdag_ctx *ctx, const tdag_model *model, int64_t *out)
{
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    const tdag_graph *graph = NULL;
    tdagi_pricer *p = NULL;
    TDAGI_TRY(tdagi_counted_graph(ctx, model, &graph));
    TDAGI_TRY(tdagi_pricer_create(ctx, graph, TDAG_LEVEL_KERNEL, &p));
    tdag_dim peak;
    tdag_status status = tdagi_peak_of(p, &peak);
    if (status == TDAG_OK) *out = tdagi_dim_sample(p->pool, peak);
    tdagi_pricer_free(p);
    return status;
}
