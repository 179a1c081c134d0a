/* Which overload of an operator a call of the export means, among those of PyTorch
 * 2.13. */
#include "pt2/write/write.h"

#include <string.h>

typedef struct operator_entry {
    const char *name;
    const tdagi_schema **schemas;
    uint32_t n;
    bool is_read;
} operator_entry;

static void read_schemas(tdagi_pt2_writer *w, operator_entry *o)
{
    unsigned lines;
    o->is_read = true;
    for (uint32_t i = 0;; i++) {
        tdagi_schema *one = tdagi_env_alloc(&w->env, sizeof(*one));
        if (one == NULL || !tdagi_schemas_get(&w->env, o->name, i, one, &lines)) return;
        if ((lines & TDAGI_PYTORCH_2_13) == 0) continue;
        const tdagi_schema **all =
            tdagi_pt2_room(&w->env.arena, o->schemas, o->n, sizeof(*all));
        if (all == NULL) w->env.status = tdagi_nomem(w->ctx);
        if (all == NULL) return;
        all[o->n++] = one;
        o->schemas = all;
    }
}

/* A positional argument says its place only if those before it are there. */
static void close_gaps(tdagi_resolved *call)
{
    bool is_behind = false;
    for (uint32_t i = call->n_args; i-- > 0;) {
        uint64_t bit = (uint64_t)1 << i;
        if (call->schema->args[i].keyword_only) continue;
        is_behind |= (call->given & bit) != 0;
        if (is_behind) call->given |= bit;
    }
}

bool tdagi_pt2_resolve(tdagi_pt2_writer *w, const tdagi_source_call *call,
                       tdagi_resolved *out)
{
    operator_entry *o =
        tdagi_pt2_intern(&w->overload, call->name, strlen(call->name), sizeof(*o));
    if (o == NULL) w->env.status = tdagi_nomem(w->ctx);
    if (o != NULL && !o->is_read) read_schemas(w, o);
    if (!tdagi_env_ok(&w->env)) return false;
    if (tdagi_resolve_among(&w->env, o->schemas, o->n, call, out)) {
        close_gaps(out);
        return true;
    }
    tdagi_pt2_fail(
        w, tdagi_env_text(&w->env, "a call that no overload of %s fits", call->name));
    return false;
}
