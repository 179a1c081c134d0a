/* What the tests of the shim share: a loaded shim, a session, the files that
 * make_shim_models.py wrote to TDAG_TEST_MODELS, and checks that show PyTorch's
 * sentence. */
#ifndef TEST_SHIM_FIXTURE_H
#define TEST_SHIM_FIXTURE_H

#include <stdlib.h>

#include "support/test.h"
#include "torchscript/shim_load.h"

typedef struct fixture {
    tdag_ctx *ctx;
    const tdag_shim_api *api;
    tdag_shim_session *session;
    tdag_shim_error error;
} fixture;

static fixture fx;

#define SHIM_OK(expression)                                                            \
    do {                                                                               \
        if ((expression) != 0) fail_msg("%s: %s", #expression, fx.error.message);      \
    } while (0)
#define SHIM_FAILS(expression, words)                                                  \
    do {                                                                               \
        assert_int_equal(expression, -1);                                              \
        if (strstr(fx.error.message, words) == NULL || strchr(fx.error.message, '\n')) \
            fail_msg("%s: '%s' lacks '%s'", #expression, fx.error.message, words);     \
    } while (0)

static inline int setup(void **state)
{
    (void)state;
    fx.ctx = test_ctx();
    TEST_OK(fx.ctx, tdagi_shim_load(fx.ctx, NULL, &fx.api));
    /* LeakSanitizer crashes on the TLS of threads that a dlopened OpenMP started. */
    SHIM_OK(fx.api->set_threads(1, &fx.error));
    SHIM_OK(fx.api->session_create(&fx.session, &fx.error));
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    fx.api->session_free(fx.session);
    tdag_ctx_free(fx.ctx);
    return 0;
}

static inline const char *model_path(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", getenv("TDAG_TEST_MODELS"), name);
    return path;
}

static inline const tdag_shim_value *load(const char *name)
{
    const tdag_shim_value *module = NULL;
    SHIM_OK(fx.api->module_load(fx.session, model_path(name), &module, &fx.error));
    return module;
}

static inline const tdag_shim_value *attr(const tdag_shim_value *object,
                                          const char *name)
{
    const tdag_shim_value *value = fx.api->object_attr(fx.session, object, name);
    if (value == NULL) fail_msg("no attribute %s", name);
    return value;
}

static inline tdag_shim_tensor tensor(const tdag_shim_value *value)
{
    tdag_shim_tensor t;
    SHIM_OK(fx.api->tensor_get(value, &t, &fx.error));
    return t;
}

static inline const tdag_shim_value *floats(uint32_t rank, const int64_t *sizes,
                                            const float *data)
{
    const tdag_shim_tensor_spec spec = {
        .dtype = TDAG_F32, .rank = rank, .sizes = sizes, .data = data};
    const tdag_shim_value *value = NULL;
    SHIM_OK(fx.api->make_tensor(fx.session, &spec, &value, &fx.error));
    return value;
}

static inline const tdag_shim_value *run(const tdag_shim_value *module,
                                         const char *method, const tdag_shim_value *x)
{
    const tdag_shim_value *y = NULL;
    SHIM_OK(fx.api->method_run(fx.session, module, method, 1, &x, NULL, &y, &fx.error));
    return y;
}

#endif
