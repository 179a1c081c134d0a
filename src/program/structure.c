/* Checks the text of a structure. Brackets are kept on a stack of our own, so hostile
 * nesting meets a limit and no recursion. */
#include "program/structure.h"

#include <string.h>

#define MAX_NESTING 64

typedef struct checker {
    const char *p;
    char closers[MAX_NESTING]; /* of what is open */
    uint32_t depth;
    uint64_t n_tensors;
} checker;

static const char word_bytes[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789.+-";

static void skip_spaces(checker *c) { c->p += strspn(c->p, " "); }

static bool take(checker *c, char byte)
{
    skip_spaces(c);
    if (*c->p != byte) return false;
    c->p++;
    return true;
}

static bool take_string(checker *c)
{
    if (!take(c, '"')) return false;
    for (; *c->p != '"'; c->p++) {
        if (*c->p == '\\' && c->p[1] != '\0') c->p++;
        if (*c->p == '\0') return false;
    }
    c->p++;
    return true;
}

static bool open_bracket(checker *c, char open)
{
    if (c->depth == MAX_NESTING) return false;
    c->closers[c->depth++] = open == '(' ? ')' : open == '[' ? ']' : '}';
    return true;
}

/* The key of a dict's item or the name of a named tuple's, if one must or may stand. */
static bool take_key(checker *c)
{
    if (c->depth == 0) return true;
    if (c->closers[c->depth - 1] == '}') return take_string(c) && take(c, ':');
    if (c->closers[c->depth - 1] != ')') return true;
    skip_spaces(c);
    size_t n = strspn(c->p, word_bytes);
    if (n > 0 && c->p[n] == '=') c->p += n + 1;
    return true;
}

/* A value's beginning: all of it, or up to and with its opening bracket. */
static bool take_value(checker *c, bool *opened)
{
    if (!take_key(c)) return false;
    skip_spaces(c);
    *opened = false;
    if (*c->p == '"') return take_string(c);
    size_t n = strspn(c->p, word_bytes);
    bool tensor = n == 1 && *c->p == 'T' && c->p[1] != '(';
    c->p += n;
    c->n_tensors += tensor;
    if (n > 0 && *c->p != '(') return true;
    if (*c->p != '(' && *c->p != '[' && *c->p != '{') return false;
    *opened = true;
    return open_bracket(c, *c->p++);
}

/* After a value: closing brackets, then a comma or the end. */
static bool take_closers(checker *c)
{
    while (c->depth > 0 && take(c, c->closers[c->depth - 1]))
        c->depth--;
    if (c->depth == 0) return true;
    if (!take(c, ',')) return false;
    if (c->depth > 0 && take(c, c->closers[c->depth - 1])) {
        c->depth--;
        return take_closers(c); /* (a,) : at most as deep as the nesting */
    }
    return true;
}

bool tdagi_structure_check(const char *text, uint32_t n_tensors)
{
    checker c = {.p = text};
    bool opened = false;
    do {
        if (!take_value(&c, &opened)) return false;
        if (opened) {
            skip_spaces(&c);
            if (*c.p != c.closers[c.depth - 1]) continue; /* a first item */
        }
        if (!take_closers(&c)) return false;
    } while (c.depth > 0);
    skip_spaces(&c);
    return *c.p == '\0' && c.n_tensors == n_tensors;
}
