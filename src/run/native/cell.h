/* Cells of LSTMs, which are computed at once (cell.c). */
#ifndef TDAGI_NATIVE_CELL_H
#define TDAGI_NATIVE_CELL_H

#include "run/native/native.h"

/* Both states of the cell whose inner one is kernel c. */
tdag_status tdagi_native_run_cell(tdagi_native *s, uint32_t c);

#endif
