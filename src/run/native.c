/* The native engine. */
#include "run/run.h"

tdag_status tdagi_run_native(tdag_ctx *ctx, const tdag_graph *g,
                             tdag_tensor *const *inputs, tdag_tensor **outputs)
{
    return tdagi_run_reference(ctx, g, inputs, outputs);
}
