/* Building models. Errors stick, as in tdag_builder: the first one is what
 * tdagi_model_finish() returns, calls after it do nothing and give no values. */
#ifndef TDAGI_PROGRAM_BUILD_H
#define TDAGI_PROGRAM_BUILD_H

#include "program/model.h"
#include "program/name_map.h"

/* A statement or block that is open. */
typedef struct tdagi_open_statement {
    tdagi_statement *statement;
    tdagi_block blocks[2];        /* those of the statement so far */
    const tdagi_statement **link; /* where the next statement of the block goes; NULL:
                                     no block is open */
} tdagi_open_statement;

typedef struct tdagi_model_builder {
    tdag_ctx *ctx;
    tdag_status status;
    tdag_model *made;
    tdagi_method *method;         /* at hand; NULL between methods */
    const tdagi_statement **link; /* of the method's body */
    tdagi_open_statement open[TDAGI_PROGRAM_MAX_DEPTH];
    uint32_t depth;
    bool has_returned;
    tdagi_name_map graphs, states, methods; /* by name: their numbers, from 1 */
} tdagi_model_builder;

/* What a statement is made of; `next` and the results are left out, and so are blocks.
 * Arrays and texts are copied. */
typedef tdagi_statement tdagi_statement_spec;

void tdagi_model_begin(tdagi_model_builder *b, tdag_ctx *ctx);
void tdagi_model_drop(tdagi_model_builder *b); /* of one not finished */
/* Hands the model over, unless something failed; checks nothing. */
tdag_status tdagi_model_finish(tdagi_model_builder *b, tdag_model **out);

/* One more reference each; what they return is the target of statements. A graph or
 * state whose name is empty or taken is E_ARG. symbols: by axis, NULL for all fixed;
 * identifiers. */
uint32_t tdagi_model_add_graph(tdagi_model_builder *b, const char *name,
                               const tdag_graph *graph);
uint32_t tdagi_model_add_state(tdagi_model_builder *b, const char *name,
                               const tdag_tensor *initial, const char *const *symbols);

/* ---- methods ---- */
void tdagi_method_begin(tdagi_model_builder *b, const char *name);
/* Ends the method at hand; the structures get one more reference, NULL: flat. Values
 * that are seen at one place get different names: a later one a suffix, _1, _2, ...; a
 * name like an automatic one (v12) or an empty one is none. */
void tdagi_method_end(tdagi_model_builder *b, const tdagi_structure *inputs,
                      const tdagi_structure *outputs);
/* Of the method at hand, for its dims; NULL after a failure. */
tdagi_pool *tdagi_method_pool(tdagi_model_builder *b);
/* A size that the method is called with. */
void tdagi_method_symbol(tdagi_model_builder *b, tdag_dim symbol);
/* name: NULL for none. All inputs come before the first statement. */
tdagi_var tdagi_method_input(tdagi_model_builder *b, const char *name,
                             const tdagi_type *type);

/* ---- statements ---- */
/* A statement without blocks; results_out gets n_results values (NULL for none). */
void tdagi_program_add(tdagi_model_builder *b, const tdagi_statement_spec *spec,
                       uint32_t n_results, const tdagi_type *types,
                       tdagi_var *results_out);
/* One with blocks: open it, then for each block begin, statements, end, then close. */
void tdagi_program_open(tdagi_model_builder *b, const tdagi_statement_spec *spec);
void tdagi_program_begin_block(tdagi_model_builder *b, uint32_t n_params,
                               const tdagi_type *types, uint32_t n_symbols,
                               const tdag_dim *symbols, tdagi_var *params_out);
/* More symbols that the statement at hand binds, whose blocks have ended. */
void tdagi_program_bind(tdagi_model_builder *b, uint32_t n,
                        const tdagi_binding *bindings);
void tdagi_program_end_block(tdagi_model_builder *b, uint32_t n_yields,
                             const tdagi_var *yields);
void tdagi_program_close(tdagi_model_builder *b, uint32_t n_results,
                         const tdagi_type *types, tdagi_var *results_out);
/* Names a value; copied; NULL: it has none. */
void tdagi_program_name(tdagi_model_builder *b, tdagi_var v, const char *name);

#endif
