/* Specs and tensors of the text form. */
#include "ir/text/number.h"
#include "ir/text/parse.h"

/* ---- specs ---- */

static tdag_status read_int(void *user, const tdagi_field *f, int64_t *out)
{
    (void)f;
    return tdagi_lex_int(user, out);
}

static tdag_status read_bool(void *user, const tdagi_field *f, int64_t *out)
{
    tdagi_lexer *l = user;
    const char *word, *start = l->p;
    (void)f;
    TDAGI_TRY(tdagi_lex_word(l, &word));
    *out = strcmp(word, "true") == 0;
    if (*out || strcmp(word, "false") == 0) return TDAG_OK;
    return tdagi_lex_fail(l, start, "expected true or false here");
}

static tdag_status read_enum(void *user, const tdagi_field *f, int64_t *out)
{
    tdagi_lexer *l = user;
    const char *word, *start = l->p;
    TDAGI_TRY(tdagi_lex_word(l, &word));
    if (tdagi_field_value_of(f, word, out)) return TDAG_OK;
    return tdagi_lex_fail(l, start, "'%.80s' is no %s", word, f->name);
}

static tdag_status read_dtype(void *user, const tdagi_field *f, int64_t *out)
{
    tdag_dtype dtype;
    (void)f;
    TDAGI_TRY(tdagi_lex_dtype(user, &dtype));
    *out = dtype;
    return TDAG_OK;
}

static tdag_status read_dim(void *user, const tdagi_field *f, tdag_dim *out)
{
    (void)f;
    return tdagi_lex_dim(user, out);
}

static tdag_status read_double(void *user, const tdagi_field *f, double *out)
{
    tdagi_lexer *l = user;
    size_t n = tdagi_lex_number_length(l);
    (void)f;
    if (!tdagi_double_parse(l->p, n, out))
        return tdagi_lex_fail(l, l->p, "expected a number here");
    l->p += n;
    return TDAG_OK;
}

static tdag_status read_ints(void *user, const tdagi_field *f, tdag_list *out)
{
    (void)f;
    return tdagi_lex_list(user, false, out);
}

static tdag_status read_dims(void *user, const tdagi_field *f, tdag_list *out)
{
    (void)f;
    return tdagi_lex_list(user, true, out);
}

static tdag_status read_string(void *user, const tdagi_field *f, const char **out)
{
    (void)f;
    return tdagi_lex_quoted(user, out);
}

static const tdagi_field_visitor reading = {
    read_int,    read_bool, read_enum, read_dtype,  read_dim,
    read_double, read_ints, read_dims, read_string,
};

tdag_status tdagi_lex_spec(tdagi_lexer *l, const tdagi_field *fields, void *spec)
{
    uint64_t seen = 0;
    for (bool first = true; !tdagi_lex_take(l, '}'); first = false) {
        if (!first) TDAGI_TRY(tdagi_lex_expect(l, ','));
        tdagi_lex_spaces(l);
        const char *name, *start = l->p;
        TDAGI_TRY(tdagi_lex_word(l, &name));
        const tdagi_field *f = tdagi_field_find(fields, name);
        if (f->kind == TDAGI_FIELD_END)
            return tdagi_lex_fail(l, start, "the op has no field '%.80s'", name);
        uint64_t bit = UINT64_C(1) << ((f - fields) & 63);
        if ((seen & bit) != 0)
            return tdagi_lex_fail(l, start, "the field %s stands there twice", f->name);
        seen |= bit;
        TDAGI_TRY(tdagi_lex_expect(l, '='));
        tdagi_lex_spaces(l);
        TDAGI_TRY(tdagi_field_visit(&reading, l, f, spec));
    }
    return TDAG_OK;
}

/* ---- tensors ---- */

static tdag_status read_elements(tdagi_lexer *l, tdag_tensor *t)
{
    for (int64_t i = 0; i < t->count; i++) {
        if (i > 0) TDAGI_TRY(tdagi_lex_expect(l, ','));
        tdagi_lex_spaces(l);
        size_t n = tdagi_lex_number_length(l);
        if (!tdagi_element_parse(t, i, l->p, n))
            return tdagi_lex_fail(l, l->p, "expected a value of dtype %s here",
                                  tdag_dtype_name(t->dtype));
        l->p += n;
    }
    return tdagi_lex_expect(l, ']');
}

tdag_status tdagi_lex_tensor(tdagi_lexer *l, const tdagi_type *type, tdag_tensor **out)
{
    int64_t shape[TDAG_MAX_RANK];
    const char *start = l->p;
    for (uint32_t i = 0; i < type->rank; i++)
        if (!tdagi_dim_is_const(l->pool, type->shape[i], &shape[i]))
            return tdagi_lex_fail(l, start, "a tensor with a symbolic dim");
    bool values = tdagi_lex_take(l, '[');
    tdag_tensor *t = NULL;
    tdag_status st = tdag_tensor_create(l->ctx, type->dtype, type->rank, shape, &t);
    if (st != TDAG_OK) return tdagi_lex_pass(l, start, st);
    /* An element takes a byte of text at least: a shape beyond it is refused early. */
    if (values && t->count > l->end - l->p)
        st = tdagi_lex_fail(l, l->p, "fewer values than the shape says");
    else if (values)
        st = read_elements(l, t);
    else if (t->size > 0)
        memset(t->data, 0, t->size);
    if (st == TDAG_OK)
        *out = t;
    else
        tdag_tensor_free(t);
    return st;
}
