/* Calls of operators as lines of cases.golden, which cases.py describes. */
#ifndef TEST_ATEN_CASE_H
#define TEST_ATEN_CASE_H

#include <math.h>

#include "support/test.h"

#include "aten/aten.h"
#include "base/tensor.h"

#define CASE_MOST_ARGS 40

/* How a tensor is given to a row. */
typedef enum case_way {
    CASE_AS_DATA,    /* all are inputs of the graph */
    CASE_AS_KNOWN,   /* those of rank 0 are known numbers */
    CASE_AS_SYMBOLS, /* inputs whose dims are symbols, one for each number above 1 */
} case_way;

typedef struct case_value {
    char kind; /* 'n'one, 'b'ool, 'i'nt, 'f'loat, 's'tring, '@' device, 't'ensor, '['
                  list,
                  '(' tuple, '{' dict with keys and values in turn */
    bool b;
    int64_t i;
    double f;
    char *s;
    tdag_tensor *tensor;
    uint32_t n;
    struct case_value *items;
} case_value;

typedef struct case_call {
    char *name, *overload; /* "aten::add", "Tensor" */
    char *call;            /* the line up to the arrow */
    uint32_t n_args;
    case_value args[CASE_MOST_ARGS];
    char *refusal; /* instead of a result; or NULL */
    case_value result;
    uint32_t n_written;
    uint32_t written[4]; /* these arguments, and what they hold then */
    case_value after[4];
} case_call;

/* Fails the test where the line is no call. */
void case_read(tdag_ctx *ctx, const char *line, case_call *out);
void case_free(case_call *c);

/* What a call works in: an environment, and the tensors of the inputs it made. */
typedef struct case_world {
    tdag_ctx *ctx;
    tdagi_env env;
    uint32_t n;
    tdag_tensor *inputs[64];
} case_world;

tdagi_any case_any(case_world *w, const case_value *v, case_way way);
/* The schema of the call, in either line. */
bool case_schema(case_world *w, const case_call *c, tdagi_schema *out);

#endif
