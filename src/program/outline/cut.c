/* Cutting an outline's nodes into graphs. Every node gets a home, the block that
 * computes it, and a place there, the statement before which it is computed: the first
 * one that needs it. Nodes of one home and place are a segment, which becomes a graph
 * and a call of it. Homes are found from the last node to the first, since who uses a
 * value stands behind it: the innermost block around all its users, or the one around a
 * loop that it does not depend on; never outside of an arm of an if, which may not be
 * taken. What only moves elements stays with its users, whose operator it is a part of,
 * but for the end of a product.
 * Nodes without operands, and sizes as data, are copied into each graph that uses
 * them. */
#include <stdio.h>
#include <string.h>

#include "derive/derive.h"
#include "ir/graft.h"
#include "program/outline/outline.h"

typedef struct node_place {
    tdagi_outline_block *home;  /* NULL: nobody needs it, or it is an input */
    tdagi_outline_block *needs; /* the innermost block whose values it depends on */
    uint32_t at;                /* of home: the statement before which it stands */
    uint32_t segment;           /* + 1 */
    bool is_used;               /* by a node or a statement */
    bool is_asked;              /* by a statement, a yield or the method's return */
    bool is_output;             /* of its segment's graph */
    tdagi_var var;              /* once there is one */
} node_place;

typedef struct cutter {
    tdag_ctx *ctx;
    tdagi_outline *o;
    const tdag_graph *g;
    tdagi_model_builder *b;
    node_place *places;             /* by id */
    tdagi_outline_block **bound;    /* by symbol: the block that sees it; NULL: all */
    uint32_t n_symbols, size_graph; /* + 1: of the graph that gives a size; 0: none */
    uint32_t *states;               /* by number in the outline: that in the model */
    unsigned char *is_size;         /* by id: a part of a size as data */
    uint32_t n_segments;
    uint32_t *first; /* [n_segments + 1]: where a segment's part of `members` begins */
    uint32_t *members; /* ids, ascending within a segment */
    const char *method;
    uint32_t n_graphs, n_appends;
    tdag_status status;
} cutter;

static bool is_input(const cutter *c, tdag_value v)
{
    return c->g->nodes[v.id].op == TDAG_OP_INPUT;
}

/* Of no operands: a weight, a constant, an iota; or a size. */
static bool is_free(const cutter *c, tdag_value v)
{
    return (c->g->nodes[v.id].n_inputs == 0 && !is_input(c, v)) || c->is_size[v.id];
}

/* ---- where values belong ---- */

/* The statement of block `in` that holds place (block, at), or is it. */
static uint32_t place_in(const tdagi_outline_block *in,
                         const tdagi_outline_block *block, uint32_t at)
{
    while (block != in) {
        at = block->owner->index;
        block = block->parent;
    }
    return at;
}

static tdagi_outline_block *common(tdagi_outline_block *a, tdagi_outline_block *b)
{
    while (a != b) {
        if (a->depth >= b->depth)
            a = a->parent;
        else
            b = b->parent;
    }
    return a;
}

static bool is_around(const tdagi_outline_block *outer,
                      const tdagi_outline_block *inner)
{
    while (inner->depth > outer->depth)
        inner = inner->parent;
    return inner == outer;
}

static void need(cutter *c, tdag_value v, tdagi_outline_block *block, uint32_t at)
{
    node_place *p = &c->places[v.id];
    if (is_input(c, v)) return;
    if (p->home == NULL) {
        p->home = block;
        p->at = at;
        return;
    }
    tdagi_outline_block *home = common(p->home, block);
    uint32_t one = place_in(home, p->home, p->at), other = place_in(home, block, at);
    p->home = home;
    p->at = one < other ? one : other;
}

static void ask(cutter *c, tdagi_outline_values values, tdagi_outline_block *block,
                uint32_t at)
{
    for (uint32_t i = 0; i < values.n; i++) {
        need(c, values.v[i], block, at);
        c->places[values.v[i].id].is_asked = true;
    }
}

static void bind(cutter *c, tdag_dim symbol, tdagi_outline_block *block)
{
    for (uint32_t i = 0; i < c->n_symbols; i++)
        if (tdagi_dim_has_symbol(c->g->pool, symbol, i)) c->bound[i] = block;
}

/* What statements give and ask for, and how many segments there may be. */
static void walk(cutter *c, tdagi_outline_block *block)
{
    for (uint32_t i = 0; block != &c->o->body && i < block->n_symbols; i++)
        bind(c, block->symbols[i], block);
    for (uint32_t i = 0; i < block->params.n; i++)
        c->places[block->params.v[i].id].needs = block;
    for (tdagi_outline_statement *s = block->first; s != NULL; s = s->next) {
        ask(c, s->inputs, block, s->index);
        for (uint32_t i = 0; i < s->n_bindings; i++)
            bind(c, s->bindings[i].symbol, block);
        for (uint32_t i = 0; i < s->results.n; i++)
            c->places[s->results.v[i].id].needs = block;
        for (uint32_t i = 0; i < s->n_blocks; i++)
            walk(c, s->blocks[i]);
    }
    ask(c, block->yields, block, block->n);
    block->first_segment = c->n_segments;
    c->n_segments += block->n + 1;
}

static void need_symbol(void *user, uint32_t s)
{
    const cutter *c = ((void **)user)[0];
    tdagi_outline_block **needs = ((void **)user)[1], *of = c->bound[s];
    if (of != NULL && of->depth > (*needs)->depth) *needs = of;
}

static void find_needs(cutter *c)
{
    for (uint32_t id = 1; id <= c->g->n; id++) {
        const tdagi_node *n = &c->g->nodes[id];
        tdagi_outline_block **needs = &c->places[id].needs;
        if (*needs == NULL) *needs = &c->o->body;
        if (n->op != TDAG_OP_INPUT)
            tdagi_outline_symbols(c->g, n, need_symbol, (void *[]){c, needs});
        for (uint32_t i = 0; i < n->n_inputs; i++) {
            tdagi_outline_block *of = c->places[tdagi_node_inputs(n)[i].id].needs;
            if (of->depth > (*needs)->depth) *needs = of;
        }
    }
}

/* Before the loops that it does not depend on. */
static void hoist(node_place *p)
{
    while (p->home->repeats && p->needs != p->home && is_around(p->needs, p->home)) {
        p->at = p->home->owner->index;
        p->home = p->home->parent;
    }
}

/* The last node of a product without a bias. */
static bool ends_product(const cutter *c, const tdagi_node *n)
{
    const tdagi_node *sum = &c->g->nodes[n->in.few[0].id];
    return n->op == TDAG_OP_SQUEEZE && sum->op == TDAG_OP_REDUCE &&
           c->g->nodes[sum->in.few[0].id].op == TDAG_OP_MULTIPLY;
}

static void find_homes(cutter *c)
{
    for (uint32_t id = c->g->n; id >= 1; id--) {
        node_place *p = &c->places[id];
        const tdagi_node *n = &c->g->nodes[id];
        if (p->home == NULL) continue;
        if (!tdagi_op_is_movement(n->op) || ends_product(c, n)) hoist(p);
        if (!is_around(p->needs, p->home) && c->status == TDAG_OK)
            c->status = tdagi_fail(c->ctx, TDAG_E_INTERNAL,
                                   "a value of a block is used outside of it");
        p->segment = p->home->first_segment + p->at + 1;
        for (uint32_t i = 0; i < n->n_inputs; i++) {
            tdag_value v = tdagi_node_inputs(n)[i];
            if (!is_free(c, v)) need(c, v, p->home, p->at);
        }
    }
}

static void find_outputs(cutter *c)
{
    for (uint32_t id = 1; id <= c->g->n; id++) {
        node_place *p = &c->places[id];
        const tdagi_node *n = &c->g->nodes[id];
        if (p->home == NULL) continue;
        if (p->is_asked) p->is_output = p->is_used = true;
        for (uint32_t i = 0; i < n->n_inputs; i++) {
            node_place *of = &c->places[tdagi_node_inputs(n)[i].id];
            of->is_used = true;
            if (of->home != NULL && of->segment != p->segment &&
                !is_free(c, tdagi_node_inputs(n)[i]))
                of->is_output = true;
        }
    }
}

static tdag_status sort_members(cutter *c)
{
    void *first = NULL, *members = NULL;
    size_t n = c->n_segments + 2u;
    first = tdagi_arena_array(c->o->arena, n, sizeof(uint32_t));
    members = tdagi_arena_array(c->o->arena, c->g->n + 1u, sizeof(uint32_t));
    if (first == NULL || members == NULL) return tdagi_nomem(c->ctx);
    c->first = first;
    c->members = members;
    memset(first, 0, n * sizeof(uint32_t));
    for (uint32_t id = 1; id <= c->g->n; id++)
        if (c->places[id].home != NULL) c->first[c->places[id].segment + 1]++;
    for (uint32_t s = 1; s < n; s++)
        c->first[s] += c->first[s - 1];
    for (uint32_t id = 1; id <= c->g->n; id++) /* each beginning moves to its end */
        if (c->places[id].home != NULL)
            c->members[c->first[c->places[id].segment]++] = id;
    return TDAG_OK;
}

/* ---- the graphs ---- */

/* A segment while its graph is made. */
typedef struct segment {
    cutter *c;
    const uint32_t *ids;
    uint32_t n;
    tdagi_graft graft;
    tdag_dim *symbols; /* by symbol of the whole graph: its own, or 0 */
    tdagi_var *inputs, *results;
    tdagi_type *types; /* of the results */
    uint32_t n_inputs, n_results;
} segment;

static void use_symbol(void *user, uint32_t i)
{
    segment *s = user;
    int64_t sample;
    if (s->symbols[i] < 0) return;
    const char *name = tdagi_pool_symbol(s->c->g->pool, i, &sample);
    s->symbols[i] = tdagi_dim_symbol(tdagi_builder_pool(s->graft.b), name, sample);
}

static void use_symbols_of(segment *s, tdag_value v)
{
    tdagi_outline_symbols(s->c->g, tdagi_graph_node(s->c->g, v), use_symbol, s);
}

/* An input of a value's type, with its name where it has one of its own. */
static tdag_value input_like(segment *s, tdag_value v)
{
    const tdagi_node *n = tdagi_graph_node(s->c->g, v);
    tdag_dim shape[TDAG_MAX_RANK];
    for (uint32_t i = 0; i < n->rank; i++)
        shape[i] = tdagi_graft_dim(&s->graft, n->shape[i]);
    return tdag_add_input(s->graft.b, n->name, (tdag_dtype)n->dtype, n->rank, shape);
}

static void add_operand(segment *s, tdag_value v)
{
    cutter *c = s->c;
    if (s->graft.new_of[v.id].id != 0) return;
    use_symbols_of(s, v);
    if (is_free(c, v)) {
        const tdagi_node *n = tdagi_graph_node(c->g, v);
        for (uint32_t i = 0; i < n->n_inputs; i++)
            add_operand(s, tdagi_node_inputs(n)[i]);
        tdagi_graft_node(&s->graft, v.id);
        return;
    }
    s->graft.new_of[v.id] = input_like(s, v);
    s->inputs[s->n_inputs++] = c->places[v.id].var;
}

static void add_nodes(segment *s)
{
    cutter *c = s->c;
    for (uint32_t k = 0; k < s->n; k++) {
        const tdagi_node *n = &c->g->nodes[s->ids[k]];
        for (uint32_t i = 0; i < n->n_inputs; i++)
            add_operand(s, tdagi_node_inputs(n)[i]);
        if (s->graft.new_of[s->ids[k]].id != 0) continue;
        use_symbols_of(s, (tdag_value){s->ids[k]});
        tdagi_graft_node(&s->graft, s->ids[k]);
    }
}

static bool is_state(const cutter *c, const tdagi_node *n)
{
    uint32_t i = 0;
    while (i < c->o->n_states &&
           (n->name == NULL || strcmp(c->o->states[i].name, n->name) != 0))
        i++;
    return i < c->o->n_states;
}

/* Weights that nothing uses stay in the file: the method's first graph has them. */
static void add_unused(segment *s)
{
    cutter *c = s->c;
    for (uint32_t id = 1; id <= c->g->n; id++) {
        const tdagi_node *n = &c->g->nodes[id];
        bool is_weight = n->op == TDAG_OP_PARAMETER || n->op == TDAG_OP_BUFFER;
        if (is_weight && !c->places[id].is_used && !is_state(c, n) &&
            s->graft.new_of[id].id == 0)
            tdagi_graft_node(&s->graft, id);
    }
}

static void type_of(cutter *c, tdag_value v, tdagi_type *out)
{
    tdagi_pool *pool = tdagi_method_pool(c->b);
    tdagi_value_type(c->g, v, out);
    for (uint32_t i = 0; i < out->rank && pool != NULL; i++)
        out->shape[i] = tdagi_dim_import(pool, c->g->pool, out->shape[i]);
}

static void add_outputs(segment *s)
{
    for (uint32_t k = 0; k < s->n; k++) {
        tdag_value v = {s->ids[k]};
        if (!s->c->places[v.id].is_output) continue;
        tdag_builder_add_output(s->graft.b, s->graft.new_of[v.id]);
        type_of(s->c, v, &s->types[s->n_results++]);
    }
}

/* The model's graph that computes the same, or this one. */
static uint32_t share_graph(cutter *c, const tdag_graph *graph)
{
    char name[160];
    const tdag_model *made = c->b->made;
    uint32_t i = 0;
    uint32_t n = made == NULL ? 0 : made->n_graphs; /* NULL: no memory */
    while (i < n && !tdagi_graph_computes_equal(made->graphs[i].graph, graph))
        i++;
    if (i < n) return i;
    snprintf(name, sizeof name, "%.120s_%u", c->method, (unsigned)++c->n_graphs);
    return tdagi_model_add_graph(c->b, name, graph);
}

static void add_call(segment *s, const tdag_graph *graph)
{
    cutter *c = s->c;
    tdagi_statement_spec call = {
        .kind = TDAGI_CALL, .inputs = s->inputs, .n_inputs = s->n_inputs};
    call.target = share_graph(c, graph);
    tdagi_program_add(c->b, &call, s->n_results, s->types, s->results);
    uint32_t n = 0;
    for (uint32_t k = 0; k < s->n; k++)
        if (c->places[s->ids[k]].is_output) c->places[s->ids[k]].var = s->results[n++];
}

/* Room for as many inputs and results as there may be. */
static bool take_room(segment *s)
{
    tdagi_arena *arena = s->c->o->arena;
    size_t most = 0;
    for (uint32_t k = 0; k < s->n; k++)
        most += s->c->g->nodes[s->ids[k]].n_inputs;
    size_t n_symbols = tdagi_pool_n_symbols(s->c->g->pool);
    s->inputs = tdagi_arena_array(arena, most + 1, sizeof *s->inputs);
    s->results = tdagi_arena_array(arena, s->n + 1, sizeof *s->results);
    s->types = tdagi_arena_array(arena, s->n + 1, sizeof *s->types);
    s->symbols = tdagi_arena_array(arena, n_symbols + 1, sizeof *s->symbols);
    if (s->symbols != NULL) memset(s->symbols, 0, (n_symbols + 1) * sizeof *s->symbols);
    return s->inputs != NULL && s->results != NULL && s->types != NULL &&
           s->symbols != NULL;
}

static tdag_status make_graph(segment *s)
{
    cutter *c = s->c;
    tdag_builder *b = NULL;
    tdag_graph *graph = NULL;
    if (!take_room(s)) return tdagi_nomem(c->ctx);
    TDAGI_TRY(tdag_builder_create(c->ctx, &b));
    tdag_status st = tdagi_graft_init(&s->graft, b, c->g, s->symbols);
    if (st == TDAG_OK) {
        add_nodes(s);
        if (c->n_graphs == 0) add_unused(s);
        add_outputs(s);
        st = tdag_builder_finish(b, &graph);
        tdagi_graft_free(&s->graft);
    }
    if (st == TDAG_OK) add_call(s, graph);
    tdag_graph_free(graph);
    tdag_builder_free(b);
    return st;
}

static void cut_segment(cutter *c, uint32_t number)
{
    segment s = {.c = c, .ids = c->members + c->first[number]};
    s.n = c->first[number + 1] - c->first[number];
    if (s.n > 0 && c->status == TDAG_OK) c->status = make_graph(&s);
}

/* ---- the statements ---- */

static tdagi_var *vars_of(cutter *c, tdagi_outline_values values)
{
    tdagi_var *vars = tdagi_arena_array(c->o->arena, values.n + 1u, sizeof *vars);
    for (uint32_t i = 0; vars != NULL && i < values.n; i++)
        vars[i] = c->places[values.v[i].id].var;
    if (vars == NULL && c->status == TDAG_OK) c->status = tdagi_nomem(c->ctx);
    return vars;
}

static tdagi_type *types_of(cutter *c, tdagi_outline_values values)
{
    tdagi_type *types = tdagi_arena_array(c->o->arena, values.n + 1u, sizeof *types);
    for (uint32_t i = 0; types != NULL && i < values.n; i++)
        type_of(c, values.v[i], &types[i]);
    if (types == NULL && c->status == TDAG_OK) c->status = tdagi_nomem(c->ctx);
    return types;
}

static void take_vars(cutter *c, tdagi_outline_values values, const tdagi_var *vars)
{
    for (uint32_t i = 0; i < values.n; i++)
        c->places[values.v[i].id].var = vars[i];
}

static tdag_dim dim_of(cutter *c, tdag_dim d)
{
    tdagi_pool *pool = tdagi_method_pool(c->b);
    return d == TDAGI_DIM_BAD || pool == NULL ? d
                                              : tdagi_dim_import(pool, c->g->pool, d);
}

/* The graph that gives a size as a number, one for all: so that a call of it binds a
 * symbol of the method. */
static uint32_t size_graph(cutter *c)
{
    tdag_builder *b = NULL;
    tdag_graph *graph = NULL;
    char name[160];
    if (c->size_graph > 0) return c->size_graph - 1;
    tdag_status st = tdag_builder_create(c->ctx, &b);
    if (st == TDAG_OK) {
        tdag_builder_add_output(b, tdagi_dim_value(b, tdag_builder_symbol(b, "n", 2)));
        st = tdag_builder_finish(b, &graph);
    }
    snprintf(name, sizeof name, "%.120s_size", c->method);
    if (st == TDAG_OK) c->size_graph = tdagi_model_add_graph(c->b, name, graph) + 1;
    if (c->status == TDAG_OK) c->status = st;
    tdag_graph_free(graph);
    tdag_builder_free(b);
    return c->size_graph == 0 ? 0 : c->size_graph - 1;
}

static void cut_block(cutter *c, const tdagi_outline_block *block);

static void cut_inner(cutter *c, const tdagi_outline_block *block)
{
    tdagi_type *types = types_of(c, block->params);
    tdagi_var *params = vars_of(c, block->params);
    tdag_dim *symbols =
        tdagi_arena_array(c->o->arena, block->n_symbols + 1u, sizeof *symbols);
    if (symbols == NULL && c->status == TDAG_OK) c->status = tdagi_nomem(c->ctx);
    if (types == NULL || params == NULL || symbols == NULL) return;
    for (uint32_t i = 0; i < block->n_symbols; i++)
        symbols[i] = dim_of(c, block->symbols[i]);
    tdagi_program_begin_block(c->b, block->params.n, types, block->n_symbols, symbols,
                              params);
    take_vars(c, block->params, params);
    cut_block(c, block);
    const tdagi_var *yields = vars_of(c, block->yields);
    if (yields != NULL) tdagi_program_end_block(c->b, block->yields.n, yields);
}

/* The graph of an append, made once for all tensors that it fits. */
static uint32_t append_of(cutter *c, tdag_value rows)
{
    const tdagi_node *n = tdagi_graph_node(c->g, rows);
    const tdag_model *made = c->b->made;
    tdag_graph *graph = NULL;
    uint32_t target = 0;
    if (c->status == TDAG_OK)
        c->status = tdagi_append_graph(c->ctx, c->g->pool, (tdag_dtype)n->dtype,
                                       n->rank, n->shape, &graph);
    if (graph == NULL) return 0;
    while (target < made->n_graphs &&
           !tdag_graph_equal(made->graphs[target].graph, graph))
        target++;
    if (target == made->n_graphs) {
        char name[32] = "append";
        while (tdagi_name_map_get(&c->b->graphs, name) > 0)
            snprintf(name, sizeof name, "append_%u", (unsigned)++c->n_appends);
        target = tdagi_model_add_graph(c->b, name, graph);
    }
    tdag_graph_free(graph);
    return target;
}

static void cut_statement(cutter *c, const tdagi_outline_statement *s)
{
    tdagi_statement_spec spec = s->what;
    tdagi_binding *bindings =
        tdagi_arena_array(c->o->arena, s->n_bindings + 1u, sizeof *bindings);
    tdagi_type *types = types_of(c, s->results);
    tdagi_var *results = vars_of(c, s->results);
    spec.inputs = vars_of(c, s->inputs);
    spec.n_inputs = s->inputs.n;
    if (spec.kind == TDAGI_READ || spec.kind == TDAGI_WRITE)
        spec.target = c->states[spec.target];
    if (bindings == NULL && c->status == TDAG_OK) c->status = tdagi_nomem(c->ctx);
    if (bindings == NULL || types == NULL || results == NULL || spec.inputs == NULL)
        return;
    for (uint32_t i = 0; i < s->n_bindings; i++)
        bindings[i] = (tdagi_binding){.symbol = dim_of(c, s->bindings[i].symbol),
                                      .bound = dim_of(c, s->bindings[i].bound)};
    if (spec.kind == TDAGI_CALL && s->inputs.n == 2) {
        spec.target = append_of(c, s->inputs.v[0]);
    } else if (spec.kind == TDAGI_CALL) { /* a size that data decides */
        spec.target = size_graph(c);
        bindings[0].value = spec.inputs[0];
        spec.n_inputs = 0;
    }
    spec.bindings = bindings;
    spec.n_bindings = s->n_bindings;
    if (s->n_blocks == 0) {
        tdagi_program_add(c->b, &spec, s->results.n, types, results);
    } else {
        tdagi_program_open(c->b, &spec);
        for (uint32_t i = 0; i < s->n_blocks; i++)
            cut_inner(c, s->blocks[i]);
        tdagi_program_close(c->b, s->results.n, types, results);
    }
    take_vars(c, s->results, results);
}

static void cut_block(cutter *c, const tdagi_outline_block *block)
{
    for (const tdagi_outline_statement *s = block->first; s != NULL; s = s->next) {
        cut_segment(c, block->first_segment + s->index);
        if (c->status == TDAG_OK) cut_statement(c, s);
    }
    cut_segment(c, block->first_segment + block->n);
}

/* ---- the method ---- */

static void begin_method(cutter *c, const char *name)
{
    const tdagi_outline_block *body = &c->o->body;
    tdagi_method_begin(c->b, name);
    for (uint32_t i = 0; i < body->n_symbols; i++)
        tdagi_method_symbol(c->b, dim_of(c, body->symbols[i]));
    for (uint32_t i = 0; i < body->params.n; i++) {
        tdag_value v = body->params.v[i];
        tdagi_type type;
        type_of(c, v, &type);
        c->places[v.id].var =
            tdagi_method_input(c->b, tdagi_graph_node(c->g, v)->name, &type);
    }
}

/* One of that name is another method's, too. */
static void add_states(cutter *c)
{
    c->states = tdagi_arena_array(c->o->arena, c->o->n_states + 1u, sizeof *c->states);
    if (c->states == NULL) c->status = tdagi_nomem(c->ctx);
    for (uint32_t i = 0; c->states != NULL && i < c->o->n_states; i++) {
        const tdagi_outline_state *s = &c->o->states[i];
        uint32_t known = tdagi_name_map_get(&c->b->states, s->name);
        c->states[i] =
            known > 0 ? known - 1
                      : tdagi_model_add_state(c->b, s->name, s->initial, s->symbols);
    }
}

static tdag_status cut(cutter *c)
{
    tdagi_outline_block *body = &c->o->body;
    TDAGI_TRY(tdagi_outline_drop_unused(c->ctx, c->o, c->g));
    walk(c, body);
    find_needs(c);
    find_homes(c);
    TDAGI_TRY(c->status);
    find_outputs(c);
    TDAGI_TRY(sort_members(c));
    add_states(c);
    TDAGI_TRY(c->status);
    begin_method(c, c->method);
    cut_block(c, body);
    const tdagi_var *outputs = vars_of(c, body->yields);
    if (outputs == NULL) return c->status;
    const tdagi_statement_spec ret = {
        .kind = TDAGI_RETURN, .inputs = outputs, .n_inputs = body->yields.n};
    tdagi_program_add(c->b, &ret, 0, NULL, NULL);
    return c->status;
}

tdag_status tdagi_outline_method(tdag_ctx *ctx, tdagi_outline *o, const tdag_graph *g,
                                 const char *method, const tdagi_structure *inputs,
                                 const tdagi_structure *outputs, tdagi_model_builder *b)
{
    cutter c = {.ctx = ctx, .o = o, .g = g, .b = b, .method = method};
    o->body.yields = tdagi_outline_keep(o, g->n_outputs, g->outputs);
    c.n_symbols = tdagi_pool_n_symbols(g->pool);
    c.places = tdagi_arena_array(o->arena, g->n + 1u, sizeof *c.places);
    c.bound = tdagi_arena_array(o->arena, c.n_symbols + 1u, sizeof *c.bound);
    c.is_size = tdagi_arena_array(o->arena, g->n + 1u, 1);
    if (c.places == NULL || c.bound == NULL || c.is_size == NULL || o->is_out_of_memory)
        return tdagi_nomem(ctx);
    if (b->status != TDAG_OK) return b->status;
    memset(c.places, 0, (g->n + 1u) * sizeof *c.places);
    memset(c.bound, 0, (c.n_symbols + 1u) * sizeof *c.bound);
    memset(c.is_size, 0, g->n + 1u);
    tdagi_mark_sizes(g, c.is_size, 1);
    TDAGI_TRY(cut(&c));
    tdagi_method_end(b, inputs, outputs);
    return TDAG_OK;
}

tdag_status tdagi_outline_model(tdag_ctx *ctx, tdagi_outline *o, const tdag_graph *g,
                                const char *method, const tdagi_structure *inputs,
                                const tdagi_structure *outputs, tdag_model **out)
{
    tdagi_model_builder b;
    tdagi_model_begin(&b, ctx);
    tdag_status st = tdagi_outline_method(ctx, o, g, method, inputs, outputs, &b);
    if (st == TDAG_OK) return tdagi_model_finish(&b, out);
    tdagi_model_drop(&b);
    return st;
}

tdag_status tdagi_outline_finish(tdag_ctx *ctx, tdagi_outline *o, tdag_builder *b,
                                 const char *method, const tdagi_structure *inputs,
                                 const tdagi_structure *outputs, tdag_model **out)
{
    tdag_graph *g = NULL;
    if (tdagi_outline_is_straight(o))
        return tdagi_model_of_builder(ctx, b, inputs, outputs, out);
    TDAGI_TRY(tdag_builder_finish(b, &g));
    tdag_status st = tdagi_outline_model(ctx, o, g, method, inputs, outputs, out);
    tdag_graph_free(g);
    if (st != TDAG_OK) return st;
    st = tdagi_model_verify(ctx, *out);
    if (st != TDAG_OK) {
        tdag_model_free(*out);
        *out = NULL;
    }
    return st;
}
