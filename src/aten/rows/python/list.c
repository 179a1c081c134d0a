/* Operators on lists, and on what is a list or something else. */
#include <string.h>

#include "aten/control/merge.h"
#include "aten/control/statement.h"
#include "aten/rows/python/python.h"

/* An index into n items, negative ones from the end. */
static bool position(tdagi_call *c, tdagi_any v, uint32_t n, uint32_t *out)
{
    int64_t i = 0;
    if (!tdagi_any_const_int(c->env, v, &i)) {
        refuse(c);
        return false;
    }
    int64_t at = i < 0 ? i + n : i;
    if (at < 0 || at >= n) {
        tdagi_call_fail(c, TDAG_E_ARG, "index %lld of a list of %u", (long long)i,
                        (unsigned)n);
        return false;
    }
    *out = (uint32_t)at;
    return true;
}

/* How many keys there are, some of which may not be. */
static tdagi_any len_of_dict(tdagi_call *c, const tdagi_dict *d)
{
    tdagi_any n = tdagi_any_int(c->env, d->keys.n);
    if (!may_lack_some(d)) return n;
    tdag_value sum = tdag_add_scalar(c->b, TDAG_I64, 0);
    for (uint32_t i = 0; i < d->keys.n; i++) {
        const tdagi_any *v = &d->values.v[i];
        sum = tdagi_add(
            c->b, sum,
            may_lack(v)
                ? tdagi_as(c, tdagi_number_data(c->env, v->u.seq->v[0]), TDAG_I64)
                : tdag_add_scalar(c->b, TDAG_I64, 1));
    }
    n.u.tensor = tdagi_cell_new(c->env, sum);
    n.kind = TDAGI_ANY_DATA;
    n.letter = 'i';
    return n.u.tensor == NULL ? tdagi_any_poison() : n;
}

tdagi_any tdagi_aten_len(tdagi_call *c)
{
    read_all(c);
    if (tdagi_any_is_seq(c->args[0])) return tdagi_any_int(c->env, c->args[0].u.seq->n);
    if (is_kind(c, 0, TDAGI_ANY_DICT)) return len_of_dict(c, c->args[0].u.dict);
    if (is_kind(c, 0, TDAGI_ANY_STRING))
        return tdagi_any_int(c->env, (int64_t)strlen(c->args[0].u.s));
    if (is_kind(c, 0, TDAGI_ANY_TENSOR) &&
        tdagi_cell_rank(c->env, c->args[0].u.tensor) > 0)
        return tdagi_any_dim(tdagi_cell_dim(c->env, c->args[0].u.tensor, 0));
    return refuse(c);
}

tdagi_any tdagi_aten_getitem(tdagi_call *c)
{
    read_all(c);
    uint32_t at = 0;
    if (is_kind(c, 0, TDAGI_ANY_DICT)) {
        const tdagi_any *v = tdagi_dict_get(c->env, c->args[0].u.dict, c->args[1]);
        if (may_lack(v)) {
            tdagi_check_add(c->env, tdagi_truth(c->env, v->u.seq->v[0]),
                            tdagi_env_text(c->env, "there is no key %s",
                                           tdagi_any_text(c->env, c->args[1])));
            return v->u.seq->v[1];
        }
        if (v != NULL) return *v;
        return tdagi_call_fail(c, TDAG_E_ARG, "there is no key %s",
                               tdagi_any_text(c->env, c->args[1]));
    }
    if (is_kind(c, 0, TDAGI_ANY_STRING)) {
        const char *s = c->args[0].u.s;
        if (!position(c, c->args[1], (uint32_t)strlen(s), &at))
            return tdagi_any_poison();
        return tdagi_any_string(tdagi_env_text(c->env, "%c", s[at]));
    }
    if (!tdagi_any_is_seq(c->args[0])) return refuse(c);
    if (!position(c, c->args[1], c->args[0].u.seq->n, &at)) return tdagi_any_poison();
    return c->args[0].u.seq->v[at];
}

tdagi_any tdagi_aten_set_item(tdagi_call *c)
{
    read_all(c);
    touch(c);
    uint32_t at = 0;
    if (is_kind(c, 0, TDAGI_ANY_DICT))
        tdagi_dict_set(c->env, c->args[0].u.dict, c->args[1], c->args[2]);
    else if (!tdagi_any_is_seq(c->args[0]))
        return refuse(c);
    else if (position(c, c->args[1], c->args[0].u.seq->n, &at))
        c->args[0].u.seq->v[at] = c->args[2];
    return c->args[0];
}

tdagi_any tdagi_aten_append(tdagi_call *c)
{
    read_all(c);
    touch(c);
    if (!tdagi_any_is_seq(c->args[0])) return refuse(c);
    tdagi_seq_append(c->env, c->args[0].u.seq, c->args[1]);
    return c->args[0];
}

tdagi_any tdagi_aten_extend(tdagi_call *c)
{
    read_all(c);
    touch(c);
    if (!tdagi_any_is_seq(c->args[0]) || !tdagi_any_is_seq(c->args[1]))
        return refuse(c);
    uint32_t n = c->args[1].u.seq->n;
    for (uint32_t i = 0; i < n && tdagi_env_ok(c->env); i++)
        tdagi_seq_append(c->env, c->args[0].u.seq, c->args[1].u.seq->v[i]);
    return c->args[0];
}

tdagi_any tdagi_aten_insert(tdagi_call *c)
{
    read_all(c);
    touch(c);
    int64_t at = 0;
    if (!tdagi_any_is_seq(c->args[0]) || !tdagi_any_const_int(c->env, c->args[1], &at))
        return refuse(c);
    tdagi_seq *s = c->args[0].u.seq;
    if (at < 0) at += s->n;
    if (at < 0) at = 0;
    if (at > s->n) at = s->n;
    tdagi_seq_append(c->env, s, c->args[2]);
    if (!tdagi_env_ok(c->env)) return tdagi_any_poison();
    memmove(&s->v[at + 1], &s->v[at], (s->n - 1 - (uint32_t)at) * sizeof(*s->v));
    s->v[at] = c->args[2];
    return c->args[0];
}

/* pop, and __delitem__ by row data 1 */
tdagi_any tdagi_aten_pop(tdagi_call *c)
{
    read_all(c);
    touch(c);
    if (is_kind(c, 0, TDAGI_ANY_DICT)) return tdagi_dict_pop(c);
    if (!tdagi_any_is_seq(c->args[0])) return refuse(c);
    tdagi_seq *s = c->args[0].u.seq;
    tdagi_any index = c->n > 1 ? c->args[1] : tdagi_any_int(c->env, -1);
    uint32_t at = 0;
    if (!position(c, index, s->n, &at)) return tdagi_any_poison();
    tdagi_any v = s->v[at];
    tdagi_seq_remove(s, at);
    return c->data == 1 ? tdagi_any_none() : v;
}

/* l.remove(v): the first one that is equal */
tdagi_any tdagi_aten_remove(tdagi_call *c)
{
    read_all(c);
    touch(c);
    if (!tdagi_any_is_seq(c->args[0]) || tdagi_any_is_tensor(c->args[1]))
        return refuse(c);
    tdagi_seq *s = c->args[0].u.seq;
    if (!look_at(c, s->n)) return tdagi_any_poison();
    for (uint32_t i = 0; i < s->n; i++) {
        bool assumed = false;
        bool same = tdagi_any_equal(c->env, s->v[i], c->args[1], &assumed);
        if (assumed) return tdagi_refuse_open(c);
        if (!same) continue;
        tdagi_seq_remove(s, i);
        return tdagi_any_none();
    }
    return tdagi_call_fail(c, TDAG_E_ARG, "a list has no %s",
                           tdagi_any_text(c->env, c->args[1]));
}

tdagi_any tdagi_aten_clear(tdagi_call *c)
{
    read_all(c);
    touch(c);
    if (is_kind(c, 0, TDAGI_ANY_DICT)) {
        c->args[0].u.dict->keys.n = c->args[0].u.dict->values.n = 0;
        return tdagi_any_none();
    }
    if (!tdagi_any_is_seq(c->args[0])) return refuse(c);
    c->args[0].u.seq->n = 0;
    return tdagi_any_none();
}

tdagi_any tdagi_aten_reverse(tdagi_call *c)
{
    read_all(c);
    touch(c);
    if (!tdagi_any_is_seq(c->args[0])) return refuse(c);
    tdagi_seq *s = c->args[0].u.seq;
    for (uint32_t i = 0; i < s->n / 2; i++) {
        tdagi_any t = s->v[i];
        s->v[i] = s->v[s->n - 1 - i];
        s->v[s->n - 1 - i] = t;
    }
    return tdagi_any_none();
}

/* list(x) and x.copy(): a new list of the same items */
tdagi_any tdagi_aten_copy_list(tdagi_call *c)
{
    read_all(c);
    if (is_kind(c, 0, TDAGI_ANY_STRING)) {
        tdagi_any out = tdagi_any_seq(c->env, TDAGI_ANY_LIST, 0, NULL);
        for (const char *s = c->args[0].u.s; *s != '\0' && out.kind == TDAGI_ANY_LIST;
             s++)
            tdagi_seq_append(c->env, out.u.seq,
                             tdagi_any_string(tdagi_env_text(c->env, "%c", *s)));
        return out;
    }
    if (is_kind(c, 0, TDAGI_ANY_DICT)) return tdagi_dict_copy(c, c->args[0].u.dict);
    if (!tdagi_any_is_seq(c->args[0])) return refuse(c);
    return tdagi_any_seq(c->env, TDAGI_ANY_LIST, c->args[0].u.seq->n,
                         c->args[0].u.seq->v);
}

/* The bounds of a Python slice over n items: clamped, step > 0. */
static bool slice_bounds(tdagi_call *c, uint32_t n, int64_t *start, int64_t *end,
                         int64_t *step)
{
    *start = 0;
    *end = n;
    *step = 1;
    int64_t *out[] = {start, end, step};
    for (uint32_t i = 0; i < 3 && i + 1 < c->n; i++) {
        if (c->args[i + 1].kind == TDAGI_ANY_NONE) continue;
        if (!tdagi_any_const_int(c->env, c->args[i + 1], out[i])) return false;
    }
    if (*step < 1) { /* backwards, through everything only: l[::-1] */
        for (uint32_t i = 1; i < 3 && i < c->n; i++)
            if (c->args[i].kind != TDAGI_ANY_NONE) return false;
        return *step < 0;
    }
    for (uint32_t i = 0; i < 2; i++) {
        if (*out[i] < 0) *out[i] += n;
        if (*out[i] < 0) *out[i] = 0;
        if (*out[i] > n) *out[i] = n;
    }
    return true;
}

tdagi_any tdagi_list_slice(tdagi_call *c)
{
    read_all(c);
    int64_t start, end, step;
    if (is_kind(c, 0, TDAGI_ANY_STRING)) {
        const char *s = c->args[0].u.s;
        if (!slice_bounds(c, (uint32_t)strlen(s), &start, &end, &step) || step != 1)
            return refuse(c);
        int n = end > start ? (int)(end - start) : 0;
        return tdagi_any_string(tdagi_env_text(c->env, "%.*s", n, s + start));
    }
    if (!tdagi_any_is_seq(c->args[0]) ||
        !slice_bounds(c, c->args[0].u.seq->n, &start, &end, &step))
        return refuse(c);
    tdagi_any out = tdagi_any_seq(c->env, TDAGI_ANY_LIST, 0, NULL);
    if (step < 0) start = end - 1;
    for (int64_t i = start; i >= 0 && i < end && out.kind == TDAGI_ANY_LIST; i += step)
        tdagi_seq_append(c->env, out.u.seq, c->args[0].u.seq->v[i]);
    return out;
}

/* The order of two numbers for all sizes, where it is known; notes an issue where not.
 * Either order fits two that are equal at some. */
static bool order_of_open(tdagi_call *c, tdagi_any a, tdagi_any b, int *out)
{
    tdagi_any ge = {0}, le = {0};
    bool known = tdagi_fold(c->env, TDAGI_FOLD_GE, a, b, &ge) &&
                 tdagi_fold(c->env, TDAGI_FOLD_LE, a, b, &le);
    bool after = known && ge.u.b && !ge.assumed,
         before = known && le.u.b && !le.assumed;
    *out = after - before;
    if (!after && !before) tdagi_refuse_open(c);
    return after || before;
}

/* -1, 0, 1 as of two numbers or strings; false where they are something else. */
static bool order_of(tdagi_call *c, tdagi_any a, tdagi_any b, int *out)
{
    if (a.kind == TDAGI_ANY_STRING && b.kind == TDAGI_ANY_STRING) {
        *out = strcmp(a.u.s, b.u.s);
        return true;
    }
    if (!tdagi_any_is_number(a) || !tdagi_any_is_number(b)) return false;
    if (tdagi_any_is_open(c->env, a) || tdagi_any_is_open(c->env, b))
        return order_of_open(c, a, b, out);
    double x = tdagi_any_sample(c->env, a), y = tdagi_any_sample(c->env, b);
    *out = x < y ? -1 : x > y;
    if (a.kind == TDAGI_ANY_INT && b.kind == TDAGI_ANY_INT) { /* past 2^53 too */
        int64_t i = tdagi_dim_sample(c->env->pool, a.u.i);
        int64_t k = tdagi_dim_sample(c->env->pool, b.u.i);
        *out = i < k ? -1 : i > k;
    }
    return true;
}

/* l.sort(reverse), which changes the list, and sorted(l) (row data 1), which does not.
 */
tdagi_any tdagi_aten_sort_list(tdagi_call *c)
{
    read_all(c);
    if (c->data != 1) touch(c);
    if (!tdagi_any_is_seq(c->args[0])) return refuse(c);
    bool reverse = c->n > 1 && c->args[1].kind == TDAGI_ANY_BOOL && c->args[1].u.b;
    tdagi_any out = c->args[0];
    if (c->data == 1)
        out = tdagi_any_seq(c->env, TDAGI_ANY_LIST, out.u.seq->n, out.u.seq->v);
    if (!tdagi_any_is_seq(out)) return out;
    tdagi_any *v = out.u.seq->v;
    for (uint32_t i = 1; i < out.u.seq->n; i++) { /* by insertion: stable */
        tdagi_any moved = v[i];
        uint32_t k = i;
        if (!look_at(c, i)) return tdagi_any_poison();
        for (int order = 0; k > 0; k--) {
            if (!order_of(c, moved, v[k - 1], &order))
                return c->bad ? tdagi_any_poison() : refuse(c);
            if (reverse ? order <= 0 : order >= 0) break;
            v[k] = v[k - 1];
        }
        v[k] = moved;
    }
    return c->data == 1 ? out : tdagi_any_none();
}

tdagi_any tdagi_aten_contains(tdagi_call *c)
{
    read_all(c);
    tdagi_any out = tdagi_any_bool(false);
    if (is_kind(c, 0, TDAGI_ANY_DICT)) {
        const tdagi_any *v = tdagi_dict_get(c->env, c->args[0].u.dict, c->args[1]);
        return may_lack(v) ? v->u.seq->v[0] : tdagi_any_bool(v != NULL);
    }
    if (is_kind(c, 0, TDAGI_ANY_STRING) && is_kind(c, 1, TDAGI_ANY_STRING))
        return tdagi_any_bool(strstr(c->args[0].u.s, c->args[1].u.s) != NULL);
    if (!tdagi_any_is_seq(c->args[0])) return refuse(c);
    if (!look_at(c, c->args[0].u.seq->n)) return tdagi_any_poison();
    for (uint32_t i = 0; i < c->args[0].u.seq->n && out.kind != TDAGI_ANY_POISON; i++)
        out = tdagi_both(c, TDAGI_FOLD_OR, out,
                         tdagi_equality(c, c->args[0].u.seq->v[i], c->args[1]));
    return out;
}

/* index, count and find: row data 'i', 'c', 'f' */
tdagi_any tdagi_aten_find(tdagi_call *c)
{
    read_all(c);
    if (is_kind(c, 0, TDAGI_ANY_STRING) && is_kind(c, 1, TDAGI_ANY_STRING))
        return tdagi_find_text(c);
    if (!tdagi_any_is_seq(c->args[0])) return refuse(c);
    int64_t found = 0;
    if (!look_at(c, c->args[0].u.seq->n)) return tdagi_any_poison();
    for (uint32_t i = 0; i < c->args[0].u.seq->n; i++) {
        bool assumed = false;
        bool same =
            tdagi_any_equal(c->env, c->args[0].u.seq->v[i], c->args[1], &assumed);
        if (assumed) return tdagi_refuse_open(c);
        if (!same) continue;
        if (c->data == 'i') return tdagi_any_int(c->env, i);
        found++;
    }
    if (c->data == 'i') return refuse(c);
    return tdagi_any_int(c->env, found);
}

/* ---- identity and constants ---- */

/* `is` by row data 1, `is not` by 0 */
/* Whether it is None, which a run tells; `is_none`: that it is, else that it is not. */
static tdagi_any is_there(tdagi_call *c, tdagi_any optional, bool is_none)
{
    tdagi_any there = optional.u.seq->v[0];
    if (there.kind == TDAGI_ANY_BOOL) return tdagi_any_bool(there.u.b != is_none);
    tdag_value v = tdagi_as(c, there, TDAG_BOOL);
    if (is_none) v = tdagi_unary_composite(c->b, TDAGI_LOGICAL_NOT, v);
    tdagi_cell *cell = v.id == 0 ? NULL : tdagi_cell_new(c->env, v);
    if (cell == NULL) return tdagi_any_poison();
    return (tdagi_any){.kind = TDAGI_ANY_DATA, .letter = 'b', .u.tensor = cell};
}

tdagi_any tdagi_aten_is(tdagi_call *c)
{
    read_all(c);
    bool assumed = false;
    tdagi_any a = c->args[0], b = c->args[1];
    if (a.kind == TDAGI_ANY_OPTIONAL && b.kind == TDAGI_ANY_NONE)
        return is_there(c, a, c->data == 1);
    bool same = a.kind == b.kind && tdagi_any_equal(c->env, a, b, &assumed);
    return tdagi_any_bool(same == (c->data == 1));
}

/* A bool that eval on the CPU fixes; row data 2: whether gradients are enabled. */
tdagi_any tdagi_aten_always(tdagi_call *c)
{
    read_all(c);
    return tdagi_any_bool(c->data == 2 ? !c->env->has_no_gradients : c->data != 0);
}

tdagi_any tdagi_aten_strided(tdagi_call *c) /* the number of that layout */
{
    read_all(c);
    return tdagi_any_int(c->env, 0);
}

tdagi_any tdagi_aten_nothing(tdagi_call *c) /* warnings and the like */
{
    read_all(c);
    return tdagi_any_none();
}
