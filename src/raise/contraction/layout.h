/* Laying values out: an arrangement of axes, and the views that lead to another one. */
#ifndef TDAGI_LAYOUT_H
#define TDAGI_LAYOUT_H

#include "raise/contraction/contraction.h"

#define TDAGI_WINDOW                                                                   \
    TDAGI_MOST_ATOMS /* TDAGI_WINDOW + axis: the window axis of a level */

typedef struct tdagi_run {
    uint32_t n;
    uint8_t atoms[2 * TDAGI_MOST_TERMS];
} tdagi_run;

typedef struct tdagi_plan {
    uint32_t rank;
    tdagi_run axis[2 * TDAG_MAX_RANK];
} tdagi_plan;

void tdagi_run_push(tdagi_run *to, uint8_t atom);
bool tdagi_plan_equal(const tdagi_plan *a, const tdagi_plan *b);
/* True where `b` comes right after `a` within one axis. */
bool tdagi_plan_follows(const tdagi_plan *p, uint8_t a, uint8_t b);
bool tdagi_plan_contains(const tdagi_plan *p, uint8_t atom);
/* The axes of a level as runs; the axes in `windows` (a mask) as themselves. False
 * where another axis is not dense. */
bool tdagi_plan_read(const tdagi_level *level, uint32_t windows, tdagi_plan *out);
/* Adds the views from one arrangement of v to another to the scratch builder. */
tdag_value tdagi_lay_out(tdagi_raiser *r, tdag_value v, const tdagi_plan *from,
                         const tdagi_plan *to);
/* The chain of views from scratch value `first` to `last`, as views of the result. */
tdag_status tdagi_copy_views(tdagi_raiser *r, uint32_t first, uint32_t last,
                             uint32_t *n, const tdagi_view **out);

/* ---- a composite of laid-out operands ---- */
typedef struct tdagi_arrangement {
    tdagi_candidate c;         /* levels, composite, spec */
    tdagi_plan from[2], to[2]; /* of the operands */
    tdagi_plan result, target; /* of the composite, and of the result's level */
} tdagi_arrangement;

/* The shallowest level of an operand that is dense and unguarded, or one that is `want`
 * already (NULL: none is). */
bool tdagi_pick_level(const tdagi_maps *m, uint32_t side, const tdagi_plan *want,
                      uint32_t *out);
/* Builds it; *out stays NULL where it does not fit. */
tdag_status tdagi_accept_arrangement(tdagi_raiser *r, const tdagi_arrangement *a,
                                     tdagi_match **out);

#endif
