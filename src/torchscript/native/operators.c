/* Operators in TorchScript's source. PyTorch prints none, a source written by hand has
 * them; their order is Python's, but a < b < c is (a < b) < c, as PyTorch has it. */
#include "torchscript/native/lex.h"

/* How operators bind, loosely first; 0 is no operator. */
enum {
    BINDS_OR = 1,
    BINDS_AND,
    BINDS_NOT,
    BINDS_COMPARE,
    BINDS_BIT_OR,
    BINDS_BIT_XOR,
    BINDS_BIT_AND,
    BINDS_SHIFT,
    BINDS_SUM,
    BINDS_PRODUCT,
    BINDS_SIGN,
    BINDS_POWER,
};

static const struct infix {
    uint8_t binds;
    char text[7];
} infixes[TDAGI_N_TOKENS] = {
    [TDAGI_TOKEN_OR] = {BINDS_OR, "or"},
    [TDAGI_TOKEN_AND] = {BINDS_AND, "and"},
    [TDAGI_TOKEN_IN] = {BINDS_COMPARE, "in"},
    [TDAGI_TOKEN_NOT] = {BINDS_COMPARE, "not in"},
    [TDAGI_TOKEN_IS] = {BINDS_COMPARE, "is"},
    ['<'] = {BINDS_COMPARE, "<"},
    ['>'] = {BINDS_COMPARE, ">"},
    [TDAGI_TOKEN_LE] = {BINDS_COMPARE, "<="},
    [TDAGI_TOKEN_GE] = {BINDS_COMPARE, ">="},
    [TDAGI_TOKEN_EQ] = {BINDS_COMPARE, "=="},
    [TDAGI_TOKEN_NE] = {BINDS_COMPARE, "!="},
    ['|'] = {BINDS_BIT_OR, "|"},
    ['^'] = {BINDS_BIT_XOR, "^"},
    ['&'] = {BINDS_BIT_AND, "&"},
    [TDAGI_TOKEN_SHL] = {BINDS_SHIFT, "<<"},
    [TDAGI_TOKEN_SHR] = {BINDS_SHIFT, ">>"},
    ['+'] = {BINDS_SUM, "+"},
    ['-'] = {BINDS_SUM, "-"},
    ['*'] = {BINDS_PRODUCT, "*"},
    ['/'] = {BINDS_PRODUCT, "/"},
    [TDAGI_TOKEN_FLOORDIV] = {BINDS_PRODUCT, "//"},
    ['%'] = {BINDS_PRODUCT, "%"},
    ['@'] = {BINDS_PRODUCT, "@"},
    [TDAGI_TOKEN_POWER] = {BINDS_POWER, "**"},
};

static tdag_status parse_from(tdagi_source_parser *p, int binds,
                              const tdagi_source_expr **out);
static tdag_status parse_operators(tdagi_source_parser *p, int binds,
                                   const tdagi_source_expr *left,
                                   const tdagi_source_expr **out);

/* "-1" is one number; "-1 ** 2" is -(1 ** 2). */
static tdag_status parse_negative(tdagi_source_parser *p, uint32_t offset,
                                  const tdagi_source_expr **out)
{
    tdagi_source_expr *number = NULL, *e = NULL;
    TDAGI_TRY(tdagi_source_expr_new(p, TDAGI_EXPR_INT, offset, &number));
    TDAGI_TRY(tdagi_source_number(p, true, number));
    *out = number;
    if (p->token.kind != TDAGI_TOKEN_POWER) return TDAG_OK;
    if (number->kind != TDAGI_EXPR_INT)
        number->u.f = -number->u.f;
    else if (number->u.i != INT64_MIN)
        number->u.i = -number->u.i;
    else
        return tdagi_source_fail(p, offset, "a number that does not fit 64 bits");
    TDAGI_TRY(parse_operators(p, BINDS_POWER, number, out));
    TDAGI_TRY(tdagi_source_expr_over(p, TDAGI_EXPR_MINUS, offset, out, 1, &e));
    *out = e;
    return TDAG_OK;
}

static tdag_status parse_sign(tdagi_source_parser *p, const tdagi_source_expr **out)
{
    int kind = p->token.kind;
    uint32_t offset = p->token.offset;
    tdagi_source_expr *e = NULL;
    TDAGI_TRY(tdagi_source_next(p));
    if (kind == '-' && p->token.kind == TDAGI_TOKEN_NUMBER)
        return parse_negative(p, offset, out);
    TDAGI_TRY(tdagi_source_enter(p));
    TDAGI_TRY(parse_from(p, kind == TDAGI_TOKEN_NOT ? BINDS_NOT : BINDS_SIGN, out));
    tdagi_source_leave(p);
    TDAGI_TRY(tdagi_source_expr_over(p,
                                     kind == TDAGI_TOKEN_NOT ? TDAGI_EXPR_NOT
                                     : kind == '~'           ? TDAGI_EXPR_INVERT
                                                             : TDAGI_EXPR_MINUS,
                                     offset, out, 1, &e));
    *out = e;
    return TDAG_OK;
}

static const struct infix *infix_here(const tdagi_source_parser *p, int binds)
{
    const struct infix *o = &infixes[p->token.kind];
    return o->binds > 0 && o->binds >= binds ? o : NULL;
}

static tdag_status take_operator(tdagi_source_parser *p, const struct infix *o,
                                 const char **text_out)
{
    bool is_not = false;
    *text_out = o->text;
    TDAGI_TRY(tdagi_source_next(p));
    if (o == &infixes[TDAGI_TOKEN_NOT])
        return tdagi_source_expect(p, TDAGI_TOKEN_IN, "\"in\" after \"not\"");
    if (o == &infixes[TDAGI_TOKEN_IS])
        TDAGI_TRY(tdagi_source_take(p, TDAGI_TOKEN_NOT, &is_not));
    if (is_not) *text_out = "is not";
    return TDAG_OK;
}

/* Operators that bind at least so, with what stands left of them at hand. */
static tdag_status parse_operators(tdagi_source_parser *p, int binds,
                                   const tdagi_source_expr *left,
                                   const tdagi_source_expr **out)
{
    for (const struct infix *o = infix_here(p, binds); o != NULL;
         o = infix_here(p, binds)) {
        const tdagi_source_expr *items[2] = {left, NULL};
        const char *text = NULL;
        tdagi_source_expr *e = NULL;
        TDAGI_TRY(take_operator(p, o, &text));
        TDAGI_TRY(tdagi_source_enter(p));
        /* From the right only powers: 2 ** 3 ** 4 and 2 ** -1. */
        bool is_power = o->binds == BINDS_POWER;
        TDAGI_TRY(parse_from(p, is_power ? BINDS_SIGN : o->binds + 1, &items[1]));
        tdagi_source_leave(p);
        TDAGI_TRY(
            tdagi_source_expr_over(p, TDAGI_EXPR_BINARY, left->offset, items, 2, &e));
        e->u.s = text;
        left = e;
    }
    *out = left;
    return TDAG_OK;
}

static tdag_status parse_from(tdagi_source_parser *p, int binds,
                              const tdagi_source_expr **out)
{
    const tdagi_source_expr *left = NULL;
    int kind = p->token.kind;
    if (kind == '-' || kind == '~' || kind == TDAGI_TOKEN_NOT)
        TDAGI_TRY(parse_sign(p, &left));
    else
        TDAGI_TRY(tdagi_source_postfix_parse(p, &left));
    return parse_operators(p, binds, left, out);
}

static tdag_status parse_ternary(tdagi_source_parser *p, const tdagi_source_expr **out)
{
    const tdagi_source_expr *items[3] = {*out, NULL, NULL};
    tdagi_source_expr *e = NULL;
    TDAGI_TRY(tdagi_source_next(p));
    TDAGI_TRY(parse_from(p, BINDS_OR, &items[1]));
    TDAGI_TRY(tdagi_source_expect(p, TDAGI_TOKEN_ELSE, "\"else\""));
    TDAGI_TRY(tdagi_source_expr_parse(p, &items[2]));
    TDAGI_TRY(
        tdagi_source_expr_over(p, TDAGI_EXPR_TERNARY, items[0]->offset, items, 3, &e));
    *out = e;
    return TDAG_OK;
}

tdag_status tdagi_source_expr_parse(tdagi_source_parser *p,
                                    const tdagi_source_expr **out)
{
    TDAGI_TRY(tdagi_source_enter(p));
    TDAGI_TRY(parse_from(p, BINDS_OR, out));
    if (p->token.kind == TDAGI_TOKEN_IF) TDAGI_TRY(parse_ternary(p, out));
    tdagi_source_leave(p);
    return TDAG_OK;
}

tdag_status tdagi_source_exprs_parse(tdagi_source_parser *p,
                                     const tdagi_source_expr **out, bool *is_open_out)
{
    size_t since = p->stack_size;
    uint32_t offset = p->token.offset;
    TDAGI_TRY(tdagi_source_expr_parse(p, out));
    TDAGI_TRY(tdagi_source_take(p, ',', is_open_out));
    if (!*is_open_out) return TDAG_OK;
    TDAGI_TRY(tdagi_source_push_expr(p, *out));
    while (*is_open_out && p->token.kind != '=' &&
           p->token.kind != TDAGI_TOKEN_NEWLINE) {
        TDAGI_TRY(tdagi_source_expr_parse(p, out));
        TDAGI_TRY(tdagi_source_push_expr(p, *out));
        TDAGI_TRY(tdagi_source_take(p, ',', is_open_out));
    }
    tdagi_source_expr *e = NULL;
    TDAGI_TRY(tdagi_source_expr_new(p, TDAGI_EXPR_TUPLE, offset, &e));
    *out = e;
    return tdagi_source_expr_take(p, since, e);
}
