/* The proof of an export: its archive is read as any other is, and the graph that comes
 * out is compared with the one that went in; of a program each graph, which is a method
 * of the archive. Values are matched by the names that the exporter gave them. Where
 * the reader cannot be told the sizes of a graph, it is proven at its sample sizes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tdagger/symbol.h>

#include "archive/zip.h"
#include "proof/proof.h"
#include "torchscript/export/export.h"
#include "torchscript/torchscript.h"

/* ---- reading it ---- */

/* What is no plain tensor is told by its text, "past=[T, T]". */
static tdag_status list_values(tdagi_exporter *e, const char ***out, uint32_t *n_out)
{
    const tdagi_structure_node *root = e->takes->nodes;
    bool is_list = root->kind == TDAGI_STRUCTURE_TUPLE && root->u.s == NULL;
    const tdagi_structure_node *item = is_list ? tdagi_structure_first(root) : root;
    uint32_t n = is_list ? root->n : 1;
    static const tdagi_structure_style style = {0};
    *n_out = 0;
    *out = tdagi_arena_array(&e->arena, n + 1u, sizeof **out);
    if (*out == NULL) return tdagi_nomem(e->ctx);
    for (uint32_t i = 0; i < n; i++, item = tdagi_structure_next(item)) {
        const tdagi_structure one = {.nodes = (tdagi_structure_node *)(uintptr_t)item,
                                     .n = item->size};
        if (item->kind == TDAGI_STRUCTURE_TENSOR) continue;
        tdagi_text text;
        tdagi_text_init(&text, e->ctx);
        tdagi_text_printf(&text, "%s=", e->names[i]);
        tdagi_structure_write(&one, &style, &text);
        const char *kept = tdagi_export_keep(e, &text);
        if (kept == NULL) return e->body.status;
        (*out)[(*n_out)++] = kept;
    }
    return TDAG_OK;
}

static bool has_opaque(const tdag_graph *g)
{
    for (uint32_t id = 1; id <= g->n; id++)
        if (g->nodes[id].op == TDAG_OP_OPAQUE) return true;
    return false;
}

/* ---- matching ---- */

/* The kernel that a name "v12", "v12.1", "v12_1" stands for; 0: none. */
static uint32_t kernel_of_name(const tdagi_exporter *e, const char *name)
{
    char *end = NULL;
    size_t mark = strlen(e->mark);
    if (name == NULL || strncmp(name, e->mark, mark) != 0) return 0;
    const char *rest = name + mark;
    if (rest[0] != 'v' || rest[1] < '1' || rest[1] > '9') return 0;
    unsigned long i = strtoul(rest + 1, &end, 10);
    if (i > e->r->n || (*end != '\0' && *end != '.' && *end != '_')) return 0;
    const char *var = e->var[i];
    size_t n = (size_t)(end - name);
    return var != NULL && strlen(var) == n && strncmp(var, name, n) == 0 ? (uint32_t)i
                                                                         : 0;
}

static void match(const tdagi_exporter *e, const tdag_graph *b, uint32_t *partner)
{
    for (uint32_t id = 1; id <= b->n; id++) {
        if (tdagi_op_is_leaf(b->nodes[id].op)) continue;
        uint32_t kernel = kernel_of_name(e, b->nodes[id].name);
        if (kernel != 0) partner[id] = e->r->kernels[kernel].value.id;
    }
}

static void blame(tdagi_exporter *e, uint32_t kernel)
{
    e->wrong_composite = kernel == 0 ? TDAGI_CORE : e->r->kernels[kernel].composite;
}

static tdag_status compare(tdagi_exporter *e, const tdag_graph *b)
{
    void *partner = NULL;
    uint32_t wrong = 0;
    TDAGI_TRY(tdagi_array_alloc(e->ctx, b->n + 1u, sizeof(uint32_t), &partner));
    if (e->r != NULL) match(e, b, partner);
    tdag_status st = tdagi_prove_file(e->ctx, e->g, b, partner, &wrong);
    tdagi_free(e->ctx, partner, (b->n + 1u) * sizeof(uint32_t));
    if (wrong != 0 && e->r != NULL) blame(e, e->r->kernel_of[wrong]);
    return st;
}

/* ---- what cannot be read ---- */

#define ROOT_FILE "code/__torch__.py"

/* The kernel whose statement stands in that line of the root's file; 0: none. */
static uint32_t kernel_of_text(const tdagi_exporter *e, const char *text, size_t size,
                               unsigned long line)
{
    const char *end = text + size;
    for (; line > 1 && text < end; line--) {
        const char *next = memchr(text, '\n', (size_t)(end - text));
        text = next == NULL ? end : next + 1;
    }
    while (text < end && *text == ' ')
        text++;
    char name[16];
    size_t n = 0;
    for (; n + 1 < sizeof name && text + n < end && text[n] != ' '; n++)
        name[n] = text[n];
    name[n] = '\0';
    return kernel_of_name(e, name);
}

/* The kernel at which the reader failed, whose sentence names a line; 0: none. */
static tdag_status find_place(tdagi_exporter *e, tdagi_mapping *archive)
{
    const char *at = strstr(tdag_ctx_get_error(e->ctx)->message, ROOT_FILE ":");
    tdagi_zip *zip = NULL;
    const void *text = NULL;
    size_t size = 0;
    if (at == NULL) return TDAG_OK;
    unsigned long line = strtoul(at + sizeof ROOT_FILE, NULL, 10);
    TDAGI_TRY(tdagi_zip_open(e->ctx, archive, "the export", &zip));
    const tdagi_zip_entry *entry = tdagi_zip_find(zip, ROOT_FILE);
    tdag_status st = TDAG_OK;
    if (entry != NULL) st = tdagi_zip_read(e->ctx, zip, entry, &text, &size);
    if (st == TDAG_OK && entry != NULL) blame(e, kernel_of_text(e, text, size, line));
    tdagi_zip_close(zip);
    return st;
}

/* ---- all ---- */

/* How a graph is read back. */
typedef struct reading {
    const char *method; /* NULL: forward */
    tdag_input_spec *specs;
    const char **values;
    uint32_t n_values;
    bool is_unread;
    bool has_no_gradients;
} reading;

static tdag_status read_back(tdagi_exporter *e, tdagi_mapping *archive,
                             const reading *how, tdag_model **out)
{
    const tdagi_torchscript_file file = {archive, "the export", how->has_no_gradients,
                                         &e->kept};
    tdag_torchscript_options o;
    tdag_torchscript_options_init(&o);
    o.method = how->method;
    o.values = how->values;
    o.n_values = how->n_values;
    tdag_status st =
        tdagi_torchscript_read(e->ctx, &file, how->specs, e->g->n_inputs, &o, out);
    if (st == TDAG_OK) return st;
    st = tdagi_file_is_wrong(e->ctx, st);
    return tdagi_is_final(st) || e->r == NULL || find_place(e, archive) == TDAG_OK
               ? st
               : tdag_ctx_get_error(e->ctx)->status;
}

/* Where there are branches for who has gradients and who has none, both. */
static tdag_status read_and_compare(tdagi_exporter *e, tdagi_mapping *archive,
                                    reading *how)
{
    tdag_model *model = NULL;
    how->is_unread = true;
    TDAGI_TRY(read_back(e, archive, how, &model));
    how->is_unread = false;
    tdag_status st = compare(e, tdag_model_get_graph(model));
    tdag_model_free(model);
    if (st != TDAG_OK || !e->has_branches || how->has_no_gradients) return st;
    how->has_no_gradients = true;
    return read_and_compare(e, archive, how);
}

/* The inputs as their own reader is told; false if a size is an expression. */
static bool describe(const tdag_graph *g, tdag_input_spec *specs)
{
    bool plain = true;
    for (uint32_t i = 0; i < g->n_inputs && plain; i++)
        plain = tdagi_input_spec_of(g, i, &specs[i]);
    return plain;
}

static tdag_status check_straight(tdagi_exporter *e, tdagi_mapping *archive,
                                  reading *how)
{
    if (!describe(e->g, how->specs)) return TDAG_OK;
    TDAGI_TRY(list_values(e, &how->values, &how->n_values));
    return read_and_compare(e, archive, how);
}

/* ---- graphs of programs ---- */

/* "size_N=3" of the sizes that the graph's method takes, or "N=3" of all its symbols.
 */
static tdag_status list_sizes(tdagi_exporter *e, const tdag_graph *g, bool all,
                              const char ***out, uint32_t *n_out)
{
    uint32_t n = tdagi_pool_n_symbols(g->pool);
    *n_out = 0;
    *out = tdagi_arena_array(&e->arena, n + 1u, sizeof **out);
    if (*out == NULL) return tdagi_nomem(e->ctx);
    for (uint32_t s = 0; s < n; s++) {
        int64_t sample;
        tdagi_text text;
        if (!all && tdagi_export_shows(g, s)) continue;
        const char *name = tdagi_pool_symbol(g->pool, s, &sample);
        tdagi_text_init(&text, e->ctx);
        tdagi_text_printf(&text, "%s%s=%lld", all ? "" : "size_", name,
                          (long long)sample);
        const char *kept = tdagi_export_keep(e, &text);
        if (kept == NULL) return e->body.status;
        (*out)[(*n_out)++] = kept;
    }
    return TDAG_OK;
}

/* At numbers: what the graph becomes has other kernels. */
static tdag_status check_at_samples(tdagi_exporter *e, tdagi_mapping *archive,
                                    reading *how)
{
    const char **sizes;
    uint32_t n;
    tdag_graph *at = NULL;
    const tdag_graph *whole = e->g;
    TDAGI_TRY(list_sizes(e, whole, true, &sizes, &n));
    TDAGI_TRY(tdag_graph_substitute(e->ctx, whole, sizes, n, &at));
    e->g = at;
    e->r = NULL;
    (void)describe(at, how->specs);
    tdag_status st = read_and_compare(e, archive, how);
    e->g = whole;
    tdag_graph_free(at);
    return st;
}

static tdag_status check_graph(tdagi_exporter *e, tdagi_mapping *archive,
                               const tdagi_export_graph *graph, reading *how)
{
    how->method = graph->method;
    TDAGI_TRY(list_sizes(e, graph->g, false, &how->values, &how->n_values));
    if (how->n_values > 0 || !describe(graph->g, how->specs))
        return check_at_samples(e, archive, how);
    tdag_status st = read_and_compare(e, archive, how);
    /* sizes that the program knows to be equal are not, of a graph by itself */
    bool again = how->is_unread && tdagi_pool_n_symbols(graph->g->pool) > 1;
    return again && !tdagi_is_final(st) ? check_at_samples(e, archive, how) : st;
}

static tdag_status check_one(tdagi_exporter *e, tdagi_mapping *archive,
                             const tdagi_export_graph *graph)
{
    void *specs = NULL;
    const size_t n = e->g->n_inputs;
    if (has_opaque(e->g)) return TDAG_OK;
    TDAGI_TRY(tdagi_array_alloc(e->ctx, n, sizeof(tdag_input_spec), &specs));
    reading how = {.specs = specs};
    tdag_status st = graph == NULL ? check_straight(e, archive, &how)
                                   : check_graph(e, archive, graph, &how);
    tdagi_free(e->ctx, specs, n * sizeof(tdag_input_spec));
    return st;
}

/* The exporter as it was when the graph had been written. */
static tdag_status check_kept(tdagi_exporter *e, tdagi_mapping *archive,
                              const tdagi_export_graph *graph)
{
    e->g = graph->g;
    e->r = graph->r;
    e->var = (const char **)(uintptr_t)graph->var;
    tdag_status st = check_one(e, archive, graph);
    e->g = NULL;
    e->r = NULL;
    e->var = NULL;
    return st;
}

/* ---- statements ---- */

/* The methods are read again with their statements. Nothing is told of one that the
 * reader does not take as its own sizes tell. */
static tdag_status compare_method(tdagi_exporter *e, const tdagi_method *m,
                                  const tdag_model *again)
{
    uint32_t wrong = 0;
    bool is_proven = false;
    TDAGI_TRY(tdagi_prove_methods(e->ctx, e->model, m, again, again->methods[0], NULL,
                                  &wrong, &is_proven));
    if (wrong == 0 && (is_proven || e->loops == NULL)) return TDAG_OK;
    tdag_status st =
        tdagi_fail(e->ctx, TDAG_E_INTERNAL,
                   "the exported file is wrong: method %.80s, statement %u", m->name,
                   (unsigned)wrong);
    return st;
}

static tdag_status check_method(tdagi_exporter *e, tdagi_mapping *archive,
                                const tdagi_method *m, tdag_input_spec *specs)
{
    const tdagi_torchscript_file file = {archive, "the export", false, &e->kept};
    tdag_model *again = NULL;
    tdag_torchscript_options o;
    tdag_torchscript_options_init(&o);
    o.method = m->name;
    for (uint32_t i = 0; i < m->body.n_params; i++) {
        const tdagi_var_info *v = tdagi_method_var(m, m->body.params[i]);
        if (!tdagi_input_spec_of_type(m->pool, v->dtype, v->rank, v->shape, &specs[i]))
            return TDAG_OK;
    }
    const char **values = NULL;
    TDAGI_TRY(tdagi_export_structure(e, m->inputs, true, &e->takes));
    tdag_status st = list_values(e, &values, &o.n_values);
    o.values = values;
    if (st == TDAG_OK)
        st = tdagi_torchscript_read(e->ctx, &file, specs, m->body.n_params, &o, &again);
    if (st == TDAG_OK)
        st = compare_method(e, m, again);
    else if (!tdagi_is_final(st))
        st = e->loops == NULL ? TDAG_OK : tdagi_file_is_wrong(e->ctx, st);
    tdag_model_free(again);
    tdagi_structure_free(e->takes);
    e->takes = NULL;
    return st;
}

static tdag_status check_methods(tdagi_exporter *e, tdagi_mapping *archive)
{
    for (uint32_t i = 0; i < e->model->n_methods; i++) {
        const tdagi_method *m = e->model->methods[i];
        size_t size = (m->body.n_params + 1u) * sizeof(tdag_input_spec);
        void *specs = NULL;
        TDAGI_TRY(tdagi_alloc(e->ctx, size, &specs));
        tdag_status st = check_method(e, archive, m, specs);
        tdagi_free(e->ctx, specs, size);
        TDAGI_TRY(st);
    }
    return TDAG_OK;
}

static tdag_status check_all(tdagi_exporter *e, tdagi_mapping *archive)
{
    if (e->g != NULL) return check_one(e, archive, NULL);
    for (const tdagi_export_graph *g = e->graphs; g != NULL; g = g->next)
        TDAGI_TRY(check_kept(e, archive, g));
    for (uint32_t i = 0; i < e->model->n_graphs; i++)
        if (has_opaque(e->model->graphs[i].graph))
            return e->loops == NULL ? TDAG_OK
                                    : tdagi_file_is_wrong(e->ctx, TDAG_E_FORMAT);
    return check_methods(e, archive);
}

tdag_status tdagi_export_check(tdagi_exporter *e, tdagi_mapping *archive)
{
    tdag_status st = check_all(e, archive);
    tdagi_torchscript_drop(&e->kept);
    return st;
}
