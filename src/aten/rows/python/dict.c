/* Operators on dicts. */
#include "aten/rows/python/python.h"

tdagi_any tdagi_dict_copy(tdagi_call *c, const tdagi_dict *d)
{
    tdagi_any out = tdagi_any_dict(c->env);
    for (uint32_t i = 0; i < d->keys.n && out.kind == TDAGI_ANY_DICT; i++)
        tdagi_dict_set(c->env, out.u.dict, d->keys.v[i], d->values.v[i]);
    return out;
}

/* keys, values and items of a dict: row data 'k', 'v', 'i' */
tdagi_any tdagi_aten_dict_items(tdagi_call *c)
{
    read_all(c);
    if (!is_kind(c, 0, TDAGI_ANY_DICT) || may_lack_some(c->args[0].u.dict))
        return refuse(c);
    const tdagi_dict *d = c->args[0].u.dict;
    tdagi_any out = tdagi_any_seq(c->env, TDAGI_ANY_LIST, 0, NULL);
    for (uint32_t i = 0; i < d->keys.n && out.kind == TDAGI_ANY_LIST; i++) {
        tdagi_any pair[2] = {d->keys.v[i], d->values.v[i]};
        tdagi_seq_append(c->env, out.u.seq,
                         c->data == 'k' ? pair[0]
                         : c->data == 'v'
                             ? pair[1]
                             : tdagi_any_seq(c->env, TDAGI_ANY_TUPLE, 2, pair));
    }
    return out;
}

tdagi_any tdagi_aten_dict(tdagi_call *c)
{
    read_all(c);
    if (c->n == 0) return tdagi_any_dict(c->env);
    if (is_kind(c, 0, TDAGI_ANY_DICT)) return tdagi_dict_copy(c, c->args[0].u.dict);
    if (!tdagi_any_is_seq(c->args[0])) return refuse(c);
    tdagi_any out = tdagi_any_dict(c->env);
    for (uint32_t i = 0; i < c->args[0].u.seq->n && out.kind == TDAGI_ANY_DICT; i++) {
        tdagi_any pair = c->args[0].u.seq->v[i];
        if (!tdagi_any_is_seq(pair) || pair.u.seq->n != 2) return refuse(c);
        tdagi_dict_set(c->env, out.u.dict, pair.u.seq->v[0], pair.u.seq->v[1]);
    }
    return out;
}

tdagi_any tdagi_aten_dict_get(tdagi_call *c)
{
    read_all(c);
    if (!is_kind(c, 0, TDAGI_ANY_DICT)) return refuse(c);
    const tdagi_any *v = tdagi_dict_get(c->env, c->args[0].u.dict, c->args[1]);
    if (may_lack(v) && c->n > 2) return refuse(c);
    if (may_lack(v)) return tdagi_any_seq(c->env, TDAGI_ANY_OPTIONAL, 2, v->u.seq->v);
    return v != NULL ? *v : c->n > 2 ? c->args[2] : tdagi_any_none();
}

tdagi_any tdagi_dict_pop(tdagi_call *c)
{
    tdagi_dict *d = c->args[0].u.dict;
    const tdagi_any *found = tdagi_dict_get(c->env, d, c->args[1]);
    if (may_lack(found)) return refuse(c);
    if (found == NULL && c->n > 2) return c->args[2];
    if (found == NULL)
        return tdagi_call_fail(c, TDAG_E_ARG, "there is no key %s",
                               tdagi_any_text(c->env, c->args[1]));
    uint32_t at = (uint32_t)(found - d->values.v);
    tdagi_any v = *found;
    tdagi_seq_remove(&d->keys, at);
    tdagi_seq_remove(&d->values, at);
    return c->data == 1 ? tdagi_any_none() : v;
}

/* The newest pair. */
tdagi_any tdagi_aten_dict_popitem(tdagi_call *c)
{
    read_all(c);
    touch(c);
    if (!is_kind(c, 0, TDAGI_ANY_DICT) || may_lack_some(c->args[0].u.dict))
        return refuse(c);
    tdagi_dict *d = c->args[0].u.dict;
    if (d->keys.n == 0)
        return tdagi_call_fail(c, TDAG_E_ARG, "an item of an empty dict");
    uint32_t last = d->keys.n - 1;
    tdagi_any pair[2] = {d->keys.v[last], d->values.v[last]};
    d->keys.n = d->values.n = last;
    return tdagi_any_seq(c->env, TDAGI_ANY_TUPLE, 2, pair);
}

tdagi_any tdagi_aten_dict_update(tdagi_call *c)
{
    read_all(c);
    touch(c);
    if (!is_kind(c, 0, TDAGI_ANY_DICT) || !is_kind(c, 1, TDAGI_ANY_DICT) ||
        may_lack_some(c->args[1].u.dict))
        return refuse(c);
    const tdagi_dict *from = c->args[1].u.dict;
    uint32_t n = from->keys.n; /* it may be the same dict */
    for (uint32_t i = 0; i < n && tdagi_env_ok(c->env); i++)
        tdagi_dict_set(c->env, c->args[0].u.dict, from->keys.v[i], from->values.v[i]);
    return tdagi_any_none();
}

tdagi_any tdagi_aten_dict_setdefault(tdagi_call *c)
{
    read_all(c);
    touch(c);
    if (!is_kind(c, 0, TDAGI_ANY_DICT)) return refuse(c);
    const tdagi_any *v = tdagi_dict_get(c->env, c->args[0].u.dict, c->args[1]);
    if (may_lack(v)) return refuse(c);
    if (v != NULL) return *v;
    tdagi_dict_set(c->env, c->args[0].u.dict, c->args[1], c->args[2]);
    return c->args[2];
}
