/* Axis rules. B = 3 is removed from one node at a time: where the rule agrees, the node
 * without B is run on every sample of random inputs and must give that sample of what
 * the node itself gives; where it refuses, the sentence is compared. */
#include "op_case.h"

#include "run/run.h"

#define B_SAMPLE 3

/* Where B is: an axis, and outer and inner as dims; NULL: nowhere. */
typedef struct axis_case {
    const char *name;
    tdag_op op;
    const void *spec;
    const char *inputs[3];
    const char *marks[3]; /* "axis, outer, inner[, ramp]"; "=": same, "*": free */
    const char *want;     /* the mark of the result, "-" for none, or "! words" */
} axis_case;

typedef struct world {
    tdag_ctx *ctx;
    tdag_builder *dims; /* knows B; every case's builder starts with its dims */
} world;

static world world_create(void)
{
    world w = {test_ctx(), NULL};
    TEST_OK(w.ctx, tdag_builder_create(w.ctx, &w.dims));
    (void)tdag_builder_symbol(w.dims, "B", B_SAMPLE);
    return w;
}

static void world_free(world *w)
{
    tdag_builder_free(w->dims);
    tdag_ctx_free(w->ctx);
}

static tdag_dim dim_of(const world *w, const char *text)
{
    const op_world o = {w->ctx, tdagi_builder_pool(w->dims)};
    return op_dim(&o, text);
}

static tdagi_mark mark_of(const op_world *w, const char *text)
{
    tdag_dim v[4] = {0};
    if (text == NULL) return (tdagi_mark){.axis = -1, .outer = 1, .inner = 1};
    bool free = text[0] == '*', same = free || text[0] == '=';
    assert_in_range(op_dims(w, text + same, '\0', v), 3, 4);
    return (tdagi_mark){(int32_t)v[0], v[1], v[2], v[3], same, free};
}

static int64_t sample_of(tdagi_pool *pool, tdag_dim d)
{
    return tdagi_dim_sample(pool, d);
}

/* Small integers, so that every op is exact; indices stay below 2. */
static tdag_tensor *random_tensor(const op_world *w, const tdagi_type *type,
                                  uint32_t *seed)
{
    int64_t shape[TDAG_MAX_RANK];
    tdag_tensor *t = NULL;
    for (uint32_t i = 0; i < type->rank; i++)
        shape[i] = sample_of(w->pool, type->shape[i]);
    TEST_OK(w->ctx, tdag_tensor_create(w->ctx, type->dtype, type->rank, shape, &t));
    for (int64_t i = 0; i < t->count; i++) {
        *seed = *seed * 1664525u + 1013904223u;
        int64_t value = (int64_t)(*seed >> 24);
        tdagi_tensor_set_i64(t, i,
                             type->dtype == TDAG_I64 ? value % 2 : value % 17 - 8);
    }
    return t;
}

/* Makes the elements what the mark says they are. */
static void obey_mark(const op_world *w, tdag_tensor *t, const tdagi_mark *m)
{
    if (m->axis < 0 || !(m->same || m->ramp != 0)) return;
    int64_t inner = sample_of(w->pool, m->inner), after = 1;
    for (uint32_t i = (uint32_t)m->axis + 1; i < t->rank; i++)
        after *= t->shape[i];
    int64_t dim = t->shape[m->axis];
    for (int64_t i = 0; i < t->count; i++) {
        int64_t at = i / after % dim, n = at / inner % B_SAMPLE;
        int64_t source = i - (m->free ? at : n * inner) * after;
        int64_t value = tdagi_tensor_get_i64(t, source);
        tdagi_tensor_set_i64(t, i, value + n * sample_of(w->pool, m->ramp));
    }
}

/* The part of a value that belongs to sample s, without what the mark's ramp adds. */
static tdag_tensor *part_of(const op_world *w, const tdag_tensor *t,
                            const tdagi_mark *m, int64_t s)
{
    int64_t shape[TDAG_MAX_RANK], before = 1, after = 1;
    int64_t outer = sample_of(w->pool, m->outer), inner = sample_of(w->pool, m->inner);
    uint32_t rank = 0;
    tdag_tensor *part = NULL;
    if (m->axis < 0) return tdag_tensor_copy(t);
    for (uint32_t i = 0; i < t->rank; i++) {
        bool here = (int32_t)i == m->axis;
        if ((int32_t)i < m->axis) before *= t->shape[i];
        if ((int32_t)i > m->axis) after *= t->shape[i];
        if (here && m->outer == 1 && m->inner == 1) continue;
        shape[rank++] = here ? outer * inner : t->shape[i];
    }
    TEST_OK(w->ctx, tdag_tensor_create(w->ctx, t->dtype, rank, shape, &part));
    size_t run = (size_t)(inner * after) * tdag_dtype_size(t->dtype);
    for (int64_t i = 0; run > 0 && i < before * outer; i++)
        memcpy((unsigned char *)part->data + (size_t)i * run,
               (unsigned char *)t->data + (size_t)(i * B_SAMPLE + s) * run, run);
    for (int64_t i = 0; m->ramp != 0 && i < part->count; i++)
        tdagi_tensor_set_i64(
            part, i, tdagi_tensor_get_i64(part, i) - s * sample_of(w->pool, m->ramp));
    return part;
}

/* The whole node's result, by the op's own evaluation. */
static tdag_tensor *evaluate(const op_world *w, const axis_case *c, uint32_t n,
                             tdag_tensor *const *inputs, const tdagi_type *type)
{
    const tdagi_opdef *def = tdagi_op_row_of(c->op)->def;
    const tdag_tensor *operands[3] = {inputs[0], inputs[1], inputs[2]};
    uint32_t seed = 1;
    tdag_tensor *out = random_tensor(w, type, &seed);
    tdagi_arena arena;
    tdagi_arena_init(&arena, &w->ctx->allocator);
    const void *spec =
        c->spec == NULL
            ? NULL
            : tdagi_spec_sample(&arena, def->fields, def->spec_size, c->spec, w->pool);
    tdagi_eval_call call = {w->ctx, spec, n, operands, out};
    TEST_OK(w->ctx, def->eval(&call));
    tdagi_arena_free(&arena);
    return out;
}

typedef struct rewritten {
    uint32_t n;
    tdagi_type types[3], output;
    tdagi_mark marks[3], mark;
    tdag_graph *graph;
} rewritten;

/* An input of the new graph: the old type without B. */
static uint32_t add_input(tdag_builder *b, const tdagi_type *t, const tdagi_mark *m)
{
    tdag_dim shape[TDAG_MAX_RANK];
    uint32_t rank = 0;
    for (uint32_t i = 0; i < t->rank; i++) {
        bool here = (int32_t)i == m->axis;
        if (here && m->outer == 1 && m->inner == 1) continue;
        shape[rank++] = here ? tdag_dim_mul(b, m->outer, m->inner) : t->shape[i];
    }
    return tdag_add_input(b, NULL, t->dtype, rank, shape).id;
}

/* Applies the rule; TDAG_OK and a graph, or its refusal. */
static tdag_status rewrite(const op_world *w, tdag_builder *b, const axis_case *c,
                           rewritten *r)
{
    const tdagi_opdef *def = tdagi_op_row_of(c->op)->def;
    uint32_t ids[3], out = 0;
    for (r->n = 0; r->n < 3 && c->inputs[r->n] != NULL; r->n++) {
        r->types[r->n] = op_type(w, c->inputs[r->n]);
        r->marks[r->n] = mark_of(w, c->marks[r->n]);
        ids[r->n] = add_input(b, &r->types[r->n], &r->marks[r->n]);
    }
    tdagi_shape_call shape = {w->ctx, w->pool, c->spec, r->n, r->types, &r->output};
    TEST_OK(w->ctx, def->shape(&shape));
    tdagi_axis_call call = {.ctx = w->ctx,
                            .builder = b,
                            .pool = w->pool,
                            .dim = op_dim(w, "B"),
                            .spec = c->spec,
                            .n_inputs = r->n,
                            .types = r->types,
                            .output = &r->output,
                            .marks = r->marks,
                            .inputs = ids,
                            .mark_out = &r->mark,
                            .out = &out};
    TDAGI_TRY(def->drop_dim(&call));
    tdag_builder_add_output(b, (tdag_value){out});
    return tdag_builder_finish(b, &r->graph);
}

static void check_mark(const op_world *w, const axis_case *c, const tdagi_mark *got)
{
    tdagi_mark want = mark_of(w, c->want[0] == '-' ? NULL : c->want);
    if (got->axis == want.axis &&
        (got->axis < 0 || (got->outer == want.outer && got->inner == want.inner &&
                           got->ramp == want.ramp)))
        return;
    fail_msg("%s: the mark is at axis %" PRId32, c->name, got->axis);
}

static void check_samples(const op_world *w, const axis_case *c, const rewritten *r)
{
    tdag_tensor *whole[3] = {NULL};
    uint32_t seed = 7;
    for (uint32_t i = 0; i < r->n; i++) {
        whole[i] = random_tensor(w, &r->types[i], &seed);
        obey_mark(w, whole[i], &r->marks[i]);
    }
    tdag_tensor *all = evaluate(w, c, r->n, whole, &r->output);
    for (int64_t s = 0; s < B_SAMPLE; s++) {
        tdag_tensor *parts[3] = {NULL}, *got = NULL, *want;
        for (uint32_t i = 0; i < r->n; i++)
            parts[i] = part_of(w, whole[i], &r->marks[i], s);
        TEST_OK(w->ctx, tdagi_run_reference(w->ctx, r->graph, parts, &got));
        want = part_of(w, all, &r->mark, s);
        if (!tdagi_tensor_equal(got, want))
            fail_msg("%s: sample %" PRId64 " differs", c->name, s);
        for (uint32_t i = 0; i < r->n; i++)
            tdag_tensor_free(parts[i]);
        tdag_tensor_free(got);
        tdag_tensor_free(want);
    }
    for (uint32_t i = 0; i < r->n; i++)
        tdag_tensor_free(whole[i]);
    tdag_tensor_free(all);
}

static void run_case(const world *outer, const axis_case *c)
{
    tdag_builder *b = NULL;
    rewritten r = {0};
    TEST_OK(outer->ctx, tdagi_builder_create_like(outer->ctx, outer->dims->graph, &b));
    const op_world w = {outer->ctx, tdagi_builder_pool(b)};
    tdag_status st = rewrite(&w, b, c, &r);
    const char *message = st == TDAG_OK ? "" : tdag_ctx_get_error(w.ctx)->message;
    if (c->want[0] == '!') {
        if (st != TDAG_E_UNSUPPORTED) fail_msg("%s: is not refused", c->name);
        if (strstr(message, c->want + 2) == NULL)
            fail_msg("%s: refused by \"%s\"", c->name, message);
    } else {
        if (st != TDAG_OK) fail_msg("%s: %s", c->name, message);
        const op_world done = {w.ctx, r.graph->pool};
        check_mark(&done, c, &r.mark);
        check_samples(&done, c, &r);
    }
    tdag_graph_free(r.graph);
    tdag_builder_free(b);
}

#define PERMUTE(...)                                                                   \
    TDAG_OP_PERMUTE, &(tdag_permute_spec) { TDAG_LIST(__VA_ARGS__) }
#define GROUP(...)                                                                     \
    TDAG_OP_GROUP, &(tdag_group_spec) { TDAG_LIST(__VA_ARGS__) }
#define UNGROUP(c, f)                                                                  \
    TDAG_OP_UNGROUP, &(tdag_ungroup_spec) { c, f }
#define SQUEEZE(...)                                                                   \
    TDAG_OP_SQUEEZE, &(tdag_axes_spec) { TDAG_LIST(__VA_ARGS__) }
#define UNSQUEEZE(...)                                                                 \
    TDAG_OP_UNSQUEEZE, &(tdag_axes_spec) { TDAG_LIST(__VA_ARGS__) }
#define SLICE(a, b)                                                                    \
    TDAG_OP_SLICE, &(tdag_slice_spec) { a, b }
#define SELECT(a, i)                                                                   \
    TDAG_OP_SELECT, &(tdag_select_spec) { a, i }
#define REPEAT(...)                                                                    \
    TDAG_OP_REPEAT, &(tdag_repeat_spec) { TDAG_LIST(__VA_ARGS__) }
#define PAD(a, b, m)                                                                   \
    TDAG_OP_PAD, &(tdag_pad_spec) { a, b, m, 0 }
#define UNFOLD(k, s)                                                                   \
    TDAG_OP_UNFOLD, &(tdag_window_spec) { k, s }
#define FOLD(k, s)                                                                     \
    TDAG_OP_FOLD, &(tdag_window_spec) { k, s }
#define REDUCE(...)                                                                    \
    TDAG_OP_REDUCE, &(tdag_reduce_spec) { TDAG_LIST(__VA_ARGS__), TDAG_REDUCE_SUM }
#define SCAN(a)                                                                        \
    TDAG_OP_SCAN, &(tdag_scan_spec) { a, TDAG_REDUCE_SUM }
#define ARGSORT(a)                                                                     \
    TDAG_OP_ARGSORT, &(tdag_argsort_spec) { a, 0, TDAG_ORDER_FREE }
#define GATHER(b)                                                                      \
    TDAG_OP_GATHER, &(tdag_gather_spec) { b }
#define SCATTER(b)                                                                     \
    TDAG_OP_SCATTER, &(tdag_scatter_spec) { b, TDAG_SCATTER_ADD }
#define L TDAG_LIST
#define RUN(world, cases)                                                              \
    for (size_t i = 0; i < sizeof(cases) / sizeof *(cases); i++)                       \
    run_case(world, &(cases)[i])

/* clang-format off */
static void test_movement(void **state)
{
    (void)state;
    world w = world_create();
    tdag_dim b = dim_of(&w, "B"), b2 = dim_of(&w, "2*B"), b4 = dim_of(&w, "4*B"), b8 = dim_of(&w, "8*B");
    const axis_case cases[] = {
        {"permute", PERMUTE(2, 0, 1), {"f32[2,B,4]"}, {"1,1,1"}, "2,1,1"},
        {"permute inner", PERMUTE(2, 0, 1), {"f32[2,4*B,4]"}, {"1,2,2"}, "2,2,2"},
        {"permute none", PERMUTE(1, 0), {"f32[2,4]"}, {NULL}, "-"},
        {"group", GROUP(1, 2), {"f32[2,B,4]"}, {"1,1,1"}, "1,1,4"},
        {"group inner", GROUP(2, 1), {"f32[2,B,4]"}, {"1,1,1"}, "0,2,1"},
        {"group more", GROUP(3, 1), {"f32[2,6*B,4,5]"}, {"1,2,3"}, "0,4,12"},
        {"group other", GROUP(2, 1, 2), {"f32[2,4,B,4,5]"}, {"2,1,1"}, "1,1,1"},
        {"group of ones", GROUP(3, 1), {"f32[1,B,1,5]"}, {"1,1,1"}, "0,1,1"},
        {"ungroup", UNGROUP(L(2, 1), L(b, 4, 5)), {"f32[4*B,5]"}, {"0,1,4"}, "0,1,1"},
        {"ungroup inner", UNGROUP(L(2, 1), L(4, b, 5)), {"f32[4*B,5]"}, {"0,4,1"}, "1,1,1"},
        {"ungroup within", UNGROUP(L(2), L(2, b4)), {"f32[8*B]"}, {"0,4,2"}, "1,2,2"},
        {"ungroup whole", UNGROUP(L(1, 2), L(b8, 2, 3)), {"f32[8*B,6]"}, {"0,4,2"}, "0,4,2"},
        {"ungroup ones", UNGROUP(L(3, 1), L(1, b, 1, 5)), {"f32[B,5]"}, {"0,1,1"}, "1,1,1"},
        {"ungroup other", UNGROUP(L(2, 1), L(2, 2, b)), {"f32[4,B]"}, {"1,1,1"}, "2,1,1"},
        {"ungroup across", UNGROUP(L(2), L(4, b2)), {"f32[8*B]"}, {"0,2,4"}, "! B cannot be removed: ungroup splits its axis so that no factor holds all of it"},
        {"squeeze", SQUEEZE(0, 2), {"f32[1,B,1,5]"}, {"1,1,1"}, "0,1,1"},
        {"squeeze rest", SQUEEZE(0, 2), {"f32[1,2*B,1,5]"}, {"1,2,1"}, "0,2,1"},
        {"unsqueeze", UNSQUEEZE(0, 2), {"f32[B,5]"}, {"0,1,1"}, "1,1,1"},
        {"unsqueeze end", UNSQUEEZE(1, 3), {"f32[5,B]"}, {"1,1,1"}, "2,1,1"},
        {"slice", SLICE(L(0, 1), L(b, 4)), {"f32[B,5]"}, {"0,1,1"}, "0,1,1"},
        {"slice rest", SLICE(L(0, 1), L(b2, 4)), {"f32[2*B,5]"}, {"0,1,2"}, "0,1,2"},
        {"slice part", SLICE(L(1, 1), L(b, 4)), {"f32[B,5]"}, {"0,1,1"}, "! slice keeps a part of its axis"},
        {"slice bound", SLICE(L(0), L(b)), {"f32[B]"}, {NULL}, "! B cannot be removed: slice has the end B, which depends on it"},
        {"select", SELECT(1, 2), {"f32[B,5]"}, {"0,1,1"}, "0,1,1"},
        {"select before", SELECT(0, 2), {"f32[5,B]"}, {"1,1,1"}, "1,1,1"},
        {"select it", SELECT(0, 2), {"f32[B,5]"}, {"0,1,1"}, "! picks a position of its axis"},
        {"repeat", REPEAT(1, 4), {"f32[B,1]"}, {"0,1,1"}, "0,1,1"},
        {"repeat rest", REPEAT(4, 1), {"f32[1,2*B]"}, {"1,2,1"}, "1,2,1"},
        {"repeat by it", REPEAT(b, 1), {"f32[1,5]"}, {NULL}, "0,1,1"},
        {"repeat by more", REPEAT(1, b2), {"f32[5,1]"}, {NULL}, "1,1,2"},
        {"repeat twice", REPEAT(1, b), {"f32[B,1]"}, {"0,1,1"}, "! two axes of the result"},
        {"repeat odd", REPEAT(dim_of(&w, "B+1")), {"f32[1]"}, {NULL}, "! has a count that is no multiple of it"},
        {"pad", PAD(L(0, 1), L(0, 2), 1), {"f32[B,5]"}, {"0,1,1"}, "0,1,1"},
        {"pad rest", PAD(L(0, 1), L(0, 2), 0), {"f32[2*B,5]"}, {"0,1,2"}, "0,1,2"},
        {"pad it", PAD(L(0, 1), L(1, 2), 0), {"f32[B,5]"}, {"0,1,1"}, "! pad adds to its axis"},
        {"pad by it", PAD(L(b), L(0), 0), {"f32[5]"}, {NULL}, "! B cannot be removed: pad has the before B, which depends on it"},
    };
    RUN(&w, cases);
    world_free(&w);
}

static void test_computing(void **state)
{
    (void)state;
    world w = world_create();
    tdag_dim b = dim_of(&w, "B");
    const axis_case cases[] = {
        {"unfold", UNFOLD(L(1, 2), L(1, 1)), {"f32[B,5]"}, {"0,1,1"}, "0,1,1"},
        {"unfold it", UNFOLD(L(1, 2), L(1, 1)), {"f32[2,B]"}, {"1,1,1"}, "! unfold has windows along its axis"},
        {"fold", FOLD(L(2, 1), L(1, 1)), {"f32[4,B]"}, {"1,1,1"}, "1,1,1"},
        {"fold rest", FOLD(L(2, 1), L(1, 1)), {"f32[4,2*B]"}, {"1,1,2"}, "1,1,2"},
        {"reduce", REDUCE(0, 2), {"f32[4,B,5]"}, {"1,1,1"}, "1,1,1"},
        {"reduce rest", REDUCE(1), {"f32[4*B,2,5]"}, {"0,4,1"}, "0,4,1"},
        {"reduce it", REDUCE(1, 2), {"f32[4,B,5]"}, {"1,1,1"}, "! B cannot be removed: reduce reduces over its axis"},
        {"scan", SCAN(2), {"f32[4,B,5]"}, {"1,1,1"}, "1,1,1"},
        {"scan it", SCAN(1), {"f32[4,B,5]"}, {"1,1,1"}, "! scan runs along its axis"},
        {"argsort", ARGSORT(2), {"f32[4,B,5]"}, {"1,1,1"}, "1,1,1"},
        {"argsort it", ARGSORT(1), {"f32[4,B,5]"}, {"1,1,1"}, "! argsort sorts along its axis"},
        {"neg", TDAG_OP_NEG, NULL, {"f32[4,B]"}, {"1,1,1"}, "1,1,1"},
        {"convert", TDAG_OP_CONVERT, &(tdag_convert_spec){TDAG_I8}, {"f32[4,2*B]"}, {"1,1,2"}, "1,1,2"},
        {"add", TDAG_OP_ADD, NULL, {"f32[B,4]", "f32[B,4]"}, {"0,1,1", "0,1,1"}, "0,1,1"},
        {"add vector", TDAG_OP_ADD, NULL, {"f32[B,4]", "f32[4]"}, {"0,1,1"}, "0,1,1"},
        {"add one", TDAG_OP_ADD, NULL, {"f32[5,1,4]", "f32[5,B,1]"}, {NULL, "1,1,1"}, "1,1,1"},
        {"add longer", TDAG_OP_ADD, NULL, {"f32[6,1,5,1]", "f32[B,5,4]"}, {NULL, "0,1,1"}, "1,1,1"},
        {"add ranks", TDAG_OP_MULTIPLY, NULL, {"f32[B,4]", "f32[2,B,4]"}, {"0,1,1", "1,1,1"}, "1,1,1"},
        {"add rest", TDAG_OP_ADD, NULL, {"f32[2*B,4]", "f32[1,4]"}, {"0,1,2"}, "0,1,2"},
        {"add scalars", TDAG_OP_ADD, NULL, {"f32[]", "f32[B]"}, {NULL, "0,1,1"}, "0,1,1"},
        {"add crossed", TDAG_OP_ADD, NULL, {"f32[B,1]", "f32[1,B]"}, {"0,1,1", "1,1,1"}, "! add has it in different places in its operands"},
        {"add inside out", TDAG_OP_ADD, NULL, {"f32[2*B]", "f32[2*B]"}, {"0,1,2", "0,2,1"}, "! add has it in different places in its operands"},
        {"add constant", TDAG_OP_ADD, NULL, {"f32[B]", "f32[B]"}, {"0,1,1"}, "! a fixed element for each of its positions"},
        {"where", TDAG_OP_WHERE, NULL, {"bool[B,1]", "f32[4]", "f32[1,4]"}, {"0,1,1"}, "0,1,1"},
        {"gather table", GATHER(0), {"f32[2,4]", "i64[B,3]"}, {NULL, "0,1,1"}, "0,1,1"},
        {"gather table rest", GATHER(0), {"f32[2,4]", "i64[3,2*B]"}, {NULL, "1,2,1"}, "1,2,1"},
        {"gather blocks", GATHER(0), {"f32[2,4,B]", "i64[3,3]"}, {"2,1,1"}, "3,1,1"},
        {"gather block", GATHER(1), {"f32[2,2,2*B]", "i64[2]"}, {"2,1,2"}, "1,1,2"},
        {"gather shared", GATHER(1), {"f32[B,2,4]", "i64[B,3]"}, {"0,1,1", "0,1,1"}, "0,1,1"},
        {"gather shared rest", GATHER(2), {"f32[4,2*B,2]", "i64[4,2*B,3]"}, {"1,1,2", "1,1,2"}, "1,1,2"},
        {"gather it", GATHER(0), {"f32[B,2,4]", "i64[5,3]"}, {"0,1,1"}, "! gather indexes its axis"},
        {"gather half", GATHER(1), {"f32[B,2,4]", "i64[B,3]"}, {"0,1,1"}, "! has it as a shared axis in one operand only"},
        {"gather both", GATHER(0), {"f32[2,B]", "i64[B]"}, {"1,1,1", "0,1,1"}, "! two axes of the result"},
        {"scatter shared", SCATTER(1), {"f32[B,2]", "i64[B,3]", "f32[B,3]"}, {"0,1,1", "0,1,1", "0,1,1"}, "0,1,1"},
        {"scatter shared rest", SCATTER(1), {"f32[2*B,2]", "i64[2*B,3]", "f32[2*B,3]"}, {"0,2,1", "0,2,1", "0,2,1"}, "0,2,1"},
        {"scatter blocks", SCATTER(0), {"f32[2,B]", "i64[3,3]", "f32[3,3,B]"}, {"1,1,1", NULL, "2,1,1"}, "1,1,1"},
        {"scatter meets", SCATTER(0), {"f32[2]", "i64[B]", "f32[B]"}, {NULL, "0,1,1", "0,1,1"}, "! brings updates of all its positions together"},
        {"scatter update", SCATTER(0), {"f32[2,B]", "i64[3,3]", "f32[3,3,B]"}, {"1,1,1"}, "! has it in another place in the update"},
        {"iota", TDAG_OP_IOTA, &(tdag_iota_spec){5, TDAG_F32}, {NULL}, {NULL}, "-"},
        {"iota it", TDAG_OP_IOTA, &(tdag_iota_spec){b, TDAG_F32}, {NULL}, {NULL}, "0,1,1,1"},
        {"iota more", TDAG_OP_IOTA, &(tdag_iota_spec){dim_of(&w, "4*B"), TDAG_I64}, {NULL}, {NULL}, "0,1,4,4"},
        {"iota odd", TDAG_OP_IOTA, &(tdag_iota_spec){dim_of(&w, "B+1"), TDAG_I64}, {NULL}, {NULL}, "! B cannot be removed: iota has the n B+1, which depends on it"},
        {"opaque", TDAG_OP_OPAQUE, &(tdag_opaque_spec){"a::b", "", 0, TDAG_F32, L(b)}, {"f32[B]"}, {"0,1,1"}, "! B cannot be removed: a::b is an operator without a recipe"},
    };
    RUN(&w, cases);
    world_free(&w);
}

/* Values that are the same at every position, and values that count the positions. */
static void test_known_values(void **state)
{
    (void)state;
    world w = world_create();
    tdag_dim b = dim_of(&w, "B");
    const axis_case cases[] = {
        {"free splits", UNGROUP(L(2), L(b, 4)), {"f32[4*B]"}, {"*0,4,1"}, "0,1,1"},
        {"free splits last", UNGROUP(L(2), L(4, b)), {"f32[4*B]"}, {"*0,1,4"}, "1,1,1"},
        {"free adapts", TDAG_OP_ADD, NULL, {"f32[4*B]", "f32[4*B]"}, {"*0,1,4", "0,4,1"}, "0,4,1"},
        {"free adapts second", TDAG_OP_ADD, NULL, {"f32[4*B]", "f32[4*B]"}, {"0,2,2", "*0,1,4"}, "0,2,2"},
        {"same does not", TDAG_OP_ADD, NULL, {"f32[4*B]", "f32[4*B]"}, {"=0,1,4", "0,4,1"}, "! in different places in its operands"},
        {"free elsewhere", TDAG_OP_ADD, NULL, {"f32[B,1]", "f32[1,B]"}, {"*0,1,1", "1,1,1"}, "! in different places in its operands"},
        {"free index", GATHER(1), {"f32[2*B,2]", "i64[2*B,3]"}, {"0,2,1", "*0,1,2"}, "0,2,1"},
        {"free data", SCATTER(1), {"f32[2*B,2]", "i64[2*B,3]", "f32[2*B,3]"}, {"*0,1,2", "0,2,1", "*0,1,2"}, "0,2,1"},
        {"select one of the same", SELECT(0, 2), {"f32[B,5]"}, {"=0,1,1"}, "-"},
        {"some of the same", SLICE(L(1, 1), L(3, 4)), {"f32[B,5]"}, {"=0,1,1"}, "-"},
        {"all of the same", SLICE(L(0, 1), L(b, 4)), {"f32[B,5]"}, {"=0,1,1"}, "0,1,1"},
        {"mean of the same", TDAG_OP_REDUCE, &(tdag_reduce_spec){L(0, 1), TDAG_REDUCE_MEAN}, {"f32[B,4]"}, {"*0,1,1"}, "-"},
        {"sum of the same", REDUCE(0, 1), {"f32[B,4]"}, {"=0,1,1"}, "! reduce gives a result that depends on its size"},
        {"positions up", UNSQUEEZE(1, 2), {"i64[B]"}, {"0,1,1,1"}, "0,1,1,1"},
        {"positions plus", TDAG_OP_ADD, NULL, {"i64[B,4]", "i64[4]"}, {"0,1,1,4"}, "0,1,1,4"},
        {"positions plus positions", TDAG_OP_ADD, NULL, {"i64[B,4]", "i64[B,1]"}, {"0,1,1,4", "0,1,1,2"}, "0,1,1,6"},
        {"positions times unknown", TDAG_OP_MULTIPLY, NULL, {"i64[B]", "i64[]"}, {"0,1,1,1"}, "! computes with its positions"},
        {"positions as floats", TDAG_OP_CONVERT, &(tdag_convert_spec){TDAG_F32}, {"i64[B]"}, {"0,1,1,1"}, "! computes with its positions"},
        {"own part", GATHER(0), {"f32[2*B,4]", "i64[B,3]"}, {"0,1,2", "0,1,1,2"}, "0,1,1"},
        {"own part, other axis", GATHER(0), {"f32[2*B,4]", "i64[3,B]"}, {"0,1,2", "1,1,1,2"}, "1,1,1"},
        {"other part", GATHER(0), {"f32[4*B,4]", "i64[B,3]"}, {"0,1,4", "0,1,1,2"}, "! computes with its positions"},
        {"table by position", GATHER(0), {"f32[9,4]", "i64[B,3]"}, {NULL, "0,1,1,1"}, "! computes with its positions"},
        {"update of own part", SCATTER(0), {"f32[2*B,4]", "i64[B]", "f32[B,4]"}, {"0,1,2", "0,1,1,2", "0,1,1"}, "0,1,2"},
    };
    RUN(&w, cases);
    world_free(&w);
}
/* clang-format on */

/* One rule that adds two nodes, with every allocation failing. */
static tdag_status repeat_by_dim(tdag_ctx *ctx, void *arg)
{
    (void)arg;
    tdag_builder *b = NULL;
    tdag_status st = tdag_builder_create(ctx, &b);
    if (st != TDAG_OK) return st;
    const tdag_dim dim = tdag_builder_symbol(b, "B", B_SAMPLE), shape[] = {1, 5};
    const tdag_repeat_spec spec = {TDAG_LIST(dim, 1)};
    const uint32_t in = tdag_add_input(b, NULL, TDAG_F32, 2, shape).id;
    const tdagi_type x = {TDAG_F32, 2, {1, 5}}, y = {TDAG_F32, 2, {dim, 5}};
    tdagi_mark none = {.axis = -1, .outer = 1, .inner = 1}, mark;
    uint32_t out = 0;
    tdagi_axis_call call = {.ctx = ctx,
                            .builder = b,
                            .pool = tdagi_builder_pool(b),
                            .dim = dim,
                            .spec = &spec,
                            .n_inputs = 1,
                            .types = &x,
                            .output = &y,
                            .marks = &none,
                            .inputs = &in,
                            .mark_out = &mark,
                            .out = &out};
    st = tdag_builder_get_status(b);
    if (st == TDAG_OK) st = tdagi_op_row_of(TDAG_OP_REPEAT)->def->drop_dim(&call);
    tdag_builder_free(b);
    return st;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    test_every_oom(repeat_by_dim, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_movement),
        cmocka_unit_test(test_computing),
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
