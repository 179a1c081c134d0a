/* Formulas of one variable as people write them out.
 *
 * A composite's lowering fixes one order of the factors and terms of, say, gelu; by
 * hand there are many. Here the value is read as number * x * (a*f(p(x)) + b) with a
 * polynomial p, whatever the order, and its numbers are compared with the formula's. */
#include <math.h>

#include "raise/guess/guess.h"

#define DEGREE  3
#define VISITED 48

/* What has been read so far: the nodes, and whether all of it fits. */
typedef struct reading {
    const tdagi_raiser *r;
    tdag_value x; /* the variable */
    tdag_value covered[VISITED];
    uint32_t n;
    bool failed;
} reading;

typedef struct polynomial {
    double c[DEGREE + 1];
} polynomial;

static const tdagi_node *visit(reading *w, tdag_value v)
{
    if (w->n == VISITED) {
        w->failed = true;
        return NULL;
    }
    w->covered[w->n++] = v;
    return tdagi_raiser_node(w->r, v);
}

static polynomial add(const polynomial *a, const polynomial *b)
{
    polynomial sum;
    for (uint32_t i = 0; i <= DEGREE; i++)
        sum.c[i] = a->c[i] + b->c[i];
    return sum;
}

static polynomial multiply(reading *w, const polynomial *a, const polynomial *b)
{
    polynomial product = {{0}};
    for (uint32_t i = 0; i <= DEGREE; i++)
        for (uint32_t j = 0; j <= DEGREE; j++) {
            double c = a->c[i] * b->c[j];
            if (c == 0) continue;
            if (i + j > DEGREE)
                w->failed = true;
            else
                product.c[i + j] += c;
        }
    return product;
}

/* v as a polynomial of w->x. Recursion ends by VISITED. */
static polynomial read_polynomial(reading *w, tdag_value v)
{
    polynomial p = {{0}};
    if (v.id == w->x.id) {
        p.c[1] = 1;
        return p;
    }
    const tdagi_node *n = w->failed ? NULL : visit(w, v);
    if (n == NULL) return p;
    const tdag_value *in = tdagi_node_inputs(n);
    if (tdagi_scalar_of(w->r, v, &p.c[0])) return p;
    if (n->op == TDAG_OP_ADD || n->op == TDAG_OP_MULTIPLY) {
        polynomial a = read_polynomial(w, in[0]), b = read_polynomial(w, in[1]);
        return n->op == TDAG_OP_ADD ? add(&a, &b) : multiply(w, &a, &b);
    }
    if (n->op == TDAG_OP_NEG) {
        p = read_polynomial(w, in[0]);
        for (uint32_t i = 0; i <= DEGREE; i++)
            p.c[i] = -p.c[i];
    } else if (n->op == TDAG_OP_RECIPROCAL && tdagi_scalar_of(w->r, in[0], &p.c[0])) {
        visit(w, in[0]);
        p.c[0] = 1 / p.c[0];
    } else {
        w->failed = true;
    }
    return p;
}

/* The factors of v that are no numbers, and the product of those that are. */
static double read_factors(reading *w, tdag_value v, tdag_value factors[2], uint32_t *n)
{
    double number;
    if (w->failed) return 0;
    const tdagi_node *node = tdagi_raiser_node(w->r, v);
    const tdag_value *in = tdagi_node_inputs(node);
    if (tdagi_scalar_of(w->r, v, &number)) {
        visit(w, v);
        return number;
    }
    if (node->op == TDAG_OP_RECIPROCAL && tdagi_scalar_of(w->r, in[0], &number)) {
        visit(w, v);
        visit(w, in[0]);
        return 1 / number;
    }
    if (node->op == TDAG_OP_MULTIPLY) {
        visit(w, v);
        number = read_factors(w, in[0], factors, n);
        return number * read_factors(w, in[1], factors, n);
    }
    if (*n == 2) w->failed = true;
    if (!w->failed) factors[(*n)++] = v;
    return 1;
}

static bool is_near(double got, double want, double tolerance)
{
    return fabs(got - want) <= tolerance * (want == 0 ? 1 : fabs(want));
}

/* number * x * (a*f(p(x)) + b), where f's node is `f`. */
static bool is_gelu(reading *w, double number, tdag_value x, tdag_value rest,
                    tdag_value f, bool tanh, double tolerance)
{
    w->x = f;
    polynomial outer = read_polynomial(w, rest);
    w->x = x;
    if (w->failed || visit(w, f) == NULL) return false;
    polynomial inner = read_polynomial(w, tdagi_step(w->r, f, TDAG_OP_NONE, 0));
    if (w->failed || outer.c[2] != 0 || outer.c[3] != 0 || inner.c[0] != 0 ||
        inner.c[2] != 0)
        return false;
    const double slope = tanh ? 0.79788456080286535 : 1, cube = tanh ? 0.044715 : 0;
    return is_near(number * outer.c[1], tanh ? 0.5 : 1, tolerance) &&
           is_near(number * outer.c[0], tanh ? 0.5 : 0, tolerance) &&
           is_near(inner.c[1], slope, tolerance) &&
           is_near(inner.c[3], slope * cube, tolerance);
}

static bool has_type(const tdagi_raiser *r, tdag_value v, const tdagi_type *type)
{
    tdagi_type t;
    tdagi_value_type(r->graph, v, &t);
    bool same = t.dtype == type->dtype && t.rank == type->rank;
    for (uint32_t i = 0; same && i < t.rank; i++)
        same = t.shape[i] == type->shape[i];
    return same;
}

/* The error function is a Gaussian in core ops, so that erf and ndtr are one case. */
tdag_status tdagi_guess_gelu_formula(tdagi_raiser *r, const tdagi_root *root,
                                     tdagi_match **out)
{
    if (root->type.dtype != TDAG_F32 && root->type.dtype != TDAG_F64) return TDAG_OK;
    const double tolerance = root->type.dtype == TDAG_F32 ? 1e-6 : 1e-9;
    reading start = {.r = r};
    tdag_value factors[2];
    uint32_t n = 0;
    double number = read_factors(&start, root->top, factors, &n);
    if (start.failed || n != 2) return TDAG_OK;
    for (uint32_t i = 0; i < 4; i++) {
        bool tanh = i >= 2;
        reading w = start;
        tdag_value x = factors[i & 1], rest = factors[1 - (i & 1)];
        tdag_value f =
            tdagi_find_below(r, rest, tanh ? TDAG_OP_TANH : TDAG_OP_GAUSSIAN, 12);
        if (f.id == 0 || !has_type(r, x, &root->type) ||
            !is_gelu(&w, number, x, rest, f, tanh, tolerance))
            continue;
        const tdagi_gelu_spec spec = {tanh};
        tdagi_guess g = {.composite = TDAGI_GELU, .spec = &spec, .n = 1};
        g.in[0] = x;
        return tdagi_accept_guess(r, root->v, &g, w.covered, w.n, out);
    }
    return TDAG_OK;
}
