/* See random_program.h. */
#include "random_program.h"

#include "program/programs.h"
#include "support/random_graph.h"

static const struct {
    const char *name, *text;
} graphs[] = {
    {"neg",
     "tdag 1\nsymbols N=2\nx: f32[N,4] = input\nw: f32[4] = parameter [1, 2, 3, 4]\n"
     "m = multiply(x, w)\ny = neg(m)\nreturn y\n"},
    {"positive", "tdag 1\nn: i64[] = input\nzero: i64[] = constant [0]\n"
                 "c = less(zero, n)\nreturn c\n"},
    {"grow", "tdag 1\nsymbols L=3\nk: f32[L,4] = input\n"
             "g = pad(k) {before=[0, 0], after=[1, 0]}\nreturn g\n"},
    {"the range", "tdag 1\nsymbols L=3\nv = iota() {n=L, dtype=i64}\nreturn v\n"},
    {"next", "tdag 1\nn: i64[] = input\none: i64[] = constant [1]\n"
             "m = add(n, one)\nreturn m, n\n"},
    {"rows", "tdag 1\nsymbols K=3\ni: i64[K,2] = input\nf = convert(i) {dtype=f32}\n"
             "p = pad(f) {before=[0, 1], after=[0, 1]}\nreturn p\n"},
    {"two", "tdag 1\nx: i64[] = constant [2]\nreturn x\n"},
    {"no", "tdag 1\nx: bool[] = constant [false]\nreturn x\n"},
    {"yes", "tdag 1\nx: bool[] = constant [true]\nreturn x\n"},
    {"three rows",
     "tdag 1\nx: f32[3,4] = constant [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3]\n"
     "return x\n"},
    {"neg again",
     "tdag 1\nsymbols N=2\ny: f32[N,4] = input\nw: f32[4] = parameter [1, 2, 3, 4]\n"
     "m1 = multiply(y, w)\nz = neg(m1)\nreturn z\n"},
    {"sum", "tdag 1\nsymbols A=2 B=3\nx: f32[A,4] = input\ny: f32[B,4] = input\n"
            "s = reduce(y) {axes=[0], kind=sum}\nz = add(x, s)\nn = neg(y)\n"
            "return z, x, n\n"},
};
enum {
    NEG,
    POSITIVE,
    GROW,
    RANGE,
    NEXT,
    ROWS,
    TWO,
    NO,
    YES,
    THREE_ROWS,
    NEG_AGAIN,
    SUM,
    N_GRAPHS
};
enum { CACHE, FIXED };

#define MOST 256

/* Values that are seen, by what they are. */
typedef struct scope {
    tdagi_var matrices[MOST], counts[MOST], flags[MOST]; /* f32[?,4], i64[], bool[] */
    uint32_t n_matrices, n_counts, n_flags;
} scope;

typedef struct maker {
    tdagi_model_builder b;
    rg_random r;
    scope seen;
    uint32_t depth, n_symbols;
    bool runs;
} maker;

static uint32_t pick(maker *m, uint32_t n) { return (uint32_t)rg_in(&m->r, 0, n - 1); }

static tdag_dim fresh(maker *m)
{
    char name[24];
    snprintf(name, sizeof name, "%c%u", "STK"[pick(m, 3)], (unsigned)m -> n_symbols++);
    return tdagi_dim_symbol(tdagi_method_pool(&m->b), name, rg_in(&m->r, 0, 5));
}

static tdagi_type matrix(tdag_dim rows)
{
    const tdag_dim dims[] = {rows, 4};
    return type_of(TDAG_F32, 2, dims);
}

static tdag_dim rows_of(const maker *m, tdagi_var v)
{
    return tdagi_method_var(m->b.method, v)->shape[0];
}

static void name(maker *m, tdagi_var v)
{
    static const char *const names[] = {"x",  "y", "call", "v7", "a b",     "n\"1\"",
                                        "if", "i", "x_1",  "",   "\xc3\xa9"};
    if (rg_chance(&m->r, 60))
        tdagi_program_name(&m->b, v, names[pick(m, sizeof names / sizeof *names)]);
}

static void see(tdagi_var *list, uint32_t *n, tdagi_var v)
{
    if (*n < MOST) list[(*n)++] = v;
}

static void see_matrix(maker *m, tdagi_var v)
{
    name(m, v);
    see(m->seen.matrices, &m->seen.n_matrices, v);
}
static void see_count(maker *m, tdagi_var v)
{
    name(m, v);
    see(m->seen.counts, &m->seen.n_counts, v);
}
static void see_flag(maker *m, tdagi_var v)
{
    name(m, v);
    see(m->seen.flags, &m->seen.n_flags, v);
}

static tdagi_var a_matrix(maker *m)
{
    return m->seen.matrices[pick(m, m->seen.n_matrices)];
}
static tdagi_var a_count(maker *m) { return m->seen.counts[pick(m, m->seen.n_counts)]; }
static tdagi_var a_flag(maker *m) { return m->seen.flags[pick(m, m->seen.n_flags)]; }

/* ---- statements ---- */

static tdagi_var add(maker *m, tdagi_statement_spec s, const tdagi_var *input,
                     tdagi_type type)
{
    tdagi_var out = {0};
    s.inputs = input;
    if (input != NULL && s.n_inputs == 0) s.n_inputs = 1;
    tdagi_program_add(&m->b, &s, 1, &type, &out);
    return out;
}

static void effect(maker *m, tdagi_statement_spec s, tdagi_var input)
{
    s.inputs = &input;
    s.n_inputs = 1;
    tdagi_program_add(&m->b, &s, 0, NULL, NULL);
}

static tdagi_binding binding(maker *m, tdag_dim symbol)
{
    tdagi_binding b = {.symbol = symbol, .bound = TDAGI_DIM_BAD};
    if (!m->runs && rg_chance(&m->r, 40))
        b.bound = tdagi_dim_mul(tdagi_method_pool(&m->b), 4, rows_of(m, a_matrix(m)));
    return b;
}

static tdagi_var call(maker *m, uint32_t graph, const tdagi_var *input, tdagi_type type)
{
    return add(m, (tdagi_statement_spec){.kind = TDAGI_CALL, .target = graph}, input,
               type);
}

/* n, n+1 */
static void call_next(maker *m, tdagi_var n, tdagi_var both[2])
{
    const tdagi_type counts[2] = {{.dtype = TDAG_I64}, {.dtype = TDAG_I64}};
    tdagi_statement_spec next = {
        .kind = TDAGI_CALL, .target = NEXT, .inputs = &n, .n_inputs = 1};
    tdagi_program_add(&m->b, &next, 2, counts, both);
}

static void call_sum(maker *m)
{
    tdagi_var in[2] = {a_matrix(m), a_matrix(m)}, out[3] = {{0}};
    const tdagi_type types[3] = {matrix(rows_of(m, in[0])), matrix(rows_of(m, in[0])),
                                 matrix(rows_of(m, in[1]))};
    tdagi_statement_spec s = {
        .kind = TDAGI_CALL, .target = SUM, .inputs = in, .n_inputs = 2};
    tdagi_program_add(&m->b, &s, 3, types, out);
    for (int i = 0; i < 3; i++)
        see_matrix(m, out[i]);
}

static void add_calls(maker *m)
{
    tdagi_var x = a_matrix(m), n = a_count(m), both[2] = {{0}};
    tdag_dim rows = rows_of(m, x);
    switch (pick(m, 9)) {
    case 0:
        see_matrix(m,
                   call(m, rg_chance(&m->r, 50) ? NEG : NEG_AGAIN, &x, matrix(rows)));
        break;
    case 1:
        rows = tdagi_dim_add(tdagi_method_pool(&m->b), rows, 1);
        see_matrix(m, call(m, GROW, &x, matrix(rows)));
        break;
    case 2:
        see_flag(m, call(m, POSITIVE, &n, type_of(TDAG_BOOL, 0, NULL)));
        break;
    case 3:
        see_count(m, call(m, TWO, NULL, type_of(TDAG_I64, 0, NULL)));
        break;
    case 4:
        see_flag(m, call(m, rg_chance(&m->r, 50) ? NO : YES, NULL,
                         type_of(TDAG_BOOL, 0, NULL)));
        break;
    case 5:
        see_matrix(m, call(m, THREE_ROWS, NULL, matrix(3)));
        break;
    case 6:
    case 7:
        call_sum(m);
        break;
    default:
        call_next(m, n, both);
        see_count(m, both[0]);
        see_count(m, both[1]);
    }
}

static void add_found(maker *m)
{
    tdagi_var n = a_count(m), x = a_matrix(m), inputs[] = {n, n};
    tdag_dim size = fresh(m);
    tdagi_binding b = binding(m, size);
    tdagi_statement_spec s = {.bindings = &b, .n_bindings = 1};
    switch (pick(m, 5)) {
    case 0:
        b.value = n;
        s.kind = TDAGI_CALL;
        s.target = RANGE;
        name(m, add(m, s, NULL, type_of(TDAG_I64, 1, &size)));
        break;
    case 1:
        s.kind = TDAGI_READ;
        s.target = CACHE;
        see_matrix(m, add(m, s, NULL, matrix(size)));
        break;
    case 2:
        s.kind = TDAGI_DRAW;
        s.draw = TDAGI_DRAW_PERMUTATION;
        name(m, add(m, s, &n, type_of(TDAG_I64, 1, &size)));
        break;
    case 3:
        s.kind = TDAGI_APPLY;
        if (m->runs) {
            const tdag_dim found[] = {size, 2};
            s.text = "nonzero";
            x = add(m, s, &x, type_of(TDAG_I64, 2, found));
            see_matrix(m, call(m, ROWS, &x, matrix(size)));
            break;
        }
        s.text = rg_chance(&m->r, 50) ? "aten::rows" : "an \"odd\" one";
        s.arguments = rg_chance(&m->r, 50) ? "" : "dim=\"0\"\n";
        see_matrix(m, add(m, s, &x, matrix(size)));
        break;
    default:
        if (m->runs) { /* from below to, once */
            tdagi_var both[2] = {{0}};
            call_next(m, n, both);
            inputs[0] = both[1];
            inputs[1] = both[0];
        }
        s = (tdagi_statement_spec){
            .kind = TDAGI_DRAW, .draw = TDAGI_DRAW_INTEGERS, .n_inputs = 2};
        see_count(m, add(m, s, inputs, type_of(TDAG_I64, 0, NULL)));
    }
}

static void add_effect(maker *m)
{
    switch (pick(m, 4)) {
    case 0:
        effect(m, (tdagi_statement_spec){.kind = TDAGI_WRITE, .target = CACHE},
               a_matrix(m));
        break;
    case 1:
        effect(m, (tdagi_statement_spec){.kind = TDAGI_CHECK, .text = "it \"holds\"\n"},
               a_flag(m));
        break;
    case 2:
        see_matrix(m,
                   add(m, (tdagi_statement_spec){.kind = TDAGI_READ, .target = FIXED},
                       NULL, matrix(2)));
        break;
    default:
        see_matrix(m, add(m,
                          (tdagi_statement_spec){.kind = TDAGI_DRAW,
                                                 .draw = TDAGI_DRAW_NORMAL},
                          NULL, matrix(rows_of(m, a_matrix(m)))));
    }
}

static void add_statements(maker *m, uint32_t n);

/* Symbols that are seen in blocks only stand in values of those. */
static void add_if(maker *m)
{
    tdagi_var c = a_flag(m), yields[2][2], results[2];
    uint32_t n = pick(m, 3), n_found = 0;
    tdagi_type types[2];
    tdagi_binding found[2];
    const scope before = m->seen;
    const tdagi_statement_spec s = {.kind = TDAGI_IF, .inputs = &c, .n_inputs = 1};
    tdagi_program_open(&m->b, &s);
    for (int arm = 0; arm < 2; arm++) {
        tdagi_program_begin_block(&m->b, 0, NULL, 0, NULL, NULL);
        add_statements(m, pick(m, 4));
        for (uint32_t i = 0; i < n; i++)
            yields[arm][i] = a_matrix(m);
        tdagi_program_end_block(&m->b, n, yields[arm]);
        m->seen = before;
    }
    for (uint32_t i = 0; i < n && m->b.status == TDAG_OK; i++) {
        tdag_dim rows = rows_of(m, yields[0][i]);
        bool is_seen = false;
        for (uint32_t k = 0; k < before.n_matrices; k++)
            is_seen = is_seen || rows_of(m, before.matrices[k]) == rows;
        if (!is_seen || rows != rows_of(m, yields[1][i])) {
            rows = fresh(m);
            found[n_found++] = (tdagi_binding){.symbol = rows, .bound = TDAGI_DIM_BAD};
        }
        types[i] = matrix(rows);
    }
    tdagi_program_bind(&m->b, n_found, found);
    tdagi_program_close(&m->b, n, types, results);
    for (uint32_t i = 0; i < n; i++)
        see_matrix(m, results[i]);
}

static void add_loop(maker *m)
{
    tdagi_var inputs[4], params[3], yields[3], results[2];
    uint32_t n = pick(m, 3), at = 0, n_locals = 0;
    tdagi_type carried[3] = {{.dtype = TDAG_I64}}, types[2];
    tdag_dim locals[2], rows[2];
    tdagi_binding found[2];
    tdagi_statement_spec s = {.kind = TDAGI_LOOP, .inputs = inputs};
    s.has_limit = m->runs || rg_chance(&m->r, 70);
    s.has_condition = !s.has_limit || rg_chance(&m->r, 50);
    if (s.has_limit) inputs[at++] = a_count(m);
    if (s.has_condition) inputs[at++] = a_flag(m);
    for (uint32_t i = 0; i < n; i++) {
        inputs[at] = a_matrix(m);
        rows[i] = rows_of(m, inputs[at++]);
        if (rg_chance(&m->r, 60)) rows[i] = locals[n_locals++] = fresh(m);
        types[i] = carried[i + 1] = matrix(rows[i]);
    }
    s.n_inputs = at;
    const scope before = m->seen;
    tdagi_program_open(&m->b, &s);
    tdagi_program_begin_block(&m->b, n + 1, carried, n_locals, locals, params);
    see_count(m, params[0]);
    for (uint32_t i = 0; i < n; i++)
        see_matrix(m, params[i + 1]);
    add_statements(m, pick(m, 4));
    uint32_t n_yields = 0, n_found = 0;
    if (s.has_condition) yields[n_yields++] = a_flag(m);
    for (uint32_t i = 0; i < n; i++) {
        bool is_local = false;
        for (uint32_t k = 0; k < n_locals; k++)
            is_local = is_local || rows[i] == locals[k];
        yields[n_yields++] = is_local ? a_matrix(m) : params[i + 1];
        if (!is_local) continue;
        tdag_dim result = fresh(m);
        found[n_found++] = (tdagi_binding){.symbol = result, .bound = TDAGI_DIM_BAD};
        types[i] = matrix(result);
    }
    tdagi_program_end_block(&m->b, n_yields, yields);
    m->seen = before;
    tdagi_program_bind(&m->b, n_found, found);
    tdagi_program_close(&m->b, n, types, results);
    for (uint32_t i = 0; i < n; i++)
        see_matrix(m, results[i]);
}

static void add_statements(maker *m, uint32_t n)
{
    m->depth++;
    for (uint32_t i = 0; i < n && m->b.status == TDAG_OK; i++) {
        int64_t chance = rg_in(&m->r, 0, 99);
        if (chance < 15 && m->depth < 5)
            add_if(m);
        else if (chance < 35 && m->depth < 5)
            add_loop(m);
        else if (chance < 60)
            add_calls(m);
        else if (chance < 85)
            add_found(m);
        else
            add_effect(m);
    }
    m->depth--;
}

/* ---- models ---- */

static void add_method(maker *m, const char *method)
{
    tdagi_var out[4];
    tdagi_method_begin(&m->b, method);
    if (m->b.status != TDAG_OK) return;
    memset(&m->seen, 0, sizeof m->seen);
    tdag_dim n = tdagi_dim_symbol(tdagi_method_pool(&m->b), "N", 2);
    tdagi_method_symbol(&m->b, n);
    const tdagi_type types[] = {
        matrix(n), matrix(3), {.dtype = TDAG_I64}, {.dtype = TDAG_BOOL}};
    tdagi_var inputs[4];
    for (int i = 0; i < 4; i++)
        inputs[i] = tdagi_method_input(&m->b, NULL, &types[i]);
    see_matrix(m, inputs[0]);
    see_matrix(m, inputs[1]);
    see_count(m, inputs[2]);
    see_flag(m, inputs[3]);
    add_statements(m, 1 + pick(m, 10));
    uint32_t n_out = pick(m, 4);
    for (uint32_t i = 0; i < n_out; i++)
        out[i] = rg_chance(&m->r, 80) ? a_matrix(m) : a_count(m);
    const tdagi_statement_spec s = {
        .kind = TDAGI_RETURN, .inputs = out, .n_inputs = n_out};
    tdagi_program_add(&m->b, &s, 0, NULL, NULL);
    tdagi_method_end(&m->b, NULL, NULL);
}

static tdag_status add_parts(maker *m, tdag_ctx *ctx)
{
    static const int64_t shapes[2][2] = {{3, 4}, {2, 4}};
    const char *const symbols[] = {"S", NULL};
    for (size_t i = 0; i < N_GRAPHS; i++) {
        tdag_graph *g = NULL;
        TDAGI_TRY(graph_of(ctx, graphs[i].text, &g));
        tdagi_model_add_graph(&m->b, graphs[i].name, g);
        tdag_graph_free(g);
    }
    for (int i = 0; i < 2; i++) {
        tdag_tensor *t = NULL;
        TDAGI_TRY(tdag_tensor_create(ctx, TDAG_F32, 2, shapes[i], &t));
        float *data = tdag_tensor_get_mutable_data(t);
        for (int k = 0; k < shapes[i][0] * 4; k++)
            data[k] = (float)rg_in(&m->r, -9, 9);
        tdagi_model_add_state(&m->b, i == CACHE ? "cache" : "a state", t,
                              i == CACHE ? symbols : NULL);
        tdag_tensor_free(t);
    }
    return m->b.status;
}

static tdag_status make(tdag_ctx *ctx, uint64_t seed, bool runs, tdag_model **out)
{
    maker *m = calloc(1, sizeof *m);
    assert_non_null(m);
    m->r = rg_seeded(seed);
    m->runs = runs;
    tdagi_model_begin(&m->b, ctx);
    tdag_status st = m->b.status == TDAG_OK ? add_parts(m, ctx) : m->b.status;
    if (st == TDAG_OK) add_method(m, "forward");
    if (st == TDAG_OK && rg_chance(&m->r, 30)) add_method(m, "de code");
    if (st == TDAG_OK)
        st = tdagi_model_finish(&m->b, out);
    else
        tdagi_model_drop(&m->b);
    free(m);
    return st;
}

tdag_status random_program(tdag_ctx *ctx, uint64_t seed, tdag_model **out)
{
    return make(ctx, seed, false, out);
}

tdag_status random_running_program(tdag_ctx *ctx, uint64_t seed, tdag_model **out)
{
    return make(ctx, seed, true, out);
}
