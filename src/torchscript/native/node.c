/* What a parser of source reports, the memory it asks for, and the nodes it makes.
 * Each node of an expression knows how deep the tree below it is, and no tree is too
 * deep to be walked by recursion. */
#include <stdio.h>
#include <string.h>

#include "torchscript/native/lex.h"

/* ---- sentences ---- */

static unsigned line_of(const tdagi_source_parser *p, uint32_t offset)
{
    unsigned line = 1;
    for (uint32_t i = 0; i < offset && i < p->size; i++)
        line += p->text[i] == '\n';
    return line;
}

static tdag_status report(const tdagi_source_parser *p, tdag_status status,
                          uint32_t offset, const char *sentence)
{
    tdagi_fail(p->ctx, status, "%s, line %u: %s", p->path, line_of(p, offset),
               sentence);
    return tdagi_fail_at_offset(p->ctx, offset);
}

tdag_status tdagi_source_fail(const tdagi_source_parser *p, uint32_t offset,
                              const char *format, ...)
{
    char sentence[256];
    va_list args;
    va_start(args, format);
    if (vsnprintf(sentence, sizeof(sentence), format, args) < 0) sentence[0] = '\0';
    va_end(args);
    return report(p, TDAG_E_FORMAT, offset, sentence);
}

tdag_status tdagi_source_fail_limit(const tdagi_source_parser *p, uint32_t offset,
                                    const char *what)
{
    char sentence[128];
    snprintf(sentence, sizeof(sentence), "%s more than %d deep", what,
             TDAGI_SOURCE_MAX_DEPTH);
    return report(p, TDAG_E_LIMIT, offset, sentence);
}

tdag_status tdagi_source_unexpected(const tdagi_source_parser *p, const char *what)
{
    const tdagi_token *t = &p->token;
    int n = t->n > 40 ? 40 : (int)t->n;
    switch (t->kind) {
    case TDAGI_TOKEN_END:
        return tdagi_source_fail(p, t->offset, "expected %s, not the end of the file",
                                 what);
    case TDAGI_TOKEN_NEWLINE:
        return tdagi_source_fail(p, t->offset, "expected %s, not the end of the line",
                                 what);
    case TDAGI_TOKEN_INDENT:
    case TDAGI_TOKEN_DEDENT:
        return tdagi_source_fail(p, t->offset, "expected %s, not %s", what,
                                 t->kind == TDAGI_TOKEN_INDENT ? "a deeper indent"
                                                               : "the end of a block");
    default:
        return tdagi_source_fail(p, t->offset, "expected %s, not \"%.*s\"", what, n,
                                 p->text + t->offset);
    }
}

/* ---- memory ---- */

tdag_status tdagi_source_push(tdagi_source_parser *p, const void *item, size_t size)
{
    if (p->stack_size + size > p->stack_capacity) {
        size_t wider = 2 * p->stack_capacity + size + 1024;
        void *stack = p->stack;
        TDAGI_TRY(tdagi_realloc(p->ctx, &stack, p->stack_capacity, wider));
        p->stack = stack;
        p->stack_capacity = wider;
    }
    memcpy(p->stack + p->stack_size, item, size);
    p->stack_size += size;
    return TDAG_OK;
}

tdag_status tdagi_source_pop(tdagi_source_parser *p, size_t since, void *out)
{
    size_t size = p->stack_size - since;
    void *items = NULL;
    if (size > 0) {
        items = tdagi_arena_alloc(p->arena, size);
        if (items == NULL) return tdagi_nomem(p->ctx);
        memcpy(items, p->stack + since, size);
    }
    p->stack_size = since;
    memcpy(out, &items, sizeof(items));
    return TDAG_OK;
}

tdag_status tdagi_source_node(tdagi_source_parser *p, size_t size, void *out)
{
    uint32_t n = 1 + (uint32_t)(size / TDAGI_SOURCE_NODE_SIZE);
    if (p->n_nodes > TDAGI_SOURCE_MAX_NODES - n)
        return report(p, TDAG_E_LIMIT, p->token.offset,
                      "the file has too many expressions, types and statements");
    void *node = tdagi_arena_alloc(p->arena, size);
    if (node == NULL) return tdagi_nomem(p->ctx);
    p->n_nodes += n;
    memset(node, 0, size);
    memcpy(out, &node, sizeof(node));
    return TDAG_OK;
}

tdag_status tdagi_source_enter(tdagi_source_parser *p)
{
    if (p->depth == TDAGI_SOURCE_MAX_DEPTH)
        return tdagi_source_fail_limit(p, p->token.offset, "expressions are nested");
    p->depth++;
    return TDAG_OK;
}

/* ---- nodes of expressions ---- */

tdag_status tdagi_source_expr_new(tdagi_source_parser *p, tdagi_source_expr_kind kind,
                                  uint32_t offset, tdagi_source_expr **out)
{
    TDAGI_TRY(tdagi_source_node(p, sizeof(**out), out));
    (*out)->kind = (uint8_t)kind;
    (*out)->offset = offset;
    return TDAG_OK;
}

/* The node's items are what was pushed since. */
tdag_status tdagi_source_expr_take(tdagi_source_parser *p, size_t since,
                                   tdagi_source_expr *e)
{
    e->n = (uint32_t)((p->stack_size - since) / sizeof(*e->items));
    TDAGI_TRY(tdagi_source_pop(p, since, &e->items));
    for (uint32_t i = 0; i < e->n; i++) {
        const tdagi_source_expr *item = e->items[i];
        if (item == NULL || item->depth < e->depth) continue;
        if (item->depth + 1 > TDAGI_SOURCE_MAX_DEPTH)
            return tdagi_source_fail_limit(p, e->offset, "expressions are nested");
        e->depth = (uint8_t)(item->depth + 1);
    }
    return TDAG_OK;
}

/* A node of one, two or three items. */
tdag_status tdagi_source_expr_over(tdagi_source_parser *p, tdagi_source_expr_kind kind,
                                   uint32_t offset,
                                   const tdagi_source_expr *const *items, uint32_t n,
                                   tdagi_source_expr **out)
{
    size_t since = p->stack_size;
    TDAGI_TRY(tdagi_source_expr_new(p, kind, offset, out));
    TDAGI_TRY(tdagi_source_push(p, items, n * sizeof(*items)));
    return tdagi_source_expr_take(p, since, *out);
}
