/* tdag_to_torchscript(): raise, put the leaves into a tree, emit one statement per
 * kernel, write. See export.h. */
#include <stdio.h>

#include "torchscript/export/export.h"
#include "torchscript/export/recurrent/recurrent.h"

void tdagi_export_fail(tdagi_exporter *e, const tdagi_kernel *k, tdag_status status,
                       const char *format, ...)
{
    if (e->body.status != TDAG_OK) return;
    char text[TDAGI_MESSAGE_SIZE], buf[16];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    e->body.status = tdagi_fail(e->ctx, status, "%s", text);
    if (k->value.id != 0)
        tdagi_fail_at_node(e->ctx, tdagi_value_name(e->g, k->value, buf),
                           tdagi_value_scope(e->g, k->value));
}

static void count_uses(tdagi_exporter *e)
{
    for (uint32_t i = 1; i <= e->r->n; i++) {
        const tdagi_kernel *k = tdagi_export_kernel(e, i);
        for (uint32_t j = 0; j < k->n_inputs; j++) {
            e->uses[k->inputs[j]]++;
            e->user[k->inputs[j]] = i;
        }
    }
    for (uint32_t i = 0; i < e->g->n_outputs; i++) {
        uint32_t k = e->r->kernel_of[e->g->outputs[i].id];
        e->uses[k]++;
        e->user[k] = 0;
    }
}

/* The exporter raises without these, so it meets what they lower to. */
const tdagi_emitter tdagi_emitter_BY_PARTS = {.format = NULL};

/* The exporter's column of composites.def. */
const tdagi_emitter *tdagi_export_composite_emitter(uint32_t composite)
{
    static const tdagi_emitter *const rows[TDAGI_N_COMPOSITES] = {
#define TDAGI_COMPOSITE(ID, name, definition, min, max, kind, native, exporter,        \
                        coreml)                                                        \
    [TDAGI_##ID] = &tdagi_emitter_##exporter,
#include "derive/composites.def"
    };
    return rows[composite];
}

const tdagi_emitter *tdagi_export_emitter(const tdagi_kernel *k)
{
    return k->composite == TDAGI_CORE ? tdagi_export_core_emitter(k->op)
                                      : tdagi_export_composite_emitter(k->composite);
}

static void emit_kernel(tdagi_exporter *e, uint32_t i)
{
    const tdagi_kernel *k = tdagi_export_kernel(e, i);
    if (tdagi_export_is_leaf(k) || e->deferred[i] || k->is_second || e->var[i] != NULL)
        return;
    const tdagi_emitter *emitter = tdagi_export_emitter(k);
    tdagi_size size;
    if (k->is_size && tdagi_is_size(e->g, k->value.id, &size) && !size.is_ratio)
        tdagi_export_emit(e, k, "torch.scalar_tensor(%d, dtype=%t)", size.n,
                          (int)k->dtype);
    else if (emitter->emit != NULL)
        emitter->emit(e, k);
    else
        tdagi_export_emit(e, k, emitter->format);
}

void tdagi_export_kernels(tdagi_exporter *e)
{
    e->encoder = NULL;
    tdagi_rnn_plan(e);
    tdagi_encoder_plan(e);
    tdagi_export_plan_views(e);
    for (uint32_t i = 1; i <= e->r->n && e->body.status == TDAG_OK; i++) {
        tdagi_rnn_emit(e, i);
        tdagi_encoder_begin(e, i);
        emit_kernel(e, i);
        tdagi_encoder_end(e, i);
        if (e->body.status == TDAG_OK) e->body.status = tdagi_poll(e->ctx);
        if (e->ends != NULL) e->ends[i] = e->body.length;
    }
}

static void emit_all(tdagi_exporter *e)
{
    tdagi_export_head(e);
    tdagi_export_kernels(e);
    if (e->body.status == TDAG_OK) tdagi_export_return(e);
    if (e->body.status == TDAG_OK)
        e->body.status = tdagi_pool_report(e->ctx, e->r->pool);
}

static tdag_status check_archive(void *user, tdagi_mapping *archive)
{
    return tdagi_export_check(user, archive);
}

/* What is written becomes the archive. */
static tdag_status finish_archive(tdagi_exporter *e, const tdagi_export_use *use)
{
    const tdagi_tree_check check = {use->is_checked ? check_archive : NULL, e};
    if (e->edit != NULL && e->body.status == TDAG_OK) e->edit(e->edit_user, &e->body);
    TDAGI_TRY(e->body.status);
    if (e->api == NULL)
        return tdagi_tree_write(&e->tree, e->body.data, use->path, &check);
    return tdagi_tree_write_by_shim(&e->tree, e->body.data, use->path, &check, e->api,
                                    e->session);
}

static tdag_status write_archive(tdagi_exporter *e, const tdagi_export_use *use)
{
    TDAGI_TRY(tdagi_export_register(e));
    TDAGI_TRY(tdagi_export_structure(e, tdagi_model_inputs(e->model), true, &e->takes));
    TDAGI_TRY(
        tdagi_export_structure(e, tdagi_model_outputs(e->model), false, &e->gives));
    emit_all(e);
    return finish_archive(e, use);
}

tdag_status tdagi_export_raised(tdagi_exporter *e, const tdagi_export_use *use)
{
    size_t n = (size_t)e->r->n + 1, n_inputs = (size_t)e->g->n_inputs + 1;
    void *var = NULL, *uses = NULL, *user = NULL, *deferred = NULL, *arguments = NULL;
    tdag_status st = tdagi_array_alloc(e->ctx, n, sizeof(char *), &var);
    if (st == TDAG_OK)
        st = tdagi_array_alloc(e->ctx, n_inputs, sizeof(char *), &arguments);
    if (st == TDAG_OK) st = tdagi_array_alloc(e->ctx, n, sizeof(uint32_t), &uses);
    if (st == TDAG_OK) st = tdagi_array_alloc(e->ctx, n, sizeof(uint32_t), &user);
    if (st == TDAG_OK) st = tdagi_array_alloc(e->ctx, n, 1, &deferred);
    e->var = var;
    e->arguments = arguments;
    e->uses = uses;
    e->user = user;
    e->deferred = deferred;
    if (st == TDAG_OK) {
        count_uses(e);
        st = use->run(e, use);
    }
    if (var != NULL) tdagi_free(e->ctx, var, n * sizeof(char *));
    if (arguments != NULL) tdagi_free(e->ctx, arguments, n_inputs * sizeof(char *));
    if (uses != NULL) tdagi_free(e->ctx, uses, n * sizeof(uint32_t));
    if (user != NULL) tdagi_free(e->ctx, user, n * sizeof(uint32_t));
    if (deferred != NULL) tdagi_free(e->ctx, deferred, n);
    return st;
}

void tdagi_export_plan_by_parts(bool *by_parts)
{
    for (uint32_t i = 0; i < TDAGI_N_COMPOSITES; i++)
        by_parts[i] = i != TDAGI_CORE &&
                      tdagi_export_composite_emitter(i) == &tdagi_emitter_BY_PARTS;
}

/* The writer that the options name: the library itself, or PyTorch. */
static tdag_status choose_writer(tdagi_exporter *e, const tdag_torchscript_options *o)
{
    tdag_shim_error error = {""};
    e->is_portable = o->writer == TDAG_TORCH_NATIVE;
    if (e->is_portable) return TDAG_OK;
    if (o->writer != TDAG_TORCH_SHIM)
        return tdagi_fail(e->ctx, TDAG_E_ARG, "there is no writer %lu",
                          (unsigned long)o->writer);
    TDAGI_TRY(tdagi_shim_load(e->ctx, o->shim_path, &e->api));
    if (e->api->session_create(&e->session, &error))
        return tdagi_shim_fail(e->ctx, TDAG_E_SHIM, &error);
    return TDAG_OK;
}

static void begin_export(tdagi_exporter *e)
{
    tdagi_arena_init(&e->arena, &e->ctx->allocator);
    tdagi_text_init(&e->body, e->ctx);
    tdagi_tree_begin(&e->tree, e->ctx, &e->arena);
    e->n_constants = e->n_vars = e->n_calls = 0;
    e->has_branches = false;
    e->wrong_composite = TDAGI_CORE;
    e->graphs = NULL;
    e->loops = NULL;
    e->mark = "";
}

static void end_export(tdagi_exporter *e)
{
    tdagi_structure_free(e->takes);
    tdagi_structure_free(e->gives);
    e->takes = e->gives = NULL;
    for (const tdagi_export_graph *g = e->graphs; g != NULL; g = g->next)
        tdagi_raised_free(g->r);
    tdagi_text_free(&e->body);
    tdagi_arena_free(&e->arena);
}

static tdag_status write_graph(tdagi_exporter *e, const tdagi_export_use *use)
{
    TDAGI_TRY(tdagi_raise(e->ctx, e->g, e->by_parts, &e->r));
    tdag_status st = tdagi_export_raised(e, use);
    tdagi_raised_free(e->r);
    e->r = NULL;
    return st;
}

static tdag_status write_program(tdagi_exporter *e, const tdagi_export_use *use)
{
    tdagi_export_program(e);
    return finish_archive(e, use);
}

/* What turns out to be exported wrongly is exported by its parts: first the calls of
 * recurrent layers, then a composite. */
static tdag_status raise_and_write(tdagi_exporter *e, const char *path, bool is_checked)
{
    const tdagi_export_use use = {
        .run = write_archive, .path = path, .is_checked = is_checked};
    bool by_parts[TDAGI_N_COMPOSITES];
    tdagi_export_plan_by_parts(by_parts);
    if (e->api != NULL && /* 1.13 has no call for it */
        e->api->op_n_overloads("aten::scaled_dot_product_attention") == 0)
        by_parts[TDAGI_ATTENTION] = true;
    e->by_parts = by_parts;
    for (;;) {
        begin_export(e);
        tdag_status st = e->g == NULL ? write_program(e, &use) : write_graph(e, &use);
        end_export(e);
        uint32_t wrong = e->wrong_composite;
        if (st == TDAG_OK) return st;
        if (st == TDAG_E_INTERNAL && e->n_calls > 0 && !e->is_stepwise) {
            e->is_stepwise = true;
            continue;
        }
        if (wrong == TDAGI_CORE || by_parts[wrong]) return st;
        by_parts[wrong] = true;
    }
}

tdag_status tdagi_export_model(tdag_ctx *ctx, const tdag_model *model, const char *path,
                               const tdag_torchscript_options *options,
                               tdagi_export_edit *edit, void *user)
{
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    TDAGI_TRY(tdagi_need(ctx, path, "path"));
    tdag_torchscript_options o;
    TDAGI_TRY(tdagi_options_load(ctx, &o, sizeof(o), options));
    tdagi_exporter e = {.ctx = ctx, .model = model, .edit = edit, .edit_user = user};
    e.g = tdag_model_get_graph(model);
    if (e.g != NULL && strcmp(model->methods[0]->name, "forward") != 0) e.g = NULL;
    TDAGI_TRY(choose_writer(&e, &o));
    bool is_checked = (o.flags & TDAG_TORCH_NO_CHECK) == 0;
    tdagi_arena names;
    tdag_model named;
    tdagi_arena_init(&names, &ctx->allocator);
    tdag_status st = tdagi_export_names(ctx, &names, model, &named);
    e.model = &named;
    if (st == TDAG_OK) st = raise_and_write(&e, path, is_checked);
    tdagi_arena_free(&names);
    if (e.api != NULL) e.api->session_free(e.session);
    return st;
}

tdag_status tdag_to_torchscript(tdag_ctx *ctx, const tdag_model *model,
                                const char *path,
                                const tdag_torchscript_options *options)
{
    return tdagi_export_model(ctx, model, path, options, NULL, NULL);
}
