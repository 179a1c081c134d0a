/* Loops that tensor data ends. The body is walked until it is known what it carries: a
 * number that it changes, a size that varies, a tensor of outside that it writes. What
 * was walked before is forgotten. */
#include "aten/aten.h"
#include "aten/control/merge.h"
#include "aten/control/statement.h"
#include "aten/selection.h"
#include "torchscript/import/import.h"

#define MOST_TRIES 16

/* Tensors, variables and lists of outside that the body writes. */
typedef struct written {
    struct written *next;
    tdagi_journal_entry at;
    tdagi_any before; /* what comes in */
    tdagi_any spoilt; /* POISON: of what it holds nothing is known */
} written;

typedef struct looping {
    tdagi_frame *f;
    const tdag_shim_node *node;
    const tdag_shim_block *body;
    tdagi_carrying carrying;
    written *written, **written_end;
    uint32_t n_variables; /* leaves of the variables; those of what is written follow */
    tdagi_any condition;  /* behind the body */
    tdag_value limit, start; /* id 0: it has none */
    bool has_condition;
} looping;

static bool failed(const looping *l)
{
    const tdagi_env *env = &l->f->im->env;
    return !tdagi_env_ok(env) || env->outline->is_out_of_memory;
}

static size_t n_carried(const looping *l)
{
    return l->f->im->api->node_n_inputs(l->node) - 2;
}

static tdagi_any entry_of(const looping *l, size_t k)
{
    tdagi_any v = tdagi_frame_input(l->f, l->node, k + 2);
    return tdagi_settled(&l->f->im->env, v);
}

/* What the loop makes of an entry, of which it may be the memory. */
static tdagi_any made_of(looping *l, size_t k,
                         tdagi_any (*make)(tdagi_carrying *c, tdagi_any v))
{
    tdagi_any v = entry_of(l, k), made = make(&l->carrying, v);
    tdagi_journal_may_be(&l->f->im->env, made, v);
    return made;
}

/* The parameters, and what the body does with them. */
static void walk_body(looping *l, tdag_value index)
{
    tdagi_import *im = l->f->im;
    const tdag_shim_api *api = im->api;
    tdagi_cell *i = tdagi_cell_new(&im->env, index);
    if (i == NULL) return;
    l->carrying.at = 0;
    tdagi_frame_set(l->f, api->block_input(l->body, 0),
                    (tdagi_any){.kind = TDAGI_ANY_DATA, .letter = 'i', .u.tensor = i});
    for (size_t k = 0; k < n_carried(l); k++)
        tdagi_frame_set(l->f, api->block_input(l->body, k + 1),
                        made_of(l, k, tdagi_carry_in));
    l->n_variables = l->carrying.at;
    for (written *w = l->written; w != NULL && !failed(l); w = w->next) {
        bool is_lost = w->spoilt.kind == TDAGI_ANY_POISON;
        tdagi_import_put(&im->env, &w->at,
                         is_lost ? w->spoilt : tdagi_carry_in(&l->carrying, w->before));
    }
    tdagi_import_block(l->f, l->body);
    im->node = l->node;
}

static bool is_known_written(const looping *l, const tdagi_journal_entry *e)
{
    const written *w = l->written;
    while (w != NULL &&
           (w->at.root != e->root || w->at.slot != e->slot || w->at.seq != e->seq))
        w = w->next;
    return w != NULL;
}

/* What is at that place when the loop begins. */
static tdagi_any value_before(tdagi_env *env, const tdagi_journal_entry *e)
{
    if (e->slot != NULL) return tdagi_any_known(e->was);
    if (e->seq != NULL) return e->items;
    return tdagi_any_tensor(tdagi_cell_new(env, e->before.value));
}

/* What was taken as written by the body, as a variable was that memory then, and is not
 * known now that the variable has its own: it is not carried. */
static void carry_written(looping *l)
{
    bool is_lost = false;
    for (written *w = l->written; w != NULL && !failed(l); w = w->next) {
        if (w->spoilt.kind == TDAGI_ANY_POISON) continue;
        tdagi_any now = tdagi_import_now(&l->f->im->env, &w->at);
        bool is_spoilt = w->at.root != NULL && w->at.root->spoilt != NULL;
        if (is_spoilt)
            w->spoilt = now;
        else if (!is_lost)
            tdagi_carry_on(&l->carrying, w->before, now);
        is_lost = is_lost || is_spoilt;
    }
    if (!is_lost) return;
    l->carrying.n = l->n_variables;
    l->carrying.has_changed = true;
}

/* What is carried behind the body; tensors of outside that it was found to write. */
static void walk_yields(looping *l, const tdagi_journal *j)
{
    tdagi_import *im = l->f->im;
    const tdag_shim_api *api = im->api;
    l->carrying.at = 0;
    for (size_t k = 0; k < n_carried(l) && !failed(l); k++) {
        const tdagi_any *v = tdagi_frame_get(l->f, api->block_output(l->body, k + 1));
        tdagi_carry_on(&l->carrying, entry_of(l, k),
                       v == NULL ? tdagi_any_none()
                                 : tdagi_any_known(tdagi_settled(&im->env, *v)));
    }
    carry_written(l);
    for (const tdagi_journal_entry *e = j->first; e != NULL && !failed(l);
         e = e->next) {
        if (is_known_written(l, e)) continue;
        written *w = tdagi_env_alloc(&im->env, sizeof *w);
        if (w == NULL) return;
        *w = (written){.at = *e, .before = value_before(&im->env, e)};
        if (e->root != NULL && e->root->spoilt != NULL)
            w->spoilt = tdagi_import_now(&im->env, e);
        if (w->before.kind == TDAGI_ANY_POISON &&
            w->spoilt.kind != TDAGI_ANY_POISON) { /* numbers that were known */
            tdagi_env_issue(&im->env, "a loop that writes a tensor of known numbers");
            return;
        }
        *l->written_end = w;
        l->written_end = &w->next;
        l->carrying.has_changed = true;
    }
    const tdagi_any *c = tdagi_frame_get(l->f, api->block_output(l->body, 0));
    l->condition = c == NULL ? tdagi_any_none() : tdagi_any_evaluated(&im->env, *c);
}

static bool always_goes_on(tdagi_any c)
{
    return c.kind == TDAGI_ANY_BOOL && c.u.b && !c.assumed;
}

/* One walk of the body. True: it was the last one. */
static bool try_body(looping *l, tdagi_outline_statement *s)
{
    tdagi_import *im = l->f->im;
    tdagi_outline *o = im->env.outline;
    tdagi_journal journal;
    tdagi_outline_block *block = tdagi_outline_open(o, s);
    if (block == NULL) return true;
    l->carrying.has_changed = false;
    tdagi_journal_open(&im->env, &journal);
    tdag_value index = tdagi_given(&im->env, TDAG_I64, 0, NULL);
    tdagi_env_counter(&im->env, index, l->carrying.trips);
    walk_body(l, index);
    walk_yields(l, &journal);
    if (!always_goes_on(l->condition)) l->has_condition = true;
    bool is_last = !l->carrying.has_changed || im->env.n_issues > 0;
    if (is_last && !failed(l)) {
        tdag_value *v = tdagi_env_alloc(&im->env, (l->carrying.n + 1) * sizeof *v);
        if (v == NULL) return true;
        v[0] = index;
        block->params =
            tdagi_outline_keep(o, 1 + TDAGI_COLLECT(&l->carrying, v + 1, param), v);
        uint32_t head = l->has_condition;
        if (l->has_condition) v[0] = tdagi_truth(&im->env, l->condition);
        block->yields = tdagi_outline_keep(
            o, head + TDAGI_COLLECT(&l->carrying, v + head, yield), v);
        tdagi_carry_symbols(&l->carrying, block);
    }
    tdagi_journal_undo(&im->env, &journal);
    tdagi_outline_close(o);
    return is_last || failed(l);
}

static void finish(looping *l, tdagi_outline_statement *s)
{
    tdagi_import *im = l->f->im;
    tdagi_env *env = &im->env;
    tdag_value *v = tdagi_env_alloc(env, (l->carrying.n + 2) * sizeof *v);
    l->carrying.bindings = tdagi_env_alloc(env, (l->carrying.n * TDAG_MAX_RANK + 1) *
                                                    sizeof *l->carrying.bindings);
    if (v == NULL || l->carrying.bindings == NULL) return;
    l->carrying.at = 0;
    if (l->has_condition) l->carrying.trips = TDAGI_DIM_BAD;
    for (size_t k = 0; k < n_carried(l); k++)
        tdagi_frame_output(l->f, l->node, k, made_of(l, k, tdagi_carry_out));
    for (written *w = l->written; w != NULL && !failed(l); w = w->next) {
        bool is_lost = w->spoilt.kind == TDAGI_ANY_POISON;
        tdagi_import_put(env, &w->at,
                         is_lost ? w->spoilt
                                 : tdagi_carry_out(&l->carrying, w->before));
    }
    uint32_t head = 0;
    s->what.has_limit = l->limit.id != 0;
    s->what.has_condition = l->has_condition;
    if (s->what.has_limit) v[head++] = l->limit;
    if (l->has_condition) v[head++] = l->start;
    s->inputs = tdagi_outline_keep(
        env->outline, head + TDAGI_COLLECT(&l->carrying, v + head, entry), v);
    s->results =
        tdagi_outline_keep(env->outline, TDAGI_COLLECT(&l->carrying, v, result), v);
    s->bindings = l->carrying.bindings;
    s->n_bindings = l->carrying.n_bindings;
}

bool tdagi_import_can_loop(const tdagi_import *im, tdagi_any trips, tdagi_any condition)
{
    bool is_open = trips.kind == TDAGI_ANY_DATA || condition.kind == TDAGI_ANY_DATA ||
                   condition.kind == TDAGI_ANY_TENSOR ||
                   (condition.assumed && condition.how != 0) ||
                   (trips.kind == TDAGI_ANY_INT && trips.u.i < 0);
    return is_open && im->env.outline != NULL && im->sentence == NULL &&
           trips.kind != TDAGI_ANY_POISON && condition.kind != TDAGI_ANY_POISON;
}

void tdagi_import_loop(tdagi_frame *f, const tdag_shim_node *node, tdagi_any trips,
                       tdagi_any condition)
{
    tdagi_import *im = f->im;
    looping l = {.f = f, .node = node, .body = im->api->node_block(node, 0)};
    int64_t n = 0;
    l.carrying.env = &im->env;
    l.carrying.born = im->env.epoch;
    l.carrying.n_symbols = tdagi_pool_n_symbols(im->env.pool);
    l.carrying.trips = trips.kind == TDAGI_ANY_INT ? trips.u.i : TDAGI_DIM_BAD;
    tdagi_settle_all(&im->env);
    l.written_end = &l.written;
    bool endless = tdagi_any_const_int(&im->env, trips, &n) && n == INT64_MAX;
    if (!endless) {
        tdagi_any limit = tdagi_number_tensor(&im->env, trips);
        if (limit.kind == TDAGI_ANY_TENSOR)
            l.limit = tdagi_cell_read(&im->env, limit.u.tensor);
    }
    l.has_condition = endless || !always_goes_on(condition);
    condition.assumed |= condition.how != 0; /* of size 0 it may be false */
    l.start = tdagi_truth(&im->env, condition);
    tdagi_outline_statement *s = NULL;
    bool is_done = false;
    for (int i = 0; i < MOST_TRIES && !is_done && !failed(&l); i++) {
        const tdagi_statement_spec what = {.kind = TDAGI_LOOP};
        if (s != NULL) tdagi_outline_forget(im->env.outline, s);
        s = tdagi_outline_add(im->env.outline, &what);
        is_done = s == NULL || try_body(&l, s);
    }
    if (!is_done && !failed(&l))
        tdagi_env_issue(&im->env, "a loop whose carried sizes have no pattern");
    if (im->env.outline->is_out_of_memory && tdagi_env_ok(&im->env))
        im->env.status = tdagi_nomem(im->env.ctx);
    if (!failed(&l) && s != NULL) finish(&l, s);
}
