/* See random_graph.h: the maker. Each op that has a spec or asks for more than operands
 * of fitting dtype and shape has a row in `recipes`; the others are made by the number
 * of their inputs, so that a new element-wise op needs nothing here. An op that does
 * not fit its operands is forgiven. */
#include <math.h>

#include "support/random_graph.h"

rg_random rg_seeded(uint64_t seed)
{
    rg_random r = {seed, (seed + 1) * 0x9E3779B97F4A7C15u};
    for (int i = 0; i < 4; i++)
        rg_bits(&r);
    return r;
}

uint64_t rg_bits(rg_random *r)
{
    r->state ^= r->state << 13;
    r->state ^= r->state >> 7;
    r->state ^= r->state << 17;
    return r->state * 0x2545F4914F6CDD1Du;
}

int64_t rg_in(rg_random *r, int64_t lo, int64_t hi)
{
    if (hi <= lo) return lo;
    return lo + (int64_t)((rg_bits(r) >> 11) % (uint64_t)(hi - lo + 1));
}

bool rg_chance(rg_random *r, int64_t percent) { return rg_in(r, 1, 100) <= percent; }

void rg_maker_init(rg_maker *m, tdag_ctx *ctx, tdag_builder *b, const rg_options *o)
{
    memset(m, 0, sizeof(*m));
    m->ctx = ctx;
    m->b = b;
    m->options = *o;
    m->random = rg_seeded(o->seed);
    if (m->options.max_elements == 0) m->options.max_elements = 1000;
    if (m->options.movement == 0) m->options.movement = 50;
}

/* ---- what is there ---- */

static tdagi_type type_of(const rg_maker *m, tdag_value v)
{
    tdagi_type t;
    tdagi_value_type(m->b->graph, v, &t);
    return t;
}

static int64_t sample(const rg_maker *m, tdag_dim d)
{
    return tdagi_dim_sample(m->b->graph->pool, d);
}

static bool is_const(const tdagi_type *t)
{
    for (uint32_t i = 0; i < t->rank; i++)
        if (t->shape[i] < 0) return false;
    return true;
}

static int64_t count_of(const rg_maker *m, const tdagi_type *t)
{
    int64_t n = 1;
    for (uint32_t i = 0; i < t->rank; i++)
        if (__builtin_mul_overflow(n, sample(m, t->shape[i]), &n)) return INT64_MAX;
    return n;
}

void rg_offer(rg_maker *m, tdag_value v)
{
    if (v.id == 0 || m->n == RG_MOST_VALUES) return;
    tdagi_type t = type_of(m, v);
    if (t.rank > 6 || count_of(m, &t) > m->options.max_elements) return;
    m->values[m->n++] = v;
}

tdag_value rg_pick(rg_maker *m)
{
    if (m->n == 0) return TDAG_NO_VALUE;
    if (rg_chance(&m->random, 50))
        return m->values[m->n - 1 - (uint32_t)rg_in(&m->random, 0, m->n < 3 ? 0 : 2)];
    return m->values[rg_in(&m->random, 0, (int64_t)m->n - 1)];
}

/* A value for which `fits` holds among a few tries. */
static tdag_value pick_such(rg_maker *m, bool (*fits)(const tdagi_type *t))
{
    for (int i = 0; i < 12 && m->n > 0; i++) {
        tdag_value v = rg_pick(m);
        tdagi_type t = type_of(m, v);
        if (fits(&t)) return v;
    }
    return TDAG_NO_VALUE;
}

/* ---- leaves ---- */

static int64_t random_dim(rg_maker *m)
{
    bool may_be_empty = !m->options.no_empty && m->options.seed % 5 == 1;
    if (may_be_empty && rg_chance(&m->random, 10)) return 0;
    return rg_chance(&m->random, 25) ? 1 : rg_in(&m->random, 2, 6);
}

static tdag_dtype random_dtype(rg_maker *m)
{
    if (m->options.only_f32 || rg_chance(&m->random, 50)) return TDAG_F32;
    return (tdag_dtype)rg_in(&m->random, TDAG_F64, TDAG_BOOL);
}

static uint32_t random_shape(rg_maker *m, int64_t *shape)
{
    uint32_t rank = (uint32_t)rg_in(&m->random, 0, 5);
    int64_t count = 1;
    for (uint32_t i = 0; i < rank; i++) {
        shape[i] = random_dim(m);
        if (count * shape[i] > 200) shape[i] = 1;
        count *= shape[i];
    }
    return rank;
}

static tdag_value add_constant(rg_maker *m, tdag_op op, const char *name,
                               tdag_dtype dtype, uint32_t rank, const int64_t *shape)
{
    tdag_tensor *t =
        rg_tensor(m->ctx, &m->random, dtype, rank, shape, !m->options.no_special);
    if (op == TDAG_OP_CONSTANT && rg_chance(&m->random, 40)) {
        static const double splats[] = {0, 1, 1, -1, 2, -0.0};
        double x = splats[rg_in(&m->random, 0, 5)];
        for (int64_t i = 0; i < t->count; i++)
            tdagi_tensor_set_f64(t, i, x);
    }
    tdag_value v = tdag_add_tensor(m->b, op, name, t);
    tdag_tensor_free(t);
    return v;
}

static tdag_dim symbolic_dim(rg_maker *m, int64_t otherwise)
{
    static const char *const names[] = {"N", "S", "K"};
    if (!m->options.symbols || !rg_chance(&m->random, 35)) return otherwise;
    int64_t i = rg_in(&m->random, 0, 2);
    int64_t s = (int64_t)(m->options.seed / 7 + (uint64_t)i * 3) % 5 + 1;
    return tdag_builder_symbol(m->b, names[i], s);
}

static void add_input(rg_maker *m, uint32_t i)
{
    int64_t shape[5];
    char name[16];
    uint32_t rank = random_shape(m, shape);
    for (uint32_t axis = 0; axis < rank; axis++)
        if (shape[axis] > 0) shape[axis] = symbolic_dim(m, shape[axis]);
    snprintf(name, sizeof name, "in%u", i);
    rg_offer(m, tdag_add_input(m->b, name, random_dtype(m), rank, shape));
}

void rg_add_leaves(rg_maker *m)
{
    static const struct {
        tdag_op op;
        const char *name;
        int64_t most;
    } kinds[] = {{TDAG_OP_PARAMETER, "weight", 3},
                 {TDAG_OP_BUFFER, "state", 2},
                 {TDAG_OP_CONSTANT, NULL, 3}};
    uint32_t n_inputs = (uint32_t)rg_in(&m->random, 1, 4);
    for (uint32_t i = 0; i < n_inputs; i++)
        add_input(m, i);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        int64_t n = rg_in(&m->random, 0, kinds[k].most);
        for (int64_t i = 0; i < n; i++) {
            int64_t shape[5];
            char name[32] = "";
            uint32_t rank = random_shape(m, shape);
            if (kinds[k].name != NULL)
                snprintf(name, sizeof name, "m.%s%lld", kinds[k].name, (long long)i);
            rg_offer(m,
                     add_constant(m, kinds[k].op, name, random_dtype(m), rank, shape));
        }
    }
}

/* ---- second operands ---- */

static bool broadcasts(const rg_maker *m, const tdagi_type *x, const tdagi_type *y)
{
    tdagi_type both[2] = {*x, *y}, out = {0};
    tdagi_shape_call call = {m->ctx, m->b->graph->pool, NULL, 2, both, &out};
    return tdagi_rule_broadcast(&call) == TDAG_OK &&
           count_of(m, &out) <= m->options.max_elements;
}

/* Something of that dtype which broadcasts with x: a value at hand, or a constant. */
static tdag_value partner(rg_maker *m, const tdagi_type *x, tdag_dtype dtype)
{
    for (int i = 0; i < 8 && rg_chance(&m->random, 75); i++) {
        tdag_value v = rg_pick(m);
        tdagi_type t = type_of(m, v);
        if (t.dtype == dtype && broadcasts(m, x, &t)) return v;
    }
    int64_t shape[TDAG_MAX_RANK];
    uint32_t rank = (uint32_t)rg_in(&m->random, 0, x->rank);
    for (uint32_t i = 0; i < rank; i++) {
        tdag_dim d = x->shape[x->rank - rank + i];
        shape[i] = d < 0 || rg_chance(&m->random, 30) ? 1 : d;
    }
    return add_constant(m, TDAG_OP_CONSTANT, NULL, dtype, rank, shape);
}

/* ---- ops with a spec, or with more to say about their operands ---- */

typedef struct numbers {
    int64_t v[2 * TDAG_MAX_RANK];
} numbers;

static tdag_list list(uint32_t n, const numbers *x) { return (tdag_list){n, x->v}; }

static tdag_value make_permute(rg_maker *m, tdag_value x, const tdagi_type *t)
{
    numbers order;
    for (uint32_t i = 0; i < t->rank; i++) {
        int64_t j = rg_in(&m->random, 0, i);
        order.v[i] = order.v[j];
        order.v[j] = i;
    }
    return tdag_permute(m->b, x, list(t->rank, &order));
}

static tdag_value make_group(rg_maker *m, tdag_value x, const tdagi_type *t)
{
    numbers runs;
    uint32_t n = 0;
    for (uint32_t axis = 0; axis < t->rank;) {
        runs.v[n] = rg_in(&m->random, 1, t->rank - axis < 3 ? t->rank - axis : 3);
        axis += (uint32_t)runs.v[n++];
    }
    return tdag_group(m->b, x, list(n, &runs));
}

/* A dim as a product of two. */
static void factor(rg_maker *m, tdag_dim d, int64_t *a, int64_t *b)
{
    tdagi_pool *pool = m->b->graph->pool;
    *a = d;
    *b = 1;
    if (d < 0) {
        for (uint32_t s = 0; s < tdagi_pool_n_symbols(pool); s++) {
            tdag_dim symbol = tdagi_pool_symbol_dim(pool, s);
            tdag_dim q = tdagi_dim_floordiv(pool, d, symbol);
            if (q != d && tdagi_dim_mul(pool, q, symbol) == d) {
                *a = symbol;
                *b = q;
            }
        }
    } else if (d == 0) {
        *b = rg_in(&m->random, 0, 3);
    } else {
        int64_t k = rg_in(&m->random, 1, d);
        while (d % k != 0)
            k--;
        *a = k;
        *b = d / k;
    }
    if (rg_chance(&m->random, 50)) {
        int64_t swap = *a;
        *a = *b;
        *b = swap;
    }
}

static tdag_value make_ungroup(rg_maker *m, tdag_value x, const tdagi_type *t)
{
    numbers counts, factors;
    uint32_t n = 0;
    for (uint32_t axis = 0; axis < t->rank; axis++) {
        bool split = n + t->rank - axis < 6 && rg_chance(&m->random, 50);
        counts.v[axis] = split ? 2 : 1;
        factors.v[n] = t->shape[axis];
        if (split) factor(m, t->shape[axis], &factors.v[n], &factors.v[n + 1]);
        n += split ? 2 : 1;
    }
    return tdag_ungroup(m->b, x, list(t->rank, &counts), list(n, &factors));
}

static tdag_value make_squeeze(rg_maker *m, tdag_value x, const tdagi_type *t)
{
    numbers axes;
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->rank; i++)
        if (t->shape[i] == 1 && rg_chance(&m->random, 70)) axes.v[n++] = i;
    return tdag_squeeze(m->b, x, list(n, &axes));
}

static tdag_value make_unsqueeze(rg_maker *m, tdag_value x, const tdagi_type *t)
{
    numbers axes;
    uint32_t n = 0, more = (uint32_t)rg_in(&m->random, 0, 2);
    if (t->rank + more > 6) more = 0;
    for (uint32_t i = 0; i < t->rank + more; i++)
        if (n < more && (t->rank + more - i == more - n || rg_chance(&m->random, 40)))
            axes.v[n++] = i;
    return tdag_unsqueeze(m->b, x, list(n, &axes));
}

static tdag_value make_slice(rg_maker *m, tdag_value x, const tdagi_type *t)
{
    numbers start, end;
    tdagi_pool *pool = m->b->graph->pool;
    for (uint32_t i = 0; i < t->rank; i++) {
        int64_t n = sample(m, t->shape[i]);
        bool whole = rg_chance(&m->random, 50);
        start.v[i] = whole ? 0 : rg_in(&m->random, 0, n < 3 ? n : 3);
        int64_t off = whole ? 0 : rg_in(&m->random, 0, n - start.v[i]);
        if (off > 2) off = 2;
        end.v[i] = tdagi_dim_sub(pool, t->shape[i], off);
    }
    return tdag_slice(m->b, x, list(t->rank, &start), list(t->rank, &end));
}

static tdag_value make_pad(rg_maker *m, tdag_value x, const tdagi_type *t)
{
    static const double fills[] = {0, 0, -0.0, 1, -2.5, (double)INFINITY, (double)NAN};
    numbers before, after;
    int64_t mode = rg_chance(&m->random, 60) ? 0 : rg_in(&m->random, 1, 3);
    for (uint32_t i = 0; i < t->rank; i++) {
        int64_t n = sample(m, t->shape[i]);
        bool some = rg_chance(&m->random, 50);
        int64_t most = mode == TDAG_PAD_REFLECT ? n - 1 : n < 1 && mode != 0 ? 0 : 2;
        if (mode == TDAG_PAD_CIRCULAR && n < most) most = n;
        if (!some || most < 0) most = 0;
        before.v[i] = rg_in(&m->random, 0, most < 2 ? most : 2);
        after.v[i] = rg_in(&m->random, 0, most < 2 ? most : 2);
    }
    double fill = m->options.no_special ? 0.5 : fills[rg_in(&m->random, 0, 6)];
    return tdag_pad(m->b, x, list(t->rank, &before), list(t->rank, &after),
                    (tdag_pad_mode)mode, fill);
}

static tdag_value make_select(rg_maker *m, tdag_value x, const tdagi_type *t)
{
    if (t->rank == 0) return TDAG_NO_VALUE;
    int64_t axis = rg_in(&m->random, 0, (int64_t)t->rank - 1);
    tdag_dim d = t->shape[axis];
    if (sample(m, d) < 1) return TDAG_NO_VALUE;
    tdag_dim last = tdagi_dim_sub(m->b->graph->pool, d, 1);
    tdag_dim index = d >= 0                      ? rg_in(&m->random, 0, d - 1)
                     : rg_chance(&m->random, 50) ? 0
                                                 : last;
    return tdag_select(m->b, x, axis, index);
}

static tdag_value make_repeat(rg_maker *m, tdag_value x, const tdagi_type *t)
{
    numbers counts;
    for (uint32_t i = 0; i < t->rank; i++) {
        bool some = t->shape[i] == 1 && rg_chance(&m->random, 60);
        counts.v[i] = some ? symbolic_dim(m, rg_in(&m->random, 1, 4)) : 1;
        if (some && m->options.seed % 5 == 1 && !m->options.no_empty &&
            rg_chance(&m->random, 20))
            counts.v[i] = 0;
    }
    return tdag_repeat(m->b, x, list(t->rank, &counts));
}

static tdag_value make_unfold(rg_maker *m, tdag_value x, const tdagi_type *t)
{
    numbers kernel, stride;
    for (uint32_t i = 0; i < t->rank; i++) {
        int64_t n = sample(m, t->shape[i]);
        bool some = n > 0 && rg_chance(&m->random, 40);
        kernel.v[i] = some ? rg_in(&m->random, 1, n < 3 ? n : 3) : 1;
        stride.v[i] = some ? rg_in(&m->random, 1, 3) : 1;
    }
    return tdag_unfold(m->b, x, list(t->rank, &kernel), list(t->rank, &stride));
}

static tdag_value make_fold(rg_maker *m, tdag_value x, const tdagi_type *t)
{
    numbers kernel, stride;
    tdagi_pool *pool = m->b->graph->pool;
    for (uint32_t i = 0; i < t->rank; i++) {
        int64_t k = rg_in(&m->random, 1, 3);
        bool divides = tdagi_dim_mod(pool, t->shape[i], k) == 0;
        bool some = divides && sample(m, t->shape[i]) > 0;
        kernel.v[i] = some ? k : 1;
        stride.v[i] = some ? rg_in(&m->random, 1, 3) : 1;
    }
    return tdag_fold(m->b, x, list(t->rank, &kernel), list(t->rank, &stride));
}

static tdag_value make_reduce(rg_maker *m, tdag_value x, const tdagi_type *t)
{
    numbers axes;
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->rank; i++)
        if (rg_chance(&m->random, 40)) axes.v[n++] = i;
    tdag_reduction kind = (tdag_reduction)rg_in(&m->random, 1, 5);
    return tdag_reduce(m->b, x, kind, list(n, &axes));
}

static tdag_value make_scan(rg_maker *m, tdag_value x, const tdagi_type *t)
{
    if (t->rank == 0) return TDAG_NO_VALUE;
    tdag_reduction kind = (tdag_reduction)rg_in(&m->random, 1, 4);
    return tdag_scan(m->b, x, kind, rg_in(&m->random, 0, (int64_t)t->rank - 1));
}

static tdag_value make_argsort(rg_maker *m, tdag_value x, const tdagi_type *t)
{
    if (t->rank == 0) return TDAG_NO_VALUE;
    int64_t axis = rg_in(&m->random, 0, (int64_t)t->rank - 1);
    const tdag_argsort_spec spec = {axis, rg_chance(&m->random, 50),
                                    rg_in(&m->random, 0, TDAG_ORDER_SET)};
    return tdag_add_node(m->b, TDAG_OP_ARGSORT, &spec, sizeof spec, &x, 1);
}

static tdag_value make_convert(rg_maker *m, tdag_value x, const tdagi_type *t)
{
    bool same = rg_chance(&m->random, 15);
    return tdag_convert(m->b, x, same ? t->dtype : random_dtype(m));
}

static bool is_bool(const tdagi_type *t) { return t->dtype == TDAG_BOOL; }

static tdag_value make_where(rg_maker *m, tdag_value x, const tdagi_type *t)
{
    tdag_value y = partner(m, t, t->dtype);
    tdag_value condition = pick_such(m, is_bool);
    tdagi_type c = {0};
    if (condition.id != 0) c = type_of(m, condition);
    if (condition.id == 0 || !broadcasts(m, t, &c)) {
        tdag_op op = t->dtype == TDAG_BOOL || rg_chance(&m->random, 30) ? TDAG_OP_EQUAL
                                                                        : TDAG_OP_LESS;
        condition = tdag_binary(m->b, op, x, partner(m, t, t->dtype));
    }
    return rg_chance(&m->random, 50) ? tdag_where(m->b, condition, x, y)
                                     : tdag_where(m->b, condition, y, x);
}

static bool is_index(const tdagi_type *t)
{
    return tdagi_dtype_class(t->dtype) == 'i' && t->rank <= 3 && is_const(t);
}

/* An index in range whose values the graph computes: v - floor(v/n)*n. */
static tdag_value computed_index(rg_maker *m, int64_t n)
{
    tdag_value v = pick_such(m, is_index);
    if (v.id == 0) return v;
    tdag_dtype dtype = rg_chance(&m->random, 50) ? TDAG_I32 : TDAG_I64;
    v = tdag_convert(m->b, v, dtype);
    tdag_value size = tdag_add_scalar(m->b, dtype, (double)n);
    tdag_value q = tdag_binary(m->b, TDAG_OP_FLOOR_DIVIDE, v, size);
    tdag_value whole = tdag_binary(m->b, TDAG_OP_MULTIPLY, q, size);
    return tdag_binary(m->b, TDAG_OP_ADD, v, tdag_unary(m->b, TDAG_OP_NEG, whole));
}

/* An index tensor for axis `batch` of x. */
static tdag_value add_index(rg_maker *m, const tdagi_type *x, uint32_t batch)
{
    tdag_dim d = x->shape[batch];
    int64_t shape[TDAG_MAX_RANK], least = d; /* of a symbol: element 0, if it has one */
    if (d < 0) least = sample(m, d) > 0;
    if (batch == 0 && rg_chance(&m->random, 20)) return tdag_iota(m->b, d, TDAG_I64);
    if (batch == 0 && least > 0 && rg_chance(&m->random, 40)) {
        tdag_value v = computed_index(m, least);
        if (v.id != 0) return v;
    }
    uint32_t rank = batch + (uint32_t)rg_in(&m->random, 0, 2);
    for (uint32_t i = 0; i < rank; i++)
        shape[i] = i < batch ? x->shape[i] : rg_in(&m->random, 1, 4);
    if (least == 0 && rank == batch) shape[rank++] = 0;
    if (least == 0) shape[rank - 1] = 0;
    tdag_dtype dtype = rg_chance(&m->random, 50) ? TDAG_I32 : TDAG_I64;
    tdag_tensor *t = NULL;
    TEST_OK(m->ctx, tdag_tensor_create(m->ctx, dtype, rank, shape, &t));
    for (int64_t i = 0; i < t->count; i++)
        tdagi_tensor_set_i64(t, i, rg_in(&m->random, 0, least - 1));
    tdag_value v = tdag_add_tensor(m->b, TDAG_OP_CONSTANT, NULL, t);
    tdag_tensor_free(t);
    return v;
}

static uint32_t random_batch(rg_maker *m, const tdagi_type *t)
{
    uint32_t batch = 0;
    while (batch + 1 < t->rank && t->shape[batch] >= 0 && rg_chance(&m->random, 40))
        batch++;
    return batch;
}

static tdag_value make_gather(rg_maker *m, tdag_value x, const tdagi_type *t)
{
    if (t->rank == 0) return TDAG_NO_VALUE;
    uint32_t batch = random_batch(m, t);
    return tdag_gather(m->b, x, add_index(m, t, batch), batch);
}

static tdag_value make_scatter(rg_maker *m, tdag_value x, const tdagi_type *t)
{
    if (t->rank == 0) return TDAG_NO_VALUE;
    uint32_t batch = random_batch(m, t);
    tdag_value index = add_index(m, t, batch);
    tdag_value update = tdag_gather(m->b, x, index, batch);
    if (update.id == 0) return update;
    tdagi_type u = type_of(m, update);
    if (is_const(&u) && rg_chance(&m->random, 50))
        update = add_constant(m, TDAG_OP_CONSTANT, NULL, u.dtype, u.rank, u.shape);
    tdag_scatter_mode mode = (tdag_scatter_mode)rg_in(&m->random, 0, 4);
    return tdag_scatter(m->b, x, index, update, batch, mode);
}

static tdag_value make_iota(rg_maker *m, tdag_value x, const tdagi_type *t)
{
    (void)x, (void)t;
    tdag_dim n = symbolic_dim(m, rg_in(&m->random, m->options.no_empty, 6));
    return tdag_iota(m->b, n, random_dtype(m));
}

typedef tdag_value recipe(rg_maker *m, tdag_value x, const tdagi_type *t);
static recipe *const recipes[TDAGI_OP_CODES] = {
    [TDAG_OP_PERMUTE] = make_permute,
    [TDAG_OP_GROUP] = make_group,
    [TDAG_OP_UNGROUP] = make_ungroup,
    [TDAG_OP_SQUEEZE] = make_squeeze,
    [TDAG_OP_UNSQUEEZE] = make_unsqueeze,
    [TDAG_OP_SLICE] = make_slice,
    [TDAG_OP_PAD] = make_pad,
    [TDAG_OP_SELECT] = make_select,
    [TDAG_OP_REPEAT] = make_repeat,
    [TDAG_OP_UNFOLD] = make_unfold,
    [TDAG_OP_FOLD] = make_fold,
    [TDAG_OP_REDUCE] = make_reduce,
    [TDAG_OP_SCAN] = make_scan,
    [TDAG_OP_ARGSORT] = make_argsort,
    [TDAG_OP_CONVERT] = make_convert,
    [TDAG_OP_WHERE] = make_where,
    [TDAG_OP_GATHER] = make_gather,
    [TDAG_OP_SCATTER] = make_scatter,
    [TDAG_OP_IOTA] = make_iota,
};

/* Ops without a spec, by the number of their inputs. */
static tdag_value make_plain(rg_maker *m, tdag_op op, tdag_value x, const tdagi_type *t)
{
    tdag_value in[3] = {x};
    uint32_t n = tdagi_op_row_of((uint32_t)op)->n_inputs;
    assert_in_range(n, 1, 3);
    for (uint32_t i = 1; i < n; i++)
        in[i] = partner(m, t, t->dtype);
    if (n == 2 && rg_chance(&m->random, 50)) {
        in[0] = in[1];
        in[1] = x;
    }
    return tdag_add_node(m->b, op, NULL, 0, in, n);
}

tdag_value rg_add_op(rg_maker *m, tdag_op op)
{
    tdag_value x = rg_pick(m), v;
    if (x.id == 0) return x;
    tdagi_type t = type_of(m, x);
    if (recipes[op] != NULL)
        v = recipes[op](m, x, &t);
    else
        v = make_plain(m, op, x, &t);
    if (!tdagi_builder_ok(m->b)) {
        tdagi_builder_forgive(m->b);
        return TDAG_NO_VALUE;
    }
    return v;
}

static bool moves(uint32_t op)
{
    return tdagi_op_is_movement(op) || op == TDAG_OP_FOLD;
}

static tdag_op random_op(rg_maker *m)
{
    bool movement = rg_chance(&m->random, m->options.movement);
    for (;;) {
        uint32_t op = (uint32_t)rg_in(&m->random, 1, TDAGI_OP_CODES - 1);
        const tdagi_op_row *row = tdagi_op_row_of(op);
        if (row == NULL || row->name == NULL || op == TDAG_OP_OPAQUE) continue;
        if (tdagi_op_is_leaf(op) && op != TDAG_OP_IOTA) continue;
        if (moves(op) != movement) continue;
        if (m->options.only_f32 && op == TDAG_OP_CONVERT) continue;
        if (m->options.leave_out != NULL && m->options.leave_out[op]) continue;
        return (tdag_op)op;
    }
}

void rg_add_ops(rg_maker *m, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        char text[32];
        if (rg_chance(&m->random, 20)) {
            snprintf(text, sizeof text, "layer%d.part", (int)rg_in(&m->random, 0, 3));
            tdag_builder_set_scope(m->b, text);
        }
        tdag_value v = TDAG_NO_VALUE;
        for (int tries = 0; tries < 8 && v.id == 0; tries++)
            v = rg_add_op(m, random_op(m));
        if (v.id != 0 && rg_chance(&m->random, 30)) {
            snprintf(text, sizeof text, "named%u", i);
            tdag_builder_set_name(m->b, v, text);
        }
        rg_offer(m, v);
    }
}

void rg_add_outputs(rg_maker *m)
{
    int64_t n = rg_in(&m->random, 1, 4);
    if (m->n == 0) /* every leaf was too large to be offered: the first input stands */
        m->values[m->n++] = (tdag_value){1};
    for (int64_t i = 0; i < n; i++)
        tdag_builder_add_output(m->b, i == 0 ? m->values[m->n - 1] : rg_pick(m));
}

tdag_graph *rg_graph(tdag_ctx *ctx, const rg_options *o)
{
    tdag_builder *b = NULL;
    tdag_graph *g = NULL;
    rg_maker m;
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    rg_maker_init(&m, ctx, b, o);
    rg_add_leaves(&m);
    rg_add_ops(&m, o->n_nodes > 0 ? o->n_nodes : (uint32_t)rg_in(&m.random, 1, 30));
    rg_add_outputs(&m);
    TEST_OK(ctx, tdag_builder_finish(b, &g));
    tdag_builder_free(b);
    return g;
}
