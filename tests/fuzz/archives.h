/* The archives in seeds/, and what becomes of them with another content of one record.
 * An input of fuzz_source or fuzz_pt2 is two bytes, which archive and which record, and
 * that content. */
#ifndef TDAG_TEST_FUZZ_ARCHIVES_H
#define TDAG_TEST_FUZZ_ARCHIVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fuzz_record {
    const char *name;
    const unsigned char *data;
    size_t size;
} fuzz_record;

typedef struct fuzz_archive {
    const char *file, *inputs; /* of forward, for tdag_input_spec_parse(); NULL: the
                                  file tells them */
    fuzz_record *records;
    uint32_t n;
    struct tdagi_zip *zip; /* which keeps the records, in the context's memory */
    struct tdag_ctx *ctx;
} fuzz_archive;

enum { FUZZ_ARCHIVES = 4, FUZZ_PROGRAMS = 4 };
/* Of TorchScript. Read once, kept for the life of the process. */
const fuzz_archive *fuzz_archives(void);
/* Not the bytes of tensors. */
bool fuzz_is_changed(const fuzz_record *r);
/* Of torch.export, likewise. */
const fuzz_archive *fuzz_programs(void);
bool fuzz_is_json(const fuzz_record *r);
/* The archive with that content of record i, stored; to be freed by free(). */
unsigned char *fuzz_archive_with(const fuzz_archive *a, uint32_t i, const void *content,
                                 size_t size, size_t *size_out);

#endif
