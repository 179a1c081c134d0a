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

/* ---- methods ----
 * What one call of a method counts (docs/counters.md#programs). A number is the value
 * of a formula over the sizes of the inputs, those that only a run can tell, and how
 * often each loop runs, trip_loop1, trip_loop2, ... in the order of the text. */
typedef struct tdag_count_options {
    size_t size;        /* set by tdag_count_options_init() */
    const char *method; /* NULL: forward, or the first one */
    tdag_level level;   /* 0 = kernel */
    uint32_t n_at;
    const char *const *at; /* "N=8", "trip_loop1=20": what formulas are taken at. Other
                              symbols are at their samples, loops run once */
} tdag_count_options;
TDAG_OPTIONS_INIT(tdag_count_options)

/* Numbers are ABI: append only. */
typedef enum tdag_counter {
    TDAG_COUNTER_NODES = 0,
    TDAG_COUNTER_FLOPS = 1,
    TDAG_COUNTER_MACS = 2,
    TDAG_COUNTER_MEMORY_READS = 3,
    TDAG_COUNTER_MEMORY_WRITES = 4,
    TDAG_COUNTER_READ_BYTES = 5,
    TDAG_COUNTER_WRITE_BYTES = 6,
    TDAG_COUNTER_UNPRICED = 7,
    TDAG_COUNTER_PEAK_BYTES = 8, /* of values, as tdag_peak_bytes(); at no level */
} tdag_counter;

/* options may be NULL. Errors: E_ARG (no such method or symbol, a text that gives no
 * size), E_FORMAT, E_OVERFLOW, E_LIMIT, E_NOMEM. */
TDAG_API TDAG_MUST_CHECK tdag_status
tdag_count_method(tdag_ctx *ctx, const tdag_model *model,
                  const tdag_count_options *options, tdag_counts *out);
/* One of them as a formula over what `at` leaves open, "64*N*trip_loop1+8"; freed with
 * tdag_text_free(). */
TDAG_API TDAG_MUST_CHECK tdag_status
tdag_count_formula(tdag_ctx *ctx, const tdag_model *model,
                   const tdag_count_options *options, tdag_counter counter, char **out);

/* One figure of a model: of its graph, or of its method forward (or the first). */
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
/* Bytes of parameters + buffers + constants of all graphs; memory shared by several
 * counts once; and of states, as large as they are at first. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_total_bytes(tdag_ctx *ctx,
                                                      const tdag_model *model,
                                                      int64_t *out);
/* The largest sum of bytes of live non-leaf values at the kernel level, in node order;
 * inputs and outputs are alive throughout. Of a program: of the values that live across
 * a statement, and within it. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_peak_bytes(tdag_ctx *ctx,
                                                     const tdag_model *model,
                                                     int64_t *out);

/* The report `tdag info --json` prints (format tdag-info/1; of a model that is more
 * than one graph tdag-info/2), as text to be freed with tdag_text_free(). */
typedef struct tdag_info_options {
    size_t size;            /* set by tdag_info_options_init() */
    tdag_level level;       /* of by_op, by_module, by_node; 0 = kernel */
    const char *model_name; /* NULL = "" */
    uint32_t flags;         /* TDAG_INFO_* */
    uint32_t n_at;          /* of a program: as in tdag_count_options */
    const char *const *at;
    const char *method; /* of a program: that one alone; NULL = all */
} tdag_info_options;
enum {
    TDAG_INFO_BY_NODE = 1,      /* not of programs */
    TDAG_INFO_HASH = 2,         /* "hash" of the graph and of each module with nodes */
    TDAG_INFO_CONTENT_HASH = 4, /* "content_hash" of the graph; reads all weights */
};
TDAG_OPTIONS_INIT(tdag_info_options)
TDAG_API TDAG_MUST_CHECK tdag_status tdag_info_json(tdag_ctx *ctx,
                                                    const tdag_model *model,
                                                    const tdag_info_options *options,
                                                    char **out);

TDAG_END_DECLS

#endif
