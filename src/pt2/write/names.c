/* What values are called, and pieces of JSON. */
#include <math.h>
#include <string.h>

#include "base/number_text.h"
#include "pt2/write/write.h"

tdagi_any tdagi_pt2_fail(tdagi_pt2_writer *w, const char *what)
{
    tdag_status st = tdag_builder_get_status(w->env.b);
    if (st == TDAG_OK) st = tdagi_pool_report(w->ctx, w->env.pool);
    if (tdagi_env_ok(&w->env) && st == TDAG_OK)
        tdagi_env_fail(&w->env, TDAG_E_INTERNAL, "the export has %s", what);
    else if (tdagi_env_ok(&w->env))
        w->env.status = st;
    return tdagi_any_poison();
}

/* ---- names of values ---- */

typedef struct taken {
    const char *name;
    bool is_taken;
    uint32_t next; /* suffix to try */
} taken;

static bool is_plain(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

/* The text as an identifier in the arena. */
static char *identifier(tdagi_pt2_writer *w, const char *prefix, const char *text)
{
    size_t n = strlen(prefix), m = strlen(text);
    char *name = tdagi_env_alloc(&w->env, n + m + 2);
    if (name == NULL) return NULL;
    memcpy(name, prefix, n);
    if (n + m == 0 || (n == 0 && !is_plain(*text, true))) name[n++] = '_';
    for (size_t i = 0; i < m; i++)
        name[n + i] = is_plain(text[i], false) ? text[i] : '_';
    name[n + m] = '\0';
    return name;
}

static bool take(tdagi_pt2_writer *w, const char *name, taken **out)
{
    *out = tdagi_pt2_intern(&w->taken, name, strlen(name), sizeof(**out));
    if (*out == NULL && tdagi_env_ok(&w->env)) w->env.status = tdagi_nomem(w->ctx);
    if (*out == NULL || (*out)->is_taken) return false;
    (*out)->is_taken = true;
    return true;
}

const char *tdagi_pt2_unique(tdagi_pt2_writer *w, const char *prefix, const char *text)
{
    taken *base, *other;
    const char *name = identifier(w, prefix, text);
    if (name == NULL || take(w, name, &base)) return name == NULL ? "" : name;
    while (tdagi_env_ok(&w->env)) {
        const char *more =
            tdagi_env_text(&w->env, "%s_%lu", name, (unsigned long)++base->next);
        if (take(w, more, &other)) return more;
    }
    return "";
}

/* ---- labels ---- */

static uint32_t slot_of(const tdagi_pt2_labels *l, uint64_t key)
{
    uint32_t i = (uint32_t)(key * 0x9E3779B97F4A7C15u >> 32) & (l->capacity - 1);
    while (l->keys[i] != 0 && l->keys[i] != key)
        i = (i + 1) & (l->capacity - 1);
    return i;
}

static bool grow(tdagi_pt2_writer *w)
{
    tdagi_pt2_labels *l = &w->labels, old = *l;
    l->capacity = old.capacity == 0 ? 256 : 2 * old.capacity;
    l->keys = tdagi_env_alloc(&w->env, l->capacity * sizeof(*l->keys));
    l->names = tdagi_env_alloc(&w->env, l->capacity * sizeof(*l->names));
    if (l->keys == NULL || l->names == NULL) {
        *l = old;
        return false;
    }
    memset(l->keys, 0, l->capacity * sizeof(*l->keys));
    for (uint32_t i = 0; i < old.capacity; i++) {
        if (old.keys[i] == 0) continue;
        uint32_t at = slot_of(l, old.keys[i]);
        l->keys[at] = old.keys[i];
        l->names[at] = old.names[i];
    }
    return true;
}

void tdagi_pt2_set_label(tdagi_pt2_writer *w, uint64_t key, const char *name)
{
    tdagi_pt2_labels *l = &w->labels;
    if (2 * (l->n + 1) > l->capacity && !grow(w)) return;
    uint32_t at = slot_of(l, key);
    l->n += l->keys[at] == 0;
    l->keys[at] = key;
    l->names[at] = name;
}

const char *tdagi_pt2_label(const tdagi_pt2_writer *w, uint64_t key)
{
    const tdagi_pt2_labels *l = &w->labels;
    if (l->capacity == 0) return NULL;
    uint32_t at = slot_of(l, key);
    return l->keys[at] == 0 ? NULL : l->names[at];
}

/* ---- JSON ---- */

void tdagi_pt2_comma(tdagi_text *to)
{
    if (to->length > 0) tdagi_text_add(to, ",");
}

void tdagi_pt2_member(tdagi_text *to, const char *key, const char *text)
{
    tdagi_text_printf(to, "\"%s\":", key);
    tdagi_text_add_json(to, text);
}

void tdagi_pt2_add_f64(tdagi_text *to, double value)
{
    char text[TDAGI_NUMBER_TEXT_SIZE];
    if (!isfinite(value)) {
        tdagi_text_add(to, isnan(value)  ? "\"NaN\""
                           : value > 0.0 ? "\"Infinity\""
                                         : "\"-Infinity\"");
        return;
    }
    tdagi_f64_literal(value, text);
    tdagi_text_add(to, text);
    if (text[strlen(text) - 1] == '.') tdagi_text_add(to, "0");
}
