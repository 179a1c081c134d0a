/* Operators on texts. */
#include <math.h>
#include <string.h>

#include "aten/rows/python/python.h"

/* In all of a text: where another one stands first, or how often (row data 'c'). */
tdagi_any tdagi_find_text(tdagi_call *c)
{
    const char *s = c->args[0].u.s, *word = c->args[1].u.s, *at = strstr(s, word);
    int64_t start = 0, end = -1, n = 0;
    bool known = c->n < 4 || (tdagi_any_const_int(c->env, c->args[2], &start) &&
                              tdagi_any_const_int(c->env, c->args[3], &end));
    bool is_all = start == 0 && (end == -1 || end >= (int64_t)strlen(s));
    if (!known || !is_all || *word == '\0') return refuse(c);
    if (c->data != 'c') return tdagi_any_int(c->env, at == NULL ? -1 : at - s);
    for (; at != NULL; at = strstr(at + strlen(word), word))
        n++;
    return tdagi_any_int(c->env, n);
}

/* "{} and {}".format(a, b); "{0}" and "{name}" are kept as they are. */
tdagi_any tdagi_aten_format(tdagi_call *c)
{
    read_all(c);
    if (!is_kind(c, 0, TDAGI_ANY_STRING)) return refuse(c);
    const char *out = "", *s = c->args[0].u.s;
    uint32_t next = 1;
    while (*s != '\0') {
        const char *hole = strstr(s, "{}");
        size_t n = hole == NULL ? strlen(s) : (size_t)(hole - s);
        const char *item =
            hole == NULL || next >= c->n ? "" : tdagi_any_text(c->env, c->args[next++]);
        out = tdagi_env_text(c->env, "%s%.*s%s", out, (int)n, s, item);
        s += n + (hole == NULL ? 0 : 2);
    }
    return tdagi_any_string(out);
}

/* The text of an item where the format has %s, %d or %i; NULL: another one. */
static const char *formatted(tdagi_call *c, char how, tdagi_any v)
{
    int64_t i;
    if (how == 's') return tdagi_any_text(c->env, v);
    if ((how == 'd' || how == 'i') && tdagi_any_const_int(c->env, v, &i))
        return tdagi_env_text(c->env, "%lld", (long long)i);
    if ((how == 'd' || how == 'i') && v.kind == TDAGI_ANY_INT)
        return tdagi_any_text(c->env, v); /* a size that is open */
    if ((how == 'd' || how == 'i') && v.kind == TDAGI_ANY_FLOAT && fabs(v.u.f) < 2e9)
        return tdagi_env_text(c->env, "%d", (int)v.u.f);
    return NULL;
}

/* "%d of %s" % (n, name) */
tdagi_any tdagi_aten_percent_format(tdagi_call *c)
{
    read_all(c);
    if (!is_kind(c, 0, TDAGI_ANY_STRING)) return refuse(c);
    const char *out = "", *s = c->args[0].u.s;
    const tdagi_any *items = c->args + 1;
    uint32_t next = 0, n_items = c->n - 1;
    if (is_kind(c, 1, TDAGI_ANY_TUPLE)) {
        items = c->args[1].u.seq->v;
        n_items = c->args[1].u.seq->n;
    }
    while (*s != '\0') {
        size_t n = strcspn(s, "%");
        const char *item = "";
        if (s[n] == '%' && s[n + 1] == '%')
            item = "%";
        else if (s[n] == '%')
            item = next < n_items ? formatted(c, s[n + 1], items[next++]) : NULL;
        if (item == NULL) return refuse(c);
        out = tdagi_env_text(c->env, "%s%.*s%s", out, (int)n, s, item);
        s += n + (s[n] == '%' ? 2 : 0);
    }
    return tdagi_any_string(out);
}

tdagi_any tdagi_aten_str(tdagi_call *c)
{
    read_all(c);
    return tdagi_any_string(tdagi_any_text(c->env, c->args[0]));
}

/* startswith, endswith: row data 's', 'e' */
tdagi_any tdagi_aten_text_ends(tdagi_call *c)
{
    read_all(c);
    if (!is_kind(c, 0, TDAGI_ANY_STRING) || !is_kind(c, 1, TDAGI_ANY_STRING))
        return refuse(c);
    const char *s = c->args[0].u.s, *t = c->args[1].u.s;
    size_t n = strlen(s), m = strlen(t);
    if (m > n) return tdagi_any_bool(false);
    return tdagi_any_bool(memcmp(c->data == 's' ? s : s + n - m, t, m) == 0);
}

tdagi_any tdagi_aten_text_join(tdagi_call *c)
{
    read_all(c);
    if (!is_kind(c, 0, TDAGI_ANY_STRING) || c->n < 2 || !tdagi_any_is_seq(c->args[1]))
        return refuse(c);
    const char *out = "";
    for (uint32_t i = 0; i < c->args[1].u.seq->n; i++)
        out = tdagi_env_text(c->env, "%s%s%s", out, i > 0 ? c->args[0].u.s : "",
                             tdagi_any_text(c->env, c->args[1].u.seq->v[i]));
    return tdagi_any_string(out);
}

/* lower, upper: row data 'l', 'u' */
tdagi_any tdagi_aten_text_case(tdagi_call *c)
{
    read_all(c);
    if (!is_kind(c, 0, TDAGI_ANY_STRING)) return refuse(c);
    const char *s = c->args[0].u.s;
    size_t n = strlen(s);
    char *out = tdagi_env_alloc(c->env, n + 1);
    if (out == NULL) return tdagi_any_poison();
    for (size_t i = 0; i <= n; i++) {
        bool lower = s[i] >= 'a' && s[i] <= 'z', upper = s[i] >= 'A' && s[i] <= 'Z';
        out[i] = s[i];
        if (c->data == 'l' && upper) out[i] = (char)(s[i] - 'A' + 'a');
        if (c->data == 'u' && lower) out[i] = (char)(s[i] - 'a' + 'A');
    }
    return tdagi_any_string(out);
}

/* isdigit, isalpha, isalnum: row data 'd', 'a', 'n'. An empty text is none of them. */
tdagi_any tdagi_aten_text_is(tdagi_call *c)
{
    read_all(c);
    if (!is_kind(c, 0, TDAGI_ANY_STRING)) return refuse(c);
    const char *s = c->args[0].u.s;
    bool is = *s != '\0';
    for (; *s != '\0' && is; s++) {
        bool digit = *s >= '0' && *s <= '9';
        bool letter = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z');
        is = (digit && c->data != 'a') || (letter && c->data != 'd');
    }
    return tdagi_any_bool(is);
}

static const char blanks[] = " \n\t\f\v\r";

/* strip, lstrip, rstrip: row data 3, 1, 2 */
tdagi_any tdagi_aten_text_strip(tdagi_call *c)
{
    read_all(c);
    if (!is_kind(c, 0, TDAGI_ANY_STRING)) return refuse(c);
    const char *s = c->args[0].u.s;
    const char *chars = is_kind(c, 1, TDAGI_ANY_STRING) ? c->args[1].u.s : blanks;
    if ((c->data & 1) != 0) s += strspn(s, chars);
    size_t n = strlen(s);
    while ((c->data & 2) != 0 && n > 0 && strchr(chars, s[n - 1]) != NULL)
        n--;
    return tdagi_any_string(tdagi_env_text(c->env, "%.*s", (int)n, s));
}

tdagi_any tdagi_aten_text_replace(tdagi_call *c)
{
    read_all(c);
    int64_t most = -1;
    bool texts = is_kind(c, 0, TDAGI_ANY_STRING) && is_kind(c, 1, TDAGI_ANY_STRING) &&
                 is_kind(c, 2, TDAGI_ANY_STRING) && c->args[1].u.s[0] != '\0';
    if (!texts || (c->n > 3 && !tdagi_any_const_int(c->env, c->args[3], &most)))
        return refuse(c);
    const char *s = c->args[0].u.s, *old = c->args[1].u.s, *out = "", *at;
    for (; most != 0 && (at = strstr(s, old)) != NULL; most--) {
        out = tdagi_env_text(c->env, "%s%.*s%s", out, (int)(at - s), s, c->args[2].u.s);
        s = at + strlen(old);
    }
    return tdagi_any_string(tdagi_env_text(c->env, "%s%s", out, s));
}

/* The end of the first part of s, which starts behind blanks where no separator is. */
static const char *part_of(const char **s, const char *separator)
{
    if (separator != NULL) return strstr(*s, separator);
    *s += strspn(*s, blanks);
    size_t n = strcspn(*s, blanks);
    return (*s)[n] == '\0' ? NULL : *s + n;
}

tdagi_any tdagi_split_text(tdagi_call *c)
{
    read_all(c);
    int64_t most = -1;
    const char *s = c->args[0].u.s, *separator = NULL, *end;
    if (is_kind(c, 1, TDAGI_ANY_STRING)) separator = c->args[1].u.s;
    if ((separator != NULL && *separator == '\0') ||
        (c->n > 2 && !tdagi_any_const_int(c->env, c->args[2], &most)))
        return refuse(c);
    tdagi_any out = tdagi_any_seq(c->env, TDAGI_ANY_LIST, 0, NULL);
    if (out.kind != TDAGI_ANY_LIST) return out;
    for (; most != 0 && (end = part_of(&s, separator)) != NULL; most--) {
        const char *part = tdagi_env_text(c->env, "%.*s", (int)(end - s), s);
        tdagi_seq_append(c->env, out.u.seq, tdagi_any_string(part));
        s = end + (separator == NULL ? 1 : strlen(separator));
        if (!tdagi_env_ok(c->env)) return tdagi_any_poison();
    }
    if (separator == NULL) s += strspn(s, blanks);
    if (separator != NULL || *s != '\0')
        tdagi_seq_append(c->env, out.u.seq, tdagi_any_string(s));
    return out;
}
