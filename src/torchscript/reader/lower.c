/* Functions and their statements; see lower.h. */
#include "torchscript/reader/lower.h"

#include <string.h>

#define MAX_DEPTH 200 /* of blocks in blocks */

bool tdagi_lower_refuse(tdagi_lowering *l, const char *what)
{
    unsigned line = 1;
    const tdagi_code *code = l->graph->code;
    for (const char *p = code->source.text; p < code->source.text + l->offset; p++)
        line += *p == '\n';
    tdagi_reader_fail(l->s, TDAG_E_UNSUPPORTED, "%s at %s:%u", what, code->path, line);
    return false;
}

/* ---- assignments ---- */

static bool set_attribute(tdagi_lowering *l, const tdagi_source_expr *target,
                          tdag_shim_var *value)
{
    tdag_shim_var *inputs[] = {tdagi_lower_value(l, target->items[0]), value};
    l->offset = target->offset;
    tdag_shim_node *n = tdagi_add_node(l, "prim::SetAttr", 2, inputs);
    if (n == NULL) return false;
    n->name = target->u.s;
    n->n_outputs = 0;
    return true;
}

static bool set_target(tdagi_lowering *l, const tdagi_source_expr *target,
                       tdagi_lowered value)
{
    if (value.var == NULL && value.path == NULL) return false;
    if (target->kind == TDAGI_EXPR_NAME)
        return tdagi_lower_assign(l, target->u.s, value);
    if (target->kind != TDAGI_EXPR_ATTR || value.var == NULL)
        return tdagi_lower_refuse(l, "an assignment of this kind");
    return set_attribute(l, target, value.var);
}

/* Items of a tuple as they are, all read before any is set. */
static bool assign_tuple(tdagi_lowering *l, const tdagi_source_stmt *stmt)
{
    uint32_t n = stmt->n_targets;
    tdagi_lowered *values = tdagi_reader_alloc(l->s, n + 1u, sizeof *values);
    for (uint32_t i = 0; i < n; i++) {
        if (values == NULL) return false;
        values[i] = tdagi_lower_expr(l, stmt->value->items[i]);
        if (values[i].var == NULL && values[i].path == NULL) return false;
    }
    for (uint32_t i = 0; i < n; i++)
        if (!set_target(l, stmt->targets[i], values[i])) return false;
    return true;
}

static bool is_operator(const tdag_shim_var *v)
{
    return v->node != NULL && strncmp(v->node->kind, "aten::", 6) == 0;
}

/* A call of several results, or one value that is taken apart. */
static bool unpack(tdagi_lowering *l, const tdagi_source_stmt *stmt)
{
    uint32_t n = stmt->n_targets;
    bool direct = stmt->value->kind == TDAGI_EXPR_CALL && !stmt->is_unpacking;
    tdag_shim_var *value = direct ? tdagi_lower_call(l, stmt->value, n).var
                                  : tdagi_lower_value(l, stmt->value);
    if (value == NULL) return false;
    const tdag_shim_node *node = value->node;
    if (!direct || node == NULL || node->n_outputs != n) {
        tdag_shim_node *made = tdagi_new_node(
            l, is_operator(value) ? "prim::ListUnpack" : "prim::TupleUnpack", 1, n);
        if (made == NULL) return false;
        made->inputs[0] = value;
        tdagi_append_node(l, made);
        node = made;
    }
    for (uint32_t i = 0; i < n; i++)
        if (!set_target(l, stmt->targets[i], (tdagi_lowered){.var = node->outputs[i]}))
            return false;
    return true;
}

static bool assign(tdagi_lowering *l, const tdagi_source_stmt *stmt)
{
    if (stmt->n_targets == 0) {
        tdagi_lowered o = tdagi_lower_expr(l, stmt->value);
        return o.var != NULL || o.path != NULL;
    }
    bool tuple = stmt->value->kind == TDAGI_EXPR_TUPLE &&
                 stmt->value->n == stmt->n_targets &&
                 (stmt->n_targets > 1 || stmt->is_unpacking);
    if (tuple) return assign_tuple(l, stmt);
    if (stmt->n_targets > 1 || stmt->is_unpacking) return unpack(l, stmt);
    return set_target(l, stmt->targets[0], tdagi_lower_expr(l, stmt->value));
}

/* ---- other statements ---- */

static bool lower_with(tdagi_lowering *l, const tdagi_source_stmt *stmt)
{
    tdag_shim_var *context = tdagi_lower_value(l, stmt->value);
    tdag_shim_node *enter = tdagi_add_node(l, "prim::Enter", 1, &context);
    if (enter == NULL) return false;
    if (stmt->n_targets > 0 &&
        !set_target(l, stmt->targets[0], tdagi_operand_of(enter)))
        return false;
    return tdagi_lower_statements(l, stmt->body) &&
           tdagi_add_node(l, "prim::Exit", 1, &context) != NULL;
}

static bool lower_return(tdagi_lowering *l, const tdagi_source_stmt *stmt)
{
    if (l->block != l->graph->block || stmt->next != NULL)
        return tdagi_lower_refuse(l,
                                  "a return that is not a function's last statement");
    if (stmt->value == NULL) return true;
    l->result = tdagi_lower_value(l, stmt->value);
    return l->result != NULL;
}

/* The function of a fork, which stands behind it. */
static bool lower_def(tdagi_lowering *l, const tdagi_source_stmt *stmt)
{
    l->forked = stmt->function;
    return tdagi_lower_assign(l, stmt->function->name,
                              (tdagi_lowered){.path = stmt->function->name});
}

static bool lower_statement(tdagi_lowering *l, const tdagi_source_stmt *stmt)
{
    l->offset = stmt->offset;
    switch ((tdagi_source_stmt_kind)stmt->kind) {
    case TDAGI_STMT_ASSIGN:
        return assign(l, stmt);
    case TDAGI_STMT_RETURN:
        return lower_return(l, stmt);
    case TDAGI_STMT_IF:
        return tdagi_lower_if(l, stmt);
    case TDAGI_STMT_WHILE:
        return tdagi_lower_while(l, stmt);
    case TDAGI_STMT_FOR:
        return tdagi_lower_for(l, stmt);
    case TDAGI_STMT_WITH:
        return lower_with(l, stmt);
    case TDAGI_STMT_DEF:
        return lower_def(l, stmt);
    case TDAGI_STMT_PASS:
        return true;
    case TDAGI_STMT_AUGMENT:
    case TDAGI_STMT_BREAK:
    case TDAGI_STMT_CONTINUE:
    case TDAGI_STMT_ASSERT:
    case TDAGI_STMT_RAISE:
        break;
    }
    return tdagi_lower_refuse(l, "a statement that archives do not have");
}

bool tdagi_lower_statements(tdagi_lowering *l, const tdagi_source_stmt *first)
{
    if (++l->depth > MAX_DEPTH) {
        tdagi_reader_fail(l->s, TDAG_E_LIMIT, "blocks of code nest deeper than %d",
                          MAX_DEPTH);
        return false;
    }
    for (; first != NULL; first = first->next)
        if (!lower_statement(l, first)) return false;
    l->depth--;
    return true;
}

/* In order: whoever waits for it has it already. */
tdagi_lowered tdagi_lower_forked(tdagi_lowering *l, const tdagi_source_function *f)
{
    tdagi_lowered out = {.var = NULL};
    tdag_shim_block *block = l->block;
    tdagi_variable *outer = tdagi_lower_open(l, block);
    for (const tdagi_source_stmt *s = f->body; s != NULL; s = s->next) {
        if (s->kind != TDAGI_STMT_RETURN) {
            if (!lower_statement(l, s)) break;
        } else if (s->value != NULL) {
            out.var = tdagi_lower_value(l, s->value);
        }
    }
    tdagi_lower_close(l, outer, block);
    return out;
}

/* ---- functions ---- */

static bool bind_arguments(tdagi_lowering *l, const tdagi_source_function *f)
{
    for (uint32_t i = 0; i < f->n_args; i++) {
        tdagi_lowered value = {.var = l->graph->block->inputs[i]};
        if (!tdagi_lower_assign(l, f->args[i].name, value)) return false;
    }
    return true;
}

static bool finish(tdagi_lowering *l)
{
    tdag_shim_block *b = l->graph->block;
    if (l->result == NULL)
        l->result =
            tdagi_lower_constant(l, tdagi_reader_new_value(l->s, TDAG_SHIM_NONE)).var;
    b->outputs = tdagi_reader_alloc(l->s, 1, sizeof *b->outputs);
    if (l->result == NULL || b->outputs == NULL || !tdagi_name_all_later(l))
        return false;
    b->outputs[0] = l->result;
    b->n_outputs = 1;
    tdag_shim_node *last = l->hoisted;
    while (last != NULL && last->next != NULL)
        last = last->next;
    if (last != NULL) {
        last->next = b->first;
        b->first = l->hoisted;
    }
    return true;
}

static tdag_shim_graph *lower_function(tdag_shim_session *s, const tdagi_definition *d)
{
    tdagi_lowering l = {.s = s, .function = d->function, .offset = d->function->offset};
    l.graph = tdagi_reader_alloc(s, 1, sizeof *l.graph);
    if (l.graph == NULL) return NULL;
    l.graph->code = d->code;
    l.block = tdagi_new_block(&l, d->function->n_args);
    l.graph->block = l.block;
    if (l.block == NULL) return NULL;
    l.block->graph = l.graph;
    bool done = bind_arguments(&l, d->function) &&
                tdagi_lower_statements(&l, d->function->body) && finish(&l);
    return done ? l.graph : NULL;
}

const tdag_shim_graph *tdagi_reader_graph(tdag_shim_session *s,
                                          const tdagi_definition *function)
{
    tdag_shim_graph *g = tdagi_table_get(&s->graphs, function->function, 0);
    if (g != NULL) return g;
    g = lower_function(s, function);
    if (g == NULL) return NULL;
    void **slot = tdagi_table_at(&s->arena, &s->graphs, function->function, 0);
    if (slot == NULL) {
        tdagi_reader_nomem(s);
        return NULL;
    }
    *slot = g;
    return g;
}
