/* What the graphs of a program become when it is simplified: all calls of a graph take
 * the same form. */
#ifndef TDAGI_PROGRAM_FORMS_H
#define TDAGI_PROGRAM_FORMS_H

#include <tdagger/simplify.h>

#include "transform/program/copy.h"
#include "transform/program/facts.h"

typedef struct tdagi_forms {
    tdagi_graph_form *forms; /* by number; graph NULL: nobody needs a call of it */
    tdag_graph **made;       /* by number: a reference; NULL: none */
    uint32_t n;
    char (*hashes)[65];
} tdagi_forms;

/* Outputs that no call needs and inputs that the graph does not are left out, inputs
 * that are the same constant in all calls are in the graph, and each graph is
 * simplified; equal graphs are one. `simple` are graphs that are already. Tables are of
 * the arena; to be freed, after a failure, too. */
tdag_status tdagi_find_forms(tdag_ctx *ctx, const tdag_model *model,
                             const tdagi_facts *facts,
                             const tdag_simplify_options *options,
                             const tdagi_forms *simple, tdagi_arena *arena,
                             tdagi_forms *out);
void tdagi_forms_free(tdagi_forms *f);

#endif
