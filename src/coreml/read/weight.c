/* Weights in fewer bits. They are kept as they are in the file, and what makes weights
 * of them is arithmetic of the model: a convert, a multiplication, a look-up. Only what
 * is stored bit by bit is unpacked, and sparse elements are put in their places. */
#include "aten/aten.h"
#include "base/tensor.h"
#include "coreml/read/mil.h"
#include "derive/derive.h"

/* ---- elements ---- */

/* Those of a leaf; lent. NULL: an issue. */
static const tdag_tensor *elements(tdagi_cml_call *c, const char *name)
{
    tdag_value v = tdagi_cml_tensor(c, name);
    if (v.id == 0) return NULL;
    const tdagi_node *n = &c->env->b->graph->nodes[v.id];
    if (tdagi_op_holds_tensor(n->op)) return n->u.tensor;
    tdagi_cml_refuse(c, "an operand that is no constant");
    return NULL;
}

/* A new constant, whose reference it takes. */
static tdagi_any constant(tdagi_cml_call *c, tdag_tensor *t)
{
    if (t == NULL) return tdagi_any_poison();
    tdag_value v = tdag_add_tensor(c->env->b, TDAG_OP_CONSTANT, NULL, t);
    tdag_tensor_free(t);
    return tdagi_cml_of(c, v);
}

static tdag_tensor *create(tdagi_cml_call *c, tdag_dtype dtype, uint32_t rank,
                           const int64_t *shape)
{
    tdag_tensor *t = NULL;
    if (!tdagi_env_ok(c->env)) return NULL;
    c->env->status = tdag_tensor_create(c->env->ctx, dtype, rank, shape, &t);
    return t;
}

/* Sets a name to numbers of some bits that are packed in bytes, the lowest bits first.
 */
static bool unpack(tdagi_cml_call *c, const char *name, unsigned bits)
{
    const tdag_tensor *packed = elements(c, name);
    tdag_list shape = tdagi_cml_ints(c, "shape");
    if (packed == NULL || packed->dtype != TDAG_U8 || shape.n > TDAG_MAX_RANK)
        return false;
    tdag_tensor *t = create(c, TDAG_U8, shape.n, shape.v);
    if (t == NULL) return false;
    bool fits = (uint64_t)packed->size >= ((uint64_t)t->count * bits + 7) / 8;
    const uint8_t *p = packed->data;
    for (int64_t i = 0; fits && i < t->count; i++) {
        uint64_t at = (uint64_t)i * bits;
        unsigned v = 0;
        for (unsigned k = 0; k < bits; k++, at++)
            v |= (unsigned)(p[at / 8] >> (at % 8) & 1) << k;
        ((uint8_t *)t->data)[i] = (uint8_t)v;
    }
    if (!fits) {
        tdag_tensor_free(t);
        tdagi_cml_refuse(c, "fewer elements than its shape says");
        return false;
    }
    tdagi_cml_set(c, name, constant(c, t));
    return true;
}

/* ---- tables ---- */

/* The look-up of indices; each block of the axes of lut [blocks..., numbers, vector]
 * has a table of its own. */
static tdagi_any look_up(tdagi_cml_call *c)
{
    uint32_t rank = tdagi_cml_rank(c, "indices");
    int64_t vector = 1;
    if (tdagi_cml_rank(c, "lut") != rank + 2)
        return tdagi_cml_refuse(c, "such a table");
    (void)tdagi_dim_is_const(c->env->pool, tdagi_cml_dim(c, "lut", rank + 1), &vector);
    tdagi_cml_let(c, "at", "to(indices, dtype('int32'))");
    tdagi_cml_set_int(c, "blocks", 1);
    tdagi_cml_set(c, "group", tdagi_any_none());
    for (uint32_t i = 0; i < rank && tdagi_env_ok(c->env); i++) {
        tdagi_cml_set_int(c, "axis", i);
        if (tdagi_cml_dim(c, "lut", i) == 1) continue;
        tdagi_cml_let(
            c, "mine",
            "along(floor_divide(arange(size(indices, axis), dtype=dtype('int32')), "
            "floordiv(size(indices, axis), size(lut, axis))), indices, axis)");
        tdagi_cml_let(
            c, "group",
            "if(is(group, None), mine, add(mul(group, size(lut, axis)), mine))");
    }
    tdagi_cml_let(c, "at",
                  "if(is(group, None), at, add(mul(group, size(lut, -2)), at))");
    tdagi_cml_let(c, "table", "flatten(lut, 0, -2)");
    if (vector == 1) return tdagi_cml_eval(c, "index(flatten(table), [at])");
    tdagi_cml_set_int(c, "axis", tdagi_cml_axis(c, "vector_axis", rank));
    return tdagi_cml_eval(
        c,
        "flatten(movedim(index(table, [at]), -1, add(axis, 1)), axis, add(axis, 1))");
}

tdagi_any tdagi_cml_lut_to_dense(tdagi_cml_call *c)
{
    unsigned bits = 0;
    if (!tdagi_cml_has(c, "shape")) return look_up(c);
    const tdag_tensor *lut = elements(c, "lut");
    if (lut == NULL) return tdagi_any_poison();
    while (bits < 8 && (int64_t)1 << bits < lut->count)
        bits++;
    if (bits == 0 || !unpack(c, "indices", bits)) return tdagi_any_poison();
    return tdagi_cml_eval(c, "index(lut, [to(indices, dtype('int32'))])");
}

/* ---- blocks ---- */

/* Scale and offset have a number per block of data's axes. */
static bool spread(tdagi_cml_call *c, const char *name, const char *formula)
{
    uint32_t rank = tdagi_cml_rank(c, "data");
    if (tdagi_cml_rank(c, name) != rank) {
        tdagi_cml_refuse(c, "such blocks");
        return false;
    }
    for (uint32_t i = 0; i < rank && tdagi_env_ok(c->env); i++) {
        int64_t n = 0, of = 0;
        if (!tdagi_dim_is_const(c->env->pool, tdagi_cml_dim(c, name, i), &n) ||
            !tdagi_dim_is_const(c->env->pool, tdagi_cml_dim(c, "data", i), &of) ||
            n < 1 || of % n != 0) {
            tdagi_cml_refuse(c, "such blocks");
            return false;
        }
        if (n == 1 || n == of) continue;
        tdagi_cml_set_int(c, "axis", i);
        tdagi_cml_set_int(c, "times", of / n);
        tdagi_cml_let(c, name, formula);
    }
    return true;
}

tdagi_any tdagi_cml_blockwise(tdagi_cml_call *c)
{
    if (!spread(c, "scale", "repeat_interleave(scale, times, axis)"))
        return tdagi_any_poison();
    if (tdagi_cml_has(c, "offset") &&
        !spread(c, "offset", "repeat_interleave(offset, times, axis)"))
        return tdagi_any_poison();
    return tdagi_cml_eval(c,
                          "y = like(data, scale); mul(if(is(offset, None), y, sub(y, "
                          "like(offset, scale))), scale)");
}

/* ---- sparse ones ---- */

/* Sets "places" to the positions of the mask's ones, counted row by row. */
static bool find_places(tdagi_cml_call *c, const char *mask_name)
{
    const tdag_tensor *mask = elements(c, mask_name);
    int64_t n = 0;
    if (mask == NULL) return false;
    for (int64_t i = 0; i < mask->count; i++)
        n += tdagi_tensor_get_i64(mask, i) != 0;
    tdag_tensor *t = create(c, TDAG_I32, 1, &n);
    if (t == NULL) return false;
    for (int64_t i = 0, k = 0; i < mask->count; i++)
        if (tdagi_tensor_get_i64(mask, i) != 0) tdagi_tensor_set_i64(t, k++, i);
    tdagi_cml_set(c, "places", constant(c, t));
    return true;
}

/* The elements at their places, zeroes elsewhere. */
static tdagi_any dense(tdagi_cml_call *c, const char *mask_name, const char *name)
{
    if (!find_places(c, mask_name)) return tdagi_any_poison();
    tdagi_cml_set(c, "mask", tdagi_cml_at(c, mask_name));
    tdagi_cml_set(c, "some", tdagi_cml_at(c, name));
    return tdagi_cml_eval(
        c,
        "reshape(index_put(full([numel(mask)], 0, dtype=dtype(some)), [places], some), "
        "size(mask))");
}

tdagi_any tdagi_cml_sparse_to_dense(tdagi_cml_call *c)
{
    if (tdagi_cml_has(c, "shape") && !unpack(c, "mask", 1)) return tdagi_any_poison();
    return dense(c, "mask", "nonzero_data");
}

/* The mask, and what is at its ones in a dense value. */
static tdagi_any picked(tdagi_cml_call *c, tdagi_any mask, tdagi_any of)
{
    tdagi_cml_set(c, "of", of);
    tdagi_any v[2] = {mask, tdagi_cml_eval(c, "index(flatten(of), [places])")};
    if (of.kind == TDAGI_ANY_POISON) return of;
    return tdagi_any_seq(c->env, TDAGI_ANY_TUPLE, 2, v);
}

tdagi_any tdagi_cml_lut_to_sparse(tdagi_cml_call *c)
{
    tdagi_any mask = tdagi_cml_at(c, "indices_mask");
    tdagi_cml_set(c, "indices", dense(c, "indices_mask", "indices_nonzero_data"));
    tdagi_any of = look_up(c);
    if (of.kind != TDAGI_ANY_TENSOR) return of;
    tdagi_cml_set(c, "of", of);
    const tdag_tensor *m = elements(c, "indices_mask");
    int64_t n = m == NULL ? 0 : m->count, all = 1, d = 1;
    for (uint32_t i = 0; i < tdagi_cml_rank(c, "of"); i++)
        if (tdagi_dim_is_const(c->env->pool, tdagi_cml_dim(c, "of", i), &d)) all *= d;
    if (all != n) return tdagi_cml_refuse(c, "vectors at sparse places");
    return picked(c, mask, of);
}

tdagi_any tdagi_cml_sparse_blockwise(tdagi_cml_call *c)
{
    tdagi_any mask = tdagi_cml_at(c, "data_mask");
    tdagi_cml_set(c, "data", dense(c, "data_mask", "nonzero_data"));
    return picked(c, mask, tdagi_cml_blockwise(c));
}
