/* Positions: from the end, or of a roll. */
#include "coreml/read/meant/match.h"

#include "aten/aten.h"

/* select(i >= 0, i, i + n): positions as PyTorch has them, from the end where negative;
 * those of an embedding are never. */
tdagi_any tdagi_cml_meant_wrapped(tdagi_cml_matching *m)
{
    tdagi_cml_call *c = &m->call;
    tdagi_any x = tdagi_cml_at(c, "x"), n = tdagi_any_known(tdagi_cml_at(c, "n"));
    if (x.kind != TDAGI_ANY_TENSOR || x.u.tensor->known != NULL ||
        tdagi_cml_rank(c, "x") == 0 || n.kind != TDAGI_ANY_INT ||
        n.u.i != tdagi_cml_dim(c, "x", 0))
        return tdagi_any_none();
    tdag_value v = tdagi_cml_tensor(c, "x");
    bool is_weight = v.id != 0 && c->env->b->graph->nodes[v.id].op == TDAG_OP_PARAMETER;
    tdagi_cml_set(c, "is_weight", tdagi_any_bool(is_weight));
    return tdagi_cml_eval(c, "if(is_weight, if(is(rank(x), 2), embedding(x, "
                             "places(at)), index(x, [places(at)])), index(x, "
                             "[places(at)]))");
}

/* How far the positions roll x along an axis; 0: they do not. */
static int64_t shift(tdagi_cml_matching *m, const char *positions, const char *axis,
                     uint32_t *axis_out)
{
    enum { MOST = 1 << 16 };
    int64_t n = 0, at = 0, first, axis_of;
    tdagi_any list, v = tdagi_any_known(tdagi_cml_at(&m->call, axis));
    tdagi_env *env = &m->im->env;
    uint32_t rank = tdagi_cml_rank(&m->call, "x");
    if (!tdagi_any_const_int(env, v, &axis_of)) return 0;
    *axis_out = (uint32_t)(axis_of < 0 ? axis_of + rank : axis_of);
    tdag_dim size = tdagi_cml_dim(&m->call, "x", *axis_out);
    if (*axis_out >= rank || !tdagi_dim_is_const(env->pool, size, &n) || n < 3 ||
        n > MOST ||
        !tdagi_cml_fit(env, tdagi_cml_at(&m->call, positions), "List[int]", &list) ||
        list.u.seq->n != (uint64_t)n ||
        !tdagi_any_const_int(env, list.u.seq->v[0], &first))
        return 0;
    for (uint32_t i = 0; i < n; i++)
        if (!tdagi_any_const_int(env, list.u.seq->v[i], &at) || at != (first + i) % n)
            return 0;
    return first <= 0 ? 0 : n - first;
}

/* Along one axis, or along two that are rolled one behind the other. */
tdagi_any tdagi_cml_meant_roll(tdagi_cml_matching *m)
{
    tdagi_cml_call *c = &m->call;
    uint32_t axes[2] = {0, 0};
    tdagi_any x = tdagi_cml_at(c, "x");
    if (x.kind != TDAGI_ANY_TENSOR || x.u.tensor->known != NULL)
        return tdagi_any_none();
    bool two = tdagi_cml_has(c, "second");
    int64_t by[2] = {shift(m, "first", "axis0", &axes[0]),
                     two ? shift(m, "second", "axis1", &axes[1]) : 1};
    if (by[0] == 0 || by[1] == 0 || (two && axes[0] == axes[1]))
        return tdagi_any_none();
    const int64_t along[2] = {axes[0], axes[1]};
    tdagi_cml_set_dims(c, "by", two ? 2 : 1, by);
    tdagi_cml_set_dims(c, "along", two ? 2 : 1, along);
    return tdagi_cml_eval(c, "roll(x, by, along)");
}
