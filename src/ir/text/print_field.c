/* See print_field.h. */
#include "ir/text/print_field.h"

#include "ir/text/number.h"

static void put_int(const tdagi_field_printer *p, int64_t value)
{
    tdagi_text_printf(p->text, "%lld", (long long)value);
}

void tdagi_print_list(const tdagi_field_printer *p, uint32_t n, const int64_t *v,
                      bool dims)
{
    tdagi_text_add(p->text, "[");
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0) tdagi_text_add(p->text, ",");
        if (dims)
            p->dim(p->user, v[i]);
        else
            put_int(p, v[i]);
    }
    tdagi_text_add(p->text, "]");
}

/* The first name may be a hole; any later NULL ends the table. */
static void put_enum(const tdagi_field_printer *p, const tdagi_field *f, int64_t value)
{
    int64_t i = 0;
    while (i < value && (f->names[i] != NULL || i == 0))
        i++;
    if (i == value && f->names[i] != NULL)
        p->word(p->user, f->names[i]);
    else
        p->unnamed(p->user, f, value);
}

static void put_double(const tdagi_field_printer *p, double value)
{
    char number[TDAGI_NUMBER_TEXT_SIZE];
    tdagi_double_text(value, number);
    p->number(p->user, number);
}

void tdagi_print_field(const tdagi_field_printer *p, const tdagi_field *f,
                       const void *spec)
{
    const void *member = (const char *)spec + f->offset;
    const tdag_list *list = member;
    const int64_t *integer = member;
    switch ((tdagi_field_kind)f->kind) {
    case TDAGI_FIELD_INT:
        put_int(p, *integer);
        break;
    case TDAGI_FIELD_BOOL:
        tdagi_text_add(p->text, *integer != 0 ? "true" : "false");
        break;
    case TDAGI_FIELD_ENUM:
        put_enum(p, f, *integer);
        break;
    case TDAGI_FIELD_DTYPE:
        p->word(p->user, tdag_dtype_name((tdag_dtype)*integer));
        break;
    case TDAGI_FIELD_DIM:
        p->dim(p->user, *integer);
        break;
    case TDAGI_FIELD_F64:
        put_double(p, *(const double *)member);
        break;
    case TDAGI_FIELD_INTS:
    case TDAGI_FIELD_DIMS:
        tdagi_print_list(p, list->n, list->v, f->kind == TDAGI_FIELD_DIMS);
        break;
    case TDAGI_FIELD_STRING:
        p->string(p->user, f, *(const char *const *)member);
        break;
    case TDAGI_FIELD_END:
        break;
    }
}
