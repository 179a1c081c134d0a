/* Models: what importers return. Graphs, the structure of inputs and outputs, and where
 * they came from. */
#ifndef TDAGGER_MODEL_H
#define TDAGGER_MODEL_H

#include <tdagger/graph.h>

TDAG_BEGIN_DECLS

/* A model owns graphs, states, and methods that use them (tdagger/program.h); most have
 * one graph and one method, `forward`, that calls it. Immutable once made. */
typedef struct tdag_model tdag_model;

/* Makes a model of one graph, whose inputs and outputs are flat lists of tensors (one
 * output: that tensor itself). Takes a reference of graph. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_model_create(tdag_ctx *ctx,
                                                       const tdag_graph *graph,
                                                       tdag_model **out);
TDAG_API void tdag_model_free(tdag_model *model);
/* The graph of a model that is one graph; lent, lives as long as the model. NULL: its
 * program does more than call that. */
TDAG_API const tdag_graph *tdag_model_get_graph(const tdag_model *model);

/* The structure that a method's tensors have in their framework, as text:
 *   T            a tensor, the next one in order
 *   ( a, b )     a tuple;  (a,) of one;  [ a, b ] a list
 *   { "k": a }   a dict with string keys
 *   int, float, bool    a number that the next tensor, of rank 0, holds
 *   tensors, ints, floats, bools    a list whose items are the next tensor's rows
 *   None, True, False, 12, 1.5, "s"    a constant
 *   Name( f=a, ... )   a named tuple
 * Lent. */
TDAG_API const char *tdag_model_get_input_structure(const tdag_model *model);
TDAG_API const char *tdag_model_get_output_structure(const tdag_model *model);

/* What its file says of a model beside what it computes: "author", "license",
 * "description", "version", "user.KEY" and "input.NAME", "output.NAME", "state.NAME" of
 * Core ML, every other key of the metadata of a .tdag file. Kept in .tdag files and
 * packages, and by commands that change a whole model. Lent; NULL: there is none. */
TDAG_API const char *tdag_model_get_metadata(const tdag_model *model, const char *key);
/* The keys in their order; NULL behind the last one. */
TDAG_API const char *tdag_model_get_metadata_key(const tdag_model *model, uint32_t i);

/* Whether a file's declared inputs are known: one dtype and shape per flat input, in
 * order, with symbols and their samples. What -i and --like become. */
typedef struct tdag_input_spec {
    const char *name; /* NULL: by position */
    tdag_dtype dtype;
    uint32_t rank;
    int64_t shape[TDAG_MAX_RANK];      /* the dims, or the sample of a symbolic one */
    const char *symbol[TDAG_MAX_RANK]; /* the symbol's name; NULL: a fixed dim */
} tdag_input_spec;

/* Parses "[NAME:]DTYPE[DIMS]", e.g. "f32[N=4,3,224,224]", "mask:bool[B=2,S=16]",
 * "i64[]". A later mention of the same symbol may leave its value out ("N"): shape[i]
 * is -1 then, for the caller to fill. The strings live in *storage_out, freed with
 * tdag_input_spec_free(). Errors: E_ARG with the byte offset, E_NOMEM. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_input_spec_parse(tdag_ctx *ctx,
                                                           const char *text,
                                                           tdag_input_spec *out,
                                                           char **storage_out);
TDAG_API void tdag_input_spec_free(tdag_ctx *ctx, char *storage); /* NULL is fine */

TDAG_END_DECLS

#endif
