/* Two graphs run on the same random inputs, once where these are floats of which the
 * result is numbers, else three times. */
#include <math.h>
#include <string.h>

#include <tdagger/run.h>

#include "base/tensor.h"
#include "proof/pieces.h"

#define N_TRIALS   3
#define MAX_INPUTS 64
#define PERIOD     4093 /* a prime */

typedef struct trial {
    tdag_ctx *ctx;
    const tdag_graph *g[2];
    tdag_tensor *in[MAX_INPUTS];
    tdagi_dice dice;
    uint32_t n_ran;
    bool is_seen; /* another round would show no more */
} trial;

static double random_unit(tdagi_dice *d)
{
    d->seed = d->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(d->seed >> 11) / 9007199254740992.0;
}

/* Of either sign; in the second round positive, as a variance is. Integers are such
 * that they can be positions: 0 or 1, 0, then -1 to 2; after that they tell numbers
 * apart. */
static double random_element(tdagi_dice *d, tdag_dtype dtype)
{
    double u = random_unit(d);
    if (tdag_dtype_is_float(dtype)) return d->round == 1 ? 0.5 + u : 4 * u - 2;
    if (dtype == TDAG_BOOL || d->round == 0) return u < 0.5;
    if (d->round > 2) return floor((d->round == 3 ? 100 : 5) * u);
    return d->round == 1 ? 0 : floor(4 * u) - 1;
}

/* Large tensors repeat themselves, at a distance that no axis has. */
void tdagi_trial_fill(tdagi_dice *d, tdag_tensor *x)
{
    const int64_t n = x->count < PERIOD ? x->count : PERIOD;
    const size_t size = tdag_dtype_size(x->dtype);
    unsigned char *data = x->data;
    for (int64_t k = 0; k < n; k++)
        tdagi_tensor_set_f64(x, k, random_element(d, x->dtype));
    for (int64_t k = n; k < x->count; k += n)
        memcpy(data + (size_t)k * size, data,
               (size_t)(x->count - k < n ? x->count - k : n) * size);
}

static tdag_status make_inputs(trial *t)
{
    const tdag_graph *g = t->g[0];
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        const tdagi_node *n = tdagi_graph_node(g, g->inputs[i]);
        int64_t shape[TDAG_MAX_RANK];
        for (uint32_t k = 0; k < n->rank; k++)
            shape[k] = tdagi_dim_sample(g->pool, n->shape[k]);
        TDAGI_TRY(tdag_tensor_create(t->ctx, (tdag_dtype)n->dtype, n->rank, shape,
                                     &t->in[i]));
        tdagi_trial_fill(&t->dice, t->in[i]);
    }
    return TDAG_OK;
}

static void free_inputs(trial *t)
{
    for (uint32_t i = 0; i < t->g[0]->n_inputs; i++) {
        tdag_tensor_free(t->in[i]);
        t->in[i] = NULL;
    }
}

/* How far apart results may be that were rounded in another order, relative to the
 * largest. */
static double tolerance_of(tdag_dtype dtype)
{
    switch ((int)dtype) {
    case TDAG_F64:
        return 1e-8;
    case TDAG_F32:
        return 1e-3;
    case TDAG_F16:
        return 2e-2;
    case TDAG_BF16:
        return 1e-1;
    default:
        return 0;
    }
}

static bool same_values(const tdag_tensor *a, const tdag_tensor *b)
{
    bool same = a->rank == b->rank && a->dtype == b->dtype;
    for (uint32_t i = 0; same && i < a->rank; i++)
        same = a->shape[i] == b->shape[i];
    return same && tdagi_same_elements(a, b, 0);
}

bool tdagi_same_elements(const tdag_tensor *a, const tdag_tensor *b, double tolerance)
{
    double most = 0;
    if (a->count != b->count) return false;
    if (a->dtype == b->dtype &&
        (a->size == 0 || memcmp(a->data, b->data, a->size) == 0))
        return true;
    for (int64_t i = 0; i < a->count; i++) {
        double x = fabs(tdagi_tensor_get_f64(a, i));
        if (isfinite(x) && x > most) most = x;
    }
    const bool is_given = tolerance != 0 && tdag_dtype_is_float(a->dtype);
    const double bound = (is_given ? tolerance : tolerance_of(a->dtype)) * most;
    for (int64_t i = 0; i < a->count; i++) {
        double x = tdagi_tensor_get_f64(a, i), y = tdagi_tensor_get_f64(b, i);
        if (x == y || (isnan(x) && isnan(y))) continue;
        if (!(fabs(x - y) <= bound)) return false;
    }
    return true;
}

static bool is_number(const tdag_tensor *t)
{
    for (int64_t i = 0; i < t->count; i++)
        if (isnan(tdagi_tensor_get_f64(t, i))) return false;
    return true;
}

/* Whether numbers of either sign tell all that there is to see. */
static bool has_floats_only(const tdag_graph *g)
{
    for (uint32_t i = 0; i < g->n_inputs; i++)
        if (!tdag_dtype_is_float((tdag_dtype)tdagi_graph_node(g, g->inputs[i])->dtype))
            return false;
    return true;
}

/* Where the first graph does not run, since the inputs are none for it, nothing is told
 * of the second. */
static tdag_status run_once(trial *t, bool *equal)
{
    tdag_tensor *out[2] = {NULL, NULL};
    tdag_status st[2] = {TDAG_OK, TDAG_OK};
    tdag_run_options o;
    tdag_run_options_init(&o);
    o.engine = TDAG_ENGINE_REFERENCE;
    for (int i = 0; i < 2; i++)
        st[i] = tdag_graph_run(t->ctx, t->g[i], t->in, t->g[i]->n_inputs, &o, &out[i]);
    t->n_ran += st[0] == TDAG_OK;
    t->is_seen = st[0] == TDAG_OK && has_floats_only(t->g[0]) && is_number(out[0]);
    if (st[0] == TDAG_OK) *equal = st[1] == TDAG_OK && same_values(out[0], out[1]);
    tdag_tensor_free(out[0]);
    tdag_tensor_free(out[1]);
    for (int i = 0; i < 2; i++)
        if (tdagi_is_final(st[i])) return st[i];
    return TDAG_OK;
}

bool tdagi_is_too_large(const tdag_graph *g, int64_t most)
{
    int64_t work = 0;
    for (uint32_t id = 1; id <= g->n; id++) {
        int64_t n = 1;
        for (uint32_t k = 0; k < g->nodes[id].rank; k++)
            if (__builtin_mul_overflow(
                    n, tdagi_dim_sample(g->pool, g->nodes[id].shape[k]), &n))
                return true;
        if (__builtin_add_overflow(work, n, &work) || work > most) return true;
    }
    return false;
}

tdag_status tdagi_trial(tdag_ctx *ctx, const tdag_graph *x, const tdag_graph *y,
                        bool *ran_out, bool *equal_out)
{
    trial t = {.ctx = ctx, .g = {x, y}, .dice = {.seed = 1}};
    *equal_out = true;
    if (x->n_inputs > MAX_INPUTS || tdagi_is_too_large(x, TDAGI_PROOF_MAX_WORK) ||
        tdagi_is_too_large(y, TDAGI_PROOF_MAX_WORK))
        return TDAG_OK;
    tdag_status st = TDAG_OK;
    for (; t.dice.round < N_TRIALS && !t.is_seen && *equal_out && st == TDAG_OK;
         t.dice.round++) {
        st = make_inputs(&t);
        if (st == TDAG_OK) st = run_once(&t, equal_out);
        free_inputs(&t);
    }
    *ran_out = *ran_out || t.n_ran > 0;
    if (t.n_ran == 0) *equal_out = false; /* nothing was seen */
    return st;
}

bool tdagi_has_samples(const tdagi_pool *pool, const tdagi_var_info *type,
                       const tdag_tensor *t)
{
    int64_t count = 1;
    for (uint32_t k = 0; k < type->rank; k++)
        if (__builtin_mul_overflow(count, tdagi_dim_sample(pool, type->shape[k]),
                                   &count))
            return true;
    return t == NULL || t->count == count;
}
