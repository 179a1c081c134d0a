/* See file.h. A bare model is known by its fields: a version, a description, and one of
 * many kinds of models, whose numbers are far from those of other formats. */
#include "coreml/file.h"

#include "coreml/coreml.h"
#include "coreml/package/metadata.h"

/* ---- bare models ---- */

static uint64_t take_varint(const unsigned char **p, const unsigned char *end)
{
    uint64_t value = 0;
    for (uint32_t shift = 0; *p < end && shift < 64; shift += 7) {
        unsigned char byte = *(*p)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return value;
    }
    *p = end;
    return value;
}

bool tdagi_coreml_is_model(const unsigned char *p, size_t n)
{
    const unsigned char *end = p + n;
    if (n == 0 || *p != 0x08) return false; /* the version comes first */
    while (p < end) {
        uint64_t tag = take_varint(&p, end), value = take_varint(&p, end);
        bool has_length = (tag & 7) == 2;
        if (has_length && tag >> 3 >= 200 && tag >> 3 <= 3000) return true;
        if (tag != 0x08 && tag != 0x12 && tag != 0x50) return false;
        if (!has_length) continue;
        if (value > (uint64_t)(end - p)) return false;
        p += value;
    }
    return false;
}

/* ---- packages ---- */

static bool is_compiled(const char *path)
{
    return tdagi_package_has(path, "coremldata.bin");
}

bool tdagi_coreml_is_folder(const char *path)
{
    return tdagi_package_is(path) || is_compiled(path);
}

tdag_status tdagi_coreml_open(tdag_ctx *ctx, const tdagi_mapping *mapping,
                              const char *what, const tdag_input_spec *inputs,
                              uint32_t n_inputs, const tdag_coreml_options *options,
                              tdag_model **out)
{
    tdagi_package package;
    if (mapping == NULL && is_compiled(what))
        return tdagi_fail(ctx, TDAG_E_UNSUPPORTED,
                          "%s is a compiled Core ML model, which is for one system "
                          "only; the .mlpackage that it was made of is read",
                          what);
    TDAGI_TRY(mapping == NULL ? tdagi_package_open(ctx, what, &package)
                              : tdagi_package_open_bytes(ctx, mapping, what, &package));
    tdag_model *model = NULL;
    tdag_status st = tdagi_coreml_read(&package, inputs, n_inputs, options, &model);
    if (st == TDAG_OK) st = tdagi_metadata_read(ctx, package.model->description, model);
    tdagi_package_close(&package);
    if (st == TDAG_OK)
        *out = model;
    else
        tdag_model_free(model);
    return st;
}
