/* What a package cannot say by itself, for who reads it here: the model's dtypes, exact
 * names and module paths, as lines of an entry of the user-defined metadata
 * (docs/coreml.md, "Notes"). Names that are no plain words are left out. */
#include <string.h>

#include "coreml/package/metadata.h"
#include "coreml/write/mil.h"

static bool is_word(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if (*c <= ' ' || *c > '~') return false;
    return *text != '\0';
}

static void add_line(tdagi_mil_writer *w, const char *const *words, uint32_t n)
{
    size_t size = 1;
    for (uint32_t i = 0; i < n; i++) {
        if (!is_word(words[i])) return;
        size += strlen(words[i]) + 1;
    }
    char *line = tdagi_mil_alloc(w, size);
    if (line == NULL) return;
    for (uint32_t i = 0; i < n; i++)
        strcat(strcat(line, words[i]), i + 1 < n ? " " : "\n");
    tdagi_mil_push(w, &w->notes, line);
}

void tdagi_mil_note(tdagi_mil_writer *w, const char *kind, const char *name,
                    const char *is)
{
    const char *const words[] = {kind, name, is};
    if (w->status == TDAG_OK && is != NULL) add_line(w, words, 3);
}

void tdagi_mil_note_type(tdagi_mil_writer *w, const char *kind, tdagi_mil v,
                         const char *name, tdag_dtype dtype, bool is_scalar)
{
    char type[16] = "";
    if (v == NULL || w->status != TDAG_OK) return;
    if (name == NULL || !is_word(name)) name = v->name;
    const bool is_known = dtype == TDAG_F64 || dtype == TDAG_F32 || dtype == TDAG_I32;
    if (is_known && !is_scalar && strcmp(name, v->name) == 0) return;
    strcpy(type, tdag_dtype_name(dtype == TDAG_F64 ? TDAG_F32 : dtype));
    if (is_scalar) strcat(type, "[]");
    const char *const words[] = {kind, v->name, name, type};
    add_line(w, words, 4);
}

bool tdagi_mil_is_noted(const char *name, const char *original)
{
    return original != NULL && strcmp(name, original) != 0 && is_word(original);
}

/* ---- module paths ---- */

typedef struct scoped {
    const Cml__Operation *o;
    const char *scope;
} scoped;

void tdagi_mil_note_scope(tdagi_mil_writer *w, const Cml__Operation *o)
{
    const tdagi_kernel *k = w->now.kernel;
    const char *scope =
        k == NULL || k->value.id == 0 ? "" : tdagi_value_scope(w->now.g, k->value);
    const scoped *last = w->scopes.n == 0 ? NULL : w->scopes.v[w->scopes.n - 1];
    if (o == NULL || strcmp(scope, last == NULL ? "" : last->scope) == 0) return;
    scoped *s = tdagi_mil_alloc(w, sizeof *s);
    if (s == NULL) return;
    *s = (scoped){o, scope};
    tdagi_mil_push(w, &w->scopes, s);
}

void tdagi_mil_note_scopes(tdagi_mil_writer *w)
{
    for (uint32_t i = 0; i < w->scopes.n; i++) {
        const scoped *s = w->scopes.v[i];
        if (s->o->n_outputs > 0)
            tdagi_mil_note(w, "module", s->o->outputs[0]->name,
                           *s->scope == '\0' ? "." : s->scope);
    }
    w->scopes.n = 0;
}

/* ---- the entry ---- */

char *tdagi_mil_notes(tdagi_mil_writer *w)
{
    size_t size = 1;
    for (uint32_t i = 0; i < w->notes.n; i++)
        size += strlen(w->notes.v[i]);
    char *text = tdagi_mil_alloc(w, size), *end = text;
    for (uint32_t i = 0; text != NULL && i < w->notes.n; i++) {
        strcpy(end, w->notes.v[i]);
        end += strlen(end);
    }
    return text;
}
