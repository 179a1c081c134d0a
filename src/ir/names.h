/* The names of a graph: an open-addressing hash table from name to value id. The table
 * stores ids; the strings are those of the nodes. */
#ifndef TDAGI_NAMES_H
#define TDAGI_NAMES_H

#include "ir/graph.h"

typedef struct tdagi_names {
    uint32_t *slots; /* value ids, 0 = free; a power of two many */
    uint32_t capacity;
    uint32_t n;
    uint32_t *tried; /* by slot: see below; NULL until it is worth it */
} tdagi_names;

/* The value named `name` explicitly, or 0. */
uint32_t tdagi_names_find(const tdag_graph *g, const char *name);
/* Makes room for one more; false when out of memory. */
bool tdagi_names_reserve(tdag_graph *g);
/* Enters nodes[id], whose name is set and not taken; room was reserved. */
void tdagi_names_insert(tdag_graph *g, uint32_t id);
void tdagi_names_free(tdag_graph *g);
/* Of names that many values would have, "name_1", "name_2", ... up to which suffix all
 * are taken, so that nobody tries them again; 0 where nothing was noted. Forgotten when
 * a value gives its name up. */
uint32_t tdagi_names_tried(const tdag_graph *g, const char *name);
void tdagi_names_set_tried(tdag_graph *g, const char *name, uint32_t suffix);
void tdagi_names_forget_tried(tdag_graph *g);
/* The hash of a string, also for scopes. */
uint64_t tdagi_name_hash(const char *name);
/* True for "v" followed by digits only; *id_out is the number. */
bool tdagi_name_is_automatic(const char *name, uint32_t *id_out);

#endif
