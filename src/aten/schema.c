/* Schemas: the row that serves one, and defaults as values. */
#include "aten/schema.h"

#include <string.h>

#include "aten/aten.h"

bool tdagi_schema_pure(const char *name, char out[TDAGI_PURE_NAME])
{
    size_t n = strlen(name);
    if (n < 2 || name[n - 1] != '_' || n >= TDAGI_PURE_NAME) return false;
    memcpy(out, name, n + 1);
    char *i = strstr(out, "::__i");
    if (i != NULL)
        memmove(i + 4, i + 5, strlen(i + 5) + 1);
    else
        out[n - 1] = '\0';
    return true;
}

void tdagi_schema_bind(tdagi_schema *s)
{
    tdagi_schema_bind_to(s, tdagi_aten_row_of(s->name, strlen(s->name)));
}

void tdagi_schema_bind_to(tdagi_schema *s, const tdagi_aten_row *row)
{
    char pure[TDAGI_PURE_NAME];
    s->is_bound = true;
    s->row = row;
    if (s->row != NULL || s->n_args == 0 || !s->args[0].is_written ||
        !tdagi_schema_pure(s->name, pure))
        return;
    s->row = tdagi_aten_row_of(pure, strlen(pure));
    s->in_place_of_row = s->row != NULL;
}

const char *tdagi_schema_name(tdagi_env *env, const tdagi_schema *s)
{
    return tdagi_env_text(env, "%s%s%s", s->name, *s->overload ? "." : "", s->overload);
}

static bool get_list(tdagi_env *env, const tdagi_default *d, tdagi_any *out)
{
    *out = tdagi_any_seq(env, TDAGI_ANY_LIST, 0, NULL);
    for (uint32_t i = 0; i < d->n && out->kind == TDAGI_ANY_LIST; i++) {
        tdagi_any item;
        if (!tdagi_default_get(env, &d->items[i], &item)) return false;
        tdagi_seq_append(env, out->u.seq, item);
    }
    return out->kind == TDAGI_ANY_LIST;
}

bool tdagi_default_get(tdagi_env *env, const tdagi_default *d, tdagi_any *out)
{
    switch ((tdagi_default_kind)d->kind) {
    case TDAGI_DEFAULT_NONE:
        *out = tdagi_any_none();
        return true;
    case TDAGI_DEFAULT_INT:
        *out = tdagi_any_int(env, d->i);
        return true;
    case TDAGI_DEFAULT_FLOAT:
        *out = tdagi_any_float(d->f);
        return true;
    case TDAGI_DEFAULT_BOOL:
        *out = tdagi_any_bool(d->i != 0);
        return true;
    case TDAGI_DEFAULT_STRING:
        *out = tdagi_any_string(d->s);
        return true;
    case TDAGI_DEFAULT_LIST:
        return get_list(env, d, out);
    case TDAGI_DEFAULT_ABSENT:
    case TDAGI_DEFAULT_OTHER:
        break;
    }
    return false;
}
