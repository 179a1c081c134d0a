/* Journals of writes to tensors. */
#include "aten/control/journal.h"

#include <string.h>

#include "aten/selection.h"

void tdagi_journal_open(tdagi_env *env, tdagi_journal *j)
{
    memset(j, 0, sizeof *j);
    j->outer = env->journal;
    j->link = &j->first;
    j->epoch = ++env->epoch;
    env->journal = j;
}

static void restore(const tdagi_journal_entry *e)
{
    if (e->slot != NULL) *e->slot = e->was;
    if (e->seq != NULL) tdagi_seq_take(e->seq, e->items.u.seq);
    if (e->root == NULL) return;
    e->root->value = e->before.value;
    e->root->known = e->before.known;
    e->root->spoilt = e->before.spoilt;
    e->root->was_written = e->before.was_written;
    /* a number of writes never comes again: views tell by it whether they are true */
    e->root->generation = ++e->root->writes;
}

static void close_journal(tdagi_env *env, tdagi_journal *j)
{
    env->journal = j->outer;
    env->epoch++;
}

/* What masks pick is a tensor no longer where it became one since. */
static void forget_tensors(tdagi_env *env, uint32_t epoch)
{
    for (tdagi_selection *s = env->selections; s != NULL; s = s->next)
        if (s->cell != NULL && s->cell->born >= epoch) s->cell = NULL;
}

void tdagi_journal_undo(tdagi_env *env, tdagi_journal *j)
{
    for (const tdagi_journal_entry *e = j->first; e != NULL; e = e->next)
        restore(e);
    forget_tensors(env, j->epoch);
    close_journal(env, j);
}

static const tdagi_journal_entry *find(const tdagi_journal *j,
                                       const tdagi_journal_entry *like)
{
    const tdagi_journal_entry *e = j->first;
    while (e != NULL &&
           (e->root != like->root || e->slot != like->slot || e->seq != like->seq))
        e = e->next;
    return e;
}

/* Notes it unless it is noted already. */
static void note(tdagi_env *env, tdagi_journal *j, const tdagi_journal_entry *what)
{
    if (find(j, what) != NULL) return;
    tdagi_journal_entry *e = tdagi_env_alloc(env, sizeof *e);
    if (e == NULL) return;
    *e = *what;
    e->next = NULL;
    *j->link = e;
    j->link = &e->next;
}

void tdagi_journal_keep(tdagi_env *env, tdagi_journal *j)
{
    close_journal(env, j);
    for (const tdagi_journal_entry *e = j->first; j->outer != NULL && e != NULL;
         e = e->next) {
        uint32_t born = e->root != NULL  ? e->root->born
                        : e->seq != NULL ? e->seq->born
                                         : e->before.born;
        if (born < j->outer->epoch) note(env, j->outer, e);
    }
}

void tdagi_journal_note(tdagi_env *env, tdagi_cell *root)
{
    tdagi_journal *j = env->journal;
    if (j == NULL || root->born >= j->epoch) return;
    note(env, j, &(tdagi_journal_entry){.root = root, .before = *root});
}

void tdagi_journal_note_slot(tdagi_env *env, tdagi_any *slot, uint32_t born)
{
    tdagi_journal_entry e = {.slot = slot, .was = *slot};
    e.before.born = born;
    if (env->journal != NULL && born < env->journal->epoch) note(env, env->journal, &e);
}

/* ---- lists and dicts that may be one ---- */

typedef struct tdagi_seq_name {
    struct tdagi_seq_name *next;
    tdagi_seq *of;
} tdagi_seq_name;

static tdagi_seq *items_of(tdagi_any v)
{
    if (v.kind == TDAGI_ANY_DICT) return &v.u.dict->values;
    return v.kind == TDAGI_ANY_LIST ? v.u.seq : NULL;
}

static void add_name(tdagi_env *env, tdagi_seq *seq, tdagi_seq *of)
{
    tdagi_seq_name *name = tdagi_env_alloc(env, sizeof *name);
    if (name == NULL) return;
    *name = (tdagi_seq_name){seq->names, of};
    seq->names = name;
}

void tdagi_journal_may_be(tdagi_env *env, tdagi_any a, tdagi_any b)
{
    tdagi_seq *x = items_of(a), *y = items_of(b);
    if (x == NULL || y == NULL || x == y) return;
    add_name(env, x, y);
    add_name(env, y, x);
}

/* Those that may be this one are not known any more. */
static void spoil_names(tdagi_env *env, tdagi_seq *seq)
{
    if (seq->names == NULL) return;
    const tdagi_any why = tdagi_env_issue_if_used(
        env, "a list or dict after it was changed by another name, which it has where "
             "tensor data decides so");
    seq->pending = NULL;
    for (tdagi_seq *queue = seq; queue != NULL;) {
        const tdagi_seq *at = queue;
        queue = queue->pending;
        for (const tdagi_seq_name *n = at->names; n != NULL; n = n->next) {
            if (n->of == seq || n->of->spoilt != NULL) continue;
            n->of->spoilt = why.u.issue;
            n->of->pending = queue;
            queue = n->of;
        }
    }
}

tdagi_any tdagi_journal_known(tdagi_any v)
{
    const tdagi_seq *s = items_of(v);
    if (s == NULL || s->spoilt == NULL) return v;
    return (tdagi_any){.kind = TDAGI_ANY_POISON, .u.issue = s->spoilt};
}

void tdagi_journal_note_seq(tdagi_env *env, tdagi_seq *seq)
{
    spoil_names(env, seq);
    tdagi_journal *j = env->journal;
    tdagi_journal_entry e = {.seq = seq};
    if (j == NULL || seq->born >= j->epoch || find(j, &e) != NULL) return;
    e.items = tdagi_list_copy_of(env, seq);
    if (e.items.kind == TDAGI_ANY_LIST) note(env, j, &e);
}

bool tdagi_journal_refuses(tdagi_env *env, uint32_t born, const char *what)
{
    for (tdagi_journal *j = env->journal; j != NULL; j = j->outer) {
        if (born >= j->epoch) continue;
        if (j->is_probe) {
            j->is_spoilt = true;
            continue;
        }
        tdagi_env_issue(env, "%s changed where tensor data decides", what);
        return true;
    }
    return false;
}
