/* The graphs of a program as methods, which its statements call; what the proof needs
 * of each. */
#include <string.h>

#include "torchscript/export/export.h"
#include "torchscript/export/recurrent/recurrent.h"

bool tdagi_export_shows(const tdag_graph *g, uint32_t s)
{
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        const tdagi_node *n = tdagi_graph_node(g, g->inputs[i]);
        for (uint32_t axis = 0; axis < n->rank; axis++) {
            uint32_t symbol;
            int64_t factor, offset;
            if (tdagi_dim_is_affine(g->pool, n->shape[axis], &symbol, &factor,
                                    &offset) &&
                symbol == s)
                return true;
        }
    }
    return false;
}

static void graph_head(tdagi_exporter *e, const char *name, bool *given)
{
    tdagi_text_printf(&e->body, "def %s(self", name);
    for (uint32_t i = 0; i < e->g->n_inputs; i++) {
        tdagi_text arg;
        tdagi_text_init(&arg, e->ctx);
        tdagi_text_printf(&arg, "in%u", (unsigned)i);
        const char *kept = tdagi_export_keep(e, &arg);
        uint32_t kernel = e->r->kernel_of[e->g->inputs[i].id];
        e->arguments[i] = kept;
        if (kernel != 0) e->var[kernel] = kept;
        tdagi_text_printf(&e->body, ", in%u: Tensor", (unsigned)i);
    }
    for (uint32_t s = 0; s < tdagi_pool_n_symbols(e->g->pool); s++) {
        given[s] = !tdagi_export_shows(e->g, s);
        if (given[s])
            tdagi_text_printf(&e->body, ", size_%s: int",
                              tdagi_pool_symbol(e->g->pool, s, NULL));
    }
    tdagi_text_add(&e->body, "):\n");
    tdagi_export_bind_symbols(e, given);
}

/* The kernel that is given as output i. */
static uint32_t returned(const tdagi_exporter *e, uint32_t i)
{
    const tdagi_rnn_loop *l = tdagi_rnn_loop_of_product(e, i);
    return e->r->kernel_of[l != NULL ? l->x.id : e->g->outputs[i].id];
}

/* Products that loops make are not made before them. */
static void give_sequences(tdagi_exporter *e)
{
    for (uint32_t i = 0; i < e->g->n_outputs; i++) {
        uint32_t given = returned(e, i), is = e->r->kernel_of[e->g->outputs[i].id];
        if (given == is) continue;
        e->uses[given]++;
        e->user[given] = 0;
        e->deferred[is] = --e->uses[is] == 0;
    }
}

static void graph_return(tdagi_exporter *e)
{
    const tdag_graph *g = e->g;
    for (uint32_t i = 0; i < g->n_outputs; i++)
        tdagi_export_value(e, returned(e, i));
    tdagi_text_add(&e->body, "    return ");
    for (uint32_t i = 0; i < g->n_outputs && e->body.status == TDAG_OK; i++)
        tdagi_text_printf(&e->body, "%s%s%s%s", g->n_outputs > 1 && i == 0 ? "(" : "",
                          i > 0 ? ", " : "", e->var[returned(e, i)],
                          g->n_outputs > 1 && i + 1 == g->n_outputs ? ")" : "");
    tdagi_text_add(&e->body, "\n");
}

void tdagi_export_forget_modules(tdagi_exporter *e)
{
    for (tdagi_tree_module *m = e->tree.root.next; m != NULL; m = m->next)
        m->var = NULL;
}

static tdag_status write_kernels(tdagi_exporter *e, const char *name)
{
    size_t n = tdagi_pool_n_symbols(e->g->pool) + 1u;
    bool *given = tdagi_arena_array(&e->arena, n, sizeof *given);
    if (given == NULL) return tdagi_nomem(e->ctx);
    tdagi_export_forget_modules(e);
    graph_head(e, name, given);
    give_sequences(e);
    tdagi_export_kernels(e);
    if (e->body.status == TDAG_OK) graph_return(e);
    if (e->body.status == TDAG_OK)
        e->body.status = tdagi_pool_report(e->ctx, e->r->pool);
    return e->body.status;
}

/* What the proof needs of a graph: its kernels, and what their variables are called. */
static tdag_status keep_graph(tdagi_exporter *e, const char *method)
{
    size_t n = e->r->n + 1u;
    tdagi_export_graph *kept = tdagi_arena_alloc(&e->arena, sizeof *kept);
    const char **var = tdagi_arena_array(&e->arena, n, sizeof *var);
    if (kept == NULL || var == NULL) return tdagi_nomem(e->ctx);
    memcpy(var, e->var, n * sizeof *var);
    *kept = (tdagi_export_graph){e->g, method, e->r, var, e->graphs};
    e->graphs = kept;
    e->r = NULL;
    return TDAG_OK;
}

static tdag_status write_graph(tdagi_exporter *e, const tdagi_export_use *use)
{
    TDAGI_TRY(write_kernels(e, use->path));
    /* what gives something else is proven with the statements */
    return tdagi_rnn_loop_of_product(e, TDAGI_RNN_ANY) != NULL
               ? TDAG_OK
               : keep_graph(e, use->path);
}

tdag_status tdagi_export_graph_method(tdagi_exporter *e, uint32_t i)
{
    const tdagi_named_graph *graph = &e->model->graphs[i];
    const tdagi_export_use use = {.run = write_graph, .path = graph->name};
    const tdagi_rnn_loop *loop = tdagi_rnn_loop_by(e, i, NULL);
    if (loop != NULL) {
        tdagi_export_forget_modules(e);
        tdagi_rnn_write_loop(e, loop, graph->name);
        e->g = NULL;
        return e->body.status;
    }
    e->g = graph->graph;
    TDAGI_TRY(tdagi_export_register(e));
    TDAGI_TRY(tdagi_raise(e->ctx, e->g, e->by_parts, &e->r));
    tdag_status st = tdagi_export_raised(e, &use);
    tdagi_raised_free(e->r); /* of one that failed */
    e->r = NULL;
    e->g = NULL;
    return st;
}
