/* The steps of recurrent layers, read off their kernels backwards from the state that
 * they give. See recurrent.h. */
#include "torchscript/export/recurrent/recurrent.h"

#include "raise/cell.h"

#define in           tdagi_rnn_in
#define is_core      tdagi_rnn_is_core
#define is_composite tdagi_rnn_is_composite

uint32_t tdagi_rnn_row(const tdagi_exporter *e, uint32_t i, int64_t *axis,
                       int64_t *index)
{
    uint32_t at = in(e, i, 0);
    if (!is_core(e, i, TDAG_OP_SQUEEZE) || !is_core(e, at, TDAG_OP_SELECT)) return 0;
    const tdag_axes_spec *removed = tdagi_export_kernel(e, i)->spec;
    const tdag_select_spec *s = tdagi_export_kernel(e, at)->spec;
    if (removed->axes.n != 1 || removed->axes.v[0] != s->axis || s->index < 0) return 0;
    *axis = s->axis;
    *index = s->index;
    return in(e, at, 0);
}

static uint32_t gate_of(const tdagi_exporter *e, uint32_t i, int64_t n, int64_t n_gates)
{
    return tdagi_gate_of(e->r, i, n, n_gates);
}

/* The sum of the products is the result. */
static uint32_t match_lstm(const tdagi_exporter *e, uint32_t i, tdagi_rnn_step *s)
{
    tdagi_lstm_cell cell;
    if (!tdagi_find_lstm_cell(e->r, i, &cell)) return 0;
    s->now[1] = cell.c;
    s->before[1] = cell.before;
    return cell.sum;
}

/* Whether i is the sigmoid of the sum of both gates n. */
static bool is_joint_gate(const tdagi_exporter *e, uint32_t i, int64_t n, uint32_t of_x,
                          uint32_t of_h)
{
    uint32_t sum = in(e, i, 0);
    if (!is_composite(e, i, TDAGI_SIGMOID) || !is_core(e, sum, TDAG_OP_ADD))
        return false;
    for (uint32_t j = 0; j < 2; j++)
        if (gate_of(e, in(e, sum, j), n, 3) == of_x &&
            gate_of(e, in(e, sum, 1 - j), n, 3) == of_h)
            return true;
    return false;
}

/* n = tanh(x_2 + r*h_2): the products x and h; false: it is not. */
static bool match_candidate(const tdagi_exporter *e, uint32_t n, uint32_t *of_x,
                            uint32_t *of_h)
{
    uint32_t sum = in(e, n, 0);
    if (!is_core(e, n, TDAG_OP_TANH) || !is_core(e, sum, TDAG_OP_ADD)) return false;
    for (uint32_t j = 0; j < 2; j++) {
        uint32_t product = in(e, sum, 1 - j);
        *of_x = gate_of(e, in(e, sum, j), 2, 3);
        if (*of_x == 0 || !is_core(e, product, TDAG_OP_MULTIPLY)) continue;
        for (uint32_t p = 0; p < 2; p++) {
            *of_h = gate_of(e, in(e, product, p), 2, 3);
            if (*of_h != 0 && is_joint_gate(e, in(e, product, 1 - p), 0, *of_x, *of_h))
                return true;
        }
    }
    return false;
}

/* h' = z*(h - n) + n; of_h is found, the product of x is the result. */
static uint32_t match_gru(const tdagi_exporter *e, uint32_t i, tdagi_rnn_step *s)
{
    if (!is_core(e, i, TDAG_OP_ADD)) return 0;
    for (uint32_t j = 0; j < 2; j++) {
        uint32_t n = in(e, i, j), back = in(e, i, 1 - j), of_x = 0;
        if (!is_core(e, back, TDAG_OP_MULTIPLY) ||
            !match_candidate(e, n, &of_x, &s->of_h))
            continue;
        for (uint32_t p = 0; p < 2; p++) {
            uint32_t d = in(e, back, 1 - p);
            if (is_composite(e, d, TDAGI_SUB) && in(e, d, 1) == n &&
                in(e, d, 0) == in(e, s->of_h, 0) &&
                is_joint_gate(e, in(e, back, p), 1, of_x, s->of_h))
                return of_x;
        }
    }
    return 0;
}

/* Whether i is a part of all inputs' product. */
static bool is_part(const tdagi_exporter *e, uint32_t i)
{
    int64_t axis, t;
    return tdagi_rnn_row(e, i, &axis, &t) != 0;
}

/* The product of x in the sum of both; of_h is found: that of before[0], where it is
 * known. */
static uint32_t match_sum(const tdagi_exporter *e, uint32_t sum, tdagi_rnn_step *s)
{
    const uint32_t h = s->before[0];
    if (is_composite(e, sum, TDAGI_LINEAR)) { /* without a bias of its own */
        s->of_h = sum;
        return in(e, sum, 2);
    }
    for (uint32_t j = 0; j < 2 && is_core(e, sum, TDAG_OP_ADD); j++) {
        s->of_h = in(e, sum, j);
        if (is_composite(e, s->of_h, TDAGI_LINEAR) &&
            (h == 0 ? is_part(e, in(e, sum, 1 - j)) : in(e, s->of_h, 0) == h))
            return in(e, sum, 1 - j);
    }
    return 0;
}

uint32_t tdagi_rnn_match(const tdagi_exporter *e, uint32_t i, tdagi_rnn_step *s)
{
    uint32_t sum = match_lstm(e, i, s), x = 0;
    s->kind = TDAGI_RNN_LSTM;
    if (sum != 0) return match_sum(e, sum, s);
    s->kind = TDAGI_RNN_GRU;
    x = match_gru(e, i, s);
    if (x != 0) return x;
    s->kind = is_core(e, i, TDAG_OP_TANH) ? TDAGI_RNN_TANH : TDAGI_RNN_RELU;
    bool is_plain = s->kind == TDAGI_RNN_TANH || is_composite(e, i, TDAGI_RELU);
    return is_plain ? match_sum(e, in(e, i, 0), s) : 0;
}

/* Whether a state before has the shape of one after, or that without a batch. */
static bool is_state(const tdagi_exporter *e, uint32_t before, uint32_t now)
{
    const tdagi_kernel *a = tdagi_export_kernel(e, before),
                       *b = tdagi_export_kernel(e, now);
    if (a->rank != b->rank && (b->rank != 2 || a->rank != 1)) return false;
    for (uint32_t i = 1; i <= a->rank; i++)
        if (a->shape[a->rank - i] != b->shape[b->rank - i]) return false;
    return true;
}

static bool match_step(const tdagi_exporter *e, uint32_t i, tdagi_rnn_step *s)
{
    const tdagi_kernel *k = tdagi_export_kernel(e, i);
    *s = (tdagi_rnn_step){.now = {i}};
    if ((k->dtype != TDAG_F32 && k->dtype != TDAG_F64) || k->rank < 1 || k->rank > 2)
        return false;
    uint32_t x = tdagi_rnn_match(e, i, s);
    if (x == 0) return false;
    s->of_x = tdagi_rnn_row(e, x, &s->axis, &s->t);
    s->before[0] = in(e, s->of_h, 0);
    bool has_bias = in(e, s->of_h, 2) != 0 && in(e, s->of_h, 2) != x;
    return s->of_x != 0 && is_composite(e, s->of_x, TDAGI_LINEAR) &&
           is_composite(e, s->of_h, TDAGI_LINEAR) && s->axis < (int64_t)k->rank &&
           tdagi_export_kernel(e, s->of_x)->rank == k->rank + 1u &&
           (in(e, s->of_x, 2) != 0) == has_bias && is_state(e, s->before[0], i) &&
           (s->kind != TDAGI_RNN_LSTM || is_state(e, s->before[1], i));
}

/* ---- sequences ---- */

/* Whether b is the step after a, or a before it in the other direction. */
static bool follows(const tdagi_exporter *e, const tdagi_rnn_step *a,
                    const tdagi_rnn_step *b)
{
    bool has_bias = in(e, a->of_x, 2) != 0;
    return a->kind == b->kind && a->of_x == b->of_x && a->axis == b->axis &&
           a->next == 0 && (a->t - b->t == 1 || b->t - a->t == 1) &&
           b->before[1] == a->now[1] && in(e, a->of_h, 1) == in(e, b->of_h, 1) &&
           (!has_bias || in(e, a->of_h, 2) == in(e, b->of_h, 2)) &&
           (a->kind != TDAGI_RNN_LSTM || e->uses[a->now[1]] == 2);
}

/* Whether a sequence begins with the step that goes over all of the input. */
static bool is_first(const tdagi_exporter *e, const tdagi_recurrent *r, uint32_t first)
{
    const tdagi_rnn_step *s = &r->steps[first];
    int64_t n = tdagi_export_kernel(e, s->of_x)->shape[s->axis], t = s->t;
    if (s->has_previous || n < 2 || (t != 0 && t != n - 1)) return false;
    for (int64_t step = t == 0 ? 1 : -1; s->next != 0;) {
        s = &r->steps[s->next];
        t += step;
        if (s->t != t) return false;
    }
    return t == (r->steps[first].t == 0 ? n - 1 : 0);
}

void tdagi_rnn_find_steps(const tdagi_exporter *e, tdagi_recurrent *r)
{
    for (uint32_t i = 1; i <= e->r->n; i++) {
        tdagi_rnn_step *s = &r->steps[r->n_steps + 1];
        if (!match_step(e, i, s)) continue;
        uint32_t before = r->step_of[s->before[0]];
        r->step_of[i] = ++r->n_steps;
        if (before == 0 || !follows(e, &r->steps[before], s)) continue;
        s->has_previous = true;
        r->steps[before].next = r->n_steps;
    }
    for (uint32_t i = 1; i <= r->n_steps; i++) {
        if (!is_first(e, r, i)) continue;
        for (uint32_t s = i; s != 0; s = r->steps[s].next)
            r->steps[s].sequence = i;
    }
}
