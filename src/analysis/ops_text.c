/* The op table as a document: every row with its inputs, its spec and what it does. */
#include "base/text.h"
#include "ir/opdef.h"

static const char *const field_types[] = {
#define FIELD_TYPE(KIND, member, type, text) [TDAGI_FIELD_##KIND] = text,
    TDAGI_FIELD_KINDS(FIELD_TYPE)
#undef FIELD_TYPE
};

static void add_field(tdagi_text *text, const tdagi_field *field)
{
    const char *type = field_types[field->kind];
    tdagi_text_printf(text, "`%s`: ", field->name);
    if (type != NULL) {
        tdagi_text_add(text, type);
        return;
    }
    const char *separator = "";
    const char *const *name = field->names + (field->names[0] == NULL);
    for (; *name != NULL; name++) {
        tdagi_text_printf(text, "%s%s", separator, *name);
        separator = " / ";
    }
}

static void add_row(tdagi_text *text, uint32_t code, const tdagi_op_row *row)
{
    tdagi_text_printf(text, "| %u | `%s` | ", (unsigned)code, row->name);
    if (row->n_inputs == TDAGI_ANY_INPUTS)
        tdagi_text_add(text, "any");
    else
        tdagi_text_printf(text, "%u", (unsigned)row->n_inputs);
    tdagi_text_add(text, " | ");
    const tdagi_field *fields = row->def->fields;
    for (uint32_t i = 0; fields != NULL && fields[i].kind != TDAGI_FIELD_END; i++) {
        if (i > 0) tdagi_text_add(text, "; ");
        add_field(text, &fields[i]);
    }
    tdagi_text_printf(text, " | %s |\n",
                      row->def->brief == NULL ? "" : row->def->brief);
}

tdag_status tdag_ops_markdown(tdag_ctx *ctx, char **out)
{
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    tdagi_text text;
    tdagi_text_init(&text, ctx);
    tdagi_text_add(&text, "# Core ops\n\n"
                          "Made by `tdag ops --md` from the op table; do not edit.\n\n"
                          "| code | op | inputs | spec | what it does |\n"
                          "| ---: | --- | ---: | --- | --- |\n");
    for (uint32_t code = 1; code < TDAGI_OP_CODES; code++) {
        const tdagi_op_row *row = tdagi_op_row_of(code);
        if (row != NULL) add_row(&text, code, row);
    }
    return tdagi_text_take(&text, out);
}
