/* Specs and tensors of the text form. */
#include "ir/text/number.h"
#include "ir/text/parse.h"

/* ---- specs ---- */

static tdag_status read_bool(tdagi_lexer *l, int64_t *out)
{
    const char *word, *start = l->p;
    TDAGI_TRY(tdagi_lex_word(l, &word));
    *out = strcmp(word, "true") == 0;
    if (*out || strcmp(word, "false") == 0) return TDAG_OK;
    return tdagi_lex_fail(l, start, "expected true or false here");
}

static tdag_status read_enum(tdagi_lexer *l, const tdagi_field *f, int64_t *out)
{
    const char *word, *start = l->p;
    TDAGI_TRY(tdagi_lex_word(l, &word));
    /* The first name may be a hole; any later NULL ends the table. */
    for (int64_t i = 0; i < TDAGI_TEXT_MAX_ENUM && (i == 0 || f->names[i] != NULL);
         i++) {
        if (f->names[i] == NULL || strcmp(f->names[i], word) != 0) continue;
        *out = i;
        return TDAG_OK;
    }
    return tdagi_lex_fail(l, start, "'%.80s' is no %s", word, f->name);
}

static tdag_status read_double(tdagi_lexer *l, double *out)
{
    tdagi_lex_spaces(l);
    size_t n = tdagi_lex_number_length(l);
    if (!tdagi_double_parse(l->p, n, out))
        return tdagi_lex_fail(l, l->p, "expected a number here");
    l->p += n;
    return TDAG_OK;
}

static tdag_status read_value(tdagi_lexer *l, const tdagi_field *f, void *member)
{
    tdag_dtype dtype;
    tdag_status st;
    tdagi_lex_spaces(l);
    switch ((tdagi_field_kind)f->kind) {
    case TDAGI_FIELD_INT:
        return tdagi_lex_int(l, member);
    case TDAGI_FIELD_BOOL:
        return read_bool(l, member);
    case TDAGI_FIELD_ENUM:
        return read_enum(l, f, member);
    case TDAGI_FIELD_DTYPE:
        st = tdagi_lex_dtype(l, &dtype);
        if (st == TDAG_OK) *(int64_t *)member = dtype;
        return st;
    case TDAGI_FIELD_DIM:
        return tdagi_lex_dim(l, member);
    case TDAGI_FIELD_F64:
        return read_double(l, member);
    case TDAGI_FIELD_INTS:
    case TDAGI_FIELD_DIMS:
        return tdagi_lex_list(l, f->kind == TDAGI_FIELD_DIMS, member);
    case TDAGI_FIELD_STRING:
        return tdagi_lex_quoted(l, member);
    case TDAGI_FIELD_END:
        break;
    }
    return tdagi_lex_fail(l, l->p, "a field that cannot be read");
}

/* The row of a field's name, or the ending row. */
static const tdagi_field *find_field(const tdagi_field *fields, const char *name)
{
    static const tdagi_field none = {0};
    const tdagi_field *f = fields == NULL ? &none : fields;
    while (f->kind != TDAGI_FIELD_END && strcmp(f->name, name) != 0)
        f++;
    return f;
}

tdag_status tdagi_lex_spec(tdagi_lexer *l, const tdagi_field *fields, void *spec)
{
    uint64_t seen = 0;
    for (bool first = true; !tdagi_lex_take(l, '}'); first = false) {
        if (!first) TDAGI_TRY(tdagi_lex_expect(l, ','));
        tdagi_lex_spaces(l);
        const char *name, *start = l->p;
        TDAGI_TRY(tdagi_lex_word(l, &name));
        const tdagi_field *f = find_field(fields, name);
        if (f->kind == TDAGI_FIELD_END)
            return tdagi_lex_fail(l, start, "the op has no field '%.80s'", name);
        uint64_t bit = UINT64_C(1) << ((f - fields) & 63);
        if ((seen & bit) != 0)
            return tdagi_lex_fail(l, start, "the field %s stands there twice", f->name);
        seen |= bit;
        TDAGI_TRY(tdagi_lex_expect(l, '='));
        TDAGI_TRY(read_value(l, f, (char *)spec + f->offset));
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
