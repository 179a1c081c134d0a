/* Uses, cells and packed weights of raised kernels. */
#include "run/native/plan.h"

#include "run/product.h"

/* A weight is packed where so many products are by it, none of more rows than that: a
 * BLAS would pack it again for each. */
enum { LEAST_PRODUCTS = 8, MOST_ROWS = 64 };

typedef struct maker {
    tdag_ctx *ctx;
    const tdagi_raised *r;
    tdagi_native_plan *plan;
} maker;

static const tdagi_kernel *kernel(const maker *m, uint32_t i)
{
    return &m->r->kernels[i];
}

static tdag_status take(const maker *m, size_t n, size_t size, void **out)
{
    *out = tdagi_arena_array(&m->plan->arena, n, size);
    return *out == NULL ? tdagi_nomem(m->ctx) : TDAG_OK;
}

bool tdagi_native_sums_products(const tdagi_raised *r, uint32_t i, uint32_t factors[2])
{
    const tdagi_kernel *k = &r->kernels[i];
    if (k->composite != TDAGI_CORE || k->value.id == 0) return false;
    uint32_t product = tdagi_product_of(r->graph, k->value.id);
    if (product == 0) return false;
    const tdag_value *in = tdagi_node_inputs(&r->graph->nodes[product]);
    factors[0] = r->kernel_of[in[0].id];
    factors[1] = r->kernel_of[in[1].id];
    return factors[0] != 0 && factors[1] != 0 && factors[0] < i && factors[1] < i;
}

static void count_uses(const maker *m)
{
    uint32_t *uses = m->plan->uses;
    for (uint32_t i = 1; i <= m->r->n; i++) {
        const tdagi_kernel *k = kernel(m, i);
        for (uint32_t j = 0; j < k->n_inputs; j++)
            uses[k->inputs[j]]++;
        uint32_t factors[2];
        bool products = tdagi_native_sums_products(m->r, i, factors);
        for (uint32_t j = 0; products && j < 2; j++)
            uses[factors[j]]++;
        if (k->n_inputs > m->plan->most) m->plan->most = k->n_inputs;
    }
    const tdag_graph *g = m->r->graph;
    for (uint32_t i = 0; i < g->n_outputs; i++)
        uses[m->r->kernel_of[g->outputs[i].id]]++;
}

/* ---- cells ---- */

/* Whether nothing else reads what is inside. */
static bool is_closed(const maker *m, const tdagi_lstm_cell *cell)
{
    const tdagi_kernel *k = kernel(m, cell->h);
    bool closed = tdagi_step_of(m->plan->blas, (tdag_dtype)k->dtype) != NULL &&
                  (k->rank == 1 || k->rank == 2);
    for (uint32_t i = 0; i < sizeof cell->inside / sizeof *cell->inside; i++)
        closed = closed && m->plan->uses[cell->inside[i]] == 1;
    return closed;
}

static tdag_status find_cell(const maker *m, uint32_t i)
{
    tdagi_lstm_cell cell;
    void *kept = NULL;
    const tdagi_kernel *k = kernel(m, i);
    if (k->composite != TDAGI_CORE || k->op != TDAG_OP_MULTIPLY ||
        !tdagi_find_lstm_cell(m->r, i, &cell) || !is_closed(m, &cell))
        return TDAG_OK;
    TDAGI_TRY(take(m, 1, sizeof cell, &kept));
    m->plan->cells[cell.c] = memcpy(kept, &cell, sizeof cell);
    for (uint32_t j = 0; j < sizeof cell.inside / sizeof *cell.inside; j++)
        m->plan->inside[cell.inside[j]] = true;
    m->plan->inside[cell.h] = true;
    return TDAG_OK;
}

/* ---- products ---- */

static const tdag_tensor *leaf(const maker *m, uint32_t i)
{
    const tdagi_kernel *k = kernel(m, i);
    return i != 0 && k->composite == TDAGI_CORE && tdagi_op_holds_tensor(k->op)
               ? tdagi_graph_node(m->r->graph, k->value)->u.tensor
               : NULL;
}

static uint32_t bias_of(const tdagi_kernel *k)
{
    return k->n_inputs > 2 ? k->inputs[2] : 0;
}

/* Whether a packed weight may do what kernel i does. */
static bool may_pack(const maker *m, uint32_t i)
{
    const tdagi_kernel *k = kernel(m, i);
    if (k->composite != TDAGI_LINEAR ||
        tdagi_step_of(m->plan->blas, (tdag_dtype)k->dtype) == NULL ||
        leaf(m, k->inputs[1]) == NULL)
        return false;
    const uint32_t bias = bias_of(k);
    int64_t rows = 1;
    for (uint32_t j = 0; j + 1 < k->rank && rows <= MOST_ROWS; j++)
        rows *= k->shape[j];
    return rows <= MOST_ROWS &&
           (bias == 0 || (leaf(m, bias) != NULL && leaf(m, bias)->rank == 1 &&
                          leaf(m, bias)->shape[0] == k->shape[k->rank - 1u]));
}

tdag_status tdagi_native_pack(tdag_ctx *ctx, tdagi_arena *arena,
                              const tdagi_step_kernels *step, const tdag_tensor *weight,
                              const tdag_tensor *bias, tdagi_packed *out)
{
    const int64_t n = weight->shape[0], k = weight->shape[1];
    const size_t size = step->packed_size(n, k);
    void *room = size == 0 ? NULL : tdagi_arena_array(arena, 1, size);
    if (room == NULL) return tdagi_nomem(ctx);
    *out = (tdagi_packed){
        n, k,
        step->pack(n, k, weight->data, k, 1, bias == NULL ? NULL : bias->data, room)};
    return TDAG_OK;
}

/* Weight and bias of kernel i. */
static tdag_status pack(const maker *m, uint32_t i, const tdagi_packed **out)
{
    const tdagi_kernel *k = kernel(m, i);
    void *made = NULL;
    TDAGI_TRY(take(m, 1, sizeof **out, &made));
    *out = made;
    return tdagi_native_pack(m->ctx, &m->plan->arena,
                             tdagi_step_of(m->plan->blas, (tdag_dtype)k->dtype),
                             leaf(m, k->inputs[1]), leaf(m, bias_of(k)), made);
}

/* `products`, by weight: how many there are; `first`: the first of them. */
static tdag_status pack_weights(const maker *m, uint32_t *products, uint32_t *first)
{
    for (uint32_t i = 1; i <= m->r->n; i++)
        if (may_pack(m, i)) {
            const uint32_t w = kernel(m, i)->inputs[1];
            if (products[w]++ == 0) first[w] = i;
        }
    for (uint32_t i = 1; i <= m->r->n; i++) {
        const uint32_t w = may_pack(m, i) ? kernel(m, i)->inputs[1] : 0;
        if (products[w] < LEAST_PRODUCTS || w == 0 ||
            bias_of(kernel(m, i)) != bias_of(kernel(m, first[w])))
            continue;
        if (i == first[w]) TDAGI_TRY(pack(m, i, &m->plan->packed[i]));
        m->plan->packed[i] = m->plan->packed[first[w]];
    }
    return TDAG_OK;
}

tdag_status tdagi_native_plan_make(tdag_ctx *ctx, const tdagi_raised *r,
                                   tdagi_native_plan *out)
{
    const maker m = {ctx, r, out};
    const size_t n = (size_t)r->n + 1;
    void *uses = NULL, *cells = NULL, *inside = NULL, *packed = NULL, *counts = NULL;
    *out = (tdagi_native_plan){.blas = tdagi_blas_get(ctx), .most = 1};
    tdagi_arena_init(&out->arena, &ctx->allocator);
    TDAGI_TRY(take(&m, n, sizeof *out->uses, &uses));
    TDAGI_TRY(take(&m, n, sizeof *out->cells, &cells));
    TDAGI_TRY(take(&m, n, sizeof *out->inside, &inside));
    TDAGI_TRY(take(&m, n, sizeof *out->packed, &packed));
    out->uses = memset(uses, 0, n * sizeof *out->uses);
    out->cells = memset(cells, 0, n * sizeof *out->cells);
    out->inside = memset(inside, 0, n * sizeof *out->inside);
    out->packed = memset(packed, 0, n * sizeof *out->packed);
    count_uses(&m);
    for (uint32_t i = 1; i <= r->n; i++)
        TDAGI_TRY(find_cell(&m, i));
    TDAGI_TRY(tdagi_array_alloc(ctx, n, 2 * sizeof(uint32_t), &counts));
    tdag_status st = pack_weights(&m, counts, (uint32_t *)counts + n);
    tdagi_free(ctx, counts, n * 2 * sizeof(uint32_t));
    return st;
}
