/* A hash of bytes for tables of names that a file chooses. The seed is the address of
 * something of the reader, which whoever wrote the file does not know, so that no file
 * can make many names fall together; what a table gives does not depend on it. */
#ifndef TDAGI_BYTES_HASH_H
#define TDAGI_BYTES_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t tdagi_hash_mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return h ^ h >> 29;
}

static inline uint32_t tdagi_hash(const void *seed, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    uint64_t h = tdagi_hash_mix((uintptr_t)seed, n), word;
    for (; n >= sizeof word; n -= sizeof word, p += sizeof word) {
        memcpy(&word, p, sizeof word);
        h = tdagi_hash_mix(h, word);
    }
    word = 0;
    if (n > 0) memcpy(&word, p, n);
    h = tdagi_hash_mix(h, word);
    return (uint32_t)(h ^ h >> 32);
}

#endif
