/* The tables of a report: counts by operator and by module. */
#ifndef TDAGI_TABLES_H
#define TDAGI_TABLES_H

#include "analysis/price.h"

typedef struct tdagi_op_count {
    const char *op;
    tdagi_sum sum;
} tdagi_op_count;

/* A module of the tree of dotted paths; row 0 is the whole model, "". Parents come
 * before their children. Links are row numbers, 0 = none. */
typedef struct tdagi_module_count {
    const char *path;
    uint32_t parent, first_child, last_child, next_sibling;
    tdagi_sum self;     /* of nodes right in this module */
    tdagi_sum total;    /* with its submodules, once tdagi_tables_add_up() ran */
    int64_t parameters; /* elements, the same way */
} tdagi_module_count;

typedef struct tdagi_index { /* name -> row, open addressing */
    uint32_t *slots;         /* row + 1; 0 = free */
    uint32_t n_slots;        /* a power of two, or 0 */
} tdagi_index;

typedef struct tdagi_tables {
    tdag_ctx *ctx;
    tdagi_pricer *pricer;
    tdagi_arena arena; /* names */
    tdagi_op_count *ops;
    uint32_t n_ops, ops_capacity;
    tdagi_index op_index;
    tdagi_module_count *modules;
    uint32_t n_modules, modules_capacity;
    tdagi_index module_index;
    uint32_t *scope_rows; /* by scope of the graph: module row + 1; 0 = not met */
} tdagi_tables;

tdag_status tdagi_tables_init(tdagi_tables *tables, tdagi_pricer *pricer);
void tdagi_tables_free(tdagi_tables *tables);
tdag_status tdagi_tables_add(tdagi_tables *tables, const tdagi_unit *unit);
/* A tensor leaf's elements go to the module that its name begins with. */
tdag_status tdagi_tables_add_leaf(tdagi_tables *tables, tdag_value leaf,
                                  int64_t n_elements);
/* Sums submodules into their parents. */
tdag_status tdagi_tables_add_up(tdagi_tables *tables);
/* The row after `row` in the order of the tree, modules in the order they were met;
 * 0 = that was the last. */
uint32_t tdagi_tables_next_module(const tdagi_tables *tables, uint32_t row);

#endif
