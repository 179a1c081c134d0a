/* Operators with positions. They name them as they are: a negative one counts from the
 * end only where the opset is older than CoreML7 and nothing else would be meant. */
#include <string.h>

#include "aten/aten.h"
#include "base/tensor.h"
#include "coreml/read/mil.h"
#include "derive/derive.h"

/* Whether the value is that size. */
static bool is_number(const tdag_graph *g, tdag_value v, tdag_dim n)
{
    const tdagi_node *node = &g->nodes[v.id];
    tdagi_size size;
    if (node->op == TDAG_OP_CONSTANT)
        return node->u.tensor->count == 1 &&
               tdagi_tensor_get_i64(node->u.tensor, 0) == n;
    return tdagi_is_size(g, v.id, &size) && !size.is_ratio && size.n == n;
}

/* Whether the file has written select(at < 0, at + n, at) already. */
static bool is_wrapped(const tdag_graph *g, tdag_value at, tdag_dim n)
{
    const tdagi_node *v = &g->nodes[at.id];
    while (tdagi_node_def(v)->same_order || v->op == TDAG_OP_CONVERT)
        v = &g->nodes[tdagi_node_inputs(v)[0].id];
    if (v->op != TDAG_OP_WHERE) return false;
    const tdag_value *in = tdagi_node_inputs(v);
    const tdagi_node *less = &g->nodes[in[0].id], *sum = &g->nodes[in[1].id];
    if (less->op != TDAG_OP_LESS || sum->op != TDAG_OP_ADD) return false;
    const tdag_value *of = tdagi_node_inputs(less), *parts = tdagi_node_inputs(sum);
    const bool is_first = parts[0].id == in[2].id;
    return of[0].id == in[2].id && is_number(g, of[1], 0) &&
           parts[!is_first].id == in[2].id && is_number(g, parts[is_first], n);
}

/* An integer operand as positions of an axis of n. */
static tdag_value positions(tdagi_cml_call *c, tdag_value at, tdag_dim n)
{
    tdag_builder *b = c->env->b;
    if (at.id == 0) return at;
    tdag_dtype d = tdag_builder_get_dtype(b, at);
    if (d != TDAG_I32 && d != TDAG_I64) at = tdagi_cast(b, at, TDAG_I32);
    tdagi_call call = {.env = c->env, .b = b}; /* all that wrapping needs */
    const bool is_plain =
        c->room->opset >= 7 || !tdagi_builder_ok(b) || is_wrapped(b->graph, at, n);
    return is_plain ? at : tdagi_wrap_index(&call, at, n);
}

static tdag_value operand(tdagi_cml_call *c, const char *name)
{
    return tdagi_cml_tensor(c, name);
}

/* Zeroes for a value that is not there. */
static const tdag_dim *shape_of(tdagi_cml_call *c, tdag_value v)
{
    static const tdag_dim none[TDAG_MAX_RANK];
    const tdag_dim *shape = tdag_builder_get_shape(c->env->b, v);
    return shape == NULL ? none : shape;
}

static uint32_t rank_of(tdagi_cml_call *c, tdag_value v)
{
    return tdag_builder_get_rank(c->env->b, v);
}

/* x with an axis moved; the others keep their order. */
static tdag_value moved(tdagi_cml_call *c, tdag_value x, uint32_t from, uint32_t to)
{
    int64_t order[TDAG_MAX_RANK];
    uint32_t k = 0, rank = x.id == 0 ? 0 : rank_of(c, x);
    if (from == to || from >= rank || to >= rank) return x;
    for (uint32_t i = 0; i < rank; i++) {
        if (k == from) k++;
        order[i] = i == to ? from : k++;
    }
    return tdag_permute(c->env->b, x, (tdag_list){rank, order});
}

/* Known numbers at known positions, as sizes are picked: they stay known. */
static bool known_gather(tdagi_cml_call *c, tdagi_any *out)
{
    tdagi_any x = tdagi_cml_at(c, "x"), list, at;
    int64_t i = 0;
    if (x.kind != TDAGI_ANY_TENSOR || x.u.tensor->known == NULL ||
        x.u.tensor->known_rank != 1)
        return false;
    const tdagi_cell *t = x.u.tensor;
    tdagi_any which = tdagi_any_evaluated(c->env, tdagi_cml_at(c, "indices"));
    if (tdagi_any_const_int(c->env, which, &i)) {
        i += i < 0 ? t->n_known : 0;
        if (i < 0 || i >= t->n_known) return false;
        *out = tdagi_any_tensor(tdagi_cell_known(c->env, t->dtype, t->known[i]));
        return true;
    }
    if (!tdagi_cml_fit(c->env, tdagi_cml_at(c, "indices"), "List[int]", &at))
        return false;
    list = tdagi_any_seq(c->env, TDAGI_ANY_LIST, 0, NULL);
    for (uint32_t k = 0; k < at.u.seq->n; k++) {
        if (!tdagi_any_const_int(c->env, at.u.seq->v[k], &i)) return false;
        i += i < 0 ? t->n_known : 0;
        if (i < 0 || i >= t->n_known) return false;
        tdagi_seq_append(c->env, list.u.seq, t->known[i]);
    }
    if (list.kind != TDAGI_ANY_LIST) return false; /* no memory */
    *out = tdagi_any_tensor(
        tdagi_cell_known_list(c->env, t->dtype, list.u.seq->n, list.u.seq->v));
    return true;
}

static bool is_weight(tdagi_cml_call *c, tdag_value x)
{
    return c->env->b->graph->nodes[x.id].op == TDAG_OP_PARAMETER;
}

/* Rows of a weight are an embedding, whose positions are not negative. Else the first
 * `batch_dims` axes are shared; the axis is replaced by those of indices. */
tdagi_any tdagi_cml_gather(tdagi_cml_call *c)
{
    tdagi_any known;
    if (known_gather(c, &known)) return known;
    uint32_t rank = tdagi_cml_rank(c, "x"), axis = tdagi_cml_axis(c, "axis", rank);
    int64_t batch = tdagi_cml_int(c, "batch_dims", 0);
    tdag_value x = operand(c, "x"), at = operand(c, "indices");
    uint32_t n = at.id == 0 ? 0 : rank_of(c, at);
    if (x.id == 0 || at.id == 0 || rank == 0) return tdagi_any_poison();
    if (batch < 0 || batch > axis || batch > n)
        return tdagi_cml_refuse(c, "such shared axes");
    if (rank == 2 && axis == 0 && is_weight(c, x))
        return tdagi_cml_eval(c, "embedding(x, places(indices))");
    at = positions(c, at, shape_of(c, x)[axis]);
    tdag_value y =
        tdag_gather(c->env->b, moved(c, x, axis, (uint32_t)batch), at, batch);
    /* what stood before the axis is now behind the indices */
    uint32_t skipped = axis - (uint32_t)batch;
    for (uint32_t i = 0; i < skipped; i++)
        y = moved(c, y, n + i, (uint32_t)batch + i);
    return tdagi_cml_of(c, y);
}

tdagi_any tdagi_cml_gather_along_axis(tdagi_cml_call *c)
{
    uint32_t axis = tdagi_cml_axis(c, "axis", tdagi_cml_rank(c, "x"));
    tdag_value at = operand(c, "indices");
    if (at.id == 0) return tdagi_any_poison();
    at = positions(c, at, tdagi_cml_dim(c, "x", axis));
    tdagi_cml_set(c, "indices", tdagi_cml_of(c, at));
    return tdagi_cml_eval(c, "gather(x, axis, indices)");
}

/* ---- several axes at once ---- */

/* The last axis of indices holds positions of as many axes of x, behind `batch` shared
 * ones: one position of those axes as one, of which *x_out has them. */
static tdag_value flat_positions(tdagi_cml_call *c, tdag_value at, uint32_t batch,
                                 tdag_value *x)
{
    tdag_builder *b = c->env->b;
    int64_t n = 0;
    uint32_t rank = rank_of(c, *x), last = rank_of(c, at) - 1;
    if (!tdagi_dim_is_const(c->env->pool, shape_of(c, at)[last], &n) || n < 1 ||
        batch + n > rank) {
        tdagi_cml_refuse(c, "indices of such a size");
        return TDAG_NO_VALUE;
    }
    tdag_value sum = TDAG_NO_VALUE;
    tdag_dim shape[TDAG_MAX_RANK], whole = 1;
    for (uint32_t i = 0; i < (uint32_t)n; i++) {
        tdag_dim size = shape_of(c, *x)[batch + i];
        tdag_value one = tdagi_slice1(b, at, last, i, i + 1);
        one = positions(c, tdagi_squeeze1(b, one, last), size);
        if (sum.id != 0 && one.id != 0) {
            tdag_value times =
                tdagi_cast(b, tdagi_dim_value(b, size), tdag_builder_get_dtype(b, one));
            one = tdagi_add(b, tdagi_mul(b, sum, times), one);
        }
        sum = one;
        whole = tdagi_dim_mul(c->env->pool, whole, size);
    }
    uint32_t k = 0;
    for (uint32_t i = 0; i < batch; i++)
        shape[k++] = shape_of(c, *x)[i];
    shape[k++] = whole;
    for (uint32_t i = batch + (uint32_t)n; i < rank; i++)
        shape[k++] = shape_of(c, *x)[i];
    if (n > 1) *x = tdagi_reshape(b, *x, k, shape);
    return sum;
}

tdagi_any tdagi_cml_gather_nd(tdagi_cml_call *c)
{
    tdag_value x = operand(c, "x"), at = operand(c, "indices");
    int64_t batch = tdagi_cml_int(c, "batch_dims", 0);
    if (x.id == 0 || at.id == 0) return tdagi_any_poison();
    if (rank_of(c, at) == 0 || batch < 0 || batch >= rank_of(c, at))
        return tdagi_cml_refuse(c, "such indices");
    at = flat_positions(c, at, (uint32_t)batch, &x);
    if (at.id == 0) return tdagi_any_poison();
    return tdagi_cml_of(c, tdag_gather(c->env->b, x, at, batch));
}

/* ---- scatter ---- */

static bool scatter_mode(tdagi_cml_call *c, tdag_value *updates, tdag_scatter_mode *out)
{
    static const struct {
        const char *name;
        tdag_scatter_mode mode;
        tdag_op first; /* of the updates */
    } modes[] = {{"update", TDAG_SCATTER_SET, 0},
                 {"add", TDAG_SCATTER_ADD, 0},
                 {"sub", TDAG_SCATTER_ADD, TDAG_OP_NEG},
                 {"mul", TDAG_SCATTER_MULTIPLY, 0},
                 {"div", TDAG_SCATTER_MULTIPLY, TDAG_OP_RECIPROCAL},
                 {"max", TDAG_SCATTER_MAX, 0},
                 {"min", TDAG_SCATTER_MIN, 0}};
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (tdagi_cml_is(c, "mode", modes[i].name)) {
            if (modes[i].first != 0)
                *updates = tdag_unary(c->env->b, modes[i].first, *updates);
            *out = modes[i].mode;
            return true;
        }
    tdagi_cml_refuse(c, "a mode that is not known");
    return false;
}

/* Scatters along axis `batch`, behind shared ones. */
static tdag_value scattered(tdagi_cml_call *c, tdag_value x, tdag_value at,
                            tdag_value updates, uint32_t batch)
{
    tdag_scatter_mode mode;
    if (x.id == 0 || at.id == 0 || updates.id == 0 || !scatter_mode(c, &updates, &mode))
        return TDAG_NO_VALUE;
    return tdag_scatter(c->env->b, x, at, updates, batch, mode);
}

/* Updates have the axes of indices in the place of the axis. */
tdagi_any tdagi_cml_scatter(tdagi_cml_call *c)
{
    uint32_t rank = tdagi_cml_rank(c, "data"), axis = tdagi_cml_axis(c, "axis", rank);
    tdag_value x = operand(c, "data"), at = operand(c, "indices"),
               updates = operand(c, "updates");
    if (x.id == 0 || at.id == 0 || updates.id == 0 || rank == 0)
        return tdagi_any_poison();
    uint32_t n = rank_of(c, at);
    at = positions(c, at, shape_of(c, x)[axis]);
    for (uint32_t i = 0; i < n && axis > 0; i++) /* in front */
        updates = moved(c, updates, axis + i, i);
    tdag_value y = scattered(c, moved(c, x, axis, 0), at, updates, 0);
    return tdagi_cml_of(c, moved(c, y, 0, axis));
}

/* Only the axis differs from data in its size; others may be a part of it. */
tdagi_any tdagi_cml_scatter_along_axis(tdagi_cml_call *c)
{
    uint32_t rank = tdagi_cml_rank(c, "data"), axis = tdagi_cml_axis(c, "axis", rank);
    tdag_value x = operand(c, "data"), at = operand(c, "indices"),
               updates = operand(c, "updates");
    if (x.id == 0 || at.id == 0 || updates.id == 0 || rank == 0 ||
        rank_of(c, at) != rank)
        return tdagi_any_poison();
    at = positions(c, at, shape_of(c, x)[axis]);
    for (uint32_t i = 0; i < rank; i++)
        if (i != axis && shape_of(c, x)[i] != shape_of(c, at)[i])
            return tdagi_cml_refuse(c, "indices of a part of data");
    tdag_value y =
        scattered(c, moved(c, x, axis, rank - 1), moved(c, at, axis, rank - 1),
                  moved(c, updates, axis, rank - 1), rank - 1);
    return tdagi_cml_of(c, moved(c, y, rank - 1, axis));
}

tdagi_any tdagi_cml_scatter_nd(tdagi_cml_call *c)
{
    tdag_value x = operand(c, "data"), at = operand(c, "indices");
    tdag_dim shape[TDAG_MAX_RANK];
    if (x.id == 0 || at.id == 0) return tdagi_any_poison();
    uint32_t rank = rank_of(c, x);
    memcpy(shape, shape_of(c, x), rank * sizeof(*shape));
    if (rank_of(c, at) == 0) return tdagi_cml_refuse(c, "such indices");
    at = flat_positions(c, at, 0, &x);
    tdag_value y = scattered(c, x, at, operand(c, "updates"), 0);
    return y.id == 0 ? tdagi_any_poison()
                     : tdagi_cml_of(c, tdagi_reshape(c->env->b, y, rank, shape));
}
