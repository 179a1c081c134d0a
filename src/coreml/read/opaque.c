/* Operations that no row expresses, kept as opaque nodes: their results are of the
 * types that the file tells. The text of one is what it is written back from
 * (write/opaque.c):
 *
 *     x=$0, values=($1, $2), axis=1, size=[2, 3], mode="same" of CoreML7 -> f32[2,?]
 * i32[]
 *
 * $0, $1, ... are the inputs, parentheses hold several values of one operand, brackets
 * a vector; types of the results stand there where there are several. */
#include "coreml/read/import.h"

#include <string.h>

#include "base/number_text.h"
#include "base/text.h"

enum { MOST_INPUTS = 64 };

typedef struct opaque {
    tdagi_cml *im;
    tdag_value inputs[MOST_INPUTS];
    uint32_t n;
    tdagi_text text;
    bool bad;
} opaque;

static void write_value(opaque *o, tdagi_any v)
{
    char digits[TDAGI_NUMBER_TEXT_SIZE];
    int64_t i;
    tdagi_any known = tdagi_any_known(v);
    if (known.kind == TDAGI_ANY_STRING) {
        tdagi_text_printf(&o->text, "\"%s\"", known.u.s);
        o->bad |= strpbrk(known.u.s, "\"\\$") != NULL;
    } else if (known.kind == TDAGI_ANY_BOOL && !known.assumed) {
        tdagi_text_add(&o->text, known.u.b ? "True" : "False");
    } else if (known.kind == TDAGI_ANY_FLOAT && !known.assumed) {
        tdagi_f64_literal(known.u.f, digits);
        tdagi_text_add(&o->text, digits);
    } else if (known.kind == TDAGI_ANY_INT &&
               tdagi_any_const_int(&o->im->env, known, &i)) {
        tdagi_text_printf(&o->text, "%lld", (long long)i);
    } else if (tdagi_any_is_tensor(v) && o->n < MOST_INPUTS) {
        tdagi_text_printf(&o->text, "$%lu", (unsigned long)o->n);
        o->inputs[o->n++] = tdagi_cell_read(&o->im->env, v.u.tensor);
    } else if (tdagi_any_is_seq(v)) {
        tdagi_text_add(&o->text, "[");
        for (uint32_t k = 0; k < v.u.seq->n; k++) {
            if (k > 0) tdagi_text_add(&o->text, ", ");
            write_value(o, v.u.seq->v[k]);
        }
        tdagi_text_add(&o->text, "]");
    } else {
        o->bad = true;
    }
}

static void write_operand(opaque *o, const char *name, const Cml__Argument *a)
{
    if (a == NULL) tdagi_cml_bad(o->im, "an operand has no value");
    o->bad = a == NULL || !tdagi_is_identifier(name);
    if (o->bad) return;
    tdagi_text_printf(&o->text, "%s%s=", o->text.data == NULL ? "" : ", ", name);
    bool several = a->n_arguments != 1;
    if (several) tdagi_text_add(&o->text, "(");
    for (size_t i = 0; i < a->n_arguments && tdagi_env_ok(&o->im->env); i++) {
        if (i > 0) tdagi_text_add(&o->text, ", ");
        tdagi_any v = tdagi_cml_binding(o->im, a->arguments[i]);
        o->bad |= tdagi_env_note_poison(&o->im->env, &v);
        if (!o->bad) write_value(o, v);
    }
    if (several) tdagi_text_add(&o->text, ")");
}

static tdagi_any make(opaque *o, const Cml__Operation *op, uint32_t i)
{
    tdagi_cml *im = o->im;
    const Cml__ValueType *type = op->outputs[i]->type;
    tdag_dim dims[TDAG_MAX_RANK];
    tdag_dtype dtype = TDAG_DTYPE_NONE;
    tdag_opaque_spec spec = {.name = tdagi_env_text(&im->env, "coreml::%s", op->type),
                             .arguments = o->text.data == NULL ? "" : o->text.data,
                             .output = i};
    if (type == NULL || type->type_case != CML__VALUE_TYPE__TYPE_TENSOR_TYPE)
        return tdagi_env_issue(&im->env, "%s, which gives no tensor", op->type);
    if (spec.name == NULL ||
        !tdagi_cml_type(im, op->type, type->tensor_type, &dtype, dims))
        return tdagi_any_poison();
    spec.dtype = dtype;
    spec.shape = (tdag_list){(uint32_t)type->tensor_type->n_dimensions, dims};
    tdag_value v =
        tdag_add_node(im->env.b, TDAG_OP_OPAQUE, &spec, sizeof(spec), o->inputs, o->n);
    if (v.id != 0) return tdagi_any_tensor(tdagi_cell_new(&im->env, v));
    tdagi_env_fail_here(&im->env, tdag_builder_get_status(im->env.b), op->type);
    return tdagi_any_poison();
}

static void write_type(opaque *o, const Cml__Operation *op, const Cml__ValueType *type)
{
    tdag_dim dims[TDAG_MAX_RANK];
    tdag_dtype dtype = TDAG_DTYPE_NONE;
    if (type == NULL || type->type_case != CML__VALUE_TYPE__TYPE_TENSOR_TYPE ||
        !tdagi_cml_type(o->im, op->type, type->tensor_type, &dtype, dims)) {
        o->bad = true;
        return;
    }
    tdagi_text_printf(&o->text, " %s[", tdag_dtype_name(dtype));
    for (size_t k = 0; k < type->tensor_type->n_dimensions; k++)
        tdagi_text_printf(&o->text, k == 0 ? "%lld" : ",%lld", (long long)dims[k]);
    tdagi_text_add(&o->text, "]");
}

void tdagi_cml_keep(tdagi_cml *im, const Cml__Operation *op)
{
    opaque o = {.im = im};
    tdagi_text_init(&o.text, im->env.ctx);
    o.bad = op->n_blocks > 0 || op->n_outputs == 0;
    for (size_t i = 0; i < op->n_inputs && !o.bad && tdagi_env_ok(&im->env); i++)
        write_operand(&o, op->inputs[i]->key, op->inputs[i]->value);
    tdagi_text_printf(&o.text, " of CoreML%lu", (unsigned long)im->opset);
    if (op->n_outputs > 1) tdagi_text_add(&o.text, " ->");
    for (size_t i = 0; op->n_outputs > 1 && i < op->n_outputs && !o.bad; i++)
        write_type(&o, op, op->outputs[i]->type);
    tdagi_any all = tdagi_any_seq(&im->env, TDAGI_ANY_TUPLE, 0, NULL);
    if (o.bad && tdagi_env_ok(&im->env))
        tdagi_env_issue(&im->env, "%s with an operand that cannot be written out",
                        op->type);
    for (uint32_t i = 0; i < op->n_outputs && tdagi_env_ok(&im->env); i++)
        tdagi_seq_append(&im->env, all.u.seq,
                         o.bad ? tdagi_any_poison() : make(&o, op, i));
    if (o.text.status != TDAG_OK && tdagi_env_ok(&im->env))
        im->env.status = o.text.status;
    if (tdagi_env_ok(&im->env)) tdagi_cml_give(im, op, all);
    tdagi_text_free(&o.text);
}
