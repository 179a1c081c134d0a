/* Copying nodes of a finished graph into a builder: what every transform from graph to
 * graph is made of. The transform decides per node whether to copy it, to map it to
 * another value, or to leave it out. */
#ifndef TDAGI_GRAFT_H
#define TDAGI_GRAFT_H

#include "ir/graph.h"

typedef struct tdagi_graft {
    tdag_builder *b;     /* borrowed */
    const tdag_graph *g; /* borrowed */
    tdag_value *new_of;  /* by old id; TDAG_NO_VALUE: not there yet */
    /* One dim of the builder's pool per symbol of g's; NULL: the builder's pool is a
     * clone of g's, dims stay as they are. Borrowed. */
    const tdag_dim *replacements;
    const char *prefix;  /* put before scopes and names with a dot; NULL: nothing */
    tdag_value *scratch; /* inputs of one node */
    uint32_t most;       /* room in scratch */
    tdagi_arena specs;   /* specs and names, only until they are copied */
} tdagi_graft;

/* Nothing is mapped yet, no prefix. Errors: E_NOMEM, and then there is nothing to free.
 */
tdag_status tdagi_graft_init(tdagi_graft *t, tdag_builder *b, const tdag_graph *g,
                             const tdag_dim *replacements);
void tdagi_graft_free(tdagi_graft *t);

/* A dim of g in the builder's pool. */
tdag_dim tdagi_graft_dim(tdagi_graft *t, tdag_dim d);
/* A spec of g's with its dims in the builder's pool; lives until the graft is freed.
 * NULL where the op has none and when out of memory, which sticks in the builder. */
const void *tdagi_graft_spec(tdagi_graft *t, const tdagi_node *n);
/* A scope or name of g's behind the prefix; NULL stays NULL, "" is the prefix alone. */
const char *tdagi_graft_text(tdagi_graft *t, const char *text);
/* Adds node `id` with its scope and name, all of whose inputs are mapped, and maps it.
 * An input node becomes an input. */
tdag_value tdagi_graft_node(tdagi_graft *t, uint32_t id);
/* Adds an input with the name, scope, dtype and shape of value `id`, and maps it. */
tdag_value tdagi_graft_as_input(tdagi_graft *t, uint32_t id);

/* live[id] = 1 for each value that a marked one needs, marked ones included. */
void tdagi_mark_ancestors(const tdag_graph *g, unsigned char *live);
/* live[id] = 1 for each value that an output needs. */
void tdagi_mark_live(const tdag_graph *g, unsigned char *live);
/* Adds the nodes whose live[id] is set (NULL: all) and all inputs, but for those that
 * are mapped already. */
void tdagi_graft_nodes(tdagi_graft *t, const unsigned char *live);
/* The same, then the outputs, and finishes the builder. */
tdag_status tdagi_graft_all(tdagi_graft *t, const unsigned char *live,
                            tdag_graph **out);

#endif
