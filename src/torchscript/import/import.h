/* The TorchScript importer inside: abstract interpretation of a method's graph.
 *
 * An environment maps every TorchScript value to a tdagi_ival: a tensor that a builder
 * makes, or something that is known at import (a number, perhaps symbolic, a list, a
 * module, ...). Tensors are cells with views, so that in-place operators can be turned
 * into pure ones (import_view.c).
 *
 * What the importer cannot do is noted as an issue, its results become POISON, which
 * consumers pass on silently, so that one run reports everything. Errors proper
 * (memory, shapes) stick in im->status and end the walk. */
#ifndef TDAGI_IMPORT_H
#define TDAGI_IMPORT_H

#include <tdagger/torch.h>

#include "base/arena.h"
#include "base/ctx.h"
#include "ir/graph.h"
#include "tdag_shim.h"

typedef enum tdagi_ikind {
    TDAGI_IV_NONE = 0,
    TDAGI_IV_POISON, /* of an unknown operator; consumers stay silent */
    TDAGI_IV_TENSOR,
    TDAGI_IV_INT,   /* u.i, a dim of the builder's pool, of any sign */
    TDAGI_IV_FLOAT, /* u.f */
    TDAGI_IV_BOOL,  /* u.b */
    TDAGI_IV_DATA,  /* a number that depends on tensor data: u.tensor, rank 0 */
    TDAGI_IV_STRING,
    TDAGI_IV_DEVICE, /* u.s */
    TDAGI_IV_LIST,   /* u.seq, shared by all who hold it */
    TDAGI_IV_TUPLE,  /* u.seq */
    TDAGI_IV_DICT,   /* u.dict */
    TDAGI_IV_OBJECT,
    TDAGI_IV_FUNCTION,
    TDAGI_IV_OTHER, /* something that only passes through: generators, enums, ... */
} tdagi_ikind;

typedef struct tdagi_iseq tdagi_iseq;
typedef struct tdagi_idict tdagi_idict;
typedef struct tdagi_iobject tdagi_iobject;
typedef struct tdagi_itensor tdagi_itensor;

typedef struct tdagi_ival {
    uint8_t kind; /* tdagi_ikind */
    char letter;  /* of DATA: 'i', 'f' or 'b' */
    bool assumed; /* FLOAT, BOOL: true at the samples of the symbols, unproved beyond */
    union {
        tdag_dim i;
        double f;
        bool b;
        const char *s;
        tdagi_iseq *seq;
        tdagi_idict *dict;
        tdagi_iobject *object;
        tdagi_itensor *tensor;
        const tdag_shim_var *function;
        const tdag_shim_value *other;
    } u;
} tdagi_ival;

struct tdagi_iseq {
    uint32_t n, capacity;
    tdagi_ival *v;
    const char *type_name; /* of a named tuple; else NULL */
    const char **fields;   /* n of them when type_name is there */
};

struct tdagi_idict { /* in insertion order */
    tdagi_iseq keys, values;
};

/* A slot of a module, read on first use. */
typedef struct tdagi_iattr {
    const char *name;
    tdagi_ival value;
    bool was_read; /* before it was set: state that would live between calls */
    bool was_set;
} tdagi_iattr;

struct tdagi_iobject {
    const tdag_shim_value *shim;
    const char *path; /* "layer1.0.conv1" */
    uint32_t n, capacity;
    tdagi_iattr *attrs;
};

/* ---- tensors ---- */
typedef enum tdagi_iview_kind {
    TDAGI_VIEW_ALIAS = 0,
    TDAGI_VIEW_RESHAPE,   /* to dims */
    TDAGI_VIEW_PERMUTE,   /* by dims */
    TDAGI_VIEW_SLICE,     /* axis, start, end, step */
    TDAGI_VIEW_SELECT,    /* axis, start */
    TDAGI_VIEW_SQUEEZE,   /* axes dims */
    TDAGI_VIEW_UNSQUEEZE, /* axis */
    TDAGI_VIEW_EXPAND,    /* to dims */
    TDAGI_VIEW_MADE,      /* by a function: unfold, diagonal, as_strided, ... */
} tdagi_iview_kind;

typedef struct tdagi_iview {
    uint8_t kind; /* tdagi_iview_kind */
    uint32_t axis;
    tdag_dim start, end;
    int64_t step;
    tdag_list dims; /* in the importer's arena */
    /* Of MADE: a function of the elements that only moves them, and one more value. */
    tdag_value (*make)(tdag_builder *b, const struct tdagi_iview *w, tdag_value x);
    tdag_value index;
} tdagi_iview;

/* A cell. Without a parent it owns its memory; a view has a parent and how to get from
 * it, and is made anew from it when somebody wrote to that memory. */
struct tdagi_itensor {
    tdag_value value; /* id 0: `known` has not been needed as data yet */
    uint32_t
        generation; /* a root: number of writes; a view: the root's when it was made */
    tdagi_itensor *parent, *root;
    tdagi_iview view;
    const tdag_dim *strides; /* NULL: row-major */
    const tdagi_ival *known; /* the elements where they are known numbers, else NULL */
    tdag_dtype dtype;        /* of `known` */
    uint8_t known_rank;      /* 0 or 1 */
    uint32_t n_known;
    bool is_literal; /* a rank-0 prim::Constant */
    bool is_leaf;    /* memory that lives between calls: parameter, buffer, constant */
    bool was_written;
    tdag_value first_value; /* of a leaf: what it was before the first write */
};

/* ---- the interpreter ---- */
typedef struct tdagi_issue {
    const char *what; /* "aten::foo.bar" or a clause */
    const char *scope;
    const char *location;
} tdagi_issue;

typedef struct tdagi_ischema { /* a schema, read once */
    const tdag_shim_schema *shim;
    const char *name, *overload;
    uint32_t n_args;
    const tdag_shim_arg *args;
    const struct tdagi_aten_row *row; /* NULL: unknown operator */
    bool in_place_of_row;             /* the row is of the operator without its '_' */
} tdagi_ischema;

typedef struct tdagi_frame {
    struct tdagi_import *im;
    struct tdagi_frame *caller;
    const char *scope;
    uint64_t *ids; /* open addressing; id + 1, 0 = free */
    tdagi_ival *values;
    uint32_t n, capacity; /* a power of two */
} tdagi_frame;

typedef struct tdagi_import {
    tdag_ctx *ctx;
    const tdag_shim_api *api;
    tdag_shim_session *session;
    tdag_builder *b;
    tdagi_pool *pool;
    tdagi_arena arena;
    tdag_status status;
    uint32_t flags; /* TDAG_TORCH_* */
    const char *scope;
    const tdag_shim_node *node; /* where we are */
    uint32_t depth;
    bool raised; /* a prim::RaiseException was reached in the block at hand */
    tdagi_issue *issues;
    uint32_t n_issues, issues_capacity;
    tdagi_ischema **schemas; /* open addressing by the shim's handle */
    uint32_t n_schemas, schemas_capacity;
    struct tdagi_ileaf *leaves;
    uint32_t n_leaves, leaves_capacity;
    uint32_t n_unused_leaves;
} tdagi_import;

/* ---- import_value.c: values, memory, issues ---- */
/* Not zeroed; NULL (and im->status) when out of memory. */
void *tdagi_import_alloc(tdagi_import *im, size_t size);
const char *tdagi_import_text(tdagi_import *im, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Records the importer's own failure, with the place of the node at hand. */
void tdagi_import_fail(tdagi_import *im, tdag_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds the place to a failure that ctx holds already and makes it stick. */
void tdagi_import_fail_here(tdagi_import *im, tdag_status status, const char *op);
/* Notes something unsupported at the node at hand; returns POISON. */
tdagi_ival tdagi_import_issue(tdagi_import *im, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Fails with all issues in one sentence, if there are any. */
void tdagi_import_report(tdagi_import *im);

tdagi_ival tdagi_iv_none(void);
tdagi_ival tdagi_iv_poison(void);
tdagi_ival tdagi_iv_dim(tdag_dim d);
tdagi_ival tdagi_iv_int(tdagi_import *im, int64_t i);
tdagi_ival tdagi_iv_float(double f);
tdagi_ival tdagi_iv_bool(bool b);
tdagi_ival tdagi_iv_string(const char *s);
tdagi_ival tdagi_iv_tensor(tdagi_itensor *t); /* NULL: poison */
tdagi_ival tdagi_iv_seq(tdagi_import *im, tdagi_ikind kind, uint32_t n,
                        const tdagi_ival *v); /* copies v */
tdagi_ival tdagi_iv_dict(tdagi_import *im);
void tdagi_iv_append(tdagi_import *im, tdagi_iseq *seq, tdagi_ival v);
void tdagi_iv_dict_set(tdagi_import *im, tdagi_idict *d, tdagi_ival key, tdagi_ival v);
const tdagi_ival *tdagi_iv_dict_get(tdagi_import *im, const tdagi_idict *d,
                                    tdagi_ival key);
/* POISON itself or a sequence that holds one. */
bool tdagi_iv_is_poison(tdagi_ival v);
bool tdagi_iv_is_seq(tdagi_ival v);
bool tdagi_iv_is_number(tdagi_ival v); /* INT, FLOAT, BOOL */
bool tdagi_iv_const_int(tdagi_import *im, tdagi_ival v, int64_t *out); /* INT or BOOL */
/* Same known value; *assumed_out is set where symbols decide at their samples. */
bool tdagi_iv_equal(tdagi_import *im, tdagi_ival a, tdagi_ival b, bool *assumed_out);
/* A short text of a value for sentences and for aten::str. */
const char *tdagi_iv_text(tdagi_import *im, tdagi_ival v);
/* A number's value at the samples. */
double tdagi_iv_sample(tdagi_import *im, tdagi_ival v);
/* A value of the shim as one of ours; path names what tensors in it become. */
tdagi_ival tdagi_iv_from_shim(tdagi_import *im, const tdag_shim_value *v,
                              const char *path);

/* ---- import_leaf.c ---- */
/* The module tree from its root, every parameter and buffer a leaf. */
tdagi_iobject *tdagi_import_module(tdagi_import *im, const tdag_shim_value *root);
tdagi_ival tdagi_import_attr(tdagi_import *im, tdagi_iobject *object, const char *name);
void tdagi_import_set_attr(tdagi_import *im, tdagi_iobject *object, const char *name,
                           tdagi_ival v);
/* A tensor of the file: the leaf that has this memory, or a new constant. */
tdagi_ival tdagi_import_constant(tdagi_import *im, const tdag_shim_value *v,
                                 const char *name);
tdag_dtype tdagi_import_dtype(int64_t scalar_type); /* PyTorch's number; NONE: no */
int64_t tdagi_import_scalar_type(tdag_dtype dtype);
/* Notes state that is written and read by what reaches the outputs. */
void tdagi_import_check_state(tdagi_import *im);
void tdagi_import_free_leaves(tdagi_import *im);

/* ---- import_view.c ---- */
tdagi_itensor *tdagi_it_new(tdagi_import *im, tdag_value v); /* fresh memory */
tdagi_itensor *tdagi_it_known(tdagi_import *im, tdag_dtype dtype, tdagi_ival number);
/* n known numbers; rank 1 */
tdagi_itensor *tdagi_it_known_list(tdagi_import *im, tdag_dtype dtype, uint32_t n,
                                   const tdagi_ival *numbers);
tdagi_itensor *tdagi_it_view(tdagi_import *im, tdagi_itensor *of,
                             const tdagi_iview *view);
tdagi_itensor *tdagi_it_made(tdagi_import *im, tdagi_itensor *of,
                             const tdagi_iview *view);
/* The value now; made anew if its memory was written. TDAG_NO_VALUE after a failure. */
tdag_value tdagi_it_read(tdagi_import *im, tdagi_itensor *t);
/* Replaces the elements: same shape and dtype as t. */
void tdagi_it_write(tdagi_import *im, tdagi_itensor *t, tdag_value v);
tdag_dtype tdagi_it_dtype(tdagi_import *im, tdagi_itensor *t);
uint32_t tdagi_it_rank(tdagi_import *im, tdagi_itensor *t);
tdag_dim tdagi_it_dim(tdagi_import *im, tdagi_itensor *t, uint32_t axis);
/* Known numbers are not materialised for this. */
const tdag_dim *tdagi_it_shape(tdagi_import *im, tdagi_itensor *t);
/* The number a rank-0 tensor is known to hold, or NULL. */
const tdagi_ival *tdagi_it_number(tdagi_import *im, tdagi_itensor *t);
bool tdagi_it_is_contiguous(tdagi_import *im, tdagi_itensor *t);
/* Whether a reshape can be a view. */
bool tdagi_it_can_view(tdagi_import *im, tdagi_itensor *t, uint32_t rank,
                       const tdag_dim *shape);

/* ---- import_walk.c ---- */
const tdagi_ival *tdagi_frame_get(tdagi_frame *f, const tdag_shim_var *var);
void tdagi_frame_set(tdagi_frame *f, const tdag_shim_var *var, tdagi_ival v);
/* Runs a root block on its arguments. */
tdagi_ival tdagi_import_call(tdagi_import *im, tdagi_frame *caller,
                             const tdag_shim_graph *graph, const tdagi_ival *args,
                             uint32_t n_args);
void tdagi_import_block(tdagi_frame *f, const tdag_shim_block *block);

/* ---- import_prim.c ---- */
/* Runs a node without a row in aten.def: control flow, calls, containers. False: the
 * kind is unknown. */
bool tdagi_import_prim(tdagi_frame *f, const tdag_shim_node *node, const char *kind);

/* ---- aten.c ---- */
void tdagi_import_aten(tdagi_frame *f, const tdag_shim_node *node, const char *kind);

/* ---- import_opaque.c ---- */
/* An unknown operator as an opaque node, its results as for a row; an issue, and
 * POISON, where it cannot be kept. */
tdagi_ival tdagi_import_opaque(tdagi_import *im, const tdagi_ischema *schema,
                               const tdagi_ival *args, uint32_t n_args,
                               const char *name);

/* ---- import_io.c ---- */
/* Inputs of the method as values; *structure_out in the arena. */
bool tdagi_import_inputs(tdagi_import *im, const tdag_shim_schema *schema,
                         const tdag_input_spec *inputs, uint32_t n_inputs,
                         tdagi_ival *args, const char **structure_out);
/* Adds the graph's outputs and tells their structure. */
bool tdagi_import_outputs(tdagi_import *im, tdagi_ival result,
                          const char **structure_out);

static inline bool tdagi_import_ok(const tdagi_import *im)
{
    return im->status == TDAG_OK;
}

#endif
