/* A GRU as the loop that converters write: MIL's own resets the state before its
 * product. The loop carries a counter and the states [T + 1, N, H], of which the first
 * is the initial one and the others, zeroes, are added to. */
#include "coreml/read/meant/match.h"

#include <string.h>

#include "aten/aten.h"
#include "base/tensor.h"

/* r, z and n as PyTorch has them, of the row x and the state h. */
static const char cell[] =
    "scatter(data=s, indices=add(x=i, y=1), axis?=0, mode='add', updates=expand_dims("
    "x=add(x=mul(x=sub(x=1, y=z:sigmoid("
    "x=add(x=linear(x=row:squeeze(x=gather(x=x, indices=i, axis=0)), weight=wz, "
    "bias=bz), y=linear(x=h:squeeze(x=gather(x=s, indices=i, axis=0)), weight=uz, "
    "bias=cz)))), y=tanh(x=add(x=linear(x=row, weight=wn, bias=bn), "
    "y=mul(x=sigmoid(x=add(x=linear(x=row, weight=wr, bias=br), "
    "y=linear(x=h, weight=ur, bias=cr))), y=linear(x=h, weight=un, bias=cn))))), "
    "y=mul(x=z, y=h))))";

/* Sets `name` to one leaf with the rows of those of three gates. False: they are none
 * of one size, or a failure. */
static bool join(tdagi_cml_matching *m, const char *name, const char *gates)
{
    tdagi_env *env = &m->im->env;
    const tdag_tensor *t[3] = {NULL, NULL, NULL};
    tdag_tensor *all = NULL;
    int64_t shape[2] = {0, 0};
    for (uint32_t i = 0; i < 3; i++) {
        const char gate[3] = {gates[0], gates[i + 1], '\0'};
        t[i] = tdagi_cml_leaf(&m->call, gate);
        if (t[i] == NULL || t[i]->dtype != t[0]->dtype || t[i]->rank != t[0]->rank ||
            t[i]->rank < 1 || t[i]->rank > 2 || t[i]->size != t[0]->size ||
            t[i]->shape[0] != t[0]->shape[0])
            return false;
    }
    memcpy(shape, t[0]->shape, t[0]->rank * sizeof(*shape));
    if (!tdagi_env_ok(env) || __builtin_mul_overflow(shape[0], 3, &shape[0]))
        return false;
    env->status = tdag_tensor_create(env->ctx, t[0]->dtype, t[0]->rank, shape, &all);
    for (size_t i = 0; all != NULL && i < 3; i++)
        memcpy((char *)all->data + i * t[0]->size, t[i]->data, t[0]->size);
    const char *text = tdagi_env_text(env, "%s_%s", m->op->outputs[1]->name, name);
    tdag_value v = TDAG_NO_VALUE;
    if (all != NULL && text != NULL)
        v = tdag_add_tensor(env->b, TDAG_OP_PARAMETER, tdagi_env_name(env, text), all);
    tdag_tensor_free(all);
    tdagi_cml_set(&m->call, name, tdagi_cml_of(&m->call, v));
    return v.id != 0 && tdagi_env_ok(env);
}

static bool join_all(tdagi_cml_matching *m)
{
    bool biased = false;
    for (const char *p = "brbzbncrczcn"; *p != '\0'; p += 2) {
        const char gate[3] = {p[0], p[1], '\0'};
        biased |= !tdagi_cml_is_no_bias(&m->call, gate);
    }
    tdagi_cml_set(&m->call, "biased", tdagi_any_bool(biased));
    return join(m, "weight_ih", "wrzn") && join(m, "weight_hh", "urzn") &&
           (!biased || (join(m, "bias_ih", "brzn") && join(m, "bias_hh", "crzn")));
}

/* Sets "h", the initial state, if those behind it begin as zeroes. */
static bool initial(tdagi_cml_matching *m, const Cml__Binding *states)
{
    tdagi_cml_matching in = {.im = m->im, .op = m->op};
    if (states->binding_case != CML__BINDING__BINDING_NAME) return false;
    const tdagi_cml_value *v = tdagi_cml_find(m->im, states->name);
    const Cml__Operation *op = v == NULL ? NULL : v->made_by;
    tdagi_cml_set(&m->call, "s", tdagi_cml_get(m->im, states->name));
    if (tdagi_cml_is_zero(&m->call, "s")) {
        tdagi_cml_let(&m->call, "h", "zeros_like(narrow(s, 0, 0, 1))");
        return true;
    }
    const Cml__Argument *parts = op == NULL || strcmp(op->type, "concat") != 0
                                     ? NULL
                                     : tdagi_cml_argument(op, "values");
    if (parts == NULL || parts->n_arguments != 2 ||
        !tdagi_cml_match(&in, op, "concat(axis=0)"))
        return false;
    tdagi_cml_set(&m->call, "h", tdagi_cml_binding(m->im, parts->arguments[0]));
    tdagi_cml_set(&m->call, "s", tdagi_cml_binding(m->im, parts->arguments[1]));
    return tdagi_cml_dim(&m->call, "h", 0) == 1 && tdagi_cml_is_zero(&m->call, "s");
}

/* Whether it counts from 0 to the length of x. */
static bool counts(tdagi_cml_matching *m, const Cml__Argument *entry)
{
    tdag_dim from = 1, to = 0;
    uint32_t n = 0;
    const Cml__Block *test = m->op->blocks[0], *body = m->op->blocks[1];
    tdagi_cml_matching c = {.im = m->im, .op = m->op, .block = test},
                       next = {.im = m->im, .op = m->op, .block = body};
    tdagi_cml_set(&m->call, "from", tdagi_cml_binding(m->im, entry->arguments[0]));
    return tdagi_cml_matched(m, "from", 1, &from, &n) && n == 1 && from == 0 &&
           tdagi_cml_match_value(&c, test->outputs[0], "less(x=i, y=n)") &&
           strcmp(c.bound[0].value, test->inputs[0]->name) == 0 &&
           tdagi_cml_matched(&c, "n", 1, &to, &n) && n == 1 &&
           to == tdagi_cml_dim(&m->call, "x", 0) &&
           tdagi_cml_match_value(&next, body->outputs[0], "add(x=i, y=1)") &&
           strcmp(next.bound[0].value, body->inputs[0]->name) == 0;
}

static const char *rows_of(tdagi_cml *im, const char *states)
{
    return tdagi_env_text(&im->env, "%s, the rows", states);
}

tdagi_any tdagi_cml_meant_gru(tdagi_cml_matching *m)
{
    const Cml__Operation *op = m->op;
    const Cml__Argument *entry = tdagi_cml_argument(op, "loop_vars");
    bool ok = op->n_blocks == 2 && op->n_outputs == 2 && entry != NULL &&
              entry->n_arguments == 2;
    for (size_t i = 0; ok && i < 2; i++)
        ok = op->blocks[i] != NULL && op->blocks[i]->n_inputs == 2 &&
             op->blocks[i]->n_outputs == i + 1;
    if (!ok) return tdagi_any_none();
    m->block = op->blocks[1];
    m->n = 2;
    m->bound[0].name = "i";
    m->bound[1].name = "s";
    for (uint32_t i = 0; i < 2; i++) {
        m->bound[i].length = 1;
        m->bound[i].value = m->block->inputs[i]->name;
    }
    if (!tdagi_cml_match_value(m, m->block->outputs[1], cell) || !counts(m, entry) ||
        tdagi_cml_rank(&m->call, "x") != 3 || !initial(m, entry->arguments[1]) ||
        !join_all(m))
        return tdagi_any_none();
    tdagi_cml_let(
        &m->call, "rows",
        "r = gru(x, h, if(biased, [weight_ih, weight_hh, bias_ih, bias_hh], "
        "[weight_ih, weight_hh]), biased, 1, 0.0, False, False, False); r[0]");
    const char *rows = rows_of(m->im, op->outputs[1]->name);
    if (rows == NULL) return tdagi_any_poison();
    tdagi_cml_define(m->im, rows, tdagi_cml_at(&m->call, "rows"));
    const tdag_dim trips = tdagi_cml_dim(&m->call, "x", 0);
    tdagi_cml_set_dims(&m->call, "trips", 1, &trips);
    const tdagi_any out[2] = {tdagi_cml_at(&m->call, "trips"),
                              tdagi_cml_eval(&m->call, "cat([h, rows])")};
    return tdagi_any_seq(&m->im->env, TDAGI_ANY_TUPLE, 2, out);
}

/* The states of a GRU's loop behind the first one. */
tdagi_any tdagi_cml_meant_steps(tdagi_cml_matching *m)
{
    tdagi_env *env = &m->im->env;
    tdagi_any masks[2];
    int64_t begin[3];
    uint32_t n = 0;
    const char *rows = rows_of(m->im, m->bound[0].value);
    if (rows == NULL || tdagi_cml_find(m->im, rows) == NULL ||
        !tdagi_cml_matched(m, "begin", 3, begin, &n) || n != 3 || begin[0] != 1)
        return tdagi_any_none();
    for (int i = 0; i < 2; i++)
        if (!tdagi_cml_fit(env,
                           tdagi_cml_at(&m->call, i == 0 ? "begin_mask" : "end_mask"),
                           "List[bool]", &masks[i]) ||
            masks[i].u.seq->n != 3)
            return tdagi_any_none();
    bool whole = !masks[0].u.seq->v[0].u.b;
    for (uint32_t i = 0; i < 3; i++)
        whole &= masks[1].u.seq->v[i].u.b &&
                 (i == 0 || begin[i] == 0 || masks[0].u.seq->v[i].u.b);
    return whole ? tdagi_cml_get(m->im, rows) : tdagi_any_none();
}
