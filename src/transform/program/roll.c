/* The unrolled steps of a recurrence become a loop. The graph of a call comes apart:
 *
 *   entries ... = call NAME_enter(inputs)    what stands before the steps
 *   results ... = loop limit n_steps (i; carried = entries ...) {
 *     ... = call NAME_step(i, ...)           the cell
 *   }
 *   outputs = call NAME_leave(results ...)   what stands behind them
 *
 * A value of the steps that is needed behind them is the last one of what is carried,
 * or all of them are collected: a tensor with a row per step, carried and filled row by
 * row. Where they were stacked or concatenated behind the steps, forwards or backwards,
 * that tensor is the result (raising finds it), else its rows are taken again. */
#include <stdio.h>
#include <string.h>

#include <tdagger/control.h>
#include <tdagger/simplify.h>

#include "derive/derive.h"
#include "ir/graft.h"
#include "program/outline/outline.h"
#include "raise/raise.h"
#include "transform/program/copy.h"
#include "transform/program/recurrence.h"

#define MOST_ROUNDS 64 /* loops that one model is rolled into, one behind the other */

/* What becomes of the values of a node of the steps. */
typedef struct collected {
    bool last, all;    /* the last one is needed; all are */
    bool is_reversed;  /* row t is that of the last step but t */
    uint32_t result;   /* of the loop: the tensor of all */
    uint32_t last_one; /* of the loop: the last value */
} collected;

/* A value that is all steps' values side by side. */
typedef struct joined {
    uint32_t offset, axis; /* of the step; where the steps are in it */
    bool is_concat;        /* along an axis that the values have */
    bool is_there;
} joined;

/* A value that the new graphs hand on. */
typedef struct roller {
    tdagi_copier c;
    tdagi_recurrence r;
    const tdagi_statement *call;
    collected *all;         /* by offset */
    joined *joined;         /* by id */
    unsigned char *is_left; /* by id: stands behind the steps and is needed */
    tdagi_var *var_of;      /* by id: in the new method */
    uint32_t *results;      /* of the loop: node offset; [n_results] */
    uint32_t n_results, n_last, n_all; /* carried, then last ones, then all */
    bool rolled;
} roller;

static bool is_leaf_tensor(const tdag_graph *g, uint32_t id)
{
    return tdagi_op_holds_tensor(g->nodes[id].op);
}

static uint32_t offset_of(const tdagi_recurrence *r, uint32_t id, uint32_t *step_out)
{
    uint32_t at = r->place[id] - 1 - r->first;
    *step_out = at / r->size;
    return at % r->size;
}

/* ---- what is needed behind the steps ---- */

/* Whether a kernel joins the values of one node in all steps, in order or against it.
 */
static bool joins(const roller *w, const tdagi_raised *raised, const tdagi_kernel *k,
                  bool *is_reversed, uint32_t *offset)
{
    const tdagi_recurrence *r = &w->r;
    bool is_join = k->composite == TDAGI_STACK || k->composite == TDAGI_CONCAT;
    if (!is_join || k->n_inputs != r->n_steps || k->value.id == 0 ||
        tdagi_is_outside(r, k->value.id) || tdagi_is_in_steps(r, k->value.id))
        return false;
    bool forwards = true, backwards = true;
    for (uint32_t t = 0; t < r->n_steps; t++) {
        uint32_t step, id = raised->kernels[k->inputs[t]].value.id;
        if (id == 0 || !tdagi_is_in_steps(r, id)) return false;
        uint32_t at = offset_of(r, id, &step);
        if (t == 0) *offset = at;
        if (at != *offset) return false;
        forwards = forwards && step == t;
        backwards = backwards && step == r->n_steps - 1 - t;
    }
    *is_reversed = backwards;
    return forwards || backwards;
}

static tdag_status find_joined(roller *w)
{
    tdagi_raised *raised = NULL;
    TDAGI_TRY(tdagi_raise(w->c.ctx, w->r.g, NULL, &raised));
    for (uint32_t i = 1; i <= raised->n; i++) {
        const tdagi_kernel *k = &raised->kernels[i];
        bool is_reversed;
        uint32_t offset = 0;
        if (!joins(w, raised, k, &is_reversed, &offset)) continue;
        collected *all = &w->all[offset];
        if (all->all && all->is_reversed != is_reversed) continue;
        all->all = true;
        all->is_reversed = is_reversed;
        const tdagi_axis_spec *spec = k->spec;
        w->joined[k->value.id] =
            (joined){offset, (uint32_t)spec->axis, k->composite == TDAGI_CONCAT, true};
    }
    tdagi_raised_free(raised);
    return TDAG_OK;
}

static void need(roller *w, uint32_t id)
{
    const tdagi_recurrence *r = &w->r;
    uint32_t step;
    if (tdagi_is_in_steps(r, id)) {
        collected *all = &w->all[offset_of(r, id, &step)];
        if (step == r->n_steps - 1)
            all->last = true;
        else
            all->all = true;
    }
    w->is_left[id] = 1;
}

/* Which values of the steps are needed, and as what. */
static void find_needed(roller *w)
{
    const tdag_graph *g = w->r.g;
    for (uint32_t k = 0; k < w->r.size; k++)
        w->all[k].all = false;
    for (uint32_t i = 0; i < g->n_outputs; i++)
        need(w, g->outputs[i].id);
    for (uint32_t id = g->n; id > 0; id--) {
        if (!w->is_left[id] || tdagi_is_outside(&w->r, id) ||
            tdagi_is_in_steps(&w->r, id))
            continue;
        if (w->joined[id].is_there) {
            w->all[w->joined[id].offset].all = true;
            continue;
        }
        const tdag_value *in = tdagi_node_inputs(&g->nodes[id]);
        for (uint32_t i = 0; i < g->nodes[id].n_inputs; i++)
            need(w, in[i].id);
    }
}

/* The results of the loop: what is carried anyway, last ones that are not, all. */
static void find_results(roller *w)
{
    const tdagi_recurrence *r = &w->r;
    for (uint32_t i = 0; i < r->n_carried; i++) {
        w->results[w->n_results++] = r->carried[i].offset;
        if (r->carried[i].before == UINT32_MAX)
            w->all[r->carried[i].offset].last_one = i + 1;
    }
    for (uint32_t k = 0; k < r->size; k++) {
        collected *all = &w->all[k];
        if (!all->last || all->last_one != 0 || all->all) continue;
        w->n_last++;
        w->results[w->n_results++] = k;
        all->last_one = w->n_results;
    }
    for (uint32_t k = 0; k < r->size; k++) {
        if (!w->all[k].all) continue;
        w->n_all++;
        w->results[w->n_results++] = k;
        w->all[k].result = w->n_results;
    }
}

/* ---- graphs ---- */

/* A graph that is being made, and the values that its inputs and outputs are. */
typedef struct part {
    roller *w;
    tdag_builder *b;
    tdagi_graft t;
    tdagi_var *inputs;
    uint32_t n_inputs;
    tdag_graph *made;
} part;

static tdag_status begin_part(roller *w, part *p)
{
    memset(p, 0, sizeof *p);
    p->w = w;
    p->inputs = tdagi_copier_take(&w->c, (size_t)w->r.g->n + w->n_results + 1,
                                  sizeof *p->inputs);
    if (p->inputs == NULL) return w->c.b.status;
    TDAGI_TRY(tdagi_builder_create_like(w->c.ctx, w->r.g, &p->b));
    tdag_status st = tdagi_graft_init(&p->t, p->b, w->r.g, NULL);
    if (st == TDAG_OK) return TDAG_OK;
    tdag_builder_free(p->b);
    return st;
}

static tdag_status end_part(part *p, tdag_status st)
{
    tdagi_graft_free(&p->t);
    if (st == TDAG_OK) st = tdag_builder_finish(p->b, &p->made);
    tdag_builder_free(p->b);
    return st;
}

/* An input with the type of a node, or with rows of it, one per step. */
static tdag_value add_input(part *p, uint32_t id, bool rows, tdagi_var is)
{
    tdagi_type type;
    tdagi_value_type(p->w->r.g, (tdag_value){id}, &type);
    if (rows) {
        memmove(type.shape + 1, type.shape, type.rank * sizeof *type.shape);
        type.shape[0] = p->w->r.n_steps;
        type.rank++;
    }
    p->inputs[p->n_inputs++] = is;
    tdag_builder_set_scope(p->b, "");
    return tdag_add_input(p->b, NULL, type.dtype, type.rank, type.shape);
}

/* A value of the graph that is none of its own: a weight, or what the method has. */
static tdag_value outside(part *p, uint32_t id)
{
    tdag_value *v = &p->t.new_of[id];
    if (v->id != 0) return *v;
    if (is_leaf_tensor(p->w->r.g, id)) return tdagi_graft_node(&p->t, id);
    *v = add_input(p, id, false, p->w->var_of[id]);
    if (p->w->r.g->nodes[id].name != NULL)
        tdag_builder_set_name(p->b, *v, p->w->r.g->nodes[id].name);
    return *v;
}

/* Calls it and gives what it gives, in its order. */
static tdagi_var *call_part(part *p, const char *name)
{
    tdagi_copier *c = &p->w->c;
    char full[256];
    snprintf(full, sizeof full, "%.200s_%s", c->model->graphs[p->w->call->target].name,
             name);
    const tdagi_new_call call = {
        .name = full,
        .graph = p->made,
        .sizes = tdagi_copier_new_sizes(c, p->w->call, p->made),
        .inputs = p->inputs,
        .results = tdagi_copier_take(c, p->made->n_outputs, sizeof(tdagi_var))};
    if (call.results != NULL) tdagi_copier_call(c, &call);
    tdag_graph_free(p->made);
    p->made = NULL;
    return call.results;
}

/* ---- before the steps ---- */

/* Marks what is taken from before the steps, but for weights that are copied. */
static void mark_taken(const roller *w, unsigned char *taken)
{
    const tdagi_recurrence *r = &w->r;
    for (uint32_t i = 0; i < r->n_carried; i++)
        taken[r->carried[i].entry] = 1;
    for (uint32_t i = 0; i < r->n_nodes; i++)
        for (uint32_t k = 0; k < r->g->nodes[r->nodes[i].ids[0]].n_inputs; k++)
            if (r->nodes[i].in[k].from == TDAGI_FROM_OUTSIDE &&
                !is_leaf_tensor(r->g, r->nodes[i].in[k].i))
                taken[r->nodes[i].in[k].i] = 1;
    for (uint32_t id = 1; id <= r->g->n; id++)
        if (w->is_left[id] && tdagi_is_outside(r, id) && !is_leaf_tensor(r->g, id))
            taken[id] = 1;
    for (uint32_t i = 0; i < r->g->n_inputs; i++)
        taken[r->g->inputs[i].id] = 0;
}

/* What the loop begins with where there is nothing to begin with: zeros. */
static void add_zeros(part *p, uint32_t result, bool rows)
{
    tdagi_type type;
    const tdagi_recurrence *r = &p->w->r;
    tdagi_value_type(r->g, (tdag_value){tdagi_step_node(r, 0, p->w->results[result])},
                     &type);
    tdag_dim shape[TDAG_MAX_RANK + 1] = {r->n_steps};
    for (uint32_t k = 0; k < type.rank; k++)
        shape[k + rows] = type.shape[k];
    tdag_builder_add_output(p->b,
                            tdagi_full(p->b, type.dtype, type.rank + rows, shape, 0));
}

/* *entries_out: by result of the loop. */
static tdag_status enter(roller *w, tdagi_var **entries_out)
{
    part p;
    const tdag_graph *g = w->r.g;
    uint32_t n = 0;
    unsigned char *taken = tdagi_copier_take(&w->c, g->n, 1);
    unsigned char *live = tdagi_copier_take(&w->c, g->n, 1);
    *entries_out = tdagi_copier_take(&w->c, w->n_results, sizeof **entries_out);
    if (*entries_out == NULL) return w->c.b.status;
    mark_taken(w, taken);
    memcpy(live, taken, g->n + 1u);
    tdagi_mark_ancestors(g, live);
    TDAGI_TRY(begin_part(w, &p));
    for (uint32_t i = 0; i < g->n_inputs; i++)
        if (live[g->inputs[i].id]) outside(&p, g->inputs[i].id);
    for (uint32_t id = 1; id <= g->n; id++)
        if (live[id] && p.t.new_of[id].id == 0) tdagi_graft_node(&p.t, id);
    for (uint32_t id = 1; id <= g->n; id++)
        if (taken[id]) tdag_builder_add_output(p.b, p.t.new_of[id]);
    for (uint32_t i = w->r.n_carried; i < w->n_results; i++)
        add_zeros(&p, i, i >= w->r.n_carried + w->n_last);
    TDAGI_TRY(end_part(&p, TDAG_OK));
    bool is_empty = p.made->n_outputs == 0;
    const tdagi_var *is = is_empty ? NULL : call_part(&p, "enter");
    tdag_graph_free(p.made);
    if (!tdagi_copier_ok(&w->c)) return w->c.b.status;
    for (uint32_t id = 1; id <= g->n; id++)
        if (taken[id]) w->var_of[id] = is[n++];
    for (uint32_t i = 0; i < w->n_results; i++)
        (*entries_out)[i] =
            i < w->r.n_carried ? w->var_of[w->r.carried[i].entry] : is[n++];
    return TDAG_OK;
}

/* ---- the cell ---- */

/* start + i * stride of the step, as an index of one element. */
static tdag_value index_at(part *p, tdag_value i, int64_t start, int64_t stride)
{
    tdag_value at = i;
    if (stride != 1)
        at = tdagi_mul(p->b, at, tdag_add_scalar(p->b, TDAG_I64, (double)stride));
    if (start != 0)
        at = tdagi_add(p->b, at, tdag_add_scalar(p->b, TDAG_I64, (double)start));
    return tdagi_unsqueeze1(p->b, at, 0);
}

/* The part of x that moves with the steps. */
static tdag_value add_moving(part *p, const tdagi_cell_node *n, tdag_value x,
                             tdag_value i)
{
    const tdagi_node *node = &p->w->r.g->nodes[n->ids[0]];
    tdag_dim width = node->shape[n->axis];
    tdag_value at = index_at(p, i, n->start, n->stride);
    if (width != 1) at = tdagi_add(p->b, at, tdag_iota(p->b, width, TDAG_I64));
    if (n->axis != 0) x = tdagi_transpose(p->b, x, 0, n->axis);
    x = tdag_gather(p->b, x, at, 0);
    return n->axis == 0 ? x : tdagi_transpose(p->b, x, 0, n->axis);
}

static tdag_value add_cell_node(part *p, const tdagi_cell_node *n, tdag_value i,
                                const tdag_value *nodes, const tdag_value *carried)
{
    const tdagi_node *node = &p->w->r.g->nodes[n->ids[0]];
    for (uint32_t k = 0; k < node->n_inputs; k++) {
        const tdagi_cell_operand *o = &n->in[k];
        p->t.scratch[k] = o->from == TDAGI_FROM_CELL   ? nodes[o->i]
                          : o->from == TDAGI_FROM_STEP ? carried[o->i]
                                                       : outside(p, o->i);
    }
    tdag_builder_set_scope(p->b, p->w->r.g->scopes[node->scope]);
    tdag_value v = n->is_stepped ? add_moving(p, n, p->t.scratch[0], i)
                                 : tdag_add_node(p->b, (tdag_op)node->op, node->u.spec,
                                                 tdagi_node_def(node)->spec_size,
                                                 p->t.scratch, node->n_inputs);
    tdag_builder_set_name(p->b, v, node->name);
    return v;
}

/* Its inputs are the index, what is carried, and what all steps use. */
static tdag_status make_cell(part *p, const tdagi_var *params)
{
    roller *w = p->w;
    const tdagi_recurrence *r = &w->r;
    tdag_value *nodes = tdagi_copier_take(&w->c, r->n_nodes, sizeof *nodes);
    tdag_value *carried = tdagi_copier_take(&w->c, w->n_results, sizeof *carried);
    if (carried == NULL) return w->c.b.status;
    p->inputs[p->n_inputs++] = params[0];
    tdag_value i = tdag_add_input(p->b, "i", TDAG_I64, 0, NULL);
    for (uint32_t k = 0; k < r->n_carried; k++)
        carried[k] =
            add_input(p, tdagi_step_node(r, 0, w->results[k]), false, params[k + 1]);
    for (uint32_t k = 0; k < r->n_nodes; k++)
        nodes[k] = add_cell_node(p, &r->nodes[k], i, nodes, carried);
    tdag_builder_set_scope(p->b, "");
    for (uint32_t k = 0; k < w->n_results; k++) {
        tdag_value v = nodes[r->node_of[w->results[k]]];
        if (k < r->n_carried && r->carried[k].before != UINT32_MAX)
            v = carried[r->carried[k].before];
        tdag_builder_add_output(p->b, v);
    }
    return TDAG_OK;
}

/* The rows with that of the step in its place, by a call of its own: engines write
 * where the others stand, and exported it is the append of a list. */
static tdag_status put_row(roller *w, uint32_t result, const tdagi_var *params,
                           tdagi_var *row)
{
    part p;
    uint32_t offset = w->results[result], id = tdagi_step_node(&w->r, 0, offset);
    tdagi_row_way way = w->all[offset].is_reversed ? TDAGI_SET_ROW_BACK : TDAGI_SET_ROW;
    TDAGI_TRY(begin_part(w, &p));
    tdag_value v[3] = {add_input(&p, id, true, params[result + 1]),
                       add_input(&p, id, false, *row),
                       tdag_add_input(p.b, NULL, TDAG_I64, 0, NULL)};
    p.inputs[p.n_inputs++] = params[0];
    tdag_builder_add_output(p.b, tdagi_add_row(p.b, way, v));
    TDAGI_TRY(end_part(&p, TDAG_OK));
    const tdagi_var *put = call_part(&p, "put");
    if (tdagi_copier_ok(&w->c)) *row = put[0];
    return w->c.b.status;
}

static tdag_status add_body(roller *w, const tdagi_var *params, tdagi_var **yields_out)
{
    part p;
    TDAGI_TRY(begin_part(w, &p));
    TDAGI_TRY(end_part(&p, make_cell(&p, params)));
    *yields_out = call_part(&p, "step");
    for (uint32_t k = w->n_results - w->n_all; k < w->n_results; k++)
        if (tdagi_copier_ok(&w->c)) TDAGI_TRY(put_row(w, k, params, &(*yields_out)[k]));
    return w->c.b.status;
}

static tdag_status add_loop(roller *w, tdagi_var *entries, tdagi_var **results_out)
{
    tdagi_copier *c = &w->c;
    tdagi_var *yields = NULL;
    tdagi_type *types = tdagi_copier_take(c, (size_t)w->n_results + 1, sizeof *types);
    tdagi_var *inputs = tdagi_copier_take(c, (size_t)w->n_results + 1, sizeof *inputs);
    tdagi_var *params = tdagi_copier_take(c, (size_t)w->n_results + 1, sizeof *params);
    *results_out = tdagi_copier_take(c, w->n_results, sizeof **results_out);
    if (*results_out == NULL) return c->b.status;
    inputs[0] = tdagi_copier_number(c, "steps", w->r.n_steps);
    types[0] = (tdagi_type){.dtype = TDAG_I64};
    for (uint32_t i = 0; i < w->n_results; i++) {
        inputs[i + 1] = entries[i];
        tdagi_copier_type(c, entries[i], &types[i + 1]);
    }
    const tdagi_statement_spec loop = {.kind = TDAGI_LOOP,
                                       .has_limit = true,
                                       .inputs = inputs,
                                       .n_inputs = w->n_results + 1};
    tdagi_program_open(&c->b, &loop);
    tdagi_program_begin_block(&c->b, w->n_results + 1, types, 0, NULL, params);
    if (!tdagi_copier_ok(c)) return c->b.status;
    TDAGI_TRY(add_body(w, params, &yields));
    tdagi_program_end_block(&c->b, w->n_results, yields);
    tdagi_program_close(&c->b, w->n_results, types + 1, *results_out);
    return c->b.status;
}

/* ---- behind the steps ---- */

/* The steps' values, joined along an axis as they were. */
static tdag_value join(part *p, const joined *j, tdag_value rows)
{
    uint32_t rank = tdag_builder_get_rank(p->b, rows);
    int64_t order[TDAG_MAX_RANK + 1], runs[TDAG_MAX_RANK + 1];
    for (uint32_t k = 0; k < rank; k++)
        order[k] = k < j->axis ? k + 1 : k == j->axis ? 0 : k;
    if (j->axis > 0) rows = tdag_permute(p->b, rows, (tdag_list){rank, order});
    for (uint32_t k = 0; k + 1 < rank; k++)
        runs[k] = k == j->axis ? 2 : 1;
    return j->is_concat ? tdag_group(p->b, rows, (tdag_list){rank - 1, runs}) : rows;
}

/* A value of the old graph, from what is there behind the steps. */
static tdag_value get(part *p, tdag_value *rows, const tdagi_var *results, uint32_t id)
{
    roller *w = p->w;
    tdag_value *v = &p->t.new_of[id];
    bool is_joined = w->joined[id].is_there;
    uint32_t step = 0;
    if (v->id != 0 || !tdagi_builder_ok(p->b)) return *v;
    if (tdagi_is_outside(&w->r, id)) return outside(p, id);
    uint32_t offset = is_joined ? w->joined[id].offset : offset_of(&w->r, id, &step);
    const collected *all = &w->all[offset];
    uint32_t node = tdagi_step_node(&w->r, 0, offset);
    tdag_builder_set_scope(p->b, w->r.g->scopes[w->r.g->nodes[id].scope]);
    if (!is_joined && step == w->r.n_steps - 1 && all->last_one != 0)
        return *v = add_input(p, node, false, results[all->last_one - 1]);
    if (rows[offset].id == 0)
        rows[offset] = add_input(p, node, true, results[all->result - 1]);
    if (is_joined) return *v = join(p, &w->joined[id], rows[offset]);
    if (all->is_reversed) step = w->r.n_steps - 1 - step;
    return *v = tdagi_select1(p->b, rows[offset], 0, step);
}

/* The value of the method that a value of the graph is already; none. */
static tdagi_var known(const roller *w, const tdagi_var *results, uint32_t id)
{
    uint32_t step;
    if (tdagi_is_outside(&w->r, id)) return w->var_of[id];
    if (!tdagi_is_in_steps(&w->r, id)) return TDAG_NO_VAR;
    const collected *all = &w->all[offset_of(&w->r, id, &step)];
    bool is_last = step == w->r.n_steps - 1 && all->last_one != 0;
    return is_last ? results[all->last_one - 1] : TDAG_NO_VAR;
}

static tdag_status leave(roller *w, const tdagi_var *results)
{
    part p;
    const tdag_graph *g = w->r.g;
    tdag_value *rows = tdagi_copier_take(&w->c, w->r.size, sizeof *rows);
    if (rows == NULL) return w->c.b.status;
    TDAGI_TRY(begin_part(w, &p));
    for (uint32_t id = 1; id <= g->n; id++) {
        if (!w->is_left[id] || w->joined[id].is_there || tdagi_is_outside(&w->r, id) ||
            tdagi_is_in_steps(&w->r, id))
            continue;
        const tdag_value *in = tdagi_node_inputs(&g->nodes[id]);
        for (uint32_t k = 0; k < g->nodes[id].n_inputs; k++)
            get(&p, rows, results, in[k].id);
        tdagi_graft_node(&p.t, id);
    }
    for (uint32_t i = 0; i < g->n_outputs; i++)
        if (known(w, results, g->outputs[i].id).id == 0)
            tdag_builder_add_output(p.b, get(&p, rows, results, g->outputs[i].id));
    TDAGI_TRY(end_part(&p, TDAG_OK));
    uint32_t n = 0;
    const tdagi_var *is = p.made->n_outputs == 0 ? NULL : call_part(&p, "leave");
    tdag_graph_free(p.made);
    for (uint32_t i = 0; i < g->n_outputs && tdagi_copier_ok(&w->c); i++) {
        tdagi_var v = known(w, results, g->outputs[i].id);
        if (v.id == 0) v = is[n++];
        tdagi_copier_name(&w->c, &w->call->results[i], &v, 1);
    }
    return w->c.b.status;
}

/* ---- calls ---- */

static tdag_status roll(roller *w)
{
    tdagi_copier *c = &w->c;
    const tdag_graph *g = w->r.g;
    tdagi_var *entries = NULL, *results = NULL;
    w->n_results = w->n_last = w->n_all = 0;
    w->all = tdagi_copier_take(c, w->r.size, sizeof *w->all);
    w->joined = tdagi_copier_take(c, g->n, sizeof *w->joined);
    w->is_left = tdagi_copier_take(c, g->n, 1);
    w->var_of = tdagi_copier_take(c, g->n, sizeof *w->var_of);
    w->results = tdagi_copier_take(c, w->r.n_carried + 2 * (size_t)w->r.size,
                                   sizeof *w->results);
    if (w->results == NULL) return c->b.status;
    for (uint32_t i = 0; i < g->n_inputs; i++)
        w->var_of[g->inputs[i].id] = c->var_of[w->call->inputs[i].id];
    TDAGI_TRY(find_joined(w));
    find_needed(w);
    find_results(w);
    TDAGI_TRY(enter(w, &entries));
    TDAGI_TRY(add_loop(w, entries, &results));
    return leave(w, results);
}

static bool do_statement(tdagi_copier *c, const tdagi_statement *s)
{
    roller *w = c->self;
    if (s->kind != TDAGI_CALL || s->n_bindings > 0) return false;
    c->b.status = tdagi_find_recurrence(c->ctx, c->model->graphs[s->target].graph,
                                        &c->arena, &w->r);
    if (!tdagi_copier_ok(c) || w->r.n_steps == 0) return false;
    w->call = s;
    w->rolled = true;
    c->b.status = roll(w);
    return true;
}

/* *model is replaced. */
static tdag_status roll_once(tdag_ctx *ctx, tdag_model **model, bool *rolled)
{
    void *block = NULL;
    tdag_model *made = NULL, *simple = NULL;
    TDAGI_TRY(tdagi_alloc(ctx, sizeof(roller), &block));
    roller *w = block;
    w->c.self = w;
    w->c.statement = do_statement;
    tdag_status st = tdagi_copy_model(&w->c, ctx, *model, &made);
    *rolled = w->rolled;
    tdagi_free(ctx, block, sizeof *w);
    if (st == TDAG_OK) st = tdag_simplify(ctx, made, NULL, &simple);
    tdag_model_free(made);
    if (st != TDAG_OK) return st;
    tdag_model_free(*model);
    *model = simple;
    return TDAG_OK;
}

tdag_status tdag_roll(tdag_ctx *ctx, const tdag_model *model, tdag_model **out)
{
    tdag_model *now = NULL;
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    TDAGI_TRY(tdag_simplify(ctx, model, NULL, &now));
    bool rolled = true;
    tdag_status st = TDAG_OK;
    for (int i = 0; i < MOST_ROUNDS && rolled && st == TDAG_OK; i++)
        st = roll_once(ctx, &now, &rolled);
    if (st == TDAG_OK)
        *out = now;
    else
        tdag_model_free(now);
    return st;
}
