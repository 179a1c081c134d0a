/* Graphs as text, one value per line; the grammar is in docs/text.md. Everything about
 * an op comes from its row: its name and the fields of its spec. */
#include <string.h>

#include "base/dim/type_text.h"
#include "ir/graph.h"
#include "ir/text/number.h"
#include "ir/text/parse.h"
#include "ir/text/print.h"
#include "ir/text/print_field.h"

#define SMALL_TENSOR 16 /* elements that are always written */

typedef struct printer {
    tdagi_text *text;
    const tdag_graph *g;
    uint32_t flags;
    const char *indent; /* of every line */
} printer;

static void put(printer *p, const char *text) { tdagi_text_add(p->text, text); }

static void put_int(printer *p, int64_t value)
{
    tdagi_text_printf(p->text, "%lld", (long long)value);
}

void tdagi_text_add_quoted(tdagi_text *to, const char *text)
{
    tdagi_text_add(to, "\"");
    while (*text != '\0') {
        size_t plain = 0;
        while ((unsigned char)text[plain] >= 0x20 && text[plain] != '"' &&
               text[plain] != '\\' && text[plain] != 0x7F)
            plain++;
        tdagi_text_add_bytes(to, text, plain);
        text += plain;
        if (*text == '\0') break;
        if (*text == '"' || *text == '\\')
            tdagi_text_printf(to, "\\%c", *text);
        else if (*text == '\n')
            tdagi_text_add(to, "\\n");
        else
            tdagi_text_printf(to, "\\x%02x", (unsigned)(unsigned char)*text);
        text++;
    }
    tdagi_text_add(to, "\"");
}

bool tdagi_text_is_plain_name(const char *name)
{
    bool plain = *name != '\0';
    for (const char *c = name; *c != '\0' && plain; c++)
        plain = tdagi_text_is_plain(*c);
    return plain;
}

static void put_quoted(printer *p, const char *text)
{
    tdagi_text_add_quoted(p->text, text);
}

static void put_word(printer *p, const char *text)
{
    if (tdagi_text_is_plain_name(text) && !tdagi_text_is_keyword(text))
        put(p, text);
    else
        put_quoted(p, text);
}

static void put_name(printer *p, tdag_value v)
{
    char buf[16];
    put_word(p, tdagi_value_name(p->g, v, buf));
}

static void put_dim(printer *p, tdag_dim d)
{
    if (d >= 0)
        put_int(p, d);
    else
        tdagi_text_add_dim(p->text, p->g->pool, d);
}

/* ---- fields ---- */

static void add_word(void *user, const char *name) { put(user, name); }

static void add_unnamed(void *user, const tdagi_field *f, int64_t value)
{
    (void)f;
    put_int(user, value);
}

static void add_dim(void *user, tdag_dim d) { put_dim(user, d); }

static void add_string(void *user, const tdagi_field *f, const char *string)
{
    (void)f;
    put_quoted(user, string);
}

static void put_field(printer *p, const tdagi_field *f, const void *spec)
{
    tdagi_field_printer to = {p->text, p,        add_word,  add_unnamed,
                              add_dim, add_word, add_string};
    tdagi_print_field(&to, f, spec);
}

void tdagi_text_add_elements(tdagi_text *to, const tdag_tensor *t, uint32_t flags)
{
    char number[TDAGI_NUMBER_TEXT_SIZE];
    if (t->count > SMALL_TENSOR && (flags & TDAG_TEXT_FULL) == 0) return;
    tdagi_text_add(to, " [");
    for (int64_t i = 0; i < t->count && to->status == TDAG_OK; i++) {
        tdagi_element_text(t, i, number);
        if (i > 0) tdagi_text_add(to, ", ");
        tdagi_text_add(to, number);
    }
    tdagi_text_add(to, "]");
}

static void put_operands(printer *p, const tdagi_node *n)
{
    const tdag_value *inputs = tdagi_node_inputs(n);
    if (n->n_inputs > 0) put(p, "(");
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        if (i > 0) put(p, ", ");
        put_name(p, inputs[i]);
    }
    if (n->n_inputs > 0) put(p, ")");
}

static void put_spec(printer *p, const tdagi_field *fields, const void *spec)
{
    if (fields == NULL || spec == NULL || fields->kind == TDAGI_FIELD_END) return;
    put(p, " {");
    for (const tdagi_field *f = fields; f->kind != TDAGI_FIELD_END; f++) {
        if (!tdagi_field_is_shown(f, spec)) continue;
        if (f != fields) put(p, ", ");
        put(p, f->name);
        put(p, "=");
        put_field(p, f, spec);
    }
    put(p, "}");
}

static void put_node(printer *p, tdag_value v)
{
    const tdagi_node *n = tdagi_graph_node(p->g, v);
    const char *scope = tdagi_value_scope(p->g, v);
    put(p, p->indent);
    put_name(p, v);
    put(p, ": ");
    tdagi_text_add_type(p->text, p->g->pool, (tdag_dtype)n->dtype, n->rank, n->shape);
    put(p, " = ");
    put(p, tdag_op_name((tdag_op)n->op));
    if (tdagi_op_holds_tensor(n->op)) {
        tdagi_text_add_elements(p->text, n->u.tensor, p->flags);
    } else {
        put_operands(p, n);
        put_spec(p, tdagi_node_def(n)->fields, n->u.spec);
    }
    if (*scope != '\0') {
        put(p, " @");
        put_word(p, scope);
    }
    put(p, "\n");
}

static void put_symbols(printer *p)
{
    uint32_t n = tdagi_pool_n_symbols(p->g->pool);
    if (n == 0) return;
    put(p, p->indent);
    put(p, "symbols");
    for (uint32_t i = 0; i < n; i++) {
        int64_t sample;
        put(p, " ");
        put(p, tdagi_pool_symbol(p->g->pool, i, &sample));
        put(p, "=");
        put_int(p, sample);
    }
    put(p, "\n");
}

void tdagi_text_add_graph(tdagi_text *to, const tdag_graph *graph, uint32_t flags,
                          const char *indent)
{
    printer p = {to, graph, flags, indent};
    put_symbols(&p);
    for (uint32_t id = 1; id <= graph->n && to->status == TDAG_OK; id++)
        put_node(&p, (tdag_value){id});
    put(&p, indent);
    put(&p, "return");
    for (uint32_t i = 0; i < graph->n_outputs; i++) {
        put(&p, i == 0 ? " " : ", ");
        put_name(&p, graph->outputs[i]);
    }
    put(&p, "\n");
}

tdag_status tdagi_text_check_flags(tdag_ctx *ctx, uint32_t flags)
{
    if ((flags & ~(uint32_t)TDAG_TEXT_FULL) == 0) return TDAG_OK;
    return tdagi_fail(ctx, TDAG_E_ARG, "unknown flags 0x%x", (unsigned)flags);
}

tdag_status tdag_graph_print(tdag_ctx *ctx, const tdag_graph *graph, uint32_t flags,
                             char **out)
{
    TDAGI_TRY(tdagi_need(ctx, graph, "graph"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    TDAGI_TRY(tdagi_text_check_flags(ctx, flags));
    tdagi_text text;
    tdagi_text_init(&text, ctx);
    tdagi_text_printf(&text, "tdag %d\n", TDAGI_TEXT_VERSION);
    tdagi_text_add_graph(&text, graph, flags, "");
    return tdagi_text_take(&text, out);
}

void tdag_text_free(tdag_ctx *ctx, char *text) { tdagi_strfree(ctx, text); }
