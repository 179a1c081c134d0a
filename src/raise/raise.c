/* tdagi_raise(): the walk over demanded values and the list of kernels.
 *
 * 1. survey: uses, readers and facts of every value, once.
 * 2. demand: values from the last to the first; a demanded one asks the recognisers for
 *    the composite rooted there, which demands its operands. Readers have larger ids
 * than what they read, so one descending pass settles everything.
 * 3. emit: values from the first to the last, synthetic views beside their composite;
 *    then kernels that one operator gives are joined (pair.c).
 */
#include "raise/raiser.h"

#include "raise/contraction/contraction.h"
#include "raise/lead/lead.h"

/* ---- survey ---- */

static uint8_t facts_of(const tdagi_raiser *r, const tdagi_node *n)
{
    if (n->op == TDAG_OP_CONSTANT || n->op == TDAG_OP_IOTA)
        return TDAGI_FACT_CONSTANT | TDAGI_FACT_WEIGHT;
    if (n->op == TDAG_OP_PARAMETER || n->op == TDAG_OP_BUFFER) return TDAGI_FACT_WEIGHT;
    if (n->op == TDAG_OP_INPUT || n->op == TDAG_OP_OPAQUE) return 0;
    uint8_t facts = TDAGI_FACT_CONSTANT | TDAGI_FACT_WEIGHT;
    const tdag_value *in = tdagi_node_inputs(n);
    for (uint32_t i = 0; i < n->n_inputs; i++)
        facts &= r->facts[in[i].id];
    return facts;
}

/* What reads in vain is no reader: it keeps nothing from becoming one kernel. */
static void count_uses(tdagi_raiser *r)
{
    const tdag_graph *g = r->graph;
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        r->uses[g->outputs[i].id]++;
        r->facts[g->outputs[i].id] |= TDAGI_FACT_DEMANDED | TDAGI_FACT_LIVE;
    }
    for (uint32_t id = g->n; id >= 1; id--) {
        const tdagi_node *n = &g->nodes[id];
        const tdag_value *in = tdagi_node_inputs(n);
        if (!(r->facts[id] & TDAGI_FACT_LIVE)) continue;
        for (uint32_t i = 0; i < n->n_inputs; i++) {
            r->uses[in[i].id]++;
            if (r->user[in[i].id] == 0) r->user[in[i].id] = id;
            r->facts[in[i].id] |= TDAGI_FACT_LIVE;
        }
    }
}

static void survey(tdagi_raiser *r)
{
    const tdag_graph *g = r->graph;
    for (uint32_t id = 1; id <= g->n; id++)
        r->facts[id] = facts_of(r, &g->nodes[id]);
    tdagi_mark_sizes(g, r->facts, TDAGI_FACT_SIZE);
    count_uses(r);
}

/* ---- demand ---- */

static tdag_status demand(tdagi_raiser *r)
{
    for (uint32_t id = r->graph->n; id >= 1; id--) {
        if (!(r->facts[id] & TDAGI_FACT_DEMANDED)) continue;
        const tdagi_node *n = &r->graph->nodes[id];
        tdagi_match *m = NULL;
        TDAGI_TRY(tdagi_poll(r->ctx));
        if (n->n_inputs > 0) TDAGI_TRY(tdagi_recognise(r, (tdag_value){id}, &m));
        r->matches[id] = m;
        const tdag_value *in = tdagi_node_inputs(n);
        uint32_t count = m == NULL ? n->n_inputs : m->n_operands;
        for (uint32_t i = 0; i < count; i++) {
            uint32_t operand = m == NULL ? in[i].id : m->operands[i].value.id;
            r->facts[operand] |= TDAGI_FACT_DEMANDED;
        }
    }
    return TDAG_OK;
}

/* ---- emit ---- */

/* Of ops that move, those whose spec says a strided part. */
static bool is_view(uint32_t op, const void *spec, uint32_t rank)
{
    tdagi_op_class c = tdagi_op_class_of(op);
    tdagi_index_map map;
    if (c != TDAGI_CLASS_MOVE) return c == TDAGI_CLASS_VIEW;
    tdagi_op_index(op, &(tdagi_index_call){spec, rank, rank}, &map);
    return tdagi_index_is_strided(&map);
}

static uint32_t count_kernels(const tdagi_raiser *r)
{
    uint32_t n = 0;
    for (uint32_t id = 1; id <= r->graph->n; id++) {
        if (!(r->facts[id] & TDAGI_FACT_DEMANDED)) continue;
        const tdagi_match *m = r->matches[id];
        n++;
        if (m == NULL) continue;
        n += m->n_after;
        for (uint32_t i = 0; i < m->n_operands; i++)
            n += m->operands[i].n_views;
    }
    return n;
}

/* Appends a synthetic view of kernel `from`. */
static tdag_status emit_view(tdagi_raiser *r, tdagi_raised *out, uint32_t from,
                             const tdagi_view *view)
{
    uint32_t *input = tdagi_raiser_dup(r, &from, 1, sizeof(from));
    if (input == NULL) return tdagi_nomem(r->ctx);
    out->kernels[++out->n] = (tdagi_kernel){
        .composite = TDAGI_CORE,
        .op = view->op,
        .dtype = out->kernels[from].dtype,
        .rank = view->rank,
        .is_view = is_view(view->op, view->spec, view->rank),
        .n_inputs = 1,
        .inputs = input,
        .shape = view->shape,
        .spec = view->spec,
    };
    return TDAG_OK;
}

static tdag_status emit_core(tdagi_raiser *r, tdagi_raised *out, tdag_value v)
{
    const tdagi_node *n = tdagi_raiser_node(r, v);
    const tdag_value *in = tdagi_node_inputs(n);
    uint32_t *inputs = tdagi_raiser_alloc(r, n->n_inputs, sizeof(uint32_t));
    tdag_value *covered = tdagi_raiser_dup(r, &v, 1, sizeof(v));
    if (inputs == NULL || covered == NULL) return tdagi_nomem(r->ctx);
    for (uint32_t i = 0; i < n->n_inputs; i++)
        inputs[i] = out->kernel_of[in[i].id];
    const void *spec = tdagi_op_holds_tensor(n->op) ? NULL : n->u.spec;
    out->kernels[++out->n] = (tdagi_kernel){
        .composite = TDAGI_CORE,
        .op = n->op,
        .dtype = n->dtype,
        .rank = n->rank,
        .is_view = is_view(n->op, spec, n->rank),
        .is_size = (r->facts[v.id] & TDAGI_FACT_SIZE) != 0,
        .n_inputs = n->n_inputs,
        .inputs = inputs,
        .shape = n->shape,
        .spec = spec,
        .value = v,
        .n_covered = 1,
        .covered = covered,
    };
    out->kernel_of[v.id] = out->n;
    return TDAG_OK;
}

static tdag_status emit_match(tdagi_raiser *r, tdagi_raised *out, const tdagi_match *m)
{
    const tdagi_node *n = tdagi_raiser_node(r, m->result);
    uint32_t *inputs = tdagi_raiser_alloc(r, m->n_operands, sizeof(uint32_t));
    if (inputs == NULL) return tdagi_nomem(r->ctx);
    for (uint32_t i = 0; i < m->n_operands; i++) {
        const tdagi_operand *operand = &m->operands[i];
        inputs[i] = operand->value.id == 0 ? 0 : out->kernel_of[operand->value.id];
        for (uint32_t j = 0; j < operand->n_views; j++) {
            TDAGI_TRY(emit_view(r, out, inputs[i], &operand->views[j]));
            inputs[i] = out->n;
        }
    }
    bool more = m->n_after > 0;
    out->kernels[++out->n] = (tdagi_kernel){
        .composite = m->composite,
        .is_size = (r->facts[m->result.id] & TDAGI_FACT_SIZE) != 0,
        .dtype = n->dtype,
        .rank = more ? m->rank : n->rank,
        .n_inputs = m->n_operands,
        .inputs = inputs,
        .shape = more ? m->shape : n->shape,
        .spec = m->spec,
        .value = {more ? 0 : m->result.id},
        .n_covered = m->n_covered,
        .covered = m->covered,
    };
    for (uint32_t i = 0; i < m->n_after; i++)
        TDAGI_TRY(emit_view(r, out, out->n, &m->after[i]));
    out->kernels[out->n].value = m->result;
    out->kernel_of[m->result.id] = out->n;
    return TDAG_OK;
}

static tdag_status emit(tdagi_raiser *r, tdagi_raised *out)
{
    size_t n = (size_t)count_kernels(r) + 1;
    void *p = NULL;
    TDAGI_TRY(tdagi_array_alloc(r->ctx, n, sizeof(tdagi_kernel), &p));
    out->kernels = p;
    out->kernels_size = n * sizeof(tdagi_kernel);
    size_t n_values = (size_t)r->graph->n + 1;
    TDAGI_TRY(tdagi_array_alloc(r->ctx, n_values, sizeof(uint32_t), &p));
    out->kernel_of = p;
    out->kernel_of_size = n_values * sizeof(uint32_t);
    for (uint32_t id = 1; id <= r->graph->n; id++) {
        if (!(r->facts[id] & TDAGI_FACT_DEMANDED)) continue;
        if (r->matches[id] != NULL)
            TDAGI_TRY(emit_match(r, out, r->matches[id]));
        else
            TDAGI_TRY(emit_core(r, out, (tdag_value){id}));
    }
    return TDAG_OK;
}

/* ---- the call ---- */

static tdag_status open_raiser(tdagi_raiser *r)
{
    size_t n = (size_t)r->graph->n + 1;
    void *p = NULL;
    TDAGI_TRY(tdagi_array_alloc(r->ctx, n, sizeof(uint32_t), &p));
    r->uses = p;
    TDAGI_TRY(tdagi_array_alloc(r->ctx, n, sizeof(uint32_t), &p));
    r->user = p;
    TDAGI_TRY(tdagi_array_alloc(r->ctx, n, sizeof(uint8_t), &p));
    r->facts = p;
    TDAGI_TRY(tdagi_array_alloc(r->ctx, n, sizeof(tdagi_match *), &p));
    r->matches = p;
    TDAGI_TRY(tdagi_array_alloc(r->ctx, n, sizeof(tdagi_match *), &p));
    r->contractions = p;
    TDAGI_TRY(tdagi_compare_open(r));
    TDAGI_TRY(tdagi_builder_create_like(r->ctx, r->graph, &r->scratch));
    r->pool = tdagi_builder_pool(r->scratch);
    return TDAG_OK;
}

static void close_raiser(tdagi_raiser *r)
{
    size_t n = (size_t)r->graph->n + 1;
    tdagi_free(r->ctx, r->uses, n * sizeof(uint32_t));
    tdagi_free(r->ctx, r->user, n * sizeof(uint32_t));
    tdagi_free(r->ctx, r->facts, n * sizeof(uint8_t));
    tdagi_free(r->ctx, r->matches, n * sizeof(tdagi_match *));
    tdagi_free(r->ctx, r->contractions, n * sizeof(tdagi_match *));
    tdagi_compare_close(r);
    tdagi_maps_close(r);
    tdag_builder_free(r->scratch);
    tdagi_arena_free(&r->arena);
}

static tdag_status raise_into(tdagi_raiser *r, tdagi_raised *out)
{
    TDAGI_TRY(open_raiser(r));
    survey(r);
    TDAGI_TRY(tdagi_find_contractions(r));
    TDAGI_TRY(demand(r));
    if (tdagi_pool_status(r->pool) == TDAG_E_NOMEM) return tdagi_nomem(r->ctx);
    TDAGI_TRY(emit(r, out));
    TDAGI_TRY(tdagi_lead_settle(r, out));
    TDAGI_TRY(tdagi_join_pairs(r, out));
    out->pool = tdagi_pool_clone(r->pool);
    if (out->pool == NULL) return tdagi_nomem(r->ctx);
    out->arena = r->arena;
    tdagi_arena_init(&r->arena, &r->ctx->allocator);
    return TDAG_OK;
}

tdag_status tdagi_raise(tdag_ctx *ctx, const tdag_graph *graph, const bool *by_parts,
                        tdagi_raised **out)
{
    void *p = NULL;
    TDAGI_TRY(tdagi_alloc(ctx, sizeof(tdagi_raised), &p));
    tdagi_raised *raised = p;
    tdagi_arena_init(&raised->arena, &ctx->allocator);
    tdagi_raiser r = {.ctx = ctx, .graph = graph, .by_parts = by_parts};
    tdagi_arena_init(&r.arena, &ctx->allocator);
    raised->graph = tdag_graph_copy(graph);
    tdag_status st = raise_into(&r, raised);
    close_raiser(&r);
    if (st == TDAG_OK)
        *out = raised;
    else
        tdagi_raised_free(raised);
    return st;
}

void tdagi_raised_free(tdagi_raised *raised)
{
    if (raised == NULL) return;
    tdag_allocator a = raised->arena.allocator;
    if (raised->kernels != NULL)
        tdagi_mem_free(&a, raised->kernels, raised->kernels_size);
    if (raised->kernel_of != NULL)
        tdagi_mem_free(&a, raised->kernel_of, raised->kernel_of_size);
    tdagi_pool_free(raised->pool);
    tdag_graph_free(raised->graph);
    tdagi_arena_free(&raised->arena);
    tdagi_mem_free(&a, raised, sizeof(*raised));
}
