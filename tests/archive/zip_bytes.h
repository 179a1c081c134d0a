/* Zip archives in memory for tests, with the forms that PyTorch and others write, and a
 * place for every lie. */
#ifndef TDAG_TEST_ZIP_BYTES_H
#define TDAG_TEST_ZIP_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct zip_bytes_record {
    const char *name;
    const char *content;
    size_t size; /* 0: that of the string */
    bool deflated;
    bool zip64; /* sizes and offset in an extra field of the directory */
} zip_bytes_record;

typedef struct zip_bytes {
    unsigned char *data; /* to be freed by free() */
    size_t size;
    size_t local[8]; /* where the headers of the first records are */
    size_t central[8];
    size_t end64, locator, end; /* end64 and locator 0: there are none */
} zip_bytes;

/* With a zip64 end record, as PyTorch's files always have it, if asked for. */
zip_bytes zip_bytes_make(const zip_bytes_record *records, size_t n, bool end64);
/* Overwrites a little-endian number of `width` bytes. */
void zip_bytes_put(zip_bytes *zip, size_t at, int width, uint64_t value);

#endif
