/* The fields of a layer's parameters, found by the descriptors of its message, so that
 * layers.def can name them. */
#include <string.h>

#include "coreml/network/network.h"

static const void *at(const ProtobufCMessage *m, size_t offset)
{
    return (const char *)m + offset;
}

static uint32_t number_at(const ProtobufCMessage *m, size_t offset)
{
    uint32_t n;
    memcpy(&n, at(m, offset), sizeof(n));
    return n;
}

static bool is_set(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    if ((f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0) return true;
    return number_at(m, f->quantifier_offset) == f->id;
}

const void *tdagi_message_field(const ProtobufCMessage *m, const char *name,
                                const ProtobufCFieldDescriptor **out)
{
    for (uint32_t i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = *out = &m->descriptor->fields[i];
        if (strcmp(f->name, name) != 0 || !is_set(m, f)) continue;
        if (f->type != PROTOBUF_C_TYPE_MESSAGE) return at(m, f->offset);
        const void *message;
        memcpy(&message, at(m, f->offset), sizeof(message));
        return message;
    }
    return NULL;
}

/* Element i of numbers of a field. */
static tdagi_any number(tdagi_env *env, ProtobufCType type, const void *p, size_t i)
{
    if (type == PROTOBUF_C_TYPE_FLOAT)
        return tdagi_any_float((double)((const float *)p)[i]);
    if (type == PROTOBUF_C_TYPE_BOOL)
        return tdagi_any_bool(((const protobuf_c_boolean *)p)[i] != 0);
    if (type == PROTOBUF_C_TYPE_INT32 || type == PROTOBUF_C_TYPE_UINT32)
        return tdagi_any_int(env, ((const int32_t *)p)[i]);
    if (type == PROTOBUF_C_TYPE_INT64 || type == PROTOBUF_C_TYPE_UINT64)
        return tdagi_any_int(env, ((const int64_t *)p)[i]);
    return tdagi_any_none(); /* texts have no part in formulas */
}

static tdagi_any numbers(tdagi_env *env, const ProtobufCMessage *m,
                         const ProtobufCFieldDescriptor *f)
{
    size_t n;
    const void *items;
    memcpy(&n, at(m, f->quantifier_offset), sizeof(n));
    memcpy(&items, at(m, f->offset), sizeof(items));
    if (n == 0 || n > TDAG_MAX_RANK * 2) return tdagi_any_none();
    tdagi_any list = tdagi_any_seq(env, TDAGI_ANY_LIST, 0, NULL);
    for (size_t i = 0; i < n && tdagi_env_ok(env); i++)
        tdagi_seq_append(env, list.u.seq, number(env, f->type, items, i));
    return list;
}

void tdagi_layer_set_fields(tdagi_layer *l)
{
    const ProtobufCMessageDescriptor *d = l->params->descriptor;
    for (uint32_t i = 0; i < d->n_fields && tdagi_env_ok(&l->im->env); i++) {
        const ProtobufCFieldDescriptor *f = &d->fields[i];
        if (f->type == PROTOBUF_C_TYPE_MESSAGE || !is_set(l->params, f)) continue;
        bool several = f->label == PROTOBUF_C_LABEL_REPEATED;
        tdagi_cml_set(&l->call, f->name,
                      several
                          ? numbers(&l->im->env, l->params, f)
                          : number(&l->im->env, f->type, at(l->params, f->offset), 0));
    }
}
