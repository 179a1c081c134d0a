/* Models with programs (docs/programs.md): checking them, their text. */
#ifndef TDAGGER_PROGRAM_H
#define TDAGGER_PROGRAM_H

#include <tdagger/model.h>

TDAG_BEGIN_DECLS

/* Checks every rule of the model's graphs and programs anew; the sentence names the
 * method, the statement, by its number in the order of the text, and the rule; for a
 * graph its node. Errors: E_ARG, E_SHAPE, E_DTYPE, E_NOMEM. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_model_verify(tdag_ctx *ctx,
                                                       const tdag_model *model);

/* ---- text ---- */
/* The textual form of a model: of one whose program is one call of its graph, that of
 * the graph (docs/text.md); else that of graphs, state and programs (docs/programs.md).
 * *out is freed with tdag_text_free(). flags: TDAG_TEXT_FULL, as for
 * tdag_graph_print(). The model is verified first. Errors: those of the verifier, E_ARG
 * (NULL, flags), E_NOMEM. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_model_print(tdag_ctx *ctx,
                                                      const tdag_model *model,
                                                      uint32_t flags, char **out);
/* Reads either form back. Errors: E_FORMAT with the byte offset, E_UNSUPPORTED (another
 * version), and all of the builder's and the verifier's. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_model_parse(tdag_ctx *ctx, const char *text,
                                                      size_t size, tdag_model **out);

TDAG_END_DECLS

#endif
