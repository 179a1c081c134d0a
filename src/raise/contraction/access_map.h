/* Access maps: the index of every axis as an affine expression of loop variables.
 *
 * A loop variable (atom) has a known extent > 1 at the samples. Movement ops rewrite
 * the expressions on the way down (pull) or up (push); dividing an expression with
 * remainder is proved from the extents, splitting an atom in two where that is what it
 * takes. What was computed before a split is brought up to date by tdagi_resolve(). */
#ifndef TDAGI_ACCESS_MAP_H
#define TDAGI_ACCESS_MAP_H

#include "raise/raiser.h"

#define TDAGI_MOST_ATOMS  64
#define TDAGI_MOST_TERMS  12
#define TDAGI_MOST_GUARDS 16
#define TDAGI_MOST_LEVELS 24

/* c + the sum of k[i] * atom[i]; no k is 0. */
typedef struct tdagi_expr {
    int64_t c;
    int64_t k[TDAGI_MOST_TERMS];
    uint32_t n;
    uint8_t atom[TDAGI_MOST_TERMS];
} tdagi_expr;

typedef struct tdagi_space {
    uint32_t n;
    int64_t extent[TDAGI_MOST_ATOMS];
    bool split[TDAGI_MOST_ATOMS]; /* replaced by subst */
    tdagi_expr subst[TDAGI_MOST_ATOMS];
    bool bad; /* a number or a list outgrew its room: believe nothing */
} tdagi_space;

/* An index outside 0 <= e < size reads the padding value instead of the operand. */
typedef struct tdagi_guard {
    tdagi_expr e;
    int64_t size;
    double value;
    tdag_value pad; /* the node, and the axis of it */
    uint32_t axis;
} tdagi_guard;

typedef struct tdagi_guards {
    uint32_t n;
    tdagi_guard g[TDAGI_MOST_GUARDS];
} tdagi_guards;

/* An axis as a row-major run of whole atoms, where it is one. */
typedef struct tdagi_axis {
    bool dense; /* atoms[0..n) from the outermost, their product is the dim */
    uint32_t n; /* a dense axis of dim 1 has none */
    uint8_t atoms[TDAGI_MOST_TERMS];
    uint64_t mask; /* of all atoms in the expression, dense or not */
    int64_t dim;   /* at the samples */
} tdagi_axis;

/* One value on the way, and where the loops read it. */
typedef struct tdagi_level {
    tdag_value value;
    uint32_t rank;
    uint32_t n_guards; /* guards met before (above) this value */
    uint64_t mask;     /* of all atoms */
    tdagi_expr index[TDAG_MAX_RANK];
    tdagi_axis axis[TDAG_MAX_RANK];
} tdagi_level;

/* A new loop variable as an expression; the constant 0 for extent 1. */
tdagi_expr tdagi_atom(tdagi_space *s, int64_t extent);
tdagi_expr tdagi_resolve(tdagi_space *s, const tdagi_expr *e);
/* a + m*b */
tdagi_expr tdagi_expr_add(tdagi_space *s, const tdagi_expr *a, const tdagi_expr *b,
                          int64_t m);
bool tdagi_expr_equal(const tdagi_expr *a, const tdagi_expr *b); /* of resolved ones */
uint64_t tdagi_expr_mask(const tdagi_expr *e);
/* The coefficient of an atom, 0 = absent. */
int64_t tdagi_expr_factor(const tdagi_expr *e, uint32_t atom);
void tdagi_expr_bounds(tdagi_space *s, const tdagi_expr *e, int64_t *lo, int64_t *hi);
/* e = b*q + r with 0 <= r < b; false where that cannot be proved. */
bool tdagi_expr_divide(tdagi_space *s, const tdagi_expr *e, int64_t b, tdagi_expr *q,
                       tdagi_expr *r);

/* From the index into the movement node `v` to the index into its input; guards may be
 * NULL: then padding refuses. False where it is not affine. */
bool tdagi_pull(const tdagi_raiser *r, tdagi_space *s, tdag_value v,
                const tdagi_expr *index, tdagi_expr *out, tdagi_guards *guards);
/* From the index into v's input to the index into v, for views that lose nothing:
 * permute, group, ungroup, squeeze, unsqueeze. */
bool tdagi_push(const tdagi_raiser *r, tdagi_space *s, tdag_value v,
                const tdagi_expr *index, tdagi_expr *out);
/* The levels from `from` (whose index is levels[0].index) down through movement.
 * Returns how many. */
uint32_t tdagi_trace(const tdagi_raiser *r, tdagi_space *s, tdag_value from,
                     tdagi_level *levels, tdagi_guards *guards);
/* Brings a level up to date and fills its axes and masks. */
void tdagi_level_settle(const tdagi_raiser *r, tdagi_space *s, tdagi_level *level);
/* Drops the guards that always hold and resolves the others; n_guards of levels stay.
 */
bool tdagi_guard_holds(tdagi_space *s, tdagi_guard *guard);

#endif
