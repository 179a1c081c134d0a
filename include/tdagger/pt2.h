/* Archives of torch.export (.pt2) out. No PyTorch is needed. */
#ifndef TDAGGER_PT2_H
#define TDAGGER_PT2_H

#include <tdagger/model.h>

TDAG_BEGIN_DECLS

typedef struct tdag_pt2_options {
    size_t size;         /* set by tdag_pt2_options_init() */
    const char *program; /* its name in the archive; NULL: "model", which
                            torch.export.load() asks for */
    uint32_t flags;      /* none yet; a bit is TDAG_E_ARG */
} tdag_pt2_options;
TDAG_OPTIONS_INIT(tdag_pt2_options)

/* Writes the model as torch.export.save() would: raised to the operators that PyTorch
 * has, parameters and buffers under their own names, symbols under theirs. PyTorch 2.9
 * and later load it. Inputs behind the last tensor keep their defaults; named tuples
 * become plain ones. Weights are written through; the file is written beside the old
 * one, which it then replaces. Errors: E_ARG, E_IO, E_UNSUPPORTED (opaque operators,
 * strings as results), E_NOMEM. options may be NULL. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_to_pt2(tdag_ctx *ctx, const tdag_model *model,
                                                 const char *path,
                                                 const tdag_pt2_options *options);

TDAG_END_DECLS

#endif
