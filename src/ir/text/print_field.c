/* See print_field.h. */
#include "ir/text/print_field.h"

#include "ir/text/number.h"

static tdag_status put_int(void *user, const tdagi_field *f, int64_t *value)
{
    const tdagi_field_printer *p = user;
    (void)f;
    tdagi_text_printf(p->text, "%lld", (long long)*value);
    return TDAG_OK;
}

static tdag_status put_bool(void *user, const tdagi_field *f, int64_t *value)
{
    const tdagi_field_printer *p = user;
    (void)f;
    tdagi_text_add(p->text, *value != 0 ? "true" : "false");
    return TDAG_OK;
}

static tdag_status put_enum(void *user, const tdagi_field *f, int64_t *value)
{
    const tdagi_field_printer *p = user;
    const char *name = tdagi_field_name_of(f, *value);
    if (name != NULL)
        p->word(p->user, name);
    else
        p->unnamed(p->user, f, *value);
    return TDAG_OK;
}

static tdag_status put_dtype(void *user, const tdagi_field *f, int64_t *value)
{
    const tdagi_field_printer *p = user;
    (void)f;
    p->word(p->user, tdag_dtype_name((tdag_dtype)*value));
    return TDAG_OK;
}

static tdag_status put_dim(void *user, const tdagi_field *f, tdag_dim *value)
{
    const tdagi_field_printer *p = user;
    (void)f;
    p->dim(p->user, *value);
    return TDAG_OK;
}

static tdag_status put_double(void *user, const tdagi_field *f, double *value)
{
    const tdagi_field_printer *p = user;
    char number[TDAGI_NUMBER_TEXT_SIZE];
    (void)f;
    tdagi_double_text(*value, number);
    p->number(p->user, number);
    return TDAG_OK;
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
            tdagi_text_printf(p->text, "%lld", (long long)v[i]);
    }
    tdagi_text_add(p->text, "]");
}

static tdag_status put_ints(void *user, const tdagi_field *f, tdag_list *value)
{
    (void)f;
    tdagi_print_list(user, value->n, value->v, false);
    return TDAG_OK;
}

static tdag_status put_dims(void *user, const tdagi_field *f, tdag_list *value)
{
    (void)f;
    tdagi_print_list(user, value->n, value->v, true);
    return TDAG_OK;
}

static tdag_status put_string(void *user, const tdagi_field *f, const char **value)
{
    const tdagi_field_printer *p = user;
    p->string(p->user, f, *value);
    return TDAG_OK;
}

const tdagi_field_visitor tdagi_field_printing = {
    put_int,    put_bool, put_enum, put_dtype,  put_dim,
    put_double, put_ints, put_dims, put_string,
};

void tdagi_print_field(tdagi_field_printer *p, const tdagi_field *f, const void *spec)
{
    (void)tdagi_field_show(&tdagi_field_printing, p, f, spec);
}
