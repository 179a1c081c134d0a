/* Reading packages: see package.h. */
#include "coreml/package/package.h"

bool tdagi_package_is(const char *path)
{
    (void)path;
    return false;
}

tdag_status tdagi_package_open(tdag_ctx *ctx, const char *path, tdagi_package *out)
{
    *out = (tdagi_package){.ctx = ctx, .what = path};
    return tdagi_fail(ctx, TDAG_E_UNSUPPORTED, "%s is a Core ML package", path);
}

void tdagi_package_close(tdagi_package *p) { tdagi_arena_free(&p->arena); }
