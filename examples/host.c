/* A host with a heap of its own: what the library takes is metered and limited,
 * failures come back with their words, and what was made outlives the context it was
 * made with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tdagger.h>

typedef struct heap {
    size_t used, most, limit; /* bytes */
} heap;

/* The one hook: old_size is what was asked for before, so a block needs no header. */
static void *heap_realloc(void *user, void *ptr, size_t old_size, size_t new_size)
{
    heap *h = user;
    if (h->used - old_size + new_size > h->limit) return NULL;
    void *block = NULL;
    if (new_size == 0)
        free(ptr);
    else if ((block = realloc(ptr, new_size)) == NULL)
        return NULL;
    h->used += new_size - old_size;
    if (h->used > h->most) h->most = h->used;
    return block;
}

static tdag_status make_context(heap *h, tdag_ctx **out)
{
    tdag_ctx_options options;
    tdag_ctx_options_init(&options);
    options.allocator.realloc = heap_realloc;
    options.allocator.user = h;
    options.limits.max_nodes = 1000; /* more is E_LIMIT, whatever a file says */
    return tdag_ctx_create(&options, out);
}

static tdag_status parse(tdag_ctx *ctx, const char *text, tdag_graph **out)
{
    tdag_status st = tdag_graph_parse(ctx, text, strlen(text), out);
    const tdag_error *e = tdag_ctx_get_error(ctx);
    if (st != TDAG_OK)
        printf("%s: %s (node \"%s\", module \"%s\", byte %llu)\n", tdag_status_text(st),
               e->message, e->node, e->scope, (unsigned long long)e->offset);
    return st;
}

int main(void)
{
    static const char good[] = "tdag 1\nx: f32[8] = input\ny = exp(x)\nreturn y\n";
    static const char bad[] = "tdag 1\nx: f32[8] = input\nz: f32[3] = input\n"
                              "y = add(x, z) @encoder.norm\nreturn y\n";
    heap h = {0, 0, 1 << 20};
    tdag_ctx *ctx = NULL;
    tdag_graph *graph = NULL;
    if (make_context(&h, &ctx) != TDAG_OK) return 1;
    if (parse(ctx, bad, &graph) == TDAG_OK) return 1; /* prints why not */
    if (parse(ctx, good, &graph) != TDAG_OK) return 1;
    tdag_ctx_free(ctx); /* the graph does not need it */
    printf("%u nodes, heap %s\n", (unsigned)tdag_graph_get_n_nodes(graph),
           h.used > 0 ? "in use" : "empty");
    tdag_graph_free(graph);
    printf("heap %s, never over its limit: %s\n", h.used > 0 ? "in use" : "empty",
           h.most <= h.limit ? "yes" : "no");
    return 0;
}
