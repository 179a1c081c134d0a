/* check_cases DIR [REGEX]: reads the packages of DIR/manifest (mil_cases.py), runs them
 * by both engines and compares with what they should give. Prints each case that is
 * refused or differs, and counts; exits with 1 where a case that has to be equal is
 * not. */
#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tdagger/coreml.h>
#include <tdagger/run.h>

#include "base/tensor.h"

enum { MOST = 64 };

typedef struct counts {
    int ok, refused, failed;
} counts;

static tdag_tensor *find(const tdag_named_tensors *io, const char *prefix, unsigned i)
{
    char name[32];
    snprintf(name, sizeof name, "%s%u", prefix, i);
    for (uint32_t k = 0; k < io->n; k++)
        if (strcmp(io->names[k], name) == 0) return io->tensors[k];
    return NULL;
}

/* The largest difference relative to the largest element; infinite where types differ.
 */
static double compare(const tdag_tensor *is, const tdag_tensor *want)
{
    double far = 0, most = 0;
    if (is->rank != want->rank || is->count != want->count || is->dtype != want->dtype)
        return INFINITY;
    for (uint32_t i = 0; i < is->rank; i++)
        if (is->shape[i] != want->shape[i]) return INFINITY;
    for (int64_t i = 0; i < is->count; i++) {
        double a = tdagi_tensor_get_f64(is, i), b = tdagi_tensor_get_f64(want, i);
        if (isfinite(b) && fabs(b) > most) most = fabs(b);
        if (a == b || (isnan(a) && isnan(b))) continue;
        double d = fabs(a - b);
        if (!(d <= far)) far = isnan(d) ? INFINITY : d;
    }
    return far == 0 ? 0 : far / (most > 0 ? most : 1);
}

static const char *run(tdag_ctx *ctx, const tdag_model *model,
                       const tdag_named_tensors *io, tdag_engine engine,
                       double tolerance)
{
    static char text[1200];
    tdag_tensor *in[MOST], *out[MOST] = {NULL};
    unsigned n = 0, n_out = 0;
    while (n < MOST && (in[n] = find(io, "in", n)) != NULL)
        n++;
    while (find(io, "out", n_out) != NULL)
        n_out++;
    tdag_run_options o;
    tdag_run_options_init(&o);
    o.engine = engine;
    if (tdag_run(ctx, model, in, n, &o, out) != TDAG_OK) {
        snprintf(text, sizeof text, "run: %s", tdag_ctx_get_error(ctx)->message);
        return text;
    }
    const char *why = NULL;
    for (unsigned i = 0; i < n_out; i++) {
        double far = out[i] == NULL ? INFINITY : compare(out[i], find(io, "out", i));
        if (far > tolerance && why == NULL) {
            snprintf(text, sizeof text, "out%u differs by %g", i, far);
            why = text;
        }
    }
    for (unsigned i = 0; i < MOST; i++)
        tdag_tensor_free(out[i]);
    return why;
}

static void check(tdag_ctx *ctx, const char *folder, const char *name,
                  const char *expect, double tolerance, const char *what, counts *c)
{
    char path[1024];
    tdag_named_tensors io;
    tdag_model *model = NULL;
    snprintf(path, sizeof path, "%s/%s.io.safetensors", folder, name);
    if (tdag_tensors_load(ctx, path, &io) != TDAG_OK) {
        printf("%s: %s\n", name, tdag_ctx_get_error(ctx)->message);
        c->failed++;
        return;
    }
    snprintf(path, sizeof path, "%s/%s.mlpackage", folder, name);
    const char *why = NULL;
    bool refused = tdag_from_coreml(ctx, path, NULL, 0, NULL, &model) != TDAG_OK;
    if (refused) why = tdag_ctx_get_error(ctx)->message;
    bool compares = find(&io, "out", 0) != NULL;
    if (!refused && compares)
        why = run(ctx, model, &io, TDAG_ENGINE_REFERENCE, tolerance);
    if (!refused && compares && why == NULL)
        why = run(ctx, model, &io, TDAG_ENGINE_NATIVE, tolerance);
    if (refused && strcmp(expect, "ok") != 0)
        c->refused++;
    else if (why != NULL)
        c->failed++;
    else
        c->ok++;
    if (why != NULL)
        printf("%s %s (%s): %s\n", refused ? "refused" : "WRONG  ", name, what, why);
    tdag_model_free(model);
    tdag_tensors_free(&io);
}

int main(int argc, char **argv)
{
    char line[4096], path[1024], name[128], op[128], opset[16], expect[16];
    double tolerance;
    counts c = {0, 0, 0};
    tdag_ctx *ctx = NULL;
    regex_t only;
    if (argc < 2 || tdag_ctx_create(NULL, &ctx) != TDAG_OK) return 2;
    if (regcomp(&only, argc > 2 ? argv[2] : "", REG_EXTENDED | REG_NOSUB) != 0)
        return 2;
    snprintf(path, sizeof path, "%s/manifest", argv[1]);
    FILE *f = fopen(path, "r");
    if (f == NULL) return 2;
    while (fgets(line, sizeof line, f) != NULL) {
        int at = 0;
        line[strcspn(line, "\n")] = '\0';
        if (sscanf(line, "%127s %127s %15s %15s %lg %n", name, op, opset, expect,
                   &tolerance, &at) == 5 &&
            regexec(&only, name, 0, NULL, 0) == 0)
            check(ctx, argv[1], name, expect, tolerance, line + at, &c);
    }
    fclose(f);
    regfree(&only);
    tdag_ctx_free(ctx);
    printf("%d cases equal, %d refused as they may be, %d not\n", c.ok, c.refused,
           c.failed);
    return c.failed > 0;
}
