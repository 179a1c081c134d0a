/* Counting a method: a walk over its statements that makes one row of counts for each.
 *
 * Counts are dims of a pool of the walk, a clone of the method's with more symbols: for
 * each loop the number of its trips and that of the round. What a statement binds is an
 * expression where it can be told: a size that a loop grows by a constant is a
 * polynomial of its rounds. A loop counts the sum over its rounds, in closed form; an
 * `if` the larger of its arms, counter by counter. */
#ifndef TDAGI_COUNT_WALK_H
#define TDAGI_COUNT_WALK_H

#include "analysis/price.h"
#include "base/dim/series.h"
#include "program/model.h"
#include "run/program/plan.h"

/* Of each group of columns: nodes, the counts of tdagi_sum, unpriced. */
#define TDAGI_N_COLUMNS (TDAGI_N_COUNTS + 2)

/* What the graphs of a model cost, each in its own pool. */
typedef struct tdagi_prices {
    tdag_ctx *ctx;
    const tdag_model *model;
    tdagi_pricer **pricers;       /* by graph */
    tdag_dim *peaks;              /* by graph */
    tdag_dim *counts;             /* [graph][column] */
    const uint32_t *groups_of;    /* [2] by statement, as the plan numbers them: those
                                     that one without graph counts in; NULL: in all */
    uint32_t n_columns, n_groups; /* columns: of all groups, and more of calls only */
} tdagi_prices;

typedef enum tdagi_symbol_kind {
    TDAGI_SYMBOL_SIZE,  /* of the method's inputs */
    TDAGI_SYMBOL_STATE, /* of a state when the method is called */
    TDAGI_SYMBOL_FOUND, /* that a statement finds */
    TDAGI_SYMBOL_TRIPS, /* of a loop */
    TDAGI_SYMBOL_ROUND, /* of a loop, from 0 */
} tdagi_symbol_kind;

/* A symbol that counts may have, or a size that a run finds and that counts as
 * something else. */
typedef struct tdagi_count_symbol {
    struct tdagi_count_symbol *next;
    const char *name;
    tdagi_symbol_kind kind;
    uint32_t statement; /* that binds it, from 1; 0: none */
    tdag_dim counts_as; /* the symbol itself: its sample; its bound; what --at gives */
    tdag_dim most;      /* TDAGI_DIM_BAD: no bound is known */
    bool is_given;      /* by the caller */
    bool is_open;       /* ROUND: its loop has not ended */
} tdagi_count_symbol;

typedef struct tdagi_count_row {
    const tdagi_statement *s;
    uint32_t number; /* in the order of the text, from 1 */
    uint32_t size;   /* rows: itself and those in its blocks */
    uint32_t depth, arm;
    tdag_dim trips;      /* LOOP */
    uint32_t index;      /* LOOP: the symbol of its round */
    bool from_one;       /* LOOP: the rows in it are those of round 1 and later */
    bool is_bound;       /* LOOP: at most that, as no closed form was found */
    tdagi_ratio *counts; /* [n_columns], of one execution */
} tdagi_count_row;

/* "NAME=VALUE" texts of the caller. */
typedef struct tdagi_count_at {
    const char *const *texts;
    uint32_t n;
    bool *used; /* by text; of the caller */
} tdagi_count_at;

typedef struct tdagi_walk {
    tdag_ctx *ctx;
    const tdagi_prices *prices;
    const tdag_model *model;
    const tdagi_method *method;
    tdagi_count_at at;
    tdagi_method_plan plan;
    tdagi_arena arena;
    tdagi_pool *pool;
    tdagi_count_symbol *symbols, **symbols_end;
    tdagi_count_row *rows; /* one per statement */
    tdagi_ratio *total;    /* [n_columns] */
    tdag_dim peak;         /* bytes of values; 0 unless prices has peaks */
    uint32_t n_rows, n_loops, depth;
    tdag_dim *now;    /* by symbol of the method: what it stands for */
    tdag_dim *number; /* by value: what a rank-0 integer is; BAD: not known */
    tdag_dim *bytes;  /* by value: held, and to be let go; 0 once that is done */
    uint32_t *trail;  /* values in the order of their definition */
    uint32_t n_trail, block_trail;     /* that of the block at hand begins there */
    tdag_dim (*states)[TDAG_MAX_RANK]; /* sizes; BAD: not read yet */
    bool *written;                     /* by state */
    tdag_dim live;                     /* bytes of values */
    struct tdagi_peaks *peaks;         /* of the block at hand */
} tdagi_walk;

/* Prices at all levels, and peaks. Free it whatever comes back. */
tdag_status tdagi_prices_make(tdag_ctx *ctx, const tdag_model *model,
                              tdagi_prices *out);
void tdagi_prices_free(tdagi_prices *prices);

/* Counts the method; free the walk whatever comes back. */
tdag_status tdagi_walk_method(tdag_ctx *ctx, const tdagi_prices *prices,
                              const tdagi_method *method, const tdagi_count_at *at,
                              tdagi_walk *w);
void tdagi_walk_free(tdagi_walk *w);

/* ---- parts, for the files of this folder ---- */
/* A dim of the method, whose symbols are no others, as it is now. */
static inline tdag_dim tdagi_walk_dim(tdagi_walk *w, tdag_dim d)
{
    return tdagi_dim_substitute(w->pool, w->pool, d, w->now);
}
tdag_status tdagi_walk_block(tdagi_walk *w, const tdagi_block *block, uint32_t at,
                             tdagi_ratio *total);
/* The sizes of the graph's symbols at a call, by symbol; then its counts. */
tdag_status tdagi_walk_call(tdagi_walk *w, const tdagi_statement *s,
                            tdagi_count_row *row);
tdag_status tdagi_walk_loop(tdagi_walk *w, const tdagi_statement *s,
                            tdagi_count_row *row);
/* A new symbol of that name, or of one with a suffix, where the caller gives no size of
 * that name. A round's may be that of another loop that has ended. */
tdag_status tdagi_walk_symbol(tdagi_walk *w, tdagi_symbol_kind kind, const char *name,
                              int64_t sample, uint32_t statement,
                              tdagi_count_symbol **out);
/* What a symbol of the method is from here on, in this order: what the caller gives,
 * `known` where that is not BAD, its bound `most` if a statement finds it, itself. */
tdag_status tdagi_walk_bind(tdagi_walk *w, tdag_dim symbol, tdag_dim known,
                            tdag_dim most, tdagi_symbol_kind kind, uint32_t statement);
/* The trips of the loop at hand, number w->n_loops: what the caller gives for
 * trip_loop<n>, `known` where that is not BAD, else that symbol. */
tdag_status tdagi_walk_trips(tdagi_walk *w, tdag_dim known, tdag_dim most,
                             tdagi_count_row *row);
uint32_t tdagi_walk_number(const tdagi_pool *pool, tdag_dim symbol);
/* Values are there, and held, from here on. */
void tdagi_walk_define(tdagi_walk *w, const tdagi_var *vars, uint32_t n);
/* One of them is not held any more. */
void tdagi_walk_let_go(tdagi_walk *w, uint32_t id);
/* Those that were defined since are gone. */
void tdagi_walk_end(tdagi_walk *w, uint32_t n_trail);
tdag_dim tdagi_walk_elements(tdagi_walk *w, tdagi_var v);
tdag_dim tdagi_walk_bytes(tdagi_walk *w, tdagi_var v);
/* What is held beside state that was not written. */
tdag_dim tdagi_walk_held(tdagi_walk *w);

#endif
