/* Methods and states of version 2. A method's values are read first, then its
 * statements go through the builder, whose numbers must be those of the file; that all
 * of it fits is the verifier's to say. */
#include <string.h>

#include "format/tdag_read.h"

typedef struct method_reader {
    tdagi_tdag_reader *rd;
    tdagi_model_builder *b;
    const char **names; /* by value id; NULL: it has none */
    tdagi_type *types;  /* likewise */
    uint32_t n, capacity;
} method_reader;

static tdag_status fail_at(const tdagi_json_reader *r, tdag_status st)
{
    if (st != TDAG_OK)
        tdagi_fail_at_offset(r->ctx, r->offset + (uint64_t)(r->p - r->text));
    return st;
}

static tdag_status check(const method_reader *m, const tdagi_json_reader *r)
{
    return fail_at(r, m->b->status);
}

/* ---- values ---- */

static tdag_status grow_values(method_reader *m, const tdagi_json_reader *r)
{
    uint32_t wider = m->capacity == 0 ? 16 : m->capacity * 2;
    if (wider > UINT32_MAX / 4) return tdagi_json_fail(r, "too many values");
    const char **names = tdagi_arena_array(m->rd->arena, wider, sizeof *names);
    tdagi_type *types = tdagi_arena_array(m->rd->arena, wider, sizeof *types);
    if (names == NULL || types == NULL) return tdagi_nomem(r->ctx);
    if (m->n > 0) memcpy(names, m->names, m->n * sizeof *names);
    if (m->n > 0) memcpy(types, m->types, m->n * sizeof *types);
    m->names = names;
    m->types = types;
    m->capacity = wider;
    return TDAG_OK;
}

static tdag_status read_shape(method_reader *m, tdagi_json_reader r, tdagi_type *out)
{
    bool first = true, more = false;
    TDAGI_TRY(tdagi_json_expect(&r, '['));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(&r, ']', &first, &more));
        if (!more) break;
        if (out->rank == TDAG_MAX_RANK)
            return fail_at(&r,
                           tdagi_fail(r.ctx, TDAG_E_LIMIT,
                                      "a value of more than %d axes", TDAG_MAX_RANK));
        TDAGI_TRY(tdagi_tdag_read_dim(m->rd, &r, &out->shape[out->rank]));
        out->rank++;
    }
    TDAGI_TRY(tdagi_json_end(&r));
    return fail_at(&r, tdagi_check_type(r.ctx, m->rd->pool, out));
}

static tdag_status read_value(method_reader *m, tdagi_json_reader *r)
{
    enum { NAME, DTYPE, SHAPE, N };
    tdagi_json_slot slots[N] = {[NAME] = {.key = "name", .optional = true},
                                [DTYPE] = {.key = "dtype"},
                                [SHAPE] = {.key = "shape"}};
    TDAGI_TRY(tdagi_json_object(r, "a value", slots, N));
    if (m->n + 1 >= m->capacity) TDAGI_TRY(grow_values(m, r));
    uint32_t id = m->n == 0 ? 1 : m->n;
    m->names[id] = NULL;
    m->types[id] = (tdagi_type){.rank = 0};
    if (slots[NAME].value != NULL) {
        tdagi_json_reader at = tdagi_json_at(r, &slots[NAME]);
        TDAGI_TRY(tdagi_json_string(&at, &m->names[id]));
        TDAGI_TRY(tdagi_json_end(&at));
    }
    tdagi_json_reader at = tdagi_json_at(r, &slots[DTYPE]);
    TDAGI_TRY(tdagi_tdag_read_dtype(&at, &m->types[id].dtype));
    TDAGI_TRY(tdagi_json_end(&at));
    m->n = id + 1;
    return read_shape(m, tdagi_json_at(r, &slots[SHAPE]), &m->types[id]);
}

/* m->n becomes one more than there are. */
static tdag_status read_values(method_reader *m, tdagi_json_reader r)
{
    bool first = true, more = false;
    TDAGI_TRY(grow_values(m, &r));
    TDAGI_TRY(tdagi_json_expect(&r, '['));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(&r, ']', &first, &more));
        if (!more) break;
        TDAGI_TRY(read_value(m, &r));
    }
    if (m->n == 0) m->n = 1;
    return tdagi_json_end(&r);
}

/* ---- lists ---- */

/* A list of numbers of values, kept; the verifier says whether they are seen. */
static tdag_status read_vars(method_reader *m, tdagi_json_reader r, tdagi_var **out,
                             uint32_t *n_out)
{
    TDAGI_TRY(tdagi_tdag_read_values(m->rd, &r, n_out));
    TDAGI_TRY(tdagi_json_end(&r));
    *out = tdagi_arena_array(m->rd->arena, *n_out, sizeof **out);
    if (*out == NULL) return tdagi_nomem(r.ctx);
    for (uint32_t i = 0; i < *n_out; i++)
        (*out)[i].id = m->rd->inputs[i].id;
    return TDAG_OK;
}

/* Values that are new here: the next numbers, of the table. */
typedef struct fresh_values {
    const tdagi_type *types;
    uint32_t first, n;
} fresh_values;

static tdag_status read_fresh(method_reader *m, tdagi_json_reader r, fresh_values *out)
{
    const tdagi_json_reader start = r;
    TDAGI_TRY(tdagi_tdag_read_values(m->rd, &r, &out->n));
    TDAGI_TRY(tdagi_json_end(&r));
    const tdag_value *ids = m->rd->inputs;
    out->first = out->n == 0 ? 1 : ids[0].id;
    bool fits = out->first < m->n && out->n <= m->n - out->first;
    for (uint32_t i = 0; fits && i < out->n; i++)
        fits = ids[i].id == out->first + i;
    if (out->n > 0 && !fits)
        return tdagi_json_fail(&start,
                               "values that are not the next ones of the table");
    out->types = m->types + out->first;
    return TDAG_OK;
}

/* The builder gave them the numbers that they have in the file. */
static tdag_status settle_fresh(method_reader *m, const tdagi_json_reader *r,
                                const fresh_values *v)
{
    TDAGI_TRY(check(m, r));
    if (v->n > 0 && m->b->method->n_vars != v->first + v->n - 1)
        return tdagi_json_fail(r,
                               "values that are not numbered in the order of the text");
    for (uint32_t i = 0; i < v->n; i++)
        tdagi_program_name(m->b, (tdagi_var){v->first + i}, m->names[v->first + i]);
    return check(m, r);
}

static tdag_status read_text(tdagi_json_reader r, const char **out)
{
    TDAGI_TRY(tdagi_json_string(&r, out));
    return tdagi_json_end(&r);
}

/* ---- symbols ---- */

/* [["N",4], ...]; own: those of the method. */
static tdag_status read_symbols(method_reader *m, tdagi_json_reader r, bool own)
{
    bool first = true, more = false;
    TDAGI_TRY(tdagi_json_expect(&r, '['));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(&r, ']', &first, &more));
        if (!more) return tdagi_json_end(&r);
        const char *name;
        int64_t sample;
        uint32_t before = tdagi_pool_n_symbols(m->rd->pool);
        TDAGI_TRY(tdagi_json_expect(&r, '['));
        TDAGI_TRY(tdagi_json_string(&r, &name));
        TDAGI_TRY(tdagi_json_expect(&r, ','));
        TDAGI_TRY(tdagi_json_int64(&r, &sample));
        TDAGI_TRY(tdagi_json_expect(&r, ']'));
        tdag_dim d = tdagi_dim_symbol(m->rd->pool, name, sample);
        TDAGI_TRY(fail_at(&r, tdagi_pool_report(r.ctx, m->rd->pool)));
        if (tdagi_pool_n_symbols(m->rd->pool) == before)
            return tdagi_json_fail(&r, "a symbol stands there twice");
        if (own) tdagi_method_symbol(m->b, d);
    }
}

static tdag_status read_of(method_reader *m, tdagi_json_reader r, uint32_t target,
                           uint32_t *out)
{
    const tdag_model *model = m->b->made;
    const tdagi_json_reader start = r;
    const char *name;
    TDAGI_TRY(read_text(r, &name));
    if (target >= model->n_graphs)
        return tdagi_json_fail(&start, "a size of a graph that is not there");
    const tdagi_pool *pool = model->graphs[target].graph->pool;
    uint32_t n = tdagi_pool_n_symbols(pool);
    for (*out = 0; *out < n; ++*out)
        if (strcmp(tdagi_pool_symbol(pool, *out, NULL), name) == 0) return TDAG_OK;
    return tdagi_json_fail(&start, "a size of no symbol of the graph");
}

static tdag_status read_binding(method_reader *m, tdagi_json_reader *r,
                                const tdagi_statement_spec *s, tdagi_binding *out)
{
    enum { SYMBOL, MOST, OF, VALUE, N };
    bool is_call = s->kind == TDAGI_CALL;
    tdagi_json_slot slots[N] = {[SYMBOL] = {.key = "symbol"},
                                [MOST] = {.key = "most", .optional = true},
                                [OF] = {.key = "of", .optional = !is_call},
                                [VALUE] = {.key = "value", .optional = !is_call}};
    int64_t value = 0;
    TDAGI_TRY(tdagi_json_object(r, "a size", slots, is_call ? N : OF));
    *out = (tdagi_binding){.bound = TDAGI_DIM_BAD};
    tdagi_json_reader at = tdagi_json_at(r, &slots[SYMBOL]);
    TDAGI_TRY(tdagi_tdag_read_dim(m->rd, &at, &out->symbol));
    TDAGI_TRY(tdagi_json_end(&at));
    if (slots[MOST].value != NULL) {
        at = tdagi_json_at(r, &slots[MOST]);
        TDAGI_TRY(tdagi_tdag_read_dim(m->rd, &at, &out->bound));
        TDAGI_TRY(tdagi_json_end(&at));
    }
    if (!is_call) return TDAG_OK;
    TDAGI_TRY(read_of(m, tdagi_json_at(r, &slots[OF]), s->target, &out->of));
    at = tdagi_json_at(r, &slots[VALUE]);
    TDAGI_TRY(tdagi_json_int64(&at, &value));
    if (value < 1 || value >= m->n)
        return tdagi_json_fail(&at, "a number that is no value's");
    out->value.id = (uint32_t)value;
    return tdagi_json_end(&at);
}

static tdag_status read_bindings(method_reader *m, tdagi_json_reader r,
                                 tdagi_statement_spec *s)
{
    bool first = true, more = false;
    uint32_t capacity = 4;
    tdagi_binding *all = tdagi_arena_array(m->rd->arena, capacity, sizeof *all);
    if (all == NULL) return tdagi_nomem(r.ctx);
    TDAGI_TRY(tdagi_json_expect(&r, '['));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(&r, ']', &first, &more));
        if (!more) break;
        if (s->n_bindings == capacity) {
            tdagi_binding *wider =
                capacity > UINT32_MAX / 4
                    ? NULL
                    : tdagi_arena_array(m->rd->arena, capacity *= 2, sizeof *wider);
            if (wider == NULL) return tdagi_nomem(r.ctx);
            memcpy(wider, all, s->n_bindings * sizeof *all);
            all = wider;
        }
        TDAGI_TRY(read_binding(m, &r, s, &all[s->n_bindings]));
        s->n_bindings++;
    }
    s->bindings = all;
    return tdagi_json_end(&r);
}

/* ---- statements ---- */

static tdag_status read_block(method_reader *m, tdagi_json_reader *r, bool is_loop);

enum {
    DO,
    GRAPH,
    STATE,
    KIND,
    LIMIT,
    WHILE,
    OPERATOR,
    ARGUMENTS,
    SENTENCE,
    IN,
    OUT,
    FINDS,
    BLOCKS,
    N_SLOTS
};

static tdag_status read_kind(tdagi_json_reader r, uint8_t *out)
{
    const tdagi_json_reader start = r;
    const char *verb;
    TDAGI_TRY(read_text(r, &verb));
    for (*out = 0; *out < TDAGI_N_STATEMENT_KINDS; ++*out)
        if (strcmp(tdagi_statement_name(*out), verb) == 0) return TDAG_OK;
    return fail_at(&start, tdagi_fail(r.ctx, TDAG_E_UNSUPPORTED,
                                      "the statement '%.80s' is not known to this "
                                      "version",
                                      verb));
}

/* What a statement of the kind has. */
static tdag_status check_slots(const tdagi_json_reader *r, uint8_t kind,
                               const tdagi_json_slot *slots)
{
    const bool wanted[N_SLOTS] = {
        [DO] = true,
        [IN] = true,
        [OUT] = true,
        [GRAPH] = kind == TDAGI_CALL,
        [STATE] = kind == TDAGI_READ || kind == TDAGI_WRITE,
        [KIND] = kind == TDAGI_DRAW,
        [LIMIT] = kind == TDAGI_LOOP,
        [WHILE] = kind == TDAGI_LOOP,
        [OPERATOR] = kind == TDAGI_APPLY,
        [ARGUMENTS] = kind == TDAGI_APPLY,
        [SENTENCE] = kind == TDAGI_CHECK,
        [BLOCKS] = kind == TDAGI_IF || kind == TDAGI_LOOP,
    };
    for (int i = 0; i < N_SLOTS; i++)
        if (i != FINDS && (slots[i].value != NULL) != wanted[i])
            return fail_at(
                r, tdagi_fail(r->ctx, TDAG_E_FORMAT, "a %s %s the field '%s'",
                              tdagi_statement_name(kind),
                              wanted[i] ? "needs" : "does not have", slots[i].key));
    return TDAG_OK;
}

static tdag_status read_number(tdagi_json_reader r, uint32_t *out)
{
    int64_t number;
    TDAGI_TRY(tdagi_json_int64(&r, &number));
    if (number < 0 || number > UINT32_MAX)
        return tdagi_json_fail(&r, "a number that is not in the table");
    *out = (uint32_t)number;
    return tdagi_json_end(&r);
}

static tdag_status read_bool(tdagi_json_reader r, bool *out)
{
    TDAGI_TRY(tdagi_json_bool(&r, out));
    return tdagi_json_end(&r);
}

static tdag_status read_draw(tdagi_json_reader r, uint8_t *out)
{
    const tdagi_json_reader start = r;
    const char *kind;
    TDAGI_TRY(read_text(r, &kind));
    for (*out = 0; *out < TDAGI_N_DRAW_KINDS; ++*out)
        if (strcmp(tdagi_draw_name(*out), kind) == 0) return TDAG_OK;
    return fail_at(&start, tdagi_fail(r.ctx, TDAG_E_FORMAT,
                                      "there are no random numbers '%.80s'", kind));
}

static tdag_status read_own(const tdagi_json_reader *r, const tdagi_json_slot *slots,
                            tdagi_statement_spec *s)
{
    for (int i = GRAPH; i < IN; i++) {
        if (slots[i].value == NULL) continue;
        tdagi_json_reader at = tdagi_json_at(r, &slots[i]);
        if (i == GRAPH || i == STATE) TDAGI_TRY(read_number(at, &s->target));
        if (i == KIND) TDAGI_TRY(read_draw(at, &s->draw));
        if (i == LIMIT) TDAGI_TRY(read_bool(at, &s->has_limit));
        if (i == WHILE) TDAGI_TRY(read_bool(at, &s->has_condition));
        if (i == OPERATOR || i == SENTENCE) TDAGI_TRY(read_text(at, &s->text));
        if (i == ARGUMENTS) TDAGI_TRY(read_text(at, &s->arguments));
    }
    return TDAG_OK;
}

static tdag_status read_blocks(method_reader *m, tdagi_json_reader r, bool is_loop)
{
    bool first = true, more = false;
    TDAGI_TRY(tdagi_json_expect(&r, '['));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(&r, ']', &first, &more));
        if (!more) return tdagi_json_end(&r);
        TDAGI_TRY(read_block(m, &r, is_loop));
    }
}

static tdag_status read_statement(method_reader *m, tdagi_json_reader *r)
{
    static const char *const keys[N_SLOTS] = {
        "do",        "graph",    "state", "kind", "limit", "while", "operator",
        "arguments", "sentence", "in",    "out",  "finds", "blocks"};
    tdagi_json_slot slots[N_SLOTS];
    tdagi_statement_spec s = {.kind = 0};
    tdagi_var *inputs = NULL;
    fresh_values out = {NULL, 0, 0};
    for (int i = 0; i < N_SLOTS; i++)
        slots[i] = (tdagi_json_slot){.key = keys[i], .optional = i != DO};
    tdagi_json_peek(r);
    const tdagi_json_reader start = *r;
    TDAGI_TRY(tdagi_json_object(r, "a statement", slots, N_SLOTS));
    TDAGI_TRY(read_kind(tdagi_json_at(r, &slots[DO]), &s.kind));
    TDAGI_TRY(check_slots(&start, s.kind, slots));
    TDAGI_TRY(read_own(r, slots, &s));
    TDAGI_TRY(read_vars(m, tdagi_json_at(r, &slots[IN]), &inputs, &s.n_inputs));
    s.inputs = inputs;
    if (slots[FINDS].value != NULL)
        TDAGI_TRY(read_bindings(m, tdagi_json_at(r, &slots[FINDS]), &s));
    TDAGI_TRY(read_fresh(m, tdagi_json_at(r, &slots[OUT]), &out));
    if (slots[BLOCKS].value == NULL) {
        tdagi_program_add(m->b, &s, out.n, out.types, NULL);
        return settle_fresh(m, &start, &out);
    }
    tdagi_program_open(m->b, &s);
    TDAGI_TRY(check(m, &start));
    TDAGI_TRY(read_blocks(m, tdagi_json_at(r, &slots[BLOCKS]), s.kind == TDAGI_LOOP));
    tdagi_program_close(m->b, out.n, out.types, NULL);
    return settle_fresh(m, &start, &out);
}

static tdag_status read_program(method_reader *m, tdagi_json_reader r)
{
    bool first = true, more = false;
    TDAGI_TRY(tdagi_json_expect(&r, '['));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(&r, ']', &first, &more));
        if (!more) return tdagi_json_end(&r);
        TDAGI_TRY(read_statement(m, &r));
    }
}

/* ---- blocks ---- */

/* The loop's symbols. */
static tdag_status read_locals(method_reader *m, tdagi_json_reader r, tdag_dim **out,
                               uint32_t *n_out)
{
    bool first = true, more = false;
    uint32_t n = tdagi_pool_n_symbols(m->rd->pool);
    *out = tdagi_arena_array(m->rd->arena, n, sizeof **out);
    if (*out == NULL) return tdagi_nomem(r.ctx);
    TDAGI_TRY(tdagi_json_expect(&r, '['));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(&r, ']', &first, &more));
        if (!more) return tdagi_json_end(&r);
        if (*n_out == n) return tdagi_json_fail(&r, "too many symbols");
        TDAGI_TRY(tdagi_tdag_read_dim(m->rd, &r, &(*out)[*n_out]));
        ++*n_out;
    }
}

static tdag_status read_block(method_reader *m, tdagi_json_reader *r, bool is_loop)
{
    enum { PROGRAM, YIELD, PARAMS, SYMBOLS, N };
    tdagi_json_slot slots[N] = {[PROGRAM] = {.key = "program"},
                                [YIELD] = {.key = "yield"},
                                [PARAMS] = {.key = "params"},
                                [SYMBOLS] = {.key = "symbols"}};
    fresh_values params = {NULL, 0, 0};
    tdag_dim *symbols = NULL;
    tdagi_var *yields = NULL;
    uint32_t n_symbols = 0, n_yields = 0;
    tdagi_json_peek(r);
    const tdagi_json_reader start = *r;
    TDAGI_TRY(tdagi_json_object(r, "a block", slots, is_loop ? N : PARAMS));
    if (is_loop) {
        TDAGI_TRY(read_fresh(m, tdagi_json_at(r, &slots[PARAMS]), &params));
        TDAGI_TRY(
            read_locals(m, tdagi_json_at(r, &slots[SYMBOLS]), &symbols, &n_symbols));
    }
    tdagi_program_begin_block(m->b, params.n, params.types, n_symbols, symbols, NULL);
    TDAGI_TRY(settle_fresh(m, &start, &params));
    TDAGI_TRY(read_program(m, tdagi_json_at(r, &slots[PROGRAM])));
    TDAGI_TRY(read_vars(m, tdagi_json_at(r, &slots[YIELD]), &yields, &n_yields));
    tdagi_program_end_block(m->b, n_yields, yields);
    return check(m, &start);
}

/* ---- methods ---- */

enum { NAME, INPUTS, OUTPUTS, SYMBOLS, FOUND, VALUES, PARAMS, PROGRAM, N_PARTS };

static tdag_status read_structure(tdagi_json_reader r, tdagi_structure **out)
{
    const char *text;
    const tdagi_json_reader start = r;
    TDAGI_TRY(read_text(r, &text));
    return fail_at(&start, tdagi_structure_parse(r.ctx, text, out));
}

static tdag_status read_inputs(method_reader *m, tdagi_json_reader r)
{
    fresh_values params = {NULL, 0, 0};
    TDAGI_TRY(read_fresh(m, r, &params));
    for (uint32_t i = 0; i < params.n; i++)
        tdagi_method_input(m->b, NULL, &params.types[i]);
    return settle_fresh(m, &r, &params);
}

/* The builder alters a name that is seen twice or automatic; a file must have none. */
static tdag_status check_names(const method_reader *m, const tdagi_json_reader *r)
{
    const tdag_model *model = m->b->made;
    const tdagi_method *made = model->methods[model->n_methods - 1];
    for (uint32_t id = 1; id < m->n; id++) {
        const char *got = made->vars[id].name;
        if (m->names[id] == NULL || (got != NULL && strcmp(got, m->names[id]) == 0))
            continue;
        return fail_at(r, tdagi_fail(r->ctx, TDAG_E_FORMAT,
                                     "the name '%.80s' is used twice or no name",
                                     m->names[id]));
    }
    return TDAG_OK;
}

static tdag_status read_parts(method_reader *m, const tdagi_json_reader *r,
                              const tdagi_json_slot *slots, tdagi_structure *parts[2])
{
    const char *name;
    TDAGI_TRY(read_text(tdagi_json_at(r, &slots[NAME]), &name));
    tdagi_method_begin(m->b, name);
    TDAGI_TRY(check(m, r));
    m->rd->pool = tdagi_method_pool(m->b);
    TDAGI_TRY(read_structure(tdagi_json_at(r, &slots[INPUTS]), &parts[0]));
    TDAGI_TRY(read_structure(tdagi_json_at(r, &slots[OUTPUTS]), &parts[1]));
    TDAGI_TRY(read_symbols(m, tdagi_json_at(r, &slots[SYMBOLS]), true));
    TDAGI_TRY(read_symbols(m, tdagi_json_at(r, &slots[FOUND]), false));
    TDAGI_TRY(read_values(m, tdagi_json_at(r, &slots[VALUES])));
    TDAGI_TRY(read_inputs(m, tdagi_json_at(r, &slots[PARAMS])));
    TDAGI_TRY(read_program(m, tdagi_json_at(r, &slots[PROGRAM])));
    if (m->b->method->n_vars + 1 != m->n)
        return tdagi_json_fail(r, "values that nothing defines");
    tdagi_method_end(m->b, parts[0], parts[1]);
    TDAGI_TRY(check(m, r));
    return check_names(m, r);
}

tdag_status tdagi_tdag_read_method(tdagi_tdag_reader *rd, tdagi_json_reader *r,
                                   tdagi_model_builder *b)
{
    static const char *const keys[N_PARTS] = {"name",  "inputs", "outputs", "symbols",
                                              "found", "values", "params",  "program"};
    tdagi_json_slot slots[N_PARTS];
    tdagi_structure *parts[2] = {NULL, NULL};
    method_reader m = {.rd = rd, .b = b};
    for (int i = 0; i < N_PARTS; i++)
        slots[i] = (tdagi_json_slot){.key = keys[i]};
    tdagi_json_peek(r);
    const tdagi_json_reader start = *r;
    TDAGI_TRY(tdagi_json_object(r, "a method", slots, N_PARTS));
    tdag_status st = read_parts(&m, &start, slots, parts);
    rd->pool = NULL;
    tdagi_structure_free(parts[0]);
    tdagi_structure_free(parts[1]);
    return st;
}

/* ---- states ---- */

static tdag_status read_state_symbols(tdagi_json_reader r, uint32_t rank,
                                      const char **symbols)
{
    bool first = true, more = false;
    uint32_t k = 0;
    TDAGI_TRY(tdagi_json_expect(&r, '['));
    for (;; k++) {
        TDAGI_TRY(tdagi_json_next(&r, ']', &first, &more));
        if (!more) break;
        if (k == rank)
            return tdagi_json_fail(&r, "more symbols than the state has axes");
        if (!tdagi_json_take_null(&r)) TDAGI_TRY(tdagi_json_string(&r, &symbols[k]));
    }
    if (k < rank) return tdagi_json_fail(&r, "fewer symbols than the state has axes");
    return tdagi_json_end(&r);
}

tdag_status tdagi_tdag_read_state(tdagi_tdag_reader *rd, tdagi_json_reader *r,
                                  tdagi_model_builder *b)
{
    enum { STATE_NAME, TENSOR, STATE_SYMBOLS, N };
    tdagi_json_slot slots[N] = {[STATE_NAME] = {.key = "name"},
                                [TENSOR] = {.key = "tensor"},
                                [STATE_SYMBOLS] = {.key = "symbols"}};
    const char *name, *symbols[TDAG_MAX_RANK] = {NULL};
    const tdag_tensor *initial = NULL;
    tdagi_json_peek(r);
    const tdagi_json_reader start = *r;
    TDAGI_TRY(tdagi_json_object(r, "a state", slots, N));
    TDAGI_TRY(read_text(tdagi_json_at(r, &slots[STATE_NAME]), &name));
    TDAGI_TRY(tdagi_tdag_find_tensor(rd, tdagi_json_at(r, &slots[TENSOR]), &initial));
    TDAGI_TRY(read_state_symbols(tdagi_json_at(r, &slots[STATE_SYMBOLS]),
                                 tdag_tensor_get_rank(initial), symbols));
    tdagi_model_add_state(b, name, initial, symbols);
    return fail_at(&start, b->status);
}
