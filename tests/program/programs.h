/* Programs made by hand, for the tests of models. */
#ifndef TEST_PROGRAMS_H
#define TEST_PROGRAMS_H

#include "support/test.h"

#include "program/build.h"

/* A type; dims are those of the method at hand. */
tdagi_type type_of(tdag_dtype dtype, uint32_t rank, const tdag_dim *dims);

/* A graph of its text. */
tdag_status graph_of(tdag_ctx *ctx, const char *text, tdag_graph **out);

/* Every kind of statement, nested blocks, a state that grows, sizes that only a run can
 * tell. Statements and values are numbered in the order of the text:
 *   forward(x: f32[N,4], n: i64[])                               values 1, 2
 *    1  y = call neg(x)                                          3
 *    2  c = call positive(n)                                     4
 *    3  z = if c { 4: z1 = call neg(y); yield z1 }               5
 *           else { yield y }                                     z: 6
 *    5  t, s = loop limit n while c (i; t1: f32[T,4] = z, s1 = y) {   7, 8, 9
 *    6      t2 = call grow(t1)                                   10
 *    7      c1 = call positive(i)                                11
 *           yield c1, t2, s1 }                                   t, s: 12, 13
 *    8  k: f32[S,4] = read cache                                 14
 *    9  k2 = call grow(k)                                        15
 *   10  write cache k2
 *   11  e = draw normal f32[N,8]                                 16
 *   12  p = draw permutation(n) i64[P]                           17
 *   13  m = call mask(z)                                         18
 *   14  i = apply nonzero(m) as i64[K,2], K <= 4*N               19
 *   15  check c "the count is positive"
 *   16  v = call range() with L = n: i64[Q]                      20
 *   17  return t, s, e, i, v
 * Graphs: neg, positive, grow, mask, range. State: cache f32[S=3,4]. */
tdag_status make_everything(tdag_ctx *ctx, tdag_model **out);

/* Statement `number` of a method, counted as above; NULL if there are not so many. */
tdagi_statement *statement_at(const tdagi_method *m, uint32_t number);

#endif
