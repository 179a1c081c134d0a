/* Recurrent layers, unrolled over the sequence: the inputs' products of all steps are
 * one contraction, the states' products one per step; whole ones and packed ones. And
 * the cells by themselves. */

#include "aten/aten.h"
#include "aten/control/merge.h"
#include "aten/control/stack.h"
#include "aten/selection.h"

typedef enum rnn_kind { RNN_TANH, RNN_RELU, RNN_LSTM, RNN_GRU } rnn_kind;

typedef struct weights { /* of one direction of one layer; biases and w_hr may be absent
                          */
    tdag_value w_ih, w_hh, b_ih, b_hh, w_hr;
} weights;

typedef struct state {
    tdag_value h, c; /* c of an LSTM only */
} state;

static tdag_value sigmoid(tdagi_call *c, tdag_value x)
{
    return tdagi_unary_composite(c->b, TDAGI_SIGMOID, x);
}

static tdag_value tanh_of(tdagi_call *c, tdag_value x)
{
    return tdag_unary(c->b, TDAG_OP_TANH, x);
}

/* Gate i of n in the last axis. */
static tdag_value gate(tdagi_call *c, tdag_value x, int64_t i, int64_t n)
{
    uint32_t last = tdagi_rank(c, x) - 1;
    if (x.id == 0) return x;
    tdag_dim size = tdag_dim_floordiv(c->b, tdagi_dim(c, x, last), n);
    return tdagi_slice1(c->b, x, last, tdag_dim_mul(c->b, size, i),
                        tdag_dim_mul(c->b, size, i + 1));
}

static state lstm_step(tdagi_call *c, tdag_value gates, state s, tdag_value w_hr)
{
    tdag_value i = sigmoid(c, gate(c, gates, 0, 4)),
               f = sigmoid(c, gate(c, gates, 1, 4));
    tdag_value g = tanh_of(c, gate(c, gates, 2, 4)),
               o = sigmoid(c, gate(c, gates, 3, 4));
    state out;
    out.c = tdagi_add(c->b, tdagi_mul(c->b, f, s.c), tdagi_mul(c->b, i, g));
    out.h = tdagi_mul(c->b, o, tanh_of(c, out.c));
    if (w_hr.id != 0) out.h = tdagi_linear(c->b, out.h, w_hr, TDAG_NO_VALUE);
    return out;
}

/* of_x and of_h: the products of input and state, biases added. */
static state gru_step(tdagi_call *c, tdag_value of_x, tdag_value of_h, state s)
{
    tdag_value r =
        sigmoid(c, tdagi_add(c->b, gate(c, of_x, 0, 3), gate(c, of_h, 0, 3)));
    tdag_value z =
        sigmoid(c, tdagi_add(c->b, gate(c, of_x, 1, 3), gate(c, of_h, 1, 3)));
    tdag_value inner = tdagi_mul(c->b, r, gate(c, of_h, 2, 3));
    tdag_value n = tanh_of(c, tdagi_add(c->b, gate(c, of_x, 2, 3), inner));
    tdag_value back = tdagi_mul(c->b, z, tdagi_sub(c->b, s.h, n));
    return (state){tdagi_add(c->b, back, n), TDAG_NO_VALUE};
}

static state step(tdagi_call *c, rnn_kind kind, tdag_value of_x, const weights *w,
                  state s)
{
    tdag_value of_h = tdagi_linear(c->b, s.h, w->w_hh, w->b_hh);
    if (kind == RNN_GRU) return gru_step(c, of_x, of_h, s);
    tdag_value sum = tdagi_add(c->b, of_x, of_h);
    if (kind == RNN_LSTM) return lstm_step(c, sum, s, w->w_hr);
    tdag_value h = kind == RNN_TANH ? tanh_of(c, sum)
                                    : tdagi_unary_composite(c->b, TDAGI_RELU, sum);
    return (state){h, TDAG_NO_VALUE};
}

/* ---- a sequence of symbolic length: a loop of the program ---- */

typedef struct carried_step { /* index, h, rows, c */
    tdag_value in[4], at[4], next[4], out[4];
    uint32_t n;
} carried_step;

static tdag_value like(tdagi_call *c, tdag_value v)
{
    return tdagi_given(c->env, tdagi_dtype(c, v), tdagi_rank(c, v), tdagi_shape(c, v));
}

/* Values that are like those of outside, but for the number of rows. */
static void open_values(tdagi_call *c, const carried_step *k, tdag_dim n_rows,
                        tdag_value *out)
{
    tdag_dim shape[TDAG_MAX_RANK] = {n_rows};
    for (uint32_t i = 1; i < k->n; i++)
        if (i != 2) out[i] = like(c, k->in[i]);
    for (uint32_t i = 1; i < tdagi_rank(c, k->in[2]); i++)
        shape[i] = tdagi_shape(c, k->in[2])[i];
    out[2] =
        tdagi_given(c->env, tdagi_dtype(c, k->in[2]), tdagi_rank(c, k->in[2]), shape);
}

/* i, or n - 1 - i, of an axis of n. */
static tdag_value position_of(tdagi_call *c, tdag_value i, tdag_dim n, bool backwards)
{
    if (!backwards) return i;
    tdag_dim last = tdag_dim_sub(c->b, n, 1);
    return tdagi_sub(c->b, tdagi_dim_value(c->b, last), i);
}

static tdag_value row_at(tdagi_call *c, tdag_value x, tdag_value at)
{
    const tdagi_axis_spec axis = {0};
    const tdag_value in[2] = {x, tdagi_rank(c, at) > 0 ? at
                                                       : tdagi_unsqueeze1(c->b, at, 0)};
    tdag_value v = tdagi_lower(c->b, TDAGI_INDEX_SELECT, in, 2, &axis);
    return tdagi_rank(c, at) > 0 ? v : tdagi_squeeze1(c->b, v, 0);
}

static void finish_loop(tdagi_call *c, tdagi_outline_statement *s,
                        tdagi_outline_block *body, carried_step *k,
                        const tdag_dim *sizes)
{
    tdagi_outline *o = c->env->outline;
    tdag_dim *symbol = tdagi_env_alloc(c->env, sizeof *symbol);
    tdagi_outline_binding *b = tdagi_env_alloc(c->env, sizeof *b);
    if (symbol == NULL || b == NULL) return;
    *symbol = sizes[0];
    *b = (tdagi_outline_binding){sizes[1], TDAGI_DIM_BAD};
    body->symbols = symbol;
    body->n_symbols = s->n_bindings = 1;
    s->bindings = b;
    body->params = tdagi_outline_keep(o, k->n, k->at);
    body->yields = tdagi_outline_keep(o, k->n - 1, k->next + 1);
    s->inputs = tdagi_outline_keep(o, k->n, k->in);
    s->results = tdagi_outline_keep(o, k->n - 1, k->out + 1);
}

static tdag_value run_loop(tdagi_call *c, rnn_kind kind, tdag_value of_x,
                           const weights *w, state *s, bool backwards)
{
    const tdagi_statement_spec what = {.kind = TDAGI_LOOP, .has_limit = true};
    tdag_dim shape[TDAG_MAX_RANK] = {0}, t = tdagi_dim(c, of_x, 0);
    for (uint32_t i = 0; i < tdagi_rank(c, s->h); i++)
        shape[i + 1] = tdagi_shape(c, s->h)[i];
    carried_step k = {.n = s->c.id != 0 ? 4 : 3};
    k.in[0] = tdagi_dim_value(c->b, t);
    k.in[1] = s->h;
    k.in[2] = tdagi_full(c->b, tdagi_dtype(c, s->h), tdagi_rank(c, s->h) + 1, shape, 0);
    k.in[3] = s->c;
    const tdag_dim sizes[2] = {
        tdagi_new_symbol(c->env, "loop", 1),
        tdagi_new_symbol(c->env, "loop", tdagi_dim_sample(c->env->pool, t))};
    tdagi_outline_statement *loop = tdagi_outline_add(c->env->outline, &what);
    tdagi_outline_block *body =
        loop == NULL ? NULL : tdagi_outline_open(c->env->outline, loop);
    if (body == NULL) return TDAG_NO_VALUE;
    k.at[0] = tdagi_given(c->env, TDAG_I64, 0, NULL);
    open_values(c, &k, sizes[0], k.at);
    tdag_value x = row_at(c, of_x, position_of(c, k.at[0], t, backwards));
    state next = step(c, kind, x, w, (state){k.at[1], k.at[3]});
    k.next[1] = next.h;
    k.next[2] = tdagi_stack_append(c->env, k.at[2], next.h);
    k.next[3] = next.c;
    tdagi_outline_close(c->env->outline);
    open_values(c, &k, sizes[1], k.out);
    finish_loop(c, loop, body, &k, sizes);
    *s = (state){k.out[1], k.n > 3 ? k.out[3] : TDAG_NO_VALUE};
    tdag_value y = tdagi_with_dim(c->env, k.out[2], 0, t);
    if (!backwards || y.id == 0) return y;
    return row_at(c, y, position_of(c, tdag_iota(c->b, t, TDAG_I64), t, true));
}

/* The next state, or what it was where a sequence of a packed one is not there. */
static state if_there(tdagi_call *c, state next, state was, int64_t t)
{
    tdag_value there = tdagi_select1(c->b, c->packed->mask, 0, t);
    if (there.id == 0) return next;
    there = tdagi_unsqueeze1(c->b, there, 1);
    next.h = tdag_where(c->b, there, next.h, was.h);
    if (next.c.id != 0) next.c = tdag_where(c->b, there, next.c, was.c);
    return next;
}

/* One direction over x [T, B, I]; the last state goes to *s. */
static tdag_value run(tdagi_call *c, rnn_kind kind, tdag_value x, const weights *w,
                      state *s, bool backwards)
{
    int64_t n = 0;
    bool is_known = tdagi_dim_is_const(c->env->pool, tdagi_dim(c, x, 0), &n);
    if (!c->bad && !is_known && c->env->outline != NULL && c->packed == NULL)
        return run_loop(c, kind, tdagi_linear(c->b, x, w->w_ih, w->b_ih), w, s,
                        backwards);
    if (c->bad || !is_known) {
        c->bad = true;
        tdagi_env_issue(c->env, "%s over a sequence of symbolic length",
                        c->schema->name);
        return TDAG_NO_VALUE;
    }
    if (n < 1 || (uint64_t)n > c->env->ctx->limits.max_loop_trips) {
        tdagi_call_fail(c, TDAG_E_LIMIT, "a sequence of %lld steps", (long long)n);
        return TDAG_NO_VALUE;
    }
    tdag_value of_x = tdagi_linear(c->b, x, w->w_ih, w->b_ih);
    tdag_value *out = tdagi_env_alloc(c->env, (size_t)n * sizeof(*out));
    for (int64_t i = 0; out != NULL && i < n && tdagi_builder_ok(c->b); i++) {
        int64_t t = backwards ? n - 1 - i : i;
        state next = step(c, kind, tdagi_select1(c->b, of_x, 0, t), w, *s);
        *s = c->packed == NULL ? next : if_there(c, next, *s, t);
        out[t] = s->h;
    }
    if (out == NULL || !tdagi_builder_ok(c->b)) return TDAG_NO_VALUE;
    return tdagi_stack(c->b, out, (uint32_t)n, 0);
}

/* ---- packed sequences ---- */

/* Rows first...end-1 of a state. */
static state rows_of(tdagi_call *c, state s, int64_t first, int64_t end)
{
    state out = {TDAG_NO_VALUE, TDAG_NO_VALUE};
    if (s.h.id != 0) out.h = tdagi_slice1(c->b, s.h, 0, first, end);
    if (s.c.id != 0) out.c = tdagi_slice1(c->b, s.c, 0, first, end);
    return out;
}

static state below(tdagi_call *c, state upper, state lower)
{
    tdag_value h[2] = {upper.h, lower.h}, cell[2] = {upper.c, lower.c};
    state out = {tdagi_concat(c->b, h, 2, 0), TDAG_NO_VALUE};
    if (upper.c.id != 0) out.c = tdagi_concat(c->b, cell, 2, 0);
    return out;
}

/* One direction over x [N, I], of whose rows sizes[t] belong to step t: the longest
 * sequences come first, so those that are over at a step are the last rows of the
 * state. */
static tdag_value run_packed(tdagi_call *c, rnn_kind kind, tdag_value x,
                             tdag_list sizes, const weights *w, state *s,
                             bool backwards)
{
    tdag_value of_x = tdagi_linear(c->b, x, w->w_ih, w->b_ih);
    tdag_value *out = tdagi_env_alloc(c->env, sizes.n * sizeof(*out));
    int64_t have = sizes.v[0], row = 0;
    state start = *s,
          over = {TDAG_NO_VALUE, TDAG_NO_VALUE}; /* rows have... of the last */
    if (backwards) {
        have = sizes.v[sizes.n - 1];
        *s = rows_of(c, *s, 0, have);
        for (uint32_t t = 0; t < sizes.n; t++)
            row += sizes.v[t];
    }
    for (uint32_t i = 0; out != NULL && i < sizes.n && tdagi_builder_ok(c->b); i++) {
        uint32_t t = backwards ? sizes.n - 1 - i : i;
        int64_t n = sizes.v[t];
        if (n > have) *s = below(c, *s, rows_of(c, start, have, n));
        if (n < have) {
            state ended = rows_of(c, *s, n, have);
            over = over.h.id == 0 ? ended : below(c, ended, over);
            *s = rows_of(c, *s, 0, n);
        }
        have = n;
        if (backwards) row -= n;
        *s = step(c, kind, tdagi_slice1(c->b, of_x, 0, row, row + n), w, *s);
        if (!backwards) row += n;
        out[t] = s->h;
    }
    if (out == NULL || !tdagi_builder_ok(c->b)) return TDAG_NO_VALUE;
    if (over.h.id != 0) *s = below(c, *s, over);
    return tdagi_concat(c->b, out, sizes.n, 0);
}

/* ---- layers ---- */

typedef struct layers {
    rnn_kind kind;
    uint32_t n, directions, per; /* layers, directions, parameters of each */
    bool has_biases;
    const tdag_value *params;
    tdag_value h0, c0;
    tdag_value *h, *c; /* last states, layer by layer, direction by direction */
    tdag_list sizes;   /* of a packed sequence; else none */
    double dropout;    /* between layers; 0: none */
} layers;

static weights weights_of(const layers *l, uint32_t k)
{
    const tdag_value *p = l->params + (size_t)k * l->per;
    weights w = {p[0], p[1], {0}, {0}, {0}};
    if (l->has_biases) {
        w.b_ih = p[2];
        w.b_hh = p[3];
    }
    if (l->per == (l->has_biases ? 5u : 3u)) w.w_hr = p[l->per - 1];
    return w;
}

static tdag_value run_layers(tdagi_call *c, const layers *l, tdag_value x)
{
    for (uint32_t i = 0; i < l->n && !c->bad; i++) {
        tdag_value out[2];
        for (uint32_t d = 0; d < l->directions; d++) {
            uint32_t k = i * l->directions + d;
            weights w = weights_of(l, k);
            state s = {tdagi_select1(c->b, l->h0, 0, k), TDAG_NO_VALUE};
            if (l->kind == RNN_LSTM) s.c = tdagi_select1(c->b, l->c0, 0, k);
            out[d] = l->sizes.n > 0
                         ? run_packed(c, l->kind, x, l->sizes, &w, &s, d == 1)
                         : run(c, l->kind, x, &w, &s, d == 1);
            l->h[k] = s.h;
            l->c[k] = s.c;
        }
        x = l->directions == 1 ? out[0]
                               : tdagi_concat(c->b, out, 2, l->sizes.n > 0 ? 1 : 2);
        if (l->dropout > 0 && i + 1 < l->n) x = tdagi_dropped(c, x, l->dropout);
    }
    return x;
}

static bool read_states(tdagi_call *c, layers *l)
{
    if (l->kind != RNN_LSTM) {
        l->h0 = tdagi_arg_tensor(c, "hx");
        return !c->bad;
    }
    const tdag_value *hx;
    tdag_list n = tdagi_arg_tensors(c, "hx", &hx);
    if (c->bad || n.n != 2) {
        tdagi_refuse(c, "hx");
        return false;
    }
    l->h0 = hx[0];
    l->c0 = hx[1];
    return true;
}

/* The sizes of the steps of a packed sequence. */
static bool read_sizes(tdagi_call *c, layers *l)
{
    if (c->packed != NULL) tdagi_ignore(c, "batch_sizes");
    if (c->packed != NULL || !tdagi_has(c, "batch_sizes")) return true;
    tdagi_arg_lengths(c, "batch_sizes", &l->sizes);
    for (uint32_t i = 0; !c->bad && i < l->sizes.n; i++)
        if (l->sizes.v[i] < 1 || (i > 0 && l->sizes.v[i] > l->sizes.v[i - 1]))
            tdagi_refuse(c, "batch_sizes");
    if (!c->bad && l->sizes.n == 0) tdagi_refuse(c, "batch_sizes");
    if (!c->bad && l->sizes.n > c->env->ctx->limits.max_loop_trips) {
        tdagi_call_fail(c, TDAG_E_LIMIT, "a sequence of %u steps",
                        (unsigned)l->sizes.n);
        c->bad = true;
    }
    return !c->bad;
}

/* Outputs and last states. */
static tdagi_any results(tdagi_call *c, layers *l, tdag_value x)
{
    uint32_t all = l->n * l->directions;
    tdag_value out[3] = {run_layers(c, l, x)};
    if (c->bad || out[0].id == 0) return tdagi_any_poison();
    if (tdagi_arg_bool(c, "batch_first", false))
        out[0] = tdagi_transpose(c->b, out[0], 0, 1);
    out[1] = tdagi_stack(c->b, l->h, all, 0);
    if (l->kind == RNN_LSTM) out[2] = tdagi_stack(c->b, l->c, all, 0);
    if (c->packed != NULL) {
        tdagi_any all_of[3] = {tdagi_selection_as(c, c->packed, out[0]),
                               tdagi_result(c, out[1])};
        if (l->kind == RNN_LSTM) all_of[2] = tdagi_result(c, out[2]);
        return tdagi_any_seq(c->env, TDAGI_ANY_TUPLE, l->kind == RNN_LSTM ? 3 : 2,
                             all_of);
    }
    return tdagi_results(c, l->kind == RNN_LSTM ? 3 : 2, out);
}

/* lstm, gru, rnn_tanh, rnn_relu of a whole sequence, or of a packed one: row data is
 * the kind. */
tdagi_any tdagi_aten_rnn(tdagi_call *c)
{
    layers l = {.kind = (rnn_kind)c->data};
    if (!read_sizes(c, &l)) return tdagi_any_poison();
    tdag_value x =
        tdagi_arg_tensor(c, l.sizes.n > 0 || c->packed != NULL ? "data" : "input");
    tdag_list n = tdagi_arg_tensors(c, "params", &l.params);
    l.has_biases = tdagi_arg_bool(c, "has_biases", true);
    if (tdagi_arg_bool(c, "train", false)) l.dropout = tdagi_arg_float(c, "dropout", 0);
    int64_t n_layers = tdagi_arg_int(c, "num_layers", 1);
    l.directions = tdagi_arg_bool(c, "bidirectional", false) ? 2 : 1;
    bool batch_first = tdagi_arg_bool(c, "batch_first", false);
    if (c->bad || !read_states(c, &l)) return tdagi_any_poison();
    if (n_layers < 1 || n_layers > n.n || tdagi_rank(c, l.h0) != 3 ||
        tdagi_rank(c, x) != (l.sizes.n > 0 ? 2 : 3))
        return tdagi_refuse(c, "num_layers");
    l.n = (uint32_t)n_layers;
    uint32_t all = l.n * l.directions;
    l.per = n.n / all;
    if (l.per * all != n.n || l.per < (l.has_biases ? 4u : 2u))
        return tdagi_refuse(c, "params");
    l.h = tdagi_env_alloc(c->env, all * sizeof(*l.h));
    l.c = tdagi_env_alloc(c->env, all * sizeof(*l.c));
    if (l.h == NULL || l.c == NULL) return tdagi_any_poison();
    return results(c, &l, batch_first ? tdagi_transpose(c->b, x, 0, 1) : x);
}

/* One step: lstm_cell and its sisters, by the same kinds. */
tdagi_any tdagi_aten_rnn_cell(tdagi_call *c)
{
    layers l = {.kind = (rnn_kind)c->data};
    tdag_value x = tdagi_arg_tensor(c, "input");
    weights w = {tdagi_arg_tensor(c, "w_ih"), tdagi_arg_tensor(c, "w_hh"),
                 tdagi_arg_optional(c, "b_ih"), tdagi_arg_optional(c, "b_hh"),
                 TDAG_NO_VALUE};
    if (c->bad || !read_states(c, &l)) return tdagi_any_poison();
    state s = {l.h0, l.c0};
    s = step(c, l.kind, tdagi_linear(c->b, x, w.w_ih, w.b_ih), &w, s);
    tdag_value out[2] = {s.h, s.c};
    return l.kind == RNN_LSTM ? tdagi_results(c, 2, out) : tdagi_result(c, s.h);
}
