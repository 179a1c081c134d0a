/* Made and run while the library is built: packs the table of schemas. */
#include "base/pack/pack.h"
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

int main(int argc, char **argv) { return tdagi_pack(argc, argv, &table, sizeof table); }
