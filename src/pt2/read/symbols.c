/* Symbolic sizes: the texts in which sympy's constructors spell expressions, parsed
 * into dims and never evaluated.
 *
 *   EXPRESSION = Symbol('NAME'[, ...]) | Integer(N) | NAME | N | HEAD(EXPRESSION, ...)
 *
 * The symbols of the user's inputs are bound first, each to a symbol of ours or to what
 * the caller says its input is; every other size follows. */
#include "pt2/read/import.h"

#include <stdlib.h>
#include <string.h>

#define MAX_NESTING    32
#define MAX_EXPRESSION 4096 /* bytes */

typedef struct expression {
    tdagi_pt2 *im;
    tdagi_pool *pool;
    bool declares; /* symbols are made as they come, of sample 1 */
    const char *p;
    uint32_t depth;
} expression;

/* ---- pieces ---- */

static void skip_spaces(expression *e) { e->p += strspn(e->p, " "); }

static bool take(expression *e, char c)
{
    skip_spaces(e);
    if (*e->p != c) return false;
    e->p++;
    return true;
}

static size_t word(const char *p)
{
    size_t n = 0;
    while ((p[n] >= 'a' && p[n] <= 'z') || (p[n] >= 'A' && p[n] <= 'Z') ||
           p[n] == '_' || (n > 0 && p[n] >= '0' && p[n] <= '9'))
        n++;
    return n;
}

static bool is_word(const char *p, size_t n, const char *text)
{
    return strlen(text) == n && memcmp(p, text, n) == 0;
}

static bool read_number(expression *e, tdag_dim *out)
{
    skip_spaces(e);
    bool negative = take(e, '-');
    const char *start = e->p;
    int64_t n = 0;
    for (; *e->p >= '0' && *e->p <= '9'; e->p++) {
        int digit = *e->p - '0';
        if (n > (INT64_MAX - digit) / 10) return false;
        n = 10 * n + digit;
    }
    *out = tdagi_dim_const(e->pool, negative ? -n : n);
    return e->p > start;
}

/* A symbol of the file. Not one that depends on data: nothing binds it. */
static bool find_symbol(expression *e, const char *name, size_t n, tdag_dim *out)
{
    char buf[64];
    if (n == 0 || n >= sizeof(buf)) return false;
    memcpy(buf, name, n);
    buf[n] = '\0';
    if (e->declares) {
        *out = tdagi_dim_symbol(e->pool, buf, 1);
        return true;
    }
    const tdagi_pt2_symbol *s = tdagi_pt2_find(&e->im->symbols, buf);
    if (s == NULL || s->dim == TDAGI_DIM_BAD) return false;
    *out = s->dim;
    return true;
}

/* Behind "Symbol(": 'NAME', then what sympy is told to assume of it. */
static bool read_symbol(expression *e, tdag_dim *out)
{
    if (!take(e, '\'')) return false;
    size_t n = word(e->p);
    const char *name = e->p;
    e->p += n;
    if (!take(e, '\'') || !find_symbol(e, name, n, out)) return false;
    while (take(e, ',')) {
        skip_spaces(e);
        e->p += word(e->p);
        if (!take(e, '=')) return false;
        e->p += word(e->p);
    }
    return take(e, ')');
}

/* ---- functions ---- */

static tdag_dim ceil_div(tdagi_pool *pool, tdag_dim a, tdag_dim b)
{
    tdag_dim up = tdagi_dim_sub(pool, tdagi_dim_add(pool, a, b), 1);
    return tdagi_dim_floordiv(pool, up, b);
}

static tdag_dim power(tdagi_pool *pool, tdag_dim a, tdag_dim b)
{
    int64_t n;
    if (!tdagi_dim_is_const(pool, b, &n) || n < 0 || n > 16) return TDAGI_DIM_BAD;
    tdag_dim out = 1;
    for (; n > 0; n--)
        out = tdagi_dim_mul(pool, out, a);
    return out;
}

static const struct {
    const char *name;
    tdag_dim (*of)(tdagi_pool *pool, tdag_dim a, tdag_dim b);
    bool many; /* any number of operands */
} functions[] = {
    {"Add", tdagi_dim_add, true},
    {"Mul", tdagi_dim_mul, true},
    {"Max", tdagi_dim_max, true},
    {"Min", tdagi_dim_min, true},
    {"Pow", power, false},
    {"PowByNatural", power, false},
    {"FloorDiv", tdagi_dim_floordiv, false},
    {"CleanDiv", tdagi_dim_floordiv, false},
    {"CeilDiv", ceil_div, false},
    {"Mod", tdagi_dim_mod, false},
    {"PythonMod", tdagi_dim_mod, false},
};
#define N_FUNCTIONS (sizeof(functions) / sizeof(functions[0]))

static bool read_expression(expression *e, tdag_dim *out);

/* Behind its name and parenthesis. */
static bool read_function(expression *e, size_t f, tdag_dim *out)
{
    uint32_t n = 1;
    if (!read_expression(e, out)) return false;
    while (take(e, ',')) {
        tdag_dim operand;
        if (!read_expression(e, &operand)) return false;
        *out = functions[f].of(e->pool, *out, operand);
        if (*out == TDAGI_DIM_BAD) return false;
        n++;
    }
    return take(e, ')') && (functions[f].many || n == 2);
}

static bool read_word(expression *e, tdag_dim *out)
{
    const char *name = e->p;
    size_t n = word(name), f = 0;
    if (n == 0) return read_number(e, out);
    e->p += n;
    if (!take(e, '(')) return find_symbol(e, name, n, out);
    if (is_word(name, n, "Symbol")) return read_symbol(e, out);
    if (is_word(name, n, "Integer")) return read_number(e, out) && take(e, ')');
    if (is_word(name, n, "Identity")) return read_expression(e, out) && take(e, ')');
    while (f < N_FUNCTIONS && !is_word(name, n, functions[f].name))
        f++;
    return f < N_FUNCTIONS && read_function(e, f, out);
}

/* All recursion passes here. */
static bool read_expression(expression *e, tdag_dim *out)
{
    if (e->depth >= MAX_NESTING) return false;
    e->depth++;
    skip_spaces(e);
    bool ok = read_word(e, out);
    e->depth--;
    return ok && *out != TDAGI_DIM_BAD;
}

static bool read_all(expression *e, const char *text, tdag_dim *out)
{
    e->p = text;
    if (strlen(text) > MAX_EXPRESSION || !read_expression(e, out)) return false;
    skip_spaces(e);
    bool ok = *e->p == '\0' && tdagi_pool_status(e->pool) == TDAG_OK;
    if (tdagi_pool_status(e->pool) != TDAG_E_NOMEM) tdagi_pool_clear_status(e->pool);
    return ok;
}

bool tdagi_pt2_dim(tdagi_pt2 *im, const tdagi_pt2_size *size, tdag_dim *out)
{
    expression e = {.im = im, .pool = im->env.pool};
    if (size->expression == NULL) {
        *out = size->number;
        return size->number >= 0;
    }
    return read_all(&e, size->expression, out);
}

/* ---- binding ---- */

static tdagi_pt2_symbol *symbol_of(tdagi_pt2 *im, const char *name)
{
    uint32_t before = im->symbols.n;
    tdagi_pt2_symbol *s =
        tdagi_pt2_intern(&im->symbols, name, strlen(name), sizeof(*s));
    if (s == NULL && tdagi_env_ok(&im->env)) im->env.status = tdagi_nomem(im->env.ctx);
    if (s != NULL && im->symbols.n > before) s->dim = TDAGI_DIM_BAD;
    return s;
}

/* A number within the symbol's range, for a file without an example. */
static int64_t any_sample(const tdagi_pt2 *im, const char *name)
{
    const tdagi_pt2_range *range = tdagi_pt2_find(&im->p.ranges, name);
    int64_t n = 8;
    if (range != NULL && range->has_max && n > range->max) n = range->max;
    if (range != NULL && range->has_min && n < range->min) n = range->min;
    return n < 1 ? 1 : n;
}

/* Binds symbol s, of which the size is factor * s + offset. */
static void bind(tdagi_pt2 *im, const char *name, int64_t factor, int64_t offset,
                 const tdagi_pt2_size *size, const tdag_input_spec *spec, uint32_t axis)
{
    tdagi_pt2_symbol *s = symbol_of(im, name);
    if (s == NULL || s->dim != TDAGI_DIM_BAD) return;
    const char *given = spec == NULL ? NULL : spec->symbol[axis];
    int64_t at = spec != NULL ? spec->shape[axis] : size->number;
    int64_t sample =
        at >= offset && factor > 0 ? (at - offset) / factor : any_sample(im, name);
    if (spec == NULL && !size->has_number) sample = any_sample(im, name);
    bool is_plain = factor == 1 && offset == 0;
    if (spec != NULL && given == NULL)
        s->dim = sample;
    else
        s->dim = tdag_builder_symbol(im->env.b,
                                     is_plain && given != NULL ? given : name, sample);
}

void tdagi_pt2_bind(tdagi_pt2 *im, const tdagi_pt2_size *size,
                    const tdag_input_spec *spec, uint32_t axis)
{
    if (size->expression == NULL || !tdagi_env_ok(&im->env)) return;
    tdagi_pool *scratch = tdagi_pool_create(&im->env.ctx->allocator);
    if (scratch == NULL) {
        im->env.status = tdagi_nomem(im->env.ctx);
        return;
    }
    expression e = {.im = im, .pool = scratch, .declares = true};
    tdag_dim d;
    uint32_t symbol = 0;
    int64_t factor = 0, offset = 0;
    if (!read_all(&e, size->expression, &d))
        tdagi_env_issue(&im->env, "an input of the size %.200s", size->expression);
    else if (tdagi_dim_is_affine(scratch, d, &symbol, &factor, &offset))
        bind(im, tdagi_pool_symbol(scratch, symbol, NULL), factor, offset, size, spec,
             axis);
    if (tdagi_pool_status(scratch) == TDAG_E_NOMEM && tdagi_env_ok(&im->env))
        im->env.status = tdagi_nomem(im->env.ctx);
    tdagi_pool_free(scratch);
}

/* ---- ranges ---- */

/* Lower bounds up to 2 only say which sizes were not tried. */
void tdagi_pt2_check_ranges(tdagi_pt2 *im)
{
    for (uint32_t i = 0; i < im->symbols.capacity && tdagi_env_ok(&im->env); i++) {
        const tdagi_pt2_symbol *s = im->symbols.things[i];
        if (s == NULL || s->dim == TDAGI_DIM_BAD) continue;
        const tdagi_pt2_range *range = tdagi_pt2_find(&im->p.ranges, s->name);
        int64_t n = tdagi_dim_sample(im->env.pool, s->dim);
        if (range == NULL) continue;
        bool low = range->has_min && range->min > 2 && n < range->min;
        if (!low && !(range->has_max && n > range->max)) continue;
        im->env.status = tdagi_fail(
            im->env.ctx, TDAG_E_ARG,
            "the size %s is %lld, which is not within the program's range, %s %lld",
            s->name, (long long)n, low ? "at least" : "at most",
            (long long)(low ? range->min : range->max));
    }
}
