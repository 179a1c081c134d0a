/* tdag_to_pt2(): the archive of a program. See write.h. */
#include <tdagger/pt2.h>

#include <string.h>

#include "archive/zip_write.h"
#include "base/tensor.h"
#include "pt2/pt2.h"
#include "pt2/write/write.h"

/* ---- the program ---- */

static void add_list(tdagi_text *to, const char *key, tdagi_text *const *parts,
                     uint32_t n)
{
    bool is_empty = true;
    tdagi_text_printf(to, "\"%s\":[", key);
    for (uint32_t i = 0; i < n; i++) {
        if (parts[i]->length == 0) continue;
        if (!is_empty) tdagi_text_add(to, ",");
        tdagi_text_add_bytes(to, parts[i]->data, parts[i]->length);
        is_empty = false;
    }
    tdagi_text_add(to, "]");
}

static void add_object(tdagi_text *to, const char *key, const tdagi_text *members)
{
    tdagi_text_printf(to, "\"%s\":{", key);
    if (members->length > 0) tdagi_text_add_bytes(to, members->data, members->length);
    tdagi_text_add(to, "}");
}

static void add_graph(tdagi_pt2_writer *w, tdagi_text *to)
{
    tdagi_text *const inputs[] = {&w->leaf_inputs, &w->constant_inputs,
                                  &w->user_inputs};
    tdagi_text *const outputs[] = {&w->outputs}, *const nodes[] = {&w->nodes};
    tdagi_text_add(to, "\"graph\":{");
    add_list(to, "inputs", inputs, 3);
    tdagi_text_add(to, ",");
    add_list(to, "outputs", outputs, 1);
    tdagi_text_add(to, ",");
    add_list(to, "nodes", nodes, 1);
    tdagi_text_add(to, ",");
    add_object(to, "tensor_values", &w->tensors);
    tdagi_text_add(to, ",");
    add_object(to, "sym_int_values", &w->sizes);
    tdagi_text_add(to, ",\"sym_bool_values\":{},\"is_single_tensor_return\":false,"
                       "\"custom_obj_values\":{},\"sym_float_values\":{}}");
}

static void add_program(tdagi_pt2_writer *w, tdagi_text *to)
{
    tdagi_text *const inputs[] = {&w->leaf_specs, &w->constant_specs, &w->user_specs};
    tdagi_text *const outputs[] = {&w->output_specs};
    tdagi_text_add(to, "{\"graph_module\":{");
    add_graph(w, to);
    tdagi_text_add(to, ",\"signature\":{");
    add_list(to, "input_specs", inputs, 3);
    tdagi_text_add(to, ",");
    add_list(to, "output_specs", outputs, 1);
    tdagi_text_add(to, "},\"module_call_graph\":[");
    tdagi_pt2_add_modules(w, to);
    tdagi_text_add(to, "],\"metadata\":{},\"treespec_namedtuple_fields\":{}},"
                       "\"opset_version\":{\"aten\":10},\"range_constraints\":{");
    tdagi_pt2_add_ranges(w, to);
    tdagi_text_add(to, "},\"schema_version\":{\"major\":8,\"minor\":14},\"verifiers\":"
                       "[\"TRAINING\"],\"torch_version\":\"\",\"guards_code\":[]}");
}

/* ---- the archive ---- */

/* Adds a record whose name holds that of the program. */
static tdag_status add_record(tdagi_pt2_writer *w, tdagi_zip_writer *zip,
                              const char *format, const void *data, size_t size)
{
    tdagi_text name;
    tdagi_text_init(&name, w->ctx);
    size_t n = strcspn(format, "@");
    tdagi_text_add_bytes(&name, format, n);
    tdagi_text_add(&name, w->program);
    tdagi_text_add(&name, format + n + 1);
    tdag_status st = name.status;
    if (st == TDAG_OK) st = tdagi_zip_add(zip, name.data, data, size);
    tdagi_text_free(&name);
    return st;
}

static tdag_status add_text(tdagi_zip_writer *zip, const char *name, const char *text)
{
    return tdagi_zip_add(zip, name, text, strlen(text));
}

static tdag_status add_config(tdagi_pt2_writer *w, tdagi_zip_writer *zip,
                              const char *name, const tdagi_text *entries)
{
    tdagi_text text;
    tdagi_text_init(&text, w->ctx);
    tdagi_text_add(&text, "{");
    add_object(&text, "config", entries);
    tdagi_text_add(&text, "}");
    tdag_status st = text.status;
    if (st == TDAG_OK) st = add_record(w, zip, name, text.data, text.length);
    tdagi_text_free(&text);
    return st;
}

static tdag_status add_records(tdagi_pt2_writer *w, tdagi_zip_writer *zip)
{
    for (uint32_t i = 0; i < w->n_records; i++) {
        const tdagi_pt2_record *r = &w->records[i];
        const char *name = tdagi_env_text(&w->env,
                                          r->is_constant ? "data/constants/tensor_%lu"
                                                         : "data/weights/weight_%lu",
                                          (unsigned long)r->number);
        TDAGI_TRY(w->env.status);
        TDAGI_TRY(tdagi_zip_add_tensor(zip, name, r->tensor));
    }
    TDAGI_TRY(add_config(w, zip, "data/weights/@_weights_config.json", &w->weights));
    return add_config(w, zip, "data/constants/@_constants_config.json", &w->constants);
}

/* What pytrees cannot tell where their types are not known: the names of arguments and
 * named tuples. */
static tdag_status add_structure(tdagi_zip_writer *zip, tdag_ctx *ctx, const char *name,
                                 const tdagi_structure *s)
{
    static const tdagi_structure_style plain = {.plain_tuples = true};
    tdagi_text text;
    tdagi_text_init(&text, ctx);
    tdagi_structure_write(s, &plain, &text);
    tdag_status st = text.status;
    if (st == TDAG_OK && strcmp(text.data, s->text) != 0)
        st = add_text(zip, name, s->text);
    tdagi_text_free(&text);
    return st;
}

static tdag_status fill(tdagi_pt2_writer *w, tdagi_zip_writer *zip)
{
    tdagi_text program;
    TDAGI_TRY(add_records(w, zip));
    tdagi_text_init(&program, w->ctx);
    add_program(w, &program);
    tdag_status st = program.status;
    if (st == TDAG_OK)
        st = add_record(w, zip, "models/@.json", program.data, program.length);
    tdagi_text_free(&program);
    if (st == TDAG_OK) st = add_record(w, zip, "data/sample_inputs/@.pt", "", 0);
    if (st == TDAG_OK)
        st = add_structure(zip, w->ctx, TDAGI_PT2_TAKES, tdagi_model_inputs(w->model));
    if (st == TDAG_OK)
        st = add_structure(zip, w->ctx, TDAGI_PT2_GIVES, tdagi_model_outputs(w->model));
    if (st == TDAG_OK) st = add_text(zip, "archive_format", "pt2");
    if (st == TDAG_OK) st = add_text(zip, "archive_version", "0");
    if (st == TDAG_OK) st = add_text(zip, ".data/version", "6\n");
    if (st == TDAG_OK) st = add_text(zip, "byteorder", "little");
    return st;
}

static tdag_status check(tdagi_pt2_writer *w, tdagi_zip_writer *zip)
{
    tdagi_mapping *archive = NULL;
    TDAGI_TRY(tdagi_zip_map(zip, &archive));
    tdag_status st = tdagi_pt2_check(w, archive);
    tdagi_mapping_release(archive);
    return st;
}

static tdag_status save(tdagi_pt2_writer *w)
{
    tdagi_zip_writer *zip = NULL;
    TDAGI_TRY(tdagi_zip_create(w->ctx, w->path, "archive", &zip));
    tdag_status st = fill(w, zip);
    if (st == TDAG_OK && w->is_checked) st = check(w, zip);
    if (st == TDAG_OK) return tdagi_zip_finish(zip);
    tdagi_zip_abandon(zip);
    return st;
}

/* ---- all ---- */

#define N_TEXTS 15

static tdagi_text *const *texts_of(tdagi_pt2_writer *w, tdagi_text *out[N_TEXTS])
{
    tdagi_text *all[] = {&w->leaf_inputs,    &w->leaf_specs,   &w->constant_inputs,
                         &w->constant_specs, &w->user_inputs,  &w->user_specs,
                         &w->outputs,        &w->output_specs, &w->nodes,
                         &w->tensors,        &w->sizes,        &w->weights,
                         &w->constants,      &w->calls,        &w->piece};
    memcpy(out, all, sizeof(all));
    return out;
}

static bool start(tdagi_pt2_writer *w, const tdagi_statements *s)
{
    size_t n = (size_t)s->raised->n + 1;
    w->s = s;
    w->values = tdagi_env_alloc(&w->env, n * sizeof(*w->values));
    w->tuples = tdagi_env_alloc(&w->env, n * sizeof(*w->tuples));
    w->inputs = tdagi_env_alloc(&w->env, (w->g->n_inputs + 1u) * sizeof(*w->inputs));
    if (w->values == NULL || w->tuples == NULL || w->inputs == NULL) return false;
    for (size_t i = 0; i < n; i++)
        w->values[i] = w->tuples[i] = tdagi_any_poison();
    return true;
}

static tdag_status read_statements(void *user, const tdagi_statements *s)
{
    tdagi_pt2_writer *w = user;
    if (!start(w, s)) return w->env.status;
    tdagi_pt2_find_called(w);
    tdagi_pt2_add_leaves(w);
    tdagi_pt2_add_inputs(w);
    tdagi_pt2_run(w);
    tdagi_pt2_add_outputs(w);
    TDAGI_TRY(w->env.status);
    TDAGI_TRY(tdag_builder_get_status(w->env.b));
    TDAGI_TRY(tdagi_pool_report(w->ctx, w->env.pool));
    tdagi_text *texts[N_TEXTS];
    texts_of(w, texts);
    for (uint32_t i = 0; i < N_TEXTS; i++)
        TDAGI_TRY(texts[i]->status);
    return save(w);
}

/* One attempt; *wrong_out is the composite whose call is not what it stands for. */
static tdag_status attempt(const tdagi_pt2_writer *plan, const bool *by_parts,
                           uint32_t *wrong_out)
{
    tdagi_pt2_writer w = *plan;
    tdagi_text *texts[N_TEXTS];
    tdagi_env_init(&w.env, w.ctx);
    w.taken.arena = w.overload.arena = w.modules.arena = &w.env.arena;
    texts_of(&w, texts);
    for (uint32_t i = 0; i < N_TEXTS; i++)
        tdagi_text_init(texts[i], w.ctx);
    tdag_status st = w.env.status;
    if (st == TDAG_OK)
        st = tdagi_export_statements(w.ctx, w.g, by_parts, read_statements, &w);
    *wrong_out = w.wrong;
    for (uint32_t i = 0; i < N_TEXTS; i++)
        tdagi_text_free(texts[i]);
    tdagi_env_free(&w.env);
    return st;
}

/* A composite that turns out to be written wrongly is written by its parts, as are
 * those that have complex numbers inside. */
static tdag_status convert(const tdagi_pt2_writer *plan)
{
    bool by_parts[TDAGI_N_COMPOSITES] = {[TDAGI_COMPLEX_MULTIPLY] = true,
                                         [TDAGI_COMPLEX_DIVIDE] = true,
                                         [TDAGI_FFT] = true,
                                         [TDAGI_RFFT] = true,
                                         [TDAGI_IRFFT] = true};
    for (;;) {
        uint32_t wrong = TDAGI_CORE;
        tdag_status st = attempt(plan, by_parts, &wrong);
        if (st == TDAG_OK || wrong == TDAGI_CORE || by_parts[wrong]) return st;
        by_parts[wrong] = true;
    }
}

tdag_status tdag_to_pt2(tdag_ctx *ctx, const tdag_model *model, const char *path,
                        const tdag_pt2_options *options)
{
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    TDAGI_TRY(tdagi_need(ctx, path, "path"));
    tdag_pt2_options o;
    TDAGI_TRY(tdagi_options_load(ctx, &o, sizeof(o), options));
    if ((o.flags & ~(uint32_t)TDAG_PT2_NO_CHECK) != 0)
        return tdagi_fail(ctx, TDAG_E_ARG, "an unknown flag of .pt2 files");
    tdagi_pt2_writer w = {.ctx = ctx,
                          .model = model,
                          .path = path,
                          .scope = "",
                          .last_scope = "",
                          .wrong = TDAGI_CORE,
                          .is_checked = (o.flags & TDAG_PT2_NO_CHECK) == 0};
    w.program = o.program == NULL ? "model" : o.program;
    if (*w.program == '\0' || strpbrk(w.program, "/\\") != NULL)
        return tdagi_fail(ctx, TDAG_E_ARG, "the name of a program is no path");
    w.g = tdag_model_get_graph(model);
    if (w.g == NULL)
        return tdagi_fail(
            ctx, TDAG_E_UNSUPPORTED,
            "the model is a program, which .pt2 files do not hold; .pt and "
            ".tdag files do, and tdag extract --graph takes one of its "
            "graphs");
    return convert(&w);
}
