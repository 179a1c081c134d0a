/* The signature of a program, what each input and output of its graph is, and how the
 * user's arguments and results are arranged. */
#include <string.h>

#include "pt2/read/program.h"

typedef struct at_spec {
    tdagi_pt2_parser *p;
    tdagi_pt2_spec *spec;
    bool is_output;
} at_spec;

/* ---- one spec ---- */

static tdag_status spec_arg(tdagi_json_reader *r, void *user)
{
    at_spec *at = user;
    return tdagi_pt2_parse_arg(r, at->p, &at->spec->arg);
}

/* {"name": "p_weight"}, without a tag. */
static tdag_status spec_tensor(tdagi_json_reader *r, void *user)
{
    at_spec *at = user;
    return tdagi_pt2_parse_name(r, at->p, &at->spec->arg);
}

static tdag_status spec_name(tdagi_json_reader *r, void *user)
{
    at_spec *at = user;
    return tdagi_pt2_text(r, &at->spec->name);
}

static const struct {
    const char *tag, *name_key;
    bool of_output;
    uint8_t role;
} roles[] = {
    {"parameter", "parameter_name", false, TDAGI_PT2_PARAMETER},
    {"buffer", "buffer_name", false, TDAGI_PT2_BUFFER},
    {"tensor_constant", "tensor_constant_name", false, TDAGI_PT2_CONSTANT},
    {"buffer_mutation", "buffer_name", true, TDAGI_PT2_MUTATION},
    {"parameter_mutation", "parameter_name", true, TDAGI_PT2_MUTATION},
    {"user_input_mutation", "user_input_name", true, TDAGI_PT2_MUTATION},
};

static tdag_status read_state(tdagi_json_reader *r, at_spec *at, size_t role)
{
    const tdagi_json_field fields[] = {{"arg", true, spec_tensor},
                                       {roles[role].name_key, true, spec_name}};
    at->spec->role = roles[role].role;
    return tdagi_json_fields(r, "an entry of the signature", at, fields, 2);
}

static tdag_status read_user(tdagi_json_reader *r, at_spec *at)
{
    static const tdagi_json_field fields[] = {{"arg", true, spec_arg}};
    at->spec->role = TDAGI_PT2_USER;
    return tdagi_json_fields(r, "an entry of the signature", at, fields, 1);
}

static tdag_status read_literal(tdagi_json_reader *r, at_spec *at)
{
    static const tdagi_json_field fields[] = {{"name", true, spec_name},
                                              {"value", true, spec_arg}};
    at->spec->role = TDAGI_PT2_LITERAL;
    return tdagi_json_fields(r, "an entry of the signature", at, fields, 2);
}

static tdag_status read_spec(tdagi_json_reader *r, at_spec *at)
{
    char tag[48];
    size_t i = 0, n = sizeof(roles) / sizeof(roles[0]);
    TDAGI_TRY(tdagi_pt2_tag(r, tag, sizeof(tag)));
    while (i < n &&
           (roles[i].of_output != at->is_output || strcmp(roles[i].tag, tag) != 0))
        i++;
    if (i < n) {
        TDAGI_TRY(read_state(r, at, i));
    } else if (strcmp(tag, at->is_output ? "user_output" : "user_input") == 0) {
        TDAGI_TRY(read_user(r, at));
    } else if (!at->is_output && strcmp(tag, "constant_input") == 0) {
        TDAGI_TRY(read_literal(r, at));
    } else {
        at->spec->role = TDAGI_PT2_UNKNOWN;
        at->spec->name = tdagi_arena_strdup(r->arena, tag);
        if (at->spec->name == NULL) return tdagi_nomem(r->ctx);
        TDAGI_TRY(tdagi_json_skip(r));
    }
    return tdagi_json_expect(r, '}');
}

static tdag_status read_specs(tdagi_json_reader *r, tdagi_pt2_parser *p, bool is_output,
                              tdagi_pt2_spec **out, uint32_t *n_out)
{
    bool first = true, more = false;
    TDAGI_TRY(tdagi_json_expect(r, '['));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(r, ']', &first, &more));
        if (!more) return TDAG_OK;
        tdagi_pt2_spec spec = {.name = ""};
        at_spec at = {p, &spec, is_output};
        TDAGI_TRY(read_spec(r, &at));
        *out = tdagi_pt2_room(r->arena, *out, *n_out, sizeof(spec));
        if (*out == NULL) return tdagi_nomem(r->ctx);
        (*out)[(*n_out)++] = spec;
    }
}

static tdag_status input_specs(tdagi_json_reader *r, void *user)
{
    tdagi_pt2_parser *p = user;
    return read_specs(r, p, false, &p->program->inputs, &p->program->n_inputs);
}

static tdag_status output_specs(tdagi_json_reader *r, void *user)
{
    tdagi_pt2_parser *p = user;
    return read_specs(r, p, true, &p->program->outputs, &p->program->n_outputs);
}

tdag_status tdagi_pt2_parse_signature(tdagi_json_reader *r, void *parser)
{
    static const tdagi_json_field fields[] = {{"input_specs", true, input_specs},
                                              {"output_specs", true, output_specs}};
    return tdagi_json_fields(r, "the signature", parser, fields, 2);
}

/* ---- lists of names ---- */

static tdag_status read_names(tdagi_json_reader *r, const char ***out, uint32_t *n_out)
{
    bool first = true, more = false;
    TDAGI_TRY(tdagi_json_expect(r, '['));
    for (;;) {
        const char *name;
        TDAGI_TRY(tdagi_json_next(r, ']', &first, &more));
        if (!more) return TDAG_OK;
        TDAGI_TRY(tdagi_pt2_text(r, &name));
        const char **room = tdagi_pt2_room(r->arena, *out, *n_out, sizeof(*room));
        if (room == NULL) return tdagi_nomem(r->ctx);
        room[(*n_out)++] = name;
        *out = room;
    }
}

tdag_status tdagi_pt2_list_of_names(tdag_ctx *ctx, tdagi_arena *arena, const char *json,
                                    const char ***out, uint32_t *n_out)
{
    tdagi_json_reader r = {.ctx = ctx,
                           .arena = arena,
                           .text = json,
                           .p = json,
                           .end = json + strlen(json)};
    *out = NULL;
    *n_out = 0;
    TDAGI_TRY(read_names(&r, out, n_out));
    return tdagi_json_end(&r);
}

static tdag_status named_tuple_fields(tdagi_json_reader *r, void *user)
{
    tdagi_pt2_named_tuple *t = user;
    return read_names(r, &t->fields, &t->n);
}

tdag_status tdagi_pt2_parse_named_tuples(tdagi_json_reader *r, void *parser)
{
    static const tdagi_json_field fields[] = {
        {"field_names", true, named_tuple_fields}};
    tdagi_pt2_parser *p = parser;
    bool first = true, more = false;
    TDAGI_TRY(tdagi_json_expect(r, '{'));
    for (;;) {
        const char *name;
        TDAGI_TRY(tdagi_json_next(r, '}', &first, &more));
        if (!more) return TDAG_OK;
        TDAGI_TRY(tdagi_json_key(r, &name));
        tdagi_pt2_named_tuple *t =
            tdagi_pt2_intern(&p->program->named_tuples, name, strlen(name), sizeof(*t));
        if (t == NULL) return tdagi_nomem(r->ctx);
        TDAGI_TRY(tdagi_json_fields(r, "a named tuple", t, fields, 1));
    }
}

/* ---- trees ---- */

typedef struct at_tree {
    tdagi_pt2_tree *tree;
    uint32_t depth;
} at_tree;

static tdag_status tree_text(tdagi_json_reader *r, const char **out)
{
    if (tdagi_json_take_null(r)) return TDAG_OK;
    if (tdagi_json_peek(r) == '"') return tdagi_pt2_text(r, out);
    return tdagi_json_skip(r); /* a context that is no string names nothing */
}

static tdag_status tree_type(tdagi_json_reader *r, void *user)
{
    at_tree *at = user;
    return tree_text(r, &at->tree->type);
}

static tdag_status tree_context(tdagi_json_reader *r, void *user)
{
    at_tree *at = user;
    return tree_text(r, &at->tree->context);
}

static tdag_status read_tree(tdagi_json_reader *r, uint32_t depth, tdagi_pt2_tree *out);

static tdag_status tree_items(tdagi_json_reader *r, void *user)
{
    at_tree *at = user;
    bool first = true, more = false;
    TDAGI_TRY(tdagi_json_expect(r, '['));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(r, ']', &first, &more));
        if (!more) return TDAG_OK;
        tdagi_pt2_tree item;
        TDAGI_TRY(read_tree(r, at->depth + 1, &item));
        at->tree->items =
            tdagi_pt2_room(r->arena, at->tree->items, at->tree->n, sizeof(item));
        if (at->tree->items == NULL) return tdagi_nomem(r->ctx);
        at->tree->items[at->tree->n++] = item;
    }
}

static tdag_status read_tree(tdagi_json_reader *r, uint32_t depth, tdagi_pt2_tree *out)
{
    static const tdagi_json_field fields[] = {{"type", true, tree_type},
                                              {"context", false, tree_context},
                                              {"children_spec", true, tree_items}};
    if (depth > TDAGI_STRUCTURE_MAX_DEPTH)
        return tdagi_fail(r->ctx, TDAG_E_LIMIT,
                          "arguments or results are arranged deeper than %d",
                          TDAGI_STRUCTURE_MAX_DEPTH);
    *out = (tdagi_pt2_tree){.type = "", .context = ""};
    at_tree at = {out, depth};
    return tdagi_json_fields(r, "a structure", &at, fields, 3);
}

/* A string that holds the JSON [1, TREE]. */
static tdag_status read_tree_text(tdagi_json_reader *r, tdagi_pt2_tree **out)
{
    const char *text;
    int64_t version = 0;
    if (tdagi_json_take_null(r)) return TDAG_OK;
    TDAGI_TRY(tdagi_pt2_text(r, &text));
    if (*text == '\0') return TDAG_OK;
    tdagi_pt2_tree *tree = tdagi_arena_alloc(r->arena, sizeof(*tree));
    if (tree == NULL) return tdagi_nomem(r->ctx);
    tdagi_json_reader inner = {.ctx = r->ctx,
                               .arena = r->arena,
                               .text = text,
                               .p = text,
                               .end = text + strlen(text)};
    TDAGI_TRY(tdagi_json_expect(&inner, '['));
    TDAGI_TRY(tdagi_json_int64(&inner, &version));
    if (version != 1) return tdagi_json_fail(r, "structures of an unknown version");
    TDAGI_TRY(tdagi_json_expect(&inner, ','));
    TDAGI_TRY(read_tree(&inner, 0, tree));
    TDAGI_TRY(tdagi_json_expect(&inner, ']'));
    *out = tree;
    return tdagi_json_end(&inner);
}

/* ---- the root module's call ---- */

typedef struct at_call {
    tdagi_pt2_parser *p;
    const char *fqn;
    tdagi_pt2_tree *in, *out;
    const char **names;
    uint32_t n_names;
} at_call;

static tdag_status call_in(tdagi_json_reader *r, void *user)
{
    at_call *at = user;
    return read_tree_text(r, &at->in);
}

static tdag_status call_out(tdagi_json_reader *r, void *user)
{
    at_call *at = user;
    return read_tree_text(r, &at->out);
}

static tdag_status call_names(tdagi_json_reader *r, void *user)
{
    at_call *at = user;
    return tdagi_json_take_null(r) ? TDAG_OK : read_names(r, &at->names, &at->n_names);
}

static tdag_status call_signature(tdagi_json_reader *r, void *user)
{
    static const tdagi_json_field fields[] = {{"in_spec", false, call_in},
                                              {"out_spec", false, call_out},
                                              {"forward_arg_names", false, call_names}};
    if (tdagi_json_take_null(r)) return TDAG_OK;
    return tdagi_json_fields(r, "a module's signature", user, fields, 3);
}

static tdag_status call_fqn(tdagi_json_reader *r, void *user)
{
    at_call *at = user;
    return tdagi_pt2_text(r, &at->fqn);
}

/* The entry of the root module, whose name is "". */
tdag_status tdagi_pt2_parse_calls(tdagi_json_reader *r, void *parser)
{
    static const tdagi_json_field fields[] = {{"fqn", true, call_fqn},
                                              {"signature", false, call_signature}};
    tdagi_pt2_parser *p = parser;
    bool first = true, more = false;
    TDAGI_TRY(tdagi_json_expect(r, '['));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(r, ']', &first, &more));
        if (!more) return TDAG_OK;
        at_call at = {.p = p, .fqn = ""};
        TDAGI_TRY(tdagi_json_fields(r, "a module", &at, fields, 2));
        if (*at.fqn != '\0') continue;
        p->program->in = at.in;
        p->program->out = at.out;
        p->program->arg_names = at.names;
        p->program->n_arg_names = at.n_names;
    }
}
