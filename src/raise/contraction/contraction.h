/* Contractions: sums over products of two operands, found by their access maps.
 *
 * maps.c follows a reduce sum down to its multiply and on through the movement of both
 * operands, and up through the views that only it feeds. Every value on these three
 * ways is a level: a place where the composite could take its operand or leave its
 * result. classify.c says, for a choice of three levels, which composite with which
 * attributes computes just that. contraction.c chooses. */
#ifndef TDAGI_CONTRACTION_H
#define TDAGI_CONTRACTION_H

#include "raise/contraction/access_map.h"
#include "raise/match.h"

#define TDAGI_MOST_SPATIAL  3
#define TDAGI_MOST_UP       8
#define TDAGI_MOST_INTERIOR 16

typedef struct tdagi_maps {
    tdagi_space space;
    uint64_t loops;      /* all atoms */
    uint64_t reduced;    /* those that are summed over */
    tdag_value multiply; /* where the operands meet */
    uint32_t n_interior; /* from the reduce to the multiply */
    tdag_value interior[TDAGI_MOST_INTERIOR];
    uint32_t n_up;
    tdagi_level up[TDAGI_MOST_UP];
    uint32_t n_down[2];
    tdagi_level down[2][TDAGI_MOST_LEVELS];
    tdagi_guards guards[2];
    bool holds[2][TDAGI_MOST_GUARDS]; /* the guard is always true */
} tdagi_maps;

/* Fills r->maps from the reduce sum v; false where v is no contraction. */
tdag_status tdagi_maps_read(tdagi_raiser *r, tdag_value v, bool *ok);
void tdagi_maps_close(tdagi_raiser *r);

/* A choice of levels and what it would be. */
typedef struct tdagi_candidate {
    uint32_t up;       /* the result's level */
    uint32_t first;    /* which of the two operands comes first, 0 or 1 */
    uint32_t level[2]; /* of the first and the second operand */
    tdagi_composite composite;
    int lead; /* of a convolution's guess (match.h) */
    union {
        tdagi_conv_spec conv;
        tdagi_einsum_spec einsum;
    } spec;
    int64_t stride[TDAGI_MOST_SPATIAL], dilation[TDAGI_MOST_SPATIAL];
    tdag_dim before[TDAGI_MOST_SPATIAL], after[TDAGI_MOST_SPATIAL];
    char equation[3 * TDAG_MAX_RANK + 8];
} tdagi_candidate;

/* True where the levels of `c` are, as they stand, its composite; fills the spec. */
bool tdagi_classify(tdagi_raiser *r, tdagi_candidate *c);
/* Zero padding that `axis` of operand `side`'s level absorbs, as dims: what the pads on
 * the way say where that adds up to `before`, else what the maps need. */
bool tdagi_read_padding(tdagi_raiser *r, uint32_t side, const tdagi_level *x,
                        uint32_t axis, int64_t before, tdag_dim *before_out,
                        tdag_dim *after_out);
/* True where the guards above the level are zero padding around axes not in `but` (a
 * mask of axes), or none. */
bool tdagi_guards_are_padding(const tdagi_maps *m, uint32_t side, const tdagi_level *x,
                              uint32_t but);
/* Without a spec: NULL. */
const void *tdagi_candidate_spec(const tdagi_candidate *c);

#define TDAGI_MOST_COVERS (TDAGI_MOST_UP + TDAGI_MOST_INTERIOR + 2 * TDAGI_MOST_LEVELS)
/* The values between the levels; returns how many. */
uint32_t tdagi_candidate_covered(const tdagi_maps *m, const tdagi_candidate *c,
                                 tdag_value *covered);

/* For an exporter: no einsum of the sum, *m, where frameworks are faster without it. */
tdag_status tdagi_leave_apart(tdagi_raiser *r, tdag_value sum, tdagi_match **m);
/* All contractions of the graph; r->contractions is indexed by the result's id. */
tdag_status tdagi_find_contractions(tdagi_raiser *r);
/* A transposed convolution whose sum over channels is `sum`. */
tdag_status tdagi_find_transposed(tdagi_raiser *r, tdag_value sum, tdagi_match **out);
/* Extends a contraction by the add that alone reads it, where that is a bias. */
tdag_status tdagi_take_bias(tdagi_raiser *r, const tdagi_match *m);

#endif
