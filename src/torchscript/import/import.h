/* The TorchScript importer inside: abstract interpretation of a method's graph.
 *
 * A frame maps every TorchScript variable to a value as rows of operators know them
 * (src/aten). What is structure (calls, control flow, containers, attributes) is run
 * here; operators are calls of rows. */
#ifndef TDAGI_IMPORT_H
#define TDAGI_IMPORT_H

#include <tdagger/torch.h>

#include "aten/cell.h"
#include "aten/env.h"
#include "aten/schema.h"
#include "program/outline/outline.h"
#include "tdag_shim.h"
#include "torchscript/arguments.h"
#include "torchscript/native/resolve.h"

/* A slot of a module, read on first use. */
typedef struct tdagi_attr {
    const char *name;
    tdagi_any value; /* as the file has it; of an object made at run time as it is */
    tdagi_any now;   /* what it was set to */
    bool was_read;   /* before it was set: state that lives between calls */
    bool was_set;
    uint32_t epoch;          /* of the branch or loop that set it last; 0: none */
    struct tdagi_live *live; /* the state that it is; NULL: none */
} tdagi_attr;

/* An attribute that is known to be state: the program reads it when a method begins and
 * writes it when it ends. */
typedef struct tdagi_live {
    struct tdagi_live *next;
    const char *path;       /* "encoder.cache" */
    tdag_value first;       /* what was read */
    const tdagi_cell *cell; /* ... and its memory */
    tdagi_any now;
    const tdagi_seq
        *values; /* of a dict that holds it, at that place; NULL: now has it */
    const struct tdagi_live *whole; /* the list or tuple of which it is that part */
    tdagi_any was;                  /* of a whole: what the file has */
    uint32_t at;
    const struct tdagi_live *of; /* of what may be None: this is whether it is there */
} tdagi_live;

/* A list of an attribute, as it was read. */
typedef struct tdagi_living {
    struct tdagi_living *next;
    const tdagi_seq *list;
    const char *path;
} tdagi_living;

typedef struct tdagi_object {
    const tdag_shim_value *shim;
    const char *path; /* "layer1.0.conv1"; NULL: one that a method makes */
    uint32_t born;    /* the environment's epoch then */
    uint32_t n, capacity;
    tdagi_attr *attrs;
} tdagi_object;

typedef struct tdagi_import_schema { /* read once */
    const tdag_shim_schema *shim;
    tdagi_schema ours;
} tdagi_import_schema;

typedef struct tdagi_frame {
    struct tdagi_import *im;
    const tdag_shim_graph *graph; /* that is walked; NULL: a part of one */
    const struct tdagi_frame *caller;
    uint64_t *ids; /* open addressing; id + 1, 0 = free */
    tdagi_any *values;
    uint32_t n, capacity; /* a power of two */
} tdagi_frame;

typedef struct tdagi_import {
    tdagi_env env;
    const tdag_shim_api *api;
    tdag_shim_session *session;
    bool is_native;            /* the session is of the native reader: */
    tdag_shim_api functions;   /* what api points to then */
    tdagi_resolver resolver;   /* of its calls */
    const char *const *values; /* "NAME=VALUE" of arguments */
    uint32_t n_values;
    uint64_t complex_inputs;             /* as bits */
    const char *shim_path;               /* where PyTorch is, should it be needed */
    const tdag_shim_api *torch;          /* PyTorch; NULL: not needed so far */
    tdag_shim_session *torch_session;    /* whoever reads the file */
    const tdag_shim_node *node;          /* where we are */
    const tdag_shim_schema *shim_schema; /* of the operator at hand */
    uint32_t depth;
    const tdagi_frame *frame; /* of the call at hand */
    tdagi_object *owner;      /* of the method at hand */
    const char **sentence;    /* where what a block raises is put; else NULL */
    tdagi_outline outline;
    tdagi_living *living;         /* lists of attributes */
    tdagi_live *lives;            /* states of this walk, in the order of reading */
    tdagi_model_builder *several; /* where the method goes; NULL: a model of its own */
    struct tdagi_names_found
        *found;                    /* paths of states, of this walk and earlier ones */
    tdagi_import_schema **schemas; /* open addressing by the shim's handle */
    uint32_t n_schemas, schemas_capacity;
    struct tdagi_leaf *leaves;
    uint32_t n_leaves, leaves_capacity;
} tdagi_import;

/* ---- import.c ---- */
/* Takes over a failure that the reader's functions told. */
void tdagi_import_fail(tdagi_import *im, tdag_status status,
                       const tdag_shim_error *error);

/* Takes over a failure of the native reader's functions that tell none but NULL. False:
 * there is a failure. */
bool tdagi_import_check(tdagi_import *im);

/* ---- value.c ---- */
/* A value of the shim as one of ours; path names what tensors in it become. */
tdagi_any tdagi_import_value(tdagi_import *im, const tdag_shim_value *v,
                             const char *path);

/* ---- leaf.c ---- */
/* The module tree from its root, every parameter and buffer a leaf. */
tdagi_object *tdagi_import_module(tdagi_import *im, const tdag_shim_value *root);
tdagi_any tdagi_import_attr(tdagi_import *im, tdagi_object *object, const char *name);
void tdagi_import_set_attr(tdagi_import *im, tdagi_object *object, const char *name,
                           tdagi_any v);
/* A tensor of the file: the leaf that has this memory, or a new constant. */
tdagi_any tdagi_import_constant(tdagi_import *im, const tdag_shim_value *v,
                                const char *name);
/* Notes state that is written and read by what reaches the outputs. */
void tdagi_import_check_state(tdagi_import *im);

/* ---- state.c ---- */
typedef struct tdagi_found {
    char *path;
    uint32_t varies;   /* by axis: the state's size changes */
    tdag_tensor *rows; /* of a list: its items; else NULL */
    char letter;       /* ... which are numbers */
    bool is_shared;    /* attributes that have its memory are this state */
    bool is_optional;  /* it is None at first: rows are a tensor for what it becomes */
    bool is_whole;     /* a list or tuple whose parts are states */
    bool is_part;      /* of a tuple that is None at first, with rows as for that */
    char key;          /* of a dict that has no such key at first: 's' or 'i' */
} tdagi_found;

/* Paths that were found to be state: the method is walked again, and reads them. */
typedef struct tdagi_names_found {
    tdag_ctx *ctx;
    tdagi_found *v;
    uint32_t n, capacity;
    bool is_new; /* since the walk began */
    bool
        has_rows; /* x[i:i+1] is taken as a row, as with other sizes too much is refused
                   */
} tdagi_names_found;
void tdagi_import_free_found(tdagi_names_found *found);
bool tdagi_import_is_state(const tdagi_import *im, const char *path);
/* The same of one that is written in place, whose memory other attributes have, too. */
void tdagi_import_found_shared(tdagi_import *im, const char *path);
/* The walk cannot be what the method does, as that is state: it is to be done again. */
void tdagi_import_found_state(tdagi_import *im, const char *path);
/* The same of a list, which was `before` and is changed to `after`. */
void tdagi_import_found_list(tdagi_import *im, const char *path, tdagi_any before,
                             tdagi_any after);
/* An attribute's list was read; what is changed is known by it. NULL: it is none. */
void tdagi_import_read_list(tdagi_import *im, const tdagi_seq *list, const char *path);
const char *tdagi_import_path_of(const tdagi_import *im, const tdagi_seq *list);
/* Makes attribute a a state, which holds v when the model is new. */
void tdagi_import_live(tdagi_import *im, tdagi_attr *a, const char *path, tdagi_any v);
/* An attribute that is None becomes v. False: nothing that can be state. */
bool tdagi_import_found_optional(tdagi_import *im, const char *path, tdagi_any v);
/* The writes, at the end of the method. */
void tdagi_import_write_states(tdagi_import *im);
void tdagi_import_free_leaves(tdagi_import *im);

/* NULL: it is no state. */
tdagi_found *tdagi_import_found(const tdagi_import *im, const char *path);

/* ---- parts.c ---- */
/* Whether it is there is a state of its own (state.c). */
void tdagi_import_live_there(tdagi_import *im, tdagi_live *live);
/* The values of a dict that are state. */
void tdagi_import_live_dict(tdagi_import *im, tdagi_dict *dict, const char *path);
/* A value of an attribute's dict is about to be set: it is state. False: it cannot be.
 */
bool tdagi_import_found_value(tdagi_import *im, const char *path,
                              const tdagi_dict *dict, tdagi_any key, tdagi_any after);
/* The attribute, a list or tuple, is changed to one of as many parts of the same kinds:
 * they are states of their own. False: they cannot be. */
bool tdagi_import_found_parts(tdagi_import *im, const char *path, tdagi_any before,
                              tdagi_any after);
/* It is None, and becomes that tuple of tensors or numbers. */
bool tdagi_import_found_tuple(tdagi_import *im, const char *path, tdagi_any tuple);
void tdagi_import_live_parts(tdagi_import *im, tdagi_attr *a, const char *path);
/* What a state is now. */
tdagi_any tdagi_import_part_now(tdagi_import *im, const tdagi_live *l);

/* ---- walk.c ---- */
const tdagi_any *tdagi_frame_get(tdagi_frame *f, const tdag_shim_var *var);
void tdagi_frame_set(tdagi_frame *f, const tdag_shim_var *var, tdagi_any v);
/* Argument i of a node, POISON where nothing was bound to it. */
tdagi_any tdagi_frame_input(tdagi_frame *f, const tdag_shim_node *node, size_t i);
/* Binds result i, or all of them to one value. */
void tdagi_frame_output(tdagi_frame *f, const tdag_shim_node *node, size_t i,
                        tdagi_any v);
void tdagi_frame_outputs(tdagi_frame *f, const tdag_shim_node *node, tdagi_any v);
/* Runs a root block on its arguments. */
tdagi_any tdagi_import_call(tdagi_import *im, const tdag_shim_graph *graph,
                            const tdagi_any *args, uint32_t n_args);
void tdagi_import_block(tdagi_frame *f, const tdag_shim_block *block);

/* ---- scope.c ---- */
/* The module path that a call of a method of `callee` has here. */
const char *tdagi_import_scope(tdagi_import *im, const tdagi_object *callee);

/* ---- prim.c ---- */
/* Runs a node without a row in aten.def: control flow, calls, containers. False: the
 * kind is unknown. */
bool tdagi_import_prim(tdagi_frame *f, const tdag_shim_node *node, const char *kind);

/* An item of a tuple, of which the others do not matter. */
void tdagi_prim_index(tdagi_frame *f, const tdag_shim_node *node);

/* ---- control.c ---- */
void tdagi_prim_if(tdagi_frame *f, const tdag_shim_node *node);
void tdagi_prim_loop(tdagi_frame *f, const tdag_shim_node *node);
void tdagi_prim_raise(tdagi_frame *f, const tdag_shim_node *node);

/* ---- branch.c, loop.c ---- */
struct tdagi_journal_entry;
/* What is now at a place that a journal notes, and another value for it. */
tdagi_any tdagi_import_now(tdagi_env *env, const struct tdagi_journal_entry *at);
void tdagi_import_put(tdagi_env *env, const struct tdagi_journal_entry *at,
                      tdagi_any v);
/* Whether a condition is one that a run decides; so may be a loop's. */
bool tdagi_import_can_branch(const tdagi_import *im, tdagi_any condition);
bool tdagi_import_can_loop(const tdagi_import *im, tdagi_any trips,
                           tdagi_any condition);
/* Statements of the program, and their results. */
void tdagi_import_branch(tdagi_frame *f, const tdag_shim_node *node, tdag_value c);
void tdagi_import_loop(tdagi_frame *f, const tdag_shim_node *node, tdagi_any trips,
                       tdagi_any condition);

/* ---- torch.c ---- */
/* PyTorch beside the native reader, loaded when this is first called. False: a failure
 * in the environment. */
bool tdagi_import_need_torch(tdagi_import *im);
void tdagi_import_free_torch(tdagi_import *im);
/* PyTorch's schema as ours, read once; NULL: a failure in the environment. */
const tdagi_import_schema *tdagi_import_schema_of(tdagi_import *im,
                                                  const tdag_shim_schema *shim);
/* What a call of the native reader means to PyTorch, of an operator that has no row.
 * NULL: PyTorch does not know it either, or a failure. */
const tdagi_import_schema *tdagi_import_ask_torch(tdagi_import *im,
                                                  const tdagi_source_call *call,
                                                  tdagi_resolved *out);

/* ---- operator.c ---- */
void tdagi_import_operator(tdagi_frame *f, const tdag_shim_node *node);

/* ---- opaque.c ---- */
/* env->opaque: PyTorch tells the types of the results. */
tdagi_any tdagi_import_opaque(tdagi_env *env, const tdagi_schema *schema,
                              const tdagi_any *args, uint32_t n_args);

/* ---- io.c ---- */
/* Inputs of the method as values, with their structure, which is the caller's to free
 * even after a failure. */
bool tdagi_import_inputs(tdagi_import *im, const tdag_shim_schema *schema,
                         const tdag_input_spec *inputs, uint32_t n_inputs,
                         tdagi_any *args, tdagi_structure **structure_out);
/* Adds the graph's outputs and tells their structure, likewise. */
bool tdagi_import_outputs(tdagi_import *im, tdagi_any result,
                          tdagi_structure **structure_out);

#endif
