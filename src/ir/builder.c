/* Builders: adding nodes with shape propagation, names, scopes, outputs; sticky errors.
 *
 * A builder's graph is private until tdag_builder_finish() hands it over. After the
 * first failure nothing is added any more. */
#include "ir/graph.h"

#include <stdio.h>
#include <string.h>

#include "ir/names.h"

#define LONG_SEARCH 1000 /* suffixes tried before it is noted how many were */

static tdag_graph *graph_create(const tdag_allocator *allocator, tdagi_pool *pool)
{
    if (pool == NULL) return NULL;
    tdag_graph *g = tdagi_mem_alloc(allocator, sizeof(*g));
    if (g == NULL) {
        tdagi_pool_free(pool);
        return NULL;
    }
    memset(g, 0, sizeof(*g));
    atomic_init(&g->refs, 1);
    g->allocator = *allocator;
    g->pool = pool;
    tdagi_arena_init(&g->arena, allocator);
    g->scopes = tdagi_mem_alloc(allocator, 8 * sizeof(char *));
    if (g->scopes == NULL) {
        tdag_graph_free(g);
        return NULL;
    }
    g->scopes_capacity = 8;
    g->n_scopes = 1;
    g->scopes[0] = "";
    return g;
}

static tdag_status builder_create(tdag_ctx *ctx, tdagi_pool *pool, tdag_builder **out)
{
    tdag_graph *g = graph_create(&ctx->allocator, pool);
    if (g == NULL) return tdagi_nomem(ctx);
    void *b = NULL;
    tdag_status st = tdagi_alloc(ctx, sizeof(tdag_builder), &b);
    if (st != TDAG_OK) {
        tdag_graph_free(g);
        return st;
    }
    *out = b;
    (*out)->ctx = ctx;
    (*out)->graph = g;
    return TDAG_OK;
}

tdag_status tdag_builder_create(tdag_ctx *ctx, tdag_builder **out)
{
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    return builder_create(ctx, tdagi_pool_create(&ctx->allocator), out);
}

tdag_status tdagi_builder_create_like(tdag_ctx *ctx, const tdag_graph *like,
                                      tdag_builder **out)
{
    return builder_create(ctx, tdagi_pool_clone(like->pool), out);
}

void tdag_builder_free(tdag_builder *b)
{
    if (b == NULL) return;
    if (b->scope_slots != NULL)
        tdagi_free(b->ctx, b->scope_slots, b->scope_slots_capacity * sizeof(uint32_t));
    tdag_graph_free(b->graph);
    tdagi_free(b->ctx, b, sizeof(*b));
}

tdag_status tdag_builder_get_status(const tdag_builder *b)
{
    return b == NULL ? TDAG_E_ARG : b->status;
}

/* ---- failing ---- */

static tdag_value stick(tdag_builder *b, tdag_status status, const char *name)
{
    if (b->status == TDAG_OK) {
        b->status = status;
        tdagi_fail_at_node(b->ctx, name == NULL ? "" : name,
                           b->graph->scopes[b->scope]);
    }
    return TDAG_NO_VALUE;
}

tdag_value tdagi_builder_fail(tdag_builder *b, tdag_status status, const char *format,
                              ...)
{
    if (b->status != TDAG_OK) return TDAG_NO_VALUE;
    char text[TDAGI_MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return stick(b, tdagi_fail(b->ctx, status, "%s", text), NULL);
}

void tdagi_builder_forgive(tdag_builder *b)
{
    b->status = TDAG_OK;
    tdagi_pool_clear_status(b->graph->pool);
}

static bool usable(const tdag_builder *b)
{
    return b != NULL && b->status == TDAG_OK && b->graph != NULL;
}

/* ---- symbols and dim arithmetic ---- */

static tdag_dim settle_dim(tdag_builder *b, tdag_dim d)
{
    if (d == TDAGI_DIM_BAD) {
        tdag_status st = tdagi_pool_report(b->ctx, b->graph->pool);
        if (st != TDAG_OK) stick(b, st, NULL);
        return 0;
    }
    return d;
}

static bool is_identifier(const char *s)
{
    if (s == NULL || (*s >= '0' && *s <= '9') || *s == '\0') return false;
    for (; *s != '\0'; s++) {
        bool letter = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || *s == '_';
        if (!letter && !(*s >= '0' && *s <= '9')) return false;
    }
    return true;
}

tdag_dim tdag_builder_symbol(tdag_builder *b, const char *name, int64_t sample)
{
    if (!usable(b)) return 0;
    if (!is_identifier(name)) {
        tdagi_builder_fail(b, TDAG_E_ARG,
                           "a symbol's name must be an identifier, not '%s'",
                           name == NULL ? "" : name);
        return 0;
    }
    if (sample < 0) {
        tdagi_builder_fail(b, TDAG_E_ARG, "symbol %s has the negative sample %lld",
                           name, (long long)sample);
        return 0;
    }
    return settle_dim(b, tdagi_dim_symbol(b->graph->pool, name, sample));
}

#define DIM_FUNCTION(verb)                                                             \
    tdag_dim tdag_dim_##verb(tdag_builder *b, tdag_dim x, tdag_dim y)                  \
    {                                                                                  \
        if (!usable(b)) return 0;                                                      \
        return settle_dim(b, tdagi_dim_##verb(b->graph->pool, x, y));                  \
    }
DIM_FUNCTION(add)
DIM_FUNCTION(sub)
DIM_FUNCTION(mul)
DIM_FUNCTION(floordiv)
DIM_FUNCTION(max)
DIM_FUNCTION(min)

/* ---- growing ---- */

/* Doubles an array that is full; false when out of memory or out of numbers. */
static bool grow(const tdag_allocator *a, void **array, uint32_t *capacity, uint32_t n,
                 size_t size)
{
    if (n < *capacity) return true;
    if (*capacity > UINT32_MAX / 4) return false;
    uint32_t wider = *capacity == 0 ? 16 : *capacity * 2;
    void *p = a->realloc(a->user, *array, *capacity * size, wider * size);
    if (p == NULL) return false;
    *array = p;
    *capacity = wider;
    return true;
}

static bool append_value(tdag_graph *g, tdag_value **array, uint32_t *n,
                         uint32_t *capacity, tdag_value v)
{
    void *p = *array;
    bool ok = grow(&g->allocator, &p, capacity, *n, sizeof(tdag_value));
    *array = p;
    if (ok) (*array)[(*n)++] = v;
    return ok;
}

/* The slot of a scope in b->scope_slots: its own or the first free one. */
static uint32_t scope_slot(const tdag_builder *b, const char *scope)
{
    uint32_t mask = b->scope_slots_capacity - 1;
    uint32_t i = (uint32_t)tdagi_name_hash(scope) & mask;
    while (b->scope_slots[i] != 0 &&
           strcmp(b->graph->scopes[b->scope_slots[i] - 1], scope) != 0)
        i = (i + 1) & mask;
    return i;
}

/* Room for one more scope; false when out of memory. */
static bool reserve_scope(tdag_builder *b)
{
    tdag_graph *g = b->graph;
    if (2 * (g->n_scopes + 1) <= b->scope_slots_capacity) return true;
    uint32_t *old = b->scope_slots, old_capacity = b->scope_slots_capacity;
    if (old_capacity > UINT32_MAX / 8) return false;
    uint32_t capacity = old_capacity == 0 ? 16 : old_capacity * 2;
    uint32_t *slots = tdagi_mem_alloc(&g->allocator, capacity * sizeof(uint32_t));
    if (slots == NULL) return false;
    memset(slots, 0, capacity * sizeof(uint32_t));
    b->scope_slots = slots;
    b->scope_slots_capacity = capacity;
    for (uint32_t i = 0; i < g->n_scopes; i++)
        slots[scope_slot(b, g->scopes[i])] = i + 1;
    if (old != NULL)
        tdagi_mem_free(&g->allocator, old, old_capacity * sizeof(uint32_t));
    return true;
}

static bool append_scope(tdag_builder *b, const char *scope)
{
    tdag_graph *g = b->graph;
    void *p = g->scopes;
    bool ok = grow(&g->allocator, &p, &g->scopes_capacity, g->n_scopes, sizeof(char *));
    g->scopes = p;
    char *copy = ok ? tdagi_arena_strdup(&g->arena, scope) : NULL;
    if (copy == NULL) return false;
    g->scopes[g->n_scopes++] = copy;
    return true;
}

void tdag_builder_set_scope(tdag_builder *b, const char *scope)
{
    if (!usable(b)) return;
    if (scope == NULL) scope = "";
    if (strcmp(b->graph->scopes[b->scope], scope) == 0) return;
    if (!reserve_scope(b)) {
        stick(b, tdagi_nomem(b->ctx), NULL);
        return;
    }
    uint32_t slot = scope_slot(b, scope);
    if (b->scope_slots[slot] == 0) {
        if (!append_scope(b, scope)) {
            stick(b, tdagi_nomem(b->ctx), NULL);
            return;
        }
        b->scope_slots[slot] = b->graph->n_scopes;
    }
    b->scope = b->scope_slots[slot] - 1;
}

bool tdagi_name_is_taken(const tdag_graph *g, const char *name)
{
    uint32_t id;
    return tdagi_name_is_automatic(name, &id) || tdagi_names_find(g, name) != 0;
}

/* A free name made of `name`, in the arena; NULL when out of memory. */
static char *free_name(tdag_graph *g, const char *name)
{
    if (!tdagi_name_is_taken(g, name)) return tdagi_arena_strdup(&g->arena, name);
    size_t length = strlen(name);
    char *candidate = tdagi_arena_alloc(&g->arena, length + 12);
    if (candidate == NULL) return NULL;
    memcpy(candidate, name, length);
    const uint32_t first = tdagi_names_tried(g, name) + 1;
    for (uint32_t i = first; i < UINT32_MAX; i++) {
        snprintf(candidate + length, 12, "_%u", (unsigned)i);
        if (tdagi_name_is_taken(g, candidate)) continue;
        if (first > 1 || i > LONG_SEARCH) tdagi_names_set_tried(g, name, i);
        return candidate;
    }
    return NULL;
}

void tdag_builder_set_name(tdag_builder *b, tdag_value value, const char *name)
{
    if (!usable(b) || value.id == 0 || value.id > b->graph->n) return;
    if (name == NULL || *name == '\0') return;
    tdag_graph *g = b->graph;
    const char *old = g->nodes[value.id].name;
    if (old != NULL && strcmp(old, name) == 0) return;
    char *copy = tdagi_names_reserve(g) ? free_name(g, name) : NULL;
    if (copy == NULL) {
        stick(b, tdagi_nomem(b->ctx), NULL);
        return;
    }
    if (old != NULL) tdagi_names_forget_tried(g); /* that name is free again */
    g->nodes[value.id].name = copy;
    tdagi_names_insert(g, value.id);
}

void tdagi_builder_forget_names(tdag_builder *b, uint32_t n_nodes)
{
    tdag_graph *g = b->graph;
    for (uint32_t id = n_nodes + 1; id <= g->n; id++)
        if (!tdagi_op_is_leaf(g->nodes[id].op)) g->nodes[id].name = NULL;
    tdagi_names_forget_tried(g);
}

/* Appends a node of a known type; the caller fills spec or tensor. NULL: has failed. */
static tdagi_node *append_node(tdag_builder *b, tdag_op op, const tdagi_type *type)
{
    tdag_graph *g = b->graph;
    tdag_status going = tdagi_poll(b->ctx);
    if (going != TDAG_OK) {
        stick(b, going, NULL);
        return NULL;
    }
    if (g->n >= b->ctx->limits.max_nodes || g->n >= UINT32_MAX / 4) {
        tdagi_builder_fail(b, TDAG_E_LIMIT, "the graph would exceed %llu nodes",
                           (unsigned long long)b->ctx->limits.max_nodes);
        return NULL;
    }
    void *p = g->nodes;
    bool ok = grow(&g->allocator, &p, &g->capacity, g->n + 1, sizeof(tdagi_node));
    g->nodes = p;
    tdag_dim *shape = NULL;
    if (ok && type->rank > 0) {
        shape = tdagi_arena_array(&g->arena, type->rank, sizeof(tdag_dim));
        ok = shape != NULL;
    }
    if (!ok) {
        stick(b, tdagi_nomem(b->ctx), NULL);
        return NULL;
    }
    if (shape != NULL) memcpy(shape, type->shape, type->rank * sizeof(tdag_dim));
    tdagi_node *n = &g->nodes[g->n + 1];
    memset(n, 0, sizeof(*n));
    n->op = (uint16_t)op;
    n->dtype = (uint8_t)type->dtype;
    n->rank = (uint8_t)type->rank;
    n->scope = b->scope;
    n->shape = shape;
    return n;
}

/* ---- leaves ---- */

tdag_value tdag_add_input(tdag_builder *b, const char *name, tdag_dtype dtype,
                          uint32_t rank, const tdag_dim *shape)
{
    if (!usable(b)) return TDAG_NO_VALUE;
    tdag_graph *g = b->graph;
    tdagi_type type;
    type.dtype = dtype;
    type.rank = rank;
    tdag_status st = rank == 0 ? TDAG_OK : tdagi_need(b->ctx, shape, "shape");
    if (st == TDAG_OK && rank <= TDAG_MAX_RANK)
        for (uint32_t i = 0; i < rank; i++)
            type.shape[i] = shape[i];
    if (st == TDAG_OK) st = tdagi_check_type(b->ctx, g->pool, &type);
    if (st != TDAG_OK) return stick(b, st, name);
    tdag_value v = {g->n + 1};
    if (append_node(b, TDAG_OP_INPUT, &type) == NULL) return TDAG_NO_VALUE;
    if (!append_value(g, &g->inputs, &g->n_inputs, &g->inputs_capacity, v))
        return stick(b, tdagi_nomem(b->ctx), name);
    g->n++;
    tdag_builder_set_name(b, v, name);
    return usable(b) ? v : TDAG_NO_VALUE;
}

tdag_value tdag_add_tensor(tdag_builder *b, tdag_op op, const char *name,
                           const tdag_tensor *tensor)
{
    if (!usable(b)) return TDAG_NO_VALUE;
    if (!tdagi_op_holds_tensor(op) || tensor == NULL)
        return tdagi_builder_fail(b, TDAG_E_ARG,
                                  "a tensor leaf is a parameter, a buffer "
                                  "or a constant and has a tensor");
    tdagi_type type = {tensor->dtype, tensor->rank, {0}};
    for (uint32_t i = 0; i < tensor->rank; i++)
        type.shape[i] = tensor->shape[i];
    tdag_value v = {b->graph->n + 1};
    tdagi_node *n = append_node(b, op, &type);
    if (n == NULL) return TDAG_NO_VALUE;
    n->u.tensor = tdag_tensor_copy(tensor);
    b->graph->n++;
    tdag_builder_set_name(b, v, name);
    return usable(b) ? v : TDAG_NO_VALUE;
}

tdag_value tdag_add_scalar(tdag_builder *b, tdag_dtype dtype, double value)
{
    if (!usable(b)) return TDAG_NO_VALUE;
    tdag_tensor *t = NULL;
    tdag_status st = tdag_tensor_create(b->ctx, dtype, 0, NULL, &t);
    if (st != TDAG_OK) return stick(b, st, NULL);
    tdagi_tensor_set_f64(t, 0, value);
    tdag_value v = tdag_add_tensor(b, TDAG_OP_CONSTANT, NULL, t);
    tdag_tensor_free(t);
    return v;
}

/* ---- other nodes ---- */

static tdag_status check_lists(tdag_ctx *ctx, const char *op, const tdagi_field *fields,
                               const void *spec)
{
    if (fields == NULL) return TDAG_OK;
    for (const tdagi_field *f = fields; f->kind != TDAGI_FIELD_END; f++) {
        tdag_list numbers = tdagi_field_numbers(f, spec);
        if (numbers.n > 0 && numbers.v == NULL)
            return tdagi_fail(ctx, TDAG_E_ARG, "%s: the list %s is NULL", op, f->name);
    }
    return TDAG_OK;
}

/* The type of a new node, by its op's shape rule. */
static tdag_status infer(tdag_builder *b, const tdagi_op_row *row, const void *spec,
                         const tdag_value *inputs, uint32_t n, tdagi_type *out)
{
    tdagi_type few[TDAGI_INLINE_INPUTS], *types = few;
    if (n > TDAGI_INLINE_INPUTS) {
        void *p = NULL;
        TDAGI_TRY(tdagi_array_alloc(b->ctx, n, sizeof(tdagi_type), &p));
        types = p;
    }
    for (uint32_t i = 0; i < n; i++)
        tdagi_value_type(b->graph, inputs[i], &types[i]);
    out->dtype = TDAG_DTYPE_NONE; /* of all at once a slow string instruction is made */
    out->rank = 0;
    memset(out->shape, 0, sizeof(out->shape));
    tdagi_shape_call call = {b->ctx, b->graph->pool, spec, n, types, out};
    tdag_status st = check_lists(b->ctx, row->name, row->def->fields, spec);
    if (st == TDAG_OK) st = row->def->shape(&call);
    if (st == TDAG_E_SHAPE && tdagi_pool_status(b->graph->pool) != TDAG_OK)
        st =
            tdagi_pool_report(b->ctx, b->graph->pool); /* dims that could not be told */
    if (st == TDAG_OK) st = tdagi_check_type(b->ctx, b->graph->pool, out);
    if (types != few) tdagi_free(b->ctx, types, n * sizeof(tdagi_type));
    return st;
}

static tdag_status check_inputs(const tdag_builder *b, const tdagi_op_row *row,
                                const tdag_value *inputs, uint32_t n)
{
    if (row->n_inputs != TDAGI_ANY_INPUTS && row->n_inputs != n)
        return tdagi_fail(b->ctx, TDAG_E_ARG, "%s takes %u inputs, not %u", row->name,
                          (unsigned)row->n_inputs, (unsigned)n);
    if (n > 0) TDAGI_TRY(tdagi_need(b->ctx, inputs, "inputs"));
    for (uint32_t i = 0; i < n; i++)
        if (inputs[i].id == 0 || inputs[i].id > b->graph->n)
            return tdagi_fail(b->ctx, TDAG_E_ARG, "input %u of %s is no value",
                              (unsigned)i, row->name);
    return TDAG_OK;
}

tdag_status tdagi_builder_infer(tdag_builder *b, tdag_op op, const void *spec,
                                const tdag_value *inputs, uint32_t n_inputs,
                                tdagi_type *out)
{
    const tdagi_op_row *row = tdagi_op_row_of((uint32_t)op);
    TDAGI_TRY(check_inputs(b, row, inputs, n_inputs));
    return infer(b, row, spec, inputs, n_inputs, out);
}

/* The caller's spec, of whatever age, as the op knows it; `known` has room for 256. */
static tdag_status load_spec(tdag_ctx *ctx, const tdagi_op_row *row, const void *spec,
                             size_t size, void *known)
{
    size_t full = row->def->spec_size;
    memset(known, 0, full);
    if (full == 0) return TDAG_OK;
    if (spec == NULL)
        return tdagi_fail(ctx, TDAG_E_ARG, "%s needs its spec", row->name);
    const unsigned char *bytes = spec;
    for (size_t i = full; i < size; i++)
        if (bytes[i] != 0)
            return tdagi_fail(ctx, TDAG_E_ARG,
                              "the spec of %s sets a field this version does not know",
                              row->name);
    memcpy(known, spec, size < full ? size : full);
    return TDAG_OK;
}

static tdag_status store_inputs(tdag_builder *b, tdagi_node *node,
                                const tdag_value *inputs, uint32_t n)
{
    node->n_inputs = n;
    if (n <= TDAGI_INLINE_INPUTS) {
        for (uint32_t i = 0; i < n; i++)
            node->in.few[i] = inputs[i];
        return TDAG_OK;
    }
    tdag_value *many = tdagi_arena_array(&b->graph->arena, n, sizeof(tdag_value));
    if (many == NULL) return tdagi_nomem(b->ctx);
    memcpy(many, inputs, n * sizeof(tdag_value));
    node->in.many = many;
    return TDAG_OK;
}

tdag_value tdag_add_node(tdag_builder *b, tdag_op op, const void *spec,
                         size_t spec_size, const tdag_value *inputs, uint32_t n_inputs)
{
    if (!usable(b)) return TDAG_NO_VALUE;
    const tdagi_op_row *row = tdagi_op_row_of((uint32_t)op);
    if (row == NULL || op == TDAG_OP_INPUT || tdagi_op_holds_tensor(op))
        return tdagi_builder_fail(b, TDAG_E_ARG,
                                  "op number %d cannot be added as a node", (int)op);
    union {
        unsigned char bytes[256];
        int64_t aligned;
    } known;
    tdagi_type type;
    tdag_status st = check_inputs(b, row, inputs, n_inputs);
    if (st == TDAG_OK) st = load_spec(b->ctx, row, spec, spec_size, known.bytes);
    if (st == TDAG_OK) st = infer(b, row, known.bytes, inputs, n_inputs, &type);
    if (st != TDAG_OK) return stick(b, st, NULL);
    tdagi_node *node = append_node(b, op, &type);
    if (node == NULL) return TDAG_NO_VALUE;
    st = store_inputs(b, node, inputs, n_inputs);
    if (st == TDAG_OK && row->def->spec_size > 0) {
        node->u.spec = tdagi_spec_copy(&b->graph->arena, row->def->fields,
                                       row->def->spec_size, known.bytes);
        if (node->u.spec == NULL) st = tdagi_nomem(b->ctx);
    }
    if (st != TDAG_OK) return stick(b, st, NULL);
    b->graph->n++;
    return (tdag_value){b->graph->n};
}

/* ---- what has been built ---- */

static const tdagi_node *built(const tdag_builder *b, tdag_value v)
{
    if (b == NULL || b->graph == NULL || v.id == 0 || v.id > b->graph->n) return NULL;
    return &b->graph->nodes[v.id];
}

uint32_t tdag_builder_get_rank(const tdag_builder *b, tdag_value value)
{
    const tdagi_node *n = built(b, value);
    return n == NULL ? 0 : n->rank;
}

const tdag_dim *tdag_builder_get_shape(const tdag_builder *b, tdag_value value)
{
    const tdagi_node *n = built(b, value);
    return n == NULL ? NULL : n->shape;
}

tdag_dtype tdag_builder_get_dtype(const tdag_builder *b, tdag_value value)
{
    const tdagi_node *n = built(b, value);
    return n == NULL ? TDAG_DTYPE_NONE : (tdag_dtype)n->dtype;
}

void tdag_builder_add_output(tdag_builder *b, tdag_value value)
{
    if (!usable(b)) return;
    if (built(b, value) == NULL) {
        tdagi_builder_fail(b, TDAG_E_ARG, "output %u is no value",
                           (unsigned)b->graph->n_outputs);
        return;
    }
    tdag_graph *g = b->graph;
    if (!append_value(g, &g->outputs, &g->n_outputs, &g->outputs_capacity, value))
        stick(b, tdagi_nomem(b->ctx), NULL);
}

tdag_status tdag_builder_finish(tdag_builder *b, tdag_graph **out)
{
    if (b == NULL) return TDAG_E_ARG;
    if (b->status != TDAG_OK) return b->status;
    TDAGI_TRY(tdagi_need(b->ctx, out, "out"));
    if (b->graph == NULL)
        return tdagi_fail(b->ctx, TDAG_E_ARG, "the builder has been finished before");
    *out = b->graph;
    b->graph = NULL;
    return TDAG_OK;
}
