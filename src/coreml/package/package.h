/* Core ML's files on disk: packages (a folder with a manifest, a model and weights) and
 * bare .mlmodel files. */
#ifndef TDAGI_PACKAGE_H
#define TDAGI_PACKAGE_H

#include "archive/mapping.h"
#include "base/ctx.h"
#include "base/tensor.h"
#include "coreml/package/inside.h"
#include "coreml/proto/protobuf.h"

#define TDAGI_MANIFEST       "Manifest.json"
#define TDAGI_PACKAGE_AUTHOR "com.apple.CoreML" /* and the folder of its files */

/* ---- reading ---- */
typedef struct tdagi_package {
    tdag_ctx *ctx;
    const char *what;  /* the path, for sentences */
    tdagi_arena arena; /* of the message */
    const Cml__Model *model;
    struct tdagi_weight_file *weights; /* those opened so far */
    tdagi_inside folder; /* the model's, where weights are looked for; fd < 0: a bare
                            file, which has none */
} tdagi_package;

/* Whether a path is a folder with a file of that name in it. */
bool tdagi_package_has(const char *path, const char *name);
/* Whether it is one with a manifest. */
bool tdagi_package_is(const char *path);
/* Maps the model's file, of a package or a bare one, and reads its message. Paths of
 * the manifest stay within the package, links are not followed out of it. Errors: E_IO,
 * E_FORMAT, E_LIMIT, E_NOMEM, E_UNSUPPORTED. */
tdag_status tdagi_package_open(tdag_ctx *ctx, const char *path, tdagi_package *out);
/* The same of a bare file's bytes, mapped already and not needed any longer than the
 * call. */
tdag_status tdagi_package_open_bytes(tdag_ctx *ctx, const tdagi_mapping *mapping,
                                     const char *what, tdagi_package *out);
void tdagi_package_close(tdagi_package *p);

/* A record of a weight file. */
typedef struct tdagi_blob {
    uint32_t dtype;   /* the format's own number: TDAGI_BLOB_..., a known one */
    const void *data; /* mapped; aligned to 64 bytes */
    uint64_t size;    /* bytes */
    uint64_t padding_bits;
    tdagi_mapping *mapping; /* lent: retain it to keep the data */
} tdagi_blob;
/* Errors: E_FORMAT (outside the file, not aligned, a name that leaves the package, a
 * size that is no number of elements), E_UNSUPPORTED (another version or dtype), E_IO
 * (no such file), E_NOMEM. */
tdag_status tdagi_package_blob(tdagi_package *p, const Cml__BlobFileValue *at,
                               tdagi_blob *out);

/* ---- writing ---- */
typedef struct tdagi_package_writer tdagi_package_writer;
/* Makes a folder beside `path`, which finish() puts in its place. Errors: E_IO (what is
 * there is no package, and stays), E_ARG (an empty path), E_NOMEM. */
tdag_status tdagi_package_create(tdag_ctx *ctx, const char *path,
                                 tdagi_package_writer **out);
/* Appends a record to the weights and writes it through; *at_out points into the arena
 * of the writer and lives as long as that. blob_dtype: TDAGI_BLOB_... */
tdag_status tdagi_package_add_blob(tdagi_package_writer *w, uint32_t blob_dtype,
                                   const void *data, uint64_t size,
                                   Cml__BlobFileValue **at_out);
/* The same of a tensor's elements; of a mapped one no more than a piece is in memory at
 * once. */
tdag_status tdagi_package_add_tensor(tdagi_package_writer *w, uint32_t blob_dtype,
                                     const tdag_tensor *t, Cml__BlobFileValue **at_out);
/* Ends the weights and writes the message and the manifest: a whole package stands at
 * tdagi_package_path() then, where it can be read again before it replaces another. */
tdag_status tdagi_package_write(tdagi_package_writer *w, const Cml__Model *model);
const char *tdagi_package_path(const tdagi_package_writer *w); /* lent */
/* Puts the package in its place at once, after tdagi_package_write() unless that was
 * called before (model may be NULL then). A package that was there is removed when the
 * new one has its name. */
tdag_status tdagi_package_finish(tdagi_package_writer *w, const Cml__Model *model);
/* Frees the writer; removes what was written, if it is not finished. NULL is fine. */
void tdagi_package_writer_free(tdagi_package_writer *w);

/* ---- dtypes ---- */
enum tdagi_blob_dtype {
    TDAGI_BLOB_F16 = 1,
    TDAGI_BLOB_F32 = 2,
    TDAGI_BLOB_U8 = 3,
    TDAGI_BLOB_I8 = 4,
    TDAGI_BLOB_BF16 = 5,
    TDAGI_BLOB_I16 = 6,
    TDAGI_BLOB_U16 = 7,
    TDAGI_BLOB_I4 = 8,
    TDAGI_BLOB_U1 = 9,
    TDAGI_BLOB_U2 = 10,
    TDAGI_BLOB_U4 = 11,
    TDAGI_BLOB_U3 = 12,
    TDAGI_BLOB_U6 = 13,
    TDAGI_BLOB_I32 = 14,
    TDAGI_BLOB_U32 = 15,
    TDAGI_BLOB_F8E4M3 = 16,
    TDAGI_BLOB_F8E5M2 = 17,
};
uint32_t tdagi_blob_bits(uint32_t dtype); /* of an element; 0: no such dtype */
/* The type's numbers in programs. */
enum tdagi_mil_dtype {
    TDAGI_MIL_BOOL = 1,
    TDAGI_MIL_STRING = 2,
    TDAGI_MIL_F16 = 10,
    TDAGI_MIL_F32 = 11,
    TDAGI_MIL_F64 = 12,
    TDAGI_MIL_BF16 = 13,
    TDAGI_MIL_I8 = 21,
    TDAGI_MIL_I16 = 22,
    TDAGI_MIL_I32 = 23,
    TDAGI_MIL_I64 = 24,
    TDAGI_MIL_I4 = 25,
    TDAGI_MIL_U8 = 31,
    TDAGI_MIL_U16 = 32,
    TDAGI_MIL_U32 = 33,
    TDAGI_MIL_U64 = 34,
    TDAGI_MIL_U4 = 35,
    TDAGI_MIL_U2 = 36,
    TDAGI_MIL_U1 = 37,
    TDAGI_MIL_U6 = 38,
    TDAGI_MIL_U3 = 39,
};

#endif
