/* Names to numbers. Names are borrowed; a name that is taken out keeps its slot, so
 * that scopes can come and go. */
#ifndef TDAGI_NAME_MAP_H
#define TDAGI_NAME_MAP_H

#include "base/ctx.h"

typedef struct tdagi_name_slot {
    const char *name; /* NULL: the slot is free */
    uint32_t value;   /* 0: the name is not there now */
    uint32_t tried;   /* suffixes up to this one are taken, for who looks for one */
} tdagi_name_slot;

typedef struct tdagi_name_map {
    tdagi_name_slot *slots; /* open addressing */
    uint32_t capacity;      /* a power of two, or 0 */
    uint32_t n;             /* names that ever were there */
} tdagi_name_map;

/* The slot of a name that is or was there, or NULL. */
tdagi_name_slot *tdagi_name_map_find(const tdagi_name_map *map, const char *name);
/* The value of a name; 0: it is not there. */
uint32_t tdagi_name_map_get(const tdagi_name_map *map, const char *name);
tdag_status tdagi_name_map_put(tdag_ctx *ctx, tdagi_name_map *map, const char *name,
                               uint32_t value);
void tdagi_name_map_free(tdag_ctx *ctx, tdagi_name_map *map); /* leaves it empty */

#endif
