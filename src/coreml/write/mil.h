/* The Core ML exporter's inside: raised kernels become one operation each, or a few.
 *
 * Order of work (export.c): prepare the graph, so that it has dtypes that Core ML has;
 * raise; emit the operations, kernel by kernel; describe inputs and outputs; write the
 * package. Emitters are one line in the notation of tdagi_mil_emit() where that does.
 *
 * Dtypes here are those of the prepared graph: bool, i64 (written as int32), f32
 * (written as fp32 or fp16), and f64 for what is fp32 whatever the option says. */
#ifndef TDAGI_MIL_H
#define TDAGI_MIL_H

#include <tdagger/coreml.h>

#include "base/table.h"
#include "base/text.h"
#include "coreml/package/package.h"
#include "program/model.h"
#include "raise/raise.h"

/* The most axes that values have. */
#define TDAGI_MIL_MAX_RANK 5

/* A value of the program; in the arena of the writer. */
typedef struct tdagi_mil_value {
    const char *name;
    tdagi_type type;
    const tdagi_type *held;   /* the tensor that holds it, if its rank is too high */
    bool is_called;           /* as the kernel is */
    bool is_const, is_number; /* a constant; of one element */
    double number;            /* which is this */
    const double *elements;   /* of a small constant; NULL: not known */
    const tdag_tensor *begins_as; /* of an input that stands for a state; else NULL */
} tdagi_mil_value;
typedef const tdagi_mil_value *tdagi_mil; /* NULL: none, or something failed */

/* An array in the arena that grows. */
typedef struct tdagi_mil_array {
    void **v;
    uint32_t n;
} tdagi_mil_array;

/* A constant whose elements are written when all is known to fit. */
typedef struct tdagi_mil_pending {
    Cml__Value *value;
    const char *name;
    int32_t dtype; /* of the value: TDAGI_MIL_... */
    int64_t count;
    const tdag_tensor *tensor; /* NULL: */
    const void *own;           /* double, or text */
    struct tdagi_mil_pending *next;
} tdagi_mil_pending;

/* A name that is taken before what is named after it. */
typedef struct tdagi_mil_own {
    const char *name; /* NULL: none is taken yet */
    bool is_given;    /* something has it */
} tdagi_mil_own;

/* For tests, that plant faults: changes the model before it is written. */
typedef void tdagi_coreml_edit(void *user, Cml__Model *model);

/* The raised graph whose kernels are emitted, and how far they are. */
typedef struct tdagi_mil_emitting {
    const tdag_graph *g; /* the prepared one */
    tdagi_raised *r;
    const bool *by_parts;       /* by composite */
    const tdagi_mil *operands;  /* what k's inputs are instead, if it is not NULL */
    tdagi_mil *value;           /* by kernel */
    uint32_t *uses, *user;      /* by kernel; outputs count, as user 0 */
    tdagi_mil_own *own;         /* by kernel: the name of its result */
    tdagi_mil *arguments;       /* by input of the graph */
    tdagi_mil *symbols;         /* by symbol: its size, once it was needed */
    uint32_t at;                /* the kernel that is emitted */
    const tdagi_kernel *kernel; /* at hand, for names and sentences */
} tdagi_mil_emitting;

typedef struct tdagi_mil_writer {
    tdag_ctx *ctx;
    const tdag_model *model;
    const tdag_coreml_options *options;
    tdag_status status; /* the one error that sticks */
    uint32_t target;    /* the iOS that is written for */
    uint32_t needed;    /* the oldest that has all operators so far */
    tdagi_arena arena;
    tdagi_mil_emitting now;
    tdagi_table names;            /* those that are taken */
    tdagi_table constants;        /* by their bytes */
    tdagi_table origins;          /* by name of a constant: its tdagi_node */
    tdagi_table blobs;            /* by their memory: the constant that has one */
    tdagi_mil_array ops;          /* Cml__Operation of the block at hand */
    tdagi_mil_array consts;       /* Cml__Operation, at the head of the function */
    tdagi_mil_array inputs;       /* Cml__NamedValueType of the function */
    tdagi_mil_array takes;        /* tdagi_mil: those of them that are no states */
    tdagi_mil_array keeps;        /* tdagi_mil: those that are */
    tdagi_mil_array outputs;      /* tdagi_mil */
    tdagi_mil_array functions;    /* Cml__FunctionEntry */
    tdagi_mil_array descriptions; /* Cml__FunctionDescription */
    tdagi_pool *pool;             /* of sizes of inputs and outputs */
    tdagi_mil_pending *pending, **pending_end;
    uint32_t wrong_composite;
    const tdagi_method *method; /* of a program, at hand; NULL: there is one graph */
    tdagi_mil *vars;            /* by value of the method */
    bool *reads;                /* the same: whether it is used */
    tdagi_mil_array sizes;      /* what tells its symbols (program/program.c) */
    tdagi_mil *held;            /* by state, where it is an input: its value now */
    tdagi_mil *held_input;      /* the same: that input */
    tdagi_mil *states;          /* by state of the model; NULL: not used so far */
    tdagi_mil_array graphs;     /* those that were prepared, which hold constants */
    tdagi_mil_array notes;      /* lines (notes.c) */
    tdagi_mil_array scopes;     /* of the function at hand: where they change */
    int64_t ends[2]; /* numbers that were written as the least and most of int32; 0 */
    tdagi_coreml_edit *edit;
    void *edit_user;
} tdagi_mil_writer;

static inline const tdagi_kernel *tdagi_mil_kernel(const tdagi_mil_writer *w,
                                                   uint32_t i)
{
    return &w->now.r->kernels[i];
}
static inline bool tdagi_mil_is_core(const tdagi_kernel *k, tdag_op op)
{
    return k->composite == TDAGI_CORE && k->op == op;
}
static inline bool tdagi_mil_is_f16(const tdagi_mil_writer *w)
{
    return (w->options->flags & TDAG_COREML_F16) != 0;
}

/* Sticks a failure at the kernel at hand. */
void tdagi_mil_fail(tdagi_mil_writer *w, tdag_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The composite at hand cannot be one operator: it is written by its parts, or if that
 * does not do at its place, all of its kind are (parts.c). */
void tdagi_mil_by_parts(tdagi_mil_writer *w, const tdagi_kernel *k);
/* The operator needs that iOS. False: the target is older, which has failed. */
bool tdagi_mil_require(tdagi_mil_writer *w, uint32_t target, const char *what);

/* ---- the prepared graph (prepare.c) ---- */
/* The graph with the dtypes that Core ML has: integers are i64, floats f32; inputs and
 * outputs of bool are i64, inputs of no axes have one of 1. w: of a
 * graph that was read from what this wrote, whose constants are the model's then; else
 * NULL. Errors: E_UNSUPPORTED, E_NOMEM. */
struct tdagi_mil_writer;
tdag_status tdagi_coreml_prepare(tdag_ctx *ctx, const tdag_graph *g,
                                 const struct tdagi_mil_writer *w, tdag_graph **out);
/* Weights that reductions of weights make, as weight norms are, are computed: Core ML
 * wants weights of convolutions constant. *g is replaced where there are such. */
tdag_status tdagi_coreml_compute_weights(tdag_ctx *ctx, tdag_graph **g);
/* What is known becomes a constant: Core ML's loaders compute such operators
 * themselves, and not all of them can. Frees g in any case. */
tdag_status tdagi_coreml_fold(tdag_ctx *ctx, tdag_graph *g, tdag_graph **out);
/* What holds values of a dtype. */
tdag_dtype tdagi_coreml_held_as(tdag_dtype dtype);
/* The same of a graph that a program calls: its inputs and outputs stay as they are.
 * in_halves: weights and constants are what halves hold of them. */
tdag_status tdagi_coreml_prepare_called(tdag_ctx *ctx, const tdag_graph *g,
                                        bool in_halves, tdag_graph **out);
/* The leaf that was written as the constant of that name; NULL: none. */
const tdagi_node *tdagi_mil_origin(const struct tdagi_mil_writer *w, const char *name);

/* ---- messages (message.c) ---- */
/* Memory of the arena, zeroed; NULL and the status when there is none. */
void *tdagi_mil_alloc(tdagi_mil_writer *w, size_t size);
/* A message of that kind in it, with nothing set. */
void *tdagi_mil_message(tdagi_mil_writer *w, const ProtobufCMessageDescriptor *kind);
void tdagi_mil_push(tdagi_mil_writer *w, tdagi_mil_array *a, void *item);
/* The number of a dtype in programs. */
int32_t tdagi_mil_dtype(const tdagi_mil_writer *w, tdag_dtype dtype);
const char *tdagi_mil_dtype_name(const tdagi_mil_writer *w, tdag_dtype dtype);
Cml__NamedValueType *tdagi_mil_named_type(tdagi_mil_writer *w, const char *name,
                                          const tdagi_type *type);
/* The same of a state. */
Cml__NamedValueType *tdagi_mil_named_state(tdagi_mil_writer *w, tdagi_mil v);
/* Letters, digits and _ of a name. */
char *tdagi_mil_plain_name(tdagi_mil_writer *w, const char *like);
/* A name like that one which nothing has. */
const char *tdagi_mil_name(tdagi_mil_writer *w, const char *like);
/* The name is nothing's any more. */
void tdagi_mil_give_back(tdagi_mil_writer *w, const char *name);
/* Takes those of the kernels that have one, before others come near. */
void tdagi_mil_take_names(tdagi_mil_writer *w);
/* The same; that of the kernel at hand goes to the first that asks for it. */
const char *tdagi_mil_result_name(tdagi_mil_writer *w, const char *like);
/* A new value, with a name like that one. */
tdagi_mil_value *tdagi_mil_new(tdagi_mil_writer *w, const char *like,
                               const tdagi_type *type);
/* An operation with its name, in the block. */
Cml__Operation *tdagi_mil_add(tdagi_mil_writer *w, const char *op, const char *name);
/* One that is in no block, and it in the block, by the name of its first result. */
Cml__Operation *tdagi_mil_operation(tdagi_mil_writer *w, const char *op,
                                    const char *name);
void tdagi_mil_place(tdagi_mil_writer *w, Cml__Operation *o);
void tdagi_mil_bind(tdagi_mil_writer *w, Cml__Operation *o, const char *key, uint32_t n,
                    const tdagi_mil *values);
/* v is the next result of the operation. */
void tdagi_mil_give(tdagi_mil_writer *w, Cml__Operation *o, const tdagi_mil_value *v);
Cml__Value *tdagi_mil_string(tdagi_mil_writer *w, const char *text);
/* A const of the function, whose value has its type and no elements yet. */
Cml__Value *tdagi_mil_constant(tdagi_mil_writer *w, const tdagi_mil_value *v,
                               int32_t dtype);

/* ---- notes (notes.c) ---- */
/* A line of the package's notes; is NULL: none. */
void tdagi_mil_note(tdagi_mil_writer *w, const char *kind, const char *name,
                    const char *is);
/* What an input or output of the model is, where the package has another name (NULL:
 * there is none), dtype or rank. */
void tdagi_mil_note_type(tdagi_mil_writer *w, const char *kind, tdagi_mil v,
                         const char *name, tdag_dtype dtype, bool is_scalar);
/* Whether a note can tell the name of what was written as `name`, and has to. */
bool tdagi_mil_is_noted(const char *name, const char *original);
/* The operation at hand is of the kernel's module. */
void tdagi_mil_note_scope(tdagi_mil_writer *w, const Cml__Operation *o);
/* Lines of the modules of a function, which is whole. */
void tdagi_mil_note_scopes(tdagi_mil_writer *w);
/* All lines; NULL: there are none. */
char *tdagi_mil_notes(tdagi_mil_writer *w);

/* ---- constants (constant.c) ---- */
/* The elements of a tensor as a constant of that dtype, by that name. */
tdagi_mil tdagi_mil_tensor(tdagi_mil_writer *w, const char *name,
                           const tdag_tensor *tensor, tdag_dtype dtype);
tdagi_mil tdagi_mil_numbers(tdagi_mil_writer *w, tdag_dtype dtype, uint32_t rank,
                            const int64_t *shape, const double *values);
tdagi_mil tdagi_mil_scalar(tdagi_mil_writer *w, tdag_dtype dtype, double value);
tdagi_mil tdagi_mil_ints(tdagi_mil_writer *w, uint32_t n, const int64_t *v);
tdagi_mil tdagi_mil_text(tdagi_mil_writer *w, const char *text);
tdagi_mil tdagi_mil_bools(tdagi_mil_writer *w, uint32_t n, const bool *v);
/* What fp16 has for a float, which may be a number by itself. */
double tdagi_mil_half(double x, bool is_number);
/* Writes the elements of all constants: at once, or into blobs. */
tdag_status tdagi_mil_fill(tdagi_mil_writer *w, tdagi_package_writer *to);

/* ---- sizes (size.c) ---- */
/* A size as an int32 scalar, and a list of them as a vector: constants, or computed
 * from the shapes of inputs. */
tdagi_mil tdagi_mil_dim(tdagi_mil_writer *w, tdag_dim d);
tdagi_mil tdagi_mil_dims(tdagi_mil_writer *w, uint32_t n, const tdag_dim *dims);
/* A kernel that is a size as data, or the quotient of two. */
void tdagi_mil_size(tdagi_mil_writer *w, const tdagi_kernel *k, const tdagi_size *size);
/* x in another shape; x itself where it has that shape. */
tdagi_mil tdagi_mil_reshape(tdagi_mil_writer *w, tdagi_mil x, uint32_t rank,
                            const tdag_dim *shape);

/* ---- values (value.c) ---- */
/* What a kernel computes: emitted before, or here if it is a leaf or a view. */
tdagi_mil tdagi_mil_of(tdagi_mil_writer *w, uint32_t kernel);
/* k's input i; NULL where it is absent. */
tdagi_mil tdagi_mil_in(tdagi_mil_writer *w, const tdagi_kernel *k, uint32_t i);
/* Makes v what k computes. */
void tdagi_mil_set(tdagi_mil_writer *w, const tdagi_kernel *k, tdagi_mil v);
/* Makes v what the kernel after k computes, the positions of a pair. */
void tdagi_mil_set_second(tdagi_mil_writer *w, const tdagi_kernel *k, tdagi_mil v);
bool tdagi_mil_is_reshape(const tdagi_kernel *k);
/* What a kernel of small constants computes; NULL: it is none. */
#define TDAGI_MIL_MAX_NUMBERS  8
#define TDAGI_MIL_MAX_ELEMENTS 4096
tdagi_mil tdagi_mil_constant_of(tdagi_mil_writer *w, const tdagi_kernel *k);
/* Whether it is a part of a size as data that nothing else takes. */
bool tdagi_mil_is_in_size(const tdagi_mil_writer *w, uint32_t i);
/* Whether a kernel is emitted where it is needed, by tdagi_mil_of(). */
bool tdagi_mil_is_deferred(const tdagi_mil_writer *w, uint32_t i);
/* The kernel's value, which the last operation gave, gets the name of the kernel's. */
void tdagi_mil_call_result(tdagi_mil_writer *w, tdagi_mil v);
/* What the results of the kernel at hand are called like. */
const char *tdagi_mil_like(tdagi_mil_writer *w, const char *op, bool is_result);
bool tdagi_mil_same_shape(const tdagi_type *a, const tdagi_type *b);
void tdagi_mil_type_of(const tdagi_kernel *k, tdagi_type *out);

/* ---- the notation (format.c) ---- */
/* "name(key=expression, ...)" adds an operation of that name. Expressions:
 *   $0 .. $9  that input of k; the operand is left out where it is absent
 *   %v a tdagi_mil (NULL: left out)   %n uint32_t, const tdagi_mil *: several at once
 *   %i int64_t, int32 scalar  %l const tdag_list * of dims, int32 vector
 *   %d a dim, int32 scalar  %f double, of the dtype of the first operand that is a
 *   value  %b a boolean int  %s a text
 *   1, -1 an int32; 1.0, 1e-5 as %f; true, false; "text" a text; [1, 2] an int32 vector
 *   name(...) another operation, before this one, whose type follows from its operands:
 *   their broadcast shape and the dtype of the first of `x`, `a` or any; bool of
 *   comparisons; the axes of reduce_ are gone or 1.
 * The outermost operation has k's type and becomes what k computes. */
void tdagi_mil_emit(tdagi_mil_writer *w, const tdagi_kernel *k, const char *format,
                    ...);
/* The same without becoming k's value, of a type of its own; NULL: it follows. */
tdagi_mil tdagi_mil_op(tdagi_mil_writer *w, const tdagi_type *type, const char *format,
                       ...);
/* tdagi_mil_emit() of operands that are numbers: what is bool is computed as integers.
 */
void tdagi_mil_emit_numbers(tdagi_mil_writer *w, const tdagi_kernel *k,
                            const char *format, ...);

/* ---- emitters ---- */
typedef struct tdagi_mil_emitter {
    const char *format; /* of tdagi_mil_emit(), where no more than that is needed */
    void (*emit)(tdagi_mil_writer *w, const tdagi_kernel *k); /* else */
} tdagi_mil_emitter;
#define TDAGI_COMPOSITE(ID, name, definition, min, max, kind, native, exporter,        \
                        coreml)                                                        \
    extern const tdagi_mil_emitter tdagi_mil_emitter_##coreml;
#include "derive/composites.def"
extern const tdagi_mil_emitter tdagi_mil_emitter_BY_PARTS;
/* Rows of elementwise.c, ..., of composite/, and of core.c. */
const tdagi_mil_emitter *tdagi_mil_composite_emitter(uint32_t composite);
const tdagi_mil_emitter *tdagi_mil_core_emitter(uint32_t op);

/* The kernel by its row. */
void tdagi_mil_emit_one(tdagi_mil_writer *w, const tdagi_kernel *k);
/* Whether one of its values has more axes than Core ML has, and it by fewer (rank.c).
 */
#define TDAGI_MIL_MAX_RANK 5
bool tdagi_mil_is_high(const tdagi_mil_writer *w, const tdagi_kernel *k);
void tdagi_mil_emit_high(tdagi_mil_writer *w, const tdagi_kernel *k);
/* x with axis i from axis perm[i], whatever its rank is. */
tdagi_mil tdagi_mil_transpose(tdagi_mil_writer *w, tdagi_mil x, const int64_t *perm);
/* ---- what emitters are made of (move.c, core.c) ---- */
/* x in another dtype; x itself where it has that one. */
tdagi_mil tdagi_mil_cast(tdagi_mil_writer *w, tdagi_mil x, tdag_dtype dtype);
/* Bool as integers; else x. */
tdagi_mil tdagi_mil_numeric(tdagi_mil_writer *w, tdagi_mil x);
/* x broadcast to a shape, to which `to` is broadcast with x. */
tdagi_mil tdagi_mil_expand(tdagi_mil_writer *w, tdagi_mil x, uint32_t rank,
                           const tdag_dim *shape);
void tdagi_mil_broadcast(tdagi_type *to, const tdagi_type *x);
/* One number everywhere. */
tdagi_mil tdagi_mil_full(tdagi_mil_writer *w, const tdagi_type *type, double value);
/* Whether a value of open sizes has no elements, whatever those are; it, as it is
 * written. */
bool tdagi_mil_is_empty(const tdagi_type *type);
tdagi_mil tdagi_mil_empty(tdagi_mil_writer *w, const tdagi_type *type);
/* x[start:end:step] of all axes (step NULL: 1), of one axis. */
tdagi_mil tdagi_mil_slice_of(tdagi_mil_writer *w, const tdagi_type *type, tdagi_mil x,
                             const tdag_dim *start, const tdag_dim *end,
                             const int64_t *step);
tdagi_mil tdagi_mil_slice1(tdagi_mil_writer *w, tdagi_mil x, int64_t axis,
                           tdag_dim start, tdag_dim end);
tdagi_mil tdagi_mil_gather_of(tdagi_mil_writer *w, const tdagi_type *type, tdagi_mil x,
                              tdagi_mil indices, int64_t axis, int64_t batch);
tdagi_mil tdagi_mil_scatter_of(tdagi_mil_writer *w, tdagi_mil data, tdagi_mil indices,
                               tdagi_mil updates, int64_t axis, const char *mode);
/* k by a comparison of two %v, bool ones as integers. */
/* Of truths, one of which is known: itself or its opposite. False: they are none. */
bool tdagi_mil_compare_truths(tdagi_mil_writer *w, const tdagi_kernel *k, bool equals);
void tdagi_mil_compare(tdagi_mil_writer *w, const tdagi_kernel *k, const char *format);
/* k by a formula over fp32 whatever the option says: $0 is its operand so. */
void tdagi_mil_emit_wide(tdagi_mil_writer *w, const tdagi_kernel *k,
                         const char *format);
typedef void tdagi_mil_emit_function(tdagi_mil_writer *w, const tdagi_kernel *k);
tdagi_mil_emit_function tdagi_mil_permute, tdagi_mil_slice, tdagi_mil_select,
    tdagi_mil_repeat, tdagi_mil_pad, tdagi_mil_unfold, tdagi_mil_fold, tdagi_mil_gather,
    tdagi_mil_scatter, tdagi_mil_inv_gaussian, tdagi_mil_opaque;
/* A core reduction; type: its own, or without the axes (core.c). */
tdagi_mil tdagi_mil_reduce(tdagi_mil_writer *w, const tdagi_kernel *k, bool keep,
                           const tdagi_type *type);

/* ---- graphs and programs (export.c, program/program.c) ---- */
/* Makes the tables of w->now.r, whose kernels are emitted next. */
tdag_status tdagi_mil_make_tables(tdagi_mil_writer *w);
/* Emits them; those of inputs are there. */
tdag_status tdagi_mil_emit_graph(tdagi_mil_writer *w);
/* An input of the function: in fp32 where it is a float. */
tdagi_mil tdagi_mil_add_input(tdagi_mil_writer *w, const char *like, tdagi_type type);
/* An output of the function. */
void tdagi_mil_add_output(tdagi_mil_writer *w, tdagi_mil v);
/* A function per method. */
tdag_status tdagi_mil_write_program(tdagi_mil_writer *w);
/* Takes a graph, which lives as long as the writer's arena. */
tdag_status tdagi_mil_keep_graph(tdagi_mil_writer *w, tdag_graph *g);
/* A value of the method at hand. */
tdagi_mil tdagi_mil_read_var(tdagi_mil_writer *w, tdagi_var v);
/* Its type, as it is held. */
void tdagi_mil_var_type(const tdagi_mil_writer *w, tdagi_var v, tdagi_type *out);
/* It is that from here on, in the type that the method tells. */
void tdagi_mil_define(tdagi_mil_writer *w, tdagi_var v, tdagi_mil is);
/* Core ML cannot have the statement. */
void tdagi_mil_refuse(tdagi_mil_writer *w, const tdagi_statement *s, const char *format,
                      ...) __attribute__((format(printf, 3, 4)));
/* What has a size that data tells (program/apply.c). */
void tdagi_mil_write_apply(tdagi_mil_writer *w, const tdagi_statement *s);
/* ---- states (program/state.c) ---- */
/* The read or write of a state. */
void tdagi_mil_write_access(tdagi_mil_writer *w, const tdagi_statement *s);
/* At the beginning and the end of a method: those that are inputs and outputs. */
void tdagi_mil_take_states(tdagi_mil_writer *w);
void tdagi_mil_give_states(tdagi_mil_writer *w);
/* w->held becomes a copy; what it was before. */
tdagi_mil *tdagi_mil_keep_states(tdagi_mil_writer *w);
/* The values now of what the blocks of the statement write. */
void tdagi_mil_yield_states(tdagi_mil_writer *w, const tdagi_statement *s,
                            void (*yield)(tdagi_mil_writer *w, tdagi_mil_array *to,
                                          tdagi_mil v),
                            tdagi_mil_array *to);
/* Those have new values, which the operation gives (NULL: a block is given). */
void tdagi_mil_renew_states(tdagi_mil_writer *w, const tdagi_statement *s,
                            Cml__Operation *o);
/* A symbol of the method at hand as data; NULL: there is none. */
tdagi_mil tdagi_mil_method_size(tdagi_mil_writer *w, const char *symbol);
/* Element i of the shape of x. */
tdagi_mil tdagi_mil_size_of(tdagi_mil_writer *w, tdagi_mil x, uint32_t i);

/* ---- describing (describe.c) ---- */
/* A block of the operations at hand; outputs: tdagi_mil. */
Cml__Block *tdagi_mil_block(tdagi_mil_writer *w, const tdagi_mil_array *outputs);
/* What is at hand becomes a function, and the next one begins with nothing. */
void tdagi_mil_end_function(tdagi_mil_writer *w, const char *name);
Cml__Model *tdagi_mil_model(tdagi_mil_writer *w);

/* ---- the order of work (export.c) ---- */
/* tdag_to_coreml(), with an edit; NULL: none. */
tdag_status tdagi_coreml_write(tdag_ctx *ctx, const tdag_model *model, const char *path,
                               const tdag_coreml_options *options,
                               tdagi_coreml_edit *edit, void *user);

/* ---- the proof (check.c) ---- */
/* Reads the package and proves that it computes what the graph does. E_INTERNAL with
 * the place, and w->wrong_composite, where it does not. */
tdag_status tdagi_mil_check(tdagi_mil_writer *w, const char *path);

#endif
