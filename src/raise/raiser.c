/* See raiser.h. */
#include "raise/raiser.h"

#include <string.h>

#define CHEAP_ELEMENTS                                                                 \
    16384 /* weight-side arithmetic up to this size may be repeated */

void *tdagi_raiser_alloc(tdagi_raiser *r, size_t n, size_t size)
{
    return tdagi_arena_array(&r->arena, n, size);
}

void *tdagi_raiser_dup(tdagi_raiser *r, const void *data, size_t n, size_t size)
{
    void *p = tdagi_arena_array(&r->arena, n, size);
    if (p != NULL && n > 0) memcpy(p, data, n * size);
    return p;
}

int64_t tdagi_raiser_dim(const tdagi_raiser *r, tdag_dim d)
{
    int64_t number;
    if (r->values == NULL) return tdagi_dim_sample(r->pool, d);
    return tdagi_dim_eval(r->pool, d, r->values, &number) ? number : -1;
}

bool tdagi_raiser_is_cheap(const tdagi_raiser *r, tdag_value v)
{
    const tdagi_node *n = tdagi_raiser_node(r, v);
    if (tdagi_op_is_leaf(n->op) || tdagi_op_is_movement(n->op)) return true;
    if (!(r->facts[v.id] & TDAGI_FACT_WEIGHT)) return false;
    int64_t count = 1;
    for (uint32_t i = 0; i < n->rank; i++) {
        int64_t d = tdagi_dim_sample(r->pool, n->shape[i]);
        if (d > CHEAP_ELEMENTS) return false;
        count *= d;
        if (count > CHEAP_ELEMENTS) return false;
    }
    return true;
}
