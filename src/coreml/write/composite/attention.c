/* Attention: an operator since iOS18, where the target has it; else products and a
 * softmax, the queries scaled first. */
#include <math.h>

#include "coreml/write/mil.h"

/* 0, 1, ... as an axis of the scores: the queries' or the keys'. */
static tdagi_mil positions(tdagi_mil_writer *w, tdag_dim n, bool of_queries)
{
    const tdagi_type type = {TDAG_I64, 1, {n}};
    const tdag_dim column[2] = {n, 1};
    tdagi_mil v = tdagi_mil_op(w, &type, "range_1d(start=0, end=%d, step=1)", n);
    return of_queries ? tdagi_mil_reshape(w, v, 2, column) : v;
}

static tdagi_mil scaled(tdagi_mil_writer *w, tdagi_mil x, double by)
{
    return fabs(by - 1) < 1e-7 ? x : tdagi_mil_op(w, NULL, "mul(x=%v, y=%f)", x, by);
}

/* x @ y of any batches. */
static tdagi_mil product(tdagi_mil_writer *w, tdagi_mil x, tdagi_mil y,
                         bool transpose_y)
{
    if (x == NULL || y == NULL) return NULL;
    const uint32_t a = x->type.rank, b = y->type.rank;
    tdagi_type type = x->type, of_y = y->type;
    type.shape[a - 1] = type.shape[a - 2] = of_y.shape[b - 1] = of_y.shape[b - 2] = 1;
    tdagi_mil_broadcast(&type, &of_y);
    type.shape[type.rank - 2] = x->type.shape[a - 2];
    type.shape[type.rank - 1] = y->type.shape[transpose_y ? b - 2 : b - 1];
    return tdagi_mil_op(w, &type,
                        "matmul(x=%v, y=%v, transpose_x=false, transpose_y=%b)", x, y,
                        (int)transpose_y);
}

static tdagi_mil hide(tdagi_mil_writer *w, tdagi_mil scores, tdagi_mil mask)
{
    if (scores == NULL || mask == NULL) return NULL;
    if (mask->type.dtype != TDAG_BOOL)
        return tdagi_mil_op(w, &scores->type, "add(x=%v, y=%v)", scores, mask);
    return tdagi_mil_op(w, &scores->type, "select(cond=%v, a=%v, b=%f)", mask, scores,
                        -INFINITY);
}

static tdagi_mil hide_future(tdagi_mil_writer *w, tdagi_mil scores)
{
    if (scores == NULL) return NULL;
    const tdag_dim *of = scores->type.shape + scores->type.rank - 2;
    return tdagi_mil_op(w, &scores->type, "select(cond=less(x=%v, y=%v), a=%f, b=%v)",
                        positions(w, of[0], true), positions(w, of[1], false),
                        -INFINITY, scores);
}

/* Rows that a mask hides whole are 0. */
static tdagi_mil weights(tdagi_mil_writer *w, tdagi_mil scores, bool may_be_empty)
{
    if (scores == NULL) return NULL;
    tdagi_type one = scores->type;
    one.shape[one.rank - 1] = 1;
    tdagi_mil p =
        tdagi_mil_op(w, &scores->type, "softmax(x=%v, axis=%i)", scores, (int64_t)-1);
    if (!may_be_empty) return p;
    tdagi_mil most =
        tdagi_mil_op(w, &one, "reduce_max(x=%v, axes=[-1], keep_dims=true)", scores);
    return tdagi_mil_op(w, &p->type, "select(cond=equal(x=%v, y=%f), a=0.0, b=%v)",
                        most, -INFINITY, p);
}

static void emit_products(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_attention_spec *s = k->spec;
    tdagi_mil mask = tdagi_mil_in(w, k, 3);
    tdagi_mil x = product(w, scaled(w, tdagi_mil_in(w, k, 0), s->scale),
                          tdagi_mil_in(w, k, 1), true);
    if (s->causal) x = hide_future(w, x);
    if (mask != NULL) x = hide(w, x, mask);
    x = weights(w, x, mask != NULL);
    tdagi_mil_emit(w, k, "matmul(x=%v, y=$2, transpose_x=false, transpose_y=false)", x);
}

/* Whether the operator takes the operands as they are. */
static bool fits(const tdagi_attention_spec *s, tdagi_mil q, tdagi_mil k, tdagi_mil v,
                 tdagi_mil mask)
{
    const uint32_t rank = q->type.rank;
    bool same = rank >= 3 && k->type.rank == rank && v->type.rank == rank &&
                q->type.shape[rank - 1] > 0;
    for (uint32_t i = 0; i + 2 < rank && same; i++)
        same = k->type.shape[i] == q->type.shape[i] &&
               v->type.shape[i] == q->type.shape[i];
    return same && (mask == NULL || !s->causal);
}

/* The operator divides by the root of the width. */
static void emit_attention(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_attention_spec *s = k->spec;
    tdagi_mil q = tdagi_mil_in(w, k, 0), key = tdagi_mil_in(w, k, 1),
              v = tdagi_mil_in(w, k, 2), mask = tdagi_mil_in(w, k, 3);
    if (q == NULL || key == NULL || v == NULL) return;
    if (w->target < 18 || !fits(s, q, key, v, mask)) {
        emit_products(w, k);
        return;
    }
    const uint32_t last = q->type.rank - 1;
    if (s->causal)
        mask = tdagi_mil_op(w, NULL, "less_equal(x=%v, y=%v)",
                            positions(w, key->type.shape[last - 1], false),
                            positions(w, q->type.shape[last - 1], true));
    tdagi_mil_emit(
        w, k, "scaled_dot_product_attention(query=%v, key=%v, value=%v, attn_mask=%v)",
        scaled(w, q, s->scale * sqrt((double)q->type.shape[last])), key, v, mask);
}
const tdagi_mil_emitter tdagi_mil_emitter_attention = {.emit = emit_attention};
