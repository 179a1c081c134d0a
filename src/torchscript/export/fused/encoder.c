/* Layers of a transformer's encoder, for which PyTorch has one call. It has no
 * gradient, so it is written beside the layer's statements, for who runs without:
 *
 *   if torch.is_grad_enabled():
 *       ...
 *     v9 = torch.add(v8, v5)
 *   else:
 *     v9 = torch._transformer_encoder_layer_fwd(x, ...)
 *
 * Layers of which each is all that reads the one before stand in one branch.
 * It saves calls and computes nothing faster: large layers are left as they are. A
 * reader takes the first branch, as PyTorch does by default; both are proven. */
#include <math.h>
#include <string.h>

#include "torchscript/export/export.h"

#define MOST_MACS ((int64_t)1 << 26) /* of a layer for which calls count */

enum { QKV, OUT, NORM_1, NORM_2, FFN_1, FFN_2, N_WEIGHTS }; /* each with its bias */

struct tdagi_encoder_layer {
    uint32_t first, last; /* kernels; those between are all its own */
    uint32_t x, weights[2 * N_WEIGHTS];
    uint32_t n; /* kernels found so far */
    tdag_dim width, heads;
    double eps;
    bool is_gelu, norm_first;
    bool is_followed; /* by one whose `before` it is, in the same branch */
    struct tdagi_encoder_layer *next, *before;
};

typedef struct tdagi_encoder_layer layer;

static uint32_t input(const tdagi_exporter *e, uint32_t i, uint32_t nth)
{
    const tdagi_kernel *k = tdagi_export_kernel(e, i);
    return nth < k->n_inputs ? k->inputs[nth] : 0;
}

static bool is(const tdagi_exporter *e, uint32_t i, tdagi_composite composite)
{
    return i != 0 && tdagi_export_kernel(e, i)->composite == composite;
}

/* Takes kernel i, which has so many readers, all of the layer. */
static bool take(const tdagi_exporter *e, layer *l, uint32_t i, uint32_t readers)
{
    l->n++;
    l->first = i < l->first ? i : l->first;
    return i == l->last || e->uses[i] == readers;
}

/* Takes a linear or a normalisation with weight and bias; what it is of, or 0. */
static uint32_t take_weighted(const tdagi_exporter *e, layer *l, uint32_t i,
                              tdagi_composite composite, int which, uint32_t readers)
{
    if (!is(e, i, composite) || !take(e, l, i, readers)) return 0;
    uint32_t weight = l->weights[2 * which] = input(e, i, 1);
    l->weights[2 * which + 1] = input(e, i, 2);
    if (weight == 0 || input(e, i, 2) == 0) return 0;
    return tdagi_export_kernel(e, weight)->rank == (composite == TDAGI_LINEAR ? 2 : 1)
               ? input(e, i, 0)
               : 0;
}

static uint32_t take_norm(const tdagi_exporter *e, layer *l, uint32_t i, int which,
                          uint32_t readers)
{
    if (!is(e, i, TDAGI_LAYER_NORM)) return 0;
    const tdagi_layer_norm_spec *s = tdagi_export_kernel(e, i)->spec;
    if (l->eps != 0 && l->eps != s->eps) return 0;
    l->eps = s->eps;
    return take_weighted(e, l, i, TDAGI_LAYER_NORM, which, readers);
}

/* Takes a sum of a linear, which it gives, and something else. */
static uint32_t take_sum(const tdagi_exporter *e, layer *l, uint32_t i,
                         uint32_t readers, uint32_t *other)
{
    if (!tdagi_export_is_core(tdagi_export_kernel(e, i), TDAG_OP_ADD) ||
        !take(e, l, i, readers))
        return 0;
    for (uint32_t j = 0; j < 2; j++) {
        *other = input(e, i, 1 - j);
        if (is(e, input(e, i, j), TDAGI_LINEAR) && e->uses[input(e, i, j)] == 1)
            return input(e, i, j);
    }
    return 0;
}

/* Takes the change of places of the last axes but one, and the reshapes behind it. */
static uint32_t take_swap(const tdagi_exporter *e, layer *l, uint32_t i)
{
    const tdagi_kernel *k = tdagi_export_kernel(e, i);
    if (!tdagi_export_is_core(k, TDAG_OP_PERMUTE) || k->rank < 3 || !take(e, l, i, 1))
        return 0;
    const tdag_permute_spec *s = k->spec;
    for (uint32_t a = 0; a < k->rank; a++) {
        uint32_t back = k->rank - a;
        if (s->order.v[a] != (int64_t)(back == 3 ? a + 1 : back == 2 ? a - 1 : a))
            return 0;
    }
    return k->inputs[0];
}

static uint32_t take_reshapes(const tdagi_exporter *e, layer *l, uint32_t i)
{
    while (tdagi_export_is_reshape(tdagi_export_kernel(e, i))) {
        if (!take(e, l, i, 1)) return 0;
        i = input(e, i, 0);
    }
    return i;
}

/* Takes what makes heads of the part'th of three parts of the linear that it gives. */
static uint32_t take_heads(const tdagi_exporter *e, layer *l, uint32_t i, int64_t part)
{
    const tdagi_kernel *heads = tdagi_export_kernel(e, i);
    uint32_t swapped = take_swap(e, l, i);
    if (swapped == 0 || heads->rank < 3) return 0;
    uint32_t at = take_reshapes(e, l, swapped);
    const tdagi_kernel *k = tdagi_export_kernel(e, at);
    if (at == 0 || !tdagi_export_is_core(k, TDAG_OP_SLICE) || !take(e, l, at, 1) ||
        k->rank + 1 != heads->rank)
        return 0;
    const tdag_slice_spec *s = k->spec;
    const tdagi_kernel *whole = tdagi_export_input(e, k, 0);
    uint32_t last = k->rank - 1u;
    for (uint32_t a = 0; a < last; a++)
        if (s->start.v[a] != 0 || s->end.v[a] != whole->shape[a]) return 0;
    l->heads = heads->shape[heads->rank - 3];
    l->width = k->shape[last];
    bool fits = l->width > 0 && l->heads > 0 && whole->shape[last] == 3 * l->width &&
                s->start.v[last] == part * l->width &&
                heads->shape[heads->rank - 1] * l->heads == l->width &&
                heads->shape[heads->rank - 2] == k->shape[last - 1];
    return fits ? k->inputs[0] : 0;
}

/* Takes attention of as many heads, one width each, and gives what it is of. */
static uint32_t take_attention(const tdagi_exporter *e, layer *l, uint32_t i,
                               uint32_t readers)
{
    uint32_t joined = take_weighted(e, l, i, TDAGI_LINEAR, OUT, readers);
    uint32_t swapped = joined == 0 ? 0 : take_reshapes(e, l, joined);
    uint32_t a = swapped == 0 ? 0 : take_swap(e, l, swapped), qkv = 0;
    if (a == 0 || !is(e, a, TDAGI_ATTENTION) || input(e, a, 3) != 0 ||
        !take(e, l, a, 1))
        return 0;
    const tdagi_attention_spec *s = tdagi_export_kernel(e, a)->spec;
    for (uint32_t part = 0; part < 3; part++) {
        uint32_t of = take_heads(e, l, input(e, a, part), part);
        if (of == 0 || (part > 0 && of != qkv)) return 0;
        qkv = of;
    }
    double usual = 1 / sqrt((double)l->width / (double)l->heads);
    if (s->causal || fabs(s->scale - usual) > 1e-12 * usual || l->heads % 2 != 0)
        return 0;
    return take_weighted(e, l, qkv, TDAGI_LINEAR, QKV, 3);
}

/* Takes linear, activation, linear, and gives what it is of. */
static uint32_t take_feed_forward(const tdagi_exporter *e, layer *l, uint32_t i)
{
    uint32_t a = take_weighted(e, l, i, TDAGI_LINEAR, FFN_2, 1);
    l->is_gelu = is(e, a, TDAGI_GELU);
    if (l->is_gelu &&
        ((const tdagi_gelu_spec *)tdagi_export_kernel(e, a)->spec)->tanh != 0)
        return 0;
    if ((!l->is_gelu && !is(e, a, TDAGI_RELU)) || !take(e, l, a, 1)) return 0;
    return take_weighted(e, l, input(e, a, 0), TDAGI_LINEAR, FFN_1, 1);
}

/* x1 = norm(x + attend(x)), norm(x1 + feed(x1)) */
static bool find_post(const tdagi_exporter *e, layer *l)
{
    uint32_t x1 = 0, sum = take_norm(e, l, l->last, NORM_2, 1);
    uint32_t feed = sum == 0 ? 0 : take_sum(e, l, sum, 1, &x1);
    if (feed == 0 || take_feed_forward(e, l, feed) != x1) return false;
    sum = take_norm(e, l, x1, NORM_1, 2);
    uint32_t attend = sum == 0 ? 0 : take_sum(e, l, sum, 1, &l->x);
    return attend != 0 && take_attention(e, l, attend, 1) == l->x;
}

/* x1 = x + attend(norm(x)), x1 + feed(norm(x1)) */
static bool find_pre(const tdagi_exporter *e, layer *l)
{
    uint32_t x1 = 0, feed = take_sum(e, l, l->last, 1, &x1);
    uint32_t norm = feed == 0 ? 0 : take_feed_forward(e, l, feed);
    if (norm == 0 || take_norm(e, l, norm, NORM_2, 1) != x1) return false;
    uint32_t attend = take_sum(e, l, x1, 2, &l->x);
    norm = attend == 0 ? 0 : take_attention(e, l, attend, 1);
    return norm != 0 && take_norm(e, l, norm, NORM_1, 1) == l->x;
}

/* Whether nothing else stands between its kernels, and it is one whose calls count. */
static bool is_whole(const tdagi_exporter *e, const layer *l)
{
    const tdagi_kernel *x = tdagi_export_kernel(e, l->x),
                       *ffn = tdagi_export_kernel(e, l->weights[2 * FFN_1]);
    uint32_t n = 0;
    for (uint32_t i = l->first; i <= l->last; i++)
        n += !tdagi_export_is_leaf(tdagi_export_kernel(e, i));
    int64_t macs = 4 * l->width * l->width, feed = 2 * l->width * ffn->shape[0];
    bool is_small = l->width < INT16_MAX && ffn->shape[0] < INT16_MAX;
    macs += feed;
    for (uint32_t a = 0; a + 1 < x->rank; a++)
        is_small =
            is_small && !__builtin_mul_overflow(
                            macs, tdagi_dim_sample(e->r->pool, x->shape[a]), &macs);
    return n == l->n && l->x < l->first && is_small && macs <= MOST_MACS &&
           (x->rank == 2 || x->rank == 3) && x->shape[x->rank - 1] == l->width &&
           x->dtype == TDAG_F32;
}

/* Whether l is all that reads the layer, and stands right behind it. */
static bool follows(const tdagi_exporter *e, const layer *l, const layer *before)
{
    if (before == NULL || l->x != before->last || e->uses[l->x] != 2) return false;
    for (uint32_t i = before->last + 1; i < l->first; i++)
        if (!tdagi_export_is_leaf(tdagi_export_kernel(e, i))) return false;
    return true;
}

void tdagi_encoder_plan(tdagi_exporter *e)
{
    for (uint32_t i = 1; i <= e->r->n && !e->is_functional; i++) {
        layer l = {.first = i, .last = i};
        bool is_post = is(e, i, TDAGI_LAYER_NORM);
        if (!is_post && !tdagi_export_is_core(tdagi_export_kernel(e, i), TDAG_OP_ADD))
            continue;
        if (!(is_post ? find_post(e, &l) : find_pre(e, &l)) || !is_whole(e, &l))
            continue;
        l.norm_first = !is_post;
        l.next = e->encoder;
        if (follows(e, &l, l.next)) l.before = l.next;
        layer *kept = tdagi_arena_alloc(&e->arena, sizeof *kept);
        if (kept == NULL) {
            e->body.status = tdagi_nomem(e->ctx);
            return;
        }
        *kept = l;
        e->encoder = kept;
        if (l.before != NULL) l.before->is_followed = true;
    }
}

/* ---- writing ---- */

/* The lines from `start` on stand in a branch. */
static void indent(tdagi_text *body, size_t start)
{
    for (size_t i = start; body->status == TDAG_OK && i < body->length; i++) {
        if (i > start && body->data[i - 1] != '\n') continue;
        tdagi_text_add(body, "  ");
        if (body->status != TDAG_OK) return;
        memmove(body->data + i + 2, body->data + i, body->length - 2 - i);
        memcpy(body->data + i, "  ", 2);
    }
}

/* The first one of those that stand in one branch. */
static const layer *first_of(const layer *l)
{
    while (l->before != NULL)
        l = l->before;
    return l;
}

void tdagi_encoder_begin(tdagi_exporter *e, uint32_t i)
{
    const layer *l = e->encoder;
    while (l != NULL && (l->first != i || l->before != NULL))
        l = l->next;
    if (l == NULL) return;
    tdagi_export_value(e, l->x);
    for (const layer *in = e->encoder; in != NULL; in = in->next)
        for (uint32_t k = 0; k < 2 * N_WEIGHTS && first_of(in) == l; k++)
            tdagi_export_value(e, in->weights[k]);
    tdagi_text_add(&e->body, "    if torch.is_grad_enabled():\n");
    e->branch = e->body.length;
    e->has_branches = true;
}

/* A single sample is a batch of one, from the first layer's call to the last one's. */
static void write_call(tdagi_exporter *e, const layer *l)
{
    const tdagi_kernel *k = tdagi_export_kernel(e, l->last);
    bool is_single = k->rank == 2, is_inner = is_single && l->is_followed;
    if (is_inner)
        tdagi_export_piece(e, k, "      %ms%i = ", (int64_t)l->last);
    else
        tdagi_export_piece(e, k, "      %v = ", l->last);
    if (is_single && !is_inner) tdagi_text_add(&e->body, "torch.squeeze(");
    tdagi_text_add(&e->body, "torch._transformer_encoder_layer_fwd(");
    if (is_single && l->before != NULL)
        tdagi_export_piece(e, k, "%ms%i", (int64_t)l->x);
    else
        tdagi_export_piece(e, k, is_single ? "torch.unsqueeze(%v, 0)" : "%v", l->x);
    const uint32_t *w = l->weights;
    tdagi_export_piece(e, k, ", %d, %d, %v, %v, %v, %v, %b, %b, %f", l->width, l->heads,
                       w[2 * QKV], w[2 * QKV + 1], w[2 * OUT], w[2 * OUT + 1],
                       (int64_t)l->is_gelu, (int64_t)l->norm_first, l->eps);
    static const char order[] = {NORM_1, NORM_2, FFN_1, FFN_2};
    for (uint32_t n = 0; n < sizeof order; n++)
        tdagi_export_piece(e, k, ", %v, %v", w[2 * order[n]], w[2 * order[n] + 1]);
    tdagi_text_add(&e->body, is_single && !is_inner ? "), 0)\n" : ")\n");
}

static void write_calls(tdagi_exporter *e, const layer *l)
{
    if (l->before != NULL) write_calls(e, l->before);
    write_call(e, l);
}

void tdagi_encoder_end(tdagi_exporter *e, uint32_t i)
{
    const layer *l = e->encoder;
    while (l != NULL && l->last != i)
        l = l->next;
    if (l == NULL || l->is_followed || e->body.status != TDAG_OK) return;
    indent(&e->body, e->branch);
    tdagi_text_add(&e->body, "    else:\n");
    write_calls(e, l);
}
