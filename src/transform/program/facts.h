/* What is known of the values of a method: which ones are needed, which are constants.
 * By it programs are simplified. */
#ifndef TDAGI_PROGRAM_FACTS_H
#define TDAGI_PROGRAM_FACTS_H

#include "program/model.h"

typedef struct tdagi_facts {
    unsigned char *live;         /* by id: an output, a state, a check ... needs it */
    unsigned char *live_symbols; /* by number */
    const tdag_tensor **known;   /* by id: the constant that it is, lent; or NULL */
} tdagi_facts;

/* In memory of the arena. E_NOMEM. */
tdag_status tdagi_find_facts(tdag_ctx *ctx, const tdag_model *model,
                             const tdagi_method *m, tdagi_arena *arena,
                             tdagi_facts *out);
/* Whether something needs the statement, or what it does. */
bool tdagi_is_needed(const tdagi_facts *f, const tdagi_method *m,
                     const tdagi_statement *s);
/* Adds to uses[id] how often values are inputs, sizes and yields. */
void tdagi_count_uses(const tdagi_block *block, uint32_t *uses);

#endif
