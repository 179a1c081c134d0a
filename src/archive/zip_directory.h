/* The inside of an archive: shared by opening it and by reading its records. */
#ifndef TDAGI_ZIP_DIRECTORY_H
#define TDAGI_ZIP_DIRECTORY_H

#include "base/pack/inflate.h"

#include "archive/zip.h"
#include "base/arena.h"

typedef struct tdagi_zip_record {
    tdagi_zip_entry entry;
    const char *full_name; /* as the archive has it */
    uint32_t name_size;    /* bytes of full_name */
    uint64_t limit; /* where its bytes end at the latest: another record begins */
    void *content;  /* inflated, NULL until asked for */
} tdagi_zip_record;

struct tdagi_zip {
    tdag_allocator allocator;
    tdagi_mapping *mapping;
    const unsigned char *bytes; /* of the mapping */
    uint64_t size;
    tdagi_arena arena; /* all below but contents */
    const char *what;  /* names the file in sentences */
    const char *prefix;
    tdagi_zip_record *records;
    tdagi_zip_record **by_name;
    uint32_t n;
    uint64_t inflated; /* bytes of all contents */
    z_stream stream;   /* used again and again */
    bool has_stream;
};

/* Fills records, by_name, n and prefix of an archive that has its mapping. */
tdag_status tdagi_zip_read_directory(tdag_ctx *ctx, tdagi_zip *zip);
/* "record NAME in FILE WHY", at that place of the file. */
tdag_status tdagi_zip_refuse(tdag_ctx *ctx, const tdagi_zip *zip,
                             const tdagi_zip_record *record, tdag_status status,
                             const char *why);

#endif
