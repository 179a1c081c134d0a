/* Weights that PyTorch 2.6 to 2.8 pickled: a record that is an archive of torch.save()
 * itself, a dict of tensors and the storages that they lie in. Nothing of the pickle is
 * executed; what is no tensor is refused where it is used. */
#include "pt2/read/import.h"

#include <string.h>

#include "archive/pickle.h"
#include "torchscript/storage.h"

static tdag_status malformed(tdagi_pt2 *im, const char *record, const char *why)
{
    return tdagi_fail(im->env.ctx, TDAG_E_FORMAT, "the record %s %s", record, why);
}

/* The archive inside of the record: in the file itself where that is stored, in the
 * memory of the outer archive where it was deflated. */
static tdag_status open_inner(tdagi_pt2 *im, const tdagi_zip_entry *entry,
                              tdagi_zip **out)
{
    tdag_ctx *ctx = im->env.ctx;
    const void *data;
    size_t size;
    tdagi_mapping *outer = tdagi_zip_mapping(im->zip), *m = NULL;
    TDAGI_TRY(tdagi_zip_read(ctx, im->zip, entry, &data, &size));
    bool stays = entry->method == 0;
    if (stays) tdagi_mapping_retain(outer);
    tdag_status st = tdagi_mapping_wrap(
        ctx, data, size, stays ? tdagi_mapping_release : NULL, outer, &m);
    if (st != TDAG_OK) {
        if (stays) tdagi_mapping_release(outer);
        return st;
    }
    st = tdagi_zip_open(ctx, m, entry->name, out);
    tdagi_mapping_release(m);
    return st;
}

/* ---- tensors ---- */

enum { COMPLEX_HALF = 8, UNKNOWN = -1 }; /* scalar types of PyTorch */

static int64_t scalar_type_of(const char *storage)
{
    const tdagi_storage_class *c = tdagi_storage_class_of_name(storage);
    if (c == NULL) return UNKNOWN;
    if (c->is_complex) /* of 4, 8 or 16 bytes */
        return COMPLEX_HALF + (c->size >= 8) + (c->size >= 16);
    return tdagi_scalar_type_of_dtype(c->dtype);
}

static tdagi_pt2_size *sizes_of(tdagi_pt2 *im, const tdagi_pickle *const *numbers,
                                uint32_t n)
{
    tdagi_pt2_size *sizes = tdagi_env_alloc(&im->env, (n + 1u) * sizeof(*sizes));
    for (uint32_t i = 0; sizes != NULL && i < n; i++)
        sizes[i] = (tdagi_pt2_size){.number = numbers[i]->u.i, .has_number = true};
    return sizes;
}

static tdag_status fill(tdagi_pt2 *im, tdagi_pt2_weight *w, const tdagi_pickle *v)
{
    const tdagi_pickle *args;
    tdagi_pickle_tensor t;
    bool is_tensor;
    TDAGI_TRY(tdagi_pickle_get_tensor(im->env.ctx, v, &is_tensor, &t));
    w->is_pickled = !is_tensor || t.is_quantized;
    w->path = "";
    if (w->is_pickled) return TDAG_OK;
    w->is_parameter = tdagi_pickle_applies(v, "torch._utils _rebuild_parameter", &args);
    w->path = tdagi_env_text(&im->env, "data/%s", t.key);
    w->has_meta = true;
    w->meta = (tdagi_pt2_meta){
        .scalar_type = scalar_type_of(t.storage_type),
        .layout = 7,
        .rank = t.rank,
        .n_strides = t.rank,
        .sizes = sizes_of(im, t.sizes, t.rank),
        .strides = sizes_of(im, t.strides, t.rank),
        .offset = {.number = t.offset, .has_number = true},
    };
    return tdagi_env_ok(&im->env) ? TDAG_OK : im->env.status;
}

/* ---- the dict ---- */

static tdag_status read_pair(tdagi_pt2 *im, tdagi_pt2_config *config, bool is_kept,
                             const char *record, const tdagi_pickle *const *pair)
{
    const tdagi_pickle *key = pair[0];
    uint32_t before = config->names.n;
    if (key->kind != TDAGI_PICKLE_STRING || strlen(key->u.s) != key->n)
        return malformed(im, record, "has a weight without a name");
    tdagi_pt2_weight *w =
        tdagi_pt2_intern(&config->names, key->u.s, strlen(key->u.s), sizeof(*w));
    if (w == NULL) return tdagi_nomem(im->env.ctx);
    if (config->names.n == before) return malformed(im, record, "has a weight twice");
    TDAGI_TRY(fill(im, w, pair[1]));
    TDAGI_TRY(tdagi_pt2_find_record(im, config->zip,
                                    tdagi_env_text(&im->env, "%s/", record), w));
    w->record->is_kept = is_kept;
    *config->last = w;
    config->last = &w->next;
    return TDAG_OK;
}

/* Elements are taken as little-endian, which is all that is written since long. */
static tdag_status check_order(tdagi_pt2 *im, tdagi_zip *zip, const char *record)
{
    const tdagi_zip_entry *entry = tdagi_zip_find(zip, "byteorder");
    const void *text;
    size_t size;
    if (entry == NULL) return TDAG_OK;
    TDAGI_TRY(tdagi_zip_read(im->env.ctx, zip, entry, &text, &size));
    if (size == 6 && memcmp(text, "little", 6) == 0) return TDAG_OK;
    return tdagi_fail(im->env.ctx, TDAG_E_UNSUPPORTED,
                      "%s: elements that are not little-endian", record);
}

static tdag_status read_dict(tdagi_pt2 *im, tdagi_pt2_config *config, bool is_kept,
                             const char *record)
{
    tdagi_zip *zip = config->zip;
    const tdagi_zip_entry *entry = tdagi_zip_find(zip, "data.pkl");
    const tdagi_pickle *dict;
    const void *data;
    size_t size;
    if (entry == NULL) return malformed(im, record, "is no archive of torch.save()");
    TDAGI_TRY(check_order(im, zip, record));
    TDAGI_TRY(tdagi_zip_read(im->env.ctx, zip, entry, &data, &size));
    TDAGI_TRY(
        tdagi_pickle_read(im->env.ctx, &im->env.arena, data, size, record, &dict));
    if (dict->kind != TDAGI_PICKLE_DICT)
        return malformed(im, record, "is no dict of weights");
    for (uint64_t i = 0; i < dict->n; i++)
        TDAGI_TRY(read_pair(im, config, is_kept, record, &dict->u.items[2 * i]));
    return TDAG_OK;
}

tdag_status tdagi_pt2_read_pickled(tdagi_pt2 *im, tdagi_pt2_config *config,
                                   const char *record)
{
    const tdagi_zip_entry *entry = tdagi_zip_find(im->zip, record);
    if (entry == NULL || entry->size == 0) return TDAG_OK;
    TDAGI_TRY(open_inner(im, entry, &config->zip));
    return read_dict(im, config, entry->method == 0, record);
}
