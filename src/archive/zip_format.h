/* The bytes of zip archives: what reading and writing share. Numbers are little-endian.
 */
#ifndef TDAGI_ZIP_FORMAT_H
#define TDAGI_ZIP_FORMAT_H

#include <stdint.h>

enum {
    TDAGI_ZIP_LOCAL = 0x04034b50, /* signatures */
    TDAGI_ZIP_CENTRAL = 0x02014b50,
    TDAGI_ZIP_END = 0x06054b50,
    TDAGI_ZIP_END64 = 0x06064b50,
    TDAGI_ZIP_LOCATOR64 = 0x07064b50,

    TDAGI_ZIP_LOCAL_SIZE = 30, /* without name and extra fields */
    TDAGI_ZIP_LOCAL_CRC = 14,  /* where it stands in it */
    TDAGI_ZIP_CENTRAL_SIZE = 46,
    TDAGI_ZIP_END_SIZE = 22,
    TDAGI_ZIP_END64_SIZE = 56,
    TDAGI_ZIP_LOCATOR64_SIZE = 20,

    TDAGI_ZIP_EXTRA64 = 0x0001, /* ids of extra fields */
    TDAGI_ZIP_PADDING = 0x4246, /* "FB" */

    TDAGI_ZIP_FLAG_ENCRYPTED = 0x0001,
    TDAGI_ZIP_FLAG_PATCH = 0x0020,
    TDAGI_ZIP_FLAG_STRONG = 0x0040,
    TDAGI_ZIP_FLAG_UTF8 = 0x0800,
    TDAGI_ZIP_FLAG_MASKED = 0x2000,
};
/* Where a number does not fit its field, the zip64 form has it. */
#define TDAGI_ZIP_MAX16 UINT16_MAX
#define TDAGI_ZIP_MAX32 UINT32_MAX

static inline uint16_t tdagi_zip_u16(const unsigned char *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t tdagi_zip_u32(const unsigned char *p)
{
    return tdagi_zip_u16(p) | (uint32_t)tdagi_zip_u16(p + 2) << 16;
}

static inline uint64_t tdagi_zip_u64(const unsigned char *p)
{
    return tdagi_zip_u32(p) | (uint64_t)tdagi_zip_u32(p + 4) << 32;
}

#endif
