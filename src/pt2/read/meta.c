/* Types of values, as the file tells them: dtype, sizes, strides. */
#include "pt2/read/import.h"

#include <string.h>

/* PyTorch's numbers by those of the file. */
int64_t tdagi_pt2_scalar_type(int64_t code)
{
    static const int8_t numbers[] = {-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 15};
    static const int8_t later[] = {27, 28, 29, 24, 23, 26, 25, 44};
    if (code >= 28 && code <= 35) {
        static const int8_t order[] = {0, 3, 4, 5, 6, 7, 1, 2};
        return later[order[code - 28]];
    }
    return code >= 0 && code <= 13 ? numbers[code] : -1;
}

typedef struct at_size {
    tdagi_pt2_size *size;
} at_size;

static tdag_status hint(tdagi_json_reader *r, void *user)
{
    at_size *at = user;
    char tag[32];
    if (tdagi_json_take_null(r)) return TDAG_OK;
    TDAGI_TRY(tdagi_pt2_tag(r, tag, sizeof(tag)));
    at->size->has_number = strcmp(tag, "as_int") == 0;
    TDAGI_TRY(at->size->has_number ? tdagi_json_int64(r, &at->size->number)
                                   : tdagi_json_skip(r));
    return tdagi_json_expect(r, '}');
}

static tdag_status expression(tdagi_json_reader *r, void *user)
{
    at_size *at = user;
    return tdagi_pt2_text(r, &at->size->expression);
}

static tdag_status parse_size(tdagi_json_reader *r, tdagi_pt2_size *out)
{
    static const tdagi_json_field fields[] = {{"expr_str", true, expression},
                                              {"hint", false, hint}};
    char tag[32];
    at_size at = {out};
    *out = (tdagi_pt2_size){.expression = NULL};
    TDAGI_TRY(tdagi_pt2_tag(r, tag, sizeof(tag)));
    if (strcmp(tag, "as_int") == 0) {
        TDAGI_TRY(tdagi_json_int64(r, &out->number));
        out->has_number = true;
    } else if (strcmp(tag, "as_expr") == 0) {
        TDAGI_TRY(tdagi_json_fields(r, "a size", &at, fields, 2));
    } else {
        return tdagi_json_fail(r, "a size of an unknown kind");
    }
    return tdagi_json_expect(r, '}');
}

static tdag_status parse_sizes(tdagi_json_reader *r, tdagi_pt2_size **out,
                               uint32_t *n_out)
{
    bool first = true, more = false;
    TDAGI_TRY(tdagi_json_expect(r, '['));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(r, ']', &first, &more));
        if (!more) return TDAG_OK;
        *out = tdagi_pt2_room(r->arena, *out, *n_out, sizeof(**out));
        if (*out == NULL) return tdagi_nomem(r->ctx);
        TDAGI_TRY(parse_size(r, &(*out)[*n_out]));
        ++*n_out;
    }
}

static tdag_status meta_dtype(tdagi_json_reader *r, void *user)
{
    tdagi_pt2_meta *meta = user;
    TDAGI_TRY(tdagi_json_int64(r, &meta->scalar_type));
    meta->scalar_type = tdagi_pt2_scalar_type(meta->scalar_type);
    return TDAG_OK;
}

static tdag_status meta_layout(tdagi_json_reader *r, void *user)
{
    tdagi_pt2_meta *meta = user;
    return tdagi_json_int64(r, &meta->layout);
}

static tdag_status meta_sizes(tdagi_json_reader *r, void *user)
{
    tdagi_pt2_meta *meta = user;
    return parse_sizes(r, &meta->sizes, &meta->rank);
}

static tdag_status meta_strides(tdagi_json_reader *r, void *user)
{
    tdagi_pt2_meta *meta = user;
    return parse_sizes(r, &meta->strides, &meta->n_strides);
}

static tdag_status meta_offset(tdagi_json_reader *r, void *user)
{
    tdagi_pt2_meta *meta = user;
    return parse_size(r, &meta->offset);
}

tdag_status tdagi_pt2_parse_meta(tdagi_json_reader *r, tdagi_pt2_meta *out)
{
    static const tdagi_json_field fields[] = {{"dtype", true, meta_dtype},
                                              {"sizes", true, meta_sizes},
                                              {"strides", true, meta_strides},
                                              {"storage_offset", true, meta_offset},
                                              {"layout", false, meta_layout}};
    *out = (tdagi_pt2_meta){.layout = 7};
    return tdagi_json_fields(r, "the type of a tensor", out, fields, 5);
}

bool tdagi_pt2_meta_of(tdagi_pt2 *im, const tdagi_pt2_value *v, tdagi_pt2_meta *out)
{
    if (v->meta.value == NULL) return false;
    tdagi_json_reader r = {.ctx = im->env.ctx,
                           .arena = &im->env.arena,
                           .text = im->text,
                           .end = im->text + im->text_size};
    r = tdagi_json_at(&r, &v->meta);
    tdag_status st = tdagi_pt2_parse_meta(&r, out);
    if (st == TDAG_OK) st = tdagi_json_end(&r);
    if (st != TDAG_OK && tdagi_env_ok(&im->env)) im->env.status = st;
    return st == TDAG_OK;
}
