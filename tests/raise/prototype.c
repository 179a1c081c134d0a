/* See learn.h: the prototypes on which composites are lowered.
 *
 * The first operand has every rank and one dtype of each kind; the others its shape, a
 * part of it, or a shape of their own; optional ones are there or not. Axes, flags and
 * enumerations take all values, numbers two each. What the recipe refuses is no sample.
 */
#include "raise/learn.h"

#include "derive/composites.h"
#include "ir/graph.h"

#define MOST_RANK  8
#define MOST_SPECS 96
#define SPEC_SIZE  256

/* Composites that other parts of src/raise read off: no fixed tree shows them. */
static bool is_elsewhere(tdagi_composite id)
{
    static const tdagi_composite by_hand[] = {
        /* access maps */
        TDAGI_CONV,
        TDAGI_CONV_TRANSPOSE,
        TDAGI_LINEAR,
        TDAGI_MATMUL,
        TDAGI_ADDMM,
        TDAGI_EINSUM,
        /* windows: as many steps as there are axes, sizes that say themselves twice */
        TDAGI_MAX_POOL,
        TDAGI_MAX_POOL_POSITION,
        TDAGI_AVG_POOL,
        TDAGI_ADAPTIVE_AVG_POOL,
        TDAGI_ADAPTIVE_MAX_POOL,
        TDAGI_IM2COL,
        TDAGI_COL2IM,
        TDAGI_UPSAMPLE,
        TDAGI_SEARCHSORTED,
        TDAGI_SOLVE_TRIANGULAR,
        TDAGI_CHOLESKY,
        TDAGI_SOLVE,
        TDAGI_DET,
        TDAGI_ADAPTIVE_MAX_POOL_POSITION,
        TDAGI_BITWISE_AND,
        TDAGI_BITWISE_OR,
        TDAGI_BITWISE_XOR,
        TDAGI_BITWISE_LEFT_SHIFT,
        TDAGI_BITWISE_RIGHT_SHIFT,
        TDAGI_UPSAMPLE_AA,
        TDAGI_GRID_SAMPLE,
        TDAGI_EMBEDDING_BAG,
        /* any number of operands, axes or factors */
        TDAGI_CONCAT,
        TDAGI_STACK,
        TDAGI_ROLL,
        TDAGI_FLIP,
        TDAGI_TILE,
        TDAGI_REPEAT_INTERLEAVE,
        TDAGI_POW_INT,
        TDAGI_VECTOR_NORM,
        TDAGI_CDIST,
        TDAGI_PDIST,
        TDAGI_FFT,
        TDAGI_RFFT,
        TDAGI_IRFFT,
        TDAGI_NORMALIZE,
        /* by what the order leaves open */
        TDAGI_TOPK_POSITIONS,
        TDAGI_KTH_POSITION,
    };
    if (tdagi_composite_is_pair(id)) return true; /* found among kernels */
    for (uint32_t i = 0; i < sizeof(by_hand) / sizeof(by_hand[0]); i++)
        if (by_hand[i] == id) return true;
    return false;
}

/* How the operands but the first relate to it. */
typedef struct form {
    uint32_t rank;
    tdag_dtype dtype;
    uint32_t shape;  /* below */
    uint32_t dtypes; /* bit i: operand i + 1 has the other dtype */
    tdag_dtype other;
    uint32_t absent; /* bit i: operand i is left out */
    bool symbolic;
} form;

/* ---- specs ---- */

typedef struct specs {
    uint32_t n;
    _Alignas(8) char v[MOST_SPECS][SPEC_SIZE];
} specs;

static int64_t lists[][TDAG_MAX_RANK] = {{0}, {1}, {2}, {0, 1}, {1, 2}, {0, 1, 2}};
static const uint32_t list_lengths[] = {1, 1, 1, 2, 2, 3};

/* Value k of a field, false where there are no more; `at` numbers the field. */
static bool field_value(const tdagi_field *f, uint32_t at, uint32_t k, const form *w,
                        void *out)
{
    static const int64_t integers[] = {5, -7, 0, 11, -6};
    int64_t i = k;
    uint32_t n = 5;
    if (f->kind == TDAGI_FIELD_F64) {
        double x = w->dtype == TDAG_BOOL ? 1 - k : 37 + 16 * at + 5 * k;
        bool missing = f->role & TDAGI_ROLE_MISSING;
        if (missing) x = k == 2 ? 0 : 1.5 * (k + 1); /* below the count */
        memcpy(out, &x, sizeof(x));
        return k < (missing ? 3 : 2);
    }
    if (f->kind == TDAGI_FIELD_INTS) {
        tdag_list list = {list_lengths[k < 6 ? k : 0], lists[k < 6 ? k : 0]};
        memcpy(out, &list, sizeof(list));
        return k < 6;
    }
    if (f->kind == TDAGI_FIELD_BOOL) n = 2;
    if (f->kind == TDAGI_FIELD_ENUM)
        for (n = 0; f->names[n] != NULL; n++) {
        }
    if (f->role & TDAGI_ROLE_AXIS)
        n = w->rank;
    else if (f->role & TDAGI_ROLE_LAST_AXES)
        i = k + 1, n = w->rank;
    else if (f->role & TDAGI_ROLE_POSITIVE)
        i = k + 2, n = 2;
    else if (f->kind == TDAGI_FIELD_INT)
        i = integers[k < 5 ? k : 0];
    memcpy(out, &i, sizeof(i));
    return k < n;
}

static void make_specs(const tdagi_composite_def *def, const form *w, specs *out)
{
    static char before[MOST_SPECS][SPEC_SIZE];
    memset(out, 0, sizeof(*out));
    out->n = 1;
    assert_true(def->spec_size <= SPEC_SIZE);
    for (uint32_t at = 0; def->fields != NULL && def->fields[at].name; at++) {
        uint32_t n = out->n;
        memcpy(before, out->v, sizeof(before));
        out->n = 0;
        for (uint32_t i = 0; i < n; i++)
            for (uint32_t k = 0; out->n < MOST_SPECS; k++) {
                char *spec = out->v[out->n];
                memcpy(spec, before[i], SPEC_SIZE);
                if (!field_value(&def->fields[at], at, k, w,
                                 spec + def->fields[at].offset))
                    break;
                out->n++;
            }
    }
}

/* ---- operands ---- */

/* None is an axis or one of the numbers above: sizes are told from the spec. */
static const tdag_dim dims[MOST_RANK] = {6, 12, 20, 28, 13, 15, 9, 10};

/* MASK: the last operand is one number, the others are as the first. */
enum { SAME, SCALAR, CHANNEL, LIST, MASK, LAST, CUT = LAST + 3, N_SHAPES = CUT + 7 };

static bool operand_type(const form *w, uint32_t i, bool is_last, tdag_dim first,
                         tdagi_type *t)
{
    *t = (tdagi_type){w->dtype, w->rank, {0}};
    memcpy(t->shape, dims, sizeof(dims));
    t->shape[0] = first;
    if (i == 0) return true;
    if (w->dtypes >> (i - 1) & 1) t->dtype = w->other;
    uint32_t n = w->shape >= CUT ? w->shape - CUT + 1 : w->shape - LAST + 1;
    if (w->shape == SCALAR || (w->shape == MASK && is_last)) t->rank = 0;
    if (w->shape == CHANNEL || w->shape == LIST) t->rank = 1;
    if (w->shape == CHANNEL) t->shape[0] = dims[1];
    if (w->shape == LIST) t->shape[0] = 4;
    if (w->shape >= CUT)
        for (uint32_t k = 0; k < n && k < w->rank; k++)
            t->shape[k] = 3;
    if (w->shape < LAST || w->shape >= CUT) return n <= w->rank || w->shape < CUT;
    t->rank = n;
    if (n < w->rank)
        for (uint32_t k = 0; k < n; k++)
            t->shape[k] = dims[w->rank - n + k];
    return n < w->rank;
}

static void lower_sample(learned *all, tdagi_composite id, const form *w,
                         const void *spec)
{
    static const char *const names[] = {"0", "1", "2", "3", "4", "5", "6", "7"};
    const tdagi_composite_row *row = tdagi_composite_row_of(id);
    tdag_builder *b = NULL;
    tdag_value in[TDAGI_GUESS_INPUTS] = {{0}};
    bool fits = true;
    TEST_OK(all->ctx, tdag_builder_create(all->ctx, &b));
    tdag_dim first = w->symbolic ? tdag_builder_symbol(b, "N", dims[0]) : dims[0];
    for (uint32_t i = 0; fits && i < row->max_inputs; i++) {
        tdagi_type t;
        fits = operand_type(w, i, i + 1 == row->max_inputs, first, &t);
        if (w->absent >> i & 1 || !fits) continue;
        in[i] = tdag_add_input(b, names[i], t.dtype, t.rank, t.shape);
    }
    tdag_value top = {0};
    if (fits) top = tdagi_lower(b, id, in, row->max_inputs, spec);
    if (fits && b->status == TDAG_OK && top.id != 0 &&
        !tdagi_op_is_leaf(b->graph->nodes[top.id].op)) {
        void *copy = malloc(SPEC_SIZE);
        memcpy(copy, spec, SPEC_SIZE);
        learn_add(all, id, b, top, copy);
        return;
    }
    tdag_builder_free(b);
}

static void each_spec(learned *all, tdagi_composite id, const form *w)
{
    static specs list;
    const tdagi_composite_def *def = tdagi_composite_row_of(id)->def;
    make_specs(def, w, &list);
    for (uint32_t i = 0; i < list.n; i++)
        lower_sample(all, id, w, list.v[i]);
}

static void each_operand(learned *all, tdagi_composite id, form w)
{
    const tdagi_composite_row *row = tdagi_composite_row_of(id);
    uint32_t n = row->max_inputs, optional = (uint32_t)(n - row->min_inputs);
    static const tdag_dtype others[] = {TDAG_F32, TDAG_I64, TDAG_BOOL};
    for (w.shape = 0; w.shape < (n == 1 ? 1 : N_SHAPES); w.shape++) {
        if (w.shape == MASK && id != TDAGI_ATTENTION) continue;
        for (uint32_t a = 0; a < 1u << optional; a++)
            for (uint32_t k = 0; k < (n > 1 ? 3 : 1); k++)
                for (w.dtypes = 0; w.dtypes < 1u << (n - 1); w.dtypes++) {
                    w.absent = a << row->min_inputs;
                    w.other = others[k];
                    bool mixed = w.dtypes != 0;
                    bool rare = n > 2 && k > 0 && w.shape != MASK;
                    if (mixed && (w.other == w.dtype || rare)) continue;
                    if (!mixed && k > 0) continue;
                    if (k == 0 && mixed && w.dtype != TDAG_F16) continue;
                    each_spec(all, id, &w);
                }
    }
}

void learn_composite(learned *all, tdagi_composite id)
{
    static const tdag_dtype dtypes[] = {TDAG_F64, TDAG_F16, TDAG_I64, TDAG_BOOL};
    if (is_elsewhere(id) || tdagi_composite_row_of(id)->def->lower_formula ==
                                tdagi_composite_formula.lower_formula)
        return;
    /* of a number, logical_not is x == 0, which is a core op by itself */
    for (uint32_t i = id == TDAGI_LOGICAL_NOT ? 3 : 0; i < 4; i++)
        for (uint32_t rank = 1; rank <= MOST_RANK; rank++)
            for (uint32_t symbolic = 0; symbolic < 2; symbolic++)
                each_operand(
                    all, id,
                    (form){.rank = rank, .dtype = dtypes[i], .symbolic = symbolic});
}
