/* The guess of embedding_bag: from the scatter into bags back to the table, the indices
 * and the offsets. */
#include "raise/guess/guess.h"

#define ANY TDAG_OP_NONE

/* How the rows that go into bags were made: the rest of the operands and the spec. */
static bool read_rows(const tdagi_raiser *r, tdag_value rows, tdag_value in[4],
                      tdagi_bag_spec *s)
{
    double number;
    s->padding = -1;
    if (tdagi_raiser_node(r, rows)->op == TDAG_OP_WHERE) {
        tdag_value is_out =
            tdagi_step(r, tdagi_raiser_input(r, rows, 0), TDAG_OP_UNSQUEEZE, 0);
        if (!tdagi_scalar_input(r, is_out, &number)) return false;
        s->padding = (int64_t)number;
        rows = tdagi_raiser_input(r, rows, 2);
    }
    tdag_value gather = rows;
    if (tdagi_raiser_node(r, rows)->op == TDAG_OP_MULTIPLY) {
        gather = tdagi_step_to(r, rows, TDAG_OP_GATHER);
        in[3] = tdagi_step(r, tdagi_step_other(r, rows, gather), TDAG_OP_UNSQUEEZE, 0);
        if (in[3].id == 0) return false;
    }
    in[0] = tdagi_step(r, gather, TDAG_OP_GATHER, 0);
    in[1] = tdagi_step(r, gather, TDAG_OP_GATHER, 1);
    return in[0].id != 0 && in[1].id != 0;
}

/* What the offsets were before they were cut and converted. */
static tdag_status try_offsets(tdagi_raiser *r, const tdagi_root *root,
                               tdag_value in[4], tdagi_bag_spec *s, tdagi_match **out)
{
    tdag_value at = in[2];
    const tdag_value whole = tdagi_step(r, at, TDAG_OP_SLICE, 0);
    for (uint32_t i = 0; i < 4 && *out == NULL; i++) {
        s->has_end = i < 2;
        in[2] = s->has_end ? whole : at;
        if (i % 2 == 0) in[2] = tdagi_step(r, in[2], TDAG_OP_CONVERT, 0);
        if (in[2].id == 0) continue;
        TDAGI_TRY(tdagi_guess_known(r, root, s, 4, in, out));
    }
    return TDAG_OK;
}

TDAGI_GUESS(embedding_bag)
{
    tdagi_bag_spec s = {.mode = TDAGI_BAG_SUM};
    tdag_value in[4] = {{0}}, scatter = root->top;
    uint32_t op = tdagi_raiser_node(r, root->top)->op;
    if (op != TDAG_OP_SCATTER) scatter = tdagi_step_to(r, root->top, TDAG_OP_SCATTER);
    if (op == TDAG_OP_MULTIPLY) s.mode = TDAGI_BAG_MEAN;
    if (op == TDAG_OP_WHERE) s.mode = TDAGI_BAG_MAX;
    tdag_value rows = tdagi_step(r, scatter, TDAG_OP_SCATTER, 2);
    tdag_value scan = tdagi_step_to(r, tdagi_raiser_input(r, scatter, 1), TDAG_OP_SCAN);
    tdag_value starts = tdagi_step(r, tdagi_step(r, scan, ANY, 0), TDAG_OP_SLICE, 0);
    in[2] = tdagi_step(r, starts, TDAG_OP_SCATTER, 1);
    if (in[2].id == 0 || !read_rows(r, rows, in, &s)) return TDAG_OK;
    return try_offsets(r, root, in, &s, out);
}
