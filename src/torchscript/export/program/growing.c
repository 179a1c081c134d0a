/* Finding them: from a loop's parameter through appends, branches and inner loops to
 * what is yielded for it. Each value on the way may have that one reader; where there
 * is another one, the loop carries a tensor. */
#include "torchscript/export/program/growing.h"

#include <string.h>

#include "program/outline/outline.h"

typedef struct finder {
    const tdagi_method *m;
    const bool *appends; /* by graph */
    uint32_t *lists;     /* by value */
    uint32_t *left;      /* by value: reads that are not on the way */
    uint32_t *marks;     /* by value: the way at hand */
    uint32_t n_lists, n_appended;
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

static bool through(finder *f, const tdagi_statement *s, tdagi_var *x)
{
    if (s->kind == TDAGI_LOOP) return through_loop(f, s, x);
    if (s->kind == TDAGI_IF) return through_if(f, s, x);
    if (s->kind != TDAGI_CALL || !f->appends[s->target] || s->inputs[0].id != x->id)
        return false;
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
        if (is_read && !through(f, s, x)) return false;
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
    if (f->lists[y.id] != 0) return;
    memset(f->marks, 0, n * sizeof *f->marks);
    memset(f->left, 0, n * sizeof *f->left);
    count(f->left, &f->m->body);
    f->n_appended = 0;
    if (!follow(f, body, &y) || body->yields[s->has_condition + k].id != y.id) return;
    pass(f, y);
    for (size_t i = 0; i < n; i++)
        if (f->marks[i] != 0 && f->left[i] != 0) return;
    if (f->n_appended == 0) return;
    f->n_lists++;
    for (size_t i = 0; i < n; i++)
        if (f->marks[i] != 0) f->lists[i] = f->n_lists;
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
                                    uint32_t **lists_out, bool **appends_out)
{
    size_t n = m->n_vars + 1u;
    uint32_t *rows = tdagi_arena_array(arena, 3 * n, sizeof *rows);
    bool *appends = tdagi_arena_array(arena, model->n_graphs + 1u, sizeof *appends);
    if (rows == NULL || appends == NULL) return tdagi_nomem(ctx);
    memset(rows, 0, 3 * n * sizeof *rows);
    bool any = false;
    for (uint32_t i = 0; i < model->n_graphs; i++) {
        TDAGI_TRY(tdagi_is_append(ctx, model->graphs[i].graph, &appends[i]));
        any = any || appends[i];
    }
    finder f = {.m = m, .appends = appends, .lists = rows, .left = rows + n};
    f.marks = f.left + n;
    if (any) find(&f, &m->body);
    *lists_out = rows;
    *appends_out = appends;
    return TDAG_OK;
}
