/* Programs as TorchScript: a method per graph, and for each method of the model its
 * statements, which call them. Every value is a tensor; sizes that no argument of a
 * graph shows are passed as numbers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "torchscript/export/export.h"
#include "torchscript/export/program/growing.h"
#include "torchscript/export/recurrent/recurrent.h"
#include "torchscript/source_name.h"

typedef struct program_writer {
    tdagi_exporter *e;
    const tdagi_method *m;
    const char **vars;   /* by id: the expression that reads it */
    const char **sizes;  /* by symbol of the method's pool: likewise, NULL: none yet */
    const char **firsts; /* by list: the tensor that it goes on from */
    tdagi_lists lists;
    uint32_t depth; /* of blocks */
    uint32_t n_counters;
} program_writer;

static tdagi_text *body(const program_writer *w) { return &w->e->body; }

static void indent(const program_writer *w)
{
    for (uint32_t i = 0; i <= w->depth; i++)
        tdagi_text_add(body(w), "    ");
}

static const char *keep(const program_writer *w, const char *format, const char *text,
                        unsigned number)
{
    tdagi_text made;
    tdagi_text_init(&made, w->e->ctx);
    tdagi_text_printf(&made, format, text, number);
    const char *kept = tdagi_export_keep(w->e, &made);
    return kept == NULL ? "" : kept;
}

/* ---- values of a method ---- */

static const char *name_of(program_writer *w, tdagi_var v)
{
    uint32_t list = w->lists.of[v.id];
    return list != 0 ? keep(w, "%sl%u", w->e->mark, (unsigned)list)
                     : keep(w, "%sp%u", w->e->mark, (unsigned)v.id);
}

/* What a list shows as a size: how long it is now, in a variable, as it will grow. */
static const char *length_of(program_writer *w, tdagi_var v)
{
    const char *length = keep(w, "%sn%u", w->e->mark, (unsigned)v.id);
    indent(w);
    tdagi_text_printf(body(w), "%s = torch.add(torch.size(%s, 0), torch.len(%s))\n",
                      length, w->firsts[w->lists.of[v.id]], name_of(w, v));
    return length;
}

/* A value has a name now; the sizes that it shows are read from it. */
static void define(program_writer *w, tdagi_var v, const char *name)
{
    const tdagi_var_info *is = tdagi_method_var(w->m, v);
    w->vars[v.id] = name;
    for (uint32_t axis = 0; axis < is->rank; axis++) {
        uint32_t s;
        int64_t factor, offset;
        if (!tdagi_dim_is_affine(w->m->pool, is->shape[axis], &s, &factor, &offset) ||
            factor != 1 || offset != 0)
            continue;
        const char *shows =
            w->lists.of[v.id] != 0 ? w->firsts[w->lists.of[v.id]] : name;
        w->sizes[s] = w->lists.of[v.id] != 0 && axis == 0
                          ? length_of(w, v)
                          : keep(w, "torch.size(%s, %u)", shows, (unsigned)axis);
    }
}

static void define_all(program_writer *w, const tdagi_var *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        define(w, v[i], name_of(w, v[i]));
}

/* "a, b = ", nothing where there are none */
static void add_targets(program_writer *w, const tdagi_var *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        tdagi_text_printf(body(w), "%s%s%s", i == 0 ? "" : ", ", name_of(w, v[i]),
                          i + 1 == n ? " = " : "");
}

static const char *read_var(const program_writer *w, tdagi_var v)
{
    return w->vars[v.id] == NULL ? "" : w->vars[v.id];
}

/* A dim of the method as an expression; symbols become what reads them. */
static void add_dim(program_writer *w, tdag_dim d)
{
    uint32_t s;
    int64_t factor, offset;
    if (d >= 0) {
        tdagi_text_printf(body(w), "%lld", (long long)d);
    } else if (tdagi_dim_is_affine(w->m->pool, d, &s, &factor, &offset) &&
               w->sizes[s] != NULL) {
        tdagi_text_printf(body(w), "%s * %lld + %lld", w->sizes[s], (long long)factor,
                          (long long)offset);
    } else {
        char text[256];
        tdagi_dim_text(w->m->pool, d, text, sizeof text);
        if (body(w)->status == TDAG_OK)
            body(w)->status = tdagi_fail(w->e->ctx, TDAG_E_UNSUPPORTED,
                                         "a random tensor of the size %s cannot be "
                                         "exported",
                                         text);
    }
}

/* ---- statements ---- */

static void write_block(program_writer *w, const tdagi_block *block);

/* The size of the graph's symbol s, which its arguments do not show. */
static void add_size(program_writer *w, const tdagi_statement *s, const tdag_graph *g,
                     uint32_t symbol)
{
    const char *name = tdagi_pool_symbol(g->pool, symbol, NULL);
    for (uint32_t i = 0; i < s->n_bindings; i++)
        if (s->bindings[i].of == symbol) {
            tdagi_text_printf(body(w), ", int(%s)", read_var(w, s->bindings[i].value));
            return;
        }
    for (uint32_t i = 0; i < tdagi_pool_n_symbols(w->m->pool); i++)
        if (w->sizes[i] != NULL &&
            strcmp(tdagi_pool_symbol(w->m->pool, i, NULL), name) == 0) {
            tdagi_text_printf(body(w), ", %s", w->sizes[i]);
            return;
        }
    if (body(w)->status == TDAG_OK)
        body(w)->status = tdagi_fail(w->e->ctx, TDAG_E_UNSUPPORTED,
                                     "nothing tells the size %s of a call", name);
}

static void write_call(program_writer *w, const tdagi_statement *s)
{
    const tdagi_named_graph *graph = &w->e->model->graphs[s->target];
    indent(w);
    if (w->lists.ways[s->target] != TDAGI_NO_ROW && w->lists.of[s->inputs[0].id] != 0) {
        tdagi_text_printf(body(w), "_ = torch.append(%s, torch.unsqueeze(%s, 0))\n",
                          read_var(w, s->inputs[0]), read_var(w, s->inputs[1]));
        define_all(w, s->results, 1);
        return;
    }
    add_targets(w, s->results, s->n_results);
    tdagi_text_printf(body(w), "(self).%s(", graph->name);
    for (uint32_t i = 0; i < s->n_inputs; i++)
        tdagi_text_printf(body(w), "%s%s", i == 0 ? "" : ", ",
                          read_var(w, s->inputs[i]));
    size_t before = body(w)->length;
    for (uint32_t i = 0; i < tdagi_pool_n_symbols(graph->graph->pool); i++)
        if (!tdagi_export_shows(graph->graph, i)) add_size(w, s, graph->graph, i);
    if (s->n_inputs == 0 && body(w)->status == TDAG_OK && body(w)->length > before) {
        body(w)->data[before] = ' '; /* no comma before the first argument */
    }
    tdagi_text_add(body(w), ")\n");
    define_all(w, s->results, s->n_results);
    for (uint32_t i = 0; i < s->n_bindings; i++) {
        uint32_t symbol;
        int64_t factor, offset;
        if (tdagi_dim_is_affine(w->m->pool, s->bindings[i].symbol, &symbol, &factor,
                                &offset) &&
            w->sizes[symbol] == NULL)
            w->sizes[symbol] = keep(w, "int(%s)", read_var(w, s->bindings[i].value), 0);
    }
}

/* A list is one variable all the way, which begin_lists() makes. */
static bool is_assigned(const program_writer *w, const char *target)
{
    return target[strlen(w->e->mark)] != 'l';
}

/* targets = values, all at once */
static void assign(program_writer *w, const char *const *targets, const tdagi_var *v,
                   uint32_t n)
{
    uint32_t n_left = 0, k = 0;
    for (uint32_t i = 0; i < n; i++)
        n_left += is_assigned(w, targets[i]);
    if (n_left == 0) return;
    indent(w);
    for (uint32_t i = 0; i < n; i++)
        if (is_assigned(w, targets[i]))
            tdagi_text_printf(body(w), "%s%s", targets[i], ++k < n_left ? ", " : " = ");
    k = 0;
    for (uint32_t i = 0; i < n; i++)
        if (is_assigned(w, targets[i]))
            tdagi_text_printf(body(w), "%s%s", read_var(w, v[i]),
                              ++k < n_left ? ", " : "\n");
}

static const char **names_of(program_writer *w, const tdagi_var *v, uint32_t n)
{
    const char **names = tdagi_arena_array(&w->e->arena, n + 1u, sizeof *names);
    for (uint32_t i = 0; names != NULL && i < n; i++)
        names[i] = name_of(w, v[i]);
    if (names == NULL && body(w)->status == TDAG_OK)
        body(w)->status = tdagi_nomem(w->e->ctx);
    return names;
}

static void write_arm(program_writer *w, const tdagi_statement *s, uint32_t which,
                      const char *const *results)
{
    const tdagi_block *block = &s->blocks[which];
    indent(w);
    if (which == 0)
        tdagi_text_printf(body(w), "if bool(%s):\n", read_var(w, s->inputs[0]));
    else
        tdagi_text_add(body(w), "else:\n");
    w->depth++;
    write_block(w, block);
    assign(w, results, block->yields, s->n_results);
    indent(w);
    tdagi_text_add(body(w), "pass\n");
    w->depth--;
}

static void write_if(program_writer *w, const tdagi_statement *s)
{
    const char **results = names_of(w, s->results, s->n_results);
    if (results == NULL) return;
    write_arm(w, s, 0, results);
    write_arm(w, s, 1, results);
    define_all(w, s->results, s->n_results);
}

/* The head of a loop, and what its index is called. */
static void write_loop_head(program_writer *w, const tdagi_statement *s,
                            const char *condition, const char *counter)
{
    const char *limit = s->has_limit ? read_var(w, s->inputs[0]) : NULL;
    if (!s->has_condition) {
        indent(w);
        tdagi_text_printf(body(w), "for %s in range(int(%s)):\n", counter, limit);
        return;
    }
    indent(w);
    tdagi_text_printf(body(w), "%s = 0\n", counter);
    indent(w);
    tdagi_text_printf(body(w), "%s = bool(%s)\n", condition,
                      read_var(w, s->inputs[s->has_limit]));
    if (limit != NULL) {
        indent(w);
        tdagi_text_printf(body(w), "%s = torch.__and__(%s, torch.lt(0, int(%s)))\n",
                          condition, condition, limit);
    }
    indent(w);
    tdagi_text_printf(body(w), "while %s:\n", condition);
}

static void write_loop_end(program_writer *w, const tdagi_statement *s,
                           const char *condition, const char *counter,
                           const char *const *params)
{
    const tdagi_block *block = &s->blocks[0];
    const char *next = s->has_condition ? read_var(w, block->yields[0]) : NULL;
    if (next != NULL) {
        indent(w);
        tdagi_text_printf(body(w), "%s = bool(%s)\n", condition, next);
    }
    assign(w, params, block->yields + s->has_condition, s->n_results);
    if (next == NULL) return;
    indent(w);
    tdagi_text_printf(body(w), "%s = torch.add(%s, 1)\n", counter, counter);
    if (!s->has_limit) return;
    indent(w);
    tdagi_text_printf(body(w), "%s = torch.__and__(%s, torch.lt(%s, int(%s)))\n",
                      condition, condition, counter, read_var(w, s->inputs[0]));
}

/* A list lasts from the outermost loop that carries it until that ends. */
static bool begins_list(const program_writer *w, const tdagi_statement *s, uint32_t i)
{
    return w->lists.of[s->blocks[0].params[i + 1].id] != 0 &&
           w->lists.of[s->results[i].id] == 0;
}

static void begin_lists(program_writer *w, const tdagi_statement *s,
                        const tdagi_var *entries)
{
    for (uint32_t i = 0; i < s->n_results; i++) {
        if (!begins_list(w, s, i)) continue;
        tdagi_var list = s->blocks[0].params[i + 1];
        w->firsts[w->lists.of[list.id]] = read_var(w, entries[i]);
        indent(w);
        tdagi_text_printf(body(w), "%s = annotate(List[Tensor], [])\n",
                          name_of(w, list));
    }
}

/* PyTorch joins no empty list. */
static void end_list(program_writer *w, tdagi_var result, const char *list,
                     uint32_t number)
{
    const char *name = name_of(w, result), *first = w->firsts[number];
    indent(w);
    if (w->lists.kind[number] != TDAGI_APPEND_ROW) {
        bool back = w->lists.kind[number] == TDAGI_SET_ROW_BACK;
        tdagi_text_printf(body(w),
                          back ? "%s = torch.flip(torch.cat(%s), [0])\n"
                               : "%s = torch.cat(%s)\n",
                          name, list);
        define(w, result, name);
        return;
    }
    tdagi_text_printf(body(w), "if torch.gt(torch.len(%s), 0):\n", list);
    indent(w);
    tdagi_text_printf(body(w), "    %s = torch.cat([%s, torch.cat(%s)])\n", name, first,
                      list);
    indent(w);
    tdagi_text_add(body(w), "else:\n");
    indent(w);
    tdagi_text_printf(body(w), "    %s = %s\n", name, first);
    define(w, result, name);
}

/* A loop that is a layer is a call of it. */
static void write_layer(program_writer *w, const tdagi_statement *s,
                        const tdagi_rnn_loop *l)
{
    const uint32_t carried[] = {l->rows, l->h, l->c};
    indent(w);
    add_targets(w, s->results, s->n_results);
    tdagi_text_printf(body(w), "(self).%s(%s", w->e->model->graphs[l->step].name,
                      read_var(w, l->sequence));
    for (uint32_t i = 0; i < s->n_results; i++)
        tdagi_text_printf(body(w), ", %s", read_var(w, s->inputs[1 + carried[i]]));
    tdagi_text_add(body(w), ")\n");
    define_all(w, s->results, s->n_results);
}

/* What is carried is one variable before, in and behind the loop. */
static void write_loop(program_writer *w, const tdagi_statement *s)
{
    const tdagi_rnn_loop *layer = tdagi_rnn_loop_by(w->e, UINT32_MAX, s);
    if (layer != NULL) {
        write_layer(w, s, layer);
        return;
    }
    const tdagi_block *block = &s->blocks[0];
    uint32_t head = (uint32_t)s->has_limit + s->has_condition;
    const char **params = names_of(w, block->params + 1, s->n_results);
    if (params == NULL) return;
    unsigned number = ++w->n_counters;
    const char *counter = keep(w, "%si%u", w->e->mark, number);
    const char *condition = keep(w, "%sc%u", w->e->mark, number);
    begin_lists(w, s, s->inputs + head);
    assign(w, params, s->inputs + head, s->n_results);
    write_loop_head(w, s, condition, counter);
    w->depth++;
    define(w, block->params[0], name_of(w, block->params[0]));
    indent(w);
    tdagi_text_printf(body(w), "%s = ops.prim.NumToTensor(%s)\n",
                      read_var(w, block->params[0]), counter);
    for (uint32_t i = 0; i < s->n_results; i++)
        define(w, block->params[i + 1], params[i]);
    write_block(w, block);
    write_loop_end(w, s, condition, counter, params);
    w->depth--;
    for (uint32_t i = 0; i < s->n_results; i++)
        if (!begins_list(w, s, i)) define(w, s->results[i], params[i]);
    for (uint32_t i = 0; i < s->n_results; i++)
        if (begins_list(w, s, i))
            end_list(w, s->results[i], params[i], w->lists.of[block->params[i + 1].id]);
}

/* "self.a.b" of a state, getattr(self, "0").b where a name is none of the language */
static void add_state(program_writer *w, const char *path)
{
    char *names = tdagi_arena_strdup(&w->e->arena, path), *end = names;
    if (names == NULL) {
        body(w)->status = tdagi_nomem(w->e->ctx);
        return;
    }
    const size_t n = strlen(path);
    while ((end = strchr(end, '.')) != NULL)
        *end++ = '\0';
    for (const char *s = names; s < names + n; s += strlen(s) + 1)
        if (!tdagi_source_is_name(s)) tdagi_text_add(body(w), "getattr(");
    tdagi_text_add(body(w), "self");
    for (const char *s = names; s < names + n; s += strlen(s) + 1) {
        bool is_name = tdagi_source_is_name(s);
        tdagi_text_printf(body(w), is_name ? ".%s" : ", \"%s\")", s);
    }
}

static void write_access(program_writer *w, const tdagi_statement *s)
{
    const char *name = w->e->model->states[s->target].name;
    indent(w);
    if (s->kind == TDAGI_READ) {
        add_targets(w, s->results, 1);
        add_state(w, name);
        tdagi_text_add(body(w), "\n");
        define_all(w, s->results, 1);
    } else {
        add_state(w, name);
        tdagi_text_printf(body(w), " = %s\n", read_var(w, s->inputs[0]));
    }
}

/* PyTorch's number of a dtype. */
static int dtype_number(tdag_dtype dtype)
{
    static const int numbers[] = {
        [TDAG_F64] = 7, [TDAG_F32] = 6,  [TDAG_F16] = 5, [TDAG_BF16] = 15,
        [TDAG_I64] = 4, [TDAG_I32] = 3,  [TDAG_I16] = 2, [TDAG_I8] = 1,
        [TDAG_U8] = 0,  [TDAG_BOOL] = 11};
    return numbers[dtype];
}

static void add_shape(program_writer *w, tdagi_var v)
{
    const tdagi_var_info *is = tdagi_method_var(w->m, v);
    tdagi_text_add(body(w), "[");
    for (uint32_t i = 0; i < is->rank; i++) {
        if (i > 0) tdagi_text_add(body(w), ", ");
        add_dim(w, is->shape[i]);
    }
    tdagi_text_add(body(w), "]");
}

static void write_draw(program_writer *w, const tdagi_statement *s)
{
    tdagi_var v = s->results[0];
    int dtype = dtype_number(tdagi_method_var(w->m, v)->dtype);
    indent(w);
    add_targets(w, s->results, 1);
    switch ((tdagi_draw_kind)s->draw) {
    case TDAGI_DRAW_NORMAL:
    case TDAGI_DRAW_UNIFORM:
        tdagi_text_add(body(w),
                       s->draw == TDAGI_DRAW_NORMAL ? "torch.randn(" : "torch.rand(");
        add_shape(w, v);
        tdagi_text_printf(body(w), ", dtype=%d)\n", dtype);
        break;
    case TDAGI_DRAW_BERNOULLI:
        tdagi_text_add(body(w), "torch.to(torch.lt(torch.rand(");
        add_shape(w, v);
        tdagi_text_printf(body(w), ", dtype=7), %s), %d)\n", read_var(w, s->inputs[0]),
                          dtype);
        break;
    case TDAGI_DRAW_INTEGERS:
        tdagi_text_printf(body(w), "torch.randint(int(%s), int(%s), ",
                          read_var(w, s->inputs[0]), read_var(w, s->inputs[1]));
        add_shape(w, v);
        tdagi_text_printf(body(w), ", dtype=%d)\n", dtype);
        break;
    case TDAGI_DRAW_PERMUTATION:
        tdagi_text_printf(body(w), "torch.randperm(int(%s), dtype=%d)\n",
                          read_var(w, s->inputs[0]), dtype);
        break;
    }
    define_all(w, s->results, 1);
}

/* Operators whose results are not those of PyTorch's operator of that name. */
static const struct {
    const char *name, *torch, *arguments;
    uint32_t n_results;
} others[] = {
    {"unique", "_unique2", "True, True, True", 3},
    {"unique_consecutive", "unique_consecutive", "True, True", 3},
};

/* "aten::nonzero" and "nonzero" are torch.nonzero, "ns::f.x" is ops.ns.f */
static void add_operator(const program_writer *w, const char *name)
{
    const char *colons = strstr(name, "::");
    if (colons == NULL) {
        tdagi_text_printf(body(w), "torch.%s", name);
        return;
    }
    if (strncmp(name, "aten::", 6) == 0)
        tdagi_text_add(body(w), "torch.");
    else
        tdagi_text_printf(body(w), "ops.%.*s.", (int)(colons - name), name);
    tdagi_text_add_bytes(body(w), colons + 2, strcspn(colons + 2, "."));
}

/* The arguments of a call in which $0, $1, ... stand for the inputs. */
static void add_call_text(program_writer *w, const tdagi_statement *s)
{
    for (const char *p = s->arguments; *p != '\0';) {
        size_t plain = strcspn(p, "$");
        char *end = NULL;
        tdagi_text_add_bytes(body(w), p, plain);
        p += plain;
        if (*p != '$') break;
        unsigned long i = strtoul(p + 1, &end, 10);
        if (end == p + 1 || i >= s->n_inputs) {
            if (body(w)->status == TDAG_OK)
                body(w)->status =
                    tdagi_fail(w->e->ctx, TDAG_E_ARG,
                               "the arguments of %.80s name no input", s->text);
            return;
        }
        tdagi_text_add(body(w), read_var(w, s->inputs[i]));
        p = end;
    }
}

static void write_apply(program_writer *w, const tdagi_statement *s)
{
    const char *name = s->text;
    uint32_t n = s->n_results;
    size_t k = 0, n_others = sizeof others / sizeof *others;
    if (strncmp(name, "aten::", 6) == 0) name += 6;
    while (k < n_others && strcmp(name, others[k].name) != 0)
        k++;
    if (k < n_others) n = others[k].n_results;
    indent(w);
    for (uint32_t i = 0; i < n; i++)
        tdagi_text_printf(body(w), "%s%s",
                          i < s->n_results ? name_of(w, s->results[i])
                                           : keep(w, "%su%u", w->e->mark, (unsigned)i),
                          i + 1 < n ? ", " : " = ");
    add_operator(w, k < n_others ? others[k].torch : name);
    tdagi_text_add(body(w), "(");
    bool is_whole = strchr(s->arguments, '$') != NULL;
    for (uint32_t i = 0; !is_whole && i < s->n_inputs; i++)
        tdagi_text_printf(body(w), "%s%s", i == 0 ? "" : ", ",
                          read_var(w, s->inputs[i]));
    const char *more = k < n_others ? others[k].arguments : s->arguments;
    if (is_whole)
        add_call_text(w, s);
    else if (*more != '\0')
        tdagi_text_printf(body(w), "%s%s", s->n_inputs > 0 ? ", " : "", more);
    tdagi_text_add(body(w), ")\n");
    define_all(w, s->results, s->n_results);
}

static void write_check(program_writer *w, const tdagi_statement *s)
{
    indent(w);
    tdagi_text_printf(body(w), "if bool(%s):\n", read_var(w, s->inputs[0]));
    indent(w);
    tdagi_text_add(body(w), "    pass\n");
    indent(w);
    tdagi_text_add(body(w), "else:\n");
    indent(w);
    tdagi_text_add(body(w), "    ops.prim.RaiseException(");
    tdagi_source_quote(body(w), s->text);
    tdagi_text_add(body(w), ")\n");
}

static void write_value(void *user, uint32_t i, tdagi_text *to)
{
    const program_writer *w = user;
    const tdagi_statement *last = w->m->body.first;
    while (last->next != NULL)
        last = last->next;
    tdagi_text_add(to, read_var(w, last->inputs[i]));
}

static void write_return(program_writer *w)
{
    const tdagi_structure_style style = {
        .plain_tuples = false, .tensor = write_value, .user = w};
    indent(w);
    tdagi_text_add(body(w), "return ");
    tdagi_structure_write(w->e->gives, &style, body(w));
    tdagi_text_add(body(w), "\n");
}

static void write_statement(program_writer *w, const tdagi_statement *s)
{
    switch ((tdagi_statement_kind)s->kind) {
    case TDAGI_CALL:
        write_call(w, s);
        return;
    case TDAGI_IF:
        write_if(w, s);
        return;
    case TDAGI_LOOP:
        write_loop(w, s);
        return;
    case TDAGI_READ:
    case TDAGI_WRITE:
        write_access(w, s);
        return;
    case TDAGI_DRAW:
        write_draw(w, s);
        return;
    case TDAGI_APPLY:
        write_apply(w, s);
        return;
    case TDAGI_CHECK:
        write_check(w, s);
        return;
    case TDAGI_RETURN:
        write_return(w);
        return;
    }
}

/* Sizes that a block's values show are not told by them behind it. */
static void write_block(program_writer *w, const tdagi_block *block)
{
    size_t n = tdagi_pool_n_symbols(w->m->pool) + 1u;
    const char **before = tdagi_arena_array(&w->e->arena, n, sizeof *before);
    if (before == NULL) {
        if (body(w)->status == TDAG_OK) body(w)->status = tdagi_nomem(w->e->ctx);
        return;
    }
    memcpy(before, w->sizes, n * sizeof *before);
    for (const tdagi_statement *s = block->first;
         s != NULL && body(w)->status == TDAG_OK; s = s->next)
        write_statement(w, s);
    memcpy(w->sizes, before, n * sizeof *before);
}

/* ---- methods ---- */

static void write_method(tdagi_exporter *e, const tdagi_method *m)
{
    program_writer w = {.e = e, .m = m};
    size_t n_symbols = tdagi_pool_n_symbols(m->pool) + 1u;
    w.vars = tdagi_arena_array(&e->arena, m->n_vars + 1u, sizeof *w.vars);
    w.sizes = tdagi_arena_array(&e->arena, n_symbols, sizeof *w.sizes);
    e->arguments =
        tdagi_arena_array(&e->arena, m->body.n_params + 1u, sizeof *e->arguments);
    if (w.vars == NULL || w.sizes == NULL || e->arguments == NULL) {
        e->body.status = tdagi_nomem(e->ctx);
        return;
    }
    memset(w.vars, 0, (m->n_vars + 1u) * sizeof *w.vars);
    memset(w.sizes, 0, n_symbols * sizeof *w.sizes);
    e->method = m;
    tdagi_export_forget_modules(e);
    tdag_status st = tdagi_export_structure(e, m->inputs, true, &e->takes);
    if (st == TDAG_OK) st = tdagi_export_structure(e, m->outputs, false, &e->gives);
    if (e->body.status == TDAG_OK) e->body.status = st;
    if (e->body.status != TDAG_OK) return;
    tdagi_export_head(e);
    st = tdagi_export_find_lists(e->ctx, &e->arena, e->model, m, &w.lists);
    w.firsts = tdagi_arena_array(&e->arena, m->n_vars + 1u, sizeof *w.firsts);
    if (w.firsts == NULL && st == TDAG_OK) st = tdagi_nomem(e->ctx);
    if (e->body.status == TDAG_OK) e->body.status = st;
    for (uint32_t i = 0; i < m->body.n_params && e->body.status == TDAG_OK; i++)
        define(&w, m->body.params[i], e->arguments[i]);
    write_block(&w, &m->body);
    e->method = NULL;
    e->arguments = NULL;
    tdagi_structure_free(e->takes);
    tdagi_structure_free(e->gives);
    e->takes = e->gives = NULL;
}

static tdag_status register_states(tdagi_exporter *e)
{
    const tdag_model *m = e->model;
    for (uint32_t i = 0; i < m->n_states; i++)
        TDAGI_TRY(tdagi_tree_add(&e->tree, m->states[i].name, TDAG_SHIM_SLOT_BUFFER,
                                 m->states[i].initial));
    return TDAG_OK;
}

void tdagi_export_program(tdagi_exporter *e)
{
    const tdag_model *m = e->model;
    e->body.status = register_states(e);
    if (e->body.status == TDAG_OK) tdagi_rnn_find_loops(e);
    for (uint32_t i = 0; i < m->n_graphs && e->body.status == TDAG_OK; i++) {
        tdag_status st = tdagi_export_graph_method(e, i);
        if (e->body.status == TDAG_OK) e->body.status = st;
    }
    for (uint32_t i = 0; i < m->n_methods && e->body.status == TDAG_OK; i++)
        write_method(e, m->methods[i]);
}
