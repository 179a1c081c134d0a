/* Every composite as a Core ML package: its example, and forms that have ways of their
 * own, for the oldest and for a new target, with operands that are inputs and that are
 * weights. What is read again is the same composite, where it has an operator, and
 * computes the same. The packages and what they compute stay in a folder, the argument,
 * where coremltools and numpy judge them (check_packages.py). */
#include "raise/examples.h"
#include "raise/rows.h"

#include <math.h>
#include <sys/stat.h>

#include <tdagger/coreml.h>
#include <tdagger/open.h>

#include "base/tensor.h"
#include "coreml/write/mil.h"
#include "run/native/native.h"
#include "run/run.h"

static const char *folder;

static const char *name_of(tdagi_composite id)
{
    return tdagi_composite_row_of(id)->name;
}

/* clang-format off */
static const law forms[] = {
    {TDAGI_BITWISE_AND, NULL, 2, {I(2, 3, 4), I(3, 1)}},
    {TDAGI_BITWISE_OR, NULL, 2, {I(2, 3), I(2, 3)}},
    {TDAGI_BITWISE_XOR, NULL, 2, {I(3), I(2, 1)}},
    {TDAGI_BITWISE_LEFT_SHIFT, NULL, 2, {I(2, 3), I(3)}},
    {TDAGI_BITWISE_RIGHT_SHIFT, NULL, 2, {I(3), I(2, 3)}},
    {TDAGI_PRELU, NULL, 2, {F(2, 3, 4), F(1)}},
    {TDAGI_PRELU, NULL, 2, {F(2, 3), F(3)}},
    {TDAGI_VAR, SPEC(var, L(0, 2), 0, 1), 1, {F(2, 3, 4)}},
    {TDAGI_STD, SPEC(var, L(2), 0.5, 1), 1, {F(2, 3, 4)}},
    {TDAGI_RMS_NORM, SPEC(layer_norm, 2, 1e-5), 2, {F(2, 3, 4), F(3, 4)}},
    {TDAGI_GROUP_NORM, SPEC(group_norm, 2, 1e-5), 1, {F(2, 4, 3, 5)}},
    {TDAGI_GROUP_NORM, SPEC(group_norm, 4, 1e-5), 3, {F(2, 4, 3, 2, 5), F(4), F(4)}},
    {TDAGI_ATTENTION, SPEC(attention, 0.5, 1), 3, {F(2, 4, 8), F(2, 5, 8), F(2, 5, 3)}},
    {TDAGI_ATTENTION, SPEC(attention, 0.5, 0), 4,
     {F(2, 3, 4, 8), F(2, 3, 5, 8), F(2, 3, 5, 8), F(4, 5)}},
    {TDAGI_ATTENTION, SPEC(attention, 0.5, 0), 4,
     {F(2, 3, 4, 8), F(2, 3, 5, 8), F(2, 3, 5, 8), B(2, 1, 4, 5)}},
    {TDAGI_ATTENTION, SPEC(attention, 1, 1), 4, {F(4, 8), F(5, 8), F(5, 8), F(4, 5)}},
    {TDAGI_ATTENTION, SPEC(attention, 1, 0), 3, {F(2, 3, 4, 8), F(2, 1, 5, 8), F(1, 5, 3)}},
    {TDAGI_CONCAT, SPEC(axis, 0), 2, {B(2, 3), B(1, 3)}},
    {TDAGI_CONCAT, SPEC(axis, 2), 5,
     {I(1, 2, 3), I(1, 2, 1), I(1, 2, 2), I(1, 2, 1), I(1, 2, 4)}},
    {TDAGI_STACK, SPEC(axis, 0), 2, {B(2, 3), B(2, 3)}},
    {TDAGI_STACK, SPEC(axis, 3), 2, {F(2, 3, 4), F(2, 3, 4)}},
    {TDAGI_ROLL, SPEC(roll, L(-2, 1), L(2, 0)), 1, {F(3, 2, 5)}},
    {TDAGI_FLIP, SPEC(axes_list, L(0, 2)), 1, {F(3, 2, 5)}},
    {TDAGI_REPEAT_INTERLEAVE, SPEC(repeat_interleave, 2, 3), 1, {F(2, 1, 3, 2, 2)}},
    {TDAGI_TILE, SPEC(tile, L(2, 1, 3)), 1, {F(2, 3)}},
    {TDAGI_TILE, SPEC(tile, L(2, 2)), 1, {B(2, 3)}},
    {TDAGI_UPSAMPLE, SPEC(upsample, TDAGI_UPSAMPLE_NEAREST, 0, L(4, 9), {0}), 1, {F(2, 2, 2, 3)}},
    {TDAGI_UPSAMPLE, SPEC(upsample, TDAGI_UPSAMPLE_NEAREST, 0, L(3, 7), {0}), 1, {F(2, 2, 5, 4)}},
    {TDAGI_UPSAMPLE, SPEC(upsample, TDAGI_UPSAMPLE_NEAREST, 0, L(4, 6, 2), {2, 2, 0}), 1,
     {F(2, 2, 2, 3, 2)}},
    {TDAGI_UPSAMPLE, SPEC(upsample, TDAGI_UPSAMPLE_NEAREST_EXACT, 0, L(4, 9), {0}), 1,
     {F(2, 2, 2, 3)}},
    {TDAGI_UPSAMPLE, SPEC(upsample, TDAGI_UPSAMPLE_NEAREST_EXACT, 0, L(5, 4), {0}), 1,
     {F(2, 2, 3, 7)}},
    {TDAGI_UPSAMPLE, SPEC(upsample, TDAGI_UPSAMPLE_LINEAR, 0, L(5), {0}), 1, {F(2, 2, 3)}},
    {TDAGI_UPSAMPLE, SPEC(upsample, TDAGI_UPSAMPLE_LINEAR, 0, L(6, 7), {2, 0}), 1,
     {F(2, 2, 3, 4)}},
    {TDAGI_UPSAMPLE, SPEC(upsample, TDAGI_UPSAMPLE_LINEAR, 0, L(2, 7), {0}), 1,
     {F(1, 2, 5, 7)}},
    {TDAGI_UPSAMPLE, SPEC(upsample, TDAGI_UPSAMPLE_LINEAR, 1, L(6, 1), {0}), 1,
     {F(1, 2, 3, 4)}},
    {TDAGI_UPSAMPLE, SPEC(upsample, TDAGI_UPSAMPLE_LINEAR, 0, L(5, 6), {1.7, 1.7}), 1,
     {F(1, 2, 3, 4)}},
    {TDAGI_UPSAMPLE, SPEC(upsample, TDAGI_UPSAMPLE_LINEAR, 1, L(4, 3, 5), {0}), 1,
     {F(1, 2, 2, 2, 3)}},
    {TDAGI_UPSAMPLE, SPEC(upsample, TDAGI_UPSAMPLE_CUBIC, 0, L(6, 7), {0}), 1,
     {F(1, 2, 3, 4)}},
    {TDAGI_GRID_SAMPLE, SPEC(grid_sample, TDAGI_SAMPLE_LINEAR, TDAGI_SAMPLE_ZEROS, 0), 2,
     {F(2, 2, 3, 4), F(2, 2, 5, 2)}},
    {TDAGI_GRID_SAMPLE, SPEC(grid_sample, TDAGI_SAMPLE_NEAREST, TDAGI_SAMPLE_REFLECTION, 1), 2,
     {F(2, 2, 3, 4), F(2, 2, 5, 2)}},
    {TDAGI_GRID_SAMPLE, SPEC(grid_sample, TDAGI_SAMPLE_LINEAR, TDAGI_SAMPLE_REFLECTION, 0), 2,
     {F(2, 2, 3, 4), F(2, 2, 5, 2)}},
    {TDAGI_GRID_SAMPLE, SPEC(grid_sample, TDAGI_SAMPLE_CUBIC, TDAGI_SAMPLE_ZEROS, 0), 2,
     {F(1, 2, 3, 4), F(1, 2, 5, 2)}},
    {TDAGI_GRID_SAMPLE, SPEC(grid_sample, TDAGI_SAMPLE_LINEAR, TDAGI_SAMPLE_ZEROS, 1), 2,
     {F(1, 2, 2, 3, 4), F(1, 2, 2, 3, 3)}},
    {TDAGI_EMBEDDING, NULL, 2, {F(5, 3), I(2, 2)}},
    {TDAGI_INDEX_SELECT, SPEC(axis, 0), 2, {F(2, 5), I(2)}},
    {TDAGI_INDEX_SELECT, SPEC(axis, 1), 2, {B(2, 5), I(3)}},
    {TDAGI_INDEX, SPEC(axis, 1), 2, {F(2, 5, 3), I(3, 2)}},
    {TDAGI_TAKE_ALONG, SPEC(axis, 0), 2, {F(2, 5, 4), I(3, 4, 4)}},
    {TDAGI_TAKE_ALONG, SPEC(axis, 1), 2, {B(2, 5), I(2, 3)}},
    {TDAGI_ARGMAX, SPEC(axis_keep, 0, 1), 1, {I(2, 5)}},
    {TDAGI_MAX_WITH_INDEX, SPEC(axis_keep, 0, 1), 1, {I(2, 5)}},
    {TDAGI_TOPK, SPEC(topk, 0, 0, TDAG_ORDER_SELECTED, 2), 1, {F(5, 2)}},
    {TDAGI_TRIU, SPEC(diagonal, 0), 1, {F(2, 3, 4)}},
    {TDAGI_TRIU, SPEC(diagonal, -1), 1, {I(4, 4)}},
    {TDAGI_TRIL, SPEC(diagonal, -1), 1, {F(2, 3, 4)}},
    {TDAGI_TRIL, SPEC(diagonal, 0), 1, {B(3, 4)}},
};
/* clang-format on */

/* ---- data ---- */

static tdag_tensor *tensor_of(tdag_ctx *ctx, const tdagi_type *type)
{
    tdag_tensor *t = NULL;
    TEST_OK(ctx, tdag_tensor_create(ctx, type->dtype, type->rank, type->shape, &t));
    example_fill(t);
    return t;
}

/* The same numbers in another dtype. */
static tdag_tensor *as(tdag_ctx *ctx, const tdag_tensor *from, tdag_dtype dtype)
{
    tdag_tensor *t = NULL;
    TEST_OK(ctx, tdag_tensor_create(ctx, dtype, from->rank, from->shape, &t));
    for (int64_t i = 0; i < t->count; i++)
        tdagi_tensor_set_f64(t, i, tdagi_tensor_get_f64(from, i));
    return t;
}

typedef struct made {
    const law *l;
    tdag_graph *g;
    uint32_t n, n_out;
    tdag_tensor *in[8], *out[2];
    char path[256], name[96];
} made;

/* With operands after the first as weights, or all as inputs. */
static void make(tdag_ctx *ctx, const law *l, bool weights, made *m)
{
    tdag_builder *b = NULL;
    tdag_value v[8];
    *m = (made){.l = l};
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    for (uint32_t i = 0; i < l->n; i++) {
        tdag_tensor *t = tensor_of(ctx, &l->in[i]);
        if (weights && i > 0) {
            char name[16];
            snprintf(name, sizeof name, "w%u", (unsigned)i);
            const bool is_float = t->dtype == TDAG_F32;
            v[i] = tdag_add_tensor(b, is_float ? TDAG_OP_PARAMETER : TDAG_OP_CONSTANT,
                                   name, t);
            tdag_tensor_free(t);
        } else {
            v[i] = tdag_add_input(b, NULL, t->dtype, t->rank, l->in[i].shape);
            m->in[m->n++] = t;
        }
    }
    output_law(b, l, v);
    TEST_OK(ctx, tdag_builder_finish(b, &m->g));
    tdag_builder_free(b);
    m->n_out = m->g->n_outputs;
    TEST_OK(ctx, tdagi_run_reference(ctx, m->g, m->in, m->out));
}

static void done(made *m)
{
    for (uint32_t i = 0; i < m->n; i++)
        tdag_tensor_free(m->in[i]);
    for (uint32_t i = 0; i < m->n_out; i++)
        tdag_tensor_free(m->out[i]);
    tdag_graph_free(m->g);
}

static void save_io(tdag_ctx *ctx, const made *m)
{
    static char names[10][16];
    char *at[10], path[300];
    tdag_tensor *t[10];
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->n + m->n_out; i++, n++) {
        const bool is_in = i < m->n;
        const uint32_t k = is_in ? i : i - m->n;
        snprintf(names[n], sizeof names[n], "%s%u", is_in ? "in" : "out", (unsigned)k);
        at[n] = names[n];
        t[n] = is_in ? m->in[k] : m->out[k];
    }
    const tdag_named_tensors all = {.n = n, .names = at, .tensors = t};
    snprintf(path, sizeof path, "%s/%s.io.safetensors", folder, m->name);
    TEST_OK(ctx, tdag_tensors_save(ctx, path, &all));
}

/* ---- writing, reading ---- */

static void expect_near(const made *m, const tdag_tensor *got, const tdag_tensor *want)
{
    for (int64_t i = 0; i < want->count; i++) {
        const double a = tdagi_tensor_get_f64(got, i),
                     b = tdagi_tensor_get_f64(want, i);
        if (!(isnan(a) && isnan(b)) && !(fabs(a - b) <= 1e-4 * (1 + fabs(b))))
            fail_msg("%s: element %d is %g, not %g", m->name, (int)i, a, b);
    }
}

/* What was read computes what was written. */
static void expect_computed(tdag_ctx *ctx, const made *m, const tdag_graph *g)
{
    tdag_tensor *in[8], *out[2];
    if (g->n_inputs != m->n || g->n_outputs != m->n_out)
        fail_msg("%s: %u inputs, %u outputs", m->name, (unsigned)g->n_inputs,
                 (unsigned)g->n_outputs);
    for (uint32_t i = 0; i < m->n; i++)
        in[i] = as(ctx, m->in[i], (tdag_dtype)tdagi_graph_node(g, g->inputs[i])->dtype);
    TEST_OK(ctx, tdag_graph_run(ctx, g, in, g->n_inputs, NULL, out));
    for (uint32_t i = 0; i < m->n_out; i++) {
        expect_near(m, out[i], m->out[i]);
        tdag_tensor_free(out[i]);
    }
    for (uint32_t i = 0; i < m->n; i++)
        tdag_tensor_free(in[i]);
}

static void read_again(tdag_ctx *ctx, const made *m, bool *is_same)
{
    tdag_model *model = NULL;
    TEST_OK(ctx, tdag_open(ctx, m->path, NULL, 0, NULL, &model));
    const tdag_graph *g = tdag_model_get_graph(model);
    expect_computed(ctx, m, g);
    tdagi_raised *r = raise_graph(ctx, g);
    *is_same = n_of(r, m->l->id) > 0;
    tdagi_raised_free(r);
    tdag_model_free(model);
}

static bool check(tdag_ctx *ctx, const law *l, uint32_t form, bool weights,
                  uint32_t target)
{
    tdag_coreml_options o;
    tdag_model *model = NULL;
    made m;
    bool is_same = true;
    make(ctx, l, weights, &m);
    snprintf(m.name, sizeof m.name, "%s.%u.%u%s", name_of(l->id), (unsigned)form,
             (unsigned)target, weights ? "w" : "");
    snprintf(m.path, sizeof m.path, "%s/%s.mlpackage", folder, m.name);
    tdag_coreml_options_init(&o);
    o.target = target;
    TEST_OK(ctx, tdag_model_create(ctx, m.g, &model));
    if (tdag_to_coreml(ctx, model, m.path, &o) != TDAG_OK)
        fail_msg("%s: %s", m.name, tdag_ctx_get_error(ctx)->message);
    save_io(ctx, &m);
    read_again(ctx, &m, &is_same);
    tdag_model_free(model);
    done(&m);
    return is_same;
}

/* In how many ways a composite that is written by operators may come back as another
 * one, or as several: as what its formula is, what i32 makes of positions or of bits,
 * what is by parts. */
static uint32_t most_lost(tdagi_composite id)
{
    static const struct {
        tdagi_composite id;
        uint32_t n;
    } rows[] = {
        {TDAGI_TRUNC, 2},
        {TDAGI_LOGICAL_NOT, 2},
        {TDAGI_LOG1P, 2},
        {TDAGI_EXPM1, 2},
        {TDAGI_LOG_SIGMOID, 2},
        {TDAGI_LINEAR, 2},
        {TDAGI_EINSUM, 4},
        {TDAGI_ADAPTIVE_AVG_POOL, 2},
        {TDAGI_LOG_SOFTMAX, 2},
        {TDAGI_VECTOR_NORM, 2},
        {TDAGI_ADAPTIVE_MAX_POOL, 2},
        {TDAGI_GROUP_NORM, 4},
        {TDAGI_ATTENTION, 10},
        {TDAGI_ROLL, 4},
        {TDAGI_UPSAMPLE, 6},
        {TDAGI_GRID_SAMPLE, 8},
        {TDAGI_EMBEDDING, 2},
        {TDAGI_INDEX, 6},
        {TDAGI_INDEX_SELECT, 6},
        {TDAGI_TRIU, 2},
        {TDAGI_TRIL, 2},
        {TDAGI_BITWISE_AND, 8},
        {TDAGI_BITWISE_OR, 8},
        {TDAGI_BITWISE_XOR, 8},
        {TDAGI_BITWISE_LEFT_SHIFT, 8},
        {TDAGI_BITWISE_RIGHT_SHIFT, 8},
    };
    if (tdagi_mil_composite_emitter(id) == &tdagi_mil_emitter_BY_PARTS)
        return UINT32_MAX;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].id == id) return rows[i].n;
    return 0;
}

static const uint32_t targets[] = {0, 18};

/* In how many ways it does not come back as itself. */
static uint32_t check_ways(tdag_ctx *ctx, const law *l, uint32_t form)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < 2; i++)
        for (int weights = 0; weights < (l->n > 1 ? 2 : 1); weights++)
            n += !check(ctx, l, form, weights != 0, targets[i]);
    return n;
}

static void test_composites(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint32_t id = 1; id < TDAGI_N_COMPOSITES; id++) {
        uint32_t form = 0,
                 lost = check_ways(ctx, example_of((tdagi_composite)id), form++);
        for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
            if (forms[i].id == id) lost += check_ways(ctx, &forms[i], form++);
        if (lost > most_lost((tdagi_composite)id))
            fail_msg("%s does not come back in %u ways", name_of((tdagi_composite)id),
                     (unsigned)lost);
    }
    tdag_ctx_free(ctx);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_composites)};
    folder = argc > 1 ? argv[1] : ".";
    mkdir(folder, 0777);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
