/* Element-wise kernels by rows of any stride: what map.c and map_f64.c share. */
#ifndef TDAGI_NATIVE_MAP_H
#define TDAGI_NATIVE_MAP_H

#include <math.h>

#include "run/value.h"

/* Parameters of a row function: numbers of the kernel's spec. */
typedef struct tdagi_map_numbers {
    double a, b, c;
} tdagi_map_numbers;
/* One row; r->data: operands, then the result. */
typedef void tdagi_map_fn(const tdagi_rows *r, const tdagi_map_numbers *p);

enum {
#define ROW(name, n, expression) TDAGI_MAP_##name,
#include "run/native/map.def"
};
/* The functions in f64, by these. */
extern tdagi_map_fn *const tdagi_map_f64[];

#endif
