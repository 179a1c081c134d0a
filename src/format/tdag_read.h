/* Shared by the files that read the JSON of a .tdag file. */
#ifndef TDAGI_TDAG_READ_H
#define TDAGI_TDAG_READ_H

#include "format/json_read.h"
#include "format/tdag.h"
#include "program/build.h"

typedef struct tdagi_tdag_reader {
    tdag_ctx *ctx;
    tdagi_arena *arena;
    const tdag_named_tensors *tensors;
    uint32_t *by_name;   /* the tensors' positions, sorted by name */
    unsigned char *used; /* by position */
    tdag_builder *b;
    tdagi_pool *pool; /* of the method at hand; NULL: dims are those of the builder */
    const char **scopes;
    uint32_t n_scopes;
    uint64_t repeated;  /* bytes of constants of one repeated value, so far */
    tdag_value *inputs; /* scratch for one node's operands */
    uint32_t inputs_capacity;
} tdagi_tdag_reader;

/* A graph's object, with all checks; the builder is left empty. name_out: of version 2,
 * where a graph has a name; NULL: it has none. */
tdag_status tdagi_tdag_read_graph(tdagi_tdag_reader *rd, tdagi_json_reader *r,
                                  const char **name_out, tdag_graph **out);
/* The tensor of that key, lent. */
tdag_status tdagi_tdag_find_tensor(tdagi_tdag_reader *rd, tdagi_json_reader r,
                                   const tdag_tensor **out);
/* Objects of version 2: a method and a state, added to the model. */
tdag_status tdagi_tdag_read_method(tdagi_tdag_reader *rd, tdagi_json_reader *r,
                                   tdagi_model_builder *b);
tdag_status tdagi_tdag_read_state(tdagi_tdag_reader *rd, tdagi_json_reader *r,
                                  tdagi_model_builder *b);
/* A dim: an integer, or a string with an expression. */
tdag_status tdagi_tdag_read_dim(tdagi_tdag_reader *rd, tdagi_json_reader *r,
                                tdag_dim *out);
/* The dtype of that name. */
tdag_status tdagi_tdag_read_dtype(tdagi_json_reader *r, tdag_dtype *out);
/* The object of a spec; `spec` is zeroed and has room for it. */
tdag_status tdagi_tdag_read_spec(tdagi_tdag_reader *rd, tdagi_json_reader *r,
                                 const char *op, const tdagi_field *fields, void *spec);
/* A list of numbers of values, which become ids in scratch; *n_out of them. */
tdag_status tdagi_tdag_read_values(tdagi_tdag_reader *rd, tdagi_json_reader *r,
                                   uint32_t *n_out);
/* What the builder has met, at r's place. */
tdag_status tdagi_tdag_check_builder(tdagi_tdag_reader *rd, const tdagi_json_reader *r);

#endif
