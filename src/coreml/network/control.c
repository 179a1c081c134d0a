/* Branches and loops of networks, as operations cond and while_loop whose blocks are
 * networks. Blobs may be computed anew: those that stand before a loop and are computed
 * in it are what it carries, and those that both arms of a branch compute, or that
 * stand before it, are what it gives. */
#include "coreml/network/network.h"

#include <string.h>

/* A block of no message: its descriptor is NULL. */
typedef struct layers_block {
    Cml__Block block;
    const Cml__NeuralNetwork *network; /* NULL: no layers */
} layers_block;

static void run_block(tdagi_cml *im, const Cml__Block *block)
{
    const layers_block *b = (const layers_block *)block;
    if (b->network != NULL) tdagi_network_run_layers(im, b->network);
}

/* ---- blobs ---- */

typedef struct names {
    char **v;
    size_t n, capacity;
} names;

static bool has(const names *s, const char *name)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->v[i], name) == 0) return true;
    return false;
}

static void add(tdagi_cml *im, names *s, char *name)
{
    if (has(s, name) || !tdagi_env_step(&im->env, 1)) return;
    if (s->n == s->capacity) {
        size_t more = s->capacity == 0 ? 16 : 2 * s->capacity;
        char **v = tdagi_env_alloc(&im->env, more * sizeof(*v));
        if (v == NULL) return;
        if (s->n > 0) memcpy(v, s->v, s->n * sizeof(*v));
        s->v = v;
        s->capacity = more;
    }
    s->v[s->n++] = name;
}

/* The names of all that a network computes, also in the networks inside. */
static void collect(tdagi_cml *im, const Cml__NeuralNetwork *network, names *out)
{
    for (size_t i = 0; network != NULL && i < network->n_layers; i++) {
        const Cml__NeuralNetworkLayer *l = network->layers[i];
        for (size_t k = 0; k < l->n_output; k++)
            add(im, out, l->output[k]);
        if (l->kind_case == CML__NEURAL_NETWORK_LAYER__KIND_LOOP) {
            collect(im, l->loop->condition_network, out);
            collect(im, l->loop->body_network, out);
        } else if (l->kind_case == CML__NEURAL_NETWORK_LAYER__KIND_BRANCH) {
            collect(im, l->branch->if_branch, out);
            collect(im, l->branch->else_branch, out);
        }
    }
}

/* ---- operations ---- */

static Cml__Argument *bindings(tdagi_cml *im, size_t n, char **values)
{
    tdagi_env *env = &im->env;
    Cml__Argument *a = tdagi_message_new(&env->arena, &cml__argument__descriptor);
    Cml__Binding **v = tdagi_env_alloc(env, (n + 1) * sizeof(*v));
    if (a == NULL || v == NULL) return NULL;
    for (size_t i = 0; i < n; i++) {
        v[i] = tdagi_message_new(&env->arena, &cml__binding__descriptor);
        if (v[i] == NULL) return NULL;
        v[i]->binding_case = CML__BINDING__BINDING_NAME;
        v[i]->name = values[i];
    }
    a->arguments = v;
    a->n_arguments = n;
    return a;
}

static Cml__NamedValueType **typeless(tdagi_cml *im, const names *s)
{
    tdagi_env *env = &im->env;
    Cml__NamedValueType **v = tdagi_env_alloc(env, (s->n + 1) * sizeof(*v));
    for (size_t i = 0; v != NULL && i < s->n; i++) {
        v[i] = tdagi_message_new(&env->arena, &cml__named_value_type__descriptor);
        if (v[i] == NULL) return NULL;
        v[i]->name = s->v[i];
    }
    return v;
}

static Cml__Block *block_of(tdagi_cml *im, const Cml__NeuralNetwork *network,
                            const names *in, const names *out)
{
    layers_block *b = tdagi_env_alloc(&im->env, sizeof(*b));
    if (b == NULL) return NULL;
    memset(b, 0, sizeof(*b));
    b->network = network;
    im->run_layers = run_block;
    b->block.n_inputs = in == NULL ? 0 : in->n;
    b->block.inputs = in == NULL ? NULL : typeless(im, in);
    b->block.n_outputs = out->n;
    b->block.outputs = out->v;
    return &b->block;
}

/* An operation of one operand and two blocks, or NULL after a failure. */
static Cml__Operation *operation(tdagi_cml *im, const char *type, const char *operand,
                                 Cml__Argument *a, const names *results,
                                 Cml__Block *first, Cml__Block *second)
{
    tdagi_env *env = &im->env;
    Cml__Operation *op = tdagi_message_new(&env->arena, &cml__operation__descriptor);
    Cml__ArgumentEntry *e =
        tdagi_message_new(&env->arena, &cml__argument_entry__descriptor);
    Cml__ArgumentEntry **inputs = tdagi_env_alloc(env, sizeof(*inputs));
    Cml__Block **blocks = tdagi_env_alloc(env, 2 * sizeof(*blocks));
    Cml__NamedValueType **outputs = typeless(im, results);
    if (op == NULL || e == NULL || inputs == NULL || blocks == NULL || a == NULL ||
        outputs == NULL || first == NULL || second == NULL) {
        if (tdagi_env_ok(env)) env->status = tdagi_nomem(env->ctx);
        return NULL;
    }
    e->key = (char *)(uintptr_t)operand; /* only read */
    e->value = a;
    *inputs = e;
    blocks[0] = first;
    blocks[1] = second;
    op->type = (char *)(uintptr_t)type;
    op->n_inputs = 1;
    op->inputs = inputs;
    op->n_blocks = 2;
    op->blocks = blocks;
    op->n_outputs = results->n;
    op->outputs = outputs;
    return op;
}

void tdagi_network_branch(tdagi_cml *im, const Cml__NeuralNetworkLayer *layer)
{
    names arms[2] = {{0}, {0}}, given = {0};
    const Cml__Branch *b = layer->branch;
    if (layer->n_input != 1 || b == NULL) {
        tdagi_cml_bad(im, "a branch has one input");
        return;
    }
    collect(im, b->if_branch, &arms[0]);
    collect(im, b->else_branch, &arms[1]);
    for (int arm = 0; arm < 2; arm++)
        for (size_t i = 0; i < arms[arm].n; i++) {
            char *name = arms[arm].v[i];
            if (has(&arms[1 - arm], name) || tdagi_cml_find(im, name) != NULL)
                add(im, &given, name);
        }
    if (!tdagi_env_ok(&im->env)) return;
    Cml__Operation *op = operation(im, "cond", "pred", bindings(im, 1, layer->input),
                                   &given, block_of(im, b->if_branch, NULL, &given),
                                   block_of(im, b->else_branch, NULL, &given));
    if (op != NULL) tdagi_cml_cond(im, im->op = op);
}

/* A number of rounds and nothing else: one behind the other. */
static void repeat(tdagi_cml *im, const Cml__Loop *l)
{
    uint64_t most = im->env.ctx->limits.max_loop_trips;
    if (l->max_loop_iterations > most)
        tdagi_env_issue(&im->env, "a loop of more than %llu rounds",
                        (unsigned long long)most);
    else
        for (uint64_t i = 0; i < l->max_loop_iterations && tdagi_env_step(&im->env, 1);
             i++)
            tdagi_network_run_layers(im, l->body_network);
}

void tdagi_network_loop(tdagi_cml *im, const Cml__NeuralNetworkLayer *layer)
{
    names all = {0}, carried = {0}, test = {0};
    const Cml__Loop *l = layer->loop;
    if (l == NULL || l->body_network == NULL) {
        tdagi_cml_bad(im, "a loop without a body");
        return;
    }
    if (layer->n_input > 0 ||
        (l->condition_network == NULL ? l->condition_var[0] != '\0'
                                      : l->max_loop_iterations > 0)) {
        tdagi_env_issue(&im->env, "loop: one with a condition and a number of rounds");
        return;
    }
    if (l->condition_network == NULL) {
        repeat(im, l);
        return;
    }
    collect(im, l->body_network, &all);
    for (size_t i = 0; i < all.n; i++)
        if (tdagi_cml_find(im, all.v[i]) != NULL) add(im, &carried, all.v[i]);
    add(im, &test, l->condition_var);
    if (!tdagi_env_ok(&im->env)) return;
    Cml__Operation *op =
        operation(im, "while_loop", "loop_vars", bindings(im, carried.n, carried.v),
                  &carried, block_of(im, l->condition_network, &carried, &test),
                  block_of(im, l->body_network, &carried, &carried));
    if (op != NULL) tdagi_cml_while(im, im->op = op);
}
