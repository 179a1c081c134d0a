/* f16 and bf16: every one of them, and rounding checked against a search among them. */
#include "base/half.h"

#include <math.h>

#include "support/test.h"

typedef struct format {
    const char *name;
    int exponent_bits, mantissa_bits;
    float (*widen)(uint16_t h);
    uint16_t (*from_f32)(float f);
    uint16_t (*from_f64)(double d);
} format;

static const format formats[2] = {
    {"f16", 5, 10, tdagi_f16_to_f32, tdagi_f32_to_f16, tdagi_f64_to_f16},
    {"bf16", 8, 7, tdagi_bf16_to_f32, tdagi_f32_to_bf16, tdagi_f64_to_bf16},
};

/* The value by its definition. */
static double value_of(const format *f, uint16_t h)
{
    int top = (1 << f->exponent_bits) - 1, bias = top / 2;
    int exponent = h >> f->mantissa_bits & top;
    int mantissa = h & ((1 << f->mantissa_bits) - 1);
    double sign = h & 0x8000 ? -1.0 : 1.0;
    if (exponent == top) return mantissa != 0 ? (double)NAN : sign * (double)INFINITY;
    int one = exponent == 0 ? 0 : 1 << f->mantissa_bits;
    int scale = (exponent == 0 ? 1 : exponent) - bias - f->mantissa_bits;
    return sign * ldexp(mantissa + one, scale);
}

static void test_every_value(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++)
        for (uint32_t i = 0; i < 65536; i++) {
            const format *f = &formats[k];
            uint16_t h = (uint16_t)i;
            double want = value_of(f, h);
            float got = f->widen(h);
            if (isnan(want)) {
                assert_true(isnan(got));
                assert_true(isnan(f->widen(f->from_f32(got))));
                assert_int_equal(f->from_f32(got) & 0x8000, h & 0x8000);
                assert_true(isnan(f->widen(f->from_f64((double)got))));
                continue;
            }
            assert_true((double)got == want && !signbit(got) == !signbit(want));
            assert_int_equal(f->from_f32(got), h);
            assert_int_equal(f->from_f64(want), h);
        }
}

/* Between each two neighbours: the lower half goes down, the upper half up, the middle
 * to the even one; also where a value of f32 is not fine enough to say so. */
static void test_rounding(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        const format *f = &formats[k];
        uint16_t infinity =
            (uint16_t)(((1 << f->exponent_bits) - 1) << f->mantissa_bits);
        for (uint16_t h = 0; h < infinity; h++) {
            uint16_t up = (uint16_t)(h + 1), even = h % 2 == 0 ? h : up;
            double low = value_of(f, h);
            double step = low - value_of(f, h == 0 ? 0 : (uint16_t)(h - 1));
            double high = up == infinity ? low + step : value_of(f, up);
            double middle = low + (high - low) / 2;
            assert_int_equal(f->from_f64(middle), even);
            assert_int_equal(f->from_f64(-middle), even | 0x8000);
            assert_int_equal(f->from_f64(nextafter(middle, 0)), h);
            assert_int_equal(f->from_f64(nextafter(middle, (double)INFINITY)), up);
            assert_int_equal(f->from_f32((float)middle), even);
            if ((double)(float)middle != middle) continue;
            assert_int_equal(f->from_f32(nextafterf((float)middle, 0)), h);
            assert_int_equal(f->from_f32(nextafterf((float)middle, (float)INFINITY)),
                             up);
        }
    }
}

static void test_extremes(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        const format *f = &formats[k];
        uint16_t infinity =
            (uint16_t)(((1 << f->exponent_bits) - 1) << f->mantissa_bits);
        assert_int_equal(f->from_f64((double)INFINITY), infinity);
        assert_int_equal(f->from_f64(-(double)INFINITY), infinity | 0x8000);
        assert_int_equal(f->from_f64(1e300), infinity);
        assert_int_equal(f->from_f32(3.4028235e38f), infinity);
        assert_int_equal(f->from_f64(1e-300), 0);
        assert_int_equal(f->from_f64(-1e-320), 0x8000);
        assert_int_equal(f->from_f32(-0.0f), 0x8000);
        assert_true(isnan(f->widen(f->from_f64((double)NAN))));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_value),
        cmocka_unit_test(test_rounding),
        cmocka_unit_test(test_extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
