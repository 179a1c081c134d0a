/* tdag_from_coreml(): a method per function of the program. */
#include "coreml/read/import.h"
#include "aten/aten.h"

#include <string.h>

#include "coreml/file.h"
#include "coreml/network/network.h"
#include "program/outline/outline.h"

/* Issues tell more than an error that may follow from them. */
static void settle(tdagi_cml *im)
{
    bool out_of_memory = tdag_builder_get_status(im->env.b) == TDAG_E_NOMEM ||
                         tdagi_pool_status(im->env.pool) == TDAG_E_NOMEM;
    if (out_of_memory) im->env.status = tdagi_nomem(im->env.ctx); /* the cause of all */
    tdag_status st = im->env.status;
    bool follows = st == TDAG_E_SHAPE || st == TDAG_E_DTYPE || st == TDAG_E_ARG ||
                   st == TDAG_E_UNSUPPORTED;
    if (im->env.n_issues > 0 && follows) im->env.status = TDAG_OK;
    tdagi_env_report(&im->env);
}

static tdagi_place place(tdagi_env *env)
{
    const tdagi_cml *im = env->reader;
    if (im->op == NULL) return (tdagi_place){"the program", ""};
    return (tdagi_place){im->op->type,
                         im->op->n_outputs > 0 ? im->op->outputs[0]->name : ""};
}

/* "CoreML7" is 7. */
static bool read_opset(tdagi_cml *im, const Cml__Function *f)
{
    bool known = strncmp(f->opset, "CoreML", 6) == 0 && f->opset[6] >= '5' &&
                 f->opset[6] <= '9' && f->opset[7] == '\0';
    if (known)
        im->opset = im->room.opset = (uint32_t)(f->opset[6] - '0');
    else
        im->env.status = tdagi_fail(im->env.ctx, TDAG_E_UNSUPPORTED,
                                    "%s: the operators of %.80s, which is none of "
                                    "CoreML5 to CoreML9",
                                    im->package->what, f->opset);
    return known;
}

static const Cml__Block *block_of(tdagi_cml *im, const Cml__Function *f)
{
    for (size_t i = 0; i < f->n_block_specializations; i++)
        if (strcmp(f->block_specializations[i]->key, f->opset) == 0 &&
            f->block_specializations[i]->value != NULL)
            return f->block_specializations[i]->value;
    tdagi_cml_bad(im, "%s: the function %.80s has no block", im->package->what,
                  im->function);
    return NULL;
}

static void finish(tdagi_cml *im, tdagi_outline *o, const char *method,
                   tdagi_model_builder *several, tdag_model **out)
{
    tdagi_env *env = &im->env;
    if (several == NULL) {
        env->status =
            tdagi_outline_finish(env->ctx, o, env->b, method, NULL, NULL, out);
        return;
    }
    tdag_graph *g = NULL;
    env->status = tdag_builder_finish(env->b, &g);
    if (tdagi_env_ok(env))
        env->status = tdagi_outline_method(env->ctx, o, g, method, NULL, NULL, several);
    tdag_graph_free(g);
}

static void walk(tdagi_cml *im, const Cml__Function *f, const Cml__Block *block,
                 const char *method, tdagi_model_builder *several, tdag_model **out)
{
    tdagi_outline outline;
    tdagi_env *env = &im->env;
    tdagi_cml_take_inputs(im, f);
    tdagi_outline_begin(&outline, &env->arena, env->b->graph);
    env->outline = &outline;
    env->computed = tdagi_computed;
    tdagi_cml_declare_states(im);
    tdagi_cml_read_kept(im);
    if (tdagi_env_ok(env) && tdagi_network_is(im->package->model))
        tdagi_network_run(im, im->package->model);
    else if (tdagi_env_ok(env))
        tdagi_cml_run(im, block);
    if (tdagi_env_ok(env) && env->n_issues == 0) tdagi_cml_give_outputs(im, block);
    if (outline.is_out_of_memory && tdagi_env_ok(env))
        env->status = tdagi_nomem(env->ctx);
    settle(im);
    if (tdagi_env_ok(env)) finish(im, &outline, method, several, out);
    env->outline = NULL;
}

/* A function as a method: the default one is forward. several: NULL where it is the
 * only one. */
static tdag_status read_function(tdagi_cml *like, const Cml__FunctionEntry *e,
                                 const char *method, tdagi_model_builder *several,
                                 tdag_model **out)
{
    tdagi_cml im = *like;
    im.function = e->key;
    tdagi_env_init(&im.env, im.package->ctx);
    im.env.reader = &im;
    im.env.place = place;
    const Cml__Block *block = NULL;
    if (tdagi_env_ok(&im.env)) tdagi_cml_take_notes(&im);
    if (tdagi_env_ok(&im.env) && e->value == NULL)
        tdagi_cml_bad(&im, "%s: the function %.80s is empty", im.package->what, e->key);
    if (tdagi_env_ok(&im.env) && read_opset(&im, e->value))
        block = block_of(&im, e->value);
    if (block != NULL) walk(&im, e->value, block, method, several, out);
    tdag_status st = im.env.status;
    for (tdagi_cml_state *s = im.states; s != NULL; s = s->next)
        tdag_tensor_free(s->initial);
    tdagi_env_free(&im.env);
    return st;
}

static tdag_status read_functions(tdagi_cml *im, const Cml__Program *p,
                                  tdag_model **out)
{
    const Cml__ModelDescription *d = im->package->model->description;
    const char *first = d == NULL || *d->default_function_name == '\0'
                            ? "main"
                            : d->default_function_name;
    tdagi_model_builder b;
    tdag_status st = TDAG_OK;
    if (p->n_functions == 1)
        return read_function(im, p->functions[0], "forward", NULL, out);
    tdagi_model_begin(&b, im->package->ctx);
    for (int rest = 0; rest < 2; rest++)
        for (size_t i = 0; i < p->n_functions && st == TDAG_OK; i++)
            if ((strcmp(p->functions[i]->key, first) == 0) != rest)
                st = read_function(im, p->functions[i],
                                   rest == 0 ? "forward" : p->functions[i]->key, &b,
                                   out);
    if (st != TDAG_OK) {
        tdagi_model_drop(&b);
        return st;
    }
    TDAGI_TRY(tdagi_model_finish(&b, out));
    st = tdagi_model_verify(im->package->ctx, *out);
    if (st == TDAG_OK) return st;
    tdag_model_free(*out);
    *out = NULL;
    return st;
}

/* The model's program, or one that stands for its network. */
static tdag_status find_program(tdagi_package *package, const Cml__Program **out)
{
    const Cml__Model *m = package->model;
    tdag_ctx *ctx = package->ctx;
    if (m->type_case == CML__MODEL__TYPE_ML_PROGRAM) {
        *out = m->ml_program;
        if ((*out)->n_functions > 0) return TDAG_OK;
        return tdagi_fail(ctx, TDAG_E_FORMAT, "%s has no functions", package->what);
    }
    if (!tdagi_network_is(m))
        return tdagi_fail(ctx, TDAG_E_UNSUPPORTED,
                          "%s is a model of Core ML that is neither an ML program, a "
                          "neural network nor a pipeline of such",
                          package->what);
    if (m->description == NULL)
        return tdagi_fail(ctx, TDAG_E_FORMAT, "%s does not describe its inputs",
                          package->what);
    *out = tdagi_network_program(&package->arena, m);
    return *out == NULL ? tdagi_nomem(ctx) : TDAG_OK;
}

tdag_status tdagi_coreml_read(tdagi_package *package, const tdag_input_spec *inputs,
                              uint32_t n_inputs, const tdag_coreml_options *options,
                              tdag_model **out)
{
    tdag_ctx *ctx = package->ctx;
    tdag_coreml_options o;
    uint32_t known = TDAG_COREML_OPAQUE | TDAG_COREML_F16 | TDAG_COREML_NO_CHECK |
                     TDAG_COREML_STATE_INPUTS;
    TDAGI_TRY(tdagi_options_load(ctx, &o, sizeof(o), options));
    if ((o.flags & ~known) != 0)
        return tdagi_fail(ctx, TDAG_E_ARG, "unknown flags of tdag_coreml_options");
    const Cml__Program *program = NULL;
    TDAGI_TRY(find_program(package, &program));
    tdagi_cml im = {.package = package,
                    .inputs = inputs,
                    .n_inputs = n_inputs,
                    .keeps_opaque = (o.flags & TDAG_COREML_OPAQUE) != 0};
    return read_functions(&im, program, out);
}

tdag_status tdag_from_coreml(tdag_ctx *ctx, const char *path,
                             const tdag_input_spec *inputs, uint32_t n_inputs,
                             const tdag_coreml_options *options, tdag_model **out)
{
    TDAGI_TRY(tdagi_need(ctx, path, "path"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    if (n_inputs > 0) TDAGI_TRY(tdagi_need(ctx, inputs, "inputs"));
    return tdagi_coreml_open(ctx, NULL, path, inputs, n_inputs, options, out);
}
