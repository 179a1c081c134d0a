/* The native engine: raise the graph, then run kernel after kernel; values are freed
 * after their last use. A kernel without a function of ours is evaluated by the
 * reference, a composite lowered for it, so every graph runs. */
#include "run/native/cell.h"

#include <string.h>

#include "run/product.h"

/* ---- kernels without a function of ours ---- */

static tdag_status input_tensors(const tdagi_native_call *c, tdag_tensor **in)
{
    for (uint32_t i = 0; i < c->kernel->n_inputs; i++)
        if (c->in[i]->base != NULL)
            TDAGI_TRY(tdagi_strided_tensor(c->native->ctx, c->in[i], &in[i]));
    return TDAG_OK;
}

/* A core op by its reference evaluation. */
static tdag_status eval_core(const tdagi_native_call *c, tdag_tensor **in,
                             tdag_tensor **out)
{
    const tdagi_kernel *k = c->kernel;
    tdag_ctx *ctx = c->native->ctx;
    const tdagi_opdef *def = tdagi_op_row_of(k->op)->def;
    if (def->eval == NULL) return tdagi_eval_refuse(ctx, k->op, k->spec);
    tdag_tensor *t = NULL;
    if (k->n_inputs > 0 && c->native->uses[k->inputs[0]] == 1)
        t = tdagi_eval_over(k->op, in[0], 2); /* in[0] and the value */
    if (t == NULL)
        TDAGI_TRY(tdag_tensor_create(ctx, (tdag_dtype)k->dtype, k->rank, k->shape, &t));
    tdagi_eval_call call = {ctx, k->spec, k->n_inputs, (const tdag_tensor *const *)in,
                            t};
    tdag_status st = def->eval(&call);
    if (st != TDAG_OK)
        tdag_tensor_free(t);
    else
        *out = t;
    return st;
}

/* A composite by lowering it into a graph of its own, which the reference engine runs.
 */
static tdag_status eval_composite(const tdagi_native_call *c, tdag_tensor **in,
                                  tdag_value *values, tdag_tensor *out[2])
{
    const tdagi_kernel *k = c->kernel;
    tdag_ctx *ctx = c->native->ctx;
    tdag_builder *b = NULL;
    tdag_graph *g = NULL;
    tdag_value results[2];
    uint32_t n = 0;
    TDAGI_TRY(tdag_builder_create(ctx, &b));
    for (uint32_t i = 0; i < k->n_inputs; i++) {
        values[i] = TDAG_NO_VALUE;
        if (in[i] == NULL) continue;
        values[i] = tdag_add_input(b, NULL, in[i]->dtype, in[i]->rank, in[i]->shape);
        in[n++] = in[i];
        if (n - 1 != i) in[i] = NULL;
    }
    if (tdagi_composite_is_pair(k->composite)) {
        tdagi_lower_pair(b, k->composite, values[0], k->spec, results);
        tdag_builder_add_output(b, results[0]);
        tdag_builder_add_output(b, results[1]);
    } else {
        results[0] = tdagi_lower(b, k->composite, values, k->n_inputs, k->spec);
        tdag_builder_add_output(b, results[0]);
    }
    tdag_status st = tdag_builder_finish(b, &g);
    if (st == TDAG_OK) st = tdagi_run_reference(ctx, g, in, out);
    tdag_graph_free(g);
    tdag_builder_free(b);
    return st;
}

static tdag_status run_plainly(tdagi_native_call *c)
{
    tdag_ctx *ctx = c->native->ctx;
    uint32_t n = c->kernel->n_inputs;
    void *tensors = NULL, *values = NULL;
    tdag_tensor *out[2] = {NULL, NULL};
    tdag_status st = tdagi_array_alloc(ctx, n, sizeof(tdag_tensor *), &tensors);
    if (st == TDAG_OK) st = tdagi_array_alloc(ctx, n, sizeof(tdag_value), &values);
    tdag_tensor **in = tensors;
    if (st == TDAG_OK) st = input_tensors(c, in);
    if (st == TDAG_OK && c->kernel->composite == TDAGI_CORE)
        st = eval_core(c, in, out);
    else if (st == TDAG_OK)
        st = eval_composite(c, in, values, out);
    if (st == TDAG_OK) tdagi_strided_wrap(c->out, out[0]);
    if (out[1] != NULL) tdagi_strided_wrap(c->out + 1, out[1]);
    tdag_tensor_free(out[0]);
    tdag_tensor_free(out[1]);
    if (tensors != NULL) {
        for (uint32_t i = 0; i < n; i++)
            tdag_tensor_free(in[i]);
        tdagi_free(ctx, tensors, n * sizeof(tdag_tensor *));
    }
    if (values != NULL) tdagi_free(ctx, values, n * sizeof(tdag_value));
    return st;
}

/* ---- the walk ---- */

tdag_status tdagi_native_BY_REFERENCE(tdagi_native_call *c)
{
    c->handled = false;
    return TDAG_OK;
}

tdag_status tdagi_native_BY_PARTS(tdagi_native_call *c)
{
    return tdagi_native_BY_REFERENCE(c);
}

tdagi_native_fn *tdagi_native_composite(uint32_t composite)
{
    static tdagi_native_fn *const rows[TDAGI_N_COMPOSITES] = {
#define TDAGI_COMPOSITE(ID, name, definition, min, max, kind, native, exporter,        \
                        coreml)                                                        \
    [TDAGI_##ID] = tdagi_native_##native,
#include "derive/composites.def"
    };
    return rows[composite];
}

tdagi_native_fn *tdagi_native_core(uint32_t op)
{
    static tdagi_native_fn *const rows[TDAGI_OP_CODES] = {
#define TDAGI_NATIVE(ID, native) [TDAG_OP_##ID] = tdagi_native_##native,
#include "run/native/core.def"
    };
    return rows[op];
}

/* No op twice, that the compiler sees above; and none left out. */
enum {
    N_OPS = 0
#define TDAG_OP(id, code, name, inputs, definition) +1
#include <tdagger/ops.def>
    ,
    N_ROWS = 0
#define TDAGI_NATIVE(ID, native) +1
#include "run/native/core.def"
};
_Static_assert(N_OPS == N_ROWS, "an op without a row in core.def");

static tdag_status run_kernel(tdagi_native_call *c)
{
    const tdagi_kernel *k = c->kernel;
    tdagi_native_fn *fn = k->composite == TDAGI_CORE
                              ? tdagi_native_core(k->op)
                              : tdagi_native_composite(k->composite);
    c->handled = true;
    TDAGI_TRY(tdagi_ask(c->native->ctx));
    TDAGI_TRY(fn(c));
    return c->handled ? TDAG_OK : run_plainly(c);
}

static tdag_status run_product_sum(tdagi_native *s, uint32_t i,
                                   const uint32_t factors[2])
{
    tdag_tensor *in[2] = {NULL, NULL}, *out = NULL;
    tdag_status st = tdagi_strided_tensor(s->ctx, &s->values[factors[0]], &in[0]);
    if (st == TDAG_OK)
        st = tdagi_strided_tensor(s->ctx, &s->values[factors[1]], &in[1]);
    if (st == TDAG_OK)
        st = tdagi_product_sum(s->ctx, s->g, s->r->kernels[i].value.id,
                               (const tdag_tensor *const *)in, &out);
    if (st == TDAG_OK) tdagi_strided_wrap(&s->values[i], out);
    tdag_tensor_free(in[0]);
    tdag_tensor_free(in[1]);
    tdag_tensor_free(out);
    return st;
}

/* Positions are there with their values; maybe nobody wants them. */
static tdag_status end_pair(tdagi_native *s, uint32_t i)
{
    tdagi_native_drop_use(s, s->r->kernels[i].inputs[0]);
    if (s->uses[i] == 0) tdagi_strided_free(&s->values[i]);
    return TDAG_OK;
}

static tdag_status step(tdagi_native *s, uint32_t i, const tdagi_strided **operands)
{
    const tdagi_kernel *k = &s->r->kernels[i];
    if (k->composite == TDAGI_CORE && tdagi_op_holds_tensor(k->op)) {
        tdagi_strided_wrap(&s->values[i], tdagi_graph_node(s->g, k->value)->u.tensor);
        return TDAG_OK;
    }
    if (k->composite == TDAGI_CORE && k->op == TDAG_OP_INPUT) return TDAG_OK;
    if (k->is_second) return end_pair(s, i);
    if (s->plan->inside[i]) return TDAG_OK;
    if (s->plan->cells[i] != NULL) return tdagi_native_run_cell(s, i);
    static const tdagi_strided nothing = {0};
    for (uint32_t j = 0; j < k->n_inputs; j++)
        operands[j] = k->inputs[j] == 0 ? &nothing : &s->values[k->inputs[j]];
    tdagi_native_call c = {s, k, operands, &s->values[i], false};
    uint32_t factors[2];
    bool products = tdagi_native_sums_products(s->r, i, factors);
    tdag_status st = products ? run_product_sum(s, i, factors) : run_kernel(&c);
    if (st != TDAG_OK) {
        char buf[16];
        if (k->value.id != 0)
            tdagi_fail_at_node(s->ctx, tdagi_value_name(s->g, k->value, buf),
                               tdagi_value_scope(s->g, k->value));
        return st;
    }
    for (uint32_t j = 0; j < k->n_inputs; j++)
        tdagi_native_drop_use(s, k->inputs[j]);
    for (uint32_t j = 0; products && j < 2; j++)
        tdagi_native_drop_use(s, factors[j]);
    return TDAG_OK;
}

static tdag_status run_all(tdagi_native *s, tdag_tensor **inputs,
                           const tdagi_strided **operands, tdag_tensor **outputs)
{
    const tdag_graph *g = s->g;
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        uint32_t kernel = s->r->kernel_of[g->inputs[i].id];
        if (kernel != 0) tdagi_strided_wrap(&s->values[kernel], inputs[i]);
        tdag_tensor_free(inputs[i]);
        inputs[i] = NULL;
    }
    for (uint32_t i = 1; i <= s->r->n; i++)
        TDAGI_TRY(step(s, i, operands));
    uint32_t n = 0;
    tdag_status st = TDAG_OK;
    for (; n < g->n_outputs && st == TDAG_OK; n++)
        st = tdagi_strided_tensor(s->ctx, &s->values[s->r->kernel_of[g->outputs[n].id]],
                                  &outputs[n]);
    if (st != TDAG_OK)
        for (uint32_t i = 0; i + 1 < n; i++) {
            tdag_tensor_free(outputs[i]);
            outputs[i] = NULL;
        }
    return st;
}

tdag_status tdagi_run_raise(tdag_ctx *ctx, const tdag_graph *g, tdagi_raised **out)
{
    bool by_parts[TDAGI_N_COMPOSITES];
    for (uint32_t i = 0; i < TDAGI_N_COMPOSITES; i++)
        by_parts[i] = tdagi_native_composite(i) == tdagi_native_BY_PARTS;
    return tdagi_raise(ctx, g, by_parts, out);
}

tdag_status tdagi_run_raised(tdag_ctx *ctx, const tdagi_raised *raised,
                             const tdagi_native_plan *plan, tdag_tensor **inputs,
                             tdag_tensor **outputs)
{
    tdagi_native s = {
        .ctx = ctx, .g = raised->graph, .r = raised, .plan = plan, .blas = plan->blas};
    const size_t n = (size_t)raised->n + 1;
    void *values = NULL, *uses = NULL, *operands = NULL;
    tdag_status st = tdagi_array_alloc(ctx, n, sizeof(tdagi_strided), &values);
    if (st == TDAG_OK) st = tdagi_array_alloc(ctx, n, sizeof(uint32_t), &uses);
    if (st == TDAG_OK)
        st = tdagi_array_alloc(ctx, plan->most, sizeof(tdagi_strided *), &operands);
    s.values = values;
    if (st == TDAG_OK) {
        s.uses = memcpy(uses, plan->uses, n * sizeof(uint32_t));
        st = run_all(&s, inputs, operands, outputs);
    }
    if (values != NULL) {
        for (size_t i = 0; i < n; i++)
            tdagi_strided_free(&s.values[i]);
        tdagi_free(ctx, values, n * sizeof(tdagi_strided));
    }
    if (uses != NULL) tdagi_free(ctx, uses, n * sizeof(uint32_t));
    if (operands != NULL)
        tdagi_free(ctx, operands, plan->most * sizeof(tdagi_strided *));
    return st;
}
