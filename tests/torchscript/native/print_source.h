/* A parsed source as text, for tests. */
#ifndef TDAG_TEST_PRINT_SOURCE_H
#define TDAG_TEST_PRINT_SOURCE_H

#include "base/text.h"
#include "torchscript/native/syntax.h"

void print_source_expr(tdagi_text *t, const tdagi_source_expr *e);
/* Statements with blanks between, blocks in braces. */
void print_source_stmts(tdagi_text *t, const tdagi_source_stmt *s);
void print_source(tdagi_text *t, const tdagi_source *source);

#endif
