/* What a branch or a loop's body writes, so that it can be undone and told: tensors
 * that were there before it. Journals nest. */
#ifndef TDAGI_JOURNAL_H
#define TDAGI_JOURNAL_H

#include "aten/cell.h"

typedef struct tdagi_journal_entry {
    struct tdagi_journal_entry *next;
    tdagi_cell *root;  /* a tensor, or NULL: */
    tdagi_cell before; /* of a variable, `born` alone */
    tdagi_any *slot;   /* an attribute, or NULL: */
    tdagi_any was;
    tdagi_seq *seq;  /* a list, or keys or values of a dict */
    tdagi_any items; /* of it before, a list */
} tdagi_journal_entry;

typedef struct tdagi_journal {
    struct tdagi_journal *outer;
    uint32_t epoch; /* cells of an earlier one were there before */
    bool is_probe;  /* it may be kept instead of undone */
    bool is_spoilt; /* a probe that something was done in which cannot be undone */
    tdagi_journal_entry *first, **link; /* in the order of the first write */
} tdagi_journal;

/* Opens one inside of what is open; j is the caller's until it is undone. */
void tdagi_journal_open(tdagi_env *env, tdagi_journal *j);
/* Cells are as they were when it was opened, and it is closed; entries stay readable.
 */
void tdagi_journal_undo(tdagi_env *env, tdagi_journal *j);
/* A root is about to be written. */
void tdagi_journal_note(tdagi_env *env, tdagi_cell *root);
/* What a probe noted is noted in what is outside of it, and it is closed. */
void tdagi_journal_keep(tdagi_env *env, tdagi_journal *j);
/* A list is about to be changed. */
void tdagi_journal_note_seq(tdagi_env *env, tdagi_seq *seq);
/* Two lists or dicts may be one, as data decides: a change of one spoils the other. */
void tdagi_journal_may_be(tdagi_env *env, tdagi_any a, tdagi_any b);
/* v, or POISON where it is a list or dict that is spoilt. */
tdagi_any tdagi_journal_known(tdagi_any v);
/* A variable is about to be assigned to, which is there since that epoch. */
void tdagi_journal_note_slot(tdagi_env *env, tdagi_any *slot, uint32_t born);
/* Whether something made in that epoch was there before the innermost journal: a change
 * of it is then noted as an issue, `what` saying of what. */
bool tdagi_journal_refuses(tdagi_env *env, uint32_t born, const char *what);

#endif
