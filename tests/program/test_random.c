/* Random programs: verified, printed and read back, saved and loaded, damaged.
 * TDAG_SEED chooses another first seed, TDAG_COUNT how many. */
#include "random_program.h"

#include <unistd.h>

#include <tdagger.h>
#include <tdagger/program.h>

#include "support/random_graph.h"

static char path[64];

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static tdag_model *make(tdag_ctx *ctx, uint64_t seed)
{
    tdag_model *m = NULL;
    tdag_status st = random_program(ctx, seed, &m);
    if (st == TDAG_OK) st = tdag_model_verify(ctx, m);
    if (st != TDAG_OK)
        fail_msg("seed %llu: %s", (unsigned long long)seed,
                 tdag_ctx_get_error(ctx)->message);
    return m;
}

static void check_text(tdag_ctx *ctx, const tdag_model *m, uint64_t seed)
{
    char *text = NULL, *again = NULL;
    tdag_model *back = NULL;
    TEST_OK(ctx, tdag_model_print(ctx, m, TDAG_TEXT_FULL, &text));
    if (tdag_model_parse(ctx, text, strlen(text), &back) != TDAG_OK)
        fail_msg("seed %llu: %s, byte %llu\n%s", (unsigned long long)seed,
                 tdag_ctx_get_error(ctx)->message,
                 (unsigned long long)tdag_ctx_get_error(ctx)->offset, text);
    TEST_OK(ctx, tdag_model_print(ctx, back, TDAG_TEXT_FULL, &again));
    if (!tdagi_model_equal(m, back) || strcmp(text, again) != 0)
        fail_msg("seed %llu: another model\n%s\n%s", (unsigned long long)seed, text,
                 again);
    tdag_text_free(ctx, text);
    tdag_text_free(ctx, again);
    tdag_model_free(back);
}

static void check_file(tdag_ctx *ctx, const tdag_model *m, uint64_t seed)
{
    tdag_model *back = NULL;
    if (tdag_save(ctx, m, path, NULL) != TDAG_OK ||
        tdag_load(ctx, path, NULL, &back) != TDAG_OK)
        fail_msg("seed %llu: %s", (unsigned long long)seed,
                 tdag_ctx_get_error(ctx)->message);
    if (!tdagi_model_equal(m, back))
        fail_msg("seed %llu: loaded as another model", (unsigned long long)seed);
    tdag_model_free(back);
}

static void test_there_and_back(void **state)
{
    (void)state;
    uint64_t first = number_of("TDAG_SEED", 1), n = number_of("TDAG_COUNT", 1000);
    tdag_ctx *ctx = test_ctx();
    print_message("seeds %llu to %llu\n", (unsigned long long)first,
                  (unsigned long long)(first + n - 1));
    for (uint64_t seed = first; seed < first + n; seed++) {
        tdag_model *m = make(ctx, seed), *again = make(ctx, seed);
        assert_true(tdagi_model_equal(m, again));
        check_text(ctx, m, seed);
        check_file(ctx, m, seed);
        tdag_model_free(again);
        tdag_model_free(m);
    }
    tdag_ctx_free(ctx);
}

/* ---- damage ---- */

/* What a word of a text becomes. */
static const char *const words[] = {"x",    "v3",    "0",        "9223372036854775807",
                                    "N",    "yield", "{",        "}",
                                    "loop", "=5",    "f32[N,4]", "->",
                                    ";",    ",",     "\"",       "with",
                                    "as",   "<=",    "return",   "\n"};

static size_t damage(rg_random *r, char *text, size_t n, size_t room)
{
    size_t at = (size_t)rg_in(r, 0, (int64_t)n - 1);
    const char *word = words[rg_in(r, 0, sizeof words / sizeof *words - 1)];
    size_t cut = (size_t)rg_in(r, 0, 8), length = strlen(word);
    if (cut > n - at) cut = n - at;
    if (n - cut + length > room) return n;
    memmove(text + at + length, text + at + cut, n - at - cut);
    memcpy(text + at, word, length);
    return n - cut + length;
}

/* Damaged texts are refused, or are models that hold. */
static void test_damaged_text(void **state)
{
    (void)state;
    uint64_t first = number_of("TDAG_SEED", 1);
    tdag_ctx *ctx = test_ctx();
    uint32_t n_read = 0, n_tried = 0;
    for (uint64_t seed = first; seed < first + 150; seed++) {
        tdag_model *m = make(ctx, seed);
        char *text = NULL;
        rg_random r = rg_seeded(seed);
        TEST_OK(ctx, tdag_model_print(ctx, m, TDAG_TEXT_FULL, &text));
        size_t n = strlen(text), room = n + 64;
        char *copy = malloc(room);
        assert_non_null(copy);
        for (int i = 0; i < 20; i++, n_tried++) {
            tdag_model *other = NULL;
            memcpy(copy, text, n);
            size_t size = damage(&r, copy, n, room);
            if (rg_chance(&r, 30)) size = damage(&r, copy, size, room);
            tdag_status st = tdag_model_parse(ctx, copy, size, &other);
            if (st == TDAG_OK) check_text(ctx, other, seed);
            if (st == TDAG_E_INTERNAL || st == TDAG_E_NOMEM)
                fail_msg("seed %llu: %s", (unsigned long long)seed,
                         tdag_status_text(st));
            n_read += st == TDAG_OK;
            tdag_model_free(other);
        }
        free(copy);
        tdag_text_free(ctx, text);
        tdag_model_free(m);
    }
    assert_true(n_read < n_tried);
    tdag_ctx_free(ctx);
}

static tdag_status oom_body(tdag_ctx *ctx, void *arg)
{
    const tdag_model *m = arg;
    tdag_model *back = NULL, *loaded = NULL;
    char *text = NULL;
    tdag_status st = tdag_model_verify(ctx, m);
    if (st == TDAG_OK) st = tdag_model_print(ctx, m, 0, &text);
    if (st == TDAG_OK) st = tdag_model_parse(ctx, text, strlen(text), &back);
    if (st == TDAG_OK) st = tdag_save(ctx, m, path, NULL);
    if (st == TDAG_OK) st = tdag_load(ctx, path, NULL, &loaded);
    tdag_text_free(ctx, text);
    tdag_model_free(loaded);
    tdag_model_free(back);
    return st;
}

static void test_oom(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint64_t seed = 1; seed <= 3; seed++) {
        tdag_model *m = make(ctx, seed);
        test_every_oom(oom_body, m);
        tdag_model_free(m);
    }
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_damaged_text),
        cmocka_unit_test(test_oom),
    };
    snprintf(path, sizeof path, "/tmp/tdag-random-%ld.tdag", (long)getpid());
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
