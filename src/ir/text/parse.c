/* Text to graphs, line by line through the builder: shapes are inferred anew, and where
 * a line states a type, it must be the inferred one. Automatic names (v12) are resolved
 * as the text uses them, so that a text stays valid when lines come and go. */
#include "ir/text/parse.h"

#include "base/dim/type_text.h"
#include "ir/names.h"

/* Numbers of automatic names to value ids; open addressing, key 0 is free. */
typedef struct numbers {
    uint32_t (*slots)[2];
    uint32_t capacity, n;
} numbers;

typedef struct parser {
    tdagi_lexer lex;
    tdag_ctx *ctx;
    tdag_builder *b;
    tdagi_arena arena;
    numbers numbers;
    tdag_value *inputs;
    uint32_t inputs_capacity;
} parser;

/* ---- automatic names ---- */

static uint32_t *find_number(const numbers *m, uint32_t number)
{
    uint32_t mask = m->capacity - 1;
    uint32_t i = number * UINT32_C(2654435769) & mask;
    while (m->slots[i][0] != 0 && m->slots[i][0] != number)
        i = (i + 1) & mask;
    return m->slots[i];
}

static tdag_status grow_numbers(tdag_ctx *ctx, numbers *m)
{
    numbers wider = {.capacity = m->capacity == 0 ? 64 : m->capacity * 2, .n = m->n};
    void *p = NULL;
    if (wider.capacity == 0) return tdagi_nomem(ctx);
    TDAGI_TRY(tdagi_array_alloc(ctx, wider.capacity, sizeof *wider.slots, &p));
    wider.slots = p;
    for (uint32_t i = 0; i < m->capacity; i++) {
        if (m->slots[i][0] == 0) continue;
        uint32_t *slot = find_number(&wider, m->slots[i][0]);
        slot[0] = m->slots[i][0];
        slot[1] = m->slots[i][1];
    }
    tdagi_free(ctx, m->slots, m->capacity * sizeof *m->slots);
    *m = wider;
    return TDAG_OK;
}

static tdag_status name_value(parser *p, tdag_value v, const char *name, const char *at)
{
    uint32_t number = 0;
    if (!tdagi_name_is_automatic(name, &number)) {
        if (tdagi_names_find(p->b->graph, name) != 0)
            return tdagi_lex_fail(&p->lex, at, "the name '%.80s' is used twice", name);
        tdag_builder_set_name(p->b, v, name);
        return tdagi_lex_pass(&p->lex, at, tdag_builder_get_status(p->b));
    }
    if (number == 0)
        return tdagi_lex_fail(&p->lex, at, "%.80s is no value's name", name);
    if (p->numbers.n + 1 > p->numbers.capacity / 4 * 3)
        TDAGI_TRY(grow_numbers(p->ctx, &p->numbers));
    uint32_t *slot = find_number(&p->numbers, number);
    if (slot[0] != 0)
        return tdagi_lex_fail(&p->lex, at, "the name '%.80s' is used twice", name);
    slot[0] = number;
    slot[1] = v.id;
    p->numbers.n++;
    return TDAG_OK;
}

static tdag_status read_operand(parser *p, tdag_value *out)
{
    const char *name, *start;
    uint32_t number = 0, id = 0;
    tdagi_lex_spaces(&p->lex);
    start = p->lex.p;
    TDAGI_TRY(tdagi_lex_name(&p->lex, &name));
    if (!tdagi_name_is_automatic(name, &number))
        id = tdagi_names_find(p->b->graph, name);
    else if (number != 0 && p->numbers.n > 0)
        id = find_number(&p->numbers, number)[1];
    if (id == 0)
        return tdagi_lex_fail(&p->lex, start, "no value '%.80s' stands above", name);
    *out = (tdag_value){id};
    return TDAG_OK;
}

/* ---- one line ---- */

typedef struct line {
    const char *name, *start;
    tdagi_type type;
    const char *type_at; /* NULL: no type is stated */
    const tdagi_op_row *row;
    tdag_op op;
    uint32_t n_inputs;
    tdag_tensor *tensor;
    union {
        unsigned char bytes[256];
        int64_t aligned;
    } spec;
} line;

static tdag_status read_type(parser *p, line *n)
{
    tdag_list dims;
    tdagi_lex_spaces(&p->lex);
    n->type_at = p->lex.p;
    TDAGI_TRY(tdagi_lex_dtype(&p->lex, &n->type.dtype));
    TDAGI_TRY(tdagi_lex_list(&p->lex, true, &dims));
    if (dims.n > TDAG_MAX_RANK)
        return tdagi_lex_fail(&p->lex, n->type_at, "a type of more than %d axes",
                              TDAG_MAX_RANK);
    n->type.rank = dims.n;
    memcpy(n->type.shape, dims.v, dims.n * sizeof(tdag_dim));
    return tdagi_lex_pass(&p->lex, n->type_at,
                          tdagi_check_type(p->ctx, p->lex.pool, &n->type));
}

static tdag_status read_op(parser *p, line *n)
{
    const char *word;
    tdagi_lex_spaces(&p->lex);
    const char *start = p->lex.p;
    TDAGI_TRY(tdagi_lex_word(&p->lex, &word));
    n->op = tdag_op_from_name(word);
    n->row = tdagi_op_row_of((uint32_t)n->op);
    if (n->row == NULL)
        return tdagi_lex_fail(&p->lex, start, "there is no op '%.80s'", word);
    bool declared = n->op == TDAG_OP_INPUT || tdagi_op_holds_tensor(n->op);
    if (declared && n->type_at == NULL)
        return tdagi_lex_fail(&p->lex, start, "%s needs a type before it",
                              n->row->name);
    return TDAG_OK;
}

static tdag_status read_operands(parser *p, line *n)
{
    while (!tdagi_lex_take(&p->lex, ')')) {
        if (n->n_inputs > 0) TDAGI_TRY(tdagi_lex_expect(&p->lex, ','));
        if (n->n_inputs == p->inputs_capacity) {
            void *inputs = p->inputs;
            uint32_t wider = p->inputs_capacity == 0 ? 8 : p->inputs_capacity * 2;
            if (wider > UINT32_MAX / 16) return tdagi_nomem(p->ctx);
            TDAGI_TRY(tdagi_realloc(p->ctx, &inputs,
                                    p->inputs_capacity * sizeof *p->inputs,
                                    wider * sizeof *p->inputs));
            p->inputs = inputs;
            p->inputs_capacity = wider;
        }
        TDAGI_TRY(read_operand(p, &p->inputs[n->n_inputs]));
        n->n_inputs++;
    }
    return TDAG_OK;
}

static tdag_status read_scope(parser *p)
{
    const char *scope = "";
    if (tdagi_lex_take(&p->lex, '@')) TDAGI_TRY(tdagi_lex_name(&p->lex, &scope));
    const char *end = p->lex.p;
    TDAGI_TRY(tdagi_lex_line_end(&p->lex));
    tdag_builder_set_scope(p->b, scope);
    return tdagi_lex_pass(&p->lex, end, tdag_builder_get_status(p->b));
}

static tdag_value add(parser *p, const line *n)
{
    if (n->op == TDAG_OP_INPUT)
        return tdag_add_input(p->b, NULL, n->type.dtype, n->type.rank, n->type.shape);
    if (n->tensor != NULL) return tdag_add_tensor(p->b, n->op, NULL, n->tensor);
    return tdag_add_node(p->b, n->op, n->row->def->spec_size > 0 ? n->spec.bytes : NULL,
                         n->row->def->spec_size, p->inputs, n->n_inputs);
}

static void put_type(tdagi_text *to, const tdagi_pool *pool, const tdagi_type *t)
{
    tdagi_text_add_type(to, pool, t->dtype, t->rank, t->shape);
}

static tdag_status check_type(parser *p, const line *n, tdag_value v)
{
    tdagi_type found;
    tdagi_value_type(p->b->graph, v, &found);
    bool same =
        n->type_at == NULL ||
        (found.dtype == n->type.dtype && found.rank == n->type.rank &&
         memcmp(found.shape, n->type.shape, found.rank * sizeof(tdag_dim)) == 0);
    if (same) return TDAG_OK;
    tdagi_text sentence;
    tdagi_text_init(&sentence, p->ctx);
    tdagi_text_printf(&sentence, "%.80s is stated to be ", n->name);
    put_type(&sentence, p->lex.pool, &n->type);
    tdagi_text_add(&sentence, ", but its op makes ");
    put_type(&sentence, p->lex.pool, &found);
    tdag_status st = sentence.status;
    if (st == TDAG_OK) st = tdagi_lex_fail(&p->lex, n->type_at, "%s", sentence.data);
    tdagi_text_free(&sentence);
    return st;
}

static tdag_status read_body(parser *p, line *n)
{
    if (tdagi_op_holds_tensor(n->op)) {
        TDAGI_TRY(tdagi_lex_tensor(&p->lex, &n->type, &n->tensor));
    } else {
        if (tdagi_lex_take(&p->lex, '(')) TDAGI_TRY(read_operands(p, n));
        if (tdagi_lex_take(&p->lex, '{'))
            TDAGI_TRY(tdagi_lex_spec(&p->lex, n->row->def->fields, n->spec.bytes));
    }
    TDAGI_TRY(read_scope(p));
    tdag_value v = add(p, n);
    if (v.id == 0) {
        tdagi_fail_at_node(p->ctx, n->name, NULL);
        return tdagi_lex_pass(&p->lex, n->start, tdag_builder_get_status(p->b));
    }
    TDAGI_TRY(check_type(p, n, v));
    return name_value(p, v, n->name, n->start);
}

/* Gives strings that the text left out their empty value. */
static void default_strings(const tdagi_field *fields, void *spec)
{
    static const char *const empty = "";
    for (const tdagi_field *f = fields; f != NULL && f->kind != TDAGI_FIELD_END; f++)
        if (f->kind == TDAGI_FIELD_STRING)
            memcpy((char *)spec + f->offset, &empty, sizeof empty);
}

static tdag_status read_node(parser *p)
{
    line n = {.start = p->lex.p};
    TDAGI_TRY(tdagi_lex_name(&p->lex, &n.name));
    if (tdagi_lex_take(&p->lex, ':')) TDAGI_TRY(read_type(p, &n));
    TDAGI_TRY(tdagi_lex_expect(&p->lex, '='));
    TDAGI_TRY(read_op(p, &n));
    default_strings(n.row->def->fields, n.spec.bytes);
    tdag_status st = read_body(p, &n);
    tdag_tensor_free(n.tensor);
    return st;
}

/* ---- the text ---- */

tdag_status tdagi_lex_version(tdagi_lexer *l, int64_t *out)
{
    tdagi_lex_blank_lines(l);
    const char *start = l->p;
    if (!tdagi_lex_take_word(l, "tdag"))
        return tdagi_lex_fail(l, start, "no graph's text: it must begin with 'tdag %d'",
                              TDAGI_TEXT_VERSION);
    TDAGI_TRY(tdagi_lex_int(l, out));
    return tdagi_lex_line_end(l);
}

static tdag_status read_version(tdagi_lexer *l)
{
    int64_t version = 0;
    tdagi_lex_blank_lines(l);
    const char *start = l->p;
    TDAGI_TRY(tdagi_lex_version(l, &version));
    if (version == TDAGI_TEXT_VERSION) return TDAG_OK;
    if (version == TDAGI_TEXT_PROGRAMS)
        tdagi_fail(l->ctx, TDAG_E_UNSUPPORTED,
                   "the text is that of a model with programs, not of one graph");
    else
        tdagi_fail(l->ctx, TDAG_E_UNSUPPORTED,
                   "version %lld of the text form; this library reads up to version %d",
                   (long long)version, TDAGI_TEXT_PROGRAMS);
    return tdagi_fail_at_offset(l->ctx, (uint64_t)(start - l->text));
}

static tdag_status read_symbols(parser *p)
{
    tdagi_lexer *l = &p->lex;
    tdagi_lex_blank_lines(l);
    if (!tdagi_lex_take_word(l, "symbols")) return TDAG_OK;
    while (!tdagi_lex_at_line_end(l)) {
        const char *name, *at = l->p;
        int64_t sample;
        TDAGI_TRY(tdagi_lex_word(l, &name));
        TDAGI_TRY(tdagi_lex_expect(l, '='));
        TDAGI_TRY(tdagi_lex_int(l, &sample));
        tdag_builder_symbol(p->b, name, sample);
        TDAGI_TRY(tdagi_lex_pass(l, at, tdag_builder_get_status(p->b)));
    }
    return tdagi_lex_line_end(l);
}

static tdag_status read_return(parser *p)
{
    tdagi_lexer *l = &p->lex;
    const char *start = l->p;
    for (bool first = true; !tdagi_lex_at_line_end(l); first = false) {
        tdag_value v;
        if (!first) TDAGI_TRY(tdagi_lex_expect(l, ','));
        TDAGI_TRY(read_operand(p, &v));
        tdag_builder_add_output(p->b, v);
    }
    return tdagi_lex_pass(l, start, tdag_builder_get_status(p->b));
}

static tdag_status read_all(parser *p)
{
    tdagi_lexer *l = &p->lex;
    TDAGI_TRY(read_symbols(p));
    for (;;) {
        tdagi_lex_blank_lines(l);
        if (l->p == l->end)
            return tdagi_lex_fail(l, l->p, "the text ends without a return line");
        if (tdagi_lex_take_word(l, "return")) return read_return(p);
        TDAGI_TRY(read_node(p));
    }
}

tdag_status tdagi_lex_graph(tdagi_lexer *l, tdag_graph **out)
{
    parser p = {.ctx = l->ctx};
    TDAGI_TRY(tdag_builder_create(l->ctx, &p.b));
    tdagi_arena_init(&p.arena, &l->ctx->allocator);
    p.lex = *l;
    p.lex.arena = &p.arena;
    p.lex.pool = tdagi_builder_pool(p.b);
    tdag_status st = read_all(&p);
    if (st == TDAG_OK) st = tdag_builder_finish(p.b, out);
    l->p = p.lex.p;
    tdagi_free(l->ctx, p.numbers.slots, p.numbers.capacity * sizeof *p.numbers.slots);
    tdagi_free(l->ctx, p.inputs, p.inputs_capacity * sizeof *p.inputs);
    tdagi_arena_free(&p.arena);
    tdag_builder_free(p.b);
    return st;
}

tdag_status tdag_graph_parse(tdag_ctx *ctx, const char *text, size_t size,
                             tdag_graph **out)
{
    TDAGI_TRY(tdagi_need(ctx, text, "text"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    tdag_graph *graph = NULL;
    tdagi_lexer l = {.ctx = ctx, .text = text, .p = text, .end = text + size};
    TDAGI_TRY(read_version(&l));
    TDAGI_TRY(tdagi_lex_graph(&l, &graph));
    tdagi_lex_blank_lines(&l);
    if (l.p < l.end) {
        tdag_graph_free(graph);
        return tdagi_lex_fail(&l, l.p, "something is left after the return line");
    }
    *out = graph;
    return TDAG_OK;
}
