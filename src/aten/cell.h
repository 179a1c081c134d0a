/* Tensors as cells with views, so that in-place operators can be turned into pure ones.
 * A view is made anew from its parent when somebody wrote to the memory it shows. */
#ifndef TDAGI_ATEN_CELL_H
#define TDAGI_ATEN_CELL_H

#include "aten/env.h"

typedef enum tdagi_view_kind {
    TDAGI_VIEW_ALIAS = 0,
    TDAGI_VIEW_RESHAPE,   /* to dims */
    TDAGI_VIEW_PERMUTE,   /* by dims */
    TDAGI_VIEW_SLICE,     /* axis, start, end, step */
    TDAGI_VIEW_SELECT,    /* axis, start */
    TDAGI_VIEW_SQUEEZE,   /* axes dims */
    TDAGI_VIEW_UNSQUEEZE, /* axis */
    TDAGI_VIEW_EXPAND,    /* to dims */
    TDAGI_VIEW_NEGATIVE,  /* with the other sign: conjugates */
    TDAGI_VIEW_PAIR,      /* of a real half and `other`, the imaginary one: [..., 2] */
    TDAGI_VIEW_MADE,      /* by a function: unfold, diagonal, as_strided, ... */
} tdagi_view_kind;

/* How a view comes from its parent. */
typedef struct tdagi_view_step {
    uint8_t kind; /* tdagi_view_kind */
    uint32_t axis;
    tdag_dim start, end;
    int64_t step;
    tdag_list dims; /* in the environment's arena */
    /* Of MADE: a function of the elements that only moves them, and one more value. */
    tdag_value (*make)(tdag_builder *b, const struct tdagi_view_step *w, tdag_value x);
    tdag_value index;
    struct tdagi_cell *other;
} tdagi_view_step;

/* Without a parent it owns its memory. */
struct tdagi_cell {
    tdag_value value;    /* id 0: `known` has not been needed as data yet */
    uint32_t born;       /* the environment's epoch then */
    uint32_t writes;     /* of a root: to its memory, also through views */
    uint32_t generation; /* the root's writes when the value was made */
    tdagi_cell *parent, *root;
    tdagi_cell *children, *sibling; /* views of it, and the next one of its parent's */
    tdagi_cell **held;              /* of a view: what points at it in that list */
    tdagi_view_step view;
    const tdag_dim *strides; /* NULL: row-major */
    const tdagi_any *known;  /* the elements where they are known numbers, else NULL */
    tdag_dtype dtype;        /* of `known` */
    uint8_t known_rank;      /* 0 or 1 */
    uint32_t n_known;
    bool is_literal;  /* a rank-0 constant of the code */
    bool is_in_list;  /* an item of a list that holds values (control/stack.h) */
    bool is_leaf;     /* memory that lives between calls: parameter, buffer, constant */
    bool is_permuted; /* of a root: its elements may lie as an argument's did, whose
                         order is not row-major */
    bool was_written;
    const char *writer; /* of a leaf: the operator that wrote first, and its place */
    tdag_value first_value; /* of a leaf: what it was before the first write */
    /* Of a root: others whose memory it may be, as data decides; where it is written,
     * what they hold is not known. */
    tdagi_cell *shows[2];
    struct tdagi_seen *seen; /* ... and those that branches gave, which show it so */
    const struct tdagi_issue *spoilt; /* ... and this is why; NULL: it is known */
    tdagi_cell *imag; /* of a complex tensor's real half: the other one */
};

tdagi_cell *tdagi_cell_new(tdagi_env *env, tdag_value v); /* fresh memory */
tdagi_cell *tdagi_cell_known(tdagi_env *env, tdag_dtype dtype, tdagi_any number);
/* n known numbers; rank 1 */
tdagi_cell *tdagi_cell_known_list(tdagi_env *env, tdag_dtype dtype, uint32_t n,
                                  const tdagi_any *numbers);
/* The numbers of a small constant that may turn out to be sizes; NULL: it is none. */
tdagi_cell *tdagi_cell_of_constant(tdagi_env *env, const tdag_tensor *t);
tdagi_cell *tdagi_cell_view(tdagi_env *env, tdagi_cell *of,
                            const tdagi_view_step *view);
tdagi_cell *tdagi_cell_made(tdagi_env *env, tdagi_cell *of,
                            const tdagi_view_step *view);
/* A complex tensor of two halves, which share their memory from now on: what writes to
 * one writes to the other's memory. NULL: poison. */
tdagi_any tdagi_cell_complex(tdagi_env *env, tdagi_cell *re, tdagi_cell *im);
/* The complex tensor that pairs [..., 2] show, and the pairs of one. */
tdagi_any tdagi_cell_of_pairs(tdagi_env *env, tdagi_cell *pairs);
tdagi_cell *tdagi_cell_pairs(tdagi_env *env, tdagi_cell *re);
/* t shows from now on what its view v shows, wherever t is held; other views of t stay
 * what they are. */
void tdagi_cell_become(tdagi_env *env, tdagi_cell *t, tdagi_cell *v);
/* The value now; made anew if its memory was written. TDAG_NO_VALUE after a failure. */
tdag_value tdagi_cell_read(tdagi_env *env, tdagi_cell *t);
/* t, fresh memory, may be that of `of`, which is a tensor: what a branch chose or a
 * loop carries. */
void tdagi_cell_show(tdagi_cell *t, tdagi_cell *of);
/* `by`, which shows it so, is not known either once `of` is written. */
void tdagi_cell_seen(tdagi_env *env, tdagi_cell *of, tdagi_cell *by);
/* Replaces the elements: same shape and dtype as t. */
void tdagi_cell_write(tdagi_env *env, tdagi_cell *t, tdag_value v);
tdag_dtype tdagi_cell_dtype(tdagi_env *env, tdagi_cell *t);
uint32_t tdagi_cell_rank(tdagi_env *env, tdagi_cell *t);
tdag_dim tdagi_cell_dim(tdagi_env *env, tdagi_cell *t, uint32_t axis);
/* Known numbers are not materialised for this. */
const tdag_dim *tdagi_cell_shape(tdagi_env *env, tdagi_cell *t);
/* The number a rank-0 tensor is known to hold, or NULL. */
const tdagi_any *tdagi_cell_number(tdagi_cell *t);
/* That number for such a tensor; any other value as it is. */
tdagi_any tdagi_any_known(tdagi_any v);
/* The same, for who needs to know: also of a number that depends on weights and
 * constants alone, which is computed (constant.c). */
tdagi_any tdagi_any_evaluated(tdagi_env *env, tdagi_any v);
/* All elements of such a tensor of integers; false: they are not known. */
bool tdagi_evaluated_ints(tdagi_env *env, tdag_value v, tdag_list *out);
/* Such a tensor of any rank as lists of numbers; false: it depends on more. */
bool tdagi_any_listed(tdagi_env *env, tdagi_any v, tdagi_any *out);
bool tdagi_cell_is_contiguous(tdagi_env *env, tdagi_cell *t);
/* Whether a reshape can be a view. */
bool tdagi_cell_can_view(tdagi_env *env, tdagi_cell *t, uint32_t rank,
                         const tdag_dim *shape);

#endif
