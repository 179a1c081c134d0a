/* Pricers, the core and kernel levels, and sums of counts. The formulas of core ops are
 * their own (tdagi_opdef.cost); here is what an operand costs that is a view, and which
 * formula a composite takes: contractions their loop nest (contraction.c), every other
 * one the sum of the core ops it covers. */
#include "analysis/price.h"

#include <string.h>

#include "ir/graft.h"
#include "ops/ops.h"

/* ---- pricers ---- */
static tdag_dim view_footprint(tdagi_pricer *p, const tdagi_kernel *view)
{
    const tdagi_kernel *from = &p->raised->kernels[view->inputs[0]];
    tdag_dim shown = p->footprint[view->inputs[0]];
    if (view->composite == TDAGI_CORE && view->op == TDAG_OP_REPEAT) return shown;
    tdag_dim count = tdagi_kernel_count(p->pool, view);
    tdag_dim from_count = tdagi_kernel_count(p->pool, from);
    if (count == from_count) return shown;
    if (shown == from_count) return count; /* a part of what was not repeated */
    return tdagi_dim_min(p->pool, shown, count);
}

static tdag_status find_views(tdagi_pricer *p)
{
    const tdagi_raised *r = p->raised;
    void *block = NULL;
    TDAGI_TRY(tdagi_array_alloc(p->ctx, (size_t)r->n + 1, sizeof(*p->base), &block));
    p->base = block;
    TDAGI_TRY(
        tdagi_array_alloc(p->ctx, (size_t)r->n + 1, sizeof(*p->footprint), &block));
    p->footprint = block;
    for (uint32_t k = 1; k <= r->n; k++) {
        const tdagi_kernel *kernel = &r->kernels[k];
        if (tdagi_kernel_kind(kernel) == TDAGI_KIND_VIEW) {
            p->base[k] = p->base[kernel->inputs[0]];
            p->footprint[k] = view_footprint(p, kernel);
        } else {
            p->base[k] = k;
            p->footprint[k] = tdagi_kernel_count(p->pool, kernel);
        }
    }
    return TDAG_OK;
}

static tdag_status pricer_fill(tdagi_pricer *p, tdag_level level)
{
    void *block = NULL;
    TDAGI_TRY(tdagi_alloc(p->ctx, (size_t)p->graph->n + 1, &block));
    p->is_size = block;
    tdagi_mark_sizes(p->graph, p->is_size, 1);
    if (level == TDAG_LEVEL_CORE) {
        p->own_pool = tdagi_pool_clone(p->graph->pool);
        if (p->own_pool == NULL) return tdagi_nomem(p->ctx);
        p->pool = p->own_pool;
        return TDAG_OK;
    }
    TDAGI_TRY(tdagi_raise(p->ctx, p->graph, NULL, &p->raised));
    p->pool = p->raised->pool;
    return find_views(p);
}

tdag_status tdagi_pricer_create(tdag_ctx *ctx, const tdag_graph *graph,
                                tdag_level level, tdagi_pricer **out)
{
    if (level < TDAG_LEVEL_CORE || level > TDAG_LEVEL_FUSED)
        return tdagi_fail(ctx, TDAG_E_ARG, "there is no level number %d", (int)level);
    void *block = NULL;
    TDAGI_TRY(tdagi_alloc(ctx, sizeof(tdagi_pricer), &block));
    tdagi_pricer *p = block;
    p->ctx = ctx;
    p->graph = graph;
    tdag_status status = pricer_fill(p, level);
    if (status == TDAG_OK)
        *out = p;
    else
        tdagi_pricer_free(p);
    return status;
}

void tdagi_pricer_free(tdagi_pricer *p)
{
    if (p == NULL) return;
    size_t n = p->raised == NULL ? 0 : (size_t)p->raised->n + 1;
    tdagi_free(p->ctx, p->base, n * sizeof(*p->base));
    tdagi_free(p->ctx, p->footprint, n * sizeof(*p->footprint));
    if (p->raised != NULL) tdagi_raised_free(p->raised);
    if (p->is_size != NULL) tdagi_free(p->ctx, p->is_size, (size_t)p->graph->n + 1);
    tdagi_pool_free(p->own_pool);
    tdagi_free(p->ctx, p, sizeof(*p));
}

/* ---- the core level ---- */
void tdagi_price_node(tdagi_pricer *p, tdag_value value, tdagi_cost *out)
{
    const tdagi_node *node = tdagi_graph_node(p->graph, value);
    memset(out, 0, sizeof(*out));
    if (p->is_size[value.id]) return;
    if (node->n_inputs > TDAGI_INLINE_INPUTS) return; /* opaque only */
    tdagi_type inputs[TDAGI_INLINE_INPUTS], output;
    for (uint32_t i = 0; i < node->n_inputs; i++)
        tdagi_value_type(p->graph, node->in.few[i], &inputs[i]);
    tdagi_value_type(p->graph, value, &output);
    tdagi_cost_call call = {p->pool, node->u.spec, node->n_inputs,
                            inputs,  &output,      out};
    tdagi_node_def(node)->cost(&call);
}

static tdag_status visit_node(tdagi_pricer *p, uint32_t id, tdagi_unit_visit visit,
                              void *user)
{
    const tdagi_node *node = &p->graph->nodes[id];
    tdagi_unit unit = {.op = tdag_op_name((tdag_op)node->op),
                       .value = {id},
                       .scope = node->scope,
                       .dtype = (tdag_dtype)node->dtype,
                       .rank = node->rank,
                       .shape = node->shape};
    if (node->op == TDAG_OP_OPAQUE) {
        const tdag_opaque_spec *spec = node->u.spec;
        unit.op = spec->name;
        unit.is_opaque = true;
    } else {
        tdagi_price_node(p, (tdag_value){id}, &unit.cost);
    }
    return visit(user, &unit);
}

static tdag_status price_core(tdagi_pricer *p, tdagi_unit_visit visit, void *user)
{
    const tdag_graph *g = p->graph;
    void *block = NULL;
    TDAGI_TRY(tdagi_alloc(p->ctx, (size_t)g->n + 1, &block));
    uint8_t *live = block;
    tdagi_mark_live(g, live);
    tdag_status status = TDAG_OK;
    for (uint32_t id = 1; id <= g->n && status == TDAG_OK; id++)
        if (live[id] && !p->is_size[id] && !tdagi_op_is_leaf(g->nodes[id].op))
            status = visit_node(p, id, visit, user);
    tdagi_free(p->ctx, live, (size_t)g->n + 1);
    return status;
}

/* ---- the kernel level ---- */
static tdag_dim times_size(tdagi_pool *pool, tdag_dim count, uint8_t dtype)
{
    return tdagi_dim_mul(pool, count, (tdag_dim)tdag_dtype_size((tdag_dtype)dtype));
}

/* Every operand once; kernel 0, an input left out, is none. */
static void read_operands(tdagi_pricer *p, const tdagi_kernel *kernel, uint32_t first,
                          tdagi_cost *out)
{
    for (uint32_t i = first; i < kernel->n_inputs; i++) {
        uint32_t k = kernel->inputs[i];
        if (k == 0) continue;
        tdag_dim n = p->footprint[k];
        out->reads = tdagi_dim_add(p->pool, out->reads, n);
        out->read_bytes =
            tdagi_dim_add(p->pool, out->read_bytes,
                          times_size(p->pool, n, p->raised->kernels[k].dtype));
    }
}

static void write_result(tdagi_pricer *p, const tdagi_kernel *kernel, tdagi_cost *out)
{
    tdag_dim n = tdagi_kernel_count(p->pool, kernel);
    out->writes = tdagi_dim_add(p->pool, out->writes, n);
    out->write_bytes =
        tdagi_dim_add(p->pool, out->write_bytes, times_size(p->pool, n, kernel->dtype));
}

static void kernel_type(const tdagi_kernel *kernel, tdagi_type *out)
{
    out->dtype = (tdag_dtype)kernel->dtype;
    out->rank = kernel->rank;
    for (uint32_t i = 0; i < kernel->rank; i++)
        out->shape[i] = kernel->shape[i];
}

/* A core op: its own cost; where that reads all of every operand, an operand that
 * repeats its elements (a view) counts them once. */
static void price_core_kernel(tdagi_pricer *p, const tdagi_kernel *kernel,
                              tdagi_cost *out)
{
    const tdagi_op_row *row = tdagi_op_row_of(kernel->op);
    if (row == NULL || kernel->n_inputs > TDAGI_INLINE_INPUTS) return;
    tdagi_type inputs[TDAGI_INLINE_INPUTS], output;
    tdag_dim all = 0;
    for (uint32_t i = 0; i < kernel->n_inputs; i++) {
        const tdagi_kernel *in = &p->raised->kernels[kernel->inputs[i]];
        kernel_type(in, &inputs[i]);
        all = tdagi_dim_add(p->pool, all, tdagi_kernel_count(p->pool, in));
    }
    kernel_type(kernel, &output);
    tdagi_cost_call call = {p->pool, kernel->spec, kernel->n_inputs,
                            inputs,  &output,      out};
    row->def->cost(&call);
    if (out->reads != all) return;
    out->reads = out->read_bytes = 0;
    read_operands(p, kernel, 0, out);
}

static void price_covered(tdagi_pricer *p, const tdagi_kernel *kernel, tdagi_cost *out)
{
    for (uint32_t i = 0; i < kernel->n_covered; i++) {
        tdagi_cost cost;
        tdagi_price_node(p, kernel->covered[i], &cost);
        out->flops = tdagi_dim_add(p->pool, out->flops, cost.flops);
        out->macs = tdagi_dim_add(p->pool, out->macs, cost.macs);
    }
}

static void price_contraction(tdagi_pricer *p, const tdagi_kernel *kernel,
                              tdagi_cost *out)
{
    tdag_dim bias = 0;
    tdagi_contraction_work(p, kernel, &out->macs, &bias);
    if (kernel->composite == TDAGI_ATTENTION) bias = tdagi_attention_rest(p, kernel);
    out->flops = tdagi_dim_add(p->pool, tdagi_dim_mul(p->pool, out->macs, 2), bias);
}

/* Of the table, a row for each index. */
static void read_rows(tdagi_pricer *p, const tdagi_kernel *kernel, tdagi_cost *out)
{
    const tdagi_kernel *table = &p->raised->kernels[kernel->inputs[0]];
    const tdagi_kernel *indices = &p->raised->kernels[kernel->inputs[1]];
    out->reads = tdagi_dim_mul(p->pool, tdagi_kernel_count(p->pool, indices),
                               table->shape[table->rank - 1]);
    out->read_bytes = tdagi_dim_mul(p->pool, out->reads,
                                    (int64_t)tdag_dtype_size((tdag_dtype)table->dtype));
}

void tdagi_price_kernel(tdagi_pricer *p, uint32_t k, tdagi_cost *out)
{
    const tdagi_kernel *kernel = &p->raised->kernels[k];
    tdagi_kind kind = tdagi_kernel_kind(kernel);
    memset(out, 0, sizeof(*out));
    if (kernel->composite == TDAGI_CORE) {
        price_core_kernel(p, kernel, out);
        return;
    }
    if (kind == TDAGI_KIND_CONTRACTION)
        price_contraction(p, kernel, out);
    else
        price_covered(p, kernel, out);
    if (kernel->composite == TDAGI_COSINE_SIMILARITY)
        out->macs = tdagi_cosine_macs(p, kernel); /* its FLOPs are among them */
    write_result(p, kernel, out);
    if (tdagi_composite_is_pair(kernel->composite)) write_result(p, kernel + 1, out);
    if (kind == TDAGI_KIND_GATHER) { /* of the table, what it returns */
        out->reads = out->writes;
        out->read_bytes = out->write_bytes;
        read_operands(p, kernel, 1, out);
    } else if (kind == TDAGI_KIND_BAG) {
        read_rows(p, kernel, out);
        read_operands(p, kernel, 1, out);
    } else {
        read_operands(p, kernel, 0, out);
    }
}

void tdagi_unit_of_kernel(const tdagi_pricer *p, uint32_t k, tdagi_unit *out)
{
    const tdagi_kernel *kernel = &p->raised->kernels[k];
    memset(out, 0, sizeof(*out));
    out->op = tdagi_kernel_name(kernel);
    out->value = kernel->value;
    tdag_value at = kernel->value;
    if (at.id == 0 && kernel->n_covered > 0)
        at = kernel->covered[kernel->n_covered - 1];
    if (at.id != 0) out->scope = tdagi_graph_node(p->graph, at)->scope;
    out->dtype = (tdag_dtype)kernel->dtype;
    out->rank = kernel->rank;
    out->shape = kernel->shape;
    out->is_opaque = tdagi_kernel_kind(kernel) == TDAGI_KIND_OPAQUE;
    if (out->is_opaque && kernel->spec != NULL)
        out->op = ((const tdag_opaque_spec *)kernel->spec)->name;
}

static tdag_status price_kernels(tdagi_pricer *p, tdagi_unit_visit visit, void *user)
{
    for (uint32_t k = 1; k <= p->raised->n; k++) {
        if (!tdagi_kernel_counts(&p->raised->kernels[k])) continue;
        tdagi_unit unit;
        tdagi_unit_of_kernel(p, k, &unit);
        if (!unit.is_opaque) tdagi_price_kernel(p, k, &unit.cost);
        TDAGI_TRY(visit(user, &unit));
    }
    return TDAG_OK;
}

static tdag_status price_row(tdagi_pricer *p, tdagi_unit_visit visit, void *user)
{
    const tdag_graph *g = p->graph;
    const tdagi_node *n = tdagi_graph_node(g, g->outputs[0]);
    tdagi_unit unit = {.op = "append",
                       .value = g->outputs[0],
                       .scope = n->scope,
                       .dtype = (tdag_dtype)n->dtype,
                       .rank = n->rank,
                       .shape = n->shape};
    tdagi_type row;
    tdagi_value_type(g, g->inputs[1], &row);
    const tdagi_cost_call call = {p->pool, NULL, 1, &row, &row, &unit.cost};
    tdagi_cost_move(&call);
    return visit(user, &unit);
}

tdag_status tdagi_price(tdagi_pricer *p, tdag_level level, tdagi_unit_visit visit,
                        void *user)
{
    tdag_status status = p->is_row                  ? price_row(p, visit, user)
                         : level == TDAG_LEVEL_CORE ? price_core(p, visit, user)
                         : level == TDAG_LEVEL_KERNEL
                             ? price_kernels(p, visit, user)
                             : tdagi_price_fused(p, visit, user);
    return status == TDAG_OK ? tdagi_pool_report(p->ctx, p->pool) : status;
}
