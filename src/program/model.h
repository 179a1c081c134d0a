/* Models inside the library: named graphs, state, and methods that use both. Weights
 * are tensors of the graphs, shared by reference. A model of one graph is one method
 * `forward` whose program is one call and a return: a straight-line model. */
#ifndef TDAGI_MODEL_H
#define TDAGI_MODEL_H

#include <tdagger/model.h>

#include "program/program.h"

typedef struct tdagi_named_graph {
    const char *name;
    tdag_graph *graph;
} tdagi_named_graph;

/* A tensor that lives between calls. */
typedef struct tdagi_state {
    const char *name;
    tdag_tensor *initial;       /* its dtype and sizes are the state's */
    const char *const *symbols; /* by axis: the symbol of a size that may change, NULL
                                   where it is fixed */
} tdagi_state;

/* What a file says of a model beside what it computes. */
typedef struct tdagi_note {
    const char *key, *value;
    uint32_t i; /* in the order in which they were given */
} tdagi_note;

struct tdag_model {
    atomic_uint refs;
    tdag_allocator allocator;
    tdagi_arena arena; /* names */
    tdagi_named_graph *graphs;
    tdagi_state *states;
    tdagi_method **methods;
    uint32_t n_graphs, n_states, n_methods;
    const tdagi_note *metadata; /* sorted by key, each once */
    uint32_t n_metadata;
};

/* Elements of an array that grows to hold n: what graphs, states and methods have. */
static inline size_t tdagi_model_capacity(uint32_t n)
{
    size_t capacity = n == 0 ? 0 : 1;
    while (capacity < n)
        capacity *= 2;
    return capacity;
}

tdag_model *tdagi_model_copy(const tdag_model *model); /* one reference more */
/* Same graphs, states and methods in the same order; metadata does not count. */
bool tdagi_model_equal(const tdag_model *a, const tdag_model *b);
/* Of a model that nobody else has yet: its metadata, in any order; of equal keys the
 * first counts. E_NOMEM. */
tdag_status tdagi_model_set_metadata(tdag_ctx *ctx, tdag_model *m, uint32_t n,
                                     const tdagi_note *entries);
/* The same: that of another one. */
tdag_status tdagi_model_keep_metadata(tdag_ctx *ctx, const tdag_model *from,
                                      tdag_model *made);
/* NULL if there is none. */
const tdagi_method *tdagi_model_method(const tdag_model *model, const char *name);
/* Checks every rule of programs; the sentence names method, statement and rule. The
 * graphs are taken to be right (tdag_verify). */
tdag_status tdagi_model_verify(tdag_ctx *ctx, const tdag_model *model);
/* The same; where a rule is broken, also the method and the number of the statement in
 * the order of the text, from 1 (0: it is the method's head). */
tdag_status tdagi_model_verify_where(tdag_ctx *ctx, const tdag_model *model,
                                     const tdagi_method **method_out,
                                     uint32_t *statement_out);

/* The number of a statement in the order of the text, from 1; 0: it is not there. */
uint32_t tdagi_statement_number(const tdagi_method *m, const tdagi_statement *s);

/* ---- straight-line models ---- */
/* As tdag_model_create, with structures (one more reference each); NULL: flat. */
tdag_status tdagi_model_create(tdag_ctx *ctx, const tdag_graph *graph,
                               const tdagi_structure *inputs,
                               const tdagi_structure *outputs, tdag_model **out);
/* The same of what a builder has, which is finished. */
tdag_status tdagi_model_of_builder(tdag_ctx *ctx, tdag_builder *b,
                                   const tdagi_structure *inputs,
                                   const tdagi_structure *outputs, tdag_model **out);
/* The graph of a straight-line model, lent: what those start with who know graphs only.
 * Errors: E_ARG (NULL), E_UNSUPPORTED (a program of more than one call). */
tdag_status tdagi_model_straight(tdag_ctx *ctx, const tdag_model *model,
                                 const tdag_graph **out);
/* A straight-line model with another graph, of as many inputs and outputs: what those
 * end with. */
tdag_status tdagi_model_with_graph(tdag_ctx *ctx, const tdag_model *model,
                                   const tdag_graph *graph, tdag_model **out);

/* What a transform of graphs is for models: the graph is another, the structures stay.
 * `arguments` are the transform's own. */
typedef tdag_status tdagi_transform(tdag_ctx *ctx, const tdag_graph *graph,
                                    const void *arguments, tdag_graph **out);
tdag_status tdagi_model_transform(tdag_ctx *ctx, const tdag_model *model,
                                  tdagi_transform *transform, const void *arguments,
                                  tdag_model **out);

/* Whether "NAME=VALUE" texts say nothing else than the structure of the inputs, as far
 * as it names arguments. Errors: E_ARG, E_FORMAT (a text that is no value), E_NOMEM. */
tdag_status tdagi_model_check_values(tdag_ctx *ctx, const tdag_model *model,
                                     const char *const *values, uint32_t n_values);

/* The method that a model has for those who name none: forward, or the first. */
const tdagi_method *tdagi_model_forward(const tdag_model *model);
/* Its structures; lent. */
const tdagi_structure *tdagi_model_inputs(const tdag_model *model);
const tdagi_structure *tdagi_model_outputs(const tdag_model *model);

/* A graph's input as a reader is told of it (input_spec.c); names are lent. False: a
 * dim is an expression. */
bool tdagi_input_spec_of(const tdag_graph *g, uint32_t i, tdag_input_spec *out);
/* The same of a type. */
bool tdagi_input_spec_of_type(const tdagi_pool *pool, tdag_dtype dtype, uint32_t rank,
                              const tdag_dim *shape, tdag_input_spec *out);

#endif
