/* What the programs share that are run while the library is built: one deflates a table
 * and writes it as the text of a C array, which tdagi_built_in() reads. */
#ifndef TDAGI_PACK_H
#define TDAGI_PACK_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

static inline bool tdagi_pack_write(const char *path, const unsigned char *bytes,
                                    uLong n)
{
    FILE *f = fopen(path, "w");
    if (f == NULL) return false;
    for (uLong i = 0; i < n; i++)
        fprintf(f, i % 16 == 15 ? "%u,\n" : "%u,", bytes[i]);
    bool is_written = ferror(f) == 0;
    return fclose(f) == 0 && is_written;
}

/* The exit status of a program that is given the path of the text. */
static inline int tdagi_pack(int argc, char **argv, const void *table, size_t size)
{
    uLong n = compressBound((uLong)size);
    unsigned char *packed = malloc(n);
    bool is_written = argc == 2 && packed != NULL &&
                      compress2(packed, &n, table, (uLong)size, 9) == Z_OK &&
                      tdagi_pack_write(argv[1], packed, n);
    free(packed);
    return is_written ? 0 : 1;
}

#endif
