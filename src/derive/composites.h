/* What the recipe files share: every composite's definition, and windows. */
#ifndef TDAGI_COMPOSITES_H
#define TDAGI_COMPOSITES_H

#include "derive/derive.h"

#define TDAGI_COMPOSITE(ID, name, definition, min, max, kind, native, exporter,        \
                        coreml)                                                        \
    extern const tdagi_composite_def tdagi_composite_##definition;
#include "derive/composites.def"

/* Splits `axis` into two: window position, tap. Tap t of window w reads w*stride +
 * t*dilation. One unfold of (kernel-1)*dilation+1, an ungroup, and for a dilation an
 * unfold of kernel 1 that keeps every dilation-th tap. */
tdag_value tdagi_window(tdag_builder *b, tdag_value x, uint32_t axis, int64_t kernel,
                        int64_t stride, int64_t dilation);

/* Input i, or no value where it was left out. */
static inline tdag_value tdagi_optional(const tdag_value *inputs, uint32_t n,
                                        uint32_t i)
{
    return i < n ? inputs[i] : TDAG_NO_VALUE;
}

/* Scratch for the lists of one builder call: rank-long arrays filled with one number.
 */
typedef struct tdagi_axes {
    int64_t v[TDAG_MAX_RANK + 2];
} tdagi_axes;
static inline tdagi_axes tdagi_axes_of(int64_t value)
{
    tdagi_axes a;
    for (uint32_t i = 0; i < TDAG_MAX_RANK + 2; i++)
        a.v[i] = value;
    return a;
}

#endif
