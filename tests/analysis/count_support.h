/* Small graphs to count, and tables of what they must count. */
#ifndef COUNT_SUPPORT_H
#define COUNT_SUPPORT_H

#include "support/test.h"

#include <tdagger/count.h>

#define SHAPE(...)                                                                     \
    (uint32_t)(sizeof((tdag_dim[]){__VA_ARGS__}) / sizeof(tdag_dim)),                  \
        (const tdag_dim[])                                                             \
    {                                                                                  \
        __VA_ARGS__                                                                    \
    }
#define F32_INPUT(b, name, ...) tdag_add_input(b, name, TDAG_F32, SHAPE(__VA_ARGS__))

/* A parameter of zeros. */
static inline tdag_value add_weight(tdag_ctx *ctx, tdag_builder *b, const char *name,
                                    uint32_t rank, const int64_t *shape)
{
    tdag_tensor *t = NULL;
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, rank, shape, &t));
    memset(tdag_tensor_get_mutable_data(t), 0, tdag_tensor_get_size(t));
    tdag_value v = tdag_add_tensor(b, TDAG_OP_PARAMETER, name, t);
    tdag_tensor_free(t);
    return v;
}

static inline tdag_graph *finish(tdag_ctx *ctx, tdag_builder *b, tdag_value output)
{
    tdag_graph *g = NULL;
    if (output.id != 0) tdag_builder_add_output(b, output);
    TEST_OK(ctx, tdag_builder_finish(b, &g));
    tdag_builder_free(b);
    return g;
}

static inline void check_counts(const char *name, const tdag_counts *got,
                                const tdag_counts *want)
{
    static const struct {
        const char *name;
        size_t offset;
    } fields[] = {
        {"nodes", offsetof(tdag_counts, nodes)},
        {"flops", offsetof(tdag_counts, flops)},
        {"macs", offsetof(tdag_counts, macs)},
        {"memory_reads", offsetof(tdag_counts, memory_reads)},
        {"memory_writes", offsetof(tdag_counts, memory_writes)},
        {"read_bytes", offsetof(tdag_counts, read_bytes)},
        {"write_bytes", offsetof(tdag_counts, write_bytes)},
        {"unpriced", offsetof(tdag_counts, unpriced)},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        int64_t g, w;
        memcpy(&g, (const char *)got + fields[i].offset, sizeof(g));
        memcpy(&w, (const char *)want + fields[i].offset, sizeof(w));
        if (g != w)
            fail_msg("%s: %s is %lld, not %lld", name, fields[i].name, (long long)g,
                     (long long)w);
    }
}

#endif
