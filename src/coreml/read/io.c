/* Inputs and outputs of a function: types by the program, sizes that are open by the
 * description, which tells their defaults and ranges. */
#include "coreml/read/import.h"

#include <string.h>

#include "aten/selection.h"
#include "derive/derive.h"

/* ---- the description ---- */

typedef struct described {
    size_t n_input, n_output;
    Cml__FeatureDescription **input, **output;
} described;

static described describe(const tdagi_cml *im)
{
    const Cml__ModelDescription *d = im->package->model->description;
    described none = {0, 0, NULL, NULL};
    if (d == NULL) return none;
    for (size_t i = 0; i < d->n_functions; i++) {
        const Cml__FunctionDescription *f = d->functions[i];
        if (strcmp(f->name, im->function) == 0)
            return (described){f->n_input, f->n_output, f->input, f->output};
    }
    return (described){d->n_input, d->n_output, d->input, d->output};
}

static const Cml__FeatureType *feature(size_t n, Cml__FeatureDescription **v,
                                       const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(v[i]->name, name) == 0) return v[i]->type;
    return NULL;
}

/* What the description says of an axis: its default, and the range around it. */
typedef struct open_size {
    int64_t at, low, high;
} open_size;

static void widen(open_size *s, int64_t n)
{
    if (n < s->low) s->low = n;
    if (n > s->high) s->high = n;
}

static open_size ranged(int64_t at, const Cml__SizeRange *r)
{
    int64_t low = r->lower_bound > INT64_MAX ? 0 : (int64_t)r->lower_bound;
    int64_t high = r->upper_bound < 0 ? INT64_MAX : r->upper_bound;
    if (at < low) at = low;
    return (open_size){at < 1 ? 1 : at, low, high};
}

static open_size of_array(const Cml__ArrayFeatureType *a, uint32_t axis)
{
    int64_t at = axis < a->n_shape ? a->shape[axis] : 1;
    open_size s = {at, at, at};
    if (a->flex_case == CML__ARRAY_FEATURE_TYPE__FLEX_SHAPE_RANGE &&
        axis < a->shape_range->n_size_ranges)
        return ranged(at, a->shape_range->size_ranges[axis]);
    if (a->flex_case != CML__ARRAY_FEATURE_TYPE__FLEX_ENUMERATED_SHAPES) return s;
    for (size_t i = 0; i < a->enumerated_shapes->n_shapes; i++)
        if (axis < a->enumerated_shapes->shapes[i]->n_shape)
            widen(&s, a->enumerated_shapes->shapes[i]->shape[axis]);
    return s;
}

/* Images are [1, channels, height, width]. */
static open_size of_image(const Cml__ImageFeatureType *image, uint32_t axis,
                          uint32_t rank)
{
    bool is_width = axis + 1 == rank;
    int64_t at = is_width ? image->width : axis + 2 == rank ? image->height : 1;
    open_size s = {at, at, at};
    if (axis + 2 < rank) return s;
    if (image->flex_case == CML__IMAGE_FEATURE_TYPE__FLEX_IMAGE_SIZE_RANGE) {
        const Cml__SizeRange *r = is_width ? image->image_size_range->width_range
                                           : image->image_size_range->height_range;
        return r == NULL ? s : ranged(at, r);
    }
    if (image->flex_case != CML__IMAGE_FEATURE_TYPE__FLEX_ENUMERATED_SIZES) return s;
    for (size_t i = 0; i < image->enumerated_sizes->n_sizes; i++) {
        const Cml__ImageSize *z = image->enumerated_sizes->sizes[i];
        widen(&s, (int64_t)(is_width ? z->width : z->height));
    }
    return s;
}

static open_size size_of(const Cml__FeatureType *type, uint32_t axis, uint32_t rank)
{
    open_size s = {1, 0, INT64_MAX};
    if (type == NULL) return s;
    if (type->type_case == CML__FEATURE_TYPE__TYPE_MULTI_ARRAY_TYPE)
        return of_array(type->multi_array_type, axis);
    if (type->type_case == CML__FEATURE_TYPE__TYPE_IMAGE_TYPE)
        return of_image(type->image_type, axis, rank);
    return s;
}

static tdag_dtype described_dtype(const Cml__FeatureType *type)
{
    if (type == NULL || type->type_case != CML__FEATURE_TYPE__TYPE_MULTI_ARRAY_TYPE)
        return TDAG_DTYPE_NONE;
    switch (type->multi_array_type->data_type) {
    case 65568:
        return TDAG_F32;
    case 65600:
        return TDAG_F64;
    case 65552:
        return TDAG_F16;
    case 131104:
        return TDAG_I32;
    case 131080:
        return TDAG_I8;
    default:
        return TDAG_DTYPE_NONE;
    }
}

/* ---- the caller's specs ---- */

/* By the name in the file, or that which is noted. */
static const tdag_input_spec *named_spec(tdagi_cml *im, const char *name)
{
    const char *note = tdagi_cml_note(im, "input", name);
    for (uint32_t i = 0; i < im->n_inputs; i++) {
        const char *given = im->inputs[i].name;
        const size_t n = given == NULL ? 0 : strlen(given);
        if (given != NULL &&
            (strcmp(given, name) == 0 ||
             (note != NULL && strncmp(note, given, n) == 0 && note[n] == ' ')))
            return &im->inputs[i];
    }
    return NULL;
}

static bool is_state(const Cml__NamedValueType *v)
{
    return v->type != NULL && v->type->type_case == CML__VALUE_TYPE__TYPE_STATE_TYPE;
}

/* Whether it may be left out: it has a number that all its elements are then. */
static bool is_optional(const Cml__FeatureType *type)
{
    return type != NULL && type->is_optional &&
           type->type_case == CML__FEATURE_TYPE__TYPE_MULTI_ARRAY_TYPE;
}

double tdagi_cml_default_of(const Cml__ArrayFeatureType *a)
{
    if (a->def_case == CML__ARRAY_FEATURE_TYPE__DEF_INT_DEFAULT_VALUE)
        return a->int_default_value;
    if (a->def_case == CML__ARRAY_FEATURE_TYPE__DEF_FLOAT_DEFAULT_VALUE)
        return (double)a->float_default_value;
    if (a->def_case == CML__ARRAY_FEATURE_TYPE__DEF_DOUBLE_DEFAULT_VALUE)
        return a->double_default_value;
    return 0;
}

/* As many as the function takes, by name if all have those of the function; optional
 * ones may be left out then. */
static void match_inputs(tdagi_cml *im, const Cml__Function *f)
{
    uint32_t n = 0, named = 0, absent = 0;
    described d = describe(im);
    for (size_t i = 0; i < f->n_inputs; i++) {
        const char *name = f->inputs[i]->name;
        if (is_state(f->inputs[i]) || tdagi_cml_is_kept(im, name)) continue;
        n++;
        bool is_named = named_spec(im, name) != NULL;
        named += is_named;
        absent += !is_named && is_optional(feature(d.n_input, d.input, name));
    }
    im->by_name = named == n;
    if (im->n_inputs == 0 || im->n_inputs == n) return;
    im->by_name = named == im->n_inputs && named + absent == n;
    if (!im->by_name) tdagi_env_other_inputs(&im->env, "model", n, im->n_inputs);
}

/* ---- symbols ---- */

/* A size that is open. Two inputs share it where they have the same default and range
 * at the same place among their open sizes. */
typedef struct symbol {
    open_size size;
    uint32_t nth; /* of such sizes of its input */
    tdag_dim dim;
    struct symbol *next;
} symbol;

static tdag_dim new_symbol(tdagi_cml *im, const char *input, uint32_t axis,
                           const open_size *s, const tdag_input_spec *given)
{
    int64_t at = given == NULL ? s->at : given->shape[axis];
    if (at < s->low || at > s->high) {
        im->env.status = tdagi_fail(
            im->env.ctx, TDAG_E_ARG,
            "axis %u of the input %s is %lld, which is not within %lld to %lld",
            (unsigned)axis, input, (long long)at, (long long)s->low,
            (long long)s->high);
        return 0;
    }
    if (given != NULL && given->symbol[axis] == NULL) return at;
    const char *name = given != NULL
                           ? given->symbol[axis]
                           : tdagi_env_text(&im->env, "%s_%u", input, (unsigned)axis);
    return name == NULL ? 0 : tdag_builder_symbol(im->env.b, name, at);
}

static tdag_dim open_dim(tdagi_cml *im, symbol **all, const char *input, uint32_t axis,
                         const open_size *s, uint32_t nth, const tdag_input_spec *given)
{
    for (symbol *k = *all; k != NULL; k = k->next)
        if (given == NULL && k->nth == nth && k->size.at == s->at &&
            k->size.low == s->low && k->size.high == s->high)
            return k->dim;
    symbol *k = tdagi_env_alloc(&im->env, sizeof(*k));
    if (k == NULL) return 0;
    *k = (symbol){*s, nth, new_symbol(im, input, axis, s, given), *all};
    *all = k;
    return k->dim;
}

/* How many open sizes before that axis have the same default and range. */
static uint32_t nth_of(const Cml__TensorType *t, const Cml__FeatureType *is,
                       uint32_t axis, const open_size *s)
{
    uint32_t n = 0, rank = (uint32_t)t->n_dimensions;
    for (uint32_t i = 0; i < axis; i++) {
        open_size other = size_of(is, i, rank);
        n += t->dimensions[i]->dimension_case != CML__DIMENSION__DIMENSION_CONSTANT &&
             other.at == s->at && other.low == s->low && other.high == s->high;
    }
    return n;
}

/* ---- types ---- */

static bool constant_dim(const Cml__Dimension *d, tdag_dim *out)
{
    if (d->dimension_case != CML__DIMENSION__DIMENSION_CONSTANT ||
        d->constant->size > INT64_MAX / 64)
        return false;
    *out = (tdag_dim)d->constant->size;
    return true;
}

bool tdagi_cml_type(tdagi_cml *im, const char *what, const Cml__TensorType *type,
                    tdag_dtype *dtype_out, tdag_dim *dims_out)
{
    const tdagi_cml_element *e = tdagi_cml_element_of(type->data_type);
    bool ok = e != NULL && type->n_dimensions <= TDAG_MAX_RANK;
    for (uint32_t i = 0; ok && i < type->n_dimensions; i++)
        ok = constant_dim(type->dimensions[i], &dims_out[i]);
    if (!ok)
        tdagi_env_issue(&im->env, "%.200s, of a type that is not supported", what);
    else
        *dtype_out = (tdag_dtype)e->dtype;
    return ok;
}

/* ---- inputs ---- */

/* Of the one axis of a vector of fixed size; else 0. */
static tdag_dim constant_size(const Cml__TensorType *t)
{
    tdag_dim n = 0;
    return t->n_dimensions == 1 && constant_dim(t->dimensions[0], &n) ? n : 0;
}

static tdagi_any take_tensor(tdagi_cml *im, symbol **symbols,
                             const Cml__NamedValueType *v, const Cml__FeatureType *is,
                             const tdag_input_spec *given)
{
    const Cml__TensorType *t = v->type->tensor_type;
    const tdagi_cml_element *e = tdagi_cml_element_of(t->data_type);
    uint32_t rank = (uint32_t)t->n_dimensions;
    tdag_dim dims[TDAG_MAX_RANK];
    if (e == NULL || t->n_dimensions > TDAG_MAX_RANK)
        return tdagi_env_issue(&im->env,
                               "the input %.200s, of a type that is not "
                               "supported",
                               v->name);
    tdag_dtype inner = (tdag_dtype)e->dtype, outer = described_dtype(is);
    if (outer == TDAG_DTYPE_NONE) outer = inner;
    bool absent = given == NULL && im->n_inputs > 0; /* an optional one */
    const char *name = v->name;
    bool is_scalar;
    const tdag_dtype noted =
        tdagi_cml_noted_type(im, "input", v->name, outer, &name, &is_scalar);
    is_scalar = is_scalar && constant_size(t) == 1;
    if (given == NULL || given->dtype != outer) outer = noted;
    if (given != NULL && given->rank == rank) is_scalar = false;
    bool same = given == NULL ||
                (given->dtype == outer && given->rank == (is_scalar ? 0 : rank));
    for (uint32_t i = 0; i < rank && same && tdagi_env_ok(&im->env); i++) {
        open_size s = size_of(is, i, rank);
        if (!constant_dim(t->dimensions[i], &dims[i]))
            dims[i] = absent ? s.at
                             : open_dim(im, symbols, v->name, i, &s,
                                        nth_of(t, is, i, &s), given);
        else
            same = given == NULL || is_scalar || given->shape[i] == dims[i];
    }
    if (!tdagi_env_ok(&im->env)) return tdagi_any_poison();
    if (!same) {
        for (uint32_t i = 0; i < rank; i++)
            if (!constant_dim(t->dimensions[i], &dims[i]))
                dims[i] = size_of(is, i, rank).at;
        tdagi_env_other_input(&im->env, "model", v->name, outer, rank, dims);
        return tdagi_any_poison();
    }
    if (absent)
        return tdagi_any_tensor(tdagi_cell_new(
            &im->env, tdagi_full(im->env.b, inner, rank, dims,
                                 tdagi_cml_default_of(is->multi_array_type))));
    tdag_value x = tdag_add_input(im->env.b, tdagi_env_name(&im->env, name), outer,
                                  is_scalar ? 0 : rank, dims);
    if (x.id == 0) {
        tdagi_env_fail_here(&im->env, tdag_builder_get_status(im->env.b), v->name);
        return tdagi_any_poison();
    }
    if (is_scalar) x = tdagi_reshape(im->env.b, x, rank, dims);
    return tdagi_any_tensor(
        tdagi_cell_new(&im->env, outer == inner ? x : tdagi_cast(im->env.b, x, inner)));
}

void tdagi_cml_take_inputs(tdagi_cml *im, const Cml__Function *f)
{
    symbol *symbols = NULL;
    described d = describe(im);
    uint32_t k = 0;
    match_inputs(im, f);
    for (size_t i = 0; i < f->n_inputs && tdagi_env_ok(&im->env); i++) {
        const Cml__NamedValueType *v = f->inputs[i];
        if (is_state(v)) {
            const Cml__ValueType *wrapped = v->type->state_type->wrapped_type;
            if (wrapped == NULL ||
                wrapped->type_case != CML__VALUE_TYPE__TYPE_TENSOR_TYPE)
                tdagi_cml_bad(im, "the state %.200s has no type", v->name);
            else
                tdagi_cml_add_state(im, v->name, wrapped->tensor_type);
            continue;
        }
        if (v->type == NULL ||
            v->type->type_case != CML__VALUE_TYPE__TYPE_TENSOR_TYPE) {
            tdagi_cml_define(im, v->name,
                             tdagi_env_issue(&im->env,
                                             "the input %.200s, which is no "
                                             "tensor",
                                             v->name));
            continue;
        }
        if (tdagi_cml_is_kept(im, v->name)) {
            tdagi_cml_keep_input(im, v->name, v->type->tensor_type,
                                 feature(d.n_input, d.input, v->name));
            continue;
        }
        const tdag_input_spec *given = im->n_inputs == 0 ? NULL
                                       : im->by_name     ? named_spec(im, v->name)
                                                         : &im->inputs[k];
        k++;
        tdagi_cml_define(
            im, v->name,
            take_tensor(im, &symbols, v, feature(d.n_input, d.input, v->name), given));
    }
}

/* ---- outputs ---- */

static void give(tdagi_cml *im, const char *name, tdag_dtype outer)
{
    tdagi_env *env = &im->env;
    tdagi_any v = tdagi_settled(env, tdagi_cml_get(im, name));
    if (v.kind == TDAGI_ANY_DATA) v.kind = TDAGI_ANY_TENSOR;
    if (v.kind == TDAGI_ANY_STRING) return; /* the name of a class */
    if (v.kind != TDAGI_ANY_TENSOR) {
        if (v.kind != TDAGI_ANY_POISON)
            tdagi_env_issue(env, "an output that is %s", tdagi_any_text(env, v));
        else if (tdagi_env_note_poison(env, &v) && env->n_noted == 0)
            tdagi_env_issue(env, "an output that is not computed");
        return;
    }
    tdag_value x = tdagi_cell_read(env, v.u.tensor);
    tdag_dtype inner = x.id == 0 ? outer : tdag_builder_get_dtype(env->b, x);
    const char *called;
    bool is_scalar;
    outer = tdagi_cml_noted_type(im, "output", name,
                                 outer == TDAG_DTYPE_NONE ? inner : outer, &called,
                                 &is_scalar);
    const tdag_value before = tdagi_cml_before(im, x, outer);
    if (before.id != 0)
        x = before;
    else if (x.id != 0 && outer != TDAG_DTYPE_NONE && inner != outer)
        x = tdagi_cast(env->b, x, outer);
    tdag_builder_add_output(env->b, x);
}

void tdagi_cml_give_outputs(tdagi_cml *im, const Cml__Block *block)
{
    described d = describe(im);
    for (size_t i = 0; i < block->n_outputs && tdagi_env_ok(&im->env); i++)
        if (!tdagi_cml_write_kept(im, block->outputs[i]))
            give(im, block->outputs[i],
                 described_dtype(feature(d.n_output, d.output, block->outputs[i])));
    tdag_status st = tdag_builder_get_status(im->env.b);
    if (st != TDAG_OK && tdagi_env_ok(&im->env))
        tdagi_env_fail_here(&im->env, st, "the outputs");
}
