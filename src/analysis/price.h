/* Pricing: the kernels of a level, one after the other, each with its counts.
 *
 * A tdagi_pricer holds what pricing one graph needs: a pool to make counts in (counts
 * are dims, so a symbolic graph has formulas for free) and, for the levels above core,
 * the raised kernels. tdagi_price() walks one level in topological order and shows a
 * visitor every kernel that counts: no leaf, no free view, nothing that no output
 * needs. */
#ifndef TDAGI_PRICE_H
#define TDAGI_PRICE_H

#include <tdagger/count.h>

#include "analysis/kinds.h"

typedef struct tdagi_pricer {
    tdag_ctx *ctx;
    const tdag_graph *graph; /* lent */
    tdagi_pool *pool;        /* every dim of graph, raised and the counts */
    tdagi_pool *own_pool;    /* pool, when it is ours to free */
    tdagi_raised *raised;    /* NULL: only the core level can be priced */
    unsigned char *is_size;  /* by value id: of a size as data, which costs nothing */
    bool is_row; /* puts its second input among the rows of its first: all that is
                    counted, at every level, is that row, read and written */
    /* by kernel index, 1..raised->n */
    uint32_t *base;      /* the kernel whose memory it looks at: itself, or a view's */
    tdag_dim *footprint; /* elements of that memory that it shows, each counted once */
} tdagi_pricer;

/* One kernel as counted. The pointers live until the visitor returns. */
typedef struct tdagi_unit {
    const char *op;
    tdag_value value; /* that it computes; id 0 = none of the graph's */
    uint32_t scope;   /* index into graph->scopes */
    tdag_dtype dtype;
    uint32_t rank;
    const tdag_dim *shape;
    bool is_opaque; /* cost is all zeroes, and stands for nothing */
    tdagi_cost cost;
} tdagi_unit;

typedef tdag_status (*tdagi_unit_visit)(void *user, const tdagi_unit *unit);

/* The highest level that will be priced decides what is prepared. */
tdag_status tdagi_pricer_create(tdag_ctx *ctx, const tdag_graph *graph,
                                tdag_level level, tdagi_pricer **out);
void tdagi_pricer_free(tdagi_pricer *pricer);
tdag_status tdagi_price(tdagi_pricer *pricer, tdag_level level, tdagi_unit_visit visit,
                        void *user);

/* ---- parts, for the files of this folder ---- */
/* The cost of one core node of the graph at the core level. */
void tdagi_price_node(tdagi_pricer *pricer, tdag_value value, tdagi_cost *out);
/* The cost of kernel k at the kernel level, and the unit around it. */
void tdagi_price_kernel(tdagi_pricer *pricer, uint32_t k, tdagi_cost *out);
void tdagi_unit_of_kernel(const tdagi_pricer *pricer, uint32_t k, tdagi_unit *out);
tdag_status tdagi_price_fused(tdagi_pricer *pricer, tdagi_unit_visit visit, void *user);
/* Multiply-adds of a cosine similarity: its sum of products is one that PyTorch
 * performs as such, between norms. */
tdag_dim tdagi_cosine_macs(tdagi_pricer *pricer, const tdagi_kernel *kernel);
/* Multiply-adds of a contraction, and the elements of its bias's addition (0 without).
 */
void tdagi_contraction_work(tdagi_pricer *pricer, const tdagi_kernel *kernel,
                            tdag_dim *macs_out, tdag_dim *bias_out);
/* FLOPs of what an attention covers beside its two contractions. */
tdag_dim tdagi_attention_rest(tdagi_pricer *pricer, const tdagi_kernel *kernel);

/* ---- sums ---- */
#define TDAGI_N_COUNTS 6 /* flops, macs, reads, writes, read bytes, write bytes */
typedef struct tdagi_sum {
    int64_t nodes;
    int64_t unpriced;
    int64_t numbers[TDAGI_N_COUNTS];   /* the part without symbols */
    tdag_dim formulas[TDAGI_N_COUNTS]; /* the part with symbols */
} tdagi_sum;

/* Errors: E_OVERFLOW. What overflows in the pool is reported by tdagi_pool_report(). */
tdag_status tdagi_sum_add(tdagi_pricer *pricer, tdagi_sum *sum, const tdagi_unit *unit);
tdag_status tdagi_sum_merge(tdagi_pricer *pricer, tdagi_sum *sum,
                            const tdagi_sum *more);
/* The six counts as dims. */
tdag_status tdagi_sum_finish(tdagi_pricer *pricer, const tdagi_sum *sum,
                             tdag_dim out[TDAGI_N_COUNTS]);
/* One level's total. */
tdag_status tdagi_sum_level(tdagi_pricer *pricer, tdag_level level, tdagi_sum *out);
/* a + b of numbers >= 0. Errors: E_OVERFLOW, naming what is counted. */
tdag_status tdagi_count_add(tdag_ctx *ctx, int64_t *a, int64_t b, const char *what);

/* ---- memory held ---- */
typedef struct tdagi_leaf_memory {
    int64_t parameters, buffers, constants; /* elements */
    int64_t parameter_bytes, buffer_bytes, constant_bytes;
    int64_t total_bytes; /* the sum of those, and of state_bytes */
    int64_t state_bytes; /* of a program: initial sizes */
    uint32_t n_states;
} tdagi_leaf_memory;
/* Called for each tensor leaf, n_elements = 0 when its memory was counted before. */
typedef tdag_status (*tdagi_leaf_visit)(void *user, const tdag_graph *graph,
                                        tdag_value leaf, int64_t n_elements);
/* Of graphs together; visit may be NULL. */
tdag_status tdagi_leaf_memory_of(tdag_ctx *ctx, const tdag_graph *const *graphs,
                                 uint32_t n_graphs, tdagi_leaf_memory *out,
                                 tdagi_leaf_visit visit, void *user);
/* A dim of pricer->pool; the level must be above core. */
tdag_status tdagi_peak_of(tdagi_pricer *pricer, tdag_dim *out);
/* What steps hold, none of which is at least as large as another for all symbols. Where
 * there are too many, the smallest at the samples is given up. */
#define TDAGI_MAX_PEAKS 64
typedef struct tdagi_peaks {
    tdag_dim v[TDAGI_MAX_PEAKS];
    uint32_t n;
} tdagi_peaks;
void tdagi_peaks_note(tdagi_pool *pool, tdagi_peaks *peaks, tdag_dim bytes);

#endif
