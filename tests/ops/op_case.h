/* Rows of op tests: a type of each input, a spec, and the type that the shape rule
 * makes of them, or a part of the sentence by which it refuses; optionally the cost.
 * Types are written "f32[2,N,4*N+1]"; the symbols are N = 4, M = 3, K = 7. */
#ifndef TDAG_OP_CASE_H
#define TDAG_OP_CASE_H

#include "support/test.h"

#include <inttypes.h>

#include "ir/graph.h"

typedef struct op_case {
    const char *name;
    tdag_op op;
    const void *spec;
    const char *inputs[3];
    const char *want; /* a type, or "! words of the sentence" */
    const char *cost; /* "flops, reads, writes" as dims; NULL: not looked at */
} op_case;

typedef struct op_world {
    tdag_ctx *ctx;
    tdagi_pool *pool;
} op_world;

static inline op_world op_world_create(void)
{
    op_world w = {test_ctx(), NULL};
    w.pool = tdagi_pool_create(&w.ctx->allocator);
    tdagi_dim_symbol(w.pool, "N", 4);
    tdagi_dim_symbol(w.pool, "M", 3);
    tdagi_dim_symbol(w.pool, "K", 7);
    return w;
}

static inline void op_world_free(op_world *w)
{
    tdagi_pool_free(w->pool);
    tdag_ctx_free(w->ctx);
}

static inline tdag_dim op_dim(const op_world *w, const char *text)
{
    const char *end;
    tdag_dim d;
    TEST_OK(w->ctx,
            tdagi_dim_parse(w->ctx, w->pool, text, text + strlen(text), &end, &d));
    return d;
}

/* Reads dims up to `last`, separated by commas; returns how many. */
static inline uint32_t op_dims(const op_world *w, const char *text, char last,
                               tdag_dim *out)
{
    uint32_t n = 0;
    while (*text == ' ')
        text++;
    while (*text != last) {
        TEST_OK(w->ctx, tdagi_dim_parse(w->ctx, w->pool, text, text + strlen(text),
                                        &text, &out[n++]));
        while (*text == ',' || *text == ' ')
            text++;
    }
    return n;
}

static inline tdagi_type op_type(const op_world *w, const char *text)
{
    tdagi_type t = {0};
    char dtype[8] = {0};
    const char *open = strchr(text, '[');
    memcpy(dtype, text, (size_t)(open - text));
    t.dtype = tdag_dtype_from_name(dtype);
    t.rank = op_dims(w, open + 1, ']', t.shape);
    return t;
}

static inline void op_case_cost(const op_world *w, const op_case *c, uint32_t n_inputs,
                                const tdagi_type *inputs, const tdagi_type *output)
{
    tdagi_cost got = {0};
    tdag_dim want[8] = {0};
    static const char *const names[] = {"flops", "reads", "writes"};
    tdagi_cost_call call = {w->pool, c->spec, n_inputs, inputs, output, &got};
    tdagi_op_row_of(c->op)->def->cost(&call);
    assert_int_equal(op_dims(w, c->cost, '\0', want), 3);
    const tdag_dim have[] = {got.flops, got.reads, got.writes};
    for (uint32_t i = 0; i < 3; i++)
        if (have[i] != want[i]) {
            char text[200];
            tdagi_dim_text(w->pool, have[i], text, sizeof text);
            fail_msg("%s: the cost has %s %s, wanted are: %s", c->name, names[i], text,
                     c->cost);
        }
    assert_int_equal(got.macs, 0);
    tdag_dim size = (tdag_dim)tdag_dtype_size(output->dtype);
    assert_true(got.write_bytes == tdagi_dim_mul(w->pool, got.writes, size));
}

static inline void op_case_run(const op_world *w, const op_case *c)
{
    tdagi_type inputs[3] = {0}, out = {0};
    uint32_t n = 0;
    while (n < 3 && c->inputs[n] != NULL) {
        inputs[n] = op_type(w, c->inputs[n]);
        n++;
    }
    tdagi_shape_call call = {w->ctx, w->pool, c->spec, n, inputs, &out};
    tdag_status st = tdagi_op_row_of(c->op)->def->shape(&call);
    const char *message = st == TDAG_OK ? "" : tdag_ctx_get_error(w->ctx)->message;
    if (c->want[0] == '!') {
        if (st == TDAG_OK) fail_msg("%s: is not refused", c->name);
        if (strstr(message, c->want + 2) == NULL)
            fail_msg("%s: refused by \"%s\"", c->name, message);
        return;
    }
    if (st != TDAG_OK) fail_msg("%s: %s", c->name, message);
    tdagi_type want = op_type(w, c->want);
    if (out.dtype != want.dtype || out.rank != want.rank)
        fail_msg("%s: made %s of rank %" PRIu32, c->name, tdag_dtype_name(out.dtype),
                 out.rank);
    for (uint32_t i = 0; i < want.rank; i++)
        if (out.shape[i] != want.shape[i]) {
            char text[200];
            tdagi_dim_text(w->pool, out.shape[i], text, sizeof text);
            fail_msg("%s: axis %" PRIu32 " is %s", c->name, i, text);
        }
    if (c->cost != NULL) op_case_cost(w, c, n, inputs, &out);
}

#define OP_CASES_RUN(world, cases)                                                     \
    for (size_t op_i = 0; op_i < sizeof(cases) / sizeof *(cases); op_i++)              \
    op_case_run(world, &(cases)[op_i])

#endif
