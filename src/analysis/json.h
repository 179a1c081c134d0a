/* Writing JSON: integers of 64 bits stay exact, keys come in the order of the calls.
 * Containers deeper than the first array stand on one line. */
#ifndef TDAGI_JSON_H
#define TDAGI_JSON_H

#include "base/dim.h"
#include "base/text.h"

typedef struct tdagi_json {
    tdagi_text text; /* errors stick here */
    uint32_t depth;
    bool has_items; /* of the innermost open container */
} tdagi_json;

/* key is NULL inside an array and for the outermost value. bracket: '{' or '['. */
void tdagi_json_open(tdagi_json *json, const char *key, char bracket);
void tdagi_json_close(tdagi_json *json, char bracket); /* '}' or ']' */
void tdagi_json_string(tdagi_json *json, const char *key, const char *value);
void tdagi_json_int(tdagi_json *json, const char *key, int64_t value);
/* An integer, or {"formula": ..., "at_sample": n}. */
void tdagi_json_count(tdagi_json *json, const char *key, const tdagi_pool *pool,
                      tdag_dim value);
/* [2, "N", "4*N+1"] */
void tdagi_json_shape(tdagi_json *json, const char *key, const tdagi_pool *pool,
                      uint32_t rank, const tdag_dim *shape);
/* Items of an open array that another writer wrote at the same depth. */
void tdagi_json_append(tdagi_json *json, const tdagi_text *items);

#endif
