/* Tensors in and out of a safetensors file: tensor_file FILE. What is read is the
 * mapped file, not a copy of it. */
#include <stdio.h>

#include <tdagger.h>

static tdag_status write_file(tdag_ctx *ctx, const char *path)
{
    static float rows[2][3] = {{1, 2, 3}, {4, 5, 6}};
    tdag_tensor *tensors[2] = {NULL, NULL};
    char *names[2] = {"rows", "count"};
    /* Elements that live elsewhere are lent; NULL: nothing to call when they are done.
     */
    tdag_status st = tdag_tensor_wrap(ctx, TDAG_F32, 2, (const int64_t[]){2, 3}, rows,
                                      NULL, NULL, &tensors[0]);
    if (st == TDAG_OK) st = tdag_tensor_create(ctx, TDAG_I64, 0, NULL, &tensors[1]);
    if (st == TDAG_OK) {
        *(int64_t *)tdag_tensor_get_mutable_data(tensors[1]) = 2;
        tdag_named_tensors all = {.n = 2, .names = names, .tensors = tensors};
        st = tdag_tensors_save(ctx, path, &all);
    }
    tdag_tensor_free(tensors[0]);
    tdag_tensor_free(tensors[1]);
    return st;
}

static tdag_status read_file(tdag_ctx *ctx, const char *path)
{
    tdag_named_tensors all;
    tdag_status st = tdag_tensors_load(ctx, path, &all);
    if (st != TDAG_OK) return st;
    for (uint32_t i = 0; i < all.n; i++) {
        const tdag_tensor *t = all.tensors[i];
        printf("%s: %s, %u axes, %lld elements, %zu bytes\n", all.names[i],
               tdag_dtype_name(tdag_tensor_get_dtype(t)),
               (unsigned)tdag_tensor_get_rank(t), (long long)tdag_tensor_get_count(t),
               tdag_tensor_get_size(t));
    }
    tdag_tensors_free(&all);
    return TDAG_OK;
}

int main(int argc, char **argv)
{
    tdag_ctx *ctx = NULL;
    if (argc != 2 || tdag_ctx_create(NULL, &ctx) != TDAG_OK) return 2;
    tdag_status st = write_file(ctx, argv[1]);
    if (st == TDAG_OK) st = read_file(ctx, argv[1]);
    if (st != TDAG_OK) fprintf(stderr, "error: %s\n", tdag_ctx_get_error(ctx)->message);
    tdag_ctx_free(ctx);
    return st == TDAG_OK ? 0 : 3;
}
