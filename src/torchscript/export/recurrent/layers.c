/* Layers of sequences, and the calls that take them: what each needs, where it stands,
 * and which kernels then need no statement. See recurrent.h. */
#include <string.h>

#include "torchscript/export/recurrent/recurrent.h"

static const tdagi_rnn_step *step(const tdagi_recurrent *r, uint32_t i)
{
    return &r->steps[i];
}

static uint32_t input_of(const tdagi_exporter *e, const tdagi_recurrent *r, uint32_t s)
{
    return tdagi_rnn_in(e, step(r, s)->of_x, 0);
}

static int64_t axis_of(const tdagi_exporter *e, uint32_t i)
{
    return ((const tdagi_axis_spec *)tdagi_export_kernel(e, i)->spec)->axis;
}

/* ---- layers ---- */

/* The sequence whose states kernel i stacks, each at its place; 0: none. */
static uint32_t stacked_sequence(const tdagi_exporter *e, const tdagi_recurrent *r,
                                 uint32_t i)
{
    const tdagi_kernel *k = tdagi_export_kernel(e, i);
    if (k->composite != TDAGI_STACK) return 0;
    uint32_t sequence = step(r, r->step_of[k->inputs[0]])->sequence;
    if (sequence == 0) return 0;
    const tdagi_rnn_step *s = step(r, sequence);
    if (tdagi_export_kernel(e, s->of_x)->shape[s->axis] != (tdag_dim)k->n_inputs)
        return 0;
    for (uint32_t t = 0; t < k->n_inputs; t++) {
        s = step(r, r->step_of[k->inputs[t]]);
        if (s->sequence != sequence || s->t != (int64_t)t) return 0;
    }
    return axis_of(e, i) == s->axis ? sequence : 0;
}

/* Whether one call can take both. */
static bool is_alike(const tdagi_exporter *e, const tdagi_recurrent *r, uint32_t x,
                     uint32_t y)
{
    const tdagi_rnn_step *a = step(r, x), *b = step(r, y);
    const tdagi_kernel *h = tdagi_export_kernel(e, a->now[0]),
                       *g = tdagi_export_kernel(e, b->now[0]);
    return a->kind == b->kind && a->axis == b->axis && h->rank == g->rank &&
           h->shape[h->rank - 1] == g->shape[g->rank - 1] && h->dtype == g->dtype &&
           (tdagi_rnn_in(e, a->of_x, 2) == 0) == (tdagi_rnn_in(e, b->of_x, 2) == 0);
}

/* The direction backwards becomes a part of the layer. */
static void join(tdagi_recurrent *r, uint32_t *layer_of, uint32_t layer,
                 uint32_t backwards, uint32_t out)
{
    r->layers[layer].of[1] = backwards;
    r->layers[layer].out[1] = out;
    r->layers[layer].joined = 0;
    layer_of[backwards] = layer;
}

/* A direction forwards is a layer. Made are, by sequence, its layer and the kernel that
 * stacks it. */
static void find_layers(tdagi_exporter *e, tdagi_recurrent *r, uint32_t *made)
{
    uint32_t *layer_of = made, *out_of = made + r->n_steps + 1;
    for (uint32_t i = 1; i <= e->r->n; i++)
        out_of[stacked_sequence(e, r, i)] = i;
    for (uint32_t s = 1; s <= r->n_steps; s++) {
        if (step(r, s)->sequence != s || step(r, s)->t != 0) continue;
        layer_of[s] = ++r->n_layers;
        r->layers[r->n_layers] =
            (tdagi_rnn_layer){.of = {s}, .out = {out_of[s]}, .joined = out_of[s]};
    }
}

/* Both directions whose states kernel i concatenates. */
static void join_at(const tdagi_exporter *e, tdagi_recurrent *r, uint32_t i,
                    uint32_t *layer_of)
{
    const tdagi_kernel *k = tdagi_export_kernel(e, i);
    if (k->composite != TDAGI_CONCAT || k->n_inputs != 2 ||
        axis_of(e, i) + 1 != k->rank)
        return;
    uint32_t a = stacked_sequence(e, r, k->inputs[0]),
             b = stacked_sequence(e, r, k->inputs[1]), layer = layer_of[a];
    if (layer == 0 || b == 0 || step(r, b)->t == 0 || r->layers[layer].of[1] != 0 ||
        input_of(e, r, a) != input_of(e, r, b) || !is_alike(e, r, a, b))
        return;
    join(r, layer_of, layer, b, k->inputs[1]);
    r->layers[layer].joined = i;
}

/* Directions whose states are not joined, but of one input; by its kernel. */
static void join_others(const tdagi_exporter *e, tdagi_recurrent *r, uint32_t *alone,
                        uint32_t *layer_of)
{
    const uint32_t *out_of = layer_of + r->n_steps + 1;
    for (uint32_t l = 1; l <= r->n_layers; l++)
        if (r->layers[l].of[1] == 0) alone[input_of(e, r, r->layers[l].of[0])] = l;
    for (uint32_t s = 1; s <= r->n_steps; s++) {
        const tdagi_rnn_step *b = step(r, s);
        if (b->sequence != s || layer_of[s] != 0) continue;
        uint32_t l = alone[input_of(e, r, s)];
        if (l == 0 || r->layers[l].of[1] != 0 || !is_alike(e, r, r->layers[l].of[0], s))
            continue;
        join(r, layer_of, l, s, out_of[s]);
    }
}

/* Layers of which one reads all of what the other gives. */
static void stack_layers(const tdagi_exporter *e, tdagi_recurrent *r, uint32_t *by)
{
    for (uint32_t l = 1; l <= r->n_layers; l++)
        by[r->layers[l].joined] = l;
    by[0] = 0;
    for (uint32_t l = 1; l <= r->n_layers; l++) {
        tdagi_rnn_layer *above = &r->layers[l];
        uint32_t under = by[input_of(e, r, above->of[0])];
        tdagi_rnn_layer *below = &r->layers[under];
        if (under == 0 || below->above != 0 ||
            (below->of[1] == 0) != (above->of[1] == 0) ||
            !is_alike(e, r, below->of[0], above->of[0]))
            continue;
        above->below = under;
        below->above = l;
    }
}

/* ---- calls ---- */

static uint32_t last_step(const tdagi_recurrent *r, uint32_t sequence)
{
    while (step(r, sequence)->next != 0)
        sequence = step(r, sequence)->next;
    return sequence;
}

/* The number that all elements of a tensor are; 0: they are not one. */
static uint32_t uniform_of(const tdagi_exporter *e, uint32_t i)
{
    while (i != 0 && (tdagi_rnn_is_core(e, i, TDAG_OP_REPEAT) ||
                      tdagi_export_is_reshape(tdagi_export_kernel(e, i))))
        i = tdagi_rnn_in(e, i, 0);
    return tdagi_export_kernel(e, i)->rank == 0 ? i : 0;
}

/* The number that the states are full of, or the kernel whose rows they are, all of
 * them and in order; 0: neither. */
static uint32_t base_of(const tdagi_exporter *e, const uint32_t *states, uint32_t n)
{
    int64_t axis = 0, row = 0;
    uint32_t base = tdagi_rnn_row(e, states[0], &axis, &row);
    if (base == 0) return n == 1 ? uniform_of(e, states[0]) : 0;
    for (uint32_t i = 0; i < n; i++)
        if (tdagi_rnn_row(e, states[i], &axis, &row) != base || axis != 0 || row != i)
            return 0;
    if (tdagi_export_kernel(e, base)->shape[0] != (tdag_dim)n) return 0;
    uint32_t number = uniform_of(e, base);
    return number != 0 ? number : base;
}

static bool have_one_rank(const tdagi_exporter *e, const uint32_t *states, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++)
        if (tdagi_export_kernel(e, states[i])->rank !=
            tdagi_export_kernel(e, states[0])->rank)
            return false;
    return true;
}

static void see(tdagi_rnn_layer *call, uint32_t kernel)
{
    if (kernel >= call->at) call->at = kernel + 1;
}

/* Puts down the states of a call, and where it may stand at the earliest. */
static void describe_call(tdagi_exporter *e, tdagi_recurrent *r, tdagi_rnn_layer *call)
{
    uint32_t directions = call->of[1] != 0 ? 2 : 1, at = 0;
    call->n = 0;
    for (const tdagi_rnn_layer *l = call;; l = &r->layers[l->below]) {
        call->n += directions;
        if (l->below == 0) break;
    }
    uint32_t *states = tdagi_arena_array(&e->arena, 4u * call->n, sizeof *states);
    if (states == NULL) {
        e->body.status = tdagi_nomem(e->ctx);
        return;
    }
    at = call->n;
    for (const tdagi_rnn_layer *l = call; at > 0; l = &r->layers[l->below])
        for (uint32_t d = directions; d-- > 0;) {
            const tdagi_rnn_step *s = step(r, l->of[d]);
            const tdagi_rnn_step *last = step(r, last_step(r, l->of[d]));
            at--;
            for (uint32_t w = 0; w < 2; w++) {
                states[w * call->n + at] = s->before[w];
                states[(w + 2) * call->n + at] = last->now[w];
            }
            for (uint32_t i = 1; i < 3; i++) {
                see(call, tdagi_rnn_in(e, s->of_x, i));
                if (i < 2 || tdagi_rnn_in(e, s->of_x, 2) != 0)
                    see(call, tdagi_rnn_in(e, s->of_h, i));
            }
            see(call, l->below == 0 ? input_of(e, r, l->of[d]) : 0);
        }
    call->is_call = true;
    for (uint32_t w = 0; w < (step(r, call->of[0])->kind == TDAGI_RNN_LSTM ? 2u : 1u);
         w++) {
        call->first[w] = states + w * call->n;
        call->final[w] = states + (w + 2) * call->n;
        call->base[w] = base_of(e, call->first[w], call->n);
        call->is_call &=
            call->base[w] != 0 || have_one_rank(e, call->first[w], call->n);
        see(call, call->base[w]);
        for (uint32_t i = 0; i < call->n && call->base[w] == 0; i++)
            see(call, call->first[w][i]);
    }
}

/* What has all last states as its rows, or the only one as its row. */
static void find_stacked(const tdagi_exporter *e, tdagi_recurrent *r, uint32_t *by)
{
    memset(by, 0, (e->r->n + 1u) * sizeof *by);
    for (uint32_t l = 1; l <= r->n_layers; l++)
        for (uint32_t w = 0; w < 2 && r->layers[l].is_call; w++)
            if (r->layers[l].final[w] != NULL) by[r->layers[l].final[w][0]] = l;
    for (uint32_t i = 1; i <= e->r->n; i++) {
        const tdagi_kernel *k = tdagi_export_kernel(e, i);
        tdagi_rnn_layer *call = k->n_inputs > 0 ? &r->layers[by[k->inputs[0]]] : NULL;
        bool is_row = tdagi_rnn_is_core(e, i, TDAG_OP_UNSQUEEZE) &&
                      ((const tdag_axes_spec *)k->spec)->axes.n == 1;
        if (call == NULL || call->n != k->n_inputs ||
            (!is_row && k->composite != TDAGI_STACK))
            continue;
        int64_t axis =
            is_row ? ((const tdag_axes_spec *)k->spec)->axes.v[0] : axis_of(e, i);
        for (uint32_t w = 0; w < 2 && axis + 1 < k->rank; w++)
            if (call->final[w] != NULL &&
                memcmp(call->final[w], k->inputs, call->n * sizeof(uint32_t)) == 0)
                call->stacked[w] = i;
    }
}

/* ---- what needs no statement ---- */

static void give_layer(tdagi_recurrent *r, const tdagi_rnn_layer *l)
{
    r->is_given[l->joined] = 1;
    for (uint32_t d = 0; d < 2 && l->of[d] != 0; d++) {
        r->is_given[l->out[d]] = 1;
        for (uint32_t s = l->of[d]; s != 0; s = step(r, s)->next)
            r->is_given[step(r, s)->now[0]] = 1;
    }
}

/* What a call reads is read twice, as it is overwritten by nothing. */
static void need(tdagi_exporter *e, uint32_t kernel)
{
    e->uses[kernel] += 2;
    e->user[kernel] = 0;
}

static void give_call(tdagi_exporter *e, tdagi_recurrent *r,
                      const tdagi_rnn_layer *call)
{
    const tdagi_rnn_layer *l = call;
    for (;; l = &r->layers[l->below]) {
        give_layer(r, l);
        for (uint32_t d = 0; d < 2 && l->of[d] != 0; d++)
            for (uint32_t i = 1; i < 3; i++) {
                need(e, tdagi_rnn_in(e, step(r, l->of[d])->of_x, i));
                if (i < 2 || tdagi_rnn_in(e, step(r, l->of[d])->of_x, 2) != 0)
                    need(e, tdagi_rnn_in(e, step(r, l->of[d])->of_h, i));
            }
        if (l->below == 0) break;
    }
    need(e, input_of(e, r, l->of[0]));
    for (uint32_t w = 0; w < 2 && call->first[w] != NULL; w++) {
        r->is_given[call->stacked[w]] = 1;
        if (call->base[w] != 0) need(e, call->base[w]);
        for (uint32_t i = 0; i < call->n; i++) {
            r->is_given[call->final[w][i]] = 1;
            if (call->base[w] == 0) need(e, call->first[w][i]);
        }
    }
}

/* Counts uses anew, from the outputs down: what calls give reads nothing. */
static void sweep(tdagi_exporter *e, tdagi_recurrent *r)
{
    memset(r->is_given, 0, e->r->n + 1u);
    memset(e->uses, 0, (e->r->n + 1u) * sizeof *e->uses);
    memset(e->user, 0, (e->r->n + 1u) * sizeof *e->user);
    for (uint32_t l = 1; l <= r->n_layers; l++)
        if (r->layers[l].is_call) give_call(e, r, &r->layers[l]);
    for (uint32_t i = 0; i < e->g->n_outputs; i++)
        need(e, e->r->kernel_of[e->g->outputs[i].id]);
    for (uint32_t i = e->r->n; i > 0; i--) {
        const tdagi_kernel *k = tdagi_export_kernel(e, i);
        bool is_pair = tdagi_composite_is_pair(k->composite);
        if (r->is_given[i] || (e->uses[i] == 0 && !is_pair)) continue;
        for (uint32_t j = 0; j < k->n_inputs; j++)
            if (e->uses[k->inputs[j]]++ == 0) e->user[k->inputs[j]] = i;
    }
    for (uint32_t i = 1; i <= e->r->n; i++)
        if (r->is_given[i] && e->uses[i] > 0) need(e, i);
}

/* Whether something outside reads a state of the layer, but for the last ones. */
static bool is_read(const tdagi_exporter *e, const tdagi_recurrent *r,
                    const tdagi_rnn_layer *l, uint32_t before)
{
    if (l->joined != 0 && l->joined < before && e->uses[l->joined] > 0) return true;
    for (uint32_t d = 0; d < 2 && l->of[d] != 0; d++) {
        if (l->out[d] != 0 && l->out[d] < before && e->uses[l->out[d]] > 0) return true;
        for (uint32_t s = l->of[d]; step(r, s)->next != 0; s = step(r, s)->next)
            if (step(r, s)->now[0] < before && e->uses[step(r, s)->now[0]] > 0)
                return true;
    }
    return false;
}

/* A call that would stand behind one of its users is one of fewer layers, or none;
 * false: there is none such. */
static bool settle(const tdagi_exporter *e, tdagi_recurrent *r)
{
    bool changed = false;
    for (uint32_t i = 1; i <= r->n_layers; i++) {
        tdagi_rnn_layer *call = &r->layers[i];
        bool fails = call->is_call && is_read(e, r, call, call->at);
        for (uint32_t w = 0; call->is_call && w < 2 && call->final[w] != NULL; w++)
            for (uint32_t n = 0; n < call->n; n++)
                fails |= e->uses[call->final[w][n]] > 0 && call->final[w][n] < call->at;
        if (!fails) continue;
        if (call->below == 0) call->is_left = true;
        r->layers[call->below].above = 0;
        call->below = 0;
        changed = true;
    }
    return changed;
}

/* A layer of which something else reads more than its last states is not below. */
static bool part(const tdagi_exporter *e, tdagi_recurrent *r)
{
    bool changed = false;
    for (uint32_t i = 1; i <= r->n_layers; i++) {
        tdagi_rnn_layer *l = &r->layers[i];
        if (l->above == 0 || !is_read(e, r, l, UINT32_MAX)) continue;
        r->layers[l->above].below = 0;
        l->above = 0;
        changed = true;
    }
    return changed;
}

static void find_calls(tdagi_exporter *e, tdagi_recurrent *r, uint32_t *by)
{
    do {
        for (uint32_t l = 1; l <= r->n_layers && e->body.status == TDAG_OK; l++) {
            r->layers[l].is_call = false;
            r->layers[l].at = 0;
            r->layers[l].stacked[0] = r->layers[l].stacked[1] = 0;
            if (r->layers[l].above == 0 && !r->layers[l].is_left)
                describe_call(e, r, &r->layers[l]);
        }
        find_stacked(e, r, by);
        sweep(e, r);
    } while (e->body.status == TDAG_OK && (part(e, r) || settle(e, r)));
}

/* ---- all ---- */

static void *zeroes(tdagi_exporter *e, size_t n, size_t size)
{
    void *p = tdagi_arena_array(&e->arena, n, size);
    if (p == NULL)
        e->body.status = tdagi_nomem(e->ctx);
    else
        memset(p, 0, n * size);
    return p;
}

static void plan_layers(tdagi_exporter *e, tdagi_recurrent *r)
{
    const size_t n = e->r->n + 1u;
    uint32_t *made = zeroes(e, 2u * (r->n_steps + 1u), sizeof *made);
    uint32_t *by = zeroes(e, n, sizeof *by);
    r->layers = zeroes(e, r->n_steps + 1u, sizeof *r->layers);
    r->is_given = zeroes(e, n, 1);
    if (e->body.status != TDAG_OK) return;
    find_layers(e, r, made);
    made[0] = 0;
    for (uint32_t i = 1; i <= e->r->n; i++)
        join_at(e, r, i, made);
    join_others(e, r, by, made);
    memset(by, 0, n * sizeof *by);
    stack_layers(e, r, by);
    find_calls(e, r, by);
    for (uint32_t i = 1; i < n && e->body.status == TDAG_OK; i++) {
        const tdagi_kernel *k = tdagi_export_kernel(e, i);
        bool is_leaf = k->composite == TDAGI_CORE && tdagi_op_is_leaf(k->op);
        if (e->uses[i] == 0 && !is_leaf && !tdagi_composite_is_pair(k->composite) &&
            k->op != TDAG_OP_OPAQUE)
            e->deferred[i] = 1;
    }
    e->recurrent = r;
}

void tdagi_rnn_plan(tdagi_exporter *e)
{
    const size_t n = e->r->n + 1u;
    tdagi_recurrent *r = zeroes(e, 1, sizeof *r);
    e->recurrent = NULL;
    if (e->is_functional || e->is_stepwise || r == NULL) return;
    r->steps = zeroes(e, n, sizeof *r->steps);
    r->step_of = zeroes(e, n, sizeof *r->step_of);
    if (e->body.status != TDAG_OK) return;
    tdagi_rnn_find_steps(e, r);
    if (r->n_steps > 1) plan_layers(e, r);
}
