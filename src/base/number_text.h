/* Floating numbers as text and back, whatever the host's locale says: nothing else in
 * the library writes or reads one (lint.numbers). Integers have no locale. */
#ifndef TDAGI_NUMBER_TEXT_H
#define TDAGI_NUMBER_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#define TDAGI_NUMBER_TEXT_SIZE 40

/* At most `digits` (1..17) significant ones, as %g writes them; inf, -inf and nan too.
 */
void tdagi_f64_text(double value, int digits, char buf[TDAGI_NUMBER_TEXT_SIZE]);
/* With `decimals` behind the point, as %f writes it; of huge numbers 17 digits. */
void tdagi_f64_fixed(double value, int decimals, char buf[TDAGI_NUMBER_TEXT_SIZE]);
/* The shortest text that reads back as the same double, as a literal of Python and
 * TorchScript: with a point or an exponent, so that it is no integer ("1."); the
 * exponent stands from 10^6 on. (Elements of every dtype: ir/text/number.h.) */
void tdagi_f64_literal(double value, char buf[TDAGI_NUMBER_TEXT_SIZE]);
/* The double that the text of so many significant digits (1..17) reads back as. */
double tdagi_f64_rounded(double value, int digits);
/* Reads [-+]digits[.digits][e[-+]digits] or [-]inf or nan, all of the n bytes. False if
 * they are something else, or a number beyond the range. */
bool tdagi_f64_parse(const char *text, size_t n, double *out);

#endif
