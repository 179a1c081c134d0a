/* Operators of the importer: rows of aten.def and what their functions use.
 *
 * A function reads arguments by their name in the operator's schema, so one row serves
 * all overloads. An argument that it did not read must have its default value or be
 * listed by the row as one that cannot change the result; everything else stops the
 * import, naming operator, argument and value. Reading is what declares an argument as
 * used.
 *
 * Values of arguments are never POISON here. A reader that meets a value of a wrong
 * kind notes an issue, sets c->bad and returns something harmless; builder calls on
 * TDAG_NO_VALUE do nothing. So a function may read all it needs and check c->bad once,
 * before it looks at shapes. */
#ifndef TDAGI_ATEN_H
#define TDAGI_ATEN_H

#include "aten/cell.h"
#include "aten/dtype.h"
#include "aten/env.h"
#include "aten/schema.h"
#include "derive/derive.h"

/* ---- for readers of models (call.c) ---- */
/* Runs an operator: its row on all arguments of the schema in order, those left out
 * being their defaults or None. An operator of several results gives a tuple. An
 * argument that is poison makes poison; what is not supported becomes an issue and
 * poison; failures stand in env->status. An in-place operator (or one with out=) writes
 * into the cell of its argument. */
tdagi_any tdagi_aten_call(tdagi_env *env, const tdagi_schema *schema,
                          const tdagi_any *args, uint32_t n_args);

/* The same by name; an issue where there is none. */
tdagi_any tdagi_aten_call_named(tdagi_env *env, const char *name, const char *overload,
                                uint32_t n_args, const tdagi_any *args);

/* ---- rows ---- */
typedef struct tdagi_call {
    tdagi_env *env;
    tdag_builder *b;
    const tdagi_schema *schema;
    const struct tdagi_aten_row *row;
    int data; /* the row's */
    uint32_t n;
    const tdagi_any *args;
    uint64_t read; /* bit i: argument i was read */
    bool bad;
    const struct tdagi_selection *packed; /* argument 0 is all it was packed from */
} tdagi_call;

typedef tdagi_any (*tdagi_aten_fn)(tdagi_call *c);

/* Texts are places in one block: a table of few pointers is a small one. */
typedef struct tdagi_aten_row {
    tdagi_aten_fn fn; /* NULL: a heading, whose name is a title */
    int16_t data;
    uint16_t name; /* and behind it what it may ignore */
} tdagi_aten_row;

/* "relu", "prim::max": in aten where it says no other */
const char *tdagi_aten_row_name(const tdagi_aten_row *row);
/* Names of arguments that cannot change the result. */
const char *tdagi_aten_row_ignorable(const tdagi_aten_row *row);
bool tdagi_aten_row_is_elementwise(const tdagi_aten_row *row);
/* All of aten.def, with its headings. */
const tdagi_aten_row *tdagi_aten_rows(size_t *n_out);
/* NULL: no row. */
const tdagi_aten_row *tdagi_aten_row_of(const char *name, size_t length);
/* An operator that is not imported, or not in whole, and why. */
typedef struct tdagi_aten_refused {
    const char *name, *why; /* "aten::relu" */
} tdagi_aten_refused;
const tdagi_aten_refused *tdagi_aten_refusals(size_t *n_out);
/* Why an operator or its in-place form is not imported; NULL: no reason is known. */
const char *tdagi_aten_refusal(const char *name);

#define ATEN(name, handler, data, ignorable)                                           \
    tdagi_any tdagi_aten_##handler(tdagi_call *c);
#define PAIRS(handler, way) tdagi_any tdagi_pairs_##way(tdagi_call *c);
#include "aten/aten.def"

/* ---- complex operands (rows/complex) ---- */
/* What runs instead of the row where an argument or the dtype is complex: as the row's
 * function says in aten.def, else a refusal. NULL: nothing is complex. */
tdagi_aten_fn tdagi_complex_way(tdagi_call *c);
/* A half of a value: of a real one itself and zeroes. */
tdagi_any tdagi_complex_half(tdagi_call *c, tdagi_any v, bool imaginary);

/* ---- reading arguments (aten.c) ---- */
bool tdagi_has(const tdagi_call *c, const char *name); /* in the schema and not None */
tdagi_any tdagi_arg(tdagi_call *c, const char *name);  /* None if not in the schema */
tdagi_cell *tdagi_arg_cell(tdagi_call *c, const char *name);
tdag_value tdagi_arg_tensor(tdagi_call *c, const char *name);
tdag_value tdagi_arg_optional(tdagi_call *c, const char *name); /* None: NO_VALUE */
/* A tensor, or the padded one of a nested tensor; where it is one, *there_out says
 * which elements are there (nested.c). */
tdag_value tdagi_arg_padded(tdagi_call *c, const char *name, tdag_value *there_out);
int64_t tdagi_arg_int(tdagi_call *c, const char *name, int64_t when_none);
tdag_dim tdagi_arg_dim(tdagi_call *c, const char *name, tdag_dim when_none);
double tdagi_arg_float(tdagi_call *c, const char *name, double when_none);
/* Item i of a list of floating numbers. */
double tdagi_arg_item(tdagi_call *c, const char *name, uint32_t i);
bool tdagi_arg_bool(tdagi_call *c, const char *name, bool when_none);
const char *tdagi_arg_string(tdagi_call *c, const char *name);
/* A number that data decides as a size, at most `most` (TDAGI_DIM_BAD: any), where
 * there can be statements; any other value as what is known of it. */
tdagi_any tdagi_as_size(tdagi_call *c, tdagi_any v, tdag_dim most);
/* Lists of numbers; a single number is a list of one. n 0 for None. */
tdag_list tdagi_arg_dims(tdagi_call *c, const char *name);
tdag_list tdagi_arg_ints(tdagi_call *c, const char *name); /* constants only */
/* Lengths or sizes, a list or a tensor that is known; false: it is not. */
bool tdagi_arg_known_lengths(tdagi_call *c, const char *name, tdag_list *out);
/* The same; false: an issue, c->bad. */
bool tdagi_arg_lengths(tdagi_call *c, const char *name, tdag_list *out);
/* As many as `want`: one number serves all, none gives `when_empty` for each. */
tdag_list tdagi_arg_spatial(tdagi_call *c, const char *name, uint32_t want,
                            int64_t when_empty);
/* Axes made non-negative for that rank (rank 0 counts as 1). */
uint32_t tdagi_arg_axis(tdagi_call *c, const char *name, uint32_t rank);
/* Ascending and distinct; None or an empty list gives all axes. */
tdag_list tdagi_arg_axes(tdagi_call *c, const char *name, uint32_t rank);
tdag_list tdagi_arg_tensors(tdagi_call *c, const char *name, const tdag_value **out);
/* The same with their common dtype and room for as many values; NULL: refused. */
tdag_value *tdagi_arg_promoted(tdagi_call *c, const char *name, tdag_list *n_out,
                               const tdag_value **out, tdag_dtype *dtype_out);
/* DTYPE_NONE for None. */
tdag_dtype tdagi_arg_dtype(tdagi_call *c, const char *name);
void tdagi_ignore(tdagi_call *c, const char *name); /* it changes nothing here */
/* For a function that ends in another one: the argument is that value from now on. */
void tdagi_replace_arg(tdagi_call *c, const char *name, tdagi_any by);
/* Notes an argument value that is not supported. */
tdagi_any tdagi_refuse(tdagi_call *c, const char *name);
/* The same of an operator of floats that PyTorch also has for integers. */
tdagi_any tdagi_refuse_integers(tdagi_call *c);
/* Fails the import with a sentence. */
tdagi_any tdagi_call_fail(tdagi_call *c, tdag_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- results ---- */
tdagi_any tdagi_result(tdagi_call *c, tdag_value v); /* fresh memory */
/* A nested tensor where `there` is a value. */
tdagi_any tdagi_padded_result(tdagi_call *c, tdag_value x, tdag_value there);
tdagi_any tdagi_results(tdagi_call *c, uint32_t n, const tdag_value *v); /* a tuple */
/* n results and as many more as the operator has, of which the same is true. */
tdagi_any tdagi_first_results(tdagi_call *c, uint32_t n, const tdag_value *v);
/* A result and as many more as the operator has, which are not computed: an issue where
 * something uses one. */
tdagi_any tdagi_first_result(tdagi_call *c, tdagi_any first);
tdagi_any tdagi_view(tdagi_call *c, tdagi_cell *of, const tdagi_view_step *view);
tdagi_any tdagi_same(tdagi_cell *t); /* the very same tensor */

/* x with elements dropped as in training, each with the probability p (random.c). */
tdag_value tdagi_dropped(tdagi_call *c, tdag_value x, double p);

/* ---- types of values ---- */
static inline uint32_t tdagi_rank(const tdagi_call *c, tdag_value v)
{
    return tdag_builder_get_rank(c->b, v);
}
/* Never NULL: it may be copied from where the rank is 0. */
static inline const tdag_dim *tdagi_shape(const tdagi_call *c, tdag_value v)
{
    static const tdag_dim none[1];
    const tdag_dim *shape = tdag_builder_get_shape(c->b, v);
    return shape == NULL ? none : shape;
}
static inline tdag_dtype tdagi_dtype(const tdagi_call *c, tdag_value v)
{
    return tdag_builder_get_dtype(c->b, v);
}
/* Dims of axes; 1 for axes beyond the rank of a bad value. */
tdag_dim tdagi_dim(const tdagi_call *c, tdag_value v, uint32_t axis);
bool tdagi_same_shape(const tdagi_call *c, tdag_value v, uint32_t rank,
                      const tdag_dim *shape);
/* A list of n equal numbers, in the arena. */
tdag_list tdagi_list_of(tdagi_call *c, uint32_t n, int64_t each);
tdag_list tdagi_list_copy(tdagi_call *c, uint32_t n, const int64_t *v);

/* ---- types of results (aten_promote.c) ---- */
tdag_dtype tdagi_promote(tdag_dtype a, tdag_dtype b);
/* PyTorch's result type of tensors and numbers. */
tdag_dtype tdagi_result_type(tdagi_call *c, uint32_t n, const tdagi_any *v);
/* A tensor or number as a value of that dtype. */
tdag_value tdagi_as(tdagi_call *c, tdagi_any v, tdag_dtype dtype);
/* x, or x as f32 where it is no float. */
tdag_value tdagi_as_float(tdagi_call *c, tdag_value x);
/* A DATA number or a known number as a rank-0 tensor of its own dtype. */
tdagi_any tdagi_number_tensor(tdagi_env *env, tdagi_any v);

/* ---- dims that are to be equal (aten_match.c) ---- */
/* v with the dim of an axis assumed to be `want`, which it is at the samples: an error
 * where it is not when the graph runs. */
tdag_value tdagi_with_dim(tdagi_env *env, tdag_value v, uint32_t axis, tdag_dim want);
tdag_value tdagi_assume_dim(tdag_builder *b, tdag_value v, uint32_t axis,
                            tdag_dim want);
/* v with the dim of an axis made a number, where a run finds it: the run checks that.
 */
tdag_value tdagi_fixed_dim(tdagi_call *c, tdag_value v, uint32_t axis, int64_t want);
/* The dims of v, counted from the last one, made those of shape where a run finds one
 * of the two; of a dim of 1 nothing is asked. */
void tdagi_match_shape(tdagi_call *c, tdag_value *v, uint32_t rank,
                       const tdag_dim *shape);
/* Where the dims of two axes are equal at the samples, but different expressions, one
 * of which never exceeds the other: makes them the same, at sizes where they are. */
void tdagi_match_dims(tdagi_call *c, tdag_value *x, uint32_t x_axis, tdag_value *y,
                      uint32_t y_axis);
/* The same for operands that will be broadcast against each other. */
void tdagi_match_broadcast(tdagi_call *c, uint32_t n, tdag_value *v);
/* The same for operands of one rank that must agree but for one axis. */
void tdagi_match_all_but(tdagi_call *c, uint32_t n, tdag_value *v, uint32_t axis);

/* ---- known numbers (aten_number.c) ---- */
typedef enum tdagi_fold_op {
    TDAGI_FOLD_ADD,
    TDAGI_FOLD_SUB,
    TDAGI_FOLD_MUL,
    TDAGI_FOLD_DIV,      /* true division */
    TDAGI_FOLD_FLOORDIV, /* towards minus infinity */
    TDAGI_FOLD_TRUNCDIV, /* towards zero */
    TDAGI_FOLD_MOD,      /* of floor division */
    TDAGI_FOLD_FMOD,     /* of truncating division */
    TDAGI_FOLD_POW,
    TDAGI_FOLD_MIN,
    TDAGI_FOLD_MAX,
    TDAGI_FOLD_LT,
    TDAGI_FOLD_LE,
    TDAGI_FOLD_GT,
    TDAGI_FOLD_GE,
    TDAGI_FOLD_EQ,
    TDAGI_FOLD_NE,
    TDAGI_FOLD_AND,
    TDAGI_FOLD_OR,
    TDAGI_FOLD_XOR,
    TDAGI_FOLD_FUNCTION, /* the operator that b, a text, names */
} tdagi_fold_op;
/* A truth that symbols decide, or a float that they make: op of two numbers. A run
 * computes it, where there can be a program (env->outline). */
typedef struct tdagi_how {
    tdagi_fold_op op;
    tdagi_any a, b;
} tdagi_how;
/* The value of one, for env->computed. */
tdag_value tdagi_computed(tdagi_env *env, uint32_t how, tdag_dtype as);
/* False: it cannot be done on known numbers (then nothing was reported). */
bool tdagi_fold(tdagi_env *env, tdagi_fold_op op, tdagi_any a, tdagi_any b,
                tdagi_any *out);

/* An issue: the result of the call is other at other sizes. */
tdagi_any tdagi_refuse_open(tdagi_call *c);
/* A function of one number by the operator's name; as above. */
bool tdagi_fold_unary(tdagi_call *c, tdagi_any v, tdagi_any *out);
/* The same as the operator on Python numbers; an issue where it cannot be done. */
tdagi_any tdagi_number_unary(tdagi_call *c, tdagi_any v);

/* ---- lists (rows/python/) ---- */
tdagi_any tdagi_list_concat(tdagi_call *c, tdagi_any a, tdagi_any b);
tdagi_any tdagi_list_times(tdagi_call *c, tdagi_any a, int64_t n);
tdagi_any tdagi_list_slice(tdagi_call *c); /* l[start:end:step] of list or string */
/* True and the result if argument 0 is a list of known numbers. */
bool tdagi_list_reduce(tdagi_call *c, tdagi_fold_op op, tdagi_any *out);

/* ---- used across families ---- */
/* y = f(x) of an elementwise binary of tensors or numbers with promotion. */
tdagi_any tdagi_binary(tdagi_call *c, tdagi_fold_op op, tdagi_any x, tdagi_any y);
/* The same of two truths, AND or OR, of which either may be decided. */
tdagi_any tdagi_both(tdagi_call *c, tdagi_fold_op op, tdagi_any x, tdagi_any y);
/* Whether both are the same, lists item by item: a bool, or what a run tells. */
tdagi_any tdagi_equality(tdagi_call *c, tdagi_any x, tdagi_any y);
/* and, or, xor of integers of one dtype, bit by bit; known: y is a number. False: no
 * number, or one of too many runs of bits (bits.c). */
tdag_value tdagi_bitwise(tdagi_call *c, tdagi_fold_op op, tdag_value x, tdag_value y);
bool tdagi_bitwise_known(tdagi_call *c, tdagi_fold_op op, tdag_value x, tdagi_any y,
                         tdag_value *out);
/* A known result as a rank-0 tensor; false where the number does not fit the dtype. */
bool tdagi_known_result(tdagi_call *c, tdagi_any v, tdag_dtype dtype, tdagi_any *out);
/* A result of numbers that depend on data is such a number again. */
tdagi_any tdagi_as_number(tdagi_call *c, tdagi_any x, tdagi_any y, tdagi_any out);
/* Another view of the whole tensor; a known number as it is. */
tdagi_any tdagi_alias(tdagi_call *c, tdagi_cell *t);
/* Indices made non-negative for an axis of that extent. */
tdag_value tdagi_wrap_index(tdagi_call *c, tdag_value index, tdag_dim n);
/* How many elements of a row of `sorted` [batch..., n] are below v [batch..., m], or,
 * on the right, not above it. A NaN as v is above all. */
tdag_value tdagi_search(tdagi_call *c, tdag_value sorted, tdag_value v, bool right);
/* A constant of n i64 numbers. */
tdag_value tdagi_positions(tdagi_call *c, int64_t n, const int64_t *v);
/* A Python bound of a slice: from the end where negative, then within 0..n. */
tdag_dim tdagi_slice_bound(tdagi_call *c, tdag_dim d, tdag_dim n);
/* Rank + axis for negative ones; fails on the call where it is out of range. */
uint32_t tdagi_wrap_axis(tdagi_call *c, int64_t axis, uint32_t rank);

#endif
