/* tdag_open(): the kind of a file, and the reader of that kind. */
#include <stdio.h>
#include <string.h>

#include <tdagger/control.h>
#include <tdagger/program.h>

#include "base/ctx.h"
#include "coreml/file.h"
#include "format/tdag.h"
#include "open/kind.h"
#include "program/model.h"
#include "pt2/pt2.h"
#include "torchscript/torchscript.h"

typedef struct request {
    tdag_ctx *ctx;
    tdagi_mapping *mapping; /* NULL: a folder */
    const char *what;       /* what sentences call it */
    bool is_path;           /* `what` names a file */
    const tdag_input_spec *inputs;
    uint32_t n_inputs;
    tdag_open_options options;
} request;

/* ---- readers ---- */

static tdag_status open_text(const request *r, tdag_model **out)
{
    const char *text = (const char *)tdagi_mapping_data(r->mapping);
    return tdag_model_parse(r->ctx, text, tdagi_mapping_size(r->mapping), out);
}

static bool fits(const tdagi_var_info *n, const tdag_input_spec *s)
{
    bool same = n->dtype == s->dtype && n->rank == s->rank;
    for (uint32_t i = 0; same && i < n->rank; i++)
        same = n->shape[i] < 0 || n->shape[i] == s->shape[i];
    return same;
}

/* Inputs that a file tells itself must be those that are given, if any are. */
static tdag_status check_inputs(const request *r, const tdag_model *model)
{
    char buf[16];
    const tdagi_method *m = tdagi_model_forward(model);
    if (r->n_inputs == 0) return TDAG_OK;
    if (m->body.n_params != r->n_inputs)
        return tdagi_fail(r->ctx, TDAG_E_ARG, "the model takes %u inputs, %u are given",
                          (unsigned)m->body.n_params, (unsigned)r->n_inputs);
    for (uint32_t i = 0; i < r->n_inputs; i++) {
        const tdagi_var_info *info = tdagi_method_var(m, m->body.params[i]);
        snprintf(buf, sizeof buf, "v%lu", (unsigned long)m->body.params[i].id);
        if (!fits(info, &r->inputs[i]))
            return tdagi_fail(r->ctx, TDAG_E_ARG,
                              "input %s of the model has another dtype or shape than "
                              "the one given",
                              info->name == NULL ? buf : info->name);
    }
    return TDAG_OK;
}

/* The methods that are asked for, if any are, instead of all; *model is replaced. */
static tdag_status keep_methods(const request *r, tdag_model **model)
{
    const tdag_open_options *o = &r->options;
    void *p = NULL;
    tdag_model *kept = NULL;
    uint32_t n = 0;
    if (o->method == NULL && o->n_more == 0) return TDAG_OK;
    size_t size = (o->n_more + (size_t)1) * sizeof(char *);
    TDAGI_TRY(tdagi_alloc(r->ctx, size, &p));
    const char **names = p;
    if (o->method != NULL) names[n++] = o->method;
    for (uint32_t i = 0; i < o->n_more; i++)
        names[n++] = o->more[i].name;
    tdag_status st = tdag_keep(r->ctx, *model, names, n, &kept);
    tdagi_free(r->ctx, p, size);
    if (st != TDAG_OK) return st;
    tdag_model_free(*model);
    *model = kept;
    return TDAG_OK;
}

static tdag_status open_declared(const request *r, tdag_file_kind kind,
                                 tdag_model **out)
{
    tdag_model *model = NULL;
    tdag_status st = kind == TDAG_FILE_TEXT
                         ? open_text(r, &model)
                         : tdagi_tdag_load(r->ctx, r->mapping, r->what, &model);
    if (st == TDAG_OK) st = keep_methods(r, &model);
    if (st == TDAG_OK) st = check_inputs(r, model);
    if (st == TDAG_OK)
        *out = model;
    else
        tdag_model_free(model);
    return st;
}

static tdag_status open_torchscript(const request *r, tdag_model **out)
{
    tdag_torchscript_options o;
    tdag_torchscript_options_init(&o);
    o.shim_path = r->options.shim_path;
    o.method = r->options.method;
    o.reader = r->options.reader;
    o.complex_inputs = r->options.complex_inputs;
    o.values = r->options.values;
    o.n_values = r->options.n_values;
    o.more = r->options.more;
    o.n_more = r->options.n_more;
    if ((r->options.flags & TDAG_OPEN_OPAQUE) != 0) o.flags |= TDAG_TORCH_OPAQUE;
    bool by_path = r->is_path && o.reader == TDAG_TORCH_SHIM;
    const tdagi_torchscript_file file = {by_path ? NULL : r->mapping, r->what, false,
                                         NULL};
    return tdagi_torchscript_read(r->ctx, &file, r->inputs, r->n_inputs, &o, out);
}

static tdag_status open_pt2(const request *r, tdag_model **out)
{
    tdag_pt2_options o;
    tdag_pt2_options_init(&o);
    o.program = r->options.program;
    if ((r->options.flags & TDAG_OPEN_OPAQUE) != 0) o.flags |= TDAG_PT2_OPAQUE;
    const tdagi_pt2_file file = {r->mapping, r->what};
    return tdagi_pt2_read(r->ctx, &file, r->inputs, r->n_inputs, &o, out);
}

static tdag_status open_coreml(const request *r, tdag_model **out)
{
    tdag_coreml_options o;
    tdag_coreml_options_init(&o);
    if ((r->options.flags & TDAG_OPEN_OPAQUE) != 0) o.flags |= TDAG_COREML_OPAQUE;
    return tdagi_coreml_open(r->ctx, r->mapping, r->what, r->inputs, r->n_inputs, &o,
                             out);
}

static tdag_status read_kind(const request *r, tdag_file_kind kind, tdag_model **out)
{
    switch (kind) {
    case TDAG_FILE_TDAG:
    case TDAG_FILE_TEXT:
        return open_declared(r, kind, out);
    case TDAG_FILE_TORCHSCRIPT:
        return open_torchscript(r, out);
    case TDAG_FILE_PT2:
        return open_pt2(r, out);
    case TDAG_FILE_COREML:
        return open_coreml(r, out);
    case TDAG_FILE_UNKNOWN:
        break;
    }
    return tdagi_fail(r->ctx, TDAG_E_FORMAT,
                      "%s is no model in a format that is read (TorchScript, .pt2, "
                      "Core ML, .tdag, text)",
                      r->what);
}

/* ---- the calls ---- */

static tdag_status load_options(request *r, const tdag_open_options *options)
{
    TDAGI_TRY(tdagi_options_load(r->ctx, &r->options, sizeof(r->options), options));
    if ((r->options.flags & ~(uint32_t)TDAG_OPEN_OPAQUE) != 0)
        return tdagi_fail(r->ctx, TDAG_E_ARG, "open: unknown flags 0x%x",
                          (unsigned)r->options.flags);
    if (r->options.kind < TDAG_FILE_UNKNOWN || r->options.kind > TDAG_FILE_COREML)
        return tdagi_fail(r->ctx, TDAG_E_ARG, "open: there is no kind of file %d",
                          (int)r->options.kind);
    if (r->options.n_more > 0) TDAGI_TRY(tdagi_need(r->ctx, r->options.more, "more"));
    if (r->options.n_values > 0)
        TDAGI_TRY(tdagi_need(r->ctx, r->options.values, "values"));
    return TDAG_OK;
}

static tdag_status open_mapping(const request *r, tdag_model **out)
{
    tdag_file_kind kind = r->options.kind;
    tdag_model *model = NULL;
    if (kind == TDAG_FILE_UNKNOWN)
        TDAGI_TRY(tdagi_file_kind(r->ctx, r->mapping, r->what, &kind));
    TDAGI_TRY(read_kind(r, kind, &model));
    tdag_status st = TDAG_OK;
    if (kind != TDAG_FILE_TORCHSCRIPT)
        st = tdagi_model_check_values(r->ctx, model, r->options.values,
                                      r->options.n_values);
    if (st == TDAG_OK)
        *out = model;
    else
        tdag_model_free(model);
    return st;
}

tdag_status tdag_open(tdag_ctx *ctx, const char *path, const tdag_input_spec *inputs,
                      uint32_t n_inputs, const tdag_open_options *options,
                      tdag_model **out)
{
    request r = {.ctx = ctx, .what = path, .is_path = true};
    r.inputs = inputs;
    r.n_inputs = n_inputs;
    TDAGI_TRY(tdagi_need(ctx, path, "path"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    if (n_inputs > 0) TDAGI_TRY(tdagi_need(ctx, inputs, "inputs"));
    TDAGI_TRY(load_options(&r, options));
    if (tdagi_coreml_is_folder(path))
        r.options.kind = TDAG_FILE_COREML;
    else
        TDAGI_TRY(tdagi_mapping_open(ctx, path, 0, &r.mapping));
    tdag_status st = open_mapping(&r, out);
    tdagi_mapping_release(r.mapping);
    return st;
}

/* ---- bytes in memory ---- */

/* The caller's bytes while a model points into them: those of a call that failed stay
 * the caller's. */
typedef struct lender {
    tdag_allocator allocator;
    void (*release)(void *user);
    void *user;
    void *copy; /* NULL: they are used where they stand */
    size_t size;
} lender;

static void give_back(void *user)
{
    lender *l = user;
    const tdag_allocator a = l->allocator;
    if (l->copy != NULL) tdagi_mem_free(&a, l->copy, l->size);
    if (l->release != NULL) l->release(l->user);
    tdagi_mem_free(&a, l, sizeof(*l));
}

static tdag_status lend(tdag_ctx *ctx, const tdag_bytes *bytes, lender **lender_out,
                        tdagi_mapping **out)
{
    void *p = NULL;
    TDAGI_TRY(tdagi_alloc(ctx, sizeof(lender), &p));
    lender *l = p;
    l->allocator = ctx->allocator;
    l->size = bytes->size;
    if (bytes->release == NULL) {
        l->copy = tdagi_mem_alloc(&l->allocator, bytes->size);
        if (l->copy != NULL && bytes->size > 0)
            memcpy(l->copy, bytes->data, bytes->size);
    }
    tdag_status st = TDAG_OK;
    if (bytes->release == NULL && l->copy == NULL) st = tdagi_nomem(ctx);
    if (st == TDAG_OK)
        st = tdagi_mapping_wrap(ctx, l->copy != NULL ? l->copy : bytes->data,
                                bytes->size, give_back, l, out);
    if (st != TDAG_OK)
        give_back(l);
    else
        *lender_out = l;
    return st;
}

tdag_status tdag_open_memory(tdag_ctx *ctx, const tdag_bytes *bytes,
                             const tdag_input_spec *inputs, uint32_t n_inputs,
                             const tdag_open_options *options, tdag_model **out)
{
    lender *l = NULL;
    request r = {.ctx = ctx, .inputs = inputs, .n_inputs = n_inputs};
    TDAGI_TRY(tdagi_need(ctx, bytes, "bytes"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    if (bytes->size > 0) TDAGI_TRY(tdagi_need(ctx, bytes->data, "bytes->data"));
    if (n_inputs > 0) TDAGI_TRY(tdagi_need(ctx, inputs, "inputs"));
    TDAGI_TRY(load_options(&r, options));
    r.what = bytes->name == NULL ? "the model" : bytes->name;
    TDAGI_TRY(lend(ctx, bytes, &l, &r.mapping));
    tdag_status st = open_mapping(&r, out);
    if (st == TDAG_OK) {
        l->release = bytes->release;
        l->user = bytes->user;
    }
    tdagi_mapping_release(r.mapping);
    return st;
}
