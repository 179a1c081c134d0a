/* See json_write.h. */
#include "analysis/json_write.h"

#include <inttypes.h>

#include "base/dim/type_text.h"

#define LINED_DEPTH 2 /* items of containers up to this depth get a line each */

static void add_quoted(tdagi_text *text, const char *s)
{
    tdagi_text_add_bytes(text, "\"", 1);
    for (const char *from = s;; s++) {
        unsigned char c = (unsigned char)*s;
        if (c >= 0x20 && c != '"' && c != '\\') continue;
        tdagi_text_add_bytes(text, from, (size_t)(s - from));
        if (c == '\0') break;
        if (c == '"' || c == '\\')
            tdagi_text_printf(text, "\\%c", c);
        else
            tdagi_text_printf(text, "\\u%04x", c);
        from = s + 1;
    }
    tdagi_text_add_bytes(text, "\"", 1);
}

static void new_line(tdagi_writer *json)
{
    tdagi_text_add_bytes(&json->text, "\n", 1);
    for (uint32_t i = 0; i < json->depth; i++)
        tdagi_text_add_bytes(&json->text, "  ", 2);
}

static bool is_lined(const tdagi_writer *json, uint32_t depth)
{
    return depth <= LINED_DEPTH || (depth < 64 && json->lined >> depth & 1);
}

static void begin_item(tdagi_writer *json, const char *key)
{
    if (json->has_items) tdagi_text_add_bytes(&json->text, ",", 1);
    if (json->depth > 0 && is_lined(json, json->depth))
        new_line(json);
    else if (json->has_items)
        tdagi_text_add_bytes(&json->text, " ", 1);
    json->has_items = true;
    if (key == NULL) return;
    add_quoted(&json->text, key);
    tdagi_text_add_bytes(&json->text, ": ", 2);
}

void tdagi_write_open(tdagi_writer *json, const char *key, char bracket)
{
    begin_item(json, key);
    tdagi_text_add_bytes(&json->text, &bracket, 1);
    json->depth++;
    json->has_items = false;
}

void tdagi_write_open_lines(tdagi_writer *json, const char *key, char bracket)
{
    tdagi_write_open(json, key, bracket);
    if (json->depth < 64) json->lined |= UINT64_C(1) << json->depth;
}

void tdagi_write_close(tdagi_writer *json, char bracket)
{
    bool lined = is_lined(json, json->depth);
    if (json->depth < 64) json->lined &= ~(UINT64_C(1) << json->depth);
    json->depth--;
    if (json->has_items && lined) new_line(json);
    tdagi_text_add_bytes(&json->text, &bracket, 1);
    json->has_items = true;
}

void tdagi_write_string(tdagi_writer *json, const char *key, const char *value)
{
    begin_item(json, key);
    add_quoted(&json->text, value);
}

void tdagi_write_int(tdagi_writer *json, const char *key, int64_t value)
{
    begin_item(json, key);
    tdagi_text_printf(&json->text, "%" PRId64, value);
}

/* A formula, quoted; formulas need no escapes. */
static void add_formula(tdagi_text *text, const tdagi_pool *pool, tdag_dim value)
{
    tdagi_text_add_bytes(text, "\"", 1);
    tdagi_text_add_dim(text, pool, value);
    tdagi_text_add_bytes(text, "\"", 1);
}

void tdagi_write_count(tdagi_writer *json, const char *key, const tdagi_pool *pool,
                       tdag_dim value)
{
    int64_t number = 0;
    if (value != TDAGI_DIM_BAD && tdagi_dim_is_const(pool, value, &number)) {
        tdagi_write_int(json, key, number);
        return;
    }
    begin_item(json, key);
    tdagi_text_add(&json->text, "{\"formula\": ");
    add_formula(&json->text, pool, value);
    tdagi_text_printf(&json->text, ", \"at_sample\": %" PRId64 "}",
                      tdagi_dim_sample(pool, value));
}

void tdagi_write_shape(tdagi_writer *json, const char *key, const tdagi_pool *pool,
                       uint32_t rank, const tdag_dim *shape)
{
    begin_item(json, key);
    tdagi_text_add_bytes(&json->text, "[", 1);
    for (uint32_t i = 0; i < rank; i++) {
        int64_t number = 0;
        if (i > 0) tdagi_text_add_bytes(&json->text, ", ", 2);
        if (tdagi_dim_is_const(pool, shape[i], &number))
            tdagi_text_printf(&json->text, "%" PRId64, number);
        else
            add_formula(&json->text, pool, shape[i]);
    }
    tdagi_text_add_bytes(&json->text, "]", 1);
}

void tdagi_write_append(tdagi_writer *json, const tdagi_text *items)
{
    if (items->status != TDAG_OK && json->text.status == TDAG_OK)
        json->text.status = items->status;
    if (items->length == 0) return;
    tdagi_text_add_bytes(&json->text, items->data, items->length);
    json->has_items = true;
}
