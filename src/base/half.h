/* f16 and bf16 to f32 and back, rounding to nearest even, NaN stays NaN. */
#ifndef TDAGI_HALF_H
#define TDAGI_HALF_H

#include <stdint.h>

float tdagi_f16_to_f32(uint16_t h);
uint16_t tdagi_f32_to_f16(float f);
uint16_t tdagi_f64_to_f16(double d); /* one rounding */
float tdagi_bf16_to_f32(uint16_t h);
uint16_t tdagi_f32_to_bf16(float f);
uint16_t tdagi_f64_to_bf16(double d); /* one rounding */

#endif
