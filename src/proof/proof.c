/* See proof.h. */
#include <stdio.h>

#include "proof/pieces.h"

/* Proves that b's value y is a's x, and makes it one of x's class if it is of none of
 * a's yet. */
static tdag_status prove_pair(tdagi_classes *c, uint32_t x, uint32_t y, uint32_t *wrong)
{
    bool equal = false;
    if (c->of_b[y] == c->of_a[x]) return TDAG_OK;
    TDAGI_TRY(tdagi_piece_compare(c, x, y, &equal));
    if (!equal)
        *wrong = x;
    else if (c->of_b[y] > c->n_known)
        c->of_b[y] = c->of_a[x];
    return TDAG_OK;
}

static tdag_status prove_all(tdagi_classes *c, const uint32_t *partner, uint32_t *wrong)
{
    for (uint32_t id = 1; id <= c->b->n && *wrong == 0; id++) {
        tdagi_classes_add(c, id);
        if (partner[id] != 0) TDAGI_TRY(prove_pair(c, partner[id], id, wrong));
        TDAGI_TRY(tdagi_poll(c->ctx));
    }
    for (uint32_t i = 0; i < c->a->n_outputs && *wrong == 0; i++)
        TDAGI_TRY(prove_pair(c, c->a->outputs[i].id, c->b->outputs[i].id, wrong));
    return TDAG_OK;
}

tdag_status tdagi_prove(tdag_ctx *ctx, const tdag_graph *a, const tdag_graph *b,
                        const uint32_t *partner, uint32_t *wrong_out)
{
    tdagi_classes c;
    *wrong_out = 0;
    if (a->n_outputs != b->n_outputs || a->n_inputs != b->n_inputs) {
        *wrong_out = a->n_outputs > 0 ? a->outputs[0].id : a->inputs[0].id;
        return TDAG_OK;
    }
    TDAGI_TRY(tdagi_classes_init(ctx, a, b, &c));
    tdag_status st = prove_all(&c, partner, wrong_out);
    tdagi_classes_free(&c);
    return st;
}

tdag_status tdagi_prove_file(tdag_ctx *ctx, const tdag_graph *a, const tdag_graph *b,
                             const uint32_t *partner, uint32_t *wrong_out)
{
    char buf[16];
    TDAGI_TRY(tdagi_prove(ctx, a, b, partner, wrong_out));
    if (*wrong_out == 0) return TDAG_OK;
    const tdag_value wrong = {*wrong_out};
    const char *name = tdagi_value_name(a, wrong, buf);
    tdagi_fail(ctx, TDAG_E_INTERNAL,
               "the exported file does not compute %s as the model does", name);
    return tdagi_fail_at_node(ctx, name, tdagi_value_scope(a, wrong));
}

tdag_status tdagi_file_is_wrong(tdag_ctx *ctx, tdag_status st)
{
    char said[TDAGI_MESSAGE_SIZE];
    if (tdagi_is_final(st)) return st;
    snprintf(said, sizeof said, "%s", tdag_ctx_get_error(ctx)->message);
    return tdagi_fail(ctx, TDAG_E_INTERNAL, "the exported file is wrong: %s", said);
}
