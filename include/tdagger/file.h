/* .tdag files: a model with its weights in one file, and what identifies a graph.
 *
 * A .tdag file is a safetensors file whose metadata holds the model as JSON;
 * docs/formats.md tells all of it, so that others can read and write it. */
#ifndef TDAGGER_FILE_H
#define TDAGGER_FILE_H

#include <tdagger/model.h>

TDAG_BEGIN_DECLS

/* The newest version of the format; tdag_load() reads this one and every older one, and
 * tdag_save() writes the oldest that holds the model: 1 for one graph, 2 for programs.
 */
#define TDAG_FILE_VERSION 2

typedef struct tdag_save_options {
    size_t size;    /* set by tdag_save_options_init() */
    uint32_t flags; /* TDAG_SAVE_* */
} tdag_save_options;
enum {
    /* Leaves out the filler tensors that bring every tensor to a multiple of 64 bytes;
     * tensors whose size is a multiple of 64 stand at such places all the same. */
    TDAG_SAVE_PACKED = 1,
};
TDAG_OPTIONS_INIT(tdag_save_options)

/* Writes a model to a new file that then replaces the one at path at once: an error or
 * an end of the process at any moment leaves the old file whole. Equal models make
 * equal bytes. options may be NULL.
 * Errors: E_IO; E_ARG (names that are not UTF-8); E_LIMIT (the graph's description
 * exceeds 100 MB); E_NOMEM. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_save(tdag_ctx *ctx, const tdag_model *model,
                                               const char *path,
                                               const tdag_save_options *options);

typedef struct tdag_load_options {
    size_t size;    /* set by tdag_load_options_init() */
    uint32_t flags; /* TDAG_LOAD_* */
} tdag_load_options;
enum {
    /* Reads the weights into memory instead of mapping the file. */
    TDAG_LOAD_COPY = 1,
};
TDAG_OPTIONS_INIT(tdag_load_options)

/* Reads a model. The file is mapped: weights are read when they are used, stay valid
 * while any tensor of the model lives, and nothing is copied. Whoever replaces the file
 * by renaming another over it (as tdag_save() does) disturbs nobody, but a program that
 * reads a weight of a mapped file which another one cuts short meanwhile gets SIGBUS:
 * where that may happen, load with TDAG_LOAD_COPY. options may be NULL.
 * The file may come from anywhere: what is wrong in it is E_FORMAT; a version, op or
 * field of a later library E_UNSUPPORTED or E_FORMAT; both with its name. Other errors:
 * E_IO, E_LIMIT, E_NOMEM, and those of the builder for a node that does not fit, with
 * the node. An offset counts in the JSON text of the model once past the header. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_load(tdag_ctx *ctx, const char *path,
                                               const tdag_load_options *options,
                                               tdag_model **out);

/* ---- identity ---- */
#define TDAG_HASH_SIZE 65 /* 64 hexadecimal digits and the terminator */

typedef enum tdag_hash_kind {
    /* What is computed: ops, specs, dtypes, shapes (symbols by name) and how they are
     * connected, and the values of constants of at most 16 elements. Not: names, module
     * paths, weights, the order of independent nodes, and what no output needs. */
    TDAG_HASH_STRUCTURE = 1,
    /* The same with the elements of every tensor, which are all read. */
    TDAG_HASH_CONTENT = 2,
} tdag_hash_kind;

/* The SHA-256 of a canonical form of the graph, as text. Errors: E_ARG, E_NOMEM. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_graph_get_hash(tdag_ctx *ctx,
                                                         const tdag_graph *graph,
                                                         tdag_hash_kind kind,
                                                         char out[TDAG_HASH_SIZE]);
/* The same of one module: the nodes whose module path is `scope` or below it, with the
 * leaves they use. Values from outside count as inputs in the order of their first
 * use, values used outside as outputs. So two blocks of the same structure have the
 * same hash. E_ARG if no node is of that module. */
TDAG_API TDAG_MUST_CHECK tdag_status
tdag_graph_get_module_hash(tdag_ctx *ctx, const tdag_graph *graph, const char *scope,
                           tdag_hash_kind kind, char out[TDAG_HASH_SIZE]);

/* The same of a model: of one whose program is one call of its graph, the graph's; else
 * of its programs with the graphs and states that they use. Names of methods count, and
 * those of symbols; not names of graphs, states and values, structures, and the order
 * of graphs, states and methods. Errors: those of tdag_model_verify(), E_NOMEM. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_model_get_hash(tdag_ctx *ctx,
                                                         const tdag_model *model,
                                                         tdag_hash_kind kind,
                                                         char out[TDAG_HASH_SIZE]);

TDAG_END_DECLS

#endif
