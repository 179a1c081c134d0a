/* The table of composites, row by row, with one small example of each: it lowers, it is
 * raised again, it can be left as its parts, it is exported as its exporter column says
 * and by its parts, and what its native column says is true. */
#include "raise/examples.h"

#include "analysis/kinds.h"
#include "run/native/native.h"
#include "torchscript/export/export.h"

#include <math.h>

static const char *name_of(tdagi_composite id)
{
    return tdagi_composite_row_of(id)->name;
}

/* ---- raising ---- */

static void expect_raised(tdag_ctx *ctx, const law *l, const tdag_graph *g)
{
    tdagi_raised *r = raise_graph(ctx, g);
    if (output_kernel(r, 0)->composite != l->id) fail_raised(ctx, r, name_of(l->id));
    tdagi_raised_free(r);
}

static void expect_parts(tdag_ctx *ctx, const law *l, const tdag_graph *g)
{
    bool by_parts[TDAGI_N_COMPOSITES] = {false};
    tdagi_raised *r = NULL;
    by_parts[l->id] = true;
    TEST_OK(ctx, tdagi_raise(ctx, g, by_parts, &r));
    if (n_of(r, l->id) > 0) fail_raised(ctx, r, "it should be left as its parts");
    expect_same_values(ctx, r);
    tdagi_raised_free(r);
}

/* ---- exporting ---- */

typedef struct wanted {
    tdagi_composite id;
    bool parts;
} wanted;

static tdag_status read_statements(void *user, const tdagi_statements *s)
{
    const wanted *w = user;
    const tdag_graph *g = s->raised->graph;
    bool left = n_of(s->raised, w->id) == 0;
    if (left != w->parts) fail_msg("%s is exported or not, wrongly", name_of(w->id));
    for (uint32_t i = 0; i < g->n_outputs; i++)
        if (s->values[s->raised->kernel_of[g->outputs[i].id]] == NULL)
            fail_msg("%s has no statement", name_of(w->id));
    return TDAG_OK;
}

/* As the column says, and by its parts, which are to have statements, too. */
static void expect_exported(tdag_ctx *ctx, const law *l, const tdag_graph *g)
{
    bool by_parts[TDAGI_N_COMPOSITES] = {false};
    wanted w = {l->id,
                tdagi_export_composite_emitter(l->id) == &tdagi_emitter_BY_PARTS};
    TEST_OK(ctx, tdagi_export_statements(ctx, g, NULL, read_statements, &w));
    by_parts[l->id] = w.parts = true;
    TEST_OK(ctx, tdagi_export_statements(ctx, g, by_parts, read_statements, &w));
}

/* ---- columns ---- */

/* Whether the row's function runs the example's kernel itself. */
static bool is_handled(tdag_ctx *ctx, const law *l, const tdag_graph *g,
                       tdag_tensor *const *in)
{
    tdagi_raised *r = raise_graph(ctx, g);
    tdagi_native s = {.ctx = ctx, .g = g, .r = r};
    const tdagi_kernel *k = output_kernel(r, 0);
    tdagi_strided values[8], out[2] = {{0}, {0}};
    const tdagi_strided *operands[8];
    for (uint32_t i = 0; i < k->n_inputs; i++) {
        uint32_t at = 0; /* among the inputs of the graph */
        while (at < l->n && r->kernel_of[g->inputs[at].id] != k->inputs[i])
            at++;
        if (at == l->n) fail_raised(ctx, r, "an operand is no input");
        tdagi_strided_wrap(&values[i], in[at]);
        operands[i] = &values[i];
    }
    tdagi_native_call call = {&s, k, operands, out, true};
    TEST_OK(ctx, tdagi_native_composite(l->id)(&call));
    for (uint32_t i = 0; i < k->n_inputs; i++)
        tdagi_strided_free(&values[i]);
    tdagi_strided_free(&out[0]);
    tdagi_strided_free(&out[1]);
    tdagi_raised_free(r);
    return call.handled;
}

/* Compares and frees them. */
static void expect_near(tdagi_composite id, tdag_tensor *got, tdag_tensor *want)
{
    for (int64_t i = 0; i < want->count; i++) {
        double a = tdagi_tensor_get_f64(got, i), b = tdagi_tensor_get_f64(want, i);
        bool nan = isnan(a) && isnan(b);
        if (!nan && !(fabs(a - b) <= 1e-4 * (1 + fabs(b))))
            fail_msg("%s: element %d is %g, not %g", name_of(id), (int)i, a, b);
    }
    tdag_tensor_free(want);
    tdag_tensor_free(got);
}

static void expect_native(tdag_ctx *ctx, const law *l, const tdag_graph *g)
{
    tdag_tensor *in[8], *want[2], *got[2];
    for (uint32_t i = 0; i < l->n; i++) {
        TEST_OK(ctx, tdag_tensor_create(ctx, l->in[i].dtype, l->in[i].rank,
                                        l->in[i].shape, &in[i]));
        example_fill(in[i]);
    }
    bool has = tdagi_native_composite(l->id) != tdagi_native_BY_LOWERING &&
               tdagi_native_composite(l->id) != tdagi_native_BY_PARTS;
    if (is_handled(ctx, l, g, in) != has)
        fail_msg("%s is run natively or not, wrongly", name_of(l->id));
    TEST_OK(ctx, tdagi_run_reference(ctx, g, in, want));
    TEST_OK(ctx, tdag_graph_run(ctx, g, in, g->n_inputs, NULL, got));
    for (uint32_t i = 0; i < g->n_outputs; i++)
        expect_near(l->id, got[i], want[i]);
    for (uint32_t i = 0; i < l->n; i++)
        tdag_tensor_free(in[i]);
}

static void check_row(tdagi_composite id)
{
    const tdagi_composite_row *row = tdagi_composite_row_of(id);
    const tdagi_kernel kernel = {.composite = (uint16_t)id};
    tdagi_kind kind = tdagi_kernel_kind(&kernel);
    if ((row->def->lower != NULL) + (row->def->lower_pair != NULL) +
            (row->def->lower_formula != NULL) !=
        1)
        fail_msg("%s is to have one lowering", row->name);
    if (row->def->lower_pair != NULL) assert_int_equal(row->max_inputs, 1);
    if ((row->def->spec_size == 0) != (row->def->fields == NULL))
        fail_msg("%s has fields or not, wrongly", row->name);
    if (kind == TDAGI_KIND_LEAF || kind == TDAGI_KIND_VIEW || kind == TDAGI_KIND_OPAQUE)
        fail_msg("%s is of a kind that composites are not", row->name);
    assert_non_null(tdagi_native_composite(id));
    const tdagi_emitter *e = tdagi_export_composite_emitter(id);
    int ways = (e == &tdagi_emitter_BY_PARTS) + (e->format != NULL) + (e->emit != NULL);
    if (ways != 1) fail_msg("%s is exported in %d ways", row->name, ways);
    for (uint32_t i = 1; i < (uint32_t)id; i++)
        assert_string_not_equal(row->name, name_of((tdagi_composite)i));
}

static void test_table(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint32_t id = 1; id < TDAGI_N_COMPOSITES; id++) {
        const law *l = example_of((tdagi_composite)id);
        check_row((tdagi_composite)id);
        if (l == NULL) fail_msg("%s has no example", name_of((tdagi_composite)id));
        tdag_graph *g = example_graph(ctx, l);
        expect_raised(ctx, l, g);
        expect_parts(ctx, l, g);
        expect_exported(ctx, l, g);
        expect_native(ctx, l, g);
        tdag_graph_free(g);
    }
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
