/* Guesses of windows: pooling, adaptive pooling, im2col and col2im.
 *
 * A window of an axis is an unfold, an ungroup and for a dilation an unfold of kernel
 * 1; read_windows() steps down over them. */
#include "raise/guess/guess.h"

#define ANY          TDAG_OP_NONE
#define MOST_SPATIAL 3

static uint32_t op_of(const tdagi_raiser *r, tdag_value v)
{
    return v.id == 0 ? TDAG_OP_NONE : tdagi_raiser_node(r, v)->op;
}

typedef struct windows {
    uint32_t n;
    int64_t kernel[MOST_SPATIAL], stride[MOST_SPATIAL], dilation[MOST_SPATIAL];
    int64_t padding[MOST_SPATIAL];
    tdag_value bare;   /* what was unfolded */
    tdag_value source; /* the same without its padding */
} windows;

/* The one axis with a kernel or a stride above 1; the last one where none has. */
static bool unfolded_axis(const tdag_window_spec *s, int64_t *kernel, int64_t *stride)
{
    uint32_t found = 0;
    *kernel = *stride = 1;
    for (uint32_t i = 0; i < s->kernel.n; i++) {
        if (s->kernel.v[i] == 1 && s->stride.v[i] == 1) continue;
        found++;
        *kernel = s->kernel.v[i];
        *stride = s->stride.v[i];
    }
    return found <= 1;
}

/* One window at v; *below is what it was made of. */
static bool read_window(const tdagi_raiser *r, tdag_value v, int64_t *kernel,
                        int64_t *stride, int64_t *dilation, tdag_value *below)
{
    int64_t span;
    *dilation = 1;
    if (op_of(r, v) == TDAG_OP_UNFOLD) {
        if (!unfolded_axis(tdagi_raiser_node(r, v)->u.spec, &span, dilation))
            return false;
        if (span != 1) return false;
        v = tdagi_raiser_input(r, v, 0);
    }
    tdag_value unfold = tdagi_step(r, v, TDAG_OP_UNGROUP, 0);
    if (op_of(r, unfold) != TDAG_OP_UNFOLD) return false;
    if (!unfolded_axis(tdagi_raiser_node(r, unfold)->u.spec, &span, stride))
        return false;
    if ((span - 1) % *dilation != 0) return false;
    *kernel = (span - 1) / *dilation + 1;
    *below = tdagi_raiser_input(r, unfold, 0);
    return true;
}

/* n windows below v; the first found is that of the first axis, or of the last. */
static bool read_windows(const tdagi_raiser *r, tdag_value v, uint32_t n,
                         bool last_first, windows *w)
{
    if (n < 1 || n > MOST_SPATIAL) return false;
    w->n = n;
    for (uint32_t k = 0; k < n; k++) {
        uint32_t i = last_first ? n - 1 - k : k;
        if (!read_window(r, v, &w->kernel[i], &w->stride[i], &w->dilation[i], &v))
            return false;
        w->padding[i] = 0;
    }
    w->bare = w->source = v;
    if (op_of(r, v) != TDAG_OP_PAD) return true;
    const tdag_pad_spec *pad = tdagi_raiser_node(r, v)->u.spec;
    w->source = tdagi_raiser_input(r, v, 0);
    uint32_t rank = pad->before.n;
    for (uint32_t i = 0; i < n && n <= rank; i++)
        w->padding[i] = pad->before.v[rank - n + i];
    return true;
}

static tdag_list list(uint32_t n, const int64_t *v) { return (tdag_list){n, v}; }

/* ---- pooling ---- */

/* Tries the ways to say what the windows show. */
static tdag_status try_pool(tdagi_raiser *r, const tdagi_root *root, const windows *w,
                            bool average, int64_t divisor, tdagi_match **out)
{
    static const int64_t none[MOST_SPATIAL] = {0};
    bool padded = w->bare.id != w->source.id;
    for (uint32_t form = 0; form < 8 && *out == NULL; form++) {
        bool bare = form >= 4, ceil = form & 1, outside = form & 2;
        if ((bare && !padded) || (outside && !average)) continue;
        tdagi_pool_spec spec = {list(w->n, w->kernel),
                                list(w->n, w->stride),
                                list(w->n, bare ? none : w->padding),
                                list(w->n, w->dilation),
                                ceil,
                                average && !outside,
                                divisor};
        tdag_value x = tdagi_narrow(r, root, bare ? w->bare : w->source);
        TDAGI_TRY(tdagi_guess_known(r, root, &spec, 1, &x, out));
    }
    return TDAG_OK;
}

/* squeeze(reduce(windows)), or that over a count or a divisor */
TDAGI_GUESS(pool)
{
    windows w;
    tdag_value top = root->top;
    double number;
    int64_t divisor = 0;
    if (op_of(r, top) == TDAG_OP_MULTIPLY) {
        tdag_value inverse = tdagi_step_to(r, top, TDAG_OP_RECIPROCAL);
        if (tdagi_scalar_of(r, tdagi_step(r, inverse, ANY, 0), &number))
            divisor = (int64_t)number;
        top = tdagi_step_other(r, top, inverse);
    }
    tdag_value reduce = tdagi_step(r, top, TDAG_OP_SQUEEZE, 0);
    if (op_of(r, reduce) != TDAG_OP_REDUCE) return TDAG_OK;
    const tdag_reduce_spec *spec = tdagi_raiser_node(r, reduce)->u.spec;
    bool max = spec->kind == TDAG_REDUCE_MAX;
    if (!read_windows(r, tdagi_raiser_input(r, reduce, 0), spec->axes.n, false, &w))
        return TDAG_OK;
    tdagi_root row = *root;
    row.composite = max ? TDAGI_MAX_POOL : TDAGI_AVG_POOL;
    return try_pool(r, &row, &w, !max, divisor, out);
}

/* where(0 < key, key - 1, -key), of integers -key; key is the most over the windows w
 * of where(w != w, place + 1, where(w == most, -place, ...)): w, and the axes of a
 * window */
static tdag_value windows_of_places(const tdagi_raiser *r, const tdagi_root *root,
                                    uint32_t *n)
{
    tdag_value key =
        tdagi_step(r, tdagi_step(r, root->v, TDAG_OP_WHERE, 2), TDAG_OP_NEG, 0);
    if (key.id == 0) key = tdagi_step(r, root->v, TDAG_OP_NEG, 0);
    tdag_value reduce = tdagi_step(r, key, TDAG_OP_SQUEEZE, 0);
    tdag_value hit = tdagi_step(r, reduce, TDAG_OP_REDUCE, 0);
    tdag_value inner = tdagi_step(r, hit, TDAG_OP_WHERE, 2);
    if (op_of(r, inner) == TDAG_OP_WHERE) hit = inner;
    hit = tdagi_step(r, tdagi_step(r, hit, TDAG_OP_WHERE, 0), TDAG_OP_EQUAL, 0);
    if (hit.id != 0)
        *n = ((const tdag_reduce_spec *)tdagi_raiser_node(r, reduce)->u.spec)->axes.n;
    return hit;
}

TDAGI_GUESS(pool_position)
{
    windows w;
    uint32_t n;
    tdag_value hit = windows_of_places(r, root, &n);
    return hit.id != 0 && read_windows(r, hit, n, false, &w)
               ? try_pool(r, root, &w, false, 0, out)
               : TDAG_OK;
}

/* ---- adaptive pooling ---- */

static tdag_status try_adaptive(tdagi_raiser *r, const tdagi_root *root, tdag_value x,
                                uint32_t n, tdagi_match **out)
{
    const tdagi_node *node = tdagi_raiser_node(r, root->v);
    const tdag_value in = tdagi_narrow(r, root, x);
    if (x.id == 0 || node->rank < n || tdagi_raiser_node(r, x)->rank != node->rank)
        return TDAG_OK;
    const tdagi_adaptive_pool_spec spec = {list(n, node->shape + node->rank - n)};
    return tdagi_guess_known(r, root, &spec, 1, &in, out);
}

/* By the rank it most likely has: all axes but two, then fewer, then more. */
static tdag_status try_ranks(tdagi_raiser *r, const tdagi_root *root, tdag_value x,
                             tdagi_match **out)
{
    uint32_t rank = root->type.rank, likely = rank > 2 ? rank - 2 : 1;
    if (likely > MOST_SPATIAL) likely = MOST_SPATIAL;
    for (uint32_t n = likely; n > 0 && *out == NULL; n--)
        TDAGI_TRY(try_adaptive(r, root, x, n, out));
    for (uint32_t n = likely + 1; n <= MOST_SPATIAL && *out == NULL; n++)
        TDAGI_TRY(try_adaptive(r, root, x, n, out));
    return TDAG_OK;
}

/* The value that a gather along an axis reads, before its permute. */
static tdag_value below_gather(const tdagi_raiser *r, tdag_value v, uint32_t budget)
{
    tdag_value gather = tdagi_find_below(r, v, TDAG_OP_GATHER, budget);
    return tdagi_unpermuted(r, tdagi_step(r, gather, ANY, 0));
}

TDAGI_GUESS(adaptive_pool)
{
    tdagi_root row = *root;
    tdag_value reduce = tdagi_find_below(r, root->top, TDAG_OP_REDUCE, 4);
    if (reduce.id == 0) return TDAG_OK;
    const tdag_reduce_spec *spec = tdagi_raiser_node(r, reduce)->u.spec;
    bool max = spec->kind == TDAG_REDUCE_MAX;
    row.composite = max ? TDAGI_ADAPTIVE_MAX_POOL : TDAGI_ADAPTIVE_AVG_POOL;
    tdag_value x, levels[MOST_SPATIAL];
    uint32_t n = 0;
    for (x = root->top; n < MOST_SPATIAL; n++) {
        x = below_gather(r, x, 64);
        if (x.id == 0) break;
        levels[n] = x;
    }
    while (n-- > 0 && *out == NULL)
        TDAGI_TRY(try_ranks(r, &row, levels[n], out));
    x = tdagi_step(r, tdagi_raiser_input(r, reduce, 0), TDAG_OP_UNGROUP, 0);
    if (x.id != 0 && *out == NULL) TDAGI_TRY(try_ranks(r, &row, x, out));
    return TDAG_OK;
}

TDAGI_GUESS(adaptive_position)
{
    uint32_t n = 0;
    tdag_value x = windows_of_places(r, root, &n);
    for (uint32_t i = 0; i < n; i++)
        x = below_gather(r, x, 2);
    return n == 0 || n > MOST_SPATIAL ? TDAG_OK : try_adaptive(r, root, x, n, out);
}

/* ---- im2col and col2im ---- */

TDAGI_GUESS(im2col)
{
    windows w;
    tdag_value permute = tdagi_step(r, root->v, ANY, 0);
    tdag_value top = tdagi_step(r, permute, TDAG_OP_PERMUTE, 0);
    if (root->type.rank != 3 || !read_windows(r, top, 2, true, &w)) return TDAG_OK;
    for (uint32_t bare = 0; bare < 2 && *out == NULL; bare++) {
        static const int64_t none[2] = {0};
        const tdagi_im2col_spec spec = {list(2, w.kernel),
                                        list(2, w.dilation),
                                        list(2, bare ? none : w.padding),
                                        list(2, w.stride),
                                        {0, NULL}};
        tdag_value x = bare ? w.bare : w.source;
        TDAGI_TRY(tdagi_guess_known(r, root, &spec, 1, &x, out));
    }
    return TDAG_OK;
}

/* Steps down from the last fold to the permute below the first, filling windows. */
static bool read_folds(const tdagi_raiser *r, const tdagi_root *root, windows *w,
                       int64_t *span)
{
    tdag_value v = root->v;
    uint32_t first = (uint32_t)(2 + root->lead); /* of the spatial axes */
    int64_t cut = 0;
    w->n = 2;
    for (uint32_t steps = 0; steps < 24; steps++) {
        const tdagi_node *n = tdagi_raiser_node(r, v);
        if (n->op == TDAG_OP_PERMUTE) {
            w->source = tdagi_step(r, tdagi_node_inputs(n)[0], TDAG_OP_UNGROUP, 0);
            w->bare = tdagi_node_inputs(n)[0];
            return w->n == 0 && w->source.id != 0 &&
                   tdagi_raiser_node(r, w->bare)->rank == first + 4;
        }
        if (n->op == TDAG_OP_SLICE) {
            const tdag_slice_spec *s = n->u.spec;
            if (w->n == 0 || first + w->n > n->rank) return false;
            cut += s->start.v[first + w->n - 1];
        } else if (n->op == TDAG_OP_FOLD) {
            if (w->n == 0) return false;
            w->n--;
            if (!unfolded_axis(n->u.spec, &span[w->n], &w->stride[w->n])) return false;
            w->padding[w->n] = cut;
            cut = 0;
        } else if (!tdagi_op_is_movement(n->op)) {
            return false;
        }
        v = tdagi_node_inputs(n)[0];
    }
    return false;
}

TDAGI_GUESS(col2im)
{
    windows w;
    int64_t span[2];
    if (root->type.rank != 4 || !read_folds(r, root, &w, span)) return TDAG_OK;
    for (uint32_t i = 0; i < 2; i++) {
        w.kernel[i] = tdagi_raiser_node(r, w.bare)->shape[2 + root->lead + (int)i];
        if (w.kernel[i] < 1 || span[i] % w.kernel[i] != 0) return TDAG_OK;
        w.dilation[i] = span[i] / w.kernel[i];
    }
    const tdagi_im2col_spec spec = {list(2, w.kernel), list(2, w.dilation),
                                    list(2, w.padding), list(2, w.stride),
                                    list(2, root->type.shape + 2)};
    return tdagi_guess_known(r, root, &spec, 1, &w.source, out);
}
