/* Module paths of calls: where a module that several share is called, and not where the
 * file keeps it. A tracer gives a shared module's methods to one of its owners, which
 * the others get as an argument; what they have under its name has no methods. */
#include <string.h>

#include "torchscript/import/import.h"

/* The rest of `path` below `above`; NULL: it is not below. */
static const char *below(const char *path, const char *above)
{
    size_t n = strlen(above);
    if (n == 0) return path;
    return strncmp(path, above, n) == 0 && path[n] == '.' ? path + n + 1 : NULL;
}

static const char *join(tdagi_import *im, const char *path, const char *name)
{
    if (*path == '\0' || *name == '\0') return *path == '\0' ? name : path;
    return tdagi_env_text(&im->env, "%s.%s", path, name);
}

static const char *last_part(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot == NULL ? path : dot + 1;
}

/* Classes are told apart by "___torch_mangle_N" parts, also those of equal modules. */
static bool same_class(tdagi_import *im, const tdagi_object *a, const tdagi_object *b)
{
    const char *p = im->api->value_type(im->session, a->shim);
    const char *q = im->api->value_type(im->session, b->shim);
    return p != NULL && q != NULL && strcmp(last_part(p), last_part(q)) == 0;
}

/* The owner's own name of a module whose methods are elsewhere: that of the last part,
 * else the only one. NULL: it does not tell. */
static const char *own_name(tdagi_import *im, const tdagi_object *owner,
                            const tdagi_object *callee)
{
    const char *found = NULL;
    uint32_t n = 0;
    for (uint32_t i = 0; i < owner->n; i++) {
        const tdagi_attr *a = &owner->attrs[i];
        if (a->value.kind != TDAGI_ANY_OBJECT) continue;
        const tdagi_object *child = a->value.u.object;
        if (im->api->object_n_methods(child->shim) > 0 ||
            !same_class(im, child, callee))
            continue;
        if (strcmp(a->name, last_part(callee->path)) == 0) return a->name;
        found = a->name;
        n++;
    }
    return n == 1 ? found : NULL;
}

const char *tdagi_import_scope(tdagi_import *im, const tdagi_object *callee)
{
    const tdagi_object *owner = im->owner;
    const char *rest = below(callee->path, owner->path);
    if (!tdagi_env_step(&im->env, owner->n / 16)) return "";
    if (callee == owner) return im->env.scope;
    const char *name = own_name(im, owner, callee);
    if (rest != NULL && (name == NULL || strchr(rest, '.') == NULL))
        return join(im, im->env.scope, rest);
    return name == NULL ? im->env.scope : join(im, im->env.scope, name);
}
