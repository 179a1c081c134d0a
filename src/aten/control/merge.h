/* Values that data decides: what a branch gives, and what a loop carries. Tensors and
 * numbers become results of a statement; what is the same on both sides stays as it is;
 * all else is an issue. */
#ifndef TDAGI_MERGE_H
#define TDAGI_MERGE_H

#include <stddef.h>

#include "aten/cell.h"
#include "aten/control/journal.h"
#include "program/outline/outline.h"

/* A value that a statement or block gives: an input of the graph that is being built.
 */
tdag_value tdagi_given(tdagi_env *env, tdag_dtype dtype, uint32_t rank,
                       const tdag_dim *shape);
/* A new symbol, called after what binds it ("loop", "if", ...). */
tdag_dim tdagi_new_symbol(tdagi_env *env, const char *prefix, int64_t sample);
/* 'i', 'f', 'b' of a number, 's' of a string; 0: it is neither. */
char tdagi_number_letter(tdagi_any v);
/* A number as a rank-0 tensor of the dtype that Python computes in: f64, i64, bool; a
 * string as the number that stands for it. */
tdagi_any tdagi_number_data(tdagi_env *env, tdagi_any v);
/* A variable that nothing was assigned to yet; it may become anything. */
tdagi_any tdagi_unset(void);
bool tdagi_is_unset(tdagi_any v);

/* ---- the two arms of an if ---- */
/* What a tensor was behind an arm that wrote it, which is undone. */
typedef struct tdagi_told {
    struct tdagi_told *next;
    const tdagi_cell *t;
    tdag_value v;
} tdagi_told;

typedef struct tdagi_arms {
    tdagi_env *env;
    const tdagi_told *told[2];
    uint32_t n_symbols; /* that there were before the if */
    uint32_t n, capacity;
    tdag_value *yields[2];
    tdag_value *results;
    tdagi_outline_binding *bindings;
    tdag_dim *joined; /* by binding: the two sizes */
    uint32_t n_bindings;
} tdagi_arms;

/* What stands for the two values behind the if. */
tdagi_any tdagi_merge(tdagi_arms *arms, tdagi_any yes, tdagi_any no);

/* ---- what a loop carries ---- */
/* A tensor or number of a carried value. What is known of it is found out by trying,
 * and outlives a try. */
typedef struct tdagi_carried {
    bool is_changed;  /* the body gives another one, a known number or tensor: else it
                         is the same inside, which may be written in place */
    bool is_optional; /* None that may become something: its parts, the next leaves */
    bool is_stack;    /* a list whose length the body changes: rows, the next leaf */
    tdagi_any list;   /* ... with rows, as it comes in */
    uint32_t span;    /* of any other list: leaves of its items, which come next */
    uint32_t varies;  /* by axis: its size changes, and is a symbol of the body */
    uint32_t alone;   /* by axis: its symbol is no other's */
    tdag_dim symbols[TDAG_MAX_RANK];
    tdag_dim comes_in[TDAG_MAX_RANK], becomes[TDAG_MAX_RANK]; /* where it varies: the
                       size before, and behind the first try's body */
    tdagi_any like; /* of what comes in unset: what the body makes of it; of a list
                       with rows: one that tells the type of its items; else NONE */
    tdagi_any last; /* what the body made of it, if its memory was there before */
    tdag_value entry, param, yield, result; /* of this try; id 0: it is not carried */
} tdagi_carried;

typedef struct tdagi_carrying {
    tdagi_env *env;
    uint32_t n_symbols;    /* that there were before the loop */
    uint32_t born;         /* the environment's epoch before it */
    tdag_dim trips;        /* how many there are; TDAGI_DIM_BAD: a run tells */
    tdagi_carried *leaves; /* in the order of the walk */
    uint32_t n, capacity;
    uint32_t at;                     /* while values are walked */
    bool has_changed;                /* what is known of a leaf: another try is due */
    tdagi_outline_binding *bindings; /* of the results */
    uint32_t n_bindings;
} tdagi_carrying;

/* What the body sees of a value that comes in as v. */
tdagi_any tdagi_carry_in(tdagi_carrying *c, tdagi_any v);
/* The body turns it, which came in as v, into `next`. */
void tdagi_carry_on(tdagi_carrying *c, tdagi_any v, tdagi_any next);
/* What stands for it behind the loop. */
tdagi_any tdagi_carry_out(tdagi_carrying *c, tdagi_any v);

/* One member of all leaves that are carried; how many there are. */
uint32_t tdagi_carry_collect(const tdagi_carrying *c, tdag_value *out, size_t offset);
#define TDAGI_COLLECT(c, out, member)                                                  \
    tdagi_carry_collect(c, out, offsetof(tdagi_carried, member))
/* The symbols of the body. */
void tdagi_carry_symbols(tdagi_carrying *c, tdagi_outline_block *block);

#endif
