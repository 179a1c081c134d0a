/* SHA-256: the examples of the standard, and long messages, which a processor may have
 * instructions for, against the same in pieces, which it has not. */
#include "base/sha256.h"
#include "support/random_graph.h"
#include "support/test.h"

static void check(const char *message, size_t times, const char *want)
{
    tdagi_sha256 h;
    char digest[65];
    tdagi_sha256_init(&h);
    for (size_t i = 0; i < times; i++)
        tdagi_sha256_add(&h, message, strlen(message));
    tdagi_sha256_finish(&h, digest);
    assert_string_equal(digest, want);
}

/* FIPS 180-2, appendix B, and the empty message. */
static void test_standard(void **state)
{
    (void)state;
    check("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    check("a", 1000000,
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void test_pieces(void **state)
{
    (void)state;
    enum { MOST = 200000 };
    unsigned char *bytes = malloc(MOST);
    assert_non_null(bytes);
    rg_random r = rg_seeded(20261130);
    for (size_t i = 0; i < MOST; i++)
        bytes[i] = (unsigned char)rg_bits(&r);
    for (int round = 0; round < 50; round++) {
        tdagi_sha256 whole, parts;
        char a[65], b[65];
        size_t n = (size_t)rg_in(&r, 0, MOST);
        tdagi_sha256_init(&whole);
        tdagi_sha256_init(&parts);
        tdagi_sha256_add(&whole, bytes, n);
        for (size_t done = 0, step; done < n; done += step) {
            step = (size_t)rg_in(&r, 0, 3000);
            step = step < n - done ? step : n - done;
            tdagi_sha256_add(&parts, bytes + done, step);
        }
        tdagi_sha256_finish(&whole, a);
        tdagi_sha256_finish(&parts, b);
        assert_string_equal(a, b);
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_standard),
        cmocka_unit_test(test_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
