/* A hash table in an arena: keys are bytes, or addresses where their length is 0. */
#ifndef TDAGI_TABLE_H
#define TDAGI_TABLE_H

#include "base/arena.h"

typedef struct tdagi_table {
    struct tdagi_table_slot *slots;
    uint32_t n, capacity; /* a power of two */
} tdagi_table;

/* The place of a key's value, which is NULL where the key is new; the key is not
 * copied. Valid until the next call; NULL when out of memory. */
void **tdagi_table_at(tdagi_arena *arena, tdagi_table *t, const void *key, size_t n);
/* The same of bytes, of which a new key gets a copy. */
void **tdagi_table_copy_at(tdagi_arena *arena, tdagi_table *t, const void *key,
                           size_t n);
/* The value, or NULL. */
void *tdagi_table_get(const tdagi_table *t, const void *key, size_t n);

#endif
