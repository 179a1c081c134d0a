/* See factor.h. */
#include "transform/simplify/factor.h"

#include <string.h>

typedef struct numbers {
    int64_t v[TDAG_MAX_RANK];
} numbers;

static tdag_list list(uint32_t n, const numbers *x) { return (tdag_list){n, x->v}; }

tdag_status tdagi_factor_apply(tdagi_factors *f, tdag_op op, const void *spec,
                               uint32_t n, const tdag_tensor *const *in,
                               tdag_tensor **out)
{
    const tdagi_opdef *def = tdagi_op_row_of((uint32_t)op)->def;
    tdagi_type types[3], type;
    tdag_tensor *t = NULL;
    if (n > 3 || def->eval == NULL)
        return tdagi_fail(f->ctx, TDAG_E_UNSUPPORTED, "%s cannot be folded",
                          tdag_op_name(op));
    for (uint32_t i = 0; i < n; i++) {
        types[i].dtype = in[i]->dtype;
        types[i].rank = in[i]->rank;
        memcpy(types[i].shape, in[i]->shape, in[i]->rank * sizeof(int64_t));
    }
    memset(&type, 0, sizeof(type));
    const tdagi_shape_call shape = {f->ctx, f->pool, spec, n, types, &type};
    TDAGI_TRY(def->shape(&shape));
    TDAGI_TRY(tdagi_check_type(f->ctx, f->pool, &type));
    TDAGI_TRY(tdag_tensor_create(f->ctx, type.dtype, type.rank, type.shape, &t));
    const tdagi_eval_call call = {f->ctx, spec, n, in, t};
    tdag_status st = def->eval(&call);
    if (st == TDAG_OK)
        *out = t;
    else
        tdag_tensor_free(t);
    return st;
}

static tdag_status apply1(tdagi_factors *f, tdag_op op, const void *spec,
                          const tdag_tensor *t, tdag_tensor **out)
{
    return tdagi_factor_apply(f, op, spec, 1, &t, out);
}

static void free_shared(void *user) { tdag_tensor_free(user); }

tdag_status tdagi_factor_reshape(tdagi_factors *f, const tdag_tensor *t, uint32_t rank,
                                 const int64_t *shape, tdag_tensor **out)
{
    tdag_tensor *shared = tdag_tensor_copy(t);
    tdag_status st = tdag_tensor_wrap(f->ctx, t->dtype, rank, shape, shared->data,
                                      free_shared, shared, out);
    if (st != TDAG_OK) tdag_tensor_free(shared);
    return st;
}

tdag_status tdagi_factor_of(tdagi_factors *f, const tdag_tensor *t,
                            const tdagi_type *value, tdag_tensor **out)
{
    int64_t shape[TDAG_MAX_RANK];
    *out = NULL;
    if (t->rank > value->rank) return TDAG_OK;
    uint32_t more = value->rank - t->rank;
    for (uint32_t i = 0; i < value->rank; i++) {
        shape[i] = i < more ? 1 : t->shape[i - more];
        if (shape[i] != 1 && shape[i] != value->shape[i]) return TDAG_OK;
    }
    return tdagi_factor_reshape(f, t, value->rank, shape, out);
}

/* Whether any of the n dims from `axis` on is not 1. */
static bool varies(const tdag_tensor *t, uint32_t axis, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (t->shape[axis + i] != 1) return true;
    return false;
}

/* t repeated to the dims of the runs that vary, then each run as one dim; runs[i] axes
 * of t make axis i. NULL where such a dim is symbolic. */
static tdag_status merge_runs(tdagi_factors *f, const tdag_tensor *t, uint32_t n,
                              const int64_t *runs, const tdag_dim *shape,
                              tdag_tensor **out)
{
    numbers counts;
    int64_t merged[TDAG_MAX_RANK];
    uint32_t axis = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t run = (uint32_t)runs[i];
        bool some = varies(t, axis, run);
        merged[i] = 1;
        for (uint32_t k = 0; k < run; k++, axis++) {
            if (some && shape[axis] < 0) return TDAG_OK;
            counts.v[axis] = some && t->shape[axis] == 1 ? shape[axis] : 1;
            if (some) merged[i] *= shape[axis];
        }
    }
    const tdag_repeat_spec repeat = {list(t->rank, &counts)};
    tdag_tensor *full = NULL;
    TDAGI_TRY(apply1(f, TDAG_OP_REPEAT, &repeat, t, &full));
    tdag_status st = tdagi_factor_reshape(f, full, n, merged, out);
    tdag_tensor_free(full);
    return st;
}

/* Each dim that varies as the dims of its run, others as ones. */
static tdag_status split_runs(tdagi_factors *f, const tdag_tensor *t,
                              const int64_t *runs, const tdag_dim *shape,
                              tdag_tensor **out)
{
    int64_t split[TDAG_MAX_RANK];
    uint32_t axis = 0;
    for (uint32_t i = 0; i < t->rank; i++)
        for (int64_t k = 0; k < runs[i]; k++, axis++) {
            bool some = varies(t, i, 1);
            if (some && shape[axis] < 0) return TDAG_OK;
            split[axis] = some ? shape[axis] : 1;
        }
    return tdagi_factor_reshape(f, t, axis, split, out);
}

/* Whether the op leaves axis i as it is. */
static bool keeps_axis(const tdagi_step *s, uint32_t i)
{
    if (s->op == TDAG_OP_UNFOLD || s->op == TDAG_OP_FOLD) {
        const tdag_window_spec *w = s->spec;
        return w->kernel.v[i] == 1 && w->stride.v[i] == 1;
    }
    if (s->op == TDAG_OP_PAD) {
        const tdag_pad_spec *p = s->spec;
        return p->before.v[i] == 0 && p->after.v[i] == 0;
    }
    if (s->op == TDAG_OP_SLICE) {
        const tdag_slice_spec *p = s->spec;
        return p->start.v[i] == 0 && p->end.v[i] == s->x->shape[i];
    }
    return s->x->shape[i] == s->result->shape[i];
}

/* Zeroes, of either sign, around the value: they stay when it is scaled. */
static bool pads_with_number(const tdagi_step *s)
{
    const tdag_pad_spec *p = s->spec;
    return s->op == TDAG_OP_PAD && p->mode == TDAG_PAD_CONSTANT && p->value != 0;
}

/* Ops that keep the axes: t is a factor of both sides where it is constant along the
 * axes that change. */
static tdag_status same_axes(const tdagi_step *s, const tdag_tensor *t,
                             tdag_tensor **out)
{
    if (pads_with_number(s)) return TDAG_OK;
    for (uint32_t i = 0; i < t->rank; i++)
        if (t->shape[i] != 1 && !keeps_axis(s, i)) return TDAG_OK;
    *out = tdag_tensor_copy(t);
    return TDAG_OK;
}

static bool is_sum(const tdagi_step *s)
{
    const tdag_reduce_spec *r = s->spec;
    return s->op == TDAG_OP_REDUCE &&
           (r->kind == TDAG_REDUCE_SUM || r->kind == TDAG_REDUCE_MEAN);
}

tdag_status tdagi_factor_pull(tdagi_factors *f, const tdagi_step *s,
                              const tdag_tensor *t, tdag_tensor **out)
{
    *out = NULL;
    if (s->op == TDAG_OP_PERMUTE) {
        const tdag_permute_spec *p = s->spec;
        numbers inverse;
        for (uint32_t i = 0; i < t->rank; i++)
            inverse.v[p->order.v[i]] = i;
        const tdag_permute_spec back = {list(t->rank, &inverse)};
        return apply1(f, TDAG_OP_PERMUTE, &back, t, out);
    }
    if (s->op == TDAG_OP_SQUEEZE) return apply1(f, TDAG_OP_UNSQUEEZE, s->spec, t, out);
    if (s->op == TDAG_OP_UNSQUEEZE) return apply1(f, TDAG_OP_SQUEEZE, s->spec, t, out);
    if (s->op == TDAG_OP_GROUP) {
        const tdag_group_spec *g = s->spec;
        return split_runs(f, t, g->runs.v, s->x->shape, out);
    }
    if (s->op == TDAG_OP_UNGROUP) {
        const tdag_ungroup_spec *u = s->spec;
        return merge_runs(f, t, u->counts.n, u->counts.v, u->factors.v, out);
    }
    bool moves = s->op == TDAG_OP_SLICE || s->op == TDAG_OP_SELECT ||
                 s->op == TDAG_OP_PAD || s->op == TDAG_OP_REPEAT ||
                 s->op == TDAG_OP_UNFOLD || s->op == TDAG_OP_FOLD;
    return moves || is_sum(s) || s->op == TDAG_OP_NEG ? same_axes(s, t, out) : TDAG_OK;
}

/* A slice of the axes that vary. */
static tdag_status push_slice(tdagi_factors *f, const tdag_slice_spec *s,
                              const tdag_tensor *t, tdag_tensor **out)
{
    numbers start, end;
    for (uint32_t i = 0; i < t->rank; i++) {
        bool some = t->shape[i] != 1;
        if (some && (s->start.v[i] < 0 || s->end.v[i] < 0)) return TDAG_OK;
        start.v[i] = some ? s->start.v[i] : 0;
        end.v[i] = some ? s->end.v[i] : 1;
    }
    const tdag_slice_spec part = {list(t->rank, &start), list(t->rank, &end)};
    return apply1(f, TDAG_OP_SLICE, &part, t, out);
}

static tdag_status push_unfold(tdagi_factors *f, const tdag_window_spec *s,
                               const tdag_tensor *t, tdag_tensor **out)
{
    numbers kernel, stride;
    for (uint32_t i = 0; i < t->rank; i++) {
        kernel.v[i] = t->shape[i] != 1 ? s->kernel.v[i] : 1;
        stride.v[i] = t->shape[i] != 1 ? s->stride.v[i] : 1;
    }
    const tdag_window_spec some = {list(t->rank, &kernel), list(t->rank, &stride)};
    return apply1(f, TDAG_OP_UNFOLD, &some, t, out);
}

/* A factor may be anything where the padding is zero; a term has to be zero there, and
 * then it is no longer the same along the axis: refused. */
static tdag_status push_pad(tdagi_factors *f, const tdagi_step *s, const tdag_tensor *t,
                            bool term, tdag_tensor **out)
{
    const tdag_pad_spec *p = s->spec;
    numbers before, after;
    for (uint32_t i = 0; i < t->rank; i++) {
        bool some = t->shape[i] != 1, pads = !keeps_axis(s, i);
        if (some && (p->before.v[i] < 0 || p->after.v[i] < 0)) return TDAG_OK;
        if (pads && p->mode == TDAG_PAD_CONSTANT && (term || p->value != 0))
            return TDAG_OK;
        before.v[i] = some ? p->before.v[i] : 0;
        after.v[i] = some ? p->after.v[i] : 0;
    }
    const tdag_pad_spec around = {list(t->rank, &before), list(t->rank, &after),
                                  p->mode, 1};
    return apply1(f, TDAG_OP_PAD, &around, t, out);
}

tdag_status tdagi_factor_push(tdagi_factors *f, const tdagi_step *s,
                              const tdag_tensor *t, bool term, tdag_tensor **out)
{
    *out = NULL;
    if (s->op == TDAG_OP_PERMUTE || s->op == TDAG_OP_SQUEEZE ||
        s->op == TDAG_OP_UNSQUEEZE)
        return apply1(f, s->op, s->spec, t, out);
    if (s->op == TDAG_OP_GROUP) {
        const tdag_group_spec *g = s->spec;
        return merge_runs(f, t, g->runs.n, g->runs.v, s->x->shape, out);
    }
    if (s->op == TDAG_OP_UNGROUP) {
        const tdag_ungroup_spec *u = s->spec;
        return split_runs(f, t, u->counts.v, u->factors.v, out);
    }
    if (s->op == TDAG_OP_SLICE) return push_slice(f, s->spec, t, out);
    if (s->op == TDAG_OP_UNFOLD) return push_unfold(f, s->spec, t, out);
    if (s->op == TDAG_OP_PAD) return push_pad(f, s, t, term, out);
    if (s->op == TDAG_OP_SELECT || s->op == TDAG_OP_REPEAT) return same_axes(s, t, out);
    return TDAG_OK;
}
