/* Messages of an ML program in the writer's arena: types, names, operations. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coreml/write/mil.h"

void *tdagi_mil_alloc(tdagi_mil_writer *w, size_t size)
{
    void *p = tdagi_arena_alloc(&w->arena, size);
    if (p != NULL) return memset(p, 0, size);
    if (w->status == TDAG_OK) w->status = tdagi_nomem(w->ctx);
    return NULL;
}

void *tdagi_mil_message(tdagi_mil_writer *w, const ProtobufCMessageDescriptor *kind)
{
    ProtobufCMessage *m = tdagi_mil_alloc(w, kind->sizeof_message);
    if (m != NULL) m->descriptor = kind;
    return m;
}

/* Grows where the number of items is a power of two, or 0. */
void tdagi_mil_push(tdagi_mil_writer *w, tdagi_mil_array *a, void *item)
{
    if (item == NULL) return;
    if ((a->n & (a->n - 1)) == 0) {
        void **v = tdagi_mil_alloc(w, (a->n == 0 ? 1u : 2 * (size_t)a->n) * sizeof *v);
        if (v == NULL) return;
        if (a->n > 0) memcpy(v, a->v, a->n * sizeof *v);
        a->v = v;
    }
    a->v[a->n++] = item;
}

/* ---- types ---- */

int32_t tdagi_mil_dtype(const tdagi_mil_writer *w, tdag_dtype dtype)
{
    if (dtype == TDAG_BOOL) return TDAGI_MIL_BOOL;
    if (dtype == TDAG_F16) return TDAGI_MIL_F16; /* of state */
    if (dtype == TDAG_I64) return TDAGI_MIL_I32;
    return tdagi_mil_is_f16(w) && dtype != TDAG_F64 ? TDAGI_MIL_F16 : TDAGI_MIL_F32;
}

const char *tdagi_mil_dtype_name(const tdagi_mil_writer *w, tdag_dtype dtype)
{
    int32_t d = tdagi_mil_dtype(w, dtype);
    return d == TDAGI_MIL_BOOL  ? "bool"
           : d == TDAGI_MIL_I32 ? "int32"
           : d == TDAGI_MIL_F16 ? "fp16"
                                : "fp32";
}

static Cml__Dimension *dimension(tdagi_mil_writer *w, tdag_dim d)
{
    Cml__Dimension *m = tdagi_mil_message(w, &cml__dimension__descriptor);
    if (m == NULL) return NULL;
    if (d < 0) {
        m->unknown = tdagi_mil_message(w, &cml__unknown_dimension__descriptor);
        m->dimension_case = CML__DIMENSION__DIMENSION_UNKNOWN;
        return m;
    }
    m->constant = tdagi_mil_message(w, &cml__constant_dimension__descriptor);
    m->dimension_case = CML__DIMENSION__DIMENSION_CONSTANT;
    if (m->constant == NULL) return NULL;
    m->constant->size = (uint64_t)d;
    return m;
}

static Cml__ValueType *value_type(tdagi_mil_writer *w, int32_t dtype, uint32_t rank,
                                  const tdag_dim *shape)
{
    tdagi_mil_array dims = {NULL, 0};
    Cml__ValueType *v = tdagi_mil_message(w, &cml__value_type__descriptor);
    Cml__TensorType *t = tdagi_mil_message(w, &cml__tensor_type__descriptor);
    if (v == NULL || t == NULL) return NULL;
    for (uint32_t i = 0; i < rank; i++)
        tdagi_mil_push(w, &dims, dimension(w, shape[i]));
    t->data_type = dtype;
    t->rank = rank;
    t->n_dimensions = dims.n;
    t->dimensions = (Cml__Dimension **)dims.v;
    v->type_case = CML__VALUE_TYPE__TYPE_TENSOR_TYPE;
    v->tensor_type = t;
    return v;
}

static Cml__NamedValueType *named(tdagi_mil_writer *w, const char *name,
                                  Cml__ValueType *type)
{
    Cml__NamedValueType *n = tdagi_mil_message(w, &cml__named_value_type__descriptor);
    if (n == NULL) return NULL;
    n->name = (char *)(uintptr_t)name;
    n->type = type;
    return n;
}

Cml__NamedValueType *tdagi_mil_named_type(tdagi_mil_writer *w, const char *name,
                                          const tdagi_type *type)
{
    if (type->rank > TDAGI_MIL_MAX_RANK)
        tdagi_mil_fail(
            w, TDAG_E_UNSUPPORTED,
            "a tensor of %lu axes, of which Core ML has at most five; reshape "
            "so that adjacent axes are one",
            (unsigned long)type->rank);
    return named(
        w, name,
        value_type(w, tdagi_mil_dtype(w, type->dtype), type->rank, type->shape));
}

Cml__NamedValueType *tdagi_mil_named_state(tdagi_mil_writer *w, tdagi_mil v)
{
    Cml__NamedValueType *n = tdagi_mil_named_type(w, v->name, &v->type);
    Cml__ValueType *type = tdagi_mil_message(w, &cml__value_type__descriptor);
    Cml__StateType *state = tdagi_mil_message(w, &cml__state_type__descriptor);
    if (n == NULL || type == NULL || state == NULL) return NULL;
    state->wrapped_type = n->type;
    type->type_case = CML__VALUE_TYPE__TYPE_STATE_TYPE;
    type->state_type = state;
    n->type = type;
    return n;
}

/* ---- names ---- */

static bool is_reserved(const char *name)
{
    static const char *const words[] = {
        "any",    "bool",   "program", "func",   "tensor", "list",  "dict",
        "tuple",  "true",   "false",   "string", "bf16",   "fp16",  "fp32",
        "fp64",   "int8",   "int16",   "int32",  "int64",  "uint8", "uint16",
        "uint32", "uint64", "state",   "double", "pixel"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i], name) == 0) return true;
    return false;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

char *tdagi_mil_plain_name(tdagi_mil_writer *w, const char *like)
{
    size_t n = strlen(like), at = 0;
    char *name = tdagi_mil_alloc(w, n + 16);
    if (name == NULL) return NULL;
    if (n == 0 || !is_letter(*like)) name[at++] = '_';
    for (; *like != '\0'; like++)
        name[at++] = is_letter(*like) || (*like >= '0' && *like <= '9') ? *like : '_';
    if (is_reserved(name)) name[at] = '_';
    return name;
}

/* What the table has of a name: the last number behind it, and whether it was given
 * back. */
typedef struct taken {
    uint32_t n;
    bool is_free;
} taken;

static taken *get_taken(const tdagi_mil_writer *w, const char *name, size_t n)
{
    return tdagi_table_get(&w->names, name, n);
}

static bool is_taken(const tdagi_mil_writer *w, const char *name)
{
    const taken *t = get_taken(w, name, strlen(name));
    return t != NULL && !t->is_free;
}

const char *tdagi_mil_name(tdagi_mil_writer *w, const char *like)
{
    char *name = tdagi_mil_plain_name(w, like);
    if (name == NULL) return NULL;
    const size_t n = strlen(name);
    if (is_taken(w, name)) {
        taken *first = get_taken(w, name, n);
        const char *stem = name;
        name = tdagi_mil_alloc(w, n + 16);
        if (name == NULL) return NULL;
        do
            snprintf(name, n + 16, "%s_%lu", stem, (unsigned long)++first->n);
        while (is_taken(w, name));
    }
    void **place = tdagi_table_at(&w->arena, &w->names, name, strlen(name));
    if (place == NULL && w->status == TDAG_OK) w->status = tdagi_nomem(w->ctx);
    if (place != NULL && *place == NULL) *place = tdagi_mil_alloc(w, sizeof(taken));
    if (place == NULL || *place == NULL) return NULL;
    ((taken *)*place)->is_free = false;
    return name;
}

void tdagi_mil_give_back(tdagi_mil_writer *w, const char *name)
{
    const char *dash = strrchr(name, '_');
    taken *t = get_taken(w, name, strlen(name));
    taken *first = dash == NULL ? NULL : get_taken(w, name, (size_t)(dash - name));
    if (t != NULL) t->is_free = true;
    if (first != NULL && first->n > 0 && strtoul(dash + 1, NULL, 10) == first->n)
        first->n--;
}

tdagi_mil_value *tdagi_mil_new(tdagi_mil_writer *w, const char *like,
                               const tdagi_type *type)
{
    tdagi_mil_value *v = tdagi_mil_alloc(w, sizeof *v);
    if (v == NULL) return NULL;
    v->name = tdagi_mil_result_name(w, like);
    v->type = *type;
    return v->name == NULL ? NULL : v;
}

/* ---- operations ---- */

Cml__Value *tdagi_mil_string(tdagi_mil_writer *w, const char *text)
{
    Cml__Value *v = tdagi_mil_message(w, &cml__value__descriptor);
    Cml__ImmediateValue *i = tdagi_mil_message(w, &cml__immediate_value__descriptor);
    Cml__TensorValue *t = tdagi_mil_message(w, &cml__tensor_value__descriptor);
    Cml__RStrings *s = tdagi_mil_message(w, &cml__rstrings__descriptor);
    char **texts = tdagi_mil_alloc(w, sizeof *texts);
    if (v == NULL || i == NULL || t == NULL || s == NULL || texts == NULL) return NULL;
    *texts = (char *)(uintptr_t)text;
    s->n_values = 1;
    s->values = texts;
    t->value_case = CML__TENSOR_VALUE__VALUE_STRINGS;
    t->strings = s;
    i->value_case = CML__IMMEDIATE_VALUE__VALUE_TENSOR;
    i->tensor = t;
    v->type = value_type(w, TDAGI_MIL_STRING, 0, NULL);
    v->value_case = CML__VALUE__VALUE_IMMEDIATE_VALUE;
    v->immediate_value = i;
    return v;
}

static void add_attribute(tdagi_mil_writer *w, Cml__Operation *o, const char *key,
                          Cml__Value *value)
{
    tdagi_mil_array a = {(void **)o->attributes, (uint32_t)o->n_attributes};
    Cml__ValueEntry *entry = tdagi_mil_message(w, &cml__value_entry__descriptor);
    if (entry == NULL) return;
    entry->key = (char *)(uintptr_t)key;
    entry->value = value;
    tdagi_mil_push(w, &a, entry);
    o->attributes = (Cml__ValueEntry **)a.v;
    o->n_attributes = a.n;
}

Cml__Operation *tdagi_mil_operation(tdagi_mil_writer *w, const char *op,
                                    const char *name)
{
    Cml__Operation *o = tdagi_mil_message(w, &cml__operation__descriptor);
    if (o == NULL) return NULL;
    o->type = tdagi_arena_strdup(&w->arena, op);
    if (o->type == NULL && w->status == TDAG_OK) w->status = tdagi_nomem(w->ctx);
    add_attribute(w, o, "name", tdagi_mil_string(w, name));
    return w->status == TDAG_OK ? o : NULL;
}

void tdagi_mil_place(tdagi_mil_writer *w, Cml__Operation *o)
{
    if (o == NULL || o->n_outputs == 0) return;
    o->attributes[0]->value->immediate_value->tensor->strings->values[0] =
        o->outputs[0]->name;
    tdagi_mil_push(w, &w->ops, o);
    tdagi_mil_note_scope(w, o);
}

Cml__Operation *tdagi_mil_add(tdagi_mil_writer *w, const char *op, const char *name)
{
    Cml__Operation *o = tdagi_mil_operation(w, op, name);
    tdagi_mil_push(w, &w->ops, o);
    tdagi_mil_note_scope(w, o);
    return o;
}

void tdagi_mil_give(tdagi_mil_writer *w, Cml__Operation *o, const tdagi_mil_value *v)
{
    tdagi_mil_array a = {NULL, 0};
    if (o == NULL || v == NULL) return;
    a = (tdagi_mil_array){(void **)o->outputs, (uint32_t)o->n_outputs};
    tdagi_mil_push(w, &a, tdagi_mil_named_type(w, v->name, &v->type));
    o->outputs = (Cml__NamedValueType **)a.v;
    o->n_outputs = a.n;
}

static Cml__Binding *binding(tdagi_mil_writer *w, tdagi_mil v)
{
    Cml__Binding *b = tdagi_mil_message(w, &cml__binding__descriptor);
    if (b == NULL || v == NULL) return NULL;
    b->binding_case = CML__BINDING__BINDING_NAME;
    b->name = (char *)(uintptr_t)v->name;
    return b;
}

void tdagi_mil_bind(tdagi_mil_writer *w, Cml__Operation *o, const char *key, uint32_t n,
                    const tdagi_mil *values)
{
    tdagi_mil_array all = {NULL, 0};
    Cml__ArgumentEntry *entry = tdagi_mil_message(w, &cml__argument_entry__descriptor);
    Cml__Argument *argument = tdagi_mil_message(w, &cml__argument__descriptor);
    if (o == NULL || entry == NULL || argument == NULL) return;
    for (uint32_t i = 0; i < n; i++)
        tdagi_mil_push(w, &all, binding(w, values[i]));
    argument->n_arguments = all.n;
    argument->arguments = (Cml__Binding **)all.v;
    entry->key = tdagi_arena_strdup(&w->arena, key);
    entry->value = argument;
    if (entry->key == NULL && w->status == TDAG_OK) w->status = tdagi_nomem(w->ctx);
    tdagi_mil_array inputs = {(void **)o->inputs, (uint32_t)o->n_inputs};
    tdagi_mil_push(w, &inputs, entry);
    o->inputs = (Cml__ArgumentEntry **)inputs.v;
    o->n_inputs = inputs.n;
}

Cml__Value *tdagi_mil_constant(tdagi_mil_writer *w, const tdagi_mil_value *v,
                               int32_t dtype)
{
    Cml__Operation *o = tdagi_mil_operation(w, "const", v->name);
    Cml__Value *value = tdagi_mil_message(w, &cml__value__descriptor);
    tdagi_mil_array outputs = {NULL, 0};
    if (o == NULL || value == NULL) return NULL;
    value->type = value_type(w, dtype, v->type.rank, v->type.shape);
    add_attribute(w, o, "val", value);
    tdagi_mil_push(
        w, &outputs,
        named(w, v->name, value_type(w, dtype, v->type.rank, v->type.shape)));
    o->outputs = (Cml__NamedValueType **)outputs.v;
    o->n_outputs = outputs.n;
    tdagi_mil_push(w, &w->consts, o);
    return value;
}
