/* Building and reading tensor DAGs.
 *
 * A tdag_builder makes one tdag_graph, which never changes afterwards: it is reference-
 * counted, cheap to share, and safe to read from many threads.
 *
 * Errors of a builder stick: a call that fails returns TDAG_NO_VALUE and records the
 * first failure; calls that get TDAG_NO_VALUE do nothing; tdag_builder_finish() returns
 * the recorded status, and the context holds its sentence. So a chain of calls needs
 * one check, at its end. NULL stands for a builder that failed with TDAG_E_ARG. */
#ifndef TDAGGER_GRAPH_H
#define TDAGGER_GRAPH_H

#include <tdagger/ops.h>

TDAG_BEGIN_DECLS

typedef struct tdag_graph tdag_graph;
typedef struct tdag_builder tdag_builder;

/* A value of one builder or graph: the result of its node number id. Numbers ascend in
 * topological order from 1; 0 is no value. */
typedef struct tdag_value {
    uint32_t id;
} tdag_value;
#define TDAG_NO_VALUE ((tdag_value){0})

/* ---- building ---- */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_builder_create(tdag_ctx *ctx,
                                                         tdag_builder **out);
TDAG_API void tdag_builder_free(tdag_builder *builder);
/* TDAG_OK, or the first failure. */
TDAG_API tdag_status tdag_builder_get_status(const tdag_builder *builder);

/* Declares a symbol with its sample value (>= 0), or finds the one declared before; a
 * different sample is TDAG_E_ARG. The name is an identifier: [A-Za-z_][A-Za-z0-9_]*. */
TDAG_API tdag_dim tdag_builder_symbol(tdag_builder *builder, const char *name,
                                      int64_t sample);
/* Dim arithmetic; the results are normalised, so equal expressions are equal numbers.
 */
TDAG_API tdag_dim tdag_dim_add(tdag_builder *builder, tdag_dim a, tdag_dim b);
TDAG_API tdag_dim tdag_dim_sub(tdag_builder *builder, tdag_dim a, tdag_dim b);
TDAG_API tdag_dim tdag_dim_mul(tdag_builder *builder, tdag_dim a, tdag_dim b);
TDAG_API tdag_dim tdag_dim_floordiv(tdag_builder *builder, tdag_dim a, tdag_dim b);
TDAG_API tdag_dim tdag_dim_max(tdag_builder *builder, tdag_dim a, tdag_dim b);
TDAG_API tdag_dim tdag_dim_min(tdag_builder *builder, tdag_dim a, tdag_dim b);

/* The module path that the nodes added from now on belong to; NULL or "" for none. */
TDAG_API void tdag_builder_set_scope(tdag_builder *builder, const char *scope);
/* Names a value. A name that is taken, or that looks like an automatic one (v12), gets
 * the first free suffix _1, _2, ... */
TDAG_API void tdag_builder_set_name(tdag_builder *builder, tdag_value value,
                                    const char *name);

/* Leaves. An input has a declared dtype and shape; the others hold a tensor (one more
 * reference is taken). `op` of tdag_add_tensor is TDAG_OP_PARAMETER, _BUFFER or
 * _CONSTANT; name may be NULL for a constant. */
TDAG_API tdag_value tdag_add_input(tdag_builder *builder, const char *name,
                                   tdag_dtype dtype, uint32_t rank,
                                   const tdag_dim *shape);
TDAG_API tdag_value tdag_add_tensor(tdag_builder *builder, tdag_op op, const char *name,
                                    const tdag_tensor *tensor);
/* A rank-0 constant of any dtype; value is rounded to it. */
TDAG_API tdag_value tdag_add_scalar(tdag_builder *builder, tdag_dtype dtype,
                                    double value);
/* Any other op: `spec` is the op's spec struct, or NULL where the op has none, and
 * spec_size its sizeof. Errors: E_ARG, E_SHAPE, E_DTYPE, E_LIMIT, E_NOMEM, E_OVERFLOW.
 */
TDAG_API tdag_value tdag_add_node(tdag_builder *builder, tdag_op op, const void *spec,
                                  size_t spec_size, const tdag_value *inputs,
                                  uint32_t n_inputs);

/* The same, one function per op. */
TDAG_API tdag_value tdag_unary(tdag_builder *builder, tdag_op op, tdag_value x);
TDAG_API tdag_value tdag_binary(tdag_builder *builder, tdag_op op, tdag_value x,
                                tdag_value y);
TDAG_API tdag_value tdag_permute(tdag_builder *builder, tdag_value x, tdag_list order);
TDAG_API tdag_value tdag_group(tdag_builder *builder, tdag_value x, tdag_list runs);
TDAG_API tdag_value tdag_ungroup(tdag_builder *builder, tdag_value x, tdag_list counts,
                                 tdag_list factors);
TDAG_API tdag_value tdag_squeeze(tdag_builder *builder, tdag_value x, tdag_list axes);
TDAG_API tdag_value tdag_unsqueeze(tdag_builder *builder, tdag_value x, tdag_list axes);
TDAG_API tdag_value tdag_slice(tdag_builder *builder, tdag_value x, tdag_list start,
                               tdag_list end);
TDAG_API tdag_value tdag_pad(tdag_builder *builder, tdag_value x, tdag_list before,
                             tdag_list after, tdag_pad_mode mode, double value);
TDAG_API tdag_value tdag_select(tdag_builder *builder, tdag_value x, int64_t axis,
                                tdag_dim index);
TDAG_API tdag_value tdag_repeat(tdag_builder *builder, tdag_value x, tdag_list counts);
TDAG_API tdag_value tdag_unfold(tdag_builder *builder, tdag_value x, tdag_list kernel,
                                tdag_list stride);
TDAG_API tdag_value tdag_fold(tdag_builder *builder, tdag_value x, tdag_list kernel,
                              tdag_list stride);
TDAG_API tdag_value tdag_reduce(tdag_builder *builder, tdag_value x,
                                tdag_reduction kind, tdag_list axes);
TDAG_API tdag_value tdag_scan(tdag_builder *builder, tdag_value x, tdag_reduction kind,
                              int64_t axis);
TDAG_API tdag_value tdag_argsort(tdag_builder *builder, tdag_value x, int64_t axis,
                                 bool descending);
TDAG_API tdag_value tdag_convert(tdag_builder *builder, tdag_value x, tdag_dtype dtype);
TDAG_API tdag_value tdag_where(tdag_builder *builder, tdag_value condition,
                               tdag_value x, tdag_value y);
TDAG_API tdag_value tdag_gather(tdag_builder *builder, tdag_value x, tdag_value index,
                                int64_t batch);
TDAG_API tdag_value tdag_scatter(tdag_builder *builder, tdag_value x, tdag_value index,
                                 tdag_value update, int64_t batch,
                                 tdag_scatter_mode mode);
TDAG_API tdag_value tdag_iota(tdag_builder *builder, tdag_dim n, tdag_dtype dtype);

/* What has been built so far; for a value of this builder. TDAG_NO_VALUE has rank 0. */
TDAG_API uint32_t tdag_builder_get_rank(const tdag_builder *builder, tdag_value value);
TDAG_API const tdag_dim *tdag_builder_get_shape(const tdag_builder *builder,
                                                tdag_value value);
TDAG_API tdag_dtype tdag_builder_get_dtype(const tdag_builder *builder,
                                           tdag_value value);

/* Appends an output; a value may be an output more than once. */
TDAG_API void tdag_builder_add_output(tdag_builder *builder, tdag_value value);
/* Makes the graph and leaves the builder empty, to be freed. Nodes that no output needs
 * stay; inputs keep their order. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_builder_finish(tdag_builder *builder,
                                                         tdag_graph **out);

/* ---- reading ---- */
TDAG_API tdag_graph *tdag_graph_copy(const tdag_graph *graph); /* one more reference */
TDAG_API void tdag_graph_free(tdag_graph *graph);              /* one reference less */

TDAG_API uint32_t tdag_graph_get_n_nodes(const tdag_graph *graph); /* leaves included */
TDAG_API uint32_t tdag_graph_get_n_inputs(const tdag_graph *graph);
TDAG_API uint32_t tdag_graph_get_n_outputs(const tdag_graph *graph);
TDAG_API tdag_value tdag_graph_get_input(const tdag_graph *graph, uint32_t i);
TDAG_API tdag_value tdag_graph_get_output(const tdag_graph *graph, uint32_t i);

/* One node as a reader sees it; pointers live as long as the graph. */
typedef struct tdag_node_info {
    tdag_op op;
    tdag_dtype dtype;
    uint32_t rank;
    const tdag_dim *shape;
    uint32_t n_inputs;
    const tdag_value *inputs;
    const void *spec;          /* the op's spec struct, NULL if it has none */
    const char *name;          /* NULL: automatic, written v<id> */
    const char *scope;         /* module path, "" if none */
    const tdag_tensor *tensor; /* of parameter, buffer, constant; else NULL */
} tdag_node_info;
/* All zeroes, so op TDAG_OP_NONE, for a value that the graph does not have. */
TDAG_API tdag_node_info tdag_graph_get_node(const tdag_graph *graph, tdag_value value);
/* TDAG_NO_VALUE if no value has that name (automatic names are found too). */
TDAG_API tdag_value tdag_graph_find(const tdag_graph *graph, const char *name);

/* The number of a dim at its symbols' sample values. */
TDAG_API int64_t tdag_graph_dim_sample(const tdag_graph *graph, tdag_dim dim);
/* Writes a dim as text ("N", "4*N+1", "floor(H/2)") into buf, always terminated, and
 * returns the length it needs without the terminator. */
TDAG_API size_t tdag_graph_dim_text(const tdag_graph *graph, tdag_dim dim, char *buf,
                                    size_t size);
TDAG_API uint32_t tdag_graph_get_n_symbols(const tdag_graph *graph);
TDAG_API const char *tdag_graph_get_symbol(const tdag_graph *graph, uint32_t i,
                                           int64_t *sample_out);

/* Checks every rule of the IR anew; the message names the node and the rule. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_verify(tdag_ctx *ctx,
                                                 const tdag_graph *graph);

/* ---- text ---- */
/* The textual form, one value per line (docs/text.md). *out is freed with
 * tdag_text_free(). Tensors are written in full only when small (<= 16 elements) or
 * with TDAG_TEXT_FULL; else they appear by dtype and shape, and parse back as zeros. */
enum { TDAG_TEXT_FULL = 1 };
TDAG_API TDAG_MUST_CHECK tdag_status tdag_graph_print(tdag_ctx *ctx,
                                                      const tdag_graph *graph,
                                                      uint32_t flags, char **out);
/* The composites that are recognised in the graph, and the core ops that none took, one
 * per line and leaves included: what kernels are counted as and what the native engine
 * runs. For reading; it does not parse back. *out is freed with tdag_text_free().
 * Errors: E_ARG (NULL), E_NOMEM. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_graph_print_raised(tdag_ctx *ctx,
                                                             const tdag_graph *graph,
                                                             char **out);
TDAG_API void tdag_text_free(tdag_ctx *ctx, char *text);
/* Reads it back. Errors: E_FORMAT with the byte offset, and all of the builder's. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_graph_parse(tdag_ctx *ctx, const char *text,
                                                      size_t size, tdag_graph **out);
/* Same nodes in the same order, same specs, shapes, names and scopes, equal tensors. */
TDAG_API bool tdag_graph_equal(const tdag_graph *a, const tdag_graph *b);

TDAG_END_DECLS

#endif
