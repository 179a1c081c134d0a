/* Zip archives as PyTorch writes them, read: the directory is checked as a whole,
 * records that are stored are lent from the mapped file, deflated ones are inflated
 * when asked for. Nothing of a record is looked at before that.
 *
 * The file is hostile until proved otherwise. Sizes come from the central directory
 * alone; every record lies inside the file and overlaps no other; names are unique and
 * are keys, never paths. What breaks a rule is E_FORMAT with the record's name and
 * place. */
#ifndef TDAGI_ZIP_H
#define TDAGI_ZIP_H

#include <stdbool.h>

#include "archive/mapping.h"
#include "base/ctx.h"

typedef struct tdagi_zip tdagi_zip;

typedef struct tdagi_zip_entry {
    const char *name; /* below the archive's one top folder: "data.pkl", "data/0" */
    uint64_t offset;  /* of its header in the file, for messages */
    uint64_t stored;  /* bytes there */
    uint64_t size;    /* bytes of the content */
    uint32_t crc;
    uint16_t method; /* 0: stored, 8: deflated */
} tdagi_zip_entry;

/* True if these first bytes are those of a zip archive. */
bool tdagi_zip_is(const void *bytes, size_t n);
/* Takes a reference of the mapping. `what` names the file in sentences.
 * Errors: E_FORMAT, E_UNSUPPORTED (encrypted, a method of compression), E_LIMIT (too
 * many records), E_NOMEM. */
tdag_status tdagi_zip_open(tdag_ctx *ctx, tdagi_mapping *mapping, const char *what,
                           tdagi_zip **out);
void tdagi_zip_close(tdagi_zip *zip); /* NULL is fine */

tdagi_mapping *tdagi_zip_mapping(const tdagi_zip *zip); /* lent */
/* The name of the top folder, "" if the archive has none. */
const char *tdagi_zip_prefix(const tdagi_zip *zip);
/* In the order of the directory; folders are no records. */
uint32_t tdagi_zip_count(const tdagi_zip *zip);
const tdagi_zip_entry *tdagi_zip_entry_at(const tdagi_zip *zip, uint32_t i);
/* NULL: there is none of that name. */
const tdagi_zip_entry *tdagi_zip_find(const tdagi_zip *zip, const char *name);

/* The content of a record: in the mapping for a stored one, else inflated once and kept
 * by the archive. Lent until the archive is closed (a stored one as long as the
 * mapping). All that is inflated of one archive is bounded (256 MB and 1000 : 1).
 * Errors: E_FORMAT, E_LIMIT, E_NOMEM. */
tdag_status tdagi_zip_read(tdag_ctx *ctx, tdagi_zip *zip, const tdagi_zip_entry *entry,
                           const void **data_out, size_t *size_out);
/* Reads a record and compares its checksum, which reading alone does for deflated ones
 * only. For what is read as a whole anyway. Errors: those of reading. */
tdag_status tdagi_zip_check(tdag_ctx *ctx, tdagi_zip *zip,
                            const tdagi_zip_entry *entry);

#endif
