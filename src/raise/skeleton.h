/* Skeletons: what the recipes of src/derive look like once lowered.
 *
 * Each composite is lowered on prototypes, once per variant (kind of dtype, optional
 * inputs, flags of its spec); the tree of core ops that comes out, with a slot for each
 * operand, is its skeleton. Where the spec's numbers reappear in it is found by
 * lowering with several: those places are tags. The table is made from the recipes by
 * tests/raise/test_skeletons.c and is never edited; it holds the code of each tree in
 * prefix order. Matching a skeleton gives the guess that match.h checks. */
#ifndef TDAGI_SKELETON_H
#define TDAGI_SKELETON_H

#include "raise/match.h"

/* Codes below 128 are ops, followed by their operands' codes. A constant is followed by
 * the index of its number (0: any). */
enum {
    TDAGI_CODE_SLOT = 128,    /* + i: operand i of the composite */
    TDAGI_CODE_SIZE = 137,    /* computed from sizes alone: anything */
    TDAGI_CODE_AGAIN = 138,   /* the node with the following number, once more */
    TDAGI_CODE_KIND = 139,    /* behind an op: the value of its enumerated field */
    TDAGI_CODE_PAIR = 140,    /* before an op that commutes */
    TDAGI_CODE_SWAPPED = 141, /* the same, with its second operand written first */
};

/* How a field of the spec follows from a node of the skeleton. */
typedef enum tdagi_tag_how {
    TDAGI_TAG_LITERAL,  /* it is `from` */
    TDAGI_TAG_FIELD,    /* field `from` of the op's spec: an integer or a list */
    TDAGI_TAG_LENGTH,   /* the length of that list */
    TDAGI_TAG_LAST,     /* the last item of that list */
    TDAGI_TAG_NUMBER,   /* the constant */
    TDAGI_TAG_NEGATIVE, /* minus the constant */
    TDAGI_TAG_MISSING,  /* what the constant lacks to the number of reduced elements */
    TDAGI_TAG_LOG10,    /* the logarithm of the constant */
    TDAGI_TAG_MINUS_LOG10,
    TDAGI_TAG_QUOTIENT, /* the constant over field `from` of the composite's spec */
    TDAGI_TAG_ITEM,     /* + i: item i of list `from` of the op's spec */
} tdagi_tag_how;

typedef struct tdagi_tag {
    uint8_t field; /* of the composite's spec */
    uint8_t how;
    uint8_t node; /* in prefix order, constants counted, slots not */
    int8_t from;
} tdagi_tag;

/* Kinds of the first operand's dtype. */
enum {
    TDAGI_KIND_FLOAT = 1,
    TDAGI_KIND_HALF = 2,
    TDAGI_KIND_INT = 4,
    TDAGI_KIND_BOOL = 8,
    TDAGI_KIND_WIDE = 16, /* half, computed in f32: operands are widened, the result is
                             rounded, which the code does not show */
};
static inline uint8_t tdagi_dtype_kind(tdag_dtype dtype)
{
    if (dtype == TDAG_F16 || dtype == TDAG_BF16) return TDAGI_KIND_HALF;
    if (tdag_dtype_is_float(dtype)) return TDAGI_KIND_FLOAT;
    return dtype == TDAG_BOOL ? TDAGI_KIND_BOOL : TDAGI_KIND_INT;
}

/* Rows stand in the order of their root's op; among those the ones with more nodes come
 * first, then those with fewer operands, then those with fewer numbers of the spec. */
typedef struct tdagi_skeleton {
    uint8_t composite;
    uint8_t kinds;       /* of the first operand's dtype */
    uint8_t n_nodes;     /* core nodes without leaves and sizes */
    uint8_t root, child; /* ops; child: of one of the root's operands, 0 = any */
    uint8_t n_tags;
    uint16_t code, tags; /* where they begin */
} tdagi_skeleton;

/* Without pointers, so that nothing is relocated when the library is loaded. */
extern const tdagi_skeleton tdagi_skeletons[];
extern const uint8_t tdagi_skeleton_codes[];
extern const tdagi_tag tdagi_skeleton_tags[];
typedef struct tdagi_skeleton_rows {
    uint16_t first, end;
    uint64_t children[TDAGI_OP_CODES / 64]; /* the set of their children */
} tdagi_skeleton_rows;
extern const tdagi_skeleton_rows tdagi_skeleton_roots[];     /* [0]: no rows */
extern const uint8_t tdagi_skeleton_root_of[TDAGI_OP_CODES]; /* by op */
extern const double tdagi_skeleton_numbers[];                /* [0] is unused */

/* Core nodes that a match computes, leaves not counted; 0 for NULL. */
uint32_t tdagi_match_size(const tdagi_raiser *r, const tdagi_match *m);
/* The composite with the most nodes above `least` whose skeleton meets v and that the
 * check confirms; NULL: none. */
tdag_status tdagi_match_skeletons(tdagi_raiser *r, tdag_value v, uint32_t least,
                                  tdagi_match **out);

#endif
