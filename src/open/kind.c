/* Which kind of file this is: by the first bytes, of a zip archive by the names of its
 * records. Folders are packages of Core ML. Files of other tools are known well enough
 * to say what they are. */
#include "open/kind.h"

#include <string.h>

#include "archive/zip.h"
#include "base/ctx.h"
#include "coreml/file.h"

/* ---- archives ---- */

static bool has_folder(const tdagi_zip *zip, const char *folder)
{
    for (uint32_t i = 0; i < tdagi_zip_count(zip); i++)
        if (strncmp(tdagi_zip_entry_at(zip, i)->name, folder, strlen(folder)) == 0)
            return true;
    return false;
}

/* Archives that hold no model of ours, by a record or folder that they have. */
static const struct {
    const char *name, *is;
} archives[] = {
    {"model.json", "a TorchScript archive of PyTorch 1.3 or older; load and save it "
                   "with PyTorch 1.4 to 1.10"},
    {"tensors/", "a TorchScript archive of PyTorch 1.3 or older; load and save it "
                 "with PyTorch 1.4 to 1.10"},
    {"data/aotinductor/", "an archive of compiled code (AOTInductor), which holds no "
                          "program"},
    {"data.pkl", "a checkpoint of torch.save(), which holds weights or pickled Python "
                 "objects but no program; save the module with torch.jit.save() or "
                 "torch.export.save()"},
    {"Manifest.json", "a Core ML package in a zip archive; unpack it first"},
    {"model.weights.h5", "a Keras model"},
    {"[Content_Types].xml", "an office document"},
    {"META-INF/", "a Java archive"},
};

static tdag_status kind_of_archive(tdag_ctx *ctx, const tdagi_zip *zip,
                                   const char *what, tdag_file_kind *out)
{
    bool is_pt2 = tdagi_zip_find(zip, "archive_format") != NULL ||
                  tdagi_zip_find(zip, "serialized_exported_program.json") != NULL;
    bool is_script =
        tdagi_zip_find(zip, "constants.pkl") != NULL || has_folder(zip, "code/");
    if (is_pt2 && has_folder(zip, "data/aotinductor/") && !has_folder(zip, "models/"))
        is_pt2 = false;
    bool is_old = tdagi_zip_find(zip, "model.json") != NULL;
    *out = is_pt2                 ? TDAG_FILE_PT2
           : is_script && !is_old ? TDAG_FILE_TORCHSCRIPT
                                  : TDAG_FILE_UNKNOWN;
    if (*out != TDAG_FILE_UNKNOWN) return TDAG_OK;
    for (size_t i = 0; i < sizeof(archives) / sizeof(*archives); i++)
        if (tdagi_zip_find(zip, archives[i].name) != NULL ||
            has_folder(zip, archives[i].name))
            return tdagi_fail(ctx, TDAG_E_UNSUPPORTED, "%s is %s", what,
                              archives[i].is);
    return tdagi_fail(ctx, TDAG_E_UNSUPPORTED,
                      "%s is a zip archive without a model of PyTorch in it", what);
}

static tdag_status open_archive(tdag_ctx *ctx, tdagi_mapping *mapping, const char *what,
                                tdag_file_kind *out)
{
    tdagi_zip *zip = NULL;
    TDAGI_TRY(tdagi_zip_open(ctx, mapping, what, &zip));
    tdag_status st = kind_of_archive(ctx, zip, what, out);
    tdagi_zip_close(zip);
    return st;
}

/* ---- first bytes ---- */

static const struct {
    uint32_t at, n;
    const char *bytes, *is;
} magics[] = {
    {4, 4, "TFL3", "a TensorFlow Lite model"},
    {4, 4, "ET12", "an ExecuTorch program"},
    {0, 8, "\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras writes them"},
    {0, 4, "GGUF", "a GGUF file, which holds weights but no program"},
    {0, 6, "\x93NUMPY", "a NumPy array"},
    {0, 4,
     "\x7f"
     "ELF",
     "compiled code"},
    {0, 2, "\x1f\x8b", "compressed by gzip; unpack it first"},
    {0, 6,
     "\xfd"
     "7zXZ\0",
     "compressed by xz; unpack it first"},
    {0, 4, "\x28\xb5\x2f\xfd", "compressed by zstd; unpack it first"},
    {257, 5, "ustar", "a tar archive; unpack it first"},
};

/* A pickle of protocol 2 to 5: torch.save() before zip archives. */
static bool is_pickle(const unsigned char *p, size_t n)
{
    return n > 2 && p[0] == 0x80 && p[1] >= 2 && p[1] <= 5;
}

/* Protobuf of ONNX: its version, then a message or text of it. */
static bool is_onnx(const unsigned char *p, size_t n)
{
    return n > 4 && p[0] == 0x08 && p[1] < 32 && (p[2] == 0x12 || p[2] == 0x1a);
}

/* A length that the file has, then a JSON object. */
static bool is_safetensors(const unsigned char *p, size_t n)
{
    uint64_t length = 0;
    for (uint32_t i = 0; i < 8 && n > 8; i++)
        length |= (uint64_t)p[i] << 8 * i;
    return n > 8 && length > 0 && p[8] == '{';
}

/* "tdag 1" after spaces and comments. */
static bool is_text(const unsigned char *p, size_t n)
{
    const unsigned char *end = p + n;
    bool in_comment = false;
    for (; p < end; p++) {
        if (*p == '#') in_comment = true;
        if (*p == '\n') in_comment = false;
        if (!in_comment && *p != ' ' && *p != '\n' && *p != '\r' && *p != '\t') break;
    }
    return end - p > 5 && memcmp(p, "tdag ", 5) == 0;
}

static const char *other_kind(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < sizeof(magics) / sizeof(*magics); i++)
        if (n >= magics[i].at + magics[i].n &&
            memcmp(p + magics[i].at, magics[i].bytes, magics[i].n) == 0)
            return magics[i].is;
    if (is_pickle(p, n))
        return "a pickle, as torch.save() wrote them before PyTorch 1.6, which holds "
               "no program; save the module with torch.jit.save() or "
               "torch.export.save()";
    return is_onnx(p, n) ? "an ONNX model" : NULL;
}

tdag_status tdagi_file_kind(tdag_ctx *ctx, tdagi_mapping *mapping, const char *what,
                            tdag_file_kind *out)
{
    const unsigned char *p = tdagi_mapping_data(mapping);
    size_t n = tdagi_mapping_size(mapping);
    *out = TDAG_FILE_UNKNOWN;
    if (tdagi_zip_is(p, n)) return open_archive(ctx, mapping, what, out);
    if (is_text(p, n)) *out = TDAG_FILE_TEXT;
    if (tdagi_coreml_is_model(p, n)) *out = TDAG_FILE_COREML;
    if (*out != TDAG_FILE_UNKNOWN) return TDAG_OK;
    const char *is = other_kind(p, n);
    if (is != NULL) return tdagi_fail(ctx, TDAG_E_UNSUPPORTED, "%s is %s", what, is);
    if (is_safetensors(p, n)) *out = TDAG_FILE_TDAG;
    return TDAG_OK;
}

tdag_status tdag_file_get_kind(tdag_ctx *ctx, const char *path, tdag_file_kind *out)
{
    tdagi_mapping *mapping = NULL;
    tdag_file_kind kind;
    TDAGI_TRY(tdagi_need(ctx, path, "path"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    if (tdagi_coreml_is_folder(path)) {
        *out = TDAG_FILE_COREML;
        return TDAG_OK;
    }
    TDAGI_TRY(tdagi_mapping_open(ctx, path, 0, &mapping));
    tdag_status st = tdagi_file_kind(ctx, mapping, path, &kind);
    tdagi_mapping_release(mapping);
    if (st == TDAG_OK) *out = kind;
    return st;
}
