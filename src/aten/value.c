/* Values of operators: making, comparing and printing them. */
#include "aten/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "aten/env.h"
#include "base/number_text.h"

/* ---- making values ---- */

tdagi_any tdagi_any_none(void) { return (tdagi_any){.kind = TDAGI_ANY_NONE}; }

tdagi_any tdagi_any_poison(void)
{
    return (tdagi_any){.kind = TDAGI_ANY_POISON, .u.issue = NULL};
}

tdagi_any tdagi_any_dim(tdag_dim d)
{
    return (tdagi_any){.kind = TDAGI_ANY_INT, .u.i = d};
}

tdagi_any tdagi_any_int(tdagi_env *env, int64_t i)
{
    return tdagi_any_dim(i >= 0 ? i : tdagi_dim_const(env->pool, i));
}

tdagi_any tdagi_any_float(double f)
{
    return (tdagi_any){.kind = TDAGI_ANY_FLOAT, .u.f = f};
}

tdagi_any tdagi_any_bool(bool b)
{
    return (tdagi_any){.kind = TDAGI_ANY_BOOL, .u.b = b};
}

tdagi_any tdagi_any_string(const char *s)
{
    return (tdagi_any){.kind = TDAGI_ANY_STRING, .u.s = s == NULL ? "" : s};
}

tdagi_any tdagi_any_tensor(tdagi_cell *t)
{
    if (t == NULL) return tdagi_any_poison();
    return (tdagi_any){.kind = TDAGI_ANY_TENSOR, .u.tensor = t};
}

tdagi_any tdagi_any_complex_number(tdagi_env *env, double re, double im)
{
    double *pair = tdagi_env_alloc(env, 2 * sizeof(*pair));
    if (pair == NULL) return tdagi_any_poison();
    pair[0] = re;
    pair[1] = im;
    return (tdagi_any){.kind = TDAGI_ANY_COMPLEX_NUMBER, .u.pair = pair};
}

tdagi_any tdagi_any_seq(tdagi_env *env, tdagi_any_kind kind, uint32_t n,
                        const tdagi_any *v)
{
    tdagi_seq *seq = tdagi_env_alloc(env, sizeof(*seq));
    if (seq == NULL) return tdagi_any_poison();
    memset(seq, 0, sizeof(*seq));
    seq->born = env->epoch;
    if (n > 0) {
        seq->v = tdagi_env_alloc(env, n * sizeof(*seq->v));
        if (seq->v == NULL) return tdagi_any_poison();
        memcpy(seq->v, v, n * sizeof(*seq->v));
    }
    seq->n = seq->capacity = n;
    return (tdagi_any){.kind = (uint8_t)kind, .u.seq = seq};
}

tdagi_any tdagi_list_copy_of(tdagi_env *env, const tdagi_seq *seq)
{
    tdagi_any out = tdagi_any_seq(env, TDAGI_ANY_LIST, seq->n, seq->v);
    if (out.kind != TDAGI_ANY_LIST) return out;
    out.u.seq->rows = seq->rows;
    out.u.seq->columns = seq->columns;
    out.u.seq->letter = seq->letter;
    return out;
}

void tdagi_seq_take(tdagi_seq *to, const tdagi_seq *from)
{
    to->v = from->v;
    to->n = to->capacity = from->n;
    to->rows = from->rows;
    to->columns = from->columns;
    to->letter = from->letter;
}

tdagi_any tdagi_any_dict(tdagi_env *env)
{
    tdagi_dict *d = tdagi_env_alloc(env, sizeof(*d));
    if (d == NULL) return tdagi_any_poison();
    memset(d, 0, sizeof(*d));
    d->keys.born = d->values.born = env->epoch;
    return (tdagi_any){.kind = TDAGI_ANY_DICT, .u.dict = d};
}

void tdagi_seq_append(tdagi_env *env, tdagi_seq *seq, tdagi_any v)
{
    if (seq == NULL) return; /* no memory */
    if (seq->n == seq->capacity) {
        uint32_t wider = seq->capacity == 0 ? 4 : seq->capacity * 2;
        tdagi_any *p = tdagi_env_alloc(env, wider * sizeof(*p));
        if (p == NULL) return;
        if (seq->n > 0) memcpy(p, seq->v, seq->n * sizeof(*p));
        seq->v = p;
        seq->capacity = wider;
    }
    seq->v[seq->n++] = v;
}

void tdagi_seq_remove(tdagi_seq *seq, uint32_t at)
{
    memmove(&seq->v[at], &seq->v[at + 1], (seq->n - 1 - at) * sizeof(*seq->v));
    seq->n--;
}

static tdagi_any *dict_find(tdagi_env *env, const tdagi_dict *d, tdagi_any key)
{
    bool assumed = false;
    tdagi_any *found = NULL;
    if (!tdagi_env_step(env, d->keys.n / 4)) return NULL;
    for (uint32_t i = 0; i < d->keys.n && found == NULL; i++)
        if (tdagi_any_equal(env, d->keys.v[i], key, &assumed)) found = &d->values.v[i];
    if (assumed && key.kind == TDAGI_ANY_DATA)
        tdagi_env_issue(env, "a key of a dict that tensor data decides");
    else if (assumed)
        tdagi_env_issue(env, "a key of a dict that a symbolic size decides; give that "
                             "dim a fixed size");
    return found;
}

void tdagi_dict_set(tdagi_env *env, tdagi_dict *d, tdagi_any key, tdagi_any v)
{
    tdagi_any *old = dict_find(env, d, key);
    if (old != NULL) {
        *old = v;
        return;
    }
    tdagi_seq_append(env, &d->keys, key);
    tdagi_seq_append(env, &d->values, v);
}

const tdagi_any *tdagi_dict_get(tdagi_env *env, const tdagi_dict *d, tdagi_any key)
{
    return dict_find(env, d, key);
}

/* ---- asking ---- */

bool tdagi_any_is_seq(tdagi_any v)
{
    return (v.kind == TDAGI_ANY_LIST || v.kind == TDAGI_ANY_TUPLE) &&
           v.u.seq->rows == NULL && v.u.seq->columns == NULL;
}

bool tdagi_any_is_stack(tdagi_any v)
{
    return v.kind == TDAGI_ANY_LIST && !tdagi_any_is_seq(v);
}

bool tdagi_any_is_tensor(tdagi_any v)
{
    return v.kind == TDAGI_ANY_TENSOR || v.kind == TDAGI_ANY_DATA;
}

bool tdagi_any_is_number(tdagi_any v)
{
    return v.kind == TDAGI_ANY_INT || v.kind == TDAGI_ANY_FLOAT ||
           v.kind == TDAGI_ANY_BOOL;
}

static bool holds_complex(tdagi_any v, int depth)
{
    if (v.kind == TDAGI_ANY_COMPLEX || v.kind == TDAGI_ANY_COMPLEX_NUMBER) return true;
    if (!tdagi_any_is_seq(v) || depth > 8) return false;
    for (uint32_t i = 0; i < v.u.seq->n; i++)
        if (holds_complex(v.u.seq->v[i], depth + 1)) return true;
    return false;
}

bool tdagi_any_is_complex(tdagi_any v) { return holds_complex(v, 0); }

static const tdagi_any *find_poison(const tdagi_any *v, int depth)
{
    if (v->kind == TDAGI_ANY_POISON) return v;
    if (!tdagi_any_is_seq(*v) || depth > 8) return NULL;
    const tdagi_any *found = NULL;
    for (uint32_t i = 0; i < v->u.seq->n && found == NULL; i++)
        found = find_poison(&v->u.seq->v[i], depth + 1);
    return found;
}

const tdagi_any *tdagi_any_find_poison(const tdagi_any *v) { return find_poison(v, 0); }

bool tdagi_any_const_int(tdagi_env *env, tdagi_any v, int64_t *out)
{
    if (v.kind == TDAGI_ANY_BOOL) {
        *out = v.u.b;
        return true;
    }
    return v.kind == TDAGI_ANY_INT && tdagi_dim_is_const(env->pool, v.u.i, out);
}

double tdagi_any_sample(tdagi_env *env, tdagi_any v)
{
    if (v.kind == TDAGI_ANY_INT) return (double)tdagi_dim_sample(env->pool, v.u.i);
    if (v.kind == TDAGI_ANY_BOOL) return v.u.b;
    return v.kind == TDAGI_ANY_FLOAT ? v.u.f : 0;
}

bool tdagi_any_is_open(tdagi_env *env, tdagi_any v)
{
    int64_t i;
    if (v.kind == TDAGI_ANY_INT) return !tdagi_any_const_int(env, v, &i);
    if (!tdagi_any_is_seq(v)) return v.assumed;
    for (uint32_t k = 0; k < v.u.seq->n; k++)
        if (tdagi_any_is_open(env, v.u.seq->v[k])) return true;
    return false;
}

static bool equal_numbers(tdagi_env *env, tdagi_any a, tdagi_any b, bool *assumed)
{
    if (a.kind == TDAGI_ANY_INT && b.kind == TDAGI_ANY_INT) {
        if (a.u.i == b.u.i) return true;
        int64_t difference;
        tdag_dim d = tdagi_dim_sub(env->pool, a.u.i, b.u.i);
        if (tdagi_dim_is_const(env->pool, d, &difference)) return difference == 0;
        if (tdagi_dim_proves_ge(env->pool, d, 1) ||
            tdagi_dim_proves_ge(env->pool, tdagi_dim_sub(env->pool, b.u.i, a.u.i), 1))
            return false;
        *assumed = true;
        return tdagi_dim_sample(env->pool, a.u.i) == tdagi_dim_sample(env->pool, b.u.i);
    }
    *assumed |= tdagi_any_is_open(env, a) || tdagi_any_is_open(env, b);
    return tdagi_any_sample(env, a) == tdagi_any_sample(env, b);
}

static bool equal_seqs(tdagi_env *env, const tdagi_seq *a, const tdagi_seq *b,
                       bool *assumed)
{
    if (a->n != b->n) return false;
    for (uint32_t i = 0; i < a->n; i++)
        if (!tdagi_any_equal(env, a->v[i], b->v[i], assumed)) return false;
    return true;
}

bool tdagi_any_equal(tdagi_env *env, tdagi_any a, tdagi_any b, bool *assumed)
{
    if (tdagi_any_is_number(a) && tdagi_any_is_number(b))
        return equal_numbers(env, a, b, assumed);
    if (tdagi_any_is_seq(a) && tdagi_any_is_seq(b))
        return equal_seqs(env, a.u.seq, b.u.seq, assumed);
    bool is_data = a.kind == TDAGI_ANY_DATA || b.kind == TDAGI_ANY_DATA;
    if (is_data) { /* a run tells */
        bool same = a.kind == b.kind && a.u.tensor == b.u.tensor;
        *assumed |= !same;
        return same;
    }
    if (a.kind != b.kind) return false;
    switch ((tdagi_any_kind)a.kind) {
    case TDAGI_ANY_NONE:
        return true;
    case TDAGI_ANY_STRING:
    case TDAGI_ANY_DEVICE:
        *assumed |= a.assumed || b.assumed;
        return strcmp(a.u.s, b.u.s) == 0;
    case TDAGI_ANY_OBJECT:
        return a.u.object == b.u.object;
    case TDAGI_ANY_DICT:
        return a.u.dict == b.u.dict;
    case TDAGI_ANY_TENSOR:
    case TDAGI_ANY_COMPLEX:
        return a.u.tensor == b.u.tensor;
    case TDAGI_ANY_COMPLEX_NUMBER:
        return a.u.pair[0] == b.u.pair[0] && a.u.pair[1] == b.u.pair[1];
    case TDAGI_ANY_FUNCTION:
    case TDAGI_ANY_OTHER:
        return a.u.foreign == b.u.foreign;
    case TDAGI_ANY_POISON:
    case TDAGI_ANY_DATA:
    case TDAGI_ANY_INT:
    case TDAGI_ANY_FLOAT:
    case TDAGI_ANY_BOOL:
    case TDAGI_ANY_LIST:
    case TDAGI_ANY_TUPLE:
    case TDAGI_ANY_NESTED:
    case TDAGI_ANY_OPTIONAL:
        break;
    }
    return false;
}

/* ---- printing ---- */

/* As Python writes it: the shortest digits that read back, always with a point. */
static const char *float_text(tdagi_env *env, double f)
{
    char buf[TDAGI_NUMBER_TEXT_SIZE];
    tdagi_f64_literal(f, buf);
    bool bare = buf[strlen(buf) - 1] == '.';
    return tdagi_env_text(env, "%s%s", buf, bare ? "0" : "");
}

static const char *seq_text(tdagi_env *env, tdagi_any v)
{
    bool tuple = v.kind == TDAGI_ANY_TUPLE;
    if (tdagi_any_is_stack(v)) return "a list whose length a run tells";
    const char *text = tuple ? "(" : "[";
    for (uint32_t i = 0; i < v.u.seq->n; i++)
        text = tdagi_env_text(env, "%s%s%s", text, i > 0 ? ", " : "",
                              tdagi_any_text(env, v.u.seq->v[i]));
    return tdagi_env_text(env, "%s%s", text,
                          !tuple            ? "]"
                          : v.u.seq->n == 1 ? ",)"
                                            : ")");
}

const char *tdagi_any_text(tdagi_env *env, tdagi_any v)
{
    char buf[256];
    switch ((tdagi_any_kind)v.kind) {
    case TDAGI_ANY_NONE:
        return "None";
    case TDAGI_ANY_INT:
        tdagi_dim_text(env->pool, v.u.i, buf, sizeof(buf));
        return tdagi_env_text(env, "%s", buf);
    case TDAGI_ANY_FLOAT:
        return float_text(env, v.u.f);
    case TDAGI_ANY_BOOL:
        return v.u.b ? "True" : "False";
    case TDAGI_ANY_STRING:
    case TDAGI_ANY_DEVICE:
        return v.u.s;
    case TDAGI_ANY_LIST:
    case TDAGI_ANY_TUPLE:
        return seq_text(env, v);
    case TDAGI_ANY_TENSOR:
        return "a tensor";
    case TDAGI_ANY_COMPLEX:
        return "a complex tensor";
    case TDAGI_ANY_COMPLEX_NUMBER:
        return "a complex number";
    case TDAGI_ANY_DATA:
        return v.letter == 's' ? "a string that tensor data decides"
                               : "a number that depends on tensor data";
    case TDAGI_ANY_DICT:
        return "a dict";
    case TDAGI_ANY_NESTED:
        return "a nested tensor";
    case TDAGI_ANY_OPTIONAL:
        return tdagi_env_text(env, "None or %s, as tensor data decides",
                              tdagi_any_text(env, v.u.seq->v[1]));
    case TDAGI_ANY_OBJECT:
        return "a module";
    case TDAGI_ANY_FUNCTION:
        return "a function";
    case TDAGI_ANY_POISON:
    case TDAGI_ANY_OTHER:
        break;
    }
    return "a value";
}
