/* The native reader inside: what the handles of tdag_shim.h are here, when no libtorch
 * stands behind them. All lives in the arena of the session. */
#ifndef TDAGI_READER_SESSION_H
#define TDAGI_READER_SESSION_H

#include "archive/pickle.h"
#include "archive/zip.h"
#include "base/table.h"
#include "tdag_shim.h"
#include "torchscript/native/syntax.h"

/* ---- index.c: what has names, each once, sorted by them ---- */
typedef struct tdagi_named {
    const char *name;
    uint32_t i;
} tdagi_named;

typedef struct tdagi_name_list {
    tdagi_named *items;
    uint32_t n;
} tdagi_name_list;

typedef struct tdagi_functions {
    const tdagi_source_function **list;
    tdagi_name_list index;
} tdagi_functions;

typedef struct tdagi_class_index {
    tdagi_name_list attrs;                         /* numbers of the class's */
    const struct tdagi_source_class_attr **proper; /* that are no constants */
    uint32_t n_proper;
    uint32_t *places; /* of an attribute among these; of a constant UINT32_MAX */
    tdagi_functions methods;
} tdagi_class_index;

/* A parsed file of the archive's code. */
typedef struct tdagi_code {
    tdagi_source source;
    const tdagi_source_class **class_list;
    tdagi_name_list classes;
    tdagi_functions functions;
    const char *path;           /* "code/__torch__/a/b.py" */
    const tdagi_pickle *ranges; /* of Python's sources; read when first asked for */
    bool has_no_ranges;
    uint32_t *lines; /* where each begins; made when first asked for */
    uint32_t n_lines;
} tdagi_code;

/* What a dotted path of the source names, and where it is written. */
typedef struct tdagi_definition {
    tdagi_code *code;
    const tdagi_source_class *class_; /* or */
    const tdagi_source_function *function;
    const char *path; /* "__torch__.a.b.Linear" */
} tdagi_definition;

struct tdag_shim_value {
    uint8_t kind;                   /* tdag_shim_kind */
    uint32_t n;                     /* items; DICT: pairs */
    const tdagi_definition *class_; /* of OBJECT, ENUM and named TUPLE; else NULL */
    union {
        int64_t i;
        double f;
        double complex_[2];
        struct {
            const char *s;
            size_t n;
        } text;
        const tdag_shim_value *
            *items; /* LIST, TUPLE; DICT: key, value, ...; ENUM: one */
        struct tdagi_reader_tensor *tensor;
        struct tdagi_reader_object *object;
    } u;
};

/* A tensor; its elements are looked at when somebody asks for them. */
typedef struct tdagi_reader_tensor {
    tdag_shim_tensor info;
    tdagi_mapping *owner; /* what keeps info.data: the archive's, or of a copy */
    size_t item_size;
    const tdag_shim_value *dense; /* the copy that tensor_contiguous gave */
} tdagi_reader_tensor;

typedef struct tdagi_reader_object {
    const tdag_shim_value **attrs; /* as the class has them; NULL: not read so far */
    const tdagi_class_index *index;
    const tdagi_pickle *state;      /* a dict */
    const tdagi_name_list *by_name; /* of its pairs */
    const char *records;            /* the folder of its tensors */
} tdagi_reader_object;

struct tdag_shim_var {
    uint64_t id;
    const char *name;           /* NULL: none */
    const tdag_shim_node *node; /* NULL: an input of its block */
    const tdag_shim_block *block;
    const tdag_shim_value *constant;
    const char *type;                   /* where it matters: classes, named tuples */
    const tdagi_definition *definition; /* of a function, class or named tuple */
};

struct tdag_shim_block {
    struct tdag_shim_graph *graph;
    tdag_shim_var **inputs, **outputs;
    uint32_t n_inputs, n_outputs;
    tdag_shim_node *first, *last;
};

struct tdag_shim_node {
    const char *kind;
    const tdag_shim_var **inputs;
    tdag_shim_var **outputs;
    const char *const *names; /* of the last n_named inputs of an operator */
    tdag_shim_block **blocks;
    uint32_t n_inputs, n_outputs, n_blocks, n_named;
    uint32_t offset;              /* in the code's text */
    const char *name;             /* of attribute, method or function; NULL: none */
    const tdag_shim_value *types; /* of isinstance */
    const tdag_shim_block *block;
    tdag_shim_node *next;
};

struct tdag_shim_graph {
    tdag_shim_block *block;
    tdagi_code *code;
    uint64_t n_vars;
};

struct tdag_shim_schema { /* of a method */
    const tdagi_source_function *function;
    const tdag_shim_value **defaults; /* by argument; NULL: must be given */
};

typedef struct tdagi_mapping_list tdagi_mapping_list;

struct tdag_shim_session {
    tdag_ctx *ctx;
    tdagi_arena arena;
    const char *path; /* of the file, for sentences */
    tdagi_zip *zip;
    tdag_status status;      /* of the first failure, whose sentence ctx holds */
    uint32_t version;        /* of the operators */
    tdagi_table codes;       /* by path: tdagi_code */
    tdagi_table definitions; /* by path: tdagi_definition */
    tdagi_table values;      /* by pickle: tdag_shim_value */
    tdagi_table indices;     /* by tdagi_source_class: tdagi_class_index */
    tdagi_table states;      /* by pickle of a dict: tdagi_name_list */
    uint64_t repeated;       /* bytes of copies beyond those of their records */
    tdagi_table graphs;      /* by tdagi_source_function */
    struct tdagi_mapping_list {
        tdagi_mapping *mapping;
        struct tdagi_mapping_list *next;
    } * copies;                       /* of tensors, to release */
    const tdag_shim_value *constants; /* a tuple */
};

/* ---- session.c ---- */
/* Notes a failure; its sentence begins with the file's path. */
tdag_status tdagi_reader_fail(tdag_shim_session *s, tdag_status status,
                              const char *format, ...)
    __attribute__((format(printf, 3, 4)));
tdag_status tdagi_reader_nomem(tdag_shim_session *s);
/* Keeps a failure, the first one, and gives the status on. */
tdag_status tdagi_reader_note(tdag_shim_session *s, tdag_status status);
/* Zeroed; NULL (and s->status) when out of memory. */
void *tdagi_reader_alloc(tdag_shim_session *s, size_t n, size_t size);
/* The first n bytes of `first`, and what follows. NULL as above. */
const char *tdagi_reader_join(tdag_shim_session *s, const char *first, size_t n,
                              const char *between, const char *last);
/* FIRST, MARK and a number. */
const char *tdagi_reader_numbered(tdag_shim_session *s, const char *first, char mark,
                                  uint64_t number);
/* A class, a function or a method by its path; *out NULL: there is none. */
tdag_status tdagi_reader_find(tdag_shim_session *s, const char *path,
                              const tdagi_definition **out);
/* "FIRST.LAST", of the first n bytes of it. E_LIMIT where it is too long to be a name:
 * NULL, as out of memory. */
const char *tdagi_reader_path(tdag_shim_session *s, const char *first, size_t n,
                              const char *last);

/* ---- index.c ---- */
/* Room for n names, to be filled and sorted. */
bool tdagi_index_make(tdag_shim_session *s, tdagi_name_list *index, uint32_t n);
/* Two of one name: a failure that says where that is. */
bool tdagi_index_sort(tdag_shim_session *s, tdagi_name_list *index, const char *where);
/* UINT32_MAX: there is none. */
uint32_t tdagi_index_find(const tdagi_name_list *index, const char *name);
/* NULL: a failure, and in the next two, without one: there is none. */
const tdagi_class_index *tdagi_reader_index(tdag_shim_session *s,
                                            const tdagi_source_class *c);
const tdagi_source_function *tdagi_reader_method(tdag_shim_session *s,
                                                 const tdagi_source_class *c,
                                                 const char *name);
const struct tdagi_source_class_attr *
tdagi_reader_class_attr(tdag_shim_session *s, const tdagi_source_class *c,
                        const char *name);
bool tdagi_reader_list_code(tdag_shim_session *s, tdagi_code *code);
/* Its class or function of that name; false: there is none. */
bool tdagi_reader_in_code(const tdagi_code *code, const char *name,
                          tdagi_definition *out);

/* ---- value.c ---- */
/* NULL: s->status. type is what the value was declared as, or NULL; records the folder
 * of its tensors. */
const tdag_shim_value *tdagi_reader_value(tdag_shim_session *s, const tdagi_pickle *p,
                                          const tdagi_source_type *type,
                                          const char *records);
tdag_shim_value *tdagi_reader_new_value(tdag_shim_session *s, tdag_shim_kind kind);
const tdag_shim_value *tdagi_reader_int(tdag_shim_session *s, int64_t i);
const tdag_shim_value *tdagi_reader_bool(tdag_shim_session *s, bool b);
const tdag_shim_value *tdagi_reader_string(tdag_shim_session *s, const char *text);
/* A member of an Enum with that value; NULL: there is none, or a failure. */
tdag_shim_value *tdagi_reader_member(tdag_shim_session *s, const tdagi_definition *d,
                                     const tdag_shim_value *value);
/* The value of a literal, a list, tuple or dict of such included; NULL without a
 * failure: it is none. */
const tdag_shim_value *tdagi_reader_literal(tdag_shim_session *s,
                                            const tdagi_source_expr *e);

/* ---- object.c ---- */
tdag_shim_value *tdagi_reader_object_new(tdag_shim_session *s,
                                         const tdagi_definition *class_,
                                         const tdagi_pickle *state,
                                         const char *records);
/* Attribute i of the class; NULL: s->status. */
const tdag_shim_value *tdagi_reader_attr(tdag_shim_session *s,
                                         const tdag_shim_value *object, size_t i);

/* ---- tensor.c ---- */
const tdag_shim_value *tdagi_reader_tensor_value(tdag_shim_session *s,
                                                 const tdagi_pickle_tensor *t,
                                                 const char *records);

/* ---- lower.c ---- */
/* The graph of a function or method; NULL: s->status. */
const tdag_shim_graph *tdagi_reader_graph(tdag_shim_session *s,
                                          const tdagi_definition *function);

/* ---- place.c ---- */
/* "models/resnet.py:268" of an offset in the code; NULL: the archive does not tell. */
const char *tdagi_reader_place(tdag_shim_session *s, tdagi_code *code, uint32_t offset);
/* The line of the code, counted from 1; 0: out of memory. */
uint32_t tdagi_reader_line(tdag_shim_session *s, tdagi_code *code, uint32_t offset);

/* ---- the functions of the table, by what they are about ---- */
void tdagi_reader_value_functions(tdag_shim_api *api);
void tdagi_reader_object_functions(tdag_shim_api *api);
void tdagi_reader_tensor_functions(tdag_shim_api *api);
void tdagi_reader_graph_functions(tdag_shim_api *api);

#endif
