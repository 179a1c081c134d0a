/* One graph read, counted and run by several threads at once, each with a context of
 * its own; build with TDAG_SANITIZE=thread to see more than the results. */
#include <pthread.h>

#include <tdagger/count.h>
#include <tdagger/run.h>

#include "support/test.h"

enum { N_THREADS = 4, N_ROUNDS = 20, N = 24 };

/* softmax-like rows of (x @ w): a contraction, element-wise kernels, reductions */
static const char text[] = "tdag 1\n"
                           "x: f32[24,24] = input\n"
                           "w: f32[24,24] = input\n"
                           "a: f32[24,24,1] = unsqueeze(x) {axes=[2]}\n"
                           "p: f32[24,24,24] = multiply(a, w)\n"
                           "s: f32[24,1,24] = reduce(p) {axes=[1], kind=sum}\n"
                           "m: f32[24,24] = squeeze(s) {axes=[1]}\n"
                           "e: f32[24,24] = exp(m)\n"
                           "t: f32[24,1] = reduce(e) {axes=[1], kind=sum}\n"
                           "r: f32[24,1] = reciprocal(t)\n"
                           "y: f32[24,24] = multiply(e, r)\n"
                           "return y\n";

typedef struct job {
    const tdag_graph *graph;
    tdag_tensor *inputs[2];
    tdag_status status;
    float row_sum; /* of the last result: 1 */
    int64_t flops;
} job;

static tdag_status run_once(tdag_ctx *ctx, job *j)
{
    tdag_tensor *y = NULL;
    tdag_counts counts;
    tdag_status st = tdag_graph_run(ctx, j->graph, j->inputs, 2, NULL, &y);
    if (st == TDAG_OK) st = tdag_count(ctx, j->graph, TDAG_LEVEL_KERNEL, &counts);
    if (st == TDAG_OK) {
        j->flops = counts.flops;
        j->row_sum = 0;
        for (int i = 0; i < N; i++)
            j->row_sum += ((const float *)tdag_tensor_get_data(y))[i];
    }
    tdag_tensor_free(y);
    return st;
}

static void *work(void *user)
{
    job *j = user;
    tdag_ctx *ctx = NULL;
    j->status = tdag_ctx_create(NULL, &ctx);
    for (int i = 0; i < N_ROUNDS && j->status == TDAG_OK; i++)
        j->status = run_once(ctx, j);
    tdag_ctx_free(ctx);
    return NULL;
}

static tdag_tensor *ramp(tdag_ctx *ctx, float step)
{
    tdag_tensor *t = NULL;
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, 2, (const int64_t[]){N, N}, &t));
    float *data = tdag_tensor_get_mutable_data(t);
    for (int i = 0; i < N * N; i++)
        data[i] = step * (float)(i % 7 - 3);
    return t;
}

static void test_threads(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_graph *graph = NULL;
    TEST_OK(ctx, tdag_graph_parse(ctx, text, strlen(text), &graph));
    tdag_tensor *x = ramp(ctx, 0.125f), *w = ramp(ctx, 0.25f);
    job jobs[N_THREADS];
    pthread_t threads[N_THREADS];
    for (int i = 0; i < N_THREADS; i++) {
        jobs[i] = (job){graph, {x, w}, TDAG_OK, 0, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &jobs[i]), 0);
    }
    for (int i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(jobs[i].status, TDAG_OK);
        assert_true(jobs[i].row_sum > 0.9999f && jobs[i].row_sum < 1.0001f);
        assert_int_equal(jobs[i].flops, jobs[0].flops);
    }
    tdag_tensor_free(x);
    tdag_tensor_free(w);
    tdag_graph_free(graph);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
