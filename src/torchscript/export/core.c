/* Core ops that no composite took, as aten calls. */
#include "torchscript/export/export.h"

#include <math.h>

/* ---- windows, movement ---- */

static void emit_permute(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdag_permute_spec *s = k->spec;
    int64_t moved[2] = {0, 0};
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->order.n; i++)
        if (s->order.v[i] != (int64_t)i && n++ < 2) moved[n - 1] = (int64_t)i;
    if (n == 2)
        tdagi_export_emit(e, k, "torch.transpose($0, %i, %i)", moved[0], moved[1]);
    else if (n == 0 && !e->is_functional)
        e->var[tdagi_export_index(e, k)] = tdagi_export_value(e, k->inputs[0]);
    else
        tdagi_export_emit(e, k, "torch.permute($0, %l)", &s->order);
}
static const tdagi_emitter core_permute = {.emit = emit_permute};

/* Whether 0 <= start <= end <= the size of axis i of x, whatever its symbols are. */
static bool is_inside(tdagi_exporter *e, const tdagi_kernel *x, int64_t i,
                      tdag_dim start, tdag_dim end)
{
    return tdagi_dim_proves_ge(e->r->pool, x->shape[i], end) &&
           tdagi_dim_proves_ge(e->r->pool, end, start);
}

static bool is_whole(const tdagi_kernel *k, const tdagi_kernel *x, uint32_t i)
{
    const tdag_slice_spec *s = k->spec;
    return s->start.v[i] == 0 && s->end.v[i] == x->shape[i];
}

/* A slice of PyTorch's ends where its axis does; where that may be before its own start
 * or end, a narrow says what size there is. */
static void emit_slice(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdag_slice_spec *s = k->spec;
    const tdag_dim *start = s->start.v, *end = s->end.v;
    const tdagi_kernel *x = tdagi_export_kernel(e, k->inputs[0]);
    tdagi_export_begin(e, k);
    for (uint32_t i = k->rank; i-- > 0;)
        if (!is_whole(k, x, i))
            tdagi_export_piece(e, k,
                               is_inside(e, x, i, start[i], end[i]) ? "torch.slice("
                                                                    : "torch.narrow(");
    tdagi_export_piece(e, k, "$0");
    for (uint32_t i = 0; i < k->rank; i++) {
        if (is_whole(k, x, i)) continue;
        tdagi_export_piece(e, k, ", %i, %d, ", (int64_t)i, start[i]);
        if (!is_inside(e, x, i, start[i], end[i]))
            tdagi_export_piece(e, k, "%d)", k->shape[i]);
        else if (end[i] == x->shape[i])
            tdagi_export_piece(e, k, "9223372036854775807)");
        else
            tdagi_export_piece(e, k, "%d)", end[i]);
    }
    tdagi_export_end(e);
}
static const tdagi_emitter core_slice = {.emit = emit_slice};

static void emit_select(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdag_select_spec *s = k->spec;
    const tdagi_kernel *x = tdagi_export_kernel(e, k->inputs[0]);
    tdag_dim end = tdagi_dim_add(e->r->pool, s->index, 1);
    if (is_inside(e, x, s->axis, s->index, end))
        tdagi_export_emit(e, k, "torch.slice($0, %i, %d, (%d) + 1)", s->axis, s->index,
                          s->index);
    else
        tdagi_export_emit(e, k, "torch.narrow($0, %i, %d, 1)", s->axis, s->index);
}
static const tdagi_emitter core_select = {.emit = emit_select};

static void emit_repeat(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdag_list shape = {k->rank, k->shape};
    uint32_t x = tdagi_export_base(e, k->inputs[0]); /* behind axes that expand has */
    tdagi_export_value(e, x);
    tdagi_export_emit(e, k, "torch.expand(%v, %l)", x, &shape);
}
static const tdagi_emitter core_repeat = {.emit = emit_repeat};

/* PyTorch lists the padding from the last axis to the first. */
static void pad_amounts(tdagi_exporter *e, const tdagi_kernel *k, uint32_t n_axes)
{
    const tdag_pad_spec *s = k->spec;
    tdagi_export_piece(e, k, "[");
    for (uint32_t i = 0; i < n_axes; i++) {
        uint32_t axis = k->rank - 1 - i;
        tdagi_export_piece(e, k, i == 0 ? "%d, %d" : ", %d, %d", s->before.v[axis],
                           s->after.v[axis]);
    }
    tdagi_export_piece(e, k, "]");
}

static const char *const pad_modes[] = {[TDAG_PAD_REFLECT] = "reflect",
                                        [TDAG_PAD_REPLICATE] = "replicate",
                                        [TDAG_PAD_CIRCULAR] = "circular"};

/* PyTorch pads the last n axes, one to three, of a tensor of n + 2 (or n + 1) axes. */
static bool pads_at_once(const tdagi_kernel *k, uint32_t n_axes)
{
    const tdag_pad_spec *s = k->spec;
    bool is_image = n_axes + 1 == k->rank && s->mode != TDAG_PAD_CIRCULAR;
    return n_axes <= 3 && (n_axes + 2 == k->rank || is_image);
}

/* Starts the statement of an op that is written axis by axis; shape is what the axes
 * have at first, those of its input. */
static void begin_by_axis(tdagi_exporter *e, const tdagi_kernel *k, tdag_dim *shape)
{
    const tdagi_kernel *x = tdagi_export_kernel(e, k->inputs[0]);
    for (uint32_t i = 0; i < k->rank; i++)
        shape[i] = x->shape[i];
    tdagi_export_begin(e, k);
}

/* Other ranks, one axis at a time as the middle of [1, outer, n, inner]:
 * PyTorch pads the last two axes of a rank-4 tensor in every mode. */
static void emit_pad_mode(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdag_pad_spec *s = k->spec;
    tdag_dim shape[TDAG_MAX_RANK];
    begin_by_axis(e, k, shape);
    for (uint32_t i = 0; i < k->rank; i++)
        if (s->before.v[i] != 0 || s->after.v[i] != 0)
            tdagi_export_piece(e, k, "torch.reshape(torch.pad(torch.reshape(");
    tdagi_export_piece(e, k, "$0");
    for (uint32_t i = 0; i < k->rank; i++) {
        if (s->before.v[i] == 0 && s->after.v[i] == 0) continue;
        const tdag_dim middle[4] = {
            1, tdagi_dim_product(e->r->pool, i, shape), shape[i],
            tdagi_dim_product(e->r->pool, k->rank - i - 1, shape + i + 1)};
        const tdag_list flat = {4, middle};
        shape[i] = k->shape[i];
        const tdag_list whole = {k->rank, shape};
        tdagi_export_piece(e, k, ", %l), [0, 0, %d, %d], \"%s\"), %l)", &flat,
                           s->before.v[i], s->after.v[i], pad_modes[s->mode], &whole);
    }
    tdagi_export_end(e);
}

/* What an integer dtype makes of a number: the nearest that it holds. */
static int64_t held(double v, tdag_dtype dtype)
{
    int bits = 8 * (int)tdag_dtype_size(dtype) - (dtype != TDAG_U8);
    if (dtype == TDAG_BOOL) return v != 0;
    double least = dtype == TDAG_U8 ? 0 : -ldexp(1, bits);
    if (v != v) return 0;
    if (v <= least) return (int64_t)least;
    if (v >= ldexp(1, bits)) return bits == 63 ? INT64_MAX : ((int64_t)1 << bits) - 1;
    return (int64_t)v;
}

static void emit_pad(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdag_pad_spec *s = k->spec;
    uint32_t n_axes = 0;
    for (uint32_t i = 0; i < k->rank; i++)
        if (s->before.v[i] != 0 || s->after.v[i] != 0)
            n_axes = k->rank - i > n_axes ? k->rank - i : n_axes;
    bool empty = false; /* of the result */
    for (uint32_t i = 0; i < k->rank; i++)
        empty |= k->shape[i] == 0;
    if (s->mode != TDAG_PAD_CONSTANT && n_axes > 0 && !empty) {
        if (!pads_at_once(k, n_axes)) {
            emit_pad_mode(e, k);
            return;
        }
        tdagi_export_begin(e, k);
        tdagi_export_piece(e, k, "torch.pad($0, ");
        pad_amounts(e, k, n_axes);
        tdagi_export_piece(e, k, ", \"%s\")", pad_modes[s->mode]);
        tdagi_export_end(e);
        return;
    }
    if (empty) { /* of which PyTorch 1.13 pads no other axis */
        const tdag_list whole = {k->rank, k->shape};
        tdagi_export_emit(e, k, "torch.zeros(%l, dtype=%t)", &whole, (int)k->dtype);
        return;
    }
    tdagi_export_begin(e, k);
    tdagi_export_piece(e, k, "torch.constant_pad_nd($0, ");
    pad_amounts(e, k, n_axes);
    if (tdag_dtype_is_float((tdag_dtype)k->dtype))
        tdagi_export_piece(e, k, ", %f)", s->value);
    else
        tdagi_export_piece(e, k, ", %i)", held(s->value, (tdag_dtype)k->dtype));
    tdagi_export_end(e);
}
static const tdagi_emitter core_pad = {.emit = emit_pad};

/* How an axis is unfolded. */
typedef enum unfolding { UNCHANGED, CUT, STEPS, WINDOWS } unfolding;

/* Windows that neither overlap nor leave gaps are the axis itself, without the end that
 * no window reaches. */
static unfolding unfolding_of(const tdagi_exporter *e, const tdagi_kernel *k,
                              uint32_t i)
{
    const tdag_window_spec *s = k->spec;
    bool is_same = s->kernel.v[i] == s->stride.v[i];
    if (s->kernel.v[i] == 1) return is_same ? UNCHANGED : STEPS;
    if (!is_same) return WINDOWS;
    return k->shape[i] == tdagi_export_input(e, k, 0)->shape[i] ? UNCHANGED : CUT;
}

/* Axis by axis, the taps next to their window's position and merged with it. */
static void emit_unfold(tdagi_exporter *e, const tdagi_kernel *k)
{
    static const char *const begins[] = {
        [UNCHANGED] = "",
        [CUT] = "torch.slice(",
        [STEPS] = "torch.slice(",
        [WINDOWS] = "torch.flatten(torch.movedim(torch.unfold("};
    const tdag_window_spec *s = k->spec;
    uint32_t n = 0;
    for (uint32_t i = 0; i < k->rank; i++)
        n += unfolding_of(e, k, i) != UNCHANGED;
    if (n == 0 && !e->is_functional) {
        e->var[tdagi_export_index(e, k)] = tdagi_export_value(e, k->inputs[0]);
        return;
    }
    tdagi_export_begin(e, k);
    if (n == 0) { /* a value of its own, which is no node when it is read */
        tdagi_export_piece(e, k, "torch.reshape($0, ");
        tdagi_export_shape(e, k->rank, k->shape);
        tdagi_export_piece(e, k, ")");
        tdagi_export_end(e);
        return;
    }
    for (uint32_t i = k->rank; i-- > 0;) /* the innermost call is axis 0's */
        tdagi_export_piece(e, k, begins[unfolding_of(e, k, i)]);
    tdagi_export_piece(e, k, "$0");
    for (uint32_t i = 0; i < k->rank; i++) {
        unfolding how = unfolding_of(e, k, i);
        int64_t axis = i;
        if (how == WINDOWS)
            tdagi_export_piece(e, k, ", %i, %i, %i), -1, %i), %i, %i)", axis,
                               s->kernel.v[i], s->stride.v[i], axis + 1, axis,
                               axis + 1);
        else if (how != UNCHANGED)
            tdagi_export_piece(e, k, ", %i, 0, %d, %i)", axis,
                               how == CUT ? k->shape[i] : INT64_MAX,
                               how == CUT ? 1 : s->stride.v[i]);
    }
    tdagi_export_end(e);
}
static const tdagi_emitter core_unfold = {.emit = emit_unfold};

/* Axis by axis by col2im: [outer, w*k, inner] is laid out as [outer*inner, k, w]. */
static void emit_fold(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdag_window_spec *s = k->spec;
    tdagi_pool *pool = e->r->pool;
    tdag_dim shape[TDAG_MAX_RANK];
    begin_by_axis(e, k, shape);
    for (uint32_t i = 0; i < k->rank; i++)
        if (s->kernel.v[i] != 1 || s->stride.v[i] != 1)
            tdagi_export_piece(e, k,
                               "torch.reshape(torch.permute(torch.reshape(torch.col2im("
                               "torch.reshape(torch.permute(torch.reshape(");
    tdagi_export_piece(e, k, "$0");
    for (uint32_t i = 0; i < k->rank; i++) {
        if (s->kernel.v[i] == 1 && s->stride.v[i] == 1) continue;
        tdag_dim taps = s->kernel.v[i];
        tdag_dim outer = tdagi_dim_product(pool, i, shape);
        tdag_dim inner = tdagi_dim_product(pool, k->rank - i - 1, shape + i + 1);
        tdag_dim windows = tdagi_dim_floordiv(pool, shape[i], taps);
        tdag_dim lanes = tdagi_dim_mul(pool, outer, inner);
        const tdag_list split = {4, (const int64_t[]){outer, windows, taps, inner}};
        const tdag_list rows = {3, (const int64_t[]){lanes, taps, windows}};
        const tdag_list size = {2, (const int64_t[]){k->shape[i], 1}};
        const tdag_list back = {3, (const int64_t[]){outer, inner, k->shape[i]}};
        shape[i] = k->shape[i];
        const tdag_list whole = {k->rank, shape};
        tdagi_export_piece(e, k,
                           ", %l), [0, 3, 2, 1]), %l), %l, [%d, 1], [1, 1], [0, 0], "
                           "[%i, 1]), %l), [0, 2, 1]), %l)",
                           &split, &rows, &size, taps, s->stride.v[i], &back, &whole);
    }
    tdagi_export_end(e);
}
static const tdagi_emitter core_fold = {.emit = emit_fold};

static void emit_reduce(tdagi_exporter *e, const tdagi_kernel *k)
{
    tdagi_export_value(e, k->inputs[0]);
    tdagi_export_reduce(e, k, true, k);
}
static const tdagi_emitter core_reduce = {.emit = emit_reduce};

/* ---- ordered ---- */

static void emit_scan(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdag_scan_spec *s = k->spec;
    if (s->kind == TDAG_REDUCE_SUM)
        tdagi_export_emit(e, k, "torch.cumsum($0, %i, dtype=%t)", s->axis,
                          (int)k->dtype);
    else if (s->kind == TDAG_REDUCE_PRODUCT)
        tdagi_export_emit(e, k, "torch.cumprod($0, %i, dtype=%t)", s->axis,
                          (int)k->dtype);
    else
        tdagi_export_emit(e, k, "torch.%s($0, %i)[0]",
                          s->kind == TDAG_REDUCE_MAX ? "cummax" : "cummin", s->axis);
}
static const tdagi_emitter core_scan = {.emit = emit_scan};

static void emit_argsort(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdag_argsort_spec *s = k->spec;
    tdagi_export_emit(e, k,
                      s->order == TDAG_ORDER_STABLE
                          ? "torch.sort($0, stable=True, dim=%i, descending=%b)[1]"
                          : "torch.sort($0, %i, %b)[1]",
                      s->axis, s->descending);
}
static const tdagi_emitter core_argsort = {.emit = emit_argsort};

/* ---- element-wise ---- */

static const tdagi_emitter core_neg = {.format = "torch.neg($0)"};
static const tdagi_emitter core_reciprocal = {.format = "torch.reciprocal($0)"};
static const tdagi_emitter core_sqrt = {.format = "torch.sqrt($0)"};
static const tdagi_emitter core_exp = {.format = "torch.exp($0)"};
static const tdagi_emitter core_log = {.format = "torch.log($0)"};
static const tdagi_emitter core_sin = {.format = "torch.sin($0)"};
static const tdagi_emitter core_arcsin = {.format = "torch.asin($0)"};
static const tdagi_emitter core_cos = {.format = "torch.cos($0)"};
static const tdagi_emitter core_arccos = {.format = "torch.acos($0)"};
static const tdagi_emitter core_tan = {.format = "torch.tan($0)"};
static const tdagi_emitter core_arctan = {.format = "torch.atan($0)"};
static const tdagi_emitter core_sinh = {.format = "torch.sinh($0)"};
static const tdagi_emitter core_arcsinh = {.format = "torch.asinh($0)"};
static const tdagi_emitter core_cosh = {.format = "torch.cosh($0)"};
static const tdagi_emitter core_arccosh = {.format = "torch.acosh($0)"};
static const tdagi_emitter core_tanh = {.format = "torch.tanh($0)"};
static const tdagi_emitter core_arctanh = {.format = "torch.atanh($0)"};
static const tdagi_emitter core_gaussian = {.format = "torch.special_ndtr($0)"};
static const tdagi_emitter core_inv_gaussian = {.format = "torch.special_ndtri($0)"};
static const tdagi_emitter core_sign = {.format = "torch.sign($0)"};
static const tdagi_emitter core_floor = {.format = "torch.floor($0)"};

static void emit_convert(tdagi_exporter *e, const tdagi_kernel *k)
{
    tdagi_export_emit(e, k, "torch.to($0, %t)", (int)k->dtype);
}
static const tdagi_emitter core_convert = {.emit = emit_convert};

/* A number may stand on the right only; add and multiply commute. */
static void emit_commutative(tdagi_exporter *e, const tdagi_kernel *k, const char *name)
{
    const char *format = tdagi_export_choose(
        e, k, "torch.%s($1, #0)", "torch.%s$_($0, #1)", "torch.%s$_($0, $1)");
    tdagi_export_emit(e, k, format, name);
}

static void emit_add(tdagi_exporter *e, const tdagi_kernel *k)
{
    emit_commutative(e, k, "add");
}
static const tdagi_emitter core_add = {.emit = emit_add, .is_fresh = tdagi_export_owns};

static void emit_multiply(tdagi_exporter *e, const tdagi_kernel *k)
{
    int64_t axis;
    uint32_t gate, x = tdagi_export_glu(e, k, &axis, &gate);
    for (uint32_t i = 0; i < 2 && x == 0; i++) {
        if (!e->deferred[k->inputs[i]] || !tdagi_export_is_mask(e, k->inputs[i], k))
            continue;
        const uint32_t mask = tdagi_export_kernel(e, k->inputs[i])->inputs[0];
        tdagi_export_value(e, mask);
        tdagi_export_emit(e, k, i == 0 ? "torch.mul(%v, $1)" : "torch.mul($0, %v)",
                          mask);
        return;
    }
    if (x == 0) {
        emit_commutative(e, k, "mul");
        return;
    }
    tdagi_export_value(e, x);
    tdagi_export_emit(e, k, "torch.glu(%v, %i)", x, axis);
}
static const tdagi_emitter core_multiply = {.emit = emit_multiply,
                                            .is_fresh = tdagi_export_owns};

static void emit_equal(tdagi_exporter *e, const tdagi_kernel *k)
{
    tdagi_export_emit(e, k,
                      tdagi_export_choose(e, k, "torch.eq($1, #0)", "torch.eq($0, #1)",
                                          "torch.eq($0, $1)"));
}
static const tdagi_emitter core_equal = {.emit = emit_equal};

static void emit_less(tdagi_exporter *e, const tdagi_kernel *k)
{
    tdagi_export_emit(e, k,
                      tdagi_export_choose(e, k, "torch.gt($1, #0)", "torch.lt($0, #1)",
                                          "torch.lt($0, $1)"));
}
static const tdagi_emitter core_less = {.emit = emit_less};

static void emit_floor_divide(tdagi_exporter *e, const tdagi_kernel *k)
{
    bool right = tdagi_export_is_scalar(e, k, 1) && !tdagi_export_is_scalar(e, k, 0);
    int64_t bits = tdagi_export_power_of_two(e, k);
    if (bits > 0) { /* an integer unit divides more slowly */
        tdagi_export_emit(e, k, "torch.bitwise_right_shift($0, %i)", bits);
        return;
    }
    tdagi_export_emit(e, k,
                      right ? "torch.div($0, #1, rounding_mode=\"floor\")"
                            : "torch.div($0, $1, rounding_mode=\"floor\")");
}
static const tdagi_emitter core_floor_divide = {.emit = emit_floor_divide};

static const tdagi_emitter core_where = {.format = "torch.where($0, $1, $2)"};

/* ---- indexed ---- */

/* [batch..., n, rest...] as [batch, n, rest] and the index as [batch, count]. */
typedef struct indexed {
    tdag_dim batch, n, rest, count;
} indexed;

static indexed flatten_indexed(tdagi_exporter *e, const tdagi_kernel *x,
                               const tdagi_kernel *index, int64_t batch)
{
    tdagi_pool *pool = e->r->pool;
    uint32_t b = (uint32_t)batch;
    return (indexed){tdagi_dim_product(pool, b, x->shape), x->shape[b],
                     tdagi_dim_product(pool, x->rank - b - 1u, x->shape + b + 1),
                     tdagi_dim_product(pool, index->rank - b, index->shape + b)};
}

static void index_piece(tdagi_exporter *e, const tdagi_kernel *k, const indexed *f)
{
    tdagi_export_piece(e, k,
                       "torch.expand(torch.reshape(torch.to($1, 4), [%d, %d, 1]), "
                       "[%d, %d, %d])",
                       f->batch, f->count, f->batch, f->count, f->rest);
}

static void emit_gather(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdag_gather_spec *s = k->spec;
    const tdagi_kernel *index = tdagi_export_kernel(e, k->inputs[1]);
    const tdagi_kernel *x = tdagi_export_kernel(e, k->inputs[0]);
    if (s->batch > 0 && s->batch + 1 == x->rank && index->rank == x->rank) {
        tdagi_export_emit(e, k,
                          index->dtype == TDAG_I64
                              ? "torch.gather($0, %i, $1)"
                              : "torch.gather($0, %i, torch.to($1, 4))",
                          s->batch);
        return;
    }
    if (s->batch == 0) {
        tdagi_export_emit(e, k,
                          index->dtype == TDAG_I64 ? "torch.index($0, [$1])"
                                                   : "torch.index($0, "
                                                     "[torch.to($1, 4)])");
        return;
    }
    indexed f = flatten_indexed(e, x, index, s->batch);
    const tdag_list whole = {k->rank, k->shape};
    tdagi_export_begin(e, k);
    tdagi_export_piece(e, k,
                       "torch.reshape(torch.gather(torch.reshape($0, "
                       "[%d, %d, %d]), 1, ",
                       f.batch, f.n, f.rest);
    index_piece(e, k, &f);
    tdagi_export_piece(e, k, "), %l)", &whole);
    tdagi_export_end(e);
}
static const tdagi_emitter core_gather = {.emit = emit_gather};

/* Whole rows, written where positions of the first axis say. */
static bool emit_rows(tdagi_exporter *e, const tdagi_kernel *k,
                      const tdagi_kernel *index)
{
    const tdag_scatter_spec *s = k->spec;
    bool add = s->mode == TDAG_SCATTER_ADD && k->dtype != TDAG_BOOL;
    if (s->batch != 0 || (s->mode != TDAG_SCATTER_SET && !add)) return false;
    tdagi_export_begin(e, k);
    tdagi_export_piece(e, k,
                       add && index->rank == 1 ? "torch.index_add($0, 0, "
                                               : "torch.index_put($0, [");
    tdagi_export_piece(e, k, index->dtype == TDAG_I64 ? "$1" : "torch.to($1, 4)");
    tdagi_export_piece(e, k,
                       !add               ? "], $2)"
                       : index->rank == 1 ? ", $2)"
                                          : "], $2, True)");
    tdagi_export_end(e);
    return true;
}

static const char *const scatter_modes[] = {[TDAG_SCATTER_SET] = NULL,
                                            [TDAG_SCATTER_ADD] = "sum",
                                            [TDAG_SCATTER_MULTIPLY] = "prod",
                                            [TDAG_SCATTER_MIN] = "amin",
                                            [TDAG_SCATTER_MAX] = "amax"};

/* Along the last axis, all others being those of the index. */
static bool emit_lanes(tdagi_exporter *e, const tdagi_kernel *k,
                       const tdagi_kernel *index)
{
    const tdag_scatter_spec *s = k->spec;
    const char *mode = scatter_modes[s->mode];
    if (s->batch + 1 != k->rank || index->rank != k->rank) return false;
    bool add = s->mode == TDAG_SCATTER_ADD && k->dtype != TDAG_BOOL;
    tdagi_export_begin(e, k);
    tdagi_export_piece(e, k, "torch.scatter%s($0, %i, ",
                       mode == NULL ? ""
                       : add        ? "_add"
                                    : "_reduce",
                       s->batch);
    tdagi_export_piece(e, k,
                       index->dtype == TDAG_I64 ? "$1, $2" : "torch.to($1, 4), $2");
    if (mode != NULL && !add) tdagi_export_piece(e, k, ", \"%s\"", mode);
    tdagi_export_piece(e, k, ")");
    tdagi_export_end(e);
    return true;
}

static void emit_scatter(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdag_scatter_spec *s = k->spec;
    const tdagi_kernel *rows = tdagi_export_kernel(e, k->inputs[1]);
    if (emit_rows(e, k, rows) || emit_lanes(e, k, rows)) return;
    indexed f = flatten_indexed(e, tdagi_export_kernel(e, k->inputs[0]),
                                tdagi_export_kernel(e, k->inputs[1]), s->batch);
    const tdag_list whole = {k->rank, k->shape};
    bool set = scatter_modes[s->mode] == NULL;
    tdagi_export_begin(e, k);
    tdagi_export_piece(e, k,
                       "torch.reshape(torch.%s(torch.reshape($0, [%d, %d, %d]), 1, ",
                       set ? "scatter" : "scatter_reduce", f.batch, f.n, f.rest);
    index_piece(e, k, &f);
    tdagi_export_piece(e, k, ", torch.reshape($2, [%d, %d, %d])", f.batch, f.count,
                       f.rest);
    if (!set) tdagi_export_piece(e, k, ", \"%s\"", scatter_modes[s->mode]);
    tdagi_export_piece(e, k, "), %l)", &whole);
    tdagi_export_end(e);
}
static const tdagi_emitter core_scatter = {.emit = emit_scatter};

static void emit_iota(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdag_iota_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.arange(%d, dtype=%t)", s->n, (int)k->dtype);
}
static const tdagi_emitter core_iota = {.emit = emit_iota};

/* ---- the table ---- */

/* Written where they are read (leaves.c). */
static const tdagi_emitter core_input = {.format = NULL};
static const tdagi_emitter core_parameter = {.format = NULL};
static const tdagi_emitter core_buffer = {.format = NULL};
static const tdagi_emitter core_constant = {.format = NULL};
/* Of other files. */
static const tdagi_emitter core_group = {.emit = tdagi_export_reshape};
static const tdagi_emitter core_ungroup = {.emit = tdagi_export_reshape};
static const tdagi_emitter core_squeeze = {.emit = tdagi_export_reshape};
static const tdagi_emitter core_unsqueeze = {.emit = tdagi_export_reshape};
static const tdagi_emitter core_opaque = {.emit = tdagi_export_opaque};

const tdagi_emitter *tdagi_export_core_emitter(uint32_t op)
{
    static const tdagi_emitter *const rows[TDAGI_OP_CODES] = {
#define TDAG_OP(id, code, name, inputs, definition) [code] = &core_##definition,
#include <tdagger/ops.def>
    };
    return rows[op];
}
