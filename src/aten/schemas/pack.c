/* Made and run while the library is built: pack FILE writes the table of
 * schemas, deflated, as the text of a C array. */
#include <stdbool.h>
#include <stdio.h>
#include <zlib.h>

#include "aten/schemas/layout.h"

#define TEXT(id, text) text,
static const tdagi_schemas table = {
    {
#include "aten/schemas/schemas.def"
    },
    {
#define OPERATOR(o) ROW,
#define IN_PLACE(o) SAME_ROW,
#define BOTH(v, ...)                                                                   \
    FIRST + (TDAGI_PYTORCH_1_13 + TDAGI_PYTORCH_2_13) * LINE + v - V, __VA_ARGS__,
#define OLD(v, ...) FIRST + TDAGI_PYTORCH_1_13 *LINE + v - V, __VA_ARGS__,
#define NEW(v, ...) FIRST + TDAGI_PYTORCH_2_13 *LINE + v - V, __VA_ARGS__,
#define OUT(v)      OUT_OF + v - V
#include "aten/schemas/schemas.def"
    },
    {
#define OPERATOR(o) offsetof(struct layout, AT(__LINE__)) / 2 + 1,
#define IN_PLACE(o)
#define BOTH(v, ...)
#define OLD(v, ...)
#define NEW(v, ...)
#include "aten/schemas/schemas.def"
    },
};

static bool write_array(const char *path, const unsigned char *bytes, uLong n)
{
    FILE *f = fopen(path, "w");
    if (f == NULL) return false;
    for (uLong i = 0; i < n; i++)
        fprintf(f, i % 16 == 15 ? "%u,\n" : "%u,", bytes[i]);
    bool is_written = ferror(f) == 0;
    return fclose(f) == 0 && is_written;
}

int main(int argc, char **argv)
{
    static unsigned char packed[2 * sizeof table];
    uLong n = sizeof packed;
    if (argc != 2 ||
        compress2(packed, &n, (const Bytef *)&table, sizeof table, 9) != Z_OK)
        return 2;
    return write_array(argv[1], packed, n) ? 0 : 1;
}
