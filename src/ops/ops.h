/* What the core ops share: checks of shape rules and sums of costs. Every helper of a
 * shape rule takes the op's name, so that its sentence can start with it. */
#ifndef TDAGI_OPS_H
#define TDAGI_OPS_H

#include "ir/graph.h"

/* ---- shape rules ---- */
/* Room for a dim in a sentence; longer texts are cut. */
typedef struct tdagi_ops_text {
    char s[96];
} tdagi_ops_text;
/* The text of a dim, in `text`. */
const char *tdagi_ops_dim(const tdagi_pool *pool, tdag_dim d, tdagi_ops_text *text);

/* The list has one entry per axis of the first input. */
tdag_status tdagi_ops_check_per_axis(const tdagi_shape_call *c, const char *op,
                                     const char *field, tdag_list list);
/* Strictly ascending axes of a shape of `rank` axes. */
tdag_status tdagi_ops_check_axes(const tdagi_shape_call *c, const char *op,
                                 tdag_list axes, uint32_t rank);
tdag_status tdagi_ops_check_axis(const tdagi_shape_call *c, const char *op,
                                 int64_t axis);
/* Every dim of a list is a dim, and not negative at the samples. */
tdag_status tdagi_ops_check_dims(const tdagi_shape_call *c, const char *op,
                                 const char *field, tdag_list dims);
/* Two such lists, a dim each per axis of the first input. */
tdag_status tdagi_ops_check_ends(const tdagi_shape_call *c, const char *op,
                                 const char *low_field, tdag_list low,
                                 const char *high_field, tdag_list high);
/* `kind` is one of the reductions and fits the first input's dtype. */
tdag_status tdagi_ops_check_reduction(const tdagi_shape_call *c, const char *op,
                                      int64_t kind, bool with_mean);
tdag_status tdagi_ops_check_rank(const tdagi_shape_call *c, const char *op,
                                 uint64_t rank);
/* A value from outside is a dtype. */
bool tdagi_ops_is_dtype(int64_t dtype);
/* Equal, as far as dims can tell: the same expression, or the same number at the
 * samples where the difference holds a floor, max or min, whose normal form is not
 * unique. */
bool tdagi_ops_same_dim(tdagi_pool *pool, tdag_dim a, tdag_dim b);
/* The last step of a rule: reports what went wrong in the dim arithmetic. */
tdag_status tdagi_ops_finish(const tdagi_shape_call *c);

/* ---- costs ---- */
/* Fills all counts: reads[i] elements of input i are used; the result is written. */
void tdagi_ops_cost(const tdagi_cost_call *c, tdag_dim flops, const tdag_dim *reads);
/* a - b, and 0 where that is negative. */
tdag_dim tdagi_ops_excess(tdagi_pool *pool, tdag_dim a, tdag_dim b);
void tdagi_cost_none(const tdagi_cost_call *c);    /* leaves, opaque: nothing counts */
void tdagi_cost_move(const tdagi_cost_call *c);    /* reads its inputs, 0 FLOPs */
void tdagi_cost_part(const tdagi_cost_call *c);    /* reads what it returns, 0 FLOPs */
void tdagi_cost_element(const tdagi_cost_call *c); /* 1 FLOP per output element */

#endif
