/* Memory held: the tensors of a graph, and the peak of what it computes. */
#include "analysis/price.h"

#include <string.h>

/* ---- leaves ---- */
/* A set of tensor memory by address: open addressing, a power of two of slots. */
typedef struct memory_set {
    const void **slots;
    size_t n_slots;
} memory_set;

/* True when the address is new. */
static bool set_add(memory_set *set, const void *data)
{
    uint64_t h = (uint64_t)(uintptr_t)data * UINT64_C(0x9e3779b97f4a7c15);
    for (size_t i = (size_t)(h >> 32) & (set->n_slots - 1);;
         i = (i + 1) & (set->n_slots - 1)) {
        if (set->slots[i] == data) return false;
        if (set->slots[i] == NULL) {
            set->slots[i] = data;
            return true;
        }
    }
}

static tdag_status add_leaf(tdag_ctx *ctx, uint32_t op, const tdag_tensor *tensor,
                            tdagi_leaf_memory *sum)
{
    int64_t n = tdag_tensor_get_count(tensor);
    int64_t bytes = (int64_t)tdag_tensor_get_size(tensor);
    int64_t *counts = op == TDAG_OP_PARAMETER ? &sum->parameters
                      : op == TDAG_OP_BUFFER  ? &sum->buffers
                                              : &sum->constants;
    int64_t *sizes = op == TDAG_OP_PARAMETER ? &sum->parameter_bytes
                     : op == TDAG_OP_BUFFER  ? &sum->buffer_bytes
                                             : &sum->constant_bytes;
    TDAGI_TRY(tdagi_count_add(ctx, counts, n, "elements"));
    TDAGI_TRY(tdagi_count_add(ctx, sizes, bytes, "bytes"));
    return tdagi_count_add(ctx, &sum->total_bytes, bytes, "bytes");
}

static tdag_status visit_leaves(tdag_ctx *ctx, const tdag_graph *g, memory_set *set,
                                tdagi_leaf_memory *out, tdagi_leaf_visit visit,
                                void *user)
{
    for (uint32_t id = 1; id <= g->n; id++) {
        const tdagi_node *node = &g->nodes[id];
        if (!tdagi_op_holds_tensor(node->op)) continue;
        const tdag_tensor *tensor = node->u.tensor;
        const void *data = tdag_tensor_get_data(tensor);
        bool is_new =
            data == NULL || tdag_tensor_get_size(tensor) == 0 || set_add(set, data);
        if (is_new) TDAGI_TRY(add_leaf(ctx, node->op, tensor, out));
        if (visit != NULL)
            TDAGI_TRY(visit(user, g, (tdag_value){id},
                            is_new ? tdag_tensor_get_count(tensor) : 0));
    }
    return TDAG_OK;
}

tdag_status tdagi_leaf_memory_of(tdag_ctx *ctx, const tdag_graph *const *graphs,
                                 uint32_t n_graphs, tdagi_leaf_memory *out,
                                 tdagi_leaf_visit visit, void *user)
{
    size_t n_leaves = 0;
    for (uint32_t i = 0; i < n_graphs; i++)
        for (uint32_t id = 1; id <= graphs[i]->n; id++)
            n_leaves += tdagi_op_holds_tensor(graphs[i]->nodes[id].op);
    memory_set set = {NULL, 16};
    while (set.n_slots < 2 * n_leaves)
        set.n_slots *= 2;
    void *block = NULL;
    TDAGI_TRY(tdagi_array_alloc(ctx, set.n_slots, sizeof(*set.slots), &block));
    set.slots = block;
    memset(out, 0, sizeof(*out));
    tdag_status status = TDAG_OK;
    for (uint32_t i = 0; i < n_graphs && status == TDAG_OK; i++)
        status = visit_leaves(ctx, graphs[i], &set, out, visit, user);
    tdagi_free(ctx, block, set.n_slots * sizeof(*set.slots));
    return status;
}

/* ---- the peak ---- */
static bool at_least(tdagi_pool *pool, tdag_dim a, tdag_dim b)
{
    if (a == b) return true;
    if (tdagi_dim_sample(pool, a) < tdagi_dim_sample(pool, b)) return false;
    return (a >= 0 && b >= 0) || tdagi_dim_proves_ge(pool, a, b);
}

void tdagi_peaks_note(tdagi_pool *pool, tdagi_peaks *p, tdag_dim bytes)
{
    uint32_t n = 0, least = 0;
    for (uint32_t i = 0; i < p->n; i++)
        if (at_least(pool, p->v[i], bytes)) return;
    for (uint32_t i = 0; i < p->n; i++)
        if (!at_least(pool, bytes, p->v[i])) p->v[n++] = p->v[i];
    p->n = n;
    if (n < TDAGI_MAX_PEAKS) {
        p->v[p->n++] = bytes;
        return;
    }
    for (uint32_t i = 1; i < n; i++)
        if (tdagi_dim_sample(pool, p->v[i]) < tdagi_dim_sample(pool, p->v[least]))
            least = i;
    if (tdagi_dim_sample(pool, bytes) > tdagi_dim_sample(pool, p->v[least]))
        p->v[least] = bytes;
}

static tdag_dim largest(tdagi_pool *pool, const tdagi_peaks *p)
{
    tdag_dim peak = 0;
    for (uint32_t i = 0; i < p->n; i++)
        peak = tdagi_dim_max(pool, peak, p->v[i]);
    return peak;
}

/* Live bytes move along the kernels; what the largest step holds is kept. */
typedef struct peak_walk {
    tdagi_pricer *p;
    uint32_t *last_use; /* by kernel that owns memory; UINT32_MAX: alive throughout */
    tdag_dim live;
    tdagi_peaks peaks;
} peak_walk;

static void note_peak(peak_walk *w)
{
    tdagi_peaks_note(w->p->pool, &w->peaks, w->live);
}

static tdag_dim kernel_bytes(const peak_walk *w, uint32_t k)
{
    const tdagi_kernel *kernel = &w->p->raised->kernels[k];
    return tdagi_dim_mul(w->p->pool, tdagi_kernel_count(w->p->pool, kernel),
                         (tdag_dim)tdag_dtype_size((tdag_dtype)kernel->dtype));
}

static void keep(peak_walk *w, uint32_t k)
{
    if (w->last_use[k] == UINT32_MAX) return;
    w->last_use[k] = UINT32_MAX;
    w->live = tdagi_dim_add(w->p->pool, w->live, kernel_bytes(w, k));
}

/* Inputs (used or not) and the memory of outputs. */
static void keep_ends(peak_walk *w)
{
    const tdagi_raised *r = w->p->raised;
    const tdag_graph *g = w->p->graph;
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        const tdagi_node *node = tdagi_graph_node(g, g->inputs[i]);
        tdag_dim n = tdagi_dim_product(w->p->pool, node->rank, node->shape);
        n = tdagi_dim_mul(w->p->pool, n,
                          (tdag_dim)tdag_dtype_size((tdag_dtype)node->dtype));
        w->live = tdagi_dim_add(w->p->pool, w->live, n);
    }
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        uint32_t k = r->kernel_of[g->outputs[i].id];
        if (k == 0) continue;
        k = w->p->base[k];
        if (tdagi_kernel_kind(&r->kernels[k]) != TDAGI_KIND_LEAF) keep(w, k);
    }
    if (w->live != TDAGI_DIM_BAD) note_peak(w);
}

static void step(peak_walk *w, uint32_t k)
{
    tdagi_pool *pool = w->p->pool;
    const tdagi_kernel *kernel = &w->p->raised->kernels[k];
    if (w->last_use[k] != UINT32_MAX)
        w->live = tdagi_dim_add(pool, w->live, kernel_bytes(w, k));
    if (w->live == TDAGI_DIM_BAD) return;
    note_peak(w);
    for (uint32_t i = 0; i < kernel->n_inputs; i++) {
        uint32_t base = w->p->base[kernel->inputs[i]];
        if (w->last_use[base] != k) continue;
        w->last_use[base] = 0; /* dead; also when it is an operand twice */
        w->live = tdagi_dim_sub(pool, w->live, kernel_bytes(w, base));
    }
    if (w->last_use[k] == 0) /* positions that nobody asked for */
        w->live = tdagi_dim_sub(pool, w->live, kernel_bytes(w, k));
}

static void walk(peak_walk *w)
{
    const tdagi_raised *r = w->p->raised;
    for (uint32_t k = 1; k <= r->n; k++)
        for (uint32_t i = 0; i < r->kernels[k].n_inputs; i++) {
            uint32_t base = w->p->base[r->kernels[k].inputs[i]];
            if (tdagi_kernel_kind(&r->kernels[k]) != TDAGI_KIND_VIEW &&
                tdagi_kernel_kind(&r->kernels[base]) != TDAGI_KIND_LEAF && base != 0)
                w->last_use[base] = k;
        }
    keep_ends(w);
    for (uint32_t k = 1; k <= r->n && w->live != TDAGI_DIM_BAD; k++) {
        tdagi_kind kind = tdagi_kernel_kind(&r->kernels[k]);
        if (kind != TDAGI_KIND_LEAF && kind != TDAGI_KIND_VIEW) step(w, k);
    }
}

tdag_status tdagi_peak_of(tdagi_pricer *p, tdag_dim *out)
{
    size_t n = (size_t)p->raised->n + 1;
    void *block = NULL;
    TDAGI_TRY(tdagi_array_alloc(p->ctx, n, sizeof(uint32_t), &block));
    peak_walk w = {.p = p, .last_use = block};
    walk(&w);
    tdag_dim peak = largest(p->pool, &w.peaks);
    tdagi_free(p->ctx, block, n * sizeof(uint32_t));
    TDAGI_TRY(tdagi_pool_report(p->ctx, p->pool));
    *out = peak;
    return TDAG_OK;
}
