/* The text form of structures: written once, read once. Brackets are kept on a stack of
 * our own, so that hostile nesting meets a limit and no recursion. */
#include <string.h>

#include "base/number_text.h"
#include "program/structure.h"

/* ---- writing ---- */

/* As Python writes it, with a digit behind the point. */
static void write_float(tdagi_text *to, double value)
{
    char buf[TDAGI_NUMBER_TEXT_SIZE];
    tdagi_f64_literal(value, buf);
    tdagi_text_add(to, buf);
    if (buf[strlen(buf) - 1] == '.') tdagi_text_add(to, "0");
}

void tdagi_structure_quote(tdagi_text *to, const char *s)
{
    tdagi_text_add(to, "\"");
    for (; *s != '\0'; s++) {
        if (*s == '"' || *s == '\\') tdagi_text_add(to, "\\");
        tdagi_text_add_bytes(to, s, 1);
    }
    tdagi_text_add(to, "\"");
}

typedef struct structure_writer {
    const tdagi_structure_style *style;
    tdagi_text *to;
    const tdagi_structure_node *open[TDAGI_STRUCTURE_MAX_DEPTH]; /* what is open */
    uint32_t left[TDAGI_STRUCTURE_MAX_DEPTH];                    /* items to come */
    uint32_t depth;
    uint32_t n_tensors; /* so far */
} structure_writer;

static bool is_named(const structure_writer *w, const tdagi_structure_node *node)
{
    return node->kind == TDAGI_STRUCTURE_TUPLE && node->u.s != NULL &&
           !w->style->plain_tuples;
}

static void write_key(structure_writer *w, const tdagi_structure_node *node)
{
    if (node->key == NULL || w->depth == 0) return;
    if (w->open[w->depth - 1]->kind == TDAGI_STRUCTURE_DICT) {
        tdagi_structure_quote(w->to, node->key);
        tdagi_text_add(w->to, ": ");
    } else if (!w->style->plain_tuples) {
        tdagi_text_add(w->to, node->key);
        tdagi_text_add(w->to, "=");
    }
}

static void write_tensor(structure_writer *w, const tdagi_structure_node *node)
{
    const tdagi_structure_form *form = tdagi_structure_form_of(node->u.i);
    if (w->style->tensor != NULL) {
        tdagi_text_add(w->to, form->before);
        w->style->tensor(w->style->user, w->n_tensors, w->to);
        tdagi_text_add(w->to, form->after);
    } else {
        tdagi_text_add(w->to, form->name);
    }
    w->n_tensors++;
}

/* What stands for a node before its items, or all of it. */
static void write_node(structure_writer *w, const tdagi_structure_node *node)
{
    write_key(w, node);
    switch ((tdagi_structure_kind)node->kind) {
    case TDAGI_STRUCTURE_TENSOR:
        write_tensor(w, node);
        break;
    case TDAGI_STRUCTURE_TUPLE:
        if (is_named(w, node)) tdagi_text_add(w->to, node->u.s);
        tdagi_text_add(w->to, "(");
        break;
    case TDAGI_STRUCTURE_LIST:
        tdagi_text_add(w->to, "[");
        break;
    case TDAGI_STRUCTURE_DICT:
        tdagi_text_add(w->to, "{");
        break;
    case TDAGI_STRUCTURE_NONE:
        tdagi_text_add(w->to, "None");
        break;
    case TDAGI_STRUCTURE_BOOL:
        tdagi_text_add(w->to, node->u.b ? "True" : "False");
        break;
    case TDAGI_STRUCTURE_INT:
        tdagi_text_printf(w->to, "%lld", (long long)node->u.i);
        break;
    case TDAGI_STRUCTURE_FLOAT:
        write_float(w->to, node->u.f);
        break;
    case TDAGI_STRUCTURE_STRING:
        tdagi_structure_quote(w->to, node->u.s);
        break;
    }
}

static void write_closers(structure_writer *w)
{
    for (; w->depth > 0 && w->left[w->depth - 1] == 0; w->depth--) {
        const tdagi_structure_node *node = w->open[w->depth - 1];
        bool is_tuple = node->kind == TDAGI_STRUCTURE_TUPLE;
        if (is_tuple && node->n == 1 && !is_named(w, node)) tdagi_text_add(w->to, ",");
        tdagi_text_add(w->to, is_tuple                             ? ")"
                              : node->kind == TDAGI_STRUCTURE_LIST ? "]"
                                                                   : "}");
    }
}

void tdagi_structure_write(const tdagi_structure *s, const tdagi_structure_style *style,
                           tdagi_text *to)
{
    structure_writer w = {.style = style, .to = to};
    for (uint32_t i = 0; i < s->n; i++) {
        const tdagi_structure_node *node = &s->nodes[i];
        if (w.depth > 0) {
            const tdagi_structure_node *parent = w.open[w.depth - 1];
            if (w.left[w.depth - 1]-- < parent->n) tdagi_text_add(to, ", ");
        }
        write_node(&w, node);
        if (tdagi_structure_has_items(node)) {
            w.open[w.depth] = node;
            w.left[w.depth++] = node->n;
        }
        write_closers(&w);
    }
}

/* ---- reading ---- */

typedef struct structure_reader {
    tdagi_structure_builder b;
    tdagi_text word; /* scratch */
    const char *p;
    char closers[TDAGI_STRUCTURE_MAX_DEPTH + 1]; /* of what is open */
    uint32_t depth;
} structure_reader;

static const char word_bytes[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789.+-";

static void skip_spaces(structure_reader *r) { r->p += strspn(r->p, " "); }

static bool take(structure_reader *r, char byte)
{
    skip_spaces(r);
    if (*r->p != byte) return false;
    r->p++;
    return true;
}

/* n bytes as a string in scratch; NULL when out of memory. */
static const char *scratch(structure_reader *r, const char *s, size_t n)
{
    r->word.length = 0;
    tdagi_text_add_bytes(&r->word, s, n);
    if (r->word.status != TDAG_OK) r->b.status = r->word.status;
    return r->word.status == TDAG_OK ? r->word.data : NULL;
}

/* A quoted string, unquoted into scratch; NULL if there is none or it does not end. */
static const char *take_string(structure_reader *r)
{
    if (!take(r, '"') || scratch(r, "", 0) == NULL) return NULL;
    for (; *r->p != '"'; r->p++) {
        if (*r->p == '\\' && r->p[1] != '\0') r->p++;
        if (*r->p == '\0') return NULL;
        tdagi_text_add_bytes(&r->word, r->p, 1);
    }
    r->p++;
    if (r->word.status != TDAG_OK) r->b.status = r->word.status;
    return r->word.status == TDAG_OK ? r->word.data : NULL;
}

/* The key of a dict's item or the name of a tuple's, if one must or may stand. */
static bool take_key(structure_reader *r)
{
    if (r->depth == 0) return true;
    char closer = r->closers[r->depth - 1];
    if (closer == '}') {
        const char *key = take_string(r);
        if (key != NULL) tdagi_structure_key(&r->b, key);
        return key != NULL && take(r, ':');
    }
    if (closer != ')') return true;
    skip_spaces(r);
    size_t n = strspn(r->p, word_bytes);
    if (n == 0 || r->p[n] != '=') return true;
    tdagi_structure_key(&r->b, scratch(r, r->p, n));
    r->p += n + 1;
    return true;
}

static bool is_int(const char *s, size_t n)
{
    size_t sign = *s == '-';
    return n > sign && strspn(s + sign, "0123456789") >= n - sign;
}

static bool take_int(structure_reader *r, const char *s, size_t n)
{
    bool minus = *s == '-';
    int64_t value = 0;
    for (size_t i = minus; i < n; i++) {
        int digit = s[i] - '0';
        if (minus ? value < (INT64_MIN + digit) / 10 : value > (INT64_MAX - digit) / 10)
            return false;
        value = 10 * value + (minus ? -digit : digit);
    }
    tdagi_structure_int(&r->b, value);
    return true;
}

/* A constant of n bytes that is no string. */
static bool take_word(structure_reader *r, const char *s, size_t n)
{
    double number;
    const tdagi_structure_form *form = tdagi_structure_form_named(s, n);
    if (form != NULL)
        tdagi_structure_number(&r->b, form->letter);
    else if (n == 4 && memcmp(s, "None", n) == 0)
        tdagi_structure_none(&r->b);
    else if (n == 4 && memcmp(s, "True", n) == 0)
        tdagi_structure_bool(&r->b, true);
    else if (n == 5 && memcmp(s, "False", n) == 0)
        tdagi_structure_bool(&r->b, false);
    else if (is_int(s, n))
        return take_int(r, s, n);
    else if (tdagi_f64_parse(s, n, &number))
        tdagi_structure_float(&r->b, number);
    else
        return false;
    return true;
}

static bool take_open(structure_reader *r, const char *name, size_t n)
{
    if (r->depth == TDAGI_STRUCTURE_MAX_DEPTH) return false;
    char open = *r->p++;
    r->closers[r->depth++] = open == '(' ? ')' : open == '[' ? ']' : '}';
    tdagi_structure_open(&r->b,
                         open == '('   ? TDAGI_STRUCTURE_TUPLE
                         : open == '[' ? TDAGI_STRUCTURE_LIST
                                       : TDAGI_STRUCTURE_DICT,
                         n > 0 ? scratch(r, name, n) : NULL);
    return true;
}

/* A value's beginning: all of it, or up to and with its opening bracket. */
static bool take_value(structure_reader *r, bool *opened)
{
    *opened = false;
    if (!take_key(r)) return false;
    skip_spaces(r);
    if (*r->p == '"') {
        const char *s = take_string(r);
        if (s != NULL) tdagi_structure_string(&r->b, s);
        return s != NULL;
    }
    const char *word = r->p;
    size_t n = strspn(word, word_bytes);
    r->p += n;
    *opened = *r->p == '(' || (n == 0 && (*r->p == '[' || *r->p == '{'));
    return *opened ? take_open(r, word, n) : take_word(r, word, n);
}

static bool take_closer(structure_reader *r)
{
    if (r->depth == 0 || !take(r, r->closers[r->depth - 1])) return false;
    r->depth--;
    tdagi_structure_close(&r->b);
    return true;
}

/* After a value: closing brackets, then a comma, behind which another may stand as in
 * (a,), or the end. */
static bool take_closers(structure_reader *r)
{
    do {
        while (take_closer(r))
            ;
        if (r->depth == 0) return true;
        if (!take(r, ',')) return false;
    } while (take_closer(r));
    return true;
}

static bool read_all(structure_reader *r)
{
    bool opened = false;
    do {
        if (!take_value(r, &opened)) return false;
        if (opened) {
            skip_spaces(r);
            if (*r->p != r->closers[r->depth - 1]) continue; /* a first item */
        }
        if (!take_closers(r)) return false;
    } while (r->depth > 0 && r->b.status == TDAG_OK);
    skip_spaces(r);
    return *r->p == '\0';
}

tdag_status tdagi_structure_parse(tdag_ctx *ctx, const char *text,
                                  tdagi_structure **out)
{
    structure_reader r = {.p = text};
    tdagi_structure_begin(&r.b, ctx);
    tdagi_text_init(&r.word, ctx);
    if (r.b.status == TDAG_OK && !read_all(&r) && r.b.status == TDAG_OK)
        r.b.status = tdagi_fail(ctx, TDAG_E_FORMAT, "'%.200s' is no structure", text);
    tdagi_text_free(&r.word);
    return tdagi_structure_finish(&r.b, out);
}
