/* Guesses of normalisations: layer, rms, group, instance, batch norm. */
#include "raise/patterns.h"

#define ANY TDAG_OP_NONE
#define GUESS(name)                                                                    \
    tdag_status tdagi_guess_##name(tdagi_raiser *r, const tdagi_root *root,            \
                                   tdagi_match **out)

static uint32_t op_of(const tdagi_raiser *r, tdag_value v)
{
    return v.id == 0 ? TDAG_OP_NONE : tdagi_raiser_node(r, v)->op;
}

/* 1/sqrt(...) among the inputs of a multiply, and what it multiplies. */
static bool scaled(const tdagi_raiser *r, tdag_value v, tdag_value *inverse,
                   tdag_value *x)
{
    if (op_of(r, v) != TDAG_OP_MULTIPLY) return false;
    for (uint32_t i = 0; i < 2; i++) {
        tdag_value q = tdagi_raiser_input(r, v, i);
        if (op_of(r, tdagi_step(r, q, TDAG_OP_RECIPROCAL, 0)) != TDAG_OP_SQRT) continue;
        *inverse = q;
        *x = tdagi_raiser_input(r, v, 1 - i);
        return true;
    }
    return false;
}

/* x + eps below 1/sqrt. */
static bool read_eps(const tdagi_raiser *r, const tdagi_root *root, tdag_value inverse,
                     tdag_value *x, double *eps)
{
    tdag_value sum = tdagi_step(r, tdagi_step(r, inverse, ANY, 0), TDAG_OP_SQRT, 0);
    if (op_of(r, sum) != TDAG_OP_ADD) return false;
    for (uint32_t i = 0; i < 2; i++) {
        if (!tdagi_scalar_of(r, tdagi_raiser_input(r, sum, i), eps)) continue;
        *x = tdagi_raiser_input(r, sum, 1 - i);
        *eps = tdagi_shortest(root->half ? TDAG_F32 : root->type.dtype, *eps);
        return true;
    }
    return false;
}

/* ---- over axes of x itself ---- */

typedef struct parts {
    tdag_value weight, bias; /* as they meet x; id 0: absent */
    tdag_value source;       /* what is normalised: x, or its group form */
    tdag_list axes;
    double eps;
    bool centered, grouped;
} parts;

/* The scaled value at v, maybe below the group that joins channels again. */
static bool read_core(const tdagi_raiser *r, tdag_value v, parts *p,
                      tdag_value *inverse, tdag_value *x)
{
    p->grouped = op_of(r, v) == TDAG_OP_GROUP;
    return scaled(r, p->grouped ? tdagi_raiser_input(r, v, 0) : v, inverse, x);
}

/* The same times a weight, or not. */
static bool read_weighted(const tdagi_raiser *r, tdag_value v, parts *p,
                          tdag_value *inverse, tdag_value *x)
{
    p->weight = TDAG_NO_VALUE;
    if (read_core(r, v, p, inverse, x)) return true;
    if (op_of(r, v) != TDAG_OP_MULTIPLY) return false;
    for (uint32_t i = 0; i < 2; i++) {
        p->weight = tdagi_raiser_input(r, v, 1 - i);
        if (read_core(r, tdagi_raiser_input(r, v, i), p, inverse, x)) return true;
    }
    return false;
}

/* The same plus a bias, or not. */
static bool read_affine(const tdagi_raiser *r, tdag_value v, parts *p,
                        tdag_value *inverse, tdag_value *x)
{
    if (read_weighted(r, v, p, inverse, x)) return true;
    if (op_of(r, v) != TDAG_OP_ADD) return false;
    for (uint32_t i = 0; i < 2; i++) {
        p->bias = tdagi_raiser_input(r, v, 1 - i);
        if (read_weighted(r, tdagi_raiser_input(r, v, i), p, inverse, x)) return true;
    }
    return false;
}

static bool read_parts(const tdagi_raiser *r, const tdagi_root *root, parts *p)
{
    tdag_value inverse, x, mean;
    *p = (parts){.eps = 0};
    if (!read_affine(r, root->top, p, &inverse, &x)) return false;
    if (!read_eps(r, root, inverse, &mean, &p->eps)) return false;
    if (op_of(r, mean) != TDAG_OP_REDUCE) return false;
    const tdag_reduce_spec *spec = tdagi_raiser_node(r, mean)->u.spec;
    p->axes = spec->axes;
    p->source = x;
    tdag_value neg = tdagi_step(r, x, TDAG_OP_ADD, 1);
    if (op_of(r, tdagi_step(r, neg, TDAG_OP_NEG, 0)) == TDAG_OP_REDUCE) {
        p->centered = true;
        p->source = tdagi_step(r, x, TDAG_OP_ADD, 0);
    }
    return spec->kind == TDAG_REDUCE_MEAN;
}

static bool last_axes(tdag_list axes, uint32_t rank)
{
    for (uint32_t i = 0; i < axes.n; i++)
        if (axes.v[i] != (int64_t)(rank - axes.n + i)) return false;
    return axes.n > 0;
}

/* v has just the last n dims of x. */
static bool has_last_dims(const tdagi_raiser *r, tdag_value v, tdag_value x, uint32_t n)
{
    if (v.id == 0) return true;
    const tdagi_node *a = tdagi_raiser_node(r, v), *b = tdagi_raiser_node(r, x);
    if (a->rank != n) return false;
    for (uint32_t i = 0; i < n; i++)
        if (a->shape[i] != b->shape[b->rank - n + i]) return false;
    return true;
}

/* The [C] that v is a per-channel form of. */
static tdag_value channel(const tdagi_raiser *r, const tdagi_root *root, tdag_value v)
{
    if (op_of(r, v) == TDAG_OP_UNSQUEEZE) v = tdagi_raiser_input(r, v, 0);
    return tdagi_narrow(r, root, v);
}

static tdag_status guess3(tdagi_raiser *r, const tdagi_root *root, const void *spec,
                          tdag_value x, tdag_value weight, tdag_value bias,
                          tdagi_match **out)
{
    const tdag_value in[3] = {x, weight, bias};
    return tdagi_guess_known(r, root, spec, 3, in, out);
}

static tdag_status try_last(tdagi_raiser *r, tdagi_root *root, const parts *p,
                            tdagi_match **out)
{
    tdagi_layer_norm_spec spec = {p->axes.n, p->eps};
    tdag_value x = tdagi_narrow(r, root, p->source);
    tdag_value w = tdagi_narrow(r, root, p->weight), b = tdagi_narrow(r, root, p->bias);
    if (!last_axes(p->axes, tdagi_raiser_node(r, x)->rank)) return TDAG_OK;
    if (!has_last_dims(r, w, x, p->axes.n) || !has_last_dims(r, b, x, p->axes.n))
        return TDAG_OK;
    root->composite = p->centered ? TDAGI_LAYER_NORM : TDAGI_RMS_NORM;
    const tdag_value in[3] = {x, w, b};
    if (!p->centered && b.id != 0) return TDAG_OK;
    return tdagi_guess_known(r, root, &spec, p->centered ? 3 : 2, in, out);
}

static tdag_status try_groups(tdagi_raiser *r, tdagi_root *root, const parts *p,
                              tdagi_match **out)
{
    tdag_value x = tdagi_step(r, p->source, TDAG_OP_UNGROUP, 0);
    if (x.id == 0 || tdagi_raiser_node(r, p->source)->rank < 2) return TDAG_OK;
    int64_t groups = tdagi_raiser_node(r, p->source)->shape[1];
    tdagi_group_norm_spec spec = {groups, p->eps};
    if (groups < 1) return TDAG_OK;
    root->composite = TDAGI_GROUP_NORM;
    return guess3(r, root, &spec, tdagi_narrow(r, root, x), channel(r, root, p->weight),
                  channel(r, root, p->bias), out);
}

static tdag_status try_instance(tdagi_raiser *r, tdagi_root *root, const parts *p,
                                tdagi_match **out)
{
    uint32_t rank = tdagi_raiser_node(r, p->source)->rank;
    tdagi_eps_spec spec = {p->eps};
    if (rank < 3 || p->axes.n != rank - 2) return TDAG_OK;
    root->composite = TDAGI_INSTANCE_NORM;
    return guess3(r, root, &spec, tdagi_narrow(r, root, p->source),
                  channel(r, root, p->weight), channel(r, root, p->bias), out);
}

GUESS(norm)
{
    parts p;
    tdagi_root row = *root;
    if (!read_parts(r, root, &p)) return TDAG_OK;
    if (p.grouped) return try_groups(r, &row, &p, out);
    TDAGI_TRY(try_last(r, &row, &p, out));
    if (*out == NULL && p.centered) TDAGI_TRY(try_instance(r, &row, &p, out));
    return TDAG_OK;
}

/* ---- by given statistics ---- */

/* The values below the views and converts that lay a statistic out per channel. */
static tdag_value below_unsqueeze(const tdagi_raiser *r, tdag_value v)
{
    return op_of(r, v) == TDAG_OP_UNSQUEEZE ? tdagi_raiser_input(r, v, 0) : v;
}

/* scale = 1/sqrt(var + eps) [* weight] */
static bool read_scale(const tdagi_raiser *r, const tdagi_root *root, tdag_value scale,
                       tdag_value *var, tdag_value *weight, double *eps)
{
    tdag_value inverse = scale;
    *weight = TDAG_NO_VALUE;
    if (op_of(r, scale) == TDAG_OP_MULTIPLY && !scaled(r, scale, &inverse, weight))
        return false;
    if (op_of(r, inverse) != TDAG_OP_RECIPROCAL) return false;
    return read_eps(r, root, inverse, var, eps);
}

GUESS(batch_norm)
{
    for (uint32_t i = 0; i < 4 && *out == NULL; i++) { /* which side, which factor */
        tdag_value product = tdagi_step(r, root->top, TDAG_OP_ADD, i / 2);
        tdag_value shift =
            below_unsqueeze(r, tdagi_step(r, root->top, TDAG_OP_ADD, 1 - i / 2));
        tdag_value scale =
            below_unsqueeze(r, tdagi_step(r, product, TDAG_OP_MULTIPLY, 1 - i % 2));
        tdag_value in[5] = {tdagi_step(r, product, TDAG_OP_MULTIPLY, i % 2)};
        tdagi_eps_spec spec;
        if (in[0].id == 0 || !read_scale(r, root, scale, &in[2], &in[3], &spec.eps))
            continue;
        tdag_value neg = shift;
        if (op_of(r, shift) == TDAG_OP_ADD) {
            neg = tdagi_step_to(r, shift, TDAG_OP_NEG);
            in[4] = tdagi_step_other(r, shift, neg);
        }
        tdag_value both = tdagi_step(r, neg, TDAG_OP_NEG, 0);
        if (op_of(r, both) != TDAG_OP_MULTIPLY) continue;
        in[1] = tdagi_step_other(r, both, scale);
        for (uint32_t k = 0; k < 5; k++)
            in[k] = tdagi_narrow(r, root, in[k]);
        TDAGI_TRY(tdagi_guess_known(r, root, &spec, 5, in, out));
    }
    return TDAG_OK;
}
