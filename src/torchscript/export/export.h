/* The TorchScript exporter's inside: raised kernels become one statement each.
 *
 * Order of work (export.c): raise; put the leaves into a tree of modules; emit the
 * body, kernel by kernel; write the tree, natively or through the shim. */
#ifndef TDAGI_EXPORT_H
#define TDAGI_EXPORT_H

#include <tdagger/torch.h>

#include "base/text.h"
#include "program/model.h"
#include "raise/raise.h"
#include "torchscript/export/statements.h"
#include "torchscript/shim_load.h"
#include "torchscript/torchscript.h"
#include "torchscript/write/tree.h"

/* For tests: changes the source before it is written, as a fault of the exporter would,
 * so that the proof is seen to find it. */
typedef void tdagi_export_edit(void *user, tdagi_text *source);

/* A graph of a program that has become a method, kept until it is proven. */
typedef struct tdagi_export_graph {
    const tdag_graph *g;
    const char *method;
    tdagi_raised *r;
    const char *const *var; /* as in tdagi_exporter */
    struct tdagi_export_graph *next;
} tdagi_export_graph;

typedef struct tdagi_exporter {
    tdag_ctx *ctx;
    const tdag_model *model;
    const tdagi_method *method; /* whose statements are written; g is NULL then */
    const tdag_graph *g;
    tdagi_raised *r;
    const tdag_shim_api *api; /* NULL: PyTorch has no part in it */
    tdag_shim_session *session;
    bool is_portable;  /* what only newer PyTorch can is written for older, too */
    tdagi_arena arena; /* names */
    tdagi_text body;   /* statements, and the one error that sticks */
    const char **var;  /* by kernel: the expression that reads it; NULL = not emitted */
    const char **arguments; /* by input of the graph: the same, read or not */
    uint32_t *uses;         /* by kernel; outputs count */
    uint32_t *user; /* by kernel: the last one that reads it; 0 = an output does */
    unsigned char *deferred; /* by kernel: emitted as a part of its only user */
    tdagi_tree tree;
    tdagi_torchscript_kept kept;    /* the archive, as the check has read it */
    tdagi_structure *takes, *gives; /* the model's structures as TorchScript has them */
    const char **names;             /* by argument of `takes`: what it is called */
    const char *mark; /* before variables of the exporter's: arguments have none such */
    uint32_t n_constants; /* tensor constants in the tree so far */
    uint32_t n_vars;      /* variables of modules so far */
    uint32_t n_calls;     /* of recurrent layers so far */
    size_t
        *ends; /* by kernel: where its statements end in the body; NULL: not wanted */
    bool is_functional;                  /* nothing is overwritten */
    bool is_stepwise;                    /* recurrent layers are written step by step */
    struct tdagi_recurrent *recurrent;   /* the calls of such layers; NULL: none */
    struct tdagi_rnn_loop *loops;        /* of a program that are one; NULL: none */
    struct tdagi_encoder_layer *encoder; /* layers that are one call; NULL: none */
    bool has_branches;                   /* of such, in the body so far */
    size_t branch;        /* where the branch of the one at hand begins in the body */
    const bool *by_parts; /* by composite: exported by its parts */
    tdagi_export_graph *graphs; /* of a program */
    uint32_t wrong_composite;   /* what the check found to be wrong; TDAGI_CORE: none */
    tdagi_export_edit *edit;
    void *edit_user;
} tdagi_exporter;

static inline const tdagi_kernel *tdagi_export_kernel(const tdagi_exporter *e,
                                                      uint32_t i)
{
    return &e->r->kernels[i];
}
static inline uint32_t tdagi_export_index(const tdagi_exporter *e,
                                          const tdagi_kernel *k)
{
    return (uint32_t)(k - e->r->kernels);
}

static inline bool tdagi_export_is_core(const tdagi_kernel *k, tdag_op op)
{
    return k->composite == TDAGI_CORE && k->op == op;
}
static inline bool tdagi_export_is_leaf(const tdagi_kernel *k)
{
    return k->composite == TDAGI_CORE && k->op != TDAG_OP_IOTA &&
           tdagi_op_is_leaf(k->op);
}
static inline const tdagi_kernel *tdagi_export_input(const tdagi_exporter *e,
                                                     const tdagi_kernel *k, uint32_t i)
{
    return &e->r->kernels[k->inputs[i]];
}

/* Sticks a failure at a kernel. */
void tdagi_export_fail(tdagi_exporter *e, const tdagi_kernel *k, tdag_status status,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

/* ---- the order of work (export.c) ---- */
/* tdag_to_torchscript(), with an edit; NULL: none. */
tdag_status tdagi_export_model(tdag_ctx *ctx, const tdag_model *model, const char *path,
                               const tdag_torchscript_options *options,
                               tdagi_export_edit *edit, void *user);
/* What the export is for. */
typedef struct tdagi_export_use {
    tdag_status (*run)(tdagi_exporter *e, const struct tdagi_export_use *use);
    const char *path;
    bool is_checked; /* the file is proven before it is put in its place */
    tdagi_statements_reader *read;
    void *user;
} tdagi_export_use;
/* Makes the tables by kernel of what was raised, runs the use and frees them. */
tdag_status tdagi_export_raised(tdagi_exporter *e, const tdagi_export_use *use);
/* The composites without a call of their own. */
void tdagi_export_plan_by_parts(bool *by_parts);
/* Plans and writes the statements of all kernels. */
void tdagi_export_kernels(tdagi_exporter *e);

/* ---- the proof (check.c) ---- */
/* Reads an archive that the source became and proves that it computes what the graph
 * does, or of a program each of its graphs. E_INTERNAL with the place, and
 * e->wrong_composite, where it does not. */
tdag_status tdagi_export_check(tdagi_exporter *e, tdagi_mapping *archive);

/* ---- writing (format.c) ---- */
/* Appends "    <var> = <expression>\n", naming k's variable. In the format:
 *   $0 .. $9  the expression of that input, None where it is absent
 *   #0 .. #9  the same, but a number where the input is a scalar constant that a number
 *             stands for exactly
 *   $_        "_" where the op may overwrite its first input, else nothing
 *   %i int64_t  %f double  %b a boolean int64_t  %s text  %l const tdag_list * of dims
 *   %m the mark of the exporter's variables
 *   %d one dim  %t a dtype as PyTorch numbers it  %v the variable of a kernel index */
void tdagi_export_emit(tdagi_exporter *e, const tdagi_kernel *k, const char *format,
                       ...);
/* The same without "<var> = " and the line's end: a piece of a statement. */
void tdagi_export_piece(tdagi_exporter *e, const tdagi_kernel *k, const char *format,
                        ...);
/* Gives a kernel the name v<i>; "" where there is no memory. */
const char *tdagi_export_name(tdagi_exporter *e, uint32_t i);
/* The text in the arena; NULL (and the body's status) when out of memory. */
const char *tdagi_export_keep(tdagi_exporter *e, tdagi_text *text);
/* Starts and ends a statement that consists of pieces; a pair has two variables. */
void tdagi_export_begin(tdagi_exporter *e, const tdagi_kernel *k);
void tdagi_export_end(tdagi_exporter *e);
/* In a portable export two forms of k's statement may stand: after begin_newer() comes
 * the one for PyTorch that has the newer operator, after begin_older() the other, whose
 * further lines begin_line() begins. PyTorch compiles one of them, when it loads. */
void tdagi_export_begin_newer(tdagi_exporter *e, const tdagi_kernel *k);
void tdagi_export_begin_older(tdagi_exporter *e);
void tdagi_export_begin_line(tdagi_exporter *e, const char *var, uint32_t number);
/* A list literal of `n` dims. */
void tdagi_export_dims(tdagi_exporter *e, uint32_t n, const tdag_dim *dims);
/* A shape literal where one symbolic dim may be written -1. */
void tdagi_export_shape(tdagi_exporter *e, uint32_t n, const tdag_dim *dims);

/* ---- values (leaves.c) ---- */
/* The expression that reads a kernel; a leaf is registered or fetched at first use. */
const char *tdagi_export_value(tdagi_exporter *e, uint32_t kernel);
/* The same of a parameter, buffer or constant of the graph. */
const char *tdagi_export_leaf(tdagi_exporter *e, tdag_value v);
/* True and the number if the kernel is a rank-0 constant. */
bool tdagi_export_scalar(const tdagi_exporter *e, uint32_t kernel, double *value_out);
/* The same of k's input i, without the number. */
bool tdagi_export_is_scalar(const tdagi_exporter *e, const tdagi_kernel *k, uint32_t i);
/* The exponent where k's second operand alone is such a constant, 2, 4, 8... of
 * integers; 0: it is not. */
int tdagi_export_power_of_two(const tdagi_exporter *e, const tdagi_kernel *k);
/* The format of a binary operator by which of its operands alone is such a constant. */
const char *tdagi_export_choose(const tdagi_exporter *e, const tdagi_kernel *k,
                                const char *left, const char *right,
                                const char *otherwise);
/* Puts every parameter and buffer of the graph, used or not, into the tree. */
tdag_status tdagi_export_register(tdagi_exporter *e);

/* ---- kernels ---- */
/* How kernels of an op or composite are written. */
typedef struct tdagi_emitter {
    const char *format; /* of tdagi_export_emit(), where no more than that is needed */
    void (*emit)(tdagi_exporter *e, const tdagi_kernel *k); /* else */
    /* Whether nothing else holds its result, which is no view inside PyTorch either,
     * and its gradient does not need it: the next call may overwrite it. NULL: never.
     */
    bool (*is_fresh)(const tdagi_exporter *e, const tdagi_kernel *k);
} tdagi_emitter;
bool tdagi_export_owns(const tdagi_exporter *e, const tdagi_kernel *k); /* always */
#define TDAGI_COMPOSITE(ID, name, definition, min, max, kind, native, exporter,        \
                        coreml)                                                        \
    extern const tdagi_emitter tdagi_emitter_##exporter;
#include "derive/composites.def"
extern const tdagi_emitter tdagi_emitter_BY_PARTS;
const tdagi_emitter *tdagi_export_composite_emitter(uint32_t composite);
const tdagi_emitter *tdagi_export_core_emitter(uint32_t op);
const tdagi_emitter *tdagi_export_emitter(const tdagi_kernel *k);
void tdagi_export_opaque(tdagi_exporter *e, const tdagi_kernel *k);
/* Reshapes and the reductions and selects they complete (view.c). */
bool tdagi_export_is_reshape(const tdagi_kernel *k);
void tdagi_export_plan_views(tdagi_exporter *e); /* fills deferred */
void tdagi_export_reshape(tdagi_exporter *e, const tdagi_kernel *k);
/* A mask times floats: the product converts value i. */
bool tdagi_export_is_mask(const tdagi_exporter *e, uint32_t i,
                          const tdagi_kernel *user);
/* Whether a tile is split again, in the end, into what it was made of, and read once:
 * more readers might each copy it, and an output is memory of its own; as a view
 * (repeat.c).
 */
bool tdagi_export_is_split_tile(const tdagi_exporter *e, const tdagi_kernel *tile,
                                const tdagi_kernel *user);
void tdagi_export_split_tile(tdagi_exporter *e, const tdagi_kernel *k,
                             const tdagi_kernel *tile);
/* What is repeated only to be multiplied by several matrices is a part of the product.
 */
void tdagi_export_plan_rows(tdagi_exporter *e, const tdagi_kernel *k);
/* What a value is that nothing else reads, but for an axis that it is repeated along;
 * 0: it is not. */
uint32_t tdagi_export_repeated(const tdagi_exporter *e, uint32_t value, uint32_t axis);
/* The rows that each of the several matrices of a product multiplies (contraction.c);
 * 0: each has its own. */
uint32_t tdagi_export_shared_rows(const tdagi_exporter *e, const tdagi_kernel *k);
/* If the product k is a gated linear unit, x[first half] * sigmoid(x[second half])
 * along an axis: of what, and the sigmoid; else 0. */
uint32_t tdagi_export_glu(const tdagi_exporter *e, const tdagi_kernel *k, int64_t *axis,
                          uint32_t *gate_out);
/* Whether k normalises by the mean and variance of its own input: PyTorch computes them
 * itself then, and takes no gradient of those it is given. */
bool tdagi_export_is_batch_stats(const tdagi_exporter *e, const tdagi_kernel *k);
/* If k is of complex numbers and its inputs i and i + 1 are the halves of pairs that
 * may be seen as such: of which value, else 0 (complex.c). */
uint32_t tdagi_export_pairs(const tdagi_exporter *e, const tdagi_kernel *k, uint32_t i);
/* What a value is before the changes of shape that its user takes along. */
uint32_t tdagi_export_base(const tdagi_exporter *e, uint32_t value);
void tdagi_export_reduce(tdagi_exporter *e, const tdagi_kernel *k, bool keep,
                         const tdagi_kernel *reduce);

/* ---- layers of encoders (fused/encoder.c) ---- */
void tdagi_encoder_plan(tdagi_exporter *e);
/* Before the first and behind the last kernel of one: the branches around them. */
void tdagi_encoder_begin(tdagi_exporter *e, uint32_t i);
void tdagi_encoder_end(tdagi_exporter *e, uint32_t i);

/* ---- structures as TorchScript has them (structure.c) ---- */
/* Named tuples become classes of the tree; the copy is the caller's to free. */
tdag_status tdagi_export_structure(tdagi_exporter *e, const tdagi_structure *s,
                                   bool is_input, tdagi_structure **out);
/* The type of a value of such a structure. */
void tdagi_export_type(const tdagi_structure_node *of, tdagi_text *to);

/* ---- the signature (signature.c) ---- */
/* Writes "def forward(self, ...):" with the statements that unpack the arguments and
 * bind the symbols, and at the end the return statement. */
void tdagi_export_head(tdagi_exporter *e);
void tdagi_export_return(tdagi_exporter *e);
/* The statements that get sizes from arguments; given, by symbol: those that have one.
 */
void tdagi_export_bind_symbols(tdagi_exporter *e, const bool *given);

/* ---- programs (program.c) ---- */
/* Whether a size of an argument tells symbol s; if not, the graph's method takes it. */
bool tdagi_export_shows(const tdag_graph *g, uint32_t s);
/* Writes the method that graph i becomes (program/graph.c). */
tdag_status tdagi_export_graph_method(tdagi_exporter *e, uint32_t i);
/* Variables of modules are those of one method. */
void tdagi_export_forget_modules(tdagi_exporter *e);
/* Writes all methods of a model that is more than one graph. */
void tdagi_export_program(tdagi_exporter *e);
/* The model with names that TorchScript can have; what is renamed is in the arena, all
 * else the model's. */
tdag_status tdagi_export_names(tdag_ctx *ctx, tdagi_arena *arena,
                               const tdag_model *model, tdag_model *out);

#endif
