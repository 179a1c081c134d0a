/* Branches that tensor data decides: both arms are walked, each from where the other
 * began, and what either gives or writes is a result of the if. */
#include "aten/aten.h"
#include "aten/control/merge.h"
#include "aten/control/statement.h"
#include "aten/selection.h"
#include "derive/derive.h"
#include "torchscript/import/import.h"

tdagi_any tdagi_import_now(tdagi_env *env, const tdagi_journal_entry *at)
{
    if (at->slot != NULL) return tdagi_any_known(*at->slot);
    if (at->seq != NULL) return tdagi_list_copy_of(env, at->seq);
    if (at->root->spoilt != NULL)
        return (tdagi_any){.kind = TDAGI_ANY_POISON, .u.issue = at->root->spoilt};
    return tdagi_any_tensor(tdagi_cell_new(env, tdagi_cell_read(env, at->root)));
}

void tdagi_import_put(tdagi_env *env, const tdagi_journal_entry *at, tdagi_any v)
{
    if (at->slot != NULL) {
        tdagi_journal_note_slot(env, at->slot, at->before.born);
        *at->slot = v;
    } else if (at->seq != NULL && v.kind == TDAGI_ANY_LIST) {
        tdagi_journal_note_seq(env, at->seq);
        tdagi_seq_take(at->seq, v.u.seq);
    } else if (at->seq != NULL) {
        tdagi_env_note_poison(env, &v);
    } else if (v.kind == TDAGI_ANY_POISON && v.u.issue != NULL) {
        tdagi_journal_note(env, at->root);
        at->root->spoilt = v.u.issue;
    } else if (v.kind == TDAGI_ANY_TENSOR) {
        tdagi_cell_write(env, at->root, v.u.tensor->value);
    }
}

/* An arm once it has been walked. */
typedef struct arm {
    tdagi_outline_block *block;
    tdagi_journal journal;
    tdagi_any *results;      /* of the node's outputs; lists as they are behind it */
    const tdagi_seq **lists; /* ... and which lists those are */
    tdagi_any *given;        /* ... as the arm has them */
    tdagi_any *written;      /* by entry of the journal: the value behind the arm */
    tdagi_told *told;        /* what results and names hold that it wrote */
} arm;

static uint32_t count_entries(const tdagi_journal *j)
{
    uint32_t n = 0;
    for (const tdagi_journal_entry *e = j->first; e != NULL; e = e->next)
        n++;
    return n;
}

static void tell(tdagi_env *env, arm *a, const tdagi_cell *t, tdag_value v)
{
    tdagi_told *told = tdagi_env_alloc(env, sizeof *told);
    if (told == NULL) return;
    *told = (tdagi_told){a->told, t, v};
    a->told = told;
}

/* Tensors in a result as the arm leaves them. */
static void keep_told(tdagi_env *env, arm *a, tdagi_any v, uint32_t depth)
{
    const tdagi_seq *items = v.kind == TDAGI_ANY_DICT ? &v.u.dict->values : NULL;
    if (tdagi_any_is_seq(v) || v.kind == TDAGI_ANY_OPTIONAL) items = v.u.seq;
    for (uint32_t i = 0;
         items != NULL && i < items->n && depth < TDAGI_STRUCTURE_MAX_DEPTH; i++)
        keep_told(env, a, items->v[i], depth + 1);
    if (v.kind == TDAGI_ANY_TENSOR && v.u.tensor->root->spoilt == NULL)
        tell(env, a, v.u.tensor, tdagi_cell_read(env, v.u.tensor));
}

static void keep_results(tdagi_frame *f, const tdag_shim_block *block, arm *a)
{
    const tdag_shim_api *api = f->im->api;
    tdagi_env *env = &f->im->env;
    size_t n = api->block_n_outputs(block);
    a->results = tdagi_env_alloc(env, (n + 1) * sizeof *a->results);
    a->lists = tdagi_env_alloc(env, (n + 1) * sizeof(*a->lists));
    a->given = tdagi_env_alloc(env, (n + 1) * sizeof *a->given);
    bool has_room = a->results != NULL && a->lists != NULL && a->given != NULL;
    for (size_t i = 0; i < n && has_room; i++) {
        const tdagi_any *v = tdagi_frame_get(f, api->block_output(block, i));
        a->results[i] =
            v == NULL ? tdagi_any_none()
                      : tdagi_any_known(tdagi_settled(env, tdagi_journal_known(*v)));
        a->given[i] = a->results[i];
        keep_told(env, a, a->results[i], 0);
        a->lists[i] = NULL;
        if (a->results[i].kind != TDAGI_ANY_LIST) continue;
        a->lists[i] = a->results[i].u.seq;
        a->results[i] = tdagi_list_copy_of(env, a->lists[i]);
    }
    uint32_t n_written = count_entries(&a->journal), k = 0;
    a->written = tdagi_env_alloc(env, (n_written + 1) * sizeof *a->written);
    for (const tdagi_journal_entry *e = a->journal.first;
         e != NULL && a->written != NULL; e = e->next) {
        a->written[k] = tdagi_import_now(env, e);
        tdagi_any w = a->written[k++];
        if (e->root == NULL)
            keep_told(env, a, w, 0);
        else if (w.kind == TDAGI_ANY_TENSOR)
            tell(env, a, e->root, tdagi_cell_read(env, w.u.tensor));
    }
}

static void walk_arm(tdagi_frame *f, const tdag_shim_node *node, size_t which,
                     tdagi_outline_statement *s, arm *a)
{
    tdagi_import *im = f->im;
    const tdag_shim_block *block = im->api->node_block(node, which);
    a->block = tdagi_outline_open(im->env.outline, s);
    if (a->block == NULL) {
        im->env.status = tdagi_nomem(im->env.ctx);
        return;
    }
    tdagi_journal_open(&im->env, &a->journal);
    tdagi_import_block(f, block);
    im->node = node;
    keep_results(f, block, a);
    tdagi_journal_undo(&im->env, &a->journal);
    tdagi_outline_close(im->env.outline);
}

static bool is_same_place(const tdagi_journal_entry *a, const tdagi_journal_entry *b)
{
    return a->root == b->root && a->slot == b->slot && a->seq == b->seq;
}

/* What the arm leaves at that place, what is there now where it did not write it. */
static tdagi_any left_by(tdagi_env *env, const arm *a, const tdagi_journal_entry *at)
{
    uint32_t k = 0;
    tdagi_any v = tdagi_import_now(env, at);
    for (const tdagi_journal_entry *e = a->journal.first; e != NULL; e = e->next, k++)
        if (is_same_place(e, at)) v = a->written[k];
    const tdagi_journal_entry *e = v.kind == TDAGI_ANY_LIST ? a->journal.first : NULL;
    for (k = 0; e != NULL; e = e->next, k++) /* a list that the arm changes */
        if (e->seq == v.u.seq) return a->written[k];
    return v;
}

static bool is_in(const arm *a, const tdagi_journal_entry *at)
{
    const tdagi_journal_entry *e = a->journal.first;
    while (e != NULL && !is_same_place(e, at))
        e = e->next;
    return e != NULL;
}

/* What either arm writes is written by the if. */
static void merge_writes(tdagi_arms *arms, const arm a[2])
{
    tdagi_env *env = arms->env;
    uint32_t n = count_entries(&a[0].journal) + count_entries(&a[1].journal);
    tdagi_any *merged = tdagi_env_alloc(env, (n + 1) * sizeof *merged);
    for (int pass = 0; pass < 2 && merged != NULL; pass++) { /* all are read first */
        env->is_merging = pass == 1;
        tdagi_any *v = merged;
        for (int i = 0; i < 2; i++)
            for (const tdagi_journal_entry *e = a[i].journal.first;
                 e != NULL && tdagi_env_ok(env); e = e->next, v++) {
                if (i == 1 && is_in(&a[0], e)) continue;
                if (pass == 0)
                    *v = tdagi_merge(arms, left_by(env, &a[0], e),
                                     left_by(env, &a[1], e));
                else
                    tdagi_import_put(env, e, *v);
            }
    }
    env->is_merging = false;
}

static void finish(tdagi_import *im, tdagi_outline_statement *s, const tdagi_arms *arms,
                   const arm a[2])
{
    tdagi_outline *o = im->env.outline;
    for (int i = 0; i < 2; i++)
        a[i].block->yields = tdagi_outline_keep(o, arms->n, arms->yields[i]);
    s->results = tdagi_outline_keep(o, arms->n, arms->results);
    s->bindings = arms->bindings;
    s->n_bindings = arms->n_bindings;
}

bool tdagi_import_can_branch(const tdagi_import *im, tdagi_any condition)
{
    return im->env.outline != NULL && im->sentence == NULL &&
           (condition.kind == TDAGI_ANY_DATA || condition.kind == TDAGI_ANY_TENSOR ||
            (condition.kind == TDAGI_ANY_BOOL && condition.assumed &&
             condition.how != 0));
}

void tdagi_import_branch(tdagi_frame *f, const tdag_shim_node *node, tdag_value c)
{
    tdagi_import *im = f->im;
    const tdagi_statement_spec what = {.kind = TDAGI_IF};
    tdagi_settle_all(&im->env);
    tdagi_outline_statement *s = tdagi_outline_add(im->env.outline, &what);
    if (s == NULL) {
        im->env.status = tdagi_nomem(im->env.ctx);
        return;
    }
    s->inputs = tdagi_outline_keep(im->env.outline, 1, &c);
    arm a[2] = {{.block = NULL}};
    tdagi_arms arms = {.n_symbols = tdagi_pool_n_symbols(im->env.pool)};
    for (size_t i = 0; i < 2 && tdagi_env_ok(&im->env); i++)
        walk_arm(f, node, i, s, &a[i]);
    arms.env = &im->env;
    for (int i = 0; i < 2; i++)
        arms.told[i] = a[i].told;
    size_t n = im->api->node_n_outputs(node);
    if (tdagi_env_ok(&im->env))
        merge_writes(&arms, a); /* what is given may show them */
    for (size_t i = 0; i < n && tdagi_env_ok(&im->env); i++) {
        const tdagi_any *v =
            tdagi_frame_get(f, im->api->block_output(im->api->node_block(node, 1), i));
        bool is_one_list = a[0].lists[i] != NULL && a[0].lists[i] == a[1].lists[i];
        tdagi_any made =
            is_one_list ? *v : tdagi_merge(&arms, a[0].results[i], a[1].results[i]);
        for (int k = 0; k < 2 && !is_one_list; k++)
            tdagi_journal_may_be(&im->env, made, a[k].given[i]);
        tdagi_frame_output(f, node, i, made);
    }
    if (tdagi_env_ok(&im->env)) finish(im, s, &arms, a);
}
