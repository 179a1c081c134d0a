/* Constants of programs: elements in the message, or in a weight file, from which they
 * are mapped where they are stored as tensors are here. */
#include "coreml/read/import.h"

#include <string.h>

#include "aten/aten.h"
#include "base/tensor.h"

/* Unsigned ones of 16 and more bits are widened; bits are unpacked. */
static const tdagi_cml_element elements[] = {
    {TDAGI_MIL_BOOL, 0, TDAG_BOOL, 8, false},
    {TDAGI_MIL_F16, TDAGI_BLOB_F16, TDAG_F16, 16, true},
    {TDAGI_MIL_F32, TDAGI_BLOB_F32, TDAG_F32, 32, true},
    {TDAGI_MIL_F64, 0, TDAG_F64, 64, true},
    {TDAGI_MIL_BF16, TDAGI_BLOB_BF16, TDAG_BF16, 16, true},
    {TDAGI_MIL_I8, TDAGI_BLOB_I8, TDAG_I8, 8, true},
    {TDAGI_MIL_I16, TDAGI_BLOB_I16, TDAG_I16, 16, true},
    {TDAGI_MIL_I32, TDAGI_BLOB_I32, TDAG_I32, 32, true},
    {TDAGI_MIL_I64, 0, TDAG_I64, 64, true},
    {TDAGI_MIL_U8, TDAGI_BLOB_U8, TDAG_U8, 8, false},
    {TDAGI_MIL_U16, TDAGI_BLOB_U16, TDAG_I32, 16, false},
    {TDAGI_MIL_U32, TDAGI_BLOB_U32, TDAG_I64, 32, false},
    {TDAGI_MIL_U64, 0, TDAG_I64, 64, false},
    {TDAGI_MIL_I4, TDAGI_BLOB_I4, TDAG_I8, 4, true},
    {TDAGI_MIL_U1, TDAGI_BLOB_U1, TDAG_U8, 1, false},
    {TDAGI_MIL_U2, TDAGI_BLOB_U2, TDAG_U8, 2, false},
    {TDAGI_MIL_U3, TDAGI_BLOB_U3, TDAG_U8, 3, false},
    {TDAGI_MIL_U4, TDAGI_BLOB_U4, TDAG_U8, 4, false},
    {TDAGI_MIL_U6, TDAGI_BLOB_U6, TDAG_U8, 6, false},
};

const tdagi_cml_element *tdagi_cml_element_of(int32_t mil_dtype)
{
    for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++)
        if (elements[i].mil == mil_dtype) return &elements[i];
    return NULL;
}

tdag_dtype tdagi_cml_dtype(const char *text)
{
    static const struct {
        const char *text;
        tdag_dtype dtype;
    } names[] = {{"fp16", TDAG_F16},    {"fp32", TDAG_F32},   {"fp64", TDAG_F64},
                 {"bf16", TDAG_BF16},   {"int8", TDAG_I8},    {"uint8", TDAG_U8},
                 {"int16", TDAG_I16},   {"int32", TDAG_I32},  {"int64", TDAG_I64},
                 {"uint16", TDAG_I32},  {"bool", TDAG_BOOL},  {"uint32", TDAG_I64},
                 {"float16", TDAG_F16}, {"float32", TDAG_F32}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i].text, text) == 0) return names[i].dtype;
    return TDAG_DTYPE_NONE;
}

/* ---- elements ---- */

typedef struct source {
    tdagi_cml *im;
    const char *name;
    const tdagi_cml_element *is;
    uint32_t rank;
    int64_t shape[TDAG_MAX_RANK];
    uint64_t count;
} source;

static bool refuse(source *s, const char *why)
{
    tdagi_cml_bad(s->im, "the constant %.200s %s", s->name, why);
    return false;
}

static bool read_type(source *s, const Cml__ValueType *type)
{
    const Cml__TensorType *t = type->tensor_type;
    s->is = tdagi_cml_element_of(t->data_type);
    s->count = 1;
    if (t->n_dimensions > TDAG_MAX_RANK) return refuse(s, "has too many axes");
    s->rank = (uint32_t)t->n_dimensions;
    for (uint32_t i = 0; i < s->rank; i++) {
        const Cml__Dimension *d = t->dimensions[i];
        if (d->dimension_case != CML__DIMENSION__DIMENSION_CONSTANT ||
            d->constant->size > INT64_MAX / 64 ||
            __builtin_mul_overflow(s->count, d->constant->size, &s->count) ||
            s->count > INT64_MAX / 64)
            return refuse(s, "has no size");
        s->shape[i] = (int64_t)d->constant->size;
    }
    if (s->is != NULL) return true;
    tdagi_env_issue(&s->im->env,
                    "the constant %.200s, of a dtype that is not supported", s->name);
    return false;
}

static tdag_tensor *create(source *s)
{
    tdag_tensor *t = NULL;
    tdagi_env *env = &s->im->env;
    if (!tdagi_env_ok(env)) return NULL;
    env->status =
        tdag_tensor_create(env->ctx, (tdag_dtype)s->is->dtype, s->rank, s->shape, &t);
    return t;
}

/* Element i of packed ones: low bits first. */
static int64_t unpack(const uint8_t *p, uint64_t i, unsigned bits, bool is_signed)
{
    uint64_t at = i * bits, v = 0;
    for (unsigned k = 0; k < bits; k++, at++)
        v |= (uint64_t)(p[at / 8] >> (at % 8) & 1) << k;
    if (is_signed && bits < 64 && (v >> (bits - 1) & 1) != 0) v |= ~(uint64_t)0 << bits;
    return (int64_t)v;
}

static bool is_stored_so(const tdagi_cml_element *e)
{
    return e->bits == 8 * tdag_dtype_size((tdag_dtype)e->dtype);
}

/* Of bytes as files have them. */
static tdag_tensor *of_bytes(source *s, const void *data, uint64_t size)
{
    const tdagi_cml_element *e = s->is;
    if (size != (s->count * e->bits + 7) / 8) {
        refuse(s, "has another number of elements than its type says");
        return NULL;
    }
    tdag_tensor *t = create(s);
    if (t != NULL && is_stored_so(e) && size > 0) memcpy(t->data, data, t->size);
    for (uint64_t i = 0; t != NULL && !is_stored_so(e) && i < s->count; i++)
        tdagi_tensor_set_i64(t, (int64_t)i, unpack(data, i, e->bits, e->is_signed));
    if (t != NULL && e->dtype == TDAG_BOOL)
        for (uint64_t i = 0; i < s->count; i++)
            ((uint8_t *)t->data)[i] = ((uint8_t *)t->data)[i] != 0;
    return t;
}

static tdag_tensor *of_blob(source *s, const Cml__BlobFileValue *at)
{
    tdagi_blob blob;
    tdag_tensor *t = NULL;
    tdagi_env *env = &s->im->env;
    if (!tdagi_env_ok(env)) return NULL;
    tdag_status st = tdagi_package_blob(s->im->package, at, &blob);
    if (st != TDAG_OK) {
        tdagi_env_fail_here(env, st, s->name);
        return NULL;
    }
    bool same = blob.dtype == s->is->blob ||
                (s->is->mil == TDAGI_MIL_BOOL && blob.dtype == TDAGI_BLOB_U8);
    if (!same) {
        refuse(s, "is of another dtype in the weight file");
        return NULL;
    }
    bool as_it_is = is_stored_so(s->is) && s->is->mil != TDAGI_MIL_BOOL &&
                    blob.size == s->count * s->is->bits / 8 && blob.size > 0 &&
                    (uintptr_t)blob.data % (s->is->bits / 8u) == 0;
    if (!as_it_is) return of_bytes(s, blob.data, blob.size);
    env->status =
        tdag_tensor_wrap(env->ctx, (tdag_dtype)s->is->dtype, s->rank, s->shape,
                         (void *)(uintptr_t)blob.data, /* only read */
                         tdagi_mapping_release, blob.mapping, &t);
    if (t != NULL) tdagi_mapping_retain(blob.mapping);
    return t;
}

#define EACH(from, member, set, type)                                                  \
    do {                                                                               \
        n = (from)->n_values;                                                          \
        for (size_t i = 0; i < n && n == s->count; i++)                                \
            set(t, (int64_t)i, (type)(from)->values[i]);                               \
    } while (0)

static tdag_tensor *of_message(source *s, const Cml__TensorValue *v)
{
    size_t n = 0;
    if (v->value_case == CML__TENSOR_VALUE__VALUE_BYTES)
        return of_bytes(s, v->bytes->values.data, v->bytes->values.len);
    tdag_tensor *t = create(s);
    if (t == NULL) return NULL;
    if (v->value_case == CML__TENSOR_VALUE__VALUE_FLOATS)
        EACH(v->floats, floats, tdagi_tensor_set_f64, double);
    else if (v->value_case == CML__TENSOR_VALUE__VALUE_DOUBLES)
        EACH(v->doubles, doubles, tdagi_tensor_set_f64, double);
    else if (v->value_case == CML__TENSOR_VALUE__VALUE_INTS)
        EACH(v->ints, ints, tdagi_tensor_set_i64, int64_t);
    else if (v->value_case == CML__TENSOR_VALUE__VALUE_LONG_INTS)
        EACH(v->long_ints, long_ints, tdagi_tensor_set_i64, int64_t);
    else if (v->value_case == CML__TENSOR_VALUE__VALUE_BOOLS)
        EACH(v->bools, bools, tdagi_tensor_set_i64, int64_t);
    if (n == s->count) return t;
    tdag_tensor_free(t);
    refuse(s, "has another number of elements than its type says");
    return NULL;
}

/* ---- values ---- */

static tdagi_any texts(source *s, const Cml__Value *v)
{
    if (v->value_case != CML__VALUE__VALUE_IMMEDIATE_VALUE ||
        v->immediate_value->value_case != CML__IMMEDIATE_VALUE__VALUE_TENSOR ||
        v->immediate_value->tensor->value_case != CML__TENSOR_VALUE__VALUE_STRINGS) {
        refuse(s, "has no text");
        return tdagi_any_poison();
    }
    const Cml__RStrings *r = v->immediate_value->tensor->strings;
    if (v->type->tensor_type->n_dimensions == 0 && r->n_values == 1)
        return tdagi_any_string(r->values[0]);
    tdagi_any list = tdagi_any_seq(&s->im->env, TDAGI_ANY_LIST, 0, NULL);
    for (size_t i = 0; i < r->n_values && tdagi_env_ok(&s->im->env); i++)
        tdagi_seq_append(&s->im->env, list.u.seq, tdagi_any_string(r->values[i]));
    return list;
}

static tdagi_any items(tdagi_cml *im, const char *name, size_t n, Cml__Value **v)
{
    tdagi_any list = tdagi_any_seq(&im->env, TDAGI_ANY_LIST, 0, NULL);
    for (size_t i = 0; i < n && tdagi_env_ok(&im->env); i++)
        tdagi_seq_append(&im->env, list.u.seq, tdagi_cml_constant(im, name, v[i]));
    return tdagi_env_ok(&im->env) ? list : tdagi_any_poison();
}

/* Small numbers are known, all else is a leaf. Floats are what was learnt; nothing has
 * no name. */
static tdagi_any leaf(source *s, const tdag_tensor *t)
{
    tdagi_env *env = &s->im->env;
    tdagi_cell *cell = tdagi_cell_of_constant(env, t);
    if (cell != NULL || !tdagi_env_ok(env)) return tdagi_any_tensor(cell);
    const bool learnt = tdag_dtype_is_float(t->dtype) && t->rank > 0 && t->count > 0,
               is_named = *s->name != '\0' && t->count > 0;
    tdag_value v =
        tdag_add_tensor(env->b, learnt ? TDAG_OP_PARAMETER : TDAG_OP_CONSTANT,
                        is_named ? tdagi_env_name(env, s->name) : NULL, t);
    if (v.id == 0) {
        tdagi_env_fail_here(env, tdag_builder_get_status(env->b), s->name);
        return tdagi_any_poison();
    }
    return tdagi_any_tensor(tdagi_cell_new(env, v));
}

static tdagi_any tensor(source *s, const Cml__Value *v)
{
    tdag_tensor *t = NULL;
    if (!read_type(s, v->type)) return tdagi_any_poison();
    if (v->value_case == CML__VALUE__VALUE_BLOB_FILE_VALUE)
        t = of_blob(s, v->blob_file_value);
    else if (v->value_case == CML__VALUE__VALUE_IMMEDIATE_VALUE &&
             v->immediate_value->value_case == CML__IMMEDIATE_VALUE__VALUE_TENSOR)
        t = of_message(s, v->immediate_value->tensor);
    else
        refuse(s, "has no elements");
    if (t == NULL) return tdagi_any_poison();
    tdagi_any out = leaf(s, t);
    tdag_tensor_free(t);
    return out;
}

/* Lists and tuples nest as deep as messages do. */
tdagi_any tdagi_cml_constant(tdagi_cml *im, const char *name, const Cml__Value *v)
{
    source s = {.im = im, .name = name};
    const Cml__ImmediateValue *i =
        v->value_case == CML__VALUE__VALUE_IMMEDIATE_VALUE ? v->immediate_value : NULL;
    if (i != NULL && i->value_case == CML__IMMEDIATE_VALUE__VALUE_LIST)
        return items(im, name, i->list->n_values, i->list->values);
    if (i != NULL && i->value_case == CML__IMMEDIATE_VALUE__VALUE_TUPLE)
        return items(im, name, i->tuple->n_values, i->tuple->values);
    if (v->type == NULL || v->type->type_case != CML__VALUE_TYPE__TYPE_TENSOR_TYPE) {
        refuse(&s, "has no type");
        return tdagi_any_poison();
    }
    if (v->type->tensor_type->data_type == TDAGI_MIL_STRING) return texts(&s, v);
    return tensor(&s, v);
}
