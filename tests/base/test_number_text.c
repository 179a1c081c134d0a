/* Numbers as text and back, in the C locale and in one with a decimal comma. */
#include <math.h>

#include "base/number_text.h"
#include "support/comma.h"

static const struct {
    double value;
    const char *three, *fixed, *literal; /* 3 digits; 1 decimal */
} rows[] = {
    {0, "0", "0.0", "0."},
    {-0.0, "-0", "-0.0", "-0."},
    {1, "1", "1.0", "1."},
    {-2.5, "-2.5", "-2.5", "-2.5"},
    {0.1, "0.1", "0.1", "0.1"},
    {1234567, "1.23e+06", "1234567.0", "1234567."},
    {1e6, "1e+06", "1000000.0", "1e+06"},
    {1.0 / 3, "0.333", "0.3", "0.3333333333333333"},
    {0.1 + 0.2, "0.3", "0.3", "0.30000000000000004"},
    {1e-9, "1e-09", "0.0", "1e-09"},
    {1.5e300, "1.5e+300", "1.5000000000000001e+300", "1.5e+300"},
    {0x1.fffffffffffffp1023, "1.8e+308", "1.7976931348623157e+308",
     "1.7976931348623157e+308"},
    {INFINITY, "inf", "inf", "inf"},
    {-INFINITY, "-inf", "-inf", "-inf"},
    {NAN, "nan", "nan", "nan"},
};

static void check_rows(void)
{
    char text[TDAGI_NUMBER_TEXT_SIZE];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        double back = 0;
        tdagi_f64_text(rows[i].value, 3, text);
        assert_string_equal(text, rows[i].three);
        tdagi_f64_fixed(rows[i].value, 1, text);
        assert_string_equal(text, rows[i].fixed);
        tdagi_f64_literal(rows[i].value, text);
        assert_string_equal(text, rows[i].literal);
        assert_true(tdagi_f64_parse(text, strlen(text), &back));
        if (isnan(rows[i].value))
            assert_true(isnan(back));
        else
            assert_memory_equal(&back, &rows[i].value, sizeof(back));
    }
}

static void check_random(void)
{
    uint64_t state = 1;
    for (int i = 0; i < 100000; i++) {
        double value, back = 0;
        char text[TDAGI_NUMBER_TEXT_SIZE];
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint64_t bits = state ^ (state >> 31);
        memcpy(&value, &bits, sizeof(value));
        if (!isfinite(value)) continue;
        tdagi_f64_literal(value, text);
        assert_null(strchr(text, ','));
        assert_true(tdagi_f64_parse(text, strlen(text), &back));
        assert_memory_equal(&back, &value, sizeof(back));
    }
}

static void check_rounded(void)
{
    assert_true(tdagi_f64_rounded(0.123456, 2) == 0.12);
    assert_true(tdagi_f64_rounded(-987654, 1) == -1e6);
    assert_true(tdagi_f64_rounded(0x1.fffffffffffffp1023, 1) == INFINITY);
    assert_true(tdagi_f64_rounded(-0x1.fffffffffffffp1023, 1) == -INFINITY);
    assert_true(isnan(tdagi_f64_rounded(NAN, 3)));
}

static void check_refused(void)
{
    static const char *const bad[] = {"",    ".",     "1,5", "1.5 ",  " 1",      "1e",
                                      "0x1", "1e999", "--1", "1.2.3", "infinity"};
    double unused;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (tdagi_f64_parse(bad[i], strlen(bad[i]), &unused))
            fail_msg("'%s' is read", bad[i]);
}

static void test_point(void **state)
{
    (void)state;
    check_rows();
    check_random();
    check_rounded();
    check_refused();
}

static void test_comma(void **state)
{
    test_use_comma();
    test_point(state);
    test_use_point();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_point),
                                       cmocka_unit_test(test_comma)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
