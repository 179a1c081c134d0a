/* Matching patterns of operations (match.h): down from an operation through the
 * operations that made its operands. */
#include "coreml/read/meant/match.h"

#include <string.h>

#include "aten/aten.h"
#include "base/number_text.h"

enum { MOST_NESTING = 16 };

typedef struct reading {
    tdagi_cml_matching *m;
    const char *p;
    uint32_t depth;
} reading;

/* ---- the program ---- */

/* The only name that an operand is, or NULL. */
static const char *name_of(const Cml__Operation *op, const char *operand)
{
    const Cml__Argument *a = tdagi_cml_argument(op, operand);
    if (a == NULL || a->n_arguments != 1) return NULL;
    const Cml__Binding *b = a->arguments[0];
    return b->binding_case == CML__BINDING__BINDING_NAME ? b->name : NULL;
}

static const Cml__Operation *in_block(const tdagi_cml_matching *m, const char *value)
{
    for (size_t i = 0; m->block != NULL && i < m->block->n_operations; i++) {
        const Cml__Operation *op = m->block->operations[i];
        for (size_t k = 0; k < op->n_outputs; k++)
            if (strcmp(op->outputs[k]->name, value) == 0) return op;
    }
    return NULL;
}

/* The operation that made a value, or NULL. */
static const Cml__Operation *maker(const tdagi_cml_matching *m, const char *value)
{
    const Cml__Operation *op = in_block(m, value);
    const tdagi_cml_value *v = op != NULL ? NULL : tdagi_cml_find(m->im, value);
    return v == NULL ? op : v->made_by;
}

/* What is known of a constant or another value; NONE: nothing. */
static tdagi_any value_of(const tdagi_cml_matching *m, const char *name)
{
    const Cml__Operation *op = in_block(m, name);
    if (op == NULL && tdagi_cml_find(m->im, name) != NULL)
        return tdagi_cml_get(m->im, name);
    for (size_t i = 0; op != NULL && i < op->n_attributes; i++)
        if (strcmp(op->type, "const") == 0 &&
            strcmp(op->attributes[i]->key, "val") == 0 &&
            op->attributes[i]->value != NULL)
            return tdagi_cml_constant(m->im, name, op->attributes[i]->value);
    return tdagi_any_none();
}

/* ---- items ---- */

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_';
}

static size_t word(const char *p)
{
    size_t n = 0;
    while (is_word(p[n]))
        n++;
    return n;
}

static bool bind(tdagi_cml_matching *m, const char *name, size_t n, const char *value)
{
    for (uint32_t i = 0; i < m->n; i++)
        if (m->bound[i].length == n && memcmp(m->bound[i].name, name, n) == 0)
            return strcmp(m->bound[i].value, value) == 0;
    if (m->n == TDAGI_MATCH_NAMES) return false;
    m->bound[m->n].name = name;
    m->bound[m->n].length = (uint32_t)n;
    m->bound[m->n++].value = value;
    return true;
}

static bool is_number(const reading *r, const char *value, double *out)
{
    tdagi_any v = tdagi_any_known(value_of(r->m, value));
    if (!tdagi_any_is_number(v) || v.assumed) return false;
    *out = tdagi_any_sample(&r->m->im->env, v);
    return true;
}

/* A number that is not whole may be rounded to half precision. */
static bool match_number(reading *r, const char *value)
{
    double want = 0, is = 0;
    const char *end = r->p;
    while (*end != '\0' && strchr(",)", *end) == NULL)
        end++;
    bool ok = tdagi_f64_parse(r->p, (size_t)(end - r->p), &want);
    double far = want == (double)(int64_t)want ? 0 : 5e-4 * (want < 0 ? -want : want);
    r->p = end;
    return ok && is_number(r, value, &is) && is - want <= far && want - is <= far;
}

static bool match_text(reading *r, const char *value)
{
    tdagi_any v = value_of(r->m, value);
    const char *text = r->p + 1;
    size_t n = strcspn(text, "'");
    r->p = text + n + 1;
    return v.kind == TDAGI_ANY_STRING && strlen(v.u.s) == n &&
           memcmp(v.u.s, text, n) == 0;
}

static bool item(reading *r, const char *value);

/* "x=ITEM, ...)" against the operands; of a commutative one perhaps with x as y. */
static bool operands(reading *r, const Cml__Operation *op, bool swapped)
{
    for (char sign = ','; sign == ','; sign = *r->p++) {
        char name[32];
        r->p += strspn(r->p, " ");
        bool absent = *r->p == '!';
        r->p += absent;
        size_t n = word(r->p);
        if (n == 0 || n >= sizeof(name)) return false;
        memcpy(name, r->p, n);
        name[n] = '\0';
        if (swapped && n == 1 && (*name == 'x' || *name == 'y')) *name ^= 'x' ^ 'y';
        r->p += n;
        const char *value = name_of(op, name);
        if (absent && tdagi_cml_argument(op, name) != NULL) return false;
        if (absent) continue;
        bool may_miss = *r->p == '?';
        r->p += may_miss + 1;
        if (value == NULL && may_miss && tdagi_cml_argument(op, name) == NULL)
            r->p += strcspn(r->p, ",)"); /* a name or a constant */
        else if (value == NULL || !item(r, value))
            return false;
    }
    return true;
}

static bool commutes(const Cml__Operation *op)
{
    static const char *const all[] = {"add", "mul", "maximum", "minimum"};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (strcmp(op->type, all[i]) == 0) return true;
    return false;
}

static bool operation(reading *r, const Cml__Operation *op)
{
    size_t n = word(r->p);
    if (op == NULL || strlen(op->type) != n || memcmp(op->type, r->p, n) != 0 ||
        r->depth == MOST_NESTING)
        return false;
    r->p += n;
    if (*r->p == '\0') return true;
    r->p++;
    r->depth++;
    reading start = *r;
    uint32_t n_bound = r->m->n;
    bool ok = operands(r, op, false);
    if (!ok && commutes(op) && tdagi_env_ok(&r->m->im->env)) {
        *r = start;
        r->m->n = n_bound;
        ok = operands(r, op, true);
    }
    r->depth--;
    return ok;
}

static bool item(reading *r, const char *value)
{
    double any;
    if (!tdagi_env_ok(&r->m->im->env)) return false;
    if (*r->p == '\'') return match_text(r, value);
    if (*r->p == '-' || (*r->p >= '0' && *r->p <= '9')) return match_number(r, value);
    bool known = *r->p == '#';
    r->p += known;
    size_t n = word(r->p);
    const char *name = r->p;
    if (name[n] == '(') return operation(r, maker(r->m, value));
    r->p += n;
    if (n == strlen("True") ? memcmp(name, "True", n) == 0
                            : n == strlen("False") && memcmp(name, "False", n) == 0) {
        tdagi_any v = tdagi_any_known(value_of(r->m, value));
        return v.kind == TDAGI_ANY_BOOL && v.u.b == (n == 4);
    }
    if ((known && !is_number(r, value, &any)) || !bind(r->m, name, n, value))
        return false;
    if (*r->p != ':') return true;
    r->p++;
    return operation(r, maker(r->m, value));
}

/* ---- what was matched ---- */

static bool set_all(tdagi_cml_matching *m, const char *what)
{
    tdagi_env *env = &m->im->env;
    tdagi_cml_begin(&m->call, env, &m->im->room, what);
    for (uint32_t i = 0; i < m->n; i++) {
        tdagi_any v = value_of(m, m->bound[i].value);
        const char *name =
            tdagi_env_text(env, "%.*s", (int)m->bound[i].length, m->bound[i].name);
        if (name == NULL || tdagi_any_find_poison(&v) != NULL) return false;
        tdagi_cml_set(&m->call, name, v);
    }
    return tdagi_env_ok(env);
}

bool tdagi_cml_match(tdagi_cml_matching *m, const Cml__Operation *op,
                     const char *pattern)
{
    reading r = {.m = m, .p = pattern};
    return operation(&r, op) && set_all(m, op->type);
}

bool tdagi_cml_match_value(tdagi_cml_matching *m, const char *value,
                           const char *pattern)
{
    const Cml__Operation *op = maker(m, value);
    return op != NULL && tdagi_cml_match(m, op, pattern);
}

bool tdagi_cml_matched(tdagi_cml_matching *m, const char *name, uint32_t most,
                       int64_t *out, uint32_t *n_out)
{
    tdagi_any v = tdagi_cml_at(&m->call, name), list;
    if (v.kind != TDAGI_ANY_TENSOR ||
        !tdagi_cml_fit(&m->im->env, v, "List[int]", &list) || list.u.seq->n > most)
        return false;
    *n_out = list.u.seq->n;
    for (uint32_t i = 0; i < *n_out; i++) {
        out[i] = list.u.seq->v[i].u.i;
        if (list.u.seq->v[i].kind != TDAGI_ANY_INT) return false;
    }
    return true;
}
