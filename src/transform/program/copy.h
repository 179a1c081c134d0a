/* Copying programs: what transforms of programs are made of.
 *
 * A copier walks the methods of a finished model in the order of the text and builds
 * those of another. It knows, for each old value and each old symbol, what stands for
 * it in the new method; a transform looks at a statement first and may drop it, copy it
 * several times, or map what it gives to something else. Types follow: they are made
 * anew by what symbols have become. Errors stick in the builder. */
#ifndef TDAGI_PROGRAM_COPY_H
#define TDAGI_PROGRAM_COPY_H

#include "program/build.h"

/* What calls of a graph become. */
typedef struct tdagi_graph_form {
    const tdag_graph *graph;            /* is called instead; symbols by their names */
    const unsigned char *takes, *gives; /* by input and output: whether it has it */
} tdagi_graph_form;

/* A call of a graph, which has one reference more then. */
typedef struct tdagi_new_call {
    const char *name; /* of the graph, if it is new */
    const tdag_graph *graph;
    const tdag_dim *sizes; /* by symbol, in the new method; NULL: as inputs and names
                              tell */
    const tdagi_var *inputs;
    uint32_t n_bindings;
    tdagi_binding *bindings; /* `of`: the graph's symbol; UINT32_MAX: it has none */
    tdagi_var *results;      /* out */
} tdagi_new_call;

typedef struct tdagi_copier {
    tdag_ctx *ctx;
    const tdag_model *model; /* the old one */
    tdagi_model_builder b;
    tdagi_arena arena;     /* scratch, until the copy is done */
    const tdagi_method *m; /* the old method at hand */
    tdagi_pool *pool;      /* a clone of its pool */
    tdagi_var *var_of;     /* by old id: the new value; 0: none yet */
    tdag_dim *dim_of;      /* by old symbol: a dim of the new method; BAD: none yet */
    const unsigned char *live; /* by old id: results of ifs and what loops carry are
                                  left out where it is 0; NULL: all stay */
    const tdagi_state *states; /* instead of the model's; NULL: those */
    uint32_t drops_state; /* this one less 1 is left out; 0: none is. Who sets it does
                             its reads and writes */
    /* By number: methods and states that stay; NULL: all. */
    const unsigned char *keeps, *keeps_states;
    tdag_dim gone; /* a symbol of the new method: axes of that size are left out, and so
                      are bindings of old symbols that it stands for; 0: none is */
    tdag_dim
        added; /* a symbol of the new method: the first axis of values that have it */
    const unsigned char *has_added; /* by old id; NULL: none has */
    tdagi_structure *inputs; /* of the method at hand, if they are others than the old
                                one's; the copier frees it */
    const tdagi_graph_form *forms; /* by number of the graph; NULL: all stay */
    uint32_t n_renamed;
    void *self;
    /* Does a statement in its own way; false: it is copied. NULL: all are copied. */
    bool (*statement)(struct tdagi_copier *c, const tdagi_statement *s);
    /* Before a call is copied: may give it another graph, of the same inputs and
     * results, and other sizes; what is returned is freed after it. NULL: nothing to
     * do. */
    tdag_graph *(*graph)(struct tdagi_copier *c, const tdagi_statement *s,
                         tdagi_new_call *call);
    /* Called when a method begins, by its number: symbols of its own that it gives a
     * dim to are that; whether an input is left out. NULL: nothing to do. */
    void (*symbols)(struct tdagi_copier *c, uint32_t number);
    bool (*input)(struct tdagi_copier *c, uint32_t i);
    /* Called when a method's inputs are there, and where a statement's block begins and
     * ends. NULL: nothing to do. */
    void (*method)(struct tdagi_copier *c);
    void (*block)(struct tdagi_copier *c, const tdagi_statement *s, uint32_t i,
                  bool begins);
} tdagi_copier;

/* The model's copy, verified. States, methods and their structures stay; graphs are
 * those that are called. */
tdag_status tdagi_copy_model(tdagi_copier *c, tdag_ctx *ctx, const tdag_model *model,
                             tdag_model **out);

/* ---- for transforms ---- */
static inline bool tdagi_copier_ok(const tdagi_copier *c)
{
    return c->b.status == TDAG_OK;
}
/* Zeroed scratch memory; NULL, and the failure is kept, when out of memory. */
void *tdagi_copier_take(tdagi_copier *c, size_t n, size_t size);
tdag_dim tdagi_copier_dim(tdagi_copier *c, tdag_dim d);
/* Type of a new value, and the type that an old one has in the new method. */
void tdagi_copier_type(const tdagi_copier *c, tdagi_var v, tdagi_type *out);
void tdagi_copier_old_type(tdagi_copier *c, tdagi_var old, tdagi_type *out);
/* The number of a symbol of the old method; UINT32_MAX for another dim. */
uint32_t tdagi_copier_symbol(const tdagi_copier *c, tdag_dim d);
/* A new symbol for an old one, of its name if that is free. */
tdag_dim tdagi_copier_bind(tdagi_copier *c, tdag_dim old);
/* Old values stand for new ones; symbols that are sizes of `old` alone and are not
 * known yet become the sizes of the new one. */
void tdagi_copier_map(tdagi_copier *c, tdagi_var old, tdagi_var is);
/* New values of old ones, in scratch memory. */
tdagi_var *tdagi_copier_vars(tdagi_copier *c, const tdagi_var *old, uint32_t n);
void tdagi_copy_statement(tdagi_copier *c, const tdagi_statement *s);
void tdagi_copy_statements(tdagi_copier *c, const tdagi_block *block);
/* By symbol of the graph that a call calls: the size, in `pool`, the method's or a
 * clone. E_NOMEM. */
tdag_status tdagi_call_sizes(tdag_ctx *ctx, const tdag_model *model,
                             const tdagi_method *m, const tdagi_statement *call,
                             tdagi_pool *pool, tdag_dim *sizes);
/* The same in c->pool; scratch memory. */
tdag_dim *tdagi_copier_sizes(tdagi_copier *c, const tdagi_statement *call);

/* By symbol of a graph that stands for the called one, or a part of it, the size in the
 * new method. */
tdag_dim *tdagi_copier_new_sizes(tdagi_copier *c, const tdagi_statement *call,
                                 const tdag_graph *g);
/* The sizes that are given to it, their symbols bound. */
tdagi_binding *tdagi_copier_bindings(tdagi_copier *c, const tdagi_statement *call,
                                     const tdag_graph *g);
/* `of` of bindings: the graph's symbols of the names that theirs have. */
void tdagi_bind_sizes(const tdagi_copier *c, const tdag_graph *g, uint32_t n,
                      tdagi_binding *bindings);
/* New values stand for old ones, under their names. */
void tdagi_copier_name(tdagi_copier *c, const tdagi_var *old, const tdagi_var *is,
                       uint32_t n);

/* The graph with its symbols replaced by dims of the new method. */
tdag_status tdagi_graph_at(tdagi_copier *c, const tdag_graph *g, const tdag_dim *sizes,
                           tdag_graph **out);

/* A call of a graph, which has one reference more then. */

/* Where sizes are others than inputs and names tell, the graph is taken at these. */
void tdagi_copier_call(tdagi_copier *c, const tdagi_new_call *call);

/* Finishes and frees a builder, and calls the graph, of one output. */
tdagi_var tdagi_copier_call_made(tdagi_copier *c, tdag_builder *b, const char *name,
                                 const tdagi_var *inputs);
/* A rank-0 i64, by a call of a graph of that name. */
tdagi_var tdagi_copier_number(tdagi_copier *c, const char *name, int64_t value);

/* Whether a statement, or one inside, does more than give its results: writes, draws,
 * checks, and operators that may. */
bool tdagi_has_effects(const tdagi_statement *s);

#endif
