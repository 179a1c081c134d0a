/* Archives of torch.export inside the library: read from bytes that are mapped already.
 */
#ifndef TDAGI_PT2_PT2_H
#define TDAGI_PT2_PT2_H

#include <tdagger/pt2.h>

#include "archive/mapping.h"

typedef struct tdagi_pt2_file {
    tdagi_mapping *mapping;
    const char *what; /* what sentences call it */
} tdagi_pt2_file;

/* Records of the library's own, which PyTorch hands on as extra files: the structures
 * of arguments and results as tdagger/model.h tells, where pytrees cannot tell them. */
#define TDAGI_PT2_TAKES "extra/tdagger_arguments"
#define TDAGI_PT2_GIVES "extra/tdagger_results"

/* As tdag_from_pt2(). */
tdag_status tdagi_pt2_read(tdag_ctx *ctx, const tdagi_pt2_file *file,
                           const tdag_input_spec *inputs, uint32_t n_inputs,
                           const tdag_pt2_options *options, tdag_model **out);

#endif
