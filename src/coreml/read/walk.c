/* Running a block: its operations in order, values by their names. */
#include "coreml/read/import.h"

#include <string.h>

#include "aten/aten.h"
#include "aten/selection.h"

void tdagi_cml_bad(tdagi_cml *im, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tdagi_env_bad(&im->env, im->op == NULL ? NULL : im->op->type, format, args);
    va_end(args);
}

/* ---- names ---- */

tdagi_cml_value *tdagi_cml_define(tdagi_cml *im, const char *name, tdagi_any v)
{
    void **slot = tdagi_table_at(&im->env.arena, &im->names, name, strlen(name) + 1);
    tdagi_cml_value *value =
        slot == NULL ? NULL : tdagi_env_alloc(&im->env, sizeof(*value));
    if (value == NULL) {
        if (tdagi_env_ok(&im->env)) im->env.status = tdagi_nomem(im->env.ctx);
        return NULL;
    }
    *value = (tdagi_cml_value){
        .name = name, .is = v, .made_by = im->op, .hidden = *slot, .before = im->last};
    *slot = im->last = value;
    return value;
}

void tdagi_cml_leave(tdagi_cml *im, tdagi_cml_value *last)
{
    for (; im->last != last; im->last = im->last->before) {
        const char *name = im->last->name;
        void **slot =
            tdagi_table_at(&im->env.arena, &im->names, name, strlen(name) + 1);
        if (slot != NULL) *slot = im->last->hidden;
    }
}

tdagi_cml_value *tdagi_cml_find(tdagi_cml *im, const char *name)
{
    return tdagi_table_get(&im->names, name, strlen(name) + 1);
}

/* By the name that it had, in the module that this begins with. */
static tdagi_any noted_constant(tdagi_cml *im, const char *name, const Cml__Value *v)
{
    const char *noted = tdagi_cml_note(im, "constant", name);
    const char *dot = noted == NULL ? NULL : strrchr(noted, '.');
    if (noted == NULL) return tdagi_cml_constant(im, name, v);
    const char *path =
        dot == NULL ? "" : tdagi_env_text(&im->env, "%.*s", (int)(dot - noted), noted);
    if (path != NULL) tdag_builder_set_scope(im->env.b, path);
    tdagi_any out = tdagi_cml_constant(im, noted, v);
    tdag_builder_set_scope(im->env.b, im->module == NULL ? "" : im->module);
    return out;
}

tdagi_any tdagi_cml_get(tdagi_cml *im, const char *name)
{
    tdagi_cml_value *v = tdagi_cml_find(im, name);
    if (v == NULL) {
        tdagi_cml_bad(im, "%.200s is used before it is computed", name);
        return tdagi_any_poison();
    }
    if (v->constant != NULL) {
        const Cml__Value *constant = v->constant;
        v->constant = NULL;
        v->is = noted_constant(im, name, constant);
    }
    /* what is known stays so where it is needed as data, too */
    if (v->is.kind == TDAGI_ANY_TENSOR && v->is.u.tensor->known != NULL) {
        const tdagi_cell *t = v->is.u.tensor;
        return tdagi_any_tensor(
            t->known_rank == 0
                ? tdagi_cell_known(&im->env, t->dtype, t->known[0])
                : tdagi_cell_known_list(&im->env, t->dtype, t->n_known, t->known));
    }
    return v->is;
}

static tdagi_any literal(tdagi_cml *im, const char *operand, const Cml__Value *v)
{
    const char *of =
        im->op == NULL || im->op->n_outputs == 0 ? "" : im->op->outputs[0]->name;
    const char *name = tdagi_env_text(&im->env, "%s_%s", of, operand);
    return name == NULL ? tdagi_any_poison() : tdagi_cml_constant(im, name, v);
}

static tdagi_any binding(tdagi_cml *im, const char *operand, const Cml__Binding *b)
{
    if (b->binding_case == CML__BINDING__BINDING_NAME)
        return tdagi_cml_get(im, b->name);
    if (b->binding_case == CML__BINDING__BINDING_VALUE)
        return literal(im, operand, b->value);
    tdagi_cml_bad(im, "the operand %.80s is neither a name nor a value", operand);
    return tdagi_any_poison();
}

tdagi_any tdagi_cml_binding(tdagi_cml *im, const Cml__Binding *b)
{
    return binding(im, "value", b);
}

const Cml__Argument *tdagi_cml_argument(const Cml__Operation *op, const char *name)
{
    for (size_t i = 0; i < op->n_inputs; i++)
        if (strcmp(op->inputs[i]->key, name) == 0) return op->inputs[i]->value;
    return NULL;
}

/* ---- operands ---- */

/* The numbers that a tensor of positions or sizes was joined of: those that are known
 * stay so. NULL: it was not. */
static tdagi_seq *items_of(tdagi_cml *im, const char *operand, const Cml__Binding *b)
{
    static const char *const lists[] = {"begin", "end", "size", "shape", "reps"};
    size_t i = 0, n = sizeof lists / sizeof *lists;
    while (i < n && strcmp(operand, lists[i]) != 0)
        i++;
    const bool is_name = i < n && b->binding_case == CML__BINDING__BINDING_NAME;
    const tdagi_cml_value *v = is_name ? tdagi_cml_find(im, b->name) : NULL;
    return v == NULL ? NULL : v->items;
}

static tdagi_any operand(tdagi_cml *im, const char *name, const Cml__Argument *a,
                         bool is_tuple)
{
    if (!is_tuple && a->n_arguments == 1) {
        tdagi_seq *items = items_of(im, name, a->arguments[0]);
        return items == NULL
                   ? binding(im, name, a->arguments[0])
                   : tdagi_any_seq(&im->env, TDAGI_ANY_LIST, items->n, items->v);
    }
    tdagi_any list = tdagi_any_seq(&im->env, TDAGI_ANY_LIST, 0, NULL);
    for (size_t i = 0; i < a->n_arguments && tdagi_env_ok(&im->env); i++)
        tdagi_seq_append(&im->env, list.u.seq, binding(im, name, a->arguments[i]));
    return list;
}

/* Sets what the operation has; attributes are operands of older opsets. False: poison.
 */
static bool take_operands(tdagi_cml *im, const Cml__Operation *op,
                          const tdagi_cml_row *row, tdagi_cml_call *c)
{
    bool poison = false;
    for (size_t i = 0; i < op->n_inputs && tdagi_env_ok(&im->env); i++) {
        const char *name = op->inputs[i]->key;
        if (op->inputs[i]->value == NULL) tdagi_cml_bad(im, "an operand has no value");
        if (!tdagi_env_ok(&im->env)) return false;
        tdagi_any v =
            operand(im, name, op->inputs[i]->value, tdagi_cml_is_tuple(row, name));
        if (tdagi_any_find_poison(&v) != NULL) v = tdagi_settled(&im->env, v);
        poison |= tdagi_env_note_poison(&im->env, &v);
        tdagi_cml_set(c, name, v);
    }
    for (size_t i = 0; i < op->n_attributes && tdagi_env_ok(&im->env); i++) {
        const Cml__ValueEntry *e = op->attributes[i];
        if (strcmp(e->key, "name") == 0 || e->value == NULL) continue;
        tdagi_any v = literal(im, e->key, e->value);
        poison |= tdagi_env_note_poison(&im->env, &v);
        tdagi_cml_set(c, e->key, v);
    }
    return !poison && tdagi_env_ok(&im->env);
}

/* ---- results ---- */

static tdagi_any as_tensor(tdagi_cml *im, tdagi_any v, tdag_dtype dtype)
{
    tdagi_env *env = &im->env;
    if (dtype == TDAG_DTYPE_NONE) dtype = TDAG_I32;
    if (v.kind == TDAGI_ANY_DATA) v.kind = TDAGI_ANY_TENSOR;
    if (tdagi_any_is_number(v))
        return tdagi_any_tensor(tdagi_cell_known(env, dtype, v));
    if (!tdagi_any_is_seq(v)) return v;
    for (uint32_t i = 0; i < v.u.seq->n; i++)
        if (!tdagi_any_is_number(v.u.seq->v[i])) return v;
    return tdagi_any_tensor(tdagi_cell_known_list(env, dtype, v.u.seq->n, v.u.seq->v));
}

/* Fails where the file tells another size. */
static void check_shape(tdagi_cml *im, const char *name, const Cml__TensorType *type,
                        tdagi_cell *t)
{
    uint32_t rank = tdagi_cell_rank(&im->env, t);
    if (type->n_dimensions != (type->rank < 0 ? 0 : (size_t)type->rank)) return;
    bool same = type->n_dimensions == rank;
    int64_t n = 0;
    for (uint32_t i = 0; same && i < rank; i++) {
        const Cml__Dimension *d = type->dimensions[i];
        if (d->dimension_case != CML__DIMENSION__DIMENSION_CONSTANT) continue;
        if (!tdagi_dim_is_const(im->env.pool, tdagi_cell_dim(&im->env, t, i), &n))
            continue;
        same = (uint64_t)n == d->constant->size;
    }
    if (!same)
        tdagi_cml_bad(im, "the file says that %.200s has another shape than it has",
                      name);
}

/* Where the file says that a size is 1, as it is at the samples, it is. */
static tdagi_any only_one(tdagi_cml *im, const Cml__TensorType *type, tdagi_any v)
{
    tdagi_env *env = &im->env;
    const uint32_t rank = tdagi_cell_rank(env, v.u.tensor);
    for (uint32_t i = 0; i < rank && i < type->n_dimensions && tdagi_env_ok(env); i++) {
        const Cml__Dimension *is = type->dimensions[i];
        const tdag_dim d = tdagi_cell_dim(env, v.u.tensor, i);
        if (is->dimension_case != CML__DIMENSION__DIMENSION_CONSTANT ||
            is->constant->size != 1 || d >= 0 || tdagi_dim_sample(env->pool, d) != 1)
            continue;
        const tdag_value x = tdagi_cell_read(env, v.u.tensor);
        v = tdagi_any_tensor(tdagi_cell_new(env, tdag_select(env->b, x, i, 0)));
    }
    return v;
}

static tdagi_any settle(tdagi_cml *im, const Cml__NamedValueType *o, tdagi_any v)
{
    tdagi_env *env = &im->env;
    const Cml__TensorType *type =
        o->type != NULL && o->type->type_case == CML__VALUE_TYPE__TYPE_TENSOR_TYPE
            ? o->type->tensor_type
            : NULL;
    const tdagi_cml_element *e =
        type == NULL ? NULL : tdagi_cml_element_of(type->data_type);
    tdag_dtype dtype = e == NULL ? TDAG_DTYPE_NONE : (tdag_dtype)e->dtype;
    v = as_tensor(im, tdagi_settled(env, v), dtype);
    if (v.kind != TDAGI_ANY_TENSOR || type == NULL || !tdagi_env_ok(env)) return v;
    check_shape(im, o->name, type, v.u.tensor);
    v = only_one(im, type, v);
    if (dtype == TDAG_DTYPE_NONE || tdagi_cell_dtype(env, v.u.tensor) == dtype)
        return v;
    if (v.u.tensor->known != NULL && v.u.tensor->value.id == 0 &&
        !tdag_dtype_is_float(dtype) && !tdag_dtype_is_float(v.u.tensor->dtype)) {
        v.u.tensor->dtype = dtype;
        return v;
    }
    tdag_value x = tdagi_cell_read(env, v.u.tensor);
    return tdagi_any_tensor(tdagi_cell_new(env, tdagi_cast(env->b, x, dtype)));
}

/* A pad or slice by sizes that are open: those are operations before it. */
static bool takes_sizes(const tdag_graph *g, const tdagi_node *n)
{
    const tdag_slice_spec *s = n->u.spec; /* a pad has two such lists, too */
    const bool is_slice = n->op == TDAG_OP_SLICE;
    bool takes = false;
    if (!is_slice && n->op != TDAG_OP_PAD) return false;
    const tdag_dim *from = g->nodes[tdagi_node_inputs(n)[0].id].shape;
    for (uint32_t i = 0; i < n->rank; i++)
        takes = takes || s->start.v[i] < 0 ||
                (s->end.v[i] < 0 && !(is_slice && s->end.v[i] == from[i]));
    return takes;
}

/* A new node is called as its value; what may become an operation of its own before it,
 * and would have no name, after it. */
static void name_result(tdagi_cml *im, const char *name, tdagi_any v)
{
    tdag_builder *b = im->env.b;
    if (v.kind != TDAGI_ANY_TENSOR) return;
    tdag_value x = v.u.tensor->value;
    if (x.id <= im->n_before || b->graph->nodes[x.id].name != NULL) return;
    tdag_builder_set_name(b, x, name);
    for (uint32_t id = im->n_before + 1; id < x.id; id++) {
        const tdagi_node *n = &b->graph->nodes[id];
        if (n->name == NULL && takes_sizes(b->graph, n))
            tdag_builder_set_name(b, (tdag_value){id},
                                  tdagi_env_text(&im->env, "%s_part", name));
    }
}

void tdagi_cml_give(tdagi_cml *im, const Cml__Operation *op, tdagi_any out)
{
    bool several = out.kind == TDAGI_ANY_TUPLE ||
                   (out.kind == TDAGI_ANY_LIST &&
                    (op->n_outputs > 1 ||
                     (out.u.seq->n == 1 && out.u.seq->v[0].kind == TDAGI_ANY_TENSOR)));
    if (op->n_outputs > 1 && out.kind != TDAGI_ANY_POISON &&
        (!several || out.u.seq->n < op->n_outputs)) {
        tdagi_cml_bad(im, "it has fewer results than the program names");
        return;
    }
    for (size_t i = 0; i < op->n_outputs && tdagi_env_ok(&im->env); i++) {
        tdagi_any v = several ? out.u.seq->v[i] : out;
        v = settle(im, op->outputs[i], v);
        name_result(im, op->outputs[i]->name, v);
        tdagi_cml_define(im, op->outputs[i]->name, v);
    }
}

/* ---- operations ---- */

static void define_constant(tdagi_cml *im, const Cml__Operation *op)
{
    const Cml__Value *value = NULL;
    for (size_t i = 0; i < op->n_attributes; i++)
        if (strcmp(op->attributes[i]->key, "val") == 0)
            value = op->attributes[i]->value;
    if (value == NULL || op->n_outputs != 1) {
        tdagi_cml_bad(im, "a constant without its value");
        return;
    }
    tdagi_cml_value *v = tdagi_cml_define(im, op->outputs[0]->name, tdagi_any_none());
    if (v != NULL) v->constant = value;
}

/* Of a join of scalars, whole numbers, notes what it joins. */
static void note_items(tdagi_cml *im, const Cml__Operation *op, tdagi_cml_call *c)
{
    tdagi_any values = tdagi_cml_at(c, "values");
    tdagi_cml_value *made =
        op->n_outputs == 1 ? tdagi_cml_find(im, op->outputs[0]->name) : NULL;
    if (made == NULL || made->is.kind != TDAGI_ANY_TENSOR ||
        made->is.u.tensor->known != NULL || !tdagi_any_is_seq(values) ||
        tdag_dtype_is_float(tdagi_cell_dtype(&im->env, made->is.u.tensor)))
        return;
    tdagi_any items = tdagi_any_seq(&im->env, TDAGI_ANY_LIST, 0, NULL);
    for (uint32_t i = 0; i < values.u.seq->n && tdagi_env_ok(&im->env); i++) {
        tdagi_any v = values.u.seq->v[i];
        if (v.kind != TDAGI_ANY_TENSOR || tdagi_cell_rank(&im->env, v.u.tensor) != 0)
            return;
        tdagi_any known = tdagi_any_evaluated(&im->env, v);
        v.kind = TDAGI_ANY_DATA;
        v.letter = 'i';
        tdagi_seq_append(&im->env, items.u.seq,
                         known.kind == TDAGI_ANY_INT ? known : v);
    }
    if (tdagi_env_ok(&im->env)) made->items = items.u.seq;
}

/* What a row refuses is kept as opaque nodes where such are wanted. */
static void refused(tdagi_cml *im, const Cml__Operation *op, uint32_t n_issues)
{
    if (im->keeps_opaque && tdagi_env_ok(&im->env)) {
        im->env.n_issues = n_issues;
        tdagi_cml_keep(im, op);
        return;
    }
    tdagi_cml_give(im, op, tdagi_any_poison());
}

static void call(tdagi_cml *im, const Cml__Operation *op)
{
    tdagi_cml_call c;
    tdagi_env *env = &im->env;
    const tdagi_cml_row *row = tdagi_cml_row_of(op->type);
    uint32_t n_issues = env->n_issues;
    if (row == NULL) {
        tdagi_env_issue(env, "%.200s", op->type);
        refused(im, op, n_issues);
        return;
    }
    tdagi_any out = tdagi_any_poison();
    if (tdagi_cml_meant(im, op, &out)) {
        if (tdagi_env_ok(env)) tdagi_cml_give(im, op, out);
        return;
    }
    tdagi_cml_begin(&c, env, &im->room, op->type);
    bool is_whole = take_operands(im, op, row, &c);
    if (is_whole && !tdagi_cml_known(&c, &out)) out = tdagi_cml_meaning(&c, row);
    if (is_whole && out.kind == TDAGI_ANY_POISON && env->n_issues > n_issues)
        refused(im, op, n_issues);
    else if (tdagi_env_ok(env))
        tdagi_cml_give(im, op, out);
    if (tdagi_env_ok(env) && strcmp(op->type, "concat") == 0) note_items(im, op, &c);
}

static const struct {
    const char *type;
    void (*run)(tdagi_cml *im, const Cml__Operation *op);
} special[] = {
    {"const", define_constant},
    {"cond", tdagi_cml_cond},
    {"while_loop", tdagi_cml_while},
    {"read_state", tdagi_cml_read_state},
    {"write_state", tdagi_cml_write_state},
};

/* Modules are noted where they change. */
static void set_module(tdagi_cml *im, const Cml__Operation *op)
{
    const char *path =
        op->n_outputs == 0 ? NULL : tdagi_cml_note(im, "module", op->outputs[0]->name);
    if (path == NULL) return;
    im->module = strcmp(path, ".") == 0 ? "" : path;
    tdag_builder_set_scope(im->env.b, im->module);
}

void tdagi_cml_run(tdagi_cml *im, const Cml__Block *block)
{
    const Cml__Operation *outer = im->op;
    if (block->base.descriptor == NULL) im->run_layers(im, block);
    for (size_t i = 0; i < block->n_operations && tdagi_env_step(&im->env, 1); i++) {
        const Cml__Operation *op = im->op = block->operations[i];
        im->n_before = im->env.b->graph->n;
        set_module(im, op);
        size_t n = sizeof(special) / sizeof(special[0]), k = 0;
        while (k < n && strcmp(special[k].type, op->type) != 0)
            k++;
        if (k < n)
            special[k].run(im, op);
        else
            call(im, op);
    }
    im->op = outer;
}
