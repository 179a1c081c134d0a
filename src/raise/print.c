/* tdagi_raised_print(): kernels as text, a line per call. */
#include "raise/raise.h"

#include "base/dim/type_text.h"
#include "base/number_text.h"
#include "ir/text/print_field.h"

static void add_name(tdagi_text *t, const tdagi_raised *r, uint32_t i)
{
    char buf[16];
    if (i == 0)
        tdagi_text_add(t, "-");
    else if (r->kernels[i].value.id == 0)
        tdagi_text_printf(t, "k%u", (unsigned)i);
    else
        tdagi_text_add(t, tdagi_value_name(r->graph, r->kernels[i].value, buf));
}

/* ---- fields ---- */

typedef struct printer {
    tdagi_text *text;
    const tdagi_raised *raised;
} printer;

static void add_word(void *user, const char *name)
{
    tdagi_text_add(((printer *)user)->text, name);
}

static void add_unnamed(void *user, const tdagi_field *f, int64_t value)
{
    (void)f;
    (void)value;
    add_word(user, "?");
}

static void add_dim(void *user, tdag_dim d)
{
    printer *p = user;
    tdagi_text_add_dim(p->text, p->raised->pool, d);
}

static void add_string(void *user, const tdagi_field *f, const char *string)
{
    (void)f;
    tdagi_text_printf(((printer *)user)->text, "\"%s\"", string);
}

/* For reading by eye: as far as f32 goes. */
static tdag_status add_real(void *user, const tdagi_field *f, double *value)
{
    const tdagi_field_printer *to = user;
    char digits[TDAGI_NUMBER_TEXT_SIZE];
    (void)f;
    tdagi_f64_text(*value, 9, digits);
    tdagi_text_add(to->text, digits);
    return TDAG_OK;
}

static void add_spec(tdagi_text *t, const tdagi_raised *r, const tdagi_field *fields,
                     const void *spec)
{
    printer p = {t, r};
    tdagi_field_printer to = {t,       &p,       add_word,  add_unnamed,
                              add_dim, add_word, add_string};
    tdagi_field_visitor v = tdagi_field_printing;
    v.boolean = v.integer;
    v.real = add_real;
    tdagi_text_add(t, " {");
    for (const tdagi_field *f = fields; f->kind != TDAGI_FIELD_END; f++) {
        if (!tdagi_field_is_shown(f, spec)) continue;
        tdagi_text_printf(t, "%s%s=", f == fields ? "" : ", ", f->name);
        (void)tdagi_field_show(&v, &to, f, spec);
    }
    tdagi_text_add(t, "}");
}

/* ---- kernels ---- */

static void add_kernel(tdagi_text *t, const tdagi_raised *r, uint32_t i)
{
    const tdagi_kernel *k = &r->kernels[i];
    const tdagi_composite_row *row =
        tdagi_composite_row_of((tdagi_composite)k->composite);
    bool core = k->composite == TDAGI_CORE || row == NULL;
    const tdagi_field *fields =
        core ? tdagi_op_row_of(k->op)->def->fields : row->def->fields;
    uint32_t last = i < r->n && k[1].is_second ? i + 1 : i;
    for (uint32_t j = i; j <= last; j++) {
        if (j > i) tdagi_text_add(t, ", ");
        add_name(t, r, j);
    }
    for (uint32_t j = i; j <= last; j++) {
        const tdagi_kernel *result = &r->kernels[j];
        tdagi_text_add(t, j > i ? ", " : ": ");
        tdagi_text_add_type(t, r->pool, (tdag_dtype)result->dtype, result->rank,
                            result->shape);
    }
    tdagi_text_printf(t, " = %s(", core ? tdag_op_name((tdag_op)k->op) : row->name);
    for (uint32_t j = 0; j < k->n_inputs; j++) {
        if (j > 0) tdagi_text_add(t, ", ");
        add_name(t, r, k->inputs[j]);
    }
    tdagi_text_add(t, ")");
    if (fields != NULL && k->spec != NULL) add_spec(t, r, fields, k->spec);
    tdagi_text_add(t, "\n");
}

tdag_status tdagi_raised_print(tdag_ctx *ctx, const tdagi_raised *raised, char **out)
{
    tdagi_text text;
    tdagi_text_init(&text, ctx);
    for (uint32_t i = 1; i <= raised->n; i++)
        if (!raised->kernels[i].is_second) add_kernel(&text, raised, i);
    return tdagi_text_take(&text, out);
}

tdag_status tdag_graph_print_raised(tdag_ctx *ctx, const tdag_graph *graph, char **out)
{
    tdagi_raised *raised = NULL;
    TDAGI_TRY(tdagi_need(ctx, graph, "graph"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    TDAGI_TRY(tdagi_raise(ctx, graph, NULL, &raised));
    tdag_status st = tdagi_raised_print(ctx, raised, out);
    tdagi_raised_free(raised);
    return st;
}
