/* The tokens of TorchScript's source, and what all parts of the parser share. */
#ifndef TDAGI_LEX_H
#define TDAGI_LEX_H

#include "torchscript/native/syntax.h"

/* What a file may ask for; far beyond what PyTorch writes (depth 21, 10^5 nodes). */
#define TDAGI_SOURCE_MAX_DEPTH 200        /* expressions, blocks */
#define TDAGI_SOURCE_MAX_NODES (1U << 22) /* in a file; large ones count as several */
#define TDAGI_SOURCE_NODE_SIZE 128
#define TDAGI_SOURCE_MAX_TYPE  ((size_t)65536) /* bytes of a type's text */

/* A mark of one byte is its own kind: '(' ',' '=' '+' ... */
typedef enum tdagi_token_kind {
    TDAGI_TOKEN_END = 128,
    TDAGI_TOKEN_NEWLINE,
    TDAGI_TOKEN_INDENT,
    TDAGI_TOKEN_DEDENT,
    TDAGI_TOKEN_NAME,
    TDAGI_TOKEN_NUMBER,
    TDAGI_TOKEN_STRING,  /* with its quotes */
    TDAGI_TOKEN_AUGMENT, /* "+=", "//=" ... */
    TDAGI_TOKEN_ARROW,
    TDAGI_TOKEN_POWER,
    TDAGI_TOKEN_FLOORDIV,
    TDAGI_TOKEN_EQ,
    TDAGI_TOKEN_NE,
    TDAGI_TOKEN_LE,
    TDAGI_TOKEN_GE,
    TDAGI_TOKEN_SHL,
    TDAGI_TOKEN_SHR,
    TDAGI_TOKEN_DOTS,
    /* Words; as in Python none of them is a name. */
    TDAGI_TOKEN_IF,
    TDAGI_TOKEN_OR,
    TDAGI_TOKEN_IN,
    TDAGI_TOKEN_IS,
    TDAGI_TOKEN_AS,
    TDAGI_TOKEN_AND,
    TDAGI_TOKEN_NOT,
    TDAGI_TOKEN_FOR,
    TDAGI_TOKEN_DEF,
    TDAGI_TOKEN_TRUE,
    TDAGI_TOKEN_NONE,
    TDAGI_TOKEN_ELSE,
    TDAGI_TOKEN_ELIF,
    TDAGI_TOKEN_PASS,
    TDAGI_TOKEN_WITH,
    TDAGI_TOKEN_FALSE,
    TDAGI_TOKEN_WHILE,
    TDAGI_TOKEN_BREAK,
    TDAGI_TOKEN_RAISE,
    TDAGI_TOKEN_CLASS,
    TDAGI_TOKEN_RETURN,
    TDAGI_TOKEN_ASSERT,
    TDAGI_TOKEN_CONTINUE,
    TDAGI_N_TOKENS, /* and bytes of the language are below 128 */
} tdagi_token_kind;

typedef struct tdagi_token {
    uint8_t kind;
    uint32_t offset, n;
    const char *name; /* NAME and words: ended by a zero byte, equal ones are one */
} tdagi_token;

typedef struct tdagi_source_name { /* a name that was met */
    const char *text;
    uint32_t hash, n;
    uint32_t role; /* in a class: see parse.c */
    uint8_t kind;  /* as a token; 0: it was none yet */
    const tdagi_source_type
        *type; /* the type that is just this name, once it was met */
} tdagi_source_name;

typedef struct tdagi_source_parser {
    tdag_ctx *ctx;
    tdagi_arena *arena;
    const char *path, *text;
    uint32_t size, at;
    tdagi_token token; /* the one at hand */
    /* lines */
    bool is_line_start;
    uint32_t n_brackets;           /* open ones: in them a line's end means nothing */
    uint32_t n_indents, n_dedents; /* dedents that are due */
    uint32_t indents[TDAGI_SOURCE_MAX_DEPTH + 1];
    /* names: open addressing */
    tdagi_source_name *names;
    uint32_t n_names, names_capacity;
    /* parts of a list until its length is known */
    char *stack;
    size_t stack_size, stack_capacity;
    uint32_t depth, n_nodes;
    uint32_t n_classes;
} tdagi_source_parser;

/* ---- lex.c ---- */
tdag_status tdagi_source_next(tdagi_source_parser *p);
/* The entry of a name that is made when it is new; NULL: out of memory. */
tdagi_source_name *tdagi_source_intern(tdagi_source_parser *p, const char *text,
                                       uint32_t n);
/* Takes the token of that kind; `what` names it in the sentence. */
tdag_status tdagi_source_expect(tdagi_source_parser *p, int kind, const char *what);
tdag_status tdagi_source_expect_name(tdagi_source_parser *p, const char **out);
/* Takes it if it is there. */
tdag_status tdagi_source_take(tdagi_source_parser *p, int kind, bool *taken_out);

/* ---- node.c ---- */
/* E_FORMAT with file, line and offset. */
tdag_status tdagi_source_fail(const tdagi_source_parser *p, uint32_t offset,
                              const char *format, ...)
    __attribute__((format(printf, 3, 4)));
tdag_status tdagi_source_fail_limit(const tdagi_source_parser *p, uint32_t offset,
                                    const char *what);
/* "expected WHAT, not 'x'" at the token at hand. */
tdag_status tdagi_source_unexpected(const tdagi_source_parser *p, const char *what);
/* What is pushed, all of one size, becomes an array of the arena. */
tdag_status tdagi_source_push(tdagi_source_parser *p, const void *item, size_t size);
tdag_status tdagi_source_pop(tdagi_source_parser *p, size_t since, void *out);
/* Zeroed memory of the arena for one more node. */
tdag_status tdagi_source_node(tdagi_source_parser *p, size_t size, void *out);
tdag_status tdagi_source_enter(tdagi_source_parser *p); /* one level deeper */
static inline void tdagi_source_leave(tdagi_source_parser *p) { p->depth--; }

tdag_status tdagi_source_expr_new(tdagi_source_parser *p, tdagi_source_expr_kind kind,
                                  uint32_t offset, tdagi_source_expr **out);
/* The node's items are what was pushed since. */
tdag_status tdagi_source_expr_take(tdagi_source_parser *p, size_t since,
                                   tdagi_source_expr *e);
/* A node of n items, which may be NULL. */
tdag_status tdagi_source_expr_over(tdagi_source_parser *p, tdagi_source_expr_kind kind,
                                   uint32_t offset,
                                   const tdagi_source_expr *const *items, uint32_t n,
                                   tdagi_source_expr **out);
static inline tdag_status tdagi_source_push_expr(tdagi_source_parser *p,
                                                 const tdagi_source_expr *e)
{
    return tdagi_source_push(p, &e, sizeof(e));
}

/* ---- type.c ---- */
tdag_status tdagi_source_type_parse(tdagi_source_parser *p,
                                    const tdagi_source_type **out);

/* ---- literal.c ---- */
tdag_status tdagi_source_number(tdagi_source_parser *p, bool is_negative,
                                tdagi_source_expr *out);
tdag_status tdagi_source_string(tdagi_source_parser *p, tdagi_source_expr *out);

/* ---- expr.c ---- */
/* An atom with the attributes, calls and indices behind it. */
tdag_status tdagi_source_postfix_parse(tdagi_source_parser *p,
                                       const tdagi_source_expr **out);

/* ---- operators.c ---- */
tdag_status tdagi_source_expr_parse(tdagi_source_parser *p,
                                    const tdagi_source_expr **out);
/* One expression, or several as a TUPLE; whether a comma ends them. */
tdag_status tdagi_source_exprs_parse(tdagi_source_parser *p,
                                     const tdagi_source_expr **out, bool *is_open_out);

/* ---- stmt.c ---- */
/* From "def" to the end of its block. */
tdag_status tdagi_source_def_parse(tdagi_source_parser *p, tdagi_source_function **out);
tdag_status tdagi_source_line_end(tdagi_source_parser *p);

#endif
