/* Models out of models: parts linked by their values, and a part replaced. */
#include <stdio.h>
#include <string.h>

#include <tdagger/compose.h>

#include "transform/compose/cut.h"
#include "transform/compose/instantiate.h"

typedef struct part {
    const tdag_graph *g;
    tdag_value *fed_from;   /* by input: a value of part fed_by; NO_VALUE: not fed */
    uint32_t *fed_by;       /* by input */
    tdag_value *inputs;     /* by input, in the new graph */
    tdag_value *new_of;     /* by value, in the new graph */
    unsigned char *is_used; /* by value: it feeds a part */
} part;

typedef struct composing {
    tdag_ctx *ctx;
    tdagi_arena arena;
    part *parts;
    uint32_t n;
    tdag_compose_options o;
    tdag_builder *b;
} composing;

static tdag_status make_parts(composing *c, const tdag_model *const *models)
{
    void *p = NULL;
    TDAGI_TRY(tdagi_scratch(c->ctx, &c->arena, c->n, sizeof(part), &p));
    c->parts = p;
    for (uint32_t i = 0; i < c->n; i++) {
        if (models[i] == NULL)
            return tdagi_fail(c->ctx, TDAG_E_ARG, "part %u is NULL", (unsigned)i);
        part *q = &c->parts[i];
        TDAGI_TRY(tdagi_model_straight(c->ctx, models[i], &q->g));
        size_t n = q->g->n_inputs;
        void *from = NULL, *by = NULL, *inputs = NULL, *new_of = NULL, *used = NULL;
        TDAGI_TRY(tdagi_scratch(c->ctx, &c->arena, n, sizeof(tdag_value), &from));
        TDAGI_TRY(tdagi_scratch(c->ctx, &c->arena, n, sizeof(uint32_t), &by));
        TDAGI_TRY(tdagi_scratch(c->ctx, &c->arena, n, sizeof(tdag_value), &inputs));
        TDAGI_TRY(
            tdagi_scratch(c->ctx, &c->arena, q->g->n, sizeof(tdag_value), &new_of));
        TDAGI_TRY(tdagi_scratch(c->ctx, &c->arena, q->g->n, 1, &used));
        q->fed_from = from;
        q->fed_by = by;
        q->inputs = inputs;
        q->new_of = new_of;
        q->is_used = used;
    }
    return TDAG_OK;
}

static tdag_status feed(composing *c, uint32_t from, tdag_value v, uint32_t to,
                        uint32_t input)
{
    part *q = &c->parts[to];
    char name[16];
    if (q->fed_from[input].id != 0)
        return tdagi_fail(c->ctx, TDAG_E_ARG, "input %s of part %u is fed twice",
                          tdagi_value_name(q->g, q->g->inputs[input], name),
                          (unsigned)to);
    q->fed_from[input] = v;
    q->fed_by[input] = from;
    c->parts[from].is_used[v.id] = 1;
    return TDAG_OK;
}

static tdag_status link_chain(composing *c)
{
    for (uint32_t i = 0; i + 1 < c->n; i++) {
        const tdag_graph *a = c->parts[i].g, *b = c->parts[i + 1].g;
        if (a->n_outputs != b->n_inputs)
            return tdagi_fail(c->ctx, TDAG_E_ARG,
                              "part %u has %u outputs, part %u takes %u inputs; links "
                              "are needed where parts are no chain",
                              (unsigned)i, (unsigned)a->n_outputs, (unsigned)i + 1,
                              (unsigned)b->n_inputs);
        for (uint32_t k = 0; k < b->n_inputs; k++)
            TDAGI_TRY(feed(c, i, a->outputs[k], i + 1, k));
    }
    return TDAG_OK;
}

static tdag_status link_parts(composing *c)
{
    if (c->o.n_links == 0) return link_chain(c);
    if (c->o.links == NULL) return tdagi_fail(c->ctx, TDAG_E_ARG, "the links are NULL");
    for (uint32_t i = 0; i < c->o.n_links; i++) {
        const tdag_link *l = &c->o.links[i];
        tdag_value v, to;
        if (l->from >= l->to || l->to >= c->n)
            return tdagi_fail(
                c->ctx, TDAG_E_ARG,
                "link %u leads from part %u to part %u: it must lead to a "
                "later one of the %u parts",
                (unsigned)i, (unsigned)l->from, (unsigned)l->to, (unsigned)c->n);
        TDAGI_TRY(tdagi_find_value(c->ctx, c->parts[l->from].g, l->value, &v));
        TDAGI_TRY(tdagi_find_value(c->ctx, c->parts[l->to].g, l->input, &to));
        const tdag_graph *g = c->parts[l->to].g;
        uint32_t input = 0;
        while (input < g->n_inputs && g->inputs[input].id != to.id)
            input++;
        if (input == g->n_inputs)
            return tdagi_fail(c->ctx, TDAG_E_ARG, "%s is no input of part %u", l->input,
                              (unsigned)l->to);
        TDAGI_TRY(feed(c, l->from, v, l->to, input));
    }
    return TDAG_OK;
}

static tdag_status add_parts(composing *c)
{
    char what[32];
    for (uint32_t i = 0; i < c->n; i++) {
        part *q = &c->parts[i];
        snprintf(what, sizeof(what), "part %u", (unsigned)i);
        for (uint32_t k = 0; k < q->g->n_inputs; k++)
            if (q->fed_from[k].id != 0)
                q->inputs[k] = c->parts[q->fed_by[k]].new_of[q->fed_from[k].id];
        const tdagi_instance in = {
            .b = c->b,
            .g = q->g,
            .what = what,
            .prefix = c->o.scopes == NULL ? NULL : c->o.scopes[i],
            .inputs = q->inputs,
            .new_of = q->new_of,
        };
        TDAGI_TRY(tdagi_instantiate(c->ctx, &in));
    }
    bool all = (c->o.flags & TDAG_COMPOSE_ALL_OUTPUTS) != 0;
    for (uint32_t i = 0; i < c->n; i++) {
        const part *q = &c->parts[i];
        for (uint32_t k = 0; k < q->g->n_outputs; k++)
            if (all || !q->is_used[q->g->outputs[k].id])
                tdag_builder_add_output(c->b, q->new_of[q->g->outputs[k].id]);
    }
    return tdag_builder_get_status(c->b);
}

/* The only part that has inputs (outputs) in the whole, with all of them; else n. */
static uint32_t only_part(const composing *c, bool of_inputs)
{
    uint32_t found = c->n;
    for (uint32_t i = 0; i < c->n; i++) {
        const part *q = &c->parts[i];
        uint32_t n = of_inputs ? q->g->n_inputs : q->g->n_outputs, used = 0;
        for (uint32_t k = 0; k < n; k++)
            used += of_inputs ? q->fed_from[k].id != 0
                              : !(c->o.flags & TDAG_COMPOSE_ALL_OUTPUTS) &&
                                    q->is_used[q->g->outputs[k].id];
        if (used == n) continue;
        if (found != c->n || used > 0) return c->n;
        found = i;
    }
    return found;
}

static tdag_status finish(composing *c, const tdag_model *const *models,
                          tdag_model **out)
{
    tdag_graph *whole = NULL, *graph = NULL;
    tdag_status st = tdag_builder_finish(c->b, &whole);
    if (st == TDAG_OK) st = tdagi_graph_prune(c->ctx, whole, &graph);
    if (st == TDAG_OK) {
        uint32_t in = only_part(c, true), results = only_part(c, false);
        st = tdagi_model_create(
            c->ctx, graph, in < c->n ? tdagi_model_inputs(models[in]) : NULL,
            results < c->n ? tdagi_model_outputs(models[results]) : NULL, out);
    }
    tdag_graph_free(graph);
    tdag_graph_free(whole);
    return st;
}

tdag_status tdag_compose(tdag_ctx *ctx, const tdag_model *const *parts,
                         uint32_t n_parts, const tdag_compose_options *options,
                         tdag_model **out)
{
    TDAGI_TRY(tdagi_need(ctx, parts, "parts"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    composing c = {.ctx = ctx, .n = n_parts};
    TDAGI_TRY(tdagi_options_load(ctx, &c.o, sizeof(c.o), options));
    if (n_parts == 0) return tdagi_fail(ctx, TDAG_E_ARG, "there are no parts");
    if (c.o.flags & ~(uint32_t)TDAG_COMPOSE_ALL_OUTPUTS)
        return tdagi_fail(ctx, TDAG_E_ARG, "unknown flags of tdag_compose");
    tdagi_arena_init(&c.arena, &ctx->allocator);
    tdag_status st = make_parts(&c, parts);
    if (st == TDAG_OK) st = link_parts(&c);
    if (st == TDAG_OK) st = tdag_builder_create(ctx, &c.b);
    if (st == TDAG_OK) st = add_parts(&c);
    if (st == TDAG_OK) st = finish(&c, parts, out);
    tdag_builder_free(c.b);
    tdagi_arena_free(&c.arena);
    return st;
}

/* ---- replacing ---- */

typedef struct replacing {
    tdag_ctx *ctx;
    const tdag_graph *g, *by;
    tdagi_arena arena;
    tdagi_cut cut;
    unsigned char *behind; /* by id: depends on an output of the cut, or is one */
    tdag_graph *whole;
} replacing;

static tdag_status check_counts(const replacing *r)
{
    if (r->cut.inputs.n != r->by->n_inputs || r->cut.outputs.n != r->by->n_outputs)
        return tdagi_fail(r->ctx, TDAG_E_ARG,
                          "the replacement has %u inputs and %u outputs, the part has "
                          "%u and %u",
                          (unsigned)r->by->n_inputs, (unsigned)r->by->n_outputs,
                          (unsigned)r->cut.inputs.n, (unsigned)r->cut.outputs.n);
    return TDAG_OK;
}

static tdag_status mark_behind(replacing *r)
{
    void *behind = NULL;
    char name[16];
    TDAGI_TRY(tdagi_scratch(r->ctx, &r->arena, r->g->n, 1, &behind));
    r->behind = behind;
    for (uint32_t i = 0; i < r->cut.outputs.n; i++)
        r->behind[r->cut.outputs.v[i].id] = 1;
    for (uint32_t id = 1; id <= r->g->n; id++) {
        const tdagi_node *n = &r->g->nodes[id];
        const tdag_value *in = tdagi_node_inputs(n);
        for (uint32_t i = 0; i < n->n_inputs; i++)
            r->behind[id] |= r->behind[in[i].id];
    }
    for (uint32_t i = 0; i < r->cut.inputs.n; i++)
        if (r->behind[r->cut.inputs.v[i].id])
            return tdagi_fail(r->ctx, TDAG_E_ARG,
                              "%s cannot feed the replacement: it depends on what the "
                              "replacement stands for",
                              tdagi_value_name(r->g, r->cut.inputs.v[i], name));
    return TDAG_OK;
}

static tdag_status insert(replacing *r, tdagi_graft *t)
{
    void *inputs = NULL, *new_of = NULL;
    TDAGI_TRY(
        tdagi_scratch(r->ctx, &r->arena, r->by->n_inputs, sizeof(tdag_value), &inputs));
    TDAGI_TRY(tdagi_scratch(r->ctx, &r->arena, r->by->n, sizeof(tdag_value), &new_of));
    for (uint32_t i = 0; i < r->cut.inputs.n; i++)
        ((tdag_value *)inputs)[i] = t->new_of[r->cut.inputs.v[i].id];
    const tdagi_instance in = {.b = t->b,
                               .g = r->by,
                               .what = "the replacement",
                               .inputs = inputs,
                               .new_of = new_of};
    TDAGI_TRY(tdagi_instantiate(r->ctx, &in));
    for (uint32_t i = 0; i < r->cut.outputs.n; i++)
        t->new_of[r->cut.outputs.v[i].id] = in.new_of[r->by->outputs[i].id];
    return TDAG_OK;
}

/* What does not depend on the part, then the replacement, then the rest. */
static tdag_status rebuild(replacing *r, tdag_builder *b)
{
    tdagi_graft t;
    TDAGI_TRY(tdagi_graft_init(&t, b, r->g, NULL));
    for (uint32_t id = 1; id <= r->g->n; id++)
        if (!r->behind[id]) tdagi_graft_node(&t, id);
    tdag_status st = tdag_builder_get_status(b);
    if (st == TDAG_OK) st = insert(r, &t);
    if (st == TDAG_OK) st = tdagi_graft_all(&t, NULL, &r->whole);
    tdagi_graft_free(&t);
    return st;
}

static tdag_status find_part(replacing *r, const tdag_replace_options *o)
{
    if (o->module != NULL) {
        if (o->n_inputs > 0 || o->n_outputs > 0)
            return tdagi_fail(r->ctx, TDAG_E_ARG,
                              "a part is named by module or by values, not by both");
        return tdagi_cut_module(r->ctx, r->g, &r->arena, o->module, &r->cut);
    }
    if (o->n_outputs == 0 || o->outputs == NULL || (o->n_inputs > 0 && !o->inputs))
        return tdagi_fail(r->ctx, TDAG_E_ARG, "the part to replace is not named");
    TDAGI_TRY(tdagi_find_values(r->ctx, r->g, &r->arena, o->inputs, o->n_inputs,
                                &r->cut.inputs));
    return tdagi_find_values(r->ctx, r->g, &r->arena, o->outputs, o->n_outputs,
                             &r->cut.outputs);
}

tdag_status tdag_replace(tdag_ctx *ctx, const tdag_model *model,
                         const tdag_replace_options *options,
                         const tdag_model *replacement, tdag_model **out)
{
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    TDAGI_TRY(tdagi_need(ctx, replacement, "replacement"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    tdag_replace_options o;
    TDAGI_TRY(tdagi_options_load(ctx, &o, sizeof(o), options));
    replacing r = {.ctx = ctx};
    TDAGI_TRY(tdagi_model_straight(ctx, model, &r.g));
    TDAGI_TRY(tdagi_model_straight(ctx, replacement, &r.by));
    tdag_builder *b = NULL;
    tdag_graph *graph = NULL;
    tdagi_arena_init(&r.arena, &ctx->allocator);
    tdag_status st = find_part(&r, &o);
    if (st == TDAG_OK) st = check_counts(&r);
    if (st == TDAG_OK) st = mark_behind(&r);
    if (st == TDAG_OK) st = tdagi_builder_create_like(ctx, r.g, &b);
    if (st == TDAG_OK) st = rebuild(&r, b);
    if (st == TDAG_OK) st = tdagi_graph_prune(ctx, r.whole, &graph);
    if (st == TDAG_OK) st = tdagi_model_with_graph(ctx, model, graph, out);
    tdag_graph_free(graph);
    tdag_graph_free(r.whole);
    tdag_builder_free(b);
    tdagi_arena_free(&r.arena);
    return st;
}
