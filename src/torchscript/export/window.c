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

/* PyTorch's avg_pool3d wants an input as long as its window before it is padded. */
static bool pads_apart(const tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_pool_spec *s = k->spec;
    const tdagi_kernel *x = tdagi_export_input(e, k, 0);
    bool shorter = false;
    for (uint32_t i = 0; i < s->kernel.n; i++) {
        int64_t n = 0;
        tdag_dim d = x->shape[x->rank - s->kernel.n + i];
        shorter |= tdagi_dim_is_const(e->r->pool, d, &n) && n < s->kernel.v[i];
    }
    return shorter && s->kernel.n == 3 && s->ceil_mode == 0 &&
           (s->count_include_pad != 0 || s->divisor != 0) && x->rank >= 4 &&
           x->rank <= 5;
}

static void emit_avg_pool(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_pool_spec *s = k->spec;
    if (pads_apart(e, k)) {
        const int64_t *p = s->padding.v;
        const tdag_list pads = {6,
                                (const int64_t[]){p[2], p[2], p[1], p[1], p[0], p[0]}};
        tdagi_export_begin(e, k);
        tdagi_export_piece(e, k,
                           "torch.avg_pool3d(torch.constant_pad_nd($0, %l, 0.0), %l, "
                           "%l, [0, 0, 0], False, True",
                           &pads, &s->kernel, &s->stride);
        if (s->divisor != 0) tdagi_export_piece(e, k, ", %i", s->divisor);
        tdagi_export_piece(e, k, ")");
        tdagi_export_end(e);
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
