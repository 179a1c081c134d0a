/* Shared by the files of the text form: the lexer and what is plain. */
#ifndef TDAGI_TEXT_PARSE_H
#define TDAGI_TEXT_PARSE_H

#include <string.h>

#include "base/arena.h"
#include "ir/graph.h"

#define TDAGI_TEXT_VERSION  1 /* of a graph */
#define TDAGI_TEXT_PROGRAMS 2 /* of a model with programs */

/* A byte of names and scopes that need no quotes. */
static inline bool tdagi_text_is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '.';
}
/* The words that begin a line of their own; a value of that name is quoted. */
static inline bool tdagi_text_is_keyword(const char *word)
{
    return strcmp(word, "tdag") == 0 || strcmp(word, "symbols") == 0 ||
           strcmp(word, "return") == 0;
}

typedef struct tdagi_lexer {
    tdag_ctx *ctx;
    tdagi_arena *arena; /* words and lists */
    tdagi_pool *pool;   /* dims */
    const char *text, *p, *end;
} tdagi_lexer;

/* E_FORMAT with the offset of `at`. */
tdag_status tdagi_lex_fail(const tdagi_lexer *l, const char *at, const char *format,
                           ...) __attribute__((format(printf, 3, 4)));
/* What others reported, with the offset of `at` unless they gave one. */
tdag_status tdagi_lex_pass(const tdagi_lexer *l, const char *at, tdag_status status);

void tdagi_lex_spaces(tdagi_lexer *l); /* not newlines */
bool tdagi_lex_take(tdagi_lexer *l, char c);
tdag_status tdagi_lex_expect(tdagi_lexer *l, char c);
/* Spaces and a comment, then the end of the line or of the text. */
bool tdagi_lex_at_line_end(tdagi_lexer *l);
tdag_status tdagi_lex_line_end(tdagi_lexer *l);
void tdagi_lex_blank_lines(tdagi_lexer *l);

/* Bytes without spaces or punctuation that end a number: [A-Za-z0-9_.+-()]. */
size_t tdagi_lex_number_length(const tdagi_lexer *l);
/* Takes the word if it comes next and ends there. */
bool tdagi_lex_take_word(tdagi_lexer *l, const char *word);
tdag_status tdagi_lex_word(tdagi_lexer *l, const char **out); /* plain bytes */
tdag_status tdagi_lex_quoted(tdagi_lexer *l, const char **out);
tdag_status tdagi_lex_name(tdagi_lexer *l, const char **out); /* either of the two */
tdag_status tdagi_lex_int(tdagi_lexer *l, int64_t *out);
tdag_status tdagi_lex_dim(tdagi_lexer *l, tdag_dim *out);
tdag_status tdagi_lex_list(tdagi_lexer *l, bool dims, tdag_list *out);
tdag_status tdagi_lex_dtype(tdagi_lexer *l, tdag_dtype *out);

/* {name=value, ...} into a zeroed spec; each field once, missing ones stay zero. */
tdag_status tdagi_lex_spec(tdagi_lexer *l, const tdagi_field *fields, void *spec);
/* [v, v, ...] of a new tensor, or zeros if there is no bracket. */
tdag_status tdagi_lex_tensor(tdagi_lexer *l, const tdagi_type *type, tdag_tensor **out);

/* The text's first line, "tdag 1". */
tdag_status tdagi_lex_version(tdagi_lexer *l, int64_t *out);
/* A graph from its symbols to its return line, in a pool of its own. */
tdag_status tdagi_lex_graph(tdagi_lexer *l, tdag_graph **out);

#endif
