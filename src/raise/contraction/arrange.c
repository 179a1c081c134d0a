/* See arrange.h: building what was arranged, and einsums. */
#include "raise/contraction/arrange.h"

#include <string.h>

#include "raise/contraction/layout.h"

/* ---- building the match ---- */

typedef struct built {
    tdag_value in[2], laid[2], result, top;
} built;

static void build(tdagi_raiser *r, const tdagi_arrangement *a, built *out)
{
    tdag_builder *b = r->scratch;
    tdagi_scratch_empty(r);
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t side = i == 0 ? a->c.first : 1 - a->c.first;
        tdagi_type type;
        tdagi_value_type(r->graph, r->maps->down[side][a->c.level[i]].value, &type);
        out->in[i] = tdag_add_input(b, NULL, type.dtype, type.rank, type.shape);
        out->laid[i] = tdagi_lay_out(r, out->in[i], &a->from[i], &a->to[i]);
    }
    out->result =
        tdagi_lower(b, a->c.composite, out->laid, 2, tdagi_candidate_spec(&a->c));
    out->top = tdagi_lay_out(r, out->result, &a->result, &a->target);
}

static bool same_type(const tdagi_node *a, const tdagi_node *b)
{
    if (a->dtype != b->dtype || a->rank != b->rank) return false;
    for (uint32_t i = 0; i < a->rank; i++)
        if (a->shape[i] != b->shape[i]) return false;
    return true;
}

tdag_status tdagi_accept_arrangement(tdagi_raiser *r, const tdagi_arrangement *a,
                                     tdagi_match **out)
{
    const tdagi_maps *m = r->maps;
    tdag_value covered[TDAGI_MOST_COVERS], root = m->up[a->c.up].value;
    built made;
    bool ok;
    build(r, a, &made);
    TDAGI_TRY(tdagi_scratch_settle(r, &ok));
    if (!ok) return TDAG_OK;
    const tdagi_node *nodes = r->scratch->graph->nodes;
    if (!same_type(&nodes[made.top.id], tdagi_raiser_node(r, root))) return TDAG_OK;
    tdagi_guess g = {
        .composite = a->c.composite, .spec = tdagi_candidate_spec(&a->c), .n = 2};
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t side = i == 0 ? a->c.first : 1 - a->c.first;
        g.in[i] = m->down[side][a->c.level[i]].value;
    }
    uint32_t n = tdagi_candidate_covered(m, &a->c, covered);
    tdagi_match *match = NULL;
    TDAGI_TRY(tdagi_accept_guess(r, root, &g, covered, n, &match));
    if (match == NULL) return TDAG_OK;
    tdagi_operand *operands =
        tdagi_raiser_dup(r, match->operands, match->n_operands, sizeof(*operands));
    if (operands == NULL) return tdagi_nomem(r->ctx);
    for (uint32_t i = 0; i < 2; i++)
        TDAGI_TRY(tdagi_copy_views(r, made.in[i].id, made.laid[i].id,
                                   &operands[i].n_views, &operands[i].views));
    match->operands = operands;
    TDAGI_TRY(tdagi_copy_views(r, made.result.id, made.top.id, &match->n_after,
                               &match->after));
    const tdagi_node *own = &nodes[made.result.id];
    match->rank = own->rank;
    match->shape = tdagi_raiser_dup(r, own->shape, own->rank, sizeof(tdag_dim));
    if (match->shape == NULL) return tdagi_nomem(r->ctx);
    *out = match;
    return TDAG_OK;
}

/* ---- einsums ---- */

/* `p` with every axis cut where one of the three tensors separates its atoms. */
static void refine(const tdagi_plan *p, const tdagi_plan *const all[3], tdagi_plan *out)
{
    out->rank = 0;
    for (uint32_t i = 0; i < p->rank; i++)
        for (uint32_t j = 0; j < p->axis[i].n; j++) {
            uint8_t atom = p->axis[i].atoms[j];
            bool joined = j > 0;
            for (uint32_t k = 0; k < 3 && joined; k++) {
                uint8_t before = p->axis[i].atoms[j - 1];
                bool either = tdagi_plan_contains(all[k], before) ||
                              tdagi_plan_contains(all[k], atom);
                joined = !either || tdagi_plan_follows(all[k], before, atom);
            }
            if (!joined) out->axis[out->rank++].n = 0;
            if (out->rank > TDAG_MAX_RANK) return;
            tdagi_run_push(&out->axis[out->rank - 1], atom);
        }
}

static char letter_of(const tdagi_plan *x, const tdagi_plan *w, uint8_t atom)
{
    uint32_t n = 0;
    for (uint32_t k = 0; k < 2; k++) {
        const tdagi_plan *p = k == 0 ? x : w;
        for (uint32_t i = 0; i < p->rank; i++) {
            uint8_t first = p->axis[i].atoms[0];
            if (k == 1 && tdagi_plan_contains(x, first)) continue;
            if (first == atom) return (char)(n < 26 ? 'a' + n : 'A' + (n - 26));
            n++;
        }
    }
    return '?';
}

static void write_equation(tdagi_arrangement *a)
{
    char *at = a->c.equation;
    const tdagi_plan *terms[3] = {&a->to[0], &a->to[1], &a->result};
    for (uint32_t k = 0; k < 3; k++) {
        for (uint32_t i = 0; i < terms[k]->rank; i++)
            *at++ = letter_of(&a->to[0], &a->to[1], terms[k]->axis[i].atoms[0]);
        if (k == 0) *at++ = ',';
        if (k == 1) *at++ = '-', *at++ = '>';
    }
    *at = '\0';
    a->c.spec.einsum.equation = a->c.equation;
}

static tdag_status arrange_einsum(tdagi_raiser *r, tdagi_arrangement *a,
                                  tdagi_match **out)
{
    const tdagi_maps *m = r->maps;
    a->c.first = 0;
    a->c.up = 0;
    a->c.composite = TDAGI_EINSUM;
    if (!tdagi_plan_read(&m->up[0], 0, &a->target)) return TDAG_OK;
    for (uint32_t i = 0; i < 2; i++) {
        if (!tdagi_pick_level(m, i, NULL, &a->c.level[i])) return TDAG_OK;
        if (!tdagi_plan_read(&m->down[i][a->c.level[i]], 0, &a->from[i]))
            return TDAG_OK;
    }
    uint64_t both = m->down[0][a->c.level[0]].mask | m->down[1][a->c.level[1]].mask;
    if ((both & m->loops) != m->loops) return TDAG_OK;
    const tdagi_plan *all[3] = {&a->from[0], &a->from[1], &a->target};
    refine(&a->from[0], all, &a->to[0]);
    refine(&a->from[1], all, &a->to[1]);
    refine(&a->target, all, &a->result);
    if (a->to[0].rank > TDAG_MAX_RANK || a->to[1].rank > TDAG_MAX_RANK ||
        a->result.rank > TDAG_MAX_RANK)
        return TDAG_OK;
    write_equation(a);
    return tdagi_accept_arrangement(r, a, out);
}

tdag_status tdagi_arrange(tdagi_raiser *r, tdagi_match **out)
{
    tdagi_arrangement a;
    memset(&a, 0, sizeof(a));
    TDAGI_TRY(tdagi_arrange_conv(r, out));
    if (*out == NULL) TDAGI_TRY(arrange_einsum(r, &a, out));
    return TDAG_OK;
}
