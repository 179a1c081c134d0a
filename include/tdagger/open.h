/* Models from any file that the library reads, told apart by what is in them, and from
 * bytes in memory. */
#ifndef TDAGGER_OPEN_H
#define TDAGGER_OPEN_H

#include <tdagger/model.h>
#include <tdagger/torch.h>

TDAG_BEGIN_DECLS

typedef enum tdag_file_kind {
    TDAG_FILE_UNKNOWN = 0, /* nothing that is read */
    TDAG_FILE_TDAG = 1,    /* a .tdag file, or safetensors without a model */
    TDAG_FILE_TEXT = 2,    /* the textual form of a graph */
    TDAG_FILE_TORCHSCRIPT = 3,
    TDAG_FILE_PT2 = 4,    /* an archive of torch.export */
    TDAG_FILE_COREML = 5, /* a package of Core ML, which is a folder, or a bare model */
} tdag_file_kind;

/* What a file is, by its first bytes and, of an archive or folder, by the names in it;
 * nothing else is read. Errors: E_UNSUPPORTED (a file of another kind, which the
 * sentence names: ONNX, a checkpoint of torch.save(), ...), E_FORMAT (an archive that
 * is damaged), E_IO, E_NOMEM. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_file_get_kind(tdag_ctx *ctx, const char *path,
                                                        tdag_file_kind *out);

typedef struct tdag_open_options {
    size_t size;         /* set by tdag_open_options_init() */
    uint32_t flags;      /* TDAG_OPEN_*; another bit is TDAG_E_ARG */
    tdag_file_kind kind; /* TDAG_FILE_UNKNOWN: by its content; else taken as that */
    /* Of TorchScript, NULL: "forward". Of other files: that method alone, NULL: all. */
    const char *method;
    const char *program;   /* of a .pt2 archive; as in tdag_pt2_options */
    const char *shim_path; /* as in tdag_torchscript_options */
    uint32_t reader;       /* likewise */
    /* Likewise. What other files tell themselves must agree with it. */
    const char *const *values;
    uint32_t n_values;
    uint64_t complex_inputs; /* of TorchScript, as in tdag_torchscript_options */
    /* More methods beside `method`; inputs are those of TorchScript. */
    const tdag_torchscript_method *more;
    uint32_t n_more;
} tdag_open_options;
enum { TDAG_OPEN_OPAQUE = 1 /* keep unknown operators as opaque nodes */ };
TDAG_OPTIONS_INIT(tdag_open_options)

/* Reads a model, freed with tdag_model_free(). TorchScript needs `inputs`, the dtype
 * and shape of each flat tensor input in order; a .pt2 archive and Core ML may take
 * them, as tdag_from_pt2() and tdag_from_coreml() tell; other files tell their own,
 * which given ones, if any, must fit. Weights of .tdag, .pt2 and Core ML files are
 * mapped, not read, and stay valid while any tensor of the model lives. The file may
 * come from anywhere: docs/security.md tells what is executed. Errors: those of
 * tdag_file_get_kind(), tdag_load(), tdag_graph_parse(), tdag_from_torchscript(),
 * tdag_from_pt2() and tdag_from_coreml(). options may be NULL.
 */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_open(tdag_ctx *ctx, const char *path,
                                               const tdag_input_spec *inputs,
                                               uint32_t n_inputs,
                                               const tdag_open_options *options,
                                               tdag_model **out);

/* A file that is in memory already. */
typedef struct tdag_bytes {
    const void *data;
    size_t size;
    /* NULL: the bytes are copied if they are needed beyond the call. Else they are used
     * where they stand, and release(user) is called once, by any thread, when nothing
     * of the model points into them any more, perhaps before the call returns; never
     * if the call fails. They must not change until then. */
    void (*release)(void *user);
    void *user;
    const char *name; /* what sentences call it; NULL: "the model" */
} tdag_bytes;

/* The same of bytes in memory; of Core ML a bare model, as a package is several files.
 * Errors: as tdag_open(). */
TDAG_API TDAG_MUST_CHECK tdag_status
tdag_open_memory(tdag_ctx *ctx, const tdag_bytes *bytes, const tdag_input_spec *inputs,
                 uint32_t n_inputs, const tdag_open_options *options, tdag_model **out);

TDAG_END_DECLS

#endif
