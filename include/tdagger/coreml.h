/* Core ML's files in and out: .mlpackage folders and .mlmodel files. No macOS, no
 * Python and nothing of Apple's is needed; nothing of a file is executed. A library
 * that was built without Core ML answers with E_UNSUPPORTED. */
#ifndef TDAGGER_COREML_H
#define TDAGGER_COREML_H

#include <tdagger/model.h>

TDAG_BEGIN_DECLS

typedef struct tdag_coreml_options {
    size_t size;    /* set by tdag_coreml_options_init() */
    uint32_t flags; /* TDAG_COREML_*; another bit is TDAG_E_ARG */
    /* Writing: the system that has to run it, as the version of its iOS (15, 16, 17,
     * 18, 26); 0: the oldest that can express the model. */
    uint32_t target;
} tdag_coreml_options;
enum {
    /* Reading: keep operators that are not known as opaque nodes, of the types that the
     * file tells. */
    TDAG_COREML_OPAQUE = 1,
    TDAG_COREML_F16 = 2,      /* writing: f32 as f16 */
    TDAG_COREML_NO_CHECK = 4, /* writing: the package is not proven */
    /* Writing: a state that Core ML's own, which are fp16, cannot hold is an input and
     * an output, NAME and NAME_out; read again it is a state. */
    TDAG_COREML_STATE_INPUTS = 8
};
TDAG_OPTIONS_INIT(tdag_coreml_options)

/* Reads an ML program or a network of the older format. Weights are mapped, not read.
 * The file tells its inputs; n_inputs may be 0. Sizes that it leaves open are symbols,
 * with the defaults as samples; specs give them names, samples or numbers as in
 * tdag_from_pt2(). Functions become methods, states states. Errors: E_IO, E_FORMAT,
 * E_LIMIT, E_ARG, E_SHAPE, E_DTYPE, E_UNSUPPORTED, E_NOMEM. options may be NULL. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_from_coreml(
    tdag_ctx *ctx, const char *path, const tdag_input_spec *inputs, uint32_t n_inputs,
    const tdag_coreml_options *options, tdag_model **out);

/* Writes a model as an ML program, raised to Core ML's operators; methods become
 * functions, checks are left out. The package is written beside the old one, read again
 * and, of a model of one graph, proven, and then replaces it. Errors:
 * E_ARG, E_IO, E_UNSUPPORTED (what Core ML cannot express, by name), E_LIMIT,
 * E_INTERNAL, E_NOMEM. options may be NULL. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_to_coreml(tdag_ctx *ctx,
                                                    const tdag_model *model,
                                                    const char *path,
                                                    const tdag_coreml_options *options);

TDAG_END_DECLS

#endif
