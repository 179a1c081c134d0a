/* What src/open knows of Core ML; there in a library without it, too. */
#ifndef TDAGI_COREML_FILE_H
#define TDAGI_COREML_FILE_H

#include <stdbool.h>

#include <tdagger/coreml.h>

#include "archive/mapping.h"

/* Whether a path is a package, or one that was compiled, which holds no program that is
 * read. */
bool tdagi_coreml_is_folder(const char *path);
/* Whether bytes are those of a bare model: fields of one, as far as they go. */
bool tdagi_coreml_is_model(const unsigned char *p, size_t n);

/* As tdag_from_coreml(), of what sentences call `what`: the bytes of a bare model, or,
 * where mapping is NULL, the path of a package. */
tdag_status tdagi_coreml_open(tdag_ctx *ctx, const tdagi_mapping *mapping,
                              const char *what, const tdag_input_spec *inputs,
                              uint32_t n_inputs, const tdag_coreml_options *options,
                              tdag_model **out);

#endif
