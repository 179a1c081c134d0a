/* The native reader against PyTorch's, by the shim: every case of import_cases.py (a
 * folder in TDAG_TEST_CASES) is imported by both, at fixed sizes and with its first dim
 * free. Graphs with their names, scopes and weights are the same, what is refused is
 * refused in the same words. What is exported of them is read again. With
 * TDAG_CASES_STEP in the environment every so manieth case is. */
#include <tdagger/count.h>
#include <tdagger/program.h>
#include <tdagger/run.h>
#include <tdagger/torch.h>

#include "support/test.h"

#define MAX_INPUTS 8

typedef struct inputs {
    tdag_input_spec specs[MAX_INPUTS];
    uint32_t n;
} inputs;

typedef struct reading { /* all that a model is */
    tdag_status status;
    char message[2048];
    char *text, *json;
    const char *structures[2];
    tdag_model *model;
} reading;

static void read_model(tdag_ctx *ctx, const char *path, const inputs *in,
                       uint32_t reader, reading *out)
{
    tdag_torchscript_options o;
    tdag_info_options info;
    memset(out, 0, sizeof(*out));
    tdag_torchscript_options_init(&o);
    o.reader = reader;
    out->status = tdag_from_torchscript(ctx, path, in->specs, in->n, &o, &out->model);
    snprintf(out->message, sizeof(out->message), "%s",
             out->status == TDAG_OK ? "" : tdag_ctx_get_error(ctx)->message);
    if (out->status != TDAG_OK) return;
    tdag_info_options_init(&info);
    info.flags = TDAG_INFO_BY_NODE | TDAG_INFO_HASH | TDAG_INFO_CONTENT_HASH;
    /* Loops of a program carry a condition more or less, as the reader finds it. */
    if (tdag_model_get_graph(out->model) != NULL) {
        TEST_OK(ctx, tdag_model_print(ctx, out->model, 0, &out->text));
        TEST_OK(ctx, tdag_info_json(ctx, out->model, &info, &out->json));
    }
    out->structures[0] = tdag_model_get_input_structure(out->model);
    out->structures[1] = tdag_model_get_output_structure(out->model);
}

static void free_reading(tdag_ctx *ctx, reading *r)
{
    if (r->status != TDAG_OK) return;
    if (r->text != NULL) tdag_text_free(ctx, r->text);
    if (r->json != NULL) tdag_text_free(ctx, r->json);
    tdag_model_free(r->model);
}

/* The first line in which two texts differ is printed. */
static bool same_text(const char *name, const char *what, const char *shim,
                      const char *native)
{
    size_t line = 0, i = 0;
    if (shim == NULL || native == NULL) shim = native = shim == native ? "" : "?";
    if (strcmp(shim, native) == 0) return true;
    for (; shim[i] != '\0' && shim[i] == native[i]; i++)
        if (shim[i] == '\n') line = i + 1;
    print_error("%s: %s\n  by PyTorch %.*s\n  native     %.*s\n", name, what,
                (int)strcspn(shim + line, "\n"), shim + line,
                (int)strcspn(native + line, "\n"), native + line);
    return false;
}

/* "aten::quantile.scalar" as "aten::quantile": which overload of an operator without a
 * row is called only PyTorch knows. */
static void drop_overloads(char *text)
{
    for (char *p = text; (p = strstr(p, "aten::")) != NULL; p += strlen("aten::")) {
        char *dot = p + strcspn(p, ". ");
        if (*dot != '.') continue;
        char *end = dot + strcspn(dot, " ,:");
        memmove(dot, end, strlen(end) + 1);
    }
}

/* What takes a list apart in a trace has its place in the source, but none by PyTorch.
 */
static bool lacks_place(const char *shim, const char *native)
{
    size_t n = strlen(shim);
    return strstr(shim, "an unpacking of") != NULL && strncmp(shim, native, n) == 0 &&
           strncmp(native + n, " (", 2) == 0;
}

static bool same_error(const char *name, reading *shim, reading *native)
{
    if (strcmp(shim->message, native->message) == 0) return true;
    if (lacks_place(shim->message, native->message)) return true;
    drop_overloads(shim->message);
    drop_overloads(native->message);
    return same_text(name, "error", shim->message, native->message);
}

static bool same_structure(const char *name, const char *shim, const char *native)
{
    bool both = (shim == NULL) == (native == NULL);
    return both && (shim == NULL || same_text(name, "structure", shim, native));
}

static bool same(const char *name, reading *shim, reading *native)
{
    if (shim->status != native->status) {
        print_error("%s: status %d by PyTorch, %d natively: %s%s\n", name,
                    (int)shim->status, (int)native->status, shim->message,
                    native->message);
        return false;
    }
    if (shim->status != TDAG_OK) return same_error(name, shim, native);
    return same_text(name, "graph", shim->text, native->text) &&
           same_text(name, "counts", shim->json, native->json) &&
           same_structure(name, shim->structures[0], native->structures[0]) &&
           same_structure(name, shim->structures[1], native->structures[1]);
}

/* Its export is read with the same inputs. */
static bool returns(tdag_ctx *ctx, const char *name, const reading *r, const inputs *in)
{
    char path[4200];
    tdag_model *again = NULL;
    if (r->status != TDAG_OK) return true;
    snprintf(path, sizeof(path), "%s.again", name);
    tdag_status st = tdag_to_torchscript(ctx, r->model, path, NULL);
    if (st == TDAG_OK)
        st = tdag_from_torchscript(ctx, path, in->specs, in->n, NULL, &again);
    if (st != TDAG_OK)
        print_error("%s: its export: %s\n", name, tdag_ctx_get_error(ctx)->message);
    tdag_model_free(again);
    remove(path);
    return st == TDAG_OK;
}

static bool compare(const char *path, const inputs *in)
{
    reading shim, native;
    tdag_ctx *ctx = test_ctx();
    read_model(ctx, path, in, TDAG_TORCH_SHIM, &shim);
    read_model(ctx, path, in, TDAG_TORCH_NATIVE, &native);
    bool equal = same(path, &shim, &native) && returns(ctx, path, &native, in);
    free_reading(ctx, &shim);
    free_reading(ctx, &native);
    tdag_ctx_free(ctx);
    return equal;
}

/* Cases that must be refused have no inputs. */
static void read_inputs(const char *stem, inputs *out)
{
    char path[4200];
    tdag_named_tensors t = {0};
    tdag_ctx *ctx = test_ctx();
    *out = (inputs){.n = 1};
    out->specs[0] = (tdag_input_spec){.dtype = TDAG_F32, .rank = 2, .shape = {3, 2}};
    snprintf(path, sizeof(path), "%s.in.safetensors", stem);
    if (tdag_tensors_load(ctx, path, &t) == TDAG_OK) {
        out->n = t.n;
        assert_true(t.n <= MAX_INPUTS);
        memset(out->specs, 0, sizeof(out->specs));
        for (uint32_t i = 0; i < t.n; i++) {
            tdag_input_spec *s = &out->specs[i];
            s->dtype = tdag_tensor_get_dtype(t.tensors[i]);
            s->rank = tdag_tensor_get_rank(t.tensors[i]);
            memcpy(s->shape, tdag_tensor_get_shape(t.tensors[i]),
                   s->rank * sizeof(int64_t));
        }
    }
    tdag_tensors_free(&t);
    tdag_ctx_free(ctx);
}

static void free_first_dim(inputs *in)
{
    for (uint32_t i = 0; i < in->n; i++)
        if (in->specs[i].rank > 0 && in->specs[i].shape[0] == in->specs[0].shape[0])
            in->specs[i].symbol[0] = "N";
}

static void test_cases(void **state)
{
    (void)state;
    const char *folder = getenv("TDAG_TEST_CASES");
    char stem[4096], path[4200], line[2048], name[32];
    const char *step = getenv("TDAG_CASES_STEP");
    const uint32_t every = step == NULL ? 1 : (uint32_t)strtoul(step, NULL, 10);
    uint32_t n = 0, failed = 0, position = 0;
    assert_non_null(folder);
    assert_true(every > 0);
    snprintf(path, sizeof(path), "%s/manifest", folder);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f) != NULL) {
        inputs in;
        if (sscanf(line, "%31s", name) != 1 || position++ % every != 0) continue;
        snprintf(stem, sizeof(stem), "%s/%s", folder, name);
        snprintf(path, sizeof(path), "%s.pt", stem);
        read_inputs(stem, &in);
        failed += !compare(path, &in);
        free_first_dim(&in);
        failed += !compare(path, &in);
        n++;
    }
    fclose(f);
    print_message("%u cases\n", (unsigned)n);
    if (failed > 0) fail_msg("%u differences", (unsigned)failed);
    assert_true(n > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
