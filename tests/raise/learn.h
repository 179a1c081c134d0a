/* Makes the table of src/raise/skeletons.def from the recipes.
 *
 * Every composite is lowered on many prototypes. Trees with the same code are one
 * skeleton; a field of the spec is then looked for in the nodes of all its samples: the
 * first way to read it that is right in each of them is its tag. */
#ifndef TEST_RAISE_LEARN_H
#define TEST_RAISE_LEARN_H

#include "support/test.h"

#include "raise/skeleton.h"

#define LEARN_MOST_CODE  400
#define LEARN_MOST_NODES 96

/* One node of a sample, in the order of the code. */
typedef struct learn_node {
    const tdagi_node *node;
    double number; /* of a constant of one element; else NaN */
} learn_node;

typedef struct learn_sample {
    struct tdag_builder *builder; /* where the nodes are */
    void *spec;
    double n_reduced;
    uint32_t n;
    learn_node nodes[LEARN_MOST_NODES];
    struct learn_sample *next;
} learn_sample;

typedef struct learn_skeleton {
    tdagi_composite composite;
    uint8_t kinds;
    uint32_t n_slots, n_numbers; /* operands; constants that the spec gives */
    uint32_t n_nodes, root, child, n_code, n_tags;
    uint8_t code[LEARN_MOST_CODE];
    tdagi_tag tags[8];
    learn_sample *samples;
} learn_skeleton;

typedef struct learned {
    tdag_ctx *ctx;
    learn_skeleton *rows;
    uint32_t n, capacity;
    double numbers[256]; /* [0] is unused */
    uint32_t n_numbers;
} learned;

/* Adds what the composite's samples show (prototype.c). */
void learn_composite(learned *all, tdagi_composite id);
/* Adds one sample: what is below top, lowered by that spec; takes both. */
void learn_add(learned *all, tdagi_composite id, tdag_builder *b, tdag_value top,
               void *spec);
/* Finds the tags, and puts the rows in the table's order. */
void learn_finish(learned *all);
void learn_free(learned *all);

#endif
