/* The model around the program: specification version, inputs and outputs, metadata. */
#include <stdio.h>

#include "base/tensor.h"
#include "coreml/package/metadata.h"
#include "coreml/write/mil.h"

static uint32_t version_of(uint32_t target) { return target == 26 ? 10 : target - 9; }

static int32_t array_dtype(int32_t mil)
{
    enum { FLOAT32 = 65568, FLOAT16 = 65552, INT32 = 131104 };
    return mil == TDAGI_MIL_F32 ? FLOAT32 : mil == TDAGI_MIL_F16 ? FLOAT16 : INT32;
}

static void add_range(tdagi_mil_writer *w, tdagi_mil_array *to, tdag_dim d)
{
    const int64_t sample = tdagi_dim_sample(w->pool, d);
    Cml__SizeRange *range = tdagi_mil_message(w, &cml__size_range__descriptor);
    if (range == NULL) return;
    range->lower_bound = d < 0 ? 1 : (uint64_t)sample;
    range->upper_bound = d < 0 ? tdagi_open_end(sample) : sample;
    tdagi_mil_push(w, to, range);
}

static void add_ranges(tdagi_mil_writer *w, Cml__ArrayFeatureType *a,
                       const tdagi_type *type)
{
    tdagi_mil_array ranges = {NULL, 0};
    Cml__ShapeRange *r = tdagi_mil_message(w, &cml__shape_range__descriptor);
    for (uint32_t i = 0; i < type->rank; i++)
        add_range(w, &ranges, type->shape[i]);
    if (r == NULL) return;
    r->n_size_ranges = ranges.n;
    r->size_ranges = (Cml__SizeRange **)ranges.v;
    a->flex_case = CML__ARRAY_FEATURE_TYPE__FLEX_SHAPE_RANGE;
    a->shape_range = r;
}

/* A shape of inputs: a rank of 0 is one element; of outputs where it is fixed. */
static void add_shape(tdagi_mil_writer *w, Cml__ArrayFeatureType *a,
                      const tdagi_type *type, bool is_input)
{
    bool is_open = false;
    int64_t *shape = tdagi_mil_alloc(w, (TDAG_MAX_RANK + 1) * sizeof *shape);
    if (shape == NULL) return;
    for (uint32_t i = 0; i < type->rank; i++) {
        is_open = is_open || type->shape[i] < 0;
        shape[i] = tdagi_dim_sample(w->pool, type->shape[i]);
    }
    shape[TDAG_MAX_RANK] = 1;
    a->shape = shape;
    a->n_shape = type->rank;
    if (is_input && type->rank == 0) {
        a->shape = shape + TDAG_MAX_RANK;
        a->n_shape = 1;
    }
    if (is_open && !is_input) a->n_shape = 0;
    if (is_open && is_input) add_ranges(w, a, type);
}

static Cml__FeatureDescription *feature(tdagi_mil_writer *w, const char *name,
                                        const tdagi_type *type, bool is_input)
{
    Cml__FeatureDescription *f =
        tdagi_mil_message(w, &cml__feature_description__descriptor);
    Cml__FeatureType *t = tdagi_mil_message(w, &cml__feature_type__descriptor);
    Cml__ArrayFeatureType *a =
        tdagi_mil_message(w, &cml__array_feature_type__descriptor);
    if (f == NULL || t == NULL || a == NULL) return NULL;
    a->data_type = array_dtype(tdagi_mil_dtype(w, type->dtype));
    add_shape(w, a, type, is_input);
    t->type_case = CML__FEATURE_TYPE__TYPE_MULTI_ARRAY_TYPE;
    t->multi_array_type = a;
    f->name = (char *)(uintptr_t)name;
    f->type = t;
    return f;
}

/* What it is where it is not given: one number everywhere. */
static void set_default(Cml__FeatureType *t, const tdag_tensor *is)
{
    Cml__ArrayFeatureType *a = t->multi_array_type;
    const double x = is->count == 0 ? 0 : tdagi_tensor_get_f64(is, 0);
    t->is_optional = true;
    if (tdag_dtype_is_float(is->dtype)) {
        a->def_case = CML__ARRAY_FEATURE_TYPE__DEF_FLOAT_DEFAULT_VALUE;
        a->float_default_value = (float)x;
    } else {
        a->def_case = CML__ARRAY_FEATURE_TYPE__DEF_INT_DEFAULT_VALUE;
        a->int_default_value = (int32_t)x;
    }
}

static Cml__FeatureDescription *state_feature(tdagi_mil_writer *w, tdagi_mil v)
{
    Cml__FeatureDescription *f = feature(w, v->name, &v->type, true);
    Cml__StateFeatureType *s =
        tdagi_mil_message(w, &cml__state_feature_type__descriptor);
    if (f == NULL || s == NULL) return NULL;
    s->array_type = f->type->multi_array_type;
    f->type->type_case = CML__FEATURE_TYPE__TYPE_STATE_TYPE;
    f->type->state_type = s;
    return f;
}

/* What is at hand, as a function's. */
static Cml__FunctionDescription *describe(tdagi_mil_writer *w, const char *name)
{
    tdagi_mil_array inputs = {NULL, 0}, outputs = {NULL, 0}, states = {NULL, 0};
    Cml__FunctionDescription *d =
        tdagi_mil_message(w, &cml__function_description__descriptor);
    if (d == NULL) return NULL;
    for (uint32_t i = 0; i < w->takes.n; i++) {
        tdagi_mil v = w->takes.v[i];
        Cml__FeatureDescription *f = feature(w, v->name, &v->type, true);
        if (f != NULL && v->begins_as != NULL) set_default(f->type, v->begins_as);
        tdagi_mil_push(w, &inputs, f);
    }
    for (uint32_t i = 0; i < w->outputs.n; i++) {
        tdagi_mil v = w->outputs.v[i];
        tdagi_mil_push(w, &outputs, feature(w, v->name, &v->type, false));
    }
    for (uint32_t i = 0; i < w->keeps.n; i++)
        tdagi_mil_push(w, &states, state_feature(w, w->keeps.v[i]));
    d->name = (char *)(uintptr_t)name;
    d->n_input = inputs.n;
    d->input = (Cml__FeatureDescription **)inputs.v;
    d->n_output = outputs.n;
    d->output = (Cml__FeatureDescription **)outputs.v;
    d->n_state = states.n;
    d->state = (Cml__FeatureDescription **)states.v;
    return d;
}

/* Of one function it is the model's own description. */
static Cml__ModelDescription *description(tdagi_mil_writer *w)
{
    Cml__ModelDescription *d =
        tdagi_mil_message(w, &cml__model_description__descriptor);
    Cml__FunctionDescription **all = (Cml__FunctionDescription **)w->descriptions.v;
    if (d == NULL || w->status != TDAG_OK) return NULL;
    if (w->descriptions.n > 1) {
        d->n_functions = w->descriptions.n;
        d->functions = all;
        d->default_function_name = all[0]->name;
        return d;
    }
    d->n_input = all[0]->n_input;
    d->input = all[0]->input;
    d->n_output = all[0]->n_output;
    d->output = all[0]->output;
    d->n_state = all[0]->n_state;
    d->state = all[0]->state;
    return d;
}

Cml__Block *tdagi_mil_block(tdagi_mil_writer *w, const tdagi_mil_array *outputs)
{
    tdagi_mil_array names = {NULL, 0};
    Cml__Block *b = tdagi_mil_message(w, &cml__block__descriptor);
    if (b == NULL) return NULL;
    for (uint32_t i = 0; i < outputs->n; i++)
        tdagi_mil_push(w, &names, (void *)(uintptr_t)((tdagi_mil)outputs->v[i])->name);
    b->n_outputs = names.n;
    b->outputs = (char **)names.v;
    b->n_operations = w->ops.n;
    b->operations = (Cml__Operation **)w->ops.v;
    return b;
}

static Cml__Function *function(tdagi_mil_writer *w)
{
    Cml__Function *f = tdagi_mil_message(w, &cml__function__descriptor);
    Cml__BlockEntry *entry = tdagi_mil_message(w, &cml__block_entry__descriptor);
    Cml__BlockEntry **entries = tdagi_mil_alloc(w, sizeof *entries);
    char *opset = tdagi_mil_alloc(w, 16);
    if (f == NULL || entry == NULL || entries == NULL || opset == NULL) return NULL;
    snprintf(opset, 16, "CoreML%lu", (unsigned long)version_of(w->target) - 1);
    for (uint32_t i = 0; i < w->ops.n; i++)
        tdagi_mil_push(w, &w->consts, w->ops.v[i]);
    w->ops = w->consts;
    entry->key = opset;
    entry->value = tdagi_mil_block(w, &w->outputs);
    *entries = entry;
    f->n_inputs = w->inputs.n;
    f->inputs = (Cml__NamedValueType **)w->inputs.v;
    f->opset = opset;
    f->n_block_specializations = 1;
    f->block_specializations = entries;
    return f;
}

void tdagi_mil_end_function(tdagi_mil_writer *w, const char *name)
{
    const tdagi_mil_array none = {NULL, 0};
    const tdagi_table empty = {NULL, 0, 0};
    Cml__FunctionEntry *entry = tdagi_mil_message(w, &cml__function_entry__descriptor);
    tdagi_mil_push(w, &w->descriptions, describe(w, name));
    tdagi_mil_push(w, &w->functions, entry);
    if (entry == NULL) return;
    entry->key = (char *)(uintptr_t)name;
    entry->value = function(w);
    tdagi_mil_note_scopes(w);
    w->ops = w->consts = w->inputs = w->takes = w->keeps = w->outputs = none;
    w->names = w->constants = empty;
}

static Cml__Program *program(tdagi_mil_writer *w)
{
    Cml__Program *p = tdagi_mil_message(w, &cml__program__descriptor);
    if (p == NULL) return NULL;
    p->version = 1;
    p->n_functions = w->functions.n;
    p->functions = (Cml__FunctionEntry **)w->functions.v;
    return p;
}

Cml__Model *tdagi_mil_model(tdagi_mil_writer *w)
{
    Cml__Model *m = tdagi_mil_message(w, &cml__model__descriptor);
    if (m == NULL) return NULL;
    m->specification_version = (int32_t)version_of(w->target);
    m->description = description(w);
    if (m->description == NULL) return NULL;
    if (w->status == TDAG_OK)
        w->status = tdagi_metadata_write(w->ctx, &w->arena, w->model, m->description);
    char *notes = tdagi_mil_notes(w);
    if (w->status == TDAG_OK && notes != NULL)
        w->status = tdagi_metadata_add_notes(w->ctx, &w->arena, notes, m->description);
    m->type_case = CML__MODEL__TYPE_ML_PROGRAM;
    m->ml_program = program(w);
    return w->status == TDAG_OK ? m : NULL;
}
