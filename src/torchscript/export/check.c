/* The proof of an export: its archive is read as any other is, and the graph that comes
 * out is compared with the one that went in. Values are matched by the names that the
 * exporter gave them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/zip.h"
#include "proof/proof.h"
#include "torchscript/export/export.h"
#include "torchscript/torchscript.h"

/* ---- reading it ---- */

/* The model's input as its own reader is told; false for a dim that is an expression.
 */
static bool spec_of(const tdag_graph *g, uint32_t i, tdag_input_spec *out)
{
    const tdagi_node *n = tdagi_graph_node(g, g->inputs[i]);
    memset(out, 0, sizeof *out);
    out->dtype = (tdag_dtype)n->dtype;
    out->rank = n->rank;
    for (uint32_t k = 0; k < n->rank; k++) {
        uint32_t symbol;
        int64_t factor, offset;
        out->shape[k] = tdagi_dim_sample(g->pool, n->shape[k]);
        if (n->shape[k] >= 0) continue;
        if (!tdagi_dim_is_affine(g->pool, n->shape[k], &symbol, &factor, &offset) ||
            factor != 1 || offset != 0)
            return false;
        out->symbol[k] = tdagi_pool_symbol(g->pool, symbol, NULL);
    }
    return true;
}

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

static tdag_status compare(tdagi_exporter *e, const tdag_graph *b)
{
    void *partner = NULL;
    uint32_t wrong = 0;
    TDAGI_TRY(tdagi_array_alloc(e->ctx, b->n + 1u, sizeof(uint32_t), &partner));
    match(e, b, partner);
    tdag_status st = tdagi_prove_file(e->ctx, e->g, b, partner, &wrong);
    tdagi_free(e->ctx, partner, (b->n + 1u) * sizeof(uint32_t));
    if (wrong != 0) e->wrong = e->r->kernel_of[wrong];
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
    if (st == TDAG_OK && entry != NULL) e->wrong = kernel_of_text(e, text, size, line);
    tdagi_zip_close(zip);
    return st;
}

/* ---- all ---- */

static tdag_status read_and_compare(tdagi_exporter *e, tdagi_mapping *archive,
                                    const tdag_input_spec *specs)
{
    const tdagi_torchscript_file file = {archive, "the export"};
    const char **values = NULL;
    tdag_model *model = NULL;
    tdag_torchscript_options o;
    tdag_torchscript_options_init(&o);
    TDAGI_TRY(list_values(e, &values, &o.n_values));
    o.values = values;
    tdag_status st =
        tdagi_torchscript_read(e->ctx, &file, specs, e->g->n_inputs, &o, &model);
    if (st != TDAG_OK) {
        st = tdagi_file_is_wrong(e->ctx, st);
        return tdagi_is_final(st) || find_place(e, archive) == TDAG_OK
                   ? st
                   : tdag_ctx_get_error(e->ctx)->status;
    }
    st = compare(e, tdag_model_get_graph(model));
    tdag_model_free(model);
    return st;
}

tdag_status tdagi_export_check(tdagi_exporter *e, tdagi_mapping *archive)
{
    void *specs = NULL;
    const size_t n = e->g->n_inputs;
    bool plain = !has_opaque(e->g);
    TDAGI_TRY(tdagi_array_alloc(e->ctx, n, sizeof(tdag_input_spec), &specs));
    for (uint32_t i = 0; i < n && plain; i++)
        plain = spec_of(e->g, i, (tdag_input_spec *)specs + i);
    tdag_status st = plain ? read_and_compare(e, archive, specs) : TDAG_OK;
    tdagi_free(e->ctx, specs, n * sizeof(tdag_input_spec));
    return st;
}
