/* The law raise(lower(op)) == op for every composite that is no contraction, with
 * random attributes, in f32 and, where it says so, in f16, bf16 and integers. */
#include "raise/support.h"

#include <math.h>

static tdag_builder *builder(tdag_ctx *ctx)
{
    tdag_builder *b = NULL;
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    return b;
}

static tdagi_type random_type(rnd *r, tdag_dtype dtype, uint32_t least, uint32_t most)
{
    tdagi_type t = {dtype, (uint32_t)rnd_in(r, least, most), {0}};
    for (uint32_t i = 0; i < t.rank; i++)
        t.shape[i] = rnd_in(r, 2, 4);
    return t;
}

/* The first dim a symbol, now and then. */
static void make_symbolic(rnd *r, tdag_builder *b, tdagi_type *t)
{
    if (t->rank > 0 && rnd_yes(r))
        t->shape[0] = tdag_builder_symbol(b, "N", t->shape[0]);
}

static double number(rnd *r) { return (double)(10 * rnd_in(r, -40, 40) + 3) / 100; }

/* ---- element-wise ---- */

static const struct {
    tdagi_composite id;
    const char *dtypes; /* f: f32, d: f64, h: f16, b: bf16, i: i64, o: bool */
} unary_cases[] = {
    {TDAGI_RSQRT, "fdhb"},     {TDAGI_TRUNC, "fdhb"},    {TDAGI_CEIL, "fdhb"},
    {TDAGI_ABS, "fdhbi"},      {TDAGI_LOG1P, "fdhb"},    {TDAGI_EXPM1, "fdhb"},
    {TDAGI_ERF, "fdhb"},       {TDAGI_ERFINV, "fdhb"},   {TDAGI_RELU, "fdhbi"},
    {TDAGI_SIGMOID, "fdhb"},   {TDAGI_SILU, "fdhb"},     {TDAGI_LOG_SIGMOID, "fdhb"},
    {TDAGI_MISH, "fdhb"},      {TDAGI_LOGICAL_NOT, "o"}, {TDAGI_HARDSIGMOID, "fdhb"},
    {TDAGI_HARDSWISH, "fdhb"}, {TDAGI_FRAC, "fdhb"},
};

static tdag_dtype dtype_of(char c)
{
    return c == 'f'   ? TDAG_F32
           : c == 'd' ? TDAG_F64
           : c == 'h' ? TDAG_F16
           : c == 'b' ? TDAG_BF16
           : c == 'i' ? TDAG_I64
                      : TDAG_BOOL;
}

static void unary_law(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint32_t i = 0; i < sizeof(unary_cases) / sizeof(unary_cases[0]); i++)
        for (const char *c = unary_cases[i].dtypes; *c != '\0'; c++) {
            rnd r = rnd_seeded(i * 16 + (uint64_t)(*c & 15));
            tdag_builder *b = builder(ctx);
            law l = {unary_cases[i].id, NULL, 1, {random_type(&r, dtype_of(*c), 0, 3)}};
            make_symbolic(&r, b, &l.in[0]);
            expect_law(ctx, b, &l, &r);
        }
    tdag_ctx_free(ctx);
}

static void binary_law(void **state)
{
    (void)state;
    static const tdagi_composite ids[] = {
        TDAGI_SUB,     TDAGI_DIV,     TDAGI_POW,        TDAGI_REMAINDER,
        TDAGI_MAXIMUM, TDAGI_MINIMUM, TDAGI_LESS_EQUAL, TDAGI_NOT_EQUAL};
    tdag_ctx *ctx = test_ctx();
    for (uint32_t i = 0; i < 8; i++)
        for (const char *c = i == 1 || i == 2 ? "fdhb" : "fdhbi"; *c != '\0'; c++) {
            rnd r = rnd_seeded(500 + i * 16 + (uint64_t)(*c & 15));
            tdag_builder *b = builder(ctx);
            tdagi_type t = random_type(&r, dtype_of(*c), 2, 3), u;
            make_symbolic(&r, b, &t);
            u = t;
            if (rnd_yes(&r)) { /* broadcast */
                u.rank--;
                memmove(u.shape, u.shape + 1, u.rank * sizeof(u.shape[0]));
            }
            law l = {ids[i], NULL, 2, {t, u}};
            expect_law(ctx, b, &l, &r);
        }
    tdag_ctx_free(ctx);
}

static void attribute_law(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint64_t i = 0; i < 60; i++) {
        rnd r = rnd_seeded(700 + i);
        tdag_dtype dtype = dtype_of("fdhb"[i % 4]);
        tdagi_type t = random_type(&r, dtype, 1, 4);
        const tdagi_scalar_spec slope = {number(&r)};
        const tdagi_elu_spec elu = {fabs(number(&r)), i % 3 ? 1 : 1.05,
                                    i % 5 ? 1 : 0.5};
        const tdagi_softplus_spec softplus = {fabs(number(&r)), 20};
        const tdagi_gelu_spec gelu = {rnd_yes(&r)};
        const tdagi_round_spec round = {rnd_in(&r, -2, 2)};
        const tdagi_pow_int_spec power = {(rnd_yes(&r) ? 1 : -1) * rnd_in(&r, 2, 20)};
        int64_t form = rnd_in(&r, 1, 3);
        const tdagi_clamp_spec clamp = {form & 1, form >> 1, form & 1 ? -1.7 : 0,
                                        form >> 1 ? 2.3 : 0};
        const struct {
            tdagi_composite id;
            const void *spec;
        } rows[] = {{TDAGI_LEAKY_RELU, &slope},  {TDAGI_ELU, &elu},
                    {TDAGI_SOFTPLUS, &softplus}, {TDAGI_GELU, &gelu},
                    {TDAGI_ROUND, &round},       {TDAGI_POW_INT, &power}};
        for (uint32_t k = 0; k < 6; k++) {
            tdag_builder *b = builder(ctx);
            law l = {rows[k].id, rows[k].spec, 1, {t}};
            make_symbolic(&r, b, &l.in[0]);
            expect_law(ctx, b, &l, &r);
        }
        if (dtype == TDAG_F32) { /* halves would round the bounds */
            law l = {TDAGI_CLAMP, &clamp, 1, {t}};
            expect_law(ctx, builder(ctx), &l, &r);
        }
        law p = {TDAGI_PRELU, NULL, 2, {t, type_of(dtype, 1, INT64_C(1))}};
        if (t.rank > 1 && rnd_yes(&r)) p.in[1].shape[0] = t.shape[1];
        expect_law(ctx, builder(ctx), &p, &r);
        const tdagi_scalar_spec fill = {-(double)INFINITY};
        tdagi_type mask = t;
        mask.dtype = TDAG_BOOL;
        law m = {TDAGI_MASKED_FILL, &fill, 2, {t, mask}};
        expect_law(ctx, builder(ctx), &m, &r);
    }
    tdag_ctx_free(ctx);
}

/* ---- reductions and norms ---- */

static void reduction_law(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint64_t i = 0; i < 80; i++) {
        rnd r = rnd_seeded(900 + i);
        tdag_dtype dtype = dtype_of("ffhb"[i % 4]);
        tdagi_type t = random_type(&r, dtype, 2, 4);
        int64_t axes[2] = {rnd_in(&r, 0, t.rank - 2), t.rank - 1};
        uint32_t n_axes = (uint32_t)rnd_in(&r, 1, 2);
        const tdag_list list = {n_axes, axes};
        static const double ps[] = {2, 1, 0, (double)INFINITY, -(double)INFINITY, 3};
        const tdagi_axis_spec axis = {axes[0]};
        const tdagi_axes_keep_spec keep = {list, rnd_yes(&r)};
        const tdagi_var_spec var = {list, (double)rnd_in(&r, 0, 1), rnd_yes(&r)};
        const tdagi_norm_spec norm = {list, ps[rnd_in(&r, 0, 5)], rnd_yes(&r), 0};
        const tdagi_norm_spec unit = {{1, axes}, ps[rnd_in(&r, 0, 1)], 0, 1e-6};
        const tdagi_axis_keep_spec arg = {axes[0], rnd_yes(&r)};
        const struct {
            tdagi_composite id;
            const void *spec;
        } rows[] = {{TDAGI_SOFTMAX, &axis},
                    {TDAGI_LOG_SOFTMAX, &axis},
                    {TDAGI_LOGSUMEXP, &keep},
                    {TDAGI_VAR, &var},
                    {TDAGI_STD, &var},
                    {TDAGI_VECTOR_NORM, &norm},
                    {TDAGI_NORMALIZE, &unit},
                    {rnd_yes(&r) ? TDAGI_ARGMAX : TDAGI_ARGMIN, &arg}};
        bool symbolic = rnd_yes(&r);
        for (uint32_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
            tdag_builder *own = builder(ctx);
            law l = {rows[k].id, rows[k].spec, 1, {t}};
            if (symbolic) l.in[0].shape[0] = tdag_builder_symbol(own, "N", t.shape[0]);
            expect_law(ctx, own, &l, &r);
        }
    }
    tdag_ctx_free(ctx);
}

static void norm_law(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint64_t i = 0; i < 120; i++) {
        rnd r = rnd_seeded(1100 + i);
        tdag_dtype dtype = dtype_of("ffhb"[i % 4]);
        tdagi_type t = random_type(&r, dtype, 2, 4), w = {dtype, 0, {0}};
        const double eps = rnd_yes(&r) ? 1e-5 : 1e-3;
        int64_t n = rnd_in(&r, 1, t.rank);
        uint32_t affine = (uint32_t)rnd_in(&r, 1, 3); /* inputs */
        const tdagi_layer_norm_spec last = {n, eps};
        const tdagi_eps_spec only = {eps};
        w.rank = (uint32_t)n;
        for (uint32_t k = 0; k < n; k++)
            w.shape[k] = t.shape[t.rank - n + k];
        law l = {TDAGI_LAYER_NORM, &last, affine, {t, w, w}};
        if (affine == 3 && i % 7 == 0) l.in[1].dtype = TDAG_DTYPE_NONE;
        expect_law(ctx, builder(ctx), &l, &r);
        law rms = {TDAGI_RMS_NORM, &last, affine > 2 ? 2 : affine, {t, w}};
        expect_law(ctx, builder(ctx), &rms, &r);

        tdag_builder *b = builder(ctx);
        const tdagi_group_norm_spec groups = {2, eps};
        t.shape[1] = 4;
        tdagi_type c = type_of(dtype, 1, INT64_C(4)), stat = c;
        law g = {TDAGI_GROUP_NORM, &groups, affine, {t, c, c}};
        make_symbolic(&r, b, &g.in[0]);
        expect_law(ctx, b, &g, &r);
        if (t.rank > 2) {
            law in = {TDAGI_INSTANCE_NORM, &only, affine < 2 ? 2 : affine, {t, c, c}};
            expect_law(ctx, builder(ctx), &in, &r);
        }
        b = builder(ctx);
        if (i % 3 == 0) stat.dtype = TDAG_F32;
        law bn = {TDAGI_BATCH_NORM, &only, affine + 2, {t, stat, stat, stat, stat}};
        if (affine == 3 && i % 5 == 0) bn.in[3].dtype = TDAG_DTYPE_NONE;
        make_symbolic(&r, b, &bn.in[0]);
        expect_law(ctx, b, &bn, &r);
    }
    tdag_ctx_free(ctx);
}

static void attention_law(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint64_t i = 0; i < 60; i++) {
        rnd r = rnd_seeded(1300 + i);
        tdag_builder *b = builder(ctx);
        tdag_dtype dtype = dtype_of("ffhb"[i % 4]);
        tdagi_type q = random_type(&r, dtype, 3, 4), k = q, v, mask;
        make_symbolic(&r, b, &q);
        k.shape[0] = q.shape[0];
        k.shape[k.rank - 2] = rnd_in(&r, 2, 5);
        v = k;
        v.shape[v.rank - 1] = rnd_in(&r, 2, 5);
        mask = type_of(rnd_yes(&r) ? dtype : TDAG_BOOL, 2, q.shape[q.rank - 2],
                       k.shape[k.rank - 2]);
        const tdagi_attention_spec spec = {0.125, rnd_yes(&r)};
        law l = {TDAGI_ATTENTION, &spec, rnd_yes(&r) ? 4 : 3, {q, k, v, mask}};
        expect_law(ctx, b, &l, &r);
    }
    tdag_ctx_free(ctx);
}

/* ---- windows ---- */

/* True where ceil_mode changes no axis: then it cannot come back. */
static bool ceil_is_idle(const tdagi_type *t, const tdagi_pool_spec *s)
{
    for (uint32_t i = 0; i < s->kernel.n; i++) {
        int64_t n = t->shape[t->rank - s->kernel.n + i], p = s->padding.v[i];
        int64_t free = n + 2 * p - (s->kernel.v[i] - 1) * s->dilation.v[i] - 1;
        if (free % s->stride.v[i] != 0) return false;
    }
    return true;
}

static void pool_law(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint64_t i = 0; i < 300; i++) {
        rnd r = rnd_seeded(1500 + i);
        tdag_builder *b = builder(ctx);
        uint32_t n = (uint32_t)rnd_in(&r, 1, 3);
        bool max = rnd_yes(&r), padded = false;
        tdagi_type t = random_type(&r, dtype_of(max ? "ffhi"[i % 4] : "ffhb"[i % 4]),
                                   n + 1, n + 2);
        int64_t kernel[3], stride[3], padding[3], dilation[3];
        for (uint32_t k = 0; k < n; k++) {
            kernel[k] = rnd_in(&r, 2, 3);
            stride[k] = rnd_in(&r, 1, 3);
            padding[k] = rnd_in(&r, 0, 1);
            dilation[k] = max ? rnd_in(&r, 1, 2) : 1;
            padded = padded || padding[k] > 0;
            t.shape[t.rank - n + k] = (kernel[k] - 1) * dilation[k] + rnd_in(&r, 2, 5);
        }
        tdagi_pool_spec spec = {
            {n, kernel}, {n, stride}, {n, padding}, {n, dilation}, rnd_yes(&r), 0, 0};
        if (ceil_is_idle(&t, &spec)) spec.ceil_mode = 0;
        /* Whether PyTorch's ceil window starts in the padding and is dropped decides
         * whether ceil_mode shows; leave those cases to the expressions. */
        if (!max && (padded || spec.ceil_mode)) spec.count_include_pad = rnd_yes(&r);
        if (!max && !padded) spec.count_include_pad = 1;
        if (!max && rnd_in(&r, 0, 4) == 0) spec.divisor = 5;
        if (spec.divisor != 0) spec.count_include_pad = 1;
        make_symbolic(&r, b, &t);
        if (spec.ceil_mode) { /* symbolic: then it shows in any case */
            for (uint32_t k = 0; k < n; k++)
                if (stride[k] == 1) stride[k] = 2;
        }
        law l = {max ? TDAGI_MAX_POOL : TDAGI_AVG_POOL, &spec, 1, {t}};
        if (spec.ceil_mode)
            expect_composite(ctx, b, &l, &r);
        else
            expect_law(ctx, b, &l, &r);
    }
    tdag_ctx_free(ctx);
}

static void adaptive_law(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint64_t i = 0; i < 80; i++) {
        rnd r = rnd_seeded(1900 + i);
        uint32_t n = (uint32_t)rnd_in(&r, 1, 3);
        bool max = rnd_yes(&r);
        tdagi_type t = random_type(&r, dtype_of("ffhb"[i % 4]), n + 2, n + 2);
        tdag_dim output[3];
        bool moves = false;
        for (uint32_t k = 0; k < n; k++) {
            t.shape[2 + k] = rnd_in(&r, 4, 9);
            output[k] = rnd_in(&r, 1, t.shape[2 + k]);
            moves = moves || (output[k] != 1 && output[k] != t.shape[2 + k]);
        }
        if (!moves) continue; /* a plain mean over whole axes, or nothing */
        const tdagi_adaptive_pool_spec spec = {{n, output}};
        law l = {
            max ? TDAGI_ADAPTIVE_MAX_POOL : TDAGI_ADAPTIVE_AVG_POOL, &spec, 1, {t}};
        expect_law(ctx, builder(ctx), &l, &r);
    }
    tdag_ctx_free(ctx);
}

static void im2col_law(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint64_t i = 0; i < 100; i++) {
        rnd r = rnd_seeded(2100 + i);
        int64_t kernel[2], stride[2], padding[2], dilation[2], size[2], length = 1;
        for (uint32_t k = 0; k < 2; k++) {
            kernel[k] = rnd_in(&r, 2, 3);
            stride[k] = rnd_in(&r, 1, 3);
            padding[k] = rnd_in(&r, 0, 2);
            dilation[k] = rnd_in(&r, 1, 2);
            int64_t span = (kernel[k] - 1) * dilation[k] + 1;
            size[k] = span + rnd_in(&r, 1, 6);
            length *= (size[k] + 2 * padding[k] - span) / stride[k] + 1;
        }
        tdagi_im2col_spec spec = {
            {2, kernel}, {2, dilation}, {2, padding}, {2, stride}, {0, NULL}};
        tdagi_type x = type_of(TDAG_F32, 4, INT64_C(2), INT64_C(3), size[0], size[1]);
        tdag_builder *b = builder(ctx);
        make_symbolic(&r, b, &x);
        law l = {TDAGI_IM2COL, &spec, 1, {x}};
        expect_law(ctx, b, &l, &r);
        spec.output = (tdag_list){2, size};
        law c = {TDAGI_COL2IM, &spec, 1, {{0}}};
        c.in[0] = type_of(TDAG_F32, 3, INT64_C(2), 3 * kernel[0] * kernel[1], length);
        expect_law(ctx, builder(ctx), &c, &r);
    }
    tdag_ctx_free(ctx);
}

/* ---- joining, moving, indexing ---- */

static void join_law(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint64_t i = 0; i < 80; i++) {
        rnd r = rnd_seeded(2300 + i);
        tdag_builder *b = builder(ctx);
        tdagi_type t = random_type(&r, dtype_of("fhio"[i % 4]), 1, 3);
        const tdagi_axis_spec join = {rnd_in(&r, 0, t.rank - 1)};
        law l = {TDAGI_CONCAT, &join, (uint32_t)rnd_in(&r, 2, 7), {{0}}};
        make_symbolic(&r, b, &t);
        for (uint32_t k = 0; k < l.n; k++) {
            l.in[k] = t;
            if (join.axis > 0) l.in[k].shape[join.axis] = rnd_in(&r, 1, 4);
        }
        expect_law(ctx, b, &l, &r);
        const tdagi_axis_spec stack = {rnd_in(&r, 0, t.rank)};
        b = builder(ctx);
        t = random_type(&r, t.dtype, t.rank, t.rank);
        law s = {TDAGI_STACK, &stack, l.n, {{0}}};
        for (uint32_t k = 0; k < l.n; k++)
            s.in[k] = t;
        expect_law(ctx, b, &s, &r);
    }
    tdag_ctx_free(ctx);
}

static void move_law(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint64_t i = 0; i < 60; i++) {
        rnd r = rnd_seeded(2500 + i);
        tdagi_type t = random_type(&r, TDAG_F32, 2, 4);
        for (uint32_t k = 0; k < t.rank; k++)
            t.shape[k] = rnd_in(&r, 3, 5);
        int64_t axes[2] = {t.rank - 1, rnd_in(&r, 0, t.rank - 2)};
        int64_t shifts[2] = {rnd_in(&r, 1, 2), -rnd_in(&r, 1, 2)};
        int64_t counts[4] = {1, 1, 1, 1};
        uint32_t n = (uint32_t)rnd_in(&r, 1, 2);
        const tdagi_roll_spec roll = {{n, shifts}, {n, axes}};
        const tdagi_axes_list_spec flip = {{n, axes}};
        const tdagi_repeat_interleave_spec times = {axes[1], rnd_in(&r, 2, 3)};
        counts[rnd_in(&r, 0, t.rank - 1)] = 2;
        const tdagi_tile_spec tile = {{t.rank, counts}};
        const tdagi_diagonal_spec diagonal = {rnd_in(&r, -2, 2)};
        const struct {
            tdagi_composite id;
            const void *spec;
        } rows[] = {{TDAGI_ROLL, &roll},
                    {TDAGI_FLIP, &flip},
                    {TDAGI_REPEAT_INTERLEAVE, &times},
                    {TDAGI_TILE, &tile},
                    {TDAGI_TRIU, &diagonal},
                    {TDAGI_TRIL, &diagonal}};
        for (uint32_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
            tdag_builder *b = builder(ctx);
            law l = {rows[k].id, rows[k].spec, 1, {t}};
            make_symbolic(&r, b, &l.in[0]);
            expect_law(ctx, b, &l, &r);
        }
    }
    tdag_ctx_free(ctx);
}

static void index_law(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint64_t i = 0; i < 60; i++) {
        rnd r = rnd_seeded(2700 + i);
        tdagi_type x = random_type(&r, TDAG_F32, 3, 4), list, index;
        for (uint32_t k = 0; k < x.rank; k++)
            x.shape[k] = rnd_in(&r, 4, 5);
        const tdagi_axis_spec axis = {rnd_in(&r, 0, x.rank - 1)};
        index = random_type(&r, TDAG_I64, x.rank, x.rank);
        list = random_type(&r, TDAG_I64, 1, 1);
        law e = {TDAGI_EMBEDDING,
                 NULL,
                 2,
                 {type_of(TDAG_F32, 2, INT64_C(5), INT64_C(3)),
                  random_type(&r, TDAG_I64, 0, 3)}};
        expect_law(ctx, builder(ctx), &e, &r);
        tdag_builder *b = builder(ctx);
        law s = {TDAGI_INDEX_SELECT, &axis, 2, {x, list}};
        make_symbolic(&r, b, &s.in[0]);
        expect_law(ctx, b, &s, &r);
        law p = {TDAGI_INDEX, &axis, 2, {x, random_type(&r, TDAG_I64, 0, 3)}};
        b = builder(ctx);
        make_symbolic(&r, b, &p.in[0]);
        expect_law(ctx, b, &p, &r);
        law t = {TDAGI_TAKE_ALONG, &axis, 2, {x, index}};
        expect_law(ctx, builder(ctx), &t, &r);
    }
    tdag_ctx_free(ctx);
}

static void upsample_law(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint64_t i = 0; i < 120; i++) {
        rnd r = rnd_seeded(2900 + i);
        uint32_t n = (uint32_t)rnd_in(&r, 1, 3);
        tdagi_upsample_spec spec = {.mode = rnd_in(&r, 0, 3)};
        if (spec.mode == TDAGI_UPSAMPLE_CUBIC) n = 2;
        tdagi_type x = random_type(&r, dtype_of("ffdh"[i % 4]), n + 2, n + 2);
        tdag_dim output[3];
        bool scaled = rnd_yes(&r);
        if (spec.mode >= TDAGI_UPSAMPLE_LINEAR) spec.align_corners = rnd_yes(&r);
        for (uint32_t k = 0; k < n; k++) {
            x.shape[2 + k] = rnd_in(&r, 2, 4);
            output[k] = x.shape[2 + k] + rnd_in(&r, 1, 5);
            if (!scaled || spec.align_corners) continue;
            spec.scales[k] = 2.3; /* no quotient of two such dims */
            output[k] = (int64_t)floor((double)x.shape[2 + k] * 2.3);
        }
        spec.output = (tdag_list){n, output};
        tdag_builder *b = builder(ctx);
        law l = {TDAGI_UPSAMPLE, &spec, 1, {x}};
        make_symbolic(&r, b, &l.in[0]);
        expect_law(ctx, b, &l, &r);
    }
    tdag_ctx_free(ctx);
}

/* The contractions are test_contraction.c's. */
static void every_composite_was_tested(void **state)
{
    (void)state;
    for (uint32_t id = 1; id < TDAGI_N_COMPOSITES; id++) {
        bool contraction = id >= TDAGI_CONV && id <= TDAGI_EINSUM;
        if (!contraction && !law_was_tested((tdagi_composite)id))
            fail_msg("no test of %s",
                     tdagi_composite_row_of((tdagi_composite)id)->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unary_law),     cmocka_unit_test(binary_law),
        cmocka_unit_test(attribute_law), cmocka_unit_test(reduction_law),
        cmocka_unit_test(norm_law),      cmocka_unit_test(attention_law),
        cmocka_unit_test(pool_law),      cmocka_unit_test(adaptive_law),
        cmocka_unit_test(im2col_law),    cmocka_unit_test(join_law),
        cmocka_unit_test(move_law),      cmocka_unit_test(index_law),
        cmocka_unit_test(upsample_law),  cmocka_unit_test(every_composite_was_tested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
