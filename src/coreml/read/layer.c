/* Layers and reductions that a formula cannot say. */
#include <string.h>

#include "aten/aten.h"
#include "base/tensor.h"
#include "coreml/read/mil.h"

/* ---- products ---- */

/* coremltools gives every linear a bias. */
tdagi_any tdagi_cml_linear(tdagi_cml_call *c)
{
    if (tdagi_cml_is_zero(c, "bias")) tdagi_cml_set(c, "bias", tdagi_any_none());
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
