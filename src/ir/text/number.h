/* One element of a tensor as text that reads back to the same bits. */
#ifndef TDAGI_TEXT_NUMBER_H
#define TDAGI_TEXT_NUMBER_H

#include "base/number_text.h"
#include "base/tensor.h"

/* 12, -0, 0.1, inf, true; a NaN that is not the usual one with its bits: nan(0x7e01).
 */
void tdagi_element_text(const tdag_tensor *t, int64_t i,
                        char buf[TDAGI_NUMBER_TEXT_SIZE]);
/* Reads that text, all n bytes of it. False if it is no element of this dtype. */
bool tdagi_element_parse(tdag_tensor *t, int64_t i, const char *text, size_t n);
/* The same for a double of a spec. */
void tdagi_double_text(double value, char buf[TDAGI_NUMBER_TEXT_SIZE]);
bool tdagi_double_parse(const char *text, size_t n, double *out);

#endif
