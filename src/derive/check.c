/* What every lowering may rely on, checked before it runs: a model file may hold any
 * numbers in a spec. The fields' roles say what they mean, so one walk over them serves
 * all composites:
 *   - lists have at most TDAG_MAX_RANK numbers; the spatial ones (kernel, padding, ...)
 *     have the same number of them;
 *   - plain integers lie within +-2^31, so that products of two fit 64 bits;
 *   - what is positive is at least 1, what is natural at least 0;
 *   - an axis is one of the first input's, or of the result's; a number of axes is at
 *     most the first input's;
 *   - dims are dims of this builder and not negative. */
#include <inttypes.h>

#include "derive/parts.h"

#define LIMIT ((int64_t)1 << 31)

typedef struct spec_check {
    tdag_builder *b;
    const tdagi_composite_row *row;
    int64_t rank;      /* of the first input */
    int64_t n_spatial; /* -1: no such list so far */
} spec_check;

static bool refuse(const spec_check *c, const tdagi_field *f, int64_t value)
{
    tdagi_builder_fail(c->b, TDAG_E_ARG, "%s does not take %" PRId64 " for %s",
                       c->row->name, value, f->name);
    return false;
}

static bool check_integer(const spec_check *c, const tdagi_field *f, int64_t value)
{
    bool fits = value > -LIMIT && value < LIMIT;
    if (f->role & TDAGI_ROLE_POSITIVE) fits = fits && value >= 1;
    if (f->role & TDAGI_ROLE_NATURAL) fits = fits && value >= 0;
    if (f->role & TDAGI_ROLE_AXIS) fits = value >= 0 && value < c->rank;
    if (f->role & TDAGI_ROLE_LAST_AXES) fits = value >= 0 && value <= c->rank;
    if (f->role & TDAGI_ROLE_RESULT_AXIS) fits = value >= 0 && value <= c->rank;
    return fits || refuse(c, f, value);
}

static bool check_dim(const spec_check *c, const tdagi_field *f, tdag_dim d)
{
    tdagi_pool *pool = tdagi_builder_pool(c->b);
    bool is_dim = d >= 0 || tdag_dim_add(c->b, d, 0) == d; /* BAD if it is none */
    if (is_dim && tdagi_dim_sample(pool, d) >= 0) return true;
    return refuse(c, f, is_dim ? tdagi_dim_sample(pool, d) : d);
}

static bool check_list(spec_check *c, const tdagi_field *f, tdag_list list)
{
    if (list.n > TDAG_MAX_RANK || (list.n > 0 && list.v == NULL))
        return refuse(c, f, list.n);
    if ((f->role & TDAGI_ROLE_SPATIAL) == 0) return true;
    if (c->n_spatial >= 0 && c->n_spatial != list.n) return refuse(c, f, list.n);
    c->n_spatial = list.n;
    return true;
}

static bool check_numbers(spec_check *c, const tdagi_field *f, tdag_list numbers)
{
    if (tdagi_field_is_list(f) && !check_list(c, f, numbers)) return false;
    for (uint32_t i = 0; i < numbers.n; i++)
        if (tdagi_field_has_dims(f) ? !check_dim(c, f, numbers.v[i])
                                    : !check_integer(c, f, numbers.v[i]))
            return false;
    return true;
}

bool tdagi_spec_fits(tdag_builder *b, tdagi_composite id, const tdag_value *inputs,
                     const void *spec)
{
    const tdagi_composite_row *row = tdagi_composite_row_of(id);
    spec_check c = {b, row, tdag_builder_get_rank(b, inputs[0]), -1};
    for (const tdagi_field *f = row->def->fields;
         f != NULL && f->kind != TDAGI_FIELD_END; f++) {
        if (f->kind == TDAGI_FIELD_F64) continue;
        if (!check_numbers(&c, f, tdagi_field_numbers(f, spec))) return false;
    }
    return true;
}

/* ---- operands ---- */

bool tdagi_dims_meet(tdag_builder *b, tdag_dim d, tdag_dim e, const char *what)
{
    if (!tdagi_builder_ok(b) || d == e) return tdagi_builder_ok(b);
    tdagi_pool *pool = tdagi_builder_pool(b);
    char x[128], y[128];
    tdagi_dim_text(pool, d, x, sizeof(x));
    tdagi_dim_text(pool, e, y, sizeof(y));
    bool fixed = tdagi_dim_sample(pool, d) == tdagi_dim_sample(pool, e);
    tdagi_builder_fail(b, TDAG_E_SHAPE, "%s of dims %s and %s%s", what, x, y,
                       fixed ? ", which are equal at the sample values only" : "");
    return false;
}

bool tdagi_have_shape(tdag_builder *b, const tdag_value *v, uint32_t n, uint32_t rank,
                      const tdag_dim *shape, const char *what)
{
    bool have = tdagi_builder_ok(b);
    for (uint32_t i = 0; have && i < n; i++) {
        if (v[i].id == 0) continue;
        have = tdag_builder_get_rank(b, v[i]) == rank;
        for (uint32_t axis = 0; have && axis < rank; axis++)
            have = tdagi_dim_of(b, v[i], axis) == shape[axis];
    }
    if (!have)
        tdagi_builder_fail(b, TDAG_E_SHAPE, "%s does not take parameters of this shape",
                           what);
    return have;
}

bool tdagi_have_dtype(tdag_builder *b, const tdag_value *v, uint32_t n, tdag_value x,
                      const char *what)
{
    if (!tdagi_builder_ok(b)) return false;
    tdag_dtype own = tdag_builder_get_dtype(b, x), dtype = TDAG_DTYPE_NONE;
    bool have = true;
    for (uint32_t i = 0; i < n; i++) {
        if (v[i].id == 0) continue;
        tdag_dtype d = tdag_builder_get_dtype(b, v[i]);
        have = have && (dtype == TDAG_DTYPE_NONE || d == dtype) &&
               (d == own || d == tdagi_wide_dtype(own));
        dtype = d;
    }
    if (!have)
        tdagi_builder_fail(b, TDAG_E_SHAPE, "%s does not take parameters of this dtype",
                           what);
    return have;
}
