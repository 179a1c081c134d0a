/* The shortest useful program: how many FLOPs does a TorchScript model take?
 * count_torchscript MODEL.pt */
#include <stdio.h>

#include <tdagger.h>

int main(int argc, char **argv)
{
    tdag_ctx *ctx = NULL;
    tdag_model *model = NULL;
    int64_t flops = 0;
    const tdag_input_spec x = {.dtype = TDAG_F32, .rank = 4, .shape = {10, 20, 30, 48}};
    if (argc != 2 || tdag_ctx_create(NULL, &ctx) != TDAG_OK) return 2;
    tdag_status st = tdag_from_torchscript(ctx, argv[1], &x, 1, NULL, &model);
    if (st == TDAG_OK) st = tdag_total_flops(ctx, model, TDAG_LEVEL_KERNEL, &flops);
    if (st == TDAG_OK)
        printf("%lld FLOPs\n", (long long)flops);
    else
        fprintf(stderr, "error: %s\n", tdag_ctx_get_error(ctx)->message);
    tdag_model_free(model);
    tdag_ctx_free(ctx);
    return st == TDAG_OK ? 0 : 3;
}
