/* Operators whose sizes data decides, of which Core ML has `non_zero`: the others are
 * made of it, of orders and of comparisons of all elements with all positions. */
#include <stdio.h>
#include <string.h>

#include "base/number_text.h"
#include "coreml/write/mil.h"

typedef struct applying {
    tdagi_mil_writer *w;
    const tdagi_statement *s;
    tdagi_type type; /* of the first result: a vector of that many */
} applying;

static const tdagi_type number_type = {TDAG_I64, 0, {0}};

static tdagi_type vector_of(tdag_dtype dtype, tdag_dim n)
{
    return (tdagi_type){dtype, 1, {n}};
}

/* 0, 1, ... below n, which is the size as data. */
static tdagi_mil count_to(applying *a, tdag_dim size, tdagi_mil n)
{
    const tdagi_type type = vector_of(TDAG_I64, size);
    return tdagi_mil_op(a->w, &type, "range_1d(start=0, end=%v, step=1)", n);
}

/* For each of `to`, the sum of the weights (NULL: ones) of those of x that compare so.
 */
static tdagi_mil sum_where(applying *a, const char *compare, tdagi_mil x, tdagi_mil to,
                           tdagi_mil weights)
{
    tdagi_mil_writer *w = a->w;
    if (w->status != TDAG_OK) return NULL;
    const tdag_dtype dtype = weights == NULL ? TDAG_I64 : weights->type.dtype;
    const tdagi_type column = {TDAG_I64, 2, {to->type.shape[0], 1}},
                     table = {TDAG_BOOL, 2, {to->type.shape[0], x->type.shape[0]}},
                     sums = vector_of(dtype, to->type.shape[0]);
    tdagi_mil v =
        tdagi_mil_op(w, &table, compare, x,
                     tdagi_mil_op(w, &column, "expand_dims(x=%v, axes=[1])", to));
    v = tdagi_mil_cast(w, v, dtype);
    if (weights != NULL) v = tdagi_mil_op(w, &v->type, "mul(x=%v, y=%v)", v, weights);
    return tdagi_mil_op(w, &sums, "reduce_sum(x=%v, axes=[1], keep_dims=false)", v);
}

static tdagi_mil sums_to_here(applying *a, tdagi_mil x)
{
    return tdagi_mil_op(a->w, &x->type,
                        "cumsum(x=%v, axis=0, exclusive=false, reverse=false)", x);
}

static tdagi_mil operand(applying *a, uint32_t i)
{
    return tdagi_mil_numeric(a->w, tdagi_mil_read_var(a->w, a->s->inputs[i]));
}

static void define(applying *a, uint32_t i, tdagi_mil v)
{
    if (i < a->s->n_results) tdagi_mil_define(a->w, a->s->results[i], v);
}

static void write_nonzero(applying *a)
{
    define(a, 0, tdagi_mil_op(a->w, &a->type, "non_zero(x=%v)", operand(a, 0)));
}

/* Each position as often as its count says: as many as end before or at a place. */
static void write_repeat_interleave(applying *a)
{
    tdagi_mil x = operand(a, 0);
    tdagi_mil n = tdagi_mil_op(a->w, &number_type,
                               "reduce_sum(x=%v, axes=[0], keep_dims=false)", x);
    tdagi_mil at = count_to(a, a->type.shape[0], n);
    if (a->w->status != TDAG_OK) return;
    define(a, 0, sum_where(a, "less_equal(x=%v, y=%v)", sums_to_here(a, x), at, NULL));
}

static void write_bincount(applying *a)
{
    tdagi_mil_writer *w = a->w;
    const char *is =
        strstr(a->s->arguments == NULL ? "" : a->s->arguments, "minlength=");
    double least = 0;
    if (is != NULL) (void)tdagi_f64_parse(is + 10, strcspn(is + 10, ", "), &least);
    tdagi_mil x = operand(a, 0), weights = a->s->n_inputs > 1 ? operand(a, 1) : NULL;
    if (w->status != TDAG_OK) return;
    const tdagi_type all =
        vector_of(TDAG_I64, tdagi_dim_add(w->pool, x->type.shape[0], 1));
    const int64_t last = (int64_t)least - 1;
    tdagi_mil v = tdagi_mil_op(w, &all, "concat(values=%n, axis=0, interleave=false)",
                               2, (const tdagi_mil[]){x, tdagi_mil_ints(w, 1, &last)});
    v = tdagi_mil_op(w, &number_type, "reduce_max(x=%v, axes=[0], keep_dims=false)", v);
    v = tdagi_mil_op(w, &number_type, "add(x=%v, y=1)", v);
    v = count_to(a, a->type.shape[0], v);
    if (weights != NULL) weights = tdagi_mil_cast(w, weights, a->type.dtype);
    define(a, 0, sum_where(a, "equal(x=%v, y=%v)", x, v, weights));
}

/* Where runs of equal ones begin; what is not equal to itself is one. */
static tdagi_mil begins(applying *a, tdagi_mil x, tdagi_mil n)
{
    tdagi_mil_writer *w = a->w;
    if (w->status != TDAG_OK) return NULL;
    const tdagi_type truths = vector_of(TDAG_BOOL, x->type.shape[0]);
    tdagi_mil at = count_to(a, x->type.shape[0], n);
    tdagi_mil before = tdagi_mil_gather_of(
        w, &x->type, x, tdagi_mil_op(w, NULL, "maximum(x=sub(x=%v, y=1), y=0)", at), 0,
        0);
    tdagi_mil v = tdagi_mil_op(w, &truths, "not_equal(x=%v, y=%v)", x, before);
    v = tdagi_mil_op(w, &truths, "logical_or(x=equal(x=%v, y=0), y=%v)", at, v);
    return tdagi_mil_cast(w, v, TDAG_I64);
}

/* Values of runs, which of them each element is of, and how many are. */
static void write_runs(applying *a, bool sorts)
{
    tdagi_mil_writer *w = a->w;
    const tdagi_mil given = operand(a, 0);
    if (w->status != TDAG_OK) return;
    tdag_dim size = 1;
    for (uint32_t i = 0; i < given->type.rank; i++)
        size = tdagi_dim_mul(w->pool, size, given->type.shape[i]);
    const tdagi_type flat = vector_of(given->type.dtype, size),
                     all = vector_of(TDAG_I64, size),
                     found = {TDAG_I64, 2, {a->type.shape[0], 1}},
                     some = vector_of(TDAG_I64, a->type.shape[0]);
    tdagi_mil x = given->type.rank == 1
                      ? given
                      : tdagi_mil_op(w, &flat, "reshape(x=%v, shape=[-1])", given);
    if (x == NULL) return;
    const tdagi_mil n = tdagi_mil_size_of(w, x, 0);
    tdagi_mil order = NULL;
    if (sorts)
        order = tdagi_mil_op(w, &all, "argsort(x=%v, axis=0, ascending=true)", x);
    if (sorts) x = tdagi_mil_gather_of(w, &flat, x, order, 0, 0);
    const tdagi_mil first = begins(a, x, n);
    if (w->status != TDAG_OK) return;
    tdagi_mil at = tdagi_mil_op(w, &found, "non_zero(x=%v)", first);
    at = tdagi_mil_op(w, &some, "squeeze(x=%v, axes=[1])", at);
    tdagi_mil of = tdagi_mil_op(w, &all, "sub(x=%v, y=1)", sums_to_here(a, first));
    define(a, 0, tdagi_mil_gather_of(w, &a->type, x, at, 0, 0));
    if (w->status != TDAG_OK) return;
    const tdagi_mil each = count_to(a, a->type.shape[0], tdagi_mil_size_of(w, at, 0));
    define(a, 2,
           w->status == TDAG_OK ? sum_where(a, "equal(x=%v, y=%v)", of, each, NULL)
                                : NULL);
    if (sorts) of = tdagi_mil_scatter_of(w, of, order, of, 0, "update");
    if (of != NULL)
        define(a, 1, tdagi_mil_reshape(w, of, given->type.rank, given->type.shape));
}

static void write_unique(applying *a) { write_runs(a, true); }
static void write_unique_consecutive(applying *a) { write_runs(a, false); }

void tdagi_mil_write_apply(tdagi_mil_writer *w, const tdagi_statement *s)
{
    static const struct {
        const char *name;
        void (*write)(applying *a);
    } rows[] = {{"nonzero", write_nonzero},
                {"repeat_interleave", write_repeat_interleave},
                {"bincount", write_bincount},
                {"unique", write_unique},
                {"unique_consecutive", write_unique_consecutive}};
    const char *dots = strrchr(s->text, ':');
    applying a = {.w = w, .s = s};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(dots == NULL ? s->text : dots + 1, rows[i].name) != 0) continue;
        tdagi_mil_var_type(w, s->results[0], &a.type);
        rows[i].write(&a);
        return;
    }
    tdagi_mil_refuse(w, s,
                     "Core ML has no operator whose size data tells as that of %.80s "
                     "does; compute it of fixed sizes, or outside of the model",
                     s->text);
}
