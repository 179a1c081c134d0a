/* Plans: one walk numbers the statements and finds the last reader of every value. A
 * value of an outer block that an inner one reads is alive until the statement around
 * the inner block ends, as the block may run again. */
#include "run/program/plan.h"

#include <string.h>

#define NEVER UINT32_MAX

typedef struct planner {
    tdagi_method_plan *plan;
    uint32_t *depth; /* by value: that of the block it is defined in */
    uint32_t *last;  /* by value: the statement of its own block that reads it last */
    uint32_t at[TDAGI_PROGRAM_MAX_DEPTH + 1]; /* by depth: the statement at hand */
} planner;

static void read_all(planner *p, const tdagi_var *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        p->last[v[i].id] = p->at[p->depth[v[i].id]];
}

static void define_all(planner *p, const tdagi_var *v, uint32_t n, uint32_t depth,
                       uint32_t last)
{
    for (uint32_t i = 0; i < n; i++) {
        p->depth[v[i].id] = depth;
        p->last[v[i].id] = last;
    }
}

static void walk(planner *p, const tdagi_block *block, uint32_t depth,
                 uint32_t *number);

static void visit(planner *p, const tdagi_statement *s, uint32_t depth,
                  uint32_t *number)
{
    uint32_t self = (*number)++;
    p->at[depth] = self;
    read_all(p, s->inputs, s->n_inputs);
    for (uint32_t i = 0; i < s->n_bindings; i++)
        if (s->bindings[i].value.id != 0) read_all(p, &s->bindings[i].value, 1);
    for (uint32_t i = 0; i < s->n_blocks; i++)
        walk(p, &s->blocks[i], depth + 1, number);
    define_all(p, s->results, s->n_results, depth, self);
    p->plan->size[self] = *number - self;
}

/* Yielded values live to the end of their block. */
static void walk(planner *p, const tdagi_block *block, uint32_t depth, uint32_t *number)
{
    define_all(p, block->params, block->n_params, depth, *number);
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next)
        visit(p, s, depth, number);
    for (uint32_t i = 0; i < block->n_yields; i++) {
        uint32_t id = block->yields[i].id;
        if (p->depth[id] == depth)
            p->last[id] = NEVER;
        else
            read_all(p, &block->yields[i], 1);
    }
}

/* The values by their last statement. */
static void sort_dying(const planner *p, uint32_t n_vars)
{
    tdagi_method_plan *plan = p->plan;
    for (uint32_t id = 1; id <= n_vars; id++)
        if (p->last[id] < plan->n) plan->first_dying[p->last[id] + 1]++;
    for (uint32_t i = 0; i < plan->n; i++)
        plan->first_dying[i + 1] += plan->first_dying[i];
    plan->n_dying = plan->first_dying[plan->n];
    for (uint32_t id = n_vars; id >= 1; id--)
        if (p->last[id] < plan->n)
            plan->dying[--plan->first_dying[p->last[id] + 1]] = id;
    for (uint32_t i = 0; i < plan->n; i++)
        plan->first_dying[i] = plan->first_dying[i + 1];
    plan->first_dying[plan->n] = plan->n_dying;
}

tdag_status tdagi_plan_make(tdag_ctx *ctx, const tdagi_method *m,
                            tdagi_method_plan *plan)
{
    memset(plan, 0, sizeof *plan);
    plan->n = tdagi_block_count(&m->body);
    void *numbers = NULL, *scratch = NULL;
    size_t n_vars = m->n_vars + 1u, n = plan->n + 1u;
    TDAGI_TRY(tdagi_array_alloc(ctx, 2 * n + n_vars, sizeof(uint32_t), &numbers));
    plan->first_dying = numbers;
    plan->size = plan->first_dying + n;
    plan->dying = plan->size + n;
    plan->n_vars = m->n_vars;
    tdag_status st = tdagi_array_alloc(ctx, 2 * n_vars, sizeof(uint32_t), &scratch);
    if (st != TDAG_OK) {
        tdagi_plan_free(ctx, plan);
        return st;
    }
    planner p = {.plan = plan, .depth = scratch};
    p.last = p.depth + n_vars;
    for (size_t i = 0; i < n_vars; i++)
        p.last[i] = NEVER;
    uint32_t number = 0;
    walk(&p, &m->body, 0, &number);
    sort_dying(&p, m->n_vars);
    tdagi_free(ctx, scratch, 2 * n_vars * sizeof(uint32_t));
    return TDAG_OK;
}

void tdagi_plan_free(tdag_ctx *ctx, tdagi_method_plan *plan)
{
    size_t n = 2 * (plan->n + 1u) + plan->n_vars + 1u;
    if (plan->first_dying != NULL)
        tdagi_free(ctx, plan->first_dying, n * sizeof(uint32_t));
    memset(plan, 0, sizeof *plan);
}

uint32_t tdagi_plan_block(const tdagi_method_plan *plan, const tdagi_statement *s,
                          uint32_t at, uint32_t block)
{
    uint32_t number = at + 1;
    for (uint32_t i = 0; i < block; i++)
        for (const tdagi_statement *in = s->blocks[i].first; in != NULL; in = in->next)
            number += plan->size[number];
    return number;
}
