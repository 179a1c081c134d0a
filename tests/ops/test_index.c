/* Index maps: what a movement op's map says each element of the result is read from is
 * what its evaluation puts there, for an example of every op that has a map. */
#include "support/test.h"

#include "ir/graph.h"

#define L(...)                                                                         \
    {                                                                                  \
        sizeof((int64_t[]){__VA_ARGS__}) / 8, (const int64_t[]) { __VA_ARGS__ }        \
    }

typedef struct example {
    tdag_op op;
    uint32_t rank;
    int64_t shape[4];
    const void *spec;
} example;

static const example examples[] = {
    {TDAG_OP_PERMUTE, 3, {2, 3, 4}, &(const tdag_permute_spec){L(2, 0, 1)}},
    {TDAG_OP_GROUP, 4, {2, 3, 4, 2}, &(const tdag_group_spec){L(1, 3)}},
    {TDAG_OP_GROUP, 2, {2, 3}, &(const tdag_group_spec){L(1, 1)}},
    {TDAG_OP_UNGROUP, 2, {2, 12}, &(const tdag_ungroup_spec){L(1, 3), L(2, 3, 2, 2)}},
    {TDAG_OP_SQUEEZE, 4, {2, 1, 3, 1}, &(const tdag_axes_spec){L(1, 3)}},
    {TDAG_OP_UNSQUEEZE, 2, {2, 3}, &(const tdag_axes_spec){L(0, 3)}},
    {TDAG_OP_SLICE, 2, {5, 6}, &(const tdag_slice_spec){L(1, 0), L(4, 6)}},
    {TDAG_OP_SELECT, 3, {2, 5, 3}, &(const tdag_select_spec){1, 3}},
    {TDAG_OP_REPEAT, 3, {2, 1, 3}, &(const tdag_repeat_spec){L(1, 4, 1)}},
    {TDAG_OP_PAD, 2, {2, 3}, &(const tdag_pad_spec){L(1, 0), L(2, 1), 0, -1}},
    {TDAG_OP_UNFOLD, 3, {2, 7, 9}, &(const tdag_window_spec){L(1, 3, 1), L(1, 2, 4)}},
    {TDAG_OP_FOLD, 2, {2, 9}, &(const tdag_window_spec){L(1, 3), L(1, 2)}},
};

static int64_t row_major(uint32_t rank, const int64_t *shape, const int64_t *index)
{
    int64_t n = 0;
    for (uint32_t i = 0; i < rank; i++)
        n = n * shape[i] + index[i];
    return n;
}

static void indices(uint32_t rank, const int64_t *shape, int64_t n, int64_t *index)
{
    for (uint32_t i = rank; i-- > 0; n /= shape[i])
        index[i] = n % shape[i];
}

/* The index into the input; false: outside of it. */
static bool read_from(const tdagi_index_map *m, const tdag_tensor *in,
                      const tdag_tensor *out, const int64_t *at, int64_t *from)
{
    bool inside = true;
    for (uint32_t k = 0; k < m->n; k++) {
        const tdagi_piece *p = &m->pieces[k];
        int64_t o = row_major(p->n_out, out->shape + p->out, at + p->out);
        if (p->kind == TDAGI_PIECE_DIGITS)
            indices(p->n_in, in->shape + p->in, o, from + p->in);
        else if (p->kind == TDAGI_PIECE_WINDOWS)
            from[p->in] = o / p->kernel * p->stride + o % p->kernel;
        else if (p->n_in == 1)
            from[p->in] = p->start - p->before + p->stride * o;
        if (p->n_in == 1)
            inside = inside && from[p->in] >= 0 && from[p->in] < in->shape[p->in];
    }
    return inside;
}

/* The values that the map says, from an input that counts; a fold adds them up. */
static void expect_map(const example *e, const tdag_tensor *x, const tdag_tensor *y)
{
    bool folds = tdagi_op_class_of(e->op) == TDAGI_CLASS_FOLD;
    const tdag_tensor *in = folds ? y : x, *out = folds ? x : y;
    int64_t at[TDAG_MAX_RANK], from[TDAG_MAX_RANK], sums[64] = {0};
    tdagi_index_map m;
    tdagi_op_index(e->op, &(tdagi_index_call){e->spec, in->rank, out->rank}, &m);
    for (int64_t i = 0; i < out->count; i++) {
        indices(out->rank, out->shape, i, at);
        bool inside = read_from(&m, in, out, at, from);
        int64_t j = inside ? row_major(in->rank, in->shape, from) : 0;
        if (folds)
            sums[j] += i;
        else if (tdagi_tensor_get_i64(y, i) !=
                 (inside ? j : (int64_t)((const tdag_pad_spec *)e->spec)->value))
            fail_msg("%s: element %d", tdag_op_name(e->op), (int)i);
    }
    for (int64_t j = 0; folds && j < y->count; j++)
        assert_int_equal(tdagi_tensor_get_i64(y, j), sums[j]);
}

static void check(tdag_ctx *ctx, const example *e)
{
    const tdagi_opdef *def = tdagi_op_row_of(e->op)->def;
    tdag_builder *b = NULL;
    tdag_tensor *x = NULL, *y = NULL;
    tdagi_type type;
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_I64, e->rank, e->shape, &x));
    for (int64_t i = 0; i < x->count; i++)
        tdagi_tensor_set_i64(x, i, i);
    const tdag_value v = tdag_add_input(b, NULL, TDAG_I64, e->rank, e->shape);
    TEST_OK(ctx, tdagi_builder_infer(b, e->op, e->spec, &v, 1, &type));
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_I64, type.rank, type.shape, &y));
    const tdag_tensor *inputs[] = {x};
    const tdagi_eval_call call = {ctx, e->spec, 1, inputs, y};
    TEST_OK(ctx, def->eval(&call));
    expect_map(e, x, y);
    tdag_tensor_free(x);
    tdag_tensor_free(y);
    tdag_builder_free(b);
}

static void test_maps(void **state)
{
    (void)state;
    bool seen[TDAGI_OP_CODES] = {false};
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
        check(ctx, &examples[i]);
        seen[examples[i].op] = true;
    }
    for (uint32_t op = 0; op < TDAGI_OP_CODES; op++) {
        const tdagi_op_row *row = tdagi_op_row_of(op);
        if (row != NULL && row->def->index != NULL && !seen[op])
            fail_msg("%s has an index map and no example", row->name);
    }
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_maps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
