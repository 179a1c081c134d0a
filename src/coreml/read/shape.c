/* Operators that move elements, where a formula cannot say it. */
#include <string.h>

#include "aten/aten.h"
#include "aten/control/statement.h"
#include "coreml/read/mil.h"

/* ---- reshapes ---- */

/* 0 is the size of x there: from the left, from CoreML7 on as counted from the right.
 */
tdagi_any tdagi_cml_reshape(tdagi_cml_call *c)
{
    tdagi_any list;
    uint32_t rank = tdagi_cml_rank(c, "x");
    int64_t n;
    if (!tdagi_cml_fit(c->env, tdagi_cml_at(c, "shape"), "List[int]", &list))
        return tdagi_cml_refuse(c, "a shape that is not known");
    for (uint32_t i = 0; i < list.u.seq->n; i++) {
        uint32_t at = c->room->opset >= 7 ? i + rank - list.u.seq->n : i;
        if (tdagi_any_const_int(c->env, list.u.seq->v[i], &n) && n == 0)
            list.u.seq->v[i] = tdagi_any_dim(tdagi_cml_dim(c, "x", at));
    }
    tdagi_cml_set(c, "shape", list);
    return tdagi_cml_eval(c, "reshape(x, shape)");
}

/* Axes [begin, end) of each of the tensors, one behind the other. */
tdagi_any tdagi_cml_reshape_like(tdagi_cml_call *c)
{
    tdagi_any refs = tdagi_cml_at(c, "ref_tensors"), masks;
    tdag_list begins = tdagi_cml_ints(c, "begins"), ends = tdagi_cml_ints(c, "ends");
    tdag_dim out[64];
    uint32_t n = 0;
    if (!tdagi_any_is_seq(refs) || refs.u.seq->n != begins.n || ends.n != begins.n ||
        !tdagi_cml_fit(c->env, tdagi_cml_at(c, "end_masks"), "List[bool]", &masks) ||
        masks.u.seq->n != begins.n)
        return tdagi_cml_refuse(c, "lists of several lengths");
    for (uint32_t i = 0; i < begins.n; i++) {
        if (refs.u.seq->v[i].kind != TDAGI_ANY_TENSOR) return tdagi_any_poison();
        tdagi_cell *t = refs.u.seq->v[i].u.tensor;
        int64_t rank = tdagi_cell_rank(c->env, t), at = begins.v[i], end = ends.v[i];
        at = at < 0 ? at + rank : at;
        end = masks.u.seq->v[i].u.b ? rank : end < 0 ? end + rank : end;
        for (; at >= 0 && at < end && at < rank && n < 64; at++)
            out[n++] = tdagi_cell_dim(c->env, t, (uint32_t)at);
    }
    tdagi_cml_set_dims(c, "shape", n, out);
    return tdagi_cml_eval(c, "reshape(x, shape)");
}

tdagi_any tdagi_cml_flatten2d(tdagi_cml_call *c)
{
    tdag_dim shape[2] = {1, 1};
    uint32_t rank = tdagi_cml_rank(c, "x");
    int64_t axis = tdagi_cml_int(c, "axis", 1);
    for (uint32_t i = 0; i < rank; i++) {
        bool behind = i >= (axis < 0 ? axis + rank : axis);
        shape[behind] =
            tdagi_dim_mul(c->env->pool, shape[behind], tdagi_cml_dim(c, "x", i));
    }
    tdagi_cml_set_dims(c, "shape", 2, shape);
    return tdagi_cml_eval(c, "reshape(x, shape)");
}

/* Bits of the axes of a list, negative ones from the end. */
static uint64_t axes_of(tdagi_cml_call *c, uint32_t rank)
{
    uint64_t bits = 0;
    tdag_list axes = tdagi_cml_ints(c, "axes");
    for (uint32_t i = 0; i < axes.n; i++) {
        int64_t a = axes.v[i] < 0 ? axes.v[i] + rank : axes.v[i];
        if (a < 0 || a >= rank || a > 63)
            tdagi_env_fail(c->env, TDAG_E_SHAPE, "axis %lld of %u", (long long)a,
                           (unsigned)rank);
        else
            bits |= (uint64_t)1 << a;
    }
    return bits;
}

tdagi_any tdagi_cml_expand_dims(tdagi_cml_call *c)
{
    uint32_t rank = tdagi_cml_rank(c, "x") + tdagi_cml_ints(c, "axes").n;
    uint64_t bits = axes_of(c, rank);
    for (uint32_t i = 0; i < rank; i++) {
        if ((bits >> i & 1) == 0) continue;
        tdagi_cml_set_int(c, "at", i);
        tdagi_cml_let(c, "x", "unsqueeze(x, at)");
    }
    return tdagi_cml_at(c, "x");
}

/* Without axes all of size 1; a size that a run finds is 1 there, too. */
tdagi_any tdagi_cml_squeeze(tdagi_cml_call *c)
{
    uint32_t rank = tdagi_cml_rank(c, "x");
    uint64_t bits = tdagi_cml_has(c, "axes") ? axes_of(c, rank) : 0;
    for (uint32_t i = 0; i < rank && !tdagi_cml_has(c, "axes"); i++) {
        const tdag_dim d = tdagi_cml_dim(c, "x", i);
        if (d == 1 || (d < 0 && tdagi_is_found(c->env, d) &&
                       tdagi_dim_sample(c->env->pool, d) == 1))
            bits |= (uint64_t)1 << i;
    }
    for (uint32_t i = rank; i-- > 0;) {
        if ((bits >> i & 1) == 0) continue;
        tdagi_cml_set_int(c, "at", i);
        tdagi_cml_let(c, "x",
                      tdagi_cml_dim(c, "x", i) < 0 ? "select(x, at, 0)"
                                                   : "squeeze(x, at)");
    }
    return tdagi_cml_at(c, "x");
}

/* ---- padding ---- */

tdagi_any tdagi_cml_pad(tdagi_cml_call *c)
{
    tdagi_any pairs, list = tdagi_any_seq(c->env, TDAGI_ANY_LIST, 0, NULL);
    if (!tdagi_cml_fit(c->env, tdagi_cml_at(c, "pad"), "List[int]", &pairs))
        return tdagi_cml_refuse(c, "amounts that are not known");
    if (list.kind != TDAGI_ANY_LIST) return list; /* no memory */
    uint32_t n = pairs.u.seq->n;
    int64_t amount;
    if (n % 2 != 0) return tdagi_cml_refuse(c, "an odd number of amounts");
    bool some = false; /* axes before the first that is padded are not named */
    for (uint32_t i = n; i > 0 && tdagi_env_ok(c->env); i -= 2) {
        tdagi_seq_append(c->env, list.u.seq, pairs.u.seq->v[i - 2]);
        tdagi_seq_append(c->env, list.u.seq, pairs.u.seq->v[i - 1]);
    }
    while (!some && list.u.seq->n >= 2) {
        for (uint32_t k = 1; k <= 2; k++)
            some |= !tdagi_any_const_int(c->env, list.u.seq->v[list.u.seq->n - k],
                                         &amount) ||
                    amount != 0;
        if (!some) list.u.seq->n -= 2;
    }
    tdagi_cml_set(c, "pairs", list);
    if (list.u.seq->n == 0) return tdagi_cml_at(c, "x");
    if (tdagi_cml_is(c, "mode", "constant"))
        return tdagi_cml_eval(c, "constant_pad_nd(x, pairs, constant_val)");
    return tdagi_cml_eval(c, "if(is(mode, 'reflect'), pad(x, pairs, 'reflect'), pad(x, "
                             "pairs, 'replicate'))");
}

/* ---- blocks of pixels in the batch ---- */

/* Sets "b0", "b1" and the pairs of a list of two pairs, outwards. */
static bool read_blocks(tdagi_cml_call *c, const char *amounts)
{
    tdag_list b = tdagi_cml_ints(c, "block_shape");
    tdagi_any list, flat = tdagi_any_seq(c->env, TDAGI_ANY_LIST, 0, NULL);
    if (b.n != 2 || tdagi_cml_rank(c, "x") != 4) {
        tdagi_cml_refuse(c, "blocks of other axes than two");
        return false;
    }
    tdagi_cml_set_int(c, "b0", b.v[0]);
    tdagi_cml_set_int(c, "b1", b.v[1]);
    if (!tdagi_cml_fit(c->env, tdagi_cml_at(c, amounts), "Tensor", &list) ||
        !tdagi_any_listed(c->env, list, &list) || list.u.seq->n != 2) {
        tdagi_cml_refuse(c, "amounts that are not known");
        return false;
    }
    for (uint32_t i = 2; i-- > 0;)
        for (uint32_t k = 0; k < 2; k++)
            tdagi_seq_append(c->env, flat.u.seq, list.u.seq->v[i].u.seq->v[k]);
    tdagi_cml_set(c, "pairs", flat);
    return tdagi_env_ok(c->env);
}

tdagi_any tdagi_cml_space_to_batch(tdagi_cml_call *c)
{
    if (!read_blocks(c, "paddings")) return tdagi_any_poison();
    return tdagi_cml_eval(
        c, "y = pad(x, pairs); z = unflatten(unflatten(y, 3, [-1, b1]), 2, [-1, b0]); "
           "flatten(permute(z, [3, 5, 0, 1, 2, 4]), 0, 2)");
}

tdagi_any tdagi_cml_batch_to_space(tdagi_cml_call *c)
{
    if (!read_blocks(c, "crops")) return tdagi_any_poison();
    return tdagi_cml_eval(
        c, "y = permute(unflatten(x, 0, [b0, b1, -1]), [2, 3, 4, 0, 5, 1]); "
           "z = flatten(flatten(y, 4, 5), 2, 3); "
           "pad(z, [neg(pairs[0]), neg(pairs[1]), neg(pairs[2]), neg(pairs[3])])");
}

/* ---- slices ---- */

typedef struct cut {
    tdagi_any begin, end, stride; /* of lists, or NONE */
    tdagi_any begin_mask, end_mask, squeeze_mask;
} cut;

static bool list_or_none(tdagi_cml_call *c, const char *name, const char *type,
                         uint32_t rank, tdagi_any *out)
{
    tdagi_any v = tdagi_cml_at(c, name);
    *out = v;
    if (v.kind == TDAGI_ANY_NONE) return true;
    if (tdagi_cml_fit(c->env, v, type, out) && out->u.seq->n == rank) return true;
    tdagi_env_issue(c->env, "%s with an operand %s that is not known", c->what, name);
    return false;
}

static bool is_set(tdagi_any mask, uint32_t i)
{
    return mask.kind == TDAGI_ANY_LIST && mask.u.seq->v[i].u.b;
}

static bool read_cut(tdagi_cml_call *c, cut *at)
{
    uint32_t rank = tdagi_cml_rank(c, "x");
    return list_or_none(c, "begin", "List[int]", rank, &at->begin) &&
           list_or_none(c, "end", "List[int]", rank, &at->end) &&
           list_or_none(c, "stride", "List[int]", rank, &at->stride) &&
           list_or_none(c, "begin_mask", "List[bool]", rank, &at->begin_mask) &&
           list_or_none(c, "end_mask", "List[bool]", rank, &at->end_mask) &&
           list_or_none(c, "squeeze_mask", "List[bool]", rank, &at->squeeze_mask);
}

static int64_t stride_of(tdagi_cml_call *c, const cut *at, uint32_t i)
{
    int64_t n = 1;
    if (at->stride.kind != TDAGI_ANY_LIST) return 1;
    return tdagi_any_const_int(c->env, at->stride.u.seq->v[i], &n) ? n : 0;
}

/* Sets begin and end for ATen's slice of axis i, after a flip where the stride is
 * negative: element k from the end is -1 - k there. */
static bool set_bounds(tdagi_cml_call *c, const cut *at, uint32_t i)
{
    int64_t stride = stride_of(c, at, i);
    tdagi_any none = tdagi_any_none();
    tdagi_cml_set_int(c, "axis", i);
    tdagi_cml_set_int(c, "step", stride < 0 ? -stride : stride);
    tdagi_cml_set(c, "from", is_set(at->begin_mask, i) ? none : at->begin.u.seq->v[i]);
    tdagi_cml_set(c, "till", is_set(at->end_mask, i) ? none : at->end.u.seq->v[i]);
    if (stride > 0) return true;
    if (stride == 0) {
        tdagi_cml_refuse(c, "a stride that is not known");
        return false;
    }
    tdagi_cml_let(c, "from", "if(is(from, None), None, sub(-1, from))");
    tdagi_cml_let(c, "till", "if(is(till, None), None, sub(-1, till))");
    return true;
}

/* A part of known numbers, as sizes are picked: it stays known. */
static bool known_slice(tdagi_cml_call *c, const cut *at, tdagi_any *out)
{
    tdagi_any x = tdagi_cml_at(c, "x");
    const tdagi_cell *t = x.kind == TDAGI_ANY_TENSOR ? x.u.tensor : NULL;
    if (t == NULL || t->known == NULL || t->known_rank != 1) return false;
    int64_t n = t->n_known, from = 0, till = n;
    if (!is_set(at->begin_mask, 0) &&
        !tdagi_any_const_int(c->env, at->begin.u.seq->v[0], &from))
        return false;
    if (!is_set(at->end_mask, 0) &&
        !tdagi_any_const_int(c->env, at->end.u.seq->v[0], &till))
        return false;
    from += from < 0 ? n : 0;
    till = till < 0 ? till + n : till > n ? n : till;
    if (stride_of(c, at, 0) != 1 || from < 0 || from >= n) return false;
    if (is_set(at->squeeze_mask, 0))
        *out = tdagi_any_tensor(tdagi_cell_known(c->env, t->dtype, t->known[from]));
    else if (till > from)
        *out = tdagi_any_tensor(tdagi_cell_known_list(
            c->env, t->dtype, (uint32_t)(till - from), t->known + from));
    else
        return false;
    return true;
}

/* One element that is taken backwards, which needs no flip. */
static bool is_one_backwards(tdagi_cml_call *c, const cut *at, uint32_t i)
{
    int64_t from = 0, till = 0;
    return stride_of(c, at, i) == -1 && !is_set(at->begin_mask, i) &&
           !is_set(at->end_mask, i) &&
           tdagi_any_const_int(c->env, at->begin.u.seq->v[i], &from) &&
           tdagi_any_const_int(c->env, at->end.u.seq->v[i], &till) &&
           from - till == 1 && (from < 0) == (till < 0);
}

tdagi_any tdagi_cml_slice_by_index(tdagi_cml_call *c)
{
    cut at;
    tdagi_any known;
    if (!read_cut(c, &at)) return tdagi_any_poison();
    if (known_slice(c, &at, &known)) return known;
    for (uint32_t i = tdagi_cml_rank(c, "x"); i-- > 0 && tdagi_env_ok(c->env);) {
        bool squeezed = is_set(at.squeeze_mask, i);
        if (squeezed || is_one_backwards(c, &at, i)) {
            tdagi_cml_set_int(c, "axis", i);
            tdagi_cml_set(c, "from",
                          is_set(at.begin_mask, i) ? tdagi_any_int(c->env, 0)
                                                   : at.begin.u.seq->v[i]);
            tdagi_cml_let(c, "x", "select(x, axis, from)");
            if (!squeezed) tdagi_cml_let(c, "x", "unsqueeze(x, axis)");
            continue;
        }
        if (!set_bounds(c, &at, i)) return tdagi_any_poison();
        if (stride_of(c, &at, i) < 0) tdagi_cml_let(c, "x", "flip(x, [axis])");
        tdagi_cml_let(c, "x", "slice(x, axis, from, till, step)");
    }
    return tdagi_cml_at(c, "x");
}

/* Where data or a symbol tells how much, the part begins and ends at sizes. False: it
 * does not. */
static bool take_open(tdagi_cml_call *c, uint32_t i, tdagi_any begin, tdagi_any size)
{
    tdagi_env *env = c->env;
    const tdagi_any x = tdagi_cml_at(c, "x"), both[2] = {begin, size};
    tdag_dim at[2] = {0, 0}, most = tdagi_cml_dim(c, "x", i);
    int64_t n;
    if (tdagi_any_const_int(env, size, &n) || x.kind != TDAGI_ANY_TENSOR ||
        (tdagi_any_const_int(env, begin, &n) && n < 0))
        return false;
    for (int k = 0; k < 2 && tdagi_env_ok(env); k++) {
        if (both[k].kind == TDAGI_ANY_DATA)
            at[k] = tdagi_size_add(
                env,
                tdagi_cast(env->b, tdagi_cell_read(env, both[k].u.tensor), TDAG_I64),
                most);
        else
            at[k] = both[k].kind == TDAGI_ANY_INT ? both[k].u.i : TDAGI_DIM_BAD;
        if (at[k] == TDAGI_DIM_BAD) return false;
        most = tdagi_dim_sub(env->pool, most, at[k]);
    }
    tdagi_view_step step = {.kind = TDAGI_VIEW_SLICE, .axis = i, .start = at[0]};
    step.end = tdagi_dim_add(env->pool, at[0], at[1]);
    step.step = 1;
    tdagi_cell *t = tdagi_env_ok(env) ? tdagi_cell_view(env, x.u.tensor, &step) : NULL;
    if (t != NULL) tdagi_cml_set(c, "x", tdagi_any_tensor(t));
    return true;
}

tdagi_any tdagi_cml_slice_by_size(tdagi_cml_call *c)
{
    tdagi_any begin, size;
    int64_t n, from;
    uint32_t rank = tdagi_cml_rank(c, "x");
    if (!list_or_none(c, "begin", "List[int]", rank, &begin) ||
        !list_or_none(c, "size", "List[int]", rank, &size))
        return tdagi_any_poison();
    for (uint32_t i = 0; i < rank && tdagi_env_ok(c->env); i++) {
        if (take_open(c, i, begin.u.seq->v[i], size.u.seq->v[i])) continue;
        bool rest = tdagi_any_const_int(c->env, size.u.seq->v[i], &n) && n == -1;
        bool negative =
            tdagi_any_const_int(c->env, begin.u.seq->v[i], &from) && from < 0;
        tdagi_cml_set_int(c, "axis", i);
        tdagi_cml_set(c, "from", begin.u.seq->v[i]);
        tdagi_cml_set(c, "length", size.u.seq->v[i]);
        if (negative) tdagi_cml_let(c, "from", "add(size(x, axis), from)");
        tdagi_cml_let(c, "x",
                      rest ? "slice(x, axis, from, None, 1)"
                           : "narrow(x, axis, from, length)");
    }
    return tdagi_cml_at(c, "x");
}

static void set_from(tdagi_cml_call *c, const cut *at, uint32_t i)
{
    bool masked = is_set(at->begin_mask, i);
    tdagi_cml_set_int(c, "axis", i);
    tdagi_cml_set(c, "from", masked ? tdagi_any_int(c->env, 0) : at->begin.u.seq->v[i]);
}

/* Narrows x to the slice's part of axis i. False: data tells where that is. */
static bool narrow_axis(tdagi_cml_call *c, const cut *at, uint32_t i)
{
    if (is_set(at->squeeze_mask, i)) {
        set_from(c, at, i);
        tdagi_cml_let(c, "x", "unsqueeze(select(x, axis, from), axis)");
        return true;
    }
    if (!set_bounds(c, at, i)) return false;
    if (stride_of(c, at, i) < 0) tdagi_cml_let(c, "x", "flip(x, [axis])");
    tdagi_cml_let(c, "x", "slice(x, axis, from, till, step)");
    return true;
}

/* Puts "update" into "whole" at the slice's part of axis i. */
static void put_axis(tdagi_cml_call *c, const cut *at, uint32_t i)
{
    if (is_set(at->squeeze_mask, i)) {
        set_from(c, at, i);
        tdagi_cml_let(c, "update",
                      "select_scatter(whole, squeeze(update, axis), axis, from)");
        return;
    }
    if (!set_bounds(c, at, i)) return;
    bool flips = stride_of(c, at, i) < 0;
    if (flips) tdagi_cml_let(c, "whole", "flip(whole, [axis])");
    tdagi_cml_let(c, "update", "slice_scatter(whole, update, axis, from, till, step)");
    if (flips) tdagi_cml_let(c, "update", "flip(update, [axis])");
}

static bool by_data(const tdagi_any *list, uint32_t rank)
{
    for (uint32_t i = 0; i < rank; i++)
        if (list->u.seq->v[i].kind != TDAGI_ANY_INT) return true;
    return false;
}

/* The elements that a slice at places told by data has: those of `update` where all
 * axes are within it. As many elements are written as the update has. */
static tdagi_any put_by_data(tdagi_cml_call *c, const cut *at)
{
    uint32_t rank = tdagi_cml_rank(c, "x");
    tdagi_cml_set(c, "inside", tdagi_any_none());
    tdagi_cml_set(c, "taken", tdagi_cml_at(c, "update"));
    for (uint32_t i = 0; i < rank && tdagi_env_ok(c->env); i++) {
        if (stride_of(c, at, i) != 1)
            return tdagi_cml_refuse(c, "strides at places that data tells");
        set_from(c, at, i);
        tdagi_cml_let(c, "d",
                      "sub(arange(size(x, axis), dtype=dtype('int32')), "
                      "tensor_of(from, size(x, axis)))");
        tdagi_cml_let(c, "taken",
                      "index_select(taken, axis, clamp(d, 0, "
                      "sub(size(update, axis), 1)))");
        tdagi_cml_let(c, "d",
                      "along(logical_and(ge(d, 0), lt(d, size(update, axis))), x, "
                      "axis)");
        tdagi_cml_let(c, "inside", "if(is(inside, None), d, logical_and(inside, d))");
    }
    return tdagi_cml_eval(c, "where(inside, taken, x)");
}

/* The elements that a slice has get those of `update`. */
tdagi_any tdagi_cml_slice_update(tdagi_cml_call *c)
{
    cut at;
    uint32_t rank = tdagi_cml_rank(c, "x");
    tdagi_any whole[TDAG_MAX_RANK];
    if (!read_cut(c, &at)) return tdagi_any_poison();
    for (uint32_t i = 0; i < rank && tdagi_env_ok(c->env); i++) {
        if (!is_set(at.squeeze_mask, i)) continue;
        tdagi_cml_set_int(c, "axis", i);
        tdagi_cml_let(c, "update", "unsqueeze(update, axis)");
    }
    if (by_data(&at.begin, rank) || by_data(&at.end, rank)) return put_by_data(c, &at);
    for (uint32_t i = 0; i < rank && tdagi_env_ok(c->env); i++) {
        whole[i] = tdagi_cml_at(c, "x");
        if (!narrow_axis(c, &at, i)) return tdagi_any_poison();
    }
    for (uint32_t i = rank; i-- > 0 && tdagi_env_ok(c->env);) {
        tdagi_cml_set(c, "whole", whole[i]);
        put_axis(c, &at, i);
    }
    return tdagi_cml_at(c, "update");
}

/* Of each row of the batch the first `lengths` elements are reversed. */
tdagi_any tdagi_cml_reverse_sequence(tdagi_cml_call *c)
{
    return tdagi_cml_eval(
        c, "y = movedim(x, [batch_axis, seq_axis], [0, 1]); n = size(y, 1); "
           "i = unsqueeze(arange(n), 0); l = unsqueeze(lengths, 1); "
           "at = where(lt(i, l), sub(sub(l, 1), i), i); "
           "z = index(flatten(y, 0, 1), [flatten(add(at, mul(unsqueeze(arange(size(y, "
           "0)), 1), n)))]); movedim(unflatten(z, 0, [size(y, 0), n]), [0, 1], "
           "[batch_axis, seq_axis])");
}
