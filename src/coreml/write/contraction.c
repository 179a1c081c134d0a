/* Contractions and windows. */
#include <string.h>

#include "coreml/write/mil.h"

/* Whether an operand that has to be constant is, or is not there. */
static bool is_fixed(tdagi_mil_writer *w, const tdagi_kernel *k, uint32_t i)
{
    tdagi_mil v = tdagi_mil_in(w, k, i);
    return v == NULL || v->is_const;
}

/* Before and after of each axis, from two lists. */
static tdag_list pads_of(const tdag_list *before, const tdag_list *after, int64_t *room)
{
    for (uint32_t i = 0; i < before->n; i++) {
        room[2 * i] = before->v[i];
        room[2 * i + 1] = after->v[i];
    }
    return (tdag_list){2 * before->n, room};
}

static bool are_numbers(const tdag_list *l)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (l->v[i] < 0) return false;
    return true;
}

/* ---- convolutions ---- */

/* A bias that is no constant, added along axis 1. */
static tdagi_mil add_bias(tdagi_mil_writer *w, const tdagi_kernel *k, tdagi_mil x)
{
    tdag_dim shape[TDAG_MAX_RANK];
    for (uint32_t i = 0; i < k->rank; i++)
        shape[i] = i == 1 ? k->shape[1] : 1;
    return tdagi_mil_op(w, NULL, "add(x=%v, y=%v)", x,
                        tdagi_mil_reshape(w, tdagi_mil_in(w, k, 2), k->rank, shape));
}

/* Axis i of x, of n elements, with by - 1 zeroes between two of them: as [before, n, 1,
 * after], whose third axis is padded, is joined with the second, and loses its end. */
static tdagi_mil spread(tdagi_mil_writer *w, tdagi_mil x, uint32_t i, int64_t by)
{
    tdagi_pool *pool = w->now.r->pool;
    const tdag_list pads = {4, (const int64_t[]){0, by - 1, 0, 0}};
    if (x == NULL || by == 1) return x;
    const tdag_dim n = x->type.shape[i];
    tdagi_type type = x->type;
    tdag_dim shape[4] = {
        tdagi_dim_product(pool, i, x->type.shape), n, 1,
        tdagi_dim_product(pool, type.rank - i - 1, x->type.shape + i + 1)};
    tdagi_type padded = {type.dtype, 4, {shape[0], n, by, shape[3]}};
    x = tdagi_mil_op(w, &padded,
                     "pad(x=%v, pad=%l, mode=\"constant\", constant_val=0.0)",
                     tdagi_mil_reshape(w, x, 4, shape), &pads);
    type.shape[i] = tdagi_dim_mul(pool, n, by);
    x = tdagi_mil_reshape(w, x, type.rank, type.shape);
    return tdagi_mil_slice1(w, x, i, 0, tdagi_dim_sub(pool, type.shape[i], by - 1));
}

/* Computed weights cannot be dilated, but may hold the zeroes that dilation is. */
static void emit_conv(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_conv_spec *s = k->spec;
    int64_t room[2 * TDAG_MAX_RANK];
    const int64_t ones[TDAG_MAX_RANK] = {1, 1, 1};
    const tdag_list pads = pads_of(&s->before, &s->after, room);
    tdag_list dilation = s->dilation;
    const char *format = "conv(x=$0, weight=%v, bias=%v, strides=%l, "
                         "pad_type=\"custom\", pad=%l, dilations=%l, groups=%i)";
    if (k->dtype != TDAG_F32 || k->rank < 3 || k->rank > 5 || !are_numbers(&pads)) {
        tdagi_mil_by_parts(w, k);
        return;
    }
    tdagi_mil weight = tdagi_mil_in(w, k, 1), bias = tdagi_mil_in(w, k, 2);
    for (uint32_t i = 0; i < dilation.n && !is_fixed(w, k, 1); i++)
        weight = spread(w, weight, 2 + i, dilation.v[i]);
    if (!is_fixed(w, k, 1)) dilation.v = ones;
    if (is_fixed(w, k, 2)) {
        tdagi_mil_emit(w, k, format, weight, bias, &s->stride, &pads, &dilation,
                       s->groups);
    } else {
        tdagi_type type;
        tdagi_mil_type_of(k, &type);
        tdagi_mil x = tdagi_mil_op(w, &type, format, weight, NULL, &s->stride, &pads,
                                   &dilation, s->groups);
        tdagi_mil_set(w, k, add_bias(w, k, x));
    }
}
const tdagi_mil_emitter tdagi_mil_emitter_conv = {.emit = emit_conv};

/* Output padding is less of the padding behind; what that has not, remains. */
static bool shorten(const tdagi_conv_transpose_spec *s, int64_t *pads, int64_t *rest)
{
    bool is_more = false;
    for (uint32_t i = 0; i < s->output_padding.n; i++) {
        const int64_t more = s->output_padding.v[i], behind = pads[2 * i + 1];
        pads[2 * i + 1] = behind > more ? behind - more : 0;
        rest[2 * i] = 0;
        rest[2 * i + 1] = more > behind ? more - behind : 0;
        is_more = is_more || more > behind;
    }
    return is_more;
}

/* The size is said where there is output padding; without, it follows. */
static void emit_conv_transpose(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_conv_transpose_spec *s = k->spec;
    int64_t room[2 * TDAG_MAX_RANK], rest[2 * TDAG_MAX_RANK];
    const tdag_list pads = pads_of(&s->padding, &s->padding, room),
                    whole = {k->rank, k->shape}, ends = {pads.n, rest};
    bool has_more = false, is_short = false;
    for (uint32_t i = 0; i < s->output_padding.n; i++)
        has_more = has_more || s->output_padding.v[i] != 0;
    if (has_more && !are_numbers(&whole)) {
        is_short = shorten(s, room, rest);
        has_more = false;
    }
    if (k->dtype != TDAG_F32 || k->rank < 3 || k->rank > 5)
        tdagi_mil_by_parts(w, k);
    else if (!is_fixed(w, k, 1) &&
             !tdagi_mil_require(w, 17, "a transposed convolution by computed weights"))
        return;
    else if (!is_fixed(w, k, 2) || is_short) {
        tdagi_type type;
        tdagi_mil_type_of(k, &type);
        for (uint32_t i = 0; i < ends.n && is_short; i++)
            type.shape[2 + i / 2] =
                tdagi_dim_sub(w->now.r->pool, type.shape[2 + i / 2], rest[i]);
        tdagi_mil x =
            has_more ? tdagi_mil_op(
                           w, &type,
                           "conv_transpose(x=$0, weight=$1, pad=%l, output_shape=%l, "
                           "pad_type=\"custom\", strides=%l, dilations=%l, groups=%i)",
                           &pads, &whole, &s->stride, &s->dilation, s->groups)
                     : tdagi_mil_op(w, &type,
                                    "conv_transpose(x=$0, weight=$1, pad=%l, "
                                    "pad_type=\"custom\", strides=%l, dilations=%l, "
                                    "groups=%i)",
                                    &pads, &s->stride, &s->dilation, s->groups);
        tdagi_mil_type_of(k, &type);
        if (is_short)
            x = tdagi_mil_op(w, &type,
                             "pad(x=%v, pad=%l, mode=\"constant\", constant_val=0.0)",
                             x, &ends);
        tdagi_mil_set(w, k, add_bias(w, k, x));
    } else if (has_more)
        tdagi_mil_emit(
            w, k,
            "conv_transpose(x=$0, weight=$1, bias=$2, pad=%l, output_shape=%l, "
            "pad_type=\"custom\", strides=%l, dilations=%l, groups=%i)",
            &pads, &whole, &s->stride, &s->dilation, s->groups);
    else
        tdagi_mil_emit(w, k,
                       "conv_transpose(x=$0, weight=$1, bias=$2, pad=%l, "
                       "pad_type=\"custom\", strides=%l, dilations=%l, groups=%i)",
                       &pads, &s->stride, &s->dilation, s->groups);
}
const tdagi_mil_emitter tdagi_mil_emitter_conv_transpose = {.emit =
                                                                emit_conv_transpose};

/* ---- products ---- */

static tdagi_mil matmul(tdagi_mil_writer *w, const tdagi_type *type, tdagi_mil x,
                        tdagi_mil y, bool transpose_y)
{
    return tdagi_mil_op(w, type,
                        "matmul(x=%v, y=%v, transpose_x=false, transpose_y=%b)", x, y,
                        (int)transpose_y);
}

/* x [I] as [1, I] and back. */
static void emit_linear(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    tdagi_mil x = tdagi_mil_in(w, k, 0), weight = tdagi_mil_in(w, k, 1);
    tdagi_type type;
    if (x == NULL || weight == NULL) return;
    if (k->rank == 0 || weight->type.rank != 2 || k->dtype != TDAG_F32) {
        tdagi_mil_by_parts(w, k);
        return;
    }
    tdagi_mil_type_of(k, &type);
    if (k->rank == 1) {
        const tdag_dim row[2] = {1, x->type.shape[0]};
        x = tdagi_mil_reshape(w, x, 2, row);
        type = (tdagi_type){TDAG_F32, 2, {1, k->shape[0]}};
    }
    if (is_fixed(w, k, 1) && is_fixed(w, k, 2)) {
        const char *format = "linear(x=%v, weight=$1, bias=$2)";
        if (k->rank > 1)
            tdagi_mil_emit(w, k, format, x);
        else
            x = tdagi_mil_op(w, &type, format, x);
    } else {
        x = matmul(w, &type, x, weight, true);
        if (tdagi_mil_in(w, k, 2) != NULL)
            x = tdagi_mil_op(w, NULL, "add(x=%v, y=$2)", x);
        tdagi_mil_set(w, k, tdagi_mil_reshape(w, x, k->rank, k->shape));
    }
    if (k->rank == 1 && is_fixed(w, k, 1) && is_fixed(w, k, 2))
        tdagi_mil_set(w, k, tdagi_mil_reshape(w, x, 1, k->shape));
}
const tdagi_mil_emitter tdagi_mil_emitter_linear = {.emit = emit_linear};

/* Vectors as matrices, and the axis that they got is gone from the result. */
static void emit_matmul(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    tdagi_mil x = tdagi_mil_in(w, k, 0), y = tdagi_mil_in(w, k, 1);
    tdagi_type type;
    if (x == NULL || y == NULL) return;
    tdagi_mil_type_of(k, &type);
    if (x->type.rank > 1 && y->type.rank > 1) {
        tdagi_mil_emit(w, k,
                       "matmul(x=$0, y=$1, transpose_x=false, transpose_y=false)");
        return;
    }
    if (y->type.rank == 1) {
        type.shape[type.rank++] = 1;
        y = tdagi_mil_reshape(w, y, 2, (const tdag_dim[]){y->type.shape[0], 1});
    }
    if (x->type.rank == 1) {
        const uint32_t at = type.rank++ - 1;
        type.shape[type.rank - 1] = type.shape[at];
        type.shape[at] = 1;
        if (type.rank == 1) type = (tdagi_type){type.dtype, 2, {1, 1}};
        x = tdagi_mil_reshape(w, x, 2, (const tdag_dim[]){1, x->type.shape[0]});
    }
    tdagi_mil_set(
        w, k, tdagi_mil_reshape(w, matmul(w, &type, x, y, false), k->rank, k->shape));
}
const tdagi_mil_emitter tdagi_mil_emitter_matmul = {.emit = emit_matmul};

static tdagi_mil scaled(tdagi_mil_writer *w, tdagi_mil x, double by)
{
    return by == 1 ? x : tdagi_mil_op(w, NULL, "mul(x=%v, y=%f)", x, by);
}

static void emit_addmm(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_addmm_spec *s = k->spec;
    tdagi_type type;
    tdagi_mil_type_of(k, &type);
    tdagi_mil x = matmul(w, &type, tdagi_mil_in(w, k, 1), tdagi_mil_in(w, k, 2), false);
    tdagi_mil_emit(w, k, "add(x=%v, y=%v)", scaled(w, x, s->alpha),
                   scaled(w, tdagi_mil_in(w, k, 0), s->beta));
}
const tdagi_mil_emitter tdagi_mil_emitter_addmm = {.emit = emit_addmm};

/* ---- einsum: each operand as [batch..., rows, columns] ---- */

typedef struct letters {
    char of[TDAG_MAX_RANK + 1];
    uint32_t n;
} letters;

static bool has(const letters *l, char c) { return memchr(l->of, c, l->n) != NULL; }

static void take_letters(const char **s, letters *out)
{
    out->n = 0;
    for (; **s >= 'A' && out->n < TDAG_MAX_RANK; (*s)++)
        out->of[out->n++] = **s;
    while (**s == ',' || **s == '-' || **s == '>' || **s == ' ')
        (*s)++;
}

/* Letters of x that are, or are not, in a and b. */
static void choose(const letters *x, const letters *a, bool in_a, const letters *b,
                   bool in_b, letters *out)
{
    out->n = 0;
    for (uint32_t i = 0; i < x->n; i++)
        if (has(a, x->of[i]) == in_a && has(b, x->of[i]) == in_b)
            out->of[out->n++] = x->of[i];
}

static void append(letters *to, const letters *l)
{
    memcpy(to->of + to->n, l->of, l->n);
    to->n += l->n;
}

/* x with its letters in another order. */
static tdagi_mil order(tdagi_mil_writer *w, tdagi_mil x, const letters *from,
                       const letters *to)
{
    int64_t perm[TDAG_MAX_RANK];
    for (uint32_t i = 0; i < to->n; i++)
        perm[i] = (const char *)memchr(from->of, to->of[i], from->n) - from->of;
    return tdagi_mil_transpose(w, x, perm);
}

/* [batch..., a..., b...] with a and b as one axis each, and the batch where it is long.
 */
static tdagi_mil as_matrix(tdagi_mil_writer *w, tdagi_mil x, uint32_t batch, uint32_t a)
{
    tdag_dim shape[TDAG_MAX_RANK];
    tdagi_pool *pool = w->now.r->pool;
    if (x == NULL) return NULL;
    const uint32_t n = batch > 3 ? 1 : batch;
    memcpy(shape, x->type.shape, sizeof shape);
    if (batch > 3) shape[0] = tdagi_dim_product(pool, batch, x->type.shape);
    shape[n] = tdagi_dim_product(pool, a, x->type.shape + batch);
    shape[n + 1] =
        tdagi_dim_product(pool, x->type.rank - batch - a, x->type.shape + batch + a);
    return tdagi_mil_reshape(w, x, n + 2, shape);
}

/* Letters of axes that are not 1, and x without the other ones. */
static tdagi_mil without_ones(tdagi_mil_writer *w, tdagi_mil x, letters *l)
{
    tdag_dim shape[TDAG_MAX_RANK];
    uint32_t n = 0;
    for (uint32_t i = 0; i < x->type.rank; i++) {
        if (x->type.shape[i] == 1) continue;
        l->of[n] = l->of[i];
        shape[n++] = x->type.shape[i];
    }
    l->n = n;
    return tdagi_mil_reshape(w, x, n, shape);
}

/* The same of the result, whose shape remains. */
static uint32_t result_without_ones(const tdagi_kernel *k, letters *l, tdag_dim *shape)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < k->rank; i++) {
        if (k->shape[i] == 1) continue;
        l->of[n] = l->of[i];
        shape[n++] = k->shape[i];
    }
    return l->n = n;
}

static void emit_einsum(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const char *s = ((const tdagi_einsum_spec *)k->spec)->equation;
    tdag_dim shape[TDAG_MAX_RANK];
    letters x, y, out, batch, sum, rows, columns, as;
    tdagi_mil a = tdagi_mil_in(w, k, 0), b = tdagi_mil_in(w, k, 1);
    if (a == NULL || b == NULL) return;
    take_letters(&s, &x);
    take_letters(&s, &y);
    take_letters(&s, &out);
    a = without_ones(w, a, &x);
    b = without_ones(w, b, &y);
    result_without_ones(k, &out, shape);
    if (a == NULL || b == NULL) return;
    choose(&out, &x, true, &y, true, &batch);
    choose(&x, &out, false, &y, true, &sum);
    choose(&out, &x, true, &y, false, &rows);
    choose(&out, &x, false, &y, true, &columns);
    if (batch.n + rows.n + sum.n != x.n || batch.n + columns.n + sum.n != y.n) {
        tdagi_mil_by_parts(w, k);
        return;
    }
    as = batch;
    append(&as, &rows);
    append(&as, &sum);
    a = as_matrix(w, order(w, a, &x, &as), batch.n, rows.n);
    as = batch;
    append(&as, &sum);
    append(&as, &columns);
    b = as_matrix(w, order(w, b, &y, &as), batch.n, sum.n);
    if (a == NULL || b == NULL) return;
    tdagi_type type = a->type;
    type.shape[type.rank - 1] = b->type.shape[type.rank - 1];
    a = matmul(w, &type, a, b, false);
    as = batch;
    append(&as, &rows);
    append(&as, &columns);
    type.rank = as.n;
    for (uint32_t i = 0; i < as.n; i++)
        type.shape[i] = shape[(const char *)memchr(out.of, as.of[i], out.n) - out.of];
    a = order(w, tdagi_mil_reshape(w, a, type.rank, type.shape), &as, &out);
    tdagi_mil_set(w, k, tdagi_mil_reshape(w, a, k->rank, k->shape));
}
const tdagi_mil_emitter tdagi_mil_emitter_einsum = {.emit = emit_einsum};
