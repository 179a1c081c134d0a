/* The source of a function turned into blocks of nodes, as PyTorch's own compiler turns
 * it: the same nodes in the same order, under the same names.
 *
 * The names are why some values are made here that nothing uses. A variable's name goes
 * to the value that it is set to, each reading of the variable makes a value that takes
 * the name over, and who loses a name is numbered: x.1, x.2. Then, in a second round,
 * branches and loops name what leaves and enters them. So names say how often a
 * variable was read, which is counted here; see names.c. */
#ifndef TDAGI_READER_LOWER_H
#define TDAGI_READER_LOWER_H

#include "torchscript/reader/session.h"

/* What an expression stands for: a value, or where `var` is NULL a path that only means
 * something when it is called or asked for more ("torch", "__torch__.a.f"). */
typedef struct tdagi_lowered {
    tdag_shim_var *var;
    bool is_passing; /* a value that only its name is about: a reading, a constant */
    bool is_named;   /* the passing value has a name already */
    const char *path;
} tdagi_lowered;

typedef struct tdagi_variable { /* of a name in a frame */
    struct tdagi_name *name;
    tdagi_lowered value;
    uint32_t frame;
    bool by_statement; /* set by a statement of the frame itself, not by a loop in it */
    struct tdagi_variable *outer, *next; /* the name's in frames around; in the frame */
} tdagi_variable;

typedef struct tdagi_name {
    const char *text;
    bool is_meaningful; /* PyTorch names no values after _0, _1 */
    tdagi_variable *top;
    tdag_shim_var *owner; /* NULL: a passing value, if the name is taken */
    bool is_taken;
    uint32_t n_lost;               /* how many lost the name */
    const tdagi_variable *left[2]; /* by branches that are being joined */
} tdagi_name;

typedef struct tdagi_lowering {
    tdag_shim_session *s;
    struct tdag_shim_graph *graph;
    const tdagi_source_function *function;
    tdag_shim_block *block;   /* where nodes go */
    tdagi_variable *bindings; /* of the frame, newest first */
    uint32_t frame;
    uint32_t depth;
    uint32_t offset; /* of the expression at hand */
    tdagi_table names;
    tdagi_table constants;               /* by their bytes */
    tdag_shim_node *hoisted;             /* constants, which stand before all nodes */
    tdag_shim_var *result;               /* NULL: not returned so far */
    const tdagi_source_function *forked; /* the last function inside of this one */
    struct tdagi_naming *later;          /* the second round, newest first */
} tdagi_lowering;

/* Everything returns false or an operand of zeroes after a failure, which stands in
 * s->status. */

/* ---- lower.c ---- */
bool tdagi_lower_statements(tdagi_lowering *l, const tdagi_source_stmt *first);
/* What a fork of the function gives, whose statements are lowered here. */
tdagi_lowered tdagi_lower_forked(tdagi_lowering *l, const tdagi_source_function *f);
bool tdagi_lower_refuse(tdagi_lowering *l, const char *what);

/* ---- control.c ---- */
bool tdagi_lower_if(tdagi_lowering *l, const tdagi_source_stmt *stmt);
bool tdagi_lower_while(tdagi_lowering *l, const tdagi_source_stmt *stmt);
bool tdagi_lower_for(tdagi_lowering *l, const tdagi_source_stmt *stmt);
tdagi_lowered tdagi_lower_ternary(tdagi_lowering *l, const tdagi_source_expr *e);

/* ---- expr.c ---- */
tdagi_lowered tdagi_lower_expr(tdagi_lowering *l, const tdagi_source_expr *e);
/* The same where a value is needed. */
tdag_shim_var *tdagi_lower_value(tdagi_lowering *l, const tdagi_source_expr *e);
tdagi_lowered tdagi_lower_constant(tdagi_lowering *l, const tdag_shim_value *v);
/* Attribute `name` of what a value stands for. */
tdagi_lowered tdagi_lower_attr(tdagi_lowering *l, tdagi_lowered of, const char *name);

/* ---- declared.c ---- */
/* The class of the archive that a value is declared as; NULL: none, or a failure. */
const tdagi_definition *tdagi_lower_class_of(tdagi_lowering *l, const tdag_shim_var *v);
/* An attribute or a method of that name. */
bool tdagi_lower_has_attr(tdagi_lowering *l, const tdagi_definition *d,
                          const char *name);

/* ---- call.c ---- */
/* A call that gives n results at once, 1 for one value. */
tdagi_lowered tdagi_lower_call(tdagi_lowering *l, const tdagi_source_expr *e,
                               uint32_t n_results);

/* ---- names.c ---- */
tdagi_name *tdagi_lower_name(tdagi_lowering *l, const char *text);
/* The value of a variable, which is read by that. */
tdagi_lowered tdagi_lower_read(tdagi_lowering *l, tdagi_name *name);
/* A passing value takes the name. */
bool tdagi_name_pass(tdagi_lowering *l, tdagi_name *name);
/* Sets a variable by a statement; by_statement false: only binds it. */
bool tdagi_lower_assign(tdagi_lowering *l, const char *text, tdagi_lowered value);
bool tdagi_lower_bind(tdagi_lowering *l, tdagi_name *name, tdagi_lowered value,
                      bool by_statement);
/* A frame around statements; closing gives its bindings. */
tdagi_variable *tdagi_lower_open(tdagi_lowering *l, tdag_shim_block *block);
tdagi_variable *tdagi_lower_close(tdagi_lowering *l, tdagi_variable *outer,
                                  tdag_shim_block *block);
/* For the second round: n passing values will take the name. */
bool tdagi_name_later(tdagi_lowering *l, tdagi_name *name, uint32_t n);
bool tdagi_name_all_later(tdagi_lowering *l);

/* ---- node.c ---- */
tdag_shim_block *tdagi_new_block(tdagi_lowering *l, uint32_t n_inputs);
tdag_shim_var *tdagi_new_var(tdagi_lowering *l, const tdag_shim_block *block,
                             const tdag_shim_node *node);
/* Not in a block so far. */
tdag_shim_node *tdagi_new_node(tdagi_lowering *l, const char *kind, uint32_t n_inputs,
                               uint32_t n_outputs);
/* A node of one result at the end of the block at hand; NULL among inputs: NULL. */
tdag_shim_node *tdagi_add_node(tdagi_lowering *l, const char *kind, uint32_t n_inputs,
                               tdag_shim_var *const *inputs);
void tdagi_append_node(tdagi_lowering *l, tdag_shim_node *node);
tdagi_lowered tdagi_operand_of(tdag_shim_node *node); /* its first result */

#endif
