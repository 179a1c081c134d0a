/* Models with programs (docs/programs.md): building them, reading them, their text.
 *
 * A model has named graphs, states and methods; a method is a program of statements
 * over values, which are tensors. All of it is immutable once made and shared by
 * reference: what readers return lives as long as the model. */
#ifndef TDAGGER_PROGRAM_H
#define TDAGGER_PROGRAM_H

#include <tdagger/model.h>

TDAG_BEGIN_DECLS

/* A value of one method, a tensor. Ids count from 1 in the order of the text; 0 is
 * none.
 */
typedef struct tdag_var {
    uint32_t id;
} tdag_var;
#define TDAG_NO_VAR ((tdag_var){0})
/* Values that a call takes. */
typedef struct tdag_vars {
    uint32_t n;
    const tdag_var *v;
} tdag_vars;

/* What a value is; dims are of the method, integers >= 0 or expressions. */
typedef struct tdag_var_type {
    tdag_dtype dtype;
    uint32_t rank;
    const tdag_dim *shape;
} tdag_var_type;
typedef struct tdag_var_types {
    uint32_t n;
    const tdag_var_type *v;
} tdag_var_types;
#define TDAG_NO_DIM   INT64_MIN
#define TDAG_NO_INDEX UINT32_MAX

/* Numbers are ABI: append only. */
typedef enum tdag_statement_kind {
    TDAG_STATEMENT_NONE = 0,
    TDAG_STATEMENT_CALL = 1,  /* results = graph(inputs) */
    TDAG_STATEMENT_IF = 2,    /* inputs: a condition; blocks: then, else */
    TDAG_STATEMENT_LOOP = 3,  /* inputs: [limit] [condition] carried ...; one block */
    TDAG_STATEMENT_READ = 4,  /* result = the state as it is */
    TDAG_STATEMENT_WRITE = 5, /* the state = input */
    TDAG_STATEMENT_DRAW = 6,  /* result = random numbers */
    TDAG_STATEMENT_APPLY = 7, /* results = an operator whose sizes depend on data */
    TDAG_STATEMENT_CHECK = 8, /* ends the run with a sentence if the input is false */
    TDAG_STATEMENT_RETURN = 9,
} tdag_statement_kind;

typedef enum tdag_draw_kind {
    TDAG_DRAW_NORMAL = 0,
    TDAG_DRAW_UNIFORM = 1,
    TDAG_DRAW_BERNOULLI = 2,   /* inputs: p */
    TDAG_DRAW_INTEGERS = 3,    /* inputs: from, to (not included) */
    TDAG_DRAW_PERMUTATION = 4, /* inputs: n */
} tdag_draw_kind;

/* ---- building ----
 * Errors stick, as those of tdag_builder: the first one is what
 * tdag_model_builder_finish() returns; calls after it do nothing and give no value.
 * NULL stands for a builder that failed with TDAG_E_ARG. Names and texts are copied. */
typedef struct tdag_model_builder tdag_model_builder;

TDAG_API TDAG_MUST_CHECK tdag_status
tdag_model_builder_create(tdag_ctx *ctx, tdag_model_builder **out);
TDAG_API void tdag_model_builder_free(tdag_model_builder *builder);
/* TDAG_OK, or the first failure. */
TDAG_API tdag_status tdag_model_builder_get_status(const tdag_model_builder *builder);
/* Verifies the model, hands it over and leaves the builder empty, to be freed. Errors:
 * what was recorded, and those of tdag_model_verify(). */
TDAG_API TDAG_MUST_CHECK tdag_status
tdag_model_builder_finish(tdag_model_builder *builder, tdag_model **out);

/* A graph or state of a new name; one reference more. They return its number.
 * symbols[axis] names a size of the state that may change, NULL is one that may not;
 * symbols NULL: none may. */
TDAG_API uint32_t tdag_model_add_graph(tdag_model_builder *builder, const char *name,
                                       const tdag_graph *graph);
TDAG_API uint32_t tdag_model_add_state(tdag_model_builder *builder, const char *name,
                                       const tdag_tensor *initial,
                                       const char *const *symbols);

/* A method: begin it, add its inputs, its statements, its return, and end it. The
 * structures are those of tdagger/model.h as text; NULL: flat. */
TDAG_API void tdag_method_begin(tdag_model_builder *builder, const char *name);
TDAG_API void tdag_method_end(tdag_model_builder *builder, const char *inputs,
                              const char *outputs);
/* A symbol of the method's sizes, with its sample. */
TDAG_API tdag_dim tdag_method_symbol(tdag_model_builder *builder, const char *name,
                                     int64_t sample);
/* A symbol that a statement finds: the first that has it as a size in the types of its
 * results binds it. most: an upper bound, TDAG_NO_DIM: none is known. A size of what a
 * loop carries, where it changes, is such a symbol, too, and the loop's own. */
TDAG_API tdag_dim tdag_method_found(tdag_model_builder *builder, const char *name,
                                    int64_t sample, tdag_dim most);
/* An expression over symbols that are declared: "4*N+1", "floor(T/2)". */
TDAG_API tdag_dim tdag_method_dim(tdag_model_builder *builder, const char *text);
/* An input; name NULL: none. */
TDAG_API tdag_var tdag_method_add_input(tdag_model_builder *builder, const char *name,
                                        const tdag_var_type *type);
/* Names a value. Where that name is seen already, it gets the first free suffix _1, ...
 * when the method ends. */
TDAG_API void tdag_method_set_name(tdag_model_builder *builder, tdag_var value,
                                   const char *name);

/* Statements. Results go to results_out, as many as there are (NULL: nobody wants
 * them). The types of a call's results follow from the graph. */
TDAG_API void tdag_program_call(tdag_model_builder *builder, uint32_t graph,
                                tdag_vars inputs, tdag_var *results_out);
/* The next call gives its graph's symbol `of` the size that value, a rank-0 i64, has;
 * the method's symbol, one of tdag_method_found(), is bound to it. */
TDAG_API void tdag_program_give(tdag_model_builder *builder, const char *of,
                                tdag_var value, tdag_dim symbol);
TDAG_API tdag_var tdag_program_read(tdag_model_builder *builder, uint32_t state,
                                    const tdag_var_type *type);
TDAG_API void tdag_program_write(tdag_model_builder *builder, uint32_t state,
                                 tdag_var value);
TDAG_API tdag_var tdag_program_draw(tdag_model_builder *builder, tdag_draw_kind kind,
                                    tdag_vars inputs, const tdag_var_type *type);
/* An operator by its name ("aten::nonzero"); arguments: its constant ones as its
 * framework writes them, "" or NULL if none. */
TDAG_API void tdag_program_apply(tdag_model_builder *builder, const char *name,
                                 const char *arguments, tdag_vars inputs,
                                 tdag_var_types types, tdag_var *results_out);
TDAG_API void tdag_program_check(tdag_model_builder *builder, tdag_var condition,
                                 const char *sentence);
TDAG_API void tdag_program_return(tdag_model_builder *builder, tdag_vars values);

/* if: what the first block yields ends it and begins the second. types: of what both
 * yield; an axis in which they differ is a symbol of tdag_method_found(). */
TDAG_API void tdag_program_begin_if(tdag_model_builder *builder, tdag_var condition);
TDAG_API void tdag_program_else(tdag_model_builder *builder, tdag_vars yields);
TDAG_API void tdag_program_end_if(tdag_model_builder *builder, tdag_vars yields,
                                  tdag_var_types types, tdag_var *results_out);
/* loop: while `condition` (TDAG_NO_VAR: none) holds and the index is below `limit`
 * (TDAG_NO_VAR: none). entries: what is carried, at first; types[i]: its type in the
 * loop, NULL: those of the entries. params_out: the index, then what is carried. */
TDAG_API void tdag_program_begin_loop(tdag_model_builder *builder, tdag_var limit,
                                      tdag_var condition, tdag_vars entries,
                                      const tdag_var_type *types, tdag_var *params_out);
/* yields: the condition if the loop has one, then what is carried. */
TDAG_API void tdag_program_end_loop(tdag_model_builder *builder, tdag_vars yields,
                                    tdag_var_types types, tdag_var *results_out);

/* ---- reading ---- */
TDAG_API uint32_t tdag_model_get_n_graphs(const tdag_model *model);
TDAG_API const char *tdag_model_get_graph_name(const tdag_model *model, uint32_t i);
TDAG_API const tdag_graph *tdag_model_get_graph_at(const tdag_model *model, uint32_t i);
TDAG_API uint32_t tdag_model_get_n_states(const tdag_model *model);
TDAG_API const char *tdag_model_get_state_name(const tdag_model *model, uint32_t i);
/* The initial value, and the symbol of an axis that may change, else NULL. */
TDAG_API const tdag_tensor *tdag_model_get_state_initial(const tdag_model *model,
                                                         uint32_t i);
TDAG_API const char *tdag_model_get_state_symbol(const tdag_model *model, uint32_t i,
                                                 uint32_t axis);
/* The number of that name; TDAG_NO_INDEX: there is none. */
TDAG_API uint32_t tdag_model_find_graph(const tdag_model *model, const char *name);
TDAG_API uint32_t tdag_model_find_state(const tdag_model *model, const char *name);

typedef struct tdag_method tdag_method;
typedef struct tdag_block tdag_block;
typedef struct tdag_statement tdag_statement;

TDAG_API uint32_t tdag_model_get_n_methods(const tdag_model *model);
TDAG_API const tdag_method *tdag_model_get_method(const tdag_model *model, uint32_t i);
/* NULL if there is none. */
TDAG_API const tdag_method *tdag_model_find_method(const tdag_model *model,
                                                   const char *name);
TDAG_API const char *tdag_method_get_name(const tdag_method *method);
TDAG_API const char *tdag_method_get_input_structure(const tdag_method *method);
TDAG_API const char *tdag_method_get_output_structure(const tdag_method *method);
/* Its parameters are the inputs, its symbols those of the method's sizes, its last
 * statement the return. */
TDAG_API const tdag_block *tdag_method_get_body(const tdag_method *method);
TDAG_API uint32_t tdag_method_get_n_vars(const tdag_method *method);
/* All zeroes for a value that the method does not have. */
TDAG_API tdag_var_type tdag_method_get_type(const tdag_method *method, tdag_var value);
/* NULL: none, it is written v<id>. */
TDAG_API const char *tdag_method_get_var_name(const tdag_method *method,
                                              tdag_var value);
/* As tdag_graph_dim_sample() and tdag_graph_dim_text(). */
TDAG_API int64_t tdag_method_dim_sample(const tdag_method *method, tdag_dim dim);
TDAG_API size_t tdag_method_dim_text(const tdag_method *method, tdag_dim dim, char *buf,
                                     size_t size);

typedef struct tdag_block_info {
    tdag_vars params; /* of a loop: the index, then what is carried */
    tdag_vars yields; /* of a loop: [condition], then what is carried */
    uint32_t n_symbols;
    const tdag_dim *symbols;     /* of a loop: sizes that change */
    const tdag_statement *first; /* NULL: it has no statement */
} tdag_block_info;
TDAG_API tdag_block_info tdag_block_get(const tdag_block *block);

typedef struct tdag_statement_info {
    tdag_statement_kind kind;
    tdag_draw_kind draw;   /* DRAW */
    bool has_limit;        /* LOOP */
    bool has_condition;    /* LOOP */
    uint32_t target;       /* CALL: the graph's number; READ, WRITE: the state's */
    const char *text;      /* APPLY: the operator; CHECK: the sentence; else NULL */
    const char *arguments; /* APPLY: its constant arguments; else NULL */
    tdag_vars inputs, results;
    uint32_t n_bindings, n_blocks;
} tdag_statement_info;
/* All zeroes for NULL. */
TDAG_API tdag_statement_info tdag_statement_get(const tdag_statement *statement);
/* The one behind it in its block; NULL: it is the last. */
TDAG_API const tdag_statement *tdag_statement_get_next(const tdag_statement *statement);
TDAG_API const tdag_block *tdag_statement_get_block(const tdag_statement *statement,
                                                    uint32_t i);

/* A symbol that a statement binds. */
typedef struct tdag_binding_info {
    tdag_dim symbol;
    tdag_dim most;  /* it is at most that; TDAG_NO_DIM: no bound is known */
    tdag_var value; /* of a call: what gives the size of the graph's symbol `of` */
    uint32_t of;
} tdag_binding_info;
TDAG_API tdag_binding_info tdag_statement_get_binding(const tdag_statement *statement,
                                                      uint32_t i);

/* ---- rules ---- */
/* Checks every rule of the model's graphs and programs anew; the sentence names the
 * method, the statement, by its number in the order of the text, and the rule; for a
 * graph its node. Errors: E_ARG, E_SHAPE, E_DTYPE, E_NOMEM. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_model_verify(tdag_ctx *ctx,
                                                       const tdag_model *model);

/* ---- text ---- */
/* The textual form of a model: of one whose program is one call of its graph, that of
 * the graph (docs/text.md); else that of graphs, state and programs (docs/programs.md).
 * *out is freed with tdag_text_free(). flags: TDAG_TEXT_FULL, as for
 * tdag_graph_print(). The model is verified first. Errors: those of the verifier, E_ARG
 * (NULL, flags), E_NOMEM. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_model_print(tdag_ctx *ctx,
                                                      const tdag_model *model,
                                                      uint32_t flags, char **out);
/* Reads either form back. Errors: E_FORMAT with the byte offset, E_UNSUPPORTED (another
 * version), and all of the builder's and the verifier's. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_model_parse(tdag_ctx *ctx, const char *text,
                                                      size_t size, tdag_model **out);

TDAG_END_DECLS

#endif
