/* The reader of .pt2 archives inside: from the program's tree to a graph. Operators are
 * calls of rows (src/aten); their schemas are those of PyTorch's current line. */
#ifndef TDAGI_PT2_READ_IMPORT_H
#define TDAGI_PT2_READ_IMPORT_H

#include <tdagger/pt2.h>

#include "archive/zip.h"
#include "aten/cell.h"
#include "aten/dtype.h"
#include "aten/env.h"
#include "aten/schema.h"
#include "pt2/read/program.h"

/* ---- types as the file tells them (meta.c) ---- */
/* A size: a number, or an expression and its value in the example. */
typedef struct tdagi_pt2_size {
    const char *expression; /* NULL: `number` it is */
    int64_t number;
    bool has_number; /* of an expression: it has a hint, which is `number` */
} tdagi_pt2_size;

typedef struct tdagi_pt2_meta {
    int64_t scalar_type; /* PyTorch's; -1: one without a number */
    int64_t layout;      /* 7: strided */
    uint32_t rank, n_strides;
    tdagi_pt2_size *sizes, *strides;
    tdagi_pt2_size offset;
} tdagi_pt2_meta;

/* ---- weights (weights.c, weight_tensor.c) ---- */
typedef struct tdagi_pt2_storage tdagi_pt2_storage;

typedef struct tdagi_pt2_weight {
    const char *name; /* fully qualified */
    struct tdagi_pt2_weight *next, *same_record;
    const char *path; /* of its record, below its config's folder */
    bool is_parameter, is_pickled, has_meta, is_taken;
    tdagi_pt2_meta meta;
    tdagi_pt2_storage *record;
    tdag_tensor *tensor; /* once it is needed; one reference */
    tdagi_cell *cell;
} tdagi_pt2_weight;

/* Records that hold elements, with those whose elements they hold. */
struct tdagi_pt2_storage {
    const char *name; /* "data/weights/weight_0" */
    tdagi_zip *zip;   /* in which it is */
    const tdagi_zip_entry *entry;
    bool is_kept; /* a stored one, by the file's mapping */
    tdagi_pt2_weight *weights;
};

typedef struct tdagi_pt2_config {
    tdagi_pt2_names names;
    tdagi_pt2_weight *first, **last; /* in the file's order */
    const char *folder;              /* "data/weights/" */
    tdagi_zip *zip;                  /* of pickled ones, the archive that they are in */
} tdagi_pt2_config;

/* ---- symbols (symbols.c) ---- */
typedef struct tdagi_pt2_symbol {
    const char *name;
    tdag_dim dim; /* TDAGI_DIM_BAD: not bound yet */
} tdagi_pt2_symbol;

typedef struct tdagi_pt2 {
    tdagi_env env;
    tdagi_zip *zip;
    const char *path;    /* of the file, for messages */
    const char *program; /* its name in the archive */
    const char *text;    /* the JSON of the program */
    size_t text_size;
    tdagi_pt2_program p;
    tdagi_pt2_config weights, constants;
    tdagi_pt2_names records, symbols, called; /* called: modules, by their keys */
    tdag_tensor *zeros;         /* elements of weights that the file leaves out */
    const tdagi_pt2_node *node; /* where we are; NULL: outside */
    tdagi_json_slot modules;    /* of the node whose scope is env.scope */
    const tdag_input_spec *inputs;
    uint32_t n_inputs;
    bool by_name;       /* inputs go to those of the same names */
    bool checks_dtypes; /* inside of autocast */
    bool keeps_opaque;
} tdagi_pt2;

/* Fails with E_FORMAT and a sentence. */
void tdagi_pt2_bad(tdagi_pt2 *im, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- meta.c ---- */
tdag_status tdagi_pt2_parse_meta(tdagi_json_reader *r, tdagi_pt2_meta *out);
/* The type of a value; false after a failure or where the file does not tell. */
bool tdagi_pt2_meta_of(tdagi_pt2 *im, const tdagi_pt2_value *v, tdagi_pt2_meta *out);

/* ---- symbols.c ---- */
/* Binds the symbol of a size, where it is not bound: to a dim with which the size is
 * what the input's spec says, or to a symbol of its own with the example's number. */
void tdagi_pt2_bind(tdagi_pt2 *im, const tdagi_pt2_size *size,
                    const tdag_input_spec *spec, uint32_t axis);
/* The size as a dim; false where it cannot be said, with nothing noted. */
bool tdagi_pt2_dim(tdagi_pt2 *im, const tdagi_pt2_size *size, tdag_dim *out);
/* Fails where the sample of a symbol is not in its range. */
void tdagi_pt2_check_ranges(tdagi_pt2 *im);

/* ---- weights.c ---- */
tdag_status tdagi_pt2_read_config(tdagi_pt2 *im, tdagi_pt2_config *config,
                                  const char *record);
/* Finds where the elements are, "FOLDER" and w->path, shared by all of the same path.
 */
tdag_status tdagi_pt2_find_record(tdagi_pt2 *im, tdagi_zip *zip, const char *folder,
                                  tdagi_pt2_weight *w);
/* The leaf of an entry of the signature. */
tdagi_any tdagi_pt2_leaf(tdagi_pt2 *im, const tdagi_pt2_spec *spec);
/* Leaves of the weights that the signature does not name. */
void tdagi_pt2_other_leaves(tdagi_pt2 *im);
/* Notes state that the program writes. */
void tdagi_pt2_check_state(tdagi_pt2 *im);
void tdagi_pt2_free_weights(tdagi_pt2 *im);

/* ---- pickled.c ---- */
/* The same of a record that PyTorch 2.6 to 2.8 pickled. */
tdag_status tdagi_pt2_read_pickled(tdagi_pt2 *im, tdagi_pt2_config *config,
                                   const char *record);

/* ---- archive.c ---- */
/* Parses the program and lists the weights. */
tdag_status tdagi_pt2_read_archive(tdagi_pt2 *im);

/* ---- weight_tensor.c ---- */
/* Its elements, in the file where they can be; NULL after a failure, or where *why_out
 * says why there is no such tensor. */
tdag_tensor *tdagi_pt2_tensor(tdagi_pt2 *im, tdagi_pt2_weight *w, const char **why_out);

/* ---- io.c ---- */
/* Leaves and inputs for the graph's inputs, and the structure of the user's, which is
 * the caller's to free even after a failure. */
void tdagi_pt2_take_inputs(tdagi_pt2 *im, tdagi_structure **structure_out);
/* Adds the graph's outputs and tells their structure, likewise. */
void tdagi_pt2_give_outputs(tdagi_pt2 *im, tdagi_structure **structure_out);

/* ---- structure.c ---- */
/* Describes how the specs of users and literals are arranged. leaf(im, spec, to) adds
 * each to the structure. */
void tdagi_pt2_describe(tdagi_pt2 *im, const tdagi_pt2_tree *tree,
                        const tdagi_pt2_spec *specs, uint32_t n, bool is_input,
                        void (*leaf)(tdagi_pt2 *im, const tdagi_pt2_spec *spec,
                                     tdagi_structure_builder *to),
                        tdagi_structure **out);

/* ---- walk.c ---- */
/* An argument as rows know it; POISON where it cannot be one, with an issue or a
 * failure. */
tdagi_any tdagi_pt2_any(tdagi_pt2 *im, const tdagi_pt2_arg *arg);
/* Defines what an output names. */
void tdagi_pt2_define(tdagi_pt2 *im, const tdagi_pt2_arg *output, tdagi_any v);
/* Runs the nodes of a graph whose inputs are defined. */
void tdagi_pt2_run_graph(tdagi_pt2 *im, tdagi_pt2_graph *graph);

/* A target that nobody knows: an issue, its results POISON. */
void tdagi_pt2_unknown(tdagi_pt2 *im, const tdagi_pt2_node *node);

/* ---- families of targets, by what stands behind the family's name ---- */
/* operator.c */
void tdagi_pt2_aten(tdagi_pt2 *im, const tdagi_pt2_node *node, const char *name);
void tdagi_pt2_custom(tdagi_pt2 *im, const tdagi_pt2_node *node, const char *name);
void tdagi_pt2_python(tdagi_pt2 *im, const tdagi_pt2_node *node, const char *name);
/* higher.c: operators on graphs */
void tdagi_pt2_higher(tdagi_pt2 *im, const tdagi_pt2_node *node, const char *name);
/* control.c: torch.cond and while_loop, whose arguments are of the right kinds. */
void tdagi_pt2_cond(tdagi_pt2 *im, const tdagi_pt2_node *node);
void tdagi_pt2_while(tdagi_pt2 *im, const tdagi_pt2_node *node);

/* ---- operator.c ---- */
/* "aten::add.Tensor": what a node runs, for messages. */
const char *tdagi_pt2_operator_name(tdagi_pt2 *im, const tdagi_pt2_node *node);

/* ---- opaque.c ---- */
/* An operator without a row: an opaque node per result, of the type that the file
 * tells, where those are wanted; else an issue. */
void tdagi_pt2_without_row(tdagi_pt2 *im, const tdagi_pt2_node *node, const char *name);

/* ---- place.c ---- */
/* Sets the scope to the module of the node. */
void tdagi_pt2_enter(tdagi_pt2 *im, const tdagi_pt2_node *node);
/* "net.py:12", "" where the file does not tell. */
const char *tdagi_pt2_location(tdagi_pt2 *im, const tdagi_pt2_node *node);

#endif
