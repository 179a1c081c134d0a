/* The reader of ML programs inside: a driver of the rows of src/aten, as src/pt2/read
 * is another. mil.def says what each operator means; operands go by their names. */
#ifndef TDAGI_COREML_READ_IMPORT_H
#define TDAGI_COREML_READ_IMPORT_H

#include "aten/cell.h"
#include "aten/env.h"
#include "base/table.h"
#include "coreml/coreml.h"
#include "coreml/read/mil.h"
#include "program/outline/outline.h"

/* What a name of a function stands for. */
typedef struct tdagi_cml_value {
    const char *name;
    tdagi_any is;
    const Cml__Value *constant; /* what it will be made of when it is used; else NULL */
    tdagi_seq *items;           /* of a tensor that joins numbers, these; else NULL */
    const Cml__Operation *made_by;           /* NULL: an input, or a block's */
    struct tdagi_cml_value *hidden, *before; /* of that name outside; defined before */
} tdagi_cml_value;

typedef struct tdagi_cml_state {
    const char *name;
    const char *of;       /* the function's name of it; NULL: */
    tdag_tensor *initial; /* zeroes; one reference */
    uint32_t index;       /* in the outline */
    const char *input,
        *output;        /* inputs and outputs that stand for it; NULL: none do */
    tdag_dtype held_as; /* there */
    uint32_t rank;      /* there */
    struct tdagi_cml_state *next;
} tdagi_cml_state;

typedef struct tdagi_cml {
    tdagi_env env;
    tdagi_package *package;
    const tdag_input_spec *inputs;
    uint32_t n_inputs;
    bool by_name; /* inputs go to those of the same names */
    bool keeps_opaque;
    const char *function;
    uint32_t opset;    /* 5 for CoreML5 */
    tdagi_table notes; /* "KIND NAME" to what else the line says (meant/notes.c) */
    tdagi_table names; /* to the tdagi_cml_value that is seen */
    tdagi_cml_value *last;
    tdagi_cml_state *states;
    tdagi_cml_room room;
    const char *module;       /* of the operation at hand; NULL: the model itself */
    const Cml__Operation *op; /* where we are; NULL: outside */
    uint32_t n_before;        /* values of the graph, before it */
    /* of a network: runs a block that is one, which has no descriptor */
    void (*run_layers)(struct tdagi_cml *im, const Cml__Block *block);
} tdagi_cml;

/* Fails with E_FORMAT and a sentence, at the place at hand. */
void tdagi_cml_bad(tdagi_cml *im, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- walk.c ---- */
/* NULL after a failure. */
tdagi_cml_value *tdagi_cml_define(tdagi_cml *im, const char *name, tdagi_any v);
/* Forgets what was defined since `last` was that. */
void tdagi_cml_leave(tdagi_cml *im, tdagi_cml_value *last);
tdagi_cml_value *tdagi_cml_find(tdagi_cml *im, const char *name);
/* A value that is used; POISON where it is none, with a failure or an issue. */
tdagi_any tdagi_cml_get(tdagi_cml *im, const char *name);
tdagi_any tdagi_cml_binding(tdagi_cml *im, const Cml__Binding *b);
/* The bindings of an operand, or NULL. */
const Cml__Argument *tdagi_cml_argument(const Cml__Operation *op, const char *name);
void tdagi_cml_run(tdagi_cml *im, const Cml__Block *block);
/* Results by the operation's outputs, in their dtypes and by their names. */
void tdagi_cml_give(tdagi_cml *im, const Cml__Operation *op, tdagi_any out);

/* ---- value.c: constants ---- */
/* How the elements of a dtype of the format are stored, and what holds them here. */
typedef struct tdagi_cml_element {
    uint8_t mil, blob; /* the format's numbers; blob 0: not in weight files */
    uint8_t dtype;     /* tdag_dtype */
    uint8_t bits;
    bool is_signed;
} tdagi_cml_element;
/* NULL: no dtype that tensors here can have. */
const tdagi_cml_element *tdagi_cml_element_of(int32_t mil_dtype);
/* "fp16" and so on; DTYPE_NONE: it is none. */
tdag_dtype tdagi_cml_dtype(const char *text);
/* A tensor, number or text as rows know it; name: of the leaf. POISON with an issue or
 * a failure. */
tdagi_any tdagi_cml_constant(tdagi_cml *im, const char *name, const Cml__Value *v);

/* ---- number.c ---- */
/* The result of an operator on known integers, if it is known, too. */
bool tdagi_cml_known(tdagi_cml_call *c, tdagi_any *out);

/* ---- meant/ ---- */
/* The result of an operation that stands, with those before it, for another one; false:
 * it is meant as it is. */
bool tdagi_cml_meant(tdagi_cml *im, const Cml__Operation *op, tdagi_any *out);

/* ---- meant/notes.c ---- */
void tdagi_cml_take_notes(tdagi_cml *im);
/* What is noted of it; NULL: nothing. */
const char *tdagi_cml_note(tdagi_cml *im, const char *kind, const char *name);
/* What v was before it was converted from that dtype, which is no float; id 0: it was
 * not. */
tdag_value tdagi_cml_before(tdagi_cml *im, tdag_value v, tdag_dtype dtype);
/* The dtype that is noted of an input or output of the dtype `is`, which is it where
 * there is no note; then *name is not set. */
tdag_dtype tdagi_cml_noted_type(tdagi_cml *im, const char *kind, const char *of,
                                tdag_dtype is, const char **name, bool *is_scalar);

/* ---- control.c ---- */
void tdagi_cml_cond(tdagi_cml *im, const Cml__Operation *op);
void tdagi_cml_while(tdagi_cml *im, const Cml__Operation *op);

/* ---- state.c ---- */
/* An input of the function that is a state. */
void tdagi_cml_add_state(tdagi_cml *im, const char *name, const Cml__TensorType *type);
/* The states so far are those of the outline. */
void tdagi_cml_declare_states(tdagi_cml *im);
/* What an input is where it is not given. */
double tdagi_cml_default_of(const Cml__ArrayFeatureType *a);
/* An input that is noted to be a state: it is one from here on. False: it is none. */
bool tdagi_cml_is_kept(tdagi_cml *im, const char *input);
void tdagi_cml_keep_input(tdagi_cml *im, const char *input, const Cml__TensorType *type,
                          const Cml__FeatureType *is);
/* Reads those, at the beginning. */
void tdagi_cml_read_kept(tdagi_cml *im);
/* Writes what the output stands for; false: it is an output. */
bool tdagi_cml_write_kept(tdagi_cml *im, const char *output);
void tdagi_cml_read_state(tdagi_cml *im, const Cml__Operation *op);
void tdagi_cml_write_state(tdagi_cml *im, const Cml__Operation *op);

/* ---- opaque.c ---- */
/* An operation as opaque nodes of the types that the file tells. */
void tdagi_cml_keep(tdagi_cml *im, const Cml__Operation *op);

/* ---- io.c ---- */
/* Dtype and sizes of a type that has no open ones; false: an issue. */
bool tdagi_cml_type(tdagi_cml *im, const char *what, const Cml__TensorType *type,
                    tdag_dtype *dtype_out, tdag_dim *dims_out);
void tdagi_cml_take_inputs(tdagi_cml *im, const Cml__Function *f);
void tdagi_cml_give_outputs(tdagi_cml *im, const Cml__Block *block);

#endif
