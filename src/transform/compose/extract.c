/* A part of a model, and a model in parts. */
#include <string.h>

#include <tdagger/compose.h>

#include "transform/compose/cut.h"

static tdag_status check_options(tdag_ctx *ctx, const tdag_extract_options *o)
{
    if (o->module != NULL && (o->n_inputs > 0 || o->n_outputs > 0))
        return tdagi_fail(ctx, TDAG_E_ARG,
                          "a part is cut out by module or by names, not by both");
    if ((o->n_inputs > 0 && o->inputs == NULL) ||
        (o->n_outputs > 0 && o->outputs == NULL))
        return tdagi_fail(ctx, TDAG_E_ARG, "the list of names is NULL");
    return TDAG_OK;
}

static tdag_status find_cut(tdag_ctx *ctx, const tdag_graph *g, tdagi_arena *arena,
                            const tdag_extract_options *o, tdagi_cut *out)
{
    if (o->module != NULL) return tdagi_cut_module(ctx, g, arena, o->module, out);
    out->needs_all = o->n_inputs > 0;
    if (o->n_inputs > 0)
        TDAGI_TRY(
            tdagi_find_values(ctx, g, arena, o->inputs, o->n_inputs, &out->inputs));
    else
        TDAGI_TRY(tdagi_graph_inputs(ctx, g, arena, &out->inputs));
    if (o->n_outputs > 0)
        return tdagi_find_values(ctx, g, arena, o->outputs, o->n_outputs,
                                 &out->outputs);
    return tdagi_graph_outputs(ctx, g, arena, &out->outputs);
}

/* The only graph that has nodes in a module. */
static tdag_status find_module(tdag_ctx *ctx, const tdag_model *model,
                               const char *module, const tdag_graph **out)
{
    const tdag_graph *found = NULL;
    for (uint32_t i = 0; i < model->n_graphs; i++) {
        const tdag_graph *g = model->graphs[i].graph;
        bool has = false;
        for (uint32_t id = 1; id <= g->n && !has; id++)
            has = tdagi_scope_is_in(g->scopes[g->nodes[id].scope], module);
        if (has && found != NULL)
            return tdagi_fail(ctx, TDAG_E_ARG,
                              "several graphs have nodes in module %.80s: name one, as "
                              "%.80s",
                              module, model->graphs[i].name);
        if (has) found = g;
    }
    *out = found;
    return found != NULL
               ? TDAG_OK
               : tdagi_fail(ctx, TDAG_E_ARG,
                            "no graph has a node in a module \"%.80s\"", module);
}

static tdag_status find_graph(tdag_ctx *ctx, const tdag_model *model,
                              const tdag_extract_options *o, const tdag_graph **out)
{
    uint32_t i = o->graph == NULL ? 0 : tdag_model_find_graph(model, o->graph);
    if (o->graph == NULL && (tdag_model_get_graph(model) != NULL || o->module == NULL))
        return tdagi_model_straight(ctx, model, out);
    if (o->graph == NULL) return find_module(ctx, model, o->module, out);
    if (i == TDAG_NO_INDEX)
        return tdagi_fail(ctx, TDAG_E_ARG, "the model has no graph %.80s", o->graph);
    *out = model->graphs[i].graph;
    return TDAG_OK;
}

/* The part as a model: with the whole's structure of inputs or outputs where it has the
 * same ones. */
static tdag_status cut_model(tdag_ctx *ctx, const tdag_model *model,
                             const tdagi_cut *cut, bool keeps_inputs,
                             bool keeps_outputs, tdag_model **out)
{
    tdag_graph *graph = NULL;
    tdag_status st = tdagi_cut_graph(ctx, cut->of, cut, &graph);
    if (st == TDAG_OK)
        st = tdagi_model_create(ctx, graph,
                                keeps_inputs ? tdagi_model_inputs(model) : NULL,
                                keeps_outputs ? tdagi_model_outputs(model) : NULL, out);
    tdag_graph_free(graph);
    return st;
}

tdag_status tdag_extract(tdag_ctx *ctx, const tdag_model *model,
                         const tdag_extract_options *options, tdag_model **out)
{
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    tdag_extract_options o;
    TDAGI_TRY(tdagi_options_load(ctx, &o, sizeof(o), options));
    TDAGI_TRY(check_options(ctx, &o));
    const tdag_graph *g = NULL;
    TDAGI_TRY(find_graph(ctx, model, &o, &g));
    tdagi_arena arena;
    tdagi_arena_init(&arena, &ctx->allocator);
    bool whole = g == tdag_model_get_graph(model) && o.module == NULL;
    tdagi_cut cut = {.of = g};
    tdag_status st = find_cut(ctx, g, &arena, &o, &cut);
    if (st == TDAG_OK)
        st = cut_model(ctx, model, &cut, whole && o.n_inputs == 0,
                       whole && o.n_outputs == 0, out);
    tdagi_arena_free(&arena);
    return st;
}

/* ---- splitting ---- */

typedef struct split {
    tdag_ctx *ctx;
    const tdag_graph *g;
    tdagi_arena arena;
    const char *const *modules;
    uint32_t n_modules;
    unsigned char *free_of;
    uint32_t *segment; /* by id: 2*i+1 for module i, even between; free values: 0 */
    uint32_t *last;    /* by id: the last segment that uses it; outputs: the last one */
} split;

/* The module of a node, n_modules if it is in none. */
static uint32_t module_of(const split *s, const tdagi_node *n)
{
    uint32_t i = 0;
    while (i < s->n_modules &&
           !tdagi_scope_is_in(s->g->scopes[n->scope], s->modules[i]))
        i++;
    return i;
}

static tdag_status fail_order(const split *s, uint32_t id, uint32_t module)
{
    char name[16];
    tdagi_fail(s->ctx, TDAG_E_ARG,
               "module %s does not fit into the chain: %s uses what comes behind it "
               "(are the modules in the order of their use, each used once?)",
               s->modules[module], tdagi_value_name(s->g, (tdag_value){id}, name));
    return tdagi_fail_at_node(s->ctx, tdagi_value_name(s->g, (tdag_value){id}, name),
                              tdagi_value_scope(s->g, (tdag_value){id}));
}

/* Every node as early as what it uses allows. */
static tdag_status place(split *s)
{
    for (uint32_t id = 1; id <= s->g->n; id++) {
        const tdagi_node *n = &s->g->nodes[id];
        const tdag_value *in = tdagi_node_inputs(n);
        if (s->free_of[id]) continue;
        uint32_t at = 0, module = module_of(s, n);
        for (uint32_t i = 0; i < n->n_inputs; i++)
            if (s->segment[in[i].id] > at) at = s->segment[in[i].id];
        if (n->op != TDAG_OP_INPUT && module < s->n_modules) {
            if (at > 2 * module + 1) return fail_order(s, id, module);
            at = 2 * module + 1;
        } else if (at % 2 == 1) {
            at++;
        }
        s->segment[id] = at;
    }
    return TDAG_OK;
}

static void find_last_uses(split *s)
{
    uint32_t end = 2 * s->n_modules + 1;
    for (uint32_t id = 1; id <= s->g->n; id++) {
        const tdagi_node *n = &s->g->nodes[id];
        const tdag_value *in = tdagi_node_inputs(n);
        if (s->last[id] < s->segment[id]) s->last[id] = s->segment[id];
        for (uint32_t i = 0; i < n->n_inputs && !s->free_of[id]; i++)
            if (s->last[in[i].id] < s->segment[id]) s->last[in[i].id] = s->segment[id];
    }
    for (uint32_t i = 0; i < s->g->n_outputs; i++)
        s->last[s->g->outputs[i].id] = end;
}

/* The values that cross from segments up to `at` to those behind. */
static tdag_status crossing(split *s, uint32_t at, tdagi_values *out)
{
    void *v = NULL;
    TDAGI_TRY(tdagi_scratch(s->ctx, &s->arena, s->g->n, sizeof(tdag_value), &v));
    *out = (tdagi_values){v, 0};
    for (uint32_t id = 1; id <= s->g->n; id++)
        if (!s->free_of[id] && s->segment[id] <= at && s->last[id] > at)
            out->v[out->n++] = (tdag_value){id};
    return TDAG_OK;
}

static bool has_nodes(const split *s, uint32_t segment)
{
    for (uint32_t id = 1; id <= s->g->n; id++)
        if (!s->free_of[id] && s->segment[id] == segment &&
            s->g->nodes[id].op != TDAG_OP_INPUT)
            return true;
    return false;
}

static tdag_status cut_chain(split *s, const tdag_model *model, tdag_model **out,
                             uint32_t *n_out)
{
    uint32_t end = 2 * s->n_modules;
    while (end > 0 && !has_nodes(s, end))
        end--;
    tdagi_cut cut = {.of = s->g};
    TDAGI_TRY(tdagi_graph_inputs(s->ctx, s->g, &s->arena, &cut.inputs));
    for (uint32_t at = 0; at <= end; at++) {
        if (at < end && !has_nodes(s, at)) continue;
        if (at < end)
            TDAGI_TRY(crossing(s, at, &cut.outputs));
        else
            TDAGI_TRY(tdagi_graph_outputs(s->ctx, s->g, &s->arena, &cut.outputs));
        TDAGI_TRY(cut_model(s->ctx, model, &cut, *n_out == 0, at == end, &out[*n_out]));
        (*n_out)++;
        cut.inputs = cut.outputs;
    }
    return TDAG_OK;
}

static tdag_status split_model(split *s, const tdag_model *model, tdag_model **out,
                               uint32_t *n_out)
{
    void *free_of = NULL, *segment = NULL, *last = NULL;
    size_t n = s->g->n;
    TDAGI_TRY(tdagi_scratch(s->ctx, &s->arena, n, 1, &free_of));
    TDAGI_TRY(tdagi_scratch(s->ctx, &s->arena, n, sizeof(uint32_t), &segment));
    TDAGI_TRY(tdagi_scratch(s->ctx, &s->arena, n, sizeof(uint32_t), &last));
    s->free_of = free_of;
    s->segment = segment;
    s->last = last;
    tdagi_mark_free(s->g, s->free_of);
    TDAGI_TRY(place(s));
    for (uint32_t i = 0; i < s->n_modules; i++)
        if (!has_nodes(s, 2 * i + 1))
            return tdagi_fail(s->ctx, TDAG_E_ARG,
                              "the model has no node in a module \"%s\"",
                              s->modules[i]);
    find_last_uses(s);
    return cut_chain(s, model, out, n_out);
}

tdag_status tdag_split(tdag_ctx *ctx, const tdag_model *model,
                       const char *const *modules, uint32_t n_modules, tdag_model **out,
                       uint32_t *n_out)
{
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    TDAGI_TRY(tdagi_need(ctx, n_out, "n_out"));
    if (n_modules > 0) TDAGI_TRY(tdagi_need(ctx, modules, "modules"));
    for (uint32_t i = 0; i < n_modules; i++)
        if (modules[i] == NULL || *modules[i] == '\0')
            return tdagi_fail(ctx, TDAG_E_ARG, "module %u has no path", (unsigned)i);
    split s = {.ctx = ctx, .modules = modules, .n_modules = n_modules};
    TDAGI_TRY(tdagi_model_straight(ctx, model, &s.g));
    uint32_t n = 0;
    tdagi_arena_init(&s.arena, &ctx->allocator);
    tdag_status st = split_model(&s, model, out, &n);
    tdagi_arena_free(&s.arena);
    if (st == TDAG_OK) {
        *n_out = n;
        return TDAG_OK;
    }
    while (n > 0)
        tdag_model_free(out[--n]);
    return st;
}
