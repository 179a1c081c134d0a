/* Which overload of an operator a call of the export means: the first one of PyTorch
 * 2.13 that its arguments fit. */
#include "pt2/write/write.h"

#include <string.h>

typedef struct operator_entry {
    const char *name;
    tdagi_schema *schemas;
    uint32_t n;
    bool is_read;
} operator_entry;

static const operator_entry *schemas_of(tdagi_pt2_writer *w, const char *name)
{
    operator_entry *o = tdagi_pt2_intern(&w->overload, name, strlen(name), sizeof(*o));
    if (o == NULL) w->env.status = tdagi_nomem(w->ctx);
    if (o == NULL || o->is_read) return o;
    tdagi_schema schema;
    unsigned lines;
    o->is_read = true;
    for (uint32_t i = 0; tdagi_schemas_get(&w->env, name, i, &schema, &lines); i++) {
        if ((lines & TDAGI_PYTORCH_2_13) == 0) continue;
        tdagi_schema *all =
            tdagi_pt2_room(&w->env.arena, o->schemas, o->n, sizeof(*all));
        if (all == NULL) w->env.status = tdagi_nomem(w->ctx);
        if (all == NULL) return NULL;
        o->schemas = all;
        all[o->n++] = schema;
    }
    return o;
}

static bool starts(const char *type, const char *with)
{
    return strncmp(type, with, strlen(with)) == 0;
}

static bool fits(const char *type, const tdagi_any *v);

static bool items_fit(const char *type, const tdagi_any *v)
{
    for (uint32_t i = 0; i < v->u.seq->n; i++)
        if (!fits(type, &v->u.seq->v[i])) return false;
    return true;
}

/* Whether a value may stand where the schema has that type; what follows the type in
 * the text, "]" of a list, does not matter. */
static bool fits(const char *type, const tdagi_any *v)
{
    if (starts(type, "Optional["))
        return v->kind == TDAGI_ANY_NONE || fits(type + 9, v);
    if (starts(type, "List["))
        return tdagi_any_is_seq(*v)
                   ? items_fit(type + 5, v)
                   : starts(type, "List[int") && v->kind == TDAGI_ANY_INT;
    if (starts(type, "Tensor")) return v->kind == TDAGI_ANY_TENSOR;
    if (starts(type, "int")) return v->kind == TDAGI_ANY_INT;
    if (starts(type, "float"))
        return v->kind == TDAGI_ANY_FLOAT || v->kind == TDAGI_ANY_INT;
    if (starts(type, "number")) return tdagi_any_is_number(*v);
    if (starts(type, "bool")) return v->kind == TDAGI_ANY_BOOL;
    return starts(type, "str") && v->kind == TDAGI_ANY_STRING;
}

/* Where in the schema argument i of the call stands; n_args: nowhere. */
static uint32_t position_of(const tdagi_schema *s, const tdagi_pt2_source_call *call,
                            uint32_t i)
{
    uint32_t n_positional = call->n - call->n_named;
    if (i < n_positional)
        return i < s->n_args && !s->args[i].keyword_only ? i : s->n_args;
    for (uint32_t k = 0; k < s->n_args; k++)
        if (strcmp(s->args[k].name, call->names[i - n_positional]) == 0) return k;
    return s->n_args;
}

/* A positional argument says its place only if those before it are there. */
static void close_gaps(const tdagi_schema *s, bool *given)
{
    bool is_behind = false;
    for (uint32_t i = s->n_args; i-- > 0;) {
        is_behind |= given[i] && !s->args[i].keyword_only;
        given[i] |= is_behind && !s->args[i].keyword_only;
    }
}

/* Fills in the arguments; false where they do not fit. */
static bool match(tdagi_pt2_writer *w, const tdagi_schema *s,
                  const tdagi_pt2_source_call *call, tdagi_any *args, bool *given)
{
    memset(given, 0, s->n_args * sizeof(*given));
    for (uint32_t i = 0; i < call->n; i++) {
        uint32_t at = position_of(s, call, i);
        if (at == s->n_args || given[at] || !fits(s->args[at].type, &call->args[i]))
            return false;
        args[at] = call->args[i];
        given[at] = true;
    }
    for (uint32_t i = 0; i < s->n_args; i++)
        if (!given[i] && !tdagi_default_get(&w->env, &s->args[i].by_default, &args[i]))
            return false;
    close_gaps(s, given);
    return true;
}

const tdagi_schema *tdagi_pt2_resolve(tdagi_pt2_writer *w,
                                      const tdagi_pt2_source_call *call,
                                      tdagi_any **args_out, bool **given_out)
{
    const operator_entry *o = schemas_of(w, call->name);
    for (uint32_t i = 0; o != NULL && i < o->n && tdagi_env_ok(&w->env); i++) {
        const tdagi_schema *s = &o->schemas[i];
        if (s->is_vararg || s->n_args < call->n) continue;
        *args_out = tdagi_env_alloc(&w->env, s->n_args * sizeof(**args_out));
        *given_out = tdagi_env_alloc(&w->env, s->n_args * sizeof(**given_out));
        if (*args_out == NULL || *given_out == NULL) return NULL;
        if (match(w, s, call, *args_out, *given_out)) return s;
    }
    tdagi_pt2_fail(
        w, tdagi_env_text(&w->env, "a call that no overload of %s fits", call->name));
    return NULL;
}
