/* `y = cat([y, row])` in a loop: the graph's output is a sum of two paddings, of an
 * input and of what goes behind it. Where nothing else reads that sum, the graph is run
 * without it. */
#include "run/program/grow.h"

#include <math.h>

#include "ir/graft.h"
#include "program/outline/outline.h"
#include "run/program/append.h"

#define N_PLAIN_RUNS 2

/* ---- finding them ---- */

static const tdagi_node *padding(const tdag_graph *g, tdag_value v)
{
    const tdagi_node *n = tdagi_graph_node(g, v);
    return n->op == TDAG_OP_PAD ? n : NULL;
}

/* Whether it pads by what adds nothing. */
static bool pads_nothing(const tdagi_node *n)
{
    const tdag_pad_spec *s = n->u.spec;
    bool is_float = tdag_dtype_is_float((tdag_dtype)n->dtype);
    return s->mode == TDAG_PAD_CONSTANT && s->value == 0 &&
           (!is_float || signbit(s->value) != 0);
}

static bool is_read(const tdag_graph *g, tdag_value v)
{
    for (uint32_t id = 1; id <= g->n; id++)
        for (uint32_t i = 0; i < g->nodes[id].n_inputs; i++)
            if (tdagi_node_inputs(&g->nodes[id])[i].id == v.id) return true;
    return false;
}

/* Sets the axis along which a is in front of b, each padded to the size of both. */
static bool stand_in_a_row(const tdag_graph *g, const tdagi_node *a,
                           const tdagi_node *b, uint32_t *axis)
{
    const tdag_pad_spec *p = a->u.spec, *q = b->u.spec;
    const tdag_dim *front = tdagi_graph_node(g, a->in.few[0])->shape,
                   *behind = tdagi_graph_node(g, b->in.few[0])->shape;
    uint32_t n = 0;
    for (uint32_t k = 0; k < a->rank; k++) {
        if (p->before.v[k] != 0 || q->after.v[k] != 0) return false;
        if (p->after.v[k] == 0 && q->before.v[k] == 0) continue;
        if (p->after.v[k] != behind[k] || q->before.v[k] != front[k]) return false;
        *axis = k;
        n++;
    }
    return n == 1;
}

/* What goes behind an input in output i; id 0: it is no such output. */
static tdag_value find_grown(const tdag_graph *g, uint32_t i, tdagi_grown *out)
{
    const tdagi_node *n = tdagi_graph_node(g, g->outputs[i]), *a, *b;
    if (n->op != TDAG_OP_ADD || (a = padding(g, n->in.few[0])) == NULL ||
        (b = padding(g, n->in.few[1])) == NULL || !pads_nothing(a) ||
        !pads_nothing(b) || !stand_in_a_row(g, a, b, &out->axis) ||
        is_read(g, g->outputs[i]))
        return TDAG_NO_VALUE;
    out->output = i;
    for (out->input = 0; out->input < g->n_inputs; out->input++)
        if (g->inputs[out->input].id == a->in.few[0].id) return b->in.few[0];
    return TDAG_NO_VALUE;
}

/* ---- the rest of the graph ---- */

static void use_symbol(void *user, uint32_t symbol)
{
    ((tdagi_callee *)user)->uses[symbol] = true;
}

/* given: by output, what the rest gives; live: by id, room. */
static tdag_status make_rest(tdag_ctx *ctx, tdagi_callee *c, const tdag_graph *g,
                             const tdag_value *given, unsigned char *live)
{
    tdag_builder *b = NULL;
    tdagi_graft t;
    TDAGI_TRY(tdagi_builder_create_like(ctx, g, &b));
    tdag_status st = tdagi_graft_init(&t, b, g, NULL);
    if (st == TDAG_OK) {
        for (uint32_t i = 0; i < g->n_outputs; i++)
            live[given[i].id] = 1;
        tdagi_mark_ancestors(g, live);
        for (uint32_t i = 0; i < c->n_grown; i++) {
            uint32_t id = g->inputs[c->grown[i].input].id;
            c->grown[i].is_left_out = live[id] == 0;
            if (live[id] == 0) t.new_of[id] = tdag_add_scalar(b, TDAG_I64, 0);
        }
        for (uint32_t id = 1; id <= g->n; id++)
            if (t.new_of[id].id == 0 &&
                (live[id] != 0 || g->nodes[id].op == TDAG_OP_INPUT))
                tdagi_outline_symbols(g, &g->nodes[id], use_symbol, c);
        tdagi_graft_nodes(&t, live);
        for (uint32_t i = 0; i < g->n_outputs; i++)
            tdag_builder_add_output(b, t.new_of[given[i].id]);
        st = tdag_builder_finish(b, &c->rest);
        tdagi_graft_free(&t);
    }
    tdag_builder_free(b);
    return st;
}

static tdag_status find(tdag_ctx *ctx, tdagi_callee *c, const tdag_graph *g)
{
    void *block = NULL;
    const size_t n_symbols = tdagi_pool_n_symbols(g->pool);
    TDAGI_TRY(tdagi_array_alloc(ctx, g->n_outputs, sizeof *c->grown, &block));
    c->grown = block;
    TDAGI_TRY(tdagi_alloc(ctx, n_symbols + 1, &block));
    c->uses = block;
    TDAGI_TRY(tdagi_array_alloc(ctx, g->n_outputs, sizeof(tdag_value), &block));
    tdag_value *given = block;
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        given[i] = find_grown(g, i, &c->grown[c->n_grown]);
        if (given[i].id != 0)
            c->n_grown++;
        else
            given[i] = g->outputs[i];
    }
    tdag_status st = TDAG_OK;
    if (c->n_grown > 0) {
        st = tdagi_alloc(ctx, (size_t)g->n + 1, &block);
        if (st == TDAG_OK) {
            st = make_rest(ctx, c, g, given, block);
            tdagi_free(ctx, block, (size_t)g->n + 1);
        }
    }
    tdagi_free(ctx, given, g->n_outputs * sizeof(tdag_value));
    return st;
}

void tdagi_callee_free(tdag_ctx *ctx, tdagi_callee *c, const tdag_graph *g)
{
    tdag_graph_free(c->rest);
    if (c->grown != NULL) tdagi_free(ctx, c->grown, g->n_outputs * sizeof *c->grown);
    if (c->uses != NULL) tdagi_free(ctx, c->uses, tdagi_pool_n_symbols(g->pool) + 1);
}

/* ---- running ---- */

static const tdagi_grown *grown_from(const tdagi_callee *c, uint32_t input)
{
    for (uint32_t i = 0; i < c->n_grown; i++)
        if (c->grown[i].input == input) return &c->grown[i];
    return NULL;
}

/* What goes behind has to lie behind. */
static bool all_fit(const tdagi_callee *c, tdag_tensor *const *inputs)
{
    for (uint32_t i = 0; i < c->n_grown; i++)
        for (uint32_t k = 0; k < c->grown[i].axis; k++)
            if (inputs[c->grown[i].input]->shape[k] != 1) return false;
    return true;
}

/* outputs: what goes behind, then the whole. */
static tdag_status append_each(tdag_ctx *ctx, const tdagi_callee *c,
                               tdag_tensor *const *inputs, tdag_tensor **outputs)
{
    for (uint32_t i = 0; i < c->n_grown; i++) {
        const tdagi_grown *is = &c->grown[i];
        tdag_tensor *whole = NULL, **out = &outputs[is->output];
        TDAGI_TRY(tdagi_append_all(ctx, inputs[is->input], *out, is->axis, &whole));
        tdag_tensor_free(*out);
        *out = whole;
    }
    return TDAG_OK;
}

static tdag_status run_rest(tdagi_workshop *w, const tdagi_callee *c,
                            const tdag_graph *g, int64_t *sizes, tdag_tensor **inputs,
                            tdag_tensor **outputs)
{
    void *block = NULL;
    uint32_t n = 0;
    TDAGI_TRY(tdagi_array_alloc(w->ctx, g->n_inputs, sizeof(tdag_tensor *), &block));
    tdag_tensor **args = block;
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        const tdagi_grown *from = grown_from(c, i);
        if (from != NULL && from->is_left_out) continue;
        args[n++] = from == NULL ? inputs[i] : tdag_tensor_copy(inputs[i]);
        if (from == NULL) inputs[i] = NULL;
    }
    for (uint32_t s = 0; s < tdagi_pool_n_symbols(g->pool); s++)
        if (!c->uses[s]) sizes[s] = 1;
    tdag_status st = tdagi_workshop_run(w, c->rest, sizes, args, outputs);
    tdagi_free(w->ctx, args, g->n_inputs * sizeof(tdag_tensor *));
    return st == TDAG_OK ? append_each(w->ctx, c, inputs, outputs) : st;
}

tdag_status tdagi_callee_run(tdagi_workshop *w, tdagi_callee *c, const tdag_graph *g,
                             int64_t *sizes, tdag_tensor **inputs,
                             tdag_tensor **outputs)
{
    tdag_status st = TDAG_OK;
    if (c->n_runs <= N_PLAIN_RUNS && c->n_runs++ == N_PLAIN_RUNS)
        st = find(w->ctx, c, g);
    if (st == TDAG_OK)
        st = c->rest != NULL && all_fit(c, inputs)
                 ? run_rest(w, c, g, sizes, inputs, outputs)
                 : tdagi_workshop_run(w, g, sizes, inputs, outputs);
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        tdag_tensor_free(inputs[i]);
        inputs[i] = NULL;
    }
    return st;
}
