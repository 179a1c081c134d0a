/* Core ops that no composite took: leaves, element-wise ops, reductions, orders. */
#include "coreml/write/mil.h"

static void emit_input(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    (void)k;
    tdagi_mil_fail(w, TDAG_E_INTERNAL, "a leaf is emitted");
}
#define LEAF(name) static const tdagi_mil_emitter core_##name = {.emit = emit_input}
LEAF(input);
LEAF(parameter);
LEAF(buffer);
LEAF(constant);
static const tdagi_mil_emitter core_opaque = {.emit = tdagi_mil_opaque};
LEAF(group);
LEAF(ungroup);
LEAF(squeeze);
LEAF(unsqueeze);

enum { MOST_LISTED = 64 };

static void emit_iota(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    double v[MOST_LISTED];
    const tdag_iota_spec *s = k->spec;
    const tdag_dtype dtype = (tdag_dtype)k->dtype;
    for (int64_t i = 0; i < s->n && i < MOST_LISTED; i++)
        v[i] = (double)i;
    if (s->n >= 0 && s->n <= MOST_LISTED) {
        tdagi_mil_set(w, k, tdagi_mil_numbers(w, dtype, 1, &s->n, v));
        return;
    }
    tdagi_type type;
    tdagi_mil_type_of(k, &type);
    type.dtype = TDAG_I64;
    tdagi_mil at = tdagi_mil_op(w, &type, "range_1d(start=0, end=%d, step=1)", s->n);
    tdagi_mil_set(w, k, tdagi_mil_cast(w, at, dtype));
}
static const tdagi_mil_emitter core_iota = {.emit = emit_iota};

/* ---- reductions, scans ---- */

tdagi_mil tdagi_mil_reduce(tdagi_mil_writer *w, const tdagi_kernel *k, bool keep,
                           const tdagi_type *type)
{
    static const char *const names[] = {
        [TDAG_REDUCE_SUM] = "reduce_sum(x=%v, axes=%l, keep_dims=%b)",
        [TDAG_REDUCE_PRODUCT] = "reduce_prod(x=%v, axes=%l, keep_dims=%b)",
        [TDAG_REDUCE_MIN] = "reduce_min(x=%v, axes=%l, keep_dims=%b)",
        [TDAG_REDUCE_MAX] = "reduce_max(x=%v, axes=%l, keep_dims=%b)",
        [TDAG_REDUCE_MEAN] = "reduce_mean(x=%v, axes=%l, keep_dims=%b)"};
    const tdag_reduce_spec *s = k->spec;
    tdagi_mil x = tdagi_mil_in(w, k, 0);
    tdagi_type as = *type;
    if (x == NULL || s->axes.n == 0) return x;
    if (as.dtype == TDAG_BOOL) as.dtype = TDAG_I64;
    x = tdagi_mil_op(w, &as, names[s->kind], tdagi_mil_cast(w, x, as.dtype), &s->axes,
                     (int)keep);
    return tdagi_mil_cast(w, x, type->dtype);
}

static void emit_reduce(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    tdagi_type type;
    tdagi_mil_type_of(k, &type);
    tdagi_mil_set(w, k, tdagi_mil_reduce(w, k, true, &type));
}
static const tdagi_mil_emitter core_reduce = {.emit = emit_reduce};

/* What stands before position n of an axis, what is combined with what stands n before
 * it: log2 of the axis such steps are a scan. */
static tdagi_mil scan_step(tdagi_mil_writer *w, tdagi_mil x, int64_t axis, int64_t n,
                           const char *format)
{
    const int64_t size = x->type.shape[axis];
    tdagi_mil parts[2] = {tdagi_mil_slice1(w, x, axis, 0, n)};
    parts[1] = tdagi_mil_op(w, NULL, format, tdagi_mil_slice1(w, x, axis, n, size),
                            tdagi_mil_slice1(w, x, axis, 0, size - n));
    return tdagi_mil_op(w, &x->type, "concat(values=%n, axis=%i, interleave=false)", 2u,
                        parts, axis);
}

static void emit_scan(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    static const char *const formats[] = {[TDAG_REDUCE_PRODUCT] = "mul(x=%v, y=%v)",
                                          [TDAG_REDUCE_MIN] = "minimum(x=%v, y=%v)",
                                          [TDAG_REDUCE_MAX] = "maximum(x=%v, y=%v)"};
    const tdag_scan_spec *s = k->spec;
    if (s->kind == TDAG_REDUCE_SUM) {
        tdagi_mil_emit(w, k, "cumsum(x=$0, axis=%i, exclusive=false, reverse=false)",
                       s->axis);
        return;
    }
    if (k->shape[s->axis] < 0) {
        tdagi_mil_fail(w, TDAG_E_UNSUPPORTED,
                       "a running product, minimum or maximum over an open size; give "
                       "it as a number (--at)");
        return;
    }
    tdagi_mil x = tdagi_mil_in(w, k, 0);
    for (int64_t n = 1; n < k->shape[s->axis] && x != NULL; n *= 2)
        x = scan_step(w, x, s->axis, n, formats[s->kind]);
    tdagi_mil_set(w, k, x);
}
static const tdagi_mil_emitter core_scan = {.emit = emit_scan};

static void emit_argsort(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdag_argsort_spec *s = k->spec;
    tdagi_mil_emit(w, k, "argsort(x=%v, axis=%i, ascending=%b)",
                   tdagi_mil_numeric(w, tdagi_mil_in(w, k, 0)), s->axis,
                   !s->descending);
}
static const tdagi_mil_emitter core_argsort = {.emit = emit_argsort};

/* ---- unary ---- */

#define UNARY(name, text) static const tdagi_mil_emitter core_##name = {.format = text}
UNARY(neg, "mul(x=$0, y=-1.0)");
UNARY(reciprocal, "real_div(x=1.0, y=$0)");
UNARY(sqrt, "sqrt(x=$0)");
UNARY(exp, "exp(x=$0)");
UNARY(log, "log(x=$0, epsilon=0.0)");
UNARY(sin, "sin(x=$0)");
UNARY(arcsin, "asin(x=$0)");
UNARY(cos, "cos(x=$0)");
UNARY(arccos, "acos(x=$0)");
UNARY(tan, "tan(x=$0)");
UNARY(arctan, "atan(x=$0)");
UNARY(sinh, "sinh(x=$0)");
UNARY(cosh, "cosh(x=$0)");
UNARY(tanh, "tanh(x=$0)");
UNARY(arctanh, "atanh(x=$0)");
UNARY(sign, "sign(x=$0)");

static void emit_floor(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    if (k->dtype == TDAG_F32)
        tdagi_mil_emit(w, k, "floor(x=$0)");
    else
        tdagi_mil_set(w, k, tdagi_mil_in(w, k, 0));
}
static const tdagi_mil_emitter core_floor = {.emit = emit_floor};

/* A formula over fp32: $0 is the operand as such, and so is the result. */
void tdagi_mil_emit_wide(tdagi_mil_writer *w, const tdagi_kernel *k, const char *format)
{
    tdagi_type type;
    tdagi_mil_type_of(k, &type);
    type.dtype = TDAG_F64;
    const tdagi_mil wide = tdagi_mil_cast(w, tdagi_mil_in(w, k, 0), TDAG_F64),
                    *before = w->now.operands;
    w->now.operands = &wide;
    tdagi_mil v = tdagi_mil_op(w, &type, format);
    w->now.operands = before;
    tdagi_mil_set(w, k, tdagi_mil_cast(w, v, TDAG_F32));
}

/* Near 0 by arctanh, which does not cancel; far out 1 no longer counts. */
static void emit_arcsinh(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    tdagi_mil_emit_wide(
        w, k,
        "select(cond=less(x=abs(x=$0), y=0.5), a=atanh(x=real_div(x=$0, "
        "y=sqrt(x=add(x=mul(x=$0, y=$0), y=1.0)))), b=mul(x=sign(x=$0), "
        "y=select(cond=less(x=abs(x=$0), y=1e8), a=log(x=add(x=abs(x=$0), "
        "y=sqrt(x=add(x=mul(x=$0, y=$0), y=1.0))), epsilon=0.0), "
        "b=add(x=log(x=abs(x=$0), epsilon=0.0), y=0.6931471805599453))))");
}
static const tdagi_mil_emitter core_arcsinh = {.emit = emit_arcsinh};

static void emit_arccosh(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    tdagi_mil_emit_wide(
        w, k,
        "select(cond=less(x=$0, y=2.0), a=mul(x=atanh(x=sqrt(x=real_div(x=sub(x=$0, "
        "y=1.0), y=add(x=$0, y=1.0)))), y=2.0), b=select(cond=less(x=$0, y=1e8), "
        "a=log(x=add(x=$0, y=sqrt(x=mul(x=sub(x=$0, y=1.0), y=add(x=$0, "
        "y=1.0)))), epsilon=0.0), b=add(x=log(x=$0, epsilon=0.0), "
        "y=0.6931471805599453)))");
}
static const tdagi_mil_emitter core_arccosh = {.emit = emit_arccosh};

UNARY(gaussian, "mul(x=add(x=erf(x=mul(x=$0, y=0.7071067811865476)), y=1.0), y=0.5)");

static const tdagi_mil_emitter core_inv_gaussian = {.emit = tdagi_mil_inv_gaussian};

static void emit_convert(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    tdagi_mil_set(w, k, tdagi_mil_cast(w, tdagi_mil_in(w, k, 0), (tdag_dtype)k->dtype));
}
static const tdagi_mil_emitter core_convert = {.emit = emit_convert};

/* ---- binary, where ---- */

UNARY(floor_divide, "floor_div(x=$0, y=$1)");

static void emit_add(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    tdagi_mil_emit(
        w, k, k->dtype == TDAG_BOOL ? "logical_or(x=$0, y=$1)" : "add(x=$0, y=$1)");
}
static const tdagi_mil_emitter core_add = {.emit = emit_add};

static void emit_multiply(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    tdagi_mil_emit(
        w, k, k->dtype == TDAG_BOOL ? "logical_and(x=$0, y=$1)" : "mul(x=$0, y=$1)");
}
static const tdagi_mil_emitter core_multiply = {.emit = emit_multiply};

bool tdagi_mil_compare_truths(tdagi_mil_writer *w, const tdagi_kernel *k, bool equals)
{
    for (uint32_t i = 0; i < 2; i++) {
        const tdagi_mil x = tdagi_mil_in(w, k, i), y = tdagi_mil_in(w, k, 1 - i);
        if (x == NULL || y == NULL || x->type.dtype != TDAG_BOOL ||
            y->elements == NULL || y->type.rank != 0)
            continue;
        if ((y->elements[0] != 0) == equals)
            tdagi_mil_set(w, k, x);
        else
            tdagi_mil_emit(w, k, "logical_not(x=%v)", x);
        return true;
    }
    return false;
}

void tdagi_mil_compare(tdagi_mil_writer *w, const tdagi_kernel *k, const char *format)
{
    tdagi_mil_emit(w, k, format, tdagi_mil_numeric(w, tdagi_mil_in(w, k, 0)),
                   tdagi_mil_numeric(w, tdagi_mil_in(w, k, 1)));
}

static void emit_less(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    tdagi_mil_compare(w, k, "less(x=%v, y=%v)");
}
static const tdagi_mil_emitter core_less = {.emit = emit_less};

static void emit_equal(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    if (!tdagi_mil_compare_truths(w, k, true))
        tdagi_mil_compare(w, k, "equal(x=%v, y=%v)");
}
static const tdagi_mil_emitter core_equal = {.emit = emit_equal};

static void emit_where(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    tdagi_type ab = {TDAG_F32, 0, {0}}, type;
    tdagi_mil a = tdagi_mil_in(w, k, 1), b = tdagi_mil_in(w, k, 2);
    if (k->dtype == TDAG_BOOL) {
        tdagi_mil_emit(w, k,
                       "logical_or(x=logical_and(x=$0, y=$1), "
                       "y=logical_and(x=logical_not(x=$0), y=$2))");
        return;
    }
    if (a == NULL || b == NULL) return;
    tdagi_mil_type_of(k, &type);
    tdagi_mil_broadcast(&ab, &a->type);
    tdagi_mil_broadcast(&ab, &b->type);
    if (!tdagi_mil_same_shape(&ab, &type))
        a = tdagi_mil_expand(w, a, k->rank, k->shape);
    tdagi_mil_emit(w, k, "select(cond=$0, a=%v, b=%v)", a, b);
}
static const tdagi_mil_emitter core_where = {.emit = emit_where};

/* ---- all ---- */

#define MOVED(name)                                                                    \
    static const tdagi_mil_emitter core_##name = {.emit = tdagi_mil_##name}
MOVED(permute);
MOVED(slice);
MOVED(select);
MOVED(pad);
MOVED(repeat);
MOVED(unfold);
MOVED(fold);
MOVED(gather);
MOVED(scatter);

const tdagi_mil_emitter *tdagi_mil_core_emitter(uint32_t op)
{
    static const tdagi_mil_emitter *const rows[TDAGI_OP_CODES] = {
#define TDAG_OP(id, code, name, inputs, definition) [code] = &core_##definition,
#include <tdagger/ops.def>
    };
    return rows[op];
}
