/* What the two halves of folding share: fold.c, which walks the graph and finds factors
 * and terms, and absorb.c, which puts them into weights. */
#ifndef TDAGI_FOLDER_H
#define TDAGI_FOLDER_H

#include "ir/graft.h"
#include "transform/simplify/factor.h"

/* A weight is a value that depends on parameters, buffers and constants only, through
 * at most this many nodes. */
#define TDAGI_DEEPEST_WEIGHT 64
#define TDAGI_NO_WEIGHT      255

/* What is known of a value of the new graph. */
typedef struct tdagi_folded {
    uint32_t uses;    /* of the old value that it stands for */
    uint32_t cover;   /* the kernel that covers that one; 0 = none */
    uint8_t weight;   /* the depth of a weight, or TDAGI_NO_WEIGHT */
    bool after;       /* may go into the contraction before it */
    bool before;      /* may go into the contraction behind it */
    bool contracts;   /* a sum that no composite but a contraction has inside */
    bool takes_terms; /* and behind which a bias can stand */
    bool biased;      /* the contraction has a bias, which a term joins for free */
    bool made;        /* a leaf or a bias that folding made */
    bool floats;      /* a bias that belongs behind the views of its contraction */
    tdag_value leaf;  /* of a contraction that has taken a factor: its weight */
    const char *name; /* wanted; NULL = the node's own */
} tdagi_folded;

typedef struct tdagi_folder {
    tdag_ctx *ctx;
    tdag_builder *b;
    tdagi_graft graft;
    tdagi_factors factors;
    tdagi_arena arena; /* names */
    tdagi_folded *infos;
    uint32_t n_infos;
    uint32_t *uses;      /* by old id */
    tdagi_folded *facts; /* by old id: cover, after, before */
    tdag_value leaf;     /* the weight that took the last factor, for names */
    bool changed;
} tdagi_folder;

static inline const tdagi_folded *tdagi_folded_of(const tdagi_folder *f, tdag_value v)
{
    return &f->infos[v.id];
}
static inline bool tdagi_is_weight(const tdagi_folder *f, tdag_value v)
{
    return f->infos[v.id].weight != TDAGI_NO_WEIGHT;
}
/* Records what is known of a new value. */
tdag_status tdagi_folder_note(tdagi_folder *f, tdag_value v, const tdagi_folded *info);
/* A node in the place of `like`, with its scope and name. */
tdag_status tdagi_folder_add(tdagi_folder *f, tdag_value like, const tdag_value *in,
                             tdag_value *out);
/* The depth of weights that v is, beside what its operands are; TDAGI_NO_WEIGHT. */
uint8_t tdagi_folder_weight_depth(const tdagi_folder *f, tdag_value v);
/* The name that a value will have at the end, if any. */
const char *tdagi_folder_name(const tdagi_folder *f, tdag_value v);
/* From now on nodes belong to the scope of v. */
void tdagi_folder_scope(tdagi_folder *f, tdag_value v);
/* The elements of a weight; a new tensor. */
tdag_status tdagi_folder_tensor(tdagi_folder *f, tdag_value weight, tdag_tensor **out);
/* Of a binary node with one weight and one operand of the node's own shape: which
 * operand the weight is; -1 where it is no such node. */
int tdagi_folder_weight_operand(const tdagi_folder *f, tdag_value v);
void tdagi_folder_step(const tdagi_folder *f, tdag_value v, tdagi_step *step,
                       tdagi_type types[2]);

/* v*t, the factor t (of v's shape) being taken into a weight; no value where that does
 * not go. in_sum: v is summed over. */
tdag_status tdagi_absorb(tdagi_folder *f, tdag_value v, const tdag_tensor *t,
                         bool in_sum, tdag_value *out);
/* v+t as v plus a leaf, joined with a bias that folding has added before. */
tdag_status tdagi_add_bias(tdagi_folder *f, tdag_value v, const tdag_tensor *t,
                           tdag_value *out);
/* The operand of v that is a bias which folding has added; -1 if there is none. */
int tdagi_made_bias(const tdagi_folder *f, tdag_value v);
/* Neither inf nor NaN. */
bool tdagi_tensor_is_finite(const tdag_tensor *t);

#endif
