/* The fields of a spec as text: which member is what, once for the textual form and for
 * JSON, which differ in how they write words, numbers, dims and strings. */
#ifndef TDAGI_PRINT_FIELD_H
#define TDAGI_PRINT_FIELD_H

#include "base/text.h"
#include "ir/opdef.h"

typedef struct tdagi_field_printer {
    tdagi_text *text; /* gets integers, true and false, brackets and commas of lists */
    void *user;
    void (*word)(void *user, const char *name); /* of an enum or a dtype */
    /* A number of an enum that has no name. */
    void (*unnamed)(void *user, const tdagi_field *field, int64_t value);
    void (*dim)(void *user, tdag_dim dim);
    void (*number)(void *user, const char *text); /* of tdagi_double_text() */
    void (*string)(void *user, const tdagi_field *field, const char *string);
} tdagi_field_printer;

void tdagi_print_field(tdagi_field_printer *p, const tdagi_field *field,
                       const void *spec);
/* What that visits with, its user being the printer; for printers that do some kinds in
 * another way. It returns TDAG_OK. */
extern const tdagi_field_visitor tdagi_field_printing;
/* [1,2], of dims or of plain integers. */
void tdagi_print_list(const tdagi_field_printer *p, uint32_t n, const int64_t *v,
                      bool dims);

#endif
