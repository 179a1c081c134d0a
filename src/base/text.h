/* Growing text: what printers append to. Errors stick, so a chain of appends needs one
 * check, by tdagi_text_take(). */
#ifndef TDAGI_TEXT_H
#define TDAGI_TEXT_H

#include "base/ctx.h"

typedef struct tdagi_text {
    tdag_ctx *ctx;
    char *data; /* NULL until something was appended; always terminated */
    size_t length;
    size_t capacity; /* bytes of the block */
    tdag_status status;
} tdagi_text;

void tdagi_text_init(tdagi_text *text, tdag_ctx *ctx);
void tdagi_text_free(tdagi_text *text); /* leaves it empty and usable */
void tdagi_text_add(tdagi_text *text, const char *piece);
void tdagi_text_add_bytes(tdagi_text *text, const char *piece, size_t n);
void tdagi_text_printf(tdagi_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Appends UTF-8 text as a string of JSON, in quotes. */
void tdagi_text_add_json(tdagi_text *to, const char *text);
/* Hands the block over as a string of exactly length + 1 bytes, as tdagi_strdup() makes
 * and tdagi_strfree() and tdag_text_free() free; or frees it and returns the status. */
tdag_status tdagi_text_take(tdagi_text *text, char **out);

/* The bytes of the UTF-8 character at p, below end; 0 if it is none, or U+0000. */
size_t tdagi_utf8_length(const char *p, const char *end);

#endif
