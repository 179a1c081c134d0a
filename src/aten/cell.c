/* Tensors as cells: reading a view anew after its memory was written, and writing
 * through a view by inverting each step up to the memory it shows. Strides are kept
 * only to know whether a reshape is a view, as PyTorch decides it. */
#include "torchscript/import/import.h"

#include <string.h>

#include "base/tensor.h"
#include "derive/derive.h"

static tdagi_itensor *new_cell(tdagi_import *im)
{
    tdagi_itensor *t = tdagi_import_alloc(im, sizeof(*t));
    if (t == NULL) return NULL;
    memset(t, 0, sizeof(*t));
    t->root = t;
    return t;
}

tdagi_itensor *tdagi_it_new(tdagi_import *im, tdag_value v)
{
    if (v.id == 0) return NULL;
    tdagi_itensor *t = new_cell(im);
    if (t != NULL) t->value = v;
    return t;
}

tdagi_itensor *tdagi_it_known_list(tdagi_import *im, tdag_dtype dtype, uint32_t n,
                                   const tdagi_ival *numbers)
{
    tdagi_itensor *t = new_cell(im);
    tdagi_ival *known = tdagi_import_alloc(im, n * sizeof(*known));
    if (t == NULL || known == NULL) return NULL;
    memcpy(known, numbers, n * sizeof(*known));
    t->known = known;
    t->dtype = dtype;
    t->n_known = n;
    t->known_rank = 1;
    return t;
}

tdagi_itensor *tdagi_it_known(tdagi_import *im, tdag_dtype dtype, tdagi_ival number)
{
    tdagi_itensor *t = tdagi_it_known_list(im, dtype, 1, &number);
    if (t != NULL) t->known_rank = 0;
    return t;
}

/* ---- types ---- */

tdag_dtype tdagi_it_dtype(tdagi_import *im, tdagi_itensor *t)
{
    if (t->value.id == 0) return t->dtype;
    return tdag_builder_get_dtype(im->b, t->value);
}

uint32_t tdagi_it_rank(tdagi_import *im, tdagi_itensor *t)
{
    if (t->value.id == 0) return t->known_rank;
    return tdag_builder_get_rank(im->b, t->value);
}

const tdag_dim *tdagi_it_shape(tdagi_import *im, tdagi_itensor *t)
{
    if (t->value.id != 0) return tdag_builder_get_shape(im->b, t->value);
    tdag_dim *n = tdagi_import_alloc(im, sizeof(*n));
    if (n != NULL) *n = t->n_known;
    return n;
}

tdag_dim tdagi_it_dim(tdagi_import *im, tdagi_itensor *t, uint32_t axis)
{
    if (t->value.id == 0) return t->n_known;
    return tdag_builder_get_shape(im->b, t->value)[axis];
}

const tdagi_ival *tdagi_it_number(tdagi_import *im, tdagi_itensor *t)
{
    (void)im;
    if (t->parent != NULL && t->generation != t->root->generation) return NULL;
    return t->known != NULL && t->known_rank == 0 ? t->known : NULL;
}

/* ---- strides ---- */

static tdag_dim *row_major(tdagi_import *im, uint32_t rank, const tdag_dim *shape)
{
    tdag_dim *s = tdagi_import_alloc(im, rank * sizeof(*s));
    tdag_dim step = 1;
    for (uint32_t i = rank; s != NULL && i-- > 0;) {
        s[i] = step;
        step = tdagi_dim_mul(im->pool, step, shape[i]);
    }
    return s;
}

bool tdagi_it_is_contiguous(tdagi_import *im, tdagi_itensor *t)
{
    if (t->strides == NULL) return true;
    uint32_t rank = tdagi_it_rank(im, t);
    const tdag_dim *shape = tdagi_it_shape(im, t);
    tdag_dim step = 1;
    for (uint32_t i = rank; i-- > 0;) {
        if (shape[i] == 0) return true;
        if (shape[i] == 1) continue;
        if (t->strides[i] != step) return false;
        step = tdagi_dim_mul(im->pool, step, shape[i]);
    }
    return true;
}

/* The strides of a reshaped view, NULL where it needs a copy: runs of axes whose memory
 * is one block are matched with runs of new axes of the same product. */
static tdag_dim *view_strides(tdagi_import *im, tdagi_itensor *t, uint32_t rank,
                              const tdag_dim *shape)
{
    uint32_t old_rank = tdagi_it_rank(im, t);
    const tdag_dim *old = tdagi_it_shape(im, t);
    tdag_dim *out = tdagi_import_alloc(im, rank * sizeof(*out));
    if (out == NULL) return NULL;
    int64_t at = (int64_t)rank - 1;
    tdag_dim block = 1, placed = 1, base = 1;
    bool open = false;
    for (uint32_t i = old_rank; i-- > 0;) {
        if (!open) base = t->strides[i];
        open = true;
        block = tdagi_dim_mul(im->pool, block, old[i]);
        bool joins =
            i > 0 && (old[i - 1] == 1 ||
                      t->strides[i - 1] == tdagi_dim_mul(im->pool, block, base));
        if (joins) continue;
        while (at >= 0 && (placed != block || shape[at] == 1)) {
            out[at] = tdagi_dim_mul(im->pool, placed, base);
            placed = tdagi_dim_mul(im->pool, placed, shape[at]);
            if (tdagi_dim_sample(im->pool, placed) > tdagi_dim_sample(im->pool, block))
                return NULL;
            at--;
        }
        if (placed != block) return NULL;
        block = placed = 1;
        open = false;
    }
    for (; at >= 0; at--)
        out[at] = 1;
    return out;
}

bool tdagi_it_can_view(tdagi_import *im, tdagi_itensor *t, uint32_t rank,
                       const tdag_dim *shape)
{
    return tdagi_it_is_contiguous(im, t) || view_strides(im, t, rank, shape) != NULL;
}

static void set_strides(tdagi_import *im, tdagi_itensor *t, tdagi_itensor *of)
{
    const tdagi_iview *w = &t->view;
    uint32_t rank = tdagi_it_rank(im, t), old_rank = tdagi_it_rank(im, of);
    const tdag_dim *shape = tdagi_it_shape(im, t);
    bool reshapes = w->kind == TDAGI_VIEW_RESHAPE || w->kind == TDAGI_VIEW_SQUEEZE ||
                    w->kind == TDAGI_VIEW_UNSQUEEZE;
    if (w->kind == TDAGI_VIEW_ALIAS) t->strides = of->strides;
    if (w->kind == TDAGI_VIEW_ALIAS || (reshapes && of->strides == NULL)) return;
    if (reshapes) {
        t->strides = view_strides(im, t->parent, rank, shape);
        return;
    }
    const tdag_dim *old = of->strides;
    if (old == NULL) old = row_major(im, old_rank, tdagi_it_shape(im, of));
    tdag_dim *s = tdagi_import_alloc(im, rank * sizeof(*s));
    if (s == NULL || old == NULL) return;
    for (uint32_t i = 0; i < rank; i++) {
        uint32_t from = i;
        if (w->kind == TDAGI_VIEW_PERMUTE) from = (uint32_t)w->dims.v[i];
        if (w->kind == TDAGI_VIEW_SELECT && i >= w->axis) from = i + 1;
        if (w->kind == TDAGI_VIEW_EXPAND) {
            uint32_t added = rank - old_rank;
            from = i < added ? 0 : i - added;
            bool grows = i < added || tdagi_it_shape(im, of)[from] != shape[i];
            s[i] = grows || old_rank == 0 ? 0 : old[from];
            continue;
        }
        s[i] = old[from];
        if (w->kind == TDAGI_VIEW_SLICE && i == w->axis)
            s[i] = tdagi_dim_mul(im->pool, s[i], w->step);
    }
    t->strides = s;
}

/* ---- making views ---- */

static tdag_value apply(tdagi_import *im, const tdagi_iview *w, tdag_value x)
{
    switch ((tdagi_iview_kind)w->kind) {
    case TDAGI_VIEW_ALIAS:
        return x;
    case TDAGI_VIEW_RESHAPE:
        return tdagi_reshape(im->b, x, w->dims.n, w->dims.v);
    case TDAGI_VIEW_PERMUTE:
        return tdag_permute(im->b, x, w->dims);
    case TDAGI_VIEW_SLICE:
        return w->step == 1
                   ? tdagi_slice1(im->b, x, w->axis, w->start, w->end)
                   : tdagi_stride1(im->b, x, w->axis, w->start, w->end, w->step);
    case TDAGI_VIEW_SELECT:
        return tdagi_select1(im->b, x, w->axis, w->start);
    case TDAGI_VIEW_SQUEEZE:
        return w->dims.n == 0 ? x : tdag_squeeze(im->b, x, w->dims);
    case TDAGI_VIEW_UNSQUEEZE:
        return tdagi_unsqueeze1(im->b, x, w->axis);
    case TDAGI_VIEW_EXPAND:
        return tdagi_expand(im->b, x, w->dims.n, w->dims.v);
    case TDAGI_VIEW_MADE:
        return w->make(im->b, w, x);
    }
    return TDAG_NO_VALUE;
}

static tdagi_itensor *attach(tdagi_import *im, tdagi_itensor *of,
                             const tdagi_iview *view, tdag_value v)
{
    tdagi_itensor *t = tdagi_it_new(im, v);
    if (t == NULL) return NULL;
    t->parent = of;
    t->root = of->root;
    t->generation = of->root->generation;
    t->view = *view;
    return t;
}

/* Elements of a known list without making a node. */
static tdagi_itensor *known_view(tdagi_import *im, tdagi_itensor *of,
                                 const tdagi_iview *w)
{
    int64_t start = 0, end = 0;
    if (of->known == NULL || of->value.id != 0 || of->known_rank != 1) return NULL;
    if (!tdagi_dim_is_const(im->pool, w->start, &start)) return NULL;
    tdagi_itensor *t = NULL;
    if (w->kind == TDAGI_VIEW_SELECT && start < of->n_known)
        t = tdagi_it_known(im, of->dtype, of->known[start]);
    if (w->kind == TDAGI_VIEW_SLICE && w->step == 1 &&
        tdagi_dim_is_const(im->pool, w->end, &end) && start < end && end <= of->n_known)
        t = tdagi_it_known_list(im, of->dtype, (uint32_t)(end - start),
                                of->known + start);
    if (t == NULL) return NULL;
    t->parent = of;
    t->root = of->root;
    t->generation = of->root->generation;
    t->view = *w;
    return t;
}

tdagi_itensor *tdagi_it_view(tdagi_import *im, tdagi_itensor *of,
                             const tdagi_iview *view)
{
    tdagi_itensor *known = known_view(im, of, view);
    if (known != NULL) return known;
    tdag_value x = tdagi_it_read(im, of);
    if (x.id == 0) return NULL;
    tdagi_iview w = *view;
    if (w.dims.n > 0) {
        int64_t *dims = tdagi_import_alloc(im, w.dims.n * sizeof(*dims));
        if (dims == NULL) return NULL;
        memcpy(dims, w.dims.v, w.dims.n * sizeof(*dims));
        w.dims.v = dims;
    }
    tdagi_itensor *t = attach(im, of, &w, apply(im, &w, x));
    if (t != NULL) set_strides(im, t, of);
    return t;
}

tdagi_itensor *tdagi_it_made(tdagi_import *im, tdagi_itensor *of,
                             const tdagi_iview *view)
{
    tdag_value x = tdagi_it_read(im, of);
    tdagi_iview w = *view;
    int64_t *dims = tdagi_import_alloc(im, w.dims.n * sizeof(*dims));
    if (dims == NULL || x.id == 0) return NULL;
    if (w.dims.n > 0) memcpy(dims, w.dims.v, w.dims.n * sizeof(*dims));
    w.dims.v = dims;
    w.kind = TDAGI_VIEW_MADE;
    return attach(im, of, &w, apply(im, &w, x));
}

/* ---- reading ---- */

static tdag_value known_scalar(tdagi_import *im, tdag_dtype dtype, tdagi_ival x)
{
    int64_t i;
    if (x.kind == TDAGI_IV_INT && !tdagi_dim_is_const(im->pool, x.u.i, &i))
        return tdagi_cast(im->b, tdagi_dim_value(im->b, x.u.i), dtype);
    if (x.assumed)
        return tdagi_builder_fail(im->b, TDAG_E_UNSUPPORTED,
                                  "a number computed from a symbolic size is used as "
                                  "data; give that dim a fixed size");
    if (x.kind == TDAGI_IV_FLOAT) return tdag_add_scalar(im->b, dtype, x.u.f);
    tdag_tensor *t = NULL;
    if (tdag_builder_get_status(im->b) != TDAG_OK) return TDAG_NO_VALUE;
    tdag_status st = tdag_tensor_create(im->ctx, dtype, 0, NULL, &t);
    if (st != TDAG_OK) {
        if (tdagi_import_ok(im)) im->status = st;
        return TDAG_NO_VALUE;
    }
    if (!tdagi_iv_const_int(im, x, &i)) i = 0;
    tdagi_tensor_set_i64(t, 0, i);
    tdag_value v = tdag_add_tensor(im->b, TDAG_OP_CONSTANT, NULL, t);
    tdag_tensor_free(t);
    return v;
}

/* Makes the node of known numbers: one constant, or a stack of formulas. */
static tdag_value materialise(tdagi_import *im, tdagi_itensor *t)
{
    if (t->known_rank == 0) return known_scalar(im, t->dtype, t->known[0]);
    bool constant = true;
    int64_t i, n = t->n_known;
    for (uint32_t k = 0; k < t->n_known; k++)
        constant = constant && (t->known[k].kind == TDAGI_IV_FLOAT ||
                                tdagi_iv_const_int(im, t->known[k], &i));
    if (!constant) {
        tdag_value *v = tdagi_import_alloc(im, t->n_known * sizeof(*v));
        for (uint32_t k = 0; v != NULL && k < t->n_known; k++)
            v[k] = known_scalar(im, t->dtype, t->known[k]);
        return v == NULL ? TDAG_NO_VALUE : tdagi_stack(im->b, v, t->n_known, 0);
    }
    tdag_tensor *data = NULL;
    tdag_status st = tdag_tensor_create(im->ctx, t->dtype, 1, &n, &data);
    if (st != TDAG_OK) {
        if (tdagi_import_ok(im)) im->status = st;
        return TDAG_NO_VALUE;
    }
    for (int64_t k = 0; k < n; k++) {
        if (t->known[k].kind == TDAGI_IV_FLOAT)
            tdagi_tensor_set_f64(data, k, t->known[k].u.f);
        else if (tdagi_iv_const_int(im, t->known[k], &i))
            tdagi_tensor_set_i64(data, k, i);
    }
    tdag_value v = tdag_add_tensor(im->b, TDAG_OP_CONSTANT, NULL, data);
    tdag_tensor_free(data);
    return v;
}

tdag_value tdagi_it_read(tdagi_import *im, tdagi_itensor *t)
{
    if (!tdagi_import_ok(im)) return TDAG_NO_VALUE;
    if (t->parent != NULL && t->generation != t->root->generation) {
        tdag_value x = tdagi_it_read(im, t->parent);
        t->value = apply(im, &t->view, x);
        t->generation = t->root->generation;
        t->known = NULL;
    } else if (t->value.id == 0 && t->known != NULL) {
        t->value = materialise(im, t);
    }
    return t->value;
}

/* ---- writing ---- */

/* What `whole` becomes when what view w shows of it becomes v. */
static tdag_value invert(tdagi_import *im, const tdagi_iview *w, tdag_value whole,
                         tdag_value v)
{
    uint32_t rank = tdag_builder_get_rank(im->b, whole);
    const tdag_dim *shape = tdag_builder_get_shape(im->b, whole);
    int64_t order[TDAG_MAX_RANK];
    tdag_dim count, copy[TDAG_MAX_RANK];
    tdag_value at;
    memcpy(copy, shape, rank * sizeof(*copy));
    switch ((tdagi_iview_kind)w->kind) {
    case TDAGI_VIEW_ALIAS:
        return v;
    case TDAGI_VIEW_RESHAPE:
    case TDAGI_VIEW_SQUEEZE:
    case TDAGI_VIEW_UNSQUEEZE:
        return tdagi_reshape(im->b, v, rank, shape);
    case TDAGI_VIEW_PERMUTE:
        for (uint32_t i = 0; i < w->dims.n; i++)
            order[w->dims.v[i]] = i;
        return tdag_permute(im->b, v, (tdag_list){w->dims.n, order});
    case TDAGI_VIEW_SLICE:
        return tdagi_slice_assign(im->b, whole, w->axis, w->start, w->end, w->step, v);
    case TDAGI_VIEW_SELECT:
        return tdagi_slice_assign(im->b, whole, w->axis, w->start,
                                  tdag_dim_add(im->b, w->start, 1), 1,
                                  tdagi_unsqueeze1(im->b, v, w->axis));
    case TDAGI_VIEW_MADE: /* made of positions it says where v belongs */
        count = tdagi_dim_product(im->pool, rank, shape);
        at = tdagi_reshape(im->b, tdag_iota(im->b, count, TDAG_I64), rank, shape);
        whole = tdagi_reshape(im->b, whole, 1, &count);
        v = tdag_scatter(im->b, whole, w->make(im->b, w, at), v, 0, TDAG_SCATTER_SET);
        return tdagi_reshape(im->b, v, rank, copy);
    case TDAGI_VIEW_EXPAND:
        break;
    }
    return tdagi_builder_fail(im->b, TDAG_E_UNSUPPORTED,
                              "it writes through a view that cannot be written");
}

void tdagi_it_write(tdagi_import *im, tdagi_itensor *t, tdag_value v)
{
    if (v.id == 0 || !tdagi_import_ok(im)) return;
    if (t->parent != NULL) {
        tdag_value whole = tdagi_it_read(im, t->parent);
        if (whole.id == 0) return;
        tdagi_it_write(im, t->parent, invert(im, &t->view, whole, v));
    } else {
        t->was_written = true;
        t->generation++;
    }
    t->value = v;
    t->known = NULL;
    t->generation = t->root->generation;
}
