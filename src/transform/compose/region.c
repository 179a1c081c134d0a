/* Which values a cut goes through: by name, or around a module. */
#include <stdlib.h>
#include <string.h>

#include "transform/compose/cut.h"

void tdagi_mark_free(const tdag_graph *g, unsigned char *free_of)
{
    for (uint32_t id = 1; id <= g->n; id++) {
        const tdagi_node *n = &g->nodes[id];
        const tdag_value *in = tdagi_node_inputs(n);
        bool is_free = n->op != TDAG_OP_INPUT;
        for (uint32_t i = 0; i < n->n_inputs && is_free; i++)
            is_free = free_of[in[i].id] != 0;
        free_of[id] = is_free;
    }
}

/* The number behind "in" or "out"; false if the rest is no number. */
static bool number_after(const char *name, const char *head, uint32_t *out)
{
    size_t n = strlen(head);
    if (strncmp(name, head, n) != 0 || name[n] < '0' || name[n] > '9') return false;
    char *end = NULL;
    unsigned long number = strtoul(name + n, &end, 10);
    *out = number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
    return *end == '\0';
}

tdag_status tdagi_find_value(tdag_ctx *ctx, const tdag_graph *g, const char *name,
                             tdag_value *out)
{
    uint32_t i;
    if (name == NULL) return tdagi_fail(ctx, TDAG_E_ARG, "the name of a value is NULL");
    *out = tdag_graph_find(g, name);
    if (out->id != 0) return TDAG_OK;
    if (number_after(name, "in", &i) && i < g->n_inputs)
        *out = g->inputs[i];
    else if (number_after(name, "out", &i) && i < g->n_outputs)
        *out = g->outputs[i];
    else
        return tdagi_fail(ctx, TDAG_E_ARG, "the model has no value named \"%s\"", name);
    return TDAG_OK;
}

tdag_status tdagi_find_values(tdag_ctx *ctx, const tdag_graph *g, tdagi_arena *arena,
                              const char *const *names, uint32_t n, tdagi_values *out)
{
    void *v = NULL;
    TDAGI_TRY(tdagi_scratch(ctx, arena, n, sizeof(tdag_value), &v));
    *out = (tdagi_values){v, n};
    for (uint32_t i = 0; i < n; i++)
        TDAGI_TRY(tdagi_find_value(ctx, g, names[i], &out->v[i]));
    return TDAG_OK;
}

static tdag_status copy_values(tdag_ctx *ctx, tdagi_arena *arena, const tdag_value *v,
                               uint32_t n, tdagi_values *out)
{
    void *copy = NULL;
    TDAGI_TRY(tdagi_scratch(ctx, arena, n, sizeof(tdag_value), &copy));
    if (n > 0) memcpy(copy, v, n * sizeof(tdag_value));
    *out = (tdagi_values){copy, n};
    return TDAG_OK;
}

tdag_status tdagi_graph_inputs(tdag_ctx *ctx, const tdag_graph *g, tdagi_arena *arena,
                               tdagi_values *out)
{
    return copy_values(ctx, arena, g->inputs, g->n_inputs, out);
}

tdag_status tdagi_graph_outputs(tdag_ctx *ctx, const tdag_graph *g, tdagi_arena *arena,
                                tdagi_values *out)
{
    return copy_values(ctx, arena, g->outputs, g->n_outputs, out);
}

bool tdagi_scope_is_in(const char *scope, const char *module)
{
    size_t n = strlen(module);
    return strncmp(scope, module, n) == 0 && (scope[n] == '\0' || scope[n] == '.');
}

/* What is known of each value, as bits. */
enum {
    INSIDE = 1,  /* a node of the module */
    FREE = 2,    /* depends on no input of the graph */
    ENTERS = 4,  /* used by the module, made elsewhere */
    LEAVES = 8,  /* made by the module, used elsewhere */
    BEHIND = 16, /* made elsewhere of what left the module */
};

static void mark_edge(unsigned char *bits, uint32_t id, uint32_t from)
{
    if (bits[from] & FREE) return;
    if (bits[id] & INSIDE) {
        if (!(bits[from] & INSIDE)) bits[from] |= ENTERS;
        return;
    }
    if (bits[from] & INSIDE) bits[from] |= LEAVES;
    if (bits[from] & (INSIDE | BEHIND)) bits[id] |= BEHIND;
}

static uint32_t mark_module(const tdag_graph *g, const char *module,
                            unsigned char *bits)
{
    tdagi_mark_free(g, bits); /* 1 or 0 */
    uint32_t n_inside = 0;
    for (uint32_t id = 1; id <= g->n; id++) {
        const tdagi_node *n = &g->nodes[id];
        bool inside = n->n_inputs > 0 && tdagi_scope_is_in(g->scopes[n->scope], module);
        bits[id] = (unsigned char)((bits[id] ? FREE : 0) | (inside ? INSIDE : 0));
        n_inside += inside;
        const tdag_value *in = tdagi_node_inputs(n);
        for (uint32_t i = 0; i < n->n_inputs; i++)
            mark_edge(bits, id, in[i].id);
    }
    for (uint32_t i = 0; i < g->n_outputs; i++)
        if (bits[g->outputs[i].id] & INSIDE) bits[g->outputs[i].id] |= LEAVES;
    return n_inside;
}

static tdag_status collect(tdag_ctx *ctx, const tdag_graph *g, tdagi_arena *arena,
                           const unsigned char *bits, unsigned char bit,
                           tdagi_values *out)
{
    uint32_t n = 0;
    for (uint32_t id = 1; id <= g->n; id++)
        n += (bits[id] & bit) != 0;
    void *v = NULL;
    TDAGI_TRY(tdagi_scratch(ctx, arena, n, sizeof(tdag_value), &v));
    *out = (tdagi_values){v, 0};
    for (uint32_t id = 1; id <= g->n; id++)
        if (bits[id] & bit) out->v[out->n++] = (tdag_value){id};
    return TDAG_OK;
}

tdag_status tdagi_cut_module(tdag_ctx *ctx, const tdag_graph *g, tdagi_arena *arena,
                             const char *module, tdagi_cut *out)
{
    void *bits = NULL;
    char name[16];
    TDAGI_TRY(tdagi_scratch(ctx, arena, g->n, 1, &bits));
    if (*module == '\0' || mark_module(g, module, bits) == 0)
        return tdagi_fail(ctx, TDAG_E_ARG, "the model has no node in a module \"%s\"",
                          module);
    TDAGI_TRY(collect(ctx, g, arena, bits, ENTERS, &out->inputs));
    TDAGI_TRY(collect(ctx, g, arena, bits, LEAVES, &out->outputs));
    out->needs_all = false;
    for (uint32_t i = 0; i < out->inputs.n; i++) {
        uint32_t id = out->inputs.v[i].id;
        if (!(((unsigned char *)bits)[id] & BEHIND)) continue;
        tdagi_fail(ctx, TDAG_E_ARG,
                   "module %s cannot be cut out: %s enters it and depends on what "
                   "leaves it (is the module used more than once?)",
                   module, tdagi_value_name(g, (tdag_value){id}, name));
        return tdagi_fail_at_node(ctx, tdagi_value_name(g, (tdag_value){id}, name),
                                  tdagi_value_scope(g, (tdag_value){id}));
    }
    return TDAG_OK;
}
