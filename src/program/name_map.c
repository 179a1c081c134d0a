/* See name_map.h. */
#include "program/name_map.h"

#include <string.h>

#include "ir/names.h"

/* The slot of a name, or the free one where its search ends; there are slots. */
static tdagi_name_slot *slot_of(const tdagi_name_map *map, const char *name)
{
    uint32_t mask = map->capacity - 1, i = (uint32_t)tdagi_name_hash(name) & mask;
    while (map->slots[i].name != NULL && strcmp(map->slots[i].name, name) != 0)
        i = (i + 1) & mask;
    return &map->slots[i];
}

tdagi_name_slot *tdagi_name_map_find(const tdagi_name_map *map, const char *name)
{
    tdagi_name_slot *slot = map->capacity == 0 ? NULL : slot_of(map, name);
    return slot == NULL || slot->name == NULL ? NULL : slot;
}

uint32_t tdagi_name_map_get(const tdagi_name_map *map, const char *name)
{
    const tdagi_name_slot *slot = tdagi_name_map_find(map, name);
    return slot == NULL ? 0 : slot->value;
}

static tdag_status grow(tdag_ctx *ctx, tdagi_name_map *map)
{
    tdagi_name_map wider = {.n = map->n};
    wider.capacity = map->capacity == 0 ? 16 : map->capacity * 2;
    if (wider.capacity == 0) return tdagi_nomem(ctx);
    void *slots = NULL;
    TDAGI_TRY(tdagi_array_alloc(ctx, wider.capacity, sizeof *wider.slots, &slots));
    wider.slots = slots;
    for (uint32_t i = 0; i < map->capacity; i++)
        if (map->slots[i].name != NULL)
            *slot_of(&wider, map->slots[i].name) = map->slots[i];
    tdagi_name_map_free(ctx, map);
    *map = wider;
    return TDAG_OK;
}

tdag_status tdagi_name_map_put(tdag_ctx *ctx, tdagi_name_map *map, const char *name,
                               uint32_t value)
{
    if (map->n >= map->capacity / 4 * 3) TDAGI_TRY(grow(ctx, map));
    tdagi_name_slot *slot = slot_of(map, name);
    if (slot->name == NULL) {
        slot->name = name;
        map->n++;
    }
    slot->value = value;
    return TDAG_OK;
}

void tdagi_name_map_free(tdag_ctx *ctx, tdagi_name_map *map)
{
    tdagi_free(ctx, map->slots, map->capacity * sizeof *map->slots);
    memset(map, 0, sizeof *map);
}
