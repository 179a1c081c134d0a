/* Shapes and costs of the ops that only move elements. */
#include "op_case.h"

#define PERMUTE(...)                                                                   \
    TDAG_OP_PERMUTE, &(tdag_permute_spec) { TDAG_LIST(__VA_ARGS__) }
#define GROUP(...)                                                                     \
    TDAG_OP_GROUP, &(tdag_group_spec) { TDAG_LIST(__VA_ARGS__) }
#define UNGROUP(c, f)                                                                  \
    TDAG_OP_UNGROUP, &(tdag_ungroup_spec) { c, f }
#define SQUEEZE(...)                                                                   \
    TDAG_OP_SQUEEZE, &(tdag_axes_spec) { TDAG_LIST(__VA_ARGS__) }
#define UNSQUEEZE(...)                                                                 \
    TDAG_OP_UNSQUEEZE, &(tdag_axes_spec) { TDAG_LIST(__VA_ARGS__) }
#define SLICE(a, b)                                                                    \
    TDAG_OP_SLICE, &(tdag_slice_spec) { a, b }
#define SELECT(a, i)                                                                   \
    TDAG_OP_SELECT, &(tdag_select_spec) { a, i }
#define REPEAT(...)                                                                    \
    TDAG_OP_REPEAT, &(tdag_repeat_spec) { TDAG_LIST(__VA_ARGS__) }
#define PAD(a, b, m)                                                                   \
    TDAG_OP_PAD, &(tdag_pad_spec) { a, b, m, 0 }
#define L    TDAG_LIST
#define NONE ((tdag_list){0, NULL})

/* clang-format off */
static void test_axes(void **state)
{
    (void)state;
    op_world w = op_world_create();
    tdag_dim n = op_dim(&w, "N"), half = op_dim(&w, "floor(N/2)");
    const op_case cases[] = {
        {"permute", PERMUTE(2, 0, 1), {"f32[2,N,4]"}, "f32[4,2,N]", "0, 8*N, 8*N"},
        {"permute rank 0", TDAG_OP_PERMUTE, &(tdag_permute_spec){NONE}, {"f32[]"}, "f32[]", "0, 1, 1"},
        {"permute too few", PERMUTE(0), {"f32[2,3]"}, "! permute: order has 1 entries, the input has 2 axes", NULL},
        {"permute twice", PERMUTE(0, 0), {"f32[2,3]"}, "! order names axis 0 twice", NULL},
        {"permute outside", PERMUTE(0, 2), {"f32[2,3]"}, "! axis 2 is outside of a shape of 2 axes", NULL},
        {"permute negative", PERMUTE(0, -1), {"f32[2,3]"}, "! axis -1 is outside", NULL},
        {"group", GROUP(1, 2), {"i8[2,N,4]"}, "i8[2,4*N]", "0, 8*N, 8*N"},
        {"group empty", GROUP(3), {"i8[0,N,4]"}, "i8[0]", "0, 0, 0"},
        {"group too short", GROUP(1, 1), {"i8[2,3,4]"}, "! the runs cover 2 axes, the input has 3", NULL},
        {"group too long", GROUP(1, 3), {"i8[2,3,4]"}, "! the runs cover more than the 3 axes", NULL},
        {"group zero run", GROUP(0, 3), {"i8[2,3,4]"}, "! run 0 has length 0", NULL},
        {"ungroup", UNGROUP(L(2, 1), L(2, 3, 4)), {"f32[6,4]"}, "f32[2,3,4]", "0, 24, 24"},
        {"ungroup symbol", UNGROUP(L(2), L(n, 4)), {"f32[4*N]"}, "f32[N,4]", "0, 4*N, 4*N"},
        {"ungroup zero", UNGROUP(L(2), L(0, 5)), {"f32[0]"}, "f32[0,5]", "0, 0, 0"},
        {"ungroup floor", UNGROUP(L(2), L(half, 2)), {"f32[N]"}, "f32[floor(N/2),2]", NULL},
        {"ungroup product", UNGROUP(L(2), L(2, 4)), {"f32[6]"}, "! the factors of axis 0 multiply to 8, but its dim is 6", NULL},
        {"ungroup only at the sample", UNGROUP(L(2), L(2, 2)), {"f32[N]"}, "! multiply to 4, but its dim is N", NULL},
        {"ungroup counts", UNGROUP(L(2), L(2, 4)), {"f32[8,1]"}, "! counts has 1 entries", NULL},
        {"ungroup count 0", UNGROUP(L(0), NONE), {"f32[1]"}, "! axis 0 splits into 0 axes", NULL},
        {"ungroup factors", UNGROUP(L(2), L(2, 4, 1)), {"f32[8]"}, "! the counts name 2 axes, but there are 3 factors", NULL},
        {"ungroup negative", UNGROUP(L(2), L(op_dim(&w, "N-5"), 1)), {"f32[8]"}, "! entry 0 of factors is N-5, which is negative", NULL},
        {"ungroup too many", UNGROUP(L(1LL << 40), NONE), {"f32[8]"}, "! the result would have 17 axes, at most 16", NULL},
        {"squeeze", SQUEEZE(0, 2), {"f32[1,N,1]"}, "f32[N]", "0, N, N"},
        {"squeeze not 1", SQUEEZE(1), {"f32[1,N,1]"}, "! squeeze: axis 1 has dim N, not 1", NULL},
        {"squeeze order", SQUEEZE(2, 0), {"f32[1,N,1]"}, "! axes must ascend, but 0 follows 2", NULL},
        {"squeeze outside", SQUEEZE(3), {"f32[1,N,1]"}, "! axis 3 is outside", NULL},
        {"unsqueeze", UNSQUEEZE(0, 2), {"f32[N]"}, "f32[1,N,1]", "0, N, N"},
        {"unsqueeze rank 0", UNSQUEEZE(0), {"f32[]"}, "f32[1]", NULL},
        {"unsqueeze outside", UNSQUEEZE(3), {"f32[1,N]"}, "! axis 3 is outside of a shape of 3 axes", NULL},
    };
    OP_CASES_RUN(&w, cases);
    op_world_free(&w);
}

static void test_parts(void **state)
{
    (void)state;
    op_world w = op_world_create();
    tdag_dim n = op_dim(&w, "N"), n_1 = op_dim(&w, "N-1"), bad = TDAGI_DIM_BAD;
    const op_case cases[] = {
        {"slice", SLICE(L(1, 0), L(3, n)), {"f16[5,N]"}, "f16[2,N]", "0, 2*N, 2*N"},
        {"slice symbol", SLICE(L(1), L(n_1)), {"f16[N]"}, "f16[N-2]", "0, N-2, N-2"},
        {"slice empty", SLICE(L(2), L(2)), {"f16[5]"}, "f16[0]", "0, 0, 0"},
        {"slice rank 0", SLICE(NONE, NONE), {"f16[]"}, "f16[]", "0, 1, 1"},
        {"slice end", SLICE(L(1), L(6)), {"f16[5]"}, "! slice: axis 0 of dim 5 has no part from 1 to 6", NULL},
        {"slice crossed", SLICE(L(3), L(2)), {"f16[5]"}, "! has no part from 3 to 2", NULL},
        {"slice negative", SLICE(L(op_dim(&w, "N-5")), L(2)), {"f16[5]"}, "! start is N-5, which is negative", NULL},
        {"slice no dim", SLICE(L(bad), L(2)), {"f16[5]"}, "! entry 0 of start is no dim", NULL},
        {"slice foreign dim", SLICE(L(0), L(-999)), {"f16[5]"}, "! entry 0 of end is no dim", NULL},
        {"repeat foreign dim", REPEAT(-999), {"f16[1]"}, "! entry 0 of counts is no dim", NULL},
        {"slice few", SLICE(L(0), L(2, 2)), {"f16[5,2]"}, "! start has 1 entries", NULL},
        {"select", SELECT(1, 2), {"f16[5,N]"}, "f16[5,1]", "0, 5, 5"},
        {"select symbol", SELECT(0, n_1), {"f16[N]"}, "f16[1]", "0, 1, 1"},
        {"select outside", SELECT(0, n), {"f16[N]"}, "! select: index N is outside of axis 0 of dim N", NULL},
        {"select of none", SELECT(0, 0), {"f16[0]"}, "! index 0 is outside of axis 0 of dim 0", NULL},
        {"select axis", SELECT(1, 0), {"f16[2]"}, "! axis 1 is outside", NULL},
        {"repeat", REPEAT(n, 1), {"f32[1,3]"}, "f32[N,3]", "0, 3, 3*N"},
        {"repeat none", REPEAT(0), {"f32[1]"}, "f32[0]", "0, 1, 0"},
        {"repeat more", REPEAT(2, 1), {"f32[3,3]"}, "! axis 0 has dim 3 and cannot be repeated 2 times", NULL},
        {"pad", PAD(L(1, 0), L(2, n), 0), {"f32[5,3]"}, "f32[8,N+3]", "0, 15, 8*N+24"},
        {"pad nothing", PAD(L(2), L(1), 0), {"f32[0]"}, "f32[3]", "0, 0, 3"},
        {"pad reflect", PAD(L(2), L(2), 1), {"f32[3]"}, "f32[7]", "0, 3, 7"},
        {"pad reflect far", PAD(L(3), L(2), 1), {"f32[3]"}, "! axis 0 of dim 3 is too small to be padded by 3 in mode reflect", NULL},
        {"pad reflect none", PAD(L(0), L(0), 1), {"f32[0]"}, "f32[0]", NULL},
        {"pad replicate", PAD(L(9), L(2), 2), {"f32[1]"}, "f32[12]", NULL},
        {"pad replicate none", PAD(L(1), L(0), 2), {"f32[0]"}, "! dim 0 is too small", NULL},
        {"pad circular", PAD(L(3), L(3), 3), {"f32[3]"}, "f32[9]", NULL},
        {"pad circular far", PAD(L(3), L(4), 3), {"f32[3]"}, "! padded by 4 in mode circular", NULL},
        {"pad mode", PAD(L(3), L(4), 4), {"f32[3]"}, "! mode 4 is not one of its modes", NULL},
        {"pad negative", PAD(L(op_dim(&w, "N-5")), L(4), 0), {"f32[3]"}, "! entry 0 of before is N-5", NULL},
        {"iota", TDAG_OP_IOTA, &(tdag_iota_spec){n, TDAG_I64}, {NULL}, "i64[N]", "0, 0, N"},
        {"iota bool", TDAG_OP_IOTA, &(tdag_iota_spec){n, TDAG_BOOL}, {NULL}, "! iota needs a float or integer dtype, not bool", NULL},
        {"iota dtype", TDAG_OP_IOTA, &(tdag_iota_spec){n, 77}, {NULL}, "! iota needs", NULL},
        {"opaque", TDAG_OP_OPAQUE, &(tdag_opaque_spec){"a::b", "", 0, TDAG_F32, L(n, 3)}, {"i8[2]"}, "f32[N,3]", "0, 0, 0"},
        {"opaque dtype", TDAG_OP_OPAQUE, &(tdag_opaque_spec){"a::b", "", 0, 0, L(n, 3)}, {"i8[2]"}, "! 0 is no dtype", NULL},
        {"opaque output", TDAG_OP_OPAQUE, &(tdag_opaque_spec){"a::b", "", -1, 1, L(n, 3)}, {"i8[2]"}, "! output -1 is negative", NULL},
        {"input", TDAG_OP_INPUT, NULL, {NULL}, "! not made by its shape rule", NULL},
    };
    OP_CASES_RUN(&w, cases);
    op_world_free(&w);
}
/* clang-format on */

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_axes),
        cmocka_unit_test(test_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
