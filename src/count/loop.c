/* Loops: how sizes change with the rounds, and the sum over these.
 *
 * The body is walked once, with a symbol for every size that changes. What a round
 * makes of each then tells it as a polynomial of the round: its entry plus the sum of
 * what is added. Where the first round finds other sizes than the rest (a prompt, then
 * one token at a time), it is counted by itself. A size that follows no such rule stays
 * a symbol. */
#include "count/walk.h"

#include <string.h>

#define MAX_ROUNDS 4096 /* that are summed one by one where no closed form is found */

typedef struct local {
    uint32_t symbol;
    tdag_dim entry, next; /* next: over the symbols of a round */
    tdag_dim closed;      /* of the round; BAD: not known */
    uint32_t var, axis;   /* of a size that is carried: which of the parameters */
    uint32_t state;       /* of a state's: its number + 1 */
} local;

typedef struct loop {
    tdagi_walk *w;
    tdagi_count_row *row;
    const tdagi_statement *s;
    const tdagi_block *body;
    const tdagi_var *entries;
    tdag_dim round;
    local *locals;
    uint32_t n;
    bool from_one; /* closed forms are those of round + 1 */
} loop;

/* ---- what changes ---- */

static void mark_written(const tdagi_block *block, bool *written)
{
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next) {
        if (s->kind == TDAGI_WRITE) written[s->target] = true;
        for (uint32_t i = 0; i < s->n_blocks; i++)
            mark_written(&s->blocks[i], written);
    }
}

/* A size that is carried begins as that of the entry. */
static tdag_status add_carried(loop *l, tdag_dim symbol)
{
    tdagi_walk *w = l->w;
    local *c = &l->locals[l->n];
    for (uint32_t i = 1; i < l->body->n_params; i++) {
        const tdagi_var_info *is = tdagi_method_var(w->method, l->body->params[i]);
        for (uint32_t k = 0; k < is->rank; k++) {
            if (is->shape[k] != symbol) continue;
            const tdagi_var_info *in = tdagi_method_var(w->method, l->entries[i - 1]);
            *c = (local){.var = i, .axis = k, .entry = tdagi_walk_dim(w, in->shape[k])};
        }
    }
    uint32_t number = tdagi_walk_number(w->method->pool, symbol);
    TDAGI_TRY(tdagi_walk_bind(w, symbol, TDAGI_DIM_BAD, TDAGI_DIM_BAD,
                              TDAGI_SYMBOL_FOUND, l->row->number));
    c->symbol = tdagi_walk_number(w->pool, symbol);
    l->n += w->now[number] == symbol; /* else the caller gives it */
    return TDAG_OK;
}

/* So does a state that the body writes. */
static tdag_status add_state(loop *l, uint32_t state)
{
    tdagi_walk *w = l->w;
    const tdagi_state *s = &w->model->states[state];
    for (uint32_t k = 0; k < s->initial->rank; k++) {
        tdag_dim *size = &w->states[state][k];
        tdagi_count_symbol *symbol;
        int64_t sample = s->initial->shape[k];
        bool is_new = *size == TDAGI_DIM_BAD;
        if (is_new) *size = sample;
        if (s->symbols[k] == NULL) continue;
        if (is_new) {
            TDAGI_TRY(tdagi_walk_symbol(w, TDAGI_SYMBOL_STATE, s->symbols[k], sample,
                                        l->row->number, &symbol));
            *size = symbol->counts_as;
        }
        TDAGI_TRY(tdagi_walk_symbol(w, TDAGI_SYMBOL_FOUND, s->symbols[k], sample,
                                    l->row->number, &symbol));
        if (symbol->is_given) continue;
        l->locals[l->n++] =
            (local){.symbol = tdagi_walk_number(w->pool, symbol->counts_as),
                    .entry = *size,
                    .axis = k,
                    .state = state + 1};
        *size = symbol->counts_as;
    }
    return TDAG_OK;
}

static tdag_status find_locals(loop *l)
{
    tdagi_walk *w = l->w;
    const uint32_t n_states = w->model->n_states;
    size_t most = l->body->n_symbols + (size_t)n_states * TDAG_MAX_RANK + 1;
    l->locals = tdagi_arena_array(&w->arena, most, sizeof *l->locals);
    bool *written = tdagi_arena_alloc(&w->arena, n_states + 1u);
    if (l->locals == NULL || written == NULL) return tdagi_nomem(w->ctx);
    memset(written, 0, n_states + 1u);
    mark_written(l->body, written);
    for (uint32_t i = 0; i < l->body->n_symbols; i++)
        TDAGI_TRY(add_carried(l, l->body->symbols[i]));
    for (uint32_t i = 0; i < n_states; i++)
        if (written[i]) TDAGI_TRY(add_state(l, i));
    return TDAG_OK;
}

/* ---- recurrences ---- */

static tdag_dim at_round(const loop *l, tdag_dim d, tdag_dim round)
{
    return tdagi_dim_set(l->w->pool, d, l->row->index, round);
}

/* d with the sizes that are known by now; *open tells whether others are left. */
static tdag_dim put_closed(const loop *l, tdag_dim d, bool *open)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (l->locals[i].closed != TDAGI_DIM_BAD)
            d = tdagi_dim_set(l->w->pool, d, l->locals[i].symbol, l->locals[i].closed);
    *open = false;
    for (uint32_t i = 0; i < l->n; i++)
        *open = *open || (l->locals[i].closed == TDAGI_DIM_BAD &&
                          tdagi_dim_has_symbol(l->w->pool, d, l->locals[i].symbol));
    return d;
}

/* Sets local c's form, from its first size and what a round makes of it. */
static bool solve(const loop *l, local *c, tdag_dim first, tdag_dim next)
{
    tdagi_pool *pool = l->w->pool;
    tdag_dim self = tdagi_pool_symbol_dim(pool, c->symbol);
    bool open;
    tdag_dim whole = put_closed(l, next, &open);
    if (whole == TDAGI_DIM_BAD) return false;
    tdag_dim before = at_round(l, whole, tdagi_dim_sub(pool, l->round, 1));
    if (!open && at_round(l, before, 0) == first) {
        c->closed = before;
        return true;
    }
    tdagi_ratio sum;
    tdag_dim more = put_closed(l, tdagi_dim_sub(pool, next, self), &open);
    if (open || more == TDAGI_DIM_BAD ||
        !tdagi_ratio_sum(pool, tdagi_ratio_of(more), l->row->index, l->round, &sum))
        return false;
    c->closed = tdagi_dim_add(pool, first, tdagi_ratio_dim(pool, sum));
    return true;
}

static tdag_dim entry_of(const loop *l, tdag_dim d)
{
    d = at_round(l, d, 0);
    for (uint32_t i = 0; i < l->n; i++)
        d = tdagi_dim_set(l->w->pool, d, l->locals[i].symbol, l->locals[i].entry);
    return d;
}

/* As many as can be told; returns how many cannot. */
static uint32_t solve_all(loop *l)
{
    tdagi_pool *pool = l->w->pool;
    tdag_dim later = tdagi_dim_add(pool, l->round, 1);
    uint32_t left = l->n;
    bool found = true;
    for (uint32_t i = 0; i < l->n; i++)
        l->locals[i].closed = TDAGI_DIM_BAD;
    while (found) {
        found = false;
        for (uint32_t i = 0; i < l->n; i++) {
            local *c = &l->locals[i];
            if (c->closed != TDAGI_DIM_BAD) continue;
            tdag_dim first = l->from_one ? entry_of(l, c->next) : c->entry;
            tdag_dim next = l->from_one ? at_round(l, c->next, later) : c->next;
            bool solved = solve(l, c, first, next);
            found = found || solved;
            left -= solved;
        }
    }
    return left;
}

static void solve_loop(loop *l)
{
    uint32_t left = solve_all(l);
    if (left == 0) return;
    l->from_one = true;
    if (solve_all(l) < left) return;
    l->from_one = false;
    solve_all(l);
}

/* ---- sums ---- */

/* A count of a round, where that is round or, if the first is another, round + 1. */
static tdag_dim of_round(const loop *l, tdag_dim d)
{
    bool open;
    if (l->from_one) d = at_round(l, d, tdagi_dim_add(l->w->pool, l->round, 1));
    return put_closed(l, d, &open);
}

static tdag_dim one_round(const loop *l)
{
    return l->from_one ? tdagi_dim_min(l->w->pool, l->row->trips, 1) : 0;
}

/* Sums one by one, or as if each were the largest. */
static tdagi_ratio sum_open(const loop *l, tdagi_ratio r, tdag_dim n)
{
    tdagi_pool *pool = l->w->pool;
    int64_t trips;
    tdagi_ratio sum = {0, 1};
    if (tdagi_dim_is_const(pool, n, &trips) && trips <= MAX_ROUNDS) {
        for (int64_t i = 0; i < trips; i++)
            sum =
                tdagi_ratio_add(pool, sum, (tdagi_ratio){at_round(l, r.num, i), r.den});
        return sum;
    }
    l->row->is_bound = true;
    tdag_dim most = tdagi_dim_largest(pool, tdagi_ratio_dim(pool, r), l->row->index, n);
    return tdagi_ratio_of(tdagi_dim_mul(pool, most, n));
}

static tdagi_ratio sum_rounds(const loop *l, tdagi_ratio r)
{
    tdagi_pool *pool = l->w->pool;
    tdagi_ratio sum, round = {of_round(l, r.num), r.den};
    tdag_dim n = tdagi_dim_sub(pool, l->row->trips, one_round(l));
    if (!tdagi_ratio_sum(pool, round, l->row->index, n, &sum))
        sum = sum_open(l, round, n);
    if (!l->from_one) return sum;
    tdagi_ratio first = {entry_of(l, r.num), r.den};
    return tdagi_ratio_add(pool, sum, tdagi_ratio_mul(pool, first, one_round(l)));
}

/* What the rows of the body show: their round is that of the index. */
static tdag_dim shown(const loop *l, tdag_dim d)
{
    tdagi_pool *pool = l->w->pool;
    for (uint32_t i = 0; i < l->n; i++) {
        tdag_dim closed = l->locals[i].closed;
        if (closed != TDAGI_DIM_BAD && l->from_one)
            closed = at_round(l, closed, tdagi_dim_sub(pool, l->round, 1));
        if (closed != TDAGI_DIM_BAD)
            d = tdagi_dim_set(pool, d, l->locals[i].symbol, closed);
    }
    return d;
}

static void show_rows(const loop *l)
{
    tdagi_walk *w = l->w;
    for (tdagi_count_row *row = l->row + 1; row < w->rows + w->n_rows; row++) {
        row->trips = shown(l, row->trips);
        for (uint32_t c = 0; c < w->prices->n_columns; c++)
            row->counts[c].num = shown(l, row->counts[c].num);
    }
    for (tdagi_count_symbol *s = w->symbols; s != NULL; s = s->next) {
        if (s->most != TDAGI_DIM_BAD) s->most = shown(l, s->most);
        s->counts_as = shown(l, s->counts_as);
    }
    l->row->from_one = l->from_one;
}

static void note_peaks(const loop *l, const tdagi_peaks *peaks)
{
    tdagi_walk *w = l->w;
    tdag_dim n = tdagi_dim_sub(w->pool, l->row->trips, l->from_one);
    for (uint32_t i = 0; i < peaks->n; i++) {
        tdag_dim bytes = of_round(l, peaks->v[i]);
        bytes = tdagi_dim_largest(w->pool, bytes, l->row->index, n);
        tdagi_peaks_note(w->pool, w->peaks, bytes);
        if (l->from_one) tdagi_peaks_note(w->pool, w->peaks, entry_of(l, peaks->v[i]));
    }
}

/* ---- behind the loop ---- */

/* A size when all rounds are done; BAD: not known. */
static tdag_dim end_of(const loop *l, const local *c)
{
    tdagi_pool *pool = l->w->pool;
    if (c->closed == TDAGI_DIM_BAD) return TDAGI_DIM_BAD;
    if (!l->from_one) return at_round(l, c->closed, l->row->trips);
    tdag_dim last = at_round(l, c->closed, tdagi_dim_sub(pool, l->row->trips, 1));
    tdag_dim more = tdagi_dim_sub(pool, last, c->entry);
    return tdagi_dim_add(pool, c->entry, tdagi_dim_mul(pool, one_round(l), more));
}

static tdag_dim all_ends(const loop *l, tdag_dim d)
{
    for (uint32_t i = 0; i < l->n && d != TDAGI_DIM_BAD; i++)
        if (tdagi_dim_has_symbol(l->w->pool, d, l->locals[i].symbol)) {
            tdag_dim end = end_of(l, &l->locals[i]);
            d = end == TDAGI_DIM_BAD
                    ? end
                    : tdagi_dim_set(l->w->pool, d, l->locals[i].symbol, end);
        }
    return d;
}

static tdag_status bind_results(const loop *l)
{
    tdagi_walk *w = l->w;
    for (uint32_t n = 0; n < l->s->n_bindings; n++) {
        const tdagi_binding *b = &l->s->bindings[n];
        tdag_dim known = TDAGI_DIM_BAD;
        for (uint32_t i = 0; i < l->s->n_results; i++) {
            const tdagi_var_info *is = tdagi_method_var(w->method, l->s->results[i]);
            const tdagi_var_info *in =
                tdagi_method_var(w->method, l->body->params[i + 1]);
            for (uint32_t k = 0; k < is->rank; k++)
                if (is->shape[k] == b->symbol)
                    known = all_ends(l, tdagi_walk_dim(w, in->shape[k]));
        }
        TDAGI_TRY(tdagi_walk_bind(w, b->symbol, known, b->bound, TDAGI_SYMBOL_FOUND,
                                  l->row->number));
    }
    for (uint32_t i = 0; i < l->n; i++) {
        const local *c = &l->locals[i];
        tdag_dim end = end_of(l, c);
        if (c->state > 0)
            w->states[c->state - 1][c->axis] =
                end == TDAGI_DIM_BAD ? tdagi_pool_symbol_dim(w->pool, c->symbol) : end;
    }
    return TDAG_OK;
}

/* ---- the loop ---- */

static tdag_status name_round(loop *l)
{
    tdagi_walk *w = l->w;
    const tdagi_var *params = l->body->params;
    const char *name = tdagi_method_var(w->method, params[0])->name;
    tdagi_count_symbol *symbol;
    if (name == NULL || !tdagi_is_identifier(name)) name = "i";
    TDAGI_TRY(tdagi_walk_symbol(w, TDAGI_SYMBOL_ROUND, name, 0, 0, &symbol));
    l->round = w->number[params[0].id] = symbol->counts_as;
    l->row->index = tdagi_walk_number(w->pool, l->round);
    return TDAG_OK;
}

static void close_round(loop *l)
{
    tdagi_count_symbol *s = l->w->symbols;
    while (s != NULL && s->counts_as != l->round)
        s = s->next;
    if (s != NULL) s->is_open = false;
}

/* A limit that is known and nothing else tells them; else they are a symbol. */
static tdag_status find_trips(const loop *l)
{
    tdagi_walk *w = l->w;
    tdag_dim limit = l->s->has_limit ? w->number[l->s->inputs[0].id] : TDAGI_DIM_BAD;
    if (limit != TDAGI_DIM_BAD) limit = tdagi_dim_max(w->pool, limit, 0);
    w->n_loops++;
    return tdagi_walk_trips(w, l->s->has_condition ? TDAGI_DIM_BAD : limit, limit,
                            l->row);
}

/* The body once, and what a round makes of the sizes. */
static tdag_status walk_body(loop *l, tdagi_ratio *total)
{
    tdagi_walk *w = l->w;
    const uint32_t n_trail = w->n_trail;
    tdagi_walk_define(w, l->body->params, l->body->n_params);
    TDAGI_TRY(tdagi_walk_block(w, l->body, l->row->number, total));
    for (uint32_t i = 0; i < l->n; i++) {
        local *c = &l->locals[i];
        if (c->state > 0) {
            c->next = w->states[c->state - 1][c->axis];
            continue;
        }
        tdagi_var yield = l->body->yields[l->s->has_condition + c->var - 1];
        c->next = tdagi_walk_dim(w, tdagi_method_var(w->method, yield)->shape[c->axis]);
    }
    tdagi_walk_end(w, n_trail);
    return tdagi_pool_report(w->ctx, w->pool);
}

tdag_status tdagi_walk_loop(tdagi_walk *w, const tdagi_statement *s,
                            tdagi_count_row *row)
{
    loop l = {.w = w, .row = row, .s = s, .body = &s->blocks[0]};
    tdagi_peaks inner = {.n = 0}, *outer = w->peaks;
    l.entries = s->inputs + s->has_limit + s->has_condition;
    TDAGI_TRY(find_trips(&l));
    TDAGI_TRY(name_round(&l));
    TDAGI_TRY(find_locals(&l));
    w->peaks = &inner;
    TDAGI_TRY(walk_body(&l, row->counts));
    w->peaks = outer;
    solve_loop(&l);
    for (uint32_t c = 0; c < w->prices->n_columns; c++)
        row->counts[c] = sum_rounds(&l, row->counts[c]);
    show_rows(&l);
    note_peaks(&l, &inner);
    TDAGI_TRY(bind_results(&l));
    close_round(&l);
    return tdagi_pool_report(w->ctx, w->pool);
}
