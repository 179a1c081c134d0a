/* Shared by the files that read the text form of models. */
#ifndef TDAGI_PROGRAM_TEXT_PARSE_H
#define TDAGI_PROGRAM_TEXT_PARSE_H

#include "ir/text/parse.h"
#include "program/build.h"

/* A growing array in the parser's arena. */
typedef struct tdagi_items {
    void *v;
    uint32_t n, capacity;
} tdagi_items;

/* Where a statement stands. */
typedef struct tdagi_statement_place {
    uint32_t method, number; /* the statement's among its method's, from 1 */
    const char *at;
} tdagi_statement_place;

typedef struct tdagi_program_parser {
    tdag_ctx *ctx;
    tdagi_lexer lex; /* its pool is that of the method at hand */
    tdagi_arena arena;
    tdagi_model_builder b;
    tdagi_name_map names;  /* of the method's values that are seen: their ids */
    tdagi_items seen;      /* of const char *: those names, in order */
    tdagi_items places;    /* of tdagi_statement_place */
    uint32_t n_statements; /* of the method at hand, so far */
} tdagi_program_parser;

/* A result of the line at hand, whose type may be written. */
typedef struct tdagi_written_result {
    const char *name, *at;
    const char *type_at; /* NULL: it has none */
} tdagi_written_result;

/* A statement's line. */
typedef struct tdagi_program_line {
    const char *start;
    tdagi_items results;  /* of tdagi_written_result */
    tdagi_items types;    /* of tdagi_type; as many, once they are known */
    tdagi_items inputs;   /* of tdagi_var */
    tdagi_items bindings; /* of tdagi_binding */
} tdagi_program_line;

/* One more element, zeroed; NULL when out of memory. */
void *tdagi_items_add(tdagi_program_parser *p, tdagi_items *items, size_t size);

/* What the builder met, at that place. */
tdag_status tdagi_program_check(tdagi_program_parser *p, const char *at);
/* Names of values: one that is seen, and one that is new from here on. */
tdag_status tdagi_program_operand(tdagi_program_parser *p, tdagi_var *out);
tdag_status tdagi_program_define(tdagi_program_parser *p, const char *name,
                                 const char *at, tdagi_var v);
/* Forgets the names beyond the first n that are seen. */
void tdagi_program_leave(tdagi_program_parser *p, uint32_t n);
/* Operands up to `close`, or with `close` 0 to the end of the line; appended. */
tdag_status tdagi_program_operands(tdagi_program_parser *p, char close,
                                   tdagi_items *out);

/* DTYPE[dims]. A dim "K=5" binds a symbol, and so does a bare one that is not known:
 * its sample is then that of the dim of `like` (NULL: 1). They go to *bindings; NULL:
 * nothing is bound. */
tdag_status tdagi_program_type(tdagi_program_parser *p, const tdagi_type *like,
                               tdagi_items *bindings, tdagi_type *out);
/* As many types as the line has results, and bounds of what they bind. A symbol may
 * stand in an expression before it is bound by standing alone. */
tdag_status tdagi_program_types(tdagi_program_parser *p, tdagi_program_line *line);
/* Goes past a type. */
tdag_status tdagi_program_skip_type(tdagi_lexer *l);
/* A symbol of a new name that begins like that, which the line's statement binds. */
tdag_status tdagi_program_fresh(tdagi_program_parser *p, const char *name,
                                int64_t sample, tdagi_items *bindings, tdag_dim *out);
/* ", K <= N, ..." of symbols that are bound. */
tdag_status tdagi_program_bounds(tdagi_program_parser *p, tdagi_items *bindings);
/* The types of the line's results. `types` are what is known of them (as line->types);
 * bit k of open[i]: axis k of result i is a size that the statement finds. binds: types
 * that are written bind symbols, else they must be the same. */
tdag_status tdagi_program_settle(tdagi_program_parser *p, tdagi_program_line *line,
                                 const uint32_t *open, bool binds);
/* Defines the line's results. */
tdag_status tdagi_program_results(tdagi_program_parser *p,
                                  const tdagi_program_line *line,
                                  const tdagi_var *vars);

/* A statement without blocks (statement.c), from behind its word. */
tdag_status tdagi_program_leaf(tdagi_program_parser *p, tdagi_statement_kind kind,
                               tdagi_program_line *line);

#endif
