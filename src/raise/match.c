/* See match.h. One scratch builder serves all guesses of a raise: it is emptied before
 * each, while its pool, in which the dims of specs and shapes live, stays.
 *
 * compare() walks both graphs from the roots. It keeps a trail of what it has equated
 * so that the second order of a commutative op can be tried; a step budget bounds that.
 */
#include "raise/match.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "raise/lead/lead.h"

#define MOST_STEPS (2 * TDAGI_MOST_COVERED)

typedef struct tdagi_compare {
    tdag_value input[TDAGI_GUESS_INPUTS]; /* what the scratch inputs stand for */
    uint32_t twin[TDAGI_MOST_COVERED]; /* by scratch id: the graph's value, 0 = none */
    struct {
        uint32_t scratch, old;
        tdag_value value;
    } trail[TDAGI_MOST_COVERED];
    uint32_t n_trail;
    uint32_t steps;
    tdag_value covered[TDAGI_MOST_COVERED];
    uint8_t safe[TDAGI_MOST_COVERED]; /* covered[i] may be repeated outside */
} tdagi_compare;

tdag_status tdagi_compare_open(tdagi_raiser *r)
{
    void *p = NULL;
    TDAGI_TRY(tdagi_alloc(r->ctx, sizeof(tdagi_compare), &p));
    r->compare = p;
    return TDAG_OK;
}

void tdagi_compare_close(tdagi_raiser *r)
{
    tdagi_free(r->ctx, r->compare, sizeof(tdagi_compare));
}

/* ---- lowering ---- */

/* Operand i as the composite wants it. */
static bool add_led(tdagi_raiser *r, const tdagi_guess *guess, uint32_t i,
                    tdag_value *out)
{
    tdagi_type t;
    if (!tdagi_lead_type(r, guess, i, &t)) return false;
    *out = tdag_add_input(r->scratch, NULL, t.dtype, t.rank, t.shape);
    return true;
}

/* Lowers the guess; *out has id 0 where it cannot be lowered. */
static tdag_status lower(tdagi_raiser *r, const tdagi_guess *guess, tdag_value *out)
{
    tdagi_compare *c = r->compare;
    tdag_builder *b = r->scratch;
    tdag_value in[TDAGI_GUESS_INPUTS], own[TDAGI_GUESS_INPUTS];
    uint32_t n_inputs = 0;
    tdagi_scratch_empty(r);
    for (uint32_t i = 0; i < guess->n; i++) {
        own[i] = in[i] = TDAG_NO_VALUE;
        if (guess->open != NULL) {
            const tdagi_type *t = &guess->open[i];
            own[i] = tdag_add_input(b, NULL, t->dtype, t->rank, t->shape);
            c->input[n_inputs++] = TDAG_NO_VALUE;
            continue;
        }
        if (guess->in[i].id == 0) continue;
        const tdagi_node *n = tdagi_raiser_node(r, guess->in[i]);
        own[i] = in[i] =
            tdag_add_input(b, NULL, (tdag_dtype)n->dtype, n->rank, n->shape);
        c->input[n_inputs++] = guess->in[i];
    }
    *out = TDAG_NO_VALUE;
    for (uint32_t i = 0; guess->lead != 0 && i < tdagi_lead_count(guess->composite);
         i++)
        if (in[i].id == 0 || !add_led(r, guess, i, &own[i])) return TDAG_OK;
    *out = tdagi_lower(b, guess->composite, own, guess->n, guess->spec);
    bool ok;
    TDAGI_TRY(tdagi_scratch_settle(r, &ok));
    if (!ok) *out = TDAG_NO_VALUE;
    return ok && guess->lead != 0 ? tdagi_lead_rewrite(r, guess, in, own, out)
                                  : TDAG_OK;
}

/* ---- comparing ---- */

static bool note(tdagi_compare *c, uint32_t scratch, tdag_value v)
{
    if (c->n_trail == TDAGI_MOST_COVERED) return false;
    c->trail[c->n_trail].scratch = scratch;
    c->trail[c->n_trail].old = c->twin[scratch];
    c->trail[c->n_trail].value = v;
    c->n_trail++;
    c->twin[scratch] = v.id;
    return true;
}

static void unwind(tdagi_compare *c, uint32_t to)
{
    while (c->n_trail > to) {
        c->n_trail--;
        c->twin[c->trail[c->n_trail].scratch] = c->trail[c->n_trail].old;
    }
}

static bool compare(tdagi_raiser *r, tdag_value s, tdag_value a);

static bool compare_inputs(tdagi_raiser *r, const tdagi_node *ns, const tdagi_node *na)
{
    const tdag_value *is = tdagi_node_inputs(ns), *ia = tdagi_node_inputs(na);
    if (ns->n_inputs != na->n_inputs) return false;
    uint32_t mark = r->compare->n_trail;
    bool same = true;
    for (uint32_t i = 0; same && i < ns->n_inputs; i++)
        same = compare(r, is[i], ia[i]);
    if (same || !tdagi_node_def(ns)->commutes) return same;
    unwind(r->compare, mark);
    return compare(r, is[0], ia[1]) && compare(r, is[1], ia[0]);
}

static bool compare(tdagi_raiser *r, tdag_value s, tdag_value a)
{
    tdagi_compare *c = r->compare;
    if (c->twin[s.id] == a.id && a.id != 0) return true;
    if (c->steps++ > MOST_STEPS) return false;
    const tdagi_node *ns = &r->scratch->graph->nodes[s.id];
    const tdagi_node *na = tdagi_raiser_node(r, a);
    if (ns->op == TDAG_OP_INPUT && c->input[s.id - 1].id != 0)
        return c->input[s.id - 1].id == a.id;
    if (ns->op == TDAG_OP_INPUT)
        return c->twin[s.id] == 0 && ns->dtype == na->dtype && ns->rank == na->rank &&
               memcmp(ns->shape, na->shape, ns->rank * sizeof(tdag_dim)) == 0 &&
               note(c, s.id, a);
    if (ns->op != na->op || ns->dtype != na->dtype || ns->rank != na->rank)
        return false;
    if (tdagi_op_holds_tensor(ns->op)) {
        if (ns->op != TDAG_OP_CONSTANT ||
            !tdagi_tensor_equal(ns->u.tensor, na->u.tensor))
            return false;
        return note(c, s.id, a);
    }
    const tdagi_field *fields = tdagi_node_def(ns)->fields;
    if (fields != NULL && !tdagi_spec_equal(fields, ns->u.spec, na->u.spec))
        return false;
    return compare_inputs(r, ns, na) && note(c, s.id, a);
}

/* Lowers and compares; the trail tells what was met. */
static tdag_status lower_and_compare(tdagi_raiser *r, tdag_value root,
                                     const tdagi_guess *guess, bool *ok)
{
    tdagi_compare *c = r->compare;
    tdag_value top;
    *ok = false;
    TDAGI_TRY(lower(r, guess, &top));
    const tdag_graph *g = r->scratch->graph;
    if (top.id == 0 || g->n >= TDAGI_MOST_COVERED) return TDAG_OK;
    if (tdagi_op_is_leaf(g->nodes[top.id].op)) return TDAG_OK; /* nothing was built */
    memset(c->twin, 0, (g->n + 1) * sizeof(c->twin[0]));
    c->n_trail = 0;
    c->steps = 0;
    *ok = compare(r, top, root);
    return TDAG_OK;
}

/* ---- what a match covers ---- */

static int by_id(const void *a, const void *b)
{
    uint32_t x = ((const tdag_value *)a)->id, y = ((const tdag_value *)b)->id;
    return x < y ? -1 : x > y;
}

uint32_t tdagi_sort_values(tdag_value *v, uint32_t n)
{
    qsort(v, n, sizeof(*v), by_id);
    uint32_t m = 0;
    for (uint32_t i = 0; i < n; i++)
        if (m == 0 || v[m - 1].id != v[i].id) v[m++] = v[i];
    return m;
}

static int64_t find(const tdag_value *v, uint32_t n, uint32_t id)
{
    uint32_t lo = 0, hi = n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (v[mid].id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < n && v[lo].id == id ? (int64_t)lo : -1;
}

/* covered[i], which is read within, is read nowhere else. */
static bool read_inside_only(const tdagi_raiser *r, const tdag_value *covered,
                             uint32_t n, uint32_t i)
{
    uint32_t inside = 0, uses = r->uses[covered[i].id];
    if (uses == 1) return true;
    for (uint32_t j = i + 1; j < n && inside < uses; j++) {
        const tdagi_node *node = tdagi_raiser_node(r, covered[j]);
        const tdag_value *in = tdagi_node_inputs(node);
        for (uint32_t k = 0; k < node->n_inputs; k++)
            inside += in[k].id == covered[i].id;
    }
    return inside >= uses;
}

/* True where nothing dear is computed twice: a covered value that is read from outside,
 * and all that is covered below it, must be cheap. covered is ascending. */
static bool stays_inside(tdagi_raiser *r, tdag_value root, const tdag_value *covered,
                         uint32_t n, const tdagi_guess *guess)
{
    uint8_t *safe = r->compare->safe;
    for (uint32_t i = 0; i < n; i++) {
        const tdagi_node *node = tdagi_raiser_node(r, covered[i]);
        const tdag_value *in = tdagi_node_inputs(node);
        safe[i] = tdagi_raiser_is_cheap(r, covered[i]);
        for (uint32_t j = 0; safe[i] && j < node->n_inputs; j++) {
            int64_t at = find(covered, n, in[j].id);
            if (at >= 0 && !safe[at]) safe[i] = 0;
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        if (covered[i].id == root.id || safe[i]) continue;
        if (!read_inside_only(r, covered, n, i)) return false;
        for (uint32_t k = 0; k < guess->n; k++)
            if (guess->in[k].id == covered[i].id) return false;
    }
    return true;
}

tdag_status tdagi_new_match(tdagi_raiser *r, const tdagi_match *like,
                            const tdag_value *values, tdagi_match **out)
{
    tdagi_match *m = tdagi_raiser_dup(r, like, 1, sizeof(*m));
    tdagi_operand *operands =
        tdagi_raiser_alloc(r, like->n_operands, sizeof(*operands));
    if (m == NULL || operands == NULL) return tdagi_nomem(r->ctx);
    for (uint32_t i = 0; i < like->n_operands; i++)
        operands[i] = (tdagi_operand){.value = values[i]};
    m->operands = operands;
    m->covered =
        tdagi_raiser_dup(r, like->covered, like->n_covered, sizeof(tdag_value));
    if (m->covered == NULL) return tdagi_nomem(r->ctx);
    const tdagi_composite_def *def =
        tdagi_composite_row_of((tdagi_composite)like->composite)->def;
    if (like->spec != NULL && def->fields != NULL) {
        m->spec = tdagi_spec_copy(&r->arena, def->fields, def->spec_size, like->spec);
        if (m->spec == NULL) return tdagi_nomem(r->ctx);
    }
    *out = m;
    return TDAG_OK;
}

static tdag_status make_match(tdagi_raiser *r, tdag_value root,
                              const tdagi_guess *guess, const tdag_value *covered,
                              uint32_t n, tdagi_match **out)
{
    tdagi_match m = {.composite = (uint16_t)guess->composite,
                     .result = root,
                     .spec = guess->spec,
                     .n_covered = n,
                     .covered = covered};
    for (uint32_t i = 0; i < guess->n; i++)
        if (guess->in[i].id != 0) m.n_operands = i + 1;
    TDAGI_TRY(tdagi_new_match(r, &m, guess->in, out));
    return guess->lead == 0 ? TDAG_OK : tdagi_lead_lay_out(r, guess->lead, *out);
}

/* ---- the calls ---- */

tdag_status tdagi_accept_guess(tdagi_raiser *r, tdag_value root,
                               const tdagi_guess *guess, tdag_value *covered,
                               uint32_t n_covered, tdagi_match **out)
{
    *out = NULL;
    uint32_t n = tdagi_sort_values(covered, n_covered);
    if (!stays_inside(r, root, covered, n, guess)) return TDAG_OK;
    return make_match(r, root, guess, covered, n, out);
}

tdag_status tdagi_check_guess(tdagi_raiser *r, tdag_value root,
                              const tdagi_guess *guess, tdagi_match **out)
{
    tdagi_compare *c = r->compare;
    bool ok = false;
    *out = NULL;
    TDAGI_TRY(lower_and_compare(r, root, guess, &ok));
    if (!ok) return TDAG_OK;
    tdagi_guess found = *guess;
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->n_trail; i++) {
        uint32_t id = c->trail[i].scratch;
        if (r->scratch->graph->nodes[id].op == TDAG_OP_INPUT)
            found.in[id - 1] = c->trail[i].value; /* an open operand */
        else
            c->covered[n++] = c->trail[i].value;
    }
    return tdagi_accept_guess(r, root, &found, c->covered, n, out);
}

tdag_status tdagi_guess_type(tdagi_raiser *r, const tdagi_guess *guess,
                             tdagi_type *type, bool *ok)
{
    tdag_value top;
    TDAGI_TRY(lower(r, guess, &top));
    *ok = top.id != 0;
    if (*ok) tdagi_value_type(r->scratch->graph, top, type);
    return TDAG_OK;
}
