/* Specs, dims and dtypes of a .tdag file's JSON. Every field of an op stands in its
 * spec exactly once; the op's table of fields says how each is read. */
#include "format/tdag_read.h"

#include <string.h>

#include "ir/text/number.h"

tdag_status tdagi_tdag_read_dim(tdagi_tdag_reader *rd, tdagi_json_reader *r,
                                tdag_dim *out)
{
    tdagi_pool *pool = rd->pool != NULL ? rd->pool : tdagi_builder_pool(rd->b);
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

/* ---- fields ---- */

typedef struct source {
    tdagi_tdag_reader *rd;
    tdagi_json_reader *r;
} source;

static tdag_status read_int(void *user, const tdagi_field *f, int64_t *out)
{
    (void)f;
    return tdagi_json_int64(((source *)user)->r, out);
}

static tdag_status read_bool(void *user, const tdagi_field *f, int64_t *out)
{
    bool yes = false;
    (void)f;
    TDAGI_TRY(tdagi_json_bool(((source *)user)->r, &yes));
    *out = yes;
    return TDAG_OK;
}

static tdag_status read_enum(void *user, const tdagi_field *f, int64_t *out)
{
    tdagi_json_reader *r = ((source *)user)->r;
    const char *word;
    const tdagi_json_reader start = *r;
    TDAGI_TRY(tdagi_json_string(r, &word));
    if (tdagi_field_value_of(f, word, out)) return TDAG_OK;
    tdagi_fail(r->ctx, TDAG_E_FORMAT, "there is no %s '%.80s'", f->name, word);
    return tdagi_fail_at_offset(r->ctx, start.offset + (uint64_t)(start.p - r->text));
}

static tdag_status read_dtype(void *user, const tdagi_field *f, int64_t *out)
{
    tdag_dtype dtype = TDAG_DTYPE_NONE;
    (void)f;
    TDAGI_TRY(tdagi_tdag_read_dtype(((source *)user)->r, &dtype));
    *out = dtype;
    return TDAG_OK;
}

static tdag_status read_dim(void *user, const tdagi_field *f, tdag_dim *out)
{
    const source *s = user;
    (void)f;
    return tdagi_tdag_read_dim(s->rd, s->r, out);
}

static tdag_status read_f64(void *user, const tdagi_field *f, double *out)
{
    tdagi_json_reader *r = ((source *)user)->r;
    const char *text;
    size_t n;
    const tdagi_json_reader start = *r;
    (void)f;
    TDAGI_TRY(tdagi_json_scalar(r, &text, &n));
    if (tdagi_double_parse(text, n, out)) return TDAG_OK;
    return tdagi_json_fail(&start, "no number where one must come");
}

static tdag_status read_ints(void *user, const tdagi_field *f, tdag_list *out)
{
    const source *s = user;
    (void)f;
    return read_list(s->rd, s->r, false, out);
}

static tdag_status read_dims(void *user, const tdagi_field *f, tdag_list *out)
{
    const source *s = user;
    (void)f;
    return read_list(s->rd, s->r, true, out);
}

static tdag_status read_string(void *user, const tdagi_field *f, const char **out)
{
    (void)f;
    return tdagi_json_string(((source *)user)->r, out);
}

static const tdagi_field_visitor reading = {
    read_int, read_bool, read_enum, read_dtype,  read_dim,
    read_f64, read_ints, read_dims, read_string,
};

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
    source from = {rd, r};
    TDAGI_TRY(tdagi_json_expect(r, '{'));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(r, '}', &first, &more));
        if (!more) break;
        const char *name;
        const tdagi_json_reader start = *r;
        TDAGI_TRY(tdagi_json_key(r, &name));
        const tdagi_field *f = tdagi_field_find(fields, name);
        if (f->kind == TDAGI_FIELD_END)
            return field_fail(&start, op, "has an unknown field", name);
        uint64_t bit = UINT64_C(1) << ((f - fields) & 63);
        if ((seen & bit) != 0) return field_fail(&start, op, "has twice", name);
        seen |= bit;
        TDAGI_TRY(tdagi_field_visit(&reading, &from, f, spec));
    }
    for (const tdagi_field *f = fields; f->kind != TDAGI_FIELD_END; f++)
        if ((f->role & TDAGI_ROLE_OPTIONAL) == 0 &&
            (seen & UINT64_C(1) << ((f - fields) & 63)) == 0)
            return field_fail(r, op, "lacks", f->name);
    return TDAG_OK;
}
