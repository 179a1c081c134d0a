/* The cells of LSTMs at once: what their thirteen kernels would compute, element by
 * element, in f32. */
#include "run/native/cell.h"

#include "raise/cell.h"
#include "run/step/exponential.h"

/* Whether nothing else reads what is inside. */
static bool is_closed(const tdagi_native *s, const tdagi_lstm_cell *cell)
{
    const tdagi_kernel *k = &s->r->kernels[cell->h];
    bool closed = k->dtype == TDAG_F32 && (k->rank == 1 || k->rank == 2);
    for (uint32_t i = 0; i < sizeof cell->inside / sizeof *cell->inside; i++)
        closed = closed && s->uses[cell->inside[i]] == 1;
    return closed;
}

void tdagi_native_find_cells(tdagi_native *s)
{
    for (uint32_t i = 1; i <= s->r->n; i++) {
        tdagi_lstm_cell cell;
        const tdagi_kernel *k = &s->r->kernels[i];
        if (k->composite != TDAGI_CORE || k->op != TDAG_OP_MULTIPLY ||
            !tdagi_find_lstm_cell(s->r, i, &cell) || !is_closed(s, &cell))
            continue;
        for (uint32_t j = 0; j < sizeof cell.inside / sizeof *cell.inside; j++)
            s->cells[cell.inside[j]] = TDAGI_NATIVE_INSIDE;
        s->cells[cell.h] = TDAGI_NATIVE_INSIDE;
        s->cells[cell.c] = i;
    }
}

/* One row: gates i, f, g and o, n of each, side by side; what c was. */
static void run_row(const float *restrict g, const float *restrict was,
                    float *restrict c, float *restrict h, int64_t n)
{
    for (int64_t j = 0; j < n; j++) {
        float kept = sigmoid_float(g[n + j]) * was[j];
        c[j] = kept + sigmoid_float(g[j]) * tanh_float(g[2 * n + j]);
        h[j] = sigmoid_float(g[3 * n + j]) * tanh_float(c[j]);
    }
}

static float *floats(const tdagi_strided *v) { return (void *)v->data; }

tdag_status tdagi_native_run_cell(tdagi_native *s, uint32_t c)
{
    tdagi_lstm_cell cell;
    (void)tdagi_find_lstm_cell(s->r, s->cells[c], &cell);
    const tdagi_kernel *k = &s->r->kernels[c];
    const tdagi_strided *gates = &s->values[cell.sum];
    tdagi_strided before =
        tdagi_strided_broadcast(&s->values[cell.before], k->rank, k->shape);
    tdagi_strided in[2] = {{0}, {0}}, out[2] = {{0}, {0}};
    TDAGI_TRY(tdagi_strided_contiguous(s->ctx, gates, &in[0]));
    tdag_status st = tdagi_strided_contiguous(s->ctx, &before, &in[1]);
    for (int i = 0; i < 2 && st == TDAG_OK; i++)
        st = tdagi_strided_create(s->ctx, TDAG_F32, k->rank, k->shape, &out[i]);
    const int64_t n = k->shape[k->rank - 1u], rows = k->rank == 1 ? 1 : k->shape[0];
    for (int64_t i = 0; i < rows && st == TDAG_OK; i++)
        run_row(floats(&in[0]) + 4 * i * n, floats(&in[1]) + i * n,
                floats(&out[0]) + i * n, floats(&out[1]) + i * n, n);
    for (int i = 0; i < 2; i++)
        tdagi_strided_free(&in[i]);
    s->values[c] = out[0]; /* freed with all others where this has failed */
    s->values[cell.h] = out[1];
    if (st != TDAG_OK) return st;
    for (int i = 0; i < 4; i++)
        tdagi_native_drop_use(s, cell.sum);
    tdagi_native_drop_use(s, cell.before);
    tdagi_native_drop_use(s, c); /* by its tanh */
    return TDAG_OK;
}
