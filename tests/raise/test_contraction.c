/* Contractions: the law over random attributes, other ways to write them, and what must
 * not be taken for one. */
#include "raise/support.h"

#define N_CONV      400
#define N_TRANSPOSE 300

static tdag_builder *builder(tdag_ctx *ctx)
{
    tdag_builder *b = NULL;
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    return b;
}

static tdag_list list(uint32_t n, const int64_t *v) { return (tdag_list){n, v}; }

typedef struct conv_case {
    int64_t stride[3], dilation[3], before[3], after[3], kernel[3];
    int64_t x[5], w[5];
    uint32_t n;
    int64_t groups, out, in; /* per group */
} conv_case;

static conv_case random_conv(rnd *r)
{
    conv_case c = {.n = (uint32_t)rnd_in(r, 1, 3)};
    c.groups = rnd_yes(r) ? 1 : rnd_in(r, 1, 4);
    c.in = rnd_in(r, 1, 3);
    c.out = rnd_in(r, 1, 3);
    c.x[0] = rnd_in(r, 1, 3);
    c.x[1] = c.groups * c.in;
    c.w[0] = c.groups * c.out;
    c.w[1] = c.in;
    bool even = rnd_yes(r); /* the same padding on both sides */
    for (uint32_t i = 0; i < c.n; i++) {
        c.kernel[i] = c.w[2 + i] = rnd_in(r, 1, c.n == 3 ? 3 : 5);
        c.stride[i] = rnd_in(r, 1, 3);
        c.dilation[i] = c.kernel[i] == 1 ? 1 : rnd_in(r, 1, 3);
        c.before[i] = rnd_in(r, 0, 2);
        c.after[i] = even ? c.before[i] : rnd_in(r, 0, 2);
        int64_t span = (c.kernel[i] - 1) * c.dilation[i] + 1;
        c.x[2 + i] = span + rnd_in(r, 0, c.n == 3 ? 3 : 7);
        /* One window of one tap shows no stride at all. */
        int64_t windows =
            (c.x[2 + i] + c.before[i] + c.after[i] - span) / c.stride[i] + 1;
        if (windows == 1) c.stride[i] = 1;
    }
    return c;
}

static void conv_law(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint64_t i = 1; i <= N_CONV; i++) {
        rnd r = rnd_seeded(i);
        conv_case c = random_conv(&r);
        tdag_builder *b = builder(ctx);
        if (rnd_yes(&r)) { /* symbolic batch and one symbolic size */
            c.x[0] = tdag_builder_symbol(b, "N", c.x[0]);
            c.x[2] = tdag_builder_symbol(b, "H", c.x[2]);
        }
        tdagi_conv_spec spec = {list(c.n, c.stride), list(c.n, c.dilation),
                                list(c.n, c.before), list(c.n, c.after), c.groups};
        law l = {TDAGI_CONV, &spec, 2, {{0}}};
        l.in[0] = type_of_dims(TDAG_F64, c.n + 2, c.x);
        l.in[1] = type_of_dims(TDAG_F64, c.n + 2, c.w);
        if (rnd_yes(&r)) {
            l.n = 3;
            l.in[2] = type_of_dims(TDAG_F64, 1, c.w);
        }
        expect_law(ctx, b, &l, &r);
    }
    tdag_ctx_free(ctx);
}

static void conv_transpose_law(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint64_t i = 1; i <= N_TRANSPOSE; i++) {
        rnd r = rnd_seeded(1000 + i);
        conv_case c = random_conv(&r);
        tdag_builder *b = builder(ctx);
        c.w[0] = c.x[1];
        c.w[1] = c.out;
        int64_t padding[3], more[3];
        for (uint32_t k = 0; k < c.n; k++) {
            c.stride[k] = rnd_in(&r, 1, 3);
            int64_t most = c.stride[k] > c.dilation[k] ? c.stride[k] : c.dilation[k];
            int64_t span = (c.kernel[k] - 1) * c.dilation[k];
            c.x[2 + k] = rnd_in(&r, 3, 5);
            padding[k] = rnd_in(&r, 0, span < 2 ? span : 2);
            more[k] = rnd_in(&r, 0, most - 1);
        }
        if (rnd_yes(&r)) {
            c.x[0] = tdag_builder_symbol(b, "N", c.x[0]);
            c.x[2] = tdag_builder_symbol(b, "H", c.x[2]);
        }
        tdagi_conv_transpose_spec spec = {list(c.n, c.stride), list(c.n, c.dilation),
                                          list(c.n, padding), list(c.n, more),
                                          c.groups};
        law l = {TDAGI_CONV_TRANSPOSE, &spec, 2, {{0}}};
        l.in[0] = type_of_dims(TDAG_F64, c.n + 2, c.x);
        l.in[1] = type_of_dims(TDAG_F64, c.n + 2, c.w);
        if (rnd_yes(&r)) {
            int64_t channels = c.groups * c.out;
            l.n = 3;
            l.in[2] = type_of_dims(TDAG_F64, 1, &channels);
        }
        expect_law(ctx, b, &l, &r);
    }
    tdag_ctx_free(ctx);
}

static void linear_law(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint64_t i = 1; i <= 100; i++) {
        rnd r = rnd_seeded(2000 + i);
        tdag_builder *b = builder(ctx);
        tdag_dim x[4];
        uint32_t rank = (uint32_t)rnd_in(&r, 1, 4);
        for (uint32_t k = 0; k < rank; k++)
            x[k] = rnd_in(&r, 1, 4);
        if (rank > 1 && rnd_yes(&r)) x[0] = tdag_builder_symbol(b, "N", x[0]);
        tdag_dim w[2] = {rnd_in(&r, 1, 4), x[rank - 1]};
        law l = {TDAGI_LINEAR, NULL, rnd_yes(&r) ? 3 : 2, {{0}}};
        l.in[0] = type_of_dims(TDAG_F32, rank, x);
        l.in[1] = type_of_dims(TDAG_F32, 2, w);
        if (l.n == 3) l.in[2] = type_of_dims(TDAG_F32, 1, w);
        expect_law(ctx, b, &l, &r);
    }
    tdag_ctx_free(ctx);
}

static void matmul_law(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint64_t i = 1; i <= 200; i++) {
        rnd r = rnd_seeded(3000 + i);
        tdag_builder *b = builder(ctx);
        uint32_t rx = (uint32_t)rnd_in(&r, 1, 4), ry = (uint32_t)rnd_in(&r, 1, 4);
        tdag_dim x[4], y[4], k = rnd_in(&r, 2, 4), batch[2];
        batch[0] = rnd_in(&r, 2, 3);
        batch[1] = rnd_in(&r, 2, 3);
        if (rnd_yes(&r)) batch[0] = tdag_builder_symbol(b, "B", batch[0]);
        for (uint32_t j = 0; j + 2 < rx; j++)
            x[j] = batch[2 - (rx - 2) + j];
        for (uint32_t j = 0; j + 2 < ry; j++)
            y[j] = batch[2 - (ry - 2) + j];
        if (rx > 2 && rnd_in(&r, 0, 3) == 0) x[0] = 1;
        if (rx > 1) x[rx - 2] = rnd_in(&r, 2, 4);
        x[rx - 1] = k;
        y[ry > 1 ? ry - 2 : 0] = k;
        if (ry > 1) y[ry - 1] = rnd_in(&r, 2, 4);
        law l = {TDAGI_MATMUL, NULL, 2, {{0}}};
        l.in[0] = type_of_dims(TDAG_F32, rx, x);
        l.in[1] = type_of_dims(TDAG_F32, ry, y);
        expect_law(ctx, b, &l, &r);
    }
    tdag_ctx_free(ctx);
}

static void addmm_law(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint64_t i = 1; i <= 30; i++) {
        rnd r = rnd_seeded(4000 + i);
        tdagi_addmm_spec spec = {rnd_yes(&r) ? 1 : 0.7, rnd_yes(&r) ? 1 : -0.3};
        law l = {TDAGI_ADDMM, &spec, 3, {{0}}};
        int64_t m = rnd_in(&r, 2, 4), k = rnd_in(&r, 2, 4), n = rnd_in(&r, 2, 4);
        bool batched = rnd_yes(&r);
        l.in[0] = type_of(TDAG_F32, 1, n);
        if (rnd_yes(&r)) l.in[0] = type_of(TDAG_F32, 2, m, n);
        l.in[1] = batched ? type_of(TDAG_F32, 3, INT64_C(2), m, k)
                          : type_of(TDAG_F32, 2, m, k);
        l.in[2] = batched ? type_of(TDAG_F32, 3, INT64_C(2), k, n)
                          : type_of(TDAG_F32, 2, k, n);
        expect_law(ctx, builder(ctx), &l, &r);
    }
    tdag_ctx_free(ctx);
}

static void einsum_law(void **state)
{
    (void)state;
    static const char *const equations[] = {
        "ab,cb->ac",     "abcd,abed->abce", "abc,dc->dba",    "abcd,cb->abd",
        "abc,dbc->ad",   "abcd,ecd->abe",   "ab,ac->abc",     "abc,bd->adc",
        "abcd,edc->aeb", "abc,abd->acd",    "abcde,fbc->adef"};
    tdag_ctx *ctx = test_ctx();
    for (uint32_t i = 0; i < sizeof(equations) / sizeof(equations[0]); i++) {
        rnd r = rnd_seeded(i);
        tdagi_einsum_spec spec = {equations[i]};
        law l = {TDAGI_EINSUM, &spec, 2, {{0}}};
        for (uint32_t k = 0; k < 2; k++)
            l.in[k].dtype = TDAG_F32;
        uint32_t k = 0;
        for (const char *p = equations[i]; *p != '-'; p++) {
            if (*p == ',')
                k = 1;
            else
                l.in[k].shape[l.in[k].rank++] = 2 + (*p - 'a') % 4;
        }
        if (strcmp(equations[i], "ab,ac->abc") == 0)
            continue; /* sums nothing: a product */
        expect_law(ctx, builder(ctx), &l, &r);
    }
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conv_law),   cmocka_unit_test(conv_transpose_law),
        cmocka_unit_test(linear_law), cmocka_unit_test(matmul_law),
        cmocka_unit_test(addmm_law),  cmocka_unit_test(einsum_law),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
