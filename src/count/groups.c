/* The counts of a method by graph, operator and module: a walk whose columns are those
 * of one group after the other. Every row is summed over the run by itself, so where an
 * `if` counts the larger of its arms, rows may add up to more than the whole. */
#include <string.h>

#include "analysis/tables.h"
#include "count/report.h"
#include "program/name_map.h"

/* Names in the order in which they were met. */
typedef struct names {
    tdagi_name_map map; /* to the number + 1 */
    const char **v;
    uint32_t n;
} names;

typedef struct tdagi_groups {
    tdagi_tables *tables; /* by graph */
    uint32_t n_tables;
    names ops, modules;
    size_t most; /* names of either */
} groups;

/* ---- names ---- */

static tdag_status add_name(tdag_ctx *ctx, names *to, const char *name)
{
    if (tdagi_name_map_get(&to->map, name) != 0) return TDAG_OK;
    TDAGI_TRY(tdagi_name_map_put(ctx, &to->map, name, to->n + 1));
    to->v[to->n++] = name;
    return TDAG_OK;
}

/* What a statement that is no call counts as; NULL: it counts nothing. */
static const char *operator_of(const tdagi_statement *s)
{
    if (s->kind == TDAGI_APPLY) return s->text;
    bool counts = s->kind == TDAGI_DRAW || s->kind == TDAGI_CHECK;
    return counts ? tdagi_statement_name(s->kind) : NULL;
}

static tdag_status name_statements(tdag_ctx *ctx, groups *g, const tdagi_block *block)
{
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next) {
        const char *name = operator_of(s);
        if (name != NULL) TDAGI_TRY(add_name(ctx, &g->ops, name));
        for (uint32_t i = 0; i < s->n_blocks; i++)
            TDAGI_TRY(name_statements(ctx, g, &s->blocks[i]));
    }
    return TDAG_OK;
}

static tdag_status name_all(tdagi_program_report *r, groups *g)
{
    void *block = NULL;
    g->most = 1;
    for (uint32_t i = 0; i < g->n_tables; i++)
        g->most += g->tables[i].n_ops + (size_t)g->tables[i].n_modules;
    for (uint32_t i = 0; i < r->model->n_methods; i++)
        g->most += tdagi_block_count(&r->model->methods[i]->body);
    TDAGI_TRY(tdagi_array_alloc(r->ctx, g->most, sizeof(char *), &block));
    g->ops.v = block;
    TDAGI_TRY(tdagi_array_alloc(r->ctx, g->most, sizeof(char *), &block));
    g->modules.v = block;
    TDAGI_TRY(add_name(r->ctx, &g->modules, ""));
    for (uint32_t i = 0; i < g->n_tables; i++) {
        for (uint32_t k = 0; k < g->tables[i].n_ops; k++)
            TDAGI_TRY(add_name(r->ctx, &g->ops, g->tables[i].ops[k].op));
        for (uint32_t k = 0; k < g->tables[i].n_modules; k++)
            TDAGI_TRY(add_name(r->ctx, &g->modules, g->tables[i].modules[k].path));
    }
    for (uint32_t i = 0; i < r->model->n_methods; i++)
        TDAGI_TRY(name_statements(r->ctx, g, &r->model->methods[i]->body));
    return TDAG_OK;
}

/* ---- prices ---- */

static tdag_status add_unit(void *user, const tdagi_unit *unit)
{
    return tdagi_tables_add(user, unit);
}

/* A parameter that several graphs have counts in the first. */
static tdag_status add_leaf(void *user, const tdag_graph *graph, tdag_value leaf,
                            int64_t n_elements)
{
    const tdagi_program_report *r = user;
    uint32_t i = 0;
    if (tdagi_graph_node(graph, leaf)->op != TDAG_OP_PARAMETER) return TDAG_OK;
    while (r->model->graphs[i].graph != graph)
        i++;
    return tdagi_tables_add_leaf(&r->groups->tables[i], leaf, n_elements);
}

tdag_status tdagi_groups_make(tdagi_program_report *r)
{
    void *block = NULL;
    tdagi_leaf_memory memory;
    TDAGI_TRY(tdagi_alloc(r->ctx, sizeof(groups), &block));
    groups *g = r->groups = block;
    TDAGI_TRY(tdagi_array_alloc(r->ctx, r->model->n_graphs, sizeof *g->tables, &block));
    g->tables = block;
    for (; g->n_tables < r->model->n_graphs; g->n_tables++) {
        tdagi_tables *t = &g->tables[g->n_tables];
        tdag_status st = tdagi_tables_init(t, r->prices.pricers[g->n_tables]);
        if (st == TDAG_OK) st = tdagi_price(t->pricer, r->options->level, add_unit, t);
        if (st != TDAG_OK) tdagi_tables_free(t);
        TDAGI_TRY(st);
    }
    TDAGI_TRY(tdagi_count_memory(r->ctx, r->model, &memory, add_leaf, r));
    return name_all(r, g);
}

void tdagi_groups_free(tdagi_program_report *r)
{
    groups *g = r->groups;
    if (g == NULL) return;
    for (uint32_t i = 0; i < g->n_tables; i++)
        tdagi_tables_free(&g->tables[i]);
    tdagi_free(r->ctx, g->tables, r->model->n_graphs * sizeof *g->tables);
    tdagi_name_map_free(r->ctx, &g->ops.map);
    tdagi_name_map_free(r->ctx, &g->modules.map);
    tdagi_free(r->ctx, g->ops.v, g->most * sizeof(char *));
    tdagi_free(r->ctx, g->modules.v, g->most * sizeof(char *));
    tdagi_free(r->ctx, g, sizeof *g);
}

/* ---- a method ---- */

/* Groups stand in that order: graphs, operators, modules. */
static tdag_status put_price(tdagi_prices *p, uint32_t graph, uint32_t group,
                             const tdagi_sum *sum)
{
    tdag_dim *to = &p->counts[graph * p->n_columns + group * TDAGI_N_COLUMNS];
    to[0] = sum->nodes;
    to[TDAGI_N_COLUMNS - 1] = sum->unpriced;
    return tdagi_sum_finish(p->pricers[graph], sum, to + 1);
}

static tdag_status put_prices(const tdagi_program_report *r, tdagi_prices *p)
{
    const groups *g = r->groups;
    const uint32_t n = r->model->n_graphs;
    for (uint32_t i = 0; i < n; i++) {
        const tdagi_tables *t = &g->tables[i];
        tdagi_sum all = {0};
        for (uint32_t k = 0; k < t->n_ops; k++) {
            uint32_t op = tdagi_name_map_get(&g->ops.map, t->ops[k].op) - 1;
            TDAGI_TRY(put_price(p, i, n + op, &t->ops[k].sum));
            TDAGI_TRY(tdagi_sum_merge(p->pricers[i], &all, &t->ops[k].sum));
        }
        for (uint32_t k = 0; k < t->n_modules; k++) {
            const tdagi_module_count *m = &t->modules[k];
            uint32_t module = tdagi_name_map_get(&g->modules.map, m->path) - 1;
            TDAGI_TRY(put_price(p, i, n + g->ops.n + module, &m->self));
        }
        TDAGI_TRY(put_price(p, i, i, &all));
        p->counts[i * p->n_columns + p->n_groups * TDAGI_N_COLUMNS + i] = 1;
    }
    return TDAG_OK;
}

static void put_groups(const tdagi_program_report *r, const tdagi_block *block,
                       uint32_t *of, uint32_t *at)
{
    const groups *g = r->groups;
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next) {
        const char *name = operator_of(s);
        uint32_t *to = of + 2 * (size_t)(*at)++;
        to[0] = to[1] = UINT32_MAX;
        if (name != NULL) {
            to[0] = r->model->n_graphs + tdagi_name_map_get(&g->ops.map, name) - 1;
            to[1] = r->model->n_graphs + g->ops.n; /* the module "" */
        }
        for (uint32_t i = 0; i < s->n_blocks; i++)
            put_groups(r, &s->blocks[i], of, at);
    }
}

static bool is_nothing(const tdagi_ratio *columns)
{
    int i = 0;
    while (i < TDAGI_N_COLUMNS && columns[i].num == 0)
        i++;
    return i == TDAGI_N_COLUMNS;
}

static void write_graphs(tdagi_program_report *r, tdagi_walk *w)
{
    const tdagi_ratio *times = w->total + w->prices->n_groups * TDAGI_N_COLUMNS;
    tdagi_write_open_lines(&r->json, "by_graph", '[');
    for (uint32_t i = 0; i < r->model->n_graphs; i++) {
        if (times[i].num == 0) continue;
        tdagi_write_open(&r->json, NULL, '{');
        tdagi_write_string(&r->json, "graph", r->model->graphs[i].name);
        tdagi_write_count(&r->json, "times", w->pool,
                          tdagi_ratio_dim(w->pool, times[i]));
        tdagi_write_columns(r, w->pool, w->total + i * TDAGI_N_COLUMNS);
        tdagi_write_close(&r->json, '}');
    }
    tdagi_write_close(&r->json, ']');
}

static void write_ops(tdagi_program_report *r, tdagi_walk *w)
{
    const tdagi_ratio *from = w->total + r->model->n_graphs * TDAGI_N_COLUMNS;
    tdagi_write_open_lines(&r->json, "by_op", '[');
    for (uint32_t i = 0; i < r->groups->ops.n; i++, from += TDAGI_N_COLUMNS) {
        if (is_nothing(from)) continue;
        tdagi_ratio count =
            tdagi_ratio_add(w->pool, from[0], from[TDAGI_N_COLUMNS - 1]);
        tdagi_write_open(&r->json, NULL, '{');
        tdagi_write_string(&r->json, "op", r->groups->ops.v[i]);
        tdagi_write_count(&r->json, "count", w->pool, tdagi_ratio_dim(w->pool, count));
        tdagi_write_columns(r, w->pool, from);
        tdagi_write_close(&r->json, '}');
    }
    tdagi_write_close(&r->json, ']');
}

/* The number of the module around one; modules stand behind those around them. */
static uint32_t parent_of(const groups *g, uint32_t i)
{
    const char *path = g->modules.v[i], *dot = strrchr(path, '.');
    size_t n = dot == NULL ? 0 : (size_t)(dot - path);
    uint32_t k = i;
    while (k-- > 0)
        if (strncmp(g->modules.v[k], path, n) == 0 && g->modules.v[k][n] == '\0')
            return k;
    return 0;
}

static int64_t parameters_of(const groups *g, const char *path)
{
    int64_t sum = 0;
    size_t n = strlen(path);
    for (uint32_t i = 0; i < g->n_tables; i++)
        for (uint32_t k = 0; k < g->tables[i].n_modules; k++) {
            const tdagi_module_count *m = &g->tables[i].modules[k];
            bool inside = n == 0 || (strncmp(m->path, path, n) == 0 &&
                                     (m->path[n] == '\0' || m->path[n] == '.'));
            if (inside) sum += m->parameters;
        }
    return sum;
}

static tdag_status write_modules(tdagi_program_report *r, tdagi_walk *w)
{
    const groups *g = r->groups;
    const tdagi_ratio *self =
        w->total + (r->model->n_graphs + g->ops.n) * TDAGI_N_COLUMNS;
    const size_t n = (size_t)g->modules.n * TDAGI_N_COLUMNS;
    tdagi_ratio *all = tdagi_arena_array(&w->arena, n, sizeof *all);
    if (all == NULL) return tdagi_nomem(r->ctx);
    memcpy(all, self, n * sizeof *all);
    for (uint32_t i = g->modules.n; i-- > 1;)
        for (uint32_t c = 0; c < TDAGI_N_COLUMNS; c++) {
            tdagi_ratio *to = &all[parent_of(g, i) * TDAGI_N_COLUMNS + c];
            *to = tdagi_ratio_add(w->pool, *to, all[i * TDAGI_N_COLUMNS + c]);
        }
    tdagi_write_open_lines(&r->json, "by_module", '[');
    for (uint32_t i = 0; i < g->modules.n; i++) {
        if (i > 0 && is_nothing(all + i * TDAGI_N_COLUMNS)) continue;
        tdagi_write_open(&r->json, NULL, '{');
        tdagi_write_string(&r->json, "module", g->modules.v[i]);
        tdagi_write_int(&r->json, "parameters", parameters_of(g, g->modules.v[i]));
        tdagi_write_columns(r, w->pool, all + i * TDAGI_N_COLUMNS);
        tdagi_write_open(&r->json, "self", '{');
        tdagi_write_columns(r, w->pool, self + i * TDAGI_N_COLUMNS);
        tdagi_write_close(&r->json, '}');
        tdagi_write_close(&r->json, '}');
    }
    tdagi_write_close(&r->json, ']');
    return TDAG_OK;
}

static tdag_status write_all(tdagi_program_report *r, const tdagi_prices *p,
                             const tdagi_method *m)
{
    tdagi_walk w = {.ctx = NULL};
    tdag_status st = tdagi_walk_method(r->ctx, p, m, &r->at, &w);
    if (st == TDAG_OK) {
        write_graphs(r, &w);
        write_ops(r, &w);
        st = write_modules(r, &w);
    }
    if (st == TDAG_OK) st = tdagi_pool_report(r->ctx, w.pool);
    tdagi_walk_free(&w);
    return st;
}

tdag_status tdagi_write_groups(tdagi_program_report *r, const tdagi_method *m)
{
    const groups *g = r->groups;
    const uint32_t n_graphs = r->model->n_graphs;
    tdagi_prices p = {.ctx = r->ctx, .model = r->model, .pricers = r->prices.pricers};
    p.n_groups = n_graphs + g->ops.n + g->modules.n;
    p.n_columns = p.n_groups * TDAGI_N_COLUMNS + n_graphs;
    size_t n = (size_t)n_graphs * p.n_columns;
    size_t n_of = 2 * (size_t)tdagi_block_count(&m->body);
    void *counts = NULL, *of = NULL;
    TDAGI_TRY(tdagi_array_alloc(r->ctx, n, sizeof(tdag_dim), &counts));
    tdag_status st = tdagi_array_alloc(r->ctx, n_of, sizeof(uint32_t), &of);
    if (st == TDAG_OK) {
        uint32_t at = 0;
        p.counts = counts;
        p.groups_of = of;
        put_groups(r, &m->body, of, &at);
        st = put_prices(r, &p);
        if (st == TDAG_OK) st = write_all(r, &p, m);
        tdagi_free(r->ctx, of, n_of * sizeof(uint32_t));
    }
    tdagi_free(r->ctx, counts, n * sizeof(tdag_dim));
    return st;
}
