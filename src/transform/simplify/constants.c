/* Constant folding: a node whose operands are all constants is evaluated by its op's
 * own evaluation, if its result is small enough. An iota counts as a constant operand
 * but is never one by itself: it says the same in fewer bytes, and so does a constant
 * that would be repeated into more bytes than the limit. A node that cannot be
 * evaluated (an index out of range) stays, to fail when the graph runs as it did
 * before. */
#include "transform/simplify/rewrite.h"

#include <string.h>

static bool has_symbol(const tdagi_type *t)
{
    for (uint32_t i = 0; i < t->rank; i++)
        if (t->shape[i] < 0) return true;
    return false;
}

bool tdagi_spec_is_fixed(const tdagi_field *fields, const void *spec)
{
    if (fields == NULL) return true;
    for (const tdagi_field *f = fields; f->kind != TDAGI_FIELD_END; f++) {
        if (!tdagi_field_has_dims(f)) continue;
        tdag_list dims = tdagi_field_numbers(f, spec);
        for (uint32_t i = 0; i < dims.n; i++)
            if (dims.v[i] < 0) return false;
    }
    return true;
}

/* Bytes of a type without symbols; UINT64_MAX where they do not fit. */
static uint64_t bytes_of(const tdagi_type *t)
{
    uint64_t size = tdag_dtype_size(t->dtype);
    for (uint32_t i = 0; i < t->rank; i++)
        if (t->shape[i] == 0) return 0;
    for (uint32_t i = 0; i < t->rank; i++)
        if (__builtin_mul_overflow(size, (uint64_t)t->shape[i], &size))
            return UINT64_MAX;
    return size;
}

static tdag_status evaluate(tdag_ctx *ctx, const tdagi_opdef *def,
                            const tdagi_type *type, const void *spec, uint32_t n,
                            const tdag_tensor *const *inputs, tdag_tensor **out)
{
    tdag_tensor *t = NULL;
    TDAGI_TRY(tdag_tensor_create(ctx, type->dtype, type->rank, type->shape, &t));
    const tdagi_eval_call call = {ctx, spec, n, inputs, t};
    tdag_status st = def->eval(&call);
    if (st == TDAG_OK)
        *out = t;
    else
        tdag_tensor_free(t);
    return st;
}

/* The tensor of a constant or an iota (a new reference). */
static tdag_status operand(tdagi_rewriter *rw, tdag_value v, tdag_tensor **out)
{
    const tdagi_node *n = tdagi_made(rw, v);
    if (n->op == TDAG_OP_CONSTANT) {
        *out = tdag_tensor_copy(n->u.tensor);
        return TDAG_OK;
    }
    tdagi_type type;
    tdagi_value_type(rw->b->graph, v, &type);
    return evaluate(rw->ctx, tdagi_node_def(n), &type, n->u.spec, 0, NULL, out);
}

#define MOST_OPERANDS 4 /* of a node that is folded */

static tdag_status fold(tdagi_rewriter *rw, const tdagi_apply *a,
                        const tdagi_type *type, tdag_tensor **out)
{
    tdag_tensor *inputs[MOST_OPERANDS] = {NULL};
    tdag_status st = TDAG_OK;
    for (uint32_t i = 0; st == TDAG_OK && i < a->n; i++)
        st = operand(rw, a->in[i], &inputs[i]);
    const tdag_tensor *lent[MOST_OPERANDS];
    memcpy(lent, inputs, sizeof(lent));
    if (st == TDAG_OK)
        st = evaluate(rw->ctx, tdagi_op_row_of((uint32_t)a->op)->def, type, a->spec,
                      a->n, lent, out);
    for (uint32_t i = 0; i < a->n; i++)
        tdag_tensor_free(inputs[i]);
    return st;
}

static bool is_known(tdagi_rewriter *rw, tdag_value v)
{
    const tdagi_node *n = tdagi_made(rw, v);
    if (n->op == TDAG_OP_CONSTANT) return true;
    if (n->op != TDAG_OP_IOTA || n->shape[0] < 0) return false;
    tdagi_type type;
    tdagi_value_type(rw->b->graph, v, &type);
    return bytes_of(&type) <= rw->options.constant_limit;
}

static tdag_value fold_constants(tdagi_rewriter *rw, const tdagi_apply *a)
{
    const tdagi_opdef *def = tdagi_op_row_of((uint32_t)a->op)->def;
    if (a->n == 0 || a->n > MOST_OPERANDS || def->eval == NULL) return TDAG_NO_VALUE;
    for (uint32_t i = 0; i < a->n; i++)
        if (!is_known(rw, a->in[i])) return TDAG_NO_VALUE;
    if (!tdagi_spec_is_fixed(def->fields, a->spec)) return TDAG_NO_VALUE;
    tdagi_type type;
    tdag_tensor *t = NULL;
    tdag_status st = tdagi_apply_type(rw, a, &type);
    if (st == TDAG_OK &&
        (has_symbol(&type) || bytes_of(&type) > rw->options.constant_limit))
        return TDAG_NO_VALUE;
    if (st == TDAG_OK) st = fold(rw, a, &type, &t);
    if (st == TDAG_E_NOMEM) return tdagi_rewrite_nomem(rw);
    return st == TDAG_OK ? tdagi_remake_constant(rw, t) : TDAG_NO_VALUE;
}

const tdagi_rule_row tdagi_constant_rules[] = {
    {TDAG_OP_NONE, fold_constants},
    {TDAG_OP_NONE, NULL},
};
