/* Methods: sharing, comparing, names of statements. */
#include "program/program.h"

#include <string.h>

const char *tdagi_statement_name(uint32_t kind)
{
    static const char *const names[TDAGI_N_STATEMENT_KINDS] = {
        [TDAGI_CALL] = "call",   [TDAGI_IF] = "if",       [TDAGI_LOOP] = "loop",
        [TDAGI_READ] = "read",   [TDAGI_WRITE] = "write", [TDAGI_DRAW] = "draw",
        [TDAGI_APPLY] = "apply", [TDAGI_CHECK] = "check", [TDAGI_RETURN] = "return"};
    return kind < TDAGI_N_STATEMENT_KINDS ? names[kind] : "statement";
}

const char *tdagi_draw_name(uint32_t kind)
{
    static const char *const names[TDAGI_N_DRAW_KINDS] = {
        [TDAGI_DRAW_NORMAL] = "normal",
        [TDAGI_DRAW_UNIFORM] = "uniform",
        [TDAGI_DRAW_BERNOULLI] = "bernoulli",
        [TDAGI_DRAW_INTEGERS] = "integers",
        [TDAGI_DRAW_PERMUTATION] = "permutation"};
    return kind < TDAGI_N_DRAW_KINDS ? names[kind] : "numbers";
}

/* ---- sharing ---- */

tdagi_method *tdagi_method_copy(const tdagi_method *m)
{
    tdagi_method *shared = (tdagi_method *)(uintptr_t)m;
    atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
    return shared;
}

void tdagi_method_free(tdagi_method *m)
{
    if (m == NULL || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1)
        return;
    tdag_allocator a = m->allocator;
    if (m->vars != NULL)
        tdagi_mem_free(&a, m->vars, m->vars_capacity * sizeof *m->vars);
    tdagi_pool_free(m->pool);
    tdagi_structure_free(m->inputs);
    tdagi_structure_free(m->outputs);
    tdagi_arena_free(&m->arena);
    tdagi_mem_free(&a, m, sizeof *m);
}

/* ---- comparing ---- */

/* Two methods; ids must be the same in both. */
typedef struct comparing {
    const tdagi_method *a, *b;
} comparing;

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_dim(const comparing *c, tdag_dim a, tdag_dim b)
{
    if (a == TDAGI_DIM_BAD || b == TDAGI_DIM_BAD) return a == b;
    return tdagi_dim_same(c->a->pool, a, c->b->pool, b);
}

static bool same_dims(const comparing *c, const tdag_dim *a, const tdag_dim *b,
                      uint32_t n)
{
    bool same = true;
    for (uint32_t i = 0; same && i < n; i++)
        same = same_dim(c, a[i], b[i]);
    return same;
}

static bool same_vars(const tdagi_var *a, const tdagi_var *b, uint32_t n)
{
    return n == 0 || memcmp(a, b, n * sizeof *a) == 0;
}

static bool same_infos(const comparing *c)
{
    if (c->a->n_vars != c->b->n_vars) return false;
    for (uint32_t i = 1; i <= c->a->n_vars; i++) {
        const tdagi_var_info *a = &c->a->vars[i], *b = &c->b->vars[i];
        if (a->dtype != b->dtype || a->rank != b->rank ||
            !same_text(a->name, b->name) || !same_dims(c, a->shape, b->shape, a->rank))
            return false;
    }
    return true;
}

static bool same_bindings(const comparing *c, const tdagi_statement *a,
                          const tdagi_statement *b)
{
    for (uint32_t i = 0; i < a->n_bindings; i++) {
        const tdagi_binding *x = &a->bindings[i], *y = &b->bindings[i];
        if (x->value.id != y->value.id || x->of != y->of ||
            !same_dim(c, x->symbol, y->symbol) || !same_dim(c, x->bound, y->bound))
            return false;
    }
    return true;
}

static bool same_blocks(const comparing *c, const tdagi_block *a, const tdagi_block *b,
                        uint32_t n);

static bool same_statements(const comparing *c, const tdagi_statement *a,
                            const tdagi_statement *b)
{
    bool same = a->kind == b->kind && a->draw == b->draw &&
                a->has_limit == b->has_limit && a->has_condition == b->has_condition &&
                a->target == b->target && a->n_inputs == b->n_inputs &&
                a->n_results == b->n_results && a->n_bindings == b->n_bindings &&
                a->n_blocks == b->n_blocks;
    return same && same_text(a->text, b->text) &&
           same_text(a->arguments, b->arguments) &&
           same_vars(a->inputs, b->inputs, a->n_inputs) &&
           same_vars(a->results, b->results, a->n_results) && same_bindings(c, a, b) &&
           same_blocks(c, a->blocks, b->blocks, a->n_blocks);
}

/* A method's symbols are told by its values; those of a loop, what it binds. */
static bool same_symbols(const comparing *c, const tdagi_block *a, const tdagi_block *b)
{
    return a == &c->a->body || (a->n_symbols == b->n_symbols &&
                                same_dims(c, a->symbols, b->symbols, a->n_symbols));
}

static bool same_block(const comparing *c, const tdagi_block *a, const tdagi_block *b)
{
    if (a->n_params != b->n_params || a->n_yields != b->n_yields ||
        !same_vars(a->params, b->params, a->n_params) ||
        !same_vars(a->yields, b->yields, a->n_yields) || !same_symbols(c, a, b))
        return false;
    const tdagi_statement *s = a->first, *t = b->first;
    for (; s != NULL && t != NULL; s = s->next, t = t->next)
        if (!same_statements(c, s, t)) return false;
    return s == t; /* both at their end */
}

/* Recursion ends with the nesting of blocks, which the builder limits. */
static bool same_blocks(const comparing *c, const tdagi_block *a, const tdagi_block *b,
                        uint32_t n)
{
    bool same = true;
    for (uint32_t i = 0; same && i < n; i++)
        same = same_block(c, &a[i], &b[i]);
    return same;
}

uint32_t tdagi_block_count(const tdagi_block *block)
{
    uint32_t n = 0;
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next) {
        n++;
        for (uint32_t i = 0; i < s->n_blocks; i++)
            n += tdagi_block_count(&s->blocks[i]);
    }
    return n;
}

bool tdagi_method_equal(const tdagi_method *a, const tdagi_method *b)
{
    const comparing c = {a, b};
    return a == b || (same_text(a->name, b->name) && same_infos(&c) &&
                      same_block(&c, &a->body, &b->body) &&
                      tdagi_structure_equal(a->inputs, b->inputs) &&
                      tdagi_structure_equal(a->outputs, b->outputs));
}
