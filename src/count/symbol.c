/* Symbols of a walk: what the caller gives, what a statement finds, what counts as its
 * bound or sample. */
#include "count/walk.h"

#include <stdio.h>
#include <string.h>

uint32_t tdagi_walk_number(const tdagi_pool *pool, tdag_dim symbol)
{
    uint32_t s = 0;
    int64_t factor, offset;
    (void)tdagi_dim_is_affine(pool, symbol, &s, &factor, &offset);
    return s;
}

/* What the caller says of a name; BAD: nothing. */
static tdag_status find_given(tdagi_walk *w, const char *name, tdag_dim *out)
{
    size_t n = strlen(name);
    *out = TDAGI_DIM_BAD;
    for (uint32_t i = 0; i < w->at.n; i++) {
        const char *text = w->at.texts[i], *end = NULL;
        if (strncmp(text, name, n) != 0 || text[n] != '=') continue;
        text += n + 1;
        TDAGI_TRY(
            tdagi_dim_parse(w->ctx, w->pool, text, text + strlen(text), &end, out));
        if (*end != '\0' || tdagi_dim_sample(w->pool, *out) < 0)
            return tdagi_fail(w->ctx, TDAG_E_ARG, "\"%.80s\" gives no size",
                              w->at.texts[i]);
        w->at.used[i] = true;
    }
    return TDAG_OK;
}

static tdag_status add_symbol(tdagi_walk *w, tdagi_symbol_kind kind, const char *name,
                              uint32_t statement, tdagi_count_symbol **out)
{
    tdagi_count_symbol *s = tdagi_arena_alloc(&w->arena, sizeof *s);
    char *copy = tdagi_arena_strdup(&w->arena, name);
    if (s == NULL || copy == NULL) return tdagi_nomem(w->ctx);
    *s = (tdagi_count_symbol){
        .name = copy, .kind = kind, .statement = statement, .most = TDAGI_DIM_BAD};
    *w->symbols_end = s;
    w->symbols_end = &s->next;
    *out = s;
    return TDAG_OK;
}

static bool is_taken(const tdagi_pool *pool, const char *name)
{
    uint32_t i = 0, n = tdagi_pool_n_symbols(pool);
    while (i < n && strcmp(tdagi_pool_symbol(pool, i, NULL), name) != 0)
        i++;
    return i < n;
}

/* That of a loop that has ended. */
static tdagi_count_symbol *find_round(const tdagi_walk *w, const char *name)
{
    tdagi_count_symbol *s = w->symbols;
    while (s != NULL &&
           (s->kind != TDAGI_SYMBOL_ROUND || s->is_open || strcmp(s->name, name) != 0))
        s = s->next;
    return s;
}

tdag_status tdagi_walk_symbol(tdagi_walk *w, tdagi_symbol_kind kind, const char *name,
                              int64_t sample, uint32_t statement,
                              tdagi_count_symbol **out)
{
    char own[128];
    bool is_round = kind == TDAGI_SYMBOL_ROUND;
    tdagi_count_symbol *s = is_round ? find_round(w, name) : NULL;
    tdag_dim given = TDAGI_DIM_BAD;
    if (s == NULL) {
        snprintf(own, sizeof own, "%.100s", name);
        for (uint32_t i = 1; is_taken(w->pool, own); i++)
            snprintf(own, sizeof own, "%.100s_%u", name, (unsigned)i);
        TDAGI_TRY(add_symbol(w, kind, own, statement, &s));
        if (!is_round) TDAGI_TRY(find_given(w, s->name, &given));
        s->is_given = given != TDAGI_DIM_BAD;
        s->counts_as = s->is_given ? given : tdagi_dim_symbol(w->pool, s->name, sample);
    }
    s->is_open = is_round;
    *out = s;
    return tdagi_pool_report(w->ctx, w->pool);
}

tdag_status tdagi_walk_bind(tdagi_walk *w, tdag_dim symbol, tdag_dim known,
                            tdag_dim most, tdagi_symbol_kind kind, uint32_t statement)
{
    const uint32_t number = tdagi_walk_number(w->method->pool, symbol);
    const char *name = tdagi_pool_symbol(w->method->pool, number, NULL);
    tdag_dim given;
    TDAGI_TRY(find_given(w, name, &given));
    w->now[number] = given != TDAGI_DIM_BAD ? given : known;
    if (w->now[number] == known && known != TDAGI_DIM_BAD) return TDAG_OK;
    tdagi_count_symbol *s;
    TDAGI_TRY(add_symbol(w, kind, name, statement, &s));
    if (most != TDAGI_DIM_BAD) s->most = tdagi_walk_dim(w, most);
    s->is_given = given != TDAGI_DIM_BAD;
    bool is_most = kind == TDAGI_SYMBOL_FOUND && most != TDAGI_DIM_BAD;
    s->counts_as = s->is_given ? given : is_most ? s->most : symbol;
    w->now[number] = s->counts_as;
    return tdagi_pool_report(w->ctx, w->pool);
}

tdag_status tdagi_walk_trips(tdagi_walk *w, tdag_dim known, tdag_dim most,
                             tdagi_count_row *row)
{
    char name[32];
    tdag_dim given;
    tdagi_count_symbol *s;
    snprintf(name, sizeof name, "trip_loop%u", (unsigned)w->n_loops);
    TDAGI_TRY(find_given(w, name, &given));
    row->trips = known;
    if (given == TDAGI_DIM_BAD && known != TDAGI_DIM_BAD) return TDAG_OK;
    TDAGI_TRY(tdagi_walk_symbol(w, TDAGI_SYMBOL_TRIPS, name, 1, row->number, &s));
    s->most = most;
    row->trips = s->counts_as;
    return TDAG_OK;
}
