/* Specs, dims and dtypes of a .tdag file's JSON. Every field of an op stands in its
 * spec exactly once; the op's table of fields says how each is read. */
#include "format/tdag_read.h"

#include <string.h>

#include "ir/text/number.h"

#define MAX_ENUM 64 /* more names than any ENUM field has */

tdag_status tdagi_tdag_read_dim(tdagi_tdag_reader *rd, tdagi_json_reader *r,
                                tdag_dim *out)
{
    tdagi_pool *pool = tdagi_builder_pool(rd->b);
    const tdagi_json_reader start = *r;
    if (tdagi_json_peek(r) != '"') {
        int64_t value;
        TDAGI_TRY(tdagi_json_int64(r, &value));
        *out = tdagi_dim_const(pool, value);
        return tdagi_pool_report(rd->ctx, pool);
    }
    const char *text, *end;
    TDAGI_TRY(tdagi_json_string(r, &text));
    const char *text_end = text + strlen(text);
    tdag_status st = tdagi_dim_parse(rd->ctx, pool, text, text_end, &end, out);
    if (st == TDAG_OK && end == text_end) return TDAG_OK;
    if (st == TDAG_OK) return tdagi_json_fail(&start, "more after the end of a dim");
    rd->ctx->error.offset = UINT64_MAX; /* it counted in the dim */
    return tdagi_fail_at_offset(rd->ctx, start.offset + (uint64_t)(start.p - r->text));
}

tdag_status tdagi_tdag_read_dtype(tdagi_json_reader *r, tdag_dtype *out)
{
    const char *name;
    const tdagi_json_reader start = *r;
    TDAGI_TRY(tdagi_json_string(r, &name));
    *out = tdag_dtype_from_name(name);
    if (*out != TDAG_DTYPE_NONE) return TDAG_OK;
    tdagi_fail(r->ctx, TDAG_E_FORMAT, "there is no dtype '%.80s'", name);
    return tdagi_fail_at_offset(r->ctx, start.offset + (uint64_t)(start.p - r->text));
}

/* A list of unknown length: it grows by doubling in the reader's arena. */
static tdag_status read_list(tdagi_tdag_reader *rd, tdagi_json_reader *r, bool dims,
                             tdag_list *out)
{
    bool first = true, more = false;
    uint32_t n = 0, capacity = 0;
    int64_t *v = NULL;
    TDAGI_TRY(tdagi_json_expect(r, '['));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(r, ']', &first, &more));
        if (!more) break;
        if (n == capacity) {
            if (capacity > UINT32_MAX / 4) return tdagi_json_fail(r, "too long a list");
            capacity = capacity == 0 ? TDAG_MAX_RANK : capacity * 2;
            int64_t *wider = tdagi_arena_array(r->arena, capacity, sizeof *wider);
            if (wider == NULL) return tdagi_nomem(rd->ctx);
            if (n > 0) memcpy(wider, v, n * sizeof *v);
            v = wider;
        }
        TDAGI_TRY(dims ? tdagi_tdag_read_dim(rd, r, &v[n])
                       : tdagi_json_int64(r, &v[n]));
        n++;
    }
    out->n = n;
    out->v = v;
    return TDAG_OK;
}

static tdag_status read_enum(tdagi_json_reader *r, const tdagi_field *f, int64_t *out)
{
    const char *word;
    const tdagi_json_reader start = *r;
    TDAGI_TRY(tdagi_json_string(r, &word));
    /* The first name may be a hole; any later NULL ends the table. */
    for (int64_t i = 0; i < MAX_ENUM && (i == 0 || f->names[i] != NULL); i++) {
        if (f->names[i] == NULL || strcmp(f->names[i], word) != 0) continue;
        *out = i;
        return TDAG_OK;
    }
    tdagi_fail(r->ctx, TDAG_E_FORMAT, "there is no %s '%.80s'", f->name, word);
    return tdagi_fail_at_offset(r->ctx, start.offset + (uint64_t)(start.p - r->text));
}

static tdag_status read_f64(tdagi_json_reader *r, double *out)
{
    const char *text;
    size_t n;
    const tdagi_json_reader start = *r;
    TDAGI_TRY(tdagi_json_scalar(r, &text, &n));
    if (tdagi_double_parse(text, n, out)) return TDAG_OK;
    return tdagi_json_fail(&start, "no number where one must come");
}

static tdag_status read_field(tdagi_tdag_reader *rd, tdagi_json_reader *r,
                              const tdagi_field *f, void *member)
{
    tdag_dtype dtype = TDAG_DTYPE_NONE;
    bool yes = false;
    tdag_status st;
    switch ((tdagi_field_kind)f->kind) {
    case TDAGI_FIELD_INT:
        return tdagi_json_int64(r, member);
    case TDAGI_FIELD_BOOL:
        st = tdagi_json_bool(r, &yes);
        *(int64_t *)member = yes;
        return st;
    case TDAGI_FIELD_ENUM:
        return read_enum(r, f, member);
    case TDAGI_FIELD_DTYPE:
        st = tdagi_tdag_read_dtype(r, &dtype);
        *(int64_t *)member = dtype;
        return st;
    case TDAGI_FIELD_DIM:
        return tdagi_tdag_read_dim(rd, r, member);
    case TDAGI_FIELD_F64:
        return read_f64(r, member);
    case TDAGI_FIELD_INTS:
    case TDAGI_FIELD_DIMS:
        return read_list(rd, r, f->kind == TDAGI_FIELD_DIMS, member);
    case TDAGI_FIELD_STRING:
        return tdagi_json_string(r, member);
    case TDAGI_FIELD_END:
        break;
    }
    return tdagi_json_fail(r, "a field that cannot be read");
}

static tdag_status field_fail(const tdagi_json_reader *r, const char *op,
                              const char *why, const char *name)
{
    tdagi_fail(r->ctx, TDAG_E_FORMAT, "the spec of %s %s '%.80s'", op, why, name);
    return tdagi_fail_at_offset(r->ctx, r->offset + (uint64_t)(r->p - r->text));
}

tdag_status tdagi_tdag_read_spec(tdagi_tdag_reader *rd, tdagi_json_reader *r,
                                 const char *op, const tdagi_field *fields, void *spec)
{
    bool first = true, more = false;
    uint64_t seen = 0;
    TDAGI_TRY(tdagi_json_expect(r, '{'));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(r, '}', &first, &more));
        if (!more) break;
        const char *name;
        const tdagi_json_reader start = *r;
        TDAGI_TRY(tdagi_json_key(r, &name));
        const tdagi_field *f = fields;
        while (f->kind != TDAGI_FIELD_END && strcmp(f->name, name) != 0)
            f++;
        if (f->kind == TDAGI_FIELD_END)
            return field_fail(&start, op, "has an unknown field", name);
        uint64_t bit = UINT64_C(1) << ((f - fields) & 63);
        if ((seen & bit) != 0) return field_fail(&start, op, "has twice", name);
        seen |= bit;
        TDAGI_TRY(read_field(rd, r, f, (char *)spec + f->offset));
    }
    for (const tdagi_field *f = fields; f->kind != TDAGI_FIELD_END; f++)
        if ((seen & UINT64_C(1) << ((f - fields) & 63)) == 0)
            return field_fail(r, op, "lacks", f->name);
    return TDAG_OK;
}
