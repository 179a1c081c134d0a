/* Composites outlive their batch: what a composite lowers to, from which the batch was
 * removed, or to which an axis was added, is raised to one kernel again, maybe on views
 * of its operands. For every row of the composites' table, by random operands and
 * specs; where it is more than one kernel the reason stands below. Between kernels of a
 * batch what may have an axis more in front has it. TDAG_SEED=n draws others than
 * usual.
 */
#include "derive/parts.h"
#include "raise/draw.h"

#include <tdagger/axis.h>

#define N_DRAWS 60

static const tdagi_composite_def *def_of(const draw *d)
{
    return tdagi_composite_row_of(d->l.id)->def;
}

static bool is_formula(const draw *d) { return def_of(d)->lower_formula != NULL; }

static bool has_rank_0(const draw *d, uint32_t which)
{
    for (uint32_t i = 0; i < d->l.n; i++)
        if (which >> i & 1 && d->l.in[i].rank == 0) return true;
    return false;
}

static bool has_rank_1(const draw *d, uint32_t which)
{
    for (uint32_t i = 0; i < d->l.n; i++)
        if (which >> i & 1 && d->l.in[i].rank == 1) return true;
    return false;
}

/* ---- which operands have the batch ---- */

/* The sets of operands, a bit each, that have it in networks. */
static bool is_set(const draw *d, uint32_t which)
{
    uint32_t batched = def_of(d)->n_batched, all = (1u << d->l.n) - 1;
    switch ((uint32_t)d->l.id) {
    case TDAGI_LAYER_NORM:
    case TDAGI_RMS_NORM:
    case TDAGI_LINEAR:
        return which == 1; /* weights have none */
    case TDAGI_EMBEDDING:
    case TDAGI_INDEX_SELECT:
    case TDAGI_INDEX:
        return which == 2;
    case TDAGI_EMBEDDING_BAG:
        return false; /* bags begin where the operand says: a batch is one list of them
                       */
    case TDAGI_ADAPTIVE_AVG_POOL:
    case TDAGI_ADAPTIVE_MAX_POOL:
        return d->l.in[0].rank > d->n_spatial + 1; /* with channels besides */
    case TDAGI_ATTENTION:
        return which == 7 || which == all;
    case TDAGI_SEARCHSORTED: /* each searches its own sequence, or all one */
        return which == (d->l.in[0].rank == d->l.in[1].rank ? 3u : 2u);
    case TDAGI_PDIST:
        return false; /* it takes one matrix */
    case TDAGI_SOLVE_TRIANGULAR:
    case TDAGI_SOLVE:
    case TDAGI_COSINE_SIMILARITY:
    case TDAGI_COMPLEX_MULTIPLY:
    case TDAGI_COMPLEX_DIVIDE:
    case TDAGI_CDIST:
    case TDAGI_FFT:
    case TDAGI_RFFT:
    case TDAGI_IRFFT:
        return which == all;
    case TDAGI_CONCAT:
    case TDAGI_STACK:
        return which == 1 || which == all;
    default:
        return batched == 0 || which == (1u << batched) - 1;
    }
}

/* ---- what is no single kernel ---- */

typedef struct exception {
    bool (*holds)(const draw *d, uint32_t which, bool adds);
    const char *why;
} exception;

static bool number_of_formula(const draw *d, uint32_t which, bool adds)
{
    return is_formula(d) && (adds ? has_rank_0(d, which) : has_rank_1(d, which));
}

static bool broadcast_formula(const draw *d, uint32_t which, bool adds)
{
    (void)adds;
    return is_formula(d) && d->l.n == 2 && which != 3;
}

static bool pow_of_lower_rank(const draw *d, uint32_t which, bool adds)
{
    return adds && d->l.id == TDAGI_POW && which != 0 &&
           d->l.in[0].rank != d->l.in[1].rank;
}

static bool product_of_formula(const draw *d, uint32_t which, bool adds)
{
    (void)which;
    return adds && is_formula(d) && d->l.n == 2 && d->l.in[0].rank != d->l.in[1].rank;
}

static bool shares_addend(const draw *d, uint32_t which, bool adds)
{
    const tdagi_type *c = &d->l.in[0], *x = &d->l.in[1];
    (void)which;
    return d->l.id == TDAGI_ADDMM && adds && x->rank == 3 &&
           (c->rank < 3 || c->shape[0] != x->shape[0]);
}

static bool scales_addend(const draw *d, uint32_t which, bool adds)
{
    (void)which;
    if (d->l.id != TDAGI_ADDMM || !adds || d->l.in[0].rank >= d->l.in[1].rank)
        return false;
    return ((const tdagi_addmm_spec *)d->l.spec)->beta != 1;
}

static bool windows_of_more(const draw *d, uint32_t which, bool adds)
{
    const uint32_t lead = d->l.in[0].rank - d->n_spatial;
    (void)which;
    return (d->l.id == TDAGI_MAX_POOL_POSITION ||
            d->l.id == TDAGI_MAX_POOL_WITH_INDEX ||
            d->l.id == TDAGI_ADAPTIVE_MAX_POOL_POSITION ||
            d->l.id == TDAGI_ADAPTIVE_MAX_POOL_WITH_INDEX) &&
           (adds ? lead >= 2 : lead < 2);
}

static bool aligned_apart(const draw *d, uint32_t which, bool adds)
{
    bool same = true;
    (void)which;
    for (uint32_t i = 1; i < d->l.n; i++)
        same = same && d->l.in[i].rank == d->l.in[0].rank;
    return adds && !same &&
           (d->l.id == TDAGI_COMPLEX_MULTIPLY || d->l.id == TDAGI_COMPLEX_DIVIDE);
}

static bool gathers_in_place(const draw *d, uint32_t which, bool adds)
{
    (void)which;
    return !adds && d->l.in[0].rank <= (d->l.id == TDAGI_RFFT ? 2 : 3) &&
           (d->l.id == TDAGI_RFFT || d->l.id == TDAGI_IRFFT);
}

static bool pivots_alone(const draw *d, uint32_t which, bool adds)
{
    (void)which, (void)adds;
    return d->l.id == TDAGI_SOLVE || d->l.id == TDAGI_DET;
}

static const exception exceptions[] = {
    {pivots_alone,
     "the last pivot and the identity are numbers, whose axes are others"},
    {gathers_in_place, "the only axis changes no places before it is gathered"},
    {aligned_apart, "halves of lower rank are aligned at each place that reads them"},
    {windows_of_more, "positions are of channels, or of a batch of them"},
    {shares_addend, "matrices of two axes share an addend of one: a matmul and an add"},
    {scales_addend, "an addend of lower rank is scaled before it is aligned"},
    {number_of_formula,
     "a special function of a single number sums a table as a product"},
    {broadcast_formula, "it computes much with one operand alone, before they meet"},
    {product_of_formula, "it computes much with one operand alone, before they meet"},
    {pow_of_lower_rank, "an operand of lower rank is compared before it is aligned"},
};

static const char *exception_of(const draw *d, uint32_t which, bool adds)
{
    for (size_t i = 0; i < sizeof(exceptions) / sizeof(*exceptions); i++)
        if (exceptions[i].holds(d, which, adds)) return exceptions[i].why;
    return NULL;
}

/* ---- one draw ---- */

static const char *const names[] = {"x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7"};

/* NULL: it cannot be lowered so. */
static tdag_graph *lowered(draw *d)
{
    tdag_value in[8] = {{0}};
    tdag_graph *g = NULL;
    for (uint32_t i = 0; i < d->l.n; i++)
        if (d->l.in[i].dtype != TDAG_DTYPE_NONE)
            in[i] = tdag_add_input(d->b, names[i], d->l.in[i].dtype, d->l.in[i].rank,
                                   d->l.in[i].shape);
    output_law(d->b, &d->l, in);
    return tdag_builder_finish(d->b, &g) == TDAG_OK ? g : NULL;
}

static bool is_one_kernel(tdag_ctx *ctx, const tdag_graph *g, tdagi_composite id)
{
    tdagi_raised *r = raise_graph(ctx, g);
    bool one = n_working(r) == 1 && n_of(r, id) == 1;
    tdagi_raised_free(r);
    return one;
}

static void check_raised(tdag_ctx *ctx, const draw *d, const tdag_graph *g,
                         uint32_t which, bool adds)
{
    char what[160];
    snprintf(what, sizeof(what),
             "seed %llu, operands %u: %s is more than one kernel %s",
             (unsigned long long)d->r.seed, (unsigned)which,
             tdagi_composite_row_of(d->l.id)->name,
             adds ? "with another axis" : "without the batch");
    tdagi_raised *r = raise_graph(ctx, g);
    bool itself = def_of(d)->n_batched == 0 || n_of(r, d->l.id) == 1 ||
                  d->l.id == TDAGI_ADDMM; /* a bias makes it a linear */
    if ((n_working(r) > 1 || !itself) && exception_of(d, which, adds) == NULL)
        fail_raised(ctx, r, what);
    expect_same_values(ctx, r);
    tdagi_raised_free(r);
}

/* Operands of the set have the batch as their axis 0, in place of what was there. */
static tdag_graph *with_batch(draw *d, uint32_t which)
{
    tdag_dim batch = tdag_builder_symbol(d->b, "Batch", 3);
    for (uint32_t i = 0; i < d->l.n; i++)
        if (which >> i & 1) {
            if (d->l.in[i].rank == 0) return NULL;
            d->l.in[i].shape[0] = batch;
        }
    return lowered(d);
}

static bool test_removed(tdag_ctx *ctx, draw *d, uint32_t which)
{
    tdag_graph *g = with_batch(d, which), *without = NULL;
    bool ok = g != NULL && is_one_kernel(ctx, g, d->l.id) &&
              tdag_graph_remove_dim(ctx, g, "Batch", NULL, &without) == TDAG_OK;
    if (ok) check_raised(ctx, d, without, which, false);
    tdag_graph_free(without);
    tdag_graph_free(g);
    return ok;
}

static bool test_added(tdag_ctx *ctx, draw *d, uint32_t which)
{
    const char *chosen[8];
    tdag_add_dim_options o;
    tdag_graph *g = lowered(d), *with = NULL;
    tdag_add_dim_options_init(&o);
    o.inputs = chosen;
    for (uint32_t i = 0; i < d->l.n; i++)
        if (which >> i & 1) chosen[o.n_inputs++] = names[i];
    bool ok = g != NULL && is_one_kernel(ctx, g, d->l.id) &&
              tdag_graph_add_dim(ctx, g, "Batch", &o, &with) == TDAG_OK;
    if (ok) check_raised(ctx, d, with, which, true);
    tdag_graph_free(with);
    tdag_graph_free(g);
    return ok;
}

static bool has_all(const draw *d, uint32_t which)
{
    for (uint32_t i = 0; i < d->l.n; i++)
        if (which >> i & 1 && d->l.in[i].dtype == TDAG_DTYPE_NONE) return false;
    return which < 1u << d->l.n && is_set(d, which);
}

/* How many sets of operands could be tried. */
static uint32_t test_draw(tdag_ctx *ctx, const generator *g, uint64_t seed)
{
    uint32_t n = 0, end = 2;
    for (uint32_t which = 1; which < end; which++)
        for (uint32_t adds = 0; adds < 2; adds++) {
            draw d = {.r = rnd_seeded(seed)};
            TEST_OK(ctx, tdag_builder_create(ctx, &d.b));
            draw_example(&d, g);
            end = 1u << d.l.n;
            bool other = (g->other != NULL && g->other(&d)) || draw_has_other_spec(&d);
            if (!other && has_all(&d, which))
                n += adds ? test_added(ctx, &d, which) : test_removed(ctx, &d, which);
            tdag_builder_free(d.b);
        }
    return n;
}

/* ---- between kernels of a batch ---- */

/* PyTorch's batch norm, which wants one. */
static tdag_value normed(tdag_builder *b, tdag_value x)
{
    const tdag_dim channels = tdagi_dim_of(b, x, 1);
    const tdag_dtype dtype = tdag_builder_get_dtype(b, x);
    const tdag_value in[3] = {x, tdag_add_input(b, NULL, dtype, 1, &channels),
                              tdag_add_input(b, NULL, dtype, 1, &channels)};
    return tdagi_lower(b, TDAGI_BATCH_NORM, in, 3, &(tdagi_eps_spec){10});
}

static bool is_view_of(const tdagi_kernel *k, tdag_op op)
{
    return k->composite == TDAGI_CORE && k->op == op &&
           ((const tdag_axes_spec *)k->spec)->axes.v[0] == 0;
}

/* Whether `n` batches are put back, and one is taken off. */
static bool is_carried(const tdagi_raised *r, uint32_t n)
{
    uint32_t back = 0, off = 0;
    for (uint32_t i = 1; i <= r->n; i++) {
        back += is_view_of(&r->kernels[i], TDAG_OP_UNSQUEEZE);
        off += is_view_of(&r->kernels[i], TDAG_OP_SQUEEZE);
    }
    return back == n && off == 1;
}

/* Expects that of the graph without its batch, if `n_kernels` are in it. */
static bool test_carried(tdag_ctx *ctx, tdag_builder *b, uint32_t n, uint32_t n_kernels,
                         const char *what)
{
    tdag_graph *g = NULL, *without = NULL;
    bool ok = tdag_builder_finish(b, &g) == TDAG_OK &&
              tdag_graph_remove_dim(ctx, g, "Batch", NULL, &without) == TDAG_OK;
    tdag_graph_free(g);
    if (!ok) return false;
    tdagi_raised *r = raise_graph(ctx, without);
    ok = n_kernels == 0 || n_working(r) == n_kernels;
    if (ok && !is_carried(r, n)) fail_raised(ctx, r, what);
    expect_same_values(ctx, r);
    tdagi_raised_free(r);
    tdag_graph_free(without);
    return ok;
}

/* The composite of a draw, whose first operands are results of batches. */
static bool test_between(tdag_ctx *ctx, draw *d)
{
    char what[80];
    uint32_t n = def_of(d)->n_leading < d->l.n ? def_of(d)->n_leading : d->l.n;
    tdag_value in[8] = {{0}};
    tdag_dim batch = tdag_builder_symbol(d->b, "Batch", 3);
    if (d->l.in[0].dtype != TDAG_F32 || n > 4) return false; /* 16 inputs to compare */
    for (uint32_t i = 0; i < d->l.n; i++) {
        tdagi_type *x = &d->l.in[i];
        if (x->dtype == TDAG_DTYPE_NONE) continue;
        if (i < n && x->rank < 2) return false;
        if (i < n) x->shape[0] = batch;
        in[i] = tdag_add_input(d->b, names[i], x->dtype, x->rank, x->shape);
        if (i < n) in[i] = normed(d->b, in[i]);
    }
    tdag_value y = tdagi_lower(d->b, d->l.id, in, d->l.n, d->l.spec);
    if (tdag_builder_get_rank(d->b, y) < 2) return false;
    tdag_builder_add_output(d->b, normed(d->b, y));
    snprintf(what, sizeof(what), "seed %llu: %s", (unsigned long long)d->r.seed,
             tdagi_composite_row_of(d->l.id)->name);
    return test_carried(ctx, d->b, n, n + 2, what);
}

static void test_leading(tdag_ctx *ctx, const generator *g, tdagi_composite id)
{
    uint32_t n = 0; /* few draws of some can be tried */
    for (uint64_t i = 0; i < N_DRAWS || (n == 0 && i < 10 * N_DRAWS); i++) {
        draw d = {.r = rnd_seeded(base_seed() + (uint64_t)id * 100000 + i)};
        TEST_OK(ctx, tdag_builder_create(ctx, &d.b));
        draw_example(&d, g);
        if (g->other == NULL || !g->other(&d)) n += test_between(ctx, &d);
        tdag_builder_free(d.b);
    }
    if (n == 0)
        fail_msg("%s: no draw could be tried", tdagi_composite_row_of(id)->name);
}

/* Core ops, likewise, and what joins two. */
static tdag_value core_form(tdag_builder *b, tdag_value x, tdag_value y, uint32_t form)
{
    const tdag_dim batch = tdagi_dim_of(b, x, 0);
    const tdag_list none = TDAG_LIST(0, 0, 0, 0);
    const tdag_dim pixels[6] = {batch, 1, 2, 2, 6, 8}, whole[4] = {batch, 1, 12, 16};
    switch (form) {
    case 0:
        return normed(b,
                      tdag_pad(b, x, none, TDAG_LIST(0, 0, 2, 1), TDAG_PAD_REFLECT, 0));
    case 1:
        return normed(b, tdag_permute(b, x, TDAG_LIST(0, 2, 3, 1)));
    case 2:
        return normed(b, tdagi_slice1(b, x, 2, 1, 4));
    case 3:
        return normed(b,
                      tdagi_reduce_keep(b, x, TDAG_REDUCE_SUM, TDAG_LIST(2, 3), false));
    case 4:
        return normed(b, tdagi_mul(b, tdag_unary(b, TDAG_OP_EXP, x), x));
    case 5:
        x = tdag_permute(b, tdagi_reshape(b, x, 6, pixels),
                         TDAG_LIST(0, 1, 4, 2, 5, 3));
        return normed(b, tdagi_reshape(b, x, 4, whole));
    default:
        return tdagi_add(b, tdagi_stride1(b, x, 2, 0, 6, 2),
                         tdagi_stride1(b, y, 2, 0, 6, 2));
    }
}

static void test_core(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint32_t form = 0; form < 7; form++) {
        tdag_builder *b;
        TEST_OK(ctx, tdag_builder_create(ctx, &b));
        const tdag_dim shape[4] = {tdag_builder_symbol(b, "Batch", 3), 4, 6, 8};
        tdag_value x = normed(b, tdag_add_input(b, "x", TDAG_F32, 4, shape)), y = {0};
        if (form == 6) y = normed(b, tdag_add_input(b, "y", TDAG_F32, 4, shape));
        tdag_builder_add_output(b, core_form(b, x, y, form));
        char what[40];
        snprintf(what, sizeof(what), "form %u", (unsigned)form);
        if (!test_carried(ctx, b, form == 6 ? 2 : 1, 0, what)) fail_msg("%s", what);
        tdag_builder_free(b);
    }
    tdag_ctx_free(ctx);
}

static void test_row(void **state)
{
    const tdagi_composite id = (tdagi_composite)(uintptr_t)*state;
    const generator *g = generator_of(id);
    tdag_ctx *ctx = test_ctx();
    uint32_t n = 0;
    for (uint64_t i = 0; i < N_DRAWS; i++)
        n += test_draw(ctx, g, base_seed() + (uint64_t)id * 100000 + i);
    if (n < N_DRAWS / 4 && id != TDAGI_EMBEDDING_BAG && id != TDAGI_PDIST)
        fail_msg("only %u draws could be tried", (unsigned)n);
    if (tdagi_composite_row_of(id)->def->n_leading > 0) test_leading(ctx, g, id);
    tdag_ctx_free(ctx);
}

/* A draw whose symbol has 1 as its sample, which few have. */
static void test_sample_of_one(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    assert_true(test_draw(ctx, generator_of(TDAGI_MATMUL), 6801049) > 0);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest core[] = {cmocka_unit_test(test_core),
                                      cmocka_unit_test(test_sample_of_one)};
    return run_law(test_row) + cmocka_run_group_tests(core, NULL, NULL);
}
