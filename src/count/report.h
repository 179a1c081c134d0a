/* Shared by the files that tell what a model counts. */
#ifndef TDAGI_COUNT_REPORT_H
#define TDAGI_COUNT_REPORT_H

#include "analysis/report.h"
#include "count/walk.h"

/* Weights of all graphs once, and the states. */
tdag_status tdagi_count_memory(tdag_ctx *ctx, const tdag_model *model,
                               tdagi_leaf_memory *out, tdagi_leaf_visit visit,
                               void *user);
/* Sizes that a caller gives; close them whatever comes back. */
tdag_status tdagi_count_open_at(tdag_ctx *ctx, const char *const *texts, uint32_t n,
                                tdagi_count_at *out);
void tdagi_count_close_at(tdag_ctx *ctx, tdagi_count_at *at);
/* Fails where one was not used. */
tdag_status tdagi_count_check_at(tdag_ctx *ctx, const tdagi_count_at *at);

/* tdag_info_json() of a program; the options have a level and known flags. */
tdag_status tdagi_info_program(tdag_ctx *ctx, const tdag_model *model,
                               const tdag_info_options *options, char **out);

typedef struct tdagi_program_report {
    tdag_ctx *ctx;
    const tdag_model *model;
    const tdag_info_options *options;
    tdagi_prices prices;
    tdagi_count_at at;
    tdagi_writer json;
    struct tdagi_groups *groups;
} tdagi_program_report;

/* The keys of C into an object that is open: of one group's prices, and of one group's
 * columns of a walk. */
void tdagi_write_counts(tdagi_program_report *r, tdagi_pool *pool,
                        const tdag_dim *counts);
void tdagi_write_columns(tdagi_program_report *r, tdagi_pool *pool,
                         const tdagi_ratio *columns);
/* Kernels of all graphs by operator and module, priced once. NULL is fine to free. */
tdag_status tdagi_groups_make(tdagi_program_report *r);
void tdagi_groups_free(tdagi_program_report *r);
/* by_graph, by_op, by_module of a method. */
tdag_status tdagi_write_groups(tdagi_program_report *r, const tdagi_method *m);

#endif
