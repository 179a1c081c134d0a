/* The notation of emitters: see tdagi_mil_emit(). */
#include <stdlib.h>
#include <string.h>

#include "base/number_text.h"
#include "coreml/write/mil.h"

enum { MAX_OPERANDS = 16, MAX_NAME = 48 };

/* An operand, and a number that waits for the dtype of another one. */
typedef struct operand {
    char key[MAX_NAME];
    uint32_t n; /* 0: absent */
    tdagi_mil v;
    const tdagi_mil *many;
    bool is_value, is_waiting;
    double number;
} operand;

typedef struct call {
    char name[MAX_NAME];
    uint32_t n;
    operand of[MAX_OPERANDS];
} call;

typedef struct reading {
    tdagi_mil_writer *w;
    const tdagi_kernel *k;
    const char *s;
    va_list *args;
} reading;

static tdagi_mil read_call(reading *r, const tdagi_type *type, const char *name,
                           bool is_result);

static void read_word(reading *r, char *out)
{
    size_t n = strspn(r->s, "abcdefghijklmnopqrstuvwxyz0123456789_");
    size_t kept = n < MAX_NAME ? n : MAX_NAME - 1;
    memcpy(out, r->s, kept);
    out[kept] = '\0';
    r->s += n;
}

/* ---- types that follow ---- */

static bool has_prefix(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool is_comparison(const char *op)
{
    return has_prefix(op, "less") || has_prefix(op, "greater") ||
           has_prefix(op, "equal") || has_prefix(op, "not_equal") ||
           has_prefix(op, "logical_");
}

void tdagi_mil_broadcast(tdagi_type *to, const tdagi_type *x)
{
    if (x->rank > to->rank) {
        uint32_t more = x->rank - to->rank;
        memmove(to->shape + more, to->shape, to->rank * sizeof *to->shape);
        memcpy(to->shape, x->shape, more * sizeof *to->shape);
        to->rank = x->rank;
    }
    for (uint32_t i = 0; i < x->rank; i++) {
        tdag_dim *d = &to->shape[to->rank - x->rank + i];
        if (*d == 1) *d = x->shape[i];
    }
}

/* The operand that tells the dtype: a, x, or the first value. */
static const tdagi_type *first_type(const call *c)
{
    const tdagi_type *first = NULL;
    for (uint32_t i = 0; i < c->n; i++) {
        if (!c->of[i].is_value || c->of[i].v == NULL) continue;
        if (strcmp(c->of[i].key, "a") == 0) return &c->of[i].v->type;
        if (first == NULL && strcmp(c->of[i].key, "cond") != 0)
            first = &c->of[i].v->type;
    }
    return first;
}

static void follow(const call *c, tdagi_type *out)
{
    const tdagi_type *first = first_type(c);
    out->rank = 0;
    out->dtype = first == NULL ? TDAG_F32 : first->dtype;
    for (uint32_t i = 0; i < c->n; i++)
        if (c->of[i].v != NULL && c->of[i].is_value)
            tdagi_mil_broadcast(out, &c->of[i].v->type);
    if (is_comparison(c->name)) out->dtype = TDAG_BOOL;
}

/* ---- expressions ---- */

static void put_value(operand *o, tdagi_mil v, bool is_value)
{
    o->v = v;
    o->n = v != NULL;
    o->is_value = is_value;
}

static void wait(operand *o, double number)
{
    o->is_waiting = true;
    o->number = number;
    o->n = 1;
}

static void read_argument(reading *r, operand *o)
{
    tdagi_mil_writer *w = r->w;
    const char what = *r->s++;
    const tdag_list *l;
    if (what == 'v') {
        put_value(o, va_arg(*r->args, tdagi_mil), true);
    } else if (what == 'n') {
        o->n = va_arg(*r->args, uint32_t);
        o->many = va_arg(*r->args, const tdagi_mil *);
        o->v = o->n > 0 ? o->many[0] : NULL;
        o->is_value = true;
    } else if (what == 'i') {
        const int64_t i = va_arg(*r->args, int64_t);
        put_value(o, tdagi_mil_scalar(w, TDAG_I64, (double)i), false);
    } else if (what == 'f') {
        wait(o, va_arg(*r->args, double));
    } else if (what == 'b') {
        put_value(o, tdagi_mil_scalar(w, TDAG_BOOL, va_arg(*r->args, int) != 0), false);
    } else if (what == 's') {
        put_value(o, tdagi_mil_text(w, va_arg(*r->args, const char *)), false);
    } else if (what == 'd') {
        put_value(o, tdagi_mil_dim(w, va_arg(*r->args, tdag_dim)), false);
    } else if (what == 'l') {
        l = va_arg(*r->args, const tdag_list *);
        put_value(o, tdagi_mil_dims(w, l->n, l->v), false);
    }
}

static void read_text(reading *r, operand *o)
{
    const char *end = strchr(++r->s, '"');
    char text[MAX_NAME] = "";
    memcpy(text, r->s, (size_t)(end - r->s));
    r->s = end + 1;
    put_value(o, tdagi_mil_text(r->w, text), false);
}

static void read_list(reading *r, operand *o)
{
    int64_t v[2 * TDAG_MAX_RANK];
    uint32_t n = 0;
    for (r->s++; *r->s != ']'; r->s += strspn(r->s, ", ")) {
        char *end;
        v[n++] = strtol(r->s, &end, 10);
        r->s = end;
    }
    r->s++;
    put_value(o, tdagi_mil_ints(r->w, n, v), false);
}

/* "1" is an integer, "1.0", "inf" and "1e-5" are not. */
static void read_number(reading *r, operand *o)
{
    char text[MAX_NAME] = "";
    size_t n = strspn(r->s, "+-.0123456789einfx");
    double x = 0;
    memcpy(text, r->s, n);
    r->s += n;
    (void)tdagi_f64_parse(text, n, &x);
    if (strpbrk(text, ".ein") != NULL)
        wait(o, x);
    else
        put_value(o, tdagi_mil_scalar(r->w, TDAG_I64, x), false);
}

static void read_named(reading *r, operand *o)
{
    char name[MAX_NAME];
    read_word(r, name);
    if (*r->s == '(')
        put_value(o, read_call(r, NULL, name, false), true);
    else if (strcmp(name, "inf") == 0)
        wait(o, 1.0 / 0.0);
    else
        put_value(o, tdagi_mil_scalar(r->w, TDAG_BOOL, strcmp(name, "true") == 0),
                  false);
}

static void read_expression(reading *r, operand *o)
{
    const char c = *r->s;
    if (c == '$') {
        put_value(o, tdagi_mil_in(r->w, r->k, (uint32_t)(r->s[1] - '0')), true);
        r->s += 2;
    } else if (c == '%') {
        r->s++;
        read_argument(r, o);
    } else if (c == '"') {
        read_text(r, o);
    } else if (c == '[') {
        read_list(r, o);
    } else if (c >= 'a' && c <= 'z') {
        read_named(r, o);
    } else {
        read_number(r, o);
    }
}

/* ---- operations ---- */

static void read_operands(reading *r, call *c)
{
    for (r->s++; *r->s != ')' && c->n < MAX_OPERANDS; r->s += strspn(r->s, ", ")) {
        operand *o = &c->of[c->n++];
        read_word(r, o->key);
        r->s++; /* = */
        read_expression(r, o);
    }
    r->s++;
}

static void settle(tdagi_mil_writer *w, call *c)
{
    const tdagi_type *first = first_type(c);
    const tdag_dtype dtype = first == NULL ? TDAG_F32 : first->dtype;
    for (uint32_t i = 0; i < c->n; i++)
        if (c->of[i].is_waiting)
            c->of[i].v = tdagi_mil_scalar(w, dtype, c->of[i].number);
}

static tdagi_mil add_call(tdagi_mil_writer *w, const call *c, const tdagi_type *type,
                          bool is_result)
{
    tdagi_type follows;
    if (type == NULL) {
        follow(c, &follows);
        type = &follows;
    }
    if (w->status != TDAG_OK) return NULL;
    tdagi_mil_value *v = tdagi_mil_new(w, tdagi_mil_like(w, c->name, is_result), type);
    if (v == NULL) return NULL;
    v->is_called = is_result;
    Cml__Operation *o = tdagi_mil_add(w, c->name, v->name);
    for (uint32_t i = 0; i < c->n; i++)
        if (c->of[i].n > 0)
            tdagi_mil_bind(w, o, c->of[i].key, c->of[i].n,
                           c->of[i].many != NULL ? c->of[i].many : &c->of[i].v);
    tdagi_mil_give(w, o, v);
    return w->status == TDAG_OK ? v : NULL;
}

static tdagi_mil read_call(reading *r, const tdagi_type *type, const char *name,
                           bool is_result)
{
    call c;
    memset(&c, 0, sizeof c);
    memcpy(c.name, name, sizeof c.name);
    read_operands(r, &c);
    settle(r->w, &c);
    return add_call(r->w, &c, type, is_result);
}

static tdagi_mil read_all(tdagi_mil_writer *w, const tdagi_kernel *k,
                          const tdagi_type *type, bool is_result, const char *format,
                          va_list *args)
{
    char name[MAX_NAME] = "";
    reading r = {w, k, format, args};
    if (w->status != TDAG_OK) return NULL;
    read_word(&r, name);
    return read_call(&r, type, name, is_result);
}

void tdagi_mil_emit(tdagi_mil_writer *w, const tdagi_kernel *k, const char *format, ...)
{
    tdagi_type type;
    va_list args;
    va_start(args, format);
    tdagi_mil_type_of(k, &type);
    tdagi_mil_set(w, k, read_all(w, k, &type, true, format, &args));
    va_end(args);
}

tdagi_mil tdagi_mil_op(tdagi_mil_writer *w, const tdagi_type *type, const char *format,
                       ...)
{
    va_list args;
    va_start(args, format);
    tdagi_mil v = read_all(w, w->now.kernel, type, false, format, &args);
    va_end(args);
    return v;
}

void tdagi_mil_emit_numbers(tdagi_mil_writer *w, const tdagi_kernel *k,
                            const char *format, ...)
{
    tdagi_type type;
    va_list args;
    va_start(args, format);
    tdagi_mil_type_of(k, &type);
    const bool is_bool = type.dtype == TDAG_BOOL;
    if (is_bool) type.dtype = TDAG_I64;
    tdagi_mil v = read_all(w, k, &type, !is_bool, format, &args);
    tdagi_mil_set(w, k, tdagi_mil_cast(w, v, (tdag_dtype)k->dtype));
    va_end(args);
}
