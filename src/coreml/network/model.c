/* Models that are networks: what they take and give by their descriptions, and how that
 * is laid out inside. Older networks see every array as [sequence, batch, channels,
 * height, width]. */
#include <string.h>

#include "coreml/network/network.h"

static const Cml__NeuralNetwork *network_of(const Cml__Model *model)
{
    if (model->type_case == CML__MODEL__TYPE_NEURAL_NETWORK)
        return model->neural_network;
    if (model->type_case == CML__MODEL__TYPE_NEURAL_NETWORK_CLASSIFIER)
        return model->neural_network_classifier;
    if (model->type_case == CML__MODEL__TYPE_NEURAL_NETWORK_REGRESSOR)
        return model->neural_network_regressor;
    return NULL;
}

bool tdagi_network_is(const Cml__Model *model)
{
    return model->type_case == CML__MODEL__TYPE_PIPELINE || network_of(model) != NULL;
}

/* ---- the function that stands for it ---- */

/* Gray images have one channel. */
static uint32_t channels(const Cml__ImageFeatureType *image)
{
    return image->color_space == 10 || image->color_space == 40 ? 1 : 3;
}

static bool is_array(const Cml__FeatureDescription *f)
{
    return f->type != NULL &&
           f->type->type_case == CML__FEATURE_TYPE__TYPE_MULTI_ARRAY_TYPE;
}

static bool is_image(const Cml__FeatureDescription *f)
{
    return f->type != NULL && f->type->type_case == CML__FEATURE_TYPE__TYPE_IMAGE_TYPE;
}

static uint32_t rank_of(const Cml__FeatureDescription *f)
{
    if (is_image(f)) return 4;
    return is_array(f) ? (uint32_t)f->type->multi_array_type->n_shape : 0;
}

/* The size of an axis where it is fixed; false: the description leaves it open. */
static bool fixed_size(const Cml__FeatureDescription *f, uint32_t axis, uint64_t *out)
{
    if (is_image(f)) {
        const Cml__ImageFeatureType *i = f->type->image_type;
        const uint64_t sizes[4] = {1, channels(i), (uint64_t)i->height,
                                   (uint64_t)i->width};
        *out = sizes[axis];
        return axis < 2 || i->flex_case == CML__IMAGE_FEATURE_TYPE__FLEX__NOT_SET;
    }
    const Cml__ArrayFeatureType *a = f->type->multi_array_type;
    *out = (uint64_t)a->shape[axis];
    if (a->flex_case == CML__ARRAY_FEATURE_TYPE__FLEX_SHAPE_RANGE &&
        axis < a->shape_range->n_size_ranges) {
        const Cml__SizeRange *r = a->shape_range->size_ranges[axis];
        return r->upper_bound >= 0 && (uint64_t)r->upper_bound == r->lower_bound;
    }
    bool same = true;
    if (a->flex_case == CML__ARRAY_FEATURE_TYPE__FLEX_ENUMERATED_SHAPES)
        for (size_t i = 0; i < a->enumerated_shapes->n_shapes; i++) {
            const Cml__Shape *s = a->enumerated_shapes->shapes[i];
            same &= axis < s->n_shape && s->shape[axis] == a->shape[axis];
        }
    return same;
}

/* An empty message of that kind, or NULL from here. */
#define MAKE(arena, type, kind, name)                                                  \
    type *name = tdagi_message_new(arena, &cml__##kind##__descriptor);                 \
    if (name == NULL) return NULL

static Cml__Dimension *dimension(tdagi_arena *arena, const Cml__FeatureDescription *f,
                                 uint32_t axis)
{
    uint64_t size;
    MAKE(arena, Cml__Dimension, dimension, d);
    if (!fixed_size(f, axis, &size)) {
        d->dimension_case = CML__DIMENSION__DIMENSION_UNKNOWN;
        return d;
    }
    MAKE(arena, Cml__ConstantDimension, constant_dimension, c);
    c->size = size;
    d->dimension_case = CML__DIMENSION__DIMENSION_CONSTANT;
    d->constant = c;
    return d;
}

static Cml__NamedValueType *parameter(tdagi_arena *arena,
                                      const Cml__FeatureDescription *f)
{
    MAKE(arena, Cml__NamedValueType, named_value_type, v);
    MAKE(arena, Cml__ValueType, value_type, type);
    MAKE(arena, Cml__TensorType, tensor_type, t);
    v->name = f->name;
    if (!is_array(f) && !is_image(f)) return v; /* refused where it is taken */
    v->type = type;
    type->type_case = CML__VALUE_TYPE__TYPE_TENSOR_TYPE;
    type->tensor_type = t;
    t->data_type = TDAGI_MIL_F32;
    t->rank = rank_of(f);
    t->n_dimensions = rank_of(f);
    t->dimensions = tdagi_arena_array(arena, t->n_dimensions + 1, sizeof(void *));
    for (uint32_t i = 0; t->dimensions != NULL && i < t->n_dimensions; i++)
        if ((t->dimensions[i] = dimension(arena, f, i)) == NULL) return NULL;
    return t->dimensions == NULL ? NULL : v;
}

/* What a classifier gives beside labels is no feature but a blob. */
static char *blob_of_labels(const Cml__NeuralNetwork *n)
{
    if (n->label_probability_layer_name[0] != '\0')
        return n->label_probability_layer_name;
    const Cml__NeuralNetworkLayer *last =
        n->n_layers == 0 ? NULL : n->layers[n->n_layers - 1];
    return last == NULL || last->n_output == 0 ? NULL : last->output[0];
}

static const Cml__Model *last_of(const Cml__Model *m)
{
    for (int depth = 0; m->type_case == CML__MODEL__TYPE_PIPELINE &&
                        m->pipeline->n_models > 0 && depth < 100;
         depth++)
        m = m->pipeline->models[m->pipeline->n_models - 1];
    return m;
}

static Cml__Block *results(tdagi_arena *arena, const Cml__Model *model)
{
    const Cml__ModelDescription *d = model->description;
    const Cml__NeuralNetwork *last = network_of(last_of(model));
    MAKE(arena, Cml__Block, block, b);
    b->outputs = tdagi_arena_array(arena, d->n_output + 1, sizeof(char *));
    if (b->outputs == NULL) return NULL;
    for (size_t i = 0; i < d->n_output; i++)
        if (is_array(d->output[i]) || is_image(d->output[i]))
            b->outputs[b->n_outputs++] = d->output[i]->name;
    if (b->n_outputs == 0 && last != NULL && blob_of_labels(last) != NULL)
        b->outputs[b->n_outputs++] = blob_of_labels(last);
    return b;
}

static Cml__Function *function(tdagi_arena *arena, const Cml__Model *model)
{
    static const char opset[] = "CoreML5";
    const Cml__ModelDescription *d = model->description;
    MAKE(arena, Cml__Function, function, f);
    MAKE(arena, Cml__BlockEntry, block_entry, e);
    Cml__BlockEntry **entries = tdagi_arena_alloc(arena, sizeof(*entries));
    if (entries == NULL) return NULL;
    f->opset = e->key = (char *)(uintptr_t)opset;
    f->inputs = tdagi_arena_array(arena, d->n_input + 1, sizeof(void *));
    if (f->inputs == NULL) return NULL;
    for (; f->n_inputs < d->n_input; f->n_inputs++) {
        f->inputs[f->n_inputs] = parameter(arena, d->input[f->n_inputs]);
        if (f->inputs[f->n_inputs] == NULL) return NULL;
    }
    e->value = results(arena, model);
    *entries = e;
    f->n_block_specializations = 1;
    f->block_specializations = entries;
    return e->value == NULL ? NULL : f;
}

Cml__Program *tdagi_network_program(tdagi_arena *arena, const Cml__Model *model)
{
    static const char name[] = "main";
    MAKE(arena, Cml__Program, program, p);
    MAKE(arena, Cml__FunctionEntry, function_entry, e);
    Cml__FunctionEntry **entries = tdagi_arena_alloc(arena, sizeof(*entries));
    if (entries == NULL) return NULL;
    e->key = (char *)(uintptr_t)name;
    e->value = function(arena, model);
    *entries = e;
    p->n_functions = 1;
    p->functions = entries;
    return e->value == NULL ? NULL : p;
}

/* ---- what goes in ---- */

static const Cml__NeuralNetworkPreprocessing *
preprocessing_of(const Cml__NeuralNetwork *n, const char *feature)
{
    for (size_t i = 0; i < n->n_preprocessing; i++) {
        const char *of = n->preprocessing[i]->feature_name;
        if (of[0] == '\0' || strcmp(of, feature) == 0) return n->preprocessing[i];
    }
    return NULL;
}

/* Numbers of a model, not of a layer, as a leaf. */
static tdagi_any numbers(tdagi_cml *im, char *owner, const char *name, size_t n,
                         float *v, const int64_t shape[3])
{
    Cml__WeightParams w = {.n_float_value = n, .float_value = v};
    Cml__NeuralNetworkLayer layer = {.name = owner};
    tdagi_layer l = {.im = im, .layer = &layer, .kind = "preprocessing"};
    return tdagi_layer_weights(&l, name, &w, 3, shape);
}

/* One for each channel, in the order of the image. */
static tdagi_any biases(tdagi_cml *im, const Cml__FeatureDescription *f,
                        const Cml__NeuralNetworkImageScaler *s)
{
    const Cml__ImageFeatureType *image = f->type->image_type;
    bool is_bgr = image->color_space == 30, is_gray = channels(image) == 1;
    const float rgb[3] = {s->red_bias, s->green_bias, s->blue_bias};
    const int64_t shape[3] = {channels(image), 1, 1};
    float v[3];
    for (uint32_t i = 0; i < channels(image); i++)
        v[i] = is_gray ? s->gray_bias : rgb[is_bgr ? 2 - i : i];
    return numbers(im, f->name, "bias", channels(image), v, shape);
}

/* An image as the network sees it: scaled, its bias added, or its mean taken away. */
static void preprocess(tdagi_cml *im, tdagi_cml_call *c,
                       const Cml__FeatureDescription *f,
                       const Cml__NeuralNetworkPreprocessing *p)
{
    if (p->kind_case == CML__NEURAL_NETWORK_PREPROCESSING__KIND_SCALER) {
        tdagi_cml_set(c, "bias", biases(im, f, p->scaler));
        tdagi_cml_set(c, "scale", tdagi_any_float((double)p->scaler->channel_scale));
        tdagi_cml_let(c, "x", "add(mul(x, scale), bias)");
    } else if (p->kind_case == CML__NEURAL_NETWORK_PREPROCESSING__KIND_MEAN_IMAGE) {
        const Cml__ImageFeatureType *i = f->type->image_type;
        const int64_t shape[3] = {channels(i), i->height, i->width};
        tdagi_cml_set(c, "mean",
                      numbers(im, f->name, "mean", p->mean_image->n_mean_image,
                              p->mean_image->mean_image, shape));
        tdagi_cml_let(c, "x", "sub(x, mean)");
    }
}

static void take(tdagi_cml *im, const Cml__NeuralNetwork *n,
                 const Cml__FeatureDescription *f)
{
    tdagi_cml_call c;
    tdagi_cml_begin(&c, &im->env, &im->room, f->name);
    tdagi_cml_set(&c, "x", tdagi_cml_get(im, f->name));
    if (tdagi_cml_at(&c, "x").kind != TDAGI_ANY_TENSOR) return;
    const Cml__NeuralNetworkPreprocessing *p = preprocessing_of(n, f->name);
    uint32_t rank = tdagi_cml_rank(&c, "x");
    if (is_image(f)) {
        if (p != NULL) preprocess(im, &c, f, p);
        if (n->image_input_shape_mapping == 0)
            tdagi_cml_let(&c, "x", "unsqueeze(x, 0)");
    } else if (n->array_input_shape_mapping == 0 && rank == 1) {
        tdagi_cml_let(&c, "x", "reshape(x, [1, 1, -1, 1, 1])");
    } else if (n->array_input_shape_mapping == 0 && rank == 3) {
        tdagi_cml_let(&c, "x", "unsqueeze(unsqueeze(x, 0), 0)");
    }
    tdagi_cml_define(im, f->name, tdagi_cml_at(&c, "x"));
}

/* ---- what comes out ---- */

/* In the shape that the description tells, if it tells one of as many elements; else
 * without the axes that only the layout inside has. */
static void bring_out(tdagi_cml *im, const Cml__NeuralNetwork *n,
                      const Cml__FeatureDescription *f)
{
    tdagi_cml_call c;
    tdagi_cml_begin(&c, &im->env, &im->room, f->name);
    if (!is_array(f)) return;
    tdagi_cml_set(&c, "x", tdagi_cml_get(im, f->name));
    if (tdagi_cml_at(&c, "x").kind != TDAGI_ANY_TENSOR) return;
    const Cml__ArrayFeatureType *a = f->type->multi_array_type;
    uint32_t rank = tdagi_cml_rank(&c, "x");
    if (n->array_input_shape_mapping != 0 || rank != 5) return;
    if (a->n_shape > 0 && a->n_shape < 5 && a->n_shape <= TDAG_MAX_RANK) {
        tdagi_cml_set_dims(&c, "shape", (uint32_t)a->n_shape, a->shape);
        tdagi_cml_let(&c, "x", "reshape(x, shape)");
    } else if (a->n_shape == 0) {
        tdagi_cml_let(&c, "x",
                      "if(is(size(x, 0), 1), if(is(size(x, 1), 1), "
                      "flatten(x, 0, 2), x), x)");
    }
    tdagi_cml_define(im, f->name, tdagi_cml_at(&c, "x"));
}

/* ---- running ---- */

static void run_program(tdagi_cml *im, const Cml__Program *p)
{
    const Cml__Function *f =
        p->n_functions == 1 && p->functions[0] != NULL ? p->functions[0]->value : NULL;
    if (f == NULL || f->n_block_specializations != 1 ||
        f->block_specializations[0]->value == NULL) {
        tdagi_env_issue(&im->env, "a pipeline with a program of several functions");
        return;
    }
    tdagi_cml_run(im, f->block_specializations[0]->value);
}

static void run_model(tdagi_cml *im, const Cml__Model *model, uint32_t depth)
{
    const Cml__ModelDescription *d = model->description;
    const Cml__NeuralNetwork *n = network_of(model);
    if (depth > 16) {
        tdagi_env_issue(&im->env, "pipelines within pipelines");
        return;
    }
    if (model->type_case == CML__MODEL__TYPE_PIPELINE)
        for (size_t i = 0; i < model->pipeline->n_models && tdagi_env_ok(&im->env); i++)
            run_model(im, model->pipeline->models[i], depth + 1);
    else if (model->type_case == CML__MODEL__TYPE_ML_PROGRAM)
        run_program(im, model->ml_program);
    else if (n == NULL)
        tdagi_env_issue(&im->env, "a model of a pipeline that is no network");
    if (n == NULL || d == NULL) return;
    for (size_t i = 0; i < d->n_input && tdagi_env_ok(&im->env); i++)
        take(im, n, d->input[i]);
    tdagi_network_run_layers(im, n);
    for (size_t i = 0; i < d->n_output && tdagi_env_ok(&im->env); i++)
        if (tdagi_cml_find(im, d->output[i]->name) != NULL)
            bring_out(im, n, d->output[i]);
}

void tdagi_network_run(tdagi_cml *im, const Cml__Model *model)
{
    run_model(im, model, 0);
}
