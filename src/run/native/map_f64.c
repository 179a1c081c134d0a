/* Element-wise kernels in f64, which is rare: small before fast. */
#include "run/native/map.h"

#define T    double
#define F(f) f
#define ROW(name, n, expression)                                                       \
    static void map_##name(const tdagi_rows *r, const tdagi_map_numbers *p)            \
    {                                                                                  \
        (void)p;                                                                       \
        for (int64_t i = 0; i < r->length; i++) {                                      \
            T x = ((const T *)(const void *)r->data[0])[i * r->stride[0]],             \
              y = ((const T *)(const void *)r->data[(n)-1])[i * r->stride[(n)-1]];     \
            (void)y;                                                                   \
            ((T *)(void *)r->data[n])[i * r->stride[n]] = expression;                  \
        }                                                                              \
    }
#include "run/native/map.def"

tdagi_map_fn *const tdagi_map_f64[] = {
#define ROW(name, n, expression) map_##name,
#include "run/native/map.def"
};
