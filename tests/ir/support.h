/* What the tests of graphs share: graphs of their text. */
#ifndef TEST_IR_SUPPORT_H
#define TEST_IR_SUPPORT_H

#include <tdagger/file.h>
#include <tdagger/graph.h>

#include "ir/graph.h"
#include "support/test.h"

/* A graph of its text; lines behind "tdag 1". Fails the test with `what`. */
static inline tdag_graph *graph_of(tdag_ctx *ctx, const char *what, const char *lines)
{
    char text[2048];
    tdag_graph *g = NULL;
    int n = snprintf(text, sizeof text, "tdag 1\n%s\n", lines);
    assert_in_range(n, 0, (int)sizeof text - 1);
    if (tdag_graph_parse(ctx, text, (size_t)n, &g) != TDAG_OK)
        fail_msg("%s: %s", what, tdag_ctx_get_error(ctx)->message);
    return g;
}

/* The value of that name. */
static inline tdag_value value_of(const tdag_graph *g, const char *name)
{
    tdag_value v = tdag_graph_find(g, name);
    if (v.id == 0) fail_msg("there is no value %s", name);
    return v;
}

#endif
