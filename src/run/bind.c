/* The sizes of symbols, told by the shapes of tensors. */
#include "run/bind.h"

/* A dim of several terms tells a symbol: a number of `scratch`, which has names for
 * negative ones; those stand for no size, and the comparison that follows says so. */
static void solve(const tdagi_sizes *sizes, tdag_dim d, int64_t size)
{
    tdagi_dim_solve(sizes->pool, d, sizes->scratch, size, false, sizes->of);
    for (uint32_t s = 0; s < tdagi_pool_n_symbols(sizes->pool); s++)
        if (sizes->of[s] < 0 && sizes->of[s] != TDAGI_SIZE_UNKNOWN) sizes->of[s] = 0;
}

void tdagi_sizes_tell(const tdagi_sizes *sizes, const tdag_dim *shape,
                      const tdag_tensor *t, tdagi_telling telling)
{
    for (uint32_t axis = 0; axis < t->rank; axis++) {
        uint32_t s;
        int64_t factor, offset;
        tdagi_telling form = TDAGI_TELL_ANY;
        if (shape[axis] >= 0) continue;
        if (tdagi_dim_is_affine(sizes->pool, shape[axis], &s, &factor, &offset))
            form = factor == 1 && offset == 0 ? TDAGI_TELL_ALONE : TDAGI_TELL_AFFINE;
        if (form != telling) continue;
        if (form == TDAGI_TELL_ALONE && sizes->of[s] == TDAGI_SIZE_UNKNOWN)
            sizes->of[s] = t->shape[axis];
        if (form == TDAGI_TELL_ANY || sizes->of[s] == TDAGI_SIZE_UNKNOWN)
            solve(sizes, shape[axis], t->shape[axis]);
    }
}

static bool is_told(const tdagi_sizes *sizes, tdag_dim d)
{
    bool told = true;
    uint32_t n = tdagi_pool_n_symbols(sizes->pool);
    for (uint32_t s = 0; d < 0 && told && s < n; s++)
        told = sizes->of[s] != TDAGI_SIZE_UNKNOWN ||
               !tdagi_dim_has_symbol(sizes->pool, d, s);
    return told;
}

static tdag_status too_large(tdag_ctx *ctx)
{
    return tdagi_fail(ctx, TDAG_E_OVERFLOW, "a dim exceeds 64 bits");
}

tdag_status tdagi_sizes_compare(tdag_ctx *ctx, const tdagi_sizes *sizes,
                                const tdag_dim *shape, const tdag_tensor *t,
                                uint32_t *axis_out, bool *same_out)
{
    *same_out = true;
    for (uint32_t axis = 0; axis < t->rank; axis++) {
        int64_t want = shape[axis];
        if (want < 0 && !is_told(sizes, want)) continue;
        if (!tdagi_dim_eval(sizes->pool, shape[axis], sizes->of, &want))
            return too_large(ctx);
        if (want == t->shape[axis]) continue;
        *axis_out = axis;
        *same_out = false;
        return TDAG_OK;
    }
    return TDAG_OK;
}

tdag_status tdagi_sizes_eval(tdag_ctx *ctx, const tdagi_sizes *sizes, uint32_t n,
                             const tdag_dim *dims, int64_t *out)
{
    for (uint32_t i = 0; i < n; i++) {
        out[i] = dims[i];
        if (dims[i] >= 0) continue;
        if (!is_told(sizes, dims[i]))
            return tdagi_fail(ctx, TDAG_E_SHAPE, "nothing tells the size of axis %u",
                              (unsigned)i);
        if (!tdagi_dim_eval(sizes->pool, dims[i], sizes->of, &out[i]))
            return too_large(ctx);
    }
    return TDAG_OK;
}
