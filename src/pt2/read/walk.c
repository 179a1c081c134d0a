/* Running a graph: its nodes in order, values by their names. */
#include "pt2/read/import.h"

#include <string.h>

void tdagi_pt2_bad(tdagi_pt2 *im, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tdagi_env_bad(&im->env,
                  im->node == NULL ? NULL : tdagi_pt2_operator_name(im, im->node),
                  format, args);
    va_end(args);
}

/* ---- values ---- */

static tdagi_any list_of(tdagi_pt2 *im, const tdagi_pt2_arg *arg)
{
    tdagi_any list = tdagi_any_seq(&im->env, TDAGI_ANY_LIST, 0, NULL);
    for (uint32_t i = 0; i < arg->n && tdagi_env_ok(&im->env); i++)
        tdagi_seq_append(&im->env, list.u.seq, tdagi_pt2_any(im, &arg->u.items[i]));
    return tdagi_env_ok(&im->env) ? list : tdagi_any_poison();
}

static tdagi_any value_of(tdagi_pt2 *im, const tdagi_pt2_value *v)
{
    if (v->is_defined) return v->is;
    tdagi_pt2_bad(im, "%s is used before it is computed", v->name);
    return tdagi_any_poison();
}

/* Lists nest as deep as the parser lets them. */
tdagi_any tdagi_pt2_any(tdagi_pt2 *im, const tdagi_pt2_arg *arg)
{
    switch ((tdagi_pt2_arg_kind)arg->kind) {
    case TDAGI_PT2_NONE:
        return tdagi_any_none();
    case TDAGI_PT2_VALUE:
        return value_of(im, arg->u.value);
    case TDAGI_PT2_INT:
    case TDAGI_PT2_DTYPE:
    case TDAGI_PT2_MEMORY_FORMAT:
        return tdagi_any_int(&im->env, arg->u.i);
    case TDAGI_PT2_LAYOUT:
        if (arg->u.i == 0) return tdagi_any_int(&im->env, 0);
        return tdagi_env_issue(&im->env, "%s of a layout that is not strided",
                               tdagi_pt2_operator_name(im, im->node));
    case TDAGI_PT2_FLOAT:
        return tdagi_any_float(arg->u.f);
    case TDAGI_PT2_COMPLEX:
        return tdagi_any_complex_number(&im->env, arg->u.pair[0], arg->u.pair[1]);
    case TDAGI_PT2_BOOL:
        return tdagi_any_bool(arg->u.i != 0);
    case TDAGI_PT2_STRING:
        return tdagi_any_string(arg->u.s);
    case TDAGI_PT2_DEVICE:
        return (tdagi_any){.kind = TDAGI_ANY_DEVICE, .u.s = arg->u.s};
    case TDAGI_PT2_LIST:
        return list_of(im, arg);
    case TDAGI_PT2_GRAPH:
        return tdagi_env_issue(&im->env, "%s on a graph",
                               tdagi_pt2_operator_name(im, im->node));
    case TDAGI_PT2_OTHER:
        break;
    }
    return tdagi_env_issue(&im->env, "%s with an argument of the kind %.80s",
                           tdagi_pt2_operator_name(im, im->node), arg->u.s);
}

static void define_list(tdagi_pt2 *im, const tdagi_pt2_arg *output, tdagi_any v)
{
    bool is_seq = tdagi_any_is_seq(v);
    if (is_seq && v.u.seq->n != output->n) {
        tdagi_pt2_bad(im, "it has %u results, the program names %u",
                      (unsigned)v.u.seq->n, (unsigned)output->n);
        return;
    }
    for (uint32_t i = 0; i < output->n; i++)
        tdagi_pt2_define(im, &output->u.items[i],
                         is_seq ? v.u.seq->v[i] : tdagi_any_poison());
}

void tdagi_pt2_define(tdagi_pt2 *im, const tdagi_pt2_arg *output, tdagi_any v)
{
    if (output->kind == TDAGI_PT2_LIST) define_list(im, output, v);
    if (output->kind != TDAGI_PT2_VALUE) return;
    tdagi_pt2_value *value = output->u.value;
    if (value->is_defined) {
        tdagi_pt2_bad(im, "%s is computed twice", value->name);
        return;
    }
    value->is_defined = true;
    value->is = v;
}

/* ---- dtypes under autocast ---- */

/* Where the file says that a result has another dtype than its operator gives: a cast
 * that PyTorch does and the program does not show. */
static void check_dtype(tdagi_pt2 *im, const tdagi_pt2_arg *output)
{
    tdagi_pt2_meta meta;
    if (output->kind != TDAGI_PT2_VALUE || !output->is_tensor) return;
    const tdagi_pt2_value *v = output->u.value;
    if (v->is.kind != TDAGI_ANY_TENSOR || !tdagi_pt2_meta_of(im, v, &meta)) return;
    tdag_dtype is = tdagi_cell_dtype(&im->env, v->is.u.tensor);
    if (tdagi_scalar_type_of_dtype(is) == meta.scalar_type) return;
    tdagi_env_issue(&im->env, "%s under autocast, which casts its operands",
                    tdagi_pt2_operator_name(im, im->node));
}

/* ---- nodes ---- */

static const struct {
    const char *name;
    void (*run)(tdagi_pt2 *im, const tdagi_pt2_node *node, const char *name);
} families[] = {
    {"torch.ops.aten.", tdagi_pt2_aten}, {"torch.ops.higher_order.", tdagi_pt2_higher},
    {"torch.ops.", tdagi_pt2_custom},    {"_operator.", tdagi_pt2_python},
    {"math.", tdagi_pt2_python},         {"torch.sym_", tdagi_pt2_python},
};

static void run_node(tdagi_pt2 *im, const tdagi_pt2_node *node)
{
    const char *target = node->target->name;
    size_t n = sizeof(families) / sizeof(families[0]), i = 0;
    while (i < n && strncmp(target, families[i].name, strlen(families[i].name)) != 0)
        i++;
    if (i < n)
        families[i].run(im, node, target + strlen(families[i].name));
    else
        tdagi_pt2_unknown(im, node);
}

void tdagi_pt2_unknown(tdagi_pt2 *im, const tdagi_pt2_node *node)
{
    tdagi_env_issue(&im->env, "%.200s", tdagi_pt2_operator_name(im, node));
    for (uint32_t i = 0; i < node->n_outputs; i++)
        tdagi_pt2_define(im, &node->outputs[i], tdagi_any_poison());
}

void tdagi_pt2_run_graph(tdagi_pt2 *im, tdagi_pt2_graph *graph)
{
    const tdagi_pt2_node *outer = im->node;
    for (const tdagi_pt2_node *n = graph->first; n != NULL; n = n->next) {
        if (!tdagi_env_ok(&im->env)) break;
        im->node = n;
        tdagi_pt2_enter(im, n);
        run_node(im, n);
        for (uint32_t i = 0; im->checks_dtypes && i < n->n_outputs; i++)
            check_dtype(im, &n->outputs[i]);
    }
    im->node = outer;
}
