/* Dims and types as text: the one printer of "f32[2,N]". */
#ifndef TDAGI_TYPE_TEXT_H
#define TDAGI_TYPE_TEXT_H

#include <tdagger/tensor.h>

#include "base/dim/dim.h"
#include "base/text.h"

/* Appends a dim ("N", "4*N+1") of any length. */
void tdagi_text_add_dim(tdagi_text *text, const tdagi_pool *pool, tdag_dim d);
/* Appends "f32[2,N]". */
void tdagi_text_add_type(tdagi_text *text, const tdagi_pool *pool, tdag_dtype dtype,
                         uint32_t rank, const tdag_dim *shape);
/* The same into a buffer, always terminated; returns the length it needs. */
size_t tdagi_type_text(const tdagi_pool *pool, tdag_dtype dtype, uint32_t rank,
                       const tdag_dim *shape, char *buf, size_t size);

#endif
