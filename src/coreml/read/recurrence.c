/* Recurrent layers, step by step. Their gates stand in another order than PyTorch's,
 * gru resets the state before its product, a reversed layer gives its sequence in the
 * order in which it was computed, and activations can be chosen. */
#include <string.h>

#include "aten/aten.h"
#include "coreml/read/mil.h"

/* Sets a name to an activation of another one. */
static void activate(tdagi_cml_call *c, const char *name, const char *which)
{
    static const struct {
        const char *name, *formula;
    } all[] = {{"sigmoid", "sigmoid(v)"},
               {"tanh", "tanh(v)"},
               {"scaled_tanh", "tanh(v)"},
               {"relu", "relu(v)"},
               {"linear", "v"},
               {"hard_sigmoid", "clamp(add(mul(v, 0.2), 0.5), 0, 1)"},
               {"sigmoid_hard", "clamp(add(mul(v, 0.2), 0.5), 0, 1)"},
               {"softplus", "softplus(v)"},
               {"softsign", "div(v, add(abs(v), 1))"}};
    tdagi_cml_set(c, "v", tdagi_cml_at(c, name));
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (tdagi_cml_is(c, which, all[i].name)) {
            tdagi_cml_let(c, name, all[i].formula);
            return;
        }
    tdagi_cml_refuse(c, "an activation that is not known");
}

static void step_rnn(tdagi_cml_call *c)
{
    tdagi_cml_let(c, "h", "add(row, linear(h, w_hh))");
    activate(c, "h", "activation");
}

/* Gates r, o, z. */
static void step_gru(tdagi_cml_call *c)
{
    bool after = tdagi_cml_bool(c, "reset_after");
    tdagi_cml_let(c, "rz", "linear(h, u_rz, b_rz)");
    tdagi_cml_let(c, "r", "add(narrow(row, -1, 0, n), narrow(rz, -1, 0, n))");
    tdagi_cml_let(c, "z", "add(narrow(row, -1, mul(n, 2), n), narrow(rz, -1, n, n))");
    activate(c, "r", "recurrent_activation");
    activate(c, "z", "recurrent_activation");
    tdagi_cml_let(c, "inner",
                  after ? "mul(r, linear(h, u_o, b_o))"
                        : "linear(mul(r, h), u_o, b_o)");
    tdagi_cml_let(c, "o", "add(narrow(row, -1, n, n), inner)");
    activate(c, "o", "activation");
    tdagi_cml_let(c, "h", "add(mul(rsub(z, 1), o), mul(z, h))");
}

/* Gates i, f, o, z; peepholes of i, f and o. */
static void step_lstm(tdagi_cml_call *c)
{
    bool peeps = tdagi_cml_has(c, "peeps");
    tdagi_cml_let(c, "all", "add(row, linear(h, w_hh))");
    tdagi_cml_let(c, "i", "narrow(all, -1, 0, n)");
    tdagi_cml_let(c, "f", "narrow(all, -1, n, n)");
    tdagi_cml_let(c, "o", "narrow(all, -1, mul(n, 2), n)");
    tdagi_cml_let(c, "z", "narrow(all, -1, mul(n, 3), n)");
    if (peeps) {
        tdagi_cml_let(c, "i", "add(i, mul(c, narrow(peeps, 0, 0, n)))");
        tdagi_cml_let(c, "f", "add(f, mul(c, narrow(peeps, 0, n, n)))");
    }
    activate(c, "i", "recurrent_activation");
    activate(c, "f", "recurrent_activation");
    activate(c, "z", "cell_activation");
    tdagi_cml_let(c, "z", "if(is(clip, None), z, clamp(z, neg(clip), clip))");
    tdagi_cml_let(c, "c", "add(mul(f, c), mul(i, z))");
    if (peeps) tdagi_cml_let(c, "o", "add(o, mul(c, narrow(peeps, 0, mul(n, 2), n)))");
    activate(c, "o", "recurrent_activation");
    tdagi_cml_set(c, "y", tdagi_cml_at(c, "c"));
    activate(c, "y", "activation");
    tdagi_cml_let(c, "h", "mul(o, y)");
}

/* A sequence of symbolic length: PyTorch's layer, a loop of the program. Sets "rows"
 * and the last states as run() does. */
static bool by_torch(tdagi_cml_call *c, bool backwards, const char *layer)
{
    tdagi_cml_set(c, "backwards", tdagi_any_bool(backwards));
    tdagi_cml_let(c, "r", layer);
    if (tdagi_cml_at(c, "r").kind != TDAGI_ANY_TUPLE) {
        if (tdagi_cml_at(c, "r").kind != TDAGI_ANY_POISON)
            tdagi_cml_refuse(c, "a sequence of symbolic length");
        return false;
    }
    tdagi_cml_let(c, "rows", "r[0]");
    tdagi_cml_let(c, "times", backwards ? "flip(rows, [0])" : "rows");
    tdagi_cml_let(c, "h", "squeeze(r[1], 0)");
    return tdagi_env_ok(c->env);
}

static bool is_symbolic(tdagi_cml_call *c)
{
    int64_t n;
    return !tdagi_dim_is_const(c->env->pool, tdagi_cml_dim(c, "x", 0), &n);
}

/* Sets `name` to the states of a list, in its order or from its end. */
static void stack(tdagi_cml_call *c, const char *name, tdagi_any list, bool turned)
{
    uint32_t n = list.u.seq->n;
    for (uint32_t i = 0; turned && i < n / 2; i++) {
        tdagi_any first = list.u.seq->v[i];
        list.u.seq->v[i] = list.u.seq->v[n - 1 - i];
        list.u.seq->v[n - 1 - i] = first;
    }
    tdagi_cml_set(c, "list", list);
    tdagi_cml_let(c, name, "stack(list)");
}

/* Runs over the rows of "products", x's with the weights; "rows" are the states h in
 * the order in which they were computed, "times" in that of x. */
static bool run(tdagi_cml_call *c, bool backwards, void (*step)(tdagi_cml_call *c))
{
    int64_t n = 0;
    tdagi_any rows = tdagi_any_seq(c->env, TDAGI_ANY_LIST, 0, NULL);
    if (!tdagi_dim_is_const(c->env->pool, tdagi_cml_dim(c, "x", 0), &n)) {
        tdagi_cml_refuse(c, "a sequence of symbolic length");
        return false;
    }
    uint32_t noted = c->env->n_noted;
    for (int64_t i = 0; i < n && tdagi_env_step(c->env, 1); i++) {
        tdagi_cml_set_int(c, "at", backwards ? n - 1 - i : i);
        tdagi_cml_let(c, "row", "select(products, 0, at)");
        step(c);
        if (c->env->n_noted > noted) return false;
        tdagi_seq_append(c->env, rows.u.seq, tdagi_cml_at(c, "h"));
    }
    if (!tdagi_env_ok(c->env)) return false;
    stack(c, "rows", rows, false);
    stack(c, "times", rows, backwards);
    return tdagi_env_ok(c->env) && n > 0;
}

/* States that begin as zeroes are one zero, spread, as they are in PyTorch. */
static void spread(tdagi_cml_call *c, const char *state)
{
    if (!tdagi_cml_is_zero(c, state)) return;
    tdagi_cml_set(c, "v", tdagi_cml_at(c, state));
    tdagi_cml_let(c, state, "zeros_like(v)");
}

static void set_size(tdagi_cml_call *c, const char *weight)
{
    tdagi_cml_set(c, "n", tdagi_any_dim(tdagi_cml_dim(c, weight, 1)));
}

static tdagi_any result(tdagi_cml_call *c, bool has_cell)
{
    tdagi_cml_let(c, "sequence", "if(output_sequence, rows, unsqueeze(h, 0))");
    tdagi_any v[3] = {tdagi_cml_at(c, "sequence"), tdagi_cml_at(c, "h"),
                      tdagi_cml_at(c, "c")};
    return tdagi_any_seq(c->env, TDAGI_ANY_TUPLE, has_cell ? 3 : 2, v);
}

tdagi_any tdagi_cml_rnn(tdagi_cml_call *c)
{
    spread(c, "initial_h");
    tdagi_cml_let(c, "products", "linear(x, weight_ih, bias)");
    tdagi_cml_set(c, "w_hh", tdagi_cml_at(c, "weight_hh"));
    tdagi_cml_set(c, "h", tdagi_cml_at(c, "initial_h"));
    bool backwards = tdagi_cml_is(c, "direction", "reverse");
    bool ok =
        is_symbolic(c)
            ? by_torch(c, backwards,
                       "b = if(is(bias, None), full([size(weight_hh, 0)], 0.0, "
                       "dtype=dtype(x)), bias); if(is(activation, 'tanh'), "
                       "rnn_tanh(if(backwards, flip(x, [0]), x), unsqueeze(h, 0), "
                       "[weight_ih, weight_hh, b, zeros_like(b)], True, 1, 0.0, "
                       "False, False, False), None)")
            : run(c, backwards, step_rnn);
    return ok ? result(c, false) : tdagi_any_poison();
}

tdagi_any tdagi_cml_gru(tdagi_cml_call *c)
{
    set_size(c, "weight_hh");
    spread(c, "initial_h");
    tdagi_cml_let(c, "products", "linear(x, weight_ih, input_bias)");
    tdagi_cml_let(
        c, "u_rz",
        "cat([narrow(weight_hh, 0, 0, n), narrow(weight_hh, 0, mul(n, 2), n)])");
    tdagi_cml_let(c, "u_o", "narrow(weight_hh, 0, n, n)");
    tdagi_cml_set(c, "b_rz", tdagi_any_none());
    tdagi_cml_set(c, "b_o", tdagi_any_none());
    if (tdagi_cml_has(c, "bias")) {
        tdagi_cml_let(c, "b_rz",
                      "cat([narrow(bias, 0, 0, n), narrow(bias, 0, mul(n, 2), n)])");
        tdagi_cml_let(c, "b_o", "narrow(bias, 0, n, n)");
    }
    tdagi_cml_set(c, "h", tdagi_cml_at(c, "initial_h"));
    bool ok = run(c, tdagi_cml_is(c, "direction", "reverse"), step_gru);
    return ok ? result(c, false) : tdagi_any_poison();
}

/* Rows of gates in PyTorch's order. */
#define IN_ORDER(w)                                                                    \
    "cat([narrow(" w ", 0, 0, mul(n, 2)), narrow(" w ", 0, mul(n, 3), n), narrow(" w   \
    ", 0, mul(n, 2), n)])"

/* One direction; the weights are those of names that end so. */
static bool run_lstm(tdagi_cml_call *c, const char *products, const char *w_hh,
                     const char *peephole, bool backwards)
{
    if (!is_symbolic(c)) tdagi_cml_let(c, "products", products);
    tdagi_cml_set(c, "w_hh", tdagi_cml_at(c, w_hh));
    tdagi_cml_set(c, "peeps", tdagi_cml_at(c, peephole));
    if (!is_symbolic(c)) return run(c, backwards, step_lstm);
    bool plain = !tdagi_cml_has(c, "peeps") && !tdagi_cml_has(c, "clip") &&
                 tdagi_cml_is(c, "recurrent_activation", "sigmoid") &&
                 tdagi_cml_is(c, "cell_activation", "tanh") &&
                 tdagi_cml_is(c, "activation", "tanh");
    if (!plain) {
        tdagi_cml_refuse(c, "a sequence of symbolic length");
        return false;
    }
    bool second = strcmp(w_hh, "weight_hh") != 0;
    tdagi_cml_set(c, "w", tdagi_cml_at(c, second ? "weight_ih_back" : "weight_ih"));
    tdagi_cml_set(c, "b", tdagi_cml_at(c, second ? "bias_back" : "bias"));
    tdagi_cml_let(c, "b", "if(is(b, None), full([mul(n, 4)], 0.0, dtype=dtype(x)), b)");
    tdagi_cml_let(c, "w", IN_ORDER("w"));
    tdagi_cml_let(c, "u", IN_ORDER("w_hh"));
    tdagi_cml_let(c, "b", IN_ORDER("b"));
    bool ok =
        by_torch(c, backwards,
                 "lstm(if(backwards, flip(x, [0]), x), [unsqueeze(h, 0), "
                 "unsqueeze(c, 0)], [w, u, b, zeros_like(b)], True, 1, 0.0, False, "
                 "False, False)");
    if (ok) tdagi_cml_let(c, "c", "squeeze(r[2], 0)");
    return ok;
}

static tdagi_any both_ways(tdagi_cml_call *c)
{
    tdagi_cml_let(c, "h", "narrow(initial_h, 1, 0, n)");
    tdagi_cml_let(c, "c", "narrow(initial_c, 1, 0, n)");
    if (!run_lstm(c, "linear(x, weight_ih, bias)", "weight_hh", "peephole", false))
        return tdagi_any_poison();
    tdagi_cml_set(c, "there", tdagi_cml_at(c, "rows"));
    tdagi_cml_set(c, "last_h", tdagi_cml_at(c, "h"));
    tdagi_cml_set(c, "last_c", tdagi_cml_at(c, "c"));
    tdagi_cml_let(c, "h", "narrow(initial_h, 1, n, n)");
    tdagi_cml_let(c, "c", "narrow(initial_c, 1, n, n)");
    if (!run_lstm(c, "linear(x, weight_ih_back, bias_back)", "weight_hh_back",
                  "peephole_back", true))
        return tdagi_any_poison();
    tdagi_cml_let(c, "both", "cat([there, times], -1)");
    tdagi_cml_let(c, "h", "cat([last_h, h], -1)");
    tdagi_cml_let(c, "c", "cat([last_c, c], -1)");
    tdagi_cml_let(c, "sequence", "if(output_sequence, both, unsqueeze(h, 0))");
    tdagi_any v[3] = {tdagi_cml_at(c, "sequence"), tdagi_cml_at(c, "h"),
                      tdagi_cml_at(c, "c")};
    return tdagi_any_seq(c->env, TDAGI_ANY_TUPLE, 3, v);
}

tdagi_any tdagi_cml_lstm(tdagi_cml_call *c)
{
    set_size(c, "weight_hh");
    spread(c, "initial_h");
    spread(c, "initial_c");
    if (tdagi_cml_is(c, "direction", "bidirectional")) return both_ways(c);
    tdagi_cml_set(c, "h", tdagi_cml_at(c, "initial_h"));
    tdagi_cml_set(c, "c", tdagi_cml_at(c, "initial_c"));
    bool ok = run_lstm(c, "linear(x, weight_ih, bias)", "weight_hh", "peephole",
                       tdagi_cml_is(c, "direction", "reverse"));
    return ok ? result(c, true) : tdagi_any_poison();
}
