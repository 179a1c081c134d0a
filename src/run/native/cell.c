/* The cells of LSTMs at once: what their thirteen kernels would compute. */
#include "run/native/cell.h"

tdag_status tdagi_native_run_cell(tdagi_native *s, uint32_t c)
{
    const tdagi_lstm_cell *cell = s->plan->cells[c];
    const tdagi_kernel *k = &s->r->kernels[c];
    const tdag_dtype dtype = (tdag_dtype)k->dtype;
    const tdagi_strided *gates = &s->values[cell->sum];
    tdagi_strided before =
        tdagi_strided_broadcast(&s->values[cell->before], k->rank, k->shape);
    tdagi_strided in[2] = {{0}, {0}}, out[2] = {{0}, {0}};
    TDAGI_TRY(tdagi_strided_contiguous(s->ctx, gates, &in[0]));
    tdag_status st = tdagi_strided_contiguous(s->ctx, &before, &in[1]);
    for (int i = 0; i < 2 && st == TDAG_OK; i++)
        st = tdagi_strided_create(s->ctx, dtype, k->rank, k->shape, &out[i]);
    const int64_t n = k->shape[k->rank - 1u], rows = k->rank == 1 ? 1 : k->shape[0];
    const size_t row = (size_t)n * tdag_dtype_size(dtype);
    const tdagi_step_kernels *step = tdagi_step_of(s->blas, dtype);
    for (size_t i = 0; i < (size_t)rows && st == TDAG_OK; i++)
        step->cell(in[0].data + 4 * i * row, in[1].data + i * row,
                   out[0].data + i * row, out[1].data + i * row, n);
    for (int i = 0; i < 2; i++)
        tdagi_strided_free(&in[i]);
    s->values[c] = out[0]; /* freed with all others where this has failed */
    s->values[cell->h] = out[1];
    if (st != TDAG_OK) return st;
    for (int i = 0; i < 4; i++)
        tdagi_native_drop_use(s, cell->sum);
    tdagi_native_drop_use(s, cell->before);
    tdagi_native_drop_use(s, c); /* by its tanh */
    return TDAG_OK;
}
