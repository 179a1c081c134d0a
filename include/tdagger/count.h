/* Counters: FLOPs, multiply-adds, memory traffic, memory held. Definitions:
 * docs/counters.md. */
#ifndef TDAGGER_COUNT_H
#define TDAGGER_COUNT_H

#include <tdagger/model.h>

TDAG_BEGIN_DECLS

typedef enum tdag_level {
    TDAG_LEVEL_CORE = 1, /* every core op is a kernel */
    TDAG_LEVEL_KERNEL =
        2, /* the composites are the kernels, as an eager framework runs */
    TDAG_LEVEL_FUSED = 3, /* element-wise chains merged, also into a reduction */
} tdag_level;

/* A multiply-add is 2 flops and 1 mac. Reads and writes count elements. */
typedef struct tdag_counts {
    int64_t nodes; /* kernels of the level, leaves not counted */
    int64_t flops;
    int64_t macs;
    int64_t memory_reads;
    int64_t memory_writes;
    int64_t read_bytes;
    int64_t write_bytes;
    int64_t unpriced; /* opaque nodes, which the numbers above leave out */
} tdag_counts;

/* Totals of a graph at the samples of its symbols. Errors: E_OVERFLOW, E_NOMEM. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_count(tdag_ctx *ctx, const tdag_graph *graph,
                                                tdag_level level, tdag_counts *out);

/* One figure of a model's graph. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_total_flops(tdag_ctx *ctx,
                                                      const tdag_model *model,
                                                      tdag_level level, int64_t *out);
TDAG_API TDAG_MUST_CHECK tdag_status tdag_total_memory_reads(tdag_ctx *ctx,
                                                             const tdag_model *model,
                                                             tdag_level level,
                                                             int64_t *out);
TDAG_API TDAG_MUST_CHECK tdag_status tdag_total_memory_writes(tdag_ctx *ctx,
                                                              const tdag_model *model,
                                                              tdag_level level,
                                                              int64_t *out);
/* Bytes of parameters + buffers + constants; memory shared by several counts once. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_total_bytes(tdag_ctx *ctx,
                                                      const tdag_model *model,
                                                      int64_t *out);
/* The largest sum of bytes of live non-leaf values at the kernel level, in node order;
 * inputs and outputs are alive throughout. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_peak_bytes(tdag_ctx *ctx,
                                                     const tdag_model *model,
                                                     int64_t *out);

/* The report `tdag info --json` prints (format tdag-info/1), as text to be freed with
 * tdag_text_free(). */
typedef struct tdag_info_options {
    size_t size;            /* set by tdag_info_options_init() */
    tdag_level level;       /* of by_op, by_module, by_node; 0 = kernel */
    const char *model_name; /* NULL = "" */
    uint32_t flags;         /* TDAG_INFO_* */
} tdag_info_options;
enum {
    TDAG_INFO_BY_NODE = 1,
    TDAG_INFO_HASH = 2,         /* "hash" of the graph and of each module */
    TDAG_INFO_CONTENT_HASH = 4, /* "content_hash" of the graph; reads all weights */
};
TDAG_OPTIONS_INIT(tdag_info_options)
TDAG_API TDAG_MUST_CHECK tdag_status tdag_info_json(tdag_ctx *ctx,
                                                    const tdag_model *model,
                                                    const tdag_info_options *options,
                                                    char **out);

TDAG_END_DECLS

#endif
