/* Dispatch of operators: the row of a node, its arguments by name, the check that no
 * argument was overlooked, and in-place forms by way of the pure ones. */
#include "aten/aten.h"

#include <stdio.h>
#include <string.h>

/* ---- the table ---- */

#define ATEN(name, handler, data, ignorable)                                           \
    {name, tdagi_aten_##handler, data, ignorable},
static const tdagi_aten_row aten_rows[] = {
#include "aten/aten.def"
};

#define REFUSED(name, why) {name, why},
static const struct {
    const char *name, *why;
} refused_rows[] = {
#include "aten/aten.def"
};

/* Why an operator or its in-place form is not imported; NULL: no reason is known. */
static const char *refused(const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof(refused_rows) / sizeof(refused_rows[0]); i++) {
        size_t k = strlen(refused_rows[i].name);
        bool in_place = n == k + 1 && name[k] == '_';
        if ((n == k || in_place) && strncmp(refused_rows[i].name, name, k) == 0)
            return refused_rows[i].why;
    }
    return NULL;
}

/* Arguments of any operator that say where and how, not what. */
static const char everywhere[] = "device pin_memory layout memory_format non_blocking "
                                 "generator requires_grad cudnn_enabled cudnn_enable "
                                 "benchmark deterministic allow_tf32";

const tdagi_aten_row *tdagi_aten_row_of(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof(aten_rows) / sizeof(aten_rows[0]); i++)
        if (strncmp(aten_rows[i].name, name, length) == 0 &&
            aten_rows[i].name[length] == '\0')
            return &aten_rows[i];
    return NULL;
}

/* ---- schemas ---- */

static bool schemas_grow(tdagi_import *im)
{
    tdagi_ischema **old = im->schemas;
    uint32_t n = im->schemas_capacity, wider = n == 0 ? 128 : n * 2;
    tdagi_ischema **p = tdagi_import_alloc(im, wider * sizeof(*p));
    if (p == NULL) return false;
    memset(p, 0, wider * sizeof(*p));
    for (uint32_t i = 0; i < n; i++) {
        if (old[i] == NULL) continue;
        uint32_t at = (uint32_t)((uintptr_t)old[i]->shim >> 4) & (wider - 1);
        while (p[at] != NULL)
            at = (at + 1) & (wider - 1);
        p[at] = old[i];
    }
    im->schemas = p;
    im->schemas_capacity = wider;
    return true;
}

/* The row of an operator; one of `relu` serves `relu_`, which writes argument 0, and
 * one of `__and__` serves `__iand__`. */
static void find_row(tdagi_ischema *s)
{
    size_t length = strlen(s->name);
    char pure[64];
    s->row = tdagi_aten_row_of(s->name, length);
    if (s->row != NULL || length < 2 || s->name[length - 1] != '_') return;
    if (s->n_args == 0 || !s->args[0].is_written || length >= sizeof(pure)) return;
    memcpy(pure, s->name, length + 1);
    char *i = strstr(pure, "::__i");
    if (i != NULL)
        memmove(i + 4, i + 5, strlen(i + 5) + 1);
    else
        pure[length - 1] = '\0';
    s->row = tdagi_aten_row_of(pure, strlen(pure));
    s->in_place_of_row = s->row != NULL;
}

static tdagi_ischema *read_schema(tdagi_import *im, const tdag_shim_schema *shim,
                                  const char *kind)
{
    tdagi_ischema *s = tdagi_import_alloc(im, sizeof(*s));
    if (s == NULL) return NULL;
    memset(s, 0, sizeof(*s));
    s->shim = shim;
    s->name = shim == NULL ? kind : im->api->schema_name(shim);
    s->overload = shim == NULL ? "" : im->api->schema_overload(shim);
    size_t n = shim == NULL ? 0 : im->api->schema_n_args(shim);
    tdag_shim_arg *args = tdagi_import_alloc(im, n * sizeof(*args));
    if (args == NULL) return NULL;
    for (size_t i = 0; i < n; i++)
        im->api->schema_arg(im->session, shim, i, &args[i]);
    s->args = args;
    s->n_args = (uint32_t)n;
    find_row(s);
    return s;
}

static tdagi_ischema *schema_of(tdagi_import *im, const tdag_shim_node *node,
                                const char *kind)
{
    const tdag_shim_schema *shim = im->api->node_schema(im->session, node);
    if (shim == NULL) return read_schema(im, NULL, kind);
    if (2 * (im->n_schemas + 1) > im->schemas_capacity && !schemas_grow(im))
        return NULL;
    uint32_t at = (uint32_t)((uintptr_t)shim >> 4) & (im->schemas_capacity - 1);
    while (im->schemas[at] != NULL) {
        if (im->schemas[at]->shim == shim) return im->schemas[at];
        at = (at + 1) & (im->schemas_capacity - 1);
    }
    im->schemas[at] = read_schema(im, shim, kind);
    im->n_schemas += im->schemas[at] != NULL;
    return im->schemas[at];
}

/* "aten::add.Tensor" */
static const char *full_name(tdagi_import *im, const tdagi_ischema *s)
{
    return tdagi_import_text(im, "%s%s%s", s->name, *s->overload ? "." : "",
                             s->overload);
}

/* ---- the check of unread arguments ---- */

static bool listed(const char *names, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = names; (p = strstr(p, name)) != NULL; p += n)
        if ((p == names || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0')) return true;
    return false;
}

static bool is_default(tdagi_call *c, uint32_t i)
{
    const tdag_shim_arg *a = &c->schema->args[i];
    if (c->args[i].kind == TDAGI_IV_NONE) return true;
    if (!a->has_default || a->default_value == NULL) return false;
    bool assumed = false;
    tdagi_ival d = tdagi_iv_from_shim(c->im, a->default_value, a->name);
    if (d.kind == TDAGI_IV_NONE) return false;
    return tdagi_iv_equal(c->im, c->args[i], d, &assumed) && !assumed;
}

static void check_unread(tdagi_call *c)
{
    for (uint32_t i = 0; i < c->schema->n_args && i < c->n && i < 64; i++) {
        if ((c->read >> i & 1) != 0) continue;
        const char *name = c->schema->args[i].name;
        if (listed(everywhere, name) || listed(c->row->ignorable, name)) continue;
        if (is_default(c, i)) continue;
        tdagi_import_issue(c->im, "%s with %s = %s", full_name(c->im, c->schema), name,
                           tdagi_iv_text(c->im, c->args[i]));
    }
}

/* ---- results ---- */

static bool is_meaningful(const char *name)
{
    return name[strspn(name, "0123456789")] != '\0';
}

static void name_result(tdagi_call *c, const tdag_shim_var *var, tdagi_ival v,
                        uint32_t before)
{
    if (v.kind != TDAGI_IV_TENSOR || v.u.tensor->value.id <= before) return;
    if (c->b->graph->nodes[v.u.tensor->value.id].name != NULL) return;
    const char *name = c->im->api->var_name(c->im->session, var);
    if (is_meaningful(name)) tdag_builder_set_name(c->b, v.u.tensor->value, name);
}

static void bind(tdagi_frame *f, const tdag_shim_node *node, tdagi_call *c,
                 tdagi_ival v, uint32_t before)
{
    tdagi_import *im = f->im;
    bool spread = c->n_outputs > 1;
    if (spread && v.kind == TDAGI_IV_TUPLE && v.u.seq->n != c->n_outputs) {
        tdagi_import_fail(im, TDAG_E_INTERNAL, "it has %u results, not %u",
                          (unsigned)c->n_outputs, (unsigned)v.u.seq->n);
        return;
    }
    for (uint32_t i = 0; i < c->n_outputs; i++) {
        const tdag_shim_var *var = im->api->node_output(node, i);
        tdagi_ival x = !spread                    ? v
                       : v.kind == TDAGI_IV_TUPLE ? v.u.seq->v[i]
                                                  : tdagi_iv_poison();
        name_result(c, var, x, before);
        tdagi_frame_set(f, var, x);
    }
}

/* Stores a pure result into argument 0. */
static tdagi_ival store(tdagi_call *c, tdagi_ival self, tdagi_ival result)
{
    if (result.kind != TDAGI_IV_TENSOR || self.kind != TDAGI_IV_TENSOR)
        return self.kind == TDAGI_IV_TENSOR ? result : self;
    if (result.u.tensor == self.u.tensor) return self;
    const tdagi_ival *number = tdagi_it_number(c->im, result.u.tensor);
    tdagi_itensor *t = self.u.tensor;
    if (number != NULL && t->parent == NULL && tdagi_it_rank(c->im, t) == 0 &&
        tdagi_it_dtype(c->im, t) == result.u.tensor->dtype) {
        tdagi_ival kept = *number;
        tdagi_it_write(c->im, t, tdagi_it_read(c->im, result.u.tensor));
        tdagi_ival *known = tdagi_import_alloc(c->im, sizeof(kept));
        if (known == NULL) return self;
        *known = kept;
        t->known = known;
        t->dtype = tdagi_it_dtype(c->im, t);
        t->known_rank = 0;
        t->n_known = 1;
        return self;
    }
    tdag_value old = tdagi_it_read(c->im, t);
    tdag_value v = tdagi_cast(c->b, tdagi_it_read(c->im, result.u.tensor),
                              tdagi_it_dtype(c->im, t));
    if (old.id == 0 || v.id == 0) return self;
    if (!tdagi_same_shape(c, v, tdagi_rank(c, old), tdagi_shape(c, old)))
        return tdagi_call_fail(
            c, TDAG_E_SHAPE, "the result does not have the shape of what it replaces");
    tdagi_it_write(c->im, t, v);
    return self;
}

/* ---- dispatch ---- */

static void run_row(tdagi_frame *f, const tdag_shim_node *node, tdagi_call *c)
{
    tdagi_import *im = f->im;
    uint32_t before = im->b->graph->n, issues = im->n_issues;
    tdagi_ival target = tdagi_iv_none(); /* out=, of an operator of one result */
    if (c->schema->shim != NULL && tdagi_has(c, "out")) target = tdagi_arg(c, "out");
    tdagi_ival out = c->row->fn(c);
    if (c->bad && im->n_issues == issues && tdagi_import_ok(im) &&
        tdag_builder_get_status(im->b) == TDAG_OK)
        tdagi_import_issue(im, "%s with these arguments", full_name(im, c->schema));
    if (c->bad) out = tdagi_iv_poison();
    if (!c->bad && tdagi_import_ok(im) && c->schema->shim != NULL &&
        !im->api->schema_is_vararg(c->schema->shim))
        check_unread(c);
    if (c->schema->in_place_of_row && tdagi_import_ok(im))
        out = store(c, c->args[0], out);
    if (target.kind == TDAGI_IV_TENSOR && out.kind == TDAGI_IV_TENSOR &&
        tdagi_import_ok(im))
        out = store(c, target, out);
    tdag_status st = tdag_builder_get_status(im->b);
    if (st == TDAG_E_UNSUPPORTED) {
        const char *why = tdagi_import_text(im, "%s", im->ctx->error.message);
        tdagi_builder_forgive(im->b);
        out = tdagi_import_issue(im, "%s: %s", full_name(im, c->schema), why);
    } else if (st != TDAG_OK) {
        tdagi_import_fail_here(im, st, full_name(im, c->schema));
        return;
    } else if (tdagi_pool_status(im->pool) != TDAG_OK) {
        st = tdagi_pool_report(im->ctx, im->pool);
        tdagi_import_fail_here(im, st, full_name(im, c->schema));
        return;
    }
    if (tdagi_import_ok(im)) bind(f, node, c, out, before);
}

/* An operator without a row: an issue, or an opaque node where those are wanted. */
static void run_unknown(tdagi_frame *f, const tdag_shim_node *node, tdagi_call *c,
                        bool poison)
{
    tdagi_import *im = f->im;
    uint32_t before = im->b->graph->n;
    tdagi_ival out = tdagi_iv_poison();
    const char *why = refused(c->schema->name);
    if ((im->flags & TDAG_TORCH_OPAQUE) == 0)
        tdagi_import_issue(im, why == NULL ? "%s%s" : "%s: %s",
                           full_name(im, c->schema), why == NULL ? "" : why);
    else if (!poison)
        out =
            tdagi_import_opaque(im, c->schema, c->args, c->n, full_name(im, c->schema));
    if (tdagi_import_ok(im)) bind(f, node, c, out, before);
}

void tdagi_import_aten(tdagi_frame *f, const tdag_shim_node *node, const char *kind)
{
    tdagi_import *im = f->im;
    const tdag_shim_api *api = im->api;
    const tdagi_ischema *s = schema_of(im, node, kind);
    if (s == NULL) return;
    size_t n = api->node_n_inputs(node), n_outputs = api->node_n_outputs(node);
    tdagi_ival few[16];
    tdagi_ival *args = n <= 16 ? few : tdagi_import_alloc(im, n * sizeof(*args));
    if (args == NULL) return;
    bool poison = false;
    for (size_t i = 0; i < n; i++) {
        const tdagi_ival *v = tdagi_frame_get(f, api->node_input(node, i));
        args[i] = v == NULL ? tdagi_iv_poison() : *v;
        poison |= tdagi_iv_is_poison(args[i]);
    }
    tdagi_call c = {.im = im,
                    .b = im->b,
                    .schema = s,
                    .row = s->row,
                    .data = s->row == NULL ? 0 : s->row->data,
                    .n = (uint32_t)n,
                    .args = args,
                    .n_outputs = (uint32_t)n_outputs};
    if (s->row == NULL)
        run_unknown(f, node, &c, poison);
    else if (poison)
        bind(f, node, &c, tdagi_iv_poison(), 0);
    else
        run_row(f, node, &c);
}
