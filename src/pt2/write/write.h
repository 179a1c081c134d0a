/* Writing .pt2 archives: the statements of an export (torchscript/export/statements.h)
 * are run with the rows of operators, and each call becomes a node of the program. The
 * rows say what types the results have, which must be those of the kernels (eval.c).
 *
 * Everything that is written is text in pieces: the lists of the program's JSON grow
 * side by side and are put together at the end (write.c). Failures stick in
 * env.status or in a text. */
#ifndef TDAGI_WRITE_H
#define TDAGI_WRITE_H

#include "archive/mapping.h"
#include "aten/aten.h"
#include "base/text.h"
#include "program/model.h"
#include "pt2/names.h"
#include "torchscript/export/statements.h"
#include "torchscript/native/resolve.h"

/* What a program calls things by numbers: a tensor's cell or a dim that is no constant.
 */
typedef struct tdagi_pt2_labels {
    uint64_t *keys; /* open addressing; 0 = free */
    const char **names;
    uint32_t n, capacity; /* a power of two */
} tdagi_pt2_labels;

/* A tensor that is stored, perhaps under several names. */
typedef struct tdagi_pt2_record {
    const tdag_tensor *tensor;
    bool is_constant;
    uint32_t number; /* of weight_<number> or tensor_<number> */
} tdagi_pt2_record;

typedef struct tdagi_pt2_writer {
    tdag_ctx *ctx;
    const tdag_model *model;
    const char *program; /* its name in the archive */
    const char *path;    /* of the archive */
    bool is_checked;     /* it is proven before it is put in its place */
    uint32_t wrong;      /* the composite that the check found to be written wrongly */
    const tdag_graph *g;
    const tdagi_statements *s;
    tdagi_env env;            /* its pool has the sizes of everything that is written */
    tdagi_pt2_names taken;    /* names of values */
    tdagi_pt2_names overload; /* operators with their schemas */
    tdagi_pt2_names modules;  /* paths of modules that are named so far */
    tdagi_pt2_labels labels;
    const char **inputs;        /* names of the inputs, by number */
    tdagi_any *values, *tuples; /* by kernel: of v<i> and t<i>; POISON: none yet */
    uint32_t kernel;            /* at hand */
    const char *scope;          /* the module that it belongs to */
    const char *last_scope;     /* that of the last node */
    uint32_t n_nodes, n_constants;
    tdagi_pt2_record *records;
    uint32_t n_records, n_weights, n_tensors;
    uint32_t *record_slots; /* open addressing by the tensor's memory: number + 1 */
    uint32_t n_record_slots;
    /* Items of lists and members of objects, with commas between them. */
    tdagi_text leaf_inputs, leaf_specs;         /* parameters and buffers */
    tdagi_text constant_inputs, constant_specs; /* tensors that have no other name */
    tdagi_text user_inputs, user_specs;
    tdagi_text outputs, output_specs;
    tdagi_text nodes, tensors, sizes;
    tdagi_text weights, constants; /* what the configs say of records */
    tdagi_text calls;              /* of modules, the root's left out */
    tdagi_text piece;              /* inputs of the node at hand */
} tdagi_pt2_writer;

/* ---- small things (names.c) ---- */
/* Sticks a failure of our own, unless another one caused it. Returns POISON. */
tdagi_any tdagi_pt2_fail(tdagi_pt2_writer *w, const char *what);
/* A name for a value, an identifier made of the text; a suffix makes it unique. Never
 * NULL, "" when out of memory. */
const char *tdagi_pt2_unique(tdagi_pt2_writer *w, const char *prefix, const char *text);
/* NULL: there is no label. */
const char *tdagi_pt2_label(const tdagi_pt2_writer *w, uint64_t key);
void tdagi_pt2_set_label(tdagi_pt2_writer *w, uint64_t key, const char *name);
static inline uint64_t tdagi_pt2_cell_key(const tdagi_cell *cell)
{
    return (uint64_t)(uintptr_t)cell;
}
/* A comma unless the list is empty. */
void tdagi_pt2_comma(tdagi_text *to);
/* "key":"text", the text quoted */
void tdagi_pt2_member(tdagi_text *to, const char *key, const char *text);
/* A number as JSON and torch.export write it: 2.0, "Infinity". */
void tdagi_pt2_add_f64(tdagi_text *to, double value);

/* ---- types (meta.c) ---- */
/* The file's number of a dtype. */
int64_t tdagi_pt2_code(tdag_dtype dtype);
/* {"dtype":...}: contiguous, of dims of the environment's pool. */
void tdagi_pt2_add_meta(tdagi_pt2_writer *w, tdagi_text *to, tdag_dtype dtype,
                        uint32_t rank, const tdag_dim *shape, bool is_trained);
/* The same as the meta of a value. */
void tdagi_pt2_declare(tdagi_pt2_writer *w, const char *name, tdag_dtype dtype,
                       uint32_t rank, const tdag_dim *shape, bool is_trained);

/* ---- sizes (size.c) ---- */
/* {"as_int":3} or {"as_expr":...} */
void tdagi_pt2_add_size(tdagi_pt2_writer *w, tdagi_text *to, tdag_dim d);
/* The value that a dim other than a constant has in the program; nodes compute it where
 * it is new. */
const char *tdagi_pt2_size_name(tdagi_pt2_writer *w, tdag_dim d);
/* "N":{"min_val":1,"max_val":null} of every symbol; 0 where its sample is 0 */
void tdagi_pt2_add_ranges(tdagi_pt2_writer *w, tdagi_text *to);

/* ---- nodes (node.c) ---- */
/* Adds the node of w->piece as inputs: its result has that name. */
void tdagi_pt2_add_node(tdagi_pt2_writer *w, const char *target, const char *outputs,
                        const char *name);
/* A call of an operator. */
void tdagi_pt2_add_call(tdagi_pt2_writer *w, const tdagi_resolved *call,
                        tdagi_any result);
/* {"as_tensor":{"name":...}} or the tag of another value */
void tdagi_pt2_add_argument(tdagi_pt2_writer *w, tdagi_text *to,
                            const tdagi_parameter *parameter, tdagi_any v);

/* ---- leaves (leaf.c) ---- */
/* Placeholders and records of all parameters and buffers of the graph. */
void tdagi_pt2_add_leaves(tdagi_pt2_writer *w);
/* The same of the constant that kernel i is. */
void tdagi_pt2_add_constant(tdagi_pt2_writer *w, uint32_t i);

/* ---- structure (signature.c) ---- */
void tdagi_pt2_add_inputs(tdagi_pt2_writer *w);
void tdagi_pt2_add_outputs(tdagi_pt2_writer *w);
/* The list of calls of modules: that of the root with both structures, then the name of
 * every module that was noted. */
void tdagi_pt2_add_modules(tdagi_pt2_writer *w, tdagi_text *to);

/* ---- modules (module.c) ---- */
/* Finds the modules that nodes belong to; before the two that follow. */
void tdagi_pt2_find_called(tdagi_pt2_writer *w);
/* Notes a module and those it is in, each once. */
void tdagi_pt2_note_module(tdagi_pt2_writer *w, const char *path);
/* The metadata of a node that belongs to w->scope: which modules were called, and how
 * often before. */
void tdagi_pt2_add_stack(tdagi_pt2_writer *w, tdagi_text *to);

/* ---- the proof (check.c) ---- */
/* Reads the archive and proves that it computes what the model's graph does. E_INTERNAL
 * with the node, and w->wrong, where it does not. */
tdag_status tdagi_pt2_check(tdagi_pt2_writer *w, tdagi_mapping *archive);

/* ---- calls (eval.c, resolve.c) ---- */
/* Runs all statements. */
void tdagi_pt2_run(tdagi_pt2_writer *w);
/* The value of the expression that reads kernel i. */
tdagi_any tdagi_pt2_value(tdagi_pt2_writer *w, uint32_t i);

/* The overload of PyTorch 2.13 that a call means; out->given are the arguments that the
 * file names. False: there is none, in env.status. */
bool tdagi_pt2_resolve(tdagi_pt2_writer *w, const tdagi_source_call *call,
                       tdagi_resolved *out);

#endif
