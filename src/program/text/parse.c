/* Text to models: graphs, state and methods in the order of the text, each through its
 * builder. Types of results that are not written are inferred; that all of it fits is
 * the verifier's to say, whose failures get the place of the statement. */
#include "program/text/parse.h"

#include <tdagger/program.h>

#include "base/dim/type_text.h"
#include "program/text/text.h"

/* ---- blocks ---- */

/* What ended a block. */
typedef struct ending {
    tdagi_items yields; /* of tdagi_var */
    const char *at;
} ending;

static tdag_status read_statement(tdagi_program_parser *p);

/* "yield [c;] a, b" */
static tdag_status read_yield(tdagi_program_parser *p, bool has_condition, ending *out)
{
    tdagi_lexer *l = &p->lex;
    if (has_condition) {
        tdagi_var *v = tdagi_items_add(p, &out->yields, sizeof *v);
        if (v == NULL) return tdagi_nomem(p->ctx);
        TDAGI_TRY(tdagi_program_operand(p, v));
        if (!tdagi_lex_at_line_end(l)) TDAGI_TRY(tdagi_lex_expect(l, ';'));
    }
    tdagi_items carried = {0};
    TDAGI_TRY(tdagi_program_operands(p, 0, &carried));
    for (uint32_t i = 0; i < carried.n; i++) {
        tdagi_var *v = tdagi_items_add(p, &out->yields, sizeof *v);
        if (v == NULL) return tdagi_nomem(p->ctx);
        *v = ((tdagi_var *)carried.v)[i];
    }
    TDAGI_TRY(tdagi_lex_line_end(l));
    tdagi_lex_blank_lines(l);
    return tdagi_lex_expect(l, '}');
}

/* The lines of a block and the brace that ends it. */
static tdag_status read_lines(tdagi_program_parser *p, bool has_condition, ending *out)
{
    tdagi_lexer *l = &p->lex;
    for (;;) {
        tdagi_lex_blank_lines(l);
        tdagi_lex_spaces(l);
        out->at = l->p;
        if (l->p == l->end) return tdagi_lex_fail(l, l->p, "a block without an end");
        if (tdagi_lex_take(l, '}')) return TDAG_OK;
        if (tdagi_lex_take_word(l, "yield")) return read_yield(p, has_condition, out);
        TDAGI_TRY(read_statement(p));
    }
}

/* A block that has begun; what it defines is seen no longer. */
static tdag_status read_block(tdagi_program_parser *p, uint32_t n_seen,
                              bool has_condition, ending *out)
{
    TDAGI_TRY(read_lines(p, has_condition, out));
    tdagi_program_leave(p, n_seen);
    tdagi_program_end_block(&p->b, out->yields.n, out->yields.v);
    return tdagi_program_check(p, out->at);
}

/* "{" at the end of the line. */
static tdag_status open_brace(tdagi_program_parser *p)
{
    TDAGI_TRY(tdagi_lex_expect(&p->lex, '{'));
    return tdagi_lex_line_end(&p->lex);
}

/* Goes past ", K <= N", which can be read when the results are known. */
static const char *skip_bounds(tdagi_lexer *l)
{
    const char *start = l->p;
    while (l->p < l->end && *l->p != '{' && *l->p != '\n' && *l->p != '#')
        l->p++;
    return start;
}

/* The line's results, once its blocks have ended. */
static tdag_status finish(tdagi_program_parser *p, tdagi_program_line *line,
                          const uint32_t *open, const char *bounds)
{
    const char *end = p->lex.p;
    uint32_t n = line->results.n;
    TDAGI_TRY(tdagi_program_settle(p, line, open, true));
    p->lex.p = bounds;
    TDAGI_TRY(tdagi_program_bounds(p, &line->bindings));
    tdagi_lex_spaces(&p->lex);
    if (p->lex.p < p->lex.end && *p->lex.p != '{')
        return tdagi_lex_fail(&p->lex, p->lex.p, "expected '{' here");
    p->lex.p = end;
    tdagi_var *vars = tdagi_arena_array(&p->arena, n, sizeof *vars);
    if (vars == NULL) return tdagi_nomem(p->ctx);
    tdagi_program_bind(&p->b, line->bindings.n, line->bindings.v);
    tdagi_program_close(&p->b, n, line->types.v, vars);
    TDAGI_TRY(tdagi_program_check(p, line->start));
    return tdagi_program_results(p, line, vars);
}

/* A type of the line that is that of a value. */
static tdag_status add_type(tdagi_program_parser *p, tdagi_program_line *line,
                            tdagi_var v)
{
    tdagi_type *t = tdagi_items_add(p, &line->types, sizeof *t);
    if (t == NULL) return tdagi_nomem(p->ctx);
    const tdagi_var_info *info = tdagi_method_var(p->b.method, v);
    t->dtype = info->dtype;
    t->rank = info->rank;
    if (t->rank > 0) memcpy(t->shape, info->shape, t->rank * sizeof(tdag_dim));
    return TDAG_OK;
}

/* ---- if ---- */

/* What both arms yield, and by result the axes in which they differ. */
static tdag_status join_arms(tdagi_program_parser *p, tdagi_program_line *line,
                             const ending arms[2], uint32_t *open)
{
    for (uint32_t i = 0; i < line->results.n; i++) {
        const tdagi_var *a = (const tdagi_var *)arms[0].yields.v + i,
                        *b = (const tdagi_var *)arms[1].yields.v + i;
        TDAGI_TRY(add_type(p, line, *a));
        const tdagi_var_info *x = tdagi_method_var(p->b.method, *a),
                             *y = tdagi_method_var(p->b.method, *b);
        open[i] = 0;
        for (uint32_t k = 0; k < x->rank && x->rank == y->rank; k++)
            if (x->shape[k] != y->shape[k]) open[i] |= UINT32_C(1) << k;
    }
    return TDAG_OK;
}

static tdag_status check_yields(tdagi_program_parser *p, const ending *end, uint32_t n)
{
    if (end->yields.n == n) return TDAG_OK;
    return tdagi_lex_fail(&p->lex, end->at, "the block yields %u values, not %u",
                          (unsigned)end->yields.n, (unsigned)n);
}

/* The second block, which is empty where it is not written. */
static tdag_status read_else(tdagi_program_parser *p, ending *out)
{
    tdagi_lexer *l = &p->lex;
    out->at = l->p;
    tdagi_program_begin_block(&p->b, 0, NULL, 0, NULL, NULL);
    if (tdagi_lex_take_word(l, "else")) {
        TDAGI_TRY(open_brace(p));
        return read_block(p, p->seen.n, false, out);
    }
    tdagi_program_end_block(&p->b, 0, NULL);
    return tdagi_program_check(p, l->p);
}

static tdag_status read_if(tdagi_program_parser *p, tdagi_program_line *line)
{
    tdagi_var condition;
    ending arms[2] = {{{0}, NULL}, {{0}, NULL}};
    TDAGI_TRY(tdagi_program_operand(p, &condition));
    const tdagi_statement_spec s = {
        .kind = TDAGI_IF, .inputs = &condition, .n_inputs = 1};
    const char *bounds = skip_bounds(&p->lex);
    TDAGI_TRY(open_brace(p));
    tdagi_program_open(&p->b, &s);
    tdagi_program_begin_block(&p->b, 0, NULL, 0, NULL, NULL);
    TDAGI_TRY(tdagi_program_check(p, line->start));
    TDAGI_TRY(read_block(p, p->seen.n, false, &arms[0]));
    TDAGI_TRY(read_else(p, &arms[1]));
    TDAGI_TRY(tdagi_lex_line_end(&p->lex));
    for (int i = 0; i < 2; i++)
        TDAGI_TRY(check_yields(p, &arms[i], line->results.n));
    uint32_t *open = tdagi_arena_array(&p->arena, line->results.n, sizeof *open);
    if (open == NULL) return tdagi_nomem(p->ctx);
    TDAGI_TRY(join_arms(p, line, arms, open));
    return finish(p, line, open, bounds);
}

/* ---- loop ---- */

/* A loop's head. */
typedef struct head {
    tdagi_statement_spec spec;
    tdagi_items params; /* of tdagi_written_result: the index, what is carried */
    tdagi_items types;  /* of tdagi_type, likewise */
    tdagi_items locals; /* of tdagi_binding: the loop's symbols */
    tdag_dim *symbols;  /* the same */
    const char *bounds;
} head;

static tdag_status read_param(tdagi_program_parser *p, head *h)
{
    tdagi_written_result *r = tdagi_items_add(p, &h->params, sizeof *r);
    tdagi_type *t = tdagi_items_add(p, &h->types, sizeof *t);
    if (r == NULL || t == NULL) return tdagi_nomem(p->ctx);
    tdagi_lex_spaces(&p->lex);
    r->at = p->lex.p;
    t->dtype = TDAG_I64;
    return tdagi_lex_name(&p->lex, &r->name);
}

/* "t: f32[N,T=2] = a"; the type is read when the entry is known. */
static tdag_status read_carried(tdagi_program_parser *p, tdagi_program_line *line,
                                head *h)
{
    tdagi_lexer *l = &p->lex;
    const char *type_at = NULL;
    TDAGI_TRY(read_param(p, h));
    if (tdagi_lex_take(l, ':')) {
        type_at = l->p;
        TDAGI_TRY(tdagi_program_skip_type(l));
    }
    TDAGI_TRY(tdagi_lex_expect(l, '='));
    tdagi_var *entry = tdagi_items_add(p, &line->inputs, sizeof *entry);
    if (entry == NULL) return tdagi_nomem(p->ctx);
    TDAGI_TRY(tdagi_program_operand(p, entry));
    tdagi_type *t = (tdagi_type *)h->types.v + h->types.n - 1, like;
    const tdagi_var_info *info = tdagi_method_var(p->b.method, *entry);
    like = (tdagi_type){.dtype = info->dtype, .rank = info->rank};
    if (like.rank > 0) memcpy(like.shape, info->shape, like.rank * sizeof(tdag_dim));
    *t = like;
    if (type_at == NULL) return TDAG_OK;
    const char *end = l->p;
    l->p = type_at;
    TDAGI_TRY(tdagi_program_type(p, &like, &h->locals, t));
    l->p = end;
    return TDAG_OK;
}

static tdag_status read_head_value(tdagi_program_parser *p, const char *word,
                                   tdagi_program_line *line, bool *out)
{
    *out = tdagi_lex_take_word(&p->lex, word);
    if (!*out) return TDAG_OK;
    tdagi_var *v = tdagi_items_add(p, &line->inputs, sizeof *v);
    return v == NULL ? tdagi_nomem(p->ctx) : tdagi_program_operand(p, v);
}

static tdag_status read_head(tdagi_program_parser *p, tdagi_program_line *line, head *h)
{
    tdagi_lexer *l = &p->lex;
    h->spec.kind = TDAGI_LOOP;
    TDAGI_TRY(read_head_value(p, "limit", line, &h->spec.has_limit));
    TDAGI_TRY(read_head_value(p, "while", line, &h->spec.has_condition));
    TDAGI_TRY(tdagi_lex_expect(l, '('));
    TDAGI_TRY(read_param(p, h));
    if (tdagi_lex_take(l, ';')) do
            TDAGI_TRY(read_carried(p, line, h));
        while (tdagi_lex_take(l, ','));
    TDAGI_TRY(tdagi_lex_expect(l, ')'));
    h->bounds = skip_bounds(l);
    h->spec.inputs = line->inputs.v;
    h->spec.n_inputs = line->inputs.n;
    h->symbols = tdagi_arena_array(&p->arena, h->locals.n, sizeof *h->symbols);
    if (h->symbols == NULL) return tdagi_nomem(p->ctx);
    for (uint32_t i = 0; i < h->locals.n; i++)
        h->symbols[i] = ((tdagi_binding *)h->locals.v)[i].symbol;
    return open_brace(p);
}

static tdag_status begin_body(tdagi_program_parser *p, tdagi_program_line *line,
                              const head *h)
{
    const tdagi_written_result *params = h->params.v;
    uint32_t n = h->params.n;
    tdagi_var *vars = tdagi_arena_array(&p->arena, n, sizeof *vars);
    if (vars == NULL) return tdagi_nomem(p->ctx);
    tdagi_program_open(&p->b, &h->spec);
    tdagi_program_begin_block(&p->b, n, h->types.v, h->locals.n, h->symbols, vars);
    TDAGI_TRY(tdagi_program_check(p, line->start));
    for (uint32_t i = 0; i < n; i++)
        TDAGI_TRY(tdagi_program_define(p, params[i].name, params[i].at, vars[i]));
    return TDAG_OK;
}

/* What is carried, its changing axes open. */
static tdag_status carry_results(tdagi_program_parser *p, tdagi_program_line *line,
                                 const head *h, uint32_t *open)
{
    for (uint32_t i = 0; i < line->results.n; i++) {
        const tdagi_type *from = (const tdagi_type *)h->types.v + i + 1;
        tdagi_type *t = tdagi_items_add(p, &line->types, sizeof *t);
        if (t == NULL) return tdagi_nomem(p->ctx);
        *t = *from;
        open[i] = 0;
        for (uint32_t k = 0; k < t->rank; k++)
            for (uint32_t j = 0; j < h->locals.n && t->shape[k] < 0; j++)
                if (h->symbols[j] == t->shape[k]) open[i] |= UINT32_C(1) << k;
    }
    return TDAG_OK;
}

static tdag_status read_loop(tdagi_program_parser *p, tdagi_program_line *line)
{
    head h = {.bounds = NULL};
    ending end = {{0}, NULL};
    uint32_t n_seen = p->seen.n;
    TDAGI_TRY(read_head(p, line, &h));
    TDAGI_TRY(begin_body(p, line, &h));
    TDAGI_TRY(read_block(p, n_seen, h.spec.has_condition, &end));
    TDAGI_TRY(tdagi_lex_line_end(&p->lex));
    uint32_t n = line->results.n;
    if (h.params.n - 1 != n)
        return tdagi_lex_fail(&p->lex, line->start,
                              "%u results stand before a loop that carries %u values",
                              (unsigned)n, (unsigned)h.params.n - 1);
    TDAGI_TRY(check_yields(p, &end, n + h.spec.has_condition));
    uint32_t *open = tdagi_arena_array(&p->arena, n, sizeof *open);
    if (open == NULL) return tdagi_nomem(p->ctx);
    TDAGI_TRY(carry_results(p, line, &h, open));
    return finish(p, line, open, h.bounds);
}

/* ---- statements ---- */

static bool take_kind(tdagi_lexer *l, tdagi_statement_kind *out)
{
    for (uint32_t kind = 0; kind < TDAGI_N_STATEMENT_KINDS; kind++)
        if (tdagi_lex_take_word(l, tdagi_statement_name(kind))) {
            *out = (tdagi_statement_kind)kind;
            return true;
        }
    return false;
}

/* "a, b: f32[N] =" */
static tdag_status read_results(tdagi_program_parser *p, tdagi_program_line *line)
{
    tdagi_lexer *l = &p->lex;
    do {
        tdagi_written_result *r = tdagi_items_add(p, &line->results, sizeof *r);
        if (r == NULL) return tdagi_nomem(p->ctx);
        tdagi_lex_spaces(l);
        r->at = l->p;
        TDAGI_TRY(tdagi_lex_name(l, &r->name));
        if (!tdagi_lex_take(l, ':')) continue;
        tdagi_lex_spaces(l);
        r->type_at = l->p;
        TDAGI_TRY(tdagi_program_skip_type(l));
    } while (tdagi_lex_take(l, ','));
    return tdagi_lex_expect(l, '=');
}

/* Where it stands, for what the verifier finds. */
static tdag_status note_place(tdagi_program_parser *p, const char *at)
{
    tdagi_statement_place *place = tdagi_items_add(p, &p->places, sizeof *place);
    if (place == NULL) return tdagi_nomem(p->ctx);
    *place = (tdagi_statement_place){p->b.made->n_methods, ++p->n_statements, at};
    return TDAG_OK;
}

/* Recursion ends with the nesting of blocks, which the builder limits. */
static tdag_status read_statement(tdagi_program_parser *p)
{
    tdagi_program_line line = {.start = p->lex.p};
    tdagi_statement_kind kind;
    TDAGI_TRY(note_place(p, line.start));
    bool has_results = !take_kind(&p->lex, &kind);
    if (has_results) TDAGI_TRY(read_results(p, &line));
    tdagi_lex_spaces(&p->lex);
    const char *at = p->lex.p;
    if (has_results && !take_kind(&p->lex, &kind))
        return tdagi_lex_fail(&p->lex, at, "expected a statement here");
    if (kind == TDAGI_IF) return read_if(p, &line);
    if (kind == TDAGI_LOOP) return read_loop(p, &line);
    return tdagi_program_leaf(p, kind, &line);
}

/* ---- methods ---- */

/* What may stand before a method's statements. */
typedef struct preamble {
    tdagi_structure *inputs, *outputs;
} preamble;

static tdag_status read_symbols(tdagi_program_parser *p)
{
    tdagi_lexer *l = &p->lex;
    while (!tdagi_lex_at_line_end(l)) {
        const char *name, *at = l->p;
        int64_t sample;
        TDAGI_TRY(tdagi_lex_word(l, &name));
        TDAGI_TRY(tdagi_lex_expect(l, '='));
        TDAGI_TRY(tdagi_lex_int(l, &sample));
        uint32_t n = tdagi_pool_n_symbols(l->pool);
        tdag_dim symbol = tdagi_dim_symbol(l->pool, name, sample);
        TDAGI_TRY(tdagi_lex_pass(l, at, tdagi_pool_report(p->ctx, l->pool)));
        if (tdagi_pool_n_symbols(l->pool) == n)
            return tdagi_lex_fail(l, at, "the symbol %.80s stands there twice", name);
        tdagi_method_symbol(&p->b, symbol);
    }
    return tdagi_lex_line_end(l);
}

static tdag_status read_structure(tdagi_program_parser *p, tdagi_structure **out)
{
    const char *text;
    tdagi_lex_spaces(&p->lex);
    const char *start = p->lex.p;
    TDAGI_TRY(tdagi_lex_quoted(&p->lex, &text));
    if (*out != NULL)
        return tdagi_lex_fail(&p->lex, start, "the line stands there twice");
    TDAGI_TRY(tdagi_lex_pass(&p->lex, start, tdagi_structure_parse(p->ctx, text, out)));
    return tdagi_lex_line_end(&p->lex);
}

/* Takes a word that a quoted text follows; a value may have that name. */
static bool take_label(tdagi_lexer *l, const char *word)
{
    const char *start = l->p;
    bool taken = tdagi_lex_take_word(l, word);
    tdagi_lex_spaces(l);
    if (taken && l->p < l->end && *l->p == '"') return true;
    l->p = start;
    return false;
}

static tdag_status read_preamble(tdagi_program_parser *p, preamble *out)
{
    tdagi_lexer *l = &p->lex;
    for (;;) {
        tdagi_lex_blank_lines(l);
        if (tdagi_lex_take_word(l, "symbols"))
            TDAGI_TRY(read_symbols(p));
        else if (take_label(l, "inputs"))
            TDAGI_TRY(read_structure(p, &out->inputs));
        else if (take_label(l, "outputs"))
            TDAGI_TRY(read_structure(p, &out->outputs));
        else
            return tdagi_program_check(p, l->p);
    }
}

/* "x: f32[N,16], ...)" */
static tdag_status read_inputs(tdagi_program_parser *p)
{
    tdagi_lexer *l = &p->lex;
    for (bool first = true; !tdagi_lex_take(l, ')'); first = false) {
        const char *name;
        tdagi_type type;
        tdagi_items symbols = {0};
        if (!first) TDAGI_TRY(tdagi_lex_expect(l, ','));
        tdagi_lex_spaces(l);
        const char *at = l->p;
        TDAGI_TRY(tdagi_lex_name(l, &name));
        TDAGI_TRY(tdagi_lex_expect(l, ':'));
        TDAGI_TRY(tdagi_program_type(p, NULL, &symbols, &type));
        for (uint32_t i = 0; i < symbols.n; i++)
            tdagi_method_symbol(&p->b, ((tdagi_binding *)symbols.v)[i].symbol);
        tdagi_var v = tdagi_method_input(&p->b, NULL, &type);
        TDAGI_TRY(tdagi_program_check(p, at));
        TDAGI_TRY(tdagi_program_define(p, name, at, v));
    }
    return TDAG_OK;
}

static tdag_status check_output(tdagi_program_parser *p, tdagi_var v)
{
    tdagi_type type;
    tdagi_lex_spaces(&p->lex);
    const char *start = p->lex.p;
    const tdagi_var_info *is = tdagi_method_var(p->b.method, v);
    TDAGI_TRY(tdagi_program_type(p, NULL, NULL, &type));
    if (type.dtype == is->dtype && type.rank == is->rank &&
        (is->rank == 0 ||
         memcmp(type.shape, is->shape, is->rank * sizeof(tdag_dim)) == 0))
        return TDAG_OK;
    char returned[256];
    tdagi_type_text(p->lex.pool, is->dtype, is->rank, is->shape, returned,
                    sizeof returned);
    return tdagi_lex_fail(&p->lex, start, "%s is returned here", returned);
}

/* "-> (f32[N,8])", compared with what is returned. */
static tdag_status check_outputs(tdagi_program_parser *p)
{
    tdagi_lexer *l = &p->lex;
    const tdagi_statement *last = p->b.method->body.first;
    while (last != NULL && last->next != NULL)
        last = last->next;
    if (last == NULL || last->kind != TDAGI_RETURN || !tdagi_lex_take(l, '-'))
        return TDAG_OK; /* the builder and the head have more to say */
    TDAGI_TRY(tdagi_lex_expect(l, '>'));
    TDAGI_TRY(tdagi_lex_expect(l, '('));
    for (uint32_t i = 0; i < last->n_inputs; i++) {
        if (i > 0) TDAGI_TRY(tdagi_lex_expect(l, ','));
        TDAGI_TRY(check_output(p, last->inputs[i]));
    }
    return tdagi_lex_expect(l, ')');
}

/* The head's line is read in three steps: what comes first in the text is known last.
 */
static tdag_status read_body(tdagi_program_parser *p, preamble *parts)
{
    tdagi_lexer *l = &p->lex;
    const char *first = l->p;
    ending end = {{0}, NULL};
    while (l->p < l->end && *l->p != '\n')
        l->p++;
    TDAGI_TRY(read_preamble(p, parts));
    const char *body = l->p;
    l->p = first;
    TDAGI_TRY(read_inputs(p));
    const char *outputs = l->p;
    while (l->p < l->end && *l->p != '{' && *l->p != '\n')
        l->p++;
    TDAGI_TRY(open_brace(p));
    l->p = body;
    TDAGI_TRY(read_lines(p, false, &end));
    if (end.yields.n > 0) return tdagi_lex_fail(l, end.at, "a method yields nothing");
    TDAGI_TRY(tdagi_lex_line_end(l));
    body = l->p;
    l->p = outputs;
    TDAGI_TRY(check_outputs(p));
    TDAGI_TRY(open_brace(p));
    l->p = body;
    return TDAG_OK;
}

static tdag_status read_method(tdagi_program_parser *p)
{
    tdagi_lexer *l = &p->lex;
    preamble parts = {NULL, NULL};
    const char *name, *start = l->p;
    TDAGI_TRY(tdagi_lex_name(l, &name));
    TDAGI_TRY(tdagi_lex_expect(l, '('));
    tdagi_method_begin(&p->b, name);
    TDAGI_TRY(tdagi_program_check(p, start));
    l->pool = tdagi_method_pool(&p->b);
    p->n_statements = 0;
    tdag_status st = read_body(p, &parts);
    tdagi_program_leave(p, 0);
    if (st == TDAG_OK) {
        tdagi_method_end(&p->b, parts.inputs, parts.outputs);
        st = tdagi_program_check(p, start);
    }
    tdagi_structure_free(parts.inputs);
    tdagi_structure_free(parts.outputs);
    return st;
}

/* ---- models ---- */

static tdag_status read_graph(tdagi_program_parser *p)
{
    tdagi_lexer *l = &p->lex;
    const char *name, *start = l->p;
    tdag_graph *graph = NULL;
    TDAGI_TRY(tdagi_lex_name(l, &name));
    TDAGI_TRY(open_brace(p));
    TDAGI_TRY(tdagi_lex_graph(l, &graph));
    tdagi_model_add_graph(&p->b, name, graph);
    tdag_graph_free(graph);
    TDAGI_TRY(tdagi_program_check(p, start));
    tdagi_lex_blank_lines(l);
    TDAGI_TRY(tdagi_lex_expect(l, '}'));
    return tdagi_lex_line_end(l);
}

/* "f32[S=3,4]" */
static tdag_status read_state_type(tdagi_program_parser *p, tdagi_type *type,
                                   const char **symbols)
{
    tdagi_lexer *l = &p->lex;
    TDAGI_TRY(tdagi_lex_dtype(l, &type->dtype));
    TDAGI_TRY(tdagi_lex_expect(l, '['));
    for (; !tdagi_lex_take(l, ']'); type->rank++) {
        uint32_t k = type->rank;
        if (k > 0) TDAGI_TRY(tdagi_lex_expect(l, ','));
        if (k == TDAG_MAX_RANK)
            return tdagi_lex_fail(l, l->p, "a type of more than %d axes",
                                  TDAG_MAX_RANK);
        tdagi_lex_spaces(l);
        bool is_number =
            l->p < l->end && ((*l->p >= '0' && *l->p <= '9') || *l->p == '-');
        if (!is_number) {
            TDAGI_TRY(tdagi_lex_word(l, &symbols[k]));
            TDAGI_TRY(tdagi_lex_expect(l, '='));
        }
        const char *at = l->p;
        TDAGI_TRY(tdagi_lex_int(l, &type->shape[k]));
        if (type->shape[k] < 0) return tdagi_lex_fail(l, at, "a size is negative");
    }
    return TDAG_OK;
}

/* "cache: f32[S=3,4] = [...]", zeros where it has no elements. */
static tdag_status read_state(tdagi_program_parser *p)
{
    tdagi_lexer *l = &p->lex;
    const char *name, *start = l->p, *symbols[TDAG_MAX_RANK] = {NULL};
    tdagi_type type = {.rank = 0};
    tdag_tensor *initial = NULL;
    TDAGI_TRY(tdagi_lex_name(l, &name));
    TDAGI_TRY(tdagi_lex_expect(l, ':'));
    TDAGI_TRY(read_state_type(p, &type, symbols));
    bool has_elements = tdagi_lex_take(l, '=');
    if (has_elements && !tdagi_lex_take(l, '['))
        return tdagi_lex_fail(l, l->p, "expected '[' here");
    l->p -= has_elements;
    TDAGI_TRY(tdagi_lex_tensor(l, &type, &initial));
    tdag_status st = tdagi_lex_line_end(l);
    if (st == TDAG_OK) {
        tdagi_model_add_state(&p->b, name, initial, symbols);
        st = tdagi_program_check(p, start);
    }
    tdag_tensor_free(initial);
    return st;
}

static tdag_status read_items(tdagi_program_parser *p)
{
    tdagi_lexer *l = &p->lex;
    TDAGI_TRY(tdagi_program_check(p, l->p));
    for (;;) {
        tdagi_lex_blank_lines(l);
        if (l->p == l->end) return TDAG_OK;
        if (tdagi_lex_take_word(l, "graph"))
            TDAGI_TRY(read_graph(p));
        else if (tdagi_lex_take_word(l, "state"))
            TDAGI_TRY(read_state(p));
        else if (tdagi_lex_take_word(l, "program"))
            TDAGI_TRY(read_method(p));
        else
            return tdagi_lex_fail(l, l->p,
                                  "expected a graph, a state or a program here");
    }
}

/* Where the statement stands that broke a rule. */
static const char *place_of(const tdagi_program_parser *p, const tdag_model *model,
                            const tdagi_method *method, uint32_t number)
{
    const tdagi_statement_place *all = p->places.v;
    uint32_t i = 0;
    while (i < p->places.n &&
           (model->methods[all[i].method] != method || all[i].number != number))
        i++;
    return i < p->places.n ? all[i].at : p->lex.text;
}

static tdag_status verify(tdagi_program_parser *p, const tdag_model *model)
{
    const tdagi_method *method = NULL;
    uint32_t number = 0;
    tdag_status st = tdagi_model_verify_where(p->ctx, model, &method, &number);
    return tdagi_lex_pass(
        &p->lex, st == TDAG_OK ? p->lex.text : place_of(p, model, method, number), st);
}

static tdag_status parse_programs(tdagi_program_parser *p, tdag_model **out)
{
    tdag_model *model = NULL;
    tdag_status st = read_items(p);
    if (st != TDAG_OK)
        tdagi_model_drop(&p->b);
    else
        st = tdagi_model_finish(&p->b, &model);
    if (st == TDAG_OK) st = verify(p, model);
    if (st == TDAG_OK)
        *out = model;
    else
        tdag_model_free(model);
    return st;
}

static tdag_status parse_plain(tdag_ctx *ctx, const char *text, size_t size,
                               tdag_model **out)
{
    tdag_graph *graph = NULL;
    TDAGI_TRY(tdag_graph_parse(ctx, text, size, &graph));
    tdag_status st = tdag_model_create(ctx, graph, out);
    tdag_graph_free(graph);
    return st;
}

tdag_status tdag_model_parse(tdag_ctx *ctx, const char *text, size_t size,
                             tdag_model **out)
{
    int64_t version = 0;
    TDAGI_TRY(tdagi_need(ctx, text, "text"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    tdagi_program_parser p = {.ctx = ctx};
    p.lex = (tdagi_lexer){.ctx = ctx, .text = text, .p = text, .end = text + size};
    p.lex.arena = &p.arena;
    TDAGI_TRY(tdagi_lex_version(&p.lex, &version));
    if (version != TDAGI_TEXT_PROGRAMS) return parse_plain(ctx, text, size, out);
    tdagi_arena_init(&p.arena, &ctx->allocator);
    tdagi_model_begin(&p.b, ctx);
    tdag_status st = parse_programs(&p, out);
    tdagi_name_map_free(ctx, &p.names);
    tdagi_arena_free(&p.arena);
    return st;
}
