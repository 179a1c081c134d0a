/* A locale with a decimal comma, which the test support.comma_locale makes. */
#ifndef TDAG_TEST_COMMA_H
#define TDAG_TEST_COMMA_H

#include <locale.h>

#include "support/test.h"

/* Skips the test, in sight, where no such locale could be made. */
static inline void test_use_comma(void)
{
    char text[16];
    if (setlocale(LC_NUMERIC, "comma") == NULL) {
        print_message("no locale with a decimal comma: skipped\n");
        skip();
    }
    snprintf(text, sizeof(text), "%.1f", 0.5);
    assert_string_equal(text, "0,5");
}

static inline void test_use_point(void) { assert_non_null(setlocale(LC_NUMERIC, "C")); }

#endif
