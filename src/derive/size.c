/* Sizes as data. A symbolic dim as a number is counted: the sum of d ones, a reduce of
 * a repeated scalar, so that it follows the symbols wherever the graph is run; a known
 * one is a constant; so are quotients of two. Both are made here, and the first is
 * known again: what a size costs, and what it becomes at numbers, is said of the whole
 * and not of its nodes. */
#include "derive/composites.h"

#include "base/tensor.h"
#include "derive/parts.h"
#include "ir/graph.h"

#define MOST_LESS 16 /* what a size may lack to be none below 0 */

static tdag_value number(tdag_builder *b, tdag_dtype dtype, int64_t value)
{
    tdag_tensor *t = NULL;
    if (tdag_tensor_create(b->ctx, dtype, 0, NULL, &t) != TDAG_OK)
        return tdagi_builder_fail(b, TDAG_E_NOMEM, "out of memory");
    tdagi_tensor_set_i64(t, 0, value);
    tdag_value v = tdag_add_tensor(b, TDAG_OP_CONSTANT, NULL, t);
    tdag_tensor_free(t);
    return v;
}

tdag_value tdagi_dim_scalar(tdag_builder *b, tdag_dim d, tdag_dtype dtype)
{
    if (!tdagi_builder_ok(b)) return TDAG_NO_VALUE;
    int64_t value;
    if (tdagi_dim_is_const(tdagi_builder_pool(b), d, &value))
        return number(b, dtype, value);
    tdagi_pool *pool = tdagi_builder_pool(b);
    for (int64_t more = 1; more <= MOST_LESS && !tdagi_dim_proves_ge(pool, d, 0);
         more++) {
        tdag_dim above = tdagi_dim_add(pool, d, more); /* T-2, where T may be 1 */
        if (tdagi_dim_proves_ge(pool, above, 0))
            return tdagi_add(b, tdagi_dim_scalar(b, above, dtype),
                             number(b, dtype, -more));
    }
    if (tdagi_dim_sample(pool, d) < 0)
        return tdag_unary(b, TDAG_OP_NEG,
                          tdagi_dim_scalar(b, tdagi_dim_sub(pool, 0, d), dtype));
    tdag_value ones = tdagi_full(b, TDAG_I64, 1, &d, 1);
    ones = tdagi_reduce_keep(b, ones, TDAG_REDUCE_SUM, TDAG_LIST(0), false);
    return tdagi_cast(b, ones, dtype);
}

tdag_value tdagi_dim_value(tdag_builder *b, tdag_dim d)
{
    return tdagi_dim_scalar(b, d, TDAG_I64);
}

tdag_value tdagi_dim_ratio(tdag_builder *b, tdag_dim x, tdag_dim y, tdag_dtype dtype)
{
    if (!tdagi_builder_ok(b)) return TDAG_NO_VALUE;
    int64_t n, by;
    if (tdagi_dim_is_const(tdagi_builder_pool(b), x, &n) &&
        tdagi_dim_is_const(tdagi_builder_pool(b), y, &by))
        return tdag_add_scalar(b, dtype, (double)n / (double)by);
    tdag_value quotient = tdagi_div(b, tdagi_dim_scalar(b, x, TDAG_F64),
                                    tdagi_dim_scalar(b, y, TDAG_F64));
    return tdagi_cast(b, quotient, dtype);
}

tdag_value tdagi_size_value(tdag_builder *b, const tdagi_size *size, tdag_dtype dtype)
{
    return size->is_ratio ? tdagi_dim_ratio(b, size->n, size->by, dtype)
                          : tdagi_dim_scalar(b, size->n, dtype);
}

/* ---- known again ---- */

typedef struct search {
    const tdag_graph *g;
    tdagi_size *size;
    bool symbolic; /* some part is counted */
} search;

/* Whether the node has that op; it becomes one of the parts, and *id what it reads. */
static bool step(search *s, uint32_t *id, uint32_t op)
{
    const tdagi_node *n = &s->g->nodes[*id];
    if (n->op != op) return false;
    s->size->nodes[s->size->n_nodes++] = *id;
    *id = tdagi_node_inputs(n)[0].id;
    return true;
}

/* The count of repeated ones. */
static bool find_count(search *s, uint32_t id, tdag_dim *out)
{
    step(s, &id, TDAG_OP_CONVERT);
    if (!step(s, &id, TDAG_OP_SQUEEZE)) return false;
    const tdagi_node *sum = &s->g->nodes[id];
    if (!step(s, &id, TDAG_OP_REDUCE)) return false;
    const tdagi_node *ones = &s->g->nodes[id];
    if (((const tdag_reduce_spec *)sum->u.spec)->kind != TDAG_REDUCE_SUM ||
        !step(s, &id, TDAG_OP_REPEAT) || !step(s, &id, TDAG_OP_UNSQUEEZE))
        return false;
    const tdagi_node *one = &s->g->nodes[id];
    if (ones->rank != 1 || one->op != TDAG_OP_CONSTANT || one->dtype != TDAG_I64 ||
        one->rank != 0 || tdagi_tensor_get_i64(one->u.tensor, 0) != 1)
        return false;
    *out = ones->shape[0];
    s->symbolic = true;
    return true;
}

/* A count, or a whole number that is written down. */
static bool find_part(search *s, uint32_t id, tdag_dim *out)
{
    const tdagi_node *n = &s->g->nodes[id];
    if (n->rank != 0 || n->op != TDAG_OP_CONSTANT) return find_count(s, id, out);
    double value = tdagi_tensor_get_f64(n->u.tensor, 0);
    if (!(value >= 0 && value <= 9007199254740992.0) || value != (double)(int64_t)value)
        return false;
    *out = (tdag_dim)value;
    return true;
}

static bool find_ratio(search *s, uint32_t id)
{
    step(s, &id, TDAG_OP_CONVERT);
    uint32_t product = id;
    if (!step(s, &id, TDAG_OP_MULTIPLY) ||
        !tdag_dtype_is_float((tdag_dtype)s->g->nodes[product].dtype))
        return false;
    uint32_t y = tdagi_node_inputs(&s->g->nodes[product])[1].id;
    s->size->is_ratio = true;
    return find_part(s, id, &s->size->n) && step(s, &y, TDAG_OP_RECIPROCAL) &&
           find_part(s, y, &s->size->by) && s->symbolic;
}

bool tdagi_is_size(const tdag_graph *g, uint32_t id, tdagi_size *out)
{
    const tdagi_node *n = &g->nodes[id];
    if (n->rank != 0 || (n->op != TDAG_OP_SQUEEZE && n->op != TDAG_OP_CONVERT &&
                         n->op != TDAG_OP_MULTIPLY))
        return false;
    search s = {g, out, false};
    *out = (tdagi_size){.n_nodes = 0};
    if (find_count(&s, id, &out->n)) return true;
    *out = (tdagi_size){.n_nodes = 0};
    return find_ratio(&s, id);
}

void tdagi_mark_sizes(const tdag_graph *g, unsigned char *marks, unsigned char mark)
{
    tdagi_size size;
    for (uint32_t id = 1; id <= g->n; id++)
        if (tdagi_is_size(g, id, &size))
            for (uint32_t i = 0; i < size.n_nodes; i++)
                marks[size.nodes[i]] |= mark;
}
