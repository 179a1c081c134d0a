/* Values of the importer: making, comparing and printing them, memory, failures and the
 * list of what is unsupported. All memory is the importer's arena. */
#include "torchscript/import/import.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- memory and failures ---- */

void *tdagi_import_alloc(tdagi_import *im, size_t size)
{
    void *p = tdagi_arena_alloc(&im->arena, size == 0 ? 1 : size);
    if (p == NULL && im->status == TDAG_OK) im->status = tdagi_nomem(im->ctx);
    return p;
}

const char *tdagi_import_text(tdagi_import *im, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = n < 0 ? NULL : tdagi_import_alloc(im, (size_t)n + 1);
    if (text != NULL) vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    return text == NULL ? "" : text;
}

/* Where a node comes from, "" if the file does not tell. */
static const char *location(tdagi_import *im)
{
    if (im->node == NULL) return "";
    tdag_shim_source source = {"", ""};
    im->api->node_source(im->session, im->node, &source);
    return source.location == NULL ? "" : source.location;
}

void tdagi_import_fail_here(tdagi_import *im, tdag_status status, const char *op)
{
    if (im->status != TDAG_OK) return;
    im->status = status;
    if (status == TDAG_E_NOMEM) return;
    char what[TDAGI_MESSAGE_SIZE];
    snprintf(what, sizeof(what), "%s", im->ctx->error.message);
    const char *scope = im->scope, *place = location(im);
    tdagi_fail(im->ctx, status, "%s%s%s%s%s%s: %s", op, *scope ? " in " : "", scope,
               *place ? " (" : "", place, *place ? ")" : "", what);
    tdagi_fail_at_node(im->ctx, "", scope);
}

void tdagi_import_fail(tdagi_import *im, tdag_status status, const char *format, ...)
{
    if (im->status != TDAG_OK) return;
    char text[TDAGI_MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    tdagi_fail(im->ctx, status, "%s", text);
    tdagi_import_fail_here(
        im, status, im->node == NULL ? "the model" : im->api->node_kind(im->node));
}

/* ---- issues ---- */

tdagi_ival tdagi_import_issue(tdagi_import *im, const char *format, ...)
{
    char text[TDAGI_MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    const char *place = location(im);
    for (uint32_t i = 0; i < im->n_issues; i++) {
        const tdagi_issue *old = &im->issues[i];
        if (strcmp(old->what, text) == 0 && strcmp(old->scope, im->scope) == 0 &&
            strcmp(old->location, place) == 0)
            return tdagi_iv_poison();
    }
    if (im->n_issues == im->issues_capacity) {
        uint32_t wider = im->issues_capacity == 0 ? 16 : im->issues_capacity * 2;
        tdagi_issue *issues = tdagi_import_alloc(im, wider * sizeof(*issues));
        if (issues == NULL) return tdagi_iv_poison();
        if (im->n_issues > 0)
            memcpy(issues, im->issues, im->n_issues * sizeof(*issues));
        im->issues = issues;
        im->issues_capacity = wider;
    }
    im->issues[im->n_issues].what = tdagi_import_text(im, "%s", text);
    im->issues[im->n_issues].scope = im->scope;
    im->issues[im->n_issues].location = place;
    im->n_issues++;
    return tdagi_iv_poison();
}

typedef struct report {
    char text[TDAGI_MESSAGE_SIZE];
    size_t length;
    bool full;
} report;

static void add_issue(report *r, const tdagi_issue *issue, uint32_t more)
{
    char piece[TDAGI_MESSAGE_SIZE], also[48] = "";
    if (more > 0) snprintf(also, sizeof(also), " and %u more places", (unsigned)more);
    const char *scope = issue->scope, *place = issue->location;
    int n = snprintf(piece, sizeof(piece), "%s%s%s%s%s%s%s%s",
                     r->length > 0 ? "; " : "", issue->what, *scope ? " in " : "",
                     scope, *place ? " (" : "", place, *place ? ")" : "", also);
    if (n < 0 || r->length + (size_t)n >= sizeof(r->text) - 160) {
        r->full = true;
        return;
    }
    memcpy(r->text + r->length, piece, (size_t)n + 1);
    r->length += (size_t)n;
}

/* Every place; where that does not fit, each thing once with the number of its places.
 */
static void write_report(tdagi_import *im, report *r)
{
    for (uint32_t i = 0; i < im->n_issues && !r->full; i++)
        add_issue(r, &im->issues[i], 0);
    if (!r->full) return;
    r->length = 0;
    uint32_t skipped = 0;
    for (uint32_t i = 0; i < im->n_issues; i++) {
        bool again = false;
        for (uint32_t j = 0; j < i && !again; j++)
            again = strcmp(im->issues[j].what, im->issues[i].what) == 0;
        if (again) continue;
        uint32_t more = 0;
        for (uint32_t j = i + 1; j < im->n_issues; j++)
            more += strcmp(im->issues[j].what, im->issues[i].what) == 0;
        r->full = false;
        add_issue(r, &im->issues[i], more);
        skipped += r->full;
    }
    if (skipped > 0)
        snprintf(r->text + r->length, sizeof(r->text) - r->length, "; and %u more",
                 (unsigned)skipped);
}

void tdagi_import_report(tdagi_import *im)
{
    if (im->status != TDAG_OK || im->n_issues == 0) return;
    report r = {.length = 0};
    r.text[0] = '\0';
    write_report(im, &r);
    im->status = tdagi_fail(im->ctx, TDAG_E_UNSUPPORTED, "unsupported: %s", r.text);
    tdagi_fail_at_node(im->ctx, "", im->issues[0].scope);
}

/* ---- making values ---- */

tdagi_ival tdagi_iv_none(void) { return (tdagi_ival){.kind = TDAGI_IV_NONE}; }

tdagi_ival tdagi_iv_poison(void) { return (tdagi_ival){.kind = TDAGI_IV_POISON}; }

tdagi_ival tdagi_iv_dim(tdag_dim d)
{
    return (tdagi_ival){.kind = TDAGI_IV_INT, .u.i = d};
}

tdagi_ival tdagi_iv_int(tdagi_import *im, int64_t i)
{
    return tdagi_iv_dim(i >= 0 ? i : tdagi_dim_const(im->pool, i));
}

tdagi_ival tdagi_iv_float(double f)
{
    return (tdagi_ival){.kind = TDAGI_IV_FLOAT, .u.f = f};
}

tdagi_ival tdagi_iv_bool(bool b)
{
    return (tdagi_ival){.kind = TDAGI_IV_BOOL, .u.b = b};
}

tdagi_ival tdagi_iv_string(const char *s)
{
    return (tdagi_ival){.kind = TDAGI_IV_STRING, .u.s = s == NULL ? "" : s};
}

tdagi_ival tdagi_iv_tensor(tdagi_itensor *t)
{
    if (t == NULL) return tdagi_iv_poison();
    return (tdagi_ival){.kind = TDAGI_IV_TENSOR, .u.tensor = t};
}

tdagi_ival tdagi_iv_seq(tdagi_import *im, tdagi_ikind kind, uint32_t n,
                        const tdagi_ival *v)
{
    tdagi_iseq *seq = tdagi_import_alloc(im, sizeof(*seq));
    if (seq == NULL) return tdagi_iv_poison();
    memset(seq, 0, sizeof(*seq));
    if (n > 0) {
        seq->v = tdagi_import_alloc(im, n * sizeof(*seq->v));
        if (seq->v == NULL) return tdagi_iv_poison();
        memcpy(seq->v, v, n * sizeof(*seq->v));
    }
    seq->n = seq->capacity = n;
    return (tdagi_ival){.kind = (uint8_t)kind, .u.seq = seq};
}

tdagi_ival tdagi_iv_dict(tdagi_import *im)
{
    tdagi_idict *d = tdagi_import_alloc(im, sizeof(*d));
    if (d == NULL) return tdagi_iv_poison();
    memset(d, 0, sizeof(*d));
    return (tdagi_ival){.kind = TDAGI_IV_DICT, .u.dict = d};
}

void tdagi_iv_append(tdagi_import *im, tdagi_iseq *seq, tdagi_ival v)
{
    if (seq->n == seq->capacity) {
        uint32_t wider = seq->capacity == 0 ? 4 : seq->capacity * 2;
        tdagi_ival *p = tdagi_import_alloc(im, wider * sizeof(*p));
        if (p == NULL) return;
        if (seq->n > 0) memcpy(p, seq->v, seq->n * sizeof(*p));
        seq->v = p;
        seq->capacity = wider;
    }
    seq->v[seq->n++] = v;
}

static tdagi_ival *dict_find(tdagi_import *im, const tdagi_idict *d, tdagi_ival key)
{
    bool assumed = false;
    for (uint32_t i = 0; i < d->keys.n; i++)
        if (tdagi_iv_equal(im, d->keys.v[i], key, &assumed)) return &d->values.v[i];
    return NULL;
}

void tdagi_iv_dict_set(tdagi_import *im, tdagi_idict *d, tdagi_ival key, tdagi_ival v)
{
    tdagi_ival *old = dict_find(im, d, key);
    if (old != NULL) {
        *old = v;
        return;
    }
    tdagi_iv_append(im, &d->keys, key);
    tdagi_iv_append(im, &d->values, v);
}

const tdagi_ival *tdagi_iv_dict_get(tdagi_import *im, const tdagi_idict *d,
                                    tdagi_ival key)
{
    return dict_find(im, d, key);
}

/* ---- asking ---- */

bool tdagi_iv_is_seq(tdagi_ival v)
{
    return v.kind == TDAGI_IV_LIST || v.kind == TDAGI_IV_TUPLE;
}

bool tdagi_iv_is_number(tdagi_ival v)
{
    return v.kind == TDAGI_IV_INT || v.kind == TDAGI_IV_FLOAT ||
           v.kind == TDAGI_IV_BOOL;
}

static bool is_poison(tdagi_ival v, int depth)
{
    if (v.kind == TDAGI_IV_POISON) return true;
    if (!tdagi_iv_is_seq(v) || depth > 8) return false;
    for (uint32_t i = 0; i < v.u.seq->n; i++)
        if (is_poison(v.u.seq->v[i], depth + 1)) return true;
    return false;
}

bool tdagi_iv_is_poison(tdagi_ival v) { return is_poison(v, 0); }

bool tdagi_iv_const_int(tdagi_import *im, tdagi_ival v, int64_t *out)
{
    if (v.kind == TDAGI_IV_BOOL) {
        *out = v.u.b;
        return true;
    }
    return v.kind == TDAGI_IV_INT && tdagi_dim_is_const(im->pool, v.u.i, out);
}

double tdagi_iv_sample(tdagi_import *im, tdagi_ival v)
{
    if (v.kind == TDAGI_IV_INT) return (double)tdagi_dim_sample(im->pool, v.u.i);
    if (v.kind == TDAGI_IV_BOOL) return v.u.b;
    return v.kind == TDAGI_IV_FLOAT ? v.u.f : 0;
}

static bool equal_numbers(tdagi_import *im, tdagi_ival a, tdagi_ival b, bool *assumed)
{
    if (a.kind == TDAGI_IV_INT && b.kind == TDAGI_IV_INT) {
        if (a.u.i == b.u.i) return true;
        int64_t difference;
        tdag_dim d = tdagi_dim_sub(im->pool, a.u.i, b.u.i);
        if (tdagi_dim_is_const(im->pool, d, &difference)) return difference == 0;
        *assumed = true;
        return tdagi_dim_sample(im->pool, a.u.i) == tdagi_dim_sample(im->pool, b.u.i);
    }
    *assumed |= a.assumed || b.assumed;
    return tdagi_iv_sample(im, a) == tdagi_iv_sample(im, b);
}

static bool equal_seqs(tdagi_import *im, const tdagi_iseq *a, const tdagi_iseq *b,
                       bool *assumed)
{
    if (a->n != b->n) return false;
    for (uint32_t i = 0; i < a->n; i++)
        if (!tdagi_iv_equal(im, a->v[i], b->v[i], assumed)) return false;
    return true;
}

bool tdagi_iv_equal(tdagi_import *im, tdagi_ival a, tdagi_ival b, bool *assumed)
{
    if (tdagi_iv_is_number(a) && tdagi_iv_is_number(b))
        return equal_numbers(im, a, b, assumed);
    if (tdagi_iv_is_seq(a) && tdagi_iv_is_seq(b))
        return equal_seqs(im, a.u.seq, b.u.seq, assumed);
    if (a.kind != b.kind) return false;
    switch ((tdagi_ikind)a.kind) {
    case TDAGI_IV_NONE:
        return true;
    case TDAGI_IV_STRING:
    case TDAGI_IV_DEVICE:
        return strcmp(a.u.s, b.u.s) == 0;
    case TDAGI_IV_OBJECT:
        return a.u.object == b.u.object;
    case TDAGI_IV_DICT:
        return a.u.dict == b.u.dict;
    case TDAGI_IV_TENSOR:
    case TDAGI_IV_DATA:
        return a.u.tensor == b.u.tensor;
    case TDAGI_IV_OTHER:
        return a.u.other == b.u.other;
    case TDAGI_IV_FUNCTION:
        return a.u.function == b.u.function;
    case TDAGI_IV_POISON:
    case TDAGI_IV_INT:
    case TDAGI_IV_FLOAT:
    case TDAGI_IV_BOOL:
    case TDAGI_IV_LIST:
    case TDAGI_IV_TUPLE:
        break;
    }
    return false;
}

/* ---- printing ---- */

/* As Python writes it: the shortest digits that read back, always with a point. */
static const char *float_text(tdagi_import *im, double f)
{
    if (isnan(f)) return "nan";
    if (isinf(f)) return f > 0 ? "inf" : "-inf";
    char buf[40];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(buf, sizeof(buf), "%.*g", digits, f);
        double back = 0;
        if (sscanf(buf, "%lf", &back) == 1 && back == f) break;
    }
    bool plain = strpbrk(buf, ".e") == NULL;
    return tdagi_import_text(im, "%s%s", buf, plain ? ".0" : "");
}

static const char *seq_text(tdagi_import *im, tdagi_ival v)
{
    bool tuple = v.kind == TDAGI_IV_TUPLE;
    const char *text = tuple ? "(" : "[";
    for (uint32_t i = 0; i < v.u.seq->n; i++)
        text = tdagi_import_text(im, "%s%s%s", text, i > 0 ? ", " : "",
                                 tdagi_iv_text(im, v.u.seq->v[i]));
    return tdagi_import_text(im, "%s%s", text,
                             !tuple            ? "]"
                             : v.u.seq->n == 1 ? ",)"
                                               : ")");
}

const char *tdagi_iv_text(tdagi_import *im, tdagi_ival v)
{
    char buf[256];
    switch ((tdagi_ikind)v.kind) {
    case TDAGI_IV_NONE:
        return "None";
    case TDAGI_IV_INT:
        tdagi_dim_text(im->pool, v.u.i, buf, sizeof(buf));
        return tdagi_import_text(im, "%s", buf);
    case TDAGI_IV_FLOAT:
        return float_text(im, v.u.f);
    case TDAGI_IV_BOOL:
        return v.u.b ? "True" : "False";
    case TDAGI_IV_STRING:
    case TDAGI_IV_DEVICE:
        return v.u.s;
    case TDAGI_IV_LIST:
    case TDAGI_IV_TUPLE:
        return seq_text(im, v);
    case TDAGI_IV_TENSOR:
        return "a tensor";
    case TDAGI_IV_DATA:
        return "a number that depends on tensor data";
    case TDAGI_IV_DICT:
        return "a dict";
    case TDAGI_IV_OBJECT:
        return "a module";
    case TDAGI_IV_FUNCTION:
        return "a function";
    case TDAGI_IV_POISON:
    case TDAGI_IV_OTHER:
        break;
    }
    return "a value";
}

/* ---- from the shim ---- */

static tdagi_ival seq_from_shim(tdagi_import *im, const tdag_shim_value *v,
                                const char *path, tdagi_ikind kind)
{
    size_t n = im->api->value_size(v);
    tdagi_ival out = tdagi_iv_seq(im, kind, 0, NULL);
    for (size_t i = 0; i < n && tdagi_import_ok(im); i++) {
        const tdag_shim_value *item = im->api->value_item(im->session, v, i);
        const char *name = tdagi_import_text(im, "%s.%zu", path, i);
        tdagi_ival x =
            item == NULL ? tdagi_iv_none() : tdagi_iv_from_shim(im, item, name);
        if (out.kind != TDAGI_IV_POISON) tdagi_iv_append(im, out.u.seq, x);
    }
    if (kind == TDAGI_IV_TUPLE && n > 0 && out.kind == kind &&
        im->api->tuple_field(im->session, v, 0) != NULL) {
        out.u.seq->type_name = im->api->value_type(im->session, v);
        out.u.seq->fields = tdagi_import_alloc(im, n * sizeof(char *));
        for (size_t i = 0; i < n && out.u.seq->fields != NULL; i++)
            out.u.seq->fields[i] = im->api->tuple_field(im->session, v, i);
    }
    return out;
}

static tdagi_ival dict_from_shim(tdagi_import *im, const tdag_shim_value *v,
                                 const char *path)
{
    tdagi_ival out = tdagi_iv_dict(im);
    size_t n = im->api->value_size(v);
    for (size_t i = 0; i < n && tdagi_import_ok(im); i++) {
        const tdag_shim_value *k = im->api->dict_key(im->session, v, i);
        const tdag_shim_value *item = im->api->value_item(im->session, v, i);
        if (k == NULL || item == NULL) break;
        tdagi_ival key = tdagi_iv_from_shim(im, k, path);
        const char *name = tdagi_import_text(im, "%s.%s", path, tdagi_iv_text(im, key));
        tdagi_iv_dict_set(im, out.u.dict, key, tdagi_iv_from_shim(im, item, name));
    }
    return out;
}

static tdagi_ival object_from_shim(tdagi_import *im, const tdag_shim_value *v,
                                   const char *path)
{
    tdagi_iobject *o = tdagi_import_alloc(im, sizeof(*o));
    if (o == NULL) return tdagi_iv_poison();
    memset(o, 0, sizeof(*o));
    o->shim = v;
    o->path = path;
    return (tdagi_ival){.kind = TDAGI_IV_OBJECT, .u.object = o};
}

tdagi_ival tdagi_iv_from_shim(tdagi_import *im, const tdag_shim_value *v,
                              const char *path)
{
    const tdag_shim_api *api = im->api;
    switch (api->value_kind(v)) {
    case TDAG_SHIM_NONE:
        return tdagi_iv_none();
    case TDAG_SHIM_TENSOR:
        return tdagi_import_constant(im, v, path);
    case TDAG_SHIM_INT:
        return tdagi_iv_int(im, api->value_int(v));
    case TDAG_SHIM_DOUBLE:
        return tdagi_iv_float(api->value_double(v));
    case TDAG_SHIM_BOOL:
        return tdagi_iv_bool(api->value_bool(v));
    case TDAG_SHIM_STRING:
        return tdagi_iv_string(api->value_string(im->session, v, NULL));
    case TDAG_SHIM_DEVICE:
        return (tdagi_ival){.kind = TDAGI_IV_DEVICE,
                            .u.s = api->value_string(im->session, v, NULL)};
    case TDAG_SHIM_LIST:
        return seq_from_shim(im, v, path, TDAGI_IV_LIST);
    case TDAG_SHIM_TUPLE:
        return seq_from_shim(im, v, path, TDAGI_IV_TUPLE);
    case TDAG_SHIM_DICT:
        return dict_from_shim(im, v, path);
    case TDAG_SHIM_OBJECT:
        return object_from_shim(im, v, path);
    case TDAG_SHIM_ENUM:
    case TDAG_SHIM_COMPLEX:
    case TDAG_SHIM_OTHER:
        break;
    }
    return (tdagi_ival){.kind = TDAGI_IV_OTHER, .u.other = v};
}
