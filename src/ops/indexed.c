/* gather and scatter. gather reads x at positions of one axis that an index tensor
 * names: out[b..., i..., r...] = x[b..., index[b..., i...], r...]; scatter is its
 * transpose and works through the updates in row-major order. Indices are i64 or i32
 * and must be in range: another one ends the evaluation with E_ARG. */
#include "ops/ops.h"

#include <inttypes.h>
#include <string.h>

#include "ops/axis.h"
#include "ops/combine.h"

static const char *const scatter_modes[] = {"set", "add", "multiply",
                                            "min", "max", NULL};
static const tdagi_field gather_fields[] = {
    TDAGI_FIELD(tdag_gather_spec, batch, INT),
    {0},
};
static const tdagi_field scatter_fields[] = {
    TDAGI_FIELD(tdag_scatter_spec, batch, INT),
    TDAGI_FIELD_NAMED(tdag_scatter_spec, mode, scatter_modes),
    {0},
};

/* The checks that both share; `out` becomes the type of what gather returns. */
static tdag_status gathered_type(const tdagi_shape_call *c, const char *op,
                                 int64_t batch, tdagi_type *out)
{
    const tdagi_type *x = &c->inputs[0], *index = &c->inputs[1];
    if (index->dtype != TDAG_I64 && index->dtype != TDAG_I32)
        return tdagi_fail(c->ctx, TDAG_E_DTYPE,
                          "%s needs an index of i64 or i32, it is %s", op,
                          tdag_dtype_name(index->dtype));
    if (batch < 0 || batch >= (int64_t)x->rank || batch > (int64_t)index->rank)
        return tdagi_fail(c->ctx, TDAG_E_SHAPE,
                          "%s: %" PRId64 " shared axes do not fit an"
                          " input of %" PRIu32 " axes and an index of %" PRIu32,
                          op, batch, x->rank, index->rank);
    uint32_t b = (uint32_t)batch;
    for (uint32_t i = 0; i < b; i++)
        if (!tdagi_ops_same_dim(c->pool, x->shape[i], index->shape[i])) {
            tdagi_ops_text s, t;
            return tdagi_fail(c->ctx, TDAG_E_SHAPE,
                              "%s: shared axis %" PRIu32 " has dim %s"
                              " in the input and %s in the index",
                              op, i, tdagi_ops_dim(c->pool, x->shape[i], &s),
                              tdagi_ops_dim(c->pool, index->shape[i], &t));
        }
    TDAGI_TRY(tdagi_ops_check_rank(c, op, (uint64_t)index->rank + x->rank - b - 1));
    out->dtype = x->dtype;
    out->rank = 0;
    for (uint32_t i = 0; i < index->rank; i++)
        out->shape[out->rank++] = index->shape[i];
    for (uint32_t i = b + 1; i < x->rank; i++)
        out->shape[out->rank++] = x->shape[i];
    return TDAG_OK;
}

static tdag_status gather_shape(const tdagi_shape_call *c)
{
    const tdag_gather_spec *spec = c->spec;
    return gathered_type(c, "gather", spec->batch, c->out);
}

static tdag_status scatter_shape(const tdagi_shape_call *c)
{
    const tdag_scatter_spec *spec = c->spec;
    const tdagi_type *data = &c->inputs[0], *update = &c->inputs[2];
    tdagi_type want = {0};
    TDAGI_TRY(gathered_type(c, "scatter", spec->batch, &want));
    if (spec->mode < TDAG_SCATTER_SET || spec->mode > TDAG_SCATTER_MAX)
        return tdagi_fail(c->ctx, TDAG_E_ARG,
                          "scatter: mode %" PRId64 " is not one of its modes",
                          spec->mode);
    if (data->dtype != update->dtype)
        return tdagi_fail(
            c->ctx, TDAG_E_DTYPE,
            "scatter needs data and update of one dtype, they are %s and %s",
            tdag_dtype_name(data->dtype), tdag_dtype_name(update->dtype));
    if (want.rank != update->rank)
        return tdagi_fail(c->ctx, TDAG_E_SHAPE,
                          "scatter: the update has %" PRIu32
                          " axes, data and index ask for %" PRIu32,
                          update->rank, want.rank);
    for (uint32_t i = 0; i < want.rank; i++)
        if (!tdagi_ops_same_dim(c->pool, want.shape[i], update->shape[i])) {
            tdagi_ops_text s, t;
            return tdagi_fail(c->ctx, TDAG_E_SHAPE,
                              "scatter: axis %" PRIu32 " of the update"
                              " has dim %s, data and index ask for %s",
                              i, tdagi_ops_dim(c->pool, update->shape[i], &s),
                              tdagi_ops_dim(c->pool, want.shape[i], &t));
        }
    *c->out = *data;
    return TDAG_OK;
}

/* Setting counts nothing, a reduction one FLOP per element of the update. */
static void scatter_cost(const tdagi_cost_call *c)
{
    const tdag_scatter_spec *spec = c->spec;
    tdag_dim reads[3];
    for (uint32_t i = 0; i < 3; i++)
        reads[i] = tdagi_type_count(c->pool, &c->inputs[i]);
    tdagi_ops_cost(c, spec->mode == TDAG_SCATTER_SET ? 0 : reads[2], reads);
}

/* The tensors seen as x[batch][n][block] and index[batch][per_batch]. */
typedef struct indexed {
    int64_t batch, n, block, per_batch;
    const tdag_tensor *index;
    uint32_t axis;
} indexed;

static indexed indexed_view(const tdag_tensor *x, const tdag_tensor *index,
                            int64_t batch)
{
    indexed v = {1, x->shape[batch], 1, 1, index, (uint32_t)batch};
    for (uint32_t i = 0; i < v.axis; i++)
        v.batch *= x->shape[i];
    for (uint32_t i = v.axis; i < index->rank; i++)
        v.per_batch *= index->shape[i];
    for (uint32_t i = v.axis + 1; i < x->rank; i++)
        v.block *= x->shape[i];
    return v;
}

/* The index at position i, checked. */
static tdag_status index_at(tdag_ctx *ctx, const char *op, const indexed *v, int64_t i,
                            int64_t *out)
{
    int64_t at;
    tdagi_load_i64(v->index->dtype,
                   tdagi_const_at(v->index->data, i, tdag_dtype_size(v->index->dtype)),
                   1, &at);
    if (at < 0 || at >= v->n)
        return tdagi_fail(ctx, TDAG_E_ARG,
                          "%s: index %" PRId64 " at position %" PRId64
                          " is outside of axis %" PRIu32 " of dim %" PRId64,
                          op, at, i, v->axis, v->n);
    *out = at;
    return TDAG_OK;
}

static tdag_status gather_eval(const tdagi_eval_call *c)
{
    const tdag_gather_spec *spec = c->spec;
    indexed v = indexed_view(c->inputs[0], c->inputs[1], spec->batch);
    size_t size = tdag_dtype_size(c->out->dtype);
    for (int64_t b = 0, i = 0; b < v.batch; b++)
        for (int64_t k = 0; k < v.per_batch; k++, i++) {
            int64_t at = 0;
            TDAGI_TRY(index_at(c->ctx, "gather", &v, i, &at));
            if (v.block == 0) continue;
            memcpy(tdagi_at(c->out->data, i * v.block, size),
                   tdagi_const_at(c->inputs[0]->data, (b * v.n + at) * v.block, size),
                   (size_t)v.block * size);
        }
    return TDAG_OK;
}

static tdag_status scatter_set(const tdagi_eval_call *c, const indexed *v)
{
    size_t size = tdag_dtype_size(c->out->dtype);
    if (c->out != c->inputs[0]) TDAGI_TRY(tdagi_eval_same_order(c));
    for (int64_t b = 0, i = 0; b < v->batch; b++)
        for (int64_t k = 0; k < v->per_batch; k++, i++) {
            int64_t at = 0;
            TDAGI_TRY(index_at(c->ctx, "scatter", v, i, &at));
            if (v->block == 0) continue;
            memcpy(tdagi_at(c->out->data, (b * v->n + at) * v->block, size),
                   tdagi_const_at(c->inputs[2]->data, i * v->block, size),
                   (size_t)v->block * size);
        }
    return TDAG_OK;
}

static tdag_status scatter_into(const tdagi_eval_call *c, const indexed *v,
                                tdag_reduction kind, tdagi_number *sums)
{
    tdag_dtype dtype = c->out->dtype;
    size_t size = tdag_dtype_size(dtype);
    tdagi_load_numbers(dtype, c->inputs[0]->data, c->out->count, sums);
    for (int64_t b = 0, i = 0; b < v->batch; b++)
        for (int64_t k = 0; k < v->per_batch; k++, i++) {
            int64_t at = 0;
            TDAGI_TRY(index_at(c->ctx, "scatter", v, i, &at));
            tdagi_combine(dtype, kind, sums + (b * v->n + at) * v->block, 1,
                          tdagi_const_at(c->inputs[2]->data, i * v->block, size),
                          v->block);
        }
    tdagi_store_numbers(dtype, sums, c->out->count, c->out->data);
    return TDAG_OK;
}

static tdag_status scatter_eval(const tdagi_eval_call *c)
{
    static const tdag_reduction kinds[] = {
        [TDAG_SCATTER_ADD] = TDAG_REDUCE_SUM,
        [TDAG_SCATTER_MULTIPLY] = TDAG_REDUCE_PRODUCT,
        [TDAG_SCATTER_MIN] = TDAG_REDUCE_MIN,
        [TDAG_SCATTER_MAX] = TDAG_REDUCE_MAX,
    };
    const tdag_scatter_spec *spec = c->spec;
    indexed v = indexed_view(c->inputs[0], c->inputs[1], spec->batch);
    size_t count = (size_t)c->out->count;
    void *sums = NULL;
    if (spec->mode == TDAG_SCATTER_SET) return scatter_set(c, &v);
    TDAGI_TRY(tdagi_array_alloc(c->ctx, count, sizeof(tdagi_number), &sums));
    tdag_status st = scatter_into(c, &v, kinds[spec->mode], sums);
    tdagi_free(c->ctx, sums, count * sizeof(tdagi_number));
    return st;
}

/* Every position of D looks only into its own part of x: the index is its position
 * times the size of a part, plus what is left without D. */
static bool in_own_part(const tdagi_mark *x, const tdagi_mark *index, int64_t batch)
{
    return x->axis == batch && x->outer == 1 && x->ramp == 0 && index->axis >= batch &&
           index->ramp != 0 && index->ramp == x->inner;
}

static tdag_status refuse_ramp(const tdagi_axis_call *c, const char *op)
{
    return tdagi_axis_refuse(c, op, "computes with its positions");
}

/* A part of size 1 has no axis: it gets one, which the index reads at 0. */
static tdag_status part_axis(const tdagi_axis_call *c, int64_t batch, uint32_t *x)
{
    *x = c->inputs[0];
    if (!tdagi_mark_alone(&c->marks[0])) return TDAG_OK;
    return tdagi_axis_resize(c, TDAG_OP_UNSQUEEZE, batch, *x, x);
}

static tdag_status gather_own_part(const tdagi_axis_call *c)
{
    const tdag_gather_spec *spec = c->spec;
    uint32_t inputs[2] = {0, c->inputs[1]};
    tdagi_mark out = c->marks[1];
    out.ramp = 0;
    TDAGI_TRY(part_axis(c, spec->batch, &inputs[0]));
    return tdagi_axis_done(c, TDAG_OP_GATHER, spec, inputs, &out);
}

static tdag_status gather_drop_dim(const tdagi_axis_call *c)
{
    const tdag_gather_spec *spec = c->spec;
    const tdagi_mark *x = &c->marks[0], *index = &c->marks[1];
    tdag_gather_spec without = *spec;
    tdagi_mark out = index->axis < 0 || index->free ? *x : *index;
    if (in_own_part(x, index, spec->batch)) return gather_own_part(c);
    if (x->ramp != 0 || index->ramp != 0) return refuse_ramp(c, "gather");
    if ((x->axis >= 0 && x->axis < spec->batch) ||
        (index->axis >= 0 && index->axis < spec->batch)) {
        if (!tdagi_mark_agrees(c, x, index))
            return tdagi_axis_refuse(c, "gather",
                                     "has it as a shared axis in one operand only");
        if (tdagi_mark_alone(x)) without.batch--;
    } else if (x->axis == spec->batch) {
        return tdagi_axis_refuse(c, "gather", "indexes its axis");
    } else if (x->axis >= 0) {
        if (index->axis >= 0)
            return tdagi_axis_refuse(c, "gather",
                                     "would have it in two axes of the result");
        out.axis += (int32_t)c->types[1].rank - (int32_t)spec->batch - 1;
    } else {
        out = *index;
    }
    return tdagi_axis_done(c, TDAG_OP_GATHER, &without, c->inputs, &out);
}

static tdag_status scatter_own_part(const tdagi_axis_call *c)
{
    const tdag_scatter_spec *spec = c->spec;
    uint32_t inputs[3] = {0, c->inputs[1], c->inputs[2]};
    if (!tdagi_mark_agrees(c, &c->marks[1], &c->marks[2]))
        return tdagi_axis_refuse(c, "scatter", "has it in another place in the update");
    TDAGI_TRY(part_axis(c, spec->batch, &inputs[0]));
    TDAGI_TRY(tdagi_axis_done(c, TDAG_OP_SCATTER, spec, inputs, &c->marks[0]));
    if (!tdagi_mark_alone(&c->marks[0])) return TDAG_OK;
    return tdagi_axis_resize(c, TDAG_OP_SQUEEZE, spec->batch, *c->out, c->out);
}

static tdag_status scatter_drop_dim(const tdagi_axis_call *c)
{
    const tdag_scatter_spec *spec = c->spec;
    const tdagi_mark *data = &c->marks[0], *index = &c->marks[1],
                     *update = &c->marks[2];
    tdag_scatter_spec without = *spec;
    tdagi_mark want = *data; /* of the update */
    if (tdagi_axis_unmarked(c)) return tdagi_axis_same(c, TDAG_OP_SCATTER, data);
    if (update->ramp == 0 && in_own_part(data, index, spec->batch))
        return scatter_own_part(c);
    if (data->ramp != 0 || index->ramp != 0 || update->ramp != 0)
        return refuse_ramp(c, "scatter");
    if (data->axis < 0 || data->axis == spec->batch)
        return tdagi_axis_refuse(c, "scatter",
                                 "brings updates of all its positions together");
    if (data->axis < spec->batch) {
        if (!tdagi_mark_agrees(c, data, index))
            return tdagi_axis_refuse(c, "scatter",
                                     "has it in another place in the index");
        if (tdagi_mark_alone(data)) without.batch--;
    } else {
        if (index->axis >= 0)
            return tdagi_axis_refuse(c, "scatter", "has it in the index, too");
        want.axis += (int32_t)c->types[1].rank - (int32_t)spec->batch - 1;
    }
    if (!tdagi_mark_agrees(c, &want, update))
        return tdagi_axis_refuse(c, "scatter", "has it in another place in the update");
    tdagi_mark out = *data;
    const tdagi_mark *by = index->axis >= 0 && !index->free ? index : update;
    if (out.free && !by->free) { /* where the others have it, the result has it */
        out.outer = by->outer;
        out.inner = by->inner;
    }
    return tdagi_axis_done(c, TDAG_OP_SCATTER, &without, c->inputs, &out);
}

static tdag_status gather_add_dim(const tdagi_axis_call *c)
{
    const tdag_gather_spec *spec = c->spec;
    const bool x_has = c->marks[0].axis >= 0, index_has = c->marks[1].axis >= 0;
    uint32_t at = (uint32_t)spec->batch; /* of D in what gather returns */
    uint32_t inputs[2] = {c->inputs[0], c->inputs[1]};
    const tdag_gather_spec with = {x_has && index_has ? spec->batch + 1 : spec->batch};
    if (x_has && index_has)
        return tdagi_axis_put(c, TDAG_OP_GATHER, &with, inputs, 2, c->out);
    if (x_has) { /* behind the indexed axis it takes no part */
        at = c->types[1].rank;
        TDAGI_TRY(tdagi_axis_move(c, c->types[0].rank + 1, 0, (uint32_t)spec->batch + 1,
                                  &inputs[0]));
    } else { /* one of the index's own axes */
        TDAGI_TRY(tdagi_axis_move(c, c->types[1].rank + 1, 0, at, &inputs[1]));
    }
    TDAGI_TRY(tdagi_axis_put(c, TDAG_OP_GATHER, &with, inputs, 2, c->out));
    return tdagi_axis_move(c, c->output->rank + 1, at, 0, c->out);
}

static tdag_status scatter_add_dim(const tdagi_axis_call *c)
{
    const tdag_scatter_spec *spec = c->spec;
    tdag_scatter_spec with = *spec;
    uint32_t inputs[3] = {0, c->inputs[1], 0}, behind = (uint32_t)spec->batch + 1;
    TDAGI_TRY(tdagi_axis_with_lead(c, 0, &inputs[0]));
    TDAGI_TRY(tdagi_axis_with_lead(c, 2, &inputs[2]));
    if (c->marks[1].axis >= 0) {
        with.batch++;
        return tdagi_axis_put(c, TDAG_OP_SCATTER, &with, inputs, 3, c->out);
    }
    /* the index is shared: D goes behind what it indexes */
    TDAGI_TRY(tdagi_axis_move(c, c->types[0].rank + 1, 0, behind, &inputs[0]));
    TDAGI_TRY(
        tdagi_axis_move(c, c->types[2].rank + 1, 0, c->types[1].rank, &inputs[2]));
    TDAGI_TRY(tdagi_axis_put(c, TDAG_OP_SCATTER, &with, inputs, 3, c->out));
    return tdagi_axis_move(c, c->types[0].rank + 1, behind, 0, c->out);
}

const tdagi_opdef tdagi_op_gather = {
    .brief = "the positions of an axis that an index names",
    .op_class = TDAGI_CLASS_INDEXED,
    .spec_size = sizeof(tdag_gather_spec),
    .fields = gather_fields,
    .shape = gather_shape,
    .cost = tdagi_cost_part,
    .eval = gather_eval,
    .drop_dim = gather_drop_dim,
    .counts_dim = true,
    .add_dim = gather_add_dim,
};
const tdagi_opdef tdagi_op_scatter = {
    .brief =
        "the transpose of gather: puts updates at the positions that an index names",
    .op_class = TDAGI_CLASS_INDEXED,
    .spec_size = sizeof(tdag_scatter_spec),
    .fields = scatter_fields,
    .shape = scatter_shape,
    .cost = scatter_cost,
    .eval = scatter_eval,
    .overwrites = true,
    .drop_dim = scatter_drop_dim,
    .counts_dim = true,
    .add_dim = scatter_add_dim,
};
