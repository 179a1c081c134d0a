/* The table of skeletons.def, which tests/raise/test_skeletons.c makes from the
 * recipes: TDAG_UPDATE_GOLDEN=1 ctest -R raise.skeletons writes it anew. */
#include "raise/skeleton.h"

#include <math.h>

/* The table names ops and ways shortly. */
enum {
#define TDAG_OP(id, code, name, inputs, definition) id = code,
#include <tdagger/ops.def>
    FLOATS = TDAGI_KIND_FLOAT,
    HALVES = TDAGI_KIND_HALF,
    INTS = TDAGI_KIND_INT,
    BOOLS = TDAGI_KIND_BOOL,
    WIDE = TDAGI_KIND_WIDE,
    SIZE = TDAGI_CODE_SIZE,
    AGAIN = TDAGI_CODE_AGAIN,
    KIND = TDAGI_CODE_KIND,
    PAIR = TDAGI_CODE_PAIR,
    SWAPPED = TDAGI_CODE_SWAPPED,
};
#define SLOT(i)                     (TDAGI_CODE_SLOT + (i))
#define TAG(field, how, node, from) {field, TDAGI_TAG_##how, node, from},

/* clang-format off */
#define TDAGI_NUMBER(i, value) [i] = value,
const double tdagi_skeleton_numbers[] = {
#include "raise/skeletons.def"
};

#define TDAGI_SKELETON(composite, kinds, n_nodes, root, child, n_tags, code_at, tags_at, \
                       code, tags)                                                     \
    {TDAGI_##composite, kinds, n_nodes, root, child, n_tags, code_at, tags_at},
const tdagi_skeleton tdagi_skeletons[] = {
#include "raise/skeletons.def"
};

#define CODE(...) __VA_ARGS__,
#define TDAGI_SKELETON(composite, kinds, n_nodes, root, child, n_tags, code_at, tags_at, \
                       code, tags)                                                     \
    code
const uint8_t tdagi_skeleton_codes[] = {
#include "raise/skeletons.def"
};

#define TDAGI_SKELETON(composite, kinds, n_nodes, root, child, n_tags, code_at, tags_at, \
                       code, tags)                                                     \
    tags
const tdagi_tag tdagi_skeleton_tags[] = {
#include "raise/skeletons.def"
};

#define TDAGI_ROOT(i, op, first, end, low, high) [i] = {first, end, {low, high}},
const tdagi_skeleton_rows tdagi_skeleton_roots[] = {
#include "raise/skeletons.def"
};

#define TDAGI_ROOT(i, op, first, end, low, high) [op] = i,
const uint8_t tdagi_skeleton_root_of[TDAGI_OP_CODES] = {
#include "raise/skeletons.def"
};
/* clang-format on */
