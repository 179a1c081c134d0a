/* A library that is built without Core ML. */
#include <tdagger/coreml.h>

#include "base/ctx.h"
#include "coreml/file.h"

static tdag_status refuse(tdag_ctx *ctx)
{
    return tdagi_fail(ctx, TDAG_E_UNSUPPORTED,
                      "this libtdagger was built without Core ML (TDAG_COREML)");
}

tdag_status tdag_from_coreml(tdag_ctx *ctx, const char *path,
                             const tdag_input_spec *inputs, uint32_t n_inputs,
                             const tdag_coreml_options *options, tdag_model **out)
{
    (void)options;
    TDAGI_TRY(tdagi_need(ctx, path, "path"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    if (n_inputs > 0) TDAGI_TRY(tdagi_need(ctx, inputs, "inputs"));
    return refuse(ctx);
}

bool tdagi_coreml_is_folder(const char *path)
{
    (void)path;
    return false;
}

bool tdagi_coreml_is_model(const unsigned char *p, size_t n)
{
    (void)p;
    (void)n;
    return false;
}

tdag_status tdagi_coreml_open(tdag_ctx *ctx, const tdagi_mapping *mapping,
                              const char *what, const tdag_input_spec *inputs,
                              uint32_t n_inputs, const tdag_coreml_options *options,
                              tdag_model **out)
{
    (void)mapping;
    return tdag_from_coreml(ctx, what, inputs, n_inputs, options, out);
}

tdag_status tdag_to_coreml(tdag_ctx *ctx, const tdag_model *model, const char *path,
                           const tdag_coreml_options *options)
{
    (void)options;
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    TDAGI_TRY(tdagi_need(ctx, path, "path"));
    return refuse(ctx);
}
