/* SHA-256 as the standard (FIPS 180-4) has it, block by block; many blocks at once by
 * the processor's own instructions, where it has such. */
#include "base/sha256.h"

#include <stdbool.h>
#include <string.h>

static const uint32_t rounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
    0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
    0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
    0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
    0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
    0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
    0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2,
};

static uint32_t rotate(uint32_t x, unsigned n) { return x >> n | x << (32 - n); }

static inline uint32_t mixed(uint32_t x, unsigned a, unsigned b, unsigned c)
{
    return rotate(x, a) ^ rotate(x, b) ^ rotate(x, c);
}

static void add_block(uint32_t state[8], const unsigned char *p)
{
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++, p += 4)
        w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    for (int i = 16; i < 64; i++)
        w[i] = w[i - 16] +
               (rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3) +
               w[i - 7] +
               (rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10);
    memcpy(s, state, sizeof s);
    for (int i = 0; i < 64; i++) {
        uint32_t a = s[0], e = s[4];
        uint32_t t =
            s[7] + mixed(e, 6, 11, 25) + ((e & s[5]) ^ (~e & s[6])) + rounds[i] + w[i];
        uint32_t u = mixed(a, 2, 13, 22) + ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
        s[7] = s[6], s[6] = s[5], s[5] = e, s[4] = s[3] + t;
        s[3] = s[2], s[2] = s[1], s[1] = a, s[0] = t + u;
    }
    for (int i = 0; i < 8; i++)
        state[i] += s[i];
}

/* ---- with the instructions that x86-64 processors have for it ---- */

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
#include <immintrin.h>

static bool has_instructions(void)
{
    unsigned a, b, c, d;
    bool shuffles = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_1) != 0;
    return shuffles && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA) != 0;
}

/* The words t to t + 3 from the 16 before them, four in a register; oldest first. */
__attribute__((target("sha,sse4.1"))) static inline __m128i
next_words(__m128i w0, __m128i w1, __m128i w2, __m128i w3)
{
    __m128i sum =
        _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));
    return _mm_sha256msg2_epu32(sum, w3);
}

/* They hold a state as the words feba and hgdc, lowest first. */
__attribute__((target("sha,sse4.1"))) static void
add_blocks_fast(uint32_t state[8], const unsigned char *p, size_t n)
{
    const __m128i bytes = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i *at = (__m128i *)(void *)state, w[4];
    __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128(at), 0xb1);
    __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128(at + 1), 0x1b);
    __m128i feba = _mm_alignr_epi8(badc, hgfe, 8);
    __m128i hgdc = _mm_blend_epi16(hgfe, badc, 0xf0);
    for (; n > 0; p += 64, n--) {
        const __m128i feba_before = feba, hgdc_before = hgdc;
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++) {
            __m128i now =
                i < 4 ? _mm_shuffle_epi8(_mm_loadu_si128((const void *)(p + 16 * i)),
                                         bytes)
                      : next_words(w[i & 3], w[(i + 1) & 3], w[(i + 2) & 3],
                                   w[(i + 3) & 3]);
            w[i & 3] = now;
            now = _mm_add_epi32(now, _mm_loadu_si128((const void *)(rounds + 4 * i)));
            hgdc = _mm_sha256rnds2_epu32(hgdc, feba, now);
            feba = _mm_sha256rnds2_epu32(feba, hgdc, _mm_shuffle_epi32(now, 0x0e));
        }
        feba = _mm_add_epi32(feba, feba_before);
        hgdc = _mm_add_epi32(hgdc, hgdc_before);
    }
    __m128i abef = _mm_shuffle_epi32(feba, 0x1b), ghcd = _mm_shuffle_epi32(hgdc, 0xb1);
    _mm_storeu_si128(at, _mm_blend_epi16(abef, ghcd, 0xf0));
    _mm_storeu_si128(at + 1, _mm_alignr_epi8(ghcd, abef, 8));
}
#else
static bool has_instructions(void) { return false; }

static void add_blocks_fast(uint32_t state[8], const unsigned char *p, size_t n)
{
    (void)state, (void)p, (void)n;
}
#endif

/* Few blocks are done before a processor has told what it can. */
#define MANY 256

static void add_blocks(uint32_t state[8], const unsigned char *p, size_t n)
{
    if (n >= MANY && has_instructions()) {
        add_blocks_fast(state, p, n);
        return;
    }
    for (; n > 0; p += 64, n--)
        add_block(state, p);
}

/* ---- the calls ---- */

void tdagi_sha256_init(tdagi_sha256 *h)
{
    static const uint32_t first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(h->state, first, sizeof first);
    h->length = 0;
}

void tdagi_sha256_add(tdagi_sha256 *h, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    size_t filled = (size_t)(h->length % 64);
    h->length += n;
    if (filled > 0) {
        size_t part = 64 - filled < n ? 64 - filled : n;
        memcpy(h->block + filled, p, part);
        p += part;
        n -= part;
        if (filled + part < 64) return;
        add_blocks(h->state, h->block, 1);
    }
    add_blocks(h->state, p, n / 64);
    if (n % 64 > 0) memcpy(h->block, p + n / 64 * 64, n % 64);
}

void tdagi_sha256_finish(tdagi_sha256 *h, char out[65])
{
    static const unsigned char padding[64] = {0x80};
    static const char digits[] = "0123456789abcdef";
    unsigned char length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)(h->length * 8 >> (56 - 8 * i));
    size_t filled = (size_t)(h->length % 64);
    tdagi_sha256_add(h, padding, filled < 56 ? 56 - filled : 120 - filled);
    tdagi_sha256_add(h, length, sizeof length);
    for (int i = 0; i < 64; i++)
        out[i] = digits[h->state[i / 8] >> (28 - 4 * (i % 8)) & 15];
    out[64] = '\0';
}
