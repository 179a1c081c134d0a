/* See text.h. */
#include "base/text.h"

#include <stdio.h>
#include <string.h>

void tdagi_text_init(tdagi_text *text, tdag_ctx *ctx)
{
    memset(text, 0, sizeof(*text));
    text->ctx = ctx;
}

void tdagi_text_free(tdagi_text *text)
{
    if (text->data != NULL) tdagi_free(text->ctx, text->data, text->capacity);
    tdagi_text_init(text, text->ctx);
}

/* Room for n more bytes and the terminator; false: the status says why. */
static bool reserve(tdagi_text *text, size_t n)
{
    if (text->status != TDAG_OK) return false;
    if (n > SIZE_MAX / 4 - text->length) {
        text->status = tdagi_fail(text->ctx, TDAG_E_OVERFLOW, "a text is too long");
        return false;
    }
    size_t need = text->length + n + 1;
    if (need <= text->capacity) return true;
    size_t capacity = need < 256 ? 256 : need + need / 2;
    void *data = text->data;
    text->status = tdagi_realloc(text->ctx, &data, text->capacity, capacity);
    if (text->status != TDAG_OK) return false;
    text->data = data;
    text->capacity = capacity;
    return true;
}

void tdagi_text_add_bytes(tdagi_text *text, const char *piece, size_t n)
{
    if (!reserve(text, n)) return;
    memcpy(text->data + text->length, piece, n);
    text->length += n;
    text->data[text->length] = '\0';
}

void tdagi_text_add(tdagi_text *text, const char *piece)
{
    tdagi_text_add_bytes(text, piece, strlen(piece));
}

void tdagi_text_printf(tdagi_text *text, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    char most[128]; /* which is long enough for nearly all */
    int n = vsnprintf(most, sizeof most, format, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof most) {
        tdagi_text_add_bytes(text, most, (size_t)n);
    } else if (n >= 0 && reserve(text, (size_t)n)) {
        vsnprintf(text->data + text->length, (size_t)n + 1, format, again);
        text->length += (size_t)n;
    }
    va_end(again);
}

tdag_status tdagi_text_take(tdagi_text *text, char **out)
{
    tdag_status st = text->status;
    void *data = text->data;
    if (st == TDAG_OK)
        st = tdagi_realloc(text->ctx, &data, text->capacity, text->length + 1);
    if (st != TDAG_OK) {
        tdagi_text_free(text);
        text->status = st;
        return st;
    }
    *out = data;
    (*out)[text->length] = '\0';
    tdagi_text_init(text, text->ctx);
    return TDAG_OK;
}

size_t tdagi_utf8_length(const char *p, const char *end)
{
    const unsigned char *u = (const unsigned char *)p;
    size_t n = u[0] < 0x80             ? 1
               : (u[0] & 0xE0) == 0xC0 ? 2
               : (u[0] & 0xF0) == 0xE0 ? 3
               : (u[0] & 0xF8) == 0xF0 ? 4
                                       : 0;
    if (n == 0 || u[0] == 0 || (size_t)(end - p) < n) return 0;
    uint32_t code = n == 1 ? u[0] : u[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((u[i] & 0xC0) != 0x80) return 0;
        code = code << 6 | (u[i] & 0x3F);
    }
    const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    bool surrogate = code >= 0xD800 && code < 0xE000;
    return code < least[n] || code > 0x10FFFF || surrogate ? 0 : n;
}

void tdagi_text_add_json(tdagi_text *to, const char *text)
{
    tdagi_text_add(to, "\"");
    for (const char *p = text; *p != '\0';) {
        size_t plain = 0;
        while (p[plain] != '\0' && p[plain] != '"' && p[plain] != '\\' &&
               (unsigned char)p[plain] >= 0x20)
            plain++;
        tdagi_text_add_bytes(to, p, plain);
        p += plain;
        if (*p == '\0') break;
        if (*p == '"' || *p == '\\')
            tdagi_text_printf(to, "\\%c", *p);
        else if (*p == '\n')
            tdagi_text_add(to, "\\n");
        else
            tdagi_text_printf(to, "\\u%04x", (unsigned)*p);
        p++;
    }
    tdagi_text_add(to, "\"");
}
