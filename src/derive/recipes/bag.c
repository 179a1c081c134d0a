/* Rows of a table added, averaged or maximised over bags of indices: embedding_bag. */
#include <math.h>

#include "derive/parts.h"

static const char *const mode_names[] = {[TDAGI_BAG_SUM] = "sum",
                                         [TDAGI_BAG_MEAN] = "mean",
                                         [TDAGI_BAG_MAX] = "max",
                                         [TDAGI_BAG_MAX + 1] = NULL};
static const tdagi_field bag_fields[] = {
    TDAGI_FIELD_NAMED(tdagi_bag_spec, mode, mode_names),
    TDAGI_FIELD(tdagi_bag_spec, padding, INT),
    TDAGI_FIELD(tdagi_bag_spec, has_end, BOOL),
    {0},
};

/* The bag of each of n indices: how many bags start at or before it, less one. */
static tdag_value bag_of(tdag_builder *b, tdag_value offsets, tdag_dim n)
{
    if (!tdagi_usable(b, offsets)) return TDAG_NO_VALUE;
    tdag_dim room = tdag_dim_add(b, n, 1), bags = tdagi_dim_of(b, offsets, 0);
    tdag_value starts = tdagi_full(b, TDAG_I64, 1, &room, 0);
    tdag_value ones = tdagi_full(b, TDAG_I64, 1, &bags, 1);
    starts = tdag_scatter(b, starts, offsets, ones, 0, TDAG_SCATTER_ADD);
    starts = tdagi_slice1(b, starts, 0, 0, n);
    return tdagi_add_scalar(b, tdag_scan(b, starts, TDAG_REDUCE_SUM, 0), -1);
}

static bool bag_fits(tdag_builder *b, const tdag_value *in, uint32_t n)
{
    for (uint32_t i = 0; i < 3; i++)
        if (!tdagi_usable(b, in[i])) return false;
    bool fits = tdag_builder_get_rank(b, in[0]) == 2;
    for (uint32_t i = 1; i < n; i++)
        fits = fits && (in[i].id == 0 || tdag_builder_get_rank(b, in[i]) == 1);
    if (!fits)
        tdagi_builder_fail(b, TDAG_E_SHAPE,
                           "embedding_bag takes a table of rank 2 and lists");
    return fits;
}

typedef struct bag {
    tdag_value bag;   /* of each index */
    tdag_value x;     /* [indices, width] */
    tdag_value count; /* 1 for each index, 0 for padding */
    tdag_dim bags;
} bag;

/* Padding counts for nothing, whatever is in its row. */
static void leave_out(tdag_builder *b, bag *g, tdag_value at, int64_t row, double start)
{
    tdag_dtype dtype = tdag_builder_get_dtype(b, g->x);
    tdag_value is_out =
        tdag_binary(b, TDAG_OP_EQUAL, at,
                    tdag_add_scalar(b, tdag_builder_get_dtype(b, at), (double)row));
    g->count = tdag_where(b, is_out, tdag_add_scalar(b, dtype, 0), g->count);
    is_out = tdagi_unsqueeze1(b, is_out, 1);
    g->x = tdag_where(b, is_out, tdag_add_scalar(b, dtype, start), g->x);
}

static tdag_value summed(tdag_builder *b, const bag *g, const tdagi_bag_spec *s)
{
    if (!tdagi_usable(b, g->x)) return TDAG_NO_VALUE;
    tdag_dtype dtype = tdag_builder_get_dtype(b, g->x);
    bool max = s->mode == TDAGI_BAG_MAX;
    tdag_dim shape[2] = {g->bags, tdagi_dim_of(b, g->x, 1)};
    tdag_value none = tdagi_full(b, dtype, 2, shape, max ? -(double)INFINITY : 0);
    tdag_value y = tdag_scatter(b, none, g->bag, g->x, 0,
                                max ? TDAG_SCATTER_MAX : TDAG_SCATTER_ADD);
    if (s->mode == TDAGI_BAG_SUM) return y;
    none = tdagi_full(b, dtype, 1, &g->bags, 0);
    tdag_value n = tdag_scatter(b, none, g->bag, g->count, 0, TDAG_SCATTER_ADD);
    n = tdagi_unsqueeze1(b, n, 1);
    tdag_value zero = tdag_add_scalar(b, dtype, 0), one = tdag_add_scalar(b, dtype, 1);
    if (max) return tdag_where(b, tdag_binary(b, TDAG_OP_EQUAL, n, zero), zero, y);
    tdag_value in[2] = {n, one};
    if (!tdagi_usable(b, n)) return TDAG_NO_VALUE;
    return tdagi_div(b, y, tdagi_lower(b, TDAGI_MAXIMUM, in, 2, NULL));
}

/* An empty bag gives 0. */
static tdag_value lower_embedding_bag(tdag_builder *b, const tdag_value *in, uint32_t n,
                                      const void *spec)
{
    const tdagi_bag_spec *s = spec;
    if (!bag_fits(b, in, n)) return TDAG_NO_VALUE;
    tdag_value offsets = tdagi_cast(b, in[2], TDAG_I64);
    tdag_dim n_indices = tdagi_dim_of(b, in[1], 0);
    bag g = {.bags = tdagi_dim_of(b, offsets, 0)};
    if (s->has_end) {
        g.bags = tdag_dim_sub(b, g.bags, 1);
        offsets = tdagi_slice1(b, offsets, 0, 0, g.bags);
    }
    g.bag = bag_of(b, offsets, n_indices);
    g.x = tdag_gather(b, in[0], in[1], 0);
    if (!tdagi_usable(b, g.x)) return TDAG_NO_VALUE;
    g.count = tdagi_full(b, tdag_builder_get_dtype(b, g.x), 1, &n_indices, 1);
    if (n > 3 && in[3].id != 0) g.x = tdagi_mul(b, g.x, tdagi_unsqueeze1(b, in[3], 1));
    if (s->padding >= 0 && tdagi_usable(b, g.x))
        leave_out(b, &g, in[1], s->padding,
                  s->mode == TDAGI_BAG_MAX ? -(double)INFINITY : 0);
    return summed(b, &g, s);
}

const tdagi_composite_def tdagi_composite_embedding_bag = {
    .spec_size = sizeof(tdagi_bag_spec),
    .fields = bag_fields,
    .lower = lower_embedding_bag,
};
