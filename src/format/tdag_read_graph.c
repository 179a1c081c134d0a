/* A graph of a .tdag file's JSON: its nodes go through the builder one by one, so that
 * what holds for a graph made by a program holds for one from a file, and what the file
 * states about dtypes, shapes and names is compared with what came out. */
#include "format/tdag_read.h"

#include <stdio.h>
#include <string.h>

#include "base/dim/type_text.h"
#include "ir/text/number.h"

/* One node as far as it has been read. */
typedef struct node {
    uint32_t id; /* that it is going to have */
    const char *name, *scope;
    const tdagi_op_row *row;
    tdag_op op;
    tdagi_type type;
    uint32_t n_inputs;
    tdag_tensor *tensor; /* a reference of its own */
    union {
        unsigned char bytes[256];
        int64_t aligned;
    } spec;
} node;

/* The fields of a node's object. */
enum { OP, NAME, SCOPE, IN, SPEC, DTYPE, SHAPE, TENSOR, VALUE, N_FIELDS };

tdag_status tdagi_tdag_check_builder(tdagi_tdag_reader *rd, const tdagi_json_reader *r)
{
    if (tdag_builder_get_status(rd->b) == TDAG_OK) return TDAG_OK;
    return tdagi_fail_at_offset(rd->ctx, r->offset + (uint64_t)(r->p - r->text));
}

static tdag_status fail_at(const tdagi_json_reader *r, tdag_status st)
{
    tdagi_fail_at_offset(r->ctx, r->offset + (uint64_t)(r->p - r->text));
    return st;
}

/* ---- tables ---- */

static tdag_status read_symbols(tdagi_tdag_reader *rd, tdagi_json_reader r)
{
    bool first = true, more = false;
    TDAGI_TRY(tdagi_json_expect(&r, '['));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(&r, ']', &first, &more));
        if (!more) return tdagi_json_end(&r);
        const char *name;
        int64_t sample;
        uint32_t before = tdagi_pool_n_symbols(tdagi_builder_pool(rd->b));
        TDAGI_TRY(tdagi_json_expect(&r, '['));
        TDAGI_TRY(tdagi_json_string(&r, &name));
        TDAGI_TRY(tdagi_json_expect(&r, ','));
        TDAGI_TRY(tdagi_json_int64(&r, &sample));
        TDAGI_TRY(tdagi_json_expect(&r, ']'));
        tdag_builder_symbol(rd->b, name, sample);
        TDAGI_TRY(tdagi_tdag_check_builder(rd, &r));
        if (tdagi_pool_n_symbols(tdagi_builder_pool(rd->b)) == before)
            return tdagi_json_fail(&r, "a symbol stands there twice");
    }
}

static tdag_status read_scopes(tdagi_tdag_reader *rd, tdagi_json_reader r)
{
    bool first = true, more = false;
    uint32_t capacity = 0;
    rd->n_scopes = 0;
    TDAGI_TRY(tdagi_json_expect(&r, '['));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(&r, ']', &first, &more));
        if (!more) return tdagi_json_end(&r);
        if (rd->n_scopes == capacity) {
            if (capacity > UINT32_MAX / 4)
                return tdagi_json_fail(&r, "too many scopes");
            capacity = capacity == 0 ? 64 : capacity * 2;
            const char **wider = tdagi_arena_array(rd->arena, capacity, sizeof *wider);
            if (wider == NULL) return tdagi_nomem(rd->ctx);
            if (rd->n_scopes > 0)
                memcpy(wider, rd->scopes, rd->n_scopes * sizeof *wider);
            rd->scopes = wider;
        }
        TDAGI_TRY(tdagi_json_string(&r, &rd->scopes[rd->n_scopes]));
        rd->n_scopes++;
    }
}

tdag_status tdagi_tdag_read_values(tdagi_tdag_reader *rd, tdagi_json_reader *r,
                                   uint32_t *n_out)
{
    bool first = true, more = false;
    uint32_t n = 0;
    TDAGI_TRY(tdagi_json_expect(r, '['));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(r, ']', &first, &more));
        if (!more) break;
        if (n == rd->inputs_capacity) {
            void *p = rd->inputs;
            uint32_t wider = n == 0 ? 16 : n * 2;
            if (wider > UINT32_MAX / 16) return tdagi_json_fail(r, "too long a list");
            TDAGI_TRY(tdagi_realloc(rd->ctx, &p, n * sizeof *rd->inputs,
                                    wider * sizeof *rd->inputs));
            rd->inputs = p;
            rd->inputs_capacity = wider;
        }
        int64_t id;
        TDAGI_TRY(tdagi_json_int64(r, &id));
        if (id < 1 || id > UINT32_MAX)
            return tdagi_json_fail(r, "a number that is no value's");
        rd->inputs[n++].id = (uint32_t)id;
    }
    *n_out = n;
    return TDAG_OK;
}

/* ---- tensors ---- */

tdag_status tdagi_tdag_find_tensor(tdagi_tdag_reader *rd, tdagi_json_reader r,
                                   const tdag_tensor **out)
{
    const char *key;
    const tdagi_json_reader start = r;
    TDAGI_TRY(tdagi_json_string(&r, &key));
    TDAGI_TRY(tdagi_json_end(&r));
    uint32_t low = 0, high = rd->tensors->n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2, i = rd->by_name[middle];
        int order = strcmp(rd->tensors->names[i], key);
        if (order == 0) {
            rd->used[i] = 1;
            *out = rd->tensors->tensors[i];
            return TDAG_OK;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return fail_at(&start, tdagi_fail(rd->ctx, TDAG_E_FORMAT,
                                      "the file has no tensor '%.80s'", key));
}

static tdag_status read_tensor(tdagi_tdag_reader *rd, tdagi_json_reader r, node *n)
{
    const tdag_tensor *tensor = NULL;
    TDAGI_TRY(tdagi_tdag_find_tensor(rd, r, &tensor));
    n->tensor = tdag_tensor_copy(tensor);
    return TDAG_OK;
}

/* Copies the first element over the others. */
static void repeat_first(tdag_tensor *t)
{
    size_t done = tdag_dtype_size(t->dtype);
    char *data = t->data;
    while (done < t->size) {
        size_t part = t->size - done < done ? t->size - done : done;
        memcpy(data + done, data, part);
        done += part;
    }
}

/* A constant of one repeated value. */
static tdag_status read_repeated(tdagi_tdag_reader *rd, tdagi_json_reader r, node *n)
{
    const char *text;
    size_t length;
    int64_t shape[TDAG_MAX_RANK];
    const tdagi_json_reader start = r;
    uint64_t size = tdag_dtype_size(n->type.dtype);
    for (uint32_t i = 0; i < n->type.rank; i++) {
        if (!tdagi_dim_is_const(tdagi_builder_pool(rd->b), n->type.shape[i], &shape[i]))
            return tdagi_json_fail(&r, "a constant with a symbolic dim");
        if (shape[i] < 0) return tdagi_json_fail(&r, "a constant with a negative dim");
        if (__builtin_mul_overflow(size, (uint64_t)shape[i], &size)) size = UINT64_MAX;
    }
    if (size == 0) return tdagi_json_fail(&r, "a value of a constant without elements");
    if (size > TDAGI_TDAG_MAX_REPEATED - rd->repeated)
        return fail_at(&start,
                       tdagi_fail(rd->ctx, TDAG_E_LIMIT,
                                  "constants of one repeated value of more than %llu "
                                  "bytes together",
                                  (unsigned long long)TDAGI_TDAG_MAX_REPEATED));
    rd->repeated += size;
    TDAGI_TRY(tdagi_json_scalar(&r, &text, &length));
    TDAGI_TRY(tdagi_json_end(&r));
    TDAGI_TRY(
        tdag_tensor_create(rd->ctx, n->type.dtype, n->type.rank, shape, &n->tensor));
    if (!tdagi_element_parse(n->tensor, 0, text, length))
        return fail_at(&start,
                       tdagi_fail(rd->ctx, TDAG_E_FORMAT, "no value of dtype %s",
                                  tdag_dtype_name(n->type.dtype)));
    repeat_first(n->tensor);
    return TDAG_OK;
}

/* ---- one node ---- */

static tdag_status read_op(tdagi_json_reader r, node *n)
{
    const char *word;
    const tdagi_json_reader start = r;
    TDAGI_TRY(tdagi_json_string(&r, &word));
    TDAGI_TRY(tdagi_json_end(&r));
    n->op = tdag_op_from_name(word);
    n->row = tdagi_op_row_of((uint32_t)n->op);
    if (n->row != NULL) return TDAG_OK;
    return fail_at(&start,
                   tdagi_fail(r.ctx, TDAG_E_FORMAT, "there is no op '%.80s'", word));
}

static tdag_status read_scope(tdagi_tdag_reader *rd, tdagi_json_reader r, node *n)
{
    int64_t i;
    TDAGI_TRY(tdagi_json_int64(&r, &i));
    TDAGI_TRY(tdagi_json_end(&r));
    if (i < 0 || i >= rd->n_scopes)
        return tdagi_json_fail(&r, "a scope that is not in the table");
    n->scope = rd->scopes[i];
    return TDAG_OK;
}

static tdag_status read_type(tdagi_tdag_reader *rd, tdagi_json_reader dtype,
                             tdagi_json_reader shape, node *n)
{
    bool first = true, more = false;
    TDAGI_TRY(tdagi_tdag_read_dtype(&dtype, &n->type.dtype));
    TDAGI_TRY(tdagi_json_end(&dtype));
    TDAGI_TRY(tdagi_json_expect(&shape, '['));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(&shape, ']', &first, &more));
        if (!more) return tdagi_json_end(&shape);
        if (n->type.rank == TDAG_MAX_RANK)
            return fail_at(&shape,
                           tdagi_fail(rd->ctx, TDAG_E_LIMIT,
                                      "a value of more than %d axes", TDAG_MAX_RANK));
        TDAGI_TRY(tdagi_tdag_read_dim(rd, &shape, &n->type.shape[n->type.rank]));
        n->type.rank++;
    }
}

/* Which fields a node of this op has, beside those that all may have. */
static tdag_status check_fields(const tdagi_json_reader *r, const node *n,
                                const tdagi_json_slot *slots)
{
    bool holds = tdagi_op_holds_tensor(n->op);
    const bool wanted[N_FIELDS] = {
        [IN] = n->row->n_inputs != 0, [SPEC] = !holds && n->row->def->spec_size > 0};
    for (int i = 0; i < N_FIELDS; i++) {
        bool there = slots[i].value != NULL;
        if ((i != IN && i != SPEC) || there == wanted[i]) continue;
        return fail_at(r, tdagi_fail(r->ctx, TDAG_E_FORMAT, "%s %s the field '%s'",
                                     n->row->name, there ? "does not have" : "needs",
                                     slots[i].key));
    }
    bool tensor = slots[TENSOR].value != NULL, value = slots[VALUE].value != NULL;
    if (!holds && !tensor && !value) return TDAG_OK;
    if (holds && tensor != value && (!value || n->op == TDAG_OP_CONSTANT))
        return TDAG_OK;
    return fail_at(r, tdagi_fail(r->ctx, TDAG_E_FORMAT, "%s %s", n->row->name,
                                 !holds ? "holds no tensor"
                                 : n->op == TDAG_OP_CONSTANT
                                     ? "needs one of the fields 'tensor' and 'value'"
                                     : "needs the field 'tensor', not 'value'"));
}

static tdag_value add(tdagi_tdag_reader *rd, const node *n)
{
    tdag_builder_set_scope(rd->b, n->scope);
    if (n->op == TDAG_OP_INPUT)
        return tdag_add_input(rd->b, NULL, n->type.dtype, n->type.rank, n->type.shape);
    if (n->tensor != NULL) return tdag_add_tensor(rd->b, n->op, NULL, n->tensor);
    return tdag_add_node(rd->b, n->op,
                         n->row->def->spec_size > 0 ? n->spec.bytes : NULL,
                         n->row->def->spec_size, rd->inputs, n->n_inputs);
}

static tdag_status check_type(tdagi_tdag_reader *rd, const tdagi_json_reader *r,
                              const node *n, tdag_value v)
{
    tdagi_type found;
    tdagi_value_type(rd->b->graph, v, &found);
    if (found.dtype == n->type.dtype && found.rank == n->type.rank &&
        memcmp(found.shape, n->type.shape, found.rank * sizeof(tdag_dim)) == 0)
        return TDAG_OK;
    char stated[256], made[256];
    const tdagi_pool *pool = tdagi_builder_pool(rd->b);
    tdagi_type_text(pool, n->type.dtype, n->type.rank, n->type.shape, stated,
                    sizeof stated);
    tdagi_type_text(pool, found.dtype, found.rank, found.shape, made, sizeof made);
    return fail_at(r, tdagi_fail(rd->ctx, TDAG_E_FORMAT,
                                 "%s is stated to be %s, but is %s", n->row->name,
                                 stated, made));
}

/* The builder would alter a name that is taken or automatic; a file must not have one.
 */
static tdag_status set_name(tdagi_tdag_reader *rd, const tdagi_json_reader *r,
                            const node *n, tdag_value v)
{
    if (n->name == NULL) return TDAG_OK;
    tdag_builder_set_name(rd->b, v, n->name);
    TDAGI_TRY(tdagi_tdag_check_builder(rd, r));
    const char *got = rd->b->graph->nodes[v.id].name;
    if (got != NULL && strcmp(got, n->name) == 0) return TDAG_OK;
    return fail_at(r, tdagi_fail(rd->ctx, TDAG_E_FORMAT,
                                 "the name '%.80s' is used twice or no name", n->name));
}

static tdag_status read_fields(tdagi_tdag_reader *rd, const tdagi_json_reader *r,
                               const tdagi_json_slot *slots, node *n)
{
    if (slots[NAME].value != NULL) {
        tdagi_json_reader at = tdagi_json_at(r, &slots[NAME]);
        TDAGI_TRY(tdagi_json_string(&at, &n->name));
        TDAGI_TRY(tdagi_json_end(&at));
    }
    if (slots[SCOPE].value != NULL)
        TDAGI_TRY(read_scope(rd, tdagi_json_at(r, &slots[SCOPE]), n));
    TDAGI_TRY(read_op(tdagi_json_at(r, &slots[OP]), n));
    TDAGI_TRY(check_fields(r, n, slots));
    TDAGI_TRY(read_type(rd, tdagi_json_at(r, &slots[DTYPE]),
                        tdagi_json_at(r, &slots[SHAPE]), n));
    if (slots[IN].value != NULL) {
        tdagi_json_reader at = tdagi_json_at(r, &slots[IN]);
        TDAGI_TRY(tdagi_tdag_read_values(rd, &at, &n->n_inputs));
        TDAGI_TRY(tdagi_json_end(&at));
    }
    if (slots[SPEC].value != NULL) {
        tdagi_json_reader at = tdagi_json_at(r, &slots[SPEC]);
        TDAGI_TRY(tdagi_tdag_read_spec(rd, &at, n->row->name, n->row->def->fields,
                                       n->spec.bytes));
        TDAGI_TRY(tdagi_json_end(&at));
    }
    if (slots[TENSOR].value != NULL)
        return read_tensor(rd, tdagi_json_at(r, &slots[TENSOR]), n);
    if (slots[VALUE].value != NULL)
        return read_repeated(rd, tdagi_json_at(r, &slots[VALUE]), n);
    return TDAG_OK;
}

static tdag_status add_node(tdagi_tdag_reader *rd, const tdagi_json_reader *r,
                            const node *n)
{
    for (uint32_t i = 0; i < n->n_inputs; i++)
        if (rd->inputs[i].id >= n->id)
            return fail_at(r,
                           tdagi_fail(rd->ctx, TDAG_E_FORMAT,
                                      "%s takes value %lu, which does not come "
                                      "before it",
                                      n->row->name, (unsigned long)rd->inputs[i].id));
    tdag_value v = add(rd, n);
    TDAGI_TRY(tdagi_tdag_check_builder(rd, r));
    TDAGI_TRY(check_type(rd, r, n, v));
    return set_name(rd, r, n, v);
}

static tdag_status read_node(tdagi_tdag_reader *rd, tdagi_json_reader *r)
{
    tdagi_json_slot slots[N_FIELDS] = {
        [OP] = {.key = "op"},
        [NAME] = {.key = "name", .optional = true},
        [SCOPE] = {.key = "scope", .optional = true},
        [IN] = {.key = "in", .optional = true},
        [SPEC] = {.key = "spec", .optional = true},
        [DTYPE] = {.key = "dtype"},
        [SHAPE] = {.key = "shape"},
        [TENSOR] = {.key = "tensor", .optional = true},
        [VALUE] = {.key = "value", .optional = true},
    };
    node n = {.id = rd->b->graph->n + 1, .scope = ""};
    tdagi_json_peek(r);
    const tdagi_json_reader start = *r;
    tdag_status st = tdagi_json_object(r, "a node", slots, N_FIELDS);
    if (st == TDAG_OK) st = read_fields(rd, &start, slots, &n);
    if (st == TDAG_OK) st = add_node(rd, &start, &n);
    tdag_tensor_free(n.tensor);
    if (st != TDAG_OK) {
        char buf[16];
        snprintf(buf, sizeof buf, "v%lu", (unsigned long)n.id);
        tdagi_fail_at_node(rd->ctx, n.name == NULL ? buf : n.name, n.scope);
    }
    return st;
}

/* ---- the whole ---- */

static tdag_status read_all_nodes(tdagi_tdag_reader *rd, tdagi_json_reader *r)
{
    bool first = true, more = false;
    TDAGI_TRY(tdagi_json_expect(r, '['));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(r, ']', &first, &more));
        if (!more) return tdagi_json_end(r);
        TDAGI_TRY(read_node(rd, r));
        tdagi_arena_empty(r->arena);
    }
}

/* What is read of a node is needed until it stands in the graph. */
static tdag_status read_nodes(tdagi_tdag_reader *rd, tdagi_json_reader r)
{
    tdagi_arena arena;
    tdagi_arena_init(&arena, &rd->ctx->allocator);
    r.arena = &arena;
    tdag_status st = read_all_nodes(rd, &r);
    tdagi_arena_free(&arena);
    return st;
}

/* The list of inputs repeats what the nodes say, for readers that want it first. */
static tdag_status check_inputs(tdagi_tdag_reader *rd, tdagi_json_reader r)
{
    uint32_t n = 0;
    const tdag_graph *g = rd->b->graph;
    const tdagi_json_reader start = r;
    TDAGI_TRY(tdagi_tdag_read_values(rd, &r, &n));
    TDAGI_TRY(tdagi_json_end(&r));
    bool same = n == g->n_inputs;
    for (uint32_t i = 0; same && i < n; i++)
        same = rd->inputs[i].id == g->inputs[i].id;
    if (same) return TDAG_OK;
    return tdagi_json_fail(&start, "the inputs are not the nodes of op input in order");
}

static tdag_status read_outputs(tdagi_tdag_reader *rd, tdagi_json_reader r)
{
    uint32_t n = 0;
    TDAGI_TRY(tdagi_tdag_read_values(rd, &r, &n));
    for (uint32_t i = 0; i < n; i++)
        tdag_builder_add_output(rd->b, rd->inputs[i]);
    TDAGI_TRY(tdagi_tdag_check_builder(rd, &r));
    return tdagi_json_end(&r);
}

tdag_status tdagi_tdag_read_graph(tdagi_tdag_reader *rd, tdagi_json_reader *r,
                                  const char **name_out, tdag_graph **out)
{
    enum { SYMBOLS, SCOPES, NODES, INPUTS, OUTPUTS, GRAPH_NAME, N };
    tdagi_json_slot slots[N] = {
        [SYMBOLS] = {.key = "symbols"}, [SCOPES] = {.key = "scopes"},
        [NODES] = {.key = "nodes"},     [INPUTS] = {.key = "inputs"},
        [OUTPUTS] = {.key = "outputs"}, [GRAPH_NAME] = {.key = "name"}};
    TDAGI_TRY(
        tdagi_json_object(r, "the graph", slots, name_out == NULL ? GRAPH_NAME : N));
    if (name_out != NULL) {
        tdagi_json_reader at = tdagi_json_at(r, &slots[GRAPH_NAME]);
        TDAGI_TRY(tdagi_json_string(&at, name_out));
        TDAGI_TRY(tdagi_json_end(&at));
    }
    TDAGI_TRY(read_symbols(rd, tdagi_json_at(r, &slots[SYMBOLS])));
    TDAGI_TRY(read_scopes(rd, tdagi_json_at(r, &slots[SCOPES])));
    TDAGI_TRY(read_nodes(rd, tdagi_json_at(r, &slots[NODES])));
    TDAGI_TRY(check_inputs(rd, tdagi_json_at(r, &slots[INPUTS])));
    TDAGI_TRY(read_outputs(rd, tdagi_json_at(r, &slots[OUTPUTS])));
    return tdag_builder_finish(rd->b, out);
}
