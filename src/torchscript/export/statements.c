/* The statements of an export for other writers. See statements.h. */
#include "torchscript/export/statements.h"

#include "torchscript/export/export.h"

/* Every leaf is a variable: there are no modules to fetch it from. */
static void name_leaves(tdagi_exporter *e)
{
    for (uint32_t i = 1; i <= e->r->n; i++)
        if (tdagi_export_is_leaf(tdagi_export_kernel(e, i))) tdagi_export_name(e, i);
}

static tdag_status write_and_read(tdagi_exporter *e, const tdagi_export_use *use)
{
    name_leaves(e);
    tdagi_text_add(&e->body, "def forward(self):\n");
    tdagi_export_kernels(e);
    tdagi_text_add(&e->body, "    return 0\n");
    TDAGI_TRY(e->body.status);
    TDAGI_TRY(tdagi_pool_report(e->ctx, e->r->pool));
    const tdagi_statements statements = {.raised = e->r,
                                         .text = e->body.data,
                                         .length = e->body.length,
                                         .values = e->var,
                                         .ends = e->ends};
    return use->read(use->user, &statements);
}

static tdag_status with_ends(tdagi_exporter *e, const tdagi_export_use *use)
{
    size_t n = (size_t)e->r->n + 1;
    void *ends = NULL;
    TDAGI_TRY(tdagi_array_alloc(e->ctx, n, sizeof(size_t), &ends));
    e->ends = ends;
    tdag_status st = tdagi_export_raised(e, use);
    tdagi_free(e->ctx, ends, n * sizeof(size_t));
    return st;
}

tdag_status tdagi_export_statements(tdag_ctx *ctx, const tdag_graph *graph,
                                    const bool *by_parts, tdagi_statements_reader *read,
                                    void *user)
{
    tdagi_exporter e = {.ctx = ctx, .g = graph, .mark = "", .is_functional = true};
    const tdagi_export_use use = {.run = write_and_read, .read = read, .user = user};
    bool parts[TDAGI_N_COMPOSITES];
    tdagi_arena_init(&e.arena, &ctx->allocator);
    tdagi_text_init(&e.body, ctx);
    tdagi_export_plan_by_parts(parts);
    for (uint32_t i = 0; by_parts != NULL && i < TDAGI_N_COMPOSITES; i++)
        parts[i] |= by_parts[i];
    tdag_status st = tdagi_raise(ctx, graph, parts, &e.r);
    if (st == TDAG_OK) st = with_ends(&e, &use);
    tdagi_raised_free(e.r);
    tdagi_text_free(&e.body);
    tdagi_arena_free(&e.arena);
    return st;
}
