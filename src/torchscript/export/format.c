/* Writing TorchScript source: formats with operands, dims as Python expressions. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "aten/dtype.h"
#include "base/number_text.h"
#include "torchscript/export/export.h"

static size_t word_of(const char *s)
{
    return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
}

/* Whether more than two operands stand behind the parenthesis at s. */
static bool has_many(const char *s)
{
    uint32_t depth = 0, commas = 0;
    for (; *s != '\0'; s++) {
        depth += *s == '(';
        if (*s == ')' && --depth == 0) break;
        commas += *s == ',' && depth == 1;
    }
    return commas > 1;
}

/* A dim's text is Python but for floor(a/b), which becomes (a//b), symbols, which get a
 * prefix so that they meet no other variable, and min() and max(), which TorchScript
 * has of two numbers or of a list. Returns where it ended: at a parenthesis. */
static const char *add_dim_text(tdagi_exporter *e, const char *s)
{
    while (*s != '\0' && *s != ')') {
        size_t word = word_of(s);
        bool is_name = word > 0 && !(*s >= '0' && *s <= '9');
        bool is_call = is_name && s[word] == '(';
        bool is_floor = is_call && word == 5 && strncmp(s, "floor", 5) == 0;
        if (is_name && !is_call) tdagi_text_printf(&e->body, "%ssize_", e->mark);
        if (!is_floor) tdagi_text_add_bytes(&e->body, s, word);
        s += word;
        if (*s == '(') {
            bool is_list = is_call && !is_floor && has_many(s);
            tdagi_text_add(&e->body, is_list ? "([" : "(");
            s = add_dim_text(e, s + 1);
            tdagi_text_add(&e->body, is_list ? "])" : ")");
            s += *s == ')';
        } else if (word == 0) {
            tdagi_text_add_bytes(&e->body, *s == '/' ? "//" : s, *s == '/' ? 2 : 1);
            s++;
        }
    }
    return s;
}

static void add_dim(tdagi_exporter *e, tdag_dim d)
{
    if (d >= 0) {
        tdagi_text_printf(&e->body, "%lld", (long long)d);
        return;
    }
    size_t n = tdagi_dim_text(e->r->pool, d, NULL, 0);
    char *text = tdagi_arena_alloc(&e->arena, n + 1);
    if (text == NULL) {
        e->body.status = tdagi_nomem(e->ctx);
        return;
    }
    tdagi_dim_text(e->r->pool, d, text, n + 1);
    add_dim_text(e, text);
}

void tdagi_export_dims(tdagi_exporter *e, uint32_t n, const tdag_dim *dims)
{
    tdagi_text_add(&e->body, "[");
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0) tdagi_text_add(&e->body, ", ");
        add_dim(e, dims[i]);
    }
    tdagi_text_add(&e->body, "]");
}

void tdagi_export_shape(tdagi_exporter *e, uint32_t n, const tdag_dim *dims)
{
    uint32_t n_symbolic = 0;
    bool has_zero = false;
    for (uint32_t i = 0; i < n; i++) {
        n_symbolic += dims[i] < 0;
        has_zero = has_zero || dims[i] == 0;
    }
    tdagi_text_add(&e->body, "[");
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0) tdagi_text_add(&e->body, ", ");
        if (dims[i] < 0 && n_symbolic == 1 && !has_zero)
            tdagi_text_add(&e->body, "-1");
        else
            add_dim(e, dims[i]);
    }
    tdagi_text_add(&e->body, "]");
}

static void add_double(tdagi_exporter *e, double x)
{
    char text[TDAGI_NUMBER_TEXT_SIZE];
    tdagi_f64_literal(x, text);
    tdagi_text_add(&e->body, text);
}

bool tdagi_export_owns(const tdagi_exporter *e, const tdagi_kernel *k)
{
    (void)e;
    (void)k;
    return true;
}

/* A view is not overwritten, though nothing else sees what it is of: where gradients
 * are recorded and the JIT has made one node of what is below it, autograd takes that
 * for a leaf and raises. */
static bool may_overwrite(const tdagi_exporter *e, const tdagi_kernel *k)
{
    const uint32_t i = k->inputs[0];
    const tdagi_kernel *x = tdagi_export_kernel(e, i);
    const tdagi_emitter *emitter = tdagi_export_emitter(x);
    if (e->is_functional || e->uses[i] != 1 || emitter->is_fresh == NULL ||
        !emitter->is_fresh(e, x))
        return false;
    if (x->dtype != k->dtype || x->rank != k->rank) return false;
    for (uint32_t axis = 0; axis < k->rank; axis++)
        if (x->shape[axis] != k->shape[axis]) return false;
    return true;
}

static void add_input(tdagi_exporter *e, const tdagi_kernel *k, uint32_t i, bool number)
{
    uint32_t input = i < k->n_inputs ? k->inputs[i] : 0;
    double value;
    if (input == 0) {
        tdagi_text_add(&e->body, "None");
        return;
    }
    if (number && tdagi_export_scalar(e, input, &value)) {
        tdag_dtype dtype = (tdag_dtype)tdagi_export_kernel(e, input)->dtype;
        if (tdag_dtype_is_float(dtype)) {
            add_double(e, value);
            return;
        }
        if (dtype != TDAG_BOOL && fabs(value) <= 9007199254740992.0) {
            tdagi_text_printf(&e->body, "%lld", (long long)value);
            return;
        }
    }
    const char *expression = tdagi_export_value(e, input);
    if (expression != NULL) tdagi_text_add(&e->body, expression);
}

static void add_argument(tdagi_exporter *e, char what, va_list *args)
{
    if (what == 'm') {
        tdagi_text_add(&e->body, e->mark);
    } else if (what == 'i') {
        tdagi_text_printf(&e->body, "%lld", (long long)va_arg(*args, int64_t));
    } else if (what == 'f') {
        add_double(e, va_arg(*args, double));
    } else if (what == 'b') {
        tdagi_text_add(&e->body, va_arg(*args, int64_t) ? "True" : "False");
    } else if (what == 's') {
        tdagi_text_add(&e->body, va_arg(*args, const char *));
    } else if (what == 'l') {
        const tdag_list *l = va_arg(*args, const tdag_list *);
        tdagi_export_dims(e, l->n, l->v);
    } else if (what == 'd') {
        add_dim(e, va_arg(*args, tdag_dim));
    } else if (what == 't') {
        tdagi_text_printf(
            &e->body, "%lld",
            (long long)tdagi_scalar_type_of_dtype((tdag_dtype)va_arg(*args, int)));
    } else if (what == 'v') {
        const char *expression = tdagi_export_value(e, va_arg(*args, uint32_t));
        if (expression != NULL) tdagi_text_add(&e->body, expression);
    }
}

/* Names of inputs are resolved first: fetching a leaf writes statements of its own. */
static void fetch_inputs(tdagi_exporter *e, const tdagi_kernel *k)
{
    for (uint32_t i = 0; i < k->n_inputs; i++) {
        double value;
        if (k->inputs[i] == 0 || e->deferred[k->inputs[i]] == 1) continue;
        if (!tdagi_export_scalar(e, k->inputs[i], &value))
            tdagi_export_value(e, k->inputs[i]);
    }
}

static void format_piece(tdagi_exporter *e, const tdagi_kernel *k, const char *format,
                         va_list *args)
{
    for (const char *s = format; *s != '\0'; s++) {
        size_t plain = strcspn(s, "$#%");
        tdagi_text_add_bytes(&e->body, s, plain);
        s += plain;
        if (*s == '\0') return;
        char mark = *s++;
        if (mark == '%')
            add_argument(e, *s, args);
        else if (*s != '_')
            add_input(e, k, (uint32_t)(*s - '0'), mark == '#');
        else if (may_overwrite(e, k))
            tdagi_text_add(&e->body, "_");
    }
}

const char *tdagi_export_keep(tdagi_exporter *e, tdagi_text *text)
{
    char *copy = text->data == NULL ? NULL : tdagi_arena_strdup(&e->arena, text->data);
    tdagi_text_free(text);
    if (copy == NULL) e->body.status = tdagi_nomem(e->ctx);
    return copy;
}

const char *tdagi_export_name(tdagi_exporter *e, uint32_t i)
{
    size_t size = strlen(e->mark) + 16;
    char *var = tdagi_arena_alloc(&e->arena, size);
    if (var == NULL) {
        e->body.status = tdagi_nomem(e->ctx);
        return "";
    }
    snprintf(var, size, "%sv%lu", e->mark, (unsigned long)i);
    e->var[i] = var;
    return var;
}

void tdagi_export_begin(tdagi_exporter *e, const tdagi_kernel *k)
{
    fetch_inputs(e, k);
    uint32_t i = tdagi_export_index(e, k);
    const char *var = tdagi_export_name(e, i);
    e->var[i] = var;
    tdagi_text_printf(&e->body, "    %s", var);
    if (tdagi_composite_is_pair(k->composite)) {
        var = tdagi_export_name(e, tdagi_export_index(e, k) + 1);
        tdagi_text_printf(&e->body, ", %s", var);
    }
    tdagi_text_add(&e->body, " = ");
}

/* A class of PyTorch's own has this method in 2.13 and has it not in 1.13 (releases
 * between them were not tried), which hasattr() says while the source is compiled: what
 * it rules out is never looked at. */
void tdagi_export_begin_newer(tdagi_exporter *e, const tdagi_kernel *k)
{
    fetch_inputs(e, k);
    tdagi_text_add(&e->body, "    if hasattr(uninitialized(__torch__.torch.classes."
                             "quantized.EmbeddingPackedParamsBase), \"unpack\"):\n  ");
}

void tdagi_export_begin_older(tdagi_exporter *e)
{
    tdagi_text_add(&e->body, "    else:\n  ");
}

void tdagi_export_begin_line(tdagi_exporter *e, const char *var, uint32_t number)
{
    int room = (int)strspn(var, " ");
    tdagi_text_printf(&e->body, "    %.*s%s%s%lu = ", room, var, e->mark, var + room,
                      (unsigned long)number);
}

void tdagi_export_end(tdagi_exporter *e) { tdagi_text_add(&e->body, "\n"); }

void tdagi_export_piece(tdagi_exporter *e, const tdagi_kernel *k, const char *format,
                        ...)
{
    va_list args;
    va_start(args, format);
    format_piece(e, k, format, &args);
    va_end(args);
}

void tdagi_export_emit(tdagi_exporter *e, const tdagi_kernel *k, const char *format,
                       ...)
{
    va_list args;
    va_start(args, format);
    tdagi_export_begin(e, k);
    format_piece(e, k, format, &args);
    tdagi_export_end(e);
    va_end(args);
}
