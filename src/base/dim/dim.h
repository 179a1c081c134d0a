/* Symbolic dims: hash-consed, normalised integer expressions over named symbols.
 *
 * A tdag_dim >= 0 is that integer. A negative one, -(i+1), is entry i of a pool: a
 * negative integer, a symbol, a polynomial over atoms, or an atom floor(a/b), max(a,b),
 * min(a,b). Everything made here is in normal form, so equal polynomials (and equal
 * atoms) are the same number; == on dims of one pool is equality of expressions.
 * Symbols stand for integers >= 0.
 *
 * Normal form: polynomials are expanded sums of integer * product of atom powers,
 * sorted; floor(a/b): terms of a that b divides exactly are moved out, a polynomial
 * divided by a polynomial that divides it exactly is the quotient, common integer
 * factors cancel; max/min: constants fold, equal sides collapse, nested ones flatten,
 * sides sorted, and a side that exceeds the other by a non-negative constant wins.
 *
 * Errors stick: the functions return TDAGI_DIM_BAD and the pool keeps the first status
 * (E_OVERFLOW, E_NOMEM, E_ARG for division by zero); BAD in is BAD out. */
#ifndef TDAGI_DIM_H
#define TDAGI_DIM_H

#include <stdbool.h>

#include <tdagger/ops.h>

#include "base/ctx.h"

typedef struct tdagi_pool tdagi_pool;
#define TDAGI_DIM_BAD INT64_MIN

/* The pool keeps the allocator, not the context. NULL when out of memory. */
tdagi_pool *tdagi_pool_create(const tdag_allocator *allocator);
tdagi_pool *tdagi_pool_clone(const tdagi_pool *pool); /* same dims mean the same */
void tdagi_pool_free(tdagi_pool *pool);
tdag_status tdagi_pool_status(const tdagi_pool *pool);
/* Reports the stuck status on ctx, with a sentence; TDAG_OK if there is none. */
tdag_status tdagi_pool_report(tdag_ctx *ctx, const tdagi_pool *pool);
void tdagi_pool_clear_status(tdagi_pool *pool);

/* Whether a symbol may have that name. */
bool tdagi_is_identifier(const char *name);
/* Declares or finds a symbol; a known name with another sample is E_ARG. */
tdag_dim tdagi_dim_symbol(tdagi_pool *pool, const char *name, int64_t sample);
uint32_t tdagi_pool_n_symbols(const tdagi_pool *pool);
const char *tdagi_pool_symbol(const tdagi_pool *pool, uint32_t i, int64_t *sample_out);
tdag_dim tdagi_pool_symbol_dim(const tdagi_pool *pool, uint32_t i);

tdag_dim tdagi_dim_const(tdagi_pool *pool, int64_t value); /* any sign */
tdag_dim tdagi_dim_add(tdagi_pool *pool, tdag_dim a, tdag_dim b);
tdag_dim tdagi_dim_sub(tdagi_pool *pool, tdag_dim a, tdag_dim b);
tdag_dim tdagi_dim_mul(tdagi_pool *pool, tdag_dim a, tdag_dim b);
tdag_dim tdagi_dim_floordiv(tdagi_pool *pool, tdag_dim a, tdag_dim b);
tdag_dim tdagi_dim_mod(tdagi_pool *pool, tdag_dim a, tdag_dim b); /* a - floor(a/b)*b */
tdag_dim tdagi_dim_max(tdagi_pool *pool, tdag_dim a, tdag_dim b);
tdag_dim tdagi_dim_min(tdagi_pool *pool, tdag_dim a, tdag_dim b);
tdag_dim tdagi_dim_product(tdagi_pool *pool, uint32_t n, const tdag_dim *v);

/* True and the value if d is an integer (negative ones included). */
bool tdagi_dim_is_const(const tdagi_pool *pool, tdag_dim d, int64_t *value_out);
/* The value at the samples; d must not be BAD. Computed when d was made. */
int64_t tdagi_dim_sample(const tdagi_pool *pool, tdag_dim d);
/* The value at other numbers, values[i] for symbol i. False on overflow. */
bool tdagi_dim_eval(const tdagi_pool *pool, tdag_dim d, const int64_t *values,
                    int64_t *out);
/* A new symbol, of which nothing has been made, may be 0: proofs then hold for that,
 * too, in this pool. */
void tdagi_dim_may_be_zero(tdagi_pool *pool, tdag_dim symbol);
/* True where `a - b` is provably >= 0 for all symbols >= 1 (cheap, incomplete). */
bool tdagi_dim_proves_ge(tdagi_pool *pool, tdag_dim a, tdag_dim b);
bool tdagi_dim_has_symbol(const tdagi_pool *pool, tdag_dim d, uint32_t symbol);
/* True if d is factor * symbol + offset, factor >= 1. */
bool tdagi_dim_is_affine(const tdagi_pool *pool, tdag_dim d, uint32_t *symbol_out,
                         int64_t *factor_out, int64_t *offset_out);
/* Solves d = value for one symbol of d that is not bound yet: replacements[s] is set to
 * a dim of `to`, one with which d becomes `value`, for every symbol s of d whose
 * replacement was TDAGI_DIM_BAD. Where several dims would do, `other` asks for another
 * one than the first call gave. False: d has no form that can be solved. Forms: factor
 * * symbol + offset, where `value` is divided with floor; the floor of that by an
 * integer, plus an integer; a product of symbols. */
bool tdagi_dim_solve(const tdagi_pool *pool, tdag_dim d, tdagi_pool *to, tdag_dim value,
                     bool other, tdag_dim *replacements);
/* True where d <= bound is seen for all symbols >= 1: by bounds of floor, min and max,
 * and by cases for what symbols leave as rest where numbers divide (incomplete). */
bool tdagi_dim_is_at_most(tdagi_pool *pool, tdag_dim d, tdag_dim bound);
/* The same expression in another pool, symbols declared there with their samples. */
tdag_dim tdagi_dim_import(tdagi_pool *to, const tdagi_pool *from, tdag_dim d);
/* d with symbol i replaced by replacements[i] (dims of `to`). */
tdag_dim tdagi_dim_substitute(tdagi_pool *to, const tdagi_pool *from, tdag_dim d,
                              const tdag_dim *replacements);

/* Whether they are the same expression over symbols of the same names and samples. */
bool tdagi_dim_same(const tdagi_pool *pool_a, tdag_dim a, const tdagi_pool *pool_b,
                    tdag_dim b);

/* Text: "2*N*S+1", "floor((H+1)/2)", "max(N,4)"; see tdag_graph_dim_text(). */
size_t tdagi_dim_text(const tdagi_pool *pool, tdag_dim d, char *buf, size_t size);
/* Reads that text; unknown symbols fail with E_FORMAT. *end_out is past what was read.
 */
tdag_status tdagi_dim_parse(tdag_ctx *ctx, tdagi_pool *pool, const char *text,
                            const char *text_end, const char **end_out, tdag_dim *out);

#endif
