/* See draw.h. */
#include "raise/draw.h"

tdag_list draw_list(draw *d, uint32_t n, int64_t lo, int64_t hi)
{
    assert_true(d->n_lists < DRAW_MOST_LISTS);
    int64_t *v = d->lists[d->n_lists++];
    for (uint32_t i = 0; i < n; i++)
        v[i] = rnd_in(&d->r, lo, hi);
    return (tdag_list){n, v};
}

int64_t *draw_numbers(tdag_list list) { return (int64_t *)(uintptr_t)list.v; }

void draw_symbol(draw *d, tdagi_type *t, uint32_t axis)
{
    static const char *const names[] = {"N", "C", "H", "W", "D", "T"};
    if (axis < t->rank && axis < 6 && t->shape[axis] > 0 && rnd_in(&d->r, 0, 2) == 0)
        t->shape[axis] = tdag_builder_symbol(d->b, names[axis], t->shape[axis]);
}

static tdag_dtype draw_dtype(draw *d, const char *letters)
{
    switch (letters[rnd_in(&d->r, 0, (int64_t)strlen(letters) - 1)]) {
    case 'd':
        return TDAG_F64;
    case 'h':
        return TDAG_F16;
    case 'b':
        return TDAG_BF16;
    case 'i':
        return TDAG_I64;
    case 'o':
        return TDAG_BOOL;
    default:
        return TDAG_F32;
    }
}

/* ---- the spec ---- */

static int64_t integer(draw *d, const tdagi_field *f)
{
    uint32_t rank = d->l.in[0].rank, n = 0;
    if (f->role & TDAGI_ROLE_AXIS) return rnd_in(&d->r, 0, (int64_t)rank - 1);
    if (f->role & TDAGI_ROLE_LAST_AXES) return rnd_in(&d->r, 1, rank);
    if (f->role & TDAGI_ROLE_RESULT_AXIS) return rnd_in(&d->r, 0, rank);
    if (f->role & TDAGI_ROLE_POSITIVE) return rnd_in(&d->r, 1, 3);
    if (f->role & TDAGI_ROLE_NATURAL) return rnd_in(&d->r, 0, 2);
    if (f->kind == TDAGI_FIELD_BOOL) return rnd_yes(&d->r);
    if (f->kind != TDAGI_FIELD_ENUM) return rnd_in(&d->r, -3, 3);
    while (f->names[n] != NULL)
        n++;
    return rnd_in(&d->r, 0, (int64_t)n - 1);
}

static tdag_list list(draw *d, const tdagi_field *f)
{
    uint32_t rank = d->l.in[0].rank;
    if (f->role & TDAGI_ROLE_SPATIAL) {
        bool positive = f->role & TDAGI_ROLE_POSITIVE;
        return draw_list(d, d->n_spatial, positive, positive ? 3 : 2);
    }
    tdag_list out = draw_list(d, 0, 0, 0);
    if (!(f->role & TDAGI_ROLE_AXIS)) return out; /* fit.c's */
    uint32_t chosen = (uint32_t)rnd_in(&d->r, 1, (1 << rank) - 1);
    for (uint32_t i = 0; i < rank; i++)
        if (chosen >> i & 1) draw_numbers(out)[out.n++] = i;
    return out;
}

static void draw_spec(draw *d)
{
    const tdagi_composite_def *def = tdagi_composite_row_of(d->l.id)->def;
    assert_true(def->spec_size <= sizeof(d->spec));
    d->l.spec = def->fields == NULL ? NULL : &d->spec;
    for (const tdagi_field *f = def->fields; f != NULL && f->name != NULL; f++) {
        unsigned char *at = (unsigned char *)&d->spec + f->offset;
        if (f->kind == TDAGI_FIELD_INTS || f->kind == TDAGI_FIELD_DIMS)
            *(tdag_list *)(void *)at = list(d, f);
        else if (f->kind == TDAGI_FIELD_F64)
            *(double *)(void *)at = (double)(10 * rnd_in(&d->r, -40, 40) + 3) / 100;
        else if (f->kind != TDAGI_FIELD_STRING)
            *(int64_t *)(void *)at = integer(d, f);
    }
}

/* ---- the operands ---- */

/* Leading axes left out, others made 1. */
static tdagi_type narrower(draw *d, const tdagi_type *x)
{
    uint32_t gone = (uint32_t)rnd_in(&d->r, 0, x->rank);
    if (rnd_yes(&d->r)) gone = 0;
    tdagi_type t = type_of_dims(x->dtype, x->rank - gone, x->shape + gone);
    for (uint32_t i = 0; i < t.rank; i++)
        if (rnd_in(&d->r, 0, 3) == 0) t.shape[i] = 1;
    return t;
}

static tdagi_type operand(draw *d, char form, uint32_t i)
{
    const tdagi_type *x = &d->l.in[0];
    tdagi_type t = *x;
    int64_t n = 0;
    switch (form) {
    case '~':
        return narrower(d, x);
    case '?':
        t = narrower(d, x);
        t.dtype = TDAG_BOOL;
        return t;
    case 'c':
        t = type_of(x->dtype, 1, x->shape[1]);
        if (i > 1)
            t.dtype = d->l.in[1].dtype;
        else if (d->l.id == TDAGI_BATCH_NORM && x->dtype != TDAG_F64 && rnd_yes(&d->r))
            t.dtype = TDAG_F32; /* statistics and weights of halves */
        return t;
    case 'p':
        return type_of(x->dtype, 1,
                       x->rank > 1 && rnd_yes(&d->r) ? x->shape[1] : INT64_C(1));
    case 'l':
        n = d->spec.layer_norm.n_axes;
        return type_of_dims(x->dtype, (uint32_t)n, x->shape + x->rank - n);
    case '+':
        if (d->l.id == TDAGI_CONCAT) t.shape[d->spec.axis.axis] = rnd_in(&d->r, 1, 4);
        return t;
    default:
        return t;
    }
}

static void draw_others(draw *d, const char *forms)
{
    uint32_t least = tdagi_composite_row_of(d->l.id)->min_inputs;
    bool absent[8] = {false};
    for (uint32_t i = 1; i < d->l.n && *forms != '\0'; i++) {
        d->l.in[i] = operand(d, *forms == '+' ? '+' : forms[i - 1], i);
        bool may_miss = i >= least && *forms != '+' && i + 1 < d->l.n;
        absent[i] = may_miss && rnd_in(&d->r, 0, 3) == 0; /* a bias without a weight */
    }
    for (uint32_t i = 1; i < d->l.n; i++)
        if (absent[i]) d->l.in[i].dtype = TDAG_DTYPE_NONE;
    if (*forms == '~' && rnd_yes(&d->r)) {
        tdagi_type t = d->l.in[0];
        d->l.in[0] = d->l.in[1];
        d->l.in[1] = t;
    }
}

void draw_example(draw *d, const generator *g)
{
    const tdagi_composite_row *row = tdagi_composite_row_of(g->id);
    tdagi_type *x = &d->l.in[0];
    d->l.id = g->id;
    d->l.n = (uint32_t)rnd_in(&d->r, row->min_inputs,
                              row->max_inputs < 7 ? row->max_inputs : 7);
    if (g->spatial > 0) d->n_spatial = (uint32_t)rnd_in(&d->r, 1, g->spatial);
    x->dtype = draw_dtype(d, g->dtypes);
    x->rank = d->n_spatial + (uint32_t)rnd_in(&d->r, g->least, g->most);
    for (uint32_t i = 0; i < x->rank; i++)
        x->shape[i] = rnd_in(&d->r, 1, 4);
    draw_spec(d);
    if (g->fit != NULL) g->fit(d);
    bool alone = *g->others != '.' && (row->max_inputs == 1 || *g->others != '\0');
    for (uint32_t i = 0; alone && i < (g->spatial > 0 ? 1 : x->rank); i++)
        draw_symbol(d, x, i);
    draw_others(d, g->others);
}
