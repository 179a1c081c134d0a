/* The operators of aten.def as a document, by family. */
#include <string.h>

#include <tdagger/torch.h>

#include "aten/aten.h"
#include "base/text.h"

/* A heading (F), an operator that is imported with the arguments that change nothing
 * (A), one that is refused (R) or in part (P) with the reason: the letter begins
 * `text`, as a table of few pointers is a small one. */
typedef struct doc_row {
    const char *name; /* NULL: a heading */
    const char *text;
} doc_row;

#define FAMILY(title)                        {NULL, "F" title},
#define ATEN(name, handler, data, ignorable) {name, "A" ignorable},
#define REFUSED(name, why)                   {name, "R" why},
#define IN_PART(name, why)                   {name, "P" why},
static const doc_row rows[] = {
#include "aten/aten.def"
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static const char head[] =
    "# TorchScript operators\n\n"
    "Made by `tdag ops --torch --md` from the importer's table; do not edit.\n\n"
    "A name serves all overloads and the in-place form with a `_`. Arguments in\n"
    "parentheses change nothing in eval mode on a CPU and may have any value; every\n"
    "other argument is used, or stops the import where its value is not supported.\n"
    "Complex tensors are told of in [complex.md](complex.md).\n";

/* Appends a name, on a new line where the line would grow long. */
static void add_name(tdagi_text *text, const doc_row *r, const char *indent,
                     size_t *column)
{
    const char *ignorable = *r->text == 'A' ? r->text + 1 : "";
    size_t n = strlen(r->name) + 4;
    if (*ignorable != '\0') n += strlen(ignorable) + 3;
    bool first = *column == 0;
    if (!first) tdagi_text_add(text, ",");
    if (first || *column + n > 92) {
        tdagi_text_printf(text, "%s%s", first ? "" : "\n", indent);
        *column = strlen(indent);
    } else {
        tdagi_text_add(text, " ");
    }
    tdagi_text_printf(text, "`%s`", r->name);
    if (*ignorable != '\0') tdagi_text_printf(text, " (%s)", ignorable);
    *column += n;
}

static void add_imported(tdagi_text *text)
{
    size_t column = 0;
    for (size_t i = 0; i < N_ROWS; i++) {
        const doc_row *r = &rows[i];
        if (*r->text == 'A') add_name(text, r, "", &column);
        if (*r->text != 'F') continue;
        tdagi_text_printf(text, "%s\n## %s\n\n", i == 0 ? "" : "\n", r->text + 1);
        column = 0;
    }
}

/* Rows of one reason stand together. */
static void add_refused(tdagi_text *text, char letter)
{
    const char *last = "";
    size_t column = 0;
    for (size_t i = 0; i < N_ROWS; i++) {
        const doc_row *r = &rows[i];
        if (*r->text != letter) continue;
        if (strcmp(last, r->text) != 0) {
            tdagi_text_printf(text, "\n- %s:\n", r->text + 1);
            column = 0;
        }
        add_name(text, r, "  ", &column);
        last = r->text;
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
    add_refused(&text, 'R');
    tdagi_text_add(&text, "\n## Refused in part\n\nThese are imported but for that.\n");
    add_refused(&text, 'P');
    return tdagi_text_take(&text, out);
}
