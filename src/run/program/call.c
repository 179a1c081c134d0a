/* Calls of graphs: the sizes of their symbols from the arguments' shapes, from values,
 * from the method's symbols of the same names; then the graph at those sizes. */
#include <string.h>

#include "run/program/append.h"
#include "run/program/interpret.h"

static const tdagi_node *input_node(const tdag_graph *g, uint32_t i)
{
    return tdagi_graph_node(g, g->inputs[i]);
}

/* `with T = n` */
static tdag_status take_given(tdagi_execution *f, const tdagi_statement *s, int64_t *of)
{
    for (uint32_t i = 0; i < s->n_bindings; i++) {
        const tdagi_binding *b = &s->bindings[i];
        int64_t size = tdagi_tensor_get_i64(f->values[b->value.id], 0), bound;
        const char *name = NULL;
        uint32_t symbol;
        int64_t factor, offset;
        if (tdagi_dim_is_affine(f->method->pool, b->symbol, &symbol, &factor, &offset))
            name = tdagi_pool_symbol(f->method->pool, symbol, NULL);
        if (name == NULL || size < 0)
            return tdagi_fail(f->ctx, TDAG_E_SHAPE, "the size %s would be %lld",
                              name == NULL ? "" : name, (long long)size);
        if (b->bound != TDAGI_DIM_BAD) {
            TDAGI_TRY(tdagi_sizes_eval(f->ctx, &f->sizes, 1, &b->bound, &bound));
            if (size > bound)
                return tdagi_fail(f->ctx, TDAG_E_SHAPE,
                                  "the size %s is %lld, not at most %lld", name,
                                  (long long)size, (long long)bound);
        }
        f->sizes.of[symbol] = of[b->of] = size;
    }
    return TDAG_OK;
}

/* A size that is not known becomes that of the method's symbol of the same name, if
 * that has one. */
static void take_named(const tdagi_execution *f, const tdag_graph *g, uint32_t s,
                       int64_t *of)
{
    const tdagi_pool *pool = f->method->pool;
    const char *name = tdagi_pool_symbol(g->pool, s, NULL);
    for (uint32_t i = 0; of[s] == TDAGI_SIZE_UNKNOWN && i < tdagi_pool_n_symbols(pool);
         i++)
        if (strcmp(tdagi_pool_symbol(pool, i, NULL), name) == 0) of[s] = f->sizes.of[i];
}

static tdag_status check_arguments(const tdagi_execution *f, const tdag_graph *g,
                                   const tdagi_sizes *sizes, tdag_tensor *const *args)
{
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        uint32_t axis = 0;
        bool same = true;
        TDAGI_TRY(tdagi_sizes_compare(f->ctx, sizes, input_node(g, i)->shape, args[i],
                                      &axis, &same));
        if (same) continue;
        char text[128], buf[16];
        tdagi_dim_text(g->pool, input_node(g, i)->shape[axis], text, sizeof text);
        return tdagi_fail(
            f->ctx, TDAG_E_SHAPE,
            "axis %u of the argument %s has the dim %lld, the graph takes %s",
            (unsigned)axis, tdagi_value_name(g, g->inputs[i], buf),
            (long long)args[i]->shape[axis], text);
    }
    return TDAG_OK;
}

/* What a dim that several sizes fit tells where the argument's dim is the same in the
 * method, whose symbols have sizes. */
static void take_same(const tdagi_execution *f, const tdagi_statement *s,
                      const tdag_graph *g, int64_t *of)
{
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        const tdagi_node *n = input_node(g, i);
        const tdag_dim *shape = tdagi_method_var(f->method, s->inputs[i])->shape;
        for (uint32_t k = 0; k < n->rank; k++) {
            if (n->shape[k] >= 0 ||
                !tdagi_dim_same(g->pool, n->shape[k], f->method->pool, shape[k]))
                continue;
            for (uint32_t d = 0; d < tdagi_pool_n_symbols(g->pool); d++)
                if (tdagi_dim_has_symbol(g->pool, n->shape[k], d))
                    take_named(f, g, d, of);
        }
    }
}

static tdag_status find_sizes(tdagi_execution *f, const tdagi_statement *s,
                              const tdag_graph *g, tdag_tensor *const *args,
                              int64_t *of)
{
    tdagi_sizes sizes = {g->pool, f->sizes.scratch, of};
    for (uint32_t i = 0; i < tdagi_pool_n_symbols(g->pool); i++)
        of[i] = TDAGI_SIZE_UNKNOWN;
    TDAGI_TRY(take_given(f, s, of));
    for (uint32_t how = 0; how < TDAGI_N_TELLING; how++) {
        if (how == TDAGI_TELL_ANY) take_same(f, s, g, of);
        for (uint32_t i = 0; i < g->n_inputs; i++)
            tdagi_sizes_tell(&sizes, input_node(g, i)->shape, args[i],
                             (tdagi_telling)how);
    }
    /* what nothing else tells; of what the method has not no value has that size */
    for (uint32_t i = 0; i < tdagi_pool_n_symbols(g->pool); i++) {
        take_named(f, g, i, of);
        if (of[i] == TDAGI_SIZE_UNKNOWN) tdagi_pool_symbol(g->pool, i, &of[i]);
    }
    return check_arguments(f, g, &sizes, args);
}

/* The arguments, a reference each; what dies here is given away, so that the graph may
 * use its memory. */
static void take_arguments(tdagi_execution *f, const tdagi_statement *s, uint32_t at,
                           tdag_tensor **args)
{
    const tdagi_method_plan *plan = &f->plan;
    for (uint32_t i = 0; i < s->n_inputs; i++)
        args[i] = tdag_tensor_copy(f->values[s->inputs[i].id]);
    for (uint32_t k = plan->first_dying[at]; k < plan->first_dying[at + 1]; k++) {
        tdag_tensor_free(f->values[plan->dying[k]]);
        f->values[plan->dying[k]] = NULL;
    }
}

tdag_status tdagi_frame_call(tdagi_execution *f, const tdagi_statement *s, uint32_t at,
                             tdag_tensor **results)
{
    const tdag_graph *g = f->model->graphs[s->target].graph;
    size_t n = tdagi_pool_n_symbols(g->pool);
    void *sizes = NULL, *args = NULL;
    TDAGI_TRY(tdagi_array_alloc(f->ctx, n, sizeof(int64_t), &sizes));
    tdag_status st =
        tdagi_array_alloc(f->ctx, g->n_inputs, sizeof(tdag_tensor *), &args);
    if (st == TDAG_OK) {
        tdag_tensor **in = args;
        for (uint32_t i = 0; i < g->n_inputs; i++)
            in[i] = f->values[s->inputs[i].id];
        st = find_sizes(f, s, g, in, sizes);
        if (st == TDAG_OK && f->callees[s->target].is_append) {
            st = tdagi_append_row(f->ctx, in[0], in[1], results);
        } else if (st == TDAG_OK) {
            take_arguments(f, s, at, in);
            st = tdagi_callee_run(&f->graphs, &f->callees[s->target], g, sizes, in,
                                  results);
        }
        tdagi_free(f->ctx, args, g->n_inputs * sizeof(tdag_tensor *));
    }
    tdagi_free(f->ctx, sizes, n * sizeof(int64_t));
    return st;
}
