/* A program as an importer finds it: statements over the values of one graph that is
 * being built, in which what statements and blocks give stands as inputs. At the end
 * the pure nodes between the statements are cut into graphs of their own: late, so that
 * what is needed between two statements is one graph, and before a loop where they do
 * not depend on it. */
#ifndef TDAGI_OUTLINE_H
#define TDAGI_OUTLINE_H

#include "program/build.h"

typedef struct tdagi_outline_statement tdagi_outline_statement;

typedef struct tdagi_outline_values {
    const tdag_value *v;
    uint32_t n;
} tdagi_outline_values;

typedef struct tdagi_outline_block {
    struct tdagi_outline_block *parent; /* NULL: of the method's body */
    tdagi_outline_statement *owner;     /* NULL likewise */
    uint32_t depth;
    bool repeats;                   /* the body of a loop */
    uint32_t number, first_segment; /* while it is cut */
    tdagi_outline_values params, yields;
    const tdag_dim *symbols;
    uint32_t n_symbols;
    tdagi_outline_statement *first, **link;
    uint32_t n; /* statements */
} tdagi_outline_block;

/* A symbol that the statement binds by its results. */
typedef struct tdagi_outline_binding {
    tdag_dim symbol, bound; /* bound: TDAGI_DIM_BAD for none */
} tdagi_outline_binding;

/* A CALL here of one input stands for a size that data decides: its input is the
 * number, its one binding the symbol that has it. One of two inputs adds the second one
 * to the first as its last row. Graphs are called where nodes are cut. */
struct tdagi_outline_statement {
    tdagi_outline_statement *next;
    tdagi_outline_block *in;
    uint32_t index;            /* in its block */
    tdagi_statement_spec what; /* but for values, bindings and blocks */
    tdagi_outline_values inputs, results;
    const tdagi_outline_binding *bindings;
    uint32_t n_bindings;
    tdagi_outline_block *blocks[2];
    uint32_t n_blocks;
};

typedef struct tdagi_outline_state {
    const char *name;
    const tdag_tensor *initial; /* lent */
    const char *const *symbols; /* by axis, or NULL */
} tdagi_outline_state;

typedef struct tdagi_outline {
    tdagi_arena *arena; /* of all of it; lent */
    tdagi_outline_block body;
    tdagi_outline_block *at; /* where the next statement goes */
    tdagi_outline_state *states;
    uint32_t n_states, states_capacity;
    uint32_t n_blocks;
    bool is_out_of_memory; /* sticks */
} tdagi_outline;

void tdagi_outline_init(tdagi_outline *o, tdagi_arena *arena);
/* The same with the inputs and symbols of a graph as those of the method. */
void tdagi_outline_begin(tdagi_outline *o, tdagi_arena *arena, const tdag_graph *g);
/* A statement of that kind at the end of the block at hand; arrays and texts of `what`
 * must live as long. NULL when out of memory. */
tdagi_outline_statement *tdagi_outline_add(tdagi_outline *o,
                                           const tdagi_statement_spec *what);
/* The same before all statements of the method. */
tdagi_outline_statement *tdagi_outline_prepend(tdagi_outline *o,
                                               const tdagi_statement_spec *what);
/* Opens the statement's next block; statements go there until it is closed. */
tdagi_outline_block *tdagi_outline_open(tdagi_outline *o, tdagi_outline_statement *s);
void tdagi_outline_close(tdagi_outline *o);
/* Forgets what was added to the block at hand since it had n statements. */
void tdagi_outline_cut_back(tdagi_outline *o, uint32_t n);
/* Forgets the last statement of the block at hand, which is s. */
void tdagi_outline_forget(tdagi_outline *o, tdagi_outline_statement *s);
/* Copies of arrays in the arena. */
tdagi_outline_values tdagi_outline_keep(tdagi_outline *o, uint32_t n,
                                        const tdag_value *v);
/* The number of a new state. */
uint32_t tdagi_outline_add_state(tdagi_outline *o, const tdagi_outline_state *state);

/* Whether there is anything but graphs. */
static inline bool tdagi_outline_is_straight(const tdagi_outline *o)
{
    return o->body.first == NULL;
}

/* Calls `visit` with each symbol that a node's type or spec has, once or more often. */
void tdagi_outline_symbols(const tdag_graph *g, const tdagi_node *n,
                           void (*visit)(void *user, uint32_t symbol), void *user);
/* Forgets what finds sizes and values that nobody needs. The method's yields are set.
 */
tdag_status tdagi_outline_drop_unused(tdag_ctx *ctx, tdagi_outline *o,
                                      const tdag_graph *g);

/* The model of one method that returns the graph's outputs. The graph's inputs are
 * those of the method, body.params, and those of statements and blocks. */
tdag_status tdagi_outline_model(tdag_ctx *ctx, tdagi_outline *o, const tdag_graph *g,
                                const char *method, const tdagi_structure *inputs,
                                const tdagi_structure *outputs, tdag_model **out);

/* The model of what the builder has, verified where there are statements; a graph alone
 * is a straight-line model. */
tdag_status tdagi_outline_finish(tdag_ctx *ctx, tdagi_outline *o, tdag_builder *b,
                                 const char *method, const tdagi_structure *inputs,
                                 const tdagi_structure *outputs, tdag_model **out);
/* The same as one more method of a model. */
tdag_status tdagi_outline_method(tdag_ctx *ctx, tdagi_outline *o, const tdag_graph *g,
                                 const char *method, const tdagi_structure *inputs,
                                 const tdagi_structure *outputs,
                                 tdagi_model_builder *b);

/* ---- append.c: the graph that adds a row to a tensor ---- */
/* t [T, ...] and v [...] give [T + 1, ...]. A list that grows is such a tensor; who
 * runs or exports a program knows the graph and need not copy the rows that are there.
 */
/* It for tensors of that type, rank >= 1, its dims of `pool`. Sizes that are no numbers
 * become symbols of the graph: one graph serves all tensors that differ by them. */
tdag_status tdagi_append_graph(tdag_ctx *ctx, const tdagi_pool *pool, tdag_dtype dtype,
                               uint32_t rank, const tdag_dim *shape, tdag_graph **out);
/* Whether it is such a graph, whatever its symbols and inputs are called. */
tdag_status tdagi_is_append(tdag_ctx *ctx, const tdag_graph *g, bool *out);

/* What a graph does with rows: also one that sets row i of them, or the i-th last one,
 * as rolled steps collect what they give: t [T, ...], v [...], i. */
typedef enum tdagi_row_way {
    TDAGI_NO_ROW,
    TDAGI_APPEND_ROW,
    TDAGI_SET_ROW,
    TDAGI_SET_ROW_BACK,
} tdagi_row_way;
tdag_status tdagi_find_row_way(tdag_ctx *ctx, const tdag_graph *g, tdagi_row_way *out);
/* The nodes of it, behind its inputs. */
tdag_value tdagi_add_row(tdag_builder *b, tdagi_row_way way, const tdag_value v[3]);

#endif
