/* TorchScript inside the library: read from bytes that are in memory already. */
#ifndef TDAGI_TORCHSCRIPT_H
#define TDAGI_TORCHSCRIPT_H

#include <tdagger/torch.h>

#include "archive/mapping.h"

/* What was read of an archive, for who reads it again; zeroes to begin with. */
typedef struct tdagi_torchscript_kept {
    struct tdag_shim_session *session;
    const struct tdag_shim_value *module;
} tdagi_torchscript_kept;
void tdagi_torchscript_drop(tdagi_torchscript_kept *kept);

typedef struct tdagi_torchscript_file {
    tdagi_mapping *mapping;       /* NULL: it is read from the path `what` */
    const char *what;             /* what sentences call it */
    bool has_no_gradients;        /* it is read as torch.no_grad() runs it */
    tdagi_torchscript_kept *kept; /* NULL: it is not read again */
} tdagi_torchscript_file;

/* As tdag_from_torchscript(). */
tdag_status tdagi_torchscript_read(tdag_ctx *ctx, const tdagi_torchscript_file *file,
                                   const tdag_input_spec *inputs, uint32_t n_inputs,
                                   const tdag_torchscript_options *options,
                                   tdag_model **out);

#endif
