/* Graphs ready to run. */
#include "run/program/prepare.h"

#include <string.h>

#include "run/run.h"

void tdagi_workshop_open(tdagi_workshop *w, tdag_ctx *ctx, tdag_engine engine)
{
    memset(w, 0, sizeof *w);
    w->ctx = ctx;
    w->engine = engine;
    if (engine != TDAG_ENGINE_REFERENCE) w->blas = tdagi_blas_get(ctx);
}

static void free_prepared(tdagi_left *left)
{
    tdagi_prepared *p = (tdagi_prepared *)left;
    const tdag_allocator a = p->allocator;
    if (p->raised != NULL) tdagi_arena_free(&p->plan.arena);
    tdagi_raised_free(p->raised);
    tdag_graph_free(p->graph);
    tdagi_mem_free(&a, p, sizeof *p + p->n_symbols * sizeof *p->sizes);
}

/* Without symbols a graph is its own bound one. What lies with it must not hold it. */
static void hold(tdagi_prepared *p, bool holds)
{
    tdag_graph *of = holds ? (tdag_graph *)(uintptr_t)p->of : NULL;
    if (p->n_symbols > 0) return;
    tdag_graph_free(p->graph);
    p->graph = tdag_graph_copy(of);
    if (p->raised == NULL) return;
    tdag_graph_free(p->raised->graph);
    p->raised->graph = tdag_graph_copy(of);
}

static bool is_of(const tdagi_prepared *p, const tdag_graph *g, const int64_t *sizes)
{
    return p->of == g && (p->n_symbols == 0 ||
                          memcmp(p->sizes, sizes, p->n_symbols * sizeof *sizes) == 0);
}

/* What an earlier run left, if it is of these sizes; or NULL. */
static tdagi_prepared *take_left(const tdagi_workshop *w, const tdag_graph *g,
                                 const int64_t *sizes)
{
    tdagi_prepared *p =
        w->engine == TDAG_ENGINE_REFERENCE ? NULL : (void *)tdagi_graph_take_left(g);
    if (p == NULL) return NULL;
    if (!is_of(p, g, sizes)) {
        tdagi_graph_leave(g, &p->left);
        return NULL;
    }
    hold(p, true);
    return p;
}

/* An end: of what another context may use, the allocator has to live as long as the
 * graph. */
static void leave(tdagi_prepared *p)
{
    const tdag_allocator *of = &p->of->allocator;
    const bool stays = p->raised != NULL && p->allocator.realloc == of->realloc &&
                       p->allocator.user == of->user;
    if (stays) {
        hold(p, false);
        tdagi_graph_leave(p->of, &p->left);
    } else {
        free_prepared(&p->left);
    }
}

void tdagi_workshop_close(tdagi_workshop *w)
{
    for (uint32_t i = 0; i < w->n; i++)
        leave(w->ready[i]);
    w->n = 0;
}

static tdag_status prepare(tdagi_workshop *w, const tdag_graph *g, const int64_t *sizes,
                           tdagi_prepared **out)
{
    const size_t n = tdagi_pool_n_symbols(g->pool), size = n * sizeof *sizes;
    void *made = NULL;
    TDAGI_TRY(tdagi_alloc(w->ctx, sizeof(tdagi_prepared) + size, &made));
    tdagi_prepared *p = made;
    *p = (tdagi_prepared){.left = {free_prepared},
                          .allocator = w->ctx->allocator,
                          .of = g,
                          .n_symbols = n};
    if (n > 0) memcpy(p->sizes, sizes, size);
    tdag_status st = TDAG_OK;
    if (n > 0)
        st = tdagi_graph_bind(w->ctx, g, sizes, &p->graph);
    else
        p->graph = tdag_graph_copy(g);
    if (st == TDAG_OK && w->engine != TDAG_ENGINE_REFERENCE)
        st = tdagi_run_raise(w->ctx, p->graph, &p->raised);
    if (p->raised != NULL) st = tdagi_native_plan_make(w->ctx, p->raised, &p->plan);
    if (st != TDAG_OK)
        free_prepared(&p->left);
    else
        *out = p;
    return st;
}

static tdag_status get(tdagi_workshop *w, const tdag_graph *g, const int64_t *sizes,
                       tdagi_prepared **out)
{
    for (uint32_t i = 0; i < w->n; i++)
        if (is_of(w->ready[i], g, sizes)) {
            *out = w->ready[i];
            return TDAG_OK;
        }
    *out = take_left(w, g, sizes);
    if (*out == NULL) TDAGI_TRY(prepare(w, g, sizes, out));
    uint32_t at = w->n;
    if (at == TDAGI_N_PREPARED) {
        at = w->next;
        w->next = (w->next + 1) % TDAGI_N_PREPARED;
        free_prepared(&w->ready[at]->left);
    } else {
        w->n++;
    }
    w->ready[at] = *out;
    return TDAG_OK;
}

tdag_status tdagi_workshop_run(tdagi_workshop *w, const tdag_graph *g,
                               const int64_t *sizes, tdag_tensor **inputs,
                               tdag_tensor **outputs)
{
    tdagi_prepared *p = NULL;
    tdag_status st = get(w, g, sizes, &p);
    if (st == TDAG_OK && p->raised == NULL)
        st = tdagi_run_reference_on(w->ctx, p->graph, inputs, outputs);
    else if (st == TDAG_OK)
        st = tdagi_run_raised(w->ctx, p->raised, &p->plan, inputs, outputs);
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        tdag_tensor_free(inputs[i]);
        inputs[i] = NULL;
    }
    return st;
}
