/* The structures of a model's inputs and outputs, as tdagger/model.h has them. */
#ifndef TDAGI_STRUCTURE_H
#define TDAGI_STRUCTURE_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the text is a structure in which n tensors stand. */
bool tdagi_structure_check(const char *text, uint32_t n_tensors);

#endif
