/* What kernels compute, as values of the program: leaves when they are first needed,
 * chains of reshapes as one, and the rest as it was emitted. */
#include <string.h>

#include <tdagger/run.h>

#include "base/tensor.h"
#include "coreml/write/mil.h"

void tdagi_mil_type_of(const tdagi_kernel *k, tdagi_type *out)
{
    out->dtype = (tdag_dtype)k->dtype;
    out->rank = k->rank;
    for (uint32_t i = 0; i < k->rank; i++)
        out->shape[i] = k->shape[i];
}

bool tdagi_mil_same_shape(const tdagi_type *a, const tdagi_type *b)
{
    return a->rank == b->rank &&
           memcmp(a->shape, b->shape, a->rank * sizeof *a->shape) == 0;
}

bool tdagi_mil_is_reshape(const tdagi_kernel *k)
{
    return k->composite == TDAGI_CORE && tdagi_op_row_of(k->op)->def->same_order;
}

void tdagi_mil_set(tdagi_mil_writer *w, const tdagi_kernel *k, tdagi_mil v)
{
    (void)k;
    w->now.value[w->now.at] = v;
}

void tdagi_mil_set_second(tdagi_mil_writer *w, const tdagi_kernel *k, tdagi_mil v)
{
    (void)k;
    w->now.value[w->now.at + 1] = v;
}

/* How long a name is without numbers behind it. */
static size_t stem_length(const char *name)
{
    size_t n = strlen(name);
    for (;;) {
        size_t i = n;
        while (i > 0 && name[i - 1] >= '0' && name[i - 1] <= '9')
            i--;
        if (i == n || i == 0 || name[i - 1] != '_') return n;
        n = i - 1;
    }
}

/* Whether a name ends in that of the operator, as one that was written before. */
static bool names_op(const char *name, const char *op)
{
    const size_t n = stem_length(name), own = strlen(op);
    return n >= own && memcmp(name + n - own, op, own) == 0 &&
           (n == own || name[n - own - 1] == '_');
}

/* Of the kernel at hand; NULL: it has no name. */
static tdagi_mil_own *own_name(tdagi_mil_writer *w)
{
    const tdagi_kernel *k = w->now.kernel;
    if (k == NULL || k->value.id == 0 ||
        tdagi_graph_node(w->now.g, k->value)->name == NULL)
        return NULL;
    tdagi_mil_own *own = &w->now.own[k - w->now.r->kernels];
    if (own->name == NULL)
        own->name = tdagi_mil_name(w, tdagi_graph_node(w->now.g, k->value)->name);
    return own->name == NULL ? NULL : own;
}

bool tdagi_mil_is_in_size(const tdagi_mil_writer *w, uint32_t i)
{
    return tdagi_mil_kernel(w, i)->is_size && w->now.uses[i] == 1 &&
           w->now.user[i] != 0 && tdagi_mil_kernel(w, w->now.user[i])->is_size;
}

void tdagi_mil_take_names(tdagi_mil_writer *w)
{
    for (uint32_t i = 1; i <= w->now.r->n && w->status == TDAG_OK; i++) {
        const tdagi_kernel *k = w->now.kernel = tdagi_mil_kernel(w, i);
        const bool is_leaf = k->composite == TDAGI_CORE && tdagi_op_is_leaf(k->op);
        if (!is_leaf && !tdagi_mil_is_in_size(w, i) &&
            (k->is_size || !tdagi_mil_is_deferred(w, i)))
            (void)own_name(w);
    }
}

const char *tdagi_mil_result_name(tdagi_mil_writer *w, const char *like)
{
    tdagi_mil_own *own = own_name(w);
    if (own == NULL || own->name != like || own->is_given)
        return tdagi_mil_name(w, like);
    own->is_given = true;
    return own->name;
}

/* Scope and name without what is no letter; the operator where there is neither. */
const char *tdagi_mil_like(tdagi_mil_writer *w, const char *op, bool is_result)
{
    const tdagi_kernel *k = w->now.kernel;
    const tdagi_node *n =
        k == NULL || k->value.id == 0 ? NULL : tdagi_graph_node(w->now.g, k->value);
    const tdagi_mil_own *own = own_name(w);
    const char *stem = n == NULL     ? ""
                       : own != NULL ? own->name
                                     : tdagi_value_scope(w->now.g, k->value);
    if (*stem == '\0') return op;
    if (is_result && own != NULL) return stem;
    const char *last = strrchr(stem, '.');
    if (is_result && last != NULL && last[1] != '\0') return stem;
    const size_t size = strlen(stem) + strlen(op) + 2;
    char *text = tdagi_mil_alloc(w, size);
    if (text == NULL) return op;
    strcpy(text, stem);
    if (own != NULL && names_op(stem, op)) {
        text[stem_length(stem)] = '\0';
        return text;
    }
    strcat(text, "_");
    return strcat(text, op);
}

/* What the last operation gives becomes the kernel's by its name, too. */
void tdagi_mil_call_result(tdagi_mil_writer *w, tdagi_mil v)
{
    const tdagi_kernel *k = w->now.kernel;
    if (v == NULL || v->is_called || v->is_const || w->ops.n == 0 ||
        w->status != TDAG_OK)
        return;
    Cml__Operation *o = w->ops.v[w->ops.n - 1];
    const tdagi_node *n =
        k->value.id == 0 ? NULL : tdagi_graph_node(w->now.g, k->value);
    if (n == NULL || n->name == NULL || o->n_outputs == 0 ||
        o->outputs[0]->name != v->name)
        return;
    tdagi_mil_own *own = own_name(w);
    if (own == NULL || own->is_given) return;
    own->is_given = true;
    const char *like = own->name;
    tdagi_mil_give_back(w, v->name);
    Cml__TensorValue *name = o->attributes[0]->value->immediate_value->tensor;
    o->outputs[0]->name = name->strings->values[0] = (char *)(uintptr_t)like;
    ((tdagi_mil_value *)(uintptr_t)v)->name = like;
}

/* ---- leaves ---- */

/* The constant that was made last is this leaf. */
static void note_origin(tdagi_mil_writer *w, const tdagi_node *n)
{
    if (w->status != TDAG_OK) return;
    const Cml__Operation *o = w->consts.v[w->consts.n - 1];
    const char *name = o->outputs[0]->name;
    const char *original = n->name == NULL ? NULL : tdagi_name_given(n->name);
    if (tdagi_mil_is_noted(name, original)) {
        tdagi_mil_note(w, "constant", name, original);
        name = original;
    }
    void **place = tdagi_table_at(&w->arena, &w->origins, name, strlen(name));
    if (place == NULL)
        w->status = tdagi_nomem(w->ctx);
    else
        *place = (void *)(uintptr_t)n;
}

const tdagi_node *tdagi_mil_origin(const tdagi_mil_writer *w, const char *name)
{
    const size_t n = strlen(name);
    return n == 0 ? NULL : tdagi_table_get(&w->origins, name, n);
}

/* Whether the type has few elements, of no open size. */
static bool is_small(uint32_t rank, const tdag_dim *shape)
{
    int64_t n = 1;
    for (uint32_t i = 0; i < rank; i++) {
        if (shape[i] < 0 || shape[i] > TDAGI_MIL_MAX_ELEMENTS) return false;
        n *= shape[i];
        if (n > TDAGI_MIL_MAX_ELEMENTS) return false;
    }
    return rank <= TDAGI_MIL_MAX_RANK;
}

/* In the arena; NULL: there is no memory. */
static const double *elements_of(tdagi_mil_writer *w, const tdag_tensor *t)
{
    double *v = tdagi_mil_alloc(w, (size_t)(t->count + 1) * sizeof *v);
    for (int64_t i = 0; v != NULL && i < t->count; i++)
        v[i] = tdagi_tensor_get_f64(t, i);
    return v;
}

/* Where the constant of that tensor is, of that name and dtype; graphs of a program
 * share it. NULL: there is no memory. */
static void **place_of(tdagi_mil_writer *w, const tdag_tensor *t, const char *name,
                       tdag_dtype as)
{
    const void *head[2] = {t->data, NULL};
    const size_t size = strlen(name), n = sizeof head + size;
    unsigned char *key = tdagi_mil_alloc(w, n);
    if (key == NULL) return NULL;
    memcpy(&head[1], &as, sizeof as);
    memcpy(key, head, sizeof head);
    memcpy(key + sizeof head, name, size);
    void **place = tdagi_table_at(&w->arena, &w->constants, key, n);
    if (place == NULL) w->status = tdagi_nomem(w->ctx);
    return place;
}

static tdagi_mil leaf(tdagi_mil_writer *w, const tdagi_kernel *k, tdag_dtype as)
{
    char buf[16];
    const tdagi_node *n = tdagi_graph_node(w->now.g, k->value);
    const bool is_output = w->now.user[k - w->now.r->kernels] == 0;
    if (n->op == TDAG_OP_CONSTANT && n->u.tensor->count <= 16 &&
        n->rank <= TDAGI_MIL_MAX_RANK && (n->name == NULL || !is_output)) {
        double v[16];
        for (int64_t i = 0; i < n->u.tensor->count; i++)
            v[i] = tdagi_tensor_get_f64(n->u.tensor, i);
        return tdagi_mil_numbers(w, as, n->rank, n->shape, v);
    }
    const char *name = tdagi_name_given(tdagi_value_name(w->now.g, k->value, buf));
    if (n->op == TDAG_OP_CONSTANT && n->name == NULL) name = "constant";
    void **place = place_of(w, n->u.tensor, name, as);
    if (place == NULL) return NULL;
    tdagi_mil v = *place;
    if (v != NULL && v->type.rank == n->rank &&
        memcmp(v->type.shape, n->shape, n->rank * sizeof *n->shape) == 0)
        return v;
    v = tdagi_mil_tensor(w, name, n->u.tensor, as);
    if (v != NULL && v->is_const) *place = (void *)(uintptr_t)v;
    note_origin(w, n);
    if (n->op == TDAG_OP_CONSTANT && v != NULL && is_small(n->rank, n->shape))
        ((tdagi_mil_value *)(uintptr_t)v)->elements = elements_of(w, n->u.tensor);
    return v;
}

static bool is_tensor(const tdagi_kernel *k)
{
    return k->composite == TDAGI_CORE && tdagi_op_holds_tensor(k->op);
}

/* Whether it converts a weight, which is written as what it is converted to. */
static bool reads_tensor(const tdagi_mil_writer *w, const tdagi_kernel *k)
{
    if (!tdagi_mil_is_core(k, TDAG_OP_CONVERT)) return false;
    const tdagi_kernel *x = tdagi_mil_kernel(w, k->inputs[0]);
    return is_tensor(x) &&
           (!tdag_dtype_is_float((tdag_dtype)x->dtype) || k->dtype == TDAG_F32);
}

static tdag_value constant_of(tdagi_mil_writer *w, tdag_builder *b, tdagi_mil x)
{
    tdag_tensor *t = NULL;
    if (w->status == TDAG_OK)
        w->status =
            tdag_tensor_create(w->ctx, x->type.dtype, x->type.rank, x->type.shape, &t);
    if (w->status != TDAG_OK) return TDAG_NO_VALUE;
    for (int64_t i = 0; i < t->count; i++)
        if (tdag_dtype_is_float(t->dtype))
            tdagi_tensor_set_f64(t, i, x->elements[i]);
        else
            tdagi_tensor_set_i64(t, i, (int64_t)x->elements[i]);
    tdag_value v = tdag_add_tensor(b, TDAG_OP_CONSTANT, NULL, t);
    tdag_tensor_free(t);
    return v;
}

static tdag_graph *graph_of_numbers(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    tdag_builder *b = NULL;
    tdag_graph *g = NULL;
    tdag_value in[TDAGI_MIL_MAX_NUMBERS], v;
    if (w->status != TDAG_OK ||
        (w->status = tdag_builder_create(w->ctx, &b)) != TDAG_OK)
        return NULL;
    for (uint32_t i = 0; i < k->n_inputs; i++)
        in[i] = constant_of(w, b, tdagi_mil_in(w, k, i));
    if (k->composite != TDAGI_CORE)
        v = tdagi_lower(b, (tdagi_composite)k->composite, in, k->n_inputs, k->spec);
    else
        v = tdag_add_node(b, (tdag_op)k->op, k->spec,
                          tdagi_op_row_of(k->op)->def->spec_size, in, k->n_inputs);
    tdag_builder_add_output(b, v);
    if (w->status == TDAG_OK) w->status = tdag_builder_finish(b, &g);
    tdag_builder_free(b);
    return g;
}

/* Numbers made of numbers are some. */
static tdagi_mil compute(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    tdag_tensor *out = NULL;
    tdagi_mil v = NULL;
    tdag_run_options o;
    tdag_run_options_init(&o);
    o.engine = TDAG_ENGINE_REFERENCE;
    tdag_graph *g = graph_of_numbers(w, k);
    if (g == NULL) return NULL;
    w->status = tdag_graph_run(w->ctx, g, NULL, 0, &o, &out);
    const double *elements = out == NULL ? NULL : elements_of(w, out);
    if (elements != NULL)
        v = tdagi_mil_numbers(w, (tdag_dtype)k->dtype, k->rank, k->shape, elements);
    tdag_tensor_free(out);
    tdag_graph_free(g);
    return v;
}

tdagi_mil tdagi_mil_constant_of(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    if (!is_small(k->rank, k->shape) || k->n_inputs == 0 ||
        k->n_inputs > TDAGI_MIL_MAX_NUMBERS || tdagi_composite_is_pair(k->composite) ||
        k->op == TDAG_OP_OPAQUE)
        return NULL;
    for (uint32_t i = 0; i < k->n_inputs; i++) {
        tdagi_mil x = tdagi_mil_in(w, k, i);
        if (x == NULL || x->elements == NULL || x->held != NULL) return NULL;
    }
    return compute(w, k);
}

/* ---- views and reductions ---- */

/* Whether the squeezed axes are those that the reduction left as 1. */
static bool completes(const tdagi_kernel *squeeze, const tdagi_kernel *x)
{
    if (!tdagi_mil_is_core(squeeze, TDAG_OP_SQUEEZE) ||
        !tdagi_mil_is_core(x, TDAG_OP_REDUCE))
        return false;
    const tdag_axes_spec *gone = squeeze->spec;
    const tdag_reduce_spec *s = x->spec;
    return s->axes.n > 0 && s->axes.n == gone->axes.n &&
           memcmp(s->axes.v, gone->axes.v, s->axes.n * sizeof *s->axes.v) == 0;
}

bool tdagi_mil_is_deferred(const tdagi_mil_writer *w, uint32_t i)
{
    const tdagi_kernel *k = tdagi_mil_kernel(w, i);
    if (tdagi_mil_is_reshape(k) || is_tensor(k) || reads_tensor(w, k)) return true;
    const uint32_t user = w->now.user[i];
    return w->now.uses[i] == 1 && user != 0 && !tdagi_mil_is_high(w, k) &&
           completes(tdagi_mil_kernel(w, user), k);
}

static bool gives_size(const tdagi_mil_writer *w, uint32_t i, tdagi_size *out)
{
    const tdagi_kernel *k = tdagi_mil_kernel(w, i);
    return k->is_size && tdagi_is_size(w->now.g, k->value.id, out);
}

static tdagi_mil reshaped(tdagi_mil_writer *w, uint32_t i)
{
    tdagi_size size;
    const tdagi_kernel *k = tdagi_mil_kernel(w, i);
    uint32_t base = i, above = i;
    tdagi_type type;
    while (w->now.value[base] == NULL && !gives_size(w, base, &size) &&
           tdagi_mil_is_reshape(tdagi_mil_kernel(w, base))) {
        above = base;
        base = tdagi_mil_kernel(w, base)->inputs[0];
    }
    const tdagi_kernel *x = tdagi_mil_kernel(w, base);
    if (gives_size(w, base, &size)) (void)tdagi_mil_of(w, base);
    w->now.kernel = k;
    if (w->now.value[base] == NULL) w->now.value[base] = tdagi_mil_constant_of(w, x);
    if (w->now.value[base] == NULL && completes(tdagi_mil_kernel(w, above), x)) {
        tdagi_mil_type_of(tdagi_mil_kernel(w, above), &type);
        w->now.value[above] = tdagi_mil_reduce(w, x, false, &type);
        base = above;
    }
    return tdagi_mil_reshape(w, tdagi_mil_of(w, base), k->rank, k->shape);
}

static void call_reshaped(tdagi_mil_writer *w, uint32_t i)
{
    const uint32_t n = w->ops.n;
    w->now.value[i] = reshaped(w, i);
    if (w->ops.n > n) tdagi_mil_call_result(w, w->now.value[i]);
}

static bool call_size(tdagi_mil_writer *w, uint32_t i)
{
    const uint32_t n = w->ops.n, at = w->now.at;
    tdagi_size size;
    if (!gives_size(w, i, &size)) return false;
    w->now.kernel = tdagi_mil_kernel(w, i);
    w->now.at = i;
    tdagi_mil_size(w, w->now.kernel, &size);
    w->now.at = at;
    if (w->ops.n > n) tdagi_mil_call_result(w, w->now.value[i]);
    return true;
}

tdagi_mil tdagi_mil_of(tdagi_mil_writer *w, uint32_t i)
{
    if (w->status != TDAG_OK || w->now.value[i] != NULL) return w->now.value[i];
    const tdagi_kernel *k = tdagi_mil_kernel(w, i), *at = w->now.kernel;
    if (call_size(w, i))
        ; /* where it is needed */
    else if (tdagi_mil_is_reshape(k))
        call_reshaped(w, i);
    else if (is_tensor(k) || reads_tensor(w, k))
        w->now.value[i] = leaf(w, is_tensor(k) ? k : tdagi_mil_kernel(w, k->inputs[0]),
                               (tdag_dtype)k->dtype);
    w->now.kernel = at;
    if (w->now.value[i] == NULL && w->status == TDAG_OK)
        tdagi_mil_fail(w, TDAG_E_INTERNAL, "a value is used before it is computed");
    return w->now.value[i];
}

tdagi_mil tdagi_mil_in(tdagi_mil_writer *w, const tdagi_kernel *k, uint32_t i)
{
    if (w->now.operands != NULL) return i < k->n_inputs ? w->now.operands[i] : NULL;
    return i < k->n_inputs && k->inputs[i] != 0 ? tdagi_mil_of(w, k->inputs[i]) : NULL;
}
