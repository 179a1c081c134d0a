/* Writing JSON: integers of 64 bits stay exact, keys come in the order of the calls.
 * Containers deeper than the first array stand on one line. */
#ifndef TDAGI_JSON_WRITE_H
#define TDAGI_JSON_WRITE_H

#include "base/dim/dim.h"
#include "base/text.h"

typedef struct tdagi_writer {
    tdagi_text text; /* errors stick here */
    uint32_t depth;
    bool has_items; /* of the innermost open container */
    uint64_t lined; /* by depth: its items get a line each, however deep */
} tdagi_writer;

/* key is NULL inside an array and for the outermost value. bracket: '{' or '['. */
void tdagi_write_open(tdagi_writer *json, const char *key, char bracket);
/* The same, with a line for each item. */
void tdagi_write_open_lines(tdagi_writer *json, const char *key, char bracket);
void tdagi_write_close(tdagi_writer *json, char bracket); /* '}' or ']' */
void tdagi_write_string(tdagi_writer *json, const char *key, const char *value);
void tdagi_write_int(tdagi_writer *json, const char *key, int64_t value);
/* An integer, or {"formula": ..., "at_sample": n}. */
void tdagi_write_count(tdagi_writer *json, const char *key, const tdagi_pool *pool,
                       tdag_dim value);
/* [2, "N", "4*N+1"] */
void tdagi_write_shape(tdagi_writer *json, const char *key, const tdagi_pool *pool,
                       uint32_t rank, const tdag_dim *shape);
/* Items of an open array that another writer wrote at the same depth. */
void tdagi_write_append(tdagi_writer *json, const tdagi_text *items);

#endif
