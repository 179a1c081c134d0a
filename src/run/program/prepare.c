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

static size_t sizes_size(const tdag_graph *g)
{
    return tdagi_pool_n_symbols(g->pool) * sizeof(int64_t);
}

static void drop(tdagi_workshop *w, tdagi_prepared *p)
{
    if (p->of == NULL) return;
    tdagi_raised_free(p->raised);
    tdag_graph_free(p->graph);
    if (p->sizes != NULL) tdagi_free(w->ctx, p->sizes, sizes_size(p->of));
    memset(p, 0, sizeof *p);
}

void tdagi_workshop_close(tdagi_workshop *w)
{
    for (uint32_t i = 0; i < w->n; i++)
        drop(w, &w->ready[i]);
    w->n = 0;
}

static tdag_status prepare(tdagi_workshop *w, const tdag_graph *g, const int64_t *sizes,
                           tdagi_prepared *p)
{
    void *kept = NULL;
    size_t size = sizes_size(g);
    p->of = g;
    TDAGI_TRY(tdagi_alloc(w->ctx, size, &kept));
    p->sizes = kept;
    if (size > 0) memcpy(kept, sizes, size);
    if (size > 0)
        TDAGI_TRY(tdagi_graph_bind(w->ctx, g, sizes, &p->graph));
    else
        p->graph = tdag_graph_copy(g);
    if (w->engine == TDAG_ENGINE_REFERENCE) return TDAG_OK;
    return tdagi_run_raise(w->ctx, p->graph, &p->raised);
}

static bool is_ready(const tdagi_prepared *p, const tdag_graph *g, const int64_t *sizes)
{
    size_t size = sizes_size(g);
    return p->of == g && (size == 0 || memcmp(p->sizes, sizes, size) == 0);
}

static tdag_status get(tdagi_workshop *w, const tdag_graph *g, const int64_t *sizes,
                       tdagi_prepared **out)
{
    for (uint32_t i = 0; i < w->n; i++)
        if (is_ready(&w->ready[i], g, sizes)) {
            *out = &w->ready[i];
            return TDAG_OK;
        }
    uint32_t at = w->n;
    if (at == TDAGI_N_PREPARED) {
        at = w->next;
        w->next = (w->next + 1) % TDAGI_N_PREPARED;
        drop(w, &w->ready[at]);
    } else {
        w->n++;
    }
    *out = &w->ready[at];
    tdag_status st = prepare(w, g, sizes, *out);
    if (st != TDAG_OK) drop(w, *out);
    return st;
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
        st = tdagi_run_raised(w->ctx, w->blas, p->raised, inputs, outputs);
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        tdag_tensor_free(inputs[i]);
        inputs[i] = NULL;
    }
    return st;
}
