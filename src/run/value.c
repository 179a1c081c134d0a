/* See value.h. */
#include "run/value.h"

#include <string.h>

static void contiguous_strides(tdagi_strided *v)
{
    int64_t step = 1;
    for (uint32_t i = v->rank; i-- > 0;) {
        v->stride[i] = step;
        step *= v->shape[i];
    }
}

void tdagi_strided_wrap(tdagi_strided *v, const tdag_tensor *t)
{
    v->base = tdag_tensor_copy(t);
    v->data = t->data;
    v->dtype = t->dtype;
    v->rank = t->rank;
    memcpy(v->shape, t->shape, sizeof(v->shape));
    contiguous_strides(v);
}

void tdagi_strided_free(tdagi_strided *v)
{
    tdag_tensor_free(v->base);
    v->base = NULL;
}

tdag_status tdagi_strided_create(tdag_ctx *ctx, tdag_dtype dtype, uint32_t rank,
                                 const int64_t *shape, tdagi_strided *out)
{
    tdag_tensor *t = NULL;
    TDAGI_TRY(tdag_tensor_create(ctx, dtype, rank, shape, &t));
    tdagi_strided_wrap(out, t);
    tdag_tensor_free(t);
    return TDAG_OK;
}

int64_t tdagi_strided_count(const tdagi_strided *v)
{
    int64_t n = 1;
    for (uint32_t i = 0; i < v->rank; i++)
        n *= v->shape[i];
    return n;
}

bool tdagi_strided_is_contiguous(const tdagi_strided *v)
{
    int64_t step = 1;
    for (uint32_t i = v->rank; i-- > 0;) {
        if (v->shape[i] != 1 && v->stride[i] != step) return false;
        step *= v->shape[i];
    }
    return true;
}

/* ---- rows ---- */

/* True if axis i of every operand continues axis i + 1, or one of the two has size 1.
 */
static bool mergeable(const tdagi_rows *r, uint32_t outer, uint32_t inner)
{
    for (uint32_t k = 0; k < r->n; k++)
        if (r->step[k][outer] != r->step[k][inner] * r->shape[inner]) return false;
    return true;
}

static void drop_axis(tdagi_rows *r, uint32_t axis)
{
    for (uint32_t i = axis; i + 1 < r->rank; i++) {
        r->shape[i] = r->shape[i + 1];
        for (uint32_t k = 0; k < r->n; k++)
            r->step[k][i] = r->step[k][i + 1];
    }
    r->rank--;
}

static void merge_axes(tdagi_rows *r)
{
    for (uint32_t i = r->rank; i-- > 0;)
        if (r->shape[i] == 1) drop_axis(r, i);
    for (uint32_t i = r->rank; i-- > 1;) {
        if (!mergeable(r, i - 1, i)) continue;
        for (uint32_t k = 0; k < r->n; k++)
            r->step[k][i - 1] = r->step[k][i];
        r->shape[i - 1] *= r->shape[i];
        drop_axis(r, i);
    }
}

void tdagi_rows_start(tdagi_rows *r, uint32_t n, tdagi_strided *const *operands)
{
    memset(r, 0, sizeof(*r));
    r->n = n;
    r->rank = operands[0]->rank;
    memcpy(r->shape, operands[0]->shape, sizeof(r->shape));
    for (uint32_t k = 0; k < n; k++) {
        int64_t size = (int64_t)tdag_dtype_size(operands[k]->dtype);
        r->data[k] = operands[k]->data;
        for (uint32_t i = 0; i < r->rank; i++)
            r->step[k][i] = operands[k]->stride[i] * size;
    }
    merge_axes(r);
    r->length = 1;
    if (r->rank > 0) {
        r->rank--;
        r->length = r->shape[r->rank];
        for (uint32_t k = 0; k < n; k++)
            r->stride[k] =
                r->step[k][r->rank] / (int64_t)tdag_dtype_size(operands[k]->dtype);
    }
    r->n_rows = r->length == 0 ? 0 : 1;
    for (uint32_t i = 0; i < r->rank; i++)
        r->n_rows *= r->shape[i];
}

void tdagi_rows_next(tdagi_rows *r)
{
    for (uint32_t i = r->rank; i-- > 0;) {
        for (uint32_t k = 0; k < r->n; k++)
            r->data[k] += r->step[k][i];
        if (++r->index[i] < r->shape[i]) return;
        for (uint32_t k = 0; k < r->n; k++)
            r->data[k] -= r->step[k][i] * r->shape[i];
        r->index[i] = 0;
    }
}

/* ---- copies ---- */

#define COPY_ROW(type)                                                                 \
    {                                                                                  \
        const type *source = (const void *)r.data[0];                                  \
        type *to = (void *)r.data[1];                                                  \
        for (int64_t j = 0; j < r.length; j++)                                         \
            to[j * r.stride[1]] = source[j * r.stride[0]];                             \
    }

void tdagi_strided_copy(const tdagi_strided *x, tdagi_strided *out)
{
    tdagi_strided from = *x;
    tdagi_strided *const operands[2] = {&from, out};
    tdagi_rows r;
    tdagi_rows_start(&r, 2, operands);
    size_t size = tdag_dtype_size(x->dtype);
    for (int64_t i = 0; i < r.n_rows; i++, tdagi_rows_next(&r)) {
        if (r.stride[0] == 1 && r.stride[1] == 1)
            memcpy(r.data[1], r.data[0], (size_t)r.length * size);
        else if (size == 8)
            COPY_ROW(uint64_t)
        else if (size == 4)
            COPY_ROW(uint32_t)
        else if (size == 2)
            COPY_ROW(uint16_t)
        else
            COPY_ROW(uint8_t)
    }
}

tdag_status tdagi_strided_contiguous(tdag_ctx *ctx, const tdagi_strided *x,
                                     tdagi_strided *out)
{
    if (tdagi_strided_is_contiguous(x)) {
        *out = *x;
        tdag_tensor_copy(x->base);
        return TDAG_OK;
    }
    TDAGI_TRY(tdagi_strided_create(ctx, x->dtype, x->rank, x->shape, out));
    tdagi_strided_copy(x, out);
    return TDAG_OK;
}

tdag_status tdagi_strided_tensor(tdag_ctx *ctx, const tdagi_strided *x,
                                 tdag_tensor **out)
{
    const tdag_tensor *b = x->base;
    bool whole = b->data == (void *)x->data && b->rank == x->rank &&
                 b->dtype == x->dtype && tdagi_strided_is_contiguous(x) &&
                 memcmp(b->shape, x->shape, x->rank * sizeof(int64_t)) == 0;
    if (whole) {
        *out = tdag_tensor_copy(b);
        return TDAG_OK;
    }
    tdagi_strided copy;
    TDAGI_TRY(tdagi_strided_create(ctx, x->dtype, x->rank, x->shape, &copy));
    tdagi_strided_copy(x, &copy);
    *out = copy.base;
    return TDAG_OK;
}

/* ---- reshaping ---- */

/* Strides for a new shape without a copy: each run of old axes that is contiguous in
 * itself splits into new axes. False where a new axis would straddle two runs. */
static bool reshape_strides(const tdagi_strided *x, uint32_t rank, const int64_t *shape,
                            int64_t *stride)
{
    uint32_t i = 0, j = 0;
    while (j < rank) {
        if (shape[j] == 1) {
            stride[j++] = 0;
            continue;
        }
        while (i < x->rank && x->shape[i] == 1)
            i++;
        uint32_t first = j, last = i;
        int64_t want = shape[j++], have = x->shape[i++];
        while (want != have) {
            if (want < have) {
                want *= shape[j++];
                continue;
            }
            while (x->shape[i] == 1)
                i++;
            if (x->stride[last] != x->stride[i] * x->shape[i]) return false;
            last = i;
            have *= x->shape[i++];
        }
        int64_t step = x->stride[last];
        for (uint32_t k = j; k-- > first;) {
            stride[k] = step;
            step *= shape[k];
        }
    }
    return true;
}

tdag_status tdagi_strided_reshape(tdag_ctx *ctx, const tdagi_strided *x, uint32_t rank,
                                  const int64_t *shape, tdagi_strided *out)
{
    tdagi_strided from = *x;
    bool empty = tdagi_strided_count(x) == 0;
    if (empty || !reshape_strides(x, rank, shape, out->stride)) {
        TDAGI_TRY(tdagi_strided_contiguous(ctx, x, &from));
    } else {
        tdag_tensor_copy(from.base);
    }
    out->base = from.base;
    out->data = from.data;
    out->dtype = from.dtype;
    out->rank = rank;
    if (rank > 0) memmove(out->shape, shape, rank * sizeof(int64_t));
    if (empty || tdagi_strided_is_contiguous(&from)) contiguous_strides(out);
    return TDAG_OK;
}

tdagi_strided tdagi_strided_broadcast(const tdagi_strided *x, uint32_t rank,
                                      const int64_t *shape)
{
    tdagi_strided v = *x;
    uint32_t missing = rank - x->rank;
    v.rank = rank;
    for (uint32_t i = 0; i < rank; i++) {
        bool own = i >= missing && x->shape[i - missing] == shape[i];
        v.shape[i] = shape[i];
        v.stride[i] = own ? x->stride[i - missing] : 0;
    }
    return v;
}
