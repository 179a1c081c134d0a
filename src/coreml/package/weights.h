/* Files of weights: a header, then records of 64 bytes with their data behind them. */
#ifndef TDAGI_WEIGHTS_H
#define TDAGI_WEIGHTS_H

#include <stdint.h>

/* Little-endian, both 64 bytes; what is not named is 0. */
enum {
    TDAGI_WEIGHTS_VERSION = 2,
    TDAGI_WEIGHTS_ALIGN = 64, /* of headers, records and data */
};
#define TDAGI_WEIGHTS_MAGIC 0xDEADBEEFu

/* Prefix of the names that blobs give their files. */
#define TDAGI_WEIGHTS_PREFIX "@model_path/"

struct tdagi_weight_file;
void tdagi_weights_close(struct tdagi_weight_file *files); /* NULL is fine */

#endif
