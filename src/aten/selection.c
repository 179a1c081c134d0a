/* See selection.h. */
#include "aten/selection.h"

#include <string.h>

#include "aten/control/statement.h"
#include "aten/rows/positions/found.h"

/* Rows whose result has each element from those at its place: what they make of y[m] is
 * what they make of y, picked. */
static const tdagi_aten_fn elementwise[] = {
    tdagi_aten_binary,      tdagi_aten_pow,        tdagi_aten_square,
    tdagi_aten_rsub,        tdagi_aten_logical,    tdagi_aten_logical_not,
    tdagi_aten_bitwise_not, tdagi_aten_clamp,      tdagi_aten_addc,
    tdagi_aten_lerp,        tdagi_aten_unary,      tdagi_aten_unary_float,
    tdagi_aten_rounding,    tdagi_aten_other_base, tdagi_aten_is_special,
    tdagi_aten_nan_to_num,  tdagi_aten_to,         tdagi_aten_cast_to,
    tdagi_aten_leaky_relu,  tdagi_aten_elu,        tdagi_aten_gelu,
    tdagi_aten_softplus,    tdagi_aten_hardtanh,   tdagi_aten_clone,
    tdagi_aten_identity,
};

static bool is_elementwise(const tdagi_call *c)
{
    for (size_t i = 0; i < sizeof(elementwise) / sizeof(elementwise[0]); i++)
        if (c->row->fn == elementwise[i]) return true;
    return false;
}

static tdagi_selection *selection_of(tdagi_any v)
{
    bool is = v.kind == TDAGI_ANY_POISON && v.u.issue != NULL;
    return is ? v.u.issue->selection : NULL;
}

/* ---- as tensors ---- */

static void settle(tdagi_env *env, tdagi_selection *s)
{
    tdag_builder *b = env->b;
    if (s->cell != NULL || !tdagi_env_ok(env)) return;
    tdag_value at = tdagi_positions_of(env, s->mask);
    if (at.id == 0) return;
    uint32_t n = tdag_builder_get_rank(b, s->mask),
             rank = tdag_builder_get_rank(b, s->full);
    tdag_dim shape[TDAG_MAX_RANK + 1];
    uint32_t k = 0;
    for (uint32_t i = 0; i <= rank; i++) {
        if (i == s->axis) shape[k++] = tdagi_numel(env, s->mask);
        if (i < rank && (i < s->axis || i >= s->axis + n))
            shape[k++] = tdag_builder_get_shape(b, s->full)[i];
    }
    const tdag_value in[2] = {tdagi_reshape(b, s->full, k, shape), at};
    const tdagi_axis_spec axis = {s->axis};
    s->cell = tdagi_cell_new(env, tdagi_lower(b, TDAGI_INDEX_SELECT, in, 2, &axis));
    if (s->cell != NULL && s->cell->value.id == 0) s->cell = NULL;
    if (s->cell != NULL) s->picked = s->cell->value;
}

tdagi_any tdagi_settled(tdagi_env *env, tdagi_any v)
{
    tdagi_selection *s = selection_of(v);
    if (tdagi_any_is_seq(v))
        for (uint32_t i = 0; i < v.u.seq->n; i++)
            v.u.seq->v[i] = tdagi_settled(env, v.u.seq->v[i]);
    if (s == NULL || env->outline == NULL) return v;
    settle(env, s);
    if (tdag_builder_get_status(env->b) == TDAG_E_NOMEM)
        tdagi_env_fail_here(env, TDAG_E_NOMEM, "");
    return s->cell == NULL ? v : tdagi_any_tensor(s->cell);
}

void tdagi_settle_all(tdagi_env *env)
{
    for (tdagi_selection *s = env->selections; s != NULL && env->outline != NULL;
         s = s->next)
        settle(env, s);
}

/* ---- packed sequences ---- */

tdagi_any tdagi_selection_as(tdagi_call *c, const tdagi_selection *as, tdag_value full)
{
    tdagi_any out = tdagi_selection_new(c, full, as->mask, as->axis);
    tdagi_selection *s = selection_of(out);
    if (s != NULL) s->sizes = as->sizes;
    return out;
}

void tdagi_selection_packed(tdagi_call *c, tdag_value x, tdag_value mask,
                            tdagi_any out[2])
{
    const int64_t batch = 1;
    tdag_value n = tdagi_reduce_keep(c->b, tdagi_cast(c->b, mask, TDAG_I64),
                                     TDAG_REDUCE_SUM, (tdag_list){1, &batch}, false);
    tdag_value some = tdagi_cast(c->b, n, TDAG_BOOL);
    if (some.id == 0) return;
    out[1] = tdagi_selection_new(c, n, some, 0);
    tdagi_selection *sizes = selection_of(out[1]);
    if (sizes == NULL) return;
    sizes->first = tdagi_dim(c, mask, 1); /* no sequence is empty */
    const tdagi_selection as = {.mask = mask, .sizes = sizes};
    out[0] = tdagi_selection_as(c, &as, x);
}

/* What the first argument was packed from, where the second one is its sizes. */
static const tdagi_selection *packed_of(const tdagi_call *c)
{
    bool takes = c->row != NULL && c->schema->n_args > 1 && c->n > 1 &&
                 strcmp(c->schema->args[1].name, "batch_sizes") == 0;
    const tdagi_selection *s = takes ? selection_of(c->args[0]) : NULL;
    bool is = s != NULL && s->sizes != NULL &&
              (s->cell == NULL || /* nothing was written into it */
               tdagi_cell_read(c->env, s->cell).id == s->picked.id);
    return is && selection_of(c->args[1]) == s->sizes ? s : NULL;
}

/* n[0] of the sizes of steps is known. */
static bool reads_first(const tdagi_call *c)
{
    int64_t dim, index;
    if (c->n != 3 || strcmp(c->schema->name, "aten::select") != 0) return false;
    const tdagi_selection *s = selection_of(c->args[0]);
    return s != NULL && s->first != 0 &&
           tdagi_any_const_int(c->env, c->args[1], &dim) &&
           tdagi_any_const_int(c->env, c->args[2], &index) && dim == 0 && index == 0;
}

static bool give_first(tdagi_call *c)
{
    tdagi_any *args = tdagi_env_alloc(c->env, c->n * sizeof(*args));
    if (args == NULL) return false;
    const tdagi_any first = tdagi_any_int(c->env, selection_of(c->args[0])->first);
    memcpy(args, c->args, c->n * sizeof(*args));
    args[0] = tdagi_any_tensor(tdagi_cell_known_list(c->env, TDAG_I64, 1, &first));
    c->args = args;
    return true;
}

/* ---- equal masks ---- */

static bool same_mask(tdagi_call *c, const tdagi_selection *s, const tdagi_selection *t)
{
    return s->axis == t->axis && tdagi_same_value(c->b->graph, s->mask, t->mask);
}

/* ---- calls ---- */

/* The arguments with all of y in the place of y[m]. */
static bool replace(tdagi_call *c, bool by_all)
{
    tdagi_any *args = tdagi_env_alloc(c->env, c->n * sizeof(*args));
    if (args == NULL) return false;
    memcpy(args, c->args, c->n * sizeof(*args));
    for (uint32_t i = 0; i < c->n; i++) {
        tdagi_selection *s = selection_of(args[i]);
        if (!by_all)
            args[i] = tdagi_settled(c->env, args[i]);
        else if (s != NULL)
            args[i] = tdagi_any_tensor(tdagi_cell_new(c->env, s->full));
    }
    c->args = args;
    return true;
}

/* Those that are tensors already, or all. */
static bool settle_arguments(tdagi_call *c, bool all)
{
    bool any = false;
    for (uint32_t i = 0; i < c->n && !any; i++) {
        const tdagi_any *poison = tdagi_any_find_poison(&c->args[i]);
        const tdagi_selection *s = poison == NULL ? NULL : selection_of(*poison);
        any = s != NULL && (all || s->cell != NULL);
    }
    return !any || c->env->outline == NULL || replace(c, false);
}

/* Whether each argument is of the same mask and shape, or broadcasts along the axes
 * that the mask does not have. */
static bool agree(tdagi_call *c, const tdagi_selection *s)
{
    uint32_t rank = tdagi_rank(c, s->full);
    uint32_t rest = rank - s->axis - tdagi_rank(c, s->mask);
    for (uint32_t i = 0; i < c->n; i++) {
        tdagi_any v = c->args[i];
        tdagi_selection *t = selection_of(v);
        if (t != NULL && (!same_mask(c, s, t) ||
                          !tdagi_same_shape(c, t->full, rank, tdagi_shape(c, s->full))))
            return false;
        if (t == NULL && v.kind == TDAGI_ANY_POISON) return false;
        if (v.kind == TDAGI_ANY_TENSOR && tdagi_cell_rank(c->env, v.u.tensor) > rest)
            return false;
    }
    return !c->schema->in_place_of_row || selection_of(c->args[0]) != NULL;
}

/* x[m] = y[m] */
static bool puts_same(tdagi_call *c, const tdagi_selection *s)
{
    bool writes = c->row->fn == tdagi_aten_index_put && c->n > 2 &&
                  c->args[0].kind == TDAGI_ANY_TENSOR &&
                  selection_of(c->args[2]) == s && tdagi_any_is_seq(c->args[1]);
    if (!writes) return false;
    const tdagi_seq *at = c->args[1].u.seq;
    tdagi_selection t = {.axis = s->axis};
    for (uint32_t i = 0; i < at->n; i++)
        if (i != s->axis && at->v[i].kind != TDAGI_ANY_NONE) return false;
    if (s->axis >= at->n || at->v[s->axis].kind != TDAGI_ANY_TENSOR) return false;
    t.mask = tdagi_cell_read(c->env, at->v[s->axis].u.tensor);
    uint32_t rank = tdagi_cell_rank(c->env, c->args[0].u.tensor);
    return t.mask.id != 0 && rank == tdagi_rank(c, s->full) && same_mask(c, s, &t);
}

bool tdagi_selection_enter(tdagi_call *c, tdagi_any *out)
{
    tdagi_selection *s = NULL;
    *out = tdagi_any_none();
    c->packed = packed_of(c);
    if (c->packed != NULL) return replace(c, true);
    if (reads_first(c)) return give_first(c);
    if (!settle_arguments(c, false)) return false;
    for (uint32_t i = 0; i < c->n && s == NULL; i++) {
        s = selection_of(c->args[i]);
        if (s != NULL) *out = c->args[i];
    }
    bool whole = s != NULL && c->row != NULL && puts_same(c, s);
    bool picked = s != NULL && c->row != NULL && is_elementwise(c) && agree(c, s);
    if (!picked) *out = tdagi_any_none();
    if (whole) c->data = 1;
    return whole || picked ? replace(c, true) : settle_arguments(c, true);
}

tdagi_any tdagi_selection_leave(tdagi_call *c, tdagi_any of, tdagi_any result)
{
    tdagi_selection *s = selection_of(of);
    if (s == NULL || result.kind != TDAGI_ANY_TENSOR) return result;
    tdag_value v = tdagi_cell_read(c->env, result.u.tensor);
    if (!c->schema->in_place_of_row) {
        const tdagi_selection is = {
            .full = v, .mask = s->mask, .axis = s->axis, .sizes = s->sizes};
        return tdagi_selection_like(c, is, of.u.issue);
    }
    s->full = v; /* of all who hold it */
    return of;
}
