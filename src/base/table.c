/* See table.h: open addressing, at most half full. */
#include "base/table.h"

#include <string.h>

#include "base/bytes_hash.h"

typedef struct tdagi_table_slot {
    const void *key; /* NULL: free */
    size_t n;
    void *value;
} slot;

/* Seeded by where the slots are. */
static uint32_t hash(const tdagi_table *t, const void *key, size_t n)
{
    if (n > 0) return tdagi_hash(t->slots, key, n);
    return (uint32_t)((uint64_t)(uintptr_t)key * 0x9E3779B97F4A7C15U >> 32);
}

static bool is_key(const slot *s, const void *key, size_t n)
{
    return s->n == n && (s->key == key || (n > 0 && memcmp(s->key, key, n) == 0));
}

/* Where the key is, or the free slot where it would be. */
static slot *find(const tdagi_table *t, const void *key, size_t n)
{
    uint32_t i = hash(t, key, n) & (t->capacity - 1);
    while (t->slots[i].key != NULL && !is_key(&t->slots[i], key, n))
        i = (i + 1) & (t->capacity - 1);
    return &t->slots[i];
}

static bool grow(tdagi_arena *arena, tdagi_table *t)
{
    tdagi_table wider = {.n = t->n,
                         .capacity = t->capacity == 0 ? 16 : t->capacity * 4};
    wider.slots = tdagi_arena_array(arena, wider.capacity, sizeof(slot));
    if (wider.slots == NULL) return false;
    memset(wider.slots, 0, wider.capacity * sizeof(slot));
    for (uint32_t i = 0; i < t->capacity; i++)
        if (t->slots[i].key != NULL)
            *find(&wider, t->slots[i].key, t->slots[i].n) = t->slots[i];
    *t = wider;
    return true;
}

static void **at(tdagi_arena *arena, tdagi_table *t, const void *key, size_t n,
                 bool copies)
{
    if (2 * (t->n + 1) > t->capacity && !grow(arena, t)) return NULL;
    slot *s = find(t, key, n);
    if (s->key != NULL) return &s->value;
    void *kept = copies ? tdagi_arena_alloc(arena, n) : NULL;
    if (copies && kept == NULL) return NULL;
    *s = (slot){.key = copies ? memcpy(kept, key, n) : key, .n = n};
    t->n++;
    return &s->value;
}

void **tdagi_table_at(tdagi_arena *arena, tdagi_table *t, const void *key, size_t n)
{
    return at(arena, t, key, n, false);
}

void **tdagi_table_copy_at(tdagi_arena *arena, tdagi_table *t, const void *key,
                           size_t n)
{
    return at(arena, t, key, n, true);
}

void *tdagi_table_get(const tdagi_table *t, const void *key, size_t n)
{
    return t->capacity == 0 ? NULL : find(t, key, n)->value;
}
