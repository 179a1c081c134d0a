/* The program of a .pt2 archive (models/NAME.json) as a tree that points into the
 * JSON's text: what its graphs compute, what their values are called, how arguments and
 * results are arranged. Nothing is resolved here: operators are names, sizes are texts.
 *
 * Everything lives in the arena it was read with; what the JSON says of nodes beside
 * their arguments, most of its bytes, is skipped and stays where it is. */
#ifndef TDAGI_PT2_READ_PROGRAM_H
#define TDAGI_PT2_READ_PROGRAM_H

#include "aten/value.h"
#include "format/json_read.h"
#include "program/model.h"
#include "pt2/names.h"

#define TDAGI_PT2_MAX_DEPTH 32 /* graphs inside each other */

/* ---- graphs ---- */
/* A value of one graph: what SSA names say. */
typedef struct tdagi_pt2_value {
    const char *name;
    tdagi_json_slot meta; /* its type as the file tells it; value NULL: it does not */
    tdagi_any is;         /* once it is defined */
    bool is_defined;
} tdagi_pt2_value;

typedef enum tdagi_pt2_arg_kind {
    TDAGI_PT2_NONE = 0,
    TDAGI_PT2_VALUE, /* a tensor or number that the graph computes */
    TDAGI_PT2_INT,
    TDAGI_PT2_FLOAT,
    TDAGI_PT2_COMPLEX, /* pair: real and imaginary part */
    TDAGI_PT2_BOOL,
    TDAGI_PT2_STRING,
    TDAGI_PT2_DEVICE,        /* s: its type */
    TDAGI_PT2_DTYPE,         /* i: PyTorch's number (ScalarType) */
    TDAGI_PT2_LAYOUT,        /* i: PyTorch's number, 0 is strided */
    TDAGI_PT2_MEMORY_FORMAT, /* i: PyTorch's number */
    TDAGI_PT2_LIST,
    TDAGI_PT2_GRAPH,
    TDAGI_PT2_OTHER, /* s: its tag, that of a kind we have no values for */
} tdagi_pt2_arg_kind;

typedef struct tdagi_pt2_arg {
    uint8_t kind;
    bool is_tensor; /* VALUE: its tag says so */
    uint32_t n;     /* of a list */
    union {
        int64_t i;
        double f;
        double *pair;
        const char *s;
        tdagi_pt2_value *value;
        struct tdagi_pt2_arg *items;
        struct tdagi_pt2_graph *graph;
    } u;
} tdagi_pt2_arg;

typedef struct tdagi_pt2_named {
    const char *name;
    bool by_name; /* its kind: given by keyword */
    tdagi_pt2_arg arg;
} tdagi_pt2_named;

/* An operator, once for all nodes that name it. */
typedef struct tdagi_pt2_target {
    const char *name; /* "torch.ops.aten.add.Tensor" */
    void *known;      /* what who runs nodes knows of it */
} tdagi_pt2_target;

typedef struct tdagi_pt2_node {
    struct tdagi_pt2_node *next;
    tdagi_pt2_target *target;
    const char *name; /* "" if it has none */
    tdagi_pt2_named *inputs;
    tdagi_pt2_arg *outputs;
    uint32_t n_inputs, n_outputs;
    tdagi_json_slot modules, stack; /* texts of its metadata, strings; NULL: none */
} tdagi_pt2_node;

typedef struct tdagi_pt2_graph {
    tdagi_pt2_arg *inputs, *outputs;
    uint32_t n_inputs, n_outputs;
    tdagi_pt2_node *first, **last;
    tdagi_pt2_names values;
} tdagi_pt2_graph;

/* ---- signature ---- */
typedef enum tdagi_pt2_role {
    TDAGI_PT2_PARAMETER,
    TDAGI_PT2_BUFFER,
    TDAGI_PT2_CONSTANT,
    TDAGI_PT2_USER,
    TDAGI_PT2_LITERAL,  /* an argument that was baked into the graph */
    TDAGI_PT2_MUTATION, /* an output: the new value of what `name` names */
    TDAGI_PT2_UNKNOWN,  /* name: its tag */
} tdagi_pt2_role;

/* What an input or output of the graph is. */
typedef struct tdagi_pt2_spec {
    uint8_t role;
    const char *name; /* fully qualified, of what is not the user's; a literal's */
    tdagi_pt2_arg arg;
} tdagi_pt2_spec;

/* ---- structures ---- */
typedef struct tdagi_pt2_tree {
    const char *type; /* "builtins.tuple"; "" of a leaf */
    const char *context;
    struct tdagi_pt2_tree *items;
    uint32_t n;
} tdagi_pt2_tree;

typedef struct tdagi_pt2_named_tuple {
    const char *name;
    const char **fields;
    uint32_t n;
} tdagi_pt2_named_tuple;

typedef struct tdagi_pt2_range {
    const char *name; /* a symbol or an expression, as Python prints it */
    bool has_min, has_max;
    int64_t min, max;
} tdagi_pt2_range;

typedef struct tdagi_pt2_program {
    tdagi_pt2_graph *graph;
    tdagi_pt2_spec *inputs, *outputs;
    uint32_t n_inputs, n_outputs;
    tdagi_pt2_tree *in, *out; /* NULL: the file has none */
    const char **arg_names;
    uint32_t n_arg_names;
    tdagi_pt2_names named_tuples, ranges, targets;
    int64_t schema_major, schema_minor;
    const char *torch_version; /* "" if it does not say */
} tdagi_pt2_program;

/* Reads all of the text. Errors: E_FORMAT with the offset, E_LIMIT, E_NOMEM. */
tdag_status tdagi_pt2_parse(tdag_ctx *ctx, tdagi_arena *arena, const char *text,
                            size_t size, tdagi_pt2_program *out);

/* ---- shared by the files that parse ---- */
typedef struct tdagi_pt2_parser {
    tdagi_pt2_program *program;
    tdagi_pt2_graph *graph; /* at hand */
    uint32_t depth;
} tdagi_pt2_parser;

/* A string, checked to be UTF-8, copied. */
tdag_status tdagi_pt2_text(tdagi_json_reader *r, const char **out);
/* The next name of an object, which is opened before the first; *name_out is NULL
 * behind the last. */
tdag_status tdagi_pt2_next(tdagi_json_reader *r, bool *first, const char **name_out);
/* What comes next, put aside. */
tdag_status tdagi_pt2_aside(tdagi_json_reader *r, tdagi_json_slot *out);
/* An object of one key that comes next: opened, with its key taken. Its value and
 * tdagi_json_expect('}') are to follow. */
tdag_status tdagi_pt2_tag(tdagi_json_reader *r, char *buf, size_t size);
/* parse_arg.c: an argument (a union). */
tdag_status tdagi_pt2_parse_arg(tdagi_json_reader *r, tdagi_pt2_parser *p,
                                tdagi_pt2_arg *out);
tdag_status tdagi_pt2_parse_args(tdagi_json_reader *r, tdagi_pt2_parser *p,
                                 tdagi_pt2_arg **out, uint32_t *n_out);
/* "name": "x" inside an object, as a value of the graph at hand. */
tdag_status tdagi_pt2_parse_name(tdagi_json_reader *r, tdagi_pt2_parser *p,
                                 tdagi_pt2_arg *out);
/* parse.c: a graph, one deeper than the one at hand. */
tdag_status tdagi_pt2_parse_graph(tdagi_json_reader *r, tdagi_pt2_parser *p,
                                  tdagi_pt2_graph **out);
/* parse_signature.c: the signature and the call graph of modules. */
tdag_status tdagi_pt2_parse_signature(tdagi_json_reader *r, void *parser);
tdag_status tdagi_pt2_parse_calls(tdagi_json_reader *r, void *parser);
tdag_status tdagi_pt2_parse_named_tuples(tdagi_json_reader *r, void *parser);
/* The list of strings that a text of JSON is. */
tdag_status tdagi_pt2_list_of_names(tdag_ctx *ctx, tdagi_arena *arena, const char *json,
                                    const char ***out, uint32_t *n_out);
/* meta.c: a ScalarType of the file's numbers; -1 for others. */
int64_t tdagi_pt2_scalar_type(int64_t code);

#endif
