/* Operators that move elements into new memory: joining, padding, repeating, shuffling.
 */
#include <string.h>

#include "aten/rows/positions/found.h"
#include "aten/rows/steps.h"

/* ---- joining ---- */

/* Tensors cast to their common dtype. */
static tdag_list common(tdagi_call *c, const char *name, tdag_value **out)
{
    const tdag_value *v;
    tdag_list n = {0, NULL};
    tdag_dtype d;
    *out = tdagi_arg_promoted(c, name, &n, &v, &d);
    for (uint32_t i = 0; i < n.n; i++)
        (*out)[i] = tdagi_cast(c->b, v[i], d);
    return n;
}

/* Lists of known numbers joined without a node; NULL: they are none. */
static tdagi_cell *known_join(tdagi_call *c, uint8_t rank)
{
    tdagi_any list = tdagi_arg(c, "tensors"), all[16];
    uint32_t n = 0;
    tdag_dtype d = TDAG_DTYPE_NONE;
    if (!tdagi_any_is_seq(list)) return NULL;
    for (uint32_t i = 0; i < list.u.seq->n; i++) {
        if (list.u.seq->v[i].kind != TDAGI_ANY_TENSOR) return NULL;
        const tdagi_cell *t = list.u.seq->v[i].u.tensor;
        if (i == 0) d = t->dtype;
        if (t->known == NULL || t->known_rank != rank || t->dtype != d ||
            (d != TDAG_I64 && d != TDAG_I32) || n + t->n_known > 16)
            return NULL;
        memcpy(&all[n], t->known, t->n_known * sizeof(*all));
        n += t->n_known;
    }
    return n == 0 ? NULL : tdagi_cell_known_list(c->env, d, n, all);
}

tdagi_any tdagi_aten_cat(tdagi_call *c)
{
    tdagi_cell *known = known_join(c, 1);
    if (known != NULL && tdagi_arg_int(c, "dim", 0) == 0)
        return tdagi_any_tensor(known);
    tdag_value *v;
    tdag_list n = common(c, "tensors", &v);
    uint32_t rank = 1, k = 0;
    for (uint32_t i = 0; i < n.n; i++) { /* [0] joins anything, as it always did */
        if (tdagi_rank(c, v[i]) == 1 && tdagi_dim(c, v[i], 0) == 0 && n.n > 1) continue;
        rank = tdagi_rank(c, v[i]);
        v[k++] = v[i];
    }
    uint32_t axis = tdagi_arg_axis(c, "dim", rank);
    if (c->bad || n.n == 0) return tdagi_refuse(c, "tensors");
    if (k < 2) return tdagi_result(c, v[0]);
    tdagi_match_all_but(c, k, v, axis);
    return tdagi_result(c, tdagi_concat(c->b, v, k, axis));
}

/* fftshift; row data 1: ifftshift. Rolls each axis by a half. */
tdagi_any tdagi_aten_half_roll(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    if (c->bad) return tdagi_any_poison();
    tdag_list axes = tdagi_arg_axes(c, "dim", tdagi_rank(c, x));
    int64_t shifts[TDAG_MAX_RANK], n = 0;
    for (uint32_t i = 0; i < axes.n && !c->bad; i++) {
        if (!tdagi_dim_is_const(c->env->pool, tdagi_dim(c, x, (uint32_t)axes.v[i]), &n))
            return tdagi_refuse(c, "self");
        shifts[i] = c->data == 1 ? (n + 1) / 2 : n / 2;
    }
    tdagi_roll_spec s = {{axes.n, shifts}, axes};
    if (c->bad || tdagi_rank(c, x) == 0) return tdagi_result(c, x);
    return tdagi_result(c, tdagi_lower(c->b, TDAGI_ROLL, &x, 1, &s));
}

/* One tensor of _chunk_cat: padded by 0 to a whole number of chunks, [lead..., chunks,
 * what is in a chunk] */
static tdag_value chunked(tdagi_call *c, tdag_value x, uint32_t axis, int64_t chunks)
{
    tdag_dim dims[TDAG_MAX_RANK + 1], n = tdagi_dim(c, x, axis);
    tdag_dim each = tdag_dim_floordiv(c->b, tdag_dim_add(c->b, n, chunks - 1), chunks);
    tdag_dim more = tdag_dim_sub(c->b, tdag_dim_mul(c->b, each, chunks), n);
    if (more != 0) x = tdagi_pad1(c->b, x, axis, 0, more, TDAG_PAD_CONSTANT, 0);
    if (x.id == 0) return x;
    for (uint32_t i = 0; i < axis; i++)
        dims[i] = tdagi_dim(c, x, i);
    dims[axis] = chunks;
    dims[axis + 1] =
        tdag_dim_mul(c->b, each,
                     tdagi_dim_product(c->env->pool, tdagi_rank(c, x) - axis - 1,
                                       tdagi_shape(c, x) + axis + 1));
    return tdagi_reshape(c->b, x, axis + 2, dims);
}

tdagi_any tdagi_aten_chunk_cat(tdagi_call *c)
{
    const tdag_value *x;
    tdag_list n;
    tdag_dtype d;
    tdag_value *v = tdagi_arg_promoted(c, "tensors", &n, &x, &d);
    int64_t chunks = tdagi_arg_int(c, "num_chunks", 1);
    if (v == NULL || n.n == 0 || chunks < 1) return tdagi_refuse(c, "tensors");
    uint32_t axis = tdagi_arg_axis(c, "dim", tdagi_rank(c, x[0]));
    for (uint32_t i = 0; i < n.n && !c->bad; i++) {
        if (axis + 1 >= TDAG_MAX_RANK || axis >= tdagi_rank(c, x[i]))
            return tdagi_refuse(c, "dim");
        v[i] = chunked(c, tdagi_cast(c->b, x[i], d), axis, chunks);
    }
    return c->bad ? tdagi_any_poison()
                  : tdagi_result(c, tdagi_concat(c->b, v, n.n, axis + 1));
}

tdagi_any tdagi_aten_stack(tdagi_call *c)
{
    tdagi_cell *known = known_join(c, 0);
    if (known != NULL && tdagi_arg_int(c, "dim", 0) == 0)
        return tdagi_any_tensor(known);
    tdag_value *v;
    tdag_list n = common(c, "tensors", &v);
    if (c->bad || n.n == 0) return tdagi_refuse(c, "tensors");
    uint32_t axis = tdagi_arg_axis(c, "dim", tdagi_rank(c, v[0]) + 1);
    if (c->bad) return tdagi_any_poison();
    tdagi_match_all_but(c, n.n, v, UINT32_MAX);
    return tdagi_result(c, tdagi_stack(c->b, v, n.n, axis));
}

tdagi_any tdagi_aten_meshgrid(tdagi_call *c)
{
    tdag_value *v;
    tdag_list n = common(c, "tensors", &v);
    bool xy = false;
    if (tdagi_has(c, "indexing")) {
        const char *indexing = tdagi_arg_string(c, "indexing");
        xy = strcmp(indexing, "xy") == 0;
        if (!xy && strcmp(indexing, "ij") != 0) return tdagi_refuse(c, "indexing");
    }
    if (c->bad || n.n > TDAG_MAX_RANK) return tdagi_refuse(c, "tensors");
    tdag_dim dims[TDAG_MAX_RANK];
    uint32_t place[TDAG_MAX_RANK];
    for (uint32_t i = 0; i < n.n; i++) {
        place[i] = xy && n.n >= 2 && i < 2 ? 1 - i : i;
        dims[place[i]] = tdagi_rank(c, v[i]) == 0 ? 1 : tdagi_dim(c, v[i], 0);
    }
    tdagi_any out = tdagi_any_seq(c->env, TDAGI_ANY_LIST, 0, NULL);
    for (uint32_t i = 0; i < n.n && out.kind == TDAGI_ANY_LIST; i++) {
        tdag_dim shape[TDAG_MAX_RANK];
        for (uint32_t a = 0; a < n.n; a++)
            shape[a] = a == place[i] ? dims[a] : 1;
        tdag_value x = tdagi_reshape(c->b, v[i], n.n, shape);
        tdagi_seq_append(c->env, out.u.seq,
                         tdagi_result(c, tdagi_expand(c->b, x, n.n, dims)));
    }
    return out;
}

/* ---- padding ---- */

/* pad: before and after of the last axis, then of the one before it, ... */
static tdagi_any padded(tdagi_call *c, tdag_value x, tdag_list pad, tdag_pad_mode mode,
                        double value)
{
    if (c->bad) return tdagi_any_poison();
    uint32_t rank = tdagi_rank(c, x);
    tdag_dim before[TDAG_MAX_RANK] = {0}, after[TDAG_MAX_RANK] = {0};
    if (pad.n % 2 != 0 || pad.n / 2 > rank) return tdagi_refuse(c, "pad");
    for (uint32_t k = 0; k < pad.n; k++)
        (k % 2 == 0 ? before : after)[rank - 1 - k / 2] = pad.v[k];
    x = tdagi_pad_or_cut(c->b, x, before, after, mode, value);
    return tdagi_result(c, x);
}

tdagi_any tdagi_aten_pad(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    tdag_list pad = tdagi_arg_dims(c, "pad");
    static const char *const modes[] = {"constant", "reflect", "replicate", "circular"};
    int64_t mode = TDAG_PAD_CONSTANT;
    if (tdagi_has(c, "mode")) {
        const char *name = tdagi_arg_string(c, "mode");
        for (mode = 0; mode < 4 && strcmp(name, modes[mode]) != 0;)
            mode++;
        if (mode == 4) return tdagi_refuse(c, "mode");
    }
    return padded(c, x, pad, (tdag_pad_mode)mode, tdagi_arg_float(c, "value", 0));
}

tdagi_any tdagi_aten_pad_nd(tdagi_call *c) /* row data: the mode */
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    tdag_list pad = tdagi_arg_dims(c, tdagi_has(c, "pad") ? "pad" : "padding");
    return padded(c, x, pad, (tdag_pad_mode)c->data, tdagi_arg_float(c, "value", 0));
}

/* ---- repeating and shuffling ---- */

tdagi_any tdagi_aten_repeat(tdagi_call *c) /* repeat and tile (row data 1) */
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    tdag_list counts = tdagi_arg_dims(c, c->data == 1 ? "dims" : "repeats");
    if (c->bad) return tdagi_any_poison();
    uint32_t rank = tdagi_rank(c, x);
    if (c->data == 1 && counts.n < rank) {
        int64_t *wide = tdagi_env_alloc(c->env, rank * sizeof(*wide));
        if (wide == NULL) return tdagi_any_poison();
        for (uint32_t i = 0; i < rank; i++)
            wide[i] = i < rank - counts.n ? 1 : counts.v[i - (rank - counts.n)];
        counts = (tdag_list){rank, wide};
    }
    if (counts.n < rank || counts.n > TDAG_MAX_RANK) return tdagi_refuse(c, "repeats");
    tdagi_tile_spec s = {counts};
    return tdagi_result(c, tdagi_lower(c->b, TDAGI_TILE, &x, 1, &s));
}

tdagi_any tdagi_aten_repeat_interleave(tdagi_call *c)
{
    tdag_value x = tdagi_arg_optional(c, "self");
    tdagi_any repeats = tdagi_arg(c, "repeats");
    tdagi_ignore(c, "output_size");
    if (repeats.kind == TDAGI_ANY_TENSOR) {
        const tdagi_cell *t = repeats.u.tensor;
        if (x.id == 0 || t->known == NULL || t->n_known != 1)
            return tdagi_repeated(c, x, tdagi_arg_tensor(c, "repeats"));
        repeats = t->known[0];
    }
    if (repeats.kind != TDAGI_ANY_INT) return tdagi_refuse(c, "repeats");
    if (c->bad) return tdagi_any_poison();
    if (!tdagi_has(c, "dim")) {
        tdag_dim n =
            tdagi_dim_product(c->env->pool, tdagi_rank(c, x), tdagi_shape(c, x));
        x = tdagi_reshape(c->b, x, 1, &n);
    }
    tdagi_repeat_interleave_spec s = {0, repeats.u.i};
    if (tdagi_has(c, "dim")) s.axis = tdagi_arg_axis(c, "dim", tdagi_rank(c, x));
    return tdagi_result(c, tdagi_lower(c->b, TDAGI_REPEAT_INTERLEAVE, &x, 1, &s));
}

/* x[(i - shift) mod n] along an axis of n. */
static tdag_value roll_by(tdagi_call *c, tdag_value x, tdagi_any shift, uint32_t axis)
{
    const tdag_dim n = tdagi_dim(c, x, axis);
    const tdagi_axis_spec s = {axis};
    tdagi_any at = tdagi_result(c, tdag_iota(c->b, n, TDAG_I64));
    at = tdagi_binary(c, TDAGI_FOLD_SUB, at, shift);
    at = tdagi_binary(c, TDAGI_FOLD_MOD, at, tdagi_any_dim(n));
    return tdagi_lower(c->b, TDAGI_INDEX_SELECT,
                       (tdag_value[]){x, tdagi_as(c, at, TDAG_I64)}, 2, &s);
}

/* Where data decides one of the shifts. */
static tdagi_any roll_by_data(tdagi_call *c, tdag_value x, tdagi_any shifts)
{
    const tdag_list dims = tdagi_arg_ints(c, "dims");
    const bool is_list = tdagi_any_is_seq(shifts), is_flat = dims.n == 0;
    const uint32_t rank = tdagi_rank(c, x);
    tdag_dim shape[TDAG_MAX_RANK], n;
    memcpy(shape, tdagi_shape(c, x), rank * sizeof(*shape));
    n = tdagi_dim_product(c->env->pool, rank, shape);
    if (is_flat) x = tdagi_reshape(c->b, x, 1, &n);
    if ((is_list ? shifts.u.seq->n : 1) != (is_flat ? 1 : dims.n))
        return tdagi_refuse(c, "shifts");
    for (uint32_t i = 0; i == 0 || i < dims.n; i++)
        x = roll_by(c, x, is_list ? shifts.u.seq->v[i] : shifts,
                    is_flat ? 0 : tdagi_wrap_axis(c, dims.v[i], rank));
    return tdagi_result(c, is_flat ? tdagi_reshape(c->b, x, rank, shape) : x);
}

static bool is_decided(tdagi_any v)
{
    bool is = v.kind == TDAGI_ANY_DATA;
    for (uint32_t i = 0; tdagi_any_is_seq(v) && i < v.u.seq->n; i++)
        is = is || v.u.seq->v[i].kind == TDAGI_ANY_DATA;
    return is;
}

tdagi_any tdagi_aten_roll(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    tdagi_any by = tdagi_arg(c, "shifts");
    if (is_decided(by) && !c->bad) return roll_by_data(c, x, by);
    tdag_list shifts = tdagi_arg_ints(c, "shifts"), dims = tdagi_arg_ints(c, "dims");
    if (c->bad) return tdagi_any_poison();
    uint32_t rank = tdagi_rank(c, x);
    tdag_dim shape[TDAG_MAX_RANK];
    memcpy(shape, tdagi_shape(c, x), rank * sizeof(*shape));
    if (dims.n == 0) { /* of the flat elements */
        tdag_dim n = tdagi_dim_product(c->env->pool, rank, shape);
        int64_t zero = 0;
        tdagi_roll_spec s = {shifts, {1, &zero}};
        if (shifts.n != 1) return tdagi_refuse(c, "shifts");
        x = tdagi_lower(c->b, TDAGI_ROLL, (tdag_value[]){tdagi_reshape(c->b, x, 1, &n)},
                        1, &s);
        return tdagi_result(c, tdagi_reshape(c->b, x, rank, shape));
    }
    if (dims.n != shifts.n || rank == 0) return tdagi_refuse(c, "dims");
    int64_t axes[TDAG_MAX_RANK];
    bool distinct = dims.n <= TDAG_MAX_RANK;
    for (uint32_t i = 0; distinct && i < dims.n; i++) {
        axes[i] = tdagi_wrap_axis(c, dims.v[i], rank);
        for (uint32_t k = 0; k < i; k++)
            distinct = distinct && axes[k] != axes[i];
    }
    if (c->bad) return tdagi_any_poison();
    if (distinct) {
        tdagi_roll_spec s = {shifts, {dims.n, axes}};
        return tdagi_result(c, tdagi_lower(c->b, TDAGI_ROLL, &x, 1, &s));
    }
    for (uint32_t i = 0; i < dims.n && !c->bad; i++) { /* an axis comes twice */
        int64_t axis = tdagi_wrap_axis(c, dims.v[i], rank);
        tdagi_roll_spec s = {{1, &shifts.v[i]}, {1, &axis}};
        x = tdagi_lower(c->b, TDAGI_ROLL, &x, 1, &s);
    }
    return tdagi_result(c, x);
}

tdagi_any tdagi_aten_flip(tdagi_call *c) /* row data: fliplr 1 and flipud 0, else -1 */
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    if (c->bad) return tdagi_any_poison();
    tdag_list axes = c->data >= 0 ? tdagi_list_of(c, 1, c->data)
                                  : tdagi_arg_axes(c, "dims", tdagi_rank(c, x));
    if (c->data < 0 && tdagi_arg_ints(c, "dims").n == 0) return tdagi_result(c, x);
    tdagi_axes_list_spec s = {axes};
    return c->bad ? tdagi_any_poison()
                  : tdagi_result(c, tdagi_lower(c->b, TDAGI_FLIP, &x, 1, &s));
}

/* What is on or above, or below, a diagonal that sizes or data decide. */
static tdagi_any triangle_by_data(tdagi_call *c, tdag_value x, tdag_value d)
{
    uint32_t rank = x.id == 0 ? 0 : tdagi_rank(c, x);
    if (c->bad || rank < 2) return tdagi_refuse(c, "self");
    tdag_value column = tdag_iota(c->b, tdagi_shape(c, x)[rank - 1], TDAG_I64),
               row = tdag_iota(c->b, tdagi_shape(c, x)[rank - 2], TDAG_I64);
    row = tdagi_add(c->b, tdagi_unsqueeze1(c->b, row, 1), d);
    bool upper = c->data == TDAGI_TRIU;
    tdag_value out = step_less(c, upper ? column : row, upper ? row : column);
    return tdagi_result(c, step_where(c, out, step_number(c, x, 0), x));
}

/* triu and tril: row data is the composite */
tdagi_any tdagi_aten_triangle(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    tdagi_any d = tdagi_arg(c, "diagonal");
    int64_t known;
    if (tdagi_any_is_tensor(d) ||
        (tdagi_any_is_number(d) && !tdagi_any_const_int(c->env, d, &known)))
        return triangle_by_data(c, x, tdagi_as(c, d, TDAG_I64));
    tdagi_diagonal_spec s = {tdagi_arg_int(c, "diagonal", 0)};
    return tdagi_result(c, tdagi_lower(c->b, (tdagi_composite)c->data, &x, 1, &s));
}

/* [.., C*r*r, H, W] -> [.., C, H*r, W*r]; row data 1: the inverse */
tdagi_any tdagi_aten_pixel_shuffle(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    int64_t r =
        tdagi_arg_int(c, c->data == 1 ? "downscale_factor" : "upscale_factor", 1);
    if (c->bad || tdagi_rank(c, x) < 3 || tdagi_rank(c, x) + 2 > TDAG_MAX_RANK || r < 1)
        return tdagi_refuse(c, "self");
    uint32_t rank = tdagi_rank(c, x), lead = rank - 3;
    tdag_dim wide[TDAG_MAX_RANK + 2], last[TDAG_MAX_RANK];
    int64_t order[TDAG_MAX_RANK + 2];
    const tdag_dim *s = tdagi_shape(c, x);
    for (uint32_t i = 0; i < lead; i++) {
        wide[i] = last[i] = s[i];
        order[i] = i;
    }
    tdag_dim ch = s[lead], h = s[lead + 1], w = s[lead + 2], rr = r * r;
    static const int64_t up[5] = {0, 3, 1, 4, 2}, down[5] = {0, 2, 4, 1, 3};
    if (c->data != 1) {
        tdag_dim parts[5] = {tdag_dim_floordiv(c->b, ch, rr), r, r, h, w};
        memcpy(wide + lead, parts, sizeof(parts));
        last[lead] = parts[0];
        last[lead + 1] = tdag_dim_mul(c->b, h, r);
        last[lead + 2] = tdag_dim_mul(c->b, w, r);
    } else {
        tdag_dim parts[5] = {ch, tdag_dim_floordiv(c->b, h, r), r,
                             tdag_dim_floordiv(c->b, w, r), r};
        memcpy(wide + lead, parts, sizeof(parts));
        last[lead] = tdag_dim_mul(c->b, ch, rr);
        last[lead + 1] = parts[1];
        last[lead + 2] = parts[3];
    }
    for (uint32_t i = 0; i < 5; i++)
        order[lead + i] = lead + (c->data == 1 ? down : up)[i];
    x = tdagi_reshape(c->b, x, rank + 2, wide);
    x = tdag_permute(c->b, x, (tdag_list){rank + 2, order});
    return tdagi_result(c, tdagi_reshape(c->b, x, rank, last));
}

tdagi_any tdagi_aten_channel_shuffle(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    int64_t g = tdagi_arg_int(c, "groups", 1);
    if (c->bad || tdagi_rank(c, x) < 3 || tdagi_rank(c, x) + 1 > TDAG_MAX_RANK || g < 1)
        return tdagi_refuse(c, "self");
    uint32_t rank = tdagi_rank(c, x);
    tdag_dim s[TDAG_MAX_RANK], wide[TDAG_MAX_RANK + 1];
    memcpy(s, tdagi_shape(c, x), rank * sizeof(*s));
    wide[0] = s[0];
    wide[1] = g;
    wide[2] = tdag_dim_floordiv(c->b, s[1], g);
    memcpy(wide + 3, s + 2, (rank - 2) * sizeof(*s));
    x = tdagi_transpose(c->b, tdagi_reshape(c->b, x, rank + 1, wide), 1, 2);
    return tdagi_result(c, tdagi_reshape(c->b, x, rank, s));
}
