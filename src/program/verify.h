/* Shared by the files that verify programs: where the verifier is and what it sees. */
#ifndef TDAGI_PROGRAM_VERIFY_H
#define TDAGI_PROGRAM_VERIFY_H

#include "program/model.h"

/* A value or symbol, as the walk goes on. */
enum { TDAGI_NOT_YET = 0, TDAGI_IN_SCOPE = 1, TDAGI_OUT_OF_SCOPE };

typedef struct tdagi_verifier {
    tdag_ctx *ctx;
    const tdag_model *model;
    const tdagi_method *method;
    tdagi_pool *pool;       /* a clone of the method's, which may grow */
    unsigned char *vars;    /* by id */
    unsigned char *symbols; /* by number */
    uint32_t *var_trail;    /* ids in the order of their definition */
    uint32_t *symbol_trail; /* numbers in the order of their binding */
    uint32_t n_var_trail, n_symbol_trail, n_symbols;
    const tdagi_statement *at;   /* NULL: the method's head */
    const tdagi_statement *last; /* of the method's body */
} tdagi_verifier;

/* Fails with a sentence that names method and statement. */
tdag_status tdagi_verify_fail(const tdagi_verifier *v, tdag_status status,
                              const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* What a value is; fails where it is not seen. */
tdag_status tdagi_verify_use(const tdagi_verifier *v, tdagi_var var,
                             const tdagi_var_info **out);
/* A value of that dtype and rank 0. */
tdag_status tdagi_verify_scalar(const tdagi_verifier *v, tdagi_var var,
                                tdag_dtype dtype, const char *what);
/* Whether a dim is a symbol that the statement at hand binds. */
bool tdagi_verify_is_bound_here(const tdagi_verifier *v, tdag_dim d);
/* Fails unless dtype and rank of a value are these. */
tdag_status tdagi_verify_form(const tdagi_verifier *v, const tdagi_var_info *is,
                              tdag_dtype dtype, uint32_t rank, const char *what);

/* The rules of the statements that use graphs, state and operators
 * (verify_statement.c); inputs are in scope, symbols of bindings are bound, results are
 * not yet defined. */
tdag_status tdagi_verify_call(tdagi_verifier *v);
tdag_status tdagi_verify_leaf_statement(tdagi_verifier *v);

#endif
