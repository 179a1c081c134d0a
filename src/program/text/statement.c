/* Statements without blocks, from their text. */
#include "program/call.h"
#include "program/text/parse.h"

/* The number of a name, from 1; fails if there is none. */
static tdag_status read_target(tdagi_program_parser *p, const tdagi_name_map *map,
                               const char *what, uint32_t *out)
{
    const char *name;
    tdagi_lex_spaces(&p->lex);
    const char *start = p->lex.p;
    TDAGI_TRY(tdagi_lex_name(&p->lex, &name));
    *out = tdagi_name_map_get(map, name);
    if ((*out)-- != 0) return TDAG_OK;
    return tdagi_lex_fail(&p->lex, start, "no %s '%.80s' stands above", what, name);
}

/* As many results as there are types. */
static tdag_status check_results(tdagi_program_parser *p,
                                 const tdagi_program_line *line, uint32_t n)
{
    if (line->results.n == n) return TDAG_OK;
    return tdagi_lex_fail(&p->lex, line->start, "%u results stand before what gives %u",
                          (unsigned)line->results.n, (unsigned)n);
}

/* Ends the line and adds its statement. */
static tdag_status finish(tdagi_program_parser *p, tdagi_program_line *line,
                          tdagi_statement_spec *s)
{
    TDAGI_TRY(tdagi_lex_line_end(&p->lex));
    TDAGI_TRY(check_results(p, line, line->types.n));
    s->inputs = line->inputs.v;
    s->n_inputs = line->inputs.n;
    s->bindings = line->bindings.v;
    s->n_bindings = line->bindings.n;
    tdagi_var *vars = tdagi_arena_array(&p->arena, line->types.n, sizeof *vars);
    if (vars == NULL) return tdagi_nomem(p->ctx);
    tdagi_program_add(&p->b, s, line->types.n, line->types.v, vars);
    TDAGI_TRY(tdagi_program_check(p, line->start));
    return tdagi_program_results(p, line, vars);
}

/* ---- call ---- */

static tdag_status find_symbol(tdagi_program_parser *p, const tdag_graph *g,
                               uint32_t *out)
{
    const char *name;
    tdagi_lex_spaces(&p->lex);
    const char *start = p->lex.p;
    TDAGI_TRY(tdagi_lex_word(&p->lex, &name));
    uint32_t i = 0, n = tdagi_pool_n_symbols(g->pool);
    while (i < n && strcmp(tdagi_pool_symbol(g->pool, i, NULL), name) != 0)
        i++;
    *out = i;
    if (i < n) return TDAG_OK;
    return tdagi_lex_fail(&p->lex, start, "the graph has no symbol '%.80s'", name);
}

/* The symbol of the method: "as K=3", or one of the graph's name. */
static tdag_status bind_size(tdagi_program_parser *p, tdagi_program_line *line,
                             const char *name, int64_t sample)
{
    tdagi_lexer *l = &p->lex;
    if (!tdagi_lex_take_word(l, "as"))
        return tdagi_program_fresh(p, name, sample, &line->bindings, NULL);
    tdagi_lex_spaces(l);
    const char *start = l->p;
    TDAGI_TRY(tdagi_lex_word(l, &name));
    if (tdagi_lex_take(l, '=')) TDAGI_TRY(tdagi_lex_int(l, &sample));
    tdagi_binding *b = tdagi_items_add(p, &line->bindings, sizeof *b);
    if (b == NULL) return tdagi_nomem(p->ctx);
    b->bound = TDAGI_DIM_BAD;
    b->symbol = tdagi_dim_symbol(l->pool, name, sample);
    return tdagi_lex_pass(l, start, tdagi_pool_report(p->ctx, l->pool));
}

/* "L = n as K=3 <= N" */
static tdag_status read_size(tdagi_program_parser *p, tdagi_program_line *line,
                             const tdag_graph *g)
{
    tdagi_lexer *l = &p->lex;
    tdagi_var value;
    uint32_t of;
    int64_t sample;
    TDAGI_TRY(find_symbol(p, g, &of));
    TDAGI_TRY(tdagi_lex_expect(l, '='));
    TDAGI_TRY(tdagi_program_operand(p, &value));
    const char *name = tdagi_pool_symbol(g->pool, of, &sample);
    TDAGI_TRY(bind_size(p, line, name, sample));
    tdagi_binding *b = (tdagi_binding *)line->bindings.v + line->bindings.n - 1;
    b->value = value;
    b->of = of;
    if (!tdagi_lex_take(l, '<')) return TDAG_OK;
    TDAGI_TRY(tdagi_lex_expect(l, '='));
    return tdagi_lex_dim(l, &b->bound);
}

static tdag_status infer_results(tdagi_program_parser *p, tdagi_program_line *line,
                                 const tdag_graph *g)
{
    const tdagi_statement_spec s = {.inputs = line->inputs.v,
                                    .bindings = line->bindings.v,
                                    .n_bindings = line->bindings.n};
    for (uint32_t i = 0; i < g->n_outputs; i++)
        if (tdagi_items_add(p, &line->types, sizeof(tdagi_type)) == NULL)
            return tdagi_nomem(p->ctx);
    return tdagi_lex_pass(&p->lex, line->start,
                          tdagi_call_types(p->ctx, g, p->b.method, &s, line->types.v));
}

static tdag_status read_call(tdagi_program_parser *p, tdagi_program_line *line,
                             tdagi_statement_spec *s)
{
    tdagi_lexer *l = &p->lex;
    TDAGI_TRY(read_target(p, &p->b.graphs, "graph", &s->target));
    const tdag_graph *g = p->b.made->graphs[s->target].graph;
    TDAGI_TRY(tdagi_lex_expect(l, '('));
    TDAGI_TRY(tdagi_program_operands(p, ')', &line->inputs));
    if (line->inputs.n != g->n_inputs)
        return tdagi_lex_fail(l, line->start, "the graph takes %u values, not %u",
                              (unsigned)g->n_inputs, (unsigned)line->inputs.n);
    TDAGI_TRY(check_results(p, line, g->n_outputs));
    if (tdagi_lex_take_word(l, "with")) do
            TDAGI_TRY(read_size(p, line, g));
        while (tdagi_lex_take(l, ','));
    TDAGI_TRY(infer_results(p, line, g));
    return tdagi_program_settle(p, line, NULL, false);
}

/* ---- state ---- */

static tdag_status read_read(tdagi_program_parser *p, tdagi_program_line *line,
                             tdagi_statement_spec *s)
{
    TDAGI_TRY(read_target(p, &p->b.states, "state", &s->target));
    TDAGI_TRY(check_results(p, line, 1));
    const tdagi_state *state = &p->b.made->states[s->target];
    tdagi_written_result *result = line->results.v;
    tdagi_type *t = tdagi_items_add(p, &line->types, sizeof *t);
    if (t == NULL) return tdagi_nomem(p->ctx);
    t->dtype = state->initial->dtype;
    t->rank = state->initial->rank;
    for (uint32_t k = 0; k < t->rank; k++) {
        t->shape[k] = state->initial->shape[k];
        if (state->symbols[k] == NULL || result->type_at != NULL) continue;
        TDAGI_TRY(tdagi_lex_pass(&p->lex, line->start,
                                 tdagi_program_fresh(p, state->symbols[k], t->shape[k],
                                                     &line->bindings, &t->shape[k])));
    }
    TDAGI_TRY(tdagi_program_settle(p, line, NULL, true));
    return tdagi_program_bounds(p, &line->bindings);
}

static tdag_status read_operand(tdagi_program_parser *p, tdagi_program_line *line)
{
    tdagi_var *v = tdagi_items_add(p, &line->inputs, sizeof *v);
    return v == NULL ? tdagi_nomem(p->ctx) : tdagi_program_operand(p, v);
}

static tdag_status read_write(tdagi_program_parser *p, tdagi_program_line *line,
                              tdagi_statement_spec *s)
{
    TDAGI_TRY(read_target(p, &p->b.states, "state", &s->target));
    return read_operand(p, line);
}

/* ---- draws, operators, checks ---- */

static tdag_status read_draw(tdagi_program_parser *p, tdagi_program_line *line,
                             tdagi_statement_spec *s)
{
    tdagi_lexer *l = &p->lex;
    const char *word;
    tdagi_lex_spaces(l);
    const char *start = l->p;
    TDAGI_TRY(tdagi_lex_word(l, &word));
    while (s->draw < TDAGI_N_DRAW_KINDS && strcmp(tdagi_draw_name(s->draw), word) != 0)
        s->draw++;
    if (s->draw == TDAGI_N_DRAW_KINDS)
        return tdagi_lex_fail(l, start, "'%.80s' is no kind of random numbers", word);
    if (tdagi_lex_take(l, '('))
        TDAGI_TRY(tdagi_program_operands(p, ')', &line->inputs));
    TDAGI_TRY(check_results(p, line, 1));
    return tdagi_program_types(p, line);
}

/* "aten::nonzero", with or without quotes. */
static tdag_status read_operator(tdagi_program_parser *p, const char **out)
{
    tdagi_lexer *l = &p->lex;
    tdagi_lex_spaces(l);
    const char *start = l->p;
    if (l->p < l->end && *l->p == '"') return tdagi_lex_quoted(l, out);
    while (l->p < l->end && (tdagi_text_is_plain(*l->p) || *l->p == ':'))
        l->p++;
    if (l->p == start) return tdagi_lex_fail(l, start, "expected an operator here");
    size_t n = (size_t)(l->p - start);
    char *name = tdagi_arena_alloc(&p->arena, n + 1);
    if (name == NULL) return tdagi_nomem(p->ctx);
    memcpy(name, start, n);
    name[n] = '\0';
    *out = name;
    return TDAG_OK;
}

static tdag_status read_apply(tdagi_program_parser *p, tdagi_program_line *line,
                              tdagi_statement_spec *s)
{
    tdagi_lexer *l = &p->lex;
    TDAGI_TRY(read_operator(p, &s->text));
    TDAGI_TRY(tdagi_lex_expect(l, '('));
    TDAGI_TRY(tdagi_program_operands(p, ')', &line->inputs));
    if (tdagi_lex_take_word(l, "with")) TDAGI_TRY(tdagi_lex_quoted(l, &s->arguments));
    if (line->results.n == 0) return TDAG_OK;
    if (!tdagi_lex_take_word(l, "as"))
        return tdagi_lex_fail(l, l->p,
                              "expected 'as' and the types of the results here");
    return tdagi_program_types(p, line);
}

static tdag_status read_check(tdagi_program_parser *p, tdagi_program_line *line,
                              tdagi_statement_spec *s)
{
    TDAGI_TRY(read_operand(p, line));
    return tdagi_lex_quoted(&p->lex, &s->text);
}

static tdag_status read_return(tdagi_program_parser *p, tdagi_program_line *line,
                               tdagi_statement_spec *s)
{
    (void)s;
    return tdagi_program_operands(p, 0, &line->inputs);
}

tdag_status tdagi_program_leaf(tdagi_program_parser *p, tdagi_statement_kind kind,
                               tdagi_program_line *line)
{
    static tdag_status (*const parts[TDAGI_N_STATEMENT_KINDS])(
        tdagi_program_parser *, tdagi_program_line *, tdagi_statement_spec *) = {
        [TDAGI_CALL] = read_call,    [TDAGI_READ] = read_read,
        [TDAGI_WRITE] = read_write,  [TDAGI_DRAW] = read_draw,
        [TDAGI_APPLY] = read_apply,  [TDAGI_CHECK] = read_check,
        [TDAGI_RETURN] = read_return};
    tdagi_statement_spec s = {.kind = (uint8_t)kind};
    TDAGI_TRY(parts[kind](p, line, &s));
    return finish(p, line, &s);
}
