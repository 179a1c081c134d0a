/* Cells of LSTMs, which are computed at once (cell.c). */
#ifndef TDAGI_NATIVE_CELL_H
#define TDAGI_NATIVE_CELL_H

#include "run/native/native.h"

#define TDAGI_NATIVE_INSIDE UINT32_MAX

/* Fills s->cells, which is all 0; uses are counted. */
void tdagi_native_find_cells(tdagi_native *s);
/* Both states of the cell whose inner one is kernel c. */
tdag_status tdagi_native_run_cell(tdagi_native *s, uint32_t c);

#endif
