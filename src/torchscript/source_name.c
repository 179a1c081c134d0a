/* See source_name.h. */
#include "torchscript/source_name.h"

#include <string.h>

static const char *const words[] = {
    "False",  "None",   "True",    "and",      "as",       "assert", "async",
    "await",  "break",  "class",   "continue", "def",      "del",    "elif",
    "else",   "except", "finally", "for",      "from",     "global", "if",
    "import", "in",     "is",      "lambda",   "nonlocal", "not",    "or",
    "pass",   "raise",  "return",  "try",      "while",    "with",   "yield"};

bool tdagi_source_is_name(const char *s)
{
    if (*s == '\0' || (*s >= '0' && *s <= '9')) return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(s, words[i]) == 0) return false;
    return s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                       "_0123456789")] == '\0';
}

void tdagi_source_quote(tdagi_text *to, const char *s)
{
    tdagi_text_add(to, "\"");
    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;
        if (c < ' ' || c > '~')
            tdagi_text_printf(to, "\\%03o", c);
        else if (c == '"' || c == '\\')
            tdagi_text_printf(to, "\\%c", c);
        else
            tdagi_text_add_bytes(to, s, 1);
    }
    tdagi_text_add(to, "\"");
}
