/* Finding them: from a loop's parameter through appends (or one call that sets the row
 * of the round, in a loop of as many rounds as there are rows), branches and inner
 * loops to what is yielded for it. Each value on the way may have that one reader;
 * where there is another one, the loop carries a tensor. */
#include "torchscript/export/program/growing.h"

#include <string.h>

#include "base/tensor.h"

typedef struct finder {
    const tdag_model *model;
    const tdagi_method *m;
    tdagi_lists is;
    uint32_t *left;  /* by value: reads that are not on the way */
    uint32_t *marks; /* by value: the way at hand */
    uint32_t n_lists, n_appended;
    const tdagi_statement *loop; /* that carries it */
    const tdagi_statement *sets; /* the call that sets its rows; NULL: none */
} finder;

static bool holds(const tdagi_var *v, uint32_t n, tdagi_var x)
{
    uint32_t i = 0;
    while (i < n && v[i].id != x.id)
        i++;
    return i < n;
}

static bool is_read_in(const tdagi_block *block, tdagi_var x)
{
    if (holds(block->yields, block->n_yields, x)) return true;
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next) {
        if (holds(s->inputs, s->n_inputs, x)) return true;
        for (uint32_t i = 0; i < s->n_blocks; i++)
            if (is_read_in(&s->blocks[i], x)) return true;
    }
    return false;
}

/* x is read there, and this read is on the way. */
static void pass(finder *f, tdagi_var x)
{
    f->marks[x.id] = f->n_lists + 1;
    f->left[x.id]--;
}

static bool follow(finder *f, const tdagi_block *block, tdagi_var *x);

static bool through_loop(finder *f, const tdagi_statement *s, tdagi_var *x)
{
    const tdagi_block *body = &s->blocks[0];
    uint32_t head = (uint32_t)s->has_limit + s->has_condition, k = 0;
    while (k < s->n_results && s->inputs[head + k].id != x->id)
        k++;
    if (k == s->n_results) return false;
    tdagi_var y = body->params[k + 1];
    pass(f, *x);
    if (!follow(f, body, &y) || body->yields[s->has_condition + k].id != y.id)
        return false;
    pass(f, y);
    *x = s->results[k];
    return true;
}

static bool through_if(finder *f, const tdagi_statement *s, tdagi_var *x)
{
    tdagi_var y[2] = {*x, *x};
    uint32_t k = 0;
    for (uint32_t i = 0; i < 2; i++)
        if (!follow(f, &s->blocks[i], &y[i])) return false;
    while (k < s->n_results && (s->blocks[0].yields[k].id != y[0].id ||
                                s->blocks[1].yields[k].id != y[1].id))
        k++;
    if (k == s->n_results) return false;
    pass(f, y[0]);
    pass(f, y[1]);
    *x = s->results[k];
    return true;
}

/* The constant that a value is; NULL: it is none, or made in a block. */
static const tdag_tensor *constant(const finder *f, tdagi_var v)
{
    for (const tdagi_statement *s = f->m->body.first; s != NULL; s = s->next)
        for (uint32_t i = 0; s->kind == TDAGI_CALL && i < s->n_results; i++)
            if (s->results[i].id == v.id)
                return tdagi_graph_constant(f->model->graphs[s->target].graph, i);
    return NULL;
}

/* Whether a call in that block sets each row once, in the order of the rounds. */
static bool sets_all(const finder *f, const tdagi_block *block,
                     const tdagi_statement *call, tdagi_var x)
{
    const tdagi_block *body = &f->loop->blocks[0];
    if (block != body || f->loop->has_condition || f->sets != NULL ||
        call->inputs[2].id != body->params[0].id)
        return false;
    const tdag_tensor *limit = constant(f, f->loop->inputs[0]);
    return limit != NULL &&
           tdagi_tensor_get_i64(limit, 0) == tdagi_method_var(f->m, x)->shape[0];
}

static bool through(finder *f, const tdagi_block *block, const tdagi_statement *s,
                    tdagi_var *x)
{
    if (s->kind == TDAGI_LOOP) return through_loop(f, s, x);
    if (s->kind == TDAGI_IF) return through_if(f, s, x);
    if (s->kind != TDAGI_CALL || f->is.ways[s->target] == TDAGI_NO_ROW ||
        s->inputs[0].id != x->id)
        return false;
    if (f->is.ways[s->target] != TDAGI_APPEND_ROW) {
        if (!sets_all(f, block, s, *x)) return false;
        f->sets = s;
    }
    pass(f, *x);
    f->n_appended++;
    *x = s->results[0];
    return true;
}

/* *x becomes what it is at the block's end. */
static bool follow(finder *f, const tdagi_block *block, tdagi_var *x)
{
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next) {
        bool is_read = holds(s->inputs, s->n_inputs, *x);
        for (uint32_t i = 0; i < s->n_blocks; i++)
            is_read = is_read || is_read_in(&s->blocks[i], *x);
        if (is_read && !through(f, block, s, x)) return false;
    }
    return true;
}

static void count(uint32_t *uses, const tdagi_block *block)
{
    for (uint32_t i = 0; i < block->n_yields; i++)
        uses[block->yields[i].id]++;
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next) {
        for (uint32_t i = 0; i < s->n_inputs; i++)
            uses[s->inputs[i].id]++;
        for (uint32_t i = 0; i < s->n_bindings; i++)
            uses[s->bindings[i].value.id]++;
        for (uint32_t i = 0; i < s->n_blocks; i++)
            count(uses, &s->blocks[i]);
    }
}

/* The value that a loop carries at that place as a list, if it can be one. */
static void try_list(finder *f, const tdagi_statement *s, uint32_t k)
{
    const tdagi_block *body = &s->blocks[0];
    size_t n = f->m->n_vars + 1u;
    tdagi_var y = body->params[k + 1];
    if (f->is.of[y.id] != 0) return;
    memset(f->marks, 0, n * sizeof *f->marks);
    memset(f->left, 0, n * sizeof *f->left);
    count(f->left, &f->m->body);
    f->n_appended = 0;
    f->loop = s;
    f->sets = NULL;
    if (!follow(f, body, &y) || body->yields[s->has_condition + k].id != y.id) return;
    pass(f, y);
    for (size_t i = 0; i < n; i++)
        if (f->marks[i] != 0 && f->left[i] != 0) return;
    if (f->n_appended == 0 || (f->sets != NULL && f->n_appended > 1)) return;
    f->n_lists++;
    f->is.kind[f->n_lists] =
        f->sets == NULL ? TDAGI_APPEND_ROW : f->is.ways[f->sets->target];
    for (size_t i = 0; i < n; i++)
        if (f->marks[i] != 0) f->is.of[i] = f->n_lists;
}

static void find(finder *f, const tdagi_block *block)
{
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next) {
        for (uint32_t k = 0; s->kind == TDAGI_LOOP && k < s->n_results; k++)
            try_list(f, s, k);
        for (uint32_t i = 0; i < s->n_blocks; i++)
            find(f, &s->blocks[i]);
    }
}

tdag_status tdagi_export_find_lists(tdag_ctx *ctx, tdagi_arena *arena,
                                    const tdag_model *model, const tdagi_method *m,
                                    tdagi_lists *out)
{
    size_t n = m->n_vars + 1u;
    uint32_t *rows = tdagi_arena_array(arena, 3 * n, sizeof *rows);
    unsigned char *kinds = tdagi_arena_array(arena, n + model->n_graphs, 1);
    if (rows == NULL || kinds == NULL) return tdagi_nomem(ctx);
    memset(rows, 0, 3 * n * sizeof *rows);
    finder f = {.m = m, .model = model, .left = rows + n, .marks = rows + 2 * n};
    f.is = (tdagi_lists){rows, kinds, kinds + n};
    bool any = false;
    for (uint32_t i = 0; i < model->n_graphs; i++) {
        tdagi_row_way way;
        TDAGI_TRY(tdagi_find_row_way(ctx, model->graphs[i].graph, &way));
        f.is.ways[i] = (unsigned char)way;
        any = any || way != TDAGI_NO_ROW;
    }
    if (any) find(&f, &m->body);
    *out = f.is;
    return TDAG_OK;
}
