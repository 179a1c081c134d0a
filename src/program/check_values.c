/* Values of arguments that are given beside a file that tells its own. */
#include <string.h>

#include "program/model.h"

/* A value that says what the structure does: the same text, or an equal number. */
static bool same_value(const tdagi_structure_node *a, const tdagi_structure_node *b)
{
    bool numbers = a->kind == TDAGI_STRUCTURE_FLOAT && b->kind == TDAGI_STRUCTURE_INT;
    if (numbers) return a->u.f == (double)b->u.i;
    if (a->kind != b->kind || a->n != b->n || a->size != b->size) return false;
    if (a->kind == TDAGI_STRUCTURE_BOOL) return a->u.b == b->u.b;
    if (a->kind == TDAGI_STRUCTURE_INT) return a->u.i == b->u.i;
    if (a->kind == TDAGI_STRUCTURE_FLOAT) return a->u.f == b->u.f;
    if (a->kind == TDAGI_STRUCTURE_STRING) return strcmp(a->u.s, b->u.s) == 0;
    for (uint32_t i = 1; i < a->size; i += a[i].size)
        if (!same_value(a + i, b + i)) return false;
    return true;
}

static tdag_status check_value(tdag_ctx *ctx, const tdagi_structure_node *root,
                               const char *text)
{
    tdagi_structure *given = NULL;
    const char *equals = strchr(text, '=');
    size_t n = equals == NULL ? 0 : (size_t)(equals - text);
    const tdagi_structure_node *item = tdagi_structure_first(root);
    for (uint32_t i = 0; i < root->n; i++, item = tdagi_structure_next(item)) {
        if (n == 0 || item->key == NULL || strlen(item->key) != n ||
            strncmp(item->key, text, n) != 0)
            continue;
        TDAGI_TRY(tdagi_structure_parse(ctx, equals + 1, &given));
        bool same = same_value(item, given->nodes);
        tdagi_structure_free(given);
        return same ? TDAG_OK
                    : tdagi_fail(ctx, TDAG_E_ARG,
                                 "the model was made with another value than %s", text);
    }
    return TDAG_OK;
}

tdag_status tdagi_model_check_values(tdag_ctx *ctx, const tdag_model *model,
                                     const char *const *values, uint32_t n_values)
{
    const tdagi_structure_node *root = tdagi_model_inputs(model)->nodes;
    bool has_items = tdagi_structure_has_items(root);
    for (uint32_t i = 0; i < n_values && has_items; i++)
        TDAGI_TRY(check_value(ctx, root, values[i]));
    return TDAG_OK;
}
