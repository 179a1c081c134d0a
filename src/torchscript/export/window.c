/* Pools and other windows as aten calls. Inputs and specs are those of derive.h. */
#include "torchscript/export/export.h"

/* PyTorch pools rank n+1 or n+2; other ranks are flattened to [lead, spatial...]. */
static void pool_begin(tdagi_exporter *e, const tdagi_kernel *k, uint32_t n,
                       const char *name)
{
    const tdagi_kernel *x = tdagi_export_input(e, k, 0);
    tdagi_export_begin(e, k);
    bool direct = x->rank == n + 1 || x->rank == n + 2;
    if (direct) {
        tdagi_export_piece(e, k, "torch.%s%id($0", name, (int64_t)n);
        return;
    }
    tdag_dim shape[TDAG_MAX_RANK] = {
        tdagi_dim_product(e->r->pool, x->rank - n, x->shape)};
    for (uint32_t i = 0; i < n; i++)
        shape[i + 1] = x->shape[x->rank - n + i];
    const tdag_list flat = {n + 1, shape};
    tdagi_export_piece(e, k, "torch.reshape(torch.%s%id(torch.reshape($0, %l)", name,
                       (int64_t)n, &flat);
}

/* `part`: what is taken of the call's results. */
static void pool_end_part(tdagi_exporter *e, const tdagi_kernel *k, uint32_t n,
                          const char *part)
{
    const tdagi_kernel *x = tdagi_export_input(e, k, 0);
    const tdag_list whole = {k->rank, k->shape};
    if (x->rank == n + 1 || x->rank == n + 2)
        tdagi_export_piece(e, k, ")%s", part);
    else
        tdagi_export_piece(e, k, ")%s, %l)", part, &whole);
    tdagi_export_end(e);
}

static void pool_end(tdagi_exporter *e, const tdagi_kernel *k, uint32_t n)
{
    pool_end_part(e, k, n, "");
}

static void emit_max_pool(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_pool_spec *s = k->spec;
    pool_begin(e, k, s->kernel.n, "max_pool");
    tdagi_export_piece(e, k, ", %l, %l, %l, %l, %b", &s->kernel, &s->stride,
                       &s->padding, &s->dilation, s->ceil_mode);
    pool_end(e, k, s->kernel.n);
}
const tdagi_emitter tdagi_emitter_max_pool = {.emit = emit_max_pool};

static void emit_max_pool_positions(tdagi_exporter *e, const tdagi_kernel *k,
                                    const char *part)
{
    const tdagi_pool_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.max_pool%id_with_indices($0, %l, %l, %l, %l, %b)%s",
                      (int64_t)s->kernel.n, &s->kernel, &s->stride, &s->padding,
                      &s->dilation, s->ceil_mode, part);
}

static void emit_max_pool_with_index(tdagi_exporter *e, const tdagi_kernel *k)
{
    emit_max_pool_positions(e, k, "");
}
const tdagi_emitter tdagi_emitter_max_pool_with_index = {.emit =
                                                             emit_max_pool_with_index};

static void emit_max_pool_position(tdagi_exporter *e, const tdagi_kernel *k)
{
    emit_max_pool_positions(e, k, "[1]");
}
const tdagi_emitter tdagi_emitter_max_pool_position = {.emit = emit_max_pool_position};

/* PyTorch's avg_pool1d has no divisor, so one row of avg_pool2d does it. */
static void emit_avg_pool_row(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_pool_spec *s = k->spec;
    const tdagi_kernel *x = tdagi_export_input(e, k, 0);
    const tdag_dim flat[3] = {tdagi_dim_product(e->r->pool, k->rank - 1u, x->shape), 1,
                              x->shape[k->rank - 1]};
    const tdag_list rows = {3, flat}, whole = {k->rank, k->shape};
    tdagi_export_emit(e, k,
                      "torch.reshape(torch.avg_pool2d(torch.reshape($0, %l), [1, %i], "
                      "[1, %i], [0, %i], %b, %b, %i), %l)",
                      &rows, s->kernel.v[0], s->stride.v[0], s->padding.v[0],
                      s->ceil_mode, s->count_include_pad, s->divisor, &whole);
}

static void emit_avg_pool(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_pool_spec *s = k->spec;
    if (s->kernel.n == 1 && s->divisor != 0) {
        emit_avg_pool_row(e, k);
        return;
    }
    pool_begin(e, k, s->kernel.n, "avg_pool");
    tdagi_export_piece(e, k, ", %l, %l, %l, %b, %b", &s->kernel, &s->stride,
                       &s->padding, s->ceil_mode, s->count_include_pad);
    if (s->divisor != 0) tdagi_export_piece(e, k, ", %i", s->divisor);
    pool_end(e, k, s->kernel.n);
}
const tdagi_emitter tdagi_emitter_avg_pool = {.emit = emit_avg_pool};

static void emit_adaptive_avg_pool(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_adaptive_pool_spec *s = k->spec;
    pool_begin(e, k, s->output.n, "adaptive_avg_pool");
    tdagi_export_piece(e, k, ", %l", &s->output);
    pool_end(e, k, s->output.n);
}
const tdagi_emitter tdagi_emitter_adaptive_avg_pool = {.emit = emit_adaptive_avg_pool};

static void emit_adaptive_max_pool(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_adaptive_pool_spec *s = k->spec;
    pool_begin(e, k, s->output.n, "adaptive_max_pool");
    tdagi_export_piece(e, k, ", %l", &s->output);
    pool_end_part(e, k, s->output.n, "[0]");
}
const tdagi_emitter tdagi_emitter_adaptive_max_pool = {.emit = emit_adaptive_max_pool};

static void emit_adaptive_positions(tdagi_exporter *e, const tdagi_kernel *k,
                                    const char *part)
{
    const tdagi_adaptive_pool_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.adaptive_max_pool%id($0, %l)%s",
                      (int64_t)s->output.n, &s->output, part);
}

static void emit_adaptive_max_pool_with_index(tdagi_exporter *e, const tdagi_kernel *k)
{
    emit_adaptive_positions(e, k, "");
}
const tdagi_emitter tdagi_emitter_adaptive_max_pool_with_index = {
    .emit = emit_adaptive_max_pool_with_index};

static void emit_adaptive_max_pool_position(tdagi_exporter *e, const tdagi_kernel *k)
{
    emit_adaptive_positions(e, k, "[1]");
}
const tdagi_emitter tdagi_emitter_adaptive_max_pool_position = {
    .emit = emit_adaptive_max_pool_position};

static void emit_grid_sample(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_grid_sample_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.grid_sampler($0, $1, %i, %i, %b)", s->mode,
                      s->padding, s->align_corners);
}
const tdagi_emitter tdagi_emitter_grid_sample = {.emit = emit_grid_sample};

static void emit_im2col(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_im2col_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.im2col($0, %l, %l, %l, %l)", &s->kernel,
                      &s->dilation, &s->padding, &s->stride);
}
const tdagi_emitter tdagi_emitter_im2col = {.emit = emit_im2col};

static void emit_col2im(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_im2col_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.col2im($0, %l, %l, %l, %l, %l)", &s->output,
                      &s->kernel, &s->dilation, &s->padding, &s->stride);
}
const tdagi_emitter tdagi_emitter_col2im = {.emit = emit_col2im};
