/* Values of dims, and dims taken over into another pool. */
#include "base/dim/pool.h"

#include <string.h>

/* What an evaluation carries along. */
typedef struct evaluation {
    const tdagi_pool *pool;
    const int64_t *values; /* of the symbols; NULL: the samples, which entries hold */
    bool by_zero;
} evaluation;

static bool eval_dim(evaluation *e, tdag_dim d, int64_t *out);

static bool eval_term(evaluation *e, const int64_t *term, int64_t *out)
{
    int64_t product = term[0];
    for (int64_t i = 0; i < term[1]; i++) {
        const int64_t *factor = term + 2 + 2 * i;
        int64_t value;
        if (!eval_dim(e, factor[0], &value)) return false;
        if (value == 0) { /* whatever else overflows */
            *out = 0;
            return true;
        }
        for (int64_t p = 0; p < factor[1]; p++)
            if (__builtin_mul_overflow(product, value, &product)) return false;
    }
    *out = product;
    return true;
}

static bool eval_terms(evaluation *e, const int64_t *words, size_t n, int64_t *out)
{
    int64_t sum = 0;
    for (size_t i = 0; i < n; i += tdagi_term_size(words + i)) {
        int64_t term;
        if (!eval_term(e, words + i, &term)) return false;
        if (__builtin_add_overflow(sum, term, &sum)) return false;
    }
    *out = sum;
    return true;
}

static bool eval_floor(evaluation *e, const int64_t *words, int64_t *out)
{
    int64_t a, b;
    if (!eval_dim(e, words[0], &a) || !eval_dim(e, words[1], &b)) return false;
    e->by_zero = e->by_zero || b == 0;
    return b != 0 && tdagi_floor_divide(a, b, out);
}

static bool eval_sides(evaluation *e, bool is_max, const int64_t *words, size_t n,
                       int64_t *out)
{
    for (size_t i = 0; i < n; i++) {
        int64_t side;
        if (!eval_dim(e, words[i], &side)) return false;
        if (i == 0 || (is_max ? side > *out : side < *out)) *out = side;
    }
    return true;
}

static bool eval_words(evaluation *e, tdagi_dim_kind kind, const int64_t *words,
                       size_t n, int64_t *out)
{
    switch (kind) {
    case TDAGI_DIM_INTEGER:
        *out = words[0];
        return true;
    case TDAGI_DIM_SYMBOL:
        *out =
            e->values != NULL ? e->values[words[0]] : e->pool->symbols[words[0]].sample;
        return true;
    case TDAGI_DIM_FLOOR:
        return eval_floor(e, words, out);
    case TDAGI_DIM_MAX:
    case TDAGI_DIM_MIN:
        return eval_sides(e, kind == TDAGI_DIM_MAX, words, n, out);
    case TDAGI_DIM_POLYNOMIAL:
        return eval_terms(e, words, n, out);
    }
    return false;
}

static bool eval_dim(evaluation *e, tdag_dim d, int64_t *out)
{
    *out = d;
    if (d >= 0) return true;
    const tdagi_entry *entry = tdagi_pool_entry(e->pool, d);
    if (e->values != NULL)
        return eval_words(e, (tdagi_dim_kind)entry->kind, entry->words, entry->n_words,
                          out);
    *out = entry->sample;
    return true;
}

bool tdagi_words_eval(const tdagi_pool *pool, tdagi_dim_kind kind, const int64_t *words,
                      size_t n, const int64_t *values, int64_t *out, bool *by_zero)
{
    evaluation e = {.pool = pool, .values = values};
    bool ok = eval_words(&e, kind, words, n, out);
    *by_zero = e.by_zero;
    return ok;
}

int64_t tdagi_dim_sample(const tdagi_pool *pool, tdag_dim d)
{
    if (d >= 0) return d;
    return tdagi_dim_is_valid(pool, d) ? tdagi_pool_entry(pool, d)->sample : 0;
}

bool tdagi_dim_eval(const tdagi_pool *pool, tdag_dim d, const int64_t *values,
                    int64_t *out)
{
    if (!tdagi_dim_is_valid(pool, d)) return false;
    evaluation e = {.pool = pool, .values = values};
    int64_t value;
    if (!eval_dim(&e, d, &value)) return false;
    *out = value;
    return true;
}

/* ---- taking over ---- */

/* replacements NULL: every symbol becomes the one of its name, declared when met. */
typedef struct takeover {
    tdagi_pool *to;
    const tdagi_pool *from;
    const tdag_dim *replacements;
} takeover;

static tdag_dim take_dim(const takeover *t, tdag_dim d);

static tdag_dim take_symbol(const takeover *t, int64_t number)
{
    if (t->replacements != NULL) return t->replacements[number];
    const tdagi_symbol *s = &t->from->symbols[number];
    return tdagi_dim_symbol(t->to, s->name, s->sample);
}

/* sum += the term with its atoms taken over; sum, term and next are buffers of the pool
 * that is taken over to. */
static bool take_term(const takeover *t, const int64_t *term, tdagi_words buffers[3])
{
    tdagi_words *sum = &buffers[0], *product = &buffers[1], *next = &buffers[2],
                swapped;
    const int64_t one[2] = {1, 0};
    tdagi_terms a, b;
    product->n = 0;
    bool ok = tdagi_words_push(t->to, product, (const int64_t[]){term[0], 0}, 2);
    for (int64_t i = 0; ok && i < term[1]; i++) {
        const int64_t *factor = term + 2 + 2 * i;
        tdag_dim d = take_dim(t, factor[0]);
        ok = tdagi_dim_is_valid(t->to, d);
        if (!ok) break;
        tdagi_terms_of(t->to, d, &b);
        for (int64_t p = 0; ok && p < factor[1]; p++) {
            tdagi_terms_view(product, &a);
            ok = tdagi_terms_multiply(t->to, next, &a, &b);
            swapped = *product;
            *product = *next;
            *next = swapped;
        }
    }
    if (!ok) return false;
    tdagi_terms_view(sum, &a);
    tdagi_terms_view(product, &b);
    ok = tdagi_terms_add_scaled(t->to, next, &a, one, &b);
    swapped = *sum;
    *sum = *next;
    *next = swapped;
    return ok;
}

static tdag_dim take_terms(const takeover *t, const tdagi_entry *e)
{
    tdagi_words buffers[3] = {{0}, {0}, {0}};
    bool ok = true;
    for (size_t i = 0; ok && i < e->n_words; i += tdagi_term_size(e->words + i))
        ok = take_term(t, e->words + i, buffers);
    tdag_dim d = ok ? tdagi_terms_finish(t->to, &buffers[0]) : TDAGI_DIM_BAD;
    for (int i = 0; i < 3; i++)
        tdagi_words_free(t->to, &buffers[i]);
    return d;
}

static tdag_dim take_sides(const takeover *t, const tdagi_entry *e)
{
    tdag_dim d = take_dim(t, e->words[0]);
    for (uint32_t i = 1; i < e->n_words; i++) {
        tdag_dim side = take_dim(t, e->words[i]);
        d = e->kind == TDAGI_DIM_MAX ? tdagi_dim_max(t->to, d, side)
                                     : tdagi_dim_min(t->to, d, side);
    }
    return d;
}

static tdag_dim take_dim(const takeover *t, tdag_dim d)
{
    if (d >= 0 || d == TDAGI_DIM_BAD) return d;
    const tdagi_entry e =
        *tdagi_pool_entry(t->from, d); /* `to` may be `from`, and grow */
    switch ((tdagi_dim_kind)e.kind) {
    case TDAGI_DIM_INTEGER:
        return tdagi_dim_const(t->to, e.words[0]);
    case TDAGI_DIM_SYMBOL:
        return take_symbol(t, e.words[0]);
    case TDAGI_DIM_FLOOR:
        return tdagi_dim_floordiv(t->to, take_dim(t, e.words[0]),
                                  take_dim(t, e.words[1]));
    case TDAGI_DIM_MAX:
    case TDAGI_DIM_MIN:
        return take_sides(t, &e);
    case TDAGI_DIM_POLYNOMIAL:
        return take_terms(t, &e);
    }
    return TDAGI_DIM_BAD;
}

tdag_dim tdagi_dim_import(tdagi_pool *to, const tdagi_pool *from, tdag_dim d)
{
    const takeover t = {.to = to, .from = from};
    if (d >= 0 || to == from) return d;
    if (tdagi_dim_is_valid(from, d)) return take_dim(&t, d);
    if (d != TDAGI_DIM_BAD)
        tdagi_pool_fail(to, TDAG_E_ARG, "a number that is no dim of this graph");
    return TDAGI_DIM_BAD;
}

tdag_dim tdagi_dim_substitute(tdagi_pool *to, const tdagi_pool *from, tdag_dim d,
                              const tdag_dim *replacements)
{
    const takeover t = {.to = to, .from = from, .replacements = replacements};
    if (d >= 0) return d;
    if (tdagi_dim_is_valid(from, d)) return take_dim(&t, d);
    if (d != TDAGI_DIM_BAD)
        tdagi_pool_fail(to, TDAG_E_ARG, "a number that is no dim of this graph");
    return TDAGI_DIM_BAD;
}

/* ---- two pools ---- */

static bool same_words(const tdagi_pool *pa, const tdagi_entry *a, const tdagi_pool *pb,
                       const tdagi_entry *b)
{
    if (a->kind != TDAGI_DIM_POLYNOMIAL) {
        for (uint32_t i = 0; i < a->n_words; i++)
            if (!tdagi_dim_same(pa, a->words[i], pb, b->words[i])) return false;
        return true;
    }
    for (size_t i = 0; i < a->n_words; i += tdagi_term_size(a->words + i)) {
        const int64_t *x = a->words + i, *y = b->words + i;
        if (x[0] != y[0] || x[1] != y[1]) return false;
        for (int64_t k = 0; k < x[1]; k++)
            if (x[3 + 2 * k] != y[3 + 2 * k] ||
                !tdagi_dim_same(pa, x[2 + 2 * k], pb, y[2 + 2 * k]))
                return false;
    }
    return true;
}

bool tdagi_dim_same(const tdagi_pool *pool_a, tdag_dim a, const tdagi_pool *pool_b,
                    tdag_dim b)
{
    if (pool_a == pool_b || a >= 0 || b >= 0) return a == b;
    if (!tdagi_dim_is_valid(pool_a, a) || !tdagi_dim_is_valid(pool_b, b)) return a == b;
    const tdagi_entry *x = tdagi_pool_entry(pool_a, a),
                      *y = tdagi_pool_entry(pool_b, b);
    if (x->kind != y->kind || x->n_words != y->n_words || x->sample != y->sample)
        return false;
    if (x->kind == TDAGI_DIM_INTEGER) return x->words[0] == y->words[0];
    if (x->kind == TDAGI_DIM_SYMBOL)
        return strcmp(pool_a->symbols[x->words[0]].name,
                      pool_b->symbols[y->words[0]].name) == 0;
    return same_words(pool_a, x, pool_b, y);
}
