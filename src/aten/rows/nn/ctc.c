/* ctc_loss: the sum over all ways in which a sequence of labels may stand in a sequence
 * of frames, unrolled over the frames. Between the labels, before and after them stands
 * a blank or nothing; state s of 2S+1 is the blank before label s/2, or label (s-1)/2.
 * Lengths may be tensors: what is beyond them is masked. */
#include <math.h>

#include "aten/rows/steps.h"

typedef struct ctc {
    tdag_value log_probs;          /* [T, N, C] */
    tdag_value states;             /* [N, 2S+1]: what label each stands for */
    tdag_value n_frames, n_labels; /* [N] i64 */
    int64_t t;
    int64_t blank;
} ctc;

/* Lengths of either overload. */
static tdag_value lengths(tdagi_call *c, const char *name)
{
    tdagi_any v = tdagi_arg(c, name);
    if (tdagi_any_is_tensor(v))
        return tdagi_cast(c->b, tdagi_arg_tensor(c, name), TDAG_I64);
    tdag_list n = tdagi_arg_ints(c, name);
    return c->bad ? TDAG_NO_VALUE : tdagi_positions(c, n.n, n.v);
}

/* Labels one sequence after the other as [N, S], S being how many there are. */
static tdag_value unjoined(tdagi_call *c, tdag_value labels, tdag_value n_labels)
{
    tdag_dim all = tdagi_dim(c, labels, 0);
    tdag_value first = tdag_scan(c->b, n_labels, TDAG_REDUCE_SUM, 0);
    first = tdagi_unsqueeze1(c->b, tdagi_sub(c->b, first, n_labels), 1);
    tdag_value at = tdagi_add(c->b, first, tdag_iota(c->b, all, TDAG_I64));
    tdag_value last = tdagi_add_scalar(c->b, tdagi_dim_value(c->b, all), -1);
    return tdag_gather(c->b, labels, step_min(c, at, last), 0);
}

/* A blank, a label, a blank, ...; what is beyond the labels is blank. */
static tdag_value with_blanks(tdagi_call *c, const ctc *l, tdag_value labels)
{
    if (labels.id == 0 || l->n_labels.id == 0) return TDAG_NO_VALUE;
    tdag_dim n = tdagi_dim(c, labels, 1), shape[2] = {tdagi_dim(c, labels, 0), 0};
    tdag_value blank = tdag_add_scalar(c->b, TDAG_I64, (double)l->blank);
    tdag_value in = step_less(c, tdag_iota(c->b, n, TDAG_I64),
                              tdagi_unsqueeze1(c->b, l->n_labels, 1));
    labels = step_where(c, in, tdagi_cast(c->b, labels, TDAG_I64), blank);
    tdag_value both[2] = {tdagi_full_like(c->b, labels, (double)l->blank), labels};
    shape[1] = tdag_dim_mul(c->b, n, 2);
    labels = tdagi_reshape(c->b, tdagi_stack(c->b, both, 2, 2), 2, shape);
    return tdagi_pad1(c->b, labels, 1, 0, 1, TDAG_PAD_CONSTANT, (double)l->blank);
}

/* x[:, s - by], and v where there is none */
static tdag_value moved(tdagi_call *c, tdag_value x, int64_t by, double v)
{
    tdag_dim n = tdagi_dim(c, x, 1);
    x = tdagi_pad1(c->b, x, 1, by, 0, TDAG_PAD_CONSTANT, v);
    return tdagi_slice1(c->b, x, 1, 0, n);
}

/* log(exp x_0 + ... + exp x_(n-1)), where all may be -inf */
static tdag_value log_sum(tdagi_call *c, uint32_t n, const tdag_value *x)
{
    tdag_value top = x[0], sum = TDAG_NO_VALUE;
    for (uint32_t i = 1; i < n; i++)
        top = step_max(c, top, x[i]);
    if (top.id == 0) return top;
    top = step_where(c, step_equal(c, top, step_number(c, top, -INFINITY)),
                     step_number(c, top, 0), top);
    for (uint32_t i = 0; i < n; i++) {
        tdag_value e = step_exp(c, tdagi_sub(c->b, x[i], top));
        sum = i == 0 ? e : tdagi_add(c->b, sum, e);
    }
    return tdagi_add(c->b, step_log(c, sum), top);
}

/* log of the probability of each state after each sequence's last frame */
static tdag_value forward(tdagi_call *c, const ctc *l)
{
    tdag_dim n = tdagi_dim(c, l->states, 1);
    tdag_dim shape[3] = {l->t, tdagi_dim(c, l->states, 0), n};
    tdag_value each = tdagi_expand(c->b, l->states, 3, shape);
    each = step_take(c, l->log_probs, each, 2);
    if (each.id == 0) return each;
    tdag_value none = step_number(c, each, -INFINITY);
    tdag_value skips =
        step_not(c, step_equal(c, l->states, moved(c, l->states, 2, (double)l->blank)));
    tdag_value starts =
        step_less(c, tdag_iota(c->b, n, TDAG_I64), tdag_add_scalar(c->b, TDAG_I64, 2));
    skips = step_and(c, skips, step_not(c, starts));
    tdag_value frames = tdagi_unsqueeze1(c->b, l->n_frames, 1);
    tdag_value a = step_where(c, starts, tdagi_select1(c->b, each, 0, 0), none);
    for (int64_t t = 1; t < l->t && tdagi_builder_ok(c->b) && a.id != 0; t++) {
        tdag_value from[3] = {a, moved(c, a, 1, -INFINITY),
                              step_where(c, skips, moved(c, a, 2, -INFINITY), none)};
        tdag_value next =
            tdagi_add(c->b, log_sum(c, 3, from), tdagi_select1(c->b, each, 0, t));
        tdag_value on =
            step_less(c, tdag_add_scalar(c->b, TDAG_I64, (double)t), frames);
        a = step_where(c, on, next, a);
    }
    return a;
}

/* [N]: -log of the probability that the last label or the blank after it is the end */
static tdag_value loss_of(tdagi_call *c, const ctc *l)
{
    tdag_value a = forward(c, l);
    if (a.id == 0 || l->n_labels.id == 0) return TDAG_NO_VALUE;
    tdag_value zero = tdag_add_scalar(c->b, TDAG_I64, 0);
    tdag_value last = tdagi_mul_scalar(c->b, l->n_labels, 2);
    tdag_value empty = step_equal(c, l->n_labels, zero);
    tdag_value before = step_where(c, empty, zero, tdagi_add_scalar(c->b, last, -1));
    tdag_value end[2] = {step_take(c, a, tdagi_unsqueeze1(c->b, last, 1), 1),
                         step_take(c, a, tdagi_unsqueeze1(c->b, before, 1), 1)};
    for (uint32_t i = 0; i < 2; i++)
        end[i] = tdagi_squeeze1(c->b, end[i], 1);
    end[1] = step_where(c, empty, step_number(c, a, -INFINITY), end[1]);
    a = step_neg(c, log_sum(c, 2, end));
    tdag_value without = step_where(c, empty, step_number(c, a, 0),
                                    step_number(c, a, INFINITY)); /* of any frame */
    return step_where(c, step_equal(c, l->n_frames, zero), without, a);
}

static bool read(tdagi_call *c, ctc *l)
{
    tdag_value labels = tdagi_arg_tensor(c, "targets");
    l->log_probs = tdagi_arg_tensor(c, "log_probs");
    l->n_frames = lengths(c, "input_lengths");
    l->n_labels = lengths(c, "target_lengths");
    l->blank = tdagi_arg_int(c, "blank", 0);
    if (c->bad) return false;
    if (tdagi_rank(c, l->log_probs) == 2)
        l->log_probs = tdagi_unsqueeze1(c->b, l->log_probs, 1);
    l->n_frames = step_flat(c, l->n_frames); /* of rank 0 where there is no batch */
    l->n_labels = step_flat(c, l->n_labels);
    uint32_t rank = tdagi_rank(c, labels);
    if (tdagi_rank(c, l->log_probs) != 3) return tdagi_refuse(c, "log_probs"), false;
    if (rank < 1 || rank > 2) return tdagi_refuse(c, "targets"), false;
    if (!tdagi_dim_is_const(c->env->pool, tdagi_dim(c, l->log_probs, 0), &l->t)) {
        tdagi_env_issue(c->env, "%s over a sequence of symbolic length",
                        c->schema->name);
        return false;
    }
    if (l->t < 1 || (uint64_t)l->t > c->env->ctx->limits.max_loop_trips) {
        tdagi_call_fail(c, TDAG_E_LIMIT, "a sequence of %lld steps", (long long)l->t);
        return false;
    }
    if (rank == 1 && tdagi_dim(c, labels, 0) != 0)
        labels = unjoined(c, labels, l->n_labels);
    else if (rank == 1)
        labels = tdagi_full(c->b, TDAG_I64, 2,
                            (tdag_dim[]){tdagi_dim(c, l->log_probs, 1), 0}, 0);
    l->states = with_blanks(c, l, labels);
    return l->states.id != 0;
}

/* ctc_loss; row data 1: _ctc_loss, of each sequence and without zero_infinity. */
tdagi_any tdagi_aten_ctc_loss(tdagi_call *c)
{
    ctc l;
    int64_t how = tdagi_arg_int(c, "reduction", 0);
    bool finite = tdagi_arg_bool(c, "zero_infinity", false) && c->data == 0;
    if (!read(c, &l)) return tdagi_any_poison();
    bool is_batched = tdagi_rank(c, tdagi_arg_tensor(c, "log_probs")) == 3;
    tdag_value x = loss_of(c, &l);
    if (x.id == 0) return tdagi_any_poison();
    if (c->data == 1) return tdagi_first_result(c, tdagi_result(c, x));
    if (finite)
        x = step_where(c, step_equal(c, x, step_number(c, x, INFINITY)),
                       step_number(c, x, 0), x);
    if (how == 1) {
        tdag_value n = step_max(c, l.n_labels, tdag_add_scalar(c->b, TDAG_I64, 1));
        x = tdagi_div(c->b, x, tdagi_cast(c->b, n, tdagi_dtype(c, x)));
    }
    if (how == 1 || how == 2)
        x = step_all(c, x, how == 1 ? TDAG_REDUCE_MEAN : TDAG_REDUCE_SUM);
    else if (!is_batched)
        x = tdagi_squeeze1(c->b, x, 0);
    return tdagi_result(c, x);
}
