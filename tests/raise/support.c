/* See support.h. A raised graph is checked by lowering each kernel anew, into a graph
 * that must have the same shapes and compute the same values. */
#include "raise/support.h"

#include <math.h>

#include "ir/graph.h"
#include "run/run.h"

rnd rnd_seeded(uint64_t seed)
{
    return (rnd){seed, seed * 0x9E3779B97F4A7C15u + 0x1234567u};
}

int64_t rnd_in(rnd *r, int64_t lo, int64_t hi)
{
    r->state ^= r->state << 13;
    r->state ^= r->state >> 7;
    r->state ^= r->state << 17;
    return lo + (int64_t)((r->state >> 11) % (uint64_t)(hi - lo + 1));
}

bool rnd_yes(rnd *r) { return rnd_in(r, 0, 1) == 1; }

tdagi_type type_of_dims(tdag_dtype dtype, uint32_t rank, const tdag_dim *dims)
{
    tdagi_type t = {dtype, rank, {0}};
    memcpy(t.shape, dims, rank * sizeof(*dims));
    return t;
}

tdagi_type type_of(tdag_dtype dtype, uint32_t rank, ...)
{
    tdagi_type t = {dtype, rank, {0}};
    va_list args;
    va_start(args, rank);
    for (uint32_t i = 0; i < rank; i++)
        t.shape[i] = va_arg(args, int64_t);
    va_end(args);
    return t;
}

void fail_raised(tdag_ctx *ctx, const tdagi_raised *r, const char *what)
{
    char *text = NULL;
    TEST_OK(ctx, tdagi_raised_print(ctx, r, &text));
    fail_msg("%s\n%s", what, text);
}

tdagi_raised *raise_graph(tdag_ctx *ctx, const tdag_graph *g)
{
    tdagi_raised *r = NULL;
    TEST_OK(ctx, tdagi_raise(ctx, g, NULL, &r));
    return r;
}

tdagi_raised *raise_built(tdag_ctx *ctx, tdag_builder *b)
{
    tdag_graph *g = NULL;
    TEST_OK(ctx, tdag_builder_finish(b, &g));
    tdag_builder_free(b);
    tdagi_raised *r = raise_graph(ctx, g);
    tdag_graph_free(g);
    return r;
}

const tdagi_kernel *output_kernel(const tdagi_raised *r, uint32_t i)
{
    return &r->kernels[r->kernel_of[r->graph->outputs[i].id]];
}

uint32_t n_working(const tdagi_raised *r)
{
    uint32_t n = 0;
    for (uint32_t i = 1; i <= r->n; i++) {
        const tdagi_kernel *k = &r->kernels[i];
        n += !k->is_view && !k->is_second &&
             !(k->composite == TDAGI_CORE && tdagi_op_is_leaf(k->op));
    }
    return n;
}

uint32_t n_of(const tdagi_raised *r, tdagi_composite id)
{
    uint32_t n = 0;
    for (uint32_t i = 1; i <= r->n; i++)
        n += r->kernels[i].composite == id && !r->kernels[i].is_second;
    return n;
}

uint32_t n_of_op(const tdagi_raised *r, tdag_op op)
{
    uint32_t n = 0;
    for (uint32_t i = 1; i <= r->n; i++)
        n += r->kernels[i].composite == TDAGI_CORE && r->kernels[i].op == op;
    return n;
}

/* ---- lowering anew ---- */

/* The kernels as a graph again; inputs in the same order. */
static tdag_graph *relower(tdag_ctx *ctx, const tdagi_raised *r)
{
    tdag_builder *b = NULL;
    TEST_OK(ctx, tdagi_builder_create_like(ctx, r->graph, &b));
    tdagi_pool_free(b->graph->pool);
    b->graph->pool = tdagi_pool_clone(r->pool);
    tdag_value *made = calloc(r->n + 1, sizeof(*made));
    for (uint32_t i = 0; i < r->graph->n_inputs; i++) {
        tdagi_type t;
        tdagi_value_type(r->graph, r->graph->inputs[i], &t);
        tdag_value v = tdag_add_input(b, NULL, t.dtype, t.rank, t.shape);
        made[r->kernel_of[r->graph->inputs[i].id]] = v;
    }
    for (uint32_t i = 1; i <= r->n; i++) {
        const tdagi_kernel *k = &r->kernels[i];
        tdag_value in[256];
        assert_true(k->n_inputs <= 256);
        for (uint32_t j = 0; j < k->n_inputs; j++) {
            assert_true(k->inputs[j] < i);
            in[j] = made[k->inputs[j]];
            if (k->inputs[j] == 0) in[j] = TDAG_NO_VALUE;
        }
        if (k->is_second)
            assert_ptr_equal(k->spec, k[-1].spec); /* made with it */
        else if (tdagi_composite_is_pair(k->composite))
            tdagi_lower_pair(b, k->composite, in[0], k->spec, &made[i]);
        else if (k->composite != TDAGI_CORE)
            made[i] = tdagi_lower(b, k->composite, in, k->n_inputs, k->spec);
        else if (tdagi_op_holds_tensor(k->op))
            made[i] =
                tdag_add_tensor(b, k->op, NULL, r->graph->nodes[k->value.id].u.tensor);
        else if (k->op != TDAG_OP_INPUT)
            made[i] =
                tdag_add_node(b, k->op, k->spec, tdagi_op_row_of(k->op)->def->spec_size,
                              in, k->n_inputs);
        TEST_OK(ctx, tdag_builder_get_status(b));
        assert_int_equal(tdag_builder_get_rank(b, made[i]), k->rank);
        assert_int_equal(tdag_builder_get_dtype(b, made[i]), k->dtype);
        for (uint32_t axis = 0; axis < k->rank; axis++)
            if (tdag_builder_get_shape(b, made[i])[axis] != k->shape[axis])
                fail_raised(ctx, r, "a kernel has another shape than it says");
    }
    for (uint32_t i = 0; i < r->graph->n_outputs; i++)
        tdag_builder_add_output(b, made[r->kernel_of[r->graph->outputs[i].id]]);
    tdag_graph *g = NULL;
    TEST_OK(ctx, tdag_builder_finish(b, &g));
    tdag_builder_free(b);
    free(made);
    return g;
}

tdag_graph *bound(tdag_ctx *ctx, const tdag_graph *g)
{
    int64_t samples[32];
    for (uint32_t i = 0; i < tdagi_pool_n_symbols(g->pool); i++)
        tdagi_pool_symbol(g->pool, i, &samples[i]);
    tdag_graph *out = NULL;
    TEST_OK(ctx, tdagi_graph_bind(ctx, g, samples, &out));
    return out;
}

tdag_tensor *random_tensor(tdag_ctx *ctx, const tdag_graph *g, tdag_value v, rnd *seed)
{
    const tdagi_node *n = tdagi_graph_node(g, v);
    tdag_tensor *t = NULL;
    TEST_OK(ctx, tdag_tensor_create(ctx, n->dtype, n->rank, n->shape, &t));
    for (int64_t i = 0; i < t->count; i++)
        tdagi_tensor_set_f64(t, i,
                             tdag_dtype_is_float(n->dtype)
                                 ? (double)rnd_in(seed, 1, 1000) / 500 - 0.6
                                 : (double)rnd_in(seed, 0, 3));
    return t;
}

bool near(double a, double b, tdag_dtype dtype)
{
    if (isnan(a) || isnan(b)) return isnan(a) == isnan(b);
    double rtol = dtype == TDAG_F64 ? 1e-9 : dtype == TDAG_F32 ? 2e-4 : 2e-2;
    return a == b || fabs(a - b) <= rtol * (1 + fabs(b));
}

/* What a third operand of positions is: where bags start. */
static void make_starts(tdag_tensor *t)
{
    for (int64_t i = 0; i < t->count; i++)
        tdagi_tensor_set_i64(t, i, i);
}

void expect_same_values(tdag_ctx *ctx, const tdagi_raised *r)
{
    rnd seed = rnd_seeded(7);
    tdag_graph *again = relower(ctx, r);
    tdag_graph *g[2] = {bound(ctx, r->graph), bound(ctx, again)};
    tdag_tensor *in[16], *out[2][16];
    uint32_t n = g[0]->n_inputs, m = g[0]->n_outputs;
    assert_true(n <= 16 && m <= 16);
    for (uint32_t i = 0; i < n; i++)
        in[i] = random_tensor(ctx, g[0], g[0]->inputs[i], &seed);
    if (n > 2 && in[2]->dtype == TDAG_I64 && in[2]->rank == 1) make_starts(in[2]);
    for (uint32_t k = 0; k < 2; k++)
        TEST_OK(ctx, tdagi_run_reference(ctx, g[k], in, out[k]));
    for (uint32_t i = 0; i < m; i++) {
        assert_int_equal(out[0][i]->count, out[1][i]->count);
        for (int64_t j = 0; j < out[0][i]->count; j++) {
            double a = tdagi_tensor_get_f64(out[0][i], j);
            double b = tdagi_tensor_get_f64(out[1][i], j);
            if (!near(a, b, out[0][i]->dtype)) fail_raised(ctx, r, "values differ");
        }
        tdag_tensor_free(out[0][i]);
        tdag_tensor_free(out[1][i]);
    }
    for (uint32_t i = 0; i < n; i++)
        tdag_tensor_free(in[i]);
    tdag_graph_free(g[0]);
    tdag_graph_free(g[1]);
    tdag_graph_free(again);
}

/* ---- the law ---- */

void output_law(tdag_builder *b, const law *l, const tdag_value *in)
{
    tdag_value pair[2];
    if (!tdagi_composite_is_pair(l->id)) {
        tdag_builder_add_output(b, tdagi_lower(b, l->id, in, l->n, l->spec));
        return;
    }
    tdagi_lower_pair(b, l->id, in[0], l->spec, pair);
    tdag_builder_add_output(b, pair[0]);
    tdag_builder_add_output(b, pair[1]);
}

static void check_composite(tdag_ctx *ctx, const tdagi_raised *r, const law *l,
                            const tdag_value *in, const char *what)
{
    const tdagi_kernel *k = output_kernel(r, 0);
    if (k->composite != l->id || k->n_inputs > l->n) fail_raised(ctx, r, what);
    for (uint32_t i = 0; i < l->n; i++) {
        uint32_t got = i < k->n_inputs ? k->inputs[i] : 0;
        uint32_t want = in[i].id == 0 ? 0 : r->kernel_of[in[i].id];
        if (got != want) fail_raised(ctx, r, what);
    }
    if (tdagi_composite_is_pair(l->id) &&
        (output_kernel(r, 1) != k + 1 || !k[1].is_second))
        fail_raised(ctx, r, what);
}

static void check_law(tdag_ctx *ctx, const tdagi_raised *r, const law *l,
                      const tdag_value *in, const char *what)
{
    check_composite(ctx, r, l, in, what);
    const tdagi_field *fields = tdagi_composite_row_of(l->id)->def->fields;
    if (fields != NULL && !tdagi_spec_equal(fields, l->spec, output_kernel(r, 0)->spec))
        fail_raised(ctx, r, what);
    for (uint32_t i = 1; i <= r->n; i++) /* besides it, its inputs alone */
        if (r->kernels[i].composite != l->id && r->kernels[i].op != TDAG_OP_INPUT)
            fail_raised(ctx, r, what);
}

static void expect(tdag_ctx *ctx, tdag_builder *b, const law *l, const rnd *seed,
                   void (*check)(tdag_ctx *ctx, const tdagi_raised *r, const law *l,
                                 const tdag_value *in, const char *what))
{
    char what[128];
    tdag_value in[8];
    snprintf(what, sizeof(what), "seed %llu: %s does not come back",
             (unsigned long long)seed->seed, tdagi_composite_row_of(l->id)->name);
    for (uint32_t i = 0; i < l->n; i++) {
        in[i] = TDAG_NO_VALUE;
        if (l->in[i].dtype != TDAG_DTYPE_NONE)
            in[i] =
                tdag_add_input(b, NULL, l->in[i].dtype, l->in[i].rank, l->in[i].shape);
    }
    output_law(b, l, in);
    if (tdag_builder_get_status(b) != TDAG_OK)
        fail_msg("%s: %s", what, tdag_ctx_get_error(ctx)->message);
    tdagi_raised *r = raise_built(ctx, b);
    if (check != NULL) check(ctx, r, l, in, what);
    expect_same_values(ctx, r);
    tdagi_raised_free(r);
}

void expect_law(tdag_ctx *ctx, tdag_builder *b, const law *l, const rnd *seed)
{
    expect(ctx, b, l, seed, check_law);
}

void expect_composite(tdag_ctx *ctx, tdag_builder *b, const law *l, const rnd *seed)
{
    expect(ctx, b, l, seed, check_composite);
}

void expect_values(tdag_ctx *ctx, tdag_builder *b, const law *l, const rnd *seed)
{
    expect(ctx, b, l, seed, NULL);
}

uint64_t base_seed(void)
{
    const char *text = getenv("TDAG_SEED");
    return text == NULL ? 1 : strtoull(text, NULL, 10);
}

int run_law(CMUnitTestFunction row)
{
    struct CMUnitTest tests[TDAGI_N_COMPOSITES - 1];
    for (uintptr_t id = 1; id < TDAGI_N_COMPOSITES; id++)
        tests[id - 1] =
            (struct CMUnitTest){tdagi_composite_row_of((tdagi_composite)id)->name, row,
                                NULL, NULL, (void *)id};
    print_message("TDAG_SEED=%llu\n", (unsigned long long)base_seed());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
