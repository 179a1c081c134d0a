/* The source in TorchScript archives as a tree.
 *
 * What torch.jit.save() prints is a small part of Python, the grammar of which stands
 * in parse.c. A tree points into the source's bytes, which must outlive it; nodes live
 * in an arena and are never changed. */
#ifndef TDAGI_SYNTAX_H
#define TDAGI_SYNTAX_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/ctx.h"

/* ---- types ---- */
/* "Tensor", "List[int]", "__torch__.a.B": the head, a dotted path, and its arguments.
 */
typedef struct tdagi_source_type {
    const char *name; /* "List"; ended by a zero byte, interned in the arena */
    uint32_t n;
    const struct tdagi_source_type **args;
    const char *text; /* as libtorch prints it: "List[int]", "Optional[Tensor]" */
} tdagi_source_type;

/* ---- expressions ---- */
typedef enum tdagi_source_expr_kind {
    TDAGI_EXPR_NONE = 0, /* None */
    TDAGI_EXPR_BOOL,     /* i */
    TDAGI_EXPR_INT,      /* i */
    TDAGI_EXPR_FLOAT,    /* f; inf and nan are names */
    TDAGI_EXPR_COMPLEX,  /* f: the imaginary part */
    TDAGI_EXPR_STRING,   /* s, n_s: unescaped */
    TDAGI_EXPR_NAME,     /* s */
    TDAGI_EXPR_ATTR,     /* items[0] . s */
    TDAGI_EXPR_CALL,     /* items[0] ( items[1..] ); the last n_named are by name */
    TDAGI_EXPR_INDEX,    /* items[0] [ items[1] ] */
    TDAGI_EXPR_TUPLE,
    TDAGI_EXPR_LIST,
    TDAGI_EXPR_DICT,  /* key, value, key, value, ... */
    TDAGI_EXPR_TYPE,  /* type: where a type stands as an argument (annotate, isinstance)
                       */
    TDAGI_EXPR_MINUS, /* of items[0] that is no number: -inf, and hand-made sources */
    TDAGI_EXPR_BINARY, /* items[0] s items[1]: s is "+", "//", "==", "and", "is not" ...
                        */
    TDAGI_EXPR_NOT,
    TDAGI_EXPR_INVERT,  /* ~ items[0] */
    TDAGI_EXPR_TERNARY, /* items[0] if items[1] else items[2] */
    TDAGI_EXPR_SLICE,   /* items[0..2], NULL where left out; only inside INDEX */
} tdagi_source_expr_kind;

typedef struct tdagi_source_expr {
    uint8_t kind;
    uint8_t depth;   /* of the tree below it; limited, so recursion over it is safe */
    uint32_t offset; /* bytes from the start of the file: where it begins */
    uint32_t n;      /* items */
    union {
        uint32_t n_named; /* CALL */
        uint32_t n_s;     /* STRING */
    };
    const struct tdagi_source_expr **items;
    union {
        const char **names;            /* CALL: n_named names */
        const tdagi_source_type *type; /* TYPE */
    };
    union {
        int64_t i;
        double f;
        const char *s; /* ended by a zero byte */
    } u;
} tdagi_source_expr;

/* ---- statements ---- */
typedef enum tdagi_source_stmt_kind {
    TDAGI_STMT_ASSIGN,  /* targets = value, type where annotated; n_targets 0: a bare
                           call */
    TDAGI_STMT_AUGMENT, /* targets[0] s= value, s in op */
    TDAGI_STMT_RETURN,  /* value, or NULL */
    TDAGI_STMT_IF,      /* value: body, orelse */
    TDAGI_STMT_WHILE,   /* value: body */
    TDAGI_STMT_FOR,     /* targets in value: body */
    TDAGI_STMT_WITH,    /* value [as targets[0]]: body */
    TDAGI_STMT_DEF,     /* function */
    TDAGI_STMT_PASS,
    TDAGI_STMT_BREAK,
    TDAGI_STMT_CONTINUE,
    TDAGI_STMT_ASSERT, /* value, message in orelse_value */
    TDAGI_STMT_RAISE,
} tdagi_source_stmt_kind;

typedef struct tdagi_source_stmt {
    uint8_t kind;
    bool is_unpacking; /* `a, b, = e`: one value taken apart */
    uint32_t offset;
    uint32_t n_targets;
    const tdagi_source_expr **targets; /* NAME, ATTR or INDEX */
    const tdagi_source_expr *value, *message;
    const char *op;
    const tdagi_source_type *type;
    const struct tdagi_source_function *function;
    const struct tdagi_source_stmt *body, *orelse,
        *next; /* first of a list; next in it */
} tdagi_source_stmt;

typedef struct tdagi_source_function {
    const char *name;
    uint32_t n_args;
    const struct tdagi_source_function_arg {
        const char *name;
        const tdagi_source_type *type;       /* NULL: none is written */
        const tdagi_source_expr *by_default; /* NULL: must be given */
    } * args;
    const tdagi_source_type *result; /* NULL: none is written */
    const tdagi_source_stmt *body;
    uint32_t offset;
    const struct tdagi_source_function *next;
} tdagi_source_function;

typedef struct tdagi_source_class {
    const char *name; /* "Linear" */
    const char *
        base; /* "Module", "NamedTuple", "Enum", "Interface", "ModuleInterface" or "" */
    uint32_t n_attrs;
    const struct tdagi_source_class_attr {
        const char *name;
        const tdagi_source_type *type; /* NULL of an Enum's member */
        const tdagi_source_expr
            *value; /* of a constant (Final[...]), a field's default or a member */
        bool is_parameter, is_buffer;
    } * attrs;
    const char **forward_hooks, **forward_pre_hooks; /* ended by NULL */
    const tdagi_source_function *functions;
    uint32_t offset;
    const struct tdagi_source_class *next;
} tdagi_source_class;

typedef struct tdagi_source {
    const char *path; /* "code/__torch__/a/b.py" */
    const char *text;
    size_t size;
    const tdagi_source_class *classes; /* in the file's order */
    const tdagi_source_function *functions;
    bool has_op_version_set; /* 1.4's files */
} tdagi_source;

/* Parses one file; E_FORMAT with the line, the offset and what was expected. Depth of
 * expressions, blocks and types is limited (E_LIMIT). */
tdag_status tdagi_source_parse(tdag_ctx *ctx, tdagi_arena *arena, const char *path,
                               const char *text, size_t size, tdagi_source *out);

#endif
