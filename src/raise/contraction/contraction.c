/* Choosing the composite of each contraction; see contraction.h.
 *
 * A first pass over the choices of levels takes the first composite whose lowering is
 * literally what stands there: so raise(lower(op)) == op whatever else the maps allow.
 * The second pass takes what the maps prove: of the classes in order of preference the
 * one with the lowest result and the shallowest operands, so that the source's own
 * views stay what they were. Where windows are read, a convolution that takes them in
 * (and the padding before them) comes first, since a shallow one would leave some to be
 * written out. The third pass lays operands out anew (arrange.c). Then a bias is taken
 * in. */
#include "raise/contraction/contraction.h"

#include <string.h>

#include "raise/contraction/arrange.h"
#include "raise/lead/lead.h"

#define MOST_CHECKS 48 /* lowerings tried per contraction */

static const tdagi_composite classes[] = {TDAGI_CONV, TDAGI_LINEAR, TDAGI_MATMUL,
                                          TDAGI_EINSUM};
#define N_CLASSES (sizeof(classes) / sizeof(classes[0]))

static void to_guess(const tdagi_maps *m, const tdagi_candidate *c, tdagi_guess *g)
{
    *g = (tdagi_guess){.composite = c->composite,
                       .spec = tdagi_candidate_spec(c),
                       .n = 2,
                       .lead = c->lead};
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t side = i == 0 ? c->first : 1 - c->first;
        g->in[i] = m->down[side][c->level[i]].value;
    }
}

/* ---- by structure ---- */

static tdag_status by_structure(tdagi_raiser *r, const tdagi_candidate *c,
                                tdagi_match **out)
{
    tdagi_guess g;
    to_guess(r->maps, c, &g);
    return tdagi_check_guess(r, r->maps->up[c->up].value, &g, out);
}

/* ---- by maps ---- */

static bool type_is(const tdagi_raiser *r, const tdagi_type *type, tdag_value v)
{
    const tdagi_node *n = tdagi_raiser_node(r, v);
    if (n->dtype != type->dtype || n->rank != type->rank) return false;
    for (uint32_t i = 0; i < n->rank; i++)
        if (n->shape[i] != type->shape[i]) return false;
    return true;
}

/* Takes the result above the squeeze that follows, where that makes a composite. */
static bool above_squeeze(tdagi_raiser *r, tdagi_candidate *c)
{
    const tdagi_maps *m = r->maps;
    if (c->up + 1 == m->n_up ||
        tdagi_raiser_node(r, m->up[c->up + 1].value)->op != TDAG_OP_SQUEEZE)
        return false;
    c->up++;
    if (tdagi_classify(r, c)) return true;
    c->up--;
    return false;
}

/* Takes an einsum's operands below the unsqueezes that it has letters of size 1 for. */
static void below_ones(tdagi_raiser *r, tdagi_candidate *c)
{
    for (uint32_t i = 0; i < 2 && c->composite == TDAGI_EINSUM; i++) {
        uint32_t side = i == 0 ? c->first : 1 - c->first, *level = &c->level[i];
        const tdagi_level *down = r->maps->down[side];
        while (*level + 1 < r->maps->n_down[side] &&
               tdagi_raiser_node(r, down[*level].value)->op == TDAG_OP_UNSQUEEZE) {
            ++*level;
            if (tdagi_classify(r, c) || above_squeeze(r, c)) continue;
            --*level; /* the result has one of the axes */
            (void)tdagi_classify(r, c);
            break;
        }
    }
}

static tdag_status by_maps(tdagi_raiser *r, tdagi_candidate *c, tdagi_match **out)
{
    tdagi_guess g;
    tdagi_type type;
    bool ok;
    tdag_value covered[TDAGI_MOST_COVERS];
    below_ones(r, c);
    tdag_value root = r->maps->up[c->up].value;
    to_guess(r->maps, c, &g);
    TDAGI_TRY(tdagi_guess_type(r, &g, &type, &ok));
    if (!ok || !type_is(r, &type, root)) return TDAG_OK;
    uint32_t n = tdagi_candidate_covered(r->maps, c, covered);
    return tdagi_accept_guess(r, root, &g, covered, n, out);
}

/* ---- the search ---- */

/* Where a search starts: per operand of the multiply, the least level. */
typedef struct search_from {
    uint32_t least[2];
} search_from;

/* The levels of an operand in the order in which they are tried. */
static uint32_t n_tried(const tdagi_maps *m, const search_from *from, uint32_t side)
{
    return m->n_down[side] - from->least[side];
}
static uint32_t nth_tried(const tdagi_maps *m, const search_from *from, uint32_t side,
                          uint32_t i, bool deepest)
{
    return deepest ? m->n_down[side] - 1 - i : from->least[side] + i;
}

/* All pairs of levels of the operands, the deepest first or last, with the result and
 * the first operand that c names. */
static tdag_status search_pairs(tdagi_raiser *r, tdagi_candidate *c, bool deepest,
                                const search_from *from, uint32_t *checks,
                                tdagi_match **out)
{
    const tdagi_maps *m = r->maps;
    uint32_t x = c->first, w = 1 - c->first, up = c->up;
    for (uint32_t i = 0; i < n_tried(m, from, x); i++) {
        for (uint32_t j = 0; j < n_tried(m, from, w); j++) {
            c->up = up;
            c->level[0] = nth_tried(m, from, x, i, deepest);
            c->level[1] = nth_tried(m, from, w, j, deepest);
            if (!tdagi_classify(r, c)) continue;
            if ((*checks)++ >= MOST_CHECKS) return TDAG_OK;
            TDAGI_TRY(deepest ? by_structure(r, c, out) : by_maps(r, c, out));
            if (*out != NULL) return TDAG_OK;
        }
    }
    return TDAG_OK;
}

typedef struct class
{
    tdagi_composite composite;
    int lead; /* of the guess (match.h) */
} class;

/* All choices of levels. */
static tdag_status search_levels(tdagi_raiser *r, class what, bool deepest,
                                 const search_from *from, uint32_t *checks,
                                 tdagi_match **out)
{
    tdagi_candidate c;
    c.composite = what.composite;
    c.lead = what.lead;
    for (uint32_t up = 0; up < r->maps->n_up; up++)
        for (c.first = 0; c.first < 2; c.first++) {
            c.up = up;
            TDAGI_TRY(search_pairs(r, &c, deepest, from, checks, out));
            if (*out != NULL || *checks > MOST_CHECKS) return TDAG_OK;
        }
    return TDAG_OK;
}

static tdag_status search(tdagi_raiser *r, bool structure, tdagi_match **out)
{
    const search_from top = {{0, 0}};
    uint32_t checks = 0;
    for (uint32_t i = 0; i < N_CLASSES && *out == NULL; i++)
        TDAGI_TRY(
            search_levels(r, (class){classes[i], 0}, structure, &top, &checks, out));
    return TDAG_OK;
}

/* A convolution of a batch that the graph has no axis for, or two. */
static tdag_status search_leads(tdagi_raiser *r, tdagi_match **out)
{
    const search_from top = {{0, 0}};
    for (int lead = -1; lead < 2 && *out == NULL; lead += 2) {
        uint32_t checks = 0;
        TDAGI_TRY(
            search_levels(r, (class){TDAGI_CONV, lead}, true, &top, &checks, out));
    }
    return TDAG_OK;
}

/* Which unfolds count as windows, and whether pads do. */
typedef enum windows {
    OVERLAPPING, /* that write out elements more than once */
    WINDOWS,
    WINDOWS_AND_PADS
} windows;

static bool is_window(const tdagi_raiser *r, tdag_value v, windows which)
{
    const tdagi_node *n = tdagi_raiser_node(r, v);
    if (n->op == TDAG_OP_PAD) return which == WINDOWS_AND_PADS;
    if (n->op != TDAG_OP_UNFOLD) return false;
    const tdag_window_spec *spec = n->u.spec;
    for (uint32_t axis = 0; axis < n->rank; axis++)
        if (spec->kernel.v[axis] > (which == OVERLAPPING ? spec->stride.v[axis] : 1))
            return true;
    return false;
}

/* The levels below all windows; false where there are none. */
static bool below_windows(const tdagi_raiser *r, windows which, search_from *out)
{
    const tdagi_maps *m = r->maps;
    bool found = false;
    for (uint32_t k = 0; k < 2; k++) {
        out->least[k] = 0;
        for (uint32_t i = 0; i + 1 < m->n_down[k]; i++) {
            if (!is_window(r, m->down[k][i].value, which)) continue;
            out->least[k] = i + 1;
            found = true;
        }
    }
    return found;
}

/* A convolution that takes in the windows its operands go through. */
static tdag_status search_windows(tdagi_raiser *r, tdagi_match **out)
{
    search_from from;
    if (!below_windows(r, WINDOWS, &from)) return TDAG_OK;
    for (windows w = WINDOWS_AND_PADS; w >= WINDOWS && *out == NULL; w--) {
        uint32_t checks = 0;
        (void)below_windows(r, w, &from);
        TDAGI_TRY(search_levels(r, (class){TDAGI_CONV, 0}, false, &from, &checks, out));
    }
    return *out == NULL ? tdagi_arrange_conv(r, out) : TDAG_OK;
}

/* ---- bias ---- */

static bool same_dims(const tdagi_node *a, const tdagi_node *b)
{
    if (a->rank != b->rank) return false;
    for (uint32_t i = 0; i < a->rank; i++)
        if (a->shape[i] != b->shape[i]) return false;
    return true;
}

/* The rank-1 value that v broadcasts along axis `channel` of the sum. */
static bool bias_by_maps(tdagi_raiser *r, tdag_value sum, tdag_value v,
                         uint32_t channel, tdagi_level *levels, uint32_t *level_out)
{
    tdagi_space *s = &r->maps->space;
    tdagi_guards *guards = &r->maps->guards[0];
    const tdagi_node *top = tdagi_raiser_node(r, sum), *n = tdagi_raiser_node(r, v);
    s->n = 0;
    s->bad = false;
    guards->n = 0;
    tdagi_expr index[TDAG_MAX_RANK];
    for (uint32_t i = 0; i < top->rank; i++)
        index[i] = tdagi_atom(s, tdagi_raiser_dim(r, top->shape[i]));
    for (uint32_t i = 0; i < n->rank; i++)
        levels[0].index[i] =
            n->shape[i] == 1 ? (tdagi_expr){0} : index[i + top->rank - n->rank];
    uint32_t n_levels = tdagi_trace(r, s, v, levels, guards);
    for (uint32_t i = 0; i < n_levels && !s->bad; i++) {
        if (levels[i].rank != 1 || levels[i].n_guards > 0) continue;
        tdagi_expr e = tdagi_resolve(s, &levels[i].index[0]);
        tdagi_expr want = tdagi_resolve(s, &index[channel]);
        *level_out = i;
        if (tdagi_expr_equal(&e, &want)) return true;
    }
    return false;
}

static tdag_status add_bias_by_maps(tdagi_raiser *r, tdag_value sum, tdag_value v,
                                    const tdagi_match *m, tdagi_guess *g,
                                    tdagi_match **out)
{
    bool linear = m->composite == TDAGI_LINEAR;
    const tdagi_node *n = tdagi_raiser_node(r, m->result);
    uint32_t channel = linear ? n->rank - 1u : (uint32_t)(1 + g->lead), level = 0;
    tdagi_level *levels = r->maps->down[0];
    if (!bias_by_maps(r, sum, v, channel, levels, &level)) return TDAG_OK;
    g->in[2] = levels[level].value;
    if (tdagi_raiser_node(r, levels[level].value)->shape[0] != n->shape[channel])
        return TDAG_OK;
    tdag_value covered[TDAGI_MOST_COVERED];
    uint32_t k = m->n_covered;
    if (k + level + 1 > TDAGI_MOST_COVERED) return TDAG_OK;
    memcpy(covered, m->covered, k * sizeof(*covered));
    for (uint32_t i = 0; i < level; i++)
        covered[k++] = levels[i].value;
    covered[k++] = sum;
    return tdagi_accept_guess(r, sum, g, covered, k, out);
}

/* Takes the add that alone reads the result into a linear or a convolution. */
static tdag_status add_bias(tdagi_raiser *r, tdag_value sum, const tdagi_match *m,
                            tdagi_match **out)
{
    const tdagi_node *top = tdagi_raiser_node(r, sum);
    const tdagi_node *own = tdagi_raiser_node(r, m->result);
    int lead;
    if (!same_dims(top, own) || !tdagi_lead_read(m, &lead)) return TDAG_OK;
    const tdag_value *in = tdagi_node_inputs(top);
    tdag_value other = in[0].id == m->result.id ? in[1] : in[0], v = other;
    tdagi_guess g = {.composite = (tdagi_composite)m->composite,
                     .spec = m->spec,
                     .n = 3,
                     .lead = lead};
    for (uint32_t i = 0; i < 2; i++)
        g.in[i] = m->operands[i].value;
    for (uint32_t i = 0; i < TDAGI_MOST_UP && *out == NULL; i++) {
        const tdagi_node *n = tdagi_raiser_node(r, v);
        g.in[2] = v;
        if (n->rank == 1) TDAGI_TRY(tdagi_check_guess(r, sum, &g, out));
        if (!tdagi_op_is_movement(n->op)) break;
        v = tdagi_node_inputs(n)[0];
    }
    if (*out == NULL) TDAGI_TRY(add_bias_by_maps(r, sum, other, m, &g, out));
    return TDAG_OK;
}

/* The scalar constant that a multiply applies to one operand; the other in *rest. */
static bool scaled_by(const tdagi_raiser *r, tdag_value v, double *factor,
                      tdag_value *rest)
{
    const tdagi_node *n = tdagi_raiser_node(r, v);
    for (uint32_t i = 0; n->op == TDAG_OP_MULTIPLY && i < 2; i++) {
        const tdagi_node *c = tdagi_raiser_node(r, tdagi_node_inputs(n)[i]);
        if (c->op != TDAG_OP_CONSTANT || c->rank != 0) continue;
        *factor =
            tdagi_shortest((tdag_dtype)c->dtype, tdagi_tensor_get_f64(c->u.tensor, 0));
        *rest = tdagi_node_inputs(n)[1 - i];
        return true;
    }
    return false;
}

/* Matrices, or as many of them: none is repeated for those of the other. */
static bool same_batch(const tdagi_raiser *r, const tdag_value in[2])
{
    const tdagi_node *a = tdagi_raiser_node(r, in[0]), *b = tdagi_raiser_node(r, in[1]);
    if (a->rank != b->rank || a->rank < 2 || a->rank > 4) return false;
    return a->rank == 2 || a->shape[0] == b->shape[0];
}

/* sum = product + other, product being the matmul m times alpha: beta*c + alpha*(x @
 * y). */
static tdag_status add_matrix(tdagi_raiser *r, tdag_value sum, tdag_value product,
                              double alpha, const tdagi_match *m, tdagi_match **out)
{
    const tdag_value *in = tdagi_node_inputs(tdagi_raiser_node(r, sum));
    tdag_value other = in[0].id == product.id ? in[1] : in[0], c;
    tdagi_addmm_spec spec = {alpha, 1};
    tdagi_guess g = {.composite = TDAGI_ADDMM, .spec = &spec, .n = 3};
    if (!same_dims(tdagi_raiser_node(r, sum), tdagi_raiser_node(r, m->result)) ||
        tdagi_raiser_node(r, other)->rank == 0)
        return TDAG_OK;
    for (uint32_t i = 0; i < 2; i++) {
        if (m->operands[i].n_views > 0) return TDAG_OK;
        g.in[1 + i] = m->operands[i].value;
    }
    if (!same_batch(r, g.in + 1)) return TDAG_OK;
    uint32_t rank = tdagi_raiser_node(r, g.in[1])->rank;
    if (rank == 4 && tdagi_raiser_node(r, other)->rank != rank) return TDAG_OK;
    g.lead = rank == 4;
    if (scaled_by(r, other, &spec.beta, &c)) {
        g.in[0] = c;
        TDAGI_TRY(tdagi_check_guess(r, sum, &g, out));
    }
    spec.beta = 1;
    g.in[0] = other;
    return *out == NULL ? tdagi_check_guess(r, sum, &g, out) : TDAG_OK;
}

/* The node that alone reads v; id 0: none, or several. */
static tdag_value only_reader(const tdagi_raiser *r, tdag_value v)
{
    return (tdag_value){r->uses[v.id] == 1 ? r->user[v.id] : 0};
}

tdag_status tdagi_take_bias(tdagi_raiser *r, const tdagi_match *m)
{
    tdag_value sum = only_reader(r, m->result), product = m->result, rest;
    tdagi_match *more = NULL;
    double alpha = 1;
    bool matmul = m->composite == TDAGI_MATMUL;
    if (sum.id != 0 && matmul && scaled_by(r, sum, &alpha, &rest)) {
        product = sum;
        sum = only_reader(r, product);
    }
    if (sum.id == 0 || r->graph->nodes[sum.id].op != TDAG_OP_ADD) return TDAG_OK;
    if (matmul)
        TDAGI_TRY(add_matrix(r, sum, product, alpha, m, &more));
    else if (m->composite != TDAGI_EINSUM)
        TDAGI_TRY(add_bias(r, sum, m, &more));
    if (more != NULL) r->contractions[sum.id] = more;
    return TDAG_OK;
}

/* ---- all of them ---- */

/* What the maps of v prove at the raiser's values. */
static tdag_status prove_once(tdagi_raiser *r, tdag_value v, bool conv_only,
                              tdagi_match **out)
{
    bool ok = false;
    TDAGI_TRY(tdagi_maps_read(r, v, &ok));
    if (!ok) return TDAG_OK;
    if (conv_only) return tdagi_arrange_conv(r, out);
    TDAGI_TRY(search_windows(r, out));
    if (*out == NULL) TDAGI_TRY(search(r, false, out));
    return *out == NULL ? tdagi_arrange(r, out) : TDAG_OK;
}

static bool same_views(uint32_t n, const tdagi_view *a, uint32_t m, const tdagi_view *b)
{
    if (n != m) return false;
    for (uint32_t i = 0; i < n; i++) {
        if (a[i].op != b[i].op) return false;
        const tdagi_opdef *def = tdagi_op_row_of(a[i].op)->def;
        if (!tdagi_spec_equal(def->fields, a[i].spec, b[i].spec)) return false;
    }
    return true;
}

static bool same_match(const tdagi_match *a, const tdagi_match *b)
{
    if (a->composite != b->composite || a->result.id != b->result.id ||
        a->n_operands != b->n_operands ||
        !same_views(a->n_after, a->after, b->n_after, b->after))
        return false;
    for (uint32_t i = 0; i < a->n_operands; i++) {
        const tdagi_operand *x = &a->operands[i], *y = &b->operands[i];
        if (x->value.id != y->value.id ||
            !same_views(x->n_views, x->views, y->n_views, y->views))
            return false;
    }
    const tdagi_composite_def *def =
        tdagi_composite_row_of((tdagi_composite)a->composite)->def;
    return def->fields == NULL || tdagi_spec_equal(def->fields, a->spec, b->spec);
}

/* Where symbols are multiples of their samples, which keeps what divides dividing. */
static tdag_status prove_at(tdagi_raiser *r, tdag_value v, bool conv_only,
                            int64_t factor, tdagi_match **out)
{
    uint32_t n = tdagi_pool_n_symbols(r->pool);
    int64_t *values = tdagi_raiser_alloc(r, n, sizeof(*values));
    if (values == NULL) return tdagi_nomem(r->ctx);
    for (uint32_t i = 0; i < n; i++) {
        int64_t sample;
        tdagi_pool_symbol(r->pool, i, &sample);
        values[i] = sample > INT32_MAX ? sample : sample * (factor + i % 3);
    }
    r->values = values;
    tdag_status st = prove_once(r, v, conv_only, out);
    r->values = NULL;
    return st;
}

static bool has_sample_of_one(const tdagi_raiser *r)
{
    int64_t sample = 0;
    for (uint32_t i = tdagi_pool_n_symbols(r->graph->pool); i-- > 0 && sample != 1;)
        tdagi_pool_symbol(r->pool, i, &sample);
    return sample == 1;
}

/* Maps are read at numbers. Where dims have symbols, what they prove at the samples
 * must be the same at other values too. An axis of one element has no place in maps, so
 * where a sample is 1 two other values do. */
static tdag_status prove(tdagi_raiser *r, tdag_value v, bool conv_only,
                         tdagi_match **out)
{
    tdagi_match *again = NULL, *first;
    bool has_one = has_sample_of_one(r);
    TDAGI_TRY(prove_once(r, v, conv_only, out));
    first = *out;
    if (tdagi_pool_n_symbols(r->graph->pool) == 0 || (first == NULL && !has_one))
        return TDAG_OK;
    TDAGI_TRY(prove_at(r, v, conv_only, 2, &again));
    if (again != NULL && first != NULL && same_match(first, again)) return TDAG_OK;
    *out = NULL;
    if (again == NULL || !has_one) return TDAG_OK;
    first = NULL;
    TDAGI_TRY(prove_at(r, v, conv_only, 5, &first));
    if (first != NULL && same_match(first, again)) *out = again;
    return TDAG_OK;
}

static tdag_status choose(tdagi_raiser *r, tdag_value v)
{
    bool ok = false;
    tdagi_match *m = NULL;
    TDAGI_TRY(tdagi_maps_read(r, v, &ok));
    if (!ok) return TDAG_OK;
    TDAGI_TRY(tdagi_find_transposed(r, v, &m));
    if (m == NULL) {
        TDAGI_TRY(search(r, true, &m));
        if (m == NULL) TDAGI_TRY(search_leads(r, &m));
        search_from from;
        if (m != NULL && m->composite != TDAGI_CONV &&
            below_windows(r, OVERLAPPING, &from)) {
            tdagi_match *conv = NULL; /* which need not make those windows */
            TDAGI_TRY(prove(r, v, true, &conv));
            if (conv != NULL) m = conv;
        }
        if (m == NULL) TDAGI_TRY(prove(r, v, false, &m));
    }
    TDAGI_TRY(tdagi_leave_apart(r, v, &m));
    if (m == NULL) return TDAG_OK;
    r->contractions[m->result.id] = m;
    return tdagi_take_bias(r, m);
}

tdag_status tdagi_find_contractions(tdagi_raiser *r)
{
    for (uint32_t id = 1; id <= r->graph->n; id++)
        if (r->graph->nodes[id].op == TDAG_OP_REDUCE)
            TDAGI_TRY(choose(r, (tdag_value){id}));
    return TDAG_OK;
}
