/* The cell of an LSTM, read off its kernels backwards from the state that it gives. */
#include "raise/cell.h"

static uint32_t in(const tdagi_raised *r, uint32_t i, uint32_t n)
{
    return n < r->kernels[i].n_inputs ? r->kernels[i].inputs[n] : 0;
}

static bool is_core(const tdagi_raised *r, uint32_t i, tdag_op op)
{
    return r->kernels[i].composite == TDAGI_CORE && r->kernels[i].op == op;
}

uint32_t tdagi_gate_of(const tdagi_raised *r, uint32_t i, int64_t n, int64_t n_gates)
{
    uint32_t x = in(r, i, 0);
    if (!is_core(r, i, TDAG_OP_SLICE)) return 0;
    const tdagi_kernel *k = &r->kernels[i];
    const tdag_dim *whole = r->kernels[x].shape;
    const tdag_slice_spec *s = k->spec;
    uint32_t last = k->rank - 1u;
    for (uint32_t a = 0; a < last; a++)
        if (k->shape[a] != whole[a]) return 0;
    tdag_dim size = k->shape[last];
    bool fits =
        size > 0 && whole[last] == n_gates * size && s->start.v[last] == n * size;
    return fits ? x : 0;
}

/* Gate n of the sum, which the first of them tells. */
static bool match_gate(const tdagi_raised *r, uint32_t i, uint32_t n,
                       tdagi_lstm_cell *cell)
{
    const tdagi_kernel *k = &r->kernels[i];
    uint32_t part = in(r, i, 0), of = tdagi_gate_of(r, part, n, 4);
    bool is_its = n == 2 ? is_core(r, i, TDAG_OP_TANH) : k->composite == TDAGI_SIGMOID;
    if (!is_its || of == 0 || (cell->sum != 0 && cell->sum != of)) return false;
    cell->sum = of;
    cell->inside[2 * n] = part;
    cell->inside[2 * n + 1] = i;
    return true;
}

/* The product i of gate n and what is the result; 0: it is none. */
static uint32_t match_product(const tdagi_raised *r, uint32_t i, uint32_t n,
                              tdagi_lstm_cell *cell)
{
    for (uint32_t j = 0; j < 2 && is_core(r, i, TDAG_OP_MULTIPLY); j++)
        if (match_gate(r, in(r, i, j), n, cell)) return in(r, i, 1 - j);
    return 0;
}

bool tdagi_find_lstm_cell(const tdagi_raised *r, uint32_t h, tdagi_lstm_cell *out)
{
    *out = (tdagi_lstm_cell){.h = h};
    uint32_t inner = match_product(r, h, 3, out), c = in(r, inner, 0);
    if (!is_core(r, inner, TDAG_OP_TANH) || !is_core(r, c, TDAG_OP_ADD)) return false;
    for (uint32_t p = 0; p < 2; p++) {
        uint32_t kept = in(r, c, p), added = in(r, c, 1 - p);
        out->before = match_product(r, kept, 1, out);
        out->c = c;
        out->inside[8] = kept;
        out->inside[9] = added;
        out->inside[10] = inner;
        if (out->before != 0 && match_gate(r, match_product(r, added, 0, out), 2, out))
            return true;
    }
    return false;
}
