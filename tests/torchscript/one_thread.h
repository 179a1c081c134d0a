/* A set-up for groups of tests that run libtorch: one thread, as tests run side by
 * side. */
#ifndef TDAG_TEST_ONE_THREAD_H
#define TDAG_TEST_ONE_THREAD_H

#include "support/test.h"
#include "torchscript/shim_load.h"

static inline int one_thread(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    const tdag_shim_api *api = NULL;
    tdag_shim_error error;
    TEST_OK(ctx, tdagi_shim_load(ctx, NULL, &api));
    tdag_ctx_free(ctx);
    return api->set_threads(1, &error);
}

#endif
