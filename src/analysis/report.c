/* The report of a graph: what tdag_info_json() says of a model that is one. One pass
 * over the chosen level fills the tables by operator and by module and writes the rows
 * by node; the totals take one pass a level.
 */
#include "analysis/report.h"
#include "analysis/tables.h"
#include "ir/hash.h"

#include <stdio.h>

typedef struct report {
    tdag_ctx *ctx;
    const tdag_graph *graph;
    tdagi_pricer *p;
    tdag_info_options options;
    tdagi_tables tables;
    tdagi_hasher *hasher; /* NULL: no hashes are asked for */
    tdagi_writer json;
    tdagi_writer nodes; /* the rows by node, on their own until they are appended */
} report;

const char *const tdagi_count_keys[TDAGI_N_COUNTS] = {
    "flops", "macs", "memory_reads", "memory_writes", "read_bytes", "write_bytes",
};

/* The keys of C into an object that is open. */
static tdag_status write_counts(report *r, tdagi_writer *json, const tdagi_sum *sum)
{
    tdag_dim counts[TDAGI_N_COUNTS];
    TDAGI_TRY(tdagi_sum_finish(r->p, sum, counts));
    tdagi_write_int(json, "nodes", sum->nodes);
    for (int i = 0; i < TDAGI_N_COUNTS; i++)
        tdagi_write_count(json, tdagi_count_keys[i], r->p->pool, counts[i]);
    if (sum->unpriced > 0) tdagi_write_int(json, "unpriced", sum->unpriced);
    return TDAG_OK;
}

static void write_value(report *r, const char *name, tdag_value v)
{
    char buf[16];
    const tdagi_node *node = tdagi_graph_node(r->graph, v);
    tdagi_write_open(&r->json, NULL, '{');
    tdagi_write_string(&r->json, "name",
                       name != NULL ? name : tdagi_value_name(r->graph, v, buf));
    tdagi_write_string(&r->json, "dtype", tdag_dtype_name((tdag_dtype)node->dtype));
    tdagi_write_shape(&r->json, "shape", r->p->pool, node->rank, node->shape);
    tdagi_write_close(&r->json, '}');
}

static void write_ends(report *r)
{
    tdagi_write_open(&r->json, "inputs", '[');
    for (uint32_t i = 0; i < r->graph->n_inputs; i++)
        write_value(r, NULL, r->graph->inputs[i]);
    tdagi_write_close(&r->json, ']');
    tdagi_write_open(&r->json, "outputs", '[');
    for (uint32_t i = 0; i < r->graph->n_outputs; i++) {
        char name[16];
        snprintf(name, sizeof(name), "out%u", (unsigned)i);
        write_value(r, name, r->graph->outputs[i]);
    }
    tdagi_write_close(&r->json, ']');
}

static tdag_status add_leaf(void *user, const tdag_graph *g, tdag_value leaf,
                            int64_t n_elements)
{
    report *r = user;
    if (tdagi_graph_node(g, leaf)->op != TDAG_OP_PARAMETER) return TDAG_OK;
    return tdagi_tables_add_leaf(&r->tables, leaf, n_elements);
}

void tdagi_write_memory(tdagi_writer *json, const tdagi_leaf_memory *m)
{
    tdagi_write_int(json, "parameters", m->parameters);
    tdagi_write_int(json, "buffers", m->buffers);
    tdagi_write_int(json, "parameter_bytes", m->parameter_bytes);
    tdagi_write_int(json, "buffer_bytes", m->buffer_bytes);
    tdagi_write_int(json, "constant_bytes", m->constant_bytes);
    if (m->n_states > 0) tdagi_write_int(json, "state_bytes", m->state_bytes);
    tdagi_write_int(json, "total_bytes", m->total_bytes);
}

static tdag_status write_memory(report *r)
{
    tdagi_leaf_memory m;
    tdag_dim peak;
    TDAGI_TRY(tdagi_leaf_memory_of(r->ctx, &r->graph, 1, &m, add_leaf, r));
    TDAGI_TRY(tdagi_peak_of(r->p, &peak));
    tdagi_write_memory(&r->json, &m);
    tdagi_write_count(&r->json, "peak_bytes", r->p->pool, peak);
    return TDAG_OK;
}

static tdag_status write_level(report *r, const char *key, tdag_level level)
{
    tdagi_sum sum;
    TDAGI_TRY(tdagi_sum_level(r->p, level, &sum));
    tdagi_write_open(&r->json, key, '{');
    TDAGI_TRY(write_counts(r, &r->json, &sum));
    tdagi_write_close(&r->json, '}');
    return TDAG_OK;
}

static tdag_status write_totals(report *r)
{
    tdagi_write_open(&r->json, "totals", '{');
    TDAGI_TRY(write_memory(r));
    TDAGI_TRY(write_level(r, "core", TDAG_LEVEL_CORE));
    TDAGI_TRY(write_level(r, "kernel", TDAG_LEVEL_KERNEL));
    TDAGI_TRY(write_level(r, "fused", TDAG_LEVEL_FUSED));
    tdagi_write_close(&r->json, '}');
    return TDAG_OK;
}

static tdag_status write_node(report *r, const tdagi_unit *unit)
{
    char buf[16];
    tdagi_writer *json = &r->nodes;
    tdagi_sum sum = {0};
    TDAGI_TRY(tdagi_sum_add(r->p, &sum, unit));
    tdagi_write_open(json, NULL, '{');
    tdagi_write_string(
        json, "node",
        unit->value.id == 0 ? "" : tdagi_value_name(r->graph, unit->value, buf));
    tdagi_write_string(json, "op", unit->op);
    tdagi_write_string(json, "module", r->graph->scopes[unit->scope]);
    tdagi_write_string(json, "dtype", tdag_dtype_name(unit->dtype));
    tdagi_write_shape(json, "shape", r->p->pool, unit->rank, unit->shape);
    TDAGI_TRY(write_counts(r, json, &sum));
    tdagi_write_close(json, '}');
    return json->text.status;
}

static tdag_status visit(void *user, const tdagi_unit *unit)
{
    report *r = user;
    TDAGI_TRY(tdagi_tables_add(&r->tables, unit));
    return r->options.flags & TDAG_INFO_BY_NODE ? write_node(r, unit) : TDAG_OK;
}

static tdag_status write_ops(report *r)
{
    tdagi_write_open(&r->json, "by_op", '[');
    for (uint32_t i = 0; i < r->tables.n_ops; i++) {
        const tdagi_op_count *row = &r->tables.ops[i];
        tdagi_write_open(&r->json, NULL, '{');
        tdagi_write_string(&r->json, "op", row->op);
        tdagi_write_int(&r->json, "count", row->sum.nodes + row->sum.unpriced);
        TDAGI_TRY(write_counts(r, &r->json, &row->sum));
        tdagi_write_close(&r->json, '}');
    }
    tdagi_write_close(&r->json, ']');
    return TDAG_OK;
}

/* "hash" of the graph (path NULL) or of a module, unless all that it has is weights. */
static tdag_status write_hash(report *r, const char *path)
{
    char hash[TDAG_HASH_SIZE];
    if (r->hasher == NULL) return TDAG_OK;
    TDAGI_TRY(path == NULL ? tdagi_hasher_graph(r->hasher, hash)
                           : tdagi_hasher_module(r->hasher, path, hash));
    if (hash[0] != '\0') tdagi_write_string(&r->json, "hash", hash);
    return TDAG_OK;
}

static tdag_status write_hashes(report *r)
{
    char hash[TDAG_HASH_SIZE];
    TDAGI_TRY(write_hash(r, NULL));
    if ((r->options.flags & TDAG_INFO_CONTENT_HASH) == 0) return TDAG_OK;
    TDAGI_TRY(tdag_graph_get_hash(r->ctx, r->graph, TDAG_HASH_CONTENT, hash));
    tdagi_write_string(&r->json, "content_hash", hash);
    return TDAG_OK;
}

static tdag_status write_modules(report *r)
{
    TDAGI_TRY(tdagi_tables_add_up(&r->tables));
    tdagi_write_open(&r->json, "by_module", '[');
    uint32_t i = 0;
    do {
        const tdagi_module_count *row = &r->tables.modules[i];
        tdagi_write_open(&r->json, NULL, '{');
        tdagi_write_string(&r->json, "module", row->path);
        TDAGI_TRY(write_hash(r, row->path));
        tdagi_write_int(&r->json, "parameters", row->parameters);
        TDAGI_TRY(write_counts(r, &r->json, &row->total));
        tdagi_write_open(&r->json, "self", '{');
        TDAGI_TRY(write_counts(r, &r->json, &row->self));
        tdagi_write_close(&r->json, '}');
        tdagi_write_close(&r->json, '}');
        i = tdagi_tables_next_module(&r->tables, i);
    } while (i != 0);
    tdagi_write_close(&r->json, ']');
    return TDAG_OK;
}

static tdag_status write_report(report *r)
{
    tdagi_write_open(&r->json, NULL, '{');
    tdagi_write_string(&r->json, "format", "tdag-info/1");
    tdagi_write_string(&r->json, "model",
                       r->options.model_name == NULL ? "" : r->options.model_name);
    TDAGI_TRY(write_hashes(r));
    write_ends(r);
    TDAGI_TRY(write_totals(r));
    r->nodes.depth = 2; /* as the items of "by_node" */
    TDAGI_TRY(tdagi_price(r->p, r->options.level, visit, r));
    TDAGI_TRY(write_ops(r));
    TDAGI_TRY(write_modules(r));
    if (r->options.flags & TDAG_INFO_BY_NODE) {
        tdagi_write_open(&r->json, "by_node", '[');
        tdagi_write_append(&r->json, &r->nodes.text);
        tdagi_write_close(&r->json, ']');
    }
    tdagi_write_close(&r->json, '}');
    tdagi_text_add(&r->json.text, "\n");
    return TDAG_OK;
}

static tdag_status make_report(report *r, char **out)
{
    tdagi_text_init(&r->json.text, r->ctx);
    tdagi_text_init(&r->nodes.text, r->ctx);
    tdag_status status = tdagi_tables_init(&r->tables, r->p);
    if (status == TDAG_OK && (r->options.flags & TDAG_INFO_HASH) != 0)
        status = tdagi_hasher_create(r->ctx, r->graph, TDAG_HASH_STRUCTURE, &r->hasher);
    if (status == TDAG_OK) status = write_report(r);
    if (status == TDAG_OK) status = tdagi_text_take(&r->json.text, out);
    tdagi_text_free(&r->json.text);
    tdagi_text_free(&r->nodes.text);
    tdagi_tables_free(&r->tables);
    tdagi_hasher_free(r->hasher);
    return status;
}

tdag_status tdagi_info_graph(tdag_ctx *ctx, const tdag_graph *graph,
                             const tdag_info_options *options, char **out)
{
    report r = {.ctx = ctx, .graph = graph, .options = *options};
    TDAGI_TRY(tdagi_pricer_create(ctx, graph, TDAG_LEVEL_FUSED, &r.p));
    tdag_status status = make_report(&r, out);
    tdagi_pricer_free(r.p);
    return status;
}
