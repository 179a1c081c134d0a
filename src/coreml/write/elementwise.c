/* Element-wise composites. */
#include <math.h>

#include "coreml/write/mil.h"

const tdagi_mil_emitter tdagi_mil_emitter_BY_PARTS = {.format = NULL};

const tdagi_mil_emitter *tdagi_mil_composite_emitter(uint32_t composite)
{
    static const tdagi_mil_emitter *const rows[TDAGI_N_COMPOSITES] = {
#define TDAGI_COMPOSITE(ID, name, definition, min, max, kind, native, exporter,        \
                        coreml)                                                        \
    [TDAGI_##ID] = &tdagi_mil_emitter_##coreml,
#include "derive/composites.def"
    };
    return rows[composite];
}

#define ROW(name, text)                                                                \
    const tdagi_mil_emitter tdagi_mil_emitter_##name = {.format = text}
ROW(sub, "sub(x=$0, y=$1)");
ROW(div, "real_div(x=$0, y=$1)");
ROW(pow, "pow(x=$0, y=$1)");
ROW(remainder, "mod(x=$0, y=$1)");
ROW(trunc, "mul(x=sign(x=$0), y=floor(x=abs(x=$0)))");
ROW(ceil, "ceil(x=$0)");
ROW(abs, "abs(x=$0)");
ROW(logical_not, "logical_not(x=$0)");
ROW(erf, "erf(x=$0)");
ROW(sigmoid, "sigmoid(x=$0)");
ROW(log_sigmoid, "mul(x=softplus(x=mul(x=$0, y=-1.0)), y=-1.0)");
ROW(silu, "silu(x=$0)");
ROW(mish, "mul(x=$0, y=tanh(x=softplus(x=$0)))");
ROW(hardsigmoid, "sigmoid_hard(x=$0, alpha=0.16666666666666666, beta=0.5)");
ROW(hardswish, "mul(x=$0, y=sigmoid_hard(x=$0, alpha=0.16666666666666666, beta=0.5))");

/* Whether it is never -0, which the operator, that adds its epsilon, takes for 0: a sum
 * with a number that is not 0. */
static bool is_never_minus_zero(tdagi_mil_writer *w, const tdagi_kernel *x)
{
    bool is = false;
    for (uint32_t i = 0; i < x->n_inputs && tdagi_mil_is_core(x, TDAG_OP_ADD); i++) {
        const tdagi_mil v = tdagi_mil_in(w, x, i);
        is = is || (v != NULL && v->is_number && v->number != 0);
    }
    return is;
}

static void emit_rsqrt(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    tdagi_mil_emit(w, k,
                   is_never_minus_zero(w, tdagi_mil_kernel(w, k->inputs[0]))
                       ? "rsqrt(x=$0, epsilon=0.0)"
                       : "real_div(x=1.0, y=sqrt(x=$0))");
}
const tdagi_mil_emitter tdagi_mil_emitter_rsqrt = {.emit = emit_rsqrt};

static void emit_relu(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    tdagi_mil_emit(w, k, k->dtype == TDAG_F32 ? "relu(x=$0)" : "maximum(x=$0, y=0.0)");
}
const tdagi_mil_emitter tdagi_mil_emitter_relu = {.emit = emit_relu};

static void emit_maximum(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    tdagi_mil_emit(
        w, k, k->dtype == TDAG_BOOL ? "logical_or(x=$0, y=$1)" : "maximum(x=$0, y=$1)");
}
const tdagi_mil_emitter tdagi_mil_emitter_maximum = {.emit = emit_maximum};

static void emit_minimum(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    tdagi_mil_emit(w, k,
                   k->dtype == TDAG_BOOL ? "logical_and(x=$0, y=$1)"
                                         : "minimum(x=$0, y=$1)");
}
const tdagi_mil_emitter tdagi_mil_emitter_minimum = {.emit = emit_minimum};

static void emit_pow_int(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_pow_int_spec *s = k->spec;
    if (k->dtype != TDAG_F32)
        tdagi_mil_by_parts(w, k);
    else if (s->exponent == 2)
        tdagi_mil_emit(w, k, "square(x=$0)");
    else
        tdagi_mil_emit(w, k, "pow(x=$0, y=%f)", (double)s->exponent);
}
const tdagi_mil_emitter tdagi_mil_emitter_pow_int = {.emit = emit_pow_int};

static void emit_round(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_round_spec *s = k->spec;
    if (s->decimals != 0)
        tdagi_mil_by_parts(w, k);
    else
        tdagi_mil_emit(w, k, "round(x=$0)");
}
const tdagi_mil_emitter tdagi_mil_emitter_round = {.emit = emit_round};

/* clip has no operand left out, and its ends differ. */
static void emit_clamp(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_clamp_spec *s = k->spec;
    const bool is_clip = k->dtype == TDAG_F32 && s->min < s->max;
    if (s->has_min && s->has_max)
        tdagi_mil_emit(w, k,
                       is_clip ? "clip(x=$0, alpha=%f, beta=%f)"
                               : "minimum(x=maximum(x=$0, y=%f), y=%f)",
                       s->min, s->max);
    else if (s->has_min)
        tdagi_mil_emit(w, k, "maximum(x=$0, y=%f)", s->min);
    else
        tdagi_mil_emit(w, k, "minimum(x=$0, y=%f)", s->max);
}
const tdagi_mil_emitter tdagi_mil_emitter_clamp = {.emit = emit_clamp};

static void emit_not_equal(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    if (!tdagi_mil_compare_truths(w, k, false))
        tdagi_mil_compare(w, k, "not_equal(x=%v, y=%v)");
}
const tdagi_mil_emitter tdagi_mil_emitter_not_equal = {.emit = emit_not_equal};

static void emit_less_equal(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    tdagi_mil_compare(w, k, "less_equal(x=%v, y=%v)");
}
const tdagi_mil_emitter tdagi_mil_emitter_less_equal = {.emit = emit_less_equal};

/* With u = 1 + x, log(u) x / (u - 1): what u lost of x is lost in both (Kahan). */
static void emit_log1p(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    tdagi_mil_emit_wide(
        w, k,
        "select(cond=equal(x=add(x=$0, y=1.0), y=1.0), a=$0, "
        "b=select(cond=greater(x=$0, y=1e8), a=log(x=$0, epsilon=0.0), "
        "b=mul(x=log(x=add(x=$0, y=1.0), epsilon=0.0), y=real_div(x=$0, "
        "y=sub(x=add(x=$0, y=1.0), y=1.0)))))");
}
const tdagi_mil_emitter tdagi_mil_emitter_log1p = {.emit = emit_log1p};

/* With u = exp(x), (u - 1) x / log(u), likewise, where u is neither 1 nor near 0. */
static void emit_expm1(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    tdagi_mil_emit_wide(
        w, k,
        "select(cond=equal(x=exp(x=$0), y=1.0), a=$0, "
        "b=select(cond=greater(x=abs(x=$0), y=16.0), a=sub(x=exp(x=$0), "
        "y=1.0), b=mul(x=sub(x=exp(x=$0), y=1.0), y=real_div(x=$0, "
        "y=log(x=exp(x=$0), epsilon=0.0)))))");
}
const tdagi_mil_emitter tdagi_mil_emitter_expm1 = {.emit = emit_expm1};

static void emit_leaky_relu(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_scalar_spec *s = k->spec;
    tdagi_mil_emit(w, k, "leaky_relu(x=$0, alpha=%f)", s->value);
}
const tdagi_mil_emitter tdagi_mil_emitter_leaky_relu = {.emit = emit_leaky_relu};

static void emit_elu(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_elu_spec *s = k->spec;
    if (s->input_scale != 1)
        tdagi_mil_by_parts(w, k);
    else if (s->scale == 1)
        tdagi_mil_emit(w, k, "elu(x=$0, alpha=%f)", s->alpha);
    else
        tdagi_mil_emit(w, k, "mul(x=elu(x=$0, alpha=%f), y=%f)", s->alpha, s->scale);
}
const tdagi_mil_emitter tdagi_mil_emitter_elu = {.emit = emit_elu};

static void emit_gelu(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_gelu_spec *s = k->spec;
    tdagi_mil_emit(w, k, "gelu(x=$0, mode=%s)",
                   s->tanh ? "TANH_APPROXIMATION" : "EXACT");
}
const tdagi_mil_emitter tdagi_mil_emitter_gelu = {.emit = emit_gelu};

/* Beyond PyTorch's usual threshold of 20 both are x. */
static void emit_softplus(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_softplus_spec *s = k->spec;
    if (s->threshold < 15)
        tdagi_mil_by_parts(w, k);
    else if (s->beta == 1)
        tdagi_mil_emit(w, k, "softplus(x=$0)");
    else
        tdagi_mil_emit(w, k, "real_div(x=softplus(x=mul(x=$0, y=%f)), y=%f)", s->beta,
                       s->beta);
}
const tdagi_mil_emitter tdagi_mil_emitter_softplus = {.emit = emit_softplus};

static void emit_masked_fill(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_scalar_spec *s = k->spec;
    if (k->dtype == TDAG_BOOL) {
        tdagi_mil_by_parts(w, k);
        return;
    }
    tdagi_mil x = tdagi_mil_expand(w, tdagi_mil_in(w, k, 0), k->rank, k->shape);
    tdagi_mil_emit(w, k, "select(cond=$1, a=%f, b=%v)", s->value, x);
}
const tdagi_mil_emitter tdagi_mil_emitter_masked_fill = {.emit = emit_masked_fill};

/* ---- the inverse of the Gaussian CDF: Wichura's AS 241, three rationals ---- */

static tdagi_mil polynomial(tdagi_mil_writer *w, tdagi_mil x, const double *c)
{
    tdagi_mil v = tdagi_mil_op(w, NULL, "mul(x=%v, y=%f)", x, c[7]);
    for (uint32_t i = 6; i > 0; i--)
        v = tdagi_mil_op(w, NULL, "mul(x=add(x=%v, y=%f), y=%v)", v, c[i], x);
    return tdagi_mil_op(w, NULL, "add(x=%v, y=%f)", v, c[0]);
}

static tdagi_mil rational(tdagi_mil_writer *w, tdagi_mil x, const double (*c)[8])
{
    return tdagi_mil_op(w, NULL, "real_div(x=%v, y=%v)", polynomial(w, x, c[0]),
                        polynomial(w, x, c[1]));
}

static const double center[2][8] = {
    {3.3871328727963666080e0, 1.3314166789178437745e+2, 1.9715909503065514427e+3,
     1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
     3.3430575583588128105e+4, 2.5090809287301226727e+3},
    {1.0, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
     2.1213794301586595867e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4,
     5.2264952788528545610e+3}};
static const double middle[2][8] = {
    {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
     3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
     2.27238449892691845833e-2, 7.74545014278341407640e-4},
    {1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
     1.05075007164441684324e-9}};
static const double far_out[2][8] = {
    {6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
     2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
     2.71155556874348757815e-5, 2.01033439929228813265e-7},
    {1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1,
     1.48753612908506148525e-2, 7.86869131145613259100e-4, 1.84631831751005468180e-5,
     1.42151175831644588870e-7, 2.04426310338993978564e-15}};

void tdagi_mil_inv_gaussian(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    tdagi_mil p = tdagi_mil_cast(w, tdagi_mil_in(w, k, 0), TDAG_F64);
    tdagi_mil q = tdagi_mil_op(w, NULL, "sub(x=%v, y=0.5)", p);
    tdagi_mil near = tdagi_mil_op(w, NULL, "sub(x=0.180625, y=mul(x=%v, y=%v))", q, q);
    near = tdagi_mil_op(w, NULL, "mul(x=%v, y=%v)", q, rational(w, near, center));
    tdagi_mil tail = tdagi_mil_op(
        w, NULL,
        "sqrt(x=mul(x=log(x=minimum(x=%v, y=sub(x=1.0, y=%v)), epsilon=0.0), y=-1.0))",
        p, p);
    tdagi_mil low = tdagi_mil_op(w, NULL, "sub(x=%v, y=1.6)", tail);
    tdagi_mil high = tdagi_mil_op(w, NULL, "sub(x=%v, y=5.0)", tail);
    tdagi_mil at =
        tdagi_mil_op(w, NULL, "select(cond=less_equal(x=%v, y=5.0), a=%v, b=%v)", tail,
                     rational(w, low, middle), rational(w, high, far_out));
    at = tdagi_mil_op(w, NULL, "select(cond=less(x=%v, y=inf), a=%v, b=%v)", tail, at,
                      tail);
    at = tdagi_mil_op(w, NULL, "mul(x=sign(x=%v), y=%v)", q, at);
    at = tdagi_mil_op(w, NULL,
                      "select(cond=less_equal(x=abs(x=%v), y=0.425), a=%v, b=%v)", q,
                      near, at);
    tdagi_mil_set(w, k, tdagi_mil_cast(w, at, TDAG_F32));
}
