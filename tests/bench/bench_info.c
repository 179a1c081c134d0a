/* What importing and counting a TorchScript model costs without loading libtorch and
 * the file: the shim is loaded first, and next to every import the file is loaded alone
 * and that time taken off.
 *
 *     bench_info MODEL.pt INPUT [MILLISECONDS]
 *
 * INPUT is that of the command, as in f32[1,3,224,224]. Printed are medians of
 * processor time; the exit status is 1 if importing and counting takes longer than what
 * is given.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/ctx.h"
#include "torchscript/shim_load.h"

#include <tdagger.h>
#include <tdagger/torch.h>

#define RUNS 15

typedef struct bench {
    tdag_ctx *ctx;
    const tdag_shim_api *api;
    const char *path;
    tdag_input_spec input;
} bench;

typedef struct measure {
    double file; /* seconds, as all of them */
    double import, verify, count, report;
} measure;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds of loading the file by the shim and of dropping it. */
static tdag_status load_file(const bench *b, double *seconds_out)
{
    tdag_shim_session *session = NULL;
    const tdag_shim_value *module = NULL;
    tdag_shim_error error = {""};
    const double start = now();
    if (b->api->session_create(&session, &error) != 0 ||
        b->api->module_load(session, b->path, &module, &error) != 0) {
        fprintf(stderr, "%s\n", error.message);
        b->api->session_free(session);
        return TDAG_E_FORMAT;
    }
    b->api->session_free(session);
    *seconds_out = now() - start;
    return TDAG_OK;
}

static tdag_status measure_once(const bench *b, measure *out)
{
    tdag_model *model = NULL;
    tdag_counts counts;
    char *text = NULL;
    TDAGI_TRY(load_file(b, &out->file));
    const double t0 = now();
    TDAGI_TRY(tdag_from_torchscript(b->ctx, b->path, &b->input, 1, NULL, &model));
    const double t1 = now();
    const tdag_graph *graph = tdag_model_get_graph(model);
    tdag_status st = tdag_verify(b->ctx, graph);
    const double t2 = now();
    for (int level = TDAG_LEVEL_CORE; level <= TDAG_LEVEL_FUSED; level++)
        if (st == TDAG_OK) st = tdag_count(b->ctx, graph, (tdag_level)level, &counts);
    const double t3 = now();
    if (st == TDAG_OK) st = tdag_info_json(b->ctx, model, NULL, &text);
    const double t4 = now();
    tdag_text_free(b->ctx, text);
    tdag_model_free(model);
    out->import = t1 - t0 - out->file;
    out->verify = t2 - t1;
    out->count = t3 - t2;
    out->report = t4 - t3;
    return st;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Each figure's median over the runs; a measure is nothing but doubles. */
static tdag_status measure_all(const bench *b, measure *out)
{
    double runs[sizeof(measure) / sizeof(double)][RUNS];
    double *median = &out->file;
    for (int i = 0; i < RUNS; i++) {
        measure m = {.file = 0};
        TDAGI_TRY(measure_once(b, &m));
        for (size_t k = 0; k < sizeof(measure) / sizeof(double); k++)
            runs[k][i] = (&m.file)[k];
    }
    for (size_t k = 0; k < sizeof(measure) / sizeof(double); k++) {
        qsort(runs[k], RUNS, sizeof(double), compare);
        median[k] = runs[k][RUNS / 2];
    }
    return TDAG_OK;
}

static int report(const measure *m, double most_ms)
{
    const double total = 1e3 * (m->import + m->verify + m->count);
    printf("file %.1f ms (not counted)\nimport %.1f ms\nverify %.1f ms\n"
           "count at three levels %.1f ms\nimport, verify and count %.1f ms\n"
           "report of tdag info, which counts anew, %.1f ms\n",
           1e3 * m->file, 1e3 * m->import, 1e3 * m->verify, 1e3 * m->count, total,
           1e3 * m->report);
    if (most_ms <= 0 || total <= most_ms) return 0;
    printf("that is more than %.0f ms\n", most_ms);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: bench_info MODEL.pt INPUT [MILLISECONDS]\n");
        return 2;
    }
    bench b = {.path = argv[1]};
    char *storage = NULL;
    measure all = {.file = 0};
    tdag_status st = tdag_ctx_create(NULL, &b.ctx);
    if (st == TDAG_OK) st = tdag_input_spec_parse(b.ctx, argv[2], &b.input, &storage);
    if (st == TDAG_OK) st = tdagi_shim_load(b.ctx, NULL, &b.api);
    if (st == TDAG_OK) st = measure_all(&b, &all);
    if (st != TDAG_OK && b.ctx != NULL)
        fprintf(stderr, "%s\n", tdag_ctx_get_error(b.ctx)->message);
    tdag_input_spec_free(b.ctx, storage);
    tdag_ctx_free(b.ctx);
    return st == TDAG_OK ? report(&all, argc > 3 ? strtod(argv[3], NULL) : 0) : 1;
}
