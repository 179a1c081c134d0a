/* Values of Python: lists, dicts, strings, which are all known at import. Operators
 * take their arguments by position: they have no defaults that could be overlooked. */
#ifndef TDAGI_PYTHON_H
#define TDAGI_PYTHON_H

#include "aten/aten.h"
#include "aten/control/journal.h"

static inline void read_all(tdagi_call *c) { c->read = UINT64_MAX; }

static inline tdagi_any refuse(tdagi_call *c)
{
    for (uint32_t i = 0; i < c->n; i++)
        if (c->args[i].kind == TDAGI_ANY_DATA)
            return tdagi_env_issue(c->env, "%s of %s", c->schema->name,
                                   tdagi_any_text(c->env, c->args[i]));
    return tdagi_env_issue(c->env, "%s of %s", c->schema->name,
                           c->n == 0 ? "nothing" : tdagi_any_text(c->env, c->args[0]));
}

static inline bool is_kind(const tdagi_call *c, uint32_t i, tdagi_any_kind kind)
{
    return i < c->n && c->args[i].kind == kind;
}

/* The list or dict that is the first argument is about to be changed. */
static inline void touch(tdagi_call *c)
{
    if (is_kind(c, 0, TDAGI_ANY_DICT)) {
        tdagi_journal_note_seq(c->env, &c->args[0].u.dict->keys);
        tdagi_journal_note_seq(c->env, &c->args[0].u.dict->values);
    } else if (is_kind(c, 0, TDAGI_ANY_LIST) || is_kind(c, 0, TDAGI_ANY_TUPLE)) {
        tdagi_journal_note_seq(c->env, c->args[0].u.seq);
    }
}

/* Counts what looking at n items costs, which for a long list is more than a step. */
static inline bool look_at(tdagi_call *c, uint32_t n)
{
    return tdagi_env_step(c->env, n / 16);
}

/* What a dict has for a key; whether it has it may be for a run to tell (letter 'k').
 */
static inline bool may_lack(const tdagi_any *v)
{
    return v != NULL && v->kind == TDAGI_ANY_OPTIONAL && v->letter == 'k';
}

static inline bool may_lack_some(const tdagi_dict *d)
{
    uint32_t i = 0;
    while (i < d->keys.n && !may_lack(&d->values.v[i]))
        i++;
    return i < d->keys.n;
}

tdagi_any tdagi_dict_copy(tdagi_call *c, const tdagi_dict *d);
/* d.pop(key), d.pop(key, default), and del d[key] by row data 1 (dict.c) */
tdagi_any tdagi_dict_pop(tdagi_call *c);
/* find and count of texts (text.c) */
tdagi_any tdagi_find_text(tdagi_call *c);
/* text.split(), of which lists of tensors have a row, too */
tdagi_any tdagi_split_text(tdagi_call *c);

#endif
