/* See tables.h. Rows live in growing arrays, names in an arena; each table has an index
 * from name to row. */
#include "analysis/tables.h"

#include <string.h>

/* ---- indices ---- */
static uint32_t hash_bytes(const char *s, size_t n)
{
    uint32_t h = 2166136261U;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)s[i]) * 16777619U;
    return h;
}

typedef struct find_key {
    const char *s;
    size_t n;
} find_key;

/* The name of row i of the table whose index is asked. */
typedef const char *(*row_name)(const tdagi_tables *t, uint32_t i);

static const char *op_name(const tdagi_tables *t, uint32_t i) { return t->ops[i].op; }

static const char *module_name(const tdagi_tables *t, uint32_t i)
{
    return t->modules[i].path;
}

/* The slot of the key, or the free one where it belongs. */
static uint32_t *find_slot(const tdagi_tables *t, const tdagi_index *index,
                           find_key key, row_name name)
{
    uint32_t mask = index->n_slots - 1;
    for (uint32_t i = hash_bytes(key.s, key.n) & mask;; i = (i + 1) & mask) {
        uint32_t row = index->slots[i];
        if (row == 0) return &index->slots[i];
        const char *s = name(t, row - 1);
        if (strncmp(s, key.s, key.n) == 0 && s[key.n] == '\0') return &index->slots[i];
    }
}

static tdag_status index_reserve(tdagi_tables *t, tdagi_index *index, uint32_t n_rows,
                                 row_name name)
{
    if (2 * (n_rows + 1) <= index->n_slots) return TDAG_OK;
    tdagi_index bigger = {NULL, index->n_slots == 0 ? 32 : 2 * index->n_slots};
    void *block = NULL;
    TDAGI_TRY(tdagi_array_alloc(t->ctx, bigger.n_slots, sizeof(uint32_t), &block));
    bigger.slots = block;
    for (uint32_t i = 0; i < n_rows; i++) {
        const char *s = name(t, i);
        *find_slot(t, &bigger, (find_key){s, strlen(s)}, name) = i + 1;
    }
    tdagi_free(t->ctx, index->slots, index->n_slots * sizeof(uint32_t));
    *index = bigger;
    return TDAG_OK;
}

/* Room for one more row in an array; the new room is zeroed. */
static tdag_status rows_reserve(tdag_ctx *ctx, void **rows, uint32_t n,
                                uint32_t *capacity, size_t size)
{
    if (n < *capacity) return TDAG_OK;
    uint32_t bigger = *capacity == 0 ? 16 : 2 * *capacity;
    TDAGI_TRY(tdagi_realloc(ctx, rows, *capacity * size, bigger * size));
    memset((char *)*rows + *capacity * size, 0, (bigger - *capacity) * size);
    *capacity = bigger;
    return TDAG_OK;
}

static char *keep_name(tdagi_tables *t, find_key key)
{
    char *name = tdagi_arena_alloc(&t->arena, key.n + 1);
    if (name == NULL) return NULL;
    memcpy(name, key.s, key.n);
    name[key.n] = '\0';
    return name;
}

/* ---- rows ---- */
static tdag_status op_row(tdagi_tables *t, const char *op, uint32_t *out)
{
    find_key key = {op, strlen(op)};
    TDAGI_TRY(index_reserve(t, &t->op_index, t->n_ops, op_name));
    uint32_t *slot = find_slot(t, &t->op_index, key, op_name);
    if (*slot == 0) {
        void *rows = t->ops;
        TDAGI_TRY(
            rows_reserve(t->ctx, &rows, t->n_ops, &t->ops_capacity, sizeof(*t->ops)));
        t->ops = rows;
        const char *name = keep_name(t, key);
        if (name == NULL) return tdagi_nomem(t->ctx);
        t->ops[t->n_ops].op = name;
        *slot = ++t->n_ops;
    }
    *out = *slot - 1;
    return TDAG_OK;
}

static size_t parent_length(find_key key)
{
    while (key.n > 0 && key.s[key.n - 1] != '.')
        key.n--;
    return key.n == 0 ? 0 : key.n - 1;
}

static void link_child(tdagi_tables *t, uint32_t parent, uint32_t child)
{
    tdagi_module_count *p = &t->modules[parent];
    t->modules[child].parent = parent;
    if (p->last_child == 0)
        p->first_child = child;
    else
        t->modules[p->last_child].next_sibling = child;
    p->last_child = child;
}

static tdag_status new_module(tdagi_tables *t, find_key key, uint32_t *slot)
{
    void *rows = t->modules;
    TDAGI_TRY(rows_reserve(t->ctx, &rows, t->n_modules, &t->modules_capacity,
                           sizeof(*t->modules)));
    t->modules = rows;
    const char *path = keep_name(t, key);
    if (path == NULL) return tdagi_nomem(t->ctx);
    t->modules[t->n_modules].path = path;
    *slot = ++t->n_modules;
    return TDAG_OK;
}

/* Makes the row of a path and, before it, those of its parents. */
static tdag_status module_row(tdagi_tables *t, find_key key, uint32_t *out)
{
    uint32_t parent = 0;
    for (size_t n = 0;; n++) {
        if (n < key.n && key.s[n] != '.') continue;
        find_key part = {key.s, n};
        TDAGI_TRY(index_reserve(t, &t->module_index, t->n_modules, module_name));
        uint32_t *slot = find_slot(t, &t->module_index, part, module_name);
        if (*slot == 0) {
            TDAGI_TRY(new_module(t, part, slot));
            if (*slot > 1) link_child(t, parent, *slot - 1);
        }
        parent = *slot - 1;
        if (n >= key.n) break;
    }
    *out = parent;
    return TDAG_OK;
}

/* ---- the calls ---- */
tdag_status tdagi_tables_init(tdagi_tables *t, tdagi_pricer *pricer)
{
    memset(t, 0, sizeof(*t));
    t->ctx = pricer->ctx;
    t->pricer = pricer;
    tdagi_arena_init(&t->arena, &t->ctx->allocator);
    void *block = NULL;
    uint32_t root = 0;
    TDAGI_TRY(
        tdagi_array_alloc(t->ctx, pricer->graph->n_scopes, sizeof(uint32_t), &block));
    t->scope_rows = block;
    return module_row(t, (find_key){"", 0}, &root);
}

void tdagi_tables_free(tdagi_tables *t)
{
    tdagi_free(t->ctx, t->ops, t->ops_capacity * sizeof(*t->ops));
    tdagi_free(t->ctx, t->modules, t->modules_capacity * sizeof(*t->modules));
    tdagi_free(t->ctx, t->op_index.slots, t->op_index.n_slots * sizeof(uint32_t));
    tdagi_free(t->ctx, t->module_index.slots,
               t->module_index.n_slots * sizeof(uint32_t));
    tdagi_free(t->ctx, t->scope_rows, t->pricer->graph->n_scopes * sizeof(uint32_t));
    tdagi_arena_free(&t->arena);
}

tdag_status tdagi_tables_add(tdagi_tables *t, const tdagi_unit *unit)
{
    uint32_t row = 0;
    TDAGI_TRY(op_row(t, unit->op, &row));
    TDAGI_TRY(tdagi_sum_add(t->pricer, &t->ops[row].sum, unit));
    if (t->scope_rows[unit->scope] == 0) {
        const char *path = t->pricer->graph->scopes[unit->scope];
        TDAGI_TRY(module_row(t, (find_key){path, strlen(path)}, &row));
        t->scope_rows[unit->scope] = row + 1;
    }
    row = t->scope_rows[unit->scope] - 1;
    return tdagi_sum_add(t->pricer, &t->modules[row].self, unit);
}

tdag_status tdagi_tables_add_leaf(tdagi_tables *t, tdag_value leaf, int64_t n_elements)
{
    const tdagi_node *node = tdagi_graph_node(t->pricer->graph, leaf);
    const char *name = node->name == NULL ? "" : node->name;
    uint32_t row = 0;
    size_t n = parent_length((find_key){name, strlen(name)});
    TDAGI_TRY(module_row(t, (find_key){name, n}, &row));
    return tdagi_count_add(t->ctx, &t->modules[row].parameters, n_elements, "elements");
}

tdag_status tdagi_tables_add_up(tdagi_tables *t)
{
    for (uint32_t i = t->n_modules; i-- > 0;) { /* children come after their parents */
        tdagi_module_count *m = &t->modules[i];
        TDAGI_TRY(tdagi_sum_merge(t->pricer, &m->total, &m->self));
        if (i == 0) break;
        tdagi_module_count *parent = &t->modules[m->parent];
        TDAGI_TRY(tdagi_sum_merge(t->pricer, &parent->total, &m->total));
        TDAGI_TRY(
            tdagi_count_add(t->ctx, &parent->parameters, m->parameters, "elements"));
    }
    return TDAG_OK;
}

uint32_t tdagi_tables_next_module(const tdagi_tables *t, uint32_t row)
{
    const tdagi_module_count *m = &t->modules[row];
    if (m->first_child != 0) return m->first_child;
    while (row != 0 && t->modules[row].next_sibling == 0)
        row = t->modules[row].parent;
    return row == 0 ? 0 : t->modules[row].next_sibling;
}
