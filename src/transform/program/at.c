/* Symbols of methods replaced: types follow, and a graph that is called at numbers is
 * taken at them, once for all calls at the same ones. */
#include "transform/program/at.h"

#include <string.h>

#include "transform/compose/assign.h"
#include "transform/program/copy.h"

typedef struct made {
    uint32_t number; /* of the graph that it is made of */
    const tdag_dim *sizes;
    const tdagi_method *of;  /* whose sizes they are; NULL: they are numbers */
    const tdag_graph *graph; /* the new model has it */
    struct made *next;
} made;

typedef struct setter {
    tdagi_copier c;
    const char *const *assignments;
    uint32_t n;
    bool *used; /* by assignment */
    made *made;
} setter;

/* ---- symbols ---- */

static bool assigns(const char *assignment, const char *symbol)
{
    const size_t n = strlen(symbol);
    return strncmp(assignment, symbol, n) == 0 && assignment[n] == '=';
}

/* The assignments whose symbols the method has; how many. */
static uint32_t find_own(setter *s, const uint32_t *symbols, const char **own)
{
    const tdagi_method *m = s->c.m;
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        bool has = false;
        for (uint32_t k = 0; k < m->body.n_symbols; k++)
            has |= assigns(s->assignments[i],
                           tdagi_pool_symbol(m->pool, symbols[k], NULL));
        if (has) own[n++] = s->assignments[i];
        s->used[i] |= has;
    }
    return n;
}

static void begin_method(tdagi_copier *c, uint32_t number)
{
    setter *s = c->self;
    const tdagi_method *m = c->m;
    tdagi_pool *pool = tdagi_method_pool(&c->b);
    uint32_t *symbols = tdagi_copier_take(c, m->body.n_symbols, sizeof *symbols);
    const char **own = tdagi_copier_take(c, s->n, sizeof *own);
    (void)number;
    if (own == NULL || pool == NULL) return;
    for (uint32_t i = 0; i < m->body.n_symbols; i++)
        symbols[i] = tdagi_copier_symbol(c, m->body.symbols[i]);
    c->b.status = tdagi_assign(c->ctx, m->pool, symbols, m->body.n_symbols, own,
                               find_own(s, symbols, own), pool, c->dim_of);
    const uint32_t n = tdagi_copier_ok(c) ? tdagi_pool_n_symbols(pool) : 0;
    for (uint32_t i = 0; i < n; i++) {
        int64_t sample;
        const char *name = tdagi_pool_symbol(pool, i, &sample);
        tdagi_method_symbol(&c->b, tdagi_dim_symbol(pool, name, sample));
    }
}

/* ---- calls ---- */

static uint32_t count_numbers(const tdag_dim *sizes, uint32_t n)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; i++)
        count += sizes[i] >= 0;
    return count;
}

static const made *find_made(const setter *s, uint32_t number, const tdag_dim *sizes,
                             uint32_t n)
{
    const made *m = s->made;
    while (m != NULL && (m->number != number || (m->of != NULL && m->of != s->c.m) ||
                         memcmp(m->sizes, sizes, n * sizeof *sizes) != 0))
        m = m->next;
    return m;
}

/* A graph that is called at numbers is one without these symbols. */
static tdag_graph *take_at(tdagi_copier *c, const tdagi_statement *s,
                           tdagi_new_call *call)
{
    setter *set = c->self;
    const uint32_t n = tdagi_pool_n_symbols(call->graph->pool);
    made *own = tdagi_copier_take(c, 1, sizeof *own);
    if (!tdagi_copier_ok(c)) return NULL;
    const uint32_t n_numbers = count_numbers(call->sizes, n);
    if (n_numbers == 0) return NULL;
    const made *before = find_made(set, s->target, call->sizes, n);
    tdag_graph *taken = NULL;
    if (before == NULL) {
        c->b.status = tdagi_graph_at(c, call->graph, call->sizes, &taken);
        if (taken == NULL) return NULL;
        *own = (made){s->target, call->sizes, n_numbers == n ? NULL : c->m, taken,
                      set->made};
        before = set->made = own;
    }
    call->graph = before->graph;
    call->sizes = NULL;
    tdagi_bind_sizes(c, call->graph, call->n_bindings, call->bindings);
    return taken;
}

tdag_status tdagi_program_at(tdag_ctx *ctx, const tdag_model *model,
                             const char *const *assignments, uint32_t n_assignments,
                             tdag_model **out)
{
    void *used = NULL;
    tdag_model *result = NULL;
    const char *equals = NULL;
    for (uint32_t i = 0; i < n_assignments; i++)
        TDAGI_TRY(tdagi_assignment_equals(ctx, assignments[i], &equals));
    TDAGI_TRY(tdagi_array_alloc(ctx, n_assignments, sizeof(bool), &used));
    setter s = {.c = {.symbols = begin_method, .graph = take_at},
                .assignments = assignments,
                .n = n_assignments,
                .used = used};
    s.c.self = &s;
    tdag_status st = tdagi_copy_model(&s.c, ctx, model, &result);
    for (uint32_t i = 0; i < n_assignments && st == TDAG_OK; i++)
        if (!s.used[i])
            st = tdagi_fail(ctx, TDAG_E_ARG, "no method has an input of the size %.*s",
                            (int)strcspn(assignments[i], "="), assignments[i]);
    tdagi_free(ctx, used, n_assignments * sizeof(bool));
    if (st == TDAG_OK)
        *out = result;
    else
        tdag_model_free(result);
    return st;
}
