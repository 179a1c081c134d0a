/* The table of schemas, layout.h: a schema is read when somebody asks for it.
 */
#include <stdlib.h>
#include <string.h>

#include "aten/aten.h"
#include "aten/env.h"
#include "aten/schema.h"
#include "aten/schemas/layout.h"
#include "base/number_text.h"
#include "base/pack/inflate.h"

static const unsigned char packed[] = {
#include "aten/schemas/packed.inc"
};

/* NULL (and env->status) when out of memory. */
static const tdagi_schemas *unpack(tdagi_env *env)
{
    const void *table = NULL;
    env->status = tdagi_built_in(env->ctx, &env->ctx->schemas, packed, sizeof packed,
                                 sizeof(tdagi_schemas), &table);
    return table;
}

static const char *text_of(const tdagi_schemas *t, unsigned piece)
{
    return (const char *)&t->texts + piece;
}

static bool is_operator(uint16_t piece) { return piece == ROW || piece == SAME_ROW; }

static bool is_first(const tdagi_schemas *t, size_t i)
{
    return i < N_PIECES && t->pieces[i] >= FIRST && t->pieces[i] < OUT_OF;
}

static unsigned lines_at(const tdagi_schemas *t, size_t i)
{
    return (t->pieces[i] - FIRST) / LINE;
}

static const char *overload_at(const tdagi_schemas *t, size_t i)
{
    return text_of(t, (t->pieces[i] - FIRST) % LINE + V);
}

static size_t find_row(const tdagi_schemas *t, const char *name,
                       const tdagi_aten_row **row_out)
{
    size_t n, nth = 0;
    const tdagi_aten_row *row = tdagi_aten_row_of(name, strlen(name));
    *row_out = row;
    if (row == NULL) return N_PIECES;
    for (const tdagi_aten_row *r = tdagi_aten_rows(&n); r < row; r++)
        nth += r->fn != NULL;
    return t->starts[nth];
}

/* Where the schemas of an operator start; N_PIECES: nowhere. *row_out: the row of its
 * name; NULL: it has none. */
static size_t find_operator(tdagi_env *env, const char *name,
                            const tdagi_aten_row **row_out, const tdagi_schemas **t_out)
{
    const tdagi_aten_row *row;
    *row_out = NULL;
    const tdagi_schemas *t = tdagi_env_ok(env) ? unpack(env) : NULL;
    *t_out = t;
    if (t == NULL) return N_PIECES;
    size_t at = find_row(t, name, row_out);
    char pure[TDAGI_PURE_NAME];
    if (at < N_PIECES || !tdagi_schema_pure(name, pure)) return at;
    at = find_row(t, pure, &row);
    while (at < N_PIECES && !is_operator(t->pieces[at]))
        at++;
    return at < N_PIECES && t->pieces[at] == SAME_ROW ? at + 1 : N_PIECES;
}

/* The end of the schema that starts at i. */
static size_t end_of(const tdagi_schemas *t, size_t i)
{
    do
        i++;
    while (i < N_PIECES && !is_first(t, i) && !is_operator(t->pieces[i]));
    return i;
}

/* ---- reading a schema ---- */

static char *copy(tdagi_env *env, const char *text, size_t n)
{
    char *p = tdagi_env_alloc(env, n + 1);
    if (p == NULL) return NULL;
    memcpy(p, text, n);
    p[n] = '\0';
    return p;
}

/* Takes "(a!)" and the like out of a type: what shares memory and what is written. */
static bool strip_alias(char *type)
{
    bool is_written = false;
    for (char *p = type; *p != '\0'; p++) {
        if (p[0] != '(' || p[1] == '\0' || strchr("!|) ", p[2]) == NULL) continue;
        const char *end = strchr(p, ')');
        is_written |= p[2] == '!';
        memmove(p, end + 1, strlen(end + 1) + 1);
        p--;
    }
    return is_written;
}

/* What TorchScript calls a type. */
static const char *plain_type(const char *name)
{
    static const struct {
        const char *from, *to;
    } other[] = {{"SymInt", "int"},
                 {"ScalarType", "int"},
                 {"Layout", "int"},
                 {"MemoryFormat", "int"},
                 {"Scalar", "number"}};
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
        if (*name == *other[i].from && strcmp(name, other[i].from) == 0)
            return other[i].to;
    return name;
}

/* "int[2]?" as TorchScript has it, "Optional[List[int]]"; cuts the text. */
static const char *type_of(tdagi_env *env, char *type)
{
    size_t n = strlen(type);
    if (n == 0) return type;
    if (type[n - 1] == '?') {
        type[n - 1] = '\0';
        return tdagi_env_text(env, "Optional[%s]", type_of(env, type));
    }
    if (type[n - 1] == ']') {
        *strrchr(type, '[') = '\0';
        return tdagi_env_text(env, "List[%s]", type_of(env, type));
    }
    return plain_type(type);
}

static bool read_value(tdagi_env *env, const char **text, tdagi_default *out);

static bool read_list(tdagi_env *env, const char **text, tdagi_default *out)
{
    uint32_t room = 1;
    for (const char *p = *text; *p != ']'; p++)
        room += *p == ',';
    tdagi_default *items = tdagi_env_alloc(env, room * sizeof(*items));
    if (items == NULL) return false;
    *out = (tdagi_default){.kind = TDAGI_DEFAULT_LIST, .items = items};
    ++*text;
    while (**text != ']') {
        if (!read_value(env, text, &items[out->n++])) return false;
        *text += strspn(*text, ", ");
    }
    ++*text;
    return true;
}

static bool read_number(const char **text, tdagi_default *out)
{
    size_t n = strspn(*text, "-0123456789"), all = strspn(*text, "-0123456789.e");
    *out = (tdagi_default){.kind = all > n ? TDAGI_DEFAULT_FLOAT : TDAGI_DEFAULT_INT};
    if (all > n && !tdagi_f64_parse(*text, all, &out->f)) return false;
    if (all == n) out->i = strtoll(*text, NULL, 10);
    *text += all;
    return true;
}

static const struct {
    const char *name;
    tdagi_default value;
} named[] = {
    {"None", {.kind = TDAGI_DEFAULT_NONE}},
    {"False", {.kind = TDAGI_DEFAULT_BOOL}},
    {"True", {.kind = TDAGI_DEFAULT_BOOL, .i = 1}},
    {"contiguous_format", {.kind = TDAGI_DEFAULT_INT}},
    {"int64", {.kind = TDAGI_DEFAULT_INT, .i = 4}},
};

static bool read_value(tdagi_env *env, const char **text, tdagi_default *out)
{
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        size_t n = strlen(named[i].name);
        if (strncmp(*text, named[i].name, n) != 0) continue;
        *text += n;
        *out = named[i].value;
        return true;
    }
    if (**text == '[') return read_list(env, text, out);
    if (**text == '"') {
        size_t n = strcspn(*text + 1, "\"");
        *out = (tdagi_default){.kind = TDAGI_DEFAULT_STRING};
        out->s = copy(env, *text + 1, n);
        *text += n + 2;
        return out->s != NULL;
    }
    return read_number(text, out);
}

/* "Tensor(a!) self", "int dim=0" */
static bool read_parameter(tdagi_env *env, const char *text, tdagi_parameter *out)
{
    size_t whole = strcspn(text, "=");
    size_t name = whole;
    while (text[name - 1] != ' ')
        name--;
    char *type = copy(env, text, name - 1);
    *out = (tdagi_parameter){.name = copy(env, text + name, whole - name)};
    if (type == NULL || out->name == NULL) return false;
    out->is_written = strip_alias(type);
    out->type = type_of(env, type);
    text += whole + 1;
    return text[-1] == '\0' || read_value(env, &text, &out->by_default);
}

/* "()", "Tensor", "(Tensor, Tensor)" */
static uint32_t count_results(const char *text)
{
    if (strcmp(text, "()") == 0) return 0;
    uint32_t n = 1, depth = 0;
    for (; *text != '\0'; text++) {
        depth += strchr("([", *text) != NULL;
        depth -= strchr(")]", *text) != NULL;
        n += *text == ',' && depth == 1;
    }
    return n;
}

/* The parameters of the schema at i into args, which has room for one more. */
static bool read_parameters(tdagi_env *env, const tdagi_schemas *t, size_t i,
                            tdagi_parameter *args, tdagi_schema *out)
{
    size_t end = end_of(t, i) - 1;
    bool keyword_only = false;
    for (i++; i < end; i++) {
        const char *text = text_of(t, t->pieces[i]);
        if (*text == '*')
            keyword_only = true;
        else if (*text == '.')
            out->is_vararg = true;
        else if (!read_parameter(env, text, &args[out->n_args]))
            return false;
        else
            args[out->n_args++].keyword_only = keyword_only;
    }
    out->n_results = count_results(text_of(t, t->pieces[end]));
    return true;
}

/* The schema at i, the first of whose operator is at `first`. */
static bool read_schema(tdagi_env *env, const tdagi_schemas *t, size_t first, size_t i,
                        tdagi_schema *out)
{
    out->overload = overload_at(t, i);
    bool has_out = t->pieces[i + 1] >= OUT_OF;
    if (has_out) {
        const char *base = text_of(t, t->pieces[i + 1] - OUT_OF + V);
        for (i = first; strcmp(overload_at(t, i), base) != 0;)
            i = end_of(t, i);
    }
    tdagi_parameter *args = tdagi_env_alloc(env, (end_of(t, i) - i) * sizeof(*args));
    if (args == NULL || !read_parameters(env, t, i, args, out)) return false;
    out->args = args;
    if (has_out)
        args[out->n_args++] = (tdagi_parameter){
            .name = "out", .type = "Tensor", .keyword_only = true, .is_written = true};
    return env->status == TDAG_OK;
}

bool tdagi_schemas_get(tdagi_env *env, const char *name, uint32_t i, tdagi_schema *out,
                       unsigned *lines_out)
{
    const tdagi_aten_row *row;
    const tdagi_schemas *t;
    size_t first = find_operator(env, name, &row, &t), at = first;
    for (; i > 0 && is_first(t, at); i--)
        at = end_of(t, at);
    if (!is_first(t, at)) return false;
    tdagi_schema schema = {.name = copy(env, name, strlen(name))};
    if (schema.name == NULL || !read_schema(env, t, first, at, &schema)) return false;
    tdagi_schema_bind_to(&schema, row);
    *lines_out = lines_at(t, at);
    *out = schema;
    return true;
}

static bool writes_first(const tdagi_schema *s)
{
    return s->n_args > 0 && s->args[0].is_written;
}

/* Overloads have the row of the first, but for what goes by what is written. */
static void bind_like(tdagi_schema *s, const tdagi_schema *first,
                      const tdagi_aten_row *row)
{
    if (s == first || writes_first(s) != writes_first(first)) {
        tdagi_schema_bind_to(s, row);
        return;
    }
    s->is_bound = true;
    s->row = first->row;
    s->in_place_of_row = first->in_place_of_row;
}

const tdagi_schema *tdagi_schemas_list(tdagi_env *env, const char *name,
                                       uint32_t *n_out)
{
    const tdagi_aten_row *row;
    const tdagi_schemas *t;
    size_t first = find_operator(env, name, &row, &t), at;
    uint32_t n = 0;
    *n_out = 0;
    for (at = first; is_first(t, at); at = end_of(t, at))
        n++;
    if (n == 0) return NULL;
    tdagi_schema *all = tdagi_env_alloc(env, n * sizeof(*all));
    const char *kept = all == NULL ? NULL : copy(env, name, strlen(name));
    if (kept == NULL) return NULL;
    at = first;
    for (uint32_t i = 0; i < n; i++, at = end_of(t, at)) {
        all[i] = (tdagi_schema){.name = kept};
        if (!read_schema(env, t, first, at, &all[i])) return NULL;
        bind_like(&all[i], &all[0], row);
    }
    *n_out = n;
    return all;
}

bool tdagi_schemas_find(tdagi_env *env, const char *name, const char *overload,
                        unsigned lines, tdagi_schema *out)
{
    const tdagi_aten_row *row;
    const tdagi_schemas *t;
    size_t at = find_operator(env, name, &row, &t);
    for (uint32_t i = 0; is_first(t, at); i++, at = end_of(t, at)) {
        unsigned has;
        if ((lines_at(t, at) & lines) != 0 && strcmp(overload_at(t, at), overload) == 0)
            return tdagi_schemas_get(env, name, i, out, &has);
    }
    return false;
}
