/* See evaluate.h. */
#include "evaluate.h"

#include "program/call.h"

enum { UNKNOWN = -1, MOST_STATES = 8 };

typedef struct states {
    int64_t sizes[MOST_STATES][TDAG_MAX_RANK];
    bool written[MOST_STATES];
} states;

typedef struct walker {
    evaluation *e;
    tdagi_pool *pool; /* a clone of the method's, for what calls solve */
    const tdag_model *model;
    const tdagi_method *m;
    int64_t *numbers; /* by value */
    states now;
    const tdagi_statement *loops[EV_MOST_LOOPS];
    uint32_t n_loops;
} walker;

typedef int64_t counts[EV_COLUMNS];

static void eval_block(walker *w, const tdagi_block *block, counts total);

bool is_given(const tdagi_statement *s)
{
    return s->kind == TDAGI_CALL || s->kind == TDAGI_APPLY || s->kind == TDAGI_DRAW;
}

void each_statement(const tdagi_block *block,
                    void (*visit)(void *user, const tdagi_statement *s), void *user)
{
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next) {
        visit(user, s);
        for (uint32_t i = 0; i < s->n_blocks; i++)
            each_statement(&s->blocks[i], visit, user);
    }
}

static int64_t at(const tdagi_pool *pool, tdag_dim d, const int64_t *values)
{
    int64_t n = 0;
    assert_true(tdagi_dim_eval(pool, d, values, &n));
    return n;
}

static int64_t size_of(const walker *w, tdagi_var v, uint32_t axis)
{
    return at(w->m->pool, tdagi_method_var(w->m, v)->shape[axis], w->e->sizes);
}

static int64_t elements(const walker *w, tdagi_var v)
{
    int64_t n = 1;
    for (uint32_t k = 0; k < tdagi_method_var(w->m, v)->rank; k++)
        n *= size_of(w, v, k);
    return n;
}

static void set(walker *w, tdag_dim symbol, int64_t size)
{
    w->e->sizes[tdagi_walk_number(w->m->pool, symbol)] = size;
}

/* ---- calls ---- */

static void eval_call(walker *w, const tdagi_statement *s, counts out)
{
    const tdag_graph *g = w->model->graphs[s->target].graph;
    const tdagi_pool *priced = w->e->prices->pricers[s->target]->pool;
    const uint32_t n = tdagi_pool_n_symbols(g->pool);
    tdag_dim dims[16];
    int64_t sizes[16];
    const char *missing;
    assert_true(n <= 16 && tdagi_pool_n_symbols(priced) <= 16);
    for (uint32_t i = 0; i < 16; i++)
        dims[i] = TDAGI_DIM_BAD;
    for (uint32_t i = 0; i < s->n_bindings; i++)
        dims[s->bindings[i].of] = s->bindings[i].symbol;
    tdagi_call_solve(g, w->m, s->inputs, w->pool, dims);
    TEST_OK(w->e->prices->ctx, tdagi_call_take_names(w->e->prices->ctx, g, w->m->pool,
                                                     NULL, dims, &missing));
    for (uint32_t i = 0; i < n; i++)
        sizes[i] = at(w->pool, dims[i], w->e->sizes);
    const tdag_dim *prices = w->e->prices->counts + s->target * EV_COLUMNS;
    for (int c = 0; c < EV_COLUMNS; c++)
        out[c] += at(priced, prices[c], sizes);
    /* what the random programs' graphs give: 2; n + 1 and n */
    const char *name = w->model->graphs[s->target].name;
    if (strcmp(name, "two") == 0) w->numbers[s->results[0].id] = 2;
    if (strcmp(name, "next") != 0) return;
    int64_t number = w->numbers[s->inputs[0].id];
    w->numbers[s->results[1].id] = number;
    w->numbers[s->results[0].id] = number == UNKNOWN ? UNKNOWN : number + 1;
}

/* ---- state, and what statements find ---- */

static void eval_read(walker *w, const tdagi_statement *s)
{
    const tdagi_var_info *is = tdagi_method_var(w->m, s->results[0]);
    int64_t *sizes = w->now.sizes[s->target];
    for (uint32_t k = 0; k < is->rank; k++) {
        for (uint32_t i = 0; i < s->n_bindings; i++)
            if (is->shape[k] == s->bindings[i].symbol)
                set(w, is->shape[k], sizes[k] != UNKNOWN ? sizes[k] : w->e->state_size);
        sizes[k] = size_of(w, s->results[0], k);
    }
}

static void eval_write(walker *w, const tdagi_statement *s)
{
    for (uint32_t k = 0; k < tdagi_method_var(w->m, s->inputs[0])->rank; k++)
        w->now.sizes[s->target][k] = size_of(w, s->inputs[0], k);
    w->now.written[s->target] = true;
}

static void eval_kernel(const walker *w, const tdagi_statement *s, counts out)
{
    for (int level = 0; level < 3; level++) {
        int64_t *c = out + level * TDAGI_N_COLUMNS;
        c[0] += s->kind != TDAGI_CHECK;
        for (uint32_t i = 0; i < s->n_inputs; i++) {
            int64_t n = elements(w, s->inputs[i]);
            c[3] += n;
            c[5] += n * (int64_t)tdag_dtype_size(
                            tdagi_method_var(w->m, s->inputs[i])->dtype);
        }
        for (uint32_t i = 0; i < s->n_results; i++) {
            int64_t n = elements(w, s->results[i]);
            c[4] += n;
            c[6] += n * (int64_t)tdag_dtype_size(
                            tdagi_method_var(w->m, s->results[i])->dtype);
        }
    }
}

/* ---- blocks ---- */

static void merge(walker *w, const states *other)
{
    for (uint32_t i = 0; i < w->model->n_states; i++) {
        w->now.written[i] = w->now.written[i] || other->written[i];
        for (uint32_t k = 0; k < TDAG_MAX_RANK; k++) {
            int64_t a = w->now.sizes[i][k], b = other->sizes[i][k];
            bool both = a != UNKNOWN && b != UNKNOWN;
            w->now.sizes[i][k] = both || w->now.written[i] ? (a > b ? a : b) : UNKNOWN;
        }
    }
}

static void eval_if(walker *w, const tdagi_statement *s, counts out)
{
    counts arms[2] = {{0}, {0}};
    int64_t found[2][8];
    const states before = w->now;
    states after = before;
    for (int arm = 0; arm < 2; arm++) {
        w->now = before;
        eval_block(w, &s->blocks[arm], arms[arm]);
        for (uint32_t i = 0; i < s->n_results; i++)
            found[arm][i] = tdagi_method_var(w->m, s->results[i])->rank == 0
                                ? 0
                                : size_of(w, s->blocks[arm].yields[i], 0);
        if (arm == 0) after = w->now;
    }
    merge(w, &after);
    for (int c = 0; c < EV_COLUMNS; c++)
        out[c] += arms[0][c] > arms[1][c] ? arms[0][c] : arms[1][c];
    for (uint32_t i = 0; i < s->n_results; i++)
        for (uint32_t k = 0; k < s->n_bindings; k++) {
            const tdagi_var_info *is = tdagi_method_var(w->m, s->results[i]);
            if (is->rank > 0 && is->shape[0] == s->bindings[k].symbol)
                set(w, is->shape[0],
                    found[0][i] > found[1][i] ? found[0][i] : found[1][i]);
        }
}

static void find_written(void *user, const tdagi_statement *s)
{
    bool *written = user;
    if (s->kind == TDAGI_WRITE) written[s->target] = true;
}

static void note_states(walker *w, const tdagi_block *body)
{
    bool written[MOST_STATES] = {false};
    each_statement(body, find_written, written);
    for (uint32_t i = 0; i < w->model->n_states; i++)
        for (uint32_t k = 0; written[i] && k < w->model->states[i].initial->rank; k++)
            if (w->now.sizes[i][k] == UNKNOWN)
                w->now.sizes[i][k] = w->model->states[i].symbols[k] == NULL
                                         ? w->model->states[i].initial->shape[k]
                                         : w->e->state_size;
}

static int64_t trips_of(const walker *w, const tdagi_statement *s)
{
    uint32_t i = 0;
    while (w->loops[i] != s)
        i++;
    int64_t limit = s->has_limit ? w->numbers[s->inputs[0].id] : UNKNOWN;
    return !s->has_condition && limit != UNKNOWN ? limit : w->e->trips[i];
}

static void eval_loop(walker *w, const tdagi_statement *s, counts out)
{
    const tdagi_block *body = &s->blocks[0];
    const tdagi_var *entries = s->inputs + s->has_limit + s->has_condition;
    const tdagi_var *yields = body->yields + s->has_condition;
    int64_t now[8] = {0}, trips = trips_of(w, s);
    assert_true(s->n_results <= 8);
    note_states(w, body);
    for (uint32_t i = 0; i < s->n_results; i++)
        now[i] = tdagi_method_var(w->m, entries[i])->rank == 0
                     ? 0
                     : size_of(w, entries[i], 0);
    for (int64_t round = 0; round < trips; round++) {
        w->numbers[body->params[0].id] = round;
        for (uint32_t i = 0; i < s->n_results; i++) {
            const tdagi_var_info *is = tdagi_method_var(w->m, body->params[i + 1]);
            for (uint32_t k = 0; is->rank > 0 && k < body->n_symbols; k++)
                if (is->shape[0] == body->symbols[k]) set(w, is->shape[0], now[i]);
        }
        eval_block(w, body, out);
        for (uint32_t i = 0; i < s->n_results; i++)
            now[i] = tdagi_method_var(w->m, yields[i])->rank == 0
                         ? 0
                         : size_of(w, yields[i], 0);
    }
    for (uint32_t i = 0; i < s->n_results; i++) {
        const tdagi_var_info *is = tdagi_method_var(w->m, s->results[i]);
        for (uint32_t k = 0; is->rank > 0 && k < s->n_bindings; k++)
            if (is->shape[0] == s->bindings[k].symbol) set(w, is->shape[0], now[i]);
    }
}

static void eval_statement(walker *w, const tdagi_statement *s, counts out)
{
    for (uint32_t i = 0; is_given(s) && i < s->n_bindings; i++) {
        uint32_t symbol = tdagi_walk_number(w->m->pool, s->bindings[i].symbol);
        w->e->sizes[symbol] = w->e->given[symbol];
    }
    if (s->kind == TDAGI_CALL) eval_call(w, s, out);
    if (s->kind == TDAGI_IF) eval_if(w, s, out);
    if (s->kind == TDAGI_LOOP) eval_loop(w, s, out);
    if (s->kind == TDAGI_READ) eval_read(w, s);
    if (s->kind == TDAGI_WRITE) eval_write(w, s);
    bool is_kernel =
        s->kind == TDAGI_DRAW || s->kind == TDAGI_APPLY || s->kind == TDAGI_CHECK;
    if (is_kernel) eval_kernel(w, s, out);
}

static void eval_block(walker *w, const tdagi_block *block, counts total)
{
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next)
        eval_statement(w, s, total);
}

static void note_loop(void *user, const tdagi_statement *s)
{
    walker *w = user;
    if (s->kind != TDAGI_LOOP) return;
    assert_true(w->n_loops < EV_MOST_LOOPS);
    w->loops[w->n_loops++] = s;
}

void evaluate(tdag_ctx *ctx, evaluation *e)
{
    walker *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->e = e;
    w->m = e->method;
    w->model = e->prices->model;
    assert_true(w->model->n_states <= MOST_STATES);
    w->pool = tdagi_pool_clone(w->m->pool);
    w->numbers = malloc((w->m->n_vars + 1u) * sizeof *w->numbers);
    assert_true(w->pool != NULL && w->numbers != NULL);
    for (uint32_t i = 0; i <= w->m->n_vars; i++)
        w->numbers[i] = UNKNOWN;
    memset(w->now.sizes, 0xff, sizeof w->now.sizes); /* UNKNOWN */
    memset(e->counts, 0, sizeof e->counts);
    each_statement(&w->m->body, note_loop, w);
    eval_block(w, &w->m->body, e->counts);
    TEST_OK(ctx, tdagi_pool_report(ctx, w->pool));
    free(w->numbers);
    tdagi_pool_free(w->pool);
    free(w);
}
