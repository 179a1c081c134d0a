/* What a model's methods do: statements over tensors, above the pure graphs.
 *
 * A program is structured and in SSA form: each value is defined once, by a method's
 * input, a block's parameter or a statement's result, and seen by what follows in its
 * block and by the blocks inside. Everything of a method is immutable once made and
 * lives in the method's arena; dims are of the method's pool. */
#ifndef TDAGI_PROGRAM_H
#define TDAGI_PROGRAM_H

#include <stdatomic.h>

#include <tdagger/program.h>

#include "ir/graph.h"
#include "program/structure.h"

#define TDAGI_PROGRAM_MAX_DEPTH 64 /* blocks inside each other */

typedef tdag_var tdagi_var;

typedef struct tdagi_var_info {
    tdag_dtype dtype;
    uint32_t rank;
    const tdag_dim *shape;
    const char *name; /* NULL: it has none */
} tdagi_var_info;

typedef enum tdagi_statement_kind {
    TDAGI_CALL,   /* results = graph(inputs) */
    TDAGI_IF,     /* inputs: a condition; blocks: then, else; they yield the results */
    TDAGI_LOOP,   /* inputs: [limit] [condition] carried ...; one block */
    TDAGI_READ,   /* result = the state as it is */
    TDAGI_WRITE,  /* the state = input */
    TDAGI_DRAW,   /* result = random numbers */
    TDAGI_APPLY,  /* results = an operator whose sizes depend on data */
    TDAGI_CHECK,  /* ends the run with a sentence if the input is false */
    TDAGI_RETURN, /* the method's outputs; its last statement */
} tdagi_statement_kind;
#define TDAGI_N_STATEMENT_KINDS (TDAGI_RETURN + 1)

typedef enum tdagi_draw_kind {
    TDAGI_DRAW_NORMAL,
    TDAGI_DRAW_UNIFORM,
    TDAGI_DRAW_BERNOULLI,   /* inputs: p */
    TDAGI_DRAW_INTEGERS,    /* inputs: from, to (not included) */
    TDAGI_DRAW_PERMUTATION, /* inputs: n */
} tdagi_draw_kind;
#define TDAGI_N_DRAW_KINDS (TDAGI_DRAW_PERMUTATION + 1)

/* A symbol that a statement binds: a size that only a run can tell. It is seen by the
 * results and by what follows. */
typedef struct tdagi_binding {
    tdag_dim symbol; /* of the method's pool, bound nowhere else */
    tdag_dim bound;  /* it is at most that; TDAGI_DIM_BAD: no bound is known */
    tdagi_var value; /* of a call: a rank-0 i64, the size; else none */
    uint32_t of;     /* of a call: the graph's symbol that has this size */
} tdagi_binding;

typedef struct tdagi_statement tdagi_statement;

typedef struct tdagi_block {
    const tdagi_var *params; /* of a loop: the index (from 0), then what is carried */
    const tdag_dim *symbols; /* of a loop: sizes of carried values that change; bound by
                                the entry's, then by those of each yield */
    const tdagi_var *yields; /* of a loop: [condition], then what is carried */
    const tdagi_statement *first; /* NULL: none */
    uint32_t n_params, n_symbols, n_yields;
} tdagi_block;

struct tdagi_statement {
    const tdagi_statement *next; /* in its block */
    uint8_t kind;                /* tdagi_statement_kind */
    uint8_t draw;                /* DRAW: tdagi_draw_kind */
    bool has_limit;              /* LOOP: it runs while its index is below the limit */
    bool has_condition;          /* LOOP: ... and while the condition holds */
    uint32_t target;             /* CALL: the graph; READ, WRITE: the state */
    const char *text; /* APPLY: the operator ("aten::nonzero"); CHECK: a sentence */
    const char *arguments; /* APPLY: its constant arguments as its framework writes
                              them, "" if none */
    const tdagi_var *inputs, *results;
    const tdagi_binding *bindings;
    const tdagi_block *blocks;
    uint32_t n_inputs, n_results, n_bindings, n_blocks;
};

/* A program with its name, inputs and outputs. Shared by reference. */
typedef struct tdagi_method {
    atomic_uint refs;
    tdag_allocator allocator;
    tdagi_arena arena;
    tdagi_pool *pool;
    const char *name;
    tdagi_var_info *vars; /* [vars_capacity]; by id, entry 0 unused */
    uint32_t n_vars, vars_capacity;
    tdagi_block body;         /* params: the inputs; symbols: those of its sizes */
    tdagi_structure *inputs;  /* of as many tensors as there are inputs */
    tdagi_structure *outputs; /* of as many as are returned */
} tdagi_method;

tdagi_method *tdagi_method_copy(const tdagi_method *m); /* one reference more */
void tdagi_method_free(tdagi_method *m);                /* one less; NULL is fine */
bool tdagi_method_equal(const tdagi_method *a, const tdagi_method *b);

static inline const tdagi_var_info *tdagi_method_var(const tdagi_method *m, tdagi_var v)
{
    return &m->vars[v.id];
}
/* "call", "if", ...; "normal", "uniform", ... */
const char *tdagi_statement_name(uint32_t kind);
/* The statements of a block, those inside of others included. */
uint32_t tdagi_block_count(const tdagi_block *block);
const char *tdagi_draw_name(uint32_t kind);

#endif
