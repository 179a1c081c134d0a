/* Helpers of the axis rules; see axis.h. */
#include "ops/axis.h"

#include "base/tensor.h"
#include "ops/ops.h"

bool tdagi_mark_alone(const tdagi_mark *mark)
{
    return mark->axis >= 0 && mark->outer == 1 && mark->inner == 1;
}

int64_t tdagi_mark_shift(const tdagi_mark *mark, int64_t axis)
{
    return tdagi_mark_alone(mark) && axis > mark->axis ? axis - 1 : axis;
}

tdag_dim tdagi_mark_rest(const tdagi_axis_call *c, const tdagi_mark *mark)
{
    return tdagi_dim_mul(c->pool, mark->outer, mark->inner);
}

tdagi_axis_numbers tdagi_mark_entries(const tdagi_mark *mark, tdag_list list,
                                      int64_t rest)
{
    tdagi_axis_numbers to = {0};
    for (uint32_t i = 0; i < list.n; i++) {
        bool here = (int64_t)i == mark->axis;
        if (here && tdagi_mark_alone(mark)) continue;
        to.v[to.n++] = here ? rest : list.v[i];
    }
    return to;
}

bool tdagi_axis_unmarked(const tdagi_axis_call *c)
{
    for (uint32_t i = 0; i < c->n_inputs; i++)
        if (c->marks[i].axis >= 0) return false;
    return true;
}

tdag_status tdagi_axis_mentions(const tdagi_axis_call *c, tdag_dim d, bool *out)
{
    uint32_t n = tdagi_pool_n_symbols(c->pool);
    void *block = NULL;
    *out = false;
    if (d >= 0 || d == TDAGI_DIM_BAD) return TDAG_OK;
    TDAGI_TRY(tdagi_array_alloc(c->ctx, n, sizeof(tdag_dim), &block));
    tdag_dim *replacements = block;
    for (uint32_t i = 0; i < n; i++) {
        tdag_dim symbol = tdagi_pool_symbol_dim(c->pool, i);
        replacements[i] = symbol == c->dim ? 1 : symbol;
    }
    *out = tdagi_dim_substitute(c->pool, c->pool, d, replacements) != d;
    tdagi_free(c->ctx, block, n * sizeof(tdag_dim));
    return tdagi_pool_report(c->ctx, c->pool);
}

tdag_status tdagi_axis_refuse(const tdagi_axis_call *c, const char *op, const char *why)
{
    tdagi_ops_text text;
    return tdagi_fail(c->ctx, TDAG_E_UNSUPPORTED, "%s cannot be removed: %s %s",
                      tdagi_ops_dim(c->pool, c->dim, &text), op, why);
}

/* Fails where a dim of the spec depends on D. */
static tdag_status check_spec(const tdagi_axis_call *c, const tdagi_op_row *row,
                              const void *spec)
{
    if (spec == NULL || row->def->fields == NULL) return TDAG_OK;
    for (const tdagi_field *f = row->def->fields; f->kind != TDAGI_FIELD_END; f++) {
        if (!tdagi_field_has_dims(f)) continue;
        tdag_list dims = tdagi_field_numbers(f, spec);
        for (uint32_t i = 0; i < dims.n; i++) {
            bool mentions;
            TDAGI_TRY(tdagi_axis_mentions(c, dims.v[i], &mentions));
            if (!mentions) continue;
            tdagi_ops_text d, text;
            return tdagi_fail(
                c->ctx, TDAG_E_UNSUPPORTED,
                "%s cannot be removed: %s has the %s %s, which depends on it",
                tdagi_ops_dim(c->pool, c->dim, &d), row->name, f->name,
                tdagi_ops_dim(c->pool, dims.v[i], &text));
        }
    }
    return TDAG_OK;
}

/* The rule's mark, with what follows from the marks of the inputs. */
static void settle_mark(const tdagi_axis_call *c)
{
    tdagi_mark *mark = c->mark_out;
    bool any = false, same = true, free = true;
    for (uint32_t i = 0; i < c->n_inputs; i++) {
        if (c->marks[i].axis < 0) continue;
        any = true;
        same = same && c->marks[i].same;
        free = free && c->marks[i].free;
    }
    if (any) {
        mark->same = same;
        mark->free = mark->free && free;
    }
    if (mark->axis < 0) *mark = *tdagi_mark_none();
}

tdag_status tdagi_axis_drop(const tdagi_axis_call *c, uint32_t op)
{
    const tdagi_opdef *def = tdagi_op_row_of(op)->def;
    const char *name = tdag_op_name((tdag_op)op);
    if (def->drop_dim == NULL) return tdagi_axis_refuse(c, name, "has no rule for it");
    for (uint32_t i = 0; i < c->n_inputs && !def->counts_dim; i++)
        if (c->marks[i].ramp != 0)
            return tdagi_axis_refuse(c, name, "computes with its positions");
    TDAGI_TRY(def->drop_dim(c));
    settle_mark(c);
    return TDAG_OK;
}

tdag_status tdagi_axis_add(const tdagi_axis_call *c, tdag_op op, const void *spec,
                           const uint32_t *inputs, uint32_t n_inputs, uint32_t *out)
{
    TDAGI_TRY(check_spec(c, tdagi_op_row_of((uint32_t)op), spec));
    return tdagi_axis_put(c, op, spec, inputs, n_inputs, out);
}

tdag_status tdagi_axis_put(const tdagi_axis_call *c, tdag_op op, const void *spec,
                           const uint32_t *inputs, uint32_t n_inputs, uint32_t *out)
{
    const tdagi_op_row *row = tdagi_op_row_of((uint32_t)op);
    tdag_value few[TDAGI_INLINE_INPUTS], *values = few;
    void *block = NULL;
    if (n_inputs > TDAGI_INLINE_INPUTS) {
        TDAGI_TRY(tdagi_array_alloc(c->ctx, n_inputs, sizeof(tdag_value), &block));
        values = block;
    }
    for (uint32_t i = 0; i < n_inputs; i++)
        values[i] = (tdag_value){inputs[i]};
    tdag_value v =
        tdag_add_node(c->builder, op, spec, row->def->spec_size, values, n_inputs);
    if (block != NULL) tdagi_free(c->ctx, block, n_inputs * sizeof(tdag_value));
    *out = v.id;
    return v.id == 0 ? tdag_builder_get_status(c->builder) : TDAG_OK;
}

tdag_status tdagi_axis_done(const tdagi_axis_call *c, tdag_op op, const void *spec,
                            const uint32_t *inputs, const tdagi_mark *mark)
{
    TDAGI_TRY(tdagi_axis_add(c, op, spec, inputs, c->n_inputs, c->out));
    *c->mark_out = *mark;
    return TDAG_OK;
}

tdag_status tdagi_axis_same(const tdagi_axis_call *c, tdag_op op,
                            const tdagi_mark *mark)
{
    return tdagi_axis_done(c, op, c->spec, c->inputs, mark);
}

tdag_status tdagi_axis_resize(const tdagi_axis_call *c, tdag_op op, int64_t axis,
                              uint32_t x, uint32_t *out)
{
    const tdag_axes_spec spec = {{1, &axis}};
    return tdagi_axis_add(c, op, &spec, &x, 1, out);
}

tdag_status tdagi_axis_unary(const tdagi_axis_call *c, tdag_op op)
{
    return tdagi_axis_same(c, op, &c->marks[0]);
}

bool tdagi_mark_agrees(const tdagi_axis_call *c, const tdagi_mark *a,
                       const tdagi_mark *b)
{
    if (a->axis != b->axis) return false;
    if (a->axis < 0 || (a->outer == b->outer && a->inner == b->inner)) return true;
    return (a->free || b->free) && tdagi_mark_rest(c, a) == tdagi_mark_rest(c, b);
}

/* A constant whose elements are all the same number >= 0. */
static bool constant_number(const tdag_tensor *t, tdag_dim *out)
{
    if (t->count < 1) return false;
    *out = tdagi_tensor_get_i64(t, 0);
    for (int64_t i = 1; i < t->count; i++)
        if (tdagi_tensor_get_i64(t, i) != *out) return false;
    return *out >= 0;
}

/* What a sum of equal numbers over axes of x multiplies them by. */
static tdag_dim summed_dims(const tdagi_axis_call *c, const tdagi_node *n)
{
    const tdag_reduce_spec *spec = n->u.spec;
    const tdagi_node *x = &c->builder->graph->nodes[tdagi_node_inputs(n)[0].id];
    tdag_dim product = 1;
    for (uint32_t i = 0; i < spec->axes.n; i++)
        product = tdagi_dim_mul(c->pool, product, x->shape[spec->axes.v[i]]);
    return product;
}

bool tdagi_axis_number(const tdagi_axis_call *c, uint32_t id, tdag_dim *out)
{
    tdag_dim times = 1;
    for (uint32_t steps = 0; steps < 32; steps++) {
        const tdagi_node *n = &c->builder->graph->nodes[id];
        tdag_dim number;
        if (tdag_dtype_is_float((tdag_dtype)n->dtype)) return false;
        if (n->op == TDAG_OP_CONSTANT) {
            if (!constant_number(n->u.tensor, &number)) return false;
            *out = tdagi_dim_mul(c->pool, times, number);
            return *out != TDAGI_DIM_BAD;
        }
        bool sums = n->op == TDAG_OP_REDUCE &&
                    ((const tdag_reduce_spec *)n->u.spec)->kind == TDAG_REDUCE_SUM;
        if (sums)
            times = tdagi_dim_mul(c->pool, times, summed_dims(c, n));
        else if (!tdagi_node_def(n)->counts_dim || n->n_inputs != 1)
            return false;
        id = tdagi_node_inputs(n)[0].id;
    }
    return false;
}

/* ---- a new leading axis ---- */

tdagi_axis_numbers tdagi_axis_lead(int64_t first, tdag_list list)
{
    tdagi_axis_numbers to = {1, {first}};
    for (uint32_t i = 0; i < list.n; i++)
        to.v[to.n++] = list.v[i];
    return to;
}

tdagi_axis_numbers tdagi_axis_later(tdag_list list)
{
    tdagi_axis_numbers to = {0};
    for (uint32_t i = 0; i < list.n; i++)
        to.v[to.n++] = list.v[i] + 1;
    return to;
}

tdag_status tdagi_axis_put_one(const tdagi_axis_call *c, tdag_op op, const void *spec)
{
    return tdagi_axis_put(c, op, spec, c->inputs, 1, c->out);
}

tdag_status tdagi_axis_permute(const tdagi_axis_call *c,
                               const tdagi_axis_numbers *order, uint32_t x,
                               uint32_t *out)
{
    const tdagi_node *n = &c->builder->graph->nodes[x];
    tdagi_axis_numbers whole = *order;
    if (n->op == TDAG_OP_PERMUTE) {
        tdag_list first = ((const tdag_permute_spec *)n->u.spec)->order;
        for (uint32_t i = 0; i < whole.n; i++)
            whole.v[i] = first.v[whole.v[i]];
        x = tdagi_node_inputs(n)[0].id;
    }
    const tdag_permute_spec spec = {tdagi_axis_list(&whole)};
    return tdagi_axis_put(c, TDAG_OP_PERMUTE, &spec, &x, 1, out);
}

tdag_status tdagi_axis_move(const tdagi_axis_call *c, uint32_t rank, uint32_t from,
                            uint32_t to, uint32_t *x)
{
    tdagi_axis_numbers order = {0};
    uint32_t next = 0;
    if (from == to) return TDAG_OK;
    for (uint32_t i = 0; i < rank; i++) {
        if (next == from) next++;
        order.v[order.n++] = i == to ? from : next++;
    }
    return tdagi_axis_permute(c, &order, *x, x);
}

tdag_status tdagi_axis_with_lead(const tdagi_axis_call *c, uint32_t i, uint32_t *out)
{
    *out = c->inputs[i];
    return c->marks[i].axis >= 0 ? TDAG_OK : tdagi_axis_repeat(c, *out, out);
}

tdag_status tdagi_axis_repeat(const tdagi_axis_call *c, uint32_t x, uint32_t *out)
{
    const int64_t first = 0;
    const tdag_axes_spec axes = {{1, &first}};
    tdagi_axis_numbers counts = {1, {c->dim}};
    const tdagi_node *n = &c->builder->graph->nodes[x];
    const tdag_repeat_spec *inner = n->op == TDAG_OP_REPEAT ? n->u.spec : NULL;
    for (uint32_t k = 0; k < n->rank; k++)
        counts.v[counts.n++] = inner != NULL ? inner->counts.v[k] : 1;
    if (inner != NULL) x = tdagi_node_inputs(n)[0].id; /* at once */
    TDAGI_TRY(tdagi_axis_put(c, TDAG_OP_UNSQUEEZE, &axes, &x, 1, out));
    const tdag_repeat_spec spec = {tdagi_axis_list(&counts)};
    return tdagi_axis_put(c, TDAG_OP_REPEAT, &spec, out, 1, out);
}
