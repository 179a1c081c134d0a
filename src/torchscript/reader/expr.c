/* Expressions but calls: literals, variables, attributes, items, containers, and the
 * infix operators of sources written by hand. */
#include <stdlib.h>
#include <string.h>

#include "torchscript/reader/lower.h"

/* ---- constants ---- */

/* A constant before all nodes; the last one made stands first, as in PyTorch. */
static tdag_shim_var *hoist(tdagi_lowering *l, const tdag_shim_value *v)
{
    tdag_shim_node *n = v == NULL ? NULL : tdagi_new_node(l, "prim::Constant", 0, 1);
    if (n == NULL) return NULL;
    n->outputs[0]->constant = v;
    n->next = l->hoisted;
    l->hoisted = n;
    return n->outputs[0];
}

/* The constant of these bytes, made when it is new. */
static tdag_shim_var *shared(tdagi_lowering *l, const void *key, size_t n,
                             const tdag_shim_value *v, bool *is_new)
{
    void **slot = tdagi_table_at(&l->s->arena, &l->constants, key, n);
    *is_new = false;
    if (slot == NULL) {
        tdagi_reader_nomem(l->s);
        return NULL;
    }
    if (*slot != NULL) return *slot;
    *is_new = true;
    return *slot = hoist(l, v);
}

static bool is_positive_number(const tdag_shim_value *v)
{
    if (v->kind == TDAG_SHIM_INT) return v->u.i >= 0;
    return v->kind == TDAG_SHIM_DOUBLE && !(v->u.f < 0);
}

/* Numbers as the source has them are one value wherever they stand, of the outermost
 * block; other constants are values of their own, of which only names can tell. */
tdagi_lowered tdagi_lower_constant(tdagi_lowering *l, const tdag_shim_value *v)
{
    bool is_new;
    tdagi_lowered out = {.is_passing = true};
    if (v == NULL) return (tdagi_lowered){.var = NULL};
    if (v->kind == TDAG_SHIM_STRING || v->kind == TDAG_SHIM_DEVICE ||
        v->kind >= TDAG_SHIM_LIST) {
        out.var = hoist(l, v);
        return out;
    }
    if (v->kind == TDAG_SHIM_TENSOR) {
        out.var = shared(l, v, sizeof *v, v, &is_new);
        out.is_passing = !is_new;
        if (out.var != NULL && is_new) out.var->block = l->block;
        return out;
    }
    struct {
        uint64_t kind;
        int64_t bits;
    } *key = tdagi_reader_alloc(l->s, 1, sizeof *key);
    if (key == NULL) return (tdagi_lowered){.var = NULL};
    key->kind = v->kind;
    memcpy(&key->bits, &v->u, sizeof key->bits);
    out.var = shared(l, key, sizeof *key, v, &is_new);
    if (!is_positive_number(v)) return out;
    if (out.var != NULL) out.var->block = l->graph->block;
    out.is_passing = false;
    return out;
}

static tdagi_lowered constant_of(tdagi_lowering *l, const tdagi_source_expr *e)
{
    return tdagi_lower_constant(l, tdagi_reader_literal(l->s, e));
}

/* ---- names and attributes ---- */

static tdagi_lowered name(tdagi_lowering *l, const tdagi_source_expr *e)
{
    tdagi_name *n = tdagi_lower_name(l, e->u.s);
    if (n == NULL) return (tdagi_lowered){.var = NULL};
    if (n->top != NULL) return tdagi_lower_read(l, n);
    if (strcmp(e->u.s, "inf") == 0 || strcmp(e->u.s, "nan") == 0) {
        tdagi_lowered out = constant_of(l, e);
        out.is_passing = true;
        return out;
    }
    return (tdagi_lowered){.path = e->u.s};
}

/* CONSTANTS.c3 */
static tdagi_lowered table_constant(tdagi_lowering *l, const char *name)
{
    size_t digits = name[0] == 'c' ? strspn(name + 1, "0123456789") : 0;
    unsigned long i = digits == 0 ? 0 : strtoul(name + 1, NULL, 10);
    if (digits == 0 || name[1 + digits] != '\0' || l->s->constants->n <= i) {
        tdagi_reader_fail(l->s, TDAG_E_FORMAT, "there is no constant %s", name);
        return (tdagi_lowered){.var = NULL};
    }
    return tdagi_lower_constant(l, l->s->constants->u.items[i]);
}

static tdagi_lowered enum_member(tdagi_lowering *l, const tdagi_definition *d,
                                 const char *name)
{
    uint32_t i = 0;
    while (i < d->class_->n_attrs && strcmp(d->class_->attrs[i].name, name) != 0)
        i++;
    const tdag_shim_value *v = NULL;
    if (i < d->class_->n_attrs && d->class_->attrs[i].value != NULL)
        v = tdagi_reader_member(l->s, d,
                                tdagi_reader_literal(l->s, d->class_->attrs[i].value));
    if (v != NULL) return tdagi_lower_constant(l, v);
    tdagi_lower_refuse(l, "an Enum's member of no known value");
    return (tdagi_lowered){.var = NULL};
}

/* A longer path, or what it is a path to. */
static tdagi_lowered path_attr(tdagi_lowering *l, const char *path, const char *name)
{
    const tdagi_definition *d = NULL;
    tdagi_lowered none = {.var = NULL};
    if (strcmp(path, "CONSTANTS") == 0) return table_constant(l, name);
    if (strncmp(path, "__torch__.", 10) == 0) {
        if (tdagi_reader_find(l->s, path, &d) != TDAG_OK) return none;
        if (d != NULL && d->class_ != NULL && strcmp(d->class_->base, "Enum") == 0)
            return enum_member(l, d, name);
    }
    return (tdagi_lowered){.path = tdagi_reader_path(l->s, path, strlen(path), name)};
}

tdagi_lowered tdagi_lower_attr(tdagi_lowering *l, tdagi_lowered of, const char *name)
{
    if (of.path != NULL) return path_attr(l, of.path, name);
    tdag_shim_node *n = tdagi_add_node(l, "prim::GetAttr", 1, &of.var);
    if (n != NULL) n->name = name;
    return tdagi_operand_of(n);
}

/* ---- containers ---- */

static tdagi_lowered items(tdagi_lowering *l, const tdagi_source_expr *e,
                           const char *kind)
{
    tdag_shim_var **inputs = tdagi_reader_alloc(l->s, e->n + 1u, sizeof *inputs);
    if (inputs == NULL) return (tdagi_lowered){.var = NULL};
    for (uint32_t i = 0; i < e->n; i++) {
        inputs[i] = tdagi_lower_value(l, e->items[i]);
        if (inputs[i] == NULL) return (tdagi_lowered){.var = NULL};
    }
    l->offset = e->offset;
    return tdagi_operand_of(tdagi_add_node(l, kind, e->n, inputs));
}

static tdagi_lowered item(tdagi_lowering *l, const tdagi_source_expr *e)
{
    if (e->items[1]->kind == TDAGI_EXPR_SLICE) {
        tdagi_lower_refuse(l, "a slice");
        return (tdagi_lowered){.var = NULL};
    }
    return items(l, e, "aten::__getitem__");
}

/* ---- infix operators ---- */

static const struct {
    const char *text, *kind;
} infix[] = {
    {"+", "aten::add"},         {"-", "aten::sub"},       {"*", "aten::mul"},
    {"/", "aten::div"},         {"//", "aten::floordiv"}, {"%", "aten::remainder"},
    {"**", "aten::pow"},        {"@", "aten::matmul"},    {"==", "aten::eq"},
    {"!=", "aten::ne"},         {"<", "aten::lt"},        {"<=", "aten::le"},
    {">", "aten::gt"},          {">=", "aten::ge"},       {"&", "aten::__and__"},
    {"|", "aten::__or__"},      {"^", "aten::__xor__"},   {"<<", "aten::__lshift__"},
    {">>", "aten::__rshift__"}, {"is", "aten::__is__"},   {"is not", "aten::__isnot__"},
};

static tdagi_lowered binary(tdagi_lowering *l, const tdagi_source_expr *e)
{
    const char *text = e->u.s;
    if (strcmp(text, "and") == 0 || strcmp(text, "or") == 0)
        return tdagi_lower_ternary(l, e);
    for (size_t i = 0; i < sizeof infix / sizeof infix[0]; i++)
        if (strcmp(infix[i].text, text) == 0) return items(l, e, infix[i].kind);
    tdagi_lower_refuse(l, text);
    return (tdagi_lowered){.var = NULL};
}

/* ---- any ---- */

static tdagi_lowered lower(tdagi_lowering *l, const tdagi_source_expr *e)
{
    switch ((tdagi_source_expr_kind)e->kind) {
    case TDAGI_EXPR_NONE:
    case TDAGI_EXPR_BOOL:
    case TDAGI_EXPR_INT:
    case TDAGI_EXPR_FLOAT:
    case TDAGI_EXPR_COMPLEX:
    case TDAGI_EXPR_STRING:
        return constant_of(l, e);
    case TDAGI_EXPR_NAME:
        return name(l, e);
    case TDAGI_EXPR_ATTR:
        return tdagi_lower_attr(l, tdagi_lower_expr(l, e->items[0]), e->u.s);
    case TDAGI_EXPR_CALL:
        return tdagi_lower_call(l, e, 1);
    case TDAGI_EXPR_INDEX:
        return item(l, e);
    case TDAGI_EXPR_TUPLE:
        return items(l, e, "prim::TupleConstruct");
    case TDAGI_EXPR_LIST:
        return items(l, e, "prim::ListConstruct");
    case TDAGI_EXPR_DICT:
        return items(l, e, "prim::DictConstruct");
    case TDAGI_EXPR_MINUS:
        return items(l, e, "aten::neg");
    case TDAGI_EXPR_BINARY:
        return binary(l, e);
    case TDAGI_EXPR_NOT:
        return items(l, e, "aten::__not__");
    case TDAGI_EXPR_TERNARY:
        return tdagi_lower_ternary(l, e);
    case TDAGI_EXPR_INVERT:
        return items(l, e, "aten::bitwise_not");
    case TDAGI_EXPR_TYPE:
    case TDAGI_EXPR_SLICE:
        break;
    }
    tdagi_lower_refuse(l, "an expression of an unknown kind");
    return (tdagi_lowered){.var = NULL};
}

tdagi_lowered tdagi_lower_expr(tdagi_lowering *l, const tdagi_source_expr *e)
{
    l->offset = e->offset;
    return lower(l, e);
}

tdag_shim_var *tdagi_lower_value(tdagi_lowering *l, const tdagi_source_expr *e)
{
    tdagi_lowered o = tdagi_lower_expr(l, e);
    if (o.var == NULL && l->s->status == TDAG_OK)
        tdagi_reader_fail(l->s, TDAG_E_FORMAT, "%s is not defined",
                          o.path == NULL ? "a value" : o.path);
    return o.var;
}
