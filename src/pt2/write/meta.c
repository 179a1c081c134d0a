/* Types of values as the program states them. */
#include "pt2/write/write.h"

int64_t tdagi_pt2_code(tdag_dtype dtype)
{
    static const uint8_t codes[] = {
        [TDAG_BOOL] = 12, [TDAG_U8] = 1,  [TDAG_I8] = 2,  [TDAG_I16] = 3,
        [TDAG_I32] = 4,   [TDAG_I64] = 5, [TDAG_F16] = 6, [TDAG_BF16] = 13,
        [TDAG_F32] = 7,   [TDAG_F64] = 8,
    };
    return (size_t)dtype < sizeof(codes) ? codes[dtype] : 0;
}

/* What a dim adds to the stride of the axes before it. */
static tdag_dim extent(tdagi_pool *pool, tdag_dim d)
{
    return d >= 1 ? d : d == 0 ? 1 : tdagi_dim_max(pool, d, 1);
}

void tdagi_pt2_add_meta(tdagi_pt2_writer *w, tdagi_text *to, tdag_dtype dtype,
                        uint32_t rank, const tdag_dim *shape, bool is_trained)
{
    tdag_dim strides[TDAG_MAX_RANK], stride = 1;
    for (uint32_t i = rank; i-- > 0;) {
        strides[i] = stride;
        stride = tdagi_dim_mul(w->env.pool, stride, extent(w->env.pool, shape[i]));
    }
    tdagi_text_printf(to, "{\"dtype\":%d,\"sizes\":[", (int)tdagi_pt2_code(dtype));
    for (uint32_t i = 0; i < rank; i++) {
        if (i > 0) tdagi_text_add(to, ",");
        tdagi_pt2_add_size(w, to, shape[i]);
    }
    tdagi_text_printf(to,
                      "],\"requires_grad\":%s,\"device\":{\"type\":\"cpu\",\"index\":"
                      "null},\"strides\":[",
                      is_trained ? "true" : "false");
    for (uint32_t i = 0; i < rank; i++) {
        if (i > 0) tdagi_text_add(to, ",");
        tdagi_pt2_add_size(w, to, strides[i]);
    }
    tdagi_text_add(to, "],\"storage_offset\":{\"as_int\":0},\"layout\":7}");
}

void tdagi_pt2_declare(tdagi_pt2_writer *w, const char *name, tdag_dtype dtype,
                       uint32_t rank, const tdag_dim *shape, bool is_trained)
{
    tdagi_pt2_comma(&w->tensors);
    tdagi_text_printf(&w->tensors, "\"%s\":", name);
    tdagi_pt2_add_meta(w, &w->tensors, dtype, rank, shape, is_trained);
}
