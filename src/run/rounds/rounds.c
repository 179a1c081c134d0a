/* Which loops are such rounds. */
#include "run/rounds/rounds.h"

#include <string.h>

#include "run/rounds/work.h"

/* The kernel of the step's result x; 0: x is none. */
static uint32_t result_kernel(const tdagi_rounds *w, tdagi_var x)
{
    uint32_t i = tdagi_round_position(w->step->results, w->step->n_results, x);
    return i == w->step->n_results ? 0 : w->r->kernel_of[w->r->graph->outputs[i].id];
}

static bool fits(const tdagi_rounds *w, const tdag_graph *g)
{
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        const tdagi_node *n = tdagi_graph_node(g, g->inputs[i]);
        const tdag_tensor *t = tdagi_round_argument(w, i);
        if (t != NULL &&
            (t->rank != n->rank || !tdagi_round_same_dims(n->rank, t->shape, n->shape)))
            return false;
    }
    return true;
}

/* The step as it was run: its inputs tell the sizes of all that has a place here. */
static bool find_step(tdagi_rounds *w)
{
    const tdagi_workshop *shop = &w->f->graphs;
    const tdag_graph *of = w->f->model->graphs[w->step->target].graph;
    for (uint32_t i = 0; i < shop->n && w->r == NULL; i++)
        if (shop->ready[i]->of == of && shop->ready[i]->raised != NULL &&
            fits(w, shop->ready[i]->graph))
            w->r = shop->ready[i]->raised;
    return w->r != NULL;
}

/* Whether the body is the step, and appends of its results. */
static bool match_body(tdagi_rounds *w)
{
    const tdagi_block *body = w->loop->blocks;
    const uint32_t n = w->loop->n_results;
    w->step = body->first;
    for (const tdagi_statement *s = body->first; s != NULL; s = s->next) {
        if (s->kind != TDAGI_CALL || s->n_bindings > 0) return false;
        if (s == w->step) continue;
        uint32_t k = s->n_inputs == 2
                         ? tdagi_round_position(tdagi_round_params(w), n, s->inputs[0])
                         : n;
        if (k == n || !w->f->callees[s->target].is_append ||
            body->yields[k].id != s->results[0].id ||
            tdagi_round_position(w->step->inputs, w->step->n_inputs,
                                 tdagi_round_params(w)[k]) < w->step->n_inputs)
            return false;
        w->used[k] = 0;
        w->results[k] =
            tdagi_round_position(w->step->results, w->step->n_results, s->inputs[1]);
    }
    return w->step != NULL && !w->f->callees[w->step->target].is_append;
}

/* The kernels of what is carried, and its shape: of a list, its rows'. */
static bool match_results(tdagi_rounds *w)
{
    for (uint32_t k = 0; k < w->loop->n_results; k++) {
        const uint32_t is_list = w->used[k] != SIZE_MAX;
        const tdagi_var *of = w->step->results;
        if (is_list && w->results[k] >= w->step->n_results) return false;
        uint32_t i =
            result_kernel(w, is_list ? of[w->results[k]] : w->loop->blocks->yields[k]);
        const tdag_tensor *t = w->now[k];
        const tdagi_kernel *is = tdagi_round_kernel(w, i);
        if (i == 0 || is->dtype != t->dtype || is->rank + is_list != t->rank ||
            !tdagi_round_same_dims(is->rank, is->shape, t->shape + is_list))
            return false;
        w->results[k] = i;
        w->uses[i]++;
        if (!is_list) w->dtype = t->dtype;
        if (!is_list && t->rank > 0) w->rows = t->rank == 2 ? t->shape[0] : 1;
    }
    return true;
}

/* ---- the whole ---- */

static tdag_status take_tables(tdagi_rounds *w)
{
    const size_t n = w->loop->n_results;
    void *results = NULL, *now = NULL, *used = NULL, *owned = NULL, *staged = NULL;
    TDAGI_TRY(tdagi_round_take(w, n, sizeof *w->results, &results));
    TDAGI_TRY(tdagi_round_take(w, n, sizeof *w->now, &now));
    TDAGI_TRY(tdagi_round_take(w, n, sizeof *w->owned, &owned));
    TDAGI_TRY(tdagi_round_take(w, n, sizeof *w->used, &used));
    TDAGI_TRY(tdagi_round_take(w, n, sizeof *w->staged, &staged));
    w->results = results;
    w->now = now;
    w->owned = memset(owned, 0, n * sizeof *w->owned);
    w->staged = staged;
    w->used = memset(used, 0xff, n * sizeof *w->used);
    return TDAG_OK;
}

static tdag_status match(tdagi_rounds *w, tdag_tensor *const *carried, bool *matches)
{
    if (w->loop->n_results == 0) return TDAG_OK;
    TDAGI_TRY(take_tables(w));
    void *places = NULL, *uses = NULL;
    memcpy(w->now, carried, w->loop->n_results * sizeof *w->now);
    if (w->f->graphs.blas == NULL || !match_body(w) || !find_step(w)) return TDAG_OK;
    const size_t n = (size_t)w->r->n + 1;
    TDAGI_TRY(tdagi_round_take(w, n, sizeof *w->places, &places));
    TDAGI_TRY(tdagi_round_take(w, n, sizeof *w->uses, &uses));
    w->places = memset(places, 0, n * sizeof *w->places);
    w->uses = memset(uses, 0, n * sizeof *w->uses);
    if (!match_results(w) || w->rows == 0) return TDAG_OK;
    w->size = tdag_dtype_size(w->dtype);
    w->kernels = tdagi_step_of(w->f->graphs.blas, w->dtype);
    *matches = w->kernels != NULL && tdagi_round_find_places(w);
    return TDAG_OK;
}

tdag_status tdagi_run_rounds(tdagi_execution *f, const tdagi_statement *s,
                             int64_t limit, tdag_tensor **carried, bool *done)
{
    tdagi_rounds w = {.f = f, .loop = s, .limit = limit};
    bool matches = false;
    tdagi_arena_init(&w.arena, &f->ctx->allocator);
    tdag_status st = match(&w, carried, &matches);
    if (st == TDAG_OK && matches) st = tdagi_round_run_all(&w);
    for (uint32_t k = 0; w.owned != NULL && k < s->n_results; k++) {
        tdag_tensor *t = w.owned[k];
        if (matches && st == TDAG_OK) {
            t = carried[k];
            carried[k] = w.owned[k];
        }
        tdag_tensor_free(t);
    }
    tdagi_arena_free(&w.arena);
    *done = matches && st == TDAG_OK;
    return st;
}
