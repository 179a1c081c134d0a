/* Statements and functions of TorchScript's source. */
#include "torchscript/native/lex.h"

static tdag_status parse_block(tdagi_source_parser *p, const tdagi_source_stmt **out);

tdag_status tdagi_source_line_end(tdagi_source_parser *p)
{
    return tdagi_source_expect(p, TDAGI_TOKEN_NEWLINE, "the end of the line");
}

/* ---- what is assigned to ---- */

static tdag_status check_target(tdagi_source_parser *p, const tdagi_source_expr *e)
{
    if (e->kind == TDAGI_EXPR_NAME || e->kind == TDAGI_EXPR_ATTR ||
        e->kind == TDAGI_EXPR_INDEX)
        return TDAG_OK;
    return tdagi_source_fail(p, e->offset, "this cannot be assigned to");
}

/* The statement's targets are one expression, or what is in a tuple. */
static tdag_status set_targets(tdagi_source_parser *p, tdagi_source_stmt *s,
                               const tdagi_source_expr *e)
{
    size_t since = p->stack_size;
    bool is_tuple = e->kind == TDAGI_EXPR_TUPLE || e->kind == TDAGI_EXPR_LIST;
    s->n_targets = is_tuple ? e->n : 1;
    if (s->n_targets == 0)
        return tdagi_source_fail(p, e->offset, "this cannot be assigned to");
    for (uint32_t i = 0; i < s->n_targets; i++) {
        const tdagi_source_expr *target = is_tuple ? e->items[i] : e;
        TDAGI_TRY(check_target(p, target));
        TDAGI_TRY(tdagi_source_push_expr(p, target));
    }
    return tdagi_source_pop(p, since, &s->targets);
}

/* ---- statements of one line ---- */

static tdag_status parse_annotated(tdagi_source_parser *p, tdagi_source_stmt *s)
{
    TDAGI_TRY(tdagi_source_next(p));
    TDAGI_TRY(tdagi_source_type_parse(p, &s->type));
    return tdagi_source_expect(p, '=', "\"=\"");
}

static tdag_status parse_augmented(tdagi_source_parser *p, tdagi_source_stmt *s)
{
    s->kind = TDAGI_STMT_AUGMENT;
    const tdagi_source_name *op =
        tdagi_source_intern(p, p->text + p->token.offset, p->token.n - 1);
    if (op == NULL) return tdagi_nomem(p->ctx);
    s->op = op->text;
    return tdagi_source_next(p);
}

/* "e", "a = e", "a, b, = e", "a : T = e", "a += e" */
static tdag_status parse_assign(tdagi_source_parser *p, tdagi_source_stmt *s)
{
    const tdagi_source_expr *left = NULL;
    bool is_open;
    s->kind = TDAGI_STMT_ASSIGN;
    TDAGI_TRY(tdagi_source_exprs_parse(p, &left, &is_open));
    int kind = p->token.kind;
    if (kind == TDAGI_TOKEN_NEWLINE) {
        s->value = left;
        return TDAG_OK;
    }
    TDAGI_TRY(set_targets(p, s, left));
    s->is_unpacking = is_open;
    if (kind != '=' && s->n_targets > 1) return tdagi_source_unexpected(p, "\"=\"");
    if (kind == ':')
        TDAGI_TRY(parse_annotated(p, s));
    else if (kind == TDAGI_TOKEN_AUGMENT)
        TDAGI_TRY(parse_augmented(p, s));
    else
        TDAGI_TRY(tdagi_source_expect(p, '=', "\"=\" or the end of the line"));
    return tdagi_source_exprs_parse(p, &s->value, &is_open);
}

/* The value of a return or a raise, unless the line ends. */
static tdag_status parse_value(tdagi_source_parser *p, tdagi_source_stmt *s)
{
    bool is_open;
    if (p->token.kind == TDAGI_TOKEN_NEWLINE) return TDAG_OK;
    return tdagi_source_exprs_parse(p, &s->value, &is_open);
}

static tdag_status parse_assert(tdagi_source_parser *p, tdagi_source_stmt *s)
{
    bool has_message;
    TDAGI_TRY(tdagi_source_expr_parse(p, &s->value));
    TDAGI_TRY(tdagi_source_take(p, ',', &has_message));
    return has_message ? tdagi_source_expr_parse(p, &s->message) : TDAG_OK;
}

/* ---- statements with blocks ---- */

static tdag_status parse_if(tdagi_source_parser *p, tdagi_source_stmt *s);

/* "elif" is an if in the else, one level deeper. */
static tdag_status parse_elif(tdagi_source_parser *p, const tdagi_source_stmt **out)
{
    tdagi_source_stmt *s = NULL;
    TDAGI_TRY(tdagi_source_node(p, sizeof(*s), &s));
    s->kind = TDAGI_STMT_IF;
    s->offset = p->token.offset;
    *out = s;
    TDAGI_TRY(tdagi_source_next(p));
    TDAGI_TRY(tdagi_source_enter(p));
    TDAGI_TRY(parse_if(p, s));
    tdagi_source_leave(p);
    return TDAG_OK;
}

static tdag_status parse_if(tdagi_source_parser *p, tdagi_source_stmt *s)
{
    bool has_else;
    TDAGI_TRY(tdagi_source_expr_parse(p, &s->value));
    TDAGI_TRY(parse_block(p, &s->body));
    if (p->token.kind == TDAGI_TOKEN_ELIF) return parse_elif(p, &s->orelse);
    TDAGI_TRY(tdagi_source_take(p, TDAGI_TOKEN_ELSE, &has_else));
    return has_else ? parse_block(p, &s->orelse) : TDAG_OK;
}

static tdag_status parse_while(tdagi_source_parser *p, tdagi_source_stmt *s)
{
    TDAGI_TRY(tdagi_source_expr_parse(p, &s->value));
    return parse_block(p, &s->body);
}

static tdag_status parse_for(tdagi_source_parser *p, tdagi_source_stmt *s)
{
    size_t since = p->stack_size;
    bool comma, is_open;
    do {
        const tdagi_source_expr *target = NULL;
        TDAGI_TRY(tdagi_source_postfix_parse(p, &target));
        TDAGI_TRY(check_target(p, target));
        TDAGI_TRY(tdagi_source_push_expr(p, target));
        s->n_targets++;
        TDAGI_TRY(tdagi_source_take(p, ',', &comma));
    } while (comma && p->token.kind != TDAGI_TOKEN_IN);
    TDAGI_TRY(tdagi_source_pop(p, since, &s->targets));
    TDAGI_TRY(tdagi_source_expect(p, TDAGI_TOKEN_IN, "\"in\""));
    TDAGI_TRY(tdagi_source_exprs_parse(p, &s->value, &is_open));
    return parse_block(p, &s->body);
}

static tdag_status parse_with(tdagi_source_parser *p, tdagi_source_stmt *s)
{
    bool has_name;
    TDAGI_TRY(tdagi_source_expr_parse(p, &s->value));
    TDAGI_TRY(tdagi_source_take(p, TDAGI_TOKEN_AS, &has_name));
    if (has_name) {
        const tdagi_source_expr *target = NULL;
        TDAGI_TRY(tdagi_source_postfix_parse(p, &target));
        TDAGI_TRY(set_targets(p, s, target));
    }
    return parse_block(p, &s->body);
}

static tdag_status parse_nested_def(tdagi_source_parser *p, tdagi_source_stmt *s)
{
    tdagi_source_function *f = NULL;
    TDAGI_TRY(tdagi_source_def_parse(p, &f));
    s->function = f;
    return TDAG_OK;
}

/* ---- any statement ---- */

typedef tdag_status (*parse_fn)(tdagi_source_parser *p, tdagi_source_stmt *s);

static tdag_status parse_nothing(tdagi_source_parser *p, tdagi_source_stmt *s)
{
    (void)p;
    (void)s;
    return TDAG_OK;
}

static const struct form {
    uint8_t token, stmt;
    bool is_line; /* ends with its line, not with a block */
    parse_fn parse;
} forms[] = {
    {TDAGI_TOKEN_RETURN, TDAGI_STMT_RETURN, true, parse_value},
    {TDAGI_TOKEN_IF, TDAGI_STMT_IF, false, parse_if},
    {TDAGI_TOKEN_WHILE, TDAGI_STMT_WHILE, false, parse_while},
    {TDAGI_TOKEN_FOR, TDAGI_STMT_FOR, false, parse_for},
    {TDAGI_TOKEN_WITH, TDAGI_STMT_WITH, false, parse_with},
    {TDAGI_TOKEN_PASS, TDAGI_STMT_PASS, true, parse_nothing},
    {TDAGI_TOKEN_BREAK, TDAGI_STMT_BREAK, true, parse_nothing},
    {TDAGI_TOKEN_CONTINUE, TDAGI_STMT_CONTINUE, true, parse_nothing},
    {TDAGI_TOKEN_ASSERT, TDAGI_STMT_ASSERT, true, parse_assert},
    {TDAGI_TOKEN_RAISE, TDAGI_STMT_RAISE, true, parse_value},
};

static const struct form *form_here(const tdagi_source_parser *p)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if (forms[i].token == p->token.kind) return &forms[i];
    return NULL;
}

static tdag_status parse_stmt(tdagi_source_parser *p, tdagi_source_stmt *s)
{
    const struct form *form = p->token.kind < TDAGI_TOKEN_IF ? NULL : form_here(p);
    s->offset = p->token.offset;
    if (p->token.kind == TDAGI_TOKEN_DEF) {
        s->kind = TDAGI_STMT_DEF;
        return parse_nested_def(p, s);
    }
    if (form == NULL) {
        TDAGI_TRY(parse_assign(p, s));
        return tdagi_source_line_end(p);
    }
    s->kind = form->stmt;
    TDAGI_TRY(tdagi_source_next(p));
    TDAGI_TRY(form->parse(p, s));
    return form->is_line ? tdagi_source_line_end(p) : TDAG_OK;
}

/* ":" and the lines below it that are deeper */
static tdag_status parse_block(tdagi_source_parser *p, const tdagi_source_stmt **out)
{
    const tdagi_source_stmt **last = out;
    TDAGI_TRY(tdagi_source_expect(p, ':', "\":\""));
    TDAGI_TRY(tdagi_source_line_end(p));
    TDAGI_TRY(tdagi_source_expect(p, TDAGI_TOKEN_INDENT, "a deeper indent"));
    while (p->token.kind != TDAGI_TOKEN_DEDENT) {
        tdagi_source_stmt *s = NULL;
        TDAGI_TRY(tdagi_source_node(p, sizeof(*s), &s));
        TDAGI_TRY(parse_stmt(p, s));
        *last = s;
        last = &s->next;
    }
    return tdagi_source_next(p);
}

/* ---- functions ---- */

/* "x: Tensor=None", and the "*" before arguments that are given by name. */
static tdag_status parse_parameter(tdagi_source_parser *p)
{
    struct tdagi_source_function_arg arg = {NULL, NULL, NULL};
    bool taken;
    TDAGI_TRY(tdagi_source_take(p, '*', &taken));
    if (taken && p->token.kind == ',') return TDAG_OK;
    if (taken) return tdagi_source_unexpected(p, "\",\" after \"*\"");
    TDAGI_TRY(tdagi_source_expect_name(p, &arg.name));
    TDAGI_TRY(tdagi_source_take(p, ':', &taken));
    if (taken) TDAGI_TRY(tdagi_source_type_parse(p, &arg.type));
    TDAGI_TRY(tdagi_source_take(p, '=', &taken));
    if (taken) TDAGI_TRY(tdagi_source_expr_parse(p, &arg.by_default));
    return tdagi_source_push(p, &arg, sizeof(arg));
}

static tdag_status parse_parameters(tdagi_source_parser *p, tdagi_source_function *f)
{
    size_t since = p->stack_size;
    bool comma = true;
    TDAGI_TRY(tdagi_source_expect(p, '(', "\"(\""));
    while (comma && p->token.kind != ')') {
        TDAGI_TRY(parse_parameter(p));
        TDAGI_TRY(tdagi_source_take(p, ',', &comma));
    }
    TDAGI_TRY(tdagi_source_expect(p, ')', "\")\""));
    f->n_args = (uint32_t)((p->stack_size - since) / sizeof(*f->args));
    return tdagi_source_pop(p, since, &f->args);
}

tdag_status tdagi_source_def_parse(tdagi_source_parser *p, tdagi_source_function **out)
{
    tdagi_source_function *f = NULL;
    bool has_result;
    TDAGI_TRY(tdagi_source_node(p, sizeof(*f), &f));
    f->offset = p->token.offset;
    TDAGI_TRY(tdagi_source_next(p));
    TDAGI_TRY(tdagi_source_expect_name(p, &f->name));
    TDAGI_TRY(parse_parameters(p, f));
    TDAGI_TRY(tdagi_source_take(p, TDAGI_TOKEN_ARROW, &has_result));
    if (has_result) TDAGI_TRY(tdagi_source_type_parse(p, &f->result));
    TDAGI_TRY(parse_block(p, &f->body));
    *out = f;
    return TDAG_OK;
}
