/* Every composite's exported call is one that PyTorch takes, and gives the same values:
 * random operands and specs (tests/raise), as they are and with an operand of another
 * rank or size, are lowered, exported and run by PyTorch, and compared with the
 * reference engine. TDAG_SEED=n draws others than usual. */
#include <math.h>

#include <tdagger/run.h>
#include <tdagger/torch.h>

#include "raise/draw.h"
#include "run/run.h"

#define N_DRAWS   60
#define FILE_NAME "export_law.pt"

typedef struct tally {
    tdag_ctx *ctx;
    tdagi_composite id;
    bool has_end; /* of an embedding_bag */
    uint32_t n_run, n_failed;
    char what[96];
} tally;

/* ---- operands of other ranks and sizes ---- */

/* One change of one operand: an axis of 1 before it, its first axis gone, an axis of 1,
 * or two axes in each other's place. */
static void change_operand(draw *d)
{
    tdagi_type *t = &d->l.in[rnd_in(&d->r, 0, d->l.n - 1)];
    uint32_t way = (uint32_t)rnd_in(&d->r, 0, 3);
    if (t->dtype == TDAG_DTYPE_NONE) return;
    if (way == 0 && t->rank < 6) {
        memmove(t->shape + 1, t->shape, t->rank * sizeof(*t->shape));
        t->shape[0] = 1;
        t->rank++;
    } else if (way == 1 && t->rank > 0) {
        *t = type_of_dims(t->dtype, t->rank - 1, t->shape + 1);
    } else if (way == 2 && t->rank > 0) {
        t->shape[rnd_in(&d->r, 0, (int64_t)t->rank - 1)] = 1;
    } else if (way == 3 && t->rank > 1) {
        int64_t first = t->shape[0];
        t->shape[0] = t->shape[t->rank - 1];
        t->shape[t->rank - 1] = first;
    }
}

/* Whether the sizes say so, or what they say of the corners. */
static bool is_scale(double scale, tdag_dim in, int64_t out)
{
    const double n = (double)in, m = (double)out;
    return scale == n / m || scale == (n - 1) / (m - 1);
}

/* What PyTorch 1.13 gets wrong: oneDNN's transposed convolutions of bf16 cut a padded
 * output off, and resizing by a scale that is not that of the sizes reads past the end.
 */
static bool is_wrong_there(const draw *d)
{
    const tdagi_upsample_spec *s = &d->spec.upsample;
    const tdagi_type *x = &d->l.in[0];
    const tdagi_upsample_aa_spec *aa = &d->spec.upsample_aa;
    if (d->l.id == TDAGI_CONV_TRANSPOSE) return x->dtype == TDAG_BF16;
    if (d->l.id == TDAGI_UPSAMPLE_AA)
        return x->rank == 4 && !(is_scale(aa->scale_h, x->shape[2], aa->height) &&
                                 is_scale(aa->scale_w, x->shape[3], aa->width));
    for (uint32_t i = 0; d->l.id == TDAGI_UPSAMPLE && i < s->output.n; i++) {
        double size = (double)x->shape[x->rank - s->output.n + i];
        if (s->scales[i] != 0 && floor(size * s->scales[i]) != (double)s->output.v[i])
            return true;
    }
    return false;
}

/* The graph of a draw; NULL: the composite does not take these operands. */
static tdag_graph *graph_of(tally *t, draw *d)
{
    tdag_value in[8];
    tdag_graph *g = NULL;
    for (uint32_t i = 0; i < d->l.n; i++) {
        const tdagi_type *type = &d->l.in[i];
        in[i] = type->dtype == TDAG_DTYPE_NONE
                    ? TDAG_NO_VALUE
                    : tdag_add_input(d->b, NULL, type->dtype, type->rank, type->shape);
    }
    output_law(d->b, &d->l, in);
    if (tdag_builder_get_status(d->b) == TDAG_OK)
        TEST_OK(t->ctx, tdag_builder_finish(d->b, &g));
    tdag_builder_free(d->b);
    return g;
}

/* ---- running it ---- */

static void report(tally *t, const tdag_graph *g, const char *words)
{
    char *text = NULL;
    t->n_failed++;
    if (t->n_failed > 4) return;
    TEST_OK(t->ctx, tdag_graph_print(t->ctx, g, 0, &text));
    print_error("%s: %s\n%s", t->what, words, text);
    tdag_text_free(t->ctx, text);
}

/* What this PyTorch has no kernel for, or what it refuses for the values, says nothing
 * about the call. */
static bool is_refused(const tdag_ctx *ctx)
{
    const char *message = tdag_ctx_get_error(ctx)->message;
    return strstr(message, "not implemented for") != NULL ||
           strstr(message, "ZeroDivisionError") != NULL;
}

/* Halves are summed in other orders, and cancel. */
static bool is_near(double a, double b, tdag_dtype dtype)
{
    bool half = dtype == TDAG_F16 || dtype == TDAG_BF16;
    return near(a, b, dtype) || (half && fabs(a - b) <= 0.15 * (1 + fabs(b)));
}

/* The position of the greatest element of a window of padding alone: any. */
static bool is_padding(const tdag_tensor *t, int64_t i)
{
    return t->dtype == TDAG_I64 && tdagi_tensor_get_f64(t, i) == 0x1p62;
}

static bool same_tensor(const tdag_tensor *a, const tdag_tensor *b)
{
    if (a->dtype != b->dtype || a->rank != b->rank || a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->rank; i++)
        if (a->shape[i] != b->shape[i]) return false;
    for (int64_t i = 0; i < a->count; i++)
        if (!is_padding(b, i) &&
            !is_near(tdagi_tensor_get_f64(a, i), tdagi_tensor_get_f64(b, i), b->dtype))
            return false;
    return true;
}

/* What the order of a graph's argsorts leaves open; the engine is stable. */
static int64_t order_of(const tdag_graph *g)
{
    int64_t order = TDAG_ORDER_STABLE;
    for (uint32_t id = 1; id <= g->n; id++)
        if (g->nodes[id].op == TDAG_OP_ARGSORT)
            order = ((const tdag_argsort_spec *)g->nodes[id].u.spec)->order;
    return order;
}

/* Where the choice among equals is open, there are none. */
static void make_distinct(tdag_tensor *x)
{
    for (int64_t i = 0; i < x->count; i++) {
        double number = (double)(i * 7 % x->count) - (double)(x->count / 2);
        if (x->count % 7 == 0) number = (double)i;
        tdagi_tensor_set_f64(x, i, number);
    }
}

/* Bags begin at 0, one after the other; the last offset may be their end. */
static void make_offsets(tdag_tensor *offsets, const tdag_tensor *indices, bool has_end)
{
    for (int64_t i = 0; i < offsets->count; i++)
        tdagi_tensor_set_i64(offsets, i, i < indices->count ? i : indices->count);
    if (has_end && offsets->count > 0)
        tdagi_tensor_set_i64(offsets, offsets->count - 1, indices->count);
}

/* Their lower triangles are those of positive definite matrices. */
static void make_definite(tdag_tensor *x)
{
    const int64_t n = x->shape[x->rank - 1];
    for (int64_t i = 0; i < x->count; i++)
        if (i / n % n == i % n)
            tdagi_tensor_set_f64(x, i, 100 + fabs(tdagi_tensor_get_f64(x, i)));
}

static void compare(tally *t, const tdag_graph *g, tdag_tensor *const *want,
                    const tdag_named_tensors *got)
{
    if (got->n != g->n_outputs) report(t, g, "another number of results");
    if (order_of(g) == TDAG_ORDER_SET) return;
    for (uint32_t i = 0; i < g->n_outputs && i < got->n; i++)
        if (!same_tensor(got->tensors[i], want[i])) {
            report(t, g, "another value");
            return;
        }
}

static void run_graph(tally *t, const tdag_graph *g, rnd *seed)
{
    tdag_model *model = NULL;
    tdag_named_tensors got = {0};
    tdag_tensor *in[8], *want[2];
    tdag_graph *at = bound(t->ctx, g);
    for (uint32_t i = 0; i < at->n_inputs; i++)
        in[i] = random_tensor(t->ctx, at, at->inputs[i], seed);
    if (t->id == TDAGI_CHOLESKY) make_definite(in[0]);
    if (t->id == TDAGI_EMBEDDING_BAG) make_offsets(in[2], in[1], t->has_end);
    if (order_of(g) != TDAG_ORDER_STABLE && in[0]->dtype != TDAG_BOOL)
        make_distinct(in[0]);
    bool runs = tdagi_run_reference(t->ctx, at, in, want) == TDAG_OK; /* positions */
    TEST_OK(t->ctx, tdag_model_create(t->ctx, g, &model));
    if (tdag_to_torchscript(t->ctx, model, FILE_NAME, NULL) != TDAG_OK) {
        report(t, g, tdag_ctx_get_error(t->ctx)->message);
    } else if (runs) {
        tdag_status st =
            tdag_run_torchscript(t->ctx, FILE_NAME, in, NULL, at->n_inputs, NULL, &got);
        t->n_run += st == TDAG_OK;
        if (st == TDAG_OK)
            compare(t, g, want, &got);
        else if (!is_refused(t->ctx))
            report(t, g, tdag_ctx_get_error(t->ctx)->message);
    }
    tdag_tensors_free(&got);
    for (uint32_t i = 0; i < at->n_inputs; i++)
        tdag_tensor_free(in[i]);
    for (uint32_t i = 0; runs && i < at->n_outputs; i++)
        tdag_tensor_free(want[i]);
    tdag_model_free(model);
    tdag_graph_free(at);
}

/* ---- the rows ---- */

static void test_row(void **state)
{
    const tdagi_composite id = (tdagi_composite)(uintptr_t)*state;
    tally t = {.ctx = test_ctx(), .id = id};
    for (uint64_t i = 0; i < N_DRAWS; i++) {
        uint64_t seed = base_seed() + (uint64_t)id * 100000 + i;
        draw d = {.r = rnd_seeded(seed)};
        TEST_OK(t.ctx, tdag_builder_create(t.ctx, &d.b));
        draw_example(&d, generator_of(id));
        if (i % 2 == 1) change_operand(&d);
        t.has_end = id == TDAGI_EMBEDDING_BAG && d.spec.bag.has_end != 0;
        snprintf(t.what, sizeof(t.what), "%s, seed %llu",
                 tdagi_composite_row_of(id)->name, (unsigned long long)seed);
        tdag_graph *g = graph_of(&t, &d);
        if (g != NULL && !is_wrong_there(&d)) run_graph(&t, g, &d.r);
        tdag_graph_free(g);
    }
    tdag_ctx_free(t.ctx);
    remove(FILE_NAME);
    if (t.n_failed > 0) fail_msg("%u of %u", (unsigned)t.n_failed, (unsigned)t.n_run);
    if (t.n_run < N_DRAWS / 5) fail_msg("only %u were run", (unsigned)t.n_run);
}

int main(void) { return run_law(test_row); }
