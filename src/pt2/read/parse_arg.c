/* Arguments of nodes: unions, objects of one key that tells the kind of the value. */
#include <stdio.h>
#include <string.h>

#include "pt2/read/program.h"

typedef struct at_arg {
    tdagi_pt2_parser *p;
    tdagi_pt2_arg *arg;
} at_arg;

/* ---- names of values ---- */

static tdag_status read_value(tdagi_json_reader *r, void *user)
{
    at_arg *at = user;
    const char *name;
    size_t n;
    TDAGI_TRY(tdagi_json_bytes(r, &name, &n));
    if (memchr(name, '\0', n) != NULL || !tdagi_json_is_utf8(name, name + n))
        return tdagi_json_fail(r, "the name of a value is not UTF-8");
    at->arg->kind = TDAGI_PT2_VALUE;
    at->arg->u.value =
        tdagi_pt2_intern(&at->p->graph->values, name, n, sizeof(tdagi_pt2_value));
    return at->arg->u.value == NULL ? tdagi_nomem(r->ctx) : TDAG_OK;
}

tdag_status tdagi_pt2_parse_name(tdagi_json_reader *r, tdagi_pt2_parser *p,
                                 tdagi_pt2_arg *out)
{
    static const tdagi_json_field fields[] = {{"name", true, read_value}};
    at_arg at = {p, out};
    TDAGI_TRY(tdagi_json_fields(r, "a tensor argument", &at, fields, 1));
    out->is_tensor = true;
    return TDAG_OK;
}

/* ---- kinds ---- */

static tdag_status read_tensor(tdagi_json_reader *r, tdagi_pt2_parser *p,
                               tdagi_pt2_arg *out)
{
    return tdagi_pt2_parse_name(r, p, out);
}

static tdag_status read_none(tdagi_json_reader *r, tdagi_pt2_parser *p,
                             tdagi_pt2_arg *out)
{
    (void)p;
    out->kind = TDAGI_PT2_NONE;
    return tdagi_json_skip(r);
}

static tdag_status read_int(tdagi_json_reader *r, tdagi_pt2_parser *p,
                            tdagi_pt2_arg *out)
{
    (void)p;
    out->kind = TDAGI_PT2_INT;
    return tdagi_json_int64(r, &out->u.i);
}

static tdag_status read_float(tdagi_json_reader *r, tdagi_pt2_parser *p,
                              tdagi_pt2_arg *out)
{
    (void)p;
    out->kind = TDAGI_PT2_FLOAT;
    return tdagi_json_f64(r, &out->u.f);
}

static tdag_status read_real(tdagi_json_reader *r, void *user)
{
    return tdagi_json_f64(r, (double *)user);
}

static tdag_status read_imaginary(tdagi_json_reader *r, void *user)
{
    return tdagi_json_f64(r, (double *)user + 1);
}

static tdag_status read_complex(tdagi_json_reader *r, tdagi_pt2_parser *p,
                                tdagi_pt2_arg *out)
{
    static const tdagi_json_field fields[] = {{"real", true, read_real},
                                              {"imag", true, read_imaginary}};
    (void)p;
    out->kind = TDAGI_PT2_COMPLEX;
    out->u.pair = tdagi_arena_array(r->arena, 2, sizeof(double));
    if (out->u.pair == NULL) return tdagi_nomem(r->ctx);
    return tdagi_json_fields(r, "a complex number", out->u.pair, fields, 2);
}

static tdag_status read_bool(tdagi_json_reader *r, tdagi_pt2_parser *p,
                             tdagi_pt2_arg *out)
{
    (void)p;
    bool b = false;
    TDAGI_TRY(tdagi_json_bool(r, &b));
    out->kind = TDAGI_PT2_BOOL;
    out->u.i = b;
    return TDAG_OK;
}

static tdag_status read_string(tdagi_json_reader *r, tdagi_pt2_parser *p,
                               tdagi_pt2_arg *out)
{
    (void)p;
    out->kind = TDAGI_PT2_STRING;
    return tdagi_pt2_text(r, &out->u.s);
}

static tdag_status read_dtype(tdagi_json_reader *r, tdagi_pt2_parser *p,
                              tdagi_pt2_arg *out)
{
    TDAGI_TRY(read_int(r, p, out));
    out->kind = TDAGI_PT2_DTYPE;
    out->u.i = tdagi_pt2_scalar_type(out->u.i);
    return TDAG_OK;
}

static tdag_status read_layout(tdagi_json_reader *r, tdagi_pt2_parser *p,
                               tdagi_pt2_arg *out)
{
    static const int8_t of_file[] = {-1, 1, 2, 4, 5, 6, 3, 0};
    TDAGI_TRY(read_int(r, p, out));
    out->kind = TDAGI_PT2_LAYOUT;
    out->u.i = out->u.i >= 1 && out->u.i <= 7 ? of_file[out->u.i] : -1;
    return TDAG_OK;
}

static tdag_status read_memory_format(tdagi_json_reader *r, tdagi_pt2_parser *p,
                                      tdagi_pt2_arg *out)
{
    static const int8_t of_file[] = {-1, 0, 2, 3, 1};
    TDAGI_TRY(read_int(r, p, out));
    out->kind = TDAGI_PT2_MEMORY_FORMAT;
    out->u.i = out->u.i >= 1 && out->u.i <= 4 ? of_file[out->u.i] : -1;
    return TDAG_OK;
}

static tdag_status read_device_type(tdagi_json_reader *r, void *user)
{
    at_arg *at = user;
    return tdagi_pt2_text(r, &at->arg->u.s);
}

static tdag_status read_device(tdagi_json_reader *r, tdagi_pt2_parser *p,
                               tdagi_pt2_arg *out)
{
    static const tdagi_json_field fields[] = {{"type", true, read_device_type}};
    at_arg at = {p, out};
    out->kind = TDAGI_PT2_DEVICE;
    return tdagi_json_fields(r, "a device", &at, fields, 1);
}

static tdag_status read_graph(tdagi_json_reader *r, void *user)
{
    at_arg *at = user;
    at->arg->kind = TDAGI_PT2_GRAPH;
    return tdagi_pt2_parse_graph(r, at->p, &at->arg->u.graph);
}

static tdag_status read_graph_argument(tdagi_json_reader *r, tdagi_pt2_parser *p,
                                       tdagi_pt2_arg *out)
{
    static const tdagi_json_field fields[] = {{"graph", true, read_graph}};
    at_arg at = {p, out};
    return tdagi_json_fields(r, "a graph argument", &at, fields, 1);
}

/* A size, number or truth that is computed ("as_name") or known. */
static tdag_status read_symbolic(tdagi_json_reader *r, tdagi_pt2_parser *p,
                                 tdagi_pt2_arg *out)
{
    char tag[32];
    TDAGI_TRY(tdagi_pt2_tag(r, tag, sizeof(tag)));
    if (strcmp(tag, "as_name") == 0) {
        at_arg at = {p, out};
        TDAGI_TRY(read_value(r, &at));
    } else if (strcmp(tag, "as_int") == 0) {
        TDAGI_TRY(read_int(r, p, out));
    } else if (strcmp(tag, "as_float") == 0) {
        TDAGI_TRY(read_float(r, p, out));
    } else if (strcmp(tag, "as_bool") == 0) {
        TDAGI_TRY(read_bool(r, p, out));
    } else {
        return tdagi_json_fail(r, "an unknown kind of symbolic number");
    }
    return tdagi_json_expect(r, '}');
}

/* ---- lists ---- */

typedef tdag_status (*read_item)(tdagi_json_reader *r, tdagi_pt2_parser *p,
                                 tdagi_pt2_arg *out);

static tdag_status read_items(tdagi_json_reader *r, tdagi_pt2_parser *p, read_item read,
                              tdagi_pt2_arg **out, uint32_t *n_out)
{
    bool first = true, more = false;
    *n_out = 0;
    *out = NULL;
    TDAGI_TRY(tdagi_json_expect(r, '['));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(r, ']', &first, &more));
        if (!more) return TDAG_OK;
        tdagi_pt2_arg item = {.kind = TDAGI_PT2_NONE};
        TDAGI_TRY(read(r, p, &item));
        *out = tdagi_pt2_room(r->arena, *out, *n_out, sizeof(item));
        if (*out == NULL) return tdagi_nomem(r->ctx);
        (*out)[(*n_out)++] = item;
    }
}

tdag_status tdagi_pt2_parse_args(tdagi_json_reader *r, tdagi_pt2_parser *p,
                                 tdagi_pt2_arg **out, uint32_t *n_out)
{
    return read_items(r, p, tdagi_pt2_parse_arg, out, n_out);
}

static tdag_status read_list(tdagi_json_reader *r, tdagi_pt2_parser *p, read_item read,
                             tdagi_pt2_arg *out)
{
    TDAGI_TRY(read_items(r, p, read, &out->u.items, &out->n));
    out->kind = TDAGI_PT2_LIST;
    return TDAG_OK;
}

static tdag_status read_ints(tdagi_json_reader *r, tdagi_pt2_parser *p,
                             tdagi_pt2_arg *out)
{
    return read_list(r, p, read_int, out);
}

static tdag_status read_floats(tdagi_json_reader *r, tdagi_pt2_parser *p,
                               tdagi_pt2_arg *out)
{
    return read_list(r, p, read_float, out);
}

static tdag_status read_tensors(tdagi_json_reader *r, tdagi_pt2_parser *p,
                                tdagi_pt2_arg *out)
{
    return read_list(r, p, read_tensor, out);
}

/* ---- tags ---- */

static const struct {
    const char *tag;
    read_item read;
    bool is_list;
} kinds[] = {
    {"as_tensor", read_tensor, false},
    {"as_int", read_int, false},
    {"as_ints", read_int, true},
    {"as_float", read_float, false},
    {"as_bool", read_bool, false},
    {"as_complex", read_complex, false},
    {"as_none", read_none, false},
    {"as_sym_ints", read_symbolic, true},
    {"as_tensors", read_tensor, true},
    {"as_scalar_type", read_dtype, false},
    {"as_device", read_device, false},
    {"as_layout", read_layout, false},
    {"as_memory_format", read_memory_format, false},
    {"as_sym_int", read_symbolic, false},
    {"as_string", read_string, false},
    {"as_optional_tensors", tdagi_pt2_parse_arg, true},
    {"as_optional_tensor", tdagi_pt2_parse_arg, false},
    {"as_sym_bool", read_symbolic, false},
    {"as_sym_float", read_symbolic, false},
    {"as_sym_floats", read_symbolic, true},
    {"as_sym_bools", read_symbolic, true},
    {"as_floats", read_float, true},
    {"as_bools", read_bool, true},
    {"as_strings", read_string, true},
    {"as_int_lists", read_ints, true},
    {"as_float_lists", read_floats, true},
    {"as_nested_tensors", read_tensors, true},
    {"as_graph", read_graph_argument, false},
};

static tdag_status read_other(tdagi_json_reader *r, const char *tag, tdagi_pt2_arg *out)
{
    out->kind = TDAGI_PT2_OTHER;
    out->u.s = tdagi_arena_strdup(r->arena, tag);
    return out->u.s == NULL ? tdagi_nomem(r->ctx) : tdagi_json_skip(r);
}

/* as_optional_tensor holds another union, never a graph: nesting ends there. */
tdag_status tdagi_pt2_parse_arg(tdagi_json_reader *r, tdagi_pt2_parser *p,
                                tdagi_pt2_arg *out)
{
    char tag[48];
    size_t i = 0, n = sizeof(kinds) / sizeof(kinds[0]);
    if (++p->depth > 4 * TDAGI_PT2_MAX_DEPTH)
        return tdagi_fail(r->ctx, TDAG_E_LIMIT, "arguments nest deeper than %d",
                          4 * TDAGI_PT2_MAX_DEPTH);
    TDAGI_TRY(tdagi_pt2_tag(r, tag, sizeof(tag)));
    while (i < n && strcmp(kinds[i].tag, tag) != 0)
        i++;
    if (i == n) {
        TDAGI_TRY(read_other(r, tag, out));
    } else if (kinds[i].is_list) {
        TDAGI_TRY(read_list(r, p, kinds[i].read, out));
    } else {
        TDAGI_TRY(kinds[i].read(r, p, out));
    }
    p->depth--;
    return tdagi_json_expect(r, '}');
}
