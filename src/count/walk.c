/* See walk.h: statements, each by its kind. */
#include "count/walk.h"

#include <string.h>

/* ---- statements without blocks ---- */

/* A column of every group that the statement counts in. */
static void add_count(tdagi_walk *w, tdagi_count_row *row, uint32_t column, tdag_dim n)
{
    const uint32_t *of = w->prices->groups_of;
    if (of != NULL) of += 2 * (size_t)(row->number - 1);
    for (uint32_t g = 0; g < w->prices->n_groups; g++)
        if (of == NULL || of[0] == g || of[1] == g) {
            tdagi_ratio *to = &row->counts[g * TDAGI_N_COLUMNS + column];
            *to = tdagi_ratio_add(w->pool, *to, tdagi_ratio_of(n));
        }
}

enum { NODES, FLOPS, MACS, READS, WRITES, READ_BYTES, WRITE_BYTES };

/* One kernel that reads its operands and writes its results. */
static void count_kernel(tdagi_walk *w, tdagi_count_row *row)
{
    const tdagi_statement *s = row->s;
    if (s->kind != TDAGI_CHECK) add_count(w, row, NODES, 1);
    for (uint32_t i = 0; i < s->n_inputs; i++) {
        add_count(w, row, READS, tdagi_walk_elements(w, s->inputs[i]));
        add_count(w, row, READ_BYTES, tdagi_walk_bytes(w, s->inputs[i]));
    }
    for (uint32_t i = 0; i < s->n_results; i++) {
        add_count(w, row, WRITES, tdagi_walk_elements(w, s->results[i]));
        add_count(w, row, WRITE_BYTES, tdagi_walk_bytes(w, s->results[i]));
    }
}

static tdag_status bind_all(tdagi_walk *w, const tdagi_count_row *row, tdag_dim known)
{
    const tdagi_statement *s = row->s;
    for (uint32_t i = 0; i < s->n_bindings; i++)
        TDAGI_TRY(tdagi_walk_bind(w, s->bindings[i].symbol, known, s->bindings[i].bound,
                                  TDAGI_SYMBOL_FOUND, row->number));
    return TDAG_OK;
}

/* Sizes that may change are those that were written last, or what the call finds. */
static tdag_status read_state(tdagi_walk *w, const tdagi_count_row *row)
{
    const tdagi_statement *s = row->s;
    const tdagi_var_info *is = tdagi_method_var(w->method, s->results[0]);
    tdag_dim *sizes = w->states[s->target];
    for (uint32_t i = 0; i < s->n_bindings; i++) {
        const tdagi_binding *b = &s->bindings[i];
        uint32_t k = 0;
        while (k < is->rank && is->shape[k] != b->symbol)
            k++;
        TDAGI_TRY(tdagi_walk_bind(w, b->symbol, k < is->rank ? sizes[k] : TDAGI_DIM_BAD,
                                  b->bound, TDAGI_SYMBOL_STATE, row->number));
    }
    for (uint32_t k = 0; k < is->rank; k++)
        sizes[k] = tdagi_walk_dim(w, is->shape[k]);
    return TDAG_OK;
}

static void write_state(tdagi_walk *w, const tdagi_statement *s)
{
    const tdagi_var_info *is = tdagi_method_var(w->method, s->inputs[0]);
    for (uint32_t k = 0; k < is->rank; k++)
        w->states[s->target][k] = tdagi_walk_dim(w, is->shape[k]);
    w->written[s->target] = true;
}

static tdag_status count_found(tdagi_walk *w, tdagi_count_row *row)
{
    const tdagi_statement *s = row->s;
    bool is_permutation = s->kind == TDAGI_DRAW && s->draw == TDAGI_DRAW_PERMUTATION;
    TDAGI_TRY(
        bind_all(w, row, is_permutation ? w->number[s->inputs[0].id] : TDAGI_DIM_BAD));
    count_kernel(w, row);
    tdag_dim held = tdagi_walk_held(w);
    for (uint32_t i = 0; i < s->n_results; i++)
        held = tdagi_dim_add(w->pool, held, tdagi_walk_bytes(w, s->results[i]));
    tdagi_peaks_note(w->pool, w->peaks, held);
    return TDAG_OK;
}

/* ---- if ---- */

/* Sizes of states as they are, to come back to. */
typedef struct states_now {
    tdag_dim (*sizes)[TDAG_MAX_RANK];
    bool *written;
} states_now;

static tdag_status keep_states(tdagi_walk *w, states_now *out)
{
    size_t n = w->model->n_states;
    out->sizes = tdagi_arena_array(&w->arena, n, sizeof *out->sizes);
    out->written = tdagi_arena_array(&w->arena, n, sizeof *out->written);
    if (n == 0) return TDAG_OK;
    if (out->sizes == NULL || out->written == NULL) return tdagi_nomem(w->ctx);
    memcpy(out->sizes, w->states, n * sizeof *out->sizes);
    memcpy(out->written, w->written, n * sizeof *out->written);
    return TDAG_OK;
}

/* A state is as large as either arm leaves it; what it was before is not known where
 * only one has read it. */
static void merge_states(tdagi_walk *w, const states_now *other)
{
    for (uint32_t i = 0; i < w->model->n_states; i++) {
        w->written[i] = w->written[i] || other->written[i];
        for (uint32_t k = 0; k < TDAG_MAX_RANK; k++) {
            tdag_dim a = w->states[i][k], b = other->sizes[i][k];
            w->states[i][k] =
                a == TDAGI_DIM_BAD || b == TDAGI_DIM_BAD
                    ? (w->written[i] ? (a == TDAGI_DIM_BAD ? b : a) : TDAGI_DIM_BAD)
                    : tdagi_dim_max(w->pool, a, b);
        }
    }
}

static tdag_status bind_results(tdagi_walk *w, const tdagi_count_row *row)
{
    const tdagi_statement *s = row->s;
    for (uint32_t i = 0; i < s->n_results; i++) {
        const tdagi_var yields[2] = {s->blocks[0].yields[i], s->blocks[1].yields[i]};
        const tdagi_var_info *is = tdagi_method_var(w->method, s->results[i]);
        const tdagi_var_info *a = tdagi_method_var(w->method, yields[0]);
        const tdagi_var_info *b = tdagi_method_var(w->method, yields[1]);
        for (uint32_t n = 0; n < s->n_bindings; n++)
            for (uint32_t k = 0; k < is->rank; k++) {
                if (is->shape[k] != s->bindings[n].symbol) continue;
                tdag_dim known = tdagi_dim_max(w->pool, tdagi_walk_dim(w, a->shape[k]),
                                               tdagi_walk_dim(w, b->shape[k]));
                TDAGI_TRY(tdagi_walk_bind(w, is->shape[k], known, TDAGI_DIM_BAD,
                                          TDAGI_SYMBOL_FOUND, row->number));
            }
        if (w->number[yields[0].id] == w->number[yields[1].id])
            w->number[s->results[i].id] = w->number[yields[0].id];
    }
    return TDAG_OK;
}

static tdag_status count_arm(tdagi_walk *w, tdagi_count_row *row, uint32_t arm,
                             tdagi_ratio **out)
{
    const uint32_t n_trail = w->n_trail, first = w->n_rows;
    *out = tdagi_arena_array(&w->arena, w->prices->n_columns, sizeof **out);
    if (*out == NULL) return tdagi_nomem(w->ctx);
    uint32_t at = tdagi_plan_block(&w->plan, row->s, row->number - 1, arm);
    TDAGI_TRY(tdagi_walk_block(w, &row->s->blocks[arm], at, *out));
    for (uint32_t i = first; arm == 1 && i < w->n_rows; i += w->rows[i].size)
        w->rows[i].arm = 1;
    tdagi_walk_end(w, n_trail);
    return TDAG_OK;
}

static tdag_status count_if(tdagi_walk *w, tdagi_count_row *row)
{
    states_now before, after;
    tdagi_ratio *arms[2];
    TDAGI_TRY(keep_states(w, &before));
    TDAGI_TRY(count_arm(w, row, 0, &arms[0]));
    TDAGI_TRY(keep_states(w, &after));
    if (w->model->n_states > 0) {
        memcpy(w->states, before.sizes, w->model->n_states * sizeof *before.sizes);
        memcpy(w->written, before.written, w->model->n_states * sizeof(bool));
    }
    TDAGI_TRY(count_arm(w, row, 1, &arms[1]));
    merge_states(w, &after);
    for (uint32_t c = 0; c < w->prices->n_columns; c++)
        row->counts[c] = tdagi_ratio_max(w->pool, arms[0][c], arms[1][c]);
    return bind_results(w, row);
}

/* ---- all of them ---- */

static tdag_status count_parts(tdagi_walk *w, tdagi_count_row *row)
{
    switch ((tdagi_statement_kind)row->s->kind) {
    case TDAGI_CALL:
        return tdagi_walk_call(w, row->s, row);
    case TDAGI_IF:
        return count_if(w, row);
    case TDAGI_LOOP:
        return tdagi_walk_loop(w, row->s, row);
    case TDAGI_READ:
        return read_state(w, row);
    case TDAGI_WRITE:
        write_state(w, row->s);
        return TDAG_OK;
    case TDAGI_DRAW:
    case TDAGI_APPLY:
        return count_found(w, row);
    case TDAGI_CHECK:
        count_kernel(w, row);
        return TDAG_OK;
    case TDAGI_RETURN:
        break;
    }
    return TDAG_OK;
}

static void forget_dying(tdagi_walk *w, uint32_t at)
{
    for (uint32_t k = w->plan.first_dying[at]; k < w->plan.first_dying[at + 1]; k++)
        tdagi_walk_let_go(w, w->plan.dying[k]);
}

/* What is written is held as state from then on; a value of a block around this one
 * counts twice, as another arm or round may not write it. */
static void move_to_state(tdagi_walk *w, const tdagi_statement *s)
{
    for (uint32_t i = w->n_trail; s->kind == TDAGI_WRITE && i > w->block_trail; i--)
        if (w->trail[i - 1] == s->inputs[0].id) tdagi_walk_let_go(w, s->inputs[0].id);
}

static tdag_status count_statement(tdagi_walk *w, const tdagi_statement *s, uint32_t at)
{
    tdagi_count_row *row = &w->rows[w->n_rows++];
    uint32_t n = w->prices->n_columns, first = w->n_rows - 1;
    row->s = s;
    row->number = at + 1;
    row->depth = w->depth;
    row->counts = tdagi_arena_array(&w->arena, n, sizeof *row->counts);
    if (row->counts == NULL && n > 0) return tdagi_nomem(w->ctx);
    for (uint32_t c = 0; c < n; c++)
        row->counts[c] = tdagi_ratio_of(0);
    TDAGI_TRY(count_parts(w, row));
    row->size = w->n_rows - first;
    move_to_state(w, s);
    tdagi_walk_define(w, s->results, s->n_results);
    if (s->kind == TDAGI_READ) tdagi_walk_let_go(w, s->results[0].id);
    tdagi_peaks_note(w->pool, w->peaks, tdagi_walk_held(w));
    forget_dying(w, at);
    return tdagi_pool_report(w->ctx, w->pool);
}

tdag_status tdagi_walk_block(tdagi_walk *w, const tdagi_block *block, uint32_t at,
                             tdagi_ratio *total)
{
    const uint32_t n = w->prices->n_columns, outer = w->block_trail;
    for (uint32_t c = 0; c < n; c++)
        total[c] = tdagi_ratio_of(0);
    w->block_trail = w->n_trail;
    w->depth++;
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next) {
        const tdagi_count_row *row = &w->rows[w->n_rows];
        TDAGI_TRY(count_statement(w, s, at));
        at += w->plan.size[at];
        for (uint32_t c = 0; c < n; c++)
            total[c] = tdagi_ratio_add(w->pool, total[c], row->counts[c]);
    }
    w->depth--;
    w->block_trail = outer;
    return TDAG_OK;
}

/* ---- methods ---- */

static tdag_status array_of(tdagi_walk *w, size_t n, size_t size, void *out)
{
    void *block = tdagi_arena_array(&w->arena, n + 1, size);
    if (block == NULL) return tdagi_nomem(w->ctx);
    memset(block, 0, (n + 1) * size);
    memcpy(out, &block, sizeof block);
    return TDAG_OK;
}

static tdag_status make_room(tdagi_walk *w)
{
    const tdagi_method *m = w->method;
    size_t n_vars = m->n_vars, n_symbols = tdagi_pool_n_symbols(m->pool);
    TDAGI_TRY(array_of(w, n_symbols, sizeof *w->now, &w->now));
    TDAGI_TRY(array_of(w, n_vars, sizeof *w->number, &w->number));
    TDAGI_TRY(array_of(w, n_vars, sizeof *w->bytes, &w->bytes));
    TDAGI_TRY(array_of(w, n_vars, sizeof *w->trail, &w->trail));
    TDAGI_TRY(array_of(w, w->plan.n, sizeof *w->rows, &w->rows));
    TDAGI_TRY(array_of(w, w->model->n_states, sizeof *w->states, &w->states));
    TDAGI_TRY(array_of(w, w->model->n_states, sizeof *w->written, &w->written));
    return array_of(w, w->prices->n_columns, sizeof *w->total, &w->total);
}

static void set_out(tdagi_walk *w)
{
    for (uint32_t i = 0; i < tdagi_pool_n_symbols(w->method->pool); i++)
        w->now[i] = tdagi_pool_symbol_dim(w->pool, i);
    for (uint32_t i = 0; i <= w->method->n_vars; i++)
        w->number[i] = TDAGI_DIM_BAD;
    for (uint32_t i = 0; i < w->model->n_states; i++)
        for (uint32_t k = 0; k < TDAG_MAX_RANK; k++)
            w->states[i][k] = TDAGI_DIM_BAD;
}

static tdag_status walk(tdagi_walk *w)
{
    const tdagi_block *body = &w->method->body;
    tdagi_peaks peaks = {.n = 0};
    w->peaks = &peaks;
    TDAGI_TRY(tdagi_plan_make(w->ctx, w->method, &w->plan));
    TDAGI_TRY(make_room(w));
    set_out(w);
    for (uint32_t i = 0; i < body->n_symbols; i++)
        TDAGI_TRY(tdagi_walk_bind(w, body->symbols[i], TDAGI_DIM_BAD, TDAGI_DIM_BAD,
                                  TDAGI_SYMBOL_SIZE, 0));
    tdagi_walk_define(w, body->params, body->n_params);
    for (uint32_t i = 0; i < body->n_params; i++)
        w->bytes[body->params[i].id] = 0; /* they stay */
    TDAGI_TRY(tdagi_walk_block(w, body, 0, w->total));
    w->peak = peaks.n == 0 ? 0 : peaks.v[0];
    for (uint32_t i = 1; i < peaks.n; i++)
        w->peak = tdagi_dim_max(w->pool, w->peak, peaks.v[i]);
    return tdagi_pool_report(w->ctx, w->pool);
}

tdag_status tdagi_walk_method(tdag_ctx *ctx, const tdagi_prices *prices,
                              const tdagi_method *method, const tdagi_count_at *at,
                              tdagi_walk *w)
{
    memset(w, 0, sizeof *w);
    w->ctx = ctx;
    w->prices = prices;
    w->model = prices->model;
    w->method = method;
    if (at != NULL) w->at = *at;
    w->symbols_end = &w->symbols;
    tdagi_arena_init(&w->arena, &ctx->allocator);
    w->pool = tdagi_pool_clone(method->pool);
    return w->pool == NULL ? tdagi_nomem(ctx) : walk(w);
}

void tdagi_walk_free(tdagi_walk *w)
{
    if (w->ctx == NULL) return;
    tdagi_plan_free(w->ctx, &w->plan);
    tdagi_arena_free(&w->arena);
    tdagi_pool_free(w->pool);
}
