/* Tables of named things: what a program calls its values, operators, symbols. */
#ifndef TDAGI_PT2_NAMES_H
#define TDAGI_PT2_NAMES_H

#include <stdbool.h>

#include "base/arena.h"

/* Things with a name, by their name: the first member of each is its name. */
typedef struct tdagi_pt2_names {
    tdagi_arena *arena;
    void **things; /* open addressing */
    uint32_t n, capacity;
} tdagi_pt2_names;

/* The thing of that name, made of `size` zeroes where there is none yet. NULL when out
 * of memory. */
void *tdagi_pt2_intern(tdagi_pt2_names *names, const char *name, size_t n, size_t size);
/* NULL: there is none. */
void *tdagi_pt2_find(const tdagi_pt2_names *names, const char *name);
/* An array of n items with room for one more, moved in the arena as it grows. NULL when
 * out of memory. */
void *tdagi_pt2_room(tdagi_arena *arena, void *items, uint32_t n, size_t size);

#endif
