/* The cells of recurrent layers among kernels. */
#ifndef TDAGI_RAISE_CELL_H
#define TDAGI_RAISE_CELL_H

#include "raise/raise.h"

/* c' = f*c + i*g and h' = o*tanh(c') of the gates i, f, g and o, the quarters of `sum`:
 * three sigmoids, and a tanh for g. All are kernels. */
typedef struct tdagi_lstm_cell {
    uint32_t sum, before, c, h;
    uint32_t inside[11]; /* all others */
} tdagi_lstm_cell;
/* Whether kernel h is such a state. */
bool tdagi_find_lstm_cell(const tdagi_raised *r, uint32_t h, tdagi_lstm_cell *out);
/* If i is gate number `n`, a slice of the last axis: of what; else 0. */
uint32_t tdagi_gate_of(const tdagi_raised *r, uint32_t i, int64_t n, int64_t n_gates);

#endif
