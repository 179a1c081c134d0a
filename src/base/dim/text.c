/* Dims as text and back.
 *
 *   sum     = ["-"] product {("+" | "-") product}
 *   product = factor {"*" factor}
 *   factor  = number | symbol | "(" sum ")" | "floor(" product "/" factor ")"
 *           | ("max(" | "min(") sum "," sum {"," sum} ")"
 *
 * Spaces may stand between the tokens. The writer uses parentheses in a floor only. */
#include <stdio.h>
#include <string.h>

#include "base/dim/pool.h"

#define MAX_NESTING (4 * TDAGI_DIM_MAX_DEPTH) /* of parentheses in a text */

/* ---- writing ---- */

typedef struct writer {
    const tdagi_pool *pool;
    char *buf;
    size_t size, n;
} writer;

static void put(writer *w, const char *text)
{
    for (; *text != '\0'; text++, w->n++)
        if (w->n + 1 < w->size) w->buf[w->n] = *text;
}

static void put_number(writer *w, uint64_t magnitude)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)magnitude);
    put(w, digits);
}

static void write_dim(writer *w, tdag_dim d);

static void write_terms(writer *w, const tdagi_terms *t)
{
    for (size_t i = 0; i < t->n; i += tdagi_term_size(t->v + i)) {
        const int64_t *term = t->v + i;
        uint64_t magnitude = term[0] < 0 ? 0 - (uint64_t)term[0] : (uint64_t)term[0];
        if (term[0] < 0)
            put(w, "-");
        else if (i > 0)
            put(w, "+");
        bool first = magnitude == 1 && term[1] > 0;
        if (!first) put_number(w, magnitude);
        for (int64_t k = 0; k < term[1]; k++)
            for (int64_t p = 0; p < term[3 + 2 * k]; p++) {
                if (!first) put(w, "*");
                first = false;
                write_dim(w, term[2 + 2 * k]);
            }
    }
    if (t->n == 0) put(w, "0");
}

/* An operand of floor: in parentheses unless it is a single product, or a factor. */
static void write_operand(writer *w, tdag_dim d, bool factor)
{
    tdagi_terms t;
    tdagi_terms_of(w->pool, d, &t);
    bool one_term = t.n == 0 || t.n == tdagi_term_size(t.v);
    bool is_factor = one_term && (t.n <= 2 || (t.n == 4 && t.v[0] == 1 && t.v[3] == 1));
    bool bare = one_term && (t.n == 0 || t.v[0] > 0) && (is_factor || !factor);
    if (!bare) put(w, "(");
    write_terms(w, &t);
    if (!bare) put(w, ")");
}

static void write_atom(writer *w, const tdagi_entry *e)
{
    if (e->kind == TDAGI_DIM_SYMBOL) {
        put(w, w->pool->symbols[e->words[0]].name);
        return;
    }
    if (e->kind == TDAGI_DIM_FLOOR) {
        put(w, "floor(");
        write_operand(w, e->words[0], false);
        put(w, "/");
        write_operand(w, e->words[1], true);
    } else {
        put(w, e->kind == TDAGI_DIM_MAX ? "max(" : "min(");
        for (uint32_t i = 0; i < e->n_words; i++) {
            if (i > 0) put(w, ",");
            write_dim(w, e->words[i]);
        }
    }
    put(w, ")");
}

static void write_dim(writer *w, tdag_dim d)
{
    if (!tdagi_dim_is_valid(w->pool, d)) {
        put(w, "?");
        return;
    }
    if (d < 0) {
        const tdagi_entry *e = tdagi_pool_entry(w->pool, d);
        if (e->kind != TDAGI_DIM_POLYNOMIAL && e->kind != TDAGI_DIM_INTEGER) {
            write_atom(w, e);
            return;
        }
    }
    tdagi_terms t;
    tdagi_terms_of(w->pool, d, &t);
    write_terms(w, &t);
}

size_t tdagi_dim_text(const tdagi_pool *pool, tdag_dim d, char *buf, size_t size)
{
    writer w = {.pool = pool, .buf = buf, .size = size};
    write_dim(&w, d);
    if (size > 0) buf[w.n < size ? w.n : size - 1] = '\0';
    return w.n;
}

/* ---- reading ---- */

typedef struct reader {
    tdag_ctx *ctx;
    tdagi_pool *pool;
    const char *text, *p, *end;
    uint32_t nesting;
} reader;

static tdag_status fail(reader *r, const char *at, const char *sentence)
{
    tdagi_fail(r->ctx, TDAG_E_FORMAT, "%s", sentence);
    return tdagi_fail_at_offset(r->ctx, (uint64_t)(at - r->text));
}

/* The next byte that is no space, without taking it; 0 at the end. */
static char peek(const reader *r, const char **at)
{
    const char *p = r->p;
    while (p < r->end && *p == ' ')
        p++;
    *at = p;
    return p < r->end ? *p : '\0';
}

static bool take(reader *r, char c)
{
    const char *at;
    if (peek(r, &at) != c) return false;
    r->p = at + 1;
    return true;
}

static tdag_status expect(reader *r, char c, const char *sentence)
{
    const char *at;
    if (take(r, c)) return TDAG_OK;
    peek(r, &at);
    return fail(r, at, sentence);
}

/* Passes on what the pool has met, with the place in the text. */
static tdag_status check(reader *r, const char *at)
{
    if (tdagi_pool_status(r->pool) == TDAG_OK) return TDAG_OK;
    tdagi_pool_report(r->ctx, r->pool);
    return tdagi_fail_at_offset(r->ctx, (uint64_t)(at - r->text));
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static tdag_status read_sum(reader *r, tdag_dim *out);
static tdag_status read_product(reader *r, bool negative, tdag_dim *out);
static tdag_status read_factor(reader *r, bool negative, tdag_dim *out);

static tdag_status read_number(reader *r, bool negative, tdag_dim *out)
{
    const char *start = r->p;
    uint64_t magnitude = 0, limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    for (; r->p < r->end && is_digit(*r->p); r->p++) {
        uint64_t digit = (uint64_t)(*r->p - '0');
        if (magnitude > (limit - digit) / 10)
            return fail(r, start, "a number that does not fit 64 bits");
        magnitude = magnitude * 10 + digit;
    }
    if (!negative)
        *out = (tdag_dim)magnitude;
    else
        *out = tdagi_dim_const(r->pool,
                               magnitude == limit ? INT64_MIN : -(int64_t)magnitude);
    return check(r, start);
}

static tdag_status read_floor(reader *r, tdag_dim *out)
{
    tdag_dim a, b;
    const char *start = r->p;
    TDAGI_TRY(read_product(r, take(r, '-'), &a));
    TDAGI_TRY(expect(r, '/', "expected a / in floor; a sum needs parentheses there"));
    TDAGI_TRY(read_factor(r, false, &b));
    TDAGI_TRY(expect(r, ')', "expected a ) after the divisor of floor"));
    *out = tdagi_dim_floordiv(r->pool, a, b);
    return check(r, start);
}

static tdag_status read_sides(reader *r, bool is_max, tdag_dim *out)
{
    const char *start = r->p;
    TDAGI_TRY(read_sum(r, out));
    TDAGI_TRY(expect(r, ',', "expected a comma in max or min"));
    do {
        tdag_dim side;
        TDAGI_TRY(read_sum(r, &side));
        *out = is_max ? tdagi_dim_max(r->pool, *out, side)
                      : tdagi_dim_min(r->pool, *out, side);
    } while (take(r, ','));
    TDAGI_TRY(expect(r, ')', "expected a comma or ) in max or min"));
    return check(r, start);
}

static tdag_status read_name(reader *r, tdag_dim *out)
{
    const char *start = r->p;
    while (r->p < r->end && (is_letter(*r->p) || is_digit(*r->p)))
        r->p++;
    size_t n = (size_t)(r->p - start);
    if (r->p < r->end && *r->p == '(') {
        bool is_max = n == 3 && memcmp(start, "max", 3) == 0;
        r->p++;
        if (n == 5 && memcmp(start, "floor", 5) == 0) return read_floor(r, out);
        if (is_max || (n == 3 && memcmp(start, "min", 3) == 0))
            return read_sides(r, is_max, out);
        return fail(r, start, "an unknown function; there are floor, max and min");
    }
    for (uint32_t i = 0; i < r->pool->n_symbols; i++) {
        const tdagi_symbol *s = &r->pool->symbols[i];
        if (strncmp(s->name, start, n) != 0 || s->name[n] != '\0') continue;
        *out = s->dim;
        return TDAG_OK;
    }
    tdagi_fail(r->ctx, TDAG_E_FORMAT, "an unknown symbol '%.*s'",
               (int)(n < 80 ? n : 80), start);
    return tdagi_fail_at_offset(r->ctx, (uint64_t)(start - r->text));
}

static tdag_status read_parenthesis(reader *r, tdag_dim *out)
{
    r->p++;
    TDAGI_TRY(read_sum(r, out));
    return expect(r, ')', "expected a closing parenthesis");
}

/* negative: the factor's sign, which only a number may have. All recursion passes here.
 */
static tdag_status read_factor(reader *r, bool negative, tdag_dim *out)
{
    char c = peek(r, &r->p);
    tdag_status status;
    if (r->nesting >= MAX_NESTING) {
        tdagi_fail(r->ctx, TDAG_E_LIMIT, "a dim nested deeper than %d", MAX_NESTING);
        return tdagi_fail_at_offset(r->ctx, (uint64_t)(r->p - r->text));
    }
    r->nesting++;
    if (is_digit(c))
        status = read_number(r, negative, out);
    else if (is_letter(c))
        status = read_name(r, out);
    else if (c == '(')
        status = read_parenthesis(r, out);
    else
        status = fail(r, r->p, "expected a number, a symbol or a parenthesis");
    r->nesting--;
    return status;
}

static tdag_status read_product(reader *r, bool negative, tdag_dim *out)
{
    const char *start;
    bool number = is_digit(peek(r, &start));
    TDAGI_TRY(read_factor(r, negative, out));
    if (negative && !number) *out = tdagi_dim_sub(r->pool, 0, *out);
    while (take(r, '*')) {
        tdag_dim factor;
        TDAGI_TRY(read_factor(r, false, &factor));
        *out = tdagi_dim_mul(r->pool, *out, factor);
    }
    return check(r, start);
}

static tdag_status read_sum(reader *r, tdag_dim *out)
{
    const char *start = r->p;
    TDAGI_TRY(read_product(r, take(r, '-'), out));
    for (;;) {
        bool negative = take(r, '-');
        if (!negative && !take(r, '+')) break;
        tdag_dim product;
        TDAGI_TRY(read_product(r, negative, &product));
        *out = tdagi_dim_add(r->pool, *out, product);
    }
    return check(r, start);
}

tdag_status tdagi_dim_parse(tdag_ctx *ctx, tdagi_pool *pool, const char *text,
                            const char *text_end, const char **end_out, tdag_dim *out)
{
    reader r = {.ctx = ctx, .pool = pool, .text = text, .p = text, .end = text_end};
    tdag_dim d = TDAGI_DIM_BAD;
    TDAGI_TRY(check(&r, text));
    TDAGI_TRY(read_sum(&r, &d));
    *out = d;
    *end_out = r.p;
    return TDAG_OK;
}
