/* The tokens of the text form. */
#include <stdio.h>

#include "ir/text/parse.h"

tdag_status tdagi_lex_fail(const tdagi_lexer *l, const char *at, const char *format,
                           ...)
{
    char sentence[512];
    va_list args;
    va_start(args, format);
    if (vsnprintf(sentence, sizeof sentence, format, args) < 0) sentence[0] = '\0';
    va_end(args);
    tdagi_fail(l->ctx, TDAG_E_FORMAT, "%s", sentence);
    return tdagi_fail_at_offset(l->ctx, (uint64_t)(at - l->text));
}

tdag_status tdagi_lex_pass(const tdagi_lexer *l, const char *at, tdag_status status)
{
    if (status != TDAG_OK) tdagi_fail_at_offset(l->ctx, (uint64_t)(at - l->text));
    return status;
}

/* ---- spaces and lines ---- */

void tdagi_lex_spaces(tdagi_lexer *l)
{
    while (l->p < l->end && (*l->p == ' ' || *l->p == '\t' || *l->p == '\r'))
        l->p++;
}

bool tdagi_lex_take(tdagi_lexer *l, char c)
{
    tdagi_lex_spaces(l);
    if (l->p == l->end || *l->p != c) return false;
    l->p++;
    return true;
}

tdag_status tdagi_lex_expect(tdagi_lexer *l, char c)
{
    if (tdagi_lex_take(l, c)) return TDAG_OK;
    return tdagi_lex_fail(l, l->p, "expected '%c' here", c);
}

bool tdagi_lex_at_line_end(tdagi_lexer *l)
{
    tdagi_lex_spaces(l);
    if (l->p < l->end && *l->p == '#')
        while (l->p < l->end && *l->p != '\n')
            l->p++;
    return l->p == l->end || *l->p == '\n';
}

tdag_status tdagi_lex_line_end(tdagi_lexer *l)
{
    if (!tdagi_lex_at_line_end(l))
        return tdagi_lex_fail(l, l->p, "something is left at the end of the line");
    if (l->p < l->end) l->p++;
    return TDAG_OK;
}

void tdagi_lex_blank_lines(tdagi_lexer *l)
{
    while (l->p < l->end && tdagi_lex_at_line_end(l) && l->p < l->end)
        l->p++;
}

/* ---- words ---- */

bool tdagi_lex_take_word(tdagi_lexer *l, const char *word)
{
    size_t n = strlen(word);
    tdagi_lex_spaces(l);
    if ((size_t)(l->end - l->p) < n || memcmp(l->p, word, n) != 0) return false;
    if (l->p + n < l->end && tdagi_text_is_plain(l->p[n])) return false;
    l->p += n;
    return true;
}

static tdag_status keep(tdagi_lexer *l, const char *start, const char *end,
                        const char **out)
{
    size_t n = (size_t)(end - start);
    char *word = tdagi_arena_alloc(l->arena, n + 1);
    if (word == NULL) return tdagi_nomem(l->ctx);
    memcpy(word, start, n);
    word[n] = '\0';
    *out = word;
    return TDAG_OK;
}

tdag_status tdagi_lex_word(tdagi_lexer *l, const char **out)
{
    tdagi_lex_spaces(l);
    const char *start = l->p;
    while (l->p < l->end && tdagi_text_is_plain(*l->p))
        l->p++;
    if (l->p == start) return tdagi_lex_fail(l, start, "expected a name here");
    return keep(l, start, l->p, out);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

/* The byte after a backslash; false if it is none that we know. */
static bool unescape(tdagi_lexer *l, char *out)
{
    if (l->p == l->end) return false;
    char c = *l->p++;
    if (c == 'n') c = '\n';
    if (c != 'x') {
        *out = c;
        return c == '"' || c == '\\' || c == '\n';
    }
    if (l->end - l->p < 2) return false;
    int high = hex_digit(l->p[0]), low = hex_digit(l->p[1]);
    l->p += 2;
    *out = (char)(high * 16 + low);
    return high >= 0 && low >= 0 && *out != '\0';
}

tdag_status tdagi_lex_quoted(tdagi_lexer *l, const char **out)
{
    const char *start;
    TDAGI_TRY(tdagi_lex_expect(l, '"'));
    start = l->p;
    const char *close = start;
    while (close < l->end && *close != '"' && *close != '\n' && *close != '\0')
        close += *close == '\\' && l->end - close > 1 ? 2 : 1;
    if (close >= l->end || *close != '"')
        return tdagi_lex_fail(l, start, "a quoted text without an end");
    char *word = tdagi_arena_alloc(l->arena, (size_t)(close - start) + 1), *to = word;
    if (word == NULL) return tdagi_nomem(l->ctx);
    while (l->p < close) {
        const char *at = l->p;
        if (*l->p++ != '\\')
            *to++ = *at;
        else if (!unescape(l, to++))
            return tdagi_lex_fail(l, at, "an unknown escape in a quoted text");
    }
    *to = '\0';
    l->p = close + 1;
    *out = word;
    return TDAG_OK;
}

tdag_status tdagi_lex_name(tdagi_lexer *l, const char **out)
{
    tdagi_lex_spaces(l);
    if (l->p == l->end || *l->p != '"') return tdagi_lex_word(l, out);
    const char *start = l->p;
    TDAGI_TRY(tdagi_lex_quoted(l, out));
    return **out != '\0' ? TDAG_OK : tdagi_lex_fail(l, start, "an empty name");
}

/* ---- numbers, dims, lists ---- */

size_t tdagi_lex_number_length(const tdagi_lexer *l)
{
    const char *p = l->p;
    while (p < l->end && (tdagi_text_is_plain(*p) || *p == '+' || *p == '-' ||
                          *p == '(' || *p == ')'))
        p++;
    return (size_t)(p - l->p);
}

tdag_status tdagi_lex_int(tdagi_lexer *l, int64_t *out)
{
    tdagi_lex_spaces(l);
    const char *start = l->p;
    bool negative = l->p < l->end && *l->p == '-';
    uint64_t magnitude = 0, limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    l->p += negative;
    const char *digits = l->p;
    for (; l->p < l->end && *l->p >= '0' && *l->p <= '9'; l->p++) {
        uint64_t digit = (uint64_t)(*l->p - '0');
        if (magnitude > (limit - digit) / 10)
            return tdagi_lex_fail(l, start, "a number that does not fit 64 bits");
        magnitude = magnitude * 10 + digit;
    }
    if (l->p == digits) return tdagi_lex_fail(l, start, "expected an integer here");
    *out = !negative               ? (int64_t)magnitude
           : magnitude > INT64_MAX ? INT64_MIN
                                   : -(int64_t)magnitude;
    return TDAG_OK;
}

tdag_status tdagi_lex_dim(tdagi_lexer *l, tdag_dim *out)
{
    tdagi_lex_spaces(l);
    const char *start = l->p;
    tdag_status st = tdagi_dim_parse(l->ctx, l->pool, start, l->end, &l->p, out);
    if (st != TDAG_OK && l->ctx->error.offset != UINT64_MAX)
        l->ctx->error.offset += (uint64_t)(start - l->text);
    return tdagi_lex_pass(l, start, st);
}

tdag_status tdagi_lex_list(tdagi_lexer *l, bool dims, tdag_list *out)
{
    TDAGI_TRY(tdagi_lex_expect(l, '['));
    uint32_t n = 0, capacity = 8;
    int64_t *v = tdagi_arena_array(l->arena, capacity, sizeof *v);
    if (v == NULL) return tdagi_nomem(l->ctx);
    while (!tdagi_lex_take(l, ']')) {
        if (n > 0) TDAGI_TRY(tdagi_lex_expect(l, ','));
        if (n == capacity) {
            if (capacity > UINT32_MAX / 4)
                return tdagi_lex_fail(l, l->p, "a list that is too long");
            int64_t *wider = tdagi_arena_array(l->arena, capacity * 2, sizeof *v);
            if (wider == NULL) return tdagi_nomem(l->ctx);
            memcpy(wider, v, n * sizeof *v);
            v = wider;
            capacity *= 2;
        }
        TDAGI_TRY(dims ? tdagi_lex_dim(l, &v[n]) : tdagi_lex_int(l, &v[n]));
        n++;
    }
    *out = (tdag_list){.n = n, .v = v};
    return TDAG_OK;
}

tdag_status tdagi_lex_dtype(tdagi_lexer *l, tdag_dtype *out)
{
    const char *name;
    tdagi_lex_spaces(l);
    const char *start = l->p;
    TDAGI_TRY(tdagi_lex_word(l, &name));
    *out = tdag_dtype_from_name(name);
    if (*out != TDAG_DTYPE_NONE) return TDAG_OK;
    return tdagi_lex_fail(l, start, "'%.80s' is no dtype", name);
}
