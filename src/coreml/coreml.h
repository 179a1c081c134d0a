/* Reading and writing of Core ML, for src/open. */
#ifndef TDAGI_COREML_H
#define TDAGI_COREML_H

#include <tdagger/coreml.h>

#include "coreml/package/package.h"

/* As tdag_from_coreml(), of a package that is open. */
tdag_status tdagi_coreml_read(tdagi_package *package, const tdag_input_spec *inputs,
                              uint32_t n_inputs, const tdag_coreml_options *options,
                              tdag_model **out);

#endif
