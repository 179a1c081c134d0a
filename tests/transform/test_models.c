/* Simplification of real networks: MODEL.pt with MODEL.in.safetensors (its stem in
 * argv) is imported and simplified; raising must find the same composites as before,
 * kernels must not cost more, and the values must be the same (of exact passes) or
 * close (with fold). Prints what became less. */
#include <math.h>

#include <tdagger/simplify.h>
#include <tdagger/torch.h>

#include "raise/raise.h"
#include "support/random_graph.h"

typedef struct found {
    uint32_t composites[TDAGI_N_COMPOSITES];
    int64_t flops, macs, kernels;
    uint32_t nodes;
} found;

static void find(tdag_ctx *ctx, const tdag_graph *g, found *out)
{
    tdagi_raised *r = NULL;
    tdag_counts counts;
    memset(out, 0, sizeof(*out));
    TEST_OK(ctx, tdagi_raise(ctx, g, NULL, &r));
    for (uint32_t i = 1; i <= r->n; i++)
        out->composites[r->kernels[i].composite]++;
    tdagi_raised_free(r);
    TEST_OK(ctx, tdag_count(ctx, g, TDAG_LEVEL_KERNEL, &counts));
    out->flops = counts.flops;
    out->macs = counts.macs;
    out->kernels = counts.nodes;
    out->nodes = tdag_graph_get_n_nodes(g);
}

static const char *const names[] = {
    "core",
#define TDAGI_COMPOSITE(ID, name, definition, min, max, kind, native, exporter,        \
                        coreml)                                                        \
    name,
#include "derive/composites.def"
};

static int compare_found(const found *a, const found *b, bool exact)
{
    int bad = 0;
    printf("  %s: nodes %u -> %u, kernels %lld -> %lld, MACs %lld -> %lld, FLOPs %lld "
           "-> %lld\n",
           exact ? "exact" : "fold ", a->nodes, b->nodes, (long long)a->kernels,
           (long long)b->kernels, (long long)a->macs, (long long)b->macs,
           (long long)a->flops, (long long)b->flops);
    for (uint32_t i = 1; i < TDAGI_N_COMPOSITES; i++) {
        if (a->composites[i] == b->composites[i]) continue;
        printf("    %s: %u -> %u\n", names[i], a->composites[i], b->composites[i]);
        /* Fewer where equal ones were merged or computed; never another one. */
        if (exact && b->composites[i] > a->composites[i])
            bad += printf("    a composite is found as another one\n") > 0;
    }
    if (exact && b->macs != a->macs) bad += printf("    other MACs\n") > 0;
    if (b->flops > a->flops) bad += printf("    more FLOPs\n") > 0;
    if (b->kernels > a->kernels) bad += printf("    more kernels\n") > 0;
    return bad;
}

static tdag_tensor **run(tdag_ctx *ctx, const tdag_graph *g, tdag_tensor *const *inputs)
{
    tdag_tensor **out = calloc(tdag_graph_get_n_outputs(g) + 1, sizeof(*out));
    tdag_run_options o;
    tdag_run_options_init(&o);
    TEST_OK(ctx, tdag_graph_run(ctx, g, inputs, tdag_graph_get_n_inputs(g), &o, out));
    return out;
}

/* The largest difference beside the largest element. */
static double distance(const tdag_tensor *a, const tdag_tensor *b)
{
    double most = 0, scale = 1e-30;
    for (int64_t i = 0; i < a->count; i++) {
        double x = tdagi_tensor_get_f64(a, i), y = tdagi_tensor_get_f64(b, i);
        if (isnan(x) && isnan(y)) continue;
        scale = fmax(scale, fabs(x));
        most = fmax(most, isfinite(y) ? fabs(x - y) : (x == y ? 0 : 1e30));
    }
    return most / scale;
}

static int check(tdag_ctx *ctx, const tdag_graph *g, tdag_tensor *const *inputs,
                 uint32_t passes)
{
    tdag_simplify_options o;
    tdag_simplify_options_init(&o);
    tdag_graph *simple = NULL;
    found before, after;
    int bad = 0;
    bool exact = !(passes & TDAG_PASS_FOLD);
    o.passes = passes;
    TEST_OK(ctx, tdag_graph_simplify(ctx, g, &o, &simple));
    TEST_OK(ctx, tdag_verify(ctx, simple));
    find(ctx, g, &before);
    find(ctx, simple, &after);
    bad += compare_found(&before, &after, exact);
    uint32_t n = tdag_graph_get_n_outputs(g);
    tdag_tensor **x = run(ctx, g, inputs), **y = run(ctx, simple, inputs);
    for (uint32_t i = 0; i < n; i++) {
        double d = distance(x[i], y[i]);
        printf("    output %u differs by %.2g\n", i, d);
        bad += d > (exact ? 1e-5 : 1e-4);
    }
    rg_free_tensors(x, n);
    rg_free_tensors(y, n);
    tdag_graph_free(simple);
    return bad;
}

int main(int argc, char **argv)
{
    tdag_ctx *ctx = test_ctx();
    int bad = 0;
    for (int i = 1; i < argc; i++) {
        char path[4096];
        tdag_named_tensors in = {0};
        tdag_model *model = NULL;
        tdag_input_spec specs[8];
        memset(specs, 0, sizeof(specs));
        snprintf(path, sizeof(path), "%s.in.safetensors", argv[i]);
        if (tdag_tensors_load(ctx, path, &in) != TDAG_OK) return 2;
        for (uint32_t k = 0; k < in.n && k < 8; k++) {
            specs[k].dtype = in.tensors[k]->dtype;
            specs[k].rank = in.tensors[k]->rank;
            memcpy(specs[k].shape, in.tensors[k]->shape, specs[k].rank * 8);
        }
        snprintf(path, sizeof(path), "%s.pt", argv[i]);
        if (tdag_from_torchscript(ctx, path, specs, in.n, NULL, &model) != TDAG_OK) {
            printf("%s\n", tdag_ctx_get_error(ctx)->message);
            return 2;
        }
        printf("%s\n", argv[i]);
        const tdag_graph *g = tdag_model_get_graph(model);
        bad += check(ctx, g, in.tensors, 0);
        bad += check(ctx, g, in.tensors, TDAG_PASS_EXACT | TDAG_PASS_FOLD);
        tdag_model_free(model);
        tdag_tensors_free(&in);
    }
    tdag_ctx_free(ctx);
    return bad != 0;
}
