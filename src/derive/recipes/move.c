/* Moving elements: roll, flip, repeat_interleave, tile, triu, tril,
 * diag_embed. All exact. */
#include "derive/parts.h"

static const tdagi_field roll_fields[] = {
    TDAGI_FIELD(tdagi_roll_spec, shifts, INTS),
    TDAGI_FIELD_AS(tdagi_roll_spec, axes, INTS, AXIS),
    {0}};

/* What is left of a shift by more than the whole axis: a formula where sizes decide it.
 */
static tdag_dim within(tdagi_pool *pool, tdag_dim shift, tdag_dim size)
{
    bool is_symbolic = !tdagi_dim_is_const(pool, size, NULL);
    if (is_symbolic && tdagi_dim_proves_ge(pool, size, shift)) return shift;
    if (!tdagi_dim_proves_ge(pool, size, 1)) size = tdagi_dim_max(pool, size, 1);
    return tdagi_dim_mod(pool, shift, size);
}

/* Circularly padded at the front by the shift, and cut to the old size; a shift to the
 * left pads behind instead. */
static tdag_value roll_axis(tdag_builder *b, tdag_value x, uint32_t axis, int64_t shift)
{
    if (!tdagi_usable(b, x)) return TDAG_NO_VALUE;
    tdagi_pool *pool = tdagi_builder_pool(b);
    tdag_dim size = tdag_builder_get_shape(b, x)[axis];
    tdag_dim by = tdagi_dim_const(pool, shift), start = 0;
    by = within(pool, shift < 0 ? tdagi_dim_sub(pool, 0, by) : by, size);
    if (by == 0) return x;
    if (shift < 0) start = by;
    x = tdagi_pad1(b, x, axis, shift < 0 ? 0 : by, start, TDAG_PAD_CIRCULAR, 0);
    return tdagi_slice1(b, x, axis, start, tdagi_dim_add(pool, size, start));
}

static tdag_value lower_roll(tdag_builder *b, const tdag_value *in, uint32_t n,
                             const void *spec)
{
    (void)n;
    const tdagi_roll_spec *s = spec;
    tdag_value x = in[0];
    for (uint32_t i = 0; i < s->axes.n; i++)
        x = roll_axis(b, x, (uint32_t)s->axes.v[i], s->shifts.v[i]);
    return x;
}
const tdagi_composite_def tdagi_composite_roll = {
    .spec_size = sizeof(tdagi_roll_spec), .fields = roll_fields, .lower = lower_roll};

static const tdagi_field flip_fields[] = {
    TDAGI_FIELD_AS(tdagi_axes_list_spec, axes, INTS, AXIS), {0}};

/* Reflected in front by n - 1, and cut to the first n: n-1 ... 0. A symbolic n may be
 * 0. */
static tdag_value lower_flip(tdag_builder *b, const tdag_value *in, uint32_t n,
                             const void *spec)
{
    (void)n;
    const tdagi_axes_list_spec *s = spec;
    tdagi_pool *pool = tdagi_builder_pool(b);
    tdag_value x = in[0];
    for (uint32_t i = 0; i < s->axes.n && tdagi_usable(b, x); i++) {
        uint32_t axis = (uint32_t)s->axes.v[i];
        tdag_dim size = tdag_builder_get_shape(b, x)[axis];
        if (size == 0 || size == 1) continue;
        tdag_dim before = tdagi_dim_max(pool, tdagi_dim_sub(pool, size, 1), 0);
        x = tdagi_pad1(b, x, axis, before, 0, TDAG_PAD_REFLECT, 0);
        x = tdagi_slice1(b, x, axis, 0, size);
    }
    return x;
}
const tdagi_composite_def tdagi_composite_flip = {.spec_size =
                                                      sizeof(tdagi_axes_list_spec),
                                                  .fields = flip_fields,
                                                  .lower = lower_flip};

static const tdagi_field repeat_interleave_fields[] = {
    TDAGI_FIELD_AS(tdagi_repeat_interleave_spec, axis, INT, AXIS),
    TDAGI_FIELD(tdagi_repeat_interleave_spec, count, DIM),
    {0}};

/* A new axis after `axis`, repeated, and grouped with it. */
static tdag_value lower_repeat_interleave(tdag_builder *b, const tdag_value *in,
                                          uint32_t n, const void *spec)
{
    (void)n;
    const tdagi_repeat_interleave_spec *s = spec;
    uint32_t rank = tdag_builder_get_rank(b, in[0]), axis = (uint32_t)s->axis;
    tdagi_axes counts = tdagi_axes_of(1), runs = tdagi_axes_of(1);
    counts.v[axis + 1] = s->count;
    runs.v[axis] = 2;
    tdag_value x = tdagi_unsqueeze1(b, in[0], axis + 1);
    x = tdag_repeat(b, x, (tdag_list){rank + 1, counts.v});
    return tdag_group(b, x, (tdag_list){rank, runs.v});
}
const tdagi_composite_def tdagi_composite_repeat_interleave = {
    .spec_size = sizeof(tdagi_repeat_interleave_spec),
    .fields = repeat_interleave_fields,
    .lower = lower_repeat_interleave};

static const tdagi_field tile_fields[] = {TDAGI_FIELD(tdagi_tile_spec, counts, DIMS),
                                          {0}};

/* Axes of size 1 repeat; before every other axis that is tiled goes a new one,
 * repeated, and grouped with it. */
static tdag_value lower_tile(tdag_builder *b, const tdag_value *in, uint32_t n,
                             const void *spec)
{
    (void)n;
    const tdagi_tile_spec *s = spec;
    uint32_t rank = s->counts.n, own = tdag_builder_get_rank(b, in[0]);
    if (rank < own || rank > TDAG_MAX_RANK)
        return tdagi_builder_fail(b, TDAG_E_SHAPE, "tile of rank %u by %u counts",
                                  (unsigned)own, (unsigned)rank);
    tdag_value x = in[0];
    tdagi_axes lead, fresh, counts, runs = tdagi_axes_of(1);
    for (uint32_t i = 0; i < rank - own; i++)
        lead.v[i] = i;
    if (rank > own) x = tdag_unsqueeze(b, x, (tdag_list){rank - own, lead.v});
    if (!tdagi_usable(b, x)) return TDAG_NO_VALUE;
    uint32_t n_fresh = 0, wide = 0;
    bool repeats = false;
    for (uint32_t i = 0; i < rank; i++) {
        bool split = s->counts.v[i] != 1 && tdag_builder_get_shape(b, x)[i] != 1;
        if (split) fresh.v[n_fresh++] = wide;
        if (split) runs.v[i] = 2;
        counts.v[wide++] = s->counts.v[i];
        if (split && wide <= TDAG_MAX_RANK) counts.v[wide++] = 1;
        repeats = repeats || s->counts.v[i] != 1;
    }
    if (!repeats) return x;
    if (wide > TDAG_MAX_RANK)
        return tdagi_builder_fail(b, TDAG_E_LIMIT,
                                  "tile needs rank %u, above the limit of "
                                  "%d",
                                  (unsigned)wide, TDAG_MAX_RANK);
    if (n_fresh > 0) x = tdag_unsqueeze(b, x, (tdag_list){n_fresh, fresh.v});
    x = tdag_repeat(b, x, (tdag_list){wide, counts.v});
    return n_fresh > 0 ? tdag_group(b, x, (tdag_list){rank, runs.v}) : x;
}
const tdagi_composite_def tdagi_composite_tile = {
    .spec_size = sizeof(tdagi_tile_spec), .fields = tile_fields, .lower = lower_tile};

/* ---- triangles ---- */

static const tdagi_field diagonal_fields[] = {
    TDAGI_FIELD(tdagi_diagonal_spec, diagonal, INT), {0}};

/* column - row of the last two axes, against the diagonal: upper keeps >=, lower <=. */
static tdag_value triangle(tdag_builder *b, tdag_value x, int64_t diagonal, bool upper)
{
    uint32_t rank = tdag_builder_get_rank(b, x);
    if (rank < 2)
        return tdagi_builder_fail(b, TDAG_E_SHAPE, "triu and tril take rank 2 or more");
    tdag_dim rows = tdag_builder_get_shape(b, x)[rank - 2];
    tdag_dim columns = tdag_builder_get_shape(b, x)[rank - 1];
    tdag_value row = tdagi_unsqueeze1(b, tdag_iota(b, rows, TDAG_I64), 1);
    tdag_value edge = tdagi_add_scalar(b, row, (double)diagonal);
    tdag_value column = tdag_iota(b, columns, TDAG_I64);
    tdag_value outside = upper ? tdag_binary(b, TDAG_OP_LESS, column, edge)
                               : tdag_binary(b, TDAG_OP_LESS, edge, column);
    tdag_value zero = tdag_add_scalar(b, tdag_builder_get_dtype(b, x), 0);
    return tdag_where(b, outside, zero, x);
}

static tdag_value lower_triangle(tdag_builder *b, tdagi_composite id,
                                 const tdag_value *in, uint32_t n, const void *spec)
{
    (void)n;
    return triangle(b, in[0], ((const tdagi_diagonal_spec *)spec)->diagonal,
                    id == TDAGI_TRIU);
}
const tdagi_composite_def tdagi_composite_triangle = {.spec_size =
                                                          sizeof(tdagi_diagonal_spec),
                                                      .fields = diagonal_fields,
                                                      .lower_formula = lower_triangle};

tdag_value tdagi_on_diagonal(tdag_builder *b, tdag_value x, int64_t offset,
                             tdag_dim rows, tdag_dim columns, tdag_value elsewhere)
{
    if (!tdagi_usable(b, x)) return TDAG_NO_VALUE;
    uint32_t last = tdag_builder_get_rank(b, x) - 1;
    int64_t down = offset < 0 ? -offset : 0;
    tdag_dim n = tdagi_dim_of(b, x, last);
    tdag_dim left = tdag_dim_sub(b, rows, tdag_dim_add(b, n, down));
    x = tdagi_pad1(b, x, last, down, left, TDAG_PAD_CONSTANT, 0);
    tdag_value i = tdagi_unsqueeze1(b, tdag_iota(b, rows, TDAG_I64), 1);
    tdag_value on =
        tdag_binary(b, TDAG_OP_EQUAL, tdagi_add_scalar(b, i, (double)offset),
                    tdag_iota(b, columns, TDAG_I64));
    return tdag_where(b, on, tdagi_unsqueeze1(b, x, last + 1), elsewhere);
}

static tdag_value lower_diag_embed(tdag_builder *b, const tdag_value *in, uint32_t n,
                                   const void *spec)
{
    (void)n;
    const int64_t offset = ((const tdagi_diagonal_spec *)spec)->diagonal;
    uint32_t rank = tdag_builder_get_rank(b, in[0]);
    if (rank == 0 || rank >= TDAG_MAX_RANK)
        return tdagi_builder_fail(b, TDAG_E_SHAPE, "diag_embed of rank %u",
                                  (unsigned)rank);
    tdag_dim size = tdag_dim_add(b, tdagi_dim_of(b, in[0], rank - 1),
                                 offset < 0 ? -offset : offset);
    return tdagi_on_diagonal(b, in[0], offset, size, size,
                             tdag_add_scalar(b, tdag_builder_get_dtype(b, in[0]), 0));
}
const tdagi_composite_def tdagi_composite_diag_embed = {.spec_size =
                                                            sizeof(tdagi_diagonal_spec),
                                                        .fields = diagonal_fields,
                                                        .lower = lower_diag_embed};
