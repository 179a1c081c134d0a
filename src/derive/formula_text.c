/* Formulas read: see formula.h. Formulas that a formula calls are written out in place,
 * each in a frame of its own that says which register a letter is. */
#include <math.h>
#include <string.h>

#include "base/number_text.h"
#include "base/pack/inflate.h"
#include "derive/formula.h"
#include "derive/formula_layout.h"

#define NONE 255 /* no register */

typedef struct reader {
    const char *p;
    const char *texts; /* formula_layout.h */
    tdagi_formula *f;
    uint8_t letter[26]; /* the register */
    const tdagi_formula_given *given;
    bool failed;
} reader;

static const unsigned char packed[] = {
#include "derive/packed.inc"
};

static const char *text_of(const reader *r, const char *name, size_t length)
{
    for (const char *p = r->texts; *p != '\0';) {
        const char *text = p + strlen(p) + 1;
        if (strncmp(p, name, length) == 0 && p[length] == '\0') return text;
        p = text + strlen(text) + 1;
    }
    return NULL;
}

static const struct {
    char name[10];
    uint8_t n;
} functions[] = {
#define FUNCTION(id, text, n, lowered, value) {text, n},
    TDAGI_FORMULA_FUNCTIONS(FUNCTION)
#undef FUNCTION
};

static const struct {
    char name[6];
    double value;
} constants[] = {
    {"pi", 3.14159265358979323846},
    {"euler", 0.57721566490153286061},
    {"inf", (double)INFINITY},
    {"nan", (double)NAN},
};

static void expression(reader *r);

/* ---- the program ---- */

static void emit(reader *r, tdagi_formula_code code, size_t argument)
{
    tdagi_formula *f = r->f;
    if (f->n == TDAGI_FORMULA_STEPS || argument > 255) {
        r->failed = true;
        return;
    }
    f->code[f->n] = (uint8_t)code;
    f->argument[f->n++] = (uint8_t)argument;
}

static void emit_number(reader *r, double value)
{
    tdagi_formula *f = r->f;
    size_t i = 0;
    while (i < f->n_numbers && memcmp(&f->number[i], &value, sizeof(value)) != 0)
        i++;
    if (i == f->n_numbers && i < 256) f->number[f->n_numbers++] = value;
    emit(r, TDAGI_FORMULA_NUMBER, i);
}

/* Takes the last step back if it is a number. */
static bool take_number(reader *r, double *out)
{
    tdagi_formula *f = r->f;
    if (f->n == 0 || f->code[f->n - 1] != TDAGI_FORMULA_NUMBER) return false;
    *out = f->number[f->argument[--f->n]];
    return true;
}

/* Numbers are combined at once. */
static void emit_binary(reader *r, tdagi_formula_code code)
{
    double x, y;
    if (!take_number(r, &y)) {
        emit(r, code, 0);
    } else if (code == TDAGI_FORMULA_LESS || code == TDAGI_FORMULA_EQUAL ||
               !take_number(r, &x)) {
        emit_number(r, y);
        emit(r, code, 0);
    } else {
        emit_number(r, code == TDAGI_FORMULA_ADD   ? x + y
                       : code == TDAGI_FORMULA_SUB ? x - y
                       : code == TDAGI_FORMULA_MUL ? x * y
                                                   : x / y);
    }
}

static uint8_t store(reader *r)
{
    tdagi_formula *f = r->f;
    if (f->n_registers == TDAGI_FORMULA_REGISTERS) r->failed = true;
    if (r->failed) return 0;
    emit(r, TDAGI_FORMULA_SET, f->n_registers);
    return (uint8_t)f->n_registers++;
}

/* ---- the text ---- */

static bool is_letter(char c) { return c >= 'a' && c <= 'z'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static void blanks(reader *r)
{
    while (*r->p == ' ')
        r->p++;
}
static bool next_is(reader *r, const char *what)
{
    size_t n = strlen(what);
    blanks(r);
    if (strncmp(r->p, what, n) != 0) return false;
    r->p += n;
    return true;
}
static void need(reader *r, const char *what)
{
    if (!next_is(r, what)) r->failed = true;
}

static void number(reader *r)
{
    const char *start = r->p;
    double value = 0;
    while (is_digit(*r->p) || *r->p == '.' || *r->p == 'e' ||
           (*r->p == '-' && r->p[-1] == 'e'))
        r->p++;
    if (!tdagi_f64_parse(start, (size_t)(r->p - start), &value)) r->failed = true;
    emit_number(r, value);
}

/* Horner's rule; with ratios a coefficient is the one before it over the number. */
static void poly(reader *r, bool ratios)
{
    double c[32] = {1};
    size_t n = ratios;
    expression(r);
    uint8_t x = store(r);
    while (!r->failed && next_is(r, ",")) {
        expression(r);
        if (n == 32 || !take_number(r, &c[n])) r->failed = true;
        if (ratios && !r->failed) c[n] = c[n - 1] / c[n];
        n++;
    }
    if (r->failed || n == 0) return;
    emit_number(r, c[n - 1]);
    for (size_t i = n - 1; i > 0; i--) {
        emit(r, TDAGI_FORMULA_GET, x);
        emit(r, TDAGI_FORMULA_MUL, 0);
        emit_number(r, c[i - 1]);
        emit(r, TDAGI_FORMULA_ADD, 0);
    }
}

static void sum(reader *r)
{
    double n = 0;
    expression(r);
    if (!take_number(r, &n)) r->failed = true;
    need(r, ",");
    emit(r, TDAGI_FORMULA_SUM, (size_t)n);
    expression(r);
    emit(r, TDAGI_FORMULA_END, 0);
}

static void statements(reader *r)
{
    for (;;) {
        blanks(r);
        const char *start = r->p;
        if (is_letter(*start) && !is_letter(start[1])) {
            r->p++;
            if (next_is(r, "=") && *r->p != '=') {
                expression(r);
                r->letter[*start - 'a'] = store(r);
                need(r, ";");
                if (r->failed) return;
                continue;
            }
            r->p = start;
        }
        expression(r);
        return;
    }
}

static void called(reader *r, const char *text)
{
    static const char parameters[] = "xyzw";
    reader callee = {.p = text, .texts = r->texts, .f = r->f};
    memset(callee.letter, NONE, sizeof(callee.letter));
    for (size_t i = 0; i < 4 && !r->failed; i++) {
        expression(r);
        callee.letter[parameters[i] - 'a'] = store(r);
        if (!next_is(r, ",")) break;
    }
    if (text == NULL) r->failed = true;
    if (r->failed) return;
    statements(&callee);
    r->failed = callee.failed || *callee.p != '\0';
}

static void function(reader *r, const char *name, size_t length)
{
#define NAMED(what) (strncmp(what, name, length) == 0 && (what)[length] == '\0')
    if (NAMED("poly") || NAMED("ratios")) {
        poly(r, *name == 'r');
        return;
    }
    if (NAMED("sum")) {
        sum(r);
        return;
    }
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        if (!NAMED(functions[i].name)) continue;
        for (uint8_t k = 0; k < functions[i].n && !r->failed; k++) {
            if (k > 0) need(r, ",");
            expression(r);
        }
        emit(r, (tdagi_formula_code)i, 0);
        return;
    }
    called(r, text_of(r, name, length));
}

/* A letter of the spec; false: it is none. */
static bool given_number(reader *r, char letter)
{
    static const char letters[] = "xyzw";
    for (uint32_t i = 0; r->given != NULL && i < r->given->n; i++)
        if (letters[r->given->first + i] == letter) {
            emit_number(r, r->given->v[i]);
            return true;
        }
    return false;
}

static void name(reader *r)
{
    const char *start = r->p;
    while (is_letter(*r->p) || is_digit(*r->p) || *r->p == '_')
        r->p++;
    size_t length = (size_t)(r->p - start);
    if (next_is(r, "(")) {
        function(r, start, length);
        need(r, ")");
        return;
    }
    for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++)
        if (strncmp(constants[i].name, start, length) == 0 &&
            constants[i].name[length] == '\0') {
            emit_number(r, constants[i].value);
            return;
        }
    if (length == 1 && given_number(r, *start)) return;
    if (length != 1 || (*start != 'k' && r->letter[*start - 'a'] == NONE))
        r->failed = true;
    else if (*start == 'k')
        emit(r, TDAGI_FORMULA_K, 0);
    else
        emit(r, TDAGI_FORMULA_GET, r->letter[*start - 'a']);
}

static void factor(reader *r)
{
    double x;
    if (r->failed) return;
    if (next_is(r, "-")) {
        factor(r);
        if (take_number(r, &x))
            emit_number(r, -x);
        else
            emit(r, TDAGI_FORMULA_NEG, 0);
    } else if (next_is(r, "(")) {
        expression(r);
        need(r, ")");
    } else if (is_letter(*r->p)) {
        name(r);
    } else {
        number(r);
    }
}

static void product(reader *r)
{
    factor(r);
    while (!r->failed) {
        bool times = next_is(r, "*");
        if (!times && !next_is(r, "/")) return;
        factor(r);
        emit_binary(r, times ? TDAGI_FORMULA_MUL : TDAGI_FORMULA_DIV);
    }
}

static void terms(reader *r)
{
    product(r);
    while (!r->failed) {
        bool plus = next_is(r, "+");
        if (!plus && !next_is(r, "-")) return;
        product(r);
        emit_binary(r, plus ? TDAGI_FORMULA_ADD : TDAGI_FORMULA_SUB);
    }
}

static void expression(reader *r)
{
    terms(r);
    bool less = next_is(r, "<");
    if (!less && !next_is(r, "==")) return;
    terms(r);
    emit_binary(r, less ? TDAGI_FORMULA_LESS : TDAGI_FORMULA_EQUAL);
}

tdag_status tdagi_formula_read(tdag_ctx *ctx, const char *name,
                               const tdagi_formula_given *given, tdagi_formula *out)
{
    const void *texts;
    TDAGI_TRY(tdagi_built_in(ctx, &ctx->formulas, packed, sizeof packed,
                             sizeof(tdagi_formula_texts), &texts));
    reader r = {.texts = texts, .f = out, .given = given};
    r.p = text_of(&r, name, strlen(name));
    memset(r.letter, NONE, sizeof(r.letter));
    r.letter['x' - 'a'] = 0;
    r.letter['y' - 'a'] = 1;
    out->n = out->n_numbers = 0;
    out->n_registers = 2;
    if (r.p != NULL) statements(&r);
    return r.p != NULL && !r.failed && *r.p == '\0'
               ? TDAG_OK
               : tdagi_fail(ctx, TDAG_E_INTERNAL, "the formula of %s", name);
}
