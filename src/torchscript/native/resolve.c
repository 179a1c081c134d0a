/* Overloads as libtorch tries them: in order of registration, first without
 * conversions, then with them. The kinds of the values at hand say as much as static
 * types do. */
#include "torchscript/native/resolve.h"

#include <string.h>

#include "aten/cell.h"
#include "base/bytes_hash.h"

struct tdagi_resolver_name {
    const char *called, *name; /* by the source; by libtorch */
    const tdagi_schema **schemas;
    uint32_t n; /* 0: no such operator */
    tdagi_schema unknown;
};

/* ---- aliases ---- */

/* Names that libtorch replaces as it loads. */
static const char *const aliases[][2] = {
    {"absolute", "abs"},
    {"arccos", "acos"},
    {"arccosh", "acosh"},
    {"arcsin", "asin"},
    {"arcsinh", "asinh"},
    {"arctan", "atan"},
    {"arctan2", "atan2"},
    {"arctanh", "atanh"},
    {"clip", "clamp"},
    {"divide", "div"},
    {"fix", "trunc"},
    {"greater", "gt"},
    {"greater_equal", "ge"},
    {"less", "lt"},
    {"less_equal", "le"},
    {"moveaxis", "movedim"},
    {"multiply", "mul"},
    {"negative", "neg"},
    {"not_equal", "ne"},
    {"subtract", "sub"},
    {"swapaxes", "transpose"},
    {"swapdims", "transpose"},
    {"true_divide", "div"},
    {"special_erf", "erf"},
    {"special_erfc", "erfc"},
    {"special_erfinv", "erfinv"},
    {"special_exp2", "exp2"},
    {"special_expm1", "expm1"},
    {"special_expit", "sigmoid"},
    {"special_logit", "logit"},
    {"special_log1p", "log1p"},
    {"special_round", "round"},
    {"special_sinc", "sinc"},
    {"special_logsumexp", "logsumexp"},
    {"special_digamma", "digamma"},
    {"special_gammaln", "lgamma"},
};

/* In-place forms end in '_' under both names. */
static const char *real_name(tdagi_env *env, const char *name)
{
    if (strncmp(name, "aten::", 6) != 0) return name;
    const char *plain = name + strlen("aten::");
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
        size_t n = strlen(aliases[i][0]);
        if (strncmp(plain, aliases[i][0], n) != 0) continue;
        if (plain[n] != '\0' && strcmp(plain + n, "_") != 0) continue;
        return tdagi_env_text(env, "aten::%s%s", aliases[i][1], plain + n);
    }
    return name;
}

/* ---- schemas of a name ---- */

static struct tdagi_resolver_name **slot_of(const tdagi_resolver *r, const char *name)
{
    uint32_t i = tdagi_hash(r->names, name, strlen(name)) & (r->capacity - 1);
    while (r->names[i] != NULL && strcmp(r->names[i]->called, name) != 0)
        i = (i + 1) & (r->capacity - 1);
    return &r->names[i];
}

static bool grow(tdagi_env *env, tdagi_resolver *r)
{
    tdagi_resolver old = *r;
    r->capacity = old.capacity == 0 ? 128 : 2 * old.capacity;
    r->names = tdagi_env_alloc(env, r->capacity * sizeof(*r->names));
    if (r->names == NULL) {
        *r = old;
        return false;
    }
    memset(r->names, 0, r->capacity * sizeof(*r->names));
    for (uint32_t i = 0; i < old.capacity; i++)
        if (old.names[i] != NULL) *slot_of(r, old.names[i]->called) = old.names[i];
    return true;
}

static void read_schemas(tdagi_env *env, struct tdagi_resolver_name *o)
{
    const tdagi_schema *all = tdagi_schemas_list(env, o->name, &o->n);
    o->schemas = tdagi_env_alloc(env, (o->n + 1u) * sizeof(*o->schemas));
    for (uint32_t i = 0; i < o->n && o->schemas != NULL; i++)
        o->schemas[i] = &all[i];
}

static const struct tdagi_resolver_name *find_name(tdagi_env *env, tdagi_resolver *r,
                                                   const char *name)
{
    if (2 * (r->n + 1) > r->capacity && !grow(env, r)) return NULL;
    struct tdagi_resolver_name **slot = slot_of(r, name), *o = *slot;
    if (o != NULL) return o;
    o = tdagi_env_alloc(env, sizeof(*o));
    if (o == NULL) return NULL;
    *o = (struct tdagi_resolver_name){.called = tdagi_env_text(env, "%s", name)};
    if (o->called == NULL) return NULL;
    o->name = real_name(env, o->called);
    if (o->name == NULL) return NULL;
    read_schemas(env, o);
    o->unknown = (tdagi_schema){
        .name = o->name, .overload = "", .n_results = 1, .is_vararg = true};
    if (o->n == 0) tdagi_schema_bind(&o->unknown);
    if (!tdagi_env_ok(env)) return NULL;
    r->n++;
    return *slot = o;
}

/* ---- kinds against types ---- */

typedef enum leniency {
    EXACT,      /* as types are subtypes of others */
    SPREADING,  /* and one number serves for a list */
    CONVERTING, /* with implicit conversions */
    ANY_KIND,   /* by number and names of arguments alone */
} leniency;

static bool starts(const char *type, const char *with)
{
    for (; *with != '\0'; type++, with++)
        if (*type != *with) return false;
    return true;
}

static char letter_of(const tdagi_any *v)
{
    switch ((tdagi_any_kind)v->kind) {
    case TDAGI_ANY_INT:
        return 'i';
    case TDAGI_ANY_FLOAT:
        return 'f';
    case TDAGI_ANY_BOOL:
        return 'b';
    case TDAGI_ANY_DATA:
        return v->letter;
    case TDAGI_ANY_NONE:
    case TDAGI_ANY_POISON:
    case TDAGI_ANY_TENSOR:
    case TDAGI_ANY_STRING:
    case TDAGI_ANY_DEVICE:
    case TDAGI_ANY_LIST:
    case TDAGI_ANY_TUPLE:
    case TDAGI_ANY_DICT:
    case TDAGI_ANY_NESTED:
    case TDAGI_ANY_OPTIONAL:
    case TDAGI_ANY_COMPLEX:
    case TDAGI_ANY_COMPLEX_NUMBER:
    case TDAGI_ANY_OBJECT:
    case TDAGI_ANY_FUNCTION:
    case TDAGI_ANY_OTHER:
        break;
    }
    return '\0';
}

static bool number_fits(const char *type, const tdagi_any *v, leniency how)
{
    char letter = letter_of(v);
    bool is_tensor = v->kind == TDAGI_ANY_TENSOR || v->kind == TDAGI_ANY_COMPLEX;
    if (how >= CONVERTING && is_tensor) return !starts(type, "bool");
    if (starts(type, "int")) return letter == 'i';
    if (starts(type, "float"))
        return letter == 'f' || (how >= CONVERTING && letter == 'i');
    if (starts(type, "bool")) return letter == 'b';
    if (starts(type, "complex")) return v->kind == TDAGI_ANY_COMPLEX_NUMBER;
    return letter == 'i' || letter == 'f' || v->kind == TDAGI_ANY_COMPLEX_NUMBER;
}

static bool fits(const char *type, const tdagi_any *v, leniency how);

static bool list_fits(const char *item, const tdagi_any *v, leniency how)
{
    if (tdagi_any_is_stack(*v)) {
        const tdagi_any row = {.kind = v->u.seq->columns != NULL ? TDAGI_ANY_TUPLE
                                       : v->u.seq->letter != 0   ? TDAGI_ANY_DATA
                                                                 : TDAGI_ANY_TENSOR,
                               .letter = v->u.seq->letter};
        return fits(item, &row, how);
    }
    if (!tdagi_any_is_seq(*v)) /* one number serves for all of a list */
        return how != EXACT && (starts(item, "int") || starts(item, "float")) &&
               number_fits(item, v, EXACT);
    for (uint32_t i = 0; i < v->u.seq->n; i++)
        if (!fits(item, &v->u.seq->v[i], how)) return false;
    return true;
}

/* What follows the type in the text, "]" of a list, does not matter. */
static bool fits(const char *type, const tdagi_any *v, leniency how)
{
    static const char *const numbers[] = {"int", "float", "bool", "number", "complex"};
    if (v->kind == TDAGI_ANY_POISON) return true;
    if (starts(type, "Optional["))
        return v->kind == TDAGI_ANY_NONE || v->kind == TDAGI_ANY_OPTIONAL ||
               fits(type + strlen("Optional["), v, how);
    if (starts(type, "List[")) return list_fits(type + strlen("List["), v, how);
    if (starts(type, "Tensor"))
        return v->kind == TDAGI_ANY_TENSOR || v->kind == TDAGI_ANY_NESTED ||
               v->kind == TDAGI_ANY_COMPLEX;
    if (starts(type, "Dict")) return v->kind == TDAGI_ANY_DICT;
    if (starts(type, "str")) return v->kind == TDAGI_ANY_STRING || letter_of(v) == 's';
    if (starts(type, "Device"))
        return v->kind == TDAGI_ANY_DEVICE ||
               (how >= CONVERTING && v->kind == TDAGI_ANY_STRING);
    if (starts(type, "Generator")) return v->kind == TDAGI_ANY_OTHER;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (starts(type, numbers[i])) return number_fits(type, v, how);
    return true; /* t, Any */
}

/* ---- one overload ---- */

/* Where in the schema argument i of the call stands; n_args: nowhere. */
static uint32_t position_of(const tdagi_schema *s, const tdagi_source_call *call,
                            uint32_t i)
{
    uint32_t n_positional = call->n - call->n_named;
    if (i < n_positional)
        return i < s->n_args && !s->args[i].keyword_only ? i : s->n_args;
    for (uint32_t k = 0; k < s->n_args; k++)
        if (strcmp(s->args[k].name, call->names[i - n_positional]) == 0) return k;
    return s->n_args;
}

/* One number where a list is asked for is a list of it. */
static tdagi_any spread(tdagi_env *env, const char *type, tdagi_any v)
{
    bool is_list = starts(type, "List[") || starts(type, "Optional[List[");
    if (!is_list || (v.kind != TDAGI_ANY_INT && v.kind != TDAGI_ANY_FLOAT)) return v;
    return tdagi_any_seq(env, TDAGI_ANY_LIST, 1, &v);
}

static bool given_fit(const tdagi_schema *s, const tdagi_source_call *call,
                      leniency how, uint64_t *given)
{
    for (uint32_t i = 0; i < call->n; i++) {
        uint32_t at = position_of(s, call, i);
        if (at >= s->n_args || at >= 64 || (*given >> at & 1) != 0) return false;
        if (how != ANY_KIND && !fits(s->args[at].type, &call->args[i], how))
            return false;
        *given |= (uint64_t)1 << at;
    }
    return true;
}

static bool defaults_fit(const tdagi_schema *s, uint64_t given)
{
    for (uint32_t i = 0; i < s->n_args; i++)
        if (i >= 64 || ((given >> i & 1) == 0 &&
                        s->args[i].by_default.kind == TDAGI_DEFAULT_ABSENT))
            return false;
    return true;
}

static bool match(const tdagi_schema *s, const tdagi_source_call *call, leniency how,
                  uint64_t *given)
{
    *given = 0;
    return !s->is_vararg && given_fit(s, call, how, given) && defaults_fit(s, *given);
}

/* One that takes any number of arguments more: "...".format(x, y) */
static bool match_any_number(const tdagi_schema *s, const tdagi_source_call *call)
{
    if (!s->is_vararg || call->n_named > 0 || call->n < s->n_args) return false;
    for (uint32_t i = 0; i < s->n_args; i++)
        if (!fits(s->args[i].type, &call->args[i], CONVERTING)) return false;
    return true;
}

/* All arguments in the schema's order. */
static bool fill(tdagi_env *env, const tdagi_schema *s, const tdagi_source_call *call,
                 uint64_t given, tdagi_resolved *out)
{
    tdagi_any *args = tdagi_env_alloc(env, (s->n_args + 1u) * sizeof(*args));
    if (args == NULL) return false;
    for (uint32_t i = 0; i < call->n; i++) {
        uint32_t at = position_of(s, call, i);
        args[at] = spread(env, s->args[at].type, call->args[i]);
    }
    for (uint32_t i = 0; i < s->n_args; i++)
        if ((given >> i & 1) == 0 &&
            !tdagi_default_get(env, &s->args[i].by_default, &args[i]))
            args[i] = tdagi_any_none();
    *out = (tdagi_resolved){s, args, s->n_args, given};
    return tdagi_env_ok(env);
}

/* ---- what older archives mean ---- */

static bool is_given(const tdagi_source_call *call, const char *name)
{
    for (uint32_t i = 0; i < call->n_named; i++)
        if (strcmp(call->names[i], name) == 0) return true;
    return false;
}

/* A call with one argument more, which lives as long as what comes of it. */
static void add_named(tdagi_env *env, tdagi_source_call *call, const char *name,
                      tdagi_any v)
{
    if (is_given(call, name)) return;
    tdagi_any *args = tdagi_env_alloc(env, (call->n + 1u) * sizeof(*args));
    const char **names = tdagi_env_alloc(env, (call->n_named + 1u) * sizeof(*names));
    if (args == NULL || names == NULL) return;
    if (call->n > 0) memcpy(args, call->args, call->n * sizeof(*args));
    if (call->n_named > 0) memcpy(names, call->names, call->n_named * sizeof(*names));
    args[call->n++] = v;
    names[call->n_named++] = name;
    call->args = args;
    call->names = names;
}

static bool is_integer(tdagi_env *env, const tdagi_any *v)
{
    if (v->kind == TDAGI_ANY_TENSOR)
        return !tdag_dtype_is_float(tdagi_cell_dtype(env, v->u.tensor));
    return letter_of(v) == 'i' || letter_of(v) == 'b';
}

/* Up to version 3 integers were divided towards zero, up to 4 full() gave floats, up to
 * 7 and 8 linspace() and logspace() knew how many steps. */
static void modernise(tdagi_env *env, tdagi_source_call *c)
{
    const char *name = c->name;
    bool is_div = strcmp(name, "aten::div") == 0 || strcmp(name, "aten::div_") == 0;
    bool of_tensors = c->n == 2 && c->args[0].kind == TDAGI_ANY_TENSOR;
    if (is_div && c->version <= 3 && of_tensors && is_integer(env, &c->args[0]) &&
        is_integer(env, &c->args[1]))
        add_named(env, c, "rounding_mode", tdagi_any_string("trunc"));
    if (strcmp(name, "aten::full") == 0 && c->version <= 4)
        add_named(env, c, "dtype", tdagi_any_int(env, 6));
    bool steps = (strcmp(name, "aten::linspace") == 0 && c->version <= 7) ||
                 (strcmp(name, "aten::logspace") == 0 && c->version <= 8);
    if (steps && c->n - c->n_named == 2)
        add_named(env, c, "steps", tdagi_any_int(env, 100));
}

/* ---- the call ---- */

bool tdagi_resolve_among(tdagi_env *env, const tdagi_schema *const *schemas, uint32_t n,
                         const tdagi_source_call *call, tdagi_resolved *out)
{
    for (leniency how = EXACT; how <= ANY_KIND; how++)
        for (uint32_t i = 0; i < n; i++) {
            uint64_t given;
            const tdagi_schema *s = schemas[i];
            if (match(s, call, how, &given)) return fill(env, s, call, given, out);
            if (!match_any_number(s, call)) continue;
            *out = (tdagi_resolved){.schema = s, .args = call->args, .n_args = call->n};
            return true;
        }
    return false;
}

bool tdagi_resolve_call(tdagi_env *env, tdagi_resolver *resolver,
                        const tdagi_source_call *call, tdagi_resolved *out)
{
    tdagi_source_call as_now = *call;
    const struct tdagi_resolver_name *o = find_name(env, resolver, call->name);
    if (o == NULL) return false;
    as_now.name = o->name;
    if (call->version < 10) modernise(env, &as_now);
    if (!tdagi_env_ok(env)) return false;
    call = &as_now;
    if (o->n == 0) {
        *out = (tdagi_resolved){
            .schema = &o->unknown, .args = call->args, .n_args = call->n};
        return true;
    }
    if (tdagi_resolve_among(env, o->schemas, o->n, call, out)) return true;
    if (tdagi_env_ok(env))
        tdagi_env_issue(env, "%s with arguments that no overload takes", call->name);
    return false;
}
