/* See json_read.h. Nothing here recurses: containers are walked by the caller. */
#include "format/json_read.h"

#include <math.h>
#include <string.h>

#include "base/number_text.h"
#include "base/text.h"

static tdag_status fail_at(const tdagi_json_reader *r, const char *at,
                           const char *sentence)
{
    tdagi_fail(r->ctx, TDAG_E_FORMAT, "%s", sentence);
    return tdagi_fail_at_offset(r->ctx, r->offset + (uint64_t)(at - r->text));
}

tdag_status tdagi_json_fail(const tdagi_json_reader *r, const char *sentence)
{
    return fail_at(r, r->p, sentence);
}

/* ---- UTF-8 ---- */

tdag_status tdagi_json_check_utf8(const tdagi_json_reader *r)
{
    for (const char *p = r->text; p < r->end;) {
        bool ascii = *p != 0 && ((unsigned char)*p & 0x80) == 0;
        size_t n = ascii ? 1 : tdagi_utf8_length(p, r->end);
        if (n == 0) return fail_at(r, p, "the text is not UTF-8");
        p += n;
    }
    return TDAG_OK;
}

bool tdagi_json_is_utf8(const char *text, const char *end)
{
    for (size_t n; text < end; text += n)
        if ((n = tdagi_utf8_length(text, end)) == 0) return false;
    return true;
}

static char *put_utf8(char *to, uint32_t code)
{
    unsigned char *u = (unsigned char *)to;
    if (code < 0x80) {
        *u++ = (unsigned char)code;
    } else if (code < 0x800) {
        *u++ = (unsigned char)(0xC0 | code >> 6);
        *u++ = (unsigned char)(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        *u++ = (unsigned char)(0xE0 | code >> 12);
        *u++ = (unsigned char)(0x80 | (code >> 6 & 0x3F));
        *u++ = (unsigned char)(0x80 | (code & 0x3F));
    } else {
        *u++ = (unsigned char)(0xF0 | code >> 18);
        *u++ = (unsigned char)(0x80 | (code >> 12 & 0x3F));
        *u++ = (unsigned char)(0x80 | (code >> 6 & 0x3F));
        *u++ = (unsigned char)(0x80 | (code & 0x3F));
    }
    return (char *)u;
}

/* ---- punctuation ---- */

static void skip_spaces(tdagi_json_reader *r)
{
    while (r->p < r->end &&
           (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
        r->p++;
}

bool tdagi_json_take(tdagi_json_reader *r, char byte)
{
    skip_spaces(r);
    if (r->p == r->end || *r->p != byte) return false;
    r->p++;
    return true;
}

tdag_status tdagi_json_expect(tdagi_json_reader *r, char byte)
{
    if (tdagi_json_take(r, byte)) return TDAG_OK;
    tdagi_fail(r->ctx, TDAG_E_FORMAT, "the JSON has something else where %c must come",
               byte);
    return tdagi_fail_at_offset(r->ctx, r->offset + (uint64_t)(r->p - r->text));
}

tdag_status tdagi_json_next(tdagi_json_reader *r, char close, bool *first,
                            bool *more_out)
{
    *more_out = !tdagi_json_take(r, close);
    if (*more_out && !*first) TDAGI_TRY(tdagi_json_expect(r, ','));
    *first = false;
    return TDAG_OK;
}

tdag_status tdagi_json_end(tdagi_json_reader *r)
{
    skip_spaces(r);
    return r->p == r->end
               ? TDAG_OK
               : tdagi_json_fail(r, "there is more after the end of the JSON");
}

/* ---- strings and numbers ---- */

/* Four hexadecimal digits; false if they are not there. */
static bool read_hex(tdagi_json_reader *r, uint32_t *out)
{
    if (r->end - r->p < 4) return false;
    uint32_t code = 0;
    for (int i = 0; i < 4; i++, r->p++) {
        char c = *r->p;
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit == 16) return false;
        code = code << 4 | digit;
    }
    *out = code;
    return true;
}

/* The character after \u, a pair of surrogates included. */
static tdag_status read_unicode(tdagi_json_reader *r, uint32_t *out)
{
    const char *start = r->p;
    uint32_t code, low;
    if (!read_hex(r, &code)) return fail_at(r, start, "\\u without four digits");
    if (code >= 0xD800 && code < 0xDC00) {
        bool pair = r->end - r->p > 2 && r->p[0] == '\\' && r->p[1] == 'u';
        r->p += pair ? 2 : 0;
        if (!pair || !read_hex(r, &low) || low < 0xDC00 || low > 0xDFFF)
            return fail_at(r, start, "half of a surrogate pair");
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code < 0xE000) {
        return fail_at(r, start, "half of a surrogate pair");
    }
    if (code == 0) return fail_at(r, start, "a string with U+0000 in it");
    *out = code;
    return TDAG_OK;
}

static tdag_status read_escape(tdagi_json_reader *r, char **to)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *letter = r->p < r->end && *r->p != '\0' ? strchr(letters, *r->p) : NULL;
    if (letter != NULL) {
        r->p++;
        *(*to)++ = meanings[letter - letters];
        return TDAG_OK;
    }
    if (r->p == r->end || *r->p != 'u')
        return tdagi_json_fail(r, "an unknown escape in a string");
    r->p++;
    uint32_t code = 0;
    TDAGI_TRY(read_unicode(r, &code));
    *to = put_utf8(*to, code);
    return TDAG_OK;
}

tdag_status tdagi_json_string(tdagi_json_reader *r, const char **out)
{
    TDAGI_TRY(tdagi_json_expect(r, '"'));
    const char *close = r->p; /* a decoded string is never longer than its text */
    while (close < r->end && *close != '"')
        close += *close == '\\' && r->end - close > 1 ? 2 : 1;
    if (close >= r->end) return tdagi_json_fail(r, "a string without an end");
    char *string = tdagi_arena_alloc(r->arena, (size_t)(close - r->p) + 1),
         *to = string;
    if (string == NULL) return tdagi_nomem(r->ctx);
    while (r->p < close) {
        const char *start = r->p;
        while (r->p < close && *r->p != '\\' && (unsigned char)*r->p >= 0x20)
            r->p++;
        memcpy(to, start, (size_t)(r->p - start));
        to += r->p - start;
        if (r->p == close) break;
        if ((unsigned char)*r->p < 0x20)
            return tdagi_json_fail(r, "a control character in a string");
        r->p++;
        TDAGI_TRY(read_escape(r, &to));
    }
    *to = '\0';
    r->p = close + 1;
    *out = string;
    return TDAG_OK;
}

tdag_status tdagi_json_key(tdagi_json_reader *r, const char **out)
{
    TDAGI_TRY(tdagi_json_string(r, out));
    return tdagi_json_expect(r, ':');
}

tdag_status tdagi_json_int64(tdagi_json_reader *r, int64_t *out)
{
    skip_spaces(r);
    const char *start = r->p;
    bool negative = r->p < r->end && *r->p == '-';
    uint64_t magnitude = 0, limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    r->p += negative;
    const char *digits = r->p;
    for (; r->p < r->end && *r->p >= '0' && *r->p <= '9'; r->p++) {
        uint64_t digit = (uint64_t)(*r->p - '0');
        if (magnitude > (limit - digit) / 10)
            return fail_at(r, start, "a number that does not fit 64 bits");
        magnitude = magnitude * 10 + digit;
    }
    bool fraction = r->p < r->end && (*r->p == '.' || *r->p == 'e' || *r->p == 'E');
    if (r->p == digits || fraction || (r->p - digits > 1 && *digits == '0'))
        return fail_at(r, start, "not an integer where one must come");
    *out = !negative               ? (int64_t)magnitude
           : magnitude > INT64_MAX ? INT64_MIN
                                   : -(int64_t)magnitude;
    return TDAG_OK;
}

tdag_status tdagi_json_bool(tdagi_json_reader *r, bool *out)
{
    const char *text;
    size_t n;
    bool quoted = tdagi_json_peek(r) == '"';
    const char *start = r->p;
    TDAGI_TRY(tdagi_json_scalar(r, &text, &n));
    *out = n == 4 && memcmp(text, "true", 4) == 0;
    if (!quoted && (*out || (n == 5 && memcmp(text, "false", 5) == 0))) return TDAG_OK;
    return fail_at(r, start, "neither true nor false where one of them must come");
}

char tdagi_json_peek(tdagi_json_reader *r)
{
    skip_spaces(r);
    return r->p < r->end ? *r->p : '\0';
}

static bool is_word_byte(char c)
{
    switch (c) {
    case ',':
    case ':':
    case '[':
    case ']':
    case '{':
    case '}':
    case '"':
        return false;
    default:
        return (unsigned char)c > ' ';
    }
}

/* Past the bytes of a number, true, false or null. */
static void skip_word(tdagi_json_reader *r)
{
    while (r->p < r->end && is_word_byte(*r->p))
        r->p++;
}

tdag_status tdagi_json_scalar(tdagi_json_reader *r, const char **out, size_t *n_out)
{
    if (tdagi_json_peek(r) == '"') {
        TDAGI_TRY(tdagi_json_string(r, out));
        *n_out = strlen(*out);
        return TDAG_OK;
    }
    const char *start = r->p;
    skip_word(r);
    if (r->p == start) return fail_at(r, start, "no value where one must come");
    *out = start;
    *n_out = (size_t)(r->p - start);
    return TDAG_OK;
}

/* ---- past values ---- */

/* The quote that ends the string whose bytes begin at p: the first one with an even
 * number of backslashes before it; NULL if there is none. */
static const char *string_end(const char *p, const char *end)
{
    for (const char *quote = p;; quote++) {
        quote = memchr(quote, '"', (size_t)(end - quote));
        if (quote == NULL) return NULL;
        const char *q = quote;
        while (q > p && q[-1] == '\\')
            q--;
        if ((quote - q) % 2 == 0) return quote;
    }
}

static tdag_status skip_string(tdagi_json_reader *r)
{
    const char *start = r->p, *close = string_end(start + 1, r->end);
    if (close == NULL) return fail_at(r, start, "a string without an end");
    r->p = close + 1;
    return TDAG_OK;
}

tdag_status tdagi_json_skip(tdagi_json_reader *r)
{
    uint64_t depth = 0;
    do {
        char c = tdagi_json_peek(r);
        bool closes = c == '}' || c == ']';
        if (c == '\0' || (depth == 0 && (closes || c == ',' || c == ':')))
            return tdagi_json_fail(r, "no value where one must come");
        if (c == '"') {
            TDAGI_TRY(skip_string(r));
        } else if (c == '{' || c == '[') {
            depth++;
            r->p++;
        } else if (closes || c == ',' || c == ':') {
            depth -= closes;
            r->p++;
        } else {
            const char *start = r->p;
            skip_word(r);
            if (r->p == start) return tdagi_json_fail(r, "a control character");
        }
    } while (depth > 0);
    return TDAG_OK;
}

bool tdagi_json_take_null(tdagi_json_reader *r)
{
    bool is_null =
        tdagi_json_peek(r) == 'n' && r->end - r->p >= 4 && memcmp(r->p, "null", 4) == 0;
    r->p += is_null ? 4 : 0;
    return is_null;
}

tdag_status tdagi_json_bytes(tdagi_json_reader *r, const char **out, size_t *n_out)
{
    tdagi_json_peek(r);
    const char *start = r->p;
    const char *close =
        start < r->end ? memchr(start + 1, '"', (size_t)(r->end - start - 1)) : NULL;
    bool plain = close != NULL && *start == '"' &&
                 memchr(start, '\\', (size_t)(close - start)) == NULL;
    if (!plain) {
        TDAGI_TRY(tdagi_json_string(r, out));
        *n_out = strlen(*out);
        return TDAG_OK;
    }
    *out = start + 1;
    *n_out = (size_t)(close - start - 1);
    r->p = close + 1;
    return TDAG_OK;
}

tdag_status tdagi_json_f64(tdagi_json_reader *r, double *out)
{
    static const struct {
        const char *name;
        double value;
    } named[] = {{"Infinity", INFINITY}, {"-Infinity", -INFINITY}, {"NaN", NAN}};
    bool quoted = tdagi_json_peek(r) == '"';
    const char *start = r->p, *text;
    size_t n;
    TDAGI_TRY(tdagi_json_scalar(r, &text, &n));
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        if (n != strlen(named[i].name) || memcmp(text, named[i].name, n) != 0) continue;
        *out = named[i].value;
        return TDAG_OK;
    }
    bool is_number = n > 0 && (*text == '-' || (*text >= '0' && *text <= '9'));
    if (!quoted && is_number && tdagi_f64_parse(text, n, out)) return TDAG_OK;
    return fail_at(r, start, "no number where one must come");
}

/* ---- objects of known keys ---- */

/* The sentence "<what><why>'<key>'<rest>". */
static tdag_status fail_key(const tdagi_json_reader *r, const char *at,
                            const char *const words[3], const char *key)
{
    tdagi_fail(r->ctx, TDAG_E_FORMAT, "%s%s'%.80s'%s", words[0], words[1], key,
               words[2]);
    return tdagi_fail_at_offset(r->ctx, r->offset + (uint64_t)(at - r->text));
}

tdag_status tdagi_json_object(tdagi_json_reader *r, const char *what,
                              tdagi_json_slot *slots, uint32_t n)
{
    bool first = true, more = false;
    const char *open = r->p;
    for (uint32_t i = 0; i < n; i++)
        slots[i].value = slots[i].end = NULL;
    TDAGI_TRY(tdagi_json_expect(r, '{'));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(r, '}', &first, &more));
        if (!more) break;
        const char *key, *at = r->p;
        TDAGI_TRY(tdagi_json_key(r, &key));
        uint32_t i = 0;
        while (i < n && strcmp(slots[i].key, key) != 0)
            i++;
        const char *const unknown[3] = {what, " has a field ", ", which is not known"};
        const char *const twice[3] = {what, " has its field ", " twice"};
        if (i == n) return fail_key(r, at, unknown, key);
        if (slots[i].value != NULL) return fail_key(r, at, twice, key);
        tdagi_json_peek(r);
        slots[i].value = r->p;
        TDAGI_TRY(tdagi_json_skip(r));
        slots[i].end = r->p;
    }
    const char *const missing[3] = {what, " lacks its field ", ""};
    for (uint32_t i = 0; i < n; i++)
        if (slots[i].value == NULL && !slots[i].optional)
            return fail_key(r, open, missing, slots[i].key);
    return TDAG_OK;
}

tdagi_json_reader tdagi_json_at(const tdagi_json_reader *r, const tdagi_json_slot *slot)
{
    tdagi_json_reader at = *r;
    at.p = slot->value;
    at.end = slot->end;
    return at;
}

/* ---- objects of keys that are known in part ---- */

/* The field of the key that comes next, taken with its colon; n if there is none. */
static tdag_status find_field(tdagi_json_reader *r, const tdagi_json_field *fields,
                              uint32_t n, uint32_t *out)
{
    const char *key;
    size_t length;
    TDAGI_TRY(tdagi_json_bytes(r, &key, &length));
    TDAGI_TRY(tdagi_json_expect(r, ':'));
    uint32_t i = 0;
    while (i < n &&
           (strlen(fields[i].key) != length || memcmp(fields[i].key, key, length) != 0))
        i++;
    *out = i;
    return TDAG_OK;
}

tdag_status tdagi_json_fields(tdagi_json_reader *r, const char *what, void *user,
                              const tdagi_json_field *fields, uint32_t n)
{
    const char *const missing[3] = {what, " lacks its field ", ""};
    const char *const twice[3] = {what, " has its field ", " twice"};
    const char *open = r->p;
    bool first = true, more = false;
    uint32_t seen = 0, i = 0;
    TDAGI_TRY(tdagi_json_expect(r, '{'));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(r, '}', &first, &more));
        if (!more) break;
        const char *at = r->p;
        TDAGI_TRY(find_field(r, fields, n, &i));
        if (i < n && (seen >> i & 1) != 0) return fail_key(r, at, twice, fields[i].key);
        if (i < n) seen |= 1U << i;
        TDAGI_TRY(i == n ? tdagi_json_skip(r) : fields[i].read(r, user));
    }
    for (i = 0; i < n; i++)
        if (fields[i].required && (seen >> i & 1) == 0)
            return fail_key(r, open, missing, fields[i].key);
    return TDAG_OK;
}
