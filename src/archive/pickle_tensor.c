/* The rebuilt tensors of PyTorch's pickles, taken apart:
 *   _rebuild_tensor_v2(storage, offset, sizes, strides, requires_grad, hooks[, bits])
 *   _rebuild_qtensor(storage, offset, sizes, strides, quantizer, requires_grad, hooks)
 *   _rebuild_parameter(tensor, requires_grad, hooks)
 * where a storage is persistent: ("storage", class, key, device, number of elements).
 */
#include <string.h>

#include "archive/pickle.h"

static tdag_status malformed(tdag_ctx *ctx, const tdagi_pickle *at, const char *why)
{
    tdagi_fail(ctx, TDAG_E_FORMAT, "a pickled tensor %s", why);
    return tdagi_fail_at_offset(ctx, at->offset);
}

static bool is_size(const tdagi_pickle *v)
{
    return v->kind == TDAGI_PICKLE_INT && v->u.i >= 0;
}

static bool is_string(const tdagi_pickle *v)
{ /* that is no longer than it looks */
    return v->kind == TDAGI_PICKLE_STRING && strlen(v->u.s) == v->n;
}

/* "FloatStorage" of the GLOBAL of a class of storages, or NULL. */
static const char *storage_class(const tdagi_pickle *v)
{
    static const char module[] = "torch ", ending[] = "Storage";
    size_t before = sizeof module - 1, after = sizeof ending - 1;
    if (v->kind != TDAGI_PICKLE_GLOBAL || v->n < before + after) return NULL;
    if (strncmp(v->u.s, module, before) != 0) return NULL;
    return strcmp(v->u.s + v->n - after, ending) == 0 ? v->u.s + before : NULL;
}

static tdag_status read_storage(tdag_ctx *ctx, const tdagi_pickle *v,
                                tdagi_pickle_tensor *out)
{
    if (v->kind != TDAGI_PICKLE_PERSISTENT)
        return malformed(ctx, v, "has a storage that is none");
    const tdagi_pickle *id = v->u.items[0];
    const tdagi_pickle **parts = id->u.items;
    if (id->kind != TDAGI_PICKLE_TUPLE || id->n < 5 || !is_string(parts[0]) ||
        strcmp(parts[0]->u.s, "storage") != 0)
        return malformed(ctx, v, "has a storage with an unknown form of id");
    out->storage_type = storage_class(parts[1]);
    if (out->storage_type == NULL || !is_string(parts[2]) || !is_size(parts[4]))
        return malformed(ctx, v, "has a storage with an unknown form of id");
    out->key = parts[2]->u.s;
    out->storage_count = parts[4]->u.i;
    return TDAG_OK;
}

static tdag_status read_axes(tdag_ctx *ctx, const tdagi_pickle *sizes,
                             const tdagi_pickle *strides, tdagi_pickle_tensor *out)
{
    if (sizes->kind != TDAGI_PICKLE_TUPLE || strides->kind != TDAGI_PICKLE_TUPLE ||
        sizes->n != strides->n || sizes->n > UINT32_MAX)
        return malformed(ctx, sizes,
                         "has sizes and strides that do not fit each other");
    out->rank = (uint32_t)sizes->n;
    out->sizes = sizes->u.items;
    out->strides = strides->u.items;
    for (uint32_t i = 0; i < out->rank; i++)
        if (!is_size(out->sizes[i]) || !is_size(out->strides[i]))
            return malformed(ctx, sizes, "has a size or stride that is none");
    return TDAG_OK;
}

static tdag_status read_parts(tdag_ctx *ctx, const tdagi_pickle *args,
                              tdagi_pickle_tensor *out)
{
    uint64_t grad = out->is_quantized ? 5 : 4;
    const tdagi_pickle **parts = args->u.items;
    if (args->n < grad + 1) return malformed(ctx, args, "has too few parts");
    TDAGI_TRY(read_storage(ctx, parts[0], out));
    if (!is_size(parts[1]) || parts[grad]->kind != TDAGI_PICKLE_BOOL)
        return malformed(ctx, args, "has an offset or a flag that is none");
    out->offset = parts[1]->u.i;
    out->requires_grad = parts[grad]->u.i != 0;
    return read_axes(ctx, parts[2], parts[3], out);
}

/* The tensor inside a parameter, and whether it requires a gradient. */
static tdag_status open_parameter(tdag_ctx *ctx, const tdagi_pickle **v, bool *is,
                                  bool *requires_grad)
{
    const tdagi_pickle *args = NULL;
    *is = tdagi_pickle_applies(*v, "torch._utils _rebuild_parameter", &args);
    if (!*is) return TDAG_OK;
    if (args->n < 2 || args->u.items[1]->kind != TDAGI_PICKLE_BOOL)
        return malformed(ctx, *v, "is a parameter with an unknown form");
    *v = args->u.items[0];
    *requires_grad = args->u.items[1]->u.i != 0;
    return TDAG_OK;
}

tdag_status tdagi_pickle_get_tensor(tdag_ctx *ctx, const tdagi_pickle *v, bool *is_out,
                                    tdagi_pickle_tensor *out)
{
    const tdagi_pickle *args = NULL;
    bool is_parameter = false, requires_grad = false;
    tdagi_pickle_tensor t = {0};
    *is_out = false;
    TDAGI_TRY(open_parameter(ctx, &v, &is_parameter, &requires_grad));
    t.is_quantized = tdagi_pickle_applies(v, "torch._utils _rebuild_qtensor", &args);
    if (!t.is_quantized &&
        !tdagi_pickle_applies(v, "torch._utils _rebuild_tensor_v2", &args))
        return is_parameter ? malformed(ctx, v, "is a parameter of no tensor")
                            : TDAG_OK;
    TDAGI_TRY(read_parts(ctx, args, &t));
    if (is_parameter) t.requires_grad = requires_grad;
    *is_out = true;
    *out = t;
    return TDAG_OK;
}
