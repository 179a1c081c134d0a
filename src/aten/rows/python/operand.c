/* Lists in arithmetic: joined, repeated, and one number of all: min, max, sum, any,
 * all. */
#include "aten/rows/python/python.h"

tdagi_any tdagi_list_concat(tdagi_call *c, tdagi_any a, tdagi_any b)
{
    tdagi_any out = tdagi_any_seq(c->env, TDAGI_ANY_LIST, a.u.seq->n, a.u.seq->v);
    for (uint32_t i = 0; i < b.u.seq->n && out.kind == TDAGI_ANY_LIST; i++)
        tdagi_seq_append(c->env, out.u.seq, b.u.seq->v[i]);
    return out;
}

tdagi_any tdagi_list_times(tdagi_call *c, tdagi_any a, int64_t n)
{
    tdagi_any out = tdagi_any_seq(c->env, TDAGI_ANY_LIST, 0, NULL);
    if (n > 0 && (uint64_t)n * a.u.seq->n > c->env->ctx->limits.max_loop_trips)
        return tdagi_call_fail(c, TDAG_E_LIMIT, "a list of %lld items",
                               (long long)n * a.u.seq->n);
    for (int64_t k = 0; k < n; k++)
        for (uint32_t i = 0; i < a.u.seq->n && out.kind == TDAGI_ANY_LIST; i++)
            tdagi_seq_append(c->env, out.u.seq, a.u.seq->v[i]);
    return out;
}

bool tdagi_list_reduce(tdagi_call *c, tdagi_fold_op op, tdagi_any *out)
{
    if (c->n == 0 || !tdagi_any_is_seq(c->args[0])) return false;
    const tdagi_seq *s = c->args[0].u.seq;
    tdagi_any acc = op == TDAGI_FOLD_AND  ? tdagi_any_bool(true)
                    : op == TDAGI_FOLD_OR ? tdagi_any_bool(false)
                                          : tdagi_any_int(c->env, 0);
    bool has_start =
        op == TDAGI_FOLD_AND || op == TDAGI_FOLD_OR || op == TDAGI_FOLD_ADD;
    if (s->n == 0 && !has_start) return false;
    for (uint32_t i = 0; i < s->n; i++) {
        tdagi_any x = s->v[i];
        if (op == TDAGI_FOLD_AND || op == TDAGI_FOLD_OR)
            if (x.kind != TDAGI_ANY_BOOL &&
                !tdagi_fold(c->env, TDAGI_FOLD_NE, x, tdagi_any_int(c->env, 0), &x))
                return false;
        if (i == 0 && !has_start)
            acc = x;
        else if (!tdagi_fold(c->env, op, acc, x, &acc))
            return false;
    }
    read_all(c);
    *out = acc;
    return true;
}
