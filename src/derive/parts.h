/* Small steps that several recipe files share. */
#ifndef TDAGI_DERIVE_PARTS_H
#define TDAGI_DERIVE_PARTS_H

#include "derive/composites.h"

/* Whether a recipe may look at x: nothing has failed and x is a value. */
static inline bool tdagi_usable(const tdag_builder *b, tdag_value x)
{
    return tdagi_builder_ok(b) && x.id != 0;
}
static inline tdag_dim tdagi_dim_of(tdag_builder *b, tdag_value x, uint32_t axis)
{
    return tdag_builder_get_shape(b, x)[axis];
}
/* The half types are computed in f32 and rounded once, at the end. */
static inline tdag_dtype tdagi_wide_dtype(tdag_dtype dtype)
{
    return dtype == TDAG_F16 || dtype == TDAG_BF16 ? TDAG_F32 : dtype;
}
static inline tdag_value tdagi_wide(tdag_builder *b, tdag_value x)
{
    if (!tdagi_usable(b, x)) return TDAG_NO_VALUE;
    return tdagi_cast(b, x, tdagi_wide_dtype(tdag_builder_get_dtype(b, x)));
}
/* The axes first, first + 1, ..., first + n - 1 in `room`. */
static inline tdag_list tdagi_axis_run(tdagi_axes *room, uint32_t first, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        room->v[i] = (int64_t)first + i;
    return (tdag_list){n, room->v};
}
/* Checks a spec by its fields (check.c); false with the failure recorded. */
bool tdagi_spec_fits(tdag_builder *b, tdagi_composite id, const tdag_value *inputs,
                     const void *spec);
/* Whether two dims are one; false with the failure recorded: `what` of those dims. */
bool tdagi_dims_meet(tdag_builder *b, tdag_dim d, tdag_dim e, const char *what);
/* Whether n parameters of a composite called `what` have exactly these dims; absent
 * ones have. False with the failure recorded. */
bool tdagi_have_shape(tdag_builder *b, const tdag_value *v, uint32_t n, uint32_t rank,
                      const tdag_dim *shape, const char *what);
/* Whether they are of one dtype: x's or, with halves, f32. */
bool tdagi_have_dtype(tdag_builder *b, const tdag_value *v, uint32_t n, tdag_value x,
                      const char *what);
/* Checks an axis of a composite called `what`; false with the failure recorded. */
bool tdagi_axis_fits(tdag_builder *b, tdag_value x, int64_t axis, const char *what);
/* x with `axis` replaced by the index's axes: out[..., i..., ...] = x[..., index[i...],
 * ...]. The axis goes to the front, is gathered and goes back. */
tdag_value tdagi_gather_axis(tdag_builder *b, tdag_value x, uint32_t axis,
                             tdag_value index);
/* One axis of x split into [outer, inner]. */
tdag_value tdagi_split_axis(tdag_builder *b, tdag_value x, uint32_t axis,
                            tdag_dim outer, tdag_dim inner);

#endif
