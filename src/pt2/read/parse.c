/* The program: its graphs as they come, in one pass over the text. What nobody asks for
 * (most of a node's metadata, strides of values) is skipped; types of values are put
 * aside as text, since few of them are looked at. */
#include <stdio.h>
#include <string.h>

#include "pt2/read/program.h"

/* ---- pieces ---- */

tdag_status tdagi_pt2_text(tdagi_json_reader *r, const char **out)
{
    const char *start = r->p;
    TDAGI_TRY(tdagi_json_string(r, out));
    if (tdagi_json_is_utf8(*out, *out + strlen(*out))) return TDAG_OK;
    r->p = start;
    return tdagi_json_fail(r, "a string is not UTF-8");
}

tdag_status tdagi_pt2_next(tdagi_json_reader *r, bool *first, const char **name_out)
{
    bool more = false;
    if (*first) TDAGI_TRY(tdagi_json_expect(r, '{'));
    TDAGI_TRY(tdagi_json_next(r, '}', first, &more));
    *name_out = NULL;
    if (!more) return TDAG_OK;
    TDAGI_TRY(tdagi_pt2_text(r, name_out));
    return tdagi_json_expect(r, ':');
}

tdag_status tdagi_pt2_aside(tdagi_json_reader *r, tdagi_json_slot *out)
{
    tdagi_json_peek(r);
    const char *start = r->p;
    TDAGI_TRY(tdagi_json_skip(r));
    *out = (tdagi_json_slot){.value = start, .end = r->p};
    return TDAG_OK;
}

tdag_status tdagi_pt2_tag(tdagi_json_reader *r, char *buf, size_t size)
{
    const char *tag;
    size_t n;
    TDAGI_TRY(tdagi_json_expect(r, '{'));
    TDAGI_TRY(tdagi_json_bytes(r, &tag, &n));
    if (n >= size) n = size - 1; /* no tag is that long */
    memcpy(buf, tag, n);
    buf[n] = '\0';
    if (strlen(buf) != n || !tdagi_json_is_utf8(buf, buf + n))
        return tdagi_json_fail(r, "a tag that is not UTF-8");
    return tdagi_json_expect(r, ':');
}

/* ---- nodes ---- */

typedef struct at_node {
    tdagi_pt2_parser *p;
    tdagi_pt2_node *node;
    tdagi_pt2_named *input;
} at_node;

static tdag_status input_name(tdagi_json_reader *r, void *user)
{
    at_node *at = user;
    return tdagi_pt2_text(r, &at->input->name);
}

static tdag_status input_arg(tdagi_json_reader *r, void *user)
{
    at_node *at = user;
    return tdagi_pt2_parse_arg(r, at->p, &at->input->arg);
}

static tdag_status input_kind(tdagi_json_reader *r, void *user)
{
    at_node *at = user;
    int64_t kind = 0;
    if (tdagi_json_take_null(r)) return TDAG_OK;
    TDAGI_TRY(tdagi_json_int64(r, &kind));
    at->input->by_name = kind == 2;
    return TDAG_OK;
}

static const tdagi_json_field input_fields[] = {
    {"name", true, input_name}, {"arg", true, input_arg}, {"kind", false, input_kind}};

static tdag_status node_inputs(tdagi_json_reader *r, void *user)
{
    at_node *at = user;
    tdagi_pt2_node *node = at->node;
    bool first = true, more = false;
    TDAGI_TRY(tdagi_json_expect(r, '['));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(r, ']', &first, &more));
        if (!more) return TDAG_OK;
        tdagi_pt2_named input = {.name = ""};
        at->input = &input;
        TDAGI_TRY(tdagi_json_fields(r, "an argument", at, input_fields, 3));
        node->inputs =
            tdagi_pt2_room(r->arena, node->inputs, node->n_inputs, sizeof(input));
        if (node->inputs == NULL) return tdagi_nomem(r->ctx);
        node->inputs[node->n_inputs++] = input;
    }
}

static tdag_status node_target(tdagi_json_reader *r, void *user)
{
    at_node *at = user;
    const char *name;
    TDAGI_TRY(tdagi_pt2_text(r, &name));
    at->node->target = tdagi_pt2_intern(&at->p->program->targets, name, strlen(name),
                                        sizeof(*at->node->target));
    return at->node->target == NULL ? tdagi_nomem(r->ctx) : TDAG_OK;
}

static tdag_status node_outputs(tdagi_json_reader *r, void *user)
{
    at_node *at = user;
    return tdagi_pt2_parse_args(r, at->p, &at->node->outputs, &at->node->n_outputs);
}

static tdag_status node_name(tdagi_json_reader *r, void *user)
{
    at_node *at = user;
    if (tdagi_json_take_null(r)) return TDAG_OK;
    return tdagi_pt2_text(r, &at->node->name);
}

static tdag_status node_modules(tdagi_json_reader *r, void *user)
{
    at_node *at = user;
    return tdagi_pt2_aside(r, &at->node->modules);
}

static tdag_status node_stack(tdagi_json_reader *r, void *user)
{
    at_node *at = user;
    return tdagi_pt2_aside(r, &at->node->stack);
}

static tdag_status node_metadata(tdagi_json_reader *r, void *user)
{
    static const tdagi_json_field fields[] = {{"nn_module_stack", false, node_modules},
                                              {"stack_trace", false, node_stack}};
    return tdagi_json_fields(r, "the metadata of a node", user, fields, 2);
}

static const tdagi_json_field node_fields[] = {
    {"target", true, node_target},      {"inputs", true, node_inputs},
    {"outputs", true, node_outputs},    {"name", false, node_name},
    {"metadata", false, node_metadata},
};

static tdag_status read_nodes(tdagi_json_reader *r, void *user)
{
    tdagi_pt2_parser *p = user;
    bool first = true, more = false;
    TDAGI_TRY(tdagi_json_expect(r, '['));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(r, ']', &first, &more));
        if (!more) return TDAG_OK;
        tdagi_pt2_node *node = tdagi_arena_alloc(r->arena, sizeof(*node));
        if (node == NULL) return tdagi_nomem(r->ctx);
        *node = (tdagi_pt2_node){.name = ""};
        at_node at = {.p = p, .node = node};
        TDAGI_TRY(tdagi_json_fields(r, "a node", &at, node_fields, 5));
        *p->graph->last = node;
        p->graph->last = &node->next;
    }
}

/* ---- graphs ---- */

static tdag_status graph_inputs(tdagi_json_reader *r, void *user)
{
    tdagi_pt2_parser *p = user;
    return tdagi_pt2_parse_args(r, p, &p->graph->inputs, &p->graph->n_inputs);
}

static tdag_status graph_outputs(tdagi_json_reader *r, void *user)
{
    tdagi_pt2_parser *p = user;
    return tdagi_pt2_parse_args(r, p, &p->graph->outputs, &p->graph->n_outputs);
}

/* Types by the names of values; of a name that stands there twice, the last. */
static tdag_status read_metas(tdagi_json_reader *r, void *user)
{
    tdagi_pt2_parser *p = user;
    bool first = true, more = false;
    TDAGI_TRY(tdagi_json_expect(r, '{'));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(r, '}', &first, &more));
        if (!more) return TDAG_OK;
        const char *name;
        size_t n;
        TDAGI_TRY(tdagi_json_bytes(r, &name, &n));
        TDAGI_TRY(tdagi_json_expect(r, ':'));
        if (memchr(name, '\0', n) != NULL || !tdagi_json_is_utf8(name, name + n))
            return tdagi_json_fail(r, "the name of a value is not UTF-8");
        tdagi_pt2_value *v =
            tdagi_pt2_intern(&p->graph->values, name, n, sizeof(tdagi_pt2_value));
        if (v == NULL) return tdagi_nomem(r->ctx);
        TDAGI_TRY(tdagi_pt2_aside(r, &v->meta));
    }
}

static const tdagi_json_field graph_fields[] = {
    {"inputs", true, graph_inputs},
    {"outputs", true, graph_outputs},
    {"nodes", true, read_nodes},
    {"tensor_values", false, read_metas},
    {"sym_int_values", false, read_metas},
    {"sym_bool_values", false, read_metas},
    {"sym_float_values", false, read_metas}};

static tdag_status fill_graph(tdagi_json_reader *r, tdagi_pt2_parser *p)
{
    return tdagi_json_fields(r, "a graph", p, graph_fields,
                             sizeof(graph_fields) / sizeof(graph_fields[0]));
}

static tdagi_pt2_graph *make_graph(tdagi_arena *arena)
{
    tdagi_pt2_graph *graph = tdagi_arena_alloc(arena, sizeof(*graph));
    if (graph == NULL) return NULL;
    *graph = (tdagi_pt2_graph){.values.arena = arena};
    graph->last = &graph->first;
    return graph;
}

/* Depth counts arguments, each graph being one. */
tdag_status tdagi_pt2_parse_graph(tdagi_json_reader *r, tdagi_pt2_parser *p,
                                  tdagi_pt2_graph **out)
{
    tdagi_pt2_graph *outer = p->graph;
    if (p->depth > TDAGI_PT2_MAX_DEPTH)
        return tdagi_fail(r->ctx, TDAG_E_LIMIT, "graphs nest deeper than %d",
                          TDAGI_PT2_MAX_DEPTH);
    p->graph = make_graph(r->arena);
    if (p->graph == NULL) return tdagi_nomem(r->ctx);
    TDAGI_TRY(fill_graph(r, p));
    *out = p->graph;
    p->graph = outer;
    return TDAG_OK;
}

/* ---- the program ---- */

static tdag_status read_graph(tdagi_json_reader *r, void *user)
{
    return fill_graph(r, user);
}

static tdag_status read_module(tdagi_json_reader *r, void *user)
{
    static const tdagi_json_field fields[] = {
        {"graph", true, read_graph},
        {"signature", true, tdagi_pt2_parse_signature},
        {"module_call_graph", false, tdagi_pt2_parse_calls},
        {"treespec_namedtuple_fields", false, tdagi_pt2_parse_named_tuples}};
    return tdagi_json_fields(r, "the graph module", user, fields, 4);
}

static tdag_status bound(tdagi_json_reader *r, bool *has, int64_t *out)
{
    *has = !tdagi_json_take_null(r);
    return *has ? tdagi_json_int64(r, out) : TDAG_OK;
}

static tdag_status range_min(tdagi_json_reader *r, void *user)
{
    tdagi_pt2_range *range = user;
    return bound(r, &range->has_min, &range->min);
}

static tdag_status range_max(tdagi_json_reader *r, void *user)
{
    tdagi_pt2_range *range = user;
    return bound(r, &range->has_max, &range->max);
}

static tdag_status read_ranges(tdagi_json_reader *r, void *user)
{
    static const tdagi_json_field fields[] = {{"min_val", false, range_min},
                                              {"max_val", false, range_max}};
    tdagi_pt2_parser *p = user;
    bool first = true;
    for (;;) {
        const char *name;
        TDAGI_TRY(tdagi_pt2_next(r, &first, &name));
        if (name == NULL) return TDAG_OK;
        tdagi_pt2_range *range =
            tdagi_pt2_intern(&p->program->ranges, name, strlen(name), sizeof(*range));
        if (range == NULL) return tdagi_nomem(r->ctx);
        TDAGI_TRY(tdagi_json_fields(r, "a range", range, fields, 2));
    }
}

static tdag_status read_major(tdagi_json_reader *r, void *user)
{
    tdagi_pt2_parser *p = user;
    return tdagi_json_int64(r, &p->program->schema_major);
}

static tdag_status read_minor(tdagi_json_reader *r, void *user)
{
    tdagi_pt2_parser *p = user;
    return tdagi_json_int64(r, &p->program->schema_minor);
}

static tdag_status read_version(tdagi_json_reader *r, void *user)
{
    static const tdagi_json_field fields[] = {{"major", true, read_major},
                                              {"minor", false, read_minor}};
    return tdagi_json_fields(r, "the schema's version", user, fields, 2);
}

static tdag_status read_torch_version(tdagi_json_reader *r, void *user)
{
    tdagi_pt2_parser *p = user;
    if (tdagi_json_take_null(r)) return TDAG_OK;
    return tdagi_pt2_text(r, &p->program->torch_version);
}

tdag_status tdagi_pt2_parse(tdag_ctx *ctx, tdagi_arena *arena, const char *text,
                            size_t size, tdagi_pt2_program *out)
{
    static const tdagi_json_field fields[] = {
        {"graph_module", true, read_module},
        {"range_constraints", false, read_ranges},
        {"schema_version", true, read_version},
        {"torch_version", false, read_torch_version}};
    *out = (tdagi_pt2_program){.graph = make_graph(arena),
                               .named_tuples.arena = arena,
                               .ranges.arena = arena,
                               .targets.arena = arena,
                               .torch_version = ""};
    if (out->graph == NULL) return tdagi_nomem(ctx);
    tdagi_json_reader r = {
        .ctx = ctx, .arena = arena, .text = text, .p = text, .end = text + size};
    tdagi_pt2_parser p = {.program = out, .graph = out->graph};
    TDAGI_TRY(tdagi_json_fields(&r, "the program", &p, fields, 4));
    return tdagi_json_end(&r);
}
