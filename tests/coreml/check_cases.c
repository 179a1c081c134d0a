/* check_cases DIR [REGEX]: reads the packages of DIR/manifest (mil_cases.py,
 * torch_cases.py), runs them by both engines and compares with what they should give.
 * Prints each case that is refused or differs, and counts; exits with 1 where a case
 * that has to be equal is not. */
#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tdagger/coreml.h>
#include <tdagger/run.h>

#include "base/tensor.h"
#include "program/model.h"

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
    bool floats = tdag_dtype_is_float(is->dtype) && tdag_dtype_is_float(want->dtype);
    if (is->rank != want->rank || is->count != want->count ||
        (is->dtype != want->dtype && !floats))
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

/* What the calls of a case have in common. */
typedef struct running {
    tdag_ctx *ctx;
    const tdag_model *model;
    tdag_run_options o;
    double tolerance;
} running;

/* The tensor as the model's input i takes it; one reference. */
static tdag_tensor *taken(const running *r, unsigned i, tdag_tensor *t)
{
    const tdagi_method *m = tdagi_model_forward(r->model);
    tdag_tensor *out = NULL;
    tdag_dtype d = i < m->body.n_params
                       ? (tdag_dtype)tdagi_method_var(m, m->body.params[i])->dtype
                       : t->dtype;
    if (d == t->dtype || !tdag_dtype_is_float(d)) return tdag_tensor_copy(t);
    if (tdag_tensor_create(r->ctx, d, t->rank, t->shape, &out) != TDAG_OK) return NULL;
    for (int64_t k = 0; k < t->count; k++)
        tdagi_tensor_set_f64(out, k, tdagi_tensor_get_f64(t, k));
    return out;
}

/* Why one call is not as it should be; NULL: it is. */
static const char *run(const running *r, const tdag_named_tensors *io)
{
    static char text[1200];
    tdag_tensor *in[MOST], *out[MOST] = {NULL};
    unsigned n = 0, n_out = 0;
    while (n < MOST && find(io, "in", n) != NULL) {
        in[n] = taken(r, n, find(io, "in", n));
        n++;
    }
    while (find(io, "out", n_out) != NULL)
        n_out++;
    const char *why = NULL;
    if (tdag_run(r->ctx, r->model, in, n, &r->o, out) != TDAG_OK) {
        snprintf(text, sizeof text, "run: %s", tdag_ctx_get_error(r->ctx)->message);
        why = text;
    }
    for (unsigned i = 0; i < n; i++)
        tdag_tensor_free(in[i]);
    for (unsigned i = 0; i < n_out && why == NULL; i++) {
        double far = out[i] == NULL ? INFINITY : compare(out[i], find(io, "out", i));
        if (far > r->tolerance && why == NULL) {
            snprintf(text, sizeof text, "out%u differs by %g", i, far);
            why = text;
        }
    }
    for (unsigned i = 0; i < MOST; i++)
        tdag_tensor_free(out[i]);
    return why;
}

/* Calls with the tensors of all files, "A,B,...", one after the other; what a state
 * remembers goes on. */
static const char *run_all(running *r, const char *folder, const char *files)
{
    char path[1024];
    const char *why = NULL;
    tdag_state *state = NULL;
    if (tdag_state_create(r->ctx, r->model, &state) != TDAG_OK) return "no state";
    r->o.state = state;
    for (const char *p = files; *p != '\0' && why == NULL; p += *p == ',') {
        size_t n = strcspn(p, ",");
        tdag_named_tensors io;
        snprintf(path, sizeof path, "%s/%.*s", folder, (int)n, p);
        p += n;
        if (tdag_tensors_load(r->ctx, path, &io) != TDAG_OK) {
            why = "its tensors are missing";
            break;
        }
        if (find(&io, "out", 0) != NULL) why = run(r, &io);
        tdag_tensors_free(&io);
    }
    tdag_state_free(state);
    return why;
}

typedef struct row {
    const char *file, *io, *what;
    bool may_be_refused;
    double tolerance;
} row;

static void check(tdag_ctx *ctx, const char *folder, const row *k, counts *c)
{
    char path[1024];
    tdag_model *model = NULL;
    const char *why = NULL;
    snprintf(path, sizeof path, "%s/%s", folder, k->file);
    bool refused = tdag_from_coreml(ctx, path, NULL, 0, NULL, &model) != TDAG_OK;
    if (refused) why = tdag_ctx_get_error(ctx)->message;
    for (int engine = 0; engine < 2 && why == NULL; engine++) {
        running r = {.ctx = ctx, .model = model, .tolerance = k->tolerance};
        tdag_run_options_init(&r.o);
        r.o.engine = engine == 0 ? TDAG_ENGINE_NATIVE : TDAG_ENGINE_REFERENCE;
        why = run_all(&r, folder, k->io);
    }
    if (refused && k->may_be_refused)
        c->refused++;
    else if (why != NULL)
        c->failed++;
    else
        c->ok++;
    if (why != NULL)
        printf("%s %s (%s): %s\n", refused ? "refused" : "WRONG  ", k->file, k->what,
               why);
    fflush(stdout);
    tdag_model_free(model);
}

/* A line of either manifest. */
static void check_line(tdag_ctx *ctx, const char *folder, const char *line,
                       const regex_t *only, counts *c)
{
    char name[128], second[128], opset[16], fourth[16], file[160], io[1024];
    double tolerance = 0;
    int at = 0;
    if (sscanf(line, "%127s %127s %15s %15s %1023s %n", name, second, opset, fourth, io,
               &at) < 5 ||
        regexec(only, name, 0, NULL, 0) != 0)
        return;
    row r = {.file = name, .io = io, .what = second};
    if (strstr(name, ".ml") != NULL) { /* FILE KIND OPSET TOLERANCE IO */
        sscanf(fourth, "%lg", &r.tolerance);
    } else { /* NAME OPERATOR OPSET EXPECT TOLERANCE TEXT */
        sscanf(io, "%lg", &tolerance);
        snprintf(file, sizeof file, "%s.mlpackage", name);
        snprintf(io, sizeof io, "%s.io.safetensors", name);
        r = (row){file, io, line + at, strcmp(fourth, "ok") != 0, tolerance};
    }
    check(ctx, folder, &r, c);
}

int main(int argc, char **argv)
{
    char line[4096], path[1024];
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
        line[strcspn(line, "\n")] = '\0';
        check_line(ctx, argv[1], line, &only, &c);
    }
    fclose(f);
    regfree(&only);
    tdag_ctx_free(ctx);
    printf("%d cases equal, %d refused as they may be, %d not\n", c.ok, c.refused,
           c.failed);
    return c.failed > 0;
}
