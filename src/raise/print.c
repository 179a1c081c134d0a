/* tdagi_raised_print(): kernels as text, one line each. */
#include "raise/raise.h"

#include "base/dim/type_text.h"
#include "base/number_text.h"

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

static void add_dim(tdagi_text *t, const tdagi_raised *r, tdag_dim d)
{
    tdagi_text_add_dim(t, r->pool, d);
}

static void add_list(tdagi_text *t, const tdagi_raised *r, const tdag_list *list)
{
    tdagi_text_add(t, "[");
    for (uint32_t i = 0; i < list->n; i++) {
        if (i > 0) tdagi_text_add(t, ",");
        add_dim(t, r, list->v[i]);
    }
    tdagi_text_add(t, "]");
}

/* Plain negative integers stand for themselves; in a field of dims they are names. */
static void add_ints(tdagi_text *t, const tdag_list *list)
{
    tdagi_text_add(t, "[");
    for (uint32_t i = 0; i < list->n; i++)
        tdagi_text_printf(t, "%s%lld", i > 0 ? "," : "", (long long)list->v[i]);
    tdagi_text_add(t, "]");
}

static void add_field(tdagi_text *t, const tdagi_raised *r, const tdagi_field *f,
                      const void *spec)
{
    const void *at = (const char *)spec + f->offset;
    const int64_t *number = at;
    const double *real = at;
    const char *const *string = at;
    char digits[TDAGI_NUMBER_TEXT_SIZE];
    tdagi_text_printf(t, "%s=", f->name);
    switch ((tdagi_field_kind)f->kind) {
    case TDAGI_FIELD_INT:
    case TDAGI_FIELD_BOOL:
        tdagi_text_printf(t, "%lld", (long long)*number);
        break;
    case TDAGI_FIELD_ENUM:
        tdagi_text_add(t, f->names[*number] == NULL ? "?" : f->names[*number]);
        break;
    case TDAGI_FIELD_DTYPE:
        tdagi_text_add(t, tdag_dtype_name((tdag_dtype)*number));
        break;
    case TDAGI_FIELD_DIM:
        add_dim(t, r, *number);
        break;
    case TDAGI_FIELD_F64:
        tdagi_f64_text(*real, 9, digits);
        tdagi_text_add(t, digits);
        break;
    case TDAGI_FIELD_INTS:
        add_ints(t, at);
        break;
    case TDAGI_FIELD_DIMS:
        add_list(t, r, at);
        break;
    case TDAGI_FIELD_STRING:
        tdagi_text_printf(t, "\"%s\"", *string);
        break;
    case TDAGI_FIELD_END:
        break;
    }
}

static void add_kernel(tdagi_text *t, const tdagi_raised *r, uint32_t i)
{
    const tdagi_kernel *k = &r->kernels[i];
    const tdagi_composite_row *row =
        tdagi_composite_row_of((tdagi_composite)k->composite);
    bool core = k->composite == TDAGI_CORE || row == NULL;
    const tdagi_field *fields =
        core ? tdagi_op_row_of(k->op)->def->fields : row->def->fields;
    add_name(t, r, i);
    tdagi_text_add(t, ": ");
    tdagi_text_add_type(t, r->pool, (tdag_dtype)k->dtype, k->rank, k->shape);
    tdagi_text_printf(t, " = %s(", core ? tdag_op_name((tdag_op)k->op) : row->name);
    for (uint32_t j = 0; j < k->n_inputs; j++) {
        if (j > 0) tdagi_text_add(t, ", ");
        add_name(t, r, k->inputs[j]);
    }
    tdagi_text_add(t, ")");
    if (fields != NULL && k->spec != NULL) {
        tdagi_text_add(t, " {");
        for (const tdagi_field *f = fields; f->kind != TDAGI_FIELD_END; f++) {
            if (f != fields) tdagi_text_add(t, ", ");
            add_field(t, r, f, k->spec);
        }
        tdagi_text_add(t, "}");
    }
    tdagi_text_add(t, "\n");
}

tdag_status tdagi_raised_print(tdag_ctx *ctx, const tdagi_raised *raised, char **out)
{
    tdagi_text text;
    tdagi_text_init(&text, ctx);
    for (uint32_t i = 1; i <= raised->n; i++)
        add_kernel(&text, raised, i);
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
