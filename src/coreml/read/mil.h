/* What operators mean (mil.def), for who has named operands: of operations of ML
 * programs, or of anything else that is described in the same words, as the layers of
 * the older format.
 *
 * To run an operator, or a formula of one's own:
 *
 *     tdagi_cml_room room = {.opset = 5};      one for all calls of an environment
 *     tdagi_cml_call c;
 *     tdagi_cml_begin(&c, env, &room, "softmax");
 *     tdagi_cml_set(&c, "x", x);               the arena's or constant names
 *     tdagi_cml_set(&c, "axis", tdagi_any_int(env, -1));
 *     tdagi_any y = tdagi_cml_meaning(&c, tdagi_cml_row_of("softmax"));
 * or  tdagi_any y = tdagi_cml_eval(&c, "softmax(x, axis, None)");
 *
 * Operands that were not set have the row's defaults; one that the row does not name is
 * an issue. The result is a tensor, a number, or a list or tuple of those; POISON with
 * an issue noted or a failure in env->status.
 *
 * A formula is `name = expression; ... expression`. An expression is a call, NAME(args,
 * NAME=arg, ...), of an ATen operator or of one of the helpers in formula.c, a name
 * that was set, a number, 'text', True, False, None, a list in brackets, or one of
 * these with [integer] behind it. `if(condition, a, b)` evaluates one of the two. Of an
 * operator's overloads the first is taken that the arguments fit; a parameter's type
 * says whether its argument is passed as a tensor or as what is known of it. */
#ifndef TDAGI_COREML_READ_MIL_H
#define TDAGI_COREML_READ_MIL_H

#include "aten/env.h"

enum { TDAGI_MIL_NAMES = 64 };

typedef struct tdagi_cml_room {
    tdagi_table schemas; /* by the operator's name */
    uint32_t opset;      /* 5 for CoreML5 */
    bool is_own;         /* the file was written here */
} tdagi_cml_room;

typedef struct tdagi_cml_call {
    tdagi_env *env;
    tdagi_cml_room *room;
    const char *what; /* the operator, for sentences */
    uint32_t n;
    struct {
        const char *name;
        uint32_t length;
        tdagi_any is;
    } set[TDAGI_MIL_NAMES];
} tdagi_cml_call;

typedef struct tdagi_cml_row {
    const char *name, *operands;
    const char *formula; /* or NULL: */
    tdagi_any (*by)(tdagi_cml_call *c);
    const char *why; /* it is refused; else NULL */
} tdagi_cml_row;

/* NULL: no such operator. */
const tdagi_cml_row *tdagi_cml_row_of(const char *name);
const tdagi_cml_row *tdagi_cml_row_at(uint32_t i); /* NULL behind the last */
/* Whether the operand takes several values. */
bool tdagi_cml_is_tuple(const tdagi_cml_row *row, const char *operand);

void tdagi_cml_begin(tdagi_cml_call *c, tdagi_env *env, tdagi_cml_room *room,
                     const char *what);
/* Sets a name, or sets it anew. */
void tdagi_cml_set(tdagi_cml_call *c, const char *name, tdagi_any v);
/* The value of a name; NONE: it has none. */
tdagi_any tdagi_cml_at(const tdagi_cml_call *c, const char *name);
tdagi_any tdagi_cml_meaning(tdagi_cml_call *c, const tdagi_cml_row *row);
tdagi_any tdagi_cml_eval(tdagi_cml_call *c, const char *formula);

/* ---- for functions of rows ---- */
#define MIL_BY(name, operands, function)                                               \
    tdagi_any tdagi_cml_##function(tdagi_cml_call *c);
#include "coreml/read/mil.def"

static inline bool tdagi_cml_has(const tdagi_cml_call *c, const char *name)
{
    return tdagi_cml_at(c, name).kind != TDAGI_ANY_NONE;
}
/* Sets a name to what a formula gives. */
void tdagi_cml_let(tdagi_cml_call *c, const char *name, const char *formula);
/* What is known of an operand, or an issue where it is not, and `otherwise`. */
int64_t tdagi_cml_int(tdagi_cml_call *c, const char *name, int64_t otherwise);
double tdagi_cml_float(tdagi_cml_call *c, const char *name, double otherwise);
bool tdagi_cml_bool(tdagi_cml_call *c, const char *name);
bool tdagi_cml_is(tdagi_cml_call *c, const char *name, const char *text);
/* Known sizes or numbers: dims of the pool; none where the operand is None. */
tdag_list tdagi_cml_dims(tdagi_cml_call *c, const char *name);
tdag_list tdagi_cml_ints(tdagi_cml_call *c, const char *name);
/* Sets a name to a list of dims or of numbers. */
void tdagi_cml_set_dims(tdagi_cml_call *c, const char *name, uint32_t n,
                        const int64_t *v);
void tdagi_cml_set_int(tdagi_cml_call *c, const char *name, int64_t i);
/* A tensor operand as a value; TDAG_NO_VALUE with an issue where it is none. */
tdag_value tdagi_cml_tensor(tdagi_cml_call *c, const char *name);
/* The tensor of an operand that is a leaf, or NULL; whether all its bits are 0. */
const tdag_tensor *tdagi_cml_leaf(tdagi_cml_call *c, const char *name);
bool tdagi_cml_is_zero(tdagi_cml_call *c, const char *name);
/* Whether it is zeroes that a converter made; here none are, so they are the model's.
 */
bool tdagi_cml_is_no_bias(tdagi_cml_call *c, const char *name);
tdagi_any tdagi_cml_of(tdagi_cml_call *c, tdag_value v);
uint32_t tdagi_cml_rank(tdagi_cml_call *c, const char *name);
tdag_dim tdagi_cml_dim(tdagi_cml_call *c, const char *name, uint32_t axis);
/* An axis made non-negative. */
uint32_t tdagi_cml_axis(tdagi_cml_call *c, const char *name, uint32_t rank);
/* Notes why the operator is refused; POISON. */
tdagi_any tdagi_cml_refuse(tdagi_cml_call *c, const char *why);
/* Converts to a parameter's type, as TorchScript writes it; false: it does not fit. */
bool tdagi_cml_fit(tdagi_env *env, tdagi_any v, const char *type, tdagi_any *out);

#endif
