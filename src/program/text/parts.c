/* What statements are made of: names of values, types, symbols that are bound. */
#include <stdio.h>

#include "base/dim/type_text.h"
#include "program/text/parse.h"

void *tdagi_items_add(tdagi_program_parser *p, tdagi_items *items, size_t size)
{
    if (items->n == items->capacity) {
        uint32_t wider = items->capacity == 0 ? 4 : items->capacity * 2;
        void *v =
            wider < items->capacity ? NULL : tdagi_arena_array(&p->arena, wider, size);
        if (v == NULL) return NULL;
        if (items->n > 0) memcpy(v, items->v, items->n * size);
        items->v = v;
        items->capacity = wider;
    }
    void *added = (char *)items->v + items->n++ * size;
    memset(added, 0, size);
    return added;
}

tdag_status tdagi_program_check(tdagi_program_parser *p, const char *at)
{
    return tdagi_lex_pass(&p->lex, at, p->b.status);
}

/* ---- names ---- */

tdag_status tdagi_program_operand(tdagi_program_parser *p, tdagi_var *out)
{
    const char *name;
    tdagi_lex_spaces(&p->lex);
    const char *start = p->lex.p;
    TDAGI_TRY(tdagi_lex_name(&p->lex, &name));
    out->id = tdagi_name_map_get(&p->names, name);
    if (out->id != 0) return TDAG_OK;
    return tdagi_lex_fail(&p->lex, start, "no value '%.80s' is seen here", name);
}

tdag_status tdagi_program_define(tdagi_program_parser *p, const char *name,
                                 const char *at, tdagi_var v)
{
    if (tdagi_name_map_get(&p->names, name) != 0)
        return tdagi_lex_fail(&p->lex, at, "the name '%.80s' is used twice", name);
    const char **seen = tdagi_items_add(p, &p->seen, sizeof *seen);
    if (seen == NULL) return tdagi_nomem(p->ctx);
    *seen = name;
    TDAGI_TRY(tdagi_name_map_put(p->ctx, &p->names, name, v.id));
    tdagi_program_name(&p->b, v, name);
    return tdagi_program_check(p, at);
}

void tdagi_program_leave(tdagi_program_parser *p, uint32_t n)
{
    const char **seen = p->seen.v;
    while (p->seen.n > n) {
        tdagi_name_slot *slot = tdagi_name_map_find(&p->names, seen[--p->seen.n]);
        if (slot != NULL) slot->value = 0; /* NULL: memory ran out */
    }
}

tdag_status tdagi_program_operands(tdagi_program_parser *p, char close,
                                   tdagi_items *out)
{
    tdagi_lexer *l = &p->lex;
    for (bool first = true;; first = false) {
        if (close == 0 ? tdagi_lex_at_line_end(l) : tdagi_lex_take(l, close))
            return TDAG_OK;
        if (!first) TDAGI_TRY(tdagi_lex_expect(l, ','));
        tdagi_var *v = tdagi_items_add(p, out, sizeof *v);
        if (v == NULL) return tdagi_nomem(p->ctx);
        TDAGI_TRY(tdagi_program_operand(p, v));
    }
}

/* ---- symbols ---- */

static tdag_dim find_symbol(const tdagi_pool *pool, const char *name)
{
    for (uint32_t i = 0; i < tdagi_pool_n_symbols(pool); i++)
        if (strcmp(tdagi_pool_symbol(pool, i, NULL), name) == 0)
            return tdagi_pool_symbol_dim(pool, i);
    return TDAGI_DIM_BAD;
}

static tdag_status bind(tdagi_program_parser *p, const char *name, int64_t sample,
                        tdagi_items *bindings, tdag_dim *out)
{
    tdag_dim d = tdagi_dim_symbol(p->lex.pool, name, sample);
    if (d == TDAGI_DIM_BAD) return tdagi_pool_report(p->ctx, p->lex.pool);
    tdagi_binding *b = tdagi_items_add(p, bindings, sizeof *b);
    if (b == NULL) return tdagi_nomem(p->ctx);
    *b = (tdagi_binding){.symbol = d, .bound = TDAGI_DIM_BAD};
    if (out != NULL) *out = d;
    return TDAG_OK;
}

tdag_status tdagi_program_fresh(tdagi_program_parser *p, const char *name,
                                int64_t sample, tdagi_items *bindings, tdag_dim *out)
{
    size_t size = strlen(name) + 12;
    char *text = tdagi_arena_alloc(&p->arena, size);
    if (text == NULL) return tdagi_nomem(p->ctx);
    snprintf(text, size, "%s", name);
    for (uint32_t i = 1; find_symbol(p->lex.pool, text) != TDAGI_DIM_BAD; i++)
        snprintf(text, size, "%s_%u", name, (unsigned)i);
    return bind(p, text, sample, bindings, out);
}

static tdagi_binding *find_binding(const tdagi_items *bindings, tdag_dim symbol)
{
    tdagi_binding *all = bindings->v;
    for (uint32_t i = 0; i < bindings->n; i++)
        if (all[i].symbol == symbol) return &all[i];
    return NULL;
}

tdag_status tdagi_program_bounds(tdagi_program_parser *p, tdagi_items *bindings)
{
    tdagi_lexer *l = &p->lex;
    while (tdagi_lex_take(l, ',')) {
        const char *name;
        tdagi_lex_spaces(l);
        const char *start = l->p;
        TDAGI_TRY(tdagi_lex_word(l, &name));
        tdag_dim symbol = find_symbol(l->pool, name);
        tdagi_binding *b = find_binding(bindings, symbol);
        if (b == NULL || b->bound != TDAGI_DIM_BAD)
            return tdagi_lex_fail(l, start,
                                  "%.80s is no size that the statement finds, or "
                                  "bounded twice",
                                  name);
        TDAGI_TRY(tdagi_lex_expect(l, '<'));
        TDAGI_TRY(tdagi_lex_expect(l, '='));
        TDAGI_TRY(tdagi_lex_dim(l, &b->bound));
    }
    return TDAG_OK;
}

/* ---- types ---- */

static bool begins_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Past a dim: up to the comma or bracket that ends it. */
static void skip_dim(tdagi_lexer *l)
{
    for (int depth = 0; l->p < l->end && *l->p != '\n' && *l->p != ']'; l->p++) {
        depth += (*l->p == '(') - (*l->p == ')');
        if (*l->p == ',' && depth <= 0) break;
    }
}

/* A symbol that stands there alone and may be bound; NULL: something else does. */
static tdag_status read_symbol(tdagi_program_parser *p, const char **name)
{
    tdagi_lexer *l = &p->lex;
    tdagi_lex_spaces(l);
    const char *start = l->p;
    *name = NULL;
    if (l->p == l->end || !begins_word(*l->p)) return TDAG_OK;
    TDAGI_TRY(tdagi_lex_word(l, name));
    tdagi_lex_spaces(l);
    if (l->p < l->end && (*l->p == ',' || *l->p == ']' || *l->p == '=')) return TDAG_OK;
    *name = NULL;
    l->p = start;
    return TDAG_OK;
}

/* Binds the symbols of a type's dims, from behind its bracket to the one that ends it.
 */
static tdag_status bind_dims(tdagi_program_parser *p, const tdagi_type *like,
                             tdagi_items *bindings)
{
    tdagi_lexer *l = &p->lex;
    for (uint32_t k = 0; !tdagi_lex_take(l, ']'); k++) {
        const char *name, *start;
        int64_t sample = 1;
        if (k > 0) TDAGI_TRY(tdagi_lex_expect(l, ','));
        tdagi_lex_spaces(l);
        start = l->p;
        TDAGI_TRY(read_symbol(p, &name));
        if (name == NULL) {
            skip_dim(l);
            if (l->p == l->end || *l->p == '\n') return TDAG_OK; /* read again */
            continue;
        }
        bool is_known = find_symbol(l->pool, name) != TDAGI_DIM_BAD;
        if (like != NULL && k < like->rank)
            sample = tdagi_dim_sample(l->pool, like->shape[k]);
        bool has_sample = tdagi_lex_take(l, '=');
        if (has_sample) TDAGI_TRY(tdagi_lex_int(l, &sample));
        if (is_known && has_sample)
            return tdagi_lex_fail(l, start, "the symbol %.80s is bound twice", name);
        if (!is_known)
            TDAGI_TRY(tdagi_lex_pass(l, start, bind(p, name, sample, bindings, NULL)));
    }
    return TDAG_OK;
}

static tdag_status read_dims(tdagi_program_parser *p, bool binds, tdagi_type *out)
{
    tdagi_lexer *l = &p->lex;
    while (!tdagi_lex_take(l, ']')) {
        int64_t sample;
        if (out->rank > 0) TDAGI_TRY(tdagi_lex_expect(l, ','));
        if (out->rank == TDAG_MAX_RANK)
            return tdagi_lex_fail(l, l->p, "a type of more than %d axes",
                                  TDAG_MAX_RANK);
        TDAGI_TRY(tdagi_lex_dim(l, &out->shape[out->rank]));
        if (binds && tdagi_lex_take(l, '=')) TDAGI_TRY(tdagi_lex_int(l, &sample));
        out->rank++;
    }
    return TDAG_OK;
}

/* Goes past a type and binds what it binds. */
static tdag_status bind_type(tdagi_program_parser *p, const tdagi_type *like,
                             tdagi_items *bindings)
{
    tdag_dtype dtype;
    TDAGI_TRY(tdagi_lex_dtype(&p->lex, &dtype));
    TDAGI_TRY(tdagi_lex_expect(&p->lex, '['));
    return bind_dims(p, like, bindings);
}

/* A type whose symbols are bound. */
static tdag_status read_type(tdagi_program_parser *p, bool binds, tdagi_type *out)
{
    tdagi_lexer *l = &p->lex;
    tdagi_lex_spaces(l);
    const char *start = l->p;
    *out = (tdagi_type){.rank = 0};
    TDAGI_TRY(tdagi_lex_dtype(l, &out->dtype));
    TDAGI_TRY(tdagi_lex_expect(l, '['));
    TDAGI_TRY(read_dims(p, binds, out));
    return tdagi_lex_pass(l, start, tdagi_check_type(p->ctx, l->pool, out));
}

tdag_status tdagi_program_type(tdagi_program_parser *p, const tdagi_type *like,
                               tdagi_items *bindings, tdagi_type *out)
{
    const char *start = p->lex.p;
    if (bindings != NULL) TDAGI_TRY(bind_type(p, like, bindings));
    p->lex.p = start;
    return read_type(p, bindings != NULL, out);
}

tdag_status tdagi_program_skip_type(tdagi_lexer *l)
{
    const char *word;
    TDAGI_TRY(tdagi_lex_word(l, &word));
    TDAGI_TRY(tdagi_lex_expect(l, '['));
    while (l->p < l->end && *l->p != ']' && *l->p != '\n')
        l->p++;
    return tdagi_lex_expect(l, ']');
}

/* ---- results ---- */

/* The symbols of axes that are open. */
static tdag_status open_sizes(tdagi_program_parser *p, uint32_t open, tdagi_type *type,
                              tdagi_items *bindings)
{
    for (uint32_t k = 0; k < type->rank && open != 0; k++) {
        if ((open >> k & 1) == 0) continue;
        uint32_t i = 0, n = tdagi_pool_n_symbols(p->lex.pool);
        while (i < n && tdagi_pool_symbol_dim(p->lex.pool, i) != type->shape[k])
            i++;
        const char *name = i < n ? tdagi_pool_symbol(p->lex.pool, i, NULL) : "D";
        TDAGI_TRY(tdagi_program_fresh(p, name,
                                      tdagi_dim_sample(p->lex.pool, type->shape[k]),
                                      bindings, &type->shape[k]));
    }
    return TDAG_OK;
}

static bool same_type(const tdagi_type *a, const tdagi_type *b)
{
    return a->dtype == b->dtype && a->rank == b->rank &&
           memcmp(a->shape, b->shape, a->rank * sizeof(tdag_dim)) == 0;
}

static tdag_status fail_type(tdagi_program_parser *p, const tdagi_written_result *r,
                             const tdagi_type *is)
{
    char made[256];
    tdagi_type_text(p->lex.pool, is->dtype, is->rank, is->shape, made, sizeof made);
    return tdagi_lex_fail(&p->lex, r->type_at, "'%.80s' is %s", r->name, made);
}

tdag_status tdagi_program_settle(tdagi_program_parser *p, tdagi_program_line *line,
                                 const uint32_t *open, bool binds)
{
    const tdagi_written_result *results = line->results.v;
    tdagi_type *types = line->types.v, written;
    const char *end = p->lex.p;
    for (uint32_t i = 0; i < line->results.n; i++) {
        if (results[i].type_at == NULL) {
            if (open != NULL)
                TDAGI_TRY(
                    tdagi_lex_pass(&p->lex, results[i].at,
                                   open_sizes(p, open[i], &types[i], &line->bindings)));
            continue;
        }
        p->lex.p = results[i].type_at;
        TDAGI_TRY(
            tdagi_program_type(p, &types[i], binds ? &line->bindings : NULL, &written));
        p->lex.p = end;
        if (!binds && !same_type(&written, &types[i]))
            return fail_type(p, &results[i], &types[i]);
        types[i] = written;
    }
    return TDAG_OK;
}

tdag_status tdagi_program_types(tdagi_program_parser *p, tdagi_program_line *line)
{
    const char *start = p->lex.p;
    for (uint32_t i = 0; i < line->results.n; i++) {
        if (i > 0) TDAGI_TRY(tdagi_lex_expect(&p->lex, ','));
        TDAGI_TRY(bind_type(p, NULL, &line->bindings));
    }
    p->lex.p = start;
    for (uint32_t i = 0; i < line->results.n; i++) {
        if (i > 0) TDAGI_TRY(tdagi_lex_expect(&p->lex, ','));
        tdagi_type *t = tdagi_items_add(p, &line->types, sizeof *t);
        if (t == NULL) return tdagi_nomem(p->ctx);
        TDAGI_TRY(read_type(p, true, t));
    }
    TDAGI_TRY(tdagi_program_settle(p, line, NULL, false));
    return tdagi_program_bounds(p, &line->bindings);
}

tdag_status tdagi_program_results(tdagi_program_parser *p,
                                  const tdagi_program_line *line, const tdagi_var *vars)
{
    const tdagi_written_result *results = line->results.v;
    for (uint32_t i = 0; i < line->results.n; i++)
        TDAGI_TRY(tdagi_program_define(p, results[i].name, results[i].at, vars[i]));
    return TDAG_OK;
}
