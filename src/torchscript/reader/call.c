/* Calls: of operators, of methods and functions of the archive, and of the few names
 * that the language itself knows. */
#include <string.h>

#include "torchscript/reader/lower.h"

#define CLASSES "__torch__.torch.classes." /* those of C++ */

typedef struct call {
    tdagi_lowering *l;
    const tdagi_source_expr *e;
    uint32_t n_results;
} call;

static const tdagi_lowered nothing;

static uint32_t n_args(const call *c) { return c->e->n - 1; }

static const tdagi_source_expr *arg(const call *c, uint32_t i)
{
    return c->e->items[i + 1];
}

/* ---- nodes of calls ---- */

/* Arguments from `first` on, after those that are there already. */
static tdag_shim_node *add_call(const call *c, const char *kind, tdag_shim_var *before,
                                uint32_t first, uint32_t n_outputs)
{
    tdagi_lowering *l = c->l;
    uint32_t k = before != NULL, n = n_args(c) - first;
    tdag_shim_var **inputs = tdagi_reader_alloc(l->s, n + k + 1u, sizeof *inputs);
    if (inputs == NULL) return NULL;
    inputs[0] = before;
    for (uint32_t i = 0; i < n; i++) {
        inputs[k + i] = tdagi_lower_value(l, arg(c, first + i));
        if (inputs[k + i] == NULL) return NULL;
    }
    l->offset = c->e->offset;
    tdag_shim_node *node = tdagi_new_node(l, kind, n + k, n_outputs);
    if (node == NULL) return NULL;
    memcpy(node->inputs, inputs, (n + k) * sizeof *inputs);
    tdagi_append_node(l, node);
    return node;
}

/* Arguments by name, which only operators take. */
static bool check_positional(const call *c)
{
    if (c->e->n_named == 0) return true;
    return tdagi_lower_refuse(c->l, "an argument by name");
}

static tdagi_lowered call_operator(const call *c, const char *kind)
{
    tdag_shim_node *node =
        kind == NULL ? NULL : add_call(c, kind, NULL, 0, c->n_results);
    if (node == NULL) return nothing;
    node->n_named = c->e->n_named;
    node->names = c->e->names;
    return tdagi_operand_of(node);
}

static tdagi_lowered call_method(const call *c, tdag_shim_var *object, const char *name)
{
    if (!check_positional(c)) return nothing;
    tdag_shim_node *node = add_call(c, "prim::CallMethod", object, 0, 1);
    if (node != NULL) node->name = name;
    return tdagi_operand_of(node);
}

static tdagi_lowered call_function(const call *c, const tdagi_definition *d)
{
    tdagi_lowering *l = c->l;
    if (!check_positional(c)) return nothing;
    tdag_shim_node *f = tdagi_new_node(l, "prim::Constant", 0, 1);
    if (f == NULL) return nothing;
    f->name = d->function->name;
    f->outputs[0]->definition = d;
    f->next = l->hoisted;
    l->hoisted = f;
    return tdagi_operand_of(add_call(c, "prim::CallFunction", f->outputs[0], 0, 1));
}

/* ---- classes ---- */

static tdagi_lowered new_object(const call *c, const char *path)
{
    tdag_shim_node *n = tdagi_add_node(c->l, "prim::CreateObject", 0, NULL);
    if (n != NULL) n->outputs[0]->type = path;
    return tdagi_operand_of(n);
}

static tdagi_lowered call_class(const call *c, const tdagi_definition *d)
{
    if (!check_positional(c)) return nothing;
    if (strcmp(d->class_->base, "NamedTuple") == 0) {
        tdag_shim_node *n = add_call(c, "prim::TupleConstruct", NULL, 0, 1);
        if (n == NULL) return nothing;
        n->outputs[0]->type = d->path;
        n->outputs[0]->definition = d;
        return tdagi_operand_of(n);
    }
    tdagi_lowered object = new_object(c, d->path);
    if (object.var != NULL) call_method(c, object.var, "__init__");
    return object;
}

static tdagi_lowered call_archive(const call *c, const char *path)
{
    const tdagi_definition *d = NULL;
    const char *dot = strrchr(path, '.');
    if (strcmp(dot, ".__new__") == 0)
        return new_object(
            c, tdagi_reader_join(c->l->s, path, (size_t)(dot - path), "", ""));
    if (tdagi_reader_find(c->l->s, path, &d) != TDAG_OK) return nothing;
    if (d != NULL) return d->class_ != NULL ? call_class(c, d) : call_function(c, d);
    tdagi_reader_fail(c->l->s, TDAG_E_UNSUPPORTED,
                      "its code calls %s, which it does not "
                      "have",
                      path);
    return nothing;
}

/* ---- torch.NAME, ops.NS.NAME ---- */

static tdagi_lowered call_torch(const call *c, const char *name)
{
    if (strcmp(name, "device") == 0) {
        const tdag_shim_value *v = tdagi_reader_literal(c->l->s, c->e);
        if (v != NULL) return tdagi_lower_constant(c->l, v);
    }
    return call_operator(c, tdagi_reader_join(c->l->s, "aten", 4, "::", name));
}

static tdagi_lowered call_space(const call *c, const char *name)
{
    const char *dot = strchr(name, '.');
    if (dot == NULL) return call_torch(c, name);
    const char *kind =
        tdagi_reader_join(c->l->s, name, (size_t)(dot - name), "::", dot + 1);
    return kind == NULL ? nothing : call_operator(c, kind);
}

static tdagi_lowered call_path(const call *c, const char *path)
{
    if (strncmp(path, "torch.", 6) == 0) return call_torch(c, strrchr(path, '.') + 1);
    if (strncmp(path, "ops.", 4) == 0) return call_space(c, path + 4);
    if (strncmp(path, "__torch__.", 10) == 0) return call_archive(c, path);
    tdagi_reader_fail(c->l->s, TDAG_E_FORMAT, "%s is not defined", path);
    return nothing;
}

/* ---- names of the language ---- */

static tdagi_lowered convert(const call *c, const char *kind)
{
    return call_operator(c, kind);
}

/* Of a list, of two, or of more one after the other. */
static tdagi_lowered extreme(const call *c, const char *kind)
{
    if (n_args(c) < 3) return convert(c, kind);
    tdag_shim_var *pair[2] = {tdagi_lower_value(c->l, arg(c, 0)), NULL};
    tdag_shim_node *n = NULL;
    for (uint32_t i = 1; i < n_args(c); i++) {
        pair[1] = tdagi_lower_value(c->l, arg(c, i));
        if (pair[0] == NULL || pair[1] == NULL) return nothing;
        n = tdagi_add_node(c->l, kind, 2, pair);
        if (n == NULL) return nothing;
        pair[0] = n->outputs[0];
    }
    return tdagi_operand_of(n);
}

static tdagi_lowered cast(const call *c, const char *kind)
{
    tdag_shim_node *n = add_call(c, kind, NULL, 1, 1);
    return tdagi_operand_of(n);
}

/* annotate(T, x) is x, but a number that is taken out of a tensor. */
static tdagi_lowered annotate(const call *c, const char *kind)
{
    static const char *const numbers[][2] = {{"int", "aten::IntImplicit"},
                                             {"float", "aten::FloatImplicit"},
                                             {"number", "aten::ScalarImplicit"},
                                             {"Scalar", "aten::ScalarImplicit"},
                                             {"complex", "aten::ComplexImplicit"}};
    (void)kind;
    const tdagi_source_type *type = arg(c, 0)->type;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && type != NULL; i++)
        if (strcmp(type->name, numbers[i][0]) == 0) return cast(c, numbers[i][1]);
    const tdagi_source_expr *x = arg(c, 1);
    bool is_list = x->kind == TDAGI_EXPR_CALL && x->items[0]->kind == TDAGI_EXPR_ATTR &&
                   strcmp(x->items[0]->u.s, "tolist") == 0;
    if (!is_list) {
        tdagi_lowered v = tdagi_lower_expr(c->l, x);
        if (x->kind == TDAGI_EXPR_LIST && v.var != NULL && type != NULL)
            v.var->type = type->text;
        return v;
    }
    tdag_shim_var *of = tdagi_lower_value(c->l, x->items[0]->items[0]);
    return tdagi_operand_of(tdagi_add_node(c->l, "prim::tolist", 1, &of));
}

static tdagi_lowered uninitialized(const call *c, const char *kind)
{
    tdag_shim_node *n = tdagi_add_node(c->l, kind, 0, NULL);
    const tdagi_source_type *type = arg(c, 0)->type;
    if (n != NULL && type != NULL) n->outputs[0]->type = type->text;
    return tdagi_operand_of(n);
}

static tdagi_lowered forked(const call *c, const char *kind)
{
    (void)kind;
    const tdagi_source_expr *name = arg(c, 0);
    if (name->kind == TDAGI_EXPR_NAME && c->l->forked != NULL && n_args(c) == 1 &&
        strcmp(c->l->forked->name, name->u.s) == 0)
        return tdagi_lower_forked(c->l, c->l->forked);
    tdagi_lower_refuse(c->l, "a fork of what is no function before it");
    return nothing;
}

static tdagi_lowered get_attribute(const call *c, const char *kind)
{
    (void)kind;
    if (arg(c, 1)->kind != TDAGI_EXPR_STRING) {
        tdagi_lower_refuse(c->l, "getattr() of a name that is no text");
        return nothing;
    }
    tdagi_lowered of = tdagi_lower_expr(c->l, arg(c, 0));
    return tdagi_lower_attr(c->l, of, arg(c, 1)->u.s);
}

/* Decided by the declared class, as PyTorch does. Classes of C++ are taken to have what
 * they are asked for. */
static tdagi_lowered has_attribute(const call *c, const char *kind)
{
    (void)kind;
    tdagi_lowering *l = c->l;
    tdag_shim_var *of = tdagi_lower_value(l, arg(c, 0));
    if (of == NULL) return nothing;
    bool has = of->type != NULL && strncmp(of->type, CLASSES, strlen(CLASSES)) == 0;
    const tdagi_definition *d = has ? NULL : tdagi_lower_class_of(l, of);
    if (!has && (d == NULL || arg(c, 1)->kind != TDAGI_EXPR_STRING)) {
        if (l->s->status == TDAG_OK)
            tdagi_lower_refuse(l, "hasattr() of a value whose class is not declared");
        return nothing;
    }
    if (!has) has = tdagi_lower_has_attr(l, d, arg(c, 1)->u.s);
    return tdagi_lower_constant(l, tdagi_reader_bool(l->s, has));
}

/* ---- isinstance ---- */

/* "__torch__.a.B" of a dotted path, "int" of a name; NULL: it is no type. */
static const char *type_text(tdagi_lowering *l, const tdagi_source_expr *e)
{
    if (e->kind == TDAGI_EXPR_TYPE) return e->type->text;
    if (e->kind == TDAGI_EXPR_NAME) return e->u.s;
    if (e->kind != TDAGI_EXPR_ATTR) return NULL;
    const char *of = type_text(l, e->items[0]);
    return of == NULL ? NULL : tdagi_reader_path(l->s, of, strlen(of), e->u.s);
}

static const tdag_shim_value *types_of(tdagi_lowering *l, const tdagi_source_expr *e)
{
    bool several = e->kind == TDAGI_EXPR_TUPLE || e->kind == TDAGI_EXPR_LIST;
    uint32_t n = several ? e->n : 1;
    tdag_shim_value *v = tdagi_reader_new_value(l->s, TDAG_SHIM_LIST);
    if (v == NULL) return NULL;
    v->n = n;
    v->u.items = tdagi_reader_alloc(l->s, n + 1u, sizeof *v->u.items);
    for (uint32_t i = 0; i < n && v->u.items != NULL; i++) {
        const char *text = type_text(l, several ? e->items[i] : e);
        v->u.items[i] = tdagi_reader_string(l->s, text == NULL ? "" : text);
        if (v->u.items[i] == NULL) return NULL;
    }
    return v->u.items == NULL ? NULL : v;
}

static tdagi_lowered is_instance(const call *c, const char *kind)
{
    tdag_shim_var *of = tdagi_lower_value(c->l, arg(c, 0));
    tdag_shim_node *n = tdagi_add_node(c->l, kind, 1, &of);
    if (n == NULL) return nothing;
    n->types = types_of(c->l, arg(c, 1));
    return n->types == NULL ? nothing : tdagi_operand_of(n);
}

/* ---- any ---- */

static const struct {
    const char *name, *kind;
    uint32_t least;
    tdagi_lowered (*fn)(const call *c, const char *kind);
} language[] = {
    {"abs", "prim::abs", 1, convert},
    {"all", "aten::all", 1, convert},
    {"annotate", "", 2, annotate},
    {"any", "aten::any", 1, convert},
    {"bin", "aten::bin", 1, convert},
    {"bool", "aten::Bool", 1, convert},
    {"chr", "aten::chr", 1, convert},
    {"complex", "aten::Complex", 1, convert},
    {"divmod", "aten::divmod", 2, convert},
    {"float", "aten::Float", 1, convert},
    {"fork", "", 1, forked},
    {"getattr", "", 2, get_attribute},
    {"hasattr", "", 2, has_attribute},
    {"hex", "aten::hex", 1, convert},
    {"int", "aten::Int", 1, convert},
    {"isinstance", "prim::isinstance", 2, is_instance},
    {"len", "aten::len", 1, convert},
    {"max", "prim::max", 1, extreme},
    {"min", "prim::min", 1, extreme},
    {"oct", "aten::oct", 1, convert},
    {"ord", "aten::ord", 1, convert},
    {"pow", "aten::pow", 2, convert},
    {"print", "prim::Print", 0, convert},
    {"round", "aten::round", 1, convert},
    {"sorted", "aten::sorted", 1, convert},
    {"str", "aten::str", 1, convert},
    {"sum", "aten::sum", 1, convert},
    {"unchecked_cast", "prim::unchecked_cast", 2, cast},
    {"uninitialized", "prim::Uninitialized", 1, uninitialized},
};

static tdagi_lowered call_name(const call *c, const char *name)
{
    for (size_t i = 0; i < sizeof language / sizeof language[0]; i++) {
        if (strcmp(language[i].name, name) != 0) continue;
        if (n_args(c) >= language[i].least) return language[i].fn(c, language[i].kind);
        tdagi_reader_fail(c->l->s, TDAG_E_FORMAT, "%s() has too few arguments", name);
        return nothing;
    }
    return call_path(c, name);
}

tdagi_lowered tdagi_lower_call(tdagi_lowering *l, const tdagi_source_expr *e,
                               uint32_t n_results)
{
    const call c = {.l = l, .e = e, .n_results = n_results};
    const tdagi_source_expr *f = e->items[0];
    if (f->kind == TDAGI_EXPR_ATTR) {
        tdagi_lowered of = tdagi_lower_expr(l, f->items[0]);
        if (of.var != NULL) return call_method(&c, of.var, f->u.s);
        if (of.path == NULL) return nothing;
        const char *path = tdagi_reader_path(l->s, of.path, strlen(of.path), f->u.s);
        return path == NULL ? nothing : call_path(&c, path);
    }
    tdagi_lowered of = tdagi_lower_expr(l, f);
    if (of.var != NULL) return call_method(&c, of.var, "forward");
    return of.path == NULL ? nothing : call_name(&c, of.path);
}
