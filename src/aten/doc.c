/* The operators of aten.def as a document, by family. */
#include <string.h>

#include <tdagger/torch.h>

#include "aten/aten.h"
#include "base/text.h"

#define IN_PART(name, why) {name, why},
static const tdagi_aten_refused in_part[] = {
#include "aten/aten.def"
};

static const char head[] =
    "# TorchScript operators\n\n"
    "Made by `tdag ops --torch --md` from the importer's table; do not edit.\n\n"
    "A name serves all overloads and the in-place form with a `_`. Arguments in\n"
    "parentheses change nothing in eval mode on a CPU and may have any value; every\n"
    "other argument is used, or stops the import where its value is not supported.\n"
    "Complex tensors are told of in [complex.md](complex.md).\n";

/* Appends a name, on a new line where the line would grow long. */
static void add_name(tdagi_text *text, const char *name, const char *ignorable,
                     const char *indent, size_t *column)
{
    const char *in = strchr(name, ':') == NULL ? "aten::" : "";
    size_t n = strlen(in) + strlen(name) + 4;
    if (*ignorable != '\0') n += strlen(ignorable) + 3;
    bool first = *column == 0;
    if (!first) tdagi_text_add(text, ",");
    if (first || *column + n > 92) {
        tdagi_text_printf(text, "%s%s", first ? "" : "\n", indent);
        *column = strlen(indent);
    } else {
        tdagi_text_add(text, " ");
    }
    tdagi_text_printf(text, "`%s%s`", in, name);
    if (*ignorable != '\0') tdagi_text_printf(text, " (%s)", ignorable);
    *column += n;
}

static void add_imported(tdagi_text *text)
{
    size_t column = 0, n;
    const tdagi_aten_row *rows = tdagi_aten_rows(&n);
    for (size_t i = 0; i < n; i++) {
        const char *name = tdagi_aten_row_name(&rows[i]);
        if (rows[i].fn != NULL) {
            add_name(text, name, tdagi_aten_row_ignorable(&rows[i]), "", &column);
            continue;
        }
        tdagi_text_printf(text, "%s\n## %s\n\n", i == 0 ? "" : "\n", name);
        column = 0;
    }
}

/* Rows of one reason stand together. */
static void add_refused(tdagi_text *text, const tdagi_aten_refused *rows, size_t n)
{
    const char *last = "";
    size_t column = 0;
    for (const tdagi_aten_refused *r = rows; r < rows + n; r++) {
        if (strcmp(last, r->why) != 0) {
            tdagi_text_printf(text, "\n- %s:\n", r->why);
            column = 0;
        }
        add_name(text, r->name, "", "  ", &column);
        last = r->why;
    }
    tdagi_text_add(text, "\n");
}

tdag_status tdag_torch_operators_markdown(tdag_ctx *ctx, char **out)
{
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    tdagi_text text;
    tdagi_text_init(&text, ctx);
    tdagi_text_add(&text, head);
    add_imported(&text);
    tdagi_text_add(&text, "\n\n## Refused\n\nThese stop an import with the reason.\n");
    size_t n;
    const tdagi_aten_refused *refused = tdagi_aten_refusals(&n);
    add_refused(&text, refused, n);
    tdagi_text_add(&text, "\n## Refused in part\n\nThese are imported but for that.\n");
    add_refused(&text, in_part, sizeof(in_part) / sizeof(in_part[0]));
    return tdagi_text_take(&text, out);
}
