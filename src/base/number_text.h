/* Floating numbers as text and back, whatever the host's locale says. */
#ifndef TDAGI_NUMBER_TEXT_H
#define TDAGI_NUMBER_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#define TDAGI_NUMBER_TEXT_SIZE 40

/* At most `digits` (1..17) significant ones, as %g writes them; inf, -inf and nan too.
 */
void tdagi_f64_text(double value, int digits, char buf[TDAGI_NUMBER_TEXT_SIZE]);
/* The shortest text that reads back as the same double. */
void tdagi_f64_shortest(double value, char buf[TDAGI_NUMBER_TEXT_SIZE]);
/* Reads [-+]digits[.digits][e[-+]digits] or [-]inf or nan, all of the n bytes. False if
 * they are something else, or a number beyond the range. */
bool tdagi_f64_parse(const char *text, size_t n, double *out);

#endif
