/* The body of an exported method without its head, its end and PyTorch, for writers of
 * other forms than TorchScript's archives.
 *
 * Statements are those of the export: "v7 = torch.relu(v5)", "v8, v9 = torch.max(...)",
 * "t4 = ops.ns.f(v2)". What kernel i computes, a leaf's tensor included, is called
 * v<i>, where it has no other expression; sizes are called size_<symbol>. */
#ifndef TDAGI_STATEMENTS_H
#define TDAGI_STATEMENTS_H

#include "raise/raise.h"

typedef struct tdagi_statements {
    const tdagi_raised *raised;
    const char *text; /* "def forward(self):\n", the statements, "    return 0\n" */
    size_t length;
    const char *const *values; /* by kernel: the expression; NULL: never computed */
    const size_t *ends;        /* by kernel: where its statements end in the text */
} tdagi_statements;

/* What is read lives until the function returns. */
typedef tdag_status tdagi_statements_reader(void *user, const tdagi_statements *s);

/* Raises the graph, writes its statements and has them read. In-place forms of
 * operators do not occur. A composite is left as its parts where it has no call, or
 * where by_parts[it]; NULL = nowhere else. Errors: E_UNSUPPORTED, E_NOMEM, and the
 * reader's. */
tdag_status tdagi_export_statements(tdag_ctx *ctx, const tdag_graph *graph,
                                    const bool *by_parts, tdagi_statements_reader *read,
                                    void *user);

#endif
