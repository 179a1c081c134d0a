/* Operators that have no row. Kept as opaque nodes (TDAG_PT2_OPAQUE), their results are
 * of the types that the file tells, so PyTorch is not needed and nothing runs; their
 * arguments become text in which $0, $1, ... stand for the node's inputs.
 *
 * The schema of an operator is not in the file: that it neither writes into its
 * arguments nor gives views of them is taken for granted, unless its name ends in '_'
 * or it gives nothing. */
#include "pt2/read/import.h"

#include <string.h>

#include "aten/aten.h"
#include "base/number_text.h"

typedef struct opaque_call {
    tdagi_pt2 *im;
    const char *name;
    tdag_value *inputs;
    uint32_t n_inputs;
    tdagi_text text; /* the arguments as they are written */
    const char *why; /* NULL, or what stops it */
} opaque_call;

/* The first reason is kept. */
static void stop(opaque_call *o, const char *why)
{
    if (o->why == NULL) o->why = why;
}

/* ---- arguments ---- */

static void write_value(opaque_call *o, tdagi_any v);

static void write_tensor(opaque_call *o, tdagi_cell *cell)
{
    tdagi_pt2 *im = o->im;
    tdag_value v = tdagi_cell_read(&im->env, cell);
    o->inputs = tdagi_pt2_room(&im->env.arena, o->inputs, o->n_inputs, sizeof(v));
    if (o->inputs == NULL) {
        if (tdagi_env_ok(&im->env)) im->env.status = tdagi_nomem(im->env.ctx);
        return;
    }
    tdagi_text_printf(&o->text, "$%lu", (unsigned long)o->n_inputs);
    o->inputs[o->n_inputs++] = v;
}

/* A literal without '$', which stands for inputs. */
static void write_string(opaque_call *o, const char *s)
{
    tdagi_text_add(&o->text, "\"");
    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\' || c == '$' || c < 32 || c > 126)
            tdagi_text_printf(&o->text, "\\%03o", (unsigned)c);
        else
            tdagi_text_add_bytes(&o->text, s, 1);
    }
    tdagi_text_add(&o->text, "\"");
}

static void write_list(opaque_call *o, const tdagi_seq *seq)
{
    tdagi_text_add(&o->text, "[");
    for (uint32_t i = 0; i < seq->n && tdagi_env_ok(&o->im->env); i++) {
        if (i > 0) tdagi_text_add(&o->text, ", ");
        write_value(o, seq->v[i]);
    }
    tdagi_text_add(&o->text, "]");
}

static void write_number(opaque_call *o, tdagi_any v)
{
    char digits[TDAGI_NUMBER_TEXT_SIZE];
    int64_t i;
    if (v.kind == TDAGI_ANY_FLOAT && !v.assumed) {
        tdagi_f64_literal(v.u.f, digits);
        tdagi_text_add(&o->text, digits);
    } else if (v.kind == TDAGI_ANY_BOOL && !v.assumed) {
        tdagi_text_add(&o->text, v.u.b ? "True" : "False");
    } else if (v.kind == TDAGI_ANY_INT && tdagi_any_const_int(&o->im->env, v, &i)) {
        tdagi_text_printf(&o->text, "%lld", (long long)i);
    } else {
        stop(o, "with a symbolic size");
    }
}

static void write_value(opaque_call *o, tdagi_any v)
{
    if (v.kind == TDAGI_ANY_NONE)
        tdagi_text_add(&o->text, "None");
    else if (v.kind == TDAGI_ANY_TENSOR)
        write_tensor(o, v.u.tensor);
    else if (v.kind == TDAGI_ANY_STRING)
        write_string(o, v.u.s);
    else if (v.kind == TDAGI_ANY_LIST)
        write_list(o, v.u.seq);
    else if (tdagi_any_is_number(v))
        write_number(o, v);
    else
        stop(o, "with an argument that cannot be written out");
}

static void write_arguments(opaque_call *o, const tdagi_pt2_node *node)
{
    bool first = true;
    for (uint32_t i = 0; i < node->n_inputs && tdagi_env_ok(&o->im->env); i++) {
        const tdagi_pt2_named *input = &node->inputs[i];
        tdagi_any v = tdagi_pt2_any(o->im, &input->arg);
        bool left_out =
            input->by_name && (v.kind == TDAGI_ANY_NONE || v.kind == TDAGI_ANY_DEVICE);
        if (tdagi_env_note_poison(&o->im->env, &v)) stop(o, "");
        if (left_out || o->why != NULL) continue;
        if (!first) tdagi_text_add(&o->text, ", ");
        first = false;
        if (input->by_name) tdagi_text_printf(&o->text, "%s=", input->name);
        write_value(o, v);
    }
}

/* ---- results ---- */

static bool type_of(opaque_call *o, const tdagi_pt2_arg *output, tdag_opaque_spec *spec)
{
    tdagi_pt2 *im = o->im;
    tdagi_pt2_meta meta;
    if (output->kind != TDAGI_PT2_VALUE || !output->is_tensor) {
        stop(o, "which gives something that is no tensor");
        return false;
    }
    if (!tdagi_pt2_meta_of(im, output->u.value, &meta)) {
        stop(o, "the type of whose result is not in the file");
        return false;
    }
    tdag_dim *dims = tdagi_env_alloc(&im->env, (meta.rank + 1) * sizeof(*dims));
    spec->dtype = tdagi_dtype_of_scalar_type(meta.scalar_type);
    spec->shape = (tdag_list){meta.rank, dims};
    if (spec->dtype == TDAG_DTYPE_NONE || meta.rank > TDAG_MAX_RANK || meta.layout != 7)
        stop(o, "which gives a tensor of a type that is not supported");
    for (uint32_t i = 0; i < meta.rank && dims != NULL && o->why == NULL; i++)
        if (!tdagi_pt2_dim(im, &meta.sizes[i], &dims[i]))
            stop(o, "which gives a size that depends on data");
    return o->why == NULL && dims != NULL;
}

static tdagi_any make(opaque_call *o, const tdagi_pt2_arg *output, uint32_t i)
{
    tdagi_pt2 *im = o->im;
    tdag_opaque_spec spec = {.name = o->name,
                             .arguments = o->text.data == NULL ? "" : o->text.data,
                             .output = i};
    if (!type_of(o, output, &spec)) return tdagi_any_poison();
    tdag_value v = tdag_add_node(im->env.b, TDAG_OP_OPAQUE, &spec, sizeof(spec),
                                 o->inputs, o->n_inputs);
    tdag_status st = tdag_builder_get_status(im->env.b);
    if (st != TDAG_OK) {
        tdagi_env_fail_here(&im->env, st, o->name);
        return tdagi_any_poison();
    }
    return tdagi_any_tensor(tdagi_cell_new(&im->env, v));
}

/* A list that is the only result, or the results one by one. */
static void make_all(opaque_call *o, const tdagi_pt2_node *node)
{
    bool is_list = node->n_outputs == 1 && node->outputs[0].kind == TDAGI_PT2_LIST;
    const tdagi_pt2_arg *outputs = is_list ? node->outputs[0].u.items : node->outputs;
    uint32_t n = is_list ? node->outputs[0].n : node->n_outputs;
    for (uint32_t i = 0; i < n && tdagi_env_ok(&o->im->env); i++)
        tdagi_pt2_define(o->im, &outputs[i],
                         o->why == NULL ? make(o, &outputs[i], i) : tdagi_any_poison());
}

static bool ends_in_underscore(const char *name)
{
    const char *dot = strrchr(name, '.'), *space = strstr(name, "::");
    size_t n = dot != NULL && space != NULL && dot > space ? (size_t)(dot - name)
                                                           : strlen(name);
    return n > 0 && name[n - 1] == '_';
}

static void keep(tdagi_pt2 *im, const tdagi_pt2_node *node)
{
    opaque_call o = {.im = im, .name = tdagi_pt2_operator_name(im, node)};
    tdagi_text_init(&o.text, im->env.ctx);
    if (node->n_outputs == 0) stop(&o, "which gives nothing");
    if (ends_in_underscore(o.name)) stop(&o, "which writes into an argument");
    if (o.why == NULL) write_arguments(&o, node);
    make_all(&o, node);
    if (o.text.status != TDAG_OK && tdagi_env_ok(&im->env))
        im->env.status = o.text.status;
    if (o.why != NULL && *o.why != '\0' && tdagi_env_ok(&im->env))
        tdagi_env_issue(&im->env, "%s, %s", o.name, o.why);
    tdagi_text_free(&o.text);
}

void tdagi_pt2_without_row(tdagi_pt2 *im, const tdagi_pt2_node *node, const char *name)
{
    const char *why = tdagi_aten_refusal(name);
    if (im->keeps_opaque) {
        keep(im, node);
    } else if (why != NULL) {
        tdagi_env_issue(&im->env, "%s: %s", tdagi_pt2_operator_name(im, node), why);
        for (uint32_t i = 0; i < node->n_outputs; i++)
            tdagi_pt2_define(im, &node->outputs[i], tdagi_any_poison());
    } else {
        tdagi_pt2_unknown(im, node);
    }
}
