/* SHA-256 (FIPS 180-4). */
#ifndef TDAGI_SHA256_H
#define TDAGI_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct tdagi_sha256 {
    uint32_t state[8];
    uint64_t length;         /* bytes so far */
    unsigned char block[64]; /* the beginning of the next one */
} tdagi_sha256;

void tdagi_sha256_init(tdagi_sha256 *h);
void tdagi_sha256_add(tdagi_sha256 *h, const void *bytes, size_t n);
/* The digest as 64 hexadecimal digits and a terminator. */
void tdagi_sha256_finish(tdagi_sha256 *h, char out[65]);

#endif
