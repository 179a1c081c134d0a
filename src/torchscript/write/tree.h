/* What an archive is written from: modules with their tensors, and the source of the
 * root's methods. Two writers take it: the library's own (archive.c) and PyTorch, by
 * the shim (shim.c).
 *
 * Everything lives in the arena that the tree was begun with. */
#ifndef TDAGI_TREE_H
#define TDAGI_TREE_H

#include "archive/mapping.h"
#include "base/table.h"
#include "base/tensor.h"
#include "base/text.h"
#include "tdag_shim.h"

typedef struct tdagi_tree_module tdagi_tree_module;

/* A parameter, buffer or plain attribute, which has a tensor, or a module. */
typedef struct tdagi_tree_attr {
    const char *name; /* "weight" */
    tdag_shim_slot slot;
    const tdag_tensor *tensor; /* NULL of a module */
    tdagi_tree_module *module; /* NULL of a tensor */
    struct tdagi_tree_attr *next;
} tdagi_tree_attr;

struct tdagi_tree_module {
    const char *path; /* "layer1.0"; "" = the root */
    tdagi_tree_module *parent;
    tdagi_tree_attr *first, *last; /* in the order in which they were added */
    const char *var;               /* the exporter's: what holds it; NULL: nothing */
    tdagi_tree_module *next;       /* made after it: so its parent stands before it */
};

/* The class of a named tuple. */
typedef struct tdagi_tree_type {
    const char *module, *name; /* "__torch__.structures", "Point" */
    const char *text;          /* a line "  x : Tensor" per field */
    struct tdagi_tree_type *next;
} tdagi_tree_type;

typedef struct tdagi_tree {
    tdag_ctx *ctx;
    tdagi_arena *arena;
    tdagi_table modules, tensors; /* by path */
    tdagi_tree_module root, *last;
    tdagi_tree_type
        *types; /* of the source; only the library's own writer takes them */
    uint32_t n_modules;
} tdagi_tree;

/* How many modules may stand inside of one another. */
#define TDAGI_TREE_MAX_DEPTH 200

void tdagi_tree_begin(tdagi_tree *t, tdag_ctx *ctx, tdagi_arena *arena);
/* The module whose path is the first n bytes; NULL: there is none. */
tdagi_tree_module *tdagi_tree_find(tdagi_tree *t, const char *path, size_t n);
/* Adds a tensor under its path, whose modules are made where they are missing. The
 * tensor is not copied and must outlive the tree. Errors: E_ARG (the name is taken
 * or has an empty part), E_LIMIT (depth), E_NOMEM. */
tdag_status tdagi_tree_add(tdagi_tree *t, const char *path, tdag_shim_slot slot,
                           const tdag_tensor *tensor);
bool tdagi_tree_is_taken(tdagi_tree *t, const char *path);
/* Whether that tensor is there under that path. */
bool tdagi_tree_has(tdagi_tree *t, const char *path, const tdag_tensor *tensor);

/* ---- writing it ---- */
/* What is asked of a file before it is put in its place. */
typedef struct tdagi_tree_check {
    tdag_status (*fn)(void *user, tdagi_mapping *archive); /* NULL: nothing */
    void *user;
} tdagi_tree_check;

/* The source has one method, "def forward(self, ...):" and its statements. Errors:
 * E_IO, E_NOMEM, E_LIMIT and those of the check; of the shim E_SHIM. The file is
 * replaced at once, or left as it was. */
tdag_status tdagi_tree_write(tdagi_tree *t, const char *source, const char *path,
                             const tdagi_tree_check *check);
tdag_status tdagi_tree_write_by_shim(tdagi_tree *t, const char *source,
                                     const char *path, const tdagi_tree_check *check,
                                     const tdag_shim_api *api,
                                     tdag_shim_session *session);

#endif
