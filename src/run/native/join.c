/* Joining and looking up in the native engine, any dtype. */
#include <string.h>

#include "run/native/native.h"

/* Copies each operand into its window of the result. */
static tdag_status join(tdagi_native_call *c, uint32_t axis, bool stacks)
{
    tdagi_strided out;
    TDAGI_TRY(tdagi_native_result(c, &out));
    tdagi_strided window = out;
    for (uint32_t i = 0; i < c->kernel->n_inputs; i++) {
        const tdagi_strided *x = c->in[i];
        tdagi_strided to = window;
        to.shape[axis] = stacks ? 1 : x->shape[axis];
        window.data +=
            to.shape[axis] * out.stride[axis] * (int64_t)tdag_dtype_size(out.dtype);
        tdagi_strided from = *x;
        if (stacks) {
            for (uint32_t k = x->rank; k > axis; k--) {
                from.shape[k] = from.shape[k - 1];
                from.stride[k] = from.stride[k - 1];
            }
            from.shape[axis] = 1;
            from.stride[axis] = 0;
            from.rank++;
        }
        tdagi_strided_copy(&from, &to);
    }
    *c->out = out;
    return TDAG_OK;
}

tdag_status tdagi_native_concat(tdagi_native_call *c)
{
    return join(c, (uint32_t)((const tdagi_axis_spec *)c->kernel->spec)->axis, false);
}

tdag_status tdagi_native_stack(tdagi_native_call *c)
{
    return join(c, (uint32_t)((const tdagi_axis_spec *)c->kernel->spec)->axis, true);
}

/* Rows of a table by index. */
tdag_status tdagi_native_embedding(tdagi_native_call *c)
{
    tdag_ctx *ctx = c->native->ctx;
    tdag_tensor *table = NULL, *index = NULL;
    tdag_status st = tdagi_strided_tensor(ctx, c->in[0], &table);
    if (st == TDAG_OK) st = tdagi_strided_tensor(ctx, c->in[1], &index);
    tdagi_strided out = {0};
    if (st == TDAG_OK) st = tdagi_native_result(c, &out);
    if (st == TDAG_OK) {
        int64_t rows = table->shape[0];
        size_t row = rows == 0 ? 0 : table->size / (size_t)rows;
        for (int64_t i = 0; i < index->count && st == TDAG_OK; i++) {
            int64_t at = tdagi_tensor_get_i64(index, i);
            if (at < 0 || at >= rows)
                st = tdagi_fail(ctx, TDAG_E_ARG,
                                "index %lld is outside a table of %lld rows",
                                (long long)at, (long long)rows);
            else
                memcpy(out.data + (size_t)i * row,
                       (char *)table->data + (size_t)at * row, row);
        }
    }
    if (st == TDAG_OK)
        *c->out = out;
    else
        tdagi_strided_free(&out);
    tdag_tensor_free(table);
    tdag_tensor_free(index);
    return st;
}

/* The n rows of an axis that an index names, one after the other; false: one of them is
 * not there. */
static bool copy_rows(const tdagi_strided *x, uint32_t axis, const tdag_tensor *index,
                      tdagi_strided *out)
{
    tdagi_strided from = *x, to = *out;
    const int64_t size = (int64_t)tdag_dtype_size(x->dtype);
    from.shape[axis] = to.shape[axis] = 1;
    for (int64_t i = 0; i < index->count; i++) {
        int64_t at = tdagi_tensor_get_i64(index, i);
        if (at < 0 || at >= x->shape[axis]) return false;
        from.data = x->data + at * x->stride[axis] * size;
        to.data = out->data + i * out->stride[axis] * size;
        tdagi_strided_copy(&from, &to);
    }
    return true;
}

/* A single row is a window. What is not there the reference refuses. */
tdag_status tdagi_native_index_select(tdagi_native_call *c)
{
    const tdagi_strided *x = c->in[0];
    const uint32_t axis = (uint32_t)((const tdagi_axis_spec *)c->kernel->spec)->axis;
    tdagi_strided out = *x;
    tdag_tensor *index = NULL;
    TDAGI_TRY(tdagi_strided_tensor(c->native->ctx, c->in[1], &index));
    const int64_t at = index->count == 1 ? tdagi_tensor_get_i64(index, 0) : -1;
    tdag_status st = TDAG_OK;
    if (at >= 0 && at < x->shape[axis]) {
        tdag_tensor_copy(out.base);
        out.shape[axis] = 1;
        out.data += at * x->stride[axis] * (int64_t)tdag_dtype_size(x->dtype);
    } else {
        st = tdagi_native_result(c, &out);
        c->handled = st == TDAG_OK && copy_rows(x, axis, index, &out);
        if (st == TDAG_OK && !c->handled) tdagi_strided_free(&out);
    }
    if (st == TDAG_OK && c->handled) *c->out = out;
    tdag_tensor_free(index);
    return st;
}
