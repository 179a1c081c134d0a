/* Contractions as aten calls. Inputs and specs are those of derive.h. */
#include "torchscript/export/export.h"

/* Of a vector PyTorch's product of a matrix and a vector is faster than its linear. */
static void emit_linear(tdagi_exporter *e, const tdagi_kernel *k)
{
    bool is_vector = tdagi_export_input(e, k, 0)->rank == 1 && k->rank == 1 &&
                     (k->dtype == TDAG_F32 || k->dtype == TDAG_F64) &&
                     !e->is_functional;
    bool has_bias = k->n_inputs > 2 && k->inputs[2] != 0;
    tdagi_export_emit(e, k,
                      !is_vector ? "torch.linear($0, $1, $2)"
                      : has_bias ? "torch.addmv($2, $1, $0)"
                                 : "torch.mv($1, $0)");
}

/* What linear() gives of more axes is a view of the product of two. */
static bool is_matrix(const tdagi_exporter *e, const tdagi_kernel *k)
{
    (void)e;
    return k->rank <= 2;
}
const tdagi_emitter tdagi_emitter_linear = {.emit = emit_linear, .is_fresh = is_matrix};

static int64_t sample_of(const tdagi_exporter *e, const tdagi_kernel *x, uint32_t axis)
{
    return tdagi_dim_sample(e->r->pool, x->shape[axis]);
}

/* A few rows of each element of a batch by each of several matrices, which matmul()
 * would write out anew for each element. Here the rows of all elements are one product:
 * they are written anew instead. */
static bool repeats_second(const tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_kernel *x = tdagi_export_input(e, k, 0),
                       *w = tdagi_export_input(e, k, 1);
    return w->rank == 3 && x->rank == 4 &&
           (x->shape[1] == w->shape[0] || x->shape[1] == 1) && sample_of(e, w, 0) > 1 &&
           sample_of(e, x, 0) > 1 && sample_of(e, x, 2) < sample_of(e, w, 2);
}

uint32_t tdagi_export_shared_rows(const tdagi_exporter *e, const tdagi_kernel *k)
{
    if (k->composite != TDAGI_MATMUL || !repeats_second(e, k)) return 0;
    return tdagi_export_input(e, k, 0)->shape[1] == 1
               ? k->inputs[0]
               : tdagi_export_repeated(e, k->inputs[0], 1);
}

static void emit_product_of_rows(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdag_dim *shape = k->shape, n = tdagi_export_input(e, k, 0)->shape[3];
    uint32_t shared = tdagi_export_shared_rows(e, k);
    if (shared != 0) {
        shared = tdagi_export_base(e, shared);
        tdagi_export_value(e, shared);
    }
    tdagi_export_begin(e, k);
    tdagi_export_piece(e, k, "torch.transpose(torch.view(torch.bmm(");
    if (shared != 0)
        tdagi_export_piece(e, k,
                           "torch.expand(torch.reshape(%v, [1, -1, %d]), [%d, -1, %d])",
                           shared, n, shape[1], n);
    else
        tdagi_export_piece(e, k,
                           "torch.reshape(torch.transpose($0, 0, 1), [%d, -1, %d])",
                           shape[1], n);
    tdagi_export_piece(e, k, ", $1), [%d, %d, %d, %d]), 0, 1)", shape[1], shape[0],
                       shape[2], shape[3]);
    tdagi_export_end(e);
}

static void emit_matmul(tdagi_exporter *e, const tdagi_kernel *k)
{
    if (repeats_second(e, k))
        emit_product_of_rows(e, k);
    else
        tdagi_export_emit(e, k, "torch.matmul($0, $1)");
}

/* And what matmul() gives where the second has more axes, which are its batch. */
static bool is_of_first(const tdagi_exporter *e, const tdagi_kernel *k)
{
    return tdagi_export_input(e, k, 0)->rank >= tdagi_export_input(e, k, 1)->rank &&
           !repeats_second(e, k);
}
const tdagi_emitter tdagi_emitter_matmul = {.emit = emit_matmul,
                                            .is_fresh = is_of_first};

static bool same_list(const tdag_list *a, const tdag_list *b)
{
    for (uint32_t i = 0; i < a->n; i++)
        if (a->v[i] != b->v[i]) return false;
    return true;
}

/* By the operator that conv1d() and others call in the end. Those take an image without
 * a batch as well, but make one of it, which costs more than the views that do. */
#define FLAGS ", False, False, True, True)" /* cuDNN's */

/* Padding that differs at the two ends is a pad of its own. */
static void emit_conv(tdagi_exporter *e, const tdagi_kernel *k)
{
    static const int64_t zeroes[TDAG_MAX_RANK] = {0};
    const tdagi_conv_spec *s = k->spec;
    const tdag_list none = {s->stride.n, zeroes};
    bool is_even = same_list(&s->before, &s->after);
    tdagi_export_begin(e, k);
    tdagi_export_piece(e, k,
                       e->is_functional ? "torch.conv%id(" : "torch._convolution(",
                       (int64_t)none.n);
    tdagi_export_piece(e, k, is_even ? "$0" : "torch.constant_pad_nd($0, [");
    for (uint32_t i = is_even ? 0 : none.n; i-- > 0;)
        tdagi_export_piece(e, k, i > 0 ? "%d, %d, " : "%d, %d], 0.)", s->before.v[i],
                           s->after.v[i]);
    tdagi_export_piece(e, k, ", $1, $2, %l, %l, %l, ", &s->stride,
                       is_even ? &s->before : &none, &s->dilation);
    if (!e->is_functional) tdagi_export_piece(e, k, "False, %l, ", &none);
    tdagi_export_piece(e, k, e->is_functional ? "%i)" : "%i" FLAGS, s->groups);
    tdagi_export_end(e);
}
const tdagi_emitter tdagi_emitter_conv = {.emit = emit_conv,
                                          .is_fresh = tdagi_export_owns};

static void emit_conv_transpose(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_conv_transpose_spec *s = k->spec;
    if (!e->is_functional)
        tdagi_export_emit(
            e, k, "torch._convolution($0, $1, $2, %l, %l, %l, True, %l, %i" FLAGS,
            &s->stride, &s->padding, &s->dilation, &s->output_padding, s->groups);
    else
        tdagi_export_emit(e, k,
                          "torch.conv_transpose%id($0, $1, $2, %l, %l, %l, %i, %l)",
                          (int64_t)s->stride.n, &s->stride, &s->padding,
                          &s->output_padding, s->groups, &s->dilation);
}
const tdagi_emitter tdagi_emitter_conv_transpose = {.emit = emit_conv_transpose,
                                                    .is_fresh = tdagi_export_owns};

static void emit_addmm(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_addmm_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.%s($0, $1, $2, beta=%f, alpha=%f)",
                      tdagi_export_input(e, k, 1)->rank == 2 ? "addmm" : "baddbmm",
                      s->beta, s->alpha);
}
const tdagi_emitter tdagi_emitter_addmm = {.emit = emit_addmm,
                                           .is_fresh = tdagi_export_owns};

static void emit_einsum(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_einsum_spec *s = k->spec;
    bool sums_as_i64 = !tdag_dtype_is_float((tdag_dtype)k->dtype) &&
                       k->dtype != TDAG_I64; /* what is in one operand alone */
    if (sums_as_i64)
        tdagi_export_emit(e, k, "torch.to(torch.einsum(\"%s\", [$0, $1]), %t)",
                          s->equation, (int)k->dtype);
    else
        tdagi_export_emit(e, k, "torch.einsum(\"%s\", [$0, $1])", s->equation);
}
const tdagi_emitter tdagi_emitter_einsum = {.emit = emit_einsum};
