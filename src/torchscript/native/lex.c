/* The tokens of TorchScript's source. Lines are Python's: a token opens and closes each
 * block, brackets hold lines together. Names are interned, so that equal ones are one
 * pointer. */
#include <string.h>

#include "base/bytes_hash.h"
#include "torchscript/native/lex.h"

/* ---- names ---- */

static tdagi_source_name *slot_of(tdagi_source_name *names, uint32_t capacity,
                                  uint32_t hash, const char *text, uint32_t n)
{
    uint32_t i = hash & (capacity - 1);
    while (names[i].text != NULL && (names[i].hash != hash || names[i].n != n ||
                                     memcmp(names[i].text, text, n) != 0))
        i = (i + 1) & (capacity - 1);
    return &names[i];
}

static bool names_grow(tdagi_source_parser *p)
{
    uint32_t wider = p->names_capacity == 0 ? 64 : p->names_capacity * 2;
    tdagi_source_name *names = tdagi_arena_array(p->arena, wider, sizeof(*names));
    if (names == NULL) return false;
    memset(names, 0, wider * sizeof(*names));
    for (uint32_t i = 0; i < p->names_capacity; i++) {
        const tdagi_source_name *old = &p->names[i];
        if (old->text != NULL)
            *slot_of(names, wider, old->hash, old->text, old->n) = *old;
    }
    p->names = names;
    p->names_capacity = wider;
    return true;
}

tdagi_source_name *tdagi_source_intern(tdagi_source_parser *p, const char *text,
                                       uint32_t n)
{
    if (2 * (p->n_names + 1) > p->names_capacity && !names_grow(p)) return NULL;
    uint32_t hash = tdagi_hash(p->arena, text, n);
    tdagi_source_name *name = slot_of(p->names, p->names_capacity, hash, text, n);
    if (name->text != NULL) return name;
    char *copy = tdagi_arena_alloc(p->arena, (size_t)n + 1);
    if (copy == NULL) return NULL;
    memcpy(copy, text, n);
    copy[n] = '\0';
    *name = (tdagi_source_name){.text = copy, .hash = hash, .n = n};
    p->n_names++;
    return name;
}

/* ---- classes of bytes ---- */

static inline char byte_at(const tdagi_source_parser *p, uint32_t i)
{
    return i < p->size ? p->text[i] : '\0';
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Sets of ASCII's bytes, a bit each. */
static const uint64_t letters[2] = {0x03ff000000000000U, 0x07fffffe87fffffeU},
                      mark_bytes[2] = {0x7400ff6200000000U, 0x7800000068000001U},
                      second_bytes[2] = {0x7000c40000000000U, 0x0U};

static inline bool is_in(const uint64_t set[2], char c)
{
    return c >= 0 && (set[c >> 6] >> (c & 63) & 1) != 0;
}

static inline uint32_t name_length(const char *text, uint32_t most)
{
    uint32_t n = 0;
    while (n < most && is_in(letters, text[n]))
        n++;
    return n;
}

static bool is_name_byte(char c) { return name_length(&c, 1) == 1; }

/* ---- words, numbers, strings, marks ---- */

static const struct word {
    const char *text;
    uint8_t kind;
} words[] = {
    {"if", TDAGI_TOKEN_IF},
    {"or", TDAGI_TOKEN_OR},
    {"in", TDAGI_TOKEN_IN},
    {"is", TDAGI_TOKEN_IS},
    {"as", TDAGI_TOKEN_AS},
    {"and", TDAGI_TOKEN_AND},
    {"not", TDAGI_TOKEN_NOT},
    {"for", TDAGI_TOKEN_FOR},
    {"def", TDAGI_TOKEN_DEF},
    {"True", TDAGI_TOKEN_TRUE},
    {"None", TDAGI_TOKEN_NONE},
    {"else", TDAGI_TOKEN_ELSE},
    {"elif", TDAGI_TOKEN_ELIF},
    {"pass", TDAGI_TOKEN_PASS},
    {"with", TDAGI_TOKEN_WITH},
    {"False", TDAGI_TOKEN_FALSE},
    {"while", TDAGI_TOKEN_WHILE},
    {"break", TDAGI_TOKEN_BREAK},
    {"raise", TDAGI_TOKEN_RAISE},
    {"class", TDAGI_TOKEN_CLASS},
    {"return", TDAGI_TOKEN_RETURN},
    {"assert", TDAGI_TOKEN_ASSERT},
    {"continue", TDAGI_TOKEN_CONTINUE},
};

/* Where words of a length begin in the table; of length 7 there are none. */
static const uint8_t words_from[] = {0, 0, 0, 5, 9, 15, 20, 22, 22, 23};

static uint8_t kind_of_word(const char *text, uint32_t n)
{
    if (n < 2 || n > 8) return TDAGI_TOKEN_NAME;
    for (uint32_t i = words_from[n]; i < words_from[n + 1]; i++)
        if (memcmp(words[i].text, text, n) == 0) return words[i].kind;
    return TDAGI_TOKEN_NAME;
}

static tdag_status lex_word(tdagi_source_parser *p)
{
    const char *text = p->text + p->at;
    const uint32_t n = name_length(text, p->size - p->at);
    p->at += n;
    p->token.n = n;
    tdagi_source_name *name = tdagi_source_intern(p, text, n);
    if (name == NULL) return tdagi_nomem(p->ctx);
    if (name->kind == 0) name->kind = kind_of_word(text, n);
    p->token.kind = name->kind;
    p->token.name = name->text;
    return TDAG_OK;
}

static void lex_digits(tdagi_source_parser *p)
{
    while (is_digit(byte_at(p, p->at)))
        p->at++;
}

static tdag_status lex_number(tdagi_source_parser *p)
{
    lex_digits(p);
    if (byte_at(p, p->at) == '.') p->at++;
    lex_digits(p);
    char c = byte_at(p, p->at), sign = byte_at(p, p->at + 1);
    uint32_t digits = p->at + 1 + (sign == '-' || sign == '+');
    if ((c == 'e' || c == 'E') && is_digit(byte_at(p, digits))) {
        p->at = digits;
        lex_digits(p);
    }
    if (byte_at(p, p->at) == 'j') p->at++;
    p->token.kind = TDAGI_TOKEN_NUMBER;
    p->token.n = p->at - p->token.offset;
    if (is_name_byte(byte_at(p, p->at)))
        return tdagi_source_fail(p, p->token.offset, "a number ends in letters");
    return TDAG_OK;
}

static bool is_triple(const tdagi_source_parser *p, uint32_t at, char quote)
{
    return byte_at(p, at) == quote && byte_at(p, at + 1) == quote &&
           byte_at(p, at + 2) == quote;
}

static tdag_status lex_string(tdagi_source_parser *p)
{
    char quote = byte_at(p, p->at);
    bool triple = is_triple(p, p->at, quote);
    p->at += triple ? 3 : 1;
    for (; p->at < p->size; p->at++) {
        char c = p->text[p->at];
        if (c == quote && (!triple || is_triple(p, p->at, quote))) {
            p->at += triple ? 3 : 1;
            p->token.kind = TDAGI_TOKEN_STRING;
            p->token.n = p->at - p->token.offset;
            return TDAG_OK;
        }
        if (c == '\n' && !triple) break;
        if (c == '\\' && p->at + 1 < p->size) p->at++;
    }
    return tdagi_source_fail(p, p->token.offset, "a string without an end");
}

static const struct mark {
    char text[4];
    uint8_t kind;
} marks[] = {
    {"...", TDAGI_TOKEN_DOTS},    {"**=", TDAGI_TOKEN_AUGMENT},
    {"//=", TDAGI_TOKEN_AUGMENT}, {"<<=", TDAGI_TOKEN_AUGMENT},
    {">>=", TDAGI_TOKEN_AUGMENT}, {"->", TDAGI_TOKEN_ARROW},
    {"**", TDAGI_TOKEN_POWER},    {"//", TDAGI_TOKEN_FLOORDIV},
    {"==", TDAGI_TOKEN_EQ},       {"!=", TDAGI_TOKEN_NE},
    {"<=", TDAGI_TOKEN_LE},       {">=", TDAGI_TOKEN_GE},
    {"<<", TDAGI_TOKEN_SHL},      {">>", TDAGI_TOKEN_SHR},
    {"+=", TDAGI_TOKEN_AUGMENT},  {"-=", TDAGI_TOKEN_AUGMENT},
    {"*=", TDAGI_TOKEN_AUGMENT},  {"/=", TDAGI_TOKEN_AUGMENT},
    {"%=", TDAGI_TOKEN_AUGMENT},  {"&=", TDAGI_TOKEN_AUGMENT},
    {"|=", TDAGI_TOKEN_AUGMENT},  {"^=", TDAGI_TOKEN_AUGMENT},
    {"@=", TDAGI_TOKEN_AUGMENT},
};

/* The length of the longest mark here, which the token becomes where it is one of
 * several bytes. */
static uint32_t long_mark(tdagi_source_parser *p)
{
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        uint32_t n = (uint32_t)strlen(marks[i].text);
        if (n > p->size - p->at || memcmp(marks[i].text, p->text + p->at, n) != 0)
            continue;
        p->token.kind = marks[i].kind;
        return n;
    }
    return 1;
}

/* The brackets that are open decide what a line's end means. */
static void count_brackets(tdagi_source_parser *p, char c)
{
    if (c == '(' || c == '[' || c == '{') p->n_brackets++;
    if ((c == ')' || c == ']' || c == '}') && p->n_brackets > 0) p->n_brackets--;
}

static tdag_status lex_mark(tdagi_source_parser *p)
{
    char c = p->text[p->at];
    if (!is_in(mark_bytes, c))
        return tdagi_source_fail(p, p->at, "the byte 0x%02x is none of the language's",
                                 (unsigned)(unsigned char)c);
    char next = byte_at(p, p->at + 1);
    uint32_t n = 1;
    p->token.kind = (uint8_t)c;
    if (is_in(second_bytes, next)) n = long_mark(p);
    count_brackets(p, c);
    p->token.n = n;
    p->at += n;
    return TDAG_OK;
}

/* ---- lines ---- */

/* Blanks, comments and, between brackets, ends of lines. */
static void skip_blanks(tdagi_source_parser *p)
{
    for (; p->at < p->size; p->at++) {
        char c = p->text[p->at];
        if (c > '#' && c != '\\') break;
        if (c == '#') {
            while (p->at + 1 < p->size && p->text[p->at + 1] != '\n')
                p->at++;
        } else if (c == '\\' && byte_at(p, p->at + 1) == '\n') {
            p->at++;
        } else if (c != ' ' && c != '\t' && c != '\r' &&
                   (c != '\n' || p->n_brackets == 0)) {
            break;
        }
    }
}

/* Goes to the first line that is not empty; its indent. */
static uint32_t skip_empty_lines(tdagi_source_parser *p)
{
    uint32_t start;
    do {
        start = p->at;
        skip_blanks(p);
    } while (byte_at(p, p->at) == '\n' && p->at++ < p->size);
    return p->at < p->size ? p->at - start : 0;
}

static tdag_status lex_line_start(tdagi_source_parser *p)
{
    uint32_t indent = skip_empty_lines(p);
    p->is_line_start = false;
    p->token = (tdagi_token){.kind = TDAGI_TOKEN_INDENT, .offset = p->at};
    if (indent > p->indents[p->n_indents]) {
        if (p->n_indents == TDAGI_SOURCE_MAX_DEPTH)
            return tdagi_source_fail_limit(p, p->at, "blocks are nested");
        p->indents[++p->n_indents] = indent;
        return TDAG_OK;
    }
    while (indent < p->indents[p->n_indents]) {
        p->n_indents--;
        p->n_dedents++;
    }
    if (indent != p->indents[p->n_indents])
        return tdagi_source_fail(p, p->at, "the indent is that of no block");
    return tdagi_source_next(p);
}

static tdag_status lex_token(tdagi_source_parser *p)
{
    char c = p->text[p->at];
    if (c == '\n') {
        p->at++;
        p->is_line_start = true;
        p->token.kind = TDAGI_TOKEN_NEWLINE;
        return TDAG_OK;
    }
    if (is_digit(c) || (c == '.' && is_digit(byte_at(p, p->at + 1))))
        return lex_number(p);
    if (is_name_byte(c)) return lex_word(p);
    return c == '"' || c == '\'' ? lex_string(p) : lex_mark(p);
}

tdag_status tdagi_source_next(tdagi_source_parser *p)
{
    if (p->is_line_start) return lex_line_start(p);
    if (p->n_dedents > 0) {
        p->n_dedents--;
        p->token = (tdagi_token){.kind = TDAGI_TOKEN_DEDENT, .offset = p->at};
        return TDAG_OK;
    }
    skip_blanks(p);
    bool is_line =
        p->token.kind < TDAGI_TOKEN_END || p->token.kind > TDAGI_TOKEN_DEDENT;
    p->token = (tdagi_token){.kind = TDAGI_TOKEN_END, .offset = p->at};
    if (p->at < p->size) return lex_token(p);
    if (is_line && p->n_brackets == 0) { /* the last line may lack its end */
        p->is_line_start = true;
        p->token.kind = TDAGI_TOKEN_NEWLINE;
    }
    return TDAG_OK;
}

/* ---- what the parser asks for ---- */

tdag_status tdagi_source_expect(tdagi_source_parser *p, int kind, const char *what)
{
    if (p->token.kind != kind) return tdagi_source_unexpected(p, what);
    return tdagi_source_next(p);
}

tdag_status tdagi_source_expect_name(tdagi_source_parser *p, const char **out)
{
    *out = p->token.name;
    return tdagi_source_expect(p, TDAGI_TOKEN_NAME, "a name");
}

tdag_status tdagi_source_take(tdagi_source_parser *p, int kind, bool *taken_out)
{
    *taken_out = p->token.kind == kind;
    return *taken_out ? tdagi_source_next(p) : TDAG_OK;
}
