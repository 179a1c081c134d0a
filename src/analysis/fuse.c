/* The fused level: element-wise chains, views and the element-wise producers of
 * reductions merged.
 *
 * Kernels are visited from the last to the first. An element-wise kernel joins the
 * group that all its consumers (seen through views) are in, if they are all
 * element-wise or reductions. A value that the graph returns stays outside. So from
 * every group leaves only what its last kernel computes, and groups cannot form a
 * cycle. A group reads every operand from outside once, writes that once, and has
 * the FLOPs of its kernels. */
#include "analysis/price.h"

#include <string.h>

#include "base/text.h"

#define MANY      UINT32_MAX
#define MAX_NAMES 6 /* kernels that a group's name lists */

typedef struct fuse_slot {
    uint32_t group;    /* the last kernel of the group this kernel is in */
    uint32_t target;   /* of all consumers seen so far; 0 = none, MANY = several */
    uint32_t next;     /* in a group: the next kernel, ascending; 0 = the last */
    uint32_t first;    /* of a group: its first kernel */
    uint32_t seen_by;  /* of an operand: the group that read it last */
    uint32_t whole_by; /* of memory: the group that touched it last */
    uint32_t n_parts;  /* of memory: operands of that group that look at it */
    bool barred;       /* a consumer is neither element-wise nor a reduction */
    tdag_dim part;     /* of memory: sum of those operands' elements */
} fuse_slot;

typedef struct fuser {
    tdagi_pricer *p;
    fuse_slot *slots;  /* by kernel index */
    uint32_t *touched; /* memory that the current group reads, in order */
    uint32_t n_touched;
} fuser;

static uint32_t choose_group(const fuser *f, uint32_t k, tdagi_kind kind)
{
    const fuse_slot *s = &f->slots[k];
    bool joins = kind == TDAGI_KIND_ELEMENTWISE && s->target != 0 &&
                 s->target != MANY && !s->barred;
    return joins ? s->target : k;
}

/* Tells the memory behind an operand who consumes it. */
static void add_consumer(fuser *f, uint32_t operand, uint32_t group, tdagi_kind kind)
{
    fuse_slot *s = &f->slots[f->p->base[operand]];
    s->target = s->target == 0 || s->target == group ? group : MANY;
    if (kind != TDAGI_KIND_ELEMENTWISE && kind != TDAGI_KIND_REDUCTION)
        s->barred = true;
}

static void form_groups(fuser *f)
{
    const tdagi_raised *r = f->p->raised;
    for (uint32_t i = 0; i < f->p->graph->n_outputs; i++) {
        uint32_t k = r->kernel_of[f->p->graph->outputs[i].id];
        if (k != 0) f->slots[f->p->base[k]].target = MANY;
    }
    for (uint32_t k = r->n; k >= 1; k--) {
        tdagi_kind kind = tdagi_kernel_kind(&r->kernels[k]);
        if (!tdagi_kernel_counts(&r->kernels[k])) continue;
        uint32_t group = choose_group(f, k, kind);
        f->slots[k].group = group;
        f->slots[k].next = f->slots[group].first; /* 0 for the group's last kernel */
        f->slots[group].first = k;
        for (uint32_t i = 0; i < r->kernels[k].n_inputs; i++)
            if (r->kernels[k].inputs[i] != 0)
                add_consumer(f, r->kernels[k].inputs[i], group, kind);
    }
}

/* Counts one operand of the group, unless it comes from inside or was met before. */
static void touch(fuser *f, uint32_t operand, uint32_t group)
{
    uint32_t base = f->p->base[operand];
    if (f->slots[base].group == group || f->slots[operand].seen_by == group) return;
    f->slots[operand].seen_by = group;
    fuse_slot *memory = &f->slots[base];
    if (memory->whole_by != group) {
        memory->whole_by = group;
        memory->n_parts = 0;
        memory->part = 0;
        f->touched[f->n_touched++] = base;
    }
    memory->n_parts++;
    memory->part = tdagi_dim_add(f->p->pool, memory->part, f->p->footprint[operand]);
}

/* Several looks at the same memory read it at most once. */
static void add_reads(fuser *f, tdagi_cost *out)
{
    tdagi_pool *pool = f->p->pool;
    for (uint32_t i = 0; i < f->n_touched; i++) {
        uint32_t base = f->touched[i];
        const fuse_slot *memory = &f->slots[base];
        const tdagi_kernel *kernel = &f->p->raised->kernels[base];
        tdag_dim n = memory->part;
        if (memory->n_parts > 1)
            n = tdagi_dim_min(pool, n, tdagi_kernel_count(pool, kernel));
        tdag_dim size = (tdag_dim)tdag_dtype_size((tdag_dtype)kernel->dtype);
        out->reads = tdagi_dim_add(pool, out->reads, n);
        out->read_bytes =
            tdagi_dim_add(pool, out->read_bytes, tdagi_dim_mul(pool, n, size));
    }
}

static void price_group(fuser *f, uint32_t group, tdagi_cost *out)
{
    const tdagi_raised *r = f->p->raised;
    tdagi_price_kernel(f->p, group, out);
    bool alone = f->slots[group].first == group;
    if (alone && tdagi_kernel_kind(&r->kernels[group]) != TDAGI_KIND_ELEMENTWISE)
        return;
    out->reads = out->read_bytes = 0;
    f->n_touched = 0;
    for (uint32_t k = f->slots[group].first; k != 0; k = f->slots[k].next) {
        for (uint32_t i = 0; i < r->kernels[k].n_inputs; i++)
            if (r->kernels[k].inputs[i] != 0) touch(f, r->kernels[k].inputs[i], group);
        if (k == group) continue;
        tdagi_cost cost;
        tdagi_price_kernel(f->p, k, &cost);
        out->flops = tdagi_dim_add(f->p->pool, out->flops, cost.flops);
        out->macs = tdagi_dim_add(f->p->pool, out->macs, cost.macs);
    }
    add_reads(f, out);
}

/* "mul+add+relu"; the kernels in order. */
static void name_group(const fuser *f, uint32_t group, tdagi_text *text)
{
    uint32_t n = 0;
    for (uint32_t k = f->slots[group].first; k != 0; k = f->slots[k].next, n++) {
        if (n == MAX_NAMES) {
            tdagi_text_add(text, "+...");
            return;
        }
        if (n > 0) tdagi_text_add(text, "+");
        tdagi_text_add(text, tdagi_kernel_name(&f->p->raised->kernels[k]));
    }
}

static tdag_status visit_group(fuser *f, uint32_t group, tdagi_unit_visit visit,
                               void *user)
{
    tdagi_unit unit;
    tdagi_unit_of_kernel(f->p, group, &unit);
    if (!unit.is_opaque) price_group(f, group, &unit.cost);
    if (f->slots[group].first == group) return visit(user, &unit);
    tdagi_text name;
    tdagi_text_init(&name, f->p->ctx);
    name_group(f, group, &name);
    tdag_status status = name.status;
    unit.op = name.data;
    if (status == TDAG_OK) status = visit(user, &unit);
    tdagi_text_free(&name);
    return status;
}

tdag_status tdagi_price_fused(tdagi_pricer *p, tdagi_unit_visit visit, void *user)
{
    size_t n = (size_t)p->raised->n + 1;
    void *slots = NULL, *touched = NULL;
    TDAGI_TRY(tdagi_array_alloc(p->ctx, n, sizeof(fuse_slot), &slots));
    tdag_status status = tdagi_array_alloc(p->ctx, n, sizeof(uint32_t), &touched);
    if (status == TDAG_OK) {
        fuser f = {p, slots, touched, 0};
        form_groups(&f);
        for (uint32_t k = 1; k < n && status == TDAG_OK; k++)
            if (f.slots[k].group == k) status = visit_group(&f, k, visit, user);
    }
    tdagi_free(p->ctx, touched, n * sizeof(uint32_t));
    tdagi_free(p->ctx, slots, n * sizeof(fuse_slot));
    return status;
}
