/* A library that is built without Core ML. */
#include <tdagger/coreml.h>

#include "base/ctx.h"

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

tdag_status tdag_to_coreml(tdag_ctx *ctx, const tdag_model *model, const char *path,
                           const tdag_coreml_options *options)
{
    (void)options;
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    TDAGI_TRY(tdagi_need(ctx, path, "path"));
    return refuse(ctx);
}
