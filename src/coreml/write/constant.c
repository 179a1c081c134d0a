/* Constants: at the head of the function, equal ones once. Their elements are written
 * when the package is: up to nine of them and integers in place, others into blobs. */
#include <math.h>
#include <string.h>

#include "base/half.h"
#include "base/number_text.h"
#include "base/tensor.h"
#include "coreml/write/mil.h"

#define BLOB_ELEMENTS 10

static void add_pending(tdagi_mil_writer *w, const tdagi_mil_value *v, int32_t dtype,
                        const tdag_tensor *tensor, const void *own)
{
    tdagi_mil_pending *p = tdagi_mil_alloc(w, sizeof *p);
    Cml__Value *value = p == NULL ? NULL : tdagi_mil_constant(w, v, dtype);
    if (value == NULL) return;
    *p = (tdagi_mil_pending){value, v->name, dtype, 1, tensor, own, NULL};
    for (uint32_t i = 0; i < v->type.rank; i++)
        p->count *= v->type.shape[i];
    *w->pending_end = p;
    w->pending_end = &p->next;
}

tdagi_mil tdagi_mil_tensor(tdagi_mil_writer *w, const char *name,
                           const tdag_tensor *tensor, tdag_dtype dtype)
{
    tdagi_type type = {dtype, tensor->rank, {0}};
    for (uint32_t i = 0; i < tensor->rank; i++)
        type.shape[i] = tensor->shape[i];
    const uint32_t rank = type.rank;
    if (rank > TDAGI_MIL_MAX_RANK) type = (tdagi_type){dtype, 1, {tensor->count}};
    tdagi_mil_value *v = tdagi_mil_new(w, name, &type);
    if (v == NULL) return NULL;
    v->is_const = true;
    if (tensor->count == 1) v->number = tdagi_tensor_get_f64(tensor, 0);
    v->is_number = tensor->count == 1;
    add_pending(w, v, tdagi_mil_dtype(w, dtype), tensor, NULL);
    return tdagi_mil_reshape(w, v, rank, tensor->shape);
}

/* What tells a constant from others: dtype, rank, shape, then its elements. */
static int64_t *key_of(tdagi_mil_writer *w, int32_t dtype, uint32_t rank,
                       const int64_t *shape, size_t size, const void *elements,
                       size_t *n_out)
{
    const size_t head = (2 + (size_t)rank) * sizeof(int64_t);
    int64_t *key = tdagi_mil_alloc(w, head + size);
    if (key == NULL) return NULL;
    key[0] = dtype;
    key[1] = rank;
    if (rank > 0) memcpy(key + 2, shape, rank * sizeof *shape);
    if (size > 0) memcpy(key + 2 + rank, elements, size);
    *n_out = head + size;
    return key;
}

/* The constant with those elements, double or char. */
static tdagi_mil constant(tdagi_mil_writer *w, const tdagi_type *type, int32_t dtype,
                          size_t size, const void *elements)
{
    size_t n = 0;
    int64_t *key = key_of(w, dtype, type->rank, type->shape, size, elements, &n);
    void **place =
        key == NULL ? NULL : tdagi_table_at(&w->arena, &w->constants, key, n);
    if (place == NULL && key != NULL && w->status == TDAG_OK)
        w->status = tdagi_nomem(w->ctx);
    if (place == NULL || *place != NULL) return place == NULL ? NULL : *place;
    tdagi_mil_value *v = tdagi_mil_new(w, "const", type);
    if (v == NULL) return NULL;
    *place = v;
    v->is_const = true;
    v->is_number = size == sizeof(double) && dtype != TDAGI_MIL_STRING;
    if (v->is_number) memcpy(&v->number, elements, sizeof v->number);
    if (dtype != TDAGI_MIL_STRING) v->elements = (const double *)(key + 2 + type->rank);
    add_pending(w, v, dtype, NULL, key + 2 + type->rank);
    return v;
}

tdagi_mil tdagi_mil_numbers(tdagi_mil_writer *w, tdag_dtype dtype, uint32_t rank,
                            const int64_t *shape, const double *values)
{
    tdagi_type type = {dtype, rank, {0}};
    size_t n = 1;
    for (uint32_t i = 0; i < rank; i++) {
        type.shape[i] = shape[i];
        n *= (size_t)shape[i];
    }
    return constant(w, &type, tdagi_mil_dtype(w, dtype), n * sizeof(double), values);
}

tdagi_mil tdagi_mil_scalar(tdagi_mil_writer *w, tdag_dtype dtype, double value)
{
    return tdagi_mil_numbers(w, dtype, 0, NULL, &value);
}

tdagi_mil tdagi_mil_ints(tdagi_mil_writer *w, uint32_t n, const int64_t *v)
{
    const int64_t shape = n;
    double *values = tdagi_mil_alloc(w, (n + (size_t)1) * sizeof *values);
    if (values == NULL) return NULL;
    for (uint32_t i = 0; i < n; i++)
        values[i] = (double)v[i];
    return tdagi_mil_numbers(w, TDAG_I64, 1, &shape, values);
}

tdagi_mil tdagi_mil_bools(tdagi_mil_writer *w, uint32_t n, const bool *v)
{
    const int64_t shape = n;
    double *values = tdagi_mil_alloc(w, (n + (size_t)1) * sizeof *values);
    if (values == NULL) return NULL;
    for (uint32_t i = 0; i < n; i++)
        values[i] = v[i];
    return tdagi_mil_numbers(w, TDAG_BOOL, 1, &shape, values);
}

tdagi_mil tdagi_mil_text(tdagi_mil_writer *w, const char *text)
{
    const tdagi_type type = {TDAG_F32, 0, {0}};
    return constant(w, &type, TDAGI_MIL_STRING, strlen(text) + 1, text);
}

/* ---- elements ---- */

typedef struct filling {
    tdagi_mil_writer *w;
    tdagi_text beyond; /* names of what has elements that do not fit, and the first */
    uint32_t n_beyond;
} filling;

static double element(const tdagi_mil_pending *p, int64_t i)
{
    return p->tensor != NULL ? tdagi_tensor_get_f64(p->tensor, i)
                             : ((const double *)p->own)[i];
}

/* A number that keeps others from 0 is not 0; the largest float is the largest half. */
static double held_half(double x, bool is_number, bool *fits)
{
    if (is_number && x != 0 && fabs(x) < 0x1p-24) return copysign(0x1p-24, x);
    if (!isfinite(x) || fabs(x) < 65520) return x;
    *fits = fabs(x) >= 3.4e38;
    return copysign(65504, x);
}

double tdagi_mil_half(double x, bool is_number)
{
    bool fits;
    return (double)tdagi_f16_to_f32(tdagi_f64_to_f16(held_half(x, is_number, &fits)));
}

/* The ends of wider types mean "no end" and stay ends. */
static double held(tdagi_mil_writer *w, const tdagi_mil_pending *p, double x,
                   bool *fits)
{
    bool is_held = true;
    if (p->dtype == TDAGI_MIL_F16) {
        x = held_half(x, p->count == 1, &is_held);
        *fits = *fits && is_held;
        return x;
    }
    if (p->dtype != TDAGI_MIL_I32 || !isfinite(x) || (x >= -0x1p31 && x < 0x1p31))
        return x;
    if (fabs(x) >= 0x1p62) {
        w->ends[x > 0] = x >= 0x1p63 ? INT64_MAX : (int64_t)x;
        return x < 0 ? -0x1p31 : 0x1p31 - 1;
    }
    *fits = false;
    return 0;
}

/* The elements as the format has them; the first that does not fit, or 0. */
static double convert(tdagi_mil_writer *w, const tdagi_mil_pending *p, void *out)
{
    double beyond = 0;
    for (int64_t i = 0; i < p->count; i++) {
        bool fits = true;
        const double is = element(p, i), x = held(w, p, is, &fits);
        if (!fits && beyond == 0) beyond = is;
        if (p->dtype == TDAGI_MIL_F32)
            ((float *)out)[i] = (float)x;
        else if (p->dtype == TDAGI_MIL_F16)
            ((uint16_t *)out)[i] = tdagi_f64_to_f16(x);
        else if (p->dtype == TDAGI_MIL_I32)
            ((int32_t *)out)[i] = (int32_t)x;
        else
            ((protobuf_c_boolean *)out)[i] = x != 0;
    }
    return beyond;
}

static size_t element_size(int32_t dtype)
{
    return dtype == TDAGI_MIL_F16    ? 2
           : dtype == TDAGI_MIL_BOOL ? sizeof(protobuf_c_boolean)
                                     : 4;
}

/* The value in place: a member of TensorValue by the dtype. */
static void fill_tensor(tdagi_mil_writer *w, const tdagi_mil_pending *p,
                        Cml__TensorValue *t, void *data)
{
    const size_t n = (size_t)p->count;
    if (p->dtype == TDAGI_MIL_F32) {
        Cml__RFloats *m = tdagi_mil_message(w, &cml__rfloats__descriptor);
        t->value_case = CML__TENSOR_VALUE__VALUE_FLOATS;
        if ((t->floats = m) == NULL) return;
        m->n_values = n;
        m->values = data;
    } else if (p->dtype == TDAGI_MIL_I32) {
        Cml__RInts *m = tdagi_mil_message(w, &cml__rints__descriptor);
        t->value_case = CML__TENSOR_VALUE__VALUE_INTS;
        if ((t->ints = m) == NULL) return;
        m->n_values = n;
        m->values = data;
    } else if (p->dtype == TDAGI_MIL_BOOL) {
        Cml__RBools *m = tdagi_mil_message(w, &cml__rbools__descriptor);
        t->value_case = CML__TENSOR_VALUE__VALUE_BOOLS;
        if ((t->bools = m) == NULL) return;
        m->n_values = n;
        m->values = data;
    } else {
        Cml__RBytes *m = tdagi_mil_message(w, &cml__rbytes__descriptor);
        t->value_case = CML__TENSOR_VALUE__VALUE_BYTES;
        if ((t->bytes = m) == NULL) return;
        m->values.len = n * 2;
        m->values.data = data;
    }
}

static void fill_in_place(tdagi_mil_writer *w, const tdagi_mil_pending *p, void *data)
{
    Cml__ImmediateValue *i = tdagi_mil_message(w, &cml__immediate_value__descriptor);
    Cml__TensorValue *t = tdagi_mil_message(w, &cml__tensor_value__descriptor);
    if (i == NULL || t == NULL) return;
    i->value_case = CML__IMMEDIATE_VALUE__VALUE_TENSOR;
    i->tensor = t;
    p->value->value_case = CML__VALUE__VALUE_IMMEDIATE_VALUE;
    p->value->immediate_value = i;
    fill_tensor(w, p, t, data);
}

/* data NULL: the tensor's own. */
static tdag_status fill_blob(const tdagi_mil_pending *p, tdagi_package_writer *to,
                             const void *data)
{
    const bool f16 = p->dtype == TDAGI_MIL_F16;
    const uint32_t dtype = f16 ? TDAGI_BLOB_F16 : TDAGI_BLOB_F32;
    Cml__BlobFileValue **at = &p->value->blob_file_value;
    p->value->value_case = CML__VALUE__VALUE_BLOB_FILE_VALUE;
    if (data == NULL) return tdagi_package_add_tensor(to, dtype, p->tensor, at);
    return tdagi_package_add_blob(to, dtype, data, (uint64_t)p->count * (f16 ? 2 : 4),
                                  at);
}

/* What shares memory shares its blob. */
static bool fill_as_another(tdagi_mil_writer *w, tdagi_mil_pending *p)
{
    if (p->tensor == NULL) return false;
    void **place = tdagi_table_at(&w->arena, &w->blobs, p->tensor->data, 0);
    if (place == NULL) return false;
    const tdagi_mil_pending *other = *place;
    if (other == NULL) *place = p;
    if (other == NULL || other->count != p->count || other->dtype != p->dtype ||
        other->tensor->dtype != p->tensor->dtype)
        return false;
    p->value->value_case = other->value->value_case;
    p->value->blob_file_value = other->value->blob_file_value;
    return true;
}

static bool is_as_it_is(const tdagi_mil_pending *p)
{
    return p->tensor != NULL &&
           ((p->dtype == TDAGI_MIL_F32 && p->tensor->dtype == TDAG_F32) ||
            (p->dtype == TDAGI_MIL_F16 && p->tensor->dtype == TDAG_F16));
}

static void note_beyond(filling *f, const tdagi_mil_pending *p, double beyond)
{
    char number[TDAGI_NUMBER_TEXT_SIZE];
    if (beyond == 0 || f->n_beyond++ >= 8) return;
    tdagi_f64_text(beyond, 17, number);
    tdagi_text_printf(&f->beyond, "%s%s (%s)", f->n_beyond > 1 ? ", " : "", p->name,
                      number);
}

static tdag_status fill_one(filling *f, tdagi_mil_pending *p, tdagi_package_writer *to)
{
    const bool is_float = p->dtype == TDAGI_MIL_F32 || p->dtype == TDAGI_MIL_F16;
    const bool in_blob = is_float && p->count >= BLOB_ELEMENTS;
    const size_t size = element_size(p->dtype) * (size_t)p->count;
    void *data = NULL;
    double beyond;
    if (p->dtype == TDAGI_MIL_STRING) {
        const Cml__Value *text = tdagi_mil_string(f->w, p->own);
        if (text != NULL) *p->value = *text;
        return f->w->status;
    }
    if (in_blob && fill_as_another(f->w, p)) return TDAG_OK;
    if (in_blob && is_as_it_is(p)) return fill_blob(p, to, NULL);
    if (!in_blob) {
        data = tdagi_mil_alloc(f->w, size + 1);
        if (data == NULL) return f->w->status;
        note_beyond(f, p, convert(f->w, p, data));
        fill_in_place(f->w, p, data);
        return f->w->status;
    }
    TDAGI_TRY(tdagi_alloc(f->w->ctx, size, &data));
    beyond = convert(f->w, p, data);
    note_beyond(f, p, beyond);
    tdag_status st = beyond == 0 ? fill_blob(p, to, data) : TDAG_OK;
    tdagi_free(f->w->ctx, data, size);
    return st;
}

tdag_status tdagi_mil_fill(tdagi_mil_writer *w, tdagi_package_writer *to)
{
    filling f = {.w = w};
    tdag_status st = TDAG_OK;
    tdagi_text_init(&f.beyond, w->ctx);
    for (tdagi_mil_pending *p = w->pending; p != NULL && st == TDAG_OK; p = p->next)
        st = fill_one(&f, p, to);
    if (st == TDAG_OK && f.beyond.status != TDAG_OK) st = f.beyond.status;
    if (st == TDAG_OK && f.n_beyond > 0)
        st = tdagi_fail(w->ctx, TDAG_E_UNSUPPORTED,
                        "%lu constants have numbers that %s does not hold: %s%s",
                        (unsigned long)f.n_beyond,
                        tdagi_mil_is_f16(w) ? "fp16 or int32" : "int32", f.beyond.data,
                        f.n_beyond > 8 ? ", ..." : "");
    tdagi_text_free(&f.beyond);
    return st;
}
