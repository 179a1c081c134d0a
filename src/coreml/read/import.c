/* tdag_from_coreml(). */
#include "coreml/coreml.h"

tdag_status tdagi_coreml_read(tdagi_package *package, const tdag_input_spec *inputs,
                              uint32_t n_inputs, const tdag_coreml_options *options,
                              tdag_model **out)
{
    (void)inputs;
    (void)n_inputs;
    (void)options;
    (void)out;
    return tdagi_fail(package->ctx, TDAG_E_UNSUPPORTED, "%s is a Core ML package",
                      package->what);
}

tdag_status tdag_from_coreml(tdag_ctx *ctx, const char *path,
                             const tdag_input_spec *inputs, uint32_t n_inputs,
                             const tdag_coreml_options *options, tdag_model **out)
{
    tdag_coreml_options o;
    tdagi_package package;
    TDAGI_TRY(tdagi_need(ctx, path, "path"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    if (n_inputs > 0) TDAGI_TRY(tdagi_need(ctx, inputs, "inputs"));
    TDAGI_TRY(tdagi_options_load(ctx, &o, sizeof(o), options));
    TDAGI_TRY(tdagi_package_open(ctx, path, &package));
    tdag_status st = tdagi_coreml_read(&package, inputs, n_inputs, &o, out);
    tdagi_package_close(&package);
    return st;
}
