/* Archives that take all they can, of the folder TDAG_TEST_CORPUS, which corpus.py
 * made: each ends with the status and sentence that stand here, within 200 MB and two
 * seconds of the processor, and leaves nothing live. Those that are only large are
 * read. */
#include <time.h>

#include <tdagger.h>

#include "support/test.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SECONDS 60
#else
#define SECONDS 2
#endif
#define MEMORY 200000000

static const struct {
    const char *name;
    tdag_status status;
    const char *sentence;
} cases[] = {
    /* deep */
    {"parentheses_200000", TDAG_E_LIMIT, "expressions are nested more than 200 deep"},
    {"brackets_200000", TDAG_E_LIMIT, "expressions are nested more than 200 deep"},
    {"signs_200000", TDAG_E_LIMIT, "expressions are nested more than 200 deep"},
    {"types_200000", TDAG_E_LIMIT, "expressions are nested more than 200 deep"},
    {"blocks", TDAG_E_LIMIT, "blocks are nested more than 200 deep"},
    {"tuples_200000", TDAG_E_LIMIT, "values nested more than 2048 levels deep"},
    {"lists_200000", TDAG_E_LIMIT, "values nested more than 2048 levels deep"},
    {"tuples_2000", TDAG_OK, ""},
    {"dots", TDAG_E_LIMIT, "a dotted name of more than 4096 bytes"},
    {"dots_of_type", TDAG_E_UNSUPPORTED, "a call of forward on 1"},
    {"dots_of_call", TDAG_E_UNSUPPORTED, "its code calls __torch__.a.a."},
    {"recursion", TDAG_E_LIMIT, "a function that calls itself has to end"},
    {"recursive_function", TDAG_E_LIMIT, "a function that calls itself has to end"},
    {"recursive_class", TDAG_E_LIMIT, "a function that calls itself has to end"},
    /* in themselves */
    {"list_in_itself", TDAG_E_FORMAT, "as if it contained itself"},
    {"module_in_itself", TDAG_E_FORMAT, "as if it contained itself"},
    {"in_itself", TDAG_E_UNSUPPORTED, "a call of forward on None"},
    {"shared_values", TDAG_E_LIMIT, "values that share values so often"},
    /* many */
    {"methods", TDAG_OK, ""},
    {"classes", TDAG_OK, ""},
    {"classes_of_modules", TDAG_OK, ""},
    {"modules_50000", TDAG_OK, ""},
    {"modules_1000000", TDAG_E_NOMEM, "the context allows 200000000 bytes"},
    {"statements", TDAG_OK, ""},
    {"names", TDAG_OK, ""},
    {"branches", TDAG_OK, ""},
    {"carried", TDAG_E_LIMIT, "a loop carries more than 63 values"},
    {"unknown", TDAG_E_UNSUPPORTED, "aten::nothing0 (code/__torch__.py:4)"},
    {"arguments", TDAG_E_UNSUPPORTED, "aten::add with arguments that no overload"},
    {"items", TDAG_OK, ""},
    {"keys", TDAG_E_LIMIT, "the import takes more than 20000000 steps"},
    {"pairs", TDAG_E_LIMIT, "the import takes more than 20000000 steps"},
    {"parameters", TDAG_OK, ""},
    {"records", TDAG_OK, ""},
    {"marks", TDAG_E_FORMAT, "more or less than one value"},
    /* long */
    {"newlines", TDAG_E_LIMIT, "would inflate to more than 1000 times its bytes"},
    {"newlines_within", TDAG_OK, ""},
    {"long_class", TDAG_E_LIMIT, "a dotted name of more than 4096 bytes"},
    /* endless, and out of range */
    {"range", TDAG_E_LIMIT, "a loop runs more than 10000 times"},
    {"integer", TDAG_E_FORMAT, "a number that does not fit 64 bits"},
    {"digits", TDAG_E_FORMAT, "a number that does not fit 64 bits"},
    {"float", TDAG_E_FORMAT, "a number beyond a double's range"},
    {"negation", TDAG_E_UNSUPPORTED, "aten::neg of -9223372036854775808"},
    /* names that collide */
    {"twice", TDAG_E_FORMAT, "code/__torch__.py has M twice"},
    {"method_twice", TDAG_E_FORMAT, "M has forward twice"},
    {"attribute_twice", TDAG_E_FORMAT, "M has w twice"},
    {"state_twice", TDAG_E_FORMAT, "__torch__.M has w twice"},
    {"argument_twice", TDAG_E_ARG, "the model takes 2 inputs, 1 was given"},
    /* bytes that are no text */
    {"zero_byte", TDAG_E_FORMAT, "the byte 0x00 is none of the language's"},
    {"zero_byte_name", TDAG_E_FORMAT, "the byte 0x00 is none of the language's"},
    {"no_utf8", TDAG_E_FORMAT, "the byte 0xff is none of the language's"},
    {"no_utf8_text", TDAG_OK, ""},
    /* tensors of more than there is */
    {"stride_0_wrapping", TDAG_E_OVERFLOW, "tensor 0 is too large"},
    {"stride_0_all", TDAG_E_LIMIT, "repeat elements to more than 256 MB"},
    {"stride_0_8gb", TDAG_E_LIMIT, "repeat elements to more than 256 MB"},
    {"stride_0_two", TDAG_E_LIMIT, "repeat elements to more than 256 MB"},
    {"stride_0_small", TDAG_OK, ""},
    {"empty", TDAG_E_SHAPE, "operands do not broadcast"},
    {"rank_100000", TDAG_E_UNSUPPORTED, "a tensor of too many axes"},
};

static tdag_status import(const char *path, test_heap *heap, char message[1024])
{
    const tdag_input_spec x = {.dtype = TDAG_F32, .rank = 1, .shape = {2}};
    tdag_ctx_options o;
    tdag_ctx *ctx = NULL;
    tdag_model *model = NULL;
    tdag_ctx_options_init(&o);
    o.allocator = (tdag_allocator){test_heap_realloc, heap};
    o.limits.max_memory = MEMORY;
    assert_int_equal(tdag_ctx_create(&o, &ctx), TDAG_OK);
    tdag_status st = tdag_from_torchscript(ctx, path, &x, 1, NULL, &model);
    snprintf(message, 1024, "%s", tdag_ctx_get_error(ctx)->message);
    tdag_model_free(model);
    tdag_ctx_free(ctx);
    return st;
}

static void test_corpus(void **state)
{
    (void)state;
    const char *folder = getenv("TDAG_TEST_CORPUS");
    assert_non_null(folder);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[4200], message[1024];
        test_heap heap = {0};
        snprintf(path, sizeof path, "%s/%s.pt", folder, cases[i].name);
        clock_t start = clock();
        tdag_status st = import(path, &heap, message);
        double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
        if (st != cases[i].status || strstr(message, cases[i].sentence) == NULL)
            fail_msg("%s: %s: %s", cases[i].name, tdag_status_text(st), message);
        if (seconds > SECONDS) fail_msg("%s: %g seconds", cases[i].name, seconds);
        if (heap.live_blocks != 0 || heap.live_bytes != 0)
            fail_msg("%s: %lld bytes are left", cases[i].name,
                     (long long)heap.live_bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_corpus)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
