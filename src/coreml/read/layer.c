/* Layers and reductions that a formula cannot say. */
#include <string.h>

#include "aten/aten.h"
#include "base/tensor.h"
#include "coreml/read/mil.h"

/* ---- products ---- */

/* coremltools gives every linear a bias. */
tdagi_any tdagi_cml_linear(tdagi_cml_call *c)
{
    if (tdagi_cml_is_no_bias(c, "bias")) tdagi_cml_set(c, "bias", tdagi_any_none());
    return tdagi_cml_eval(c, "linear(x, like(weight, x), like(bias, x))");
}

/* ---- reductions ---- */

tdagi_any tdagi_cml_product(tdagi_cml_call *c)
{
    tdagi_cml_let(c, "axes", "axes(x, axes)");
    tdag_list axes = tdagi_cml_ints(c, "axes");
    uint32_t rank = tdagi_cml_rank(c, "x");
    uint64_t bits = 0;
    for (uint32_t i = 0; i < axes.n; i++)
        bits |= (uint64_t)1 << ((axes.v[i] < 0 ? axes.v[i] + rank : axes.v[i]) & 63);
    for (uint32_t i = rank; i-- > 0 && tdagi_env_ok(c->env);) {
        if ((bits >> i & 1) == 0) continue;
        tdagi_cml_set_int(c, "axis", i);
        tdagi_cml_let(c, "x", "prod(x, axis, keep_dims)");
    }
    return tdagi_cml_at(c, "x");
}

/* ---- norms ---- */

static bool are_last(const tdag_list *axes, uint32_t rank)
{
    for (uint32_t i = 0; i < axes->n; i++)
        if ((axes->v[i] < 0 ? axes->v[i] + rank : axes->v[i]) != rank - axes->n + i)
            return false;
    return true;
}

/* gamma and beta have the sizes of the axes. */
tdagi_any tdagi_cml_layer_norm(tdagi_cml_call *c)
{
    tdagi_cml_let(c, "axes", "axes(x, axes)");
    tdag_list axes = tdagi_cml_ints(c, "axes");
    uint32_t rank = tdagi_cml_rank(c, "x"), k = 0;
    tdag_dim sizes[TDAG_MAX_RANK];
    int64_t order[TDAG_MAX_RANK], back[TDAG_MAX_RANK];
    bool is_one[TDAG_MAX_RANK] = {false};
    if (axes.n > rank || axes.n == 0) return tdagi_cml_refuse(c, "such axes");
    for (uint32_t i = 0; i < axes.n; i++) {
        int64_t a = axes.v[i] < 0 ? axes.v[i] + rank : axes.v[i];
        if (a < 0 || a >= rank || is_one[a]) return tdagi_cml_refuse(c, "such axes");
        is_one[a] = true;
        sizes[i] = tdagi_cml_dim(c, "x", (uint32_t)a);
        order[rank - axes.n + i] = a;
    }
    tdagi_cml_set_dims(c, "sizes", axes.n, sizes);
    if (are_last(&axes, rank))
        return tdagi_cml_eval(c, "layer_norm(x, sizes, gamma, beta, epsilon)");
    for (uint32_t i = 0; i < rank; i++)
        if (!is_one[i]) order[k++] = i;
    for (uint32_t i = 0; i < rank; i++)
        back[order[i]] = i;
    tdagi_cml_set_dims(c, "order", rank, order);
    tdagi_cml_set_dims(c, "back", rank, back);
    return tdagi_cml_eval(
        c, "permute(layer_norm(permute(x, order), sizes, gamma, beta, epsilon), back)");
}

/* ---- classes ---- */

/* The best name, a text that is given to no one, and the probabilities. */
tdagi_any tdagi_cml_classify(tdagi_cml_call *c)
{
    const tdagi_any out[2] = {tdagi_any_string(""), tdagi_cml_at(c, "probabilities")};
    return tdagi_any_seq(c->env, TDAGI_ANY_TUPLE, 2, out);
}

/* ---- lists ---- */

tdagi_any tdagi_cml_make_list(tdagi_cml_call *c)
{
    tdag_dim shape[TDAG_MAX_RANK] = {tdagi_cml_int(c, "init_length", 1)};
    tdag_list item = tdagi_cml_dims(c, "elem_shape");
    if (item.n >= TDAG_MAX_RANK || shape[0] < 0)
        return tdagi_cml_refuse(c, "such a size");
    for (uint32_t i = 0; i < item.n; i++)
        shape[i + 1] = item.v[i];
    tdagi_cml_set_dims(c, "shape", item.n + 1, shape);
    return tdagi_cml_eval(c, "full(shape, 0, dtype=dtype(dtype))");
}

/* Puts "value", [n, ...], at n positions; known ones behind the end make it longer. */
static tdagi_any put(tdagi_cml_call *c)
{
    tdagi_any at;
    int64_t size = 0, last = -1, i;
    uint32_t rank = tdagi_cml_rank(c, "ls");
    if (rank == 0) return tdagi_cml_refuse(c, "no list");
    bool known = tdagi_dim_is_const(c->env->pool, tdagi_cml_dim(c, "ls", 0), &size) &&
                 tdagi_cml_fit(c->env, tdagi_cml_at(c, "indices"), "List[int]", &at);
    for (uint32_t k = 0; known && k < at.u.seq->n; k++)
        if (tdagi_any_const_int(c->env, at.u.seq->v[k], &i) && i > last) last = i;
    if (last >= size) {
        int64_t pairs[2 * TDAG_MAX_RANK] = {0};
        pairs[2 * rank - 1] = last + 1 - size;
        tdagi_cml_set_dims(c, "pairs", 2 * rank, pairs);
        tdagi_cml_let(c, "ls", "constant_pad_nd(ls, pairs, 0)");
    }
    return tdagi_cml_eval(c, "index_copy(ls, 0, to(indices, 4), value)");
}

tdagi_any tdagi_cml_list_scatter(tdagi_cml_call *c) { return put(c); }

tdagi_any tdagi_cml_list_write(tdagi_cml_call *c)
{
    const tdagi_any at = tdagi_any_known(tdagi_cml_at(c, "index"));
    if (at.kind == TDAGI_ANY_INT)
        tdagi_cml_set(
            c, "indices",
            tdagi_any_tensor(tdagi_cell_known_list(c->env, TDAG_I64, 1, &at)));
    else
        tdagi_cml_let(c, "indices", "reshape(places(index), [1])");
    tdagi_cml_let(c, "value", "unsqueeze(value, 0)");
    return put(c);
}
