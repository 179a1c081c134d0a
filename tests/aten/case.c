/* Reading cases.golden. */
#include "aten/case.h"

#include "base/number_text.h"

#define DIGITS 94
#define FIRST  33
#define MIDDLE (DIGITS * DIGITS / 2)

typedef struct reader {
    tdag_ctx *ctx;
    const char *line, *at;
} reader;

static void expect(bool condition, const reader *r)
{
    if (!condition) fail_msg("cannot be read at \"%.40s\": %.200s", r->at, r->line);
}

static char *copied(const char *text, size_t n)
{
    char *p = malloc(n + 1);
    assert_non_null(p);
    memcpy(p, text, n);
    p[n] = '\0';
    return p;
}

/* ---- tensors ---- */

static void read_code(tdag_tensor *t, int64_t i, const char *at)
{
    static const double others[] = {HUGE_VAL, -HUGE_VAL, 0, -0.0};
    int n = (at[0] - FIRST) * DIGITS + at[1] - FIRST;
    if (!tdag_dtype_is_float(t->dtype))
        tdagi_tensor_set_i64(t, i, n - MIDDLE);
    else if (n < 4)
        tdagi_tensor_set_f64(t, i, n == 2 ? strtod("nan", NULL) : others[n]);
    else
        tdagi_tensor_set_f64(t, i, (n - MIDDLE) / 512.0);
}

static uint32_t sixth(char c)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *p = strchr(digits, c);
    return p == NULL ? 0 : (uint32_t)(p - digits);
}

/* Base 64 */
static void read_bytes(reader *r, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i += 3, r->at += 4) {
        uint32_t bits = 0;
        for (int k = 0; k < 4; k++)
            bits = bits << 6 | sixth(r->at[k] == '=' ? 'A' : r->at[k]);
        for (size_t k = 0; k < 3 && i + k < n; k++)
            out[i + k] = (uint8_t)(bits >> (16 - 8 * k));
    }
}

/* "f32[2,3]=..." */
static void read_tensor(reader *r, case_value *out)
{
    char name[8] = {0};
    size_t n = strcspn(r->at, "[");
    expect(n < sizeof(name), r);
    memcpy(name, r->at, n);
    r->at += n + 1;
    int64_t shape[TDAG_MAX_RANK];
    uint32_t rank = 0;
    while (*r->at != ']') {
        char *end;
        shape[rank++] = strtoll(r->at, &end, 10);
        r->at = end + (*end == ',');
    }
    TEST_OK(r->ctx, tdag_tensor_create(r->ctx, tdag_dtype_from_name(name), rank, shape,
                                       &out->tensor));
    out->kind = 't';
    bool is_raw = r->at[1] == ':';
    r->at += 2;
    if (is_raw) {
        read_bytes(r, out->tensor->data, out->tensor->size);
        return;
    }
    for (int64_t i = 0; i < out->tensor->count; i++, r->at += 2)
        read_code(out->tensor, i, r->at);
}

/* ---- other values ---- */

static void read_value(reader *r, case_value *out);

static void read_items(reader *r, case_value *out)
{
    char open = *r->at++, close = (char)(open == '(' ? ')' : open + 2);
    out->kind = open;
    while (*r->at != close) {
        out->items = realloc(out->items, (out->n + 1) * sizeof(*out->items));
        assert_non_null(out->items);
        read_value(r, &out->items[out->n++]);
        r->at += *r->at == ',' || *r->at == ';';
    }
    r->at++;
}

static void read_string(reader *r, case_value *out)
{
    size_t n = strcspn(++r->at, "\""), k = 0;
    out->kind = 's';
    out->s = copied(r->at, n);
    for (size_t i = 0; i < n; i++) {
        unsigned code;
        if (r->at[i] == '%' && sscanf(r->at + i, "%%%2x", &code) == 1) {
            out->s[k++] = (char)code;
            i += 2;
        } else {
            out->s[k++] = r->at[i];
        }
    }
    out->s[k] = '\0';
    r->at += n + 1;
}

static void read_number(reader *r, case_value *out)
{
    size_t n = strcspn(r->at, " ,;])}\n");
    bool is_int = strspn(r->at, "-0123456789") == n;
    out->kind = is_int ? 'i' : 'f';
    out->i = is_int ? strtoll(r->at, NULL, 10) : 0;
    expect(n > 0 && (is_int || tdagi_f64_parse(r->at, n, &out->f)), r);
    r->at += n;
}

static bool took(reader *r, const char *word)
{
    size_t n = strlen(word);
    if (strncmp(r->at, word, n) != 0) return false;
    r->at += n;
    return true;
}

static void read_value(reader *r, case_value *out)
{
    memset(out, 0, sizeof(*out));
    size_t word = strcspn(r->at, "[ ,;])}\n");
    if (strchr("[({", *r->at) != NULL)
        read_items(r, out);
    else if (*r->at == '"')
        read_string(r, out);
    else if (took(r, "None"))
        out->kind = 'n';
    else if (took(r, "True"))
        out->kind = 'b', out->b = true;
    else if (took(r, "False"))
        out->kind = 'b';
    else if (took(r, "@")) {
        out->kind = '@';
        out->s = copied(r->at, word - 1);
        r->at += word - 1;
    } else if (r->at[word] == '[')
        read_tensor(r, out);
    else
        read_number(r, out);
}

/* ---- lines ---- */

static void read_result(reader *r, case_call *out)
{
    if (took(r, "! ")) {
        out->refusal = copied(r->at, strcspn(r->at, "\n"));
        return;
    }
    read_value(r, &out->result);
    while (took(r, " ")) {
        char *end;
        uint32_t k = out->n_written++;
        out->written[k] = (uint32_t)strtoul(r->at, &end, 10);
        r->at = end;
        expect(took(r, ": "), r);
        read_value(r, &out->after[k]);
    }
}

void case_read(tdag_ctx *ctx, const char *line, case_call *out)
{
    reader r = {ctx, line, line};
    memset(out, 0, sizeof(*out));
    size_t n = strcspn(line, " "), name = strcspn(line, ". ");
    out->name = copied(line, name);
    out->overload = name == n ? copied("", 0) : copied(line + name + 1, n - name - 1);
    r.at += n;
    while (!took(&r, " -> ")) {
        expect(took(&r, " ") && out->n_args < CASE_MOST_ARGS, &r);
        read_value(&r, &out->args[out->n_args++]);
    }
    out->call = copied(line, (size_t)(r.at - line) - 4);
    read_result(&r, out);
}

static void free_value(case_value *v)
{
    for (uint32_t i = 0; i < v->n; i++)
        free_value(&v->items[i]);
    free(v->items);
    free(v->s);
    tdag_tensor_free(v->tensor);
}

void case_free(case_call *c)
{
    for (uint32_t i = 0; i < c->n_args; i++)
        free_value(&c->args[i]);
    for (uint32_t i = 0; i < c->n_written; i++)
        free_value(&c->after[i]);
    free_value(&c->result);
    free(c->refusal);
    free(c->name);
    free(c->overload);
    free(c->call);
}

/* ---- values for rows ---- */

static tdag_dim dim_of(case_world *w, int64_t n, case_way way)
{
    char name[24];
    if (way != CASE_AS_SYMBOLS || n < 2) return n;
    snprintf(name, sizeof(name), "N%lld", (long long)n);
    return tdag_builder_symbol(w->env.b, name, n);
}

static tdagi_any known(case_world *w, const tdag_tensor *t)
{
    tdagi_any v = t->dtype == TDAG_BOOL
                      ? tdagi_any_bool(tdagi_tensor_get_i64(t, 0) != 0)
                  : tdag_dtype_is_float(t->dtype)
                      ? tdagi_any_float(tdagi_tensor_get_f64(t, 0))
                      : tdagi_any_int(&w->env, tdagi_tensor_get_i64(t, 0));
    return tdagi_any_tensor(tdagi_cell_known(&w->env, t->dtype, v));
}

static tdagi_any tensor_any(case_world *w, tdag_tensor *t, case_way way)
{
    char name[16];
    tdag_dim shape[TDAG_MAX_RANK];
    if (way == CASE_AS_KNOWN && t->rank == 0) return known(w, t);
    for (uint32_t i = 0; i < t->rank; i++)
        shape[i] = dim_of(w, t->shape[i], way);
    snprintf(name, sizeof(name), "x%u", (unsigned)w->n);
    assert_true(w->n < sizeof(w->inputs) / sizeof(w->inputs[0]));
    w->inputs[w->n++] = t;
    return tdagi_any_tensor(tdagi_cell_new(
        &w->env, tdag_add_input(w->env.b, name, t->dtype, t->rank, shape)));
}

static tdagi_any items_any(case_world *w, const case_value *v, case_way way)
{
    tdagi_any out =
        v->kind == '{'
            ? tdagi_any_dict(&w->env)
            : tdagi_any_seq(&w->env, v->kind == '[' ? TDAGI_ANY_LIST : TDAGI_ANY_TUPLE,
                            0, NULL);
    if (!tdagi_env_ok(&w->env)) return out;
    for (uint32_t i = 0; i < v->n; i++) {
        tdagi_any item = case_any(w, &v->items[i], way);
        if (v->kind != '{')
            tdagi_seq_append(&w->env, out.u.seq, item);
        else
            tdagi_dict_set(&w->env, out.u.dict, item, case_any(w, &v->items[++i], way));
    }
    return out;
}

tdagi_any case_any(case_world *w, const case_value *v, case_way way)
{
    switch (v->kind) {
    case 't':
        return tensor_any(w, v->tensor, way);
    case 'i':
        return tdagi_any_int(&w->env, v->i);
    case 'f':
        return tdagi_any_float(v->f);
    case 'b':
        return tdagi_any_bool(v->b);
    case 's':
    case '@': {
        tdagi_any s = tdagi_any_string(v->s);
        if (v->kind == '@') s.kind = TDAGI_ANY_DEVICE;
        return s;
    }
    case 'n':
        return tdagi_any_none();
    default:
        return items_any(w, v, way);
    }
}

bool case_schema(case_world *w, const case_call *c, tdagi_schema *out)
{
    bool is_new =
        tdagi_schemas_find(&w->env, c->name, c->overload, TDAGI_PYTORCH_2_13, out);
    if (is_new && out->n_args == c->n_args) return true;
    return tdagi_schemas_find(&w->env, c->name, c->overload, TDAGI_PYTORCH_1_13, out) ||
           is_new;
}
