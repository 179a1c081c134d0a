/* Models of textual graphs, and the one file of a test that writes models. */
#ifndef TEST_MODEL_H
#define TEST_MODEL_H

#include <unistd.h>

#include <tdagger/model.h>

#include "support/test.h"

static inline tdag_model *test_model(tdag_ctx *ctx, const char *text)
{
    tdag_graph *graph = NULL;
    tdag_model *model = NULL;
    TEST_OK(ctx, tdag_graph_parse(ctx, text, strlen(text), &graph));
    TEST_OK(ctx, tdag_model_create(ctx, graph, &model));
    tdag_graph_free(graph);
    return model;
}

/* A folder of its own, and the file in it; fixtures of a group. */
static char test_folder[64], test_path[96];

static inline int test_folder_make(void **state)
{
    (void)state;
    strcpy(test_folder, "/tmp/tdag-test-XXXXXX");
    if (mkdtemp(test_folder) == NULL) return -1;
    snprintf(test_path, sizeof test_path, "%s/net", test_folder);
    return 0;
}

/* Fails where anything but the file was left there. */
static inline int test_folder_remove(void **state)
{
    (void)state;
    unlink(test_path);
    return rmdir(test_folder);
}

#endif
