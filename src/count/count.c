/* The public counters of models: of a straight-line one those of its graph, of any
 * other those of a method. */
#include "base/dim/type_text.h"
#include "count/report.h"

/* ---- one method ---- */

static tdag_status find_method(tdag_ctx *ctx, const tdag_model *model, const char *name,
                               const tdagi_method **out)
{
    *out = name == NULL ? tdagi_model_forward(model) : tdagi_model_method(model, name);
    if (*out != NULL) return TDAG_OK;
    return tdagi_fail(ctx, TDAG_E_ARG, "the model has no method %.80s",
                      name == NULL ? "" : name);
}

/* What is done with a walk. */
typedef tdag_status walk_use(tdagi_walk *w, const tdag_count_options *o, void *user);

static tdag_status walk_one(tdag_ctx *ctx, const tdag_model *model,
                            const tdag_count_options *o, walk_use *use, void *user)
{
    const tdagi_method *method;
    tdagi_count_at at;
    tdagi_prices prices = {.ctx = NULL};
    tdagi_walk w = {.ctx = NULL};
    TDAGI_TRY(find_method(ctx, model, o->method, &method));
    tdag_status st = tdagi_count_open_at(ctx, o->at, o->n_at, &at);
    if (st == TDAG_OK) st = tdagi_prices_make(ctx, model, &prices);
    if (st == TDAG_OK) st = tdagi_walk_method(ctx, &prices, method, &at, &w);
    if (st == TDAG_OK) st = tdagi_count_check_at(ctx, &at);
    if (st == TDAG_OK) st = use(&w, o, user);
    tdagi_walk_free(&w);
    tdagi_prices_free(&prices);
    tdagi_count_close_at(ctx, &at);
    return st;
}

static tdag_status load_options(tdag_ctx *ctx, const tdag_model *model, const void *out,
                                const tdag_count_options *options,
                                tdag_count_options *o)
{
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    TDAGI_TRY(tdagi_options_load(ctx, o, sizeof *o, options));
    if (o->level == 0) o->level = TDAG_LEVEL_KERNEL;
    if (o->level <= TDAG_LEVEL_FUSED) return TDAG_OK;
    return tdagi_fail(ctx, TDAG_E_ARG, "there is no level number %d", (int)o->level);
}

static tdag_status fill_counts(tdagi_walk *w, const tdag_count_options *o, void *user)
{
    tdag_counts *out = user;
    int64_t n[TDAGI_N_COLUMNS];
    const tdagi_ratio *from = w->total + (o->level - 1) * TDAGI_N_COLUMNS;
    for (int i = 0; i < TDAGI_N_COLUMNS; i++)
        n[i] = tdagi_dim_sample(w->pool, tdagi_ratio_dim(w->pool, from[i]));
    TDAGI_TRY(tdagi_pool_report(w->ctx, w->pool));
    *out = (tdag_counts){n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7]};
    return TDAG_OK;
}

tdag_status tdag_count_method(tdag_ctx *ctx, const tdag_model *model,
                              const tdag_count_options *options, tdag_counts *out)
{
    tdag_count_options o;
    TDAGI_TRY(load_options(ctx, model, out, options, &o));
    return walk_one(ctx, model, &o, fill_counts, out);
}

typedef struct formula_of {
    tdag_counter counter;
    char **out;
} formula_of;

static tdag_status take_formula(tdagi_walk *w, const tdag_count_options *o, void *user)
{
    const formula_of *f = user;
    const tdagi_ratio *from = w->total + (o->level - 1) * TDAGI_N_COLUMNS;
    tdag_dim d = f->counter == TDAG_COUNTER_PEAK_BYTES
                     ? w->peak
                     : tdagi_ratio_dim(w->pool, from[f->counter]);
    TDAGI_TRY(tdagi_pool_report(w->ctx, w->pool));
    tdagi_text text;
    tdagi_text_init(&text, w->ctx);
    tdagi_text_add_dim(&text, w->pool, d);
    return tdagi_text_take(&text, f->out);
}

tdag_status tdag_count_formula(tdag_ctx *ctx, const tdag_model *model,
                               const tdag_count_options *options, tdag_counter counter,
                               char **out)
{
    tdag_count_options o;
    formula_of f = {counter, out};
    TDAGI_TRY(load_options(ctx, model, out, options, &o));
    if ((unsigned)counter > TDAG_COUNTER_PEAK_BYTES)
        return tdagi_fail(ctx, TDAG_E_ARG, "there is no counter number %d",
                          (int)counter);
    return walk_one(ctx, model, &o, take_formula, &f);
}

/* ---- one figure ---- */

static tdag_status count_model(tdag_ctx *ctx, const tdag_model *model, tdag_level level,
                               const int64_t *out, tdag_counts *counts)
{
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    const tdag_graph *graph = tdag_model_get_graph(model);
    if (graph != NULL) return tdag_count(ctx, graph, level, counts);
    tdag_count_options o;
    tdag_count_options_init(&o);
    o.level = level;
    return tdag_count_method(ctx, model, &o, counts);
}

tdag_status tdag_total_flops(tdag_ctx *ctx, const tdag_model *model, tdag_level level,
                             int64_t *out)
{
    tdag_counts counts;
    TDAGI_TRY(count_model(ctx, model, level, out, &counts));
    *out = counts.flops;
    return TDAG_OK;
}

tdag_status tdag_total_memory_reads(tdag_ctx *ctx, const tdag_model *model,
                                    tdag_level level, int64_t *out)
{
    tdag_counts counts;
    TDAGI_TRY(count_model(ctx, model, level, out, &counts));
    *out = counts.memory_reads;
    return TDAG_OK;
}

tdag_status tdag_total_memory_writes(tdag_ctx *ctx, const tdag_model *model,
                                     tdag_level level, int64_t *out)
{
    tdag_counts counts;
    TDAGI_TRY(count_model(ctx, model, level, out, &counts));
    *out = counts.memory_writes;
    return TDAG_OK;
}

tdag_status tdag_total_bytes(tdag_ctx *ctx, const tdag_model *model, int64_t *out)
{
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    tdagi_leaf_memory memory;
    TDAGI_TRY(tdagi_count_memory(ctx, model, &memory, NULL, NULL));
    *out = memory.total_bytes;
    return TDAG_OK;
}

static tdag_status peak_of_graph(tdag_ctx *ctx, const tdag_graph *graph, int64_t *out)
{
    tdagi_pricer *p = NULL;
    tdag_dim peak;
    TDAGI_TRY(tdagi_pricer_create(ctx, graph, TDAG_LEVEL_KERNEL, &p));
    tdag_status status = tdagi_peak_of(p, &peak);
    if (status == TDAG_OK) *out = tdagi_dim_sample(p->pool, peak);
    tdagi_pricer_free(p);
    return status;
}

static tdag_status take_peak(tdagi_walk *w, const tdag_count_options *o, void *user)
{
    (void)o;
    *(int64_t *)user = tdagi_dim_sample(w->pool, w->peak);
    return TDAG_OK;
}

tdag_status tdag_peak_bytes(tdag_ctx *ctx, const tdag_model *model, int64_t *out)
{
    tdag_count_options o;
    TDAGI_TRY(load_options(ctx, model, out, NULL, &o));
    const tdag_graph *graph = tdag_model_get_graph(model);
    if (graph != NULL) return peak_of_graph(ctx, graph, out);
    return walk_one(ctx, model, &o, take_peak, out);
}

/* ---- the report ---- */

tdag_status tdag_info_json(tdag_ctx *ctx, const tdag_model *model,
                           const tdag_info_options *options, char **out)
{
    tdag_info_options o;
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    TDAGI_TRY(tdagi_options_load(ctx, &o, sizeof o, options));
    if (o.level == 0) o.level = TDAG_LEVEL_KERNEL;
    if (o.level > TDAG_LEVEL_FUSED)
        return tdagi_fail(ctx, TDAG_E_ARG, "there is no level number %d", (int)o.level);
    const uint32_t known = TDAG_INFO_BY_NODE | TDAG_INFO_HASH | TDAG_INFO_CONTENT_HASH;
    if (o.flags & ~known)
        return tdagi_fail(ctx, TDAG_E_ARG, "info: unknown flags 0x%x",
                          (unsigned)o.flags);
    const tdag_graph *graph = tdag_model_get_graph(model);
    const tdagi_method *method;
    if (o.method != NULL) TDAGI_TRY(find_method(ctx, model, o.method, &method));
    if (graph == NULL) return tdagi_info_program(ctx, model, &o, out);
    if (o.n_at > 0)
        return tdagi_fail(ctx, TDAG_E_ARG,
                          "info: sizes are given to programs; of a model that is one "
                          "graph the symbols are replaced");
    return tdagi_info_graph(ctx, graph, &o, out);
}
