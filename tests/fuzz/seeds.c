/* The files that fuzzing begins with: seeds FOLDER writes .tdag files of small random
 * graphs over all core ops, with symbols and without. */
#include <errno.h>
#include <sys/stat.h>

#include "support/random_graph.h"

int main(int argc, char **argv)
{
    if (argc != 2 || (mkdir(argv[1], 0777) != 0 && errno != EEXIST)) return 2;
    for (uint64_t seed = 1; seed <= 120; seed++) {
        char path[4096];
        tdag_ctx *ctx = test_ctx();
        rg_options o = {.seed = seed,
                        .n_nodes = 1 + (uint32_t)(seed % 12),
                        .max_elements = 300,
                        .symbols = seed % 3 == 0};
        tdag_graph *g = rg_graph(ctx, &o);
        tdag_model *m = NULL;
        snprintf(path, sizeof path, "%s/%llu", argv[1], (unsigned long long)seed);
        if (tdag_model_create(ctx, g, &m) != TDAG_OK) return 1;
        if (tdag_save(ctx, m, path, NULL) != TDAG_OK) return 1;
        tdag_model_free(m);
        tdag_graph_free(g);
        tdag_ctx_free(ctx);
    }
    return 0;
}
