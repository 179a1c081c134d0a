/* The counters of a graph as plain numbers, at the samples of its symbols. */
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
