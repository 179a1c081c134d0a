/* Archives of torch.export that tests make by hand: records of text in a zip file in
 * memory, and programs of a few nodes around what a case says. */
#ifndef TDAG_TEST_PT2_MADE_H
#define TDAG_TEST_PT2_MADE_H

#include <stdarg.h>
#include <stddef.h>

#include <tdagger/open.h>

typedef struct made_record {
    const char *name, *text; /* size 0: as long as its text is */
    size_t size;
} made_record;

typedef struct made_archive {
    unsigned char *bytes; /* to be freed by free() */
    size_t size;
} made_archive;

/* Stored records, named as they are. */
made_archive made_zip(const made_record *records, uint32_t n);

/* What differs between the programs of tests; NULL: as in the plain program, of the
 * inputs x: f32[s0=3,4] and i: i64[3], which returns y, x + x, and has the number n, 3
 * or s0. */
typedef struct made_program {
    const char *nodes;    /* JSON, separated by commas */
    const char *values;   /* more of tensor_values, each beginning with a comma */
    const char *numbers;  /* all of sym_int_values */
    const char *outputs;  /* of the graph */
    const char *specs;    /* of the outputs */
    const char *inputs;   /* of the graph, behind those of the plain program */
    const char *in_specs; /* of these */
    const char *calls;    /* module_call_graph */
    const char *ranges;   /* range_constraints */
    const char *weights;  /* "config" of the weights */
    const char *version;  /* schema_version */
} made_program;

made_archive made_pt2(const made_program *p);
/* With another record. */
made_archive made_pt2_with(const made_program *p, const made_record *more);
/* A JSON text of a tensor's type: "f32" or "i64" and sizes as they are spelled. */
#define MADE_META(dtype, sizes, strides)                                               \
    "{\"dtype\":" dtype ",\"sizes\":[" sizes "],\"strides\":[" strides                 \
    "],\"storage_offset\":{\"as_int\":0},\"requires_grad\":false,"                     \
    "\"device\":{\"type\":\"cpu\",\"index\":null},\"layout\":7}"
#define MADE_N                                                                         \
    "{\"as_expr\":{\"expr_str\":\"Symbol('s0', positive=True, integer=True)\","        \
    "\"hint\":{\"as_int\":3}}}"
#define MADE_INT(n) "{\"as_int\":" #n "}"

/* Reads it, with flags of tdag_open_options. */
tdag_status made_read(tdag_ctx *ctx, const made_archive *a, uint32_t flags,
                      tdag_model **out);

#endif
