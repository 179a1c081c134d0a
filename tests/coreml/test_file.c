/* Files of Core ML told apart from others by their content. */
#include <tdagger.h>

#include "coreml/file.h"
#include "coreml/made.h"
#include "support/test.h"

#define BYTES(s) s, sizeof(s) - 1

/* ---- bytes ---- */

static const struct {
    const char *name, *bytes;
    size_t size;
    bool is;
} models[] = {
    {"program", BYTES("\x08\x07\x12\x00\xb2\x1f\x00"), true},
    {"network", BYTES("\x08\x04\x12\x02\x0a\x00\x50\x01\xa2\x1f\x00"), true},
    {"no description", BYTES("\x08\x01\xb2\x1f\x05"), true},
    {"cut in its program", BYTES("\x08\x07\x12\x00\xb2\x1f\x7f\x00"), true},
    {"cut in its description", BYTES("\x08\x07\x12\x05\x0a"), false},
    {"nothing in it", BYTES("\x08\x07\x12\x00"), false},
    {"no version", BYTES("\x12\x00\xb2\x1f\x00"), false},
    {"another field", BYTES("\x08\x07\x1a\x00\xb2\x1f\x00"), false},
    {"a number as a model", BYTES("\x08\x07\xb0\x1f\x00"), false},
    {"onnx", BYTES("\x08\x07\x12\x07pytorch\x1a\x00\x3a\x00"), false},
    {"empty", BYTES(""), false},
    {"no end", BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), false},
};

static void test_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(models) / sizeof(*models); i++)
        if (tdagi_coreml_is_model((const unsigned char *)models[i].bytes,
                                  models[i].size) != models[i].is)
            fail_msg("%s", models[i].name);
}

/* ---- kinds ---- */

static void test_kinds(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_file_kind kind = TDAG_FILE_UNKNOWN;
    tdag_model *model = NULL;
    made_text("p.mlpackage/Manifest.json", "{}");
    made_file("bare", models[0].bytes, models[0].size);
    made_text("c.mlmodelc/coremldata.bin", "");
    made_text("folder/file", "");
    made_text("empty.mlpackage/file", "");
    static const char *const are[] = {"p.mlpackage", "bare", "c.mlmodelc"};
    for (size_t i = 0; i < sizeof(are) / sizeof(*are); i++) {
        kind = TDAG_FILE_UNKNOWN;
        TEST_OK(ctx, tdag_file_get_kind(ctx, made_path(are[i]), &kind));
        assert_int_equal(kind, TDAG_FILE_COREML);
    }
    assert_int_equal(tdag_file_get_kind(ctx, made_path("folder"), &kind), TDAG_E_IO);
    assert_int_equal(tdag_file_get_kind(ctx, made_path("empty.mlpackage"), &kind),
                     TDAG_E_IO);
    assert_int_equal(tdag_open(ctx, made_path("p.mlpackage"), NULL, 0, NULL, &model),
                     TDAG_E_FORMAT);
    assert_int_equal(tdag_open(ctx, made_path("c.mlmodelc"), NULL, 0, NULL, &model),
                     TDAG_E_UNSUPPORTED);
    assert_non_null(strstr(tdag_ctx_get_error(ctx)->message, "compiled"));
    assert_null(model);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, made_remove);
}
