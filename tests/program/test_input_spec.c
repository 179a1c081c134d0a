/* "[NAME:]DTYPE[DIMS]" of a command line. */
#include "support/test.h"

#include <tdagger/model.h>

/* dims: "3,N=4,M" as they are to be found, -1 where a symbol has no number. */
static const struct {
    const char *text, *name;
    tdag_dtype dtype;
    uint32_t rank;
    int64_t shape[3];
    const char *symbols[3];
} good[] = {
    {"f32[]", NULL, TDAG_F32, 0, {0}, {0}},
    {"f32[3]", NULL, TDAG_F32, 1, {3}, {0}},
    {"i64[0,7]", NULL, TDAG_I64, 2, {0, 7}, {0}},
    {"f32[N=4,3,224]", NULL, TDAG_F32, 3, {4, 3, 224}, {"N"}},
    {"mask:bool[B=2,S=16]", "mask", TDAG_BOOL, 2, {2, 16}, {"B", "S"}},
    {"x.0:f16[N=1,N]", "x.0", TDAG_F16, 2, {1, -1}, {"N", "N"}},
    {"a:b:u8[_n1=5]", "a:b", TDAG_U8, 1, {5}, {"_n1"}},
    {" bf16 [ 2 , K = 3 ] ", NULL, TDAG_BF16, 2, {2, 3}, {NULL, "K"}},
    {"f64[9223372036854775807]", NULL, TDAG_F64, 1, {INT64_MAX}, {0}},
};

static void test_good(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        tdag_input_spec s;
        char *storage = NULL;
        TEST_OK(ctx, tdag_input_spec_parse(ctx, good[i].text, &s, &storage));
        bool same = s.dtype == good[i].dtype && s.rank == good[i].rank &&
                    (s.name == NULL) == (good[i].name == NULL);
        if (same && s.name != NULL) same = strcmp(s.name, good[i].name) == 0;
        for (uint32_t k = 0; same && k < s.rank; k++) {
            const char *want = good[i].symbols[k];
            same = s.shape[k] == good[i].shape[k] &&
                   (s.symbol[k] == NULL) == (want == NULL) &&
                   (want == NULL || strcmp(s.symbol[k], want) == 0);
        }
        if (!same) fail_msg("%s", good[i].text);
        tdag_input_spec_free(ctx, storage);
    }
    tdag_input_spec_free(ctx, NULL);
    tdag_ctx_free(ctx);
}

static const struct {
    const char *text;
    uint64_t offset;
    const char *word; /* of the sentence */
} bad[] = {
    {"", 0, "a dtype"},
    {"f33[1]", 0, "a dtype"},
    {"f32", 3, "'['"},
    {":f32[1]", 0, "a name"},
    {"f32[1", 5, "',' or ']'"},
    {"f32[1;2]", 5, "',' or ']'"},
    {"f32[,]", 4, "a size"},
    {"f32[-1]", 4, "a size"},
    {"f32[N=]", 6, "a size"},
    {"f32[9223372036854775808]", 4, "63 bits"},
    {"f32[1]x", 6, "the end"},
    {"f32[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", 36, "at most 16"},
};

static void test_bad(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tdag_input_spec s;
        char *storage = NULL;
        tdag_status st = tdag_input_spec_parse(ctx, bad[i].text, &s, &storage);
        const tdag_error *e = tdag_ctx_get_error(ctx);
        if (st != TDAG_E_ARG || strstr(e->message, bad[i].word) == NULL ||
            e->offset != bad[i].offset)
            fail_msg("%s: %s at %u", bad[i].text, e->message, (unsigned)e->offset);
        assert_null(storage);
    }
    tdag_ctx_free(ctx);
}

static tdag_status parse(tdag_ctx *ctx, void *text)
{
    tdag_input_spec s;
    char *storage = NULL;
    tdag_status st = tdag_input_spec_parse(ctx, text, &s, &storage);
    tdag_input_spec_free(ctx, storage);
    return st;
}

static void test_oom(void **state)
{
    (void)state;
    char text[] = "x:f32[N=4,M]";
    test_every_oom(parse, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_oom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
