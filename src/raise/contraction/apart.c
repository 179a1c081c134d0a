/* Which contractions frameworks compute faster as the source has them. Their einsum
 * lays both operands out as batches of matrices: that pays where the product is one of
 * matrices, and not where it is an element-wise one that is summed, or a product of
 * matrices that stands there already. Measured with PyTorch 1.13 and 2.13, one thread.
 */
#include "raise/contraction/contraction.h"

/* Elements of a product that is no einsum: those that a cache holds; of one matrix by
 * one vector; and where the last axis, of fewer than SHORT, is summed over. */
#define MOST_BATCHED   (1 << 19)
#define MOST_SINGLE    (1 << 14)
#define MOST_SCATTERED (1 << 12)
#define SHORT          8

static int64_t product(const tdagi_space *s, uint64_t atoms)
{
    int64_t n = 1;
    for (uint32_t i = 0; i < s->n; i++)
        if (atoms >> i & 1 && n <= MOST_BATCHED) n *= s->extent[i];
    return n;
}

/* Vectors times matrices, whose products are few. */
static bool is_small_sum(const tdagi_raiser *r)
{
    const tdagi_maps *m = r->maps;
    uint64_t x = m->down[0][m->n_down[0] - 1].mask;
    uint64_t w = m->down[1][m->n_down[1] - 1].mask;
    if (m->n_interior != 2 || ((x & ~w) != 0 && (w & ~x) != 0)) return false;
    const tdagi_node *sum = tdagi_raiser_node(r, m->interior[0]);
    const tdag_list *axes = &((const tdag_reduce_spec *)sum->u.spec)->axes;
    int64_t last = tdagi_raiser_node(r, m->multiply)->rank - 1;
    int64_t most = (x & w & ~m->reduced) != 0 ? MOST_BATCHED : MOST_SINGLE;
    if (axes->n > 0 && axes->v[axes->n - 1] == last && ((x ^ w) != 0) &&
        product(&m->space, m->reduced) < SHORT)
        most = MOST_SCATTERED;
    return product(&m->space, m->loops) <= most;
}

static int64_t n_elements(const tdagi_raiser *r, tdag_value v)
{
    const tdagi_node *n = tdagi_raiser_node(r, v);
    int64_t count = 1;
    for (uint32_t i = 0; i < n->rank; i++)
        count *= tdagi_raiser_dim(r, n->shape[i]);
    return count;
}

/* A sum of products of matrices that have no more elements than what they are made of.
 */
static bool is_sum_of_products(const tdagi_raiser *r)
{
    const tdagi_maps *m = r->maps;
    for (uint32_t i = 1; i < m->n_interior; i++) {
        const tdagi_match *inner = r->contractions[m->interior[i].id];
        if (inner == NULL ||
            (inner->composite != TDAGI_MATMUL && inner->composite != TDAGI_LINEAR))
            continue;
        int64_t n = n_elements(r, inner->result);
        return n <= n_elements(r, inner->operands[0].value) ||
               n <= n_elements(r, inner->operands[1].value);
    }
    return false;
}

tdag_status tdagi_leave_apart(tdagi_raiser *r, tdag_value sum, tdagi_match **m)
{
    bool ok = false;
    tdag_dtype dtype = (tdag_dtype)tdagi_raiser_node(r, sum)->dtype;
    if (r->by_parts == NULL || *m == NULL || (*m)->composite != TDAGI_EINSUM ||
        (dtype != TDAG_F32 && dtype != TDAG_F64)) /* halves are rounded once there */
        return TDAG_OK;
    TDAGI_TRY(tdagi_maps_read(r, sum, &ok));
    if (ok && (is_small_sum(r) || is_sum_of_products(r))) *m = NULL;
    return TDAG_OK;
}
