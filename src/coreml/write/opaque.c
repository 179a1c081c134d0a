/* Operations that were kept as they were read, from the text that read/opaque.c has
 * made of their operands: one for all results of a call. */
#include <stdlib.h>
#include <string.h>

#include "base/number_text.h"
#include "coreml/write/mil.h"

enum { MOST_VALUES = 64 };

typedef struct reading {
    tdagi_mil_writer *w;
    const tdagi_kernel *k;
    const char *s;
    bool bad;
} reading;

static bool takes(reading *r, const char *text)
{
    const size_t n = strlen(text);
    if (strncmp(r->s, text, n) != 0) return false;
    r->s += n;
    return true;
}

/* The text up to that character, which is passed over. */
static char *text_to(reading *r, char end)
{
    const char *at = strchr(r->s, end);
    const size_t n = at == NULL ? 0 : (size_t)(at - r->s);
    char *text = tdagi_mil_alloc(r->w, n + 1);
    if (at == NULL) r->bad = true;
    if (at == NULL || text == NULL) return NULL;
    memcpy(text, r->s, n);
    r->s = at + 1;
    return text;
}

/* A number or truth and its dtype, which is wider where it is in a vector with others.
 */
static double scalar(reading *r, tdag_dtype *dtype)
{
    const char *from = r->s;
    if (takes(r, "True") || takes(r, "False")) {
        *dtype = TDAG_BOOL;
        return *from == 'T';
    }
    const size_t n = strcspn(from, ",)] ");
    double v = 0;
    if (!tdagi_f64_parse(from, n, &v)) r->bad = true;
    if (*dtype != TDAG_F32) *dtype = strcspn(from, ".einfa") < n ? TDAG_F32 : TDAG_I64;
    r->s += n;
    return v;
}

static tdagi_mil vector(reading *r)
{
    double v[MOST_VALUES];
    tdag_dtype dtype = TDAG_DTYPE_NONE;
    int64_t n = 0;
    while (!r->bad && !takes(r, "]")) {
        r->bad = n == MOST_VALUES;
        if (!r->bad) v[n++] = scalar(r, &dtype);
        (void)takes(r, ", ");
    }
    if (dtype == TDAG_DTYPE_NONE) dtype = TDAG_I64;
    return r->bad ? NULL : tdagi_mil_numbers(r->w, dtype, 1, &n, v);
}

static tdagi_mil value(reading *r)
{
    tdag_dtype dtype = TDAG_DTYPE_NONE;
    if (takes(r, "\"")) {
        const char *text = text_to(r, '"');
        return text == NULL ? NULL : tdagi_mil_text(r->w, text);
    }
    if (takes(r, "[")) return vector(r);
    if (takes(r, "$")) {
        char *end;
        const unsigned long i = strtoul(r->s, &end, 10);
        r->bad = end == r->s || i >= r->k->n_inputs;
        r->s = end;
        return r->bad ? NULL : tdagi_mil_in(r->w, r->k, (uint32_t)i);
    }
    const double number = scalar(r, &dtype);
    return r->bad ? NULL : tdagi_mil_scalar(r->w, dtype, number);
}

static void operand(reading *r, Cml__Operation *o)
{
    tdagi_mil v[MOST_VALUES];
    uint32_t n = 0;
    const char *key = text_to(r, '=');
    if (key == NULL) return;
    const bool several = takes(r, "(");
    while (!r->bad && r->w->status == TDAG_OK && !(several && takes(r, ")"))) {
        r->bad = n == MOST_VALUES;
        if (!r->bad) v[n++] = value(r);
        if (!several) break;
        (void)takes(r, ", ");
    }
    if (!r->bad) tdagi_mil_bind(r->w, o, key, n, v);
}

/* ---- results ---- */

static bool same_call(const tdagi_kernel *a, const tdagi_kernel *b)
{
    if (!tdagi_mil_is_core(b, TDAG_OP_OPAQUE) || a->n_inputs != b->n_inputs)
        return false;
    const tdag_opaque_spec *s = a->spec, *t = b->spec;
    return strcmp(s->name, t->name) == 0 && strcmp(s->arguments, t->arguments) == 0 &&
           memcmp(a->inputs, b->inputs, a->n_inputs * sizeof *a->inputs) == 0;
}

/* A type as the text has it; of a result that nothing reads. */
static void read_type(reading *r, tdagi_type *out)
{
    char name[8] = "";
    const size_t n = strcspn(r->s, "[");
    if (n < sizeof name) memcpy(name, r->s, n);
    *out = (tdagi_type){tdagi_coreml_held_as(tdag_dtype_from_name(name)), 0, {0}};
    r->bad = r->bad || r->s[n] != '[' || out->dtype == TDAG_DTYPE_NONE;
    if (r->bad) return;
    r->s += n + 1;
    while (!r->bad && !takes(r, "]")) {
        char *end;
        r->bad = out->rank == TDAGI_MIL_MAX_RANK;
        if (r->bad) return;
        out->shape[out->rank++] = strtoll(r->s, &end, 10);
        r->bad = end == r->s || out->shape[out->rank - 1] < 0;
        r->s = end;
        (void)takes(r, ",");
    }
}

/* Result i: of the kernel that is it, whose value it becomes, or of none. */
static void give(reading *r, Cml__Operation *o, int64_t i, const tdagi_type *type)
{
    tdagi_mil_writer *w = r->w;
    const tdagi_kernel *own = w->now.kernel;
    const char *op = ((const tdag_opaque_spec *)r->k->spec)->name + strlen("coreml::");
    uint32_t is = 0;
    for (uint32_t k = 1; k <= w->now.r->n && is == 0; k++)
        if (same_call(r->k, tdagi_mil_kernel(w, k)) &&
            ((const tdag_opaque_spec *)tdagi_mil_kernel(w, k)->spec)->output == i)
            is = k;
    tdagi_type of = {TDAG_F32, 0, {0}};
    if (is != 0)
        tdagi_mil_type_of(tdagi_mil_kernel(w, is), &of);
    else if (type != NULL)
        of = *type;
    w->now.kernel = is == 0 ? NULL : tdagi_mil_kernel(w, is);
    tdagi_mil_value *v = tdagi_mil_new(w, tdagi_mil_like(w, op, is != 0), &of);
    w->now.kernel = own;
    if (v == NULL) return;
    v->is_called = true;
    tdagi_mil_give(w, o, v);
    if (is != 0) w->now.value[is] = v;
}

static void give_all(reading *r, Cml__Operation *o)
{
    tdagi_type type;
    if (*r->s == '\0') give(r, o, 0, NULL);
    for (int64_t i = 0; !r->bad && takes(r, i == 0 ? " -> " : " "); i++) {
        read_type(r, &type);
        if (!r->bad) give(r, o, i, &type);
    }
    r->bad = r->bad || *r->s != '\0';
}

void tdagi_mil_opaque(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdag_opaque_spec *s = k->spec;
    reading r = {w, k, s->arguments, false};
    char *end;
    Cml__Operation *o = tdagi_mil_operation(w, s->name + strlen("coreml::"), "");
    while (!r.bad && w->status == TDAG_OK && !takes(&r, " of CoreML")) {
        operand(&r, o);
        (void)takes(&r, ", ");
    }
    const unsigned long opset = r.bad ? 0 : strtoul(r.s, &end, 10);
    r.bad = r.bad || opset < 5 || opset > 9;
    if (!r.bad) {
        r.s = end;
        (void)tdagi_mil_require(w, opset == 9 ? 26 : (uint32_t)opset + 10, s->name);
        give_all(&r, o);
    }
    if (r.bad)
        tdagi_mil_fail(w, TDAG_E_UNSUPPORTED, "%s has operands that cannot be read: %s",
                       s->name, s->arguments);
    if (w->status == TDAG_OK) tdagi_mil_place(w, o);
}
