/* Products by packed weights and element-wise rows, for one level of processors: this
 * file is compiled for each, with TDAGI_STEP_LEVEL as the name of its table.
 *
 * Weights lie in panels of as many columns as two vectors have: row by row of the
 * products, the bias behind the last one. A block of rows times a panel is summed in
 * registers; few rows have several sums each, which do not wait for each other. */
#include "run/step/step.h"

#include <stdbool.h>

#include "run/step/exponential.h"

#ifdef __AVX512F__
#define VECTOR 64
#elif defined(__AVX__)
#define VECTOR 32
#else
#define VECTOR 16
#endif
#define MOST_SUMS 4 /* of two vectors: what 16 registers hold beside the operands */

#define INLINE      static inline __attribute__((always_inline))
#define F(name)     JOIN(name, T)
#define JOIN(a, b)  JOIN2(a, b)
#define JOIN2(a, b) a##_##b

#define T float
#include "run/step/type.def"
#undef T
#define T double
#include "run/step/type.def"
#undef T

extern const tdagi_step_level TDAGI_STEP_LEVEL;
const tdagi_step_level TDAGI_STEP_LEVEL = {&kernels_float, &kernels_double};
