/* See type_text.h. Texts that do not fit a small buffer are written twice: once to know
 * their length. */
#include "base/dim/type_text.h"

#include <string.h>

void tdagi_text_add_dim(tdagi_text *text, const tdagi_pool *pool, tdag_dim d)
{
    char small[256];
    size_t n = tdagi_dim_text(pool, d, small, sizeof(small));
    if (n < sizeof(small)) {
        tdagi_text_add_bytes(text, small, n);
        return;
    }
    void *block = NULL;
    if (text->status == TDAG_OK) text->status = tdagi_alloc(text->ctx, n + 1, &block);
    if (text->status != TDAG_OK) return;
    tdagi_dim_text(pool, d, block, n + 1);
    tdagi_text_add_bytes(text, block, n);
    tdagi_free(text->ctx, block, n + 1);
}

void tdagi_text_add_type(tdagi_text *text, const tdagi_pool *pool, tdag_dtype dtype,
                         uint32_t rank, const tdag_dim *shape)
{
    tdagi_text_add(text, tdag_dtype_name(dtype));
    tdagi_text_add(text, "[");
    for (uint32_t i = 0; i < rank; i++) {
        if (i > 0) tdagi_text_add(text, ",");
        tdagi_text_add_dim(text, pool, shape[i]);
    }
    tdagi_text_add(text, "]");
}

/* Puts a piece at position n of the buffer, as much of it as fits. */
static size_t put(const char *piece, char *buf, size_t size, size_t n)
{
    for (; *piece != '\0'; piece++, n++)
        if (n + 1 < size) buf[n] = *piece;
    if (size > 0) buf[n < size ? n : size - 1] = '\0';
    return n;
}

size_t tdagi_type_text(const tdagi_pool *pool, tdag_dtype dtype, uint32_t rank,
                       const tdag_dim *shape, char *buf, size_t size)
{
    size_t n = put(tdag_dtype_name(dtype), buf, size, 0);
    n = put("[", buf, size, n);
    for (uint32_t i = 0; i < rank; i++) {
        if (i > 0) n = put(",", buf, size, n);
        bool room = n < size;
        n += tdagi_dim_text(pool, shape[i], room ? buf + n : NULL, room ? size - n : 0);
    }
    return put("]", buf, size, n);
}
