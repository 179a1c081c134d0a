/* Branches and loops: which variables leave them, and which loops carry. */
#include <string.h>

#include "torchscript/reader/lower.h"

/* ---- branches ---- */

enum { YES, NO };

/* Names are told what the branches left behind, bindings of their frames; NULL: that
 * they are forgotten. */
static void tell_names(const tdagi_variable *yes, const tdagi_variable *no, bool forget)
{
    for (const tdagi_variable *b = yes; b != NULL; b = b->next)
        b->name->left[YES] = forget ? NULL : b;
    for (const tdagi_variable *b = no; b != NULL; b = b->next)
        b->name->left[NO] = forget ? NULL : b;
}

/* The value of a name at the end of a branch; NULL: it has none there. */
static tdag_shim_var *value_in(int branch, const tdagi_name *name)
{
    const tdagi_variable *b = name->left[branch];
    if (b == NULL) b = name->top;
    return b == NULL ? NULL : b->value.var;
}

static bool is_set(const tdagi_variable *b) { return b != NULL && b->by_statement; }

/* How often PyTorch reads a name that a branch may have set, while it looks for what
 * leaves: for each branch that set it, and once more for each branch. */
static bool read_leaving(tdagi_lowering *l, tdagi_name *name)
{
    bool by_yes = is_set(name->left[YES]), by_no = is_set(name->left[NO]);
    if (!by_yes && !by_no) return true;
    for (int i = 0; i < by_yes + by_no + 2; i++)
        if (!tdagi_name_pass(l, name)) return false;
    return true;
}

typedef struct leaving {
    tdag_shim_node *node;
    tdagi_name **names;
    uint32_t n;
} leaving;

static bool collect(tdagi_lowering *l, leaving *out, const tdagi_variable *branch,
                    bool second)
{
    for (const tdagi_variable *b = branch; b != NULL; b = b->next) {
        if (second && b->name->left[YES] != NULL) continue;
        tdag_shim_var *in_yes = value_in(YES, b->name);
        tdag_shim_var *in_no = value_in(NO, b->name);
        if (in_yes == NULL || in_no == NULL) continue;
        if (!read_leaving(l, b->name)) return false;
        out->node->blocks[0]->outputs[out->n] = in_yes;
        out->node->blocks[1]->outputs[out->n] = in_no;
        out->names[out->n++] = b->name;
    }
    return true;
}

static bool add_output(tdagi_lowering *l, tdag_shim_node *node)
{
    tdag_shim_var *v = tdagi_new_var(l, node->block, node);
    if (v == NULL) return false;
    node->outputs[node->n_outputs++] = v;
    return true;
}

static uint32_t count(const tdagi_variable *b)
{
    uint32_t n = 0;
    for (; b != NULL; b = b->next)
        n++;
    return n;
}

/* Room for n results of a node and its blocks. */
static bool make_room(tdagi_lowering *l, tdag_shim_node *node, uint32_t n)
{
    node->outputs = tdagi_reader_alloc(l->s, n + 1u, sizeof *node->outputs);
    node->n_outputs = 0;
    for (uint32_t i = 0; i < node->n_blocks; i++) {
        tdag_shim_block *b = node->blocks[i];
        b->outputs = tdagi_reader_alloc(l->s, n + 2u, sizeof *b->outputs);
        if (b->outputs == NULL) return false;
    }
    return node->outputs != NULL;
}

static bool join_told(tdagi_lowering *l, tdag_shim_node *node,
                      const tdagi_variable *yes, const tdagi_variable *no)
{
    uint32_t most = count(yes) + count(no);
    leaving out = {.node = node};
    out.names = tdagi_reader_alloc(l->s, most + 1u, sizeof(tdagi_name *));
    if (out.names == NULL || !make_room(l, node, most) ||
        !collect(l, &out, yes, false) || !collect(l, &out, no, true))
        return false;
    node->blocks[0]->n_outputs = node->blocks[1]->n_outputs = out.n;
    for (uint32_t i = 0; i < out.n; i++) {
        tdagi_name *name = out.names[i];
        bool by_statement = is_set(name->left[YES]) || is_set(name->left[NO]);
        if (!add_output(l, node) ||
            !tdagi_lower_bind(l, name, (tdagi_lowered){.var = node->outputs[i]},
                              by_statement) ||
            (name->is_meaningful && !tdagi_name_later(l, name, 1)))
            return false;
    }
    return true;
}

static bool join(tdagi_lowering *l, tdag_shim_node *node, const tdagi_variable *yes,
                 const tdagi_variable *no)
{
    tell_names(yes, no, false);
    bool done = join_told(l, node, yes, no);
    tell_names(yes, no, true);
    return done;
}

static bool add_blocks(tdagi_lowering *l, tdag_shim_node *node, uint32_t n,
                       uint32_t n_inputs)
{
    node->blocks = tdagi_reader_alloc(l->s, n, sizeof *node->blocks);
    if (node->blocks == NULL) return false;
    for (uint32_t i = 0; i < n; i++) {
        node->blocks[i] = tdagi_new_block(l, n_inputs);
        if (node->blocks[i] == NULL) return false;
    }
    node->n_blocks = n;
    return true;
}

static tdag_shim_node *add_if(tdagi_lowering *l, tdag_shim_var *condition)
{
    tdag_shim_node *node = tdagi_add_node(l, "prim::If", 1, &condition);
    return node != NULL && add_blocks(l, node, 2, 0) ? node : NULL;
}

bool tdagi_lower_if(tdagi_lowering *l, const tdagi_source_stmt *stmt)
{
    tdag_shim_block *block = l->block;
    tdag_shim_var *condition = tdagi_lower_value(l, stmt->value);
    if (condition == NULL) return false;
    l->offset = stmt->offset;
    bool is_read = stmt->value->kind == TDAGI_EXPR_NAME; /* PyTorch forgets it then */
    const tdag_shim_value *known = is_read ? NULL : condition->constant;
    if (known != NULL && known->kind == TDAG_SHIM_BOOL)
        return tdagi_lower_statements(l, known->u.i != 0 ? stmt->body : stmt->orelse);
    tdag_shim_node *node = add_if(l, condition);
    if (node == NULL) return false;
    tdagi_variable *outer = tdagi_lower_open(l, node->blocks[0]);
    if (!tdagi_lower_statements(l, stmt->body)) return false;
    tdagi_variable *yes = tdagi_lower_close(l, outer, block);
    outer = tdagi_lower_open(l, node->blocks[1]);
    if (!tdagi_lower_statements(l, stmt->orelse)) return false;
    tdagi_variable *no = tdagi_lower_close(l, outer, block);
    return join(l, node, yes, no);
}

/* One side of a ternary, of "and" or of "or". */
static bool lower_side(tdagi_lowering *l, tdag_shim_node *node, uint32_t i,
                       const tdagi_source_expr *e, const tdag_shim_value *constant)
{
    tdag_shim_block *block = l->block;
    tdagi_variable *outer = tdagi_lower_open(l, node->blocks[i]);
    node->blocks[i]->outputs[0] =
        e == NULL ? tdagi_lower_constant(l, constant).var : tdagi_lower_value(l, e);
    node->blocks[i]->n_outputs = 1;
    tdagi_lower_close(l, outer, block);
    return node->blocks[i]->outputs[0] != NULL;
}

tdagi_lowered tdagi_lower_ternary(tdagi_lowering *l, const tdagi_source_expr *e)
{
    bool ternary = e->kind == TDAGI_EXPR_TERNARY;
    bool either = !ternary && strcmp(e->u.s, "or") == 0;
    tdag_shim_node *node = add_if(l, tdagi_lower_value(l, e->items[ternary ? 1 : 0]));
    tdagi_lowered none = {.var = NULL};
    if (node == NULL || !make_room(l, node, 1) || !add_output(l, node)) return none;
    const tdagi_source_expr *yes = e->items[ternary ? 0 : 1];
    const tdagi_source_expr *no = ternary ? e->items[2] : e->items[1];
    const tdag_shim_value *known = ternary ? NULL : tdagi_reader_bool(l->s, either);
    if (!ternary && known == NULL) return none;
    if (!lower_side(l, node, 0, either ? NULL : yes, known) ||
        !lower_side(l, node, 1, ternary || either ? no : NULL, known))
        return none;
    return tdagi_operand_of(node);
}

/* ---- loops ---- */

typedef struct carried {
    tdagi_name **names;
    uint32_t n, capacity;
} carried;

static bool carry(tdagi_lowering *l, carried *c, const char *text)
{
    tdagi_name *name = tdagi_lower_name(l, text);
    if (name == NULL) return false;
    if (name->top == NULL || name->top->value.var == NULL) return true;
    for (uint32_t i = 0; i < c->n; i++)
        if (c->names[i] == name) return true;
    if (c->n == c->capacity) {
        uint32_t wider = c->capacity == 0 ? 8 : 2 * c->capacity;
        tdagi_name **p = tdagi_reader_alloc(l->s, wider, sizeof(tdagi_name *));
        if (p == NULL) return false;
        if (c->n > 0) memcpy(p, c->names, c->n * sizeof(tdagi_name *));
        c->names = p;
        c->capacity = wider;
    }
    c->names[c->n++] = name;
    return true;
}

/* Names that statements set and that are there before them. The depth of statements is
 * limited by the parser. */
static bool collect_carried(tdagi_lowering *l, carried *c, const tdagi_source_stmt *s)
{
    for (; s != NULL; s = s->next) {
        for (uint32_t i = 0; i < s->n_targets; i++)
            if (s->targets[i]->kind == TDAGI_EXPR_NAME &&
                !carry(l, c, s->targets[i]->u.s))
                return false;
        if (!collect_carried(l, c, s->body) || !collect_carried(l, c, s->orelse))
            return false;
    }
    return true;
}

/* The iteration and what a variable of `for` is set to in each trip. */
typedef struct loop {
    const tdagi_source_stmt *stmt;
    tdag_shim_var *trips, *start, *step, *list;
    carried carried;
    tdag_shim_node *node;
} loop;

static tdag_shim_var *constant(tdagi_lowering *l, const tdag_shim_value *v)
{
    return tdagi_lower_constant(l, v).var;
}

static tdag_shim_var *condition_of(tdagi_lowering *l, const loop *p)
{
    return p->stmt->kind == TDAGI_STMT_WHILE
               ? tdagi_lower_value(l, p->stmt->value)
               : constant(l, tdagi_reader_bool(l->s, true));
}

static bool begin(tdagi_lowering *l, loop *p)
{
    tdag_shim_var *first = condition_of(l, p);
    if (p->trips == NULL || first == NULL ||
        !collect_carried(l, &p->carried, p->stmt->body))
        return false;
    uint32_t n = p->carried.n;
    l->offset = p->stmt->offset;
    p->node = tdagi_new_node(l, "prim::Loop", n + 2, n);
    if (p->node == NULL || !add_blocks(l, p->node, 1, n + 1)) return false;
    p->node->inputs[0] = p->trips;
    p->node->inputs[1] = first;
    for (uint32_t i = 0; i < n; i++)
        p->node->inputs[i + 2] = p->carried.names[i]->top->value.var;
    tdagi_append_node(l, p->node);
    return true;
}

static bool set_element(tdagi_lowering *l, const loop *p)
{
    tdag_shim_var *i = p->node->blocks[0]->inputs[0];
    tdag_shim_var *derive[] = {i, p->start, p->step}, *index[] = {p->list, i};
    tdagi_lowered value = {.var = i};
    if (p->start != NULL)
        value = tdagi_operand_of(tdagi_add_node(l, "aten::__derive_index", 3, derive));
    if (p->list != NULL)
        value = tdagi_operand_of(tdagi_add_node(l, "aten::__getitem__", 2, index));
    if (p->stmt->n_targets != 1 || p->stmt->targets[0]->kind != TDAGI_EXPR_NAME)
        return tdagi_lower_refuse(l, "a loop over several variables");
    return value.var != NULL && tdagi_lower_assign(l, p->stmt->targets[0]->u.s, value);
}

/* The next condition, and what is carried on. */
static bool end_body(tdagi_lowering *l, const loop *p, tdag_shim_block *body)
{
    uint32_t n = p->carried.n;
    body->outputs = tdagi_reader_alloc(l->s, n + 1u, sizeof *body->outputs);
    if (body->outputs == NULL) return false;
    body->outputs[0] = condition_of(l, p);
    for (uint32_t i = 0; i < n; i++) {
        const tdagi_name *name = p->carried.names[i];
        body->outputs[i + 1] = name->top->value.var;
        if (name->top->value.var != NULL) continue;
        tdagi_reader_fail(l->s, TDAG_E_FORMAT, "%s is no value where its loop ends",
                          name->text);
        return false;
    }
    body->n_outputs = n + 1;
    return body->outputs[0] != NULL;
}

static bool lower_body(tdagi_lowering *l, const loop *p)
{
    tdag_shim_block *body = p->node->blocks[0];
    for (uint32_t i = 0; i < p->carried.n; i++)
        if (!tdagi_lower_bind(l, p->carried.names[i],
                              (tdagi_lowered){.var = body->inputs[i + 1]}, false))
            return false;
    if (p->stmt->kind == TDAGI_STMT_FOR && !set_element(l, p)) return false;
    return tdagi_lower_statements(l, p->stmt->body) && end_body(l, p, body);
}

static bool lower_loop(tdagi_lowering *l, loop *p)
{
    tdag_shim_block *block = l->block;
    if (!begin(l, p)) return false;
    tdagi_variable *outer = tdagi_lower_open(l, p->node->blocks[0]);
    if (!lower_body(l, p)) return false;
    tdagi_lower_close(l, outer, block);
    for (uint32_t i = 0; i < p->carried.n; i++) {
        tdagi_name *name = p->carried.names[i];
        tdagi_lowered value = {.var = p->node->outputs[i]};
        if (!tdagi_lower_bind(l, name, value, false) ||
            !tdagi_name_later(l, name, 1 + name->is_meaningful))
            return false;
    }
    return true;
}

bool tdagi_lower_while(tdagi_lowering *l, const tdagi_source_stmt *stmt)
{
    loop p = {.stmt = stmt, .trips = constant(l, tdagi_reader_int(l->s, INT64_MAX))};
    return lower_loop(l, &p);
}

/* range(n), range(a, b), range(a, b, s) */
static bool lower_range(tdagi_lowering *l, loop *p, const tdagi_source_expr *e)
{
    tdag_shim_var *args[3] = {NULL, NULL, NULL};
    for (uint32_t i = 1; i < e->n && i <= 3; i++) {
        args[i - 1] = tdagi_lower_value(l, e->items[i]);
        if (args[i - 1] == NULL) return false;
    }
    p->trips = args[0];
    if (e->n <= 2) return true;
    if (args[2] == NULL) args[2] = constant(l, tdagi_reader_int(l->s, 1));
    p->start = args[0];
    p->step = args[2];
    p->trips = tdagi_operand_of(tdagi_add_node(l, "aten::__range_length", 3, args)).var;
    return true;
}

bool tdagi_lower_for(tdagi_lowering *l, const tdagi_source_stmt *stmt)
{
    const tdagi_source_expr *e = stmt->value;
    loop p = {.stmt = stmt};
    bool is_range = e->kind == TDAGI_EXPR_CALL && e->n >= 2 &&
                    e->items[0]->kind == TDAGI_EXPR_NAME &&
                    strcmp(e->items[0]->u.s, "range") == 0;
    if (is_range) return lower_range(l, &p, e) && lower_loop(l, &p);
    p.list = tdagi_lower_value(l, e);
    p.trips = tdagi_operand_of(tdagi_add_node(l, "aten::len", 1, &p.list)).var;
    return lower_loop(l, &p);
}
