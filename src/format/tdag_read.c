/* The model of a .tdag file's JSON. Version 1 has one method, `forward`, whose program
 * is one call of one graph; version 2 has graphs, states and methods by name. */
#include "format/tdag_read.h"

#include <stdlib.h>
#include <string.h>

typedef struct model_parts {
    tdagi_structure *inputs, *outputs;
    tdag_graph *graph;
} model_parts;

static tdag_status fail_name(const tdagi_json_reader *r, tdag_status st,
                             const char *what, const char *name)
{
    tdagi_fail(r->ctx, st, "%s '%.80s' is not known to this version", what, name);
    return tdagi_fail_at_offset(r->ctx, r->offset + (uint64_t)(r->p - r->text));
}

/* ---- the program ---- */

/* The values from, from + 1, ... exactly n of them. */
static tdag_status expect_range(tdagi_tdag_reader *rd, tdagi_json_reader r,
                                uint32_t from, uint32_t n, const char *sentence)
{
    uint32_t found = 0;
    const tdagi_json_reader start = r;
    TDAGI_TRY(tdagi_tdag_read_values(rd, &r, &found));
    TDAGI_TRY(tdagi_json_end(&r));
    bool same = found == n;
    for (uint32_t i = 0; same && i < n; i++)
        same = rd->inputs[i].id == from + i;
    return same ? TDAG_OK : tdagi_json_fail(&start, sentence);
}

static tdag_status read_call(tdagi_tdag_reader *rd, tdagi_json_reader *r,
                             const tdag_graph *g)
{
    enum { DO, GRAPH, IN, OUT, N };
    tdagi_json_slot slots[N] = {[DO] = {.key = "do"},
                                [GRAPH] = {.key = "graph"},
                                [IN] = {.key = "in"},
                                [OUT] = {.key = "out"}};
    const char *verb;
    int64_t number;
    TDAGI_TRY(tdagi_json_object(r, "a statement", slots, N));
    tdagi_json_reader at = tdagi_json_at(r, &slots[DO]);
    TDAGI_TRY(tdagi_json_string(&at, &verb));
    if (strcmp(verb, "call") != 0)
        return fail_name(&at, TDAG_E_UNSUPPORTED, "the statement", verb);
    TDAGI_TRY(tdagi_json_end(&at));
    at = tdagi_json_at(r, &slots[GRAPH]);
    TDAGI_TRY(tdagi_json_int64(&at, &number));
    if (number != 0) return tdagi_json_fail(&at, "a call of a graph that is not there");
    TDAGI_TRY(tdagi_json_end(&at));
    TDAGI_TRY(expect_range(rd, tdagi_json_at(r, &slots[IN]), 1, g->n_inputs,
                           "the call does not take the method's inputs in order"));
    return expect_range(rd, tdagi_json_at(r, &slots[OUT]), g->n_inputs + 1,
                        g->n_outputs,
                        "the call does not make the graph's outputs in order");
}

static tdag_status read_program(tdagi_tdag_reader *rd, tdagi_json_reader r,
                                const tdag_graph *g)
{
    TDAGI_TRY(tdagi_json_expect(&r, '['));
    TDAGI_TRY(read_call(rd, &r, g));
    if (!tdagi_json_take(&r, ']')) {
        tdagi_fail(rd->ctx, TDAG_E_UNSUPPORTED, "a program of several statements");
        return tdagi_fail_at_offset(rd->ctx, r.offset + (uint64_t)(r.p - r.text));
    }
    return tdagi_json_end(&r);
}

static tdag_status read_structure(tdagi_json_reader r, uint32_t n_tensors,
                                  tdagi_structure **out)
{
    const tdagi_json_reader start = r;
    const char *text;
    TDAGI_TRY(tdagi_json_string(&r, &text));
    TDAGI_TRY(tdagi_json_end(&r));
    tdag_status st = tdagi_structure_parse(r.ctx, text, out);
    if (st == TDAG_OK && (*out)->n_tensors == n_tensors) return TDAG_OK;
    if (st == TDAG_E_NOMEM) return st;
    tdagi_fail(r.ctx, TDAG_E_FORMAT, "'%.200s' is no structure of %lu tensors", text,
               (unsigned long)n_tensors);
    return tdagi_fail_at_offset(r.ctx, start.offset + (uint64_t)(start.p - r.text));
}

static tdag_status read_method(tdagi_tdag_reader *rd, tdagi_json_reader *r,
                               model_parts *m)
{
    enum { NAME, INPUTS, OUTPUTS, PROGRAM, RETURN, N };
    tdagi_json_slot slots[N] = {[NAME] = {.key = "name"},
                                [INPUTS] = {.key = "inputs"},
                                [OUTPUTS] = {.key = "outputs"},
                                [PROGRAM] = {.key = "program"},
                                [RETURN] = {.key = "return"}};
    const tdag_graph *g = m->graph;
    const char *name;
    TDAGI_TRY(tdagi_json_object(r, "a method", slots, N));
    tdagi_json_reader at = tdagi_json_at(r, &slots[NAME]);
    TDAGI_TRY(tdagi_json_string(&at, &name));
    if (strcmp(name, "forward") != 0)
        return fail_name(&at, TDAG_E_UNSUPPORTED, "the method", name);
    TDAGI_TRY(tdagi_json_end(&at));
    TDAGI_TRY(
        read_structure(tdagi_json_at(r, &slots[INPUTS]), g->n_inputs, &m->inputs));
    TDAGI_TRY(
        read_structure(tdagi_json_at(r, &slots[OUTPUTS]), g->n_outputs, &m->outputs));
    TDAGI_TRY(read_program(rd, tdagi_json_at(r, &slots[PROGRAM]), g));
    return expect_range(rd, tdagi_json_at(r, &slots[RETURN]), g->n_inputs + 1,
                        g->n_outputs, "the method does not return what the call made");
}

/* ---- the model ---- */

/* Opens an array that must hold one thing; close it with close_one(). */
static tdag_status close_one(tdagi_json_reader *r, const char *sentence)
{
    if (tdagi_json_take(r, ']')) return tdagi_json_end(r);
    tdagi_fail(r->ctx, TDAG_E_UNSUPPORTED, "%s", sentence);
    return tdagi_fail_at_offset(r->ctx, r->offset + (uint64_t)(r->p - r->text));
}

static tdag_status read_model(tdagi_tdag_reader *rd, tdagi_json_reader *r,
                              model_parts *m)
{
    enum { METHODS, GRAPHS, N };
    tdagi_json_slot slots[N] = {
        [METHODS] = {.key = "methods"}, [GRAPHS] = {.key = "graphs"}};
    TDAGI_TRY(tdagi_json_check_utf8(r));
    TDAGI_TRY(tdagi_json_object(r, "the model", slots, N));
    TDAGI_TRY(tdagi_json_end(r));
    tdagi_json_reader at = tdagi_json_at(r, &slots[GRAPHS]);
    TDAGI_TRY(tdagi_json_expect(&at, '['));
    TDAGI_TRY(tdagi_tdag_read_graph(rd, &at, NULL, &m->graph));
    TDAGI_TRY(close_one(&at, "a model of several graphs"));
    at = tdagi_json_at(r, &slots[METHODS]);
    TDAGI_TRY(tdagi_json_expect(&at, '['));
    TDAGI_TRY(read_method(rd, &at, m));
    return close_one(&at, "a model of several methods");
}

/* ---- tensors ---- */

/* Sorting positions by name needs the names: pairs of both are sorted. */
typedef struct named {
    const char *name;
    uint32_t i;
} named;

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const named *)a)->name, ((const named *)b)->name);
}

static tdag_status sort_tensors(tdagi_tdag_reader *rd)
{
    uint32_t n = rd->tensors->n;
    named *all = tdagi_arena_array(rd->arena, n, sizeof *all);
    rd->by_name = tdagi_arena_array(rd->arena, n, sizeof *rd->by_name);
    rd->used = tdagi_arena_array(rd->arena, n, 1);
    if (all == NULL || rd->by_name == NULL || rd->used == NULL)
        return tdagi_nomem(rd->ctx);
    for (uint32_t i = 0; i < n; i++)
        all[i] = (named){rd->tensors->names[i], i};
    if (n > 0) qsort(all, n, sizeof *all, compare_names);
    for (uint32_t i = 0; i < n; i++)
        rd->by_name[i] = all[i].i;
    if (n > 0) memset(rd->used, 0, n);
    return TDAG_OK;
}

/* A tensor that the model does not mention would be lost when it is saved again. */
static tdag_status check_used(const tdagi_tdag_reader *rd)
{
    static const char filler[] = TDAGI_SAFETENSORS_PADDING;
    for (uint32_t i = 0; i < rd->tensors->n; i++) {
        const char *name = rd->tensors->names[i];
        if (!rd->used[i] && strncmp(name, filler, sizeof filler - 1) != 0)
            return tdagi_fail(rd->ctx, TDAG_E_FORMAT,
                              "the model does not mention the tensor '%.80s'", name);
    }
    return TDAG_OK;
}

/* ---- version 2 ---- */

static tdag_status read_named_graph(tdagi_tdag_reader *rd, tdagi_json_reader *r,
                                    tdagi_model_builder *b)
{
    const char *name = NULL;
    tdag_graph *graph = NULL;
    tdagi_json_peek(r);
    const tdagi_json_reader start = *r;
    tdag_builder_free(rd->b);
    rd->b = NULL;
    TDAGI_TRY(tdag_builder_create(rd->ctx, &rd->b));
    TDAGI_TRY(tdagi_tdag_read_graph(rd, r, &name, &graph));
    tdagi_model_add_graph(b, name, graph);
    tdag_graph_free(graph);
    if (b->status != TDAG_OK)
        tdagi_fail_at_offset(rd->ctx, start.offset + (uint64_t)(start.p - start.text));
    return b->status;
}

typedef tdag_status part_reader(tdagi_tdag_reader *rd, tdagi_json_reader *r,
                                tdagi_model_builder *b);

static tdag_status read_list(tdagi_tdag_reader *rd, tdagi_json_reader r,
                             tdagi_model_builder *b, part_reader *read)
{
    bool first = true, more = false;
    TDAGI_TRY(tdagi_json_expect(&r, '['));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(&r, ']', &first, &more));
        if (!more) return tdagi_json_end(&r);
        TDAGI_TRY(read(rd, &r, b));
    }
}

static tdag_status read_parts(tdagi_tdag_reader *rd, tdagi_json_reader *r,
                              tdagi_model_builder *b)
{
    enum { METHODS, GRAPHS, STATES, N };
    tdagi_json_slot slots[N] = {[METHODS] = {.key = "methods"},
                                [GRAPHS] = {.key = "graphs"},
                                [STATES] = {.key = "states"}};
    TDAGI_TRY(tdagi_json_check_utf8(r));
    TDAGI_TRY(tdagi_json_object(r, "the model", slots, N));
    TDAGI_TRY(tdagi_json_end(r));
    TDAGI_TRY(b->status);
    TDAGI_TRY(read_list(rd, tdagi_json_at(r, &slots[GRAPHS]), b, read_named_graph));
    TDAGI_TRY(
        read_list(rd, tdagi_json_at(r, &slots[STATES]), b, tdagi_tdag_read_state));
    TDAGI_TRY(
        read_list(rd, tdagi_json_at(r, &slots[METHODS]), b, tdagi_tdag_read_method));
    return check_used(rd);
}

static tdag_status read_programs(tdagi_tdag_reader *rd, tdagi_json_reader *r,
                                 tdag_model **out)
{
    tdagi_model_builder b;
    tdag_model *model = NULL;
    tdagi_model_begin(&b, rd->ctx);
    tdag_status st = read_parts(rd, r, &b);
    if (st == TDAG_OK)
        st = tdagi_model_finish(&b, &model);
    else
        tdagi_model_drop(&b);
    if (st == TDAG_OK) st = tdagi_model_verify(rd->ctx, model);
    if (st == TDAG_OK)
        *out = model;
    else
        tdag_model_free(model);
    return st;
}

static tdag_status read_plain(tdagi_tdag_reader *rd, tdagi_json_reader *r,
                              tdag_model **out)
{
    model_parts m = {0};
    tdag_status st = read_model(rd, r, &m);
    if (st == TDAG_OK) st = check_used(rd);
    if (st == TDAG_OK)
        st = tdagi_model_create(rd->ctx, m.graph, m.inputs, m.outputs, out);
    tdagi_structure_free(m.inputs);
    tdagi_structure_free(m.outputs);
    tdag_graph_free(m.graph);
    return st;
}

/* ---- the whole ---- */

tdag_status tdagi_tdag_read(tdag_ctx *ctx, uint32_t version, const char *json,
                            const tdag_named_tensors *tensors, tdag_model **out)
{
    tdagi_arena arena;
    tdagi_arena_init(&arena, &ctx->allocator);
    tdagi_tdag_reader rd = {.ctx = ctx, .arena = &arena, .tensors = tensors};
    tdagi_json_reader r = {.ctx = ctx,
                           .arena = &arena,
                           .text = json,
                           .p = json,
                           .end = json + strlen(json)};
    tdag_status st = tdag_builder_create(ctx, &rd.b);
    if (st == TDAG_OK) st = sort_tensors(&rd);
    if (st == TDAG_OK)
        st = version == 1 ? read_plain(&rd, &r, out) : read_programs(&rd, &r, out);
    tdag_builder_free(rd.b);
    tdagi_free(ctx, rd.inputs, rd.inputs_capacity * sizeof *rd.inputs);
    tdagi_arena_free(&arena);
    return st;
}
