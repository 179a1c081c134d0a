/* Matrix products of the native engine: every contraction here becomes GEMMs on f32 or
 * f64; other dtypes are left to the reference. */
#include <string.h>

#include "run/native/native.h"

#define PLAIN_GEMM(T)                                                                  \
    static void plain_gemm_##T(const tdagi_gemm *g)                                    \
    {                                                                                  \
        const T *a = g->a, *b = g->b;                                                  \
        int64_t ai = g->transpose_a ? 1 : g->lda, ap = g->transpose_a ? g->lda : 1;    \
        int64_t bp = g->transpose_b ? 1 : g->ldb, bj = g->transpose_b ? g->ldb : 1;    \
        for (int64_t i = 0; i < g->m; i++) {                                           \
            T *row = (T *)g->c + i * g->ldc;                                           \
            for (int64_t j = 0; j < g->n; j++)                                         \
                row[j] = g->beta == 0 ? 0 : (T)g->beta * row[j];                       \
            for (int64_t p = 0; p < g->k; p++) {                                       \
                T x = (T)g->alpha * a[i * ai + p * ap];                                \
                for (int64_t j = 0; j < g->n; j++)                                     \
                    row[j] += x * b[p * bp + j * bj];                                  \
            }                                                                          \
        }                                                                              \
    }
PLAIN_GEMM(float)
PLAIN_GEMM(double)

void tdagi_native_gemm(const tdagi_native *native, tdag_dtype dtype,
                       const tdagi_gemm *g)
{
    bool single = dtype == TDAG_F32;
    if (g->m == 0 || g->n == 0) return;
    if (g->k == 0 || native->blas == NULL)
        (single ? plain_gemm_float : plain_gemm_double)(g);
    else
        (single ? native->blas->sgemm : native->blas->dgemm)(g);
}

static bool covered_dtype(const tdagi_native_call *c)
{
    return c->kernel->dtype == TDAG_F32 || c->kernel->dtype == TDAG_F64;
}

/* A matrix [rows, columns] within a value that BLAS can read as it is: one of its two
 * strides is 1, the other a leading dimension. */
typedef struct matrix {
    const char *data;
    bool transposed; /* memory holds [columns, rows] */
    int64_t leading;
} matrix;

static bool as_matrix(const tdagi_strided *x, uint32_t row_axis, uint32_t column_axis,
                      matrix *out)
{
    int64_t rows = x->shape[row_axis], columns = x->shape[column_axis];
    int64_t rs = rows == 1 ? columns : x->stride[row_axis];
    int64_t cs = columns == 1 ? 1 : x->stride[column_axis];
    out->data = x->data;
    if (cs == 1 && rs >= columns) {
        out->transposed = false;
        out->leading = rs < 1 ? 1 : rs;
        return true;
    }
    rs = rows == 1 ? 1 : x->stride[row_axis];
    cs = columns == 1 ? rows : x->stride[column_axis];
    out->transposed = true;
    out->leading = cs < 1 ? 1 : cs;
    return rs == 1 && cs >= rows;
}

/* x as a value whose last two axes BLAS can read; a copy where it cannot. */
static tdag_status readable(tdag_ctx *ctx, const tdagi_strided *x, tdagi_strided *out)
{
    matrix m;
    if (as_matrix(x, x->rank - 2, x->rank - 1, &m)) {
        *out = *x;
        tdag_tensor_copy(x->base);
        return TDAG_OK;
    }
    return tdagi_strided_contiguous(ctx, x, out);
}

/* out [batch..., M, N] = x [batch..., M, K] @ y [batch..., K, N], batch axes broadcast;
 * what is in `out` is added, or not.
 */
static tdag_status batched(const tdagi_native *native, const tdagi_strided *x,
                           const tdagi_strided *y, const tdagi_strided *out, bool adds)
{
    tdagi_strided a, b;
    for (uint32_t i = 0; i < 2; i++) /* BLAS counts in int */
        if (x->shape[x->rank - 1 - i] > INT32_MAX ||
            y->shape[y->rank - 1 - i] > INT32_MAX)
            return tdagi_fail(native->ctx, TDAG_E_LIMIT,
                              "a matrix of a contraction has more than 2^31 - 1 rows");
    TDAGI_TRY(readable(native->ctx, x, &a));
    tdag_status st = readable(native->ctx, y, &b);
    if (st != TDAG_OK) {
        tdagi_strided_free(&a);
        return st;
    }
    uint32_t nb = out->rank - 2;
    int64_t m = a.shape[a.rank - 2], k = a.shape[a.rank - 1], n = b.shape[b.rank - 1];
    matrix am, bm;
    (void)as_matrix(&a, a.rank - 2, a.rank - 1, &am);
    (void)as_matrix(&b, b.rank - 2, b.rank - 1, &bm);
    int64_t index[TDAG_MAX_RANK] = {0}, n_batch = 1;
    for (uint32_t i = 0; i < nb; i++)
        n_batch *= out->shape[i];
    size_t size = tdag_dtype_size(out->dtype);
    for (int64_t t = 0; t < n_batch; t++) {
        int64_t ao = 0, bo = 0;
        for (uint32_t i = 0; i < nb; i++) {
            uint32_t am_axis = i + a.rank - out->rank, bm_axis = i + b.rank - out->rank;
            if (i + a.rank >= out->rank && a.shape[am_axis] != 1)
                ao += index[i] * a.stride[am_axis];
            if (i + b.rank >= out->rank && b.shape[bm_axis] != 1)
                bo += index[i] * b.stride[bm_axis];
        }
        tdagi_gemm g = {am.transposed,
                        bm.transposed,
                        (int)m,
                        (int)n,
                        (int)k,
                        1,
                        adds,
                        am.data + ao * (int64_t)size,
                        bm.data + bo * (int64_t)size,
                        out->data + t * m * n * (int64_t)size,
                        (int)am.leading,
                        (int)bm.leading,
                        (int)n};
        tdagi_native_gemm(native, out->dtype, &g);
        for (uint32_t i = nb; i-- > 0;) {
            if (++index[i] < out->shape[i]) break;
            index[i] = 0;
        }
    }
    tdagi_strided_free(&a);
    tdagi_strided_free(&b);
    return TDAG_OK;
}

static void insert_axis(tdagi_strided *v, uint32_t axis)
{
    for (uint32_t i = v->rank; i > axis; i--) {
        v->shape[i] = v->shape[i - 1];
        v->stride[i] = v->stride[i - 1];
    }
    v->shape[axis] = 1;
    v->stride[axis] = 0;
    v->rank++;
}

static tdag_status not_handled(tdagi_native_call *c)
{
    c->handled = false;
    return TDAG_OK;
}

tdag_status tdagi_native_matmul(tdagi_native_call *c)
{
    if (!covered_dtype(c)) return not_handled(c);
    tdagi_strided x = *c->in[0], y = *c->in[1], out, shaped;
    if (x.rank == 0 || y.rank == 0) return not_handled(c);
    bool left = x.rank == 1, right = y.rank == 1;
    if (left) insert_axis(&x, 0);
    if (right) insert_axis(&y, 1);
    TDAGI_TRY(tdagi_native_result(c, &out));
    shaped = out;
    if (right) insert_axis(&shaped, shaped.rank);
    if (left) insert_axis(&shaped, shaped.rank - 1);
    tdag_status st = batched(c->native, &x, &y, &shaped, false);
    if (st != TDAG_OK)
        tdagi_strided_free(&out);
    else
        *c->out = out;
    return st;
}

/* What is to be added, everywhere; false: there is nothing. */
static bool put_bias(const tdagi_strided *bias, tdagi_strided *out)
{
    if (bias->base == NULL) return false;
    tdagi_strided all = tdagi_strided_broadcast(bias, out->rank, out->shape);
    tdagi_strided_copy(&all, out);
    return true;
}

tdag_status tdagi_native_linear(tdagi_native_call *c)
{
    if (!covered_dtype(c)) return not_handled(c);
    const tdagi_kernel *k = c->kernel;
    tdagi_strided x, w = *c->in[1], out;
    tdag_ctx *ctx = c->native->ctx;
    TDAGI_TRY(tdagi_strided_contiguous(ctx, c->in[0], &x));
    tdag_status st = tdagi_native_result(c, &out);
    if (st != TDAG_OK) {
        tdagi_strided_free(&x);
        return st;
    }
    int64_t width = x.shape[x.rank - 1], n = k->shape[k->rank - 1], m = 1;
    for (uint32_t i = 0; i + 1 < x.rank; i++)
        m *= x.shape[i];
    const tdagi_packed *packed = tdagi_native_packed(c);
    if (packed != NULL) {
        tdagi_step_of(c->native->blas, x.dtype)
            ->product(packed, m, (tdagi_step_rows){x.data, width}, (tdagi_step_rows){0},
                      out.data);
        tdagi_strided_free(&x);
        *c->out = out;
        return TDAG_OK;
    }
    tdagi_strided flat_x = x, flat_out = out;
    flat_x.rank = flat_out.rank = 2;
    flat_x.shape[0] = flat_out.shape[0] = m;
    flat_x.shape[1] = flat_x.stride[0] = width;
    flat_out.shape[1] = flat_out.stride[0] = n;
    flat_x.stride[1] = flat_out.stride[1] = 1;
    tdagi_strided wt = w;
    wt.shape[0] = w.shape[1];
    wt.shape[1] = w.shape[0];
    wt.stride[0] = w.stride[1];
    wt.stride[1] = w.stride[0];
    const bool adds = k->n_inputs > 2 && put_bias(c->in[2], &out);
    st = batched(c->native, &flat_x, &wt, &flat_out, adds);
    tdagi_strided_free(&x);
    if (st != TDAG_OK)
        tdagi_strided_free(&out);
    else
        *c->out = out;
    return st;
}

tdag_status tdagi_native_addmm(tdagi_native_call *c)
{
    const tdagi_addmm_spec *s = c->kernel->spec;
    if (!covered_dtype(c) || s->alpha != 1 || s->beta != 1) return not_handled(c);
    tdagi_strided out;
    TDAGI_TRY(tdagi_native_result(c, &out));
    const bool adds = put_bias(c->in[0], &out);
    tdag_status st = batched(c->native, c->in[1], c->in[2], &out, adds);
    if (st != TDAG_OK)
        tdagi_strided_free(&out);
    else
        *c->out = out;
    return st;
}

/* ---- einsum ---- */

/* x with its axes in the order of `letters`, absent ones of size 1. */
static tdagi_strided arranged(const tdagi_strided *x, const char *own,
                              const char *letters)
{
    tdagi_strided v = *x;
    v.rank = (uint32_t)strlen(letters);
    for (uint32_t i = 0; i < v.rank; i++) {
        const char *at = memchr(own, letters[i], x->rank);
        v.shape[i] = at == NULL ? 1 : x->shape[at - own];
        v.stride[i] = at == NULL ? 0 : x->stride[at - own];
    }
    return v;
}

typedef struct einsum_plan {
    const char *x, *y, *out; /* letters of the equation */
    uint32_t nx, ny, n_out;
    char batch[TDAG_MAX_RANK + 1], rows[TDAG_MAX_RANK + 1], columns[TDAG_MAX_RANK + 1],
        summed[TDAG_MAX_RANK + 1];
} einsum_plan;

static void append(char *letters, char letter)
{
    size_t n = strlen(letters);
    letters[n] = letter;
    letters[n + 1] = '\0';
}

/* Letters by role; false where one is summed over a single operand. */
static bool plan_einsum(const char *equation, einsum_plan *p)
{
    memset(p, 0, sizeof(*p));
    p->x = equation;
    p->nx = (uint32_t)strcspn(equation, ",");
    p->y = equation + p->nx + 1;
    p->ny = (uint32_t)strcspn(p->y, "-");
    p->out = p->y + p->ny + 2;
    p->n_out = (uint32_t)strlen(p->out);
    for (uint32_t i = 0; i < p->n_out; i++) {
        bool in_x = memchr(p->x, p->out[i], p->nx),
             in_y = memchr(p->y, p->out[i], p->ny);
        append(in_x && in_y ? p->batch : in_x ? p->rows : p->columns, p->out[i]);
    }
    for (uint32_t i = 0; i < p->nx; i++) {
        if (memchr(p->out, p->x[i], p->n_out)) continue;
        if (!memchr(p->y, p->x[i], p->ny)) return false;
        append(p->summed, p->x[i]);
    }
    for (uint32_t i = 0; i < p->ny; i++)
        if (!memchr(p->out, p->y[i], p->n_out) && !memchr(p->x, p->y[i], p->nx))
            return false;
    return true;
}

static int64_t extent(const tdagi_strided *v, const char *own, uint32_t n,
                      const char *letters)
{
    int64_t product = 1;
    for (; *letters != '\0'; letters++) {
        const char *at = memchr(own, *letters, n);
        if (at != NULL) product *= v->shape[at - own];
    }
    return product;
}

/* Operand -> [batch, first, second] of three extents. */
static tdag_status to_matrices(tdag_ctx *ctx, const tdagi_strided *x, const char *own,
                               const char *groups[3], const int64_t *extents,
                               tdagi_strided *out)
{
    char letters[3 * TDAG_MAX_RANK + 1] = "";
    for (uint32_t i = 0; i < 3; i++)
        strcat(letters, groups[i]);
    tdagi_strided v = arranged(x, own, letters);
    return tdagi_strided_reshape(ctx, &v, 3, extents, out);
}

tdag_status tdagi_native_einsum(tdagi_native_call *c)
{
    einsum_plan p;
    const tdagi_einsum_spec *s = c->kernel->spec;
    if (!covered_dtype(c) || !plan_einsum(s->equation, &p)) return not_handled(c);
    tdag_ctx *ctx = c->native->ctx;
    const tdagi_strided *x = c->in[0], *y = c->in[1];
    int64_t nb = extent(x, p.x, p.nx, p.batch), m = extent(x, p.x, p.nx, p.rows);
    int64_t k = extent(x, p.x, p.nx, p.summed), n = extent(y, p.y, p.ny, p.columns);
    const char *gx[3] = {p.batch, p.rows, p.summed},
               *gy[3] = {p.batch, p.summed, p.columns};
    const int64_t ex[3] = {nb, m, k}, ey[3] = {nb, k, n}, eo[3] = {nb, m, n};
    tdagi_strided a = {0}, b = {0}, product = {0}, result = {0};
    tdag_status st = to_matrices(ctx, x, p.x, gx, ex, &a);
    if (st == TDAG_OK) st = to_matrices(ctx, y, p.y, gy, ey, &b);
    if (st == TDAG_OK)
        st = tdagi_strided_create(ctx, (tdag_dtype)c->kernel->dtype, 3, eo, &product);
    if (st == TDAG_OK) st = batched(c->native, &a, &b, &product, false);
    if (st == TDAG_OK) {
        char letters[3 * TDAG_MAX_RANK + 1] = "";
        int64_t shape[TDAG_MAX_RANK];
        strcat(strcat(strcat(letters, p.batch), p.rows), p.columns);
        for (uint32_t i = 0; i < p.n_out; i++)
            shape[i] =
                c->kernel
                    ->shape[(const char *)memchr(p.out, letters[i], p.n_out) - p.out];
        st = tdagi_strided_reshape(ctx, &product, p.n_out, shape, &result);
        if (st == TDAG_OK) {
            char order[TDAG_MAX_RANK + 1] = "";
            memcpy(order, p.out, p.n_out);
            *c->out = arranged(&result, letters, order);
        }
    }
    tdagi_strided_free(&a);
    tdagi_strided_free(&b);
    tdagi_strided_free(&product);
    return st;
}
