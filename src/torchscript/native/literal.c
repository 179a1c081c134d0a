/* Numbers and strings of the source as what they stand for. */
#include <string.h>

#include "base/number_text.h"
#include "torchscript/native/lex.h"

/* ---- numbers ---- */

static tdag_status read_int(tdagi_source_parser *p, const char *text, uint32_t n,
                            bool is_negative, int64_t *out)
{
    uint64_t magnitude = 0, limit = (uint64_t)INT64_MAX + is_negative;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (magnitude > (limit - digit) / 10)
            return tdagi_source_fail(p, p->token.offset,
                                     "a number that does not fit 64 bits");
        magnitude = magnitude * 10 + digit;
    }
    *out = !is_negative            ? (int64_t)magnitude
           : magnitude > INT64_MAX ? INT64_MIN
                                   : -(int64_t)magnitude;
    return TDAG_OK;
}

tdag_status tdagi_source_number(tdagi_source_parser *p, bool is_negative,
                                tdagi_source_expr *out)
{
    const char *text = p->text + p->token.offset;
    uint32_t n = p->token.n;
    bool is_complex = text[n - 1] == 'j', is_int = !is_complex;
    n -= is_complex;
    for (uint32_t i = 0; i < n; i++)
        is_int &= text[i] >= '0' && text[i] <= '9';
    out->kind = is_complex ? TDAGI_EXPR_COMPLEX
                : is_int   ? TDAGI_EXPR_INT
                           : TDAGI_EXPR_FLOAT;
    if (is_int)
        TDAGI_TRY(read_int(p, text, n, is_negative, &out->u.i));
    else if (!tdagi_f64_parse(text, n, &out->u.f))
        return tdagi_source_fail(p, p->token.offset,
                                 "a number beyond a double's range");
    if (!is_int && is_negative) out->u.f = -out->u.f;
    return tdagi_source_next(p);
}

/* ---- strings ---- */

static bool is_octal(const char *s, uint32_t left)
{
    for (uint32_t i = 0; i < 3; i++)
        if (i >= left || s[i] < '0' || s[i] > '7') return false;
    return s[0] < '4';
}

/* The byte after a backslash, of `left`; how many bytes say it, 0 for none that is
 * known. */
static uint32_t unescape(const char *s, uint32_t left, char *out)
{
    static const char from[] = "ntrabfv\\'\"", to[] = "\n\t\r\a\b\f\v\\'\"";
    const char *i = left == 0 || *s == '\0' ? NULL : strchr(from, *s);
    if (i != NULL) *out = to[i - from];
    if (i != NULL) return 1;
    if (!is_octal(s, left)) return 0;
    *out = (char)((s[0] - '0') * 64 + (s[1] - '0') * 8 + s[2] - '0');
    return 3;
}

/* Pushes what stands between the quotes of the token. */
static tdag_status push_string(tdagi_source_parser *p)
{
    const char *text = p->text + p->token.offset;
    uint32_t quote =
        p->token.n >= 6 && text[1] == text[0] && text[2] == text[0] ? 3 : 1;
    uint32_t end = p->token.n - quote, i = quote;
    while (i < end) {
        uint32_t start = i;
        while (i < end && text[i] != '\\')
            i++;
        TDAGI_TRY(tdagi_source_push(p, text + start, i - start));
        if (i == end) break;
        char c = '\0';
        uint32_t n = unescape(text + i + 1, end - i - 1, &c);
        if (n == 0 && (i + 1 == end || text[i + 1] != '\n'))
            return tdagi_source_fail(p, p->token.offset + i,
                                     "an unknown escape in a string");
        if (n > 0) TDAGI_TRY(tdagi_source_push(p, &c, 1));
        i += n == 0 ? 2 : 1 + n; /* a line that goes on is no byte */
    }
    return tdagi_source_next(p);
}

/* Strings that stand side by side are one. */
tdag_status tdagi_source_string(tdagi_source_parser *p, tdagi_source_expr *out)
{
    size_t since = p->stack_size;
    do
        TDAGI_TRY(push_string(p));
    while (p->token.kind == TDAGI_TOKEN_STRING);
    out->kind = TDAGI_EXPR_STRING;
    out->n_s = (uint32_t)(p->stack_size - since);
    TDAGI_TRY(tdagi_source_push(p, "", 1));
    return tdagi_source_pop(p, since, &out->u.s);
}
