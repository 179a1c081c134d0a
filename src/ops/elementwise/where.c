/* where: x where the condition holds, else y, with NumPy broadcasting of all three. The
 * element that is not chosen is never observed. */
#include "ops/ops.h"

#include "ops/axis.h"
#include "ops/loop.h"

static tdag_status where_shape(const tdagi_shape_call *c)
{
    if (c->inputs[0].dtype != TDAG_BOOL)
        return tdagi_fail(c->ctx, TDAG_E_DTYPE,
                          "where needs a bool condition, it is %s",
                          tdag_dtype_name(c->inputs[0].dtype));
    if (c->inputs[1].dtype != c->inputs[2].dtype)
        return tdagi_fail(c->ctx, TDAG_E_DTYPE,
                          "where needs operands of one dtype, they are %s and %s",
                          tdag_dtype_name(c->inputs[1].dtype),
                          tdag_dtype_name(c->inputs[2].dtype));
    TDAGI_TRY(tdagi_rule_broadcast(c));
    c->out->dtype = c->inputs[1].dtype;
    return TDAG_OK;
}

#define CHOOSE(type)                                                                   \
    do {                                                                               \
        const type *a = x, *b = y;                                                     \
        type *o = out;                                                                 \
        for (int64_t i = 0; i < n; i++)                                                \
            o[i] = c[i * step[1]] != 0 ? a[i * step[2]] : b[i * step[3]];              \
    } while (0)

static void choose_row(void *out, const uint8_t *c, const void *x, const void *y,
                       const int64_t *step, int64_t n, size_t size)
{
    switch (size) {
    case 1:
        CHOOSE(tdagi_bits8);
        break;
    case 2:
        CHOOSE(tdagi_bits16);
        break;
    case 4:
        CHOOSE(tdagi_bits32);
        break;
    default:
        CHOOSE(tdagi_bits64);
        break;
    }
}

static tdag_status where_eval(const tdagi_eval_call *c)
{
    size_t size = tdag_dtype_size(c->out->dtype);
    tdagi_loop loop;
    tdagi_loop_broadcast(&loop, c);
    if (!tdagi_loop_start(&loop)) return TDAG_OK;
    const int64_t *step = loop.stride[loop.rank - 1], *at = loop.offset;
    do {
        choose_row(tdagi_at(c->out->data, at[0], size),
                   tdagi_const_at(c->inputs[0]->data, at[1], 1),
                   tdagi_const_at(c->inputs[1]->data, at[2], size),
                   tdagi_const_at(c->inputs[2]->data, at[3], size), step,
                   tdagi_loop_row(&loop), size);
    } while (tdagi_loop_next(&loop));
    return TDAG_OK;
}

static tdag_status where_drop_dim(const tdagi_axis_call *c)
{
    return tdagi_axis_broadcast(c, TDAG_OP_WHERE);
}

static tdag_status where_add_dim(const tdagi_axis_call *c)
{
    return tdagi_axis_lead_broadcast(c, TDAG_OP_WHERE);
}

const tdagi_opdef tdagi_op_where = {
    .brief = "x where the condition holds, else y",
    .op_class = TDAGI_CLASS_ELEMENTWISE,
    .shape = where_shape,
    .cost = tdagi_cost_element,
    .eval = where_eval,
    .drop_dim = where_drop_dim,
    .add_dim = where_add_dim,
};
