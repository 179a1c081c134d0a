/* Norms in pieces. */
#include "coreml/read/meant/match.h"

#include "aten/aten.h"
#include "base/tensor.h"

/* rsqrt(x + e): the 1e-12 that rsqrt adds is below what rounding leaves of e. */
tdagi_any tdagi_cml_meant_rsqrt(tdagi_cml_matching *m)
{
    tdagi_any least = tdagi_any_known(tdagi_cml_at(&m->call, "least"));
    if (tdagi_any_sample(&m->im->env, least) < 1e-7) return tdagi_any_none();
    return tdagi_cml_eval(&m->call, "rsqrt(v)");
}

/* Whether `outer` are the sizes of x. */
static bool is_shape_of_x(tdagi_cml_matching *m)
{
    tdag_dim outer[TDAG_MAX_RANK];
    uint32_t n = 0, same = 0, rank = tdagi_cml_rank(&m->call, "x");
    if (!tdagi_cml_matched(m, "outer", TDAG_MAX_RANK, outer, &n) || n != rank)
        return false;
    for (uint32_t i = 0; i < n; i++)
        same += outer[i] == tdagi_cml_dim(&m->call, "x", i);
    return same == n || (same + 1 == n && outer[n - 1] == -1);
}

/* The same axes twice, in `axes` and `same`. */
static bool are_same(tdagi_cml_matching *m, int64_t *axes, uint32_t *n)
{
    int64_t same[TDAG_MAX_RANK];
    uint32_t k = 0;
    bool ok = tdagi_cml_matched(m, "axes", TDAG_MAX_RANK, axes, n) &&
              tdagi_cml_matched(m, "same", TDAG_MAX_RANK, same, &k) && k == *n;
    for (uint32_t i = 0; ok && i < k; i++)
        ok = axes[i] == same[i];
    return ok;
}

/* x by its norm, at least some number, spread over x. */
tdagi_any tdagi_cml_meant_normalize(tdagi_cml_matching *m)
{
    tdagi_cml_call *c = &m->call;
    uint32_t rank = tdagi_cml_rank(c, "x");
    if (tdagi_cml_rank(c, "whole") != rank) return tdagi_any_none();
    for (uint32_t i = 0; i < rank; i++)
        if (tdagi_cml_dim(c, "whole", i) != tdagi_cml_dim(c, "x", i))
            return tdagi_any_none();
    return tdagi_cml_eval(c,
                          "div(x, expand_as(clamp_min(linalg_vector_norm(x, 2, axes, "
                          "True), least), x))");
}

/* x by its root mean square, which is of x by its largest element, so that squares do
 * not overflow; the epsilon is added to that. */
tdagi_any tdagi_cml_meant_rms_norm(tdagi_cml_matching *m)
{
    int64_t axes[TDAG_MAX_RANK];
    uint32_t n = 0;
    if (!are_same(m, axes, &n)) return tdagi_any_none();
    return tdagi_cml_eval(&m->call,
                          "mul(x, rsqrt(add(mean(pow(x, 2), axes, True), epsilon)))");
}

/* The mean of squares times n / (n - 1). */
tdagi_any tdagi_cml_meant_var(tdagi_cml_matching *m)
{
    tdagi_cml_call *c = &m->call;
    int64_t axes[TDAG_MAX_RANK], size = 0;
    uint32_t n = 0, rank = tdagi_cml_rank(c, "x");
    double count = 1,
           factor =
               tdagi_any_sample(c->env, tdagi_any_known(tdagi_cml_at(c, "factor")));
    if (!are_same(m, axes, &n)) return tdagi_any_none();
    for (uint32_t i = 0; i < n; i++) {
        uint32_t axis = (uint32_t)(axes[i] < 0 ? axes[i] + rank : axes[i]);
        if (!tdagi_dim_is_const(c->env->pool, tdagi_cml_dim(c, "x", axis), &size))
            return tdagi_any_none();
        count *= (double)size;
    }
    double far = factor * (count - 1) - count;
    if (count < 2 || far > 1e-3 || far < -1e-3) return tdagi_any_none();
    return tdagi_cml_eval(c, "var(x, axes, True, keep)");
}

/* Makes the weight or bias of channels, [C] or [1, C, 1, ...], one of one axis. */
static bool by_channel(tdagi_cml_matching *m, const char *name)
{
    tdagi_cml_call *c = &m->call;
    uint32_t rank = tdagi_cml_rank(c, name), axis = rank == 1 ? 0 : 1;
    if (!tdagi_cml_has(c, name)) return true;
    bool ok = tdagi_cml_leaf(c, name) != NULL &&
              (rank == 1 || rank == tdagi_cml_rank(c, "x"));
    for (uint32_t i = 0; ok && i < rank; i++)
        ok = tdagi_cml_dim(c, name, i) == (i == axis ? tdagi_cml_dim(c, "x", 1) : 1);
    if (!ok) return false;
    tdagi_cml_set(c, "v", tdagi_cml_at(c, name));
    if (rank > 1) tdagi_cml_let(c, name, "flatten(v)");
    return true;
}

/* A batch norm of mean 0 and variance 1 is what a weight and a bias became. */
static bool changes_nothing(tdagi_cml_matching *m)
{
    const tdag_tensor *t = tdagi_cml_leaf(&m->call, "variance");
    if (!tdagi_cml_has(&m->call, "mean")) return true;
    bool ok = tdagi_cml_is_zero(&m->call, "mean") && t != NULL;
    for (int64_t i = 0; ok && i < t->count; i++)
        ok = tdagi_tensor_get_f64(t, i) == 1;
    tdagi_any little = tdagi_any_known(tdagi_cml_at(&m->call, "little"));
    return ok && tdagi_any_is_number(little) &&
           tdagi_any_sample(&m->im->env, little) < 1.1e-5;
}

/* [N, C, ...] as [N, groups, C / groups, ...], over all but the first two axes. */
tdagi_any tdagi_cml_meant_group_norm(tdagi_cml_matching *m)
{
    tdag_dim inner[TDAG_MAX_RANK];
    int64_t axes[TDAG_MAX_RANK], groups = 0;
    uint32_t rank = tdagi_cml_rank(&m->call, "x"), n, k;
    bool ok = rank > 1 && is_shape_of_x(m) &&
              tdagi_cml_matched(m, "inner", TDAG_MAX_RANK, inner, &n) &&
              n == rank + 1 && inner[0] == tdagi_cml_dim(&m->call, "x", 0) &&
              tdagi_dim_is_const(m->im->env.pool, inner[1], &groups) && groups > 0 &&
              are_same(m, axes, &k) && k == rank - 1 && changes_nothing(m);
    for (uint32_t i = 3; ok && i < n; i++)
        ok = inner[i] == tdagi_cml_dim(&m->call, "x", i - 1);
    for (uint32_t i = 0; ok && i < rank - 1; i++)
        ok = axes[i] == i + 2;
    if (!ok || !by_channel(m, "weight") || !by_channel(m, "bias"))
        return tdagi_any_none();
    tdagi_cml_set_int(&m->call, "groups", groups);
    return tdagi_cml_eval(&m->call, "group_norm(x, groups, weight, bias, epsilon)");
}
