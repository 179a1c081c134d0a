/* Programs: a function per method. Graphs that are called are written in place, once
 * per call; branches and loops are `cond` and `while_loop`, states are read and written
 * where the program does. What ends a run if it is false is left out. */
#include <stdio.h>
#include <string.h>

#include "base/tensor.h"
#include "coreml/write/mil.h"
#include "ir/graft.h"
#include "program/call.h"

static const tdagi_type count_type = {TDAG_I64, 0, {0}},
                        truth_type = {TDAG_BOOL, 0, {0}};

void tdagi_mil_refuse(tdagi_mil_writer *w, const tdagi_statement *s, const char *format,
                      ...)
{
    char why[TDAGI_MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    tdagi_mil_fail(w, TDAG_E_UNSUPPORTED, "statement %lu of %.80s, %s: %s",
                   (unsigned long)tdagi_statement_number(w->method, s), w->method->name,
                   tdagi_statement_name(s->kind), why);
}

/* ---- values ---- */

tdagi_mil tdagi_mil_read_var(tdagi_mil_writer *w, tdagi_var v)
{
    w->reads[v.id] = true;
    return w->vars[v.id];
}

void tdagi_mil_var_type(const tdagi_mil_writer *w, tdagi_var v, tdagi_type *out)
{
    const tdagi_var_info *is = tdagi_method_var(w->method, v);
    *out = (tdagi_type){tdagi_coreml_held_as(is->dtype), is->rank, {0}};
    for (uint32_t i = 0; i < is->rank; i++)
        out->shape[i] = is->shape[i];
}

static const char *like(const tdagi_mil_writer *w, tdagi_var v, const char *otherwise)
{
    const char *name = tdagi_method_var(w->method, v)->name;
    return name == NULL ? otherwise : name;
}

/* ---- sizes ---- */

/* What tells a size that is a symbol: an axis of a value, or a scalar. */
typedef struct telling {
    const char *symbol;
    tdagi_mil value;
    uint32_t axis; /* TDAG_MAX_RANK: the value is the size */
} telling;

/* The symbol that a dim is; NULL: it is none. */
static const char *symbol_of(const tdagi_pool *p, tdag_dim d)
{
    uint32_t s;
    int64_t factor, offset;
    if (d >= 0 || !tdagi_dim_is_affine(p, d, &s, &factor, &offset) || factor != 1 ||
        offset != 0)
        return NULL;
    return tdagi_pool_symbol(p, s, NULL);
}

static void tell(tdagi_mil_writer *w, tdag_dim d, tdagi_mil value, uint32_t axis)
{
    const char *symbol = symbol_of(w->pool, d);
    telling *t = symbol == NULL ? NULL : tdagi_mil_alloc(w, sizeof *t);
    if (t == NULL) return;
    *t = (telling){symbol, value, axis};
    tdagi_mil_push(w, &w->sizes, t);
}

static void tell_all(tdagi_mil_writer *w, tdagi_mil v)
{
    for (uint32_t i = 0; v != NULL && i < v->type.rank; i++)
        tell(w, v->type.shape[i], v, i);
}

tdagi_mil tdagi_mil_method_size(tdagi_mil_writer *w, const char *symbol)
{
    for (uint32_t i = 0; i < w->sizes.n; i++) {
        const telling *t = w->sizes.v[i];
        if (strcmp(t->symbol, symbol) == 0)
            return t->axis == TDAG_MAX_RANK ? t->value
                                            : tdagi_mil_size_of(w, t->value, t->axis);
    }
    return NULL;
}

/* The same value, of the type that the method tells. */
void tdagi_mil_define(tdagi_mil_writer *w, tdagi_var v, tdagi_mil is)
{
    tdagi_mil_value *own = tdagi_mil_alloc(w, sizeof *own);
    tdagi_type type;
    tdagi_mil_var_type(w, v, &type);
    is = tdagi_mil_cast(w, is, type.dtype);
    if (is == NULL || own == NULL) return;
    if (is->held != NULL)
        tdagi_mil_fail(w, TDAG_E_UNSUPPORTED,
                       "a value of %lu axes between statements, of which Core ML has "
                       "at most five",
                       (unsigned long)type.rank);
    *own = *is;
    own->type = type;
    w->vars[v.id] = own;
    tell_all(w, own);
}

/* A new value for it. */
static tdagi_mil_value *fresh(tdagi_mil_writer *w, tdagi_var v, const char *otherwise)
{
    tdagi_type type;
    tdagi_mil_var_type(w, v, &type);
    tdagi_mil_value *m = tdagi_mil_new(w, like(w, v, otherwise), &type);
    w->vars[v.id] = m;
    tell_all(w, m);
    return m;
}

/* ---- calls ---- */

/* The graph at the sizes of the call. */
static tdag_status specialize(tdagi_mil_writer *w, const tdagi_statement *s,
                              tdag_graph **out)
{
    const tdag_graph *g = w->model->graphs[s->target].graph;
    const uint32_t n = tdagi_pool_n_symbols(g->pool);
    const char *missing = NULL;
    tdag_builder *b = NULL;
    tdagi_graft t;
    tdag_dim *sizes = tdagi_mil_alloc(w, (n + (size_t)1) * sizeof *sizes);
    if (sizes == NULL) return w->status;
    for (uint32_t i = 0; i < n; i++)
        sizes[i] = TDAGI_DIM_BAD;
    for (uint32_t i = 0; i < s->n_bindings; i++)
        sizes[s->bindings[i].of] = s->bindings[i].symbol;
    tdagi_call_solve(g, w->method, s->inputs, w->pool, sizes);
    TDAGI_TRY(tdagi_call_take_names(w->ctx, g, w->pool, NULL, sizes, &missing));
    TDAGI_TRY(tdagi_pool_report(w->ctx, w->pool));
    if (missing != NULL)
        tdagi_mil_refuse(w, s, "a size of the graph that nothing tells");
    if (missing != NULL) return w->status;
    TDAGI_TRY(tdag_builder_create(w->ctx, &b));
    for (uint32_t i = 0; i < n; i++)
        sizes[i] = tdagi_dim_import(tdagi_builder_pool(b), w->pool, sizes[i]);
    tdag_status st = tdagi_graft_init(&t, b, g, sizes);
    if (st == TDAG_OK) {
        st = tdagi_graft_all(&t, NULL, out);
        tdagi_graft_free(&t);
    }
    tdag_builder_free(b);
    return st;
}

tdag_status tdagi_mil_keep_graph(tdagi_mil_writer *w, tdag_graph *g)
{
    const uint32_t n = w->graphs.n;
    tdagi_mil_push(w, &w->graphs, g);
    if (w->graphs.n == n) tdag_graph_free(g);
    return w->status;
}

static tdag_status prepare(tdagi_mil_writer *w, const tdagi_statement *s)
{
    tdag_graph *at = NULL, *known = NULL, *g = NULL;
    TDAGI_TRY(specialize(w, s, &at));
    tdag_status st = tdagi_coreml_prepare_called(w->ctx, at, false, &known);
    tdag_graph_free(at);
    TDAGI_TRY(st);
    TDAGI_TRY(tdagi_coreml_fold(w->ctx, known, &g));
    w->now.g = g;
    return tdagi_mil_keep_graph(w, g);
}

/* What the call gives the graph, with the graph's own sizes. */
static void bind_arguments(tdagi_mil_writer *w, const tdagi_statement *s)
{
    for (uint32_t i = 0; i < s->n_inputs && w->status == TDAG_OK; i++) {
        const tdag_value v = w->now.g->inputs[i];
        tdagi_mil_value *own = tdagi_mil_alloc(w, sizeof *own);
        if (own == NULL) return;
        *own = *tdagi_mil_read_var(w, s->inputs[i]);
        tdagi_value_type(w->now.g, v, &own->type);
        w->now.arguments[i] = own;
        if (w->now.r->kernel_of[v.id] != 0)
            w->now.value[w->now.r->kernel_of[v.id]] = own;
    }
}

static void emit_call(tdagi_mil_writer *w, const tdagi_statement *s)
{
    if (tdagi_mil_make_tables(w) != TDAG_OK) return;
    bind_arguments(w, s);
    if (w->status != TDAG_OK || tdagi_mil_emit_graph(w) != TDAG_OK) return;
    for (uint32_t i = 0; i < s->n_results && w->status == TDAG_OK; i++)
        tdagi_mil_define(w, s->results[i],
                         tdagi_mil_of(w, w->now.r->kernel_of[w->now.g->outputs[i].id]));
    if (w->status == TDAG_OK) w->status = tdagi_pool_report(w->ctx, w->now.r->pool);
}

static void write_call(tdagi_mil_writer *w, const tdagi_statement *s)
{
    for (uint32_t i = 0; i < s->n_bindings && w->status == TDAG_OK; i++)
        tell(w, s->bindings[i].symbol, tdagi_mil_read_var(w, s->bindings[i].value),
             TDAG_MAX_RANK);
    const tdagi_mil_emitting before = w->now;
    if (w->status != TDAG_OK) return;
    w->status = prepare(w, s);
    if (w->status == TDAG_OK)
        w->status = tdagi_raise(w->ctx, w->now.g, w->now.by_parts, &w->now.r);
    if (w->status == TDAG_OK) emit_call(w, s);
    tdagi_raised_free(w->now.r);
    w->now = before;
}

/* ---- branches and loops ---- */

static void write_statements(tdagi_mil_writer *w, const tdagi_block *block);

/* A block gives what its operations have made, each once. */
static void yield(tdagi_mil_writer *w, tdagi_mil_array *to, tdagi_mil v)
{
    bool is_own = false;
    if (w->status != TDAG_OK) return;
    for (uint32_t i = 0; i < w->ops.n && !is_own; i++) {
        const Cml__Operation *o = w->ops.v[i];
        for (size_t k = 0; k < o->n_outputs; k++)
            is_own = is_own || o->outputs[k]->name == v->name;
    }
    for (uint32_t i = 0; i < to->n; i++)
        is_own = is_own && ((tdagi_mil)to->v[i])->name != v->name;
    if (!is_own) v = tdagi_mil_op(w, &v->type, "identity(x=%v)", v);
    tdagi_mil_push(w, to, (void *)(uintptr_t)v);
}

/* The same tensor, of sizes that are open where the other arm has other ones: which
 * is said by taking all of it, up to an end that seems to be computed. */
static tdagi_mil opened(tdagi_mil_writer *w, tdagi_mil v, tdagi_var result,
                        tdagi_mil condition)
{
    tdagi_type type;
    tdagi_mil zero = NULL;
    tdagi_mil_var_type(w, result, &type);
    for (uint32_t i = 0; v != NULL && i < type.rank; i++) {
        if (v->type.shape[i] < 0 || type.shape[i] >= 0) continue;
        const tdagi_type vector = {TDAG_I64, 1, {type.shape[i]}};
        tdagi_type opened = v->type;
        if (zero == NULL)
            zero = tdagi_mil_op(w, &count_type, "mul(x=%v, y=0)",
                                tdagi_mil_cast(w, condition, TDAG_I64));
        tdagi_mil end =
            tdagi_mil_op(w, &count_type, "add(x=%v, y=%i)", zero, v->type.shape[i]);
        opened.shape[i] = type.shape[i];
        v = tdagi_mil_gather_of(
            w, &opened, v,
            tdagi_mil_op(w, &vector, "range_1d(start=0, end=%v, step=1)", end), i, 0);
    }
    return v;
}

/* A block gives something: the condition, where it would give nothing. */
static Cml__Block *write_arm(tdagi_mil_writer *w, const tdagi_statement *s, uint32_t i,
                             tdagi_mil condition)
{
    const tdagi_block *block = &s->blocks[i];
    const tdagi_mil_array outside = w->ops;
    const uint32_t n_sizes = w->sizes.n;
    tdagi_mil *const before = tdagi_mil_keep_states(w);
    tdagi_mil_array yields = {NULL, 0};
    w->ops = (tdagi_mil_array){NULL, 0};
    write_statements(w, block);
    for (uint32_t k = 0; k < block->n_yields && w->status == TDAG_OK; k++)
        yield(w, &yields,
              opened(w, tdagi_mil_read_var(w, block->yields[k]), s->results[k],
                     condition));
    tdagi_mil_yield_states(w, s, yield, &yields);
    if (yields.n == 0) yield(w, &yields, condition);
    Cml__Block *made = tdagi_mil_block(w, &yields);
    w->ops = outside;
    w->sizes.n = n_sizes;
    w->held = before;
    return made;
}

/* The operation gets two blocks. */
static void add_blocks(tdagi_mil_writer *w, Cml__Operation *o, Cml__Block *a,
                       Cml__Block *b)
{
    tdagi_mil_array blocks = {NULL, 0};
    tdagi_mil_push(w, &blocks, a);
    tdagi_mil_push(w, &blocks, b);
    if (o == NULL) return;
    o->n_blocks = blocks.n;
    o->blocks = (Cml__Block **)blocks.v;
}

/* Whether it gives or writes something: checks are left out. */
static bool matters(const tdagi_statement *s)
{
    bool does = s->n_results > 0 || s->kind == TDAGI_WRITE;
    for (uint32_t i = 0; i < s->n_blocks && !does; i++)
        for (const tdagi_statement *t = s->blocks[i].first; t != NULL; t = t->next)
            does = does || t->kind == TDAGI_WRITE || (t->n_blocks > 0 && matters(t));
    return does;
}

static void write_if(tdagi_mil_writer *w, const tdagi_statement *s)
{
    const tdagi_mil condition = tdagi_mil_read_var(w, s->inputs[0]);
    if (w->status != TDAG_OK || !matters(s)) return;
    Cml__Block *yes = write_arm(w, s, 0, condition),
               *no = write_arm(w, s, 1, condition);
    Cml__Operation *o = tdagi_mil_add(w, "cond", tdagi_mil_name(w, "cond"));
    tdagi_mil_bind(w, o, "pred", 1, &condition);
    for (uint32_t i = 0; i < s->n_results; i++)
        tdagi_mil_give(w, o, fresh(w, s->results[i], "cond"));
    tdagi_mil_renew_states(w, s, o);
    if (o != NULL && o->n_outputs == 0)
        tdagi_mil_give(w, o, tdagi_mil_new(w, "cond", &truth_type));
    add_blocks(w, o, yes, no);
}

/* What goes round, by position: what is carried, then the counter and the condition
 * where there are such. */
typedef struct looping {
    const tdagi_statement *s;
    const tdagi_block *block;
    tdagi_mil counter, condition; /* inside; NULL: none */
    tdagi_mil carried_condition;  /* what is carried that it is; NULL: nothing */
    tdagi_mil_array entries, params, yields, results;
    uint32_t head;
} looping;

static void push(tdagi_mil_writer *w, tdagi_mil_array *to, tdagi_mil v)
{
    tdagi_mil_push(w, to, (void *)(uintptr_t)v);
}

/* Whether both are the same truth. */
static bool is_same(tdagi_mil a, tdagi_mil b)
{
    return a->name == b->name ||
           (a->type.dtype == TDAG_BOOL && a->elements != NULL && b->elements != NULL &&
            a->type.rank == 0 && a->elements[0] == b->elements[0]);
}

static void begin_loop(tdagi_mil_writer *w, looping *l)
{
    const tdagi_statement *s = l->s;
    for (uint32_t i = 0; i < s->n_results && w->status == TDAG_OK; i++) {
        tdagi_mil entry = tdagi_mil_read_var(w, s->inputs[l->head + i]);
        tdagi_mil_push(w, &l->entries, (void *)(uintptr_t)entry);
        tdagi_mil_push(w, &l->params, fresh(w, l->block->params[i + 1], "carried"));
    }
    tdagi_mil_yield_states(w, s, push, &l->entries);
    tdagi_mil_renew_states(w, s, NULL);
    tdagi_mil_yield_states(w, s, push, &l->params);
    l->counter = fresh(w, l->block->params[0], "i");
    if (!s->has_condition || w->status != TDAG_OK) return;
    const tdagi_mil begins = tdagi_mil_read_var(w, s->inputs[s->has_limit]);
    for (uint32_t i = 0; i < s->n_results; i++)
        if (l->block->yields[1 + i].id == l->block->yields[0].id &&
            is_same(l->entries.v[i], begins))
            l->carried_condition = l->params.v[i];
    l->condition = l->carried_condition != NULL
                       ? l->carried_condition
                       : tdagi_mil_new(w, "carried", &truth_type);
}

/* The body; the counter goes round where something reads it. */
static Cml__Block *write_body(tdagi_mil_writer *w, looping *l)
{
    const tdagi_statement *s = l->s;
    w->ops = (tdagi_mil_array){NULL, 0};
    write_statements(w, l->block);
    for (uint32_t i = 0; i < s->n_results && w->status == TDAG_OK; i++)
        yield(w, &l->yields,
              tdagi_mil_read_var(w, l->block->yields[s->has_condition + i]));
    tdagi_mil_yield_states(w, s, yield, &l->yields);
    if (w->status != TDAG_OK) return NULL;
    if (!s->has_limit && !w->reads[l->block->params[0].id]) l->counter = NULL;
    if (l->counter != NULL) {
        tdagi_mil_push(w, &l->entries,
                       (void *)(uintptr_t)tdagi_mil_scalar(w, TDAG_I64, 0));
        tdagi_mil_push(w, &l->params, (void *)(uintptr_t)l->counter);
        yield(w, &l->yields,
              tdagi_mil_op(w, &count_type, "add(x=%v, y=1)", l->counter));
    }
    if (s->has_condition && l->carried_condition == NULL) {
        tdagi_mil entry = tdagi_mil_read_var(w, s->inputs[s->has_limit]);
        tdagi_mil_push(w, &l->entries, (void *)(uintptr_t)entry);
        tdagi_mil_push(w, &l->params, (void *)(uintptr_t)l->condition);
        yield(w, &l->yields, tdagi_mil_read_var(w, l->block->yields[0]));
    }
    return tdagi_mil_block(w, &l->yields);
}

static Cml__Block *write_condition(tdagi_mil_writer *w, const looping *l)
{
    tdagi_mil v = l->condition;
    tdagi_mil_array yields = {NULL, 0};
    w->ops = (tdagi_mil_array){NULL, 0};
    if (l->s->has_limit)
        v = tdagi_mil_op(w, &truth_type, "less(x=%v, y=%v)", l->counter,
                         tdagi_mil_read_var(w, l->s->inputs[0]));
    if (l->s->has_limit && l->condition != NULL)
        v = tdagi_mil_op(w, &truth_type, "logical_and(x=%v, y=%v)", v, l->condition);
    if (v != NULL) yield(w, &yields, v);
    return tdagi_mil_block(w, &yields);
}

/* Both blocks have the same inputs. */
static void take_params(tdagi_mil_writer *w, Cml__Block *block, const looping *l)
{
    tdagi_mil_array types = {NULL, 0};
    for (uint32_t i = 0; i < l->params.n; i++) {
        tdagi_mil v = l->params.v[i];
        tdagi_mil_push(w, &types, tdagi_mil_named_type(w, v->name, &v->type));
    }
    if (block == NULL) return;
    block->n_inputs = types.n;
    block->inputs = (Cml__NamedValueType **)types.v;
}

static void end_loop(tdagi_mil_writer *w, const looping *l, Cml__Block *condition,
                     Cml__Block *body)
{
    const tdagi_statement *s = l->s;
    Cml__Operation *o = tdagi_mil_add(w, "while_loop", tdagi_mil_name(w, "loop"));
    tdagi_mil_bind(w, o, "loop_vars", l->entries.n, (const tdagi_mil *)l->entries.v);
    for (uint32_t i = 0; i < s->n_results; i++)
        tdagi_mil_give(w, o,
                       fresh(w, s->results[i], ((tdagi_mil)l->params.v[i])->name));
    tdagi_mil_renew_states(w, s, o);
    for (uint32_t i = o == NULL ? l->params.n : (uint32_t)o->n_outputs; i < l->params.n;
         i++) {
        tdagi_mil p = l->params.v[i];
        tdagi_mil_give(w, o, tdagi_mil_new(w, p->name, &p->type));
    }
    take_params(w, condition, l);
    take_params(w, body, l);
    add_blocks(w, o, condition, body);
}

static void write_loop(tdagi_mil_writer *w, const tdagi_statement *s)
{
    looping l = {.s = s, .block = &s->blocks[0]};
    l.head = (uint32_t)s->has_limit + s->has_condition;
    const tdagi_mil_array outside = w->ops;
    const uint32_t n_sizes = w->sizes.n;
    begin_loop(w, &l);
    Cml__Block *body = w->status == TDAG_OK ? write_body(w, &l) : NULL;
    Cml__Block *condition = w->status == TDAG_OK ? write_condition(w, &l) : NULL;
    w->ops = outside;
    w->sizes.n = n_sizes;
    if (w->status == TDAG_OK) end_loop(w, &l, condition, body);
}

/* ---- random numbers ---- */

/* Whole numbers from the first operand to below the second, of uniform ones. */
static tdagi_mil whole(tdagi_mil_writer *w, const tdagi_statement *s, tdagi_mil v)
{
    tdagi_mil end[2];
    for (uint32_t i = 0; i < 2; i++)
        end[i] = tdagi_mil_cast(w, tdagi_mil_read_var(w, s->inputs[i]), TDAG_F64);
    v = tdagi_mil_op(w, NULL, "floor(x=add(x=mul(x=%v, y=sub(x=%v, y=%v)), y=%v))", v,
                     end[1], end[0], end[0]);
    return tdagi_mil_op(w, NULL, "minimum(x=%v, y=sub(x=%v, y=1.0))", v, end[1]);
}

static void write_draw(tdagi_mil_writer *w, const tdagi_statement *s)
{
    tdagi_type type;
    tdagi_mil_var_type(w, s->results[0], &type);
    if (s->draw == TDAGI_DRAW_PERMUTATION && s->n_bindings > 0)
        tell(w, s->bindings[0].symbol, tdagi_mil_read_var(w, s->inputs[0]),
             TDAG_MAX_RANK);
    if (w->status != TDAG_OK) return;
    type.dtype = TDAG_F64;
    tdagi_mil shape = tdagi_mil_dims(w, type.rank, type.shape);
    tdagi_mil zero = tdagi_mil_scalar(w, TDAG_F64, 0),
              one = tdagi_mil_scalar(w, TDAG_F64, 1);
    tdagi_mil v = tdagi_mil_op(w, &type,
                               s->draw == TDAGI_DRAW_NORMAL
                                   ? "random_normal(shape=%v, mean=%v, stddev=%v)"
                                   : "random_uniform(shape=%v, low=%v, high=%v)",
                               shape, zero, one);
    if (s->draw == TDAGI_DRAW_BERNOULLI) {
        type.dtype = TDAG_BOOL;
        v = tdagi_mil_op(
            w, &type, "less(x=%v, y=%v)", v,
            tdagi_mil_cast(w, tdagi_mil_read_var(w, s->inputs[0]), TDAG_F64));
    }
    if (s->draw == TDAGI_DRAW_INTEGERS) v = whole(w, s, v);
    if (s->draw == TDAGI_DRAW_PERMUTATION) {
        type.dtype = TDAG_I64;
        v = tdagi_mil_op(w, &type, "argsort(x=%v, axis=0, ascending=true)", v);
    }
    tdagi_mil_define(w, s->results[0], v);
}

/* ---- methods ---- */

static void write_return(tdagi_mil_writer *w, const tdagi_statement *s)
{
    for (uint32_t i = 0; i < s->n_inputs && w->status == TDAG_OK; i++) {
        tdagi_mil v = tdagi_mil_read_var(w, s->inputs[i]);
        if (v != NULL && v->type.dtype == TDAG_BOOL) v = tdagi_mil_cast(w, v, TDAG_I64);
        tdagi_mil_add_output(w, v);
        if (w->outputs.n > 0)
            tdagi_mil_note_type(w, "output", w->outputs.v[w->outputs.n - 1], NULL,
                                tdagi_method_var(w->method, s->inputs[i])->dtype,
                                false);
    }
    tdagi_mil_give_states(w);
}

static void write_statement(tdagi_mil_writer *w, const tdagi_statement *s)
{
    static void (*const writers[])(tdagi_mil_writer *, const tdagi_statement *) = {
        [TDAGI_CALL] = write_call,
        [TDAGI_IF] = write_if,
        [TDAGI_LOOP] = write_loop,
        [TDAGI_READ] = tdagi_mil_write_access,
        [TDAGI_WRITE] = tdagi_mil_write_access,
        [TDAGI_DRAW] = write_draw,
        [TDAGI_APPLY] = tdagi_mil_write_apply,
        [TDAGI_RETURN] = write_return};
    if (s->kind != TDAGI_CHECK) writers[s->kind](w, s);
}

static void write_statements(tdagi_mil_writer *w, const tdagi_block *block)
{
    for (const tdagi_statement *s = block->first; s != NULL && w->status == TDAG_OK;
         s = s->next)
        write_statement(w, s);
}

/* Inputs are described as a graph's: no bool, no rank of 0. */
static void take_inputs(tdagi_mil_writer *w)
{
    for (uint32_t i = 0; i < w->method->body.n_params && w->status == TDAG_OK; i++) {
        const tdagi_var v = w->method->body.params[i];
        tdagi_type type, own;
        tdagi_mil_var_type(w, v, &own);
        type = own;
        if (type.dtype == TDAG_BOOL) type.dtype = TDAG_I64;
        if (type.rank == 0) {
            type.rank = 1;
            type.shape[0] = 1;
        }
        tdagi_mil x = tdagi_mil_add_input(w, like(w, v, "x"), type);
        tdagi_mil_note_type(w, "input", x, like(w, v, NULL),
                            tdagi_method_var(w->method, v)->dtype, own.rank == 0);
        if (x != NULL && own.rank == 0) x = tdagi_mil_reshape(w, x, 0, NULL);
        tdagi_mil_define(w, v, x);
    }
}

static void write_method(tdagi_mil_writer *w, const tdagi_method *m, const char *name)
{
    const size_t n = (size_t)m->n_vars + 1;
    w->method = m;
    w->sizes.n = 0;
    w->vars = tdagi_mil_alloc(w, n * sizeof *w->vars);
    w->reads = tdagi_mil_alloc(w, n * sizeof *w->reads);
    w->states =
        tdagi_mil_alloc(w, (w->model->n_states + (size_t)1) * sizeof *w->states);
    if (w->status != TDAG_OK) return;
    w->pool = tdagi_pool_clone(m->pool);
    if (w->pool == NULL) w->status = tdagi_nomem(w->ctx);
    if (w->pool == NULL) return;
    tdagi_mil_note(w, "function", name, m->name);
    take_inputs(w);
    tdagi_mil_take_states(w);
    write_statements(w, &m->body);
    if (w->status == TDAG_OK) tdagi_mil_end_function(w, name);
    tdagi_pool_free(w->pool);
    w->pool = NULL;
}

/* A name that no function before has. */
static const char *function_name(tdagi_mil_writer *w, tdagi_table *taken,
                                 const tdagi_method *m)
{
    const tdagi_table names = w->names;
    w->names = *taken;
    const char *name =
        tdagi_mil_name(w, m == tdagi_model_forward(w->model) ? "main" : m->name);
    *taken = w->names;
    w->names = names;
    return name;
}

tdag_status tdagi_mil_write_program(tdagi_mil_writer *w)
{
    const tdag_model *model = w->model;
    const tdagi_method *first = tdagi_model_forward(model);
    tdagi_table taken = {NULL, 0, 0};
    if (model->n_methods > 1) (void)tdagi_mil_require(w, 18, "a second function");
    for (int rest = 0; rest < 2; rest++)
        for (uint32_t i = 0; i < model->n_methods && w->status == TDAG_OK; i++) {
            const tdagi_method *m = model->methods[i];
            if ((m == first) != rest) write_method(w, m, function_name(w, &taken, m));
        }
    return w->status;
}
