/* Distances of rows, which are norms of their differences: cdist, pdist. */
#include <string.h>

#include "derive/parts.h"

#define MOST_ROWS 10000 /* whose pairs are listed */

static const tdagi_field scalar_fields[] = {TDAGI_FIELD(tdagi_scalar_spec, value, F64),
                                            {0}};

/* Of the last axis of differences. */
static tdag_value norm_of(tdag_builder *b, tdag_value d, const tdagi_scalar_spec *s)
{
    if (!tdagi_usable(b, d)) return TDAG_NO_VALUE;
    int64_t axis = (int64_t)tdag_builder_get_rank(b, d) - 1;
    const tdagi_norm_spec norm = {{1, &axis}, s->value, 0, 0};
    return tdagi_lower(b, TDAGI_VECTOR_NORM, &d, 1, &norm);
}

static tdag_value lower_cdist(tdag_builder *b, const tdag_value *in, uint32_t n,
                              const void *spec)
{
    (void)n;
    uint32_t rx = tdag_builder_get_rank(b, in[0]), ry = tdag_builder_get_rank(b, in[1]);
    if (rx < 2 || ry < 2)
        return tdagi_builder_fail(b, TDAG_E_SHAPE, "cdist of what has no rows");
    if (!tdagi_dims_meet(b, tdagi_dim_of(b, in[0], rx - 1),
                         tdagi_dim_of(b, in[1], ry - 1), "cdist of rows"))
        return TDAG_NO_VALUE;
    return norm_of(b,
                   tdagi_sub(b, tdagi_unsqueeze1(b, in[0], rx - 1),
                             tdagi_unsqueeze1(b, in[1], ry - 2)),
                   spec);
}

const tdagi_composite_def tdagi_composite_cdist = {
    .spec_size = sizeof(tdagi_scalar_spec),
    .fields = scalar_fields,
    .lower = lower_cdist,
};

tdag_value tdagi_integers(tdag_builder *b, int64_t n, const int64_t *v)
{
    tdag_tensor *t = NULL;
    tdag_status st = tdag_tensor_create(b->ctx, TDAG_I64, 1, &n, &t);
    if (st != TDAG_OK)
        return tdagi_builder_fail(b, st, "a table of %lld numbers", (long long)n);
    if (n > 0) memcpy(tdag_tensor_get_mutable_data(t), v, (size_t)n * sizeof(*v));
    tdag_value out = tdag_add_tensor(b, TDAG_OP_CONSTANT, NULL, t);
    tdag_tensor_free(t);
    return out;
}

void tdagi_triangle_pairs(tdag_builder *b, const int64_t size[2], int64_t offset,
                          bool above, tdag_value out[2])
{
    size_t n = 0, room = (size_t)size[0] * (size_t)size[1];
    void *p = NULL;
    out[0] = out[1] = TDAG_NO_VALUE;
    if (!tdagi_builder_ok(b)) return;
    if (tdagi_array_alloc(b->ctx, 2 * room, sizeof(int64_t), &p) != TDAG_OK) {
        tdagi_builder_fail(b, TDAG_E_NOMEM, "out of memory");
        return;
    }
    int64_t *row = p, *column = row + room;
    for (int64_t i = 0; i < size[0]; i++)
        for (int64_t j = 0; j < size[1]; j++)
            if (above ? j - i >= offset : j - i <= offset) {
                row[n] = i;
                column[n++] = j;
            }
    out[0] = tdagi_integers(b, (int64_t)n, row);
    out[1] = tdagi_integers(b, (int64_t)n, column);
    tdagi_free(b->ctx, p, 2 * room * sizeof(int64_t));
}

/* Of the rows i < j, in the order of the upper triangle. */
static tdag_value lower_pdist(tdag_builder *b, const tdag_value *in, uint32_t n,
                              const void *spec)
{
    (void)n;
    int64_t rows = 0;
    tdag_value at[2];
    if (tdag_builder_get_rank(b, in[0]) != 2 ||
        !tdagi_dim_is_const(tdagi_builder_pool(b), tdagi_dim_of(b, in[0], 0), &rows) ||
        rows > MOST_ROWS)
        return tdagi_builder_fail(b, TDAG_E_SHAPE,
                                  "pdist takes a known number of rows");
    tdagi_triangle_pairs(b, (int64_t[]){rows, rows}, 1, true, at);
    return norm_of(
        b,
        tdagi_sub(b, tdag_gather(b, in[0], at[0], 0), tdag_gather(b, in[0], at[1], 0)),
        spec);
}

const tdagi_composite_def tdagi_composite_pdist = {
    .spec_size = sizeof(tdagi_scalar_spec),
    .fields = scalar_fields,
    .lower = lower_pdist,
};
