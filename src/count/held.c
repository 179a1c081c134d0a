/* What is held while a program runs: inputs and what is returned throughout, every
 * other value from its statement until that which reads it last; the operands of a loop
 * while it runs, beside what its body holds. What is read of a state is the state's. */
#include "count/walk.h"

tdag_dim tdagi_walk_elements(tdagi_walk *w, tdagi_var v)
{
    const tdagi_var_info *is = tdagi_method_var(w->method, v);
    tdag_dim n = tdagi_dim_product(w->pool, is->rank, is->shape);
    return tdagi_walk_dim(w, n);
}

tdag_dim tdagi_walk_bytes(tdagi_walk *w, tdagi_var v)
{
    int64_t size = (int64_t)tdag_dtype_size(tdagi_method_var(w->method, v)->dtype);
    return tdagi_dim_mul(w->pool, tdagi_walk_elements(w, v), size);
}

void tdagi_walk_define(tdagi_walk *w, const tdagi_var *vars, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        tdag_dim bytes = tdagi_walk_bytes(w, vars[i]);
        w->bytes[vars[i].id] = bytes;
        w->live = tdagi_dim_add(w->pool, w->live, bytes);
        w->trail[w->n_trail++] = vars[i].id;
    }
}

void tdagi_walk_let_go(tdagi_walk *w, uint32_t id)
{
    w->live = tdagi_dim_sub(w->pool, w->live, w->bytes[id]);
    w->bytes[id] = 0;
}

void tdagi_walk_end(tdagi_walk *w, uint32_t n_trail)
{
    while (w->n_trail > n_trail)
        tdagi_walk_let_go(w, w->trail[--w->n_trail]);
}

static tdag_dim state_bytes(tdagi_walk *w, uint32_t i)
{
    const tdag_tensor *t = w->model->states[i].initial;
    tdag_dim n = tdagi_dim_product(w->pool, t->rank, w->states[i]);
    return tdagi_dim_mul(w->pool, n, (int64_t)tdag_dtype_size(t->dtype));
}

tdag_dim tdagi_walk_held(tdagi_walk *w)
{
    tdag_dim held = w->live;
    for (uint32_t i = 0; i < w->model->n_states; i++)
        if (w->written[i]) held = tdagi_dim_add(w->pool, held, state_bytes(w, i));
    return held;
}
