/* The schema of an operator: what its arguments are called, what they are when nobody
 * gives them, and how many results there are. A schema and all it points to may be
 * constant data: nothing in it belongs to a builder. */
#ifndef TDAGI_ATEN_SCHEMA_H
#define TDAGI_ATEN_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include "aten/value.h"

typedef enum tdagi_default_kind {
    TDAGI_DEFAULT_ABSENT = 0, /* the argument must be given */
    TDAGI_DEFAULT_NONE,
    TDAGI_DEFAULT_INT,   /* i; dtypes, layouts and memory formats by PyTorch's number */
    TDAGI_DEFAULT_FLOAT, /* f */
    TDAGI_DEFAULT_BOOL,  /* i: 0 or 1 */
    TDAGI_DEFAULT_STRING, /* s */
    TDAGI_DEFAULT_LIST,   /* n items */
    TDAGI_DEFAULT_OTHER,  /* there is one, of a kind that no row knows */
} tdagi_default_kind;

typedef struct tdagi_default {
    uint8_t kind; /* tdagi_default_kind */
    uint32_t n;
    int64_t i;
    double f;
    const char *s;
    const struct tdagi_default *items;
} tdagi_default;

typedef struct tdagi_parameter {
    const char *name;
    const char
        *type; /* as TorchScript writes it: "Tensor", "List[int]", "Optional[int]" */
    tdagi_default by_default;
    bool keyword_only;
    bool is_written; /* a Tensor(a!): the operator writes into it */
} tdagi_parameter;

typedef struct tdagi_schema {
    const char *name;     /* "aten::add" */
    const char *overload; /* "Tensor", or "" */
    uint32_t n_args, n_results;
    const tdagi_parameter *args;
    bool is_vararg; /* takes more than args says: nothing is checked */
    /* Set by tdagi_schema_bind(), which the call does itself where it was not done. */
    bool is_bound;
    bool in_place_of_row;             /* the row is of the operator without its '_' */
    const struct tdagi_aten_row *row; /* NULL: unknown operator */
} tdagi_schema;

/* Finds the row. One of `relu` serves `relu_`, which writes argument 0, and one of
 * `__and__` serves `__iand__`. */
void tdagi_schema_bind(tdagi_schema *s);
/* The same where the row of its name is known; NULL: it has none. */
void tdagi_schema_bind_to(tdagi_schema *s, const struct tdagi_aten_row *row);
/* The operator that "aten::relu_" or "aten::__iand__" is in place. False: it is none.
 */
enum { TDAGI_PURE_NAME = 64 };
bool tdagi_schema_pure(const char *name, char out[TDAGI_PURE_NAME]);
/* "aten::add.Tensor", in the arena */
const char *tdagi_schema_name(struct tdagi_env *env, const tdagi_schema *s);
/* False: there is none. */
bool tdagi_default_get(struct tdagi_env *env, const tdagi_default *d, tdagi_any *out);

/* ---- the table of schemas (schemas/schemas.c) ---- */
/* What PyTorch registers for the operators with a row, known without it. The lines of
 * PyTorch that have a schema are bits. */
enum { TDAGI_PYTORCH_1_13 = 1, TDAGI_PYTORCH_2_13 = 2 };

/* Overload i of "aten::add" in the order in which overloads are tried, in memory of the
 * arena; lines_out says who has it. False: there are no more, or no memory. */
bool tdagi_schemas_get(struct tdagi_env *env, const char *name, uint32_t i,
                       tdagi_schema *out, unsigned *lines_out);
/* All overloads of "aten::add" in that order; *n_out 0: there is
 * no such operator. NULL then, or where there is no memory. */
const tdagi_schema *tdagi_schemas_list(struct tdagi_env *env, const char *name,
                                       uint32_t *n_out);
/* The overload of that name in one of these lines. */
bool tdagi_schemas_find(struct tdagi_env *env, const char *name, const char *overload,
                        unsigned lines, tdagi_schema *out);

#endif
