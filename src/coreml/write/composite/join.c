/* Joining, repeating and turning: concat, stack, roll, flip, tile, repeat_interleave,
 * triangles. Bools are moved as integers. */
#include "coreml/write/mil.h"

/* The operands, as numbers; those without an element along the axis are left out. */
static uint32_t parts_of(tdagi_mil_writer *w, const tdagi_kernel *k, int64_t axis,
                         tdagi_mil **out)
{
    uint32_t n = 0;
    *out = tdagi_mil_alloc(w, (k->n_inputs + 1) * sizeof **out);
    for (uint32_t i = 0; i < k->n_inputs && *out != NULL; i++) {
        tdagi_mil v = tdagi_mil_numeric(w, tdagi_mil_in(w, k, i));
        if (v == NULL) return 0;
        if (axis < 0 || v->type.shape[axis] != 0) (*out)[n++] = v;
    }
    return n;
}

static void emit_concat(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const int64_t axis = ((const tdagi_axis_spec *)k->spec)->axis;
    tdagi_mil *parts;
    const uint32_t n = parts_of(w, k, axis, &parts);
    if (n > 1)
        tdagi_mil_emit_numbers(w, k, "concat(values=%n, axis=%i, interleave=false)", n,
                               parts, axis);
    else
        tdagi_mil_set(w, k,
                      n == 1 ? tdagi_mil_cast(w, parts[0], (tdag_dtype)k->dtype)
                             : tdagi_mil_in(w, k, 0));
}
const tdagi_mil_emitter tdagi_mil_emitter_concat = {.emit = emit_concat};

static void emit_stack(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    tdagi_mil *parts;
    const uint32_t n = parts_of(w, k, -1, &parts);
    tdagi_mil_emit_numbers(w, k, "stack(values=%n, axis=%i)", n, parts,
                           ((const tdagi_axis_spec *)k->spec)->axis);
}
const tdagi_mil_emitter tdagi_mil_emitter_stack = {.emit = emit_stack};

/* The last `shift` elements of an axis before the others. */
static tdagi_mil roll_axis(tdagi_mil_writer *w, tdagi_mil x, int64_t axis,
                           int64_t shift)
{
    tdagi_mil parts[2];
    if (x == NULL) return NULL;
    const tdag_dim size = x->type.shape[axis];
    const int64_t n = tdagi_dim_sample(w->now.r->pool, size);
    if (n == 0 || shift % n == 0) return x;
    const tdag_dim at =
        shift % n > 0 ? tdagi_dim_sub(w->now.r->pool, size, shift % n) : -(shift % n);
    parts[0] = tdagi_mil_slice1(w, x, axis, at, size);
    parts[1] = tdagi_mil_slice1(w, x, axis, 0, at);
    return tdagi_mil_op(w, &x->type, "concat(values=%n, axis=%i, interleave=false)", 2u,
                        parts, axis);
}

static void emit_roll(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_roll_spec *s = k->spec;
    tdagi_mil x = tdagi_mil_numeric(w, tdagi_mil_in(w, k, 0));
    for (uint32_t i = 0; i < s->axes.n; i++)
        x = roll_axis(w, x, s->axes.v[i], s->shifts.v[i]);
    tdagi_mil_set(w, k, tdagi_mil_cast(w, x, (tdag_dtype)k->dtype));
}
const tdagi_mil_emitter tdagi_mil_emitter_roll = {.emit = emit_roll};

static void emit_flip(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_axes_list_spec *s = k->spec;
    tdagi_mil_emit_numbers(w, k, "reverse(x=%v, axes=%l)",
                           tdagi_mil_numeric(w, tdagi_mil_in(w, k, 0)), &s->axes);
}
const tdagi_mil_emitter tdagi_mil_emitter_flip = {.emit = emit_flip};

static void emit_tile(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_tile_spec *s = k->spec;
    tdag_dim shape[TDAG_MAX_RANK];
    tdagi_mil x = tdagi_mil_numeric(w, tdagi_mil_in(w, k, 0));
    if (x == NULL) return;
    const uint32_t more = k->rank - x->type.rank;
    for (uint32_t i = 0; i < k->rank; i++)
        shape[i] = i < more ? 1 : x->type.shape[i - more];
    tdagi_mil_emit_numbers(w, k, "tile(x=%v, reps=%l)",
                           tdagi_mil_reshape(w, x, k->rank, shape), &s->counts);
}
const tdagi_mil_emitter tdagi_mil_emitter_tile = {.emit = emit_tile};

/* An axis of 1 after the one that is repeated is tiled. What would have too many axes
 * is a matrix meanwhile. */
static void emit_repeat_interleave(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_repeat_interleave_spec *s = k->spec;
    tdagi_pool *pool = w->now.r->pool;
    tdag_dim counts[TDAG_MAX_RANK];
    tdagi_mil x = tdagi_mil_numeric(w, tdagi_mil_in(w, k, 0));
    if (x == NULL) return;
    uint32_t at = (uint32_t)s->axis + 1, rank = k->rank;
    tdagi_type type = x->type;
    if (rank >= TDAGI_MIL_MAX_RANK) {
        type.shape[0] = tdagi_dim_product(pool, at, x->type.shape);
        type.shape[1] = tdagi_dim_product(pool, rank - at, x->type.shape + at);
        at = 1;
        rank = 2;
    }
    for (uint32_t i = rank; i > at; i--)
        type.shape[i] = type.shape[i - 1];
    type.shape[at] = 1;
    type.rank = rank + 1;
    x = tdagi_mil_reshape(w, x, type.rank, type.shape);
    for (uint32_t i = 0; i < type.rank; i++)
        counts[i] = i == at ? s->count : 1;
    type.shape[at] = s->count;
    const tdag_list reps = {type.rank, counts};
    x = tdagi_mil_op(w, &type, "tile(x=%v, reps=%l)", x, &reps);
    tdagi_mil_set(w, k,
                  tdagi_mil_cast(w, tdagi_mil_reshape(w, x, k->rank, k->shape),
                                 (tdag_dtype)k->dtype));
}
const tdagi_mil_emitter tdagi_mil_emitter_repeat_interleave = {
    .emit = emit_repeat_interleave};

/* ---- triangles ---- */

/* A band reaches to the diagonal and beyond it, never ends before it. */
static void emit_band(tdagi_mil_writer *w, const tdagi_kernel *k, int64_t lower,
                      int64_t upper)
{
    if (lower < -1 || upper < -1)
        tdagi_mil_by_parts(w, k);
    else
        tdagi_mil_emit_numbers(w, k, "band_part(x=%v, lower=%i, upper=%i)",
                               tdagi_mil_numeric(w, tdagi_mil_in(w, k, 0)), lower,
                               upper);
}

static void emit_triu(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const int64_t d = ((const tdagi_diagonal_spec *)k->spec)->diagonal;
    emit_band(w, k, d > 0 ? -2 : -d, -1);
}
const tdagi_mil_emitter tdagi_mil_emitter_triu = {.emit = emit_triu};

static void emit_tril(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const int64_t d = ((const tdagi_diagonal_spec *)k->spec)->diagonal;
    emit_band(w, k, -1, d < 0 ? -2 : d);
}
const tdagi_mil_emitter tdagi_mil_emitter_tril = {.emit = emit_tril};
