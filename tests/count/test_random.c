/* Formulas of random programs against what every round counts by itself, at several
 * sizes. TDAG_SEED chooses another first seed, TDAG_COUNT how many. */
#include "program/random_program.h"

#include "evaluate.h"
#include "support/random_graph.h"

enum { MOST_GIVEN = 256, N_SIZES = 6 };

typedef struct trial {
    tdag_ctx *ctx;
    const tdagi_method *m;
    const tdagi_prices *prices;
    rg_random r;
    uint64_t seed;
    int64_t given[MOST_GIVEN]; /* by symbol */
    char texts[MOST_GIVEN][48];
    const char *at[MOST_GIVEN];
    bool used[MOST_GIVEN];
    uint32_t n_at;
} trial;

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

/* Sizes that data decides are said. */
static void give(void *user, const tdagi_statement *s)
{
    trial *t = user;
    for (uint32_t i = 0; is_given(s) && i < s->n_bindings; i++) {
        uint32_t symbol = tdagi_walk_number(t->m->pool, s->bindings[i].symbol);
        assert_true(symbol < MOST_GIVEN);
        t->given[symbol] = rg_in(&t->r, 0, 5);
        snprintf(t->texts[t->n_at], sizeof t->texts[0], "%s=%d",
                 tdagi_pool_symbol(t->m->pool, symbol, NULL), (int)t->given[symbol]);
        t->at[t->n_at] = t->texts[t->n_at];
        t->n_at++;
    }
}

/* A size that the rounds of a loop change by no rule stays a symbol. */
static bool is_open(const tdagi_walk *w)
{
    for (const tdagi_count_symbol *s = w->symbols; s != NULL; s = s->next) {
        bool in_loop = s->statement > 0 && s->kind == TDAGI_SYMBOL_FOUND &&
                       w->rows[s->statement - 1].s->kind == TDAGI_LOOP;
        int64_t number;
        if (in_loop && !tdagi_dim_is_const(w->pool, s->counts_as, &number) &&
            tdagi_pool_symbol_dim(w->pool, tdagi_walk_number(w->pool, s->counts_as)) ==
                s->counts_as &&
            strcmp(tdagi_pool_symbol(w->pool, tdagi_walk_number(w->pool, s->counts_as),
                                     NULL),
                   s->name) == 0)
            return true;
    }
    return false;
}

static bool is_bound(const tdagi_walk *w)
{
    bool bound = false;
    for (uint32_t i = 0; i < w->n_rows; i++)
        bound = bound || w->rows[i].is_bound;
    return bound;
}

/* Values of the walk's symbols. */
static void choose(trial *t, const tdagi_walk *w, evaluation *e, int64_t *values)
{
    uint32_t n = tdagi_pool_n_symbols(w->pool);
    for (uint32_t i = 0; i < n; i++)
        tdagi_pool_symbol(w->pool, i, &values[i]);
    e->state_size = rg_in(&t->r, 0, 5);
    for (const tdagi_count_symbol *s = w->symbols; s != NULL; s = s->next)
        if (s->kind == TDAGI_SYMBOL_STATE && s->counts_as < 0)
            values[tdagi_walk_number(w->pool, s->counts_as)] = e->state_size;
    for (int i = 0; i < EV_MOST_LOOPS; i++)
        e->trips[i] = rg_in(&t->r, 0, 4);
    for (uint32_t i = 0; i < n; i++) {
        const char *name = tdagi_pool_symbol(w->pool, i, NULL);
        unsigned loop = 0;
        if (strcmp(name, "N") == 0) values[i] = rg_in(&t->r, 0, 7);
        if (sscanf(name, "trip_loop%u", &loop) == 1) values[i] = e->trips[loop - 1];
    }
    for (uint32_t i = 0; i < tdagi_pool_n_symbols(t->m->pool); i++)
        e->sizes[i] = values[i];
}

static void compare(trial *t, tdagi_walk *w, const evaluation *e, const int64_t *values,
                    bool bound)
{
    for (int c = 0; c < EV_COLUMNS; c++) {
        int64_t got = 0;
        tdag_dim d = tdagi_ratio_dim(w->pool, w->total[c]);
        assert_true(tdagi_dim_eval(w->pool, d, values, &got));
        if (bound ? got >= e->counts[c] : got == e->counts[c]) continue;
        char text[400], *program = NULL;
        tdagi_dim_text(w->pool, d, text, sizeof text);
        TEST_OK(t->ctx, tdag_model_print(t->ctx, w->model, 0, &program));
        puts(program);
        for (uint32_t i = 0; i < t->n_at; i++)
            print_message("%s ", t->at[i]);
        for (uint32_t i = 0; i < tdagi_pool_n_symbols(w->pool); i++)
            print_message("%s:%lld ", tdagi_pool_symbol(w->pool, i, NULL),
                          (long long)values[i]);
        fail_msg("seed %llu, %s, column %d: %s is %lld, not %lld",
                 (unsigned long long)t->seed, t->m->name, c, text, (long long)got,
                 (long long)e->counts[c]);
    }
}

/* Whether the formulas tell every round. */
static bool try_method(trial *t)
{
    tdagi_walk w;
    int64_t values[MOST_GIVEN + 2 * EV_MOST_LOOPS], sizes[MOST_GIVEN];
    each_statement(&t->m->body, give, t);
    const tdagi_count_at at = {t->at, t->n_at, t->used};
    TEST_OK(t->ctx, tdagi_walk_method(t->ctx, t->prices, t->m, &at, &w));
    bool open = is_open(&w), bound = is_bound(&w);
    evaluation e = {
        .prices = t->prices, .method = t->m, .given = t->given, .sizes = sizes};
    for (int i = 0; i < N_SIZES && !open; i++) {
        choose(t, &w, &e, values);
        evaluate(t->ctx, &e);
        compare(t, &w, &e, values, bound);
    }
    tdagi_walk_free(&w);
    return !open && !bound;
}

static void test_random_programs(void **state)
{
    (void)state;
    uint64_t first = number_of("TDAG_SEED", 1), n = number_of("TDAG_COUNT", 400);
    uint64_t n_exact = 0, n_all = 0;
    tdag_ctx *ctx = test_ctx();
    print_message("seeds %llu to %llu\n", (unsigned long long)first,
                  (unsigned long long)(first + n - 1));
    for (uint64_t seed = first; seed < first + n; seed++) {
        tdag_model *model = NULL;
        tdagi_prices prices;
        TEST_OK(ctx, random_program(ctx, seed, &model));
        TEST_OK(ctx, tdagi_prices_make(ctx, model, &prices));
        for (uint32_t i = 0; i < model->n_methods; i++, n_all++) {
            trial *t = calloc(1, sizeof *t);
            assert_non_null(t);
            t->ctx = ctx;
            t->m = model->methods[i];
            t->prices = &prices;
            t->seed = seed;
            t->r = rg_seeded(seed);
            n_exact += try_method(t);
            free(t);
        }
        tdagi_prices_free(&prices);
        tdag_model_free(model);
    }
    print_message("%llu of %llu methods have exact formulas\n",
                  (unsigned long long)n_exact, (unsigned long long)n_all);
    assert_true(4 * n_exact > 3 * n_all);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_programs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
