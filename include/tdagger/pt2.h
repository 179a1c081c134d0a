/* Archives of torch.export (.pt2) in and out. No PyTorch is needed, and nothing of a
 * file is executed: its programs are read as data. */
#ifndef TDAGGER_PT2_H
#define TDAGGER_PT2_H

#include <tdagger/model.h>

TDAG_BEGIN_DECLS

typedef struct tdag_pt2_options {
    size_t size;         /* set by tdag_pt2_options_init() */
    const char *program; /* its name in the archive; NULL: "model", which
                            torch.export.load() asks for, or the only one */
    uint32_t flags;      /* TDAG_PT2_*; another bit is TDAG_E_ARG */
} tdag_pt2_options;
enum {
    /* Reading: keep operators that are not known as opaque nodes, of the types that the
     * file tells; that they write into no argument is taken for granted. */
    TDAG_PT2_OPAQUE = 1,
    TDAG_PT2_NO_CHECK = 2 /* writing: the file is not proven */
};
TDAG_OPTIONS_INIT(tdag_pt2_options)

/* Reads a file that torch.export.save() of PyTorch 2.6 or later wrote. Weights are
 * mapped, not read; copied where they are not aligned, as 2.6 to 2.8 leave them. The
 * file tells its inputs, so n_inputs may be 0; free sizes are then symbols of their
 * names in the file, with the example's sizes as samples. Else there is one spec per
 * tensor input, by name where all have the program's names, in order otherwise: where a
 * size is free, a symbol gives it that name and sample, a number fixes it. Unsupported
 * operators and all state that a program updates are reported in one message, each with
 * its module path and source line.
 * Errors: E_IO, E_FORMAT, E_LIMIT, E_ARG (inputs, sizes out of range, no program of
 * that name), E_SHAPE, E_DTYPE, E_UNSUPPORTED (also files of 2.5 and older), E_NOMEM.
 * options may be NULL. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_from_pt2(tdag_ctx *ctx, const char *path,
                                                   const tdag_input_spec *inputs,
                                                   uint32_t n_inputs,
                                                   const tdag_pt2_options *options,
                                                   tdag_model **out);

/* Writes the model as torch.export.save() would: raised to the operators that PyTorch
 * has, parameters and buffers under their own names, symbols under theirs. PyTorch 2.9
 * and later load it. Inputs behind the last tensor keep their defaults; named tuples
 * become plain ones. Weights are written through; the file is written beside the old
 * one, read again and proven as tdag_to_torchscript() does, and then replaces it.
 * Errors: E_ARG, E_IO, E_UNSUPPORTED (opaque operators, strings as results),
 * E_INTERNAL, E_NOMEM. options may be NULL. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_to_pt2(tdag_ctx *ctx, const tdag_model *model,
                                                 const char *path,
                                                 const tdag_pt2_options *options);

TDAG_END_DECLS

#endif
