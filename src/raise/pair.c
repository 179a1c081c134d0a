/* Pairs: where one operator gives what two kernels ask for, values and their positions,
 * the two become its results. Found in the list of kernels, as composites made of
 * kernels: the extremes of an axis, so far or of windows, and where they are
 * (max_with_index, cummax, max_pool_with_index), what is read where its own order says
 * (sort, topk, kthvalue, mode, median). */
#include "raise/match.h"

/* What is planned for a kernel; entry 0 stays empty. */
typedef struct plan {
    uint32_t uses;  /* operand slots and outputs that read it */
    uint32_t user;  /* the last kernel that reads it */
    uint32_t alone; /* its extremes that are still alone, no two the same: the first */
    uint32_t next;  /* of an extreme: the next one of them; 0 = none */
    uint32_t other; /* whose operator gives its value, too; 0 = none's */
    uint32_t inner[2];  /* of values: kernels that only they read; 0 = none */
    uint32_t at;        /* its number among the joined; 0 = it is inside of another */
    uint16_t composite; /* of the pair */
    bool is_position, is_inner;
    const void *spec;
} plan;

typedef struct joiner {
    tdagi_raiser *r;
    tdagi_raised *out;
    plan *plans; /* by kernel */
    uint32_t n_pairs;
} joiner;

static const tdagi_kernel *kernel(const joiner *j, uint32_t i)
{
    return &j->out->kernels[i];
}

static bool is_core(const tdagi_kernel *k, tdag_op op)
{
    return k->composite == TDAGI_CORE && k->op == op;
}

static void count_uses(joiner *j)
{
    const tdag_graph *g = j->r->graph;
    for (uint32_t i = 1; i <= j->out->n; i++) {
        const tdagi_kernel *k = kernel(j, i);
        for (uint32_t n = 0; n < k->n_inputs; n++) {
            j->plans[k->inputs[n]].uses++;
            j->plans[k->inputs[n]].user = i;
        }
    }
    for (uint32_t i = 0; i < g->n_outputs; i++)
        j->plans[j->out->kernel_of[g->outputs[i].id]].uses++;
}

static void pair(joiner *j, tdagi_composite id, uint32_t values, uint32_t positions,
                 const void *spec)
{
    if (tdagi_raiser_leaves_out(j->r, id)) return;
    plan *a = &j->plans[values], *b = &j->plans[positions];
    a->other = positions;
    b->other = values;
    a->composite = b->composite = (uint16_t)id;
    a->spec = b->spec = spec;
    b->is_position = true;
    for (uint32_t i = 0, at = values; i < 2; i++) {
        bool squeezed = is_core(kernel(j, at), TDAG_OP_SQUEEZE);
        if (!squeezed && (i == 0 || kernel(j, at)->n_inputs < 2)) break;
        at = kernel(j, at)->inputs[i];
        if (at == positions) break;
        a->inner[i] = at;
        j->plans[at].is_inner = true;
    }
    j->n_pairs++;
}

/* ---- extremes ---- */

/* The extremes of x, or where they are. */
typedef struct extreme {
    uint32_t x;
    int64_t axis, keep; /* of one axis */
    const void *pool;   /* of windows, their spec; NULL: of an axis */
    bool is_min, is_position;
    tdagi_composite pair;
} extreme;

/* Whether `squeeze` removes just the axis that the reduction at i, which only it reads,
 * has made 1. */
static bool is_completed(const joiner *j, uint32_t i)
{
    const tdagi_kernel *k = kernel(j, j->plans[i].user);
    if (j->plans[i].uses != 1 || !is_core(k, TDAG_OP_SQUEEZE)) return false;
    const tdag_axes_spec *removed = k->spec;
    const tdag_reduce_spec *s = kernel(j, i)->spec;
    return removed->axes.n == 1 && removed->axes.v[0] == s->axes.v[0];
}

static bool is_reduction(const tdagi_kernel *k)
{
    const tdag_reduce_spec *s = k->spec;
    return is_core(k, TDAG_OP_REDUCE) && s->axes.n == 1 &&
           (s->kind == TDAG_REDUCE_MAX || s->kind == TDAG_REDUCE_MIN);
}

/* What the kernel is by itself, without its neighbours. */
static bool is_single(const tdagi_kernel *k, extreme *out)
{
    const tdagi_axis_keep_spec *s = k->spec;
    const tdag_scan_spec *scan = k->spec;
    const uint32_t c = k->composite;
    *out = (extreme){.is_position = c != TDAGI_MAX_POOL &&
                                    c != TDAGI_ADAPTIVE_MAX_POOL && c != TDAGI_CORE};
    if (c == TDAGI_ARGMAX || c == TDAGI_ARGMIN) {
        out->axis = s->axis;
        out->keep = s->keep;
        out->is_min = c == TDAGI_ARGMIN;
    } else if (c == TDAGI_CUMMAX_POSITION || c == TDAGI_CUMMIN_POSITION) {
        out->axis = s->axis;
        out->is_min = c == TDAGI_CUMMIN_POSITION;
        out->pair = out->is_min ? TDAGI_CUMMIN : TDAGI_CUMMAX;
    } else if (c == TDAGI_MAX_POOL || c == TDAGI_MAX_POOL_POSITION) {
        out->pool = k->spec;
        out->pair = TDAGI_MAX_POOL_WITH_INDEX;
    } else if (c == TDAGI_ADAPTIVE_MAX_POOL || c == TDAGI_ADAPTIVE_MAX_POOL_POSITION) {
        out->pool = k->spec;
        out->pair = TDAGI_ADAPTIVE_MAX_POOL_WITH_INDEX;
    } else if (is_core(k, TDAG_OP_SCAN) &&
               (scan->kind == TDAG_REDUCE_MAX || scan->kind == TDAG_REDUCE_MIN)) {
        out->axis = scan->axis;
        out->is_min = scan->kind == TDAG_REDUCE_MIN;
        out->pair = out->is_min ? TDAGI_CUMMIN : TDAGI_CUMMAX;
    } else {
        return false;
    }
    out->x = k->inputs[0];
    return true;
}

static bool is_extreme(const joiner *j, uint32_t i, extreme *out)
{
    const tdagi_kernel *k = kernel(j, i);
    if (!is_single(k, out)) {
        bool squeezed = is_core(k, TDAG_OP_SQUEEZE);
        uint32_t at = squeezed ? k->inputs[0] : i;
        if (squeezed) k = kernel(j, at);
        if (!is_reduction(k) || is_completed(j, at) != squeezed) return false;
        const tdag_reduce_spec *s = k->spec;
        *out = (extreme){.x = k->inputs[0],
                         .axis = s->axes.v[0],
                         .keep = !squeezed,
                         .is_min = s->kind == TDAG_REDUCE_MIN};
    }
    if (out->pair == TDAGI_CORE)
        out->pair = out->is_min ? TDAGI_MIN_WITH_INDEX : TDAGI_MAX_WITH_INDEX;
    return kernel(j, out->x)->dtype != TDAG_BOOL;
}

static bool same_windows(const extreme *a, const extreme *b)
{
    const tdagi_field *fields = tdagi_composite_row_of(a->pair)->def->fields;
    return a->pool == b->pool || (a->pool != NULL && b->pool != NULL &&
                                  tdagi_spec_equal(fields, a->pool, b->pool));
}

/* The lone extreme of here.x that is what `here` is, but for the positions it gives or
 * not; or the link that would lead to it. */
static uint32_t *find_alone(const joiner *j, const extreme *here, bool is_position)
{
    uint32_t *link = &j->plans[here->x].alone;
    for (; *link != 0; link = &j->plans[*link].next) {
        extreme there = {0};
        (void)is_extreme(j, *link, &there);
        if (there.pair == here->pair && there.axis == here->axis &&
            there.keep == here->keep && there.is_position == is_position &&
            same_windows(&there, here))
            break;
    }
    return link;
}

static void find_extreme(joiner *j, uint32_t i)
{
    extreme here;
    if (!is_extreme(j, i, &here)) return;
    uint32_t *link = find_alone(j, &here, !here.is_position), other = *link;
    if (other == 0) {
        link = find_alone(j, &here, here.is_position);
        j->plans[i].next = j->plans[*link].next;
        *link = i;
        return;
    }
    *link = j->plans[other].next;
    uint32_t values = here.is_position ? other : i;
    uint32_t positions = here.is_position ? i : other;
    pair(j, here.pair, values, positions, kernel(j, positions)->spec);
}

/* ---- values at positions ---- */

/* The pair of what gives the positions; TDAGI_CORE: it gives none. */
static tdagi_composite pair_of(const tdagi_kernel *k)
{
    if (k->composite == TDAGI_TOPK_POSITIONS) return TDAGI_TOPK;
    if (k->composite == TDAGI_KTH_POSITION) return TDAGI_KTHVALUE;
    if (k->composite == TDAGI_MODE_POSITION) return TDAGI_MODE;
    if (k->composite == TDAGI_MEDIAN_POSITION) return TDAGI_MEDIAN;
    if (k->composite == TDAGI_NANMEDIAN_POSITION) return TDAGI_NANMEDIAN;
    return is_core(k, TDAG_OP_ARGSORT) ? TDAGI_SORT : TDAGI_CORE;
}

static bool is_reading(const tdagi_kernel *k)
{
    return k->composite == TDAGI_TAKE_ALONG ||
           (k->composite == TDAGI_INDEX_SELECT && k->rank == 1);
}

/* Whether the kernel drops just the axis. */
static bool drops(const tdagi_kernel *k, int64_t axis)
{
    const tdag_axes_spec *s = k->spec;
    return is_core(k, TDAG_OP_SQUEEZE) && s->axes.n == 1 && s->axes.v[0] == axis;
}

/* What is read at positions along an axis; positions without that axis get it, and the
 * values lose it. */
static void find_reading(joiner *j, uint32_t i)
{
    uint32_t reading = i;
    const tdagi_kernel *k = kernel(j, i);
    if (is_core(k, TDAG_OP_SQUEEZE)) {
        reading = k->inputs[0];
        k = kernel(j, reading);
    }
    if (!is_reading(k)) return;
    const int64_t axis = ((const tdagi_axis_spec *)k->spec)->axis;
    uint32_t at = k->inputs[1];
    bool squeezed = reading != i;
    if (squeezed && (j->plans[reading].uses != 1 || !drops(kernel(j, i), axis))) return;
    if (squeezed && is_core(kernel(j, at), TDAG_OP_UNSQUEEZE)) {
        if (j->plans[at].uses != 1) return;
        at = kernel(j, at)->inputs[0];
    }
    const tdagi_kernel *positions = kernel(j, at);
    tdagi_composite id = pair_of(positions);
    if (id == TDAGI_CORE || positions->inputs[0] != k->inputs[0] ||
        j->plans[at].other != 0 || kernel(j, i)->rank != positions->rank ||
        *(const int64_t *)positions->spec != axis) /* each has its axis first */
        return;
    pair(j, id, i, at, positions->spec);
}

/* ---- joining ---- */

static bool may_have_pairs(const tdagi_raised *out)
{
    for (uint32_t i = 1; i <= out->n; i++) {
        extreme of;
        const tdagi_kernel *k = &out->kernels[i];
        if (pair_of(k) != TDAGI_CORE || (is_single(k, &of) && of.is_position))
            return true;
    }
    return false;
}

/* The operator's kernel, which covers what the joined ones do; its positions beside it.
 */
static tdag_status add_pair(joiner *j, uint32_t values, tdagi_kernel *to)
{
    const plan *p = &j->plans[values];
    const uint32_t parts[] = {values, p->other, p->inner[0], p->inner[1]};
    const tdagi_kernel *positions = kernel(j, p->other);
    uint32_t n = 0;
    for (uint32_t i = 0; i < 4; i++)
        n += kernel(j, parts[i])->n_covered;
    tdag_value *covered = tdagi_raiser_alloc(j->r, n, sizeof(*covered));
    if (covered == NULL) return tdagi_nomem(j->r->ctx);
    n = 0;
    for (uint32_t i = 0; i < 4; i++)
        for (uint32_t v = 0; v < kernel(j, parts[i])->n_covered; v++)
            covered[n++] = kernel(j, parts[i])->covered[v];
    to[0] = *kernel(j, values);
    to[1] = *positions;
    for (uint32_t i = 0; i < 2; i++) {
        to[i].composite = p->composite;
        to[i].op = TDAG_OP_NONE;
        to[i].is_view = false;
        to[i].n_inputs = 1;
        to[i].inputs = positions->inputs;
        to[i].spec = p->spec;
        to[i].n_covered = i == 0 ? tdagi_sort_values(covered, n) : 0;
        to[i].covered = i == 0 ? covered : NULL;
    }
    to[1].is_second = true;
    return TDAG_OK;
}

/* The kernel's inputs by their numbers among the joined. */
static tdag_status renumber(joiner *j, tdagi_kernel *k)
{
    uint32_t *inputs = tdagi_raiser_dup(j->r, k->inputs, k->n_inputs, sizeof(*inputs));
    if (inputs == NULL) return tdagi_nomem(j->r->ctx);
    for (uint32_t i = 0; i < k->n_inputs; i++)
        inputs[i] = j->plans[inputs[i]].at;
    k->inputs = inputs;
    return TDAG_OK;
}

/* A pair stands where the first of its kernels stood. */
static tdag_status join_into(joiner *j, tdagi_kernel *to)
{
    uint32_t n = 0;
    for (uint32_t i = 1; i <= j->out->n; i++) {
        plan *p = &j->plans[i];
        if (p->is_inner || p->at != 0) continue;
        p->at = n + 1;
        if (p->other == 0) {
            to[++n] = *kernel(j, i);
        } else {
            uint32_t values = p->is_position ? p->other : i;
            j->plans[values].at = n + 1;
            j->plans[j->plans[values].other].at = n + 2;
            TDAGI_TRY(add_pair(j, values, &to[n + 1]));
            n += 2;
            TDAGI_TRY(renumber(j, &to[n - 1]));
        }
        TDAGI_TRY(renumber(j, &to[n]));
    }
    for (uint32_t id = 1; id <= j->r->graph->n; id++)
        j->out->kernel_of[id] = j->plans[j->out->kernel_of[id]].at;
    j->out->n = n;
    return TDAG_OK;
}

static tdag_status join(joiner *j)
{
    void *to = NULL;
    TDAGI_TRY(tdagi_alloc(j->r->ctx, j->out->kernels_size, &to));
    tdag_status st = join_into(j, to);
    tdagi_free(j->r->ctx, st == TDAG_OK ? (void *)j->out->kernels : to,
               j->out->kernels_size);
    if (st == TDAG_OK) j->out->kernels = to;
    return st;
}

tdag_status tdagi_join_pairs(tdagi_raiser *r, tdagi_raised *out)
{
    if (!may_have_pairs(out)) return TDAG_OK;
    size_t n = (size_t)out->n + 1;
    void *plans = NULL;
    TDAGI_TRY(tdagi_array_alloc(r->ctx, n, sizeof(plan), &plans));
    joiner j = {.r = r, .out = out, .plans = plans};
    count_uses(&j);
    for (uint32_t i = 1; i <= out->n; i++) {
        find_extreme(&j, i);
        find_reading(&j, i);
    }
    tdag_status st = j.n_pairs > 0 ? join(&j) : TDAG_OK;
    tdagi_free(r->ctx, plans, n * sizeof(plan));
    return st;
}
