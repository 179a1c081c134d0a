/* The archive of a tree, compiled and saved by PyTorch. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "torchscript/write/tree.h"

typedef struct saving {
    tdagi_tree *tree;
    const tdag_shim_api *api;
    tdag_shim_session *session;
    tdagi_table handles; /* by module */
} saving;

static tdag_status failed(const saving *s, const tdag_shim_error *error)
{
    return tdagi_fail(s->tree->ctx, TDAG_E_SHIM, "PyTorch: %s", error->message);
}

static void release_tensor(void *user) { tdag_tensor_free(user); }

static tdag_status make_tensor(const saving *s, const tdag_tensor *t, bool grad,
                               const tdag_shim_value **out)
{
    tdag_shim_error error = {""};
    tdag_shim_tensor_spec spec = {0};
    spec.dtype = t->dtype;
    spec.rank = t->rank;
    spec.sizes = t->shape;
    spec.data = t->data;
    spec.release = release_tensor;
    spec.user = tdag_tensor_copy(t);
    spec.requires_grad = grad && tdag_dtype_is_float(t->dtype);
    if (s->api->make_tensor(s->session, &spec, out, &error)) {
        tdag_tensor_free(spec.user);
        return failed(s, &error);
    }
    return TDAG_OK;
}

static tdag_status add_tensor(const saving *s, const tdag_shim_value *owner,
                              const tdagi_tree_attr *a)
{
    const tdag_shim_value *value = NULL;
    tdag_shim_error error = {""};
    TDAGI_TRY(make_tensor(s, a->tensor, a->slot == TDAG_SHIM_SLOT_PARAMETER, &value));
    if (s->api->module_add_attr(s->session, owner, a->name, a->slot, NULL, value,
                                &error))
        return failed(s, &error);
    return TDAG_OK;
}

static tdag_status keep(saving *s, const tdagi_tree_module *m,
                        const tdag_shim_value *handle)
{
    void **place = tdagi_table_at(s->tree->arena, &s->handles, m, 0);
    if (place == NULL) return tdagi_nomem(s->tree->ctx);
    memcpy(place, &handle, sizeof handle);
    return TDAG_OK;
}

static tdag_status add_module(saving *s, const tdag_shim_value *owner,
                              const tdagi_tree_attr *a)
{
    const tdag_shim_value *handle = NULL;
    tdag_shim_error error = {""};
    if (s->api->module_add_module(s->session, owner, a->name, "__torch__.Module",
                                  &handle, &error))
        return failed(s, &error);
    return keep(s, a->module, handle);
}

static tdag_status fill(saving *s, const tdagi_tree_module *m)
{
    const tdag_shim_value *owner = tdagi_table_get(&s->handles, m, 0);
    for (const tdagi_tree_attr *a = m->first; a != NULL; a = a->next)
        TDAGI_TRY(a->module != NULL ? add_module(s, owner, a)
                                    : add_tensor(s, owner, a));
    return TDAG_OK;
}

static tdag_status ask(tdag_ctx *ctx, const char *path, const tdagi_tree_check *check)
{
    tdagi_mapping *archive = NULL;
    if (check->fn == NULL) return TDAG_OK;
    TDAGI_TRY(tdagi_mapping_open(ctx, path, 0, &archive));
    tdag_status st = check->fn(check->user, archive);
    tdagi_mapping_release(archive);
    return st;
}

/* Under a temporary name beside path, then renamed. */
static tdag_status save(const saving *s, const char *path,
                        const tdagi_tree_check *check)
{
    tdag_ctx *ctx = s->tree->ctx;
    tdag_shim_error error = {""};
    tdagi_text name;
    tdagi_text_init(&name, ctx);
    tdagi_text_printf(&name, "%s.%ld.tmp", path, (long)getpid());
    if (name.status != TDAG_OK) return name.status;
    tdag_status st = TDAG_OK;
    const tdag_shim_value *root = tdagi_table_get(&s->handles, &s->tree->root, 0);
    if (s->api->module_save(s->session, root, name.data, &error))
        st =
            tdagi_fail(ctx, TDAG_E_IO, "%s cannot be written: %s", path, error.message);
    if (st == TDAG_OK) st = ask(ctx, name.data, check);
    if (st == TDAG_OK && rename(name.data, path) != 0)
        st = tdagi_fail(ctx, TDAG_E_IO, "%s cannot be written: %s", path,
                        strerror(errno));
    if (st != TDAG_OK) remove(name.data);
    tdagi_text_free(&name);
    return st;
}

tdag_status tdagi_tree_write_by_shim(tdagi_tree *t, const char *source,
                                     const char *path, const tdagi_tree_check *check,
                                     const tdag_shim_api *api,
                                     tdag_shim_session *session)
{
    saving s = {.tree = t, .api = api, .session = session};
    const tdag_shim_value *root = NULL;
    tdag_shim_error error = {""};
    if (api->module_create(session, "__torch__.Model", &root, &error))
        return failed(&s, &error);
    TDAGI_TRY(keep(&s, &t->root, root));
    for (const tdagi_tree_module *m = &t->root; m != NULL; m = m->next)
        TDAGI_TRY(fill(&s, m));
    if (api->module_define(session, root, source, &error))
        return tdagi_fail(t->ctx, TDAG_E_SHIM,
                          "PyTorch does not compile the export: %s", error.message);
    return save(&s, path, check);
}
