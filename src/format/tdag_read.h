/* Shared by the files that read the JSON of a .tdag file. */
#ifndef TDAGI_TDAG_READ_H
#define TDAGI_TDAG_READ_H

#include "format/json_read.h"
#include "format/tdag.h"

typedef struct tdagi_tdag_reader {
    tdag_ctx *ctx;
    tdagi_arena *arena;
    const tdag_named_tensors *tensors;
    uint32_t *by_name;   /* the tensors' positions, sorted by name */
    unsigned char *used; /* by position */
    tdag_builder *b;
    const char **scopes;
    uint32_t n_scopes;
    uint64_t repeated;  /* bytes of constants of one repeated value, so far */
    tdag_value *inputs; /* scratch for one node's operands */
    uint32_t inputs_capacity;
} tdagi_tdag_reader;

/* A graph's object, with all checks; the builder is left empty. */
tdag_status tdagi_tdag_read_graph(tdagi_tdag_reader *rd, tdagi_json_reader *r,
                                  tdag_graph **out);
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
