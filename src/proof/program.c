/* Whether two methods do the same (proof.h). Both are walked at once, statement by
 * statement. A value is a cell: the elements that it has in a few rounds, in which
 * inputs, results of statements and what loops carry are random, and calls are run.
 * Cells are shared by both methods, so equal values are one cell.
 *
 * What a loop carries is at first taken as what it comes in as, and of those that a
 * round changes as one value what cannot be told apart, until nothing is split. */
#include <string.h>

#include <tdagger/file.h>
#include <tdagger/run.h>

#include "base/tensor.h"
#include "program/outline/outline.h"
#include "proof/pieces.h"
#include "proof/proof.h"

enum { N_ROUNDS = 5, MOST_CELLS = 8192, MOST_SPLITS = 64 };
/* Elements of a graph that is run in each round; in one alone, by the native engine. */
enum { MOST_WORK = 1 << 18, MOST_ONCE = 1 << 25 };

enum { INPUT, STATE, CARRIED, BEHIND, JOINED, GIVEN, OPAQUE };

typedef struct cell {
    tdag_tensor *t[N_ROUNDS]; /* NULL where a graph that gives it did not run */
    bool is_fixed;            /* made of constants and sizes alone */
} cell;

/* What a random cell stands for. */
typedef struct known {
    const void *at;
    uint32_t what, x, y, z;
    uint32_t cell;
} known;

typedef struct called {
    struct called *next;
    const tdag_graph *g;
    const uint32_t *in, *out;
} called;

typedef struct side {
    const tdag_model *model;
    const tdagi_method *m;
    tdag_graph **graphs;         /* what calls run, by number; NULL: the model's */
    uint32_t *cells;             /* by value; 0: none */
    uint32_t *states;            /* by number: the cell of what it holds now */
    const uint32_t *first_state; /* by number: that of the first model */
} side;

typedef struct prover {
    tdag_ctx *ctx;
    tdagi_arena arena;
    side s[2];
    cell *cells;
    known *known;
    called *calls;
    uint32_t n_cells, n_known;
    bool checks; /* this walk of the block is one that counts */
    bool counts; /* rounds of a loop are counted that the other one counts itself */
    const tdagi_proof_held *held; /* then what only ends a run does not count */
    bool is_open;                 /* nothing is told */
    bool is_blurred; /* a call was not run: what differs by it may be equal */
    const tdagi_statement *wrong;
    tdagi_dice dice;
    tdag_status status;
} prover;

static bool goes_on(const prover *p)
{
    return p->status == TDAG_OK && !p->is_open && p->wrong == NULL;
}

static const tdag_graph *called_by(const side *s, const tdagi_statement *call)
{
    return s->graphs == NULL ? s->model->graphs[call->target].graph
                             : s->graphs[call->target];
}

static tdag_dtype dtype_of(const prover *p, const side *s, tdagi_var v)
{
    const tdag_dtype own = tdagi_method_var(s->m, v)->dtype;
    return p->held == NULL ? own : p->held->as(own);
}

static void *take(prover *p, size_t n, size_t size)
{
    void *v = tdagi_arena_array(&p->arena, n + 1, size);
    if (v == NULL && p->status == TDAG_OK) p->status = tdagi_nomem(p->ctx);
    if (v != NULL) memset(v, 0, (n + 1) * size);
    return v;
}

/* What did not run may be equal all the same. */
static void fail(prover *p, const tdagi_statement *s)
{
    if (p->is_blurred) p->is_open = true;
    if (goes_on(p)) p->wrong = s;
}

/* ---- cells ---- */

static void drop(cell *c)
{
    for (int i = 0; i < N_ROUNDS; i++)
        tdag_tensor_free(c->t[i]);
}

/* Integers of other widths count as the same: a number that data tells has any. In Core
 * ML truths are numbers, too. */
static bool goes_with(const prover *p, uint32_t a, uint32_t b)
{
    const bool is_float =
        tdag_dtype_is_float((tdag_dtype)a) || tdag_dtype_is_float((tdag_dtype)b);
    return a == b ||
           (!is_float && (p->held != NULL || (a != TDAG_BOOL && b != TDAG_BOOL)));
}

/* Rows of a list are of one axis more when they are read again. */
static bool has_same_sizes(const tdag_tensor *a, const tdag_tensor *b)
{
    return tdagi_same_sizes(a->rank, a->shape, b->rank, b->shape);
}

static bool is_same(const prover *p, const cell *a, const cell *b)
{
    uint32_t n = 0;
    for (int i = 0; i < N_ROUNDS; i++) {
        if (a->t[i] == NULL || b->t[i] == NULL) continue;
        if (!has_same_sizes(a->t[i], b->t[i]) ||
            !goes_with(p, a->t[i]->dtype, b->t[i]->dtype) ||
            !tdagi_same_elements(a->t[i], b->t[i],
                                 p->held == NULL ? 0 : p->held->tolerance))
            return false;
        n++;
    }
    return n > 0;
}

/* Its number; what it has is taken. 0: there are too many. */
static uint32_t keep_cell(prover *p, cell *c)
{
    for (uint32_t i = 1; i <= p->n_cells; i++)
        if (is_same(p, &p->cells[i], c)) {
            drop(c);
            return i;
        }
    if (p->n_cells == MOST_CELLS) {
        drop(c);
        p->is_open = true;
        return 0;
    }
    p->cells[++p->n_cells] = *c;
    return p->n_cells;
}

static uint32_t random_cell(prover *p, const side *s, tdagi_var v)
{
    const tdagi_method *m = s->m;
    const tdagi_var_info *type = tdagi_method_var(m, v);
    int64_t shape[TDAG_MAX_RANK], work = 1;
    cell c = {.is_fixed = false};
    for (uint32_t k = 0; k < type->rank; k++) {
        shape[k] = tdagi_dim_sample(m->pool, type->shape[k]);
        if (__builtin_mul_overflow(work, shape[k], &work) || work > MOST_WORK)
            p->is_open = true;
    }
    for (uint32_t i = 0; i < N_ROUNDS && goes_on(p); i++) {
        p->dice.round = i;
        p->status =
            tdag_tensor_create(p->ctx, dtype_of(p, s, v), type->rank, shape, &c.t[i]);
        if (p->status == TDAG_OK) tdagi_trial_fill(&p->dice, c.t[i]);
    }
    if (!goes_on(p) || p->n_cells == MOST_CELLS) {
        drop(&c);
        p->is_open = true;
        return 0;
    }
    p->cells[++p->n_cells] = c; /* whatever it is, it is another one */
    return p->n_cells;
}

/* The cell of what that stands for; of the type of v where it is new. */
static uint32_t cell_of(prover *p, const side *s, tdagi_var v, const known *key)
{
    for (uint32_t i = 0; i < p->n_known; i++) {
        const known *k = &p->known[i];
        if (k->at == key->at && k->what == key->what && k->x == key->x &&
            k->y == key->y && k->z == key->z)
            return k->cell;
    }
    if (p->n_known == MOST_CELLS) p->is_open = true;
    if (!goes_on(p)) return 0;
    p->known[p->n_known] = *key;
    p->known[p->n_known].cell = random_cell(p, s, v);
    return p->known[p->n_known++].cell;
}

static uint32_t get(prover *p, const side *s, tdagi_var v)
{
    if (s->cells[v.id] == 0) p->is_open = true;
    return s->cells[v.id];
}

static void need_same(prover *p, const tdagi_statement *const both[2], uint32_t a,
                      uint32_t b)
{
    if (!p->checks || a == b) return;
    for (int i = 0; i < N_ROUNDS; i++) /* a size has another sample, or none ran */
        p->is_blurred = p->is_blurred || p->cells[a].t[i] == NULL ||
                        p->cells[b].t[i] == NULL ||
                        !has_same_sizes(p->cells[a].t[i], p->cells[b].t[i]);
    fail(p, both[0]);
}

/* ---- calls ---- */

/* The tensor's sizes, with and without axes of size 1 as the value has them. */
static void fit_shape(const tdagi_var_info *type, const tdag_tensor *t, int64_t *shape)
{
    uint32_t at = 0;
    for (uint32_t k = 0; k < type->rank; k++) {
        bool is_one = type->shape[k] == 1, is_more = t->rank - at > type->rank - k;
        while (!is_one && is_more && at < t->rank && t->shape[at] == 1) {
            at++;
            is_more = t->rank - at > type->rank - k;
        }
        bool takes = at < t->rank &&
                     (!is_one || (t->shape[at] == 1 && t->rank - at >= type->rank - k));
        shape[k] = takes ? t->shape[at++] : 1;
    }
}

/* The cell's tensor with the axes of the value, and the width of its integers. */
static tdag_tensor *shaped(prover *p, const side *s, tdagi_var v, const tdag_tensor *t)
{
    const tdagi_var_info *type = tdagi_method_var(s->m, v);
    const tdag_dtype dtype = dtype_of(p, s, v);
    int64_t shape[TDAG_MAX_RANK], count = 1;
    tdag_tensor *out = NULL;
    if (t == NULL) return NULL;
    const bool widens = dtype != t->dtype && goes_with(p, dtype, t->dtype);
    if (type->rank == t->rank && !widens)
        return tdag_tensor_copy((tdag_tensor *)(uintptr_t)t);
    fit_shape(type, t, shape);
    for (uint32_t k = 0; k < type->rank; k++)
        count *= shape[k];
    if (count != t->count) return NULL;
    p->status = tdag_tensor_create(p->ctx, widens ? dtype : (tdag_dtype)t->dtype,
                                   type->rank, shape, &out);
    if (p->status != TDAG_OK) return NULL;
    if (!widens && t->size > 0) memcpy(out->data, t->data, t->size);
    for (int64_t i = 0; widens && i < count; i++)
        tdagi_tensor_set_i64(out, i, tdagi_tensor_get_i64(t, i));
    return out;
}

static void run_round(prover *p, const side *s, const tdagi_statement *call,
                      const uint32_t *in, int round, bool is_large, cell *out)
{
    const tdag_graph *g = called_by(s, call);
    tdag_run_options o;
    tdag_run_options_init(&o);
    o.engine = is_large ? TDAG_ENGINE_NATIVE : TDAG_ENGINE_REFERENCE;
    tdag_tensor **args = take(p, g->n_inputs, sizeof(tdag_tensor *));
    tdag_tensor **results = take(p, g->n_outputs, sizeof(tdag_tensor *));
    bool all = args != NULL && results != NULL;
    for (uint32_t i = 0; all && i < g->n_inputs; i++) {
        args[i] = shaped(p, s, call->inputs[i], p->cells[in[i]].t[round]);
        all = args[i] != NULL;
    }
    tdag_status st = TDAG_E_SHAPE;
    if (all) st = tdag_graph_run(p->ctx, g, args, g->n_inputs, &o, results);
    if (tdagi_is_final(st)) p->status = st;
    for (uint32_t i = 0; args != NULL && i < g->n_inputs; i++)
        tdag_tensor_free(args[i]);
    for (uint32_t i = 0; st == TDAG_OK && i < g->n_outputs; i++)
        out[i].t[round] = results[i];
}

/* What does not run is what its graph, by its hash, and its arguments are. */
static void keep_opaque(prover *p, const side *s, const tdagi_statement *call,
                        const uint32_t *in, uint32_t *out)
{
    const tdag_graph *g = called_by(s, call);
    char hash[TDAG_HASH_SIZE] = "";
    uint64_t sum;
    p->is_blurred = true;
    p->status = tdag_graph_get_hash(p->ctx, g, TDAG_HASH_STRUCTURE, hash);
    memcpy(&sum, hash, sizeof sum);
    for (uint32_t i = 0; i < g->n_inputs; i++)
        sum = (sum ^ in[i]) * UINT64_C(1099511628211);
    for (uint32_t i = 0; i < g->n_outputs && goes_on(p); i++)
        out[i] =
            cell_of(p, s, call->results[i],
                    &(known){NULL, OPAQUE, (uint32_t)sum, (uint32_t)(sum >> 32), i, 0});
}

static const called *find_call(const prover *p, const tdag_graph *g, const uint32_t *in)
{
    const called *c = p->calls;
    while (c != NULL && (c->g != g || memcmp(c->in, in, g->n_inputs * sizeof *in) != 0))
        c = c->next;
    return c;
}

/* By value: whether it depends on more than constants and sizes. */
static const bool *find_varying(prover *p, const tdag_graph *g, const uint32_t *in)
{
    bool *varies = take(p, g->n, sizeof *varies);
    for (uint32_t i = 0; varies != NULL && i < g->n_inputs; i++)
        varies[g->inputs[i].id] = !p->cells[in[i]].is_fixed;
    for (uint32_t id = 1; varies != NULL && id <= g->n; id++)
        for (uint32_t i = 0; i < g->nodes[id].n_inputs; i++)
            varies[id] = varies[id] || varies[tdagi_node_inputs(&g->nodes[id])[i].id];
    return varies;
}

static const called *run_call(prover *p, const side *s, const tdagi_statement *call,
                              const uint32_t *in)
{
    const tdag_graph *g = called_by(s, call);
    uint32_t *out = take(p, g->n_outputs, sizeof *out);
    cell *cells = take(p, g->n_outputs, sizeof *cells);
    called *c = take(p, 1, sizeof *c);
    const bool *varies = find_varying(p, g, in);
    bool ran = false;
    if (c == NULL || out == NULL || cells == NULL || varies == NULL) return NULL;
    const bool is_large = tdagi_is_too_large(g, MOST_WORK);
    const int n_rounds = !is_large ? N_ROUNDS : !tdagi_is_too_large(g, MOST_ONCE);
    for (int i = 0; i < n_rounds && goes_on(p); i++)
        run_round(p, s, call, in, i, is_large, cells);
    for (int i = 0; i < N_ROUNDS; i++) {
        if (cells[0].t[i] != NULL)
            ran = true;
        else if (p->counts)
            p->is_blurred = true; /* a position is none */
    }
    for (uint32_t i = 0; ran && i < g->n_outputs; i++) {
        cells[i].is_fixed = call->n_bindings == 0 && !varies[g->outputs[i].id];
        out[i] = keep_cell(p, &cells[i]);
    }
    if (!ran && goes_on(p)) keep_opaque(p, s, call, in, out);
    *c = (called){p->calls, g, in, out};
    p->calls = c;
    return c;
}

static void do_call(prover *p, side *s, const tdagi_statement *call)
{
    uint32_t *in = take(p, call->n_inputs, sizeof *in);
    for (uint32_t i = 0; in != NULL && i < call->n_inputs; i++)
        in[i] = get(p, s, call->inputs[i]);
    /* what data tells is no size here, and data elsewhere */
    if (call->n_bindings > 0) p->is_blurred = true;
    if (!goes_on(p)) return;
    const called *c = find_call(p, called_by(s, call), in);
    if (c == NULL) c = run_call(p, s, call, in);
    for (uint32_t i = 0; c != NULL && i < call->n_results; i++)
        s->cells[call->results[i].id] = c->out[i];
}

/* ---- statements ---- */

static void walk(prover *p, const tdagi_block *const both[2]);
static const tdagi_statement *advance(prover *p, side *s, const tdagi_statement *at);

/* Whether there is a statement of one of those kinds, as bits. */
static bool contains(const tdagi_block *block, uint32_t kinds)
{
    bool has = false;
    for (const tdagi_statement *s = block->first; s != NULL && !has; s = s->next) {
        has = (kinds >> s->kind & 1) != 0;
        for (uint32_t i = 0; i < s->n_blocks; i++)
            has = has || contains(&s->blocks[i], kinds);
    }
    return has;
}

static void do_if(prover *p, const tdagi_statement *const both[2])
{
    uint32_t c[2];
    for (int i = 0; i < 2; i++)
        c[i] = get(p, &p->s[i], both[i]->inputs[0]);
    need_same(p, both, c[0], c[1]);
    for (int k = 0; k < 2 && goes_on(p); k++) {
        const tdagi_block *const arms[2] = {&both[0]->blocks[k], &both[1]->blocks[k]};
        walk(p, arms);
    }
    for (int i = 0; i < 2; i++)
        for (uint32_t k = 0; k < both[i]->n_results && goes_on(p); k++) {
            const tdagi_block *arms = both[i]->blocks;
            uint32_t yes = get(p, &p->s[i], arms[0].yields[k]);
            uint32_t no = get(p, &p->s[i], arms[1].yields[k]);
            const known key = {both[0], JOINED, c[0], yes, no, 0};
            p->s[i].cells[both[i]->results[k].id] =
                yes == no ? yes : cell_of(p, &p->s[i], both[i]->results[k], &key);
        }
}

/* What a loop carries, by side; the last value counts the rounds. Where only one has a
 * limit, a condition of that is that there are more. */
typedef struct carried {
    uint32_t n, head;              /* values; limit and condition stand before them */
    uint32_t *entry, *part, *next; /* part 0: as it came in; else those of one number
                                      are equal; next: of the next try */
    bool is_limited;
} carried;

static void set_scalar(prover *p, cell *c, int round, tdag_dtype dtype, int64_t x)
{
    p->status = tdag_tensor_create(p->ctx, dtype, 0, NULL, &c->t[round]);
    if (p->status == TDAG_OK) tdagi_tensor_set_i64(c->t[round], 0, x);
}

static uint32_t number(prover *p, int64_t x)
{
    cell c = {.is_fixed = true};
    for (int i = 0; i < N_ROUNDS && goes_on(p); i++)
        set_scalar(p, &c, i, TDAG_I64, x);
    return keep_cell(p, &c);
}

/* x + y, x < y or x & y of scalars. */
static uint32_t calculate(prover *p, char how, uint32_t x, uint32_t y)
{
    const cell *a = &p->cells[x], *b = &p->cells[y];
    cell c = {.is_fixed = a->is_fixed && b->is_fixed};
    for (int i = 0; i < N_ROUNDS && goes_on(p); i++) {
        if (a->t[i] == NULL || b->t[i] == NULL || a->t[i]->count != 1 ||
            b->t[i]->count != 1)
            continue;
        const int64_t v = tdagi_tensor_get_i64(a->t[i], 0),
                      w = tdagi_tensor_get_i64(b->t[i], 0);
        if (how == '+')
            set_scalar(p, &c, i, TDAG_I64, (int64_t)((uint64_t)v + (uint64_t)w));
        else
            set_scalar(p, &c, i, TDAG_BOOL, how == '<' ? v < w : v != 0 && w != 0);
    }
    return keep_cell(p, &c);
}

/* Rounds are none or more; where they are few, it is a position of most axes. */
static void fill_counter(prover *p, const side *s, tdagi_var index)
{
    cell *c = &p->cells[s->cells[index.id]];
    for (int i = 0; i < N_ROUNDS && goes_on(p); i++)
        if (p->counts || tdagi_tensor_get_i64(c->t[i], 0) < 0)
            tdagi_tensor_set_i64(c->t[i], 0, i % 2);
}

static void begin_round(prover *p, const tdagi_statement *const both[2],
                        const carried c[2])
{
    for (int i = 0; i < 2; i++) {
        const tdagi_block *body = both[i]->blocks;
        for (uint32_t k = 0; k < c[i].n && goes_on(p); k++) {
            const known key = {both[0], CARRIED, c[i].part[k], c[i].entry[k], 0, 0};
            const tdagi_var v = body->params[k + 1 == c[i].n ? 0 : k + 1];
            p->s[i].cells[v.id] =
                c[i].part[k] == 0 ? c[i].entry[k] : cell_of(p, &p->s[i], v, &key);
            if (k + 1 == c[i].n && c[i].part[k] != 0) fill_counter(p, &p->s[i], v);
        }
    }
}

/* A number for each triple that there is. */
static uint32_t part_of(known *parts, uint32_t *n, const known *of)
{
    uint32_t i = 0;
    while (i < *n &&
           (parts[i].x != of->x || parts[i].y != of->y || parts[i].z != of->z))
        i++;
    if (i == *n) parts[(*n)++] = *of;
    return i + 1;
}

/* Splits what the round has told apart. False: nothing was. */
static bool split(prover *p, const tdagi_statement *const both[2], carried c[2])
{
    known *parts = take(p, c[0].n + c[1].n, sizeof *parts);
    uint32_t n = 0, n_before = 0;
    bool changed = false;
    for (int i = 0; i < 2 && parts != NULL; i++)
        for (uint32_t k = 0; k < c[i].n && goes_on(p); k++) {
            const tdagi_block *body = both[i]->blocks;
            uint32_t y =
                k + 1 == c[i].n
                    ? calculate(p, '+', get(p, &p->s[i], body->params[0]), number(p, 1))
                    : get(p, &p->s[i], body->yields[k + both[i]->has_condition]);
            uint32_t before = c[i].part[k];
            const known of = {.x = before, .y = c[i].entry[k], .z = y};
            if (before > n_before) n_before = before;
            c[i].next[k] = before == 0 && y == of.y ? 0 : part_of(parts, &n, &of);
            changed = changed || (before == 0) != (c[i].next[k] == 0);
        }
    for (int i = 0; i < 2 && goes_on(p); i++)
        memcpy(c[i].part, c[i].next, c[i].n * sizeof *c[i].part);
    return changed || n != n_before;
}

/* Whether a list grows from that value on. */
static tdag_status grows_from(prover *p, const tdagi_block *block, tdagi_var v,
                              bool *out)
{
    for (const tdagi_statement *s = block->first; s != NULL && !*out; s = s->next) {
        for (uint32_t i = 0; i < s->n_blocks; i++)
            TDAGI_TRY(grows_from(p, &s->blocks[i], v, out));
        if (s->kind == TDAGI_CALL && s->n_inputs > 0 && s->inputs[0].id == v.id)
            TDAGI_TRY(
                tdagi_is_append(p->ctx, p->s[0].model->graphs[s->target].graph, out));
    }
    return TDAG_OK;
}

/* An exported list that some items are in before the loop is those and the rest. */
static void look_at_lists(prover *p, const tdagi_statement *s, const carried *c)
{
    for (uint32_t k = 0; k + 1 < c->n && goes_on(p); k++) {
        const tdag_tensor *t = p->cells[c->entry[k]].t[0];
        bool grows = false;
        p->status = grows_from(p, s->blocks, s->blocks->params[k + 1], &grows);
        if (grows && (t == NULL || t->count > 0)) p->is_blurred = true;
    }
}

static void enter_loop(prover *p, const tdagi_statement *const both[2], carried c[2])
{
    for (int i = 0; i < 2; i++) {
        c[i].head = (uint32_t)both[i]->has_limit + both[i]->has_condition;
        c[i].is_limited = both[i]->has_limit && !both[1 - i]->has_limit;
        c[i].n = both[i]->n_inputs - c[i].head + 1;
        c[i].entry = take(p, c[i].n, sizeof *c[i].entry);
        c[i].part = take(p, c[i].n, sizeof *c[i].part);
        c[i].next = take(p, c[i].n, sizeof *c[i].next);
        for (uint32_t k = 0; k < c[i].n && p->status == TDAG_OK; k++)
            c[i].entry[k] = k + 1 == c[i].n
                                ? number(p, 0)
                                : get(p, &p->s[i], both[i]->inputs[k + c[i].head]);
        const tdagi_method *m = p->s[i].m;
        for (uint32_t k = 0; k + 1 < c[i].n && goes_on(p); k++)
            c[i].part[k] = !tdagi_has_samples(
                m->pool, tdagi_method_var(m, both[i]->blocks->params[k + 1]),
                p->cells[c[i].entry[k]].t[0]);
    }
    look_at_lists(p, both[0], &c[0]);
}

/* By side: whether the loop goes on, before the first round or behind one; 0: it always
 * does. */
static uint32_t condition_of(prover *p, int i, const tdagi_statement *loop,
                             const carried *c, bool is_behind)
{
    side *s = &p->s[i];
    const tdagi_block *body = loop->blocks;
    const tdagi_var *own =
        is_behind ? &body->yields[0] : &loop->inputs[loop->has_limit];
    const uint32_t is = loop->has_condition ? get(p, s, *own) : 0;
    if (!c->is_limited) return is;
    const uint32_t index =
        is_behind ? calculate(p, '+', get(p, s, body->params[0]), number(p, 1))
                  : number(p, 0);
    const uint32_t more = calculate(p, '<', index, get(p, s, loop->inputs[0]));
    return loop->has_condition ? calculate(p, '&', more, is) : more;
}

static void need_condition(prover *p, const tdagi_statement *const both[2],
                           const carried c[2], bool is_behind)
{
    uint32_t is[2] = {0, 0};
    for (int i = 0; i < 2 && goes_on(p); i++)
        is[i] = condition_of(p, i, both[i], &c[i], is_behind);
    if (goes_on(p) && is[0] != is[1]) need_same(p, both, is[0], is[1]);
}

static void do_loop(prover *p, const tdagi_statement *const both[2])
{
    const tdagi_block *const bodies[2] = {both[0]->blocks, both[1]->blocks};
    carried c[2];
    bool checks = p->checks, changes = true;
    enter_loop(p, both, c);
    if ((both[0]->has_condition || c[0].is_limited) !=
        (both[1]->has_condition || c[1].is_limited))
        p->is_open = true;
    if (goes_on(p) && both[0]->has_limit && both[1]->has_limit)
        need_same(p, both, get(p, &p->s[0], both[0]->inputs[0]),
                  get(p, &p->s[1], both[1]->inputs[0]));
    need_condition(p, both, c, false);
    p->counts = p->counts || c[0].is_limited || c[1].is_limited;
    p->checks = false;
    for (uint32_t i = 0; changes && goes_on(p); i++) {
        begin_round(p, both, c);
        walk(p, bodies);
        changes = goes_on(p) && split(p, both, c);
        if (i == MOST_SPLITS) p->is_open = true;
    }
    p->checks = checks;
    begin_round(p, both, c);
    if (checks) walk(p, bodies);
    if (checks) need_condition(p, both, c, true);
    for (int i = 0; i < 2; i++)
        for (uint32_t k = 0; k < both[i]->n_results && goes_on(p); k++) {
            const known key = {both[0], BEHIND, c[i].part[k], c[i].entry[k], 0, 0};
            p->s[i].cells[both[i]->results[k].id] =
                c[i].part[k] == 0 ? c[i].entry[k]
                                  : cell_of(p, &p->s[i], both[i]->results[k], &key);
        }
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Draws, operators, checks and what is returned: on equal values. */
static void do_effect(prover *p, const tdagi_statement *const both[2])
{
    if (both[0]->n_inputs != both[1]->n_inputs ||
        both[0]->n_results != both[1]->n_results || both[0]->draw != both[1]->draw ||
        !same_text(both[0]->text, both[1]->text) ||
        !same_text(both[0]->arguments, both[1]->arguments)) {
        p->is_open = true; /* u < p may come back as bernoulli(p) */
        return;
    }
    for (uint32_t i = 0; i < both[0]->n_inputs && goes_on(p); i++) {
        const tdagi_var_info *a = tdagi_method_var(p->s[0].m, both[0]->inputs[i]),
                             *b = tdagi_method_var(p->s[1].m, both[1]->inputs[i]);
        if (a->rank != b->rank ||
            (both[0]->kind == TDAGI_RETURN && p->held == NULL && a->dtype != b->dtype))
            fail(p, both[0]);
        need_same(p, both, get(p, &p->s[0], both[0]->inputs[i]),
                  get(p, &p->s[1], both[1]->inputs[i]));
    }
    for (uint32_t i = 0; i < both[0]->n_results && goes_on(p); i++)
        for (int k = 0; k < 2; k++) {
            const known key = {both[0], GIVEN, i, 0, 0, 0};
            p->s[k].cells[both[k]->results[i].id] =
                cell_of(p, &p->s[k], both[k]->results[i], &key);
        }
}

static void do_control(prover *p, const tdagi_statement *const both[2])
{
    bool differ = both[0]->kind != both[1]->kind;
    for (uint32_t i = 0; i < both[0]->n_blocks && !differ; i++)
        differ = contains(&both[0]->blocks[i], 1u << TDAGI_WRITE) ||
                 contains(&both[1]->blocks[i], 1u << TDAGI_WRITE);
    if (differ)
        p->is_open = true;
    else if (both[0]->kind == TDAGI_IF)
        do_if(p, both);
    else if (both[0]->kind == TDAGI_LOOP)
        do_loop(p, both);
    else
        do_effect(p, both);
}

static void read_state(prover *p, side *s, const tdagi_statement *read)
{
    uint32_t i = s->first_state[read->target];
    const known key = {NULL, STATE, i, 0, 0, 0};
    if (s->states[i] == 0) s->states[i] = cell_of(p, s, read->results[0], &key);
    s->cells[read->results[0].id] = s->states[i];
}

/* A branch that sizes decide is its arm at the samples: reading a list that may be
 * empty is one in an exported file. False: it is another one. */
static bool take_arm(prover *p, side *s, const tdagi_statement *branch)
{
    const cell *c = &p->cells[get(p, s, branch->inputs[0])];
    const uint32_t effects = ~(1u << TDAGI_CALL | 1u << TDAGI_READ | 1u << TDAGI_IF);
    if (!c->is_fixed || c->t[0] == NULL || contains(&branch->blocks[0], effects) ||
        contains(&branch->blocks[1], effects))
        return false;
    const tdagi_block *arm =
        &branch->blocks[tdagi_tensor_get_i64(c->t[0], 0) != 0 ? 0 : 1];
    if (advance(p, s, arm->first) != NULL) p->is_open = true;
    for (uint32_t i = 0; i < branch->n_results && goes_on(p); i++)
        s->cells[branch->results[i].id] = get(p, s, arm->yields[i]);
    return true;
}

/* Whether it gives or writes something, or is a check that is wanted. */
static bool matters(const prover *p, const tdagi_statement *s)
{
    const uint32_t effects = 1u << TDAGI_WRITE | 1u << TDAGI_DRAW | 1u << TDAGI_APPLY;
    if (p->held == NULL || (s->kind != TDAGI_CHECK && s->kind != TDAGI_IF)) return true;
    bool does = s->n_results > 0;
    for (uint32_t i = 0; i < s->n_blocks; i++)
        does = does || contains(&s->blocks[i], effects);
    return does;
}

/* Calls, reads and writes up to the next statement of another kind. */
static const tdagi_statement *advance(prover *p, side *s, const tdagi_statement *at)
{
    for (; at != NULL && goes_on(p); at = at->next) {
        if (!matters(p, at)) continue;
        if (at->kind == TDAGI_CALL)
            do_call(p, s, at);
        else if (at->kind == TDAGI_READ)
            read_state(p, s, at);
        else if (at->kind == TDAGI_WRITE)
            s->states[s->first_state[at->target]] = get(p, s, at->inputs[0]);
        else if (at->kind != TDAGI_IF || !take_arm(p, s, at))
            break;
    }
    return at;
}

static void walk(prover *p, const tdagi_block *const both[2])
{
    const tdagi_statement *at[2] = {both[0]->first, both[1]->first};
    while (goes_on(p)) {
        for (int i = 0; i < 2; i++)
            at[i] = advance(p, &p->s[i], at[i]);
        if (at[0] == NULL || at[1] == NULL) break;
        if (goes_on(p)) do_control(p, at);
        for (int i = 0; i < 2; i++)
            at[i] = at[i]->next;
    }
    if (at[0] != NULL || at[1] != NULL) p->is_open = p->is_open || p->wrong == NULL;
}

/* ---- methods ---- */

/* By number of b's states, a's of that name; false: there is none. */
static bool match_states(prover *p)
{
    const tdag_model *a = p->s[0].model, *b = p->s[1].model;
    uint32_t *of_a = take(p, a->n_states, sizeof *of_a);
    uint32_t *of_b = take(p, b->n_states, sizeof *of_b);
    for (int i = 0; i < 2; i++)
        p->s[i].states = take(p, a->n_states, sizeof(uint32_t));
    if (p->status != TDAG_OK) return false;
    for (uint32_t i = 0; i < a->n_states; i++)
        of_a[i] = i;
    bool all = a->n_states == b->n_states; /* else some are no states in one method */
    for (uint32_t k = 0; k < b->n_states && all; k++) {
        while (of_b[k] < a->n_states &&
               strcmp(a->states[of_b[k]].name, b->states[k].name) != 0)
            of_b[k]++;
        all = of_b[k] < a->n_states;
    }
    p->s[0].first_state = of_a;
    p->s[1].first_state = of_b;
    return all;
}

/* What is never read nor written holds what it held. */
static uint32_t left_in(const prover *p, uint32_t is, uint32_t state)
{
    for (uint32_t i = 0; is == 0 && i < p->n_known; i++)
        if (p->known[i].what == STATE && p->known[i].x == state) is = p->known[i].cell;
    return is;
}

static void prove(prover *p)
{
    const tdagi_block *const both[2] = {&p->s[0].m->body, &p->s[1].m->body};
    const tdagi_statement *last = both[0]->first;
    for (uint32_t i = 0; i < both[0]->n_params && goes_on(p); i++)
        for (int k = 0; k < 2; k++) {
            const known key = {NULL, INPUT, i, 0, 0, 0};
            p->s[k].cells[both[k]->params[i].id] =
                cell_of(p, &p->s[k], both[k]->params[i], &key);
        }
    walk(p, both);
    while (last != NULL && last->next != NULL)
        last = last->next;
    for (uint32_t i = 0; i < p->s[0].model->n_states && goes_on(p); i++)
        if (left_in(p, p->s[0].states[i], i) != left_in(p, p->s[1].states[i], i))
            fail(p, last);
}

tdag_status tdagi_prove_methods(tdag_ctx *ctx, const tdag_model *a,
                                const tdagi_method *of_a, const tdag_model *b,
                                const tdagi_method *of_b, const tdagi_proof_held *held,
                                uint32_t *wrong_out, bool *proven_out)
{
    prover p = {.ctx = ctx, .checks = true, .held = held, .dice = {.seed = 1}};
    tdagi_arena_init(&p.arena, &ctx->allocator);
    p.s[0] = (side){.model = a, .m = of_a};
    p.s[1] = (side){.model = b, .m = of_b};
    for (int i = 0; i < 2; i++) {
        p.s[i].cells = take(&p, p.s[i].m->n_vars, sizeof(uint32_t));
        p.s[i].graphs = held == NULL ? NULL : held->graphs[i];
    }
    p.cells = take(&p, MOST_CELLS, sizeof *p.cells);
    p.known = take(&p, MOST_CELLS, sizeof *p.known);
    p.is_open = of_a->body.n_params != of_b->body.n_params || !match_states(&p);
    if (goes_on(&p)) prove(&p);
    *wrong_out = p.wrong == NULL ? 0 : tdagi_statement_number(of_a, p.wrong);
    *proven_out = !p.is_open;
    for (uint32_t i = 1; i <= p.n_cells; i++)
        drop(&p.cells[i]);
    tdagi_arena_free(&p.arena);
    return p.status;
}
