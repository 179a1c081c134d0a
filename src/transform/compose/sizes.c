/* See sizes.h. The graph is raised; of its kernels, those whose recipe asks what a size
 * is (windows, joins, resizing, variances) are lowered anew, where nothing else reads
 * what they consist of, and so is each size as data. From the last node to the first,
 * what only those consist of is left out; then, from the first to the last, what stays
 * is copied. Movement that has become the identity is no node, as it is none where a
 * recipe is given numbers. */
#include "transform/compose/sizes.h"

#include "analysis/kinds.h"
#include "raise/raise.h"
#include "transform/simplify/factor.h"

#define MOST_OPERANDS 64 /* of a kernel that is lowered anew */
#define DEAD          2  /* what nothing read from the start */
#define MOST_FACTORS  3  /* of arithmetic on numbers */

typedef struct sizes {
    tdagi_graft *t;
    const tdagi_raised *r;
    uint32_t *uses;  /* by id */
    uint32_t *inner; /* by id: uses by the kernel at hand */
    const tdagi_kernel *
        *lowered;          /* by id: the kernel that is lowered anew; NULL: none */
    unsigned char *gone;   /* by id: left out */
    unsigned char *number; /* by id: a float computed from sizes, or a step to it */
} sizes;

static const tdagi_node *node_of(const sizes *s, uint32_t id)
{
    return &s->t->g->nodes[id];
}

/* ---- which kernels are lowered anew ---- */

/* By what is read in the end; the rest is left out. */
static void count_uses(sizes *s)
{
    const tdag_graph *g = s->t->g;
    for (uint32_t i = 0; i < g->n_outputs; i++)
        s->uses[g->outputs[i].id]++;
    for (uint32_t id = g->n; id >= 1; id--) {
        const tdag_value *in = tdagi_node_inputs(&g->nodes[id]);
        if (s->uses[id] == 0 && !tdagi_op_is_leaf(g->nodes[id].op)) s->gone[id] = DEAD;
        for (uint32_t i = 0; i < g->nodes[id].n_inputs && !s->gone[id]; i++)
            s->uses[in[i].id]++;
    }
}

static void add_inner(sizes *s, const tdagi_kernel *k, uint32_t by)
{
    for (uint32_t c = 0; c < k->n_covered; c++) {
        const tdagi_node *n = node_of(s, k->covered[c].id);
        for (uint32_t i = 0; i < n->n_inputs; i++)
            s->inner[tdagi_node_inputs(n)[i].id] += by;
    }
}

/* Whether nothing else reads what the kernel consists of. */
static bool is_alone(sizes *s, const tdagi_kernel *k)
{
    bool alone = true;
    add_inner(s, k, 1);
    for (uint32_t c = 0; c < k->n_covered; c++) {
        uint32_t id = k->covered[c].id;
        if (id != k->value.id && !tdagi_op_is_leaf(node_of(s, id)->op))
            alone = alone && s->inner[id] == s->uses[id];
    }
    add_inner(s, k, UINT32_MAX); /* takes them away again */
    return alone;
}

/* Whether it is a composite of that kind on values of the graph as they are. */
static bool may_change(const sizes *s, const tdagi_kernel *k)
{
    if (k->composite == TDAGI_CORE || k->value.id == 0 || k->is_size || k->is_second ||
        k->n_inputs > MOST_OPERANDS ||
        (tdagi_kernel_kind(k) != TDAGI_KIND_OTHER &&
         tdagi_kernel_kind(k) != TDAGI_KIND_REDUCTION &&
         k->composite != TDAGI_ATTENTION))
        return false;
    const tdagi_node *n = node_of(s, k->value.id);
    bool same = n->rank == k->rank;
    for (uint32_t i = 0; i < k->n_inputs; i++)
        same = same && (k->inputs[i] == 0 || s->r->kernels[k->inputs[i]].value.id != 0);
    for (uint32_t c = 0; same && c < k->n_covered; c++)
        if (k->covered[c].id == k->value.id) return true;
    return false;
}

/* The kernel's spec with the dims of the new graph's pool. */
static tdag_status new_spec(sizes *s, const tdagi_kernel *k, const void **out)
{
    tdagi_graft *t = s->t;
    const tdagi_composite_def *def =
        tdagi_composite_row_of((tdagi_composite)k->composite)->def;
    const tdagi_substitution by = {t->b->graph->pool, s->r->pool, t->replacements};
    *out = NULL;
    if (k->spec == NULL) return TDAG_OK;
    *out = tdagi_spec_substitute(&t->specs, def->fields, def->spec_size, k->spec, &by);
    return *out == NULL ? tdagi_nomem(t->b->ctx) : TDAG_OK;
}

static uint32_t operand(const sizes *s, const tdagi_kernel *k, uint32_t i)
{
    return k->inputs[i] == 0 ? 0 : s->r->kernels[k->inputs[i]].value.id;
}

static bool has_shape_of(sizes *s, const tdag_builder *b, tdag_value v, uint32_t id)
{
    const tdagi_node *n = node_of(s, id);
    if (tdag_builder_get_rank(b, v) != n->rank) return false;
    for (uint32_t i = 0; i < n->rank; i++)
        if (tdag_builder_get_shape(b, v)[i] != tdagi_graft_dim(s->t, n->shape[i]))
            return false;
    return true;
}

/* Lowers it on placeholders. What the composite refuses, its parts may be. */
static tdag_status try_to_lower(sizes *s, const tdagi_kernel *k, const void *spec,
                                tdag_builder *b, bool *fits)
{
    tdag_value in[MOST_OPERANDS];
    for (uint32_t i = 0; i < k->n_inputs; i++) {
        const tdagi_node *n = node_of(s, operand(s, k, i));
        tdag_dim shape[TDAG_MAX_RANK];
        for (uint32_t axis = 0; axis < n->rank; axis++)
            shape[axis] = tdagi_graft_dim(s->t, n->shape[axis]);
        in[i] = operand(s, k, i) == 0
                    ? TDAG_NO_VALUE
                    : tdag_add_input(b, NULL, (tdag_dtype)n->dtype, n->rank, shape);
    }
    tdag_value v = tdagi_lower(b, (tdagi_composite)k->composite, in, k->n_inputs, spec);
    tdag_status st = tdag_builder_get_status(b);
    *fits = st == TDAG_OK && has_shape_of(s, b, v, k->value.id);
    return st == TDAG_E_NOMEM ? st : TDAG_OK;
}

/* The dims of a value's shape enter the new pool, before that is copied. */
static void enter_dims(sizes *s, uint32_t id)
{
    const tdagi_node *n = node_of(s, id);
    for (uint32_t i = 0; i < n->rank; i++)
        tdagi_graft_dim(s->t, n->shape[i]);
}

static tdag_status fits(sizes *s, const tdagi_kernel *k, bool *out)
{
    tdag_builder *b = NULL;
    const void *spec;
    *out = false;
    if (s->t->b->graph == NULL || !may_change(s, k) || !is_alone(s, k)) return TDAG_OK;
    for (uint32_t i = 0; i < k->n_inputs; i++)
        enter_dims(s, operand(s, k, i));
    enter_dims(s, k->value.id);
    TDAGI_TRY(new_spec(s, k, &spec));
    TDAGI_TRY(tdagi_builder_create_like(s->t->b->ctx, s->t->b->graph, &b));
    tdag_status st = try_to_lower(s, k, spec, b, out);
    tdag_builder_free(b);
    return st;
}

/* Constants that its recipe made and did not use are made again. */
static void leave_out_unused(sizes *s, const tdagi_kernel *k)
{
    for (uint32_t id = k->covered[0].id; id < k->value.id; id++)
        if (s->uses[id] == 0 && node_of(s, id)->op == TDAG_OP_CONSTANT) s->gone[id] = 1;
}

static tdag_status choose(sizes *s)
{
    for (uint32_t i = 1; i <= s->r->n; i++) {
        const tdagi_kernel *k = &s->r->kernels[i];
        bool chosen;
        TDAGI_TRY(fits(s, k, &chosen));
        if (!chosen) continue;
        s->lowered[k->value.id] = k;
        leave_out_unused(s, k);
        for (uint32_t j = 0; j < k->n_inputs; j++)
            s->uses[operand(s, k, j)]++;
    }
    return TDAG_OK;
}

/* Whether operand i of a kernel is a size, or computed from sizes, as floats are. */
static bool is_of_size(const sizes *s, const tdagi_kernel *k, uint32_t i)
{
    const tdagi_kernel *in = &s->r->kernels[k->inputs[i]];
    return in->is_size || (in->value.id != 0 && s->number[in->value.id]);
}

static bool is_core(const tdagi_kernel *k, tdag_op op)
{
    return k->composite == TDAGI_CORE && k->op == op;
}

/* Python's floats are f64 of rank 0, and a trace's roots of sizes f32; an import at
 * numbers computes with them, and not with what a composite does to one operand alone.
 * Of whole numbers only a negative one is no size. */
static void mark_numbers(sizes *s)
{
    for (uint32_t i = 1; i <= s->r->n; i++) {
        const tdagi_kernel *k = &s->r->kernels[i];
        bool all = k->rank == 0 && !k->is_size, some = false,
             wide = k->dtype == TDAG_F64 || is_core(k, TDAG_OP_NEG) ||
                    is_core(k, TDAG_OP_SQRT);
        for (uint32_t j = 0; j < k->n_inputs && all; j++) {
            const tdagi_kernel *in = &s->r->kernels[k->inputs[j]];
            bool of_size = is_of_size(s, k, j);
            all = of_size || is_core(in, TDAG_OP_CONSTANT);
            some = some || of_size;
            wide = wide || in->dtype == TDAG_F64;
        }
        for (uint32_t c = 0; all && some && wide && c < k->n_covered; c++)
            s->number[k->covered[c].id] = 1;
    }
}

/* Whether it is what a composite gives. */
static bool ends_composite(const sizes *s, uint32_t id)
{
    return s->r->kernels[s->r->kernel_of[id]].composite != TDAGI_CORE;
}

/* The group below an ungroup, which are one reshape between them; 0: none. */
static uint32_t grouped(const sizes *s, uint32_t id)
{
    const tdagi_node *n = node_of(s, id);
    if (n->op != TDAG_OP_UNGROUP) return 0;
    const tdagi_node *group = node_of(s, n->in.few[0].id);
    bool plain = group->op == TDAG_OP_GROUP && group->name == NULL &&
                 !ends_composite(s, n->in.few[0].id);
    return plain ? n->in.few[0].id : 0;
}

/* One reader less; of the last one nothing is left. */
static void release(sizes *s, uint32_t id) { s->gone[id] = --s->uses[id] == 0; }

static void release_operands(sizes *s, const tdagi_kernel *k)
{
    for (uint32_t i = 0; i < k->n_inputs; i++)
        if (operand(s, k, i) != 0) release(s, operand(s, k, i));
}

static void leave_out(sizes *s)
{
    const tdag_graph *g = s->t->g;
    tdagi_size size;
    for (uint32_t id = g->n; id >= 1; id--) {
        const tdag_value *in = tdagi_node_inputs(&g->nodes[id]);
        uint32_t group = grouped(s, id);
        if (s->gone[id] == DEAD) continue;
        if (s->gone[id] && s->lowered[id] != NULL) release_operands(s, s->lowered[id]);
        if (!s->gone[id] && group != 0 && s->uses[group] == 1) {
            s->uses[node_of(s, group)->in.few[0].id]++;
            release(s, group);
        } else if (s->gone[id] || s->lowered[id] != NULL ||
                   tdagi_is_size(g, id, &size)) {
            for (uint32_t i = 0; i < g->nodes[id].n_inputs; i++)
                release(s, in[i].id);
        }
    }
}

/* ---- what stays ---- */

/* Padding, before and behind by turns. */
static tdag_dim pad_at(const tdagi_node *n, uint32_t i)
{
    const tdag_pad_spec *pad = n->u.spec;
    return (i % 2 == 0 ? &pad->before : &pad->after)->v[i / 2];
}

/* A slice of all, or padding by nothing, that was something before. */
static bool is_identity(const sizes *s, uint32_t id)
{
    const tdagi_node *n = node_of(s, id);
    if (n->op != TDAG_OP_SLICE && n->op != TDAG_OP_PAD && n->op != TDAG_OP_REPEAT &&
        n->op != TDAG_OP_UNGROUP)
        return false;
    const tdagi_node *x = node_of(s, n->in.few[0].id);
    bool was = true, is = n->rank == x->rank;
    for (uint32_t i = 0; i < n->rank && is; i++) {
        was = was && n->shape[i] == x->shape[i];
        is = is &&
             tdagi_graft_dim(s->t, n->shape[i]) == tdagi_graft_dim(s->t, x->shape[i]);
    }
    for (uint32_t i = 0; n->op == TDAG_OP_PAD && i < 2 * n->rank; i++) {
        was = was && pad_at(n, i) == 0;
        is = is && tdagi_graft_dim(s->t, pad_at(n, i)) == 0;
    }
    return is && !was;
}

static tdag_value lower_anew(sizes *s, const tdagi_kernel *k)
{
    tdag_value in[MOST_OPERANDS] = {{0}};
    const void *spec;
    tdag_builder *b = s->t->b;
    if (b->graph == NULL) return TDAG_NO_VALUE;
    if (new_spec(s, k, &spec) != TDAG_OK)
        return tdagi_builder_fail(b, TDAG_E_NOMEM, "%s",
                                  tdag_status_text(TDAG_E_NOMEM));
    for (uint32_t i = 0; i < k->n_inputs; i++)
        in[i] = s->t->new_of[operand(s, k, i)];
    if (k->composite == TDAGI_ATTENTION) return tdagi_attention(b, in, spec);
    return tdagi_lower(b, (tdagi_composite)k->composite, in, k->n_inputs, spec);
}

/* Whether a dim has become 1, which reshapes leave to squeeze and unsqueeze. */
static bool is_new_one(sizes *s, tdag_dim d)
{
    return d != 1 && tdagi_graft_dim(s->t, d) == 1;
}

static bool has_new_ones(sizes *s, uint32_t id)
{
    const tdagi_node *n = node_of(s, id);
    bool found = false;
    if (n->op != TDAG_OP_GROUP && n->op != TDAG_OP_UNGROUP) return false;
    if (s->r->kernel_of[id] == 0 || ends_composite(s, id))
        return false; /* a composite's own, which stay */
    const tdagi_node *x = node_of(s, n->in.few[0].id);
    for (uint32_t i = 0; i < n->rank; i++)
        found = found || is_new_one(s, n->shape[i]);
    for (uint32_t i = 0; i < x->rank; i++)
        found = found || is_new_one(s, x->shape[i]);
    return found;
}

/* The reshape of x, of which the node is the last step. */
static tdag_value regroup(sizes *s, const tdagi_node *n, uint32_t x)
{
    tdag_dim shape[TDAG_MAX_RANK];
    for (uint32_t i = 0; i < n->rank; i++)
        shape[i] = tdagi_graft_dim(s->t, n->shape[i]);
    return tdagi_reshape(s->t->b, s->t->new_of[x], n->rank, shape);
}

/* A slice along one axis of a join: of that part of it in which it lies, where numbers
 * show that. One of known sizes is what the import has made of it. */
static tdag_value slice_below(sizes *s, uint32_t id)
{
    const tdagi_node *n = node_of(s, id), *x = node_of(s, n->in.few[0].id);
    const tdag_slice_spec *cut = n->u.spec;
    uint32_t axis = 0, n_cut = 0;
    if (n->op != TDAG_OP_SLICE || x->op != TDAG_OP_ADD || s->r->kernel_of[id] == 0)
        return TDAG_NO_VALUE;
    for (uint32_t i = 0; i < n->rank; i++)
        if (n->shape[i] != x->shape[i]) {
            axis = i;
            n_cut++;
        }
    if (n_cut != 1 || x->shape[axis] >= 0) return TDAG_NO_VALUE;
    return tdagi_slice_below(s->t->b, s->t->new_of[n->in.few[0].id], axis,
                             tdagi_graft_dim(s->t, cut->start.v[axis]),
                             tdagi_graft_dim(s->t, cut->end.v[axis]));
}

/* Padding by less than nothing, as the number has it: it cuts. */
static tdag_value cut_anew(sizes *s, uint32_t id)
{
    const tdagi_node *n = node_of(s, id);
    tdag_dim by[2][TDAG_MAX_RANK];
    bool cuts = false;
    if (n->op != TDAG_OP_PAD || s->t->b->graph == NULL) return TDAG_NO_VALUE;
    for (uint32_t i = 0; i < 2 * n->rank; i++) {
        tdag_dim d = by[i % 2][i / 2] = tdagi_graft_dim(s->t, pad_at(n, i));
        cuts |= tdagi_dim_sample(s->t->b->graph->pool, d) < 0;
    }
    if (!cuts) return TDAG_NO_VALUE;
    const tdag_pad_spec *pad = n->u.spec;
    return tdagi_pad_or_cut(s->t->b, s->t->new_of[n->in.few[0].id], by[0], by[1],
                            (tdag_pad_mode)pad->mode, pad->value);
}

static tdag_value size_anew(sizes *s, const tdagi_node *n, tdagi_size *size)
{
    size->n = tdagi_graft_dim(s->t, size->n);
    if (size->is_ratio) size->by = tdagi_graft_dim(s->t, size->by);
    return tdagi_size_value(s->t->b, size, (tdag_dtype)n->dtype);
}

/* What numbers give; no value where some are symbols still. */
static tdag_value compute(sizes *s, const tdagi_node *n)
{
    tdag_builder *b = s->t->b;
    const tdag_tensor *in[MOST_FACTORS];
    tdag_tensor *out = NULL;
    if (b->graph == NULL || n->n_inputs == 0 || n->n_inputs > MOST_FACTORS)
        return TDAG_NO_VALUE;
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        uint32_t id = s->t->new_of[n->in.few[i].id].id;
        if (id == 0 || b->graph->nodes[id].op != TDAG_OP_CONSTANT) return TDAG_NO_VALUE;
        in[i] = b->graph->nodes[id].u.tensor;
    }
    tdagi_factors f = {b->ctx, b->graph->pool};
    tdag_status st =
        tdagi_factor_apply(&f, (tdag_op)n->op, n->u.spec, n->n_inputs, in, &out);
    if (st == TDAG_E_NOMEM)
        return tdagi_builder_fail(b, TDAG_E_NOMEM, "%s", tdag_status_text(st));
    if (st != TDAG_OK) return TDAG_NO_VALUE;
    tdag_value v = tdag_add_tensor(b, TDAG_OP_CONSTANT, NULL, out);
    tdag_tensor_free(out);
    return v;
}

static void copy(sizes *s, uint32_t id)
{
    tdagi_graft *t = s->t;
    const tdagi_node *n = node_of(s, id);
    uint32_t group = grouped(s, id);
    tdagi_size size;
    tdag_builder_set_scope(t->b, tdagi_graft_text(t, t->g->scopes[n->scope]));
    tdag_value cut = s->lowered[id] == NULL ? cut_anew(s, id) : TDAG_NO_VALUE;
    if (s->lowered[id] != NULL) {
        t->new_of[id] = lower_anew(s, s->lowered[id]);
    } else if (cut.id != 0) {
        t->new_of[id] = cut;
    } else if (group != 0 && s->gone[group]) {
        t->new_of[id] = regroup(s, n, node_of(s, group)->in.few[0].id);
    } else if (is_identity(s, id)) {
        t->new_of[id] = t->new_of[n->in.few[0].id];
        return;
    } else if (has_new_ones(s, id)) {
        t->new_of[id] = regroup(s, n, n->in.few[0].id);
    } else if (tdagi_is_size(t->g, id, &size)) {
        t->new_of[id] = size_anew(s, n, &size);
    } else {
        t->new_of[id] = s->number[id] ? compute(s, n) : slice_below(s, id);
        if (t->new_of[id].id == 0) tdagi_graft_node(t, id);
        return;
    }
    tdag_builder_set_name(t->b, t->new_of[id], tdagi_graft_text(t, n->name));
}

static tdag_status graft_all(sizes *s, tdag_graph **out)
{
    const tdag_graph *g = s->t->g;
    count_uses(s);
    TDAGI_TRY(choose(s));
    mark_numbers(s);
    leave_out(s);
    for (uint32_t id = 1; id <= g->n; id++)
        if (!s->gone[id]) copy(s, id);
    for (uint32_t i = 0; i < g->n_outputs; i++)
        tdag_builder_add_output(s->t->b, s->t->new_of[g->outputs[i].id]);
    return tdag_builder_finish(s->t->b, out);
}

tdag_status tdagi_graft_sizes(tdagi_graft *t, tdag_graph **out)
{
    tdag_ctx *ctx = t->b->ctx;
    size_t n = (size_t)t->g->n + 1,
           row = sizeof(tdagi_kernel *) + 2 * sizeof(uint32_t) + 2;
    void *block = NULL;
    tdagi_raised *r = NULL;
    TDAGI_TRY(tdagi_array_alloc(ctx, n, row, &block));
    sizes s = {.t = t, .lowered = block};
    s.uses = (uint32_t *)(s.lowered + n);
    s.inner = s.uses + n;
    s.gone = (unsigned char *)(s.inner + n);
    s.number = s.gone + n;
    bool by_parts[TDAGI_N_COMPOSITES];
    for (uint32_t i = 0; i < TDAGI_N_COMPOSITES; i++)
        by_parts[i] = i != TDAGI_CORE && tdagi_composite_is_pair(i);
    tdag_status st = tdagi_raise(ctx, t->g, by_parts, &r);
    s.r = r;
    if (st == TDAG_OK) st = graft_all(&s, out);
    tdagi_raised_free(r);
    tdagi_free(ctx, block, n * row);
    return st;
}
