/* The numbers of layers: floats, halves or quantised ones, which are made f32. Their
 * shapes stand in other fields of the layer. */
#include <string.h>

#include "base/tensor.h"
#include "coreml/network/network.h"

int64_t tdagi_weights_count(const Cml__WeightParams *w)
{
    if (w == NULL) return 0;
    if (w->n_float_value > 0) return (int64_t)w->n_float_value;
    if (w->float16_value.len > 0) return (int64_t)w->float16_value.len / 2;
    uint64_t bits = w->quantization == NULL ? 0 : w->quantization->number_of_bits;
    if (w->raw_value.len == 0 || bits == 0 || bits > 8) return 0;
    return (int64_t)(w->raw_value.len * 8 / bits);
}

/* ---- elements ---- */

static tdag_tensor *create(tdagi_layer *l, uint32_t rank, const int64_t *shape)
{
    tdag_tensor *t = NULL;
    tdagi_env *env = &l->im->env;
    if (!tdagi_env_ok(env)) return NULL;
    env->status = tdag_tensor_create(env->ctx, TDAG_F32, rank, shape, &t);
    return t;
}

static void fill_halves(const Cml__WeightParams *w, tdag_tensor *t)
{
    tdag_tensor halves = *t;
    halves.dtype = TDAG_F16;
    halves.data = w->float16_value.data;
    for (int64_t i = 0; i < t->count; i++)
        tdagi_tensor_set_f64(t, i, tdagi_tensor_get_f64(&halves, i));
}

/* Element i of packed ones: high bits first. */
static uint32_t unpack(const uint8_t *p, int64_t i, uint32_t bits)
{
    uint32_t v = 0;
    for (uint32_t k = 0; k < bits; k++) {
        uint64_t at = (uint64_t)i * bits + k;
        v = v << 1 | (uint32_t)(p[at / 8] >> (7 - at % 8) & 1);
    }
    return v;
}

/* Scales and biases are one for all, or one for each of the first axis. */
static void fill_linear(const Cml__WeightParams *w, tdag_tensor *t)
{
    const Cml__LinearQuantizationParams *q = w->quantization->linear_quantization;
    int64_t row = t->rank == 0 || t->shape[0] == 0 ? 1 : t->count / t->shape[0];
    float *out = t->data;
    for (int64_t i = 0; i < t->count; i++) {
        size_t r = (size_t)(i / row);
        float s = q->n_scale == 0 ? 1 : q->scale[q->n_scale == 1 ? 0 : r];
        float b = q->n_bias == 0 ? 0 : q->bias[q->n_bias == 1 ? 0 : r];
        uint32_t bits = (uint32_t)w->quantization->number_of_bits;
        out[i] = s * (float)unpack(w->raw_value.data, i, bits) + b;
    }
}

static bool fill_table(const Cml__WeightParams *w, tdag_tensor *t)
{
    const Cml__LookUpTableQuantizationParams *q =
        w->quantization->lookup_table_quantization;
    float *out = t->data;
    for (int64_t i = 0; i < t->count; i++) {
        uint32_t bits = (uint32_t)w->quantization->number_of_bits;
        uint32_t at = unpack(w->raw_value.data, i, bits);
        if (at >= q->n_float_value) return false;
        out[i] = q->float_value[at];
    }
    return true;
}

static bool fits_rows(size_t n, const tdag_tensor *t)
{
    return n <= 1 || (t->rank > 0 && (int64_t)n == t->shape[0]);
}

static bool fill(const Cml__WeightParams *w, tdag_tensor *t)
{
    if (w->n_float_value > 0)
        memcpy(t->data, w->float_value, t->size);
    else if (w->float16_value.len > 0)
        fill_halves(w, t);
    else if (w->quantization->kind_case ==
             CML__QUANTIZATION_PARAMS__KIND_LOOKUP_TABLE_QUANTIZATION)
        return fill_table(w, t);
    else if (w->quantization->kind_case !=
                 CML__QUANTIZATION_PARAMS__KIND_LINEAR_QUANTIZATION ||
             !fits_rows(w->quantization->linear_quantization->n_scale, t) ||
             !fits_rows(w->quantization->linear_quantization->n_bias, t))
        return false;
    else
        fill_linear(w, t);
    return true;
}

/* ---- leaves ---- */

static tdagi_any leaf(tdagi_layer *l, const char *name, tdag_tensor *t)
{
    tdagi_env *env = &l->im->env;
    const char *text = tdagi_env_text(env, "%s.%s", l->layer->name, name);
    if (text == NULL) return tdagi_any_poison();
    tdag_value v =
        tdag_add_tensor(env->b, TDAG_OP_PARAMETER, tdagi_env_name(env, text), t);
    if (v.id == 0) {
        tdagi_env_fail_here(env, tdag_builder_get_status(env->b), text);
        return tdagi_any_poison();
    }
    return tdagi_any_tensor(tdagi_cell_new(env, v));
}

static tdagi_any refuse(tdagi_layer *l, const char *name, const char *why)
{
    return tdagi_env_issue(&l->im->env, "%s whose %s %s", l->kind, name, why);
}

tdagi_any tdagi_layer_weights(tdagi_layer *l, const char *name,
                              const Cml__WeightParams *w, uint32_t rank,
                              const int64_t *shape)
{
    int64_t count = 1;
    if (w == NULL || tdagi_weights_count(w) == 0) {
        if (w != NULL && w->int8_raw_value.len > 0)
            return refuse(l, name, "are quantised at run time");
        return tdagi_any_none();
    }
    for (uint32_t i = 0; i < rank; i++)
        if (shape[i] < 0 || __builtin_mul_overflow(count, shape[i], &count))
            return refuse(l, name, "have no size");
    int64_t is = tdagi_weights_count(w);
    bool packs = w->n_float_value == 0 && w->float16_value.len == 0 && is > count &&
                 is - count < 8; /* bits that fill up the last byte */
    if (is != count && !packs)
        return refuse(l, name, "are another number than its sizes say");
    tdag_tensor *t = create(l, rank, shape);
    if (t == NULL) return tdagi_any_poison();
    tdagi_any out = fill(w, t) ? leaf(l, name, t)
                               : refuse(l, name, "are quantised in an unknown way");
    tdag_tensor_free(t);
    return out;
}

/* ---- shapes in other fields ---- */

/* Adds a field's number or numbers to the shape; false: it has none. */
static bool add_dims(tdagi_layer *l, const char *name, uint32_t *rank, int64_t *shape)
{
    int64_t one;
    tdagi_any v = tdagi_cml_at(&l->call, name);
    if (tdagi_any_const_int(&l->im->env, v, &one) && *rank < TDAG_MAX_RANK) {
        shape[(*rank)++] = one;
        return true;
    }
    if (!tdagi_any_is_seq(v) || *rank + v.u.seq->n > TDAG_MAX_RANK) return false;
    for (uint32_t i = 0; i < v.u.seq->n; i++)
        if (!tdagi_any_const_int(&l->im->env, v.u.seq->v[i], &shape[(*rank)++]))
            return false;
    return true;
}

/* "name[a,b] ": its leaf. */
static bool take_one(tdagi_layer *l, const char **p)
{
    size_t n = strcspn(*p, "[");
    uint32_t rank = 0;
    int64_t shape[TDAG_MAX_RANK];
    const char *name = tdagi_env_text(&l->im->env, "%.*s", (int)n, *p);
    for (*p += n + 1; **p != '\0' && (*p)[-1] != ']';) {
        size_t k = strcspn(*p, ",]");
        const char *field = tdagi_env_text(&l->im->env, "%.*s", (int)k, *p);
        if (name == NULL || field == NULL) return false;
        if (!add_dims(l, field, &rank, shape)) rank = 0;
        *p += k + 1;
    }
    *p += **p == ' ';
    if (name == NULL) return false;
    const ProtobufCFieldDescriptor *f;
    const Cml__WeightParams *w = tdagi_message_field(l->params, name, &f);
    tdagi_any v = tdagi_layer_weights(l, name, w, rank, shape);
    tdagi_cml_set(&l->call, name, v);
    return v.kind != TDAGI_ANY_POISON;
}

bool tdagi_layer_take_weights(tdagi_layer *l, const char *specs)
{
    while (*specs != '\0')
        if (!take_one(l, &specs)) return false;
    return true;
}
