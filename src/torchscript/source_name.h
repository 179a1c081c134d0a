/* Names and strings as TorchScript's source has them. */
#ifndef TDAGI_SOURCE_NAME_H
#define TDAGI_SOURCE_NAME_H

#include "base/text.h"

/* An identifier that is no word of the language. */
bool tdagi_source_is_name(const char *s);
/* A string literal of ASCII characters alone. */
void tdagi_source_quote(tdagi_text *to, const char *s);

#endif
