/* Tables of named things: hashes of strings that are kept in the arena, as the things
 * themselves are, so that pointers to them stay good while the tables grow. */
#include <string.h>

#include "base/bytes_hash.h"
#include "pt2/names.h"

static const char *name_of(const void *thing) { return *(const char *const *)thing; }

/* The place of the name, or the free one where it goes. */
static uint32_t place_of(void *const *things, uint32_t capacity, const char *name,
                         size_t n)
{
    uint32_t at = tdagi_hash(things, name, n) & (capacity - 1);
    while (things[at] != NULL && (strncmp(name_of(things[at]), name, n) != 0 ||
                                  name_of(things[at])[n] != '\0'))
        at = (at + 1) & (capacity - 1);
    return at;
}

static bool grow(tdagi_pt2_names *names)
{
    uint32_t wider = names->capacity == 0 ? 64 : 2 * names->capacity;
    void **things = tdagi_arena_array(names->arena, wider, sizeof(*things));
    if (things == NULL) return false;
    memset(things, 0, wider * sizeof(*things));
    for (uint32_t i = 0; i < names->capacity; i++) {
        void *thing = names->things[i];
        if (thing == NULL) continue;
        const char *name = name_of(thing);
        things[place_of(things, wider, name, strlen(name))] = thing;
    }
    names->things = things;
    names->capacity = wider;
    return true;
}

void *tdagi_pt2_intern(tdagi_pt2_names *names, const char *name, size_t n, size_t size)
{
    if (2 * (names->n + 1) > names->capacity && !grow(names)) return NULL;
    uint32_t at = place_of(names->things, names->capacity, name, n);
    if (names->things[at] != NULL) return names->things[at];
    void *thing = tdagi_arena_alloc(names->arena, size);
    char *copy = tdagi_arena_alloc(names->arena, n + 1);
    if (thing == NULL || copy == NULL) return NULL;
    memset(thing, 0, size);
    memcpy(copy, name, n);
    copy[n] = '\0';
    memcpy(thing, &copy, sizeof(copy));
    names->things[at] = thing;
    names->n++;
    return thing;
}

void *tdagi_pt2_find(const tdagi_pt2_names *names, const char *name)
{
    if (names->capacity == 0) return NULL;
    return names->things[place_of(names->things, names->capacity, name, strlen(name))];
}

void *tdagi_pt2_room(tdagi_arena *arena, void *items, uint32_t n, size_t size)
{
    bool is_full = (n & (n - 1)) == 0 && (n == 0 || n >= 4);
    if (!is_full) return items;
    void *wider = tdagi_arena_array(arena, n == 0 ? 4 : (size_t)2 * n, size);
    if (wider != NULL && n > 0) memcpy(wider, items, n * size);
    return wider;
}
