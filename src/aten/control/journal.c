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

void tdagi_journal_note_seq(tdagi_env *env, tdagi_seq *seq)
{
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
