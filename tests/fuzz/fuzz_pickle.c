/* Any bytes as a pickle: reading ends in a status and takes memory in proportion to the
 * bytes; what is read is a tree of the depth and the number of values that it says, and
 * each of them may be asked whether it is a tensor. */
#include <string.h>

#include "archive/pickle.h"
#include "fuzz/fuzz.h"

static uint64_t walk(tdag_ctx *ctx, const tdagi_pickle *v);

/* The values below; how deep they are must be what the value says. */
static uint64_t walk_items(tdag_ctx *ctx, const tdagi_pickle *v, uint64_t n)
{
    uint64_t sum = 0;
    uint32_t depth = 0;
    for (uint64_t i = 0; i < n; i++) {
        const tdagi_pickle *item = v->u.items[i];
        sum += walk(ctx, item);
        if (item->depth + 1U > depth) depth = item->depth + 1U;
    }
    EXPECT(v->depth == depth);
    return sum;
}

static uint64_t walk(tdag_ctx *ctx, const tdagi_pickle *v)
{
    bool is_tensor = false;
    tdagi_pickle_tensor tensor;
    uint64_t sum = 1;
    switch ((tdagi_pickle_kind)v->kind) {
    case TDAGI_PICKLE_STRING:
    case TDAGI_PICKLE_GLOBAL:
        EXPECT(v->u.s[v->n] == '\0' && strlen(v->u.s) <= v->n);
        break;
    case TDAGI_PICKLE_LIST:
    case TDAGI_PICKLE_TUPLE:
    case TDAGI_PICKLE_APPLY:
    case TDAGI_PICKLE_PERSISTENT:
        sum += walk_items(ctx, v, v->n);
        break;
    case TDAGI_PICKLE_DICT:
        sum += walk_items(ctx, v, 2 * v->n);
        break;
    case TDAGI_PICKLE_NONE:
    case TDAGI_PICKLE_BOOL:
    case TDAGI_PICKLE_INT:
    case TDAGI_PICKLE_FLOAT:
        break;
    default:
        EXPECT(v->kind <= TDAGI_PICKLE_PERSISTENT);
    }
    fuzz_expect_told(ctx, tdagi_pickle_get_tensor(ctx, v, &is_tensor, &tensor));
    EXPECT(sum == v->weight);
    return sum;
}

typedef tdag_status (*reader)(tdag_ctx *ctx, tdagi_arena *arena, const void *data,
                              size_t size, const char *what, const tdagi_pickle **out);

static void read_by(reader read, tdag_ctx *ctx, const uint8_t *data, size_t size,
                    bool is_tree)
{
    tdagi_arena arena;
    const tdagi_pickle *v = NULL;
    tdagi_arena_init(&arena, &ctx->allocator);
    tdag_status st = read(ctx, &arena, data, size, "input", &v);
    fuzz_expect_told(ctx, st);
    EXPECT(arena.total <= 2048 + 200 * size);
    if (st == TDAG_OK && is_tree) walk(ctx, v);
    tdagi_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tdag_ctx *ctx = fuzz_ctx();
    read_by(tdagi_pickle_read, ctx, data, size, true);
    read_by(tdagi_pickle_read_shared, ctx, data, size, false);
    tdag_ctx_free(ctx);
    return 0;
}
