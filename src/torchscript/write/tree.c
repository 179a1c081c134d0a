/* See tree.h. */
#include "torchscript/write/tree.h"

#include <string.h>

void tdagi_tree_begin(tdagi_tree *t, tdag_ctx *ctx, tdagi_arena *arena)
{
    *t = (tdagi_tree){.ctx = ctx, .arena = arena, .root = {.path = ""}};
    t->last = &t->root;
    t->n_modules = 1;
}

tdagi_tree_module *tdagi_tree_find(tdagi_tree *t, const char *path, size_t n)
{
    return n == 0 ? &t->root : tdagi_table_get(&t->modules, path, n);
}

bool tdagi_tree_is_taken(tdagi_tree *t, const char *path)
{
    size_t n = strlen(path);
    return tdagi_table_get(&t->modules, path, n) != NULL ||
           tdagi_table_get(&t->tensors, path, n) != NULL;
}

bool tdagi_tree_has(tdagi_tree *t, const char *path, const tdag_tensor *tensor)
{
    const char *dot = strrchr(path, '.');
    size_t n = dot == NULL ? 0 : (size_t)(dot - path);
    const char *name = dot == NULL ? path : dot + 1;
    const tdagi_tree_module *owner = tdagi_tree_find(t, path, n);
    if (owner == NULL || !tdagi_tree_is_taken(t, path)) return false;
    const tdagi_tree_attr *a = owner->first;
    while (a != NULL && strcmp(a->name, name) != 0)
        a = a->next;
    return a != NULL && a->tensor != NULL &&
           (a->tensor == tensor || tdagi_tensor_equal(a->tensor, tensor));
}

static tdag_status taken(tdagi_tree *t, const char *path)
{
    return tdagi_fail(t->ctx, TDAG_E_ARG,
                      "two things of the model are called \"%.200s\"", path);
}

static tdag_status add_attr(tdagi_tree *t, tdagi_tree_module *owner,
                            const tdagi_tree_attr *attr)
{
    tdagi_tree_attr *made = tdagi_arena_alloc(t->arena, sizeof *made);
    if (made == NULL) return tdagi_nomem(t->ctx);
    *made = *attr;
    if (owner->last == NULL)
        owner->first = made;
    else
        owner->last->next = made;
    owner->last = made;
    return TDAG_OK;
}

/* Where the last part of a path of n bytes begins. */
static size_t name_of(const char *path, size_t n)
{
    while (n > 0 && path[n - 1] != '.')
        n--;
    return n;
}

static tdag_status add_module(tdagi_tree *t, tdagi_tree_module *parent,
                              const char *path, size_t n, tdagi_tree_module **out)
{
    char *copy = tdagi_arena_alloc(t->arena, n + 1);
    tdagi_tree_module *made = tdagi_arena_alloc(t->arena, sizeof *made);
    if (copy == NULL || made == NULL) return tdagi_nomem(t->ctx);
    memcpy(copy, path, n);
    copy[n] = '\0';
    if (tdagi_table_get(&t->tensors, copy, n) != NULL) return taken(t, copy);
    void **place = tdagi_table_at(t->arena, &t->modules, copy, n);
    if (place == NULL) return tdagi_nomem(t->ctx);
    *made = (tdagi_tree_module){.path = copy, .parent = parent};
    *place = made;
    t->last->next = made;
    t->last = made;
    t->n_modules++;
    *out = made;
    return add_attr(t, parent,
                    &(tdagi_tree_attr){.name = copy + name_of(copy, n),
                                       .slot = TDAG_SHIM_SLOT_MODULE,
                                       .module = made});
}

/* The module of n bytes of a path, made with all its parents. */
static tdag_status need_module(tdagi_tree *t, const char *path, size_t n,
                               tdagi_tree_module **out)
{
    tdagi_tree_module *m = &t->root;
    uint32_t depth = 0;
    for (size_t end = 1; end <= n; end++) {
        if (end < n && path[end] != '.') continue;
        tdagi_tree_module *next = tdagi_tree_find(t, path, end);
        if (++depth > TDAGI_TREE_MAX_DEPTH)
            return tdagi_fail(t->ctx, TDAG_E_LIMIT,
                              "modules are nested too deep at \"%.200s\"", path);
        if (next == NULL) TDAGI_TRY(add_module(t, m, path, end, &next));
        m = next;
    }
    *out = m;
    return TDAG_OK;
}

/* "", ".a", "a..b" */
static bool has_empty_part(const char *path)
{
    size_t n = strlen(path);
    return n == 0 || path[0] == '.' || path[n - 1] == '.' || strstr(path, "..") != NULL;
}

tdag_status tdagi_tree_add(tdagi_tree *t, const char *path, tdag_shim_slot slot,
                           const tdag_tensor *tensor)
{
    size_t start = name_of(path, strlen(path));
    tdagi_tree_module *owner = NULL;
    if (has_empty_part(path))
        return tdagi_fail(t->ctx, TDAG_E_ARG, "the name \"%.200s\" has an empty part",
                          path);
    if (tdagi_tree_is_taken(t, path)) return taken(t, path);
    TDAGI_TRY(need_module(t, path, start == 0 ? 0 : start - 1, &owner));
    char *copy = tdagi_arena_strdup(t->arena, path);
    void **place =
        copy == NULL ? NULL : tdagi_table_at(t->arena, &t->tensors, copy, strlen(copy));
    if (place == NULL) return tdagi_nomem(t->ctx);
    *place = copy;
    return add_attr(
        t, owner,
        &(tdagi_tree_attr){.name = copy + start, .slot = slot, .tensor = tensor});
}
