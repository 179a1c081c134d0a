/* What merging and carrying ask of values. */
#include "aten/control/decided.h"

#include <string.h>

#include "aten/aten.h"
#include "derive/derive.h"

tdagi_any tdagi_unset(void)
{
    return (tdagi_any){.kind = TDAGI_ANY_NONE, .letter = 'u'};
}

bool tdagi_is_unset(tdagi_any v) { return v.kind == TDAGI_ANY_NONE && v.letter == 'u'; }

bool tdagi_is_numeric(tdagi_any v) { return tdagi_number_letter(v) != 0; }

/* A number, or a tensor, as a value of the graph. */
tdag_value tdagi_value_of(tdagi_env *env, tdagi_any v)
{
    if (tdagi_is_numeric(v)) v = tdagi_number_data(env, v);
    return v.kind == TDAGI_ANY_TENSOR ? tdagi_cell_read(env, v.u.tensor)
                                      : TDAG_NO_VALUE;
}

/* The same as a value again: a number if it was one. */
tdagi_any tdagi_any_like(tdagi_env *env, tdagi_any like, tdag_value v)
{
    tdagi_cell *t = tdagi_cell_new(env, v);
    if (t == NULL) return tdagi_any_poison();
    if (!tdagi_is_numeric(like)) return tdagi_any_tensor(t);
    return (tdagi_any){
        .kind = TDAGI_ANY_DATA, .letter = tdagi_number_letter(like), .u.tensor = t};
}

/* What may be the memory of `of`, too. */
tdagi_any tdagi_showing(tdagi_any v, tdagi_any of)
{
    if (v.kind == TDAGI_ANY_TENSOR && of.kind == TDAGI_ANY_TENSOR)
        tdagi_cell_show(v.u.tensor, of.u.tensor);
    return v;
}

tdag_value tdagi_zeros_like(tdagi_env *env, tdag_value v)
{
    const tdag_dim *shape = tdag_builder_get_shape(env->b, v);
    return tdagi_full(env->b, tdag_builder_get_dtype(env->b, v),
                      tdag_builder_get_rank(env->b, v), shape, 0);
}

bool tdagi_may_be_none(tdagi_any v)
{
    return v.kind == TDAGI_ANY_OPTIONAL ||
           (v.kind == TDAGI_ANY_NONE && !tdagi_is_unset(v));
}

tdagi_any tdagi_optional(tdagi_env *env, tdagi_any there, tdagi_any v, char letter)
{
    const tdagi_any both[] = {there, v};
    if (there.kind == TDAGI_ANY_POISON || v.kind == TDAGI_ANY_POISON)
        return there.kind == TDAGI_ANY_POISON ? there : v;
    if (there.kind == TDAGI_ANY_BOOL && !there.assumed && there.u.b) return v;
    tdagi_any out = tdagi_any_seq(env, TDAGI_ANY_OPTIONAL, 2, both);
    if (letter == 'k') out.letter = letter;
    return out;
}

/* Nothing, with the parts that `like` has. */
tdagi_any tdagi_nothing_like(tdagi_env *env, tdagi_any like)
{
    if (!tdagi_any_is_seq(like)) return tdagi_unset();
    tdagi_any out = tdagi_any_seq(env, (tdagi_any_kind)like.kind, 0, NULL);
    for (uint32_t i = 0; i < like.u.seq->n && tdagi_any_is_seq(out); i++)
        tdagi_seq_append(env, out.u.seq, tdagi_nothing_like(env, like.u.seq->v[i]));
    return out;
}

/* Its two parts; `like` is what it may be. */
void tdagi_optional_parts(tdagi_env *env, tdagi_any v, tdagi_any like, tdagi_any out[2])
{
    bool is_none = tdagi_may_be_none(v);
    out[0] = tdagi_any_bool(!is_none);
    out[1] = is_none ? tdagi_nothing_like(env, like) : v;
    if (v.kind == TDAGI_ANY_OPTIONAL) memcpy(out, v.u.seq->v, 2 * sizeof *out);
}

bool tdagi_same_keys(tdagi_env *env, const tdagi_dict *a, const tdagi_dict *b)
{
    bool assumed = false, same = a->keys.n == b->keys.n;
    for (uint32_t i = 0; same && i < a->keys.n; i++)
        same = tdagi_any_equal(env, a->keys.v[i], b->keys.v[i], &assumed);
    return same && !assumed;
}

bool tdagi_is_same_value(tdagi_env *env, tdagi_any a, tdagi_any b)
{
    bool assumed = false;
    if (a.kind != b.kind || a.assumed || b.assumed) return false;
    if (a.kind == TDAGI_ANY_TENSOR || a.kind == TDAGI_ANY_DATA)
        return a.u.tensor == b.u.tensor;
    if (a.kind == TDAGI_ANY_OBJECT) return a.u.object == b.u.object;
    if (a.kind == TDAGI_ANY_FUNCTION || a.kind == TDAGI_ANY_OTHER)
        return a.u.foreign == b.u.foreign;
    if (a.kind == TDAGI_ANY_NONE) return a.letter == b.letter;
    return (tdagi_any_is_number(a) || a.kind == TDAGI_ANY_STRING) &&
           tdagi_any_equal(env, a, b, &assumed) && !assumed;
}
