/* Expressions of TorchScript's source as PyTorch prints them: literals, names,
 * attributes, calls, indices. Operators, which only sources written by hand have, stand
 * in operators.c. */
#include <string.h>

#include "torchscript/native/lex.h"

/* ---- lists ---- */

/* Pushes expressions with commas between, up to the closing bracket, which stays. */
static tdag_status parse_items(tdagi_source_parser *p, int close, bool *comma_out)
{
    *comma_out = true;
    while (*comma_out && p->token.kind != close) {
        const tdagi_source_expr *item = NULL;
        TDAGI_TRY(tdagi_source_expr_parse(p, &item));
        TDAGI_TRY(tdagi_source_push_expr(p, item));
        TDAGI_TRY(tdagi_source_take(p, ',', comma_out));
    }
    return TDAG_OK;
}

/* "(a)" is a, "()", "(a,)" and "(a, b)" are tuples. */
static tdag_status parse_group(tdagi_source_parser *p, const tdagi_source_expr **out)
{
    size_t since = p->stack_size;
    uint32_t offset = p->token.offset;
    bool comma;
    TDAGI_TRY(tdagi_source_next(p));
    TDAGI_TRY(parse_items(p, ')', &comma));
    TDAGI_TRY(tdagi_source_expect(p, ')', "\")\""));
    if (!comma && p->stack_size - since == sizeof(*out)) {
        memcpy(out, p->stack + since, sizeof(*out));
        p->stack_size = since;
        return TDAG_OK;
    }
    tdagi_source_expr *e = NULL;
    TDAGI_TRY(tdagi_source_expr_new(p, TDAGI_EXPR_TUPLE, offset, &e));
    *out = e;
    return tdagi_source_expr_take(p, since, e);
}

static tdag_status parse_list(tdagi_source_parser *p, const tdagi_source_expr **out)
{
    size_t since = p->stack_size;
    tdagi_source_expr *e = NULL;
    bool comma;
    TDAGI_TRY(tdagi_source_expr_new(p, TDAGI_EXPR_LIST, p->token.offset, &e));
    TDAGI_TRY(tdagi_source_next(p));
    TDAGI_TRY(parse_items(p, ']', &comma));
    if (p->token.kind == TDAGI_TOKEN_FOR)
        return tdagi_source_fail(p, p->token.offset,
                                 "list comprehensions are not supported");
    TDAGI_TRY(tdagi_source_expect(p, ']', "\"]\""));
    *out = e;
    return tdagi_source_expr_take(p, since, e);
}

static tdag_status parse_dict(tdagi_source_parser *p, const tdagi_source_expr **out)
{
    size_t since = p->stack_size;
    tdagi_source_expr *e = NULL;
    bool comma = true;
    TDAGI_TRY(tdagi_source_expr_new(p, TDAGI_EXPR_DICT, p->token.offset, &e));
    TDAGI_TRY(tdagi_source_next(p));
    while (comma && p->token.kind != '}') {
        const tdagi_source_expr *item = NULL;
        TDAGI_TRY(tdagi_source_expr_parse(p, &item));
        TDAGI_TRY(tdagi_source_push_expr(p, item));
        TDAGI_TRY(tdagi_source_expect(p, ':', "\":\""));
        TDAGI_TRY(tdagi_source_expr_parse(p, &item));
        TDAGI_TRY(tdagi_source_push_expr(p, item));
        TDAGI_TRY(tdagi_source_take(p, ',', &comma));
    }
    TDAGI_TRY(tdagi_source_expect(p, '}', "\"}\""));
    *out = e;
    return tdagi_source_expr_take(p, since, e);
}

/* ---- calls ---- */

/* Which argument of a call is a type: of these functions, no other. 0: none is. */
static uint32_t type_argument(const tdagi_source_expr *callee)
{
    static const char *const first[] = {"annotate", "unchecked_cast", "uninitialized"};
    if (callee->kind != TDAGI_EXPR_NAME) return 0;
    for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
        if (strcmp(callee->u.s, first[i]) == 0) return 1;
    return strcmp(callee->u.s, "isinstance") == 0 ? 2 : 0;
}

static tdag_status parse_type(tdagi_source_parser *p)
{
    tdagi_source_expr *e = NULL;
    TDAGI_TRY(tdagi_source_expr_new(p, TDAGI_EXPR_TYPE, p->token.offset, &e));
    TDAGI_TRY(tdagi_source_type_parse(p, &e->type));
    return tdagi_source_push_expr(p, e);
}

/* A type, or a tuple or list of types; pushes one node. */
static tdag_status parse_types(tdagi_source_parser *p)
{
    bool is_list = p->token.kind == '[';
    if (!is_list && p->token.kind != '(') return parse_type(p);
    size_t since = p->stack_size;
    tdagi_source_expr *e = NULL;
    TDAGI_TRY(tdagi_source_expr_new(p, is_list ? TDAGI_EXPR_LIST : TDAGI_EXPR_TUPLE,
                                    p->token.offset, &e));
    TDAGI_TRY(tdagi_source_next(p));
    int close = is_list ? ']' : ')';
    bool comma = true;
    while (comma && p->token.kind != close) {
        TDAGI_TRY(parse_type(p));
        TDAGI_TRY(tdagi_source_take(p, ',', &comma));
    }
    TDAGI_TRY(tdagi_source_expect(p, close, is_list ? "\"]\"" : "\")\""));
    TDAGI_TRY(tdagi_source_expr_take(p, since, e));
    return tdagi_source_push_expr(p, e);
}

/* A named argument is pushed as its name, then its value. */
static tdag_status parse_argument(tdagi_source_parser *p, bool is_type, bool was_named,
                                  bool *is_named_out)
{
    *is_named_out = false;
    if (is_type) return parse_types(p);
    const tdagi_source_expr *item = NULL;
    uint32_t offset = p->token.offset;
    TDAGI_TRY(tdagi_source_expr_parse(p, &item));
    if (item->kind == TDAGI_EXPR_NAME)
        TDAGI_TRY(tdagi_source_take(p, '=', is_named_out));
    if (was_named && !*is_named_out)
        return tdagi_source_fail(p, offset,
                                 "an argument without a name after one with it");
    if (*is_named_out) {
        TDAGI_TRY(tdagi_source_push_expr(p, item));
        TDAGI_TRY(tdagi_source_expr_parse(p, &item));
    }
    return tdagi_source_push_expr(p, item);
}

/* Of the pushed pairs of name and value at the end the names go into an array. */
static tdag_status take_names(tdagi_source_parser *p, size_t since,
                              tdagi_source_expr *e)
{
    if (e->n_named == 0) return TDAG_OK;
    const char **names = tdagi_arena_array(p->arena, e->n_named, sizeof(*names));
    if (names == NULL) return tdagi_nomem(p->ctx);
    const tdagi_source_expr **v =
        (const tdagi_source_expr **)(void *)(p->stack + since);
    size_t n = (p->stack_size - since) / sizeof(*v) - 2 * (size_t)e->n_named;
    for (uint32_t i = 0; i < e->n_named; i++) {
        names[i] = v[n + 2 * i]->u.s;
        v[n + i] = v[n + 2 * i + 1];
    }
    p->stack_size -= e->n_named * sizeof(*v);
    e->names = names;
    return TDAG_OK;
}

static tdag_status parse_call(tdagi_source_parser *p, const tdagi_source_expr *callee,
                              const tdagi_source_expr **out)
{
    size_t since = p->stack_size;
    uint32_t types = type_argument(callee), i = 0;
    tdagi_source_expr *e = NULL;
    bool comma = true, is_named = false;
    TDAGI_TRY(tdagi_source_expr_new(p, TDAGI_EXPR_CALL, callee->offset, &e));
    TDAGI_TRY(tdagi_source_push_expr(p, callee));
    TDAGI_TRY(tdagi_source_next(p));
    while (comma && p->token.kind != ')') {
        TDAGI_TRY(parse_argument(p, ++i == types, is_named, &is_named));
        e->n_named += is_named;
        TDAGI_TRY(tdagi_source_take(p, ',', &comma));
    }
    TDAGI_TRY(tdagi_source_expect(p, ')', "\")\""));
    TDAGI_TRY(take_names(p, since, e));
    *out = e;
    return tdagi_source_expr_take(p, since, e);
}

/* ---- attributes and indices ---- */

static tdag_status parse_attr(tdagi_source_parser *p, const tdagi_source_expr *of,
                              const tdagi_source_expr **out)
{
    tdagi_source_expr *e = NULL;
    TDAGI_TRY(tdagi_source_expr_over(p, TDAGI_EXPR_ATTR, of->offset, &of, 1, &e));
    TDAGI_TRY(tdagi_source_next(p));
    e->u.s = p->token.name;
    *out = e;
    if (p->token.kind >= TDAGI_TOKEN_IF) return tdagi_source_next(p);
    return tdagi_source_expect(p, TDAGI_TOKEN_NAME, "a name");
}

/* An expression unless a colon or the end stands here. */
static tdag_status parse_bound(tdagi_source_parser *p, const tdagi_source_expr **out)
{
    int kind = p->token.kind;
    return kind == ':' || kind == ']' || kind == ',' ? TDAG_OK
                                                     : tdagi_source_expr_parse(p, out);
}

/* "i", "a:b", ":b:c" */
static tdag_status parse_subscript(tdagi_source_parser *p)
{
    const tdagi_source_expr *parts[3] = {NULL};
    uint32_t offset = p->token.offset;
    bool is_slice;
    if (p->token.kind != ':') TDAGI_TRY(tdagi_source_expr_parse(p, &parts[0]));
    TDAGI_TRY(tdagi_source_take(p, ':', &is_slice));
    if (!is_slice) return tdagi_source_push_expr(p, parts[0]);
    TDAGI_TRY(parse_bound(p, &parts[1]));
    TDAGI_TRY(tdagi_source_take(p, ':', &is_slice));
    if (is_slice) TDAGI_TRY(parse_bound(p, &parts[2]));
    tdagi_source_expr *e = NULL;
    TDAGI_TRY(tdagi_source_expr_over(p, TDAGI_EXPR_SLICE, offset, parts, 3, &e));
    return tdagi_source_push_expr(p, e);
}

/* What stands in the brackets of an index: several make a tuple. */
static tdag_status parse_subscripts(tdagi_source_parser *p,
                                    const tdagi_source_expr **out)
{
    size_t since = p->stack_size;
    uint32_t offset = p->token.offset;
    bool comma;
    TDAGI_TRY(parse_subscript(p));
    TDAGI_TRY(tdagi_source_take(p, ',', &comma));
    if (!comma) {
        memcpy(out, p->stack + since, sizeof(*out));
        p->stack_size = since;
        return TDAG_OK;
    }
    while (comma && p->token.kind != ']') {
        TDAGI_TRY(parse_subscript(p));
        TDAGI_TRY(tdagi_source_take(p, ',', &comma));
    }
    tdagi_source_expr *e = NULL;
    TDAGI_TRY(tdagi_source_expr_new(p, TDAGI_EXPR_TUPLE, offset, &e));
    *out = e;
    return tdagi_source_expr_take(p, since, e);
}

static tdag_status parse_index(tdagi_source_parser *p, const tdagi_source_expr *of,
                               const tdagi_source_expr **out)
{
    const tdagi_source_expr *items[2] = {of, NULL};
    tdagi_source_expr *e = NULL;
    TDAGI_TRY(tdagi_source_next(p));
    TDAGI_TRY(parse_subscripts(p, &items[1]));
    TDAGI_TRY(tdagi_source_expr_over(p, TDAGI_EXPR_INDEX, of->offset, items, 2, &e));
    *out = e;
    return tdagi_source_expect(p, ']', "\"]\"");
}

/* ---- from atoms to operators ---- */

static tdag_status parse_atom(tdagi_source_parser *p, const tdagi_source_expr **out)
{
    int kind = p->token.kind;
    if (kind == '(') return parse_group(p, out);
    if (kind == '[') return parse_list(p, out);
    if (kind == '{') return parse_dict(p, out);
    tdagi_source_expr *e = NULL;
    TDAGI_TRY(tdagi_source_expr_new(p, TDAGI_EXPR_NONE, p->token.offset, &e));
    *out = e;
    if (kind == TDAGI_TOKEN_NUMBER) return tdagi_source_number(p, false, e);
    if (kind == TDAGI_TOKEN_STRING) return tdagi_source_string(p, e);
    if (kind == TDAGI_TOKEN_NAME) {
        e->kind = TDAGI_EXPR_NAME;
        e->u.s = p->token.name;
    } else if (kind == TDAGI_TOKEN_TRUE || kind == TDAGI_TOKEN_FALSE) {
        e->kind = TDAGI_EXPR_BOOL;
        e->u.i = kind == TDAGI_TOKEN_TRUE;
    } else if (kind != TDAGI_TOKEN_NONE) {
        return tdagi_source_unexpected(p, "an expression");
    }
    return tdagi_source_next(p);
}

tdag_status tdagi_source_postfix_parse(tdagi_source_parser *p,
                                       const tdagi_source_expr **out)
{
    const tdagi_source_expr *e = NULL;
    TDAGI_TRY(parse_atom(p, &e));
    for (;;) {
        if (p->token.kind == '.')
            TDAGI_TRY(parse_attr(p, e, &e));
        else if (p->token.kind == '(')
            TDAGI_TRY(parse_call(p, e, &e));
        else if (p->token.kind == '[')
            TDAGI_TRY(parse_index(p, e, &e));
        else
            break;
    }
    *out = e;
    return TDAG_OK;
}
