/* A bump allocator: many small blocks, freed at once. Never zeroes. */
#ifndef TDAGI_ARENA_H
#define TDAGI_ARENA_H

#include <tdagger/status.h>

typedef struct tdagi_arena {
    tdag_allocator allocator;
    struct tdagi_arena_block *blocks; /* newest first */
    size_t used;                      /* bytes of the newest block */
    size_t total;                     /* bytes of all blocks */
} tdagi_arena;

void tdagi_arena_init(tdagi_arena *arena, const tdag_allocator *allocator);
void tdagi_arena_free(tdagi_arena *arena); /* leaves it empty and usable */
/* The same, but the newest block is kept for what comes next. */
void tdagi_arena_empty(tdagi_arena *arena);
/* NULL when out of memory. Aligned to 8 bytes. */
void *tdagi_arena_alloc(tdagi_arena *arena, size_t size);
void *tdagi_arena_array(tdagi_arena *arena, size_t n, size_t size); /* overflow: NULL */
char *tdagi_arena_strdup(tdagi_arena *arena, const char *text);

#endif
