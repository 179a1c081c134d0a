/* See programs.h. */
#include "programs.h"

tdagi_type type_of(tdag_dtype dtype, uint32_t rank, const tdag_dim *dims)
{
    tdagi_type t = {.dtype = dtype, .rank = rank};
    for (uint32_t i = 0; i < rank; i++)
        t.shape[i] = dims[i];
    return t;
}

tdag_status graph_of(tdag_ctx *ctx, const char *text, tdag_graph **out)
{
    return tdag_graph_parse(ctx, text, strlen(text), out);
}

static const struct {
    const char *name, *text;
} graphs[] = {
    {"neg", "tdag 1\nsymbols N=2\nx: f32[N,4] = input\ny = neg(x)\nreturn y\n"},
    {"positive", "tdag 1\nn: i64[] = input\nzero: i64[] = constant [0]\n"
                 "c = less(zero, n)\nreturn c\n"},
    {"grow", "tdag 1\nsymbols L=3\nk: f32[L,4] = input\n"
             "g = pad(k) {before=[0, 0], after=[1, 0]}\nreturn g\n"},
    {"mask", "tdag 1\nsymbols N=2\nx: f32[N,4] = input\nzero: f32[] = constant [0]\n"
             "m = less(zero, x)\nreturn m\n"},
    {"range", "tdag 1\nsymbols L=3\nv = iota() {n=L, dtype=i64}\nreturn v\n"},
};
enum { NEG, POSITIVE, GROW, MASK, RANGE, N_GRAPHS };

typedef struct maker {
    tdagi_model_builder b;
    tdag_dim n; /* the symbol N */
} maker;

static tdag_dim symbol(maker *m, const char *name, int64_t sample)
{
    tdagi_pool *pool = tdagi_method_pool(&m->b);
    return pool == NULL ? 0 : tdagi_dim_symbol(pool, name, sample);
}

static tdag_dim plus_one(maker *m, tdag_dim d)
{
    tdagi_pool *pool = tdagi_method_pool(&m->b);
    return pool == NULL ? 0 : tdagi_dim_add(pool, d, 1);
}

static tdagi_type matrix(tdag_dim rows, tdag_dim columns)
{
    const tdag_dim dims[] = {rows, columns};
    return type_of(TDAG_F32, 2, dims);
}

static tdagi_type vector(tdag_dim n) { return type_of(TDAG_I64, 1, &n); }

static tdagi_type scalar(tdag_dtype dtype) { return type_of(dtype, 0, NULL); }

/* A call of one value or none, giving one. */
static tdagi_var call(maker *m, uint32_t graph, const tdagi_var *input, tdagi_type type)
{
    tdagi_var out = {0};
    const tdagi_statement_spec s = {.kind = TDAGI_CALL,
                                    .target = graph,
                                    .inputs = input,
                                    .n_inputs = input != NULL};
    tdagi_program_add(&m->b, &s, 1, &type, &out);
    return out;
}

/* A statement that gives one value. */
static tdagi_var add(maker *m, tdagi_statement_spec s, tdagi_type type)
{
    tdagi_var out = {0};
    tdagi_program_add(&m->b, &s, 1, &type, &out);
    return out;
}

static void add_effect(maker *m, tdagi_statement_kind kind, const char *text,
                       const tdagi_var *inputs, uint32_t n)
{
    const tdagi_statement_spec s = {
        .kind = (uint8_t)kind, .text = text, .inputs = inputs, .n_inputs = n};
    tdagi_program_add(&m->b, &s, 0, NULL, NULL);
}

static tdagi_var add_if(maker *m, tdagi_var c, tdagi_var y)
{
    tdagi_model_builder *b = &m->b;
    const tdagi_type type = matrix(m->n, 4);
    const tdagi_statement_spec s = {.kind = TDAGI_IF, .inputs = &c, .n_inputs = 1};
    tdagi_var z = {0};
    tdagi_program_open(b, &s);
    tdagi_program_begin_block(b, 0, NULL, 0, NULL, NULL);
    tdagi_var z1 = call(m, NEG, &y, type);
    tdagi_program_end_block(b, 1, &z1);
    tdagi_program_begin_block(b, 0, NULL, 0, NULL, NULL);
    tdagi_program_end_block(b, 1, &y);
    tdagi_program_close(b, 1, &type, &z);
    return z;
}

static void add_loop(maker *m, tdagi_var n, tdagi_var c, tdagi_var z, tdagi_var y,
                     tdagi_var results[2])
{
    tdagi_model_builder *b = &m->b;
    const tdag_dim t = symbol(m, "T", 2), r = symbol(m, "R", 5);
    const tdagi_var inputs[] = {n, c, z, y};
    const tdagi_binding binding = {.symbol = r, .bound = TDAGI_DIM_BAD};
    const tdagi_statement_spec s = {.kind = TDAGI_LOOP,
                                    .has_limit = true,
                                    .has_condition = true,
                                    .inputs = inputs,
                                    .n_inputs = 4,
                                    .bindings = &binding,
                                    .n_bindings = 1};
    const tdagi_type carried[] = {scalar(TDAG_I64), matrix(t, 4), matrix(m->n, 4)};
    const tdagi_type types[] = {matrix(r, 4), matrix(m->n, 4)};
    tdagi_var p[3] = {{0}};
    tdagi_program_open(b, &s);
    tdagi_program_begin_block(b, 3, carried, 1, &t, p);
    tdagi_var t2 = call(m, GROW, &p[1], matrix(plus_one(m, t), 4));
    tdagi_var c1 = call(m, POSITIVE, &p[0], scalar(TDAG_BOOL));
    const tdagi_var yields[] = {c1, t2, p[2]};
    tdagi_program_end_block(b, 3, yields);
    tdagi_program_close(b, 2, types, results);
}

static void add_state(maker *m)
{
    const tdag_dim s = symbol(m, "S", 3);
    const tdagi_binding binding = {.symbol = s, .bound = TDAGI_DIM_BAD};
    tdagi_var k = add(m,
                      (tdagi_statement_spec){
                          .kind = TDAGI_READ, .bindings = &binding, .n_bindings = 1},
                      matrix(s, 4));
    tdagi_var k2 = call(m, GROW, &k, matrix(plus_one(m, s), 4));
    add_effect(m, TDAGI_WRITE, NULL, &k2, 1);
}

static tdagi_var add_draws(maker *m, tdagi_var n)
{
    const tdag_dim p = symbol(m, "P", 3);
    const tdagi_binding binding = {.symbol = p, .bound = TDAGI_DIM_BAD};
    tdagi_var e =
        add(m, (tdagi_statement_spec){.kind = TDAGI_DRAW, .draw = TDAGI_DRAW_NORMAL},
            matrix(m->n, 8));
    add(m,
        (tdagi_statement_spec){.kind = TDAGI_DRAW,
                               .draw = TDAGI_DRAW_PERMUTATION,
                               .inputs = &n,
                               .n_inputs = 1,
                               .bindings = &binding,
                               .n_bindings = 1},
        vector(p));
    return e;
}

static tdagi_var add_apply(maker *m, tdagi_var z)
{
    tdagi_type flags = matrix(m->n, 4);
    flags.dtype = TDAG_BOOL;
    tdagi_var mask = call(m, MASK, &z, flags);
    const tdag_dim k = symbol(m, "K", 3), dims[] = {k, 2};
    tdagi_pool *pool = tdagi_method_pool(&m->b);
    const tdagi_binding binding = {
        .symbol = k, .bound = pool == NULL ? 0 : tdagi_dim_mul(pool, 4, m->n)};
    return add(m,
               (tdagi_statement_spec){.kind = TDAGI_APPLY,
                                      .text = "nonzero",
                                      .arguments = "",
                                      .inputs = &mask,
                                      .n_inputs = 1,
                                      .bindings = &binding,
                                      .n_bindings = 1},
               type_of(TDAG_I64, 2, dims));
}

static tdagi_var add_range(maker *m, tdagi_var n)
{
    const tdag_dim q = symbol(m, "Q", 3);
    const tdagi_binding binding = {.symbol = q, .bound = TDAGI_DIM_BAD, .value = n};
    return add(
        m,
        (tdagi_statement_spec){
            .kind = TDAGI_CALL, .target = RANGE, .bindings = &binding, .n_bindings = 1},
        vector(q));
}

static void add_forward(maker *m)
{
    tdagi_model_builder *b = &m->b;
    tdagi_method_begin(b, "forward");
    m->n = symbol(m, "N", 2);
    tdagi_method_symbol(b, m->n);
    const tdagi_type type = matrix(m->n, 4), count = scalar(TDAG_I64);
    tdagi_var x = tdagi_method_input(b, "x", &type);
    tdagi_var n = tdagi_method_input(b, NULL, &count), results[2] = {{0}};
    tdagi_var y = call(m, NEG, &x, type);
    tdagi_program_name(b, y, "y");
    tdagi_var c = call(m, POSITIVE, &n, scalar(TDAG_BOOL));
    tdagi_var z = add_if(m, c, y);
    add_loop(m, n, c, z, y, results);
    add_state(m);
    tdagi_var e = add_draws(m, n), i = add_apply(m, z);
    add_effect(m, TDAGI_CHECK, "the count is positive", &c, 1);
    const tdagi_var out[] = {results[0], results[1], e, i, add_range(m, n)};
    add_effect(m, TDAGI_RETURN, NULL, out, 5);
    tdagi_method_end(b, NULL, NULL);
}

static tdag_status add_parts(maker *m, tdag_ctx *ctx)
{
    static const int64_t sizes[] = {3, 4};
    const char *const symbols[] = {"S", NULL};
    for (size_t i = 0; i < N_GRAPHS; i++) {
        tdag_graph *g = NULL;
        TDAGI_TRY(graph_of(ctx, graphs[i].text, &g));
        tdagi_model_add_graph(&m->b, graphs[i].name, g);
        tdag_graph_free(g);
    }
    tdag_tensor *cache = NULL;
    TDAGI_TRY(tdag_tensor_create(ctx, TDAG_F32, 2, sizes, &cache));
    memset(tdag_tensor_get_mutable_data(cache), 0, tdag_tensor_get_size(cache));
    tdagi_model_add_state(&m->b, "cache", cache, symbols);
    tdag_tensor_free(cache);
    return TDAG_OK;
}

tdag_status make_everything(tdag_ctx *ctx, tdag_model **out)
{
    maker m;
    memset(&m, 0, sizeof m);
    tdagi_model_begin(&m.b, ctx);
    tdag_status st = m.b.status == TDAG_OK ? add_parts(&m, ctx) : m.b.status;
    if (st != TDAG_OK) {
        tdagi_model_drop(&m.b);
        return st;
    }
    add_forward(&m);
    return tdagi_model_finish(&m.b, out);
}

static const tdagi_statement *find(const tdagi_block *block, uint32_t *left)
{
    const tdagi_statement *found = NULL;
    for (const tdagi_statement *s = block->first; s != NULL && found == NULL;
         s = s->next) {
        if (--*left == 0) return s;
        for (uint32_t i = 0; i < s->n_blocks && found == NULL; i++)
            found = find(&s->blocks[i], left);
    }
    return found;
}

tdagi_statement *statement_at(const tdagi_method *m, uint32_t number)
{
    return (tdagi_statement *)(uintptr_t)find(&m->body, &number);
}
