/* Trees in brackets: what it is, then its parts. */
#include "print_source.h"

#include "base/number_text.h"

static void print_list(tdagi_text *t, const char *head, const tdagi_source_expr *e)
{
    tdagi_text_printf(t, "(%s", head);
    for (uint32_t i = 0; i < e->n; i++) {
        tdagi_text_add(t, " ");
        if (e->kind == TDAGI_EXPR_CALL && i >= e->n - e->n_named)
            tdagi_text_printf(t, "%s=", e->names[i - (e->n - e->n_named)]);
        print_source_expr(t, e->items[i]);
    }
    tdagi_text_add(t, ")");
}

static void print_number(tdagi_text *t, double value, const char *after)
{
    char number[TDAGI_NUMBER_TEXT_SIZE];
    tdagi_f64_literal(value, number);
    tdagi_text_printf(t, "%s%s", number, after);
}

/* Bytes beyond the printable ones as <number>. */
static void print_string(tdagi_text *t, const char *s, uint32_t n)
{
    tdagi_text_add(t, "'");
    for (uint32_t i = 0; i < n; i++) {
        unsigned c = (unsigned char)s[i];
        if (c >= ' ' && c < 127)
            tdagi_text_add_bytes(t, s + i, 1);
        else
            tdagi_text_printf(t, "<%u>", c);
    }
    tdagi_text_add(t, "'");
}

static void print_leaf(tdagi_text *t, const tdagi_source_expr *e)
{
    switch (e->kind) {
    case TDAGI_EXPR_NONE:
        tdagi_text_add(t, "None");
        break;
    case TDAGI_EXPR_BOOL:
        tdagi_text_add(t, e->u.i ? "True" : "False");
        break;
    case TDAGI_EXPR_INT:
        tdagi_text_printf(t, "%lld", (long long)e->u.i);
        break;
    case TDAGI_EXPR_FLOAT:
    case TDAGI_EXPR_COMPLEX:
        print_number(t, e->u.f, e->kind == TDAGI_EXPR_COMPLEX ? "j" : "");
        break;
    case TDAGI_EXPR_STRING:
        print_string(t, e->u.s, e->n_s);
        break;
    case TDAGI_EXPR_NAME:
        tdagi_text_add(t, e->u.s);
        break;
    default: /* TDAGI_EXPR_TYPE */
        tdagi_text_printf(t, "<%s>", e->type->text);
        break;
    }
}

void print_source_expr(tdagi_text *t, const tdagi_source_expr *e)
{
    static const char *const heads[] = {
        [TDAGI_EXPR_CALL] = "call",    [TDAGI_EXPR_INDEX] = "at",
        [TDAGI_EXPR_TUPLE] = "tuple",  [TDAGI_EXPR_LIST] = "list",
        [TDAGI_EXPR_DICT] = "dict",    [TDAGI_EXPR_MINUS] = "minus",
        [TDAGI_EXPR_NOT] = "not",      [TDAGI_EXPR_INVERT] = "~",
        [TDAGI_EXPR_TERNARY] = "pick", [TDAGI_EXPR_SLICE] = "slice",
    };
    if (e == NULL) {
        tdagi_text_add(t, "_");
    } else if (e->kind == TDAGI_EXPR_ATTR) {
        print_source_expr(t, e->items[0]);
        tdagi_text_printf(t, ".%s", e->u.s);
    } else if (e->kind == TDAGI_EXPR_BINARY) {
        print_list(t, e->u.s, e);
    } else if (e->kind < sizeof(heads) / sizeof(heads[0]) && heads[e->kind] != NULL) {
        print_list(t, heads[e->kind], e);
    } else {
        print_leaf(t, e);
    }
}

/* ---- statements ---- */

static void print_function(tdagi_text *t, const tdagi_source_function *f)
{
    tdagi_text_printf(t, "(def %s", f->name);
    for (uint32_t i = 0; i < f->n_args; i++) {
        tdagi_text_printf(t, " %s", f->args[i].name);
        if (f->args[i].type != NULL) tdagi_text_printf(t, ":%s", f->args[i].type->text);
        if (f->args[i].by_default == NULL) continue;
        tdagi_text_add(t, "=");
        print_source_expr(t, f->args[i].by_default);
    }
    if (f->result != NULL) tdagi_text_printf(t, " -> %s", f->result->text);
    print_source_stmts(t, f->body);
    tdagi_text_add(t, ")");
}

static void print_part(tdagi_text *t, const tdagi_source_expr *e)
{
    if (e == NULL) return;
    tdagi_text_add(t, " ");
    print_source_expr(t, e);
}

static const char *head_of(const tdagi_source_stmt *s)
{
    static const char *const heads[] = {
        [TDAGI_STMT_ASSIGN] = "=",          [TDAGI_STMT_AUGMENT] = "=",
        [TDAGI_STMT_RETURN] = "return",     [TDAGI_STMT_IF] = "if",
        [TDAGI_STMT_WHILE] = "while",       [TDAGI_STMT_FOR] = "for",
        [TDAGI_STMT_WITH] = "with",         [TDAGI_STMT_DEF] = "",
        [TDAGI_STMT_PASS] = "pass",         [TDAGI_STMT_BREAK] = "break",
        [TDAGI_STMT_CONTINUE] = "continue", [TDAGI_STMT_ASSERT] = "assert",
        [TDAGI_STMT_RAISE] = "raise",
    };
    if (s->kind == TDAGI_STMT_ASSIGN && s->n_targets == 0) return "do";
    return s->is_unpacking ? "unpack" : heads[s->kind];
}

static void print_stmt(tdagi_text *t, const tdagi_source_stmt *s)
{
    if (s->kind == TDAGI_STMT_DEF) {
        print_function(t, s->function);
        return;
    }
    tdagi_text_printf(t, "(%s%s", s->op == NULL ? "" : s->op, head_of(s));
    for (uint32_t i = 0; i < s->n_targets; i++)
        print_part(t, s->targets[i]);
    if (s->type != NULL) tdagi_text_printf(t, " <%s>", s->type->text);
    print_part(t, s->value);
    print_part(t, s->message);
    print_source_stmts(t, s->body);
    print_source_stmts(t, s->orelse);
    tdagi_text_add(t, ")");
}

void print_source_stmts(tdagi_text *t, const tdagi_source_stmt *s)
{
    if (s == NULL) return;
    tdagi_text_add(t, " {");
    for (; s != NULL; s = s->next) {
        print_stmt(t, s);
        if (s->next != NULL) tdagi_text_add(t, " ");
    }
    tdagi_text_add(t, "}");
}

/* ---- files ---- */

static void print_hooks(tdagi_text *t, const char *what, const char **names)
{
    for (; names != NULL && *names != NULL; names++)
        tdagi_text_printf(t, " %s:%s", what, *names);
}

static void print_class(tdagi_text *t, const tdagi_source_class *c)
{
    tdagi_text_printf(t, "(class %s(%s)", c->name, c->base);
    for (uint32_t i = 0; i < c->n_attrs; i++) {
        tdagi_text_printf(t, " %s%s%s", c->attrs[i].is_parameter ? "parameter " : "",
                          c->attrs[i].is_buffer ? "buffer " : "", c->attrs[i].name);
        if (c->attrs[i].type != NULL)
            tdagi_text_printf(t, ":%s", c->attrs[i].type->text);
        if (c->attrs[i].value != NULL) tdagi_text_add(t, "=");
        if (c->attrs[i].value != NULL) print_source_expr(t, c->attrs[i].value);
    }
    print_hooks(t, "hook", c->forward_hooks);
    print_hooks(t, "pre_hook", c->forward_pre_hooks);
    for (const tdagi_source_function *f = c->functions; f != NULL; f = f->next) {
        tdagi_text_add(t, " ");
        print_function(t, f);
    }
    tdagi_text_add(t, ")");
}

void print_source(tdagi_text *t, const tdagi_source *source)
{
    if (source->has_op_version_set) tdagi_text_add(t, "(version)");
    for (const tdagi_source_class *c = source->classes; c != NULL; c = c->next)
        print_class(t, c);
    for (const tdagi_source_function *f = source->functions; f != NULL; f = f->next)
        print_function(t, f);
}
