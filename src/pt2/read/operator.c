/* Nodes that call operators: the schema by the target's name, arguments by theirs,
 * defaults for those that were left out, the call of the row, its results. */
#include "pt2/read/import.h"

#include <string.h>

#include "aten/aten.h"
#include "aten/control/statement.h"

typedef struct operation {
    const char *name; /* "aten::add" */
    bool is_checked;  /* whether there is a schema is known */
    bool has_schema;
    tdagi_schema schema;
} operation;

/* Operators without results that end a program where something does not hold; the
 * exporter adds them where an operator makes the same check itself. */
static const char *const assertions[] = {"_assert_tensor_metadata.default",
                                         "_assert_scalar.default",
                                         "_assert_async.msg",
                                         "_assert_async.default",
                                         "sym_constrain_range.default",
                                         "sym_constrain_range_for_size.default",
                                         "_functional_assert_async.msg",
                                         "_functional_assert_scalar.default",
                                         "_functional_sym_constrain_range.default"};

/* Operators that are another one's row here: what tells them apart is memory, or that
 * they are called from Python. */
static const struct {
    const char *name, *row, *overload;
} same[] = {
    {"sym_size.int", "aten::size", "int"},
    {"sym_numel.default", "aten::numel", ""},
    {"lift_fresh_copy.default", "aten::clone", ""},
    {"_adaptive_avg_pool2d.default", "aten::adaptive_avg_pool2d", ""},
    {"_adaptive_avg_pool3d.default", "aten::adaptive_avg_pool3d", ""},
    {"_local_scalar_dense.default", "aten::item", ""},
    {"_embedding_bag_forward_only.default", "aten::_embedding_bag", ""},
};

/* ---- names and schemas ---- */

/* "aten::add.Tensor" of "torch.ops.aten.add.Tensor", without a default overload. */
static const char *full_name(tdagi_pt2 *im, const char *target)
{
    if (strncmp(target, "torch.ops.", 10) != 0) return target;
    const char *space = target + 10, *dot = strchr(space, '.');
    const char *overload = strrchr(space, '.');
    if (dot == NULL || dot == overload) return target;
    bool is_default = strcmp(overload, ".default") == 0;
    return tdagi_env_text(
        &im->env, "%.*s::%.*s", (int)(dot - space), space,
        (int)(is_default ? overload - dot - 1 : (ptrdiff_t)strlen(dot + 1)), dot + 1);
}

static operation *operation_of(tdagi_pt2 *im, const tdagi_pt2_node *node)
{
    if (node->target->known != NULL) return node->target->known;
    operation *o = tdagi_env_alloc(&im->env, sizeof(*o));
    if (o == NULL) return NULL;
    *o = (operation){.name = full_name(im, node->target->name)};
    node->target->known = o;
    return o;
}

const char *tdagi_pt2_operator_name(tdagi_pt2 *im, const tdagi_pt2_node *node)
{
    if (node == NULL) return "the program";
    const operation *o = operation_of(im, node);
    return o == NULL ? "" : o->name;
}

static bool find_schema(tdagi_pt2 *im, operation *o, const char *name,
                        const char *overload)
{
    if (!o->is_checked)
        o->has_schema =
            tdagi_schemas_find(&im->env, name, overload,
                               TDAGI_PYTORCH_2_13 | TDAGI_PYTORCH_1_13, &o->schema);
    o->is_checked = true;
    return o->has_schema && tdagi_env_ok(&im->env);
}

/* ---- arguments ---- */

static uint32_t find_parameter(const tdagi_schema *s, const char *name, uint32_t likely)
{
    if (likely < s->n_args && strcmp(s->args[likely].name, name) == 0) return likely;
    uint32_t i = 0;
    while (i < s->n_args && strcmp(s->args[i].name, name) != 0)
        i++;
    return i;
}

/* Numbers where floats are declared, as PyTorch's binding gives them. */
static tdagi_any as_declared(tdagi_pt2 *im, const tdagi_parameter *p, tdagi_any v)
{
    int64_t i;
    bool is_float =
        strcmp(p->type, "float") == 0 || strcmp(p->type, "Optional[float]") == 0;
    if (!is_float || !tdagi_any_const_int(&im->env, v, &i)) return v;
    return tdagi_any_float((double)i);
}

/* False after a failure. */
static bool take_given(tdagi_pt2 *im, const tdagi_pt2_node *node, const tdagi_schema *s,
                       tdagi_any *args, bool *is_given)
{
    for (uint32_t i = 0; i < node->n_inputs; i++) {
        const tdagi_pt2_named *input = &node->inputs[i];
        uint32_t at = find_parameter(s, input->name, i);
        if (at == s->n_args)
            tdagi_pt2_bad(im, "there is no argument %.80s", input->name);
        else if (is_given[at])
            tdagi_pt2_bad(im, "the argument %.80s is given twice", input->name);
        if (!tdagi_env_ok(&im->env)) return false;
        is_given[at] = true;
        args[at] = as_declared(im, &s->args[at], tdagi_pt2_any(im, &input->arg));
    }
    return tdagi_env_ok(&im->env);
}

static tdagi_any *take_arguments(tdagi_pt2 *im, const tdagi_pt2_node *node,
                                 const tdagi_schema *s)
{
    tdagi_any *args = tdagi_env_alloc(&im->env, (s->n_args + 1) * sizeof(*args));
    bool *is_given = tdagi_env_alloc(&im->env, s->n_args + 1);
    if (args == NULL || is_given == NULL) return NULL;
    memset(is_given, 0, s->n_args + 1);
    if (!take_given(im, node, s, args, is_given)) return NULL;
    for (uint32_t i = 0; i < s->n_args; i++) {
        const tdagi_parameter *p = &s->args[i];
        if (is_given[i]) continue;
        args[i] = tdagi_any_none();
        if (p->by_default.kind == TDAGI_DEFAULT_ABSENT) {
            tdagi_pt2_bad(im, "the argument %s is missing", p->name);
            return NULL;
        }
        if (p->by_default.kind != TDAGI_DEFAULT_OTHER)
            tdagi_default_get(&im->env, &p->by_default, &args[i]);
    }
    return args;
}

static const tdagi_any *argument(const tdagi_schema *s, const tdagi_any *args,
                                 const char *name)
{
    uint32_t i = find_parameter(s, name, 0);
    return i < s->n_args ? &args[i] : NULL;
}

/* Norms that write running statistics, though no schema says so. */
static bool updates_statistics(const tdagi_schema *s, const tdagi_any *args)
{
    const tdagi_any *mean = argument(s, args, "running_mean"),
                    *training = argument(s, args, "training");
    if (training == NULL) training = argument(s, args, "use_input_stats");
    bool trains =
        training != NULL && !(training->kind == TDAGI_ANY_BOOL && !training->u.b);
    return trains && mean != NULL && mean->kind != TDAGI_ANY_NONE &&
           strstr(s->name, "functional") == NULL;
}

/* ---- results ---- */

/* A new node is called as its value. */
static void name_result(tdagi_pt2 *im, const tdagi_pt2_arg *output, tdagi_any v,
                        uint32_t before)
{
    tdag_builder *b = im->env.b;
    if (output->kind != TDAGI_PT2_VALUE || v.kind != TDAGI_ANY_TENSOR) return;
    tdag_value x = v.u.tensor->value;
    if (x.id <= before || b->graph->nodes[x.id].name != NULL) return;
    tdag_builder_set_name(b, x, output->u.value->name);
}

static void give_results(tdagi_pt2 *im, const tdagi_pt2_node *node, tdagi_any out,
                         uint32_t before)
{
    uint32_t n = node->n_outputs;
    bool is_tuple = n > 1 && out.kind == TDAGI_ANY_TUPLE;
    if (is_tuple && out.u.seq->n != n) {
        tdagi_pt2_bad(im, "it has %u results, the program names %u",
                      (unsigned)out.u.seq->n, (unsigned)n);
        return;
    }
    for (uint32_t i = 0; i < n && tdagi_env_ok(&im->env); i++) {
        tdagi_any v = is_tuple ? out.u.seq->v[i] : n > 1 ? tdagi_any_poison() : out;
        name_result(im, &node->outputs[i], v, before);
        tdagi_pt2_define(im, &node->outputs[i], v);
    }
}

static bool has_poison(tdagi_pt2 *im, const tdagi_any *args, uint32_t n)
{
    bool found = false;
    for (uint32_t i = 0; i < n; i++)
        found |= tdagi_env_note_poison(&im->env, &args[i]);
    return found;
}

/* A call that its row refuses is kept as an opaque node where such are wanted, or the
 * row's issue stays. */
static void keep_refused(tdagi_pt2 *im, const tdagi_pt2_node *node, const char *name,
                         uint32_t n_issues)
{
    const char *why = im->env.issues[n_issues].what;
    im->env.n_issues = n_issues;
    tdagi_pt2_without_row(im, node, name);
    if (im->env.n_issues == n_issues || !tdagi_env_ok(&im->env)) return;
    im->env.n_issues = n_issues;
    tdagi_env_issue(&im->env, "%s", why);
}

static void call(tdagi_pt2 *im, const tdagi_pt2_node *node, const tdagi_schema *s)
{
    uint32_t n_issues = im->env.n_issues;
    tdagi_any *args = take_arguments(im, node, s);
    if (args == NULL) return;
    if (updates_statistics(s, args))
        tdagi_env_issue(&im->env, "%s in training, which updates running_mean",
                        s->name);
    uint32_t before = im->env.b->graph->n;
    tdagi_any out = tdagi_aten_call(&im->env, s, args, s->n_args);
    bool is_refused = im->keeps_opaque && out.kind == TDAGI_ANY_POISON &&
                      im->env.n_issues > n_issues && tdagi_env_ok(&im->env);
    if (is_refused && !has_poison(im, args, s->n_args))
        keep_refused(im, node, s->name, n_issues);
    else if (tdagi_env_ok(&im->env))
        give_results(im, node, out, before);
}

/* ---- families ---- */

/* An assertion on data is a check; one that sizes decide holds. */
static void assertion(tdagi_pt2 *im, const tdagi_pt2_node *node)
{
    const char *sentence = "an assertion on data";
    tdagi_any c = tdagi_any_none();
    if (node->n_inputs > 0 && strstr(node->target->name, "_assert_") != NULL &&
        strstr(node->target->name, "metadata") == NULL)
        c = tdagi_any_evaluated(&im->env, tdagi_pt2_any(im, &node->inputs[0].arg));
    if (c.kind != TDAGI_ANY_DATA && c.kind != TDAGI_ANY_TENSOR) return;
    if (node->n_inputs > 1 && node->inputs[1].arg.kind == TDAGI_PT2_STRING)
        sentence = node->inputs[1].arg.u.s;
    tdagi_check_add(&im->env, tdagi_truth(&im->env, c), sentence);
}

/* The call of an operator's overload, where the operator has a row. */
static void by_row(tdagi_pt2 *im, const tdagi_pt2_node *node, const char *name,
                   const char *overload)
{
    operation *o = operation_of(im, node);
    if (o == NULL || name == NULL) return;
    if (find_schema(im, o, name, overload))
        call(im, node, &o->schema);
    else if (tdagi_env_ok(&im->env))
        tdagi_pt2_without_row(im, node,
                              strncmp(name, "aten::", 6) == 0 ? name : o->name);
}

void tdagi_pt2_aten(tdagi_pt2 *im, const tdagi_pt2_node *node, const char *name)
{
    for (size_t i = 0; i < sizeof(assertions) / sizeof(assertions[0]); i++)
        if (node->n_outputs == 0 && strcmp(assertions[i], name) == 0) {
            assertion(im, node);
            return;
        }
    const char *dot = strrchr(name, '.');
    if (dot == NULL) {
        tdagi_pt2_bad(im, "an operator without its overload");
        return;
    }
    const char *overload = strcmp(dot, ".default") == 0 ? "" : dot + 1;
    const char *base = tdagi_env_text(&im->env, "aten::%.*s", (int)(dot - name), name);
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        if (strcmp(same[i].name, name) == 0) {
            base = same[i].row;
            overload = same[i].overload;
        }
    by_row(im, node, base, overload);
}

/* An operator of a library: torchvision::nms has a row. */
void tdagi_pt2_custom(tdagi_pt2 *im, const tdagi_pt2_node *node, const char *name)
{
    (void)name;
    const char *whole = tdagi_pt2_operator_name(im, node);
    const char *dot = strchr(whole, '.');
    int length = dot == NULL ? (int)strlen(whole) : (int)(dot - whole);
    by_row(im, node, tdagi_env_text(&im->env, "%.*s", length, whole),
           dot == NULL ? "" : dot + 1);
}

/* The operators of TorchScript that Python's on sizes and numbers are. */
static const struct {
    const char *target, *name, *overload;
} python[] = {
    {"_operator.add", "aten::add", "int"},
    {"_operator.sub", "aten::sub", "int"},
    {"_operator.mul", "aten::mul", "int"},
    {"_operator.floordiv", "aten::floordiv", "int"},
    {"_operator.mod", "aten::remainder", "int"},
    {"_operator.pow", "aten::pow", "int_to_int"},
    {"_operator.truediv", "aten::div", "int"},
    {"_operator.neg", "aten::neg", "int"},
    {"_operator.eq", "aten::eq", "int"},
    {"_operator.ne", "aten::ne", "int"},
    {"_operator.lt", "aten::lt", "int"},
    {"_operator.le", "aten::le", "int"},
    {"_operator.gt", "aten::gt", "int"},
    {"_operator.ge", "aten::ge", "int"},
    {"_operator.and_", "aten::__and__", "bool"},
    {"_operator.or_", "aten::__or__", "bool"},
    {"torch.sym_not", "aten::__not__", ""},
    {"torch.sym_max", "prim::max", "int"},
    {"torch.sym_min", "prim::min", "int"},
    {"torch.sym_float", "aten::Float", "Scalar"},
    {"torch.sym_int", "aten::Int", "Scalar"},
    {"torch.sym_sqrt", "aten::sqrt", "Scalar"},
    {"math.trunc", "aten::Int", "Scalar"},
    {"math.floor", "aten::floor", "Scalar"},
    {"math.ceil", "aten::ceil", "Scalar"},
};

/* Arguments go by their order: Python names them otherwise. */
static void call_python(tdagi_pt2 *im, const tdagi_pt2_node *node,
                        const tdagi_schema *s)
{
    tdagi_any args[2];
    if (node->n_inputs != s->n_args || s->n_args > 2) {
        tdagi_pt2_bad(im, "it has %u arguments, not %u", (unsigned)node->n_inputs,
                      (unsigned)s->n_args);
        return;
    }
    for (uint32_t i = 0; i < node->n_inputs; i++)
        args[i] = tdagi_pt2_any(im, &node->inputs[i].arg);
    if (!tdagi_env_ok(&im->env)) return;
    tdagi_any out = tdagi_aten_call(&im->env, s, args, s->n_args);
    if (tdagi_env_ok(&im->env)) give_results(im, node, out, im->env.b->graph->n);
}

void tdagi_pt2_python(tdagi_pt2 *im, const tdagi_pt2_node *node, const char *name)
{
    (void)name;
    size_t n = sizeof(python) / sizeof(python[0]), i = 0;
    while (i < n && strcmp(python[i].target, node->target->name) != 0)
        i++;
    operation *o = operation_of(im, node);
    if (o == NULL) return;
    if (i < n && find_schema(im, o, python[i].name, python[i].overload))
        call_python(im, node, &o->schema);
    else if (tdagi_env_ok(&im->env))
        tdagi_pt2_unknown(im, node);
}
