/* A composite that Core ML's operator does not fit is written as what it consists of,
 * at that place alone: lowered as a graph of its own, which is raised without it and
 * emitted where the kernel is. Kernels of open sizes or of pairs are left to another
 * attempt, in which all of their composite are written by their parts. */
#include <string.h>

#include "base/tensor.h"
#include "coreml/write/mil.h"

static bool are_numbers(uint32_t rank, const tdag_dim *shape)
{
    for (uint32_t i = 0; i < rank; i++)
        if (shape[i] < 0) return false;
    return true;
}

/* An operand of the kernel in the graph of its parts; weights are those that they are.
 */
static tdag_value operand(tdagi_mil_writer *w, tdag_builder *b, const tdagi_kernel *k,
                          uint32_t i, tdagi_mil *argument)
{
    const tdag_value of = tdagi_mil_kernel(w, k->inputs[i])->value;
    const tdagi_node *n = of.id == 0 ? NULL : tdagi_graph_node(w->now.g, of);
    if (w->now.operands == NULL && n != NULL && tdagi_op_holds_tensor(n->op))
        return tdag_add_tensor(b, (tdag_op)n->op, n->name, n->u.tensor);
    const tdagi_mil v = *argument = tdagi_mil_in(w, k, i);
    if (v == NULL) return TDAG_NO_VALUE;
    return tdag_add_input(b, NULL, (tdag_dtype)tdagi_mil_kernel(w, k->inputs[i])->dtype,
                          v->type.rank, v->type.shape);
}

/* arguments: those of its inputs, in order. */
static tdag_status lower(tdagi_mil_writer *w, const tdagi_kernel *k,
                         tdagi_mil *arguments, tdag_graph **out)
{
    tdag_value v, *in = tdagi_mil_alloc(w, (k->n_inputs + 1u) * sizeof *in);
    tdag_builder *b = NULL;
    uint32_t n = 0;
    if (in == NULL) return w->status;
    TDAGI_TRY(tdag_builder_create(w->ctx, &b));
    if (k->value.id != 0)
        tdag_builder_set_scope(b, tdagi_value_scope(w->now.g, k->value));
    for (uint32_t i = 0; i < k->n_inputs; i++) {
        tdagi_mil argument = NULL;
        in[i] = k->inputs[i] == 0 ? TDAG_NO_VALUE : operand(w, b, k, i, &argument);
        if (argument != NULL) arguments[n++] = argument;
    }
    v = tdagi_lower(b, (tdagi_composite)k->composite, in, k->n_inputs, k->spec);
    tdag_builder_add_output(b, v);
    tdag_status st = tdag_builder_finish(b, out);
    tdag_builder_free(b);
    return st;
}

static tdag_status prepare(tdagi_mil_writer *w, const tdagi_kernel *k,
                           tdagi_mil *arguments, tdag_graph **out)
{
    tdag_graph *own = NULL, *held = NULL;
    TDAGI_TRY(lower(w, k, arguments, &own));
    tdag_status st = tdagi_coreml_prepare_called(w->ctx, own, false, &held);
    tdag_graph_free(own);
    return st == TDAG_OK ? tdagi_coreml_fold(w->ctx, held, out) : st;
}

/* Emits w->now.g, the graph of parts. */
static tdagi_mil emit(tdagi_mil_writer *w, const tdagi_mil *arguments)
{
    if (tdagi_mil_make_tables(w) != TDAG_OK) return NULL;
    for (uint32_t i = 0; i < w->now.g->n_inputs; i++) {
        const uint32_t kernel = w->now.r->kernel_of[w->now.g->inputs[i].id];
        w->now.arguments[i] = arguments[i];
        if (kernel != 0) w->now.value[kernel] = arguments[i];
    }
    if (tdagi_mil_emit_graph(w) != TDAG_OK) return NULL;
    return tdagi_mil_of(w, w->now.r->kernel_of[w->now.g->outputs[0].id]);
}

static tdagi_mil emit_in_place(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_mil_emitting before = w->now;
    bool *by_parts = tdagi_mil_alloc(w, TDAGI_N_COMPOSITES * sizeof *by_parts);
    tdagi_mil *arguments = tdagi_mil_alloc(w, (k->n_inputs + 1u) * sizeof *arguments);
    tdag_graph *g = NULL;
    tdagi_mil v = NULL;
    if (by_parts == NULL || arguments == NULL) return NULL;
    memcpy(by_parts, w->now.by_parts, TDAGI_N_COMPOSITES * sizeof *by_parts);
    by_parts[k->composite] = true;
    w->status = prepare(w, k, arguments, &g);
    if (w->status == TDAG_OK) w->status = tdagi_mil_keep_graph(w, g);
    if (w->status == TDAG_OK) {
        w->now.g = g;
        w->now.by_parts = by_parts;
        w->now.operands = NULL;
        w->status = tdagi_raise(w->ctx, g, by_parts, &w->now.r);
        if (w->status == TDAG_OK) v = emit(w, arguments);
        if (w->now.r != before.r) tdagi_raised_free(w->now.r);
    }
    w->now = before;
    return v;
}

void tdagi_mil_by_parts(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    bool is_apart = w->status == TDAG_OK && !tdagi_composite_is_pair(k->composite) &&
                    are_numbers(k->rank, k->shape);
    for (uint32_t i = 0; i < k->n_inputs && is_apart; i++) {
        const tdagi_kernel *x = tdagi_mil_kernel(w, k->inputs[i]);
        is_apart = k->inputs[i] == 0 || are_numbers(x->rank, x->shape);
    }
    const uint32_t n = w->ops.n;
    const tdagi_mil v = is_apart ? emit_in_place(w, k) : NULL;
    if (v != NULL && w->ops.n > n) /* as its last part is: the kernel has a name, too */
        ((tdagi_mil_value *)(uintptr_t)v)->is_called = false;
    tdagi_mil_set(w, k, v);
    if (v != NULL) return;
    w->wrong_composite = k->composite;
    tdagi_mil_fail(w, TDAG_E_UNSUPPORTED, "%s has no operator of Core ML",
                   tdagi_composite_row_of(k->composite)->name);
}
