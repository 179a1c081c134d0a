/* From PyTorch to Core ML and back: a TorchScript file becomes an .mlpackage, that is
 * read again, and TorchScript is made of it; what the three compute is compared.
 * coreml MODEL.pt OUT.mlpackage BACK.pt INPUT... ; an input is like f32[1,3,224,224] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <tdagger.h>

enum { MOST = 8 }; /* inputs, and outputs */

/* What the command line says, and random numbers for it. */
typedef struct inputs {
    uint32_t n;
    tdag_input_spec specs[MOST];
    char *storage[MOST];
    tdag_tensor *values[MOST];
} inputs;

static tdag_status fill(tdag_ctx *ctx, const tdag_input_spec *spec, tdag_tensor **out)
{
    tdag_status st = tdag_tensor_create(ctx, spec->dtype, spec->rank, spec->shape, out);
    for (int64_t i = 0; st == TDAG_OK && i < tdag_tensor_get_count(*out); i++)
        if (spec->dtype == TDAG_F32) /* others stay 0 */
            ((float *)tdag_tensor_get_mutable_data(*out))[i] =
                (float)rand() / (float)RAND_MAX - 0.5f;
    return st;
}

static tdag_status read_inputs(tdag_ctx *ctx, int n, char **texts, inputs *out)
{
    tdag_status st = TDAG_OK;
    for (int i = 0; i < n && i < MOST && st == TDAG_OK; i++) {
        st = tdag_input_spec_parse(ctx, texts[i], &out->specs[i], &out->storage[i]);
        if (st == TDAG_OK) st = fill(ctx, &out->specs[i], &out->values[i]);
        if (st == TDAG_OK) out->n++;
    }
    return st;
}

static uint32_t count_outputs(const tdag_model *model)
{
    const tdag_graph *graph = tdag_model_get_graph(model); /* NULL: a program */
    return graph == NULL ? 0 : tdag_graph_get_n_outputs(graph);
}

/* The largest |a - b| of two results, as far as they are of f32. */
static double difference(const tdag_tensor *a, const tdag_tensor *b)
{
    double most = 0;
    const float *x = tdag_tensor_get_data(a), *y = tdag_tensor_get_data(b);
    if (tdag_tensor_get_dtype(a) != TDAG_F32 || tdag_tensor_get_dtype(b) != TDAG_F32)
        return 0;
    if (tdag_tensor_get_count(a) != tdag_tensor_get_count(b)) return INFINITY;
    for (int64_t i = 0; i < tdag_tensor_get_count(a); i++)
        most = fmax(most, fabs((double)x[i] - (double)y[i]));
    return most;
}

/* Runs both and prints how far apart their results are. */
static tdag_status compare(tdag_ctx *ctx, const char *what, const tdag_model *a,
                           const tdag_model *b, const inputs *in)
{
    tdag_tensor *x[MOST] = {NULL}, *y[MOST] = {NULL};
    double most = 0;
    uint32_t n = count_outputs(a);
    if (n == 0 || n > MOST || count_outputs(b) != n) return TDAG_E_UNSUPPORTED;
    tdag_status st = tdag_run(ctx, a, in->values, in->n, NULL, x);
    if (st == TDAG_OK) st = tdag_run(ctx, b, in->values, in->n, NULL, y);
    for (uint32_t i = 0; i < n; i++) {
        if (st == TDAG_OK) most = fmax(most, difference(x[i], y[i]));
        tdag_tensor_free(x[i]);
        tdag_tensor_free(y[i]);
    }
    if (st == TDAG_OK) printf("%s: largest difference %.3g\n", what, most);
    return st;
}

static tdag_status convert(tdag_ctx *ctx, char **paths, const inputs *in)
{
    tdag_model *from = NULL, *package = NULL, *back = NULL;
    tdag_coreml_options options;
    tdag_coreml_options_init(&options);
    options.target = 17; /* iOS 17, macOS 14 */
    tdag_status st = tdag_open(ctx, paths[0], in->specs, in->n, NULL, &from);
    if (st == TDAG_OK) st = tdag_to_coreml(ctx, from, paths[1], &options);
    if (st == TDAG_OK) st = tdag_open(ctx, paths[1], NULL, 0, NULL, &package);
    if (st == TDAG_OK) st = compare(ctx, "Core ML", from, package, in);
    if (st == TDAG_OK) st = tdag_to_torchscript(ctx, package, paths[2], NULL);
    if (st == TDAG_OK) st = tdag_open(ctx, paths[2], in->specs, in->n, NULL, &back);
    if (st == TDAG_OK) st = compare(ctx, "TorchScript again", from, back, in);
    tdag_model_free(from);
    tdag_model_free(package);
    tdag_model_free(back);
    return st;
}

int main(int argc, char **argv)
{
    tdag_ctx *ctx = NULL;
    inputs in = {0};
    if (argc < 5 || argc > 4 + MOST || tdag_ctx_create(NULL, &ctx) != TDAG_OK) return 2;
    tdag_status st = read_inputs(ctx, argc - 4, argv + 4, &in);
    if (st == TDAG_OK) st = convert(ctx, argv + 1, &in);
    if (st != TDAG_OK) fprintf(stderr, "error: %s\n", tdag_ctx_get_error(ctx)->message);
    for (uint32_t i = 0; i < MOST; i++) {
        tdag_tensor_free(in.values[i]);
        tdag_input_spec_free(ctx, in.storage[i]);
    }
    tdag_ctx_free(ctx);
    return st == TDAG_OK ? 0 : 3;
}
