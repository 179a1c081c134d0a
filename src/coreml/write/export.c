/* tdag_to_coreml(). */
#include <tdagger/coreml.h>

#include "base/ctx.h"
#include "coreml/package/package.h"

tdag_status tdag_to_coreml(tdag_ctx *ctx, const tdag_model *model, const char *path,
                           const tdag_coreml_options *options)
{
    tdag_coreml_options o;
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    TDAGI_TRY(tdagi_need(ctx, path, "path"));
    TDAGI_TRY(tdagi_options_load(ctx, &o, sizeof(o), options));
    return tdagi_fail(ctx, TDAG_E_UNSUPPORTED, "Core ML is not written yet");
}
