/* Running the layers of a network. */
#include "coreml/network/network.h"

#include <string.h>

#include "aten/aten.h"

static const tdagi_layer_row rows[] = {
#define LAYER(kind, inputs, weights, formula)                                          \
    {#kind, inputs, weights, formula, NULL, NULL},
#define LAYER_BY(kind, inputs, weights, function)                                      \
    {#kind, inputs, weights, NULL, tdagi_layer_##function, NULL},
#define LAYER_NOT(kind, why) {#kind, "", "", NULL, NULL, why},
#include "coreml/network/layers.def"
};

const tdagi_layer_row *tdagi_layer_row_at(uint32_t i)
{
    return i < sizeof(rows) / sizeof(rows[0]) ? &rows[i] : NULL;
}

static const tdagi_layer_row *row_of(const char *kind)
{
    const tdagi_layer_row *row;
    for (uint32_t i = 0; (row = tdagi_layer_row_at(i)) != NULL; i++)
        if (strcmp(row->kind, kind) == 0) return row;
    return NULL;
}

/* ---- inputs ---- */

static bool take_all(tdagi_layer *l, const char *name)
{
    tdagi_env *env = &l->im->env;
    tdagi_any list = tdagi_any_seq(env, TDAGI_ANY_LIST, 0, NULL);
    for (size_t i = 0; i < l->layer->n_input && tdagi_env_ok(env); i++)
        tdagi_seq_append(env, list.u.seq, tdagi_cml_get(l->im, l->layer->input[i]));
    tdagi_cml_set(&l->call, name, list);
    return !tdagi_env_note_poison(env, &list);
}

/* By the names of the row: "x, y?" or "*values". False: POISON. */
static bool take_inputs(tdagi_layer *l, const char *names)
{
    tdagi_env *env = &l->im->env;
    if (*names == '*') return take_all(l, names + 1);
    size_t i = 0;
    for (const char *p = names; *p != '\0'; i++) {
        size_t n = strcspn(p, ",?");
        bool may_miss = p[n] == '?';
        const char *name = tdagi_env_text(env, "%.*s", (int)n, p);
        p += n + may_miss;
        p += strspn(p, ", ");
        if (name == NULL) return false;
        if (i >= l->layer->n_input) {
            if (may_miss) continue;
            tdagi_cml_bad(l->im, "it has fewer inputs than it needs");
            return false;
        }
        tdagi_any v = tdagi_cml_get(l->im, l->layer->input[i]);
        if (tdagi_env_note_poison(env, &v)) return false;
        tdagi_cml_set(&l->call, name, v);
    }
    if (i < l->layer->n_input) tdagi_cml_bad(l->im, "it has more inputs than it takes");
    return tdagi_env_ok(env);
}

/* ---- layers ---- */

tdagi_any tdagi_layer_eval(tdagi_layer *l, const char *formula)
{
    return tdagi_cml_eval(&l->call, formula);
}

static tdagi_any run(tdagi_layer *l, const tdagi_layer_row *row)
{
    tdagi_env *env = &l->im->env;
    if (row->why != NULL) return tdagi_env_issue(env, "%s: %s", l->kind, row->why);
    tdagi_cml_begin(&l->call, env, &l->im->room, l->kind);
    tdagi_layer_set_fields(l);
    if (!tdagi_layer_take_weights(l, row->weights) || !take_inputs(l, row->inputs) ||
        !tdagi_env_ok(env))
        return tdagi_any_poison();
    uint32_t noted = env->n_noted;
    tdagi_any out = row->by != NULL ? row->by(l) : tdagi_layer_eval(l, row->formula);
    tdag_status st = tdag_builder_get_status(env->b);
    if (st != TDAG_OK && tdagi_env_ok(env)) tdagi_env_fail_here(env, st, l->kind);
    if (out.kind == TDAGI_ANY_POISON && out.u.issue == NULL && env->n_noted == noted &&
        tdagi_env_ok(env))
        return tdagi_env_issue(env, "%s with these fields", l->kind);
    return out;
}

/* The field of the layer that says what it is; NULL: none that is known. */
static const ProtobufCFieldDescriptor *kind_of(const Cml__NeuralNetworkLayer *layer)
{
    const ProtobufCMessageDescriptor *d = layer->base.descriptor;
    for (uint32_t i = 0; i < d->n_fields; i++)
        if (d->fields[i].id >= 100 && d->fields[i].id == (uint32_t)layer->kind_case)
            return &d->fields[i];
    return NULL;
}

/* The layer as an operation, for sentences and for naming what it gives. NULL after a
 * failure. */
static Cml__Operation *as_operation(tdagi_cml *im, const Cml__NeuralNetworkLayer *layer,
                                    const char *kind)
{
    tdagi_env *env = &im->env;
    Cml__Operation *op = tdagi_message_new(&env->arena, &cml__operation__descriptor);
    Cml__NamedValueType **outputs =
        tdagi_env_alloc(env, (layer->n_output + 1) * sizeof(*outputs));
    bool ok = op != NULL && outputs != NULL;
    for (size_t i = 0; ok && i < layer->n_output; i++) {
        outputs[i] = tdagi_message_new(&env->arena, &cml__named_value_type__descriptor);
        ok = outputs[i] != NULL;
        if (ok) outputs[i]->name = layer->output[i];
    }
    if (!ok) {
        if (tdagi_env_ok(env)) env->status = tdagi_nomem(env->ctx);
        return NULL;
    }
    op->type = (char *)(uintptr_t)kind; /* only read */
    op->n_outputs = layer->n_output;
    op->outputs = outputs;
    return op;
}

static void run_layer(tdagi_cml *im, const Cml__NeuralNetworkLayer *layer)
{
    tdagi_layer l = {.im = im, .layer = layer};
    const ProtobufCFieldDescriptor *f = kind_of(layer);
    const tdagi_layer_row *row = f == NULL ? NULL : row_of(f->name);
    l.kind = f == NULL ? "a layer of an unknown kind" : f->name;
    Cml__Operation *op = as_operation(im, layer, l.kind);
    if (op == NULL) return;
    im->op = op;
    if (layer->kind_case == CML__NEURAL_NETWORK_LAYER__KIND_LOOP) {
        tdagi_network_loop(im, layer);
        return;
    }
    if (layer->kind_case == CML__NEURAL_NETWORK_LAYER__KIND_BRANCH) {
        tdagi_network_branch(im, layer);
        return;
    }
    if (row == NULL) {
        tdagi_cml_give(im, op, tdagi_env_issue(&im->env, "%s", l.kind));
        return;
    }
    l.params = tdagi_message_field(&layer->base, f->name, &f);
    tdagi_cml_give(im, op, run(&l, row));
}

void tdagi_network_run_layers(tdagi_cml *im, const Cml__NeuralNetwork *network)
{
    const Cml__Operation *outer = im->op;
    for (size_t i = 0; i < network->n_layers && tdagi_env_step(&im->env, 1); i++)
        run_layer(im, network->layers[i]);
    im->op = outer;
}
