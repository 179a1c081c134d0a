/* Random graphs: a dimension is added, and the graph run on a batch gives what the
 * graph gives for each sample; the dimension is removed again, and it computes the
 * same. */
#include <tdagger/axis.h>

#include "base/tensor.h"
#include "support/random_graph.h"

#define B 3

/* The parts of t along an axis put together: t[i] = parts[i]. */
static tdag_tensor *stacked(tdag_ctx *ctx, tdag_tensor *const *parts, uint32_t axis)
{
    int64_t shape[TDAG_MAX_RANK], before = 1;
    const tdag_tensor *p = parts[0];
    tdag_tensor *t = NULL;
    for (uint32_t i = 0; i <= p->rank; i++)
        shape[i] = i == axis ? B : p->shape[i < axis ? i : i - 1];
    for (uint32_t i = 0; i < axis; i++)
        before *= shape[i];
    TEST_OK(ctx, tdag_tensor_create(ctx, p->dtype, p->rank + 1, shape, &t));
    size_t run = before == 0 ? 0 : p->size / (size_t)before;
    for (int64_t o = 0; o < before && run > 0; o++)
        for (int64_t i = 0; i < B; i++)
            memcpy((unsigned char *)t->data + (size_t)(o * B + i) * run,
                   (unsigned char *)parts[i]->data + (size_t)o * run, run);
    return t;
}

typedef struct setting {
    uint64_t seed;
    uint32_t axis;
    const char *names[64]; /* of the inputs that get the dimension */
    uint32_t n_names;
    char buffers[64][16];
} setting;

static bool chosen(const setting *s, const char *name)
{
    for (uint32_t i = 0; i < s->n_names; i++)
        if (strcmp(s->names[i], name) == 0) return true;
    return s->n_names == 0;
}

static const char *name_of(const tdag_graph *g, uint32_t i, char buf[16])
{
    return tdagi_value_name(g, tdag_graph_get_input(g, i), buf);
}

/* Some of the inputs at times, and an axis that fits all of them and the outputs. */
static void choose(setting *s, rg_random *r, const tdag_graph *g)
{
    uint32_t n = tdag_graph_get_n_inputs(g), least = 2;
    s->n_names = 0;
    for (uint32_t i = 0; i < n && i < 64 && rg_chance(r, 60); i++)
        if (rg_chance(r, 70)) s->names[s->n_names++] = name_of(g, i, s->buffers[i]);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t rank = tdag_graph_get_node(g, tdag_graph_get_input(g, i)).rank;
        if (rank < least) least = rank;
    }
    for (uint32_t i = 0; i < tdag_graph_get_n_outputs(g); i++) {
        uint32_t rank = tdag_graph_get_node(g, tdag_graph_get_output(g, i)).rank;
        if (rank < least) least = rank;
    }
    s->axis = (uint32_t)rg_in(r, 0, least);
}

/* The outputs of a graph on each sample. */
static void run_samples(tdag_ctx *ctx, const tdag_graph *g, tdag_tensor **samples[B],
                        tdag_tensor **results[B], const setting *s)
{
    for (uint32_t i = 0; i < B; i++)
        if (rg_run(ctx, g, samples[i], &results[i]) != TDAG_OK)
            fail_msg("seed %llu: sample %u: %s", (unsigned long long)s->seed, i,
                     tdag_ctx_get_error(ctx)->message);
}

/* Not where it looks something up in nothing. */
static bool can_run(tdag_ctx *ctx, const tdag_graph *g, tdag_tensor *const *inputs)
{
    tdag_tensor **results = NULL;
    bool can = rg_run(ctx, g, inputs, &results) == TDAG_OK;
    rg_free_tensors(results, can ? tdag_graph_get_n_outputs(g) : 0);
    return can;
}

static void compare(const setting *s, const char *what, tdag_tensor *const *got,
                    tdag_tensor *const *want, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++)
        if (!tdagi_tensor_equal(got[k], want[k]))
            fail_msg("seed %llu: output %u of %s differs", (unsigned long long)s->seed,
                     k, what);
}

/* The batched graph on the stacked samples. */
static void check_batched(tdag_ctx *ctx, const tdag_graph *g, const tdag_graph *batched,
                          tdag_tensor **samples[B], tdag_tensor **results[B],
                          const setting *s)
{
    uint32_t n = tdag_graph_get_n_inputs(g), m = tdag_graph_get_n_outputs(g);
    tdag_tensor *inputs[64] = {NULL}, *want[64] = {NULL}, **got = NULL;
    char buf[16];
    for (uint32_t i = 0; i < n; i++) {
        tdag_tensor *const parts[B] = {samples[0][i], samples[1][i], samples[2][i]};
        inputs[i] = chosen(s, name_of(g, i, buf)) ? stacked(ctx, parts, s->axis)
                                                  : tdag_tensor_copy(parts[0]);
    }
    for (uint32_t k = 0; k < m; k++) {
        tdag_tensor *const parts[B] = {results[0][k], results[1][k], results[2][k]};
        want[k] = stacked(ctx, parts, s->axis);
    }
    if (rg_run(ctx, batched, inputs, &got) != TDAG_OK)
        fail_msg("seed %llu: batched: %s", (unsigned long long)s->seed,
                 tdag_ctx_get_error(ctx)->message);
    compare(s, "the batched graph", got, want, m);
    rg_free_tensors(got, m);
    for (uint32_t i = 0; i < 64; i++) {
        tdag_tensor_free(inputs[i]);
        tdag_tensor_free(want[i]);
    }
}

static void check_removed(tdag_ctx *ctx, const tdag_graph *batched,
                          tdag_tensor **samples[B], tdag_tensor **results[B],
                          const setting *s, uint32_t flags)
{
    tdag_remove_dim_options o;
    tdag_graph *single = NULL;
    tdag_remove_dim_options_init(&o);
    o.flags = flags;
    if (tdag_graph_remove_dim(ctx, batched, "batch", &o, &single) != TDAG_OK)
        fail_msg("seed %llu: not removed: %s (%s)", (unsigned long long)s->seed,
                 tdag_ctx_get_error(ctx)->message, tdag_ctx_get_error(ctx)->node);
    TEST_OK(ctx, tdag_verify(ctx, single));
    tdag_tensor **got[B];
    run_samples(ctx, single, samples, got, s);
    for (uint32_t i = 0; i < B; i++) {
        compare(s, "the graph without it", got[i], results[i],
                tdag_graph_get_n_outputs(single));
        rg_free_tensors(got[i], tdag_graph_get_n_outputs(single));
    }
    tdag_graph_free(single);
}

/* The batched graph with the dimension fixed at 1, and its axes named: the same
 * elements as the graph gives for a sample. */
static void check_fixed(tdag_ctx *ctx, const tdag_graph *batched, tdag_tensor **sample,
                        tdag_tensor **result, const setting *s)
{
    int64_t values[64], axes[64];
    tdag_graph *bound = NULL, *single = NULL;
    tdag_tensor **got = NULL;
    tdag_remove_dim_options o;
    char buf[16];
    for (uint32_t i = 0; i < tdag_graph_get_n_symbols(batched); i++)
        if (strcmp(tdag_graph_get_symbol(batched, i, &values[i]), "batch") == 0)
            values[i] = 1;
    TEST_OK(ctx, tdagi_graph_bind(ctx, batched, values, &bound));
    tdag_remove_dim_options_init(&o);
    o.axes = axes;
    o.n_axes = tdag_graph_get_n_inputs(bound);
    for (uint32_t i = 0; i < o.n_axes; i++)
        axes[i] = chosen(s, name_of(bound, i, buf)) ? (int64_t)s->axis : -1;
    if (tdag_graph_remove_dim(ctx, bound, "batch", &o, &single) != TDAG_OK)
        fail_msg("seed %llu: fixed: %s", (unsigned long long)s->seed,
                 tdag_ctx_get_error(ctx)->message);
    TEST_OK(ctx, rg_run(ctx, single, sample, &got));
    for (uint32_t k = 0; k < tdag_graph_get_n_outputs(single); k++)
        if (got[k]->size != result[k]->size ||
            memcmp(got[k]->data, result[k]->data, result[k]->size) != 0)
            fail_msg("seed %llu: output %u differs with the size fixed",
                     (unsigned long long)s->seed, k);
    rg_free_tensors(got, tdag_graph_get_n_outputs(single));
    tdag_graph_free(single);
    tdag_graph_free(bound);
}

/* What the graph gives for each sample, and the graph with a dimension and without. */
static void check_added(tdag_ctx *ctx, const tdag_graph *g,
                        const tdag_add_dim_options *a, tdag_tensor **samples[B],
                        const setting *s)
{
    tdag_graph *batched = NULL;
    tdag_tensor **results[B];
    run_samples(ctx, g, samples, results, s);
    if (tdag_graph_add_dim(ctx, g, "batch", a, &batched) != TDAG_OK)
        fail_msg("seed %llu: not added: %s (%s)", (unsigned long long)s->seed,
                 tdag_ctx_get_error(ctx)->message, tdag_ctx_get_error(ctx)->node);
    TEST_OK(ctx, tdag_verify(ctx, batched));
    check_batched(ctx, g, batched, samples, results, s);
    check_removed(ctx, batched, samples, results, s, 0);
    check_removed(ctx, batched, samples, results, s, TDAG_REMOVE_DIM_AT_ONE);
    if (tdag_graph_get_n_inputs(g) > 0)
        check_fixed(ctx, batched, samples[0], results[0], s);
    for (uint32_t i = 0; i < B; i++)
        rg_free_tensors(results[i], tdag_graph_get_n_outputs(g));
    tdag_graph_free(batched);
}

static void check_seed(tdag_ctx *ctx, uint64_t seed)
{
    const rg_options o = {.seed = seed, .symbols = seed % 2 == 0};
    rg_random r = rg_seeded(seed * 2 + 1);
    tdag_graph *g = rg_graph(ctx, &o);
    uint32_t n = tdag_graph_get_n_inputs(g);
    setting s = {.seed = seed};
    tdag_add_dim_options a;
    tdag_tensor **samples[B];
    char buf[16];
    choose(&s, &r, g);
    tdag_add_dim_options_init(&a);
    a.sample = B;
    a.axis = s.axis;
    a.inputs = s.names;
    a.n_inputs = s.n_names;
    for (uint32_t i = 0; i < B; i++) {
        samples[i] = rg_inputs(ctx, &r, g, NULL, true);
        for (uint32_t k = 0; i > 0 && k < n; k++) {
            if (chosen(&s, name_of(g, k, buf))) continue;
            tdag_tensor_free(samples[i][k]); /* shared by the samples */
            samples[i][k] = tdag_tensor_copy(samples[0][k]);
        }
    }
    if (can_run(ctx, g, samples[0])) check_added(ctx, g, &a, samples, &s);
    for (uint32_t i = 0; i < B; i++)
        rg_free_tensors(samples[i], n);
    tdag_graph_free(g);
}

static void test_random(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    uint64_t n = rg_n_seeds(1000, 20000);
    for (uint64_t seed = 1; seed <= n; seed++)
        check_seed(ctx, seed);
    tdag_ctx_free(ctx);
}

/* ---- a dimension that is there from the start, wherever random ops bring it ---- */

static size_t element_size;
static int by_bytes(const void *a, const void *b) { return memcmp(a, b, element_size); }

/* The elements of the n tensors, of one dtype, as one sorted row of bytes. */
static unsigned char *sorted(tdag_tensor *const *t, uint32_t n, int64_t *count)
{
    size_t size = 0, at = 0;
    for (uint32_t i = 0; i < n; i++)
        size += t[i]->size;
    unsigned char *all = malloc(size + 1);
    for (uint32_t i = 0; i < n && all != NULL; at += t[i++]->size)
        memcpy(all + at, t[i]->data, t[i]->size);
    assert_non_null(all);
    element_size = tdag_dtype_size(t[0]->dtype);
    *count = (int64_t)(size / element_size);
    qsort(all, (size_t)*count, element_size, by_bytes);
    return all;
}

/* Where the dimension is in an output is not told; but the output of all positions has
 * the elements of the outputs of each, or, where it does not depend on it, of one. */
static void check_elements(uint64_t seed, const tdag_tensor *whole,
                           tdag_tensor *const *parts, uint32_t k)
{
    tdag_tensor *one = tdag_tensor_copy(whole);
    int64_t n, m;
    unsigned char *all = sorted(&one, 1, &n);
    unsigned char *each = sorted(parts, n == parts[0]->count ? 1 : B, &m);
    if (n != m || memcmp(all, each, (size_t)n * element_size) != 0)
        fail_msg("seed %llu: output %u differs", (unsigned long long)seed, k);
    free(all);
    free(each);
    tdag_tensor_free(one);
}

/* g at `size` positions of symbol `pick` on stacked samples, and each sample alone. */
static void check_sizes(tdag_ctx *ctx, const tdag_graph *g, const tdag_graph *single,
                        uint32_t pick, uint64_t seed)
{
    int64_t values[64];
    tdag_graph *bound = NULL;
    tdag_tensor **samples[B], **results[B], *inputs[64] = {NULL}, **whole = NULL;
    const setting s = {.seed = seed};
    rg_random r = rg_seeded(seed * 3 + 1);
    uint32_t n = tdag_graph_get_n_inputs(g), m = tdag_graph_get_n_outputs(g);
    for (uint32_t i = 0; i < tdag_graph_get_n_symbols(g); i++)
        (void)tdag_graph_get_symbol(g, i, &values[i]);
    values[pick] = B;
    if (tdagi_graph_bind(ctx, g, values, &bound) != TDAG_OK) return;
    for (uint32_t i = 0; i < B; i++)
        samples[i] = rg_inputs(ctx, &r, single, NULL, false);
    for (uint32_t i = 0; i < n; i++) {
        const tdag_node_info info = tdag_graph_get_node(g, tdag_graph_get_input(g, i));
        tdag_tensor *const parts[B] = {samples[0][i], samples[1][i], samples[2][i]};
        uint32_t axis = 0;
        while (axis < info.rank &&
               info.shape[axis] != tdagi_pool_symbol_dim(g->pool, pick))
            axis++;
        inputs[i] = axis < info.rank ? stacked(ctx, parts, axis)
                                     : tdag_tensor_copy(samples[0][i]);
        for (uint32_t k = 1; k < B && axis == info.rank; k++) {
            tdag_tensor_free(samples[k][i]);
            samples[k][i] = tdag_tensor_copy(samples[0][i]);
        }
    }
    if (rg_run(ctx, bound, inputs, &whole) == TDAG_OK) {
        run_samples(ctx, single, samples, results, &s);
        for (uint32_t k = 0; k < m; k++) {
            tdag_tensor *const parts[B] = {results[0][k], results[1][k], results[2][k]};
            check_elements(seed, whole[k], parts, k);
        }
        for (uint32_t i = 0; i < B; i++)
            rg_free_tensors(results[i], m);
        rg_free_tensors(whole, m);
    }
    for (uint32_t i = 0; i < n; i++)
        tdag_tensor_free(inputs[i]);
    for (uint32_t i = 0; i < B; i++)
        rg_free_tensors(samples[i], n);
    tdag_graph_free(bound);
}

/* At one, the same elements as the graph itself at that size. */
static void check_at_one(tdag_ctx *ctx, const tdag_graph *g, const tdag_graph *bound,
                         const tdag_graph *single, uint64_t seed)
{
    rg_random r = rg_seeded(seed * 3 + 2);
    tdag_tensor **given = rg_inputs(ctx, &r, bound, NULL, true), *inputs[64] = {NULL};
    tdag_tensor **want = NULL, **got = NULL;
    uint32_t n = tdag_graph_get_n_inputs(g), m = tdag_graph_get_n_outputs(g);
    for (uint32_t i = 0; i < n; i++) {
        const tdag_node_info info =
            tdag_graph_get_node(single, tdag_graph_get_input(single, i));
        int64_t shape[TDAG_MAX_RANK];
        for (uint32_t k = 0; k < info.rank; k++)
            shape[k] = tdag_graph_dim_sample(single, info.shape[k]);
        TEST_OK(ctx, tdag_tensor_create(ctx, info.dtype, info.rank, shape, &inputs[i]));
        assert_int_equal(inputs[i]->size, given[i]->size);
        memcpy(inputs[i]->data, given[i]->data, given[i]->size);
    }
    bool runs = rg_run(ctx, bound, given, &want) == TDAG_OK;
    if (runs) TEST_OK(ctx, rg_run(ctx, single, inputs, &got));
    for (uint32_t k = 0; k < m && runs; k++)
        if (got[k]->size != want[k]->size ||
            memcmp(got[k]->data, want[k]->data, want[k]->size) != 0)
            fail_msg("seed %llu: output %u at one differs", (unsigned long long)seed,
                     k);
    rg_free_tensors(want, runs ? m : 0);
    rg_free_tensors(got, runs ? m : 0);
    rg_free_tensors(given, n);
    for (uint32_t i = 0; i < n; i++)
        tdag_tensor_free(inputs[i]);
}

static bool remove_symbol(tdag_ctx *ctx, uint64_t seed, uint32_t flags)
{
    const rg_options o = {.seed = seed, .symbols = true};
    rg_random r = rg_seeded(seed * 2 + 1);
    tdag_graph *g = rg_graph(ctx, &o), *single = NULL, *bound = NULL;
    tdag_remove_dim_options options;
    uint32_t n = tdag_graph_get_n_symbols(g);
    uint32_t pick = n == 0 ? 0 : (uint32_t)rg_in(&r, 0, n - 1);
    int64_t values[64];
    for (uint32_t i = 0; i < n; i++)
        (void)tdag_graph_get_symbol(g, i, &values[i]);
    if (n > 0) values[pick] = 1;
    tdag_remove_dim_options_init(&options);
    options.flags = flags;
    /* some graphs cannot be at size 1 */
    bool done = n > 0 && tdagi_graph_bind(ctx, g, values, &bound) == TDAG_OK;
    if (done) {
        const char *dim = tdag_graph_get_symbol(g, pick, NULL);
        tdag_status st = tdag_graph_remove_dim(ctx, g, dim, &options, &single);
        done = st == TDAG_OK;
        const tdag_error *e = tdag_ctx_get_error(ctx);
        if (!done && (st != TDAG_E_UNSUPPORTED || flags != 0 || e->node[0] == '\0'))
            fail_msg("seed %llu: %s: %s (%s)", (unsigned long long)seed, dim,
                     e->message, e->node);
    }
    if (done) {
        TEST_OK(ctx, tdag_verify(ctx, single));
        if (flags != 0)
            check_at_one(ctx, g, bound, single, seed);
        else
            check_sizes(ctx, g, single, pick, seed);
    }
    tdag_graph_free(bound);
    tdag_graph_free(single);
    tdag_graph_free(g);
    return done;
}

static void test_symbols(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    uint64_t n = rg_n_seeds(1000, 20000), done = 0;
    for (uint64_t seed = 1; seed <= n; seed++) {
        done += remove_symbol(ctx, seed, 0);
        (void)remove_symbol(ctx, seed, TDAG_REMOVE_DIM_AT_ONE);
    }
    assert_true(done >= n / 10); /* most are not refused for nothing */
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_symbols),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
