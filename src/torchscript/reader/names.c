/* Variables: what they are bound to, frame by frame, and who is called after them. */
#include <string.h>

#include "torchscript/reader/lower.h"

typedef struct tdagi_naming {
    tdagi_name *name;
    uint32_t n;
    struct tdagi_naming *next;
} naming;

static bool is_meaningful(const char *text)
{
    return text[0] != '_' || text[1 + strspn(text + 1, "0123456789")] != '\0';
}

tdagi_name *tdagi_lower_name(tdagi_lowering *l, const char *text)
{
    void **slot = tdagi_table_at(&l->s->arena, &l->names, text, strlen(text));
    if (slot == NULL) {
        tdagi_reader_nomem(l->s);
        return NULL;
    }
    if (*slot != NULL) return *slot;
    tdagi_name *name = tdagi_reader_alloc(l->s, 1, sizeof *name);
    if (name == NULL) return NULL;
    name->text = text;
    name->is_meaningful = is_meaningful(text);
    *slot = name;
    return name;
}

/* ---- who is called after a variable ---- */

/* Takes the name from its owner, who is numbered. PyTorch counts twice for each: once
 * as it looks for a free number, once as it gives the name with it. */
static bool vacate(tdagi_lowering *l, tdagi_name *name)
{
    if (!name->is_taken) return true;
    name->n_lost++;
    if (name->owner == NULL) return true;
    name->owner->name =
        tdagi_reader_numbered(l->s, name->text, '.', 2 * name->n_lost - 1);
    return name->owner->name != NULL;
}

static bool give(tdagi_lowering *l, tdagi_name *name, tdag_shim_var *owner)
{
    if (!vacate(l, name)) return false;
    name->is_taken = true;
    name->owner = owner;
    if (owner != NULL) owner->name = name->text;
    return true;
}

bool tdagi_name_pass(tdagi_lowering *l, tdagi_name *name)
{
    return !name->is_meaningful || give(l, name, NULL);
}

/* A value that a variable is set to takes its name, if it is of the block at hand and
 * has none. */
static bool name_value(tdagi_lowering *l, tdagi_name *name, tdagi_lowered value)
{
    if (!name->is_meaningful || value.var == NULL) return true;
    if (value.is_passing) return value.is_named || give(l, name, NULL);
    if (value.var->name != NULL || value.var->block != l->block) return true;
    return give(l, name, value.var);
}

bool tdagi_name_later(tdagi_lowering *l, tdagi_name *name, uint32_t n)
{
    naming *x = tdagi_reader_alloc(l->s, 1, sizeof *x);
    if (x == NULL) return false;
    *x = (naming){.name = name, .n = n, .next = l->later};
    l->later = x;
    return true;
}

/* One name's order against another's does not matter. */
bool tdagi_name_all_later(tdagi_lowering *l)
{
    for (const naming *x = l->later; x != NULL; x = x->next)
        for (uint32_t i = 0; i < x->n; i++)
            if (!give(l, x->name, NULL)) return false;
    return true;
}

/* ---- what a variable is ---- */

tdagi_lowered tdagi_lower_read(tdagi_lowering *l, tdagi_name *name)
{
    tdagi_lowered value = name->top->value;
    if (value.var == NULL) return value;
    if (!tdagi_name_pass(l, name)) return (tdagi_lowered){.var = NULL};
    value.is_passing = true;
    value.is_named = name->is_meaningful;
    return value;
}

bool tdagi_lower_bind(tdagi_lowering *l, tdagi_name *name, tdagi_lowered value,
                      bool by_statement)
{
    tdagi_variable *b = name->top;
    if (b == NULL || b->frame != l->frame) {
        b = tdagi_reader_alloc(l->s, 1, sizeof *b);
        if (b == NULL) return false;
        *b = (tdagi_variable){
            .name = name, .frame = l->frame, .outer = name->top, .next = l->bindings};
        name->top = l->bindings = b;
    }
    b->value = value;
    b->by_statement |= by_statement;
    return true;
}

/* PyTorch looks in the frames around for a variable of the same name, and reads it. */
static bool look_around(tdagi_lowering *l, tdagi_name *name)
{
    const tdagi_variable *b = name->top;
    if (b != NULL && b->frame == l->frame) b = b->outer;
    return b == NULL || b->value.var == NULL || tdagi_name_pass(l, name);
}

bool tdagi_lower_assign(tdagi_lowering *l, const char *text, tdagi_lowered value)
{
    tdagi_name *name = tdagi_lower_name(l, text);
    return name != NULL && name_value(l, name, value) && look_around(l, name) &&
           tdagi_lower_bind(l, name, value, true);
}

/* ---- frames ---- */

tdagi_variable *tdagi_lower_open(tdagi_lowering *l, tdag_shim_block *block)
{
    tdagi_variable *outer = l->bindings;
    l->bindings = NULL;
    l->frame++;
    l->block = block;
    return outer;
}

tdagi_variable *tdagi_lower_close(tdagi_lowering *l, tdagi_variable *outer,
                                  tdag_shim_block *block)
{
    tdagi_variable *closed = l->bindings;
    for (tdagi_variable *b = closed; b != NULL; b = b->next)
        b->name->top = b->outer;
    l->bindings = outer;
    l->frame--;
    l->block = block;
    return closed;
}
