/* tdag_to_coreml(): see mil.h. */
#include <stdio.h>

#include <tdagger/simplify.h>

#include "coreml/coreml.h"
#include "coreml/write/mil.h"
#include "transform/program/copy.h"

void tdagi_mil_fail(tdagi_mil_writer *w, tdag_status status, const char *format, ...)
{
    char text[TDAGI_MESSAGE_SIZE], buf[16];
    const tdagi_kernel *k = w->now.kernel;
    if (w->status != TDAG_OK) return;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    w->status = tdagi_fail(w->ctx, status, "%s", text);
    if (k != NULL && k->value.id != 0)
        tdagi_fail_at_node(w->ctx, tdagi_value_name(w->now.g, k->value, buf),
                           tdagi_value_scope(w->now.g, k->value));
}

bool tdagi_mil_require(tdagi_mil_writer *w, uint32_t target, const char *what)
{
    if (w->needed < target) w->needed = target;
    if (w->target >= target || w->options->target == 0) return w->status == TDAG_OK;
    tdagi_mil_fail(w, TDAG_E_UNSUPPORTED, "%s needs iOS%lu, the target is iOS%lu", what,
                   (unsigned long)target, (unsigned long)w->target);
    return false;
}

/* ---- kernels ---- */

static void count_uses(tdagi_mil_writer *w)
{
    for (uint32_t i = 1; i <= w->now.r->n; i++) {
        const tdagi_kernel *k = tdagi_mil_kernel(w, i);
        for (uint32_t j = 0; j < k->n_inputs; j++) {
            w->now.uses[k->inputs[j]]++;
            w->now.user[k->inputs[j]] = i;
        }
    }
    for (uint32_t i = 0; i < w->now.g->n_outputs; i++) {
        uint32_t k = w->now.r->kernel_of[w->now.g->outputs[i].id];
        w->now.uses[k]++;
        w->now.user[k] = 0;
    }
}

tdagi_mil tdagi_mil_add_input(tdagi_mil_writer *w, const char *like, tdagi_type type)
{
    if (type.dtype == TDAG_F32) type.dtype = TDAG_F64; /* fp32 in any case */
    tdagi_mil_value *v = tdagi_mil_new(w, like, &type);
    if (v == NULL) return NULL;
    tdagi_mil_push(w, &w->inputs, tdagi_mil_named_type(w, v->name, &type));
    tdagi_mil_push(w, &w->takes, v);
    return v;
}

/* What the model's own graph has at that place. */
static void note_input(tdagi_mil_writer *w, uint32_t i)
{
    const tdag_graph *g = tdag_model_get_graph(w->model);
    const tdagi_node *n = tdagi_graph_node(g, g->inputs[i]);
    tdagi_mil_note_type(w, "input", w->now.arguments[i], n->name, (tdag_dtype)n->dtype,
                        n->rank == 0);
}

static void note_output(tdagi_mil_writer *w, uint32_t i)
{
    const tdag_graph *g = tdag_model_get_graph(w->model);
    const tdagi_node *n = tdagi_graph_node(g, g->outputs[i]);
    if (w->outputs.n > 0)
        tdagi_mil_note_type(w, "output", w->outputs.v[w->outputs.n - 1], NULL,
                            (tdag_dtype)n->dtype, false);
}

static void add_inputs(tdagi_mil_writer *w)
{
    char buf[16];
    for (uint32_t i = 0; i < w->now.g->n_inputs; i++) {
        const tdag_value v = w->now.g->inputs[i];
        tdagi_type type;
        tdagi_value_type(w->now.g, v, &type);
        w->now.arguments[i] =
            tdagi_mil_add_input(w, tdagi_value_name(w->now.g, v, buf), type);
        note_input(w, i);
        const uint32_t k = w->now.r->kernel_of[v.id];
        if (k != 0)
            w->now.value[k] = tdagi_mil_cast(w, w->now.arguments[i], type.dtype);
    }
}

void tdagi_mil_emit_one(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_mil_emitter *emitter = k->composite == TDAGI_CORE
                                           ? tdagi_mil_core_emitter(k->op)
                                           : tdagi_mil_composite_emitter(k->composite);
    if (emitter->emit != NULL)
        emitter->emit(w, k);
    else
        tdagi_mil_emit(w, k, emitter->format);
}

/* A size that is emitted where it is needed, as it is read: at the end, or with a view.
 */
static bool waits(const tdagi_mil_writer *w, uint32_t i)
{
    return w->now.uses[i] == 1 &&
           (w->now.user[i] == 0 ||
            tdagi_mil_is_reshape(tdagi_mil_kernel(w, w->now.user[i])));
}

static void emit_kernel(tdagi_mil_writer *w, uint32_t i)
{
    const tdagi_kernel *k = tdagi_mil_kernel(w, i);
    tdagi_size size;
    tdagi_type type;
    tdagi_mil_type_of(k, &type);
    w->now.kernel = k;
    if (w->now.value[i] != NULL || k->is_second || tdagi_mil_is_in_size(w, i)) return;
    const bool is_size = k->is_size && tdagi_is_size(w->now.g, k->value.id, &size);
    if (is_size ? waits(w, i) : tdagi_mil_is_deferred(w, i)) return;
    for (uint32_t j = 0; j < k->n_inputs && !is_size; j++)
        (void)tdagi_mil_in(w, k, j);
    if (is_size) (void)tdagi_mil_of(w, i);
    if (is_size) return;
    w->now.at = i;
    const uint32_t n = w->ops.n;
    if (tdagi_mil_is_high(w, k))
        tdagi_mil_emit_high(w, k);
    else if (tdagi_mil_is_empty(&type) && k->op != TDAG_OP_OPAQUE &&
             !tdagi_composite_is_pair(k->composite))
        w->now.value[i] = tdagi_mil_empty(w, &type);
    else if ((w->now.value[i] = tdagi_mil_constant_of(w, k)) == NULL)
        tdagi_mil_emit_one(w, k);
    if (w->ops.n > n) tdagi_mil_call_result(w, w->now.value[i]);
}

/* An input, a constant or what is an output already is one by another name. */
void tdagi_mil_add_output(tdagi_mil_writer *w, tdagi_mil v)
{
    if (v != NULL && v->type.dtype == TDAG_F32) v = tdagi_mil_cast(w, v, TDAG_F64);
    if (v == NULL) return;
    bool is_bare = v->is_const;
    if (v->held != NULL)
        tdagi_mil_fail(w, TDAG_E_UNSUPPORTED,
                       "an output of %lu axes, of which Core ML has at most five",
                       (unsigned long)v->type.rank);
    for (uint32_t j = 0; j < w->takes.n; j++)
        is_bare = is_bare || v->name == ((tdagi_mil)w->takes.v[j])->name;
    for (uint32_t j = 0; j < w->outputs.n; j++)
        is_bare = is_bare || v->name == ((tdagi_mil)w->outputs.v[j])->name;
    if (is_bare) v = tdagi_mil_op(w, &v->type, "identity(x=%v)", v);
    tdagi_mil_push(w, &w->outputs, (void *)(uintptr_t)v);
}

tdag_status tdagi_mil_emit_graph(tdagi_mil_writer *w)
{
    count_uses(w);
    tdagi_mil_take_names(w);
    for (uint32_t i = 1; i <= w->now.r->n && w->status == TDAG_OK; i++) {
        emit_kernel(w, i);
        if (w->status == TDAG_OK) w->status = tdagi_poll(w->ctx);
    }
    return w->status;
}

static tdag_status emit_all(tdagi_mil_writer *w)
{
    tdagi_mil_note(w, "function", "main", "forward");
    add_inputs(w);
    (void)tdagi_mil_emit_graph(w);
    for (uint32_t i = 0; i < w->now.g->n_outputs && w->status == TDAG_OK; i++) {
        const uint32_t k = w->now.r->kernel_of[w->now.g->outputs[i].id];
        w->now.kernel = tdagi_mil_kernel(w, k);
        tdagi_mil v = tdagi_mil_of(w, k);
        tdagi_mil_add_output(w, v);
        note_output(w, i);
    }
    if (w->status == TDAG_OK) w->status = tdagi_pool_report(w->ctx, w->now.r->pool);
    if (w->status == TDAG_OK) tdagi_mil_end_function(w, "main");
    return w->status;
}

/* ---- the order of work ---- */

static tdag_status write_package(tdagi_mil_writer *w, const char *path)
{
    tdagi_package_writer *to = NULL;
    Cml__Model *model = tdagi_mil_model(w);
    if (model == NULL) return w->status;
    if (w->edit != NULL) w->edit(w->edit_user, model);
    TDAGI_TRY(tdagi_package_create(w->ctx, path, &to));
    tdag_status st = tdagi_mil_fill(w, to);
    if (st == TDAG_OK) st = tdagi_package_write(to, model);
    if (st == TDAG_OK && (w->options->flags & TDAG_COREML_NO_CHECK) == 0)
        st = tdagi_mil_check(w, tdagi_package_path(to));
    if (st == TDAG_OK) st = tdagi_package_finish(to, NULL);
    tdagi_package_writer_free(to);
    return st;
}

tdag_status tdagi_mil_make_tables(tdagi_mil_writer *w)
{
    const size_t n = (size_t)w->now.r->n + 1, inputs = (size_t)w->now.g->n_inputs + 1,
                 symbols = (size_t)tdagi_pool_n_symbols(w->now.r->pool) + 1;
    w->now.value = tdagi_mil_alloc(w, n * sizeof *w->now.value);
    w->now.uses = tdagi_mil_alloc(w, n * sizeof *w->now.uses);
    w->now.user = tdagi_mil_alloc(w, n * sizeof *w->now.user);
    w->now.own = tdagi_mil_alloc(w, n * sizeof *w->now.own);
    w->now.arguments = tdagi_mil_alloc(w, inputs * sizeof *w->now.arguments);
    w->now.symbols = tdagi_mil_alloc(w, symbols * sizeof *w->now.symbols);
    return w->status;
}

static tdag_status write_raised(tdagi_mil_writer *w)
{
    TDAGI_TRY(tdagi_mil_make_tables(w));
    w->pool = w->now.r->pool;
    return emit_all(w);
}

/* One attempt: for the target, with those composites by their parts. */
static tdag_status attempt(tdagi_mil_writer *w, const char *path)
{
    tdagi_arena_init(&w->arena, &w->ctx->allocator);
    w->pending_end = &w->pending;
    tdag_status st = TDAG_OK;
    if (w->now.g != NULL)
        st = tdagi_raise(w->ctx, w->now.g, w->now.by_parts, &w->now.r);
    if (st == TDAG_OK && w->now.g != NULL) st = write_raised(w);
    if (st == TDAG_OK && w->now.g == NULL) st = tdagi_mil_write_program(w);
    if (st == TDAG_OK && w->needed <= w->target) st = write_package(w, path);
    tdagi_raised_free(w->now.r);
    for (uint32_t i = 0; i < w->graphs.n; i++)
        tdag_graph_free(w->graphs.v[i]);
    tdagi_arena_free(&w->arena);
    return st;
}

/* Until no operator needs more than the target has, and each composite has one. */
static tdag_status write_graph(const tdagi_mil_writer *start, const char *path)
{
    bool by_parts[TDAGI_N_COMPOSITES];
    uint32_t target = start->options->target == 0 ? 15 : start->options->target;
    for (uint32_t i = 0; i < TDAGI_N_COMPOSITES; i++)
        by_parts[i] = i != TDAGI_CORE &&
                      tdagi_mil_composite_emitter(i) == &tdagi_mil_emitter_BY_PARTS;
    for (;;) {
        tdagi_mil_writer w = *start;
        w.target = w.needed = target;
        w.now.by_parts = by_parts;
        tdag_status st = attempt(&w, path);
        const uint32_t wrong = w.wrong_composite;
        if (st == TDAG_OK && w.needed == target) return st;
        if (st != TDAG_OK && (wrong == TDAGI_CORE || by_parts[wrong])) return st;
        if (st != TDAG_OK) by_parts[wrong] = true;
        if (st == TDAG_OK) target = w.needed;
    }
}

static tdag_status check_options(tdag_ctx *ctx, const tdag_coreml_options *o)
{
    if ((o->flags & ~(uint32_t)(TDAG_COREML_F16 | TDAG_COREML_NO_CHECK |
                                TDAG_COREML_STATE_INPUTS)) != 0)
        return tdagi_fail(ctx, TDAG_E_ARG, "there is no such flag of writing Core ML");
    if (o->target != 0 &&
        (o->target < 15 || o->target > 26 || (o->target > 18 && o->target < 26)))
        return tdagi_fail(ctx, TDAG_E_ARG,
                          "iOS%lu is no target: 15, 16, 17, 18 and 26 are",
                          (unsigned long)o->target);
    return TDAG_OK;
}

static tdag_status fold(tdag_ctx *ctx, const tdag_graph *g, tdag_graph **out)
{
    tdag_simplify_options o;
    tdag_simplify_options_init(&o);
    o.passes = TDAG_PASS_CONSTANTS;
    return tdag_graph_simplify(ctx, g, &o, out);
}

tdag_status tdagi_coreml_fold(tdag_ctx *ctx, tdag_graph *g, tdag_graph **out)
{
    tdag_status st = fold(ctx, g, out);
    tdag_graph_free(g);
    return st;
}

/* Folded in the model's dtypes first, which are wider. */
static tdag_status prepared(tdag_ctx *ctx, const tdag_graph *model, tdag_graph **out)
{
    tdag_graph *known = NULL, *g = NULL;
    TDAGI_TRY(fold(ctx, model, &known));
    tdag_status st = tdagi_coreml_compute_weights(ctx, &known);
    if (st == TDAG_OK) st = tdagi_coreml_prepare(ctx, known, NULL, &g);
    tdag_graph_free(known);
    return st == TDAG_OK ? tdagi_coreml_fold(ctx, g, out) : st;
}

static bool is_check(tdagi_copier *c, const tdagi_statement *s)
{
    (void)c;
    return s->kind == TDAGI_CHECK;
}

/* A program without checks, which Core ML does not have, nor what is for them alone. */
static tdag_status without_checks(tdag_ctx *ctx, const tdag_model *model,
                                  tdag_model **out)
{
    tdagi_copier c = {.statement = is_check};
    tdag_simplify_options o;
    tdag_model *copy = NULL;
    tdag_simplify_options_init(&o);
    o.passes = TDAG_PASS_CONSTANTS;
    TDAGI_TRY(tdagi_copy_model(&c, ctx, model, &copy));
    tdag_status st = tdag_simplify(ctx, copy, &o, out);
    tdag_model_free(copy);
    return st;
}

static tdag_status write_model(tdag_ctx *ctx, const tdag_model *model, const char *path,
                               const tdag_coreml_options *options,
                               tdagi_coreml_edit *edit, void *user)
{
    tdag_graph *g = NULL;
    if (tdag_model_get_graph(model) != NULL)
        TDAGI_TRY(prepared(ctx, tdag_model_get_graph(model), &g));
    const tdagi_mil_writer start = {.ctx = ctx,
                                    .model = model,
                                    .options = options,
                                    .now.g = g,
                                    .edit = edit,
                                    .edit_user = user};
    tdag_status st = write_graph(&start, path);
    tdag_graph_free(g);
    return st;
}

tdag_status tdagi_coreml_write(tdag_ctx *ctx, const tdag_model *model, const char *path,
                               const tdag_coreml_options *options,
                               tdagi_coreml_edit *edit, void *user)
{
    tdag_coreml_options o;
    tdag_model *own = NULL;
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    TDAGI_TRY(tdagi_need(ctx, path, "path"));
    TDAGI_TRY(tdagi_options_load(ctx, &o, sizeof(o), options));
    TDAGI_TRY(check_options(ctx, &o));
    if (tdag_model_get_graph(model) == NULL)
        TDAGI_TRY(without_checks(ctx, model, &own));
    tdag_status st = write_model(ctx, own == NULL ? model : own, path, &o, edit, user);
    if (own != NULL && st == TDAG_E_UNSUPPORTED) /* by the model's own numbers */
        st = write_model(ctx, model, path, &o, edit, user);
    tdag_model_free(own);
    return st;
}

tdag_status tdag_to_coreml(tdag_ctx *ctx, const tdag_model *model, const char *path,
                           const tdag_coreml_options *options)
{
    return tdagi_coreml_write(ctx, model, path, options, NULL, NULL);
}
