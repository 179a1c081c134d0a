/* The text form of models; docs/programs.md has the grammar. A model of one graph that
 * does no more than call it is written as that graph (docs/text.md). */
#ifndef TDAGI_PROGRAM_TEXT_TEXT_H
#define TDAGI_PROGRAM_TEXT_TEXT_H

#include "base/text.h"
#include "program/model.h"

/* Whether the model is what tdag_model_create() makes of a graph, but for its
 * structures. */
tdag_status tdagi_model_is_plain(tdag_ctx *ctx, const tdag_model *model, bool *out);
/* Appends a statement's line, without its blocks and what opens them. */
void tdagi_statement_print(tdagi_text *to, const tdag_model *model,
                           const tdagi_method *m, const tdagi_statement *s);
/* A word of the text form of programs: a name that is one is quoted. */
bool tdagi_program_is_keyword(const char *word);

#endif
