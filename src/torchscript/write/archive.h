/* The pieces of an archive that is written natively. */
#ifndef TDAGI_ARCHIVE_H
#define TDAGI_ARCHIVE_H

#include "torchscript/write/tree.h"

/* ---- classes (classes.c) ---- */
/* Modules with the same attributes share a class, as in PyTorch. */
typedef struct tdagi_tree_class {
    const char *module, *name; /* "__torch__", "Model" */
    const char *text;          /* what stands below its first line */
    struct tdagi_tree_class *next;
} tdagi_tree_class;

typedef struct tdagi_tree_classes {
    tdagi_table of; /* by module: tdagi_tree_class */
    tdagi_tree_class *first, *last;
} tdagi_tree_classes;

/* The root's has the methods of the source. */
tdag_status tdagi_tree_make_classes(tdagi_tree *t, const char *source,
                                    tdagi_tree_classes *out);

/* ---- objects (objects.c) ---- */
/* The content of a storage, a record of its own. */
typedef struct tdagi_tree_record {
    const tdag_tensor *tensor;
    struct tdagi_tree_record *next;
} tdagi_tree_record;

/* Appends data.pkl to `to`; *records are those of its storages 0, 1, ... */
tdag_status tdagi_tree_pickle(tdagi_tree *t, const tdagi_tree_classes *classes,
                              tdagi_text *to, tdagi_tree_record **records);

#endif
