/* See forms.h. */
#include "transform/program/forms.h"

#include <string.h>

#include <tdagger/file.h>

#include "ir/graft.h"
#include "transform/compose/cut.h"
#include "transform/simplify/rewrite.h"

#define DEFAULT_CONSTANT_LIMIT 65536

/* How a graph is called. */
typedef struct usage {
    uint32_t n_calls;
    unsigned char *gives;      /* by output: some call's result is needed */
    const tdag_tensor **fixed; /* by input: what all calls give; NULL: not the same */
} usage;

typedef struct forming {
    tdag_ctx *ctx;
    const tdag_model *model;
    const tdag_simplify_options *options;
    tdagi_arena *arena;
    usage *usages; /* by graph */
    const tdagi_forms *simple;
    tdagi_forms *out;
} forming;

/* ---- calls ---- */

/* A constant that the graph may have instead of its input i, whose sizes no symbol
 * tells. */
static const tdag_tensor *small(const forming *f, const tdag_tensor *t,
                                const tdag_graph *g, uint32_t i)
{
    const tdagi_node *n = tdagi_graph_node(g, g->inputs[i]);
    uint64_t limit = f->options->constant_limit;
    if (limit == 0) limit = DEFAULT_CONSTANT_LIMIT;
    bool fits = t != NULL && t->size <= limit;
    for (uint32_t k = 0; k < n->rank && fits; k++)
        fits = n->shape[k] >= 0;
    return fits ? t : NULL;
}

static void note_call(forming *f, const tdagi_facts *facts, const tdagi_statement *s)
{
    usage *u = &f->usages[s->target];
    for (uint32_t i = 0; i < s->n_results; i++)
        u->gives[i] |= facts->live[s->results[i].id] || s->n_bindings > 0;
    for (uint32_t i = 0; i < s->n_inputs; i++) {
        const tdag_tensor *t = small(f, facts->known[s->inputs[i].id],
                                     f->model->graphs[s->target].graph, i);
        if (u->n_calls == 0)
            u->fixed[i] = t;
        else if (t == NULL || u->fixed[i] == NULL ||
                 !tdagi_tensor_equal(t, u->fixed[i]))
            u->fixed[i] = NULL;
    }
    u->n_calls++;
}

static void note_calls(forming *f, const tdagi_method *m, const tdagi_facts *facts,
                       const tdagi_block *block)
{
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next) {
        if (!tdagi_is_needed(facts, m, s)) continue;
        if (s->kind == TDAGI_CALL) note_call(f, facts, s);
        for (uint32_t i = 0; i < s->n_blocks; i++)
            note_calls(f, m, facts, &s->blocks[i]);
    }
}

static tdag_status begin(forming *f)
{
    void *usages = NULL, *forms = NULL, *made = NULL, *hashes = NULL;
    uint32_t n = f->model->n_graphs;
    TDAGI_TRY(tdagi_scratch(f->ctx, f->arena, n, sizeof(usage), &usages));
    TDAGI_TRY(tdagi_scratch(f->ctx, f->arena, n, sizeof(tdagi_graph_form), &forms));
    TDAGI_TRY(tdagi_scratch(f->ctx, f->arena, n, sizeof(tdag_graph *), &made));
    TDAGI_TRY(tdagi_scratch(f->ctx, f->arena, n, TDAG_HASH_SIZE, &hashes));
    f->usages = usages;
    *f->out = (tdagi_forms){forms, made, n, hashes};
    for (uint32_t i = 0; i < n; i++) {
        const tdag_graph *g = f->model->graphs[i].graph;
        void *gives = NULL, *fixed = NULL;
        TDAGI_TRY(tdagi_scratch(f->ctx, f->arena, g->n_outputs, 1, &gives));
        TDAGI_TRY(tdagi_scratch(f->ctx, f->arena, g->n_inputs, sizeof(void *), &fixed));
        f->usages[i].gives = gives;
        f->usages[i].fixed = fixed;
    }
    return TDAG_OK;
}

/* ---- graphs ---- */

/* Adds a node as it is but for its name. */
static void graft_unnamed(tdagi_graft *t, uint32_t id)
{
    const tdagi_node *n = &t->g->nodes[id];
    for (uint32_t i = 0; i < n->n_inputs; i++)
        t->scratch[i] = t->new_of[tdagi_node_inputs(n)[i].id];
    tdag_builder_set_scope(t->b, t->g->scopes[n->scope]);
    t->new_of[id] =
        tdag_add_node(t->b, (tdag_op)n->op, n->u.spec, tdagi_node_def(n)->spec_size,
                      t->scratch, n->n_inputs);
}

/* The graph with the inputs of `takes`, those of `fixed` (by input; NULL: none) as
 * constants, and the outputs of `gives` (NULL: all); takes NULL: all inputs, and
 * outputs without their names. */
static tdag_status rebuild(tdag_ctx *ctx, const tdag_graph *g,
                           const unsigned char *takes, const unsigned char *gives,
                           const tdag_tensor *const *fixed, unsigned char *live,
                           tdag_graph **out)
{
    tdag_builder *b = NULL;
    tdagi_graft t;
    TDAGI_TRY(tdagi_builder_create_like(ctx, g, &b));
    tdag_status st = tdagi_graft_init(&t, b, g, NULL);
    if (st != TDAG_OK) {
        tdag_builder_free(b);
        return st;
    }
    for (uint32_t i = 0; i < g->n_outputs; i++)
        if (gives == NULL || gives[i]) live[g->outputs[i].id] = 1;
    tdagi_mark_ancestors(g, live);
    for (uint32_t i = 0; takes == NULL && i < g->n_outputs; i++)
        live[g->outputs[i].id] = 2;
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        uint32_t id = g->inputs[i].id;
        if (fixed != NULL && fixed[i] != NULL && live[id])
            t.new_of[id] = tdag_add_tensor(b, TDAG_OP_CONSTANT, NULL, fixed[i]);
        else if (takes == NULL || takes[i])
            tdagi_graft_as_input(&t, id);
    }
    for (uint32_t id = 1; id <= g->n; id++)
        if (live[id] == 2 && !tdagi_op_is_leaf(g->nodes[id].op))
            graft_unnamed(&t, id);
        else if (live[id] && t.new_of[id].id == 0)
            tdagi_graft_node(&t, id);
    for (uint32_t i = 0; i < g->n_outputs; i++)
        if (gives == NULL || gives[i])
            tdag_builder_add_output(b, t.new_of[g->outputs[i].id]);
    tdagi_graft_free(&t);
    st = tdag_builder_finish(b, out);
    tdag_builder_free(b);
    return st;
}

static bool has_symbol(const tdag_graph *g, const tdagi_node *n, uint32_t s)
{
    bool has = n->op != TDAG_OP_INPUT && !tdagi_op_holds_tensor(n->op) &&
               tdagi_node_def(n)->spec_size > 0 &&
               !tdagi_spec_is_fixed(tdagi_node_def(n)->fields, n->u.spec);
    for (uint32_t k = 0; k < n->rank && !has; k++)
        has = n->shape[k] < 0 && tdagi_dim_has_symbol(g->pool, n->shape[k], s);
    return has;
}

/* Whether the graph can do without input i for symbol s: another one shows it, or
 * nothing has it. */
static bool is_spare(const tdag_graph *g, const unsigned char *takes, uint32_t i,
                     uint32_t s)
{
    tdag_dim symbol = tdagi_pool_symbol_dim(g->pool, s);
    bool used = false;
    for (uint32_t k = 0; k < g->n_inputs; k++) {
        const tdagi_node *n = tdagi_graph_node(g, g->inputs[k]);
        for (uint32_t a = 0; k != i && takes[k] && a < n->rank; a++)
            if (n->shape[a] == symbol) return true;
    }
    for (uint32_t id = 1; id <= g->n && !used; id++)
        used = id != g->inputs[i].id && has_symbol(g, &g->nodes[id], s);
    return !used;
}

static bool can_drop(const tdag_graph *g, const unsigned char *takes, uint32_t i)
{
    const tdagi_node *n = tdagi_graph_node(g, g->inputs[i]);
    bool can = true;
    for (uint32_t k = 0; k < n->rank; k++)
        for (uint32_t s = 0;
             n->shape[k] < 0 && can && s < tdagi_pool_n_symbols(g->pool); s++)
            can = !tdagi_dim_has_symbol(g->pool, n->shape[k], s) ||
                  is_spare(g, takes, i, s);
    return can;
}

/* takes[i] = 0 for inputs that are not used and tell nothing. True: there are some. */
static bool find_unused(const tdag_graph *g, unsigned char *used, unsigned char *takes)
{
    bool some = false;
    tdagi_mark_live(g, used);
    memset(takes, 1, g->n_inputs);
    for (uint32_t i = 0; i < g->n_inputs; i++)
        if (!used[g->inputs[i].id] && can_drop(g, takes, i)) {
            takes[i] = 0;
            some = true;
        }
    return some;
}

static bool is_in(const tdagi_forms *simple, const tdag_graph *g)
{
    uint32_t i = 0;
    while (i < simple->n && simple->made[i] != g)
        i++;
    return i < simple->n;
}

/* *g is replaced. */
static tdag_status rebuild_in(forming *f, tdag_graph **g, const unsigned char *takes,
                              const unsigned char *gives,
                              const tdag_tensor *const *fixed)
{
    void *live = NULL;
    tdag_graph *next = NULL;
    TDAGI_TRY(tdagi_scratch(f->ctx, f->arena, (*g)->n, 1, &live));
    TDAGI_TRY(rebuild(f->ctx, *g, takes, gives, fixed, live, &next));
    tdag_graph_free(*g);
    *g = next;
    return TDAG_OK;
}

/* takes[] is by the old input; what the graph is without constants comes second. */
static tdag_status drop_inputs(forming *f, tdag_graph **g, unsigned char *takes,
                               uint32_t n_old)
{
    void *used = NULL, *second = NULL;
    TDAGI_TRY(tdagi_scratch(f->ctx, f->arena, (*g)->n, 1, &used));
    TDAGI_TRY(tdagi_scratch(f->ctx, f->arena, (*g)->n_inputs, 1, &second));
    unsigned char *kept = second;
    if (!find_unused(*g, used, kept)) return TDAG_OK;
    uint32_t at = 0;
    for (uint32_t i = 0; i < n_old; i++)
        if (takes[i]) takes[i] = kept[at++];
    return rebuild_in(f, g, kept, NULL, NULL);
}

/* *g is replaced. Where the name of an output, which values of programs do not have,
 * kept a node that computes nothing, the name goes. */
static tdag_status simplify(forming *f, tdag_graph **g)
{
    tdag_graph *simple = NULL, *fewer = NULL;
    TDAGI_TRY(tdag_graph_simplify(f->ctx, *g, f->options, &simple));
    tdag_graph_free(*g);
    *g = tdag_graph_copy(simple);
    tdag_status st = rebuild_in(f, g, NULL, NULL, NULL);
    if (st == TDAG_OK) st = tdag_graph_simplify(f->ctx, *g, f->options, &fewer);
    bool is_better = st == TDAG_OK && fewer->n < simple->n;
    tdag_graph_free(*g);
    *g = is_better ? fewer : simple;
    tdag_graph_free(is_better ? simple : fewer);
    return st;
}

static tdag_status form(forming *f, uint32_t i)
{
    const usage *u = &f->usages[i];
    const tdag_graph *old = f->model->graphs[i].graph;
    tdag_graph **g = &f->out->made[i];
    void *block = NULL;
    TDAGI_TRY(tdagi_scratch(f->ctx, f->arena, old->n_inputs, 1, &block));
    unsigned char *takes = block;
    bool changed = false;
    for (uint32_t k = 0; k < old->n_inputs; k++) {
        takes[k] = u->fixed[k] == NULL;
        changed = changed || !takes[k];
    }
    for (uint32_t k = 0; k < old->n_outputs; k++)
        changed = changed || !u->gives[k];
    *g = tdag_graph_copy(old);
    f->out->forms[i] = (tdagi_graph_form){old, takes, u->gives};
    if (changed) TDAGI_TRY(rebuild_in(f, g, takes, u->gives, u->fixed));
    if (changed || !is_in(f->simple, old)) TDAGI_TRY(simplify(f, g));
    TDAGI_TRY(drop_inputs(f, g, takes, old->n_inputs));
    f->out->forms[i].graph = *g;
    return TDAG_OK;
}

/* ---- equal graphs ---- */

/* The hash leaves the names of weights out, which a file keeps. */
static bool has_same_weights(const tdag_graph *a, const tdag_graph *b)
{
    bool same = a->n == b->n && a->n_inputs == b->n_inputs;
    for (uint32_t id = 1; same && id <= a->n; id++) {
        const tdagi_node *x = &a->nodes[id], *y = &b->nodes[id];
        bool is_weight = x->op == TDAG_OP_PARAMETER || x->op == TDAG_OP_BUFFER;
        same = x->op == y->op &&
               (!is_weight || x->name == y->name ||
                (x->name != NULL && y->name != NULL && strcmp(x->name, y->name) == 0));
    }
    return same;
}

static tdag_status is_equal(forming *f, uint32_t i, uint32_t k, bool *out)
{
    const uint32_t both[] = {i, k};
    tdag_graph *const *made = f->out->made;
    *out = made[i] == made[k];
    if (*out || !has_same_weights(made[i], made[k])) return TDAG_OK;
    for (int side = 0; side < 2; side++)
        if (f->out->hashes[both[side]][0] == '\0')
            TDAGI_TRY(tdag_graph_get_hash(f->ctx, made[both[side]], TDAG_HASH_CONTENT,
                                          f->out->hashes[both[side]]));
    *out = strcmp(f->out->hashes[i], f->out->hashes[k]) == 0;
    return TDAG_OK;
}

/* The first of equal graphs stands for all. */
static tdag_status merge(forming *f, uint32_t i)
{
    for (uint32_t k = 0; k < i; k++) {
        bool equal = false;
        if (f->out->made[k] == NULL || f->out->forms[k].graph != f->out->made[k])
            continue;
        TDAGI_TRY(is_equal(f, i, k, &equal));
        if (!equal) continue;
        f->out->forms[i].graph = f->out->made[k];
        return TDAG_OK;
    }
    return TDAG_OK;
}

tdag_status tdagi_find_forms(tdag_ctx *ctx, const tdag_model *model,
                             const tdagi_facts *facts,
                             const tdag_simplify_options *options,
                             const tdagi_forms *simple, tdagi_arena *arena,
                             tdagi_forms *out)
{
    forming f = {ctx, model, options, arena, NULL, simple, out};
    *out = (tdagi_forms){0};
    TDAGI_TRY(begin(&f));
    for (uint32_t i = 0; i < model->n_methods; i++)
        note_calls(&f, model->methods[i], &facts[i], &model->methods[i]->body);
    tdag_status st = TDAG_OK;
    for (uint32_t i = 0; i < model->n_graphs && st == TDAG_OK; i++)
        if (f.usages[i].n_calls > 0) st = form(&f, i);
    for (uint32_t i = 0; i < model->n_graphs && st == TDAG_OK; i++)
        if (out->made[i] != NULL) st = merge(&f, i);
    return st;
}

void tdagi_forms_free(tdagi_forms *f)
{
    for (uint32_t i = 0; i < f->n; i++)
        tdag_graph_free(f->made[i]);
    *f = (tdagi_forms){0};
}
