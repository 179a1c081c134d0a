/* Sums of counts. The part without symbols is kept as plain numbers, so that a graph
 * without symbols never makes an expression. */
#include "analysis/price.h"

#include <string.h>

static const char *const count_names[TDAGI_N_COUNTS] = {
    "flops", "macs", "memory reads", "memory writes", "bytes read", "bytes written",
};

tdag_status tdagi_count_add(tdag_ctx *ctx, int64_t *a, int64_t b, const char *what)
{
    if (*a > INT64_MAX - b)
        return tdagi_fail(ctx, TDAG_E_OVERFLOW, "the number of %s does not fit 64 bits",
                          what);
    *a += b;
    return TDAG_OK;
}

tdag_status tdagi_sum_add(tdagi_pricer *p, tdagi_sum *sum, const tdagi_unit *unit)
{
    if (unit->is_opaque) {
        sum->unpriced++;
        return TDAG_OK;
    }
    sum->nodes++;
    const tdagi_cost *c = &unit->cost;
    const tdag_dim counts[TDAGI_N_COUNTS] = {c->flops,  c->macs,       c->reads,
                                             c->writes, c->read_bytes, c->write_bytes};
    for (int i = 0; i < TDAGI_N_COUNTS; i++) {
        if (counts[i] >= 0)
            TDAGI_TRY(
                tdagi_count_add(p->ctx, &sum->numbers[i], counts[i], count_names[i]));
        else
            sum->formulas[i] = tdagi_dim_add(p->pool, sum->formulas[i], counts[i]);
    }
    return TDAG_OK;
}

tdag_status tdagi_sum_merge(tdagi_pricer *p, tdagi_sum *sum, const tdagi_sum *more)
{
    sum->nodes += more->nodes;
    sum->unpriced += more->unpriced;
    for (int i = 0; i < TDAGI_N_COUNTS; i++) {
        TDAGI_TRY(tdagi_count_add(p->ctx, &sum->numbers[i], more->numbers[i],
                                  count_names[i]));
        if (more->formulas[i] != 0)
            sum->formulas[i] =
                tdagi_dim_add(p->pool, sum->formulas[i], more->formulas[i]);
    }
    return TDAG_OK;
}

tdag_status tdagi_sum_finish(tdagi_pricer *p, const tdagi_sum *sum,
                             tdag_dim out[TDAGI_N_COUNTS])
{
    for (int i = 0; i < TDAGI_N_COUNTS; i++)
        out[i] = sum->formulas[i] == 0
                     ? sum->numbers[i]
                     : tdagi_dim_add(p->pool, sum->formulas[i], sum->numbers[i]);
    return tdagi_pool_report(p->ctx, p->pool);
}

typedef struct level_sum {
    tdagi_pricer *pricer;
    tdagi_sum *sum;
} level_sum;

static tdag_status add_to_level(void *user, const tdagi_unit *unit)
{
    level_sum *s = user;
    return tdagi_sum_add(s->pricer, s->sum, unit);
}

tdag_status tdagi_sum_level(tdagi_pricer *p, tdag_level level, tdagi_sum *out)
{
    memset(out, 0, sizeof(*out));
    level_sum s = {p, out};
    return tdagi_price(p, level, add_to_level, &s);
}
