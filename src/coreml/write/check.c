/* The proof of an export: the package is read again as any other is, and the graph that
 * comes out, prepared as the model's was, has to compute what that does. Values are
 * matched by the names that the exporter gave them. Graphs with sizes that are
 * expressions of inputs', and operators that the reader does not know, are not proven.
 * Of a program the statements are, in the dtypes that Core ML has, with constants that
 * are halves where they were written so. */
#include <string.h>

#include "coreml/coreml.h"
#include "coreml/write/mil.h"
#include "proof/proof.h"

/* ---- reading it ---- */

static tdag_status read_package(tdagi_mil_writer *w, const char *path,
                                const tdag_input_spec *specs, tdag_model **out)
{
    tdagi_package package;
    tdag_coreml_options o;
    tdag_coreml_options_init(&o);
    TDAGI_TRY(tdagi_package_open(w->ctx, path, &package));
    package.what = "the export";
    tdag_status st = tdagi_coreml_read(
        &package, specs, w->now.g == NULL ? 0 : w->now.g->n_inputs, &o, out);
    tdagi_package_close(&package);
    return st == TDAG_OK || st == TDAG_E_UNSUPPORTED ? st
                                                     : tdagi_file_is_wrong(w->ctx, st);
}

/* ---- matching ---- */

/* Whether the value of the program is what the kernel computes, as it is. */
static bool stands_for(tdagi_mil v, const tdagi_kernel *k)
{
    tdagi_type type;
    if (v == NULL || v->is_const || v->held != NULL || k->value.id == 0) return false;
    tdagi_mil_type_of(k, &type);
    return v->type.dtype == type.dtype && tdagi_mil_same_shape(&v->type, &type);
}

static tdag_status match(tdagi_mil_writer *w, const tdag_graph *b, uint32_t *partner)
{
    tdagi_table by_name = {NULL, 0, 0};
    for (uint32_t i = 1; i <= w->now.r->n; i++) {
        const tdagi_mil v = w->now.value[i];
        if (!stands_for(v, tdagi_mil_kernel(w, i))) continue;
        void **place = tdagi_table_at(&w->arena, &by_name, v->name, strlen(v->name));
        if (place == NULL) return tdagi_nomem(w->ctx);
        if (*place == NULL) *place = &w->now.r->kernels[i];
    }
    for (uint32_t id = 1; id <= b->n; id++) {
        const tdagi_node *n = &b->nodes[id];
        if (n->name == NULL || tdagi_op_is_leaf(n->op)) continue;
        const tdagi_kernel *k = tdagi_table_get(&by_name, n->name, strlen(n->name));
        if (k != NULL) partner[id] = k->value.id;
    }
    return TDAG_OK;
}

static tdag_status compare(tdagi_mil_writer *w, const tdag_graph *b)
{
    void *partner = NULL;
    uint32_t wrong = 0;
    const size_t n = (size_t)b->n + 1;
    TDAGI_TRY(tdagi_array_alloc(w->ctx, n, sizeof(uint32_t), &partner));
    tdag_status st = match(w, b, partner);
    if (st == TDAG_OK) st = tdagi_prove_file(w->ctx, w->now.g, b, partner, &wrong);
    tdagi_free(w->ctx, partner, n * sizeof(uint32_t));
    if (wrong != 0)
        w->wrong_composite = tdagi_mil_kernel(w, w->now.r->kernel_of[wrong])->composite;
    return st;
}

static tdag_status check_with(tdagi_mil_writer *w, const char *path,
                              tdag_input_spec *specs)
{
    tdag_model *model = NULL;
    tdag_graph *g = NULL;
    for (uint32_t i = 0; i < w->now.g->n_inputs; i++) {
        const tdag_graph *of = tdag_model_get_graph(w->model);
        if (!tdagi_input_spec_of(of, i, &specs[i])) return TDAG_OK;
        if (specs[i].dtype == TDAG_F64) specs[i].dtype = TDAG_F32;
    }
    tdag_status st = read_package(w, path, specs, &model);
    if (st == TDAG_E_UNSUPPORTED) return TDAG_OK; /* nothing is known of it */
    TDAGI_TRY(st);
    st = tdagi_coreml_prepare(w->ctx, tdag_model_get_graph(model), w, &g);
    if (st == TDAG_OK) st = compare(w, g);
    tdag_graph_free(g);
    tdag_model_free(model);
    return st;
}

/* ---- programs ---- */

/* Graphs as Core ML has them, in halves where the constants were written so. */
static tdag_status hold_graphs(tdagi_mil_writer *w, const tdag_model *m, bool in_halves,
                               tdag_graph ***out)
{
    tdag_status st = TDAG_OK;
    tdag_graph **graphs =
        tdagi_mil_alloc(w, (m->n_graphs + (size_t)1) * sizeof *graphs);
    for (uint32_t i = 0; graphs != NULL && i < m->n_graphs && st == TDAG_OK; i++) {
        st = tdagi_coreml_prepare_called(w->ctx, m->graphs[i].graph, in_halves,
                                         &graphs[i]);
        if (st == TDAG_OK) st = tdagi_mil_keep_graph(w, graphs[i]);
    }
    *out = graphs;
    return st == TDAG_OK ? w->status : st;
}

static tdag_status compare_methods(tdagi_mil_writer *w, const tdag_model *again)
{
    const tdag_model *model = w->model;
    const bool f16 = tdagi_mil_is_f16(w);
    tdagi_proof_held held = {.as = tdagi_coreml_held_as, .tolerance = f16 ? 2e-2 : 0};
    bool is_proven;
    TDAGI_TRY(hold_graphs(w, model, f16, &held.graphs[0]));
    TDAGI_TRY(hold_graphs(w, again, false, &held.graphs[1]));
    for (uint32_t i = 0; i < model->n_methods; i++) {
        const tdagi_method *m = model->methods[i];
        const tdagi_method *b = m == tdagi_model_forward(model)
                                    ? tdagi_model_forward(again)
                                    : tdagi_model_method(again, m->name);
        uint32_t wrong = 0;
        if (b == NULL) continue;
        TDAGI_TRY(
            tdagi_prove_methods(w->ctx, model, m, again, b, &held, &wrong, &is_proven));
        if (wrong != 0)
            return tdagi_fail(w->ctx, TDAG_E_INTERNAL,
                              "the exported file is wrong: method %.80s, statement %u",
                              m->name, (unsigned)wrong);
    }
    return TDAG_OK;
}

static tdag_status check_program(tdagi_mil_writer *w, const char *path)
{
    tdag_model *again = NULL;
    tdag_status st = read_package(w, path, NULL, &again);
    if (st == TDAG_E_UNSUPPORTED) return TDAG_OK;
    if (st == TDAG_OK) st = compare_methods(w, again);
    tdag_model_free(again);
    return st;
}

tdag_status tdagi_mil_check(tdagi_mil_writer *w, const char *path)
{
    void *specs = NULL;
    if (w->now.g == NULL) return check_program(w, path);
    const size_t n = (size_t)w->now.g->n_inputs + 1;
    TDAGI_TRY(tdagi_array_alloc(w->ctx, n, sizeof(tdag_input_spec), &specs));
    tdag_status st = check_with(w, path, specs);
    tdagi_free(w->ctx, specs, n * sizeof(tdag_input_spec));
    return st;
}
