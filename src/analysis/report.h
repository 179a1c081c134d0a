/* Parts of the report that graphs and programs have in common. */
#ifndef TDAGI_REPORT_H
#define TDAGI_REPORT_H

#include "analysis/json_write.h"
#include "analysis/price.h"

extern const char *const tdagi_count_keys[TDAGI_N_COUNTS];

/* The report of a graph; the options have a level and known flags. */
tdag_status tdagi_info_graph(tdag_ctx *ctx, const tdag_graph *graph,
                             const tdag_info_options *options, char **out);
/* The keys of what is held, into an object that is open. */
void tdagi_write_memory(tdagi_writer *json, const tdagi_leaf_memory *memory);

#endif
