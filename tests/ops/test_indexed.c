/* gather and scatter: shapes, costs, refusals; and every failing allocation of the ops
 * that allocate. */
#include "op_case.h"

#define GATHER(b)                                                                      \
    TDAG_OP_GATHER, &(tdag_gather_spec) { b }
#define SCATTER(b, m)                                                                  \
    TDAG_OP_SCATTER, &(tdag_scatter_spec) { b, m }

/* clang-format off */
static void test_shapes(void **state)
{
    (void)state;
    op_world w = op_world_create();
    const op_case cases[] = {
        {"embedding", GATHER(0), {"f32[1000,8]", "i64[N,3]"}, "f32[N,3,8]", "0, 27*N, 24*N"},
        {"gather batch", GATHER(1), {"f32[N,9]", "i32[N,3]"}, "f32[N,3]", "0, 6*N, 3*N"},
        {"gather scalar", GATHER(0), {"f32[9]", "i64[]"}, "f32[]", "0, 2, 1"},
        {"gather none", GATHER(0), {"f32[9,2]", "i64[0]"}, "f32[0,2]", "0, 0, 0"},
        {"gather dtype", GATHER(0), {"f32[9]", "i16[2]"}, "! gather needs an index of i64 or i32, it is i16", NULL},
        {"gather batch dims", GATHER(1), {"f32[N,9]", "i32[M,3]"}, "! shared axis 0 has dim N in the input and M in the index", NULL},
        {"gather rank", GATHER(0), {"f32[]", "i64[2]"}, "! 0 shared axes do not fit an input of 0 axes", NULL},
        {"gather index rank", GATHER(1), {"f32[2,3]", "i64[]"}, "! 1 shared axes do not fit", NULL},
        {"gather negative", GATHER(-1), {"f32[2,3]", "i64[]"}, "! -1 shared axes", NULL},
        {"gather large", GATHER(0), {"f32[2,1,1,1,1,1,1,1,1,1]", "i64[1,1,1,1,1,1,1,1]"}, "! the result would have 17 axes", NULL},
        {"scatter", SCATTER(0, 0), {"f32[9,8]", "i64[N]", "f32[N,8]"}, "f32[9,8]", "0, 72+9*N, 72"},
        {"scatter add", SCATTER(0, 1), {"f32[9,8]", "i64[N]", "f32[N,8]"}, "f32[9,8]", "8*N, 72+9*N, 72"},
        {"scatter update", SCATTER(0, 1), {"f32[9,8]", "i64[N]", "f32[N,7]"}, "! axis 1 of the update has dim 7, data and index ask for 8", NULL},
        {"scatter rank", SCATTER(0, 1), {"f32[9,8]", "i64[N]", "f32[N]"}, "! the update has 1 axes, data and index ask for 2", NULL},
        {"scatter dtype", SCATTER(0, 1), {"f32[9,8]", "i64[N]", "f64[N,8]"}, "! they are f32 and f64", NULL},
        {"scatter mode", SCATTER(0, 5), {"f32[9,8]", "i64[N]", "f32[N,8]"}, "! mode 5 is not one of its modes", NULL},
    };
    OP_CASES_RUN(&w, cases);
    op_world_free(&w);
}
/* clang-format on */

/* One evaluation by a builder-less call, on tensors of zeros. */
typedef struct one_eval {
    tdag_op op;
    const void *spec;
    tdag_dtype dtypes[3];
    uint32_t n_inputs;
} one_eval;

static tdag_status eval_zeros(tdag_ctx *ctx, void *arg)
{
    const one_eval *e = arg;
    const int64_t n = 6;
    tdag_tensor *t[4] = {NULL};
    tdag_status st = TDAG_OK;
    for (uint32_t i = 0; i < e->n_inputs && st == TDAG_OK; i++) {
        st = tdag_tensor_create(ctx, e->dtypes[i], 1, &n, &t[i]);
        if (st == TDAG_OK) memset(t[i]->data, 0, t[i]->size);
    }
    tdag_dtype dtype = e->op == TDAG_OP_ARGSORT ? TDAG_I64 : e->dtypes[0];
    if (st == TDAG_OK) st = tdag_tensor_create(ctx, dtype, 1, &n, &t[3]);
    const tdag_tensor *inputs[3] = {t[0], t[1], t[2]};
    tdagi_eval_call call = {ctx, e->spec, e->n_inputs, inputs, t[3]};
    if (st == TDAG_OK) st = tdagi_op_row_of(e->op)->def->eval(&call);
    for (uint32_t i = 0; i < 4; i++)
        tdag_tensor_free(t[i]);
    return st;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    const tdag_list one = TDAG_LIST(1), two = TDAG_LIST(2), zero = TDAG_LIST(0);
    one_eval cases[] = {
        {TDAG_OP_PAD, &(tdag_pad_spec){zero, zero, 1, 0}, {TDAG_F32}, 1},
        {TDAG_OP_FOLD, &(tdag_window_spec){two, two}, {TDAG_F16}, 1},
        {TDAG_OP_UNFOLD, &(tdag_window_spec){one, one}, {TDAG_F16}, 1},
        {TDAG_OP_REDUCE, &(tdag_reduce_spec){{0, NULL}, 1}, {TDAG_I8}, 1},
        {TDAG_OP_SCAN, &(tdag_scan_spec){0, 1}, {TDAG_I8}, 1},
        {TDAG_OP_ARGSORT, &(tdag_argsort_spec){0, 1, 0}, {TDAG_F32}, 1},
        {TDAG_OP_GATHER, &(tdag_gather_spec){0}, {TDAG_F32, TDAG_I32}, 2},
        {TDAG_OP_SCATTER,
         &(tdag_scatter_spec){0, 1},
         {TDAG_F32, TDAG_I64, TDAG_F32},
         3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        test_every_oom(eval_zeros, &cases[i]);
}

/* The sentence names the index, and nothing outside is touched. */
static void test_bad_index(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    const int64_t n = 3, k = 2;
    tdag_tensor *x = NULL, *index = NULL, *out = NULL;
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, 1, &n, &x));
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_I64, 1, &k, &index));
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, 1, &k, &out));
    memset(x->data, 0, x->size);
    tdagi_tensor_set_i64(index, 0, 2);
    tdagi_tensor_set_i64(index, 1, 3);
    const tdag_tensor *inputs[] = {x, index};
    tdagi_eval_call call = {ctx, &(tdag_gather_spec){0}, 2, inputs, out};
    assert_int_equal(tdagi_op_row_of(TDAG_OP_GATHER)->def->eval(&call), TDAG_E_ARG);
    assert_string_equal(tdag_ctx_get_error(ctx)->message,
                        "gather: index 3 at position 1 is outside of axis 0 of dim 3");
    tdag_tensor_free(x);
    tdag_tensor_free(index);
    tdag_tensor_free(out);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_bad_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
