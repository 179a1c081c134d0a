/* Guesses of what joins and moves: concat, stack, roll, flip, repeat_interleave, tile.
 *
 * A concat is a tree of pairs, each the sum of two neighbours padded to their common
 * size. It is read off directly, however many operands it has: nested ones along the
 * same axis that nothing else reads become one. */
#include <math.h>

#include "raise/guess/guess.h"

#define ANY          TDAG_OP_NONE
#define MOST_DEPTH   64 /* of nested pairs */
#define MOST_SYMBOLS 64 /* that a shift is looked for with */

/* ---- concat and stack ---- */

/* True if v pads one axis on one side only with what add ignores. */
static bool one_sided(const tdagi_raiser *r, tdag_value v, bool front, uint32_t *axis,
                      tdag_dim *size)
{
    const tdagi_node *n = tdagi_raiser_node(r, v);
    if (n->op != TDAG_OP_PAD) return false;
    const tdag_pad_spec *spec = n->u.spec;
    bool nothing = spec->value == 0 &&
                   (!tdag_dtype_is_float((tdag_dtype)n->dtype) || signbit(spec->value));
    if (spec->mode != TDAG_PAD_CONSTANT || !nothing) return false;
    const tdag_list mine = front ? spec->before : spec->after;
    const tdag_list none = front ? spec->after : spec->before;
    uint32_t found = 0;
    for (uint32_t i = 0; i < n->rank; i++) {
        if (none.v[i] != 0) return false;
        if (mine.v[i] == 0) continue;
        found++;
        *axis = i;
        *size = mine.v[i];
    }
    return found == 1;
}

static bool read_pair(const tdagi_raiser *r, tdag_value v, uint32_t *axis,
                      tdag_value *x, tdag_value *y)
{
    const tdagi_node *n = tdagi_raiser_node(r, v);
    if (n->op != TDAG_OP_ADD) return false;
    tdag_value a = tdagi_node_inputs(n)[0], b = tdagi_node_inputs(n)[1];
    uint32_t other;
    tdag_dim behind, ahead;
    if (!one_sided(r, a, false, axis, &behind)) {
        tdag_value c = a;
        a = b;
        b = c;
        if (!one_sided(r, a, false, axis, &behind)) return false;
    }
    if (!one_sided(r, b, true, &other, &ahead) || other != *axis) return false;
    *x = tdagi_raiser_input(r, a, 0);
    *y = tdagi_raiser_input(r, b, 0);
    return tdagi_raiser_node(r, *x)->shape[*axis] == ahead &&
           tdagi_raiser_node(r, *y)->shape[*axis] == behind;
}

typedef struct parts {
    uint32_t axis, n, n_covered;
    tdag_value *part, *covered; /* a tree of n parts covers 3(n-1) values */
} parts;

/* Counts, or with arrays collects, the parts below v, which is a pair along p->axis. */
static void collect(const tdagi_raiser *r, tdag_value v, uint32_t depth, parts *p)
{
    uint32_t axis;
    tdag_value side[2];
    if (!read_pair(r, v, &axis, &side[0], &side[1])) return;
    const tdag_value *in = tdagi_node_inputs(tdagi_raiser_node(r, v));
    if (p->covered != NULL) {
        p->covered[p->n_covered++] = v;
        p->covered[p->n_covered++] = in[0];
        p->covered[p->n_covered++] = in[1];
    }
    for (uint32_t i = 0; i < 2; i++) {
        tdag_value x, y;
        bool nested = depth < MOST_DEPTH && r->uses[side[i].id] == 1 &&
                      read_pair(r, side[i], &axis, &x, &y) && axis == p->axis;
        if (nested) {
            collect(r, side[i], depth + 1, p);
            continue;
        }
        if (p->part != NULL) p->part[p->n] = side[i];
        p->n++;
    }
}

/* True where every part got its axis by an unsqueeze of its own; leads them below it.
 */
static bool below_unsqueezes(const tdagi_raiser *r, parts *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        const tdagi_node *n = tdagi_raiser_node(r, p->part[i]);
        const tdag_axes_spec *spec = n->u.spec;
        if (n->op != TDAG_OP_UNSQUEEZE || spec->axes.n != 1 ||
            spec->axes.v[0] != p->axis)
            return false;
    }
    for (uint32_t i = 0; i < p->n; i++) {
        p->covered[p->n_covered++] = p->part[i];
        p->part[i] = tdagi_raiser_input(r, p->part[i], 0);
    }
    return true;
}

TDAGI_GUESS(concat)
{
    parts p = {0};
    tdag_value x, y;
    if (!read_pair(r, root->v, &p.axis, &x, &y)) return TDAG_OK;
    collect(r, root->v, 0, &p);
    size_t n = p.n;
    p.part = tdagi_raiser_alloc(r, n, sizeof(tdag_value));
    p.covered = tdagi_raiser_alloc(r, 4 * n, sizeof(tdag_value));
    if (p.part == NULL || p.covered == NULL) return tdagi_nomem(r->ctx);
    p.n = 0;
    collect(r, root->v, 0, &p);
    bool stack = below_unsqueezes(r, &p);
    const tdagi_axis_spec spec = {p.axis};
    const tdagi_match m = {.composite = stack ? TDAGI_STACK : TDAGI_CONCAT,
                           .result = root->v,
                           .n_operands = p.n,
                           .spec = &spec,
                           .n_covered = tdagi_sort_values(p.covered, p.n_covered),
                           .covered = p.covered};
    return tdagi_new_match(r, &m, p.part, out);
}

/* ---- roll and flip ---- */

/* A dim where every symbol is a large number: there a shift is less than its axis. */
static int64_t at_large(const tdagi_raiser *r, tdag_dim d)
{
    int64_t values[MOST_SYMBOLS], n;
    for (uint32_t i = 0; i < MOST_SYMBOLS; i++)
        values[i] = INT32_MAX;
    bool fits = tdagi_pool_n_symbols(r->pool) <= MOST_SYMBOLS;
    return fits && tdagi_dim_eval(r->pool, d, values, &n)
               ? n
               : tdagi_dim_sample(r->pool, d);
}

/* The one axis that v pads in that mode, and by how much: before, or minus after. */
static bool padded_axis(const tdagi_raiser *r, tdag_value v, tdag_pad_mode mode,
                        int64_t *axis, int64_t *amount)
{
    const tdagi_node *n = tdagi_raiser_node(r, v);
    if (n->op != TDAG_OP_PAD) return false;
    const tdag_pad_spec *spec = n->u.spec;
    uint32_t found = 0;
    for (uint32_t i = 0; i < n->rank; i++) {
        if (spec->before.v[i] == 0 && spec->after.v[i] == 0) continue;
        found++;
        *axis = i;
        bool is_before = spec->before.v[i] != 0;
        *amount = at_large(r, is_before ? spec->before.v[i] : spec->after.v[i]);
        if (!is_before) *amount = -*amount;
    }
    return found == 1 && spec->mode == (int64_t)mode;
}

/* Steps down a chain of slices of pads of that mode, one axis each; the innermost step
 * comes first in the lists. Returns how many and what stands below. */
static uint32_t read_chain(const tdagi_raiser *r, tdag_value v, tdag_pad_mode mode,
                           int64_t *axes, int64_t *amounts, tdag_value *below)
{
    uint32_t n = 0;
    *below = v;
    while (n < TDAG_MAX_RANK) {
        tdag_value pad = tdagi_step(r, *below, TDAG_OP_SLICE, 0);
        if (pad.id == 0 || !padded_axis(r, pad, mode, &axes[n], &amounts[n])) break;
        bool again = false;
        for (uint32_t i = 0; i < n; i++)
            again = again || axes[i] == axes[n];
        if (again) break;
        *below = tdagi_raiser_input(r, pad, 0);
        n++;
    }
    for (uint32_t i = 0; i < n / 2; i++) {
        int64_t axis = axes[i], amount = amounts[i];
        axes[i] = axes[n - 1 - i];
        amounts[i] = amounts[n - 1 - i];
        axes[n - 1 - i] = axis;
        amounts[n - 1 - i] = amount;
    }
    return n;
}

TDAGI_GUESS(roll)
{
    int64_t axes[TDAG_MAX_RANK], shifts[TDAG_MAX_RANK];
    tdag_value x;
    uint32_t n = read_chain(r, root->v, TDAG_PAD_CIRCULAR, axes, shifts, &x);
    const tdagi_roll_spec spec = {{n, shifts}, {n, axes}};
    return n > 0 ? tdagi_guess_known(r, root, &spec, 1, &x, out) : TDAG_OK;
}

TDAGI_GUESS(flip)
{
    int64_t axes[TDAG_MAX_RANK], amounts[TDAG_MAX_RANK];
    tdag_value x;
    uint32_t n = read_chain(r, root->v, TDAG_PAD_REFLECT, axes, amounts, &x);
    const tdagi_axes_list_spec spec = {{n, axes}};
    return n > 0 ? tdagi_guess_known(r, root, &spec, 1, &x, out) : TDAG_OK;
}

/* ---- repeating ---- */

TDAGI_GUESS(repeat_interleave)
{
    const tdag_group_spec *group = tdagi_raiser_node(r, root->v)->u.spec;
    tdag_value repeat = tdagi_raiser_input(r, root->v, 0);
    const tdag_repeat_spec *counts = tdagi_raiser_node(r, repeat)->u.spec;
    tdagi_repeat_interleave_spec spec = {-1, 1};
    for (uint32_t i = 0; i < group->runs.n; i++)
        if (group->runs.v[i] == 2) spec.axis = i;
    if (spec.axis < 0 || spec.axis + 1 >= counts->counts.n) return TDAG_OK;
    spec.count = counts->counts.v[spec.axis + 1];
    tdag_value x =
        tdagi_step(r, tdagi_raiser_input(r, repeat, 0), TDAG_OP_UNSQUEEZE, 0);
    return tdagi_guess_known(r, root, &spec, 1, &x, out);
}

TDAGI_GUESS(tile)
{
    const tdag_group_spec *group = tdagi_raiser_node(r, root->v)->u.spec;
    tdag_value repeat = tdagi_raiser_input(r, root->v, 0);
    const tdag_repeat_spec *counts = tdagi_raiser_node(r, repeat)->u.spec;
    int64_t list[TDAG_MAX_RANK];
    uint32_t at = 0;
    for (uint32_t i = 0; i < group->runs.n; i++) {
        list[i] = counts->counts.v[at];
        at += (uint32_t)group->runs.v[i];
    }
    const tdagi_tile_spec spec = {{group->runs.n, list}};
    tdag_value x = tdagi_raiser_input(r, repeat, 0);
    for (uint32_t i = 0; i < 2 && *out == NULL; i++) {
        x = tdagi_step(r, x, TDAG_OP_UNSQUEEZE, 0);
        if (x.id == 0) return TDAG_OK;
        TDAGI_TRY(tdagi_guess_known(r, root, &spec, 1, &x, out));
    }
    return TDAG_OK;
}
