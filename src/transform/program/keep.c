/* Some methods of a model: what only the others use is left out. */
#include <tdagger/control.h>

#include "transform/program/copy.h"

static void mark_states(const tdagi_block *block, unsigned char *uses)
{
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next) {
        if (s->kind == TDAGI_READ || s->kind == TDAGI_WRITE) uses[s->target] = 1;
        for (uint32_t i = 0; i < s->n_blocks; i++)
            mark_states(&s->blocks[i], uses);
    }
}

static tdag_status mark(tdag_ctx *ctx, const tdag_model *model, const char *name,
                        unsigned char *methods, unsigned char *states)
{
    TDAGI_TRY(tdagi_need(ctx, name, "a name"));
    for (uint32_t i = 0; i < model->n_methods; i++) {
        if (strcmp(model->methods[i]->name, name) != 0) continue;
        methods[i] = 1;
        mark_states(&model->methods[i]->body, states);
        return TDAG_OK;
    }
    return tdagi_fail(ctx, TDAG_E_ARG, "the model has no method %s", name);
}

tdag_status tdag_keep(tdag_ctx *ctx, const tdag_model *model, const char *const *names,
                      uint32_t n_names, tdag_model **out)
{
    tdagi_copier c = {.ctx = NULL};
    void *marks = NULL;
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    if (n_names > 0) TDAGI_TRY(tdagi_need(ctx, names, "names"));
    size_t size = (size_t)model->n_methods + model->n_states;
    TDAGI_TRY(tdagi_alloc(ctx, size, &marks));
    memset(marks, 0, size);
    unsigned char *methods = marks, *states = methods + model->n_methods;
    tdag_status st = n_names > 0 ? TDAG_OK : tdagi_need(ctx, NULL, "names");
    for (uint32_t i = 0; i < n_names && st == TDAG_OK; i++)
        st = mark(ctx, model, names[i], methods, states);
    c.keeps = methods;
    c.keeps_states = states;
    if (st == TDAG_OK) st = tdagi_copy_model(&c, ctx, model, out);
    tdagi_free(ctx, marks, size);
    return st;
}
