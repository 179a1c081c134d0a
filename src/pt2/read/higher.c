/* Operators on graphs. Those that only set a mode are run in place; branches and loops
 * are statements (control.c). */
#include "pt2/read/import.h"

#include <string.h>

static bool is_graph(const tdagi_pt2_node *node, uint32_t i)
{
    return i < node->n_inputs && node->inputs[i].arg.kind == TDAGI_PT2_GRAPH;
}

/* Operands as they are written: one by one, or as one list. */
static const tdagi_pt2_arg *operand(const tdagi_pt2_node *node, uint32_t first,
                                    uint32_t i, uint32_t *n_out)
{
    bool one_list =
        node->n_inputs == first + 1 && node->inputs[first].arg.kind == TDAGI_PT2_LIST;
    const tdagi_pt2_arg *list = one_list ? &node->inputs[first].arg : NULL;
    *n_out = one_list ? list->n : node->n_inputs - first;
    if (i >= *n_out) return NULL;
    return one_list ? &list->u.items[i] : &node->inputs[first + i].arg;
}

/* Runs argument `at`, a graph, on the arguments behind it. */
static void run_inline(tdagi_pt2 *im, const tdagi_pt2_node *node, uint32_t at)
{
    tdagi_pt2_graph *graph = node->inputs[at].arg.u.graph;
    uint32_t n = 0;
    operand(node, at + 1, 0, &n);
    if (n != graph->n_inputs || node->n_outputs != graph->n_outputs) {
        tdagi_pt2_bad(im, "its graph takes or gives another number of values");
        return;
    }
    for (uint32_t i = 0; i < n && tdagi_env_ok(&im->env); i++)
        tdagi_pt2_define(im, &graph->inputs[i],
                         tdagi_pt2_any(im, operand(node, at + 1, i, &n)));
    tdagi_pt2_run_graph(im, graph);
    for (uint32_t i = 0; i < node->n_outputs && tdagi_env_ok(&im->env); i++)
        tdagi_pt2_define(im, &node->outputs[i], tdagi_pt2_any(im, &graph->outputs[i]));
}

static bool is_list(const tdagi_pt2_node *node, uint32_t i)
{
    return i < node->n_inputs && node->inputs[i].arg.kind == TDAGI_PT2_LIST;
}

void tdagi_pt2_higher(tdagi_pt2 *im, const tdagi_pt2_node *node, const char *name)
{
    bool sets_gradients = strcmp(name, "wrap_with_set_grad_enabled") == 0;
    bool casts = strcmp(name, "wrap_with_autocast") == 0;
    bool outer = im->checks_dtypes;
    if (sets_gradients && is_graph(node, 1)) {
        run_inline(im, node, 1);
    } else if (casts && is_graph(node, 4)) {
        im->checks_dtypes = true;
        run_inline(im, node, 4);
        im->checks_dtypes = outer;
    } else if (strcmp(name, "cond") == 0 && is_graph(node, 1) && is_graph(node, 2) &&
               is_list(node, 3)) {
        tdagi_pt2_cond(im, node);
    } else if (strcmp(name, "while_loop") == 0 && is_graph(node, 0) &&
               is_graph(node, 1) && is_list(node, 2) && is_list(node, 3)) {
        tdagi_pt2_while(im, node);
    } else {
        tdagi_pt2_unknown(im, node);
    }
}
