/* Assignments "SYMBOL=EXPRESSION". In order: they are parsed; the symbols that stay are
 * declared in the new pool, then those that are new, with samples solved for; then what
 * each symbol becomes is read. */
#include "transform/compose/assign.h"

#include <string.h>

typedef struct assigning {
    tdag_ctx *ctx;
    const tdagi_pool *from;
    tdagi_pool *to;
    const uint32_t *symbols; /* that may be replaced; NULL: all */
    uint32_t n;
    const char **right;     /* by place in these: past the '='; NULL: it stays */
    tdag_dim *replacements; /* by symbol */
} assigning;

static uint32_t number(const assigning *s, uint32_t i)
{
    return s->symbols == NULL ? i : s->symbols[i];
}

tdag_status tdagi_assignment_equals(tdag_ctx *ctx, const char *text, const char **out)
{
    *out = text == NULL ? NULL : strchr(text, '=');
    if (*out == NULL)
        return tdagi_fail(ctx, TDAG_E_ARG, "\"%s\" is no assignment SYMBOL=EXPRESSION",
                          text == NULL ? "" : text);
    return TDAG_OK;
}

static tdag_status read_left(assigning *s, const char *text)
{
    const char *equals = NULL;
    TDAGI_TRY(tdagi_assignment_equals(s->ctx, text, &equals));
    size_t n = (size_t)(equals - text);
    for (uint32_t i = 0; i < s->n; i++) {
        const char *name = tdagi_pool_symbol(s->from, number(s, i), NULL);
        if (strlen(name) != n || memcmp(name, text, n) != 0) continue;
        if (s->right[i] != NULL)
            return tdagi_fail(s->ctx, TDAG_E_ARG, "symbol %s is given twice", name);
        s->right[i] = equals + 1;
        return TDAG_OK;
    }
    return tdagi_fail(s->ctx, TDAG_E_ARG, "the model has no symbol %.*s", (int)n, text);
}

static bool is_name_start(char c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static size_t name_length(const char *text)
{
    size_t n = 0;
    while (is_name_start(text[n]) || (n > 0 && text[n] >= '0' && text[n] <= '9'))
        n++;
    return n;
}

/* Is it a function of the grammar of dims? */
static bool is_function(const char *text, size_t n)
{
    const char *rest = text + n;
    return rest[strspn(rest, " ")] == '(';
}

/* Declares the symbols of a right-hand side that are not there yet, with sample 0, in a
 * pool of its own; *n_new_out of them. */
static tdag_status parse_with_new(assigning *s, tdagi_pool *pool, const char *text,
                                  uint32_t *n_new_out, tdag_dim *out)
{
    char name[256];
    for (const char *p = text; *p != '\0';) {
        size_t n = name_length(p);
        if (n == 0) {
            p++;
            continue;
        }
        if (n >= sizeof(name))
            return tdagi_fail(s->ctx, TDAG_E_ARG, "a symbol's name is too long");
        if (!is_function(p, n)) {
            memcpy(name, p, n);
            name[n] = '\0';
            bool known = false;
            for (uint32_t i = 0; i < tdagi_pool_n_symbols(pool); i++)
                known = known || strcmp(tdagi_pool_symbol(pool, i, NULL), name) == 0;
            if (!known) {
                tdagi_dim_symbol(pool, name, 0);
                (*n_new_out)++;
            }
        }
        p += n;
    }
    const char *end = NULL;
    tdag_status st =
        tdagi_dim_parse(s->ctx, pool, text, text + strlen(text), &end, out);
    if (st == TDAG_OK && *end != '\0')
        st = tdagi_fail(s->ctx, TDAG_E_FORMAT, "\"%s\" is no expression over symbols",
                        text);
    return st;
}

/* Declares the new symbol of symbol i's right-hand side, whose sample makes it i's. */
static tdag_status declare_new(assigning *s, uint32_t i)
{
    tdagi_pool *to = s->to, *trial = tdagi_pool_clone(to);
    uint32_t n_known = tdagi_pool_n_symbols(to), n_new = 0;
    int64_t sample;
    tdag_dim d = 0;
    if (trial == NULL) return tdagi_nomem(s->ctx);
    tdagi_pool_symbol(s->from, number(s, i), &sample);
    tdag_status st = parse_with_new(s, trial, s->right[i], &n_new, &d);
    if (st == TDAG_OK && n_new > 0) {
        const char *name = tdagi_pool_symbol(trial, n_known, NULL);
        uint32_t symbol;
        int64_t factor, offset;
        if (n_new > 1 || !tdagi_dim_is_affine(trial, d, &symbol, &factor, &offset) ||
            symbol != n_known || sample < offset || (sample - offset) % factor != 0)
            st = tdagi_fail(s->ctx, TDAG_E_ARG,
                            "%s has the sample %lld, which no sample of the new symbol "
                            "%s gives by %s",
                            tdagi_pool_symbol(s->from, number(s, i), NULL),
                            (long long)sample, name, s->right[i]);
        else
            tdagi_dim_symbol(to, name, (sample - offset) / factor);
    }
    if (st == TDAG_OK) st = tdagi_pool_report(s->ctx, to);
    tdagi_pool_free(trial);
    return st;
}

static tdag_status replace_all(assigning *s)
{
    tdagi_pool *to = s->to;
    for (uint32_t i = 0; i < s->n; i++) {
        int64_t sample;
        const char *name = tdagi_pool_symbol(s->from, number(s, i), &sample);
        if (s->right[i] == NULL)
            s->replacements[number(s, i)] = tdagi_dim_symbol(to, name, sample);
    }
    TDAGI_TRY(tdagi_pool_report(s->ctx, to));
    for (uint32_t i = 0; i < s->n; i++)
        if (s->right[i] != NULL) TDAGI_TRY(declare_new(s, i));
    for (uint32_t i = 0; i < s->n; i++) {
        const char *end = NULL, *text = s->right[i];
        if (text == NULL) continue;
        TDAGI_TRY(tdagi_dim_parse(s->ctx, to, text, text + strlen(text), &end,
                                  &s->replacements[number(s, i)]));
        if (tdagi_dim_sample(to, s->replacements[number(s, i)]) < 0)
            return tdagi_fail(
                s->ctx, TDAG_E_ARG, "symbol %s would be %lld",
                tdagi_pool_symbol(s->from, number(s, i), NULL),
                (long long)tdagi_dim_sample(to, s->replacements[number(s, i)]));
    }
    return TDAG_OK;
}

tdag_status tdagi_assign(tdag_ctx *ctx, const tdagi_pool *from, const uint32_t *symbols,
                         uint32_t n, const char *const *assignments,
                         uint32_t n_assignments, tdagi_pool *to, tdag_dim *replacements)
{
    void *right = NULL;
    const size_t size = sizeof(const char *);
    TDAGI_TRY(tdagi_array_alloc(ctx, (size_t)n + 1, size, &right));
    assigning s = {ctx, from, to, symbols, n, right, replacements};
    tdag_status st = TDAG_OK;
    for (uint32_t i = 0; i < n_assignments && st == TDAG_OK; i++)
        st = read_left(&s, assignments[i]);
    if (st == TDAG_OK) st = replace_all(&s);
    tdagi_free(ctx, right, ((size_t)n + 1) * size);
    return st;
}
