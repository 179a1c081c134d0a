/* Reading and writing at positions that tensors hold. Negative positions, which index
 * and index_put allow, are made non-negative first, unless nothing can be negative. */
#include <string.h>

#include "aten/rows/positions/found.h"
#include "aten/rows/positions/mask.h"
#include "aten/rows/steps.h"
#include "aten/selection.h"
#include "base/tensor.h"

/* ---- positions ---- */

static bool elements_nonnegative(const tdag_tensor *t)
{
    for (int64_t i = 0; i < t->count; i++)
        if (tdagi_tensor_get_i64(t, i) < 0) return false;
    return true;
}

/* Whether every element is >= 0 for sure; looks a few nodes up. */
static bool nonnegative(const tdagi_env *env, tdag_value v, uint32_t depth)
{
    const tdagi_node *n = tdagi_graph_node(env->b->graph, v);
    if (n->op == TDAG_OP_IOTA || n->op == TDAG_OP_ARGSORT || n->dtype == TDAG_U8)
        return true;
    if (tdagi_op_holds_tensor(n->op)) return elements_nonnegative(n->u.tensor);
    if (n->op == TDAG_OP_INPUT) return tdagi_env_is_counter(env, v);
    if (depth == 0) return false;
    bool grows = n->op == TDAG_OP_ADD || n->op == TDAG_OP_MULTIPLY ||
                 n->op == TDAG_OP_FLOOR_DIVIDE;
    if (!grows && !tdagi_op_selects(n->op)) return false;
    for (uint32_t i = 0; i < n->n_inputs; i++)
        if (!nonnegative(env, tdagi_node_inputs(n)[i], depth - 1)) return false;
    return true;
}

static bool is_number(const tdag_graph *g, tdag_value v, int64_t x)
{
    const tdagi_node *n = tdagi_graph_node(g, v);
    return n->op == TDAG_OP_CONSTANT && n->u.tensor->count == 1 &&
           tdagi_tensor_get_i64(n->u.tensor, 0) == x;
}

/* Whether it is where(i < 0, i + n, i), which wrapping made before. */
static bool is_wrapped(const tdag_graph *g, tdag_value v, tdag_dim n)
{
    const tdagi_node *w = tdagi_graph_node(g, v);
    if (w->op != TDAG_OP_WHERE) return false;
    const tdag_value *in = tdagi_node_inputs(w);
    const tdagi_node *less = tdagi_graph_node(g, in[0]),
                     *sum = tdagi_graph_node(g, in[1]);
    if (less->op != TDAG_OP_LESS || sum->op != TDAG_OP_ADD) return false;
    const tdag_value *l = tdagi_node_inputs(less), *s = tdagi_node_inputs(sum);
    const bool is_first = s[0].id == in[2].id;
    return l[0].id == in[2].id && is_number(g, l[1], 0) &&
           s[!is_first].id == in[2].id && is_number(g, s[is_first], n);
}

tdag_value tdagi_wrap_index(tdagi_call *c, tdag_value index, tdag_dim n)
{
    if (index.id == 0 || !tdagi_builder_ok(c->b)) return TDAG_NO_VALUE;
    if (nonnegative(c->env, index, 12) || is_wrapped(c->b->graph, index, n))
        return index;
    return tdagi_wrap_position(c->b, index, n);
}

/* ---- x[i, :, j] ---- */

typedef struct places {
    uint32_t rank, n;             /* of x; indexed axes */
    int64_t order[TDAG_MAX_RANK]; /* the indexed axes first */
    tdag_value index;             /* into the indexed axes as one */
    uint32_t index_rank;
    uint32_t at;   /* where the index's axes go in the result */
    bool is_front; /* the indexed axes are not adjacent: the result starts with them */
} places;

/* Reads `indices`; false: an issue was noted. */
static bool read_places(tdagi_call *c, tdag_value x, places *p)
{
    tdagi_any list = tdagi_arg(c, "indices");
    memset(p, 0, sizeof(*p));
    p->rank = tdagi_rank(c, x);
    if (tdagi_any_is_seq(list) && c->env->outline != NULL)
        list = tdagi_without_masks(c, list);
    if (!tdagi_any_is_seq(list) || list.u.seq->n > p->rank) {
        tdagi_refuse(c, "indices");
        return false;
    }
    uint32_t last = 0, rest = 0;
    tdag_value sum = TDAG_NO_VALUE;
    bool used[TDAG_MAX_RANK] = {false};
    for (uint32_t i = 0; i < list.u.seq->n; i++) {
        tdagi_any v = list.u.seq->v[i];
        if (v.kind == TDAGI_ANY_NONE) continue;
        tdag_dtype d = v.kind == TDAGI_ANY_TENSOR ? tdagi_cell_dtype(c->env, v.u.tensor)
                                                  : TDAG_BOOL;
        if (d == TDAG_BOOL || tdag_dtype_is_float(d)) {
            c->bad = true;
            tdagi_env_issue(c->env,
                            "%s with a mask, whose shape depends on tensor data",
                            c->schema->name);
            return false;
        }
        tdag_value index = tdagi_wrap_index(c, tdagi_cell_read(c->env, v.u.tensor),
                                            tdagi_dim(c, x, i));
        index = tdagi_cast(c->b, index, TDAG_I64);
        if (p->n == 0)
            p->at = i;
        else
            p->is_front |= i != last + 1;
        last = i;
        if (p->n > 0) {
            tdag_value n = tdagi_dim_value(c->b, tdagi_dim(c, x, i)),
                       both[2] = {sum, index};
            tdagi_match_broadcast(c, 2, both);
            sum = both[0];
            index = both[1];
            index = tdagi_add(c->b, tdagi_mul(c->b, sum, n), index);
        }
        sum = index;
        used[i] = true;
        p->order[p->n++] = i;
    }
    for (uint32_t i = 0; i < p->rank; i++)
        if (!used[i]) p->order[p->n + rest++] = i;
    p->index = sum;
    if (sum.id == 0) {
        if (tdagi_builder_ok(c->b)) tdagi_refuse(c, "indices");
        c->bad = true;
        return false;
    }
    p->index_rank = tdagi_rank(c, sum);
    return true;
}

static tdag_value permuted(tdagi_call *c, tdag_value x, uint32_t rank,
                           const int64_t *order)
{
    for (uint32_t i = 0; i < rank; i++)
        if (order[i] != i) return tdag_permute(c->b, x, (tdag_list){rank, order});
    return x;
}

/* x with the indexed axes as one, in front. */
static tdag_value to_front(tdagi_call *c, tdag_value x, const places *p)
{
    x = permuted(c, x, p->rank, p->order);
    int64_t runs[TDAG_MAX_RANK];
    uint32_t n = p->rank - p->n + 1;
    for (uint32_t i = 0; i < n; i++)
        runs[i] = i == 0 ? p->n : 1;
    return p->n == 1 ? x : tdag_group(c->b, x, (tdag_list){n, runs});
}

/* From the result's axes [index..., rest...] to those of x[indices], or back. */
static void result_order(const places *p, bool back, int64_t *order)
{
    uint32_t total = p->index_rank + p->rank - p->n, k = 0;
    int64_t forward[2 * TDAG_MAX_RANK];
    uint32_t at = p->is_front ? 0 : p->at;
    for (uint32_t i = 0; i < at; i++)
        forward[k++] = p->index_rank + i;
    for (uint32_t i = 0; i < p->index_rank; i++)
        forward[k++] = i;
    while (k < total) {
        forward[k] = k;
        k++;
    }
    for (uint32_t i = 0; i < total; i++) {
        if (back)
            order[forward[i]] = i;
        else
            order[i] = forward[i];
    }
}

tdagi_any tdagi_aten_index(tdagi_call *c) /* l.index(v), too */
{
    if (tdagi_any_is_seq(c->args[0])) {
        c->data = 'i';
        return tdagi_aten_find(c);
    }
    tdag_value x = tdagi_arg_tensor(c, "self");
    places p;
    tdagi_masking m;
    if (c->bad) return tdagi_any_poison();
    if (tdagi_arg_masking(c, x, &m)) return tdagi_selection_new(c, x, m.mask, m.axis);
    if (!read_places(c, x, &p)) return tdagi_any_poison();
    if (p.n == 1 && p.index_rank == 1) {
        tdag_value in[2] = {x, p.index};
        tdagi_axis_spec s = {p.at};
        return tdagi_result(c, tdagi_lower(c->b, TDAGI_INDEX_SELECT, in, 2, &s));
    }
    uint32_t total = p.index_rank + p.rank - p.n;
    int64_t order[2 * TDAG_MAX_RANK];
    if (total > TDAG_MAX_RANK) return tdagi_refuse(c, "indices");
    result_order(&p, false, order);
    tdag_value y = tdag_gather(c->b, to_front(c, x, &p), p.index, 0);
    return tdagi_result(c, permuted(c, y, total, order));
}

tdagi_any tdagi_aten_index_put(tdagi_call *c) /* row data 2: what is there is kept */
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    tdagi_masking m;
    if (c->bad) return tdagi_any_poison();
    if (tdagi_arg_masking(c, x, &m)) return tdagi_put_masked(c, x, &m);
    bool add = c->data == 2 || tdagi_arg_bool(c, "accumulate", false);
    tdag_value values =
        tdagi_cast(c->b, tdagi_arg_tensor(c, "values"), tdagi_dtype(c, x));
    places p;
    if (c->bad || !read_places(c, x, &p)) return tdagi_any_poison();
    uint32_t total = p.index_rank + p.rank - p.n;
    int64_t forward[2 * TDAG_MAX_RANK], back[2 * TDAG_MAX_RANK];
    if (total > TDAG_MAX_RANK) return tdagi_refuse(c, "indices");
    result_order(&p, false, forward);
    result_order(&p, true, back);
    tdag_value flat = to_front(c, x, &p);
    tdag_dim want[TDAG_MAX_RANK], dims[TDAG_MAX_RANK];
    for (uint32_t i = 0; i < total; i++) /* [index..., rest...] */
        want[i] = i < p.index_rank ? tdagi_dim(c, p.index, i)
                                   : tdagi_dim(c, flat, 1 + i - p.index_rank);
    for (uint32_t i = 0; i < total; i++)
        dims[i] = want[forward[i]];
    tdag_value update =
        permuted(c, tdagi_expand(c->b, values, total, dims), total, back);
    tdag_value y = tdag_scatter(c->b, flat, p.index, update, 0,
                                add ? TDAG_SCATTER_ADD : TDAG_SCATTER_SET);
    tdag_dim shape[TDAG_MAX_RANK];
    int64_t inverse[TDAG_MAX_RANK];
    for (uint32_t i = 0; i < p.rank; i++) {
        shape[i] = tdagi_dim(c, x, (uint32_t)p.order[i]);
        inverse[p.order[i]] = i;
    }
    y = tdagi_reshape(c->b, y, p.rank, shape);
    return tdagi_result(c, permuted(c, y, p.rank, inverse));
}

/* ---- with a mask that says which positions count ---- */

/* Replaces `indices` by ones within x, as those where the mask is false may be beyond.
 */
static void hold_indices(tdagi_call *c, tdag_value x)
{
    tdagi_any list = tdagi_arg(c, "indices");
    if (c->bad || !tdagi_any_is_seq(list)) return;
    list = tdagi_any_seq(c->env, TDAGI_ANY_LIST, list.u.seq->n, list.u.seq->v);
    for (uint32_t i = 0; tdagi_env_ok(c->env) && i < list.u.seq->n; i++) {
        tdagi_any *v = &list.u.seq->v[i];
        if (v->kind != TDAGI_ANY_TENSOR || i >= tdagi_rank(c, x)) continue;
        tdag_value at =
            tdagi_cast(c->b, tdagi_cell_read(c->env, v->u.tensor), TDAG_I64);
        const tdag_dim dim = tdagi_dim(c, x, i);
        tdag_value n = tdagi_dim_value(c->b, dim);
        at =
            step_max(c, at, tdagi_dim_value(c->b, tdagi_dim_sub(c->env->pool, 0, dim)));
        *v = tdagi_result(c, step_min(c, at, tdagi_add_scalar(c->b, n, -1)));
    }
    tdagi_replace_arg(c, "indices", list);
}

/* self[indices] where the mask is true, `fill` elsewhere */
tdagi_any tdagi_aten_masked_index(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), mask = tdagi_arg_tensor(c, "mask");
    tdagi_any fill = tdagi_arg(c, "fill");
    hold_indices(c, x);
    tdagi_any y = c->bad ? tdagi_any_poison() : tdagi_aten_index(c);
    if (y.kind != TDAGI_ANY_TENSOR) return y;
    return tdagi_result(c, tdag_where(c->b, tdagi_cast(c->b, mask, TDAG_BOOL),
                                      tdagi_cell_read(c->env, y.u.tensor),
                                      tdagi_as(c, fill, tdagi_dtype(c, x))));
}

/* self[indices] += values where the mask is true; row data as of index_put */
tdagi_any tdagi_aten_masked_index_put(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), mask = tdagi_arg_tensor(c, "mask");
    tdag_value v = tdagi_arg_tensor(c, "values");
    hold_indices(c, x);
    if (c->bad) return tdagi_any_poison();
    v = tdag_where(c->b, tdagi_cast(c->b, mask, TDAG_BOOL), v, step_number(c, v, 0));
    tdagi_replace_arg(c, "values", tdagi_result(c, v));
    return tdagi_aten_index_put(c);
}
