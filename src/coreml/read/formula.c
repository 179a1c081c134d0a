/* What mil.def says, evaluated: see mil.h. */
#include "coreml/read/mil.h"

#include <string.h>

#include "aten/aten.h"
#include "base/number_text.h"
#include "coreml/read/import.h"

enum { MOST_ARGUMENTS = 16, MOST_NESTING = 24 };

typedef struct formula {
    tdagi_cml_call *c;
    const char *p;
    bool skips; /* the branch that is not taken: nothing is done */
    uint32_t depth;
} formula;

static tdagi_any expression(formula *f);

/* ---- arguments ---- */

typedef struct arguments {
    const char *names[MOST_ARGUMENTS]; /* NULL: by position */
    size_t lengths[MOST_ARGUMENTS];
    tdagi_any v[MOST_ARGUMENTS];
    uint32_t n;
} arguments;

static bool is_whole(tdag_dtype d) { return !tdag_dtype_is_float(d) && d != TDAG_BOOL; }

/* Items of a list whose elements fit. */
static bool fit_list(tdagi_env *env, tdagi_any v, const char *item, tdagi_any *out)
{
    char type[32];
    size_t n = strlen(item);
    if (n < 1 || n >= sizeof(type)) return false;
    memcpy(type, item, n - 1); /* without the bracket */
    type[n - 1] = '\0';
    tdagi_any list = tdagi_any_seq(env, TDAGI_ANY_LIST, 0, NULL), one;
    if (list.kind != TDAGI_ANY_LIST) return false;
    uint32_t count = tdagi_any_is_seq(v) ? v.u.seq->n : 1;
    for (uint32_t i = 0; i < count; i++) {
        if (!tdagi_cml_fit(env, tdagi_any_is_seq(v) ? v.u.seq->v[i] : v, type, &one))
            return false;
        tdagi_seq_append(env, list.u.seq, one);
    }
    *out = list;
    return tdagi_env_ok(env);
}

/* A tensor of rank 1 as its numbers, those of data too. */
static bool numbers_of(tdagi_env *env, tdagi_any v, tdagi_any *out)
{
    tdagi_cell *t = v.u.tensor;
    int64_t n = 0;
    if (t->known != NULL && t->known_rank == 1) {
        *out = tdagi_any_seq(env, TDAGI_ANY_LIST, t->n_known, t->known);
        return true;
    }
    if (tdagi_any_listed(env, v, out)) return true;
    if (tdagi_cell_rank(env, t) != 1 || !is_whole(tdagi_cell_dtype(env, t)))
        return false;
    if (!tdagi_dim_is_const(env->pool, tdagi_cell_dim(env, t, 0), &n) || n > 8)
        return false;
    *out = tdagi_any_seq(env, TDAGI_ANY_LIST, 0, NULL);
    for (int64_t i = 0; i < n && tdagi_env_ok(env); i++) {
        tdagi_view_step step = {.kind = TDAGI_VIEW_SELECT, .start = i};
        tdagi_any item = {.kind = TDAGI_ANY_DATA, .letter = 'i'};
        item.u.tensor = tdagi_cell_view(env, t, &step);
        if (item.u.tensor == NULL) return false;
        tdagi_seq_append(env, out->u.seq, item);
    }
    return tdagi_env_ok(env);
}

static bool fit_number(tdagi_env *env, tdagi_any v, const char *type, tdagi_any *out)
{
    int64_t i;
    bool is_float = strcmp(type, "float") == 0;
    bool is_int = strcmp(type, "int") == 0, may_be = is_int || *type == 'n';
    if (v.kind == TDAGI_ANY_TENSOR && tdagi_cell_rank(env, v.u.tensor) == 0) {
        tdagi_any known = tdagi_any_evaluated(env, v);
        bool whole = is_whole(tdagi_cell_dtype(env, v.u.tensor));
        if (known.kind == TDAGI_ANY_TENSOR && may_be && whole)
            known = (tdagi_any){
                .kind = TDAGI_ANY_DATA, .letter = 'i', .u.tensor = v.u.tensor};
        v = known;
    }
    *out = v;
    if (v.kind == TDAGI_ANY_DATA) return may_be && v.letter == 'i';
    if (is_int) return v.kind == TDAGI_ANY_INT;
    if (strcmp(type, "bool") == 0) return v.kind == TDAGI_ANY_BOOL;
    if (is_float && tdagi_any_const_int(env, v, &i)) *out = tdagi_any_float((double)i);
    return is_float ? out->kind == TDAGI_ANY_FLOAT : tdagi_any_is_number(v);
}

bool tdagi_cml_fit(tdagi_env *env, tdagi_any v, const char *type, tdagi_any *out)
{
    *out = v;
    if (strncmp(type, "Optional[", 9) == 0) {
        char inner[48];
        size_t n = strlen(type) - 10;
        if (v.kind == TDAGI_ANY_NONE) return true;
        if (n >= sizeof(inner)) return false;
        memcpy(inner, type + 9, n);
        inner[n] = '\0';
        return tdagi_cml_fit(env, v, inner, out);
    }
    if (strncmp(type, "List[", 5) == 0) {
        bool of_tensors = strstr(type, "Tensor") != NULL;
        bool is_one = !tdagi_any_is_seq(v) && v.kind != TDAGI_ANY_TENSOR;
        if (is_one && strcmp(type, "List[int]") != 0) return false;
        if (v.kind == TDAGI_ANY_TENSOR && (of_tensors || !numbers_of(env, v, &v)))
            return false;
        return fit_list(env, v, type + 5, out);
    }
    if (strcmp(type, "Tensor") == 0)
        return v.kind == TDAGI_ANY_TENSOR || v.kind == TDAGI_ANY_DATA;
    if (strcmp(type, "str") == 0) return v.kind == TDAGI_ANY_STRING;
    bool is_number = strcmp(type, "int") == 0 || strcmp(type, "float") == 0 ||
                     strcmp(type, "bool") == 0 || strcmp(type, "number") == 0;
    return is_number && v.kind != TDAGI_ANY_NONE && fit_number(env, v, type, out);
}

/* ---- calls of operators ---- */

typedef struct overloads {
    const tdagi_schema *all;
    uint32_t n;
} overloads;

static const overloads *overloads_of(formula *f, const char *name, size_t n)
{
    tdagi_env *env = f->c->env;
    void **slot = tdagi_table_at(&env->arena, &f->c->room->schemas, name, n);
    if (slot != NULL && *slot != NULL) return *slot;
    overloads *o = tdagi_env_alloc(env, sizeof(*o));
    bool prim = n > 4 && memcmp(name, "prim", 4) == 0;
    const char *full = tdagi_env_text(env, prim ? "%.*s" : "aten::%.*s", (int)n, name);
    if (slot == NULL && tdagi_env_ok(env)) env->status = tdagi_nomem(env->ctx);
    if (slot == NULL || o == NULL || full == NULL) return NULL;
    o->all = tdagi_schemas_list(env, full, &o->n);
    *slot = o;
    return o;
}

static uint32_t parameter(const tdagi_schema *s, const arguments *a, uint32_t i)
{
    uint32_t k = 0;
    if (a->names[i] == NULL)
        return i < s->n_args && !s->args[i].keyword_only ? i : s->n_args;
    while (k < s->n_args &&
           (strncmp(s->args[k].name, a->names[i], a->lengths[i]) != 0 ||
            s->args[k].name[a->lengths[i]] != '\0'))
        k++;
    return k;
}

/* The arguments as the schema wants them, or NULL. */
static const tdagi_any *fit_all(tdagi_env *env, const tdagi_schema *s,
                                const arguments *a)
{
    tdagi_any *all = tdagi_env_alloc(env, (s->n_args + 1) * sizeof(*all));
    bool given[64] = {false};
    if (all == NULL || s->n_args > 64) return NULL;
    for (uint32_t i = 0; i < a->n; i++) {
        uint32_t at = parameter(s, a, i);
        if (at == s->n_args || given[at] ||
            !tdagi_cml_fit(env, a->v[i], s->args[at].type, &all[at]))
            return NULL;
        given[at] = true;
    }
    for (uint32_t i = 0; i < s->n_args; i++) {
        if (given[i]) continue;
        all[i] = tdagi_any_none();
        bool is_out = strcmp(s->args[i].name, "out") == 0;
        if (is_out || s->args[i].by_default.kind == TDAGI_DEFAULT_ABSENT) return NULL;
        tdagi_default_get(env, &s->args[i].by_default, &all[i]);
    }
    return all;
}

static tdagi_any call_operator(formula *f, const char *name, size_t n,
                               const arguments *a)
{
    tdagi_env *env = f->c->env;
    const overloads *o = overloads_of(f, name, n);
    for (uint32_t i = 0; i < a->n; i++)
        if (tdagi_env_note_poison(env, &a->v[i])) return tdagi_any_poison();
    for (uint32_t i = 0; o != NULL && i < o->n && tdagi_env_ok(env); i++) {
        const tdagi_any *args = fit_all(env, &o->all[i], a);
        if (args != NULL)
            return tdagi_aten_call(env, &o->all[i], args, o->all[i].n_args);
    }
    if (!tdagi_env_ok(env)) return tdagi_any_poison();
    return tdagi_env_issue(env, "%s with such operands, which %.*s does not take",
                           f->c->what, (int)n, name);
}

/* ---- helpers ---- */

static bool is_text(const tdagi_any *v, const char *text)
{
    return v->kind == TDAGI_ANY_STRING && strcmp(v->u.s, text) == 0;
}

/* Whether a known operand is that text, number or None. */
static tdagi_any is(formula *f, const arguments *a)
{
    tdagi_any x = tdagi_any_evaluated(f->c->env, a->v[0]), y = a->v[1];
    if (y.kind == TDAGI_ANY_STRING) return tdagi_any_bool(is_text(&x, y.u.s));
    if (!tdagi_any_is_number(x) || !tdagi_any_is_number(y))
        return tdagi_any_bool(x.kind == y.kind && y.kind == TDAGI_ANY_NONE);
    double p = tdagi_any_sample(f->c->env, x), q = tdagi_any_sample(f->c->env, y);
    double far = p > q ? p - q : q - p, one = q < 0 ? -q : q;
    bool half = a->v[0].kind == TDAGI_ANY_TENSOR && a->v[0].u.tensor->dtype == TDAG_F16;
    return tdagi_any_bool(!x.assumed && far <= one * (half ? 5e-4 : 1e-6));
}

/* The number of a dtype, told by its text in MIL or by a tensor that has it. */
static tdagi_any dtype(formula *f, const arguments *a)
{
    tdag_dtype d = TDAG_DTYPE_NONE;
    if (a->v[0].kind == TDAGI_ANY_STRING) d = tdagi_cml_dtype(a->v[0].u.s);
    if (a->v[0].kind == TDAGI_ANY_TENSOR)
        d = tdagi_cell_dtype(f->c->env, a->v[0].u.tensor);
    if (a->v[0].kind == TDAGI_ANY_FLOAT) d = TDAG_F32; /* a default */
    if (d == TDAG_DTYPE_NONE)
        return tdagi_cml_refuse(f->c, "a dtype that is not known");
    return tdagi_any_int(f->c->env, tdagi_scalar_type_of_dtype(d));
}

/* The value of one element or one per element of an axis of x, as it broadcasts. */
static tdagi_any along(formula *f, const arguments *a)
{
    tdagi_env *env = f->c->env;
    int64_t axis = 0;
    tdagi_any v = a->v[0], x = a->v[1], at;
    if (v.kind != TDAGI_ANY_TENSOR || x.kind != TDAGI_ANY_TENSOR) return v;
    uint32_t rank = tdagi_cell_rank(env, x.u.tensor);
    if (tdagi_cell_rank(env, v.u.tensor) != 1) return v;
    if (!tdagi_cml_fit(env, a->v[2], "int", &at) ||
        !tdagi_any_const_int(env, at, &axis))
        return tdagi_cml_refuse(f->c, "an axis that is not known");
    tdag_value y = tdagi_cell_read(env, v.u.tensor);
    for (int64_t i = (axis < 0 ? axis + rank : axis) + 1; i < rank && y.id != 0; i++)
        y = tdagi_unsqueeze1(env->b, y, 1);
    return tdagi_any_tensor(tdagi_cell_new(env, y));
}

/* A tensor in the dtype of another one; what is no tensor as it is. */
static tdagi_any like(formula *f, const arguments *a)
{
    tdagi_env *env = f->c->env;
    if (a->v[0].kind != TDAGI_ANY_TENSOR || a->v[1].kind != TDAGI_ANY_TENSOR)
        return a->v[0];
    tdag_dtype d = tdagi_cell_dtype(env, a->v[1].u.tensor);
    if (tdagi_cell_dtype(env, a->v[0].u.tensor) == d) return a->v[0];
    tdag_value x = tdagi_cell_read(env, a->v[0].u.tensor);
    return tdagi_any_tensor(tdagi_cell_new(env, tdagi_cast(env->b, x, d)));
}

/* Positions in a dtype that they can have. */
static tdagi_any places(formula *f, const arguments *a)
{
    tdagi_env *env = f->c->env;
    if (a->v[0].kind != TDAGI_ANY_TENSOR) return a->v[0];
    tdag_dtype d = tdagi_cell_dtype(env, a->v[0].u.tensor);
    if (d == TDAG_I32 || d == TDAG_I64) return a->v[0];
    tdag_value x = tdagi_cell_read(env, a->v[0].u.tensor);
    return tdagi_any_tensor(tdagi_cell_new(env, tdagi_cast(env->b, x, TDAG_I32)));
}

/* A number, perhaps of data, as a tensor: a position within n, from its end where it is
 * negative. */
static tdagi_any tensor_of(formula *f, const arguments *a)
{
    tdagi_env *env = f->c->env;
    tdagi_any v = tdagi_number_tensor(env, a->v[0]);
    if (v.kind != TDAGI_ANY_TENSOR || a->v[1].kind != TDAGI_ANY_INT) return v;
    tdagi_call call = {.env = env, .b = env->b}; /* all that wrapping needs */
    tdag_value x = tdagi_cast(env->b, tdagi_cell_read(env, v.u.tensor), TDAG_I32);
    return tdagi_any_tensor(
        tdagi_cell_new(env, tdagi_wrap_index(&call, x, a->v[1].u.i)));
}

/* Axes as a list; all axes of x for None. */
static tdagi_any axes(formula *f, const arguments *a)
{
    tdagi_env *env = f->c->env;
    tdagi_any list = tdagi_any_seq(env, TDAGI_ANY_LIST, 0, NULL);
    if (a->v[1].kind != TDAGI_ANY_NONE || a->v[0].kind != TDAGI_ANY_TENSOR)
        return a->v[1];
    for (uint32_t i = 0; i < tdagi_cell_rank(env, a->v[0].u.tensor); i++)
        tdagi_seq_append(env, list.u.seq, tdagi_any_int(env, i));
    return list;
}

static tdagi_any rank(formula *f, const arguments *a)
{
    if (a->v[0].kind != TDAGI_ANY_TENSOR) return tdagi_any_poison();
    return tdagi_any_int(f->c->env, tdagi_cell_rank(f->c->env, a->v[0].u.tensor));
}

static tdagi_any opset(formula *f, const arguments *a)
{
    return tdagi_any_bool(tdagi_any_sample(f->c->env, a->v[0]) <= f->c->room->opset);
}

/* An axis of x, made non-negative. */
static tdagi_any wrap(formula *f, const arguments *a)
{
    tdagi_any at;
    int64_t axis = 0;
    if (a->v[1].kind != TDAGI_ANY_TENSOR ||
        !tdagi_cml_fit(f->c->env, a->v[0], "int", &at) ||
        !tdagi_any_const_int(f->c->env, at, &axis))
        return tdagi_cml_refuse(f->c, "an axis that is not known");
    if (axis < 0) axis += tdagi_cell_rank(f->c->env, a->v[1].u.tensor);
    return tdagi_any_int(f->c->env, axis);
}

/* Whether a known number is below another one. */
static tdagi_any below(formula *f, const arguments *a)
{
    tdagi_any x = tdagi_any_evaluated(f->c->env, a->v[0]);
    if (!tdagi_any_is_number(x) || x.assumed)
        return tdagi_cml_refuse(f->c, "an operand that is not known");
    return tdagi_any_bool(tdagi_any_sample(f->c->env, x) <
                          tdagi_any_sample(f->c->env, a->v[1]));
}

/* Whether a tensor has integers. */
static tdagi_any whole(formula *f, const arguments *a)
{
    return tdagi_any_bool(a->v[0].kind == TDAGI_ANY_TENSOR &&
                          is_whole(tdagi_cell_dtype(f->c->env, a->v[0].u.tensor)));
}

static const struct {
    const char *name;
    uint32_t n;
    tdagi_any (*run)(formula *f, const arguments *a);
} helpers[] = {{"is", 2, is},       {"dtype", 1, dtype},   {"along", 3, along},
               {"axes", 2, axes},   {"rank", 1, rank},     {"since", 1, opset},
               {"whole", 1, whole}, {"wrap", 2, wrap},     {"below", 2, below},
               {"like", 2, like},   {"places", 1, places}, {"tensor_of", 2, tensor_of}};

/* An operator of ML programs on named operands; those that are None are left out. */
static tdagi_any call_mil(formula *f, const char *name, size_t n, const arguments *a)
{
    tdagi_env *env = f->c->env;
    tdagi_cml_call c;
    const char *name_of = tdagi_env_text(env, "%.*s", (int)n, name);
    if (name_of == NULL) return tdagi_any_poison();
    tdagi_cml_begin(&c, env, f->c->room, name_of);
    for (uint32_t i = 0; i < a->n; i++) {
        if (tdagi_env_note_poison(env, &a->v[i])) return tdagi_any_poison();
        if (a->v[i].kind == TDAGI_ANY_NONE || a->names[i] == NULL) continue;
        const char *operand =
            tdagi_env_text(env, "%.*s", (int)a->lengths[i], a->names[i]);
        if (operand == NULL) return tdagi_any_poison();
        tdagi_cml_set(&c, operand, a->v[i]);
    }
    return tdagi_cml_meaning(&c, tdagi_cml_row_of(name_of));
}

static tdagi_any call_any(formula *f, const char *name, size_t n, const arguments *a)
{
    if (n > 5 && memcmp(name, "mil::", 5) == 0) return call_mil(f, name + 5, n - 5, a);
    for (size_t i = 0; i < sizeof(helpers) / sizeof(helpers[0]); i++)
        if (strlen(helpers[i].name) == n && memcmp(helpers[i].name, name, n) == 0 &&
            a->n == helpers[i].n) {
            for (uint32_t k = 0; k < a->n; k++)
                if (a->v[k].kind == TDAGI_ANY_POISON) return tdagi_any_poison();
            return helpers[i].run(f, a);
        }
    return call_operator(f, name, n, a);
}

/* ---- the notation ---- */

static void skip_spaces(formula *f)
{
    while (*f->p == ' ')
        f->p++;
}

static bool take(formula *f, char c)
{
    skip_spaces(f);
    if (*f->p != c) return false;
    f->p++;
    skip_spaces(f);
    return true;
}

static size_t word(const char *p)
{
    size_t n = 0;
    while ((p[n] >= 'a' && p[n] <= 'z') || (p[n] >= 'A' && p[n] <= 'Z') ||
           (p[n] >= '0' && p[n] <= '9') || p[n] == '_' || p[n] == ':')
        n++;
    return n;
}

static tdagi_any condition(formula *f)
{
    bool outer = f->skips;
    tdagi_any c = expression(f), yes, no;
    c = tdagi_any_evaluated(f->c->env, c);
    bool known = outer || c.kind == TDAGI_ANY_BOOL;
    if (!known && c.kind != TDAGI_ANY_POISON)
        tdagi_cml_refuse(f->c, "an operand that is not known");
    f->skips = outer || !known || !c.u.b;
    take(f, ',');
    yes = expression(f);
    f->skips = outer || !known || c.u.b;
    take(f, ',');
    no = expression(f);
    f->skips = outer;
    take(f, ')');
    if (!known) return tdagi_any_poison();
    return !outer && c.u.b ? yes : no;
}

static tdagi_any call(formula *f, const char *name, size_t n)
{
    arguments a = {.n = 0};
    if (n == 2 && memcmp(name, "if", 2) == 0) return condition(f);
    while (!take(f, ')') && *f->p != '\0' && a.n < MOST_ARGUMENTS) {
        size_t k = word(f->p);
        if (k > 0 && f->p[k] == '=') {
            a.names[a.n] = f->p;
            a.lengths[a.n] = k;
            f->p += k + 1;
        }
        a.v[a.n++] = expression(f);
        take(f, ',');
    }
    return f->skips ? tdagi_any_none() : call_any(f, name, n, &a);
}

static tdagi_any named(formula *f)
{
    const char *name = f->p;
    size_t n = word(name);
    f->p += n;
    if (n == 4 && memcmp(name, "None", 4) == 0) return tdagi_any_none();
    if (n == 4 && memcmp(name, "True", 4) == 0) return tdagi_any_bool(true);
    if (n == 5 && memcmp(name, "False", 5) == 0) return tdagi_any_bool(false);
    if (take(f, '(')) return call(f, name, n);
    for (uint32_t i = f->c->n; i-- > 0;)
        if (f->c->set[i].length == n && memcmp(f->c->set[i].name, name, n) == 0)
            return f->c->set[i].is;
    return tdagi_any_none();
}

static tdagi_any number(formula *f)
{
    const char *p = f->p;
    double value = 0;
    int64_t whole = 0;
    size_t n = *p == '-';
    bool is_int = true;
    while ((p[n] >= '0' && p[n] <= '9') || p[n] == '.' || p[n] == 'e' ||
           (p[n] == '-' && p[n - 1] == 'e')) {
        is_int &= p[n] != '.' && p[n] != 'e';
        if (is_int) whole = 10 * whole + (p[n] - '0');
        n++;
    }
    f->p += n;
    if (is_int) return tdagi_any_int(f->c->env, *p == '-' ? -whole : whole);
    tdagi_f64_parse(p, n, &value);
    return tdagi_any_float(value);
}

static tdagi_any text(formula *f)
{
    const char *begin = f->p, *end = strchr(begin, '\'');
    f->p = end + 1;
    const char *copy = tdagi_env_text(f->c->env, "%.*s", (int)(end - begin), begin);
    return copy == NULL ? tdagi_any_poison() : tdagi_any_string(copy);
}

static tdagi_any list(formula *f)
{
    tdagi_any out = tdagi_any_seq(f->c->env, TDAGI_ANY_LIST, 0, NULL);
    while (!take(f, ']') && *f->p != '\0' && out.kind == TDAGI_ANY_LIST) {
        tdagi_seq_append(f->c->env, out.u.seq, expression(f));
        take(f, ',');
    }
    return out;
}

static tdagi_any item(formula *f, tdagi_any of)
{
    tdagi_any at = number(f);
    int64_t i = 0;
    take(f, ']');
    tdagi_any_const_int(f->c->env, at, &i);
    if (f->skips || of.kind == TDAGI_ANY_POISON) return of;
    if (of.kind == TDAGI_ANY_TENSOR) numbers_of(f->c->env, of, &of);
    if (!tdagi_any_is_seq(of))
        return tdagi_cml_refuse(f->c, "a list that is not known");
    if (i < 0) i += of.u.seq->n;
    if (i < 0 || i >= of.u.seq->n)
        return tdagi_cml_refuse(f->c, "a list that is short");
    return of.u.seq->v[i];
}

/* All recursion passes here. */
static tdagi_any expression(formula *f)
{
    tdagi_any v = tdagi_any_none();
    if (++f->depth > MOST_NESTING) return tdagi_any_poison();
    skip_spaces(f);
    if (take(f, '\''))
        v = text(f);
    else if (take(f, '['))
        v = list(f);
    else if (*f->p == '-' || (*f->p >= '0' && *f->p <= '9'))
        v = number(f);
    else
        v = named(f);
    while (take(f, '['))
        v = item(f, v);
    f->depth--;
    return v;
}

tdagi_any tdagi_cml_eval(tdagi_cml_call *c, const char *text)
{
    formula f = {.c = c, .p = text};
    for (;;) {
        skip_spaces(&f);
        const char *name = f.p;
        size_t n = word(name);
        if (n == 0 || strncmp(name + n, " = ", 3) != 0) return expression(&f);
        f.p += n + 3;
        tdagi_any v = expression(&f);
        const char *copy = tdagi_env_text(c->env, "%.*s", (int)n, name);
        if (copy == NULL) return tdagi_any_poison();
        tdagi_cml_set(c, copy, v);
        take(&f, ';');
    }
}
