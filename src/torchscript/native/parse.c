/* Files and classes of TorchScript's source: what torch.jit.save() writes, which is
 *
 *   file    = { "op_version_set = 1" NL } { class | def }
 *   class   = "class" NAME [ "(" NAME ")" ] ":" block of member
 *   member  = "__parameters__ = [" { STRING "," } "]"    and __buffers__, hooks
 *           | "__annotations__ = []" | "__annotations__[" STRING "] = " type
 *           | NAME ":" type | NAME ":" "Final[" type "] =" expr | NAME "=" expr | def
 *   def     = "def" NAME "(" [ arg { "," arg } ] ")" [ "->" type ] ":" block
 *   arg     = NAME [ ":" type ] [ "=" expr ]
 *
 * The rest of the grammar stands where it is read: statements in stmt.c, expressions in
 * expr.c and operators.c, types in type.c, tokens in lex.c. */
#include <string.h>

#include "torchscript/native/lex.h"

/* The role of a name in the class at hand: the class's number, and these bits. */
enum { ROLE_PARAMETER = 1, ROLE_BUFFER = 2, ROLE_BITS = 2 };

typedef struct tdagi_source_class_attr attr;

/* ---- lists of names ---- */

/* Strings in brackets, pushed as interned names. */
static tdag_status push_names(tdagi_source_parser *p)
{
    bool comma = true;
    TDAGI_TRY(tdagi_source_expect(p, '[', "\"[\""));
    while (comma && p->token.kind != ']') {
        tdagi_source_expr text = {0};
        if (p->token.kind != TDAGI_TOKEN_STRING)
            return tdagi_source_unexpected(p, "a string");
        TDAGI_TRY(tdagi_source_string(p, &text));
        const tdagi_source_name *name = tdagi_source_intern(p, text.u.s, text.n_s);
        if (name == NULL) return tdagi_nomem(p->ctx);
        TDAGI_TRY(tdagi_source_push(p, &name->text, sizeof(name->text)));
        TDAGI_TRY(tdagi_source_take(p, ',', &comma));
    }
    return tdagi_source_expect(p, ']', "\"]\"");
}

/* Names with that role from here to the end of the class. */
static tdag_status parse_roles(tdagi_source_parser *p, uint32_t role)
{
    size_t since = p->stack_size;
    const char **names = NULL;
    TDAGI_TRY(push_names(p));
    uint32_t n = (uint32_t)((p->stack_size - since) / sizeof(*names));
    TDAGI_TRY(tdagi_source_pop(p, since, &names));
    for (uint32_t i = 0; i < n; i++) {
        tdagi_source_name *name =
            tdagi_source_intern(p, names[i], (uint32_t)strlen(names[i]));
        if (name == NULL) return tdagi_nomem(p->ctx);
        if (name->role >> ROLE_BITS != p->n_classes)
            name->role = p->n_classes << ROLE_BITS;
        name->role |= role;
    }
    return TDAG_OK;
}

/* An array that NULL ends. */
static tdag_status parse_hooks(tdagi_source_parser *p, const char ***out)
{
    const char *end = NULL;
    size_t since = p->stack_size;
    TDAGI_TRY(push_names(p));
    TDAGI_TRY(tdagi_source_push(p, &end, sizeof(end)));
    return tdagi_source_pop(p, since, out);
}

/* ---- members ---- */

/* "__annotations__ = []" or "__annotations__["0"] = type", for names that are none of
 * the language's. */
static tdag_status parse_annotation(tdagi_source_parser *p, attr *a, bool *is_attr_out)
{
    tdagi_source_expr text = {0};
    TDAGI_TRY(tdagi_source_take(p, '[', is_attr_out));
    if (!*is_attr_out) {
        TDAGI_TRY(tdagi_source_expect(p, '=', "\"=\""));
        TDAGI_TRY(tdagi_source_expect(p, '[', "\"[]\""));
        return tdagi_source_expect(p, ']', "\"[]\"");
    }
    if (p->token.kind != TDAGI_TOKEN_STRING)
        return tdagi_source_unexpected(p, "a string");
    TDAGI_TRY(tdagi_source_string(p, &text));
    TDAGI_TRY(tdagi_source_expect(p, ']', "\"]\""));
    TDAGI_TRY(tdagi_source_expect(p, '=', "\"=\""));
    const tdagi_source_name *name = tdagi_source_intern(p, text.u.s, text.n_s);
    if (name == NULL) return tdagi_nomem(p->ctx);
    a->name = name->text;
    return tdagi_source_type_parse(p, &a->type);
}

/* ": type", ": type = value", "= value" */
static tdag_status parse_attr(tdagi_source_parser *p, attr *a)
{
    bool taken;
    TDAGI_TRY(tdagi_source_take(p, ':', &taken));
    if (taken) {
        TDAGI_TRY(tdagi_source_type_parse(p, &a->type));
        TDAGI_TRY(tdagi_source_take(p, '=', &taken));
        if (!taken) return TDAG_OK;
        if (strcmp(a->type->name, "Final") == 0 && a->type->n == 1)
            a->type = a->type->args[0];
        return tdagi_source_expr_parse(p, &a->value);
    }
    TDAGI_TRY(tdagi_source_expect(p, '=', "\":\" or \"=\""));
    return tdagi_source_expr_parse(p, &a->value);
}

static tdag_status parse_named(tdagi_source_parser *p, tdagi_source_class *c, attr *a,
                               bool *is_attr_out)
{
    const struct {
        const char *name;
        uint32_t role;
        const char ***hooks;
    } lists[] = {{"__parameters__", ROLE_PARAMETER, NULL},
                 {"__buffers__", ROLE_BUFFER, NULL},
                 {"__forward_hooks__", 0, &c->forward_hooks},
                 {"__forward_pre_hooks__", 0, &c->forward_pre_hooks}};
    TDAGI_TRY(tdagi_source_expect_name(p, &a->name));
    *is_attr_out = false;
    if (strcmp(a->name, "__annotations__") == 0)
        return parse_annotation(p, a, is_attr_out);
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        if (strcmp(a->name, lists[i].name) != 0) continue;
        TDAGI_TRY(tdagi_source_expect(p, '=', "\"=\""));
        return lists[i].hooks == NULL ? parse_roles(p, lists[i].role)
                                      : parse_hooks(p, lists[i].hooks);
    }
    *is_attr_out = true;
    return parse_attr(p, a);
}

/* A line of a class; what is an attribute is pushed. */
static tdag_status parse_member(tdagi_source_parser *p, tdagi_source_class *c)
{
    attr a = {0};
    bool is_attr = false, is_pass;
    TDAGI_TRY(tdagi_source_take(p, TDAGI_TOKEN_PASS, &is_pass));
    if (!is_pass) TDAGI_TRY(parse_named(p, c, &a, &is_attr));
    if (is_attr) TDAGI_TRY(tdagi_source_push(p, &a, sizeof(a)));
    return tdagi_source_line_end(p);
}

/* ---- classes ---- */

static tdag_status take_attrs(tdagi_source_parser *p, size_t since,
                              tdagi_source_class *c)
{
    attr *attrs = NULL;
    c->n_attrs = (uint32_t)((p->stack_size - since) / sizeof(*attrs));
    TDAGI_TRY(tdagi_source_pop(p, since, &attrs));
    c->attrs = attrs;
    for (uint32_t i = 0; i < c->n_attrs; i++) {
        const tdagi_source_name *name =
            tdagi_source_intern(p, attrs[i].name, (uint32_t)strlen(attrs[i].name));
        if (name == NULL) return tdagi_nomem(p->ctx);
        if (name->role >> ROLE_BITS != p->n_classes) continue;
        attrs[i].is_parameter = (name->role & ROLE_PARAMETER) != 0;
        attrs[i].is_buffer = (name->role & ROLE_BUFFER) != 0;
    }
    return TDAG_OK;
}

static tdag_status parse_body(tdagi_source_parser *p, tdagi_source_class *c)
{
    size_t since = p->stack_size;
    const tdagi_source_function **last = &c->functions;
    TDAGI_TRY(tdagi_source_expect(p, ':', "\":\""));
    TDAGI_TRY(tdagi_source_line_end(p));
    TDAGI_TRY(tdagi_source_expect(p, TDAGI_TOKEN_INDENT, "a deeper indent"));
    while (p->token.kind != TDAGI_TOKEN_DEDENT) {
        if (p->token.kind != TDAGI_TOKEN_DEF) {
            TDAGI_TRY(parse_member(p, c));
            continue;
        }
        tdagi_source_function *f = NULL;
        TDAGI_TRY(tdagi_source_def_parse(p, &f));
        *last = f;
        last = &f->next;
    }
    TDAGI_TRY(take_attrs(p, since, c));
    return tdagi_source_next(p);
}

static tdag_status parse_class(tdagi_source_parser *p, tdagi_source_class **out)
{
    tdagi_source_class *c = NULL;
    bool has_base;
    TDAGI_TRY(tdagi_source_node(p, sizeof(*c), &c));
    c->offset = p->token.offset;
    c->base = "";
    p->n_classes++;
    TDAGI_TRY(tdagi_source_next(p));
    TDAGI_TRY(tdagi_source_expect_name(p, &c->name));
    TDAGI_TRY(tdagi_source_take(p, '(', &has_base));
    if (has_base) {
        TDAGI_TRY(tdagi_source_expect_name(p, &c->base));
        TDAGI_TRY(tdagi_source_expect(p, ')', "\")\""));
    }
    *out = c;
    return parse_body(p, c);
}

/* ---- files ---- */

/* "op_version_set = 1" */
static tdag_status parse_version(tdagi_source_parser *p, tdagi_source *out)
{
    if (p->token.kind != TDAGI_TOKEN_NAME ||
        strcmp(p->token.name, "op_version_set") != 0)
        return tdagi_source_unexpected(p, "a class or a function");
    out->has_op_version_set = true;
    TDAGI_TRY(tdagi_source_next(p));
    TDAGI_TRY(tdagi_source_expect(p, '=', "\"=\""));
    TDAGI_TRY(tdagi_source_expect(p, TDAGI_TOKEN_NUMBER, "a number"));
    return tdagi_source_line_end(p);
}

static tdag_status parse_file(tdagi_source_parser *p, tdagi_source *out)
{
    const tdagi_source_class **last_class = &out->classes;
    const tdagi_source_function **last_function = &out->functions;
    TDAGI_TRY(tdagi_source_next(p));
    while (p->token.kind != TDAGI_TOKEN_END) {
        if (p->token.kind == TDAGI_TOKEN_CLASS) {
            tdagi_source_class *c = NULL;
            TDAGI_TRY(parse_class(p, &c));
            *last_class = c;
            last_class = &c->next;
        } else if (p->token.kind == TDAGI_TOKEN_DEF) {
            tdagi_source_function *f = NULL;
            TDAGI_TRY(tdagi_source_def_parse(p, &f));
            *last_function = f;
            last_function = &f->next;
        } else {
            TDAGI_TRY(parse_version(p, out));
        }
    }
    return TDAG_OK;
}

tdag_status tdagi_source_parse(tdag_ctx *ctx, tdagi_arena *arena, const char *path,
                               const char *text, size_t size, tdagi_source *out)
{
    if (size > UINT32_MAX - 64)
        return tdagi_fail(ctx, TDAG_E_LIMIT, "%s: a source of %zu bytes", path, size);
    tdagi_source_parser p = {.ctx = ctx,
                             .arena = arena,
                             .path = path,
                             .text = text,
                             .size = (uint32_t)size,
                             .is_line_start = true};
    tdagi_source source = {.path = path, .text = text, .size = size};
    tdag_status st = parse_file(&p, &source);
    if (st == TDAG_OK) *out = source;
    tdagi_free(ctx, p.stack, p.stack_capacity);
    return st;
}
