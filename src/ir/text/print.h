/* Pieces of the text form, for texts that hold graphs. */
#ifndef TDAGI_TEXT_PRINT_H
#define TDAGI_TEXT_PRINT_H

#include "base/text.h"
#include "ir/graph.h"

/* In double quotes, with escapes. */
void tdagi_text_add_quoted(tdagi_text *to, const char *text);
/* Whether a name needs no quotes, but for what words mean. */
bool tdagi_text_is_plain_name(const char *name);
/* " [1, 2]"; nothing of more than 16 elements without TDAG_TEXT_FULL. */
void tdagi_text_add_elements(tdagi_text *to, const tdag_tensor *t, uint32_t flags);
/* What tdag_graph_print() writes after its first line. */
void tdagi_text_add_graph(tdagi_text *to, const tdag_graph *graph, uint32_t flags,
                          const char *indent);
/* E_ARG for flags that are none of TDAG_TEXT_*. */
tdag_status tdagi_text_check_flags(tdag_ctx *ctx, uint32_t flags);

#endif
