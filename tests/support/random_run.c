/* See random_graph.h: random tensors, runs and their comparison. */
#include <math.h>

#include "support/random_graph.h"

static double random_float(rg_random *r, bool special)
{
    static const double rare[] = {0.0,  -0.0,  (double)INFINITY, -(double)INFINITY,
                                  1e30, 1e-40, (double)NAN,      65504.0,
                                  -1.0, -1e-8};
    if (special && rg_chance(r, 8)) return rare[rg_in(r, 0, 9)];
    if (rg_chance(r, 60)) return (double)rg_in(r, -32, 32) / 8;
    return (double)rg_in(r, -100000, 100000) / 30011;
}

static int64_t random_int(rg_random *r, bool special)
{
    if (special && rg_chance(r, 5)) return (int64_t)rg_bits(r);
    return rg_in(r, -6, 6);
}

tdag_tensor *rg_tensor(tdag_ctx *ctx, rg_random *r, tdag_dtype dtype, uint32_t rank,
                       const int64_t *shape, bool special)
{
    tdag_tensor *t = NULL;
    TEST_OK(ctx, tdag_tensor_create(ctx, dtype, rank, shape, &t));
    for (int64_t i = 0; i < t->count; i++) {
        if (tdag_dtype_is_float(dtype))
            tdagi_tensor_set_f64(t, i, random_float(r, special));
        else if (dtype == TDAG_BOOL)
            tdagi_tensor_set_i64(t, i, rg_in(r, 0, 1));
        else
            tdagi_tensor_set_i64(t, i, random_int(r, special));
    }
    return t;
}

tdag_tensor **rg_inputs(tdag_ctx *ctx, rg_random *r, const tdag_graph *g,
                        const int64_t *symbols, bool special)
{
    tdag_tensor **tensors = calloc(g->n_inputs + 1, sizeof(*tensors));
    assert_non_null(tensors);
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        tdag_node_info n = tdag_graph_get_node(g, g->inputs[i]);
        int64_t shape[TDAG_MAX_RANK];
        for (uint32_t axis = 0; axis < n.rank; axis++) {
            shape[axis] = tdag_graph_dim_sample(g, n.shape[axis]);
            if (symbols != NULL)
                assert_true(
                    tdagi_dim_eval(g->pool, n.shape[axis], symbols, &shape[axis]));
        }
        tensors[i] = rg_tensor(ctx, r, n.dtype, n.rank, shape, special);
    }
    return tensors;
}

void rg_free_tensors(tdag_tensor **tensors, uint32_t n)
{
    if (tensors == NULL) return;
    for (uint32_t i = 0; i < n; i++)
        tdag_tensor_free(tensors[i]);
    free(tensors);
}

tdag_status rg_run(tdag_ctx *ctx, const tdag_graph *g, tdag_tensor *const *inputs,
                   tdag_tensor ***out)
{
    tdag_run_options o;
    tdag_run_options_init(&o);
    o.engine = TDAG_ENGINE_REFERENCE;
    tdag_tensor **outputs = calloc(g->n_outputs + 1, sizeof(*outputs));
    assert_non_null(outputs);
    tdag_status st = tdag_graph_run(ctx, g, inputs, g->n_inputs, &o, outputs);
    if (st == TDAG_OK)
        *out = outputs;
    else
        rg_free_tensors(outputs, g->n_outputs);
    return st;
}

static bool floats_agree(double a, double b, const rg_tolerance *t)
{
    if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
    if (t->relative == 0 && t->absolute == 0) return a == b && signbit(a) == signbit(b);
    if (a == b) return true;
    if (isinf(a) || isinf(b)) return false;
    return fabs(a - b) <= t->absolute + t->relative * fmax(fabs(a), fabs(b));
}

bool rg_same(const tdag_tensor *a, const tdag_tensor *b, const rg_tolerance *t,
             char *why, size_t size)
{
    bool same = a->dtype == b->dtype && a->rank == b->rank;
    for (uint32_t i = 0; same && i < a->rank; i++)
        same = a->shape[i] == b->shape[i];
    if (!same) {
        snprintf(why, size, "dtype or shape differ");
        return false;
    }
    for (int64_t i = 0; i < a->count; i++) {
        double x = tdagi_tensor_get_f64(a, i), y = tdagi_tensor_get_f64(b, i);
        bool ok = tdag_dtype_is_float(a->dtype)
                      ? floats_agree(x, y, t)
                      : tdagi_tensor_get_i64(a, i) == tdagi_tensor_get_i64(b, i);
        if (ok) continue;
        snprintf(why, size, "element %lld of %lld is %.17g, not %.17g", (long long)i,
                 (long long)a->count, y, x);
        return false;
    }
    return true;
}

void rg_fail(tdag_ctx *ctx, const tdag_graph *a, const tdag_graph *b, const char *what,
             uint64_t seed)
{
    const tdag_graph *graphs[2] = {a, b};
    fprintf(stderr, "seed %llu: %s\n", (unsigned long long)seed, what);
    for (int i = 0; i < 2 && graphs[i] != NULL; i++) {
        char *text = NULL;
        TEST_OK(ctx, tdag_graph_print(ctx, graphs[i], 0, &text));
        fprintf(stderr, "%s\n", text);
        tdag_text_free(ctx, text);
    }
    fail_msg("seed %llu", (unsigned long long)seed);
}

void rg_expect_same(tdag_ctx *ctx, const tdag_graph *a, const tdag_graph *b,
                    uint64_t seed, const rg_tolerance *t, const char *what)
{
    static const rg_tolerance exact = {0, 0};
    char why[160], text[512];
    rg_random r = rg_seeded(seed ^ 0x5eed);
    tdag_tensor **inputs = rg_inputs(ctx, &r, a, NULL, t == NULL);
    tdag_tensor **x = NULL, **y = NULL;
    assert_int_equal(a->n_inputs, b->n_inputs);
    assert_int_equal(a->n_outputs, b->n_outputs);
    tdag_status st = rg_run(ctx, a, inputs, &x);
    if (st != TDAG_OK) rg_fail(ctx, a, NULL, tdag_ctx_get_error(ctx)->message, seed);
    st = rg_run(ctx, b, inputs, &y);
    if (st != TDAG_OK) rg_fail(ctx, a, b, tdag_ctx_get_error(ctx)->message, seed);
    for (uint32_t i = 0; i < a->n_outputs; i++) {
        if (rg_same(x[i], y[i], t != NULL ? t : &exact, why, sizeof why)) continue;
        snprintf(text, sizeof text, "%s: output %u: %s", what, i, why);
        rg_fail(ctx, a, b, text, seed);
    }
    rg_free_tensors(inputs, a->n_inputs);
    rg_free_tensors(x, a->n_outputs);
    rg_free_tensors(y, a->n_outputs);
}

uint64_t rg_n_seeds(uint64_t quick, uint64_t slow)
{
    return getenv("TDAG_SLOW") != NULL ? slow : quick;
}
