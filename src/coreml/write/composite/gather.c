/* Reading by positions: embedding, index_select, index, take_along. Bools are read as
 * integers. */
#include "base/tensor.h"
#include "coreml/write/mil.h"

static void emit_gather(tdagi_mil_writer *w, const tdagi_kernel *k, tdagi_mil index,
                        int64_t axis)
{
    tdagi_type type;
    tdagi_mil x = tdagi_mil_numeric(w, tdagi_mil_in(w, k, 0));
    if (x == NULL || index == NULL) return;
    tdagi_mil_type_of(k, &type);
    type.dtype = x->type.dtype;
    x = tdagi_mil_gather_of(w, &type, x, index, axis, 0);
    tdagi_mil_set(w, k, tdagi_mil_cast(w, x, (tdag_dtype)k->dtype));
}

static void emit_embedding(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    emit_gather(w, k, tdagi_mil_in(w, k, 1), 0);
}
const tdagi_mil_emitter tdagi_mil_emitter_embedding = {.emit = emit_embedding};

static void emit_index_select(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    static const tdag_dim one[1] = {1};
    tdagi_mil index = tdagi_mil_in(w, k, 1);
    if (index != NULL && index->type.rank == 0)
        index = tdagi_mil_reshape(w, index, 1, one);
    emit_gather(w, k, index, ((const tdagi_axis_spec *)k->spec)->axis);
}
const tdagi_mil_emitter tdagi_mil_emitter_index_select = {.emit = emit_index_select};

/* Whether positions are known and none counts from the end. */
static bool are_natural(const tdagi_mil_writer *w, uint32_t kernel)
{
    const tdagi_kernel *k = tdagi_mil_kernel(w, kernel);
    if (k->value.id == 0 || !tdagi_mil_is_core(k, TDAG_OP_CONSTANT)) return false;
    const tdag_tensor *t = tdagi_graph_node(w->now.g, k->value)->u.tensor;
    for (int64_t i = 0; i < t->count; i++)
        if (tdagi_tensor_get_i64(t, i) < 0) return false;
    return true;
}

/* Until iOS16 positions count from the end themselves; since iOS17 none may be
 * negative. */
static void emit_index(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const int64_t axis = ((const tdagi_axis_spec *)k->spec)->axis;
    tdagi_mil x = tdagi_mil_in(w, k, 0), index = tdagi_mil_in(w, k, 1);
    if (x == NULL || index == NULL) return;
    if (w->target >= 17 && !are_natural(w, k->inputs[1]))
        index = tdagi_mil_op(w, &index->type,
                             "select(cond=less(x=%v, y=0), a=add(x=%v, y=%d), b=%v)",
                             index, index, x->type.shape[axis], index);
    emit_gather(w, k, index, axis);
}
const tdagi_mil_emitter tdagi_mil_emitter_index = {.emit = emit_index};

/* x as long as the index on all axes but that one. */
static tdagi_mil cut_to(tdagi_mil_writer *w, tdagi_mil x, const tdagi_type *index,
                        int64_t axis)
{
    static const tdag_dim zeroes[TDAG_MAX_RANK] = {0};
    if (x == NULL) return NULL;
    tdagi_type type = *index;
    type.dtype = x->type.dtype;
    type.shape[axis] = x->type.shape[axis];
    if (tdagi_mil_same_shape(&type, &x->type)) return x;
    return tdagi_mil_slice_of(w, &type, x, zeroes, type.shape, NULL);
}

static void emit_take_along(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const int64_t axis = ((const tdagi_axis_spec *)k->spec)->axis;
    tdagi_mil x = tdagi_mil_numeric(w, tdagi_mil_in(w, k, 0)),
              index = tdagi_mil_in(w, k, 1);
    if (x == NULL || index == NULL) return;
    tdagi_mil_emit_numbers(w, k,
                           w->target >= 17
                               ? "gather_along_axis(x=%v, indices=%v, axis=%i, "
                                 "validate_indices=false)"
                               : "gather_along_axis(x=%v, indices=%v, axis=%i)",
                           cut_to(w, x, &index->type, axis), index, axis);
}
const tdagi_mil_emitter tdagi_mil_emitter_take_along = {.emit = emit_take_along};
