/* Recurrent layers: the gates' matrices, each a field of its own, become the operands
 * of an ML program's operator, which has them in one. */
#include <string.h>

#include "coreml/network/network.h"

/* A gate is three fields: "<gate>_weight_matrix" and so on; ends at the first NULL. */
static const char *const lstm_gates[] = {"input_gate", "forget_gate", "output_gate",
                                         "block_input", NULL};
static const char *const gru_gates[] = {"reset_gate", "output_gate", "update_gate",
                                        NULL};
static const char *const one_gate[] = {"", NULL};

typedef struct gates {
    const ProtobufCMessage *fields;
    const char *const *names;
    const char *prefix; /* of the leaves */
    int64_t in, out;    /* sizes */
} gates;

/* Sets `name` to the gates' fields of that ending, one below the other; unset where
 * the layer has none. False: POISON. */
static bool take(tdagi_layer *l, const gates *g, const char *ending, int64_t columns,
                 const char *name)
{
    const ProtobufCFieldDescriptor *f;
    const int64_t shape[2] = {g->out, columns};
    tdagi_env *env = &l->im->env;
    tdagi_any all = tdagi_any_seq(env, TDAGI_ANY_LIST, 0, NULL);
    for (uint32_t i = 0; g->names[i] != NULL && tdagi_env_ok(env); i++) {
        const char *join = g->names[i][0] == '\0' ? "" : "_";
        const char *field = tdagi_env_text(env, "%s%s%s", g->names[i], join, ending);
        if (field == NULL) return false;
        const void *w = tdagi_message_field(g->fields, field, &f);
        const char *leaf = tdagi_env_text(env, "%s%s", g->prefix, field);
        if (leaf == NULL) return false;
        tdagi_any v = tdagi_layer_weights(l, leaf, w, columns == 0 ? 1 : 2, shape);
        if (v.kind == TDAGI_ANY_POISON) return false;
        if (v.kind == TDAGI_ANY_NONE) return tdagi_env_ok(env);
        tdagi_seq_append(env, all.u.seq, v);
    }
    tdagi_cml_set(&l->call, "parts", all);
    tdagi_cml_let(&l->call, name, "cat(parts)");
    return tdagi_cml_at(&l->call, name).kind != TDAGI_ANY_POISON;
}

static bool take_matrices(tdagi_layer *l, const gates *g, bool has_bias)
{
    const char *back = g->prefix[0] == '\0' ? "" : "_back";
    tdagi_env *env = &l->im->env;
    const char *ih = tdagi_env_text(env, "w_ih%s", back),
               *hh = tdagi_env_text(env, "w_hh%s", back),
               *b = tdagi_env_text(env, "b%s", back);
    if (ih == NULL || hh == NULL || b == NULL) return false;
    return take(l, g, "weight_matrix", g->in, ih) &&
           take(l, g, "recursion_matrix", g->out, hh) &&
           (!has_bias || take(l, g, "bias_vector", 0, b));
}

/* ---- what they run on ---- */

/* x as [time, batch, features]; states as [batch, features], zeroes where the layer is
 * not given any. */
static void set_operands(tdagi_layer *l, int64_t out)
{
    tdagi_cml_call *c = &l->call;
    tdagi_cml_set(c, "is_image", tdagi_any_bool(tdagi_cml_rank(c, "x") == 5));
    tdagi_cml_set_int(c, "n", out);
    tdagi_cml_let(c, "s", "if(is_image, flatten(x, 2), x)");
    tdagi_cml_let(c, "zero", "full([size(s, 1), n], 0.0, dtype=6)");
    static const char *const states[] = {"h", "c", "hr", "cr"};
    static const char *const formulas[] = {
        "if(is(h, None), zero, reshape(h, [size(s, 1), n]))",
        "if(is(c, None), zero, reshape(c, [size(s, 1), n]))",
        "if(is(hr, None), zero, reshape(hr, [size(s, 1), n]))",
        "if(is(cr, None), zero, reshape(cr, [size(s, 1), n]))"};
    for (uint32_t i = 0; i < 4; i++)
        tdagi_cml_let(c, states[i], formulas[i]);
}

/* The results as images again, where x is one. */
static tdagi_any results(tdagi_layer *l, const char *all)
{
    tdagi_cml_call *c = &l->call;
    tdagi_cml_let(c, "r", all);
    if (!tdagi_cml_bool(c, "is_image")) return tdagi_cml_at(c, "r");
    tdagi_any r = tdagi_cml_at(c, "r");
    for (uint32_t i = 0; tdagi_any_is_seq(r) && i < r.u.seq->n; i++) {
        tdagi_cml_set(c, "y", r.u.seq->v[i]);
        tdagi_any y = tdagi_layer_eval(l, "z = if(is(rank(y), 2), unsqueeze(y, 0), y); "
                                          "unsqueeze(unsqueeze(z, -1), -1)");
        r.u.seq->v[i] = y;
    }
    return r;
}

static const char *activation(const Cml__ActivationParams *a, const char *otherwise)
{
    if (a == NULL) return otherwise;
    if (a->kind_case == CML__ACTIVATION_PARAMS__KIND_TANH) return "tanh";
    if (a->kind_case == CML__ACTIVATION_PARAMS__KIND_SIGMOID) return "sigmoid";
    if (a->kind_case == CML__ACTIVATION_PARAMS__KIND_RE_LU) return "relu";
    return NULL;
}

/* Sets the texts of the activations from `at` on; false: one is not known. */
static bool take_activations(tdagi_layer *l, size_t n,
                             Cml__ActivationParams *const *activations)
{
    static const char *const names[] = {"gate", "inner", "outer"};
    static const char *const usual[] = {"sigmoid", "tanh", "tanh"};
    for (size_t i = 0; i < 3; i++) {
        const char *text = activation(i < n ? activations[i] : NULL, usual[i]);
        if (text == NULL) return false;
        tdagi_cml_set(&l->call, names[i], tdagi_any_string(text));
    }
    return true;
}

/* ---- layers ---- */

static bool fits_lstm(tdagi_layer *l, const Cml__LSTMParams *p)
{
    if (p == NULL || p->coupled_input_and_forget_gate || p->has_peephole_vectors ||
        p->forget_bias) {
        tdagi_cml_refuse(&l->call, "coupled gates, peepholes or a bias of its own");
        return false;
    }
    tdagi_cml_set(&l->call, "seq", tdagi_any_bool(p->sequence_output));
    if (p->cell_clip_threshold > 0)
        tdagi_cml_set(&l->call, "clip",
                      tdagi_any_float((double)p->cell_clip_threshold));
    return true;
}

tdagi_any tdagi_layer_lstm(tdagi_layer *l)
{
    const Cml__UniDirectionalLSTMLayerParams *p = l->layer->uni_directional_lstm;
    if (p->weight_params == NULL || !fits_lstm(l, p->params)) return tdagi_any_poison();
    const gates g = {&p->weight_params->base, lstm_gates, "",
                     (int64_t)p->input_vector_size, (int64_t)p->output_vector_size};
    if (!take_matrices(l, &g, p->params->has_bias_vectors)) return tdagi_any_poison();
    if (!take_activations(l, p->n_activations, p->activations))
        return tdagi_cml_refuse(&l->call, "an activation of another kind");
    tdagi_cml_set(&l->call, "way",
                  tdagi_any_string(p->reverse_input ? "reverse" : "forward"));
    set_operands(l, g.out);
    return results(l, "mil::lstm(x=s, initial_h=h, initial_c=c, weight_ih=w_ih, "
                      "weight_hh=w_hh, bias=b, direction=way, output_sequence=seq, "
                      "recurrent_activation=gate, cell_activation=inner, "
                      "activation=outer, clip=clip)");
}

tdagi_any tdagi_layer_bidirectional(tdagi_layer *l)
{
    const Cml__BiDirectionalLSTMLayerParams *p = l->layer->bi_directional_lstm;
    if (p->n_weight_params != 2 || !fits_lstm(l, p->params)) return tdagi_any_poison();
    for (uint32_t i = 0; i < 2; i++) {
        const gates g = {&p->weight_params[i]->base, lstm_gates, i == 0 ? "" : "back_",
                         (int64_t)p->input_vector_size, (int64_t)p->output_vector_size};
        if (!take_matrices(l, &g, p->params->has_bias_vectors))
            return tdagi_any_poison();
    }
    if (!take_activations(l, p->n_activations_forward_lstm,
                          p->activations_forward_lstm))
        return tdagi_cml_refuse(&l->call, "an activation of another kind");
    set_operands(l, (int64_t)p->output_vector_size);
    tdagi_any r = results(
        l,
        "r = mil::lstm(x=s, initial_h=cat([h, hr], 1), initial_c=cat([c, cr], 1), "
        "weight_ih=w_ih, weight_hh=w_hh, bias=b, weight_ih_back=w_ih_back, "
        "weight_hh_back=w_hh_back, bias_back=b_back, direction='bidirectional', "
        "output_sequence=seq, recurrent_activation=gate, cell_activation=inner, "
        "activation=outer, clip=clip); "
        "[r[0], narrow(r[1], 1, 0, n), narrow(r[2], 1, 0, n), narrow(r[1], 1, n, n), "
        "narrow(r[2], 1, n, n)]");
    return r;
}

tdagi_any tdagi_layer_gru(tdagi_layer *l)
{
    const Cml__GRULayerParams *p = l->layer->gru;
    const gates g = {&p->base, gru_gates, "", (int64_t)p->input_vector_size,
                     (int64_t)p->output_vector_size};
    if (!take_matrices(l, &g, p->has_bias_vectors)) return tdagi_any_poison();
    if (!take_activations(l, p->n_activations, p->activations))
        return tdagi_cml_refuse(&l->call, "an activation of another kind");
    tdagi_cml_set(&l->call, "way",
                  tdagi_any_string(p->reverse_input ? "reverse" : "forward"));
    tdagi_cml_set(&l->call, "seq", tdagi_any_bool(p->sequence_output));
    set_operands(l, g.out);
    return results(l, "mil::gru(x=s, initial_h=h, weight_ih=w_ih, weight_hh=w_hh, "
                      "bias=b, direction=way, output_sequence=seq, "
                      "recurrent_activation=gate, activation=inner)");
}

tdagi_any tdagi_layer_recurrent(tdagi_layer *l)
{
    const Cml__SimpleRecurrentLayerParams *p = l->layer->simple_recurrent;
    const gates g = {&p->base, one_gate, "", (int64_t)p->input_vector_size,
                     (int64_t)p->output_vector_size};
    if (!take_matrices(l, &g, p->has_bias_vector)) return tdagi_any_poison();
    const char *text = activation(p->activation, "tanh");
    if (text == NULL)
        return tdagi_cml_refuse(&l->call, "an activation of another kind");
    tdagi_cml_set(&l->call, "outer", tdagi_any_string(text));
    tdagi_cml_set(&l->call, "way",
                  tdagi_any_string(p->reverse_input ? "reverse" : "forward"));
    tdagi_cml_set(&l->call, "seq", tdagi_any_bool(p->sequence_output));
    set_operands(l, g.out);
    return results(l, "mil::rnn(x=s, initial_h=h, weight_ih=w_ih, weight_hh=w_hh, "
                      "bias=b, direction=way, output_sequence=seq, activation=outer)");
}
