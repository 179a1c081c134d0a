/* A bump allocator. Blocks double up to a limit, so that small graphs stay small and
 * large ones make few calls; a request larger than the next block gets a block of its
 * size. */
#include "base/arena.h"

#include <string.h>

#include "base/ctx.h"

#define FIRST_BLOCK   ((size_t)1 << 10)
#define LARGEST_BLOCK ((size_t)1 << 20)
#define ALIGNMENT     ((size_t)8)

struct tdagi_arena_block {
    struct tdagi_arena_block *next;
    size_t size; /* bytes after this header */
};

void tdagi_arena_init(tdagi_arena *arena, const tdag_allocator *allocator)
{
    *arena = (tdagi_arena){.allocator = *allocator};
}

void tdagi_arena_free(tdagi_arena *arena)
{
    struct tdagi_arena_block *b = arena->blocks;
    while (b != NULL) {
        struct tdagi_arena_block *next = b->next;
        tdagi_mem_free(&arena->allocator, b, sizeof *b + b->size);
        b = next;
    }
    arena->blocks = NULL;
    arena->used = 0;
    arena->total = 0;
}

void tdagi_arena_empty(tdagi_arena *arena)
{
    struct tdagi_arena_block *kept = arena->blocks;
    if (kept == NULL) return;
    arena->blocks = kept->next;
    tdagi_arena_free(arena);
    kept->next = NULL;
    arena->blocks = kept;
    arena->total = kept->size;
}

static void *new_block(tdagi_arena *arena, size_t size)
{
    size_t block_size = arena->blocks == NULL ? FIRST_BLOCK : arena->total;
    if (block_size > LARGEST_BLOCK) block_size = LARGEST_BLOCK;
    if (block_size < size) block_size = size;
    if (block_size > SIZE_MAX - sizeof(struct tdagi_arena_block)) return NULL;
    struct tdagi_arena_block *b =
        tdagi_mem_alloc(&arena->allocator, sizeof *b + block_size);
    if (b == NULL) return NULL;
    b->next = arena->blocks;
    b->size = block_size;
    arena->blocks = b;
    arena->used = size;
    arena->total += block_size;
    return b + 1;
}

void *tdagi_arena_alloc(tdagi_arena *arena, size_t size)
{
    if (size == 0) size = 1;
    if (size > SIZE_MAX - (ALIGNMENT - 1)) return NULL;
    size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    struct tdagi_arena_block *b = arena->blocks;
    if (b == NULL || b->size - arena->used < size) return new_block(arena, size);
    void *p = (unsigned char *)(b + 1) + arena->used;
    arena->used += size;
    return p;
}

void *tdagi_arena_array(tdagi_arena *arena, size_t n, size_t size)
{
    if (size != 0 && n > SIZE_MAX / size) return NULL;
    return tdagi_arena_alloc(arena, n * size);
}

char *tdagi_arena_strdup(tdagi_arena *arena, const char *text)
{
    size_t size = strlen(text) + 1;
    char *p = tdagi_arena_alloc(arena, size);
    if (p != NULL) memcpy(p, text, size);
    return p;
}
