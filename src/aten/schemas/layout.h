/* How the table of schemas lies in memory: the texts of schemas.def as one block,
 * numbers that say where in it the pieces of each schema stand, and where the schemas
 * of each operator start. pack.c deflates it when the library is built,
 * schemas.c inflates it when somebody asks for a schema. */
#ifndef TDAGI_ATEN_SCHEMAS_LAYOUT_H
#define TDAGI_ATEN_SCHEMAS_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "aten/schema.h"

#define TEXT(id, text) char id[sizeof(text)];
struct texts {
#include "aten/schemas/schemas.def"
};

#define TEXT(id, text) id = offsetof(struct texts, id),
enum {
#include "aten/schemas/schemas.def"
};

/* A schema starts with a piece that holds its lines and, from V, its overload. OUT says
 * which overload of the same operator has the rest. */
#define FIRST    0x8000U
#define LINE     0x1000U
#define OUT_OF   0xc000U
#define ROW      0x7fffU /* an operator begins: the next row's, */
#define SAME_ROW 0x7ffeU /* or its in-place form */

/* The pieces of each operator, as long as they are. */
#define AT_LINE(line) at_##line
#define AT(line)      AT_LINE(line)
#define SCHEMA(...)                                                                    \
    uint16_t AT(__LINE__)[1 + sizeof((const uint16_t[]){__VA_ARGS__}) / 2];
struct layout {
#define OPERATOR(o)  uint16_t AT(__LINE__);
#define IN_PLACE(o)  uint16_t AT(__LINE__);
#define BOTH(v, ...) SCHEMA(__VA_ARGS__)
#define OLD(v, ...)  SCHEMA(__VA_ARGS__)
#define NEW(v, ...)  SCHEMA(__VA_ARGS__)
#define OUT(v)       OUT_OF + v - V
#include "aten/schemas/schemas.def"
};
struct rows {
#define OPERATOR(o) char AT(__LINE__);
#define IN_PLACE(o)
#define BOTH(v, ...)
#define OLD(v, ...)
#define NEW(v, ...)
#include "aten/schemas/schemas.def"
};
#define N_PIECES (sizeof(struct layout) / sizeof(uint16_t))

typedef struct tdagi_schemas {
    struct texts texts;
    uint16_t pieces[N_PIECES];
    uint16_t
        starts[sizeof(struct rows)]; /* of the operators, in the order of the rows */
} tdagi_schemas;
_Static_assert(sizeof(struct texts) < SAME_ROW && R - V < LINE && N_PIECES < UINT16_MAX,
               "pieces are of 16 bits");

#endif
