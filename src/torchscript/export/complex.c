/* Complex numbers: products, quotients, magnitudes and Fourier transforms. */
#include <math.h>

#include "torchscript/export/export.h"

/* If k is one half of pairs, which are the last axis of a value: of which. */
static uint32_t half_of(const tdagi_exporter *e, const tdagi_kernel *k, tdag_dim half)
{
    if (!tdagi_export_is_core(k, TDAG_OP_SQUEEZE)) return 0;
    const tdagi_kernel *select = tdagi_export_input(e, k, 0);
    if (!tdagi_export_is_core(select, TDAG_OP_SELECT)) return 0;
    const tdag_select_spec *s = select->spec;
    const tdag_axes_spec *dropped = k->spec;
    const tdagi_kernel *x = tdagi_export_input(e, select, 0);
    const int64_t last = (int64_t)x->rank - 1;
    bool is = s->axis == last && s->index == half && x->shape[last] == 2 &&
              dropped->axes.n == 1 && dropped->axes.v[0] == last;
    return is ? select->inputs[0] : 0;
}

static bool is_even(tdag_dim d) { return d >= 0 && d % 2 == 0; }

/* Whether a value begins at an even place of its memory, so that pairs which are dense
 * there are complex numbers: it is an operator's own, or a part from an even place on.
 */
static bool is_aligned(const tdagi_exporter *e, uint32_t value)
{
    const tdagi_kernel *k = tdagi_export_kernel(e, value);
    for (; k->composite == TDAGI_CORE && !tdagi_export_is_leaf(k);
         k = tdagi_export_input(e, k, 0)) {
        if (tdagi_export_is_reshape(k) || k->op == TDAG_OP_PERMUTE) continue;
        if (k->op == TDAG_OP_SELECT) {
            if (!is_even(((const tdag_select_spec *)k->spec)->index)) return false;
        } else if (k->op == TDAG_OP_SLICE) {
            const tdag_list start = ((const tdag_slice_spec *)k->spec)->start;
            for (uint32_t i = 0; i < start.n; i++)
                if (!is_even(start.v[i])) return false;
        } else {
            return k->op != TDAG_OP_UNFOLD;
        }
    }
    return true;
}

/* The imaginary half of operand i, of what it is the negative of. */
static const tdagi_kernel *imaginary_of(const tdagi_exporter *e, const tdagi_kernel *k,
                                        uint32_t i, bool *is_conjugate)
{
    const tdagi_kernel *half = tdagi_export_input(e, k, i + 1);
    *is_conjugate = tdagi_export_is_core(half, TDAG_OP_NEG);
    return *is_conjugate ? tdagi_export_input(e, half, 0) : half;
}

uint32_t tdagi_export_pairs(const tdagi_exporter *e, const tdagi_kernel *k, uint32_t i)
{
    const bool is_abs = k->composite == TDAGI_HYPOT && !e->is_functional &&
                        (k->dtype == TDAG_F32 || k->dtype == TDAG_F64);
    if (!is_abs && k->composite != TDAGI_COMPLEX_MULTIPLY &&
        k->composite != TDAGI_COMPLEX_DIVIDE)
        return 0;
    bool is_conjugate;
    uint32_t x = half_of(e, tdagi_export_input(e, k, i), 0);
    return x != 0 && x == half_of(e, imaginary_of(e, k, i, &is_conjugate), 1) &&
                   is_aligned(e, x)
               ? x
               : 0;
}

static void emit_complex(tdagi_exporter *e, const tdagi_kernel *k)
{
    uint32_t pairs[2];
    for (uint32_t i = 0; i < 2; i++) {
        pairs[i] = tdagi_export_pairs(e, k, 2 * i);
        if (pairs[i] != 0) tdagi_export_value(e, pairs[i]);
    }
    tdagi_export_begin(e, k);
    tdagi_export_piece(e, k, "torch.view_as_real(torch.%s(",
                       k->composite == TDAGI_COMPLEX_MULTIPLY ? "mul" : "div");
    for (uint32_t i = 0; i < 2; i++) {
        bool is_conjugate;
        imaginary_of(e, k, 2 * i, &is_conjugate);
        if (pairs[i] != 0)
            tdagi_export_piece(
                e, k,
                is_conjugate
                    ? "torch._conj(torch.view_as_complex(torch.contiguous(%v)))"
                    : "torch.view_as_complex(torch.contiguous(%v))",
                pairs[i]);
        else
            tdagi_export_piece(
                e, k, i == 0 ? "torch.complex($0, $1)" : "torch.complex($2, $3)");
        tdagi_export_piece(e, k, i == 0 ? ", " : "))");
    }
    tdagi_export_end(e);
}
const tdagi_emitter tdagi_emitter_complex = {.emit = emit_complex};

/* The pairs of an input as complex numbers. */
static void add_complex(tdagi_exporter *e, const tdagi_kernel *k)
{
    tdagi_export_piece(e, k,
                       is_aligned(e, k->inputs[0])
                           ? "torch.view_as_complex(torch.contiguous($0))"
                           : "torch.complex(torch.select($0, -1, 0), "
                             "torch.select($0, -1, 1))");
}

/* Which of PyTorch's ways to scale it is: backward ones divide by themselves. */
static const char *norm_of(const tdagi_fft_spec *s)
{
    bool whole = fabs(s->scale * (s->inverse ? (double)s->n : 1) - 1) < 1e-9;
    return whole                                            ? "None"
           : fabs(s->scale * sqrt((double)s->n) - 1) < 1e-9 ? "\"ortho\""
                                                            : "\"forward\"";
}

static void emit_fft(tdagi_exporter *e, const tdagi_kernel *k)
{
    static const char *const names[3][2] = {
        {"view_as_real(torch.fft_fft", "view_as_real(torch.fft_ifft"},
        {"view_as_real(torch.fft_rfft",
         "view_as_real(torch.resolve_conj(torch.fft_ihfft"},
        {"fft_hfft", "fft_irfft"}};
    static const char *const ends[3][2] = {{"))", "))"}, {"))", ")))"}, {")", ")"}};
    const tdagi_fft_spec *s = k->spec;
    const uint32_t which = k->composite - TDAGI_FFT, inverse = s->inverse != 0;
    tdagi_export_begin(e, k);
    tdagi_export_piece(e, k, "torch.%s(", names[which][inverse]);
    if (k->composite == TDAGI_RFFT)
        tdagi_export_piece(e, k, "$0");
    else
        add_complex(e, k);
    tdagi_export_piece(e, k, ", %i, -1, %s%s", s->n, norm_of(s), ends[which][inverse]);
    tdagi_export_end(e);
}
const tdagi_emitter tdagi_emitter_fft = {.emit = emit_fft};
