/* Attention as matrix products around a softmax. */
#include "coreml/read/meant/match.h"

#include <math.h>

#include "aten/aten.h"
#include "base/tensor.h"

/* Ranks of operands that the operator takes; 0: others. */
static uint32_t rank_of(tdagi_cml_call *c)
{
    uint32_t rank = tdagi_cml_rank(c, "q");
    bool ok =
        rank >= 2 && rank == tdagi_cml_rank(c, "k") && rank == tdagi_cml_rank(c, "v");
    return ok ? rank : 0;
}

/* Whether a leaf is 0 up to the diagonal and at most -3e4 behind it. */
static bool hides_the_future(tdagi_cml_matching *m)
{
    const tdag_tensor *t = tdagi_cml_leaf(&m->call, "mask");
    if (t == NULL || t->rank < 2 || t->count > 1 << 24) return false;
    int64_t n = t->shape[t->rank - 1], rows = t->shape[t->rank - 2];
    bool ok = t->count == n * rows && n > 1;
    for (int64_t i = 0; ok && i < t->count; i++) {
        double v = tdagi_tensor_get_f64(t, i);
        ok = i % n > i / n ? v <= -3e4 + 16 : v == 0;
    }
    return ok;
}

/* The softmax of masked scores, which differs where a mask hides a whole row. */
tdagi_any tdagi_cml_meant_attention(tdagi_cml_matching *m)
{
    tdagi_cml_call *c = &m->call;
    uint32_t rank = rank_of(c), less = rank - tdagi_cml_rank(c, "mask");
    bool ok = rank > 0 && less <= rank;
    for (uint32_t i = less; ok && i < rank; i++) {
        tdag_dim is = tdagi_cml_dim(c, "mask", i - less);
        bool last = i + 1 == rank; /* the scores have the keys there */
        ok = is == 1 || is == tdagi_cml_dim(c, last ? "k" : "q", last ? i - 1 : i);
    }
    if (!ok) return tdagi_any_none();
    tdagi_cml_set(c, "causal", tdagi_any_bool(hides_the_future(m)));
    return tdagi_cml_eval(c, "scaled_dot_product_attention(q, k, v, if(causal, None, "
                             "mask), 0.0, causal, scale=scale)");
}

/* Scores that are -inf where the position of the key is behind the query's. */
tdagi_any tdagi_cml_meant_causal(tdagi_cml_matching *m)
{
    tdagi_cml_call *c = &m->call;
    uint32_t rank = rank_of(c);
    double hidden =
        tdagi_any_sample(c->env, tdagi_any_known(tdagi_cml_at(c, "hidden")));
    if (rank == 0 || hidden != -INFINITY || tdagi_cml_rank(c, "column") != 2 ||
        tdagi_cml_rank(c, "row") != 1 || tdagi_cml_dim(c, "column", 1) != 1 ||
        tdagi_cml_dim(c, "column", 0) != tdagi_cml_dim(c, "q", rank - 2) ||
        tdagi_cml_dim(c, "row", 0) != tdagi_cml_dim(c, "k", rank - 2))
        return tdagi_any_none();
    return tdagi_cml_eval(
        c, "scaled_dot_product_attention(q, k, v, None, 0.0, True, scale=scale)");
}
