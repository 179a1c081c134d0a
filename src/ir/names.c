/* See names.h. Entries are never removed one by one: renaming a value leaves its old
 * slot pointing at it, and lookups compare with the name the node has now. */
#include "ir/names.h"

#include <string.h>

uint64_t tdagi_name_hash(const char *s)
{
    uint64_t h = 1469598103934665603u;
    for (; *s != '\0'; s++)
        h = (h ^ (unsigned char)*s) * 1099511628211u;
    return h ^ (h >> 32);
}

/* The slot of a name, or the empty one where its search ends; there is a table. */
static uint32_t slot_of(const tdag_graph *g, const char *name)
{
    const tdagi_names *t = g->names;
    uint32_t mask = t->capacity - 1, i = (uint32_t)tdagi_name_hash(name) & mask;
    for (; t->slots[i] != 0; i = (i + 1) & mask) {
        const char *other = g->nodes[t->slots[i]].name;
        if (other != NULL && strcmp(other, name) == 0) break;
    }
    return i;
}

uint32_t tdagi_names_find(const tdag_graph *g, const char *name)
{
    const tdagi_names *t = g->names;
    return t == NULL || t->capacity == 0 ? 0 : t->slots[slot_of(g, name)];
}

/* ---- suffixes ---- */

uint32_t tdagi_names_tried(const tdag_graph *g, const char *name)
{
    const tdagi_names *t = g->names;
    if (t == NULL || t->tried == NULL) return 0;
    const uint32_t slot = slot_of(g, name);
    return t->slots[slot] == 0 ? 0 : t->tried[slot];
}

void tdagi_names_set_tried(tdag_graph *g, const char *name, uint32_t suffix)
{
    tdagi_names *t = g->names;
    if (t == NULL || t->capacity == 0) return;
    const size_t size = t->capacity * sizeof(uint32_t);
    if (t->tried == NULL) {
        t->tried = tdagi_mem_alloc(&g->allocator, size);
        if (t->tried == NULL) return; /* slower, not wrong */
        memset(t->tried, 0, size);
    }
    t->tried[slot_of(g, name)] = suffix;
}

void tdagi_names_forget_tried(tdag_graph *g)
{
    tdagi_names *t = g->names;
    if (t == NULL || t->tried == NULL) return;
    tdagi_mem_free(&g->allocator, t->tried, t->capacity * sizeof(uint32_t));
    t->tried = NULL;
}

/* ---- the table ---- */

static void place(const tdag_graph *g, uint32_t *slots, uint32_t capacity, uint32_t id)
{
    uint32_t mask = capacity - 1;
    uint32_t i = (uint32_t)tdagi_name_hash(g->nodes[id].name) & mask;
    while (slots[i] != 0)
        i = (i + 1) & mask;
    slots[i] = id;
}

bool tdagi_names_reserve(tdag_graph *g)
{
    if (g->names == NULL) {
        g->names = tdagi_mem_alloc(&g->allocator, sizeof(tdagi_names));
        if (g->names == NULL) return false;
        memset(g->names, 0, sizeof(*g->names));
    }
    tdagi_names *t = g->names;
    if ((t->n + 1) * 2 <= t->capacity) return true;
    if (t->capacity > UINT32_MAX / 4) return false;
    uint32_t capacity = t->capacity == 0 ? 64 : t->capacity * 2;
    uint32_t *slots = tdagi_mem_alloc(&g->allocator, capacity * sizeof(uint32_t));
    if (slots == NULL) return false;
    memset(slots, 0, capacity * sizeof(uint32_t));
    tdagi_names_forget_tried(g);
    t->n = 0;
    for (uint32_t id = 1; id <= g->n; id++)
        if (g->nodes[id].name != NULL) {
            place(g, slots, capacity, id);
            t->n++;
        }
    if (t->slots != NULL)
        tdagi_mem_free(&g->allocator, t->slots, t->capacity * sizeof(uint32_t));
    t->slots = slots;
    t->capacity = capacity;
    return true;
}

void tdagi_names_insert(tdag_graph *g, uint32_t id)
{
    place(g, g->names->slots, g->names->capacity, id);
    g->names->n++;
}

void tdagi_names_free(tdag_graph *g)
{
    if (g->names == NULL) return;
    tdagi_names_forget_tried(g);
    if (g->names->slots != NULL)
        tdagi_mem_free(&g->allocator, g->names->slots,
                       g->names->capacity * sizeof(uint32_t));
    tdagi_mem_free(&g->allocator, g->names, sizeof(tdagi_names));
    g->names = NULL;
}

bool tdagi_name_is_automatic(const char *name, uint32_t *id_out)
{
    if (name[0] != 'v' || name[1] == '\0') return false;
    uint64_t id = 0;
    for (const char *s = name + 1; *s != '\0'; s++) {
        if (*s < '0' || *s > '9') return false;
        if (id <= UINT32_MAX) id = id * 10 + (uint64_t)(*s - '0');
    }
    *id_out = id <= UINT32_MAX ? (uint32_t)id : 0;
    return true;
}
